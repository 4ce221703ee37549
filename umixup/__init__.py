"""MixUp, directional adversarial training (DAT) and untied MixUp, as one family.

    import umixup as um
    scheme = um.parse("U(B(2.2,0.9))")

The library has three rooms, and imports go one way: the mathematics and the drop-ins in ``umixup``
itself, the trainer in ``umixup.training``, the evidence in ``umixup.experiments``. Each name below
is loaded when it is first used, so that ``import umixup`` alone is light.
"""

from __future__ import annotations

import importlib
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import TYPE_CHECKING

__version__ = "0.2.0"

# um.NAME -> the module that defines it
_NAMES = {
    **dict.fromkeys(("Scheme", "parse", "erm", "mixup", "dat", "umixup"), "schemes"),
    **dict.fromkeys(("U", "D", "canonical"), "equivalence"),
}
# The command line, for whoever calls it from Python
_COMMAND = {"cli": "experiments.cli"}
# um.NAME -> the module that it is
_MODULES = {
    # the core
    "policies": "policies",
    "schemes": "schemes",
    "equivalence": "equivalence",
    "quadrature": "quadrature",
    "bounds": "bounds",
    "losses": "losses",
    "pairs": "pairs",
    "mixing": "mixing",
    # the trainer
    "training": "training",
    "data": "training.data",
    "models": "training.model",
    "evaluation": "training.evaluation",
    "checkpoints": "training.checkpoints",
    # the evidence
    "results": "experiments.results",
    "sweep": "experiments.sweep",
    "paper": "experiments.paper",
    "tables": "experiments.tables",
    "claims": "experiments.claims",
    "studies": "experiments.studies",
    "plans": "experiments.plans",
    "measures": "experiments.measures",
    "robustness": "experiments.robustness",
    # what the book's chapters need
    "plotting": "_book.plotting",
    "notebook": "_book.notebook",
}
__all__ = [*_NAMES, *_MODULES]
_HOMES = {**_MODULES, **_COMMAND}

if TYPE_CHECKING:
    from umixup import (
        bounds,
        equivalence,
        losses,
        mixing,
        pairs,
        policies,
        quadrature,
        schemes,
        training,
    )
    from umixup._book import notebook, plotting
    from umixup.equivalence import D, U, canonical
    from umixup.experiments import (
        claims,
        cli,
        measures,
        paper,
        plans,
        results,
        robustness,
        studies,
        sweep,
        tables,
    )
    from umixup.schemes import Scheme, dat, erm, mixup, parse, umixup
    from umixup.training import checkpoints, data, evaluation
    from umixup.training import model as models


def __getattr__(name: str) -> object:
    if name in _NAMES:
        return getattr(importlib.import_module(f"umixup.{_NAMES[name]}"), name)
    if name in _HOMES:
        return importlib.import_module(f"umixup.{_HOMES[name]}")
    raise AttributeError(f"module 'umixup' has no attribute {name!r}; it has {', '.join(__all__)}")


class _Rooms:
    """``import umixup.data`` and ``from umixup.data import load``: the names of the table above."""

    def find_spec(
        self, fullname: str, path: object = None, target: object = None
    ) -> ModuleSpec | None:
        name = fullname.removeprefix("umixup.")
        if _HOMES.get(name, name) == name:  # not ours, or where its name says
            return None
        return ModuleSpec(fullname, self)  # type: ignore[arg-type]  # importlib.abc is slow

    def create_module(self, spec: ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        name = module.__name__.removeprefix("umixup.")
        sys.modules[module.__name__] = importlib.import_module(f"umixup.{_HOMES[name]}")


sys.meta_path.append(_Rooms())


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
