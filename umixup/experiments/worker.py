"""What a worker of a sweep does: one run, from its config to its record."""

from __future__ import annotations

import os
import platform
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import torch
from filelock import Timeout
from pebble import ProcessExpired

from umixup._files import check_writable, lock_in
from umixup.experiments import _same_data, measures, records
from umixup.experiments._places import device_of_a_run
from umixup.experiments._reading import FAILED
from umixup.experiments._record import NOT_A_RECORD, NewerSchemaError
from umixup.training import Config, train

# What a run returns: its record, the reason why it failed, or None if it was recorded already.
Outcome = dict[str, Any] | str | None
#: In place of the reason: another driver's worker is at this run. It is worth asking again.
BUSY = "another driver is at this run"
_BETWEEN_TRIES = 1.0  # seconds before a worker says so
# Runs draw from torch's global generator, which the threads of a Dask worker share.
_one_at_a_time = threading.Lock()
CLAIM = ".claim"  # how the name of a claim's file ends


def work(
    config: Config,
    folder: str,
    threads: int | None,
    expected: str | None,
    checkpoints: str | None = None,
    compile: bool | str | None = None,
) -> Outcome:
    """Train and record one config, unless it is recorded by now, or another driver is at it.

    If the record cannot be written, it is still returned, for the driver to keep.

    Args:
        config: what to train.
        folder: of the records.
        threads: of torch, or ``None`` to leave them alone.
        expected: the fingerprint that its samples must have, or ``None`` if it is not known.
        checkpoints: a folder in which the run has one of its own, from which it is resumed, and
            which is removed once it is recorded.
        compile: as for ``um.training.train``.
    """
    path = Path(folder)
    with _one_at_a_time, claimed(config.hash(), path) as free:
        if free:
            own = None if checkpoints is None else Path(checkpoints) / config.hash()
            with device_of_a_run() as device:
                how: dict[str, Any] = {"device": device, "compile": compile}
                if own is not None:
                    how |= {"checkpoints": own, "resume": True}
                outcome = _done(config, path, threads, expected, how)
            if own is not None and not isinstance(outcome, str):
                shutil.rmtree(own, ignore_errors=True)
            return outcome
    time.sleep(_BETWEEN_TRIES)
    return BUSY


@contextmanager
def claimed(identity: str, folder: Path) -> Iterator[bool]:
    """Whether no other process is at the run of this hash; then none begins it inside.

    A claim is a lock, which ends with its process. On a disk without locks, all is free.
    """
    try:
        lock = lock_in(folder, f".{identity}{CLAIM}")
        lock.acquire(timeout=0)
    except Timeout:
        yield False
        return
    except OSError:
        yield True
        return
    try:
        yield True
    finally:
        with suppress(OSError):
            os.unlink(lock.lock_file)
        lock.release()


def remove_old_claims(folder: Path) -> None:
    """Remove the claims that killed processes have left."""
    for path in folder.glob(f".*{CLAIM}"):
        with claimed(path.name[1:].removesuffix(CLAIM), folder):
            pass


def _done(
    config: Config, path: Path, threads: int | None, expected: str | None, how: dict[str, Any]
) -> Outcome:
    """``work``, once the run is claimed; ``how`` goes to ``train``."""
    if _recorded(config, path):
        return None
    if threads not in (None, torch.get_num_threads()):
        torch.set_num_threads(threads)
    try:
        check_writable("folder", path, records.LARGE)  # on a full disk, training is in vain
        measures.check_installed(config.measures)
        data = _same_data.for_run(config, expected)
        run = train(config, data=data, progress=False, **how)
        try:
            measures.measure(run, data)
        except Exception as error:
            error.add_note(f"the run is in {measures.keep_unmeasured(run, path)}, unmeasured")
            raise
        record = run.record()
    except Exception as error:
        return failed(config, path, error)
    try:
        records.write(record, path)
        (path / f"{config.hash()}{FAILED}").unlink(missing_ok=True)
    except records.RecordExistsError:  # another driver was faster
        return None
    except OSError:
        pass
    except ValueError as error:
        return failed(config, path, error)
    return record


def _recorded(config: Config, folder: Path) -> bool:
    try:
        return bool(records.read(folder / f"{config.hash()}.json")["hash"] == config.hash())
    except NewerSchemaError:
        return True
    except (*NOT_A_RECORD, OSError):
        return False


def failed(config: Config, folder: Path, error: BaseException) -> str:
    """The reason why a run failed, which is written to the folder if possible."""
    text = "; ".join([f"{type(error).__name__}: {error}", *getattr(error, "__notes__", ())])
    if isinstance(error, ProcessExpired):
        text += f" of the worker, exit code {error.exitcode}; was it killed, or out of memory?"
    elif type(error).__name__ == "KilledWorker":  # Dask's
        text += "; were they killed, or out of memory?"
    elif isinstance(error, MemoryError) or "memory" in text:
        text += "; fewer workers, a smaller batch_size or width need less"
    elif isinstance(error, OSError):
        text += f" (on {platform.node()})"
    with suppress(Exception):
        records.write_failure(config.hash(), config.plain(), text, folder)
    return text
