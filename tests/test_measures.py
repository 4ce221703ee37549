"""What a run measures on its network: in the record, in the table, and the same each time."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch

from umixup import measures, results, robustness, training
from umixup.evaluation import calibration, predict, temperature

CONFIG = training.profile(
    "quick",
    scheme="B(1,1)",
    epochs=6,
    milestones=(4,),
    train_size=640,
    measures=tuple(measures.MEASURES),
)


@pytest.fixture(scope="module")
def run(digits):
    return training.train(CONFIG, data=digits, progress=False)


def test_calibration_is_that_of_the_test_set_with_a_temperature_from_the_samples_left_out(
    run, digits
):
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


def test_attacks_are_ordered_as_they_must_be(run, digits):
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


def test_the_mean_of_the_corruptions_is_of_all(run):
    found = dict(run.measured["corruptions"])
    mean = found.pop("mean")
    assert len(found) == 3 * len(robustness.CORRUPTIONS)
    assert mean == pytest.approx(sum(found.values()) / len(found))
    assert mean > run.test_errors[-1]


def test_a_record_holds_them_and_a_folder_shows_them_in_columns(run, tmp_path):
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


def test_training_is_the_same_with_and_without_and_measuring_draws_nothing_from_outside(
    run, digits
):
    torch.manual_seed(3)
    before = torch.get_rng_state()
    cheap = ("calibration", "corruptions")
    again = training.train(replace(CONFIG, measures=cheap), data=digits, progress=False)
    assert torch.equal(torch.get_rng_state(), before)
    assert again.test_errors == run.test_errors
    assert again.measured == {name: run.measured[name] for name in cheap}
    assert run.seconds > again.seconds


def test_the_runs_of_a_seed_share_the_network_that_attacks_are_carried_over_from(
    run, digits, monkeypatch
):
    trained, real = [], training.train
    monkeypatch.setattr(training, "train", lambda c, **kw: trained.append(c) or real(c, **kw))
    short = replace(CONFIG, epochs=1, milestones=(), train_size=256)
    plain = replace(short, scheme="ERM", seed=short.seed + 10_000, measures=())
    one, same = (training._source(plain, digits, torch.device("cpu")) for _ in range(2))
    assert one is same
    assert trained == [plain]


def test_a_config_without_measures_is_what_it_was_before_there_were_any():
    plain = training.profile("quick")
    assert "measures" not in json.loads(plain.to_json())
    assert plain.hash() == "69b3ae7f63c3aa31"  # as in the records of the first months
    assert training.Config.from_json(CONFIG.to_json()) == CONFIG
    assert json.loads(CONFIG.to_json())["measures"] == sorted(measures.MEASURES)
    assert CONFIG.hash() != replace(CONFIG, measures=()).hash()
    assert replace(CONFIG, measures=("robustness", "calibration", "robustness")).measures == (
        "calibration",
        "robustness",
    )
    assert training.profile("quick", train_size=None, measures=("corruptions",)).profile == "quick"


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        (
            {"measures": ("speed",)},
            r"measures = \('speed',\).*calibration, corruptions, robustness",
        ),
        ({"measures": "robustness"}, "measures = 'robustness': it must be a list"),
        ({"measures": [["robustness"]]}, "it must be a list of some of"),
        ({"loss": "nc"}, "they need loss 'ce', not 'nc'"),
        ({"train_size": None}, "give a train_size"),
    ],
)
def test_bad_measures_are_told(changed, told):
    with pytest.raises(ValueError, match=told):
        replace(CONFIG, **changed)


def test_a_train_size_that_leaves_nothing_is_told_before_training(digits):
    config = replace(CONFIG, train_size=len(digits.train_x))
    with pytest.raises(ValueError, match="it must leave samples of"):
        training.train(config, data=digits, progress=False)
