"""What can be measured on a trained network besides its error.

    run = um.training.train(config)  # with Config(measures=("calibration", "robustness"), ...)
    um.measures.measure(run)
    run.measured["calibration"]["ece"]

The numbers become part of the run's record, and ``um.results.load`` has a column for each, such as
"calibration.ece".
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from umixup._random import generator_for
from umixup.experiments import records, robustness
from umixup.training import Config, Run, train
from umixup.training import data as datasets
from umixup.training.data import DataSet
from umixup.training.evaluation import calibration, predict, reliability, temperature
from umixup.training.loop import undisturbed
from umixup.training.outcomes import pack
from umixup.training.trainer import training_samples

#: The ε of the attacks, in units of a pixel's range.
EPS = 0.1
#: ε values of the PGD curve, with ten steps from one start; 0.5 can turn any image mid-grey.
CURVE = (0.025, 0.05, 0.1, 0.2, 0.5)
#: The budgets of the attacks at ``EPS``.
BUDGETS: dict[str, dict[str, int]] = {
    "random": {},
    "fgsm": {},
    "pgd": dict(steps=20, restarts=3),
    "square": dict(queries=100),
    "autoattack": dict(steps=40, restarts=1, queries=100),
}
#: How many test images are attacked, the first ones.
ATTACKED = 100


def check_installed(measures: Iterable[str]) -> None:
    """Check, before a run, that what its measures need is installed.

    Raises:
        ModuleNotFoundError: it is not; the message says what to install.
    """
    if needy := sorted({"attacks", "robustness"} & set(measures)):
        try:
            robustness.art()
        except ImportError as error:
            raise ModuleNotFoundError(
                f"measures: {needy[0]!r} needs the Adversarial Robustness Toolbox "
                f"({error}): pip install 'umixup[robustness]'"
            ) from error


def measure(run: Run, data: DataSet | None = None) -> None:
    """Take the measures that ``run.config`` asks for, and put them into ``run.measured``.

    The time it takes is added to ``run.seconds``. A run that has its measures is left alone.

    Transfer attacks need a second network, trained without mixing from another seed. It is shared
    by runs that differ only in their scheme, if they are measured one after another.

    Args:
        run: as ``um.training.train`` returns it.
        data: the whole data set, if it is already loaded.

    Raises:
        ValueError: data of another name than the config's.
    """
    if set(run.config.measures) <= run.measured.keys():
        return
    start = time.perf_counter()
    data = datasets.load(run.config.dataset) if data is None else data
    if data.name != run.config.dataset:
        raise ValueError(f"data is {data.name!r}, config.dataset {run.config.dataset!r}")
    device = next(run.model.parameters()).device
    data = data.to(device)
    with undisturbed(device):
        run.measured = {name: MEASURES[name](run, data) for name in run.config.measures}
    run.seconds += time.perf_counter() - start


def keep_unmeasured(run: Run, folder: str | os.PathLike[str]) -> Path:
    """Keep the record of a run that could not be measured, as that of a config without measures.

    Returns:
        Where it is, or where one of the same config was already.
    """
    return records.keep(replace(run, config=replace(run.config, measures=())).record(), folder)


def measure_calibration(run: Run, data: DataSet) -> dict[str, Any]:
    """Error, log-loss, Brier score and calibration error, before and after temperature scaling.

    The temperature is fitted on the training samples that the network was not trained on. If the
    network classifies all of them correctly, no temperature is best, and the smallest is used,
    1/100.

    Returns:
        "error", "nll", "brier" and "ece" on the test set; the same after scaling, with the prefix
        ``scaled_``; "temperature"; "bins" and "scaled_bins", a row for each of 15 confidence bins
        with the number of samples, the sum of their confidences and how many are correct. Add the
        rows of several runs to pool them.
    """
    held_out = torch.ones(len(data.train_x), dtype=torch.bool)
    held_out[training_samples(run.config, data)] = False
    fitted = temperature(predict(run.model, data.train_x[held_out], data), data.train_y[held_out])
    found: dict[str, Any] = {"temperature": fitted}
    logits = predict(run.model, data.test_x, data)
    for prefix, scaled in (("", logits), ("scaled_", logits / fitted)):
        scores = calibration(scaled, data.test_y)._asdict()
        found |= {prefix + name: value for name, value in scores.items()}
        diagram = reliability(scaled, data.test_y)
        means = torch.stack([diagram.confidence, diagram.accuracy], dim=1).nan_to_num()
        samples = diagram.samples.double()[:, None]  # (15, 1)
        found[prefix + "bins"] = torch.cat([samples, means * samples], dim=1).tolist()
    return found


def measure_scores(run: Run, data: DataSet) -> dict[str, Any]:
    """Error, log-loss, Brier score and calibration error on the test set, without scaling.

    Returns:
        "error", "nll", "brier" and "ece"; with the prefix ``train_``, error and log-loss on the
        training samples as they are, unmixed and without crops: how far they are fitted.
    """
    found = dict(calibration(predict(run.model, data.test_x, data), data.test_y)._asdict())
    used = training_samples(run.config, data).to(data.train_x.device)
    fit = calibration(predict(run.model, data.train_x[used], data), data.train_y[used])
    return {**found, "train_error": fit.error, "train_nll": fit.nll}


def measure_robustness(run: Run, data: DataSet) -> dict[str, Any]:
    """Errors on the first ``ATTACKED`` test images, attacked in several ways.

    Returns:
        "n" and "eps"; "error" without an attack; the error under each of ``um.robustness.ATTACKS``
        at ``EPS``; "transfer_fgsm" and "transfer_pgd", for images made on the second network;
        "pgd_EPS" for each ε of ``CURVE``; and "deepfool", the median Euclidean distance that
        DeepFool moves the correctly classified images, left out if there are none. If DeepFool does
        not change the class, the distance of its last step counts.
    """
    net = robustness.on_pixels(run.model, data)
    x, y = robustness.pixels(data.test_x[:ATTACKED]), data.test_y[:ATTACKED]

    def attacked(made_on: nn.Module, method: str, eps: float = EPS, **budget: int) -> float:
        """The network's error on images made by an attack on this one or another."""
        generator = generator_for(run.config.seed, f"attack {method}")
        moved = robustness.attack(made_on, x, y, method, eps, generator=generator, **budget)
        return _error(net, moved, y)

    found: dict[str, Any] = {"n": len(x), "eps": EPS, "error": _error(net, x, y)}
    found |= {name: attacked(net, name, **BUDGETS[name]) for name in robustness.ATTACKS}
    source = robustness.on_pixels(_source(run.config, data), data)
    found |= {
        f"transfer_{name}": attacked(source, name, **BUDGETS[name]) for name in ("fgsm", "pgd")
    }
    found |= {f"pgd_{eps:g}": attacked(net, "pgd", eps, steps=10, restarts=1) for eps in CURVE}
    correct = x[_classes(net, x) == y]
    if len(correct):
        moved = robustness.deepfool(net, correct, steps=20)
        found["deepfool"] = float((moved - correct).flatten(1).norm(dim=1).median())
    return found


