"""The private bank: every number of a solution is computed once more, in another way."""

from __future__ import annotations

import contextlib
import io
import re
import shutil
import subprocess
from collections.abc import Callable
from fractions import Fraction
from itertools import permutations, product
from pathlib import Path
from typing import Any

import bank
import exams
import make
import nbformat
import numpy as np
import pandas as pd
import pytest
import torch
import torch.nn.functional as F
from bank import Question
from scipy import integrate, special, stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower

import umixup as um

pytestmark = pytest.mark.book

ROOT = Path(__file__).parents[1]
SEEDS = range(6)
BANKS = {seed: bank.questions(seed) for seed in SEEDS}
LABELS = [q.label for q in BANKS[0]]
EVERY = [q for questions in BANKS.values() for q in questions]


# --- what the checks need ------------------------------------------------------------------------


def integral(f: Callable[[float], float], low: float = 0.0, high: float = 1.0) -> float:
    return integrate.quad(f, low, high, points=[0.5] if low < 0.5 < high else None, limit=200)[0]


def after_coin(f, gamma=lambda v: v, density=lambda v: 1.0) -> float:
    """The mean of f(μ) for the ratio μ after the coin."""
    return integral(lambda v: density(v) * (gamma(v) * f(v) + (1 - gamma(v)) * f(1 - v)))


def moved(v: float) -> float:
    return 1 - v


def below_half(v: float) -> float:
    return float(v < 0.5)


def beta(a: float, b: float) -> Callable[[float], float]:
    return stats.beta(a, b).pdf


def entropy(g: float) -> float:
    return float(special.entr(g) + special.entr(1 - g))


def printed(question: Question, more: str = "", **names: Any) -> list[str]:
    """What the code of a question prints, line by line."""
    code = "\n".join(re.findall(r"```python\n(.*?)```", question.text, re.DOTALL)) + more
    with contextlib.redirect_stdout(io.StringIO()) as said:
        exec(code, {"torch": torch, "F": F, "np": np, "um": um, **names})
    return said.getvalue().splitlines()


def numbers(line: str) -> list[float]:
    return [float(v) for v in re.findall(r"-?\d+\.?\d*(?:e-?\d+)?", line)]


def slope_after(gamma, policy) -> float:
    """The least-squares slope of mixed samples over the plain one, with all pairs of six."""
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=(2, 6))
    i, j = np.divmod(np.arange(36), 6)
    points, labels, weights = [], [], []
    for lam, mass in policy:
        g = gamma(lam)
        points.append(lam * x[i] + (1 - lam) * x[j])
        labels.append(g * y[i] + (1 - g) * y[j])
        weights.append(np.full(36, mass))
    fit = np.polyfit(*map(np.concatenate, (points, labels)), 1, w=np.concatenate(weights) ** 0.5)
    return fit[0] / np.polyfit(x, y, 1)[0]


NODES, MASSES = np.polynomial.legendre.leggauss(40)
UNIFORM = list(zip((NODES + 1) / 2, MASSES / 2, strict=True))


# --- a check for each question: what was drawn, what the solution claims --------------------------

CHECKS: dict[str, Callable[[Question, Any, Any], None]] = {}


def checks(label: str) -> Callable[[Any], Any]:
    def keep(check: Any) -> Any:
        CHECKS[label] = check
        return check

    return keep


@checks("bank-01-skewed")
def _(q, given, says):
    p = beta(given["k"], 1)
    assert np.isclose(integral(lambda v: min(v, 1 - v) * p(v)), float(says["mean"]))
    assert np.isclose(integral(lambda v: min(v, 1 - v) * p(1 - v)), float(says["mean"]))
    assert np.isclose(stats.beta(given["k"], 1).mean(), float(says["first"]))


@checks("bank-01-three-on-a-line")
def _(q, given, says):
    a, b, u = given["a"], given["b"], float(given["u"])
    rng = np.random.default_rng(0)
    place = np.repeat([-1, 0, 1], [a, b, a])
    i, j = rng.integers(len(place), size=(2, 1_500_000))
    lam = rng.random(len(i))
    near = abs(lam * place[i] + (1 - lam) * place[j] - u) < 0.02
    for name, at in (("mA", -1), ("mB", 0), ("mC", 1)):
        share = lam * (place[i] == at) + (1 - lam) * (place[j] == at)
        error = share[near].std() / near.sum() ** 0.5
        assert abs(share[near].mean() - float(says[name])) < 5 * error
    assert sum(says[name] for name in ("mA", "mB", "mC")) == 1

    def largest(b: int) -> bool:  # just right of 0: pairs of B and C lie there, and of A and C
        weights = {"BC": 2 * b * a, "AC": 2 * a * a * 0.5}
        return weights["BC"] > weights["AC"] / 2

    assert largest(says["needed"])
    assert not largest(says["needed"] - 1)


@checks("bank-01-below-the-floor")
def _(q, given, says):
    t, same = given["t"], 1 / given["classes"]
    policy = um.policies.Mixture([0.5, 0.5], [um.policies.PointMass(v) for v in (t, 1 - t)])
    floor = um.bounds.loss_floor(um.umixup(policy, lambda v: v), same_class=same)
    assert np.isclose(floor, says["floor"], rtol=1e-5)
    [impossible] = [k for k, loss in enumerate(given["losses"], 1) if loss < floor - 1e-3]
    assert impossible == says["impossible"]
    assert abs(given["losses"][says["nearest"] - 1] - floor - says["divergence"]) < 1e-6


@checks("bank-02-largest-weight")
def _(q, given, says):
    p = beta(given["k"], 1)
    assert np.isclose(integral(lambda g: g * p(g)), float(says["gamma"]))
    assert np.isclose(integral(lambda g: entropy(g) * p(g)), float(says["entropy"]))
    assert np.isclose(entropy(float(says["gamma"])), says["ofMean"])
    assert says["ofMean"] > says["entropy"]


