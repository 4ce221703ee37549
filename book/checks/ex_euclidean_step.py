import numpy as np


def worst_and_chance(g, eps):
    """What a step of length ε gains at the most, and what chance typically gains.

    The loss is linear, with the gradient g, an array of d numbers; eps: the radius of the
    Euclidean ball. Returns two numbers: the largest gain in the ball, and the standard deviation
    of the gain of a move of length ε in a direction that is uniform on the sphere.
    """
    length = np.linalg.norm(g)
    return eps * length, eps * length / len(g) ** 0.5


def check(worst_and_chance):
    g, eps = np.array([3.0, -2.0, 1.0, 0.5, -0.5, 4.0]), 0.3
    both = np.asarray(worst_and_chance(g, eps), dtype=float)
    if both.shape != (2,):
        return f"Two numbers are asked for, and the result has the shape {both.shape}."
    worst, chance = both
    moves = np.random.default_rng(0).normal(size=(200_000, 6))
    gains = eps * moves @ g / np.linalg.norm(moves, axis=1)
    if worst < gains.max():
        return f"One of 200,000 moves of length ε gained {gains.max():.3f}, more than your largest."
    if not np.allclose(worst_and_chance(np.array([-5.0, 0, 0, 0]), 0.1)[0], 0.5):
        return (
            "If one pixel alone counts, the worst move changes it by ±ε: 0.5 for g = (−5, 0, 0, 0)."
        )
    if worst > 1.1 * gains.max():
        return (
            "Your largest gain is out of reach: ‖δ‖ ≤ ε holds for the whole move, not for a pixel."
        )
    if abs(chance - gains.std()) > 0.02 * gains.std():
        return (
            f"200,000 random directions have gains of standard deviation {gains.std():.3f}, and "
            f"not {chance:.3f}. The squares of the cosines to d orthogonal directions add up to 1."
        )
    return None


def draw(rng):
    return rng.normal(size=int(rng.integers(3, 30))), rng.uniform(0.05, 1)


def wrong_box(g, eps):
    """Gives the largest gain in the box, ε times the sum of |g|.

    Say: In the ball the whole move has the length ε. Which inequality bounds g·δ by two lengths?
    """
    return eps * np.abs(g).sum(), eps * np.linalg.norm(g) / len(g) ** 0.5


def wrong_random_corner(g, eps):
    """Takes the standard deviation of a random corner, whose length is ε√d.

    Say: A corner of the box is √d times as long as ε. Here the random move has the length ε.
    """
    return eps * np.linalg.norm(g), eps * np.linalg.norm(g)


def wrong_variance(g, eps):
    """Gives the variance of the gain, not its standard deviation.

    Say: The variance is a square, in units of squared loss. Take its root.
    """
    length = eps * np.linalg.norm(g)
    return length, length**2 / len(g)
