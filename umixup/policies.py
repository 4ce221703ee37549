"""Mixing policies: distributions of λ on [0, 1].

In formulas p is a policy, λ (``lam``) a draw from it, and λ̄ = 1 − λ. A policy is any
``torch.distributions.Distribution`` on [0, 1]; the ones here keep float64 parameters, draw
through logit λ, where nothing rounds to 0 or 1, and print the paper's notation.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.distributions import Distribution, constraints

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
        self._parameters = torch.stack([alpha_, beta_])
        self._parameters_plus_1 = self._parameters + 1

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
        # what Gamma.sample calls, without a cost that is most of a batch's
        log_gamma = torch._standard_gamma(self._parameters_plus_1.expand(*shape, 2)).log_()
        exponential = torch.empty_like(log_gamma).exponential_()  # −log U
        first, second = log_gamma.addcdiv_(exponential, self._parameters, value=-1).unbind(-1)
        return first - second

    def sample(self, sample_shape: torch.Size | tuple[int, ...] = ()) -> Tensor:  # type: ignore[override]
        """Draws of λ, float64."""
        return torch.sigmoid(self.sample_logit(torch.Size(sample_shape)))

    def log_density_logit(self, z: Tensor) -> Tensor:
        """log of the density of logit λ at z, which is that of λ times λ(1 − λ)."""
        constant = (
            math.lgamma(self.alpha) + math.lgamma(self.beta) - math.lgamma(self.alpha + self.beta)
        )
        return self.alpha * F.logsigmoid(z) + self.beta * F.logsigmoid(-z) - constant

    def icdf_logit(self, u: Tensor) -> Tensor:
        """logit λ at the quantiles u in (0, 1), each tail by its own inverse."""
        from scipy.special import betainccinv, betaincinv

        q = u.double().numpy()
        below = torch.from_numpy(betaincinv(self.alpha, self.beta, q))  # λ
        above = torch.from_numpy(betainccinv(self.beta, self.alpha, q))  # 1 − λ
        tiny = torch.finfo(torch.float64).tiny
        return below.clamp(min=tiny).log() - above.clamp(min=tiny).log()

    def __repr__(self) -> str:
        return f"B({shortest(self.alpha)},{shortest(self.beta)})"


class Uniform(Distribution):
    """Every ratio from low to high alike, as in :math:`λ ∼ U[a, b]`.

    Args:
        low, high: 0 ≤ low < high ≤ 1.

    >>> Uniform(0.5, 1)
    Uni(0.5,1)
    """

    arg_constraints = {"low": constraints.unit_interval, "high": constraints.unit_interval}
    support = constraints.unit_interval

    def __init__(self, low: float, high: float) -> None:
        ok = 0 <= low < high <= 1
        self.low = _checked("Uniform policy: low", low, ok, f"in [0, high) with high = {high}")
        self.high = _checked("Uniform policy: high", high, ok, "in (low, 1]")
        super().__init__(validate_args=False)

    def sample(self, sample_shape: torch.Size | tuple[int, ...] = ()) -> Tensor:  # type: ignore[override]
        """Draws of λ, float64."""
        u = torch.rand(torch.Size(sample_shape), dtype=torch.float64)
        return torch.lerp(self.low, self.high, u)

    def log_prob(self, value: Tensor) -> Tensor:
        """−log(high − low) inside, −∞ outside."""
        inside = (value >= self.low) & (value <= self.high)
        inner = -(self.high - self.low).log().to(value.dtype)
        return torch.where(inside, inner, torch.full_like(value, -math.inf))

    def icdf_logit(self, u: Tensor) -> Tensor:
        """logit λ at the quantiles u in (0, 1)."""
        return torch.logit(torch.lerp(self.low, self.high, u.double()))

    def __repr__(self) -> str:
        return f"Uni({shortest(float(self.low))},{shortest(float(self.high))})"


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

    def log_density_logit(self, z: Tensor) -> Tensor:
        """−∞: a point mass has no density."""
        return torch.full_like(z, -math.inf)

    def icdf_logit(self, u: Tensor) -> Tensor:
        """logit of the one λ."""
        return torch.logit(self.at).expand(u.shape).clone()

    def __repr__(self) -> str:
        return f"P({shortest(float(self.at))})"


class Mixture(Distribution):
    """One of several policies, drawn with given probabilities.

    ``Mixture([0.5, 0.5], [Beta(1, 1), PointMass(1)])`` mixes every other sample, on average, and
    leaves the others as they are. Point masses and densities are kept apart: ``log_prob`` is the
    density of the continuous part, and ``atoms`` has the masses.

    Args:
        weights: positive, with sum 1.
        policies: as many, each a distribution on [0, 1].

    Raises:
        ValueError: weights that are not positive, do not sum to 1, or of another number.

    >>> Mixture([0.5, 0.5], [Beta(1, 1), PointMass(1)])
    0.5*B(1,1)+0.5*P(1)
    """

    arg_constraints: dict[str, constraints.Constraint] = {}
    support = constraints.unit_interval

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
        parts: list[tuple[float, Distribution]] = []
        for weight, policy in zip(weights, map(as_policy, policies), strict=True):
            if isinstance(policy, Mixture):  # a mixture of mixtures is one mixture
                shares = [weight * share for share in policy.weights.tolist()]
                parts += list(zip(shares, policy.policies, strict=True))
            else:
                parts.append((weight, policy))
        self.weights: Tensor = torch.tensor([w for w, _ in parts], dtype=torch.float64)
        self.policies: tuple[Distribution, ...] = tuple(policy for _, policy in parts)
        super().__init__(validate_args=False)

    def sample_logit(self, shape: torch.Size) -> Tensor:
        """Draws of logit λ, float64, from torch's global generator."""
        return self.icdf_logit(torch.rand(shape, dtype=torch.float64))

    def sample(self, sample_shape: torch.Size | tuple[int, ...] = ()) -> Tensor:  # type: ignore[override]
        """Draws of λ, float64."""
        return torch.sigmoid(self.sample_logit(torch.Size(sample_shape)))

    def log_prob(self, value: Tensor) -> Tensor:
        """The log-density of the continuous part at ``value``; −∞ if there is none."""
        return self._log_sum(value, lambda policy: policy.log_prob(value))

    def log_density_logit(self, z: Tensor) -> Tensor:
        """log of the density of logit λ at z, of the continuous part."""
        return self._log_sum(z, lambda policy: log_density_logit(policy, z))

    def _log_sum(self, at: Tensor, log_density: Callable[[Distribution], Tensor]) -> Tensor:
        """log of the weighted sum of the parts' densities, point masses aside; shaped as ``at``."""
        parts = [
            w.log() + log_density(policy)
            for w, policy in zip(self.weights, self.policies, strict=True)
            if not isinstance(policy, PointMass)
        ]
        if not parts:
            return torch.full_like(at, -math.inf)
        return torch.logsumexp(torch.stack(parts), dim=0)

    def icdf_logit(self, u: Tensor) -> Tensor:
        """A draw of logit λ for each u: u chooses the part, and what is left of it the quantile."""
        edges = torch.cat([torch.zeros(1, dtype=torch.float64), self.weights.cumsum(0)])
        part = torch.bucketize(u.double(), edges[1:-1], right=True)
        rest = (u.double() - edges[part]) / self.weights[part]
        z = torch.empty_like(rest)
        for k, policy in enumerate(self.policies):
            z[part == k] = icdf_logit(policy, rest[part == k])
        return z

    def __repr__(self) -> str:
        pairs = zip(self.weights.tolist(), self.policies, strict=True)
        return "+".join(f"{shortest(w)}*{policy!r}" for w, policy in pairs)


