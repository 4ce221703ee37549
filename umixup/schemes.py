"""Schemes: a policy p for the mixing ratio λ, and a weight γ(λ) for the labels.

x̃ = λx + λ̄x′ and ỹ = γ(λ)y + (1 − γ(λ))y′. ERM has λ ≡ 1, DAT has γ ≡ 1, MixUp has γ(λ) = λ,
and untied MixUp (UMixUp) any γ (section 3 of the paper). In code: ``lam``, ``gamma``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.distributions import Distribution

from umixup._random import drawing_from
from umixup.policies import (
    Beta,
    PointMass,
    Weight,
    as_policy,
    at_logit,
    is_symmetrized,
    sample_logit,
    symmetrize,
)


@dataclass(frozen=True)
class Tied:
    """MixUp's weight, γ(λ) = λ."""

    def __call__(self, lam: Tensor) -> Tensor:
        return lam


@dataclass(frozen=True)
class Kept:
    """DAT's weight, γ ≡ 1: the label of the first sample is kept."""

    def __call__(self, lam: Tensor) -> Tensor:
        return torch.ones_like(lam)


@dataclass(frozen=True, eq=False)
class Posterior:
    r"""The weight of U: :math:`γ(λ) = p(λ)/(p(λ)+p(1-λ)) = σ(\log p(λ) - \log p(1-λ))`.

    How likely the first sample is the one that was moved, given λ or its mirror. For
    p = B(α, β) it is σ((α−β)·logit λ), finite everywhere; where p(λ) = p(λ̄) = 0 it is ½.
    """

    policy: Distribution

    def __call__(self, lam: Tensor) -> Tensor:
        if isinstance(self.policy, Beta):
            return self.from_logit(torch.logit(lam))
        log_odds = self.policy.log_prob(lam) - self.policy.log_prob(1 - lam)
        return torch.sigmoid(torch.nan_to_num(log_odds, nan=0.0, posinf=None, neginf=None)).to(
            lam.dtype
        )

    def from_logit(self, z: Tensor) -> Tensor:
        """γ as a function of logit λ: exact where λ itself would round to 0 or 1."""
        if not isinstance(self.policy, Beta):
            return self(torch.sigmoid(z))
        slope = self.policy.alpha - self.policy.beta
        return torch.sigmoid(slope * z) if slope else torch.full_like(z, 0.5)


