"""What a chapter needs of its notebook: parameters that are checked, and where the records lie.

papermill puts the parameters it is given into a cell of their own, and only warns about those the
notebook does not have. Here they are refused.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def check_parameters(namespace: Mapping[str, Any], **types: type) -> None:
    """Refuse unknown and ill-typed parameters. Call it right after the parameters' cell.

    Args:
        namespace: the notebook's ``globals()``, in which ``In`` lists the cells run so far.
        types: each parameter's name and type; an int will do for a float.

    Raises:
        ValueError: papermill was given a parameter that is not among ``types``.
        TypeError: a parameter is of another type.

    >>> check_parameters({"In": ["# Parameters\\nsede = 1\\n"], "seed": 0}, seed=int)
    Traceback (most recent call last):
        ...
    ValueError: parameter 'sede' = 1: this notebook has seed (int)
    """
    allowed = ", ".join(f"{name} ({kind.__name__})" for name, kind in types.items())
    for cell in namespace.get("In", []):
        if not cell.startswith("# Parameters\n"):  # how papermill heads the cell it injects
            continue
        for statement in ast.parse(cell).body:
            if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
                name = statement.targets[0].id
                if name not in types:
                    value = ast.unparse(statement.value)
                    raise ValueError(f"parameter {name!r} = {value}: this notebook has {allowed}")
    for name, kind in types.items():
        value = namespace[name]
        fits = isinstance(value, (int, float) if kind is float else kind)
        if not fits or (isinstance(value, bool) and kind is not bool):
            raise TypeError(f"parameter {name!r} = {value!r}: it must be of type {kind.__name__}")


def records_folder(named: str = "") -> Path | None:
    """The folder of records: the one named, or else the book's own, ``results/`` here or above.

    Returns:
        ``None`` where none is named and the book's records are not here, as on a hosted service.
    """
    if named:
        return Path(named)
    here = Path.cwd()
    found = (folder / "results" for folder in (here, *here.parents))
    return next((folder for folder in found if any(folder.glob("*.jsonl"))), None)
