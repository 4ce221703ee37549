"""What mixing a batch costs: against torchvision, timm, and a training step.

    python benchmarks/mixing.py [--threads 2]

A batch of 128 images of 3×32×32, on the CPU. The contenders take turns, a call each in random
order, so that all meet the same machine and none finds its own data in the caches, as in a training
loop. A figure is the ratio of the median times of a call. Claims:

- drawing λ and pairs and mixing costs at most 3 % of a PreActResNet18 (width 64) training step;
- with one λ a batch, as torchvision v2's MixUp has it, ours is no slower, in float32, channels_last
  and bfloat16; with a λ for each sample it is at least five times as fast as timm's `elem` mode;
- a container of tensors costs at most 5 % more than the same tensors mixed by hand;
- the plan of an epoch of 50,000 samples takes under 50 ms.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from collections.abc import Callable

import torch
from timm.data import Mixup
from torchvision.transforms import v2

import umixup as um

BATCH, CLASSES = 128, 10


def seconds(function: Callable[[], object], repeat: int) -> float:
    """Mean time of a call over ``repeat`` calls."""
    start = time.perf_counter()
    for _ in range(repeat):
        function()
    return (time.perf_counter() - start) / repeat


def medians(contenders: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """The median time of a call of each, taking turns in random order."""
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for call in contenders.values():  # warm up
        seconds(call, 5)
    for _ in range(rounds):
        for name in random.sample(list(contenders), len(contenders)):
            times[name].append(seconds(contenders[name], 1))
    return {name: statistics.median(values) for name, values in times.items()}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--rounds", type=int, default=500)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    random.seed(0)
    images, labels = torch.rand(BATCH, 3, 32, 32), torch.randint(CLASSES, (BATCH,))

    untied = um.mixing.UMixUp("U(B(2.2,0.9))", num_classes=CLASSES)
    one = um.mixing.MixUp(1.0, num_classes=CLASSES, lam_per="batch")
    theirs = v2.MixUp(num_classes=CLASSES, alpha=1.0)
    elem = Mixup(mixup_alpha=1.0, mode="elem", num_classes=CLASSES, label_smoothing=0.0)
    table = torch.rand(BATCH, 3, 32, 32)

    def by_hand() -> object:
        mixed, parts = untied(images, labels, parts=True)
        return mixed, um.mixing.mix(table, table[parts.second], parts.lam)

    layouts = {
        "": images,
        ", channels_last": images.contiguous(memory_format=torch.channels_last),
        ", bfloat16": images.bfloat16(),
    }
    median = medians(
        {
            "umixup": lambda: untied(images, labels),
            # timm mixes in place: it is given a copy, as a loop that keeps its images must
            "timm elem": lambda: elem(images.clone(), labels),
            "container": lambda: untied({"a": images, "b": table}, labels, parts=True),
            "by hand": by_hand,
            **{f"one λ{k}": lambda x=x: one(x, labels) for k, x in layouts.items()},
            **{f"a λ a sample{k}": lambda x=x: untied(x, labels) for k, x in layouts.items()},
            **{f"torchvision{k}": lambda x=x: theirs(x, labels) for k, x in layouts.items()},
        },
        arguments.rounds,
    )

    model = um.models.PreActResNet18(CLASSES).to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9)
    targets = torch.nn.functional.one_hot(labels, CLASSES).float()

    def step() -> None:
        optimizer.zero_grad()
        um.losses.cross_entropy(model(images), targets).mean().backward()
        optimizer.step()

    seconds(step, 1)
    a_step = seconds(step, 2)
    scheme = um.parse("U(B(2.2,0.9))")
    plan = min(
        seconds(
            lambda: um.pairs.plan_epoch(
                scheme, "two_copies", 50_000, batch_size=128, seed=0, epoch=0
            ),
            1,
        )
        for _ in range(5)
    )

    print(f"torch {torch.__version__}, {arguments.threads} threads, {arguments.rounds} rounds")
    share = median["umixup"] / a_step
    print(f"mixing / training step at width 64: {100 * share:.2f} %   (claim: ≤ 3 %)")
    for layout in layouts:
        peer, one_each = median[f"torchvision{layout}"], median[f"a λ a sample{layout}"]
        print(
            f"torchvision / umixup{layout}: one λ a batch {peer / median[f'one λ{layout}']:.2f}"
            f"   (claim: ≥ 1), one a sample {peer / one_each:.2f}"
        )
    print(f"timm elem / umixup: {median['timm elem'] / median['umixup']:.2f}   (claim: ≥ 5)")
    print(f"container / by hand: {median['container'] / median['by hand']:.3f}   (claim: ≤ 1.05)")
    print(f"plan of 50,000 samples: {1000 * plan:.0f} ms   (claim: < 50 ms)")


if __name__ == "__main__":
    main()
