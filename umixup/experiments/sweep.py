"""Sweeps: train every config that has no record yet, in this process, in several, or on a cluster.

    report = sweep.run(configs, "results", workers=2)

A worker writes the record of its run itself, so whatever dies on the way, the same call continues
with the rest. Several drivers may share a folder. They need no locks: a run looks for its record
before it starts, and each driver has its own order, so that a run is seldom done twice; if it is,
both drivers write the same record.
"""

from __future__ import annotations

import functools
import os
import random
import statistics
import sys
import threading
import time
from collections import Counter, defaultdict, deque
from collections.abc import Iterable
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import torch
from pebble import ProcessExpired
from tqdm import tqdm

from umixup import _check as check
from umixup.experiments import measures, records
from umixup.experiments.executors import SerialExecutor, open_executor
from umixup.training import Config, train
from umixup.training import data as datasets
from umixup.training.config import digest
from umixup.training.files import check_writable

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["Outlook", "Report", "SweepStoppedError", "open_executor", "plan", "run"]

_LARGE_RECORD = 2**16  # bytes


class SweepStoppedError(RuntimeError):
    """No more runs can be done: the workers do not start, or the Dask scheduler is lost."""


@dataclass(frozen=True)
class Outlook:
    """What a sweep would do.

    Attributes:
        todo: the configs without a record, each once.
        done: how many configs have a record.
        seconds: how long ``todo`` would take one worker, judged by the median of the folder's runs
            of the same recipe and data set; ``None`` if a config has no such runs.
    """

    todo: list[Config]
    done: int
    seconds: float | None


@dataclass
class Report:
    """What a sweep did.

    Attributes:
        done: how many runs it trained and recorded.
        skipped: how many were recorded already, or by another driver in the meantime.
        failed: hash of the config -> error.
        seconds: wall time.
    """

    done: int = 0
    skipped: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0

    def __str__(self) -> str:
        text = f"{self.done} runs done, {self.skipped} there already, {len(self.failed)} failed"
        return f"{text}, in {self.seconds:.0f} s"


def plan(configs: Iterable[Config], folder: str | os.PathLike[str]) -> Outlook:
    """What a sweep of these configs would do, and how long it would take.

    Raises:
        TypeError: one of them is not a config.
    """
    unique = {}
    for config in configs:
        if not isinstance(config, Config):
            raise TypeError(f"configs: expected training.Config, got {type(config).__name__}")
        unique[config.hash()] = config
    seconds, recorded = defaultdict(list), set()
    for record in records.records(folder) if Path(folder).is_dir() else ():
        recorded.add(record["hash"])
        seconds[record["config"]["dataset"], record["recipe"]].append(float(record["seconds"]))
    todo = [config for identity, config in unique.items() if identity not in recorded]
    alike = [seconds.get((c.dataset, digest(c.recipe()))) for c in todo]
    estimate = sum(statistics.median(s) for s in alike if s) if all(alike) else None
    return Outlook(todo, len(unique) - len(todo), estimate)


