import numpy as np
import torch
import torch.nn.functional as F


def largest_factor(vectors):
    """The largest factor w of renormalising, over all pairs of two classes and all weights γ.

    vectors: a tensor, (C, P), one label vector in each row, which is scaled to unit length first.
    No two of them are opposite. Returns a number.
    """
    unit = F.normalize(vectors, dim=1)
    rho = (unit @ unit.T)[~torch.eye(len(unit), dtype=torch.bool)]
    return float((2 / (1 + rho.min())) ** 0.5)


def check(largest_factor):
    def of(rows):
        return np.asarray(largest_factor(torch.as_tensor(rows, dtype=torch.float64)), dtype=float)

    found = of(np.eye(3, 5))
    if found.shape != () or not np.isfinite(found):
        return "The result should be one finite number."
    if abs(found - 2**0.5) > 1e-3:
        return (
            "For orthonormal vectors the factor reaches √2, at γ = ½; yours reaches another number."
        )
    if abs(of(7 * np.eye(3, 5)) - 2**0.5) > 1e-3:
        return "Vectors of length 7 are scaled to unit length first; your factor depends on the 7."
    if abs(of([[1.0, 2.0], [2.0, 4.0]]) - 1) > 1e-3:
        return "For two vectors of one direction nothing is up-weighted: the factor is 1."
    rows = np.array([[1.0, 0.0, 0.0], [0.9, 0.3, 0.1], [-0.7, 0.5, 0.2], [0.0, 0.1, 1.0]])
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    gamma = np.linspace(0, 1, 1001)[:, None]
    lengths = [np.linalg.norm(gamma * a + (1 - gamma) * b, axis=1) for a in unit for b in unit]
    if abs(of(rows) - 1 / np.min(lengths)) > 1e-3:
        return (
            "Four vectors, two of which point apart: we mixed each two of them in 1,001 ratios, and"
            " the shortest mixture gives another factor. Which pair decides?"
        )
    return None


def draw(rng):
    return (torch.from_numpy(rng.normal(size=(5, 4)) + 0.5),)


def agree(got, wanted):
    got = np.asarray(got, dtype=float)
    return got.shape == () and bool(abs(got - wanted) < 1e-4 * wanted)


def wrong_not_scaled(vectors):
    """Takes the vectors as they are, without scaling them to unit length.

    Say: the proposition on renormalising asks for label vectors of unit length. Are yours?
    """
    rho = (vectors @ vectors.T)[~torch.eye(len(vectors), dtype=torch.bool)]
    return float((2 / (1 + rho.min()).clamp(min=1e-3)) ** 0.5)


def wrong_pair(vectors):
    """Takes the pair of vectors that are most alike.

    Say: a mixture is short where its two ends point apart. Which pair makes w largest?
    """
    unit = F.normalize(vectors, dim=1)
    rho = (unit @ unit.T)[~torch.eye(len(unit), dtype=torch.bool)]
    return float((2 / (1 + rho.max())) ** 0.5)


def wrong_orthonormal(vectors):
    """Gives √2 for all vectors, which is right for orthonormal ones alone.

    Say: where did you use that y and y′ are perpendicular? Put in their cosine ρ.
    """
    return 2**0.5


def wrong_root(vectors):
    """Forgets the root: divides by the squared length of the mixture.

    Say: w is one over the length, and ‖γy + (1 − γ)y′‖² is a square.
    """
    return largest_factor(vectors) ** 2
