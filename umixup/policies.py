"""Mixing policies: distributions of λ on [0, 1].

In formulas p is a policy, λ (``lam``) a draw from it, and λ̄ = 1 − λ. A policy is any
``torch.distributions.Distribution`` on [0, 1]; the ones here keep float64 parameters, draw
through logit λ, where nothing rounds to 0 or 1, and print the paper's notation.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.distributions import Distribution, constraints

from umixup._integrate import logit_of, logit_slope, panel_sums, panels_between, refined

#: A label weight is a function from λ to γ(λ), of the same shape.
Weight = Callable[[Tensor], Tensor]


def shortest(value: float) -> str:
    """The shortest text that reads back as ``value``, without a final ".0". Not in the paper.

    Args:
        value: any number, ∞ included.

    Raises:
        ValueError, TypeError: what ``float`` refuses.

    >>> shortest(1.0), shortest(0.9)
    ('1', '0.9')
    """
    return repr(float(value)).removesuffix(".0")


def _checked(name: str, value: float, ok: Callable[[float], bool], allowed: str) -> Tensor:
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{name} = {value!r}: it must be a number {allowed}") from None
    if not ok(number):
        raise ValueError(f"{name} = {value!r}: it must be {allowed}")
    return torch.tensor(number, dtype=torch.float64, device="cpu")


class Beta(torch.distributions.Beta):
    r"""The Beta policy :math:`B(α, β)`, density :math:`∝ λ^{α-1}(1-λ)^{β-1}`; mean α/(α+β).

    The policy of the paper's experiments: B(α, α) for MixUp, U(B(α, β)) for UMixUp (section 6).
    Unlike torch's own, it draws :math:`\operatorname{logit} λ = \log G_α - \log G_β` with
    :math:`\log G_α = \log G_{α+1} + \log(U)/α`, where G is a Gamma and U a uniform variable
    (Marsaglia and Tsang, 2000). So a small α gives λ near 0 or 1, never a spurious ½.

    Args:
        alpha: α, finite and > 0.
        beta: β, finite and > 0.

    Raises:
        ValueError: a parameter is not finite and positive.
        TypeError: a parameter is no number.

    >>> Beta(2.2, 0.9)
    B(2.2,0.9)
    """

    has_rsample = False  # the parameters are constants

    def __init__(self, alpha: float, beta: float) -> None:
        alpha_, beta_ = (
            _checked(f"Beta policy: {name}", value, lambda v: 0 < v < math.inf, "finite and > 0")
            for name, value in (("alpha", alpha), ("beta", beta))
        )
        super().__init__(alpha_, beta_, validate_args=False)  # type: ignore[no-untyped-call]
        self._parameters = torch.stack([alpha_, beta_])
        self._parameters_plus_1 = self._parameters + 1

    @property
    def alpha(self) -> float:
        """α, finite and > 0."""
        return float(self.concentration1)

    @property
    def beta(self) -> float:
        """β, finite and > 0."""
        return float(self.concentration0)

    def sample_logit(self, shape: torch.Size) -> Tensor:
        """Draws of logit λ, float64, of that shape, from torch's global generator."""
        # what Gamma.sample calls, without a cost that is most of a batch's
        log_gamma = torch._standard_gamma(self._parameters_plus_1.expand(*shape, 2)).log_()
        exponential = torch.empty_like(log_gamma).exponential_()  # −log U
        first, second = log_gamma.addcdiv_(exponential, self._parameters, value=-1).unbind(-1)
        return first - second

    def sample(self, sample_shape: torch.Size | tuple[int, ...] = ()) -> Tensor:  # type: ignore[override]
        """Draws of λ, float64, of that shape, from torch's global generator."""
        return torch.sigmoid(self.sample_logit(torch.Size(sample_shape)))

    def log_density_logit(self, z: Tensor) -> Tensor:
        """log of the density of logit λ at z, log p(λ) + log λ + log λ̄; of the shape of z."""
        constant = (
            math.lgamma(self.alpha) + math.lgamma(self.beta) - math.lgamma(self.alpha + self.beta)
        )
        return self.alpha * F.logsigmoid(z) + self.beta * F.logsigmoid(-z) - constant

    def icdf_logit(self, u: Tensor) -> Tensor:
        """logit λ at the quantiles u in (0, 1), each tail by its own inverse; float64."""
        from scipy.special import betainccinv, betaincinv, betaln

        q = u.double()

        def log_of(part: Tensor, tail: Tensor, exponent: float) -> Tensor:
            # where the part underflows, its distribution function is part^a / (a B(α, β))
            small = (tail.log() + math.log(exponent) + constant) / exponent
            return torch.where(part > 1e-290, part.log(), small)

        constant = float(betaln(self.alpha, self.beta))
        below = torch.as_tensor(betaincinv(self.alpha, self.beta, q.numpy()))  # λ
        above = torch.as_tensor(betainccinv(self.beta, self.alpha, q.numpy()))  # 1 − λ
        return log_of(below, q, self.alpha) - log_of(above, 1 - q, self.beta)

    def __repr__(self) -> str:
        return f"B({shortest(self.alpha)},{shortest(self.beta)})"


