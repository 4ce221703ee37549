"""The trainer: against a plain loop; reproducibility, configs, records and checkpoints."""

from __future__ import annotations

import gc
import json
import math
import os
from contextlib import nullcontext
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import torchvision.transforms.functional as TF
from torch import nn
from tqdm import tqdm

from umixup import evaluation, pairs, results, training
from umixup.schemes import parse
from umixup.training import Config, Run, loop, profile, train
from umixup.training import config as configs
from umixup.training import data as data_sets
from umixup.training import trainer as trainers
from umixup.training.augment import crop_and_flip, draw_crops

SMALL = dict(epochs=2, train_size=160, milestones=(), batch_size=64)  # batches of 64, 64 and 32


def quick(**changes) -> Config:
    return profile("quick", **{**SMALL, **changes})


def fit(digits, **changes) -> Run:
    return train(quick(**changes), data=digits, device="cpu", progress=False)


def same_bits(one: nn.Module, other: nn.Module) -> bool:
    states = one.state_dict(), other.state_dict()
    assert states[0].keys() == states[1].keys()
    return all(torch.equal(v, states[1][k]) for k, v in states[0].items())


@pytest.fixture(scope="module")
def baseline(digits) -> Run:
    return fit(digits, scheme="B(1,1)")


# Against a plain loop


def plain_loop(config: Config, digits) -> list[float]:
    """The recipe by hand: one sample at a time, SGD written out."""
    data = digits.first(config.train_size)
    n, model = len(data.train_x), training.new_model(config, data).train()
    velocity = [torch.zeros_like(p) for p in model.parameters()]
    rate, losses = config.learning_rate, []
    for epoch in range(config.epochs):
        plan = pairs.plan_epoch(
            parse(config.scheme),
            config.pairing,
            n,
            batch_size=config.batch_size,
            seed=config.seed,
            epoch=epoch,
            lam_per=config.lam_per,
        )
        offsets, flips = draw_crops(config, 2, n, epoch)

        def image(index, side, k, offsets=offsets, flips=flips, padding=config.crop_padding):
            top, left = offsets[side, k].tolist()
            padded = F.pad(data.train_x[index], (padding,) * 4)
            cropped = padded[:, top : top + 8, left : left + 8]
            cropped = cropped.flip(2) if flips[side, k] else cropped
            return TF.normalize(cropped / 255, data.mean, data.std)

        total = 0.0
        for start in range(0, n, config.batch_size):
            images, targets = [], []
            for k in range(start, min(start + config.batch_size, n)):
                a, b, lam, gamma = (v[k].item() for v in plan)
                x, x2 = image(a, 0, k), image(b, 1, k)
                images.append(lam * x + (1 - lam) * x2)
                y, y2 = (F.one_hot(data.train_y[i], 10).float() for i in (a, b))
                targets.append(gamma * y + (1 - gamma) * y2)
            loss = F.cross_entropy(model(torch.stack(images)), torch.stack(targets))
            total += loss.item() * len(images)
            gradients = torch.autograd.grad(loss, list(model.parameters()))
            with torch.no_grad():
                for p, g, v in zip(model.parameters(), gradients, velocity, strict=True):
                    v.mul_(config.momentum).add_(g + config.weight_decay * p)
                    p.sub_(rate * v)
        losses.append(total / n)
        rate *= 0.1 ** config.milestones.count(epoch + 1)
    return losses


@pytest.mark.parametrize(
    "changes",
    [
        dict(scheme="ERM"),
        dict(scheme="U(B(2.2,0.9))", lam_per="batch", crop_padding=0),
        dict(scheme="DAT(B(2,1))", crop_padding=2, flip=True, milestones=(1,), weight_decay=1.0),
    ],
    ids=["erm", "untied, one λ a batch", "dat, crops and flips"],
)
def test_training_losses_are_those_of_a_plain_loop(digits, changes):
    # At the profile's own rate, float32's rounding grows past 1e-4 within five steps.
    run = fit(digits, learning_rate=0.01, **changes)
    assert run.train_losses == pytest.approx(plain_loop(run.config, digits), rel=3e-4)


def test_the_last_test_error_is_that_of_the_returned_model(digits, baseline):
    assert not baseline.model.training
    with torch.no_grad():
        normal = TF.normalize(digits.test_x / 255, digits.mean, digits.std)
        wrong = baseline.model(normal).argmax(dim=1) != digits.test_y
    assert baseline.test_errors[-1] == pytest.approx(wrong.float().mean().item(), abs=1e-6)
    assert len(baseline.test_errors) == len(baseline.train_losses) == 2


def test_training_learns(digits):
    run = train(profile("quick", scheme="B(1,1)"), data=digits, progress=False)
    assert run.error < 0.3  # 0.9 by chance, some 0.06 in most runs
    assert run.train_losses[-1] < run.train_losses[0]


