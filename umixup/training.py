"""The trainer: one config in, one run out.

    config = profile("quick", scheme="U(B(2.2,0.9))", seed=1)
    run = train(config)
    run.error, run.record()

Each epoch draws its whole plan first; a step gathers, augments and mixes tensors that already lie
on the device.
"""

from __future__ import annotations

import functools
import json
import math
import os
import reprlib
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

import torch
from torch import Tensor, nn
from tqdm import tqdm

from umixup import checkpoints as checkpoint
from umixup import data as datasets
from umixup import losses, measures, pairs, results
from umixup._random import drawing_from, generator_for
from umixup.evaluation import test_error
from umixup.mixing import mix
from umixup.models import PreActResNet18
from umixup.schemes import parse

#: A profile fixes the recipe; a config adds the data set, the scheme, the loss and the seed. "full"
#: is the paper's recipe; the others are reduced, and named wherever they are shown.
PROFILES: dict[str, dict[str, Any]] = {
    "quick": dict(
        width=8,
        epochs=20,
        milestones=(10, 15),
        crop_padding=1,
        flip=False,
    ),
    "small": dict(width=8, epochs=8, milestones=(5, 7), train_size=6000),
    "full": dict(),
}
_DATA_OF = {"quick": "digits", "small": "fashion-mnist", "full": "fashion-mnist"}
#: The losses that the trainer knows.
TRAINED_LOSSES = ("ce", "nc", "nc-released")
# All other fields are the recipe. What is tested and measured changes no training.
_SETTING = ("dataset", "scheme", "loss", "seed", "augment_test", "measures")


