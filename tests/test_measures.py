"""Measures on a trained network: their values, their place in records, and the cost of both."""

from __future__ import annotations

import gc
import json
import weakref
from dataclasses import replace

import pytest
import torch

from umixup import training
from umixup.experiments import measures, results, robustness
from umixup.training.evaluation import calibration, predict, temperature
from umixup.training.outcomes import unpack

CONFIG = training.profile(
    "quick",
    scheme="B(1,1)",
    epochs=6,
    milestones=(4,),
    train_size=640,
    measures=tuple(measures.MEASURES),
)
SHORT = replace(CONFIG, epochs=1, milestones=(), train_size=256)


@pytest.fixture(autouse=True, scope="module")
def sources():
    """No source networks of other tests, and none left for them."""
    measures._SOURCES.clear()
    yield measures._SOURCES
    measures._SOURCES.clear()


@pytest.fixture(scope="module")
def run(digits):
    run = training.train(CONFIG, data=digits, progress=False)
    measures.measure(run, digits)
    return run


def test_measures_are_those_that_a_config_may_name():
    assert tuple(measures.MEASURES) == training.MEASURES
    assert measures.BUDGETS.keys() == set(robustness.ATTACKS)


def test_measure_fills_the_run_once_and_adds_its_time(run, digits, monkeypatch):
    calls = []
    monkeypatch.setitem(
        measures.MEASURES, "corruptions", lambda run, data: calls.append(1) or {"a": 1}
    )
    fresh = replace(
        run, config=replace(CONFIG, measures=("corruptions",)), measured={}, seconds=5.0
    )
    with pytest.raises(ValueError, match=r"call um\.measures\.measure\(run\) first"):
        fresh.record()
    measures.measure(fresh, digits)
    assert fresh.measured == {"corruptions": {"a": 1}}
    seconds = fresh.seconds
    assert seconds > 5
    measures.measure(fresh, digits)
    assert (len(calls), fresh.seconds) == (1, seconds)


def test_measure_leaves_a_run_without_measures_alone(run, monkeypatch):
    monkeypatch.setattr(measures.datasets, "load", None)  # nothing is loaded either
    plain = replace(run, config=replace(CONFIG, measures=()), measured={}, seconds=5.0)
    measures.measure(plain)
    assert (plain.measured, plain.seconds) == ({}, 5.0)


def test_measure_loads_the_data_by_itself(run):
    again = replace(run, config=replace(CONFIG, measures=("corruptions",)), measured={})
    measures.measure(again)
    assert again.measured["corruptions"] == run.measured["corruptions"]


def test_measure_refuses_data_of_another_name(run, digits):
    fresh = replace(run, config=replace(CONFIG, measures=("corruptions",)), measured={})
    with pytest.raises(ValueError, match=r"data is 'other', config\.dataset 'digits'"):
        measures.measure(fresh, replace(digits, name="other"))
    assert fresh.measured == {}


def test_calibration_agrees_with_the_evaluation_module(run, digits):
    found = run.measured["calibration"]
    logits = predict(run.model, digits.test_x, digits)
    left_out = predict(run.model, digits.train_x[640:], digits)
    fitted = temperature(left_out, digits.train_y[640:])
    assert found["temperature"] == pytest.approx(fitted, rel=1e-4)
    assert found["error"] == found["scaled_error"] == run.test_errors[-1]
    for prefix, scaled in (("", logits), ("scaled_", logits / fitted)):
        for name, value in calibration(scaled, digits.test_y)._asdict().items():
            assert found[prefix + name] == pytest.approx(value, abs=1e-5), prefix + name
        samples, confidence, right = torch.tensor(found[prefix + "bins"]).T
        assert samples.sum() == 360
        assert 1 - right.sum() / 360 == pytest.approx(found["error"], abs=1e-6)
        gap = float((confidence - right).abs().sum() / 360)
        assert gap == pytest.approx(found[prefix + "ece"], abs=1e-5)
    assert found["scaled_nll"] < found["nll"]  # MixUp is underconfident


def test_errors_under_attack_are_ordered_by_strength(run, digits):
    found = run.measured["robustness"]
    assert found["n"] == measures.ATTACKED
    assert found["eps"] == measures.EPS
    attacks = [found[name] for name in robustness.ATTACKS]
    assert all(0 <= value <= 1 for value in attacks)
    assert found["error"] <= found["fgsm"] + 0.02
    assert found["random"] < found["fgsm"] < found["pgd"] + 0.02
    assert found["pgd"] <= found["autoattack"] + 0.02
    assert found["transfer_pgd"] < found["pgd"]
    curve = [found[f"pgd_{eps:g}"] for eps in measures.CURVE]
    assert curve == sorted(curve)
    assert curve[-1] == 1
    net = robustness.on_pixels(run.model, digits)
    x, y = robustness.pixels(digits.test_x[: found["n"]]), digits.test_y[: found["n"]]
    with torch.no_grad():
        x = x[net(x).argmax(dim=1) == y]
    distance = (robustness.deepfool(net, x, steps=20) - x).flatten(1).norm(dim=1).median()
    assert found["deepfool"] == pytest.approx(float(distance), rel=1e-3)


