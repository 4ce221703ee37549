"""The maps U and D, and the closed forms."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import integrate, special, stats
from torch import distributions as td

from umixup.equivalence import D, U, as_mixup, canonical, distance, logistic_weight, twin
from umixup.policies import Beta, Density, Mixture, PointMass, Reflected, Uniform, symmetrize
from umixup.schemes import BetaCDF, Logistic, Scheme, Tied, dat, erm, mixup, parse, umixup

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


@given(parameters, parameters, inside)
def test_formula_of_d_gives_the_density_of_the_policy_back_from_u(a, b, lam):
    scheme = U(Beta(a, b))
    expected = stats.beta.pdf(lam, a, b)
    assume(expected > 1e-12 * stats.beta.pdf(1 - lam, a, b))  # else 1 − g cancels
    got = density(Reflected(scheme.policy, scheme.weight), lam)
    assert got == pytest.approx(expected, rel=1e-3, abs=1e-250)


@given(st.floats(0.3, 20), st.floats(0.3, 20), st.floats(0.5, 0.999), inside)
def test_twins_have_the_density_and_the_weight_of_their_definition(a, b, kappa, lam):
    ahead, back = stats.beta.pdf(lam, a, b), stats.beta.pdf(1 - lam, a, b)
    assume(ahead + back > 1e-200)
    scheme, mixed = twin(Beta(a, b), kappa), kappa * ahead + (1 - kappa) * back
    assert density(scheme.policy, lam) == pytest.approx(mixed, rel=1e-6)
    assert scheme.weight(at(lam)).item() == pytest.approx(
        kappa * ahead / mixed, rel=1e-6, abs=1e-12
    )


@pytest.mark.parametrize("kappa", [0.5, 0.6, 0.9, 1.0])
@pytest.mark.parametrize("policy", [Beta(2, 1), Beta(0.5, 3), Uniform(0.5, 1),
                                    Mixture([0.5, 0.5], [Beta(1, 1), PointMass(1)])])  # fmt: skip
def test_all_twins_have_the_expected_loss_of_dat(policy, kappa):
    found = twin(policy, kappa)
    assert distance(found, dat(policy)) == 0  # D recognises it
    opaque = Scheme(found.policy, lambda lam: found.weight(lam))  # D has to collect
    assert distance(opaque, dat(policy)) < 1e-6


@pytest.mark.parametrize("kappa", [0.4, 1.1, float("nan"), "0.6"])
def test_twins_outside_the_family_are_refused(kappa):
    with pytest.raises((ValueError, TypeError), match="kappa = "):
        twin(Beta(2, 1), kappa)


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


def test_d_uses_the_closed_form_of_u_only_with_its_own_policy():
    origin = Beta(2, 1)
    weight = U(origin).weight
    for policy in (Beta(3, 2), Beta(5, 5)):
        found = D(Scheme(policy, weight))
        assert isinstance(found, Reflected)
        assert distance(dat(found), dat(origin)) > 1e-3


def test_d_of_mixup_with_a_skew_policy_is_not_a_beta():
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


def test_canonical_weight_of_a_custom_weight_has_its_limits_at_the_ends():
    # γ(λ) = λ by a function of one's own: the same scheme as mixup(0.5).
    scheme = canonical(umixup(Beta(0.5, 0.5), lambda lam: 1 * lam))
    assert scheme.weight(at(0, 0.25, 1)).tolist() == pytest.approx([0, 0.25, 1])


def test_u_refuses_what_is_not_a_distribution():
    with pytest.raises(TypeError, match=r"policy = 'B\(1,1\)': it must be a torch"):
        U("B(1,1)")


# Every policy and weight

moderate = st.floats(0.1, 30)
betas = st.builds(Beta, moderate, moderate)
mixtures = st.builds(
    lambda share, first, second: Mixture([share, 1 - share], [first, second]),
    st.floats(0.1, 0.9),
    betas,
    betas | st.builds(PointMass, st.sampled_from([0, 0.2, 0.5, 0.75, 1])),
)
uniforms = st.builds(lambda low, width: Uniform(low, low + width * (1 - low)),
                     st.floats(0, 0.9), st.floats(0.1, 1))  # fmt: skip
policies = betas | mixtures | uniforms
weights = (
    st.builds(Logistic, st.floats(-3, 3))
    | st.builds(BetaCDF, moderate, moderate)
    | st.just(Tied())
    | st.just(logistic)
)


@given(policies)
@settings(max_examples=30)
def test_d_of_u_is_the_policy_itself(policy):
    assert D(U(policy)) is policy
    assert distance(U(policy), dat(policy)) == 0


AWKWARD = [  # atoms at an end, in the middle and beside a density, and densities that end
    Mixture([0.5, 0.5], [Beta(0.1, 0.1), PointMass(1)]),
    Mixture([0.3, 0.3, 0.4], [Beta(0.1, 0.3), PointMass(1), PointMass(0.5)]),
    Mixture([0.2, 0.8], [Beta(5, 2), PointMass(0.9)]),
    Mixture([0.5, 0.5], [Uniform(0, 0.3), PointMass(0)]),
]


@given(policies | st.sampled_from(AWKWARD))
@settings(max_examples=60)
def test_formula_of_d_is_at_distance_zero_from_the_policy(policy):
    scheme = U(policy)
    by_formula = Reflected(scheme.policy, scheme.weight)  # what D takes without a closed form
    assert distance(dat(by_formula), dat(policy)) < 1e-9


@given(policies, weights)
@settings(max_examples=30)
def test_a_scheme_and_its_canonical_form_are_at_distance_zero(policy, weight):
    scheme = umixup(policy, weight)
    assert distance(scheme, canonical(scheme)) == 0
    assert distance(U(D(scheme)), dat(D(scheme))) == 0


@given(st.floats(0.01, 100))
@settings(max_examples=30)
def test_mixup_is_at_distance_zero_from_dat_with_one_added_to_alpha(alpha):
    twin = dat(Beta(alpha + 1, alpha))
    assert distance(mixup(alpha), twin) == 0
    # also without the closed form
    assert distance(umixup(Beta(alpha, alpha), Logistic(1)), twin) < 1e-6


GRID = special.expit(np.pi * np.sinh(np.linspace(-4, 4, 40_001)))


@given(moderate, moderate, moderate, moderate)
@settings(max_examples=30)
def test_distance_of_two_betas_is_the_area_between_the_cdfs_of_scipy(a, b, c, d):
    gap = np.abs(stats.beta.cdf(GRID, a, b) - stats.beta.cdf(GRID, c, d))
    got = distance(dat(Beta(a, b)), dat(Beta(c, d)))
    assert got == pytest.approx(integrate.trapezoid(gap, GRID), abs=1e-5)
    assert distance(dat(Beta(c, d)), dat(Beta(a, b))) == pytest.approx(got, abs=1e-12)


def test_distance_of_two_betas_is_that_of_scipy_by_quad():
    def gap(lam):
        return abs(stats.beta.cdf(lam, 2.2, 0.9) - stats.beta.cdf(lam, 0.8, 1.5))

    expected, _ = integrate.quad(gap, 0, 1, epsabs=1e-10)
    assert distance(dat(Beta(2.2, 0.9)), dat(Beta(0.8, 1.5))) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(
    ("mass", "point", "a", "b"),
    [(0.3, 0.4, 2, 1), (0.5, 1, 1, 1), (0.2, 0.25, 0.5, 2), (0.9, 0, 3, 0.3)],
)
def test_distance_counts_atoms(mass, point, a, b):
    policy = Mixture([mass, 1 - mass], [PointMass(point), Beta(a, b)])
    ends = [0, point, 1]

    def gap(other):
        def at(lam):
            own = mass * (lam >= point) + (1 - mass) * stats.beta.cdf(lam, a, b)
            return abs(own - other(lam))

        return integrate.quad(at, 0, 1, points=ends, epsabs=1e-9, limit=200)[0]

    got = distance(dat(policy), dat(Beta(2, 2)))
    assert got == pytest.approx(gap(stats.beta(2, 2).cdf), abs=1e-5)
    assert distance(dat(policy), erm()) == pytest.approx(gap(lambda lam: 0), abs=1e-5)
    assert distance(erm(), dat(policy)) == pytest.approx(gap(lambda lam: 0), abs=1e-5)


@given(st.floats(0, 1), st.floats(0, 1))
@settings(max_examples=30)
def test_distance_of_two_point_masses_is_that_of_the_points(one, other):
    assert distance(dat(PointMass(one)), dat(PointMass(other))) == pytest.approx(
        abs(one - other), abs=1e-5
    )


@given(policies, weights, policies, weights, policies)
@settings(max_examples=20)
def test_distance_is_a_metric(policy, weight, policy2, weight2, policy3):
    one, two, three = umixup(policy, weight), umixup(policy2, weight2), dat(policy3)
    assert distance(one, one) == 0
    assert distance(one, two) == pytest.approx(distance(two, one), abs=1e-12)
    assert distance(one, three) <= distance(one, two) + distance(two, three) + 2e-5


@pytest.mark.parametrize(
    ("one", "other", "gap"),
    [
        (Uniform(0.5, 0.5001), PointMass(0.5), 5e-5),
        (Uniform(0.5, 0.50000001), Uniform(0.1, 0.10000001), 0.4),
        (Uniform(0.2, 0.8), Uniform(0.3, 0.9), 0.1),
        (Uniform(0.1, 0.3), Uniform(0.1, 0.30001), 5e-6),
        (PointMass(0.3), PointMass(0.3000001), 1e-7),
        (PointMass(0), PointMass(1), 1),
    ],
    ids=str,
)
def test_distance_of_narrow_policies(one, other, gap):
    assert distance(dat(one), dat(other)) == pytest.approx(gap, rel=1e-6, abs=1e-9)


def test_as_mixup_of_a_narrow_uniform_is_none():
    assert as_mixup(Uniform(0.501, 0.502)) is None
    assert as_mixup(Uniform(0.9001, 0.9024)) is None


ENDS = {
    "beta and uniform": (Mixture([0.3, 0.7], [Beta(2, 5), Uniform(0.5, 1)]), 0, 1),
    "uniform": (Uniform(0.5, 1), 0, 1),
    "uniform inside": (Uniform(0.2, 0.7), 0.5, 0.5),
    "density": (Density(lambda lam: lam), 0, 1),
    "torch's": (td.ContinuousBernoulli(torch.tensor(0.3)), 0.7, 0.3),
    "with torch's": (
        Mixture([0.5, 0.5], [Beta(2, 5), td.ContinuousBernoulli(torch.tensor(0.3))]), 0.7, 0.3
    ),
    "atom at 1": (Mixture([0.5, 0.5], [Beta(1, 1), PointMass(1)]), 0, 1),
}  # fmt: skip


@pytest.mark.parametrize(("policy", "low", "high"), ENDS.values(), ids=ENDS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_weight_of_u_at_both_ends_is_its_limit(policy, low, high, dtype):
    gamma = U(policy).weight(torch.tensor([0.0, 1.0], dtype=dtype))
    assert gamma.tolist() == pytest.approx([low, high], abs=1e-6)


@pytest.mark.parametrize("point", [0, 0.3, 0.999999, 1 - 1e-9, 1])
def test_weight_near_an_atom_is_that_of_the_density(point):
    policy = Mixture([0.5, 0.5], [PointMass(point), Beta(0.05, 0.1)])
    z = Beta(0.05, 0.1).sample_logit(torch.Size((4000,)))
    alone = logistic_weight(0.05 - 0.1).from_logit(z)
    assert ((U(policy).weight.from_logit(z) - alone).abs() > 1e-9).double().mean() < 0.01


@pytest.mark.parametrize("function", [D, canonical, lambda s: distance(mixup(1), s)])
def test_maps_refuse_a_policy_in_place_of_a_scheme(function):
    with pytest.raises(TypeError, match=r"scheme = B\(1,1\): it must be a Scheme or its text"):
        function(Beta(1, 1))


def test_distance_of_schemes_with_different_expected_losses():
    assert distance(erm(), dat(Beta(1, 1))) == pytest.approx(0.5, abs=1e-5)
    assert distance(mixup(1), dat(Beta(1, 1))) == pytest.approx(1 / 6, abs=1e-5)
    assert distance(mixup(1), mixup(0.2)) > 0.05
    assert distance(U(Beta(2.2, 0.9)), mixup(0.9)) > 0.01


# The logistic weight


@given(st.floats(0.1, 30), st.floats(0.1, 30), st.floats(0.001, 0.999))
@settings(max_examples=30)
def test_the_logistic_weight_of_slope_alpha_minus_beta_is_that_of_u(a, b, lam):
    got = logistic_weight(a - b)(at(lam)).item()
    assert got == pytest.approx(U(Beta(a, b)).weight(at(lam)).item(), abs=1e-12)
    assert got == pytest.approx(special.expit((a - b) * special.logit(lam)), abs=1e-12)


def test_the_logistic_weight_at_slopes_one_zero_and_infinity():
    lam = at(0, 0.25, 0.5, 0.75, 1)
    torch.testing.assert_close(logistic_weight(1)(lam), lam)
    assert logistic_weight(0)(lam).tolist() == [0.5] * 5
    assert logistic_weight(np.inf)(lam).tolist() == [0, 0, 0.5, 1, 1]
    assert logistic_weight(-np.inf)(lam).tolist() == [1, 1, 0.5, 0, 0]


# as_mixup


@given(st.floats(0.01, 100))
@settings(max_examples=30)
def test_as_mixup_of_a_beta_with_one_added_to_alpha(alpha):
    found = as_mixup(Beta(alpha + 1, alpha))
    assert str(found) == str(mixup(alpha))


@pytest.mark.parametrize("make", [
    lambda: Mixture([0.4, 0.6], [Beta(2, 1), Beta(1.5, 0.5)]),
    lambda: D(umixup(Mixture([0.4, 0.6], [Beta(2, 2), Beta(0.5, 0.5)]), Tied())),
    lambda: Density(lambda lam: lam**2 * (1 - lam)),
    lambda: Mixture([0.5, 0.5], [Beta(2, 1), PointMass(1)]),
    lambda: Mixture([0.5, 0.5], [Beta(2, 1), PointMass(0.5)]),
    lambda: PointMass(1),
    lambda: PointMass(0.5),
    lambda: Mixture([0.75, 0.25], [PointMass(0.75), PointMass(0.25)]),
], ids=["betas", "D of MixUp", "density", "with ERM", "with one half", "ERM", "one half",
        "two points"])  # fmt: skip
def test_as_mixup_finds_the_scheme_where_one_exists(make):
    policy = make()
    found = as_mixup(policy)
    assert found is not None
    assert isinstance(found.weight, Tied)
    assert distance(found, dat(policy)) < 1e-5
    assert distance(dat(found.policy), dat(symmetrize(found.policy))) < 1e-5


@pytest.mark.parametrize(
    "policy",
    [
        Beta(2.2, 0.9),
        Beta(1, 2),
        Beta(1, 1),
        Mixture([0.4, 0.6], [Beta(2, 1), Beta(1.5, 0.6)]),
        Mixture([0.5, 0.5], [Beta(2, 1), PointMass(0.7)]),
        Beta(2.0005, 1),
        Density(lambda lam: lam + 0.1),
        Density(lambda lam: lam + 1e-5),
        Uniform(0.5, 1),
        PointMass(0.7),
        PointMass(0),
    ],
    ids=str,
)
def test_as_mixup_is_none_where_no_scheme_exists(policy):
    assert as_mixup(policy) is None


def test_canonical_of_every_policy_is_symmetric():
    for policy in (Uniform(0.2, 0.9), Mixture([0.5, 0.5], [Beta(2, 1), PointMass(1)])):
        form = canonical(umixup(policy, Logistic(2)))
        assert distance(dat(form.policy), dat(symmetrize(form.policy))) < 1e-5


@pytest.mark.parametrize("text", ["U(0.5*B(2,1)+0.5*P(1))", "U(Uni(0.5,1))"])
def test_u_of_mixtures_and_uniforms_survives_a_round_trip(text):
    assert str(U(parse(text).weight.policy)) == text
