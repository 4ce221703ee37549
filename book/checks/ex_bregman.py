import numpy as np


def bregman_gap(phi, y, y2, gamma):
    """The gap, curve minus chord, of the Bregman divergence of φ at the label weight γ.

    phi: a convex function of an array, (C,), that gives a number. y, y2: two targets, (C,). gamma:
    the weight of y, from 0 to 1. Returns a number.
    """
    return phi(gamma * y + (1 - gamma) * y2) - gamma * phi(y) - (1 - gamma) * phi(y2)


def square(y):
    """φ of the squared error."""
    return y @ y


def negative_entropy(y):
    """φ of the KL divergence."""
    return y @ np.log(y)


def check(bregman_gap):
    y, y2, v = np.array([[0.7, 0.2, 0.1], [0.1, 0.3, 0.6], [0.3, 0.3, 0.4]])

    def squared_error(target):
        return (target - v) @ (target - v)

    def kl(target):
        return target @ np.log(target / v)

    for phi, loss, name in (
        (square, squared_error, "squared error"),
        (negative_entropy, kl, "KL divergence"),
    ):
        for gamma in (0.0, 0.3, 1.0):
            found = np.asarray(bregman_gap(phi, y, y2, gamma), dtype=float)
            if found.shape != () or not np.isfinite(found):
                return f"For the φ of the {name} the gap should be one finite number."
            if gamma in (0, 1) and abs(found) > 1e-9:
                return f"At γ = {gamma} curve and chord meet; by your gap they do not."
            if found > 1e-9:
                return "A convex φ was given: does the curve lie above its chord, or below?"
            wanted = loss(gamma * y + (1 - gamma) * y2)
            wanted -= gamma * loss(y) + (1 - gamma) * loss(y2)
            if abs(found - wanted) > 1e-9:
                return (
                    f"We took the {name} at one v, and its loss at y, at y2 and at their mixture:"
                    " curve minus chord is not your number."
                )
    return None


def draw(rng):
    y, y2 = rng.dirichlet(np.full(4, 2.0), size=2)
    return (square, negative_entropy)[rng.integers(2)], y, y2, rng.uniform(0.1, 0.9)


def wrong_chord_minus_curve(phi, y, y2, gamma):
    """Subtracts the curve from the chord.

    Say: the gap is the loss of the mixed label minus the mixed losses, in this order.
    """
    return -bregman_gap(phi, y, y2, gamma)


def wrong_curve_alone(phi, y, y2, gamma):
    """Gives φ of the mixed target, the term in the target alone, and not its gap.

    Say: that term enters the gap three times: at the mixture, at y and at y2.
    """
    return phi(gamma * y + (1 - gamma) * y2)


def wrong_affine(phi, y, y2, gamma):
    """Takes the divergence for affine, with the gap 0.

    Say: two of its terms are affine in the target. What is left?
    """
    return 0.0


def wrong_middle(phi, y, y2, gamma):
    """Takes the plain mean of the two losses, which is right for γ = ½ alone.

    Say: at γ = 0 only y2 counts. Does it in your chord?
    """
    return phi(gamma * y + (1 - gamma) * y2) - (phi(y) + phi(y2)) / 2
