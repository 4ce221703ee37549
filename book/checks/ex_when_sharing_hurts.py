import numpy as np


def cost_of_sharing(c, v, n):
    """What sharing the seeds adds to the variance of the difference of two settings' means.

    c: the correlation of the two errors at one seed, from −1 to 1. v: the variance of each
    error. n: the number of seeds of each setting. Returns the variance with shared seeds less
    that with separate seeds, a number: positive where sharing hurts, negative where it helps.
    """
    return -2 * v * c / n


def check(cost_of_sharing):
    def cost(*case):
        return np.asarray(cost_of_sharing(*case), dtype=float)

    if cost(0.5, 1.0, 4).shape != () or not np.isfinite(cost(0.5, 1.0, 4)):
        return "The result should be one number."
    if not np.isclose(cost(0.0, 1.0, 4), 0):
        return "Errors that are not correlated share nothing: sharing the seeds changes nothing."
    if not np.isclose(cost(1.0, 1.0, 1), -2):
        return "If c = 1, a shared seed leaves no variance at all. How much was there?"
    if not np.isclose(cost(0.5, 1.0, 8), cost(0.5, 1.0, 4) / 2):
        return "With twice the seeds every variance here is halved, and so is the cost."
    normal = np.random.default_rng(0).normal(size=(3, 60_000))
    for c in (-0.7, 0.4):
        other = c * normal[0] + (1 - c**2) ** 0.5 * normal[1]
        shared, separate = (
            (normal[0] - x).reshape(-1, 3).mean(1).var() for x in (other, normal[2])
        )
        if abs(cost(c, 1.0, 3) - (shared - separate)) > 0.04:
            return (
                f"Simulated with v = 1, c = {c} and three seeds, the variance changes by "
                f"{shared - separate:+.2f}, and you say {cost(c, 1.0, 3):+.2f}."
            )
    return None


def draw(rng):
    return rng.uniform(-0.9, 0.9), rng.uniform(0.2, 3), int(rng.integers(2, 30))


def wrong_saving(c, v, n):
    """Gives the saving, with the other sign.

    Say: that is by how much sharing lowers the variance. Asked is the cost, positive where it
    hurts.
    """
    return 2 * v * c / n


def wrong_covariance_once(c, v, n):
    """Has the covariance only once in the variance of a difference.

    Say: Var(X − Y) = Var X + Var Y − 2 Cov(X, Y).
    """
    return -v * c / n


def wrong_shared_variance(c, v, n):
    """Gives the variance with shared seeds and does not subtract the other.

    Say: what would it be with separate seeds? Subtract that.
    """
    return 2 * v * (1 - c) / n
