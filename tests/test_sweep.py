"""Sweeps: what is done and skipped, and what is left when something dies; with real processes."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from unittest.mock import ANY

import pytest
import torch
from PIL import Image

from umixup import _executors, results, sweep, training
from umixup.sweep import SweepStoppedError
from umixup.training import Config, profile

TINY = dict(epochs=1, train_size=160, milestones=(), batch_size=64)
CONFIGS = [profile("quick", scheme="B(1,1)", seed=seed, **TINY) for seed in range(6)]


def said(folder) -> dict[str, tuple]:
    """What the records of a folder say, by hash; there must be no other files."""
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
    return said(folder)


def until(condition, seconds=300.0):
    """What ``condition`` gives as soon as that is true."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "in vain"
        time.sleep(0.02)
    return found


class Stuck:
    """A config whose run waits: an image of its data set is a pipe, until ``release``."""

    def __init__(self, root: Path) -> None:
        self.first = root / "train" / "a" / "0.png"
        for part in ("train", "test"):
            for name in "ab":
                (root / part / name).mkdir(parents=True)
                for k in range(4):
                    Image.new("RGB", (8, 8), (60 * k, 9, 9)).save(root / part / name / f"{k}.png")
        self.image = self.first.rename(root / "image.png")
        os.mkfifo(self.first)
        self.config = Config(f"folder:{root}", width=8, epochs=1, batch_size=4)

    def worker(self) -> int:
        """The process that waits, once it does."""
        with open(self.first, "wb") as pipe:  # waits for a reader

            def reads(process: str) -> bool:
                try:
                    links = [os.readlink(link) for link in Path(process, "fd").iterdir()]
                except OSError:
                    return False
                return str(self.first) in links and int(process[6:]) != os.getpid()

            process = until(lambda: next(filter(reads, all_processes()), None))
            self.pipe = os.dup(pipe.fileno())  # or the reader would see the pipe's end
        return int(process[6:])

    def kill_worker(self) -> None:
        os.kill(pid := self.worker(), signal.SIGKILL)
        until(lambda: not alive(pid))  # or it might be found again
        os.close(self.pipe)

    def release(self) -> None:
        shutil.copy(self.image, beside := self.first.with_name("beside"))
        os.replace(beside, self.first)


def all_processes() -> list[str]:
    return [f"/proc/{name}" for name in os.listdir("/proc") if name.isdigit()]


@pytest.fixture
def stuck(tmp_path, monkeypatch):
    monkeypatch.setenv("UMIXUP_DATA", str(tmp_path / "data"))  # where decoded images are kept
    (tmp_path / "data").mkdir()
    return [Stuck(tmp_path / "data" / name) for name in ("one", "two")]


@pytest.fixture
def beside(stuck):
    """Calls a function in a thread, which does not hang when the test has failed."""
    pool = ThreadPoolExecutor(1)
    yield pool.submit
    for one in stuck:
        one.release()
    for child in multiprocessing.active_children():
        child.kill()
    pool.shutdown()


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] not in "ZX"
    except OSError:
        return False


