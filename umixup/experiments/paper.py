"""The paper's results as data: 24 settings of 100 runs (Tables 1 to 4), and rows it leaves out."""

from __future__ import annotations

import csv
from dataclasses import dataclass, replace
from importlib.resources import files

#: The paper.
REFERENCE = "MixUp as Directional Adversarial Training, arXiv:1906.06875"


@dataclass(frozen=True)
class Setting:
    """One row of a table in the paper, or one that it leaves out.

    Attributes:
        table: 1 to 4.
        dataset: "cifar10", "cifar100", "mnist" or "fashion-mnist".
        loss: "ce" or "nc".
        scheme: as ``um.parse`` reads it.
        runs: how many the mean stands on; 0 for a row that the paper leaves out.
        error, half_width: mean test error and half its 95 % confidence interval, as shares of 1;
            NaN for such a row.
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
        """What a reader calls the row, "ERM", "MixUp", "UMixUp" or "DAT"."""
        kinds = {"E": "ERM", "B": "MixUp", "U": "UMixUp", "D": "DAT"}
        return kinds[self.scheme[0]]

    def twin(self) -> Setting:
        """The row of DAT with the policy behind this one: D of its scheme (Lemma 5).

        Raises:
            ValueError: of ERM or DAT, which have none.

        >>> settings("mnist", "ce")[1].twin().scheme
        'DAT(B(2,1))'
        """
        from umixup.equivalence import D
        from umixup.schemes import dat, parse

        if self.kind not in ("MixUp", "UMixUp"):
            raise ValueError(f"scheme {self.scheme}: only MixUp and UMixUp have a twin")
        scheme = str(dat(D(parse(self.scheme))))
        note = f"not in the paper: DAT with the policy behind {self.scheme}"
        nothing = float("nan")
        return replace(self, scheme=scheme, runs=0, error=nothing, half_width=nothing, note=note)


def settings(dataset: str | None = None, loss: str | None = None) -> list[Setting]:
    """The paper's rows, all or those of a data set and a loss, in the paper's order.

    >>> [s.scheme for s in settings("mnist", "ce")]
    ['ERM', 'B(1,1)', 'U(B(1.7,1))']
    """
    text = (files("umixup.experiments") / "paper.csv").read_text(encoding="utf-8")
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