def test_a_milestone_divides_the_learning_rate_by_ten_after_its_epoch(digits):
    # One batch an epoch, no momentum, no decay: a step is the learning rate times one gradient.
    plain = dict(train_size=128, batch_size=128, momentum=0.0, weight_decay=0.0)
    start, full, tenth, late = (
        list(fit(digits, epochs=epochs, milestones=milestones, **plain).model.parameters())
        for epochs, milestones in ((1, ()), (2, ()), (2, (1,)), (2, (2,)))
    )
    assert all(map(torch.equal, full, late))
    for before, whole, reduced in zip(start, full, tenth, strict=True):
        torch.testing.assert_close(10 * (reduced - before), whole - before, rtol=1e-3, atol=1e-5)
    assert (
        max((whole - before).abs().max() for before, whole in zip(start, full, strict=True)) > 1e-3
    )


RATES = {1: 0.1, 100: 0.1, 101: 0.01, 150: 0.01, 151: 0.001, 200: 0.001}  # the paper's recipe


def test_the_optimizer_has_the_papers_rate_in_each_epoch(digits, monkeypatch):
    config = Config(dataset="digits", width=1)
    trainer = training.Trainer(config, digits.first(128), torch.device("cpu"))
    rates = []

    def note(*_):
        rates.extend(group["lr"] for group in trainer.optimizer.param_groups)
        return torch.zeros(len(digits.test_x))

    monkeypatch.setattr(trainer, "train_on", note)
    monkeypatch.setattr(trainers, "wrong", note)
    while trainer.epoch < config.epochs:
        trainer.run_epoch(tqdm(disable=True), [])
    in_step, at_test = rates[::2], rates[1::2]
    assert in_step == at_test
    assert len(in_step) == 200
    for epoch, rate in RATES.items():
        assert in_step[epoch - 1] == pytest.approx(rate, rel=1e-12)


@pytest.mark.parametrize("milestones", [(100, 150), (), (1,), (7, 7, 20), (199,), (200, 300)])
def test_the_schedule_is_that_of_torch(milestones):
    config = Config(milestones=milestones)
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], config.learning_rate)
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones, gamma=0.1)
    for epoch in range(1, config.epochs + 1):
        (theirs,) = schedule.get_last_lr()
        assert config.rate(epoch) == pytest.approx(theirs, rel=1e-12)
        optimizer.step()
        schedule.step()


# Reproducibility


def test_one_config_gives_the_same_bits_twice_and_leaves_the_global_generator(digits, baseline):
    torch.manual_seed(123)
    before = torch.get_rng_state()
    again = fit(digits, scheme="B(1,1)")
    assert torch.equal(torch.get_rng_state(), before)
    assert same_bits(again.model, baseline.model)
    assert again.train_losses == baseline.train_losses
    assert again.test_errors == baseline.test_errors


@pytest.mark.parametrize("mode", ["autocast", "no_grad", "inference_mode", "float64"])
def test_modes_of_the_caller_do_not_change_a_run(digits, baseline, mode):
    inside = {
        "autocast": lambda: torch.autocast("cpu", torch.bfloat16),
        "no_grad": torch.no_grad,
        "inference_mode": torch.inference_mode,
        "float64": nullcontext,
    }[mode]
    torch.set_default_dtype(torch.float64 if mode == "float64" else torch.float32)
    try:
        with inside():
            again = fit(digits, scheme="B(1,1)")
            assert torch.get_default_dtype() == (
                torch.float64 if mode == "float64" else torch.float32
            )
            assert torch.is_grad_enabled() == (mode in ("autocast", "float64"))
    finally:
        torch.set_default_dtype(torch.float32)
    assert same_bits(again.model, baseline.model)
    assert again.test_errors == baseline.test_errors


def test_a_data_set_without_test_images_is_refused(digits):
    empty = replace(digits, test_x=digits.test_x[:0], test_y=digits.test_y[:0])
    with pytest.raises(ValueError, match="has no test images"):
        fit(empty)


@pytest.mark.parametrize(
    "change",
    [
        dict(seed=1),
        dict(scheme="DAT(B(2,1))"),
        dict(scheme="U(B(2.2,0.9))"),
        dict(lam_per="batch"),
        dict(flip=True),
        dict(crop_padding=0),
        dict(weight_decay=0.0),
        dict(momentum=0.0),
    ],
    ids=str,
)
def test_another_config_gives_other_weights(digits, baseline, change):
    other = fit(digits, **{"scheme": "B(1,1)", **change})
    assert not same_bits(other.model, baseline.model)
    assert other.train_losses != baseline.train_losses


