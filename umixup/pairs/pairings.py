"""Pairings: which sample x is mixed with which x′."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Generator, Tensor

from umixup import _check as check

Pairs = tuple[Tensor, Tensor]  # (first, second): indices of samples, int64
_ABOVE_ZERO = check.Range("> 0", lambda value: value > 0)


class Pairing(Protocol):
    """Anything that pairs up n samples. Section 2 calls for pairs from a symmetric Q (Axiom 2).

    A class of your own needs this one method; it need not inherit from ``Pairing``.

    >>> from umixup.pairs import check_exchangeable
    >>> class WithItself:
    ...     def draw(self, n, batch_size, generator=None):
    ...         return torch.arange(n), torch.arange(n)
    >>> check_exchangeable(WithItself()).p_value
    1.0
    """

    def draw(self, n: int, batch_size: int, generator: Generator | None = None) -> Pairs:
        """Draw the pairs of one epoch.

        Args:
            n: number of samples, ≥ 1.
            batch_size: size of the batches into which the epoch is cut, ≥ 1. Pairings that pair
                across batches ignore it.
            generator: a CPU generator; ``None`` is torch's global one.

        Returns:
            (first, second): indices into range(n), int64, of equal length; the pairings of this
            module return n pairs.
        """
        ...


def _shuffled(n: int, generator: Generator | None) -> Tensor:
    return torch.randperm(n, generator=generator, device="cpu")


@dataclass(frozen=True)
class TwoCopies(Pairing):
    """The paper's pairing: two independently shuffled copies of the data (section 6.1).

    Each sample is first once and second once; Q((x, x′)) = 1/n² for every pair.

    >>> first, second = TwoCopies().draw(5, 2)
    >>> first.sort().values, second.sort().values
    (tensor([0, 1, 2, 3, 4]), tensor([0, 1, 2, 3, 4]))
    """

    def draw(self, n: int, batch_size: int, generator: Generator | None = None) -> Pairs:
        return _shuffled(n, generator), _shuffled(n, generator)


@dataclass(frozen=True)
class IID(Pairing):
    """Pairs drawn independently and uniformly from all n²: the setting of Theorem 1.

    >>> first, second = IID().draw(5, 2)
    >>> first.shape, second.shape
    (torch.Size([5]), torch.Size([5]))
    """

    def draw(self, n: int, batch_size: int, generator: Generator | None = None) -> Pairs:
        first, second = torch.randint(n, (2, n), generator=generator, device="cpu")
        return first, second


class _WithinBatches(Pairing):
    """A shuffled epoch in which each batch is paired with a rearrangement of itself."""

    def draw(self, n: int, batch_size: int, generator: Generator | None = None) -> Pairs:
        first = _shuffled(n, generator)
        batches = first.split(check.whole("batch_size", batch_size, 1))
        return first, torch.cat([self._partners(batch, generator) for batch in batches])

    def _partners(self, batch: Tensor, generator: Generator | None) -> Tensor:
        raise NotImplementedError


@dataclass(frozen=True)
class BatchShuffle(_WithinBatches):
    """Each batch with a shuffle of itself, as in the original mixup code (section 6.1).

    The drop-ins of ``umixup.mixing`` pair like this, too.

    >>> first, second = BatchShuffle().draw(4, 2)
    >>> torch.equal(*(v.reshape(2, 2).sort().values for v in (first, second)))
    True
    """

    def _partners(self, batch: Tensor, generator: Generator | None) -> Tensor:
        return batch[_shuffled(len(batch), generator)]


@dataclass(frozen=True)
class Flip(_WithinBatches):
    """Each batch with itself in reverse order, as timm does. Every batch is symmetric.

    >>> first, second = Flip().draw(4, 2)
    >>> torch.equal(second, first[[1, 0, 3, 2]])
    True
    """

    def _partners(self, batch: Tensor, generator: Generator | None) -> Tensor:
        return batch.flip(0)


@dataclass(frozen=True)
class Roll(_WithinBatches):
    """Each sample with the one before it in its batch, as torchvision does.

    >>> first, second = Roll().draw(6, 3)
    >>> torch.equal(second, first[[2, 0, 1, 5, 3, 4]])
    True
    """

    def _partners(self, batch: Tensor, generator: Generator | None) -> Tensor:
        return batch.roll(1)


@dataclass(frozen=True)
class Symmetric(_WithinBatches):
    """Each pair and its mirror in the same batch: a symmetric sequence (section 2).

    This is the hypothesis of Lemmas 4 and 5. In a batch of odd size, the last sample is paired
    with itself.

    >>> first, second = Symmetric().draw(5, 5)
    >>> torch.equal(second, first[[2, 3, 0, 1, 4]])
    True
    """

    def _partners(self, batch: Tensor, generator: Generator | None) -> Tensor:
        half = len(batch) // 2
        return torch.cat([batch[half : 2 * half], batch[:half], batch[2 * half :]])


@dataclass(frozen=True)
class Derangement(Pairing):
    """A shuffled epoch and the same epoch rolled by one, so that no sample meets itself.

    Raises:
        ValueError: from ``draw``, if n < 2.

    >>> first, second = Derangement().draw(5, 2)
    >>> bool((first != second).all())
    True
    """

    def draw(self, n: int, batch_size: int, generator: Generator | None = None) -> Pairs:
        if n < 2:
            raise ValueError(f"n = {n}: a derangement needs at least 2 samples")
        first = _shuffled(n, generator)
        return first, first.roll(1)


@dataclass(frozen=True)
class OneWay(Pairing):
    """A counterexample to Axiom 2: independent pairs, each put in increasing order.

    >>> first, second = OneWay().draw(5, 2)
    >>> bool((first <= second).all())
    True
    """

    def draw(self, n: int, batch_size: int, generator: Generator | None = None) -> Pairs:
        drawn = torch.randint(n, (2, n), generator=generator, device="cpu")
        return drawn.amin(dim=0), drawn.amax(dim=0)


@dataclass(frozen=True, eq=False)
class Weighted(Pairing):
    """Independent pairs from a given Q, an (n, n) matrix of probabilities.

    Q[i, j] = Q((xᵢ, xⱼ)) of section 2; Axiom 2 holds if Q = Qᵀ. Meant for small n: a draw copies
    n rows of Q.

    Args:
        Q: (n, n), floating, entries ≥ 0 with sum 1.

    Raises:
        ValueError: Q is not square, has a negative entry, or does not sum to 1; from ``draw``, if
            Q is for another number of samples.

    >>> Weighted(torch.tensor([[0.0, 1.0], [0.0, 0.0]])).draw(2, 2)
    (tensor([0, 0]), tensor([1, 1]))
    """

    Q: Tensor

    def __post_init__(self) -> None:
        q = self.Q
        if q.ndim != 2 or q.shape[0] != q.shape[1]:
            raise ValueError(f"Q has shape {tuple(q.shape)}: it must be (n, n)")
        if not bool((q >= 0).all()):
            raise ValueError("Q has entries that are negative or NaN: they must be ≥ 0")
        if abs(float(q.double().sum()) - 1) > 1e-6:
            raise ValueError(f"Q sums to {float(q.sum()):.6g}: it must sum to 1")

    def draw(self, n: int, batch_size: int, generator: Generator | None = None) -> Pairs:
        if n != len(self.Q):
            raise ValueError(f"n = {n}: Q is for {len(self.Q)} samples")
        rows = self.Q.sum(dim=1)
        first = torch.multinomial(rows, n, replacement=True, generator=generator)
        second = torch.multinomial(self.Q[first], 1, generator=generator)[:, 0]
        return first, second


def near_labels(labels: Tensor, bandwidth: float, *, symmetrized: bool = False) -> Weighted:
    r"""Pairs that favour similar labels, as in C-Mixup (Yao et al., 2022), for regression.

    x is uniform, and :math:`Q(x'|x) ∝ \exp(-(y - y')^2 / 2h^2)`. Normalising each row makes Q
    asymmetric, against Axiom 2, unless it is ``symmetrized`` to (Q + Qᵀ)/2. Q holds n² numbers in
    float64.

    Args:
        labels: real, (n,).
        bandwidth: h > 0, in units of the labels.
        symmetrized: use (Q + Qᵀ)/2.

    Raises:
        ValueError: labels of another shape, or not finite; a bandwidth that is not positive.
        TypeError: labels that are no tensor, or a bandwidth that is no number.

    >>> labels = torch.tensor([0.0, 1.0, 2.0])
    >>> q, q2 = near_labels(labels, 1).Q, near_labels(labels, 1, symmetrized=True).Q
    >>> bool(q[0, 1] > q[1, 0]), bool(q2[0, 1] == q2[1, 0])
    (True, True)
    """
    if not isinstance(labels, Tensor):
        raise TypeError(f"labels are a {type(labels).__name__}: they must be a torch.Tensor (n,)")
    if labels.ndim != 1:
        raise ValueError(f"labels have shape {tuple(labels.shape)}: it must be (n,)")
    if not bool(labels.isfinite().all()):
        raise ValueError("labels hold NaN or ∞: they must be finite")
    bandwidth = check.number("bandwidth", bandwidth, _ABOVE_ZERO)
    gap = (labels.double()[:, None] - labels.double()) / bandwidth
    rows = torch.softmax(-gap.square() / 2, dim=1) / len(labels)
    return Weighted((rows + rows.T) / 2 if symmetrized else rows)


#: The pairings that have a name.
PAIRINGS: dict[str, Pairing] = {
    "two_copies": TwoCopies(),
    "batch_shuffle": BatchShuffle(),
    "iid": IID(),
    "symmetric": Symmetric(),
    "flip": Flip(),
    "roll": Roll(),
    "derangement": Derangement(),
    "one_way": OneWay(),
}


def by_name(pairing: str | Pairing) -> Pairing:
    """The pairing of that name; an object is returned as it is.

    Args:
        pairing: a name in ``PAIRINGS``, or an object with ``draw``, which is not checked.

    Raises:
        ValueError: an unknown name.

    >>> by_name("flip")
    Flip()
    """
    if not isinstance(pairing, str):
        return pairing
    return PAIRINGS[check.one_of("pairing", pairing, PAIRINGS)]
