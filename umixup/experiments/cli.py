"""The command line of umixup: train, sweep, results, data, config and gpu-check.

    umixup train --profile quick --scheme "U(B(2.2,0.9))" --loss nc
    umixup sweep --table 3 --profile quick --runs 5 --workers 2
    umixup results --table 3 --profile quick
    umixup results pack
    umixup data fetch fashion-mnist
    umixup config --profile full
    umixup gpu-check --minutes 60

Exit status: 0 success; 1 failure (a run failed, a file is missing); 2 the arguments are not valid;
130 Ctrl-C.
"""

from __future__ import annotations

import inspect
import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypedDict, Union, get_type_hints

import torch
import tyro

from umixup import _check as check
from umixup import training
from umixup._files import check_writable
from umixup.experiments import _console, measures, results, tables
from umixup.experiments._gpu_command import GPUCheck
from umixup.experiments._options import Folder, MaybeFolder, Profile, Switch
from umixup.experiments._sweep_command import Sweep
from umixup.training import data as datasets
from umixup.training.loop import check_threads

if TYPE_CHECKING:
    Fields = dict[str, Any]
else:
    # The fields of training.Config as options, none of which needs to be given.
    _HINT = tyro.conf.arg(help_behavior_hint="(default: the profile's)")
    _TYPES = get_type_hints(training.Config)
    Fields = TypedDict("Fields", {k: Annotated[t, _HINT] for k, t in _TYPES.items()}, total=False)
    Fields.__doc__ = training.Config.__doc__  # describes each field


@dataclass
class Train:
    """Train one config and record the run.

    The options below that are not given are the profile's, or those of the file.

        umixup train --profile quick --scheme "U(B(2.2,0.9))" --seed 1
        umixup train --config my-config.json --checkpoints my-run
        umixup train --config my-config.json --checkpoints my-run --resume
    """

    profile: Annotated[Profile | None, tyro.conf.arg(help_behavior_hint="(default: quick)")] = None
    """The profile to start from."""
    file: Annotated[Path | None, tyro.conf.arg(name="config", metavar="FILE")] = None
    """A config as JSON to start from instead (see ``umixup config``)."""
    results: Folder = "results"
    """Where the record goes."""
    checkpoints: MaybeFolder = None
    """A folder for the checkpoints of this run alone."""
    every: int = 10
    """Epochs between checkpoints."""
    resume: Switch = False
    """Continue from the latest checkpoint."""
    device: str | None = None
    """Such as cpu or cuda; by default a GPU if there is one."""
    threads: int | None = None
    """Threads of torch on a CPU; by default torch decides."""
    fields: tyro.conf.OmitArgPrefixes[Fields] = field(default_factory=dict)
    """Fields of the config, in place of the profile's."""

    replace: Switch = False
    """Train a config that has a record, and replace the record."""

    def __call__(self) -> int:
        if self.threads is not None:
            torch.set_num_threads(check_threads(self.threads))
        config, folder = self.config(), Path(check.text("results", self.results))
        # Whatever the run needs at its end, before its first epoch.
        measures.check_installed(config.measures)
        try:
            results.check_free(config.hash(), folder, replace=self.replace)
        except results.RecordExistsError as error:
            raise ValueError(f"results = {self.results!r}: {error}") from None
        check_writable("results", folder, results.LARGE)
        run = training.train(
            config,
            device=self.device,
            checkpoints=self.checkpoints,
            every=self.every,
            resume=self.resume,
        )
        path = self._recorded(run, folder)
        shown = f"error {100 * run.error:.2f} %, mean of the last {run.averaged_epochs} epochs"
        if run.augmented_error is not None:
            shown += f"; {100 * run.augmented_error:.2f} % with the test images augmented"
        print(f"{shown}; {run.seconds:.0f} s; {path}")
        return 0

    def _recorded(self, run: training.Run, folder: Path) -> Path:
        """Measure the run and write its record; if measuring fails, the record without measures."""
        try:
            measures.measure(run)
        except BaseException:
            path = measures.keep_unmeasured(run, folder)
            print(f"measuring failed; the run is in {path}, without measures", file=sys.stderr)
            raise
        return results.keep(run.record(), folder, replace=self.replace)

    def config(self) -> training.Config:
        """The config to train."""
        if self.file is None:
            start = training.profile(self.profile or "quick")
        elif self.profile is None:
            start = _console.config(self.file)
        else:
            raise ValueError("profile and config: name one of them to start from")
        return replace(start, **self.fields)


