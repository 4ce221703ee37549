"""Grade handed-in notebooks: run each, check its functions, and write a table and feedback.

    python book/grading.py handed-in

A notebook, or a folder of notebooks, is one student's; its name is the student's. Two students are
graded at a time. Every cell is run in a kernel and a folder of its own. That is all that keeps its
code from the rest of the machine: grade on one that has nothing to lose.
"""

from __future__ import annotations

import csv
import json
import logging
import os
import re
import shutil
import sys
import tempfile
import time
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import answers
import courses
import kernels
import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import DeadKernelError
from nbformat import NotebookNode

WORKERS = 2
CELL_TIMEOUT_S = 300
CHECK_TIMEOUT_S = 60
PROBE_S = 10  # for a kernel to be free again
Points = courses.Points
_SILENT = logging.Logger("grading")  # what is wrong with a notebook is in its feedback
_SILENT.addHandler(logging.NullHandler())


class StubbornError(Exception):
    """A cell cannot be ended without its kernel."""


@dataclass
class Graded:
    """What one student gets: points by exercise, and what is to be said."""

    student: str
    points: dict[str, int] = field(default_factory=dict)
    said: dict[str, list[str]] = field(default_factory=dict)  # by exercise
    notes: list[str] = field(default_factory=list)
    chapters: set[str] = field(default_factory=set)

    def add(self, label: str, points: int, said: list[str]) -> None:
        """Of two notebooks with one exercise, the better one counts."""
        if points >= self.points.get(label, -1):
            self.points[label], self.said[label] = points, said


@dataclass(frozen=True)
class Course:
    """What is asked for, and what it is worth."""

    root: Path
    asked: dict[str, answers.Asked]
    chapters: dict[str, dict[str, Points]]
    secret: str
    cell_timeout: int = CELL_TIMEOUT_S
    check_timeout: int = CHECK_TIMEOUT_S
    running: list[NotebookClient] = field(default_factory=list)

    def graded(self, chapter: str) -> dict[str, Points]:
        """The exercises of a chapter that are graded here."""
        return {label: p for label, p in self.chapters[chapter].items() if label in self.asked}

    def chapter(self, notebook: NotebookNode) -> str | None:
        """The chapter that a notebook is of, by the labels of exercises in it."""
        text = "\n".join(
            " ".join([cell.source, *cell.metadata.get("tags", [])]) for cell in notebook.cells
        )
        words = Counter(re.findall(r"ex(?:-[a-z0-9]+)+", text))
        found = {name: sum(words[label] for label in has) for name, has in self.chapters.items()}
        best = max(found, key=lambda name: found[name], default=None)
        return best if best is not None and found[best] else None


def hand_ins(folder: Path) -> dict[str, list[Path]]:
    """The notebooks of each student: of a file, or of a folder of files."""
    found = defaultdict(list)
    for path in sorted(folder.rglob("*.ipynb")):
        parts = path.relative_to(folder).parts
        if not any(part.startswith(".") for part in parts):
            found[parts[0] if len(parts) > 1 else path.stem].append(path)
    return dict(found)


def entries(folder: Path) -> set[str]:
    """Who handed in anything: the names of folders and files."""
    return {p.name if p.is_dir() else p.stem for p in folder.iterdir() if p.name[0] != "."}


def grade(course: Course, student: str, paths: list[Path]) -> Graded:
    """Run a student's notebooks and judge their functions; what fails is said, and no error."""
    graded = Graded(student)
    for path in paths:
        try:
            notebook = nbformat.read(path, as_version=4)
            chapter = course.chapter(notebook)
        except Exception as error:  # whatever is in the file
            graded.notes.append(f"{path.name} is no notebook: {_line(error)}")
            continue
        if chapter is None:
            graded.notes.append(f"{path.name} has no exercise of this course.")
            continue
        graded.chapters.add(chapter)
        try:
            _grade(course, graded, chapter, notebook)
        except Exception as error:
            graded.notes.append(f"{path.name} could not be graded: {_line(error)}")
        for label in course.graded(chapter):  # of a kernel that came to nothing
            if label not in graded.points:
                graded.add(label, 0, ["The notebook ended before it was checked."])
    return graded


