"""The maps between DAT and UMixUp: U and D (section 5 of the paper).

Both keep the expected loss on a symmetric sequence of pairs, for every model and every
target-linear loss (Lemmas 4 and 5). p is a policy, g a label weight, λ̄ = 1 − λ.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.distributions import Distribution

from umixup.policies import (
    Beta,
    Reflected,
    atoms,
    is_symmetrized,
    log_density_logit,
    symmetrize,
)
from umixup.schemes import Kept, Logistic, Posterior, Scheme, Tied, untie


def U(policy: Distribution) -> Scheme:
    r"""From a DAT policy p to the UMixUp scheme with the same expected loss (Equation 5).

    .. math:: U(p) = \Bigl(\tfrac12\bigl(p(λ) + p(1-λ)\bigr),\;
                           \frac{p(λ)}{p(λ) + p(1-λ)}\Bigr)

    Args:
        policy: the DAT policy p, a distribution on [0, 1].

    >>> str(U(Beta(2.2, 0.9)))
    'U(B(2.2,0.9))'
    """
    return untie(policy)


def D(scheme: Scheme) -> Distribution:
    r"""From a scheme (p, g) to the DAT policy with the same expected loss (Lemma 5).

    .. math:: D(p, g)(λ) = g(λ)\,p(λ) + \bigl(1 - g(1-λ)\bigr)\,p(1-λ)

    Closed forms where there is one: a DAT scheme gives its own policy, U(p) gives p, and MixUp
    with B(α, α) gives B(α+1, α).

    >>> D(U(Beta(2.2, 0.9)))
    B(2.2,0.9)
    """
    match scheme.policy, scheme.weight:
        case policy, Kept():
            return policy
        case policy, Posterior(policy=origin) if is_symmetrized(policy, origin):
            return origin
        case Beta() as policy, Tied() if policy.alpha == policy.beta:
            return Beta(policy.alpha + 1, policy.alpha)
    return Reflected(scheme.policy, scheme.weight)


def canonical(scheme: Scheme) -> Scheme:
    """U(D(scheme)): the same expected loss, with a symmetric policy.

    >>> from umixup.schemes import mixup
    >>> str(canonical(mixup(1)))
    'U(B(2,1))'
    """
    return U(D(scheme))


def logistic_weight(slope: float) -> Logistic:
    r"""The weight :math:`γ(λ) = σ(s \operatorname{logit} λ)`: that of U(B(α, β)) for s = α − β.

    >>> logistic_weight(1)(torch.tensor([0.25]))  # MixUp's
    tensor([0.2500])
    """
    return Logistic(float(slope))


def as_mixup(policy: Distribution) -> Scheme | None:
    r"""The MixUp scheme with the expected loss of DAT with this policy; ``None`` if there is none.

    MixUp reaches exactly the DAT policies with :math:`\bar λ p(λ) = λ p(\bar λ)`, since then
    U(p) has the weight γ(λ) = λ. Among the Betas these are B(α + 1, α). Checked on a grid of λ.

    >>> str(as_mixup(Beta(2, 1)))
    'B(1,1)'
    >>> as_mixup(Beta(2.2, 0.9)) is None
    True
    """
    if isinstance(policy, Beta):
        tied = math.isclose(policy.alpha - policy.beta, 1, abs_tol=1e-12)
        return Scheme(Beta(policy.beta, policy.beta), Tied()) if tied else None
    lam = torch.linspace(0, 1, 401, dtype=torch.float64)[1:-1]
    lam = torch.cat([lam, torch.tensor([at for at, _ in atoms(policy)], dtype=torch.float64)])
    z = torch.logit(lam)
    used = torch.isfinite(log_density_logit(policy, z)) | torch.isfinite(
        log_density_logit(policy, -z)
    )
    used[399:] = True
    off = (Posterior(policy).from_logit(z) - lam).abs()[used]
    return Scheme(symmetrize(policy), Tied()) if bool((off < 1e-6).all()) else None


def distance(scheme: Scheme, scheme2: Scheme) -> float:
    r"""Wasserstein-1 distance :math:`\int_0^1 |F_1(λ) - F_2(λ)|\,dλ` of the two D policies.

    F₁ and F₂ are the distribution functions of D(scheme) and D(scheme2). It is 0 exactly when the
    two schemes have the same expected loss for every model, labelling, target-linear loss and
    symmetric sequence. *If*: by Lemma 5 the expected loss depends on D(scheme) alone. *Only if*:
    for a pair of two classes and its mirror it is ½ E[h(λ) + k(1 − λ)], where h and k, the losses
    along the segment against either label, are any two positive functions with
    exp(−h) + exp(−k) ≤ 1 for cross-entropy with a third class; so they separate any two policies.

    Numerically: on 8,001 points, to about 1e-6 beside 0 for policies with a density.

    >>> distance(U(Beta(2.2, 0.9)), Scheme(Beta(2.2, 0.9), Kept()))
    0.0
    >>> round(distance(Scheme(Beta(1, 1), Kept()), Scheme(Beta(2, 1), Kept())), 6)
    0.166667
    """
    policies = D(scheme), D(scheme2)
    z = math.pi * torch.sinh(torch.linspace(-8, 8, 8001, dtype=torch.float64))
    # both sides of every jump, far enough from it for `log_odds` to see the density there
    jumps = torch.tensor([at for p in policies for at, _ in atoms(p)], dtype=torch.float64)
    sides = torch.cat([torch.logit((jumps + side).clamp(0, 1)) for side in (-2e-6, 2e-6)])
    z = torch.cat([z, sides[torch.isfinite(sides)]]).sort().values
    gap = (_cdf(policies[0], z) - _cdf(policies[1], z)).abs()
    return float(torch.trapezoid(gap, torch.sigmoid(z)))


def _cdf(policy: Distribution, z: Tensor) -> Tensor:
    """The distribution function at λ = σ(z), for z increasing."""
    density = log_density_logit(policy, z).exp()
    start = torch.zeros(1, dtype=z.dtype)
    cdf = torch.cat([start, torch.cumulative_trapezoid(density, z)])
    for at, mass in atoms(policy):
        cdf = cdf + mass * (torch.sigmoid(z) >= at)
    return cdf
