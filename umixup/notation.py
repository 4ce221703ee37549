"""The paper's notation of schemes, such as ``U(B(2.2,0.9))``: one table to read and write it.

A scheme is a pair here, its policy and its weight; ``umixup.schemes`` builds on this module.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, TypeVar

from umixup import _check as check
from umixup._notated import Notated, shortest
from umixup.policies import Beta, Mixture, PointMass, Policy, Reflected, Uniform, symmetrize
from umixup.policies.reflected import is_symmetrized
from umixup.weights import BetaCDF, Kept, Logistic, Posterior, Tied, Weight

T = TypeVar("T", bound=Notated)
R = TypeVar("R")
Pair = tuple[Policy, Weight]


class Form(NamedTuple):
    """A way to write a scheme: a name with arguments in brackets."""

    takes: tuple[str, ...]  # "policy", "weight" or "number" for each argument
    make: Callable[..., Pair]  # arguments -> scheme
    # and back; None: another form
    arguments: Callable[[Policy, Weight], tuple[Notated | float, ...] | None]


def untied(policy: Policy) -> Pair:
    """Policy and weight of U(policy) (Equation 5)."""
    return symmetrize(policy), Posterior(policy)


def twinned(kappa: float, policy: Policy) -> Pair:
    """Policy and weight of ``um.equivalence.twin(policy, kappa)``.

    Raises:
        ValueError: κ is not in [½, 1].
    """
    kappa = check.number("kappa", kappa, _KAPPA)
    if kappa == 1:
        return policy, Kept()
    if kappa == 0.5:
        return untied(policy)
    return Reflected(policy, keep=kappa), Posterior(policy, kappa)


_KAPPA = check.Range("in [0.5, 1]", lambda value: 0.5 <= value <= 1)


def _of_twin(policy: Policy, weight: Weight) -> tuple[float, Policy] | None:
    if isinstance(weight, Posterior) and is_symmetrized(policy, weight.policy, weight.kappa):
        return weight.kappa, weight.policy
    return None


def _of_erm(policy: Policy, weight: Weight) -> tuple[()] | None:
    return () if policy.notation == "P(1)" and weight == Kept() else None


def _of_u(policy: Policy, weight: Weight) -> tuple[Policy] | None:
    twin = _of_twin(policy, weight)
    return twin[1:] if twin and twin[0] == 0.5 else None


# The table. Policies and weights are a symbol and numbers, which their classes declare. A scheme
# is written in the first form that fits; a policy by itself is MixUp.
POLICIES: dict[str, type[Policy]] = {one.symbol: one for one in (Beta, Uniform, PointMass)}
WEIGHTS: dict[str, type[Weight]] = {one.symbol: one for one in (Logistic, BetaCDF)}
SCHEMES = {
    "ERM": Form((), lambda: (PointMass(1), Kept()), _of_erm),
    "": Form(("policy",), lambda p: (p, Tied()), lambda p, w: (p,) if w == Tied() else None),
    "DAT": Form(("policy",), lambda p: (p, Kept()), lambda p, w: (p,) if w == Kept() else None),
    "U": Form(("policy",), untied, _of_u),
    "Twin": Form(("number", "policy"), twinned, _of_twin),
    "UMixUp": Form(("policy", "weight"), lambda p, w: (p, w), lambda p, w: (p, w)),
}


def written(policy: Policy, weight: Weight) -> str | None:
    """The shortest text of a scheme; ``None`` if the notation has none."""
    for name, form in SCHEMES.items():
        arguments = form.arguments(policy, weight)
        if arguments is not None:
            texts = [shortest(one) if isinstance(one, float) else one.notation for one in arguments]
            if None not in texts:
                return _call(name, map(str, texts))
    return None


def read(text: str) -> Pair:
    """The policy and the weight of the scheme that a text stands for; ``um.parse`` has the rules.

    Raises:
        ValueError: the text is not in the notation; the message points at the position.
        TypeError: not a text.
    """
    if not isinstance(text, str):
        raise TypeError(f"scheme = {text!r}: expected text such as 'U(B(2.2,0.9))'")
    reader = _Reader(text)
    pair = reader.scheme()
    if reader.token:
        raise reader.error("the end of the text")
    return pair


def _call(name: str, arguments: Iterable[str]) -> str:
    inside = ",".join(arguments)
    return f"{name}({inside})" if name and inside else name + inside


_NUMBER = r"-?inf|-?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_SYMBOLS = sorted({*SCHEMES, *POLICIES, *WEIGHTS} - {""}, key=len, reverse=True)  # UMixUp before U
_TOKEN = re.compile(rf"\s*({'|'.join(_SYMBOLS)}|[(),*+]|{_NUMBER}|\S|\Z)")
_ALLOWED = (
    f"{', '.join(_call(name, form.takes) for name, form in SCHEMES.items())}; a policy is "
    f"{', '.join(_call(symbol, one.parameters) for symbol, one in POLICIES.items())} or a mixture "
    "such as 0.5*B(1,1)+0.5*P(1); a weight is "
    f"{' or '.join(_call(symbol, one.parameters) for symbol, one in WEIGHTS.items())}; a policy by "
    "itself is MixUp, such as B(0.2,0.2) for α = 0.2"
)


class _Reader:
    """Reads a text from left to right: a method starts at the next token and moves past its own."""

    def __init__(self, text: str) -> None:
        self.text, self.end = text, 0
        self.move()

    def move(self) -> None:
        found = _TOKEN.match(self.text, self.end)
        assert found is not None  # any character is a token, and so is the end, ""
        self.token, self.start, self.end = found[1], found.start(1), found.end()

    def error(self, expected: str, at: int | None = None) -> ValueError:
        at = self.start if at is None else at
        return ValueError(
            f"scheme text {self.text!r}, position {at}: expected {expected}\n"
            f"    {self.text}\n    {' ' * at}^\n"
            f"allowed: {_ALLOWED}"
        )

    def take(self, *expected: str) -> str:
        token = self.token
        if token not in expected:
            raise self.error(" or ".join(map(repr, expected)))
        self.move()
        return token

    def at_number(self) -> bool:
        return re.fullmatch(_NUMBER, self.token) is not None

    def number(self) -> float:
        if not self.at_number():
            raise self.error("a number")
        value = float(self.token)
        self.move()
        return value

    def in_brackets(self, *readers: Callable[[], R]) -> list[R]:
        found = []
        for k, reader in enumerate(readers):
            self.take("," if k else "(")
            found.append(reader())
        self.take(")")
        return found

    def one_of(self, classes: Mapping[str, type[T]]) -> T:
        start = self.start
        made: Any = classes[self.take(*classes)]
        numbers = self.in_brackets(*[self.number] * len(made.parameters))
        try:
            found: T = made(*numbers)
        except ValueError as error:
            raise self.error(f"parameters in range ({error})", start) from None
        return found

    def weight(self) -> Weight:
        return self.one_of(WEIGHTS)

    def policy(self) -> Policy:
        if self.token in POLICIES:
            return self.one_of(POLICIES)
        if not self.at_number():
            raise self.error("a policy")
        start = self.start
        weights: list[float] = []
        parts: list[Policy] = []
        while not parts or self.token == "+":
            if parts:
                self.take("+")
            weights.append(self.number())
            self.take("*")
            parts.append(self.one_of(POLICIES))
        try:
            mixture = Mixture(weights, parts)
        except ValueError as error:
            raise self.error(f"weights in range ({error})", start) from None
        return mixture if len(mixture.policies) > 1 else mixture.policies[0]

    def scheme(self) -> Pair:
        if self.token in POLICIES or self.at_number():
            return SCHEMES[""].make(self.policy())
        if self.token not in SCHEMES or not self.token:
            names = ", ".join(repr(name) for name in SCHEMES if name)
            raise self.error(f"{names} or a policy")
        start, form = self.start, SCHEMES[self.take(self.token)]
        readers = [getattr(self, kind) for kind in form.takes]
        arguments = self.in_brackets(*readers) if readers else []
        try:
            return form.make(*arguments)
        except ValueError as error:
            raise self.error(f"parameters in range ({error})", start) from None
