"""How many runs an hour holds: testing the last epochs alone, and compiling.

    OMP_NUM_THREADS=1 python benchmarks/evidence.py [--repeats 3]

Whole runs on one thread, in turns, so that both sides meet the same machine. The ratio is that of
the medians. Claims: a run of the small profile is done at least twice as often if only the epochs
that its error averages are tested, as ``Config(tested="last")`` does; results are the same. On a
CPU, compiling the network is worth little on the digits and nothing on larger images.

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


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    repeats = parser.parse_args().repeats
    torch.set_num_threads(1)
    digits = um.data.load("digits")
    quick = um.training.profile("quick", scheme="B(1,1)")
    last = replace(quick, tested="last")
    sides = {"all epochs tested": (quick, False), "the last": (last, False)}
    compare("quick, digits", digits, sides, repeats)
    seconds(last, digits, compile=True)
    sides = {"not compiled": (last, False), "compiled": (last, True)}
    compare("quick, digits", digits, sides, repeats)
    try:
        fashion = um.data.load("fashion-mnist")
    except FileNotFoundError as error:
        print(f"small, Fashion-MNIST: left out: {str(error).splitlines()[0]}")
        return
    small = um.training.profile("small", scheme="B(1,1)")
    last = replace(small, tested="last")
    sides = {"all epochs tested": (small, False), "the last": (last, False)}
    compare("small, Fashion-MNIST", fashion, sides, repeats)
    seconds(last, fashion, compile=True)
    sides = {"not compiled": (last, False), "compiled": (last, True)}
    compare("small, Fashion-MNIST", fashion, sides, repeats)


if __name__ == "__main__":
    main()
