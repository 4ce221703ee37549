"""Chapters with other parameters: each runs to its end, or its check refuses with one sentence.

Every case is executed as papermill does it. Where a profile would train for hours, the copy that is
executed has a cell more, in sight, that puts smaller numbers into the profiles: ``SHORTER``.
These tests take about an hour of one core: ``make test-all`` runs them, ``make test`` does not.
"""

from __future__ import annotations

import os
import re
import shutil
import time
from pathlib import Path

import nbformat
import numpy as np
import papermill
import pytest
from make import Book
from papermill.exceptions import PapermillExecutionError
from PIL import Image
from sklearn.datasets import load_digits

ROOT = Path(__file__).parents[1]
BOOK = Book(ROOT)
REFUSALS = ("ValueError", "TypeError", "FileNotFoundError")
SOFT = "Claimed of the default parameters, but not so here"
SHORTER = """\
# Put in by a test: so few epochs and samples say nothing about the method.
um.training.PROFILES["quick"] |= {"epochs": 2, "milestones": (1,), "width": 4}
um.training.PROFILES["small"] |= {"epochs": 2, "milestones": (1,), "width": 4, "train_size": 500}
um.training.PROFILES["full"] |= {"epochs": 2, "milestones": (1,), "width": 4, "train_size": 500}
"""

# A data set of one's own, 180 training images: `toy` writes them and puts their folder here.
TOY = "folder:{toy}@12"

#: By chapter: parameters, and the words of the refusal; "" where it runs to its end. Keys that are
#: no parameters: "shorter" puts SHORTER in; "records" False executes it in an empty folder, and
#: not in one with a copy of the book's records, which runs that are not recorded are added to.
CASES: dict[str, list[tuple[dict, str]]] = {
    "01_mixup": [],
    "02_losses": [],
    "03_schemes": [],
    "04_adversarial": [],
    "05_exchange": [
        ({"pairs": 64}, ""),
        ({"dataset": TOY}, ""),
        ({"seed": -1}, "parameter 'seed' = -1: it must be from 0"),
    ],
    "06_concentration": [],
    "07_symmetry": [],
    "08_closed_forms": [],
    "09_theorem": [],
    "10_trainer": [],
    "11_tables": [],
    "12_search": [],
    "13_robustness": [],
    "14_beyond": [],
    "use_it": [
        ({}, ""),
        ({"records": False}, ""),
        ({"seed": 1}, "parameter 'seed' = 1: this notebook has no parameters"),
    ],
    "provenance": [
        ({}, ""),
        ({"records": False}, ""),
        ({"results_folder": "mine"}, "parameter 'results_folder' = 'mine': this notebook has no"),
    ],
}
ALL = [(chapter, *case) for chapter, cases in CASES.items() for case in cases]


@pytest.fixture(scope="session")
def toy(tmp_path_factory) -> Path:
    """A folder of 180 training and 60 test images in colour, of three classes: tinted digits."""
    folder = tmp_path_factory.mktemp("toy")
    digits = load_digits()
    tints = np.random.default_rng(0).uniform(0.5, 1, (len(digits.images), 1, 1, 3))
    images = (digits.images[..., None] / 16 * tints * 255).astype(np.uint8)
    for label in range(3):
        of_class = images[digits.target == label][:80]
        for k, image in enumerate(of_class):
            path = folder / ("train" if k < 60 else "test") / f"class-{label}" / f"{k}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).resize((12, 12)).save(path)
    return folder


def name(chapter: str, parameters: dict) -> str:
    """A case as a test's name: "05_exchange seed=1"."""
    return " ".join([chapter, *(f"{k}={v}" for k, v in parameters.items())])


def code_cells(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def with_shorter_profiles(chapter: str, path: Path) -> Path:
    """A copy of a chapter whose profiles train briefly."""
    notebook = BOOK.source(chapter)
    [at] = [k for k, c in enumerate(notebook.cells) if "parameters" in c.metadata.get("tags", [])]
    notebook.cells.insert(at, nbformat.v4.new_code_cell(SHORTER))
    nbformat.write(notebook, path)
    return path


@pytest.mark.long
@pytest.mark.parametrize(
    ("chapter", "parameters", "refusal"), ALL, ids=[name(c, p) for c, p, _ in ALL]
)
def test_a_chapter_runs_to_its_end_or_its_check_refuses(
    chapter, parameters, refusal, tmp_path, toy, record_property, monkeypatch
):
    given = {k: v.format(toy=toy) if k == "dataset" else v for k, v in parameters.items()}
    source = tmp_path / f"{chapter}.ipynb"
    nbformat.write(BOOK.source(chapter), source)
    if given.pop("shorter", False):
        source = with_shorter_profiles(chapter, source)
    if given.pop("records", True):
        shutil.copytree(ROOT / "results", tmp_path / "results", copy_function=os.symlink)
    monkeypatch.setenv("UMIXUP_DATA", os.environ.get("UMIXUP_DATA", str(ROOT / "data")))
    out = tmp_path / "out.ipynb"
    begin = time.perf_counter()
    error = None
    try:
        papermill.execute_notebook(
            source,
            out,
            given,
            cwd=tmp_path,
            kernel_name="python3",
            progress_bar=False,
        )
    except PapermillExecutionError as raised:
        error = raised
    seconds = time.perf_counter() - begin
    cells = code_cells(nbformat.read(out, as_version=4))
    says = "".join(o.get("text", "") for c in cells for o in c.get("outputs", []))
    claims = re.findall(rf"^{SOFT}.*$", says, re.MULTILINE)
    record_property("seconds", round(seconds))
    record_property("claims not so here", "\n".join(claims))
    if error is None:
        assert not refusal, f"it ran to its end, and was to be refused: {refusal}"
        return
    record_property("refused", f"{error.ename}: {error.evalue}")
    assert refusal, error
    assert error.ename in REFUSALS, error
    assert refusal in error.evalue, error.evalue
    [check] = [c for c in cells if c.source.startswith("um.notebook.check_parameters(")]
    assert error.source == check.source, "refused in another cell than the one that checks"


def test_every_chapter_has_cases():
    assert [*CASES] == BOOK.notebooks()
    for page, cases in CASES.items():
        has_parameters = page in BOOK.chapters()
        assert len(cases) >= (5 if has_parameters else 2), page
