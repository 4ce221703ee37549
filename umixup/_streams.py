"""Where a drop-in's random numbers come from, whichever process calls it."""

from __future__ import annotations

import os

import torch

from umixup._random import generator_for


class Source:
    """torch's global generator, a given one, or a generator from ``seed`` in each process.

    With a seed, every loader worker and every rank draws differently. A worker is identified by the
    seed that torch gives it, which is new in each epoch: workers may be restarted in each, and must
    not repeat their draws. A copy sent to another process makes a generator of its own there.
    """

    def __init__(self, seed: int | None, generator: torch.Generator | None) -> None:
        self._seed, self._generator = seed, generator
        self._process: tuple[int, str, int] | None = None  # where the generator was made
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
        process = (os.getpid(), rank, 0 if worker is None else worker.seed)
        if process != self._process:
            stream = f"mixing/{rank}/{process[2]}"
            self._process, self._generator = process, generator_for(self._seed, stream)
        return self._generator

    def __getstate__(self) -> dict[str, object]:
        if self._seed is None:
            return self.__dict__
        rank = self._rank or _initialized_rank()
        return {"_seed": self._seed, "_generator": None, "_process": None, "_rank": rank}


def _initialized_rank() -> str | None:
    distributed = torch.distributed
    if distributed.is_available() and distributed.is_initialized():
        return str(distributed.get_rank())
    return None


def _rank() -> str:
    """This process's rank in torch.distributed, or else in the variables of torchrun or Slurm."""
    found = _initialized_rank() or os.environ.get("RANK") or os.environ.get("SLURM_PROCID")
    return found or "0"
