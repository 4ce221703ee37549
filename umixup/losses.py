"""Losses on a target vector, one value per sample.

z is the model's output; y is a target, possibly a mixture γy + γ̄y′. The table ``KIND`` says how
each loss depends on y:

- ``"linear"``: ℓ(z, αy₁ + βy₂) = αℓ(z, y₁) + βℓ(z, y₂) for all α, β (Axiom 1);
- ``"affine"``: the same for α + β = 1, which is all that the lemmas use;
- ``"gradient"``: affine except for a term in y alone, so that gradients agree and losses do not;
- ``"neither"``: no lemma applies.

``linearity_gap`` measures the kind of any loss.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from umixup import _check as check
from umixup.linearity import Gaps, linearity_gap

__all__ = [
    "BY_NAME",
    "KIND",
    "Gaps",
    "Loss",
    "binary_cross_entropy",
    "brier",
    "cross_entropy",
    "hinge",
    "label_vectors",
    "linearity_gap",
    "negative_cosine",
    "renormalized_cosine",
]

#: A loss takes outputs and target vectors, (B, C) each, to one value per sample, (B,).
Loss = Callable[[Tensor, Tensor], Tensor]


def _checked(output: Tensor, target: Tensor, name: str) -> tuple[Tensor, Tensor]:
    """Both in their common dtype, float32 or wider."""
    if output.ndim != 2 or output.shape != target.shape:
        raise ValueError(
            f"{name} {tuple(output.shape)}, target {tuple(target.shape)}: both must be (B, C). "
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

    As in section 2 of the paper: the target is a mixture of label vectors of unit length (see
    ``label_vectors``), and is *not* rescaled to unit length.

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
    r""":math:`-\cos(z, y)`, which the authors' released code computes. Neither linear nor affine.

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
    Args, returns and errors as for ``cross_entropy``.

    >>> brier(torch.zeros(1, 2), torch.tensor([[1.0, 0.0]]))
    tensor([0.5000])
    """
    logits, target = _checked(logits, target, "logits")
    return (torch.softmax(logits, dim=1) - target).square().sum(dim=1)


def binary_cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    r"""Sum over classes of :math:`-y[i]\log σ(z[i]) - (1-y[i])\log(1-σ(z[i]))`. Affine in y.

    For multi-label targets: the entries of y lie in [0, 1] and need not sum to 1. The lemmas hold
    for it, too, since they use Axiom 1 only for α + β = 1.
    Args, returns and errors as for ``cross_entropy``.

    >>> binary_cross_entropy(torch.zeros(1, 2), torch.tensor([[1.0, 1.0]]))
    tensor([1.3863])
    """
    logits, target = _checked(logits, target, "logits")
    return F.binary_cross_entropy_with_logits(logits, target, reduction="none").sum(dim=1)


def hinge(logits: Tensor, target: Tensor) -> Tensor:
    r"""Hinge loss :math:`\sum_i \max(0, 1 - (2y[i]-1)z[i])`. Neither: a counterexample.

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
    """The label vectors of NC: an orthonormal basis of the span of uniform random vectors.

    As in the authors' code. The paper has an orthonormal basis in section 2, and random vectors of
    unit length in section 6.1.

    Args:
        num_classes: C ≥ 1.
        dim: d ≥ C; the paper has 300, and 700 for CIFAR100 (section 6.1).
        generator: a CPU generator; ``None`` is torch's global one.

    Returns:
        (C, d), float32, with orthonormal rows.

    Raises:
        ValueError: num_classes < 1, dim < num_classes, or one of them is not an integer.

    >>> v = label_vectors(3, 8, torch.Generator().manual_seed(0))
    >>> bool(torch.allclose(v @ v.T, torch.eye(3), atol=1e-6))
    True
    """
    num_classes = check.whole("num_classes", num_classes, 1)
    dim = check.whole("dim", dim, num_classes)
    drawn = torch.rand(dim, num_classes, generator=generator, dtype=torch.float64, device="cpu")
    basis: Tensor = torch.linalg.qr(drawn).Q
    return basis.T.contiguous().float()
