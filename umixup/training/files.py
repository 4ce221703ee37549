"""Files that are there whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4


def check_writable(name: str, folder: Path, size: int = 0) -> None:
    """Make the folder, and write and remove a file of ``size`` bytes in it.

    Raises:
        ValueError: that fails; the message has the argument's ``name``.
    """
    trial = folder / f".trial.{uuid4().hex}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            trial.write_bytes(bytes(size))
        finally:
            trial.unlink(missing_ok=True)
    except OSError as error:
        raise ValueError(
            f"{name} = {str(folder)!r}: it must be a folder to write to ({error})"
        ) from None


@contextmanager
def written_whole(target: Path) -> Iterator[Path]:
    """A path beside ``target`` to write to: renamed to it at the end, removed after an error."""
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f".{target.stem}.{uuid4().hex}.part")
    try:
        yield beside
        os.replace(beside, target)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
