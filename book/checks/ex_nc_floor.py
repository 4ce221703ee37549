import numpy as np


def least_cosine(lam):
    """The least linear cosine loss, over all outputs, at the target λy + (1 − λ)y′.

    y and y′ are orthonormal label vectors of two classes. lam: an array of ratios from 0 to 1.
    Returns an array like lam.
    """
    return -np.sqrt(lam**2 + (1 - lam) ** 2)


def check(least_cosine):
    lam = (np.arange(2000) + 0.5) / 2000
    found = np.asarray(least_cosine(lam), dtype=float)
    if found.shape != lam.shape or not np.isfinite(found).all():
        return f"lam has the shape {lam.shape} and your result {found.shape}: one number a ratio."
    ends = np.asarray(least_cosine(np.array([0.0, 1.0])), dtype=float)
    if not np.allclose(ends, -1):
        return "At λ = 0 and at λ = 1 the label is whole, and the best output has the loss −1."
    if not np.allclose(found, found[::-1]):
        return "Neither class is better than the other: λ and 1 − λ should give the same number."
    turn = np.linspace(0, np.pi / 2, 2001)
    for k in (400, 1000, 1700):
        reached = (-lam[k] * np.cos(turn) - (1 - lam[k]) * np.sin(turn)).min()
        if found[k] > reached + 1e-5:
            return f"At λ = {lam[k]:.2f} an output between y and y′ has a lower loss than yours."
        if found[k] < reached - 1e-5:
            return f"At λ = {lam[k]:.2f} we found no output with a loss as low as yours."
    if abs(found.mean() + 0.5 * (1 + np.arcsinh(1) / 2**0.5)) > 1e-5:
        return "The mean over uniform λ is not the bound of the exercise."
    return None


def draw(rng):
    return (rng.uniform(0, 1, size=5),)


def wrong_larger_part(lam):
    """Takes the output that names the larger part.

    Say: the unit vector y is a possible output. Is one between y and y′ better?
    """
    return -np.maximum(lam, 1 - lam)


def wrong_square(lam):
    """Puts in the mixed target itself, which has not the length 1.

    Say: the cosine divides by the length of the output. How long is λy + (1 − λ)y′?
    """
    return -(lam**2 + (1 - lam) ** 2)


def wrong_released(lam):
    """Gives the floor of the released cosine, which divides by the target's length.

    Say: the linear cosine does not rescale its target. How long is a mixture of two unit vectors?
    """
    return -np.ones_like(lam)
