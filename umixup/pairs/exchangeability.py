"""A test of Axiom 2: is a pair as likely as its mirror?"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from umixup import _check as check
from umixup.pairs.pairings import Pairing, by_name

_LEVEL = check.Range("from 0.001 to below 1", lambda value: 1e-3 <= value < 1)
_SIGNS = 2000  # random sign vectors of the test


class Exchangeability(NamedTuple):
    """The result of ``check_exchangeable``, which is true if p_value ≥ level.

    Attributes:
        p_value: of the test; 1 or 0 if Q is known.
        worst_pair: the pair (i, j) that exceeds its mirror (j, i) the most.
        level: the level of the test.

    >>> bool(Exchangeability(p_value=0.2, worst_pair=(0, 1), level=0.001))
    True
    """

    p_value: float
    worst_pair: tuple[int, int]
    level: float

    def __bool__(self) -> bool:
        return self.p_value >= self.level


def check_exchangeable(
    pairing: str | Pairing,
    n: int | None = None,
    *,
    batch_size: int | None = None,
    epochs: int = 400,
    level: float = 1e-3,
    generator: torch.Generator | None = None,
) -> Exchangeability:
    """Test Axiom 2 (section 2): is a pair as likely as its mirror, Q((x, x′)) = Q((x′, x))?

    The answer is exact if the pairing has an attribute ``Q``. Otherwise pairs are counted over
    many epochs. If swapping all pairs of an epoch changes nothing, a fair coin may choose the sign
    of each epoch's matrix (count of (i, j)) − (count of (j, i)). So the sum of these matrices is
    compared with 2,000 sums with random signs.

    Args:
        pairing: a name in ``PAIRINGS``, or an object with ``draw``.
        n: number of samples, 2 to 16; by default 12, or the size of Q.
        batch_size: ≥ 1; by default n.
        epochs: ≥ 20.
        level: the rate of false alarms, from 0.001 (the smallest p-value is 1/2001) to below 1.
        generator: a CPU generator; ``None`` is torch's global one.

    Raises:
        ValueError: an argument out of range, or an unknown pairing.
        TypeError: ``level`` is not a number.

    >>> bool(check_exchangeable("two_copies", generator=torch.Generator().manual_seed(0)))
    True
    >>> bool(check_exchangeable("one_way", generator=torch.Generator().manual_seed(0)))
    False
    """
    level = check.number("level", level, _LEVEL)
    pairing = by_name(pairing)
    q = getattr(pairing, "Q", None)
    if isinstance(q, Tensor):
        gap = q.double() - q.double().T
        exact = bool(gap.abs().max() <= 1e-12)
        return Exchangeability(float(exact), _largest(gap), level)
    n = check.whole("n", 12 if n is None else n, 2, 16)
    batch_size = n if batch_size is None else check.whole("batch_size", batch_size, 1)
    epochs = check.whole("epochs", epochs, 20)
    counts = torch.zeros(epochs, n * n, dtype=torch.float64, device="cpu")
    for count in counts:
        first, second = pairing.draw(n, batch_size, generator)
        count += torch.bincount(first * n + second, minlength=n * n)
        count -= torch.bincount(second * n + first, minlength=n * n)
    signs = torch.randint(2, (_SIGNS, epochs), generator=generator, device="cpu").double() * 2 - 1
    seen = counts.sum(dim=0)
    by_chance = (signs @ counts).square().sum(dim=1)
    larger = int((by_chance >= seen.square().sum() - 1e-9).sum())
    return Exchangeability((1 + larger) / (1 + _SIGNS), _largest(seen.reshape(n, n)), level)


def _largest(gap: Tensor) -> tuple[int, int]:
    """Row and column of the largest entry of a square matrix."""
    row, column = divmod(int(gap.argmax()), len(gap))
    return row, column
