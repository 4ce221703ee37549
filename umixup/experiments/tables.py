"""The paper's tables as runs: which configs a table is made of, and ours beside the paper's.

A table of the paper is a data set with two losses, and three schemes for each: ERM, MixUp and
UMixUp. Beside MixUp and UMixUp we run DAT with the policy behind them, which the paper leaves out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from umixup import training
from umixup.experiments import paper
from umixup.experiments import records as results

if TYPE_CHECKING:
    import pandas as pd

#: The data set of each of the paper's tables.
DATASETS = {1: "cifar10", 2: "cifar100", 3: "mnist", 4: "fashion-mnist"}
#: The losses of a table; the last is the one that the released code computes.
LOSSES = ("ce", "nc", "nc-released")


def rows(table: int, loss: str) -> list[paper.Setting]:
    """The settings of a table for a loss: ERM, MixUp, its DAT twin, UMixUp, its DAT twin.

    "nc-released" has the schemes of "nc": the paper's text describes one, its code runs the other.

    Raises:
        ValueError: no such table or loss.

    >>> [row.scheme for row in rows(3, "ce")]
    ['ERM', 'B(1,1)', 'DAT(B(2,1))', 'U(B(1.7,1))', 'DAT(B(1.7,1))']
    """
    if table not in DATASETS:
        raise ValueError(f"table = {table!r}: it must be one of 1, 2, 3, 4")
    if loss not in LOSSES:
        raise ValueError(f"loss = {loss!r}: it must be one of {', '.join(LOSSES)}")
    erm, mixup, umixup = paper.settings(DATASETS[table], loss.removesuffix("-released"))
    return [erm, mixup, mixup.twin(), umixup, umixup.twin()]


def default_dataset(table: int, profile: str | None) -> str:
    """The table's own data set, but for the quick profile, whose runs are on the digits."""
    return "digits" if profile == "quick" else DATASETS[table]


def configs(
    table: int,
    *,
    profile: str = "full",
    runs: int = 100,
    losses: Sequence[str] = ("ce", "nc"),
    dataset: str | None = None,
) -> list[training.Config]:
    """The runs of a table, seed by seed, so that any first part of them is balanced.

    Args:
        table: 1 to 4.
        profile: "quick", "small" or "full" (the paper's recipe).
        runs: seeds 0 to runs − 1 of each setting; the paper has 100.
        losses: of "ce", "nc" and "nc-released".
        dataset: instead of the table's own; by default the digits for "quick". On MNIST and
            Fashion-MNIST a run tests in the authors' way as well (``augment_test``).

    Raises:
        ValueError: a value that is not allowed.

    >>> len(configs(3, profile="quick", runs=2))  # 2 seeds, 2 losses, 5 schemes
    20
    """
    if profile not in training.PROFILES:
        raise ValueError(f"profile = {profile!r}: it must be one of {', '.join(training.PROFILES)}")
    if type(runs) is not int or runs < 1:
        raise ValueError(f"runs = {runs!r}: it must be a whole number ≥ 1")
    if dataset is None:
        dataset = default_dataset(table, profile)
    return [
        training.profile(
            profile,
            dataset=dataset,
            loss=loss,
            scheme=row.scheme,
            seed=seed,
            augment_test=dataset in ("mnist", "fashion-mnist"),
        )
        for seed in range(runs)
        for loss in losses
        for row in rows(table, loss)
    ]


def beside_paper(runs: pd.DataFrame, table: int) -> pd.DataFrame:
    """Our runs of one data set and profile beside the rows of a table of the paper.

    Returns:
        A row for each loss that was run and each setting of the table that has runs, in the
        table's order: "loss", "setting", "scheme" and the columns of ``um.results.summary``.

    Raises:
        ValueError: no run is of the table; or what ``um.results.summary`` refuses.
    """
    import pandas as pd

    summary = results.summary(runs, beside=DATASETS[table])
    ours = {(row["loss"], row["scheme"]): row for row in summary.to_dict("records")}
    found = [
        {"loss": loss, "setting": row.kind, **ours[loss, row.scheme]}
        for loss in LOSSES
        for row in rows(table, loss)
        if (loss, row.scheme) in ours
    ]
    if not found:
        raise ValueError(f"table {table}: none of the {len(runs)} runs is of it")
    return pd.DataFrame(found)


