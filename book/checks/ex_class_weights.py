import numpy as np
import torch


def mean_over_coins(losses, losses2, omega, omega2, gamma):
    """The mean, over all outcomes of a batch's coins, of PyTorch's weighted average of the losses.

    Each pair tosses a coin of its own for its label. The average of one outcome is over the labels
    that were tossed: weights times losses, divided by the sum of the weights.

    losses, losses2: cross-entropy of each pair with its first and with its second label, without
    class weights, tensors, (B,), for B from 2 to 8. omega, omega2: the class weights of these
    labels, (B,). gamma: the chance of heads, which is the first label, (B,). Returns a number.
    """
    heads = torch.cartesian_prod(*[torch.tensor([True, False])] * len(gamma))
    chance = torch.where(heads, gamma, 1 - gamma).prod(dim=1)
    weight = torch.where(heads, omega, omega2)
    loss = torch.where(heads, losses, losses2)
    return float(chance @ ((weight * loss).sum(dim=1) / weight.sum(dim=1)))


def check(mean_over_coins):
    generator = torch.Generator().manual_seed(0)
    losses = torch.tensor([0.0, 3.0, 0.5, 2.0], dtype=torch.float64)
    losses2 = torch.tensor([3.0, 0.0, 2.5, 1.0], dtype=torch.float64)
    g = torch.tensor([0.7, 0.4, 0.8, 0.3], dtype=torch.float64)
    omega = torch.tensor([1.0, 9.0, 1.0, 9.0], dtype=torch.float64)
    omega2 = torch.tensor([9.0, 1.0, 9.0, 1.0], dtype=torch.float64)
    one = torch.ones_like(g)

    def of(*arguments):
        return np.asarray(mean_over_coins(*arguments), dtype=float)

    found = of(losses, losses2, one, one, g)
    if found.shape != () or not np.isfinite(found):
        return "The result should be one finite number."
    if abs(found - float((g * losses + (1 - g) * losses2).mean())) > 1e-9:
        return (
            "If all weights are 1, the mean over the coins is that of γ ℓ + (1 − γ) ℓ′; yours is"
            " not. Does every outcome count with its probability?"
        )
    if abs(of(losses, losses2, omega, omega2, one) - float(omega @ losses / omega.sum())) > 1e-9:
        return "If all coins show heads, the weighted average of the first losses should be left."
    if abs(of(one, one, omega, omega2, g) - 1) > 1e-9:
        return (
            "If every loss is 1, so is every average of them; yours is not. What is it divided by?"
        )
    tossed = torch.rand(100_000, 4, generator=generator, dtype=torch.float64) < g
    weight = torch.where(tossed, omega, omega2)
    values = (weight * torch.where(tossed, losses, losses2)).sum(dim=1) / weight.sum(dim=1)
    error = float(values.std()) / 100_000**0.5
    if abs(of(losses, losses2, omega, omega2, g) - float(values.mean())) > 5 * error:
        return (
            f"The mean of 100,000 tosses is {float(values.mean()):.4f}, and yours is another: is"
            " each outcome divided by its own weights, and are the coins independent?"
        )
    return None


def draw(rng):
    return tuple(
        torch.from_numpy(rng.uniform(low, high, size=5))
        for low, high in ((0, 3), (0, 3), (0.2, 5), (0.2, 5), (0.05, 0.95))
    )


def wrong_quotient_of_means(losses, losses2, omega, omega2, gamma):
    """Divides the mean of the weighted losses by the mean of the weights.

    Say: each outcome is divided by its own weights. Is the mean of quotients that of means?
    """
    above = gamma * omega * losses + (1 - gamma) * omega2 * losses2
    return float(above.sum() / (gamma * omega + (1 - gamma) * omega2).sum())


def wrong_by_number(losses, losses2, omega, omega2, gamma):
    """Divides by the number of pairs, as for mixed labels.

    Say: a tossed label is a class number. What does PyTorch divide by for these?
    """
    return float((gamma * omega * losses + (1 - gamma) * omega2 * losses2).mean())


def wrong_halves(losses, losses2, omega, omega2, gamma):
    """Knows the outcomes all heads and all tails alone: one coin for the batch.

    Say: each pair has a coin of its own. How many outcomes have four coins?
    """
    g = gamma.mean()
    heads, tails = omega @ losses / omega.sum(), omega2 @ losses2 / omega2.sum()
    return float(g * heads + (1 - g) * tails)
