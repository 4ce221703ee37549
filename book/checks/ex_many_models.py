import numpy as np

import umixup as um


def pairs_for_models(models, epsilon, delta, failure):
    """How many pairs are enough, by the theorem on the tail, for several networks at once.

    models: how many networks, fixed beforehand. epsilon: by how much the loss of each may differ
    from its expectation. delta: no spread is larger. failure: the probability, 0.05 in the text,
    with which it may be otherwise for one network or more. Returns n, rounded up or not.
    """
    return delta**2 * np.log(2 * models / failure) / (2 * epsilon**2)


def agree(got, wanted):
    try:
        got = np.asarray(got, dtype=float)
    except (TypeError, ValueError):
        return False
    return got.shape == () and abs(float(got) - wanted) <= 1 + 1e-6 * wanted


def check(pairs_for_models):
    ns = [pairs_for_models(10**k, 0.1, 2.0, 0.05) for k in range(5)]
    try:
        ns = np.asarray(ns, dtype=float)
    except TypeError:
        ns = np.array(np.nan)
    if ns.shape != (5,) or not np.isfinite(ns).all():
        return "The number of pairs should be one number."
    one = um.bounds.pairs_needed(0.1, 2.0, 0.05)
    if abs(ns[0] - one) > 1:
        return (
            f"A single network needs {one} pairs by the theorem on the tail; you find {ns[0]:.1f}."
        )
    steps = np.diff(ns)
    if steps.min() <= 1:
        return "More networks need more pairs, and 10 of them as many as one in your formula."
    if np.ptp(steps) > 2:
        return (
            "Ten times as many networks should add the same number of pairs, whether you go from 1 "
            f"to 10 or from 1,000 to 10,000. You add {steps[0]:.0f} and {steps[-1]:.0f}."
        )
    if abs(pairs_for_models(100, 0.05, 2.0, 0.05) - 4 * ns[2]) > 5:
        return "Half the ε should cost four times the pairs, for 100 networks as for one."
    return None


def draw(rng):
    models = int(rng.integers(2, 10**6))
    return models, rng.uniform(0.01, 0.2), rng.uniform(0.5, 8), rng.uniform(0.001, 0.2)


def wrong_models_left_out(models, epsilon, delta, failure):
    """Takes the pairs of a single network.

    Say: Each fails with the probability 0.05 then. How likely is it that one of them fails?
    """
    return delta**2 * np.log(2 / failure) / (2 * epsilon**2)


def wrong_pairs_for_each(models, epsilon, delta, failure):
    """Multiplies the pairs by the number of networks.

    Say: All networks see the same pairs. It is the probabilities of failure that add up.
    """
    return models * delta**2 * np.log(2 / failure) / (2 * epsilon**2)


def wrong_one_side(models, epsilon, delta, failure):
    """Bounds one side of the deviation alone.

    Say: The loss can be too large or too small. Where does the factor 2 of the theorem come from?
    """
    return delta**2 * np.log(models / failure) / (2 * epsilon**2)
