"""Folders that can be written to, and files that are written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

if TYPE_CHECKING:
    from filelock import FileLock

_OLD = 3600  # seconds after which a file that is still unfinished has no writer any more


def check_writable(name: str, folder: Path, size: int = 0) -> None:
    """Make the folder, and try to write a file of ``size`` bytes in it.

    Raises:
        ValueError: that fails; the message starts with the argument's ``name``.
    """
    trial = folder / f".trial.{uuid4().hex}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            with trial.open("wb") as file:
                for start in range(0, size, 2**20):
                    file.write(bytes(min(2**20, size - start)))
        finally:
            trial.unlink(missing_ok=True)
    except (OSError, ValueError) as error:  # ValueError: the path has a NUL, or is no UTF-8
        raise ValueError(
            f"{name} = {str(folder)!r}: it must be a folder to write to ({error})"
        ) from None


def lock_in(folder: Path, name: str) -> FileLock:
    """A lock by a file of this name.

    Raises:
        FileExistsError: it is a link, which could lead to a file of somebody's, or a folder.
    """
    from filelock import FileLock

    path = folder / name
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise FileExistsError(f"{path}: it is a link or a folder, in place of a lock; remove it")
    return FileLock(path)


def remove_old_parts(folder: Path, pattern: str = ".*.part") -> None:
    """Remove files that killed processes left half-written; younger ones may be in use."""
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".", suffix=".part") as new:
        now = os.stat(new.name).st_mtime  # by the disk's clock, which may differ from ours
    for part in folder.glob(pattern):
        with suppress(OSError):  # another process may have removed it
            if now - part.stat().st_mtime > _OLD:
                part.unlink()


@contextmanager
def written_whole(target: Path) -> Iterator[Path]:
    """Yield a temporary path; rename it to ``target`` on success, remove it after an error.

    The bytes are on the disk before the file has its name.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.stem[:64]}.{uuid4().hex}.part")  # names have 255 bytes
    try:
        yield part
        with part.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(part, target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
