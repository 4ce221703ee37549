"""How a sweep's driver submits runs, enters their outcomes, and is stopped."""

from __future__ import annotations

import signal
import threading
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from umixup.experiments import _same_data, records
from umixup.experiments.clusters import Watch
from umixup.experiments.executors import SerialExecutor
from umixup.experiments.worker import BUSY, Outcome, failed, work
from umixup.training import Config

if TYPE_CHECKING:
    from umixup.experiments.sweep import Report

_BETWEEN_LOOKS = 5.0  # seconds


@contextmanager
def stoppable() -> Iterator[list[int]]:
    """Inside, the first Ctrl-C or SIGTERM raises KeyboardInterrupt, and is noted in the list.

    Later ones are ignored, so that they do not disturb the end. Handlers of the program's own stay.
    """
    noted: list[int] = []

    def stop(number: int, frame: object) -> None:
        if not noted:
            noted.append(number)
            raise KeyboardInterrupt

    before: dict[signal.Signals, Any] = {}
    if threading.current_thread() is threading.main_thread():
        for each in (signal.SIGINT, signal.SIGTERM):
            if signal.getsignal(each) in (signal.SIG_DFL, signal.default_int_handler):
                before[each] = signal.signal(each, stop)
    try:
        yield noted
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


@dataclass
class Drive:
    """A sweep in progress: submits the runs, and enters their outcomes into the report."""

    pool: Executor
    folder: Path
    threads: int | None
    retries: int
    expected: dict[tuple[str, int | None], str | None]
    report: Report
    bar: tqdm[Any]
    checkpoints: str | None = None
    compile: bool | str | None = None

    def run(self, todo: Iterable[Config], watch: Watch, stopped: list[int]) -> None:
        """Submit the runs, and those that fail again."""
        waiting, attempts = deque(todo), Counter[str]()
        in_flight: dict[Future[Outcome], Config] = {}
        finished: SimpleQueue[Future[Outcome]] = SimpleQueue()
        try:
            while waiting or in_flight:
                if stopped:  # where Python could not raise it, such as in a callback
                    raise KeyboardInterrupt
                while waiting and not (in_flight and isinstance(self.pool, SerialExecutor)):
                    config = waiting.popleft()
                    future = self._submit(config)
                    in_flight[future] = config
                    future.add_done_callback(finished.put)
                try:
                    future = finished.get(timeout=_BETWEEN_LOOKS)
                except Empty:
                    watch.look()
                    continue
                config = in_flight.pop(future)
                if future.exception() is None and future.result() == BUSY:
                    waiting.append(config)
                    continue
                attempts[config.hash()] += 1
                if not self._enter(config, future, attempts[config.hash()] > self.retries):
                    waiting.append(config)
        finally:
            for future, config in in_flight.items():
                over = not future.cancel() and future.done() and future.exception() is None
                if over and future.result() != BUSY:
                    self._enter(config, future, last=True)

    def _submit(self, config: Config) -> Future[Outcome]:
        expected = self.expected[_same_data.key(config)]
        given = config, str(self.folder), self.threads, expected, self.checkpoints
        return self.pool.submit(work, *given, self.compile)

    def _enter(self, config: Config, future: Future[Outcome], last: bool) -> bool:
        """Enter a run's outcome; or return False if it failed and is to be tried again."""
        error, identity = future.exception(), config.hash()
        if isinstance(error, BrokenExecutor):
            raise error
        outcome = future.result() if error is None else failed(config, self.folder, error)
        if isinstance(outcome, str):
            # Dask raises KilledWorker only after several attempts of its own
            if not last and type(error).__name__ != "KilledWorker":
                return False
            self.report.failed[identity] = outcome
            self.bar.set_postfix(failed=len(self.report.failed))
        elif outcome is None:
            self.report.skipped += 1
        else:
            path = records.keep(outcome, self.folder)  # if the worker could not write it
            if path.parent != self.folder:
                self.report.elsewhere[identity] = path
            self.report.done += 1
        self.bar.update()
        return True
