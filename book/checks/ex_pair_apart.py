import numpy as np


def draw_apart(labels, many, seed):
    """Independent pairs of samples, never two of one class, that are exchangeable.

    labels: the class of each sample, an array of whole numbers with at least two classes. many:
    how many pairs. seed: of the random numbers. Returns two arrays of length many, the places of
    the first and of the second samples in labels. Each two samples of different classes may
    meet, and one is the first of the two as often as the other.
    """
    rng = np.random.default_rng(seed)
    labels = np.asarray(labels)
    first, second = rng.integers(len(labels), size=(2, many))
    while (same := labels[first] == labels[second]).any():
        first[same], second[same] = rng.integers(len(labels), size=(2, same.sum()))
    return first, second


def counted(pairs):
    """How often each ordered pair of places comes up, in a square; None if there are no pairs."""
    try:
        first, second = (np.asarray(places, dtype=int) for places in pairs)
    except (TypeError, ValueError):
        return None
    if first.ndim != 1 or first.shape != second.shape or min(*first, *second) < 0:
        return None
    size = max(*first, *second) + 1
    return np.bincount(first * size + second, minlength=size * size).reshape(size, size)


def lopsided(counts):
    """Is a pair more often in one order than chance would have it?"""
    both = counts + counts.T
    return (np.abs(counts - counts.T) > 6 * np.sqrt(both)).any()


def check(draw_apart):
    labels = np.array([0, 0, 0, 0, 1, 1, 2])
    counts = counted(draw_apart(labels.copy(), 20_000, 0))
    if counts is None or counts.sum() != 20_000 or len(counts) != len(labels):
        return "The result should be two arrays of `many` places in labels, from 0 on."
    apart = labels[:, None] != labels
    if counts[~apart].any():
        return f"{counts[~apart].sum()} pairs of 20,000 have two samples of one class."
    if not (counts[apart] > 0).all():
        i, j = np.argwhere(apart & (counts == 0))[0]
        return f"The samples {i} and {j} are of different classes, and never meet in this order."
    if lopsided(counts):
        return (
            "With four samples of class 0, two of class 1 and one of class 2, some pairs are more "
            "often in one order than in the other. So Q is not exchangeable."
        )
    if np.array_equal(counts, counted(draw_apart(labels.copy(), 20_000, 1))):
        return "Another seed should give other pairs."
    return None


def draw(rng):
    return rng.permutation([0, 0, 0, 0, 1, 1, 2]), 20_000, int(rng.integers(1000))


def agree(got, wanted):
    got, wanted = counted(got), counted(wanted)
    if got is None or got.shape != wanted.shape or got.sum() != wanted.sum():
        return False
    return np.array_equal(got > 0, wanted > 0) and not lopsided(got)


def wrong_partner_of_the_rest(labels, many, seed):
    """Draws the first sample evenly, and then its partner evenly from the other classes.

    Say: that is apart, and exchangeable only if the classes are equally large. How likely is a
    given pair, and how likely its mirror? Count the partners that each of the two may have.
    """
    rng = np.random.default_rng(seed)
    first = rng.integers(len(labels), size=many)
    second = rng.integers(len(labels), size=many)
    while (same := labels[first] == labels[second]).any():
        second[same] = rng.integers(len(labels), size=same.sum())
    return first, second


def wrong_drawn_again_once(labels, many, seed):
    """Draws pairs of one class again only once, so that some are left.

    Say: the second draw may be of one class as well. Go on until none is left.
    """
    rng = np.random.default_rng(seed)
    first, second = rng.integers(len(labels), size=(2, many))
    same = labels[first] == labels[second]
    first[same], second[same] = rng.integers(len(labels), size=(2, same.sum()))
    return first, second


def wrong_different_samples(labels, many, seed):
    """Sees to it that the two samples differ, and not their classes.

    Say: compare the labels of the two places, and not the places.
    """
    rng = np.random.default_rng(seed)
    first = rng.integers(len(labels), size=many)
    return first, (first + rng.integers(1, len(labels), size=many)) % len(labels)


def wrong_lower_class_first(labels, many, seed):
    """Has the lower class always first.

    Say: each pair should come up in both orders. Did a loop over classes a < b draw them?
    """
    first, second = draw_apart(labels, many, seed)
    turned = labels[first] > labels[second]
    return np.where(turned, second, first), np.where(turned, first, second)
