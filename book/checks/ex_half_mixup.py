import numpy as np


def chance_at_most(mu, share):
    """The probability that the owner's share is at most μ, if MixUp is on for some of the samples.

    λ is uniform where MixUp is on, and 1 elsewhere. mu: an array of ratios from 0 to 1. share: the
    probability that MixUp is on. Returns an array like mu.
    """
    return np.where(mu < 1, share * mu**2, 1.0)


def check(chance_at_most):
    mu = np.linspace(0, 1, 101)
    found = np.asarray(chance_at_most(mu, 0.5), dtype=float)
    if found.shape != mu.shape or not np.isfinite(found).all():
        return f"mu has the shape {mu.shape} and your result {found.shape}: one value a ratio."
    if (np.diff(found) < 0).any() or found[0] < 0 or found[-1] > 1 + 1e-9:
        return "A probability of “at most μ” never falls as μ grows, and stays between 0 and 1."
    if abs(found[-1] - 1) > 1e-9:
        return "The owner's share is at most 1, always. At μ = 1 you have another probability."
    if not np.allclose(chance_at_most(mu, 1.0), mu**2):
        return (
            "If MixUp is on for all samples, the density of μ is 2μ. What is its integral up to μ?"
        )
    none = np.asarray(chance_at_most(mu, 0.0), dtype=float)
    if not np.allclose(none[:-1], 0):
        return "If MixUp is never on, λ = 1, and the coin shows heads. Who has moved?"
    rng = np.random.default_rng(0)
    lam = np.where(rng.random(200_000) < 0.5, rng.random(200_000), 1.0)
    tossed = np.where(rng.random(200_000) < lam, lam, 1 - lam)
    seen = (tossed[:, None] <= mu[10:-1:10]).mean(axis=0)
    if abs(seen - found[10:-1:10]).max() > 0.01:
        return (
            "We tossed 200,000 times, with MixUp on for half of the samples: at most ½ of the owner"
            f" was left in {seen[4]:.3f} of them, and your curve does not follow the tosses."
        )
    return None


def draw(rng):
    return np.append(rng.uniform(0, 1, size=4), 1.0), rng.uniform(0.1, 0.9)


def wrong_no_coin(mu, share):
    """Gives the policy of λ, before the coin.

    Say: where MixUp is on, λ is uniform. Is the owner's share uniform as well?
    """
    return np.where(mu < 1, share * mu, 1.0)


def wrong_mass_in_halves(mu, share):
    """Tosses a fair coin for plain samples, and puts half of their mass at 0.

    Say: at λ = 1 MixUp's coin shows heads with probability 1. Who can be the owner?
    """
    return np.where(mu < 1, share * mu**2 + (1 - share) / 2, 1.0)


def wrong_mass_forgotten(mu, share):
    """Forgets the mass at 1.

    Say: plain samples are samples too. Where on the axis are they, and how many?
    """
    return share * mu**2


def wrong_mass_everywhere(mu, share):
    """Adds the plain samples at every μ, though they have μ = 1.

    Say: if MixUp is hardly ever on, how often is the owner's share at most ½?
    """
    return share * mu**2 + (1 - share)
