"""The command line: what its commands do, print and return."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
import torch

from umixup import measures, results, tables, training
from umixup.experiments import cli

TINY = ["--epochs", "1", "--train-size", "160", "--milestones"]
tiny = dict(epochs=1, train_size=160, milestones=())


@pytest.fixture
def umixup(capsys, tmp_path, monkeypatch):
    """Call it in an empty folder: exit status, standard output, standard error."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> tuple[int, str, str]:
        try:
            status = cli.main(arguments)
        except SystemExit as stop:  # what tyro does
            status = stop.code
        return status, *capsys.readouterr()

    return call


def test_train_records_the_run_of_the_config_that_was_asked_for(umixup, tmp_path):
    status, out, _ = umixup("train", "--scheme", "B(1,1)", "--seed", "3", *TINY)
    assert status == 0
    (run,) = results.load(tmp_path / "results").to_dict("records")
    config = training.profile("quick", scheme="B(1,1)", seed=3, **tiny)
    assert run["hash"] == config.hash()
    assert f"error {100 * run['error']:.2f} %" in out
    assert f"{config.hash()}.json" in out


def test_train_starts_from_a_config_in_a_file(umixup, tmp_path):
    status, out, _ = umixup("config", "--profile", "quick")
    assert status == 0
    assert training.Config.from_json(out) == training.profile("quick")
    (tmp_path / "mine.json").write_text(training.profile("quick", seed=5, **tiny).to_json())
    assert umixup("train", "--config", "mine.json", "--loss", "nc")[0] == 0
    (run,) = results.load(tmp_path / "results").to_dict("records")
    assert (run["seed"], run["loss"], run["epochs"]) == (5, "nc", 1)


def test_train_writes_checkpoints_and_resumes(umixup, tmp_path):
    options = ["train", "--checkpoints", "kept", *TINY]
    assert umixup(*options)[0] == 0
    status, _, error = umixup(*options, "--replace")
    assert status == 2
    assert "it holds a run that has begun" in error
    assert umixup(*options, "--resume", "--replace")[0] == 0


def test_train_replaces_a_record_only_when_asked(umixup, tmp_path, monkeypatch):
    assert umixup("train", *TINY)[0] == 0
    before = results.records("results")
    monkeypatch.setattr(training, "train", None)  # it must not begin
    status, _, error = umixup("train", *TINY)
    assert status == 2
    assert "results = 'results': " in error
    assert "has a record of this config; name another folder, or replace it" in error
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    assert umixup("train", *TINY, "--replace")[0] == 0
    (after,) = results.records("results")
    assert after["sittings"] != before[0]["sittings"] or after["seconds"] != before[0]["seconds"]


def test_train_replaces_a_packed_record(umixup):
    assert umixup("train", *TINY)[0] == 0
    (before,) = results.records("results")
    results.pack("results")
    assert umixup("train", *TINY)[0] == 2
    assert umixup("train", *TINY, "--replace")[0] == 0
    (after,) = results.records("results")
    assert after["seconds"] != before["seconds"]


@pytest.mark.parametrize("options", [(), ("--replace",)])
@pytest.mark.parametrize("kind", ["newer", "elsewhere"])
def test_train_does_not_begin_if_its_record_has_no_place(umixup, monkeypatch, options, kind):
    assert umixup("train", *TINY)[0] == 0
    (path,) = Path("results").glob("*.json")
    if kind == "newer":
        path.write_text(json.dumps({**json.loads(path.read_text()), "schema": 99}))
    else:
        path = path.rename("results/copy.json")
    monkeypatch.setattr(training, "train", None)  # it must not begin
    status, _, error = umixup("train", *TINY, *options)
    assert status == 2
    assert path.name in error


