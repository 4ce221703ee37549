"""Plans of studies: files that say, before the runs, what is compared, and what would count.

    question = "Does mixing help on few images?"
    seeds = 20
    first_seed = 100  # by default 0; what some seeds have chosen, others test
    outcome = "error"

    [config]  # what all settings share; milestones as shares of the epochs
    dataset = "digits"
    milestones = [0.5, 0.75]
    subset = "random"
    tested = "last"

    [grid]  # every combination is a setting; a value that is a table sets several fields
    train_size = [100, 400]
    scheme = ["ERM", "B(1,1)"]

    [[families]]  # comparisons in each cell of the grid's other columns, corrected by Holm
    name = "MixUp − ERM"
    primary = true
    one = "B(1,1)"  # a scheme, a table of fields, or a list of them, each a comparison
    other = "ERM"

A plan without families is one to choose by: it compares nothing.

Those of the book are in ``umixup/experiments/planned``; git has the date of each.
"""

from __future__ import annotations

import itertools
import os
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


#: Fields of a config, such as ``{"scheme": "B(1,1)"}``, that tell settings of a cell apart.
Side = dict[str, Any]


@dataclass(frozen=True)
class Family:
    """Comparisons of two settings in every cell of a plan's grid.

    Attributes:
        name: such as "MixUp − ERM".
        sides: of each comparison, the two settings; their difference is the first − the second.
        primary: whether the study is about it.
    """

    name: str
    sides: tuple[tuple[Side, Side], ...]
    primary: bool = False


@dataclass(frozen=True)
class Plan:
    """What a study was to do before it was done.

    Attributes:
        path: the file.
        question: what is to be found out.
        seeds: how many runs each setting has, with consecutive seeds.
        outcome: the column of ``um.results.load`` that is compared.
        treatments: the columns by which the sides of the comparisons differ.
        cells: the other columns of the grid.
        settings: one config per setting, with seed 0.
        families: the comparisons; each is corrected by itself.
        first_seed: the first of the seeds.
    """

    path: Path
    question: str
    seeds: int
    outcome: str
    treatments: tuple[str, ...]
    cells: tuple[str, ...]
    settings: tuple[Config, ...]
    families: tuple[Family, ...]
    first_seed: int = 0

    def cell(self, setting: Config) -> tuple[Any, ...]:
        """Where in the grid a setting is: its values of the columns ``cells``."""
        return tuple(getattr(setting, name) for name in self.cells)

    def treatment(self, setting: Config) -> tuple[Any, ...]:
        """Which of a cell's settings it is: its values of the columns ``treatments``."""
        return tuple(getattr(setting, name) for name in self.treatments)

    def side(self, side: Side) -> tuple[Any, ...]:
        """The treatment of a comparison's side; what it does not name is as by default."""
        defaults = {field.name: field.default for field in fields(Config)}
        return tuple(side.get(name, defaults[name]) for name in self.treatments)


def read(path: str | os.PathLike[str]) -> Plan:
    """The plan in a file.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is not a plan; the message names the file and the key.
    """
    path = Path(path)
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
        return _plan(path, given)
    except (ValueError, TypeError, LookupError) as error:
        raise ValueError(f"plan {path}: {error}") from error


def _plan(path: Path, given: dict[str, Any]) -> Plan:
    keys = {"question", "seeds", "outcome", "config", "grid"}
    optional = {"families", "first_seed"}
    if odd := sorted(keys - given.keys() | given.keys() - keys - optional):
        raise ValueError(f"it lacks, or should not have: {', '.join(odd)}")
    grid = given["grid"]
    changes: list[dict[str, Any]] = []
    for values in itertools.product(*grid.values()):
        one: dict[str, Any] = {}
        for name, value in zip(grid, values, strict=True):
            one |= value if isinstance(value, dict) else {name: value}
        changes.append(one)
    settings = tuple(_config({**given["config"], **change}) for change in changes)
    if len(set(settings)) < len(settings):
        raise ValueError("grid: a setting is there twice")
    families = tuple(_family(**family) for family in given.get("families", []))
    if families and sum(family.primary for family in families) != 1:
        raise ValueError("families: one of them must be primary")
    sides = [side for family in families for pair in family.sides for side in pair]
    varied = dict.fromkeys(name for change in changes for name in change)
    treatments = tuple(dict.fromkeys(["scheme", *(name for side in sides for name in side)]))
    if odd := sorted(set(treatments) - {"scheme"} - varied.keys()):
        raise ValueError(f"families: {', '.join(odd)} does not vary in the grid")
    found = Plan(
        path,
        " ".join(check.text("question", given["question"]).split()),
        check.whole("seeds", given["seeds"], 2),
        check.text("outcome", given["outcome"]),
        treatments,
        tuple(name for name in varied if name not in treatments),
        settings,
        families,
        check.whole("first_seed", given.get("first_seed", 0), 0),
    )
    treated = {found.treatment(setting) for setting in settings}
    for side in sides:
        if found.side(side) not in treated:
            raise ValueError(f"families: no setting has {_words(side)}")
    return found


