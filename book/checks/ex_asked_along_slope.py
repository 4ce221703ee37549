import numpy as np


def asked(lam, slope):
    """The probability of a's class at λa + (1 − λ)b that a scheme asks for.

    λ is uniform, the label's weight is the logistic one of slope s, and no other pair has a mixture
    on the segment from a to b. lam: λ, an array of numbers strictly between 0 and 1. slope: s, from
    0 on. Returns an array like lam.
    """
    return lam**slope / (lam**slope + (1 - lam) ** slope)


def check(asked):
    lam = np.linspace(0.05, 0.95, 19)
    found = {s: np.asarray(asked(lam, s), dtype=float) for s in (0, 0.5, 1, 2, 30)}
    for s, values in found.items():
        if values.shape != lam.shape:
            return f"lam has the shape {lam.shape} and the result {values.shape}."
        if not (np.all(values >= 0) and np.all(values <= 1)):
            return f"A probability lies between 0 and 1; with the slope {s} one of yours does not."
        if not np.allclose(values + values[::-1], 1):
            return (
                "At λa + (1 − λ)b the probabilities of the two classes add up to 1, and b's is "
                f"a's at 1 − λ. With the slope {s} yours do not."
            )
    if not np.allclose(found[0], 0.5):
        return "With the slope 0 every label is half and half."
    if not np.allclose(found[1], lam):
        return "Slope 1 is MixUp. What does it ask for at the share λ?"
    if not np.allclose(found[30][lam > 0.6], 1, atol=1e-4):
        return "With a very large slope the nearer image gets nearly the whole label."
    odds = found[2] / (1 - found[2])
    if not np.allclose(odds, (found[0.5] / (1 - found[0.5])) ** 4):
        return (
            "The logit of a logistic weight is the slope times the logit of λ. Your logits at "
            "slope 2 are not four times those at slope ½."
        )
    return None


def draw(rng):
    return rng.uniform(0.02, 0.98, size=5), rng.uniform(0, 3)


def wrong_not_normalised(lam, slope):
    """Takes λ^s, without dividing by λ^s + (1 − λ)^s.

    Say: Write down b's probability in the same way, and add the two.
    """
    return lam**slope


def wrong_logistic_in_lam(lam, slope):
    """Takes the logistic function of s(λ − ½), and not of s times the logit of λ.

    Say: At the ends λ = 0 and 1 the logit is infinite. What does your formula say there?
    """
    return 1 / (1 + np.exp(-4 * slope * (lam - 0.5)))


def wrong_mirror(lam, slope):
    """Averages γ(λ) and γ(1 − λ), and gets ½ everywhere.

    Say: When the pair is drawn in the other order, b is first. Which weight is left for a's class?
    """
    return 0.5 + 0 * lam * slope


def wrong_twin_policy(lam, slope):
    """Doubles γ, which is the density of the DAT policy and not a probability.

    Say: Of all draws that end at this point, in which share is the label a's?
    """
    return 2 * lam**slope / (lam**slope + (1 - lam) ** slope)
