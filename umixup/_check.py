"""Checks of arguments. Each returns the value, or raises an error that says what is allowed.

    width = check.whole("width", width, 1)
    alpha = check.number("alpha", alpha, check.POSITIVE)

NumPy's numbers are numbers here; text and booleans are not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from numbers import Integral
from typing import NamedTuple, TypeGuard, TypeVar

import numpy as np

T = TypeVar("T")


class Range(NamedTuple):
    """A set of allowed numbers, and how an error message describes it."""

    words: str
    holds: Callable[[float], bool]


_BITS = 1024  # of the largest floats; Python refuses to print numbers that are far longer
FINITE = Range("finite", math.isfinite)
POSITIVE = Range("finite and > 0", lambda value: 0 < value < math.inf)
NON_NEGATIVE = Range("finite and ≥ 0", lambda value: 0 <= value < math.inf)
UNIT = Range("in [0, 1]", lambda value: 0 <= value <= 1)
OPEN_UNIT = Range("in (0, 1)", lambda value: 0 < value < 1)


def is_whole(value: object) -> TypeGuard[Integral]:
    """True for Python's and NumPy's integers, but not for booleans."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def whole(name: str, value: object, least: int | None = None, most: int | None = None) -> int:
    """``value`` as an int.

    Raises:
        ValueError: it is not an integer, is outside least … most, or has over 1,024 bits.

    >>> whole("epochs", 0, 1)
    Traceback (most recent call last):
        ...
    ValueError: epochs = 0: it must be a whole number ≥ 1
    """
    if is_whole(value):
        found = int(value)
        if found.bit_length() > _BITS:
            raise ValueError(f"{name}: it must be a whole number below 2**{_BITS}")
        if (least is None or found >= least) and (most is None or found <= most):
            return found
    if least is not None and most is not None:
        allowed = f" from {least} to {most}"
    else:
        allowed = "" if least is None else f" ≥ {least}"
    raise ValueError(f"{name} = {value!r}: it must be a whole number{allowed}")


def number(name: str, value: object, allowed: Range = FINITE) -> float:
    """``value`` as a float.

    Raises:
        TypeError: it is not a number.
        ValueError: it is outside the range.

    >>> number("alpha", "1", POSITIVE)
    Traceback (most recent call last):
        ...
    TypeError: alpha = '1': it must be a number, finite and > 0
    """
    try:
        if isinstance(value, (bool, np.bool_, str, bytes)):
            raise TypeError
        found = float(value) + 0.0  # type: ignore[arg-type]  # −0 becomes 0
    except OverflowError:  # an integer too large for a float
        found = math.inf if value > 0 else -math.inf  # type: ignore[operator]
    except (TypeError, ValueError):
        raise TypeError(f"{name} = {value!r}: it must be a number, {allowed.words}") from None
    if not allowed.holds(found):
        raise ValueError(f"{name} = {value!r}: it must be {allowed.words}")
    return found


def text(name: str, value: object) -> str:
    """``value`` itself.

    Raises:
        TypeError: it is not a text.
        ValueError: it is empty, or only spaces.
    """
    if not isinstance(value, str):
        raise TypeError(f"{name} = {value!r}: it must be a text")
    if not value.strip():
        raise ValueError(f"{name} = {value!r}: it must not be empty")
    return value


def one_of(name: str, value: T, allowed: Iterable[T]) -> T:
    """``value`` itself.

    Raises:
        ValueError: it is not among the allowed ones, which the message lists.

    >>> one_of("lam_per", "epoch", ("sample", "batch"))
    Traceback (most recent call last):
        ...
    ValueError: lam_per = 'epoch': it must be one of sample, batch
    """
    choices = list(allowed)
    if not any(type(value) is type(choice) and value == choice for choice in choices):
        raise ValueError(f"{name} = {value!r}: it must be one of {', '.join(map(str, choices))}")
    return value
