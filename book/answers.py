"""What exercises ask for: a function by its name, how it is checked, and which errors are known.

``checks/ex_words.py`` belongs to the exercise ex-words, and is made of plain functions:

    the first one      what is asked for, by its name, arguments and docstring; its body is a
                       reference that no student sees
    check(answer)      what students can run themselves: a hint in a sentence, or None
    draw(rng)          arguments for a call that students do not see, drawn for each of them
    agree(got, wanted) optional: is the student's result the reference's? By default
                       numpy.allclose with a relative tolerance of 1e-5
    wrong_words        known wrong answers; the docstring has the error, then "Say: ..." with what
                       helps. ``check`` or the hidden calls must refuse each.

A student's notebook gets the first function without its body, and ``check``. A grader calls the
answer on arguments drawn by the student's name, since the solutions are on the site.
"""

from __future__ import annotations

import ast
import inspect
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from textwrap import indent
from types import ModuleType
from typing import Any
from zlib import crc32

import numpy as np
from exercises import reads_and_binds

DRAWS = 5  # hidden calls of one answer
TO_DO = "your code here"
STUB = f'raise NotImplementedError("{TO_DO}")'


@dataclass(frozen=True)
class Asked:
    """What one exercise asks for."""

    label: str  # ex-words
    source: str  # of its file

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.source)

    @cached_property
    def functions(self) -> dict[str, ast.FunctionDef]:
        return {node.name: node for node in self.tree.body if isinstance(node, ast.FunctionDef)}

    @cached_property
    def name(self) -> str:
        """Of the function that is asked for."""
        return next(iter(self.functions))

    @cached_property
    def wrong(self) -> dict[str, tuple[str, str]]:
        """Known wrong answers: their names, the error, and what to say."""
        found = {}
        for name, node in self.functions.items():
            if name.startswith("wrong_"):
                error, _, say = inspect.cleandoc(ast.get_docstring(node) or "").partition("Say:")
                found[name] = (" ".join(error.split()), " ".join(say.split()))
        return found

    @cached_property
    def summary(self) -> str:
        """The call and the docstring's first paragraph, for the text of the exercise."""
        node = self.functions[self.name]
        says = (ast.get_docstring(node) or "").split("\n\n")[0]
        return f"`{self.name}({ast.unparse(node.args)})`: {' '.join(says.split())}"

    def stub(self, body: str = STUB) -> str:
        """The function without its reference: its arguments, its docstring, and ``body``."""
        node = self.functions[self.name]
        lines = self.source.splitlines()
        first = node.body[0]  # the docstring
        head = lines[node.lineno - 1 : first.end_lineno]
        return "\n".join([*head, *(f"    {line}" for line in body.splitlines())])

    def text(self, *names: str) -> str:
        """The source of these functions."""
        lines = self.source.splitlines()
        found = (self.functions[n] for n in names if n in self.functions)
        return "\n\n\n".join("\n".join(lines[n.lineno - 1 : n.end_lineno]) for n in found)

    def needed(self, *names: str) -> str:
        """The source of these functions, and of all in the file that they need."""
        statements = [(node, *reads_and_binds(ast.unparse(node))) for node in self.tree.body]
        wanted, more = set[str](), set(names)
        while more - wanted:
            wanted |= more
            more = {name for _, read, bound in statements if bound & wanted for name in read}
        lines = self.source.splitlines()
        parts = [
            "\n".join(lines[node.lineno - 1 : node.end_lineno])
            for node, _, bound in statements
            if bound & wanted
        ]
        return "\n\n".join(parts)

    def inside(self, head: str, last: str, *names: str) -> str:
        """A function that has in itself what these functions need: no other cell can change it."""
        return f"{head}\n" + indent(f"{self.needed(*names)}\n\n{last}", "    ")

    def solved(self, begin: str, end: str) -> str:
        """The function with its reference, and all that this needs, between two comments."""
        node = self.functions[self.name]
        lines = self.source.splitlines()
        first = node.body[0]  # the docstring
        own = "\n".join(lines[node.lineno - 1 : node.end_lineno])
        others = self.needed(self.name).replace(own, "").strip("\n")
        body = "\n".join(lines[first.end_lineno : node.end_lineno])
        head = "\n".join(lines[node.lineno - 1 : first.end_lineno])
        parts = [indent(others, "    ") + "\n"] if others else []
        return "\n".join([head, f"    {begin}", *parts, body.strip("\n"), f"    {end}"])

    @cached_property
    def module(self) -> ModuleType:
        """The file, run."""
        module = ModuleType(f"checks.{self.label}")
        exec(compile(self.tree, f"{self.label}.py", "exec"), module.__dict__)
        return module