def measure_attacks(run: Run, data: DataSet) -> dict[str, Any]:
    """Errors on all test images, attacked at ``EPS``, with the outcome of each image.

    Returns:
        "eps"; "clean", the error without an attack; the error under each of
        ``um.robustness.ATTACKS``; "transfer_pgd", for images made on a network that was trained
        without mixing; "union", the share of images misclassified under any of them, which is the
        strongest attack that they make together; "rows", all of these names but "eps" and "union",
        and "outcomes": which images are misclassified under each (``um.training.outcomes``).
    """
    net = robustness.on_pixels(run.model, data)
    source = robustness.on_pixels(_source(run.config, data), data)
    x, y = robustness.pixels(data.test_x), data.test_y
    wrong = {"clean": _classes(net, x) != y}
    made_on = {name: (net, name) for name in robustness.ATTACKS} | {"transfer_pgd": (source, "pgd")}
    for name, (attacked, method) in made_on.items():
        generator = generator_for(run.config.seed, f"attacks {name}")
        budget = BUDGETS[method]
        moved = robustness.attack(attacked, x, y, method, EPS, generator=generator, **budget)
        wrong[name] = _classes(net, moved) != y
    outcomes = torch.stack(list(wrong.values()))
    errors = {name: float(each.double().mean()) for name, each in wrong.items()}
    union = float(outcomes.any(dim=0).double().mean())
    found = {"eps": EPS, **errors, "union": union, "rows": list(wrong)}
    return {**found, "outcomes": pack(outcomes)}


def measure_corruptions(run: Run, data: DataSet) -> dict[str, Any]:
    """The error on the corrupted test set.

    Returns:
        "KIND_SEVERITY" for each kind in ``um.robustness.CORRUPTIONS`` and each severity 1, 2, 3;
        and "mean", the mean of them all.
    """
    net = robustness.on_pixels(run.model, data)
    x, y = robustness.pixels(data.test_x), data.test_y
    found = {}
    for kind in robustness.CORRUPTIONS:
        for severity in (1, 2, 3):
            generator = generator_for(run.config.seed, f"corruption {kind}", severity)
            corrupted = robustness.corrupt(x, kind, severity, generator)
            found[f"{kind}_{severity}"] = _error(net, corrupted, y)
    return {**found, "mean": sum(found.values()) / len(found)}


_SOURCES: dict[tuple[str, str, torch.device], nn.Module] = {}
_MOST_SOURCES = 16


def _source(config: Config, data: DataSet) -> nn.Module:
    """A network trained without mixing; the latest few are kept, but not their data."""
    same: dict[str, Any] = {"scheme": "ERM", "moves": "to_partner", "by_pair": "same"}
    plain = replace(config, **same, seed=config.seed + 10_000, measures=())
    device = data.test_x.device
    key = plain.hash(), data.fingerprint(), device
    if key not in _SOURCES:
        model = train(plain, data=data, device=device, progress=False).model
        if len(_SOURCES) == _MOST_SOURCES:
            del _SOURCES[next(iter(_SOURCES))]
        _SOURCES[key] = model
    return _SOURCES[key]


@torch.no_grad()
def _classes(net: nn.Module, images: Tensor) -> Tensor:
    return torch.cat([net(part).argmax(dim=1) for part in images.split(500)])


def _error(net: nn.Module, images: Tensor, y: Tensor) -> float:
    return float((_classes(net, images) != y).double().mean())


#: The measures by name; ``um.training.MEASURES`` lists the same names.
MEASURES: dict[str, Callable[[Run, DataSet], dict[str, Any]]] = {
    "attacks": measure_attacks,
    "calibration": measure_calibration,
    "corruptions": measure_corruptions,
    "robustness": measure_robustness,
    "scores": measure_scores,
}
