"""Data sets of a sweep: loaded once a process, and the same in all runs that will be averaged."""

from __future__ import annotations

import functools
import platform
from collections import Counter, defaultdict
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from umixup.training import Config
from umixup.training import data as datasets

Key = tuple[str, int | None]  # data set, and train_size where the fingerprint is that of a part


def key(config: Config) -> Key:
    """What the fingerprint in a record of this config depends on."""
    return config.dataset, config.train_size if config.subset == "first" else None


def fingerprints(
    configs: Iterable[Config],
    recorded: Iterable[dict[str, Any]],
    folder: object,
    needed: set[str],
    must_load: bool,
) -> tuple[dict[Key, str | None], dict[Key, str]]:
    """The fingerprint that the records of these configs should have; ``None`` if it is not known.

    Also, for data sets of which the recorded runs used other samples than are here now, the reason
    why no more runs should join them.

    Args:
        configs: of the sweep, recorded or not.
        recorded: all records in the folder.
        folder: of the records, for messages.
        needed: data sets that runs are still to use.
        must_load: those must be on this machine.

    Raises:
        ValueError, FileNotFoundError: a data set that must be here cannot be loaded.
    """
    used: dict[Key, Counter[str]] = defaultdict(Counter)
    for record in recorded:
        given = record["config"]
        size = given["train_size"] if given.get("subset", "first") == "first" else None
        used[given["dataset"], size][record["data"]] += 1
    root, found, refused = str(datasets.folder()), {}, {}
    for name, size in dict.fromkeys(map(key, configs)):
        here = None
        try:
            _load(name, root)
        except (OSError, ValueError):
            if must_load and name in needed:
                raise
        else:
            with suppress(ValueError):  # the train_size is too large; its runs will fail
                here = _fingerprint(name, root, size)
        known = used[name, size]
        expected = here or (known.most_common(1)[0][0] if known else None)
        found[name, size] = expected
        if expected is None:
            continue
        others = known.total() - known[expected]
        if others and (here or name in needed):
            refused[name, size] = (
                f"dataset = {name!r}: {others} of the runs recorded in {folder} used other data "
                f"than {'is here now' if here else 'the others'} (fingerprints "
                f"{', '.join(sorted({*known, expected}))}); restore the data, or "
                "choose another folder for the results"
            )
    return found, refused


def for_run(config: Config, expected: str | None) -> datasets.DataSet:
    """The config's data set.

    Raises:
        ValueError: its samples are not those that the sweep's other runs use.
    """
    given, size = (config.dataset, str(datasets.folder())), key(config)[1]
    if expected and _fingerprint(*given, size) != expected:
        forget()  # a worker of a cluster may have loaded it long ago
        if (found := _fingerprint(*given, size)) != expected:
            raise ValueError(
                f"dataset = {config.dataset!r}: its fingerprint on {platform.node()} is {found}, "
                f"but {expected} in the sweep's other runs; restore the data there"
            )
    return _load(*given)


def forget() -> None:
    """Drop the data sets that this process has loaded."""
    _load.cache_clear()
    _fingerprint.cache_clear()


@functools.cache
def _load(name: str, root: str) -> datasets.DataSet:
    return datasets.load(name, root)


@functools.cache
def _fingerprint(name: str, root: str, train_size: int | None) -> str:
    """The fingerprint in the record of a run with this ``train_size``."""
    return _load(name, root).first(train_size).fingerprint()