def comparisons(runs: pd.DataFrame, table: int, error: str = "error") -> pd.DataFrame:
    """What a table claims, and what its DAT rows add, as differences of two settings' mean errors.

    For each loss: MixUp − ERM, UMixUp − MixUp, MixUp − its DAT twin, UMixUp − its DAT twin, those
    of them that have runs.

    Returns:
        "loss", "difference", and what ``um.results.difference`` and ``told_apart`` give.

    Raises:
        ValueError: no two settings to compare have runs; or what ``um.results.difference`` refuses.
    """
    import pandas as pd

    found: list[dict[str, Any]] = []
    for loss in LOSSES:
        of_loss = runs[runs["loss"] == loss].dropna(subset=[error])
        erm, mixup, mixup_dat, umixup, umixup_dat = rows(table, loss)
        for one, other in ((mixup, erm), (umixup, mixup), (mixup, mixup_dat), (umixup, umixup_dat)):
            if {one.scheme, other.scheme} <= set(of_loss["scheme"]):
                told = results.difference(of_loss, one.scheme, other.scheme, error)
                names = f"{one.kind} − {'its DAT' if other.kind == 'DAT' else other.kind}"
                found.append({"loss": loss, "difference": names, **told})
    if not found:
        raise ValueError(f"table {table}: no two settings of it have runs with {error!r}")
    return results.told_apart(pd.DataFrame(found))


def overview(runs: pd.DataFrame) -> pd.DataFrame:
    """Every row of the paper's tables and its DAT rows, with what there is of our own runs.

    Args:
        runs: as ``um.results.load`` gives them.

    Returns:
        40 rows, in the paper's order: "table", "dataset", "loss", "setting", "scheme";
        ``paper_mean``, ``paper_half_width``, ``paper_n``; and of our runs on that very data set
        ``profile``, ``n``, ``mean``, ``half_width`` for the largest profile that has any
        (otherwise "", 0 and NaN). Errors in per cent; on the augmented test set, as the paper's,
        where the runs have it.
    """
    import pandas as pd

    found = []
    for table, dataset in DATASETS.items():
        for loss in ("ce", "nc"):
            mine = runs[(runs["dataset"] == dataset) & (runs["loss"] == loss)]
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
                    **_largest(mine[mine["scheme"] == row.scheme]),
                }
                for row in rows(table, loss)
            ]
    return pd.DataFrame(found)


def _largest(runs: pd.DataFrame) -> dict[str, Any]:
    """What the runs of the largest profile say that has any."""
    for profile in ("full", "small", "quick"):
        of_profile = runs[runs["profile"] == profile]
        if len(of_profile):
            told = results.summary(of_profile).iloc[0]
            kind = "augmented_" if told["augmented_n"] else ""
            return {
                "profile": profile,
                **{name: told[kind + name] for name in ("n", "mean", "half_width")},
            }
    return {"profile": "", "n": 0, "mean": math.nan, "half_width": math.nan}


def paper_comparisons() -> pd.DataFrame:
    """The differences of means that the paper claims, with intervals worked out from its own.

    MixUp − ERM and UMixUp − MixUp, of each data set and loss. The paper gives each mean's interval;
    that of a difference of independent means has the root of the summed squares as half-width.

    Returns:
        16 rows: "dataset", "loss", "difference", and ``mean``, ``low``, ``high`` in percentage
        points.

    >>> len(paper_comparisons())
    16
    """
    import pandas as pd

    found = []
    for table, dataset in DATASETS.items():
        for loss in ("ce", "nc"):
            erm, mixup, _, umixup, _ = rows(table, loss)
            for one, other in ((mixup, erm), (umixup, mixup)):
                gap = 100 * (one.error - other.error)
                half = 100 * math.hypot(one.half_width, other.half_width)
                names = {
                    "dataset": dataset,
                    "loss": loss,
                    "difference": f"{one.kind} − {other.kind}",
                }
                found.append({**names, "mean": gap, "low": gap - half, "high": gap + half})
    return pd.DataFrame(found)
