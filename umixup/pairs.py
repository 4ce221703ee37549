"""How a data set is paired up, and the plan of an epoch.

A pairing has ``draw(n, batch_size, generator) -> (first, second)``: which sample x is mixed with
which x′. A plan adds λ and γ(λ) for each pair; it depends on (scheme, pairing, seed, epoch) alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from umixup._random import generator_for
from umixup.schemes import Scheme


class Pairing(Protocol):
    """Anything that pairs n samples up."""

    def draw(
        self, n: int, batch_size: int, generator: torch.Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """(first, second): int64 indices into range(n), both of one length."""
        ...


@dataclass(frozen=True)
class TwoCopies:
    """The paper's pairing: two independently shuffled copies of the data, side by side.

    Each sample is once a first and once a second; Q((x, x′)) = 1/n² for every pair.
    """

    def draw(
        self, n: int, batch_size: int, generator: torch.Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """Two permutations of range(n)."""
        return torch.randperm(n, generator=generator), torch.randperm(n, generator=generator)


PAIRINGS: dict[str, Pairing] = {"two_copies": TwoCopies()}


def by_name(pairing: str | Pairing) -> Pairing:
    """The pairing of that name; an object with ``draw`` is returned as it is."""
    if not isinstance(pairing, str):
        return pairing
    if pairing not in PAIRINGS:
        raise ValueError(f"pairing = {pairing!r}: it must be one of {', '.join(PAIRINGS)}")
    return PAIRINGS[pairing]


class Plan(NamedTuple):
    """An epoch: pair k mixes sample first[k] with second[k], by lam[k]; labels by gamma[k]."""

    first: Tensor  # int64 (m,); m = n for two copies
    second: Tensor  # int64 (m,)
    lam: Tensor  # (m,)
    gamma: Tensor  # (m,)


def plan_epoch(
    scheme: Scheme,
    pairing: str | Pairing,
    n: int,
    *,
    batch_size: int,
    seed: int,
    epoch: int,
    lam_per: str = "sample",
) -> Plan:
    """The plan of one epoch over n samples; batch k is the slice [k·batch_size, (k+1)·batch_size).

    Pairs and λ come from streams of their own: two schemes with one seed meet the same pairs.

    Args:
        scheme: policy and weight.
        pairing: a name in ``PAIRINGS``, or an object with ``draw``.
        n: number of samples.
        batch_size: 1 … n; the last batch may be smaller.
        seed, epoch: any integers.
        lam_per: "sample" draws a λ for each pair, "batch" one for each batch.

    Raises:
        ValueError: an unknown pairing or ``lam_per``, or a batch larger than the data.
    """
    if not 1 <= batch_size <= n:
        raise ValueError(f"batch_size = {batch_size}: it must be between 1 and n = {n}")
    if lam_per not in ("sample", "batch"):
        raise ValueError(f"lam_per = {lam_per!r}: it must be 'sample' or 'batch'")
    first, second = by_name(pairing).draw(n, batch_size, generator_for(seed, "pairs", epoch))
    draws = len(first) if lam_per == "sample" else -(-len(first) // batch_size)
    lam, gamma = scheme.draw(draws, generator_for(seed, "policy", epoch))
    if lam_per == "batch":
        lam, gamma = (v.repeat_interleave(batch_size)[: len(first)] for v in (lam, gamma))
    return Plan(first, second, lam, gamma)