def test_outcomes_of_attacks_give_their_errors_and_that_of_their_union(run):
    found = run.measured["attacks"]
    wrong = unpack(found["outcomes"])
    assert found["rows"] == ["clean", *robustness.ATTACKS, "transfer_pgd"]
    assert wrong.shape == (len(found["rows"]), 360)
    errors = [found[name] for name in found["rows"]]
    assert wrong.double().mean(dim=1).tolist() == pytest.approx(errors)
    assert found["union"] == pytest.approx(float(wrong.any(dim=0).double().mean()))
    assert max(errors) <= found["union"] < 1
    first = run.measured["robustness"]
    assert found["clean"] >= first["error"]  # the first hundred images are easier
    assert found["pgd"] == pytest.approx(first["pgd"], abs=0.15)


def test_mean_of_the_corruptions(run):
    found = dict(run.measured["corruptions"])
    mean = found.pop("mean")
    assert len(found) == 3 * len(robustness.CORRUPTIONS)
    assert mean == pytest.approx(sum(found.values()) / len(found))
    assert mean > run.test_errors[-1]


def test_measures_become_columns_of_the_loaded_records(run, tmp_path):
    plain = replace(CONFIG, measures=())
    results.write(run.record(), tmp_path)
    without = replace(run, config=plain, measured={}).record()
    assert "measured" not in without
    results.write(without, tmp_path)
    results.pack(tmp_path)
    table = results.load(tmp_path).set_index("hash")
    assert len(table) == 2
    row, bare = table.loc[CONFIG.hash()], table.loc[plain.hash()]
    assert row["calibration.ece"] == run.measured["calibration"]["ece"]
    assert row["robustness.pgd_0.05"] == run.measured["robustness"]["pgd_0.05"]
    assert bare["calibration.ece"] != bare["calibration.ece"]  # NaN
    assert not {"measures", "measured", "calibration.bins"} & set(table.columns)
    assert row["recipe"] == bare["recipe"]
    assert len(results.each_once(table.reset_index())) == 1


def test_measuring_draws_nothing_from_outside_and_leaves_training_as_it_is(run, digits):
    torch.manual_seed(3)
    before = torch.get_rng_state()
    cheap = ("calibration", "corruptions")
    again = training.train(replace(CONFIG, measures=cheap), data=digits, progress=False)
    measures.measure(again, digits)
    assert torch.equal(torch.get_rng_state(), before)
    assert again.test_errors == run.test_errors
    assert again.measured == {name: run.measured[name] for name in cheap}


def test_source_network_is_plain_of_another_seed_and_shared_by_schemes(
    digits, sources, monkeypatch
):
    sources.clear()
    trained, real = [], training.train
    monkeypatch.setattr(measures, "train", lambda c, **kw: trained.append(c) or real(c, **kw))
    one, same = (
        measures._source(replace(SHORT, scheme=scheme), digits) for scheme in ("B(1,1)", "ERM")
    )
    assert one is same
    assert trained == [replace(SHORT, scheme="ERM", seed=SHORT.seed + 10_000, measures=())]


def test_source_networks_are_few_and_keep_no_data_alive(digits, sources, monkeypatch):
    sources.clear()
    monkeypatch.setattr(measures, "_MOST_SOURCES", 2)
    monkeypatch.setattr(measures, "ATTACKED", 5)
    monkeypatch.setattr(measures, "CURVE", ())
    least = {name: dict.fromkeys(budget, 1) for name, budget in measures.BUDGETS.items()}
    monkeypatch.setattr(measures, "BUDGETS", least)
    x, y = digits.test_x[:20], digits.test_y[:20]
    data = replace(digits, train_x=digits.train_x.clone(), test_x=x, test_y=y)
    alive = weakref.ref(data), weakref.ref(data.train_x)
    models = []
    for seed in (0, 1, 2):
        config = replace(SHORT, seed=seed, measures=("robustness",))
        run = training.train(config, data=data, progress=False)
        measures.measure(run, data)
        models.append(weakref.ref(list(sources.values())[-1]))
    del data, run
    gc.collect()
    assert [ref() is None for ref in alive] == [True, True]
    assert [ref() is None for ref in models] == [True, False, False]
    assert len(sources) == 2


def test_measures_in_a_config():
    plain = training.profile("quick")
    assert "measures" not in json.loads(plain.to_json())
    assert plain.hash() == "69b3ae7f63c3aa31"  # as before there were measures
    assert training.Config.from_json(CONFIG.to_json()) == CONFIG
    assert json.loads(CONFIG.to_json())["measures"] == sorted(measures.MEASURES)
    assert CONFIG.hash() != replace(CONFIG, measures=()).hash()
    assert replace(CONFIG, measures=("robustness", "calibration", "robustness")).measures == (
        "calibration",
        "robustness",
    )
    assert training.profile("quick", train_size=None, measures=("corruptions",)).profile == "quick"


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"measures": ("speed",)},
            "measures = 'speed': it must be one of attacks, calibration, corruptions, robustness",
        ),
        ({"measures": "robustness"}, "measures = 'robustness': it must be a list"),
        ({"measures": [["robustness"]]}, r"measures = \['robustness'\]: it must be one of"),
        ({"loss": "nc"}, "need loss 'ce', not 'nc'"),
        ({"train_size": None}, "give a train_size"),
    ],
)
def test_invalid_measures_are_refused(changed, message):
    with pytest.raises(ValueError, match=message):
        replace(CONFIG, **changed)


def test_train_size_that_leaves_no_samples_is_refused_before_training(digits):
    config = replace(CONFIG, train_size=len(digits.train_x))
    with pytest.raises(ValueError, match="it must leave samples of"):
        training.train(config, data=digits, progress=False)
