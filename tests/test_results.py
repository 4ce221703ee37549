"""Records on disk, and their summary against scipy."""

from __future__ import annotations

import errno
import json
import math
import os
import re
import shutil
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from filelock import FileLock
from scipy import stats

import umixup
from umixup import _files as files
from umixup import paper, results
from umixup.experiments._record import row
from umixup.training import Config
from umixup.training.config import digest
from umixup.training.environment import _commit

FIELDS = Config.__dataclass_fields__
REQUIRED = ["dataset", "loss", "scheme", "profile", "seed", "error"]


def record(seed: int = 0, error: float = 0.05, **changes) -> dict:
    """The record of a run of two epochs; ``changes`` are fields of it or of its config."""
    fields = {key: changes.pop(key) for key in list(changes) if key in FIELDS}
    fields.setdefault("augment_test", "augmented_error" in changes)
    config = Config(**{"scheme": "B(1,1)", "epochs": 2, "milestones": (), "seed": seed, **fields})
    plain = json.loads(config.to_json())
    return {
        "schema": results.SCHEMA,
        "hash": config.hash(),
        "profile": config.profile,
        "recipe": results.digest(config.recipe()),
        "config": plain,
        "error": error,
        "augmented_error": None,
        "averaged_epochs": 1,
        "test_errors": [0.5, error],
        "augmented_test_errors": [],
        "train_losses": [1.0, 0.5],
        "seconds": 1.0,
        "data": "f00d",
        "sittings": [{"date": "2026-01-02T00:00:00+00:00", "device": "cpu"}],
        **changes,
    }


# Writing and reading


def test_written_record_loads_as_a_row(tmp_path):
    path = results.write(record(seed=3, error=0.25, test_errors=[0.5, 0.25]), tmp_path / "a" / "b")
    assert path.parent == tmp_path / "a" / "b"
    assert path.name == f"{record(seed=3)['hash']}.json"
    runs = results.load(path.parent)
    assert list(runs.columns[:6]) == REQUIRED
    row = runs.iloc[0]
    assert [row[c] for c in REQUIRED] == ["fashion-mnist", "ce", "B(1,1)", "custom", 3, 0.25]
    assert row["test_errors"] == [0.5, 0.25]


def test_second_record_of_a_config_replaces_the_first_only_when_asked(tmp_path):
    results.write(record(error=0.5), tmp_path)
    with pytest.raises(results.RecordExistsError, match="replace=True"):
        results.write(record(error=0.25), tmp_path)
    assert results.load(tmp_path)["error"].tolist() == [0.5]
    results.write(record(error=0.25), tmp_path, replace=True)
    assert results.load(tmp_path)["error"].tolist() == [0.25]
    assert len(list(tmp_path.glob("*.json"))) == 1


def test_a_packed_record_is_replaced_in_its_packed_file(tmp_path):
    for seed in range(3):
        results.write(record(seed=seed, error=0.5), tmp_path)
    (packed,) = results.pack(tmp_path)
    with pytest.raises(results.RecordExistsError, match=r"jsonl has a record of this config"):
        results.write(record(seed=1, error=0.25), tmp_path)
    later = [{"date": "2026-01-03T00:00:00+00:00", "device": "cpu"}]
    for error in (0.25, 0.125):
        results.write(record(seed=1, error=error, sittings=later), tmp_path, replace=True)
        assert results.load(tmp_path)["error"].tolist() == [0.5, error, 0.5]
        assert len(packed.read_text().splitlines()) == 2
    assert results.pack(tmp_path) == [packed]
    assert results.load(tmp_path)["error"].tolist() == [0.5, 0.125, 0.5]
    for seed in range(3):
        results.write(record(seed=seed), tmp_path, replace=True)
    assert not packed.exists()  # it would be empty


def test_a_record_in_a_file_of_another_name_is_not_replaced(tmp_path):
    copy = results.write(record(error=0.5), tmp_path).rename(tmp_path / "copy.json")
    with pytest.raises(results.RecordExistsError, match=r"copy\.json has a record of this config"):
        results.write(record(error=0.25), tmp_path, replace=True)
    assert list(tmp_path.glob("*.json")) == [copy]


