import numpy as np


def long_run_loss(rate, curvature, variance):
    """The mean of ``f(w) = ½ h w²`` in the long run of steps along ``h w + ξ``.

    rate: the learning rate η, so that η h is between 0 and 2. curvature: h, positive. variance:
    that of the noise ξ. All three are numbers. Returns a number, the limit of E f(w).
    """
    return rate * variance / (4 - 2 * rate * curvature)


def check(long_run_loss):
    def loss(*case):
        return np.asarray(long_run_loss(*case), dtype=float)

    if loss(0.1, 1.0, 0.5).shape != () or not np.isfinite(loss(0.1, 1.0, 0.5)):
        return "The result should be one number, the mean loss after very many steps."
    if not np.isclose(loss(0.1, 1.0, 0.0), 0):
        return "Without noise w goes to 0, and so does f. What does your formula give?"
    if not np.isclose(loss(0.1, 1.0, 1.5), 3 * loss(0.1, 1.0, 0.5)):
        return "Noise of three times the variance: how does the second moment of w change?"
    if not np.isclose(loss(1.0, 1.0, 1.0), 0.5):
        return "Take η h = 1: each step forgets where it began, and w is −η ξ. What is E f?"
    for rate, curvature, variance in ((0.1, 1.0, 0.5), (0.9, 2.0, 1.0), (0.5, 0.3, 2.0)):
        height = 1.0  # E f, step by step: the mean of all falls of a noise of two values
        for _ in range(3000):
            w = (2 * height / curvature) ** 0.5
            ends = w - rate * (curvature * w + np.array([-1, 1]) * variance**0.5)
            height = (curvature * ends**2 / 2).mean()
        if not np.isclose(loss(rate, curvature, variance), height):
            return (
                f"Followed for 3,000 steps, with η = {rate}, h = {curvature} and a variance of "
                f"{variance}, the mean loss is not yours. Which second moment does a step keep?"
            )
    return None


def draw(rng):
    curvature = rng.uniform(0.2, 3)
    return rng.uniform(0.1, 1.8) / curvature, curvature, rng.uniform(0.2, 2)


def wrong_second_moment(rate, curvature, variance):
    """Gives the mean of w² and not of f.

    Say: your second moment is right. The loss is half of h times it.
    """
    return rate * variance / (curvature * (2 - rate * curvature))


def wrong_small_steps_only(rate, curvature, variance):
    """Drops (η h)² and gets η s²/4, which is right for small steps alone.

    Say: square 1 − η h in full, without leaving out (η h)². At a large rate the loss is higher.
    """
    return rate * variance / 4


def wrong_rate_not_squared(rate, curvature, variance):
    """Adds η s² in each step to the second moment, in place of η² s².

    Say: the noise enters w as η ξ. What is the variance of that?
    """
    return variance / (4 - 2 * rate * curvature)
