"""What depends on the pair: partners by class, moves at random, schemes by pair."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from scipy import stats

from umixup import pairs, training
from umixup.pairs import BetweenClasses, Plan, WithinClasses
from umixup.training.by_pair import ByPair, confusions, moved_at_random

CONFIG = training.Config(
    dataset="digits", scheme="B(1,1)", width=1, epochs=2, milestones=(), crop_padding=0, flip=False
)
SMALL = replace(CONFIG, train_size=100, batch_size=40, subset="random")
LABELS = torch.tensor([0, 0, 0, 2, 2, 1])  # unequal classes, in no order


def counted(pairing: pairs.Pairing, epochs: int = 4000) -> torch.Tensor:
    """How often each pair is drawn, (n, n)."""
    n, counts = len(LABELS), torch.zeros(36)
    for seed in range(epochs):
        first, second = pairing.draw(n, 2, torch.Generator().manual_seed(seed))
        counts += torch.bincount(first * n + second, minlength=n * n)
    return counts.view(n, n)


def test_pairs_of_two_classes_are_uniform_over_all_of_them():
    counts = counted(BetweenClasses(LABELS))
    allowed = LABELS[:, None] != LABELS
    assert not counts[~allowed].any()
    assert stats.chisquare(counts[allowed]).pvalue > 1e-6


def test_pairs_of_one_class_have_a_uniform_first_sample_and_a_uniform_partner():
    counts = counted(WithinClasses(LABELS))
    same = LABELS[:, None] == LABELS
    assert not counts[~same].any()
    expected = (same / same.sum(dim=1, keepdim=True))[same] * counts.sum() / len(LABELS)
    assert stats.chisquare(counts[same], expected).pvalue > 1e-6


@pytest.mark.parametrize("make", pairs.BY_CLASS.values())
def test_pairs_by_class_follow_their_generator_and_know_their_labels(make):
    before = torch.get_rng_state()
    one, same, other = (
        make(LABELS).draw(6, 2, torch.Generator().manual_seed(s)) for s in (0, 0, 1)
    )
    assert torch.equal(torch.get_rng_state(), before)
    assert all(map(torch.equal, one, same))
    assert not torch.equal(torch.stack(one), torch.stack(other))
    with pytest.raises(ValueError, match=r"n = 7: there are labels for 6 samples"):
        make(LABELS).draw(7, 2)
    for labels in (LABELS.float(), LABELS[:, None], LABELS[:0]):
        with pytest.raises(ValueError, match=r"labels, .*: it must be \(n,\) int64, n ≥ 1"):
            make(labels)


def test_one_class_has_no_pairs_between_classes():
    with pytest.raises(ValueError, match="all of one class"):
        BetweenClasses(torch.zeros(3, dtype=torch.int64))


@pytest.mark.parametrize(("pairing", "same"), [("between_classes", 0), ("within_classes", 1)])
def test_trainer_pairs_by_the_classes_of_the_samples_it_trains_on(digits, pairing, same):
    config = replace(SMALL, pairing=pairing, scheme="DAT(P(0))")  # each image becomes its partner
    data = digits.part(training.trainer.training_samples(config, digits))
    one = training.Trainer(config, data, torch.device("cpu"))
    for x, target in one.batches():
        # which training image it is now
        gaps = torch.cdist(x.flatten(1), data.normalize(data.train_x).flatten(1))
        partner = data.train_y[gaps.argmin(dim=1)]
        assert gaps.min(dim=1).values.max() < 0.01
        assert ((partner == target.argmax(dim=1)).float() == same).all()


# Moves at random


def test_random_moves_are_as_long_as_those_to_the_partner_and_go_everywhere():
    x, partner = torch.rand(2, 5000, 1, 2, 2)
    moves = (moved_at_random(x, partner, torch.Generator().manual_seed(0)) - x).flatten(1)
    lengths = (partner - x).flatten(1).norm(dim=1)
    assert torch.allclose(moves.norm(dim=1), lengths, atol=1e-5)
    directions = moves / lengths[:, None]
    assert directions.mean(dim=0).abs().max() < 4 / 5000**0.5
    second = directions.T @ directions / 5000  # uniform: the identity over four
    assert (second - torch.eye(4) / 4).abs().max() < 0.02


def test_trainer_moves_at_random_by_the_lengths_of_the_same_pairs(digits):
    base = replace(SMALL, scheme="DAT(B(2,1))")
    data = digits.part(training.trainer.training_samples(base, digits))
    lengths = []
    for moves in ("to_partner", "at_random"):
        one = training.Trainer(replace(base, moves=moves), data, torch.device("cpu"))
        plan = pairs.plan_epoch(base.scheme, base.pairing, 100, batch_size=40, seed=0, epoch=0)
        x = torch.cat([batch for batch, _ in one.batches()])
        start = data.normalize(data.train_x[plan.first])
        lengths.append((x - start).flatten(1).norm(dim=1))
    assert torch.allclose(*lengths, atol=1e-4)
    assert lengths[0].max() > 1


# Schemes by pair


def random_plan(config: training.Config, n: int, pairs_drawn: int = 4000) -> Plan:
    generator = torch.Generator().manual_seed(3)
    first, second = torch.randint(n, (2, pairs_drawn), generator=generator)
    lam, gamma = training.config.parse(config.scheme).draw(pairs_drawn, generator)
    return Plan(first, second, lam, gamma)


@pytest.mark.parametrize("by", ["near", "far", "confused", "distinct"])
def test_rank_of_a_pair_is_symmetric_and_uniform(digits, by):
    config = replace(CONFIG, by_pair=f"mix_{by}")
    plan, mixing = random_plan(config, 300), ByPair(config, digits.first(300))
    rank = mixing.rank(plan.first, plan.second)
    assert torch.equal(rank, mixing.rank(plan.second, plan.first))
    assert 0 <= rank.min() <= rank.max() <= 1
    assert rank.mean() == pytest.approx(0.5, abs=0.02)
    assert stats.kstest(rank, "uniform").statistic < (0.03 if by in ("near", "far") else 0.15)


def test_near_pairs_are_those_at_a_small_distance(digits):
    config = replace(CONFIG, by_pair="mix_near")
    plan, data = random_plan(config, 300), digits.first(300)
    images = data.train_x.float().flatten(1)
    distance = (images[plan.first] - images[plan.second]).norm(dim=1)
    rank = ByPair(config, data).rank(plan.first, plan.second)
    assert stats.spearmanr(rank, distance).statistic < -0.999


@pytest.mark.parametrize(
    ("by", "sign"), [("near", 1), ("far", -1), ("confused", 1), ("distinct", -1)]
)
def test_half_of_the_pairs_are_mixed_and_more_of_the_favoured(digits, by, sign):
    config = replace(CONFIG, by_pair=f"mix_{by}")
    plan, mixing = random_plan(config, 300), ByPair(config, digits.first(300))
    rank, new = mixing.rank(plan.first, plan.second), mixing.applied(plan, 0)
    kept = (new.lam == 1) & (new.gamma == 1)
    assert torch.equal(new.lam[~kept], plan.lam[~kept])
    assert torch.equal(new.gamma[~kept], plan.gamma[~kept])
    assert float(kept.float().mean()) == pytest.approx(0.5, abs=0.03)
    favoured = rank if sign > 0 else 1 - rank
    assert float(kept[favoured > 0.9].float().mean()) < 0.15
    assert float(kept[favoured < 0.1].float().mean()) > 0.85
    again, other = mixing.applied(plan, 0), mixing.applied(plan, 1)
    assert torch.equal(new.lam, again.lam)
    assert not torch.equal(new.lam, other.lam)


@pytest.mark.parametrize(("by", "sign"), [("near", 1), ("far", -1)])
def test_slope_is_from_half_to_double_by_rank(digits, by, sign):
    config = replace(CONFIG, scheme="UMixUp(B(1,1),S(1.5))", by_pair=f"slope_{by}")
    plan, mixing = random_plan(config, 300), ByPair(config, digits.first(300))
    new = mixing.applied(plan, 0)
    assert torch.equal(new.lam, plan.lam)
    inside = (plan.lam - 0.5).abs() < 0.4
    found = torch.logit(new.gamma.double()) / torch.logit(plan.lam.double())
    share = mixing.rank(plan.first, plan.second) if sign > 0 else 1 - mixing.rank(*plan[:2])
    assert torch.allclose(found[inside].float(), 1.5 * 2 ** (2 * share[inside] - 1), rtol=1e-3)


def test_confusions_are_probabilities_and_know_absent_classes():
    images = torch.tensor([0, 10, 20, 200, 210, 220] * 5, dtype=torch.uint8).view(-1, 1, 1, 1)
    found = confusions(images, torch.tensor([0, 0, 0, 2, 2, 2] * 5), classes=3, seed=0)
    assert torch.equal(found, found.T)
    assert not found[1].any()
    assert torch.allclose(found.sum(dim=1)[[0, 2]], torch.ones(2), atol=0.2)


@pytest.mark.parametrize("change", [dict(by_pair="mix_confused"), dict(by_pair="slope_near"),
                                    dict(scheme="DAT(B(2,1))", moves="at_random")])  # fmt: skip
def test_a_stopped_run_by_pair_goes_on_with_the_same_bits(digits, tmp_path, change):
    config = replace(SMALL, **change, epochs=4)
    options = dict(data=digits, device="cpu", progress=False)
    whole = training.train(config, **options)
    assert whole.train_losses != training.train(
        replace(config, by_pair="same", moves="to_partner"), **options
    ).train_losses  # fmt: skip
    training.train(config, **options, checkpoints=tmp_path, every=2)
    states = sorted(tmp_path.glob("*.pt"))
    assert len(states) >= 1
    part = training.train(replace(config), **options, checkpoints=tmp_path, resume=True)
    assert part.train_losses == whole.train_losses
    assert part.test_errors == whole.test_errors


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(moves="at_random"), r"moves = 'at_random': B\(1,1\) mixes labels"),
        (dict(moves="away"), "moves = 'away': it must be one of to_partner, at_random"),
        (dict(by_pair="near"), "by_pair = 'near': it must be one of same, mix_near"),
        (dict(by_pair="mix_far", scheme="ERM"), "it would not change ERM"),
        (dict(by_pair="slope_far", scheme="DAT(B(2,1))"), r"it would not change DAT\(B\(2,1\)\)"),
    ],
)
def test_what_a_config_cannot_mean_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        replace(CONFIG, **change)


def test_new_fields_at_their_defaults_leave_the_hash_alone():
    assert replace(CONFIG, moves="to_partner", by_pair="same").hash() == CONFIG.hash()
    changed = {replace(CONFIG, by_pair=name).hash() for name in training.BY_PAIR}
    assert len(changed) == len(training.BY_PAIR)
