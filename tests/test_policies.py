"""Policies against scipy.stats: densities, samplers, quadrature."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, special, stats
from torch import distributions as td

from umixup._notated import shortest
from umixup._random import drawing_from
from umixup.equivalence import D, U, distance
from umixup.policies import (
    Beta,
    Density,
    Mixture,
    PointMass,
    Policy,
    Reflected,
    Uniform,
    as_policy,
    symmetrize,
)
from umixup.policies.reflected import is_symmetrized
from umixup.quadrature import quadrature
from umixup.schemes import Posterior, Scheme, Tied, Weight, dat

FALSE_ALARM = 1e-4  # of each Kolmogorov–Smirnov test; the seeds are fixed

parameters = st.floats(0.01, 100)
unit = st.floats(0, 1)
BETAS = [(1, 1), (2.2, 0.9), (0.5, 0.5), (0.1, 0.3), (5, 2), (100, 0.01), (0.05, 0.05)]


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def square(lam: torch.Tensor) -> torch.Tensor:
    return lam**2


# Beta


@given(parameters, parameters, st.floats(0.001, 0.999))
def test_beta_density_is_that_of_scipy(a, b, lam):
    got = Beta(a, b).log_prob(torch.tensor(lam, dtype=torch.float64)).item()
    assert got == pytest.approx(stats.beta.logpdf(lam, a, b), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(("a", "b"), BETAS)
def test_beta_sampler_has_the_distribution_of_scipy(a, b):
    with drawing_from(seeded(0)):
        z = Beta(a, b).sample_logit(torch.Size([4000])).numpy()

    def cdf(z):  # of logit λ; from the nearer end, since λ itself rounds to 1
        return np.where(
            z < 0,
            special.betainc(a, b, special.expit(z)),
            1 - special.betainc(b, a, special.expit(-z)),
        )

    assert stats.kstest(z, cdf).pvalue > FALSE_ALARM


@pytest.mark.parametrize(("a", "b"), [(1, 1), (2.2, 0.9), (0.9, 0.9), (3, 7)])
def test_beta_draws_of_lam_have_the_distribution_of_scipy(a, b):
    with drawing_from(seeded(1)):
        lam = Beta(a, b).sample((4000,))
    assert lam.dtype == torch.float64
    assert stats.kstest(lam.numpy(), stats.beta(a, b).cdf).pvalue > FALSE_ALARM


def test_beta_with_tiny_parameters_draws_both_ends_but_never_exactly_one_half():
    with drawing_from(seeded(2)):
        lam = Beta(0.001, 0.001).sample((20_000,))
    assert torch.isfinite(lam).all()
    assert (lam == 0.5).sum() == 0
    low, high = (lam < 0.5).sum().item(), (lam > 0.5).sum().item()
    assert stats.binomtest(low, low + high).pvalue > FALSE_ALARM
    inside = ((lam > 0.01) & (lam < 0.99)).sum().item()
    share = np.diff(stats.beta(0.001, 0.001).cdf([0.01, 0.99])).item()
    assert stats.binomtest(inside, 20_000, share).pvalue > FALSE_ALARM


@given(parameters, parameters, st.integers(0, 2**31))
def test_beta_draws_stay_in_the_unit_interval(a, b, seed):
    with drawing_from(seeded(seed)):
        lam, z = Beta(a, b).sample((50,)), Beta(a, b).sample_logit(torch.Size([50]))
    assert ((lam >= 0) & (lam <= 1)).all()
    assert not z.isnan().any()


def test_beta_draws_have_the_shape_asked_for():
    assert Beta(2, 1).sample().shape == ()
    assert Beta(2, 1).sample((2, 3)).shape == (2, 3)


@pytest.mark.parametrize(
    ("value", "text"), [(1.0, "1"), (0.9, "0.9"), (10, "10"), (1e-07, "1e-07"), (100.0, "100")]
)
def test_shortest_text_of_a_number(value, text):
    assert shortest(value) == text
    assert float(shortest(value)) == value


# PointMass


@given(unit)
def test_point_mass_draws_its_point_and_has_mass_one_there(at):
    policy = PointMass(at)
    assert (policy.sample((4,)) == at).all()
    others = torch.tensor([at, 2.0], dtype=torch.float64)
    assert policy.log_prob(others).tolist() == [0, -math.inf]


def test_point_mass_has_its_mass_at_its_twice_mirrored_point():
    for at in (0.1, 0.3, 0.7):
        mirrored = 1 - (1 - torch.tensor([at]))
        assert PointMass(at).log_prob(mirrored).tolist() == [0]


def test_writing_to_draws_of_a_point_mass_does_not_change_it():
    policy = PointMass(0.25)
    lam = policy.sample((2,))
    lam[0] = 1
    assert lam.tolist() == [1, 0.25]
    assert policy.sample().item() == 0.25


# Reflected


@given(parameters, parameters, st.floats(0.01, 0.99), unit)
def test_reflected_density_is_the_formula_of_d(a, b, lam, power):
    policy = Reflected(Beta(a, b), lambda lam: lam**power)
    p, g = stats.beta(a, b).pdf, lambda lam: lam**power
    expected = g(lam) * p(lam) + (1 - g(1 - lam)) * p(1 - lam)
    got = policy.log_prob(torch.tensor(lam, dtype=torch.float64)).exp().item()
    assert got == pytest.approx(expected, rel=1e-8, abs=1e-250)


@pytest.mark.parametrize("keep", [square, 0.25])
def test_reflected_sampler_has_its_own_density(keep):
    policy = Reflected(Beta(2, 5), keep)
    with drawing_from(seeded(3)):
        lam = policy.sample((4000,)).numpy()

    def density(t):
        return policy.log_prob(torch.tensor(t, dtype=torch.float64)).exp().item()

    grid = np.linspace(0, 1, 201)
    steps = [integrate.quad(density, *ends)[0] for ends in itertools.pairwise(grid)]
    cdf = np.concatenate([[0], np.cumsum(steps)])
    assert cdf[-1] == pytest.approx(1, abs=1e-9)
    assert stats.kstest(lam, lambda t: np.interp(t, grid, cdf)).pvalue > FALSE_ALARM


def test_reflected_mirrors_where_it_does_not_keep():
    with drawing_from(seeded(4)):
        base = Beta(2, 5).sample((100,))
    for keep, expected in ((1.0, base), (0.0, 1 - base)):
        with drawing_from(seeded(4)):
            torch.testing.assert_close(Reflected(Beta(2, 5), keep).sample((100,)), expected)


def test_reflected_density_is_never_nan():
    ends = torch.tensor([0, 1], dtype=torch.float64)
    policy = Reflected(Beta(0.5, 0.5), square)
    assert not policy.log_prob(ends).isnan().any()


# symmetrize


@given(parameters, parameters, st.floats(0.01, 0.99))
def test_symmetrize_gives_the_mean_of_the_density_and_its_mirror(a, b, lam):
    p = stats.beta(a, b).pdf
    got = symmetrize(Beta(a, b)).log_prob(torch.tensor(lam, dtype=torch.float64)).exp().item()
    assert got == pytest.approx((p(lam) + p(1 - lam)) / 2, rel=1e-8, abs=1e-250)


def test_symmetrize_keeps_a_symmetric_beta():
    policy = Beta(0.7, 0.7)
    assert symmetrize(policy) is policy


SKEW, SYMMETRIC = Beta(2, 1), Beta(2, 2)


@pytest.mark.parametrize(
    ("policy", "origin", "expected"),
    [
        (symmetrize(SKEW), SKEW, True),
        (SYMMETRIC, SYMMETRIC, True),
        (SKEW, SKEW, False),
        (symmetrize(SKEW), Beta(2, 1), False),  # another object
        (Beta(2, 2), SYMMETRIC, False),
        (Reflected(SKEW, 0.25), SKEW, False),
        (Reflected(SKEW, square), SKEW, False),
    ],
    ids=str,
)
def test_is_symmetrized_holds_for_the_very_same_origin_alone(policy, origin, expected):
    assert is_symmetrized(policy, origin) is expected


def test_symmetrized_draws_have_the_mean_distribution_of_both_sides():
    with drawing_from(seeded(5)):
        lam = symmetrize(Beta(8, 1)).sample((4000,)).numpy()
    cdf = stats.beta(8, 1).cdf
    both = stats.kstest(lam, lambda t: (cdf(t) + 1 - cdf(1 - t)) / 2)
    assert both.pvalue > FALSE_ALARM


# as_policy


# Distributions that are not ours


def test_foreign_logit_draws_are_the_logits_of_its_own_draws():
    foreign = td.ContinuousBernoulli(torch.tensor(0.3).double())
    with drawing_from(seeded(6)):
        z = as_policy(foreign).sample_logit((100,))
    with drawing_from(seeded(6)):
        lam = foreign.sample((100,))
    assert z.dtype == torch.float64
    np.testing.assert_allclose(z.numpy(), special.logit(lam.double().numpy()), rtol=1e-9)


def test_foreign_quantiles_come_from_the_density_when_icdf_is_missing():
    beta = td.TransformedDistribution(td.Beta(2.0, 5.0), [])  # has no icdf
    u = np.linspace(0.01, 0.99, 50)
    z = as_policy(beta).icdf_logit(torch.from_numpy(u))
    np.testing.assert_allclose(z.sigmoid().numpy(), stats.beta.ppf(u, 2, 5), atol=1e-5)


def test_foreign_density_is_constant_where_lam_rounds_to_an_end():
    z = torch.tensor([-50, -1, 1, 50], dtype=torch.float64)
    got = as_policy(td.ContinuousBernoulli(torch.tensor(0.3).double())).log_density_logit(z)
    assert (got[0] - z[0]).item() == pytest.approx((got[3] + z[3]).item() + math.log(7 / 3))
    assert torch.isfinite(got).all()


def test_nan_in_a_foreign_density_counts_as_zero():
    policy = torch.distributions.ContinuousBernoulli(torch.tensor(0.5))
    policy.log_prob = lambda lam: (lam - 0.5).log()  # nan below ½
    got = as_policy(policy).log_density_logit(torch.tensor([-1, 1], dtype=torch.float64))
    assert torch.isneginf(got).tolist() == [True, False]
    assert not got.isnan().any()


# Uniform, Mixture, Density

CDFS = {
    "uniform": (lambda: Uniform(0.2, 0.9), stats.uniform(0.2, 0.7).cdf),
    "mixture": (
        lambda: Mixture([0.3, 0.7], [Beta(2, 5), Uniform(0.5, 1)]),
        lambda t: 0.3 * stats.beta.cdf(t, 2, 5) + 0.7 * stats.uniform.cdf(t, 0.5, 0.5),
    ),
    "density": (lambda: Density(lambda lam: lam * (1 - lam)), stats.beta(2, 2).cdf),
    "reflected": (
        lambda: Reflected(Beta(1, 1), square),  # density λ² + 1 − (1 − λ)² = 2λ
        lambda t: t**2,
    ),
}


def test_uniform_density_is_that_of_scipy():
    lam = np.array([0, 0.2, 0.5, 0.85, 0.95])
    got = Uniform(0.2, 0.9).log_prob(torch.from_numpy(lam)).numpy()
    np.testing.assert_allclose(got, stats.uniform(0.2, 0.7).logpdf(lam))


@pytest.mark.parametrize("policy", [Uniform(0, 1), Mixture([1], [Uniform(0, 1)])], ids=str)
def test_uniform_draws_are_finer_than_float32(policy):
    with drawing_from(seeded(3)):
        lam = policy.sample((100,))
    assert ((lam * 2**24).frac() != 0).sum() > 90


@pytest.mark.parametrize("stratified", [False, True])
@pytest.mark.parametrize("name", CDFS)
def test_every_sampler_has_its_distribution(name, stratified):
    make, cdf = CDFS[name]
    with torch.random.fork_rng():
        torch.set_default_dtype(torch.float64)
        try:
            lam, _ = Scheme(make(), Tied()).draw(4000, seeded(0), stratified=stratified)
        finally:
            torch.set_default_dtype(torch.float32)
    assert stats.kstest(lam.numpy(), cdf).pvalue > FALSE_ALARM
    with drawing_from(seeded(1)):
        lam = make().sample((4000,))
    assert lam.dtype == torch.float64
    assert make().sample((2, 3)).shape == (2, 3)
    assert stats.kstest(lam.numpy(), cdf).pvalue > FALSE_ALARM


@pytest.mark.parametrize("name", ["uniform", "density"])
def test_stratified_draws_hit_every_stratum_once_and_have_a_more_precise_mean(name):
    make, cdf = CDFS[name]
    scheme, n = Scheme(make(), Tied()), 64
    errors = {False: [], True: []}
    for seed in range(20):
        for stratified, found in errors.items():
            lam = scheme.draw(n, seeded(seed), stratified=stratified)[0].double().numpy()
            found.append(abs(cdf(lam).mean() - 0.5))
            if stratified:
                strata = np.sort(cdf(lam)) * n - np.arange(n)
                assert ((strata > -1e-3) & (strata < 1 + 1e-3)).all()
                assert not (np.diff(lam) >= 0).all()  # in random order
    assert max(errors[True]) < 1 / n
    assert np.mean(errors[True]) < np.mean(errors[False]) / 3


@pytest.mark.parametrize("n", [0, 1])
def test_stratified_draws_of_zero_or_one(n):
    assert Scheme(Beta(2, 1), Tied()).draw(n, seeded(0), stratified=True)[0].shape == (n,)


@pytest.mark.parametrize(
    "policy", [Beta(2.2, 0.9), *(make() for make, _ in CDFS.values())], ids=str
)
def test_logit_density_is_that_of_lam_times_the_slope(policy):
    lam = torch.tensor([0.05, 0.3, 0.6, 0.85], dtype=torch.float64)
    expected = policy.log_prob(lam) + lam.log() + (1 - lam).log()
    torch.testing.assert_close(policy.log_density_logit(torch.logit(lam)), expected)


@given(st.floats(0.1, 100), st.floats(0.1, 100), st.floats(0.001, 0.999))
@settings(max_examples=30)
def test_beta_quantiles_are_those_of_scipy(a, b, u):
    z = Beta(a, b).icdf_logit(torch.tensor([u], dtype=torch.float64))
    expected = stats.beta.ppf(u, a, b)
    assert z.sigmoid().item() == pytest.approx(expected, rel=1e-7, abs=1e-12)


def test_density_normalises_a_function():
    policy, lam = Density(lambda lam: 7 * lam * (1 - lam)), np.linspace(0.01, 0.99, 50)
    got = policy.log_prob(torch.from_numpy(lam)).exp().numpy()
    np.testing.assert_allclose(got, stats.beta.pdf(lam, 2, 2), rtol=1e-6)
    quantiles = policy.icdf_logit(torch.from_numpy(lam)).sigmoid().numpy()
    np.testing.assert_allclose(quantiles, stats.beta.ppf(lam, 2, 2), atol=1e-5)


def test_mixture_separates_atoms_from_its_density():
    policy = Mixture([0.25, 0.75], [PointMass(0.3), Beta(2, 1)])
    assert policy.atoms() == [(0.3, 0.25)]
    density = policy.log_prob(torch.tensor([0.3, 0.5], dtype=torch.float64)).exp()
    assert density.tolist() == pytest.approx([0.75 * 0.6, 0.75])
    assert sorted(symmetrize(policy).atoms()) == [(0.3, 0.125), (0.7, 0.125)]
    with drawing_from(seeded(2)):
        hits = (policy.sample((4000,)) - 0.3).abs() < 1e-9
    assert stats.binomtest(int(hits.sum()), 4000, 0.25).pvalue > FALSE_ALARM


WIDE = Mixture([0.5, 0.5], [Beta(0.5, 2), Uniform(0.25, 1)])


@pytest.mark.parametrize(
    ("policy", "breakpoints", "furthest"),
    [
        (Beta(0.5, 2), [], 74),
        (Beta(3, 2), [], 37),
        (Uniform(0, 1), [], 36),
        (Uniform(0.25, 1), [-math.log(3)], 36),
        (PointMass(0.25), [-math.log(3)], 36),
        (PointMass(1), [], 36),
        (Density(square), [], 36),
        (WIDE, [-math.log(3)], 74),
        (symmetrize(WIDE), [0, -math.log(3), math.log(3)], 74),
        (td.ContinuousBernoulli(torch.tensor(0.3)), [], 36),
    ],
    ids=str,
)
def test_breakpoints_and_furthest_logit(policy, breakpoints, furthest):
    policy = as_policy(policy)
    assert policy.breakpoints() == pytest.approx(breakpoints)
    assert policy.furthest_logit() == furthest


def test_nested_mixtures_are_flattened():
    inner = Mixture([0.25, 0.75], [Beta(1, 1), PointMass(1)])
    policy = Mixture([0.5, 0.5], [inner, Beta(2, 1)])
    assert repr(policy) == "0.125*B(1,1)+0.375*P(1)+0.5*B(2,1)"
    assert policy.atoms() == [(1, 0.375)]
    lam = torch.tensor([0.3], dtype=torch.float64)
    assert policy.log_prob(lam).exp().item() == pytest.approx(0.125 + 0.5 * 0.6)


def test_posterior_compares_masses_at_an_atom_and_densities_next_to_it():
    gamma = Posterior(Mixture([0.5, 0.3, 0.2], [Beta(2, 1), PointMass(0.25), PointMass(0.75)]))
    lam = torch.tensor([0.25, 0.75, 0.251, 0.9], dtype=torch.float64)
    assert gamma(lam).tolist() == pytest.approx([0.6, 0.4, 0.251, 0.9])


def test_posterior_of_an_atom_at_an_end_compares_densities_everywhere_else():
    gamma = Posterior(Mixture([0.5, 0.5], [Beta(2, 1), PointMass(1)]))
    z = torch.tensor([0.5, 20, 40, math.inf], dtype=torch.float64)
    back = gamma.from_logit(-z)
    torch.testing.assert_close(back[:3].log(), F.logsigmoid(-z[:3]))  # γ(λ) = λ
    assert back[3] == 0


ENDS = [0, 1e-30, 1e-12, 1e-7, 0.01, 0.5, 0.99, 1 - 1e-7, 1]


@given(parameters, parameters, st.sampled_from([torch.float32, torch.float64]), st.booleans())
@settings(max_examples=30)
def test_gamma_is_finite_in_the_unit_interval_and_antisymmetric(a, b, dtype, mixed):
    policy = Mixture([0.5, 0.5], [Beta(a, b), Beta(b + 1, a)]) if mixed else Beta(a, b)
    gamma = Posterior(policy)
    got = gamma(torch.tensor(ENDS, dtype=dtype))
    assert got.dtype == dtype
    assert ((got >= 0) & (got <= 1)).all()  # false for nan
    z = torch.tensor([-math.inf, -1e3, -40, -1, 0, 1, 40, 1e3, math.inf], dtype=torch.float64)
    both = gamma.from_logit(z) + gamma.from_logit(-z)
    torch.testing.assert_close(both, torch.ones_like(z), atol=1e-9, rtol=0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        *(
            (lambda name=name, value=value: Beta(**{"alpha": 1, "beta": 1, name: value}),
             rf"Beta policy: {name} = {value!r}: it must be finite and > 0")
            for name in ("alpha", "beta")
            for value in (0, -1, math.nan, math.inf)
        ),
        *(
            (lambda at=at: PointMass(at), rf"PointMass policy: at = {at!r}: it must be in \[0, 1\]")
            for at in (-0.1, 1.1, math.nan, math.inf)
        ),
        (lambda: Uniform(0.5, 0.5), r"Uniform policy: low = 0\.5: it must be in \[0, high\)"),
        (lambda: Uniform(-0.1, 1), r"Uniform policy: low = -0\.1"),
        (lambda: Uniform(0, 1.1), r"Uniform policy: high = 1\.1: it must be in \(0, 1\]"),
        (lambda: Uniform(math.nan, 1), r"Uniform policy: low = nan"),
        (lambda: Mixture([1], []), r"1 weights for 0 policies"),
        (lambda: Mixture([], []), r"0 weights for 0 policies"),
        (lambda: Mixture([0.5, 0.6], [Beta(1, 1)] * 2), r"must be > 0, with sum 1"),
        (lambda: Mixture([0.5, 0.501], [Beta(1, 1)] * 2), r"must be > 0, with sum 1"),
        (lambda: Mixture([0, 1], [Beta(1, 1)] * 2), r"must be > 0, with sum 1"),
        (lambda: Density(lambda lam: lam - 0.5), r"finite values ≥ 0, one for each λ"),
        (lambda: Density(lambda lam: lam * math.nan), r"finite values ≥ 0, one for each λ"),
        (lambda: Density(lambda lam: lam.sum()), r"finite values ≥ 0, one for each λ"),
        (lambda: Density(torch.zeros_like), r"it is 0 at every λ tried"),
        (lambda: Reflected(Beta(1, 1), 1.5), r"keep = 1\.5: it must be in \[0, 1\]"),
    ],
)  # fmt: skip
def test_out_of_range_parameters_are_named_in_the_error(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Beta("a", 1), r"Beta policy: alpha = 'a': it must be a number"),
        (lambda: Beta("2", 1), r"Beta policy: alpha = '2': it must be a number"),
        (lambda: Beta(1, None), r"Beta policy: beta = None: it must be a number"),
        (lambda: Uniform(0, "b"), r"Uniform policy: high = 'b': it must be a number"),
        (lambda: PointMass([]), r"PointMass policy: at = \[\]: it must be a number"),
        (lambda: PointMass(True), r"PointMass policy: at = True: it must be a number"),
        (lambda: Reflected(Beta(1, 1), "half"), r"keep = 'half': it must be a number"),
        (lambda: Mixture([1], [0.3]), r"policy = 0\.3: it must be a torch\.distributions"),
        (lambda: Reflected(0.3, 0.5), r"policy = 0\.3: it must be a torch\.distributions"),
    ],
)
def test_parameters_of_the_wrong_type_are_named_in_the_error(make, message):
    with pytest.raises(TypeError, match=message):
        make()


def test_parameters_may_be_numpy_numbers():
    parts = Beta(np.float32(2), np.int64(1)), PointMass(np.float64(1))
    policy = Mixture(np.array([0.5, 0.5]), parts)
    assert repr(policy) == "0.5*B(2,1)+0.5*P(1)"


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        (td.Beta(torch.tensor([2.0]), torch.tensor([1.0])), r"it is \(1,\) distributions"),
        (td.Uniform(torch.zeros(2), torch.ones(2)), r"it is \(2,\) distributions"),
        (td.Bernoulli(torch.tensor(0.5)), r"it is discrete; mix point masses with Mixture"),
        (td.Normal(0.0, 1.0), r"support is given as Real\(\), not as within \[0, 1\]"),
        (td.Gamma(1.0, 1.0), r"support is given as .*, not as within \[0, 1\]"),
        (td.Uniform(0.0, 2.0), r"support is given as .*, not as within \[0, 1\]"),
        (td.Uniform(-1.0, 1.0), r"support is given as .*, not as within \[0, 1\]"),
    ],
    ids=str,
)
def test_as_policy_refuses_what_is_not_one_density_on_the_unit_interval(policy, message):
    with pytest.raises(ValueError, match=message):
        as_policy(policy)


def test_as_policy_keeps_policies_converts_betas_and_uniforms_and_wraps_the_rest():
    policy = Beta(2, 1)
    assert as_policy(policy) is policy
    beta = as_policy(td.Beta(2.5, 0.5))
    assert isinstance(beta, Beta)
    assert (beta.alpha, beta.beta) == (2.5, 0.5)
    assert repr(as_policy(td.Uniform(0.0, 0.25))) == "Uni(0,0.25)"
    betas = td.Beta(torch.tensor([2.0, 1.0]), torch.tensor([1.0, 3.0]))
    family = td.MixtureSameFamily(td.Categorical(torch.ones(2)), betas)
    assert as_policy(family).distribution is family


class Triangle(Policy):
    """B(2,1) by the least that a policy must define."""

    def sample(self, sample_shape=()):
        return torch.rand(torch.Size(sample_shape), dtype=torch.float64).sqrt()

    def log_prob(self, value):
        return (2 * value).log()


class Cube(Weight):
    """γ(λ) = λ³ by its logit alone."""

    def from_logit(self, z):
        return torch.sigmoid(z) ** 3


@pytest.mark.parametrize("form", ["draw", "stratified", "quadrature", "U", "D"])
def test_the_defaults_of_policy_and_weight_agree_with_what_ours_do(form):
    scheme, known = Scheme(Triangle(), Cube()), Scheme(Beta(2, 1), lambda lam: lam**3)
    lam = torch.tensor([0.1, 0.25, 0.6, 0.95], dtype=torch.float64)
    if form in ("draw", "stratified"):
        drawn, gamma = scheme.draw(4000, seeded(0), stratified=form == "stratified")
        assert stats.kstest(drawn.double().numpy(), stats.beta(2, 1).cdf).pvalue > FALSE_ALARM
        torch.testing.assert_close(gamma, drawn**3)
    elif form == "quadrature":
        z, w = quadrature(scheme, 30)
        assert (w * z.sigmoid() ** 2).sum().item() == pytest.approx(0.5)
    elif form == "U":
        torch.testing.assert_close(U(Triangle()).weight(lam), lam)
        assert repr(D(U(scheme.policy))) == repr(scheme.policy)
    else:
        assert distance(scheme, known) < 1e-9
        torch.testing.assert_close(D(scheme).log_prob(lam), D(known).log_prob(lam))
    assert scheme.policy.atoms() == scheme.policy.breakpoints() == []
    assert str(scheme) == repr(scheme)


def test_density_is_not_nan_at_the_ends():
    policy = Density(lambda lam: lam * torch.log(1 / lam))
    assert policy.log_prob(torch.tensor([0.0, 1.0])).isnan().sum() == 0


def test_mixture_draws_from_its_components_with_their_probabilities():
    policy = Mixture([0.25, 0.75], [PointMass(0.3), Beta(2, 1)])
    with torch.random.fork_rng():
        torch.manual_seed(0)
        lam = policy.sample((20_000,))
        stratified = dat(policy).draw(20_000, stratified=True)[0]
    for drawn in (lam, stratified.double()):
        assert drawn.shape == (20_000,)
        # 0.3 has probability 1/4; five standard deviations
        share = ((drawn - 0.3).abs() < 1e-6).double().mean().item()
        assert share == pytest.approx(0.25, abs=5 * (0.25 * 0.75 / 20_000) ** 0.5)
        rest = drawn[(drawn - 0.3).abs() >= 1e-6].numpy()
        assert stats.kstest(rest, stats.beta(2, 1).cdf).pvalue > 1e-4
    assert policy.sample((2, 3)).shape == (2, 3)
    assert policy.sample().shape == ()


@pytest.mark.parametrize(("a", "b"), [(0.002, 0.001), (0.01, 100), (2.2, 0.9)])
def test_beta_quantiles_reach_as_far_into_both_tails_as_draws(a, b):
    # one draw in each of n strata: its quantiles are those of many independent draws
    n = 20_001
    u = (torch.arange(n, dtype=torch.float64) + 0.5) / n
    z = Beta(a, b).icdf_logit(u)
    assert torch.isfinite(z).all()
    assert (z.diff() > 0).all()
    with drawing_from(torch.Generator().manual_seed(0)):
        drawn = Beta(a, b).sample_logit(torch.Size((n,)))
    assert stats.ks_2samp(z.numpy(), drawn.numpy()).pvalue > 1e-4


def test_mixture_weights_are_normalised_exactly():
    policy = Mixture([0.3333333333] * 3, [Beta(2, 1), Beta(1, 1), Beta(1, 2)])
    assert policy.weights.sum().item() == 1
    assert torch.isfinite(policy.icdf_logit(torch.tensor([1 - 1e-11], dtype=torch.float64))).all()
