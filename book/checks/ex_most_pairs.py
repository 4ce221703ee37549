import numpy as np


def between_two(t):
    """The share of pairs that join two classes, if there are two classes.

    t: the share of the one class among all samples, from 0 to 1, or an array of such shares; the
    other class has 1 − t. The two samples of a pair are drawn independently. Returns b for each t.
    """
    return 2 * t * (1 - t)


def check(between_two):
    t = np.linspace(0, 1, 101)
    b = np.asarray(between_two(t), dtype=float)
    if b.shape != t.shape:
        return f"t has the shape {t.shape} and the result {b.shape}: one share for each t."
    if not np.allclose(b[[0, -1]], 0):
        return "If all samples are of one class, no pair joins two classes: try t = 0 and t = 1."
    if not np.allclose(b, b[::-1]):
        return "Which of the two classes is called the first makes no difference: try t and 1 − t."
    second = np.random.default_rng(0).random((2, 200_000)) < 0.3
    counted = np.mean(second[0] != second[1])
    if abs(between_two(0.3) - counted) > 0.01:
        return (
            f"With t = 0.3 we counted {counted:.2f} of 200,000 pairs, not {between_two(0.3):.2f}."
        )
    return None


def draw(rng):
    return (rng.uniform(0, 1, size=5),)


def wrong_one_order(t):
    """Counts one order only, the first class first.

    Say: The first sample may be of either class. Which two events make up "two classes"?
    """
    return t * (1 - t)


def wrong_same_class(t):
    """Takes the share of pairs inside a class.

    Say: That is the chance that both samples are of one class. b is the chance that they are not.
    """
    return t**2 + (1 - t) ** 2


def wrong_at_equal_sizes(t):
    """Takes the largest value, 1 − 1/2, for classes of any sizes.

    Say: 1 − 1/C is reached only by classes of one size. What happens when one class is tiny?
    """
    return 0.5 + 0 * t
