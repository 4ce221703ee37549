"""Checkpoints of a run: in a folder of its own, written whole or not at all, the last two kept.

A checkpoint counts the completed epochs, and the completed steps of the next one. An epoch's plan
follows from config, seed and epoch, so nothing else is needed to continue with the same bits.

The file is what ``torch.save`` writes, a zip archive. The archive's comment is a digest of all
bytes before it, so that any change is noticed.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from umixup._files import check_writable, lock_in, remove_old_parts, written_whole
from umixup.training.states import OtherRunError, check_fits, check_state, name

if TYPE_CHECKING:
    from umixup.training.trainer import Trainer

_NAME = re.compile(r"epoch-(\d{4,})-step-(\d{6,})\.pt")
_KEPT = 2
_FORMAT = 2  # 1, without "format", had no digest
_DIGEST = 32  # bytes
_END = 22  # bytes with which a zip archive ends, before its comment; the last two are its length


def found(folder: str | os.PathLike[str]) -> list[Path]:
    """The folder's checkpoints, good or not, the latest first; none if there is no folder.

    Raises:
        OSError: the folder cannot be listed.
    """
    try:
        names = os.listdir(folder)  # glob would take a folder that may not be read for empty
    except FileNotFoundError:
        return []
    places = [(_place(path), path) for path in map(Path(folder).joinpath, names)]
    return [path for place, path in sorted(places, reverse=True) if place]


def _place(path: Path) -> tuple[int, ...]:
    """The completed epochs and steps in a file's name; empty if it is not a checkpoint's."""
    match = _NAME.fullmatch(path.name)
    return tuple(map(int, match.groups())) if match else ()


def save(folder: str | os.PathLike[str], state: dict[str, Any]) -> Path:
    """Write ``state`` (with its "epoch" and "step") to the folder; keep only the last two.

    Raises:
        OSError: it cannot be written; the checkpoints before it are left alone.
    """
    target = Path(folder) / name(state["epoch"], state["step"])
    content = _packed(state)
    with written_whole(target) as part:
        part.write_bytes(content)
    for old in [path for path in found(folder) if path != target][_KEPT - 1 :]:
        with suppress(OSError):
            old.unlink()
    return target


def _packed(state: dict[str, Any]) -> memoryview:
    """The bytes of a checkpoint, with their digest."""
    file = io.BytesIO()
    torch.save({**state, "format": _FORMAT}, file)
    file.seek(-2, os.SEEK_END)
    file.write(_DIGEST.to_bytes(2, "little"))
    file.write(_digest(file.getvalue()))
    return file.getbuffer()


def _digest(content: bytes | memoryview) -> bytes:
    return hashlib.blake2b(content, digest_size=_DIGEST).digest()


def check_folder(folder: str | os.PathLike[str], size: int = 0) -> None:
    """Make the folder and try to write ``size`` bytes to it, before hours go into a run.

    Partial files that a killed process left there an hour ago or earlier are removed.

    Raises:
        TypeError: it is not a path.
        ValueError: it cannot be made or written to.
    """
    path = os.fspath(folder) if isinstance(folder, os.PathLike) else folder
    if not isinstance(path, str):
        raise TypeError(f"checkpoints = {folder!r}: it must be the path of a folder")
    if not path.strip():
        raise ValueError(f"checkpoints = {path!r}: it must be a folder to write to (it is empty)")
    check_writable("checkpoints", Path(path), size)
    remove_old_parts(Path(path), ".epoch-*.part")


@contextmanager
def reserved(folder: str | os.PathLike[str], size: int = 0) -> Iterator[None]:
    """Check the folder as ``check_folder`` does; inside, no other process can train with it.

    Raises:
        ValueError: it cannot be written to, or another process trains with it.
        FileExistsError: a link or a folder is where its lock should be.
    """
    from filelock import Timeout

    check_folder(folder, size)
    lock = lock_in(Path(folder), ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise ValueError(
            f"checkpoints = {str(folder)!r}: another process is training with this folder; wait "
            "until it ends, or name another folder"
        ) from None
    except OSError:  # a disk without locks: two runs of one config still write the same bits
        pass
    try:
        yield
    finally:
        with suppress(OSError):  # Windows removes no open file
            os.unlink(lock.lock_file)
        lock.release()


def latest(
    folder: str | os.PathLike[str], config: dict[str, Any], trainer: Trainer | None = None
) -> dict[str, Any] | None:
    """The latest good checkpoint in the folder; ``None`` if the folder has no checkpoints.

    For each that is damaged, a warning says why, and the one before it is tried. Damaged files are
    then renamed, so that they do not count among the two that are kept.

    Args:
        folder: of one run.
        config: the fields of the run's config.
        trainer: into which the checkpoint must fit; by default, only what holds for any is checked.

    Raises:
        ValueError: the checkpoint is of another config (the message names the fields that
            differ), of other data, or of a newer umixup.
        ValueError: none is good.
        PermissionError, MemoryError: it cannot be read, which says nothing about the file.
    """
    paths = found(folder)
    for k, path in enumerate(paths):
        try:
            state = _read(path)
            check_state(state, config, _place(path))
            if trainer is not None:
                check_fits(state, trainer)
        except OtherRunError as error:
            raise OtherRunError(f"checkpoint {path} {error}") from None
        except (PermissionError, MemoryError):
            raise
        except Exception as error:  # zip, pickle and torch raise many errors
            why = str(error).partition("\n")[0]
            if type(error) is not ValueError:
                why = f"it is not what a run saves ({type(error).__name__}: {why})"
            warnings.warn(
                f"checkpoint {path} cannot be used: {why}; trying the one before it, if there is "
                "one",
                stacklevel=2,
            )
            continue
        for damaged in paths[:k]:
            with suppress(OSError):
                damaged.replace(damaged.with_suffix(".unreadable"))
        return state
    if paths:
        raise ValueError(
            f"checkpoints = {str(folder)!r}: none of the {len(paths)} there can be used; delete "
            "the folder to start again, or name another one"
        )
    return None


def _read(path: Path) -> dict[str, Any]:
    """What is in a file, all bytes of which are as they were written.

    Raises:
        ValueError: they are not; other errors, if it is no file or not torch's.
    """
    if not path.is_file():  # a folder, a pipe, or a link to nothing
        raise ValueError("it is not a file")
    with path.open("rb") as file:
        file.seek(-min(path.stat().st_size, _END + _DIGEST), os.SEEK_END)
        tail = file.read()
        marked = tail[:4] == b"PK\5\6" and tail[_END - 2 : _END] == _DIGEST.to_bytes(2, "little")
        if not marked and tail[-_END : -_END + 4] != b"PK\5\6":
            raise ValueError("its end is missing")
        file.seek(0)
        content = file.read()
    if marked and _digest(memoryview(content)[:-_DIGEST]) != content[-_DIGEST:]:
        raise ValueError("its bytes are not those that were written")
    if not marked and (damaged := zipfile.ZipFile(io.BytesIO(content)).testzip()):
        raise ValueError(f"{damaged} in it is damaged")
    state: object = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    if not isinstance(state, dict):
        raise ValueError("it holds no run")
    kind = state.pop("format", 1)
    if type(kind) is not int or kind < 1 or (kind > 1) != marked:
        raise ValueError(f"its format is {kind!r}, {'with' if marked else 'without'} a digest")
    if kind > _FORMAT:
        raise OtherRunError(
            f"has format {kind}, and this umixup reads up to {_FORMAT}: update umixup, or name "
            "another folder"
        )
    return state


class Saver:
    """Saves the checkpoints of a run in progress. If that fails, the run goes on.

    Attributes:
        path: of the last one that was written or resumed from; ``None`` if there is none.
        problem: why the last attempt failed; empty if it did not.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder, self.problem, self._warned = Path(folder), "", False
        self.path: Path | None = None

    def save(self, state: dict[str, Any]) -> None:
        """Save a checkpoint; the first failure is a warning."""
        try:
            self.path, self.problem = save(self.folder, state), ""
        except (OSError, MemoryError) as error:
            self.problem = getattr(error, "strerror", None) or str(error) or "out of memory"
            if not self._warned:
                with suppress(UserWarning):  # even if warnings are errors, the run goes on
                    warnings.warn(
                        f"checkpoints = {str(self.folder)!r}: a checkpoint cannot be written "
                        f"({self.problem}); training goes on, and tries again",
                        stacklevel=4,
                    )
            self._warned = True

    def outcome(self) -> str:
        """What is saved, and how to continue."""
        there = self.path is not None and self.path.is_file()
        if not self.problem:
            text = f"saved in {self.path}" if there else "nothing is saved"
        else:
            text = f"no checkpoint could be written to {self.folder} ({self.problem})"
            text += f"; the last one is {self.path}" if there else "; nothing is saved"
        if not there:
            return text
        return f"{text}. To continue: train(config, checkpoints={str(self.folder)!r}, resume=True)"