class Density(Distribution):
    """A policy from a density that is given as a function, up to its normalising constant.

    It is normalised, and drawn through its inverse CDF, on 4,001 points that crowd towards both
    ends (λ = σ(π sinh t)); mass within 1e-15 of an end is left out.

    Args:
        density: from λ in (0, 1), a float64 vector, to a vector of values ≥ 0.

    Raises:
        ValueError: values that are negative or not finite, or a density that is 0 throughout.

    >>> policy = Density(lambda lam: lam)  # B(2,1)
    >>> round(float(policy.log_prob(torch.tensor(0.5)).exp()), 6)
    1.0
    """

    arg_constraints: dict[str, constraints.Constraint] = {}
    support = constraints.unit_interval

    def __init__(self, density: Weight) -> None:
        self.density = density
        t = torch.linspace(-1, 1, 4001, dtype=torch.float64) * math.asinh(34 / math.pi)
        self._z = math.pi * torch.sinh(t)
        lam = torch.sigmoid(self._z)
        values = torch.as_tensor(density(lam))
        if values.shape != lam.shape or not bool((torch.isfinite(values) & (values >= 0)).all()):
            raise ValueError(
                f"density = {density!r}: on (0, 1) it must give finite values ≥ 0, one for each λ"
            )
        slope = math.pi * torch.cosh(t) * lam * torch.sigmoid(-self._z)  # dλ/dt
        masses = torch.cumulative_trapezoid(values.double() * slope, t)
        self.total = float(masses[-1])
        if not self.total > 0:
            raise ValueError(f"density = {density!r}: it is 0 on all of (0, 1)")
        self._cdf = torch.cat([torch.zeros(1, dtype=torch.float64), masses / self.total])
        super().__init__(validate_args=False)

    def sample(self, sample_shape: torch.Size | tuple[int, ...] = ()) -> Tensor:  # type: ignore[override]
        """Draws of λ, float64."""
        u = torch.rand(torch.Size(sample_shape), dtype=torch.float64)
        return torch.sigmoid(self.icdf_logit(u))

    def log_prob(self, value: Tensor) -> Tensor:
        """The normalised log-density at ``value``."""
        return torch.as_tensor(self.density(value)).log() - math.log(self.total)

    def icdf_logit(self, u: Tensor) -> Tensor:
        """logit λ at the quantiles u in (0, 1), interpolated."""
        u = u.double()
        k = torch.searchsorted(self._cdf, u, right=True).clamp(1, len(self._cdf) - 1)
        low, high = self._cdf[k - 1], self._cdf[k]
        return torch.lerp(self._z[k - 1], self._z[k], (u - low) / (high - low))

    def __repr__(self) -> str:
        return f"Density({getattr(self.density, '__name__', 'function')})"


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
        return self._mirrored_by_chance(sample_logit(self.base, shape))

    def _mirrored_by_chance(self, z: Tensor) -> Tensor:
        keep = at_logit(self.keep, z) if callable(self.keep) else self.keep
        return torch.where(torch.rand(z.shape, dtype=z.dtype) < keep, z, -z)

    def sample(self, sample_shape: torch.Size | tuple[int, ...] = ()) -> Tensor:  # type: ignore[override]
        """Draws of λ, float64."""
        return torch.sigmoid(self.sample_logit(torch.Size(sample_shape)))

    def log_density_logit(self, z: Tensor) -> Tensor:
        """log of the density of logit λ at z."""
        kept = self.keep_at_logit(z).log() + log_density_logit(self.base, z)
        flipped = torch.log1p(-self.keep_at_logit(-z)) + log_density_logit(self.base, -z)
        return torch.logaddexp(kept, flipped)

    def icdf_logit(self, u: Tensor) -> Tensor:
        """A draw of logit λ for each u: the base's quantile, kept or mirrored by chance."""
        return self._mirrored_by_chance(icdf_logit(self.base, u))

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
        return f"Reflected({self.base!r}, keep={getattr(self.keep, '__name__', self.keep)})"


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
    if hasattr(policy, "sample_logit"):
        drawn: Tensor = policy.sample_logit(shape)
        return drawn
    return torch.logit(policy.sample(shape).double())


