"""Where a drop-in's random numbers come from, whichever process calls it."""

from __future__ import annotations

import os
import threading
from typing import Any

import torch

from umixup import _check as check
from umixup._random import generator_for

_one_at_a_time = threading.Lock()


class Source:
    """torch's global generator, a given one, or a generator from ``seed`` in each process.

    With a seed, every loader worker and every rank draws differently. A worker is identified by the
    seed that torch gives it, which is new in each epoch: workers may be restarted in each, and must
    not repeat their draws. A copy sent to another process makes a generator of its own there; one
    in the same process goes on with the numbers of the original.
    """

    _copied: torch.Tensor | None = None  # the state of the generator that this is a copy of

    def __init__(self, seed: int | None, generator: torch.Generator | None) -> None:
        self._seed, self._generator = seed, generator
        self._epoch: int | None = None
        self._process: tuple[object, ...] | None = None  # where and when the generator was made
        self._rank: str | None = None  # of the process that sent this copy

    def generator(self) -> torch.Generator | None:
        """The generator to draw from now; ``None`` is torch's global one.

        Raises:
            RuntimeError: a given generator in a loader worker.
        """
        worker = torch.utils.data.get_worker_info()
        if self._seed is None:
            if worker is not None and self._generator is not None:
                raise RuntimeError(
                    "generator: every loader worker would draw the same λ from its copy; "
                    "give a seed instead"
                )
            return self._generator
        rank = self._rank or _rank()
        place: object = 0
        if worker is not None:
            place = worker.seed if self._epoch is None else f"worker {worker.id}"
        process = (os.getpid(), rank, place, self._epoch)
        with _one_at_a_time:
            if process != self._process or self._generator is None:
                stream = generator_for(self._seed, f"mixing/{rank}/{place}", self._epoch or 0)
                if process == self._process and self._copied is not None:
                    stream.set_state(self._copied)
                self._generator, self._process, self._copied = stream, process, None
            return self._generator

    def set_epoch(self, epoch: int) -> None:
        """Start the draws of an epoch: they depend on (seed, epoch, rank, worker) alone."""
        if self._seed is None:
            raise ValueError(f"epoch = {epoch}: it needs a mixer with a seed")
        self._epoch, self._process = epoch, None

    def state_dict(self) -> dict[str, object]:
        generator = self.generator()
        if generator is None:
            raise RuntimeError(
                "the mixer draws from torch's global generator: save torch.get_rng_state(), or "
                "give the mixer a seed"
            )
        rank = None if self._seed is None else self._rank or _rank()
        state = {"seed": self._seed, "rank": rank, "epoch": self._epoch}
        return {**state, "generator": generator.get_state()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        if not isinstance(state, dict) or state.keys() != {"seed", "rank", "epoch", "generator"}:
            raise ValueError(f"state = {state!r:.60}: it must be what state_dict returned")
        here = {"seed": self._seed, "rank": self._seed if self._seed is None else _rank()}
        for name, value in here.items():
            if state.get(name) != value:
                raise ValueError(
                    f"state: it is of {name} {state.get(name)}, this mixer of {value}; each rank "
                    "saves and loads its own, or calls set_epoch instead"
                )
        try:
            if state["epoch"] is not None:
                check.whole("epoch", state["epoch"])
            torch.Generator().set_state(state["generator"])
        except (TypeError, ValueError, RuntimeError) as error:
            raise ValueError(f"state: it is damaged ({error})") from None
        self._epoch, self._process = state["epoch"], None
        generator = self.generator()
        assert generator is not None
        generator.set_state(state["generator"])

    def __getstate__(self) -> dict[str, object]:
        if self._seed is None:
            return self.__dict__
        copied = self._copied if self._generator is None else self._generator.get_state()
        rank = self._rank or _initialized_rank()
        return {**self.__dict__, "_rank": rank, "_generator": None, "_copied": copied}


def _initialized_rank() -> str | None:
    distributed = torch.distributed
    if distributed.is_available() and distributed.is_initialized():
        return str(distributed.get_rank())
    return None


def _rank() -> str:
    """This process's rank in torch.distributed, or else in the variables of torchrun or Slurm."""
    found = _initialized_rank() or os.environ.get("RANK") or os.environ.get("SLURM_PROCID")
    return found or "0"
