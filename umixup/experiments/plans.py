"""Plans of studies: files that say, before the runs, what is compared, and what would count.

    question = "Does mixing help on few images?"
    seeds = 20
    outcome = "error"

    [config]  # what all settings share; milestones as shares of the epochs
    dataset = "digits"
    milestones = [0.5, 0.75]
    subset = "random"
    tested = "last"

    [grid]  # every combination is a setting; a value that is a table sets several fields
    train_size = [100, 400]
    scheme = ["ERM", "B(1,1)"]

    [[families]]  # a comparison in each cell of the grid's other columns, corrected by Holm
    name = "MixUp − ERM"
    primary = true
    one = "B(1,1)"
    other = "ERM"

Those of the book are in ``umixup/experiments/planned``; git has the date of each.
"""

from __future__ import annotations

import itertools
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from umixup import _check as check
from umixup.schemes import parse
from umixup.training import Config

#: Where the book's plans are.
FOLDER = Path(__file__).parent / "planned"


@dataclass(frozen=True)
class Family:
    """A comparison of two schemes in every cell of a plan's grid.

    Attributes:
        name: such as "MixUp − ERM".
        one, other: the schemes; their difference is one − other.
        primary: whether the study is about it.
    """

    name: str
    one: str
    other: str
    primary: bool = False


@dataclass(frozen=True)
class Plan:
    """What a study was to do before it was done.

    Attributes:
        path: the file.
        question: what is to be found out.
        seeds: runs of each setting.
        outcome: the column of ``um.results.load`` that is compared.
        cells: the columns that tell the cells of the grid apart.
        settings: one config per setting, with seed 0.
        families: the comparisons; each is corrected by itself.
    """

    path: Path
    question: str
    seeds: int
    outcome: str
    cells: tuple[str, ...]
    settings: tuple[Config, ...]
    families: tuple[Family, ...]


def read(path: Path) -> Plan:
    """The plan in a file.

    Raises:
        ValueError: it is not a plan; the message names the file and the key.
    """
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
        return _plan(path, given)
    except (ValueError, TypeError, LookupError) as error:
        raise ValueError(f"plan {path}: {error}") from error


def _plan(path: Path, given: dict[str, Any]) -> Plan:
    keys = {"question", "seeds", "outcome", "config", "grid", "families"}
    if odd := sorted(keys ^ given.keys()):
        raise ValueError(f"it lacks, or should not have: {', '.join(odd)}")
    grid = given["grid"]
    known = {field.name for field in fields(Config)}
    changes: list[dict[str, Any]] = []
    for values in itertools.product(*grid.values()):
        one: dict[str, Any] = {}
        for name, value in zip(grid, values, strict=True):
            one |= value if isinstance(value, dict) else {name: value}
        changes.append(one)
    settings = tuple(_config({**given["config"], **change}) for change in changes)
    if len(set(settings)) < len(settings):
        raise ValueError("grid: a setting is there twice")
    cells = dict.fromkeys(name for change in changes for name in change if name != "scheme")
    families = tuple(Family(**family) for family in given["families"])
    schemes = {setting.scheme for setting in settings}
    for family in families:
        for scheme in (family.one, family.other):
            if str(parse(scheme)) not in schemes:
                raise ValueError(f"family {family.name!r}: no setting has scheme {scheme!r}")
    if sum(family.primary for family in families) != 1:
        raise ValueError("families: one of them must be primary")
    return Plan(
        path,
        " ".join(check.text("question", given["question"]).split()),
        check.whole("seeds", given["seeds"], 2),
        check.text("outcome", given["outcome"]),
        tuple(name for name in cells if name in known),
        settings,
        families,
    )


def _config(values: dict[str, Any]) -> Config:
    shares = values.pop("milestones", [])
    milestones = tuple(round(share * values["epochs"]) for share in shares)
    return Config(**values, milestones=milestones)
