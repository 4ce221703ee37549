"""What a folder of records has: its files, packed or not, read and judged."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from umixup.experiments._record import NOT_A_RECORD, NewerSchemaError, begun, order, parsed

#: How the name of a failed run's file ends.
FAILED = ".failed.json"
_MOST_BYTES = 2**30


class Contents(NamedTuple):
    """What a folder of records has.

    Attributes:
        records: sorted, each run once.
        newer: the hashes of the configs whose record a newer version of umixup wrote.
        problems: what to warn about.
    """

    records: list[dict[str, Any]]
    newer: set[str]
    problems: list[str]


def existing(folder: Path) -> Path:
    """``folder`` itself, if there is one.

    Raises:
        FileNotFoundError: there is none.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"folder = {str(folder)!r}: there is no such folder")
    return folder


def listed(folder: Path, suffix: str) -> list[Path]:
    """What the folder has with this ending, sorted; an error, not nothing, if it is unreadable."""
    return sorted(folder / name for name in os.listdir(folder) if name.endswith(suffix))


def content(path: Path) -> bytes:
    """The bytes of a file.

    Raises:
        ValueError: it is not a file, or too large for records.
        OSError: it cannot be read.
    """
    if path.exists() and not path.is_file():  # reading a pipe would wait for ever
        raise ValueError("it is not a file")
    with path.open("rb") as file:
        if (size := os.fstat(file.fileno()).st_size) > _MOST_BYTES:
            raise ValueError(
                f"it has {size:,} bytes; files of records have at most {_MOST_BYTES:,}"
            )
        return file.read()


def contents(folder: Path) -> Contents:
    """All that a folder has.

    Raises:
        FileNotFoundError: there is no such folder.
    """
    found: dict[str, dict[str, Any]] = {}
    newer, problems, twice = set(), [], 0
    for place, text in _texts(existing(folder)):
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
    return Contents(sorted(found.values(), key=order), newer, problems)


def _texts(folder: Path) -> Iterator[tuple[str, bytes | Exception]]:
    """Place and text of each single file, then of each line of the packed files.

    In this order, a record that another process packs in the meantime is still found. In place of
    the text of a file that cannot be read is the reason.
    """
    for suffix in (".json", ".jsonl"):
        for path in listed(folder, suffix):
            if path.name.startswith(".") or path.name.endswith(FAILED):
                continue
            try:
                text = content(path)
            except FileNotFoundError:  # packed in the meantime
                continue
            except (OSError, ValueError) as error:
                yield str(path), error
                continue
            if suffix == ".json":
                yield str(path), text
            else:
                for number, line in enumerate(text.splitlines(), 1):
                    yield f"{path}:{number}", line