def children(pid: int) -> list[int]:
    lists = Path(f"/proc/{pid}/task").glob("*/children")  # each thread has its own
    return [int(child) for text in lists for child in text.read_text().split()]


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
    library = str(Path(sweep.__file__).parents[1])
    return subprocess.Popen(
        [sys.executable, "-c", DRIVER],
        env={**os.environ, "GIVEN": json.dumps(given), "PYTHONPATH": library},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


# What is done


def test_every_config_gets_one_record_and_a_second_sweep_does_none(tmp_path, undisturbed):
    report = sweep.run(iter(CONFIGS[:3] + CONFIGS[:1]), tmp_path / "new" / "folder")
    assert (report.done, report.skipped, report.failed) == (3, 0, {})
    assert report.seconds > 0
    report = sweep.run(CONFIGS[:4], tmp_path / "new" / "folder")
    assert (report.done, report.skipped, report.failed) == (1, 3, {})
    assert str(report).startswith("1 runs done, 3 there already, 0 failed, in ")
    assert said(tmp_path / "new" / "folder") == {
        config.hash(): undisturbed[config.hash()] for config in CONFIGS[:4]
    }


def test_a_record_that_came_meanwhile_is_left_as_it_is(tmp_path, monkeypatch, undisturbed):
    elsewhere = tmp_path / "elsewhere"
    sweep.run(CONFIGS[:2], elsewhere)
    train = training.train

    def slow(config, **options):  # the other driver does all while this one does its first
        for path in elsewhere.iterdir():
            if path.stem != config.hash():
                shutil.copy2(path, tmp_path / "ours")
        return train(config, **options)

    monkeypatch.setattr(sweep, "train", slow)
    report = sweep.run(CONFIGS[:2], tmp_path / "ours")
    assert (report.done, report.skipped) == (1, 1)


def test_a_data_set_is_loaded_once(tmp_path, monkeypatch):
    loaded, load = [], sweep.datasets.load
    monkeypatch.setattr(
        sweep.datasets, "load", lambda *given: loaded.append(given[0]) or load(*given)
    )
    sweep.run(CONFIGS[:3], tmp_path)
    assert loaded == ["digits"]


def test_processes_use_the_threads_they_are_given(tmp_path):
    report = sweep.run(CONFIGS[:2], tmp_path, workers=2, threads=2)
    assert report.failed == {}
    assert threads_of(tmp_path) == [2, 2]


def test_threads_of_this_process_are_as_before(tmp_path):
    before = torch.get_num_threads()
    sweep.run(CONFIGS[:1], tmp_path, threads=before + 1)
    assert torch.get_num_threads() == before
    assert threads_of(tmp_path) == [before + 1]


def test_the_threads_of_one_process_do_one_run_at_a_time(tmp_path, undisturbed):
    with ThreadPoolExecutor(3) as pool:
        assert sweep.run(CONFIGS, tmp_path, executor=pool).done == 6
    assert said(tmp_path) == undisturbed


def test_a_bar_is_shown_when_asked_for_and_only_then(tmp_path, capsys):
    sweep.run(CONFIGS[:1], tmp_path)
    assert capsys.readouterr().err == ""
    diverges = replace(CONFIGS[1], learning_rate=1e30)
    sweep.run([*CONFIGS[:2], diverges], tmp_path, progress=True)
    shown = capsys.readouterr().err
    assert " 1/3 " in shown  # one was there
    assert " 3/3 " in shown
    assert "failed=1" in shown


# What fails


def test_a_failed_run_is_tried_again_and_then_recorded_as_a_failure(tmp_path, monkeypatch):
    diverges = replace(CONFIGS[0], learning_rate=1e30)
    tried, train = [], training.train
    monkeypatch.setattr(sweep, "train", lambda c, **o: tried.append(c) or train(c, **o))
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


def test_a_failed_run_is_done_by_a_later_sweep_and_no_failure_any_more(
    tmp_path, monkeypatch, undisturbed
):
    with monkeypatch.context() as patch:
        patch.setattr(sweep, "train", lambda *_, **__: 1 / 0)
        report = sweep.run(CONFIGS, tmp_path, retries=0)
    assert list(report.failed.values()) == ["ZeroDivisionError: division by zero"] * 6
    assert sweep.plan(CONFIGS, tmp_path).done == 0
    assert sweep.run(CONFIGS, tmp_path).done == 6
    assert said(tmp_path) == undisturbed
    assert results.failures(tmp_path) == {}


def test_a_half_written_and_an_alien_record_are_named_and_done_again(tmp_path, undisturbed):
    sweep.run(CONFIGS[:3], tmp_path)
    half, alien, _ = (tmp_path / f"{config.hash()}.json" for config in CONFIGS[:3])
    half.write_bytes(half.read_bytes()[:100])
    alien.write_text('{"schema": 99}')
    with pytest.warns(UserWarning, match="left out") as told:
        report = sweep.run(CONFIGS, tmp_path)
    named = " ".join(str(w.message) for w in told)
    assert str(half) in named
    assert str(alien) in named
    assert (report.done, report.skipped) == (5, 1)
    assert said(tmp_path) == undisturbed


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (
            dict(executor="cloud"),
            r"executor = 'cloud': it must be one of here, processes",
        ),
        (dict(workers=0), r"workers = 0: it must be a whole number ≥ 1"),
        (dict(threads=0), r"threads = 0: it must be a whole number ≥ 1"),
        (dict(retries=-1), r"retries = -1: it must be a whole number ≥ 0"),
    ],
)
def test_bad_options_are_refused(tmp_path, options, told):
    with pytest.raises(ValueError, match=told):
        sweep.run(CONFIGS[:1], tmp_path, **options)
    with pytest.raises(TypeError, match=r"configs: expected training\.Config, got str"):
        sweep.run(["digits"], tmp_path)


def test_parts_that_a_killed_process_left_are_removed_once_they_are_old(tmp_path):
    old, young = tmp_path / ".old.1.part", tmp_path / ".young.1.part"
    old.touch()
    young.touch()
    os.utime(old, (0, 0))
    sweep.run([], tmp_path)
    assert list(tmp_path.iterdir()) == [young]


