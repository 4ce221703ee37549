"""The circumstances of a run: versions, machine, commit, date."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import umixup

_PATIENCE = 20.0  # seconds to wait for git


def environment() -> dict[str, Any]:
    """What a result may depend on apart from its config.

    Returns:
        ``date``; the versions of ``python``, ``umixup``, ``torch`` and ``numpy``; ``system`` and
        ``processor``; and ``commit``, if umixup runs from a git checkout, else ``None``: that of
        the first call in this process, whose code is what runs.
    """
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        **{package: _version(package) for package in ("umixup", "torch", "numpy")},
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "commit": _commit(),
    }


def in_terminal() -> bool:
    """Whether there is somebody to show a progress bar to."""
    return sys.stderr is not None and sys.stderr.isatty()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _processor() -> str | None:
    """The processor's model, if the system reports it."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")  # platform knows none on Linux
    except OSError:
        return platform.processor() or None
    found = re.search(r"^model name\s*: (.+)$", text, re.MULTILINE)
    return found[1] if found else None


@cache  # a process goes on with the code that it began with, whatever happens to the checkout
def _commit() -> str | None:
    # An installed umixup may lie inside somebody else's repository: look at our own root only.
    root = Path(umixup.__file__).parents[1]
    if not (root / ".git").exists():
        return None
    described = git(root, "describe", "--always", "--abbrev=40", "--exclude=*", "--dirty=+changes")
    return described or None


def git(folder: Path, *arguments: str) -> str | None:
    """What git prints in a folder; ``None`` if it fails, is not installed, or does not answer."""
    # In a hook, git's own variables name the repository of the hook.
    outside = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            check=False,
            env=outside,
            timeout=_PATIENCE,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