def test_mixup_and_the_equivalent_dat_get_the_same_pairs_and_crops():
    mixup, dat = quick(scheme="B(1,1)"), quick(scheme="DAT(B(2,1))")
    plans = [
        pairs.plan_epoch(parse(c.scheme), c.pairing, 160, batch_size=64, seed=c.seed, epoch=1)
        for c in (mixup, dat)
    ]
    assert torch.equal(plans[0].first, plans[1].first)
    assert torch.equal(plans[0].second, plans[1].second)
    assert not torch.equal(plans[0].lam, plans[1].lam)
    crops = [draw_crops(c, 2, 160, 1) for c in (mixup, dat)]
    assert all(map(torch.equal, *crops))


def test_a_shorter_run_is_the_start_of_a_longer_one(digits, baseline):
    short = fit(digits, scheme="B(1,1)", epochs=1)
    assert short.train_losses == baseline.train_losses[:1]
    assert short.test_errors == baseline.test_errors[:1]


def test_initial_weights_depend_on_the_seed_alone(digits):
    first = training.new_model(quick(), digits)
    again = training.new_model(quick(scheme="B(1,1)", learning_rate=1.0, epochs=9), digits)
    assert same_bits(first, again)
    assert not same_bits(first, training.new_model(quick(seed=1), digits))


def test_crops_of_the_two_copies_and_of_two_epochs_are_independent():
    config = quick(crop_padding=4, flip=True)
    offsets, flips = draw_crops(config, 2, 400, 0)
    assert offsets.shape == (2, 400, 2)
    assert flips.shape == (2, 400)
    assert flips.dtype == torch.bool
    assert set(offsets.flatten().tolist()) == set(range(9))
    assert not torch.equal(*offsets)
    assert not torch.equal(*flips)
    assert not torch.equal(offsets, draw_crops(config, 2, 400, 1)[0])
    unflipped = draw_crops(replace(config, flip=False), 2, 400, 0)
    assert not unflipped[1].any()
    assert torch.equal(unflipped[0], offsets)


def test_training_does_not_change_the_data(digits, baseline):
    fresh = data_sets.load("digits")
    assert torch.equal(digits.train_x, fresh.train_x)
    assert torch.equal(digits.test_x, fresh.test_x)


def test_a_progress_bar_is_shown_only_on_request(digits, capsys):
    fit(digits, epochs=1)
    assert capsys.readouterr().err == ""
    train(quick(epochs=1, scheme="B(1,1)"), data=digits, device="cpu", progress=True)
    assert "B(1,1)" in (shown := capsys.readouterr().err)
    assert "error=" in shown


@pytest.mark.parametrize("width", [4, 12])
def test_widths_that_are_not_multiples_of_eight_train(digits, width):
    assert math.isfinite(fit(digits, width=width, epochs=1).error)


@pytest.mark.parametrize(("train_size", "batch_size"), [(65, 64), (64, 1)])
def test_a_batch_of_one_sample_is_refused(digits, train_size, batch_size):
    expected = rf"batch_size = {batch_size}: of {train_size} samples it leaves a batch of one"
    with pytest.raises(ValueError, match=expected):
        fit(digits, train_size=train_size, batch_size=batch_size, epochs=1)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_training_on_a_gpu_gives_a_finite_error_and_the_losses_of_a_cpu(digits, baseline):
    run = train(quick(scheme="B(1,1)"), data=digits, device="cuda", progress=False)
    assert run.sittings[0]["device"] == torch.cuda.get_device_name()
    assert run.sittings[0]["compiled"] == "inductor"
    assert math.isfinite(run.error)
    assert run.train_losses == pytest.approx(baseline.train_losses, rel=0.05)


# Errors


def test_a_batch_larger_than_the_training_set_is_refused(digits):
    with pytest.raises(ValueError, match=r"batch_size = 64: the training set has 63 samples"):
        fit(digits, train_size=63)


def test_data_of_another_name_are_refused(digits):
    config = quick(dataset="fashion-mnist")
    with pytest.raises(ValueError, match=r"data is 'digits', config\.dataset 'fashion-mnist'"):
        train(config, data=digits)


def test_missing_data_error_shows_the_command_that_fetches_them(tmp_path, monkeypatch):
    monkeypatch.setenv("UMIXUP_DATA", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"um\.data\.fetch\('fashion-mnist'"):
        train(quick(dataset="fashion-mnist"))


def test_a_loss_that_is_not_finite_stops_the_run(digits):
    expected = r"epoch 1, step [23] of 3: the training loss is (nan|inf); try .* below 1e\+30"
    with pytest.raises(FloatingPointError, match=expected):
        fit(digits, learning_rate=1e30)


# Config


