import numpy as np


def sign_cosine(g):
    """The cosine between each gradient and its sign.

    g: an array (n, d) of gradients, no entry of which is 0. Returns n numbers.
    """
    return np.abs(g).sum(axis=1) / (g.shape[1] ** 0.5 * np.linalg.norm(g, axis=1))


def check(sign_cosine):
    g = np.random.default_rng(0).normal(size=(40, 16))
    cosine = np.asarray(sign_cosine(g), dtype=float)
    if cosine.shape != (40,):
        return f"For 40 gradients the result has the shape {cosine.shape}: one cosine for each."
    if not np.allclose(sign_cosine(10 * g), cosine):
        return "A cosine does not change when the gradient is made ten times as long; yours does."
    if not np.allclose(sign_cosine(np.array([[2.0, -2.0, 2.0, 2.0]])), 1):
        return "If all entries have one size, the sign points along the gradient: the cosine is 1."
    one_rules = np.array([[1.0, 1e-9, -1e-9, 1e-9]])
    if not np.allclose(sign_cosine(one_rules), 0.5, atol=1e-6):
        return "If one entry of four is much larger than the rest, the cosine is near 1/√4."
    if cosine.min() < 0.25 or cosine.max() > 1:
        return "In 16 dimensions the cosine lies between 1/√16 and 1, and yours does not."
    return None


def draw(rng):
    return (rng.normal(size=(5, int(rng.integers(3, 40)))),)


def wrong_sign_not_unit(g):
    """Divides by the length of g, and not by that of its sign.

    Say: A cosine divides by both lengths. How long is a vector of d entries ±1?
    """
    return np.abs(g).sum(axis=1) / np.linalg.norm(g, axis=1)


def wrong_d_for_root_d(g):
    """Takes the mean of |g| over the length of g, and so divides by d and not by √d.

    Say: The length of the sign vector is the root of the sum of its d squares.
    """
    return np.abs(g).mean(axis=1) / np.linalg.norm(g, axis=1)


def wrong_whole_batch(g):
    """Takes one cosine for the whole batch.

    Say: Each sample has a gradient of its own. Over which axis do you sum?
    """
    return np.abs(g).sum() / (g.size**0.5 * np.linalg.norm(g))


def wrong_squared(g):
    """Gives the square of the cosine.

    Say: Where all entries are alike the square is right too. Try one entry that rules the others.
    """
    return np.abs(g).sum(axis=1) ** 2 / (g.shape[1] * np.sum(g**2, axis=1))
