"""Mixing for any training loop: drop-ins where torchvision's MixUp or timm's Mixup stand.

    mixer = UMixUp("U(B(2.2,0.9))", num_classes=10)
    for images, labels in loader:
        images, targets = mixer(images, labels)
        loss = torch.nn.functional.cross_entropy(model(images), targets)

After the loader, or in a ``collate_fn`` (a function, so that spawned workers can be sent it):

    def collate(batch):
        return mixer(*torch.utils.data.default_collate(batch))

To stop mixing for the last epochs (timm's ``mixup_off_epoch``), leave the call out there:

    images, targets = mixer(images, labels) if epoch < off else (images, mixer.targets(labels))

timm smooths labels by 0.1 unless told otherwise; nothing here does, the loss can
(``torch.nn.CrossEntropyLoss(label_smoothing=0.1)``).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Literal, NamedTuple, overload

import torch
from torch import Tensor
from torch.distributions import Distribution

from umixup._random import generator_for
from umixup.schemes import Scheme, as_scheme, dat, mixup


def mix(x: Tensor, x2: Tensor, lam: Tensor) -> Tensor:
    """λx + (1 − λ)x′, one λ for each sample (Equation 2); with γ for λ it mixes labels too.

    Computed in the wider of the dtypes of x and λ, and returned in that of x. Exact at λ = 0, 1.

    Args:
        x, x2: (B, …), floating, of one shape.
        lam: λ, (B,), in [0, 1].

    Raises:
        ValueError: shapes that do not fit, or a λ off [0, 1] or NaN (looked at on the CPU only:
            elsewhere the look would wait for the device).
        TypeError: images that are not floating.

    >>> mix(torch.ones(2, 3), torch.zeros(2, 3), torch.tensor([1.0, 0.25]))
    tensor([[1.0000, 1.0000, 1.0000],
            [0.2500, 0.2500, 0.2500]])
    """
    if not x.is_floating_point():
        raise TypeError(f"x is {x.dtype}: mixing needs a floating dtype; scale it with x / 255")
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


def _mix(x: Tensor, x2: Tensor, lam: Tensor, lerp: Callable[..., Tensor]) -> Tensor:
    """``mix`` by ``torch.lerp``, or in place of x2 by ``Tensor.lerp_``."""
    lam = lam.reshape(-1, *[1] * (x.ndim - 1))  # (B,) -> (B, 1, …)
    if x.dtype == lam.dtype:  # the usual case, without calls that do nothing
        return lerp(x2, x, lam)
    wide = torch.promote_types(x.dtype, lam.dtype)
    return lerp(x2.to(wide), x.to(wide), lam.to(wide)).to(x.dtype)


def _partners(x: Tensor, second: Tensor) -> Tensor:
    """x[second] in the layout of x; where it can, by what is faster than indexing."""
    if x.is_contiguous():
        return x.index_select(0, second)
    if x.ndim == 4 and x.is_contiguous(memory_format=torch.channels_last):
        return x.permute(0, 2, 3, 1).index_select(0, second).permute(0, 3, 1, 2)
    return x[second]


class Parts(NamedTuple):
    """What a mixed batch is made of: its targets are γy + (1 − γ)y′ (section 3.1).

    To mix losses instead, take γℓ(z, y) + (1 − γ)ℓ(z, y′), equal by Axiom 1.

    Attributes:
        y, y2: target vectors, (B, C).
        lam, gamma: λ and γ(λ), (B,), in [0, 1].

    >>> mixer = MixUp(1, num_classes=2)
    >>> images, parts = mixer(torch.rand(3, 4), torch.tensor([0, 1, 1]), parts=True)
    >>> parts.y2.shape, torch.equal(parts.lam, parts.gamma)
    (torch.Size([3, 2]), True)
    """

    y: Tensor  # (B, C)
    y2: Tensor  # (B, C)
    lam: Tensor  # (B,)
    gamma: Tensor  # (B,)


class UMixUp:
    """Mix each batch with its own shuffle: x̃ = λx + λ̄x′, ỹ = γ(λ)y + (1 − γ(λ))y′.

    The scheme is that of section 3.1. The shuffle is that of the original mixup code, which section
    6.1 names; the paper itself pairs two shuffled copies (``pairs.TwoCopies``).

    Args:
        scheme: a ``Scheme``, or its text: "U(B(2.2,0.9))", "B(1,1)", "DAT(B(2,1))", …
        num_classes: C; needed for labels (B,), not for target vectors (B, C).
        lam_per: "sample" draws a λ for each sample, "batch" one for the whole batch.
        seed: draw from generators of its own, which differ by process: by loader worker and epoch
            (through the seed that torch gives a worker, which follows torch's own), and by rank
            (torch.distributed's, or RANK or SLURM_PROCID). A copy starts the series anew. ``None``
            is torch's global generator: torch seeds it apart in loader workers, but ranks that
            call ``torch.manual_seed`` alike draw alike; give them a seed.
        generator: draw from this CPU generator. Not in loader workers, which would all get a
            copy of it, and not together with ``seed``.

    Raises:
        TypeError: what is no scheme.
        ValueError: an unknown ``lam_per``, a ``num_classes`` or seed that is no whole number or
            too small, both a seed and a generator, or a scheme's text that cannot be read.

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
        if lam_per not in ("sample", "batch"):
            raise ValueError(f"lam_per = {lam_per!r}: it must be 'sample' or 'batch'")
        if num_classes is not None and not (_is_whole(num_classes) and num_classes >= 1):
            raise ValueError(f"num_classes = {num_classes!r}: it must be a whole number ≥ 1")
        if seed is not None and not _is_whole(seed):
            raise ValueError(f"seed = {seed!r}: it must be a whole number")
        if seed is not None and generator is not None:
            raise ValueError(f"seed = {seed} and a generator: give one of them")
        self.scheme = as_scheme(scheme)
        self.num_classes, self.lam_per, self.seed = num_classes, lam_per, seed
        self._generator = generator
        self._process: tuple[int, str, int] | None = None
        self._rank: str | None = None  # of the process that sent this copy

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
            labels: int64 (B,) in 0 … C − 1, or target vectors (B, C), floating.
            parts: return ``Parts`` in place of the mixed targets, to mix losses instead.

        Returns:
            (images, targets): the images in their own dtype, targets (B, C) in float32 or wider.

        Raises:
            ValueError: an empty batch, labels of another length or out of range, or labels (B,)
                without ``num_classes``.
            TypeError: images that are not floating, or float labels of shape (B,).
            RuntimeError: a ``generator`` in a loader worker.
        """
        if not images.is_floating_point():
            raise TypeError(
                f"images are {images.dtype}: mixing needs a floating dtype; "
                "scale them with images / 255"
            )
        if not len(images):
            raise ValueError(f"images {tuple(images.shape)}: the batch is empty")
        if labels.shape[:1] != images.shape[:1]:
            raise ValueError(
                f"images {tuple(images.shape)}, labels {tuple(labels.shape)}: "
                "they must be of one length"
            )
        y = self.targets(labels)
        generator = self._own_generator()
        second = torch.randperm(len(images), generator=generator, device="cpu")
        lam, gamma = self.scheme.draw(len(images) if self.lam_per == "sample" else 1, generator)
        if self.lam_per == "batch":
            lam, gamma = lam.expand(len(images)), gamma.expand(len(images))
        partners = _partners(images, second.to(images.device))  # ours alone: mixed in place
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
            ValueError: labels out of range or of another C, NaN or ∞ among them (looked for on the
                CPU only), or class numbers without ``num_classes``.
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
        vectors = torch.zeros(
            len(labels), self.num_classes, dtype=torch.float32, device=labels.device
        )
        try:
            return vectors.scatter_(1, labels.long()[:, None], 1.0)
        except RuntimeError:  # on the CPU; on a GPU torch's own assertion, some time later
            raise ValueError(
                f"labels from {labels.min()} to {labels.max()}: "
                f"they must be in 0 … {self.num_classes - 1}"
            ) from None

    def _own_generator(self) -> torch.Generator | None:
        worker = torch.utils.data.get_worker_info()
        if self.seed is None:
            if worker is not None and self._generator is not None:
                raise RuntimeError(
                    "generator: every loader worker would draw from a copy of it, the same λ in "
                    "each; give a seed instead"
                )
            return self._generator
        # a worker's own seed differs by worker and by epoch: workers may be new in every epoch
        rank = self._rank or _rank()
        process = (os.getpid(), rank, 0 if worker is None else worker.seed)
        if process != self._process:
            stream = f"mixing/{process[1]}/{process[2]}"
            self._process, self._generator = process, generator_for(self.seed, stream)
        return self._generator

    def __getstate__(self) -> dict[str, object]:
        # with a seed, the copy in another process makes its own generator
        own = {"_process": None, "_generator": None, "_rank": self._rank or _initialized_rank()}
        return {**self.__dict__, **(own if self.seed is not None else {})}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.scheme)!r}, num_classes={self.num_classes})"


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _initialized_rank() -> str | None:
    distributed = torch.distributed
    if distributed.is_available() and distributed.is_initialized():
        return str(distributed.get_rank())
    return None


def _rank() -> str:
    """This process's rank: torch.distributed's, else what torchrun or Slurm put into variables."""
    found = _initialized_rank() or os.environ.get("RANK") or os.environ.get("SLURM_PROCID")
    return found or "0"


class MixUp(UMixUp):
    """MixUp with λ ~ B(α, α), γ(λ) = λ (sections 3.1 and 6.2).

    Args:
        alpha: α, finite and > 0; the other arguments as for ``UMixUp``.

    Raises:
        ValueError: α is not finite and positive; the rest as for ``UMixUp``.
        TypeError: α is no number.

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
        policy: of λ, a distribution on [0, 1]; the other arguments as for ``UMixUp``.

    Raises:
        TypeError: the policy is no distribution.
        ValueError: it is not one continuous distribution on [0, 1]; the rest as for ``UMixUp``.

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

    Not in the paper. The released code weighs by λ, which for an untied scheme is not the label's
    weight.

    Args:
        outputs: (B, C).
        parts: from a call with ``parts=True``, of targets with one class each.

    Returns:
        The mean over the batch, a scalar in [0, 1].

    Raises:
        ValueError: outputs of another shape than the targets.

    >>> y, y2 = torch.eye(2), torch.eye(2).flip(0)
    >>> parts = Parts(y, y2, lam=torch.tensor([0.3, 0.3]), gamma=torch.tensor([0.8, 0.8]))
    >>> accuracy(torch.tensor([[2.0, 1.0], [2.0, 1.0]]), parts)  # (γ + (1 − γ)) / 2
    tensor(0.5000)
    """
    if outputs.shape != parts.y.shape:
        raise ValueError(
            f"outputs {tuple(outputs.shape)}: they must be {tuple(parts.y.shape)}, as the targets"
        )
    guess = outputs.argmax(dim=1)
    first, second = (guess == y.argmax(dim=1) for y in (parts.y, parts.y2))
    share: Tensor = (parts.gamma * first + (1 - parts.gamma) * second).mean()
    return share
