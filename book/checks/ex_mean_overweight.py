import numpy as np
from scipy import special


def mean_factor(alpha):
    """The mean factor of the released cosine over pairs of two classes, for MixUp with B(α, α).

    alpha: a number from 0.05 to 100. Returns a number, right to a thousandth.
    """
    lam = special.betaincinv(alpha, alpha, (np.arange(1000) + 0.5) / 1000)  # equally likely
    return ((lam**2 + (1 - lam) ** 2) ** -0.5).mean()


def check(mean_factor):
    found = np.asarray([mean_factor(a) for a in (0.05, 0.5, 1.0, 4.0, 100.0)], dtype=float)
    if found.shape != (5,) or not np.isfinite(found).all():
        return "For each α the result should be one finite number."
    if found.min() < 1 or found.max() > 2**0.5:
        return "Each mixed sample has a factor from 1 to √2; one of your means has not."
    if (np.diff(found) <= 0).any():
        return (
            "The larger α, the nearer is λ to ½, where the factor is largest. Yours does not grow."
        )
    if abs(found[2] - 2**0.5 * np.arcsinh(1)) > 1e-3:
        return "For α = 1 the mean is √2 arsinh 1, about 1.246; yours is not."
    if found[0] > 1.1 or found[-1] < 1.4:
        return "For a small α λ is near 0 or 1, for a large one near ½. Which factors are those?"
    rng = np.random.default_rng(0)
    for a in (0.5, 4.0):
        lam = rng.beta(a, a, 400_000)
        w = (lam**2 + (1 - lam) ** 2) ** -0.5
        if abs(mean_factor(a) - w.mean()) > 1e-3 + 5 * w.std() / 400_000**0.5:
            return f"For α = {a} the mean of 400,000 draws is {w.mean():.3f}, and yours differs."
    return None


def draw(rng):
    return (np.exp(rng.uniform(np.log(0.1), np.log(30))),)


def agree(got, wanted):
    got = np.asarray(got, dtype=float)
    return got.shape == () and bool(abs(got - wanted) <= 1e-3)


def wrong_at_the_mean(alpha):
    """Takes the factor at the mean ratio, ½.

    Say: the mean of w(λ) is not w at the mean of λ. What is w where λ is near 0?
    """
    return 2**0.5


def wrong_of_uniform(alpha):
    """Averages over uniform λ, whatever α is.

    Say: λ comes from B(α, α). With which density do you weigh a ratio?
    """
    return 2**0.5 * np.arcsinh(1)


def wrong_root(alpha):
    """Divides by the mean length of the target, in place of the mean of one over the length.

    Say: for α = 1 you are near and not right. Is the mean of 1/ℓ one over the mean of ℓ?
    """
    lam = special.betaincinv(alpha, alpha, (np.arange(1000) + 0.5) / 1000)
    return 1 / np.sqrt(lam**2 + (1 - lam) ** 2).mean()
