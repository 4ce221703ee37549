"""The paper's gains: the scenario of a winner's curse, and what runs exclude."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from umixup import claims, results, tables


@pytest.mark.parametrize("k", [1, 2, 5, 10, 100])
def test_expected_largest_is_that_of_draws(k):
    drawn = np.random.default_rng(0).standard_normal((100_000, k)).max(axis=1)
    assert claims.largest_of(k) == pytest.approx(drawn.mean(), abs=5 * drawn.std() / 100_000**0.5)


def test_curse_is_what_choosing_among_equal_policies_promises():
    table = claims.winners_curse(10)
    assert len(table) == 8
    row = table[(table["dataset"] == "cifar10") & (table["loss"] == "ce")].iloc[0]
    half = {s.scheme: s.half_width for s in claims.paper.settings("cifar10", "ce")}["U(B(2.2,0.9))"]
    # the same by drawing: ten means with the paper's standard error, of which the least is shown
    error = 100 * half / 1.9842
    promised = np.random.default_rng(0).normal(0, error, (200_000, 10)).min(axis=1)
    assert row["optimism"] == pytest.approx(-promised.mean(), rel=0.01)
    assert row["gain"] == pytest.approx(4.199 - 4.177)
    assert row["left"] == pytest.approx(row["gain"] - row["optimism"])
    none = claims.winners_curse(1)
    assert none["optimism"].abs().max() < 1e-9
    with pytest.raises(ValueError, match="candidates = 0"):
        claims.winners_curse(0)


def made(gain: float, seeds: int = 20) -> pd.DataFrame:
    """Runs of table 3 in which MixUp's error is lower by a share of ERM's."""
    random, rows = np.random.default_rng(0), []
    for seed in range(seeds):
        level = random.normal(0.05, 0.01)
        for setting in tables.rows(3, "ce"):
            error = level * (1 - gain * (setting.kind == "MixUp")) + random.normal(0, 0.0005)
            rows.append(dict(loss="ce", scheme=setting.scheme, seed=seed, error=error))
    return pd.DataFrame(rows)


def test_a_gain_of_the_paper_s_size_is_not_excluded_and_none_is():
    erm, mixup, _ = claims.paper.settings("mnist", "ce")
    of_the_paper = 1 - mixup.error / erm.error
    found = claims.relative_gains(made(of_the_paper), 3).set_index("difference")
    row = found.loc["MixUp − ERM"]
    assert not row["excluded"]
    assert row["paper"] == pytest.approx(-100 * of_the_paper)
    assert row["low"] < row["paper"] < row["high"]
    assert row["n"] == 20
    assert (
        claims.relative_gains(made(0.0), 3).set_index("difference").loc["MixUp − ERM"]["excluded"]
    )


def test_gains_are_compared_seed_by_seed_in_the_book_s_records(book_records):
    runs = book_records[
        (book_records["profile"] == "quick") & (book_records["dataset"] == "digits")
    ]
    table = claims.relative_gains(runs, 3)
    row = table[(table["loss"] == "ce") & (table["difference"] == "MixUp − ERM")].iloc[0]
    of = {s: runs[(runs["loss"] == "ce") & (runs["scheme"] == s)].set_index("seed")["error"]
          for s in ("ERM", "B(1,1)")}  # fmt: skip
    gaps = (of["B(1,1)"] - of["ERM"]).dropna()
    assert row["mean"] == pytest.approx(100 * gaps.mean() / of["ERM"].mean())
    assert row["n"] == len(gaps)


@pytest.fixture(scope="module")
def book_records() -> pd.DataFrame:
    return results.load(Path(__file__).parents[1] / "results")


def test_without_seeds_in_common_nothing_can_be_said():
    runs = made(0.0)
    with pytest.raises(
        ValueError, match="table 3: no two of its settings have two seeds in common"
    ):
        claims.relative_gains(runs[runs["scheme"] == "ERM"], 3)