@dataclass
class Results:
    """Summarise the records, next to the paper's table; or pack them, one file per data set.

    Without a table, every setting that has runs is shown.

        umixup results --table 3 --profile quick
        umixup results --csv > all.csv
        umixup results pack
    """

    action: tyro.conf.Positional[Literal["table", "pack"]] = "table"
    """table shows the results, pack packs the records."""
    results: Folder = "results"
    """Where the records are."""
    table: Literal[1, 2, 3, 4] | None = None
    """The paper's table to compare with."""
    profile: str | None = None
    """Only runs of this profile."""
    dataset: str | None = None
    """Only runs on this data set; with a table, by default its own, or the digits for quick."""
    csv: Switch = False
    """Print comma-separated values."""
    json: Switch = False
    """Print a JSON list of rows."""

    def __call__(self) -> int:
        if self.csv and self.json:
            raise ValueError("csv and json: choose one")
        if self.action == "pack":
            for path in results.pack(check.text("results", self.results)):
                print(path)
            return 0
        runs = results.load(check.text("results", self.results))
        shown = tables.by_recipe(runs, self.table, self.profile, self.dataset)
        if self.csv:
            print(shown.to_csv(index=False), end="")
        elif self.json:
            print(shown.to_json(orient="records", indent=1, force_ascii=False))
        else:
            print(_console.readable(shown).to_string(index=False, na_rep="–"))
        return 0


@dataclass
class Data:
    """List the data sets, check that their files are complete, or download them.

    The exit status is 1 if a data set is damaged and, for ``check``, if one is missing.

        umixup data
        umixup data check mnist
        umixup data fetch mnist fashion-mnist
    """

    action: tyro.conf.Positional[Literal["list", "check", "fetch"]] = "list"
    names: tyro.conf.Positional[tuple[str, ...]] = ()
    """Data sets; for list and check, by default all."""
    folder: MaybeFolder = None
    """Where their files are; by default UMIXUP_DATA, or data/ here or above."""

    def __call__(self) -> int:
        for name in self.names:
            datasets.check_name(name)
        if self.action == "fetch":
            if not self.names:
                raise ValueError("data fetch: name the data sets")
            for name in self.names:
                datasets.fetch(name, self.folder)
                print(f"{name} is in {datasets.folder(self.folder)}")
            return 0
        check_files, status = self.action == "check", 0
        for name in self.names or datasets.NAMES:
            try:
                data = datasets.load(name, self.folder)
            except FileNotFoundError as error:
                reason = f": {str(error).splitlines()[0]}" if check_files else ""
                print(f"{name:14s} not here{reason}")
                status |= check_files
                continue
            except (ValueError, OSError) as error:
                print(f"{name:14s} cannot be used: {str(error).splitlines()[0]}")
                status = 1
                continue
            samples = f"{len(data.train_x):,} + {len(data.test_x):,} images"
            shape = "×".join(map(str, data.train_x.shape[1:]))
            print(f"{name:14s} {data.title}: {samples} of {shape}, {len(data.classes)} classes")
        return status


@dataclass
class Config:
    """Print a profile's config as JSON.

    Edit it, then pass it to ``train`` with ``--config``.

        umixup config --profile full > my-config.json
    """

    profile: Profile = "full"

    def __call__(self) -> int:
        print(training.profile(self.profile).to_json())
        return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    return _console.run(lambda: _parsed(given)())


#: The commands by name.
COMMANDS: dict[str, Any] = {
    "train": Train,
    "sweep": Sweep,
    "results": Results,
    "data": Data,
    "config": Config,
    "gpu-check": GPUCheck,
}


def _parsed(arguments: Sequence[str]) -> Train | Sweep | Results | Data | Config | GPUCheck:
    """The command with its options."""
    if shutil.get_terminal_size().columns < 40:  # tyro would wrap for ever
        os.environ["COLUMNS"] = "40"
    commands = []
    for name, kind in COMMANDS.items():
        help_text = inspect.getdoc(kind) or ""
        if name not in arguments[:1]:  # its first paragraph, for the list of all commands
            help_text = help_text.partition("\n\n")[0]
        commands.append(Annotated[kind, tyro.conf.subcommand(name, description=help_text)])
    union: Any = Union[tuple(commands)]  # noqa: UP007 – made at run time
    return tyro.cli(union, prog="umixup", description=__doc__, args=arguments)  # type: ignore[no-any-return]


if __name__ == "__main__":
    sys.exit(main())
