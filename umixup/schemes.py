"""Schemes: a policy p for the mixing ratio λ, and a weight γ(λ) for the labels.

x̃ = λx + λ̄x′ and ỹ = γ(λ)y + (1 − γ(λ))y′. ERM has λ ≡ 1, DAT has γ ≡ 1, MixUp has γ(λ) = λ,
and untied MixUp (UMixUp) any γ (section 3 of the paper). In code: ``lam``, ``gamma``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.distributions import Distribution

from umixup import _check as check
from umixup import notation
from umixup._random import derived_from
from umixup.policies import Beta, PointMass, Policy, as_policy
from umixup.policies.base import uniform
from umixup.weights import BetaCDF, Kept, Logistic, Posterior, Tied, Weight, as_weight

__all__ = ["Scheme", "as_scheme", "dat", "erm", "mixup", "parse", "umixup"]
__all__ += ["BetaCDF", "Kept", "Logistic", "Posterior", "Tied", "Weight"]


@dataclass(frozen=True, eq=False, init=False)
class Scheme:
    """A policy and a label weight, as ``erm``, ``mixup``, ``dat``, ``umixup`` and ``parse`` make.

    x̃ = λx + λ̄x′ with λ ~ policy, and ỹ = γ(λ)y + (1 − γ(λ))y′ (section 3.1). ``str`` gives the
    paper's notation where it has one.

    Args:
        policy: the distribution of λ on [0, 1].
        weight: γ, a function from a tensor of λ to a tensor of the same shape in [0, 1]. Its values
            are checked by ``umixup`` on a grid, and otherwise when they are drawn.

    Raises:
        TypeError, ValueError: the policy is not one continuous distribution on [0, 1].
        TypeError: the weight is not callable.

    >>> lam, gamma = Scheme(Beta(1, 1), Tied()).draw(3)
    >>> lam.shape, torch.equal(lam, gamma)
    (torch.Size([3]), True)
    """

    policy: Policy
    weight: Weight

    def __init__(self, policy: Distribution, weight: Callable[[Tensor], Tensor]) -> None:
        object.__setattr__(self, "policy", as_policy(policy))
        object.__setattr__(self, "weight", as_weight(weight))

    def draw(
        self, n: int, generator: torch.Generator | None = None, *, stratified: bool = False
    ) -> tuple[Tensor, Tensor]:
        """n draws of (λ, γ(λ)), each of shape (n,), in torch's default dtype or float32, the wider.

        γ comes from logit λ in float64, before λ is rounded. The paper draws a λ for each sample,
        independently (section 6.1).

        Args:
            n: number of draws, ≥ 0.
            generator: a CPU generator; ``None`` is torch's global one.
            stratified: draw one λ in each of n strata of equal probability, in random order (an
                option of the authors' code), rather than independently.

        Raises:
            ValueError: n < 0, or a λ or γ that was drawn is outside [0, 1] or NaN.
        """
        n = check.whole("n", n, 0)
        own = derived_from(generator)
        if stratified:
            ranks = torch.randperm(n, generator=own, device="cpu")
            u = (ranks + uniform((n,), own)) / max(n, 1)
            z = self.policy.icdf_logit(u, own)
        else:
            z = self.policy.sample_logit((n,), own)
        drawn = torch.stack([torch.sigmoid(z), self.weight.from_logit(z)])
        if n:
            low, high = (float(end) for end in drawn.aminmax())
            if not (low >= 0 and high <= 1):
                raise ValueError(f"{self!r}: λ and γ from {low:.4g} to {high:.4g}, not in [0, 1]")
        lam, gamma = drawn.to(torch.promote_types(torch.get_default_dtype(), torch.float32))
        return lam, gamma

    def __str__(self) -> str:
        return notation.written(self.policy, self.weight) or repr(self)


def erm() -> Scheme:
    """Plain training (empirical risk minimisation): λ ≡ 1, γ ≡ 1. The loss of Equation 1.

    >>> str(erm())
    'ERM'
    """
    return Scheme(PointMass(1), Kept())


def mixup(alpha: float) -> Scheme:
    """MixUp (Zhang et al., 2018): λ ~ B(α, α), γ(λ) = λ (sections 3.1 and 6.2).

    Args:
        alpha: α, finite and > 0.

    Raises:
        ValueError: α is not finite and positive. As α → 0 nothing is mixed, which is ``erm()``.
        TypeError: α is not a number.

    >>> str(mixup(1))
    'B(1,1)'
    """
    if alpha == 0:
        raise ValueError(
            f"alpha = {alpha!r}: it must be finite and > 0; to mix nothing take ERM, um.erm()"
        )
    return Scheme(Beta(alpha, alpha), Tied())


def dat(policy: Distribution) -> Scheme:
    """Directional adversarial training: move x towards x′, keep y. λ ~ policy, γ ≡ 1 (section 3.1).

    Args:
        policy: a distribution on [0, 1]: the paper's adversarial policy (section 3.2).

    Raises:
        TypeError, ValueError: the policy is not one continuous distribution on [0, 1].

    >>> str(dat(Beta(2, 1)))
    'DAT(B(2,1))'
    """
    return Scheme(policy, Kept())


def umixup(policy: Distribution, weight: Callable[[Tensor], Tensor]) -> Scheme:
    """Untied MixUp: λ ~ policy, and labels mixed with γ(λ) = weight(λ) (section 3.1).

    Args:
        policy: a distribution on [0, 1].
        weight: γ, from a tensor of λ to a tensor of the same shape in [0, 1].

    Raises:
        TypeError, ValueError: the policy is not one continuous distribution on [0, 1].
        TypeError: the weight is not callable, or does not return a tensor.
        ValueError: the weight leaves [0, 1] or changes the shape, on a grid of λ.

    >>> str(umixup(Beta(2.2, 0.9), Logistic(2)))
    'UMixUp(B(2.2,0.9),S(2))'
    """
    scheme = Scheme(policy, weight)
    lam = torch.linspace(0, 1, 101, dtype=torch.float64, device="cpu")
    gamma = scheme.weight(lam)
    if not isinstance(gamma, Tensor):
        found = type(gamma).__name__
        raise TypeError(f"weight: for a tensor of λ it returned a {found}, not a tensor")
    if gamma.shape != lam.shape:
        raise ValueError(f"weight: for λ of shape (101,) it returned shape {tuple(gamma.shape)}")
    if not bool(((gamma >= 0) & (gamma <= 1)).all()):
        worst = ((gamma - 0.5).abs().nan_to_num(nan=9.0)).argmax()
        raise ValueError(
            f"weight: γ({lam[worst]:.2f}) = {float(gamma[worst]):.4g}; γ must stay in [0, 1]"
        )
    return scheme


def parse(text: str) -> Scheme:
    """A scheme from the paper's notation (section 6); ``str`` gives it back.

    ==================  ==========================================
    ``ERM``             plain training
    ``B(a,b)``          MixUp with the Beta policy B(a, b)
    ``DAT(policy)``     DAT
    ``U(policy)``       the UMixUp scheme U(policy)
    ``Twin(k,policy)``  ``um.equivalence.twin``: κ from ½, which is U(policy), to 1, DAT(policy)
    ``UMixUp(p,w)``     policy p, weight ``S(slope)`` (logistic) or ``CDF(a,b)``
    ==================  ==========================================

    A policy is ``B(a,b)``, ``Uni(low,high)``, the point mass ``P(at)``, or a mixture such as
    ``0.5*B(1,1)+0.5*P(1)``. A policy by itself is MixUp with that policy. The paper itself writes
    only B(a, b) and U(B(a, b)).

    Raises:
        ValueError: any other text; the message points at the position.
        TypeError: not a text.

    >>> str(parse("U(B(2.2, 0.90))"))
    'U(B(2.2,0.9))'
    """
    return Scheme(*notation.read(text))


def as_scheme(scheme: Scheme | str) -> Scheme:
    """``scheme`` itself, or the scheme that a text stands for.

    Raises:
        TypeError: neither a scheme nor a text; for example a policy.
        ValueError: a text that ``parse`` refuses.

    >>> as_scheme("B(1,1)").policy
    B(1,1)
    """
    if isinstance(scheme, str):
        return parse(scheme)
    if not isinstance(scheme, Scheme):
        raise TypeError(
            f"scheme = {scheme!r}: it must be a Scheme or its text, for example um.mixup(1), "
            "um.dat(policy), um.U(policy) or 'U(B(2.2,0.9))'"
        )
    return scheme