def test_run_is_kept_if_the_folder_fails_while_it_trains(umixup, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    train = training.train

    def lose_folder(*given, **options):
        run = train(*given, **options)
        shutil.rmtree("results")
        Path("results").write_text("somebody's file")
        return run

    monkeypatch.setattr(training, "train", lose_folder)
    with pytest.warns(UserWarning, match="cannot be written to results"):
        status, out, _ = umixup("train", *TINY)
    assert status == 0
    path = Path(out.split("; ")[-1].strip())
    assert results.load(path.parent)["error"].notna().all()


def test_run_is_kept_if_measuring_fails(umixup, monkeypatch):
    def fail(*_):
        raise FloatingPointError("an output is nan")

    monkeypatch.setitem(measures.MEASURES, "corruptions", fail)
    status, _, error = umixup("train", "--measures", "corruptions", *TINY)
    assert status == 1
    assert "without measures" in error
    assert "an output is nan" in error
    (kept,) = results.records("results")
    assert kept["hash"] == training.profile("quick", **tiny).hash()


@pytest.mark.parametrize(
    ("arguments", "status", "reason"),
    [
        (["train", "--width", "0"], 2, "width = 0: it must be a whole number"),
        (["train", "--profile", "quik"], 2, "quik"),
        (["train", "--scheme", "B(1,0)"], 2, "beta = 0.0"),
        (["train", "--config", "none.json"], 1, "none.json"),
        (["train", "--config", "a.json", "--profile", "quick"], 2, "name one of them"),
        (["train", "--threads", "0"], 2, "threads = 0"),
        (["train", "--resume"], 2, "resume = True: it needs the folder"),
        (["train", "--results", ""], 2, "results = '': it must not be empty"),
        (["train", "--results", "file"], 2, "results = 'file': it must be a folder to write to"),
        (["train", "--results", "dangling"], 2, "results = 'dangling': it must be a folder"),
        (["train", "--checkpoints", ""], 2, "checkpoints = ''"),
        (["train", "--checkpoints", "file"], 2, "checkpoints = 'file'"),
        (["train", "--config", "utf16.json"], 2, "'utf16.json': it is not text in UTF-8"),
        (["train", "--config", "twice.json"], 2, "'seed' is there twice"),
        (["train", "--config", "."], 1, ".: Is a directory"),
        (["sweep", "--results", "", "--table", "3"], 2, "results = '': it must not be empty"),
        (["sweep", "--table", "3", "--losses"], 2, "losses: name at least one"),
        (["results", "--results", ""], 2, "results = '': it must not be empty"),
        (["results", "--results", "file"], 1, "there is no such folder"),
        (["sweep"], 2, "--table"),
        (["sweep", "--table", "5"], 2, "5"),
        (["sweep", "--table", "3", "--runs", "0"], 2, "runs = 0"),
        (["sweep", "--table", "3", "--losses", "mse"], 2, "mse"),
        (["results"], 1, "there is no such folder"),
        (["data", "check", "minst"], 2, "dataset = 'minst'"),
        (["data", "fetch"], 2, "name the data sets"),
        (["data", "check", "cifar100", "--folder", "."], 1, ""),
        (["nothing"], 2, "nothing"),
        ([], 2, ""),
    ],
)
def test_failure_prints_its_reason_and_has_its_exit_status(umixup, arguments, status, reason):
    Path("file").write_text("not a folder")
    Path("dangling").symlink_to("nowhere")
    Path("utf16.json").write_text('{"seed": 1}', encoding="utf-16")
    Path("twice.json").write_text('{"seed": 1, "seed": 2}')
    got, _, error = umixup(*arguments)
    assert got == status
    assert reason in " ".join(error.replace("│", " ").split())


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (MemoryError(), 1, "umixup: out of memory"),
        (OSError(28, "No space left on device", "a/b"), 1, "umixup: a/b: No space left on device"),
        (ConnectionError("no network"), 1, "umixup: no network"),
        (FloatingPointError("the loss is nan"), 1, "umixup: the loss is nan"),
        (ModuleNotFoundError("art: pip install"), 1, "umixup: art: pip install"),
        (ValueError("x = 3"), 2, "umixup: x = 3"),
    ],
)
def test_what_a_user_can_cause_is_one_line(umixup, monkeypatch, error, status, line):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(training, "train", fail)
    assert umixup("train", *TINY) == (status, "", f"{line}\n")


def test_missing_extra_is_noticed_before_the_first_epoch(umixup, monkeypatch):
    monkeypatch.setattr(training, "train", None)
    monkeypatch.setitem(sys.modules, "art.attacks", None)  # what makes an import fail
    status, _, error = umixup("train", "--measures", "robustness", *TINY)
    assert status == 1
    assert "pip install 'umixup[robustness]'" in error


def test_the_command_without_its_extra_says_what_to_install(monkeypatch):
    from umixup.experiments import _main

    monkeypatch.setitem(sys.modules, "tyro", None)  # what makes an import fail
    for name in [name for name in sys.modules if name.startswith("umixup.experiments.")]:
        if name != "umixup.experiments._main":
            monkeypatch.delitem(sys.modules, name)
    with pytest.raises(SystemExit, match=r"needs tyro: pip install 'umixup\[train\]'"):
        _main.main()


