import numpy as np


def ece_by_chance(v, bins, draws, seed):
    """The mean ECE of a network whose labels are drawn from its own probabilities.

    v: probabilities, (n, classes). bins: how many bins of equal width from 0 to 1. draws: how often
    all n labels are drawn; the ECE of each draw is taken, and then their mean. seed: of the draws,
    an integer. Returns a number, from 0 to 1.
    """
    sure, which = v.max(axis=1), np.minimum((v.max(axis=1) * bins).astype(int), bins - 1)
    right = np.random.default_rng(seed).random((10 * draws, len(v))) < sure
    gaps = (right - sure) @ np.eye(bins)[which]
    return np.abs(gaps).sum(axis=1).mean() / len(v)


def check(ece_by_chance):
    rng = np.random.default_rng(0)
    v = rng.dirichlet([0.6, 0.6, 0.6], size=400)
    found = {bins: np.asarray(ece_by_chance(v, bins, 15, 1), dtype=float) for bins in (1, 4, 60)}
    if any(value.shape != () for value in found.values()):
        return "One number is asked for, the mean over all draws."
    if not all(np.isfinite(value) for value in found.values()):
        return "The result is no number. What becomes of a bin that has no sample?"
    half = np.full((400, 2), [0.5001, 0.4999])
    told = float(ece_by_chance(half, 4, 80, 2))
    tosses = np.abs(rng.binomial(400, 0.5, size=20_000) / 400 - 0.5).mean()
    if abs(told - tosses) > 0.4 * tosses:
        return (
            "Of 400 answers of about 50 %, the share of right ones strays from ½ by "
            f"{tosses:.4f} in the mean, as that of 400 tosses of a coin does. Yours is {told:.4f}."
        )
    if not found[1] < found[4] < found[60]:
        return (
            f"With 1, 4 and 60 bins you find {found[1]:.4f}, {found[4]:.4f} and {found[60]:.4f}. "
            "Chance adds up from bin to bin; it should not cancel."
        )
    if found[60] > 0.2:
        return (
            "So large an ECE is not chance. Are the labels drawn from each sample's own row of v?"
        )
    return None


def draw(rng):
    v = rng.dirichlet(np.full(4, 0.5), size=300)
    return np.maximum(v, 1e-9), int(rng.integers(15, 40)), 30, int(rng.integers(1000))


def agree(got, wanted):
    got = np.asarray(got, dtype=float)
    return got.shape == () and bool(abs(got - wanted) < 0.25 * wanted)


def wrong_most_likely(v, bins, draws, seed):
    """Takes the likeliest class as the label, so that every answer is right.

    Say: A calibrated network that says 70 % is wrong in three cases of ten. Draw the labels.
    """
    return np.mean(1 - v.max(axis=1)) + 0 * (bins + draws + seed)


def wrong_uniform_labels(v, bins, draws, seed):
    """Draws labels uniformly from all classes.

    Say: Then the network is far from calibrated. Draw each label from its own row of v.
    """
    sure, which = v.max(axis=1), np.minimum((v.max(axis=1) * bins).astype(int), bins - 1)
    right = np.random.default_rng(seed).random((draws, len(v))) < 1 / v.shape[1]
    gaps = (right - sure) @ np.eye(bins)[which]
    return np.abs(gaps).sum(axis=1).mean() / len(v)


def wrong_all_draws_at_once(v, bins, draws, seed):
    """Puts all draws into one large sample, and takes its ECE.

    Say: In a sample a hundred times as large chance is a tenth. Take the ECE of each draw first.
    """
    sure, which = v.max(axis=1), np.minimum((v.max(axis=1) * bins).astype(int), bins - 1)
    right = np.random.default_rng(seed).random((draws, len(v))) < sure
    gaps = (right - sure) @ np.eye(bins)[which]
    return np.abs(gaps.mean(axis=0)).sum() / len(v)


def wrong_signed(v, bins, draws, seed):
    """Adds the gaps of the bins with their signs, so that they cancel.

    Say: A bin that says too much does not mend one that says too little. Where is the |·|?
    """
    sure = v.max(axis=1)
    right = np.random.default_rng(seed).random((draws, len(v))) < sure
    return np.abs(np.mean(right - sure, axis=1)).mean() + 0 * bins


def wrong_bins_alike(v, bins, draws, seed):
    """Takes the mean gap of the bins, and not the mean weighted by their samples.

    Say: A bin with three samples counts less than one with a hundred. What are the weights?
    """
    sure, which = v.max(axis=1), np.minimum((v.max(axis=1) * bins).astype(int), bins - 1)
    right = np.random.default_rng(seed).random((draws, len(v))) < sure
    gaps, many = (right - sure) @ np.eye(bins)[which], np.bincount(which, minlength=bins)
    return np.abs(gaps / np.maximum(many, 1)).mean()
