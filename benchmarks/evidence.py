"""How many runs an hour holds: testing the last epochs alone, and compiling.

    OMP_NUM_THREADS=1 python benchmarks/evidence.py [--repeats 3]

Whole runs on one thread, in turns, so that both sides meet the same machine. The ratio is that of
the medians. One comparison is whether all epochs are tested, or those that the error averages, as
by ``Config(tested="last")``; results are the same. Aim: twice as many runs of the small profile.
The other is whether the network is compiled, which sweeps do on a CPU on the digits alone.

The first compiled run of a machine takes half a minute more, the first of a process some seconds;
neither is counted.
"""

from __future__ import annotations

import argparse
import statistics
import time
from dataclasses import replace

import torch

import umixup as um
from umixup.training import Config


def seconds(config: Config, data: um.data.DataSet, compile: bool) -> float:
    """Wall time of a run."""
    start = time.perf_counter()
    um.training.train(config, data=data, device="cpu", progress=False, compile=compile)
    return time.perf_counter() - start


def compare(
    name: str, data: um.data.DataSet, sides: dict[str, tuple[Config, bool]], repeats: int
) -> None:
    """Print how many times as many runs the second side does in the same time."""
    times: dict[str, list[float]] = {side: [] for side in sides}
    for seed in range(repeats):
        for side, (config, compile) in sides.items():
            times[side].append(seconds(replace(config, seed=seed), data, compile))
    one, two = (statistics.median(each) for each in times.values())
    words = " against ".join(reversed(sides))
    print(f"{name}: {words}, {one / two:.2f} times as many runs ({two:.1f} and {one:.1f} s)")


def both(profile: str, dataset: str, repeats: int) -> None:
    """Print both comparisons for a profile on its data set."""
    data = um.data.load(dataset)
    every = um.training.profile(profile, dataset=dataset, scheme="B(1,1)")
    last, name = replace(every, tested="last"), f"{profile}, {data.title}"
    compare(name, data, {"all epochs tested": (every, False), "the last": (last, False)}, repeats)
    seconds(last, data, compile=True)
    compare(name, data, {"not compiled": (last, False), "compiled": (last, True)}, repeats)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    repeats = parser.parse_args().repeats
    torch.set_num_threads(1)
    both("quick", "digits", repeats)
    try:
        both("small", "fashion-mnist", repeats)
    except FileNotFoundError as error:
        print(f"small, Fashion-MNIST: left out: {str(error).splitlines()[0]}")


if __name__ == "__main__":
    main()
