"""One run of the paper's full recipe on a GPU: how long, and what share of the card's own rate.

    python benchmarks/full.py [--epochs 200]

CIFAR10-shaped images, made up: 50,000 of 3×32×32, width 64, batch 128, bfloat16 autocast,
channels_last, compiled. The rate to compare with is that of a large bfloat16 matrix product on the
same card. Aim: 200 epochs in at most 100 s on an H100-class card.
"""

from __future__ import annotations

import argparse
import time

import torch
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode
from tqdm import tqdm

import umixup as um

IMAGES, CLASSES = 50_000, 10


def trainer() -> um.training.Trainer:
    """The full recipe on made-up images."""
    device = torch.device("cuda")
    generator = torch.Generator().manual_seed(0)
    x = torch.randint(256, (IMAGES, 3, 32, 32), generator=generator, dtype=torch.uint8)
    y = torch.randint(CLASSES, (IMAGES,), generator=generator)
    names = tuple(map(str, range(CLASSES)))
    moments = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)
    data = um.data.DataSet("cifar10", "made up", x, y, x[:10_000], y[:10_000], names, *moments)
    config = um.training.profile("full", dataset="cifar10", scheme="U(B(2.2,0.9))")
    return um.training.Trainer(config, data.to(device), device)


def gemm_rate(size: int = 8192) -> float:
    """FLOP a second of a square bfloat16 product, timed by the device's own events."""
    a = torch.randn(size, size, device="cuda", dtype=torch.bfloat16)
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    for _ in range(5):
        a @ a
    start.record()
    for _ in range(20):
        a @ a
    end.record()
    torch.cuda.synchronize()
    return 20 * 2 * size**3 / (start.elapsed_time(end) / 1e3)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=200)
    arguments = parser.parse_args()
    if not torch.cuda.is_available():
        print("there is no GPU here: nothing is measured")
        return
    one = trainer()
    with FlopCounterMode(display=False) as counter:  # of a step that is not compiled
        plain = um.models.PreActResNet18(CLASSES)
        plain(torch.rand(2, 3, 32, 32)).sum().backward()
    flops = counter.get_total_flops() / 2 * IMAGES
    quiet = tqdm(disable=True)
    start = time.perf_counter()
    one.run_epoch(quiet, [])
    torch.cuda.synchronize()
    print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}")
    print(f"first epoch, compiling: {time.perf_counter() - start:.1f} s")
    start = time.perf_counter()
    for _ in range(arguments.epochs - 1):
        one.run_epoch(quiet, [])
    torch.cuda.synchronize()
    taken = time.perf_counter() - start
    print(f"{arguments.epochs - 1} more epochs, tests included: {taken:.1f} s")
    share = flops * (arguments.epochs - 1) / taken / gemm_rate()
    print(f"{100 * share:.0f} % of the rate of an 8192³ bfloat16 product")
    batches = one.batches()
    with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as found:
        for _ in range(20):
            one.train_on(*next(batches))
        torch.cuda.synchronize()
    print(found.key_averages().table(sort_by="self_cuda_time_total", row_limit=15))


if __name__ == "__main__":
    main()
