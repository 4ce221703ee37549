"""Label weights γ(λ): how much of the first label stays in the mixed one.

In formulas λ (``lam``) is the mixing ratio, λ̄ = 1 − λ, and z = logit λ. A weight is any function
from λ to γ(λ); those here are also exact at a logit, where λ itself would round to 0 or 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor
from torch.distributions import Distribution

from umixup import _check as check
from umixup._notated import Notated

if TYPE_CHECKING:
    from umixup.policies import Policy


class Weight(Notated):
    """Base class of label weights. A subclass defines ``__call__`` or ``from_logit``, or both."""

    #: True if γ is a polynomial in λ.
    is_polynomial: ClassVar[bool] = False

    def __call__(self, lam: Tensor) -> Tensor:
        """γ(λ), of the shape and dtype of ``lam``."""
        return self.from_logit(torch.logit(lam)).to(lam.dtype)

    def from_logit(self, z: Tensor) -> Tensor:
        """γ at logit λ = z, of the shape and dtype of z, with ±∞ allowed."""
        return self(torch.sigmoid(z))

    @property
    def is_smooth(self) -> bool:
        """True if γ is smooth inside (0, 1); it may behave like a power at the ends."""
        return self.is_polynomial

    def breakpoints(self) -> list[float]:
        """The finite logits at which γ may jump."""
        return []


def as_weight(weight: object) -> Weight:
    """``weight`` itself if it is a ``Weight``, else the function as one.

    Raises:
        TypeError: the weight is not callable.
    """
    if isinstance(weight, Weight):
        return weight
    if not callable(weight):
        raise TypeError(f"weight = {weight!r}: it must be a function from λ to γ(λ)")
    return Function(weight)


def at_logit(weight: Callable[[Tensor], Tensor], z: Tensor) -> Tensor:
    """γ at logit λ = z: exact for the weights of this library, although σ(z) may round to 0 or 1.

    Args:
        weight: γ, from λ to a tensor of the same shape.
        z: logit λ, of any shape that γ accepts.

    Returns:
        γ(σ(z)), of the shape of z.

    >>> from umixup.schemes import Logistic
    >>> z = torch.tensor([100.0])
    >>> at_logit(Logistic(0.01), z), Logistic(0.01)(z.sigmoid())
    (tensor([0.7311]), tensor([1.]))
    """
    return as_weight(weight).from_logit(z)


@dataclass(frozen=True)
class Function(Weight):
    """A function from λ to γ(λ) as a weight."""

    function: Callable[[Tensor], Tensor]

    def __call__(self, lam: Tensor) -> Tensor:
        return self.function(lam)

    def __repr__(self) -> str:
        return getattr(self.function, "__name__", repr(self.function))


@dataclass(frozen=True)
class Constant(Weight):
    """The same weight for every λ."""

    value: float
    is_polynomial = True

    def __call__(self, lam: Tensor) -> Tensor:
        return torch.full_like(lam, self.value)

    def from_logit(self, z: Tensor) -> Tensor:
        return torch.full_like(z, self.value)

    def __repr__(self) -> str:
        return str(self.value)


@dataclass(frozen=True)
class Tied(Weight):
    """The weight of MixUp, γ(λ) = λ (section 3.2).

    >>> Tied()(torch.tensor([0.25]))
    tensor([0.2500])
    """

    is_polynomial = True

    def __call__(self, lam: Tensor) -> Tensor:
        return lam


@dataclass(frozen=True)
class Kept(Weight):
    """The weight of DAT, γ ≡ 1: the label of the first sample is kept (section 3.1).

    >>> Kept()(torch.tensor([0.25]))
    tensor([1.])
    """

    is_polynomial = True

    def __call__(self, lam: Tensor) -> Tensor:
        return torch.ones_like(lam)


@dataclass(frozen=True, eq=False, init=False)
class Posterior(Weight):
    r"""The weight of U: :math:`γ(λ) = p(λ)/(p(λ)+p(1-λ)) = σ(\log p(λ) - \log p(1-λ))`.

    Equation 5: given λ or its mirror, how likely it is that the first sample was the one moved.
    For p = B(α, β) it is σ((α−β)·logit λ), finite everywhere. Where p(λ) = p(λ̄) = 0, which the
    paper leaves open (appendix A.2), it is ½. If λ is mirrored with probability 1 − κ rather than
    ½, it is σ(logit κ + log p(λ) − log p(1−λ)), as in ``um.equivalence.twin``.

    Args:
        policy: p, a distribution on [0, 1].
        kappa: κ, in (0, 1).

    Raises:
        TypeError, ValueError: as for ``um.policies.as_policy``; or κ is not in (0, 1).

    >>> from umixup.policies import Beta
    >>> Posterior(Beta(2, 1))(torch.tensor([0.25, 1.0]))  # MixUp's
    tensor([0.2500, 1.0000])
    """

    policy: Policy
    kappa: float = 0.5

    def __init__(self, policy: Distribution, kappa: float = 0.5) -> None:
        from umixup.policies import as_policy  # policies use weights, too

        object.__setattr__(self, "policy", as_policy(policy))
        object.__setattr__(self, "kappa", check.number("kappa", kappa, check.OPEN_UNIT))

    def from_logit(self, z: Tensor) -> Tensor:
        offset = math.log(self.kappa / (1 - self.kappa))
        return torch.sigmoid(self.policy.log_odds(z) + offset).to(z.dtype)

    @property
    def is_smooth(self) -> bool:
        return self.policy.is_smooth

    def breakpoints(self) -> list[float]:
        return self.policy.breakpoints()


@dataclass(frozen=True)
class Logistic(Weight):
    r"""The weight :math:`γ(λ) = σ(s \operatorname{logit} λ)` with slope s.

    s = 1 is MixUp's weight, s = 0 is γ ≡ ½, and s = ∞ is the label of the larger part. The weight
    of U(B(α, β)) has slope α − β (from Equation 5).

    Args:
        slope: s, any number, ±∞ included.

    Raises:
        ValueError: the slope is NaN.
        TypeError: the slope is not a number.

    >>> lam = torch.tensor([0.25, 0.5])
    >>> Logistic(1)(lam), Logistic(math.inf)(lam)
    (tensor([0.2500, 0.5000]), tensor([0.0000, 0.5000]))
    """

    slope: float
    symbol = "S"
    parameters = ("slope",)

    def __post_init__(self) -> None:
        object.__setattr__(self, "slope", check.number("slope", self.slope, _NOT_NAN))

    def from_logit(self, z: Tensor) -> Tensor:
        return torch.sigmoid(self.log_odds(z))

    def log_odds(self, z: Tensor) -> Tensor:
        """logit γ at logit λ = z, of the shape and dtype of z."""
        odds = self.slope * z
        if self.slope == 0 or math.isinf(self.slope):  # 0·∞ is 0
            odds = torch.where(odds.isnan() & ~z.isnan(), 0.0, odds)
        return odds

    @property
    def is_smooth(self) -> bool:
        return math.isfinite(self.slope)


_NOT_NAN = check.Range("a number or ±inf", lambda value: not math.isnan(value))


@dataclass(frozen=True)
class BetaCDF(Weight):
    """The weight γ(λ) = I_λ(a, b), the distribution function of Beta(a, b) at λ.

    The second way to untie labels in the authors' code. a = b = 1 is MixUp's weight.

    Args:
        a, b: finite and > 0.

    Raises:
        ValueError: a parameter is not finite and positive.
        TypeError: a parameter is not a number.

    >>> BetaCDF(1, 2)(torch.tensor([0.5]))  # 1 − (1 − λ)²
    tensor([0.7500])
    """

    a: float
    b: float
    symbol = "CDF"
    parameters = ("a", "b")

    def __post_init__(self) -> None:
        for name in self.parameters:
            value = check.number(f"CDF weight: {name}", getattr(self, name), check.POSITIVE)
            object.__setattr__(self, name, value)

    def from_logit(self, z: Tensor) -> Tensor:
        from scipy.special import betainc, betaincc

        logit = z.detach().cpu().double()
        low, high = (
            torch.as_tensor(tail, device="cpu")  # for a single number, scipy returns no array
            for tail in (
                betainc(self.a, self.b, torch.sigmoid(logit).numpy()),
                betaincc(self.b, self.a, torch.sigmoid(-logit).numpy()),
            )
        )
        return torch.where(logit < 0, low, high).to(z)  # from the end that is not rounded away

    @property
    def is_smooth(self) -> bool:
        return True
