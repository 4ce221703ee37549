"""Whether a sweep on a CPU compiles its networks."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from umixup.training import Config
from umixup.training.loop import backend

# By ``benchmarks/evidence.py``: on the digits a compiled step takes some 3 ms less of 10, on
# 28×28 images it takes more. The first compilation of a machine takes half a minute, that of a
# worker some seconds.
_PAYS_ON = ("digits", "digits:validation")
_LEAST_STEPS = 20_000  # of each worker


def pays(configs: Sequence[Config], workers: int, threads: int | None) -> bool:
    """Whether these runs are done sooner if their networks are compiled, on workers like these.

    It was measured with one thread a worker, so with more it is not.
    """
    if threads != 1 or not all(config.dataset in _PAYS_ON for config in configs):
        return False
    # At most as many steps as with all 1,437 digits.
    steps = sum(c.epochs * -(-(c.train_size or 1437) // c.batch_size) for c in configs)
    if steps < _LEAST_STEPS * workers:
        return False
    try:
        return backend(True, torch.device("cpu")) is not None
    except ValueError:  # there is no compiler
        return False
