"""Times and tables as the command line prints them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from umixup.training import data as datasets

if TYPE_CHECKING:
    import pandas as pd


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

    names = [c for c in ("profile", "dataset", "loss", "setting", "scheme") if c in summary]
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