class Uniform(Distribution):
    """Every ratio from low to high alike: p(λ) = 1/(high − low) there. Not in the paper.

    Args:
        low, high: 0 ≤ low < high ≤ 1.

    Raises:
        ValueError: an end is out of range.
        TypeError: an end is no number.

    >>> Uniform(0.5, 1)
    Uni(0.5,1)
    """

    arg_constraints = {"low": constraints.unit_interval, "high": constraints.unit_interval}
    support = constraints.unit_interval

    def __init__(self, low: float, high: float) -> None:
        self.high = _checked("Uniform policy: high", high, lambda v: 0 < v <= 1, "in (0, 1]")
        top = float(self.high)
        self.low = _checked(
            "Uniform policy: low", low, lambda v: 0 <= v < top, f"in [0, high), high = {high}"
        )
        super().__init__(validate_args=False)

    def sample(self, sample_shape: torch.Size | tuple[int, ...] = ()) -> Tensor:  # type: ignore[override]
        """Draws of λ, float64, of that shape, from torch's global generator."""
        return torch.lerp(self.low, self.high, _uniform(torch.Size(sample_shape)))

    def log_prob(self, value: Tensor) -> Tensor:
        """log p(λ) at ``value``, of its shape: −log(high − low) inside, −∞ outside."""
        inside = (value >= self.low) & (value <= self.high)
        inner = -(self.high - self.low).log().to(value.dtype)
        return torch.where(inside, inner, torch.full_like(value, -math.inf))

    def log_density_logit(self, z: Tensor) -> Tensor:
        """log of the density of logit λ at z, of its shape."""
        inside = (z >= torch.logit(self.low)) & (z <= torch.logit(self.high))
        inner = F.logsigmoid(z) + F.logsigmoid(-z) - (self.high - self.low).log()
        return torch.where(inside, inner, -math.inf)

    def icdf_logit(self, u: Tensor) -> Tensor:
        """logit λ at the quantiles u in [0, 1], float64, of the shape of u."""
        return torch.logit(torch.lerp(self.low, self.high, u.double()))

    def __repr__(self) -> str:
        return f"Uni({shortest(float(self.low))},{shortest(float(self.high))})"


class PointMass(Distribution):
    """All of the probability at one λ. ``log_prob`` is the log of a mass, not of a density.

    Not in the paper; λ ≡ 1 gives the plain loss of Equation 1.

    Args:
        at: the value of λ, in [0, 1]. ``PointMass(1)`` leaves every sample where it is.

    Raises:
        ValueError: ``at`` is off [0, 1].
        TypeError: ``at`` is no number.

    >>> PointMass(1)
    P(1)
    """

    arg_constraints = {"at": constraints.unit_interval}
    support = constraints.unit_interval

    def __init__(self, at: float) -> None:
        self.at = _checked("PointMass policy: at", at, lambda v: 0 <= v <= 1, "in [0, 1]")
        super().__init__(validate_args=False)

    def sample(self, sample_shape: torch.Size | tuple[int, ...] = ()) -> Tensor:  # type: ignore[override]
        """Copies of the one λ, float64, of that shape."""
        return self.at.expand(torch.Size(sample_shape)).clone()

    def log_prob(self, value: Tensor) -> Tensor:
        """0 at the point, −∞ elsewhere, of the shape of ``value``.

        To 1e-6 and not to the bit, as 1 − (1 − λ) need not equal λ.
        """
        return torch.where((value - self.at).abs() < 1e-6, 0.0, -math.inf).to(value.dtype)

    def log_density_logit(self, z: Tensor) -> Tensor:
        """−∞, of the shape of z: a point mass has no density."""
        return torch.full_like(z, -math.inf)

    def icdf_logit(self, u: Tensor) -> Tensor:
        """logit of the one λ for each u, float64, of the shape of u."""
        return torch.logit(self.at).expand(u.shape).clone()

    def __repr__(self) -> str:
        return f"P({shortest(float(self.at))})"


