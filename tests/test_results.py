"""Records on disk, and their summary against scipy."""

from __future__ import annotations

import json
import math
import re
import shutil
import subprocess
from datetime import datetime

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from umixup import paper, results

REQUIRED = ["dataset", "loss", "scheme", "profile", "seed", "error"]


def record(seed: int = 0, error: float = 0.05, **changes) -> dict:
    config = {"dataset": "fashion-mnist", "scheme": "B(1,1)", "loss": "ce", "seed": seed}
    config |= {key: changes.pop(key) for key in list(changes) if key in config}
    name = "-".join(map(str, config.values()))
    return {
        "schema": results.SCHEMA,
        "hash": re.sub(r"[^a-z0-9-]", "_", name.lower()),
        "profile": "small",
        "recipe": "one",
        "config": config,
        "error": error,
        **changes,
    }


# Writing and reading


def test_a_record_comes_back_as_a_row(tmp_path):
    path = results.write(record(seed=3, error=0.25, test_errors=[0.5, 0.25]), tmp_path / "a" / "b")
    assert path.parent == tmp_path / "a" / "b"
    assert path.name == f"{record(seed=3)['hash']}.json"
    runs = results.load(path.parent)
    assert list(runs.columns[:6]) == REQUIRED
    row = runs.iloc[0]
    assert [row[c] for c in REQUIRED] == ["fashion-mnist", "ce", "B(1,1)", "small", 3, 0.25]
    assert row["test_errors"] == [0.5, 0.25]


def test_a_second_record_of_one_config_replaces_the_first(tmp_path):
    for error in (0.5, 0.25):
        results.write(record(error=error), tmp_path)
    assert results.load(tmp_path)["error"].tolist() == [0.25]
    assert len(list(tmp_path.iterdir())) == 1


def test_records_are_read_in_one_order_whatever_order_they_were_written_in(tmp_path):
    for seed in (2, 0, 1):
        results.write(record(seed=seed), tmp_path)
    assert results.load(tmp_path)["seed"].tolist() == [0, 1, 2]


def test_a_write_that_fails_leaves_nothing_behind(tmp_path, monkeypatch):
    def half(record, file, **options):
        file.write('{"schema"')
        raise OSError("disk full")

    monkeypatch.setattr(json, "dump", half)
    with pytest.raises(OSError, match="disk full"):
        results.write(record(), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_write_that_fails_keeps_the_record_there_was(tmp_path):
    results.write(record(error=0.25), tmp_path)
    with pytest.raises(TypeError):
        results.write({**record(), "error": object()}, tmp_path)
    assert results.load(tmp_path)["error"].tolist() == [0.25]
    assert len(list(tmp_path.iterdir())) == 1


ALIEN = {
    "truncated": '{"schema": 1, "hash"',
    "empty": "",
    "bytes": b"\xff\xfe\x00",
    "list": "[1, 2]",
    "null": "null",
    "schema": json.dumps({**record(), "schema": 99}),
    "no-config": json.dumps({"schema": results.SCHEMA, "error": 0.1}),
    "no-error": json.dumps({k: v for k, v in record().items() if k != "error"}),
    "bad-error": json.dumps({**record(), "error": "low"}),
}


@pytest.mark.parametrize("kind", ALIEN)
def test_a_file_that_is_no_record_is_named_in_a_warning_and_left_out(tmp_path, kind):
    results.write(record(error=0.25), tmp_path)
    content = ALIEN[kind]
    alien = tmp_path / f"{kind}.json"
    alien.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.warns(UserWarning, match=rf"{re.escape(str(alien))} left out: \w+Error: "):
        runs = results.load(tmp_path)
    assert runs["error"].tolist() == [0.25]


def test_files_of_another_kind_and_half_written_ones_are_not_read(tmp_path):
    (tmp_path / "notes.txt").write_text("no record")
    (tmp_path / ".abc.part").write_text("{")
    runs = results.load(tmp_path)
    assert len(runs) == 0
    assert list(runs.columns) == REQUIRED


def test_a_folder_that_is_not_there_is_told(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"folder = '.*nowhere': there is no such folder"):
        results.load(tmp_path / "nowhere")


def test_the_environment_is_plain_data_with_versions_and_a_date():
    environment = results.environment()
    assert json.loads(json.dumps(environment)) == environment
    assert environment["numpy"] == np.__version__
    assert datetime.fromisoformat(environment["date"]).tzinfo is not None


def git(folder, *arguments: str) -> str:
    name = ("-c", "user.name=A", "-c", "user.email=a@b.c", "-c", "core.hooksPath=none")
    done = subprocess.run(
        ["git", "-C", str(folder), *name, "-c", "commit.gpgsign=false", *arguments],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not here")


@needs_git
def test_the_environment_names_the_commit(monkeypatch, tmp_path):
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "commit", "--quiet", "--allow-empty", "--message", "first")
    commit = git(tmp_path, "rev-parse", "HEAD")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / ".git"))
    assert results.environment()["commit"] == commit


