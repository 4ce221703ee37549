"""Records of runs: one JSON file a run, or one of JSON lines per data set once they are packed.

Each file is written whole or not at all, so that many processes can share a folder. Errors are
fractions in records; summaries show them in per cent.
"""

from __future__ import annotations

import json
import os
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from umixup.experiments.statistics import frame
from umixup.training.config import digest
from umixup.training.environment import environment
from umixup.training.files import written_whole
from umixup.training.run import SCHEMA

if TYPE_CHECKING:
    import pandas as pd

#: How the name of a failed run's file ends.
FAILED = ".failed.json"
# What reading a text raises that is not a record.
_NOT_A_RECORD = (ValueError, LookupError, TypeError)


def write(record: dict[str, Any], folder: str | os.PathLike[str]) -> Path:
    """Write a run's record to ``folder/<hash of its config>.json``, whole or not at all."""
    return _write(record, Path(folder) / f"{record['hash']}.json")


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
    """
    return _parsed(path.read_bytes())


def records(folder: str | os.PathLike[str]) -> list[dict[str, Any]]:
    """The runs recorded in ``folder`` as plain data, sorted and checked as in ``load``."""
    found, problems = _read(Path(folder))
    _warn(problems)
    return found


def recorded(folder: str | os.PathLike[str]) -> set[str]:
    """The hashes of the configs that have a record in ``folder``."""
    return {record["hash"] for record in records(folder)}


def failures(folder: str | os.PathLike[str]) -> dict[str, str]:
    """Why runs failed: hash -> error. A file that cannot be read has that as its error."""
    found = {}
    for path in sorted(Path(folder).glob(f"*{FAILED}")):
        identity = path.name.removesuffix(FAILED)
        try:
            found[identity] = str(json.loads(path.read_bytes())["error"])
        except _NOT_A_RECORD as error:
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
        are NaN in runs without.

    Raises:
        FileNotFoundError: there is no such folder.
    """
    found, problems = _read(Path(folder))
    failed = len(failures(folder).keys() - {record["hash"] for record in found})
    if failed:
        problems.append(
            f"{folder}: {failed} runs failed and have no row; um.results.failures(folder) has the "
            "reasons"
        )
    _warn(problems)
    return frame(_row(record) for record in found)


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
        singles = sorted(folder.glob("*.json"))
        found, problems = _read(folder)
        _warn(problems)
        if any(".jsonl:" in problem for problem in problems):
            raise ValueError(f"folder = {str(folder)!r}: mend or remove the packed lines first")
        packed: dict[Path, list[str]] = {}
        for record in found:
            name = re.sub(r"[^\w.-]+", "-", record["config"]["dataset"]).strip("-")
            lines = packed.setdefault(folder / f"{name}.jsonl", [])
            lines.append(json.dumps(record, allow_nan=False) + "\n")
        for target, lines in packed.items():
            with written_whole(target) as part:
                part.write_text("".join(lines), encoding="utf-8")
        done = {f"{record['hash']}.json" for record in found}
        for path in singles:
            if path.name in done:
                path.unlink(missing_ok=True)
    return sorted(packed)


def _existing(folder: Path) -> Path:
    if not folder.is_dir():
        raise FileNotFoundError(f"folder = {str(folder)!r}: there is no such folder")
    return folder


def _warn(problems: list[str]) -> None:
    for problem in problems:
        warnings.warn(problem, stacklevel=3)


def _read(folder: Path) -> tuple[list[dict[str, Any]], list[str]]:
    """The folder's records, sorted, each run once; and the problems to warn about."""
    found: dict[str, dict[str, Any]] = {}
    problems, twice = [], 0
    for place, text in _texts(_existing(folder)):
        try:
            record = _parsed(text)
        except _NOT_A_RECORD as error:
            problems.append(f"{place} left out: {type(error).__name__}: {error}")
            continue
        known = found.setdefault(record["hash"], record)
        if known != record:
            twice += 1
            found[record["hash"]] = min(known, record, key=_begun)
    if twice:
        problems.append(f"{folder}: {twice} runs are there twice and differ; the earlier counts")
    return sorted(found.values(), key=_order), problems


def _texts(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Place and text of each single file, then of each line of the packed files.

    In this order, a record that another process packs in the meantime is still found.
    """
    for path in sorted(folder.glob("*.json")):
        if path.name.endswith(FAILED):
            continue
        try:
            yield str(path), path.read_bytes()
        except FileNotFoundError:  # packed in the meantime
            continue
    for path in sorted(folder.glob("*.jsonl")):
        for number, line in enumerate(path.read_bytes().splitlines(), 1):
            yield f"{path}:{number}", line


def _parsed(text: bytes) -> dict[str, Any]:
    """The record in a text, if it has what every record has."""
    record: dict[str, Any] = json.loads(text)
    if record["schema"] != SCHEMA:
        raise ValueError(f"schema {record['schema']!r} instead of {SCHEMA}")
    _row(record), _order(record), _begun(record)
    if digest(record["config"]) != record["hash"]:
        raise ValueError(f"hash {record['hash']!r} is not that of its config")
    return record


def _row(record: dict[str, Any]) -> dict[str, Any]:
    """A record as a row of ``load``: config, results, and each measure's numbers."""
    values = {**record["config"], **record, "error": float(record["error"])}
    for name in ("config", "measures", "measured"):
        values.pop(name, None)
    for measure, found in record.get("measured", {}).items():
        numbers = {name: v for name, v in found.items() if isinstance(v, (int, float))}
        values |= {f"{measure}.{name}": value for name, value in numbers.items()}
    return values


def _order(record: dict[str, Any]) -> tuple[Any, ...]:
    config = record["config"]
    setting = config["dataset"], config["loss"], config["scheme"]
    return *setting, record["recipe"], config["seed"], record["hash"]


def _begun(record: dict[str, Any]) -> str:
    return str(record["sittings"][0]["date"])
