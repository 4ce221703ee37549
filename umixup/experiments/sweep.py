"""Sweeps: train every config that has no record yet, in this process, in several, or on a cluster.

    report = sweep.run(configs, "results", workers=2)

A worker writes the record of its run itself, so whatever dies on the way, the same call continues
with the rest. Several drivers may share a folder: a run is claimed by a lock while it lasts.
"""

from __future__ import annotations

import math
import os
import random
import statistics
import sys
import time
import warnings
from collections import defaultdict
from collections.abc import Iterable
from concurrent.futures import BrokenExecutor, CancelledError, Executor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from tqdm import tqdm

from umixup import _check as check
from umixup._files import check_writable, remove_old_parts
from umixup.experiments import _compiling, _same_data, records
from umixup.experiments._drive import Drive, stoppable
from umixup.experiments.clusters import NOT_STARTED, Watch
from umixup.experiments.executors import check_name, open_executor
from umixup.experiments.worker import remove_old_claims
from umixup.training import Config
from umixup.training.config import digest
from umixup.training.environment import in_terminal
from umixup.training.loop import backend, usable
from umixup.training.timing import estimate

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["Outlook", "Report", "SweepStoppedError", "open_executor", "plan", "run"]

_MOST_THREADS, _MOST_RETRIES, _MOST_JOBS = 1024, 100, 10_000
#: Seconds without a Dask worker after which a sweep gives up; jobs of Slurm may queue for days.
_PATIENCE = 600.0
_HERE = ("here", "processes", "dask")  # executors that work on this machine


class SweepStoppedError(RuntimeError):
    """No more runs can be done: the workers do not start, or the Dask scheduler is lost."""


@dataclass(frozen=True)
class Outlook:
    """What a sweep would do.

    Attributes:
        todo: the configs without a record, each once.
        done: how many configs have a record, also one of a newer umixup.
        seconds: how long ``todo`` would take, judged by the median of the folder's runs of the same
            recipe and data set; ``None`` if a config has no such runs.
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
        elsewhere: hash of the config -> where its record is, if the folder could not be written to.
        seconds: wall time.
    """

    done: int = 0
    skipped: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    elsewhere: dict[str, Path] = field(default_factory=dict)
    seconds: float = 0.0

    def __str__(self) -> str:
        text = f"{self.done} runs done, {self.skipped} there already, {len(self.failed)} failed"
        text += f", in {self.seconds:.0f} s"
        for path in self.elsewhere.values():
            text += f"\nmove this record to the others: {path}"
        return text


