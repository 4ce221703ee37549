import numpy as np


def shuffle_row(size, coin, phi, chi):
    """The row of batch_shuffle in the table: B times V(DAT) − V(U), where U stands for U(q).

    size: B, at least 2. coin: the mean of γ(1 − γ)‖d‖² over all pairs. phi, chi: the means of ‖φ‖²
    and ‖χ‖². Returns a number.
    """
    return (1 - 1 / size) * coin - (2 * (size - 2) * phi + (2 * phi + chi)) / size


def check(shuffle_row):
    found = [shuffle_row(4, *parts) for parts in ((1, 0, 0), (0, 1, 0), (0, 0, 1))]
    try:
        found = np.asarray(found, dtype=float)
    except TypeError:
        found = np.array(np.nan)
    if found.shape != (3,) or not np.isfinite(found).all():
        return "The result should be one number."
    if found[0] <= 0 or found[1] > 0 or found[2] > 0:
        return "The coin makes DAT noisier, and φ and χ are what it wins back. Look at the signs."
    two = np.array([shuffle_row(2, *parts) for parts in ((1, 0, 0), (0, 1, 0), (0, 0, 1))])
    for name, got, wanted in zip(("the coin", "φ", "χ"), two, (0.5, -1, -0.5), strict=True):
        if abs(got - wanted) > 1e-9:
            return (
                "A batch of two is either left as it is, each sample with itself, or flipped, "
                f"each in half of the cases. So its row is half that of flip: {wanted:g} for "
                f"{name}, and yours is {got:g}."
            )
    large = np.array([shuffle_row(10**6, *parts) for parts in ((1, 0, 0), (0, 1, 0), (0, 0, 1))])
    if not np.allclose(large, [1, -2, 0], atol=1e-4):
        return "In a large batch few samples meet themselves or their mirror: it should be as roll."
    return None


def draw(rng):
    return int(rng.integers(3, 200)), *rng.uniform(0.2, 3, size=3)


def wrong_whole_coin(size, coin, phi, chi):
    """Gives each sample a coin, also one that meets itself.

    Say: A sample that is mixed with itself has one label. Is there anything to toss for?
    """
    return coin - (2 * (size - 2) * phi + (2 * phi + chi)) / size


def wrong_no_short_cycles(size, coin, phi, chi):
    """Takes the row of roll, as if no sample met itself or its mirror.

    Say: How many samples meet themselves, on average, and how many are in a pair with its mirror?
    """
    return coin - 2 * phi


def wrong_cycles_counted_twice(size, coin, phi, chi):
    """Counts each pair of a 2-cycle twice.

    Say: For each sample in a 2-cycle there is one other pair that is its mirror. Count these.
    """
    return (1 - 1 / size) * coin - (2 * (size - 2) * phi + 2 * (2 * phi + chi)) / size
