"""Mixing policies: distributions of λ on [0, 1].

In formulas p is a policy, λ (``lam``) a draw from it, and λ̄ = 1 − λ. Wherever a policy is asked
for, any ``torch.distributions.Distribution`` on [0, 1] will do. The policies here have float64
parameters, draw through logit λ, where nothing rounds to 0 or 1, and print the paper's notation.
"""

from umixup.policies.base import Policy
from umixup.policies.beta import Beta
from umixup.policies.density import Density
from umixup.policies.foreign import as_policy
from umixup.policies.mixture import Mixture
from umixup.policies.reflected import Reflected, symmetrize
from umixup.policies.simple import PointMass, Uniform
from umixup.weights import at_logit

__all__ = ["Beta", "Density", "Mixture", "PointMass", "Reflected", "Uniform"]
__all__ += ["Policy", "as_policy", "at_logit", "symmetrize"]