@checks("bank-02-die")
def _(q, given, says):
    v = torch.tensor([[float(w) for w in given["v"]]], dtype=torch.float64)
    y = torch.tensor([[float(g) for g in given["gamma"]]], dtype=torch.float64)
    assert abs(v.sum() - 1) < 1e-12
    assert abs(y.sum() - 1) < 1e-12
    assert np.isclose(float(F.cross_entropy(v.log(), y)), says["linear"])
    assert np.isclose(float(-(v * y).sum().log()), says["bent"])
    assert says["bent"] < says["linear"]


@checks("bank-02-turned-twice")
def _(q, given, says):
    lam = np.random.default_rng(1).beta(given["a"], given["b"], size=1_000_000)
    heads = np.random.default_rng(2).random(len(lam)) < lam
    in_points = np.where(heads, lam, 1 - lam)  # the share of x in the code's points
    owner = np.where(heads, in_points, 1 - in_points)
    assert abs(owner.mean() - float(says["wrong"])) < 2e-3
    assert abs(np.where(heads, lam, 1 - lam).mean() - float(says["right"])) < 2e-3


@checks("bank-03-weighted-squares")
def _(q, given, says):
    w, eye = np.array(given["w"]), np.eye(3)

    def loss(y):
        return w @ (np.array([0.2, 0.5, 0.3]) - y) ** 2

    def gap(g):
        return loss(g * eye[0] + (1 - g) * eye[1]) - g * loss(eye[0]) - (1 - g) * loss(eye[1])

    assert np.isclose(gap(float(given["g"])), float(says["gap"]))
    p = beta(given["a"], given["a"])
    assert np.isclose(integral(lambda v: v * (1 - v) * p(v)), float(says["product"]))
    assert np.isclose(integral(lambda v: -gap(v) * p(v)), float(says["excess"]))


@checks("bank-03-slanted-labels")
def _(q, given, says):
    def mixed(g, rho):
        return g * np.array([1, 0]) + (1 - g) * np.array([rho, (1 - rho**2) ** 0.5])

    y = mixed(float(given["t"]), float(given["rho"]))
    angle = np.linspace(0, 2 * np.pi, 100_001)
    least = min(-np.cos(angle) * y[0] - np.sin(angle) * y[1])
    assert np.isclose(least, -float(says["length"]), atol=1e-8)
    lengths = [np.linalg.norm(mixed(g, float(says["wanted"]))) for g in np.linspace(0, 1, 1001)]
    assert np.isclose(1 / min(lengths), float(given["most"]))


@checks("bank-03-two-averages")
def _(q, given, says):
    first, second = (numbers(line)[0] for line in printed(q))
    assert abs(first - says["labels"]) < 1e-4
    assert abs(second - says["one"]) < 1e-4


@checks("bank-04-kept-sometimes")
def _(q, given, says):
    k, c = given["k"], float(given["c"])
    for f, name in ((moved, "move"), (below_half, "passed")):
        found = after_coin(f, lambda v: (1 - c) * v**k + c / 2)
        assert np.isclose(found, float(says[name]), atol=1e-7)


@checks("bank-04-atom-in-the-middle")
def _(q, given, says):
    r = float(given["r"])
    part = {f: after_coin(f, density=beta(given["a"], 1)) for f in (moved, below_half)}
    assert np.isclose((1 - r) * part[moved] + r / 2, float(says["move"]), atol=1e-7)
    assert np.isclose((1 - r) * part[below_half], float(says["passed"]), atol=1e-7)


@checks("bank-04-four-losses")
def _(q, given, says):
    losses = {
        "ab": {0.75: given["near"], 0.25: given["far"]},
        "ba": {0.75: given["near2"], 0.25: given["far2"]},
    }
    for pair, mirror, name, name2 in (("ab", "ba", "mixed", "dat"), ("ba", "ab", "mixed2", "dat2")):
        scheme = dat = 0.0
        for lam, chance in ((0.75, given["u"]), (0.25, 1 - given["u"])):
            scheme += chance * lam * losses[pair][lam]  # heads
            scheme += chance * (1 - lam) * losses[mirror][1 - lam]  # tails
            dat += chance * (lam * losses[pair][lam] + (1 - lam) * losses[pair][1 - lam])
        assert np.isclose(scheme, says[name])
        assert np.isclose(dat, says[name2])
    assert np.isclose(says["mixed"] + says["mixed2"], says["dat"] + says["dat2"])


@checks("bank-04-two-points-instead")
def _(q, given, says):
    assert np.isclose(after_coin(moved, density=beta(given["a"], given["a"])), float(says["move"]))
    assert says["w"] / 2 == says["move"]
    assert says["w"] < 1
    assert np.isclose(2 * says["t"] * (1 - says["t"]), float(says["move"]))


@checks("bank-05-which-end")
def _(q, given, says):
    pdf, t, kappa = beta(given["a"], given["b"]), float(given["t"]), float(given["kappa"])

    def chance(prior):
        return prior * pdf(t) / (prior * pdf(t) + (1 - prior) * pdf(1 - t))

    assert np.isclose(chance(0.5), float(says["gamma"]))
    assert np.isclose(chance(kappa), float(says["odds"]))
    assert np.isclose(chance(float(says["silent"])), 0.5)
    weight = um.U(um.policies.Beta(given["a"], given["b"])).weight
    assert np.isclose(float(weight(torch.tensor(t, dtype=torch.float64))), float(says["gamma"]))


@checks("bank-05-mirrors-added")
def _(q, given, says):
    n, m, length, eps = (given[k] for k in ("n", "m", "length", "eps"))
    assert says["bound"] == Fraction(m, n) * length / 2
    fits = [j for j in range(m + 1) if Fraction((m - j) * length, 2 * (n + j)) <= eps]
    assert fits[0] == says["needed"] > 0


@checks("bank-05-three-points")
def _(q, given, says):
    first, *masses, _ = printed(q)
    expected = [says["gamma"], says["gammaBar"], 1, 0]
    assert np.allclose(numbers(first)[:4], expected, atol=1e-3)
    assert len(masses) == 4
    for line, mass in zip(masses, ("half1", "half1", "half3", "half3"), strict=True):
        assert abs(numbers(line)[1] - says[mass]) < 0.01
    q_of = um.policies.Mixture(
        [given["w1"], given["w2"], given["w3"]],
        [um.policies.PointMass(v) for v in (given["t"], 1 - given["t"], given["s"])],
    )
    assert um.equivalence.distance(um.U(q_of), um.dat(q_of)) < 1e-6


