import numpy as np


def slope_factor(alpha):
    """The factor ρ by which DAT with the policy B(α, 1) multiplies the slopes of a linear fit.

    alpha: a positive number or an array of such numbers. The loss is the squared error, and the
    pairs are independent. Returns ρ for each alpha.
    """
    return alpha * (alpha + 2) / (alpha**2 + alpha + 2)


def check(slope_factor):
    alphas = np.array([1.0, 5.0, 1e6])
    rho = np.asarray(slope_factor(alphas), dtype=float)
    if rho.shape != alphas.shape:
        return f"alpha has the shape {alphas.shape} and the result {rho.shape}."
    if not np.isclose(rho[2], 1, atol=1e-4):
        return "For a very large α nothing moves, and the line stays where it is."
    if not np.allclose(rho[:2], [3 / 4, 35 / 32]):
        return "The chapter has ρ for two of these policies, B(1, 1) and B(5, 1). Yours are others."
    rng = np.random.default_rng(0)
    for alpha in (0.5, 3.0):
        mu = rng.beta(alpha, 1, size=200_000)
        x, partner = rng.normal(size=(2, 200_000))
        mixed = mu * x + (1 - mu) * partner
        fitted = mixed @ x / (mixed @ mixed)  # the plain slope is 1, as y = x
        if abs(slope_factor(alpha) - fitted) > 0.02:
            return (
                f"A line through 200,000 moved samples, α = {alpha}, has {fitted:.2f} times the "
                f"plain slope. Your ρ is {slope_factor(alpha):.2f}."
            )
    return None


def draw(rng):
    return (rng.uniform(0.2, 8, size=4),)


def wrong_one_share(alpha):
    """Forgets the partner's share of the variance, E(1 − μ)².

    Say: The mixed sample has two terms. Which squares stand in its variance?
    """
    return (alpha + 2) / (alpha + 1) + 0 * alpha


def wrong_square_of_the_mean(alpha):
    """Takes the squares of the means of μ and 1 − μ, and not the means of their squares.

    Say: E μ² is larger than (E μ)². Which of them is in the variance of a mixed sample?
    """
    mean = alpha / (alpha + 1)
    return mean / (mean**2 + (1 - mean) ** 2)


def wrong_upside_down(alpha):
    """Divides the factor of the variance by that of the covariance.

    Say: A slope is a covariance over a variance. Does DAT with B(1, 1) shrink or expand?
    """
    return (alpha**2 + alpha + 2) / (alpha * (alpha + 2))


def wrong_as_for_mixup(alpha):
    """Says that ρ is 1, as for MixUp.

    Say: That is true of MixUp. In DAT the label is not mixed, so the two factors differ.
    """
    return 1.0 + 0 * alpha
