import numpy as np


def blind_log_loss(shares):
    """The mean log-loss, in nats, of the calibrated classifier that never looks at the image.

    shares: of each class, positive numbers that add up to 1. Returns a number.
    """
    shares = np.asarray(shares)
    return -np.sum(shares * np.log(shares))


def check(blind_log_loss):
    even = np.asarray(blind_log_loss(np.full(8, 1 / 8)), dtype=float)
    if even.shape != ():
        return f"A mean log-loss is one number, and the result has the shape {even.shape}."
    if not np.isclose(even, np.log(8)):
        return f"With eight equal classes each answer costs log 8 = {np.log(8):.3f} nats."
    sure = float(blind_log_loss(np.array([1 - 1e-9, 1e-9])))
    if abs(sure) > 1e-6:
        return (
            "If nearly all samples are of one class, one may be sure without looking, and pays 0."
        )
    shares = np.array([0.6, 0.3, 0.1])
    told, seen = float(blind_log_loss(shares)), []
    labels = np.random.default_rng(0).choice(3, size=100_000, p=shares)
    for other in (np.array([0.4, 0.3, 0.3]), np.array([0.8, 0.15, 0.05]), np.full(3, 1 / 3)):
        seen.append(-np.log(other[labels]).mean())
    if told > min(seen):
        return (
            f"For the shares 0.6, 0.3, 0.1 some other constant prediction pays {min(seen):.3f}, "
            "less than yours. Is yours calibrated, and did you weigh each class by its share?"
        )
    if told < 0.6:
        return (
            "For the shares 0.6, 0.3, 0.1 no constant prediction pays as little as that. How often "
            "is each class the true one?"
        )
    return None


def draw(rng):
    return (rng.dirichlet(np.full(int(rng.integers(2, 10)), 2.0)),)


def wrong_largest_share(shares):
    """Takes the log-loss of the samples of the largest class only.

    Say: The other classes occur as well, and cost more. Take the mean over all samples.
    """
    return -np.log(np.max(shares))


def wrong_number_of_classes(shares):
    """Takes log C, which is right for balanced classes alone.

    Say: With unequal shares a blind classifier can do better than to call all classes equal.
    """
    return np.log(len(shares))


def wrong_mean_over_classes(shares):
    """Averages −log of the shares over the classes, each as often as any other.

    Say: A common class is met more often than a rare one. With which weights is the mean taken?
    """
    return -np.mean(np.log(shares))


def wrong_bits(shares):
    """Takes logarithms with base 2.

    Say: The chapter measures in nats: natural logarithms.
    """
    return -np.sum(shares * np.log2(shares))
