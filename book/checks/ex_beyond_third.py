import numpy as np
import torch


def three_terms(model, x, partner, y, m1, m2, m3):
    """The expected loss of a scheme, expanded to third order at the samples.

    φ(t) is the cross-entropy of a pair after a move of the share t from x to its partner, with the
    label of x. model: takes (n, d) to logits (n, classes), and is smooth. x, partner: the samples
    and their partners, float64 tensors (n, d). y: the labels of x, one-hot, (n, classes). m1, m2,
    m3: the scheme's moments. Returns a number: the mean over the pairs of φ(0) and of the terms
    with φ′(0), φ″(0) and φ‴(0).
    """
    t = torch.zeros(len(x), 1, dtype=x.dtype, requires_grad=True)
    term = -(y * model(x + t * (partner - x)).log_softmax(dim=1)).sum(dim=1, keepdim=True)
    total = term.mean()
    for factor in (m1, m2 / 2, m3 / 6):
        (term,) = torch.autograd.grad(term.sum(), t, create_graph=True)
        total = total + factor * term.mean()
    return float(total.detach())


def small_pairs(generator):
    inner, outer = torch.nn.Linear(4, 6), torch.nn.Linear(6, 3)
    model = torch.nn.Sequential(inner, torch.nn.Tanh(), outer).double().requires_grad_(False)
    for weights in model.parameters():
        weights.copy_(torch.randn(weights.shape, generator=generator))
    x, partner = torch.randn(2, 12, 4, generator=generator).double()
    return model, x, partner, torch.eye(3).double()[torch.arange(12) % 3]


def check(three_terms):
    model, x, partner, y = small_pairs(torch.Generator().manual_seed(0))

    def yours(*moments):
        told = three_terms(model, x, partner, y, *moments)
        return np.asarray(told.detach() if torch.is_tensor(told) else told, dtype=float)

    def truth(t):  # all pairs move by the share t
        return float(torch.nn.functional.cross_entropy(model(x + t * (partner - x)), y))

    if yours(0.1, 0.01, 0.001).shape != ():
        return "One number is asked for, a mean over the pairs."
    if not np.isclose(yours(0.0, 0.0, 0.0), truth(0)):
        return "If nothing moves, the expected loss is the mean loss of x with the labels y."
    t = 1e-3
    if not abs(yours(t, 0.0, 0.0) - yours(0, 0, 0) - (truth(t) - truth(-t)) / 2) < 1e-6:
        return "The term with m1 is m1 times the mean slope of the loss on the way to the partner."
    by_second = (truth(t) + truth(-t)) / 2 - truth(0)  # a second difference
    if not np.isclose(yours(0.0, t**2, 0.0) - yours(0, 0, 0), by_second, rtol=1e-3):
        return "The term with m2 is wrong: Taylor's formula has ½ before the second derivative."
    left = [truth(t) - yours(t, t**2, t**3) for t in (0.04, 0.02)]
    if not 12 < left[0] / left[1] < 20:
        return (
            "When all moves become half as long, what three terms leave over should fall by about "
            f"2⁴ = 16. Yours falls by {left[0] / left[1]:.1f}. Look at the term with m3."
        )
    return None


def draw(rng):
    generator = torch.Generator().manual_seed(int(rng.integers(10**6)))
    a = rng.uniform(5, 40)  # the moments of DAT with B(a, 1)
    m1 = 1 / (a + 1)
    return *small_pairs(generator), m1, 2 * m1 / (a + 2), 6 * m1 / ((a + 2) * (a + 3))


def agree(got, wanted):
    if torch.is_tensor(got):
        got = got.detach()
    got = np.asarray(got, dtype=float)
    return got.shape == () and bool(np.isclose(got, wanted, rtol=1e-5))


def wrong_two_terms(model, x, partner, y, m1, m2, m3):
    """Stops at the second order.

    Say: Differentiate once more, and add the term with m3.
    """
    return three_terms(model, x, partner, y, m1, m2, 0 * m3)


def wrong_third_over_three(model, x, partner, y, m1, m2, m3):
    """Divides the third term by 3, not by 3! = 6.

    Say: Expand t³ by Taylor's formula: its third derivative is 6, and the term must be t³.
    """
    return three_terms(model, x, partner, y, m1, m2, 2 * m3)


def wrong_no_factorials(model, x, partner, y, m1, m2, m3):
    """Forgets the factorials of Taylor's formula.

    Say: What stands before the second derivative in Taylor's formula, and before the third?
    """
    return three_terms(model, x, partner, y, m1, 2 * m2, 6 * m3)


def wrong_powers_of_the_mean(model, x, partner, y, m1, m2, m3):
    """Takes powers of the mean move for the moments.

    Say: m2 and m3 are the means of the squares and of the cubes. You are given them: use them.
    """
    return three_terms(model, x, partner, y, m1, m1**2 + 0 * m2, m1**3 + 0 * m3)


def wrong_from_the_partner(model, x, partner, y, m1, m2, m3):
    """Starts at the partner and walks towards x.

    Say: The label is that of x. Where does the move start, and what is the loss before it?
    """
    return three_terms(model, partner, x, y, m1, m2, m3)
