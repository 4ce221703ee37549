import numpy as np


def mean_increase(x, mean, covariance, gradient, hessian, m1, m2):
    """The mean increase of the loss at a sample under DAT's moves, to second order.

    x: the sample, (d,). mean, covariance: of the training samples, (d,) and (d, d); the covariance
    is taken with 1/n. gradient, hessian: of the loss at x, (d,) and (d, d). m1, m2: the means of
    1 − μ and of (1 − μ)². The partner is any training sample, with equal chances, and independent
    of μ. Returns a number.
    """
    way = mean - x
    spread = covariance + np.outer(way, way)
    return m1 * gradient @ way + m2 * np.sum(hessian * spread) / 2


def check(mean_increase):
    rng = np.random.default_rng(0)
    samples = rng.normal(1, 1, size=(30, 3))
    mean, covariance = samples.mean(axis=0), np.cov(samples.T, bias=True)
    gradient, hessian = rng.normal(size=3), np.diag([1.0, 2.0, 4.0])
    here, flat, none = samples[0], np.zeros((3, 3)), np.zeros(3)

    def yours(x, g, curvature, m1=0.4, m2=0.25):
        return np.asarray(mean_increase(x, mean, covariance, g, curvature, m1, m2), dtype=float)

    def played(
        x, g, curvature
    ):  # every partner; 1 − μ is 0.1 or 0.7, so that m1 = 0.4 and m2 = 0.25
        moves = np.concatenate([share * (samples - x) for share in (0.1, 0.7)])
        return np.mean([g @ v + v @ curvature @ v / 2 for v in moves])

    if yours(here, gradient, hessian).shape != ():
        return "The mean increase at one sample is a single number."
    if not np.isclose(yours(here, gradient, flat), played(here, gradient, flat)):
        return "Without curvature only the mean move counts. Where does it lead to, and how far?"
    if not np.isclose(yours(mean, none, hessian), played(mean, none, hessian)):
        return (
            "Take a sample at the mean and a gradient of zero: what is left is Σ and the Hessian."
        )
    if not np.isclose(yours(here, none, hessian), played(here, none, hessian)):
        return "The second moment of x' − x is not Σ alone unless x lies at the mean of the data."
    if not np.isclose(yours(here, gradient, hessian), played(here, gradient, hessian)):
        return "Each of the two orders is right alone, and their sum is not."
    return None


def draw(rng):
    a, b = rng.normal(size=(2, 4, 4))
    m1 = rng.uniform(0.2, 0.5)
    x, mean, gradient = rng.normal(size=(3, 4))
    return x, mean, a @ a.T, gradient, b + b.T, m1, rng.uniform(m1**2, m1)


def wrong_covariance_alone(x, mean, covariance, gradient, hessian, m1, m2):
    """Takes Σ for the second moment of x' − x.

    Say: Write x' − x as (x' − x̄) + (x̄ − x), and multiply out. Does the second bracket vanish?
    """
    return m1 * gradient @ (mean - x) + m2 * np.trace(hessian @ covariance) / 2


def wrong_no_half(x, mean, covariance, gradient, hessian, m1, m2):
    """Forgets the ½ of Taylor's second term.

    Say: Expand a parabola by hand: what stands before the second derivative?
    """
    way = mean - x
    return m1 * gradient @ way + m2 * np.sum(hessian * (covariance + np.outer(way, way)))


def wrong_square_of_the_mean(x, mean, covariance, gradient, hessian, m1, m2):
    """Takes the square of the mean length for the mean square.

    Say: In the second-order term the length of the move is squared before the mean is taken.
    """
    way = mean - x
    spread = covariance + np.outer(way, way)
    return m1 * gradient @ way + m1**2 * np.sum(hessian * spread) / 2


def wrong_away_from_the_mean(x, mean, covariance, gradient, hessian, m1, m2):
    """Lets the mean move lead away from the mean of the data.

    Say: The move is (1 − μ)(x' − x): it starts at x. Where does it lead, if x' is at the mean?
    """
    way = x - mean
    spread = covariance + np.outer(way, way)
    return m1 * gradient @ way + m2 * np.sum(hessian * spread) / 2
