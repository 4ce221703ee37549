"""A student's notebook as the source of an assignment of otter-grader or of nbgrader.

In both, an exercise that asks for a function has its reference as the solution, a test that
students see and one that they do not. All others are for a person to judge. The tests bring all
that they need, and raise errors: an ``assert`` of a notebook may be soft.
"""

from __future__ import annotations

import ast
import inspect
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any, Protocol

import answers
import nbformat
from answers import Asked
from courses import Points
from nbformat import NotebookNode

INSTALL = ".venv/bin/pip install -e '.[coursework]'"
_CONFIG = f"""# A course of nbgrader: each chapter is an assignment in source/.
c = get_config()  # noqa: F821
c.CourseDirectory.course_id = "umixup"
c.ExecutePreprocessor.timeout = 600
c.ClearSolutions.code_stub = {{"python": {answers.STUB!r}}}
"""


@dataclass(frozen=True)
class Course:
    """What the tests of a chapter are made of."""

    asked: dict[str, Asked]
    points: dict[str, Points]
    secret: str
    repository: str | None = None


class Tool(Protocol):
    """Writes a chapter as an assignment into the folder of the coursework."""

    def write(self, folder: Path, chapter: str, student: NotebookNode, course: Course) -> None:
        """Write one chapter."""


def tool(name: str) -> Tool | None:
    """What writes this format; ``None`` for the plain one.

    Raises:
        ValueError: the format's tool is not installed.
    """
    match name:
        case "otter":
            return Otter(program("otter", "otter-grader"))
        case "nbgrader":
            return Nbgrader()
    return None


def program(name: str, package: str) -> str:
    """Where a tool is: beside this Python, or in the path."""
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.is_file() else shutil.which(name)
    if found is None:
        raise ValueError(f"{package} is not installed: {INSTALL}")
    return found


# --- tests --------------------------------------------------------------------------------------


def visible(asked: Asked, name: str) -> str:
    """A function of a notebook's names that raises what ``check`` says of the answer."""
    last = f"said = check(env[{asked.name!r}])\nif said:\n    raise AssertionError(said)"
    return asked.inside(f"def {name}(env):", last, "check")


def hidden(asked: Asked, name: str, secret: str) -> str:
    """The same for the calls that students do not see."""
    own = "agree" in asked.functions
    parts = [
        "from zlib import crc32",
        "import numpy as np",
        *([] if own else [_bare(answers.agree)]),
        _bare(answers.seed),
        _bare(answers.differs),
        f"seed = _seed({secret!r}, {asked.label!r}, str(env.get('student') or ''))",
        f"said = _differs({asked.name!r}, env[{asked.name!r}], {asked.name}, draw, "
        f"{'agree' if own else '_agree'}, seed, {answers.DRAWS})",
        "if said:\n    raise AssertionError(said)",
    ]
    return asked.inside(f"def {name}(env):", "\n".join(parts), asked.name, "draw", "agree")


def _bare(function: Callable[..., Any]) -> str:
    """The source of a function without annotations, docstring and defaults that have a name."""
    [node] = ast.parse(dedent(inspect.getsource(function))).body
    assert isinstance(node, ast.FunctionDef)
    node.name = f"_{node.name}"  # the exercise's file may have a function of this name
    node.returns = None
    node.body = node.body[1:]
    node.args.defaults = []
    for argument in node.args.args:
        argument.annotation = None
    return ast.unparse(node)


def _names(label: str) -> tuple[str, str]:
    words = label.removeprefix("ex-").replace("-", "_")
    return f"visible_{words}", f"hidden_{words}"


def _code(source: str) -> NotebookNode:
    return nbformat.v4.new_code_cell(source)