def _family(name: str, one: Any, other: Any, primary: bool = False) -> Family:
    """A family as a plan has it: each side a scheme, a table of fields, or a list of them."""
    ones, others = ([_side(s) for s in (v if isinstance(v, list) else [v])] for v in (one, other))
    most = max(len(ones), len(others))
    if {len(ones), len(others)} - {1, most}:
        raise ValueError(f"family {name!r}: {len(ones)} settings against {len(others)}")
    ones, others = (v * (most if len(v) == 1 else 1) for v in (ones, others))
    return Family(check.text("name", name), tuple(zip(ones, others, strict=True)), primary)


def _side(given: str | Side) -> Side:
    fields_of = {"scheme": given} if isinstance(given, str) else dict(given)
    if "scheme" in fields_of:
        fields_of["scheme"] = str(parse(fields_of["scheme"]))
    return fields_of


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
        A row for each comparison and cell that has runs: "family", "primary" and the columns of
        the cell; "setting" and "against", its sides; "one" and "other", their means; "n", "mean",
        "low", "high" and "p" of ``um.results.paired``; "p_holm", corrected within the family; and
        "verdict". Errors are in per cent. The verdict is "lower" or "higher" if "p_holm" is below
        0.05, else "undecided"; it begins with "unplanned: " unless git has the plan,
        unchanged, from before all of the runs, and with "unfinished: " if a run of the plan is
        missing.

    Raises:
        ValueError: none of the runs is the plan's, or it has no families.
    """
    import pandas as pd

    if not plan.families:
        raise ValueError(f"plan {plan.path.stem}: it has no families, so it compares nothing")
    wanted = {
        replace(setting, seed=seed).hash(): (plan.cell(setting), plan.treatment(setting), seed)
        for setting in plan.settings
        for seed in range(plan.first_seed, plan.first_seed + plan.seeds)
    }
    runs = runs[runs["hash"].isin(wanted)].drop_duplicates("hash")
    if not len(runs):
        raise ValueError(f"plan {plan.path.stem}: none of the runs is one of its {len(wanted)}")
    planned = date(plan)
    first = min(datetime.fromisoformat(s["date"]) for each in runs["sittings"] for s in each)
    state = "" if planned is not None and planned <= first else "unplanned: "
    state += "" if len(runs) == len(wanted) else "unfinished: "
    scale = 100 if plan.outcome.endswith("error") else 1
    values: dict[tuple[object, object], dict[int, float]] = defaultdict(dict)
    for identity, value in zip(runs["hash"], runs[plan.outcome], strict=True):
        cell, treatment, seed = wanted[identity]
        values[cell, treatment][seed] = scale * float(value)
    rows: list[dict[str, Any]] = []
    cells = dict.fromkeys(map(plan.cell, plan.settings))
    comparisons = [(family, *pair) for family in plan.families for pair in family.sides]
    for (family, one, other), cell in itertools.product(comparisons, cells):
        sides = values[cell, plan.side(one)], values[cell, plan.side(other)]
        if not (both := sorted(sides[0].keys() & sides[1].keys())):
            continue
        a, b = (pd.Series(side, dtype=float)[both] for side in sides)
        rows.append(
            {
                "family": family.name,
                "primary": family.primary,
                **dict(zip(plan.cells, cell, strict=True)),
                **{"setting": _words(one), "against": _words(other)},
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
        state + (word if p < 0.05 else "undecided")
        for word, p in zip(words, table["p_holm"], strict=True)
    ]
    return table


def _words(side: Side) -> str:
    return ", ".join(str(value) for value in side.values())
