"""Policies with nothing to compute: an interval, and a point."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from umixup import _check as check
from umixup.policies.base import Policy, Shape, uniform


class Uniform(Policy):
    """The uniform policy on [low, high]: p(λ) = 1/(high − low) there.

    Args:
        low, high: 0 ≤ low < high ≤ 1.

    Raises:
        ValueError: an end is out of range.
        TypeError: an end is not a number.

    >>> Uniform(0.5, 1)
    Uni(0.5,1)
    """

    symbol = "Uni"
    parameters = ("low", "high")

    def __init__(self, low: float, high: float) -> None:
        self.high = self._checked("high", high, check.Range("in (0, 1]", lambda v: 0 < v <= 1))
        below = check.Range(f"in [0, high), high = {high}", lambda v: 0 <= v < float(self.high))
        self.low = self._checked("low", low, below)
        super().__init__()

    def sample_logit(self, shape: Shape, generator: torch.Generator | None = None) -> Tensor:
        return torch.logit(torch.lerp(self.low, self.high, uniform(shape, generator)))

    def icdf_logit(self, u: Tensor, generator: torch.Generator | None = None) -> Tensor:
        return torch.logit(torch.lerp(self.low, self.high, u.double()))

    def log_prob(self, value: Tensor) -> Tensor:
        """log p(λ) at ``value``, of its shape: −log(high − low) inside, −∞ outside."""
        inside = (value >= self.low) & (value <= self.high)
        inner = -(self.high - self.low).log().to(value.dtype)
        return torch.where(inside, inner, torch.full_like(value, -math.inf))

    def log_density_logit(self, z: Tensor) -> Tensor:
        inside = (z >= torch.logit(self.low)) & (z <= torch.logit(self.high))
        inner = F.logsigmoid(z) + F.logsigmoid(-z) - (self.high - self.low).log()
        return torch.where(inside, inner, -math.inf)

    def breakpoints(self) -> list[float]:
        ends = (float(torch.logit(end)) for end in (self.low, self.high))
        return [z for z in ends if math.isfinite(z)]


class PointMass(Policy):
    """All of the probability at one λ. ``log_prob`` is the log of a mass, not of a density.

    λ ≡ 1 gives plain training, the loss of Equation 1.

    Args:
        at: the value of λ, in [0, 1]. ``PointMass(1)`` leaves every sample where it is.

    Raises:
        ValueError: ``at`` is outside [0, 1].
        TypeError: ``at`` is not a number.

    >>> PointMass(1)
    P(1)
    """

    symbol = "P"
    parameters = ("at",)

    def __init__(self, at: float) -> None:
        self.at = self._checked("at", at, check.UNIT)
        super().__init__()

    def sample(self, sample_shape: Shape = ()) -> Tensor:  # type: ignore[override]
        return self.at.expand(torch.Size(sample_shape)).clone()

    def icdf_logit(self, u: Tensor, generator: torch.Generator | None = None) -> Tensor:
        return torch.logit(self.at).expand(u.shape).clone()

    def log_prob(self, value: Tensor) -> Tensor:
        """0 at the point, −∞ elsewhere, of the shape of ``value``.

        Within 1e-6 of the point, since 1 − (1 − λ) may differ from λ.
        """
        return torch.where((value - self.at).abs() < 1e-6, 0.0, -math.inf).to(value.dtype)

    def log_density_logit(self, z: Tensor) -> Tensor:
        return torch.full_like(z, -math.inf)

    def atoms(self) -> list[tuple[float, float]]:
        return [(float(self.at), 1.0)]

    def breakpoints(self) -> list[float]:
        z = float(torch.logit(self.at))
        return [z] if math.isfinite(z) else []
