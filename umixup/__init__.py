"""MixUp, directional adversarial training (DAT) and untied MixUp, as one family.

    import umixup as um
    scheme = um.parse("U(B(2.2,0.9))")

Every name below is loaded when it is first used, so a bare ``import umixup`` is light.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

__version__ = "0.1.0"

_FROM = {  # public name -> the submodule that holds it
    "Scheme": "schemes",
    "parse": "schemes",
    "erm": "schemes",
    "mixup": "schemes",
    "dat": "schemes",
    "umixup": "schemes",
    "U": "equivalence",
    "D": "equivalence",
    "canonical": "equivalence",
}
_SUBMODULES = (
    "policies",
    "schemes",
    "equivalence",
    "losses",
    "pairs",
    "quadrature",
    "bounds",
    "mixing",
    "data",
    "models",
    "evaluation",
    "robustness",
    "measures",
    "results",
    "checkpoints",
    "training",
    "sweep",
    "paper",
    "tables",
    "studies",
    "plotting",
    "notebook",
)
__all__ = [*_FROM, *_SUBMODULES]

if TYPE_CHECKING:
    from umixup import (
        bounds,
        checkpoints,
        data,
        equivalence,
        evaluation,
        losses,
        measures,
        mixing,
        models,
        notebook,
        pairs,
        paper,
        plotting,
        policies,
        quadrature,
        results,
        robustness,
        schemes,
        studies,
        sweep,
        tables,
        training,
    )
    from umixup.equivalence import D, U, canonical
    from umixup.schemes import Scheme, dat, erm, mixup, parse, umixup


def __getattr__(name: str) -> object:
    if name in _FROM:
        return getattr(importlib.import_module(f"umixup.{_FROM[name]}"), name)
    if name in _SUBMODULES:
        return importlib.import_module(f"umixup.{name}")
    raise AttributeError(f"module 'umixup' has no attribute {name!r}; it has {', '.join(__all__)}")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
