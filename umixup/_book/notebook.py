"""What a chapter needs in its notebook: checked parameters, soft asserts, and the records.

papermill injects the parameters it is given as a cell of their own, and only warns about unknown
ones; ``check_parameters`` refuses them. The asserts of a chapter hold for its default parameters.
With others, an ``assert`` that fails prints its claim, and the notebook goes on.
"""

from __future__ import annotations

import ast
import math
import sys
from collections.abc import Mapping
from numbers import Integral, Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

from umixup import _check as check
from umixup import training
from umixup._files import check_writable
from umixup.experiments import plans, results, studies
from umixup.training import data

if TYPE_CHECKING:
    import pandas as pd

#: The copy of the repository that a chapter's first cell makes on a machine without umixup.
CLONE = "umixup-book"
_FINITE = check.Range("a finite number", math.isfinite)
_SEED = check.Range("from 0 to 2**31 - 1", lambda seed: 0 <= seed < 2**31)


def check_parameters(namespace: Mapping[str, Any], **defaults: Any) -> None:
    """Refuse unknown and invalid parameters. Call it right after the cell of parameters.

    It also switches ``soft_asserts`` on if any value differs from its default, and off otherwise.

    Args:
        namespace: the notebook's ``globals()``, in which ``In`` lists the cells run so far.
        defaults: each parameter's default. A value must be of the same type, or an integer where
            the default is a float. Floats must be finite, a ``seed`` from 0 to 2³¹ − 1, and
            ``profile`` and ``dataset`` must exist.

    Raises:
        ValueError: papermill injected a parameter that is not in ``defaults``, or a value is not
            allowed.
        TypeError: a value is of the wrong type.
        FileNotFoundError: the data set is not on this machine.

    >>> check_parameters({"In": ["# Parameters\\nsede = 1\\n"], "seed": 0}, seed=0)
    Traceback (most recent call last):
        ...
    ValueError: parameter 'sede' = 1: this notebook has seed (int)
    """
    for name, value in _injected(namespace.get("In", [])).items():
        if name not in defaults:
            known = (f"{name} ({type(value).__name__})" for name, value in defaults.items())
            allowed = ", ".join(known) or "no parameters"
            raise ValueError(f"parameter {name!r} = {value}: this notebook has {allowed}")
    given = {name: namespace[name] for name in defaults}
    for name, value in given.items():
        _check(name, value, type(defaults[name]))
    if "profile" in given:
        training.profile(given["profile"])
    if given.get("dataset"):  # "" is the profile's own
        data.load(given["dataset"])
    changed = (f"{name} = {value!r}" for name, value in given.items() if value != defaults[name])
    soft_asserts(", ".join(changed))


def _injected(cells: list[str]) -> dict[str, str]:
    """The parameters that papermill injected, each with the text of its value."""
    return {
        statement.targets[0].id: ast.unparse(statement.value)
        for cell in cells
        if cell.startswith("# Parameters\n")
        for statement in ast.parse(cell).body
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name)
    }


def _check(name: str, value: object, kind: type) -> None:
    label = f"parameter {name!r}"
    allowed = {int: Integral, float: Real}.get(kind, kind)
    if not isinstance(value, allowed) or (isinstance(value, bool) and kind is not bool):
        raise TypeError(f"{label} = {value!r}: it must be of type {kind.__name__}")
    if kind is float:
        check.number(label, value, _FINITE)
    if name == "seed":
        check.number(label, value, _SEED)