def _grade(course: Course, graded: Graded, chapter: str, notebook: NotebookNode) -> None:
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    own = [cell.source for cell in code if "checks" not in cell.metadata.get("tags", [])]
    if any(re.search(r"^def check\(", source, re.MULTILINE) for source in own):
        graded.notes.append("The notebook has a check of its own; ours was used.")
    said = re.search(r"""^student = ["'](.*?)["']""", "\n".join(own), re.MULTILINE)
    if said and said[1].strip() not in ("", graded.student):
        graded.notes.append(f"The notebook says student = {said[1]!r}.")
    with tempfile.TemporaryDirectory() as place, tempfile.TemporaryDirectory() as sockets:
        if (records := course.root / "results").is_dir():  # a chapter may show them
            shutil.copytree(records, Path(place) / "results")
        client = NotebookClient(
            notebook,
            config=kernels.listening(sockets),
            timeout=course.cell_timeout,
            interrupt_on_timeout=True,
            error_on_timeout={"ename": "CellTimeoutError", "evalue": "", "traceback": []},
            kernel_name="python3",
            allow_errors=True,
            resources={"metadata": {"path": place}},
            log=_SILENT,
        )
        course.running.append(client)
        try:
            with client.setup_kernel(env=_environment(course.root)):
                for k, cell in enumerate(notebook.cells):
                    _run(client, cell, k, graded.notes, _called(cell))
                client.timeout = course.check_timeout
                for label, points in course.graded(chapter).items():
                    asked = course.asked[label]
                    said = _judged("check", client, asked, course, graded.student)
                    unseen = _judged("calls", client, asked, course, graded.student)
                    graded.add(
                        label,
                        points["visible"] * (said is None) + points["hidden"] * (unseen is None),
                        [f"The check: {said or 'passes.'}", f"Other calls: {unseen or 'pass.'}"],
                    )
        finally:
            course.running.remove(client)


def _called(cell: NotebookNode) -> str:
    """A cell, as a student finds it."""
    tags = cell.metadata.get("tags", [])
    if len(tags) == 2 and tags[0] in ("answer", "function"):
        return f"The answer to {tags[1]}"
    return f"The cell that begins {_short(cell.source)!r}"


def _run(client: NotebookClient, cell: NotebookNode, k: int, notes: list[str], what: str) -> None:
    """Run a cell; one that does not end is interrupted, and if that ends it, the notebook goes on.

    Raises:
        StubbornError: it does not end even then.
    """
    if cell.cell_type != "code":
        return
    begin = time.monotonic()
    client.execute_cell(cell, k)
    if time.monotonic() - begin >= client.timeout:
        notes.append(f"{what} did not end within {client.timeout} seconds.")
        _probe(client)
        return
    for output in cell.get("outputs", []):
        if output.output_type == "error" and output.ename != "NotImplementedError":
            notes.append(f"{what} stops with {output.ename}: {_short(output.evalue)}")


def _probe(client: NotebookClient) -> None:
    """Is the kernel free again?"""
    client.nb.cells.append(nbformat.v4.new_code_cell("None"))
    timeout, client.timeout = client.timeout, PROBE_S
    begin = time.monotonic()
    client.execute_cell(client.nb.cells[-1], len(client.nb.cells) - 1)
    client.nb.cells.pop()
    client.timeout = timeout
    if time.monotonic() - begin >= PROBE_S:
        raise StubbornError("a loop without end, which nothing interrupts")


def _judged(
    part: str, client: NotebookClient, asked: answers.Asked, course: Course, student: str
) -> str | None:
    """What is to be said of an answer by the check, or by calls that students do not see."""
    call = ", ".join(map(repr, (part, asked.source, asked.label)))
    tail = ", ".join(map(repr, (course.secret, student)))
    cell = nbformat.v4.new_code_cell(
        f"__import__('answers').judge({call}, globals(), {tail})", id="judge"
    )
    client.nb.cells.append(cell)
    notes: list[str] = []
    _run(client, cell, len(client.nb.cells) - 1, notes, asked.name)
    client.nb.cells.pop()
    printed = "".join(o.get("text", "") for o in cell.outputs if o.output_type == "stream")
    try:
        return json.loads(printed.strip().splitlines()[-1])
    except (ValueError, IndexError):
        return notes[0] if notes else f"{asked.name} could not be checked."


def _environment(root: Path) -> dict[str, str]:
    data = os.environ.get("UMIXUP_DATA") or str(root / "data")
    paths = [str(root), str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "UMIXUP_DATA": data,
    }


def _line(error: Exception) -> str:
    if isinstance(error, DeadKernelError):
        return "its kernel died."
    if isinstance(error, StubbornError):
        return f"{error}."
    return f"{type(error).__name__}: {_short(str(error))}"


