"""How long a chapter takes to read, by counting, and where it goes on too long without a picture.

    python book/reading.py    for each chapter: minutes, and its longest stretch of words alone

120 words a minute, a proof at half that speed, and 6 seconds for each line of code that is not
folded. A formula counts a word for every two of its symbols. What is folded, exercises and their
solutions are not counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from exercises import walk
from make import FOLDED, Book
from nbformat import NotebookNode
from plain import Piece

WORDS_A_MINUTE = 120
SECONDS_A_LINE = 6
#: No longer stretch of words without a picture, a number in a table, or code.
LONGEST = 800
_FORMULA = re.compile(r"\$\$.*?\$\$|\$[^$]+\$", re.DOTALL)
_SILENT = re.compile(
    r"\\(begin|end)\{\w+\*?\}|\\(left|right|[bB]igg?[lr]?|q?quad|text\w*|math\w+|operatorname)|"
    r"\\\\|\\[,;! ]|[{}&$^_]"
)
_SYMBOL = re.compile(r"\\\w+|\w+|[^\s\w]")
_ROLE = re.compile(r"\{[\w:]+\}`([^`<]*)(<[^`]*>)?`")


def words(text: str) -> int:
    """How many words a text counts, its formulas with it."""
    formulas = [m[0] for m in _FORMULA.finditer(text)]
    text = _FORMULA.sub(" ", text)
    text = _ROLE.sub(r" \1 ", text)
    text = re.sub(r"^:[\w-]+:.*$|^:::.*$|^\|[-| ]*\|$|^\(\S+\)=$", " ", text, flags=re.MULTILINE)
    plain = [word for word in re.split(r"[\s|]+", text) if re.search(r"\w", word)]
    return len(plain) + sum(map(_spoken, formulas))


def _spoken(formula: str) -> int:
    """How many words a formula counts."""
    return (1 + len(_SYMBOL.findall(_SILENT.sub(" ", formula)))) // 2


def _counted(notebook: NotebookNode) -> Iterator[tuple[str, int]]:
    """What is read, in order: ("words" or "proof" or "code", how much), and ("shown", 0)."""
    for cell, piece, solves in walk(notebook):
        if solves is not None:
            continue
        if piece is None:
            tags = set(cell.metadata.get("tags", []))
            figure = cell.metadata.get("mystnb", {}).get("figure", {})
            if "caption" in figure:
                yield "words", words(figure["caption"])
            if not tags & FOLDED.keys():
                yield "code", cell.source.count("\n") + 1
            elif figure or not tags & (FOLDED.keys() - {"hide-input"}):
                yield "shown", 0
            continue
        yield from _of_piece(piece)


def _of_piece(piece: Piece) -> Iterator[tuple[str, int]]:
    folded = "dropdown" in piece.options.get("class", "")
    if piece.name in ("exercise", "solution", "solution-start", "solution-end"):
        return
    if folded and not re.match(r"\d\. ", piece.argument):  # the answers to the quiz are read
        yield "words", words(piece.argument)
    elif piece.name == "math":
        yield "words", _spoken(piece.body)
    elif piece.name == "prf:proof":
        yield "proof", words(piece.body)
    elif piece.name in ("figure", "image", "list-table", "table"):
        yield "shown", 0
    else:
        yield "words", words(piece.argument)
        for paragraph in re.split(r"\n\s*\n", piece.body if piece.name else piece.text):
            yield "words", words(paragraph)
            if "| ---" in paragraph:
                yield "shown", 0


def minutes(notebook: NotebookNode) -> float:
    """How long a chapter takes to read, exercises apart."""
    pace = {"words": 1, "proof": 2, "code": WORDS_A_MINUTE * SECONDS_A_LINE / 60, "shown": 0}
    return sum(pace[kind] * many for kind, many in _counted(notebook)) / WORDS_A_MINUTE


def longest_stretch(notebook: NotebookNode) -> int:
    """The most words between two pictures, tables or pieces of code."""
    most = now = 0
    for kind, many in _counted(notebook):
        now = now + many if kind in ("words", "proof") else 0
        most = max(most, now)
    return most


def main() -> None:
    """A line for each chapter."""
    book = Book(Path.cwd())
    for chapter in book.chapters():
        source = book.source(chapter)
        print(f"{chapter:20s} {minutes(source):4.0f} minutes, {longest_stretch(source):5d} words")


if __name__ == "__main__":
    main()
