import numpy as np
from scipy import special


def mean_nearer_share(alpha):
    """The mean of min(λ, 1 − λ) for λ from B(α, α): how far the nearer end is, on average.

    alpha: a positive number. Returns a number.
    """
    return 0.5 - 4.0**-alpha / (alpha * special.beta(alpha, alpha))


def check(mean_nearer_share):
    found = np.asarray([mean_nearer_share(a) for a in (0.01, 1.0, 400.0)], dtype=float)
    if found.shape != (3,) or not np.isfinite(found).all():
        return "For each positive α the result should be one finite number."
    if found.min() < 0 or found.max() > 0.5:
        return "The nearer end is never further than half of the way; one of your means is not."
    if found[0] > 0.02:
        return "As α goes to 0 a mixed sample lies at one of its ends. What is the mean then?"
    if found[2] < 0.48:
        return "For a large α a mixed sample lies near the middle. What is the mean then?"
    if abs(found[1] - 0.25) > 1e-9:
        return "For α = 1 all ratios are equally likely, and the mean is ¼; yours is not."
    rng = np.random.default_rng(0)
    for a in (0.4, 3.0):
        drawn = rng.beta(a, a, 200_000)
        drawn = np.minimum(drawn, 1 - drawn)
        if not abs(mean_nearer_share(a) - drawn.mean()) < 5 * drawn.std() / 200_000**0.5:
            return (
                f"For α = {a} the mean of 200,000 draws is {drawn.mean():.3f}, and yours differs."
            )
    return None


def draw(rng):
    return (rng.uniform(0.2, 5),)


def wrong_standard_deviation(alpha):
    """Takes the standard deviation of λ for its mean distance from ½.

    Say: ½ − |λ − ½| is right. But the mean of |λ − ½| is not the root of the mean of (λ − ½)².
    """
    return 0.5 - (1 / (8 * alpha + 4)) ** 0.5


def wrong_one_half_alone(alpha):
    """Integrates over λ > ½ alone, and forgets the ratios below ½.

    Say: the integral over the upper half is half of the mean distance from the middle, by symmetry.
    """
    return 0.5 - 4.0**-alpha / (2 * alpha * special.beta(alpha, alpha))


def wrong_without_the_constant(alpha):
    """Integrates λ^(α − 1) (1 − λ)^(α − 1) without its constant: right for α = 1 alone.

    Say: does your density have the area 1 for α = 2?
    """
    return 0.5 - 4.0**-alpha / alpha
