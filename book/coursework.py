"""A chapter for a course: the student's notebook, without solutions, and the instructor's.

Both are plain Markdown and keep the chapter's outputs. In the student's, a cell for the answer
follows each exercise, and no solution is left: neither text, nor code, nor outputs. Where a
function is asked for, its head stands in the cell, and a cell ``check("ex-words")`` follows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from copy import deepcopy

import nbformat
import works as cited
from answers import TO_DO, Asked
from exercises import walk
from nbformat import NotebookNode
from plain import Piece, plain
from works import Work

LICENCE = (
    "From *MixUp as Directional Adversarial Training*, by the umixup authors. Text and figures: "
    "[CC BY 4.0](https://creativecommons.org/licenses/by/4.0/). Code: MIT."
)
STUDENT = 'student = ""  # your name or number: it draws the calls by which answers are graded'
_FIRST = {"plumbing", "setup", "parameters"}  # the tags of cells that open a chapter
_HIDDEN = {*_FIRST - {"parameters"}, "verified", "hide-input"}
_CHECK = '''
def check(label):
    """Print what is to be said of the function that an exercise asks for."""
    checks = {
        CHECKS
    }
    if label not in checks:
        print(f"There is no exercise {label} here, but {', '.join(checks)}.")
        return
    name, says = checks[label]
    try:
        said = says(globals()[name]) if name in globals() else f"{name} is not there yet."
    except Exception as error:
        said = f"{name} stops with {type(error).__name__}: {error}"
        if str(error) == "TO_DO":
            said = f"{name} is not written yet."
    print(f"{label}: {said or 'passes.'}")
'''


def instructor(
    notebook: NotebookNode,
    titles: Mapping[str, str],
    works: Mapping[str, Work] | None = None,
    *,
    keep: Collection[str] | None = None,
) -> NotebookNode:
    """The whole chapter; of its exercises those that are kept, by default all."""
    works = works or {}
    made = _notebook(notebook, titles, keep, None, works, with_solutions=True)
    made.cells.append(_end(notebook, works))
    return made


def student(
    notebook: NotebookNode,
    titles: Mapping[str, str],
    asked: Mapping[str, Asked] | None = None,
    works: Mapping[str, Work] | None = None,
    *,
    keep: Collection[str] | None = None,
) -> NotebookNode:
    """The chapter without its solutions, with cells for the answers, and with what it cites."""
    asked, works = asked or {}, works or {}
    made = _notebook(notebook, titles, keep, asked, works, with_solutions=False)
    for cell in made.cells:
        if _HIDDEN & set(cell.metadata.get("tags", [])):
            cell.metadata.setdefault("jupyter", {})["source_hidden"] = True
    checked = [asked[label] for label in labels(made, "check")]
    if checked:
        answers = [k for k, c in enumerate(made.cells) if "answer" in c.metadata.get("tags", [])]
        at = max(answers[0] - 1, 0)  # the text of the first exercise, and what leads to it
        before, heading, after = made.cells[at].source.rpartition("\n\n## Exercises\n")
        if heading:
            made.cells[at].source = f"{heading}{after}".strip()
            made.cells.insert(at, nbformat.v4.new_markdown_cell(before, id="before-exercises"))
            at += 1
        made.cells.insert(at, _checks(checked))
        about = {"metadata": {"tags": ["student"]}, "id": "student"}
        made.cells.insert(_opened(made), nbformat.v4.new_code_cell(STUDENT, **about))
    made.cells.append(_end(notebook, works))
    return made


def _end(notebook: NotebookNode, works: Mapping[str, Work]) -> NotebookNode:
    """What a chapter cites, and its licence."""
    texts = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    listed = sorted(works[key].entry for key in cited.keys(texts) & set(works))
    end = "\n".join(["## Works cited", "", *(f"- {one}" for one in listed), ""] if listed else [])
    return nbformat.v4.new_markdown_cell(f"{end}\n{LICENCE}".strip(), id="end")


def labels(notebook: NotebookNode, tag: str) -> list[str]:
    """The labels of the exercises that have a cell with this tag, in order."""
    tags = (cell.metadata.get("tags", []) for cell in notebook.cells)
    return [found[1] for found in tags if found[:1] == [tag] and len(found) > 1]


def _notebook(
    notebook: NotebookNode,
    titles: Mapping[str, str],
    keep: Collection[str] | None,
    asked: Mapping[str, Asked] | None = None,
    works: Mapping[str, Work] | None = None,
    *,
    with_solutions: bool,
) -> NotebookNode:
    made = deepcopy(notebook)
    made.cells = []
    texts: list[str] = []  # since the last cell

    def close() -> None:
        text = "\n\n".join(filter(None, (plain(t, titles, works) for t in texts)))
        if text.strip():
            made.cells.append(nbformat.v4.new_markdown_cell(text, id=f"text-{len(made.cells)}"))
        texts.clear()

    last = None
    for cell, piece, solves in walk(notebook):
        exercise = piece.options.get("label") if piece and piece.name == "exercise" else solves
        if exercise is not None and keep is not None and exercise not in keep:
            continue
        if solves is not None and not with_solutions:
            continue
        if cell is not last:
            close()
        last = cell
        if piece is None:
            made.cells.append(deepcopy(cell))
            texts += _under(cell, with_alt=not with_solutions)
            continue
        texts.append(piece.text)
        if piece.name == "exercise" and not with_solutions:
            close()
            made.cells += _answer(piece, (asked or {}).get(piece.options["label"]))
    close()
    return made


def _under(cell: NotebookNode, *, with_alt: bool) -> Iterator[str]:
    """What stands under a figure: its caption and, in words, what it shows. Jupyter has neither."""
    about = cell.metadata.get("mystnb", {})
    if "caption" in about.get("figure", {}):
        yield f"*{about['figure']['caption']}*"
    if with_alt and "alt" in about.get("image", {}):
        alt = about["image"]["alt"]
        yield f"<details><summary>The figure in words</summary>\n\n{alt}\n\n</details>"


def _answer(exercise: Piece, asked: Asked | None) -> Iterator[NotebookNode]:
    label = exercise.options["label"]

    def about(*tags: str) -> dict[str, object]:
        return {"metadata": {"tags": list(tags)}, "id": f"{tags[0]}-{label}"[:64]}

    if exercise.argument != "code":
        text = f"*Your answer to {label}:*"
        yield nbformat.v4.new_markdown_cell(text, **about("answer", label))
    elif asked is None:
        yield nbformat.v4.new_code_cell(f"# Your answer to {label}", **about("answer", label))
    if asked is not None:
        tag = "answer" if exercise.argument == "code" else "function"
        yield nbformat.v4.new_code_cell(asked.stub(), **about(tag, label))
        yield nbformat.v4.new_code_cell(f'check("{label}")', **about("check", label))


def _checks(asked: list[Asked]) -> NotebookNode:
    """The cell that defines ``check``. It stands after the chapter's own names, which may be the
    same, and each check brings what it needs."""
    named = {one: f"check_{one.label.removeprefix('ex-').replace('-', '_')}" for one in asked}
    checks = [
        one.inside(f"def {name}(answer):", "return check(answer)", "check")
        for one, name in named.items()
    ]
    lines = (f'"{one.label}": ("{one.name}", {name}),' for one, name in named.items())
    check = _CHECK.strip().replace("CHECKS", "\n        ".join(lines)).replace("TO_DO", TO_DO)
    source = "\n\n\n".join(
        ["# Run this cell, for check(). There is nothing to change.", *checks, check]
    )
    about = {"tags": ["setup", "checks"], "jupyter": {"source_hidden": True}}
    return nbformat.v4.new_code_cell(source, metadata=about, id="checks")


def _opened(notebook: NotebookNode) -> int:
    """Where the cells end that open a chapter: imports, and parameters with their checks."""
    opens = [
        cell.cell_type == "code" and bool(_FIRST & set(cell.metadata.get("tags", [])))
        for cell in notebook.cells
    ]
    if True not in opens:
        return next(k for k, cell in enumerate(notebook.cells) if cell.cell_type == "code")
    first = opens.index(True)
    return opens.index(False, first)
