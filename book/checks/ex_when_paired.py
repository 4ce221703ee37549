import numpy as np


def seeds_ratio(correlation):
    """How many times as many seeds an unpaired comparison needs, for the same variance.

    correlation: r, between the errors of the two settings at one seed; a number from −1 to below
    1. The errors of both settings have the same variance. Returns a number: seeds of each setting
    without pairing, for one seed with pairing.
    """
    return 1 / (1 - correlation)


def check(seeds_ratio):
    def ratio(r):
        return np.asarray(seeds_ratio(r), dtype=float)

    if ratio(0.5).shape != () or not np.isfinite(ratio(0.5)):
        return "The result should be one number."
    if not np.isclose(ratio(0.0), 1):
        return "If the errors are not correlated, both ways have the same variance."
    if not ratio(0.5) > 1:
        return "What both settings share cancels in a difference: pairing should need fewer seeds."
    if not ratio(-0.5) < 1:
        return "If one error rises where the other falls, does pairing still help?"
    normal = np.random.default_rng(0).normal(size=(3, 200_000))
    for r in (-0.4, 0.6, 0.9):
        other = r * normal[0] + (1 - r**2) ** 0.5 * normal[1]
        simulated = (normal[0] - normal[2]).var() / (normal[0] - other).var()
        if not np.isclose(ratio(r), simulated, rtol=0.03):
            return (
                f"In a simulation with r = {r} the difference of unpaired errors has "
                f"{simulated:.2f} times the variance of the paired one, and you say {ratio(r):.2f}."
            )
    return None


def draw(rng):
    return (rng.uniform(-0.9, 0.95),)


def wrong_upside_down(correlation):
    """Gives the ratio of the variances, paired to unpaired, in place of the seeds.

    Say: that is by what pairing multiplies the variance. How many seeds make up for it?
    """
    return 1 - correlation


def wrong_square(correlation):
    """Divides by 1 − r², the share of a variance that a regression leaves.

    Say: nothing is fitted here. Write out the variance of X − Y.
    """
    return 1 / (1 - correlation**2)


def wrong_variances_added(correlation):
    """Adds the covariances, as for a sum of two errors.

    Say: in the variance of X − Y the covariance comes with a minus.
    """
    return 1 / (1 + correlation)
