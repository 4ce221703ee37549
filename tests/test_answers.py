"""The checks of the exercises: references pass, known errors are refused, nothing is given away."""

import inspect
from pathlib import Path

import answers
import exercises
import pytest

pytestmark = pytest.mark.book

ROOT = Path(__file__).parents[1]
ASKED = answers.read(ROOT / "book/checks")
FACTS = exercises.facts(ROOT / "book/exercises.yaml")
WRONG = [(label, name) for label, asked in ASKED.items() for name in asked.wrong]
SEEDS = (1, 20261129)


def function(asked, name):
    return getattr(asked.module, name)


@pytest.mark.parametrize("label", ASKED)
def test_a_reference_passes_and_a_stub_does_not(label):
    asked = ASKED[label]
    assert label in FACTS
    reference = function(asked, asked.name)
    assert answers.visible(asked, reference) is None
    assert [answers.hidden(asked, reference, seed) for seed in SEEDS] == [None, None]
    names = {}
    exec(asked.stub(), names)
    stub = names[asked.name]
    assert inspect.signature(stub) == inspect.signature(reference)
    assert stub.__doc__ == reference.__doc__
    assert answers.visible(asked, stub) == f"{asked.name} is not written yet."
    assert answers.hidden(asked, stub, 1) == f"{asked.name} is not written yet."


@pytest.mark.parametrize("label", ASKED)
def test_an_answer_of_none_gets_a_hint_and_no_error(label):
    said = answers.visible(ASKED[label], lambda *_: None)
    assert said, label


@pytest.mark.parametrize("label", ASKED)
def test_what_is_asked_for_is_described(label):
    asked = ASKED[label]
    about = inspect.getdoc(function(asked, asked.name))
    for argument in inspect.signature(function(asked, asked.name)).parameters:
        assert argument in about, f"{argument} of {asked.name} is not described"
    assert "Returns" in about
    assert len(asked.wrong) >= 2
    for error, say in asked.wrong.values():
        assert error.endswith(".")
        assert say.endswith((".", "?"))


@pytest.mark.parametrize(("label", "name"), WRONG)
def test_a_known_error_is_refused_with_a_hint(label, name):
    asked = ASKED[label]
    wrong = function(asked, name)
    said = answers.visible(asked, wrong)
    found = [said, *(answers.hidden(asked, wrong, seed) for seed in SEEDS)]
    assert any(found), "nothing refuses it"
    if said is not None:  # a hint is a sentence, and no crash of ours
        assert said[0].isupper() or said[0].isdigit() or said.startswith(("λ", asked.name))
        assert said.endswith((".", "?"))


@pytest.mark.parametrize("label", ASKED)
def test_hidden_arguments_depend_on_the_seed(label):
    asked = ASKED[label]
    import numpy as np

    drawn = [repr(asked.module.draw(np.random.default_rng((seed, 0)))) for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]