ONE_OR_MORE = ValueError, "it must be a whole number ≥ 1"
ZERO_OR_MORE = ValueError, "it must be a whole number ≥ 0"
NOT_A_NUMBER = TypeError, "it must be a number, finite and ≥ 0"
OUT_OF_RANGE = ValueError, "it must be finite and ≥ 0"
YES_OR_NO = ValueError, "it must be one of True, False"
WHOLE_NUMBERS = ValueError, "it must be a list of whole numbers such as [100, 150]; empty is fine"
INVALID = [  # field, values, error, what its message says
    (
        "dataset",
        ["imagenet", None, ["digits"], Path("folder:mine")],
        *(ValueError, "it must be one of digits, mnist, fashion-mnist"),
    ),
    ("scheme", [None, ["ERM"], parse("B(1,1)")], TypeError, "text such as 'U(B(2.2,0.9))'"),
    ("loss", ["hinge", ["ce"]], ValueError, "it must be one of ce, nc, nc-released"),
    (
        "pairing",
        ["nearest", object, None, ["iid"]],
        *(ValueError, f"it must be one of {', '.join([*pairs.PAIRINGS, *pairs.BY_CLASS])}"),
    ),
    ("lam_per", ["epoch"], ValueError, "it must be one of sample, batch"),
    ("precision", ["float16"], ValueError, "it must be one of auto, float32, bfloat16"),
    ("flip", ["no"], *YES_OR_NO),
    ("augment_test", [1, "", None], *YES_OR_NO),
    ("width", [0, 8.0, "8", np.float64(8)], *ONE_OR_MORE),
    ("epochs", [0, True, np.True_], *ONE_OR_MORE),
    ("batch_size", [-1], *ONE_OR_MORE),
    ("train_size", [0, 70.5, "70"], *ONE_OR_MORE),
    ("label_dim", [0], *ONE_OR_MORE),
    ("crop_padding", [-1], *ZERO_OR_MORE),
    ("seed", [-1, None, "0", False], *ZERO_OR_MORE),
    ("learning_rate", ["0.1", b"1", True, np.True_, [0.1], torch.ones(2), 1j], *NOT_A_NUMBER),
    ("learning_rate", [math.inf, 10**400, -(10**400), -0.1, np.float32("nan")], *OUT_OF_RANGE),
    ("momentum", [None], *NOT_A_NUMBER),
    ("momentum", [math.nan], *OUT_OF_RANGE),
    ("weight_decay", [-1], *OUT_OF_RANGE),
    ("milestones", [None, 5, "ab", {"5": 1}], *WHOLE_NUMBERS),
    ("measures", [None, "calibration"], ValueError, "it must be a list of names such as"),
    ("measures", [["accuracy"]], ValueError, "it must be one of attacks, calibration"),
]


@pytest.mark.parametrize(("name", "values", "kind", "allowed"), INVALID)
def test_invalid_field_error_lists_allowed_values(name, values, kind, allowed):
    for value in values:
        with pytest.raises(kind) as error:
            Config(**{name: value})
        shown = value[0] if allowed.startswith("it must be one of attacks") else value
        assert str(error.value).startswith(f"{name} = {shown!r}: ")
        assert allowed in str(error.value)


def test_numbers_of_numpy_are_stored_and_hashed_like_plain_ones():
    plain = dict(
        width=8,
        epochs=3,
        batch_size=64,
        train_size=100,
        label_dim=20,
        crop_padding=1,
        seed=2,
        learning_rate=0.5,
        momentum=0.25,
        weight_decay=0.0,
        milestones=(1, 2),
    )

    def by_numpy(value):
        if isinstance(value, tuple):
            return tuple(map(np.int16, value))
        return np.int64(value) if isinstance(value, int) else np.float32(value)

    config = Config(loss="nc", **{name: by_numpy(value) for name, value in plain.items()})
    assert config == Config(loss="nc", **plain)
    assert config.hash() == Config(loss="nc", **plain).hash()
    for name, value in plain.items():
        assert type(getattr(config, name)) is type(value)
    assert {type(milestone) for milestone in config.milestones} == {int}
    assert Config(weight_decay=np.int64(1)).to_json() == Config(weight_decay=1.0).to_json()


def test_bad_scheme_error_shows_the_position():
    with pytest.raises(ValueError, match=r"scheme text 'B\(1\)', position 3: expected ','"):
        Config(scheme="B(1)")


def test_a_scheme_is_kept_in_its_shortest_form_and_milestones_as_a_tuple():
    config = Config(scheme=" U( B(2.20, 0.90) )", milestones=[3, 4])
    assert config.scheme == "U(B(2.2,0.9))"
    assert config.milestones == (3, 4)
    assert config == Config(scheme="U(B(2.2,0.9))", milestones=(3, 4))
    assert config.hash() == Config(scheme="U(B(2.2,0.9))", milestones=(3, 4)).hash()


