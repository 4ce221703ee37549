"""Assignments for otter-grader and nbgrader: what students get, and, with the tools, the points."""

import csv
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import courses
import formats
import nbformat
import pytest
import small_course
from make import Book, BookError
from small_course import DOUBLED, HALVED, answered

pytestmark = pytest.mark.book

ROOT = Path(__file__).parents[1]
RIGHT = {"doubled": DOUBLED.format("2 * x"), "halved": HALVED.format("x / 2")}
#: What is handed in, and the points by machine, of 2 for ex-half and 5 for ex-double.
HANDED_IN = {
    "right": (RIGHT, 7),
    "stub": ({}, 0),
    "square": (RIGHT | {"doubled": DOUBLED.format("x**2")}, 2),
    "absolute": (RIGHT | {"doubled": DOUBLED.format("2 * abs(x)")}, 4),
    "whole": (RIGHT | {"halved": HALVED.format("x // 2")}, 6),
    "error": (RIGHT | {"doubled": DOUBLED.format("undefined")}, 2),
}
FAMILY = Book(ROOT).asked()["ex-cdf-weight"]
TWICE = FAMILY.text("wrong_twice_the_weight").replace("wrong_twice_the_weight", FAMILY.name)
IMPORT = "from scipy import special\n\n\n"


@pytest.fixture
def small(tmp_path):
    return small_course.book(tmp_path)


def course(book):
    plan = courses.plan({"12_small": book.source("12_small")}, book.facts(), book.asked())
    return formats.Course(book.asked(), plan["12_small"], "secret")


def test_hidden_tests_judge_as_ours_do_and_each_student_has_other_calls(small):
    import answers

    for label, asked in small.asked().items():
        exec(formats.hidden(asked, "unseen", "secret"), names := {})
        exec(formats.visible(asked, "seen"), names)
        module = asked.module
        names["unseen"]({asked.name: getattr(module, asked.name), "student": "ada"})
        names["seen"]({asked.name: getattr(module, asked.name)})
        told = set()
        for student in ("ada", "bob"):
            wrong = {"ex-half": lambda x: x, "ex-double": lambda x: 2 * abs(x)}[label]
            with pytest.raises(AssertionError) as error:
                names["unseen"]({asked.name: wrong, "student": student})
            told.add(str(error.value))
            seed = answers.seed("secret", label, student)
            assert answers.hidden(asked, wrong, seed) == str(error.value)
        assert len(told) == 2


def test_a_solution_in_a_master_runs_alone(small):
    for asked in small.asked().values():
        exec(asked.solved("# A", "# B"), names := {})
        assert formats.answers.visible(asked, names[asked.name]) is None


def test_an_nbgrader_source_has_ids_points_and_regions(small):
    notebook = formats.nbgrader(small.plain("12_small", solved=False), course(small))
    about = {c.metadata.nbgrader.grade_id: c for c in notebook.cells if "nbgrader" in c.metadata}
    assert {name: c.metadata.nbgrader.get("points") for name, c in about.items()} == {
        "ex-half": 4,
        "ex-half-function": None,
        "ex-half-visible": 1,
        "ex-half-hidden": 1,
        "ex-double-function": None,
        "ex-double-visible": 2,
        "ex-double-hidden": 3,
        "ex-wonder": 3,
    }
    assert {c.metadata.nbgrader.schema_version for c in about.values()} == {3}
    for name, cell in about.items():
        regions = re.findall(r"### (BEGIN|END) (SOLUTION|HIDDEN TESTS)$", cell.source, re.M)
        if name.endswith("-function"):
            assert regions == [("BEGIN", "SOLUTION"), ("END", "SOLUTION")]
        if name.endswith("-hidden"):
            assert regions == [("BEGIN", "HIDDEN TESTS"), ("END", "HIDDEN TESTS")]
            assert cell.metadata.nbgrader.locked
    text = "\n".join(cell.source for cell in notebook.cells)
    assert "def check(label)" not in text
    assert 'check("ex' not in text
    nbformat.validate(notebook)


def test_an_otter_master_has_questions_with_tests_and_points(small):
    notebook = formats.otter(small.plain("12_small", solved=False), "12_small", course(small))
    raw = [cell.source for cell in notebook.cells if cell.cell_type == "raw"]
    assert raw[0].startswith("# ASSIGNMENT CONFIG\nname: '12_small'")
    questions = [text for text in raw if text.startswith("# BEGIN QUESTION")]
    assert questions == [
        "# BEGIN QUESTION\nname: ex-half\nmanual: true\npoints: 4",
        "# BEGIN QUESTION\nname: ex-half-function",
        "# BEGIN QUESTION\nname: ex-double",
        "# BEGIN QUESTION\nname: ex-wonder\nmanual: true\npoints: 3",
    ]
    tests = [c.source for c in notebook.cells if "BEGIN TEST CONFIG" in c.source]
    assert [re.search(r"points: (\d)", test)[1] for test in tests] == list("1123")
    assert ["hidden: true" in test for test in tests] == [False, True, False, True]


