import numpy as np


def pairs_with_mirror(first, second):
    """How many pairs of an epoch of two shuffled copies have their mirror in it as well.

    A pair (a, a) is its own mirror. first, second: arrays of whole numbers, (n,), each a shuffle of
    0, …, n − 1; the k-th pair is that of the samples first[k] and second[k]. Returns a number.
    """
    partner = np.empty(len(first), dtype=int)
    partner[first] = second
    return int((partner[partner] == np.arange(len(first))).sum())


def check(pairs_with_mirror):
    def of(first, second):
        return np.asarray(pairs_with_mirror(np.array(first), np.array(second)), dtype=float)

    same = of([2, 0, 1], [2, 0, 1])
    if same.shape != () or not np.isfinite(same):
        return "The result should be one number."
    if same != 3:
        return (
            f"Three samples, each paired with itself: three pairs have a mirror, and not {same:g}."
        )
    if of([0, 1, 2], [1, 2, 0]) != 0:
        return "The pairs (0, 1), (1, 2), (2, 0) have no mirrors; you find some."
    if of([0, 1, 2, 3], [1, 0, 3, 2]) != 4:
        return "Of (0, 1), (1, 0), (2, 3), (3, 2) each has its mirror: that makes four pairs."
    if of([3, 1, 0, 2], [2, 0, 1, 3]) != 4:
        return "The order of the pairs does not matter. Does your count read it into the samples?"
    rng = np.random.default_rng(0)
    counts = [of(rng.permutation(20), rng.permutation(20)) for _ in range(1000)]
    if abs(np.mean(counts) - 2) > 5 * np.std(counts) / 1000**0.5:
        return f"Over 1,000 epochs your mean is {np.mean(counts):.2f}, not what the theory expects."
    return None


def draw(rng):
    n, partner = 9, np.arange(9)
    some = rng.permutation(n)[: int(rng.integers(2, 5)) * 2].reshape(-1, 2)
    partner[some[:, 0]], partner[some[:, 1]] = some[:, 1], some[:, 0]
    rest = np.setdiff1d(np.arange(n), some)
    partner[rest] = np.roll(rest, int(rng.integers(2)))
    first = rng.permutation(n)
    return first, partner[first]


def wrong_own_mirrors_forgotten(first, second):
    """Leaves out the pairs (a, a), which are their own mirrors.

    Say: what does an epoch of three samples count, each paired with itself?
    """
    return pairs_with_mirror(first, second) - int((first == second).sum())


def wrong_once_for_two(first, second):
    """Counts a pair and its mirror once.

    Say: (0, 1) has its mirror, and so has (1, 0). How many pairs are that?
    """
    own = int((first == second).sum())
    return own + (pairs_with_mirror(first, second) - own) // 2


def wrong_first_in_order(first, second):
    """Takes the second copy alone, as if the first were in order.

    Say: who is the partner of sample 0? Look where 0 stands in the first copy.
    """
    return int((second[second] == np.arange(len(second))).sum())
