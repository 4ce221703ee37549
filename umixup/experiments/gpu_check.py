"""A GPU owner's hour: the tests on the card, its speed, what each table would cost, and runs.

    umixup gpu-check --minutes 60

Each part writes what it found into a folder as soon as it has it, and ``report.md`` anew. So it may
be cut off anywhere: the same call goes on with what is missing.
"""

from __future__ import annotations

import importlib.util
import json
import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

import umixup
from umixup import _check as check
from umixup._files import check_writable, written_whole
from umixup.experiments import _gpu_report, results, sweep, tables
from umixup.training import Config, Trainer, estimate, new_model
from umixup.training import data as datasets
from umixup.training.data import DataSet
from umixup.training.environment import environment
from umixup.training.loop import usable
from umixup.training.timing import now, warmed_up

#: Images of each table's data set: how many for training, and their shape.
SHAPES = {
    1: (50_000, (3, 32, 32), 10),
    2: (50_000, (3, 32, 32), 100),
    3: (60_000, (1, 28, 28), 10),
    4: (60_000, (1, 28, 28), 10),
}
_TOGETHER = 3  # runs at once
_PATIENCE = 900.0  # seconds for the tests, and for runs at once to begin


@dataclass
class GPUCheck:
    """What is checked, where.

    Attributes:
        folder: where the findings go.
        device: the card.
        table: of the paper: its recipe is timed, and its runs are done.
        results: where the records go.
        minutes: after which no more run is begun.
        changes: of the paper's recipe, for a trial elsewhere.
        images: made-up training images, a tenth as many for testing; by default the table's number.
        seconds: of each measurement of runs at once.
    """

    folder: Path
    device: torch.device
    table: int
    results: str
    minutes: float
    changes: dict[str, Any]
    images: int | None = None
    seconds: float = 20.0

    def config(self, table: int) -> Config:
        """The paper's recipe for UMixUp, with the changes."""
        untied = tables.configs(table, runs=1, losses=["ce"])[3]
        return replace(untied, **self.changes)

    def made_up(self, table: int) -> DataSet:
        """Images of noise, as many and as large as the table's."""
        n, shape, classes = SHAPES[table]
        n, generator = self.images or n, torch.Generator().manual_seed(0)
        x = torch.randint(256, (n, *shape), generator=generator, dtype=torch.uint8)
        y = torch.randint(classes, (n,), generator=generator)
        names, channels, tested = tuple(map(str, range(classes))), shape[0], max(2, n // 5)
        moments = (0.5,) * channels, (0.25,) * channels
        return DataSet(
            self.config(table).dataset, "made up", x, y, x[:tested], y[:tested], names, *moments
        )

    def trainer(self) -> Trainer:
        """The table's recipe on made-up images."""
        config = self.config(self.table)
        return Trainer(config, self.made_up(self.table).to(self.device), self.device)

    # The parts

    def machine(self) -> dict[str, Any]:
        """What there is."""
        found: dict[str, Any] = environment()
        if self.device.type == "cuda":
            card = torch.cuda.get_device_properties(self.device)
            found |= {
                "card": card.name,
                "memory_gib": round(card.total_memory / 2**30, 1),
                "capability": f"{card.major}.{card.minor}",
                "cards": torch.cuda.device_count(),
                "cuda": torch.version.cuda,
            }
        return found

    def tests(self) -> dict[str, Any]:
        """The tests that need a card, if this is a checkout."""
        root = Path(umixup.__file__).parents[1]
        if not (root / "tests").is_dir() or importlib.util.find_spec("pytest") is None:
            return {"left_out": "they need a checkout, and pytest"}
        command = [sys.executable, "-m", "pytest", "-m", "gpu", "-q", "tests"]
        done = subprocess.run(
            command, cwd=root, capture_output=True, text=True, timeout=_PATIENCE, check=False
        )
        return {"status": done.returncode, "output": done.stdout[-3000:] + done.stderr[-1000:]}

    def step(self) -> dict[str, Any]:
        """The time of a step, its share of the card's own rate, and what it is spent on."""
        config, data = self.config(self.table), self.made_up(self.table)
        found = estimate(config, data, device=self.device)
        with torch.device("cpu"), FlopCounterMode(display=False) as counter:
            new_model(config, data)(torch.rand(2, *data.train_x.shape[1:])).sum().backward()
        flops = counter.get_total_flops() / 2 * config.batch_size
        trainer = self.trainer()
        batches = warmed_up(trainer)
        kinds = [ProfilerActivity.CPU]
        kinds += [ProfilerActivity.CUDA] if self.device.type == "cuda" else []
        with profile(activities=kinds) as profiled:
            for _ in range(20):
                trainer.train_on(*next(batches))
            now(self.device)
        by = "self_cuda_time_total" if self.device.type == "cuda" else "self_cpu_time_total"
        rate = product_rate(self.device)
        return {
            **found._asdict(),
            "flops": flops,
            "rate": flops / found.step,
            "product_rate": rate,
            "share": flops / found.step / rate,
            "precision": trainer.sittings[0]["precision"],
            "compiled": trainer.sittings[0]["compiled"],
            "profile": profiled.key_averages().table(sort_by=by, row_limit=15),
        }

    def together(self) -> dict[str, Any]:
        """Steps a second of one process, and of three at once on the same card."""
        alone, shared = (sum(self._rates(number)) for number in (1, _TOGETHER))
        return {"alone": alone, "shared": shared, "number": _TOGETHER, "gain": shared / alone}

    def _rates(self, number: int) -> list[float]:
        context = multiprocessing.get_context("spawn")
        together, rates = context.Barrier(number), context.Queue()
        processes = [
            context.Process(target=_steps_a_second, args=(self, together, rates), daemon=True)
            for _ in range(number)
        ]
        for one in processes:
            one.start()
        try:
            found = [rates.get(timeout=_PATIENCE) for _ in processes]
        finally:
            for one in processes:
                one.join(timeout=5)
                one.terminate()
        if failed := [one for one in found if isinstance(one, str)]:
            raise RuntimeError(f"{number} runs at once: {failed[0]}")
        return found

    def costs(self) -> dict[str, Any]:
        """A run's time for each table, and with it that of all of its runs."""
        found = {}
        for table in SHAPES:
            seconds = estimate(self.config(table), self.made_up(table), device=self.device).total
            runs = len(tables.configs(table))
            found[str(table)] = {"run": seconds, "runs": runs, "hours": seconds * runs / 3600}
        return found

    def runs(self, begun: float) -> dict[str, Any]:
        """As many runs of the table as the time holds, seed by seed, into the records."""
        found: list[float] = []
        configs = [replace(c, **self.changes) for c in tables.configs(self.table)]
        try:
            data = datasets.load(configs[0].dataset)
        except FileNotFoundError as error:
            return {"left_out": str(error)}
        longest = estimate(configs[0], data, device=self.device).total
        for config in configs:
            if time.perf_counter() - begun + max([longest, *found]) > 60 * self.minutes:
                break
            start = time.perf_counter()
            report = sweep.run(
                [config],
                self.results,
                executor="here",
                progress=False,
                checkpoints=self.folder / "checkpoints",
            )
            if report.failed:
                return {"failed": next(iter(report.failed.values())), "seconds": found}
            if report.done:
                found.append(time.perf_counter() - start)
        there = {"seconds": found, "recorded": 0, "wanted": len(configs), "table": None}
        if not Path(self.results).is_dir():
            return there
        loaded = results.load(self.results)
        ours = loaded[loaded["hash"].isin({config.hash() for config in configs})]
        if not len(ours):
            return there
        columns = ["loss", "setting", "mean", "half_width", "n", "paper_mean", "paper_half_width"]
        text = tables.beside_paper(ours, self.table)[columns].to_string(index=False)
        return {**there, "recorded": len(ours), "table": text}


def gpu_check(
    folder: str | os.PathLike[str] = "gpu-report",
    *,
    table: int = 1,
    results: str | os.PathLike[str] = "results-full",
    minutes: float = 60.0,
    device: torch.device | str = "cuda",
    changes: dict[str, Any] | None = None,
    images: int | None = None,
    seconds: float = 20.0,
    say: Callable[[str], object] = print,
) -> Path:
    """Check a card, as far as the time goes, and report.

    Args:
        folder: where the findings go; those that are there already are kept.
        table: of the paper: its recipe is timed, and its runs are done.
        results: where the records go.
        minutes: after which no more run is begun.
        device: the card.
        changes: fields of the config in place of the paper's, for a trial without a card.
        images: made-up training images, by default as many as the table's set has.
        seconds: of each measurement of runs at once.
        say: is told what is going on.

    Returns:
        The report, in Markdown.

    Raises:
        ValueError: torch cannot use the device; or a number is out of range.
    """
    begun = time.perf_counter()
    found = usable(device)
    check.whole("table", table, 1, len(SHAPES))
    minutes = check.number("minutes", minutes, check.NON_NEGATIVE)
    path = Path(folder)
    check_writable("folder", path)
    one = GPUCheck(path, found, table, os.fspath(results), minutes, changes or {}, images, seconds)
    one.config(table)
    parts: dict[str, Callable[[], dict[str, Any]]] = {
        "machine": one.machine,
        "tests": one.tests,
        "step": one.step,
        "together": one.together,
        "costs": one.costs,
        "runs": lambda: one.runs(begun),
    }
    kept: dict[str, Any] = {}
    for name, part in parts.items():
        file = path / f"{name}.json"
        if name != "runs" and file.is_file():
            kept[name] = json.loads(file.read_text(encoding="utf-8"))
            continue
        say(f"{name} …")
        start = time.perf_counter()
        try:
            kept[name] = part()
        except Exception as error:  # the other parts go on; the next call tries this one again
            kept[name] = {"error": f"{type(error).__name__}: {error}"}
        kept[name]["took"] = time.perf_counter() - start
        if "error" not in kept[name]:
            with written_whole(file) as new:
                new.write_text(json.dumps(kept[name], indent=1), encoding="utf-8")
        with written_whole(path / "report.md") as new:
            new.write_text(_gpu_report.written(kept, table), encoding="utf-8")
    return path / "report.md"


def product_rate(device: torch.device) -> float:
    """FLOP a second of a large square product, in bfloat16 on a card, in float32 on a CPU."""
    on_card = device.type != "cpu"
    size, dtype = (8192, torch.bfloat16) if on_card else (1024, torch.float32)
    a = torch.randn(size, size, device=device, dtype=dtype)
    for _ in range(5):
        a @ a
    start = now(device)
    for _ in range(20):
        a @ a
    return 20 * 2 * size**3 / (now(device) - start)


def _steps_a_second(one: GPUCheck, together: Any, rates: Any) -> None:
    """In a process of its own: warm up, wait for the others, and count steps."""
    try:
        if one.device.type == "cpu":
            torch.set_num_threads(1)
        trainer = one.trainer()
        batches = warmed_up(trainer)
        now(one.device)  # the first steps are done
        together.wait(_PATIENCE)
        start, steps = now(one.device), 0
        while now(one.device) - start < one.seconds:
            for _ in range(5):
                trainer.train_on(*next(batches))
            steps += 5
        rates.put(steps / (now(one.device) - start))
    except Exception as error:
        together.abort()
        rates.put(f"{type(error).__name__}: {error}")
