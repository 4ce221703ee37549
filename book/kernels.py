"""The kernels that run notebooks: where they listen, and how they are ended."""

from __future__ import annotations

import contextlib
import os
import signal

from nbclient import NotebookClient
from traitlets.config import Config


def listening(folder: str) -> Config:
    """Files in this folder, not ports: kernels that start together may be given one port twice."""
    return Config({"KernelManager": {"transport": "ipc", "ip": f"{folder}/kernel"}})


def end(client: NotebookClient) -> None:
    """End a kernel and what it started, at once."""
    provisioner = getattr(client.km, "provisioner", None)
    group = getattr(provisioner, "pgid", None)
    if group:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)
