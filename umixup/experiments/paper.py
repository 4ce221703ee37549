"""The 24 results in Tables 1 to 4 of the paper (arXiv:1906.06875), as data."""

from __future__ import annotations

import csv
import functools
import math
from dataclasses import dataclass, replace
from importlib.resources import files

from umixup.equivalence import D
from umixup.schemes import dat, parse

_KINDS = {"E": "ERM", "B": "MixUp", "U": "UMixUp", "D": "DAT"}  # by a scheme's first letter


@dataclass(frozen=True)
class Setting:
    """One row of a table in the paper, or the DAT twin of one.

    Attributes:
        table: 1 to 4.
        dataset: "cifar10", "cifar100", "mnist" or "fashion-mnist".
        loss: "ce" (cross-entropy) or "nc" (negative cosine).
        scheme: in the form that ``um.parse`` reads and ``str`` prints.
        runs: the number of runs behind the mean; 0 for a DAT twin, which the paper does not train.
        error, half_width: mean test error and half the width of its 95 % confidence interval, as
            fractions; NaN for a DAT twin.
        note: why the number is doubtful, if it is.
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
        """What the scheme is, "ERM", "MixUp", "UMixUp" or "DAT"."""
        return _KINDS[self.scheme[0]]

    def twin(self) -> Setting:
        """The DAT scheme with the same expected loss, D of this one (Lemma 5).

        Raises:
            ValueError: the scheme is ERM or DAT.

        >>> settings("mnist", "ce")[1].twin().scheme
        'DAT(B(2,1))'
        """
        if self.kind not in ("MixUp", "UMixUp"):
            raise ValueError(f"scheme = {self.scheme}: only MixUp and UMixUp have a DAT twin")
        return replace(
            self,
            scheme=str(dat(D(parse(self.scheme)))),
            runs=0,
            error=math.nan,
            half_width=math.nan,
            note=f"not in the paper: the DAT twin of {self.scheme}",
        )


def settings(dataset: str | None = None, loss: str | None = None) -> list[Setting]:
    """The paper's rows in its order: all of them, or those of one data set or loss.

    >>> [s.scheme for s in settings("mnist", "ce")]
    ['ERM', 'B(1,1)', 'U(B(1.7,1))']
    """
    return [
        setting
        for setting in _all()
        if dataset in (None, setting.dataset) and loss in (None, setting.loss)
    ]


@functools.cache
def _all() -> tuple[Setting, ...]:
    text = (files("umixup.experiments") / "paper.csv").read_text(encoding="utf-8")
    return tuple(map(_setting, csv.DictReader(text.splitlines())))


def _setting(row: dict[str, str]) -> Setting:
    """The setting in a row of paper.csv."""
    return Setting(
        table=int(row["table"]),
        dataset=row["dataset"],
        loss=row["loss"],
        scheme="ERM" if row["scheme"] == "erm" else str(parse(row["policy"])),
        runs=int(row["runs"]),
        error=float(row["mean_error_pct"]) / 100,
        half_width=float(row["ci95_pct"]) / 100,
        note=row["note"],
    )