@checks("bank-06-steeper-power")
def _(q, given, says):
    k = given["k"]
    scheme = um.umixup(um.policies.Beta(1, 1), lambda v: v**k)
    at = torch.tensor(float(given["t"]), dtype=torch.float64)
    assert np.isclose(float(um.canonical(scheme).weight(at)), float(says["canonical"]))
    assert np.isclose(
        um.equivalence.distance(scheme, um.mixup(1)), float(says["distance"]), atol=1e-6
    )
    assert np.isclose(after_coin(moved, lambda v: v**k), float(says["move"]))


@checks("bank-06-sort-the-twins")
def _(q, given, says):
    group = {n: k for k, members in enumerate(says["groups"]) for n in members}
    texts = given["texts"]
    for one, other in product(range(1, 7), repeat=2):
        apart = um.equivalence.distance(texts[one - 1], texts[other - 1])
        assert (apart < 1e-6) == (group[one] == group[other])


@checks("bank-06-printed-distances")
def _(q, given, says):
    found = [numbers(line)[0] for line in printed(q)]
    assert np.allclose(found, [says["erm"], 0, says["dat"], says["both"]], atol=1e-6)


@checks("bank-06-same-first-moment")
def _(q, given, says):
    law = stats.beta(float(says["beta"]), float(says["alpha"]))  # of the mirrored ratio
    m1 = float(given["m"])
    assert np.isclose(law.mean(), m1)
    assert np.isclose(law.moment(2), float(given["factor"]) * m1)


@checks("bank-07-from-the-map")
def _(q, given, says):
    a, b = float(says["alpha"]), float(says["beta"])
    assert np.isclose(1 - stats.beta(a, b).mean(), float(given["m"]))
    assert np.isclose(a - b, float(given["s"]))
    mixup = float(says["mixup"])
    assert np.isclose(float(1 - um.D(um.mixup(mixup)).mean), float(given["m"]))


@checks("bank-07-labels-exchanged")
def _(q, given, says):
    a, b = given["a"], given["b"]
    exchanged = after_coin(moved, lambda v: 1 - v, beta(a, b))
    assert np.isclose(exchanged, float(says["move"]))
    assert np.isclose(after_coin(moved, density=beta(a, b)), float(says["right"]))
    scheme = um.umixup(um.policies.Beta(a, b), lambda v: 1 - v)
    parts = [um.policies.Beta(a, b + 1), um.policies.Beta(b, a + 1)]
    mixture = um.policies.Mixture([float(says["share"]), float(says["rest"])], parts)
    assert um.equivalence.distance(scheme, um.dat(mixture)) < 1e-6


@checks("bank-07-slope-in-the-middle")
def _(q, given, says):
    slope, same = printed(q)
    assert abs(float(slope) - float(says["slope"])) < 2e-3
    assert same == "True"


@checks("bank-08-three-losses")
def _(q, given, says):
    c, classes = given["c"], given["classes"]
    z = torch.full((2, classes), float(c), dtype=torch.float64)
    z[0, 1:], z[1, 0] = -c, -c  # sure and right, sure and wrong
    right, wrong = F.cross_entropy(z, torch.tensor([0, 0]), reduction="none").tolist()
    assert np.isclose(wrong - right, says["spread"])
    rng = torch.Generator().manual_seed(0)
    some = (2 * torch.rand(2000, classes, generator=rng, dtype=torch.float64) - 1) * c
    losses = F.cross_entropy(some, torch.zeros(2000, dtype=torch.long), reduction="none")
    assert losses.min() >= right
    assert losses.max() <= wrong
    eps, miss = given["eps"], given["miss"]
    assert says["cosine"] == um.bounds.pairs_needed(eps, 2.0, miss)
    assert says["entropy"] == um.bounds.pairs_needed(eps, says["spread"], miss)
    assert says["many"] == um.bounds.pairs_needed(eps, 2.0, miss / given["models"])


@checks("bank-08-straight-curves")
def _(q, given, says):
    lam = (np.arange(200_000) + 0.5) / 200_000
    curves = np.outer(given["slopes"], lam)
    own, shared = curves.var(axis=1).sum() / 9, curves.mean(axis=0).var()
    assert np.isclose(own, float(says["own"]))
    assert np.isclose(shared, float(says["shared"]))
    assert np.isclose(shared / own, float(says["kappa"]))
    assert np.isclose((curves.sum(axis=0) + says["last"] * lam).var(), 0, atol=1e-9)


@checks("bank-08-two-printed-spreads")
def _(q, given, says):
    own = given["own"]
    for size, shown in ((given["size"], given["shown"]), (given["other"], says["sharedOther"])):
        variance = own**2 * given["size"]
        together = np.full((size, size), says["rho"] * variance)
        np.fill_diagonal(together, variance)
        assert np.isclose(together.mean() ** 0.5, shown, rtol=1e-9)
    apart = np.eye(given["other"]) * own**2 * given["size"]
    assert np.isclose(apart.mean() ** 0.5, says["ownOther"])
    assert abs(says["worth"] * says["kappa"] ** 2 / 51200 - 1) < 0.01


@checks("bank-09-which-bound")
def _(q, given, says):
    u, d, g, eps, miss = (given[k] for k in ("u", "d", "g", "eps", "miss"))
    assert says["exponential"] == um.bounds.pairs_needed(eps, (u**2 + d**2 + g**2) ** 0.5, miss)
    batch = (given["size"] * (u**2 + d**2) + g**2) ** 0.5
    assert says["batch"] == um.bounds.pairs_needed(eps, batch, miss)
    n = says["chebyshev"]
    assert given["v"] / (n * eps**2) <= miss + 1e-12 < given["v"] / ((n - 1) * eps**2)


