"""The maps between DAT and UMixUp: U and D (section 5 of the paper).

Both keep the expected loss on a symmetric sequence of pairs, for every model and every
target-linear loss (Lemmas 4 and 5). p is a policy, g a label weight, λ̄ = 1 − λ.
"""

from __future__ import annotations

from torch.distributions import Distribution

from umixup.policies import Beta, Reflected, is_symmetrized
from umixup.schemes import Kept, Posterior, Scheme, Tied, untie


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