# What dies


def test_a_killed_worker_costs_its_run_an_attempt_and_two_fail_it(
    tmp_path, stuck, beside, undisturbed
):
    once, twice = stuck
    folder = tmp_path / "records"
    configs = [*CONFIGS, once.config, twice.config]
    running = beside(sweep.run, configs, folder, workers=2, threads=1)
    pid = once.worker()
    once.release()
    os.kill(pid, signal.SIGKILL)
    for _ in range(2):
        twice.kill_worker()
    report = running.result(300)
    assert report.done == 7
    assert list(report.failed) == [twice.config.hash()]
    assert "the worker process died" in report.failed[twice.config.hash()]
    twice.release()
    assert sweep.run(configs, folder).done == 1
    found = said(folder)  # and no failures
    assert found.keys() == {config.hash() for config in configs}
    assert {identity: found[identity] for identity in undisturbed} == undisturbed


@pytest.mark.parametrize("name", ["SIGKILL", "SIGINT"])
def test_workers_end_with_their_driver_and_a_rerun_completes(tmp_path, stuck, undisturbed, name):
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
        told = driver.communicate(timeout=300)[1]
    finally:
        driver.kill()
    until(lambda: not any(map(alive, workers)), 10)
    recorded = len(list(folder.glob("*.json")))
    if name == "SIGINT":
        assert f"KeyboardInterrupt: stopped: {recorded} of 7 runs are recorded in" in told
        assert "the same call goes on with the rest" in told
    waits.release()
    report = sweep.run([*CONFIGS, waits.config], folder)
    assert (report.done, report.skipped) == (7 - recorded, recorded)
    for part in folder.glob(".*.part"):  # left by what was killed; removed once they are old
        part.unlink()
    found = said(folder)
    assert len(found) == 7
    assert {identity: found[identity] for identity in undisturbed} == undisturbed


def test_two_drivers_on_one_folder_lose_nothing(tmp_path):
    configs = [replace(CONFIGS[0], epochs=8, seed=seed) for seed in range(10)]
    drivers = [start_driver(configs, tmp_path / "both") for _ in range(2)]
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
    assert 10 <= sum(report["done"] for report in reports) < 20
    sweep.run(configs, tmp_path / "one")
    assert said(tmp_path / "both") == said(tmp_path / "one")


def test_workers_that_do_not_start_end_the_sweep(tmp_path, monkeypatch):
    monkeypatch.setattr(_executors, "_begin", sys.exit)
    with pytest.raises(SweepStoppedError, match=r"does not start; a script must guard .* 0 of 6"):
        sweep.run(CONFIGS, tmp_path, workers=2)
    assert list(tmp_path.iterdir()) == []


def test_a_broken_executor_of_the_users_ends_the_sweep(tmp_path):
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
    told = str(error)
ballast.unlink()
second = sweep.run(configs, folder, threads=1)
said = {r["hash"]: [r["error"], r["test_errors"], r["train_losses"]]
        for r in results.records(folder)}
