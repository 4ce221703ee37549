"""Quadrature over λ: against closed forms, and against scipy's adaptive quad."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, special, stats
from torch import distributions as td

from umixup.equivalence import U, canonical
from umixup.policies import Beta, Density, Mixture, PointMass, Reflected, Uniform, at_logit
from umixup.quadrature import quadrature
from umixup.schemes import BetaCDF, Kept, Logistic, Scheme, Tied, dat, mixup, umixup

parameters = st.floats(0.01, 100)


def square(lam: torch.Tensor) -> torch.Tensor:
    return lam**2


@given(parameters, parameters, st.integers(1, 5))
def test_beta_quadrature_gives_the_moments_in_closed_form(a, b, k):
    z, w = quadrature(Scheme(Beta(a, b), Kept()), 3)  # exact below degree 6
    moment = math.prod((a + i) / (a + b + i) for i in range(k))  # E[λ^k]
    assert (w * z.sigmoid() ** k).sum().item() == pytest.approx(moment, rel=1e-7)
    assert w.sum().item() == pytest.approx(1, abs=1e-12)
    assert z.dtype == w.dtype == torch.float64


@given(st.floats(0.05, 50), st.floats(0.05, 50), st.floats(0.1, 3))
def test_quadrature_with_a_power_like_weight_gives_fractional_moments(a, b, s):
    z, w = quadrature(Scheme(Beta(a, b), Logistic(0.5)), 60)
    moment = math.exp(special.betaln(a + s, b) - special.betaln(a, b))  # E[λ^s]
    assert (w * z.sigmoid() ** s).sum().item() == pytest.approx(moment, rel=1e-6)


@pytest.mark.parametrize("nodes", [1, 2, 60])
@pytest.mark.parametrize(("a", "b"), [(0.5, 0.5), (0.3, 0.7), (1, 1), (2.2, 0.9)])
def test_beta_quadrature_raises_no_warning_and_gives_the_mean(a, b, nodes):
    z, w = quadrature(Scheme(Beta(a, b), Tied()), nodes)
    assert len(z) == len(w) == nodes
    assert (w * z.sigmoid()).sum().item() == pytest.approx(a / (a + b), rel=1e-9)


@pytest.mark.parametrize("weight", [Kept(), Logistic(2), BetaCDF(2, 1), square],
                         ids=["kept", "slope 2", "cdf", "function"])  # fmt: skip
def test_quadrature_of_a_smooth_function_is_that_of_scipy(weight):
    z, w = quadrature(Scheme(Beta(2.2, 0.9), weight), 30)
    expected = stats.beta(2.2, 0.9).expect(np.cos)
    assert (w * z.sigmoid().cos()).sum().item() == pytest.approx(expected, abs=1e-8)


def test_reflected_quadrature_keeps_and_mirrors():
    z, w = quadrature(dat(Reflected(Beta(2, 5), square)), 40)
    base = stats.beta(2, 5)
    expected = base.expect(lambda t: t**2 * np.exp(t) + (1 - t**2) * np.exp(1 - t))
    assert (w * z.sigmoid().exp()).sum().item() == pytest.approx(expected, rel=1e-9)
    assert w.sum().item() == pytest.approx(1)


@pytest.mark.parametrize("point", [0, 0.3, 1])
def test_point_mass_quadrature_is_a_single_node(point):
    z, w = quadrature(dat(PointMass(point)), 7)
    assert z.sigmoid().tolist() == pytest.approx([point])
    assert w.tolist() == [1]


@pytest.mark.parametrize(("low", "high"), [(0, 1), (0.1, 0.7), (0.2, 0.8), (0.5, 1)])
def test_uniform_quadrature_is_exact_near_its_ends_and_their_mirrors(low, high):
    z, w = quadrature(U(Uniform(low, high)), 7)
    lam = z.sigmoid()
    assert w.sum().item() == pytest.approx(1, abs=1e-12)
    reach = abs(lam - 0.5).max().item()
    assert reach <= max(0.5 - low, high - 0.5) + 1e-12
    mirrored = max(0, min(high, 1 - low) - max(low, 1 - high))  # where λ̄ is in [low, high] too
    both = ((lam > low) & (lam < high)) & ((1 - lam > low) & (1 - lam < high))
    twice = (w * both).sum().item()
    assert twice == pytest.approx(mirrored / (high - low), abs=1e-9)


def test_mixture_quadrature_weights_its_components():
    z, w = quadrature(dat(Mixture([0.2, 0.8], [PointMass(0.3), Beta(2, 1)])), 5)
    assert w.sum().item() == pytest.approx(1, abs=1e-12)
    assert (w * z.sigmoid()).sum().item() == pytest.approx(0.2 * 0.3 + 0.8 * 2 / 3)


@pytest.mark.parametrize("nodes", [0, -3])
def test_quadrature_refuses_fewer_than_one_node(nodes):
    with pytest.raises(ValueError, match=rf"nodes = {nodes}: it must be a whole number ≥ 1"):
        quadrature(mixup(1), nodes)


# Against adaptive integration: policies by pieces, as scipy has them, and whole schemes


def wave(lam, gamma):
    """A smooth function of λ and γ, for numbers and arrays."""
    return np.cos(5 * lam + gamma) * np.exp(gamma)


def logit_normal(mean: float, deviation: float) -> td.Distribution:
    normal = td.Normal(torch.tensor(mean).double(), torch.tensor(deviation).double())
    return td.TransformedDistribution(normal, td.SigmoidTransform())


def normal_of_logit(mean, deviation):
    return lambda lam: stats.norm.pdf(special.logit(lam), mean, deviation) / (lam * (1 - lam))


beta, uniform = stats.beta, lambda a, b: stats.uniform(a, b - a)
# policy, the same density for scipy, where it jumps or bends, its atoms
CASES = {
    "two that overlap": (
        Mixture([0.5, 0.5], [Uniform(0.2, 0.5), Uniform(0.4, 0.9)]),
        lambda v: 0.5 * uniform(0.2, 0.5).pdf(v) + 0.5 * uniform(0.4, 0.9).pdf(v),
        [0.2, 0.4, 0.5, 0.9], [],
    ),
    "a narrow one": (
        Mixture([0.3, 0.7], [Beta(2, 5), Uniform(0.3, 0.4)]),
        lambda v: 0.3 * beta(2, 5).pdf(v) + 0.7 * uniform(0.3, 0.4).pdf(v),
        [0.3, 0.4], [],
    ),
    "a sharp one": (
        Mixture([0.5, 0.5], [Beta(2, 3), Beta(100, 100)]),
        lambda v: 0.5 * beta(2, 3).pdf(v) + 0.5 * beta(100, 100).pdf(v),
        [0.4, 0.6], [],
    ),
    "atoms": (
        Mixture([0.1, 0.3, 0.2, 0.4], [PointMass(0), PointMass(1), PointMass(0.3), Beta(2, 3)]),
        lambda v: 0.4 * beta(2, 3).pdf(v),
        [], [(0, 0.1), (1, 0.3), (0.3, 0.2)],
    ),
    "a density with a bend": (
        Density(lambda v: (v - 0.3).abs()), lambda v: abs(v - 0.3) / 0.29, [0.3], [],
    ),
    "a density with a jump": (
        Density(lambda v: (v > 0.5).double()), lambda v: 2.0 * (v > 0.5), [0.5], [],
    ),
    "torch's own": (
        td.ContinuousBernoulli(torch.tensor(0.3).double()),
        lambda v: 0.3**v * 0.7 ** (1 - v) * 2 * math.atanh(1 - 2 * 0.3) / (1 - 2 * 0.3),
        [], [],
    ),
    "a narrow logit-normal": (
        logit_normal(0.2, 0.05), normal_of_logit(0.2, 0.05), [0.5, 0.52, 0.55, 0.58, 0.6], [],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("policy", "density", "cuts", "points"), CASES.values(), ids=CASES)
@pytest.mark.parametrize("form", ["dat", "U", "canonical"])
def test_quadrature_is_that_of_scipys_quad(form, policy, density, cuts, points):
    def theirs():
        cuts_and_mirrors = sorted({0.0, 0.5, 1.0, *cuts, *(1 - c for c in cuts)})
        mass = dict(points)

        def h(lam):  # the mean over a draw of DAT's label, as one policy over both directions
            ahead, back = density(lam), density(1 - lam)
            gamma = ahead / (ahead + back) if ahead + back > 0 else 0.5
            return (ahead + back) / 2 * wave(lam, gamma)

        def h_dat(lam):
            return density(lam) * wave(lam, 1.0)

        inside = h_dat if form == "dat" else h
        total = sum(
            integrate.quad(inside, a, b, epsabs=1e-11, limit=200)[0]
            for a, b in itertools.pairwise(cuts_and_mirrors)
        )
        for at in {*mass, *(round(1 - m, 9) for m in mass)}:
            ahead, back = mass.get(at, 0), mass.get(round(1 - at, 9), 0)
            total += (
                ahead * wave(at, 1.0) if form == "dat"
                else (ahead + back) / 2 * wave(at, ahead / (ahead + back))
            )  # fmt: skip
        return total

    scheme = {"dat": dat, "U": U, "canonical": lambda p: canonical(dat(p))}[form](policy)
    z, w = quadrature(scheme, 60)
    gamma = at_logit(scheme.weight, z)
    ours = (w * torch.from_numpy(wave(z.sigmoid().numpy(), gamma.numpy()))).sum().item()
    assert ours == pytest.approx(theirs(), abs=1e-8)
    assert w.sum().item() == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("jump", [0.3, 0.5])
@pytest.mark.parametrize("policy", [Beta(2, 3), Beta(0.5, 0.5), Uniform(0.1, 0.7)], ids=repr)
def test_quadrature_resolves_the_jump_of_a_weight(policy, jump):
    z, w = quadrature(umixup(policy, lambda lam: (lam > jump).to(lam.dtype)), 60)
    above = (w * (z.sigmoid() > jump)).sum().item()
    if isinstance(policy, Beta):
        theirs = beta(policy.alpha, policy.beta).sf(jump)
    else:
        theirs = (0.7 - jump) / 0.6
    assert above == pytest.approx(theirs, abs=1e-8)


def test_density_that_does_not_integrate_to_one_in_float64_is_refused():
    with pytest.raises(ValueError, match=r"its density integrates to 0\.\d+ instead of 1"):
        quadrature(dat(logit_normal(0.0, 30.0)), 60)
