"""Losses on a target vector, one value a sample.

z is the model's output, y a target: for cross-entropy a probability vector such as the mixed
label γy + γ̄y′. Target-linear means ℓ(z, αy₁ + βy₂) = αℓ(z, y₁) + βℓ(z, y₂) (Axiom 1).
"""

from __future__ import annotations

import torch
from torch import Tensor


def cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    r"""Cross-entropy :math:`-\sum_i y[i] \log \operatorname{softmax}(z)[i]`. Target-linear.

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
    if logits.ndim != 2 or logits.shape != target.shape:
        raise ValueError(
            f"logits {tuple(logits.shape)}, target {tuple(target.shape)}: both must be (B, C). "
            "Class numbers become target vectors by torch.nn.functional.one_hot(labels, C)."
        )
    wide = torch.promote_types(logits.dtype, torch.float32)
    return -(target * torch.log_softmax(logits.to(wide), dim=1)).sum(dim=1)


BY_NAME = {"ce": cross_entropy}
