import numpy as np


def slope_of_couples(x, y, partner, m1):
    """The slope of the line that MixUp fits to samples which come as couples.

    x, y: n samples of one feature and their labels; their means need not be 0. partner: n indices,
    where partner[i] is the one partner of sample i, and partner[partner[i]] = i. m1: the first
    moment of the scheme, 2 E[λ(1 − λ)] for MixUp. All n ordered pairs are equally likely, the loss
    is the squared error, and the line has an intercept. Returns a number.
    """
    x, y = x - np.mean(x), y - np.mean(y)
    above = (1 - m1) * np.mean(x * y) + m1 * np.mean(x * y[partner])
    return above / ((1 - m1) * np.mean(x * x) + m1 * np.mean(x * x[partner]))


def check(slope_of_couples):
    rng = np.random.default_rng(0)
    x = rng.normal(3, 1, size=8)
    y, partner = 2 * x + rng.normal(size=8) - 5, np.array([1, 0, 3, 2, 5, 4, 7, 6])

    def fitted(ratios):  # by least squares, each of the ratios being as likely as any other
        mixed = [(r * x + (1 - r) * x[partner], r * y + (1 - r) * y[partner]) for r in ratios]
        return np.polyfit(*np.concatenate(mixed, axis=1), 1)[0]

    found = np.asarray(slope_of_couples(x, y, partner, 0.0), dtype=float)
    if found.shape != ():
        return f"A slope is one number, and the result has the shape {found.shape}."
    if not np.isclose(found, fitted([1.0])):
        return (
            "If nothing moves, m1 = 0, the slope is the plain one. Do the means of x and y matter?"
        )
    if not np.isclose(slope_of_couples(x, y, np.arange(8), 0.4), fitted([1.0])):
        return "Who is coupled with itself is not moved: then the slope is the plain one."
    for ratios, text in (([0.5], "half-way"), ([0.2, 0.8], "at the ratio 0.2 or 0.8")):
        m1 = np.mean([2 * r * (1 - r) for r in ratios])
        told = float(slope_of_couples(x, y, partner, m1))
        if not np.isclose(told, fitted(ratios)):
            return (
                f"Four couples mixed {text}, which is m1 = {m1:.2f}, have the slope "
                f"{fitted(ratios):.3f}. Yours is {told:.3f}."
            )
    return None


def draw(rng):
    x, noise = rng.normal(2, 1, size=(2, 10))
    pairs, partner = rng.permutation(10).reshape(5, 2), np.empty(10, dtype=int)
    partner[pairs] = pairs[:, ::-1]
    return x, rng.uniform(1, 3) * x + noise, partner, rng.uniform(0.05, 0.5)


def wrong_means_not_removed(x, y, partner, m1):
    """Takes means of products for covariances.

    Say: The line has an intercept. Remove the means of x and y first.
    """
    above = (1 - m1) * np.mean(x * y) + m1 * np.mean(x * y[partner])
    return above / ((1 - m1) * np.mean(x * x) + m1 * np.mean(x * x[partner]))


def wrong_independent(x, y, partner, m1):
    """Leaves out the covariances within a couple, as for independent partners.

    Say: In a couple x tells something of the partner. Multiply out the mixed x times the mixed y.
    """
    return np.polyfit(x, y, 1)[0] + 0 * m1 * partner[0]


def wrong_variance_alone(x, y, partner, m1):
    """Mixes the variance of x, and not the covariance of x and y.

    Say: The label is mixed as well. What is the covariance of the mixed x with the mixed y?
    """
    x, y = x - np.mean(x), y - np.mean(y)
    return np.mean(x * y) / ((1 - m1) * np.mean(x * x) + m1 * np.mean(x * x[partner]))


def wrong_half(x, y, partner, m1):
    """Weighs own and couple's covariance alike, which is right for m1 = ½ alone.

    Say: How often do the two halves of a mixed product come from one and the same sample?
    """
    x, y = x - np.mean(x), y - np.mean(y)
    return np.mean(x * (y + y[partner])) / np.mean(x * (x + x[partner])) + 0 * m1
