import numpy as np


def holm(p):
    """The p-values of several comparisons, corrected by Holm's method.

    p: an array of p-values, in any order. Returns an array like p, each corrected p-value at the
    place of its p; none is above 1.
    """
    p = np.asarray(p, dtype=float)
    order = p.argsort()
    corrected = np.empty_like(p)
    corrected[order] = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    return np.minimum(corrected, 1)


def check(holm):
    p = np.array([0.4, 0.011, 0.04, 0.012, 0.6])
    found = np.asarray(holm(p.copy()), dtype=float)
    if found.shape != p.shape:
        return f"There are {len(p)} p-values, and there should be as many corrected ones."
    if not np.allclose(holm(np.array([0.03])), 0.03):
        return "A single comparison needs no correction."
    if found.max() > 1:
        return "A corrected p-value is a probability, too: it is never above 1."
    if not np.all(found >= p - 1e-12):
        return "A correction never lowers a p-value. Does each stand at the place of its p?"
    if not np.allclose(np.asarray(holm(p[::-1].copy()), dtype=float)[::-1], found):
        return "Turn the order of the p-values round: each should keep its corrected value."
    if not np.all(np.diff(found[p.argsort()]) >= -1e-12):
        return "Of two p-values the larger one has a smaller corrected value. What does Holm raise?"
    for level in (0.001, 0.05, 0.056, 0.1, 0.13, 0.5, 0.9):
        rejected = 0  # go up from the smallest p, and stop at the first that is too large
        for k, value in enumerate(np.sort(p)):
            if value > level / (len(p) - k):
                break
            rejected += 1
        if (found <= level).sum() != rejected:
            return (
                f"At the level {level}, going up from the smallest p, Holm's method calls "
                f"{rejected} of {len(p)} significant, and your values {(found <= level).sum()}."
            )
    return None


def draw(rng):
    return ((rng.uniform(size=int(rng.integers(4, 8))) ** 3).round(4),)


def wrong_bonferroni(p):
    """Multiplies each p by the number of comparisons.

    Say: that is Bonferroni's correction. In Holm's only the smallest p has the full number.
    """
    return np.minimum(len(p) * np.asarray(p), 1)


def wrong_not_raised(p):
    """Does not raise a corrected p that is below an earlier one.

    Say: a larger p must not come out more significant than a smaller one. Take the running maximum.
    """
    p = np.asarray(p)
    return np.minimum(p * (len(p) - p.argsort().argsort()), 1)


def wrong_sorted(p):
    """Gives the corrected values in the order of size, not at their places.

    Say: the numbers are right; whose are they? Put each back where its p stood.
    """
    return np.sort(holm(p))


def wrong_from_above(p):
    """Goes down from the largest p, as Hochberg's method does.

    Say: Holm goes up from the smallest p and stops at the first that fails. Going down calls more
    significant, and not whatever the dependence.
    """
    p = np.asarray(p)
    order = p.argsort()
    corrected = np.empty_like(p)
    steps = (p[order] * np.arange(len(p), 0, -1))[::-1]
    corrected[order] = np.minimum.accumulate(steps)[::-1]
    return np.minimum(corrected, 1)
