"""The paper's tables as runs, and ours beside them."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from umixup import equivalence, paper, results, schemes, tables, training

SHIFT = {"ERM": 0.0, "MixUp": -0.01, "UMixUp": -0.012, "DAT": -0.008}


def runs(table: int = 3, losses=("ce", "nc-released"), seeds: int = 4) -> pd.DataFrame:
    """As if each setting of the table had been run; errors depend on the seed and the setting."""
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
def test_a_table_has_the_papers_rows_and_the_twins_of_two(table, loss):
    rows = tables.rows(table, loss)
    assert [row.kind for row in rows] == ["ERM", "MixUp", "DAT", "UMixUp", "DAT"]
    assert [row.runs for row in rows] == [100, 100, 0, 100, 0]
    assert {row.dataset for row in rows} == {tables.DATASETS[table]}
    for row, twin in (rows[1:3], rows[3:5]):
        pair = schemes.parse(row.scheme), schemes.parse(twin.scheme)
        assert equivalence.distance(*pair) < 1e-6
        assert math.isnan(twin.error)


def test_the_four_tables_hold_the_24_settings():
    printed = [r for t in tables.DATASETS for loss in ("ce", "nc") for r in tables.rows(t, loss)]
    assert [r for r in printed if r.runs] == paper.settings()


def test_the_configs_are_balanced_seed_by_seed_and_all_different():
    configs = tables.configs(3, profile="quick", runs=3)
    assert len({config.hash() for config in configs}) == len(configs) == 3 * 2 * 5
    assert [config.seed for config in configs] == [0] * 10 + [1] * 10 + [2] * 10
    assert {config.dataset for config in configs} == {"digits"}
    assert {config.profile for config in configs} == {"quick"}
    assert configs == tables.configs(3, profile="quick", runs=5)[:30]


def test_the_full_table_is_the_papers_recipe_on_its_data_set():
    for table, dataset in tables.DATASETS.items():
        configs = tables.configs(table, runs=1, losses=("nc-released",))
        assert {config.dataset for config in configs} == {dataset}
        assert {config.profile for config in configs} == {"full"}
        assert {config.augment_test for config in configs} == {table in (3, 4)}
        assert {config.loss for config in configs} == {"nc-released"}
    (config, *_) = tables.configs(1, dataset="cifar10-jpeg")
    assert config.dataset == "cifar10-jpeg"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (dict(table=5), "table = 5: it must be one of 1, 2, 3, 4"),
        (dict(losses=("ce", "mse")), "loss = 'mse': it must be one of ce, nc, nc-released"),
        (dict(runs=0), "runs = 0: it must be a whole number ≥ 1"),
        (dict(runs=2.0), r"runs = 2\.0"),
        (dict(profile="fast"), "profile = 'fast': it must be one of quick, small, full"),
        (dict(dataset="minst"), "minst"),
    ],
)
def test_what_is_no_table_is_refused(changes, told):
    with pytest.raises(ValueError, match=told):
        tables.configs(**{"table": 3, "profile": "quick", "runs": 1, **changes})


def test_ours_stand_beside_the_papers_in_its_order():
    shown = tables.beside_paper(runs().sample(frac=1, random_state=0), 3)
    assert shown["setting"].tolist() == ["ERM", "MixUp", "DAT", "UMixUp", "DAT"] * 2
    assert shown["loss"].tolist() == ["ce"] * 5 + ["nc-released"] * 5
    assert shown["n"].tolist() == [4] * 10
    theirs = [r.error for loss in ("ce", "nc") for r in tables.rows(3, loss)]
    np.testing.assert_allclose(shown["paper_mean"], 100 * np.array(theirs))
    with pytest.raises(ValueError, match="table 1: none of the 4 runs is of it"):
        tables.beside_paper(runs(losses=["ce"])[lambda r: r["scheme"] == "DAT(B(2,1))"], 1)


def test_comparisons_are_welchs_with_p_adjusted_for_their_number():
    ours = runs()
    compared = tables.comparisons(ours, 3)
    names = ["MixUp − ERM", "UMixUp − MixUp", "MixUp − its DAT", "UMixUp − its DAT"]
    assert compared["difference"].tolist() == names * 2
    ce = ours[ours["loss"] == "ce"].groupby("scheme")["error"]
    a, b = (100 * ce.get_group(s).to_numpy(dtype=float) for s in ("B(1,1)", "ERM"))
    assert compared["p"][0] == pytest.approx(stats.ttest_ind(a, b, equal_var=False).pvalue)
    np.testing.assert_allclose(compared["p_holm"], multipletests(compared["p"], method="holm")[1])
    assert compared["verdict"][0] == "lower"  # 1 point at 0.2 of noise
    swapped = ours.replace({"scheme": {"ERM": "B(1,1)", "B(1,1)": "ERM"}})
    assert tables.comparisons(swapped, 3)["verdict"][0] == "higher"


def test_one_run_a_setting_compares_nothing():
    compared = tables.comparisons(runs(seeds=1), 3)
    assert set(compared["verdict"]) == {"too few runs"}
    assert compared["p_holm"].isna().all()
    with pytest.raises(ValueError, match="no two settings of it have runs with 'augmented_error'"):
        tables.comparisons(runs(), 3, "augmented_error")


def test_a_run_of_a_table_is_found_in_the_table(digits, tmp_path):
    for config in tables.configs(3, profile="quick", runs=1, losses=("ce",))[:2]:
        short = training.profile("quick", scheme=config.scheme, epochs=1, train_size=128)
        results.write(training.train(short, data=digits, progress=False).record(), tmp_path)
    shown = tables.beside_paper(results.load(tmp_path), 3)
    assert shown["setting"].tolist() == ["ERM", "MixUp"]


def test_the_overview_has_every_row_of_the_paper_and_ours_of_the_largest_profile():
    small = runs(4, ("ce",)).assign(dataset="fashion-mnist", profile="small")
    small["augmented_error"] = small["error"] + 0.05
    quick = small.assign(profile="quick", recipe="two", error=0.5)
    full = runs(1, ("nc",), seeds=2).assign(dataset="cifar10", profile="full", recipe="three")
    told = tables.overview(pd.concat([quick, small, full, runs()]))
    assert len(told) == 40
    printed = told[told["paper_n"] > 0]
    assert len(printed) == 24
    assert (printed["paper_mean"] > 0).all()
    assert (told[told["setting"] == "DAT"]["paper_n"] == 0).all()
    ours = told[told["n"] > 0].set_index(["dataset", "loss", "scheme"])
    assert len(ours) == 10  # the digits are not one of the paper's sets
    row = ours.loc[("fashion-mnist", "ce", "ERM")]
    assert (row["profile"], row["n"]) == ("small", 4)
    erm = small.loc[small["scheme"] == "ERM", "augmented_error"].astype(float)
    assert row["mean"] == pytest.approx(100 * erm.mean())
    row = ours.loc[("cifar10", "nc", "B(1,1)")]
    assert (row["profile"], row["n"]) == ("full", 2)
    mixup = full.loc[full["scheme"] == "B(1,1)", "error"]
    assert row["mean"] == pytest.approx(100 * mixup.mean())
    nothing = told[told["n"] == 0]
    assert nothing["mean"].isna().all()
    assert (nothing["profile"] == "").all()


def test_the_papers_differences_follow_from_its_rows():
    told = tables.paper_comparisons().set_index(["dataset", "loss", "difference"])
    assert (told["mean"] < 0).all()  # what the paper claims
    row = told.loc[("cifar10", "ce", "UMixUp − MixUp")]
    assert row["mean"] == pytest.approx(4.177 - 4.199)
    assert row["high"] - row["mean"] == pytest.approx((0.025**2 + 0.023**2) ** 0.5)
    assert row["mean"] - row["low"] == pytest.approx(row["high"] - row["mean"])
    apart = told.xs("UMixUp − MixUp", level="difference")
    assert (apart["high"] < 0).sum() >= 6
