"""Pairs by class: partners of another class only, or of the same class only (section 4)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from umixup.pairs.pairings import Pairing, Pairs


@dataclass(frozen=True, eq=False)
class BetweenClasses(Pairing):
    """Independent pairs, uniform over all ordered pairs of samples of two different classes.

    Q is symmetric (Axiom 2). Where classes differ in size, x is not uniform: a sample of a small
    class has more partners, and comes up more often.

    Args:
        labels: (n,) int64, the class of each sample.

    Raises:
        ValueError: labels of another form, or of one class only; from ``draw``, if there are
            labels for another number of samples.

    >>> labels = torch.tensor([0, 0, 1, 1])
    >>> first, second = BetweenClasses(labels).draw(4, 2)
    >>> bool((labels[first] != labels[second]).all())
    True
    """

    labels: Tensor

    def __post_init__(self) -> None:
        if not bool((_checked(self.labels) != self.labels[0]).any()):
            raise ValueError("labels: all of one class, so no sample has a partner of another")

    def draw(self, n: int, batch_size: int, generator: Generator | None = None) -> Pairs:
        order, start, size = _classes(self.labels, n)
        # The first sample by its number of partners, n − n_c.
        at = torch.multinomial((n - size).double(), n, replacement=True, generator=generator)
        # In the order of the classes, the partners are all places outside the own class.
        place = (torch.rand(n, generator=generator, dtype=torch.float64) * (n - size[at])).long()
        return at, order[torch.where(place < start[at], place, place + size[at])]


@dataclass(frozen=True, eq=False)
class WithinClasses(Pairing):
    """Independent pairs of one class: x is uniform, and x′ uniform in the class of x.

    Q is symmetric (Axiom 2). A sample may meet itself. Args and errors as for ``BetweenClasses``,
    but one class is enough.

    >>> labels = torch.tensor([0, 0, 1, 1])
    >>> first, second = WithinClasses(labels).draw(4, 2)
    >>> bool((labels[first] == labels[second]).all())
    True
    """

    labels: Tensor

    def __post_init__(self) -> None:
        _checked(self.labels)

    def draw(self, n: int, batch_size: int, generator: Generator | None = None) -> Pairs:
        order, start, size = _classes(self.labels, n)
        at = torch.randint(n, (n,), generator=generator, device="cpu")
        place = (torch.rand(n, generator=generator, dtype=torch.float64) * size[at]).long()
        return at, order[start[at] + place]


def _checked(labels: Tensor) -> Tensor:
    if labels.ndim != 1 or labels.dtype != torch.int64 or not len(labels):
        shape = f"{tuple(labels.shape)} {labels.dtype}"
        raise ValueError(f"labels, {shape}: it must be (n,) int64, n ≥ 1")
    return labels


def _classes(labels: Tensor, n: int) -> tuple[Tensor, Tensor, Tensor]:
    """The samples in the order of their classes; of each sample, where its class starts in that
    order and how large it is."""
    if n != len(labels):
        raise ValueError(f"n = {n}: there are labels for {len(labels)} samples")
    _, of, sizes = torch.unique(labels.cpu(), return_inverse=True, return_counts=True)
    return of.argsort(stable=True), (sizes.cumsum(0) - sizes)[of], sizes[of]


#: The pairings by name that are made for the classes of a data set.
BY_CLASS: dict[str, type[BetweenClasses] | type[WithinClasses]] = {
    "between_classes": BetweenClasses,
    "within_classes": WithinClasses,
}
