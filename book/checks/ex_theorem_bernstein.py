import numpy as np


def pairs_by_bernstein(v, m, epsilon, probability):
    """How many pairs Bernstein's inequality needs.

    v: the variance of Z, the difference of the two losses of a pair. m: no |Z| is larger. The
    bound, for a mean difference of epsilon or more, should be at most probability. Returns a
    number, rounded up or not.
    """
    return np.log(2 / probability) * (2 * v + 2 * m * epsilon / 3) / epsilon**2


def agree(got, wanted):
    try:
        got = np.asarray(got, dtype=float)
    except (TypeError, ValueError):
        return False
    return got.shape == () and abs(float(got) - wanted) <= 1 + 1e-6 * wanted


def check(pairs_by_bernstein):
    for v, m, epsilon, probability in ((0.5, 2.0, 0.05, 0.1), (0.01, 5.0, 0.1, 1e-5)):
        n = np.asarray(pairs_by_bernstein(v, m, epsilon, probability), dtype=float)
        if n.shape != () or not np.isfinite(n):
            return "The number of pairs should be one number."
        bound = 2 * np.exp(-n * epsilon**2 / (2 * v + 2 / 3 * m * epsilon))
        if not 0.98 * probability < bound <= probability * (1 + 1e-9):
            return (
                f"I put your {float(n):,.0f} pairs into Bernstein's bound, with v = {v}, m = {m} "
                f"and ε = {epsilon}: it is {bound:.3g} then, and should be {probability:g}."
            )
    return None


def draw(rng):
    m = rng.uniform(2, 10)
    return m * rng.uniform(0.05, 0.5), m, rng.uniform(0.02, 0.3), 10 ** rng.uniform(-6, -1)


def wrong_one_side(v, m, epsilon, probability):
    """Leaves out the factor 2 before the exponential.

    Say: The bound has two sides. Set all of it, with its factor 2, equal to the probability.
    """
    return np.log(1 / probability) * (2 * v + 2 * m * epsilon / 3) / epsilon**2


def wrong_without_epsilon(v, m, epsilon, probability):
    """Leaves out the ε beside m.

    Say: With a small ε the variance alone should count. Which term of the denominator gets small?
    """
    return np.log(2 / probability) * (2 * v + 2 * m / 3) / epsilon**2


def wrong_variance_alone(v, m, epsilon, probability):
    """Leaves out the term with m, as if Z were normal.

    Say: Then your n is right in the limit of small ε only. What pays for values as large as m?
    """
    return np.log(2 / probability) * 2 * v / epsilon**2