OTHER = dict(
    dataset="digits",
    scheme="B(1,1)",
    lam_per="batch",
    width=63,
    epochs=199,
    batch_size=127,
    learning_rate=0.2,
    momentum=0.8,
    weight_decay=2e-4,
    milestones=(100, 151),
    crop_padding=3,
    flip=False,
    train_size=1000,
    precision="bfloat16",
    augment_test=True,
    pairing="iid",
    loss="nc",
    seed=1,
    measures=("corruptions",),
    tested="last",
)


@pytest.mark.parametrize("value", [1.5, 0, True, None, "2", [2], math.nan])
def test_invalid_milestone_error_names_its_index(value):
    with pytest.raises(ValueError, match=r"milestones\[1\] = .*: it must be a whole number ≥ 1"):
        Config(milestones=(1, value))


def test_milestones_in_another_order_are_the_same_config():
    assert Config(milestones=(150, 100)) == Config()
    assert Config(milestones=(150, 100)).hash() == Config().hash()
    assert Config(milestones=(150, 100, 150)).milestones == (100, 150, 150)


def test_the_hash_differs_where_any_field_differs():
    assert OTHER.keys() | {"label_dim", "subset", "moves", "by_pair"} == {
        f.name for f in fields(Config)
    }
    hashes = [Config().hash(), *(Config(**{name: OTHER[name]}).hash() for name in OTHER)]
    hashes.append(Config(loss="nc", label_dim=299).hash())
    hashes.append(Config(train_size=1000, subset="random").hash())
    hashes.append(Config(scheme="B(2,1)", by_pair="mix_near").hash())
    hashes.append(Config(scheme="DAT(B(3,1))", moves="at_random").hash())
    assert len(set(hashes)) == len(hashes)
    assert all(len(h) == 16 and int(h, 16) >= 0 for h in hashes)


def test_equal_configs_have_equal_hashes():
    assert Config(momentum=0) == Config(momentum=0.0)
    assert Config(momentum=0).hash() == Config(momentum=0.0).hash()


def test_the_hash_is_the_same_in_another_process(run_python):
    code = (
        "from umixup.training import Config;"
        "print(Config(scheme='U(B(2.2,0.9))', train_size=7).hash())"
    )
    ours = Config(scheme="U(B(2.2,0.9))", train_size=7).hash()
    assert run_python(code, PYTHONHASHSEED="1") == ours


@dataclass(frozen=True)
class LaterConfig(Config):
    """Config as it will be when another field has been added."""

    label_smoothing: float = 0.0


def test_an_added_field_is_hashed_only_off_its_default(monkeypatch):
    monkeypatch.setattr(configs, "_ADDED", (*configs._ADDED, "label_smoothing"))
    for fields_of_old in ({}, dict(scheme="B(1,1)", seed=3), dict(measures=("corruptions",))):
        old, later = Config(**fields_of_old), LaterConfig(**fields_of_old)
        assert later.plain() == old.plain()
        assert later.hash() == old.hash()
        assert LaterConfig(**old.plain()) == later  # an old record is still read
        changed = replace(later, label_smoothing=0.1)
        assert changed.plain() == {**old.plain(), "label_smoothing": 0.1}
        assert changed.hash() != old.hash()
        assert LaterConfig.from_json(changed.to_json()) == changed


def test_a_field_missing_from_added_would_change_the_hash():
    assert LaterConfig().hash() != Config().hash()


# Profiles


@pytest.mark.parametrize("name", training.PROFILES)
def test_a_profile_is_recognised_whatever_is_trained(name):
    assert profile(name).profile == name
    free = dict(dataset="digits", scheme="U(B(2.2,0.9))", loss="nc", seed=5, augment_test=True)
    assert profile(name, **free).profile == name


@pytest.mark.parametrize("name", training.PROFILES)
@pytest.mark.parametrize("field", sorted(set(OTHER) - set(configs._SETTING)))
def test_any_change_to_the_recipe_makes_the_profile_custom(name, field):
    value = OTHER[field]
    if getattr(profile(name), field) == value:  # a flag that the profile has already
        value = not value
    assert profile(name, **{field: value}).profile == "custom"


def test_full_is_the_papers_recipe():
    full = profile("full")
    assert (full.width, full.epochs, full.batch_size) == (64, 200, 128)
    assert (full.learning_rate, full.momentum, full.weight_decay) == (0.1, 0.9, 1e-4)
    assert full.milestones == (100, 150)
    assert (full.crop_padding, full.flip) == (4, True)
    assert full.train_size is None
    assert full.lam_per == "sample"
    assert full.pairing == "two_copies"


def test_unknown_profile_error_lists_the_known_ones():
    with pytest.raises(ValueError, match=r"profile = 'huge': it must be one of quick, small, full"):
        profile("huge")


def test_an_unknown_field_is_refused():
    with pytest.raises(TypeError, match="learning_rat"):
        profile("quick", learning_rat=0.1)


# Run


