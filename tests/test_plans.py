"""Plans of studies: what they may say, and what is concluded from the runs that they name."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from umixup import plans, results, studies

TEXT = """
question = "Does it help?"
seeds = 4
outcome = "error"
[config]
dataset = "digits"
width = 1
milestones = [0.5]
subset = "random"
tested = "last"
[grid]
epochs = [2, 4]
train_size = [100, 200]
scheme = ["ERM", "B(1,1)", "DAT(B(2,1))"]
[[families]]
name = "MixUp − ERM"
primary = true
one = "B(1,1)"
other = "ERM"
[[families]]
name = "DAT − MixUp"
one = "DAT(B(2,1))"
other = "B(1,1)"
"""


@pytest.fixture
def plan(tmp_path):
    path = tmp_path / "checkout" / "plan.toml"
    path.parent.mkdir()
    path.write_text(TEXT, encoding="utf-8")
    return plans.read(path)


def commit(plan) -> datetime:
    """Commit the plan; gives when."""
    for arguments in (["init", "-q"], ["add", "plan.toml"], ["commit", "-qm", "a plan"]):
        name = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", "-C", plan.path.parent, *name, *arguments], check=True)
    found = plans.date(plan)
    assert found is not None
    return found


def runs(plan, begun: datetime, seeds: int = 4) -> pd.DataFrame:
    """Such as the plan's runs would leave, with an effect of MixUp for 100 images alone."""
    random, rows = np.random.default_rng(0), []
    for seed in range(seeds):
        level = random.normal(0.3, 0.05)  # what a seed shares
        for setting in plan.settings:
            config = replace(setting, seed=seed)
            gain = 0.1 * (setting.scheme == "B(1,1)" and setting.train_size == 100)
            error = level - gain + random.normal(0, 0.001)
            sittings = [{"date": begun.isoformat()}]
            rows.append({"hash": config.hash(), "error": error, "sittings": sittings})
    return pd.DataFrame(rows)


def test_a_plan_has_every_combination_of_its_grid(plan):
    assert (plan.question, plan.seeds, plan.cells) == ("Does it help?", 4, ("epochs", "train_size"))
    assert len(plan.settings) == 2 * 2 * 3
    assert {(c.epochs, c.milestones) for c in plan.settings} == {(2, (1,)), (4, (2,))}
    assert [family.primary for family in plan.families] == [True, False]


def test_a_family_may_compare_any_fields_and_each_of_a_list(plan):
    text = TEXT.replace("[grid]", """first = "x"
[grid]
setting = [
    { scheme = "DAT(B(2,1))" },
    { scheme = "DAT(B(2,1))", moves = "at_random" },
    { scheme = "DAT(B(3,1))", pairing = "iid" },
]""").replace('first = "x"\n', "")  # fmt: skip
    text = (
        text.partition('scheme = ["ERM')[0]
        + """
[[families]]
name = "others − DAT"
primary = true
one = [{ scheme = "DAT(B(2,1))", moves = "at_random" }, { scheme = "DAT(B(3,1))", pairing = "iid" }]
other = "DAT(B(2,1))"
"""
    )
    plan.path.write_text(text.replace("seeds = 4", "seeds = 4\nfirst_seed = 100"), encoding="utf-8")
    found = plans.read(plan.path)
    assert found.treatments == ("scheme", "moves", "pairing")
    assert found.cells == ("epochs", "train_size")
    study = studies.Study("a", "?", 4, lambda: list(found.settings), found)
    assert sorted({config.seed for config in study.configs()}) == [100, 101, 102, 103]
    begun = datetime.now().astimezone()
    sittings = [{"date": begun.isoformat()}]
    rows = []
    for c in study.configs():
        level = c.seed / 1000 + 0.01 * (c.seed == 100)  # what a seed shares
        error = level + 0.1 * (c.pairing == "iid")
        rows.append({"hash": c.hash(), "error": error, "sittings": sittings})
    table = plans.compare(found, pd.DataFrame(rows))
    assert len(table) == 2 * 4  # comparisons and cells
    assert list(table["setting"][:4]) == ["DAT(B(2,1)), at_random"] * 4
    assert set(table["against"]) == {"DAT(B(2,1))"}
    assert list(table["mean"].round(6)) == [0.0] * 4 + [10.0] * 4
    assert set(table["n"]) == {4}


def test_a_plan_without_families_has_settings_to_choose_from_and_compares_nothing(plan):
    plan.path.write_text(TEXT.partition("[[families]]")[0], encoding="utf-8")
    found = plans.read(str(plan.path))
    assert len(found.settings) == 12
    with pytest.raises(ValueError, match="no families, so it compares nothing"):
        plans.compare(found, runs(found, datetime.now().astimezone()))


