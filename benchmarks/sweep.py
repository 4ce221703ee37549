"""How a sweep grows with its workers, and what it costs beside the runs.

    OMP_NUM_THREADS=1 python benchmarks/sweep.py [--runs 24] [--epochs 20]

Runs of digits in the quick profile, on one thread each, by one worker process and by two, one
after the other in one go. A worker's start (it imports torch and loads the data) is paid once a
sweep, whatever its length, so it is told apart: it is the time to the first record, less that
run's own seconds. Claims, on two idle cores: two workers do the runs 1.8 times as fast as one;
and of a worker's time after its start, at most 2 % is not spent in runs of some 4 s.

The overhead is 1 − (the runs' own seconds) / (workers × time), by each record's ``seconds``. With
two workers it holds the wait of one for the other's last run as well. Two cores need not be worth
twice one: they may share caches, memory and clock. So the same runs are also trained by one and by
two bare processes, without any sweep; no sweep can scale better than those. Beside it stands the
time that the two cores were taken by others: with more than a few per cent the numbers say little.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import tempfile
import threading
import time
from dataclasses import dataclass
from multiprocessing.synchronize import Barrier
from pathlib import Path

import torch

from umixup import data, results, sweep
from umixup.training import Config, profile, train


@dataclass
class Measured:
    """A sweep's wall time, its workers' start and the runs' own seconds."""

    workers: int
    wall: float
    start: float
    own: float

    @property
    def steady(self) -> float:
        """Wall time after the workers' start."""
        return self.wall - self.start

    @property
    def overhead(self) -> float:
        """The share of the workers' time after their start that was not in runs."""
        return 1 - self.own / (self.workers * self.steady)

    @property
    def overhead_with_start(self) -> float:
        """The same with the start."""
        return 1 - self.own / (self.workers * self.wall)


def measure(configs: list[Config], workers: int) -> Measured:
    """Do the configs in a new folder, in processes."""
    with tempfile.TemporaryDirectory() as folder:
        first: list[float] = []
        begin = time.perf_counter()

        def watch() -> None:
            while not any(Path(folder).glob("*.json")):
                time.sleep(0.01)
            first.append(time.perf_counter() - begin)

        watching = threading.Thread(target=watch)
        watching.start()
        report = sweep.run(
            configs, folder, executor="processes", workers=workers, threads=1, progress=False
        )
        watching.join()
        if report.failed:
            raise RuntimeError(f"runs failed: {report.failed}")
        oldest = min(Path(folder).glob("*.json"), key=lambda path: path.stat().st_mtime_ns)
        own = sum(float(record["seconds"]) for record in results.records(folder))
        start = first[0] - float(results.read(oldest)["seconds"])
        return Measured(workers, report.seconds, start, own)


def bare(configs: list[Config], processes: int) -> float:
    """Wall seconds of so many processes that train their share of the configs, and no more."""
    context = multiprocessing.get_context("spawn")
    ready = context.Barrier(processes + 1)
    started = [
        context.Process(target=_train_each, args=(configs[k::processes], ready))
        for k in range(processes)
    ]
    for process in started:
        process.start()
    ready.wait(timeout=120)  # one that died would be waited for without end
    begin = time.perf_counter()
    for process in started:
        process.join()
    if any(process.exitcode for process in started):
        raise RuntimeError("a bare process failed")
    return time.perf_counter() - begin


def _train_each(configs: list[Config], ready: Barrier) -> None:
    torch.set_num_threads(1)
    loaded = data.load(configs[0].dataset)
    ready.wait()
    for config in configs:
        train(config, data=loaded, progress=False)


def busy() -> tuple[float, float]:
    """Seconds that all cores were busy, and that this process and its ended children were."""
    ticks = [int(v) for v in Path("/proc/stat").read_text().split("\n")[0].split()[1:9]]
    everything = sum(ticks[:3]) + sum(ticks[5:])  # without idle and waiting for disks
    return everything / os.sysconf("SC_CLK_TCK"), sum(os.times()[:4])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=24)
    parser.add_argument("--epochs", type=int, default=20, help="of a run; 20 is the profile's own")
    arguments = parser.parse_args()
    configs = [
        profile("quick", scheme="B(1,1)", epochs=arguments.epochs, seed=seed)
        for seed in range(arguments.runs)
    ]
    cores = len(os.sched_getaffinity(0))
    print(f"torch {torch.__version__}, {cores} cores, {arguments.runs} runs")
    before = busy() if Path("/proc/stat").exists() else None
    start = time.perf_counter()
    found = [measure(configs, workers) for workers in (1, 2)]
    alone = [bare(configs, processes) for processes in (1, 2)]
    wall = time.perf_counter() - start
    for one in found:
        print(
            f"{one.workers} workers: {one.wall:.1f} s, of which {one.start:.1f} s for their start; "
            f"a run {one.own / len(configs):.2f} s; overhead {100 * one.overhead:.1f} % after the "
            f"start (claim for one worker: ≤ 2 %), {100 * one.overhead_with_start:.1f} % with it"
        )
    print(f"two workers against one: {found[0].wall / found[1].wall:.2f} (claim: ≥ 1.8)")
    print(f"    after the start: {found[0].steady / found[1].steady:.2f}")
    print(f"    two bare processes against one: {alone[0] / alone[1]:.2f}, what the cores give")
    if before is not None:
        others = [after - b for after, b in zip(busy(), before, strict=True)]
        print(
            f"taken by others: {100 * (others[0] - others[1]) / (cores * wall):.0f} % of the cores"
        )


if __name__ == "__main__":
    main()
