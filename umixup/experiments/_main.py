"""The installed command: like ``umixup.experiments.cli.main``, and quiet if Ctrl-C comes early.

Importing torch takes seconds, in which Ctrl-C would end in a traceback of somebody's imports.
"""

import os
import signal
import sys
from collections.abc import Callable


def main() -> int:
    """Run one command and return its exit status."""
    before = signal.getsignal(signal.SIGINT)
    if before is not signal.default_int_handler:  # ignored, as in a background job
        return _command()()
    signal.signal(signal.SIGINT, _stop)
    command = _command()
    signal.signal(signal.SIGINT, before)
    try:
        return command()
    finally:  # the interpreter takes a moment to shut down
        signal.signal(signal.SIGINT, _stop)
        signal.signal(signal.SIGTERM, _stop)


def _command() -> Callable[[], int]:
    try:
        from umixup.experiments.cli import main
    except ModuleNotFoundError as error:
        if error.name and error.name.startswith("umixup"):
            raise
        sys.exit(f"the command umixup needs {error.name}: pip install 'umixup[train]'")
    return main


def _stop(number: int, frame: object) -> None:
    os.write(2, b"stopped\n")
    os._exit(130)


if __name__ == "__main__":
    sys.exit(main())
