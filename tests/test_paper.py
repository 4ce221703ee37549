"""The paper's 24 settings."""

from __future__ import annotations

import pytest

from umixup.experiments import paper
from umixup.schemes import parse

DATASETS = ("cifar10", "cifar100", "mnist", "fashion-mnist")


def test_four_tables_of_six_settings_in_the_papers_order():
    rows = paper.settings()
    assert [r.table for r in rows] == [t for t in (1, 2, 3, 4) for _ in range(6)]
    assert [r.dataset for r in rows] == [d for d in DATASETS for _ in range(6)]
    assert [r.loss for r in rows] == (["ce"] * 3 + ["nc"] * 3) * 4
    assert [r.kind for r in rows] == ["ERM", "MixUp", "UMixUp"] * 8
    assert {r.runs for r in rows} == {100}


@pytest.mark.parametrize("row", paper.settings(), ids=lambda r: f"{r.dataset} {r.loss} {r.scheme}")
def test_scheme_is_in_the_form_that_parse_prints(row):
    assert str(parse(row.scheme)) == row.scheme
    assert 0 < row.half_width < 0.001 < row.error < 0.3


@pytest.mark.parametrize(
    ("policy", "scheme"),
    [
        ("B(1.0,1.0)", "B(1,1)"),
        ("B(1.05,1)", "B(1.05,1)"),
        ("B(10.0,0.05)", "B(10,0.05)"),
        ("U(B(2.2,0.90))", "U(B(2.2,0.9))"),
    ],
)
def test_scheme_of_a_csv_row_is_normalised_by_parse(policy, scheme):
    row = {"table": "1", "dataset": "mnist", "loss": "ce", "scheme": "mixup", "policy": policy}
    numbers = {"runs": "100", "mean_error_pct": "5", "ci95_pct": "0.1", "note": ""}
    assert paper._setting(row | numbers).scheme == scheme


@pytest.mark.parametrize("dataset", DATASETS)
@pytest.mark.parametrize("loss", ["ce", "nc"])
def test_mixup_beats_erm_and_untied_mixup_beats_both(dataset, loss):
    base, mixup, untied = paper.settings(dataset, loss)
    assert base.error > mixup.error > untied.error


def test_best_slopes_lie_between_0_4_and_1_3():
    for row in paper.settings():
        if row.kind == "UMixUp":
            origin = parse(row.scheme).weight.policy
            assert 0.4 - 1e-9 <= origin.alpha - origin.beta <= 1.3 + 1e-9


@pytest.mark.parametrize(
    ("dataset", "loss", "scheme", "error", "half_width"),
    [
        ("cifar10", "ce", "ERM", 0.05476, 0.00027),
        ("cifar100", "nc", "U(B(1.3,0.9))", 0.23819, 0.00054),
        ("mnist", "ce", "B(1,1)", 0.00632, 0.00005),
        ("fashion-mnist", "ce", "U(B(1.7,0.8))", 0.0457, 0.00013),
    ],
)
def test_numbers_agree_with_the_paper(dataset, loss, scheme, error, half_width):
    (row,) = [r for r in paper.settings(dataset, loss) if r.scheme == scheme]
    assert (row.error, row.half_width) == pytest.approx((error, half_width))


def test_doubtful_numbers_have_a_note():
    noted = [(r.dataset, r.loss, r.kind) for r in paper.settings() if r.note]
    assert noted == [
        ("cifar10", "ce", "UMixUp"),
        ("cifar10", "nc", "ERM"),
        ("cifar10", "nc", "MixUp"),
    ]


def test_settings_filter_by_dataset_and_loss():
    assert len(paper.settings("mnist")) == 6
    assert len(paper.settings(loss="nc")) == 12
    assert paper.settings("digits") == []


def test_changing_the_list_of_settings_does_not_change_the_next_one():
    paper.settings().clear()
    assert len(paper.settings()) == 24


def test_only_mixup_and_umixup_have_a_twin():
    erm, mixup, umixup = paper.settings("cifar10", "ce")
    assert mixup.twin().scheme == "DAT(B(1.9,0.9))"
    assert umixup.twin().scheme == "DAT(B(2.2,0.9))"
    assert "not in the paper" in umixup.twin().note
    for row in (erm, mixup.twin()):
        with pytest.raises(ValueError, match="only MixUp and UMixUp have a DAT twin"):
            row.twin()