@checks("bank-09-three-samples")
def _(q, given, says):
    gaps = np.zeros((3, 3))
    gaps[0, 1], gaps[1, 2], gaps[0, 2] = given["g12"], given["g23"], given["g13"]
    gaps -= gaps.T
    ways = [gaps[range(3), list(way)].mean() for way in permutations(range(3))]
    assert np.isclose(np.var(ways), float(says["copies"]))
    assert np.isclose(np.mean(ways), 0)
    triples = [np.mean(t) for t in product(gaps.ravel(), repeat=3)]
    assert np.isclose(np.var(triples), float(says["own"]))


@checks("bank-09-a-gap-that-stays")
def _(q, given, says):
    far = [abs(row[2]) / says["error"] > 6 for row in given["rows"]]
    assert far == [says["biased"] == name for name in "AB"]
    assert 2 * given["s"] / says["needed"] ** 0.5 == pytest.approx(given["bias"], rel=0.01)


@checks("bank-10-along-the-bridge")
def _(q, given, says):
    w, kappa = float(given["w"]), float(given["kappa"])
    # The points t a + t̄ b ("near a") and "near b"; the labels' gradients differ by 1 at each.
    gradient = {("a", "a"): 0.3, ("a", "b"): 1.3, ("b", "a"): -0.4, ("b", "b"): 0.6}

    def variance(mass, weight):  # of the gradient: mass and weight at t, and at t̄
        values, chances = [], []
        for first, second in (("a", "b"), ("b", "a")):
            for k, near in ((0, first), (1, second)):
                values.append(
                    weight[k] * gradient[near, first] + (1 - weight[k]) * gradient[near, second]
                )
                chances.append(mass[k] / 2)
        mean = np.dot(chances, values)
        return np.dot(chances, np.square(values)) - mean**2

    quiet = variance((0.5, 0.5), (w, 1 - w))
    rho = kappa * w + (1 - kappa) * (1 - w)
    twin = variance((rho, 1 - rho), (kappa * w / rho, kappa * (1 - w) / (1 - rho)))
    assert np.isclose(variance((w, 1 - w), (1, 1)) - quiet, float(says["coin"]))
    assert np.isclose(twin - quiet, float(says["added"]))
    assert says["share"] <= (2 * given["kappa"] - 1) ** 2


@checks("bank-10-never-oneself")
def _(q, given, says):
    size = given["size"]
    ways = [w for w in permutations(range(size)) if all(i != j for i, j in enumerate(w))]
    mirrored = sum(way[way[i]] == i for way in ways for i in range(size))
    assert Fraction(mirrored, len(ways)) == says["expected"]
    assert Fraction(mirrored, len(ways) * size) == says["mirrored"]
    assert f"There are ${len(ways)}$" in q.text


@checks("bank-10-who-is-who")
def _(q, given, says):
    c, square = float(given["c"]), given["square"]

    def gamma(v):
        return (1 - c) * v + c * v**2

    assert np.isclose(integral(lambda v: gamma(v) * (1 - gamma(v))), float(says["coin"]))
    less = integral(lambda v: (gamma(v) + gamma(1 - v) - 1) ** 2 / 4)
    assert np.isclose(less, float(says["less"]))
    order = ["ABC"[i] for i in np.argsort(given["values"])]
    assert order == [says["mixup"], says["between"], says["dat"]]
    assert np.allclose(np.diff(sorted(given["values"])), [says["first"], says["second"]])
    assert np.isclose(says["first"] + says["second"], integral(lambda v: v * (1 - v)) * square)


def long_run(rate: float, h: float, noise: float) -> float:
    second = 1.0
    for _ in range(20_000):
        second = (1 - rate * h) ** 2 * second + rate**2 * noise
    return h * second / 2


@checks("bank-11-slower-for-dat")
def _(q, given, says):
    h, s2, eta = given["h"], given["s2"], float(given["eta"])
    assert np.isclose(long_run(eta, h, s2), float(says["level"]))
    slower = float(says["slower"])
    assert np.isclose(long_run(slower, h, given["k"] * s2), float(says["level"]))
    for rate, steps in ((given["eta"], says["steps"]), (says["slower"], says["steps2"])):
        assert abs(1 - rate * h) ** steps < Fraction(1, 100) <= abs(1 - rate * h) ** (steps - 1)


@checks("bank-11-clipped")
def _(q, given, says):
    w, often = float(given["w"]), float(given["often"])
    coins = np.array([float(says["large"]), 0.0])
    assert np.isclose(coins @ [often, 1 - often], w)
    assert coins[0] > 1
    for name, step in (("coin", np.clip(coins, -1, 1)), ("free", coins)):
        assert np.isclose((w - step) ** 2 / 2 @ [often, 1 - often], float(says[name]))
    assert says["still"] == 0 < says["coin"] < says["free"]


@checks("bank-11-after-the-drop")
def _(q, given, says):
    h = given["h"]
    before, after = (long_run(given[rate], h, 1.0) for rate in ("rate", "later"))
    assert np.isclose(after / before, says["drop"])
    assert np.isclose(says["mixupLater"] / given["mixup"], after / before)
    assert np.isclose(says["datLater"] / given["dat"], after / before)
    assert abs(says["batch"] - 16 * given["dat"] / given["mixup"]) <= 0.5


@checks("bank-12-how-many-bits")
def _(q, given, says):
    count = given["seeds"] * given["streams"] * given["epochs"]
    assert says["couples"] == count * (count - 1) / 2
    goal = Fraction(1, 10 ** given["power"])
    bits = says["bits"]
    assert Fraction(says["couples"], 2**bits) <= goal < Fraction(says["couples"], 2 ** (bits - 1))
    assert np.isclose(says["bound"] * 2**31, says["agree"])


@checks("bank-12-pair-and-mirror")
def _(q, given, says):
    u = (np.arange(100_000) + 0.5) / 100_000 - 0.5
    pair, mirror = (1 + s * given["b"] * u + given["c"] * u**2 for s in (1, -1))
    own, one = (pair.var() + mirror.var()) / 4, ((pair + mirror) / 2).var()
    assert np.isclose(own, float(says["own"]))
    assert np.isclose(one, float(says["one"]))
    assert says["helps"] == (one < own)


