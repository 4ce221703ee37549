"""Executors for a sweep: this process, several on this machine, or a Dask cluster."""

from __future__ import annotations

import importlib
import math
import multiprocessing
import os
import shutil
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

if TYPE_CHECKING:
    from dask_jobqueue.slurm import SLURMCluster
    from distributed import Client

NAMES = ("here", "processes", "dask", "slurm")
#: Seconds to wait for a Dask scheduler before giving up, and for workers before saying so.
PATIENCE = 15.0
#: Seconds between two notices that there are no workers.
_BETWEEN_NOTICES = 60.0


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
            cluster = _local_cluster(workers)
        elif name == "slurm":
            cluster = slurm_cluster(workers, threads, **options)
        with cluster as address, _connected(address) as client:
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


@contextmanager
def _connected(address: Any) -> Iterator[Client]:
    """A client of the scheduler at an address, or of a cluster.

    Dask itself would wait without end for the answer of something that is not a scheduler.
    """
    import distributed
    from distributed.comm.core import connect
    from distributed.utils import LoopRunner

    async def meet() -> None:
        security = distributed.Security().get_connection_args("client")
        (await connect(address, timeout=PATIENCE, **security)).abort()

    if isinstance(address, str):
        try:
            LoopRunner().run_sync(meet, callback_timeout=PATIENCE + 1)
        except Exception as error:
            reason = str(error) or "what answers is something else"
            raise OSError(f"executor = {address!r}: no Dask scheduler there ({reason})") from error
    with distributed.Client(address, timeout=PATIENCE) as client:
        yield client


class Watch:
    """Looks after Dask's workers while a sweep waits: says if there are none, and gives up.

    Args:
        pool: an executor; only those of Dask have workers that may be missing.
        patience: seconds without any worker after which to give up.
    """

    def __init__(self, pool: Executor, patience: float) -> None:
        self._client: Client | None = getattr(pool, "_client", None)
        self._patience = patience
        self._since = time.monotonic()
        self._next_notice = self._since + PATIENCE

    def look(self) -> None:
        """Ask how many workers there are.

        Raises:
            BrokenExecutor: there have been none for too long.
        """
        if self._client is None:
            return
        try:
            workers, why = len(self._client.nthreads(callback_timeout=PATIENCE)), "has no workers"
        except (OSError, TimeoutError):
            workers, why = 0, "does not answer"
        now = time.monotonic()
        if workers:
            self._since, self._next_notice = now, now + PATIENCE
            return
        said = f"the Dask scheduler {why}, for {now - self._since:.0f} s now"
        if now - self._since >= self._patience:
            raise BrokenExecutor(said)
        if now >= self._next_notice:
            self._next_notice = now + _BETWEEN_NOTICES
            limit = f" up to {self._patience:.0f} s" if self._patience < math.inf else ""
            print(f"umixup: {said}; waiting{limit}", file=sys.stderr, flush=True)


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
        self._pool: Any = ProcessPool(workers, initializer=_start_worker, context=_Spawn())

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
    signal.signal(signal.SIGTERM, lambda *_: os._exit(1))

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
    exits = signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        return fn(*args, **kwargs)
    except SystemExit:
        os._exit(1)
    finally:
        signal.signal(signal.SIGTERM, exits)


def _local_cluster(workers: int) -> Any:
    """Dask's worker processes on this machine, reachable from this machine only."""
    from distributed import LocalCluster

    return LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        worker_dashboard_address=None,
        scheduler_kwargs={"allowed_failures": 1},  # workers that a run may kill before it fails
    )


def slurm_cluster(
    workers: int,
    threads: int = 1,
    *,
    cores: int | None = None,
    memory: str = "4GB",
    **options: Any,
) -> SLURMCluster:
    """Slurm jobs that hold Dask's workers, each of which does one run at a time.

    Args:
        workers: how many runs at once, in all jobs; 0 submits no job.
        threads: of torch in each worker.
        cores: of a job, which holds ``cores // threads`` workers; by default one worker.
        memory: of a job.
        options: passed on to ``dask_jobqueue.SLURMCluster``: ``walltime``, ``queue``, ``account``,
            ``job_extra_directives``, ``scheduler_options`` …; the others' values come from
            ``~/.config/dask/jobqueue.yaml``.

    Raises:
        FileNotFoundError: there is no Slurm here.
        OSError: Slurm refused a job.
    """
    from dask_jobqueue.slurm import SLURMCluster

    submit = SLURMCluster.job_cls.submit_command
    if workers and shutil.which(submit) is None:
        raise FileNotFoundError(
            f"executor = 'slurm': the command {submit} is not found; start the sweep on a machine "
            "from which jobs can be submitted"
        )

    each = max(1, (cores or threads) // threads)
    # Dask would do as many runs at once in a process as it has cores left over; hence job_cpu.
    cluster = SLURMCluster(
        cores=each,
        processes=each,
        memory=memory,
        job_cpu=cores or threads,
        **{"scheduler_options": {"dashboard_address": ":0"}, **options},
    )
    cluster.scale(workers)
    try:
        cluster.sync(cluster._correct_state)  # scale() does not say if a job was refused
    except (RuntimeError, ValueError, OSError) as error:
        cluster.close()
        reason = " ".join(str(error).partition("stderr:")[2].split()) or str(error)
        raise OSError(f"executor = 'slurm': {submit} failed: {reason}") from error
    return cluster
