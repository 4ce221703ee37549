import numpy as np


def optimism_of_uniform(k, c):
    """The optimism of the best of k equal settings, with uniform noise.

    k: the number of settings, at least 1. c: the noises are independent and uniform from −c to
    c. Returns the optimism ω, a number.
    """
    return c * (k - 1) / (k + 1)


def check(optimism_of_uniform):
    def optimism(*case):
        return np.asarray(optimism_of_uniform(*case), dtype=float)

    if optimism(3, 1.0).shape != () or not np.isfinite(optimism(3, 1.0)):
        return "The result should be one number."
    if not np.isclose(optimism(1, 1.0), 0):
        return "With a single setting nothing is chosen, and its estimate is right on average."
    if optimism(3, 1.0) < 0:
        return "The winner looks better than it is, so that ω is not negative."
    if not np.isclose(optimism(3, 2.0), 2 * optimism(3, 1.0)):
        return "Twice the noise makes twice the optimism."
    if not optimism(1000, 1.0) <= 1:
        return "No noise is above c, so the optimism is not either."
    lowest = np.random.default_rng(0).uniform(-1, 1, size=(40_000, 12))
    for k in (2, 3, 12):
        simulated = -lowest[:, :k].min(axis=1).mean()
        if abs(optimism(k, 1.0) - simulated) > 0.015:
            return (
                f"Simulated with c = 1, the best of {k} has an optimism of about {simulated:.2f}, "
                f"and yours is {optimism(k, 1.0):.2f}."
            )
    return None


def draw(rng):
    return int(rng.integers(2, 40)), rng.uniform(0.1, 3)


def wrong_from_zero(k, c):
    """Takes the largest of k uniforms on [0, c].

    Say: the noise goes from −c to c, an interval of length 2c that begins at −c.
    """
    return c * k / (k + 1)


def wrong_not_shifted(k, c):
    """Stretches the largest of uniforms on [0, 1] to the length 2c, and forgets to move it by −c.

    Say: the length is right. Where does the interval begin?
    """
    return 2 * c * k / (k + 1)


def wrong_normal_bound(k, c):
    """Takes the bound τ √(2 log k) for normal noise, with the variance c²/3.

    Say: that is a bound, and for another law. Here the mean of the largest can be worked out.
    """
    return c / 3**0.5 * np.sqrt(2 * np.log(k))
