"""How far the paper's gains reach: a winner's curse as a scenario, and what our runs exclude."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from umixup import _check as check
from umixup.experiments import paper, tables
from umixup.experiments.paired import paired

if TYPE_CHECKING:
    import pandas as pd


def largest_of(candidates: int) -> float:
    """The expected largest of so many independent standard normal numbers.

    >>> round(largest_of(2), 4), round(largest_of(10), 3)
    (0.5642, 1.539)
    """
    from scipy import integrate, stats

    k = check.whole("candidates", candidates, 1)

    def tail(x: float) -> float:  # E max = ∫ over x > 0 of P(max > x) − P(max < −x)
        return float(-math.expm1(k * stats.norm.logcdf(x)) - stats.norm.cdf(-x) ** k)

    return float(integrate.quad(tail, 0, math.inf, epsabs=1e-12)[0])


def winners_curse(candidates: int = 10) -> pd.DataFrame:
    r"""If the paper's UMixUp was the best of several equal policies: how much of its gain is left.

    The best of k equal settings looks better than it is by :math:`E\max(Z_1, …, Z_k)` standard
    errors of their means. The paper says of its parameters that they were found by search, not how
    many were tried, nor on which runs; so this is a scenario, not a correction. It has the runs
    that are reported choose as well.

    Args:
        candidates: k ≥ 1, how many policies of equal true error were tried.

    Returns:
        A row for each data set and loss, in percentage points: "gain", MixUp's mean error minus
        UMixUp's; "optimism"; "left", their difference; and "half_width" of the gain's 95 %
        interval.
    """
    import pandas as pd

    largest, found = largest_of(candidates), []
    for dataset in tables.DATASETS.values():
        for loss in ("ce", "nc"):
            _, mixup, umixup = paper.settings(dataset, loss)
            gain = 100 * (mixup.error - umixup.error)
            optimism = 100 * largest * _standard_error(umixup)
            half = 100 * math.hypot(mixup.half_width, umixup.half_width)
            found.append((dataset, loss, gain, optimism, gain - optimism, half))
    columns = ["dataset", "loss", "gain", "optimism", "left", "half_width"]
    return pd.DataFrame(found, columns=columns)


def _standard_error(setting: paper.Setting) -> float:
    """Of a mean in the paper, from the half-width of its 95 % interval."""
    from scipy import stats

    return setting.half_width / float(stats.t.ppf(0.975, setting.runs - 1))


def relative_gains(runs: pd.DataFrame, table: int) -> pd.DataFrame:
    """The paper's gains as shares of an error, beside ours, compared seed by seed.

    Levels of error differ between recipes; so a gain is divided by the error that it is a gain
    over.

    Args:
        runs: of one data set and one profile.
        table: of the paper.

    Returns:
        A row for each loss and each of MixUp − ERM and UMixUp − MixUp of which there are two seeds
        in common: "loss", "difference", "n" seeds; in per cent of the second setting's error,
        negative for a gain: "paper", "mean", "low", "high"; and "excluded", whether the interval
        leaves the paper's value out. The second setting's mean error is taken as it is.

    Raises:
        ValueError: there are none, or a seed is there twice in a setting.
    """
    import pandas as pd

    found: list[dict[str, Any]] = []
    for loss in ("ce", "nc"):
        of_loss = runs[runs["loss"] == loss]
        erm, mixup, _, umixup, _ = tables.rows(table, loss)
        for one, other in ((mixup, erm), (umixup, mixup)):
            ours, theirs = (
                of_loss[of_loss["scheme"] == setting.scheme].set_index("seed")["error"]
                for setting in (one, other)
            )
            if len(ours.index.intersection(theirs.index)) < 2:
                continue
            gap, level = paired(ours, theirs), float(theirs.mean()) / 100
            low, mean, high = (gap[name] / level for name in ("low", "mean", "high"))
            paper_gain = 100 * (one.error - other.error) / other.error
            found.append(
                {
                    "loss": loss,
                    "difference": f"{one.kind} − {other.kind}",
                    "n": gap["n"],
                    "paper": paper_gain,
                    **{"mean": mean, "low": low, "high": high},
                    "excluded": not low <= paper_gain <= high,
                }
            )
    if not found:
        raise ValueError(f"table {table}: no two of its settings have two seeds in common")
    return pd.DataFrame(found)
