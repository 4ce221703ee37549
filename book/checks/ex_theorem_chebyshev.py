import numpy as np


def pairs_of_two_bounds(v, widths, epsilon, probability):
    """How many pairs Chebyshev's inequality needs, and how many the bound of Theorem 1.

    v: the sum of the three variances. widths: the three numbers δ_U, δ_D and δ_G. Either bound, for
    a distance of epsilon or more, should be at most probability. Returns two numbers, first
    Chebyshev's, rounded up or not.
    """
    squares = sum(width**2 for width in widths)
    return v / (probability * epsilon**2), squares * np.log(2 / probability) / (2 * epsilon**2)


def agree(got, wanted):
    try:
        got = np.asarray(got, dtype=float)
    except (TypeError, ValueError):
        return False
    return got.shape == (2,) and bool(np.all(np.abs(got - wanted) <= 1 + 1e-6 * np.array(wanted)))


def check(pairs_of_two_bounds):
    v, widths, epsilon = 0.8, (1.0, 2.0, 2.0), 0.05
    for probability in (0.2, 1e-4):
        found = np.asarray(pairs_of_two_bounds(v, widths, epsilon, probability), dtype=float)
        if found.shape != (2,) or not np.isfinite(found).all() or found.min() <= 0:
            return "The result should be two numbers of pairs."
        bounds = v / found[0] / epsilon**2, 2 * np.exp(-2 * found[1] * epsilon**2 / 9)
        for name, n, bound in zip(("Chebyshev's", "the exponential"), found, bounds, strict=True):
            if not 0.99 * probability < bound <= probability * (1 + 1e-9):
                return (
                    f"I put your {n:,.0f} pairs into {name} bound, with v = {v}, the widths 1, 2, "
                    f"2 and ε = {epsilon}: it is {bound:.3g} then, and should be {probability:g}."
                )
    return None


def draw(rng):
    widths = tuple(rng.uniform(1, 8, size=3))
    return rng.uniform(0.5, 3), widths, rng.uniform(0.02, 0.2), 10 ** rng.uniform(-6, -1)


def wrong_one_side(v, widths, epsilon, probability):
    """Leaves out the factor 2 of the exponential bound, which has two sides.

    Say: Set the whole bound, with the 2 before the exponential, equal to the probability.
    """
    squares = sum(width**2 for width in widths)
    return v / (probability * epsilon**2), squares * np.log(1 / probability) / (2 * epsilon**2)


def wrong_sum_squared(v, widths, epsilon, probability):
    """Squares the sum of the widths.

    Say: Look at the denominator of the bound: is it the square of a sum, or a sum of squares?
    """
    square = sum(widths) ** 2
    return v / (probability * epsilon**2), square * np.log(2 / probability) / (2 * epsilon**2)


def wrong_not_squared(v, widths, epsilon, probability):
    """Divides by ε and not by its square.

    Say: What is the variance of the mean of n terms, and what does Chebyshev divide it by?
    """
    squares = sum(width**2 for width in widths)
    return v / (probability * epsilon), squares * np.log(2 / probability) / (2 * epsilon)
