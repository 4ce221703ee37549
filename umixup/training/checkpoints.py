"""Checkpoints of a run: a folder of its own, written whole or not at all, the last two kept.

A checkpoint says what was done of a config: epochs, and steps of the epoch under way. As an
epoch's plan follows from config, seed and epoch, nothing else is needed to go on bit for bit.
"""

from __future__ import annotations

import os
import re
import warnings
from pathlib import Path
from typing import Any

import torch

from umixup.training.files import check_writable, written_whole

_NAME = re.compile(r"epoch-(\d{4,})-step-(\d{6,})\.pt")
#: How many checkpoints of a run are kept.
KEPT = 2
_NEEDED = ("epoch", "step", "data", "sittings", "model", "optimizer")


def _found(folder: Path) -> list[Path]:
    """The folder's checkpoints, the latest first."""
    paths = [path for path in folder.glob("epoch-*.pt") if _NAME.fullmatch(path.name)]
    return sorted(paths, key=lambda path: _place(path.name), reverse=True)


def _place(name: str) -> tuple[int, int]:
    found = _NAME.fullmatch(name)
    assert found is not None
    return int(found[1]), int(found[2])


def save(folder: str | os.PathLike[str], state: dict[str, Any]) -> Path:
    """Write ``state`` (with its "epoch" and "step") into the folder, and drop all but the last two.

    The file is written beside its place, flushed to the disk and renamed.
    """
    target = Path(folder) / f"epoch-{state['epoch']:04d}-step-{state['step']:06d}.pt"
    with written_whole(target) as beside, beside.open("wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    others = [path for path in _found(target.parent) if path != target]
    for old in others[KEPT - 1 :]:
        old.unlink(missing_ok=True)
    return target


def check_folder(folder: str | os.PathLike[str]) -> None:
    """Make the folder, and write and remove a file in it, before hours go into a run.

    Parts that a killed process left there are removed.

    Raises:
        ValueError: it cannot be made, or not be written to.
    """
    if not str(folder):
        raise ValueError("checkpoints = '': it must be a folder to write to (it is empty)")
    check_writable("checkpoints", Path(folder))
    for part in Path(folder).glob(".epoch-*.part"):
        part.unlink(missing_ok=True)


def latest(folder: str | os.PathLike[str], config: dict[str, Any]) -> dict[str, Any] | None:
    """The latest checkpoint in the folder that can be read; ``None`` if there is none at all.

    One that is truncated or corrupt is named in a warning, and the one before it is taken; it is
    then renamed, so as not to count among the two that are kept.

    Args:
        folder: of one run.
        config: the config's fields; the checkpoint must be of the same.

    Raises:
        ValueError: the checkpoint is of another config (the message names the fields that
            differ), or none of those there can be read.
    """
    paths, unreadable = _found(Path(folder)), []
    for path in paths:
        try:
            state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
            theirs = dict(state["config"])
            _ = [state[name] for name in _NEEDED]
        except (PermissionError, MemoryError):  # that says nothing about the file
            raise
        except Exception as error:  # zip, pickle and torch raise what they like
            warnings.warn(
                f"checkpoint {path} cannot be read ({type(error).__name__}); "
                "the one before it is used, if there is one",
                stacklevel=2,
            )
            unreadable.append(path)
            continue
        unlike = [name for name in config if theirs.get(name) != config[name]]
        if unlike or theirs.keys() != config.keys():
            told = ", ".join(f"{n} = {theirs.get(n)!r} there, {config[n]!r} here" for n in unlike)
            raise ValueError(f"checkpoint {path} is of another config: {told or 'other fields'}")
        for bad in unreadable:
            bad.rename(bad.with_suffix(".unreadable"))
        return state
    if paths:
        raise ValueError(f"checkpoints = {str(folder)!r}: none of the {len(paths)} can be read")
    return None
