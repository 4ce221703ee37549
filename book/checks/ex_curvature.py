import numpy as np


def curvature_bounds(smallest, largest, gamma, y, y2):
    """A lower and an upper bound of minus the gap, from the curvature of the loss in the target.

    smallest, largest: all eigenvalues of the loss's second derivative lie between these two
    numbers. gamma: the weight of y, from 0 to 1. y, y2: two targets, arrays, (C,). Returns the two
    bounds, the lower one first.
    """
    spread = gamma * (1 - gamma) * ((y - y2) @ (y - y2)) / 2
    return smallest * spread, largest * spread


def check(curvature_bounds):
    y, y2 = np.eye(3)[:2]
    found = np.asarray(curvature_bounds(2.0, 2.0, 0.5, y, y2), dtype=float)
    if found.shape != (2,) or not np.isfinite(found).all():
        return "The result should be two finite numbers, a lower and an upper bound."
    if np.ptp(found) > 1e-9:
        return "If all eigenvalues are equal, the two bounds should meet; yours do not."
    rng = np.random.default_rng(0)
    for eigenvalues in (np.array([2.0, 2.0]), np.array([1.0, 3.0]), np.array([-1.0, 0.5])):
        for gamma in (0.0, 0.2, 0.5, 0.9):
            y2 = rng.normal(size=2)
            for side, step in enumerate(1.5 * np.eye(2)):  # along an axis one bound is reached

                def loss(t, eigenvalues=eigenvalues):
                    return eigenvalues @ t**2 / 2

                y = y2 + step
                mixed = gamma * y + (1 - gamma) * y2
                minus = gamma * loss(y) + (1 - gamma) * loss(y2) - loss(mixed)
                bounds = curvature_bounds(*eigenvalues, gamma, y, y2)
                if not bounds[0] - 1e-9 <= minus <= bounds[1] + 1e-9:
                    return (
                        "We took a quadratic loss with eigenvalues in your interval, and its gap"
                        f" at γ = {gamma} breaks one of your bounds."
                    )
                if abs(bounds[side] - minus) > 1e-9:
                    return (
                        "Your bounds hold, but they can be tighter: a quadratic loss reaches the"
                        " best ones along its axes, and not yours."
                    )
    return None


def draw(rng):
    smallest, more = rng.uniform(-1, 2), rng.uniform(0, 3)
    return smallest, smallest + more, rng.uniform(0.05, 0.95), *rng.normal(size=(2, 3))


def wrong_half_forgotten(smallest, largest, gamma, y, y2):
    """Forgets the factor ½.

    Say: a function with f″ = M is M s²/2, and not M s². What is the gap of s²/2?
    """
    low, high = curvature_bounds(smallest, largest, gamma, y, y2)
    return 2 * low, 2 * high


def wrong_not_squared(smallest, largest, gamma, y, y2):
    """Takes the distance of the targets in place of its square.

    Say: f(s) = ℓ(z, y′ + s(y − y′)). Which power of ‖y − y′‖ does f″ have?
    """
    spread = gamma * (1 - gamma) * np.linalg.norm(y - y2) / 2
    return smallest * spread, largest * spread


def wrong_quarter(smallest, largest, gamma, y, y2):
    """Puts ¼, the largest value, for γ(1 − γ).

    Say: at γ = 0 curve and chord meet, so both bounds should be 0. Are yours?
    """
    return curvature_bounds(smallest, largest, 0.5, y, y2)
