"""The expected loss L_E over λ, for fixed pairs, and how far L is from it (Lemmas 2 and 3)."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from umixup import _check as check
from umixup.equivalence import canonical
from umixup.losses import Loss
from umixup.mixing import mix
from umixup.quadrature import quadrature
from umixup.schemes import Scheme, as_scheme


def expected_loss(
    scheme: Scheme | str,
    x: Tensor,
    x2: Tensor,
    y: Tensor,
    y2: Tensor,
    f: Callable[[Tensor], Tensor],
    loss: Loss,
    nodes: int = 60,
) -> Tensor:
    r"""L_E of a scheme on a sequence of pairs, by quadrature over λ instead of sampling.

    .. math:: L_E = \frac1n \sum_{k=1}^n E_{λ∼p}\,
              \ell\bigl(F(λx_k + \bar λ x'_k),\; γ(λ)y_k + \bar γ(λ)y'_k\bigr)

    Defined in section 3.2. On a symmetric sequence it is the same for a DAT policy p and for U(p)
    (Lemma 4).

    Args:
        scheme: policy p and weight γ, or their text.
        x, x2: the pairs, (n, …), floating; for a result to float64 precision, use float64 here
            and in f.
        y, y2: their target vectors, (n, C).
        f: the model, from a batch to its outputs; an ``nn.Module`` must be in evaluation mode,
            since batch normalisation in training mode makes F(x̃) depend on the whole batch.
        loss: (outputs, targets) -> (n,).
        nodes: number of nodes, ≥ 1; see ``umixup.quadrature``.

    Returns:
        A scalar, float64.

    Raises:
        ValueError: no pairs, shapes that differ, an f with a module in training mode, a text that
            is not a scheme, or as for ``quadrature``.
        TypeError: samples or targets that are not floating, or a scheme that is neither a scheme
            nor text.

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
    lam, gamma = torch.sigmoid(z), scheme.weight.from_logit(z)
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
    loss: Loss,
) -> Callable[[Tensor, Tensor], Tensor]:
    """The losses of the pairs, (n,) float64, as a function of a λ and a γ that they share."""
    if not len(x) or x.shape != x2.shape or y.shape != y2.shape or len(x) != len(y):
        raise ValueError(
            f"x {tuple(x.shape)}, x2 {tuple(x2.shape)}, y {tuple(y.shape)}, y2 {tuple(y2.shape)}: "
            "x and x2 must be (n, …), y and y2 (n, C), with n ≥ 1"
        )
    if not (y.is_floating_point() and y2.is_floating_point()):
        raise TypeError(f"y {y.dtype}, y2 {y2.dtype}: they must be target vectors, floating (n, C)")
    if isinstance(f, torch.nn.Module) and any(part.training for part in f.modules()):
        raise ValueError("f is in training mode: the lemmas need F(x̃) of x̃ alone; call f.eval()")

    def losses_at(lam: Tensor, gamma: Tensor) -> Tensor:
        at_lam, at_gamma = (v.to(x.device).expand(len(x)) for v in (lam, gamma))
        return loss(f(mix(x, x2, at_lam)), mix(y, y2, at_gamma)).double()

    return losses_at


def loss_floor(
    scheme: Scheme | str, loss: str = "ce", *, same_class: float = 0.0, nodes: int = 200
) -> float:
    r"""What no network's expected training loss is below, and one that fits all comes near.

    .. math:: s\,e(1) + (1 - s)\,E_{λ∼p}\,e(γ(λ)), \qquad
              e(γ) = \min_z \ell\bigl(z,\; γy + (1-γ)y'\bigr)

    with p and γ of the canonical scheme, U(D(scheme)), and s the share of pairs of one class. e is
    the entropy of the target for cross-entropy, and :math:`-\sqrt{γ^2 + (1-γ)^2}` for the negative
    cosine to orthonormal label vectors. On a symmetric sequence the expected loss is that of the
    canonical scheme (Lemmas 4 and 5), whose targets are mixed with γ whichever sample comes first,
    so that no output does better than e at any pair and λ. A network reaches it where the mixed
    sample determines the pair and λ. Other schemes with the same expected loss have other targets,
    but the same floor: DAT's is MixUp's, though its targets have no entropy.

    Args:
        scheme: policy and weight, or their text.
        loss: "ce" or "nc", in nats or as it is.
        same_class: s, in [0, 1]; with n_c of n samples in class c and independent pairs it is
            Σ (n_c/n)².
        nodes: of the quadrature.

    Raises:
        ValueError: another loss, a share outside [0, 1], or a text that is not a scheme.

    >>> round(loss_floor("B(1,1)"), 6), round(loss_floor("DAT(B(2,1))", same_class=0.1), 6)
    (0.5, 0.45)
    """
    check.one_of("loss", loss, ("ce", "nc"))
    share = check.number("same_class", same_class, check.UNIT)
    twin = canonical(as_scheme(scheme))
    z, w = quadrature(twin, check.whole("nodes", nodes, 1))
    gamma = twin.weight.from_logit(z).to(w)
    if loss == "ce":
        least, alone = torch.special.entr(gamma) + torch.special.entr(1 - gamma), 0.0
    else:
        least, alone = -torch.hypot(gamma, 1 - gamma), -1.0
    return share * alone + (1 - share) * float((w * least).sum())


