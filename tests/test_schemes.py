"""Schemes: label weights, draws, and the text form."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats
from scipy.special import betainc, expit

from umixup.equivalence import U
from umixup.policies import Beta, Density, Mixture, PointMass, Uniform
from umixup.schemes import (
    BetaCDF,
    Logistic,
    Posterior,
    Scheme,
    as_scheme,
    dat,
    erm,
    mixup,
    parse,
    umixup,
)

FALSE_ALARM = 1e-4  # of each statistical test; the seeds are fixed

parameters = st.floats(0.01, 100)
positive = st.floats(0, 1e300, exclude_min=True)
# multiples of 2⁻²⁰, so that 1 − λ is exact
dyadic = st.integers(0, 2**20).map(lambda k: k / 2**20)


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def at(*lam: float) -> torch.Tensor:
    return torch.tensor(lam, dtype=torch.float64)


# Label weights


def test_the_weights_of_erm_mixup_and_dat():
    lam = at(0, 0.25, 1)
    assert erm().weight(lam).tolist() == [1, 1, 1]
    assert dat(Beta(2, 1)).weight(lam).tolist() == [1, 1, 1]
    assert mixup(0.4).weight(lam).tolist() == [0, 0.25, 1]


@given(parameters, parameters, st.floats(0.001, 0.999))
def test_posterior_is_the_ratio_of_the_densities(a, b, lam):
    logpdf = stats.beta(a, b).logpdf
    expected = special.expit(logpdf(lam) - logpdf(1 - lam))
    assert U(Beta(a, b)).weight(at(lam)).item() == pytest.approx(expected, rel=1e-6, abs=1e-12)


@given(parameters, parameters, dyadic)
def test_posterior_of_a_beta_and_of_its_mirror_add_up_to_one(a, b, lam):
    gamma = U(Beta(a, b)).weight(at(lam, 1 - lam))
    assert gamma.sum().item() == pytest.approx(1, abs=1e-12)


@given(parameters, parameters, st.floats(0, 1), st.sampled_from([torch.float32, torch.float64]))
def test_posterior_of_a_beta_is_zero_one_or_half_at_the_ends(a, b, lam, dtype):
    lam = torch.tensor([0, lam, 1], dtype=dtype)
    gamma = U(Beta(a, b)).weight(lam)
    assert gamma.dtype == dtype
    assert gamma.shape == (3,)
    assert ((gamma >= 0) & (gamma <= 1)).all()
    assert gamma[[0, 2]].tolist() == ([0.5, 0.5] if a == b else [float(a < b), float(a > b)])


@given(st.floats(0.01, 50), st.floats(0, 1))
def test_slope_one_is_mixup_and_slope_zero_is_one_half(b, lam):
    a = b + 1
    gamma = U(Beta(a, b)).weight(at(lam)).item()
    assert gamma == pytest.approx(lam, abs=1e-12)
    assert U(Beta(b, b)).weight(at(lam)).item() == 0.5


def test_posterior_of_a_foreign_density_is_one_half_where_both_densities_are_zero():
    low = torch.distributions.Uniform(at(0.0).squeeze(), at(0.25).squeeze(), validate_args=False)
    assert U(low).weight(at(0.1, 0.5, 0.9)).tolist() == [1, 0.5, 0]


@pytest.mark.parametrize("point", [0, 0.1, 0.25, 0.3, 0.6, 1])
def test_posterior_of_a_point_mass_is_one_at_the_point_and_zero_at_its_mirror(point):
    lam, gamma = U(PointMass(point)).draw(64, seeded(0))
    expected = (lam == torch.tensor(point)).float()
    assert 0 < expected.sum() < 64
    assert torch.equal(gamma, expected)


@pytest.mark.parametrize(
    "weight", [Logistic(0), Logistic(2), Logistic(math.inf), BetaCDF(2, 0.5)], ids=str
)
def test_weight_of_nan_is_nan(weight):
    assert weight(at(math.nan)).isnan().all()


# Draws


@pytest.mark.parametrize(("a", "b"), [(2.2, 0.9), (0.2, 0.6), (1, 1)])
def test_draws_of_u_match_the_sampler_of_the_authors(a, b):
    # How the authors sample U(p): λ ~ p, flip it with probability ½, γ = p(λ)/(p(λ) + p(1−λ)).
    rng = np.random.default_rng(0)
    theirs = rng.beta(a, b, 4000)
    theirs = np.where(rng.random(4000) < 0.5, theirs, 1 - theirs)
    p = stats.beta(a, b).pdf
    lam, gamma = (v.double().numpy() for v in U(Beta(a, b)).draw(4000, seeded(1)))
    assert stats.ks_2samp(lam, theirs).pvalue > FALSE_ALARM
    inside = (lam > 1e-3) & (lam < 1 - 1e-3)
    expected = p(lam[inside]) / (p(lam[inside]) + p(1 - lam[inside]))
    np.testing.assert_allclose(gamma[inside], expected, atol=2e-4)


@given(parameters, parameters, st.sampled_from(["B({},{})", "DAT(B({},{}))", "U(B({},{}))"]))
def test_draws_are_finite_and_in_the_unit_interval(a, b, form):
    for values in parse(form.format(a, b)).draw(40, seeded(2)):
        assert values.shape == (40,)
        assert values.dtype == torch.float32
        assert ((values >= 0) & (values <= 1)).all()


@given(parameters, parameters)
def test_drawn_gamma_is_the_weight_of_drawn_lam(a, b):
    scheme = U(Beta(a, b))
    lam, gamma = scheme.draw(40, seeded(3))
    inside = (lam > 0.01) & (lam < 0.99)  # elsewhere float32 has rounded λ
    expected = scheme.weight(lam[inside].double()).float()
    torch.testing.assert_close(gamma[inside], expected, atol=1e-3, rtol=0)


def test_gamma_is_exact_where_lam_rounds_to_one():
    lam, gamma = U(Beta(0.011, 0.010)).draw(2000, seeded(4))
    rounded = gamma[lam == 1]
    assert len(rounded) > 500
    assert (rounded > 0.5).all()
    assert (rounded < 0.9).all()  # the weight of λ = 1 is 1


@pytest.mark.parametrize("text", ["ERM", "B(1,1)", "DAT(B(2,1))", "U(B(2.2,0.9))"])
def test_draws_depend_on_the_state_of_the_generator_alone(text):
    scheme = parse(text)
    generator = seeded(0)
    once, again = scheme.draw(5, seeded(0)), scheme.draw(5, generator)
    assert all(map(torch.equal, once, again))
    moved = scheme.draw(5, generator)
    assert text == "ERM" or not torch.equal(once[0], moved[0])


def test_global_generator_moves_only_when_no_generator_is_given():
    scheme = parse("U(B(2.2,0.9))")
    before = torch.get_rng_state()
    scheme.draw(5, seeded(0))
    assert torch.equal(torch.get_rng_state(), before)
    once = scheme.draw(5)
    assert not torch.equal(torch.get_rng_state(), before)
    torch.set_rng_state(before)
    assert all(map(torch.equal, once, scheme.draw(5)))


def test_draws_from_a_given_generator_ignore_the_global_one():
    torch.manual_seed(1)
    once = parse("B(1,1)").draw(5, seeded(0))
    torch.manual_seed(2)
    again = parse("B(1,1)").draw(5, seeded(0))
    assert torch.equal(once[0], again[0])


# Constructors


def test_umixup_takes_any_weight_in_the_unit_interval():
    scheme = umixup(Beta(1, 1), lambda lam: lam**3)
    lam, gamma = scheme.draw(100, seeded(0))
    torch.testing.assert_close(gamma, lam**3)


MAKERS = [dat, U, lambda policy: umixup(policy, lambda lam: lam)]


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize(
    ("policy", "error", "message"),
    [
        (0.3, TypeError, r"policy = 0\.3: it must be a torch\.distributions"),
        (torch.distributions.Normal(0.0, 1.0), ValueError, r"policy = .* not as within \[0, 1\]"),
    ],
    ids=str,
)
def test_invalid_policy_is_refused_by_every_constructor(make, policy, error, message):
    with pytest.raises(error, match=message):
        make(policy)


@pytest.mark.parametrize(
    ("weight", "error", "message"),
    [
        (0.5, TypeError, r"weight = 0\.5: it must be a function"),
        (
            lambda lam: 0.5,
            TypeError,
            r"weight: for a tensor of λ it returned a float, not a tensor",
        ),
        (lambda lam: lam.numpy(), TypeError, r"it returned a ndarray, not a tensor"),
        (lambda lam: 2 * lam, ValueError, r"γ\(1\.00\) = 2; γ must stay in \[0, 1\]"),
        (lambda lam: lam - 0.5, ValueError, r"γ\(0\.00\) = -0\.5; γ must stay in \[0, 1\]"),
        (lambda lam: lam / lam, ValueError, r"γ\(0\.00\) = nan; γ must stay in \[0, 1\]"),
        (lambda lam: lam.mean(), ValueError, r"for λ of shape \(101,\) it returned shape \(\)"),
    ],
)
def test_invalid_weight_is_refused(weight, error, message):
    with pytest.raises(error, match=message):
        umixup(Beta(1, 1), weight)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Logistic(math.nan), ValueError, r"slope = nan: it must be a number or ±inf"),
        (lambda: Logistic("2"), TypeError, r"slope = '2': it must be a number"),
        (lambda: BetaCDF(0, 1), ValueError, r"CDF weight: a = 0: it must be finite and > 0"),
        (lambda: BetaCDF(1, None), TypeError, r"CDF weight: b = None: it must be a number"),
    ],
)
def test_invalid_parameters_of_a_weight_are_named_in_the_error(make, error, message):
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize("alpha", [0, -1, math.nan, math.inf])
def test_mixup_refuses_a_bad_alpha(alpha):
    with pytest.raises(ValueError, match=rf"alpha = {alpha!r}.*finite and > 0"):
        mixup(alpha)


# Text


simple_texts = st.one_of(
    st.builds("B({!r},{!r})".format, positive, positive),
    st.builds("P({!r})".format, st.floats(0, 1)),
    st.builds(
        lambda low, width: f"Uni({low!r},{low + width * (1 - low)!r})",
        st.floats(0, 0.9),
        st.floats(0.01, 1),
    ),
)
mixture_texts = st.builds(
    lambda share, one, two: f"{share}*{one}+{1 - share}*{two}",
    st.sampled_from([0.125, 0.5, 0.75]),
    simple_texts,
    simple_texts,
)
weight_texts = st.builds("S({!r})".format, st.floats(allow_nan=False)) | st.builds(
    "CDF({!r},{!r})".format, parameters, parameters
)
policy_texts = simple_texts | mixture_texts
scheme_texts = st.one_of(
    st.just("ERM"),
    policy_texts,
    policy_texts.map("DAT({})".format),
    policy_texts.map("U({})".format),
    st.builds("UMixUp({},{})".format, policy_texts, weight_texts),
)


@given(scheme_texts)
def test_every_text_survives_a_round_trip(text):
    scheme = parse(text)
    again = parse(str(scheme))
    assert str(again) == str(scheme)
    assert repr(again.policy) == repr(scheme.policy)
    assert type(again.weight) is type(scheme.weight)
    if text.startswith("UMixUp"):
        assert again.weight == scheme.weight
    assert ".0)" not in str(scheme)
    assert ".0," not in str(scheme)


@given(positive, positive)
def test_str_keeps_every_bit_of_the_parameters(a, b):
    policy = parse(str(parse(f"DAT(B({a!r},{b!r}))"))).policy
    assert (policy.alpha, policy.beta) == (a, b)


@pytest.mark.parametrize(
    ("text", "short"),
    [
        (" U ( B( 2.20 , 9e-1 ) ) ", "U(B(2.2,0.9))"),
        ("B(1.0,1.)", "B(1,1)"),
        ("DAT(B(2,1.))", "DAT(B(2,1))"),
        ("P(.5)", "P(0.5)"),
        ("DAT(P(1))", "ERM"),
        ("ERM\n", "ERM"),
    ],
)
def test_str_is_the_shortest_text(text, short):
    assert str(parse(text)) == short


def test_constructors_and_text_agree():
    assert str(erm()) == "ERM"
    assert str(mixup(0.9)) == "B(0.9,0.9)"
    assert str(dat(Beta(2, 1))) == "DAT(B(2,1))"
    assert str(U(Beta(2.2, 0.9))) == "U(B(2.2,0.9))"


@pytest.mark.parametrize(
    ("text", "position", "expected"),
    [
        ("", 0, "'ERM', 'DAT', 'U', 'Twin', 'UMixUp' or a policy"),
        ("mixup", 0, "'ERM', 'DAT', 'U', 'Twin', 'UMixUp' or a policy"),
        ("  X(1)", 2, "'ERM', 'DAT', 'U', 'Twin', 'UMixUp' or a policy"),
        ("B", 1, "'('"),
        ("B(1)", 3, "','"),
        ("B(1 1)", 4, "','"),
        ("B(x,1)", 2, "a number"),
        ("B(nan,1)", 2, "a number"),
        ("B(1,", 4, "a number"),
        ("B(1,1", 5, "')'"),
        ("B(1,1) B(1,1)", 7, "the end of the text"),
        ("ERM(1)", 3, "the end of the text"),
        ("U(ERM)", 2, "a policy"),
        ("U(U(B(1,1)))", 2, "a policy"),
        ("DAT(P(0.5,1))", 9, "')'"),
        ("U(B(1e999,1))", 2, "parameters in range"),
        (
            "U(B(0,1))",
            2,
            "parameters in range (Beta policy: alpha = 0.0: it must be finite and > 0)",
        ),
        (
            "DAT(P(1.5))",
            4,
            "parameters in range (PointMass policy: at = 1.5: it must be in [0, 1])",
        ),
        ("UMixUp(B(1,1))", 13, "','"),
        ("UMixUp(B(1,1),B(1,1))", 14, "'S' or 'CDF'"),
        ("UMixUp(B(1,1),S())", 16, "a number"),
        ("UMixUp(B(1,1),CDF(0,1))", 14, "parameters in range"),
        ("Uni(0.5,0.5)", 0, "parameters in range"),
        ("DAT(0.5*B(1,1)+0.6*P(1))", 4, "weights in range"),
        ("0.5*B(1,1)+", 11, "a number"),
        ("0.5 B(1,1)", 4, "'*'"),
        ("DAT(-1*P(1))", 4, "weights in range"),
    ],
)
def test_parse_error_shows_the_position_what_was_expected_and_what_is_allowed(
    text, position, expected
):
    with pytest.raises(ValueError, match="scheme text") as error:
        parse(text)
    lines = str(error.value).splitlines()
    assert lines[0].startswith(f"scheme text {text!r}, position {position}: expected {expected}")
    assert lines[1:] == [
        f"    {text}",
        " " * (4 + position) + "^",
        "allowed: ERM, policy, DAT(policy), U(policy), "
        "Twin(number,policy), UMixUp(policy,weight); a policy is "
        "B(alpha,beta), Uni(low,high), P(at) or a mixture such as 0.5*B(1,1)+0.5*P(1); "
        "a weight is S(slope) or CDF(a,b); a policy by itself is MixUp, such as B(0.2,0.2) for "
        "α = 0.2",
    ]


@pytest.mark.parametrize("value", [None, 1, erm()])
def test_parse_refuses_what_is_not_text(value):
    with pytest.raises(
        TypeError, match=r"scheme = .*: expected text such as 'U\(B\(2\.2,0\.9\)\)'"
    ):
        parse(value)


def test_str_of_a_scheme_with_a_custom_weight_is_refused_by_parse():
    text = str(umixup(Beta(2, 1), torch.sqrt))
    assert "B(2,1)" in text
    assert "sqrt" in text
    with pytest.raises(ValueError, match="position 0"):
        parse(text)
    assert isinstance(umixup(Beta(2, 1), torch.sqrt), Scheme)


@pytest.mark.parametrize(
    "scheme",
    [
        Scheme(Beta(3, 2), Posterior(Beta(2, 1))),
        dat(Mixture([0.5, 0.5], [Beta(1, 1), Density(torch.sqrt)])),
        U(Mixture([0.5, 0.5], [Beta(1, 1), Density(torch.sqrt)])),
    ],
    ids=["another weight", "dat", "untied"],
)
def test_a_scheme_without_a_notation_prints_its_parts(scheme):
    assert str(scheme) == repr(scheme)
    assert str(scheme).startswith("Scheme(policy=")


@given(parameters, parameters, st.floats(0, 1))
@settings(max_examples=30)
def test_the_cdf_weight_is_that_of_scipy(a, b, lam):
    got = parse(f"UMixUp(B(1,1),CDF({a!r},{b!r}))").weight(at(lam)).item()
    assert got == pytest.approx(stats.beta.cdf(lam, a, b), abs=1e-9)


@pytest.mark.parametrize("stratified", [False, True])
def test_zero_draws_have_shape_zero(stratified):
    draws = mixup(1).draw(0, seeded(0), stratified=stratified)
    assert [v.shape for v in draws] == [(0,), (0,)]


@pytest.mark.parametrize("weight", [lambda lam: 2 * lam, lambda lam: -lam, lambda lam: lam / 0 * 0])
def test_gamma_outside_the_unit_interval_is_caught_by_draw(weight):
    with pytest.raises(ValueError, match=r"λ and γ from .*, not in \[0, 1\]"):
        Scheme(Beta(1, 1), weight).draw(100, seeded(0))


def test_negative_number_of_draws_is_refused():
    with pytest.raises(ValueError, match=r"n = -1: it must be a whole number ≥ 0"):
        mixup(1).draw(-1)


def test_cdf_weight_is_accurate_in_both_tails():
    # γ(λ) = I_λ(a, b) = 1 − I_{1−λ}(b, a), also where λ rounds to 1
    z = torch.tensor([-900.0, -40.0, -3.0, 0.0, 3.0, 40.0, 900.0], dtype=torch.float64)
    one, other = BetaCDF(0.01, 0.02).from_logit(z), BetaCDF(0.02, 0.01).from_logit(-z)
    torch.testing.assert_close(one, 1 - other, rtol=0, atol=1e-14)
    torch.testing.assert_close(one[:4], torch.from_numpy(betainc(0.01, 0.02, expit(z[:4].numpy()))))


def test_draws_are_float32_or_wider():
    default = torch.get_default_dtype()
    try:
        for dtype, wide in ((torch.float16, torch.float32), (torch.float64, torch.float64)):
            torch.set_default_dtype(dtype)
            assert {v.dtype for v in mixup(1).draw(3)} == {wide}
    finally:
        torch.set_default_dtype(default)


@pytest.mark.parametrize("bad", [0.2, Beta(1, 1), None])
def test_as_scheme_refuses_what_is_neither_scheme_nor_text(bad):
    with pytest.raises(TypeError, match=r"scheme = .*: it must be a Scheme or its text"):
        as_scheme(bad)


def test_weight_that_leaves_the_unit_interval_off_the_grid_is_caught_by_draw():
    scheme = umixup(Uniform(0, 1), lambda lam: 1 + 0.4 * torch.sin(100 * math.pi * lam) ** 2)
    with pytest.raises(ValueError, match=r"λ and γ from .* to 1\.\d+, not in \[0, 1\]"):
        scheme.draw(50)


@pytest.mark.parametrize(
    "text",
    [
        "ERM",
        "B(1,1)",
        "DAT(B(2,1))",
        "U(B(2.2,0.9))",
        "U(Uni(0.2,0.9))",
        "UMixUp(B(1,1),S(2))",
        "UMixUp(B(1,1),CDF(1,4))",
    ],
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_weight_keeps_the_dtype_and_shape_of_a_single_number(text, dtype):
    scheme = parse(text)
    one = scheme.weight(torch.tensor(0.3, dtype=dtype))
    assert (one.shape, one.dtype) == ((), dtype)
    by_logit = scheme.weight.from_logit(torch.tensor(-0.8, dtype=dtype))
    assert (by_logit.shape, by_logit.dtype) == ((), dtype)
    assert one == scheme.weight(torch.tensor([0.3], dtype=dtype))[0]