def icdf_logit(policy: Distribution, u: Tensor) -> Tensor:
    """A draw of logit λ for each uniform u, float64; increasing in u for the simple policies.

    With one u in each of n strata of [0, 1] the draws are stratified.
    """
    if hasattr(policy, "icdf_logit"):
        z: Tensor = policy.icdf_logit(u)
        return z
    try:
        return torch.logit(policy.icdf(u).double())
    except NotImplementedError:
        return Density(lambda lam: policy.log_prob(lam).exp()).icdf_logit(u)


def log_density_logit(policy: Distribution, z: Tensor) -> Tensor:
    """log of the density of logit λ at z: log p(λ) + log λ + log(1 − λ); −∞ where p is 0."""
    if hasattr(policy, "log_density_logit"):
        value: Tensor = policy.log_density_logit(z)
        return value
    inner = z.clamp(-36, 36)  # where λ is neither 0 nor 1 in float64
    value = policy.log_prob(torch.sigmoid(inner)) + F.logsigmoid(inner) + F.logsigmoid(-inner)
    value = torch.nan_to_num(value, nan=-math.inf, posinf=math.inf, neginf=-math.inf)
    return torch.where(inner == z, value, -math.inf)


def atoms(policy: Distribution) -> list[tuple[float, float]]:
    """The point masses in a policy, as (λ, mass)."""
    if isinstance(policy, PointMass):
        return [(float(policy.at), 1.0)]
    if isinstance(policy, Mixture):
        parts = zip(policy.weights.tolist(), policy.policies, strict=True)
        return [(at, w * mass) for w, part in parts for at, mass in atoms(part)]
    if isinstance(policy, Reflected):
        found = []
        for at, mass in atoms(policy.base):
            kept = float(policy.keep_probability(torch.tensor([at], dtype=torch.float64)))
            found += [(at, mass * kept), (1 - at, mass * (1 - kept))]
        return [(at, mass) for at, mass in found if mass > 0]
    return []


