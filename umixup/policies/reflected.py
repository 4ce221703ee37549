"""Policies whose draws are mirrored by chance, symmetrised ones among them."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.distributions import Distribution

from umixup import _check as check
from umixup.policies.base import Policy, Shape, uniform
from umixup.policies.foreign import as_policy
from umixup.weights import Constant, as_weight


class Reflected(Policy):
    r"""Draw λ from a base policy p; keep it with probability g(λ), else take 1 − λ.

    Its density is :math:`g(λ)p(λ) + (1 - g(1-λ))\,p(1-λ)`: what the map D makes of a UMixUp
    scheme (p, g), and with g ≡ ½ the policy of what U makes of a DAT policy p (section 5).

    Args:
        base: the policy p.
        keep: g, from λ to a probability of the same shape, or one number in [0, 1].

    Raises:
        ValueError: ``keep`` is a number outside [0, 1]; or as for ``as_policy``.
        TypeError: ``keep`` is neither a function nor a number; or as for ``as_policy``.

    >>> from umixup.policies import Beta
    >>> policy = Reflected(Beta(2, 1), keep=0.5)  # ½(2λ + 2(1 − λ))
    >>> round(float(policy.log_prob(torch.tensor(0.3)).exp()), 5)
    1.0
    """

    def __init__(self, base: Distribution, keep: Callable[[Tensor], Tensor] | float) -> None:
        self.base = as_policy(base)
        if callable(keep):
            self.keep = as_weight(keep)
        else:
            self.keep = Constant(check.number("Reflected policy: keep", keep, check.UNIT))
        super().__init__()

    def sample_logit(self, shape: Shape, generator: torch.Generator | None = None) -> Tensor:
        return self._mirrored_by_chance(self.base.sample_logit(shape, generator), generator)

    def icdf_logit(self, u: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """A draw of logit λ for each u in (0, 1), of the shape of u.

        The quantile of the base, kept or mirrored by chance.
        """
        return self._mirrored_by_chance(self.base.icdf_logit(u, generator), generator)

    def _mirrored_by_chance(self, z: Tensor, generator: torch.Generator | None) -> Tensor:
        return torch.where(uniform(z.shape, generator) < self.keep.from_logit(z), z, -z)

    def log_prob(self, value: Tensor) -> Tensor:
        """log p(λ) at ``value``, of its shape; 0·∞ (g is 0, p infinite) counts as 0."""
        mirror = 1 - value
        kept = self.keep(value).log() + self.base.log_prob(value)
        flipped = torch.log1p(-self.keep(mirror)) + self.base.log_prob(mirror)
        kept, flipped = (
            torch.where(v.isnan(), torch.full_like(v, -math.inf), v) for v in (kept, flipped)
        )
        return torch.logaddexp(kept, flipped)

    def log_density_logit(self, z: Tensor) -> Tensor:
        kept = self.keep.from_logit(z).log() + self.base.log_density_logit(z)
        flipped = torch.log1p(-self.keep.from_logit(-z)) + self.base.log_density_logit(-z)
        return torch.logaddexp(kept, flipped)

    def atoms(self) -> list[tuple[float, float]]:
        found = []
        for at, mass in self.base.atoms():
            kept = float(self.keep(torch.tensor([at], dtype=torch.float64, device="cpu")))
            found += [(at, mass * kept), (1 - at, mass * (1 - kept))]
        return [(at, mass) for at, mass in found if mass > 0]

    def breakpoints(self) -> list[float]:
        inner = self.base.breakpoints()
        return [0.0, *inner, *(-z for z in inner)]

    def furthest_logit(self) -> float:
        return self.base.furthest_logit()

    def __repr__(self) -> str:
        return f"Reflected({self.base!r}, keep={self.keep!r})"


def symmetrize(policy: Distribution) -> Policy:
    r"""The policy with density :math:`\frac12(p(λ) + p(1-λ))` (Equation 5).

    Args:
        policy: p. A Beta with α = β comes back as it is.

    >>> from umixup.policies import Beta
    >>> symmetrize(Beta(1, 1)), symmetrize(Beta(2, 1))
    (B(1,1), Reflected(B(2,1), keep=0.5))
    """
    policy = as_policy(policy)
    return policy if policy.is_symmetric else Reflected(policy, keep=0.5)


def is_symmetrized(policy: Policy, origin: Policy, keep: float = 0.5) -> bool:
    """True if ``policy`` is what ``symmetrize(origin)`` gives, of this very object.

    With another share ``keep``: if it is ``Reflected(origin, keep)``.

    >>> from umixup.policies import Beta
    >>> p = Beta(2, 1)
    >>> is_symmetrized(symmetrize(p), p), is_symmetrized(symmetrize(p), Beta(2, 1))
    (True, False)
    """
    if isinstance(policy, Reflected):
        return policy.base is origin and policy.keep == Constant(keep)
    return policy is origin and origin.is_symmetric and keep == 0.5
