"""How a data set is paired up, and the plan of an epoch.

A pairing has ``draw(n, batch_size, generator) -> (first, second)``: which sample x is mixed with
which x′. A plan adds λ and γ(λ) for each pair; it depends on (scheme, pairing, seed, epoch) alone.
"""

from umixup.pairs.by_class import BY_CLASS, BetweenClasses, WithinClasses
from umixup.pairs.exchangeability import Exchangeability, check_exchangeable
from umixup.pairs.pairings import (
    IID,
    PAIRINGS,
    BatchShuffle,
    Derangement,
    Flip,
    OneWay,
    Pairing,
    Roll,
    Symmetric,
    TwoCopies,
    Weighted,
    by_name,
    near_labels,
)
from umixup.pairs.plan import Plan, plan_epoch
from umixup.pairs.presets import Preset, preset

__all__ = [
    "BY_CLASS",
    "IID",
    "PAIRINGS",
    "BatchShuffle",
    "BetweenClasses",
    "Derangement",
    "Exchangeability",
    "Flip",
    "OneWay",
    "Pairing",
    "Plan",
    "Preset",
    "Roll",
    "Symmetric",
    "TwoCopies",
    "Weighted",
    "WithinClasses",
    "by_name",
    "check_exchangeable",
    "near_labels",
    "plan_epoch",
    "preset",
]
