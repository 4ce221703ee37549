"""Executors for a sweep: this process, several on this machine, or a Dask cluster."""

from __future__ import annotations

import importlib
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future
from contextlib import contextmanager, nullcontext
from multiprocessing.context import SpawnContext, SpawnProcess
from typing import TYPE_CHECKING, Any

import torch
from pebble import ProcessPool
from pebble.common.process import process_exit
from pebble.pool.process import PoolManager

from umixup.experiments.clusters import connected, local_cluster, slurm_cluster

if TYPE_CHECKING:
    from distributed import Client

NAMES = ("here", "processes", "dask", "slurm")
_LAST_WORDS = 1.0  # seconds in which a message that a dead worker has sent arrives
# Workers that may die one after the other without having taken a run. One that is killed while it
# holds the queue's lock takes it with it; the others then end after a minute each.
_MOST_LOST = 3


@contextmanager
def open_executor(
    name: str,
    workers: int = 1,
    threads: int = 1,
    *,
    on_client: Callable[[Client], object] = lambda client: None,
    **options: Any,
) -> Iterator[Executor]:
    """Open an executor by name. It closes with the block, and drops its runs if the block raises.

    Args:
        name: "here" for this process, "processes" on this machine, "dask" for a Dask cluster on
            this machine, "slurm" for one of Slurm jobs, or the address of a Dask scheduler such as
            "tcp://10.0.0.1:8786".
        workers: how many runs at once; a scheduler at an address has its own workers.
        threads: of torch in each worker; "slurm" requests as many cores.
        on_client: called with Dask's client, once connected.
        options: passed on to ``slurm_cluster``.

    Raises:
        ValueError: an unknown name, or an address that is none.
        OSError: no scheduler at the address, no Slurm here, or Slurm refused a job.
    """
    if name == "here":
        before = torch.get_num_threads()
        try:
            yield SerialExecutor()
        finally:
            torch.set_num_threads(before)
    elif name == "processes":
        with ProcessExecutor(workers) as processes:
            yield processes
    elif name in NAMES or "://" in name:
        try:
            importlib.import_module("distributed")
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(f"{error}: pip install 'umixup[cluster]'") from error
        cluster: Any = nullcontext(name)
        if name == "dask":
            cluster = local_cluster(workers)
        elif name == "slurm":
            cluster = slurm_cluster(workers, threads, **options)
        with cluster as address, connected(address) as client:
            on_client(client)
            yield client.get_executor(pure=False)
    else:
        check_name(name)


def check_name(name: str) -> str:
    """``name`` itself, if it is one that ``open_executor`` takes.

    Raises:
        ValueError: it is not.
    """
    if name not in NAMES and "://" not in name:
        raise ValueError(
            f"executor = {name!r}: it must be one of {', '.join(NAMES)}, or a Dask "
            "scheduler's address such as tcp://10.0.0.1:8786"
        )
    return name


class SerialExecutor(Executor):
    """Runs each call at once, in the calling thread."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


class ProcessExecutor(Executor):
    """Worker processes on this machine. One that dies fails its own run only, and is replaced.

    All of them end when the driver ends, even if it is killed.
    """

    def __init__(self, workers: int) -> None:
        # Any: not all of its methods are typed
        context = _Spawn()
        self._pool: Any = ProcessPool(workers, initializer=_start_worker, context=context)
        self._pool._pool_manager = _Manager(self._pool._context, context)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        try:
            future: Future[Any] = self._pool.schedule(_call, (fn, args, kwargs))
        except RuntimeError as error:
            raise BrokenExecutor(str(error)) from error
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Wait for all runs; or, with ``cancel_futures``, end the workers at once."""
        if cancel_futures:
            self._pool.stop()
        else:
            self._pool.close()
        self._pool.join()

    def __exit__(self, kind: object, *_: object) -> None:
        self.shutdown(cancel_futures=kind is not None)


class _Manager(PoolManager):
    """Pebble's manager of workers; but one that dies while it has no run is replaced.

    Pebble gives up if no worker has a run, or if the death is seen before the message that the
    worker has taken one. This does so only if no worker has ever taken one, or too many are lost.
    """

    _lost = 0

    def find_expired_task(self, worker_id: int) -> Any:
        time.sleep(_LAST_WORDS)
        tasks = self.task_manager.tasks
        for task in tuple(tasks.values()):
            if task.worker_id == worker_id:
                self._lost = 0
                return task
        self._lost += 1
        if 0 in tasks or self._lost > _MOST_LOST:  # the first is still waiting, or running
            return super().find_expired_task(worker_id)
        raise LookupError("it had no run")


class _Process(SpawnProcess):
    """A process that Ctrl-C does not reach, not even while it starts; its driver ends it."""

    def start(self) -> None:
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # is inherited
        try:
            super().start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


class _Spawn(SpawnContext):
    Process = _Process


def _start_worker() -> None:
    """In a new worker process: end with the driver, and be ready for the first run."""
    driver = multiprocessing.parent_process()
    assert driver is not None

    def follow() -> None:
        driver.join()
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(1)
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()
    # Takes seconds. Without it, the first run would do so while it holds the lock of the queue.
    importlib.import_module("umixup.experiments.worker")


def _call(fn: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """In a worker process: call a function. SIGTERM stops it by an exception, so that it removes
    what it has half written."""
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        return fn(*args, **kwargs)
    except (SystemExit, KeyboardInterrupt):  # the latter once a run has saved its checkpoint
        process_exit(1)
    finally:
        signal.signal(signal.SIGTERM, before)
