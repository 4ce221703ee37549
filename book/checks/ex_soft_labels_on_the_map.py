import numpy as np
from scipy import integrate, optimize, special


def logistic_slope(c):
    """The slope of the logistic weight that moves samples as far as the softened one, on average.

    Both have a uniform λ. c: how much the label is softened, between 0 and 1; the weight is then
    (1 − c)λ + c/2, and the mean move is that of the scheme's DAT policy. Returns the slope s.
    """
    move = (1 - c) / 3 + c / 2

    def moves(s):
        return integrate.quad(
            lambda v: 2 * special.expit(s * special.logit(v)) * (1 - v), 0, 1, epsabs=1e-10
        )[0]

    return optimize.brentq(lambda s: moves(s) - move, 0, 1.001, xtol=1e-10)


def agree(got, wanted):
    try:
        got = np.asarray(got, dtype=float)
    except (TypeError, ValueError):
        return False
    return got.shape == () and abs(float(got) - wanted) < 1e-3


def check(logistic_slope):
    lam = (np.arange(4000) + 0.5) / 4000

    def move(weight):  # of heads at λ and of tails, where the partner moves
        return np.mean(weight * (1 - lam) + (1 - weight) * lam)

    for c in (0.02, 0.4, 0.8):
        s = np.asarray(logistic_slope(c), dtype=float)
        if s.shape != () or not np.isfinite(s):
            return "The slope should be one number."
        logistic = move(special.expit(s * special.logit(lam)))
        soft = move((1 - c) * lam + c / 2)
        if abs(logistic - soft) > 3e-4:
            return (
                f"For c = {c} the softened scheme moves a sample by {soft:.4f} on average, and the "
                f"logistic weight of your slope, {float(s):.3f}, by {logistic:.4f}."
            )
    return None


def draw(rng):
    return (rng.uniform(0.1, 0.9),)


def wrong_slope_in_the_middle(c):
    """Takes 1 − c, the slope of the softened weight itself, which is also the logistic's at ½.

    Say: The two weights then agree around ½ and part towards the ends, and all λ's count for the
    mean move. Compute it for both.
    """
    return 1 - c


def wrong_place_on_the_map(c):
    """Places the softened scheme by mean and variance, and reads off α − β.

    Say: That is the slope of a Beta policy, and D of a uniform λ with a logistic weight is none.
    Which equation says that the two mean moves are equal?
    """
    mean, square = 1 - (1 - c) / 3 - c / 2, (1 - c) / 2 + c / 3
    total = mean * (1 - mean) / (square - mean**2) - 1
    return total * (2 * mean - 1)


def wrong_shares_exchanged(c):
    """Exchanges the shares of MixUp and of half-and-half labels in the mean move.

    Say: Which weight do you have at c = 0, and how far does that scheme move a sample?
    """
    return logistic_slope(1 - c)
