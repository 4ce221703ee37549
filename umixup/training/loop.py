"""Around the trainer: signals, memory, and the choice of a device, threads and a compiler."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from umixup import _check as check
from umixup.training.config import Config
from umixup.training.data import DataSet
from umixup.training.model import PreActResNet18

_GRACE = 3.0  # seconds after a first Ctrl-C in which further ones count as the same one
# What torch's errors say when memory is short, or a size is too large for an integer. Most are
# plain RuntimeErrors.
_TOO_LARGE = ("allocate memory", "not enough memory", "out of memory", "bad_alloc", "overflow")


@contextmanager
def interruptible(wanted: bool) -> Iterator[list[float]]:
    """Inside, Ctrl-C and SIGTERM only add to the yielded list; one that comes later raises.

    "Later" is more than three seconds after the first. Does nothing unless ``wanted`` and outside
    the main thread. A process that ignores Ctrl-C, as one in the background may, goes on doing so.
    """
    noted: list[float] = []
    before: dict[signal.Signals, Any] = {}

    def note(number: int, frame: object) -> None:
        noted.append(time.monotonic())
        if noted[-1] - noted[0] > _GRACE:
            raise KeyboardInterrupt

    try:
        if wanted and threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                handler = signal.getsignal(number)
                if callable(handler) or (number, handler) == (signal.SIGTERM, signal.SIG_DFL):
                    before[number] = handler
                    signal.signal(number, note)
        yield noted
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def undisturbed(device: torch.device) -> Iterator[None]:
    """Inside, torch's modes are its defaults, whatever the caller has switched on.

    Those modes are autocast, ``no_grad``, ``inference_mode`` and the default dtype.
    """
    dtype = torch.get_default_dtype()
    torch.set_default_dtype(torch.float32)
    try:
        with (
            torch.inference_mode(False),
            torch.enable_grad(),
            torch.autocast("cpu", enabled=False),
            torch.autocast(device.type, enabled=False),
        ):
            yield
    finally:
        torch.set_default_dtype(dtype)


@contextmanager
def memory_for(config: Config, device: torch.device) -> Iterator[None]:
    """Inside, any error that says that memory is short becomes a ``MemoryError`` that names fields.

    Raises:
        MemoryError: memory is short, or a size is too large for any.
    """
    try:
        yield
    except MemoryError as error:
        raise _too_large(config, device) from error
    except (RuntimeError, TypeError, ValueError, OverflowError) as error:
        if any(words in str(error).lower() for words in _TOO_LARGE):
            raise _too_large(config, device) from error
        raise


def check_memory(config: Config, data: DataSet, device: torch.device) -> None:
    """Refuse what a CPU's memory can never hold, rather than be killed once it is full.

    Raises:
        MemoryError: weights, gradients, momentum and padded images are larger than the memory.
    """
    if device.type != "cpu" or not hasattr(os, "sysconf"):
        return
    images, channels, height, width = data.train_x.shape
    with torch.device("meta"):  # sizes only
        model = PreActResNet18(len(data.classes), channels, config.width)
    border = 2 * config.crop_padding
    needed = 12 * sum(p.numel() for p in model.parameters())
    needed += images * channels * (height + border) * (width + border)
    if needed > os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"):
        raise MemoryError


def _too_large(config: Config, device: torch.device) -> MemoryError:
    names = ["width", "batch_size", "crop_padding"]
    names += ["label_dim"] if config.label_dim is not None else []
    values = ", ".join(f"{name} = {getattr(config, name)}" for name in names)
    return MemoryError(f"{values}: they need more memory than {device} has; reduce one of them")


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


def check_threads(threads: int) -> int:
    """``threads`` itself, if this machine can start as many.

    Raises:
        ValueError: it is not a whole number from 1 to 64, or to 4 a core if that is more.
    """
    return check.whole("threads", threads, 1, max(64, 4 * (os.cpu_count() or 1)))


def backend(compile: bool | str | None, device: torch.device) -> str | None:
    """The backend of ``torch.compile`` to use, which is tried on one number; ``None`` for none.

    Args:
        compile: a backend's name, yes or no; ``None`` is yes on a GPU only.
        device: where to try it.

    Raises:
        ValueError: there is no such backend (the message lists them), or it does not work here.
    """
    if compile is None:
        compile = device.type == "cuda"
    if not isinstance(compile, bool) and compile not in torch.compiler.list_backends(()):
        known = ", ".join(torch.compiler.list_backends())
        raise ValueError(
            f"compile = {compile!r}: it must be True, False, or one of torch's backends: {known}"
        )
    if compile is False:
        return None
    name = "inductor" if compile is True else compile
    try:
        torch.compile(lambda x: x + 1, backend=name)(torch.zeros(1, device=device))
    except Exception as error:  # such as no C++ compiler, or a package that is missing
        why = " ".join(str(error).partition("\n\n")[0].split())
        raise ValueError(
            f"compile = {compile!r}: {name} does not work here ({why}); compile=False trains "
            "without it"
        ) from error
    return name


def fastest_layout(width: int, device: torch.device) -> torch.memory_format:
    """channels_last, except at widths where a CPU is slower with it or fails.

    It is about 1.1 to 1.25 times as fast (``benchmarks/step.py``). On a CPU, however, batch
    normalisation of fewer than 16 channels is slower with it on several threads, and torch 2.15
    corrupts memory if the channels do not fill oneDNN's blocks of 8.
    """
    narrow = width < 16 and torch.get_num_threads() > 1
    if device.type == "cpu" and (width % 8 or narrow):
        return torch.contiguous_format
    return torch.channels_last