@checks("bank-12-where-the-decay-enters")
def _(q, given, says):
    assert np.allclose([float(line) for line in printed(q)], says["path"], atol=2e-6)
    w = torch.tensor([given["start"]], requires_grad=True)
    sgd = torch.optim.SGD([w], lr=0.1, momentum=given["momentum"])
    for expected in says["path2"]:
        sgd.zero_grad()
        (given["gradient"] * w).sum().backward()
        with torch.no_grad():
            w.mul_(1 - 0.1 * given["decay"])
        sgd.step()
        assert abs(w.item() - expected) < 2e-6


@checks("bank-13-unequal-spreads")
def _(q, given, says):
    a, b, r = given["a"], given["b"], float(given["r"])
    together = np.array([[a * a, r * a * b], [r * a * b, b * b]])
    difference = np.array([1, -1])
    paired = difference @ together @ difference
    assert np.isclose(paired, float(says["paired"]))
    assert np.isclose((a * a + b * b) / paired, float(says["times"]))
    n = says["seeds"]
    assert 1.96 * (paired / n) ** 0.5 <= 1 + 1e-12
    assert 1.96 * (paired / (n - 1)) ** 0.5 > 1
    assert np.isclose(-2 * float(says["double"]) * a * b, a * a + b * b)


@checks("bank-13-five-seeds")
def _(q, given, says):
    one, other = (np.array(given[k]) / 10 for k in ("one", "other"))
    found = um.results.paired(pd.Series(one), pd.Series(other))
    for name in ("mean", "low", "high"):
        assert np.isclose(found[name], says[name])
    two = stats.ttest_ind(one, other, equal_var=False)
    assert np.isclose(abs((one.mean() - other.mean()) / two.statistic), says["error"])


@checks("bank-13-a-pilot")
def _(q, given, says):
    needed = TTestPower().solve_power(given["smallest"] / given["spread"], power=0.8, alpha=0.05)
    assert 0 <= needed - says["seeds"] < 3  # Student's points ask for two more than the normal's


@checks("bank-14-five-comparisons")
def _(q, given, says):
    for name, method in (("bonferroni", "bonferroni"), ("holm", "holm")):
        assert np.allclose(multipletests(given["p"], method=method)[1], says[name])
    significant = [
        sum(p < 0.05 for p in given["p"]),
        *(int(multipletests(given["p"], method=m)[0].sum()) for m in ("bonferroni", "holm")),
    ]
    assert significant == says["counts"]
    six = multipletests([*given["p"], 0.6], method="holm")[1][:5]
    assert f"Now {sum(six < 0.05)} are significant" in q.solution


@checks("bank-14-fewer-runs")
def _(q, given, says):
    h1, h2, gap = given["h1"], given["h2"], given["gap"]
    assert says["half"] ** 2 == h1**2 + h2**2
    for name, gap_ in (("needed", gap), ("quarter", gap / 2)):
        n = says[name]
        assert says["half"] * (given["runs"] / n) ** 0.5 <= gap_ + 1e-9
        assert says["half"] * (given["runs"] / (n - 1)) ** 0.5 > gap_


@checks("bank-14-two-widths")
def _(q, given, says):
    assert np.isclose(given["welch"] * (1 - says["c"]) ** 0.5, given["paired"])
    n, fewer = given["n"], says["enough"]
    assert given["paired"] * (n / fewer) ** 0.5 <= given["welch"] + 1e-9
    assert given["paired"] * (n / (fewer - 1)) ** 0.5 > given["welch"]


@checks("bank-15-lopsided-noise")
def _(q, given, says):
    k, c = given["k"], float(given["c"])
    least = integrate.quad(lambda x: np.exp(-k * x), 0, np.inf)[0]
    most = integrate.quad(lambda x: 1 - (1 - np.exp(-x)) ** k, 0, np.inf)[0]
    assert np.isclose(c * (1 - least), float(says["failing"]))
    assert np.isclose(c * (most - 1), float(says["lucky"]))


@checks("bank-15-common-luck")
def _(q, given, says):
    sigma, common, n = given["sigma"], given["common"], given["n"]
    together = np.full((3, 3), common**2) + sigma**2 * np.eye(3)
    assert np.isclose(together[0, 1] / together[0, 0], float(says["c"]))
    for contrast, name in (([1, -1, 0], "shared"), ([2, -1, -1], "contrast")):
        assert np.isclose(contrast @ together @ np.array(contrast) / n, float(says[name]))
    assert np.isclose(2 * together[0, 0] / n, float(says["own"]))
    enough = says["equal"]
    shared, alone = float(says["shared"]), 2 * together[0, 0]
    assert alone / enough <= shared + 1e-12 < alone / (enough - 1)


@checks("bank-15-halving-counted")
def _(q, given, says):
    call = "\nprint(race(errors, np.arange(len(errors)))[1:])"
    errors = np.random.default_rng(0).normal(size=(given["seeds"], given["cells"]))
    assert numbers(printed(q, call, errors=errors)[0]) == [says["cost"], says["used"]]


@checks("bank-16-rare-class")
def _(q, given, says):
    classes = np.repeat([0, 1, 2], given["counts"])
    apart = classes[:, None] != classes
    n = len(classes)
    assert np.isclose(apart.mean(), float(says["b"]))
    assert np.isclose(apart.sum() / (n * (n - 1)), float(says["circle"]))
    assert np.isclose(apart[classes == 0].sum() / n**2, float(says["rare"]))


@checks("bank-16-past-the-middle")
def _(q, given, says):
    p = beta(given["a"], given["b"])
    assert np.isclose(after_coin(below_half, density=p), float(says["mean"]), atol=1e-7)
    assert np.isclose(after_coin(moved, density=p), float(says["move"]))
    others = 1 - 1 / given["classes"]
    assert np.isclose(float(says["mean"]) * others, float(says["twin"]))