def check_recipe(profile: str, dataset: str) -> None:
    """Refuse a profile that cannot be trained on a data set, or would take hours on one core.

    Raises:
        ValueError: the data set has fewer training samples than the profile or one batch needs; a
            last batch of one sample would be left over; or the profile is "quick", which uses all
            training samples, and there are more than 10,000.

    >>> check_recipe("small", "digits")
    Traceback (most recent call last):
        ...
    ValueError: profile = 'small' needs 6000 training samples, and dataset = 'digits' has 1437
    """
    recipe = training.profile(profile)
    available, size = len(data.load(dataset).train_x), recipe.batch_size
    needed = max(size, recipe.train_size or 0)
    if needed > available:
        raise ValueError(
            f"profile = {profile!r} needs {needed} training samples, "
            f"and dataset = {dataset!r} has {available}"
        )
    n = recipe.train_size or available
    if n % size == 1:
        raise ValueError(
            f"dataset = {dataset!r}: {n} training samples in batches of {size} leave a batch of "
            "one, which batch normalisation cannot train on; remove one sample"
        )
    if profile == "quick" and available > 10_000:
        raise ValueError(
            f"profile = 'quick' trains on all samples, and dataset = {dataset!r} has {available}, "
            "which takes hours: choose profile = 'small'"
        )


def soft_asserts(why: str) -> None:
    """From the next cell on, print a failing ``assert`` and go on, instead of stopping.

    Outside a notebook this does nothing.

    Args:
        why: how this run differs from the one that the page describes, such as "seed = 1"; it is
            printed with the assert. "" restores ordinary asserts.
    """
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is None:
        return
    others = [t for t in shell.ast_transformers if not isinstance(t, _SoftAsserts)]
    shell.ast_transformers = [*others, _SoftAsserts(why)] if why else others


class _SoftAsserts(ast.NodeTransformer):
    """Turns ``assert claim`` into ``if not claim: print(...)``."""

    def __init__(self, why: str) -> None:
        self.why = why

    def visit_Assert(self, node: ast.Assert) -> ast.If:
        claim = ast.unparse(node.test)
        message = f"Claimed of the default parameters, but not so here ({self.why}): {claim}"
        body = ast.parse(f"__import__('builtins').print({message!r})").body
        soft = ast.If(ast.UnaryOp(ast.Not(), node.test), body, [])
        return ast.fix_missing_locations(ast.copy_location(soft, node))


def book_records(named: str = "") -> Path:
    """The folder of records that a chapter cannot do without: ``records_folder(named)``.

    Raises:
        FileNotFoundError: none is named, and the book's records are not here.
        ValueError: the named folder cannot be created.
    """
    folder = records_folder(named)
    if folder is None:
        raise FileNotFoundError(
            "this chapter reads the book's records: run it in a copy of the repository, or name a "
            "folder with records as results_folder"
        )
    return folder


def records_folder(named: str = "") -> Path | None:
    """The folder of records: ``named`` if given, otherwise the book's own.

    The book's own is ``results/`` in this folder or one above it, or on a hosted service in the
    copy of the repository that a chapter's first cell makes.

    Args:
        named: a folder; it is created if it does not exist.

    Returns:
        The folder, or ``None`` if none is named and the book's records are not here.

    Raises:
        ValueError: the named folder cannot be created.
    """
    if named:
        folder = Path(named)
        if not folder.is_dir():
            check_writable("results_folder", folder)
        return folder
    here = Path.cwd()
    folders = (parent / "results" for parent in (here, *here.parents, here / CLONE))
    return next((folder for folder in folders if any(folder.glob("*.jsonl"))), None)


def compared(name: str) -> pd.DataFrame | None:
    """The comparisons of a finished study, by ``um.plans.compare`` from the book's own records.

    Args:
        name: of a study with a plan, such as "is-it-the-coin".

    Returns:
        Its table; ``None`` where its records are not all here, and a line is printed that says so.

    Raises:
        ValueError: no study of that name has a plan.
    """
    study = studies.by_name(name)
    if study.plan is None:
        raise ValueError(f"name = {name!r}: this study has no plan")
    folder = records_folder()
    runs = None if folder is None else results.load(folder)
    if runs is None or not {config.hash() for config in study.configs()} <= set(runs["hash"]):
        print(f"The records of the study {name} are not here; what it found is left out.")
        return None
    return plans.compare(study.plan, runs)