def test_pack_leaves_a_record_that_took_the_place_of_a_packed_one(tmp_path, monkeypatch):
    path = results.write(record(error=0.5), tmp_path)
    newer = json.dumps(record(error=0.25))
    written_whole = files.written_whole

    @contextmanager
    def written_and_replaced(target):
        with written_whole(target) as part:
            yield part
        path.write_text(newer)  # by a process that knows no locks

    monkeypatch.setattr("umixup.experiments.records.written_whole", written_and_replaced)
    results.pack(tmp_path)
    assert path.read_text() == newer


def test_a_field_of_a_record_does_not_stand_in_for_one_of_its_config(tmp_path):
    results.write({**record(seed=3), "seed": 77, "scheme": "ERM", "loss": "nc"}, tmp_path)
    (found,) = results.load(tmp_path).to_dict("records")
    assert (found["seed"], found["scheme"], found["loss"]) == (3, "B(1,1)", "ce")


@pytest.mark.parametrize("name", ["../x", "", None, "ABCDEF0123456789"])
def test_a_record_is_written_under_the_hash_of_a_config_alone(tmp_path, name):
    with pytest.raises(ValueError, match="it must be that of a config"):
        results.write({**record(), "hash": name}, tmp_path / "results")
    assert list(tmp_path.iterdir()) == []


def test_record_of_a_newer_schema_is_never_replaced(tmp_path):
    ours = record()
    newer = {**ours, "schema": results.SCHEMA + 1, "more": 1}
    target = tmp_path / f"{ours['hash']}.json"
    target.write_text(json.dumps(newer))
    for replace in (False, True):
        with pytest.raises(results.RecordExistsError, match="a newer version wrote the record"):
            results.write(ours, tmp_path, replace=replace)
    with pytest.warns(UserWarning, match="move it to your records"):
        assert results.keep(ours, tmp_path).parent != tmp_path
    assert json.loads(target.read_text()) == newer
    with pytest.warns(UserWarning, match="left out"):
        assert results.contents(tmp_path).newer == {ours["hash"]}
    with pytest.warns(UserWarning, match="left out"):
        assert results.pack(tmp_path) == []
    assert target.exists()


@pytest.mark.parametrize("obstacle", ["file", "full"])
def test_record_goes_to_a_safe_place_if_its_folder_fails(tmp_path, monkeypatch, obstacle):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    folder = tmp_path / "results"
    if obstacle == "file":
        folder.write_text("not a folder")
    else:
        monkeypatch.setattr("umixup.experiments.records.written_whole", _full_once(folder))
    with pytest.warns(UserWarning, match=r"cannot be written to .*results .* move it") as caught:
        path = results.keep(record(seed=5), folder)
    assert str(path) in str(caught[0].message)
    assert results.load(path.parent)["seed"].tolist() == [5]


def _full_once(folder: Path):
    """``written_whole`` on a machine where this folder's disk is full."""

    def written(target: Path):
        if target.parent == folder:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(target))
        return files.written_whole(target)

    return written


def test_record_that_can_be_written_nowhere_is_in_the_error(tmp_path, monkeypatch):
    occupied = tmp_path / "results"
    occupied.write_text("not a folder")
    monkeypatch.setattr("tempfile.tempdir", str(occupied))
    with pytest.raises(OSError, match=record(seed=5)["hash"]) as caught:
        results.keep(record(seed=5), occupied)
    assert json.loads(str(caught.value).splitlines()[1]) == record(seed=5)


def test_order_of_loading_does_not_depend_on_order_of_writing(tmp_path):
    for seed in (2, 0, 1):
        results.write(record(seed=seed), tmp_path)
    assert results.load(tmp_path)["seed"].tolist() == [0, 1, 2]


