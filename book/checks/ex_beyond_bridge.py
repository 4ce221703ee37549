import numpy as np
from scipy import special


def extra_noise(kappa, lam, a, b):
    """How much noisier the twin with κ is than U(q): the factor before d dᵀ, for q = B(a, b).

    The difference of the two covariance matrices is the mean of this factor times d dᵀ over
    λ ~ p_s. kappa: from ½ to 1. lam: an array of ratios between 0 and 1. a, b: positive numbers.
    Returns an array like lam.
    """
    u = special.expit((a - b) * special.logit(lam))
    rho = kappa * u + (1 - kappa) * (1 - u)
    return ((2 * kappa - 1) * u * (1 - u)) ** 2 / (rho * (1 - rho))


def check(extra_noise):
    lam = np.array([0.1, 0.3, 0.5, 0.7, 0.9])
    one = np.asarray(extra_noise(0.8, lam, 2.2, 0.9), dtype=float)
    if one.shape != lam.shape:
        return f"One number for each λ, please: the shape should be {lam.shape}, not {one.shape}."
    if not np.isfinite(one).all() or one.min() < 0:
        return "The factor is never negative: no twin is quieter than U(q)."
    if not np.allclose(one, one[::-1]):
        return (
            "A mixed sample at λ is also one at 1 − λ, with the pair turned round, so the factor "
            "is the same at both. Yours is not."
        )
    if not np.allclose(extra_noise(0.5, lam, 2.2, 0.9), 0):
        return "At κ = ½ the twin is U(q) itself, so nothing should be left of the factor."
    if not np.allclose(extra_noise(1, lam, 2, 1), lam * (1 - lam)):
        return (
            "At κ = 1 the twin is DAT with q, and for q = B(2, 1) it is noisier than MixUp(1) by "
            "the whole coin of MixUp(1), whose weight is λ. Your factor is another."
        )
    return None


def draw(rng):
    return rng.uniform(0.6, 0.95), rng.uniform(0.05, 0.95, size=5), *rng.uniform(0.4, 3, size=2)


def wrong_its_own_coin(kappa, lam, a, b):
    """Takes the first difference, γ(1 − γ) of the twin itself: how much noisier DAT is.

    Say: That is what lies between this twin and DAT. The question is what lies below it.
    """
    gamma = kappa * special.expit((a - b) * special.logit(lam))
    gamma = gamma / (gamma + (1 - kappa) * special.expit((b - a) * special.logit(lam)))
    return gamma * (1 - gamma)


def wrong_ends_joined(kappa, lam, a, b):
    """Takes the share (2κ − 1)² of the coin, which is right at both ends, but too much between.

    Say: ρ is the share of p_κ in p_κ and its mirror image, and it changes with κ. Put it in.
    """
    u = special.expit((a - b) * special.logit(lam))
    return (2 * kappa - 1) ** 2 * u * (1 - u)


def wrong_epsilon_not_squared(kappa, lam, a, b):
    """Leaves ε without its square.

    Say: Two gradients that differ by ε d have a covariance with ε² in it.
    """
    u = special.expit((a - b) * special.logit(lam))
    return (2 * kappa - 1) * u * (1 - u)
