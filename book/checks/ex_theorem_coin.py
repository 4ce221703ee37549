import numpy as np
import torch
from scipy import stats

import umixup as um


def after_the_coin(scheme, draws, seed):
    """Ratios of a scheme after the coin: those that DAT would have drawn.

    scheme: a text such as "U(B(2.2,0.9))". draws: how many ratios; each has a coin of its own.
    seed: a whole number for your generator. Returns as many numbers, an array or a tensor.
    """
    generator = torch.Generator().manual_seed(seed)
    lam, gamma = um.parse(scheme).draw(draws, generator)
    keep = torch.rand(draws, generator=generator) < gamma
    return torch.where(keep, lam, 1 - lam)


def agree(got, wanted):
    try:
        got, wanted = np.asarray(got, dtype=float), np.asarray(wanted, dtype=float)
    except (TypeError, ValueError):
        return False
    return got.shape == wanted.shape and stats.ks_2samp(got, wanted).pvalue > 1e-5


def check(after_the_coin):
    fixed = np.asarray(after_the_coin("P(0.7)", 2000, 1), dtype=float)
    if fixed.shape != (2000,):
        return f"For 2,000 draws the result has the shape {fixed.shape}: one number for each draw."
    kept = np.isclose(fixed, 0.7, atol=1e-5).mean()
    if kept + np.isclose(fixed, 0.3, atol=1e-5).mean() < 1:
        return (
            "MixUp at the fixed ratio 0.7 gives 0.7 after heads, 0.3 after tails, and nothing else."
        )
    if abs(kept - 0.7) > 0.05:
        return (
            f"MixUp at the fixed ratio 0.7: you keep it in {100 * kept:.0f} % of the draws. Which "
            "coin does each pair toss, and what happens on tails?"
        )
    skew = np.asarray(after_the_coin("U(B(0.5,2))", 4000, 2), dtype=float)
    if stats.kstest(skew, stats.beta(0.5, 2).cdf).pvalue < 1e-5:
        return (
            "After the coin the ratios of U(q) should have the distribution q. For q = B(0.5, 2) "
            f"the mean is 0.2, and yours is {skew.mean():.3f}."
        )
    return None


def draw(rng):
    a, b = rng.uniform(0.5, 3, size=2)
    kind = rng.choice(["U(B({:.2f},{:.2f}))", "B({:.2f},{:.2f})"])
    return str(kind).format(a, b), 5000, int(rng.integers(1000))


def wrong_tails_keep_the_ratio(scheme, draws, seed):
    """Leaves the ratio as it is on tails.

    Say: On tails the other sample keeps its label. What is its share of the mixed picture?
    """
    return um.parse(scheme).draw(draws, torch.Generator().manual_seed(seed))[0]


def wrong_coin_of_the_ratio(scheme, draws, seed):
    """Tosses a coin with the probability λ, which is right for MixUp alone.

    Say: The coin shows heads as often as the label keeps its weight. What is the weight here?
    """
    generator = torch.Generator().manual_seed(seed)
    lam, _ = um.parse(scheme).draw(draws, generator)
    return torch.where(torch.rand(draws, generator=generator) < lam, lam, 1 - lam)


def wrong_one_coin(scheme, draws, seed):
    """Tosses one coin for all pairs.

    Say: Each pair has its own coin. How many random numbers do you draw besides the ratios?
    """
    generator = torch.Generator().manual_seed(seed)
    lam, gamma = um.parse(scheme).draw(draws, generator)
    return torch.where(torch.rand(1, generator=generator) < gamma, lam, 1 - lam)


def wrong_sides_exchanged(scheme, draws, seed):
    """Reflects on heads and keeps on tails.

    Say: Take the ratio 0.7, and MixUp. How often should it be 0.7 after the coin?
    """
    return 1 - after_the_coin(scheme, draws, seed)
