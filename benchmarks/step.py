"""A training step of ours against the plain recipe, and against the machine's own matrix product.

    python benchmarks/step.py [--threads 2] [--widths 8 16 64] [--rounds 5]

Images of 3×32×32, batch 128, made up, so that no data set is needed. The peer is what one writes
first: torchvision's CIFAR10 class with its transforms, DataLoaders, v2's MixUp, eager float32 in
the default layout. Contenders take turns within a round; a figure is the median over the rounds of
the ratio within a round. Claims, on two cores:

- the data path alone (gather, crop, flip, normalise, mix) is at least 15 times as fast;
- a whole step at width 8 and 16 at least 1.5 times, at width 64 at least 1.15 times;
- at width 64 it reaches at least 70 % of the rate of a large matrix product.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import time
from collections.abc import Callable, Iterator

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile
from torch.utils.data import DataLoader
from torch.utils.flop_counter import FlopCounterMode
from torchvision import datasets, transforms
from torchvision.transforms import v2

import umixup as um

BATCH, CLASSES, SAMPLES = 128, 10, 2560
MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2612)


class MadeUp(datasets.CIFAR10):
    """torchvision's CIFAR10 with images of our own: its files alone are left out."""

    def __init__(self, transform: Callable[[object], Tensor]) -> None:
        made = np.random.default_rng(0)
        self.data = made.integers(0, 256, (SAMPLES, 32, 32, 3), dtype=np.uint8)
        self.targets = made.integers(0, CLASSES, SAMPLES).tolist()
        self.transform, self.target_transform = transform, None


