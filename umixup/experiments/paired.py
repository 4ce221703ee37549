"""Comparisons of runs that share seeds: their differences, seed by seed and image by image."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from umixup import _check as check
from umixup.experiments.statistics import needed
from umixup.training.outcomes import unpack

if TYPE_CHECKING:
    import pandas as pd

_MOST_CELLS = 2**25  # seeds × images that fit into memory


def paired(
    one: pd.Series[float], other: pd.Series[float], margin: float | None = None
) -> dict[str, float]:
    """The mean difference of two settings over the seeds that both have, with Student's interval.

    What a seed shares, such as the initial weights and the training images, cancels.

    Args:
        one, other: a value for each seed; the index has the seeds, each once.
        margin: what counts as no difference, > 0, in the units of the values.

    Returns:
        ``n`` seeds; ``mean`` of one − other; ``low``, ``high``, its 95 % interval; ``p`` of the
        two-sided paired t-test; ``std`` of the differences; with a margin, ``p_equivalent`` of the
        two one-sided tests that the true difference is within ± margin. All but ``n`` and ``mean``
        are NaN for fewer than two seeds.

    Raises:
        ValueError: a seed is there twice, or none is shared.

    >>> import pandas as pd
    >>> one, other = pd.Series([3.0, 5.0, 4.0]), pd.Series([2.0, 3.0, 1.0])
    >>> found = paired(one, other)
    >>> found["n"], found["mean"], round(found["low"], 2), round(found["p"], 3)
    (3, 2.0, -0.48, 0.074)
    """
    import numpy as np
    from statsmodels.stats.weightstats import DescrStatsW

    for name, values in (("one", one), ("other", other)):
        if not values.index.is_unique:
            raise ValueError(f"{name}: seed {values.index[values.index.duplicated()][0]} is twice")
    gaps = (one - other).dropna().to_numpy(dtype=float)
    if not len(gaps):
        raise ValueError("one and other: no seed is in both")
    wanted = ["low", "high", "p", "std", *(["p_equivalent"] if margin is not None else [])]
    if len(gaps) < 2:
        return {"n": len(gaps), "mean": float(gaps[0]), **dict.fromkeys(wanted, float("nan"))}
    mean, std = float(gaps.mean()), float(gaps.std(ddof=1))
    found: dict[str, float] = {"n": len(gaps), "mean": mean, "std": std}
    if margin is not None:
        margin = check.number("margin", margin, check.POSITIVE)
    if np.ptp(gaps) == 0:  # t is infinite, or 0/0
        found |= {"low": mean, "high": mean, "p": float(mean == 0)}
        return found if margin is None else {**found, "p_equivalent": float(abs(mean) >= margin)}
    sample = DescrStatsW(gaps)
    low, high = map(float, sample.tconfint_mean())
    found |= {"low": low, "high": high, "p": float(sample.ttest_mean()[1])}
    if margin is not None:
        found["p_equivalent"] = float(sample.ttost_mean(-margin, margin)[0])
    return found


def pairs_needed(difference: float, std: float, power: float = 0.8) -> float:
    """How many seeds a two-sided paired t-test at 5 % needs to detect a true mean difference.

    Args:
        difference: the true one, for example the smallest that would matter.
        std: the standard deviation of the differences, > 0, in the same units.
        power: the probability of detecting it, in (0, 0.95].

    Returns:
        A whole number ≥ 2; ∞ for a difference of 0.

    Raises:
        ValueError, TypeError: an argument is out of range, or is not a number.

    >>> pairs_needed(0.5, 1.0)
    34.0
    """
    from statsmodels.stats.power import TTestPower

    difference = check.number("difference", difference)
    return needed(TTestPower(), difference, check.number("std", std, check.POSITIVE), power, 1)


def over_images(one: Sequence[dict[str, Any]], other: Sequence[dict[str, Any]]) -> dict[str, float]:
    """The difference of two settings' mean errors, with an interval over seeds *and* test images.

    An interval over seeds is about these test images: more seeds make it as narrow as you like.
    This one is also about other images of the same kind. The differences of seed s on image i are
    regressed on a constant, with standard errors clustered both by seed and by image (Cameron,
    Gelbach and Miller, 2011); t has a degree of freedom less than there are seeds, or images.

    Args:
        one, other: records with outcomes, as ``um.results.records`` has them, of one data set.

    Returns:
        ``seeds``, ``images``; ``mean``, ``low``, ``high`` (95 %) and ``p``, as fractions.

    Raises:
        ValueError: a record without outcomes, other numbers of images, or fewer than two shared
            seeds.
    """
    import numpy as np
    import statsmodels.api as sm
    from scipy import stats

    sides = [_missed("one", one), _missed("other", other)]
    shared = sorted(sides[0].keys() & sides[1].keys())
    if len(shared) < 2:
        raise ValueError(f"one and other share {len(shared)} seeds: at least 2 are needed")
    if len({len(values) for side in sides for values in side.values()}) > 1:
        raise ValueError("one and other: they were tested on other numbers of images")
    gaps = np.stack([sides[0][seed] - sides[1][seed] for seed in shared])  # (seeds, images)
    seeds, images = gaps.shape
    if gaps.size > _MOST_CELLS:
        raise ValueError(f"{seeds} seeds × {images} images: they are too many")
    groups = np.stack([index.ravel() for index in np.indices(gaps.shape)], axis=1)
    fit = sm.OLS(gaps.ravel(), np.ones(gaps.size)).fit(
        cov_type="cluster", cov_kwds={"groups": groups}
    )
    mean, error = float(fit.params[0]), float(fit.bse[0])
    t = stats.t(min(seeds, images) - 1)
    half = float(t.ppf(0.975)) * error
    p = float(2 * t.sf(abs(mean) / error)) if error else float(mean == 0)
    return {
        **{"seeds": seeds, "images": images},
        **{"mean": mean, "low": mean - half, "high": mean + half, "p": p},
    }


def _missed(name: str, records: Iterable[dict[str, Any]]) -> dict[int, Any]:
    """For each seed, how often each image was misclassified in the last epochs, in [0, 1]."""
    found = {}
    for record in records:
        seed = record["config"]["seed"]
        if "outcomes" not in record:
            raise ValueError(f"{name}: the record of seed {seed} has no outcomes")
        if seed in found:
            raise ValueError(f"{name}: seed {seed} is twice")
        found[seed] = unpack(record["outcomes"]).double().mean(dim=0).numpy()
    return found
