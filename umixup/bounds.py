"""The expected loss L_E, over λ with the pairs fixed, and how far L is from it (Lemmas 2 and 3)."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from umixup.mixing import mix
from umixup.policies import at_logit
from umixup.quadrature import quadrature
from umixup.schemes import Scheme, as_scheme


def expected_loss(
    scheme: Scheme,
    x: Tensor,
    x2: Tensor,
    y: Tensor,
    y2: Tensor,
    f: Callable[[Tensor], Tensor],
    loss: Callable[[Tensor, Tensor], Tensor],
    nodes: int = 60,
) -> Tensor:
    r"""L_E of a scheme on a sequence of pairs, by quadrature over λ instead of sampling.

    .. math:: L_E = \frac1n \sum_{k=1}^n E_{λ∼p}\,
              \ell\bigl(F(λx_k + \bar λ x'_k),\; γ(λ)y_k + \bar γ(λ)y'_k\bigr)

    Defined in section 3.2; the quadrature is not in the paper. On a symmetric sequence it is the
    same for a DAT policy p and for U(p) (Lemma 4).

    Args:
        scheme: policy p and weight γ, or their text.
        x, x2: the pairs, (n, …), floating; in float64, with f in float64, the sum is that exact.
        y, y2: their target vectors, (n, C).
        f: the model, from a batch to its outputs; an ``nn.Module`` must be in evaluation mode,
            since batch normalisation in training mode makes F(x̃) depend on the whole batch.
        loss: (outputs, targets) -> (n,).
        nodes: of the quadrature, ≥ 1; see ``umixup.quadrature``.

    Returns:
        A scalar, float64.

    Raises:
        ValueError: no pairs, pairs of unlike shapes, an f with a module in training mode, a
            scheme's text that cannot be read, or errors of ``quadrature``.
        TypeError: samples or targets that are not floating, or what is no scheme.

    >>> from umixup import U, dat
    >>> from umixup.losses import cross_entropy
    >>> from umixup.policies import Beta
    >>> x, y = torch.tensor([[-1.0], [1.0]]).double(), torch.eye(2).double()
    >>> pairs = x, x.flip(0), y, y.flip(0)  # one pair and its mirror
    >>> f = lambda x: torch.cat([x, x.cos()], dim=1)
    >>> p = Beta(2.2, 0.9)
    >>> a, b = (expected_loss(s, *pairs, f, cross_entropy) for s in (dat(p), U(p)))
    >>> bool(abs(a - b) < 1e-9)
    True
    """
    scheme = as_scheme(scheme)
    losses_at = _losses_at(x, x2, y, y2, f, loss)
    z, w = quadrature(scheme, nodes)
    lam, gamma = torch.sigmoid(z), at_logit(scheme.weight, z)
    total = torch.zeros((), dtype=torch.float64, device=x.device)
    for k in range(len(lam)):
        total = total + w[k].to(x.device) * losses_at(lam[k], gamma[k]).mean()
    return total


def _losses_at(
    x: Tensor,
    x2: Tensor,
    y: Tensor,
    y2: Tensor,
    f: Callable[[Tensor], Tensor],
    loss: Callable[[Tensor, Tensor], Tensor],
) -> Callable[[Tensor, Tensor], Tensor]:
    """The pairs' losses, (n,) float64, as a function of one λ and one γ for all of them."""
    if not len(x) or x.shape != x2.shape or y.shape != y2.shape or len(x) != len(y):
        raise ValueError(
            f"x {tuple(x.shape)}, x2 {tuple(x2.shape)}, y {tuple(y.shape)}, y2 {tuple(y2.shape)}: "
            "they must be (n, …), twice, and (n, C), twice, with n ≥ 1"
        )
    if not (y.is_floating_point() and y2.is_floating_point()):
        raise TypeError(f"y {y.dtype}, y2 {y2.dtype}: they must be target vectors, floating (n, C)")
    if isinstance(f, torch.nn.Module) and any(part.training for part in f.modules()):
        raise ValueError("f is in training mode: the lemmas need F(x̃) of x̃ alone; call f.eval()")

    def losses_at(lam: Tensor, gamma: Tensor) -> Tensor:
        at_lam, at_gamma = (v.to(x.device).expand(len(x)) for v in (lam, gamma))
        return loss(f(mix(x, x2, at_lam)), mix(y, y2, at_gamma)).double()

    return losses_at


def deviation_probability(n: int, epsilon: float, delta: float, *, lambda_batch: int = 1) -> float:
    r"""McDiarmid's bound on :math:`\Pr[|L - L_E| ≥ ε]`: :math:`2\exp(-2nε^2/(Bδ^2))`, at most 1.

    Lemmas 2 and 3 (appendix A.1 of the paper), two-sided. Changing one λ moves L by at most δ/n.
    With one λ for each B pairs there are n/B independent draws, and each moves L by Bδ/n: the
    sum of squares grows from δ²/n to Bδ²/n. The paper has B = 1.

    Args:
        n: pairs, ≥ 1.
        epsilon: ε ≥ 0.
        delta: δ > 0, the largest change of a pair's loss over λ; see ``spread``.
        lambda_batch: B ≥ 1, how many pairs share a λ.

    Raises:
        ValueError: an argument out of range.

    >>> round(deviation_probability(1000, 0.1, 2.0), 4)
    0.0135
    """
    _in_range(n=n, epsilon=epsilon, delta=delta, lambda_batch=lambda_batch)
    return min(1.0, 2 * math.exp(-2 * n * epsilon**2 / (lambda_batch * delta**2)))


def pairs_needed(epsilon: float, delta: float, probability: float, *, lambda_batch: int = 1) -> int:
    r"""The least n for which ``deviation_probability`` is at most ``probability``.

    :math:`\lceil Bδ^2 \log(2/P) / (2ε^2) \rceil`, from Lemmas 2 and 3; not in the paper as such.

    Args:
        epsilon: ε > 0.
        probability: P, in (0, 1).
        delta, lambda_batch: as for ``deviation_probability``.

    Raises:
        ValueError: an argument out of range.

    >>> pairs_needed(0.1, 2.0, 0.05)
    738
    """
    _in_range(epsilon=epsilon, delta=delta, lambda_batch=lambda_batch, probability=probability)
    if epsilon == 0:
        raise ValueError("epsilon = 0: no number of pairs is enough; it must be > 0")
    return math.ceil(lambda_batch * delta**2 * math.log(2 / probability) / (2 * epsilon**2))


def deviation(n: int, delta: float, probability: float, *, lambda_batch: int = 1) -> float:
    r"""The ε at which ``deviation_probability`` is ``probability``.

    :math:`δ\sqrt{B \log(2/P) / (2n)}`, from Lemmas 2 and 3; not in the paper as such.

    Args:
        probability: P, in (0, 1).
        n, delta, lambda_batch: as for ``deviation_probability``.

    Raises:
        ValueError: an argument out of range.

    >>> round(deviation(738, 2.0, 0.05), 3)
    0.1
    """
    _in_range(n=n, delta=delta, lambda_batch=lambda_batch, probability=probability)
    return delta * math.sqrt(lambda_batch * math.log(2 / probability) / (2 * n))


def _in_range(**arguments: float) -> None:
    allowed: dict[str, tuple[str, Callable[[float], bool]]] = {
        "n": ("≥ 1", lambda v: v >= 1),
        "epsilon": ("≥ 0", lambda v: v >= 0),
        "delta": ("finite and > 0", lambda v: 0 < v < math.inf),
        "lambda_batch": ("≥ 1", lambda v: v >= 1),
        "probability": ("in (0, 1)", lambda v: 0 < v < 1),
    }
    for name, value in arguments.items():
        words, ok = allowed[name]
        if not ok(value):
            raise ValueError(f"{name} = {value!r}: it must be {words}")


@torch.no_grad()
def spread(
    scheme: Scheme,
    x: Tensor,
    x2: Tensor,
    y: Tensor,
    y2: Tensor,
    f: Callable[[Tensor], Tensor],
    loss: Callable[[Tensor, Tensor], Tensor],
    points: int = 101,
) -> Tensor:
    r"""δ over given pairs: the largest change of a pair's loss as λ runs over [0, 1].

    .. math:: δ = \max_k \sup_{λ, λ'} |\ell(x_k, x'_k, λ) - \ell(x_k, x'_k, λ')|

    The supremum is taken over equally spaced λ, both ends included, so it is a lower bound that
    rises to δ with the number of points. The paper takes the maximum over all pairs of a data set
    (appendix A.1).

    Args:
        points: ≥ 2; the rest as for ``expected_loss``.

    Returns:
        A scalar, float64, without a gradient.

    Raises:
        ValueError: fewer than 2 points, no pairs, pairs of unlike shapes, an f with a module in
            training mode, or a scheme's text that cannot be read.
        TypeError: as for ``expected_loss``.

    >>> x, x2 = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]])
    >>> loss = lambda z, y: -(z * y).sum(dim=1)  # −λ, with x's label kept
    >>> spread("DAT(B(2,1))", x, x2, x, x2, torch.nn.Identity().eval(), loss)
    tensor(1., dtype=torch.float64)
    """
    if points < 2:
        raise ValueError(f"points = {points}: it must be at least 2")
    scheme = as_scheme(scheme)
    losses_at = _losses_at(x, x2, y, y2, f, loss)
    low = torch.full((len(x),), math.inf, dtype=torch.float64, device=x.device)
    high = -low
    for lam in torch.linspace(0, 1, points, dtype=torch.float64, device="cpu"):
        gamma = at_logit(scheme.weight, torch.logit(lam[None]))[0]
        losses = losses_at(lam, gamma)
        low, high = torch.minimum(low, losses), torch.maximum(high, losses)
    return (high - low).max()
