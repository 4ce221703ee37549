"""How a training step's time and a run's memory grow, and whether memory stays flat over epochs.

    python benchmarks/scaling.py [--threads 1] [--out scaling.png]

From a base of width 8, batch 128, side 32 and 10,000 images, one of them varies at a time. Each
point is a process of its own: the median time of a step, and the peak of its memory beyond what
it had after importing torch. Times are shown as multiples of the base's. The last panel is memory
over 200 short epochs. Claim: it does not grow by more than 2 % between epoch 20 and epoch 200.
"""

from __future__ import annotations

import argparse
import gc
import json
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

BASE = {"width": 8, "batch": 128, "side": 32, "images": 10_000}
VARIED = {
    "width": [4, 8, 16, 32],
    "batch": [32, 64, 128, 256],
    "side": [8, 16, 32, 48],
    "images": [1000, 10_000, 50_000],
}


def resident() -> float:
    """The memory of this process now, in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def trainer(width: int, batch: int, side: int, images: int, threads: int):
    """Ours, on made-up images."""
    import torch

    import umixup as um

    torch.set_num_threads(threads)
    generator = torch.Generator().manual_seed(0)
    x = torch.randint(256, (images, 3, side, side), generator=generator, dtype=torch.uint8)
    y = torch.randint(10, (images,), generator=generator)
    names = tuple(map(str, range(10)))
    moments = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)
    data = um.data.DataSet("cifar10", "made up", x, y, x[:64], y[:64], names, *moments)
    config = um.training.Config("cifar10", "B(1,1)", width=width, batch_size=batch, epochs=10**6)
    return um.training.Trainer(config, data, torch.device("cpu"))


def point(threads: int, **sizes: int) -> dict[str, float]:
    """Time of a step in ms, and peak memory in MB beyond the import's."""
    import torch  # noqa: F401

    before = resident()
    one = trainer(threads=threads, **sizes)
    times = []
    for (x, target), _ in zip(one.batches(), range(12), strict=False):
        start = time.perf_counter()
        one.train_on(x, target)
        times.append(time.perf_counter() - start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    return {"ms": 1e3 * statistics.median(times[2:]), "mb": peak - before}


def over_epochs(threads: int, epochs: int = 200) -> list[float]:
    """Memory after each of many short epochs, in MB."""
    from tqdm import tqdm

    one = trainer(4, 32, 8, 96, threads)
    found = []
    for _ in range(epochs):
        one.run_epoch(tqdm(disable=True), [])
        gc.collect()
        found.append(resident())
    return found


def elsewhere(*arguments: str) -> object:
    """What this script prints in a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__, *arguments], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def draw(rows: list[dict[str, object]], memory: list[float], out: Path) -> None:
    """The four sizes, time and memory; and memory over epochs."""
    import matplotlib.pyplot as plt

    import umixup as um

    um.plotting.style()
    fig, axes = plt.subplots(2, 5, figsize=(15, 5.6), sharey="row")
    for (name, values), (above, below) in zip(VARIED.items(), axes.T[:4], strict=True):
        own = [row for row in rows if row["varied"] == name]
        above.plot(values, [row["times"] for row in own], "o-")
        below.plot(values, [row["mb"] for row in own], "s-", color="C1")
        above.set(title=name, xscale="log", yscale="log", xticks=values, xticklabels=values)
        below.set(xlabel=name, xscale="log", xticks=values, xticklabels=values, ylim=(0, None))
        for ax in (above, below):
            ax.minorticks_off()
    axes[0, 0].set_ylabel("step, × the base's")
    axes[1, 0].set_ylabel("peak memory, MB")
    axes[1, 4].plot(range(1, len(memory) + 1), memory, color="C2")
    axes[1, 4].set(xlabel="epoch of a small run")
    axes[0, 4].axis("off")
    fig.savefig(out, dpi=120)


def main() -> None:
    """Measure, print and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("scaling.png"))
    parser.add_argument("--point", help=argparse.SUPPRESS)
    parser.add_argument("--epochs", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.point:
        print(json.dumps(point(arguments.threads, **json.loads(arguments.point))))
        return
    if arguments.epochs:
        print(json.dumps(over_epochs(arguments.threads)))
        return
    threads = f"--threads={arguments.threads}"
    rows = [
        {"varied": name, "value": value, **elsewhere(threads, "--point", json.dumps(sizes))}
        for name, values in VARIED.items()
        for value in values
        for sizes in [{**BASE, name: value}]
    ]
    base = statistics.median(row["ms"] for row in rows if row["value"] == BASE[row["varied"]])
    print(f"{arguments.threads} threads; base: {BASE}")
    for row in rows:
        row["times"] = row["ms"] / base
        print(f"{row['varied']:>8} {row['value']:>6}: {row['times']:6.2f} ×  {row['mb']:7.0f} MB")
    memory = elsewhere(threads, "--epochs")
    growth = memory[-1] / memory[19] - 1
    print(f"memory from epoch 20 to epoch 200: {100 * growth:+.1f} %   (claim: ≤ 2 %)")
    draw(rows, memory, arguments.out)
    print(f"drawn into {arguments.out}")


if __name__ == "__main__":
    main()