@dataclass(frozen=True, eq=False)
class Scheme:
    """A policy and a label weight, as ``erm``, ``mixup``, ``dat``, ``umixup`` and ``parse`` make.

    Attributes:
        policy: the distribution of λ on [0, 1].
        weight: γ, a function from a tensor of λ to a tensor of the same shape in [0, 1].
    """

    policy: Distribution
    weight: Weight

    def draw(self, n: int, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """n independent (λ, γ(λ)), each of shape (n,), in torch's default dtype.

        γ comes from logit λ in float64, before λ is rounded. ``generator`` is a CPU generator;
        ``None`` is torch's global one.

        Raises:
            ValueError: n < 0.
        """
        if n < 0:
            raise ValueError(f"n = {n}: the number of draws must be at least 0")
        with drawing_from(generator):
            z = sample_logit(self.policy, (n,))
        lam = torch.sigmoid(z)
        gamma = at_logit(self.weight, z)
        return lam.to(torch.get_default_dtype()), gamma.to(torch.get_default_dtype())

    def __str__(self) -> str:
        match self.policy, self.weight:
            case PointMass(at=at), Kept() if at == 1:
                return "ERM"
            case (Beta() | PointMass()) as policy, Tied():
                return repr(policy)
            case (Beta() | PointMass()) as policy, Kept():
                return f"DAT({policy!r})"
            case _, Posterior(policy=(Beta() | PointMass()) as origin) if is_symmetrized(
                self.policy, origin
            ):
                return f"U({origin!r})"
        return repr(self)

    def __repr__(self) -> str:
        return f"Scheme(policy={self.policy!r}, weight={self.weight!r})"


def erm() -> Scheme:
    """Plain training (empirical risk minimisation): λ ≡ 1, γ ≡ 1.

    >>> str(erm())
    'ERM'
    """
    return Scheme(PointMass(1), Kept())


def mixup(alpha: float) -> Scheme:
    """MixUp (Zhang et al., 2018): λ ~ B(α, α), γ(λ) = λ.

    >>> str(mixup(1))
    'B(1,1)'
    """
    return Scheme(Beta(alpha, alpha), Tied())


def dat(policy: Distribution) -> Scheme:
    """Directional adversarial training: move x towards x′, keep y. λ ~ policy, γ ≡ 1.

    >>> str(dat(Beta(2, 1)))
    'DAT(B(2,1))'
    """
    return Scheme(as_policy(policy), Kept())


def umixup(policy: Distribution, weight: Weight) -> Scheme:
    """Untied MixUp: λ ~ policy, and labels mixed with γ(λ) = weight(λ).

    Raises:
        TypeError: the policy is no distribution, or the weight is not callable.
        ValueError: the weight leaves [0, 1] or changes the shape (tried on a grid of λ).
    """
    if not callable(weight):
        raise TypeError(f"weight = {weight!r}: it must be a function from λ to γ(λ)")
    lam = torch.linspace(0, 1, 101, dtype=torch.float64)
    gamma = weight(lam)
    if gamma.shape != lam.shape:
        raise ValueError(f"weight: from λ of shape (101,) it gave shape {tuple(gamma.shape)}")
    if not bool(((gamma >= 0) & (gamma <= 1)).all()):
        worst = lam[((gamma - 0.5).abs().nan_to_num(nan=9.0)).argmax()]
        raise ValueError(
            f"weight: γ({worst:.2f}) = {float(weight(worst)):.4g}; γ must stay in [0, 1]"
        )
    return Scheme(as_policy(policy), weight)


def untie(policy: Distribution) -> Scheme:
    """The UMixUp scheme (½(p(λ) + p(λ̄)), p(λ)/(p(λ) + p(λ̄))) of a DAT policy p.

    ``equivalence.U`` is this map; it stands here because ``parse`` needs it.
    """
    policy = as_policy(policy)
    return Scheme(symmetrize(policy), Posterior(policy))


_TOKEN = re.compile(r"\s*(ERM|DAT|[BUP]|[(),]|[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)")


def parse(text: str) -> Scheme:
    """A scheme from the paper's notation; ``str`` gives it back.

    ==================  ==========================================
    ``ERM``             plain training
    ``B(a,b)``          MixUp with the Beta policy B(a, b)
    ``DAT(policy)``     DAT
    ``U(policy)``       the UMixUp scheme U(policy)
    ==================  ==========================================

    A policy is ``B(a,b)`` or the point mass ``P(at)``.

    Raises:
        ValueError: anything else; the message points at the position.

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
            "allowed: ERM, B(a,b), DAT(policy), U(policy); a policy is B(a,b) or P(at)"
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

    def policy(self) -> Distribution:
        start = self.at
        arity = {"B": 2, "P": 1}[kind := self.take("B", "P")]
        self.take("(")
        numbers = [self.number()]
        while len(numbers) < arity:
            self.take(",")
            numbers.append(self.number())
        self.take(")")
        make: Callable[..., Distribution] = {"B": Beta, "P": PointMass}[kind]
        try:
            return make(*numbers)
        except ValueError as error:
            raise self.fail(f"parameters in range ({error})", start) from None

    def scheme(self) -> Scheme:
        head = self.peek()
        if head == "ERM":
            self.take("ERM")
            found = erm()
        elif head in ("DAT", "U"):
            self.take(head)
            self.take("(")
            found = dat(self.policy()) if head == "DAT" else untie(self.policy())
            self.take(")")
        elif head in ("B", "P"):
            found = Scheme(self.policy(), Tied())
        else:
            raise self.fail("'ERM', 'B', 'P', 'DAT' or 'U'")
        if self.text[self.at :].strip():
            raise self.fail("the end of the text")
        return found
