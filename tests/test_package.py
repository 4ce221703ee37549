"""What ``import umixup`` loads, and what it needs."""

from __future__ import annotations

import pytest

import umixup as um


def test_bare_import_loads_neither_torch_nor_numpy(run_python):
    code = "import sys, umixup; print(*sorted({'torch', 'numpy', 'scipy'} & set(sys.modules)))"
    assert run_python(code) == ""


def test_an_unknown_attribute_is_told_with_what_there_is():
    with pytest.raises(AttributeError, match=r"'umixup' has no attribute 'nonsense'.*") as told:
        um.nonsense  # noqa: B018
    for name in ("Scheme", "parse", "U", "D", "canonical", "mixing", "training"):
        assert name in str(told.value)


def test_every_public_name_can_be_used_and_is_listed():
    for name in um.__all__:
        assert getattr(um, name) is not None
    assert set(um.__all__) <= set(dir(um))
    assert um.parse is um.schemes.parse
    assert um.U is um.equivalence.U


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


def test_the_import_takes_little_beside_that_of_torch(run_python):
    # about 0.015 to 0.03; the least of a few, as other work on the machine can only add to it
    assert any(float(run_python(IMPORT_TIME)) < 0.05 for _ in range(5))
