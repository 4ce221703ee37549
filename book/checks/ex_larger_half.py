import itertools

import numpy as np


def fall_of_s(u, u2):
    """By how much S, the term that falls, falls when λ is replaced by ``max(λ, 1 − λ)``.

    u, u2: arrays of the shape (n, d), a row for each of n samples that are equally likely: the
    parts u(a) and u′(a) of the mean gradient with max(λ, 1 − λ), as the chapter on noise splits
    it. The columns of both have the mean 0. Returns a number, at least 0: S with λ less S with
    max(λ, 1 − λ).
    """
    return 0.5 * np.square(u - u2).sum(axis=1).mean()


def check(fall_of_s):
    rng = np.random.default_rng(0)
    u, u2 = rng.normal(size=(2, 4, 3))
    u, u2 = u - u.mean(axis=0), u2 - u2.mean(axis=0)
    found = np.asarray(fall_of_s(u, u2), dtype=float)
    if found.shape != () or not np.isfinite(found):
        return "The result should be one number."
    if not np.isclose(fall_of_s(u, u), 0):
        return "If u and u′ are equal, turning a pair round changes nothing: nothing falls."
    if found < 0:
        return "S can only fall, and your number is negative."
    if not np.isclose(fall_of_s(u2, u), found):
        return "Exchange u and u′: that names the two samples the other way, and S does not mind."
    if np.isclose(fall_of_s(np.repeat(u, 2, axis=1), np.repeat(u2, 2, axis=1)), found):
        return "A vector's square is the sum over its components, and not their mean."
    # Batches of three by roll: every choice of the samples, and every way to turn the pairs.
    pairs = u[:, None] + u2[None]  # the mean gradient of each pair, less the mean of all
    scaled = []
    for turns in (itertools.product((0, 1), repeat=3), [(0, 0, 0)]):
        means = []
        for turn, batch in itertools.product(turns, itertools.product(range(4), repeat=3)):
            both = [(batch[k], batch[(k + 1) % 3]) for k in range(3)]
            means.append(np.mean([pairs[both[k][:: 1 - 2 * turn[k]]] for k in range(3)], axis=0))
        scaled.append(3 * np.square(means).sum(axis=1).mean())
    if not np.isclose(found, scaled[0] - scaled[1]):
        return (
            "In all batches of three by roll, three times the variance falls by another number "
            "than yours. Write u of the mean over λ by the two u's of the larger half."
        )
    return None


def draw(rng):
    u, u2 = rng.normal(size=(2, 5, 2)).round(2)
    return u - u.mean(axis=0), u2 - u2.mean(axis=0)


def wrong_square_of_difference(u, u2):
    """Forgets the factor ½.

    Say: with λ the part of a sample is ½(u + u′), and S has a factor 2. Multiply it out.
    """
    return np.square(u - u2).sum(axis=1).mean()


def wrong_quarter(u, u2):
    """Forgets the factor 2 in S, and gives the fall of E⟨u, u′⟩.

    Say: you have ⟨u, u′⟩ right. S is twice its mean.
    """
    return 0.25 * np.square(u - u2).sum(axis=1).mean()


def wrong_s_itself(u, u2):
    """Gives S for the larger half in place of its fall.

    Say: this is what is left of S. What was it before, with u and u′ equal to ½(u + u′)?
    """
    return 2 * (u * u2).sum(axis=1).mean()
