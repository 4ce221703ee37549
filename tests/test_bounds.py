"""The expected loss: against scipy and by hand; Lemmas 1, 4 and 5, and how they break."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats
from torch import nn

from umixup import bounds, training
from umixup.bounds import deviation, deviation_probability, expected_loss, pairs_needed, spread
from umixup.equivalence import D, U, canonical
from umixup.losses import (
    binary_cross_entropy,
    brier,
    cross_entropy,
    hinge,
    negative_cosine,
    renormalized_cosine,
)
from umixup.policies import Beta, Density, Mixture, PointMass, Uniform
from umixup.schemes import BetaCDF, Logistic, dat, erm, mixup, parse, umixup

CLASSES = 3


def network() -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        layers = nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, CLASSES)
        return nn.Sequential(*layers).double().eval().requires_grad_(False)


def pairs(n: int, first: int | None = None, second: int | None = None):
    """n random pairs with labels; all first and all second samples of one class, if given."""
    generator = torch.Generator().manual_seed(1)
    centres = 2 * torch.randn(CLASSES, 4, generator=generator, dtype=torch.float64)
    sides = []
    for label in (first, second):
        labels = torch.randint(CLASSES, (n,), generator=generator)
        labels = labels if label is None else torch.full((n,), label)
        noise = torch.randn(n, 4, generator=generator, dtype=torch.float64)
        sides.append((centres[labels] + noise, F.one_hot(labels, CLASSES).double()))
    (x, y), (x2, y2) = sides
    return x, x2, y, y2


def mirrored(n: int):
    """A symmetric sequence: (a, b) and (b, a) equally often."""
    x, x2, y, y2 = pairs(n)
    return torch.cat([x, x2]), torch.cat([x2, x]), torch.cat([y, y2]), torch.cat([y2, y])


def expected(scheme, sequence, nodes: int = 60) -> float:
    return expected_loss(scheme, *sequence, network(), cross_entropy, nodes).item()


# What it computes


@pytest.mark.parametrize("text", ["B(2.2,0.9)", "DAT(B(2,5))", "U(B(2.2,0.9))"])
def test_expected_loss_agrees_with_scipys_integral(text):
    scheme, f = parse(text), network()
    x, x2, y, y2 = pairs(1)
    origin = {"B(2.2,0.9)": (2.2, 0.9), "DAT(B(2,5))": (2, 5), "U(B(2.2,0.9))": (2.2, 0.9)}[text]
    p = stats.beta(*origin).pdf

    def integrand(lam):
        density = (p(lam) + p(1 - lam)) / 2 if text[0] == "U" else p(lam)
        gamma = {"B": lam, "D": 1.0, "U": p(lam) / (p(lam) + p(1 - lam))}[text[0]]
        outputs = f(lam * x + (1 - lam) * x2)
        return density * F.cross_entropy(outputs, gamma * y + (1 - gamma) * y2).item()

    theirs, _ = integrate.quad(integrand, 0, 1, epsabs=1e-10)
    assert expected(scheme, (x, x2, y, y2)) == pytest.approx(theirs, abs=1e-6)


def test_expected_loss_is_the_mean_of_many_drawn_losses():
    scheme, sequence, f = parse("U(B(2.2,0.9))"), pairs(5), network()
    rng = np.random.default_rng(0)
    lam = rng.beta(2.2, 0.9, 20_000)
    lam = torch.from_numpy(np.where(rng.random(20_000) < 0.5, lam, 1 - lam))[:, None]
    gamma = scheme.weight(lam)
    means = []
    for x, x2, y, y2 in zip(*sequence, strict=True):
        outputs = f(lam * x + (1 - lam) * x2)
        target = gamma * y + (1 - gamma) * y2
        means.append(F.cross_entropy(outputs, target, reduction="none"))
    losses = torch.stack(means).mean(dim=0)
    error = losses.std().item() / len(losses) ** 0.5
    assert abs(losses.mean().item() - expected(scheme, sequence)) < 4.5 * error  # p < 1e-5


def test_erm_is_the_plain_loss_of_the_first_samples():
    x, x2, y, y2 = pairs(6)
    plain = F.cross_entropy(network()(x), y).item()
    assert expected(erm(), (x, x2, y, y2)) == pytest.approx(plain, abs=1e-12)


def test_a_point_mass_is_one_mixture():
    x, x2, y, y2 = pairs(6)
    plain = F.cross_entropy(network()(0.3 * x + 0.7 * x2), y).item()
    assert expected(dat(PointMass(0.3)), (x, x2, y, y2)) == pytest.approx(plain, abs=1e-12)


def test_more_nodes_change_nothing_for_a_smooth_network():
    scheme, sequence = parse("U(B(2.2,0.9))"), mirrored(4)
    assert expected(scheme, sequence, 30) == pytest.approx(expected(scheme, sequence, 90), abs=1e-6)


def test_expected_loss_is_a_float64_scalar_even_for_float32_pairs():
    sequence = [v.float() for v in pairs(2)]
    got = expected_loss(mixup(1), *sequence, network().float(), cross_entropy, 5)
    assert got.shape == ()
    assert got.dtype == torch.float64


def test_losses_in_float32_are_averaged_in_float64():
    losses = torch.tensor([1e8, 1, -1e8])
    got = expected_loss(erm(), *pairs(3), lambda x: x, lambda z, y: losses)
    assert got.item() == pytest.approx(1 / 3)


# The lemmas


def test_lemma_1_in_expectation():
    # E[γ ℓ^DAT(x, x′, λ) + (1 − γ) ℓ^DAT(x′, x, 1 − λ)], with F(x̃) the same in both
    scheme, (x, x2, y, y2), f = parse("U(B(2.2,0.9))"), pairs(8), network()
    ours = expected(scheme, (x, x2, y, y2))
    one = expected_loss(
        scheme, x, x2, torch.ones(8, 1).double(), torch.zeros(8, 1).double(), f,
        lambda z, gamma: gamma[:, 0] * cross_entropy(z, y), 60,
    )  # fmt: skip
    two = expected_loss(
        scheme, x, x2, torch.ones(8, 1).double(), torch.zeros(8, 1).double(), f,
        lambda z, gamma: (1 - gamma[:, 0]) * cross_entropy(z, y2), 60,
    )  # fmt: skip
    assert ours == pytest.approx((one + two).item(), abs=1e-12)


@pytest.mark.parametrize(("a", "b"), [(2.2, 0.9), (1.7, 0.8), (2, 1), (1, 3), (5, 5)])
def test_lemma_4_equal_expected_losses_on_a_symmetric_sequence(a, b):
    policy, sequence = Beta(a, b), mirrored(16)
    assert expected(U(policy), sequence) == pytest.approx(expected(dat(policy), sequence), abs=1e-6)


def test_lemma_4_fails_when_each_side_has_one_class():
    policy, sequence = Beta(2.2, 0.9), pairs(16, first=0, second=1)
    assert abs(expected(U(policy), sequence) - expected(dat(policy), sequence)) > 1e-2


@pytest.mark.parametrize(
    "scheme",
    [mixup(0.9), umixup(Beta(1.5, 0.8), lambda lam: lam**2), parse("B(2.2,0.9)")],
    ids=["mixup", "untied", "tied, skew policy"],
)
def test_lemma_5_equal_expected_losses_on_a_symmetric_sequence(scheme):
    sequence = mirrored(16)
    ours = expected(scheme, sequence)
    assert expected(dat(D(scheme)), sequence) == pytest.approx(ours, abs=1e-6)
    assert expected(canonical(scheme), sequence) == pytest.approx(ours, abs=1e-6)


def test_lemma_5_fails_when_each_side_has_one_class():
    scheme, sequence = mixup(0.9), pairs(16, first=0, second=1)
    assert abs(expected(dat(D(scheme)), sequence) - expected(scheme, sequence)) > 1e-2


def test_lemma_5_fails_for_the_formula_without_bars():
    # g(λ)p(λ) + g(λ)p(1−λ), rescaled to a density, for uniform p and g(λ) = λ²: B(3,1)
    scheme, sequence = umixup(Beta(1, 1), lambda lam: lam**2), mirrored(16)
    assert abs(expected(dat(Beta(3, 1)), sequence) - expected(scheme, sequence)) > 1e-2


@pytest.mark.parametrize("point", [0.25, 0.3, 0.5, 1])
def test_lemma_4_holds_for_point_masses(point):
    policy, sequence = PointMass(point), mirrored(16)
    assert expected(U(policy), sequence) == pytest.approx(expected(dat(policy), sequence), abs=1e-9)


@pytest.mark.parametrize(
    ("a", "b"), [(0.02, 0.01), (0.1, 0.1), (0.5, 0.2), (1.4, 0.7), (5, 5), (30, 20)]
)
def test_lemma_4_holds_to_1e_6_however_steep_the_policy(a, b):
    policy, sequence = Beta(a, b), mirrored(16)
    assert expected(U(policy), sequence) == pytest.approx(expected(dat(policy), sequence), rel=1e-6)


# The lemmas for every policy, weight and target-linear loss


def some_network(seed: int, activation: type[nn.Module] = nn.Tanh) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        layers = nn.Linear(4, 16), activation(), nn.Linear(16, CLASSES)
        return nn.Sequential(*layers).double().eval().requires_grad_(False)


POLICIES = {
    "uniform": Uniform(0.1, 0.7),
    "the middle": Uniform(0.2, 0.8),
    "upper half": Uniform(0.5, 1),
    "two betas": Mixture([0.3, 0.7], [Beta(2.2, 0.9), Beta(0.5, 3)]),
    "with ERM": Mixture([0.5, 0.5], [Beta(2, 5), PointMass(1)]),
    "with ERM, and mass at the ends": Mixture([0.5, 0.5], [Beta(0.1, 0.1), PointMass(1)]),
    "two that overlap": Mixture([0.5, 0.5], [Uniform(0.2, 0.5), Uniform(0.4, 0.9)]),
    "a narrow one": Mixture([0.3, 0.7], [Beta(2, 5), Uniform(0.3, 0.4)]),
    "with a point": Mixture([0.4, 0.6], [PointMass(0.3), Beta(1.7, 0.8)]),
    "density": Density(lambda lam: torch.exp(2 * lam)),
    "density that ends at zero": Density(lambda lam: lam**2 * (1 - lam)),
}
LINEAR = [cross_entropy, negative_cosine, binary_cross_entropy]


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
def test_lemma_4_holds_for_every_policy(policy):
    sequence, f = mirrored(4), some_network(3)
    for loss in LINEAR:
        one, two = (expected_loss(s, *sequence, f, loss) for s in (U(policy), dat(policy)))
        assert one.item() == pytest.approx(two.item(), abs=1e-6)


WEIGHTS = {"slope 2": Logistic(2), "slope -1": Logistic(-1), "cdf": BetaCDF(2, 0.7)}


@pytest.mark.parametrize("weight", WEIGHTS.values(), ids=WEIGHTS)
@pytest.mark.parametrize("policy", [*POLICIES.values(), Beta(0.6, 1.8)], ids=[*POLICIES, "beta"])
def test_lemma_5_holds_for_every_policy_and_weight(policy, weight):
    scheme, sequence, f = umixup(policy, weight), mirrored(4), some_network(4)
    ours = expected_loss(scheme, *sequence, f, cross_entropy).item()
    for other in (dat(D(scheme)), canonical(scheme)):
        theirs = expected_loss(other, *sequence, f, cross_entropy).item()
        assert theirs == pytest.approx(ours, abs=1e-6)


@given(st.integers(0, 2**31), st.floats(0.2, 5), st.floats(0.2, 5), st.floats(-3, 3))
@settings(max_examples=6)
def test_lemmas_4_and_5_hold_for_random_networks_policies_and_slopes(seed, a, b, slope):
    sequence, f = mirrored(4), some_network(seed)
    scheme = umixup(Beta(a, b), Logistic(slope))
    for one, two in ((U(Beta(a, b)), dat(Beta(a, b))), (scheme, dat(D(scheme)))):
        gap = expected_loss(one, *sequence, f, cross_entropy) - expected_loss(
            two, *sequence, f, cross_entropy
        )
        assert abs(gap.item()) < 1e-6


def lemma_4_gap(loss, sequence, f=None, nodes: int = 60, policy=None) -> float:
    policy, f = policy or Beta(2.2, 0.9), f or some_network(3)
    one, two = (expected_loss(s, *sequence, f, loss, nodes) for s in (U(policy), dat(policy)))
    return abs(one - two).item()


@pytest.mark.parametrize("loss", [renormalized_cosine, hinge, brier])
def test_lemma_4_fails_for_losses_that_are_not_affine_in_the_target(loss):
    f = some_network(3)

    def steep(x):  # so that the hinge has margins beyond 1
        return 5 * f(x)

    assert lemma_4_gap(loss, mirrored(16), steep) > 1e-3


def test_lemma_4_holds_in_the_gradient_for_the_brier_score():
    sequence, policy = mirrored(8), Beta(2.2, 0.9)
    gradients = []
    for scheme in (U(policy), dat(policy)):
        f = some_network(3).requires_grad_()
        expected_loss(scheme, *sequence, f, brier).backward()
        gradients.append(torch.cat([p.grad.flatten() for p in f.parameters()]))
    torch.testing.assert_close(*gradients, atol=1e-6, rtol=0)
    assert gradients[0].norm() > 1e-3


@pytest.mark.parametrize("loss", LINEAR)
@pytest.mark.parametrize("policy", [Uniform(0.5, 1), POLICIES["with a point"]], ids=str)
def test_lemma_4_fails_for_every_policy_when_each_side_has_one_class(policy, loss):
    assert lemma_4_gap(loss, pairs(16, first=0, second=1), policy=policy) > 1e-3


def test_for_a_network_with_kinks_the_gap_falls_as_nodes_increase():
    sequence, f = mirrored(8), some_network(5, nn.ReLU)
    gaps = [lemma_4_gap(cross_entropy, sequence, f, nodes) for nodes in (10, 40, 160, 640)]
    assert gaps[0] > 1e-7
    assert gaps[0] > gaps[2]
    assert gaps[1] > gaps[3]
    assert gaps[3] < 1e-4


# McDiarmid's bound

pair_counts = st.integers(1, 10**7)
deltas = st.floats(1e-3, 1e3)
sure = st.floats(1e-9, 0.999)
shared = st.integers(1, 1000)


@given(pair_counts, deltas, sure, shared)
@settings(max_examples=30)
def test_deviation_is_the_inverse_of_deviation_probability(n, delta, probability, batch):
    epsilon = deviation(n, delta, probability, lambda_batch=batch)
    got = deviation_probability(n, epsilon, delta, lambda_batch=batch)
    assert got == pytest.approx(probability, rel=1e-9)


@given(st.floats(1e-2, 1e2), st.floats(0.1, 100), sure, shared)
@settings(max_examples=30)
def test_pairs_needed_is_the_least_number_of_pairs(epsilon, delta, probability, batch):
    n = pairs_needed(epsilon, delta, probability, lambda_batch=batch)
    assert isinstance(n, int)
    bound = [deviation_probability(max(k, 1), epsilon, delta, lambda_batch=batch)
             for k in (n, n - 1)]  # fmt: skip
    assert bound[0] <= probability * (1 + 1e-9)
    assert n == 1 or bound[1] > probability * (1 - 1e-9)


@given(st.integers(1, 10**4), st.floats(0, 10), deltas, shared)
@settings(max_examples=30)
def test_pairs_that_share_a_lam_count_once(n, epsilon, delta, batch):
    shared_lam = deviation_probability(n * batch, epsilon, delta, lambda_batch=batch)
    assert shared_lam == pytest.approx(deviation_probability(n, epsilon, delta), rel=1e-9)
    assert deviation(n * batch, delta, 0.05, lambda_batch=batch) == pytest.approx(
        deviation(n, delta, 0.05)
    )


@given(st.integers(1, 10**5), st.floats(0, 10), deltas)
@settings(max_examples=30)
def test_the_bound_is_a_probability_and_monotone(n, epsilon, delta):
    bound = deviation_probability(n, epsilon, delta)
    assert 0 <= bound <= 1
    assert deviation_probability(n + 1, epsilon, delta) <= bound
    assert deviation_probability(n, 2 * epsilon, delta) <= bound
    assert deviation_probability(n, epsilon, 2 * delta) >= bound
    assert deviation_probability(n, epsilon, delta, lambda_batch=2) >= bound
    assert deviation_probability(n, 0, delta) == 1


def test_the_bound_by_hand():
    assert deviation_probability(100, 0.2, 1) == pytest.approx(2 * np.exp(-8))
    assert deviation_probability(100, 0.2, 1, lambda_batch=4) == pytest.approx(2 * np.exp(-2))
    assert pairs_needed(0.1, 2, 0.05) == int(np.ceil(4 * np.log(40) / 0.02))
    assert deviation(200, 2, 0.05) == pytest.approx(2 * np.sqrt(np.log(40) / 400))


BOUNDS = {
    deviation_probability: dict(n=10, epsilon=0.1, delta=1.0, lambda_batch=1),
    pairs_needed: dict(epsilon=0.1, delta=1.0, probability=0.05, lambda_batch=1),
    deviation: dict(n=10, delta=1.0, probability=0.05, lambda_batch=1),
}


@pytest.mark.parametrize(
    ("name", "value", "error", "allowed"),
    [
        *(("n", v, ValueError, "a whole number ≥ 1") for v in (0, 1.5, "10", True)),
        *(("lambda_batch", v, ValueError, "a whole number ≥ 1") for v in (0, 2.5, "1")),
        *(("epsilon", v, ValueError, "finite and (≥|>) 0") for v in (-0.1, np.nan)),
        *(("delta", v, ValueError, "finite and > 0") for v in (0, np.inf)),
        *(("probability", v, ValueError, r"in \(0, 1\)") for v in (0, 1)),
        ("epsilon", "0.1", TypeError, "a number, finite and (≥|>) 0"),
        ("delta", True, TypeError, "a number, finite and > 0"),
        ("probability", "0.05", TypeError, r"a number, in \(0, 1\)"),
    ],
)
def test_invalid_argument_error_says_what_is_allowed(name, value, error, allowed):
    users = [bound for bound, arguments in BOUNDS.items() if name in arguments]
    assert users
    for bound in users:
        with pytest.raises(error, match=rf"{name} = {value!r}: it must be {allowed}"):
            bound(**{**BOUNDS[bound], name: value})


@pytest.mark.parametrize("bound", BOUNDS)
def test_numpy_numbers_give_the_same_bound(bound):
    arguments = BOUNDS[bound]
    assert bound(**{k: np.array(v)[()] for k, v in arguments.items()}) == bound(**arguments)


def test_no_number_of_pairs_is_enough_for_a_deviation_of_zero():
    with pytest.raises(ValueError, match=r"epsilon = 0: it must be finite and > 0"):
        pairs_needed(0, 1, 0.05)


# The spread


def test_the_spread_of_a_loss_linear_in_lam_is_the_difference_of_its_ends():
    # ERM's weight, a model that is the identity, a loss that is its first output
    x, x2, y, y2 = pairs(6)
    got = spread(erm(), x, x2, y, y2, lambda x: x, lambda z, y: z[:, 0], points=2)
    expected = (x - x2)[:, 0].abs().max().item()
    assert got.dtype == torch.float64
    assert got.shape == ()
    assert got.item() == pytest.approx(expected, rel=1e-12)
    many = spread(erm(), x, x2, y, y2, lambda x: x, lambda z, y: z[:, 0])
    assert many.item() == pytest.approx(expected, rel=1e-12)


def test_the_spread_of_labels_alone_is_the_range_of_gamma():
    x, x2, y, y2 = pairs(6, first=0, second=1)
    got = spread(parse("B(1,1)"), x, x2, y, y2, lambda x: x, lambda z, y: y[:, 0])
    assert got.item() == pytest.approx(1, abs=1e-12)
    kept = spread(dat(Beta(1, 1)), x, x2, y, y2, lambda x: x, lambda z, y: y[:, 0])
    assert kept.item() == 0


@pytest.mark.parametrize("text", ["B(1,1)", "DAT(B(2,1))", "U(B(2.2,0.9))", "UMixUp(B(1,1),S(3))"])
def test_the_spread_rises_with_points_that_include_the_earlier_ones(text):
    scheme, sequence, f = parse(text), pairs(12), some_network(7)
    found = [
        spread(scheme, *sequence, f, cross_entropy, points=k).item() for k in (2, 3, 5, 9, 17, 129)
    ]
    assert found == sorted(found)
    assert found[-1] > 0
    assert found[-1] == pytest.approx(
        spread(scheme, *sequence, f, cross_entropy, points=1025).item(), rel=1e-2
    )


def test_the_spread_is_the_largest_over_the_pairs():
    scheme, (x, x2, y, y2), f = parse("B(1,1)"), pairs(6), some_network(7)
    alone = [
        spread(scheme, *(v[[k]] for v in (x, x2, y, y2)), f, cross_entropy).item() for k in range(6)
    ]
    assert spread(scheme, x, x2, y, y2, f, cross_entropy).item() == pytest.approx(max(alone))


def test_the_spread_keeps_no_graph():
    f = some_network(7).requires_grad_()
    assert not spread(mixup(1), *pairs(2), f, cross_entropy).requires_grad


def test_the_spread_of_a_loss_that_is_nan_somewhere_is_nan():
    x, x2, y, y2 = pairs(6, first=0, second=1)
    got = spread(mixup(1), x, x2, y, y2, lambda x: x, lambda z, y: y[:, 0] / y[:, 0])
    assert got.isnan()  # 0 / 0 at λ = 0


@pytest.mark.parametrize("lambda_batch", [1, 8])
def test_mcdiarmids_bound_holds_for_drawn_losses(lambda_batch):
    scheme, f, n = parse("U(B(2.2,0.9))"), some_network(8), 64
    x, x2, y, y2 = pairs(n)
    delta = spread(scheme, x, x2, y, y2, f, cross_entropy, points=1025).item()
    mean = expected_loss(scheme, x, x2, y, y2, f, cross_entropy).item()
    generator = torch.Generator().manual_seed(0)
    gaps = []
    for _ in range(300):
        lam, gamma = (
            v.double().repeat_interleave(lambda_batch)[:, None]
            for v in scheme.draw(n // lambda_batch, generator)
        )
        losses = cross_entropy(f(lam * x + (1 - lam) * x2), gamma * y + (1 - gamma) * y2)
        gaps.append(abs(losses.mean().item() - mean))
    gaps = np.array(gaps)
    for share in (0.2, 0.5, 0.9):
        epsilon = deviation(n, delta, share, lambda_batch=lambda_batch)
        assert (gaps >= epsilon).mean() <= share
    assert gaps.max() < deviation(n, delta, 1e-6, lambda_batch=lambda_batch)
    assert gaps.mean() > 0


@pytest.mark.parametrize(
    ("function", "name", "least"), [(expected_loss, "nodes", 1), (spread, "points", 2)]
)
@pytest.mark.parametrize("value", [0, -1, 2.5, "9"])
def test_expected_loss_and_spread_refuse_invalid_numbers_of_points(function, name, least, value):
    with pytest.raises(ValueError, match=rf"{name} = {value!r}: .* whole number ≥ {least}"):
        function(mixup(1), *pairs(2), network(), cross_entropy, value)


def test_numpy_numbers_of_nodes_and_points_are_accepted():
    arguments = mixup(1), *pairs(2), network(), cross_entropy
    for integral in (expected_loss, spread):
        assert integral(*arguments, np.int64(9)) == integral(*arguments, 9)


@pytest.mark.parametrize("function", [expected_loss, spread])
def test_invalid_pairs_are_refused(function):
    x, y = torch.zeros(2, 3), torch.eye(2)
    for pairs_, message in (
        ((x[:0], x[:0], y[:0], y[:0]), "n ≥ 1"),
        ((x, x[:1], y, y), r"x2 \(1, 3\)"),
        ((x, x, y, y[:1]), r"y2 \(1, 2\)"),
    ):
        with pytest.raises(ValueError, match=message):
            function(mixup(1), *pairs_, lambda v: v[:, :2], cross_entropy)
    with pytest.raises(TypeError, match=r"y torch\.int64.* target vectors"):
        function(mixup(1), x, x, y.long(), y.long(), lambda v: v[:, :2], cross_entropy)
    with pytest.raises(TypeError, match="it must be a Scheme or its text"):
        function(0.5, x, x, y, y, lambda v: v[:, :2], cross_entropy)


@pytest.mark.parametrize("function", [expected_loss, spread])
def test_a_model_with_any_part_in_training_mode_is_refused(function):
    model = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2)).eval()
    model[1].train()
    with pytest.raises(ValueError, match=r"f is in training mode.*f\.eval\(\)"):
        function(mixup(1), *[torch.zeros(2, 3)] * 2, *[torch.eye(2)] * 2, model, cross_entropy)


# The floor of the training loss

SCHEMES_WITH_A_FLOOR = [
    "B(1,1)",
    "B(0.4,0.4)",
    "DAT(B(2,1))",
    "DAT(B(1,3))",
    "UMixUp(B(2,1),S(3))",
    "UMixUp(B(1,1),S(0))",
    "UMixUp(B(1,1),S(inf))",
    "Twin(0.8,B(2,1))",
    "DAT(0.5*B(2,1)+0.5*P(0.75))",
    "ERM",
]


@pytest.mark.parametrize("text", SCHEMES_WITH_A_FLOOR)
def test_the_floor_is_that_of_the_best_output_at_each_point_of_a_segment(text):
    """By drawing: both samples come first equally often, and targets are averaged at each point."""
    scheme, draws, bins = parse(text), 400_000, 300
    lam, gamma = scheme.draw(2 * draws, torch.Generator().manual_seed(0))
    first = torch.arange(2 * draws) < draws
    where = torch.where(first, lam, 1 - lam)  # from the second sample to the first one
    label = torch.where(first, gamma, 1 - gamma).double()  # the share of the first one's class
    at = (where * bins).long().clamp(max=bins - 1)
    counts = torch.bincount(at, minlength=bins)
    mean = torch.bincount(at, label, minlength=bins) / counts.clamp(min=1)
    share = counts / counts.sum()
    entropy = torch.special.entr(mean) + torch.special.entr(1 - mean)
    assert bounds.loss_floor(text) == pytest.approx(float((share * entropy).sum()), abs=5e-3)
    cosine = -torch.hypot(mean, 1 - mean)
    assert bounds.loss_floor(text, "nc") == pytest.approx(float((share * cosine).sum()), abs=5e-3)


def test_twins_have_one_floor_and_pairs_of_one_class_have_none():
    floors = [bounds.loss_floor(f"Twin({kappa},B(2,1))") for kappa in (0.5, 0.7, 0.9, 1)]
    assert floors == pytest.approx([0.5] * 4, abs=1e-6)  # in nats: 2∫ −λ log λ dλ
    assert bounds.loss_floor("B(1,1)", same_class=0.1) == pytest.approx(0.45)
    assert bounds.loss_floor("B(1,1)", same_class=1) == 0
    assert bounds.loss_floor("B(1,1)", "nc", same_class=1) == -1
    lengths = integrate.quad(lambda lam: (lam**2 + (1 - lam) ** 2) ** 0.5, 0, 1)[0]
    assert bounds.loss_floor("B(1,1)", "nc") == pytest.approx(-lengths, abs=1e-6)


def test_a_trained_network_comes_near_the_floor_and_not_below_it(digits):
    config = training.Config(
        **dict(dataset="digits", scheme="B(1,1)", width=8, epochs=60, milestones=(30, 45)),
        **dict(crop_padding=0, flip=False, train_size=100, batch_size=50, tested="last"),
    )
    run = training.train(config, data=digits, progress=False, device="cpu")
    counts = digits.train_y[:100].bincount()
    floor = bounds.loss_floor("B(1,1)", same_class=float((counts / 100).square().sum()))
    last = sum(run.train_losses[-15:]) / 15
    assert floor < last < floor + 0.25


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (dict(loss="nc-released"), "loss = 'nc-released': it must be one of ce, nc"),
        (dict(same_class=1.1), "same_class = 1.1: it must be in"),
        (dict(scheme="B(1)"), "scheme text"),
    ],
)
def test_a_floor_that_is_not_defined_is_refused(given, message):
    with pytest.raises(ValueError, match=message):
        bounds.loss_floor(**{"scheme": "B(1,1)", **given})