@dataclass(frozen=True)
class Config:
    """Everything that changes a result. The defaults are the paper's recipe.

    Attributes:
        dataset: a name in ``um.data.NAMES``, or ``folder:PATH`` or ``folder:PATH@SIDE``.
        scheme: as ``um.parse`` reads it; kept in its shortest form.
        loss: "ce", or the negative cosine to fixed label vectors: "nc" as the paper's text has it,
            "nc-released" as the authors' code does.
        label_dim: of the label vectors; ``None`` is the paper's, 300 (700 for CIFAR100).
        pairing: a name in ``um.pairs.PAIRINGS``.
        lam_per: "sample" or "batch".
        width: of PreActResNet18; 64 in the paper.
        epochs: passes over the training set, ≥ 1.
        batch_size: ≥ 1.
        learning_rate, momentum, weight_decay: of SGD.
        milestones: epochs after which the learning rate is divided by 10, by 100 after one that is
            named twice; kept in increasing order. Those from ``epochs`` on are never reached.
        crop_padding: pixels of padding before a random crop; 0 leaves it out.
        flip: mirror each image with probability ½.
        train_size: how many of the first training samples are used; ``None``: all.
        augment_test: also test with the training set's crops and flips, as the authors did on
            MNIST and Fashion-MNIST.
        precision: "float32", "bfloat16" (autocast), or "auto": bfloat16 on a GPU only.
        seed: ≥ 0.
        measures: names in ``um.measures.MEASURES``: what else is measured on the trained network.
            They need cross-entropy; and "calibration" a ``train_size`` below that of the data set,
            since it fits a temperature on the rest.

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
    label_dim: int | None = None
    augment_test: bool = False
    precision: str = "auto"
    seed: int = 0
    measures: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        datasets.check_name(self.dataset)
        if not isinstance(self.scheme, str):
            raise ValueError(f"scheme = {self.scheme!r}: it must be text such as 'U(B(2.2,0.9))'")
        object.__setattr__(self, "scheme", str(parse(self.scheme)))
        for name, allowed in {**_CHOICES, "pairing": tuple(pairs.PAIRINGS)}.items():
            if getattr(self, name) not in allowed:
                raise ValueError(
                    f"{name} = {getattr(self, name)!r}: it must be one of {', '.join(allowed)}"
                )
        whole = {"width": 1, "epochs": 1, "batch_size": 1, "crop_padding": 0, "seed": 0}
        numbers = {name: (getattr(self, name), least) for name, least in whole.items()}
        for name in ("train_size", "label_dim"):
            if getattr(self, name) is not None:
                numbers[name] = getattr(self, name), 1
        if not isinstance(self.milestones, (list, tuple)):
            raise ValueError(
                f"milestones = {self.milestones!r}: it must be a list of whole numbers ≥ 1, "
                "such as [100, 150]; it may be empty"
            )
        numbers |= {f"milestones[{k}]": (value, 1) for k, value in enumerate(self.milestones)}
        for name, (value, least) in numbers.items():
            if type(value) is not int or value < least:
                raise ValueError(f"{name} = {value!r}: it must be a whole number ≥ {least}")
        # their order changes nothing that is trained: one config, one hash
        object.__setattr__(self, "milestones", tuple(sorted(self.milestones)))
        if self.loss == "ce" and self.label_dim is not None:
            raise ValueError(f"label_dim = {self.label_dim!r}: cross-entropy has no label vectors")
        for name in ("learning_rate", "momentum", "weight_decay"):
            value = getattr(self, name)
            wrong = isinstance(value, bool) or not isinstance(value, (int, float))
            if wrong or not 0 <= value <= sys.float_info.max:
                raise ValueError(f"{name} = {value!r}: it must be a finite number ≥ 0")
            object.__setattr__(self, name, float(value))  # 0 and 0.0 are one config
        for name in ("flip", "augment_test"):
            if not isinstance(getattr(self, name), bool):
                raise ValueError(f"{name} = {getattr(self, name)!r}: it must be True or False")
        self._check_measures()

    def _check_measures(self) -> None:
        known = tuple(measures.MEASURES)
        listed = isinstance(self.measures, (list, tuple))
        if not listed or any(name not in known for name in self.measures):
            raise ValueError(
                f"measures = {self.measures!r}: it must be a list of some of {', '.join(known)}"
            )
        object.__setattr__(self, "measures", tuple(sorted(set(self.measures))))
        if self.measures and self.loss != "ce":
            raise ValueError(
                f"measures = {self.measures!r}: they need loss 'ce', not {self.loss!r}"
            )
        if "calibration" in self.measures and self.train_size is None:
            raise ValueError(
                "measures: 'calibration' fits a temperature on training samples that are left out; "
                "give a train_size"
            )

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

    def plain(self) -> dict[str, Any]:
        """The fields as plain data; without ``measures`` where there are none.

        So the hash of a config that measures nothing is the one it had before there were any.
        """
        values = asdict(self)
        return values if self.measures else {k: v for k, v in values.items() if k != "measures"}

    def rate(self, epoch: int) -> float:
        """The learning rate in an epoch, 1 … ``epochs``.

        >>> config = Config(epochs=5, milestones=(2, 4))
        >>> [round(config.rate(epoch), 4) for epoch in range(1, 6)]
        [0.1, 0.1, 0.01, 0.01, 0.001]
        """
        return self.learning_rate * 0.1 ** sum(m < epoch for m in self.milestones)

    def to_json(self) -> str:
        """The fields as JSON."""
        return json.dumps(self.plain(), indent=1)

    @classmethod
    def from_json(cls, text: str) -> Config:
        """The config of such a JSON text; fields that are left out have their defaults.

        Raises:
            ValueError: no JSON object, a field that there is not, or one out of range.

        >>> Config.from_json('{"dataset": "digits", "epochs": 3, "milestones": []}').epochs
        3
        """
        known = sorted(field.name for field in fields(cls))
        try:
            values, why = json.loads(text), "JSON, but no object"
        except (ValueError, TypeError, RecursionError) as error:
            values, why = None, f"no JSON: {error}"
        if not isinstance(values, dict):
            raise ValueError(
                f"config = {reprlib.repr(text)} ({why}): it must be a JSON object of fields, as\n"
                '    {"dataset": "digits", "scheme": "B(1,1)", "epochs": 20, "milestones": [10]}\n'
                f"its fields are {', '.join(known)}"
            )
        if alien := sorted(values.keys() - set(known)):
            raise ValueError(f"config: {alien} unknown; its fields are {', '.join(known)}")
        return cls(**values)

    def hash(self) -> str:
        """Sixteen hexadecimal digits that differ where any field differs."""
        return results.digest(self.plain())


_CHOICES = {
    "loss": TRAINED_LOSSES,
    "lam_per": ("sample", "batch"),
    "precision": ("auto", "float32", "bfloat16"),
}


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
        augmented_test_errors: the same with the training set's crops and flips; empty unless
            ``config.augment_test``.
        train_losses: the scheme's own loss, averaged over each epoch's samples.
        seconds: wall time of training, evaluation and measures, over all sittings.
        sittings: from each start or resumption on: date, versions, machine, device, threads, and
            whether the network was compiled.
        data: the fingerprint of the samples that were used.
        model: the trained network, in evaluation mode.
        label_vectors: (C, d); the predicted class is that of the vector with the largest product.
        measured: for each of the config's measures, what it gave.
    """

    config: Config
    test_errors: list[float]
    augmented_test_errors: list[float]
    train_losses: list[float]
    seconds: float
    sittings: list[dict[str, Any]]
    data: str
    model: nn.Module = field(repr=False)
    label_vectors: Tensor = field(repr=False)
    measured: dict[str, dict[str, Any]] = field(default_factory=dict, repr=False)

    @property
    def averaged_epochs(self) -> int:
        """Over how many last epochs ``error`` averages: the paper's 10 of 200; in a run below 40
        epochs, those of its last quarter, but at least one."""
        return max(1, min(10, len(self.test_errors) // 4))

    @property
    def error(self) -> float:
        """Mean test error over the last epochs, a share of 1."""
        return self._mean(self.test_errors)

    @property
    def augmented_error(self) -> float | None:
        """The same of ``augmented_test_errors``; ``None`` where there are none."""
        return self._mean(self.augmented_test_errors) if self.augmented_test_errors else None

    def _mean(self, errors: list[float]) -> float:
        last = errors[-self.averaged_epochs :]
        return sum(last) / len(last)

    def record(self) -> dict[str, Any]:
        """The run as plain data for ``um.results.write``."""
        return {
            "schema": results.SCHEMA,
            "hash": self.config.hash(),
            "profile": self.config.profile,
            "recipe": results.digest(self.config.recipe()),
            "config": self.config.plain(),
            "error": self.error,
            "augmented_error": self.augmented_error,
            "averaged_epochs": self.averaged_epochs,
            "test_errors": self.test_errors,
            "augmented_test_errors": self.augmented_test_errors,
            "train_losses": self.train_losses,
            "seconds": self.seconds,
            "data": self.data,
            "sittings": self.sittings,
            **({"measured": self.measured} if self.measured else {}),
        }


def new_model(config: Config, data: datasets.DataSet) -> nn.Module:
    """The config's network with its initial weights, which depend on the seed alone."""
    with drawing_from(generator_for(config.seed, "init")):
        outputs = new_label_vectors(config, len(data.classes)).shape[1]
        return PreActResNet18(outputs, data.train_x.shape[1], config.width)


def new_label_vectors(config: Config, classes: int) -> Tensor:
    """φ of every class, (C, d): one-hot for cross-entropy, else orthonormal, of the seed alone."""
    if config.loss == "ce":
        return torch.eye(classes)
    dim = config.label_dim or (700 if config.dataset.startswith("cifar100") else 300)
    if dim < classes:
        raise ValueError(
            f"label_dim = {dim}: {config.dataset} has {classes} classes; it must be at least that"
        )
    return losses.label_vectors(classes, dim, generator_for(config.seed, "labels"))


def train(
    config: Config,
    *,
    data: datasets.DataSet | None = None,
    device: torch.device | str | None = None,
    progress: bool | None = None,
    checkpoints: str | os.PathLike[str] | None = None,
    every: int = 10,
    resume: bool = False,
    compile: bool | str | None = None,
) -> Run:
    """Train a config, and test after every epoch.

    Args:
        config: what to train.
        data: the data set, if it is already loaded; else ``um.data.load(config.dataset)``.
        device: by default a GPU if there is one.
        progress: show a bar; by default only in a terminal.
        checkpoints: a folder for this run alone. Ctrl-C leaves a checkpoint there.
        every: epochs from one checkpoint to the next, ≥ 1; the last epoch has one too.
        resume: go on from the latest checkpoint; from the start where there is none. On a CPU,
            with as many threads, to the same bits as without the break.
        compile: the network by ``torch.compile``, or by a backend of its own by name; by default
            on a GPU alone, as it takes a minute and a compiler.

    Raises:
        ValueError: a batch larger than the training set, a batch of one sample, data of another
            name, a device that is not here, checkpoints of another config, or some in the folder
            though not ``resume``.
        FileNotFoundError: the data set's files are not there.
        FloatingPointError: the loss is no longer finite.
        KeyboardInterrupt: Ctrl-C; the message says how to go on.
    """
    if type(every) is not int or every < 1:
        raise ValueError(f"every = {every!r}: it must be a whole number ≥ 1")
    if resume and checkpoints is None:
        raise ValueError("resume = True: it needs the folder of the checkpoints")
    device = _usable(device)
    whole = datasets.load(config.dataset) if data is None else data
    if whole.name != config.dataset:
        raise ValueError(f"data is {whole.name!r}, config.dataset {config.dataset!r}")
    data = whole.first(config.train_size).to(device)
    n = len(data.train_x)
    if "calibration" in config.measures and n == len(whole.train_x):
        raise ValueError(
            f"train_size = {n}: it must leave samples of {whole.title} to fit a temperature on"
        )
    if config.batch_size > n:
        raise ValueError(f"batch_size = {config.batch_size}: the training set has {n} samples")
    if 1 in (config.batch_size, n % config.batch_size):
        raise ValueError(
            f"batch_size = {config.batch_size}: of {n} samples it leaves a batch of one, "
            "which batch normalisation cannot train on; choose another"
        )
    state = None
    if checkpoints is not None:
        checkpoint.check_folder(checkpoints)
        state = checkpoint.latest(checkpoints, config.plain())
    if state is not None and not resume:
        raise ValueError(
            f"checkpoints = {str(checkpoints)!r}: a run was begun there; go on with resume=True, "
            "or name another folder"
        )
    trainer = Trainer(config, data, device, compile=compile)
    if state is not None:
        trainer.restore(state)
    shown = sys.stderr.isatty() if progress is None else progress
    with (
        tqdm(
            total=config.epochs * n,
            initial=trainer.samples_done,
            unit="sample",
            unit_scale=True,
            disable=not shown,
            desc=config.scheme,
        ) as bar,
        _interruptible(checkpoints is not None) as interrupted,
    ):
        while trainer.epoch < config.epochs:
            trainer.run_epoch(bar, interrupted)
            due = trainer.epoch % every == 0 or trainer.epoch == config.epochs
            if checkpoints is not None and (due or interrupted):
                path = checkpoint.save(checkpoints, trainer.state())
            if interrupted:
                raise KeyboardInterrupt(
                    f"stopped after {trainer.epoch} of {config.epochs} epochs; {path} has it. To "
                    f"go on: train(config, checkpoints={str(checkpoints)!r}, resume=True)"
                )
    run = trainer.run()
    if config.measures:
        _measure(run, whole, device)
    return run


def _measure(run: Run, data: datasets.DataSet, device: torch.device) -> None:
    """Take the config's measures of a trained network."""
    config, start = run.config, time.perf_counter()
    plain = replace(config, scheme="ERM", seed=config.seed + 10_000, measures=())
    subject = measures.Subject(
        run.model,
        data.to(device),
        trained_on=config.train_size or len(data.train_x),
        seed=config.seed,
        source=lambda: _source(plain, data, device),
    )
    run.measured = {name: measures.MEASURES[name](subject) for name in config.measures}
    run.seconds += time.perf_counter() - start


@functools.lru_cache(maxsize=16)
def _source(config: Config, data: datasets.DataSet, device: torch.device) -> nn.Module:
    """A network to make attacks on: the runs of one seed, which a sweep does in one go, share it.

    Data are the same here if they are the same object.
    """
    return train(config, data=data, device=device, progress=False).model


def _usable(device: torch.device | str | None) -> torch.device:
    """The device of that name, on which a number can be stored; by default a GPU, else the CPU."""
    if device is None:
        device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        found = torch.device(device)
        torch.zeros(1, device=found).item()  # "meta" stores none
    except Exception as error:  # what torch raises depends on the kind of device
        here = ["cpu"]
        if torch.accelerator.is_available():
            kind = str(torch.accelerator.current_accelerator())
            here += [kind, *(f"{kind}:{k}" for k in range(torch.accelerator.device_count()))]
        raise ValueError(
            f"device = {str(device)!r}: it must be one that torch can use here: {', '.join(here)}"
        ) from error
    return found


@contextmanager
def _interruptible(wanted: bool) -> Iterator[list[bool]]:
    """Inside, the first Ctrl-C is noted in the list instead of raised; a second one is raised.

    A process that ignores Ctrl-C, as one in the background may, goes on ignoring it.
    """
    noted: list[bool] = []
    before = signal.getsignal(signal.SIGINT)
    main = threading.current_thread() is threading.main_thread()
    if not (wanted and main and callable(before)):
        yield noted
        return

    def note(number: int, frame: object) -> None:
        noted.append(True)
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, note)
    try:
        yield noted
    finally:
        signal.signal(signal.SIGINT, before)


def _fastest_layout(width: int, device: torch.device) -> torch.memory_format:
    """channels_last, but for widths where a CPU is slower, or fails, in it.

    As ``benchmarks/step.py`` measures: some 1.1 to 1.25 times as fast. Not below 16 channels on
    several threads, where batch normalisation slows down; and off oneDNN's blocks of 8 channels
    torch 2.15 corrupts memory.
    """
    narrow = width < 16 and torch.get_num_threads() > 1
    if device.type == "cpu" and (width % 8 or narrow):
        return torch.contiguous_format
    return torch.channels_last


class Trainer:
    """A run under way: what a checkpoint holds, and how an epoch goes. ``train`` drives it.

    Attributes:
        epoch, step: how many epochs are done, and how many steps of the next.
    """

    def __init__(
        self,
        config: Config,
        data: datasets.DataSet,
        device: torch.device,
        compile: bool | str | None = None,
    ) -> None:
        self.config, self.data, self.device = config, data, device
        self.scheme, self.loss = parse(config.scheme), losses.BY_NAME[config.loss]
        self.padded = nn.functional.pad(data.train_x, (config.crop_padding,) * 4)  # black
        self.vectors = new_label_vectors(config, len(data.classes)).to(device)
        model = new_model(config, data).to(device).train()
        layout = _fastest_layout(config.width, device)
        self.model = model.to(memory_format=layout)  # type: ignore[call-overload]
        wanted = device.type == "cuda" if compile is None else compile
        backend = wanted if isinstance(wanted, str) else "inductor"
        self.forward = (
            # static: the last batch is smaller, and a dynamic graph would then serve all
            torch.compile(self.model, backend=backend, dynamic=False) if wanted else self.model
        )
        self.optimizer = torch.optim.SGD(
            model.parameters(),
            config.learning_rate,
            momentum=config.momentum,
            weight_decay=config.weight_decay,
            fused=device.type in ("cpu", "cuda"),
        )
        self.bfloat16 = config.precision == "bfloat16" or (
            config.precision == "auto" and device.type == "cuda"
        )
        self.epoch = self.step = 0  # done
        self.test_errors: list[float] = []
        self.augmented_test_errors: list[float] = []
        self.train_losses: list[float] = []
        self.seconds = 0.0
        self.fingerprint = data.fingerprint()
        name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
        self.sittings = [
            {
                **results.environment(),
                "device": name,
                "threads": torch.get_num_threads(),
                "compiled": backend if wanted else None,
            }
        ]
        steps = -(-len(data.train_x) // config.batch_size)
        # Of this epoch. Each is a float32 sum, exact here; MPS has no float64. Their own sum is
        # Python's, in double precision.
        self.step_losses = torch.zeros(steps, dtype=torch.float32, device=device)

    _SAVED = ("epoch", "step", "test_errors", "augmented_test_errors", "train_losses", "seconds")

    def state(self) -> dict[str, Any]:
        """All that is needed to go on, as tensors and plain data."""
        return {
            "config": self.config.plain(),
            "data": self.fingerprint,
            "sittings": self.sittings,
            **{name: getattr(self, name) for name in self._SAVED},
            "step_losses": self.step_losses,
            "label_vectors": self.vectors,
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to where ``state`` was taken."""
        if state["data"] != self.fingerprint:
            raise ValueError(
                f"checkpoint of other data: {self.config.dataset!r} has fingerprint "
                f"{self.fingerprint} here, {state['data']} there"
            )
        for name in self._SAVED:
            setattr(self, name, state[name])
        self.sittings = state["sittings"] + self.sittings
        self.step_losses.copy_(state["step_losses"])
        self.vectors.copy_(state["label_vectors"])
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        for parameter, kept in self.optimizer.state.items():
            # fused SGD reads both in the order of memory, and the layout may be another one here
            buffer = kept.get("momentum_buffer")
            if buffer is not None:
                kept["momentum_buffer"] = torch.empty_like(parameter).copy_(buffer)

    @property
    def samples_done(self) -> int:
        """Over all epochs."""
        return self.epoch * len(self.data.train_x) + self.step * self.config.batch_size

    def batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """What is left of the epoch: mixed images (B, C, H, W) and targets (B, d), a batch each.

        The plan and all crops are drawn first; then a batch is gathers and one mixture, on tensors
        that lie on the device.
        """
        config, data = self.config, self.data
        plan = pairs.plan_epoch(
            self.scheme,
            config.pairing,
            len(data.train_x),
            batch_size=config.batch_size,
            seed=config.seed,
            epoch=self.epoch,
            lam_per=config.lam_per,
        )
        plan = pairs.Plan(*(v.to(self.device) for v in plan))
        sides = torch.stack([plan.first, plan.second])
        offsets, flips = (c.to(self.device) for c in _crops(config, 2, len(plan.lam), self.epoch))
        for k in range(self.step, len(self.step_losses)):
            part = slice(k * config.batch_size, (k + 1) * config.batch_size)
            first, second, lam, gamma = (v[part] for v in plan)
            images = datasets.gather_crops(
                self.padded,
                sides[:, part].flatten(),  # (2, B) -> (2B,)
                offsets[:, part].flatten(0, 1),
                flips[:, part].flatten(),
                config.crop_padding,
            ).float()
            x, x2 = images.split(images.shape[0] // 2)
            y, y2 = self.vectors[data.train_y[first]], self.vectors[data.train_y[second]]
            # normalised once: it is the same of the mixture as of each
            yield data.normalize(mix(x, x2, lam)), mix(y, y2, gamma)

    def train_on(self, x: Tensor, target: Tensor) -> Tensor:
        """One step of SGD; the loss of each sample, (B,)."""
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bfloat16):
            outputs = self.forward(x)
        values = self.loss(outputs, target)
        self.optimizer.zero_grad(set_to_none=True)
        values.mean().backward()
        self.optimizer.step()
        return values.detach()

    def run_epoch(self, bar: tqdm[Any], interrupted: list[bool]) -> None:
        """The rest of an epoch and its test, or what there was of it until interrupted."""
        start = time.perf_counter()
        for group in self.optimizer.param_groups:
            group["lr"] = self.config.rate(self.epoch + 1)
        for x, target in self.batches():
            self.step_losses[self.step] = self.train_on(x, target).sum()
            self.step += 1
            bar.update(len(x))
            if interrupted and self.step < len(self.step_losses):
                self.seconds += time.perf_counter() - start
                return
        self._close_epoch()
        self.seconds += time.perf_counter() - start
        bar.set_postfix(
            error=f"{100 * self.test_errors[-1]:.2f}%", loss=f"{self.train_losses[-1]:.3f}"
        )

    def _close_epoch(self) -> None:
        """What waits for the device, once an epoch: the losses and the test."""
        step_losses = self.step_losses.tolist()
        for k, value in enumerate(step_losses):
            if not math.isfinite(value):
                raise FloatingPointError(
                    f"epoch {self.epoch + 1}, step {k + 1} of {len(step_losses)}: the training "
                    f"loss is {value}; try a learning_rate below {self.config.learning_rate}"
                )
        self.train_losses.append(sum(step_losses) / len(self.data.train_x))
        data = self.data
        self.test_errors.append(float(test_error(self.model, data, self.vectors)))
        if self.config.augment_test:
            drawn = _crops(self.config, 1, len(data.test_x), self.epoch, "test augmentation")
            offsets, flips = (c[0].to(self.device) for c in drawn)
            padding = self.config.crop_padding
            moved = datasets.crop_and_flip(data.test_x, offsets, flips, padding)
            error = test_error(self.model, replace(data, test_x=moved), self.vectors)
            self.augmented_test_errors.append(float(error))
        if not math.isfinite(self.test_errors[-1]):
            raise FloatingPointError(
                f"epoch {self.epoch + 1}: the network's outputs on the test set are not finite; "
                f"try a learning_rate below {self.config.learning_rate}"
            )
        self.epoch, self.step = self.epoch + 1, 0

    def run(self) -> Run:
        """What came of it."""
        return Run(
            self.config,
            self.test_errors,
            self.augmented_test_errors,
            self.train_losses,
            self.seconds,
            self.sittings,
            self.fingerprint,
            self.model.eval(),
            self.vectors,
        )


def _crops(
    config: Config, sides: int, n: int, epoch: int, stream: str = "augmentation"
) -> tuple[Tensor, Tensor]:
    """Offsets (sides, n, 2) and flips (sides, n): of the first samples, then of the second."""
    generator = generator_for(config.seed, stream, epoch)
    offsets = torch.randint(2 * config.crop_padding + 1, (sides, n, 2), generator=generator)
    return offsets, (torch.rand(sides, n, generator=generator) < 0.5) & config.flip
