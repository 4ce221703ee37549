"""Where a sweep's runs are done: in this process, in others on this machine, or on a cluster."""

from __future__ import annotations

import importlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import (
    BrokenExecutor,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
)
from contextlib import contextmanager, nullcontext, suppress
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from dask_jobqueue.slurm import SLURMCluster
    from distributed import Client

PLACES = ("here", "processes", "dask", "slurm")
PATIENCE = 15.0  # seconds to look for a Dask scheduler, and for one that was lost


@contextmanager
def open_executor(
    where: str,
    workers: int = 1,
    threads: int = 1,
    *,
    tell: Callable[[Client], None] | None = None,
    **options: Any,
) -> Iterator[Executor]:
    """An executor by name; it ends with the block, and at once if that raises.

    Args:
        where: "here", in this process; "processes" on this machine; "dask", a cluster of Dask's on
            this machine; "slurm", one of Slurm jobs; or a Dask scheduler's address, "tcp://…".
        workers: how many runs at once; an address has its own.
        threads: of torch in each worker; "slurm" asks for as many cores.
        tell: called with Dask's client when there is one.
        options: of ``slurm_cluster``.

    Raises:
        ValueError: an unknown name.
        OSError: no scheduler at the address.
    """
    if where == "here":
        before = torch.get_num_threads()
        try:
            yield Here()
        finally:
            torch.set_num_threads(before)
    elif where == "processes":
        processes = Processes(workers)
        try:
            yield processes
        except BaseException:
            processes.kill()
            raise
        finally:
            processes.shutdown()
    elif where in PLACES or "://" in where:
        try:
            import distributed
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(f"{error}: pip install 'umixup[cluster]'") from error
        cluster: Any = nullcontext(where)
        if where == "dask":
            cluster = _local_cluster(workers)
        elif where == "slurm":
            cluster = slurm_cluster(workers, threads, **options)
        with cluster as address, distributed.Client(address, timeout=PATIENCE) as client:
            if tell is not None:
                tell(client)
            yield client.get_executor(pure=False)
    else:
        raise ValueError(
            f"executor = {where!r}: it must be one of {', '.join(PLACES)}, or a Dask "
            "scheduler's address such as tcp://10.0.0.1:8786"
        )


class Here(Executor):
    """Calls at once, in this process and thread."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


class WorkerDiedError(RuntimeError):
    """A worker process ended while it was on a run."""


class Processes(ThreadPoolExecutor):
    """Processes, each a pool of its own behind a thread: if one dies, it takes one run with it.

    A ``ProcessPoolExecutor`` of several would end them all, and not say whose run it was.
    """

    def __init__(self, workers: int) -> None:
        super().__init__(workers)
        self._own = threading.local()
        self._pools: list[ProcessPoolExecutor] = []
        # The workers see its end when this process ends, by whatever signal, or closes it.
        self._theirs, self._ours = multiprocessing.Pipe(duplex=False)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        return super().submit(self._call, fn, *args, **kwargs)

    def _call(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if getattr(self._own, "pool", None) is None:
            self._own.pool = self._start()
        try:
            return self._own.pool.submit(fn, *args, **kwargs).result()
        except BrokenExecutor:
            self._own.pool = None
            raise WorkerDiedError(
                "the worker process died; was it killed, or out of memory?"
            ) from None

    def _start(self) -> ProcessPoolExecutor:
        for _ in range(2):
            pool = ProcessPoolExecutor(
                1,
                multiprocessing.get_context("spawn"),
                initializer=_begin,
                initargs=(self._theirs,),
            )
            self._pools.append(pool)
            with suppress(BrokenExecutor):
                pool.submit(importlib.import_module, "umixup.experiments.sweep").exception()
                pool.submit(os.getpid).result()
                return pool
        raise BrokenExecutor(
            "a worker process does not start; a script must guard its calls by "
            'if __name__ == "__main__":'
        )

    def kill(self) -> None:
        """End the workers, whatever they are doing."""
        self._ours.close()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        super().shutdown(wait, cancel_futures=cancel_futures)
        for pool in self._pools:
            pool.shutdown()
        self._ours.close()
        self._theirs.close()


def _begin(driver: Connection) -> None:
    """In a new worker process: leave Ctrl-C to the driver, and end with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        with suppress(OSError):
            driver.poll(None)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _local_cluster(workers: int) -> Any:
    """Dask's processes on this machine, which listen to no other."""
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
    """Slurm jobs whose processes are Dask's workers, each on one run at a time.

    Args:
        workers: how many runs at once, in all jobs; 0 submits none.
        threads: of torch in each worker.
        cores: of a job, which holds ``cores // threads`` workers; by default one.
        memory: of a job.
        options: of ``dask_jobqueue.SLURMCluster``: ``walltime``, ``queue``, ``account``,
            ``job_extra_directives``, ``scheduler_options`` …; what is left out comes from
            ``~/.config/dask/jobqueue.yaml``.
    """
    from dask_jobqueue.slurm import SLURMCluster

    each = max(1, (cores or threads) // threads)
    # Dask would run as many tasks at once in a process as it has cores left; hence job_cpu.
    cluster = SLURMCluster(
        cores=each,
        processes=each,
        memory=memory,
        job_cpu=cores or threads,
        **{"scheduler_options": {"dashboard_address": ":0"}, **options},
    )
    cluster.scale(workers)
    return cluster
