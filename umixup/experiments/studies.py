"""The book's studies: which runs its tables and figures stand on, and the command that does them.

    umixup sweep --study pairings --workers 2 --threads 1

A study is a list of configs by name; ``provenance`` finds its runs in a folder of records. What a
search chooses on the way (chapter 12) is no list: those records are told apart by their data set.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from umixup.experiments import tables
from umixup.training import MEASURES, Config, profile
from umixup.training.config import digest

if TYPE_CHECKING:
    import pandas as pd

#: The data set that chapter 12 chooses by.
VALIDATION = "digits:validation"


@dataclass(frozen=True)
class Study:
    """Settings, and how many seeds of each.

    Attributes:
        name: as ``umixup sweep --study`` takes it.
        question: what it is for.
        chapter: the label of the chapter that shows it.
        runs: how many seeds of each setting the book is to show.
        settings: gives a config of each.
    """

    name: str
    question: str
    chapter: str
    runs: int
    settings: Callable[[], list[Config]]

    def configs(self, runs: int | None = None) -> list[Config]:
        """The runs, seed by seed: seeds 0 to ``runs`` − 1, by default all the study's.

        Raises:
            ValueError: runs is no whole number ≥ 1.
        """
        runs = self.runs if runs is None else runs
        if type(runs) is not int or runs < 1:
            raise ValueError(f"runs = {runs!r}: it must be a whole number ≥ 1")
        settings = self.settings()
        return [replace(setting, seed=seed) for seed in range(runs) for setting in settings]

    @property
    def command(self) -> str:
        """What does the runs that are not recorded yet."""
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
    return lambda: [profile("quick", dataset=VALIDATION, scheme=scheme) for scheme in schemes]


def _robust() -> list[Config]:
    """ERM, a uniform policy with label weights of slope 0 to ∞, and the DAT twins of three."""
    slopes = [f"UMixUp(B(1,1),S({s}))" for s in (0, 0.5, 1, 2, "inf")]
    twins = ["DAT(B(1,1))", "DAT(B(2,1))", "DAT(Uni(0.5,1))"]  # of slopes 0, 1 and ∞
    return [
        profile("quick", scheme=scheme, train_size=1150, measures=tuple(MEASURES))
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
            "The rows of the paper's MNIST table, and their DAT rows, on the digits",
            "ch-tables",
            100,
            _of_table(3, "quick", "ce", "nc", "nc-released"),
        ),
        Study(
            "fashion-mnist-table",
            "The cross-entropy rows of the paper's Fashion-MNIST table, and their DAT rows",
            "ch-tables",
            10,
            _of_table(4, "small", "ce"),
        ),
        Study(
            "mnist-table",
            "The cross-entropy rows of the paper's MNIST table, and their DAT rows",
            "ch-tables",
            10,
            _of_table(3, "small", "ce"),
        ),
        Study(
            "pairings",
            "MixUp with a λ for each sample or each batch, and five ways to pair up",
            "ch-trainer",
            50,
            _pairings,
        ),
        Study(
            "alpha",
            "MixUp along α, beside ERM",
            "ch-search",
            12,
            _validated("ERM", *(f"B({a},{a})" for a in _ALPHAS)),
        ),
        Study(
            "plane",
            "Untied MixUp over the plane of Beta policies (α, β)",
            "ch-search",
            12,
            _validated(*(f"U(B({a},{b}))" for a, b in _PLANE)),
        ),
        Study(
            "slope",
            "A uniform policy, and label weights of slope 0 to ∞",
            "ch-search",
            12,
            _validated(*(f"UMixUp(B(1,1),S({s}))" for s in _SLOPES)),
        ),
        Study(
            "robustness",
            "Calibration, corruptions and attacks, from ERM along the slope 0 to ∞",
            "ch-robustness",
            20,
            _robust,
        ),
    )
}


def by_name(name: str) -> Study:
    """The study of that name.

    Raises:
        ValueError: there is none; with those there are.
    """
    if name not in STUDIES:
        raise ValueError(f"study = {name!r}: it must be one of {', '.join(STUDIES)}")
    return STUDIES[name]


_COLUMNS = (
    *("study", "question", "chapter", "command", "settings", "runs", "fewest", "wanted"),
    *("hours", "first", "last", "commits", "versions", "processors", "devices"),
)


def provenance(records: list[dict[str, Any]]) -> pd.DataFrame:
    """Where the runs of each study come from.

    Args:
        records: as ``um.results.records`` gives them.

    Returns:
        A row for each study with runs, in the order of ``STUDIES``, and one for the runs of no
        study; a run may be in several. ``study``, ``question``, ``chapter``, ``command``;
        ``settings``, ``runs``, ``fewest`` and ``wanted`` (seeds of a setting); ``hours`` of
        training; ``first`` and ``last`` day; and, as lists, the different ``commits``,
        ``versions`` of torch, ``processors`` and ``devices``. Without records, no rows.
    """
    import pandas as pd

    known = {record["hash"]: record for record in records}
    left, rows = dict(known), []
    for study in STUDIES.values():
        recorded = [config for config in study.configs() if config.hash() in known]
        if not recorded:
            continue
        seeds = Counter(replace(config, seed=0) for config in recorded)
        rows.append(
            {
                "study": study.name,
                "question": study.question,
                "chapter": study.chapter,
                "command": study.command,
                "fewest": min(seeds[setting] for setting in study.settings()),
                "wanted": study.runs,
                **_origin([known[config.hash()] for config in recorded]),
            }
        )
        for config in recorded:
            left.pop(config.hash(), None)
    if left:
        rows.append({"study": "", "question": "Other runs", **_origin(list(left.values()))})
    return pd.DataFrame(rows, columns=_COLUMNS)


def _origin(records: list[dict[str, Any]]) -> dict[str, Any]:
    sittings = [sitting for record in records for sitting in record["sittings"]]
    days = sorted(str(sitting["date"])[:10] for sitting in sittings)

    def different(name: str) -> list[str]:
        return sorted({str(sitting.get(name)) for sitting in sittings})

    return {
        "settings": len({digest(record["config"] | {"seed": None}) for record in records}),
        "runs": len(records),
        "hours": sum(float(record["seconds"]) for record in records) / 3600,
        "first": days[0],
        "last": days[-1],
        "commits": different("commit"),
        "versions": different("torch"),
        "processors": different("processor"),
        "devices": different("device"),
    }