def test_config_file_may_have_a_byte_order_mark(umixup):
    text = training.profile("quick", seed=5, **tiny).to_json()
    Path("mine.json").write_text(text, encoding="utf-8-sig")
    assert umixup("train", "--config", "mine.json")[0] == 0
    assert results.load("results")["seed"].tolist() == [5]


# The command as it is installed, which says when it is the command's turn: before that, Python
# itself starts, for which nobody can promise one line.
LISTENS = """
import sys
from umixup.experiments import _main
load = _main._command
def load_and_say_so():
    print("listening", flush=True)
    return load()
_main._command = load_and_say_so
sys.exit(_main.main())
"""


@pytest.mark.process
@pytest.mark.parametrize("delay", [0, 0.05, 0.2, 0.5, 1.0, 1.5, 2.0, 3.0])
def test_ctrl_c_ends_the_command_at_any_moment_with_one_line(tmp_path, delay):
    command = [sys.executable, "-c", LISTENS, "train", "--profile", "quick", "--epochs", "300"]
    process = subprocess.Popen(
        [*command, "--results", str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert process.stdout.readline() == "listening\n"
    time.sleep(delay)
    process.send_signal(signal.SIGINT)
    start = time.monotonic()
    _, error = process.communicate(timeout=30)
    assert process.returncode == 130, error
    assert time.monotonic() - start < 10
    assert error == "stopped\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.process
def test_output_may_end_before_the_command_does(tmp_path):
    code = "import sys; from umixup import cli; sys.exit(cli.main(['config']))"
    for closed in ("| true", "> /dev/full"):
        done = subprocess.run(
            f'"{sys.executable}" -c "{code}" {closed}',
            shell=True,
            capture_output=True,
            text=True,
            check=False,
        )
        assert "Traceback" not in done.stderr
        assert "Exception" not in done.stderr


@pytest.mark.process
def test_output_survives_a_terminal_without_greek():
    done = subprocess.run(
        [sys.executable, "-m", "umixup.experiments._main", "train", "--help"],
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", ["train", "sweep", "results", "data", "config"])
def test_help_has_examples(umixup, command):
    status, out, _ = umixup(command, "--help")
    assert status == 0
    assert f"    umixup {command}" in out
    assert f"    umixup {command}" in umixup("--help")[1]


def test_train_help_describes_every_field_of_the_config(umixup):
    shown = " ".join(umixup("train", "--help")[1].replace("│", " ").split())
    assert "--width INT of PreActResNet18; 64 in the paper. (default: the profile's)" in shown
    assert "--milestones [INT [INT ...]]" in shown
    for name in vars(training.Config()):
        assert f" --{name.replace('_', '-')}" in shown


@pytest.mark.parametrize(
    ("options", "changes"),
    [
        ([], {}),
        (["--train-size", "None"], dict(train_size=None)),
        (["--train-size", "900", "--flip"], dict(train_size=900, flip=True)),
        (["--no-augment-test", "--learning-rate", "0"], dict(learning_rate=0.0)),
        (["--milestones"], dict(milestones=())),
        (["--milestones", "3", "2", "--seed", "7"], dict(milestones=(2, 3), seed=7)),
    ],
)
@pytest.mark.parametrize("profile", ["quick", "small", "full"])
def test_options_override_the_profile_or_the_file(umixup, monkeypatch, profile, options, changes):
    asked = []

    def note(config, **_):
        asked.append(config)
        raise ValueError("enough")

    monkeypatch.setattr(training, "train", note)
    expected = training.profile(profile, **changes)
    Path("mine.json").write_text(training.profile(profile).to_json())
    for start in (["--profile", profile], ["--config", "mine.json"]):
        assert umixup("train", *start, *options)[0] == 2
    assert asked == [expected, expected]


def test_train_takes_the_measures_that_the_config_asks_for(umixup, tmp_path, monkeypatch):
    monkeypatch.setitem(measures.MEASURES, "corruptions", lambda *_: {"mean": 0.5})
    assert umixup("train", "--measures", "corruptions", *TINY)[0] == 0
    assert results.load(tmp_path / "results")["corruptions.mean"].tolist() == [0.5]


def test_sweep_dry_run_announces_what_sweep_then_does(umixup, tmp_path, monkeypatch):
    asked = []

    def small(table, **options):
        asked.append((table, options))
        schemes = ("ERM", "B(1,1)", "DAT(B(2,1))")
        return [training.profile("quick", scheme=s, **tiny) for s in schemes]

    monkeypatch.setattr(tables, "configs", small)
    options = ["sweep", "--table", "3", "--profile", "quick", "--runs", "7"]
    status, out, _ = umixup(*options, "--dry-run")
    assert status == 0
    assert "3 runs to do, 0 recorded" in out
    assert "not known" in out
    assert not (tmp_path / "results").exists()
    status, out, _ = umixup(*options)
    assert status == 0
    assert out.startswith("3 runs done, 0 there already, 0 failed")
    assert len(results.load(tmp_path / "results")) == 3
    assert "0 runs to do, 3 recorded" in umixup(*options, "--dry-run")[1]
    table, given = asked[0]
    assert table == 3
    assert given == dict(profile="quick", runs=7)


def test_a_sweep_does_the_chosen_rows(umixup, tmp_path):
    table = ["sweep", "--table", "3", "--profile", "quick", "--runs", "9", "--dry-run"]
    assert "90 runs to do" in umixup(*table)[1]
    assert "20 runs to do" in umixup(*table, "--seeds", "3", "5")[1]
    chosen = ["--seeds", "8", "99", "--schemes", "ERM", "B(1.0,1.0)"]
    assert "4 runs to do" in umixup(*table, *chosen)[1]
    for options, message in (
        (["--seeds", "9", "12"], "seeds = 9 12: none of the runs has such a seed"),
        (["--schemes", "ERM", "B(9,9)"], "schemes: B(9,9); there are ERM, B(1,1), "),
        (["--schemes"], "schemes: name at least one"),
        (["--checkpoints", ""], "checkpoints = '': it must not be empty"),
    ):
        asked = table if "checkpoints" not in message else table[:-1]
        status, _, error = umixup(*asked, *options)
        assert status == 2
        assert message in error


def test_a_sweep_with_a_failed_run_ends_with_1(umixup, monkeypatch):
    bad = training.profile("quick", batch_size=10_000, **tiny)
    monkeypatch.setattr(tables, "configs", lambda *_, **__: [bad])
    status, out, error = umixup("sweep", "--table", "3")
    assert status == 1
    assert "1 failed" in out
    assert "failed, 1 runs: ValueError: batch_size = 10000" in error


@pytest.fixture
def recorded(umixup, digits, tmp_path):
    for scheme in ("ERM", "B(1,1)"):
        for seed in (0, 1):
            config = training.profile("quick", scheme=scheme, seed=seed, **tiny)
            run = training.train(config, data=digits, progress=False)
            results.write(run.record(), tmp_path / "results")
    return tmp_path / "results"


def test_results_next_to_the_papers(umixup, recorded):
    table = ["results", "--table", "3", "--profile", "custom", "--dataset", "digits"]
    status, out, _ = umixup(*table)
    assert status == 0
    head, erm, mixup = out.splitlines()
    for name in ("setting", "error, %", "runs", "paper, %"):
        assert name in head
    assert "2 of 100" in erm
    assert "0.816 ± 0.007" in erm
    assert "MixUp" in mixup
    other = training.profile("quick", scheme="B(3,3)", **{**tiny, "epochs": 2})  # of no table
    results.write(training.train(other, progress=False).record(), recorded)
    assert umixup(*table)[1] == out


def test_results_as_csv_and_json_are_the_summary(umixup, recorded, tmp_path):
    (tmp_path / "out.csv").write_text(umixup("results", "--csv")[1])
    csv = pd.read_csv(tmp_path / "out.csv")
    rows = json.loads(umixup("results", "--json")[1])
    summary = results.summary(results.load(recorded))
    for column in ("mean", "half_width"):
        assert csv[column].tolist() == pytest.approx(summary[column].tolist())
        assert [row[column] for row in rows] == pytest.approx(summary[column].tolist())
    assert umixup("results", "--csv", "--json")[0] == 2
    status, _, error = umixup("results", "--dataset", "mnist")
    assert status == 2
    assert "no runs with dataset = 'mnist'" in error


def test_results_are_packed(umixup, recorded):
    before = umixup("results")[1]
    status, out, _ = umixup("results", "pack")
    assert status == 0
    assert out.strip().endswith("digits.jsonl")
    assert [path.name for path in recorded.glob("*.json*")] == ["digits.jsonl"]
    assert umixup("results")[1] == before


def test_data_sets_are_listed_and_checked(umixup):
    status, out, _ = umixup("data", "list", "digits", "cifar100", "--folder", ".")
    assert status == 0
    digits, cifar100 = out.splitlines()
    assert "1,437 + 360 images of 1×8×8, 10 classes" in digits
    assert cifar100.split() == ["cifar100", "not", "here"]
    status, out, _ = umixup("data", "check", "digits")
    assert status == 0


def test_ctrl_c_ends_with_130(umixup, monkeypatch):
    def pressed(*_, **__):
        raise KeyboardInterrupt("stopped after 1 of 2 epochs")

    monkeypatch.setattr(training, "train", pressed)
    status, _, error = umixup("train")
    assert status == 130
    assert "stopped after 1 of 2 epochs" in error


def test_threads_are_set(umixup, monkeypatch):
    seen = []

    def count(*_, **__):
        seen.append(torch.get_num_threads())
        raise ValueError("enough")

    monkeypatch.setattr(training, "train", count)
    before = torch.get_num_threads()
    try:
        umixup("train", "--threads", "2")
    finally:
        torch.set_num_threads(before)
    assert seen == [2]


@pytest.mark.process
def test_installed_command_runs():
    command = Path(sys.executable).with_name("umixup")
    if not command.exists():
        command = shutil.which("umixup")
    done = subprocess.run(
        [command, "config", "--profile", "small"], capture_output=True, text=True, check=True
    )
    assert training.Config.from_json(done.stdout) == training.profile("small")


def test_sweep_takes_a_table_or_a_study(capsys, tmp_path):
    dry = ["sweep", "--results", str(tmp_path / "none"), "--dry-run"]
    assert cli.main([*dry, "--study", "pairings", "--runs", "2"]) == 0
    assert capsys.readouterr().out.startswith("20 runs to do, 0 recorded")
    assert cli.main([*dry, "--study", "alpha"]) == 0
    assert capsys.readouterr().out.startswith("96 runs to do")
    for wrong, why in (
        ([], "--table or --study: name one"),
        (["--table", "3", "--study", "alpha"], "--table or --study: name one"),
        (["--study", "alpha", "--losses", "ce"], "losses: only with a table"),
        (["--study", "alpha", "--profile", "full"], "profile: only with a table"),
        (["--study", "beta"], "it must be one of digits-table"),
        (["--study", "alpha", "--runs", "0"], "runs = 0"),
    ):
        assert cli.main([*dry, *wrong]) == 2
        assert why in capsys.readouterr().err


@pytest.mark.process
@pytest.mark.parametrize("closed", ["1", "2"])
def test_a_closed_stream_does_not_end_a_run(tmp_path, closed):
    command = f'"{sys.executable}" -m umixup.experiments._main train {" ".join(TINY)} {closed}>&-'
    done = subprocess.run(command, shell=True, cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(results.load(tmp_path / "results")) == 1


@pytest.mark.process
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has it")
def test_a_full_disk_for_the_output_is_one_line(tmp_path):
    command = f'"{sys.executable}" -m umixup.experiments._main train {" ".join(TINY)} >/dev/full'
    done = subprocess.run(command, shell=True, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "No space left" in done.stderr
    assert len(results.load(tmp_path / "results")) == 1


@pytest.mark.process
def test_files_of_results_have_all_letters(tmp_path):
    config = training.profile("quick", dataset="folder:λ", **tiny)
    run = training.train(training.profile("quick", **tiny), progress=False)
    recipe = results.digest(config.recipe())
    record = {**run.record(), "config": config.plain(), "hash": config.hash(), "recipe": recipe}
    results.write(record, tmp_path / "results")
    for kind in ("--csv", "--json"):
        done = subprocess.run(
            [sys.executable, "-m", "umixup.experiments._main", "results", kind],
            cwd=tmp_path,
            capture_output=True,
            check=True,
            env={**os.environ, "PYTHONIOENCODING": "ascii"},
        )
        assert "folder:λ" in done.stdout.decode()


@pytest.mark.process
def test_help_fits_into_no_terminal_at_all(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "umixup.experiments._main", "train", "--help"],
        capture_output=True,
        text=True,
        env={**os.environ, "COLUMNS": "1"},
        timeout=60,
        check=True,
    )
    assert "--scheme" in done.stdout
