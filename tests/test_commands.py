"""Every command that is printed runs as printed, in a fresh copy of the repository.

``HOW`` has each of them, and what a test needs to know: what must stand there before, what it says,
and, where it would take hours, the command that is run in its place, with a smaller number, and
why. A command that ``HOW`` does not know fails a test.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import formats
import printed
import pytest
import torch

import umixup
from umixup import data
from umixup.experiments import cli

pytestmark = pytest.mark.book

ROOT = Path(__file__).parents[1]
PRINTED = printed.printed()
PAGES = ("README.md", "book/12_trainer.md", "book/teach.md")
NO_RUNS = "no runs with dataset"


@dataclass(frozen=True)
class How:
    """How a printed command is run."""

    says: str = ""  # words of what it prints
    before: str = ""  # shell commands that are run first
    instead: str = ""  # what is run in its place ...
    why: str = ""  # ... and why
    none: str = ""  # what is run in its place where there are no records; "" is the same
    none_says: str = ""  # words, without records; "" are the same
    none_exit: int = 0  # exit status, without records
    records: bool = True  # does it make a difference whether there are records?
    data: str = ""  # the data sets that must be on this machine
    tool: str = ""  # the program that must be


@dataclass(frozen=True)
class Elsewhere:
    """What runs a command as printed, if not a test here."""

    where: str


HOURS = "it trains for hours on a CPU: "
FEW = "-p runs 3 -p trials 5 -p trial_runs 1 -p fresh_runs 2 -p choice_runs 3 -p test_runs 3"
PAPERMILL = ".venv/bin/papermill notebooks/"
TABLES = PAPERMILL + "14_tables.ipynb out.ipynb "
CONFIG = """umixup config --profile quick | sed 's/"epochs": 20/"epochs": 2/' > my-config.json"""
TRAIN = "umixup train --config my-config.json --checkpoints my-run"
HAND_IN = (
    "make coursework CHAPTERS=06 EXERCISES=ex-cdf-weight && mkdir handed-in && "
    "cp _build/coursework/student/06_family.ipynb handed-in/ada.ipynb"
)
RUN_JSON = (
    "python -c \"import json, umixup as um; r = um.results.records('results'); "
    "c = next(x['config'] for x in r if x['config']['dataset'] == 'digits'); "
    'print(json.dumps(c, indent=1))" > run.json'
)


def study(name: str) -> tuple[str, How]:
    command = f"umixup sweep --study {name} --workers 2 --threads 1"
    return command, How(
        says="runs done, ",
        none=f"{command} --dry-run",
        none_says="runs to do, 0 recorded",
        why=HOURS + "--dry-run, where nothing is recorded",
        data={"fashion-mnist-table": "fashion-mnist", "mnist-table": "mnist"}.get(name, ""),
    )


def planned(name: str) -> tuple[str, How]:
    """A study that is planned, of which not all runs are recorded yet."""
    command = f"umixup sweep --study {name} --workers 2 --threads 1"
    return command, How(
        "runs to do", instead=f"{command} --dry-run", why=HOURS + "--dry-run", records=False
    )


HOW: dict[str, How | Elsewhere] = {
    # --- make
    "make install": Elsewhere("make lint"),
    "make book": Elsewhere("make book"),
    "make test": Elsewhere("make test"),
    "make lint": Elsewhere("make lint"),
    "make test-unit": How(
        instead="make --dry-run test-unit",
        why="make test runs these tests, and more",
        says="-m pytest -n 2",
        records=False,
    ),
    "make fuzz": How(
        instead="make --dry-run fuzz",
        why="make test runs these tests, and more",
        says="-m pytest -n 2",
        records=False,
    ),
    "make test-all": How(
        instead="make --dry-run test-all",
        why="it is what runs this test: --dry-run",
        says="-m long",
        records=False,
    ),
    "make notebooks": How(
        instead="make --dry-run notebooks",
        why="it executes the whole book, as make book does: --dry-run",
        says="book/make.py notebooks",
        records=False,
    ),
    "make pdf": How(
        instead="make --dry-run pdf",
        why="it takes minutes; test_site prints two chapters: --dry-run",
        says="book/pdf.py",
        records=False,
    ),
    "make zip": How(
        instead="make --dry-run zip",
        why="test_site packs the site and opens it: --dry-run",
        says="-m zipfile -c ../umixup-book.zip",
        records=False,
    ),
    "make links": How(
        instead="make --dry-run links",
        why="it asks other sites, which tests do not: --dry-run",
        says="--builder linkcheck",
        records=False,
    ),
    "make sync": How(records=False),
    ".venv/bin/pre-commit install": How(
        "pre-commit installed at .git/hooks/pre-commit", before="git init --quiet", records=False
    ),
    "python tests/test_golden.py": How(records=False),
    "python benchmarks/mixing.py": How("mixing / training step", records=False),
    "make CONSTRAINTS= book": How(
        instead="make CONSTRAINTS= --dry-run --always-make book",
        why="it installs several GB: --dry-run",
        says="install -qq  -e '.[dev]'",
        records=False,
    ),
    "make help": How("make coursework", records=False),
    "make coursework": How("written  _build/coursework: 20 chapters", records=False),
    "make coursework REPOSITORY=https://example.org/your/umixup.git": How(
        instead="make coursework REPOSITORY=https://example.org/your/umixup.git && "
        "cat _build/coursework/student/01_mixup.ipynb",
        why="the same, and a look into what it wrote",
        says='repository = \\"https://example.org/your/umixup.git\\"',
        records=False,
    ),
    "make bank SEED=7": How("written  _build/bank/7", records=False),
    'make coursework CHAPTERS="05 06" EXERCISES="ex-cdf-weight"': How(
        "written  _build/coursework: 2 chapters", records=False
    ),
    'make coursework CHAPTERS="05" DATASET=fashion-mnist': How(
        "05_map_u has no outputs: they would be of other data", records=False
    ),
    "make coursework FORMAT=otter CHAPTERS=06": How(
        "written  _build/coursework: 1 chapter", records=False, tool="otter"
    ),
    "make coursework FORMAT=nbgrader CHAPTERS=06": How(
        "written  _build/coursework: 1 chapter", records=False
    ),
    "make grade FOLDER=handed-in": How("ada: 0 of ", before=HAND_IN, records=False),
    "make grade": How("ada: 0 of ", before=HAND_IN, records=False),
    "make slides": How("written  _build/slides", records=False),
    "make serve": How(
        before="mkdir -p _build/html && echo built > _build/html/index.html",
        instead="timeout 6 make serve & sleep 3; "
        "python -c \"import urllib.request as u; print(u.urlopen('http://localhost:8000').read())\"",
        why="it serves until it is stopped",
        says="built",
        records=False,
    ),
    "make release": How(
        instead="git init --quiet; git add .; make release && ls dist",
        why="the same in a copy, which is no clone yet, and a look into what it made",
        says="-py3-none-any.whl",
        none_says="results/digits.jsonl",  # the archive holds the records that the tests read
        none_exit=2,
    ),
    # --- chapters
    TABLES + "-p runs 2": How("Executing"),
    TABLES + "-p table 4 -p profile small -y 'losses: [ce]' -p runs 5": How(
        "Executing",
        none=TABLES + "-p table 4 -p profile quick -y 'losses: [ce]' -p runs 2",
        why="25 runs take an hour: quick and 2 runs, where nothing is recorded",
        data="fashion-mnist",
    ),
    TABLES + "-p table 4 -p profile small -y 'losses: [ce]' -p runs 10 -p workers 2 "
    "-p results_folder my-results": How(
        "Executing",
        instead=TABLES + "-p table 4 -p profile quick -y 'losses: [ce]' -p runs 2 -p workers 2 "
        "-p results_folder my-results",
        why="50 runs take an hour: quick and 2 runs",
        records=False,
    ),
    PAPERMILL + "01_mixup.ipynb out.ipynb -p alpha 0.2": How("Executing", records=False),
    PAPERMILL + "05_map_u.ipynb out.ipynb -p policy_alpha 3.0 -p policy_beta 0.5": How(
        "Executing", records=False
    ),
    PAPERMILL + "15_search.ipynb out.ipynb -p results_folder my-results": How(
        "Executing",
        instead=PAPERMILL + f"15_search.ipynb out.ipynb -p results_folder my-results {FEW}",
        why=HOURS + FEW,
        records=False,
    ),
    # --- pip
    "pip install -e .": How(records=False),
    "pip install -e '.[train]'": How(records=False),
    "pip install -e '.[train,robustness]'": How(records=False),
    "pip install -e '.[cluster]'": How(records=False),
    "pip install -e '.[coursework]'": How(records=False),
    "pip install -e '.[notebooks]' jupyterlab": How(records=False),
    # --- data
    ".venv/bin/python -c \"import umixup as um; um.data.fetch('fashion-mnist')\"": How(
        records=False, data="fashion-mnist"
    ),
    "umixup data": How("digits", records=False),
    "umixup data check mnist": How("60,000 + 10,000", records=False, data="mnist"),
    "umixup data fetch fashion-mnist": How("is in", records=False, data="fashion-mnist"),
    "umixup data fetch mnist fashion-mnist": How(
        "is in", records=False, data="mnist fashion-mnist"
    ),
    # --- one run
    'umixup train --profile quick --scheme "U(B(2.2,0.9))" --loss nc': How("error", records=False),
    'umixup train --profile quick --scheme "U(B(2.2,0.9))" --seed 1': How("error", records=False),
    "umixup config --profile full": How('"epochs": 200', records=False),
    "umixup config --profile full > my-config.json": How(records=False),
    TRAIN: How("error", before=CONFIG, records=False),
    # A run that is recorded is not done again, so the one before it is recorded elsewhere.
    f"{TRAIN} --resume": How(
        "error", before=f"{CONFIG}; {TRAIN} --results elsewhere", records=False
    ),
    ".venv/bin/umixup train --config run.json --device cpu --threads 1 --results my-results": How(
        "error",
        before=RUN_JSON,
        none_says="run.json: No such file or directory",
        none_exit=1,
    ),
    # --- sweeps
    "umixup --help": How("sweep", records=False),
    "umixup sweep --help": How("--dry-run", records=False),
    "umixup sweep --table 3 --profile quick --runs 2 --losses ce --dry-run": How(
        "0 runs to do", none_says="10 runs to do"
    ),
    "umixup sweep --table 3 --profile quick --runs 2 --losses ce --workers 2": How("runs done, "),
    "umixup sweep --table 3 --profile quick --runs 5 --workers 2": How(
        "runs done, ",
        none="umixup sweep --table 3 --profile quick --runs 1 --workers 2",
        why="50 runs take minutes: 1 run of each, where nothing is recorded",
    ),
    "umixup sweep --table 3 --profile quick --runs 5 --dry-run": How("runs to do"),
    "umixup sweep --table 3 --profile quick --runs 100 --workers 2": How(
        "runs done, ",
        none="umixup sweep --table 3 --profile quick --runs 1 --workers 2",
        why=HOURS + "1 run of each, where nothing is recorded",
    ),
    "umixup sweep --study pairings --runs 2 --dry-run": How("runs to do"),
    'umixup sweep --table 1 --seeds 20 30 --schemes ERM "B(1,1)" --dry-run': How("30 runs to do"),
    "umixup sweep --table 4 --profile small --runs 5 --dry-run": How("runs to do"),
    "umixup sweep --table 4 --profile small --runs 10 --losses ce --workers 2 --threads 1": How(
        "runs done, ",
        none="umixup sweep --table 4 --profile quick --runs 1 --losses ce --workers 2 --threads 1",
        why="50 runs take an hour: quick and 1 run, where nothing is recorded",
        data="fashion-mnist",
    ),
    ".venv/bin/umixup sweep --table 4 --profile small --losses ce --runs 10 --workers 2 "
    "--results my-results": How(
        "runs done, ",
        instead=".venv/bin/umixup sweep --table 4 --profile quick --losses ce --runs 1 --workers 2 "
        "--results my-results",
        why="50 runs take an hour: quick and 1 run",
        records=False,
    ),
    "umixup sweep --table 4 --runs 10": How(
        "runs to do",
        instead="umixup sweep --table 4 --runs 10 --dry-run",
        why=HOURS + "--dry-run",
        records=False,
    ),
    **{
        command: How(
            "Check a GPU",
            instead="umixup gpu-check --help",
            why="it takes an hour of a GPU: --help",
        )
        for command in (
            "umixup gpu-check",
            "umixup gpu-check --minutes 60",
            "umixup gpu-check --table 4 --minutes 30",
        )
    },
    "sbatch recipes/table1.slurm": How(
        "runs to do",
        instead="bash recipes/table1.slurm --dry-run",
        why="it asks a cluster for GPUs: the job's script in this shell, with --dry-run",
        records=False,
    ),
    "umixup sweep --table 1 --runs 100 --executor tcp://10.0.0.1:8786": How(
        "runs to do",
        instead="umixup sweep --table 1 --runs 100 --executor tcp://10.0.0.1:8786 --dry-run",
        why="it asks a cluster for GPUs: --dry-run",
        records=False,
    ),
    **dict(
        study(name)
        for name in (
            "digits-table",
            "fashion-mnist-table",
            "mnist-table",
            "when-mixing-helps-mnist",
            "is-it-the-coin",
            "pairings",
            "alpha",
            "attacks-and-calibration",
            "plane",
            "slope",
            "robustness",
            "policies-by-pair",
            "strength-and-slope",
            "strength-and-slope-tested",
            "when-mixing-helps",
            "when-mixing-helps-colour",
            "when-mixing-helps-fashion-1000",
            "when-mixing-helps-fashion-crops",
            "who-is-the-partner",
        )
    ),
    **dict(planned(name) for name in ("when-mixing-helps-fashion",)),
    # --- results
    "umixup results --table 3 --profile quick": How("UMixUp", none_says=NO_RUNS, none_exit=2),
    ".venv/bin/umixup results --table 4 --profile small --results my-results": How(
        "UMixUp",
        before="mkdir my-results; cp results/fashion-mnist.jsonl my-results",
        none_says="folder = 'my-results': there is no such folder",
        none_exit=1,
    ),
    "umixup results --csv > all.csv": How(none_says=NO_RUNS, none_exit=2),
    "umixup results pack": How(),
}


def runs() -> list[tuple[str, bool]]:
    """Each command that a test runs, with records and, where that differs, without."""
    known = {command: how for command, how in HOW.items() if isinstance(how, How)}
    return [(c, there) for c, how in known.items() for there in (True, False)[not how.records :]]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A fresh copy of the repository as it is now, with this environment as its .venv."""
    folder = tmp_path / "umixup"
    listed = ["git", "-C", ROOT, "ls-files", "-coz", "--exclude-standard"]
    names = subprocess.run(listed, capture_output=True, text=True, check=True).stdout.split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    (folder / ".venv").symlink_to(sys.prefix)
    (folder / ".venv/installed").touch()
    return folder


