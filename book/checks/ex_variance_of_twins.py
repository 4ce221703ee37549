import numpy as np
import torch

import umixup as um


def loss_variance(scheme, x, y, weights, draws, seed):
    """The variance of the cross-entropy of a single mixed sample, over pairs and ratios.

    scheme: a text such as "DAT(B(2,1))". x: a tensor of n samples, (n, d). y: their n classes.
    weights: a tensor (d, classes), for a model with the logits x @ weights. draws: how many mixed
    samples to draw, from independent pairs. seed: a whole number for your generator. Returns a
    number.
    """
    generator = torch.Generator().manual_seed(seed)
    i, j = torch.randint(len(x), (2, draws), generator=generator)
    lam, gamma = um.schemes.as_scheme(scheme).draw(draws, generator)
    labels = torch.eye(weights.shape[1], dtype=x.dtype)[y]
    target = um.mixing.mix(labels[i], labels[j], gamma)
    return float(um.losses.cross_entropy(um.mixing.mix(x[i], x[j], lam) @ weights, target).var())


def agree(got, wanted):
    try:
        got = np.asarray(got, dtype=float)
    except (TypeError, ValueError):
        return False
    return got.shape == () and bool(np.isclose(got, wanted, rtol=0.1))


def check(loss_variance):
    x, y = torch.ones(2, 1).double(), torch.tensor([0, 1])
    weights = torch.tensor([[0.0, 3.0]]).double()  # dog, whatever it sees
    for scheme, wanted in (("DAT(B(2,1))", 9 / 4), ("B(1,1)", 9 / 6)):
        found = np.asarray(loss_variance(scheme, x, y, weights, 20_000, 5), dtype=float)
        if found.shape != () or not np.isfinite(found):
            return "The variance should be one number."
        if abs(found / wanted - 1) > 0.05:
            return (
                "Take a cat, a dog and a model that pays 3.05 for the label cat and 0.05 for dog, "
                "whatever it sees. The pairs are cat-cat, cat-dog, dog-cat and dog-dog, and under "
                f"{scheme} a loss has the variance {wanted:g}. Yours is {found:.3g}."
            )
    if loss_variance("B(1,1)", x, y, 0 * weights, 100, 1) > 1e-9:
        return "With all weights at 0 every loss is log 2, and nothing varies."
    return None


def draw(rng):
    x, weights = (
        torch.from_numpy(rng.normal(size=(8, 3))),
        torch.from_numpy(rng.normal(size=(3, 4))),
    )
    scheme = rng.choice(["B(1,1)", "UMixUp(B(1,1),CDF(2,1))", "DAT(B(2,1))"])
    return str(scheme), x, torch.from_numpy(rng.integers(0, 4, size=8)), weights, 40_000, 7


def wrong_label_mixed_by_lambda(scheme, x, y, weights, draws, seed):
    """Mixes the label by λ, whatever the scheme.

    Say: DAT never mixes a label, and each scheme has a weight γ of its own. Which one do you use?
    """
    tied = um.umixup(um.parse(scheme).policy, lambda v: v)
    return loss_variance(tied, x, y, weights, draws, seed)


def wrong_of_the_mean(scheme, x, y, weights, draws, seed):
    """Gives the variance of the mean of all draws.

    Say: The mean of many losses varies little, and less with each draw. What is asked is how a
    single loss varies.
    """
    return loss_variance(scheme, x, y, weights, draws, seed) / draws


def wrong_one_ratio(scheme, x, y, weights, draws, seed):
    """Draws one ratio for all pairs.

    Say: The ratio of a sample is part of its luck. Draw one for each pair.
    """
    lam, gamma = um.parse(scheme).draw(1, torch.Generator().manual_seed(seed))
    common = um.umixup(um.policies.PointMass(float(lam)), lambda v: 0 * v + gamma)
    return loss_variance(common, x, y, weights, draws, seed)


def wrong_averaged_over_ratios(scheme, x, y, weights, draws, seed):
    """Averages over λ first, and gives the variance over the pairs.

    Say: A mean over λ has lost that part of the luck. Let pair and ratio be drawn together.
    """
    generator = torch.Generator().manual_seed(seed)
    i, j = torch.randint(len(x), (2, draws // 20), generator=generator).repeat_interleave(20, dim=1)
    lam, gamma = um.parse(scheme).draw(len(i), generator)
    labels = torch.eye(weights.shape[1], dtype=x.dtype)[y]
    target = um.mixing.mix(labels[i], labels[j], gamma)
    losses = um.losses.cross_entropy(um.mixing.mix(x[i], x[j], lam) @ weights, target)
    return float(losses.reshape(-1, 20).mean(dim=1).var())
