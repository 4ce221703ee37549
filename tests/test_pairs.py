"""Pairings, plans, presets and the test of Axiom 2."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from umixup._random import generator_for
from umixup.pairs import (
    PAIRINGS,
    Exchangeability,
    Plan,
    TwoCopies,
    Weighted,
    by_name,
    check_exchangeable,
    near_labels,
    plan_epoch,
    preset,
)
from umixup.schemes import parse

FALSE_ALARM = 1e-4  # rate of each statistical test; the seeds are fixed
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


def test_by_name_takes_a_name_or_returns_an_object_as_it_is():
    pairing = TwoCopies()
    assert by_name(pairing) is pairing
    assert by_name("two_copies") is PAIRINGS["two_copies"]


@pytest.mark.parametrize("use", [by_name, lambda name: plan(pairing=name)])
def test_unknown_pairing_error_lists_the_known_ones(use):
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
def test_schemes_with_the_same_seed_meet_the_same_pairs(seed, epoch):
    plans = [plan(text, seed=seed, epoch=epoch) for text in ("ERM", "B(1,1)", "U(B(1.7,0.8))")]
    for other in plans[1:]:
        assert torch.equal(plans[0].first, other.first)
        assert torch.equal(plans[0].second, other.second)
    assert not torch.equal(plans[1].lam, plans[2].lam)


def test_pairs_and_policy_have_separate_random_streams():
    got, scheme = plan(seed=3, epoch=2), parse("U(B(2.2,0.9))")
    pairs = TwoCopies().draw(10, 4, generator_for(3, "pairs", 2))
    assert all(map(torch.equal, got, (*pairs, *scheme.draw(10, generator_for(3, "policy", 2)))))


def test_dat_and_mixup_with_the_same_policy_differ_only_in_gamma():
    mixed, moved = plan("B(2,1)"), plan("DAT(B(2,1))")
    assert torch.equal(mixed.lam, moved.lam)
    assert torch.equal(mixed.gamma, mixed.lam)
    assert moved.gamma.tolist() == [1] * 10


def test_the_pairing_does_not_change_the_draws_of_the_policy():
    class Itself:
        def draw(self, n, batch_size, generator=None):
            return torch.arange(n), torch.arange(n)

    once, other = plan(), plan(pairing=Itself())
    assert other.first.tolist() == list(range(10))
    assert torch.equal(once.lam, other.lam)


def test_a_pairing_receives_n_the_batch_size_and_its_own_generator():
    seen = []

    class Watcher:
        def draw(self, n, batch_size, generator=None):
            seen.append((n, batch_size, int(torch.randint(2**60, (), generator=generator))))
            return torch.arange(n), torch.arange(n)

    for epoch in (0, 0, 1):
        plan(pairing=Watcher(), epoch=epoch)
    assert [s[:2] for s in seen] == [(10, 4)] * 3
    assert seen[0] == seen[1] != seen[2]


def test_a_plan_has_one_lam_and_one_gamma_per_pair():
    scheme, got = parse("U(B(2.2,0.9))"), plan(n=200)
    assert [len(v) for v in got] == [200] * 4
    assert len(got.lam.unique()) == 200
    torch.testing.assert_close(got.gamma, scheme.weight(got.lam), atol=1e-4, rtol=0)


def test_one_lam_per_batch_even_in_a_smaller_last_batch():
    got = plan(lam_per="batch")
    for values in (got.lam, got.gamma):
        assert [len(batch) for batch in values.split(4)] == [4, 4, 2]
        assert [len(batch.unique()) for batch in values.split(4)] == [1, 1, 1]
        assert len(values.unique()) == 3
    assert torch.equal(got.first, plan(lam_per="sample").first)


@pytest.mark.parametrize("batch_size", [1, 9, 10])
@pytest.mark.parametrize("lam_per", ["sample", "batch"])
def test_every_batch_size_up_to_n_gives_a_full_epoch(batch_size, lam_per):
    got = plan(batch_size=batch_size, lam_per=lam_per)
    assert [len(v) for v in got] == [10] * 4


@pytest.mark.parametrize(
    ("change", "message"),
    [
        *(
            (
                dict(batch_size=size),
                rf"batch_size = {size!r}: it must be a whole number from 1 to 10",
            )
            for size in (0, -1, 11, 2.0, "4", True)
        ),
        *((dict(n=n), rf"n = {n!r}: it must be a whole number ≥ 1") for n in (0, 2.0, "10")),
        (dict(seed="0"), r"seed = '0': it must be a whole number"),
        (dict(epoch=0.5), r"epoch = 0\.5: it must be a whole number"),
        (dict(lam_per="epoch"), r"lam_per = 'epoch': it must be one of sample, batch"),
    ],
)
def test_invalid_plan_argument_error_says_what_is_allowed(change, message):
    with pytest.raises(ValueError, match=message):
        plan(**change)


@pytest.mark.parametrize("pairing", [*PAIRINGS])
@pytest.mark.parametrize("whole", [np.int64, np.int32, np.uint8])
def test_numpy_integers_give_the_same_plan(whole, pairing):
    sizes = dict(n=10, batch_size=4, seed=3, epoch=2)
    once = plan(pairing=pairing, lam_per="batch", **sizes)
    again = plan(pairing=pairing, lam_per="batch", **{k: whole(v) for k, v in sizes.items()})
    assert all(map(torch.equal, once, again))
    drawn_by = [by_name(pairing).draw(n, size, torch.Generator().manual_seed(0))
                for n, size in ((10, 4), (whole(10), whole(4)))]  # fmt: skip
    assert all(map(torch.equal, *drawn_by))


# What each pairing promises

WITHIN = ["batch_shuffle", "flip", "roll", "symmetric"]
SHUFFLED = [*WITHIN, "two_copies", "derangement"]


def drawn(name: str, n: int, batch_size: int, seed: int = 0):
    return by_name(name).draw(n, batch_size, torch.Generator().manual_seed(seed))


@given(st.sampled_from(SHUFFLED), st.integers(2, 40), st.integers(1, 40), st.integers(0, 2**31))
@settings(max_examples=30)
def test_shuffled_pairings_have_each_sample_once_on_each_side(name, n, batch_size, seed):
    for side in drawn(name, n, batch_size, seed):
        assert side.dtype == torch.int64
        assert sorted(side.tolist()) == list(range(n))


@given(st.sampled_from(WITHIN), st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**31))
@settings(max_examples=30)
def test_pairings_within_batches_keep_partners_in_the_batch(name, n, batch_size, seed):
    first, second = drawn(name, n, batch_size, seed)
    for one, two in zip(first.split(batch_size), second.split(batch_size), strict=True):
        assert sorted(one.tolist()) == sorted(two.tolist())
        if name in ("flip", "symmetric"):
            assert Plan(one, two, one, one).is_symmetric()
        if name == "flip":
            assert two.tolist() == one.tolist()[::-1]
        if name == "roll":
            assert two.tolist() == [*one.tolist()[-1:], *one.tolist()[:-1]]
        if name == "symmetric":
            assert (one == two).sum() == len(one) % 2
            assert len(one) % 2 == 0 or one[-1] == two[-1]


@pytest.mark.parametrize(
    "pairing",
    [*PAIRINGS.values(), Weighted(torch.ones(20, 20) / 400)],
    ids=lambda pairing: type(pairing).__name__,
)
def test_a_pairing_follows_its_generator_and_leaves_the_global_one_alone(pairing):
    before = torch.get_rng_state()
    one, same, other = (pairing.draw(20, 8, torch.Generator().manual_seed(s)) for s in (0, 0, 1))
    assert torch.equal(torch.get_rng_state(), before)
    assert all(map(torch.equal, one, same))
    assert not torch.equal(one[0], other[0])
    assert not torch.equal(one[1], other[1])


@given(st.integers(2, 40), st.integers(0, 2**31))
@settings(max_examples=30)
def test_a_derangement_has_no_fixed_point(n, seed):
    first, second = drawn("derangement", n, 4, seed)
    assert (first != second).all()


def test_a_derangement_of_one_sample_is_refused():
    with pytest.raises(ValueError, match=r"n = 1: a derangement needs at least 2 samples"):
        drawn("derangement", 1, 1)


def test_iid_pairs_are_uniform_over_all_pairs_and_one_way_pairs_are_in_order():
    first, second = drawn("iid", 9000, 10)
    assert ((first >= 0) & (first < 9000)).all()
    counts = torch.bincount(first // 3000 * 3 + second // 3000, minlength=9)
    assert stats.chisquare(counts).pvalue > FALSE_ALARM
    generator = torch.Generator().manual_seed(0)
    few = [by_name("iid").draw(3, 3, generator) for _ in range(600)]
    counts = sum(torch.bincount(first * 3 + second, minlength=9) for first, second in few)
    assert stats.chisquare(counts).pvalue > FALSE_ALARM
    first, second = drawn("one_way", 500, 10)
    assert (first <= second).all()


def test_weighted_pairs_have_the_probabilities_of_q():
    q = torch.tensor([[0.1, 0.4], [0.2, 0.3]], dtype=torch.float64)
    generator = torch.Generator().manual_seed(0)
    counts = sum(
        torch.bincount(a * 2 + b, minlength=4)
        for a, b in (Weighted(q).draw(2, 2, generator) for _ in range(2000))
    )
    assert stats.chisquare(counts, 4000 * q.flatten()).pvalue > FALSE_ALARM


@pytest.mark.parametrize(
    ("q", "message"),
    [
        (torch.ones(2, 3) / 6, r"shape \(2, 3\): it must be \(n, n\)"),
        (torch.ones(4) / 4, r"shape \(4,\): it must be \(n, n\)"),
        (torch.tensor([[1.5, -0.5], [0, 0]]), r"negative or NaN: they must be ≥ 0"),
        (torch.full((2, 2), torch.nan), r"negative or NaN: they must be ≥ 0"),
        (torch.ones(2, 2), r"Q sums to 4: it must sum to 1"),
    ],
)
def test_invalid_q_is_refused(q, message):
    with pytest.raises(ValueError, match=message):
        Weighted(q)


def test_weighted_refuses_another_number_of_samples_than_that_of_q():
    with pytest.raises(ValueError, match=r"n = 3: Q is for 2 samples"):
        Weighted(torch.ones(2, 2) / 4).draw(3, 1)


def test_near_labels_has_a_gaussian_kernel_in_each_row():
    labels = torch.tensor([0.0, 1.0, 5.0])
    q = near_labels(labels, 2).Q
    kernel = np.exp(-(np.subtract.outer(labels.numpy(), labels.numpy()) ** 2) / 8)
    expected = kernel / kernel.sum(axis=1, keepdims=True) / 3
    np.testing.assert_allclose(q.numpy(), expected, atol=1e-12)
    both = near_labels(labels, 2, symmetrized=True).Q
    np.testing.assert_allclose(both.numpy(), (expected + expected.T) / 2, atol=1e-12)


@pytest.mark.parametrize(
    ("shape", "bandwidth", "error", "message"),
    [
        ((3, 1), 1, ValueError, r"labels have shape \(3, 1\): it must be \(n,\)"),
        *(((3,), h, ValueError, rf"bandwidth = {h}: it must be > 0") for h in (0, -1, np.nan)),
        ((3,), "1", TypeError, r"bandwidth = '1': it must be a number, > 0"),
    ],
)
def test_near_labels_refuses_invalid_arguments(shape, bandwidth, error, message):
    with pytest.raises(error, match=message):
        near_labels(torch.zeros(shape), bandwidth)


def test_near_labels_refuses_labels_that_are_no_real_numbers():
    with pytest.raises(TypeError, match=r"labels are a list: they must be a torch\.Tensor"):
        near_labels([1.0, 2.0], 1)
    with pytest.raises(ValueError, match="labels hold NaN or ∞"):
        near_labels(torch.tensor([1.0, float("nan")]), 1)


def test_near_labels_of_no_width_pair_equals_alone():
    expected = torch.tensor([[0.5, 0.5, 0], [0.5, 0.5, 0], [0, 0, 1]]).double() / 3
    torch.testing.assert_close(near_labels(torch.tensor([1.0, 1.0, 2.0]), 1e-300).Q, expected)


def test_near_labels_takes_numpy_numbers_and_an_infinite_bandwidth():
    labels = torch.tensor([0.0, 1.0, 5.0])
    assert torch.equal(near_labels(labels, np.float32(2)).Q, near_labels(labels, 2).Q)
    torch.testing.assert_close(near_labels(labels, np.inf).Q, torch.ones(3, 3).double() / 9)


# Presets


@pytest.mark.parametrize(
    ("library", "pairing", "lam_per"),
    [
        ("mixup-cifar10", "batch_shuffle", "batch"),
        ("timm-batch", "flip", "batch"),
        ("timm-elem", "flip", "sample"),
        ("torchvision", "roll", "batch"),
        ("fastai", "batch_shuffle", "sample"),
        ("paper", "two_copies", "sample"),
    ],
)
def test_a_preset_draws_as_the_library_does(library, pairing, lam_per):
    found = preset(library, 0.4)
    assert found[1:] == (pairing, lam_per)
    policy = found.scheme.policy
    assert repr(getattr(policy, "base", policy)) == "B(0.4,0.4)"
    lam, gamma = found.scheme.draw(500, torch.Generator().manual_seed(0))
    assert torch.equal(lam, gamma)
    assert (lam >= 0.5).all().item() == (library == "fastai")


def test_an_unknown_library_is_refused():
    with pytest.raises(ValueError, match=r"library = 'keras': it must be one of .*timm-batch"):
        preset("keras", 1)


# Symmetry


def test_a_sequence_is_symmetric_if_each_pair_occurs_as_often_as_its_mirror():
    def symmetric(*pairs):
        first, second = torch.tensor(pairs, dtype=torch.int64).reshape(-1, 2).T
        return Plan(first, second, first, first).is_symmetric()

    assert symmetric((0, 1), (1, 0), (2, 2))
    assert symmetric((0, 1), (0, 1), (1, 0), (1, 0))
    assert symmetric()
    assert not symmetric((0, 1))
    assert not symmetric((0, 1), (0, 1), (1, 0))
    assert not symmetric((0, 1), (1, 2), (2, 0))


@pytest.mark.parametrize("n", [12, 7])
@pytest.mark.parametrize("name", ["two_copies", "batch_shuffle", "iid", "symmetric", "flip",
                                  "roll", "derangement"])  # fmt: skip
def test_exchangeable_pairings_pass(name, n):
    found = check_exchangeable(name, n, batch_size=5, generator=torch.Generator().manual_seed(0))
    assert found
    assert found.p_value >= 1e-3


def test_one_way_pairs_fail():
    found = check_exchangeable("one_way", generator=torch.Generator().manual_seed(0))
    assert not found
    assert found.worst_pair[0] < found.worst_pair[1]


def test_with_a_known_q_the_check_is_exact_and_names_the_worst_pair():
    q = torch.tensor([[0.1, 0.1, 0.1], [0.1, 0.1, 0.05], [0.1, 0.25, 0.1]])
    found = check_exchangeable(Weighted(q))
    assert not found
    assert found.p_value == 0
    assert found.worst_pair == (2, 1)
    assert check_exchangeable(Weighted((q + q.T) / 2)).p_value == 1
    labels = torch.tensor([0.0, 1.0, 5.0, 5.5])
    assert not check_exchangeable(near_labels(labels, 1))
    assert check_exchangeable(near_labels(labels, 1, symmetrized=True))


def test_the_level_decides_and_the_p_value_is_never_zero():
    assert Exchangeability(0.01, (0, 1), 0.01)
    assert not Exchangeability(0.01, (0, 1), 0.02)
    found = check_exchangeable("one_way", level=0.002, generator=torch.Generator().manual_seed(0))
    assert found.p_value == 1 / 2001
    assert not found


def test_the_check_uses_its_generator_and_batch_size():
    seen = set()

    class Watcher:
        def draw(self, n, batch_size, generator=None):
            seen.add((n, batch_size))
            return TwoCopies().draw(n, batch_size, generator)

    before = torch.get_rng_state()
    once, again, other = (
        check_exchangeable(Watcher(), 7, batch_size=3, generator=torch.Generator().manual_seed(s))
        for s in (0, 0, 1)
    )
    assert torch.equal(torch.get_rng_state(), before)
    assert once == again != other
    assert seen == {(7, 3)}


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        *(
            (dict(n=n), ValueError, rf"n = {n!r}: .* whole number from 2 to 16")
            for n in (1, 17, "3")
        ),
        (dict(epochs=19), ValueError, r"epochs = 19: it must be a whole number ≥ 20"),
        (dict(batch_size=0), ValueError, r"batch_size = 0: it must be a whole number ≥ 1"),
        *(
            (dict(level=level), ValueError, r"level = .*: it must be from 0\.001 to below 1")
            for level in (0, 1e-4, 1, 2.0, np.nan)
        ),
        (dict(level="0.01"), TypeError, r"level = '0\.01': it must be a number"),
    ],
)
def test_the_check_refuses_invalid_arguments(options, error, message):
    with pytest.raises(error, match=message):
        check_exchangeable("iid", **options)


def test_the_check_takes_numpy_numbers():
    options = dict(n=7, batch_size=3, epochs=30, level=0.5)
    once, again = (
        check_exchangeable("roll", **given_, generator=torch.Generator().manual_seed(0))
        for given_ in (options, {k: np.array(v)[()] for k, v in options.items()})
    )
    assert once == again


class Drawing:
    def __init__(self, first, second):
        self.drawn = first, second

    def draw(self, n, batch_size, generator=None):
        return self.drawn


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        (torch.zeros(4), torch.zeros(4), r"first as torch\.float32 \(4,\)"),
        (torch.arange(4), torch.arange(3), r"second as torch\.int64 \(3,\)"),
        (torch.arange(4), torch.arange(1, 5), r"a second outside 0 … 3"),
        (torch.arange(-1, 3), torch.arange(4), r"a first outside 0 … 3"),
    ],
)
def test_invalid_indices_from_a_pairing_are_refused(first, second, message):
    with pytest.raises(ValueError, match=message):
        plan(pairing=Drawing(first, second), n=4)


def test_near_labels_handles_many_samples():
    first, second = near_labels(torch.linspace(0, 1, 5000), 0.01).draw(5000, 128)
    assert first.shape == second.shape == (5000,)
    assert (first - second).abs().double().mean() < 100  # of 5,000: near ones