@checks("bank-16-one-gradient")
def _(q, given, says):
    (one, best), (cosine, signed) = (numbers(line) for line in printed(q))
    assert np.allclose([one, best], [1, says["best"]], atol=1e-5)
    assert np.allclose([cosine, signed], [says["cosine"], says["signed"]], atol=1e-5)
    v = np.random.default_rng(0).normal(size=(400_000, 4))
    v /= np.linalg.norm(v, axis=1, keepdims=True)
    gains = given["length"] * v @ given["g"]
    assert np.isclose(gains.var(), says["variance"], rtol=0.02)


@checks("bank-17-smallest-radius")
def _(q, given, says):
    w, x = np.array(given["w"]), np.array(given["x"])
    margin = w @ x + given["b"]
    assert margin == says["margin"] > 0
    for name, order in (("box", np.inf), ("ball", 2)):
        radius = float(says[name])
        step = -np.sign(w) if order == np.inf else -w / np.linalg.norm(w)
        assert np.isclose(w @ (x + radius * step) + given["b"], 0)
        tries = np.random.default_rng(0).normal(size=(5000, 3))
        tries *= 0.999 * radius / np.linalg.norm(tries, order, axis=1)[:, None]
        assert ((x + tries) @ w + given["b"] > 0).all()
    corners = np.array(list(product((-1, 1), repeat=3))) * float(says["box"])
    assert np.isclose((corners @ w).std(), float(says["std"]))
    assert np.isclose(margin / (corners @ w).std(), float(says["ratio"]))


@checks("bank-17-three-attacks")
def _(q, given, says):
    (a1, a2, a3), (p12, p13, p23) = given["a"], given["p"]

    def parts(t):
        both = p12 - t, p13 - t, p23 - t
        alone = a1 - p12 - p13 + t, a2 - p12 - p23 + t, a3 - p13 - p23 + t
        return [t, *both, *alone]

    possible = [t for t in range(101) if min(parts(t)) >= 0 and sum(parts(t)) <= 100]
    assert (possible[0], possible[-1]) == (says["tmin"], says["tmax"])
    assert (sum(parts(possible[0])), sum(parts(possible[-1]))) == (says["low"], says["high"])
    assert sum(parts(given["every"])) == says["union"]


@checks("bank-17-signs-of-masking")
def _(q, given, says):
    rows = given["rows"]
    small = {name: v for name, v in rows.items() if name.endswith(" 4/255")}
    union = small.pop("union of all,  ε = 4/255")
    one, pgd = small["one step,      ε = 4/255"], small["PGD 20 steps,  ε = 4/255"]
    broken = [
        pgd < one,
        rows["PGD 20 steps,  ε = 16/255"] < pgd,
        union < max(small.values()),
    ]
    assert broken == [k == given["kind"] for k in range(3)]
    trusted = max(small.values()) if broken[2] else max(*small.values(), union)
    assert says["small"] == trusted
    assert says["big"] == max(trusted, *(v for name, v in rows.items() if "16/255" in name))


@checks("bank-18-two-margins")
def _(q, given, says):
    n, right = 100, round(100 * float(given["share"]))
    logits = torch.zeros(n, 2)
    logits[:, 0] = given["z"]
    labels = torch.cat([torch.zeros(right), torch.ones(n - right)]).long()
    assert np.isclose(um.evaluation.temperature(logits, labels), says["temperature"], rtol=1e-3)
    found = um.evaluation.calibration(logits, labels)
    assert np.isclose(found.ece, says["ece"], atol=1e-5)
    for t, name in ((1.0, "before"), (says["temperature"], "after")):
        assert np.isclose(float(F.cross_entropy(logits / t, labels)), says[name], rtol=1e-5)


@checks("bank-18-asked-by-a-power")
def _(q, given, says):
    k, t = given["k"], float(given["t"])
    weight = um.canonical(um.umixup(um.policies.Beta(1, 1), lambda v: v**k)).weight
    at = torch.tensor([t, 1 - 1e-6, 1.0], dtype=torch.float64)
    asked = weight(at)
    assert np.isclose(float(asked[0]), float(says["asked"]))
    assert np.isclose(float(asked[2] - asked[1]) / 1e-6, float(says["slope"]), rtol=1e-4)
    assert np.isclose(t**k, float(says["alone"]))


@checks("bank-18-four-bins")
def _(q, given, says):
    confidence = np.repeat(given["means"], given["counts"])
    right = np.concatenate(
        [np.arange(n) < r for n, r in zip(given["counts"], given["rights"], strict=True)]
    )
    for edges, name in (((0.5, 0.7, 0.9), "ece"), ((0.7,), "merged")):
        bins = np.digitize(confidence, edges)
        found = sum(
            (bins == b).mean() * abs(right[bins == b].mean() - confidence[bins == b].mean())
            for b in range(len(edges) + 1)
        )
        assert np.isclose(found, says[name])
    assert np.isclose(confidence.mean(), says["confidence"])
    assert np.isclose(right.mean(), says["accuracy"])


@checks("bank-19-power-shrinks")
def _(q, given, says):
    k = given["k"]
    assert np.isclose(after_coin(moved, lambda v: v**k), float(says["m1"]))
    assert np.isclose(after_coin(lambda v: (1 - v) ** 2, lambda v: v**k), float(says["m2"]))
    assert np.isclose(slope_after(lambda v: v**k, UNIFORM), float(says["rho"]))


@checks("bank-19-two-points-for-a-factor")
def _(q, given, says):
    for share, factor in ((says["share"], given["rho"]), (says["tied"], 1)):
        assert 0 < share < 1
        policy = [(1 - given["t1"], share), (1 - given["t2"], 1 - share)]
        policy = [(float(mu), float(mass)) for mu, mass in policy]
        assert np.isclose(slope_after(lambda v: 1.0, policy), float(factor))


@checks("bank-19-couples-of-four")
def _(q, given, says):
    plain, slope = numbers(printed(q)[0])
    assert np.isclose(plain, float(says["plain"]), atol=2e-3)
    assert np.isclose(slope, float(says["slope"]), atol=2e-3)


