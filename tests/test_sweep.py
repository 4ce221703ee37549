"""Sweeps: what is done and skipped, and what is left when something dies; with real processes."""

from __future__ import annotations

import json
import math
import multiprocessing
import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from unittest.mock import ANY

import distributed
import pytest
import torch
from PIL import Image
from processes import alive, until

from umixup import results, sweep, training
from umixup.experiments import _drive, clusters, executors, measures, tables, worker
from umixup.experiments.sweep import SweepStoppedError
from umixup.training import Config, Trainer, profile

TINY = dict(epochs=1, train_size=160, milestones=(), batch_size=64)
CONFIGS = [profile("quick", scheme="B(1,1)", seed=seed, **TINY) for seed in range(6)]


LIBRARY = str(Path(sweep.__file__).parents[2])


def environment(**more: str) -> dict[str, str]:
    """For a Python process that finds the library."""
    return {"PYTHONPATH": LIBRARY, **os.environ, **more}


def errors_and_losses(folder) -> dict[str, tuple]:
    """The errors and losses in a folder of records, by hash; there must be no other files."""
    found = {}
    for path in Path(folder).iterdir():
        record = results.read(path)
        assert path.name == f"{record['hash']}.json"
        found[record["hash"]] = record["error"], record["test_errors"], record["train_losses"]
    return found


def threads_of(folder) -> list[int]:
    return [
        sitting["threads"] for record in results.records(folder) for sitting in record["sittings"]
    ]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> dict[str, tuple]:
    folder = tmp_path_factory.mktemp("undisturbed")
    sweep.run(CONFIGS, folder)
    return errors_and_losses(folder)


# Read by each new Python as it starts: makes workers wait where there is a pipe for their config.
WAIT = """
import os, sys
from pathlib import Path
if "--multiprocessing-fork" in sys.orig_argv or "distributed.cli.dask_worker" in sys.orig_argv:
    from umixup.experiments import worker
    train = worker.train
    def waiting(config, **options):
        pipe = Path(os.environ["PIPES"], config.hash())
        if pipe.exists():
            pipe.read_bytes()
        return train(config, **options)
    worker.train = waiting
"""


class Stuck:
    """A config whose run waits in a worker process: for the end of a pipe, until ``release``."""

    def __init__(self, pipes: Path, seed: int) -> None:
        self.config = replace(CONFIGS[0], seed=seed)
        self.path = pipes / self.config.hash()
        os.mkfifo(self.path)

    def worker(self) -> int:
        """The process that waits, once it does."""

        def opened():
            try:  # without blocking: a test that failed would wait for a reader for ever
                return os.fdopen(os.open(self.path, os.O_WRONLY | os.O_NONBLOCK), "wb")
            except OSError:
                return None

        with until(opened) as pipe:

            def reads(process: str) -> bool:
                try:
                    links = [os.readlink(link) for link in Path(process, "fd").iterdir()]
                except OSError:
                    return False
                return str(self.path) in links and int(process[6:]) != os.getpid()

            process = until(lambda: next(filter(reads, all_processes()), None))
            self.pipe = os.dup(pipe.fileno())  # or the reader would see the pipe's end
        return int(process[6:])

    def kill_worker(self) -> None:
        os.kill(pid := self.worker(), signal.SIGKILL)
        until(lambda: not alive(pid))  # or it might be found again
        os.close(self.pipe)

    def release(self) -> None:
        self.path.unlink(missing_ok=True)


def all_processes() -> list[str]:
    return [f"/proc/{name}" for name in os.listdir("/proc") if name.isdigit()]


@pytest.fixture
def stuck(tmp_path, monkeypatch):
    (folder := tmp_path / "pipes").mkdir()
    (folder / "sitecustomize.py").write_text(WAIT)
    monkeypatch.setenv("PIPES", str(folder))
    monkeypatch.setenv("PYTHONPATH", f"{LIBRARY}{os.pathsep}{folder}")
    return [Stuck(folder, 100), Stuck(folder, 101)]


@pytest.fixture
def in_thread(stuck):
    """Call a function in a thread that ends even if the test fails."""
    pool = ThreadPoolExecutor(1)
    yield pool.submit
    for one in stuck:
        one.release()
    for child in multiprocessing.active_children():
        child.kill()
    pool.shutdown()


def children(pid: int) -> list[int]:
    lists = Path(f"/proc/{pid}/task").glob("*/children")  # each thread has its own
    return [int(child) for text in lists for child in text.read_text().split()]


COMMAND = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores it
if __name__ == "__main__":
    from umixup.experiments.cli import main
    raise SystemExit(main())
