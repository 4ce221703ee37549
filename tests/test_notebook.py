"""umixup.notebook: parameters that are checked, asserts that are soft, and the records."""

import ast
from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell
from make import Book

from umixup import notebook
from umixup.notebook import check_parameters, check_recipe

ROOT = Path(__file__).parents[1]
INJECTED = "# Parameters\nseed = 3\nprofile = 'small'\n"


def test_known_parameters_pass():
    namespace = {"In": ["", "seed = 0", INJECTED], "seed": 3, "profile": "small"}
    check_parameters(namespace, seed=0, profile="quick")


def test_an_unknown_parameter_is_named_with_its_value_and_those_there_are():
    namespace = {"In": [INJECTED], "seed": 3, "profile": "small"}
    with pytest.raises(ValueError, match=r"'profile' = 'small'.*seed \(int\), runs \(int\)"):
        check_parameters(namespace, seed=0, runs=1)
    with pytest.raises(ValueError, match=r"'seed' = 3: this notebook has no parameters"):
        check_parameters(namespace)


def test_cells_that_papermill_did_not_inject_are_no_parameters():
    check_parameters({"In": ["anything = 1", "x = 2  # Parameters\n"], "seed": 0}, seed=0)


@pytest.mark.parametrize(
    ("value", "default"),
    [("3", 0), (3.0, 0), (True, 0), (True, 0.5), (3, "a"), ("no", True), ("ce", ["ce"])],
)
def test_a_value_of_another_type_is_refused(value, default):
    with pytest.raises(TypeError, match=rf"'value' = {value!r}.*{type(default).__name__}"):
        check_parameters({"value": value}, value=default)


@pytest.mark.parametrize(
    ("name", "value", "default", "words"),
    [
        ("alpha", float("nan"), 1.0, "'alpha' = nan: it must be a finite number"),
        ("alpha", float("-inf"), 1.0, "'alpha' = -inf: it must be a finite number"),
        ("seed", -1, 0, "'seed' = -1: it must be from 0"),
        ("seed", 2**31, 0, "it must be from 0 to 2\\*\\*31 - 1"),
        ("profile", "huge", "quick", "profile = 'huge': it must be one of quick, small, full"),
        ("dataset", "digit", "digits", "dataset = 'digit': it must be one of digits"),
    ],
)
def test_a_value_that_cannot_be_is_refused(name, value, default, words):
    with pytest.raises(ValueError, match=words):
        check_parameters({name: value}, **{name: default})


def test_a_data_set_that_is_not_here_is_told_before_anything_runs(monkeypatch, tmp_path):
    monkeypatch.setenv("UMIXUP_DATA", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"um\.data\.fetch"):
        check_parameters({"dataset": "mnist"}, dataset="digits")
    check_parameters({"dataset": ""}, dataset="")  # the profile's own


def test_a_whole_number_will_do_for_a_float():
    check_parameters({"alpha": 1}, alpha=0.5)


@pytest.mark.parametrize("chapter", Book(ROOT).chapters())
def test_the_defaults_that_are_checked_are_those_of_the_parameters_cell(chapter):
    code = [c for c in Book(ROOT).source(chapter).cells if c.cell_type == "code"]
    [parameters] = [c.source for c in code if "parameters" in c.metadata.get("tags", [])]
    [check] = [c.source for c in code if c.source.startswith("um.notebook.check_parameters(")]
    exec(parameters, written := {})
    del written["__builtins__"]
    call = ast.parse(check).body[0].value
    defaults = {k.arg: eval(ast.unparse(k.value)) for k in call.keywords}
    assert defaults == written


@pytest.mark.parametrize(
    ("profile", "dataset", "words"),
    [
        ("quick", "digits", None),
        ("small", "digits", "profile = 'small' needs 6000 training samples.*has 1437"),
        ("full", "digits", None),
    ],
)
def test_a_profile_has_to_fit_the_data(profile, dataset, words):
    if words is None:
        check_recipe(profile, dataset)
    else:
        with pytest.raises(ValueError, match=words):
            check_recipe(profile, dataset)


@pytest.mark.parametrize(("n", "refused"), [(127, "needs 128"), (128, ""), (129, "batch of one")])
def test_a_profile_needs_a_batch_and_no_last_batch_of_one(monkeypatch, digits, n, refused):
    monkeypatch.setattr(notebook.data, "load", lambda name: digits.first(n))
    if refused:
        with pytest.raises(ValueError, match=refused):
            check_recipe("quick", "digits")
    else:
        check_recipe("quick", "digits")


# --- asserts ------------------------------------------------------------------------------------


@pytest.fixture
def shell(monkeypatch):
    """A notebook's shell; get_ipython() gives it."""
    made = InteractiveShell.instance()
    made.reset()
    made.ast_transformers = []
    yield made
    InteractiveShell.clear_instance()


CELL = "x = 1\nassert x == 2, 'two'\nassert x == 1\nreached = True"


def test_asserts_stop_a_notebook_at_its_defaults(shell):
    check_parameters({"seed": 0}, seed=0)
    assert isinstance(shell.run_cell(CELL).error_in_exec, AssertionError)
    assert "reached" not in shell.user_ns


def test_asserts_elsewhere_are_told_and_the_notebook_goes_on(shell, capsys):
    check_parameters({"seed": 1, "runs": 2}, seed=0, runs=2)
    assert shell.run_cell(CELL).success
    told = "Claimed of the default parameters, but not so here (seed = 1): x == 2\n"
    assert capsys.readouterr().out == told
    assert shell.user_ns["reached"]


def test_soft_asserts_are_switched_off_by_the_defaults_and_do_not_pile_up(shell, capsys):
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


def test_what_else_fails_stops_the_notebook_as_ever(shell):
    notebook.soft_asserts("seed = 1")
    assert isinstance(shell.run_cell("assert 1 / 0").error_in_exec, ZeroDivisionError)


# --- records ------------------------------------------------------------------------------------


def test_the_records_are_those_named_or_the_books_own(tmp_path, monkeypatch):
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")
    assert notebook.records_folder("mine") == Path("mine")
    assert Path("mine").is_dir()
    Path("file").touch()
    with pytest.raises(ValueError, match="results_folder = 'file': it must be a folder"):
        notebook.records_folder("file")
    assert notebook.records_folder() is None
    (tmp_path / "results").mkdir()
    assert notebook.records_folder() is None
    (tmp_path / "results" / "digits.jsonl").touch()
    assert notebook.records_folder() == tmp_path / "results"


def test_on_a_hosted_service_the_records_lie_in_the_copy_of_the_repository(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    records = tmp_path / notebook.CLONE / "results"
    records.mkdir(parents=True)
    (records / "digits.jsonl").touch()
    assert notebook.records_folder() == records
    first = next(c for c in Book(ROOT).source("01_mixup").cells if c.cell_type == "code")
    assert f'Path("{notebook.CLONE}")' in first.source
