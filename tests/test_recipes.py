"""The recipes run as printed, each in a process of its own, and end with one line."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.process

ROOT = Path(__file__).parents[1]
RECIPES = sorted((ROOT / "recipes").glob("*.py"))
PAGE = (ROOT / "book/recipes.md").read_text(encoding="utf-8")
TWO_PROCESSES = "-m torch.distributed.run --standalone --nproc-per-node 2"


def imported(recipe: Path) -> list[str]:
    """The packages that a recipe needs."""
    return re.findall(r"^(?:import|from) (\w+)", recipe.read_text(encoding="utf-8"), re.M)


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_runs_as_printed(recipe, tmp_path):
    for name in imported(recipe):
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"{name} is not installed")
    launcher = TWO_PROCESSES.split() if recipe.stem == "ddp" else []
    done = subprocess.run(
        [sys.executable, *launcher, str(recipe)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "GLOO_SOCKET_IFNAME": "lo"},
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    [line] = done.stdout.splitlines()
    assert re.match(r"[\w ,]+: .*\d", line)
    assert "nan" not in line
    if "test accuracy" in line:  # far above chance, on any machine
        assert float(re.search(r"([\d.]+)%", line)[1]) > 60
    assert not list(tmp_path.iterdir()), "a recipe leaves files behind"


def test_every_recipe_is_on_the_page_and_says_what_it_shows():
    shown = re.findall(r"^```\{literalinclude\} \.\./recipes/(\w+)\.py$", PAGE, re.M)
    assert sorted(shown) == [recipe.stem for recipe in RECIPES]
    for recipe in RECIPES:
        text = recipe.read_text(encoding="utf-8")
        assert text.startswith('"""')
        assert "um.mixing." in text
        assert max(map(len, text.splitlines())) <= 84
    assert TWO_PROCESSES.replace("-m", "python -m", 1) in (ROOT / "recipes/ddp.py").read_text()