"""

DRIVER = """
import json, os, signal, sys
from dataclasses import asdict
from umixup import sweep
from umixup.training import Config
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores it
given = json.loads(os.environ["GIVEN"])
configs = [Config.from_json(json.dumps(c)) for c in given["configs"]]
print("ready", flush=True)
sys.stdin.readline()
report = sweep.run(configs, given["folder"], **given["options"])
print(json.dumps(asdict(report)))
"""


def start_driver(configs, folder, **options) -> subprocess.Popen:
    """A sweep in a process group of its own, that waits for a line."""
    given = dict(configs=[asdict(c) for c in configs], folder=str(folder), options=options)
    return subprocess.Popen(
        [sys.executable, "-c", DRIVER],
        env=environment(GIVEN=json.dumps(given)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


# What is done


def test_sweep_records_each_config_once(tmp_path, undisturbed):
    report = sweep.run(iter(CONFIGS[:3] + CONFIGS[:1]), tmp_path / "new" / "folder")
    assert (report.done, report.skipped, report.failed) == (3, 0, {})
    assert report.seconds > 0
    report = sweep.run(CONFIGS[:4], tmp_path / "new" / "folder")
    assert (report.done, report.skipped, report.failed) == (1, 3, {})
    assert str(report).startswith("1 runs done, 3 there already, 0 failed, in ")
    assert errors_and_losses(tmp_path / "new" / "folder") == {
        config.hash(): undisturbed[config.hash()] for config in CONFIGS[:4]
    }


def test_run_recorded_by_another_driver_is_skipped(tmp_path, monkeypatch, undisturbed):
    elsewhere = tmp_path / "elsewhere"
    sweep.run(CONFIGS[:2], elsewhere)
    train = training.train

    def slow(config, **options):  # the other driver does all while this one does its first
        for path in elsewhere.iterdir():
            if path.stem != config.hash():
                shutil.copy2(path, tmp_path / "ours")
        return train(config, **options)

    monkeypatch.setattr(worker, "train", slow)
    report = sweep.run(CONFIGS[:2], tmp_path / "ours")
    assert (report.done, report.skipped) == (1, 1)


def test_data_set_is_loaded_once(tmp_path, monkeypatch):
    loaded, load = [], training.data.load
    monkeypatch.setattr(
        training.data, "load", lambda *given: loaded.append(given[0]) or load(*given)
    )
    sweep.run(CONFIGS[:3], tmp_path)
    assert loaded == ["digits"]


@pytest.mark.process
def test_processes_use_the_requested_threads(tmp_path):
    report = sweep.run(CONFIGS[:2], tmp_path, workers=2, threads=2)
    assert report.failed == {}
    assert threads_of(tmp_path) == [2, 2]


def test_number_of_threads_is_restored(tmp_path):
    before = torch.get_num_threads()
    sweep.run(CONFIGS[:1], tmp_path, threads=before + 1)
    assert torch.get_num_threads() == before
    assert threads_of(tmp_path) == [before + 1]


def test_threads_of_one_process_do_one_run_at_a_time(tmp_path, undisturbed):
    with ThreadPoolExecutor(3) as pool:
        assert sweep.run(CONFIGS, tmp_path, executor=pool).done == 6
    assert errors_and_losses(tmp_path) == undisturbed


def test_bar_is_shown_on_request_only(tmp_path, capsys):
    sweep.run(CONFIGS[:1], tmp_path)
    assert capsys.readouterr().err == ""
    diverges = replace(CONFIGS[1], learning_rate=1e30)
    sweep.run([*CONFIGS[:2], diverges], tmp_path, progress=True)
    shown = capsys.readouterr().err
    assert " 1/3 " in shown  # one was there
    assert " 3/3 " in shown
    assert "failed=1" in shown


# What fails


def test_failed_run_is_retried_and_then_recorded_as_a_failure(tmp_path, monkeypatch):
    diverges = replace(CONFIGS[0], learning_rate=1e30)
    tried, train = [], training.train
    monkeypatch.setattr(worker, "train", lambda c, **o: tried.append(c) or train(c, **o))
    report = sweep.run([diverges, CONFIGS[1]], tmp_path)
    assert tried.count(diverges) == 2
    assert tried.count(CONFIGS[1]) == 1
    assert (report.done, report.skipped) == (1, 0)
    assert list(report.failed) == [diverges.hash()]
    assert "FloatingPointError: epoch 1, step" in report.failed[diverges.hash()]
    assert results.failures(tmp_path) == report.failed
    written = json.loads((tmp_path / f"{diverges.hash()}.failed.json").read_text())
    assert Config.from_json(json.dumps(written["config"])) == diverges
    assert written["environment"] == {**results.environment(), "date": ANY}
    with pytest.warns(UserWarning, match=r"1 runs failed and have no row; um\.results\.failures"):
        assert len(results.load(tmp_path)) == 1


def test_later_sweep_retries_failures_and_clears_them(tmp_path, monkeypatch, undisturbed):
    with monkeypatch.context() as patch:
        patch.setattr(worker, "train", lambda *_, **__: 1 / 0)
        report = sweep.run(CONFIGS, tmp_path, retries=0)
    assert list(report.failed.values()) == ["ZeroDivisionError: division by zero"] * 6
    assert sweep.plan(CONFIGS, tmp_path).done == 0
    assert sweep.run(CONFIGS, tmp_path).done == 6
    assert errors_and_losses(tmp_path) == undisturbed
    assert results.failures(tmp_path) == {}


def test_invalid_records_are_reported_and_replaced(tmp_path, undisturbed):
    sweep.run(CONFIGS[:3], tmp_path)
    half, invalid, _ = (tmp_path / f"{config.hash()}.json" for config in CONFIGS[:3])
    half.write_bytes(half.read_bytes()[:100])
    invalid.write_text('{"schema": 0}')
    with pytest.warns(UserWarning, match="left out") as warned:
        report = sweep.run(CONFIGS, tmp_path)
    named = " ".join(str(w.message) for w in warned)
    assert str(half) in named
    assert str(invalid) in named
    assert (report.done, report.skipped) == (5, 1)
    assert errors_and_losses(tmp_path) == undisturbed


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            dict(executor="cloud"),
            r"executor = 'cloud': it must be one of here, processes",
        ),
        (dict(workers=0), r"workers = 0: it must be a whole number from 1 to \d+$"),
        (dict(workers=-2), r"workers = -2: "),
        (dict(workers=1.5), r"workers = 1\.5: "),
        (dict(workers=100_000), r"workers = 100000: "),
        (dict(workers=100_000, executor="slurm"), r"workers = 100000: .* from 1 to 10000$"),
        (dict(threads=0), r"threads = 0: it must be a whole number from 1 to 1024"),
        (dict(threads=100_000), r"threads = 100000: "),
        (dict(retries=-1), r"retries = -1: it must be a whole number from 0 to 100"),
        (dict(retries=10**9), r"retries = 1000000000: "),
        (dict(patience=-1), r"patience = -1: it must be finite and ≥ 0"),
        (dict(patience=math.nan), r"patience = nan: "),
    ],
)
def test_invalid_options_are_refused(tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        sweep.run(CONFIGS[:1], tmp_path / "new", **options)
    if options.keys() <= {"executor", "workers", "threads"}:
        with pytest.raises(ValueError, match=message):
            sweep.plan(CONFIGS[:1], tmp_path, **options)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(TypeError, match=r"configs: expected training\.Config, got str"):
        sweep.run(["digits"], tmp_path)


def test_old_half_written_files_are_removed(tmp_path):
    old, young = tmp_path / ".old.1.part", tmp_path / ".young.1.part"
    old.touch()
    young.touch()
    os.utime(old, (0, 0))
    sweep.run(CONFIGS[:1], tmp_path)
    assert set(tmp_path.iterdir()) == {young, tmp_path / f"{CONFIGS[0].hash()}.json"}


def test_half_written_files_are_dated_by_the_clock_of_their_disk(tmp_path, monkeypatch):
    live = tmp_path / ".live.part"
    live.touch()
    now = time.time()
    with monkeypatch.context() as patch:
        patch.setattr(time, "time", lambda: now + 7200)  # our clock is two hours ahead
        sweep.run(CONFIGS[:1], tmp_path)
    assert live.exists()


def test_record_that_cannot_be_written_is_kept_elsewhere(tmp_path, monkeypatch, undisturbed):
    folder, train = tmp_path / "records", training.train

    def train_and_lose_the_folder(config, **options):
        run = train(config, **options)
        shutil.rmtree(folder)
        folder.touch()
        return run

    monkeypatch.setattr(worker, "train", train_and_lose_the_folder)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.warns(UserWarning, match="cannot be written to"):
        report = sweep.run(CONFIGS[:2], folder)
    first = next(config for config in CONFIGS[:2] if config.hash() in report.elsewhere)
    second = next(config for config in CONFIGS[:2] if config != first)
    assert (report.done, list(report.failed)) == (1, [second.hash()])
    assert "it must be a folder to write to" in report.failed[second.hash()]
    path = report.elsewhere[first.hash()]
    assert str(path) in str(report)
    assert results.read(path)["error"] == undisturbed[first.hash()][0]


@pytest.mark.parametrize("obstacle", ["folder", "damaged file"])
def test_what_bears_the_name_of_a_record_does_not_lose_one(tmp_path, monkeypatch, obstacle):
    folder = tmp_path / "records"
    path = folder / f"{CONFIGS[0].hash()}.json"
    path.mkdir(parents=True) if obstacle == "folder" else folder.mkdir()
    if obstacle == "damaged file":
        path.write_text("{")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with warnings.catch_warnings(action="ignore"):
        report = sweep.run(CONFIGS[:1], folder)
    assert report.done == 1
    place = report.elsewhere.get(CONFIGS[0].hash(), path)
    assert (place == path) == (obstacle == "damaged file")
    assert results.read(place)["hash"] == CONFIGS[0].hash()


def test_run_that_cannot_be_measured_is_kept_without_measures(tmp_path, monkeypatch):
    def fail(*_):
        raise FloatingPointError("an output is nan")

    monkeypatch.setitem(measures.MEASURES, "corruptions", fail)
    config = replace(CONFIGS[0], measures=("corruptions",))
    report = sweep.run([config], tmp_path, retries=0)
    assert report.done == 0
    assert "an output is nan; the run is in " in report.failed[config.hash()]
    (kept,) = results.records(tmp_path)
    assert kept["hash"] == CONFIGS[0].hash()


def test_a_run_goes_on_from_its_checkpoint(tmp_path, monkeypatch):
    config = replace(CONFIGS[0], epochs=3)
    sweep.run([config], tmp_path / "unbroken")
    kept, own = tmp_path / "kept", tmp_path / "kept" / config.hash()
    close, epochs = Trainer._close_epoch, []

    def stopped(trainer):
        close(trainer)
        epochs.append(trainer.epoch)
        if trainer.epoch == 2 and epochs.count(2) == 1:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(Trainer, "_close_epoch", stopped)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background ignores it
    with pytest.raises(KeyboardInterrupt, match="stopped: 0 of 1 runs are recorded"):
        sweep.run([config], tmp_path / "records", checkpoints=kept)
    assert list(own.glob("epoch-0002-*.pt"))
    assert sweep.run([config], tmp_path / "records", checkpoints=kept).done == 1
    assert epochs == [1, 2, 3]
    assert not own.exists()
    assert errors_and_losses(tmp_path / "records") == errors_and_losses(tmp_path / "unbroken")
    [record] = results.records(tmp_path / "records")
    assert len(record["sittings"]) == 2


@pytest.mark.parametrize("call", [sweep.run, sweep.plan])
def test_an_empty_folder_name_is_refused(call):
    with pytest.raises(ValueError, match="folder = '': it must not be empty"):
        call(CONFIGS[:1], "")


def test_record_of_a_newer_umixup_is_left_alone(tmp_path, monkeypatch):
    sweep.run(CONFIGS[:1], tmp_path)
    path = tmp_path / f"{CONFIGS[0].hash()}.json"
    path.write_text(text := json.dumps({**json.loads(path.read_text()), "schema": 99}))
    with pytest.warns(UserWarning, match="left out"):
        report = sweep.run(CONFIGS[:2], tmp_path)
    assert (report.done, report.skipped) == (1, 1)
    with pytest.warns(UserWarning, match="left out"):
        assert sweep.plan(CONFIGS[:2], tmp_path).todo == []
    monkeypatch.delattr(worker, "train")
    assert worker.work(CONFIGS[0], str(tmp_path), None, None) is None  # written meanwhile
    assert path.read_text() == text


def test_run_without_memory_fails_with_a_hint_and_the_sweep_goes_on(tmp_path):
    report = sweep.run([replace(CONFIGS[0], width=2**17), CONFIGS[1]], tmp_path, retries=0)
    assert report.done == 1
    assert "fewer workers, a smaller batch_size" in next(iter(report.failed.values()))


# Data that change


def write_images(folder: Path, shade: int) -> None:
    for part in ("train", "test"):
        for name in "ab":
            (folder / part / name).mkdir(parents=True, exist_ok=True)
            for k in range(8):
                image = Image.new("RGB", (8, 8), (20 * k, shade, 200 * (name == "a")))
                image.save(folder / part / name / f"{k}.png")


@pytest.fixture
def images(tmp_path, monkeypatch):
    """A folder of images, and configs that train on them."""
    monkeypatch.setenv("UMIXUP_DATA", str(tmp_path))
    write_images(tmp_path / "images", 0)
    recipe = dict(width=8, epochs=1, milestones=(), crop_padding=0, batch_size=4)
    configs = [Config("folder:images", seed=seed, **recipe) for seed in range(4)]
    return tmp_path / "images", configs


def test_runs_on_changed_data_do_not_join_the_recorded_ones(tmp_path, images):
    folder, configs = images
    out = tmp_path / "records"
    others = [CONFIGS[0], replace(configs[0], train_size=8)]  # that need not be left out
    assert sweep.run(configs[:2], out).done == 2
    write_images(folder, 100)
    reason = r"dataset = 'folder:images': 2 of the runs recorded in .* used other data than is here"
    with pytest.warns(UserWarning, match=reason) as warned:
        report = sweep.run([*configs, *others], out)
    assert len(warned) == 1
    assert (report.done, report.skipped) == (2, 2)
    assert report.failed.keys() == {config.hash() for config in configs[2:]}
    with pytest.warns(UserWarning, match=reason):  # also if nothing is to do
        sweep.run(configs[:2], out)
    write_images(folder, 0)
    assert sweep.run(configs, out).done == 2


def test_worker_with_other_data_fails_the_run(tmp_path, images, monkeypatch):
    folder, configs = images
    expected = training.data.load("folder:images").fingerprint()
    assert isinstance(worker.work(configs[0], str(tmp_path / "out"), None, expected), dict)
    write_images(folder, 100)  # a worker of a cluster still has the old ones in memory
    new = training.data.load("folder:images").fingerprint()
    assert isinstance(worker.work(configs[1], str(tmp_path / "out"), None, new), dict)
    failure = worker.work(configs[2], str(tmp_path / "out"), None, expected)
    assert f"its fingerprint on {platform.node()} is {new}, but {expected}" in failure
    monkeypatch.setenv("UMIXUP_DATA", str(tmp_path / "none"))  # not on this machine
    failure = worker.work(configs[3], str(tmp_path / "out"), None, expected)
    assert failure.startswith("FileNotFoundError: dataset = 'folder:images'")
    assert failure.endswith(f"(on {platform.node()})")


def test_recorded_runs_need_no_data(tmp_path, images):
    folder, configs = images
    sweep.run(configs[:2], tmp_path / "records")
    shutil.rmtree(folder)
    assert sweep.run(configs[:2], tmp_path / "records").skipped == 2
    for executor in (None, "processes", "dask"):
        with pytest.raises(FileNotFoundError, match="dataset = 'folder:images'"):
            sweep.run(configs, tmp_path / "records", executor=executor)


# What dies


@pytest.mark.process
def test_killed_worker_costs_one_attempt_of_one_run(tmp_path, stuck, in_thread, undisturbed):
    once, twice = stuck
    folder = tmp_path / "records"
    configs = [*CONFIGS, once.config, twice.config]
    running = in_thread(sweep.run, configs, folder, workers=2, threads=1)
    pid = once.worker()
    once.release()
    os.kill(pid, signal.SIGKILL)
    for _ in range(2):
        twice.kill_worker()
    report = running.result(300)
    assert report.done == 7
    assert list(report.failed) == [twice.config.hash()]
    assert "was it killed, or out of memory" in report.failed[twice.config.hash()]
    twice.release()
    assert sweep.run(configs, folder).done == 1
    found = errors_and_losses(folder)  # and no failures
    assert found.keys() == {config.hash() for config in configs}
    assert {identity: found[identity] for identity in undisturbed} == undisturbed


@pytest.mark.process
def test_workers_killed_without_a_run_are_replaced():
    with executors.open_executor("processes") as pool:
        for _ in range(3):
            pid = pool.submit(os.getpid).result(120)
            time.sleep(1)  # it still holds the queue's lock when its result is here
            os.kill(pid, signal.SIGKILL)
            until(lambda pid=pid: not alive(pid))


@pytest.mark.process
@pytest.mark.parametrize("name", ["SIGKILL", "SIGINT"])
def test_workers_end_with_the_driver_and_a_rerun_completes(tmp_path, stuck, undisturbed, name):
    waits, folder = stuck[0], tmp_path / "records"
    driver = start_driver([*CONFIGS, waits.config], folder, workers=2, threads=1)
    try:
        driver.stdin.write("\n")
        driver.stdin.flush()
        assert alive(waits.worker())
        until(lambda: len(list(folder.glob("*.json"))) >= 2)
        workers = children(driver.pid)
        assert len(workers) >= 2
        os.killpg(driver.pid, signal.SIGINT) if name == "SIGINT" else driver.kill()
        error = driver.communicate(timeout=300)[1]
    finally:
        driver.kill()
    until(lambda: not any(map(alive, workers)), 10)
    recorded = len(list(folder.glob("*.json")))
    if name == "SIGINT":
        assert f"KeyboardInterrupt: stopped: {recorded} of 7 runs are recorded in" in error
        assert "the same call goes on with the rest" in error
    waits.release()
    report = sweep.run([*CONFIGS, waits.config], folder)
    assert (report.done, report.skipped) == (7 - recorded, recorded)
    for part in folder.glob(".*.part"):  # left by what was killed; removed once they are old
        part.unlink()
    found = errors_and_losses(folder)
    assert len(found) == 7
    assert {identity: found[identity] for identity in undisturbed} == undisturbed


def of_session(number: int) -> list[int]:
    """The processes that a process started with this id, and those that they started."""
    found = []
    for process in all_processes():
        with suppress(OSError):
            state, _, _, session = Path(process, "stat").read_text().split(") ")[1].split()[:4]
            if int(session) == number and state not in "ZX":
                found.append(int(process[6:]))
    return found


@pytest.mark.process
@pytest.mark.parametrize(
    ("moment", "name", "to_all", "times"),
    [
        ("workers start", "SIGINT", True, 1),
        ("workers start", "SIGTERM", False, 2),
        ("a run waits", "SIGINT", True, 2),
        ("a run waits", "SIGTERM", False, 1),
        ("a run waits", "SIGTERM", True, 1),
    ],
)
def test_a_signal_ends_the_command_with_one_line(tmp_path, stuck, moment, name, to_all, times):
    waits, folder = stuck[0], tmp_path / "records"
    configs = tables.configs(3, runs=1, profile="quick", losses=("ce",))
    waits.path = waits.path.rename(waits.path.with_name(configs[0].hash()))
    options = "--table 3 --profile quick --losses ce --runs 1 --workers 2 --threads 1"
    command = subprocess.Popen(
        [sys.executable, "-c", COMMAND, "sweep", *options.split(), "--results", folder],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        if moment == "workers start":
            until(lambda: len(children(command.pid)) >= 3)  # with multiprocessing's own
            started = children(command.pid)
            time.sleep(0.3)  # they import torch
            for pid in started:
                os.kill(pid, signal.SIGINT)
            time.sleep(0.5)
            assert all(map(alive, started))
        else:
            waits.worker()
            until(lambda: list(folder.glob("*.json")))
        start = time.monotonic()
        for _ in range(times):
            (os.killpg if to_all else os.kill)(command.pid, getattr(signal, name))
            time.sleep(0.02)
        output, error = command.communicate(timeout=60)
        assert time.monotonic() - start < 20
        assert command.returncode in ((130,) if times == 1 else (130, -signal.SIGTERM))
        assert output == ""
        until(lambda: not of_session(command.pid), 5)
    finally:
        for pid in of_session(command.pid):
            os.kill(pid, signal.SIGKILL)
    recorded = len(results.recorded(folder))
    assert error.startswith(f"stopped: {recorded} of 5 runs are recorded in {folder}; the same")
    assert error.count("\n") == 1
    assert {path.suffix for path in folder.iterdir()} <= {".json"}


@pytest.mark.process
def test_two_drivers_share_a_folder(tmp_path):
    configs = [replace(CONFIGS[0], epochs=8, seed=seed) for seed in range(10)]
    drivers = [start_driver(configs, tmp_path / "both", threads=1) for _ in range(2)]
    for driver in drivers:
        assert driver.stdout.readline() == "ready\n"
    reports = []
    for driver in drivers:
        driver.stdin.write("\n")
        driver.stdin.flush()
    for driver in drivers:
        out, err = driver.communicate(timeout=300)
        assert driver.returncode == 0, err
        reports.append(json.loads(out))
    for report in reports:
        assert report["failed"] == {}
        assert report["done"] + report["skipped"] == 10
        assert report["done"] >= 1
    assert sum(report["done"] for report in reports) == 10  # none twice
    sweep.run(configs, tmp_path / "one", threads=1)  # their number may change the bits
    assert errors_and_losses(tmp_path / "both") == errors_and_losses(tmp_path / "one")


@pytest.mark.process
def test_workers_that_do_not_start_stop_the_sweep(tmp_path, monkeypatch):
    monkeypatch.setattr(executors, "_start_worker", sys.exit)
    stopped = r"without taking a run; a script must guard .* 0 of 6"
    with pytest.raises(SweepStoppedError, match=stopped):
        sweep.run(CONFIGS, tmp_path, workers=2)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.process
def test_script_without_a_main_guard_is_told_to_have_one(tmp_path):
    code = DRIVER.replace("sys.stdin.readline()", "")
    (tmp_path / "script.py").write_text(code)
    given = dict(
        configs=[asdict(c) for c in CONFIGS], folder=str(tmp_path / "out"), options=dict(workers=2)
    )
    done = subprocess.run(
        [sys.executable, str(tmp_path / "script.py")],
        env=environment(GIVEN=json.dumps(given)),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 1
    assert 'a script must guard its calls by if __name__ == "__main__":' in done.stderr
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.process
def test_an_error_in_the_block_ends_worker_processes_at_once():
    with pytest.raises(ZeroDivisionError), executors.open_executor("processes") as pool:  # noqa: PT012
        running = pool.submit(time.sleep, 600)
        until(running.running)
        start = time.monotonic()
        1 / 0  # noqa: B018
    assert time.monotonic() - start < 60


def test_serial_executor_sets_the_exception_of_its_future():
    future = executors.SerialExecutor().submit(int, "x")
    assert isinstance(future.exception(), ValueError)
    assert executors.SerialExecutor().submit(int, "7").result() == 7

    def stop():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        executors.SerialExecutor().submit(stop)


@pytest.mark.process
def test_broken_executor_stops_the_sweep(tmp_path):
    context = multiprocessing.get_context("spawn")
    with (
        ProcessPoolExecutor(1, context, os._exit, (1,)) as pool,
        pytest.raises(SweepStoppedError, match=r"0 of 6 runs are recorded in .* goes on with"),
    ):
        sweep.run(CONFIGS, tmp_path, executor=pool)


# Disks

ON_A_SMALL_DISK = """
import json, os, sys, threading, time
from pathlib import Path
from umixup import results, sweep
from umixup.training import Config
configs = [Config.from_json(json.dumps(c)) for c in json.loads(os.environ["GIVEN"])]
folder, ballast = Path(sys.argv[1]), Path(sys.argv[1]) / "ballast"

