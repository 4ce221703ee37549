"""The interactive figures: their numbers against the library's, in a browser."""

import json
import math

import explorer
import pytest
import torch
from figures import STATIC, browser, folder_of_pages, library, near, settle, type_, visiting  # noqa: F401  # fixtures
from scipy import stats

import umixup as um

pytestmark = pytest.mark.book

PAIRS = [(0.01, 0.01), (0.01, 8), (0.05, 0.2), (0.2, 0.2), (1, 1), (1.2, 0.2), (2, 1), (2.2, 0.9)]
PAIRS += [(0.9, 2.2), (8, 0.05), (8, 7), (50, 0.01), (50, 50), (30, 10), (1e-4, 1e-4), (1e4, 1)]
LAMS = [1e-300, 1e-12, 1e-6, 0.01, 0.3, 0.5, 0.7, 0.99, 1 - 1e-6, 1 - 1e-12]
LOGITS = [*(math.log(v) - math.log1p(-v) for v in LAMS), 40.0, 750.0, 5000.0]  # there 1 − λ is lost
NUMBERS = """
([pairs, logits]) => pairs.map(([a, b]) => {
  const {math} = umixup;
  const q = {a, b};
  const at = (t) => [math.logDensity(q, t), math.logDensity(math.mirror(q), t),
                     math.logSymmetrised(q, t), math.weight(q, t)].map(String);
  const shares = logits.map((t) => [math.cdf(q, t), math.cdfSymmetrised(q, t)]);
  return {rows: logits.map(at), shares, strength: math.strength(q), slope: math.slope(q),
          low: math.quantile(q, 0.1), notation: math.notation(q)};
})
"""


def test_numbers_are_the_library_s(visit):
    z = torch.tensor(LOGITS, dtype=torch.float64)
    found = visit("explorer").evaluate(NUMBERS, [PAIRS, LOGITS])
    for (a, b), values in zip(PAIRS, found, strict=True):
        for t, row, expected in zip(LOGITS, values["rows"], library(a, b, z), strict=True):
            assert all(map(near, row, expected)), (a, b, t, row, expected)
        q = um.policies.Beta(a, b)
        assert near(values["strength"], float(1 - q.mean))
        assert near(values["slope"], a - b)


def test_shares_are_scipy_s(visit):
    found = visit("explorer").evaluate(NUMBERS, [PAIRS, LOGITS])
    for (a, b), values in zip(PAIRS, found, strict=True):
        for t, (share, symmetric) in zip(LOGITS, values["shares"], strict=True):
            if abs(t) > 700:
                continue  # neither λ nor 1 − λ is a number for scipy
            near_end = float(torch.sigmoid(torch.tensor(-abs(t), dtype=torch.float64)))
            both = stats.beta(a, b), stats.beta(b, a)
            if t < 0:
                expected = [one.cdf(near_end) for one in both]
            else:  # λ would be rounded, 1 − λ is not
                expected = [one.sf(near_end) for one in reversed(both)]
            assert near(share, expected[0]), (a, b, t)
            assert near(symmetric, sum(expected) / 2), (a, b, t)
        if values["low"] > -690:
            lam = 1 / (1 + math.exp(-values["low"]))
            assert (stats.beta(a, b).cdf(lam) + stats.beta(b, a).cdf(lam)) / 2 == pytest.approx(0.1)


def test_notation_is_read_as_one_family(visit):
    found = visit("explorer").evaluate(NUMBERS, [PAIRS, []])
    for (a, b), values in zip(PAIRS, found, strict=True):
        texts = [text for text in values["notation"].values() if text]
        assert len(texts) == (3 if a == b + 1 else 2)
        for text in texts:
            q = um.D(um.parse(text))
            assert (q.alpha, q.beta) == (pytest.approx(a), pytest.approx(b)), text


LOGIT = "([weights, points]) => points.map(([x, y]) => umixup.plane.logitOf(weights, x, y))"


def test_networks_are_torch_s(visit):
    page = visit("explorer")
    plane = page.evaluate("() => umixup.data.plane")
    assert len(plane["networks"]) == len(plane["strengths"]) * len(plane["slopes"])
    points = [*plane["points"][:20], [-1.8, 2.0], [2.8, -1.5]]
    x = torch.tensor(points, dtype=torch.float64)
    for weights in (plane["erm"], *plane["networks"]):
        found = page.evaluate(LOGIT, [weights, points])
        expected = explorer.with_weights(weights)(x).tolist()
        assert found == pytest.approx(expected, rel=1e-6, abs=1e-6)


SNAP = "qs => qs.map(([a, b]) => (({name, strength, slope}) => [name, strength, slope])"
SNAP += "(umixup.plane.snap({a, b})))"


def test_the_boundary_snaps_to_what_was_trained(visit):
    page = visit("explorer")
    own = [(m, s, explorer.policy(m, s)) for m in explorer.STRENGTHS for s in explorer.SLOPES]
    found = page.evaluate(SNAP, [[q.alpha, q.beta] for *_, q in own])
    for (m, s, _), (_, strength, slope) in zip(own, found, strict=True):
        assert (strength, slope) == (m, s)
    (name, *_), (_, _, slope) = page.evaluate(SNAP, [[5, 0.01], [1, 1]])
    assert name.startswith("ERM")
    assert slope == explorer.SLOPES[0]
    assert "Snapped" in page.locator(".um-snap").inner_text()
    type_(page, "strength", "0.25")
    type_(page, "slope", "1")
    assert page.locator(".um-snap").inner_text().startswith("Trained with strength 0.25, slope 1.")


def test_shipped_data_is_small():
    assert (STATIC / "explorer-data.js").stat().st_size < 70_000
    text = (STATIC / "explorer-data.js").read_text(encoding="utf-8")
    data = json.loads(text.partition(" = ")[2].rstrip(";\n"))
    assert len(json.dumps(data["images"])) < 40_000
    assert len(json.dumps([data["plane"]["erm"], *data["plane"]["networks"]])) < 40_000


def test_training_is_what_was_shipped(monkeypatch):
    """A few epochs, twice: seeded. The shipped networks need the same versions, and a minute."""
    monkeypatch.setattr(explorer, "EPOCHS", 2)
    points, labels = explorer.moons()
    first, second = (
        explorer.weights_of(explorer.train(points, labels, um.mixup(1))) for _ in range(2)
    )
    assert first == second
    assert explorer.weights_of(explorer.with_weights(first)) == first
