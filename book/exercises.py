"""The exercises of a chapter, their solutions, and the rules that both keep.

An exercise is a directive ``exercise`` with the label ex-words. Its solution is a directive
``solution``, or a pair ``solution-start``/``solution-end`` with code cells in between, and has the
label sol-same-words. The student's notebook lacks the solutions, so nothing else may need them.
exercises.yaml has what a course wants to know of each: its name, minutes, points and difficulty.
"""

from __future__ import annotations

import ast
import re
import symtable
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import count
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import yaml
from nbformat import NotebookNode
from plain import Piece, pieces

if TYPE_CHECKING:
    from answers import Asked

DIRECTIVES = ("exercise", "solution", "solution-start", "solution-end")
KINDS = ("pen and paper", "code", "open")
FEWEST = 3
FEWEST_IN_THEORY = 5
THEORY = range(1, 12)  # the chapters of Parts I to III
_EXERCISE = re.compile(r"^:::\{exercise\}.*\n:label: (\S+)\n\n", re.MULTILINE)


class Facts(NamedTuple):
    """What a course wants to know of an exercise."""

    name: str
    minutes: int  # to write the answer, once the chapter is read
    points: int
    difficulty: int  # 1, the chapter's own steps; 2, an idea of one's own; 3, hard

    @property
    def line(self) -> str:
        """The name and the numbers, as they stand above an exercise's text."""
        points = f"{self.points} point" + "s" * (self.points != 1)
        numbers = f"{self.minutes} minutes, {points}, difficulty {self.difficulty} of 3"
        return f"**{self.name}.** *{numbers}.*"

    def split(self, kind: str) -> Points:
        """How the points of an exercise that has a file are given.

        Of those of a function, half, rounded down, are for the check that students see. Where an
        argument is asked for as well, the function has a third of all points, and at least one.
        """
        by_machine = self.points if kind == "code" else max(1, round(self.points / 3))
        seen = by_machine // 2
        return Points(seen, by_machine - seen, self.points - by_machine)


class Points(NamedTuple):
    """How the points of an exercise are given."""

    visible: int  # by the check that students see
    hidden: int  # by calls that they do not see
    by_hand: int

    @property
    def automatic(self) -> int:
        """Those that no person gives."""
        return self.visible + self.hidden


def facts(path: Path) -> Mapping[str, Facts]:
    """The facts of all exercises by their labels, from exercises.yaml."""
    return _facts(path.read_text(encoding="utf-8"))


@lru_cache(maxsize=4)
def _facts(text: str) -> Mapping[str, Facts]:
    read = yaml.safe_load(text)
    return MappingProxyType({label: Facts(**about) for label, about in read.items()})


def introduce(
    notebook: NotebookNode, about: Mapping[str, Facts], asked: Mapping[str, Asked]
) -> None:
    """Put above the text of each exercise what there is to know of it, and what is to be given."""

    def head(found: re.Match[str]) -> str:
        label = found[1]
        lines = [about[label].line] if label in about else []
        lines += [f"**To give:** {asked[label].summary}"] if label in asked else []
        return found[0] + "".join(f"{line}\n\n" for line in lines)

    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = _EXERCISE.sub(head, cell.source)


def walk(notebook: NotebookNode) -> Iterator[tuple[NotebookNode, Piece | None, str | None]]:
    """In order: each code cell, and each piece of a text cell; with the exercise it solves."""
    solves = None
    for cell in notebook.cells:
        if cell.cell_type != "markdown":
            yield cell, None, solves
            continue
        for piece in pieces(cell.source):
            if piece.name == "solution-start":
                solves = piece.argument
            yield cell, piece, piece.argument if piece.name == "solution" else solves
            if piece.name == "solution-end":
                solves = None


def problems(chapters: dict[str, NotebookNode]) -> list[str]:
    """Every rule that these chapters break, in words; none is an empty list."""
    found = []
    home: dict[str, str] = {}
    for chapter, notebook in chapters.items():
        broken = [*_pairs(notebook), *_names(notebook), *_enough(chapter, notebook)]
        for label in labels(notebook):
            if label in home:
                broken.append(f"the label {label} is also in {home[label]}")
            home[label] = chapter
        found += [f"{chapter}: {problem}" for problem in broken]
    return found


def labels(notebook: NotebookNode) -> list[str]:
    """Every label that the text of a chapter defines, as often as it does."""
    text = "\n".join(c.source for c in notebook.cells if c.cell_type == "markdown")
    figures = [c.metadata.get("mystnb", {}).get("figure", {}).get("name") for c in notebook.cells]
    return [
        *re.findall(r"^:(?:label|name):[ \t]*(\S+)$", text, re.MULTILINE),
        *re.findall(r"^\((\S+)\)=$", text, re.MULTILINE),
        *filter(None, figures),
    ]


def _exercises(notebook: NotebookNode) -> list[Piece]:
    return [p for _, p, _ in walk(notebook) if p is not None and p.name == "exercise"]


