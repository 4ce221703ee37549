"""What runs say: means with intervals, differences, and how many runs a difference needs."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from umixup import _check as check
from umixup.experiments import paper

if TYPE_CHECKING:
    import pandas as pd

_SMALL_EFFECT = 1e-3  # in standard deviations
_POWER = check.Range("in (0, 0.95]", lambda value: 0 < value <= 0.95)


def frame(rows: Iterable[dict[str, Any]]) -> pd.DataFrame:
    """Rows as a DataFrame, with the columns that all runs have even if there are no rows."""
    import pandas as pd

    first = ["dataset", "loss", "scheme", "profile", "seed", "error"]
    table = pd.DataFrame(list(rows))
    return table.reindex(columns=[*first, *(c for c in table.columns if c not in first)])


def half_width(values: Iterable[float]) -> float:
    """Half the width of the 95 % confidence interval of a mean, by Student's t.

    NaN for fewer than two values.

    >>> round(half_width([1.0, 2.0, 3.0]), 3)
    2.484
    """
    import numpy as np
    from scipy import stats

    sample = np.asarray(list(values), dtype=float)
    if len(sample) < 2:
        return float("nan")
    return float(stats.t.ppf(0.975, len(sample) - 1) * stats.sem(sample))


# What may differ between runs of one config: the fingerprint of the data, and the precision used.
_CONDITIONS = ("data", "arithmetic")


def each_once(runs: pd.DataFrame) -> pd.DataFrame:
    """The runs without those that differ from another one only in how they were tested.

    ``augment_test`` does not change the training. Of two such runs, the one with it is kept, since
    it has both errors.
    """
    same = ["dataset", "loss", "scheme", "recipe", "seed", *(c for c in _CONDITIONS if c in runs)]
    runs = runs.reset_index(drop=True)
    both_first = runs.sort_values("augment_test", ascending=False, kind="stable")
    return both_first.drop_duplicates(same).sort_index()


def by_seed(runs: pd.DataFrame, error: str = "error") -> pd.DataFrame:
    """Test errors in per cent, with a row for each seed and a column for each scheme.

    Args:
        runs: of one data set (with one fingerprint), loss, recipe and precision.
        error: the column to arrange, "error" or "augmented_error".

    Returns:
        NaN where a scheme has no run with a seed. Its columns are what ``paired`` compares.

    Raises:
        ValueError: runs that differ in one of these, so that their errors are not comparable.
    """
    runs = each_once(runs)
    for name in ("dataset", "loss", "recipe", *_CONDITIONS):
        if name in runs and runs[name].nunique() > 1:
            raise ValueError(f"runs of several values of {name!r}: compare within one")
    return 100 * runs.pivot(index="seed", columns="scheme", values=error).astype(float)


def summary(runs: pd.DataFrame, beside: str | None = None) -> pd.DataFrame:
    """Mean error and its 95 % interval for each setting, next to the paper's.

    Args:
        runs: rows as ``load`` returns them, of one recipe.
        beside: the data set whose rows of the paper to compare with; by default the runs' own.

    Returns:
        A row for each (dataset, loss, scheme), in the order of their first run; runs that differ in
        their data's fingerprint, or in the precision that was used, are not averaged: a warning
        says so, and a column "data" or "arithmetic" keeps them apart. Columns: ``n``, ``mean``,
        ``half_width``; ``augmented_n``, ``augmented_mean``, ``augmented_half_width`` for the errors
        on the augmented test set (0 and NaN without); ``paper_n``, ``paper_mean``,
        ``paper_half_width`` from the paper (0 and NaN if it has no such row; its NC rows serve "nc"
        and "nc-released"). Errors are in per cent.

    Raises:
        ValueError: no runs, or runs of several recipes, whose errors are not comparable.
    """
    import pandas as pd

    if not len(runs):
        raise ValueError("runs: there are none to summarise")
    if runs["recipe"].nunique() > 1:
        raise ValueError(
            f"runs of {runs['recipe'].nunique()} recipes (profiles "
            f"{', '.join(sorted(runs['profile'].unique()))}): summarise one recipe at a time"
        )
    rows, by = [], ["dataset", "loss", "scheme"]
    for name in _CONDITIONS:
        if name in runs and (several := runs.groupby("dataset")[name].nunique()).max() > 1:
            by.append(name)
            warnings.warn(
                f"runs on {several.idxmax()} differ in {name!r}, which is "
                f"{' or '.join(sorted(runs[name].unique()))}; they are summarised separately",
                stacklevel=2,
            )
    for names, group in each_once(runs).groupby(by, sort=False):
        dataset, loss, scheme, *conditions = map(str, names)
        printed = paper.settings(beside or dataset, loss.removesuffix("-released"))
        theirs = next((s for s in printed if s.scheme == scheme), None)
        augmented = group["augmented_error"].dropna().astype(float)
        rows.append(
            {
                "dataset": dataset,
                "loss": loss,
                "scheme": scheme,
                **dict(zip(by[3:], conditions, strict=True)),
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


def welch(one: Iterable[float], other: Iterable[float]) -> dict[str, float]:
    """The difference of two means, with Welch's 95 % interval.

    The samples are taken to be independent, with variances of their own.

    Args:
        one, other: at least one value each.

    Returns:
        ``n_one``, ``n_other``; ``mean``, the difference; ``low``, ``high``, its interval; ``p``
        of Welch's two-sided t-test; ``needed``, how many values of each would show a true
        difference of this size four times out of five (see ``runs_needed``). With fewer than two
        values of either, ``low``, ``high``, ``p`` and ``needed`` are NaN. If neither sample varies,
        the interval is the difference alone, and ``p`` is 0, or 1 for a difference of 0.

    Raises:
        ValueError: an empty sample.

    >>> found = welch([1.0, 2.0, 3.0], [2.0, 4.0, 6.0])
    >>> found["mean"], round(found["low"], 2), round(found["high"], 2), found["needed"]
    (-2.0, -6.16, 2.16, 11.0)
    """
    import numpy as np
    from scipy import stats

    first, second = (np.asarray(list(values), dtype=float) for values in (one, other))
    sizes = {"n_one": len(first), "n_other": len(second)}
    if not min(sizes.values()):
        raise ValueError(f"samples of {len(first)} and {len(second)}: both need a value")
    gap = float(first.mean() - second.mean())
    if min(sizes.values()) < 2:
        unknown = dict.fromkeys(("low", "high", "p", "needed"), float("nan"))
        return {**sizes, "mean": gap, **unknown}
    spread = first.std(ddof=1), second.std(ddof=1)
    needed = runs_needed(gap, *spread)
    if not any(spread):  # the t statistic is ±∞, or 0/0
        return {
            **sizes,
            "mean": gap,
            "low": gap,
            "high": gap,
            "p": float(gap == 0),
            "needed": needed,
        }
    test = stats.ttest_ind(first, second, equal_var=False)
    low, high = map(float, test.confidence_interval())
    found = {"mean": gap, "low": low, "high": high, "p": float(test.pvalue), "needed": needed}
    return {**sizes, **found}


def holm(p: pd.Series[float]) -> pd.Series[float]:
    """p values of one family of tests, adjusted by Holm; NaN stays and does not count."""
    from statsmodels.stats.multitest import multipletests

    adjusted, tested = p.astype(float), p.notna()
    if tested.any():
        adjusted[tested] = multipletests(p[tested], method="holm")[1]
    return adjusted


def verdicts(compared: pd.DataFrame) -> pd.DataFrame:
    """Say which of several differences are significant at 5 %, corrected for their number.

    Args:
        compared: a row for each difference, with "low", "high" and "p" as ``paired`` and ``welch``
            return them.

    Returns:
        The same with ``p_holm``, p by Holm's correction for all rows, and with ``verdict``: "lower"
        or "higher" if ``p_holm`` is below 0.05, else "undecided"; "too few runs" if p is NaN.
    """
    compared = compared.assign(p_holm=holm(compared["p"]), verdict="undecided")
    significant = compared["p_holm"] < 0.05
    compared.loc[compared["p"].isna(), "verdict"] = "too few runs"
    compared.loc[significant & (compared["high"] <= 0), "verdict"] = "lower"
    compared.loc[significant & (compared["low"] >= 0), "verdict"] = "higher"
    return compared


def runs_needed(difference: float, std: float, other_std: float, power: float = 0.8) -> float:
    """How many runs of each setting a two-sided t-test at 5 % needs to detect a difference.

    Assumes a common variance, the mean of the two.

    Args:
        difference: of the true means.
        std, other_std: standard deviations of a run's error in the two settings, in the same
            units; ≥ 0.
        power: the probability of detecting it, in (0, 0.95].

    Returns:
        A whole number ≥ 2; ∞ for a difference of 0.

    Raises:
        ValueError, TypeError: an argument is out of range, or is not a number.

    >>> runs_needed(0.022, 0.118, 0.128)  # the paper's CIFAR10, cross-entropy, in per cent
    493.0
    """
    import numpy as np
    from statsmodels.stats.power import TTestIndPower

    difference = check.number("difference", difference)
    std = check.number("std", std, check.NON_NEGATIVE)
    other_std = check.number("other_std", other_std, check.NON_NEGATIVE)
    pooled = float(np.sqrt((std**2 + other_std**2) / 2))
    return needed(TTestIndPower(), difference, pooled, power, 2)


def needed(test: Any, difference: float, std: float, power: float, samples: int) -> float:
    """The size of each sample with which a t-test at 5 % has this power.

    Args:
        test: of ``statsmodels.stats.power``.
        difference: of the true means, or the true mean.
        std: ≥ 0.
        power: in (0, 0.95].
        samples: how many the test compares, 1 or 2.

    Returns:
        A whole number ≥ 2; ∞ for a difference of 0.
    """
    import numpy as np
    from scipy import stats

    power = check.number("power", power, _POWER)
    if difference == 0:
        return float("inf")
    effect = min(abs(difference) / std, 8.0) if std else 8.0  # scipy gives NaN above 8
    if effect < _SMALL_EFFECT:  # so many runs that t is normal; the solver does not converge
        z = float(stats.norm.ppf(0.975) + stats.norm.ppf(power))
        return float(np.ceil(samples * (z / effect) * (z / effect)))
    for few in range(2, 20):  # where the solver may not converge either
        # scipy gives NaN at some effects; what a slightly smaller one reaches, this one does too
        if any(test.power(near, few, 0.05) >= power for near in (effect, 0.999 * effect)):
            return float(few)
    return float(np.ceil(test.solve_power(effect, alpha=0.05, power=power)))
