"""The plan of an epoch: its pairs, with λ and γ(λ) for each."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from umixup import _check as check
from umixup._random import generator_for
from umixup.pairs.pairings import Pairing, by_name
from umixup.schemes import Scheme, as_scheme


class Plan(NamedTuple):
    """The pairs of an epoch and their λ: the two sequences of section 3.2.

    Pair k mixes sample first[k] with second[k], the samples by lam[k], their labels by gamma[k].

    Attributes:
        first, second: int64 (m,).
        lam, gamma: λ and γ(λ), (m,), in [0, 1].

    >>> lam = torch.tensor([0.3, 0.8])
    >>> Plan(torch.tensor([0, 1]), torch.tensor([1, 0]), lam, lam).is_symmetric()
    True
    """

    first: Tensor  # int64 (m,)
    second: Tensor  # int64 (m,)
    lam: Tensor  # (m,)
    gamma: Tensor  # (m,)

    def is_symmetric(self) -> bool:
        """True if each (a, b) occurs as often as (b, a) (section 2), whatever their λ."""
        n = int(torch.cat([self.first, self.second]).max()) + 1 if len(self.first) else 1
        there, back = self.first * n + self.second, self.second * n + self.first
        return torch.equal(there.sort().values, back.sort().values)


def plan_epoch(
    scheme: Scheme | str,
    pairing: str | Pairing,
    n: int,
    *,
    batch_size: int,
    seed: int,
    epoch: int,
    lam_per: str = "sample",
) -> Plan:
    """The plan of one epoch over n samples; batch k is the slice [k·batch_size, (k+1)·batch_size).

    It depends on the arguments alone. Pairs and λ have separate random streams, so two schemes
    with the same seed meet the same pairs. The paper uses "two_copies" and a λ for each sample
    (section 6.1).

    Args:
        scheme: policy and weight, or their text.
        pairing: a name in ``PAIRINGS``, or an object with ``draw``.
        n: number of samples, ≥ 1.
        batch_size: from 1 to n; the last batch may be smaller.
        seed, epoch: any integers.
        lam_per: "sample" draws a λ for each pair, "batch" one for each batch.

    Raises:
        ValueError: an argument out of range, an unknown pairing or ``lam_per``, a text that is not
            a scheme, or invalid indices from a pairing of your own.
        TypeError: ``scheme`` is neither a scheme nor text.

    >>> plan = plan_epoch("B(1,1)", "flip", 6, batch_size=2, seed=0, epoch=0)
    >>> plan.lam.shape, plan.is_symmetric()
    (torch.Size([6]), True)
    """
    scheme, pairing = as_scheme(scheme), by_name(pairing)
    n = check.whole("n", n, 1)
    batch_size = check.whole("batch_size", batch_size, 1, n)
    check.one_of("lam_per", lam_per, ("sample", "batch"))
    first, second = pairing.draw(n, batch_size, generator_for(seed, "pairs", epoch))
    for name, indices in (("first", first), ("second", second)):
        if indices.dtype != torch.int64 or indices.shape != (len(first),):
            raise ValueError(
                f"pairing = {pairing!r}: it drew {name} as {indices.dtype} {tuple(indices.shape)}; "
                "both must be int64 and of equal length"
            )
        if len(indices) and not (int(indices.min()) >= 0 and int(indices.max()) < n):
            raise ValueError(f"pairing = {pairing!r}: it drew a {name} outside 0 … {n - 1}")
    draws = len(first) if lam_per == "sample" else -(-len(first) // batch_size)
    lam, gamma = scheme.draw(draws, generator_for(seed, "policy", epoch))
    if lam_per == "batch":
        lam, gamma = (v.repeat_interleave(batch_size)[: len(first)] for v in (lam, gamma))
    return Plan(first, second, lam, gamma)
