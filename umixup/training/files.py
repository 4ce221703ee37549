"""Folders that can be written to, and files that are written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4


def check_writable(name: str, folder: Path, size: int = 0) -> None:
    """Make the folder, and try to write a file of ``size`` bytes in it.

    Raises:
        ValueError: that fails; the message starts with the argument's ``name``.
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
    """Yield a temporary path; rename it to ``target`` on success, remove it after an error."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.stem[:64]}.{uuid4().hex}.part")  # names have 255 bytes
    try:
        yield part
        os.replace(part, target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