def test_the_plans_of_the_book_are_studies_that_can_be_swept():
    for path in plans.FOLDER.glob("*.toml"):
        study = studies.by_name(path.stem)
        assert study.plan == plans.read(path)
        assert len(study.configs()) == study.plan.seeds * len(study.plan.settings)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("seeds = 4", "", "it lacks, or should not have: seeds"),
        ("seeds = 4", "seeds = 1", "seeds = 1: it must be a whole number ≥ 2"),
        ("seeds = 4", "seeds = 4\nseed = 1", "it lacks, or should not have: seed"),
        ('"Does it help?"', '""', "question = '': it must not be empty"),
        ("width = 1", "wide = 1", "wide"),
        ("[2, 4]", "[2, 2]", "grid: a setting is there twice"),
        ('one = "DAT(B(2,1))"', 'one = "DAT(B(3,1))"', r"no setting has DAT\(B\(3,1\)\)"),
        ("primary = true", "", "families: one of them must be primary"),
        ("[grid]", "[grid", "Expected"),
    ],
)
def test_what_is_not_a_plan_is_refused_by_name(plan, old, new, message):
    plan.path.write_text(TEXT.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ValueError, match=rf"plan .*plan\.toml: .*{message}"):
        plans.read(plan.path)


def test_differences_are_paired_by_seed_and_corrected_within_their_family(plan):
    begun = commit(plan) + timedelta(seconds=1)
    given = runs(plan, begun)
    found = plans.compare(plan, given)
    assert list(found["family"]) == ["MixUp − ERM"] * 4 + ["DAT − MixUp"] * 4
    expected = []
    for _, row in found.iterrows():
        schemes = ("B(1,1)", "ERM") if row["primary"] else ("DAT(B(2,1))", "B(1,1)")
        sides = []
        for scheme in schemes:
            [setting] = [
                c
                for c in plan.settings
                if (c.epochs, c.train_size, c.scheme) == (row["epochs"], row["train_size"], scheme)
            ]
            hashes = [replace(setting, seed=seed).hash() for seed in range(4)]
            sides.append(100 * given.set_index("hash").loc[hashes, "error"].to_numpy(dtype=float))
        test = stats.ttest_rel(*sides)
        assert row["mean"] == pytest.approx(np.mean(sides[0] - sides[1]))
        assert (row["one"], row["other"]) == pytest.approx(tuple(map(np.mean, sides)))
        assert row["p"] == pytest.approx(test.pvalue)
        assert (row["low"], row["high"]) == pytest.approx(tuple(test.confidence_interval()))
        expected.append(test.pvalue)
    for part in (slice(0, 4), slice(4, 8)):
        corrected = multipletests(expected[part], method="holm")[1]
        assert found["p_holm"][part].to_numpy() == pytest.approx(corrected)
    lower = found["primary"] & (found["train_size"] == 100)
    assert set(found.loc[lower, "verdict"]) == {"lower"}


def test_nothing_is_called_confirmed_that_was_not_planned_before(plan):
    now = datetime.now().astimezone()
    before_git = plans.compare(plan, runs(plan, now))
    assert all(verdict.startswith("unplanned: ") for verdict in before_git["verdict"])
    committed = commit(plan)
    early = plans.compare(plan, runs(plan, committed - timedelta(seconds=1)))
    assert all(verdict.startswith("unplanned: ") for verdict in early["verdict"])
    later = committed + timedelta(seconds=1)
    assert not any(
        "unplanned" in verdict for verdict in plans.compare(plan, runs(plan, later))["verdict"]
    )
    some = plans.compare(plan, runs(plan, later, seeds=3))
    assert all(verdict.startswith("unfinished: ") for verdict in some["verdict"])
    plan.path.write_text(TEXT + "# changed after the runs", encoding="utf-8")
    changed = plans.compare(plan, runs(plan, later))
    assert all(verdict.startswith("unplanned: ") for verdict in changed["verdict"])


def test_runs_of_other_plans_are_left_out(plan):
    given = runs(plan, datetime.now().astimezone())
    foreign = given.assign(hash=[f"{k:016x}" for k in range(len(given))], error=9.0)
    both = pd.concat([given, foreign])
    pd.testing.assert_frame_equal(plans.compare(plan, both), plans.compare(plan, given))
    with pytest.raises(ValueError, match="none of the runs is one of its 48"):
        plans.compare(plan, foreign)


# Paired statistics