@pytest.mark.parametrize(
    ("epochs", "averaged"), [(1, 1), (6, 1), (12, 3), (39, 9), (40, 10), (200, 10)]
)
def test_the_error_averages_over_the_last_epochs(epochs, averaged):
    errors = [1 / (k + 1) for k in range(epochs)]
    augmented = [2 * e for e in errors]
    rest = [0.0] * epochs, 1.0, [], "", nn.Identity(), torch.eye(10)
    run = Run(Config(epochs=epochs), errors, augmented, *rest)
    assert run.averaged_epochs == averaged
    assert run.error == pytest.approx(sum(errors[epochs - averaged :]) / averaged)
    assert run.augmented_error == pytest.approx(2 * run.error)
    assert Run(Config(epochs=epochs), errors, [], *rest).augmented_error is None


def test_a_record_is_plain_data_and_comes_back_from_disk(baseline, tmp_path):
    record = baseline.record()
    again = json.loads(json.dumps(record, allow_nan=False))
    assert Config(**again["config"]) == baseline.config
    assert again == json.loads(json.dumps(again))
    for key in set(record) - {"config"}:
        assert again[key] == record[key]
    assert record["hash"] == baseline.config.hash()
    assert record["profile"] == "custom"
    assert record["config"] == baseline.config.plain()
    added = {"measures": (), "subset": "first", "tested": "all"}
    added |= {"moves": "to_partner", "by_pair": "same"}
    assert asdict(baseline.config) == {**record["config"], **added}
    (session,) = record["sittings"]
    assert (session["device"], session["threads"], session["compiled"]) == ("cpu", 1, None)

    assert results.write(record, tmp_path).stem == baseline.config.hash()
    (row,) = results.load(tmp_path).to_dict("records")
    assert row["error"] == baseline.error
    assert row["scheme"] == "B(1,1)"
    assert row["seed"] == 0
    assert row["train_losses"] == baseline.train_losses
    assert row["data"] == baseline.data


# Losses with label vectors, and the test set's other transform


def test_the_label_vectors_are_orthonormal_and_of_the_papers_dimensions():
    for config, dim in (
        (Config(loss="nc"), 300),
        (Config(loss="nc-released", label_dim=40), 40),
        (Config(loss="nc", seed=1), 300),
    ):
        vectors = training.new_label_vectors(config, 10)
        assert vectors.shape == (10, dim)
        torch.testing.assert_close(vectors @ vectors.T, torch.eye(10), atol=1e-5, rtol=0)
    assert not torch.equal(
        training.new_label_vectors(Config(loss="nc"), 10),
        training.new_label_vectors(Config(loss="nc", seed=1), 10),
    )
    assert torch.equal(training.new_label_vectors(Config(), 10), torch.eye(10))


def test_label_vectors_of_cross_entropy_are_refused():
    with pytest.raises(ValueError, match=r"label_dim = 300: cross-entropy has no label vectors"):
        Config(label_dim=300)


@pytest.mark.parametrize("loss", ["nc", "nc-released"])
def test_training_with_label_vectors_learns_and_predicts_the_nearest_in_angle(digits, loss):
    config = profile("quick", loss=loss, label_dim=24, scheme="B(1,1)", epochs=8, milestones=(6,))
    run = train(config, data=digits, progress=False)
    assert run.error < 0.4  # 0.9 by chance
    with torch.no_grad():
        outputs = run.model(digits.normalize(digits.test_x))
        cosine = F.cosine_similarity(outputs[:, None], run.label_vectors[None], dim=2)
        wrong = cosine.argmax(dim=1) != digits.test_y
    assert run.test_errors[-1] == pytest.approx(wrong.double().mean().item(), abs=1e-6)


def test_the_two_cosine_losses_differ_only_where_labels_are_mixed(digits):
    for scheme, alike in (("ERM", True), ("B(1,1)", False)):
        one, other = (fit(digits, loss=loss, scheme=scheme) for loss in ("nc", "nc-released"))
        assert (one.train_losses == pytest.approx(other.train_losses, rel=1e-3)) is alike


def test_testing_with_augmentation_does_not_change_training(digits, baseline):
    run = fit(digits, scheme="B(1,1)", augment_test=True, crop_padding=1)
    assert same_bits(run.model, baseline.model)
    assert run.test_errors == baseline.test_errors
    assert len(run.augmented_test_errors) == 2
    assert baseline.augmented_error is None
    offsets, flips = draw_crops(run.config, 1, 360, 1, "test augmentation")
    moved = crop_and_flip(digits.test_x, offsets[0], flips[0], 1)
    error = evaluation.test_error(run.model, replace(digits, test_x=moved), run.label_vectors)
    assert run.augmented_test_errors[-1] == float(error)
    assert run.record()["augmented_error"] == run.augmented_error


