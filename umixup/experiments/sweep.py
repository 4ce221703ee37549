"""Many runs: every config that has no record yet is trained, here, in processes or on a cluster.

    report = sweep.run(configs, "results", workers=2)

A worker writes its run's record itself, whole or not at all, so whatever dies on the way, the same
call goes on with the rest. Nothing is claimed: each run looks for its record again before it
starts, and each driver takes the runs in an order of its own, so that several drivers on one
folder seldom do a run twice; if they do, both write the same record.
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
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import torch
from tqdm import tqdm

from umixup.experiments import measures
from umixup.experiments import records as results
from umixup.experiments.executors import Here, open_executor
from umixup.training import Config, train
from umixup.training import data as datasets
from umixup.training.config import digest
from umixup.training.files import check_writable

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from distributed import Client

__all__ = ["Plan", "Report", "SweepStoppedError", "open_executor", "plan", "run"]


_LARGE_RECORD = 2**16  # bytes


class SweepStoppedError(RuntimeError):
    """No run can be done any more: workers do not start, or the scheduler is lost."""


@dataclass(frozen=True)
class Plan:
    """What a sweep would do.

    Attributes:
        todo: the configs without a record, each once.
        done: how many have one.
        seconds: what ``todo`` takes one worker, by the median of the folder's runs of the same
            recipe and data set; ``None`` where a config has no such run.
    """

    todo: list[Config]
    done: int
    seconds: float | None


@dataclass
class Report:
    """What a sweep did.

    Attributes:
        done: how many runs it trained and recorded.
        skipped: how many were recorded already, or by someone else meanwhile.
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