def fill():
    while not list(folder.glob("*.json")):
        time.sleep(0.001)
    try:
        with ballast.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
    except OSError:
        pass

filling = threading.Thread(target=fill)
filling.start()
first = sweep.run(configs, folder, threads=1, retries=0)
filling.join()
left = sorted(path.name for path in folder.iterdir())
try:
    sweep.run(configs, folder, threads=1)
except ValueError as error:
    refusal = str(error)
ballast.unlink()
second = sweep.run(configs, folder, threads=1)
said = {r["hash"]: [r["error"], r["test_errors"], r["train_losses"]]
        for r in results.records(folder)}
names = sorted(path.name for path in folder.iterdir())
print(json.dumps([first.done, first.failed, left, refusal, second.done, said, names,
                  list(first.elsewhere)]))
"""


def unshared(command: str, **more: str) -> str:
    """What a shell prints that may mount in a name space of its own; skips where none may."""
    if shutil.which("unshare") is None or subprocess.run(["unshare", "-rm", "true"]).returncode:
        pytest.skip("no name space to mount in")
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-ec", command],
        env=environment(PYTHON=sys.executable, **more),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.process
def test_full_disk_fails_runs_and_leaves_no_half_written_files(tmp_path, undisturbed):
    out = unshared(
        f'mount -t tmpfs -o size=256k none {tmp_path}; "$PYTHON" -c "$CODE" {tmp_path}',
        CODE=ON_A_SMALL_DISK,
        GIVEN=json.dumps([asdict(config) for config in CONFIGS]),
    )
    done, failed, left, refusal, done_later, found, names, elsewhere = json.loads(out)
    assert done >= 1
    assert done + len(failed) == 6
    written = {name.removesuffix(".json") for name in left}
    assert failed.keys() | set(elsewhere) | written >= undisturbed.keys()
    assert all("No space left on device" in error for error in failed.values())
    assert not [name for name in left if name.endswith(".part") or name.startswith(".")]
    assert "it must be a folder to write to" in refusal
    assert "No space left on device" in refusal
    assert done_later == len(failed) + len(elsewhere)
    assert {identity: tuple(values) for identity, values in found.items()} == undisturbed
    assert names == sorted(f"{identity}.json" for identity in undisturbed)


def test_unwritable_folder_is_reported_before_the_first_run(tmp_path):
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(ValueError, match=r"folder = .*: it must be a folder to write to"):
            sweep.run(CONFIGS, folder)


@pytest.mark.process
def test_read_only_disk_is_reported_before_the_first_run(tmp_path):
    out = unshared(
        f"mount --bind {tmp_path} {tmp_path}; mount -o remount,ro,bind {tmp_path}; "
        f'"$PYTHON" -c "$CODE" {tmp_path}',
        CODE="import sys\nfrom umixup import sweep\nfrom umixup.training import Config\n"
        "try:\n    sweep.run([Config('digits')], sys.argv[1])\n"
        "except ValueError as error:\n    print(error)",
    )
    assert out.startswith(f"folder = {str(tmp_path)!r}: it must be a folder to write to (")
    assert "Read-only file system" in out


# The plan


def test_plan_estimates_time_from_similar_runs(tmp_path):
    assert sweep.plan(CONFIGS, tmp_path / "none") == sweep.Outlook(CONFIGS, 0, None)
    sweep.run(CONFIGS[:3], tmp_path)
    for path, seconds in zip(sorted(tmp_path.iterdir()), (1.0, 2.0, 30.0), strict=True):
        results.write({**json.loads(path.read_text()), "seconds": seconds}, tmp_path, replace=True)
    planned = sweep.plan(CONFIGS + CONFIGS, tmp_path)
    assert (planned.todo, planned.done, planned.seconds) == (CONFIGS[3:], 3, 6.0)
    assert sweep.plan(CONFIGS, tmp_path, workers=2).seconds == 3.0
    assert sweep.plan(CONFIGS, tmp_path, workers=50).seconds == 2.0  # of three runs
    others = [replace(c, scheme="ERM", loss="nc", seed=99) for c in CONFIGS[:1]]
    assert sweep.plan(others, tmp_path).seconds == 2.0
    assert sweep.plan([*CONFIGS, replace(CONFIGS[0], epochs=2)], tmp_path).seconds is None
    assert sweep.plan(CONFIGS[:3], tmp_path).seconds == 0


# Dask


@contextmanager
def dask_cluster(folder: Path):
    """A scheduler and two workers as processes on loopback: its address, it, and the workers."""
    folder.mkdir()
    file = folder / "scheduler.json"
    log = (folder / "log").open("wb")
    processes = []

    def start(module: str, *options: str) -> subprocess.Popen:
        command = [sys.executable, "-m", f"distributed.cli.{module}", "--scheduler-file", str(file)]
        process = subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--no-dashboard", *options],
            cwd=folder,
            env=environment(),
            stdout=log,
            stderr=log,
        )
        processes.append(process)
        return process

    try:
        scheduler = start("dask_scheduler", "--port", "0")
        for k in range(2):
            start(
                "dask_worker",
                "--nthreads",
                "1",
                "--no-nanny",
                "--name",
                f"worker{k}",
                "--death-timeout",
                "300",
            )
        until(file.exists)
        yield json.loads(file.read_text())["address"], scheduler, processes[1:]
    finally:
        for process in processes:
            process.kill()
            process.wait()
        log.close()


@pytest.mark.process
def test_lost_dask_scheduler_stops_the_sweep_and_a_rerun_completes(
    tmp_path, stuck, in_thread, undisturbed
):
    waits, folder = stuck[0], tmp_path / "records"
    configs = [*CONFIGS, waits.config]
    with dask_cluster(tmp_path / "first") as (address, scheduler, _):
        running = in_thread(sweep.run, configs, folder, executor=address)
        waits.worker()
        until(lambda: len(list(folder.glob("*.json"))) >= 2)
        scheduler.kill()
        with pytest.raises(SweepStoppedError, match=r"the scheduler is lost, .* of 7 runs are"):
            running.result(300)
    recorded = len(list(folder.glob("*.json")))
    waits.release()
    with dask_cluster(tmp_path / "second") as (address, _, _):
        report = sweep.run(configs, folder, executor=address)
    assert (report.done, report.skipped, report.failed) == (7 - recorded, recorded, {})
    found = errors_and_losses(folder)
    assert {identity: found[identity] for identity in undisturbed} == undisturbed


@pytest.fixture(scope="module")
def strangers():
    """Addresses at which something answers that is not Dask, or nothing answers."""
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as web,
    ):
        thread = threading.Thread(target=web.serve_forever)
        thread.start()
        ports = dict(silent=silent.getsockname()[1], web=web.server_port)
        yield {name: f"tcp://127.0.0.1:{port}" for name, port in ports.items()}
        web.shutdown()
        thread.join()


@pytest.mark.process
@pytest.mark.parametrize(
    "address", ["silent", "web", "tcp://127.0.0.1:9", "tcp://no.invalid:8786", "tcp://", "x://y"]
)
def test_address_without_a_dask_scheduler_is_an_error_in_time(
    tmp_path, monkeypatch, strangers, address
):
    monkeypatch.setattr(clusters, "PATIENCE", 0.5)
    address = strangers.get(address, address)
    start = time.monotonic()
    with pytest.raises(OSError, match=f"executor = '{address}': no Dask scheduler there"):
        sweep.run(CONFIGS, tmp_path, executor=address)
    assert time.monotonic() - start < 20


@pytest.mark.process
def test_scheduler_without_workers_is_reported_and_given_up(
    tmp_path, monkeypatch, stuck, in_thread, capsys
):
    monkeypatch.setattr(clusters, "PATIENCE", 1)
    monkeypatch.setattr(_drive, "_BETWEEN_LOOKS", 0.2)
    no_workers = r"the Dask scheduler has no workers, for \d+ s now; \d of 1 runs are recorded"
    with dask_cluster(tmp_path / "cluster") as (address, _, workers):
        with distributed.Client(address) as client:
            client.wait_for_workers(2, timeout=300)
        running = in_thread(sweep.run, [stuck[0].config], tmp_path, executor=address, patience=3)
        stuck[0].worker()
        for process in workers:
            process.kill()
        with pytest.raises(SweepStoppedError, match=no_workers):
            running.result(60)
        assert "the Dask scheduler has no workers, for 1 s now; waiting up to 3 s" in (
            capsys.readouterr().err
        )
        with pytest.raises(SweepStoppedError, match=no_workers):
            sweep.run(CONFIGS[:1], tmp_path, executor=address, patience=0)


@pytest.mark.process
def test_jobs_are_cancelled_if_slurm_refuses_one_of_them(tmp_path, monkeypatch):
    (tmp_path / "sbatch").write_text(
        f"#!/bin/sh\nmkdir {tmp_path}/first || {{ echo quota >&2; exit 1; }}\necho job 7"
    )
    (tmp_path / "scancel").write_text(f"#!/bin/sh\necho $* > {tmp_path}/cancelled\n")
    for name in ("sbatch", "scancel"):
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    with pytest.raises(OSError, match=r"sbatch failed: .*quota"):
        sweep.run(CONFIGS[:2], tmp_path / "out", executor="slurm", workers=2)
    assert (tmp_path / "cancelled").read_text() == "7\n"


@pytest.mark.process
@pytest.mark.parametrize(
    ("script", "error", "message"),
    [
        (None, FileNotFoundError, "the command sbatch is not found; start the sweep on a machine"),
        ("echo no such account >&2; exit 1", OSError, "sbatch failed: no such account$"),
        ("echo what", OSError, "sbatch failed: Could not parse job id"),
        ("echo Submitted batch job 7", SweepStoppedError, "the Dask scheduler has no workers"),
    ],
)
def test_slurm_that_gives_no_workers_is_an_error(tmp_path, monkeypatch, script, error, message):
    monkeypatch.setattr(_drive, "_BETWEEN_LOOKS", 0.2)
    (programs := tmp_path / "programs").mkdir()
    for name in ("sbatch", "scancel") if script else ():
        (programs / name).write_text(f"#!/bin/sh\n{script}\n")
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:/bin:/usr/bin")
    with pytest.raises(error, match=message):
        sweep.run(CONFIGS[:1], tmp_path / "out", executor="slurm", patience=1)


@pytest.mark.process
def test_local_dask_cluster_gives_the_same_records(tmp_path, undisturbed):
    with sweep.open_executor("dask", workers=2) as pool:
        assert "127.0.0.1" in pool._client.scheduler.address
        assert sweep.run(CONFIGS, tmp_path, executor=pool._client, threads=1).done == 6
    assert errors_and_losses(tmp_path) == undisturbed


@pytest.mark.process
def test_slurm_job_script_requests_the_needed_resources():
    options = dict(memory="12GB", walltime="02:30:00", queue="long", account="mix")
    with clusters.slurm_cluster(
        0, 2, cores=8, scheduler_options={"host": "127.0.0.1", "dashboard_address": ":0"}, **options
    ) as cluster:
        lines = cluster.job_script().splitlines()
        address = cluster.scheduler_address
    for asked in ("-p long", "-A mix", "-n 1", "--cpus-per-task=8", "--mem=12G", "-t 02:30:00"):
        assert f"#SBATCH {asked}" in lines
    command = lines[-1]
    assert command.startswith(f"{sys.executable} -m distributed.cli.dask_worker {address} ")
    assert " --nthreads 1 " in command  # of Dask: runs at once in a process
    assert " --nworkers 4 " in command  # of two threads of torch each, on eight cores


@pytest.mark.parametrize("executor", [None, "here", "processes", "dask"])
def test_missing_data_set_is_reported_before_the_first_run(tmp_path, monkeypatch, executor):
    monkeypatch.setenv("UMIXUP_DATA", str(tmp_path / "none"))
    configs = [profile("small", dataset="mnist", seed=seed) for seed in range(3)]
    with pytest.raises(FileNotFoundError, match="dataset = 'mnist'"):
        sweep.run(configs, tmp_path / "out", executor=executor)
    assert not list((tmp_path / "out").iterdir())
