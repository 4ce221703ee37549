"""What the arguments of a drop-in may be, whether given at first or set later."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from umixup import _check as check
from umixup.mixing.tensors import RULES, Rules
from umixup.pairs import Pairing, by_name
from umixup.schemes import as_scheme


def _integers(rules: Rules) -> Rules:
    for rule in rules.values() if isinstance(rules, dict) else [rules or "keep"]:
        check.one_of("integers", rule, RULES)
    return rules


def _whole_or_none(name: str, *ends: int) -> Callable[[Any], int | None]:
    return lambda value: None if value is None else check.whole(name, value, *ends)


def _switch(value: Any) -> bool:
    value = value.item() if isinstance(value, np.bool_) else value
    return bool(check.one_of("mixup_enabled", value, (True, False)))


def checked_pairing(pairing: str | Pairing) -> Pairing:
    """The pairing of a name, or the object itself.

    Raises:
        ValueError: an unknown name.
        TypeError: an object without ``draw``.
    """
    found = by_name(pairing)
    if not callable(getattr(found, "draw", None)) or isinstance(found, type):
        raise TypeError(f"pairing = {pairing!r}: it must be a name or an object with draw")
    return found


#: For each attribute that can be set, what turns a value into the one that is kept, or refuses it.
CHECKS: dict[str, Callable[[Any], Any]] = {
    "scheme": as_scheme,
    "num_classes": _whole_or_none("num_classes", 1),
    "lam_per": lambda value: check.one_of("lam_per", value, ("sample", "batch")),
    "pairing": checked_pairing,
    "prob": lambda value: check.number("prob", value, check.UNIT),
    "integers": _integers,
    "ignore_index": _whole_or_none("ignore_index", -(2**63), 2**63 - 1),
    "mixup_enabled": _switch,
    "seed": _whole_or_none("seed"),
}


def drawn_pairs(
    pairing: Pairing, n: int, generator: torch.Generator | None
) -> tuple[Tensor, Tensor]:
    """The pairs that a pairing draws for a batch of n.

    Raises:
        TypeError: it draws something else than two tensors of integers.
        ValueError: they are not n indices of the batch.
    """
    sides: Any = pairing.draw(n, n, generator)
    if not (isinstance(sides, (tuple, list)) and len(sides) == 2):
        raise TypeError(f"pairing = {pairing!r}: it drew {sides!r:.60} in place of two tensors")
    for side in sides:
        if not isinstance(side, Tensor) or side.dtype != torch.int64:
            kind = side.dtype if isinstance(side, Tensor) else type(side).__name__
            raise TypeError(f"pairing = {pairing!r}: it drew {kind} in place of int64 tensors")
        if side.shape != (n,) or side.min() < 0 or side.max() >= n:
            what = f"{len(side)} numbers from {side.min()} to {side.max()}"
            raise ValueError(f"pairing = {pairing!r}: for a batch of {n} it drew {what}")
    first, second = sides
    return first, second
