"""The command line of umixup: train, sweep, results, data and config.

    umixup train --profile quick --scheme "U(B(2.2,0.9))" --loss nc
    umixup sweep --table 3 --profile quick --runs 5 --workers 2
    umixup results --table 3 --profile quick
    umixup results pack
    umixup data fetch fashion-mnist
    umixup config --profile full

Exit status: 0, all is well; 1, what was asked for did not succeed (a run failed, a file is
missing); 2, it cannot be asked for like that; 130, Ctrl-C.
"""

from __future__ import annotations

import argparse
import inspect
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union

import torch
import tyro

from umixup import training
from umixup.experiments import records as results
from umixup.experiments import studies, sweep, tables
from umixup.training import data as datasets

if TYPE_CHECKING:
    import pandas as pd

Profile = Literal["quick", "small", "full"]
Folder = Annotated[Path, tyro.conf.arg(metavar="FOLDER")]


@dataclass
class Train:
    """Train one config and record the run.

    The options of the config are its fields; their defaults are the profile's.

    For example,

        umixup train --profile quick --scheme "U(B(2.2,0.9))" --seed 1
        umixup train --config my-config.json --checkpoints my-run
        umixup train --config my-config.json --checkpoints my-run --resume
    """

    profile: Profile = "quick"
    """Whose recipe the config starts from."""
    file: Annotated[Path | None, tyro.conf.arg(name="config", metavar="FILE")] = None
    """A config as JSON to start from instead (see ``umixup config``)."""
    results: Folder = Path("results")
    """Where the record goes."""
    checkpoints: Annotated[Path | None, tyro.conf.arg(metavar="FOLDER")] = None
    """A folder of this run's own, for checkpoints."""
    every: int = 10
    """Epochs from one checkpoint to the next."""
    resume: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Go on from the latest checkpoint."""
    device: str | None = None
    """Such as cpu or cuda; by default a GPU if there is one."""
    threads: int | None = None
    """Of torch, on a CPU; by default as torch decides."""
    config: tyro.conf.OmitArgPrefixes[training.Config] = field(default_factory=training.Config)
    """The fields of the config."""

    def __call__(self) -> int:
        """The run's error, and where its record lies."""
        _set_threads(self.threads)
        run = training.train(
            self.config,
            device=self.device,
            checkpoints=self.checkpoints,
            every=self.every,
            resume=self.resume,
        )
        path = results.write(run.record(), self.results)
        shown = f"error {100 * run.error:.2f} %, mean of the last {run.averaged_epochs} epochs"
        if run.augmented_error is not None:
            shown += f"; {100 * run.augmented_error:.2f} % with the test images augmented"
        print(f"{shown}; {run.seconds:.0f} s; {path}")
        return 0


