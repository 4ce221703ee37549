"""Runs as records: one JSON file a run, and what a folder of them says.

A record is written beside its place and then renamed, so a folder shared by many processes never
holds half of one. Errors are shares of 1 everywhere; tables show them in per cent.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import warnings
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from umixup import paper
from umixup._files import written_whole

if TYPE_CHECKING:
    import pandas as pd

SCHEMA = 1


def environment() -> dict[str, Any]:
    """What a result may depend on beside its config: versions, machine, commit, date."""

    def found(package: str) -> str | None:
        try:
            return version(package)
        except PackageNotFoundError:
            return None

    try:
        commit = subprocess.run(
            ["git", "-C", str(Path(__file__).parent), "rev-parse", "--verify", "-q", "HEAD"],
            capture_output=True,
            text=True,
            check=False,
        ).stdout.strip()
    except OSError:  # no git here
        commit = ""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        **{package: found(package) for package in ("umixup", "torch", "numpy")},
        "system": f"{platform.system()} {platform.machine()}",
        "commit": commit or None,
    }


def write(record: dict[str, Any], folder: str | os.PathLike[str]) -> Path:
    """Write a run's record to ``folder/<its config's hash>.json``, whole or not at all."""
    target = Path(folder) / f"{record['hash']}.json"
    with written_whole(target) as beside, beside.open("w", encoding="utf-8") as file:
        json.dump(record, file, indent=1, allow_nan=False)
        file.write("\n")
    return target


def load(folder: str | os.PathLike[str]) -> pd.DataFrame:
    """The records below ``folder``: a row a run, its config's fields and the results as columns.

    Files that are no records of this schema are named in a warning and left out.

    Raises:
        FileNotFoundError: there is no such folder.
    """
    if not Path(folder).is_dir():
        raise FileNotFoundError(f"folder = {str(folder)!r}: there is no such folder")
    records = []
    for path in sorted(Path(folder).glob("*.json")):
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            if record["schema"] != SCHEMA:
                raise ValueError(f"schema {record['schema']!r} instead of {SCHEMA}")
            records.append(_row(record))
        except (ValueError, KeyError, TypeError) as error:
            warnings.warn(f"{path} left out: {type(error).__name__}: {error}", stacklevel=2)
    return frame(records)


def _row(record: dict[str, Any]) -> dict[str, Any]:
    row = {**record["config"], **{k: v for k, v in record.items() if k != "config"}}
    return {**row, "error": float(row["error"])}


def frame(records: Iterable[dict[str, Any]]) -> pd.DataFrame:
    """Rows as a DataFrame that has its columns even where there is no run."""
    import pandas as pd

    first = ["dataset", "loss", "scheme", "profile", "seed", "error"]
    table = pd.DataFrame(list(records))
    return table.reindex(columns=[*first, *(c for c in table.columns if c not in first)])


def half_width(values: Iterable[float]) -> float:
    """Half the 95 % confidence interval of a mean, by Student's t; NaN for a single value."""
    import numpy as np
    from scipy import stats

    sample = np.asarray(list(values), dtype=float)
    if len(sample) < 2:
        return float("nan")
    return float(stats.t.ppf(0.975, len(sample) - 1) * stats.sem(sample))


def summary(runs: pd.DataFrame, beside: str | None = None) -> pd.DataFrame:
    """Mean error and its 95 % interval for each setting, beside the paper's row for it.

    Args:
        runs: rows as ``load`` gives them, of one recipe.
        beside: the data set whose rows of the paper stand beside ours; by default the runs' own.

    Returns:
        A row for each (dataset, loss, scheme), in the order of their first run: ``n``, ``mean``,
        ``half_width``; ``paper_mean``, ``paper_half_width``, ``paper_n`` from the paper's row for
        that data set, loss and scheme, NaN (0 for n) where it has none. Errors in per cent.

    Raises:
        ValueError: no runs, or runs of several recipes: their errors are not comparable.
    """
    import pandas as pd

    if not len(runs):
        raise ValueError("runs: there are none to summarise")
    if runs["recipe"].nunique() > 1:
        raise ValueError(
            f"runs of {runs['recipe'].nunique()} recipes (profiles "
            f"{', '.join(sorted(runs['profile'].unique()))}): summarise one recipe at a time"
        )
    rows = []
    for names, group in runs.groupby(["dataset", "loss", "scheme"], sort=False):
        dataset, loss, scheme = map(str, names)
        theirs = [s for s in paper.settings(beside or dataset, loss) if s.scheme == scheme]
        rows.append(
            {
                "dataset": dataset,
                "loss": loss,
                "scheme": scheme,
                "n": len(group),
                "mean": 100 * group["error"].mean(),
                "half_width": 100 * half_width(group["error"]),
                "paper_mean": 100 * theirs[0].error if theirs else float("nan"),
                "paper_half_width": 100 * theirs[0].half_width if theirs else float("nan"),
                "paper_n": theirs[0].runs if theirs else 0,
            }
        )
    return pd.DataFrame(rows)
