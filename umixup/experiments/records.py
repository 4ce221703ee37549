"""Records of runs: one JSON file a run, or one of JSON lines per data set once they are packed.

Each file is written whole or not at all, so that many processes can share a folder. Errors are
fractions in records; summaries show them in per cent.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
import warnings
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from umixup._files import lock_in, written_whole
from umixup.experiments._reading import FAILED, Contents, content, existing, listed
from umixup.experiments._reading import contents as read_folder
from umixup.experiments._record import NOT_A_RECORD, NewerSchemaError, parsed, row
from umixup.experiments.statistics import frame
from umixup.training.environment import environment

if TYPE_CHECKING:
    import pandas as pd

#: More bytes than a record has: whether they fit on the disk is tried before a run.
LARGE = 2**16
_LOCK = ".pack.lock"  # of a process that packs the folder, or replaces a record in it


class RecordExistsError(FileExistsError):
    """The folder has a record of this config already, or one that a newer umixup wrote."""


def write(record: dict[str, Any], folder: str | os.PathLike[str], *, replace: bool = False) -> Path:
    """Write a run's record to ``folder/<hash of its config>.json``, whole or not at all.

    Args:
        record: as ``Run.record`` returns it.
        folder: is made if it does not exist.
        replace: replace a record of the same config, packed or not. One of a newer schema is never
            replaced, nor one in a file of another name.

    Raises:
        RecordExistsError: there is such a record.
        OSError: the folder cannot be written to.
    """
    identity, folder = record["hash"], Path(folder)
    if not re.fullmatch("[0-9a-f]{16}", str(identity)):
        raise ValueError(f"hash = {identity!r}: it must be that of a config")
    target = folder / f"{identity}.json"
    if not replace:
        _check_free(identity, _may_hold(identity, folder), replace)
        return _write(record, target)
    folder.mkdir(parents=True, exist_ok=True)
    with lock_in(folder, _LOCK):
        check_free(identity, folder, replace=True)
        packed = [path for path in listed(folder, ".jsonl") if _holds(path, identity)]
        _write(record, target)  # before the packed one goes
        for path in packed:
            _take_out(identity, path)
    return target


def check_free(identity: str, folder: str | os.PathLike[str], *, replace: bool = False) -> None:
    """Check that a record of the config with this hash could be written to the folder.

    Raises:
        RecordExistsError: there is one that is not to be replaced.
    """
    others = listed(Path(folder), ".json") if Path(folder).is_dir() else []
    _check_free(identity, [*_may_hold(identity, Path(folder)), *others], replace)


def _check_free(identity: str, files: list[Path], replace: bool) -> None:
    for path in files:
        own = path.suffix == ".jsonl" or path.stem == identity
        if _holds(path, identity) and not (replace and own):
            way = "move that file away" if replace else "replace it (replace=True, --replace)"
            raise RecordExistsError(
                f"{path} has a record of this config; name another folder, or {way}"
            )


def _may_hold(identity: str, folder: Path) -> list[Path]:
    """Where a record of this hash should be: in a file of its own, or packed."""
    return [folder / f"{identity}.json", *(listed(folder, ".jsonl") if folder.is_dir() else ())]


def _holds(path: Path, identity: str) -> bool:
    """Whether a file, packed or not, has a record of the config with this hash.

    Raises:
        RecordExistsError: it has one of a newer schema.
    """
    try:
        return any(_is_record_of(identity, text) for text in _lines(path))
    except NewerSchemaError as error:
        raise RecordExistsError(f"{path} is left alone: {error}") from error
    except (ValueError, OSError):  # there is no such file, or it cannot be read
        return False


def _lines(path: Path) -> list[bytes]:
    """What may be a record in a file: each line of a packed one."""
    text = content(path)
    return text.splitlines(keepends=True) if path.suffix == ".jsonl" else [text]


def _is_record_of(identity: str, text: bytes) -> bool:
    if identity.encode() not in text:  # most are not: do not judge them
        return False
    try:
        return bool(parsed(text)["hash"] == identity)
    except NewerSchemaError as error:
        if error.hash == identity:
            raise
    except NOT_A_RECORD:
        pass
    return False


def _take_out(identity: str, path: Path) -> None:
    """Remove the record of this hash from a packed file, or the file if it had no other."""
    if left := [line for line in _lines(path) if not _is_record_of(identity, line)]:
        with written_whole(path) as part:
            part.write_bytes(b"".join(left))
    else:
        path.unlink()


def keep(record: dict[str, Any], folder: str | os.PathLike[str], *, replace: bool = False) -> Path:
    """Write a record that must not be lost.

    A record of its config that is there already stays, unless ``replace``.

    If the folder cannot be written to, the record goes into a new temporary folder, and a warning
    says where it is.

    Raises:
        OSError: that fails too; the message has the whole record.
    """
    try:
        return write(record, folder, replace=replace)
    except RecordExistsError as error:
        if not (replace or isinstance(error.__cause__, NewerSchemaError)):
            places = _may_hold(record["hash"], Path(folder))
            return next((path for path in places if _holds(path, record["hash"])), places[0])
        why = f"the record of this run has no place in {folder} ({error})"
    except OSError as error:
        why = f"the record of this run cannot be written to {folder} ({error.strerror or error})"
    try:
        path = write(record, tempfile.mkdtemp(prefix="umixup-"))
    except OSError as error:
        raise OSError(f"{why}, nor elsewhere; it is\n{json.dumps(record)}") from error
    with suppress(UserWarning):  # even if warnings are errors, as the caller needs the path
        warnings.warn(f"{why}; it is in {path}: move it to your records", stacklevel=2)
    return path


def write_failure(
    identity: str, config: dict[str, Any], error: str, folder: str | os.PathLike[str]
) -> Path:
    """Write why the run of a config with this hash failed, to ``folder/<hash>.failed.json``."""
    failure = {"hash": identity, "error": error, "config": config, "environment": environment()}
    return _write(failure, Path(folder) / f"{identity}{FAILED}")


def _write(content: dict[str, Any], target: Path) -> Path:
    text = json.dumps(content, indent=1, allow_nan=False) + "\n"
    with written_whole(target) as part:
        part.write_text(text, encoding="utf-8")
    return target


def read(path: Path) -> dict[str, Any]:
    """The record in a file of its own.

    Raises:
        ValueError, LookupError, TypeError: the file holds no record, or one of another schema.
        OSError: it cannot be read.
    """
    return parsed(content(path))


def records(folder: str | os.PathLike[str]) -> list[dict[str, Any]]:
    """The runs recorded in ``folder`` as plain data, sorted and checked as in ``load``."""
    return contents(folder).records


def recorded(folder: str | os.PathLike[str]) -> set[str]:
    """The hashes of the configs that have a record in ``folder``."""
    return {record["hash"] for record in records(folder)}


def contents(folder: str | os.PathLike[str]) -> Contents:
    """All that ``folder`` has, sorted and checked as in ``load``."""
    found = read_folder(Path(folder))
    _warn(found.problems)
    return found


def failures(folder: str | os.PathLike[str]) -> dict[str, str]:
    """Why runs failed: hash -> error. A file that cannot be read has that as its error."""
    found = {}
    for path in listed(Path(folder), FAILED):
        identity = path.name.removesuffix(FAILED)
        try:
            found[identity] = str(json.loads(content(path))["error"])
        except (*NOT_A_RECORD, OSError, RecursionError) as error:
            found[identity] = f"{path} cannot be read: {error}"
    return found


def load(folder: str | os.PathLike[str]) -> pd.DataFrame:
    """The runs recorded in ``folder``, packed or not: one row per run.

    Rows are sorted by data set, loss, scheme, recipe and seed. A run that is recorded twice counts
    once; if the two records differ, as they may between machines, the earlier one counts. Warnings
    report such runs, runs that failed, and files or lines left out because they are not records,
    are of another schema, or have a hash that does not fit their config.

    Returns:
        Columns for the config's fields and for the results: first dataset, loss, scheme, profile,
        seed and error (a fraction), last those of the measures, such as "calibration.ece", which
        are NaN in runs without. "arithmetic" is the precision that was used.

    Raises:
        FileNotFoundError: there is no such folder.
    """
    found = read_folder(Path(folder))
    failed = len(failures(folder).keys() - {record["hash"] for record in found.records})
    if failed:
        found.problems.append(
            f"{folder}: {failed} runs failed and have no row; um.results.failures(folder) has the "
            "reasons"
        )
    _warn(found.problems)
    return frame(map(row, found.records))


def pack(folder: str | os.PathLike[str]) -> list[Path]:
    """Merge the folder's records into one file of JSON lines per data set.

    Lines are sorted by loss, scheme, recipe and seed, so that the same runs give the same file.
    Single files are removed once packed; those that are not records stay, and a warning names
    them, and so do those that differ from the packed record of their run. Other processes may pack
    the same folder, and write records to it, at the same time.

    Returns:
        The packed files.

    Raises:
        FileNotFoundError: there is no such folder.
        ValueError: a packed file has a line that is not a record.
    """
    folder = existing(Path(folder))
    with lock_in(folder, _LOCK):
        singles = listed(folder, ".json")
        found = read_folder(folder)
        _warn(found.problems)
        if any(".jsonl" in problem for problem in found.problems):
            raise ValueError(f"folder = {str(folder)!r}: mend or remove the packed lines first")
        packed: dict[Path, list[str]] = {}
        for record in found.records:
            name = re.sub(r"[^\w.-]+", "-", record["config"]["dataset"]).strip("-")[:100]
            lines = packed.setdefault(folder / f"{name}.jsonl", [])
            lines.append(json.dumps(record, allow_nan=False) + "\n")
        for target, lines in packed.items():
            with written_whole(target) as part:
                part.write_text("".join(lines), encoding="utf-8")
        done = {f"{record['hash']}.json": record for record in found.records}
        for path in singles:
            with suppress(*NOT_A_RECORD, OSError):
                if done.get(path.name) == read(path):  # another may have taken its place
                    path.unlink()
    return sorted(packed)


def _warn(problems: list[str]) -> None:
    for problem in problems:
        warnings.warn(problem, stacklevel=3)
