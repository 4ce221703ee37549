"""What tests ask of processes that they start, and of those that these start."""

from __future__ import annotations

import time
from pathlib import Path


def until(condition, seconds=300.0):
    """What ``condition`` gives as soon as that is true."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "in vain"
        time.sleep(0.02)
    return found


def alive(pid: int) -> bool:
    """Does a process run? One that has ended, and is not yet collected, does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1][0] not in "ZX"
    except OSError:
        return False


def written(pids: Path) -> list[int]:
    """The numbers of processes in a file, into which each writes its own."""
    return [int(pid) for pid in pids.read_text().split()] if pids.exists() else []
