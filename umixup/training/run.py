"""``train``: one config in, one run out."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from tqdm import tqdm

from umixup import _check as check
from umixup.training import checkpoints as checkpoint
from umixup.training import data as datasets
from umixup.training.config import Config, digest
from umixup.training.environment import in_terminal
from umixup.training.loop import interruptible, memory_for, undisturbed, usable
from umixup.training.outcomes import pack
from umixup.training.states import name as checkpoint_name
from umixup.training.trainer import Trainer, training_samples

#: Version of the record format; other versions are refused.
SCHEMA = 1


@dataclass
class Run:
    """The outcome of training a config.

    Attributes:
        config: what was trained.
        test_errors: after each epoch that ``config.tested`` asks for, as fractions.
        augmented_test_errors: the same with the training set's crops and flips; empty unless
            ``config.augment_test``.
        train_losses: the scheme's own loss, averaged over each epoch's samples.
        seconds: wall time of training, evaluation and measures, over all sessions.
        sittings: one entry for each session, that is, each start or resumption: date, versions,
            machine, device, threads, and whether the network was compiled.
        data: the fingerprint of the samples that were used.
        model: the trained network, in evaluation mode.
        label_vectors: (C, d); the predicted class is that of the vector with the largest product.
        outcomes: which test images were misclassified, in each of the epochs that ``error``
            averages, (epochs, images) bool; shorter if the run began before this was kept.
        measured: what each of the config's measures found; ``um.measures.measure`` fills it.
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
    outcomes: Tensor = field(default_factory=lambda: torch.zeros(0, 0).bool(), repr=False)
    measured: dict[str, dict[str, Any]] = field(default_factory=dict, repr=False)

    @property
    def averaged_epochs(self) -> int:
        """How many of the last epochs ``error`` averages."""
        return self.config.averaged_epochs

    @property
    def error(self) -> float:
        """Mean test error over the last epochs, as a fraction."""
        return self._mean(self.test_errors)

    @property
    def augmented_error(self) -> float | None:
        """Mean of ``augmented_test_errors`` over the same epochs; ``None`` if that is empty."""
        return self._mean(self.augmented_test_errors) if self.augmented_test_errors else None

    def _mean(self, errors: list[float]) -> float:
        last = errors[-self.averaged_epochs :]
        return sum(last) / len(last)

    def record(self) -> dict[str, Any]:
        """The run as plain data for ``um.results.write``.

        Raises:
            ValueError: the config asks for measures that have not been taken.
        """
        if self.measured.keys() != set(self.config.measures):
            raise ValueError(
                f"measures = {self.config.measures!r}: not measured yet; call "
                "um.measures.measure(run) first"
            )
        known = len(self.outcomes) == self.averaged_epochs
        return {
            "schema": SCHEMA,
            "hash": self.config.hash(),
            "profile": self.config.profile,
            "recipe": digest(self.config.recipe()),
            "config": self.config.plain(),
            "error": self.error,
            "augmented_error": self.augmented_error,
            "averaged_epochs": self.averaged_epochs,
            "test_errors": self.test_errors,
            "augmented_test_errors": self.augmented_test_errors,
            "train_losses": self.train_losses,
            "seconds": self.seconds,
            "data": self.data,
            **({"outcomes": pack(self.outcomes)} if known else {}),
            "sittings": self.sittings,
            **({"measured": self.measured} if self.measured else {}),
        }


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
        checkpoints: a folder for this run alone. Ctrl-C saves a checkpoint there.
        every: epochs between checkpoints, ≥ 1; the last epoch is always saved.
        resume: continue from the latest checkpoint, or start if there is none. On a CPU, with the
            same number of threads, the result has the same bits as that of an unbroken run.
        compile: compile the network with ``torch.compile``, or with the backend of this name; by
            default on a GPU only, as it takes a minute and a compiler.

    Raises:
        TypeError: a config, data or a folder of another type.
        ValueError: a batch larger than the training set, a last batch of one sample, data of
            another name, a device or compiler that torch cannot use, a folder that cannot be
            written to or that another process trains with, checkpoints of another config or none
            that is good, or a folder that holds checkpoints, without ``resume``.
        FileNotFoundError: the data set's files are missing.
        FloatingPointError: a loss or an output is not finite.
        MemoryError: the config needs more memory than there is.
        KeyboardInterrupt: Ctrl-C, or with checkpoints SIGTERM; the message says how to continue.
    """
    if not isinstance(config, Config):
        raise TypeError(f"config: it must be a um.training.Config, not {type(config).__name__}")
    if not isinstance(data, datasets.DataSet | None):
        raise TypeError(f"data: it must be a um.data.DataSet, not {type(data).__name__}")
    every = check.whole("every", every, 1)
    check.one_of("resume", resume, (True, False))
    if resume and checkpoints is None:
        raise ValueError("resume = True: it needs the folder of the checkpoints")
    device = usable(device)
    whole = datasets.load(config.dataset) if data is None else data
    if whole.name != config.dataset:
        raise ValueError(f"data is {whole.name!r}, config.dataset {config.dataset!r}")
    with undisturbed(device), memory_for(config, device), ExitStack() as stack:
        if config.subset == "first":
            data = whole.first(config.train_size).to(device)
        else:
            data = whole.part(training_samples(config, whole)).to(device)
        _check_sizes(config, len(data.train_x), whole)
        trainer = Trainer(config, data, device, compile=compile)
        saver = None
        if checkpoints is not None:
            stack.enter_context(checkpoint.reserved(checkpoints, trainer.largest_state))
            saver = checkpoint.Saver(checkpoints)
            _resume(trainer, saver, resume)
        _drive(trainer, saver, every, in_terminal() if progress is None else progress)
    return Run(
        config,
        trainer.test_errors,
        trainer.augmented_test_errors,
        trainer.train_losses,
        trainer.seconds,
        trainer.sittings,
        trainer.fingerprint,
        trainer.model.eval(),
        trainer.vectors,
        trainer.outcomes,
    )


def _resume(trainer: Trainer, saver: checkpoint.Saver, wanted: bool) -> None:
    """Put the trainer where the folder's latest checkpoint is, if there is one.

    Raises:
        ValueError: there is one, but it is not ``wanted``, or none is good.
    """
    if not wanted and checkpoint.found(saver.folder):
        raise ValueError(
            f"checkpoints = {str(saver.folder)!r}: it holds a run that has begun; continue it with "
            "resume=True, or name another folder"
        )
    state = checkpoint.latest(saver.folder, trainer.config.plain(), trainer)
    if state is not None:
        trainer.restore(state)
        saver.path = saver.folder / checkpoint_name(trainer.epoch, trainer.step)


def _drive(trainer: Trainer, saver: checkpoint.Saver | None, every: int, shown: bool) -> None:
    """Train to the last epoch, and save on the way.

    Raises:
        KeyboardInterrupt: Ctrl-C or SIGTERM.
    """
    config = trainer.config
    with (
        tqdm(
            total=config.epochs * len(trainer.data.train_x),
            initial=trainer.samples_done,
            unit="sample",
            unit_scale=True,
            disable=not shown,
            desc=config.scheme,
        ) as bar,
        interruptible(saver is not None) as interrupted,
    ):
        try:
            while trainer.epoch < config.epochs:
                trainer.run_epoch(bar, interrupted)
                stop = bool(interrupted)
                due = trainer.epoch % every == 0 or trainer.epoch == config.epochs
                if saver is not None and (due or stop):
                    saver.save(trainer.state())
                if stop:
                    break
        except KeyboardInterrupt:  # stop at once: the state may be that of half a step
            if saver is None:
                raise
            interrupted.append(time.monotonic())
    if interrupted and saver is not None:
        raise KeyboardInterrupt(
            f"stopped after {trainer.epoch} of {config.epochs} epochs; {saver.outcome()}"
        )


def _check_sizes(config: Config, n: int, whole: datasets.DataSet) -> None:
    if "calibration" in config.measures and n == len(whole.train_x):
        raise ValueError(
            f"train_size = {n}: it must leave samples of {whole.title} to fit a temperature on"
        )
    if not len(whole.test_x):
        raise ValueError(f"data: {whole.title} has no test images")
    if config.batch_size > n:
        raise ValueError(f"batch_size = {config.batch_size}: the training set has {n} samples")
    if 1 in (config.batch_size, n % config.batch_size):
        raise ValueError(
            f"batch_size = {config.batch_size}: of {n} samples it leaves a batch of one, "
            "which batch normalisation cannot train on; choose another"
        )
