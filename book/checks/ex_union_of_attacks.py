import itertools

import numpy as np


def largest_reversal(a, gap, attacks):
    """By how much A's union can exceed B's, at the most, though A's strongest attack gets fewer.

    a: the share of the samples that fall to A's strongest attack. gap: by how much the share for
    B's strongest attack is larger, Δ in the text; a + gap ≤ 1. attacks: how many attacks there
    are, K, the same for both networks. Returns a share, negative if A's union is always smaller.
    """
    return min(1, attacks * a) - a - gap


def check(largest_reversal):
    found = np.asarray(largest_reversal(0.3, 0.2, 1), dtype=float)
    if found.shape != ():
        return f"One number is asked for, and the result has the shape {found.shape}."
    if not np.isclose(found, -0.2):
        return "With a single attack its share is the union, and A's stays below B's by the gap."
    if not np.isclose(largest_reversal(0.3, 0.1, 2), 0.2):
        return "In the chapter's example 60 of A's images fall and 40 of B's: 0.3, Δ = 0.1, K = 2."

    def unions(most):  # all that two attacks on 4 samples can share, the strongest taking `most`
        subsets = [set(s) for k in range(5) for s in itertools.combinations(range(4), k)]
        pairs = itertools.product(subsets, repeat=2)
        return [len(s | t) / 4 for s, t in pairs if max(len(s), len(t)) == most]

    for a, gap in ((1, 1), (1, 2), (2, 1), (2, 2), (3, 1)):
        counted = max(unions(a)) - min(unions(a + gap))
        told = float(largest_reversal(a / 4, gap / 4, 2))
        if not np.isclose(told, counted):
            return (
                f"We tried all ways in which two attacks can succeed on 4 samples. With a = {a}/4 "
                f"and Δ = {gap}/4 the difference is at most {counted}, and yours is {told:.3f}."
            )
    return None


def draw(rng):
    a = rng.uniform(0.05, 0.6)
    return a, rng.uniform(0.02, 0.3), int(rng.integers(2, 6))


def wrong_more_than_all(a, gap, attacks):
    """Lets A's union be larger than 1.

    Say: With many attacks K·a passes 1. How many samples can fall at the most?
    """
    return attacks * a - a - gap


def wrong_both_disjoint(a, gap, attacks):
    """Lets B's attacks succeed on different samples, too.

    Say: To make the difference as large as can be, B's union should be as small as can be.
    """
    return min(1, attacks * a) - min(1, attacks * (a + gap))


def wrong_gap_forgotten(a, gap, attacks):
    """Subtracts a for B's union and forgets that B's strongest attack gets more.

    Say: B's union holds all that falls to B's strongest attack. What is that share?
    """
    return min(1, attacks * a) - a + 0 * gap


def wrong_never(a, gap, attacks):
    """Thinks that the order of the strongest attacks is the order of the unions.

    Say: Look at "Break it: each attack alone ranks the networks wrongly" again.
    """
    return -gap + 0 * a * attacks
