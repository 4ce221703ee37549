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
from collections import defaultdict
from dataclasses import dataclass, fields, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from umixup import _check as check
from umixup.experiments.paired import paired
from umixup.experiments.statistics import holm
from umixup.schemes import parse
from umixup.training import Config
from umixup.training.environment import git

if TYPE_CHECKING:
    import pandas as pd

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

    def cell(self, setting: Config) -> tuple[Any, ...]:
        """Where in the grid a setting is: its values of the columns ``cells``."""
        return tuple(getattr(setting, name) for name in self.cells)


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


def date(plan: Plan) -> datetime | None:
    """When the plan's file was last changed, by git; ``None`` if it is not committed as it is."""
    changed = git(plan.path.parent, "status", "--porcelain", "--", plan.path.name)
    last = git(plan.path.parent, "log", "-1", "--format=%cI", "--", plan.path.name)
    return datetime.fromisoformat(last) if last and changed == "" else None


def compare(plan: Plan, runs: pd.DataFrame) -> pd.DataFrame:
    """What a plan asks for: the differences of its families, paired by seed, in each cell.

    Args:
        plan: what was to be compared.
        runs: as ``um.results.load`` returns them; others than the plan's are left out.

    Returns:
        A row for each family and cell that has runs: "family", "primary" and the columns of the
        cell; "one" and "other", the two means; "n", "mean", "low", "high" and "p" of
        ``um.results.paired``; "p_holm", corrected within the family; and "verdict". Errors are in
        per cent. The verdict is "lower" or "higher" if "p_holm" is below 0.05, else "not told
        apart"; it begins with "unplanned: " unless git has the plan, unchanged, from before all of
        the runs, and with "unfinished: " if a run of the plan is missing.

    Raises:
        ValueError: none of the runs is the plan's.
    """
    import pandas as pd

    wanted = {
        replace(setting, seed=seed).hash(): (plan.cell(setting), setting.scheme, seed)
        for setting in plan.settings
        for seed in range(plan.seeds)
    }
    runs = runs[runs["hash"].isin(wanted)].drop_duplicates("hash")
    if not len(runs):
        raise ValueError(f"plan {plan.path.stem}: none of the runs is one of its {len(wanted)}")
    planned = date(plan)
    first = min(datetime.fromisoformat(s["date"]) for each in runs["sittings"] for s in each)
    state = "" if planned is not None and planned <= first else "unplanned: "
    state += "" if len(runs) == len(wanted) else "unfinished: "
    scale = 100 if plan.outcome.endswith("error") else 1
    values: dict[tuple[object, str], dict[int, float]] = defaultdict(dict)
    for identity, value in zip(runs["hash"], runs[plan.outcome], strict=True):
        cell, scheme, seed = wanted[identity]
        values[cell, scheme][seed] = scale * float(value)
    rows: list[dict[str, Any]] = []
    for family in plan.families:
        one, other = (str(parse(scheme)) for scheme in (family.one, family.other))
        for cell in dict.fromkeys(map(plan.cell, plan.settings)):
            sides = values[cell, one], values[cell, other]
            if not (both := sorted(sides[0].keys() & sides[1].keys())):
                continue
            a, b = (pd.Series(side, dtype=float)[both] for side in sides)
            rows.append(
                {
                    "family": family.name,
                    "primary": family.primary,
                    **dict(zip(plan.cells, cell, strict=True)),
                    **{"one": a.mean(), "other": b.mean()},
                    **paired(a, b),
                }
            )
    if not rows:
        raise ValueError(f"plan {plan.path.stem}: no two of its settings have a seed in common yet")
    table = pd.DataFrame(rows)
    table["p_holm"] = table.groupby("family")["p"].transform(holm)
    words = [("lower" if mean < 0 else "higher") for mean in table["mean"]]
    table["verdict"] = [
        state + (word if p < 0.05 else "not told apart")
        for word, p in zip(words, table["p_holm"], strict=True)
    ]
    return table