def run(
    configs: Iterable[Config],
    folder: str | os.PathLike[str],
    *,
    executor: Executor | Client | str | None = None,
    workers: int = 1,
    threads: int | None = None,
    progress: bool | None = None,
    retries: int = 1,
) -> Report:
    """Train every config that has no record in ``folder``, and record each run.

    A run that raises, or whose worker dies, is tried again. If it fails again, the reason goes into
    ``<hash>.failed.json``, and the sweep continues with the others; a later sweep tries it anew.

    Args:
        configs: what to train, in any order.
        folder: of the records; workers on other machines see it under the same path.
        executor: any of ``concurrent.futures``, a ``distributed.Client``, or a name or address for
            ``open_executor``; by default "here" for one worker, "processes" for several.
        workers: how many runs at once, if the executor is opened here.
        threads: of torch in each worker. By default "here" and "processes" share out torch's own
            number among the workers, Dask's workers have 1, and an executor of yours is left alone.
        progress: show a bar; by default only in a terminal.
        retries: how many times a failed run is tried again.

    Raises:
        ValueError: the folder cannot be written to, the executor is unknown, or a number is out of
            range.
        ValueError, FileNotFoundError: with executor "here", a data set cannot be loaded.
        SweepStoppedError: workers do not start, or the scheduler is lost.
        KeyboardInterrupt: Ctrl-C; runs in progress are dropped.
    """
    start, path = time.perf_counter(), Path(folder).absolute()
    workers = check.whole("workers", workers, 1)
    retries = check.whole("retries", retries, 0)
    threads = None if threads is None else check.whole("threads", threads, 1)
    check_writable("folder", path, _LARGE_RECORD)
    _remove_old_parts(path)
    outlook = plan(configs, path)
    report, todo = Report(skipped=outlook.done), outlook.todo
    total = len(todo) + outlook.done
    workers = min(workers, len(todo))
    if executor is None:
        executor = "here" if workers <= 1 else "processes"
    # Ten seeds at a time, so that an unfinished sweep is nearly balanced; at random within them.
    todo.sort(key=lambda config: (config.seed // 10, random.SystemRandom().random()))
    shown = sys.stderr.isatty() if progress is None else progress
    with tqdm(total=total, initial=outlook.done, unit="run", smoothing=0, disable=not shown) as bar:
        try:
            if executor == "here":  # report a missing data set before the first run
                for name in {config.dataset for config in todo}:
                    _data(name, str(datasets.folder()))
            if todo:
                opened, threads = _open(executor, workers, threads, bar)
                with opened as pool:
                    _drive(pool, todo, path, threads, retries, report, bar)
        except (KeyboardInterrupt, CancelledError, BrokenExecutor) as error:
            recorded = total - len(plan(todo, path).todo)  # some after the last report
            state = (
                f"{recorded} of {total} runs are recorded in {path}; the same call goes on with "
                "the rest"
            )
            if isinstance(error, KeyboardInterrupt):
                raise KeyboardInterrupt(f"stopped: {state}") from None
            if executor == "processes":
                reason = (
                    "the worker processes ended without taking a run; a script must guard its "
                    'calls by if __name__ == "__main__":'
                )
            else:
                reason = str(error) or "the scheduler is lost, or has cancelled the runs"
            raise SweepStoppedError(f"{reason}; {state}") from error
        finally:
            _data.cache_clear()
    report.seconds = time.perf_counter() - start
    return report


def _drive(
    pool: Executor,
    todo: Iterable[Config],
    folder: Path,
    threads: int | None,
    retries: int,
    report: Report,
    bar: tqdm[Any],
) -> None:
    """Submit the runs, resubmit those that fail, and enter the outcomes into the report."""
    waiting, attempts = deque(todo), Counter[str]()
    in_flight: dict[Future[_Outcome], Config] = {}
    finished: SimpleQueue[Future[_Outcome]] = SimpleQueue()
    try:
        while waiting or in_flight:
            while waiting and not (in_flight and isinstance(pool, SerialExecutor)):
                config = waiting.popleft()
                future = pool.submit(_work, config, str(folder), threads)
                in_flight[future] = config
                future.add_done_callback(finished.put)
            future = finished.get()
            config = in_flight.pop(future)
            identity = config.hash()
            attempts[identity] += 1
            error = future.exception()
            if isinstance(error, BrokenExecutor):
                raise error
            outcome = future.result() if error is None else _failed(config, folder, error)
            if isinstance(outcome, str):
                # Dask raises KilledWorker only after several attempts of its own
                final = type(error).__name__ == "KilledWorker"
                if attempts[identity] <= retries and not final:
                    waiting.append(config)
                    continue
                report.failed[identity] = outcome
                bar.set_postfix(failed=len(report.failed))
            elif outcome is None:
                report.skipped += 1
            else:
                if not (folder / f"{identity}.json").exists():  # a worker without our disk
                    records.write(outcome, folder)
                report.done += 1
            bar.update()
    finally:
        for future in in_flight:
            future.cancel()


def _open(
    executor: Executor | Client | str, workers: int, threads: int | None, bar: tqdm[Any]
) -> tuple[AbstractContextManager[Executor], int | None]:
    """An executor to enter, and the number of torch's threads in its workers."""

    def show_dashboard(client: Client) -> None:
        if not bar.disable and client.dashboard_link:
            bar.write(f"Dask's dashboard: {client.dashboard_link}", file=sys.stderr)

    if isinstance(executor, Executor):
        return nullcontext(executor), threads
    if not isinstance(executor, str):
        show_dashboard(executor)
        return nullcontext(executor.get_executor(pure=False)), threads
    if threads is None:
        local = executor in ("here", "processes")
        threads = max(1, torch.get_num_threads() // workers) if local else 1
    return open_executor(executor, workers, threads, on_client=show_dashboard), threads


# In a worker


# What a run returns: its record, the reason why it failed, or None if it was recorded already.
_Outcome = dict[str, Any] | str | None
# Runs draw from torch's global generator, which the threads of a Dask worker share.
_one_at_a_time = threading.Lock()


def _work(config: Config, folder: str, threads: int | None) -> _Outcome:
    """Train and record one config, unless it is recorded by now."""
    path = Path(folder)
    with _one_at_a_time:
        with suppress(OSError, ValueError, KeyError, TypeError):
            if records.read(path / f"{config.hash()}.json")["hash"] == config.hash():
                return None
        if threads not in (None, torch.get_num_threads()):
            torch.set_num_threads(threads)
        try:
            check_writable("folder", path, _LARGE_RECORD)  # on a full disk, training is in vain
            data = _data(config.dataset, str(datasets.folder()))
            run = train(config, data=data, progress=False)
            measures.measure(run, data)
            record = run.record()
            records.write(record, path)
            (path / f"{config.hash()}{records.FAILED}").unlink(missing_ok=True)
        except Exception as error:
            return _failed(config, path, error)
    return record


def _failed(config: Config, folder: Path, error: BaseException) -> str:
    """The reason why a run failed, which is written to the folder if possible."""
    text = f"{type(error).__name__}: {error}"
    if isinstance(error, ProcessExpired):
        text += f" of the worker, exit code {error.exitcode}; was it killed, or out of memory?"
    with suppress(OSError):
        records.write_failure(config.hash(), config.plain(), text, folder)
    return text


@functools.cache
def _data(name: str, root: str) -> datasets.DataSet:
    """A data set, loaded once per process."""
    return datasets.load(name, root)


def _remove_old_parts(folder: Path) -> None:
    """Remove files that killed processes left half-written; younger ones may be in use."""
    for part in folder.glob(".*.part"):
        with suppress(OSError):
            if time.time() - part.stat().st_mtime > 3600:
                part.unlink()
