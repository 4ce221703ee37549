import itertools

import numpy as np


def curve_distance(rates, curvature, variance, other_variance):
    """How much higher one mean curve is than another after each step, in a bowl ``½ h w²``.

    Both runs begin at one fixed w, and take steps along h w + ξ with independent noises ξ of
    mean 0. rates: an array, the learning rate of each step. curvature: h, positive. variance:
    that of the first run's ξ. other_variance: that of the second run's. Returns an array like
    rates: E f of the second run less E f of the first, after each step.
    """
    distance, found = 0.0, []
    for rate in rates:
        distance = (1 - rate * curvature) ** 2 * distance
        distance += curvature / 2 * rate**2 * (other_variance - variance)
        found.append(distance)
    return np.array(found)


def check(curve_distance):
    rates = np.array([0.5, 0.5, 0.5, 0.5, 0.05, 0.05, 0.05])
    found = np.asarray(curve_distance(rates, 1.5, 0.4, 1.2), dtype=float)
    if found.shape != rates.shape:
        return f"There are {len(rates)} steps: the result should be an array, one number a step."
    if not np.allclose(curve_distance(rates, 1.5, 0.7, 0.7), 0):
        return "Two runs with noise of one variance have one mean curve: their distance is 0."
    if not np.allclose(curve_distance(rates, 1.5, 1.2, 0.4), -found):
        return "Exchange the two runs: the distance should change its sign, and no more."

    def height(steps, s2):  # the mean over all falls of a noise of two values, from w = 0.8
        signs = np.array(list(itertools.product([-1, 1], repeat=steps)))
        w = np.full(len(signs), 0.8)
        for rate, sign in zip(rates, signs.T, strict=False):
            w = w - rate * (1.5 * w + s2**0.5 * sign)
        return (0.75 * w**2).mean()

    for k in range(len(rates)):
        if not np.isclose(found[k], height(k + 1, 1.2) - height(k + 1, 0.4)):
            if k == 0:
                return "The first step is wrong already: how far does η ξ spread w, and how high?"
            if k < 4:
                return f"Step {k + 1} is wrong: which share of the old distance does it leave?"
            return "It is right until the rate drops. Does the old distance vanish at once?"
    return None


def draw(rng):
    curvature = rng.uniform(0.2, 2)
    rates = np.repeat(rng.uniform(0.05, 0.9, size=3), 4)
    return rates, curvature, *rng.uniform(0.1, 2, size=2)


def wrong_long_run_at_once(rates, curvature, variance, other_variance):
    """Takes the long run's distance at each step's rate, as if it were reached at once.

    Say: the long run comes after many steps. Follow the second moments step by step.
    """
    rates = np.asarray(rates)
    return rates * (other_variance - variance) / (4 - 2 * rates * curvature)


def wrong_factor_not_squared(rates, curvature, variance, other_variance):
    """Multiplies the old distance by 1 − η h, as the mean of w, and not by its square.

    Say: 1 − η h is the factor of w. The height is a multiple of w².
    """
    distance, found = 0.0, []
    for rate in rates:
        distance = (1 - rate * curvature) * distance
        distance += curvature / 2 * rate**2 * (other_variance - variance)
        found.append(distance)
    return np.array(found)


def wrong_second_moments(rates, curvature, variance, other_variance):
    """Gives the distance of the means of w² in place of the heights.

    Say: the recursion is right. Multiply by h/2 to get from w² to the height.
    """
    return curve_distance(rates, curvature, variance, other_variance) * 2 / curvature


def wrong_old_forgotten(rates, curvature, variance, other_variance):
    """Gives each step's own cost, and forgets what earlier steps have added.

    Say: after a step a part of the old distance is still there. Which part?
    """
    return curvature / 2 * np.asarray(rates) ** 2 * (other_variance - variance)
