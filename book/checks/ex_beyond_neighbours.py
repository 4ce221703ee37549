import numpy as np


def twin_law(neighbours):
    """How often the DAT twin of MixUp(1) draws each ordered pair.

    MixUp's first sample is any of the n, with equal chances, and its partner any of the k nearest
    neighbours of the first. neighbours: (n, k) indices; row i has the neighbours of sample i.
    Returns an array (n, n): at [i, j] the probability with which the twin draws the pair
    (sample i, sample j), that is, moves i towards j and keeps the label of i.
    """
    n, k = np.shape(neighbours)
    law = np.zeros((n, n))
    law[np.arange(n)[:, None], neighbours] = 1 / (n * k)
    return (law + law.T) / 2


def check(twin_law):
    neighbours = np.array([[1, 2], [0, 2], [1, 3], [2, 1], [3, 2]])  # of 0, 1, 3, 4.5, 9 on a line
    law = np.asarray(twin_law(neighbours), dtype=float)
    if law.shape != (5, 5):
        return f"For five samples the result has the shape {law.shape}, not (5, 5)."
    if not np.isclose(law.sum(), 1):
        return f"The probabilities of all pairs add up to {law.sum():.3f}, not to 1."
    if law.trace() > 0:
        return "No sample is a neighbour of itself, so no sample is moved towards itself."
    rng, draws = np.random.default_rng(0), 200_000
    first = rng.integers(5, size=draws)
    second, lam = neighbours[first, rng.integers(2, size=draws)], rng.random(draws)
    heads = (
        rng.random(draws) < lam
    )  # the coin: on heads the first sample moves, on tails the second
    counted = np.zeros((5, 5))
    np.add.at(counted, (np.where(heads, first, second), np.where(heads, second, first)), 1 / draws)
    off = np.abs(law - counted)
    if off.max() > 0.006:
        i, j = np.unravel_index(off.argmax(), off.shape)
        return (
            f"We tossed the coin for 200,000 pairs. Sample {i} was moved towards sample {j} in the "
            f"share {counted[i, j]:.3f} of them, and yours is {law[i, j]:.3f}."
        )
    return None


def draw(rng):
    places = rng.normal(size=8)
    order = np.abs(places[:, None] - places).argsort(axis=1)
    return (order[:, 1 : 1 + int(rng.integers(1, 5))],)


def wrong_same_pairs(neighbours):
    """Takes MixUp's own pairing.

    Say: On tails the second sample is moved towards the first, though it may not be its neighbour.
    """
    n, k = np.shape(neighbours)
    law = np.zeros((n, n))
    law[np.arange(n)[:, None], neighbours] = 1 / (n * k)
    return law


def wrong_mutual_alone(neighbours):
    """Keeps mutual neighbours alone.

    Say: That makes Q symmetric, but MixUp draws the other pairs as well. What becomes of them?
    """
    law = wrong_same_pairs(neighbours)
    law = np.minimum(law, law.T)
    return law / max(law.sum(), 1e-9)


def wrong_either_way(neighbours):
    """Makes all pairs alike of which one is a neighbour of the other.

    Say: A mutual pair is drawn in two ways, a one-sided pair in one. How much likelier is it?
    """
    law = wrong_same_pairs(neighbours)
    law = np.maximum(law, law.T)
    return law / law.sum()


def wrong_sum(neighbours):
    """Adds Q and its mirror, and forgets the mean of λ, which is ½.

    Say: The joint law is λ p(λ) times that sum. Integrate over λ: what is the total?
    """
    law = wrong_same_pairs(neighbours)
    return law + law.T