def shell(command: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """What a command prints, typed in a folder of the copy, with its environment switched on."""
    ours = ("MAKEFLAGS", "MAKELEVEL", "VENV", "CONSTRAINTS", "PYTHON")  # of `make test` itself
    kept = {name: value for name, value in os.environ.items() if name not in ours}
    return subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env={
            **kept,
            "PATH": f"{folder / '.venv/bin'}{os.pathsep}{kept['PATH']}",
            "PYTHONPATH": str(folder),
            "OMP_NUM_THREADS": "1",
            **environment,
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=1500,
    )


def test_every_printed_command_is_known_and_printed():
    unknown = {command: pages for command, pages in PRINTED.items() if command not in HOW}
    assert not unknown, "tests/test_commands.py has to say how these are run"
    assert not [command for command in HOW if command not in PRINTED], "printed no more"


@pytest.mark.parametrize("shown", printed.helps())
def test_a_command_in_the_help_is_shown_on_a_line_of_its_own(shown, capsys):
    with pytest.raises(SystemExit):
        cli.main(shown.split()[1:])
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    examples = [command for command, pages in PRINTED.items() if shown in pages]
    assert examples
    for command in examples:
        assert command in lines


def test_commands_marked_as_run_elsewhere_are_in_ci():
    script = (ROOT / ".ci/run").read_text()
    for how in HOW.values():
        if isinstance(how, Elsewhere):
            assert f"\n{how.where}\n" in script


def test_every_shortened_command_states_a_reason():
    for command, how in HOW.items():
        if isinstance(how, How):
            assert bool(how.instead or how.none) == bool(how.why), command


@pytest.mark.long
@pytest.mark.parametrize(
    ("command", "records"),
    runs(),
    ids=[f"{command} ({'records' if there else 'no records'})" for command, there in runs()],
)
def test_a_printed_command_runs(command, records, checkout, request, record_property):
    how = HOW[command]
    assert isinstance(how, How)
    folder = data.folder(None)
    if how.tool and shutil.which(how.tool) is None:
        pytest.skip(f"{how.tool} is not installed: {formats.INSTALL}")
    for wanted in how.data.split():
        try:
            data.load(wanted)
        except FileNotFoundError:
            pytest.skip(f"{wanted} is not in data/: umixup data fetch {wanted}")
    if not records:
        for packed in (checkout / "results").glob("*.jsonl"):
            packed.unlink()
    typed = (how.none if not records else "") or how.instead or command
    environment = {"UMIXUP_DATA": str(folder.resolve())}
    if typed.startswith("pip "):  # where umixup is not yet
        python = request.getfixturevalue("machine")
        (checkout / ".venv").unlink()
        (checkout / ".venv/bin").mkdir(parents=True)
        pip = checkout / ".venv/bin/pip"
        pip.write_text(f'#!/bin/sh\nexec {python} -m pip "$@"\n')
        pip.chmod(0o755)
        environment["PYTHONPATH"] = ""
    if how.before and (records or not how.none_exit):
        done = shell(how.before, checkout, **environment)
        assert done.returncode == 0, done.stderr
    done = shell(typed, checkout, **environment)
    record_property("typed", typed)
    if typed != command:
        record_property("smaller, since", how.why)
    said = done.stdout + done.stderr
    lacks = how.none_exit if how.records and not records else 0
    assert done.returncode == lacks, said[-3000:]
    assert "Traceback" not in said, said[-3000:]
    assert ((how.none_says if not records else "") or how.says) in said, said[-3000:]
    if typed.startswith("pip "):
        tried = "import umixup as um; print(um.parse('U(B(2.2,0.9))'))"
        with_extras = {"train": "torchmetrics", "robustness": "art", "cluster": "dask"}
        with_extras |= {"coursework": "otter, nbgrader"}
        tried += "".join(f"; import {m}" for extra, m in with_extras.items() if extra in typed)
        done = subprocess.run([python, "-c", tried], capture_output=True, text=True, check=False)
        assert done.stdout == "U(B(2.2,0.9))\n", done.stderr


# --- blocks of Python ---------------------------------------------------------------------------

BLOCKS = {page: [b.text for b in printed.python_blocks() if b.page == page] for page in PAGES}


def test_every_block_of_python_is_on_a_page_whose_blocks_are_run():
    assert {block.page for block in printed.python_blocks()} == set(PAGES)


@pytest.fixture
def given(tmp_path, monkeypatch) -> dict[str, Any]:
    """What a reader has before the first block: a batch, a loader, a model, in a fresh folder."""
    monkeypatch.chdir(tmp_path)
    images, labels = torch.rand(128, 3, 32, 32), torch.randint(10, (128,))
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.LazyLinear(10))
    return {"images": images, "labels": labels, "loader": [(images, labels)], "model": model}


def test_the_code_in_the_readme_runs():
    [code] = BLOCKS["README.md"]
    exec(code, names := {})
    assert names["targets"].shape == (128, 10)
    assert names["loss"].requires_grad
    assert str(names["policy"]) == "B(2,1)"
    for line in code.splitlines():  # what the comments say
        if found := re.match(r"(um\.\S+\(.*\)|um\.losses\S+\])\s+# (0\.0|'\w+')", line):
            assert repr(eval(found[1], names)) == found[2]


def test_the_loop_of_the_trainers_chapter_runs(given):
    [code] = BLOCKS["book/12_trainer.md"]
    exec(code, names := {**given, "um": umixup, "torch": torch})
    assert names["loss"].requires_grad


def test_the_code_for_a_course_runs(given):
    [run] = BLOCKS["book/teach.md"]
    exec(run, names := {"um": umixup})
    assert 0 <= names["run"].error < 0.5