def test_paired_agrees_with_scipy_on_the_shared_seeds():
    random = np.random.default_rng(1)
    one = pd.Series(random.normal(size=9), index=range(9))
    other = pd.Series(random.normal(size=9), index=range(2, 11))
    found = results.paired(one, other, margin=1.5)
    a, b = one.loc[2:8].to_numpy(), other.loc[2:8].to_numpy()
    test = stats.ttest_rel(a, b)
    assert (found["n"], found["mean"]) == (7, pytest.approx((a - b).mean()))
    assert found["p"] == pytest.approx(test.pvalue)
    sides = [
        stats.ttest_1samp(a - b, -1.5, alternative="greater").pvalue,
        stats.ttest_1samp(a - b, 1.5, alternative="less").pvalue,
    ]
    assert found["p_equivalent"] == pytest.approx(max(sides))


def test_paired_without_spread_or_with_one_seed():
    one, other = pd.Series([1.0, 2.0]), pd.Series([0.5, 1.5])
    found = results.paired(one, other, margin=0.5)
    assert (found["low"], found["high"], found["p"], found["p_equivalent"]) == (0.5, 0.5, 0, 1)
    assert results.paired(one, one)["p"] == 1
    alone = results.paired(one[:1], other[:1])
    assert (alone["n"], alone["mean"]) == (1, 0.5)
    assert np.isnan(alone["p"])
    with pytest.raises(ValueError, match="no seed is in both"):
        results.paired(one, pd.Series([1.0], index=[7]))
    with pytest.raises(ValueError, match="one: seed 0 is twice"):
        results.paired(pd.Series([1.0, 2.0], index=[0, 0]), other)


def test_pairs_needed_reaches_the_power_in_a_simulation():
    n = int(results.pairs_needed(0.5, 1.0))
    drawn = np.random.default_rng(0).normal(0.5, 1.0, (20_000, n))
    share = (stats.ttest_1samp(drawn, 0, axis=1).pvalue < 0.05).mean()
    assert share == pytest.approx(0.8, abs=0.02)
    assert results.pairs_needed(0, 1.0) == np.inf
    assert results.pairs_needed(9, 1.0) == 3
    z = stats.norm.ppf([0.975, 0.8]).sum()
    assert results.pairs_needed(1e-6, 1.0) == pytest.approx((z * 1e6) ** 2, rel=1e-6)


def records_of(rates: np.ndarray, random: np.random.Generator) -> list[dict]:
    """Records of runs whose image i is missed with probability rates[seed, i]."""
    import torch

    from umixup.training.outcomes import pack

    return [
        {"config": {"seed": s}, "outcomes": pack(torch.from_numpy(random.random((1, len(p))) < p))}
        for s, p in enumerate(rates)
    ]


def test_intervals_over_seeds_and_images_cover_the_truth_of_other_images():
    random, inside, narrow = np.random.default_rng(3), 0, 0
    for _ in range(200):
        hard = random.beta(0.3, 1.2, 120)  # images differ, and the two settings on each image too
        shift = random.normal(0, 0.15, 120)
        sides = []
        for sign in (1, -1):
            p = np.clip(hard + sign * shift + random.normal(0, 0.02, (12, 1)), 0, 1)
            sides.append(records_of(p, random))
        found = results.over_images(*sides)
        assert (found["seeds"], found["images"]) == (12, 120)
        truth = 0.0  # by symmetry
        inside += found["low"] <= truth <= found["high"]
        by_seed = [
            pd.Series({r["config"]["seed"]: results_mean(r) for r in side}) for side in sides
        ]
        over_seeds = results.paired(*by_seed)
        narrow += over_seeds["low"] <= truth <= over_seeds["high"]
    assert inside >= 180  # of 200, 95 %
    assert narrow < 150  # an interval over seeds alone is about these images only


def results_mean(record: dict) -> float:
    from umixup.training.outcomes import unpack

    return float(unpack(record["outcomes"]).double().mean())


def test_over_images_refuses_what_it_cannot_compare():
    random = np.random.default_rng(0)
    one, other = (records_of(np.full((3, 20), 0.5), random) for _ in range(2))
    with pytest.raises(ValueError, match="other: the record of seed 0 has no outcomes"):
        results.over_images(one, [{"config": {"seed": 0}}])
    with pytest.raises(ValueError, match="one: seed 0 is twice"):
        results.over_images([*one, one[0]], other)
    with pytest.raises(ValueError, match="share 1 seeds: at least 2 are needed"):
        results.over_images(one[:1], other)
    with pytest.raises(ValueError, match="other numbers of images"):
        results.over_images(one, records_of(np.full((3, 21), 0.5), random))