class Mixture(Distribution):
    """One of several policies, drawn with given probabilities: Σₖ wₖpₖ(λ). Not in the paper.

    ``Mixture([0.5, 0.5], [Beta(1, 1), PointMass(1)])`` mixes every other sample, on average, and
    leaves the others as they are. Point masses and densities are kept apart: ``log_prob`` is the
    density of the continuous part, and ``atoms`` has the masses.

    Args:
        weights: positive, with sum 1.
        policies: as many, each a distribution on [0, 1].

    Raises:
        ValueError: weights that are not positive, do not sum to 1, or of another number, or a
            part that is not one continuous distribution on [0, 1].
        TypeError: a part is no distribution.

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
        self.weights: Tensor = torch.tensor(
            [w for w, _ in parts], dtype=torch.float64, device="cpu"
        )
        self.weights /= self.weights.sum()
        self.policies: tuple[Distribution, ...] = tuple(policy for _, policy in parts)
        super().__init__(validate_args=False)

    def sample_logit(self, shape: torch.Size) -> Tensor:
        """Draws of logit λ, float64, of that shape, from torch's global generator."""
        n = shape.numel()
        part = torch.multinomial(self.weights, n, replacement=True) if n else torch.empty(0)
        z = torch.empty(n, dtype=torch.float64, device="cpu")
        for k, policy in enumerate(self.policies):
            drawn = (part == k).nonzero()[:, 0]
            z[drawn] = sample_logit(policy, (len(drawn),))
        return z.reshape(shape)

    def sample(self, sample_shape: torch.Size | tuple[int, ...] = ()) -> Tensor:  # type: ignore[override]
        """Draws of λ, float64, of that shape, from torch's global generator."""
        return torch.sigmoid(self.sample_logit(torch.Size(sample_shape)))

    def log_prob(self, value: Tensor) -> Tensor:
        """The log-density of the continuous part at ``value``, of its shape; −∞ if none."""
        return self._log_sum(value, lambda policy: policy.log_prob(value))

    def log_density_logit(self, z: Tensor) -> Tensor:
        """log of the density of logit λ at z, of its shape: that of the continuous part."""
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
        """A draw of logit λ for each u in (0, 1), float64, of the shape of u.

        u chooses the part, and what is left of it the quantile.
        """
        edges = torch.cat([self.weights.new_zeros(1), self.weights.cumsum(0)])
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

    A policy is any distribution on [0, 1] in section 3.2; the numerics are not in the paper. The
    density is normalised on panels that are halved until the integral is settled, and drawn
    through its inverse CDF, interpolated between their nodes. Mass within 1e-15 of an end is left
    out: for a density like λ^(α−1) with a small α take ``Beta``.

    Args:
        density: from λ in (0, 1), a float64 vector, to a vector of values ≥ 0.

    Raises:
        ValueError: values that are negative or not finite, or a density that is 0 at every point
            tried: about a thousand to start with.

    >>> policy = Density(lambda lam: lam)  # B(2,1)
    >>> round(float(policy.log_prob(torch.tensor(0.5)).exp()), 6)
    1.0
    """

    arg_constraints: dict[str, constraints.Constraint] = {}
    support = constraints.unit_interval

    def __init__(self, density: Weight) -> None:
        self.density = density
        start = panels_between(34, [], number=32)
        if not bool((panel_sums(self._mass_at, start, 32) > 0).any()):
            raise ValueError(f"density = {density!r}: it is 0 at every λ tried in (0, 1)")
        panels = refined(self._mass_at, start, 10)
        self.total = float(panel_sums(self._mass_at, panels, 10).sum())
        shares = torch.arange(128, dtype=torch.float64, device="cpu") / 128
        t = torch.lerp(panels[:, :1], panels[:, 1:], shares).flatten()
        t = torch.cat([t, panels[-1:, 1]])
        masses = torch.cumulative_trapezoid(self._mass_at(t)[:, 0], t)
        self._z = logit_of(t)
        self._cdf = torch.cat([masses.new_zeros(1), masses / masses[-1]])
        super().__init__(validate_args=False)

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

    def sample(self, sample_shape: torch.Size | tuple[int, ...] = ()) -> Tensor:  # type: ignore[override]
        """Draws of λ, float64, of that shape, from torch's global generator."""
        return torch.sigmoid(self.icdf_logit(_uniform(torch.Size(sample_shape))))

    def log_prob(self, value: Tensor) -> Tensor:
        """The log-density at ``value``, of its shape; at 0 and 1, that of the next λ inside."""
        inside = value.double().clamp(2**-52, 1 - 2**-53)
        log_density = torch.as_tensor(self.density(inside), device=value.device).log() - math.log(
            self.total
        )
        return log_density.to(value.dtype)

    def icdf_logit(self, u: Tensor) -> Tensor:
        """logit λ at the quantiles u in (0, 1), interpolated; float64, of the shape of u."""
        u = u.double()
        k = torch.searchsorted(self._cdf, u, right=True).clamp(1, len(self._cdf) - 1)
        low, high = self._cdf[k - 1], self._cdf[k]
        return torch.lerp(self._z[k - 1], self._z[k], (u - low) / (high - low))

    def __repr__(self) -> str:
        return f"Density({getattr(self.density, '__name__', 'function')})"


