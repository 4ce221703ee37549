"""The trainer: one config in, one run out.

    config = profile("quick", scheme="U(B(2.2,0.9))", seed=1)
    run = train(config)
    run.error, run.record()

Each epoch draws its whole plan first; a step gathers, augments and mixes tensors that already lie
on the device.
"""

from __future__ import annotations

import hashlib
import json
import math
import sys
import time
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from tqdm import tqdm

from umixup import data as datasets
from umixup import losses, pairs, results
from umixup._random import drawing_from, generator_for
from umixup.evaluation import test_error
from umixup.mixing import mix
from umixup.models import PreActResNet18
from umixup.schemes import parse

# A profile fixes the recipe; a config adds the data set, the scheme, the loss and the seed. "full"
# is the paper's recipe; the others are reduced, and named wherever they are shown.
PROFILES: dict[str, dict[str, Any]] = {
    "quick": dict(
        width=8,
        epochs=6,
        milestones=(4, 5),
        batch_size=64,
        learning_rate=0.05,
        crop_padding=1,
        flip=False,
    ),
    "small": dict(width=8, epochs=8, milestones=(5, 7), train_size=6000),
    "full": dict(),
}
_DATA_OF = {"quick": "digits", "small": "fashion-mnist", "full": "fashion-mnist"}
TRAINED_LOSSES = ("ce",)
_SETTING = ("dataset", "scheme", "loss", "seed")  # all other fields are the recipe


@dataclass(frozen=True)
class Config:
    """Everything that changes a result. The defaults are the paper's recipe.

    Attributes:
        dataset: a name in ``um.data.NAMES``.
        scheme: as ``um.parse`` reads it; kept in its shortest form.
        loss: "ce".
        pairing: a name in ``um.pairs.PAIRINGS``.
        lam_per: "sample" or "batch".
        width: of PreActResNet18; 64 in the paper.
        epochs: passes over the training set, ≥ 1.
        batch_size: ≥ 1.
        learning_rate, momentum, weight_decay: of SGD.
        milestones: epochs after which the learning rate is divided by 10.
        crop_padding: pixels of padding before a random crop; 0 leaves it out.
        flip: mirror each image with probability ½.
        train_size: how many of the first training samples are used; ``None``: all.
        seed: ≥ 0.

    Raises:
        ValueError: a field out of range; the message names it, its value and what is allowed.
    """

    dataset: str = "fashion-mnist"
    scheme: str = "ERM"
    loss: str = "ce"
    pairing: str = "two_copies"
    lam_per: str = "sample"
    width: int = 64
    epochs: int = 200
    batch_size: int = 128
    learning_rate: float = 0.1
    momentum: float = 0.9
    weight_decay: float = 1e-4
    milestones: tuple[int, ...] = (100, 150)
    crop_padding: int = 4
    flip: bool = True
    train_size: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        datasets.check_name(self.dataset)
        object.__setattr__(self, "scheme", str(parse(self.scheme)))
        object.__setattr__(self, "milestones", tuple(self.milestones))
        if not isinstance(self.pairing, str):
            raise ValueError(f"pairing = {self.pairing!r}: it must be the name of one")
        pairs.by_name(self.pairing)
        for name, allowed in (("loss", TRAINED_LOSSES), ("lam_per", ("sample", "batch"))):
            if getattr(self, name) not in allowed:
                raise ValueError(
                    f"{name} = {getattr(self, name)!r}: it must be one of {', '.join(allowed)}"
                )
        whole = {"width": 1, "epochs": 1, "batch_size": 1, "crop_padding": 0, "seed": 0}
        numbers = {name: (getattr(self, name), least) for name, least in whole.items()}
        if self.train_size is not None:
            numbers["train_size"] = self.train_size, 1
        numbers |= {f"milestones[{k}]": (value, 1) for k, value in enumerate(self.milestones)}
        for name, (value, least) in numbers.items():
            if type(value) is not int or value < least:
                raise ValueError(f"{name} = {value!r}: it must be a whole number ≥ {least}")
        for name in ("learning_rate", "momentum", "weight_decay"):
            value = getattr(self, name)
            if not isinstance(value, (int, float)) or not 0 <= value < math.inf:
                raise ValueError(f"{name} = {value!r}: it must be a finite number ≥ 0")
            object.__setattr__(self, name, float(value))  # 0 and 0.0 are one config
        if not isinstance(self.flip, bool):
            raise ValueError(f"flip = {self.flip!r}: it must be True or False")

    @property
    def profile(self) -> str:
        """The profile whose recipe this is to the letter, or "custom"."""
        for name, recipe in PROFILES.items():
            if Config(**recipe).recipe() == self.recipe():
                return name
        return "custom"

    def recipe(self) -> dict[str, Any]:
        """The fields that a profile fixes: all but data set, scheme, loss and seed."""
        return {name: value for name, value in asdict(self).items() if name not in _SETTING}

    def hash(self) -> str:
        """Sixteen hexadecimal digits that differ where any field differs."""
        return _hash(asdict(self))


