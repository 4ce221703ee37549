import numpy as np


def mean_move(alpha, beta):
    """The mean move E[1 − μ] of MixUp with λ from B(α, β).

    alpha, beta: positive numbers. Returns a number.
    """
    return 2 * alpha * beta / ((alpha + beta) * (alpha + beta + 1))


def check(mean_move):
    found = np.asarray([mean_move(*ab) for ab in ((1.0, 1.0), (2.0, 0.5), (0.5, 2.0))], dtype=float)
    if found.shape != (3,) or not np.isfinite(found).all():
        return "For each pair of parameters the result should be one finite number."
    if found.min() < 0 or found.max() > 0.5:
        return "No MixUp moves further than ½ on average, and none less than 0; yours does."
    if abs(found[0] - 1 / 3) > 1e-6:
        return "For a uniform λ the density of μ is 2μ. What is the mean of 1 − μ?"
    if abs(found[1] - found[2]) > 1e-6:
        return "B(2, 0.5) and B(0.5, 2) are mirror images, and MixUp cannot tell λ from 1 − λ."
    rng = np.random.default_rng(0)
    for ab in ((0.3, 0.3), (2.0, 0.5), (5.0, 3.0)):
        lam = rng.beta(*ab, 200_000)
        move = np.where(rng.random(200_000) < lam, 1 - lam, lam)
        if abs(mean_move(*ab) - move.mean()) > 5 * move.std() / 200_000**0.5:
            return f"We tossed for λ from B{ab}: the mean move is {move.mean():.3f}, not yours."
    return None


def draw(rng):
    return tuple(rng.uniform(0.2, 5, size=2))


def wrong_dat(alpha, beta):
    """Gives the mean move of DAT with this policy, where only the first sample moves.

    Say: MixUp tosses a coin that shows heads with probability λ. What is 1 − μ on tails?
    """
    return beta / (alpha + beta)


def wrong_heads_alone(alpha, beta):
    """Counts heads alone, and gets half of the move.

    Say: on heads the move is 1 − λ, with probability λ. What does tails add?
    """
    return alpha * beta / ((alpha + beta) * (alpha + beta + 1))


def wrong_product_of_means(alpha, beta):
    """Takes E[λ] E[1 − λ] for E[λ(1 − λ)].

    Say: λ and 1 − λ are not independent. What is E[λ²] of a Beta distribution?
    """
    return 2 * alpha * beta / (alpha + beta) ** 2
