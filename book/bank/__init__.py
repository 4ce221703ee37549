"""A private bank of questions: variants of the chapters' exercises, drawn by a seed.

Each chapter has a module ``chapter_NN`` with a few functions ``name(rng) -> Question``, listed in
its ``QUESTIONS``. A function draws the parameters of its question and computes its solution.
Nothing of this goes to the site, where the solutions of the exercises are for anyone to unfold.
"""

from __future__ import annotations

import importlib
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

CHAPTERS = range(1, 21)
KINDS = ("pen and paper", "code", "open")
MINUTES_A_POINT = Fraction(3, 2)


@dataclass(frozen=True)
class Question:
    """A question with its solution and marks, and the numbers behind both."""

    label: str
    after: str  # the exercise whose spirit it has
    kind: str
    points: int
    text: str
    solution: str
    marking: tuple[tuple[int, str], ...]  # points, and the step that earns them
    given: Mapping[str, Any]  # what was drawn
    answers: Mapping[str, Any]  # what the solution claims; tests compute it in another way

    @property
    def minutes(self) -> int:
        """A minute and a half a point."""
        return round(self.points * MINUTES_A_POINT)

    @property
    def chapter(self) -> int:
        """The chapter that it belongs to."""
        return int(self.label.split("-")[1])


def question(
    label: str,
    after: str,
    kind: str,
    *,
    text: str,
    solution: str,
    marking: list[tuple[int, str]],
    given: Mapping[str, Any],
    answers: Mapping[str, Any],
    **shown: Any,
) -> Question:
    """A question whose texts have ``<name>`` for a number, or ``<name~>`` for it as a decimal."""
    values = {**given, **answers, **shown}
    steps = tuple((points, fill(step, values)) for points, step in marking)
    return Question(
        label,
        after,
        kind,
        sum(points for points, _ in steps),
        fill(text, values),
        fill(solution, values),
        steps,
        given,
        answers,
    )


def fill(text: str, values: Mapping[str, Any]) -> str:
    """The text with its placeholders filled; a name without a value is an error.

    >>> fill(r"$<half>$, or <half~>", {"half": Fraction(1, 2)})
    '$\\\\frac{1}{2}$, or 0.5'
    """

    def value(found: re.Match[str]) -> str:
        shown = written(values[found[1]], decimal=bool(found[2]))
        power = found[3] and re.search(r"^-|frac", shown)
        return rf"\bigl({shown}\bigr)^" if power else shown + found[3]

    return re.sub(r"<([A-Za-z]\w*)(~?)>(\^?)", value, text.strip("\n"))


def written(value: Any, *, decimal: bool = False) -> str:
    """A number as it stands in a formula: a fraction as a fraction, a float by four digits."""
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple):
        return ", ".join(written(v, decimal=decimal) for v in value)
    if isinstance(value, Fraction) and value.denominator > 1 and not decimal:
        sign = "-" if value < 0 else ""
        return rf"{sign}\frac{{{abs(value.numerator)}}}{{{value.denominator}}}"
    if isinstance(value, int | np.integer) or value == round(value):
        return str(int(value))
    shown = f"{float(value):.4g}"
    if "e" in shown:
        digits, _, power = shown.partition("e")
        return rf"{digits} \cdot 10^{{{int(power)}}}" if abs(value) < 1 else f"{value:,.0f}"
    return shown


def pick(rng: np.random.Generator, *choices: Any) -> Any:
    """One of these, all equally likely."""
    return choices[int(rng.integers(len(choices)))]


def integer(rng: np.random.Generator, low: int, high: int) -> int:
    """A whole number from low to high, both of them included."""
    return int(rng.integers(low, high + 1))


def generator(seed: int, name: str) -> np.random.Generator:
    """Random numbers for one use: a new question does not change the others."""
    return np.random.default_rng([seed, zlib.crc32(name.encode())])


def of_chapter(chapter: int, seed: int) -> Iterator[Question]:
    """The questions of a chapter."""
    module = importlib.import_module(f"bank.chapter_{chapter:02d}")
    for draw in module.QUESTIONS:
        yield draw(generator(seed, f"{module.__name__}.{draw.__name__}"))


def questions(seed: int) -> list[Question]:
    """All questions, in the order of the book."""
    return [question for chapter in CHAPTERS for question in of_chapter(chapter, seed)]
