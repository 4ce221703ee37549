import numpy as np
import torch

import umixup as um


def past_and_across(alpha, classes):
    """The share of moves that go past the middle and lead to another class.

    The moves are those of the DAT twin of U(B(α, 1)), on independent pairs. alpha: a positive
    number or an array of such numbers. classes: how many classes there are, all of one size.
    Returns a share for each alpha.
    """
    return 0.5**alpha * (1 - 1 / classes)


def check(past_and_across):
    alphas = np.array([0.5, 1.3, 3.0, 60.0])
    shares = np.asarray(past_and_across(alphas, 4), dtype=float)
    if shares.shape != alphas.shape:
        return f"alpha has the shape {alphas.shape} and the result {shares.shape}."
    if not shares[-1] < 1e-6:
        return "For a large α the ratio μ is close to 1: hardly any move is a long one."
    if not np.isclose(past_and_across(2, 1), 0):
        return "If there is one class only, no move leads to another."
    generator = torch.Generator().manual_seed(0)
    for alpha in (1.5, 3.0):
        lam, gamma = um.parse(f"U(B({alpha},1))").draw(200_000, generator)
        heads = torch.rand(200_000, generator=generator) < gamma
        mu = torch.where(heads, lam, 1 - lam)
        first, second = torch.randint(4, (2, 200_000), generator=generator)
        counted = float(((mu < 0.5) & (first != second)).double().mean())
        told = float(past_and_across(alpha, 4))
        if abs(told - counted) > 0.01:
            return (
                f"With α = {alpha} and four classes we drew 200,000 moves, and counted the share "
                f"{counted:.3f}. Yours is {told:.3f}."
            )
    return None


def draw(rng):
    return rng.uniform(0.3, 5, size=4), int(rng.integers(2, 20))


def wrong_not_past(alpha, classes):
    """Takes the moves that stay before the middle.

    Say: Past the middle the moved sample is nearer to the partner. Is μ above or below ½ then?
    """
    return (1 - 0.5**alpha) * (1 - 1 / classes)


def wrong_any_class(alpha, classes):
    """Counts moves to the own class as well.

    Say: That is the share past the middle. What share of all pairs joins two classes?
    """
    return 0.5**alpha + 0 / classes


def wrong_of_the_scheme(alpha, classes):
    """Takes the policy of U(B(α, 1)), which is symmetric, for that of its DAT twin.

    Say: U's own ratio is below ½ half of the time. Its twin keeps whole labels: with which policy?
    """
    return 0.5 * (1 - 1 / classes) + 0 * alpha


def wrong_union(alpha, classes):
    """Adds the two probabilities instead of multiplying them.

    Say: Both must happen, and they are independent. Does one add or multiply then?
    """
    return 0.5**alpha + (1 - 1 / classes)
