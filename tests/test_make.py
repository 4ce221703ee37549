"""The Makefile: help, a Python that is too old, a clean checkout."""

import os
import re
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.book

ROOT = Path(__file__).parents[1]


def run(*command, cwd=ROOT):
    ours = ("MAKEFLAGS", "MAKELEVEL", "VENV", "CONSTRAINTS", "PYTHON")  # of `make test` itself
    environment = {k: v for k, v in os.environ.items() if k not in ours}
    return subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )


def test_help_lists_every_target():
    makefile = (ROOT / "Makefile").read_text()
    targets = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[1].split()
    shown = run("make", "help").stdout
    assert len(targets) > 8
    for target in targets:
        assert re.search(rf"make {target}\b", shown), target


def test_old_python_is_refused_before_anything_is_created(tmp_path):
    old = tmp_path / "python3"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo "Python 3.10.9" || exit 1\n')
    old.chmod(0o755)
    done = run("make", "-C", ROOT, "book", f"PYTHON={old}", f"VENV={tmp_path}/venv")
    assert done.returncode != 0
    assert "needs Python 3.11 or newer" in done.stderr
    assert "Python 3.10.9" in done.stderr
    assert not (tmp_path / "venv").exists()


def test_clean_leaves_the_checkout_as_cloned(tmp_path):
    clone = tmp_path / "clone"
    assert run("git", "clone", "-q", ROOT, clone).returncode == 0
    (clone / "Makefile").write_text((ROOT / "Makefile").read_text())
    for made in (
        ".venv/made-by-make",
        ".venv/bin/python",
        "_build/html/index.html",
        "build/lib/x.py",
        "dist/x.whl",
        "umixup.egg-info/PKG-INFO",
        "umixup/__pycache__/x.pyc",
        "tests/__pycache__/x.pyc",
        "notebooks/.ipynb_checkpoints/x.ipynb",
        ".ruff_cache/x",
        ".mypy_cache/x",
        ".pytest_cache/x",
        ".hypothesis/x",
    ):
        (clone / made).parent.mkdir(parents=True, exist_ok=True)
        (clone / made).touch()
    assert run("make", "clean", cwd=clone).returncode == 0
    left = run("git", "status", "--porcelain", "--ignored", cwd=clone).stdout.split()
    assert [path for path in left if path not in ("M", "Makefile")] == []


def test_clean_leaves_an_environment_that_make_did_not_make(tmp_path):
    clone = tmp_path / "clone"
    assert run("git", "clone", "-q", ROOT, clone).returncode == 0
    (clone / "Makefile").write_text((ROOT / "Makefile").read_text())
    for precious in (
        tmp_path / "own/bin/python",
        clone / ".venv/lib/mine",
        clone / "x/__pycache__/y",
    ):
        precious.parent.mkdir(parents=True)
        precious.touch()
    done = run("make", "clean", f"VENV={tmp_path}/own", cwd=clone)
    assert done.returncode == 0
    assert f"left alone: {tmp_path}/own" in done.stdout
    assert "left alone: .venv" in run("make", "clean", cwd=clone).stdout
    assert (tmp_path / "own/bin/python").exists()
    assert (clone / ".venv/lib/mine").exists()
    assert (clone / "x/__pycache__/y").exists()


def test_a_path_with_a_space_is_refused_before_anything_is_removed(tmp_path):
    (tmp_path / "my").mkdir()
    (tmp_path / "my venv").mkdir()
    done = run("make", "-C", ROOT, "clean", f"VENV={tmp_path}/my venv")
    assert done.returncode != 0
    assert "make needs a path without spaces" in done.stderr
    assert (tmp_path / "my").exists()
    assert (tmp_path / "my venv").exists()


def test_users_own_environment_is_reused_not_recreated(tmp_path):
    python = tmp_path / "own/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\necho "$@" >> "$(dirname "$0")/asked"\n')
    python.chmod(0o755)
    assert run("make", "-C", ROOT, "install", f"VENV={tmp_path}/own").returncode == 0
    assert "install -qq -c constraints.txt -e .[dev]" in (python.parent / "asked").read_text()
    assert not (tmp_path / "own/pyvenv.cfg").exists()
    assert not (tmp_path / "own/made-by-make").exists()


def test_serve_without_a_site_is_an_error(tmp_path):
    done = run("make", "-f", ROOT / "Makefile", "serve", cwd=tmp_path)
    assert done.returncode != 0
    assert "there is no site yet: make book" in done.stderr
