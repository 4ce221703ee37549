"""A policy from a density that is given as a function."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from umixup._integrate import logit_of, logit_slope, panel_sums, panels_between, refined
from umixup.policies.base import Policy, Shape, uniform


class Density(Policy):
    """A policy from a density that is given as a function, up to its normalising constant.

    The density is normalised on panels that are halved until the integral has converged, and drawn
    from by its inverse distribution function, interpolated between their nodes. Mass within 1e-15
    of an end is left out; for a density like λ^(α−1) with a small α, use ``Beta``.

    Args:
        density: from λ in (0, 1), a float64 vector, to a vector of values ≥ 0.

    Raises:
        ValueError: values that are negative or not finite, or a density that is 0 at each of
            about a thousand points.

    >>> policy = Density(lambda lam: lam)  # B(2,1)
    >>> round(float(policy.log_prob(torch.tensor(0.5)).exp()), 6)
    1.0
    """

    def __init__(self, density: Callable[[Tensor], Tensor]) -> None:
        self.density = density
        start = panels_between(34, [], number=32)
        if not bool((panel_sums(self._mass_at, start, 32) > 0).any()):
            raise ValueError(f"density = {density!r}: it is 0 at every λ tried in (0, 1)")
        panels = refined(self._mass_at, start, 10)
        #: The integral of ``density``.
        self.total = float(panel_sums(self._mass_at, panels, 10).sum())
        shares = torch.arange(128, dtype=torch.float64, device="cpu") / 128
        t = torch.lerp(panels[:, :1], panels[:, 1:], shares).flatten()
        t = torch.cat([t, panels[-1:, 1]])
        masses = torch.cumulative_trapezoid(self._mass_at(t)[:, 0], t)
        self._z = logit_of(t)
        self._cdf = torch.cat([masses.new_zeros(1), masses / masses[-1]])
        super().__init__()

    def _mass_at(self, t: Tensor) -> Tensor:
        """The density of t, not normalised, as a column."""
        z = logit_of(t)
        values = torch.as_tensor(self.density(torch.sigmoid(z)), device="cpu")
        if values.shape != t.shape or not bool((torch.isfinite(values) & (values >= 0)).all()):
            raise ValueError(
                f"density = {self.density!r}: on (0, 1) it must give finite values ≥ 0, "
                "one for each λ"
            )
        slope = logit_slope(t) * torch.sigmoid(z) * torch.sigmoid(-z)  # dλ/dt
        return (values.double() * slope)[:, None]

    def sample_logit(self, shape: Shape, generator: torch.Generator | None = None) -> Tensor:
        return self.icdf_logit(uniform(shape, generator))

    def icdf_logit(self, u: Tensor, generator: torch.Generator | None = None) -> Tensor:
        u = u.double()
        k = torch.searchsorted(self._cdf, u, right=True).clamp(1, len(self._cdf) - 1)
        low, high = self._cdf[k - 1], self._cdf[k]
        return torch.lerp(self._z[k - 1], self._z[k], (u - low) / (high - low))

    def log_prob(self, value: Tensor) -> Tensor:
        """log p(λ) at ``value``, of its shape; at 0 and 1, that of the nearest λ inside."""
        inside = value.double().clamp(2**-52, 1 - 2**-53)
        log_density = torch.as_tensor(self.density(inside), device=value.device).log() - math.log(
            self.total
        )
        return log_density.to(value.dtype)

    def __repr__(self) -> str:
        return f"Density({getattr(self.density, '__name__', 'function')})"