def test_bfloat16_changes_training_on_a_cpu_a_little(digits, baseline):
    run = fit(digits, scheme="B(1,1)", precision="bfloat16")
    assert run.train_losses == pytest.approx(baseline.train_losses, rel=0.05)
    assert run.train_losses != baseline.train_losses
    assert all(p.dtype == torch.float32 for p in run.model.parameters())


def test_sixty_four_samples_are_memorised(digits):
    config = quick(train_size=64, batch_size=32, epochs=40, crop_padding=0, milestones=(30,))
    run = train(config, data=digits, progress=False)
    assert run.train_losses[-1] < 0.01


def test_a_compiled_network_trains_alike(digits, baseline):
    run = train(
        quick(scheme="B(1,1)"), data=digits, device="cpu", progress=False, compile="aot_eager"
    )
    assert run.train_losses == pytest.approx(baseline.train_losses, rel=1e-4)
    assert run.model.state_dict().keys() == baseline.model.state_dict().keys()


def test_memory_does_not_grow_from_epoch_to_epoch(digits):
    config = quick(train_size=64, batch_size=32, width=1, epochs=200)
    trainer = training.Trainer(config, digits.first(64), torch.device("cpu"))

    def objects_after(epochs):
        while trainer.epoch < epochs:
            trainer.run_epoch(tqdm(disable=True), [])
        gc.collect()
        return sum(issubclass(type(thing), torch.Tensor) for thing in gc.get_objects())

    early, late = objects_after(5), objects_after(200)
    assert late == early


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_a_step_does_not_wait_for_the_gpu(digits):
    device = torch.device("cuda")
    trainer = training.Trainer(quick(scheme="B(1,1)"), digits.first(160).to(device), device, False)
    batches = trainer.batches()
    trainer.train_on(*next(batches))  # the first one sets up
    torch.cuda.set_sync_debug_mode("error")
    try:
        trainer.train_on(*next(batches))
    finally:
        torch.cuda.set_sync_debug_mode("default")


# Config as JSON


def test_a_config_comes_back_from_json():
    config = profile("small", scheme="U(B(2.2,0.9))", loss="nc", label_dim=20, seed=3)
    assert Config.from_json(config.to_json()) == config
    assert Config.from_json("{}") == Config()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"width": 8, "depth": 18}', r"config: \['depth'\] unknown; its fields are augment_test"),
        ('{"milestones": null}', r"milestones = None: it must be a list of whole numbers"),
        (
            '{"learning_rate": 1' + "0" * 400 + "}",
            r"learning_rate = 10+: it must be finite and ≥ 0",
        ),
        ('{"learning_rate": NaN}', r"learning_rate = nan: it must be finite and ≥ 0"),
        ('{"width": 0}', "width = 0: it must be a whole number"),
    ],
)
def test_invalid_fields_in_json_are_refused(text, expected):
    with pytest.raises(ValueError, match=expected):
        Config.from_json(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("width: 8", r"config = 'width: 8' \(not JSON: Expecting value: line 1 column 1"),
        ("", r"config = '' \(not JSON: "),
        ('{"width": 8', r"\(not JSON: Expecting ',' delimiter"),
        ("[" * 100_000, r"config = '\[+\.\.\.\[+' \(not JSON: "),
        (None, r"config = None \(not JSON: "),
        (b"\xff", r"\(not JSON: "),
        ("null", r"config = 'null' \(JSON, but not an object\)"),
        ("[1]", r"config = '\[1\]' \(JSON, but not an object\)"),
        ("8", r"config = '8' \(JSON, but not an object\)"),
        ('"B(1,1)"', r"\(JSON, but not an object\)"),
        ("true", r"\(JSON, but not an object\)"),
    ],
)
def test_error_for_text_that_is_not_a_config_shows_an_example(text, why):
    with pytest.raises(ValueError, match=rf"{why}.*: it must be a JSON object of fields") as error:
        Config.from_json(text)
    message = str(error.value)
    assert len(message) < 600
    (example,) = [line for line in message.splitlines() if line.startswith("    {")]
    assert Config.from_json(example).epochs == 20
    for field in fields(Config):
        assert field.name in message


# More errors


def test_outputs_that_are_not_finite_stop_the_run(digits, monkeypatch):
    def not_finite(model, *_):
        return torch.full((len(digits.test_x),), math.nan)

    monkeypatch.setattr(trainers, "wrong", not_finite)
    with pytest.raises(FloatingPointError, match="outputs on the test set are not finite"):
        fit(digits)


def test_fewer_dimensions_than_classes_are_refused(digits):
    with pytest.raises(ValueError, match=r"label_dim = 5: digits has 10 classes"):
        fit(digits, loss="nc", label_dim=5)


