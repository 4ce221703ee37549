"""Mixing policies: distributions of λ on [0, 1].

In formulas p is a policy, λ (``lam``) a draw from it, and λ̄ = 1 − λ. A policy is any
``torch.distributions.Distribution`` on [0, 1]; the ones here keep float64 parameters, draw
through logit λ, where nothing rounds to 0 or 1, and print the paper's notation.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.distributions import Distribution, Gamma, constraints

Weight = Callable[[Tensor], Tensor]


def shortest(value: float) -> str:
    """The shortest text that reads back as ``value``: 1.0 -> "1", 0.9 -> "0.9"."""
    return repr(float(value)).removesuffix(".0")


def _checked(name: str, value: float, ok: bool, allowed: str) -> Tensor:
    if not ok:
        raise ValueError(f"{name} = {value!r}: it must be {allowed}")
    return torch.tensor(float(value), dtype=torch.float64)


class Beta(torch.distributions.Beta):
    r"""The Beta policy :math:`B(α, β)`, density :math:`∝ λ^{α-1}(1-λ)^{β-1}`; mean α/(α+β).

    Unlike torch's own, it draws :math:`\operatorname{logit} λ = \log G_α - \log G_β` with
    :math:`\log G_α = \log G_{α+1} + \log(U)/α`, where G is a Gamma and U a uniform variable
    (Marsaglia and Tsang, 2000). So a small α gives λ near 0 or 1, never a spurious ½.

    Args:
        alpha: α, finite and > 0.
        beta: β, finite and > 0.

    Raises:
        ValueError: a parameter is not finite and positive.

    >>> Beta(2.2, 0.9)
    B(2.2,0.9)
    """

    has_rsample = False  # the parameters are constants

    def __init__(self, alpha: float, beta: float) -> None:
        alpha_, beta_ = (
            _checked(f"Beta policy: {name}", value, 0 < value < math.inf, "finite and > 0")
            for name, value in (("alpha", alpha), ("beta", beta))
        )
        super().__init__(alpha_, beta_, validate_args=False)

    @property
    def alpha(self) -> float:
        """α."""
        return float(self.concentration1)

    @property
    def beta(self) -> float:
        """β."""
        return float(self.concentration0)

    def sample_logit(self, shape: torch.Size) -> Tensor:
        """Draws of logit λ, float64, from torch's global generator."""

        def log_gamma(a: Tensor) -> Tensor:
            exponential = torch.empty(shape, dtype=torch.float64).exponential_()  # −log U
            return Gamma(a + 1, torch.ones_like(a)).sample(shape).log() - exponential / a

        return log_gamma(self.concentration1) - log_gamma(self.concentration0)

    def sample(self, sample_shape: torch.Size | tuple[int, ...] = ()) -> Tensor:  # type: ignore[override]
        """Draws of λ, float64."""
        return torch.sigmoid(self.sample_logit(torch.Size(sample_shape)))

    def __repr__(self) -> str:
        return f"B({shortest(self.alpha)},{shortest(self.beta)})"


class PointMass(Distribution):
    """All of the probability at one λ. ``log_prob`` is the log of a mass, not of a density.

    Args:
        at: the value of λ, in [0, 1]. ``PointMass(1)`` leaves every sample where it is.

    >>> PointMass(1)
    P(1)
    """

    arg_constraints = {"at": constraints.unit_interval}
    support = constraints.unit_interval

    def __init__(self, at: float) -> None:
        self.at = _checked("PointMass policy: at", at, 0 <= at <= 1, "in [0, 1]")
        super().__init__(validate_args=False)

    def sample(self, sample_shape: torch.Size | tuple[int, ...] = ()) -> Tensor:  # type: ignore[override]
        """Copies of the one λ, float64."""
        return self.at.expand(torch.Size(sample_shape)).clone()

    def log_prob(self, value: Tensor) -> Tensor:
        """0 at the point (to single precision, as 1 − (1 − λ) is not λ), −∞ elsewhere."""
        return torch.where((value - self.at).abs() < 1e-6, 0.0, -math.inf).to(value.dtype)

    def __repr__(self) -> str:
        return f"P({shortest(float(self.at))})"


