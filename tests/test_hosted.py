"""Chapters and student notebooks on a machine with torch and without umixup: a hosted service.

The machine is a virtual environment that has what such services come with, and the address of the
repository is that of this checkout: its last commit is what the first cell installs.
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from pathlib import Path

import coursework
import nbformat
import plain
import pytest
from make import Book
from nbclient import NotebookClient

pytestmark = pytest.mark.book

ROOT = Path(__file__).parents[1]
BOOK = Book(ROOT)
LACKS = ("umixup", "adversarial-robustness-toolbox", "optuna", "tyro", "torchmetrics", "seaborn")
STUDENT_IS_TOLD = "Write the address of the book's repository between the quotation marks"


def installed(python: Path) -> set[str]:
    """The names of the distributions that a python finds."""
    code = "import importlib.metadata as m; print(*{d.name.lower() for d in m.distributions()})"
    done = subprocess.run(
        [python, "-c", code], cwd=python.parent, capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def first_cell(repository: str) -> str:
    [*_, cell] = [c for c in BOOK.source("01_mixup").cells if "repository =" in c.source]
    return re.sub(r'^repository = ".*"$', f'repository = "{repository}"', cell.source, flags=re.M)


def test_hosted_machine_lacks_umixup_and_its_extras(machine):
    found = installed(machine)
    assert {"torch", "torchvision", "numpy", "pandas", "pip"} <= found
    assert not found & set(LACKS)


@pytest.mark.parametrize(
    ("repository", "words"),
    [("", STUDENT_IS_TOLD), ("file:///no/such/place", "'/no/such/place' does not")],
)
def test_without_a_repository_the_first_cell_tells_a_student_what_to_do(
    machine, tmp_path, repository, words
):
    done = subprocess.run(
        [machine, "-c", first_cell(repository)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert done.stderr.splitlines()[-1].startswith("RuntimeError") or words in done.stderr
    assert words in done.stderr
    assert not (tmp_path / "umixup-book").exists()


def notebooks() -> list[tuple[str, str]]:
    """Every page that runs, as it is and as a student's."""
    return [("chapter", name) for name in BOOK.notebooks()] + [
        ("student", name) for name in BOOK.chapters()
    ]


@pytest.mark.long
@pytest.mark.parametrize(
    ("kind", "name"), notebooks(), ids=[f"{kind} {name}" for kind, name in notebooks()]
)
def test_a_notebook_installs_the_library_and_runs(kind, name, machine, tmp_path, record_property):
    notebook = BOOK.source(name)
    if kind == "student":
        notebook = coursework.student(notebook, plain.titles(()))
    [cell] = [c for c in notebook.cells if "repository =" in c.source]
    cell.source = first_cell(f"file://{ROOT}")
    empty = tmp_path / "content"
    empty.mkdir()
    begin = time.perf_counter()
    NotebookClient(
        notebook, timeout=900, kernel_name="hosted", resources={"metadata": {"path": str(empty)}}
    ).execute()
    record_property("seconds", round(time.perf_counter() - begin))
    found = installed(machine)
    assert {"umixup", "optuna", "tyro"} <= found
    [site] = (tmp_path / "venv").glob("lib/python*/site-packages")
    assert not {"torch", "torchvision"} & {p.name for p in site.iterdir()}, "torch was replaced"
    said = [o for c in notebook.cells for o in c.get("outputs", []) if o.output_type == "error"]
    assert not said
    assert os.path.isdir(empty / "umixup-book/results")
    assert nbformat.validator.isvalid(notebook)
