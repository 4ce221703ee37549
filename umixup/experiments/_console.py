"""What the command line prints: times and tables, and one line in place of a traceback."""

from __future__ import annotations

import io
import os
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from umixup.experiments.sweep import SweepStoppedError
from umixup.training import Config
from umixup.training import data as datasets

if TYPE_CHECKING:
    import pandas as pd


def run(command: Callable[[], int]) -> int:
    """Call a command. What a user can cause ends in one line on stderr, and in the exit status.

    Returns:
        The command's status; 2 for arguments that are not valid, 1 for other failures, 130 for
        Ctrl-C. Errors of our own keep their traceback.
    """
    before = warnings.formatwarning
    warnings.formatwarning = _short  # type: ignore[assignment]
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            if stream.isatty():  # it may lack λ or ±
                stream.reconfigure(errors="replace")
            else:  # a file has all letters
                stream.reconfigure(encoding="utf-8")
    try:
        status = command()
        if sys.stdout is not None:  # closed
            sys.stdout.flush()  # notices a full disk, or a reader that has gone, here
        return status
    except KeyboardInterrupt as stop:
        return _said(str(stop) or "stopped", 130)
    except (ValueError, TypeError) as error:
        return _said(f"umixup: {error}", 2)
    except BrokenPipeError:  # what reads our output has seen enough
        _drop_output()
        return 1
    except MemoryError as error:
        return _said(f"umixup: out of memory{f': {error}' * bool(str(error))}", 1)
    except OSError as error:
        try:
            sys.stdout.flush()
        except OSError:  # or Python would try again at its end, with a traceback
            _drop_output()
        except AttributeError:  # it is closed
            pass
        known = error.filename is not None and error.strerror
        return _said(
            f"umixup: {error.filename}: {error.strerror}" if known else f"umixup: {error}", 1
        )
    except (ArithmeticError, ImportError, SweepStoppedError) as error:
        return _said(f"umixup: {error}", 1)
    finally:
        warnings.formatwarning = before


def _drop_output() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _short(message: Warning | str, *_: object) -> str:
    return f"umixup: {message}\n"


def config(file: Path) -> Config:
    """The config in a JSON file, in UTF-8 with or without a byte order mark."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(f"config = {str(file)!r}: it is not text in UTF-8") from None
    return Config.from_json(text)


def _said(line: str, status: int) -> int:
    if sys.stderr is not None:  # print would choose stdout
        print(line, file=sys.stderr)
    return status


def duration(seconds: float) -> str:
    """Hours and minutes.

    >>> duration(90), duration(3660)
    ('2 min', '1 h 01 min')
    """
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 60 else f"{minutes} min"


def readable(summary: pd.DataFrame) -> pd.DataFrame:
    """The summary with each error and its interval in one column, and with runs as "n of 100"."""

    def errors(prefix: str) -> list[str]:
        pairs = zip(summary[f"{prefix}mean"], summary[f"{prefix}half_width"], strict=True)
        return [f"{m:.3f} ± {h:.3f}" if h == h else f"{m:.3f}" for m, h in pairs]

    names = [
        c
        for c in ("profile", "dataset", "loss", "setting", "scheme", "data", "arithmetic")
        if c in summary
    ]
    out = summary[names].copy()
    out["dataset"] = out["dataset"].map(datasets.title)
    out["error, %"] = errors("")
    out["runs"] = summary["n"].map("{} of 100".format)
    if (summary["augmented_n"] > 0).any():
        out["augmented test, %"] = errors("augmented_")
    if (summary["paper_n"] > 0).any():
        out["paper, %"] = errors("paper_")
        out["its runs"] = summary["paper_n"]
    return out.replace("nan", "–")
