import numpy as np


def even_law(y, h):
    """The exchangeable Q with partners of near labels, under which all are drawn equally often.

    y: n labels, numbers. h: the width of the kernel k[i, j] = exp(−(y[i] − y[j])² / 2h²). Returns
    Q, (n, n), of the form s[i] k[i, j] s[j] with positive s.
    """
    k, s = np.exp(-((y[:, None] - y) ** 2) / (2 * h**2)), np.ones(len(y))
    for _ in range(1000):
        s = np.sqrt(s / (len(y) * (k @ s)))
    return s[:, None] * k * s


def check(even_law):
    y = np.array([-1.5, -0.8, -0.7, 0.0, 0.1, 0.6, 2.0])
    law = np.asarray(even_law(y, 0.7), dtype=float)
    if law.shape != (7, 7):
        return f"For seven labels Q has the shape {law.shape}, not (7, 7)."
    if not np.all(law > 0):
        return "No pair has the probability 0 under such a kernel, and none less than that."
    if not np.isclose(law.sum(), 1, atol=1e-5):
        return f"The probabilities of all pairs add up to {law.sum():.4f}, not to 1."
    if not np.allclose(law, law.T, atol=1e-6):
        return "Your Q is not symmetric, so that the pairs are not exchangeable."
    if not np.allclose(law.sum(axis=1), 1 / 7, atol=1e-5):
        return "Some sample is drawn more often than others: look at the sums of the rows."
    ratio = np.log(law) + (y[:, None] - y) ** 2 / (2 * 0.7**2)
    if not np.allclose(ratio, ratio[:, :1] + ratio[:1] - ratio[0, 0], atol=1e-3):
        return "Q / k should be a product s[i] s[j], and yours is not: partners are not near ones."
    return None


def draw(rng):
    return rng.normal(size=8), rng.uniform(0.4, 1)


def agree(got, wanted):
    got = np.asarray(got, dtype=float)
    return got.shape == wanted.shape and bool(np.allclose(got, wanted, atol=1e-5))


def wrong_row_by_row(y, h):
    """Divides each row by its sum: each sample is the first equally often, and Q not symmetric.

    Say: Dividing the rows changes the columns. Multiply row i and column i by one and the same s.
    """
    k = np.exp(-((y[:, None] - y) ** 2) / (2 * h**2))
    return k / k.sum(axis=1, keepdims=True) / len(y)


def wrong_symmetrised(y, h):
    """Takes the mean of the row by row Q and its mirror.

    Say: That is exchangeable, and its rows have different sums: some samples are drawn more often.
    """
    k = np.exp(-((y[:, None] - y) ** 2) / (2 * h**2))
    law = k / k.sum(axis=1, keepdims=True) / len(y)
    return (law + law.T) / 2


def wrong_not_scaled(y, h):
    """Divides the kernel by its sum.

    Say: Samples with many near neighbours are drawn more often then. What is s good for?
    """
    k = np.exp(-((y[:, None] - y) ** 2) / (2 * h**2))
    return k / k.sum()


def wrong_independent(y, h):
    """Draws both samples uniformly, near labels or not.

    Say: All are drawn equally often then, but partners are no nearer than by chance.
    """
    return np.full((len(y), len(y)), 1 / len(y) ** 2) + 0 * h


def wrong_one_step(y, h):
    """Scales by the roots of the row sums once.

    Say: After one scaling the row sums are nearer to 1/n, and not there yet. Repeat it.
    """
    k = np.exp(-((y[:, None] - y) ** 2) / (2 * h**2))
    s = 1 / np.sqrt(len(y) * k.sum(axis=1))
    return s[:, None] * k * s