class Reflected(Distribution):
    r"""Draw λ from a base policy p; keep it with probability g(λ), else take λ̄.

    Its density is :math:`g(λ)p(λ) + (1 - g(1-λ))\,p(1-λ)`: what the map D makes of a UMixUp
    scheme (p, g), and with g ≡ ½ the policy of what U makes of a DAT policy p (section 5).

    Args:
        base: the policy p.
        keep: g, from λ to a probability of the same shape, or one number in [0, 1].

    Raises:
        ValueError: ``keep`` is a number off [0, 1].
        TypeError: ``keep`` is neither a function nor a number.

    >>> policy = Reflected(Beta(2, 1), keep=0.5)  # ½(2λ + 2(1 − λ))
    >>> round(float(policy.log_prob(torch.tensor(0.3)).exp()), 5)
    1.0
    """

    arg_constraints: dict[str, constraints.Constraint] = {}
    support = constraints.unit_interval

    def __init__(self, base: Distribution, keep: Weight | float) -> None:
        if not callable(keep):
            _checked("Reflected policy: keep", keep, lambda v: 0 <= v <= 1, "in [0, 1]")
        self.base, self.keep = base, keep
        super().__init__(validate_args=False)

    def keep_probability(self, lam: Tensor) -> Tensor:
        """g(λ), of the shape of ``lam``."""
        return self.keep(lam) if callable(self.keep) else torch.full_like(lam, self.keep)

    def keep_at_logit(self, z: Tensor) -> Tensor:
        """g(σ(z)), of the shape of z."""
        return at_logit(self.keep, z) if callable(self.keep) else torch.full_like(z, self.keep)

    def sample_logit(self, shape: torch.Size) -> Tensor:
        """Draws of logit λ, float64, of that shape, from torch's global generator."""
        return self._mirrored_by_chance(sample_logit(self.base, shape))

    def _mirrored_by_chance(self, z: Tensor) -> Tensor:
        keep = at_logit(self.keep, z) if callable(self.keep) else self.keep
        return torch.where(_uniform(z.shape) < keep, z, -z)

    def sample(self, sample_shape: torch.Size | tuple[int, ...] = ()) -> Tensor:  # type: ignore[override]
        """Draws of λ, float64, of that shape, from torch's global generator."""
        return torch.sigmoid(self.sample_logit(torch.Size(sample_shape)))

    def log_density_logit(self, z: Tensor) -> Tensor:
        """log of the density of logit λ at z, of its shape."""
        kept = self.keep_at_logit(z).log() + log_density_logit(self.base, z)
        flipped = torch.log1p(-self.keep_at_logit(-z)) + log_density_logit(self.base, -z)
        return torch.logaddexp(kept, flipped)

    def icdf_logit(self, u: Tensor) -> Tensor:
        """A draw of logit λ for each u in (0, 1), float64, of the shape of u.

        The base's quantile, kept or mirrored by chance, from torch's global generator.
        """
        return self._mirrored_by_chance(icdf_logit(self.base, u))

    def log_prob(self, value: Tensor) -> Tensor:
        """The log-density at ``value``, of its shape; 0·∞ (g is 0, p infinite) counts as 0."""
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
    """``policy`` itself, if it is one distribution on [0, 1]; torch's Beta and Uniform become ours.

    The check is not in the paper.

    Raises:
        TypeError: not a ``torch.distributions.Distribution``.
        ValueError: its support is not within [0, 1] or is discrete, or it is several distributions.

    >>> as_policy(torch.distributions.Beta(2.0, 1.0))
    B(2,1)
    """
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
    return policy


