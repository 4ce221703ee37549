"""Other distributions as policies: the one place where they are checked and wrapped."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.distributions import Distribution

from umixup.policies.base import Policy, Shape
from umixup.policies.beta import Beta
from umixup.policies.simple import Uniform


class Foreign(Policy):
    """A distribution of torch or of a user as a policy. ``as_policy`` checks and makes it."""

    def __init__(self, distribution: Distribution, support: Any) -> None:
        self.distribution, self.support = distribution, support
        super().__init__()

    def sample(self, sample_shape: Shape = ()) -> Tensor:  # type: ignore[override]
        return self.distribution.sample(torch.Size(sample_shape))

    def icdf_logit(self, u: Tensor, generator: torch.Generator | None = None) -> Tensor:
        try:
            return torch.logit(self.distribution.icdf(u).double())
        except NotImplementedError:
            return super().icdf_logit(u)

    def log_prob(self, value: Tensor) -> Tensor:
        """log p(λ) at ``value``, by the distribution itself."""
        return self.distribution.log_prob(value)

    def __repr__(self) -> str:
        return repr(self.distribution)


def as_policy(policy: object) -> Policy:
    """Any distribution on [0, 1] as a ``Policy``; torch's Beta and Uniform become ours.

    Raises:
        TypeError: not a ``torch.distributions.Distribution``.
        ValueError: its support is not within [0, 1], it is discrete, or it is a batch of several.

    >>> as_policy(torch.distributions.Beta(2.0, 1.0))
    B(2,1)
    """
    if isinstance(policy, Policy):
        return policy
    if not isinstance(policy, Distribution):
        raise TypeError(
            f"policy = {policy!r}: it must be a torch.distributions.Distribution on [0, 1], "
            "for example um.policies.Beta(2, 1)"
        )
    if policy.batch_shape or policy.event_shape:
        raise ValueError(
            f"policy = {policy!r}: it is {tuple(policy.batch_shape + policy.event_shape)} "
            "distributions; a policy is one, with parameters of shape ()"
        )
    support: Any = getattr(policy.support, "base_constraint", policy.support)
    if support.is_discrete:
        raise ValueError(f"policy = {policy!r}: it is discrete; mix point masses with Mixture")
    low, high = (getattr(support, f"{end}_bound", None) for end in ("lower", "upper"))
    if low is None or high is None or not (bool(low >= 0) and bool(high <= 1)):
        raise ValueError(
            f"policy = {policy!r}: its support is given as {support!r}, not as within [0, 1]"
        )
    if type(policy) is torch.distributions.Beta:
        return Beta(float(policy.concentration1), float(policy.concentration0))
    if type(policy) is torch.distributions.Uniform:
        return Uniform(float(policy.low), float(policy.high))
    return Foreign(policy, support)
