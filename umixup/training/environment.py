"""The circumstances of a run: versions, machine, commit, date."""

from __future__ import annotations

import platform
import re
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import umixup


def environment() -> dict[str, Any]:
    """What a result may depend on apart from its config.

    Returns:
        ``date``; the versions of ``python``, ``umixup``, ``torch`` and ``numpy``; ``system`` and
        ``processor``; and ``commit``, if umixup runs from a git checkout, else ``None``.
    """
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        **{package: _version(package) for package in ("umixup", "torch", "numpy")},
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "commit": _commit(),
    }


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


def _commit() -> str | None:
    # An installed umixup may lie inside somebody else's repository: look at our own root only.
    root = Path(umixup.__file__).parents[1]
    if not (root / ".git").exists():
        return None
    command = ["describe", "--always", "--abbrev=40", "--exclude=*", "--dirty=+changes"]
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *command], capture_output=True, text=True, check=False
        )
    except OSError:  # git is not installed
        return None
    return done.stdout.strip() or None
