"""Mixing for any training loop: drop-in replacements for torchvision's MixUp and timm's Mixup.

    mixer = UMixUp("U(B(2.2,0.9))", num_classes=10)
    for images, labels in loader:
        images, targets = mixer(images, labels)
        loss = torch.nn.functional.cross_entropy(model(images), targets)

Call it after the loader, or in a ``collate_fn`` (a function, which spawned workers can unpickle):

    def collate(batch):
        return mixer(*torch.utils.data.default_collate(batch))

To stop mixing for the last epochs (timm's ``mixup_off_epoch``), skip the call there:

    images, targets = mixer(images, labels) if epoch < off else (images, mixer.targets(labels))

timm smooths labels by 0.1 by default. Nothing here does; the loss can
(``torch.nn.CrossEntropyLoss(label_smoothing=0.1)``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple, overload

import torch
from torch import Tensor
from torch.distributions import Distribution

from umixup import _check as check
from umixup._streams import Source
from umixup.schemes import Scheme, as_scheme, dat, mixup


def mix(x: Tensor, x2: Tensor, lam: Tensor) -> Tensor:
    """λx + (1 − λ)x′, one λ for each sample (Equation 2). With γ in place of λ it mixes labels.

    Computed in the wider of the dtypes of x and λ, and returned in that of x. Exact at λ = 0, 1.

    Args:
        x, x2: (B, …), floating, of the same shape.
        lam: λ, (B,), in [0, 1].

    Raises:
        ValueError: shapes that do not fit, or a λ that is NaN or outside [0, 1]. Values are checked
            on the CPU only: on another device the check would wait for it.
        TypeError: x is not floating.

    >>> mix(torch.ones(2, 3), torch.zeros(2, 3), torch.tensor([1.0, 0.25]))
    tensor([[1.0000, 1.0000, 1.0000],
            [0.2500, 0.2500, 0.2500]])
    """
    _check_floating("x", x)
    if x.shape != x2.shape or lam.shape != x.shape[:1]:
        raise ValueError(
            f"x {tuple(x.shape)}, x2 {tuple(x2.shape)}, lam {tuple(lam.shape)}: "
            "they must be (B, …), (B, …) and (B,)"
        )
    if lam.device.type == "cpu" and lam.numel():
        low, high = (float(end) for end in lam.detach().aminmax())
        if not (low >= 0 and high <= 1):
            raise ValueError(f"lam from {low:.4g} to {high:.4g}: it must be in [0, 1]")
    return _mix(x, x2, lam, torch.lerp)


def _check_floating(name: str, x: Tensor) -> None:
    if not x.is_floating_point():
        raise TypeError(
            f"{name} of dtype {x.dtype}: mixing needs a floating dtype, for example {name} / 255"
        )


def _mix(x: Tensor, x2: Tensor, lam: Tensor, lerp: Callable[..., Tensor]) -> Tensor:
    """``mix`` by ``torch.lerp``, or in place of x2 by ``Tensor.lerp_``."""
    lam = lam.reshape(-1, *[1] * (x.ndim - 1))  # (B,) -> (B, 1, …)
    if x.dtype == lam.dtype:  # the usual case, without calls that do nothing
        return lerp(x2, x, lam)
    wide = torch.promote_types(x.dtype, lam.dtype)
    return lerp(x2.to(wide), x.to(wide), lam.to(wide)).to(x.dtype)


def _partners(x: Tensor, second: Tensor) -> Tensor:
    """x[second] in the layout of x, by something faster than indexing if the layout allows it."""
    if x.is_contiguous():
        return x.index_select(0, second)
    if x.ndim == 4 and x.is_contiguous(memory_format=torch.channels_last):
        return x.permute(0, 2, 3, 1).index_select(0, second).permute(0, 3, 1, 2)
    return x[second]


class Parts(NamedTuple):
    """What a mixed batch is made of: its targets are γy + (1 − γ)y′ (section 3.1).

    To mix losses instead of targets, use γℓ(z, y) + (1 − γ)ℓ(z, y′); by Axiom 1 it is the same.

    Attributes:
        y, y2: target vectors, (B, C).
        lam, gamma: λ and γ(λ), (B,), in [0, 1].

    >>> mixer = MixUp(1, num_classes=2)
    >>> images, parts = mixer(torch.rand(3, 4), torch.tensor([0, 1, 1]), parts=True)
    >>> parts.y2.shape, torch.equal(parts.lam, parts.gamma)
    (torch.Size([3, 2]), True)
    """

    y: Tensor
    y2: Tensor
    lam: Tensor
    gamma: Tensor


class UMixUp:
    """Mix each batch with a shuffle of itself: x̃ = λx + λ̄x′, ỹ = γ(λ)y + (1 − γ(λ))y′.

    The schemes are those of section 3.1. The original mixup code shuffles within the batch
    (section 6.1); the paper itself pairs two shuffled copies (``pairs.TwoCopies``).

    Args:
        scheme: a ``Scheme`` or its text: "U(B(2.2,0.9))", "B(1,1)", "DAT(B(2,1))", …
        num_classes: C; needed for labels (B,), not for target vectors (B, C).
        lam_per: "sample" draws a λ for each sample, "batch" one for the whole batch.
        seed: draw from generators of its own, one for each process: they differ by loader worker
            and epoch (through the seed that torch gives each worker, which follows torch's own) and
            by rank (from torch.distributed, RANK or SLURM_PROCID). A copy starts again from the
            beginning. With ``None``, draw from torch's global generator: torch seeds it differently
            in each loader worker, but ranks that call ``torch.manual_seed`` with the same number
            draw the same λ, so give them a seed.
        generator: draw from this CPU generator. Not together with ``seed``, and not in loader
            workers, each of which would have the same copy.

    Raises:
        TypeError: ``scheme`` is neither a scheme nor text.
        ValueError: an unknown ``lam_per``, a ``num_classes`` that is not an integer ≥ 1, a seed
            that is not an integer, both a seed and a generator, or a text that is not a scheme.

    >>> mixer = UMixUp("B(1,1)", num_classes=3, seed=0)
    >>> images, targets = mixer(torch.rand(4, 1, 8, 8), torch.tensor([0, 1, 2, 0]))
    >>> images.shape, targets.shape
    (torch.Size([4, 1, 8, 8]), torch.Size([4, 3]))
    """

    def __init__(
        self,
        scheme: Scheme | str,
        num_classes: int | None = None,
        *,
        lam_per: str = "sample",
        seed: int | None = None,
        generator: torch.Generator | None = None,
    ) -> None:
        if num_classes is not None:
            num_classes = check.whole("num_classes", num_classes, 1)
        if seed is not None:
            seed = check.whole("seed", seed)
            if generator is not None:
                raise ValueError(f"seed = {seed} and a generator: give one of them")
        self.lam_per = check.one_of("lam_per", lam_per, ("sample", "batch"))
        self.scheme, self.num_classes, self.seed = as_scheme(scheme), num_classes, seed
        self._source = Source(seed, generator)

    @overload
    def __call__(
        self, images: Tensor, labels: Tensor, *, parts: Literal[False] = False
    ) -> tuple[Tensor, Tensor]: ...
    @overload
    def __call__(
        self, images: Tensor, labels: Tensor, *, parts: Literal[True]
    ) -> tuple[Tensor, Parts]: ...
    def __call__(
        self, images: Tensor, labels: Tensor, *, parts: bool = False
    ) -> tuple[Tensor, Tensor | Parts]:
        """Mix a batch; nothing is changed in place.

        Args:
            images: (B, …), floating, B ≥ 1, on any device.
            labels: as for ``targets``.
            parts: return ``Parts`` in place of the mixed targets, to mix losses instead.

        Returns:
            (images, targets): the images in their own dtype, targets (B, C) in float32 or wider.

        Raises:
            ValueError: an empty batch, labels of another length, or as for ``targets``.
            TypeError: images that are not floating, or as for ``targets``.
            RuntimeError: called in a loader worker with a ``generator``.
        """
        _check_floating("images", images)
        if not len(images):
            raise ValueError(f"images {tuple(images.shape)}: the batch is empty")
        if labels.shape[:1] != images.shape[:1]:
            raise ValueError(
                f"images {tuple(images.shape)}, labels {tuple(labels.shape)}: "
                "they must have the same length"
            )
        y = self.targets(labels)
        generator = self._source.generator()
        second = torch.randperm(len(images), generator=generator, device="cpu")
        lam, gamma = self.scheme.draw(len(images) if self.lam_per == "sample" else 1, generator)
        if self.lam_per == "batch":
            lam, gamma = lam.expand(len(images)), gamma.expand(len(images))
        partners = _partners(images, second.to(images.device))  # a new tensor: mix in place
        mixed = _mix(images, partners, lam.to(images.device), Tensor.lerp_)
        y2 = _partners(y, second.to(y.device))
        lam, gamma = lam.to(y.device), gamma.to(y.device)
        if parts:
            return mixed, Parts(y, y2, lam, gamma)
        return mixed, _mix(y, y2, gamma, Tensor.lerp_)

    def targets(self, labels: Tensor) -> Tensor:
        """Labels as target vectors (B, C), float32 or wider, unmixed.

        Args:
            labels: class numbers, integers (B,) in 0 … C − 1, or target vectors, floating (B, C).

        Raises:
            ValueError: labels out of range, with another C, or not finite (checked on the CPU
                only), or class numbers without ``num_classes``.
            TypeError: labels of another dtype or shape.
        """
        if labels.ndim == 2 and labels.is_floating_point():
            if self.num_classes not in (None, labels.shape[1]):
                raise ValueError(f"labels {tuple(labels.shape)}: num_classes is {self.num_classes}")
            if labels.device.type == "cpu" and not bool(torch.isfinite(labels).all()):
                raise ValueError("labels: a target vector holds NaN or ∞; entries must be finite")
            return labels.to(torch.promote_types(labels.dtype, torch.float32))
        if labels.ndim != 1 or labels.is_floating_point() or labels.dtype == torch.bool:
            raise TypeError(
                f"labels are {labels.dtype} {tuple(labels.shape)}: they must be class numbers, "
                "integers (B,), or target vectors, floating (B, C)"
            )
        if self.num_classes is None:
            raise ValueError(
                "num_classes is missing: class numbers (B,) need UMixUp(scheme, num_classes=C)"
            )
        shape = len(labels), self.num_classes
        vectors = torch.zeros(shape, dtype=torch.float32, device=labels.device)
        try:
            return vectors.scatter_(1, labels.long()[:, None], 1.0)
        except RuntimeError:  # on the CPU; on a GPU torch's own assertion fails later
            raise ValueError(
                f"labels from {labels.min()} to {labels.max()}: "
                f"they must be in 0 … {self.num_classes - 1}"
            ) from None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.scheme)!r}, num_classes={self.num_classes})"


class MixUp(UMixUp):
    """MixUp with λ ~ B(α, α), γ(λ) = λ (sections 3.1 and 6.2).

    Args:
        alpha: α, finite and > 0; other arguments and errors as for ``UMixUp``.

    >>> MixUp(0.2, num_classes=10)
    MixUp('B(0.2,0.2)', num_classes=10)
    """

    def __init__(
        self,
        alpha: float,
        num_classes: int | None = None,
        *,
        lam_per: str = "sample",
        seed: int | None = None,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__(mixup(alpha), num_classes, lam_per=lam_per, seed=seed, generator=generator)


class DAT(UMixUp):
    """Directional adversarial training: images move, labels stay, γ ≡ 1 (section 3.1).

    Args:
        policy: a continuous distribution of λ on [0, 1]; other arguments and errors as for
            ``UMixUp``.

    >>> from umixup.policies import Beta
    >>> DAT(Beta(2, 1), num_classes=10)
    DAT('DAT(B(2,1))', num_classes=10)
    """

    def __init__(
        self,
        policy: Distribution,
        num_classes: int | None = None,
        *,
        lam_per: str = "sample",
        seed: int | None = None,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__(dat(policy), num_classes, lam_per=lam_per, seed=seed, generator=generator)


def accuracy(outputs: Tensor, parts: Parts) -> Tensor:
    """Training accuracy on mixed samples: γ where y's class is predicted, plus 1 − γ where y′'s.

    The mean over the batch, a scalar in [0, 1]. The authors' released code weighs by λ instead,
    which is not the label's weight unless γ(λ) = λ.

    Args:
        outputs: (B, C).
        parts: from a call with ``parts=True``; each target vector with a single class.

    Raises:
        ValueError: outputs and targets differ in shape.

    >>> y, y2 = torch.eye(2), torch.eye(2).flip(0)
    >>> parts = Parts(y, y2, lam=torch.tensor([0.3, 0.3]), gamma=torch.tensor([0.8, 0.8]))
    >>> accuracy(torch.tensor([[2.0, 1.0], [2.0, 1.0]]), parts)  # (γ + (1 − γ)) / 2
    tensor(0.5000)
    """
    if outputs.shape != parts.y.shape:
        raise ValueError(
            f"outputs {tuple(outputs.shape)}: they must be {tuple(parts.y.shape)} like the targets"
        )
    guess = outputs.argmax(dim=1)
    first, second = (guess == y.argmax(dim=1) for y in (parts.y, parts.y2))
    share: Tensor = (parts.gamma * first + (1 - parts.gamma) * second).mean()
    return share
