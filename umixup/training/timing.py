"""How long a run would take on this machine, from a few of its own steps."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from umixup.training import data as datasets
from umixup.training.config import Config
from umixup.training.evaluation import wrong
from umixup.training.loop import undisturbed, usable
from umixup.training.trainer import Trainer, training_samples

_WARM_UP = 3  # steps
_LEAST = 5  # steps that are timed
_LONGEST = 3.0  # seconds of timed steps, if there are enough of them


class Estimate(NamedTuple):
    """The parts of a run's time, in seconds.

    Attributes:
        start: until the first steps are done: compilation, the first use of the device.
        step: of training.
        test: of all test images.
        total: of the whole run, without its start and its measures.
    """

    start: float
    step: float
    test: float
    total: float


def estimate(
    config: Config,
    data: datasets.DataSet | None = None,
    *,
    device: torch.device | str | None = None,
    compile: bool | str | None = None,
) -> Estimate:
    """Time the steps and the test of a config, and multiply.

    The steps are those of ``train``: in the same layout and precision, compiled where it would be.

    Args:
        config: what would be trained.
        data: the whole data set, if it is already loaded.
        device, compile: as for ``train``.

    Errors as for ``train``.
    """
    found = usable(device)
    whole = datasets.load(config.dataset) if data is None else data
    with undisturbed(found):
        part = whole.part(training_samples(config, whole)).to(found)
        begin = time.perf_counter()
        trainer = Trainer(config, part, found, compile=compile)
        batches = warmed_up(trainer)
        start = now(found) - begin
        begin, steps = now(found), 0
        while steps < _LEAST or now(found) - begin < _LONGEST:
            for _ in range(_LEAST):
                trainer.train_on(*next(batches))
            steps += _LEAST
        step = (now(found) - begin) / steps
        for _ in range(2):  # the first one may compile, too
            begin = now(found)
            wrong(trainer.model, part, trainer.vectors)
            test = now(found) - begin
    tests = sum(map(config.tests_after, range(1, config.epochs + 1)))
    all_steps = config.epochs * len(trainer.step_losses)
    total = all_steps * step + tests * (1 + config.augment_test) * test
    return Estimate(start, step, test, total)


def warmed_up(trainer: Trainer) -> Iterator[tuple[Tensor, Tensor]]:
    """Batches without end, once the trainer has done its first steps on some."""
    batches = _endless(trainer)
    for _ in range(_WARM_UP):
        trainer.train_on(*next(batches))
    return batches


def _endless(trainer: Trainer) -> Iterator[tuple[Tensor, Tensor]]:
    """Batches of one epoch after another."""
    while True:
        yield from trainer.batches()
        trainer.epoch += 1


def now(device: torch.device) -> float:
    """The time, once the device has done all that it was given."""
    if device.type != "cpu":
        torch.accelerator.synchronize(device)
    return time.perf_counter()
