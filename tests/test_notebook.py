"""Notebooks: checked parameters, soft asserts, and the folder of records."""

import ast
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell
from make import Book

from umixup._book import notebook
from umixup._book.notebook import check_parameters, check_recipe

ROOT = Path(__file__).parents[1]
INJECTED = "# Parameters\nseed = 3\nprofile = 'small'\n"


def test_known_parameters_pass():
    namespace = {"In": ["", "seed = 0", INJECTED], "seed": 3, "profile": "small"}
    check_parameters(namespace, seed=0, profile="quick")


def test_unknown_parameter_error_lists_the_known_ones():
    namespace = {"In": [INJECTED], "seed": 3, "profile": "small"}
    with pytest.raises(ValueError, match=r"'profile' = 'small'.*seed \(int\), runs \(int\)"):
        check_parameters(namespace, seed=0, runs=1)
    with pytest.raises(ValueError, match=r"'seed' = 3: this notebook has no parameters"):
        check_parameters(namespace)


def test_cells_that_papermill_did_not_inject_are_ignored():
    check_parameters({"In": ["anything = 1", "x = 2  # Parameters\n"], "seed": 0}, seed=0)


@pytest.mark.parametrize(
    ("value", "default"),
    [
        *[("3", 0), (3.0, 0), (True, 0), (True, 0.5), ("1", 0.5)],
        *[(3, "a"), ("no", True), (1, True), ("ce", ["ce"])],
    ],
)
def test_value_of_another_type_is_refused(value, default):
    with pytest.raises(TypeError, match=rf"'value' = {value!r}.*{type(default).__name__}"):
        check_parameters({"value": value}, value=default)


@pytest.mark.parametrize(
    ("name", "value", "default", "message"),
    [
        ("alpha", float("nan"), 1.0, "'alpha' = nan: it must be a finite number"),
        ("alpha", float("-inf"), 1.0, "'alpha' = -inf: it must be a finite number"),
        ("seed", -1, 0, "'seed' = -1: it must be from 0"),
        ("seed", 2**31, 0, "it must be from 0 to 2\\*\\*31 - 1"),
        ("profile", "huge", "quick", "profile = 'huge': it must be one of quick, small, full"),
        ("dataset", "digit", "digits", "dataset = 'digit': it must be one of digits"),
    ],
)
def test_invalid_value_is_refused(name, value, default, message):
    with pytest.raises(ValueError, match=message):
        check_parameters({name: value}, **{name: default})


def test_missing_data_set_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("UMIXUP_DATA", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"um\.data\.fetch"):
        check_parameters({"dataset": "mnist"}, dataset="digits")
    check_parameters({"dataset": ""}, dataset="")  # the profile's own data set


@pytest.mark.parametrize("alpha", [1, np.int64(1), np.float32(0.5)])
def test_integers_and_numpy_numbers_are_accepted(alpha):
    check_parameters({"alpha": alpha, "seed": np.int64(3)}, alpha=0.5, seed=0)


@pytest.mark.parametrize("chapter", Book(ROOT).chapters())
def test_checked_defaults_are_those_of_the_parameters_cell(chapter):
    code = [c for c in Book(ROOT).source(chapter).cells if c.cell_type == "code"]
    [parameters] = [c.source for c in code if "parameters" in c.metadata.get("tags", [])]
    [check] = [c.source for c in code if c.source.startswith("um.notebook.check_parameters(")]
    exec(parameters, written := {})
    del written["__builtins__"]
    call = ast.parse(check).body[0].value
    defaults = {k.arg: eval(ast.unparse(k.value)) for k in call.keywords}
    assert defaults == written


@pytest.mark.parametrize(
    ("profile", "n", "refusal"),
    [
        ("quick", 1437, None),
        ("full", 1437, None),
        ("small", 1437, "profile = 'small' needs 6000 training samples.*has 1437"),
        ("quick", 127, "needs 128"),
        ("quick", 128, None),
        ("quick", 129, "129 training samples in batches of 128 leave a batch of one"),
        ("small", 6001, None),  # it takes the first 6000
        ("quick", 10_000, None),
        ("quick", 10_001, "takes hours: choose profile = 'small'"),
        ("full", 10_001, None),
    ],
)
def test_check_recipe(profile, n, refusal, monkeypatch):
    samples = SimpleNamespace(train_x=range(n))
    monkeypatch.setattr(notebook.data, "load", lambda name: samples)
    with pytest.raises(ValueError, match=refusal) if refusal else nullcontext():
        check_recipe(profile, "digits")


