import numpy as np


def largest_difference(n, m, spread):
    """The largest difference, in size, that the two expected losses of Lemma 4 can have.

    n: the number of pairs. m: how many of them lack their mirror; the others form a symmetric
    sequence. spread: the length R of the interval. Returns a number.
    """
    return m * spread / (2 * n)


def check(largest_difference):
    found = np.asarray([largest_difference(10, m, 3.0) for m in (0, 4, 10)], dtype=float)
    if found.shape != (3,) or not np.isfinite(found).all():
        return "For each n, m and R the result should be one finite number."
    if abs(found[0]) > 1e-12:
        return "If no pair lacks its mirror, Lemma 4 holds. What is the difference then?"
    rng = np.random.default_rng(0)
    for n, m in ((10, 4), (10, 10), (8, 2)):
        bound, reached = largest_difference(n, m, 3.0), 0.0
        for trial in range(200):
            there, back = rng.uniform(0, 3, size=(2, m))
            if trial == 0:
                there, back = np.zeros(m), np.full(m, 3.0)
            mutual = rng.uniform(0, 3, size=n - m)  # each pair's loss; its mirror is there as well
            dat = np.concatenate([there, mutual])
            turned = np.concatenate([back, mutual.reshape(2, -1)[::-1].ravel()])
            reached = max(reached, abs((dat + turned).mean() / 2 - dat.mean()))
        if reached > bound + 1e-9:
            return (
                f"With n = {n}, m = {m} and R = 3 we found losses whose difference is"
                f" {reached:.3f}, and yours should be the largest."
            )
        if reached < bound - 1e-9:
            return (
                "Your number is an upper bound, but no losses reach it. How much of a pair's"
                " difference does U(p) take over, which visits each place from both ends?"
            )
    return None


def draw(rng):
    n = int(rng.integers(5, 50))
    return n, int(rng.integers(1, n)), rng.uniform(0.5, 4)


def wrong_without_half(n, m, spread):
    """Forgets the ½: takes the loss of U(p) for that of the mirrored pairs alone.

    Say: U(p) pays the mean of both directions. How far is a mean from one of its two numbers?
    """
    return m * spread / n


def wrong_sum(n, m, spread):
    """Adds up over the pairs, and does not divide by their number.

    Say: expected losses are means over n pairs. Does your number fall if n grows?
    """
    return m * spread / 2


def wrong_all_pairs(n, m, spread):
    """Lets all pairs count, also those with a mirror.

    Say: what do a pair and its mirror contribute together? Try m = 0.
    """
    return spread / 2
