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

pytestmark = pytest.mark.book

ROOT = Path(__file__).parents[1]
BOOK = Book(ROOT)
REFUSALS = ("ValueError", "TypeError", "FileNotFoundError")
SOFT = "Claimed of the default parameters, but not so here"
SHORTER = """\
# Put in by a test: so few epochs and samples say nothing about the method.
um.training.PROFILES["quick"] |= {"epochs": 2, "milestones": (1,)}
um.training.PROFILES["small"] |= {"epochs": 2, "milestones": (1,), "train_size": 500}
um.training.PROFILES["full"] |= {"epochs": 2, "milestones": (1,), "width": 8, "train_size": 500}
"""

# A data set of one's own, 180 training images: `toy` writes them and puts their folder here.
TOY = "folder:{toy}@12"

#: By chapter: parameters, and the words of the refusal; "" where it runs to its end. Keys that are
#: no parameters: "shorter" puts SHORTER in; "records" False executes it in an empty folder, and
#: not in one with a copy of the book's records, which runs that are not recorded are added to.
CASES: dict[str, list[tuple[dict, str]]] = {
    "01_mixup": [
        ({"alpha": 0.05, "seeds": 2, "shorter": True}, ""),
        ({"alpha": 30.0, "seeds": 5, "shorter": True}, ""),
        ({"alpha": 0.001, "seeds": 2, "shorter": True}, ""),
        ({"alpha": 1000, "seeds": 2, "shorter": True}, ""),
        ({"dataset": TOY, "alpha": 0.2}, ""),
        ({"dataset": "fashion-mnist", "profile": "small", "shorter": True}, ""),
        ({"dataset": "mnist", "profile": "full", "seeds": 2, "shorter": True}, ""),
        ({"dataset": "cifar10-jpeg", "profile": "small", "seeds": 2, "shorter": True}, ""),
        ({"records": False}, ""),
        ({"records": False, "seeds": 2, "shorter": True}, ""),
        ({"dataset": "fashion-mnist"}, "choose profile = 'small'"),
        ({"profile": "small"}, "'small' needs 6000 training samples"),
        ({"seeds": 1}, "seeds = 1: an interval needs at least 2"),
        ({"alpha": 0.0}, "alpha = 0.0: it must be from 0.001 to 1000"),
        ({"alpha": -1.0}, "alpha = -1.0: it must be from 0.001 to 1000"),
        ({"alpha": 1e-300}, "alpha = 1e-300: it must be from 0.001 to 1000"),
        ({"alpha": 1e300}, "alpha = 1e+300: it must be from 0.001 to 1000"),
        ({"alpha": float("nan")}, "'alpha' = nan: it must be a finite number"),
    ],
    "02_one_coin": [
        ({"seed": 1, "pairs": 128}, ""),
        ({"seed": 2, "pairs": 2048, "shorter": True}, ""),
        ({"dataset": TOY}, ""),
        ({"scheme_text": "ERM", "pairs": 128, "shorter": True}, ""),
        ({"scheme_text": "DAT(B(2,1))", "pairs": 128, "shorter": True}, ""),
        ({"scheme_text": "B(0.05,0.05)", "pairs": 256, "shorter": True}, ""),
        ({"scheme_text": "B(30,30)", "pairs": 256, "shorter": True}, ""),
        ({"scheme_text": "U(B(30,0.05))", "pairs": 256, "shorter": True}, ""),
        (
            {
                "dataset": "fashion-mnist",
                "profile": "small",
                "scheme_text": "UMixUp(B(1,1),CDF(2,2))",
                "pairs": 128,
                "shorter": True,
            },
            "",
        ),
        ({"dataset": "cifar10-jpeg", "profile": "full", "pairs": 128, "shorter": True}, ""),
        ({"records": False}, ""),
        ({"records": False, "seed": 1, "pairs": 128, "shorter": True}, ""),
        ({"dataset": "fashion-mnist"}, "choose profile = 'small'"),
        ({"scheme_text": "MixUp please"}, "scheme"),
        ({"scheme_text": "B(0,1)"}, "B(0,1)"),
        ({"scheme_text": "B(nan,1)"}, "B(nan,1)"),
        ({"pairs": 64}, "pairs = 64: a multiple of 64, from 128 to 2048"),
        ({"pairs": 200}, "pairs = 200: a multiple of 64, from 128 to 2048"),
        ({"seed": -1}, "parameter 'seed' = -1: it must be from 0"),
    ],
    "03_losses": [
        ({"seed": 1, "profile": "full"}, ""),
        ({"seed": 2, "steps": 20, "pairs": 20}, ""),
        ({"steps": 2000, "pairs": 200}, ""),
        ({"dataset": "fashion-mnist", "profile": "small"}, ""),
        ({"dataset": "mnist", "seed": 1, "pairs": 20}, ""),
        ({"dataset": TOY, "seed": 2}, ""),
        ({"records": False}, ""),
        ({"records": False, "seed": 1}, ""),
        ({"steps": 19}, "steps = 19: at least 20"),
        ({"pairs": 19}, "pairs = 19: it must be from 20 to 200"),
        ({"pairs": 201}, "pairs = 201: it must be from 20 to 200"),
        ({"dataset": "imagenet"}, "dataset = 'imagenet': it must be one of"),
    ],
    "04_map_d": [
        ({"seed": 1, "num_pairs": 8, "draws": 1000}, ""),
        ({"seed": 2, "num_pairs": 128}, ""),
        ({"dataset": TOY, "num_pairs": 8}, ""),
        ({"dataset": "fashion-mnist", "profile": "small", "num_pairs": 8}, ""),
        ({"num_pairs": 7}, "num_pairs = 7, draws = 20000: 8 to 512"),
        ({"draws": 999}, "draws = 999: 8 to 512, and at least 1000"),
        ({"seed": -1}, "parameter 'seed' = -1"),
        ({"records": False, "seed": 3}, ""),
    ],
    "05_map_u": [
        ({"policy_alpha": 0.9, "policy_beta": 0.9, "shorter": True}, ""),
        ({"policy_alpha": 0.05, "policy_beta": 30.0, "shorter": True}, ""),
        ({"policy_alpha": 30, "policy_beta": 30, "shorter": True}, ""),
        ({"policy_alpha": 0.01, "policy_beta": 0.01, "shorter": True}, ""),
        ({"policy_alpha": 100.0, "policy_beta": 0.01, "shorter": True}, ""),
        ({"dataset": TOY, "policy_alpha": 2, "policy_beta": 1}, ""),
        ({"dataset": "fashion-mnist", "profile": "small", "shorter": True}, ""),
        ({"dataset": "mnist", "profile": "full", "policy_alpha": 1.2, "shorter": True}, ""),
        ({"records": False}, ""),
        ({"records": False, "policy_beta": 2.2, "shorter": True}, ""),
        ({"dataset": "fashion-mnist"}, "choose profile = 'small'"),
        ({"policy_alpha": 0.0}, "policy_alpha = 0.0, policy_beta = 0.9: each from 0.01 to 100"),
        ({"policy_beta": -1.0}, "policy_beta = -1.0: each from 0.01 to 100"),
        ({"policy_beta": 101}, "policy_beta = 101: each from 0.01 to 100"),
        ({"policy_alpha": float("nan")}, "'policy_alpha' = nan: it must be a finite number"),
        ({"seed": 1}, "parameter 'seed' = 1: this notebook has dataset"),
    ],
    "06_family": [
        ({"seed": 1, "num_pairs": 10}, ""),
        ({"seed": 2, "num_pairs": 512, "profile": "full"}, ""),
        ({"dataset": TOY, "num_pairs": 10}, ""),
        ({"dataset": "fashion-mnist", "profile": "small", "num_pairs": 20}, ""),
        ({"records": False, "seed": 3, "num_pairs": 20}, ""),
        ({"num_pairs": 9}, "num_pairs = 9: from 10 to 512"),
        ({"num_pairs": 513}, "num_pairs = 513: from 10 to 512"),
        ({"seed": -1}, "parameter 'seed' = -1"),
    ],
    "07_closed_forms": [
        ({"seed": 1, "yours_alpha": 0.05, "yours_beta": 50.0}, ""),
        ({"seed": 2, "yours_alpha": 1.0, "yours_beta": 1.0}, ""),
        ({"yours_alpha": 50, "yours_beta": 0.05, "profile": "full"}, ""),
        ({"dataset": TOY, "seed": 1}, ""),
        ({"dataset": "fashion-mnist", "profile": "small"}, ""),
        ({"records": False, "seed": 3}, ""),
        ({"yours_alpha": 0.0}, "yours_alpha = 0.0, yours_beta = 0.5: each from 0.05 to 50"),
        ({"yours_beta": 51}, "yours_beta = 51: each from 0.05 to 50"),
    ],
    "08_concentration": [
        ({"seed": 1, "replicates": 20, "shorter": True}, ""),
        ({"seed": 2, "replicates": 400, "shorter": True}, ""),
        (
            {"policy_alpha": 0.05, "policy_beta": 0.05, "replicates": 20, "shorter": True},
            "",
        ),
        ({"policy_alpha": 30, "policy_beta": 0.05, "replicates": 20, "shorter": True}, ""),
        ({"policy_alpha": 0.01, "policy_beta": 100, "replicates": 20, "shorter": True}, ""),
        (
            {"policy_alpha": 30.0, "policy_beta": 30.0, "replicates": 20, "shorter": True},
            "",
        ),
        ({"dataset": TOY, "seed": 1, "replicates": 20}, ""),
        (
            {
                **{"dataset": "fashion-mnist", "profile": "small", "replicates": 20},
                **{"shorter": True},
            },
            "",
        ),
        (
            {
                **{"dataset": "mnist", "profile": "full", "seed": 2, "replicates": 20},
                **{"policy_alpha": 0.9, "policy_beta": 0.9, "shorter": True},
            },
            "",
        ),
        ({"records": False}, ""),
        ({"records": False, "replicates": 30, "shorter": True}, ""),
        ({"dataset": "fashion-mnist"}, "choose profile = 'small'"),
        ({"replicates": 10}, "replicates = 10: a multiple of 10, from 20 to 400"),
        ({"replicates": 25}, "replicates = 25: a multiple of 10, from 20 to 400"),
        ({"replicates": 410}, "replicates = 410: a multiple of 10, from 20 to 400"),
        ({"policy_alpha": 0.0}, "policy_alpha = 0.0, policy_beta = 0.9: each from 0.01 to 100"),
        ({"policy_beta": 101}, "policy_beta = 101: each from 0.01 to 100"),
        ({"policy_beta": float("nan")}, "'policy_beta' = nan: it must be a finite number"),
    ],
    "09_theorem": [
        ({"seed": 1, "most_pairs": 2**12, "sequences": 1}, ""),
        ({"seed": 2, "most_pairs": 2**13, "policy_alpha": 0.9, "policy_beta": 0.9}, ""),
        ({"most_pairs": 2**12, "policy_alpha": 0.05, "policy_beta": 0.05}, ""),
        ({"most_pairs": 2**12, "policy_alpha": 30.0, "policy_beta": 1.0}, ""),
        ({"most_pairs": 2**12, "policy_alpha": 0.05, "policy_beta": 30.0}, ""),
        ({"dataset": TOY, "most_pairs": 2**12}, ""),
        (
            {
                "dataset": "fashion-mnist",
                "profile": "small",
                "shorter": True,
                "most_pairs": 2**12,
            },
            "",
        ),
        ({"dataset": "fashion-mnist"}, "choose profile = 'small'"),
        ({"most_pairs": 5000}, "most_pairs = 5000: a power of two"),
        ({"most_pairs": 2**11}, "most_pairs = 2048: a power of two"),
        ({"policy_alpha": 0.0}, "policy_alpha = 0.0, policy_beta = 0.9: 0.05 to 50"),
        ({"sequences": 0}, "sequences = 0: 1 to 10"),
        ({"trainings": 40}, "parameter 'trainings' = 40: this notebook has dataset"),
        ({"records": False, "seed": 3, "most_pairs": 2**12}, ""),
    ],
    "10_noise": [
        ({"seed": 1, "few": 5, "units": 1000, "epochs_drawn": 20}, ""),
        ({"seed": 2, "few": 20, "units": 20_000, "epochs_drawn": 20}, ""),
        ({"few": 5, "units": 1000, "epochs_drawn": 200}, ""),
        (
            {
                **{"dataset": "fashion-mnist", "profile": "small"},
                **{"few": 5, "units": 1000, "epochs_drawn": 20},
            },
            "",
        ),
        ({"records": False, "few": 5, "units": 1000, "epochs_drawn": 20}, ""),
        ({"few": 4}, "few = 4, units = 6000: from 5 to 20 and from 1000 to 20,000"),
        ({"units": 999}, "few = 8, units = 999: from 5 to 20 and from 1000 to 20,000"),
        ({"epochs_drawn": 19}, "epochs_drawn = 19: from 20 to 200"),
        ({"dataset": TOY}, "fewer than 600 training images"),
    ],
    "11_curves": [
        ({"seed": 1, "trainings": 20, "runs": 2}, ""),
        ({"seed": 2, "trainings": 40, "runs": 5}, ""),
        ({"dataset": TOY, "trainings": 20}, ""),
        ({"dataset": "fashion-mnist", "trainings": 20, "runs": 3}, ""),
        ({"records": False, "shorter": True, "trainings": 20}, ""),
        (
            {
                **{"records": False, "shorter": True, "profile": "small"},
                **{"results_folder": "mine", "runs": 2, "trainings": 20, "seed": 1},
            },
            "",
        ),
        ({"profile": "full"}, "profile = 'full': it takes hours"),
        ({"trainings": 21}, "trainings = 21: an even number, at least 20"),
        ({"runs": 1}, "runs = 1: an interval needs at least 2"),
    ],
    "12_trainer": [
        ({"seed": 1, "batch_size": 16}, ""),
        ({"seed": 2, "batch_size": 358}, ""),
        ({"profile": "small", "batch_size": 64, "shorter": True}, ""),
        ({"records": False, "seed": 3, "shorter": True}, ""),
        ({"profile": "full"}, "profile = 'full': it takes hours"),
        ({"batch_size": 14}, "batch_size = 14: an even number from 16 to 359"),
        ({"batch_size": 129}, "batch_size = 129: an even number from 16 to 359"),
        ({"batch_size": 360}, "batch_size = 360: an even number from 16 to 359"),
        ({"dataset": "digits"}, "parameter 'dataset' = 'digits': this notebook has profile"),
    ],
    "13_when": [
        ({"fresh_seed": 1000, "fresh_seeds": 2}, ""),
        ({"fresh_seed": 0, "fresh_seeds": 5}, ""),
        ({"records": False}, "this chapter reads the book's records"),
        ({"fresh_seeds": 1}, "fresh_seeds = 1: from 2 to 50"),
        ({"fresh_seeds": 51}, "fresh_seeds = 51: from 2 to 50"),
    ],
    "14_tables": [
        *[({"runs": runs}, "") for runs in (2, 3, 5, 6)],
        ({"runs": 1}, "runs = 1: an interval needs at least 2"),
        ({"losses": ["ce"], "runs": 4, "workers": 2}, ""),
        ({"table": 4, "profile": "small", "losses": ["ce"], "runs": 5}, ""),  # 3 minutes
        ({"records": False, "shorter": True}, ""),
        (
            {
                # One worker: in other processes SHORTER's profiles are not the profiles.
                **{"records": False, "shorter": True, "results_folder": "mine"},
                **{"table": 1, "losses": ["nc-released", "ce"], "runs": 2},
            },
            "",
        ),
        ({"records": False, "shorter": True, "table": 2, "losses": ["nc"], "runs": 2}, ""),
        (
            {
                **{"records": False, "shorter": True, "table": 4, "profile": "full"},
                **{"losses": ["nc"], "runs": 2, "dataset": "digits:validation"},
            },
            "",
        ),
        ({"records": False, "shorter": True, "dataset": TOY, "runs": 2}, ""),
        ({"table": 1, "profile": "small"}, "um.data.fetch('cifar10'"),
        ({"table": 2, "profile": "small"}, "um.data.fetch('cifar100'"),
        ({"table": 5}, "table = 5: it must be 1, 2, 3 or 4"),
        ({"dataset": "fashion-mnist"}, "choose profile = 'small'"),
        ({"dataset": "digits", "profile": "small"}, "has 1437"),
        ({"losses": []}, "losses = []: some of ce, nc, nc-released, each once"),
        ({"losses": ["ce", "mse"]}, "losses = ['ce', 'mse']: some of ce, nc, nc-released"),
        ({"workers": 0}, "workers = 0: it must be at least 1"),
    ],
    "15_search": [
        ({"seed": 1, "trials": 5, "trial_runs": 1, "choice_runs": 2, "test_runs": 2}, ""),
        ({"runs": 5, "trial_runs": 1, "workers": 2}, ""),
        ({"runs": 6, "choice_runs": 6, "test_runs": 2}, ""),
        ({"records": False, "shorter": True}, ""),
        (
            {
                **{"records": False, "shorter": True, "results_folder": "mine", "dataset": TOY},
                **{"seed": 2, "runs": 2, "choice_runs": 2, "trial_runs": 1, "fresh_runs": 2},
                **{"trials": 5, "test_runs": 2},
            },
            "",
        ),
        ({"runs": 1}, "runs = 1: it must be at least 2"),
        ({"trials": 4}, "trials = 4: it must be at least 5"),
        ({"trial_runs": 3}, "choice_runs = 3: above trial_runs, 3, and at most runs, 12"),
        ({"choice_runs": 7, "runs": 7}, "and trial_runs + fresh_runs, 6"),
        ({"test_runs": 1, "seed": 1}, "test_runs = 1: it must be at least 2"),
        ({"workers": 0}, "workers = 0: it must be at least 1"),
        ({"profile": "small"}, "dataset = 'digits:validation' has 1150"),
        ({"dataset": "fashion-mnist"}, "choose profile = 'small'"),
        ({"dataset": "digits:validation"}, "digits:validation:validation"),
    ],
    "16_adversarial": [
        ({"seed": 1, "sets": 2, "samples": 2, "shorter": True}, ""),
        ({"seed": 2, "sets": 5, "seeds": 3, "samples": 20, "shorter": True}, ""),
        ({"sets": 30, "samples": 400, "shorter": True}, ""),
        ({"dataset": TOY, "sets": 2, "shorter": True}, ""),
        (
            {
                "dataset": "fashion-mnist",
                "profile": "small",
                "samples": 50,
                "sets": 2,
                "shorter": True,
            },
            "",
        ),
        ({"records": False, "sets": 3, "samples": 50, "shorter": True}, ""),
        ({"dataset": "fashion-mnist"}, "choose profile = 'small'"),
        ({"samples": 1}, "samples = 1, sets = 20: an interval needs at least 2"),
        ({"seeds": 1}, "seeds = 1, samples = 250, sets = 20: an interval needs at least 2"),
        ({"sets": 1}, "sets = 1: an interval needs at least 2"),
    ],
    "17_robustness": [
        ({"seed": 1, "attacked": 20, "eps": 0.001}, ""),
        ({"seed": 2, "attacked": 20, "eps": 0.49}, ""),
        ({"records": False}, "this chapter reads the book's records"),
        ({"attacked": 19}, "attacked = 19: from 20 to 360 images"),
        ({"attacked": 361}, "attacked = 361: from 20 to 360 images"),
        ({"eps": 1e-9}, "eps = 1e-09: it must be at least 0.001 and below 0.5"),
        ({"eps": 0.5}, "eps = 0.5: it must be at least 0.001 and below 0.5"),
        ({"runs": 2}, "parameter 'runs' = 2: this notebook has profile"),
    ],
    "18_calibration": [
        ({"seed": 1, "fresh_seed": 1000, "fresh_seeds": 2}, ""),
        ({"seed": 2, "fresh_seeds": 4}, ""),
        ({"records": False}, "this chapter reads the book's records"),
        ({"fresh_seeds": 0}, "fresh_seeds = 0"),
        ({"fresh_seeds": 51}, "fresh_seeds = 51: from 2 to 50"),
    ],
    "19_expansion": [
        ({"seed": 1, "hidden": 8}, ""),
        ({"seed": 2, "hidden": 128}, ""),
        ({"dataset": TOY, "seed": 1}, ""),
        ({"dataset": "fashion-mnist", "profile": "full"}, ""),
        ({"records": False, "hidden": 16}, ""),
        ({"hidden": 7}, "hidden = 7: it must be from 8 to 128"),
        ({"hidden": 129}, "hidden = 129: it must be from 8 to 128"),
        ({"dataset": "imagenet"}, "dataset = 'imagenet': it must be one of"),
    ],
    "20_pairs": [
        ({"many": 10, "splits": 10, "steps": 400}, ""),
        ({"seed": 1, "many": 40, "splits": 10, "steps": 400}, ""),
        ({"seed": 2, "many": 12, "splits": 11, "steps": 1500}, ""),
        ({"dataset": TOY, "many": 12, "splits": 10, "steps": 400}, ""),
        (
            {
                **{"dataset": "fashion-mnist", "profile": "full", "seed": 2},
                **{"many": 10, "splits": 10, "steps": 400},
            },
            "",
        ),
        ({"records": False, "many": 10, "splits": 10, "steps": 400}, ""),
        ({"many": 9}, "many = 9, splits = 16, steps = 1000: from 10 to 40"),
        ({"many": 41}, "many = 41, splits = 16, steps = 1000: from 10 to 40"),
        ({"splits": 9}, "splits = 9, steps = 1000: from 10 to 40, at least 10"),
        ({"steps": 399}, "splits = 16, steps = 399: from 10 to 40"),
        ({"dataset": "imagenet"}, "dataset = 'imagenet': it must be one of"),
    ],
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
    """A case as a test's name: "02_one_coin seed=1"."""
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
    [check] = [c for c in cells if c.source.startswith("um.notebook.check_parameters(")]
    in_check = error.source == check.source
    expected = refusal and refusal in error.evalue
    if in_check and error.ename == "FileNotFoundError" and not expected:
        pytest.skip(error.evalue)  # a data set that this machine does not have
    assert error.ename in REFUSALS, error
    assert expected, error
    assert in_check, "refused in another cell than the one that checks"


def test_every_chapter_has_cases():
    assert [*CASES] == BOOK.notebooks()
    for page, cases in CASES.items():
        has_parameters = page in BOOK.chapters()
        assert len(cases) >= (5 if has_parameters else 2), page