# --- otter --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Otter:
    """Masters for ``otter assign``, and what it makes of them."""

    program: str

    def write(self, folder: Path, chapter: str, student: NotebookNode, course: Course) -> None:
        """otter/master/NN.ipynb; otter/NN/student/ and otter/NN/autograder/."""
        master = folder / "otter" / "master" / f"{chapter}.ipynb"
        master.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(otter(student, chapter, course), master)
        made = folder / "otter" / chapter
        command = [self.program, "assign", "--no-run-tests", str(master), str(made)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise ValueError(f"otter assign stops at {chapter}:\n{done.stdout}{done.stderr}")


def otter(student: NotebookNode, chapter: str, course: Course) -> NotebookNode:
    """The master of a chapter, from its student's notebook."""
    made = deepcopy(student)
    made.cells = [nbformat.v4.new_raw_cell(_assignment(chapter, course))]
    for cell in student.cells:
        tag, label = [*cell.metadata.get("tags", []), "", ""][:2]
        if tag == "check" or "checks" in cell.metadata.get("tags", []):
            continue
        if tag in ("answer", "function") and label:
            made.cells += _question(cell, tag, label, course)
        else:
            made.cells.append(deepcopy(cell))
    return made


def _assignment(chapter: str, course: Course) -> str:
    lines = ["# ASSIGNMENT CONFIG", f"name: '{chapter}'", "solutions_pdf: false"]
    lines += ["export_cell:", "  pdf: false", "tests:", "  ok_format: false"]
    if course.repository:  # what an autograder elsewhere installs
        lines += ["requirements:", f"  - 'umixup[notebooks] @ git+{course.repository}'"]
    return "\n".join(lines)


def _question(cell: NotebookNode, tag: str, label: str, course: Course) -> Iterator[NotebookNode]:
    points = course.points[label]
    asked = course.asked.get(label)
    by_machine = asked is not None and cell.cell_type == "code"
    about = ["# BEGIN QUESTION", f"name: {label}{'-function' if tag == 'function' else ''}"]
    if not by_machine:
        about += ["manual: true", f"points: {points['by_hand']}"]
    raw = nbformat.v4.new_raw_cell
    yield raw("\n".join(about))
    yield raw("# BEGIN SOLUTION")
    answer = deepcopy(cell)
    if asked is not None and by_machine:
        answer.source = (
            asked.solved("# BEGIN SOLUTION NO PROMPT", "# END SOLUTION") + f"\n    {answers.STUB}"
        )
    yield answer
    yield raw("# END SOLUTION")
    if asked is not None and by_machine:
        seen, unseen = _names(label)
        yield raw("# BEGIN TESTS")
        yield _code(f"{_otter_points(points['visible'])}\n{visible(asked, seen)}")
        config = _otter_points(points["hidden"], "hidden: true")
        yield _code(f"{config}\n{hidden(asked, unseen, course.secret)}")
        yield raw("# END TESTS")
    yield raw("# END QUESTION")


def _otter_points(points: int, *more: str) -> str:
    lines = ['""" # BEGIN TEST CONFIG', f"points: {points}", *more, '""" # END TEST CONFIG']
    return "\n".join(lines)


# --- nbgrader -----------------------------------------------------------------------------------


class Nbgrader:
    """A folder that is a course of nbgrader."""

    def write(self, folder: Path, chapter: str, student: NotebookNode, course: Course) -> None:
        """nbgrader/source/NN/NN.ipynb, and nbgrader/nbgrader_config.py."""
        source = folder / "nbgrader" / "source" / chapter
        source.mkdir(parents=True, exist_ok=True)
        (folder / "nbgrader" / "nbgrader_config.py").write_text(_CONFIG, encoding="utf-8")
        nbformat.write(nbgrader(student, course), source / f"{chapter}.ipynb")


def nbgrader(student: NotebookNode, course: Course) -> NotebookNode:
    """The source of an assignment, from a student's notebook."""
    made = deepcopy(student)
    made.cells = []
    for cell in student.cells:
        tag, label = [*cell.metadata.get("tags", []), "", ""][:2]
        if tag == "check" or "checks" in cell.metadata.get("tags", []):
            continue
        made.cells += _graded(deepcopy(cell), tag, label, course)
    return made


def _graded(cell: NotebookNode, tag: str, label: str, course: Course) -> Iterator[NotebookNode]:
    if tag not in ("answer", "function") or not label:
        yield cell
        return
    asked, points = course.asked.get(label), course.points[label]
    if asked is None or cell.cell_type != "code":
        if points["by_hand"]:
            cell.metadata["nbgrader"] = _about(label, solution=True, points=points["by_hand"])
        yield cell
        return
    cell.source = asked.solved("### BEGIN SOLUTION", "### END SOLUTION")
    cell.metadata["nbgrader"] = _about(f"{label}-function", solution=True)
    yield cell
    seen, unseen = _names(label)
    check = _code(f"{visible(asked, seen)}\n\n\n{seen}(globals())")
    check.metadata["nbgrader"] = _about(f"{label}-visible", points=points["visible"])
    yield check
    calls = f"{hidden(asked, unseen, course.secret)}\n\n\n{unseen}(globals())"
    calls = (
        f"# Your function is called here, once it is handed in.\n### BEGIN HIDDEN TESTS\n{calls}"
    )
    check = _code(f"{calls}\n### END HIDDEN TESTS")
    check.metadata["nbgrader"] = _about(f"{label}-hidden", points=points["hidden"])
    yield check


def _about(name: str, *, solution: bool = False, points: int | None = None) -> dict[str, Any]:
    about = {
        "schema_version": 3,
        "grade_id": name,
        "grade": points is not None,
        "solution": solution,
        "locked": not solution,
        "task": False,
    }
    return about if points is None else about | {"points": points}
