"""The book's studies: the runs behind its tables and figures, and the commands that produce them.

    umixup sweep --study pairings --workers 2 --threads 1

A study is a named list of configs; ``provenance`` finds its runs among recorded ones. The search in
chapter 12 chooses its settings as it goes, so its runs belong to no study.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from umixup import _check as check
from umixup.experiments import plans, tables
from umixup.experiments.plans import Plan
from umixup.training import Config, profile
from umixup.training.config import digest

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Study:
    """Settings, each to be run with several seeds.

    Attributes:
        name: the argument of ``umixup sweep --study``.
        question: what the study compares.
        runs: the number of seeds per setting.
        settings: returns one config per setting, with seed 0.
        plan: what was to be compared, if that was written down before the runs.
    """

    name: str
    question: str
    runs: int
    settings: Callable[[], list[Config]]
    plan: Plan | None = None

    def configs(self, runs: int | None = None) -> list[Config]:
        """All configs, ordered by seed: the first ``runs`` seeds, by default all of the study's.

        Raises:
            ValueError: runs is not a whole number from 1 to ``um.tables.MOST_RUNS``.
        """
        runs = check.whole("runs", self.runs if runs is None else runs, 1, tables.MOST_RUNS)
        settings = self.settings()
        first = self.plan.first_seed if self.plan else 0
        seeds = range(first, first + runs)
        return [replace(setting, seed=seed) for seed in seeds for setting in settings]

    @property
    def command(self) -> str:
        """The command that trains the runs that are not recorded yet."""
        return f"umixup sweep --study {self.name} --workers 2 --threads 1"


def _of_table(table: int, profile: str, *losses: str) -> Callable[[], list[Config]]:
    return lambda: tables.configs(table, profile=profile, runs=1, losses=losses)


def _pairings() -> list[Config]:
    return [
        profile("quick", scheme="B(1,1)", pairing=pairing, lam_per=per)
        for pairing in ("two_copies", "batch_shuffle", "flip", "roll", "iid")
        for per in ("sample", "batch")
    ]


def _validated(*schemes: str) -> Callable[[], list[Config]]:
    return lambda: [
        profile("quick", dataset="digits:validation", scheme=scheme) for scheme in schemes
    ]


_MEASURED = ("calibration", "corruptions", "robustness")


def _robust() -> list[Config]:
    """ERM, a uniform policy with label weights of slope 0 to ∞, and three DAT twins."""
    slopes = [f"UMixUp(B(1,1),S({s}))" for s in (0, 0.5, 1, 2, "inf")]
    twins = ["DAT(B(1,1))", "DAT(B(2,1))", "DAT(Uni(0.5,1))"]  # of slopes 0, 1 and ∞
    return [
        profile("quick", scheme=scheme, train_size=1150, measures=_MEASURED)
        for scheme in ("ERM", *slopes, *twins)
    ]


_ALPHAS = 0.1, 0.2, 0.4, 1, 2, 4, 8
_PLANE = [(a, b) for a in (0.5, 1, 1.5, 2, 3, 5) for b in (0.25, 0.5, 1, 2) if a > b]
_SLOPES = 0, 0.25, 0.5, 0.75, 1, 1.5, 2, 4, "inf"

#: The studies by name.
STUDIES = {
    study.name: study
    for study in (
        Study(
            "digits-table",
            "The settings of the paper's MNIST table and their DAT twins, on the digits",
            100,
            _of_table(3, "quick", "ce", "nc", "nc-released"),
        ),
        Study(
            "fashion-mnist-table",
            "The cross-entropy settings of the paper's Fashion-MNIST table and their DAT twins",
            10,
            _of_table(4, "small", "ce"),
        ),
        Study(
            "mnist-table",
            "The cross-entropy settings of the paper's MNIST table and their DAT twins",
            10,
            _of_table(3, "small", "ce"),
        ),
        Study(
            "pairings",
            "MixUp with five pairings, drawing λ per sample or per batch",
            50,
            _pairings,
        ),
        Study(
            "alpha",
            "ERM, and MixUp with policies B(α, α) for seven values of α",
            12,
            _validated("ERM", *(f"B({a},{a})" for a in _ALPHAS)),
        ),
        Study(
            "plane",
            "Untied MixUp with policies U(B(α, β)) over a grid of α and β",
            12,
            _validated(*(f"U(B({a},{b}))" for a, b in _PLANE)),
        ),
        Study(
            "slope",
            "A uniform policy with label weights of slope 0 to ∞",
            12,
            _validated(*(f"UMixUp(B(1,1),S({s}))" for s in _SLOPES)),
        ),
        Study(
            "robustness",
            "Calibration, corruptions and attacks for ERM, slopes 0 to ∞ and three DAT twins",
            20,
            _robust,
        ),
    )
}


STUDIES |= {
    path.stem: Study(path.stem, plan.question, plan.seeds, partial(list, plan.settings), plan)
    for path in sorted(plans.FOLDER.glob("*.toml"))
    for plan in [plans.read(path)]
}


def by_name(name: str) -> Study:
    """The study of that name.

    Raises:
        ValueError: there is none; the message lists the names.
    """
    return STUDIES[check.one_of("study", name, STUDIES)]


_COLUMNS = (
    *("study", "question", "command", "settings", "runs", "fewest", "wanted"),
    *("hours", "first", "last", "commits", "versions", "processors", "devices"),
)


def provenance(records: list[dict[str, Any]]) -> pd.DataFrame:
    """Where and when the recorded runs of each study were trained.

    Args:
        records: as ``um.results.records`` returns them.

    Returns:
        A row for each study that has runs, in the order of ``STUDIES``, and one for the runs that
        belong to no study. A run may belong to several. The columns are "study", "question"
        and "command"; the numbers of "settings" and "runs"; the seeds per setting,
        "fewest" so far and "wanted"; "hours" of training; "first" and "last" day; and the lists of
        distinct "commits", "versions" of torch, "processors" and "devices".
    """
    import pandas as pd

    known = {record["hash"]: record for record in records}
    left, rows = dict(known), []
    for study in STUDIES.values():
        seeds: Counter[Config] = Counter()
        found = []
        for config in study.configs():
            if (name := config.hash()) in known:
                seeds[replace(config, seed=0)] += 1
                found.append(known[name])
                left.pop(name, None)
        if found:
            rows.append(
                {
                    "study": study.name,
                    "question": study.question,
                    "command": study.command,
                    "fewest": min(seeds[setting] for setting in study.settings()),
                    "wanted": study.runs,
                    **_origin(found),
                }
            )
    if left:
        rows.append({"study": "", "question": "Other runs", **_origin(list(left.values()))})
    return pd.DataFrame(rows, columns=_COLUMNS)


def _origin(records: list[dict[str, Any]]) -> dict[str, Any]:
    sessions = [session for record in records for session in record["sittings"]]
    days = sorted(str(session["date"])[:10] for session in sessions)

    def distinct(name: str) -> list[str]:
        return sorted({str(session.get(name)) for session in sessions})

    return {
        "settings": len({digest(record["config"] | {"seed": None}) for record in records}),
        "runs": len(records),
        "hours": sum(float(record["seconds"]) for record in records) / 3600,
        "first": days[0],
        "last": days[-1],
        "commits": distinct("commit"),
        "versions": distinct("torch"),
        "processors": distinct("processor"),
        "devices": distinct("device"),
    }