def _enough(chapter: str, notebook: NotebookNode) -> Iterator[str]:
    kinds = [piece.argument for piece in _exercises(notebook)]
    fewest = FEWEST_IN_THEORY if int(chapter.split("_")[0]) in THEORY else FEWEST
    if len(kinds) < fewest:
        yield f"{len(kinds)} exercises, of at least {fewest}"
    for kind in KINDS:
        if kind not in kinds:
            yield f"no exercise is titled '{kind}'"
    for kind in kinds:
        if kind not in KINDS:
            yield f"an exercise is titled '{kind}': it must be one of {', '.join(KINDS)}"


def _pairs(notebook: NotebookNode) -> Iterator[str]:
    exercises = [piece.options.get("label", "") for piece in _exercises(notebook)]
    solved = []
    begun = None
    for _, piece, solves in walk(notebook):
        if piece is None:
            continue
        if piece.name in ("solution", "solution-start"):
            solved.append(piece.argument)
            wanted = f"sol-{piece.argument.removeprefix('ex-')}"
            if (label := piece.options.get("label")) != wanted:
                yield f"the solution of {piece.argument} has the label {label}, not {wanted}"
            if "dropdown" not in piece.options.get("class", ""):
                yield f"the solution of {piece.argument} is not folded: no `:class: dropdown`"
            if begun is not None:
                yield f"{piece.argument} is solved inside the solution of {begun}"
            begun = piece.argument if piece.name == "solution-start" else begun
        elif piece.name == "solution-end":
            if begun is None:
                yield "a solution-end ends nothing"
            begun = None
        elif piece.name == "exercise" and solves is not None:
            yield f"{piece.options.get('label')} stands inside the solution of {solves}"
        inside = re.findall(r"\{(?:exercise|solution)[\w-]*\}", piece.text)
        if len(inside) != (piece.name in DIRECTIVES):  # indented, or in another directive
            yield f"{inside[-1]} is not at the top level in {piece.text[:60]!r}"
    if begun is not None:
        yield f"the solution of {begun} has no end"
    for label in exercises:
        if not re.fullmatch(r"ex(-[a-z0-9]+)+", label):
            yield f"an exercise has the label '{label}', not ex-words"
        if solved.count(label) != 1:
            yield f"{label or 'an exercise without a label'} has {solved.count(label)} solutions"
    for label in solved:
        if label not in exercises:
            yield f"a solution is of '{label}', which is no exercise here"


def _names(notebook: NotebookNode) -> Iterator[str]:
    """Names that only a solution defines, or that it changes, and that a cell outside reads."""
    owner: dict[str, str] = {}  # the solution that last bound the name
    for k, (cell, piece, solves) in zip(count(), walk(notebook), strict=False):
        if piece is not None:
            continue
        read, bound = reads_and_binds(cell.source)
        for name in sorted(read):
            if owner.get(name, solves) != solves:
                yield f"'{name}' comes from the solution of {owner[name]}, and part {k} reads it"
        for name in bound:
            owner.pop(name, None)
            if solves is not None:
                owner[name] = solves


def reads_and_binds(code: str) -> tuple[set[str], set[str]]:
    """The names that a cell needs from the cells before it, and those that it leaves behind."""
    read: set[str] = set()
    bound: set[str] = set()

    def simple(*nodes: ast.AST) -> None:
        for node in nodes:
            table = symtable.symtable(ast.unparse(node), "cell", "exec")
            read.update(_needed(table) - bound)
            bound.update(
                s.get_name()
                for s in table.get_symbols()
                if s.is_assigned() or s.is_imported() or s.is_namespace()
            )

    def block(statements: list[ast.stmt]) -> None:
        for node in statements:
            match node:
                case ast.For():  # what it runs over, then its names, then what it does
                    simple(node.iter)
                    simple(ast.Assign([node.target], ast.Constant(None), lineno=0))
                    block([*node.body, *node.orelse])
                case ast.With():
                    for item in node.items:
                        simple(item.context_expr)
                        if item.optional_vars is not None:
                            none = ast.Constant(None)
                            simple(ast.Assign([item.optional_vars], none, lineno=0))
                    block(node.body)
                case ast.If() | ast.While():
                    simple(node.test)
                    block([*node.body, *node.orelse])
                case ast.AugAssign():
                    simple(node.value, ast.parse(ast.unparse(node.target)), node)
                case ast.Assign() | ast.AnnAssign():  # the value is read before the name is bound
                    if node.value is not None:
                        simple(node.value)
                    simple(node)
                case _:
                    simple(node)

    block(ast.parse(code).body)
    return read, bound


def _needed(table: symtable.SymbolTable) -> set[str]:
    own = table.get_type() == "module"
    names = {
        s.get_name() for s in table.get_symbols() if s.is_referenced() and (own or s.is_global())
    }
    return names.union(*(_needed(child) for child in table.get_children()))
