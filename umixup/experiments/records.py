"""Runs as records: one JSON file a run, and what a folder of them says.

A record is written beside its place and then renamed, so a folder shared by many processes never
holds half of one. ``pack`` folds the files into one of JSON lines for each data set. Errors are
shares of 1 in records; summaries show them in per cent.
"""

from __future__ import annotations

import json
import os
import re
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from umixup.experiments import paper
from umixup.training.config import digest as digest
from umixup.training.environment import environment as environment
from umixup.training.files import written_whole
from umixup.training.run import SCHEMA

if TYPE_CHECKING:
    import pandas as pd

#: How the name of a failed run's file ends.
FAILED = ".failed.json"


def write(record: dict[str, Any], folder: str | os.PathLike[str]) -> Path:
    """Write a run's record to ``folder/<its config's hash>.json``, whole or not at all."""
    target = Path(folder) / f"{record['hash']}.json"
    with written_whole(target) as beside, beside.open("w", encoding="utf-8") as file:
        json.dump(record, file, indent=1, allow_nan=False)
        file.write("\n")
    return target


def write_failure(
    identity: str, config: dict[str, Any], error: str, folder: str | os.PathLike[str]
) -> Path:
    """Write beside the records why a run has none, to ``folder/<its config's hash>.failed.json``.

    Args:
        identity: the config's hash.
        config: its fields.
        error: what went wrong.
    """
    target = Path(folder) / f"{identity}{FAILED}"
    failure = {"hash": identity, "error": error, "config": config, "environment": environment()}
    with written_whole(target) as beside:
        beside.write_text(json.dumps(failure, indent=1) + "\n", encoding="utf-8")
    return target


def read(path: Path) -> dict[str, Any]:
    """The record in a file of its own.

    Raises:
        ValueError, LookupError, TypeError: it is none, or of another schema.
    """
    return _checked(path.read_bytes())


def records(folder: str | os.PathLike[str]) -> list[dict[str, Any]]:
    """The runs recorded in ``folder``, packed or not, as plain data; see ``load``."""
    found, told = _read(Path(folder))
    for line in told:
        warnings.warn(line, stacklevel=2)
    return found


def recorded(folder: str | os.PathLike[str]) -> set[str]:
    """The hashes of the configs that have a record in ``folder``; see ``load``."""
    return {record["hash"] for record in records(folder)}


def failures(folder: str | os.PathLike[str]) -> dict[str, str]:
    """Why runs have no record: hash -> error. A failure that cannot be read says so itself."""
    found = {}
    for path in sorted(Path(folder).glob(f"*{FAILED}")):
        identity = path.name.removesuffix(FAILED)
        try:
            found[identity] = str(json.loads(path.read_bytes())["error"])
        except (ValueError, LookupError, TypeError) as error:
            found[identity] = f"{path} cannot be read: {error}"
    return found


def load(folder: str | os.PathLike[str]) -> pd.DataFrame:
    """The runs recorded in ``folder``, packed or not: a row a run.

    Sorted by data set, loss, scheme, recipe and seed. A run that is there twice counts once; where
    the two differ (as they may between machines), the earlier one counts, and a warning says so.
    Files and lines that are no records of this schema, or whose hash is not that of their config,
    are named in a warning and left out. Runs that failed have no row; a warning counts them.

    Returns:
        Columns for the config's fields and for the results, first of all dataset, loss, scheme,
        profile, seed and error (a share of 1); for what was measured beside it, columns such as
        "calibration.ece", NaN in runs without.

    Raises:
        FileNotFoundError: there is no such folder.
    """
    found, told = _read(Path(folder))
    failed = len(failures(folder).keys() - {record["hash"] for record in found})
    if failed:
        told.append(
            f"{folder}: {failed} runs failed and have no row; um.results.failures(folder) has the "
            "reasons"
        )
    for line in told:
        warnings.warn(line, stacklevel=2)
    return frame(_row(record) for record in found)


