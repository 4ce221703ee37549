"""Executors for a sweep: this process, several on this machine, or a Dask cluster."""

from __future__ import annotations

import importlib
import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import torch
from pebble import ProcessPool

if TYPE_CHECKING:
    from dask_jobqueue.slurm import SLURMCluster
    from distributed import Client

NAMES = ("here", "processes", "dask", "slurm")
#: Seconds to wait for a Dask scheduler before giving up.
PATIENCE = 15.0


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
        ValueError: an unknown name.
        OSError: no scheduler at the address.
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
            import distributed
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(f"{error}: pip install 'umixup[cluster]'") from error
        cluster: Any = nullcontext(name)
        if name == "dask":
            cluster = _local_cluster(workers)
        elif name == "slurm":
            cluster = slurm_cluster(workers, threads, **options)
        with cluster as address, distributed.Client(address, timeout=PATIENCE) as client:
            on_client(client)
            yield client.get_executor(pure=False)
    else:
        raise ValueError(
            f"executor = {name!r}: it must be one of {', '.join(NAMES)}, or a Dask "
            "scheduler's address such as tcp://10.0.0.1:8786"
        )


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
        spawn = multiprocessing.get_context("spawn")
        # Any: not all of its methods are typed
        self._pool: Any = ProcessPool(workers, initializer=_start_worker, context=spawn)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        try:
            future: Future[Any] = self._pool.schedule(fn, args, kwargs)
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


def _start_worker() -> None:
    """In a new worker process: end with the driver, and be ready for the first run."""
    driver = multiprocessing.parent_process()
    assert driver is not None

    def follow() -> None:
        driver.join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()
    # Takes seconds. Without it, the first run would do so while it holds the lock of the queue.
    importlib.import_module("umixup.experiments.sweep")


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
    """
    from dask_jobqueue.slurm import SLURMCluster

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
    return cluster
