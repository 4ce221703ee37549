"""The paper's results as data: 24 settings of 100 runs (Tables 1 to 4)."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from importlib.resources import files

REFERENCE = "MixUp as Directional Adversarial Training, arXiv:1906.06875"


@dataclass(frozen=True)
class Setting:
    """One row of a table in the paper.

    Attributes:
        table: 1 to 4.
        dataset: "cifar10", "cifar100", "mnist" or "fashion-mnist".
        loss: "ce" or "nc".
        scheme: as ``um.parse`` reads it.
        runs: how many the mean stands on.
        error, half_width: mean test error and half its 95 % confidence interval, as shares of 1.
        note: where the number is doubtful, why.
    """

    table: int
    dataset: str
    loss: str
    scheme: str
    runs: int
    error: float
    half_width: float
    note: str

    @property
    def kind(self) -> str:
        """What a reader calls the row: "ERM", "MixUp" or "UMixUp"."""
        return "ERM" if self.scheme == "ERM" else "UMixUp" if self.scheme[0] == "U" else "MixUp"


def settings(dataset: str | None = None, loss: str | None = None) -> list[Setting]:
    """The paper's rows, all or those of a data set and a loss, in the paper's order.

    >>> [s.scheme for s in settings("mnist", "ce")]
    ['ERM', 'B(1,1)', 'U(B(1.7,1))']
    """
    text = (files("umixup") / "paper.csv").read_text(encoding="utf-8")
    rows = [
        Setting(
            int(row["table"]),
            row["dataset"],
            row["loss"],
            "ERM" if row["scheme"] == "erm" else row["policy"].replace(".0", ""),
            int(row["runs"]),
            float(row["mean_error_pct"]) / 100,
            float(row["ci95_pct"]) / 100,
            row["note"],
        )
        for row in csv.DictReader(text.splitlines())
    ]
    return [r for r in rows if dataset in (None, r.dataset) and loss in (None, r.loss)]