class Reflected(Distribution):
    r"""Draw λ from a base policy p; keep it with probability g(λ), else take λ̄.

    Its density is :math:`g(λ)p(λ) + (1 - g(1-λ))\,p(1-λ)`: what the map D makes of a UMixUp
    scheme (p, g), and with g ≡ ½ the symmetric half of what U makes of a DAT policy p.

    Args:
        base: the policy p.
        keep: g, from λ to a probability of the same shape, or one number in [0, 1].

    Raises:
        ValueError: ``keep`` is a number off [0, 1].
    """

    arg_constraints: dict[str, constraints.Constraint] = {}
    support = constraints.unit_interval

    def __init__(self, base: Distribution, keep: Weight | float) -> None:
        if not callable(keep):
            _checked("Reflected policy: keep", keep, 0 <= keep <= 1, "in [0, 1]")
        self.base, self.keep = base, keep
        super().__init__(validate_args=False)

    def keep_probability(self, lam: Tensor) -> Tensor:
        """g(λ), of the shape of ``lam``."""
        return self.keep(lam) if callable(self.keep) else torch.full_like(lam, self.keep)

    def keep_at_logit(self, z: Tensor) -> Tensor:
        """g(σ(z)), of the shape of ``z``."""
        return at_logit(self.keep, z) if callable(self.keep) else torch.full_like(z, self.keep)

    def sample_logit(self, shape: torch.Size) -> Tensor:
        """Draws of logit λ, float64, from torch's global generator."""
        z = sample_logit(self.base, shape)
        kept = torch.rand(shape, dtype=z.dtype) < self.keep_at_logit(z)
        return torch.where(kept, z, -z)

    def sample(self, sample_shape: torch.Size | tuple[int, ...] = ()) -> Tensor:  # type: ignore[override]
        """Draws of λ, float64."""
        return torch.sigmoid(self.sample_logit(torch.Size(sample_shape)))

    def log_prob(self, value: Tensor) -> Tensor:
        """The log-density at ``value``; 0·∞, where g is 0 and p infinite, counts as 0."""
        mirror = 1 - value
        kept = self.keep_probability(value).log() + self.base.log_prob(value)
        flipped = torch.log1p(-self.keep_probability(mirror)) + self.base.log_prob(mirror)
        kept, flipped = (
            torch.where(v.isnan(), torch.full_like(v, -math.inf), v) for v in (kept, flipped)
        )
        return torch.logaddexp(kept, flipped)

    def __repr__(self) -> str:
        return f"Reflected({self.base!r}, keep={self.keep!r})"


def as_policy(policy: object) -> Distribution:
    """``policy`` itself, if it is a distribution on [0, 1]; torch's own scalar Beta becomes ours.

    Raises:
        TypeError: not a ``torch.distributions.Distribution``.
        ValueError: its support is not within [0, 1].
    """
    if not isinstance(policy, Distribution):
        raise TypeError(
            f"policy = {policy!r}: it must be a torch.distributions.Distribution on [0, 1], "
            "for example um.policies.Beta(2, 1)"
        )
    low, high = (getattr(policy.support, f"{end}_bound", None) for end in ("lower", "upper"))
    if low is None or high is None or not (bool(low >= 0) and bool(high <= 1)):
        raise ValueError(f"policy = {policy!r}: its support is {policy.support!r}, not in [0, 1]")
    if type(policy) is torch.distributions.Beta and not policy.batch_shape:
        return Beta(float(policy.concentration1), float(policy.concentration0))
    return policy


def symmetrize(policy: Distribution) -> Distribution:
    r"""The policy with density :math:`\frac12(p(λ) + p(1-λ))`; ``policy`` itself if symmetric.

    >>> symmetrize(Beta(1, 1))
    B(1,1)
    """
    if isinstance(policy, Beta) and policy.alpha == policy.beta:
        return policy
    return Reflected(policy, keep=0.5)