@pytest.mark.parametrize(
    "device", ["gpu", "", "meta", "cpu:x", 1.5, 99, "cuda:99", torch.device("cuda:99"), "ipu"]
)
def test_unusable_device_error_lists_the_usable_ones(digits, device):
    with pytest.raises(ValueError, match=r"that torch can use here: cpu") as error:
        train(quick(), data=digits, device=device)
    assert f"device = {str(device)!r}: " in str(error.value)
    assert ("cuda:0" in str(error.value)) is torch.cuda.is_available()


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_is_refused_where_there_is_none(digits):
    with pytest.raises(ValueError, match=r"device = 'cuda': it must be one that torch can use"):
        train(quick(), data=digits, device="cuda")


def test_losses_on_the_device_are_float32_as_mps_has_no_float64(digits):
    trainer = training.Trainer(quick(), digits.first(160), torch.device("cpu"))
    assert trainer.step_losses.dtype == torch.float32
    sums = [trainer.train_on(*batch).sum() for batch in trainer.batches()]
    assert {value.dtype for value in sums} == {torch.float32}  # so nothing is lost


ARGUMENTS = [  # of train, and what the error says
    (dict(config="quick"), TypeError, r"^config: it must be a um\.training\.Config, not str"),
    (dict(config=None), TypeError, r"^config: it must be a um\.training\.Config, not NoneType"),
    (dict(config={"width": 8}), TypeError, r"^config: it must be a um\.training\.Config, not dict"),
    (dict(data="digits"), TypeError, r"^data: it must be a um\.data\.DataSet, not str"),
    (dict(data=torch.zeros(3)), TypeError, r"^data: it must be a um\.data\.DataSet, not Tensor"),
    *(
        (dict(every=every), ValueError, r"^every = .*: it must be a whole number ≥ 1")
        for every in (0, -1, 1.5, "3", True, None)
    ),
    *(
        (dict(resume=resume), ValueError, r"^resume = .*: it must be one of True, False")
        for resume in ("no", None, 1)
    ),
    *(
        (dict(compile=backend), ValueError, r"^compile = .*one of torch's backends: .*inductor")
        for backend in ("nonsense", "", 1, b"inductor", ["inductor"])
    ),
    (dict(compile="tvm"), ValueError, r"^compile = 'tvm': tvm does not work here \(.*install"),
]


@pytest.mark.parametrize(("change", "kind", "message"), ARGUMENTS, ids=str)
def test_an_argument_that_train_cannot_use_is_named_at_once(
    digits, tmp_path, monkeypatch, change, kind, message
):
    monkeypatch.setattr(trainers.Trainer, "run_epoch", None)
    given = dict(config=quick(), data=digits, device="cpu", checkpoints=tmp_path / "run")
    with pytest.raises(kind, match=message):
        train(**{**given, **change})
    assert not list(tmp_path.iterdir())


TOO_LARGE = [
    *(dict(width=10**power) for power in (4, 8, 12, 30)),
    *(dict(crop_padding=10**power) for power in (5, 6, 9, 18, 30)),
    *(dict(loss="nc", label_dim=10**power) for power in (12, 30)),
]


@pytest.mark.parametrize("changes", TOO_LARGE, ids=str)
def test_a_config_that_needs_more_memory_than_there_is_names_its_fields(digits, changes):
    ((name, value),) = [(k, v) for k, v in changes.items() if k != "loss"]
    with pytest.raises(MemoryError, match=rf"{name} = {value}\b.*: they need more memory than cpu"):
        fit(digits, **changes)


def test_memory_that_is_short_in_a_step_is_named_and_other_errors_are_not(digits, monkeypatch):
    for error, kind in (
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"), MemoryError),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"), MemoryError),
        (RuntimeError("std::bad_alloc"), MemoryError),
        (MemoryError(), MemoryError),
        (RuntimeError("shapes do not fit"), RuntimeError),
        (ValueError("an illegal memory access"), ValueError),
    ):

        def fail(*_, error=error):
            raise error

        monkeypatch.setattr(trainers.Trainer, "train_on", fail)
        with pytest.raises(kind) as raised:
            fit(digits)
        assert ("batch_size = 64" in str(raised.value)) is (kind is MemoryError)


@pytest.mark.parametrize("threads", [0, -1, 100_000, 2.0, "2", True])
def test_threads_that_no_machine_starts_are_refused(threads):
    most = max(64, 4 * os.cpu_count())
    with pytest.raises(
        ValueError, match=f"threads = .*: it must be a whole number from 1 to {most}"
    ):
        loop.check_threads(threads)
    assert loop.check_threads(most) == most


def test_every_and_sizes_may_be_numpys(digits, tmp_path, baseline):
    config = quick(scheme="B(1,1)", train_size=np.int64(160), batch_size=np.int32(64))
    options = dict(data=digits, device="cpu", progress=False, checkpoints=tmp_path)
    assert same_bits(train(config, every=np.int64(1), **options).model, baseline.model)
    assert len(list(tmp_path.iterdir())) == 2