@dataclass
class Sweep:
    """Do the runs of one of the paper's tables, or of a study of the book's, that are not recorded.

    A table's are ERM, MixUp, UMixUp, and DAT with the policies behind the last two, with each loss.
    A study's settings are its own.

    For example,

        umixup sweep --table 3 --profile quick --runs 5 --dry-run
        umixup sweep --table 4 --profile small --runs 10 --losses ce --workers 2 --threads 1
        umixup sweep --table 1 --runs 100 --executor tcp://10.0.0.1:8786
        umixup sweep --study pairings --workers 2 --threads 1
    """

    table: Literal[1, 2, 3, 4] | None = None
    """1 CIFAR10, 2 CIFAR100, 3 MNIST, 4 Fashion-MNIST."""
    study: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None
    """One of the book's studies instead of a table; a name it does not know is answered with those
    it does."""
    profile: Profile | None = None
    """The recipe of a table's runs: the paper's, or a reduced one; by default full."""
    runs: int | None = None
    """Seeds of each setting: 0 and up; by default 100 of a table's, a study's own number."""
    losses: tuple[Literal["ce", "nc", "nc-released"], ...] | None = None
    """Of a table's runs; by default ce nc."""
    dataset: str | None = None
    """Instead of the table's; for quick by default the digits."""
    results: Folder = Path("results")
    """Where the records go."""
    workers: int = 1
    """How many runs at once."""
    threads: int | None = None
    """Of torch in each worker; by default the cores are shared out."""
    executor: str | None = None
    """here, processes, dask, slurm, or the address of a Dask scheduler; by default here for one
    worker, processes for more."""
    dry_run: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Say how many runs there are to do and about how long they take; do none."""

    def __call__(self) -> int:
        """What was done; 1 if a run failed."""
        configs = self._configs()
        if self.dry_run:
            plan = sweep.plan(configs, self.results)
            print(f"{len(plan.todo)} runs to do, {plan.done} recorded in {self.results}")
            if plan.seconds is None:
                print("no run like them is recorded yet, so how long they take is not known")
            elif plan.todo:
                print(f"about {_time(plan.seconds / self.workers)} with {self.workers} workers")
            return 0
        report = sweep.run(
            configs,
            self.results,
            executor=self.executor,
            workers=self.workers,
            threads=self.threads,
        )
        print(report)
        for identity, error in report.failed.items():
            print(f"failed {identity}: {error}", file=sys.stderr)
        return 1 if report.failed else 0

    def _configs(self) -> list[training.Config]:
        of_table = {"profile": self.profile, "losses": self.losses, "dataset": self.dataset}
        given: dict[str, Any] = {k: v for k, v in of_table.items() if v is not None}
        if (self.table is None) == (self.study is None):
            raise ValueError("--table or --study: name one of them")
        if self.study is None:
            assert self.table is not None
            return tables.configs(self.table, runs=100 if self.runs is None else self.runs, **given)
        if given:
            raise ValueError(f"{', '.join(given)}: only with a table; a study has its own settings")
        return studies.by_name(self.study).configs(self.runs)


@dataclass
class Results:
    """Show what the records say, beside the paper's table; or fold them into one file a data set.

    For example,

        umixup results --table 3 --profile quick
        umixup results --csv > all.csv
        umixup results pack
    """

    action: tyro.conf.Positional[Literal["table", "pack"]] = "table"
    """table shows them, pack folds them."""
    results: Folder = Path("results")
    """Where the records are."""
    table: Literal[1, 2, 3, 4] | None = None
    """The paper's table to stand beside."""
    profile: str | None = None
    """Only runs of this profile."""
    dataset: str | None = None
    """Only runs on this data set; with a table by default its own, or the digits for quick."""
    csv: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """As comma-separated values."""
    json: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """As a JSON list of rows."""

    def __call__(self) -> int:
        """The table on standard output."""
        if self.csv and self.json:
            raise ValueError("csv and json: choose one")
        if self.action == "pack":
            for path in results.pack(self.results):
                print(path)
            return 0
        shown = self._table(results.load(self.results))
        if self.csv:
            print(shown.to_csv(index=False), end="")
        elif self.json:
            print(shown.to_json(orient="records", indent=1, force_ascii=False))
        else:
            print(_readable(shown).to_string(index=False, na_rep="–"))
        return 0

    def _table(self, runs: pd.DataFrame) -> pd.DataFrame:
        import pandas as pd

        dataset = self.dataset
        if dataset is None and self.table is not None:
            dataset = tables.default_dataset(self.table, self.profile)
        for name, wanted in (("dataset", dataset), ("profile", self.profile)):
            runs = runs if wanted is None else runs[runs[name] == wanted]
        if not len(runs):
            raise ValueError(
                f"results = {str(self.results)!r}: no runs with dataset = {dataset!r}, "
                f"profile = {self.profile!r} (None: any)"
            )
        parts = []
        for (_, profile), group in runs.groupby(["recipe", "profile"], sort=False):
            part = (
                results.summary(group)
                if self.table is None
                else tables.beside_paper(group, self.table)
            )
            part.insert(0, "profile", str(profile))
            parts.append(part)
        return pd.concat(parts, ignore_index=True)


@dataclass
class Data:
    """List the data sets, check that their files are there and whole, or download them.

    For example,

        umixup data
        umixup data check mnist
        umixup data fetch mnist fashion-mnist
    """

    action: tyro.conf.Positional[Literal["list", "check", "fetch"]] = "list"
    names: tyro.conf.Positional[tuple[str, ...]] = ()
    """Of the data sets; for list and check by default all."""
    folder: Annotated[Path | None, tyro.conf.arg(metavar="FOLDER")] = None
    """Where they lie; by default UMIXUP_DATA, or data/ here or above."""

    def __call__(self) -> int:
        """A line for each data set; 1 if one that was to be checked is not there."""
        for name in self.names:
            datasets.check_name(name)
        if self.action == "fetch":
            if not self.names:
                raise ValueError("data fetch: name the data sets")
            for name in self.names:
                datasets.fetch(name, self.folder)
                print(f"{name} is in {datasets.folder(self.folder)}")
            return 0
        missing = 0
        for name in self.names or datasets.NAMES:
            try:
                data = datasets.load(name, self.folder)
            except FileNotFoundError as error:
                missing += 1
                lines = str(error).splitlines()
                print(f"{name:14s} not here" + (f": {lines[0]}" if self.action == "check" else ""))
            else:
                shape = "×".join(map(str, data.train_x.shape[1:]))
                print(
                    f"{name:14s} {data.title}: {len(data.train_x):,} + {len(data.test_x):,} images "
                    f"of {shape}, {len(data.classes)} classes"
                )
        return 1 if missing and self.action == "check" else 0


