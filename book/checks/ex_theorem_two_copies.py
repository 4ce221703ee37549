import itertools

import numpy as np
import torch


def variance_ratio(gaps):
    """The variance of an epoch's mean gap with two shuffled copies, over that with i.i.d. pairs.

    gaps: a tensor of shape (n, n) with the gap of each pair, gaps[b, a] = −gaps[a, b]. There are n
    i.i.d. pairs as well, each drawn uniformly from all n² pairs. Returns a number.
    """
    n = len(gaps)
    d = gaps - gaps.mean(dim=0) - gaps.mean(dim=1, keepdim=True) + gaps.mean()
    epoch = d.square().sum() / (n**2 * (n - 1))
    return float(epoch / (gaps.square().sum() / n**3))


def check(variance_ratio):
    steps = torch.tensor([0.0, 1.0, 3.0, 7.0], dtype=torch.float64)
    additive = np.asarray(variance_ratio(steps - steps[:, None]), dtype=float)
    if additive.shape != () or not np.isfinite(additive):
        return "The ratio should be one number."
    if abs(additive) > 1e-9:
        return (
            "My gaps are φ(b) − φ(a). Over an epoch each sample comes once as a first and once as "
            f"a second, so their sum is always 0. Your ratio is {additive:.3f}."
        )
    gaps = torch.tensor([[0, 1, 2, -1], [-1, 0, 4, 0], [-2, -4, 0, 3], [1, 0, -3, 0]]).double()
    epochs = [float(gaps[range(4), p].mean()) for p in itertools.permutations(range(4))]
    seen = np.var(epochs) / (float(gaps.square().mean()) / 4)
    found = float(variance_ratio(gaps))
    if abs(found - seen) > 1e-9:
        return (
            "I took four samples, went through all 24 ways to pair them, and compared with four "
            f"independent pairs: the ratio of the variances is {seen:.4f}. You find {found:.4f}."
        )
    return None


def draw(rng):
    n = int(rng.integers(4, 9))
    gaps, steps = torch.from_numpy(rng.normal(size=(n, n))), torch.from_numpy(rng.normal(size=n))
    return (gaps - gaps.T + steps - steps[:, None],)


def wrong_not_centred(gaps):
    """Puts the gaps themselves in the place of the doubly centred ones.

    Say: What rows and columns have in common adds up to the same in each epoch. Take it out.
    """
    n = len(gaps)
    return float(gaps.square().sum() / (n**2 * (n - 1))) / float(gaps.square().sum() / n**3)


def wrong_one_pair(gaps):
    """Compares with a single pair, and not with the mean of n.

    Say: The mean of n independent gaps varies less than one of them. By which factor?
    """
    return variance_ratio(gaps) / len(gaps)


def wrong_as_if_independent(gaps):
    """Divides by n³, as if the pairs of an epoch were independent of each other.

    Say: If a is paired with b, no other sample is. Have you counted the covariance of two pairs?
    """
    return variance_ratio(gaps) * (1 - 1 / len(gaps))
