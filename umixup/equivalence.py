"""The maps between DAT and UMixUp: U and D (section 5 of the paper).

Both keep the expected loss on a symmetric sequence of pairs, for every model and every
target-linear loss (Lemmas 4 and 5). p is a policy, g a label weight, λ̄ = 1 − λ.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.distributions import Distribution

from umixup._integrate import density_in_t, logit_of, panel_sums, panels_between
from umixup.notation import twinned, untied
from umixup.policies import Beta, Policy, Reflected, as_policy, symmetrize
from umixup.policies.reflected import is_symmetrized
from umixup.schemes import Scheme, as_scheme, dat
from umixup.weights import Kept, Logistic, Posterior, Tied


def U(policy: Distribution) -> Scheme:
    r"""From a DAT policy p to the UMixUp scheme with the same expected loss (Equation 5).

    .. math:: U(p) = \Bigl(\tfrac12\bigl(p(λ) + p(1-λ)\bigr),\;
                           \frac{p(λ)}{p(λ) + p(1-λ)}\Bigr)

    Args:
        policy: the DAT policy p, a distribution on [0, 1].

    Returns:
        The scheme; its expected loss is that of ``dat(policy)`` on a symmetric sequence (Lemma 4).

    Raises:
        TypeError, ValueError: the policy is not one continuous distribution on [0, 1].

    >>> str(U(Beta(2.2, 0.9)))
    'U(B(2.2,0.9))'
    """
    return Scheme(*untied(as_policy(policy)))


def D(scheme: Scheme | str) -> Policy:
    r"""From a scheme (p, g) to the DAT policy with the same expected loss (Lemma 5).

    .. math:: D(p, g)(λ) = g(λ)\,p(λ) + \bigl(1 - g(1-λ)\bigr)\,p(1-λ)

    In closed form where possible: a DAT scheme gives its own policy, U(p) gives p, and MixUp with
    B(α, α) gives B(α+1, α). The paper calls this map D_u (section 5).

    Args:
        scheme: (p, g), or its text.

    Raises:
        TypeError: neither a scheme nor a text.
        ValueError: a text that ``parse`` refuses.

    >>> D(U(Beta(2.2, 0.9)))
    B(2.2,0.9)
    """
    scheme = as_scheme(scheme)
    match scheme.policy, scheme.weight:
        case policy, Kept():
            return policy
        case policy, Posterior(policy=origin, kappa=kept) if is_symmetrized(policy, origin, kept):
            return origin
        case Beta() as policy, Tied() if policy.is_symmetric:
            return Beta(policy.alpha + 1, policy.alpha)
    return Reflected(scheme.policy, scheme.weight)


def twin(policy: Distribution, kappa: float) -> Scheme:
    r"""A scheme with the expected loss of DAT with this policy, κ of the way from coin to none.

    .. math:: p_κ(λ) = κ\,p(λ) + (1-κ)\,p(1-λ), \qquad γ_κ(λ) = κ\,p(λ) / p_κ(λ)

    ``D`` of it is p for each κ: the ratios whose label is kept have the measure γ_κ p_κ = κp, those
    whose label is exchanged the rest, (1 − κ)p mirrored (Lemma 5). κ = 1 is DAT, κ = ½ is U(p).

    Args:
        policy: p, a distribution on [0, 1].
        kappa: κ, in [½, 1].

    Raises:
        TypeError, ValueError: as for ``um.policies.as_policy``; or κ is out of range.

    >>> [str(twin(Beta(2, 1), kappa)) for kappa in (1, 0.75, 0.5)]
    ['DAT(B(2,1))', 'Twin(0.75,B(2,1))', 'U(B(2,1))']
    >>> D(twin(Beta(2, 1), 0.75))
    B(2,1)
    """
    return Scheme(*twinned(kappa, as_policy(policy)))


def canonical(scheme: Scheme | str) -> Scheme:
    """U(D(scheme)): the scheme with the same expected loss and a symmetric policy.

    The expected loss is the same by Lemma 5, then Lemma 4. Errors as for ``D``.

    >>> from umixup.schemes import mixup
    >>> str(canonical(mixup(1)))
    'U(B(2,1))'
    """
    return U(D(scheme))


def logistic_weight(slope: float) -> Logistic:
    """The weight of U(B(α, β)) for slope = α − β: ``um.schemes.Logistic``.

    >>> logistic_weight(1)(torch.tensor([0.25]))  # MixUp's
    tensor([0.2500])
    """
    return Logistic(slope)


def as_mixup(policy: Distribution) -> Scheme | None:
    r"""The MixUp scheme with the expected loss of DAT with this policy; ``None`` if there is none.

    Section 5 says, after Theorem 1, that some DAT schemes have none, but not which. MixUp reaches
    exactly the DAT policies with :math:`\bar λ p(λ) = λ p(\bar λ)`, since then U(p) has the weight
    γ(λ) = λ. Among the Betas these are B(α + 1, α). For any other p, the only candidate is the
    MixUp scheme of ½(p(λ) + p(λ̄)), and ``distance`` decides.

    Args:
        policy: the DAT policy p, a distribution on [0, 1].

    Errors as for ``U``.

    >>> str(as_mixup(Beta(2, 1)))
    'B(1,1)'
    >>> as_mixup(Beta(2.2, 0.9)) is None
    True
    """
    policy = as_policy(policy)
    if isinstance(policy, Beta):
        tied = math.isclose(policy.alpha - policy.beta, 1, abs_tol=1e-12)
        return Scheme(Beta(policy.beta, policy.beta), Tied()) if tied else None
    found = Scheme(symmetrize(policy), Tied())
    return found if distance(found, dat(policy)) < 1e-9 else None


def distance(scheme: Scheme | str, scheme2: Scheme | str) -> float:
    r"""Wasserstein-1 distance :math:`\int_0^1 |F_1(λ) - F_2(λ)|\,dλ` of the two D policies.

    F₁ and F₂ are the distribution functions of D(scheme) and D(scheme2). It is 0 exactly when the
    two schemes have the same expected loss for every model, labelling, target-linear loss and
    symmetric sequence. *If*: by Lemma 5 the expected loss depends on D(scheme) alone. *Only if*:
    for a pair of two classes and its mirror it is ½ E[h(λ) + k(1 − λ)], where h and k, the losses
    along the segment against either label, are for cross-entropy any two positive functions with
    exp(−h) + exp(−k) = 1; so they separate any two policies.

    Densities are integrated over about 8,000 pieces, which end at every known jump. The area is
    that between the polygons through the results, correct to about 1e-6.

    Args:
        scheme, scheme2: the two schemes, or their texts.

    Returns:
        From 0 to 1.

    Raises:
        TypeError: an argument is neither a scheme nor a text.
        ValueError: a text that ``parse`` refuses.

    >>> distance("U(B(2.2,0.9))", "DAT(B(2.2,0.9))")
    0.0
    >>> round(distance("DAT(B(1,1))", "DAT(B(2,1))"), 6)
    0.166667
    """
    policies = D(scheme), D(scheme2)
    cuts = [z for policy in policies for z in policy.breakpoints()]
    furthest = max(policy.furthest_logit() for policy in policies)
    panels = panels_between(furthest, cuts, number=8000)
    (left, right), (left2, right2) = (_cdf(policy, panels) for policy in policies)
    width = torch.sigmoid(logit_of(panels)).diff(dim=1)[:, 0]
    return float((width * _mean_gap(left - left2, right - right2)).sum())


def _cdf(policy: Policy, panels: Tensor) -> tuple[Tensor, Tensor]:
    """The distribution function just after the start and just before the end of each panel."""
    masses = panel_sums(lambda t: density_in_t(policy, t)[:, None], panels, 5)[:, 0]
    after = masses.cumsum(0)
    jumped = torch.zeros_like(after)
    for at, mass in policy.atoms():
        # an atom inside is an end of a panel; compared with a midpoint, rounding cannot matter
        jumped += mass * (torch.sigmoid(logit_of(panels.mean(dim=1))) > at)
    return after - masses + jumped, after + jumped


def _mean_gap(start: Tensor, end: Tensor) -> Tensor:
    """The mean of |v| along straight lines from start to end."""
    size = start.abs() + end.abs()
    crossing = (start.square() + end.square()) / (2 * size)
    return torch.where(start * end < 0, crossing, size / 2)