@dataclass
class Config:
    """Show a profile's config as JSON, for an editor and then for ``--config`` of ``train``.

    For example,

        umixup config --profile full > my-config.json
    """

    profile: Profile = "full"

    def __call__(self) -> int:
        """The JSON on standard output."""
        print(training.profile(self.profile).to_json())
        return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit status."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    try:
        return _parsed(arguments)()
    except KeyboardInterrupt as stop:
        print(str(stop) or "stopped", file=sys.stderr)
        return 130
    except (ValueError, TypeError) as error:
        print(f"umixup: {error}", file=sys.stderr)
        return 2
    except (OSError, ArithmeticError, ImportError, sweep.SweepStoppedError) as error:
        print(f"umixup: {error}", file=sys.stderr)
        return 1


def _parsed(arguments: Sequence[str]) -> Train | Sweep | Results | Data | Config:
    """The command with its options."""
    commands = Union[  # noqa: UP007 – not of types alone
        Annotated[Train, _command("train", Train, arguments, default=_train(arguments))],
        Annotated[Sweep, _command("sweep", Sweep, arguments)],
        Annotated[Results, _command("results", Results, arguments)],
        Annotated[Data, _command("data", Data, arguments)],
        Annotated[Config, _command("config", Config, arguments)],
    ]
    return tyro.cli(commands, prog="umixup", description=__doc__, args=arguments)


def _command(name: str, kind: type, arguments: Sequence[str], **more: Any) -> object:
    """A command with its help; in the list of all commands only the first paragraph of it."""
    text = inspect.getdoc(kind) or ""
    about = text if name in arguments[:1] else text.partition("\n\n")[0]
    return tyro.conf.subcommand(name, description=about, **more)


def _train(arguments: Sequence[str]) -> Train:
    """What ``train`` starts from: the profile's config, or the file's, if one is named."""
    first = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    first.add_argument("--profile", choices=tuple(training.PROFILES))
    first.add_argument("--config", type=Path)
    try:
        given, _ = first.parse_known_args(arguments)
    except argparse.ArgumentError:  # tyro tells
        return Train()
    if given.config is None:
        name: Profile = given.profile or "quick"
        return Train(profile=name, config=training.profile(name))
    if given.profile is not None:
        raise ValueError("profile and config: name one of them to start from")
    config = training.Config.from_json(given.config.read_text(encoding="utf-8"))
    return Train(file=given.config, config=config)


def _set_threads(threads: int | None) -> None:
    if threads is None:
        return
    if threads < 1:
        raise ValueError(f"threads = {threads}: it must be a whole number ≥ 1")
    torch.set_num_threads(threads)


def _time(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 60 else f"{minutes} min"


def _readable(summary: pd.DataFrame) -> pd.DataFrame:
    """The summary with an error and its interval in one column each, and runs as n of 100."""
    import pandas as pd

    def shown(mean: str, half: str) -> pd.Series[str]:
        pairs = zip(summary[mean], summary[half], strict=True)
        return pd.Series([f"{m:.3f} ± {h:.3f}" if h == h else f"{m:.3f}" for m, h in pairs])

    names = [c for c in ("profile", "dataset", "loss", "setting", "scheme") if c in summary]
    out = summary[names].copy()
    out["dataset"] = out["dataset"].map(datasets.title)
    out["error, %"] = shown("mean", "half_width")
    out["runs"] = summary["n"].map("{} of 100".format)
    if (summary["augmented_n"] > 0).any():
        out["augmented test, %"] = shown("augmented_mean", "augmented_half_width")
    if (summary["paper_n"] > 0).any():
        out["paper, %"] = shown("paper_mean", "paper_half_width")
        out["its runs"] = summary["paper_n"]
    return out.replace("nan", "–")


if __name__ == "__main__":
    sys.exit(main())
