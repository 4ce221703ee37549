"""Which GPU a run takes on a machine with several: the one of the first free place.

Places 0, 1, 2, … go round the GPUs. A run holds its place by a lock, which ends with its process.
So runs spread evenly, whichever executors and drivers start them, and one that is killed frees its
place. Several runs may share a GPU.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from filelock import Timeout

from umixup._files import lock_in


@contextmanager
def device_of_a_run() -> Iterator[str | None]:
    """The GPU for a run; ``None``, the trainer's default, unless there are several."""
    count = torch.cuda.device_count()
    if count < 2:
        yield None
        return
    with place(_folder()) as k:
        yield f"cuda:{k % count}"


@contextmanager
def place(folder: Path) -> Iterator[int]:
    """The first number that no other process holds, which is held inside."""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError:  # it works without, but not evenly
        yield os.getpid()
        return
    for k in itertools.count():
        try:
            lock = lock_in(folder, f"place-{k}")
            lock.acquire(timeout=0)
        except Timeout:
            continue
        except OSError:
            yield os.getpid()
            return
        try:
            yield k
        finally:
            lock.release()
        return


def _folder() -> Path:
    """The same for all processes of a user that see the same GPUs of this machine."""
    seen = os.environ.get("CUDA_VISIBLE_DEVICES", "all")
    user = str(os.getuid()) if hasattr(os, "getuid") else os.environ.get("USERNAME", "")
    name = hashlib.blake2b(f"{user}/{seen}".encode(), digest_size=6).hexdigest()
    return Path(tempfile.gettempdir()) / f"umixup-gpus-{name}"
