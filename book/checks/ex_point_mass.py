import numpy as np


def u_of_point(place):
    """U of the policy that is a single point: a place, its probability and its weight in each row.

    place: the point, a number from 0 to 1, neither of these nor ½. Returns an array, (2, 3). Its
    rows are (λ, the probability of λ, γ(λ)), the smaller λ first.
    """
    rows = [[place, 0.5, 1.0], [1 - place, 0.5, 0.0]]
    return np.array(sorted(rows))


def check(u_of_point):
    for place in (0.7, 0.2):
        found = np.asarray(u_of_point(place), dtype=float)
        if found.shape != (2, 3) or not np.isfinite(found).all():
            return "The result should have two rows of three numbers: λ, probability and weight."
        (low, high), chance, gamma = found.T
        if low > high:
            return "The row with the smaller λ comes first."
        if not np.allclose([low, high], sorted([place, 1 - place])):
            return (
                f"All travellers stop with {place} of themselves left. At which two places is that?"
            )
        if not np.isclose(chance.sum(), 1):
            return "Your two probabilities do not add up to 1."
        if not np.isclose(chance[0], chance[1]):
            return (
                "As many set out from one end as from the other. How often is each place reached?"
            )
        if not np.isclose(gamma.sum(), 1):
            return "The weights at λ and at 1 − λ should add up to 1, and yours do not."
        kept = chance @ (gamma * np.isclose([low, high], place))
        turned = chance @ ((1 - gamma) * np.isclose([low, high], 1 - place))
        if not np.isclose(kept + turned, 1):
            return (
                "Toss the coin of your scheme: the share of the one whose label is kept should be"
                f" {place} always, and it is not. Who can have come to each of your two places?"
            )
    return None


def draw(rng):
    return (rng.choice([rng.uniform(0.05, 0.45), rng.uniform(0.55, 0.95)]),)


def wrong_mixup(place):
    """Gives MixUp's weight, γ = λ.

    Say: at 0.7 of the way to a: could it be b, of which 0.3 is left? Nobody stops with 0.3 left.
    """
    return np.array(sorted([[place, 0.5, place], [1 - place, 0.5, 1 - place]]))


def wrong_larger_part(place):
    """Gives the label to the larger part, which is right for points above ½ alone.

    Say: suppose that all travellers go eight tenths of the way. Whose label has the nearer end?
    """
    high = max(place, 1 - place)
    return np.array([[1 - high, 0.5, 0.0], [high, 0.5, 1.0]])


def wrong_no_mirror(place):
    """Leaves the policy as it is, with all its mass at the point.

    Say: that is DAT. U(p) counts those as well who come from the other end: where do they stop?
    """
    return np.array(sorted([[place, 1.0, 1.0], [1 - place, 0.0, 0.0]]))


def wrong_half(place):
    """Cannot tell who has come, and gives ½ everywhere.

    Say: what is left of a at the place 0.7, and what of b? Who stops with how much left?
    """
    return np.array(sorted([[place, 0.5, 0.5], [1 - place, 0.5, 0.5]]))
