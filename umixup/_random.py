"""Where every random number comes from: one generator for each (seed, stream, epoch)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from umixup import _check as check


def generator_for(seed: int, stream: str, epoch: int = 0) -> torch.Generator:
    """A CPU generator that depends on ``(seed, stream, epoch)`` alone.

    Streams ("init", "pairs", "policy", "augmentation") separate the draws of different uses:
    changing one of them leaves the others as they are.

    Raises:
        ValueError: a seed or an epoch that is not an integer.
    """
    seed, epoch = check.whole("seed", seed), check.whole("epoch", epoch)
    digest = hashlib.blake2b(f"{seed}/{stream}/{epoch}".encode(), digest_size=8).digest()
    return torch.Generator("cpu").manual_seed(int.from_bytes(digest, "big") >> 1)


@contextmanager
def lending(generator: torch.Generator | None) -> Iterator[None]:
    """Make torch's global CPU generator be ``generator`` inside: it has moved on afterwards.

    For samplers that take no generator. With ``None`` nothing changes.
    """
    if generator is None:
        yield
        return
    own = torch.default_generator
    before = own.get_state()
    own.set_state(generator.get_state())
    try:
        yield
    finally:
        generator.set_state(own.get_state())
        own.set_state(before)


def derived_from(generator: torch.Generator | None) -> torch.Generator | None:
    """A new CPU generator, seeded by a number from ``generator``; ``None`` for ``None``."""
    if generator is None:
        return None
    seed = int(torch.randint(2**63 - 1, (), generator=generator, device="cpu"))
    return torch.Generator("cpu").manual_seed(seed)


@contextmanager
def drawing_from(generator: torch.Generator | None) -> Iterator[None]:
    """Make torch's global CPU generator follow ``generator`` inside, and restore it afterwards.

    For samplers that take no generator (``torch.distributions``, ``nn.Module`` initialisers).
    With ``None`` they draw from the global generator, which moves on.
    """
    with lending(derived_from(generator)):
        yield


@contextmanager
def numpy_drawing_from(generator: torch.Generator | None) -> Iterator[None]:
    """Make NumPy's global generator follow ``generator`` inside, and restore it afterwards.

    For packages that draw from it. With ``None`` it moves on as usual.
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
