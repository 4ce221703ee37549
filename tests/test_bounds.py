"""The expected loss: against scipy and by hand; Lemmas 1, 4 and 5, and how they break."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy import integrate, stats
from torch import nn

from umixup.bounds import expected_loss
from umixup.equivalence import D, U, canonical
from umixup.losses import cross_entropy
from umixup.policies import Beta, PointMass
from umixup.schemes import dat, erm, mixup, parse, umixup

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
def test_expected_loss_is_the_integral_of_scipy(text):
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


def test_expected_loss_is_a_float64_scalar_also_of_float32_pairs():
    sequence = [v.float() for v in pairs(2)]
    got = expected_loss(mixup(1), *sequence, network().float(), cross_entropy, 5)
    assert got.shape == ()
    assert got.dtype == torch.float64


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


def test_a_network_in_training_mode_is_refused():
    sequence, f = pairs(2), network().train()
    with pytest.raises(ValueError, match=r"f is in training mode.*f\.eval\(\)"):
        expected_loss(mixup(1), *sequence, f, cross_entropy)


@pytest.mark.parametrize(
    ("a", "b"), [(0.02, 0.01), (0.1, 0.1), (0.5, 0.2), (1.4, 0.7), (5, 5), (30, 20)]
)
def test_lemma_4_holds_to_1e_6_however_steep_the_policy(a, b):
    policy, sequence = Beta(a, b), mirrored(16)
    assert expected(U(policy), sequence) == pytest.approx(expected(dat(policy), sequence), rel=1e-6)
