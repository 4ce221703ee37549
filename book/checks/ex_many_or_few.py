import numpy as np
from scipy import integrate, special


def real_gain(k, spread, noise, runs):
    """The expected real gain of the best of k settings over the average one, in the normal model.

    k: the number of settings, at least 2. spread: σ_b, the standard deviation of the settings'
    true means. noise: σ, that of a single run. runs: N, the number of all runs; each setting has
    N/k of them, which need not be whole. Returns ρA of the theorem on the winner's curse, a number.
    """

    def density(z):
        return k * np.exp(-(z**2) / 2) / (2 * np.pi) ** 0.5 * special.ndtr(z) ** (k - 1)

    largest = integrate.quad(lambda z: z * density(z), -9, 9)[0]
    return largest * spread**2 / np.hypot(spread, noise * (k / runs) ** 0.5)


def check(real_gain):
    def gain(*case):
        return np.asarray(real_gain(*case), dtype=float)

    if gain(3, 1.0, 2.0, 30).shape != () or not np.isfinite(gain(3, 1.0, 2.0, 30)):
        return "The result should be one number."
    if not np.isclose(gain(2, 1.0, 0.0, 30), np.pi**-0.5, rtol=1e-3):
        return "Without noise the better of two is e₂ σ_b above the average, and e₂ is 1/√π."
    if not np.isclose(gain(3, 2.0, 4.0, 30), 2 * gain(3, 1.0, 2.0, 30), rtol=1e-3):
        return "Double both standard deviations: the gain should double."
    if not gain(3, 1.0, 2.0, 90) > gain(3, 1.0, 2.0, 30):
        return "More runs for the same settings should help to choose among them."
    rng = np.random.default_rng(0)
    for k, noise in ((3, 2.0), (10, 1.0), (30, 3.0)):
        true = rng.normal(size=(8000, k))
        seen = true + noise * (k / 30) ** 0.5 * rng.normal(size=true.shape)
        taken = -np.take_along_axis(true, seen.argmin(axis=1)[:, None], 1)
        if abs(gain(k, 1.0, noise, 30) - taken.mean()) > 0.04:
            return (
                f"Simulated with σ_b = 1, σ = {noise}, {k} settings and 30 runs in all, the gain "
                f"is about {taken.mean():.2f}, and yours is {gain(k, 1.0, noise, 30):.2f}."
            )
    return None


def draw(rng):
    return int(rng.integers(2, 60)), *rng.uniform(0.3, 3, size=2), 100


def agree(got, wanted):
    got = np.asarray(got, dtype=float)
    return got.shape == () and bool(np.isclose(got, wanted, rtol=1e-3))


def wrong_apparent(k, spread, noise, runs):
    """Gives A, what the winner seems to gain.

    Say: of the apparent gain only the share ρ is real.
    """
    tau = noise * (k / runs) ** 0.5
    return real_gain(k, spread, noise, runs) * (spread**2 + tau**2) / spread**2


def wrong_runs_not_shared(k, spread, noise, runs):
    """Gives each setting all runs.

    Say: N runs are there for all settings together. How many has each, and what is τ²?
    """
    return real_gain(k, spread, noise, runs * k)


def wrong_noise_of_one_run(k, spread, noise, runs):
    """Takes the noise of a single run for that of a mean.

    Say: a setting is judged by the mean of N/k runs. What is the variance of that?
    """
    return real_gain(k, spread, noise, k)


def wrong_bound(k, spread, noise, runs):
    """Takes √(2 log k) in place of e_k.

    Say: that is a bound, and well above e_k for small k. The chapter has e_k as an integral.
    """
    tau = noise * (k / runs) ** 0.5
    return np.sqrt(2 * np.log(k)) * spread**2 / np.hypot(spread, tau)