# --- asserts ------------------------------------------------------------------------------------


@pytest.fixture
def shell(monkeypatch):
    """A notebook's shell, the one that get_ipython() returns."""
    made = InteractiveShell.instance()
    made.reset()
    made.ast_transformers = []
    yield made
    InteractiveShell.clear_instance()


CELL = "x = 1\nassert x == 2, 'two'\nassert x == 1\nreached = True"


def test_asserts_stop_a_notebook_with_default_parameters(shell):
    check_parameters({"seed": 0}, seed=0)
    assert isinstance(shell.run_cell(CELL).error_in_exec, AssertionError)
    assert "reached" not in shell.user_ns


def test_asserts_are_printed_with_other_parameters(shell, capsys):
    check_parameters({"seed": 1, "runs": 2}, seed=0, runs=2)
    assert shell.run_cell(CELL).success
    printed = "Claimed of the default parameters, but not so here (seed = 1): x == 2\n"
    assert capsys.readouterr().out == printed
    assert shell.user_ns["reached"]


def test_soft_asserts_replace_earlier_ones_and_defaults_switch_them_off(shell, capsys):
    for seed in (1, 2):
        check_parameters({"seed": seed}, seed=0)
    shell.run_cell("assert False")
    assert capsys.readouterr().out.count("\n") == 1
    check_parameters({"seed": 0}, seed=0)
    assert isinstance(shell.run_cell("assert False").error_in_exec, AssertionError)


def test_soft_asserts_reach_into_functions_and_loops(shell, capsys):
    notebook.soft_asserts("no records")
    shell.run_cell("def f(x):\n    assert x > 0\n    return x\nfor k in range(2):\n    f(k - 1)")
    assert (
        capsys.readouterr().out.splitlines()
        == ["Claimed of the default parameters, but not so here (no records): x > 0"] * 2
    )


def test_other_errors_still_stop_the_notebook(shell):
    notebook.soft_asserts("seed = 1")
    assert isinstance(shell.run_cell("assert 1 / 0").error_in_exec, ZeroDivisionError)


# --- records ------------------------------------------------------------------------------------


def test_records_folder_is_the_named_one_or_the_books_own(tmp_path, monkeypatch):
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")
    assert notebook.records_folder("mine") == Path("mine")
    assert Path("mine").is_dir()
    Path("file").touch()
    with pytest.raises(ValueError, match="results_folder = 'file': it must be a folder"):
        notebook.records_folder("file")
    assert notebook.records_folder() is None
    with pytest.raises(FileNotFoundError, match="reads the book's records: run it in a copy"):
        notebook.book_records()
    (tmp_path / "results").mkdir()
    assert notebook.records_folder() is None
    (tmp_path / "results" / "digits.jsonl").touch()
    assert notebook.records_folder() == notebook.book_records() == tmp_path / "results"


@pytest.mark.parametrize(
    "name",
    ["is-it-the-coin", "who-is-the-partner", "attacks-and-calibration", "policies-by-pair"],
)
def test_studies_of_the_chapters_were_planned_before_their_runs(name, monkeypatch):
    monkeypatch.chdir(ROOT / "notebooks")
    assert set(notebook.compared(name)["verdict"]) <= {"lower", "higher", "undecided"}


def test_comparisons_of_a_finished_study(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(ROOT / "notebooks")
    found = notebook.compared("is-it-the-coin")
    assert len(found) == 16
    assert set(found["verdict"]) <= {"lower", "higher", "undecided"}
    monkeypatch.chdir(tmp_path)
    assert notebook.compared("is-it-the-coin") is None
    assert "records of the study is-it-the-coin are not here" in capsys.readouterr().out
    with pytest.raises(ValueError, match="name = 'slope': this study has no plan"):
        notebook.compared("slope")


def test_records_folder_in_a_cloned_repository(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    records = tmp_path / notebook.CLONE / "results"
    records.mkdir(parents=True)
    (records / "digits.jsonl").touch()
    assert notebook.records_folder() == records
    first = next(c for c in Book(ROOT).source("01_mixup").cells if c.cell_type == "code")
    assert f'Path("{notebook.CLONE}")' in first.source