def is_symmetrized(policy: Distribution, origin: Distribution) -> bool:
    """Is ``policy`` what ``symmetrize(origin)`` gives?"""
    return policy is origin or (
        isinstance(policy, Reflected) and policy.base is origin and policy.keep == 0.5
    )


def sample_logit(policy: Distribution, shape: torch.Size | tuple[int, ...]) -> Tensor:
    """Draws of logit λ, float64: the policy's own where it has them, else logit of its draws."""
    shape = torch.Size(shape)
    if isinstance(policy, (Beta, Reflected)):
        return policy.sample_logit(shape)
    return torch.logit(policy.sample(shape).double())


def at_logit(weight: Weight, z: Tensor) -> Tensor:
    """weight(σ(z)), by its ``from_logit`` where it has one, since σ(z) may round to 0 or 1."""
    from_logit = getattr(weight, "from_logit", None)
    value: Tensor = weight(torch.sigmoid(z)) if from_logit is None else from_logit(z)
    return value


def quadrature(policy: Distribution, nodes: int, *, smooth: bool) -> tuple[Tensor, Tensor]:
    r"""Nodes :math:`z_k` and weights :math:`w_k` with :math:`\sum_k w_k h(σ(z_k)) ≈ E_p[h(λ)]`.

    For h smooth on all of [0, 1]: Gauss–Jacobi, exact for polynomials of degree < 2·nodes.
    Otherwise, as for the label weights of U, which are like λ^s at the ends: the trapezoidal rule
    after λ = σ(π sinh t), which does not mind the ends (Takahasi and Mori, 1974).

    Args:
        policy: Beta, PointMass or Reflected.
        nodes: ≥ 1, of the Gauss–Jacobi rule; the other takes 2·nodes + 1.
        smooth: is h smooth at λ = 0 and 1?

    Returns:
        (z, w), float64 vectors of one length; z is logit λ, and w sums to 1.
    """
    if nodes < 1:
        raise ValueError(f"nodes = {nodes!r}: it must be at least 1")
    if isinstance(policy, PointMass):
        return torch.logit(policy.at.reshape(1)), torch.ones(1, dtype=torch.float64)
    if isinstance(policy, Beta):
        return _gauss_jacobi(policy, nodes) if smooth else _tanh_sinh(policy, 2 * nodes + 1)
    if isinstance(policy, Reflected):
        z, w = quadrature(policy.base, nodes, smooth=False)
        kept = policy.keep_at_logit(z)
        return torch.cat([z, -z]), torch.cat([w * kept, w * (1 - kept)])
    raise TypeError(f"policy = {policy!r}: quadrature knows Beta, PointMass and Reflected")


def _gauss_jacobi(policy: Beta, nodes: int) -> tuple[Tensor, Tensor]:
    import numpy as np
    from scipy.special import roots_jacobi

    with np.errstate(invalid="ignore"):  # scipy computes a 0/0 it does not use when α + β = 1
        at, masses = roots_jacobi(nodes, policy.beta - 1, policy.alpha - 1)
    lam = torch.from_numpy((1 + at) / 2)
    return torch.logit(lam), torch.from_numpy(masses / masses.sum())


def _tanh_sinh(policy: Beta, nodes: int) -> tuple[Tensor, Tensor]:
    furthest = 37 / min(1.0, policy.alpha, policy.beta)  # beyond, less than e^−37 of the mass
    end = math.asinh(furthest / math.pi)
    t = torch.linspace(-end, end, nodes, dtype=torch.float64)
    z = math.pi * torch.sinh(t)
    # p(λ) dλ = λ^α (1 − λ)^β dz / B(α, β), and dz = π cosh(t) dt
    log_lam, log_rest = torch.nn.functional.logsigmoid(z), torch.nn.functional.logsigmoid(-z)
    w = torch.exp(policy.alpha * log_lam + policy.beta * log_rest) * torch.cosh(t)
    return z, w / w.sum()
