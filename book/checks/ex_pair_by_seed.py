import numpy as np
from scipy import stats


def both_intervals(one, other):
    """The 95 % interval of the difference of two settings' means, seed by seed and by Welch.

    one, other: the errors of the two settings, arrays of the same length, at least 3, in the
    order of the seeds. Returns two intervals of the mean of `one` less that of `other`, each as
    low and high end: the paired one first, then Welch's.
    """
    gap, n = np.mean(one) - np.mean(other), len(one)
    parts = np.var(one, ddof=1) / n, np.var(other, ddof=1) / n
    freedom = (n - 1) * sum(parts) ** 2 / (parts[0] ** 2 + parts[1] ** 2)
    half = stats.t.ppf(0.975, n - 1) * np.std(one - other, ddof=1) / n**0.5
    half_welch = stats.t.ppf(0.975, freedom) * sum(parts) ** 0.5
    return (gap - half, gap + half), (gap - half_welch, gap + half_welch)


def check(both_intervals):
    rng = np.random.default_rng(0)
    one, other = rng.normal([[7.0], [5.0]], [[1.0], [3.0]], size=(2, 6))
    luck = np.array([4.0, -3.0, 0.0, 9.0, 2.0, -5.0])
    found = np.asarray(both_intervals(one, other), dtype=float)
    if found.shape != (2, 2):
        return "The result should be two intervals with two ends each: paired, and Welch's."
    if not (found[:, 0] < found[:, 1]).all():
        return "Each interval should have its low end first."
    if not np.allclose(found.mean(axis=1), one.mean() - other.mean()):
        return "Both intervals should have the mean of `one` less that of `other` in the middle."
    shared = np.asarray(both_intervals(one + luck, other + luck), dtype=float)
    if not np.allclose(shared[0], found[0]):
        return "Luck that both settings have in a seed cancels: the paired interval should stay."
    if np.ptp(shared[1]) <= np.ptp(found[1]):
        return "Luck that both settings share makes Welch's interval wider, as it is not told."
    for end in (0, 1):  # where an interval ends, its test has a p-value of 0.05
        if not np.isclose(stats.ttest_rel(one - found[0, end], other).pvalue, 0.05):
            return (
                "Your paired interval does not end where the paired t-test has p = 0.05. Look at "
                "the standard deviation (n − 1) and at the degrees of freedom."
            )
        welch = stats.ttest_ind(one - found[1, end], other, equal_var=False)
        if not np.isclose(welch.pvalue, 0.05):
            return (
                "Your second interval does not end where Welch's test has p = 0.05. Which degrees "
                "of freedom has it, if the variances differ?"
            )
    return None


def draw(rng):
    n = int(rng.integers(3, 10))
    luck = rng.normal(size=n)
    one, other = rng.normal(size=(2, n)) * rng.uniform(0.3, 2, size=(2, 1))
    return (7 + luck + one).round(2), (6 + luck + other).round(2)


def wrong_normal(one, other):
    """Takes 1.96 standard errors for few seeds as well.

    Say: the standard deviation is estimated from few seeds. Take Student's t in place of 1.96.
    """
    gap, n = np.mean(one) - np.mean(other), len(one)
    half = 1.96 * np.std(one - other, ddof=1) / n**0.5
    half_welch = 1.96 * ((np.var(one, ddof=1) + np.var(other, ddof=1)) / n) ** 0.5
    return (gap - half, gap + half), (gap - half_welch, gap + half_welch)


def wrong_pooled(one, other):
    """Gives Student's interval with 2n − 2 degrees of freedom in place of Welch's.

    Say: with n seeds each, only the degrees of freedom differ. Welch's are fewer where the
    variances are unequal.
    """
    gap, n = np.mean(one) - np.mean(other), len(one)
    spread = ((np.var(one, ddof=1) + np.var(other, ddof=1)) / n) ** 0.5
    half = stats.t.ppf(0.975, 2 * n - 2) * spread
    return both_intervals(one, other)[0], (gap - half, gap + half)


def wrong_divided_by_n(one, other):
    """Takes the standard deviation over n in place of n − 1, NumPy's default.

    Say: the mean was estimated from the same numbers. Pass ddof=1.
    """
    gap, n = np.mean(one) - np.mean(other), len(one)
    half = stats.t.ppf(0.975, n - 1) * np.std(one - other) / n**0.5
    return (gap - half, gap + half), both_intervals(one, other)[1]


def wrong_exchanged(one, other):
    """Has Welch's interval first.

    Say: one of the two should not notice luck that both settings share. Is it the first?
    """
    return both_intervals(one, other)[::-1]
