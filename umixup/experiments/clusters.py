"""Dask's clusters: connections that fail in time, and workers that are watched."""

from __future__ import annotations

import math
import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, Executor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dask_jobqueue.slurm import SLURMCluster
    from distributed import Client

#: Seconds to wait for a Dask scheduler before giving up, and for workers before saying so.
PATIENCE = 15.0
#: Seconds between two notices that there are no workers.
_BETWEEN_NOTICES = 60.0
NOT_STARTED = (
    "the worker processes ended without taking a run; a script must guard its calls by "
    'if __name__ == "__main__": and not come from standard input'
)


@contextmanager
def connected(address: Any) -> Iterator[Client]:
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


def local_cluster(workers: int) -> Any:
    """Dask's worker processes on this machine, reachable from this machine only."""
    from distributed import LocalCluster

    with _undisturbed():  # a cluster that is only half there cannot be closed
        try:
            return LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                host="127.0.0.1",
                dashboard_address="127.0.0.1:0",
                worker_dashboard_address=None,
                # workers that a run may kill before it fails
                scheduler_kwargs={"allowed_failures": 1},
            )
        except RuntimeError as error:
            raise BrokenExecutor(NOT_STARTED) from error


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Ctrl-C and SIGTERM wait for the end of the block."""
    noted: list[int] = []
    before = {}
    if threading.current_thread() is threading.main_thread():
        for each in (signal.SIGINT, signal.SIGTERM):
            if callable(signal.getsignal(each)):
                before[each] = signal.signal(each, lambda number, frame: noted.append(number))
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
        for number in noted:
            signal.raise_signal(number)


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
    try:  # cluster.scale() would not say if a job is refused
        for _ in range(math.ceil(workers / each)):
            cluster.worker_spec.update(cluster.new_worker_spec())
        cluster.sync(cluster._correct_state)
    except (RuntimeError, ValueError, OSError) as error:
        cluster._created.clear()  # Dask would take what the error refers to for running jobs
        cluster.close()
        reason = " ".join(str(error).partition("stderr:")[2].split()) or str(error)
        raise OSError(f"executor = 'slurm': {submit} failed: {reason}") from error
    return cluster
