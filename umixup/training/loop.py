"""The loop around the trainer: Ctrl-C, and the choice of a device."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def interruptible(wanted: bool) -> Iterator[list[bool]]:
    """Inside, the first Ctrl-C only adds to the yielded list; the second raises as usual.

    Does nothing unless ``wanted``, outside the main thread, and in a process that ignores Ctrl-C,
    as one in the background may.
    """
    noted: list[bool] = []
    before = signal.getsignal(signal.SIGINT)
    main = threading.current_thread() is threading.main_thread()
    if not (wanted and main and callable(before)):
        yield noted
        return

    def note(number: int, frame: object) -> None:
        noted.append(True)
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, note)
    try:
        yield noted
    finally:
        signal.signal(signal.SIGINT, before)


def usable(device: torch.device | str | None) -> torch.device:
    """The device of this name; by default a GPU if there is one, else the CPU.

    Raises:
        ValueError: torch cannot use it here; the message lists the devices that it can use.
    """
    if device is None:
        device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        found = torch.device(device)
        torch.zeros(1, device=found).item()  # fails on "meta", which stores no numbers
    except Exception as error:  # what torch raises depends on the kind of device
        here = ["cpu"]
        if torch.accelerator.is_available():
            kind = str(torch.accelerator.current_accelerator())
            here += [kind, *(f"{kind}:{k}" for k in range(torch.accelerator.device_count()))]
        raise ValueError(
            f"device = {str(device)!r}: it must be one that torch can use here: {', '.join(here)}"
        ) from error
    return found
