import numpy as np
from scipy import special


def dat_density(a, b, lam):
    """The density at λ of the DAT policy behind ``UMixUp(B(1,1),CDF(a,b))``.

    a, b: positive numbers. lam: an array of ratios from 0 to 1. Returns an array like lam.
    """
    return special.betainc(a, b, lam) + special.betainc(b, a, lam)


def check(dat_density):
    lam = np.linspace(0, 1, 1001)
    density = np.asarray(dat_density(2.0, 1.0, lam))
    if density.shape != lam.shape:
        return f"lam has the shape {lam.shape} and the result {density.shape}: one value a ratio."
    if density.min() < 0:
        return f"A density is never negative; at λ = {lam[density.argmin()]} yours is."
    area = np.trapezoid(density, lam)
    if abs(area - 1) > 1e-3:
        return f"The area under your density of B(2, 1)'s weight is {area:.3f}, not 1."
    if not np.allclose(density[[0, -1]], [0, 2]):
        return "At λ = 0 the owner has lost everything, and γ(0) = 0: what is D there? And at 1?"
    return None


def draw(rng):
    return *rng.uniform(0.3, 4, size=2), rng.uniform(0, 1, size=5)


def wrong_twice_the_weight(a, b, lam):
    """Takes 2γ(λ): right for a = b alone.

    Say: D adds heads at λ and tails at 1 − λ. Write down both, and see when they are equal.
    """
    return 2 * special.betainc(a, b, lam)


def wrong_mirror_forgotten(a, b, lam):
    """Adds γ(λ) and 1 − γ(λ), and gets 1 everywhere.

    Say: after tails the owner keeps the share 1 − λ, so the second weight is taken at 1 − λ.
    """
    return np.ones_like(lam)
