import numpy as np
from scipy import special


def hard_label_density(mu, alpha):
    """The density at μ of the DAT policy, if a mixed sample has the label of its larger part.

    mu: an array of ratios from 0 to 1, none of them 0, ½ or 1. alpha: λ comes from B(α, α), a
    positive number. Returns an array like mu.
    """
    policy = (mu * (1 - mu)) ** (alpha - 1) / special.beta(alpha, alpha)
    return np.where(mu > 0.5, 2 * policy, 0.0)


def check(hard_label_density):
    mu = (np.arange(2000) + 0.5) / 2000
    found = np.asarray(hard_label_density(mu, 2.0), dtype=float)
    if found.shape != mu.shape or not np.isfinite(found).all():
        return f"mu has the shape {mu.shape} and your result {found.shape}: one value a ratio."
    if found.min() < 0:
        return f"A density is never negative; at μ = {mu[found.argmin()]:.2f} yours is."
    if abs(found.mean() - 1) > 1e-3:
        return f"The area under your density for α = 2 is {found.mean():.3f}, not 1."
    drawn = np.random.default_rng(0).beta(2, 2, 400_000)
    larger = np.where(drawn > 0.5, drawn, 1 - drawn)
    seen = np.histogram(larger, bins=20, range=(0, 1), density=True)[0]
    if abs(found.reshape(20, 100).mean(axis=1) - seen).max() > 0.1:
        if found[mu < 0.5].max() > 1e-6:
            ask = "Can it be below ½?"
        else:
            ask = "What is the density of λ itself, and which two λ lead to one μ?"
        return (
            "We drew 400,000 ratios from B(2, 2) and gave each label to the larger part: the"
            f" owner's share does not follow your density for α = 2. {ask}"
        )
    uniform = np.asarray(hard_label_density(mu, 1.0), dtype=float)
    if not np.allclose(uniform, 2 * (mu > 0.5)):
        return "For α = 2 all is well. For α = 1, a uniform λ, how is the larger part distributed?"
    return None


def draw(rng):
    return rng.uniform(0.01, 0.99, size=6), rng.uniform(0.3, 4)


def wrong_not_doubled(mu, alpha):
    """Cuts the lower half off, and does not fold it over.

    Say: ratios below ½ are drawn as well. Who is the owner there, and what is its share?
    """
    return hard_label_density(mu, alpha) / 2


def wrong_lower_half(mu, alpha):
    """Puts the mass on the lower half: the share of the one that loses its label.

    Say: μ is the share of the owner, the one whose label is kept.
    """
    return hard_label_density(1 - mu, alpha)


def wrong_policy(mu, alpha):
    """Leaves the policy as it is.

    Say: a sample with λ = 0.2 has the label of its partner, of which 0.8 is there. What is μ?
    """
    return (mu * (1 - mu)) ** (alpha - 1) / special.beta(alpha, alpha)


def wrong_mixup(mu, alpha):
    """Takes MixUp's coin in place of the rule, and gets B(α + 1, α).

    Say: nothing is tossed here. What is γ(0.7), and what is γ(0.3)?
    """
    return mu**alpha * (1 - mu) ** (alpha - 1) / special.beta(alpha + 1, alpha)