def test_failed_write_leaves_no_file(tmp_path, monkeypatch):
    def half(path, text, **options):
        path.write_bytes(text.encode()[:9])
        raise OSError("disk full")

    monkeypatch.setattr(Path, "write_text", half)
    with pytest.raises(OSError, match="disk full"):
        results.write(record(), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_failed_write_keeps_the_earlier_record(tmp_path):
    results.write(record(error=0.25), tmp_path)
    with pytest.raises(TypeError):
        results.write({**record(), "error": object()}, tmp_path, replace=True)
    assert results.load(tmp_path)["error"].tolist() == [0.25]
    assert len(list(tmp_path.glob("[!.]*"))) == 1


INVALID = {
    "truncated": '{"schema": 1, "hash"',
    "empty": "",
    "bytes": b"\xff\xfe\x00",
    "list": "[1, 2]",
    "null": "null",
    "deep": "[" * 100_000,
    "schema": json.dumps({**record(), "schema": 99}),
    "no-config": json.dumps({"schema": results.SCHEMA, "error": 0.1}),
    "twice": json.dumps(record())[:-1] + ', "error": 0.1}',
    "changed": json.dumps({**record(), "config": record(seed=1)["config"]}),
}
# A record without one of its fields.
INVALID |= {
    f"no-{name}": json.dumps({k: v for k, v in record().items() if k != name}) for name in record()
}
# A record with one impossible value.
INVALID |= {
    f"{name}={value!r:.20}": json.dumps({**record(), name: value})
    for name, values in {
        "error": (7, -1, float("nan"), float("inf"), 10**400, "low", None, True, 0.06),
        "test_errors": ([], [0.05], [0.5, 2], [0.5, "x"], "ab", None, [0.5, 0.01]),
        "augmented_error": ("x", 1.5, [], False, 0.05),
        "augmented_test_errors": ([0.1], [0.1, 3], 1),
        "train_losses": ([1.0], [1.0, float("inf")], {}),
        "seconds": (-1, float("inf"), "1", None),
        "averaged_epochs": (0, -1, 1.5, None, 3),
        "measured": (
            [],
            None,
            [["a", {}]],
            {"a": []},
            [1],
            {"calibration": 1},
            {"calibration": {"ece": 10**400}},
        ),
        "sittings": (
            [{"date": "2026-01-02"}, 5],
            [{"date": "2026-01-02"}, {}],
            [],
            None,
            [1],
            [{}],
            [{"date": 3}],
            [{"date": "soon"}],
            {"date": 1},
        ),
        "schema": (0, -1, True, 1.0, "1", None),
        "recipe": ("one", None, 1),
        "profile": ("small", "", None, 3),
        "data": ("", None, 3),
        "hash": (None, "", "../x", 1),
    }.items()
    for value in values
}
# A record whose config lacks a field that has a default, but that tells runs apart.
INVALID |= {
    f"config-without-{name}": json.dumps({**record(), "config": c, "hash": digest(c)})
    for name in ("dataset", "loss", "scheme", "seed")
    for c in [{k: v for k, v in record()["config"].items() if k != name}]
}
# A record whose hash fits, but whose config is not valid.
INVALID |= {
    f"config.{name}={value!r:.20}": json.dumps({**record(), "config": c, "hash": digest(c)})
    for name, values in {
        "dataset": ("cifar11", None, 3),
        "scheme": ("B(1,", None, "B(1,-1)"),
        "seed": (-1, 1.5, "0", None, True),
        "epochs": (0, 3, 10**400),
        "new": (1,),
    }.items()
    for value in values
    for c in [{**record()["config"], name: value}]
}


@pytest.mark.parametrize("kind", INVALID)
def test_files_that_are_not_records_are_skipped_with_a_warning(tmp_path, kind):
    results.write(record(error=0.25), tmp_path)
    content = INVALID[kind]
    invalid = tmp_path / "invalid.json"
    invalid.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.warns(UserWarning, match=rf"{re.escape(str(invalid))} left out: \w+Error: "):
        runs = results.load(tmp_path)
    assert runs["error"].tolist() == [0.25]


def test_packed_line_that_is_not_a_record_is_reported(tmp_path):
    lines = [json.dumps(record(seed=seed)) for seed in range(3)]
    lines[1] = lines[1][:40]
    (tmp_path / "fashion-mnist.jsonl").write_text("\n".join(lines))
    with pytest.warns(UserWarning, match=r"fashion-mnist\.jsonl:2 left out: JSONDecodeError"):
        assert len(results.load(tmp_path)) == 2
    with (
        pytest.warns(UserWarning, match="left out"),
        pytest.raises(ValueError, match="mend or remove the packed lines first"),
    ):
        results.pack(tmp_path)


def test_failed_runs_are_counted_in_a_warning(tmp_path):
    results.write(record(), tmp_path)
    config = record(seed=7)["config"]
    results.write_failure("abc", config, "FloatingPointError: the loss is nan", tmp_path)
    results.write_failure(record()["hash"], record()["config"], "worked later", tmp_path)
    (tmp_path / f"def{results.FAILED}").write_text("{")
    with pytest.warns(UserWarning, match="2 runs failed and have no row"):
        assert len(results.load(tmp_path)) == 1
    assert results.recorded(tmp_path) == {record()["hash"]}
    reasons = results.failures(tmp_path)
    assert reasons["abc"] == "FloatingPointError: the loss is nan"
    assert "cannot be read" in reasons["def"]


def test_pack_keeps_every_run_in_one_sorted_file_per_data_set(tmp_path):
    for seed in (2, 0, 1):
        results.write(record(seed=seed, error=1 / 3), tmp_path)
        results.write(record(seed=seed, dataset="folder:/a/b@32"), tmp_path)
    before = results.load(tmp_path)
    paths = results.pack(tmp_path)
    assert [path.name for path in paths] == ["fashion-mnist.jsonl", "folder-a-b-32.jsonl"]
    assert not list(tmp_path.glob("*.json"))
    pd.testing.assert_frame_equal(results.load(tmp_path), before)
    seeds = [json.loads(line)["config"]["seed"] for line in paths[0].read_text().splitlines()]
    assert seeds == [0, 1, 2]
    content = paths[0].read_bytes()
    assert results.pack(tmp_path) == paths
    assert paths[0].read_bytes() == content
    results.write(record(seed=3), tmp_path)
    results.pack(tmp_path)
    assert len(results.load(tmp_path)) == 7
    assert results.recorded(tmp_path) == set(results.load(tmp_path)["hash"])


def test_pack_leaves_files_that_are_not_records(tmp_path):
    results.write(record(), tmp_path)
    (tmp_path / "invalid.json").write_text("{")
    with pytest.warns(UserWarning, match=r"invalid\.json left out"):
        results.pack(tmp_path)
    assert (tmp_path / "invalid.json").exists()


@pytest.mark.process
def test_packing_in_two_processes_while_records_are_written_loses_none(tmp_path, run_python):
    code = (
        "import sys; sys.path.insert(0, 'tests')\n"
        "from umixup import results\n"
        f"for _ in range(60): results.pack({str(tmp_path)!r})\n"
    )
    with ThreadPoolExecutor(2) as pool:
        packers = [pool.submit(run_python, code) for _ in range(2)]
        for seed in range(300):
            results.write(record(seed=seed), tmp_path)
            assert seed % 50 or record(seed=seed)["hash"] in results.recorded(tmp_path)
        for packer in packers:
            packer.result()
    assert set(results.load(tmp_path)["seed"]) == set(range(300))


def test_run_recorded_twice_counts_once_and_the_earlier_record_wins(tmp_path):
    path = results.write(record(error=0.5), tmp_path)
    results.pack(tmp_path)
    path.write_text(json.dumps(record(error=0.5)))
    assert len(results.load(tmp_path)) == 1
    earlier = [{"date": "2026-01-01T00:00:00+00:00", "device": "cpu"}]
    path.write_text(json.dumps(record(error=0.25, sittings=earlier)))
    with pytest.warns(UserWarning, match="1 runs are there twice and differ"):
        assert results.load(tmp_path)["error"].tolist() == [0.25]
    later = [{"date": "2026-01-03T00:00:00+00:00", "device": "cpu"}]
    path.write_text(json.dumps(record(error=0.125, sittings=later)))
    with pytest.warns(UserWarning, match="1 runs are there twice and differ"):
        assert results.load(tmp_path)["error"].tolist() == [0.5]


def test_pack_waits_for_another_pack(tmp_path):
    results.write(record(), tmp_path)
    with ThreadPoolExecutor(1) as pool:
        with FileLock(tmp_path / ".pack.lock"):
            packing = pool.submit(results.pack, tmp_path)
            with pytest.raises(TimeoutError):
                packing.result(0.5)
        assert len(packing.result(60)) == 1


@pytest.mark.parametrize("kind", ["folder", "pipe", "dangling link", "loop of links"])
def test_odd_entries_of_a_folder_are_left_out_by_name(tmp_path, kind):
    results.write(record(error=0.25), tmp_path)
    for name in ("x.json", "x.jsonl", f"x{results.FAILED}"):
        path = tmp_path / name
        if kind == "folder":
            path.mkdir()
        elif kind == "pipe":
            os.mkfifo(path)
        else:
            path.symlink_to(tmp_path / ("nowhere" if kind == "dangling link" else name))
    with pytest.warns(UserWarning, match="1 runs failed|left out") as caught:
        assert results.load(tmp_path)["error"].tolist() == [0.25]
    messages = " ".join(str(warning.message) for warning in caught)
    if kind != "dangling link":  # nothing is there: as if packed in the meantime
        assert all(f"{name} left out" in messages for name in ("x.json", "x.jsonl"))


@pytest.mark.process
def test_unreadable_folder_is_an_error_and_not_empty(tmp_path, run_python):
    code = """
import os
import filelock, pandas
from umixup import results
functions = results.load, results.records, results.recorded, results.contents, results.pack
if not os.geteuid():  # permissions do not stop the superuser
    os.setuid(65534)
for function in functions:
    try:
        function("results")
    except PermissionError as error:
        print("refused")
"""
    with tempfile.TemporaryDirectory() as outer:  # others may not enter tmp_path
        os.chmod(outer, 0o755)
        results.write(record(), Path(outer) / "results")
        (Path(outer) / "results").chmod(0o000)
        said = run_python(f"import os; os.chdir({outer!r}){code}")
        (Path(outer) / "results").chmod(0o700)
    assert said.split() == ["refused"] * 5


def test_missing_folder_is_an_error(tmp_path):
    for function in (results.load, results.records, results.recorded, results.pack):
        with pytest.raises(
            FileNotFoundError, match=r"folder = '.*nowhere': there is no such folder"
        ):
            function(tmp_path / "nowhere")


def test_loading_2400_records_takes_a_few_times_as_long_as_json(tmp_path):
    # Under a second where Python reads these lines in a quarter of one; machines differ.
    # 24 settings of 100 runs, each with 200 epochs; in one process, as a reader of the book does.
    epochs = {"epochs": 200, "averaged_epochs": 10, "train_losses": [0.7654321] * 200}
    lines = [
        json.dumps(
            record(
                **{"seed": seed, "scheme": scheme, "loss": loss, "error": 0.1 + seed / 1e4},
                **{"test_errors": [0.1 + seed / 1e4] * 200, **epochs},
            )
        )
        for seed in range(100)
        for loss in ("ce", "nc")
        for scheme in [f"B({k},1)" for k in range(1, 13)]
    ]
    (tmp_path / "fashion-mnist.jsonl").write_text("\n".join(lines))
    start = time.process_time()
    for line in lines:
        json.loads(line)
    middle = time.process_time()
    table = results.summary(results.load(tmp_path))
    print(f"reading {middle - start:.2f} s, all {time.process_time() - middle:.2f} s")
    assert time.process_time() - middle < 4 * (middle - start)
    assert table["n"].tolist() == [100] * 24


def test_other_files_and_half_written_ones_are_ignored(tmp_path):
    (tmp_path / "notes.txt").write_text("no record")
    (tmp_path / ".abc.part").write_text("{")
    runs = results.load(tmp_path)
    assert len(runs) == 0
    assert list(runs.columns) == REQUIRED


def test_environment_is_plain_data_with_versions_and_a_date():
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


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A folder that umixup seems to be in."""
    (tmp_path / "umixup").mkdir()
    (tmp_path / "umixup" / "__init__.py").write_text("x = 1")
    monkeypatch.setattr(umixup, "__file__", str(tmp_path / "umixup" / "__init__.py"))
    _commit.cache_clear()
    yield tmp_path
    _commit.cache_clear()


@needs_git
def test_environment_has_the_commit_and_marks_uncommitted_changes(checkout):
    git(checkout, "init", "--quiet")
    assert results.environment()["commit"] is None
    _commit.cache_clear()
    git(checkout, "add", "umixup")
    git(checkout, "commit", "--quiet", "--message", "first")
    git(checkout, "tag", "-a", "v1", "-m", "a tag")
    commit = git(checkout, "rev-parse", "HEAD")
    assert results.environment()["commit"] == commit
    (checkout / "umixup" / "__init__.py").write_text("x = 2")
    assert results.environment()["commit"] == commit  # this process runs what it has loaded
    _commit.cache_clear()
    assert results.environment()["commit"] == commit + "+changes"


@needs_git
def test_environment_has_the_commit_of_its_own_checkout(checkout, tmp_path_factory, monkeypatch):
    other = tmp_path_factory.mktemp("other")
    for folder in (checkout, other):
        git(folder, "init", "--quiet")
        git(folder, "commit", "--quiet", "--allow-empty", "--message", folder.name)
    commit = git(checkout, "rev-parse", "HEAD")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))  # as in a hook of that one
    assert results.environment()["commit"] == commit


def test_environment_does_not_wait_for_a_git_that_does_not_answer(checkout, monkeypatch):
    (checkout / ".git").mkdir()
    git = checkout / "bin" / "git"
    git.parent.mkdir()
    git.write_text("#!/bin/sh\nsleep 60\n")
    git.chmod(0o755)
    monkeypatch.setenv("PATH", str(git.parent), prepend=os.pathsep)
    monkeypatch.setattr("umixup.training.environment._PATIENCE", 0.2)
    start = time.monotonic()
    assert results.environment()["commit"] is None
    assert time.monotonic() - start < 30


@needs_git
def test_environment_has_no_commit_inside_another_repository(checkout):
    (checkout / "site-packages").mkdir()
    git(checkout, "init", "--quiet")
    git(checkout, "commit", "--quiet", "--allow-empty", "--message", "first")
    (checkout / "umixup").rename(checkout / "site-packages" / "umixup")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(umixup, "__file__", str(checkout / "site-packages/umixup/__init__.py"))
        assert results.environment()["commit"] is None


def test_environment_has_no_commit_without_git(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert results.environment()["commit"] is None


# Summaries


def test_half_width_agrees_with_scipys_t_interval():
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
        row(record(seed=seed, error=error, scheme=scheme, **changes))
        for scheme, errors in ERRORS.items()
        for seed, error in enumerate(errors)
    )


def test_summary_has_mean_and_interval_in_per_cent_for_each_setting():
    table = results.summary(runs())
    assert table["scheme"].tolist() == list(ERRORS)
    assert table["n"].tolist() == [3, 2, 1]
    for (_, found), errors in zip(table.iterrows(), ERRORS.values(), strict=True):
        assert found["mean"] == pytest.approx(100 * np.mean(errors))
        if len(errors) == 1:
            assert math.isnan(found["half_width"])
            continue
        theirs = stats.t.interval(
            0.95, len(errors) - 1, loc=100 * np.mean(errors), scale=100 * stats.sem(errors)
        )
        got = found["mean"] - found["half_width"], found["mean"] + found["half_width"]
        assert got == pytest.approx(theirs)


def test_summary_has_the_papers_row_for_the_same_setting():
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


def test_summary_can_compare_with_another_data_set_of_the_paper():
    ours = runs(dataset="digits")
    assert results.summary(ours)["paper_n"].tolist() == [0, 0, 0]
    table = results.summary(ours, beside="mnist")
    assert table["paper_n"].tolist() == [100, 100, 0]
    assert table["paper_mean"].tolist()[:2] == pytest.approx([0.816, 0.632])
    assert set(table["dataset"]) == {"digits"}


def test_summary_separates_data_sets_and_losses():
    for other in ({"dataset": "digits"}, {"loss": "nc"}):
        table = results.summary(pd.concat([runs(), runs(**other)]))
        assert table["n"].tolist() == [3, 2, 1] * 2


def test_summary_counts_a_run_tested_in_two_ways_once():
    twice = [record(error=0.1), record(error=0.1, augmented_error=0.3), record(seed=1, error=0.2)]
    for order in (twice, twice[::-1]):
        (found,) = results.summary(results.frame(map(row, order))).to_dict("records")
        assert (found["n"], found["augmented_n"]) == (2, 1)
        assert found["mean"] == pytest.approx(15)
        assert found["augmented_mean"] == pytest.approx(30)
        assert math.isnan(found["augmented_half_width"])


def test_released_cosine_is_compared_with_the_papers_nc():
    rows = [row(record(loss=loss)) for loss in ("nc", "nc-released", "ce")]
    table = results.summary(results.frame(rows)).set_index("loss")
    assert table.loc["nc", "paper_mean"] == table.loc["nc-released", "paper_mean"]
    assert table.loc["nc", "paper_mean"] != table.loc["ce", "paper_mean"]


def test_welchs_interval_agrees_with_scipy():
    a, b = (100 * np.array(ERRORS[s]) for s in ("B(1,1)", "ERM"))
    got, theirs = results.welch(a, b), stats.ttest_ind(a, b, equal_var=False)
    assert (got["low"], got["high"]) == pytest.approx(tuple(theirs.confidence_interval()))
    assert got["mean"] == pytest.approx(a.mean() - b.mean())
    assert (got["n_one"], got["n_other"]) == (2, 3)
    assert got["p"] == pytest.approx(theirs.pvalue)
    assert results.welch(iter(a), list(b)) == got
    assert math.isnan(results.welch(a, [1.0])["low"])
    with pytest.raises(ValueError, match="both need a value"):
        results.welch([], [1.0])


def test_verdicts_are_by_the_corrected_p():
    rng = np.random.default_rng(0)
    same, worse, better = (rng.normal(gap, 1, 20) for gap in (0, 3, -3))
    rows = [results.welch(other, same) for other in (worse, better, same + 0.01, [1.0])]
    got = results.verdicts(pd.DataFrame(rows))
    assert got["verdict"].tolist() == ["higher", "lower", "undecided", "too few runs"]
    p = sorted(got["p"][:3])
    assert sorted(got["p_holm"][:3]) == pytest.approx([3 * p[0], 2 * p[1], p[2]])
    assert math.isnan(got["p_holm"][3])


def test_a_verdict_needs_more_than_an_interval_without_zero():
    differences = pd.DataFrame({"low": [0.1] * 3, "high": [2.0] * 3, "p": [0.03] * 3})
    assert set(results.verdicts(differences)["verdict"]) == {"undecided"}
    assert results.verdicts(differences[:1])["verdict"].tolist() == ["higher"]


def test_errors_by_seed_are_what_paired_compares():
    wide = results.by_seed(runs())
    assert wide["B(1,1)"].dropna().tolist() == pytest.approx([100 * e for e in ERRORS["B(1,1)"]])
    found = results.paired(wide["B(1,1)"], wide["ERM"])
    assert (found["n"], len(wide)) == (2, 3)
    with pytest.raises(ValueError, match="several values of 'loss': compare within one"):
        results.by_seed(pd.concat([runs(), runs(loss="nc")]))


@pytest.mark.parametrize("effect", [0.3, 1.0, 3.0])
def test_runs_needed_detect_the_difference_four_times_out_of_five(effect):
    n = int(results.runs_needed(effect, 1.0, 1.0))
    rng = np.random.default_rng(0)

    def found(n):
        a, b = rng.normal(size=(2, 4000, n))
        return np.mean(stats.ttest_ind(a + effect, b, axis=1).pvalue < 0.05)

    assert found(n) > 0.78  # 5 standard deviations below 0.8 is 0.768
    assert n == 2 or found(n - 1) < 0.82


@pytest.mark.parametrize(("name", "other"), [("data", "beef"), ("arithmetic", "bfloat16")])
def test_runs_on_other_data_or_in_other_precision_are_not_averaged(name, other):
    both = pd.concat([runs(), runs().assign(**{name: other})])
    with pytest.warns(UserWarning, match=f"differ in '{name}', which is .*{other}"):
        table = results.summary(both)
    assert table["n"].tolist() == [3, 2, 1] * 2
    assert table[name].nunique() == 2
    with pytest.raises(ValueError, match=f"several values of '{name}'"):
        results.by_seed(both)


@pytest.mark.parametrize(
    ("asked", "devices", "used"),
    [
        ("auto", ["cpu"], "float32"),
        ("auto", ["NVIDIA H200"], "bfloat16"),
        ("auto", ["cpu", "NVIDIA H200"], "bfloat16, float32"),
        ("float32", ["NVIDIA H200"], "float32"),
    ],
)
def test_arithmetic_is_the_precision_that_was_used(asked, devices, used):
    sittings = [{"date": "2026-01-02T00:00:00+00:00", "device": device} for device in devices]
    assert row(record(precision=asked, sittings=sittings))["arithmetic"] == used


def test_runs_needed_in_limiting_cases():
    assert results.runs_needed(0.0, 1.0, 1.0) == math.inf
    assert results.runs_needed(1.0, 0.0, 0.0) == 2
    assert results.runs_needed(1e6, 1.0, 2.0) == 2
    with pytest.raises(ValueError, match=r"power = 1\.0"):
        results.runs_needed(1.0, 1.0, 1.0, power=1.0)
    with pytest.raises(ValueError, match="std = -1"):
        results.runs_needed(1.0, -1.0, 1.0)


def test_summary_refuses_runs_of_several_recipes():
    mixed = pd.concat([runs(), runs().assign(profile="quick", recipe="another")])
    with pytest.raises(
        ValueError, match=r"profiles custom, quick\): summarise one recipe at a time"
    ):
        results.summary(mixed)


@pytest.mark.parametrize(
    ("one", "other", "verdict", "p", "needed"),
    [
        ([1.0] * 5, [1.0] * 5, "undecided", 1.0, math.inf),
        ([1.0] * 5, [2.0] * 5, "lower", 0.0, 2.0),
        ([2.0] * 5, [1.0] * 5, "higher", 0.0, 2.0),
    ],
)
def test_samples_that_do_not_vary_are_compared_by_their_values(one, other, verdict, p, needed):
    found = results.verdicts(pd.DataFrame([results.welch(one, other)])).iloc[0]
    assert (found["low"], found["high"]) == (one[0] - other[0],) * 2
    assert (found["verdict"], found["p"], found["needed"]) == (verdict, p, needed)


def test_runs_needed_for_tiny_differences_follow_the_normal_distribution():
    several = [results.runs_needed(d, 1, 1) for d in (2e-3, 1.01e-3, 0.99e-3, 1e-6, 1e-12)]
    z = stats.norm.ppf([0.975, 0.8]).sum()
    expected = [2 * (z / d) ** 2 for d in (2e-3, 1.01e-3, 0.99e-3, 1e-6, 1e-12)]
    assert several == pytest.approx(expected, rel=1e-5)
    assert results.runs_needed(1e-320, 1, 1) == math.inf


def test_runs_needed_for_a_large_difference_where_scipy_knows_no_power():
    spread = 0.040277615712482055, 0.309929148051531
    assert results.runs_needed(1.7198284361025706, *spread, 0.9) == 2
    assert results.runs_needed(1.72, *spread, 0.9) == 2


def test_summary_refuses_no_runs():
    with pytest.raises(ValueError, match=r"runs: there are none to summarise"):
        results.summary(results.frame([]))


def test_a_frame_of_no_runs_has_its_columns():
    assert list(results.frame([]).columns) == REQUIRED


def test_welch_agrees_with_scipy():
    one, other = [3.0, 4.0, 6.0, 1.0], [2.0, 2.5]
    found = results.welch(one, other)
    test = stats.ttest_ind(one, other, equal_var=False)
    assert (found["n_one"], found["n_other"]) == (4, 2)
    assert found["mean"] == pytest.approx(1.25)
    assert (found["low"], found["high"]) == pytest.approx(tuple(test.confidence_interval()))
    assert found["p"] == pytest.approx(test.pvalue)
    few = results.welch([1.0], [2.0, 3.0])
    assert few["mean"] == -1.5
    assert math.isnan(few["p"])
    with pytest.raises(ValueError, match="both need a value"):
        results.welch([], [1.0])


def test_huge_file_is_left_out_by_name(tmp_path):
    results.write(record(), tmp_path)
    with (tmp_path / "big.json").open("wb") as file:
        file.truncate(2**42)  # no bytes on the disk
    with pytest.warns(UserWarning, match=r"big\.json left out: ValueError: it has 4,398"):
        assert len(results.load(tmp_path)) == 1


def test_long_names_of_data_sets_are_packed(tmp_path):
    results.write(record(dataset="folder:" + "x" * 300), tmp_path)
    (path,) = results.pack(tmp_path)
    assert path.exists()
    assert len(results.load(tmp_path)) == 1
