"""Schemes: a policy p for the mixing ratio λ, and a weight γ(λ) for the labels.

x̃ = λx + λ̄x′ and ỹ = γ(λ)y + (1 − γ(λ))y′. ERM has λ ≡ 1, DAT has γ ≡ 1, MixUp has γ(λ) = λ,
and untied MixUp (UMixUp) any γ (section 3 of the paper). In code: ``lam``, ``gamma``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import torch
from torch import Tensor
from torch.distributions import Distribution

from umixup._random import drawing_from
from umixup.policies import (
    Beta,
    Mixture,
    PointMass,
    Uniform,
    Weight,
    as_policy,
    at_logit,
    icdf_logit,
    is_symmetrized,
    log_odds,
    sample_logit,
    shortest,
    symmetrize,
)

T = TypeVar("T")


@dataclass(frozen=True)
class Tied:
    """MixUp's weight, γ(λ) = λ (section 3.2); λ of any shape.

    >>> Tied()(torch.tensor([0.25]))
    tensor([0.2500])
    """

    def __call__(self, lam: Tensor) -> Tensor:
        return lam


@dataclass(frozen=True)
class Kept:
    """DAT's weight, γ ≡ 1: the label of the first sample is kept (section 3.1); λ of any shape.

    >>> Kept()(torch.tensor([0.25]))
    tensor([1.])
    """

    def __call__(self, lam: Tensor) -> Tensor:
        return torch.ones_like(lam)


@dataclass(frozen=True, eq=False)
class Posterior:
    r"""The weight of U: :math:`γ(λ) = p(λ)/(p(λ)+p(1-λ)) = σ(\log p(λ) - \log p(1-λ))`.

    Equation 5. How likely the first sample is the one that was moved, given λ or its mirror. For
    p = B(α, β) it is σ((α−β)·logit λ), finite everywhere. Where p(λ) = p(λ̄) = 0 it is ½; the
    paper leaves it open there (appendix A.2).

    Args:
        policy: p, a distribution on [0, 1]; checked by ``untie``, not here.

    >>> Posterior(Beta(2, 1))(torch.tensor([0.25, 1.0]))  # MixUp's
    tensor([0.2500, 1.0000])
    """

    policy: Distribution

    def __call__(self, lam: Tensor) -> Tensor:
        return self.from_logit(torch.logit(lam)).to(lam.dtype)

    def from_logit(self, z: Tensor) -> Tensor:
        """γ at logit λ = z, of its shape: exact where λ itself would round to 0 or 1."""
        if self._closed_form is not None:
            return self._closed_form.from_logit(z)
        return torch.sigmoid(log_odds(self.policy, z)).to(z.dtype)

    @cached_property
    def _closed_form(self) -> Logistic | None:
        policy = self.policy
        return Logistic(policy.alpha - policy.beta) if isinstance(policy, Beta) else None


@dataclass(frozen=True)
class Logistic:
    r"""The weight :math:`γ(λ) = σ(s · \operatorname{logit} λ)` with slope s.

    s = 1 is MixUp's weight, s = 0 is γ ≡ ½, s = ∞ the label of the larger part. That of U(B(α, β))
    has s = α − β (from Equation 5); by itself it is not in the paper.

    Args:
        slope: s, any number, ±∞ included.

    Raises:
        ValueError: the slope is NaN.
        TypeError: the slope is no number.

    >>> lam = torch.tensor([0.25, 0.5])
    >>> Logistic(1)(lam), Logistic(math.inf)(lam)
    (tensor([0.2500, 0.5000]), tensor([0.0000, 0.5000]))
    """

    slope: float

    def __post_init__(self) -> None:
        if math.isnan(self.slope):
            raise ValueError(f"slope = {self.slope!r}: it must be a number")

    def __call__(self, lam: Tensor) -> Tensor:
        return self.from_logit(torch.logit(lam))

    def from_logit(self, z: Tensor) -> Tensor:
        """γ at logit λ = z, of its shape and dtype."""
        odds = self.slope * z
        if self.slope == 0 or math.isinf(self.slope):  # 0·∞ is 0
            odds = torch.where(odds.isnan() & ~z.isnan(), 0.0, odds)
        return torch.sigmoid(odds)


@dataclass(frozen=True)
class BetaCDF:
    """The weight γ(λ) = I_λ(a, b), the CDF of Beta(a, b) at λ: the second way to untie.

    In the authors' code, not in the paper. a = b = 1 is MixUp's weight.

    Args:
        a, b: finite and > 0.

    Raises:
        ValueError: a parameter is not finite and positive.
        TypeError: a parameter is no number.

    >>> BetaCDF(1, 2)(torch.tensor([0.5]))  # 1 − (1 − λ)²
    tensor([0.7500])
    """

    a: float
    b: float

    def __post_init__(self) -> None:
        Beta(self.a, self.b)  # refuses what is not positive

    def __call__(self, lam: Tensor) -> Tensor:
        return self.from_logit(torch.logit(lam)).to(lam.dtype)

    def from_logit(self, z: Tensor) -> Tensor:
        """γ at logit λ = z, of its shape and dtype, by the tail in which λ̄ is not rounded away."""
        from scipy.special import betainc, betaincc

        logit = z.detach().cpu().double()
        low, high = (
            torch.as_tensor(tail, device="cpu")  # for a single number, scipy gives no array
            for tail in (
                betainc(self.a, self.b, torch.sigmoid(logit).numpy()),
                betaincc(self.b, self.a, torch.sigmoid(-logit).numpy()),
            )
        )
        value = torch.where(logit < 0, low, high)
        return torch.where(logit.isnan(), logit, value).to(z)


@dataclass(frozen=True, eq=False)
class Scheme:
    """A policy and a label weight, as ``erm``, ``mixup``, ``dat``, ``umixup`` and ``parse`` make.

    x̃ = λx + λ̄x′ with λ ~ policy, and ỹ = γ(λ)y + (1 − γ(λ))y′ (section 3.1). Policy and weight are
    not checked here: those functions check them, and ``draw`` looks at what it draws.

    Attributes:
        policy: the distribution of λ on [0, 1].
        weight: γ, a function from a tensor of λ to a tensor of the same shape in [0, 1].

    >>> lam, gamma = Scheme(Beta(1, 1), Tied()).draw(3)
    >>> lam.shape, torch.equal(lam, gamma)
    (torch.Size([3]), True)
    """

    policy: Distribution
    weight: Weight

    def draw(
        self, n: int, generator: torch.Generator | None = None, *, stratified: bool = False
    ) -> tuple[Tensor, Tensor]:
        """n draws of (λ, γ(λ)), each of shape (n,), in torch's default dtype or float32, the wider.

        γ comes from logit λ in float64, before λ is rounded. ``generator`` is a CPU generator;
        ``None`` is torch's global one. Draws are independent; or ``stratified``, one in each of
        n strata of equal probability, in random order (an option of the authors' code). The paper
        draws a λ for each sample, independently (section 6.1).

        Raises:
            ValueError: n < 0, or a λ or γ off [0, 1] or NaN was drawn.
        """
        if n < 0:
            raise ValueError(f"n = {n}: the number of draws must be at least 0")
        with drawing_from(generator):
            if stratified:
                ranks = torch.randperm(n, device="cpu")
                u = (ranks + torch.rand(n, dtype=torch.float64, device="cpu")) / max(n, 1)
                z = icdf_logit(self.policy, u)
            else:
                z = sample_logit(self.policy, (n,))
        drawn = torch.stack([torch.sigmoid(z), at_logit(self.weight, z)])
        if n:
            low, high = (float(end) for end in drawn.aminmax())
            if not (low >= 0 and high <= 1):
                raise ValueError(f"{self!r}: λ and γ from {low:.4g} to {high:.4g}, not in [0, 1]")
        lam, gamma = drawn.to(torch.promote_types(torch.get_default_dtype(), torch.float32))
        return lam, gamma

    def __str__(self) -> str:
        match self.policy, self.weight:
            case PointMass(at=at), Kept() if at == 1:
                return "ERM"
            case policy, Tied() if _has_notation(policy):
                return repr(policy)
            case policy, Kept() if _has_notation(policy):
                return f"DAT({policy!r})"
            case policy, Posterior(policy=origin) if is_symmetrized(
                policy, origin
            ) and _has_notation(origin):
                return f"U({origin!r})"
            case policy, Logistic(slope=slope) if _has_notation(policy):
                return f"UMixUp({policy!r},S({shortest(slope)}))"
            case policy, BetaCDF(a=a, b=b) if _has_notation(policy):
                return f"UMixUp({policy!r},CDF({shortest(a)},{shortest(b)}))"
        return repr(self)

    def __repr__(self) -> str:
        return f"Scheme(policy={self.policy!r}, weight={self.weight!r})"


def _has_notation(policy: Distribution) -> bool:
    if isinstance(policy, Mixture):
        return all(_has_notation(part) for part in policy.policies)
    return isinstance(policy, (Beta, PointMass, Uniform))


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
        ValueError: α is not finite and positive.
        TypeError: α is no number.

    >>> str(mixup(1))
    'B(1,1)'
    """
    return Scheme(Beta(alpha, alpha), Tied())


def dat(policy: Distribution) -> Scheme:
    """Directional adversarial training: move x towards x′, keep y. λ ~ policy, γ ≡ 1 (section 3.1).

    Args:
        policy: a distribution on [0, 1]: the paper's adversarial policy (section 3.2).

    Raises:
        TypeError: the policy is no distribution.
        ValueError: it is not one continuous distribution on [0, 1].

    >>> str(dat(Beta(2, 1)))
    'DAT(B(2,1))'
    """
    return Scheme(as_policy(policy), Kept())


def umixup(policy: Distribution, weight: Weight) -> Scheme:
    """Untied MixUp: λ ~ policy, and labels mixed with γ(λ) = weight(λ) (section 3.1).

    Args:
        policy: a distribution on [0, 1].
        weight: γ, from a tensor of λ to a tensor of the same shape in [0, 1].

    Raises:
        TypeError: the policy is no distribution, or the weight is not callable or gives no tensor.
        ValueError: the policy is not one continuous distribution on [0, 1], or the weight leaves
            [0, 1] or changes the shape (tried on a grid of λ).

    >>> str(umixup(Beta(2.2, 0.9), Logistic(2)))
    'UMixUp(B(2.2,0.9),S(2))'
    """
    if not callable(weight):
        raise TypeError(f"weight = {weight!r}: it must be a function from λ to γ(λ)")
    lam = torch.linspace(0, 1, 101, dtype=torch.float64, device="cpu")
    gamma = weight(lam)
    if not isinstance(gamma, Tensor):
        raise TypeError(f"weight: from a tensor of λ it gave a {type(gamma).__name__}, no tensor")
    if gamma.shape != lam.shape:
        raise ValueError(f"weight: from λ of shape (101,) it gave shape {tuple(gamma.shape)}")
    if not bool(((gamma >= 0) & (gamma <= 1)).all()):
        worst = lam[((gamma - 0.5).abs().nan_to_num(nan=9.0)).argmax()]
        raise ValueError(
            f"weight: γ({worst:.2f}) = {float(weight(worst)):.4g}; γ must stay in [0, 1]"
        )
    return Scheme(as_policy(policy), weight)


def as_scheme(scheme: Scheme | str) -> Scheme:
    """``scheme`` itself, or what its text says. Not in the paper.

    Raises:
        TypeError: something else, for example a policy without its maker.
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


def untie(policy: Distribution) -> Scheme:
    """The UMixUp scheme (½(p(λ) + p(λ̄)), p(λ)/(p(λ) + p(λ̄))) of a DAT policy p (Equation 5).

    ``equivalence.U`` is this map; it stands here because ``parse`` needs it.

    Args:
        policy: p, a distribution on [0, 1].

    Raises:
        TypeError: the policy is no distribution.
        ValueError: it is not one continuous distribution on [0, 1].

    >>> str(untie(Beta(2.2, 0.9)))
    'U(B(2.2,0.9))'
    """
    policy = as_policy(policy)
    return Scheme(symmetrize(policy), Posterior(policy))


_TOKEN = re.compile(
    r"\s*(ERM|DAT|UMixUp|Uni|CDF|[BUPS]|[(),*+]|-?inf|-?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)"
)
_ALLOWED = (
    "ERM, B(a,b), DAT(policy), U(policy), UMixUp(policy,weight); a policy is B(a,b), "
    "Uni(low,high), P(at) or a mixture such as 0.5*B(1,1)+0.5*P(1); "
    "a weight is S(slope) or CDF(a,b)"
)


def parse(text: str) -> Scheme:
    """A scheme from the paper's notation (section 6); ``str`` gives it back.

    ==================  ==========================================
    ``ERM``             plain training
    ``B(a,b)``          MixUp with the Beta policy B(a, b)
    ``DAT(policy)``     DAT
    ``U(policy)``       the UMixUp scheme U(policy)
    ``UMixUp(p,w)``     policy p, weight ``S(slope)`` (logistic) or ``CDF(a,b)``
    ==================  ==========================================

    A policy is ``B(a,b)``, ``Uni(low,high)``, the point mass ``P(at)``, or a mixture such as
    ``0.5*B(1,1)+0.5*P(1)``. A policy by itself is MixUp with that policy. The paper itself writes
    B(a, b) and U(B(a, b)) only.

    Raises:
        ValueError: any other text; the message points at the position.
        TypeError: no text.

    >>> str(parse("U(B(2.2, 0.90))"))
    'U(B(2.2,0.9))'
    """
    if not isinstance(text, str):
        raise TypeError(f"scheme = {text!r}: expected text such as 'U(B(2.2,0.9))'")
    return _Parser(text).scheme()


class _Parser:
    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0

    def fail(self, expected: str, at: int | None = None) -> ValueError:
        at = self.at if at is None else at
        at += len(self.text[at:]) - len(self.text[at:].lstrip())
        return ValueError(
            f"scheme text {self.text!r}, position {at}: expected {expected}\n"
            f"    {self.text}\n    {' ' * at}^\n"
            f"allowed: {_ALLOWED}"
        )

    def peek(self) -> str | None:
        found = _TOKEN.match(self.text, self.at)
        return found[1] if found else None

    def take(self, *expected: str) -> str:
        found = _TOKEN.match(self.text, self.at)
        if not found or found[1] not in expected:
            raise self.fail(" or ".join(map(repr, expected)))
        self.at = found.end()
        return found[1]

    def number(self) -> float:
        found = _TOKEN.match(self.text, self.at)
        try:
            value = float(found[1] if found else "")
        except ValueError:
            raise self.fail("a number") from None
        assert found is not None
        self.at = found.end()
        return value

    def call(self, makers: dict[str, tuple[int, Callable[..., T]]]) -> T:
        """Name, bracket and numbers of one of the makers, and what it makes of them."""
        start = self.at
        arity, make = makers[self.take(*makers)]
        self.take("(")
        numbers = [self.number()]
        while len(numbers) < arity:
            self.take(",")
            numbers.append(self.number())
        self.take(")")
        try:
            return make(*numbers)
        except ValueError as error:
            raise self.fail(f"parameters in range ({error})", start) from None

    def policy(self) -> Distribution:
        start = self.at
        head = self.peek()
        if head in _POLICIES:
            return self.call(_POLICIES)
        if not head or head[0] not in "0123456789.-":
            raise self.fail("a policy")
        weights, parts = [], []
        while True:
            weights.append(self.number())
            self.take("*")
            parts.append(self.call(_POLICIES))
            if self.peek() != "+":
                break
            self.take("+")
        try:
            return Mixture(weights, parts)
        except ValueError as error:
            raise self.fail(f"weights in range ({error})", start) from None

    def scheme(self) -> Scheme:
        head = self.peek()
        if head == "ERM":
            self.take("ERM")
            found = erm()
        elif head in ("DAT", "U", "UMixUp"):
            self.take(head)
            self.take("(")
            policy = self.policy()
            if head == "UMixUp":
                self.take(",")
                found = umixup(policy, self.call(_WEIGHTS))
            else:
                found = dat(policy) if head == "DAT" else untie(policy)
            self.take(")")
        elif head in _POLICIES or (head and head[0] in "0123456789.-"):
            found = Scheme(self.policy(), Tied())
        else:
            raise self.fail("'ERM', 'DAT', 'U', 'UMixUp' or a policy")
        if self.text[self.at :].strip():
            raise self.fail("the end of the text")
        return found


_POLICIES: dict[str, tuple[int, Callable[..., Distribution]]] = {
    "B": (2, Beta),
    "Uni": (2, Uniform),
    "P": (1, PointMass),
}
_WEIGHTS: dict[str, tuple[int, Callable[..., Weight]]] = {"S": (1, Logistic), "CDF": (2, BetaCDF)}