def symmetrize(policy: Distribution) -> Distribution:
    r"""The policy with density :math:`\frac12(p(λ) + p(1-λ))` (Equation 5).

    Args:
        policy: p; not checked here. A Beta with α = β comes back as it is.

    >>> symmetrize(Beta(1, 1)), symmetrize(Beta(2, 1))
    (B(1,1), Reflected(B(2,1), keep=0.5))
    """
    if isinstance(policy, Beta) and policy.alpha == policy.beta:
        return policy
    return Reflected(policy, keep=0.5)


def is_symmetrized(policy: Distribution, origin: Distribution) -> bool:
    """Is ``policy`` what ``symmetrize(origin)`` gives, of this very object? Not in the paper.

    >>> p = Beta(2, 1)
    >>> is_symmetrized(symmetrize(p), p), is_symmetrized(symmetrize(p), Beta(2, 1))
    (True, False)
    """
    return (policy is origin and symmetrize(origin) is origin) or (
        isinstance(policy, Reflected) and policy.base is origin and policy.keep == 0.5
    )


def sample_logit(policy: Distribution, shape: torch.Size | tuple[int, ...]) -> Tensor:
    """Draws of logit λ: the policy's own where it has them, else logit of its draws.

    Not in the paper. From torch's global generator.

    Args:
        policy: any policy.
        shape: of the draws.

    Returns:
        float64, of that shape; ±∞ where λ is 1 or 0.

    >>> sample_logit(PointMass(0.5), (2,))
    tensor([0., 0.], dtype=torch.float64)
    """
    shape = torch.Size(shape)
    if hasattr(policy, "sample_logit"):
        drawn: Tensor = policy.sample_logit(shape)
        return drawn
    return torch.logit(policy.sample(shape).double())


def icdf_logit(policy: Distribution, u: Tensor) -> Tensor:
    """A draw of logit λ for each uniform u; increasing in u for the simple policies.

    With one u in each of n strata of [0, 1] the draws are stratified, as an option of the authors'
    code has them. Not in the paper.

    Args:
        policy: any policy; one without an inverse CDF goes through ``Density``.
        u: in (0, 1), of one dimension or more, on the CPU.

    Returns:
        float64, of the shape of u.

    Raises:
        ValueError: as for ``Density``, where the policy goes through it.

    >>> icdf_logit(Uniform(0, 1), torch.tensor([0.25, 0.5])).sigmoid()
    tensor([0.2500, 0.5000], dtype=torch.float64)
    """
    if hasattr(policy, "icdf_logit"):
        z: Tensor = policy.icdf_logit(u)
        return z
    try:
        return torch.logit(policy.icdf(u).double())
    except NotImplementedError:
        return Density(lambda lam: policy.log_prob(lam).exp()).icdf_logit(u)


def log_density_logit(policy: Distribution, z: Tensor) -> Tensor:
    """log of the density of logit λ at z: log p(λ) + log λ + log(1 − λ). Not in the paper.

    Args:
        policy: any policy; of a mixture, the continuous part.
        z: logit λ, of any shape, ±∞ included.

    Returns:
        Of the shape of z; −∞ where p is 0.

    >>> log_density_logit(Beta(1, 1), torch.zeros(1)).exp()  # λ(1 − λ)
    tensor([0.2500])
    """
    if hasattr(policy, "log_density_logit"):
        value: Tensor = policy.log_density_logit(z)
        return value
    # Where λ is neither 0 nor 1 in float64; closer to an end, the density of λ is taken as level.
    lam = torch.sigmoid(z.clamp(-36, 36))
    low, high = (float(getattr(policy.support, f"{end}_bound", k)) for k, end in _ENDS)
    value = policy.log_prob(lam.clamp(low, high))
    value = torch.nan_to_num(value, nan=-math.inf, posinf=math.inf, neginf=-math.inf)
    value = torch.where((lam >= low) & (lam <= high), value, -math.inf)
    return value + F.logsigmoid(z) + F.logsigmoid(-z)


_ENDS = ((0, "lower"), (1, "upper"))


def density_in_t(policy: Distribution, t: Tensor) -> Tensor:
    """The density of t, where logit λ = π sinh t: what is integrated over panels. As ``t``.

    >>> density_in_t(Beta(1, 1), torch.zeros(1))  # λ(1 − λ)·π at λ = ½
    tensor([0.7854])
    """
    return torch.exp(log_density_logit(policy, logit_of(t))) * logit_slope(t)