def read(folder: Path) -> dict[str, Asked]:
    """What is asked for in each exercise that has a file here, by its label."""
    return {
        label: Asked(label, path.read_text(encoding="utf-8"))
        for path in sorted(folder.glob("ex_*.py"))
        for label in [path.stem.replace("_", "-")]
    }


def agree(got: Any, wanted: Any) -> bool:
    """Is a student's result the reference's, in shape and to some millionths of its size?"""
    try:
        got, wanted = np.asarray(got, dtype=float), np.asarray(wanted, dtype=float)
    except (TypeError, ValueError):
        return False
    return got.shape == wanted.shape and np.allclose(got, wanted, rtol=1e-5, equal_nan=True)


def visible(asked: Asked, answer: Callable[..., Any]) -> str | None:
    """What ``check`` says of an answer: ``None`` if nothing is wrong."""
    return _says(asked.name, lambda: asked.module.check(answer))


def hidden(asked: Asked, answer: Callable[..., Any], seed: int) -> str | None:
    """Call an answer on arguments drawn by the seed; what is wrong, or ``None``."""
    same = getattr(asked.module, "agree", agree)
    reference = getattr(asked.module, asked.name)
    draw = asked.module.draw
    return _says(asked.name, lambda: differs(asked.name, answer, reference, draw, same, seed))


def differs(
    name: str,
    answer: Callable[..., Any],
    reference: Callable[..., Any],
    draw: Callable[..., Any],
    same: Callable[..., bool],
    seed: int,
    draws: int = DRAWS,
) -> str | None:
    """The first call whose result is not the reference's, in words; ``None`` if there is none."""
    for k in range(draws):
        arguments, again = (draw(np.random.default_rng((seed, k))) for _ in "ab")
        got, wanted = answer(*arguments), reference(*again)
        if not same(got, wanted):
            with np.printoptions(legacy="1.25"):  # numbers, without the names of their types
                shown = ", ".join(map(repr, again))
                return f"{name}({shown}) gives {got!r} and should give {wanted!r}."
    return None


def seed(secret: str, label: str, student: str) -> int:
    """What a student's hidden calls are drawn from."""
    return crc32(f"{secret}/{label}/{student.strip()}".encode())


def judge(
    part: str, source: str, label: str, names: Mapping[str, Any], secret: str, handed_in: str
) -> None:
    """Print, in a student's kernel, what is to be said of an answer: a sentence as JSON, or null.

    Args:
        part: "check", or "calls" that students do not see.
        source: of the exercise's file.
        names: the notebook's ``globals()``.
        handed_in: the student, if the notebook does not say who it is.
    """
    asked = Asked(label, source)
    student = str(names.get("student") or "").strip() or handed_in
    answer = names.get(asked.name)
    if not callable(answer):
        missing = f"There is no function {asked.name} in the notebook."
        print(json.dumps(missing))
    elif part == "check":
        print(json.dumps(visible(asked, answer)))
    else:
        print(json.dumps(hidden(asked, answer, seed(secret, label, student))))


def _says(name: str, run: Callable[[], str | None]) -> str | None:
    try:
        return run()
    except (Exception, SystemExit) as error:
        if str(error) == TO_DO:
            return f"{name} is not written yet."
        return f"{name} stops with {type(error).__name__}: {error}"
