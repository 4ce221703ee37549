import numpy as np


def policy_of(move, slope):
    """The numbers α and β of the Beta policy with this mean move and this slope, if there is one.

    move: the mean of 1 − μ for μ from B(α, β), between 0 and 1 and not ½. slope: α − β, not 0.
    Returns the pair (α, β), or None where no Beta policy has these two.
    """
    total = slope / (1 - 2 * move)
    return (total * (1 - move), total * move) if total > 0 else None


def check(policy_of):
    for move, slope in ((0.2, 0.4), (0.45, 1.3), (0.7, -0.5)):
        found = np.asarray(policy_of(move, slope), dtype=float)
        if found.shape != (2,):
            return f"Two numbers, please: a policy has the mean move {move} and the slope {slope}."
        alpha, beta = found
        if abs(alpha - beta - slope) > 1e-6:
            return f"For the slope {slope} your α − β is {alpha - beta:.3f}."
        if min(found) <= 0:
            return f"Both numbers of a Beta policy are positive; yours are {alpha:g} and {beta:g}."
        if abs(beta / (alpha + beta) - move) > 1e-6:
            return (
                f"B({alpha:.3f}, {beta:.3f}) has the mean {alpha / (alpha + beta):.3f}. The mean "
                f"move is that of 1 − μ, and it should be {move}."
            )
    if not np.allclose(policy_of(1 / 3, 1), [2, 1]):
        return "MixUp with a uniform λ is the policy B(2, 1). Do you find it?"
    for move, slope in ((0.7, 0.5), (0.3, -0.5)):
        if policy_of(move, slope) is not None:
            return (
                f"For the mean move {move} and the slope {slope} you give a policy. Look at the "
                "signs of its two numbers."
            )
    return None


def draw(rng):
    move = rng.uniform(0.05, 0.45)
    return rng.choice([move, 1 - move]), rng.choice([-1, 1]) * rng.uniform(0.1, 2)


def wrong_mean_for_move(move, slope):
    """Takes the mean of μ for the mean move, which is that of 1 − μ.

    Say: μ is the share that a sample keeps. What is the move of plain training, where μ = 1?
    """
    return policy_of(1 - move, slope)


def wrong_any_signs(move, slope):
    """Does not ask whether the two numbers are positive.

    Say: Your equations have a solution, but is there a Beta policy with these two numbers?
    """
    total = slope / (1 - 2 * move)
    return total * (1 - move), total * move


def wrong_below_the_middle_alone(move, slope):
    """Leaves out the policies of negative slope.

    Say: B(1, 2) is a policy like any other. What are its mean move and its slope?
    """
    return policy_of(move, slope) if slope > 0 and move < 0.5 else None