def plan(
    configs: Iterable[Config],
    folder: str | os.PathLike[str],
    *,
    executor: Executor | Client | str | None = None,
    workers: int = 1,
    threads: int | None = None,
    compile: bool | str | None = None,
    timed: bool = False,
) -> Outlook:
    """What a sweep of these configs would do, and how long it would take; as for ``run``.

    Args:
        timed: if no runs like some of them are recorded, time a few steps of one of each recipe
            here (``um.training.estimate``), without its measures.

    Raises:
        TypeError: one of them is not a config.
        ValueError: the executor is unknown, or a number is out of range.
    """
    _check_options(folder, executor, workers, threads, compile)
    outlook, _ = _look(configs, Path(folder))
    if outlook.seconds is None and timed:
        before = torch.get_num_threads()
        torch.set_num_threads(threads or max(1, before // workers))
        try:
            outlook = replace(outlook, seconds=_timed(outlook.todo, compile))
        finally:
            torch.set_num_threads(before)
    if outlook.seconds is None:
        return outlook
    return replace(outlook, seconds=outlook.seconds / max(1, min(workers, len(outlook.todo))))


def _timed(configs: Iterable[Config], compile: bool | str | None) -> float:
    """Seconds of all these runs on one worker, by a few steps of one of each recipe."""
    alike = defaultdict(list)
    for config in configs:
        alike[config.dataset, digest(config.recipe()), config.tested].append(config)
    return sum(len(each) * estimate(each[0], compile=compile).total for each in alike.values())


def _look(configs: Iterable[Config], folder: Path) -> tuple[Outlook, list[dict[str, Any]]]:
    """What is to do, with one worker, and the folder's records."""
    unique = {}
    for config in configs:
        if not isinstance(config, Config):
            raise TypeError(f"configs: expected training.Config, got {type(config).__name__}")
        unique[config.hash()] = config
    found: list[dict[str, Any]] = []
    recorded: set[str] = set()
    if folder.is_dir():
        found, newer, _ = records.contents(folder)
        recorded = {record["hash"] for record in found} | newer  # never trained again
    seconds = defaultdict(list)
    for record in found:
        seconds[record["config"]["dataset"], record["recipe"]].append(float(record["seconds"]))
    todo = [config for identity, config in unique.items() if identity not in recorded]
    alike = [seconds.get((c.dataset, digest(c.recipe()))) for c in todo]
    estimate = sum(statistics.median(s) for s in alike if s) if all(alike) else None
    return Outlook(todo, len(unique) - len(todo), estimate), found


def run(
    configs: Iterable[Config],
    folder: str | os.PathLike[str],
    *,
    executor: Executor | Client | str | None = None,
    workers: int = 1,
    threads: int | None = None,
    progress: bool | None = None,
    retries: int = 1,
    patience: float | None = None,
    checkpoints: str | os.PathLike[str] | None = None,
    compile: bool | str | None = None,
) -> Report:
    """Train every config that has no record in ``folder``, and record each run.

    Several drivers may share a folder, on one machine or many: each run is claimed by a lock. On a
    machine with several GPUs, runs go round them; with more workers than GPUs they share them.
    A run that raises, or whose worker dies, is tried again. If it fails again, the reason goes into
    ``<hash>.failed.json``, and the sweep continues with the others; a later sweep tries it anew. If
    the folder has runs that used other data than there is here now, a warning says so, and no more
    runs on that data set are done: the report counts them as failed.
    A record that cannot be written to the folder goes into a temporary one; the report says where.

    Args:
        configs: what to train, in any order.
        folder: of the records; workers on other machines see it under the same path.
        executor: any of ``concurrent.futures``, a ``distributed.Client``, or a name or address for
            ``open_executor``; by default "here" for one worker, "processes" for several.
        workers: how many runs at once, if the executor is opened here; on this machine at most 64,
            or 4 a core.
        threads: of torch in each worker. By default "here" and "processes" share out torch's own
            number among the workers, Dask's workers have 1, and an executor of yours is left alone.
        progress: show a bar; by default only in a terminal.
        retries: how many times a failed run is tried again.
        patience: seconds without any Dask worker after which to give up; by default ten minutes,
            and no limit for "slurm", whose jobs may wait in a queue.
        checkpoints: a folder, seen by all workers, in which each run saves its state every ten
            epochs, and when it is stopped; a later sweep goes on from there. By default, a run that
            is stopped begins anew.
        compile: as for ``um.training.train``. By default on a GPU, and on a CPU where it pays: in
            long sweeps on the digits, on one thread, without checkpoints. Results differ in their
            last bits; the records say which runs were compiled.

    Raises:
        ValueError: a folder cannot be written to, the executor is unknown, or a number is out
            of range.
        ValueError, FileNotFoundError: on this machine, a data set cannot be loaded.
        OSError: there is no scheduler at the address, or no Slurm here.
        SweepStoppedError: workers do not start, or the scheduler is lost.
        KeyboardInterrupt: Ctrl-C or SIGTERM; runs in progress are dropped.
    """
    _check_options(folder, executor, workers, threads, compile)
    start, path = time.perf_counter(), Path(folder).absolute()
    check.whole("retries", retries, 0, _MOST_RETRIES)
    if patience is None:
        patience = math.inf if executor == "slurm" else _PATIENCE
    if patience != math.inf:
        check.number("patience", patience, check.NON_NEGATIVE)
    configs = list(configs)
    outlook, recorded = _look(configs, path)
    report, todo = Report(skipped=outlook.done), outlook.todo
    total = len(todo) + outlook.done
    workers = min(workers, len(todo))
    if todo:
        check_writable("folder", path, records.LARGE)
        if checkpoints is not None:
            checkpoints = Path(checkpoints).absolute()
            check_writable("checkpoints", checkpoints)
        remove_old_parts(path)
        remove_old_claims(path)
    if executor is None:
        executor = "here" if workers <= 1 else "processes"
    # Ten seeds at a time, so that an unfinished sweep is nearly balanced; at random within them.
    todo.sort(key=lambda config: (config.seed // 10, random.SystemRandom().random()))
    shown = in_terminal() if progress is None else progress
    with (
        tqdm(total=total, initial=outlook.done, unit="run", smoothing=0, disable=not shown) as bar,
        stoppable() as stopped,
    ):
        try:
            needed = {config.dataset for config in todo}
            expected, refused = _same_data.fingerprints(
                configs, recorded, path, needed, must_load=executor in _HERE
            )
            for reason in refused.values():
                warnings.warn(reason, stacklevel=2)
            for config in todo:
                if why := refused.get(_same_data.key(config)):
                    report.failed[config.hash()] = f"not run: {why}"
            todo = [config for config in todo if config.hash() not in report.failed]
            if executor != "here":
                _same_data.forget()
            if todo:
                opened, threads = _open(executor, workers, threads, bar)
                if compile is None and checkpoints is None and executor in _HERE:
                    on_cpu = usable(None).type == "cpu"
                    compile = (on_cpu and _compiling.pays(todo, workers, threads)) or None
                with opened as pool:
                    kept = None if checkpoints is None else str(checkpoints)
                    sweep = Drive(
                        pool, path, threads, retries, expected, report, bar, kept, compile
                    )
                    sweep.run(todo, Watch(pool, patience), stopped)
        except BaseException as error:
            # What was being imported may have turned KeyboardInterrupt into another error.
            interrupted = stopped or isinstance(error, KeyboardInterrupt)
            if not (interrupted or isinstance(error, (CancelledError, BrokenExecutor))):
                raise
            with warnings.catch_warnings(action="ignore"):  # given before
                # Some runs were recorded after the last report.
                left = len(_look(outlook.todo, path)[0].todo)
            state = (
                f"{total - left} of {total} runs are recorded in {path}; the same call goes on "
                "with the rest"
            )
            if interrupted:
                raise KeyboardInterrupt(f"stopped: {state}") from None
            reason = str(error) or "the scheduler is lost, or has cancelled the runs"
            if executor == "processes":
                reason = NOT_STARTED
            raise SweepStoppedError(f"{reason}; {state}") from error
        finally:
            _same_data.forget()
            if todo:
                remove_old_claims(path)
    report.seconds = time.perf_counter() - start
    return report


def _check_options(
    folder: str | os.PathLike[str],
    executor: object,
    workers: int,
    threads: int | None,
    compile: bool | str | None,
) -> None:
    if not isinstance(folder, os.PathLike):
        check.text("folder", folder)  # Path("") would be the current one
    if isinstance(executor, str):
        check_name(executor)
    local = executor is None or executor in _HERE
    most = max(64, 4 * (os.cpu_count() or 1)) if local else _MOST_JOBS
    check.whole("workers", workers, 1, most)
    if threads is not None:
        check.whole("threads", threads, 1, _MOST_THREADS)
    if compile is not None and local:
        backend(compile, usable(None))


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