@pytest.mark.parametrize("tool", ["otter"])
def test_a_tool_that_is_missing_is_named_and_nothing_is_written(small, monkeypatch, tool):
    monkeypatch.setattr(formats.shutil, "which", lambda name: None)
    monkeypatch.setattr(formats.sys, "executable", "/nowhere/python")
    with pytest.raises(BookError, match=r"not installed: .venv/bin/pip install -e '.\[course"):
        small.coursework(courses.Wanted(format=tool))
    assert not (small.root / "_build").exists()


# --- with the tools ------------------------------------------------------------------------------


def installed(tool):
    """A mark that skips where a tool is not installed."""
    why = f"{tool} is not installed: {formats.INSTALL}"
    return pytest.mark.skipif(shutil.which(tool) is None, reason=why)


def typed(*command, folder):
    done = subprocess.run(
        [*map(str, command)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


def by_otter(root, chapter, handed_in):
    """The points of each notebook that is handed in."""
    made = root / "_build/coursework/otter" / chapter
    [archive] = (made / "autograder").glob("*.zip")
    found = {}
    for name, answers in handed_in.items():
        notebook = nbformat.read(made / "student" / f"{chapter}.ipynb", 4)
        folder = root / "handed-in" / name
        folder.mkdir(parents=True)
        nbformat.write(answered(notebook, name, **answers), folder / f"{chapter}.ipynb")
        typed("otter", "run", "-a", archive, f"{chapter}.ipynb", folder=folder)
        tests = json.loads((folder / "results.json").read_text())["tests"]
        found[name] = sum(test.get("score", 0) for test in tests)
    return found


def by_nbgrader(root, chapter, handed_in):
    """The same."""
    course = root / "_build/coursework/nbgrader"
    typed("nbgrader", "generate_assignment", chapter, folder=course)
    for name, answers in handed_in.items():
        notebook = nbformat.read(course / "release" / chapter / f"{chapter}.ipynb", 4)
        folder = course / "submitted" / name / chapter
        folder.mkdir(parents=True)
        nbformat.write(answered(notebook, name, **answers), folder / f"{chapter}.ipynb")
    typed("nbgrader", "autograde", chapter, folder=course)
    typed("nbgrader", "export", folder=course)
    with (course / "grades.csv").open() as file:
        return {row["student_id"]: float(row["raw_score"]) for row in csv.DictReader(file)}


TOOLS = [
    pytest.param("otter", by_otter, marks=installed("otter")),
    pytest.param("nbgrader", by_nbgrader, marks=installed("nbgrader")),
]


@pytest.mark.long
@pytest.mark.parametrize(("tool", "graded"), TOOLS)
def test_a_tool_gives_the_points_and_gives_nothing_away(small, tool, graded):
    assert small.coursework(courses.Wanted(format=tool)) == []
    found = graded(small.root, "12_small", {name: one for name, (one, _) in HANDED_IN.items()})
    assert found == {name: points for name, (_, points) in HANDED_IN.items()}
    made = small.root / "_build/coursework" / tool
    for path in [*made.rglob("student/**/*"), *made.rglob("release/**/*")]:
        if path.is_file():
            text = path.read_text()
            assert "SECRET_FACTOR" not in text
            assert "return x / 2" not in text
            assert courses.side(small.root)["secret"] not in text


@pytest.mark.long
@pytest.mark.parametrize(("tool", "graded"), TOOLS)
def test_a_tool_grades_a_chapter_of_the_book(tmp_path, tool, graded):
    for name in ("_toc.yml", "book", "notebooks"):
        (tmp_path / name).symlink_to(ROOT / name)
    wanted = courses.Wanted(format=tool, chapters=("06",))
    assert Book(tmp_path).coursework(wanted) == []
    right = IMPORT + FAMILY.text(FAMILY.name)
    found = graded(
        tmp_path,
        "06_family",
        {"right": {FAMILY.name: right}, "twice": {FAMILY.name: IMPORT + TWICE}, "stub": {}},
    )
    points = Book(tmp_path).facts()["ex-cdf-weight"].split("code")
    others = [
        label
        for label, one in courses.side(tmp_path)["chapters"]["06_family"].items()
        if one["visible"] + one["hidden"] and label != "ex-cdf-weight"
    ]
    assert found["right"] == points.automatic, others
    assert found["twice"] == found["stub"] == 0
