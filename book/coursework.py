"""A chapter for a course: the student's notebook, without solutions, and the instructor's.

Both are plain Markdown and keep the chapter's outputs. In the student's, a cell tagged "answer"
follows each exercise, and no solution is left: neither text, nor code, nor outputs.
"""

from __future__ import annotations

from copy import deepcopy

import nbformat
from exercises import walk
from nbformat import NotebookNode
from plain import Piece, plain


def instructor(notebook: NotebookNode, titles: dict[str, str]) -> NotebookNode:
    """The whole chapter."""
    return _notebook(notebook, titles, with_solutions=True)


def student(notebook: NotebookNode, titles: dict[str, str]) -> NotebookNode:
    """The chapter without its solutions, and with a cell for each answer."""
    return _notebook(notebook, titles, with_solutions=False)


def _notebook(
    notebook: NotebookNode, titles: dict[str, str], *, with_solutions: bool
) -> NotebookNode:
    made = deepcopy(notebook)
    made.cells = []
    texts: list[str] = []  # since the last cell

    def close() -> None:
        text = "\n\n".join(filter(None, (plain(t, titles) for t in texts)))
        if text.strip():
            made.cells.append(nbformat.v4.new_markdown_cell(text, id=f"text-{len(made.cells)}"))
        texts.clear()

    last = None
    for cell, piece, solves in walk(notebook):
        if solves is not None and not with_solutions:
            continue
        if cell is not last:
            close()
        last = cell
        if piece is None:
            made.cells.append(deepcopy(cell))
            figure = cell.metadata.get("mystnb", {}).get("figure", {})
            if "caption" in figure:  # Jupyter shows none
                texts.append(f"*{figure['caption']}*")
            continue
        texts.append(piece.text)
        if piece.name == "exercise" and not with_solutions:
            close()
            made.cells.append(_answer(piece))
    close()
    return made


def _answer(exercise: Piece) -> NotebookNode:
    label = exercise.options["label"]
    about = {"metadata": {"tags": ["answer", label]}, "id": f"answer-{label}"[:64]}
    if exercise.argument == "code":
        return nbformat.v4.new_code_cell(f"# Your answer to {label}", **about)
    return nbformat.v4.new_markdown_cell(f"*Your answer to {label}:*", **about)
