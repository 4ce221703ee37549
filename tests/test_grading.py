"""Handed-in notebooks: their points are right, and none of them stops the grading of the others."""

import csv
import os
import signal
import subprocess
import sys
from pathlib import Path

import courses
import grading
import nbformat
import pytest
import small_course
from processes import alive, until, written
from small_course import DOUBLED, HALVED, answered

pytestmark = pytest.mark.book

ROOT = Path(__file__).parents[1]
RIGHT = {"doubled": DOUBLED.format("2 * x"), "halved": HALVED.format("x / 2")}
LATER = "2 * x if len(x) == 2 else [0 for _ in iter(int, 1) if 0]"  # the check passes
HANDED_IN = {
    "right": RIGHT,
    "stub": {},
    "square": RIGHT | {"doubled": DOUBLED.format("x**2")},
    "absolute": RIGHT | {"doubled": DOUBLED.format("2 * abs(x)")},
    "none": {"doubled": DOUBLED.format("None"), "halved": HALVED.format("None")},
    "error": RIGHT | {"doubled": "def doubled(x):\n    return undefined\n"},
    "forever": RIGHT | {"doubled": "def doubled(x):\n    while True:\n        pass\n"},
    "exits": RIGHT | {"doubled": "def doubled(x):\n    raise SystemExit\n"},
    "dies": RIGHT | {"doubled": "import os\nos._exit(1)\n"},
    "broken": RIGHT | {"halved": "def halved(x:\n"},
    "own-check": RIGHT | {"halved": HALVED.format("7") + "\ndef check(label):\n    print(1)\n"},
    "later": RIGHT | {"doubled": DOUBLED.format(LATER)},
    "leaves": RIGHT
    | {"doubled": DOUBLED.format("2 * x if len(x) == 2 else __import__('sys').exit(1)")},
    "prints": RIGHT | {"doubled": "def doubled(x):\n    print('[null, null]')\n    return 0 * x\n"},
}
#: Points for ex-half (2 of a third of 6) and ex-double (5), and words of what is said.
WANTED = {
    "right": (2, 5, "passes."),
    "stub": (0, 0, "doubled is not written yet."),
    "square": (2, 0, "Twice 1 is 2, and twice 3 is 6."),
    "absolute": (2, 2, "should give"),
    "none": (0, 0, "Half of 4 is 2."),
    "error": (2, 0, "doubled stops with NameError: name 'undefined' is not defined"),
    "forever": (2, 0, "doubled did not end within 3 seconds."),
    "exits": (2, 0, "SystemExit"),
    "dies": (0, 0, "its kernel died."),
    "broken": (0, 5, "There is no function halved in the notebook."),
    "own-check": (0, 5, "The notebook has a check of its own; ours was used."),
    "later": (2, 2, "did not end within 3 seconds."),
    "leaves": (2, 2, "SystemExit"),
    "prints": (2, 0, "should give"),
}


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """The small course, and a folder of what is handed in."""
    book = small_course.book(tmp_path_factory.mktemp("course"))
    assert book.coursework() == []
    for name, answers in HANDED_IN.items():
        notebook = nbformat.read(book.root / "_build/coursework/student/12_small.ipynb", 4)
        path = book.root / "handed-in" / name / "12_small.ipynb"
        path.parent.mkdir(parents=True)
        nbformat.write(answered(notebook, **answers), path)
    side = courses.side(book.root)
    return grading.Course(book.root, book.asked(), side["chapters"], side["secret"], 5, 3)


@pytest.mark.parametrize("name", HANDED_IN)
def test_a_notebook_gets_the_points_and_the_words_that_it_should(course, name):
    paths = grading.hand_ins(course.root / "handed-in")[name]
    graded = grading.grade(course, name, paths)
    half, double, words = WANTED[name]
    worth = grading.columns(grading.handed_in(course, [graded]))
    assert worth == {"ex-half": 2, "ex-double": 5}
    told = grading.feedback(graded, worth)
    assert graded.points == {"ex-half": half, "ex-double": double}, told
    assert words in told


def test_a_loop_that_nothing_interrupts_ends_the_notebook_and_not_the_grading(course, tmp_path):
    notebook = nbformat.read(course.root / "_build/coursework/student/12_small.ipynb", 4)
    stubborn = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass"
    notebook = answered(notebook, **RIGHT)
    notebook.cells.append(nbformat.v4.new_code_cell(stubborn))
    nbformat.write(notebook, tmp_path / "ada.ipynb")
    graded = grading.grade(course, "ada", [tmp_path / "ada.ipynb"])
    assert graded.points == {"ex-half": 0, "ex-double": 0}
    assert "did not end within 5 seconds" in graded.notes[0]
    assert "which nothing interrupts" in graded.notes[1]


def test_files_that_are_no_notebook_of_the_course_get_a_line(course, tmp_path):
    (tmp_path / "torn.ipynb").write_text('{"cells": [')
    (tmp_path / "list.ipynb").write_text("[]")
    nbformat.write(nbformat.v4.new_notebook(), tmp_path / "empty.ipynb")
    for name, words in (("torn", "is no notebook"), ("list", "is no"), ("empty", "has no exerci")):
        graded = grading.grade(course, name, [tmp_path / f"{name}.ipynb"])
        assert graded.points == {}
        assert words in graded.notes[0]


