import itertools

import numpy as np
from scipy import special


def largest_spread(c, classes):
    """The largest spread of the cross-entropy with a one-hot target, for logits in [−c, c].

    c: a positive number. classes: how many there are, at least 2. Returns the number that no spread
    exceeds and that some logits reach.
    """
    big, small = (classes - 1) * np.exp(2 * c), (classes - 1) * np.exp(-2 * c)
    return np.log1p(big) - np.log1p(small)


def check(largest_spread):
    for c, classes in ((0.5, 2), (1.0, 3), (2.0, 5)):
        bound = np.asarray(largest_spread(c, classes), dtype=float)
        if bound.shape != () or not np.isfinite(bound):
            return "The bound should be one number."
        z = np.array(list(itertools.product((-c, c), repeat=classes)))  # all corners
        seen = np.ptp(special.logsumexp(z, axis=1) - z[:, 0])
        if bound < seen - 1e-6:
            return (
                f"With {classes} classes and logits of ±{c} the losses of one label differ by up "
                f"to {seen:.4f}, which is more than your bound, {bound:.4f}."
            )
        if bound > seen + 1e-6:
            return (
                f"With {classes} classes and logits of ±{c} your bound is {bound:.4f}, but no two "
                f"losses of one label differ by more than {seen:.4f}. It can be improved."
            )
    if not 0 < largest_spread(1.0, 1000) < 4:
        return "However many classes there are, the spread is less than 4c."
    return None


def draw(rng):
    return rng.uniform(0.2, 6), int(rng.integers(2, 200))


def wrong_two_logits(c, classes):
    """Takes 4c, the change of a difference of two logits.

    Say: Each z[i] − z[y] with i ≠ y may change by 4c. But is the loss such a difference? What else
    is in the sum?
    """
    return 4 * c


def wrong_own_logit_counted_twice(c, classes):
    """Sums over all classes, as if the exponent were free for the label's own class as well.

    Say: In the sum of e^(z[i] − z[y]) the term with i = y is 1, whatever the logits are.
    """
    return np.log(classes * np.exp(2 * c)) - np.log(classes * np.exp(-2 * c))


def wrong_others_stay(c, classes):
    """Moves the logit of the label alone, and leaves the others at 0.

    Say: The others may move too, to the other side. Where is the loss largest of all?
    """
    big, small = (classes - 1) * np.exp(c), (classes - 1) * np.exp(-c)
    return np.log1p(big) - np.log1p(small)
