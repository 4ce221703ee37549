"""Fixtures and settings that the whole suite shares."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import settings

from umixup import data

torch.set_num_threads(1)
settings.register_profile("umixup", max_examples=50, deadline=None, derandomize=True, database=None)
settings.load_profile("umixup")


@pytest.fixture(scope="session")
def digits() -> data.DataSet:
    """The digits, which are on every machine."""
    return data.load("digits")


@pytest.fixture
def run_python() -> Callable[..., str]:
    """Run code in a fresh interpreter that finds this library; gives what it printed."""
    library = str(Path(data.__file__).parents[1])

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