names = sorted(path.name for path in folder.iterdir())
print(json.dumps([first.done, first.failed, left, told, second.done, said, names]))
"""


def unshared(command: str, **environment: str) -> str:
    """What a shell prints that may mount in a name space of its own; skips where none may."""
    if shutil.which("unshare") is None or subprocess.run(["unshare", "-rm", "true"]).returncode:
        pytest.skip("no name space to mount in")
    library = str(Path(sweep.__file__).parents[1])
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-ec", command],
        env={**os.environ, "PYTHON": sys.executable, "PYTHONPATH": library, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_disk_that_fills_up_fails_runs_and_leaves_nothing_half_written(tmp_path, undisturbed):
    out = unshared(
        f'mount -t tmpfs -o size=256k none {tmp_path}; "$PYTHON" -c "$CODE" {tmp_path}',
        CODE=ON_A_SMALL_DISK,
        GIVEN=json.dumps([asdict(config) for config in CONFIGS]),
    )
    done, failed, left, told, done_later, found, names = json.loads(out)
    assert done >= 1
    assert done + len(failed) == 6
    assert failed.keys() | {name.removesuffix(".json") for name in left} >= undisturbed.keys()
    assert all("No space left on device" in error for error in failed.values())
    assert not [name for name in left if name.endswith(".part") or name.startswith(".")]
    assert "it must be a folder to write to" in told
    assert "No space left on device" in told
    assert done_later == len(failed)
    assert {identity: tuple(values) for identity, values in found.items()} == undisturbed
    assert names == sorted(f"{identity}.json" for identity in undisturbed)


def test_a_folder_that_cannot_be_written_to_is_told_before_the_first_run(tmp_path):
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(ValueError, match=r"folder = .*: it must be a folder to write to"):
            sweep.run(CONFIGS, folder)


def test_a_read_only_disk_is_told_before_the_first_run(tmp_path):
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


def test_a_plan_estimates_from_runs_of_the_same_recipe_and_data_set(tmp_path):
    assert sweep.plan(CONFIGS, tmp_path / "none") == sweep.Plan(CONFIGS, 0, None)
    sweep.run(CONFIGS[:3], tmp_path)
    for path, seconds in zip(sorted(tmp_path.iterdir()), (1.0, 2.0, 30.0), strict=True):
        results.write({**json.loads(path.read_text()), "seconds": seconds}, tmp_path)
    planned = sweep.plan(CONFIGS + CONFIGS, tmp_path)
    assert (planned.todo, planned.done, planned.seconds) == (CONFIGS[3:], 3, 6.0)
    others = [replace(c, scheme="ERM", loss="nc", seed=99) for c in CONFIGS[:1]]
    assert sweep.plan(others, tmp_path).seconds == 2.0
    assert sweep.plan([*CONFIGS, replace(CONFIGS[0], epochs=2)], tmp_path).seconds is None
    assert sweep.plan(CONFIGS[:3], tmp_path).seconds == 0


# Dask


@contextmanager
def dask_cluster(folder: Path):
    """A scheduler and two workers as processes on loopback: the address, and the scheduler."""
    folder.mkdir()
    file = folder / "scheduler.json"
    library = str(Path(sweep.__file__).parents[1])
    environment = {**os.environ, "PYTHONPATH": library}
    log = (folder / "log").open("wb")
    processes = []

    def start(module: str, *options: str) -> subprocess.Popen:
        command = [sys.executable, "-m", f"distributed.cli.{module}", "--scheduler-file", str(file)]
        process = subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--no-dashboard", *options],
            cwd=folder,
            env=environment,
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
        yield json.loads(file.read_text())["address"], scheduler
    finally:
        for process in processes:
            process.kill()
            process.wait()
        log.close()


def test_a_killed_dask_scheduler_is_told_and_a_rerun_on_a_new_cluster_completes(
    tmp_path, stuck, beside, undisturbed
):
    waits, folder = stuck[0], tmp_path / "records"
    configs = [*CONFIGS, waits.config]
    with dask_cluster(tmp_path / "first") as (address, scheduler):
        running = beside(sweep.run, configs, folder, executor=address)
        waits.worker()
        until(lambda: len(list(folder.glob("*.json"))) >= 2)
        scheduler.kill()
        with pytest.raises(SweepStoppedError, match=r"the scheduler is lost, .* of 7 runs are"):
            running.result(300)
    recorded = len(list(folder.glob("*.json")))
    waits.release()
    with dask_cluster(tmp_path / "second") as (address, _):
        report = sweep.run(configs, folder, executor=address)
    assert (report.done, report.skipped, report.failed) == (7 - recorded, recorded, {})
    found = said(folder)
    assert {identity: found[identity] for identity in undisturbed} == undisturbed


def test_no_scheduler_at_an_address_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(_executors, "PATIENCE", 0.5)
    with pytest.raises(OSError, match=r"tcp://127\.0\.0\.1:9"):
        sweep.run(CONFIGS, tmp_path, executor="tcp://127.0.0.1:9")


def test_dask_on_this_machine_gives_the_same_records(tmp_path, undisturbed):
    with sweep.open_executor("dask", workers=2) as pool:
        assert "127.0.0.1" in pool._client.scheduler.address
        assert sweep.run(CONFIGS, tmp_path, executor=pool._client, threads=1).done == 6
    assert said(tmp_path) == undisturbed


def test_the_job_script_for_slurm_asks_for_what_the_runs_need():
    options = dict(memory="12GB", walltime="02:30:00", queue="long", account="mix")
    with _executors.slurm_cluster(
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


@pytest.mark.parametrize("executor", [None, "here"])
def test_a_data_set_that_is_not_here_is_told_before_any_run(tmp_path, monkeypatch, executor):
    monkeypatch.setenv("UMIXUP_DATA", str(tmp_path / "none"))
    configs = [profile("small", dataset="mnist", seed=seed) for seed in range(3)]
    with pytest.raises(FileNotFoundError, match="dataset = 'mnist'"):
        sweep.run(configs, tmp_path / "out", executor=executor)
    assert not list((tmp_path / "out").iterdir())