def test_an_exercise_that_is_missing_is_named(course, tmp_path):
    notebook = nbformat.read(course.root / "_build/coursework/student/12_small.ipynb", 4)
    notebook = answered(notebook, **RIGHT)
    notebook.cells = [c for c in notebook.cells if "def halved" not in c.source]
    nbformat.write(notebook, tmp_path / "ada.ipynb")
    graded = grading.grade(course, "ada", [tmp_path / "ada.ipynb"])
    assert graded.points == {"ex-half": 0, "ex-double": 5}
    assert "There is no function halved in the notebook." in graded.said["ex-half"][0]


def test_a_file_or_a_folder_is_a_student_and_names_draw_the_calls(course, tmp_path):
    for path in ("ada.ipynb", "bob/12.ipynb", "bob/13.ipynb", "bob/.ipynb_checkpoints/12.ipynb"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    found = grading.hand_ins(tmp_path)
    assert {name: len(paths) for name, paths in found.items()} == {"ada": 1, "bob": 2}
    notebook = nbformat.read(course.root / "_build/coursework/student/12_small.ipynb", 4)
    wrong = RIGHT | {"doubled": DOUBLED.format("3 * x")}
    said = []
    for folder, student in (("ada", ""), ("bob", ""), ("carl", "ada"), ("dora", " ada ")):
        path = tmp_path / f"{folder}.ipynb"
        nbformat.write(answered(notebook, student, **wrong), path)
        said.append(grading.grade(course, folder, [path]).said["ex-double"][1])
    assert said[0] != said[1]
    assert said[0] == said[2] == said[3]  # the name in the notebook comes first


def test_the_command_writes_a_table_and_feedback(course):
    folder = course.root / "few"
    for name in ("right", "absolute"):
        path = folder / f"{name}.ipynb"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes((course.root / "handed-in" / name / "12_small.ipynb").read_bytes())
    (folder / "printed").mkdir(exist_ok=True)
    (folder / "printed" / "12_small.html").touch()
    (folder / "zoe.pdf").touch()
    command = [sys.executable, ROOT / "book/grading.py", "few"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, cwd=course.root, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    none = "0 of 0 (Nothing that was handed in ends in .ipynb.)"
    wanted = ["absolute: 4 of 7", f"printed: {none}", "right: 7 of 7", f"zoe: {none}"]
    assert done.stdout.splitlines()[:4] == wanted
    made = course.root / "_build/grades"
    table = list(csv.reader((made / "grades.csv").open(encoding="utf-8-sig")))
    assert table == [
        [
            *["student", "ex-half", "ex-half of", "ex-double", "ex-double of", "sum", "of"],
            *["ex-half by hand", "ex-half by hand of"],
            *["ex-wonder by hand", "ex-wonder by hand of"],
        ],
        ["absolute", "2", "2", "2", "5", "4", "7", "", "4", "", "3"],
        ["printed", "0", "2", "0", "5", "0", "7", "", "4", "", "3"],
        ["right", "2", "2", "5", "5", "7", "7", "", "4", "", "3"],
        ["zoe", "0", "2", "0", "5", "0", "7", "", "4", "", "3"],
    ]
    assert "## ex-double: 2 of 5" in (made / "feedback/absolute.md").read_text()


def test_interrupt_ends_the_grading_and_its_kernels_at_once(course, tmp_path):
    pids = tmp_path / "pids"
    endless = f"import os, time\nopen({str(pids)!r}, 'a').write(f'{{os.getpid()}}\\n')\n"
    endless += "time.sleep(250)"
    notebook = nbformat.read(course.root / "_build/coursework/student/12_small.ipynb", 4)
    notebook = answered(notebook, doubled=endless)
    for path in ("ada/1.ipynb", "ada/2.ipynb", "bob.ipynb", "carl.ipynb"):
        (tmp_path / "slow" / path).parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, tmp_path / "slow" / path)
    process = subprocess.Popen(
        [sys.executable, ROOT / "book/grading.py", tmp_path / "slow"],
        cwd=course.root,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    until(lambda: len(written(pids)) >= 2, seconds=60)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode != 0
    assert len(written(pids)) == 2  # nobody else's notebook was begun
    assert not [pid for pid in written(pids) if alive(pid)]


@pytest.mark.parametrize("arguments", [[], ["gone"], ["a", "b"]])
def test_the_command_says_how_it_is_used(arguments, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert grading.main(arguments) == 2
    assert "make grade FOLDER=handed-in" in capsys.readouterr().err


def test_grading_needs_a_course_and_something_handed_in(capsys, tmp_path, monkeypatch, course):
    (tmp_path / "handed-in").mkdir()
    monkeypatch.chdir(tmp_path)
    assert grading.main(["handed-in"]) == 1
    assert "make coursework first" in capsys.readouterr().err
    monkeypatch.chdir(course.root)
    assert grading.main([str(tmp_path / "handed-in")]) == 1
    assert "has no notebooks" in capsys.readouterr().err
