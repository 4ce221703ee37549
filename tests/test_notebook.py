"""umixup.notebook: parameters that a chapter does not have are refused."""

from pathlib import Path

import pytest

from umixup import notebook
from umixup.notebook import check_parameters

INJECTED = "# Parameters\nseed = 3\nprofile = 'small'\n"


def test_known_parameters_pass():
    namespace = {"In": ["", "seed = 0", INJECTED], "seed": 3, "profile": "small"}
    check_parameters(namespace, seed=int, profile=str)


def test_an_unknown_parameter_is_named_with_its_value_and_those_there_are():
    namespace = {"In": [INJECTED], "seed": 3, "profile": "small"}
    with pytest.raises(ValueError, match=r"'profile' = 'small'.*seed \(int\), runs \(int\)"):
        check_parameters(namespace, seed=int, runs=int)


def test_cells_that_papermill_did_not_inject_are_no_parameters():
    check_parameters({"In": ["anything = 1", "x = 2  # Parameters\n"], "seed": 0}, seed=int)


@pytest.mark.parametrize(
    ("value", "kind"), [("3", int), (3.0, int), (True, int), (True, float), (3, str), ("no", bool)]
)
def test_a_value_of_another_type_is_refused(value, kind):
    with pytest.raises(TypeError, match=rf"'seed' = {value!r}.*{kind.__name__}"):
        check_parameters({"seed": value}, seed=kind)


def test_a_whole_number_will_do_for_a_float():
    check_parameters({"alpha": 1}, alpha=float)


def test_the_records_are_those_named_or_the_books_own(tmp_path, monkeypatch):
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")
    assert notebook.records_folder("mine") == Path("mine")
    assert notebook.records_folder() is None
    (tmp_path / "results").mkdir()
    assert notebook.records_folder() is None
    (tmp_path / "results" / "digits.jsonl").touch()
    assert notebook.records_folder() == tmp_path / "results"
