"""Fixtures and settings that the whole suite shares."""

from __future__ import annotations

import gc
import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
import torch
from hypothesis import settings
from make import Book
from packaging.requirements import Requirement

import umixup
from umixup import data

ROOT = Path(__file__).parents[1]

torch.set_num_threads(1)
settings.register_profile("umixup", max_examples=50, deadline=None, derandomize=True, database=None)
settings.register_profile("fuzz", max_examples=2000, deadline=None, print_blob=True)
settings.load_profile("umixup")

# What a hosted notebook service has; the library, ART, optuna, tyro and torchmetrics are to come.
HOST_HAS = ("torch", "torchvision", "ipykernel", "matplotlib", "scikit-learn", "statsmodels", "pip")


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--part 2/5``: of the long tests, each fifth one, from the second on."""
    parser.addoption("--part", default="1/1", metavar="K/N", help="of the long tests, 1/1 is all")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the long tests out that are not of the part."""
    k, n = map(int, config.getoption("part").split("/"))
    if not 1 <= k <= n:
        raise pytest.UsageError(f"--part {k}/{n}: the first number is from 1 to the second")
    long = [item for item in items if item.get_closest_marker("long")]
    others = {id(item) for item in long} - {id(item) for item in long[k - 1 :: n]}
    config.hook.pytest_deselected(items=[item for item in items if id(item) in others])
    items[:] = [item for item in items if id(item) not in others]


@pytest.fixture(scope="session")
def digits() -> data.DataSet:
    """The digits, which are on every machine."""
    return data.load("digits")


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real book's site, from the stored notebooks, as if published by a known repository."""
    gc.collect()  # of other tests' kernels: ast.parse of Python 3.11 may fail if it comes inside
    root = tmp_path_factory.mktemp("published")
    for folder in ("book", "umixup", "results", "notebooks", "recipes"):
        shutil.copytree(ROOT / folder, root / folder)
    for file in ("_toc.yml", "_config.yml", "CITATION.cff"):
        shutil.copy(ROOT / file, root)
    book = Book(root)
    book.executed.mkdir(parents=True)
    for chapter in book.notebooks():
        notebook = book.stored(chapter)
        notebook.metadata.umixup = {"key": "stored", "seconds": 1.0}
        nbformat.write(notebook, book.executed / f"{chapter}.ipynb")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UMIXUP_REPOSITORY", "https://github.com/example/umixup")
        assert book.site() == 0
    return root / "_build/html"


@pytest.fixture
def run_python() -> Callable[..., str]:
    """Run code in a fresh interpreter that finds this library; gives what it printed."""
    library = str(Path(umixup.__file__).parents[1])

    def run(code: str, **environment: str) -> str:
        paths = [library, os.environ.get("PYTHONPATH", "")]
        done = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths)), **environment},
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    return run


def needed(names: tuple[str, ...]) -> dict[str, importlib.metadata.Distribution]:
    """The distributions of these names and all that they depend on."""
    found: dict[str, importlib.metadata.Distribution] = {}
    seen: set[tuple[str, str]] = set()
    left = [Requirement(name) for name in names]
    while left:
        one = left.pop()
        for extra in {"", *one.extras} - {extra for name, extra in seen if name == one.name}:
            seen.add((one.name, extra))
            found[one.name] = importlib.metadata.distribution(one.name)
            for line in found[one.name].requires or []:
                requirement = Requirement(line)
                if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
                    left.append(requirement)
    return found


def linked(folder: Path, names: tuple[str, ...]) -> Path:
    """Fill a folder with links to the packages of these names, and to all that they need."""
    for distribution in needed(names).values():
        for top in {file.parts[0] for file in distribution.files or []} - {"..", "__pycache__"}:
            link = folder / top
            if not link.exists():
                link.symlink_to(Path(str(distribution.locate_file(top))))
    return folder


def environment(venv: Path, packages: Path) -> Path:
    """The python of a new virtual environment that finds the packages of a folder alone."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    [site] = venv.glob("lib/python*/site-packages")
    (site / "host.pth").write_text(f"{packages}\n")
    return venv / "bin/python"


@pytest.fixture(scope="session")
def host(tmp_path_factory) -> Path:
    """A folder of links to the packages of such a service."""
    return linked(tmp_path_factory.mktemp("host"), HOST_HAS)


@pytest.fixture
def machine(host, tmp_path, monkeypatch) -> Path:
    """Such a machine: the python of an environment of its own, and a kernel "hosted" that is it."""
    python = environment(tmp_path / "venv", host)
    spec = tmp_path / "jupyter/kernels/hosted/kernel.json"
    spec.parent.mkdir(parents=True)
    argv = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec.write_text(json.dumps({"argv": argv, "display_name": "hosted", "language": "python"}))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    monkeypatch.delenv("PYTHONPATH", raising=False)
    return python
