"""The command ``umixup sweep``."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import tyro

from umixup import _check as check
from umixup import training
from umixup.experiments import _console, studies, sweep, tables
from umixup.experiments._options import Folder, MaybeFolder, Profile, Switch
from umixup.schemes import parse


@dataclass
class Sweep:
    """Do the runs of one of the paper's tables, or of a study, that are not recorded yet.

    A table has ERM, MixUp, UMixUp, and DAT with the policies of the last two, for each loss.

        umixup sweep --table 3 --profile quick --runs 5 --dry-run
        umixup sweep --table 4 --profile small --runs 10 --losses ce --workers 2 --threads 1
        umixup sweep --table 1 --runs 100 --executor tcp://10.0.0.1:8786
        umixup sweep --study pairings --workers 2 --threads 1
        umixup sweep --table 1 --seeds 20 30 --schemes ERM "B(1,1)" --dry-run
    """

    table: Literal[1, 2, 3, 4] | None = None
    """1 CIFAR10, 2 CIFAR100, 3 MNIST, 4 Fashion-MNIST."""
    study: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None
    """A study instead of a table; for an unknown name, the error lists all names."""
    profile: Profile | None = None
    """The recipe of a table's runs: the paper's (full) or a reduced one; by default full."""
    runs: int | None = None
    """Seeds of each setting, from 0 up; by default 100 for a table, its own number for a study."""
    losses: tuple[Literal["ce", "nc", "nc-released"], ...] | None = None
    """Losses of a table's runs; by default ce nc."""
    dataset: str | None = None
    """Another data set than the table's; by default the digits for quick."""
    seeds: tuple[int, int] | None = None
    """Only the seeds from the first number up to the one before the second."""
    schemes: tuple[str, ...] | None = None
    """Only the settings with one of these schemes."""
    results: Folder = "results"
    """Where the records go."""
    workers: int = 1
    """How many runs at once."""
    threads: int | None = None
    """Threads of torch in each worker; by default the cores are shared out."""
    executor: str | None = None
    """here, processes, dask, slurm, or a Dask scheduler's address; by default here or processes."""
    checkpoints: MaybeFolder = None
    """A folder in which runs save their state, so that those that are stopped can go on."""
    compile: Literal["yes", "no"] | None = None
    """Compile the networks; by default on a GPU, and in long sweeps on the digits."""
    dry_run: Switch = False
    """Only say how many runs there are to do, and about how long they take."""
    timed: Switch = False
    """With --dry-run: if no runs like them are recorded, time a few steps here."""

    def __call__(self) -> int:
        """Do the runs and print a report; 1 if a run failed, or its record is elsewhere."""
        configs, folder = self._configs(), check.text("results", self.results)
        how: dict[str, Any] = {
            "executor": self.executor,
            "workers": self.workers,
            "threads": self.threads,
            "compile": None if self.compile is None else self.compile == "yes",
        }
        if self.timed and not self.dry_run:
            raise ValueError("timed: only with --dry-run")
        if self.dry_run:
            outlook = sweep.plan(configs, folder, timed=self.timed, **how)
            print(f"{len(outlook.todo)} runs to do, {outlook.done} recorded in {self.results}")
            if outlook.seconds is None:
                print(
                    "no run like them is recorded yet, so how long they take is not known; "
                    "--timed times a few steps"
                )
            elif outlook.todo:
                time = _console.duration(outlook.seconds)
                print(f"about {time} with {self.workers} workers")
            return 0
        if self.checkpoints is not None:
            how["checkpoints"] = check.text("checkpoints", self.checkpoints)
        report = sweep.run(configs, folder, **how)
        print(report)
        for error, count in Counter(report.failed.values()).items():
            print(f"failed, {count} runs: {error}", file=sys.stderr)
        return 1 if report.failed or report.elsewhere else 0

    def _configs(self) -> list[training.Config]:
        """The chosen configs of the table or the study."""
        configs = self._all()
        if self.seeds is not None:
            first, end = self.seeds
            configs = [config for config in configs if first <= config.seed < end]
            if not configs:
                raise ValueError(f"seeds = {first} {end}: none of the runs has such a seed")
        if self.schemes is not None:
            wanted = {str(parse(text)) for text in self.schemes}
            known = dict.fromkeys(config.scheme for config in configs)
            if not wanted or wanted - known.keys():
                named = ", ".join(sorted(wanted - known.keys())) or "name at least one"
                raise ValueError(f"schemes: {named}; there are {', '.join(known)}")
            configs = [config for config in configs if config.scheme in wanted]
        return configs

    def _all(self) -> list[training.Config]:
        if self.losses == ():
            raise ValueError("losses: name at least one")
        of_table = {"profile": self.profile, "losses": self.losses, "dataset": self.dataset}
        given: dict[str, Any] = {k: v for k, v in of_table.items() if v is not None}
        if self.table is not None and self.study is None:
            return tables.configs(self.table, runs=100 if self.runs is None else self.runs, **given)
        if self.study is None or self.table is not None:
            raise ValueError("--table or --study: name one of them")
        if given:
            raise ValueError(f"{', '.join(given)}: only with a table; a study has its own settings")
        return studies.by_name(self.study).configs(self.runs)