def pack(folder: str | os.PathLike[str]) -> list[Path]:
    """Fold the folder's records into one file of JSON lines for each data set.

    Lines are sorted by loss, scheme, recipe and seed, so that the same runs give the same file. The
    single files are removed once they are packed; those that are no records stay, and are named in
    a warning. Several processes may pack, and write records, at the same time.

    Returns:
        The packed files.

    Raises:
        FileNotFoundError: there is no such folder.
    """
    from filelock import FileLock

    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"folder = {str(folder)!r}: there is no such folder")
    with FileLock(folder / ".pack.lock"):
        singles = sorted(folder.glob("*.json"))
        records, told = _read(folder)
        for line in told:
            warnings.warn(line, stacklevel=2)
        if any(".jsonl:" in line for line in told):
            raise ValueError(f"folder = {str(folder)!r}: mend or remove the packed lines first")
        packed: dict[Path, list[str]] = {}
        for record in records:
            name = re.sub(r"[^\w.-]+", "-", record["config"]["dataset"]).strip("-")
            lines = packed.setdefault(folder / f"{name}.jsonl", [])
            lines.append(json.dumps(record, allow_nan=False) + "\n")
        for target, lines in packed.items():
            with written_whole(target) as beside:
                beside.write_text("".join(lines), encoding="utf-8")
        done = {f"{record['hash']}.json" for record in records}
        for path in singles:
            if path.name in done:
                path.unlink(missing_ok=True)
    return sorted(packed)


def _place(record: dict[str, Any]) -> tuple[Any, ...]:
    config = record["config"]
    setting = config["dataset"], config["loss"], config["scheme"]
    return *setting, record["recipe"], config["seed"], record["hash"]


def _begun(record: dict[str, Any]) -> str:
    return str(record["sittings"][0]["date"])


def _read(folder: Path) -> tuple[list[dict[str, Any]], list[str]]:
    """The folder's records, one a run, sorted; and what is to be told about the other files."""
    if not folder.is_dir():
        raise FileNotFoundError(f"folder = {str(folder)!r}: there is no such folder")
    found: dict[str, dict[str, Any]] = {}
    told, twice = [], 0
    for place, text in _texts(folder):
        try:
            record = _checked(text)
        except (ValueError, LookupError, TypeError) as error:
            told.append(f"{place} left out: {type(error).__name__}: {error}")
            continue
        known = found.setdefault(record["hash"], record)
        if known != record:
            twice += 1
            found[record["hash"]] = min(known, record, key=_begun)
    if twice:
        told.append(f"{folder}: {twice} runs are there twice and differ; the earlier counts")
    return sorted(found.values(), key=_place), told


def _checked(text: bytes) -> dict[str, Any]:
    """The record in a text, with what every record has."""
    record: dict[str, Any] = json.loads(text)
    if record["schema"] != SCHEMA:
        raise ValueError(f"schema {record['schema']!r} instead of {SCHEMA}")
    _row(record), _place(record), _begun(record)
    if digest(record["config"]) != record["hash"]:
        raise ValueError(f"hash {record['hash']!r} is not that of its config")
    return record


