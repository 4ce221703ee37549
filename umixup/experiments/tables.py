"""The paper's tables: the configs behind each, and our results next to the paper's.

Each table has one data set, two losses, and three schemes per loss: ERM, MixUp and UMixUp. We add
the DAT twins of MixUp and UMixUp, which the paper does not train.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from umixup import _check as check
from umixup import training
from umixup.experiments import paper, results

if TYPE_CHECKING:
    import pandas as pd

#: The data set of each of the paper's tables.
DATASETS = {1: "cifar10", 2: "cifar100", 3: "mnist", 4: "fashion-mnist"}
#: Seeds of one setting: to list the configs of more would take minutes.
MOST_RUNS = 10_000
#: The losses of a table. "nc" is the paper's text, "nc-released" what the released code computes.
LOSSES = ("ce", "nc", "nc-released")


def rows(table: int, loss: str) -> list[paper.Setting]:
    """The settings of a table for one loss: ERM, MixUp, its DAT twin, UMixUp, its DAT twin.

    "nc-released" has the schemes of "nc".

    Raises:
        ValueError: no such table or loss.

    >>> [row.scheme for row in rows(3, "ce")]
    ['ERM', 'B(1,1)', 'DAT(B(2,1))', 'U(B(1.7,1))', 'DAT(B(1.7,1))']
    """
    check.one_of("loss", loss, LOSSES)
    erm, mixup, umixup = paper.settings(_dataset(table), loss.removesuffix("-released"))
    return [erm, mixup, mixup.twin(), umixup, umixup.twin()]


def _dataset(table: int) -> str:
    return DATASETS[check.whole("table", table, 1, len(DATASETS))]


def default_dataset(table: int, profile: str | None) -> str:
    """The table's own data set, or the digits for the quick profile."""
    return "digits" if profile == "quick" else _dataset(table)


def configs(
    table: int,
    *,
    profile: str = "full",
    runs: int = 100,
    losses: Sequence[str] = ("ce", "nc"),
    dataset: str | None = None,
) -> list[training.Config]:
    """The configs of a table, ordered by seed, so that stopping early leaves a balanced design.

    On MNIST and Fashion-MNIST, runs are also tested the authors' way (``augment_test``).

    Args:
        table: 1 to 4.
        profile: "quick", "small" or "full" (the paper's recipe).
        runs: each setting gets the seeds 0 to runs − 1; the paper has 100.
        losses: some of ``LOSSES``.
        dataset: by default that of ``default_dataset``.

    Raises:
        ValueError: an argument is not allowed.

    >>> len(configs(3, profile="quick", runs=2))  # 2 seeds, 2 losses, 5 schemes
    20
    """
    check.one_of("profile", profile, training.PROFILES)
    settings = [(loss, row.scheme) for loss in losses for row in rows(table, loss)]
    dataset = default_dataset(table, profile) if dataset is None else dataset
    return [
        training.profile(
            profile,
            dataset=dataset,
            loss=loss,
            scheme=scheme,
            seed=seed,
            augment_test=dataset in ("mnist", "fashion-mnist"),
        )
        for seed in range(check.whole("runs", runs, 1, MOST_RUNS))
        for loss, scheme in settings
    ]


def beside_paper(runs: pd.DataFrame, table: int) -> pd.DataFrame:
    """A summary of our runs, next to the paper's numbers for the same settings.

    Args:
        runs: of one data set and one profile.
        table: the table to compare with.

    Returns:
        A row for each loss and setting that has runs, in the table's order: "loss", "setting",
        "scheme" and the columns of ``um.results.summary``.

    Raises:
        ValueError: no run belongs to the table, or ``um.results.summary`` refuses the runs.
    """
    import pandas as pd

    summary = results.summary(runs, beside=_dataset(table))
    ours = {(row["loss"], row["scheme"]): row for row in summary.to_dict("records")}
    found = [
        {"loss": loss, "setting": row.kind, **ours[loss, row.scheme]}
        for loss in LOSSES
        for row in rows(table, loss)
        if (loss, row.scheme) in ours
    ]
    if not found:
        raise ValueError(f"table {table}: none of the {len(runs)} runs belongs to it")
    return pd.DataFrame(found)


def comparisons(runs: pd.DataFrame, table: int, error: str = "error") -> pd.DataFrame:
    """Differences of test errors between the settings of a table, seed by seed.

    For each loss: MixUp − ERM, UMixUp − ERM, UMixUp − MixUp, MixUp − its DAT twin and UMixUp − its
    DAT twin, where both settings have runs.

    Args:
        runs: of one data set and one recipe.
        table: the table whose settings are compared.
        error: the column to compare, "error" or "augmented_error".

    Returns:
        "loss", "difference" and the columns of ``um.results.paired`` and ``um.results.verdicts``;
        errors in per cent. Holm's correction is for all rows together.

    Raises:
        ValueError: no such pair of settings has runs, or ``um.results.by_seed`` refuses them.
    """
    import pandas as pd

    found: list[dict[str, Any]] = []
    for loss in LOSSES:
        of_loss = runs[runs["loss"] == loss].dropna(subset=[error])
        errors = results.by_seed(of_loss, error)
        erm, mixup, dat, umixup, udat = rows(table, loss)
        pairs = (mixup, erm), (umixup, erm), (umixup, mixup), (mixup, dat), (umixup, udat)
        for one, other in pairs:
            if {one.scheme, other.scheme} <= set(errors):
                name = f"{one.kind} − {'its DAT' if other.kind == 'DAT' else other.kind}"
                gap = results.paired(errors[one.scheme], errors[other.scheme])
                found.append({"loss": loss, "difference": name, **gap})
    if not found:
        raise ValueError(f"table {table}: no two of its settings have runs with {error!r}")
    return results.verdicts(pd.DataFrame(found))