def atoms(policy: Distribution) -> list[tuple[float, float]]:
    """The point masses in a policy, as (λ, mass): none in a density. Not in the paper.

    >>> atoms(Mixture([0.75, 0.25], [Beta(1, 1), PointMass(1)]))
    [(1.0, 0.25)]
    """
    if isinstance(policy, PointMass):
        return [(float(policy.at), 1.0)]
    if isinstance(policy, Mixture):
        parts = zip(policy.weights.tolist(), policy.policies, strict=True)
        return [(at, w * mass) for w, part in parts for at, mass in atoms(part)]
    if isinstance(policy, Reflected):
        found = []
        for at, mass in atoms(policy.base):
            lam = torch.tensor([at], dtype=torch.float64, device="cpu")
            kept = float(policy.keep_probability(lam))
            found += [(at, mass * kept), (1 - at, mass * (1 - kept))]
        return [(at, mass) for at, mass in found if mass > 0]
    return []


def log_odds(policy: Distribution, z: Tensor) -> Tensor:
    """log p(λ) − log p(1 − λ) at λ = σ(z), as masses where the policy has one, else as densities.

    The logit of the weight in U (Equation 5). 0 where both are 0, which the paper leaves open
    (appendix A.2). At λ = 0 and 1, the limit for Betas and their mixtures.

    Args:
        policy: p.
        z: logit λ, of any shape, ±∞ included.

    Returns:
        float64, of the shape of z.

    >>> round(float(log_odds(Beta(2, 1), torch.tensor(3.0))), 5)  # log λ/λ̄
    3.0
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
    """Is σ(z) the atom at ``at``, as float32 tells? Nearer at an end, where densities pile up."""
    if at in (0.0, 1.0):
        return z == (math.inf if at else -math.inf)
    return (torch.sigmoid(z) - at).abs() < min(1e-6, 1e-3 * at * (1 - at))


def at_logit(weight: Weight, z: Tensor) -> Tensor:
    """weight(σ(z)), by its ``from_logit`` where it has one, since σ(z) may round to 0 or 1.

    Not in the paper.

    Args:
        weight: γ, from λ to a tensor of the same shape.
        z: logit λ, of a shape that γ takes.

    Returns:
        γ(σ(z)), of the shape of z.

    >>> from umixup.schemes import Logistic
    >>> z = torch.tensor([100.0])
    >>> at_logit(Logistic(0.01), z), Logistic(0.01)(z.sigmoid())
    (tensor([0.7311]), tensor([1.]))
    """
    from_logit = getattr(weight, "from_logit", None)
    value: Tensor = weight(torch.sigmoid(z)) if from_logit is None else from_logit(z)
    return value


def breakpoints(policy: Distribution) -> list[float]:
    """The logits at which a density may jump or an atom sits, ±∞ left out. Not in the paper.

    >>> breakpoints(Uniform(0.5, 1))  # λ = ½, and λ = 1 left out
    [0.0]
    """
    found: list[Tensor | float] = []
    if isinstance(policy, Uniform):
        found = [torch.logit(policy.low), torch.logit(policy.high)]
    elif isinstance(policy, PointMass):
        found = [torch.logit(policy.at)]
    elif isinstance(policy, Mixture):
        found = [z for part in policy.policies for z in breakpoints(part)]
    elif isinstance(policy, Reflected):
        inner = breakpoints(policy.base)
        found = [0.0, *inner, *(-z for z in inner)]
    return [float(z) for z in found if math.isfinite(z)]


def furthest_logit(policy: Distribution) -> float:
    """Beyond ± this, there is less than e^−37 of a Beta's mass; for others, λ is 0 or 1.

    37 / min(1, α, β) for a Beta, the largest part's for a mixture, the base's for ``Reflected``, 36
    for others. Not in the paper.

    >>> furthest_logit(Beta(0.5, 2)), furthest_logit(Uniform(0, 1))
    (74.0, 36.0)
    """
    if isinstance(policy, Beta):
        return 37 / min(1.0, policy.alpha, policy.beta)
    if isinstance(policy, Mixture):
        return max(map(furthest_logit, policy.policies))
    return furthest_logit(policy.base) if isinstance(policy, Reflected) else 36.0


def _uniform(shape: torch.Size) -> Tensor:
    return torch.rand(shape, dtype=torch.float64, device="cpu")