@checks("bank-20-policies-by-order")
def _(q, given, says):
    p, p2, t = beta(given["k"], 1), beta(given["m"], 1), float(given["t"])
    rng = np.random.default_rng(0)
    turned = rng.random(2_000_000) < 0.5  # (b, a) drawn in place of (a, b)
    mu = np.where(turned, rng.beta(given["m"], 1, 2_000_000), rng.beta(given["k"], 1, 2_000_000))
    share = np.where(turned, 1 - mu, mu)  # of a in the mixed sample
    near = abs(share - t) < 0.01
    assert abs((~turned)[near].mean() - float(says["gamma"])) < 0.02
    assert np.isclose(p(t) / (p(t) + p2(1 - t)), float(says["gamma"]))
    assert says["gamma"] + says["other"] == 1


@checks("bank-20-coin-of-a-line")
def _(q, given, says):
    y, z = np.array(given["y"], dtype=float), 0.7
    first, second = y[:, None], y
    assert np.isclose(y.var(), float(says["variance"]))

    def excess(g):
        coin = g * (z - first) ** 2 + (1 - g) * (z - second) ** 2
        return (coin - (z - g * first - (1 - g) * second) ** 2).mean()

    p = beta(given["a"], given["a"])
    assert np.isclose(integral(lambda v: excess(v) * p(v)), float(says["excess"]))


@checks("bank-20-nearest-on-a-line")
def _(q, given, says):
    first, second = printed(q)
    assert first == str(not says["single"])
    assert second.startswith("True")
    assert np.allclose(numbers(second)[:6], [12 * float(v) for v in says["rows"]])


# --- the tests -----------------------------------------------------------------------------------


@pytest.mark.parametrize("label", LABELS)
def test_the_numbers_of_a_solution_are_found_in_another_way(label):
    for questions in BANKS.values():
        [question] = [q for q in questions if q.label == label]
        CHECKS[label](question, question.given, question.answers)


def test_every_question_is_checked():
    assert sorted(CHECKS) == sorted(LABELS)
    assert len(set(LABELS)) == len(LABELS)


def test_every_chapter_has_questions_in_the_spirit_of_its_exercises():
    for chapter in bank.CHAPTERS:
        own = [q for q in BANKS[0] if q.chapter == chapter]
        assert 2 <= len(own) <= 4
        assert {q.kind for q in own} >= {"pen and paper", "code"}
        [path] = (ROOT / "book").glob(f"{chapter:02d}_*.md")
        exercises = re.findall(r"^:label: (ex-\S+)$", path.read_text("utf-8"), re.MULTILINE)
        assert {q.after for q in own} <= set(exercises)
    assert {q.kind for q in BANKS[0]} == set(bank.KINDS)


def test_marks_and_minutes_add_up():
    for q in EVERY:
        assert sum(points for points, _ in q.marking) == q.points
        assert min(points for points, _ in q.marking) >= 1
        assert q.minutes * 2 == q.points * 3  # a minute and a half a point, and whole minutes


def test_what_a_solution_claims_stands_in_it():
    for q in EVERY:
        told = q.solution + "".join(step for _, step in q.marking)
        for name, value in q.answers.items():
            if isinstance(value, int | float | Fraction) and not isinstance(value, bool):
                shown = {bank.written(v) for v in (value, abs(value))}
                assert any(v in told for v in shown), (q.label, name)


def test_no_placeholder_is_left_and_no_number_is_missing():
    for q in EVERY:
        for text in (q.text, q.solution, *(step for _, step in q.marking)):
            assert not re.search(r"<[A-Za-z]\w*~?>", text), q.label
            assert not re.search(r"\b(nan|inf|Fraction|(?<!, )None)\b", text), q.label
            assert text == text.strip()


def test_formulas_are_closed():
    for q in EVERY:
        for text in (q.text, q.solution, *(step for _, step in q.marking)):
            prose = re.sub(r"```.*?```|`[^`]*`", "", text, flags=re.DOTALL)
            for paragraph in prose.split("\n\n"):
                assert paragraph.count("$") % 2 == 0, (q.label, paragraph)
                assert paragraph.count("{") == paragraph.count("}"), (q.label, paragraph)
                assert paragraph.count(r"\bigl") == paragraph.count(r"\bigr"), (q.label, paragraph)


def test_a_missing_name_is_an_error():
    with pytest.raises(KeyError):
        bank.fill("<a> and <b>", {"a": 1})


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (Fraction(-2, 3), r"-\frac{2}{3}"),
        (Fraction(4, 2), "2"),
        (0.1 + 0.2, "0.3"),
        (3.5e-8, r"3.5 \cdot 10^{-8}"),
        (1_234_567.0, "1234567"),
        (1_234_567.5, "1,234,568"),
        ([1, Fraction(1, 2)], r"1, \frac{1}{2}"),
    ],
)
def test_numbers_are_written_as_in_a_formula(value, shown):
    assert bank.written(value) == shown


def test_one_seed_has_one_text_and_another_seed_other_numbers():
    assert exams.pages(3) == exams.pages(3)
    one, other = BANKS[3], BANKS[4]
    differ = [a.text != b.text for a, b in zip(one, other, strict=True)]
    assert sum(differ) > 0.8 * len(differ)


def test_a_question_has_many_forms_and_none_is_impossible():
    forms: dict[str, set[str]] = {label: set() for label in LABELS}
    for seed in range(100, 200):
        for q in bank.questions(seed):
            forms[q.label].add(q.text)
            for value in q.answers.values():
                if isinstance(value, int | float | Fraction):
                    assert np.isfinite(float(value)), (q.label, seed)
    assert min(map(len, forms.values())) >= 4, min(forms, key=lambda label: len(forms[label]))


@pytest.mark.parametrize("seed", range(12))
def test_an_exam_takes_ninety_minutes_and_mixes_kinds(seed):
    questions = bank.questions(seed)
    midterm, final = exams.exams(seed, questions)
    for exam in (midterm, final):
        assert sum(q.points for q in exam) == 60
        assert 80 <= sum(q.minutes for q in exam) <= 90
        kinds = [q.kind for q in exam]
        assert kinds.count("pen and paper") >= 2 <= kinds.count("code")
        assert "open" not in kinds
        assert len({q.chapter for q in exam}) == len(exam)
    assert {q.chapter for q in midterm} == set(range(1, 7))
    assert {q.chapter for q in final} <= set(range(1, 16))
    assert sum(q.chapter > 6 for q in final) >= 4
    assert not {q.label for q in midterm} & {q.label for q in final}


