"""How a loss depends on its target, measured."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor


class Gaps(NamedTuple):
    """How far a loss is from each kind, relative to its size; see ``linearity_gap``.

    Attributes:
        linear: the gap in Axiom 1 (section 2), ≥ 0.
        affine: the gap for α + β = 1.
        gradient: the gap between the gradients for α + β = 1.

    >>> Gaps(linear=0.5, affine=0.0, gradient=0.0).kind
    'affine'
    """

    linear: float
    affine: float
    gradient: float

    @property
    def kind(self) -> str:
        """The strictest kind whose gap is below 1e-6, or "neither"."""
        for name, gap in zip(self._fields, self, strict=True):
            if gap < 1e-6:
                return name
        return "neither"


def linearity_gap(
    loss: Callable[[Tensor, Tensor], Tensor],
    output: Tensor,
    target: Tensor,
    target2: Tensor,
    generator: torch.Generator | None = None,
) -> Gaps:
    r"""Measure how a loss depends on its target, at given outputs and targets, in float64.

    It compares :math:`\ell(z, αy_1 + βy_2)` with :math:`α\ell(z, y_1) + β\ell(z, y_2)`, with random
    weights in [0, 1] for each sample: for independent α and β ("linear", Axiom 1 of section 2), for
    α + β = 1 ("affine"), and for α + β = 1 the gradients of the two with respect to z ("gradient").

    The focal loss with soft targets, −Σ y(1 − p)² log p, is linear in y. The focal loss weighted by
    a power of 1 − p_t, with p_t = Σ y p, is neither.

    Args:
        loss: (outputs (B, C), targets (B, C)) -> (B,), differentiable in its first argument.
        output: z, (B, C), typical outputs, not all zero.
        target, target2: y₁ and y₂, (B, C), different from each other. Test with soft targets: a
            loss may be linear on one-hot ones alone.
        generator: CPU generator of the weights; ``None`` is torch's global one.

    Returns:
        The largest difference of each kind, divided by the largest value compared.

    Raises:
        ValueError: no samples, shapes that differ, equal targets, or a loss that does not return
            one value per sample.

    >>> from umixup.losses import cross_entropy
    >>> g = torch.Generator().manual_seed(0)
    >>> z = torch.randn(64, 5, generator=g)
    >>> y, y2 = (torch.eye(5)[torch.randint(5, (64,), generator=g)] for _ in range(2))
    >>> linearity_gap(cross_entropy, z, y, y2, g).kind
    'linear'
    >>> soft_focal = lambda z, y: cross_entropy(z, y * (1 - z.softmax(1)) ** 2)
    >>> linearity_gap(soft_focal, z, y, y2, g).kind
    'linear'
    >>> focal = lambda z, y: (1 - (y * z.softmax(1)).sum(1)) ** 2 * cross_entropy(z, y)
    >>> linearity_gap(focal, z, y, y2, g).kind
    'neither'
    """
    if not len(output) or target.shape != output.shape or target2.shape != output.shape:
        raise ValueError(
            f"output {tuple(output.shape)}, target {tuple(target.shape)}, "
            f"target2 {tuple(target2.shape)}: they must have the same shape (B, C), with B ≥ 1"
        )
    if torch.equal(target, target2):
        raise ValueError("target and target2 are equal: between them every loss looks affine")
    z = output.detach().double().requires_grad_()
    y1, y2 = target.double(), target2.double()
    drawn = torch.rand(2, len(z), generator=generator, dtype=torch.float64, device="cpu")
    a, b = drawn.to(z.device)

    def both_sides(b: Tensor) -> tuple[Tensor, Tensor]:
        mixed = loss(z, a[:, None] * y1 + b[:, None] * y2)
        if mixed.shape != a.shape:
            raise ValueError(
                f"loss: from {len(a)} samples it returned shape {tuple(mixed.shape)}; it must "
                "return one value per sample, in PyTorch by reduction='none'"
            )
        return mixed, a * loss(z, y1) + b * loss(z, y2)

    linear, affine = both_sides(b), both_sides(1 - a)
    gradients = [
        torch.autograd.grad(side.sum() + 0 * z.sum(), z, retain_graph=True)[0] for side in affine
    ]
    return Gaps(_gap(*linear), _gap(*affine), _gap(*gradients))


def _gap(one: Tensor, other: Tensor) -> float:
    """The largest difference, divided by the largest value."""
    scale = torch.maximum(one.abs().max(), other.abs().max())
    return float(((one - other).abs().max() / scale.clamp(min=1e-300)).detach())
