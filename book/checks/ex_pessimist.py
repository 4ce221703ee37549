import numpy as np


def optimism_of_two(first, after_minus, after_plus):
    """The optimism of a search that tries two settings, the second picked by the first's result.

    first: the true mean of the setting that is tried first. after_minus: the true mean of the
    setting that is tried next if the first one's noise was −1. after_plus: if it was +1. All are
    numbers. Noise is ±1 with probability ½ each, and independent; the lower of the two estimates
    wins, and a tie goes to the first. Returns the optimism ω, the mean of the winner's true mean
    less its estimate.
    """
    total = 0.0
    for noise, second in ((-1, after_minus), (1, after_plus)):
        for other_noise in (-1, 1):
            first_wins = first + noise <= second + other_noise
            total -= (noise if first_wins else other_noise) / 4
    return total


def check(optimism_of_two):
    def optimism(*means):
        return np.asarray(optimism_of_two(*means), dtype=float)

    if optimism(0.0, 0.5, 1.5).shape != () or not np.isfinite(optimism(0.0, 0.5, 1.5)):
        return "The result should be one number."
    if not np.isclose(optimism(0.0, -9.0, -9.0), 0):
        return "A second setting that always wins has noise of mean 0: no optimism."
    if not np.isclose(optimism(0.0, 9.0, 9.0), 0):
        return "A second setting that never wins leaves the first one's noise, of mean 0."
    if not np.isclose(optimism(2.0, 2.0, 2.0), 0.5):
        return (
            "Two equally good settings, whatever the first result was: the lower estimate has "
            "its noise at −1 three times in four. What is ω?"
        )
    rng = np.random.default_rng(0)
    noise, other_noise = rng.choice([-1, 1], size=(2, 100_000))
    for means in ((0.0, 0.5, -0.3), (0.0, -0.5, 1.5), (0.0, 2.5, -1.1)):
        second = np.where(noise < 0, *means[1:])
        wins = means[0] + noise <= second + other_noise
        simulated = -np.where(wins, noise, other_noise).mean()
        if abs(optimism(*means) - simulated) > 0.03:
            return (
                f"Simulated with true means {means[0]}, {means[1]} after −1 and {means[2]} after "
                f"+1, the optimism is about {simulated:.2f}, and yours is {optimism(*means):.2f}."
            )
    return None


def draw(rng):
    return tuple(rng.uniform(-3, 3, size=3))


def wrong_sign(first, after_minus, after_plus):
    """Takes the estimate less the true mean.

    Say: ω is how much worse the winner is than it looks. Which of the two comes with a minus?
    """
    return -optimism_of_two(first, after_minus, after_plus)


def wrong_regret(first, after_minus, after_plus):
    """Gives the regret among the settings tried, and not the optimism.

    Say: regret compares true means. Optimism compares the winner's true mean with its estimate.
    """
    total = 0.0
    for noise, second in ((-1, after_minus), (1, after_plus)):
        for other_noise in (-1, 1):
            winner = first if first + noise <= second + other_noise else second
            total += (winner - min(first, second)) / 4
    return total


def wrong_second_without_noise(first, after_minus, after_plus):
    """Sees the second setting's true mean in place of an estimate.

    Say: the second result has noise, too. Go through all four falls of the two coins.
    """
    wins = [first - 1 <= after_minus, first + 1 <= after_plus]
    return (wins[0] * 1 - wins[1] * 1) / 2
