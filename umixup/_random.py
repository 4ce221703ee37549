"""Where every random number comes from: one generator for each (seed, stream, epoch)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import torch


def generator_for(seed: int, stream: str, epoch: int = 0) -> torch.Generator:
    """A CPU generator that depends on ``(seed, stream, epoch)`` alone.

    Streams ("init", "pairs", "policy", "augmentation") keep their draws apart: changing how
    one of them is used does not move the others.
    """
    digest = hashlib.blake2b(f"{seed}/{stream}/{epoch}".encode(), digest_size=8).digest()
    return torch.Generator("cpu").manual_seed(int.from_bytes(digest, "big") >> 1)


@contextmanager
def drawing_from(generator: torch.Generator | None) -> Iterator[None]:
    """Inside, torch's global CPU generator follows ``generator``; after, it is as it was.

    For the samplers that take no generator (``torch.distributions``, ``nn.Module`` initialisers).
    ``None`` leaves the global generator in place, and moves it on.
    """
    if generator is None:
        yield
        return
    seed = int(torch.randint(2**63 - 1, (), generator=generator, device="cpu"))
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would reseed the GPUs too
        yield


@contextmanager
def numpy_drawing_from(generator: torch.Generator | None) -> Iterator[None]:
    """Inside, numpy's global generator follows ``generator``; after, it is as it was.

    For packages that draw from it. ``None`` leaves it in place, and moves it on.
    """
    import numpy as np

    if generator is None:
        yield
        return
    seed = int(torch.randint(2**32, (), generator=generator, device="cpu"))
    before = np.random.get_state()  # noqa: NPY002 – what ART draws from
    np.random.seed(seed)  # noqa: NPY002
    try:
        yield
    finally:
        np.random.set_state(before)  # noqa: NPY002
