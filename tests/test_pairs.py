"""Pairings and plans."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from umixup.pairs import PAIRINGS, TwoCopies, by_name, plan_epoch
from umixup.schemes import parse

FALSE_ALARM = 1e-4  # of each statistical test; the seeds are fixed
SETTING = dict(batch_size=4, seed=0, epoch=0)


def plan(text: str = "U(B(2.2,0.9))", pairing="two_copies", n: int = 10, **changes):
    return plan_epoch(parse(text), pairing, n, **{**SETTING, **changes})


# Pairings


@given(st.integers(1, 50), st.integers(0, 2**31))
def test_two_copies_hold_each_sample_once_on_each_side(n, seed):
    sides = TwoCopies().draw(n, n, torch.Generator().manual_seed(seed))
    for side in sides:
        assert side.dtype == torch.int64
        assert sorted(side.tolist()) == list(range(n))


def test_two_copies_pair_every_two_samples_equally_often():
    generator = torch.Generator().manual_seed(0)
    counts = np.zeros((3, 3))
    for _ in range(2000):
        first, second = TwoCopies().draw(3, 3, generator)
        counts[first[0], second[0]] += 1
    assert stats.chisquare(counts.ravel()).pvalue > FALSE_ALARM


def test_two_copies_are_shuffled_independently():
    generator = torch.Generator().manual_seed(1)
    orders = list(
        product(*[[(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)]] * 2)
    )
    counts = dict.fromkeys(orders, 0)
    for _ in range(3600):
        counts[tuple(tuple(side.tolist()) for side in TwoCopies().draw(3, 3, generator))] += 1
    assert stats.chisquare(list(counts.values())).pvalue > FALSE_ALARM


def test_two_copies_without_a_generator_follow_the_global_one():
    torch.manual_seed(0)
    once = TwoCopies().draw(20, 4)
    moved = TwoCopies().draw(20, 4)
    torch.manual_seed(0)
    assert all(map(torch.equal, once, TwoCopies().draw(20, 4)))
    assert not torch.equal(once[0], moved[0])


def test_a_pairing_is_a_name_or_an_object():
    pairing = TwoCopies()
    assert by_name(pairing) is pairing
    assert by_name("two_copies") is PAIRINGS["two_copies"]


@pytest.mark.parametrize("use", [by_name, lambda name: plan(pairing=name)])
def test_an_unknown_pairing_is_told_with_those_there_are(use):
    with pytest.raises(ValueError, match=r"pairing = 'nearest': it must be one of .*two_copies"):
        use("nearest")


# Plans


def test_a_plan_depends_on_its_arguments_alone():
    torch.manual_seed(1)
    once = plan()
    torch.manual_seed(2)
    before = torch.get_rng_state()
    again = plan()
    assert torch.equal(torch.get_rng_state(), before)
    assert all(map(torch.equal, once, again))


@pytest.mark.parametrize("change", [dict(seed=1), dict(epoch=1), dict(seed=-1), dict(seed=2**70)])
def test_another_seed_or_epoch_gives_another_plan(change):
    once, other = plan(n=50), plan(n=50, **change)
    for a, b in zip(once, other, strict=True):
        assert not torch.equal(a, b)


@given(st.integers(0, 1000), st.integers(0, 100))
def test_two_schemes_with_one_seed_meet_the_same_pairs(seed, epoch):
    plans = [plan(text, seed=seed, epoch=epoch) for text in ("ERM", "B(1,1)", "U(B(1.7,0.8))")]
    for other in plans[1:]:
        assert torch.equal(plans[0].first, other.first)
        assert torch.equal(plans[0].second, other.second)
    assert not torch.equal(plans[1].lam, plans[2].lam)


def test_dat_and_mixup_of_one_policy_differ_in_gamma_alone():
    mixed, moved = plan("B(2,1)"), plan("DAT(B(2,1))")
    assert torch.equal(mixed.lam, moved.lam)
    assert torch.equal(mixed.gamma, mixed.lam)
    assert moved.gamma.tolist() == [1] * 10


def test_the_pairing_does_not_move_the_policy():
    class Itself:
        def draw(self, n, batch_size, generator=None):
            return torch.arange(n), torch.arange(n)

    once, other = plan(), plan(pairing=Itself())
    assert other.first.tolist() == list(range(10))
    assert torch.equal(once.lam, other.lam)


def test_a_pairing_is_given_n_the_batch_size_and_a_generator_of_its_own():
    seen = []

    class Watcher:
        def draw(self, n, batch_size, generator=None):
            seen.append((n, batch_size, int(torch.randint(2**60, (), generator=generator))))
            return torch.arange(n), torch.arange(n)

    for epoch in (0, 0, 1):
        plan(pairing=Watcher(), epoch=epoch)
    assert [s[:2] for s in seen] == [(10, 4)] * 3
    assert seen[0] == seen[1] != seen[2]


def test_a_plan_has_a_lam_and_a_gamma_for_each_pair():
    scheme, got = parse("U(B(2.2,0.9))"), plan(n=200)
    assert [len(v) for v in got] == [200] * 4
    assert len(got.lam.unique()) == 200
    torch.testing.assert_close(got.gamma, scheme.weight(got.lam), atol=1e-4, rtol=0)


def test_one_lam_a_batch_also_in_the_last_smaller_batch():
    got = plan(lam_per="batch")
    for values in (got.lam, got.gamma):
        assert [len(batch) for batch in values.split(4)] == [4, 4, 2]
        assert [len(batch.unique()) for batch in values.split(4)] == [1, 1, 1]
        assert len(values.unique()) == 3
    assert torch.equal(got.first, plan(lam_per="sample").first)


@pytest.mark.parametrize("batch_size", [1, 9, 10])
@pytest.mark.parametrize("lam_per", ["sample", "batch"])
def test_every_batch_size_up_to_the_data_gives_a_whole_epoch(batch_size, lam_per):
    got = plan(batch_size=batch_size, lam_per=lam_per)
    assert [len(v) for v in got] == [10] * 4


@pytest.mark.parametrize("batch_size", [0, -1, 11])
def test_a_batch_larger_than_the_data_or_empty_is_refused(batch_size):
    told = rf"batch_size = {batch_size}: it must be between 1 and n = 10"
    with pytest.raises(ValueError, match=told):
        plan(batch_size=batch_size)


def test_an_unknown_lam_per_is_refused():
    with pytest.raises(ValueError, match=r"lam_per = 'epoch': it must be 'sample' or 'batch'"):
        plan(lam_per="epoch")