def _short(text: str) -> str:
    return (text.strip().splitlines() or [""])[0][:200]


# --- what is written ----------------------------------------------------------------------------


def handed_in(course: Course, graded: list[Graded]) -> dict[str, Points]:
    """The exercises of all chapters that somebody handed in, with their points."""
    there = set().union(*(one.chapters for one in graded))
    return {
        label: points
        for chapter, exercises in course.chapters.items()
        if chapter in there
        for label, points in exercises.items()
    }


def columns(exercises: dict[str, Points]) -> dict[str, int]:
    """The exercises that are graded here, and what each is worth."""
    most = {label: p["visible"] + p["hidden"] for label, p in exercises.items()}
    return {label: points for label, points in most.items() if points}


def write(folder: Path, graded: list[Graded], exercises: dict[str, Points]) -> None:
    """grades.csv, with empty columns for the points that a person gives, and feedback/NAME.md."""
    (folder / "feedback").mkdir(parents=True, exist_ok=True)
    worth = columns(exercises)
    by_hand = {label: p["by_hand"] for label, p in exercises.items() if p["by_hand"]}
    pairs = [name for label in worth for name in (label, f"{label} of")]
    blank = [name for label in by_hand for name in (f"{label} by hand", f"{label} by hand of")]
    with (folder / "grades.csv").open("w", encoding="utf-8-sig", newline="") as file:
        table = csv.writer(file)
        table.writerow(["student", *pairs, "sum", "of", *blank])
        for one in graded:
            row: list[Any] = [one.student]
            for label, most in worth.items():
                row += [one.points.get(label, 0), most]
            row += [sum(one.points.values()), sum(worth.values())]
            table.writerow(row + [value for most in by_hand.values() for value in ("", most)])
    for one in graded:
        text = feedback(one, worth)
        (folder / "feedback" / f"{one.student}.md").write_text(text, encoding="utf-8")


def feedback(one: Graded, worth: dict[str, int]) -> str:
    """What a student is told."""
    lines = [f"# {one.student}", "", f"{sum(one.points.values())} of {sum(worth.values())} points"]
    lines += ["for functions. Arguments and open exercises are read by a person.", ""]
    lines += [f"- {note}" for note in one.notes] + [""] * bool(one.notes)
    for label, most in worth.items():
        lines += [f"## {label}: {one.points.get(label, 0)} of {most}", ""]
        lines += [f"- {line}" for line in one.said.get(label, ["Not handed in."])] + [""]
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    """Grade a folder; the exit status."""
    root = Path.cwd()
    if len(arguments) != 1 or not Path(arguments[0]).is_dir():
        print("usage: make grade FOLDER=handed-in, a folder of notebooks", file=sys.stderr)
        return 2
    side = courses.side(root)
    if not side["chapters"]:
        print(f"{courses.SIDE} has no exercises: make coursework first", file=sys.stderr)
        return 1
    asked = answers.read(root / "book" / "checks")
    course = Course(root, asked, side["chapters"], side["secret"])
    graded: list[Graded] = []
    folder = root / "_build" / "grades"  # not in that of the coursework, which is made anew
    found = hand_ins(Path(arguments[0]))

    def result(student: str) -> Graded:
        if student in found:
            return grade(course, student, found[student])
        return Graded(student, notes=["Nothing that was handed in ends in .ipynb."])

    pool = ThreadPoolExecutor(WORKERS)
    try:
        for one in pool.map(result, sorted({*found, *entries(Path(arguments[0]))})):
            graded.append(one)
            write(folder, graded, handed_in(course, graded))  # whoever breaks it off keeps these
            worth = columns(handed_in(course, [one]))
            points = f"{sum(one.points.values())} of {sum(worth.values())}"
            notes = f" ({' '.join(one.notes)})" if one.notes else ""
            print(f"{one.student}: {points}{notes}", flush=True)
    except KeyboardInterrupt:
        for paths in found.values():
            paths.clear()  # whoever is half graded starts no other notebook
        for client in list(course.running):
            kernels.end(client)
        raise
    finally:
        pool.shutdown(cancel_futures=True)
    if not found:
        print(f"{arguments[0]} has no notebooks", file=sys.stderr)
        return 1
    print(f"written  {(folder / 'grades.csv').relative_to(root)}, and feedback/ beside it")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