def _texts(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Name and content of each single file, then of each line of the packed ones.

    In that order, since another process may be packing: what has gone from the first is then in
    the second.
    """
    for path in sorted(folder.glob("*.json")):
        if path.name.endswith(FAILED):
            continue
        try:
            yield str(path), path.read_bytes()
        except FileNotFoundError:  # packed in the meantime
            continue
    for path in sorted(folder.glob("*.jsonl")):
        for number, line in enumerate(path.read_bytes().splitlines(), 1):
            yield f"{path}:{number}", line


def _row(record: dict[str, Any]) -> dict[str, Any]:
    """The config's fields and the results; of what was measured, the numbers: "calibration.ece"."""
    row = {**record["config"], **record, "error": float(record["error"])}
    for name in ("config", "measures", "measured"):
        row.pop(name, None)
    for measure, found in record.get("measured", {}).items():
        numbers = {name: v for name, v in found.items() if isinstance(v, (int, float))}
        row |= {f"{measure}.{name}": value for name, value in numbers.items()}
    return row


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


def each_once(runs: pd.DataFrame) -> pd.DataFrame:
    """The runs without those that differ from another one only in how they were tested.

    A run with ``augment_test`` trains as the one without and has both errors: it is the one kept.
    """
    same = ["dataset", "loss", "scheme", "recipe", "seed"]
    runs = runs.reset_index(drop=True)
    both_first = runs.sort_values("augment_test", ascending=False, kind="stable")
    return both_first.drop_duplicates(same).sort_index()


def summary(runs: pd.DataFrame, beside: str | None = None) -> pd.DataFrame:
    """Mean error and its 95 % interval for each setting, beside the paper's row for it.

    Args:
        runs: rows as ``load`` gives them, of one recipe.
        beside: the data set whose rows of the paper stand beside ours; by default the runs' own.

    Returns:
        A row for each (dataset, loss, scheme), in the order of their first run: ``n``, ``mean``,
        ``half_width``; the same of the errors on the augmented test set, ``augmented_n`` and so on
        (0 and NaN where it was not used); ``paper_mean``, ``paper_half_width``, ``paper_n`` from
        the paper's row for that data set, loss and scheme, NaN (0 for n) where it has none. The
        paper's NC rows stand beside "nc" and "nc-released". Errors in per cent.

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
    for names, group in each_once(runs).groupby(["dataset", "loss", "scheme"], sort=False):
        dataset, loss, scheme = map(str, names)
        printed = paper.settings(beside or dataset, loss.removesuffix("-released"))
        theirs = next((s for s in printed if s.scheme == scheme), None)
        augmented = group["augmented_error"].dropna().astype(float)
        rows.append(
            {
                "dataset": dataset,
                "loss": loss,
                "scheme": scheme,
                "n": len(group),
                "mean": 100 * group["error"].mean(),
                "half_width": 100 * half_width(group["error"]),
                "augmented_n": len(augmented),
                "augmented_mean": 100 * augmented.mean(),
                "augmented_half_width": 100 * half_width(augmented),
                "paper_mean": 100 * theirs.error if theirs else float("nan"),
                "paper_half_width": 100 * theirs.half_width if theirs else float("nan"),
                "paper_n": theirs.runs if theirs else 0,
            }
        )
    return pd.DataFrame(rows)


def difference(
    runs: pd.DataFrame, one: str, other: str, error: str = "error"
) -> dict[str, str | float]:
    """Mean error of one scheme minus that of another, with Welch's 95 % interval.

    The interval takes the two schemes' runs as independent samples of unequal variance.

    Args:
        runs: of one data set, loss and recipe.
        one, other: schemes, as the column ``scheme`` has them.
        error: the column: "error" or "augmented_error".

    Returns:
        ``one``, ``other``; ``n_one``, ``n_other``; ``mean``, ``low``, ``high`` in percentage points
        (NaN where one has fewer than two runs); ``p``, of Welch's two-sided t-test;
        ``needed``, how many runs of each would tell a true difference of this size from 0 four
        times out of five (``runs_needed``).

    Raises:
        ValueError: runs of several settings' worth of data sets, losses or recipes; or none of
            a scheme.
    """
    runs = each_once(runs)
    for name in ("dataset", "loss", "recipe"):
        if runs[name].nunique() > 1:
            raise ValueError(f"runs of several values of {name!r}: compare within one")
    samples = []
    for scheme in (one, other):
        sample = 100 * runs.loc[runs["scheme"] == scheme, error].dropna().to_numpy(dtype=float)
        if not len(sample):
            known = ", ".join(runs["scheme"].unique())
            raise ValueError(f"scheme {scheme!r}: no run has {error!r}; there are {known}")
        samples.append(sample)
    return {"one": one, "other": other, **welch(*samples)}


def welch(one: Iterable[float], other: Iterable[float]) -> dict[str, float]:
    """The difference of two means, with Welch's 95 % interval.

    The two are taken as independent samples of unequal variance.

    Args:
        one, other: at least one value each.

    Returns:
        ``n_one``, ``n_other``; ``mean``, ``low``, ``high``, in the values' units; ``p``, of
        Welch's two-sided t-test; ``needed``, how many values of each would tell a true difference
        of this size from 0 four times out of five (``runs_needed``). From ``low`` on NaN where one
        has fewer than two values.

    Raises:
        ValueError: an empty sample.

    >>> told = welch([1.0, 2.0, 3.0], [2.0, 4.0, 6.0])
    >>> told["mean"], round(told["low"], 2), round(told["high"], 2), told["needed"]
    (-2.0, -6.16, 2.16, 11.0)
    """
    import numpy as np
    from scipy import stats

    samples = [np.asarray(list(values), dtype=float) for values in (one, other)]
    if not all(map(len, samples)):
        raise ValueError(f"samples of {len(samples[0])} and {len(samples[1])}: both need a value")
    gap = float(samples[0].mean() - samples[1].mean())
    told: dict[str, float] = {"n_one": len(samples[0]), "n_other": len(samples[1]), "mean": gap}
    nothing = float("nan")
    if min(map(len, samples)) < 2:
        return told | {"low": nothing, "high": nothing, "p": nothing, "needed": nothing}
    test = stats.ttest_ind(*samples, equal_var=False)
    low, high = map(float, test.confidence_interval())
    needed = runs_needed(gap, samples[0].std(ddof=1), samples[1].std(ddof=1))
    return told | {"low": low, "high": high, "p": float(test.pvalue), "needed": needed}


def told_apart(compared: pd.DataFrame) -> pd.DataFrame:
    """Differences with a verdict each, and p adjusted for their number (Holm).

    Args:
        compared: a row for each difference, as ``difference`` or ``welch`` gives it.

    Returns:
        The same with ``p_holm``, and ``verdict``: "lower" or "higher" where the 95 % interval
        leaves out 0, else "not told apart"; "too few runs" where there is no interval.
    """
    from statsmodels.stats.multitest import multipletests

    compared = compared.copy()
    tested = compared["p"].notna()
    compared["p_holm"] = float("nan")
    if tested.any():
        compared.loc[tested, "p_holm"] = multipletests(compared.loc[tested, "p"], method="holm")[1]
    compared["verdict"] = "not told apart"
    compared.loc[~tested, "verdict"] = "too few runs"
    compared.loc[compared["high"] < 0, "verdict"] = "lower"
    compared.loc[compared["low"] > 0, "verdict"] = "higher"
    return compared


def runs_needed(difference: float, std: float, other_std: float, power: float = 0.8) -> float:
    """How many runs of each setting a two-sided t-test at 5 % needs to tell a difference.

    As if both settings had the mean of the two variances.

    Args:
        difference: of the true means.
        std, other_std: standard deviations of a run's error in the two settings, in its units.
        power: the share of repetitions that are to find it, in (0, 0.95].

    Returns:
        A whole number ≥ 2; ∞ for a difference of 0.

    Raises:
        ValueError: power off (0, 0.95], a negative deviation.

    >>> runs_needed(0.022, 0.118, 0.128)  # the paper's CIFAR10, cross-entropy, in per cent
    493.0
    """
    import numpy as np
    from statsmodels.stats.power import TTestIndPower

    if not 0 < power <= 0.95:
        raise ValueError(f"power = {power!r}: it must be in (0, 0.95]")
    if min(std, other_std) < 0:
        raise ValueError(f"std = {std!r}, other_std = {other_std!r}: they must be ≥ 0")
    pooled = np.sqrt((std**2 + other_std**2) / 2)
    if difference == 0:
        return float("inf")
    effect = min(abs(difference) / pooled, 8.0) if pooled else 8.0  # above, scipy gives NaN
    test = TTestIndPower()
    if test.power(effect, 2, 0.05) >= power:  # the solver looks for a root above 2 only
        return 2.0
    return float(np.ceil(test.solve_power(effect, alpha=0.05, power=power)))
