"""Mixing two batches: x̃ = λx + λ̄x′."""

from __future__ import annotations

import torch
from torch import Tensor


def mix(x: Tensor, x2: Tensor, lam: Tensor) -> Tensor:
    """λx + (1 − λ)x′, one λ for each sample (Equation 2); with γ for λ it mixes labels too.

    Computed in the wider of the dtypes of x and λ, and returned in that of x. Exact at λ = 0, 1.

    Args:
        x, x2: (B, …), floating, of one shape.
        lam: λ, (B,), in [0, 1].

    Raises:
        ValueError: shapes that do not fit.
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
    wide = torch.promote_types(x.dtype, lam.dtype)
    lam = lam.to(wide).reshape(-1, *[1] * (x.ndim - 1))  # (B,) -> (B, 1, …)
    return torch.lerp(x2.to(wide), x.to(wide), lam).to(x.dtype)
