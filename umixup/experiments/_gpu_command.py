"""The command ``umixup gpu-check``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch

from umixup import _check as check
from umixup.experiments._options import Folder


@dataclass
class GPUCheck:
    """Check a GPU: tests, speed, what the tables cost, and as many runs as the time holds.

    It may be cut off anywhere; the same call goes on. At the end there is a report to send.

        umixup gpu-check
        umixup gpu-check --table 4 --minutes 30
    """

    folder: Folder = "gpu-report"
    """Where the findings go."""
    table: Literal[1, 2, 3, 4] = 1
    """The paper's table whose recipe is timed, and whose runs are done."""
    results: Folder = "results-full"
    """Where the records go."""
    minutes: float = 60.0
    """After which no more run is begun."""

    def __call__(self) -> int:
        """Check, and print where the report is; 1 if there is no GPU."""
        if not torch.cuda.is_available():
            raise ValueError(
                "there is no GPU that torch can use here: torch.cuda.is_available() is False"
            )
        from umixup.experiments.gpu_check import gpu_check  # what it needs takes a while to import

        report = gpu_check(
            check.text("folder", self.folder),
            table=self.table,
            results=check.text("results", self.results),
            minutes=self.minutes,
        )
        print(report.read_text(encoding="utf-8"))
        print(f"the report is {report}")
        return 0
