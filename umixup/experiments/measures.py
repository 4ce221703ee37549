"""What may be measured on a trained network beside its error, and goes into the run's record.

A config names them: ``Config(measures=("calibration", "robustness"))``. Each gives plain numbers by
name, which ``um.results.load`` has as columns such as "calibration.ece".
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from umixup._random import generator_for
from umixup.experiments import robustness
from umixup.training import Config, Run, train
from umixup.training import data as datasets
from umixup.training.data import DataSet
from umixup.training.evaluation import calibration, reliability, temperature

#: The ε of the attacks, in shares of a pixel's range.
EPS = 0.1
#: Those of the curve of PGD's success over ε; the largest reaches any image of mid-grey.
CURVE = (0.025, 0.05, 0.1, 0.2, 0.5)
#: What the attacks may spend at ``EPS``; on the curve it is ten steps from one start.
BUDGETS: dict[str, dict[str, int]] = {
    "random": {},
    "fgsm": {},
    "pgd": dict(steps=20, restarts=3),
    "square": dict(queries=100),
    "autoattack": dict(steps=40, restarts=1, queries=100),
}
#: How many of the first test images are attacked.
ATTACKED = 100


def measure(run: Run, data: DataSet | None = None) -> None:
    """Take the measures that ``run.config`` asks for; they go into ``run.measured``.

    The attacks' transfer needs a second network, trained plainly from another seed. Runs of one
    seed share it, as long as they are measured one after another.

    Args:
        run: what ``um.training.train`` gave.
        data: the whole data set, if it is already loaded.
    """
    config, start = run.config, time.perf_counter()
    if not config.measures:
        return
    device = next(run.model.parameters()).device
    whole = (datasets.load(config.dataset) if data is None else data).to(device)
    subject = Subject(
        run.model,
        whole,
        trained_on=config.train_size or len(whole.train_x),
        seed=config.seed,
        source=lambda: _source(config, whole, device),
    )
    run.measured = {name: MEASURES[name](subject) for name in config.measures}
    run.seconds += time.perf_counter() - start


_SOURCES: dict[tuple[str, str, torch.device], nn.Module] = {}
_MOST_SOURCES = 16


def _source(config: Config, data: DataSet, device: torch.device) -> nn.Module:
    """A network to make attacks on; the last few are kept, without their data."""
    plain = replace(config, scheme="ERM", seed=config.seed + 10_000, measures=())
    key = plain.hash(), data.fingerprint(), device
    if key not in _SOURCES:
        if len(_SOURCES) == _MOST_SOURCES:
            del _SOURCES[next(iter(_SOURCES))]
        _SOURCES[key] = train(plain, data=data, device=device, progress=False).model
    return _SOURCES[key]


@dataclass(frozen=True)
class Subject:
    """A trained network, and what it is measured on.

    Attributes:
        model: in evaluation mode, from normalised images to logits.
        data: the data set; its test samples are used.
        trained_on: how many of its first training samples the network was trained on.
        seed: of the measure's own random numbers.
        source: gives a network like it, trained plainly from another seed: attacks made on that
            one show whether they transfer.
    """

    model: nn.Module
    data: DataSet
    trained_on: int
    seed: int
    source: Callable[[], nn.Module]


def measure_calibration(subject: Subject) -> dict[str, Any]:
    """Error, log-loss, Brier score and calibration error on the test set.

    Before temperature scaling, and after it under names with ``scaled_`` in front; the temperature
    is fitted on the training samples that the network was not trained on; where it gets all of
    them right there is no best one, and it is the end of its range, 1/100.

    Returns:
        ``error``, ``nll``, ``brier``, ``ece``, the same with ``scaled_`` before, ``temperature``;
        ``bins`` and ``scaled_bins``: for each of 15 bins of confidence (samples, sum of their
        confidence, how many are right), so that runs are pooled by adding.
    """
    data, net = subject.data, robustness.on_pixels(subject.model, subject.data)

    def outputs(x: Tensor) -> Tensor:
        with torch.no_grad():
            return torch.cat([net(robustness.pixels(part)) for part in x.split(500)])

    held_out = slice(subject.trained_on, None)
    fitted = temperature(outputs(data.train_x[held_out]), data.train_y[held_out])
    found: dict[str, Any] = {"temperature": fitted}
    logits = outputs(data.test_x)
    for prefix, scaled in (("", logits), ("scaled_", logits / fitted)):
        told = calibration(scaled, data.test_y)._asdict()
        found |= {prefix + name: value for name, value in told.items()}
        diagram = reliability(scaled, data.test_y)
        sums = (v.nan_to_num() * diagram.samples for v in (diagram.confidence, diagram.accuracy))
        columns = (diagram.samples, *sums)
        found[prefix + "bins"] = torch.stack([c.double() for c in columns], dim=1).tolist()
    return found


def measure_robustness(subject: Subject) -> dict[str, Any]:
    """The share of the first ``ATTACKED`` test images that the network gets wrong under attack.

    Returns:
        ``n``, ``eps``; ``error`` without attack; an error for each of ``um.robustness.ATTACKS`` at
        ``EPS``; ``transfer_fgsm`` and ``transfer_pgd``, with the images made on the source;
        ``pgd_EPS`` for each of ``CURVE``; and ``deepfool``, the median Euclidean distance at which
        the class changes, of the images that the network gets right (of the few whose class has
        not changed after all steps, how far they came).
    """
    data = subject.data
    net = robustness.on_pixels(subject.model, data)
    x, y = robustness.pixels(data.test_x[:ATTACKED]), data.test_y[:ATTACKED]

    def moved(made_on: nn.Module, method: str, eps: float, **budget: int) -> Tensor:
        generator = generator_for(subject.seed, f"attack {method}")
        return robustness.attack(made_on, x, y, method, eps, generator=generator, **budget)

    def wrong(images: Tensor) -> Tensor:
        with torch.no_grad():
            guess: Tensor = net(images).argmax(dim=1)
        return guess != y

    def error(images: Tensor) -> float:
        return float(wrong(images).double().mean())

    found: dict[str, Any] = {"n": len(x), "eps": EPS, "error": error(x)}
    found |= {name: error(moved(net, name, EPS, **BUDGETS[name])) for name in robustness.ATTACKS}
    source = robustness.on_pixels(subject.source(), data)
    for name in ("fgsm", "pgd"):
        found[f"transfer_{name}"] = error(moved(source, name, EPS, **BUDGETS[name]))
    for eps in CURVE:
        found[f"pgd_{eps:g}"] = error(moved(net, "pgd", eps, steps=10, restarts=1))
    right = x[~wrong(x)]
    if len(right):
        distance = (robustness.deepfool(net, right, steps=20) - right).flatten(1).norm(dim=1)
        found["deepfool"] = float(distance.median())
    return found


def measure_corruptions(subject: Subject) -> dict[str, Any]:
    """The error on the test set, spoilt.

    Returns:
        ``KIND_SEVERITY`` for each kind of ``um.robustness.CORRUPTIONS`` and severity 1, 2, 3, and
        ``mean``, of them all.
    """
    data = subject.data
    net = robustness.on_pixels(subject.model, data)
    x, found = robustness.pixels(data.test_x), {}
    for kind in robustness.CORRUPTIONS:
        for severity in (1, 2, 3):
            generator = generator_for(subject.seed, f"corruption {kind}", severity)
            spoilt = robustness.corrupt(x, kind, severity, generator)
            with torch.no_grad():
                guess = torch.cat([net(part).argmax(dim=1) for part in spoilt.split(500)])
            found[f"{kind}_{severity}"] = float((guess != data.test_y).double().mean())
    return {**found, "mean": sum(found.values()) / len(found)}


#: The measures by the name that a config gives.
MEASURES: dict[str, Callable[[Subject], dict[str, Any]]] = {
    "calibration": measure_calibration,
    "corruptions": measure_corruptions,
    "robustness": measure_robustness,
}
