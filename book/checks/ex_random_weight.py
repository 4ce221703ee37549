import numpy as np
from scipy import special


def entropy_change(weights, chances):
    """The mean entropy of the targets with a random weight, less that of the one with its mean.

    The pair is of two classes, λ is fixed, and entropies are in nats. weights: the values from 0 to
    1 that the random weight takes, an array, (K,). chances: their probabilities, (K,), which add up
    to 1. Returns a number.
    """

    def entropy(weight):
        return special.entr(weight) + special.entr(1 - weight)

    return chances @ entropy(weights) - entropy(chances @ weights)


def check(entropy_change):
    def of(weights, chances):
        return np.asarray(entropy_change(np.array(weights), np.array(chances)), dtype=float)

    constant = of([0.3, 0.3], [0.5, 0.5])
    if constant.shape != () or not np.isfinite(constant):
        return "The result should be one finite number, also where a weight is 0 or 1."
    if abs(constant) > 1e-9:
        return "If the random weight always is 0.3, nothing changes; by your result it does."
    coin = of([0.0, 1.0], [0.3, 0.7])
    if not coin < 0:
        return "The targets of a coin are whole labels. Is their entropy above that of their mean?"
    if abs(coin - (0.7 * np.log(0.7) + 0.3 * np.log(0.3))) > 1e-9:
        return (
            "A coin with 0.7 has whole labels, of entropy 0, and its mean is the target (0.7, 0.3)."
            " Your difference of the two entropies is another, or not in nats."
        )
    uniform = of((np.arange(2000) + 0.5) / 2000, np.full(2000, 1 / 2000))
    if abs(uniform - (0.5 - np.log(2))) > 1e-4:
        return "With a uniform weight the targets have ½ nat on average, and their mean has log 2."
    return None


def draw(rng):
    chances = rng.uniform(0.1, 1, size=4)
    return rng.uniform(0, 1, size=4), chances / chances.sum()


def wrong_entropy_of_the_weight(weights, chances):
    """Takes the entropy of the weight's own law, which is not that of the targets.

    Say: you ask how uncertain the weight is. How uncertain is the label that a weight of 0.3 makes?
    """
    mean = chances @ weights
    return special.entr(chances).sum() - special.entr(mean) - special.entr(1 - mean)


def wrong_order(weights, chances):
    """Subtracts the two the other way round.

    Say: which of the two is larger? Entropy is concave, and a coin has whole labels.
    """
    return -entropy_change(weights, chances)


def wrong_one_class(weights, chances):
    """Counts −γ log γ of the first class, and forgets the second.

    Say: the target has two entries, γ and 1 − γ, and its entropy two terms.
    """
    return chances @ special.entr(weights) - special.entr(chances @ weights)


def wrong_bits(weights, chances):
    """Measures entropy in bits.

    Say: the book's logarithms are natural ones: the target half and half has log 2 = 0.69 nats.
    """
    return entropy_change(weights, chances) / np.log(2)
