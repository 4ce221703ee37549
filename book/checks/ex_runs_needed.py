import numpy as np


def runs_to_differ(half_width, other_half_width, gap, runs):
    """How many runs of each setting give a difference whose 95 % interval just reaches zero.

    half_width, other_half_width: of the two settings' 95 % intervals, as they are. gap: the
    difference of the two means, which is to stay as it is. runs: how many runs of each setting
    the intervals rest on. The runs are independent, and so many that 1.96 standard errors make
    an interval. Returns a number, not rounded.
    """
    return runs * (half_width**2 + other_half_width**2) / gap**2


def check(runs_to_differ):
    def needed(*case):
        return np.asarray(runs_to_differ(*case), dtype=float)

    found = needed(0.05, 0.07, 0.06, 100)
    if found.shape != () or not np.isfinite(found):
        return "The result should be one number of runs."
    if not np.isclose(needed(0.07, 0.05, -0.06, 100), found):
        return "Exchange the two settings: the number of runs should stay the same."
    if not np.isclose(needed(0.05, 0.07, 0.03, 100), 4 * found):
        return "Half the gap needs half the width. How many times as many runs is that?"
    if not np.isclose(needed(0.05, 0.07, 0.06, 50), found / 2):
        return "The same intervals from half as many runs: a single run scatters less. And now?"
    if not np.isclose(needed(0.05, 0.0, 0.05, 100), 100):
        return "If only one setting scatters, and its interval is as wide as the gap, it is enough."
    # Two samples of mean 0 and 1 that have just so many runs: the interval should end at zero.
    first, second = 3.0, 4.0  # the standard deviations of a run
    widths = [1.96 * s / 100**0.5 for s in (first, second)]
    variance = (first**2 + second**2) / needed(*widths, 1.0, 100)
    if not np.isclose(1.96 * variance**0.5, 1.0):
        return (
            "With your number of runs the interval of the difference does not end at zero. How "
            "wide is it, if the two means are independent?"
        )
    return None


def draw(rng):
    return (
        *rng.uniform(0.02, 0.3, size=2).round(3),
        rng.uniform(0.02, 0.3),
        int(rng.integers(5, 200)),
    )


def wrong_until_apart(half_width, other_half_width, gap, runs):
    """Adds the half-widths, and asks until the two intervals no longer overlap.

    Say: two intervals may overlap although that of the difference leaves out zero. Add variances.
    """
    return runs * (half_width + other_half_width) ** 2 / gap**2


def wrong_no_square(half_width, other_half_width, gap, runs):
    """Lets an interval shrink with the number of runs and not with its root.

    Say: four times the runs halve an interval. What does that make of your number?
    """
    return runs * (half_width**2 + other_half_width**2) ** 0.5 / abs(gap)


def wrong_one_interval(half_width, other_half_width, gap, runs):
    """Asks that the wider interval leave out the other mean, which it takes as known.

    Say: both means are uncertain. What is the variance of their difference?
    """
    return runs * max(half_width, other_half_width) ** 2 / gap**2