@needs_git
def test_the_environment_has_no_commit_outside_a_repository(monkeypatch, tmp_path):
    monkeypatch.setenv("GIT_DIR", str(tmp_path))
    assert results.environment()["commit"] is None


@needs_git
def test_the_environment_has_no_commit_in_a_repository_without_one(monkeypatch, tmp_path):
    git(tmp_path, "init", "--quiet")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / ".git"))
    assert results.environment()["commit"] is None


def test_the_environment_has_no_commit_where_there_is_no_git(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert results.environment()["commit"] is None


# Summaries


def test_half_width_is_that_of_students_t_interval():
    values = [0.051, 0.048, 0.055, 0.049]
    low, high = stats.t.interval(0.95, 3, loc=np.mean(values), scale=stats.sem(values))
    assert results.half_width(values) == pytest.approx((high - low) / 2, rel=1e-12)
    assert results.half_width(iter([1, 1, 1])) == 0


@pytest.mark.parametrize("values", [[], [0.05]])
def test_half_width_of_fewer_than_two_values_is_nan(values):
    assert math.isnan(results.half_width(values))


def test_half_width_covers_the_mean_in_95_of_100_samples():
    rng = np.random.default_rng(0)
    covered = sum(
        abs(np.mean(sample)) <= results.half_width(sample) for sample in rng.normal(size=(1000, 3))
    )
    assert stats.binomtest(covered, 1000, 0.95).pvalue > 1e-4


ERRORS = {"ERM": [0.1, 0.12, 0.11], "B(1,1)": [0.09, 0.08], "DAT(B(2,1))": [0.07]}


def runs(**changes) -> pd.DataFrame:
    return results.frame(
        results._row(record(seed=seed, error=error, scheme=scheme, **changes))
        for scheme, errors in ERRORS.items()
        for seed, error in enumerate(errors)
    )


def test_summary_has_mean_and_interval_in_per_cent_for_each_setting():
    table = results.summary(runs())
    assert table["scheme"].tolist() == list(ERRORS)
    assert table["n"].tolist() == [3, 2, 1]
    for (_, row), errors in zip(table.iterrows(), ERRORS.values(), strict=True):
        assert row["mean"] == pytest.approx(100 * np.mean(errors))
        if len(errors) == 1:
            assert math.isnan(row["half_width"])
            continue
        theirs = stats.t.interval(
            0.95, len(errors) - 1, loc=100 * np.mean(errors), scale=100 * stats.sem(errors)
        )
        got = row["mean"] - row["half_width"], row["mean"] + row["half_width"]
        assert got == pytest.approx(theirs)


def test_summary_stands_beside_the_papers_row_where_there_is_one():
    table = results.summary(runs()).set_index("scheme")
    for scheme in ("ERM", "B(1,1)"):
        (theirs,) = [s for s in paper.settings("fashion-mnist", "ce") if s.scheme == scheme]
        row = table.loc[scheme]
        assert row["paper_mean"] == pytest.approx(100 * theirs.error)
        assert row["paper_half_width"] == pytest.approx(100 * theirs.half_width)
        assert row["paper_n"] == 100
    none = table.loc["DAT(B(2,1))"]
    assert math.isnan(none["paper_mean"])
    assert math.isnan(none["paper_half_width"])
    assert none["paper_n"] == 0


def test_summary_can_stand_beside_another_data_set_of_the_paper():
    ours = runs(dataset="digits")
    assert results.summary(ours)["paper_n"].tolist() == [0, 0, 0]
    table = results.summary(ours, beside="mnist")
    assert table["paper_n"].tolist() == [100, 100, 0]
    assert table["paper_mean"].tolist()[:2] == pytest.approx([0.816, 0.632])
    assert set(table["dataset"]) == {"digits"}


def test_summary_keeps_data_sets_and_losses_apart():
    both = pd.concat([runs(), runs(dataset="digits")])
    table = results.summary(both)
    assert len(table) == 6
    assert table["n"].tolist() == [3, 2, 1] * 2


def test_summary_refuses_runs_of_several_recipes():
    mixed = pd.concat([runs(), runs(profile="quick", recipe="another")])
    with pytest.raises(
        ValueError, match=r"profiles quick, small\): summarise one recipe at a time"
    ):
        results.summary(mixed)


def test_summary_refuses_no_runs():
    with pytest.raises(ValueError, match=r"runs: there are none to summarise"):
        results.summary(results.frame([]))


def test_a_frame_of_no_runs_has_its_columns():
    assert list(results.frame([]).columns) == REQUIRED