def their_batches(loaders: int, workers: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Mixed batches without end, from one loader or from two of which the second is the partner."""
    steps = transforms.Compose(
        [
            transforms.RandomCrop(32, padding=4),
            transforms.RandomHorizontalFlip(),
            transforms.ToTensor(),
            transforms.Normalize(MEAN, STD),
        ]
    )
    data, mixup = MadeUp(steps), v2.MixUp(num_classes=CLASSES)
    made = [
        DataLoader(data, BATCH, shuffle=True, num_workers=workers, persistent_workers=workers > 0)
        for _ in range(loaders)
    ]
    while True:
        for (x, y), *partner in zip(*made, strict=True):
            if not partner:
                yield mixup(x, y)
                continue
            ((x2, y2),) = partner
            both = mixup(torch.stack([x, x2], 1).flatten(0, 1), torch.stack([y, y2], 1).flatten())
            yield both[0][1::2], both[1][1::2]  # x2 with x, the one before it


def our_set() -> um.data.DataSet:
    """The same images as a set of ours."""
    made = MadeUp(transforms.ToTensor())
    x = torch.from_numpy(made.data).permute(0, 3, 1, 2).contiguous()
    y = torch.tensor(made.targets)
    names = tuple(map(str, range(CLASSES)))
    return um.data.DataSet("cifar10", "made up", x, y, x[:BATCH], y[:BATCH], names, MEAN, STD)


class Ours:
    """Our trainer's epochs, a step a call, without the test."""

    def __init__(self, width: int) -> None:
        config = um.training.Config("cifar10", "U(B(2.2,0.9))", width=width, epochs=10**6)
        self.trainer = um.training.Trainer(config, our_set(), torch.device("cpu"))
        self.batches = self._all()

    def _all(self) -> Iterator[tuple[Tensor, Tensor]]:
        for self.trainer.epoch in itertools.count():
            yield from self.trainer.batches()

    def data(self) -> None:
        """The data path alone."""
        next(self.batches)

    def step(self) -> None:
        """Data path and training step."""
        self.trainer.train_on(*next(self.batches))


class Theirs:
    """The plain recipe's loop."""

    def __init__(self, width: int, loaders: int, workers: int) -> None:
        self.batches = their_batches(loaders, workers)
        self.model = um.models.PreActResNet18(CLASSES, 3, width)
        self.optimizer = torch.optim.SGD(
            self.model.parameters(), 0.1, momentum=0.9, weight_decay=1e-4
        )

    def data(self) -> None:
        """The data path alone."""
        next(self.batches)

    def step(self) -> None:
        """Data path and training step."""
        x, y = next(self.batches)
        self.optimizer.zero_grad()
        F.cross_entropy(self.model(x), y).backward()
        self.optimizer.step()


def seconds(function: Callable[[], object], repeat: int) -> float:
    """Mean time of a call over ``repeat`` calls."""
    start = time.perf_counter()
    for _ in range(repeat):
        function()
    return (time.perf_counter() - start) / repeat


def ratios(
    contenders: dict[str, Callable[[], object]], rounds: int, repeat: int
) -> dict[str, float]:
    """How many times as long as the first the others take, and the first's own seconds."""
    for call in contenders.values():
        seconds(call, 2)
    times = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, call in contenders.items():
            times[name].append(seconds(call, repeat))
    first, *others = contenders
    found = {
        name: statistics.median(a / b for a, b in zip(times[name], times[first], strict=True))
        for name in others
    }
    return {"": statistics.median(times[first]), **found}


def gemm_rate(size: int = 2048) -> float:
    """FLOP a second of a square float32 matrix product, the best of ten."""
    a, b = torch.rand(size, size), torch.rand(size, size)
    return 2 * size**3 / min(seconds(lambda: a @ b, 1) for _ in range(10))


def flops_of_a_step(width: int) -> int:
    """Multiplications and additions of forward and backward pass, as torch counts them."""
    model = um.models.PreActResNet18(CLASSES, 3, width)
    with FlopCounterMode(display=False) as counter:
        F.cross_entropy(model(torch.rand(BATCH, 3, 32, 32)), torch.zeros(BATCH).long()).backward()
    return counter.get_total_flops()


def where_it_goes(step: Callable[[], object]) -> dict[str, float]:
    """Shares of a step's CPU time by kind of operation."""
    kinds = {
        "convolutions": ("convolution", "conv2d", "aten::mm", "addmm"),
        "batch normalisation": ("batch_norm",),
        "ReLU": ("relu", "clamp_min", "threshold"),
        "additions": ("aten::add", "aten::add_"),
        "optimizer": ("Optimizer",),
    }
    with profile(activities=[ProfilerActivity.CPU]) as found:
        step()
    events = found.key_averages()
    total = sum(event.self_cpu_time_total for event in events)
    shares = dict.fromkeys([*kinds, "the rest"], 0.0)
    for event in events:
        names = (kind for kind, words in kinds.items() if any(w in event.key for w in words))
        shares[next(names, "the rest")] += event.self_cpu_time_total / total
    return shares


def layouts(width: int, side: int, rounds: int) -> float:
    """How many times as long a step takes in the default layout as in channels_last."""

    def stepper(layout: torch.memory_format) -> Callable[[], None]:
        model = um.models.PreActResNet18(CLASSES, 3, width).to(memory_format=layout)
        x, y = torch.rand(BATCH, 3, side, side), torch.zeros(BATCH).long()
        x = x.contiguous(memory_format=layout)

        def step() -> None:
            model.zero_grad()
            nn.functional.cross_entropy(model(x), y).backward()

        return step

    both = {
        "channels_last": stepper(torch.channels_last),
        "default": stepper(torch.contiguous_format),
    }
    return ratios(both, rounds, 1)["default"]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--widths", type=int, nargs="+", default=[8, 16, 64])
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    print(f"torch {torch.__version__}, {arguments.threads} threads, {arguments.rounds} rounds")

    ours = Ours(8)
    found = ratios(
        {
            "ours": ours.data,
            "one loader": Theirs(8, 1, 0).data,
            "two loaders": Theirs(8, 2, 0).data,
        },
        arguments.rounds,
        10,
    )
    print("data path, plain / ours (claim: ≥ 15):")
    for name in ("one loader", "two loaders"):
        print(f"    {name}: {found[name]:.1f}")

    rate = gemm_rate()
    for width in arguments.widths:
        ours = Ours(width)
        # the plain recipe in two ways: loading in the step, and in a process beside it
        peers = {f"{w} workers": Theirs(width, 2, w).step for w in (0, 1)}
        found = ratios({"ours": ours.step, **peers}, arguments.rounds, 1 if width > 32 else 5)
        claim = "≥ 1.15" if width == 64 else "≥ 1.5"
        share = flops_of_a_step(width) / found[""] / rate
        print(f"step at width {width}, plain / ours (claim: {claim}):")
        for name in peers:
            print(f"    two loaders, {name}: {found[name]:.2f}")
        print(
            f"    {100 * share:.0f} % of the rate of a 2048³ product"
            + ("   (claim: ≥ 70 %)" if width == 64 else "")
        )
        shares = where_it_goes(ours.step)
        print("    " + ", ".join(f"{name} {100 * part:.0f} %" for name, part in shares.items()))
    print("a step in the default layout / in channels_last, by width and side:")
    for width, side in itertools.product([w for w in arguments.widths if w < 64], (8, 28, 32)):
        print(f"    {width}, {side}: {layouts(width, side, arguments.rounds):.2f}")


if __name__ == "__main__":
    main()