def plan(configs: Iterable[Config], folder: str | os.PathLike[str]) -> Plan:
    """What there is to do, and how long it takes one worker.

    Raises:
        TypeError: something else than a config.
    """
    unique = {}
    for config in configs:
        if not isinstance(config, Config):
            raise TypeError(f"configs: expected training.Config, got {type(config).__name__}")
        unique[config.hash()] = config
    seconds, recorded = defaultdict(list), set()
    for record in results.records(folder) if Path(folder).is_dir() else ():
        recorded.add(record["hash"])
        seconds[record["config"]["dataset"], record["recipe"]].append(float(record["seconds"]))
    todo = [config for identity, config in unique.items() if identity not in recorded]
    known = [seconds.get((c.dataset, digest(c.recipe()))) for c in todo]
    estimate = sum(statistics.median(s) for s in known if s) if all(known) else None
    return Plan(todo, len(unique) - len(todo), estimate)


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
    """Train every config that has no record in ``folder``, and write one each.

    A run that raises, or whose worker process dies, is tried again; then the reason is written to
    ``<hash>.failed.json``, and the others go on. A later sweep tries it anew.

    Args:
        configs: what to train, in any order.
        folder: of the records; workers on other machines reach it by the same path.
        executor: any of ``concurrent.futures``, a ``distributed.Client``, or what
            ``open_executor`` opens; by default "here" for one worker, "processes" for more.
        workers: how many runs at once, of executors that are opened here.
        threads: of torch, in each worker. By default those that torch would use, shared among the
            workers "here" and in "processes"; 1 on Dask; an executor of yours keeps its own.
        progress: show a bar; by default only in a terminal.
        retries: how many times a failed run is tried again.

    Raises:
        ValueError: a folder that cannot be written to, an unknown executor, a number out of range.
        ValueError, FileNotFoundError: of runs in this process, a data set that cannot be loaded.
        SweepStoppedError: workers do not start, or the scheduler is lost.
        KeyboardInterrupt: Ctrl-C; what is under way is dropped.
    """
    start, path = time.perf_counter(), Path(folder).absolute()
    for name, value, least in (("workers", workers, 1), ("retries", retries, 0)):
        if type(value) is not int or value < least:
            raise ValueError(f"{name} = {value!r}: it must be a whole number ≥ {least}")
    if threads is not None and (type(threads) is not int or threads < 1):
        raise ValueError(f"threads = {threads!r}: it must be a whole number ≥ 1, or None")
    check_writable("folder", path, _LARGE_RECORD)
    _remove_old_parts(path)
    planned = plan(configs, path)
    report, todo = Report(skipped=planned.done), planned.todo
    total = len(todo) + planned.done
    workers = min(workers, len(todo))
    if executor is None:
        executor = "here" if workers <= 1 else "processes"
    # Ten seeds after ten, so that a sweep broken off is nearly balanced; within them at random.
    todo.sort(key=lambda config: (config.seed // 10, random.SystemRandom().random()))
    shown = sys.stderr.isatty() if progress is None else progress
    with tqdm(total=total, initial=planned.done, unit="run", smoothing=0, disable=not shown) as bar:
        try:
            if executor == "here":  # a missing set is told before the first run
                for name in {config.dataset for config in todo}:
                    _data(name, str(datasets.folder()))
            if todo:
                opened, threads = _open(executor, workers, threads, bar)
                with opened as pool:
                    _drive(pool, todo, path, threads, retries, report, bar)
        except (KeyboardInterrupt, CancelledError, BrokenExecutor) as error:
            told = (
                f"{report.done + report.skipped} of {total} runs are recorded in {path}; "
                "the same call goes on with the rest"
            )
            if isinstance(error, KeyboardInterrupt):
                raise KeyboardInterrupt(f"stopped: {told}") from None
            reason = str(error) or "the scheduler is lost, or has cancelled the runs"
            raise SweepStoppedError(f"{reason}; {told}") from error
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
    """Submit the runs, and those that failed again; note what comes of them."""
    waiting, attempts = deque(todo), Counter[str]()
    flying: dict[Future[_Outcome], Config] = {}
    finished: SimpleQueue[Future[_Outcome]] = SimpleQueue()
    try:
        while waiting or flying:
            while waiting and not (flying and isinstance(pool, Here)):
                config = waiting.popleft()
                future = pool.submit(_work, config, str(folder), threads)
                flying[future] = config
                future.add_done_callback(finished.put)
            future = finished.get()
            config = flying.pop(future)
            identity = config.hash()
            attempts[identity] += 1
            error = future.exception()
            if isinstance(error, BrokenExecutor):
                raise error
            outcome = future.result() if error is None else _failed(config, folder, error)
            if outcome.error is not None:
                # Dask has tried it several times when it says so
                final = type(error).__name__ == "KilledWorker"
                if attempts[identity] <= retries and not final:
                    waiting.append(config)
                    continue
                report.failed[identity] = outcome.error
                bar.set_postfix(failed=len(report.failed))
            elif outcome.record is not None:
                if not (folder / f"{identity}.json").exists():  # a worker without our disk
                    results.write(outcome.record, folder)
                report.done += 1
            else:
                report.skipped += 1
            bar.update()
    finally:
        for future in flying:
            future.cancel()


def _open(
    executor: Executor | Client | str, workers: int, threads: int | None, bar: tqdm[Any]
) -> tuple[AbstractContextManager[Executor], int | None]:
    """An executor to use, and the threads of torch in its workers."""
    if isinstance(executor, Executor):
        return nullcontext(executor), threads
    if not isinstance(executor, str):
        _tell_dashboard(executor, bar)
        return nullcontext(executor.get_executor(pure=False)), threads
    if threads is None:
        local = executor in ("here", "processes")
        threads = max(1, torch.get_num_threads() // workers) if local else 1
    opened = open_executor(executor, workers, threads, tell=lambda c: _tell_dashboard(c, bar))
    return opened, threads


def _tell_dashboard(client: Client, bar: tqdm[Any]) -> None:
    if not bar.disable and client.dashboard_link:
        bar.write(f"Dask's dashboard: {client.dashboard_link}", file=sys.stderr)


# In a worker


@dataclass(frozen=True)
class _Outcome:
    """A record, an error, or neither: the run had been done."""

    record: dict[str, Any] | None = None
    error: str | None = None


# Runs draw from torch's global generator, which the threads of a Dask worker share.
_one_at_a_time = threading.Lock()


def _work(config: Config, folder: str, threads: int | None) -> _Outcome:
    """Train and record one config, unless it is recorded by now."""
    path = Path(folder)
    with _one_at_a_time:
        with suppress(OSError, ValueError, KeyError, TypeError):
            if results.read(path / f"{config.hash()}.json")["hash"] == config.hash():
                return _Outcome()
        if threads not in (None, torch.get_num_threads()):
            torch.set_num_threads(threads)
        try:
            # before it trains, which a full disk would make vain
            check_writable("folder", path, _LARGE_RECORD)
            data = _data(config.dataset, str(datasets.folder()))
            run = train(config, data=data, progress=False)
            measures.measure(run, data)
            record = run.record()
            results.write(record, path)
            (path / f"{config.hash()}{results.FAILED}").unlink(missing_ok=True)
        except Exception as error:
            return _failed(config, path, error)
    return _Outcome(record)


def _failed(config: Config, folder: Path, error: BaseException) -> _Outcome:
    """The outcome of a run that failed; written down too, if that can be done."""
    text = f"{type(error).__name__}: {error}"
    with suppress(OSError):
        results.write_failure(config.hash(), config.plain(), text, folder)
    return _Outcome(error=text)


@functools.cache
def _data(name: str, root: str) -> datasets.DataSet:
    """A data set, loaded once in a process."""
    return datasets.load(name, root)


def _remove_old_parts(folder: Path) -> None:
    """Remove what killed processes left half-written; a younger part may still be in use."""
    for part in folder.glob(".*.part"):
        with suppress(OSError):
            if time.time() - part.stat().st_mtime > 3600:
                part.unlink()