def _hash(values: dict[str, Any]) -> str:
    text = json.dumps(values, sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def profile(name: str, **changes: Any) -> Config:
    """The config of a profile ("quick", "small" or "full"), with fields of your own.

    >>> profile("quick", scheme="B(1,1)", seed=3).profile
    'quick'
    >>> profile("quick", width=16).profile
    'custom'
    """
    if name not in PROFILES:
        raise ValueError(f"profile = {name!r}: it must be one of {', '.join(PROFILES)}")
    return Config(**{"dataset": _DATA_OF[name], **PROFILES[name], **changes})


@dataclass
class Run:
    """What training a config gave.

    Attributes:
        config: what was trained.
        test_errors: after each epoch, shares of 1.
        train_losses: the scheme's own loss, averaged over each epoch's samples.
        seconds: wall time of training and evaluation.
        device: "cpu" or "cuda".
        model: the trained network, in evaluation mode.
    """

    config: Config
    test_errors: list[float]
    train_losses: list[float]
    seconds: float
    device: str
    model: nn.Module = field(repr=False)

    @property
    def averaged_epochs(self) -> int:
        """Over how many last epochs ``error`` averages: the paper's 10 of 200; in a run below 40
        epochs, those of its last quarter, but at least one."""
        return max(1, min(10, len(self.test_errors) // 4))

    @property
    def error(self) -> float:
        """Mean test error over the last epochs, a share of 1."""
        last = self.test_errors[-self.averaged_epochs :]
        return sum(last) / len(last)

    def record(self) -> dict[str, Any]:
        """The run as plain data for ``um.results.write``."""
        return {
            "schema": results.SCHEMA,
            "hash": self.config.hash(),
            "profile": self.config.profile,
            "recipe": _hash(self.config.recipe()),
            "config": asdict(self.config),
            "error": self.error,
            "averaged_epochs": self.averaged_epochs,
            "test_errors": self.test_errors,
            "train_losses": self.train_losses,
            "seconds": self.seconds,
            "device": self.device,
            "threads": torch.get_num_threads(),
            "environment": results.environment(),
        }


def new_model(config: Config, data: datasets.DataSet) -> nn.Module:
    """The config's network with its initial weights, which depend on the seed alone."""
    with drawing_from(generator_for(config.seed, "init")):
        return PreActResNet18(len(data.classes), data.train_x.shape[1], config.width)


def train(
    config: Config,
    *,
    data: datasets.DataSet | None = None,
    device: torch.device | str | None = None,
    progress: bool | None = None,
) -> Run:
    """Train a config, and test after every epoch.

    Args:
        config: what to train.
        data: the data set, if it is already loaded; else ``um.data.load(config.dataset)``.
        device: by default a GPU if there is one.
        progress: show a bar; by default only in a terminal.

    Raises:
        ValueError: a batch larger than the training set, a batch of one sample, or data of
            another name.
        FileNotFoundError: the data set's files are not there.
        FloatingPointError: the loss is no longer finite.
    """
    device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    data = datasets.load(config.dataset) if data is None else data
    if data.name != config.dataset:
        raise ValueError(f"data is {data.name!r}, config.dataset {config.dataset!r}")
    data = data.first(config.train_size).to(device)
    scheme, loss = parse(config.scheme), losses.BY_NAME[config.loss]
    n = len(data.train_x)
    if config.batch_size > n:
        raise ValueError(f"batch_size = {config.batch_size}: the training set has {n} samples")
    if 1 in (config.batch_size, n % config.batch_size):
        raise ValueError(
            f"batch_size = {config.batch_size}: of {n} samples it leaves a batch of one, "
            "which batch normalisation cannot train on; choose another"
        )

    model = new_model(config, data).to(device).train()
    # oneDNN is faster in channels_last; with widths off its blocks of 8 torch 2.15 crashes there.
    if device.type == "cuda" or config.width % 8 == 0:
        model = model.to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(
        model.parameters(),
        config.learning_rate,
        momentum=config.momentum,
        weight_decay=config.weight_decay,
    )
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, list(config.milestones), gamma=0.1)
    one_hot = torch.eye(len(data.classes), device=device)

    def batch(indices: Tensor, crops: tuple[Tensor, Tensor]) -> Tensor:
        return data.normalize(
            datasets.crop_and_flip(data.train_x[indices], *crops, config.crop_padding)
        )

    test_errors, train_losses = [], []
    start = time.perf_counter()
    shown = sys.stderr.isatty() if progress is None else progress
    with tqdm(total=config.epochs * n, unit="sample", disable=not shown, desc=config.scheme) as bar:
        for epoch in range(config.epochs):
            plan = pairs.plan_epoch(
                scheme,
                config.pairing,
                n,
                batch_size=config.batch_size,
                seed=config.seed,
                epoch=epoch,
                lam_per=config.lam_per,
            )
            plan = pairs.Plan(*(v.to(device) for v in plan))
            crops = [
                c.to(device).split(config.batch_size) for c in _crops(config, len(plan.lam), epoch)
            ]
            total = torch.zeros((), device=device)
            for k, (first, second, lam, gamma) in enumerate(
                zip(*(v.split(config.batch_size) for v in plan), strict=True)
            ):
                x = batch(first, (crops[0][k], crops[1][k]))
                x2 = batch(second, (crops[2][k], crops[3][k]))
                target = mix(one_hot[data.train_y[first]], one_hot[data.train_y[second]], gamma)
                values = loss(model(mix(x, x2, lam)), target)
                optimizer.zero_grad(set_to_none=True)
                values.mean().backward()
                optimizer.step()
                total += values.detach().sum()
                bar.update(len(first))
            schedule.step()
            train_losses.append(float(total) / len(plan.lam))
            if not torch.isfinite(total):
                raise FloatingPointError(
                    f"epoch {epoch + 1}: the training loss is {train_losses[-1]}; "
                    f"try a learning_rate below {config.learning_rate}"
                )
            test_errors.append(float(test_error(model, data)))
            bar.set_postfix(error=f"{100 * test_errors[-1]:.2f}%", loss=f"{train_losses[-1]:.3f}")
    return Run(
        config,
        test_errors,
        train_losses,
        time.perf_counter() - start,
        device.type,
        model.eval(),
    )


def _crops(config: Config, n: int, epoch: int) -> tuple[Tensor, ...]:
    """Offsets and flips of an epoch's first samples, then of its second samples."""
    generator = generator_for(config.seed, "augmentation", epoch)
    drawn: list[Tensor] = []
    for _ in range(2):
        drawn.append(torch.randint(2 * config.crop_padding + 1, (n, 2), generator=generator))
        flips = torch.rand(n, generator=generator) < 0.5
        drawn.append(flips & config.flip)
    return tuple(drawn)