def overview(runs: pd.DataFrame) -> pd.DataFrame:
    """All rows of the paper's tables and their DAT twins, each with a summary of our runs.

    Args:
        runs: as ``um.results.load`` returns them.

    Returns:
        40 rows, in the paper's order: "table", "dataset", "loss", "setting", "scheme";
        "paper_mean", "paper_half_width", "paper_n"; and for our runs on the same data set, from
        the largest profile that has runs, "profile", "n", "mean", "half_width" ("", 0, NaN and NaN
        if there are no runs). Errors are in per cent, and measured on the augmented test set, as
        the paper's are, where the runs have it.
    """
    import pandas as pd

    found = []
    for table, dataset in DATASETS.items():
        for loss in ("ce", "nc"):
            ours = runs[(runs["dataset"] == dataset) & (runs["loss"] == loss)]
            found += [
                {
                    "table": table,
                    "dataset": dataset,
                    "loss": loss,
                    "setting": row.kind,
                    "scheme": row.scheme,
                    "paper_mean": 100 * row.error,
                    "paper_half_width": 100 * row.half_width,
                    "paper_n": row.runs,
                    **_largest_profile(ours[ours["scheme"] == row.scheme]),
                }
                for row in rows(table, loss)
            ]
    return pd.DataFrame(found)


def _largest_profile(runs: pd.DataFrame) -> dict[str, Any]:
    """Summarise the largest profile that has runs."""
    for profile in ("full", "small", "quick"):
        of_profile = runs[runs["profile"] == profile]
        if len(of_profile):
            summary = results.summary(of_profile).iloc[0]
            prefix = "augmented_" if summary["augmented_n"] else ""
            numbers = {name: summary[prefix + name] for name in ("n", "mean", "half_width")}
            return {"profile": profile, **numbers}
    return {"profile": "", "n": 0, "mean": math.nan, "half_width": math.nan}


def paper_comparisons() -> pd.DataFrame:
    """The differences MixUp − ERM and UMixUp − MixUp in the paper, for each data set and loss.

    The paper gives an interval for each mean. For a difference of independent means, the
    half-width is the root of the sum of the squared half-widths.

    Returns:
        16 rows: "dataset", "loss", "difference", and "mean", "low", "high" in percentage points.

    >>> len(paper_comparisons())
    16
    """
    import pandas as pd

    found = []
    for dataset in DATASETS.values():
        for loss in ("ce", "nc"):
            erm, mixup, umixup = paper.settings(dataset, loss)
            for one, other in ((mixup, erm), (umixup, mixup)):
                mean = 100 * (one.error - other.error)
                half = 100 * math.hypot(one.half_width, other.half_width)
                name = f"{one.kind} − {other.kind}"
                found.append((dataset, loss, name, mean, mean - half, mean + half))
    return pd.DataFrame(found, columns=["dataset", "loss", "difference", "mean", "low", "high"])


def by_recipe(
    runs: pd.DataFrame,
    table: int | None = None,
    profile: str | None = None,
    dataset: str | None = None,
) -> pd.DataFrame:
    """The summaries of all recipes, one after another, with a first column "profile".

    Args:
        runs: as ``um.results.load`` returns them.
        table: compare with this table of the paper, 1 to 4.
        profile: only runs of this profile.
        dataset: only runs on this data set; with a table, by default its own, or the digits for
            "quick".

    Raises:
        ValueError: there are no such runs.
    """
    import pandas as pd

    if dataset is None and table is not None:
        dataset = default_dataset(table, profile)
    for name, wanted in (("dataset", dataset), ("profile", profile)):
        runs = runs if wanted is None else runs[runs[name] == wanted]
    if not len(runs):
        raise ValueError(
            f"no runs with dataset = {dataset!r}, profile = {profile!r} (None: any) are recorded"
        )
    parts: list[pd.DataFrame] = []
    for (_, recipe), group in runs.groupby(["recipe", "profile"], sort=False):
        if table is not None and not _of_table(group, table).any():
            continue
        part = results.summary(group) if table is None else beside_paper(group, table)
        part.insert(0, "profile", str(recipe))
        parts.append(part)
    if not parts:
        raise ValueError(f"table {table}: none of the {len(runs)} runs belongs to it")
    return pd.concat(parts, ignore_index=True)


def _of_table(runs: pd.DataFrame, table: int) -> pd.Series[bool]:
    """Which of the runs have a loss and a scheme of the table."""
    known = {(loss, row.scheme) for loss in LOSSES for row in rows(table, loss)}
    return runs[["loss", "scheme"]].apply(tuple, axis=1).isin(known)
