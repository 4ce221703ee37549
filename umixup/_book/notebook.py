"""What a chapter needs of its notebook: parameters that are checked, asserts, and the records.

papermill puts the parameters it is given into a cell of their own, and only warns about those the
notebook does not have. Here they are refused. With parameters other than the defaults, an
``assert`` of the page that fails says so and lets the notebook go on: what it claims was claimed
of the defaults.
"""

from __future__ import annotations

import ast
import math
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from umixup import training
from umixup.training import data
from umixup.training.files import check_writable

#: Where the first cell of a chapter puts a copy of the repository, on a machine without umixup.
CLONE = "umixup-book"


def check_parameters(namespace: Mapping[str, Any], **defaults: Any) -> None:
    """Refuse unknown, ill-typed and impossible parameters. Call it right after their cell.

    Where a value differs from its default, ``soft_asserts`` is switched on, else off.

    Args:
        namespace: the notebook's ``globals()``, in which ``In`` lists the cells run so far.
        defaults: each parameter's name and default. A value must be of the default's type; an int
            will do for a float. ``dataset`` and ``profile`` are looked up, where they are
            parameters; a ``seed`` must be ≥ 0, a float finite.

    Raises:
        ValueError: papermill was given a parameter that is not among ``defaults``, or a value is
            not allowed.
        TypeError: a parameter is of another type.
        FileNotFoundError: the data set is not on this machine.

    >>> check_parameters({"In": ["# Parameters\\nsede = 1\\n"], "seed": 0}, seed=0)
    Traceback (most recent call last):
        ...
    ValueError: parameter 'sede' = 1: this notebook has seed (int)
    """
    _refuse_unknown(namespace, defaults)
    for name, default in defaults.items():
        _check(name, namespace[name], type(default))
    if "profile" in defaults:
        training.profile(namespace["profile"])
    if dataset := namespace["dataset"] if "dataset" in defaults else "":
        data.load(dataset)
    others = [f"{k} = {namespace[k]!r}" for k, v in defaults.items() if namespace[k] != v]
    soft_asserts(", ".join(others))


def _refuse_unknown(namespace: Mapping[str, Any], defaults: Mapping[str, Any]) -> None:
    allowed = ", ".join(f"{name} ({type(value).__name__})" for name, value in defaults.items())
    for cell in namespace.get("In", []):
        if not cell.startswith("# Parameters\n"):  # how papermill heads the cell it injects
            continue
        for statement in ast.parse(cell).body:
            if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
                name = statement.targets[0].id
                if name not in defaults:
                    value = ast.unparse(statement.value)
                    raise ValueError(
                        f"parameter {name!r} = {value}: this notebook has "
                        + (allowed or "no parameters")
                    )


def _check(name: str, value: object, kind: type) -> None:
    fits = isinstance(value, (int, float) if kind is float else kind)
    if not fits or (isinstance(value, bool) and kind is not bool):
        raise TypeError(f"parameter {name!r} = {value!r}: it must be of type {kind.__name__}")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"parameter {name!r} = {value!r}: it must be a finite number")
    if name == "seed" and isinstance(value, int) and not 0 <= value < 2**31:
        raise ValueError(f"parameter 'seed' = {value}: it must be from 0 to 2**31 - 1")


def check_recipe(profile: str, dataset: str) -> None:
    """Refuse a profile that cannot be trained on a data set, or would take hours on one core.

    Raises:
        ValueError: the profile wants more training samples than there are, or more in one batch,
            or leaves a last batch of one; or it is "quick", which takes all of them, and there are
            more than 10,000.

    >>> check_recipe("small", "digits")
    Traceback (most recent call last):
        ...
    ValueError: profile = 'small' needs 6000 training samples, and dataset = 'digits' has 1437
    """
    recipe = training.profile(profile)
    needed = max(recipe.batch_size, recipe.train_size or 0)
    there = len(data.load(dataset).train_x)
    if needed > there:
        raise ValueError(
            f"profile = {profile!r} needs {needed} training samples, and dataset = {dataset!r} "
            f"has {there}"
        )
    n, size = recipe.train_size or there, recipe.batch_size
    if n % size == 1:
        raise ValueError(
            f"dataset = {dataset!r}: of {n} training samples batches of {size} leave a batch of "
            "one, which batch normalisation cannot train on: take one away"
        )
    if profile == "quick" and there > 10_000:
        raise ValueError(
            f"profile = 'quick' trains on all samples, and dataset = {dataset!r} has {there}, "
            "which takes hours: choose profile = 'small'"
        )


def soft_asserts(here: str) -> None:
    """From the next cell on, let the notebook go on where an ``assert`` fails, and say so.

    Args:
        here: in what this run differs from the one that the page's claims are about, such as
            "seed = 1"; "" switches back to asserts that stop the notebook.

    Outside of a notebook it does nothing.
    """
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is None:
        return
    kept = [t for t in shell.ast_transformers if not isinstance(t, _Soft)]
    shell.ast_transformers = [*kept, _Soft(here)] if here else kept


class _Soft(ast.NodeTransformer):
    """``assert claim`` becomes ``if not claim: print(...)``."""

    def __init__(self, here: str) -> None:
        self.here = here

    def visit_Assert(self, node: ast.Assert) -> ast.If:
        claim = ast.unparse(node.test)
        says = f"Claimed of the default parameters, but not so here ({self.here}): {claim}"
        told = ast.parse(f"__import__('builtins').print({says!r})").body
        soft = ast.If(ast.UnaryOp(ast.Not(), node.test), told, [])
        return ast.fix_missing_locations(ast.copy_location(soft, node))


def records_folder(named: str = "") -> Path | None:
    """The folder of records: the one named, or else the book's own, ``results/`` here or above.

    The one named is made, if need be. On a hosted service the book's own lie in the copy of the
    repository that a chapter's first cell made.

    Returns:
        ``None`` where none is named and the book's records are not here.

    Raises:
        ValueError: the one named cannot be made.
    """
    if named:
        folder = Path(named)
        if not folder.is_dir():
            check_writable("results_folder", folder)
        return folder
    here = Path.cwd()
    homes = (here, *here.parents, here / CLONE)
    found = (folder / "results" for folder in homes)
    return next((folder for folder in found if any(folder.glob("*.jsonl"))), None)
