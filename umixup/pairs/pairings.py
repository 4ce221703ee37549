"""How a data set is paired up, and the plan of an epoch.

A pairing has ``draw(n, batch_size, generator) -> (first, second)``: which sample x is mixed with
which x′. A plan adds λ and γ(λ) for each pair; it depends on (scheme, pairing, seed, epoch) alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from umixup._random import generator_for
from umixup.policies import Reflected
from umixup.schemes import Scheme, as_scheme, mixup


class Pairing(Protocol):
    """Anything that pairs n samples up. Section 2 calls for pairs from a symmetric Q (Axiom 2).

    >>> class WithItself:
    ...     def draw(self, n, batch_size, generator=None):
    ...         return torch.arange(n), torch.arange(n)
    >>> plan_epoch(mixup(1), WithItself(), 3, batch_size=3, seed=0, epoch=0).second
    tensor([0, 1, 2])
    """

    def draw(
        self, n: int, batch_size: int, generator: torch.Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """The pairs of an epoch.

        Args:
            n: number of samples, ≥ 1.
            batch_size: ≥ 1: the epoch is cut into batches of so many; what pairs across batches
                ignores it.
            generator: a CPU generator; ``None`` is torch's global one.

        Returns:
            (first, second): int64 indices into range(n), both of one length.
        """
        ...


def _shuffled(n: int, generator: torch.Generator | None) -> Tensor:
    return torch.randperm(n, generator=generator, device="cpu")


@dataclass(frozen=True)
class TwoCopies:
    """The paper's pairing: two independently shuffled copies of the data, side by side.

    Section 6.1. Each sample is once a first and once a second; Q((x, x′)) = 1/n² for every pair.

    >>> first, second = TwoCopies().draw(5, 2)
    >>> first.sort().values, second.sort().values
    (tensor([0, 1, 2, 3, 4]), tensor([0, 1, 2, 3, 4]))
    """

    def draw(
        self, n: int, batch_size: int, generator: torch.Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """Two permutations of range(n), int64 (n,), n ≥ 0."""
        return _shuffled(n, generator), _shuffled(n, generator)


@dataclass(frozen=True)
class IID:
    """Pairs drawn independently and uniformly from all n²: the setting of Theorem 1.

    >>> first, second = IID().draw(5, 2)
    >>> first.shape, second.shape
    (torch.Size([5]), torch.Size([5]))
    """

    def draw(
        self, n: int, batch_size: int, generator: torch.Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """n independent pairs, int64 (n,), n ≥ 1."""
        first, second = torch.randint(n, (2, n), generator=generator, device="cpu")
        return first, second


def _within_batches(
    n: int,
    batch_size: int,
    generator: torch.Generator | None,
    partners: Callable[[Tensor], Tensor],
) -> tuple[Tensor, Tensor]:
    """A shuffled epoch, and in each of its batches the partners that a function gives."""
    first = _shuffled(n, generator)
    return first, torch.cat([partners(batch) for batch in first.split(batch_size)])


@dataclass(frozen=True)
class BatchShuffle:
    """Each batch with its own shuffle: the original mixup code (section 6.1), and the drop-ins.

    >>> first, second = BatchShuffle().draw(4, 2)
    >>> torch.equal(*(v.reshape(2, 2).sort().values for v in (first, second)))
    True
    """

    def draw(
        self, n: int, batch_size: int, generator: torch.Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """A permutation of range(n), and the same one shuffled within its batches, int64 (n,)."""

        def shuffled(batch: Tensor) -> Tensor:
            return batch[_shuffled(len(batch), generator)]

        return _within_batches(n, batch_size, generator, shuffled)


@dataclass(frozen=True)
class Flip:
    """Each batch with itself in reverse order, as timm does. Every batch is symmetric.

    Not in the paper.

    >>> first, second = Flip().draw(4, 2)
    >>> torch.equal(second, first[[1, 0, 3, 2]])
    True
    """

    def draw(
        self, n: int, batch_size: int, generator: torch.Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """A permutation of range(n), and the same one reversed within its batches, int64 (n,)."""
        return _within_batches(n, batch_size, generator, lambda batch: batch.flip(0))


@dataclass(frozen=True)
class Roll:
    """Each sample with the one before it in its batch, as torchvision does. Not in the paper.

    >>> first, second = Roll().draw(6, 3)
    >>> torch.equal(second, first[[2, 0, 1, 5, 3, 4]])
    True
    """

    def draw(
        self, n: int, batch_size: int, generator: torch.Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """A permutation of range(n), and the same one rolled by one within its batches, int64."""
        return _within_batches(n, batch_size, generator, lambda batch: batch.roll(1))


@dataclass(frozen=True)
class Symmetric:
    """Each pair together with its mirror, in one batch: a symmetric sequence (section 2).

    The hypothesis of Lemmas 4 and 5. Of a batch of odd size the last sample is paired with itself.

    >>> first, second = Symmetric().draw(5, 5)
    >>> torch.equal(second, first[[2, 3, 0, 1, 4]])
    True
    """

    def draw(
        self, n: int, batch_size: int, generator: torch.Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """A permutation of range(n); within each batch the two halves are partners. int64 (n,)."""

        def mirrored(batch: Tensor) -> Tensor:
            half = len(batch) // 2
            return torch.cat([batch[half : 2 * half], batch[:half], batch[2 * half :]])

        return _within_batches(n, batch_size, generator, mirrored)


@dataclass(frozen=True)
class Derangement:
    """A shuffled epoch and the same rolled by one: no sample with itself. Not in the paper.

    >>> first, second = Derangement().draw(5, 2)
    >>> bool((first != second).all())
    True
    """

    def draw(
        self, n: int, batch_size: int, generator: torch.Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """A permutation of range(n), and its cyclic shift, int64 (n,).

        Raises:
            ValueError: n < 2.
        """
        if n < 2:
            raise ValueError(f"n = {n}: a derangement needs at least 2 samples")
        first = _shuffled(n, generator)
        return first, first.roll(1)


@dataclass(frozen=True)
class OneWay:
    """A counter-example to Axiom 2: the second sample never comes before the first.

    Independent pairs, each put in increasing order. Not in the paper.

    >>> first, second = OneWay().draw(5, 2)
    >>> bool((first <= second).all())
    True
    """

    def draw(
        self, n: int, batch_size: int, generator: torch.Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """n pairs with first ≤ second, int64 (n,), n ≥ 1."""
        drawn = torch.randint(n, (2, n), generator=generator, device="cpu")
        return drawn.amin(dim=0), drawn.amax(dim=0)


@dataclass(frozen=True, eq=False)
class Weighted:
    """Independent pairs from a given Q, an (n, n) matrix of probabilities: for small n.

    Q[i, j] = Q((xᵢ, xⱼ)) of section 2; Axiom 2 holds where Q = Qᵀ. A draw makes a copy of n rows.

    Args:
        Q: (n, n), floating, entries ≥ 0 with sum 1.

    Raises:
        ValueError: a matrix that is not square, has a negative entry, or does not sum to 1.

    >>> Weighted(torch.tensor([[0.0, 1.0], [0.0, 0.0]])).draw(2, 2)
    (tensor([0, 0]), tensor([1, 1]))
    """

    Q: Tensor

    def __post_init__(self) -> None:
        q = self.Q
        if q.ndim != 2 or q.shape[0] != q.shape[1]:
            raise ValueError(f"Q has shape {tuple(q.shape)}: it must be (n, n)")
        if not bool((q >= 0).all()) or abs(float(q.double().sum()) - 1) > 1e-6:
            raise ValueError(f"Q: entries ≥ 0 with sum 1, but the sum is {float(q.sum()):.6g}")

    def draw(
        self, n: int, batch_size: int, generator: torch.Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """n independent pairs from Q, int64 (n,).

        Raises:
            ValueError: Q is for another number of samples.
        """
        if n != len(self.Q):
            raise ValueError(f"n = {n}: Q is for {len(self.Q)} samples")
        rows = self.Q.sum(dim=1)
        first = torch.multinomial(rows, n, replacement=True, generator=generator)
        second = torch.multinomial(self.Q[first], 1, generator=generator)[:, 0]
        return first, second


def near_labels(labels: Tensor, bandwidth: float, *, symmetrized: bool = False) -> Weighted:
    r"""Partners with near labels likelier, as in C-Mixup (Yao et al., 2022), for regression.

    x is uniform, and x′ has :math:`Q(x'|x) ∝ \exp(-(y - y')^2 / 2h^2)`. The normalisation row by
    row makes Q asymmetric, against Axiom 2, unless it is ``symmetrized`` to (Q + Qᵀ)/2. Q is n × n,
    in float64: for small n. Not in the paper.

    Args:
        labels: real, (n,).
        bandwidth: h > 0, in units of the labels.
        symmetrized: take (Q + Qᵀ)/2.

    Raises:
        ValueError: labels of another shape, or a bandwidth that is not positive.

    >>> labels = torch.tensor([0.0, 1.0, 2.0])
    >>> q, q2 = near_labels(labels, 1).Q, near_labels(labels, 1, symmetrized=True).Q
    >>> bool(q[0, 1] > q[1, 0]), bool(q2[0, 1] == q2[1, 0])
    (True, True)
    """
    if labels.ndim != 1 or not bandwidth > 0:
        raise ValueError(
            f"labels {tuple(labels.shape)}, bandwidth = {bandwidth!r}: they must be (n,) and > 0"
        )
    gap = labels.double()[:, None] - labels.double()
    rows = torch.softmax(-gap.square() / (2 * bandwidth**2), dim=1) / len(labels)
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


class Preset(NamedTuple):
    """How another library draws: give its parts to ``plan_epoch``. Not in the paper.

    Attributes:
        scheme: policy and weight.
        pairing: a name in ``PAIRINGS``.
        lam_per: "sample" or "batch".

    >>> Preset(mixup(1), "flip", "sample").pairing
    'flip'
    """

    scheme: Scheme
    pairing: str
    lam_per: str


def preset(library: str, alpha: float) -> Preset:
    """MixUp with B(α, α) as another library draws it. Section 6.1 has the first and the last.

    ==================  =============================================================
    ``mixup-cifar10``   the original code: a batch with its shuffle, one λ a batch
    ``timm-batch``      a batch with its reverse, one λ a batch
    ``timm-elem``       a batch with its reverse, a λ for each sample
    ``torchvision``     each sample with the one before it, one λ a batch
    ``fastai``          a batch with its shuffle, max(λ, 1 − λ) for each sample
    ``paper``           two shuffled copies, a λ for each sample
    ==================  =============================================================

    Args:
        library: a name in the table.
        alpha: α, finite and > 0.

    Raises:
        ValueError: an unknown library, or an α that is not finite and positive.
        TypeError: α is no number.

    >>> preset("torchvision", 0.2)[1:]
    ('roll', 'batch')
    """
    known = {
        "mixup-cifar10": ("batch_shuffle", "batch"),
        "timm-batch": ("flip", "batch"),
        "timm-elem": ("flip", "sample"),
        "torchvision": ("roll", "batch"),
        "fastai": ("batch_shuffle", "sample"),
        "paper": ("two_copies", "sample"),
    }
    if library not in known:
        raise ValueError(f"library = {library!r}: it must be one of {', '.join(known)}")
    scheme = mixup(alpha)
    if library == "fastai":
        scheme = Scheme(Reflected(scheme.policy, _larger_half), scheme.weight)
    return Preset(scheme, *known[library])


def _larger_half(lam: Tensor) -> Tensor:
    """Keep λ ≥ ½, mirror the rest: max(λ, 1 − λ)."""
    return (lam >= 0.5).to(lam.dtype)


def by_name(pairing: str | Pairing) -> Pairing:
    """The pairing of that name; an object with ``draw`` is returned as it is. Not in the paper.

    Args:
        pairing: a name in ``PAIRINGS``, or an object, which is not checked.

    Raises:
        ValueError: an unknown name.

    >>> by_name("flip")
    Flip()
    """
    if not isinstance(pairing, str):
        return pairing
    if pairing not in PAIRINGS:
        raise ValueError(f"pairing = {pairing!r}: it must be one of {', '.join(PAIRINGS)}")
    return PAIRINGS[pairing]


class Plan(NamedTuple):
    """An epoch: pair k mixes sample first[k] with second[k], by lam[k]; labels by gamma[k].

    The sequences of pairs and of λ in section 3.2.

    Attributes:
        first, second: int64 (m,).
        lam, gamma: λ and γ(λ), (m,), in [0, 1].

    >>> lam = torch.tensor([0.3, 0.8])
    >>> Plan(torch.tensor([0, 1]), torch.tensor([1, 0]), lam, lam).is_symmetric()
    True
    """

    first: Tensor  # int64 (m,); m = n for the pairings here
    second: Tensor  # int64 (m,)
    lam: Tensor  # (m,)
    gamma: Tensor  # (m,)

    def is_symmetric(self) -> bool:
        """Does each (a, b) occur as often as (b, a) here (section 2)? λ plays no part."""
        n = int(torch.cat([self.first, self.second]).max()) + 1 if len(self.first) else 1
        there, back = self.first * n + self.second, self.second * n + self.first
        return torch.equal(there.sort().values, back.sort().values)


class Exchangeability(NamedTuple):
    """What ``check_exchangeable`` found; it is true if no asymmetry was, p_value ≥ level.

    On Axiom 2 (section 2); the test is not in the paper.

    >>> bool(Exchangeability(p_value=0.2, worst_pair=(0, 1), level=0.001))
    True
    """

    p_value: float  # 1 or 0 where Q is known
    worst_pair: tuple[int, int]  # the pair (i, j) that most exceeds its mirror
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

    Exact where the pairing exposes Q. Otherwise it counts the pairs over many epochs: the matrix
    (count of (i, j)) − (count of (j, i)) is compared with 2,000 of its kind in which the sign of
    each epoch is drawn by a fair coin, as it may be if swapping all pairs changes nothing.
    The test is not in the paper.

    Args:
        pairing: a name, or an object with ``draw``.
        n: how many samples, 2 to 16; by default 12, or the size of Q.
        batch_size: by default n.
        epochs: ≥ 20.
        level: of the test: the share of exchangeable pairings that it calls otherwise; from 0.001,
            since the smallest p-value is 1/2001, to below 1.
        generator: a CPU generator; ``None`` is torch's global one.

    Raises:
        ValueError: an argument out of range, or an unknown pairing.

    >>> bool(check_exchangeable("two_copies", generator=torch.Generator().manual_seed(0)))
    True
    >>> bool(check_exchangeable("one_way", generator=torch.Generator().manual_seed(0)))
    False
    """
    if not 1e-3 <= level < 1:
        raise ValueError(f"level = {level!r}: it must be from 0.001 to below 1")
    pairing = by_name(pairing)
    q = getattr(pairing, "Q", None)
    if isinstance(q, Tensor):
        gap = q.double() - q.double().T
        worst = int(gap.argmax())
        exact = bool(gap.abs().max() <= 1e-12)
        return Exchangeability(float(exact), (worst // len(q), worst % len(q)), level)
    n = 12 if n is None else n
    if not 2 <= n <= 16 or epochs < 20:
        raise ValueError(f"n = {n}, epochs = {epochs}: they must be 2 to 16, and at least 20")
    counts = torch.zeros(epochs, n * n, dtype=torch.float64, device="cpu")
    for count in counts:
        first, second = pairing.draw(n, batch_size or n, generator)
        count += torch.bincount(first * n + second, minlength=n * n)
        count -= torch.bincount(second * n + first, minlength=n * n)
    signs = torch.randint(2, (2000, epochs), generator=generator, device="cpu").double() * 2 - 1
    seen = counts.sum(dim=0)
    by_chance = (signs @ counts).square().sum(dim=1)
    larger = int((by_chance >= seen.square().sum() - 1e-9).sum())
    worst = int(seen.argmax())
    return Exchangeability((1 + larger) / 2001, (worst // n, worst % n), level)


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

    Pairs and λ come from streams of their own: two schemes with one seed meet the same pairs. The
    paper has "two_copies" and a λ for each sample (section 6.1).

    Args:
        scheme: policy and weight, or their text.
        pairing: a name in ``PAIRINGS``, or an object with ``draw``.
        n: number of samples.
        batch_size: 1 … n; the last batch may be smaller.
        seed, epoch: any integers.
        lam_per: "sample" draws a λ for each pair, "batch" one for each batch.

    Raises:
        ValueError: an unknown pairing or ``lam_per``, a batch size that is not whole or off 1 … n,
            a scheme's text that cannot be read, or indices that a pairing of your own should not
            have drawn.
        TypeError: what is no scheme.

    >>> plan = plan_epoch(mixup(1), "flip", 6, batch_size=2, seed=0, epoch=0)
    >>> plan.lam.shape, plan.is_symmetric()
    (torch.Size([6]), True)
    """
    scheme = as_scheme(scheme)
    if type(batch_size) is not int or not 1 <= batch_size <= n:
        raise ValueError(f"batch_size = {batch_size!r}: it must be whole, between 1 and n = {n}")
    if lam_per not in ("sample", "batch"):
        raise ValueError(f"lam_per = {lam_per!r}: it must be 'sample' or 'batch'")
    first, second = by_name(pairing).draw(n, batch_size, generator_for(seed, "pairs", epoch))
    for name, indices in (("first", first), ("second", second)):
        if indices.dtype != torch.int64 or indices.shape != (len(first),):
            raise ValueError(
                f"pairing = {pairing!r}: it drew {name} as {indices.dtype} {tuple(indices.shape)}; "
                "both must be int64 and of one length"
            )
        if len(indices) and not (int(indices.min()) >= 0 and int(indices.max()) < n):
            raise ValueError(f"pairing = {pairing!r}: it drew a {name} outside 0 … {n - 1}")
    draws = len(first) if lam_per == "sample" else -(-len(first) // batch_size)
    lam, gamma = scheme.draw(draws, generator_for(seed, "policy", epoch))
    if lam_per == "batch":
        lam, gamma = (v.repeat_interleave(batch_size)[: len(first)] for v in (lam, gamma))
    return Plan(first, second, lam, gamma)
