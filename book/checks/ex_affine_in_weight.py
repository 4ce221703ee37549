import numpy as np


def softened_density(mu, c):
    """The density at μ of the DAT policy of MixUp with uniform λ and labels softened by c.

    mu: an array of ratios from 0 to 1. c: a number, 0 for MixUp's own labels, 1 where all are
    half and half. Returns an array like mu.
    """
    return 2 * (1 - c) * mu + c


def check(softened_density):
    mu = np.linspace(0, 1, 1001)
    found = np.asarray(softened_density(mu, 0.4), dtype=float)
    if found.shape != mu.shape or not np.isfinite(found).all():
        return f"mu has the shape {mu.shape} and your result {found.shape}: one value a ratio."
    if found.min() < 0:
        return f"A density is never negative; at μ = {mu[found.argmin()]} yours is."
    area = np.trapezoid(found, mu)
    if abs(area - 1) > 1e-3:
        return f"The area under your density for c = 0.4 is {area:.3f}, not 1."
    if not np.allclose(softened_density(mu, 0.0), 2 * mu):
        return "For c = 0 nothing is softened, and the chapter found 2μ. What is yours?"
    if not np.allclose(softened_density(mu, 1.0), 1):
        return (
            "For c = 1 the coin is fair whatever λ is. How is the owner's share distributed then?"
        )
    rng = np.random.default_rng(0)
    lam = rng.random(400_000)
    tossed = np.where(rng.random(400_000) < 0.6 * lam + 0.2, lam, 1 - lam)
    seen = np.histogram(tossed, bins=10, range=(0, 1), density=True)[0]
    mine = np.asarray(softened_density((np.arange(10) + 0.5) / 10, 0.4), dtype=float)
    if abs(mine - seen).max() > 0.05:
        return "For c = 0.4 we tossed 400,000 times, and the shares do not follow your density."
    return None


def draw(rng):
    return rng.uniform(0, 1, size=5), rng.uniform(0.05, 0.95)


def wrong_heads_alone(mu, c):
    """Counts heads alone.

    Say: each μ is reached in two ways, by heads at λ = μ and by tails at λ = 1 − μ.
    """
    return (1 - c) * mu + c / 2


def wrong_mirror(mu, c):
    """Takes tails at μ, and gets 1 everywhere.

    Say: on tails λ was 1 − μ, and there the coin was tossed. What is 1 − γ(1 − μ)?
    """
    return np.ones_like(mu)


def wrong_beta(mu, c):
    """Takes the Beta law that lies between the two, B(2 − c, 1).

    Say: D of a mixture of weights is the mixture of the two laws. What is its value at μ = 0?
    """
    return (2 - c) * mu ** (1 - c)


def wrong_twice_softened(mu, c):
    """Softens with c in place of c/2 on both sides: its area is not 1.

    Say: what does γ come to at λ = 0 and at λ = 1? They should add up to 1.
    """
    return 2 * (1 - c) * mu + 2 * c
