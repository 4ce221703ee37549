"""The paper's tables: the configs behind them, and our results next to the paper's."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from umixup import equivalence, schemes, training
from umixup.experiments import paper, results, tables

SHIFT = {"ERM": 0.0, "MixUp": -0.01, "UMixUp": -0.012, "DAT": -0.008}


def runs(table: int = 3, losses=("ce", "nc-released"), seeds: int = 4) -> pd.DataFrame:
    """Made-up runs of every setting of a table."""
    rng = np.random.default_rng(0)
    rows = [
        {
            "dataset": "digits",
            "loss": loss,
            "scheme": row.scheme,
            "profile": "quick",
            "recipe": "one",
            "seed": seed,
            "augment_test": False,
            "error": 0.1 + SHIFT[row.kind] + 0.002 * rng.normal(),
            "augmented_error": None,
        }
        for seed in range(seeds)
        for loss in losses
        for row in tables.rows(table, loss)
    ]
    return results.frame(rows)


@pytest.mark.parametrize("table", tables.DATASETS)
@pytest.mark.parametrize("loss", tables.LOSSES)
def test_table_has_the_papers_rows_and_two_dat_twins(table, loss):
    rows = tables.rows(table, loss)
    assert [row.kind for row in rows] == ["ERM", "MixUp", "DAT", "UMixUp", "DAT"]
    assert [row.runs for row in rows] == [100, 100, 0, 100, 0]
    assert {row.dataset for row in rows} == {tables.DATASETS[table]}
    for row, twin in (rows[1:3], rows[3:5]):
        pair = schemes.parse(row.scheme), schemes.parse(twin.scheme)
        assert equivalence.distance(*pair) < 1e-6
        assert math.isnan(twin.error)


def test_four_tables_hold_the_24_settings():
    printed = [r for t in tables.DATASETS for loss in ("ce", "nc") for r in tables.rows(t, loss)]
    assert [r for r in printed if r.runs] == paper.settings()


def test_configs_are_distinct_and_ordered_by_seed():
    configs = tables.configs(3, profile="quick", runs=3)
    assert len({config.hash() for config in configs}) == len(configs) == 3 * 2 * 5
    assert [config.seed for config in configs] == [0] * 10 + [1] * 10 + [2] * 10
    assert {config.dataset for config in configs} == {"digits"}
    assert {config.profile for config in configs} == {"quick"}
    assert configs == tables.configs(3, profile="quick", runs=5)[:30]
    assert configs == tables.configs(np.int64(3), profile="quick", runs=np.int64(3))


def test_full_profile_is_the_papers_recipe_on_its_data_set():
    for table, dataset in tables.DATASETS.items():
        configs = tables.configs(table, runs=1, losses=("nc-released",))
        assert {config.dataset for config in configs} == {dataset}
        assert {config.profile for config in configs} == {"full"}
        assert {config.augment_test for config in configs} == {table in (3, 4)}
        assert {config.loss for config in configs} == {"nc-released"}
    (config, *_) = tables.configs(1, dataset="cifar10-jpeg")
    assert config.dataset == "cifar10-jpeg"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (dict(table=5), "table = 5: it must be a whole number from 1 to 4"),
        (dict(table="3"), "table = '3': it must be a whole number from 1 to 4"),
        (dict(losses=("ce", "mse")), "loss = 'mse': it must be one of ce, nc, nc-released"),
        (dict(runs=0), "runs = 0: it must be a whole number from 1 to 10000"),
        (dict(runs=10**7), "runs = 10000000: it must be"),
        (dict(runs=2.0), r"runs = 2\.0"),
        (dict(profile="fast"), "profile = 'fast': it must be one of quick, small, full"),
        (dict(dataset="minst"), "minst"),
    ],
)
def test_invalid_arguments_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        tables.configs(**{"table": 3, "profile": "quick", "runs": 1, **changes})


def test_beside_paper_is_in_the_order_of_the_table():
    shown = tables.beside_paper(runs().sample(frac=1, random_state=0), 3)
    assert shown["setting"].tolist() == ["ERM", "MixUp", "DAT", "UMixUp", "DAT"] * 2
    assert shown["loss"].tolist() == ["ce"] * 5 + ["nc-released"] * 5
    assert shown["n"].tolist() == [4] * 10
    theirs = [r.error for loss in ("ce", "nc") for r in tables.rows(3, loss)]
    np.testing.assert_allclose(shown["paper_mean"], 100 * np.array(theirs))
    with pytest.raises(ValueError, match="table 1: none of the 4 runs belongs to it"):
        tables.beside_paper(runs(losses=["ce"])[lambda r: r["scheme"] == "DAT(B(2,1))"], 1)


def test_comparisons_agree_with_scipy_and_statsmodels():
    ours = runs()
    compared = tables.comparisons(ours, 3)
    names = ["MixUp − ERM", "UMixUp − ERM", "UMixUp − MixUp", "MixUp − its DAT", "UMixUp − its DAT"]
    assert compared["difference"].tolist() == names * 2
    ce = ours[ours["loss"] == "ce"].groupby("scheme")
    a, b = (100 * ce.get_group(s).sort_values("seed")["error"] for s in ("B(1,1)", "ERM"))
    assert compared["p"][0] == pytest.approx(stats.ttest_rel(a, b).pvalue)
    np.testing.assert_allclose(compared["p_holm"], multipletests(compared["p"], method="holm")[1])
    assert compared["verdict"][0] == "lower"  # by 1 point; the noise is 0.2
    swapped = ours.replace({"scheme": {"ERM": "B(1,1)", "B(1,1)": "ERM"}})
    assert tables.comparisons(swapped, 3)["verdict"][0] == "higher"


def test_comparisons_without_enough_runs():
    compared = tables.comparisons(runs(seeds=1), 3)
    assert set(compared["verdict"]) == {"too few runs"}
    assert compared["p_holm"].isna().all()
    with pytest.raises(ValueError, match="no two of its settings have runs with 'augmented_error'"):
        tables.comparisons(runs(), 3, "augmented_error")


def test_recorded_runs_are_found_in_their_table(digits, tmp_path):
    for config in tables.configs(3, profile="quick", runs=1, losses=("ce",))[:2]:
        short = training.profile("quick", scheme=config.scheme, epochs=1, train_size=128)
        results.write(training.train(short, data=digits, progress=False).record(), tmp_path)
    shown = tables.beside_paper(results.load(tmp_path), 3)
    assert shown["setting"].tolist() == ["ERM", "MixUp"]


def test_overview_has_all_rows_and_summarises_the_largest_profile():
    small = runs(4, ("ce",)).assign(dataset="fashion-mnist", profile="small")
    small["augmented_error"] = small["error"] + 0.05
    quick = small.assign(profile="quick", recipe="two", error=0.5)
    full = runs(1, ("nc",), seeds=2).assign(dataset="cifar10", profile="full", recipe="three")
    found = tables.overview(pd.concat([quick, small, full, runs()]))
    assert len(found) == 40
    printed = found[found["paper_n"] > 0]
    assert len(printed) == 24
    assert (printed["paper_mean"] > 0).all()
    assert (found[found["setting"] == "DAT"]["paper_n"] == 0).all()
    ours = found[found["n"] > 0].set_index(["dataset", "loss", "scheme"])
    assert len(ours) == 10  # the digits are not one of the paper's sets
    row = ours.loc[("fashion-mnist", "ce", "ERM")]
    assert (row["profile"], row["n"]) == ("small", 4)
    erm = small.loc[small["scheme"] == "ERM", "augmented_error"].astype(float)
    assert row["mean"] == pytest.approx(100 * erm.mean())
    row = ours.loc[("cifar10", "nc", "B(1,1)")]
    assert (row["profile"], row["n"]) == ("full", 2)
    mixup = full.loc[full["scheme"] == "B(1,1)", "error"]
    assert row["mean"] == pytest.approx(100 * mixup.mean())
    without_runs = found[found["n"] == 0]
    assert without_runs["mean"].isna().all()
    assert (without_runs["profile"] == "").all()


def test_paper_comparisons_follow_from_the_papers_rows():
    found = tables.paper_comparisons().set_index(["dataset", "loss", "difference"])
    assert (found["mean"] < 0).all()  # what the paper claims
    row = found.loc[("cifar10", "ce", "UMixUp − MixUp")]
    assert row["mean"] == pytest.approx(4.177 - 4.199)
    assert row["high"] - row["mean"] == pytest.approx((0.025**2 + 0.023**2) ** 0.5)
    assert row["mean"] - row["low"] == pytest.approx(row["high"] - row["mean"])
    gain = found.xs("UMixUp − MixUp", level="difference")
    assert (gain["high"] < 0).sum() >= 6
