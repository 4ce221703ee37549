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
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from umixup._files import written_whole
from umixup.experiments._record import NOT_A_RECORD, NewerSchemaError, begun, order, parsed, row
from umixup.experiments.statistics import frame
from umixup.training.environment import environment

if TYPE_CHECKING:
    import pandas as pd

#: How the name of a failed run's file ends.
FAILED = ".failed.json"
#: More bytes than a record has: whether they fit on the disk is tried before a run.
LARGE = 2**16


class RecordExistsError(FileExistsError):
    """The folder has a record of this config already, or one that a newer umixup wrote."""


def write(record: dict[str, Any], folder: str | os.PathLike[str], *, replace: bool = False) -> Path:
    """Write a run's record to ``folder/<hash of its config>.json``, whole or not at all.

    Args:
        record: as ``Run.record`` returns it.
        folder: is made if it does not exist.
        replace: replace a record of the same config. One of a newer schema is never replaced.

    Raises:
        RecordExistsError: there is such a record.
        OSError: the folder cannot be written to.
    """
    if not re.fullmatch("[0-9a-f]{16}", str(record["hash"])):
        raise ValueError(f"hash = {record['hash']!r}: it must be that of a config")
    target = Path(folder) / f"{record['hash']}.json"
    try:
        read(target)
    except NewerSchemaError as error:
        raise RecordExistsError(f"{target} is left alone: {error}") from None
    except (*NOT_A_RECORD, OSError):  # there is none, or it is damaged
        return _write(record, target)
    if not replace:
        raise RecordExistsError(f"{target} is a record of this config; replace=True replaces it")
    return _write(record, target)


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
    except RecordExistsError:
        return Path(folder) / f"{record['hash']}.json"
    except OSError as error:
        why = f"the record of this run cannot be written to {folder} ({error.strerror or error})"
    try:
        path = write(record, tempfile.mkdtemp(prefix="umixup-"))
    except OSError as error:
        raise OSError(f"{why}, nor elsewhere; it is\n{json.dumps(record)}") from error
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
    return parsed(_content(path))


def records(folder: str | os.PathLike[str]) -> list[dict[str, Any]]:
    """The runs recorded in ``folder`` as plain data, sorted and checked as in ``load``."""
    content = _read(Path(folder))
    _warn(content.problems)
    return content.records


def recorded(folder: str | os.PathLike[str]) -> set[str]:
    """The hashes of the configs that have a record in ``folder``."""
    return {record["hash"] for record in records(folder)}


def newer(folder: str | os.PathLike[str]) -> set[str]:
    """The hashes of the configs whose record in ``folder`` was written by a newer umixup."""
    return _read(Path(folder)).newer


def failures(folder: str | os.PathLike[str]) -> dict[str, str]:
    """Why runs failed: hash -> error. A file that cannot be read has that as its error."""
    found = {}
    for path in _listed(Path(folder), FAILED):
        identity = path.name.removesuffix(FAILED)
        try:
            found[identity] = str(json.loads(_content(path))["error"])
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
    content = _read(Path(folder))
    failed = len(failures(folder).keys() - {record["hash"] for record in content.records})
    if failed:
        content.problems.append(
            f"{folder}: {failed} runs failed and have no row; um.results.failures(folder) has the "
            "reasons"
        )
    _warn(content.problems)
    return frame(map(row, content.records))


def pack(folder: str | os.PathLike[str]) -> list[Path]:
    """Merge the folder's records into one file of JSON lines per data set.

    Lines are sorted by loss, scheme, recipe and seed, so that the same runs give the same file.
    Single files are removed once packed; those that are not records stay, and a warning names
    them. Other processes may pack the same folder, and write records to it, at the same time.

    Returns:
        The packed files.

    Raises:
        FileNotFoundError: there is no such folder.
        ValueError: a packed file has a line that is not a record.
    """
    from filelock import FileLock

    folder = _existing(Path(folder))
    with FileLock(folder / ".pack.lock"):
        singles = _listed(folder, ".json")
        content = _read(folder)
        _warn(content.problems)
        if any(".jsonl" in problem for problem in content.problems):
            raise ValueError(f"folder = {str(folder)!r}: mend or remove the packed lines first")
        packed: dict[Path, list[str]] = {}
        for record in content.records:
            name = re.sub(r"[^\w.-]+", "-", record["config"]["dataset"]).strip("-")
            lines = packed.setdefault(folder / f"{name}.jsonl", [])
            lines.append(json.dumps(record, allow_nan=False) + "\n")
        for target, lines in packed.items():
            with written_whole(target) as part:
                part.write_text("".join(lines), encoding="utf-8")
        done = {f"{record['hash']}.json" for record in content.records}
        for path in singles:
            if path.name in done:
                path.unlink(missing_ok=True)
    return sorted(packed)


def _existing(folder: Path) -> Path:
    if not folder.is_dir():
        raise FileNotFoundError(f"folder = {str(folder)!r}: there is no such folder")
    return folder


def _listed(folder: Path, suffix: str) -> list[Path]:
    """What the folder has with this ending, sorted; an error, not nothing, if it is unreadable."""
    return sorted(folder / name for name in os.listdir(folder) if name.endswith(suffix))


def _content(path: Path) -> bytes:
    if path.exists() and not path.is_file():  # reading a pipe would wait for ever
        raise ValueError("it is not a file")
    return path.read_bytes()


def _warn(problems: list[str]) -> None:
    for problem in problems:
        warnings.warn(problem, stacklevel=3)


class _Content(NamedTuple):
    """What a folder has."""

    records: list[dict[str, Any]]  # sorted, each run once
    newer: set[str]  # hashes of records that a newer version of umixup wrote
    problems: list[str]  # to warn about


def _read(folder: Path) -> _Content:
    found: dict[str, dict[str, Any]] = {}
    newer, problems, twice = set(), [], 0
    for place, text in _texts(_existing(folder)):
        try:
            if isinstance(text, Exception):
                raise text
            record = parsed(text)
        except (*NOT_A_RECORD, OSError) as error:
            problems.append(f"{place} left out: {type(error).__name__}: {error}")
            if isinstance(error, NewerSchemaError):
                newer.add(error.hash)
            continue
        known = found.setdefault(record["hash"], record)
        if known != record:
            twice += 1
            found[record["hash"]] = min(known, record, key=begun)
    if twice:
        problems.append(f"{folder}: {twice} runs are there twice and differ; the earlier counts")
    return _Content(sorted(found.values(), key=order), newer, problems)


def _texts(folder: Path) -> Iterator[tuple[str, bytes | Exception]]:
    """Place and text of each single file, then of each line of the packed files.

    In this order, a record that another process packs in the meantime is still found. In place of
    the text of a file that cannot be read is the reason.
    """
    for suffix in (".json", ".jsonl"):
        for path in _listed(folder, suffix):
            if path.name.startswith(".") or path.name.endswith(FAILED):
                continue
            try:
                content = _content(path)
            except FileNotFoundError:  # packed in the meantime
                continue
            except (OSError, ValueError) as error:
                yield str(path), error
                continue
            if suffix == ".json":
                yield str(path), content
            else:
                for number, line in enumerate(content.splitlines(), 1):
                    yield f"{path}:{number}", line
