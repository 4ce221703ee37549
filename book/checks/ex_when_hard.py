import numpy as np
from scipy import stats


def count_cells(one, other):
    """In how many cells one setting is significantly better than another, and in how many worse.

    one, other: the test errors of the two settings, arrays of the shape (cells, seeds). In each
    cell the runs are compared seed by seed by Student's t-test; the p-values of all cells are
    corrected by Holm's method, and significant is what is below 0.05 then. Returns two whole
    numbers: in how many cells `one` has significantly lower errors, and significantly higher ones.
    """
    gaps = one - other
    p, mean = stats.ttest_1samp(gaps, 0, axis=1).pvalue, gaps.mean(axis=1)
    order = p.argsort()
    kept = np.logical_and.accumulate(p[order] * np.arange(len(p), 0, -1) < 0.05)
    significant = mean[order[kept]]
    return int((significant < 0).sum()), int((significant > 0).sum())


def check(count_cells):
    rng = np.random.default_rng(0)
    seeds = 10

    def says(p_values, luck):
        """The answer for cells in which the paired test has these p; below 0: `one` is lower."""
        noise = rng.normal(size=(len(p_values), seeds))
        noise -= noise.mean(axis=1, keepdims=True)
        noise /= noise.std(axis=1, ddof=1, keepdims=True)
        mean = np.sign(p_values) * stats.t.isf(np.abs(p_values) / 2, seeds - 1) / seeds**0.5
        other = 10 + luck * rng.normal(size=noise.shape)
        return count_cells(other + noise + mean[:, None], other)

    sure = np.array([-1e-6, -1e-6, 1e-6, 0.9, -0.8])
    found = says(sure, luck=0.1)
    if np.shape(found) != (2,):
        return "The result should be two whole numbers: cells that are better, and worse."
    if tuple(found) == (1, 2):
        return "Better and worse are exchanged: a lower error is better."
    if tuple(found) != (2, 1):
        return (
            "Five cells of ten seeds: in two of them `one` is clearly better, in one clearly worse,"
            f" and two are chance. You count {found[0]} better and {found[1]} worse."
        )
    if tuple(says(sure, luck=20)) != (2, 1):
        return (
            "Luck that both settings share from seed to seed changes your count. Subtract the "
            "errors of each seed before you test."
        )
    if sum(says(np.array([0.03, -0.04, 0.6, 0.7, -0.9]), luck=1)):
        return "Five cells, and the smallest p is 0.03: corrected, nothing is significant."
    if tuple(says(np.array([-0.001, 0.012, -0.016, -0.03, 0.6]), luck=1)) != (2, 1):
        return "Of the p-values 0.001, 0.012, 0.016, 0.03 and 0.6, which does Holm's method keep?"
    if tuple(says(np.array([0.001, -0.0126, 0.014, 0.6, -0.9]), luck=1)) != (0, 1):
        return (
            "Of the p-values 0.001, 0.0126, 0.014, 0.6 and 0.9 Holm's method keeps the first alone."
            " What does it do after a p-value that it does not keep?"
        )
    return None


def draw(rng):
    shape = 15, 20
    luck, effect = rng.normal(size=shape), rng.normal(size=(15, 1))
    one, other = 0.8 * rng.normal(size=(2, *shape))
    return (10 + luck + one + effect).round(2), (10 + luck + other).round(2)


def wrong_not_corrected(one, other):
    """Counts what is below 0.05 before the correction.

    Say: fifteen questions are asked at once. Correct the p-values of all cells together.
    """
    gaps = one - other
    p, mean = stats.ttest_1samp(gaps, 0, axis=1).pvalue, gaps.mean(axis=1)
    return ((p < 0.05) & (mean < 0)).sum(), ((p < 0.05) & (mean > 0)).sum()


def wrong_bonferroni(one, other):
    """Multiplies every p-value by the number of cells, as Bonferroni does.

    Say: that is safe, and misses some. Holm multiplies the smallest p by the number of cells, the
    next by one less, and so on.
    """
    gaps = one - other
    p, mean = len(gaps) * stats.ttest_1samp(gaps, 0, axis=1).pvalue, gaps.mean(axis=1)
    return ((p < 0.05) & (mean < 0)).sum(), ((p < 0.05) & (mean > 0)).sum()


def wrong_does_not_stop(one, other):
    """Multiplies as Holm does, and goes on after a p-value that is not kept.

    Say: a corrected p-value is never smaller than the one before it. After the first that is not
    below 0.05, no other is kept.
    """
    gaps = one - other
    p, mean = stats.ttest_1samp(gaps, 0, axis=1).pvalue, gaps.mean(axis=1)
    order = p.argsort()
    significant = mean[order[p[order] * np.arange(len(p), 0, -1) < 0.05]]
    return (significant < 0).sum(), (significant > 0).sum()


def wrong_unpaired(one, other):
    """Takes the two settings' errors for independent samples.

    Say: both runs of a seed share images, first weights and pairs. Subtract seed by seed.
    """
    p = stats.ttest_ind(one, other, axis=1, equal_var=False).pvalue
    order = p.argsort()
    kept = np.logical_and.accumulate(p[order] * np.arange(len(p), 0, -1) < 0.05)
    significant = (one - other).mean(axis=1)[order[kept]]
    return (significant < 0).sum(), (significant > 0).sum()


def wrong_better_is_higher(one, other):
    """Counts a higher error as better.

    Say: these are errors, and the first number is of the cells in which `one` has fewer.
    """
    return count_cells(one, other)[::-1]