def test_the_command_writes_the_files(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert exams.main(["7"]) == 0
    folder = tmp_path / "_build/bank/7"
    names = {"questions", "solutions", "samples"}
    names |= {f"{exam}{end}" for exam in ("midterm", "final") for end in ("", "-marking")}
    assert {path.name for path in folder.iterdir()} == {f"{name}.md" for name in names}
    assert "written  _build/bank/7" in capsys.readouterr().out
    before = {path: path.read_bytes() for path in folder.iterdir()}
    assert exams.main(["007"]) == 0  # the same seed
    assert before == {path: path.read_bytes() for path in folder.iterdir()}
    questions = (folder / "questions.md").read_text("utf-8")
    for q in bank.questions(7):
        assert q.text in questions
        assert q.solution not in questions
        assert q.solution in (folder / "solutions.md").read_text("utf-8")
    for exam in ("midterm", "final"):
        assert "points | for" not in (folder / f"{exam}.md").read_text("utf-8")
        marking = (folder / f"{exam}-marking.md").read_text("utf-8")
        assert sum(map(int, re.findall(r"^\| (\d+) \|", marking, re.MULTILINE))) == 60


@pytest.mark.parametrize(
    "seed", ["", " ", "-1", "1.5", "seven", "1e3", "٣", "7 8", "../7", "9" * 40]
)
def test_a_seed_that_is_none_is_refused_and_nothing_is_written(seed, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert exams.main([seed]) == 2
    said = capsys.readouterr().err
    assert "SEED" in said
    assert "make bank SEED=7" in said
    assert not list(tmp_path.iterdir())


def test_make_bank_without_a_seed_says_what_is_missing(tmp_path):
    venv = tmp_path / "venv"
    (venv / "bin").mkdir(parents=True)
    (venv / "bin/python").symlink_to(shutil.which("python3") or "python3")
    done = subprocess.run(
        ["make", "-n", "bank", f"VENV={venv}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "book/exams.py ''" in done.stdout


# --- the sample answers ---------------------------------------------------------------------------

SAMPLES = (ROOT / "book/bank/samples.md").read_text("utf-8")


def test_the_samples_have_two_answers_of_each_kind_whose_marks_add_up():
    parts = re.split(r"^## ", SAMPLES, flags=re.MULTILINE)[1:]
    assert [part.partition("\n")[0] for part in parts] == ["Pen and paper", "Code", "Open"]
    for part in parts:
        label, seed = re.search(r"`(bank-\S+)`, seed (\d+)", part).groups()
        [question] = [q for q in bank.questions(int(seed)) if q.label == label]
        assert question.kind == part.partition("\n")[0].lower()
        quoted = re.sub(r"^> ?", "", part, flags=re.MULTILINE)
        assert question.text in quoted
        answers = re.split(r"^### ", part, flags=re.MULTILINE)[1:]
        assert [a.partition(":")[0] for a in answers] == ["A good answer", "A middling answer"]
        totals = []
        for answer in answers:
            rows = re.findall(r"^\| (\d+) of (\d+) \| (.+?) \| (.+) \|$", answer, re.MULTILINE)
            assert [int(most) for _, most, _, _ in rows] == [p for p, _ in question.marking]
            assert all(int(given) <= int(most) for given, most, _, _ in rows)
            total = re.match(r".*: (\d+) of (\d+)\n", answer)
            assert int(total[1]) == sum(int(given) for given, _, _, _ in rows)
            assert int(total[2]) == question.points
            totals.append(int(total[1]) / question.points)
        assert totals[0] > 0.85
        assert 0.4 < totals[1] < 0.7


def test_the_numbers_in_the_samples_are_true():
    good, middling = Fraction(4, 5), Fraction(4, 5) * Fraction(1, 3)
    assert Fraction(2**4, 2**4 + 2**2) == good
    assert Fraction(4 * 1, 4 * 1 + 1 * 2) == Fraction(2, 3)  # odds times odds
    assert (middling, Fraction(1, 2) / good) == (Fraction(4, 15), Fraction(5, 8))
    law = stats.beta(4, 2)
    assert np.isclose(law.mean(), 2 / 3)
    assert np.isclose(1 - law.mean(), 1 / 3)  # labels exchanged: the mirrored policy
    assert np.isclose(after_coin(lambda v: v, density=law.pdf), 13 / 21)
    move = after_coin(moved, density=beta(5, 5))
    t = (1 + (1 - 2 * move) ** 0.5) / 2
    assert np.isclose(move, 5 / 11)
    assert np.isclose(10 / 11 * 0.5, 5 / 11)
    assert np.isclose(5 / 11 * 0.5, 5 / 22)
    assert round(t, 2) == 0.65
    assert round((1.96 + 0.84) ** 2, 1) == 7.8


# --- nothing of it is published -------------------------------------------------------------------


def test_nothing_of_the_bank_goes_to_the_site_or_to_students(tmp_path):
    book = make.Book(ROOT)
    stage = tmp_path / "source"
    stage.mkdir()
    book._stage(stage, book.notebooks())  # what the site is built from, but for the chapters
    assert (stage / "book/teach.md").exists()
    texts = {p: p.read_text("utf-8") for p in stage.rglob("*.*") if p.suffix in (".md", ".yml")}
    assert not [p for p in stage.rglob("*") if "bank" in p.relative_to(stage).parts]
    for chapter in book.notebooks():
        texts[chapter] = (ROOT / "book" / f"{chapter}.md").read_text("utf-8")
    for chapter in ("01_mixup", "20_pairs"):
        texts[f"student {chapter}"] = nbformat.writes(book.plain(chapter, solved=False))
    for page, text in texts.items():
        assert not [label for label in LABELS if label in text], page
        assert not [q.label for q in BANKS[0] if q.text in text or q.solution in text], page


def test_the_bank_is_no_page_of_the_book():
    assert "bank" not in (ROOT / "_toc.yml").read_text()
    assert "kernelspec" not in SAMPLES
