import numpy as np


def chance_of_near(near, far):
    """How often a DAT policy with two moves takes the shorter one, if its moments are tied.

    The share 1 − μ of the way is either near or far. near: a number strictly between 0 and ½. far:
    a number strictly between ½ and 1. Returns the probability of near for which m₂ = m₁/2, as for
    MixUp.
    """
    low, high = near / 2 - near**2, far**2 - far / 2
    return high / (low + high)


def check(chance_of_near):
    for near, far in ((0.1, 0.9), (0.25, 0.6), (0.4, 0.55)):
        often = np.asarray(chance_of_near(near, far), dtype=float)
        if often.shape != ():
            return f"One probability is asked for, and the result has the shape {often.shape}."
        moves = f"With the moves {near} and {far}"
        if not 0 <= often <= 1:
            return f"{moves} yours is no probability: {often:.3f}."
        shares, chances = np.array([near, far]), np.array([often, 1 - often])
        m1, m2 = chances @ shares, chances @ shares**2
        if not np.isclose(m2, m1 / 2):
            return (
                f"{moves} your policy has m₁ = {m1:.3f} and m₂ = {m2:.3f}, which is not its half."
            )
    return None


def draw(rng):
    return rng.uniform(0.02, 0.48), rng.uniform(0.52, 0.98)


def wrong_of_far(near, far):
    """Gives the probability of the longer move.

    Say: You solved the right equation. Which of the two moves has the probability that you return?
    """
    low, high = near / 2 - near**2, far**2 - far / 2
    return low / (low + high)


def wrong_as_for_mixup(near, far):
    """Takes the probability 1 − near, which is right for far = 1 − near alone.

    Say: At a fixed ratio MixUp's two moves are t and 1 − t. Here far is another number.
    """
    return 1 - near + 0 * far


def wrong_mean_is_half(near, far):
    """Makes the mean move ½: takes the square of the mean for the mean square in the tie.

    Say: m₂ is the mean of the squares, each weighed by its probability. It is not m₁².
    """
    return (far - 0.5) / (far - near)
