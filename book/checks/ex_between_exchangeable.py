import numpy as np


def careless_law(labels, same_class):
    """Q of a careless pairing: how likely each ordered pair is.

    The first sample of the pair is any of the n, with equal chances. labels: n classes, as
    integers; each class has a sample, and there are two classes or more. same_class: if True, the
    partner is drawn uniformly from the samples of the first one's class, the sample itself
    included; if False, uniformly from those of all other classes. Returns Q, (n, n), where
    Q[i, j] is the probability that the pair is (sample i, sample j).
    """
    labels = np.asarray(labels)
    allowed = (labels[:, None] == labels) == same_class
    return allowed / allowed.sum(axis=1, keepdims=True) / len(labels)


def check(careless_law):
    labels = np.array([0, 1, 0, 2, 0, 1])
    for same_class in (True, False):
        law = np.asarray(careless_law(labels, same_class), dtype=float)
        case = f"With same_class = {same_class}"
        if law.shape != (6, 6):
            return f"{case} and six samples Q has the shape {law.shape}, not (6, 6)."
        if not np.isclose(law.sum(), 1):
            return f"{case} the probabilities of all pairs add up to {law.sum():.3f}, not to 1."
        if law[(labels[:, None] == labels) != same_class].any():
            return (
                f"{case} some pairs have a probability that can never be drawn: of which classes?"
            )
        if not np.allclose(law.sum(axis=1), 1 / 6):
            return (
                f"{case} each sample is the first one equally often; look at the sums of the rows."
            )
        for row in law:
            if not np.isclose(row[row > 0].min(), row.max()):
                return f"{case} all partners that a sample may have are equally likely."
    return None


def draw(rng):
    labels = np.concatenate([np.arange(3), rng.integers(0, 3, size=5)])
    return rng.permutation(labels), bool(rng.integers(2))


def wrong_all_pairs_alike(labels, same_class):
    """Makes all allowed pairs equally likely: the repaired pairing, not the careless one.

    Say: The careless pairing goes through the samples one by one. How often is each of them first?
    """
    allowed = (np.asarray(labels)[:, None] == labels) == same_class
    return allowed / allowed.sum()


def wrong_given_the_first(labels, same_class):
    """Gives the probability of the partner once the first sample is known.

    Say: Q(x, x') is the probability of the pair. With which probability is x the first?
    """
    allowed = (np.asarray(labels)[:, None] == labels) == same_class
    return allowed / allowed.sum(axis=1, keepdims=True)


def wrong_class_of_the_second(labels, same_class):
    """Divides by the number of candidates of the second sample, and not of the first.

    Say: It is the first sample that decides from how many the partner is drawn.
    """
    allowed = (np.asarray(labels)[:, None] == labels) == same_class
    return allowed / allowed.sum(axis=0) / len(labels)


def wrong_symmetrised(labels, same_class):
    """Makes Q symmetric, as it ought to be and is not.

    Say: Here Q is asked for as it is, before it is repaired. Is (a, b) as likely as (b, a)?
    """
    allowed = (np.asarray(labels)[:, None] == labels) == same_class
    law = allowed / allowed.sum(axis=1, keepdims=True) / len(labels)
    return (law + law.T) / 2
