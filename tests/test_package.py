"""What ``import umixup`` loads, and what it needs."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

import pytest

import umixup as um

LIBRARY = Path(um.__file__).parent
FILES = sorted(LIBRARY.rglob("*.py"))
# A room may import from itself and from those before it.
ROOMS = ("core", "training", "experiments", "_book")


def room(parts):
    """The room of a module of umixup, from the parts of its name without ``umixup``."""
    return parts[0] if parts and parts[0] in ROOMS else "core"


def imported(path):
    """The modules of umixup that a file imports at run time, as tuples of name parts."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):  # type checkers alone may look elsewhere
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "umixup":
            parts = tuple(node.module.split("."))[1:]
            for alias in node.names:
                # ``from umixup import data`` goes by the table of lazy names
                home = um._MODULES.get(alias.name, alias.name) if not parts else alias.name
                yield (*parts, *home.split("."))
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.startswith("umixup."):
                    yield tuple(alias.name.split("."))[1:]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(LIBRARY)))
def test_imports_go_one_way(path):
    own = room(path.relative_to(LIBRARY).with_suffix("").parts)
    for parts in imported(path):
        assert ROOMS.index(room(parts)) <= ROOMS.index(own), f"{own} imports {'.'.join(parts)}"


def test_an_import_against_the_direction_would_be_noticed(tmp_path):
    (tmp_path / "a.py").write_text("from umixup import sweep\nimport umixup.training.data\n")
    assert [room(parts) for parts in imported(tmp_path / "a.py")] == ["experiments", "training"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(LIBRARY)))
def test_no_file_is_too_long_to_be_read_in_one_go(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 330


def test_bare_import_loads_neither_torch_nor_numpy(run_python):
    code = "import sys, umixup; print(*sorted({'torch', 'numpy', 'scipy'} & set(sys.modules)))"
    assert run_python(code) == ""


def test_unknown_attribute_error_lists_public_names():
    with pytest.raises(AttributeError, match=r"'umixup' has no attribute 'nonsense'.*") as told:
        um.nonsense  # noqa: B018
    for name in ("Scheme", "parse", "U", "D", "canonical", "mixing", "training"):
        assert name in str(told.value)


def test_every_public_name_can_be_used_and_is_listed():
    for name in um.__all__:
        assert getattr(um, name) is not None
    assert set(um.__all__) <= set(dir(um))
    assert um.Scheme is um.schemes.Scheme
    assert um.U is um.equivalence.U


@pytest.mark.parametrize("name", um._MODULES)
def test_every_public_module_can_be_imported_by_its_public_name(name):
    assert importlib.import_module(f"umixup.{name}") is getattr(um, name)


def test_unknown_module_is_not_found():
    with pytest.raises(ModuleNotFoundError, match=r"umixup\.nonsense"):
        importlib.import_module("umixup.nonsense")


ONLY_TORCH_AND_NUMPY = """
import importlib, importlib.metadata as metadata, re, sys

allowed, waiting = set(), ["torch", "numpy"]
while waiting:  # torch and numpy, and what those two need themselves
    name = re.sub("[-_.]+", "-", waiting.pop()).lower()
    if name in allowed:
        continue
    allowed.add(name)
    try:
        needs = metadata.requires(name) or []
    except metadata.PackageNotFoundError:
        continue
    waiting += [re.match("[A-Za-z0-9._-]+", need)[0] for need in needs if "extra ==" not in need]

blocked = {
    module
    for module, owners in metadata.packages_distributions().items()
    if not {re.sub("[-_.]+", "-", owner).lower() for owner in owners} & allowed
} - {"umixup"} - set(sys.stdlib_module_names)
assert {"scipy", "sklearn", "pandas", "torchvision", "tqdm"} <= blocked, blocked


class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in blocked:
            raise ModuleNotFoundError(f"blocked: {name}", name=name)


sys.meta_path.insert(0, Refuse())
import torch, numpy
for name in ("mixing", "policies", "schemes", "pairs", "losses", "equivalence"):
    importlib.import_module(f"umixup.{name}")
import umixup as um
scheme = um.parse("U(0.5*B(2.2,0.9)+0.25*Uni(0,0.5)+0.25*P(1))")
lam, gamma = scheme.draw(8)
print(tuple(um.mixing.mix(torch.ones(8, 3), torch.zeros(8, 3), lam).shape))
"""


def test_mixing_policies_and_schemes_need_torch_and_numpy_alone(run_python):
    assert run_python(ONLY_TORCH_AND_NUMPY) == "(8, 3)"


IMPORT_TIME = """
import time
start = time.perf_counter()
import torch, numpy
middle = time.perf_counter()
import umixup, umixup.mixing
print((time.perf_counter() - middle) / (middle - start))
"""


def test_import_is_fast_compared_to_torch(run_python):
    # about 0.015 to 0.03; the least of a few, as other work on the machine can only add to it
    assert any(float(run_python(IMPORT_TIME)) < 0.05 for _ in range(5))
