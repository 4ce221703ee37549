"""Checkpoints of a run: in a folder of its own, written whole or not at all, the last two kept.

A checkpoint counts the completed epochs, and the completed steps of the next one. An epoch's plan
follows from config, seed and epoch, so nothing else is needed to continue with the same bits.
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
_KEPT = 2
_NEEDED = ("epoch", "step", "data", "sittings", "model", "optimizer")


def _found(folder: Path) -> list[Path]:
    """The folder's checkpoints, the latest first."""
    places = {
        path: (int(name[1]), int(name[2]))
        for path in folder.glob("epoch-*.pt")
        if (name := _NAME.fullmatch(path.name))
    }
    return sorted(places, key=places.__getitem__, reverse=True)


def save(folder: str | os.PathLike[str], state: dict[str, Any]) -> Path:
    """Write ``state`` (with its "epoch" and "step") to the folder; keep only the last two."""
    target = Path(folder) / f"epoch-{state['epoch']:04d}-step-{state['step']:06d}.pt"
    with written_whole(target) as part, part.open("wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    others = [path for path in _found(target.parent) if path != target]
    for old in others[_KEPT - 1 :]:
        old.unlink(missing_ok=True)
    return target


def check_folder(folder: str | os.PathLike[str]) -> None:
    """Make the folder and try to write to it, before hours go into a run.

    Partial files that a killed process left there are removed.

    Raises:
        ValueError: it cannot be made or written to.
    """
    if not str(folder):
        raise ValueError("checkpoints = '': it must be a folder to write to (it is empty)")
    check_writable("checkpoints", Path(folder))
    for part in Path(folder).glob(".epoch-*.part"):
        part.unlink(missing_ok=True)


def latest(folder: str | os.PathLike[str], config: dict[str, Any]) -> dict[str, Any] | None:
    """The latest checkpoint in the folder that can be read; ``None`` if the folder has none.

    For each corrupted file, a warning names it and the one before it is tried. Corrupted files are
    then renamed, so that they do not count among the two that are kept.

    Args:
        folder: of one run.
        config: the fields of the run's config.

    Raises:
        ValueError: the checkpoint is of another config (the message names the fields that
            differ), or none can be read.
    """
    paths = _found(Path(folder))
    for k, path in enumerate(paths):
        try:
            state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
            theirs = dict(state["config"])
            _ = [state[name] for name in _NEEDED]
        except (PermissionError, MemoryError):  # these say nothing about the file
            raise
        except Exception as error:  # corrupted: zip, pickle and torch raise many errors
            warnings.warn(
                f"checkpoint {path} cannot be read ({type(error).__name__}); "
                "trying the one before it, if there is one",
                stacklevel=2,
            )
            continue
        if theirs != config:
            unlike = [name for name in config if theirs.get(name) != config[name]]
            listed = ", ".join(f"{n} = {theirs.get(n)!r} there, {config[n]!r} here" for n in unlike)
            raise ValueError(f"checkpoint {path} is of another config: {listed or 'other fields'}")
        for corrupted in paths[:k]:
            corrupted.rename(corrupted.with_suffix(".unreadable"))
        return state
    if paths:
        raise ValueError(f"checkpoints = {str(folder)!r}: none of the {len(paths)} can be read")
    return None
