"""Mixtures of policies."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.distributions import Distribution

from umixup._notated import shortest
from umixup.policies.base import Policy, Shape
from umixup.policies.foreign import as_policy
from umixup.policies.simple import PointMass


class Mixture(Policy):
    """One of several policies, chosen with given probabilities: Σₖ wₖpₖ(λ).

    ``Mixture([0.5, 0.5], [Beta(1, 1), PointMass(1)])`` mixes every other sample, on average, and
    leaves the others as they are. Point masses and densities are kept apart: ``log_prob`` is the
    log-density of the continuous part, −∞ if there is none, and ``atoms()`` has the masses. Equal
    policies are one part with the sum of their weights; a mixture among them adds its own parts.

    Args:
        weights: positive, with sum 1.
        policies: as many, each a distribution on [0, 1].

    Raises:
        ValueError: the weights are not positive, do not sum to 1, or are not as many as the
            policies; or a policy is not one continuous distribution on [0, 1].
        TypeError: a policy is not a distribution.

    >>> from umixup.policies import Beta
    >>> Mixture([0.5, 0.5], [Beta(1, 1), PointMass(1)])
    0.5*B(1,1)+0.5*P(1)
    """

    def __init__(self, weights: Sequence[float], policies: Sequence[Distribution]) -> None:
        if len(weights) != len(policies) or not policies:
            raise ValueError(
                f"Mixture policy: {len(weights)} weights for {len(policies)} policies; "
                "there must be one for each, and at least one"
            )
        if not all(w > 0 for w in weights) or abs(sum(weights) - 1) > 1e-9:
            raise ValueError(
                f"Mixture policy: weights = {list(weights)!r}: they must be > 0, with sum 1"
            )
        parts: list[tuple[float, Policy]] = []
        for weight, policy in zip(weights, map(as_policy, policies), strict=True):
            if isinstance(policy, Mixture):  # a mixture of mixtures is one mixture
                shares = [weight * share for share in policy.weights.tolist()]
                parts += list(zip(shares, policy.policies, strict=True))
            else:
                parts.append((weight, policy))
        merged: dict[str | int, tuple[float, Policy]] = {}
        for weight, policy in parts:
            key = policy.notation or id(policy)
            known = merged.get(key, (0.0, policy))
            merged[key] = known[0] + float(weight), known[1]
        shares = [weight for weight, _ in merged.values()]
        # Shares that have been divided by their sum are left as they are, so that the notation
        # reads back as the same numbers.
        total = math.fsum(shares)
        if abs(total - 1) > len(shares) * sys.float_info.epsilon:
            shares = [share / total for share in shares]
        self.weights: Tensor = torch.tensor(shares, dtype=torch.float64, device="cpu")
        self.policies: tuple[Policy, ...] = tuple(policy for _, policy in merged.values())
        super().__init__()

    def sample_logit(self, shape: Shape, generator: torch.Generator | None = None) -> Tensor:
        shape = torch.Size(shape)
        n = shape.numel()
        part = torch.empty(0)
        if n:
            part = torch.multinomial(self.weights, n, replacement=True, generator=generator)
        z = torch.empty(n, dtype=torch.float64, device="cpu")
        for k, policy in enumerate(self.policies):
            drawn = (part == k).nonzero()[:, 0]
            z[drawn] = policy.sample_logit((len(drawn),), generator)
        return z.reshape(shape)

    def icdf_logit(self, u: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """A draw of logit λ for each u in (0, 1), of the shape of u.

        u selects the component; its rescaled remainder is the quantile.
        """
        edges = torch.cat([self.weights.new_zeros(1), self.weights.cumsum(0)])
        part = torch.bucketize(u.double(), edges[1:-1], right=True)
        rest = (u.double() - edges[part]) / self.weights[part]
        z = torch.empty_like(rest)
        for k, policy in enumerate(self.policies):
            z[part == k] = policy.icdf_logit(rest[part == k], generator)
        return z

    def log_prob(self, value: Tensor) -> Tensor:
        """The log-density of the continuous part at ``value``, of its shape."""
        return self._log_sum(value, lambda policy: policy.log_prob(value))

    def log_density_logit(self, z: Tensor) -> Tensor:
        return self._log_sum(z, lambda policy: policy.log_density_logit(z))

    def _log_sum(self, at: Tensor, log_density: Callable[[Policy], Tensor]) -> Tensor:
        """log of the weighted sum of the components' densities; of the shape of ``at``."""
        parts = [
            w.log() + log_density(policy)
            for w, policy in zip(self.weights, self.policies, strict=True)
            if not isinstance(policy, PointMass)
        ]
        if not parts:
            return torch.full_like(at, -math.inf)
        return torch.logsumexp(torch.stack(parts), dim=0)

    def atoms(self) -> list[tuple[float, float]]:
        parts = zip(self.weights.tolist(), self.policies, strict=True)
        return [(at, w * mass) for w, policy in parts for at, mass in policy.atoms()]

    def breakpoints(self) -> list[float]:
        return [z for policy in self.policies for z in policy.breakpoints()]

    def furthest_logit(self) -> float:
        return max(policy.furthest_logit() for policy in self.policies)

    @property
    def notation(self) -> str | None:
        return repr(self) if all(policy.notation for policy in self.policies) else None

    def __repr__(self) -> str:
        if len(self.policies) == 1:
            return repr(self.policies[0])
        parts = zip(self.weights.tolist(), self.policies, strict=True)
        return "+".join(f"{shortest(w)}*{policy!r}" for w, policy in parts)
