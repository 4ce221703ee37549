"""The Beta policy, that of the paper's experiments."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from umixup import _check as check
from umixup.policies.base import Policy, Shape
from umixup.weights import Logistic


class Beta(Policy, torch.distributions.Beta):
    r"""The Beta policy :math:`B(α, β)`, density :math:`∝ λ^{α-1}(1-λ)^{β-1}`; mean α/(α+β).

    MixUp has B(α, α), and UMixUp U(B(α, β)) (section 6). Unlike torch's own, it draws
    :math:`\operatorname{logit} λ = \log G_α - \log G_β` with
    :math:`\log G_α = \log G_{α+1} + \log(U)/α`, where G is a Gamma and U a uniform variable
    (Marsaglia and Tsang, 2000). So a small α gives λ near 0 or 1, never a spurious ½.

    Args:
        alpha: α, finite and > 0.
        beta: β, finite and > 0.

    Raises:
        ValueError: a parameter is not finite and positive.
        TypeError: a parameter is not a number.

    >>> Beta(2.2, 0.9)
    B(2.2,0.9)
    """

    arg_constraints = torch.distributions.Beta.arg_constraints
    symbol = "B"
    parameters = ("alpha", "beta")
    is_smooth = True

    def __init__(self, alpha: float, beta: float) -> None:
        alpha_ = self._checked("alpha", alpha, check.POSITIVE)
        beta_ = self._checked("beta", beta, check.POSITIVE)
        torch.distributions.Beta.__init__(self, alpha_, beta_, validate_args=False)
        self.alpha, self.beta = float(alpha_), float(beta_)
        self._parameters = torch.stack([alpha_, beta_])
        self._parameters_plus_1 = self._parameters + 1
        self._weight_of_U = Logistic(self.alpha - self.beta)

    def sample_logit(self, shape: Shape, generator: torch.Generator | None = None) -> Tensor:
        # what Gamma.sample calls, which takes no generator
        gamma = torch._standard_gamma(self._parameters_plus_1.expand(*shape, 2), generator)
        log_gamma = gamma.log_()
        exponential = torch.empty_like(log_gamma).exponential_(generator=generator)  # −log U
        first, second = log_gamma.addcdiv_(exponential, self._parameters, value=-1).unbind(-1)
        return first - second

    def icdf_logit(self, u: Tensor, generator: torch.Generator | None = None) -> Tensor:
        from scipy.special import betainccinv, betaincinv, betaln

        q = u.double()
        constant = float(betaln(self.alpha, self.beta))

        def log_of(part: Tensor, tail: Tensor, exponent: float) -> Tensor:
            # where the part underflows, its distribution function is part^a / (a B(α, β))
            small = (tail.log() + math.log(exponent) + constant) / exponent
            return torch.where(part > 1e-290, part.log(), small)

        # each tail by its own inverse
        below = torch.as_tensor(betaincinv(self.alpha, self.beta, q.numpy()))  # λ
        above = torch.as_tensor(betainccinv(self.beta, self.alpha, q.numpy()))  # 1 − λ
        return log_of(below, q, self.alpha) - log_of(above, 1 - q, self.beta)

    def log_density_logit(self, z: Tensor) -> Tensor:
        constant = (
            math.lgamma(self.alpha) + math.lgamma(self.beta) - math.lgamma(self.alpha + self.beta)
        )
        return self.alpha * F.logsigmoid(z) + self.beta * F.logsigmoid(-z) - constant

    def log_odds(self, z: Tensor) -> Tensor:
        return self._weight_of_U.log_odds(z)

    def furthest_logit(self) -> float:
        return 37 / min(1.0, self.alpha, self.beta)

    @property
    def is_symmetric(self) -> bool:
        return self.alpha == self.beta
