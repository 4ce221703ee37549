"""Losses on a target vector, one value a sample.

z is the model's output, y a target, a mixture such as γy + γ̄y′ included. Every loss tells in
``KIND`` how it depends on y:

- ``"linear"``: ℓ(z, αy₁ + βy₂) = αℓ(z, y₁) + βℓ(z, y₂) for all α, β (Axiom 1);
- ``"affine"``: the same where α + β = 1, which is all that the lemmas use;
- ``"gradient"``: affine but for a term in y alone, so that gradients agree and losses do not;
- ``"neither"``: no lemma applies.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

#: A loss takes outputs and target vectors, (B, C) each, to one value a sample, (B,).
Loss = Callable[[Tensor, Tensor], Tensor]


def _checked(output: Tensor, target: Tensor, names: str) -> tuple[Tensor, Tensor]:
    if output.ndim != 2 or output.shape != target.shape:
        raise ValueError(
            f"{names} {tuple(output.shape)}, target {tuple(target.shape)}: both must be (B, C). "
            "Class numbers become target vectors by torch.nn.functional.one_hot(labels, C)."
        )
    wide = torch.promote_types(torch.promote_types(output.dtype, target.dtype), torch.float32)
    return output.to(wide), target.to(wide)


def cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    r"""Cross-entropy :math:`-\sum_i y[i] \log \operatorname{softmax}(z)[i]`. Linear in the target.

    The paper prints it without the minus sign (section 2).

    Args:
        logits: z, (B, C), real.
        target: y, (B, C), each row a probability vector.

    Returns:
        (B,), float32 or wider.

    Raises:
        ValueError: the two shapes differ, or are not (B, C).

    >>> cross_entropy(torch.zeros(1, 2), torch.tensor([[0.25, 0.75]]))
    tensor([0.6931])
    """
    logits, target = _checked(logits, target, "logits")
    return -(target * torch.log_softmax(logits, dim=1)).sum(dim=1)


def negative_cosine(output: Tensor, target: Tensor) -> Tensor:
    r"""Negative cosine :math:`-v^\top y` with :math:`v = z/\|z\|`. Linear in the target.

    As section 2 of the paper has it: the target is a mixture of unit-length label vectors (see
    ``label_vectors``), and is *not* brought back to unit length.

    Args:
        output: z, (B, d), real.
        target: y, (B, d).

    Returns:
        (B,), float32 or wider, in [−‖y‖, ‖y‖].

    Raises:
        ValueError: the two shapes differ, or are not (B, d).

    >>> negative_cosine(torch.tensor([[3.0, 4.0]]), torch.tensor([[0.5, 0.5]]))
    tensor([-0.7000])
    """
    output, target = _checked(output, target, "output")
    return -(F.normalize(output, dim=1) * target).sum(dim=1)


def renormalized_cosine(output: Tensor, target: Tensor) -> Tensor:
    r""":math:`-\cos(z, y)`, what the authors' released code computes. Neither linear nor affine.

    Not in the paper.
    It divides by the length of the mixed target, :math:`\sqrt{γ^2 + \barγ^2}` for orthonormal
    label vectors, and so weighs a mixed sample up to √2 times as much as ``negative_cosine``.

    Args, returns and errors as for ``negative_cosine``.

    >>> renormalized_cosine(torch.tensor([[3.0, 4.0]]), torch.tensor([[0.5, 0.5]]))
    tensor([-0.9899])
    """
    output, target = _checked(output, target, "output")
    return -F.cosine_similarity(output, target, dim=1)


def brier(logits: Tensor, target: Tensor) -> Tensor:
    r"""Brier score :math:`\sum_i (\operatorname{softmax}(z)[i] - y[i])^2`.

    Affine up to the term ‖y‖², which does not depend on the model: gradients agree, losses do not.
    Not in the paper.

    Args, returns and errors as for ``cross_entropy``.

    >>> brier(torch.zeros(1, 2), torch.tensor([[1.0, 0.0]]))
    tensor([0.5000])
    """
    logits, target = _checked(logits, target, "logits")
    return (torch.softmax(logits, dim=1) - target).square().sum(dim=1)


def binary_cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    r"""Sum over classes of :math:`-y[i]\log σ(z[i]) - (1-y[i])\log(1-σ(z[i]))`. Affine in y.

    For multi-label targets; the entries of y lie in [0, 1] and need not add up to 1. Not in the
    paper, whose lemmas hold for it all the same: they use Axiom 1 with α + β = 1 only.

    Args, returns and errors as for ``cross_entropy``.

    >>> binary_cross_entropy(torch.zeros(1, 2), torch.tensor([[1.0, 1.0]]))
    tensor([1.3863])
    """
    logits, target = _checked(logits, target, "logits")
    return F.binary_cross_entropy_with_logits(logits, target, reduction="none").sum(dim=1)


def hinge(logits: Tensor, target: Tensor) -> Tensor:
    r"""Hinge loss :math:`\sum_i \max(0, 1 - (2y[i]-1)z[i])`. Neither: a counter-example.

    Not in the paper.

    Args, returns and errors as for ``cross_entropy``.

    >>> hinge(torch.tensor([[2.0, -2.0]]), torch.tensor([[0.5, 0.5]]))
    tensor([2.])
    """
    logits, target = _checked(logits, target, "logits")
    margins: Tensor = (2 * target - 1) * logits
    return torch.relu(1 - margins).sum(dim=1)


#: The losses by the names that the paper and ``Config`` give them.
BY_NAME: dict[str, Loss] = {
    "ce": cross_entropy,
    "nc": negative_cosine,
    "nc-released": renormalized_cosine,
    "brier": brier,
    "bce": binary_cross_entropy,
    "hinge": hinge,
}
#: The kind of each loss, "linear", "affine", "gradient" or "neither".
KIND: dict[Loss, str] = {
    cross_entropy: "linear",
    negative_cosine: "linear",
    renormalized_cosine: "neither",
    brier: "gradient",
    binary_cross_entropy: "affine",
    hinge: "neither",
}


def label_vectors(num_classes: int, dim: int, generator: torch.Generator | None = None) -> Tensor:
    """An orthonormal basis of the span of uniform random vectors: the label vectors of NC.

    As in the authors' code. The paper has an orthonormal basis in section 2, and random vectors of
    unit length in section 6.1.

    Args:
        num_classes: C ≥ 1.
        dim: d ≥ C; the paper has 300, and 700 for CIFAR100 (section 6.1).
        generator: a CPU generator; ``None`` is torch's global one.

    Returns:
        (C, d), float32, with orthonormal rows.

    Raises:
        ValueError: dim < num_classes, or num_classes < 1.

    >>> v = label_vectors(3, 8, torch.Generator().manual_seed(0))
    >>> bool(torch.allclose(v @ v.T, torch.eye(3), atol=1e-6))
    True
    """
    if not 1 <= num_classes <= dim:
        raise ValueError(f"num_classes = {num_classes}, dim = {dim}: it must be 1 ≤ C ≤ dim")
    drawn = torch.rand(dim, num_classes, generator=generator, dtype=torch.float64, device="cpu")
    basis: Tensor = torch.linalg.qr(drawn).Q
    return basis.T.contiguous().float()


class Gaps(NamedTuple):
    """How far a loss is from each kind, as shares of its size; see ``linearity_gap``.

    Attributes:
        linear: the gap to Axiom 1 (section 2), ≥ 0.
        affine: the gap where α + β = 1.
        gradient: that of the gradients, where α + β = 1.

    >>> Gaps(linear=0.5, affine=0.0, gradient=0.0).kind
    'affine'
    """

    linear: float
    affine: float
    gradient: float

    @property
    def kind(self) -> str:
        """The narrowest of the four kinds that the gaps allow, at a tolerance of 1e-6."""
        for name, gap in zip(self._fields, self, strict=True):
            if gap < 1e-6:
                return name
        return "neither"


def linearity_gap(
    loss: Loss,
    output: Tensor,
    target: Tensor,
    target2: Tensor,
    generator: torch.Generator | None = None,
) -> Gaps:
    r"""Measure how a loss depends on its target, at given outputs and targets, in float64.

    With random weights in [0, 1], one a sample, it compares :math:`\ell(z, αy_1 + βy_2)` with
    :math:`α\ell(z, y_1) + β\ell(z, y_2)`: for any α and β ("linear"), for α + β = 1 ("affine"),
    and, for α + β = 1, the gradients of both with respect to z ("gradient"). The first is Axiom 1
    (section 2); the measure is not in the paper.

    The focal loss with soft targets, −Σ y(1 − p)² log p, is linear in y; the one that weighs by a
    power of 1 − p_t, with p_t = Σ y p, is neither.

    Args:
        loss: (outputs (B, C), targets (B, C)) -> (B,), differentiable in its first argument.
        output: z, (B, C): take typical ones, none of them zero.
        target, target2: y₁ and y₂, (B, C), different ones.
        generator: of the weights, on the CPU; ``None`` is torch's global one.

    Returns:
        The largest difference of each kind, divided by the largest value compared.

    Raises:
        ValueError: no samples, shapes that differ, targets that are all alike, or a loss that
            does not give one value a sample.

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
            f"target2 {tuple(target2.shape)}: they must be of one shape, (B, C), with B ≥ 1"
        )
    if torch.equal(target, target2):
        raise ValueError("target and target2 are equal: between them every loss looks affine")
    z = output.detach().double().requires_grad_()
    y1, y2 = target.double(), target2.double()
    drawn = torch.rand(2, len(z), generator=generator, dtype=torch.float64, device="cpu")
    a, b = drawn.to(z.device)

    def gap(one: Tensor, other: Tensor) -> float:
        scale = torch.maximum(one.abs().max(), other.abs().max())
        return float(((one - other).abs().max() / scale.clamp(min=1e-300)).detach())

    def both(b: Tensor) -> tuple[Tensor, Tensor]:
        mixed = loss(z, a[:, None] * y1 + b[:, None] * y2)
        if mixed.shape != a.shape:
            raise ValueError(
                f"loss: from {len(a)} samples it gave shape {tuple(mixed.shape)}; it must give "
                "one value a sample, in PyTorch by reduction='none'"
            )
        return mixed, a * loss(z, y1) + b * loss(z, y2)

    mixed, separate = both(1 - a)
    gradients = [
        torch.autograd.grad(v.sum() + 0 * z.sum(), z, retain_graph=True)[0]
        for v in (mixed, separate)
    ]
    return Gaps(gap(*both(b)), gap(mixed, separate), gap(*gradients))
