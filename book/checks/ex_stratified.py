import itertools

import numpy as np


def strata_factor(losses):
    """The factor by which strata multiply the standard deviation of a batch's mean loss.

    losses: an array of shape (B, B) with B ≥ 2; row k has the losses of pair k at B ratios, one in
    each of B equally likely strata. Without strata each pair draws one of these ratios by itself;
    with strata they are dealt out in random order, one to each pair. Returns a number.
    """
    size = len(losses)
    kappa_squared = losses.sum(axis=0).var() / losses.var(axis=1).sum()
    rho = (kappa_squared - 1) / (size - 1)
    return max(0.0, 1 - rho) ** 0.5


def agree(got, wanted):
    try:
        got = np.asarray(got, dtype=float)
    except (TypeError, ValueError):
        return False
    return got.shape == () and bool(np.isclose(got, wanted, rtol=0.02))


def check(strata_factor):
    alike = np.asarray(strata_factor(np.tile([3.0, 1.0, 0.0], (3, 1))), dtype=float)
    if alike.shape != ():
        return "The factor should be one number."
    if not np.isfinite(alike):
        return (
            "We gave three pairs one and the same loss curve, row by row, and your factor is"
            f" {alike}. Which axis has the ratios?"
        )
    if abs(alike) > 0.02:
        return (
            "Where all pairs have one loss curve, it does not matter who gets which ratio: with "
            f"strata the mean loss is the same each time. Your factor is {alike:.2f}."
        )
    opposite = strata_factor(np.array([[0.0, 1.0], [1.0, 0.0]]))
    if abs(opposite - 2**0.5) > 0.03:
        return (
            "Two pairs, one with losses 0 and 1, the other with 1 and 0: with strata both pay 0 "
            f"or both pay 1. List what two draws may give; your factor is {opposite:.2f}."
        )
    losses = np.array([[2.0, 1.0, 0.5, 0.0], [3, 1, 1, 0], [0, 2, 1, 1], [1, 1, 0, 0]])
    dealt = [losses[range(4), way].mean() for way in itertools.permutations(range(4))]
    drawn = [losses[range(4), way].mean() for way in itertools.product(range(4), repeat=4)]
    seen = np.std(dealt) / np.std(drawn)
    found = strata_factor(losses)
    if abs(found - seen) > 0.02 * seen:
        return (
            "I took four pairs and went through all ways to deal out four ratios and to draw them: "
            f"the two standard deviations have the ratio {seen:.3f}. You find {found:.3f}."
        )
    return None


def draw(rng):
    size = int(rng.integers(4, 8))
    falling = np.linspace(1, 0, size) * rng.uniform(0.5, 1.5, size=(size, 1))
    return (falling + rng.normal(0, 0.2, size=(size, size)),)


def wrong_variance(losses):
    """Gives the factor of the variance.

    Say: A standard deviation is the root of a variance. Which of the two have you?
    """
    return strata_factor(losses) ** 2


def wrong_share_removed(losses):
    """Takes ρ, the share that strata remove, for the share that is left.

    Say: If all pairs had one loss curve, ρ would be 1. How much luck would be left with strata?
    """
    return max(0.0, 1 - strata_factor(losses) ** 2) ** 0.5


def wrong_rho_of_kappa(losses):
    """Takes κ²/B for ρ.

    Say: Without anything in common, ρ = 0, and κ is 1 then. Solve κ² = 1 + (B − 1)ρ for ρ.
    """
    kappa_squared = losses.sum(axis=0).var() / losses.var(axis=1).sum()
    return max(0.0, 1 - kappa_squared / len(losses)) ** 0.5