def log_odds(policy: Distribution, z: Tensor) -> Tensor:
    """log p(λ) − log p(1 − λ) at λ = σ(z), as masses where the policy has one, else as densities.

    0 where both are 0. At λ = 0 and 1, the limit for Betas and their mixtures.
    """
    at_end = z.double().clamp(-1e6, 1e6)  # far enough for the smallest exponents to decide
    ahead, back = log_density_logit(policy, at_end), log_density_logit(policy, -at_end)
    both_zero = torch.isneginf(ahead) & torch.isneginf(back)
    odds = torch.where(both_zero, 0.0, ahead - back)
    here, mirrored = (
        sum((mass * _at_atom(side, at) for at, mass in atoms(policy)), torch.zeros_like(at_end))
        for side in (z.double(), -z.double())
    )
    return torch.where(here + mirrored > 0, here.log() - mirrored.log(), odds)


def _at_atom(z: Tensor, at: float) -> Tensor:
    """Is σ(z) the atom at ``at``? As float32 tells, but at the ends, where densities pile up."""
    if at in (0.0, 1.0):
        return z == (math.inf if at else -math.inf)
    return (torch.sigmoid(z) - at).abs() < 1e-6


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
        policy: any policy; a kink in the density of one that is not ours costs digits.
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
    if isinstance(policy, Mixture):
        rules = [quadrature(part, nodes, smooth=smooth) for part in policy.policies]
        shares = [w * share for (_, w), share in zip(rules, policy.weights, strict=True)]
        return torch.cat([z for z, _ in rules]), torch.cat(shares)
    if isinstance(policy, Uniform):
        # in pieces, since the weight of U jumps where the mirror image begins or ends
        low, high = float(policy.low), float(policy.high)
        cuts = sorted({low, high, *(c for c in (1 - high, 1 - low) if low < c < high)})
        z, w = _gauss_jacobi(Beta(1, 1), nodes)
        at = torch.sigmoid(z)
        pieces = list(pairwise(cuts))
        return (
            torch.cat([torch.logit(a + (b - a) * at) for a, b in pieces]),
            torch.cat([w * (b - a) / (high - low) for a, b in pieces]),
        )
    return _tanh_sinh(policy, 2 * nodes + 1)


def _gauss_jacobi(policy: Beta, nodes: int) -> tuple[Tensor, Tensor]:
    import numpy as np
    from scipy.special import roots_jacobi

    with np.errstate(invalid="ignore"):  # scipy computes a 0/0 it does not use when α + β = 1
        at, masses = roots_jacobi(nodes, policy.beta - 1, policy.alpha - 1)
    lam = torch.from_numpy((1 + at) / 2)
    return torch.logit(lam), torch.from_numpy(masses / masses.sum())


def _tanh_sinh(policy: Distribution, nodes: int) -> tuple[Tensor, Tensor]:
    furthest = 36.0
    if isinstance(policy, Beta):  # beyond, less than e^−37 of the mass
        furthest = 37 / min(1.0, policy.alpha, policy.beta)
    end = math.asinh(furthest / math.pi)
    t = torch.linspace(-end, end, nodes, dtype=torch.float64)
    z = math.pi * torch.sinh(t)
    w = torch.exp(log_density_logit(policy, z)) * torch.cosh(t)  # dz = π cosh(t) dt
    return z, w / w.sum()
