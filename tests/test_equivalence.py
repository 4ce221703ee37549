"""The maps U and D, and the closed forms."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import integrate, special, stats

from umixup.equivalence import D, U, canonical
from umixup.policies import Beta, PointMass, Reflected
from umixup.schemes import Scheme, Tied, dat, erm, mixup, umixup

parameters = st.floats(0.01, 100)
inside = st.floats(0.01, 0.99)


def at(*lam: float) -> torch.Tensor:
    return torch.tensor(lam, dtype=torch.float64)


def density(policy, lam: float) -> float:
    return policy.log_prob(at(lam)).exp().item()


def logistic(lam: torch.Tensor) -> torch.Tensor:
    return torch.sigmoid(3 * lam - 1)


@given(parameters, parameters, inside)
def test_u_has_the_policy_and_the_weight_of_equation_5(a, b, lam):
    p = stats.beta(a, b).pdf
    scheme = U(Beta(a, b))
    assert density(scheme.policy, lam) == pytest.approx(
        (p(lam) + p(1 - lam)) / 2, rel=1e-8, abs=1e-250
    )
    log_odds = stats.beta.logpdf(lam, a, b) - stats.beta.logpdf(1 - lam, a, b)
    assert scheme.weight(at(lam)).item() == pytest.approx(
        special.expit(log_odds), rel=1e-6, abs=1e-12
    )


@given(parameters, parameters)
def test_u_then_d_gives_the_policy_back(a, b):
    policy = Beta(a, b)
    assert D(U(policy)) is policy


@given(parameters, parameters, inside)
def test_d_of_u_has_the_density_of_the_policy_without_the_closed_form_too(a, b, lam):
    scheme = U(Beta(a, b))
    expected = stats.beta.pdf(lam, a, b)
    assume(expected > 1e-12 * stats.beta.pdf(1 - lam, a, b))  # else 1 − g cancels
    got = density(Reflected(scheme.policy, scheme.weight), lam)
    assert got == pytest.approx(expected, rel=1e-3, abs=1e-250)


SCHEMES = {
    "mixup": lambda a, b: mixup(a),
    "tied, skew policy": lambda a, b: Scheme(Beta(a, b), Tied()),
    "dat": lambda a, b: dat(Beta(a, b)),
    "untied": lambda a, b: umixup(Beta(a, b), logistic),
}


@given(st.sampled_from(sorted(SCHEMES)), parameters, parameters, inside)
def test_d_has_the_density_of_lemma_5(kind, a, b, lam):
    scheme = SCHEMES[kind](a, b)
    b = a if kind == "mixup" else b
    p, g = stats.beta(a, b).pdf, lambda lam: scheme.weight(at(lam)).item()
    expected = g(lam) * p(lam) + (1 - g(1 - lam)) * p(1 - lam)
    assert density(D(scheme), lam) == pytest.approx(expected, rel=1e-7, abs=1e-250)


def test_d_integrates_to_one():
    scheme = umixup(Beta(1, 1), lambda lam: lam**2)
    total, _ = integrate.quad(lambda t: density(D(scheme), t), 0, 1)
    assert total == pytest.approx(1, abs=1e-8)


@given(parameters)
def test_mixup_is_dat_with_one_added_to_alpha(alpha):
    policy = D(mixup(alpha))
    assert isinstance(policy, Beta)
    assert (policy.alpha, policy.beta) == (alpha + 1, alpha)


@given(parameters, st.floats(0, 1))
def test_canonical_mixup_is_mixup(alpha, lam):
    scheme = canonical(mixup(alpha))
    assert scheme.weight(at(lam)).item() == pytest.approx(lam, abs=1e-9)
    here = min(max(lam, 0.01), 0.99)
    assert density(scheme.policy, here) == pytest.approx(
        stats.beta.pdf(here, alpha, alpha), rel=1e-7, abs=1e-250
    )


def test_d_of_dat_and_of_erm_is_their_own_policy():
    policy = Beta(2, 5)
    assert D(dat(policy)) is policy
    assert isinstance(D(erm()), PointMass)
    assert float(D(erm()).at) == 1


def test_d_of_a_tied_but_skew_policy_is_no_beta():
    assert isinstance(D(Scheme(Beta(2, 1), Tied())), Reflected)


@pytest.mark.parametrize(
    "scheme",
    [mixup(0.7), dat(Beta(2, 5)), U(Beta(2.2, 0.9)), umixup(Beta(3, 2), logistic)],
    ids=["mixup", "dat", "U", "umixup"],
)
def test_canonical_has_a_symmetric_policy_and_the_same_d(scheme):
    form = canonical(scheme)
    for lam in np.linspace(0.05, 0.95, 19):
        assert density(form.policy, lam) == pytest.approx(density(form.policy, 1 - lam), rel=1e-9)
        assert density(D(form), lam) == pytest.approx(density(D(scheme), lam), rel=1e-9)
        gamma = form.weight(at(lam, 1 - lam))
        assert gamma.sum().item() == pytest.approx(1, abs=1e-9)


def test_canonical_weight_has_its_limits_at_the_ends_without_the_closed_form_too():
    # γ(λ) = λ by a function of one's own: the same scheme as mixup(0.5).
    scheme = canonical(umixup(Beta(0.5, 0.5), lambda lam: 1 * lam))
    assert scheme.weight(at(0, 0.25, 1)).tolist() == pytest.approx([0, 0.25, 1])


def test_u_refuses_what_is_no_distribution():
    with pytest.raises(TypeError, match=r"policy = 'B\(1,1\)': it must be a torch"):
        U("B(1,1)")