def deviation_probability(n: int, epsilon: float, delta: float, *, lambda_batch: int = 1) -> float:
    r"""McDiarmid's bound on :math:`\Pr[|L - L_E| ≥ ε]`: :math:`2\exp(-2nε^2/(Bδ^2))`, at most 1.

    Lemmas 2 and 3 (appendix A.1 of the paper), two-sided. Changing one λ moves L by at most δ/n.
    If B pairs share a λ, there are n/B independent draws, and each moves L by at most Bδ/n: the sum
    of squares grows from δ²/n to Bδ²/n. The paper has B = 1.

    Args:
        n: number of pairs, ≥ 1.
        epsilon: ε, finite and ≥ 0.
        delta: δ, finite and > 0, the largest change of a pair's loss over λ; see ``spread``.
        lambda_batch: B ≥ 1, how many pairs share a λ.

    Raises:
        ValueError: an argument out of range.
        TypeError: an argument that is not a number.

    >>> round(deviation_probability(1000, 0.1, 2.0), 4)
    0.0135
    """
    n, lambda_batch = check.whole("n", n, 1), check.whole("lambda_batch", lambda_batch, 1)
    epsilon = check.number("epsilon", epsilon, check.NON_NEGATIVE)
    delta = check.number("delta", delta, check.POSITIVE)
    return min(1.0, 2 * math.exp(-2 * n * epsilon**2 / (lambda_batch * delta**2)))


def pairs_needed(epsilon: float, delta: float, probability: float, *, lambda_batch: int = 1) -> int:
    r"""The least n for which ``deviation_probability`` is at most ``probability``.

    :math:`\lceil Bδ^2 \log(2/P) / (2ε^2) \rceil`, from Lemmas 2 and 3. Other arguments and errors
    as for ``deviation_probability``.

    Args:
        epsilon: ε, finite and > 0.
        probability: P, in (0, 1).

    >>> pairs_needed(0.1, 2.0, 0.05)
    738
    """
    epsilon = check.number("epsilon", epsilon, check.POSITIVE)
    delta = check.number("delta", delta, check.POSITIVE)
    probability = check.number("probability", probability, check.OPEN_UNIT)
    lambda_batch = check.whole("lambda_batch", lambda_batch, 1)
    return math.ceil(lambda_batch * delta**2 * math.log(2 / probability) / (2 * epsilon**2))


def deviation(n: int, delta: float, probability: float, *, lambda_batch: int = 1) -> float:
    r"""The ε at which ``deviation_probability`` is ``probability``.

    :math:`δ\sqrt{B \log(2/P) / (2n)}`, from Lemmas 2 and 3. Other arguments and errors as for
    ``deviation_probability``.

    Args:
        probability: P, in (0, 1).

    >>> round(deviation(738, 2.0, 0.05), 3)
    0.1
    """
    n, lambda_batch = check.whole("n", n, 1), check.whole("lambda_batch", lambda_batch, 1)
    delta = check.number("delta", delta, check.POSITIVE)
    probability = check.number("probability", probability, check.OPEN_UNIT)
    return delta * math.sqrt(lambda_batch * math.log(2 / probability) / (2 * n))


@torch.no_grad()
def spread(
    scheme: Scheme | str,
    x: Tensor,
    x2: Tensor,
    y: Tensor,
    y2: Tensor,
    f: Callable[[Tensor], Tensor],
    loss: Loss,
    points: int = 101,
) -> Tensor:
    r"""δ for given pairs: the largest change of a pair's loss as λ runs over [0, 1].

    .. math:: δ = \max_k \sup_{λ, λ'} |\ell(x_k, x'_k, λ) - \ell(x_k, x'_k, λ')|

    The supremum is taken over equally spaced λ, both ends included: a lower bound that rises to δ
    with the number of points. The paper takes the maximum over all pairs of a data set (appendix
    A.1).

    Args:
        points: number of λ, ≥ 2; other arguments and errors as for ``expected_loss``.

    Returns:
        A scalar, float64, without a gradient.

    >>> x, x2 = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]])
    >>> loss = lambda z, y: -(z * y).sum(dim=1)  # −λ, with x's label kept
    >>> spread("DAT(B(2,1))", x, x2, x, x2, torch.nn.Identity().eval(), loss)
    tensor(1., dtype=torch.float64)
    """
    points, scheme = check.whole("points", points, 2), as_scheme(scheme)
    losses_at = _losses_at(x, x2, y, y2, f, loss)
    low = torch.full((len(x),), math.inf, dtype=torch.float64, device=x.device)
    high = -low
    for lam in torch.linspace(0, 1, points, dtype=torch.float64, device="cpu"):
        gamma = scheme.weight.from_logit(torch.logit(lam[None]))[0]
        losses = losses_at(lam, gamma)
        low, high = torch.minimum(low, losses), torch.maximum(high, losses)
    return (high - low).max()
