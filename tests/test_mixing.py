"""Mixing against torchvision, timm and a naive loop; the drop-ins."""

from __future__ import annotations

import copy
import json
import pickle
import re
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import DataLoader, TensorDataset, default_collate
from torchvision import tv_tensors
from torchvision.transforms import v2

from umixup.mixing import DAT, MixUp, Parts, UMixUp, accuracy, mix
from umixup.policies import Beta
from umixup.schemes import erm, parse


def draw(seed: int, *shape: int, dtype=torch.float64) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64).to(dtype)


def test_mix_agrees_with_torchvision():
    images, labels = draw(0, 6, 3, 4, 4, dtype=torch.float32), torch.arange(6)
    torch.manual_seed(0)
    expected, targets = v2.MixUp(alpha=1.0, num_classes=6)(images, labels)
    lam = targets.diagonal()  # labels differ within the batch, so these are its λ
    one_hot = F.one_hot(labels, 6).float()
    torch.testing.assert_close(mix(images, images.roll(1, 0), lam), expected)
    torch.testing.assert_close(mix(one_hot, one_hot.roll(1, 0), lam), targets)


@given(
    st.integers(0, 2**31),
    st.lists(st.floats(0, 1), min_size=1, max_size=5),
    st.sampled_from([(), (3,), (2, 3), (1, 4, 4)]),
)
def test_mix_agrees_with_a_naive_loop(seed, lam, shape):
    x, x2 = draw(seed, len(lam), *shape), draw(seed + 1, len(lam), *shape)
    expected = torch.stack(
        [t * a + (1 - t) * b for t, a, b in zip(lam, x.unbind(), x2.unbind(), strict=True)]
    )
    got = mix(x, x2, torch.tensor(lam, dtype=torch.float64))
    torch.testing.assert_close(got, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_mix_is_exact_at_both_ends_and_keeps_the_dtype(dtype):
    x, x2 = draw(0, 2, 5, dtype=dtype), draw(1, 2, 5, dtype=dtype)
    got = mix(x, x2, torch.tensor([1.0, 0.0]))
    assert got.dtype == dtype
    assert torch.equal(got[0], x[0])
    assert torch.equal(got[1], x2[1])


def test_half_precision_images_are_mixed_in_the_precision_of_lam():
    x, x2 = torch.full((1, 1), 1.0, dtype=torch.bfloat16), torch.zeros(1, 1, dtype=torch.bfloat16)
    lam = torch.tensor([0.7001])
    assert torch.equal(mix(x, x2, lam), lam.to(torch.bfloat16)[:, None])
    wide = mix(x.float(), x2.float(), lam.double())
    assert wide.dtype == torch.float32
    assert wide.item() == lam.item()


@pytest.mark.parametrize(("dtype", "wide"), [
    (torch.float16, torch.float32), (torch.bfloat16, torch.float32),
    (torch.float32, torch.float64),
])  # fmt: skip
def test_lam_wider_than_the_images_is_not_rounded_to_their_dtype(dtype, wide):
    x, x2 = draw(0, 9, 50, dtype=dtype), draw(1, 9, 50, dtype=dtype)
    lam = torch.linspace(0.1, 0.9, 9, dtype=wide)
    expected = mix(x.to(wide), x2.to(wide), lam).to(dtype)
    assert torch.equal(mix(x, x2, lam), expected)
    assert not torch.equal(mix(x, x2, lam.to(dtype)), expected)


def test_mix_changes_neither_argument():
    x, x2, lam = draw(0, 2, 3), draw(1, 2, 3), torch.tensor([0.3, 0.6])
    copies = [v.clone() for v in (x, x2, lam)]
    mix(x, x2, lam)
    assert all(map(torch.equal, (x, x2, lam), copies))


def test_gradients_flow_to_both_samples_and_to_lam():
    x, x2 = draw(0, 2, 3).requires_grad_(), draw(1, 2, 3).requires_grad_()
    lam = torch.tensor([0.25, 0.75], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(mix, (x, x2, lam))


def test_mix_keeps_channels_last():
    x = draw(0, 2, 3, 4, 4, dtype=torch.float32).to(memory_format=torch.channels_last)
    assert mix(x, x, torch.tensor([0.5, 0.5])).is_contiguous(memory_format=torch.channels_last)


def test_mixing_an_empty_batch_gives_an_empty_batch():
    empty = torch.zeros(0, 3)
    assert mix(empty, empty, torch.zeros(0)).shape == (0, 3)


def test_integer_images_are_refused():
    x = torch.zeros(2, 3, dtype=torch.uint8)
    with pytest.raises(TypeError, match="only floating Tensors can be mixed"):
        mix(x, x, torch.ones(2))


@pytest.mark.parametrize(
    ("x", "x2", "lam"), [((2, 3), (2, 4), (2,)), ((2, 3), (2, 3), (3,)), ((2, 3), (2, 3), (2, 1))]
)
def test_shapes_that_do_not_fit_are_refused(x, x2, lam):
    with pytest.raises(ValueError, match=r"they must be \(B, …\), \(B, …\) and \(B,\)") as error:
        mix(torch.zeros(x), torch.zeros(x2), torch.zeros(lam))
    assert f"x {x}, x2 {x2}, lam {lam}" in str(error.value)


@given(st.integers(0, 2**31), st.integers(1, 7))
@settings(max_examples=30)
def test_mix_commutes_with_a_permutation_of_the_batch(seed, batch):
    generator = torch.Generator().manual_seed(seed)
    x, lam = draw(seed, batch, 2, 3), torch.rand(batch, generator=generator, dtype=torch.float64)
    second = torch.randperm(batch, generator=generator)
    order = torch.randperm(batch, generator=generator)
    mixed = mix(x, x[second], lam)
    assert torch.equal(mix(x[order], x[second][order], lam[order]), mixed[order])


# torchvision and timm


def labelled(batch: int, kind: str, classes: int = 5) -> torch.Tensor:
    """Class numbers (B,), probability vectors (B, C), or several classes for each sample."""
    generator = torch.Generator().manual_seed(batch)
    if kind == "classes":
        return torch.randint(classes, (batch,), generator=generator)
    if kind == "vectors":
        return torch.rand(batch, classes, generator=generator).softmax(dim=1)
    return torch.randint(2, (batch, classes), generator=generator).float()


KINDS = ["classes", "vectors", "multi-label"]


@pytest.mark.parametrize("lam", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("batch", [1, 4, 7])
def test_torchvisions_mixup_is_mix_with_the_sample_before(batch, kind, lam):
    images, labels = draw(0, batch, 3, 4, 4, dtype=torch.float32), labelled(batch, kind)
    theirs = v2.MixUp(num_classes=5)
    theirs.make_params = lambda _: {"lam": lam}
    expected, targets = theirs(images, labels)
    y, lams = UMixUp("B(1,1)", num_classes=5).targets(labels), torch.full((batch,), lam)
    torch.testing.assert_close(mix(images, images.roll(1, 0), lams), expected)
    torch.testing.assert_close(mix(y, y.roll(1, 0), lams), targets)


@pytest.mark.parametrize("batch", [2, 8])
@pytest.mark.parametrize("multi_label", [False, True])
@pytest.mark.parametrize("mode", ["batch", "elem"])
def test_timms_mixup_is_mix_with_the_reversed_batch(mode, multi_label, batch):
    timm = pytest.importorskip("timm.data.mixup")
    images = draw(0, batch, 3, 4, 4, dtype=torch.float32)
    labels = labelled(batch, "multi-label" if multi_label else "classes")
    lam = torch.rand(batch, generator=torch.Generator().manual_seed(1))
    lam = lam if mode == "elem" else lam[:1].expand(batch)
    theirs = timm.Mixup(mode=mode, label_smoothing=0.0, num_classes=5, multi_label=multi_label)
    theirs._params_per_batch = lambda: (lam[0].item(), False)
    theirs._params_per_elem = lambda n: (lam.numpy().copy(), np.zeros(n, dtype=bool))
    expected, targets = theirs(images.clone(), labels)  # it mixes in place
    y = UMixUp("B(1,1)", num_classes=5).targets(labels)
    torch.testing.assert_close(mix(images, images.flip(0), lam), expected)
    torch.testing.assert_close(mix(y, y.flip(0), lam), targets)


# The drop-ins


def mixer(text: str = "U(B(2.2,0.9))", num_classes: int | None = 5, **options) -> UMixUp:
    return UMixUp(text, num_classes, **{"seed": 0, **options})


def partners(images: torch.Tensor, mixed: torch.Tensor, lam: torch.Tensor) -> list[int]:
    """Which sample each was mixed with: the one that explains it best."""
    candidates = torch.stack([mix(images, images[[k]].expand_as(images), lam)
                              for k in range(len(images))], dim=1)  # fmt: skip
    return (candidates - mixed[:, None]).flatten(2).abs().sum(dim=2).argmin(dim=1).tolist()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("lam_per", ["sample", "batch"])
@pytest.mark.parametrize("batch", [1, 2, 7])
def test_a_batch_is_mixed_with_its_own_shuffle_and_targets_by_gamma(batch, lam_per, kind):
    images, labels = draw(0, batch, 3, 4, 4, dtype=torch.float32), labelled(batch, kind)
    copies = images.clone(), labels.clone()
    mixed, targets = mixer(lam_per=lam_per)(images, labels)
    again, parts = mixer(lam_per=lam_per)(images, labels, parts=True)
    assert torch.equal(images, copies[0])
    assert torch.equal(labels, copies[1])
    assert torch.equal(mixed, again)
    assert mixed.shape == images.shape
    assert targets.shape == parts.y.shape == parts.y2.shape == (batch, 5)
    assert parts.lam.shape == parts.gamma.shape == (batch,)
    torch.testing.assert_close(targets, mix(parts.y, parts.y2, parts.gamma))
    expected = F.one_hot(labels, 5).float() if kind == "classes" else labels
    assert torch.equal(parts.y, expected)
    second = partners(images, mixed, parts.lam)
    assert sorted(second) == list(range(batch))
    torch.testing.assert_close(mixed, mix(images, images[second], parts.lam))
    assert torch.equal(parts.y2, expected[second])
    weight = parse("U(B(2.2,0.9))").weight
    torch.testing.assert_close(parts.gamma, weight(parts.lam), atol=1e-4, rtol=0)
    assert len(parts.lam.unique()) == (batch if lam_per == "sample" else 1)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("vectors", [False, True])
def test_images_keep_their_dtype_and_targets_are_float32_or_wider(dtype, vectors):
    images = draw(0, 6, 3, 4, 4, dtype=dtype)
    labels = labelled(6, "vectors").to(dtype) if vectors else labelled(6, "classes")
    mixed, targets = mixer()(images, labels)
    assert mixed.dtype == dtype
    assert targets.dtype == (torch.float64 if vectors and dtype.itemsize == 8 else torch.float32)
    _, wide = mixer()(images.double(), labels)
    torch.testing.assert_close(targets, wide.to(targets.dtype))
    parts = mixer()(images, labels, parts=True)[1]
    assert {v.dtype for v in (parts.lam, parts.gamma)} == {torch.float32}


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int32, torch.int64])
def test_class_numbers_of_every_integer_dtype_become_one_hot_targets(dtype):
    labels = labelled(6, "classes").to(dtype)
    assert torch.equal(mixer().targets(labels), F.one_hot(labels.long(), 5).float())


def test_half_precision_target_vectors_are_widened():
    got = mixer(num_classes=None).targets(labelled(3, "vectors").bfloat16())
    assert got.dtype == torch.float32


def test_erm_leaves_images_and_one_hot_labels_unchanged():
    images, labels = draw(0, 7, 3, 4, 4, dtype=torch.float32), labelled(7, "classes")
    for scheme in ("ERM", erm()):
        mixed, targets = UMixUp(scheme, num_classes=5)(images, labels)
        assert torch.equal(mixed, images)
        assert torch.equal(targets, F.one_hot(labels, 5).float())


def test_dat_keeps_labels_and_mixup_weighs_labels_like_images():
    images, labels = draw(0, 7, 3, 4, 4, dtype=torch.float32), labelled(7, "classes")
    moved, targets = DAT(Beta(2, 1), 5, seed=0)(images, labels)
    assert not torch.equal(moved, images)
    assert torch.equal(targets, F.one_hot(labels, 5).float())
    _, parts = MixUp(0.4, 5, seed=0)(images, labels, parts=True)
    assert torch.equal(parts.gamma, parts.lam)
    once, again = MixUp(0.4, 5, seed=0), UMixUp("B(0.4,0.4)", 5, seed=0)
    assert torch.equal(once(images, labels)[0], again(images, labels)[0])


@pytest.mark.parametrize("lam_per", ["sample", "batch"])
def test_a_drop_in_keeps_channels_last(lam_per):
    images = torch.rand(7, 3, 4, 4).to(memory_format=torch.channels_last)
    mixed, _ = UMixUp("B(1,1)", 5, lam_per=lam_per, seed=0)(images, torch.arange(7) % 5)
    assert mixed.is_contiguous(memory_format=torch.channels_last)
    plain, _ = UMixUp("B(1,1)", 5, lam_per=lam_per, seed=0)(
        images.contiguous(), torch.arange(7) % 5
    )
    assert torch.equal(mixed, plain)


def test_gradients_flow_through_a_drop_in():
    images = torch.rand(4, 3, requires_grad=True)
    mixed, targets = UMixUp("B(1,1)", seed=0)(images, torch.eye(4).requires_grad_())
    mixed.sum().backward()
    torch.testing.assert_close(images.grad.sum(), torch.tensor(12.0))
    assert targets.requires_grad


DROP_INS = {
    "UMixUp": lambda *args, **options: UMixUp("B(2,2)", *args, **options),
    "MixUp": lambda *args, **options: MixUp(2, *args, **options),
    "DAT": lambda *args, **options: DAT(Beta(2, 2), *args, **options),
}


@pytest.mark.parametrize("make", DROP_INS.values(), ids=DROP_INS)
def test_every_drop_in_takes_every_option(make):
    images, labels = torch.rand(4, 3), torch.arange(4)

    def drawn(**options):
        return make(5, **options)(images, labels, parts=True)[1].lam.tolist()

    assert len(set(drawn(lam_per="batch"))) == 1
    assert len(set(drawn(lam_per="sample"))) == 4
    assert drawn(seed=3) == drawn(seed=3)
    generators = (torch.Generator().manual_seed(3) for _ in range(2))
    assert drawn(generator=next(generators)) == drawn(generator=next(generators))


def test_repr_shows_the_scheme():
    assert repr(UMixUp("U(B(2.20,0.9))")) == "UMixUp('U(B(2.2,0.9))', num_classes=None)"
    assert repr(MixUp(1, num_classes=3)) == "UMixUp('B(1,1)', num_classes=3)"
    assert repr(DAT(Beta(2, 1), 3)) == "UMixUp('DAT(B(2,1))', num_classes=3)"


# Where the drop-ins draw from

IMAGES = draw(0, 6, 1, 2, 2, dtype=torch.float32)
LABELS = labelled(6, "classes")


def lams(mixer: UMixUp, times: int = 2) -> list[float]:
    return [v for _ in range(times) for v in mixer(IMAGES, LABELS, parts=True)[1].lam.tolist()]


@pytest.mark.parametrize("seed", [0, -1, 2**70])
def test_the_seed_determines_the_draws(seed):
    once = lams(mixer(seed=seed))
    assert once == lams(mixer(seed=seed))
    assert len(set(once)) == 12
    assert not set(once) & set(lams(mixer(seed=seed + 1)))


@pytest.mark.parametrize("variable", ["RANK", "SLURM_PROCID"])
def test_another_rank_draws_differently(monkeypatch, variable):
    one = mixer()
    seen = []
    for rank in (None, "0", "1", "2"):
        if rank is not None:
            monkeypatch.setenv(variable, rank)
        else:
            monkeypatch.delenv(variable, raising=False)
        seen.append(lams(mixer()))
    assert seen[0] == seen[1]
    assert len({v for series in seen[1:] for v in series}) == 36
    # and also one that had drawn before the rank was known
    monkeypatch.setenv(variable, "0")
    assert lams(one) == seen[1]
    monkeypatch.setenv(variable, "1")
    assert lams(one) == seen[2]


def test_a_forked_process_starts_its_draws_again(monkeypatch):
    one = mixer()
    once = lams(one)
    monkeypatch.setattr("os.getpid", lambda: -1)
    assert lams(one) == once


@pytest.mark.parametrize("options", [dict(seed=0), dict(generator=True)])
def test_with_a_seed_or_a_generator_the_global_one_plays_no_part(options):
    def make():
        given = dict(generator=torch.Generator().manual_seed(3)) if "generator" in options else {}
        return UMixUp("U(B(2.2,0.9))", 5, **{**options, **given})

    with torch.random.fork_rng():
        torch.manual_seed(1)
        before = torch.get_rng_state()
        once = lams(make())
        assert torch.equal(torch.get_rng_state(), before)
        torch.manual_seed(2)
        assert lams(make()) == once


def test_a_given_generator_advances():
    generator = torch.Generator().manual_seed(0)
    one = UMixUp("B(1,1)", 5, generator=generator)
    before = generator.get_state()
    once, moved = lams(one, 1), lams(one, 1)
    assert once != moved
    generator.set_state(before)
    assert lams(one, 1) == once


def test_with_neither_the_global_generator_advances():
    one = UMixUp("B(1,1)", 5)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        before = torch.get_rng_state()
        once = lams(one)
        assert not torch.equal(torch.get_rng_state(), before)
        torch.manual_seed(0)
        assert lams(one) == once


@pytest.mark.process
@pytest.mark.parametrize("lam_per", ["sample", "batch"])
@pytest.mark.parametrize("seed", [None, 0])
def test_two_loader_workers_draw_different_lam(seed, lam_per):
    one = UMixUp("B(1,1)", 5, seed=seed, lam_per=lam_per)
    loader = DataLoader(
        TensorDataset(IMAGES, LABELS), batch_size=3, num_workers=2,
        collate_fn=lambda batch: one(*default_collate(batch), parts=True),
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(0)
        first, second = (parts.lam for _, parts in loader)
    assert first.shape == second.shape == (3,)
    assert not set(first.tolist()) & set(second.tolist())


class Collate:
    """A ``collate_fn`` that can be pickled: what spawned workers ask for."""

    def __init__(self, one: UMixUp) -> None:
        self.one = one

    def __call__(self, batch):
        return self.one(*default_collate(batch), parts=True)


@pytest.mark.process
@pytest.mark.parametrize("make", [
    lambda: UMixUp("U(B(2.2,0.9))", 5), lambda: MixUp(0.4, 5, seed=0),
    lambda: UMixUp("UMixUp(0.5*B(1,1)+0.5*P(1),CDF(2,1))", 5, seed=0),
], ids=["global", "seed", "mixture"])  # fmt: skip
def test_spawned_loader_workers_draw_different_lam(make):
    loader = DataLoader(
        TensorDataset(IMAGES, LABELS), batch_size=3, num_workers=2,
        multiprocessing_context="spawn", collate_fn=Collate(make()),
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(0)
        (_, first), (_, second) = loader
    inside = [{v for v in parts.lam.tolist() if v < 1} for parts in (first, second)]
    assert all(inside)
    assert not inside[0] & inside[1]
    torch.testing.assert_close(first.y, torch.eye(5)[LABELS[:3]])


@pytest.mark.process
def test_loader_workers_and_the_main_process_draw_differently_with_one_seed():
    one = mixer("B(1,1)")
    own = set(lams(one))
    data = TensorDataset(IMAGES, LABELS)
    loader = DataLoader(
        data, 3, num_workers=2, collate_fn=lambda batch: one(*default_collate(batch), parts=True)
    )
    theirs = {v for _, parts in loader for v in parts.lam.tolist()}
    assert not own & theirs


@pytest.mark.process
@pytest.mark.parametrize("persistent", [False, True])
@pytest.mark.parametrize("seed", [None, 0])
def test_loader_workers_draw_differently_in_each_epoch(seed, persistent):
    one = UMixUp("B(1,1)", 5, seed=seed)
    loader = DataLoader(
        TensorDataset(IMAGES, LABELS), batch_size=3, num_workers=1, persistent_workers=persistent,
        collate_fn=lambda batch: one(*default_collate(batch), parts=True),
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(0)
        epochs = [{v for _, parts in loader for v in parts.lam.tolist()} for _ in range(2)]
    assert [len(epoch) for epoch in epochs] == [6, 6]
    assert not epochs[0] & epochs[1]


@pytest.mark.parametrize("make", DROP_INS.values(), ids=DROP_INS)
@pytest.mark.parametrize("copied", [copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_a_copy_goes_on_where_the_mixer_is(make, copied):
    one = make(5, seed=3)
    assert lams(copied(one)) == lams(make(5, seed=3))
    for _ in range(2):
        lams(one)
        two = copied(copied(one))
        assert repr(two) == repr(one)
        assert type(two) is type(one)
        assert lams(two) == lams(one)


@pytest.mark.process
def test_a_pickled_mixer_begins_anew_in_another_process(run_python, tmp_path):
    one = MixUp(0.4, 5, seed=3)
    expected = lams(MixUp(0.4, 5, seed=3), 1)
    lams(one)
    (tmp_path / "mixer").write_bytes(pickle.dumps(one))
    code = (
        "import pickle, torch\n"
        f"one = pickle.loads(open({str(tmp_path / 'mixer')!r}, 'rb').read())\n"
        f"n = {len(expected)}\n"
        "_, parts = one(torch.zeros(n, 1), torch.zeros(n, dtype=int), parts=True)\n"
        "print(parts.lam.tolist())"
    )
    assert json.loads(run_python(code)) == expected


def test_a_mixer_without_a_seed_can_be_pickled_after_a_call():
    one = UMixUp("UMixUp(0.5*B(1,1)+0.5*P(1),S(2))", 5)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        once = lams(one)
        torch.manual_seed(0)
        assert lams(pickle.loads(pickle.dumps(one))) == once


def test_threads_that_share_a_new_mixer_draw_no_batch_twice():
    for seed in range(20):
        mixer, together = MixUp(1, 5, seed=seed), threading.Barrier(8)

        def draw(_: int, mixer=mixer, together=together) -> tuple[float, ...]:
            together.wait(60)
            return tuple(lams(mixer))

        with ThreadPoolExecutor(8) as pool:
            assert len(set(pool.map(draw, range(8)))) == 8


# What they refuse

SETTINGS = [
    ("prob", -1, "prob = -1: it must be in"),
    ("lam_per", "epoch", "lam_per = 'epoch': it must be one of sample, batch"),
    ("mixup_enabled", "no", "mixup_enabled = 'no': it must be one of True, False"),
    ("pairing", "flop", "pairing = 'flop': it must be one of"),
    ("scheme", "B(1,-1)", "beta = -1"),
    ("num_classes", 0, "num_classes = 0: it must be a whole number ≥ 1"),
    ("integers", {"mask": "or"}, "integers = 'or': it must be one of keep, union, intersection"),
    ("ignore_index", 10**30, "ignore_index = 1000000000000000000000000000000: it must be"),
    ("ignore_index", "x", "ignore_index = 'x'"),
]


@pytest.mark.parametrize(("name", "value", "message"), SETTINGS)
def test_an_attribute_is_checked_whenever_it_is_set(name, value, message):
    mixer = UMixUp("B(1,1)", 5, seed=0)
    before = getattr(mixer, name)
    with pytest.raises(ValueError, match=message):
        setattr(mixer, name, value)
    assert getattr(mixer, name) is before
    if name == "mixup_enabled":  # not an argument
        return
    with pytest.raises(ValueError, match=message):
        UMixUp(**{"scheme": "B(1,1)", "num_classes": 5, name: value})


def test_text_that_is_set_later_is_read():
    mixer = UMixUp("B(1,1)", 5, seed=0)
    mixer.scheme, mixer.pairing = "ERM", "flip"
    x = torch.rand(4, 3)
    mixed, parts = mixer(x, torch.tensor([0, 1, 2, 3]), parts=True)
    assert torch.equal(mixed, x)
    assert (parts.second[parts.second] == torch.arange(4)).all()  # partners of each other
    assert (parts.second != torch.arange(4)).all()
    mixer.mixup_enabled = np.bool_(False)
    assert mixer.mixup_enabled is False


def test_the_seed_stays():
    mixer = UMixUp("B(1,1)", 5, seed=0)
    mixer.seed = 0
    with pytest.raises(AttributeError, match="seed = 7: it cannot be changed; make another mixer"):
        mixer.seed = 7
    with pytest.raises(AttributeError, match="seed = 7"):
        UMixUp("B(1,1)", 5).seed = 7


@pytest.mark.parametrize(
    "change", [{"generator": None}, {"generator": torch.zeros(3)}, {"epoch": "x"}]
)
def test_a_damaged_state_leaves_the_mixer_as_it_is(change):
    mixer, other = (MixUp(1, 5, seed=0) for _ in range(2))
    mixer.set_epoch(2), other.set_epoch(5)
    lams(mixer), lams(other)
    with pytest.raises(ValueError, match="state: it is damaged"):
        mixer.load_state_dict({**other.state_dict(), **change})
    again = MixUp(1, 5, seed=0)
    again.set_epoch(2)
    lams(again)
    assert lams(mixer) == lams(again)


@pytest.mark.parametrize(
    ("drawn", "error", "message"),
    [
        (None, TypeError, "it drew None in place of two tensors"),
        ((torch.arange(4.0), torch.arange(4.0)), TypeError, "it drew torch.float32"),
        (([0, 1, 2, 3], [3, 2, 1, 0]), TypeError, "it drew list in place of int64 tensors"),
        ((torch.arange(3), torch.arange(3)), ValueError, "for a batch of 4 it drew 3 numbers"),
        ((torch.arange(4), torch.arange(4) + 1), ValueError, "it drew 4 numbers from 1 to 4"),
    ],
)
def test_a_pairing_that_draws_something_else_is_named(drawn, error, message):
    class Odd:
        def draw(self, n, batch_size, generator=None):
            return drawn

        def __repr__(self):
            return "Odd()"

    mixer = UMixUp("B(1,1)", 5, pairing=Odd())
    with pytest.raises(error, match=rf"pairing = Odd\(\): .*{message}"):
        mixer(torch.rand(4, 3), torch.tensor([0, 1, 2, 3]))


def test_more_classes_than_memory_holds_are_named():
    with pytest.raises(ValueError, match=r"num_classes = 1000000000000: .* do not fit into memory"):
        UMixUp("B(1,1)", 10**12)(torch.rand(4, 3), torch.tensor([0, 1, 2, 3]))


@pytest.mark.parametrize("dtype", [torch.uint16, torch.uint32, torch.uint64])
def test_unsigned_class_numbers_become_targets(dtype):
    y = torch.tensor([0, 1, 4]).to(dtype)
    mixer = UMixUp("B(1,1)", 5)
    assert torch.equal(mixer.targets(y), F.one_hot(y.long(), 5).float())
    with pytest.raises(ValueError, match="labels from 0 to 5: they must be in 0 … 4"):
        mixer.targets(torch.tensor([0, 5]).to(dtype))


def test_inputs_on_meta_go_with_labels_on_the_cpu():
    y = torch.tensor([0, 1, 2])
    mixed, parts = UMixUp("B(1,1)", 5, seed=0)(torch.empty(3, 2, device="meta"), y, parts=True)
    assert mixed.shape == (3, 2)
    assert torch.equal(parts.y, F.one_hot(y, 5).float())
    assert parts.lam.device.type == "cpu"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(lam_per="pair"), r"lam_per = 'pair': it must be one of sample, batch"),
        *(
            (dict(num_classes=v), rf"num_classes = {v!r}: it must be a whole number ≥ 1")
            for v in (0, 1.5, "5", True)
        ),
        *((dict(seed=v), rf"seed = {v!r}: it must be a whole number") for v in (0.5, "0", False)),
        (dict(seed=0, generator=torch.Generator()), r"seed = 0 and a generator: give one of them"),
    ],
)
@pytest.mark.parametrize("make", DROP_INS.values(), ids=DROP_INS)
def test_invalid_option_error_says_what_is_allowed(make, options, message):
    with pytest.raises(ValueError, match=message):
        make(**options)


@pytest.mark.parametrize("make", DROP_INS.values(), ids=DROP_INS)
def test_numpy_numbers_are_options_like_pythons(make):
    one, other = make(5, seed=3), make(np.int64(5), seed=np.int64(3))
    assert repr(one) == repr(other)
    for a, b in zip(one(IMAGES, LABELS), other(IMAGES, LABELS), strict=True):
        assert torch.equal(a, b)


def test_invalid_scheme_text_is_refused():
    with pytest.raises(ValueError, match="position 0"):
        UMixUp("mixup", 10)


@pytest.mark.parametrize(
    ("images", "labels", "classes", "error", "message"),
    [
        ((0, 3), torch.zeros(0, dtype=torch.int64), 5, ValueError, r"inputs \(0, 3\).*is empty"),
        (
            (2, 3),
            torch.tensor([0, 1, 2]),
            5,
            ValueError,
            r"\(2, 3\), \(3,\)\]: all must have the same length",
        ),
        ((2, 3), torch.zeros(3, 5), 5, ValueError, r"\(3, 5\)\]: all must have the same length"),
        ((2, 3), torch.tensor(1), 5, ValueError, r"\(\)\]: all must have the same length"),
        ((2, 3), torch.tensor([0, 5]), 5, ValueError, r"labels from 0 to 5: .* in 0 … 4"),
        ((2, 3), torch.tensor([-1, 4]), 5, ValueError, r"labels from -1 to 4: .* in 0 … 4"),
        ((2, 3), torch.tensor([-9, 4]), 5, ValueError, r"for no label, give ignore_index=-9"),
        ((2, 3), torch.tensor([0, 1]), 1, ValueError, r"labels\.float\(\)\[:, None\]"),
        ((2, 3), torch.tensor([0, 1]), None, ValueError, r"labels\.float\(\)\[:, None\]"),
        ((2, 3), torch.tensor([True, False]), None, TypeError, r"labels\.float\(\)\[:, None\]"),
        ((2, 3), torch.zeros(2, 4, 4).long(), None, ValueError, r"num_classes is missing"),
        ((2, 3), torch.full((2, 4), 7), None, ValueError, r"labels\[parts\.second\]"),
        ((2, 3), torch.tensor([0.0, 1.0]), 5, TypeError, r"labels are torch\.float32 \(2,\)"),
        ((2, 3), torch.tensor([True, False]), 5, TypeError, r"labels are torch\.bool \(2,\)"),
        ((2, 3), torch.ones(2, 4, dtype=torch.bool), 5, ValueError, r"\(2, 4\): num_classes is 5"),
        ((2, 3), torch.full((2, 5), 2), 5, ValueError, r"torch\.int64 \(2, 5\) from 2 to 2"),
        ((2, 3), torch.ones(2, 1, dtype=torch.int64), 5, TypeError, r"labels\[:, 0\]"),
        ((2, 3), torch.ones(2, 1, dtype=torch.int64), None, TypeError, r"labels\[:, 0\]"),
        ((2, 3), torch.ones(2), 5, TypeError, r"for regression leave num_classes out"),
        ((2, 3), torch.ones(2, 4, 1), 5, ValueError, r"\(2, 4, 1\): num_classes is 5"),
        ((2, 3), torch.tensor([0, 1]), None, ValueError, r"num_classes is missing.*num_classes=C"),
        ((2, 3), torch.ones(2, 4), 5, ValueError, r"labels \(2, 4\): num_classes is 5"),
        ((2, 3), torch.ones(2, 5).to(torch.float8_e5m2), 5, TypeError, r"before casting to it"),
    ],
)
def test_invalid_batches_are_refused(images, labels, classes, error, message):
    with pytest.raises(error, match=message):
        UMixUp("B(1,1)", classes, seed=0)(torch.zeros(images), labels)


def test_a_drop_in_refuses_integer_images():
    with pytest.raises(TypeError, match=r"inputs of dtype torch\.uint8: .*scale=True"):
        mixer()(torch.zeros(2, 3, dtype=torch.uint8), torch.tensor([0, 1]))


def test_a_text_for_mixup_is_told_where_it_belongs():
    with pytest.raises(TypeError, match=r"alpha = 'B\(1,1\)': a number; for a text, UMixUp\('B"):
        MixUp("B(1,1)", 10)
    with pytest.raises(ValueError, match=r"a policy by itself is MixUp, such as B\(0\.2,0\.2\)"):
        UMixUp("MixUp(0.2)", 10)


@pytest.mark.parametrize("make", DROP_INS.values(), ids=DROP_INS)
def test_what_a_drop_in_is_shown_as_makes_another(make):
    again = eval(repr(make(5)), {"UMixUp": UMixUp})
    assert str(again.scheme) == str(make(5).scheme)
    assert again.num_classes == 5


def test_a_list_of_samples_is_told_to_be_stacked():
    with pytest.raises(ValueError, match=r"torch\.stack makes a batch") as raised:
        mixer()([torch.rand(3, 8, 8)] * 256, torch.zeros(256, dtype=torch.int64))
    assert len(str(raised.value)) < 400


def test_boxes_are_refused_among_labels_as_among_inputs():
    boxes = tv_tensors.BoundingBoxes(torch.rand(4, 4), format="XYXY", canvas_size=(8, 8))
    with pytest.raises(TypeError, match="labels have a BoundingBoxes: boxes cannot be mixed"):
        UMixUp("B(1,1)", seed=0)(torch.rand(4, 3), boxes)


def test_maps_of_class_numbers_stay_whatever_they_hold():
    """Losses are mixed on them: a batch that happens to hold 0 and 1 alone is no other kind."""
    for highest in (1, 9):
        maps = torch.randint(highest + 1, (4, 8, 8), dtype=torch.uint8)
        _, parts = UMixUp("B(1,1)", seed=0)(torch.rand(4, 3, 8, 8), maps, parts=True)
        assert parts.y.dtype == torch.int64
        assert torch.equal(parts.y, maps.long()[parts.first])
        assert torch.equal(parts.y2, maps.long()[parts.second])
        loss = F.cross_entropy(torch.rand(4, 10, 8, 8), parts.y2, reduction="none")
        assert loss.shape == (4, 8, 8)


# accuracy


@given(st.integers(0, 2**31), st.integers(1, 9))
@settings(max_examples=30)
def test_accuracy_agrees_with_a_naive_loop(seed, batch):
    generator = torch.Generator().manual_seed(seed)
    labels, labels2, guesses = torch.randint(3, (3, batch), generator=generator)
    lam, gamma = torch.rand(2, batch, generator=generator)
    index = torch.arange(batch)
    y, y2 = F.one_hot(labels, 3).float(), F.one_hot(labels2, 3).float()
    parts = Parts(y, y2, lam, gamma, index, index)
    total = 0.0
    for label, label2, guess, g in zip(labels, labels2, guesses, gamma.tolist(), strict=True):
        total += g * (guess == label).item() + (1 - g) * (guess == label2).item()
    got = accuracy(F.one_hot(guesses, 3).float(), parts)
    assert got.shape == ()
    assert got.item() == pytest.approx(total / batch, abs=1e-6)


def test_accuracy_weighs_by_gamma_rather_than_lam():
    y, y2 = torch.eye(2)[[0]], torch.eye(2)[[1]]
    index = torch.arange(1)
    parts = Parts(y, y2, torch.tensor([0.9]), torch.tensor([0.25]), index, index)
    assert accuracy(y, parts).item() == 0.25
    assert accuracy(y2, parts).item() == 0.75


@pytest.mark.parametrize("bad", [float("nan"), -0.1, 1.5])
def test_lam_outside_the_unit_interval_is_refused(bad):
    with pytest.raises(ValueError, match=r"lam from .* it must be in \[0, 1\]"):
        mix(torch.ones(2, 3), torch.zeros(2, 3), torch.tensor([0.5, bad]))
    with pytest.raises(ValueError, match=r"lam from .* it must be in \[0, 1\]"):  # learned
        mix(torch.ones(2, 3), torch.zeros(2, 3), torch.nn.Parameter(torch.tensor([0.5, bad])))


def test_a_drop_in_takes_a_scheme_or_its_text():
    with pytest.raises(TypeError, match=r"scheme = 0\.2: it must be a Scheme or its text"):
        UMixUp(0.2, 5)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_target_vectors_that_are_not_finite_are_refused(bad):
    with pytest.raises(ValueError, match="labels: a target holds NaN or ∞"):
        UMixUp("B(1,1)", seed=0)(torch.zeros(2, 3), torch.tensor([[0.0, 1.0], [bad, 1.0]]))


def test_accuracy_leaves_out_what_has_no_label():
    outputs = F.one_hot(torch.tensor([0, 1, 2, 0]), 3).float()
    y, y2 = torch.tensor([0, -100, 1, -100]), torch.tensor([-100, 1, 2, -100])
    gamma, index = torch.tensor([0.5, 0.25, 0.5, 0.5]), torch.arange(4)
    expected = (0.5 + 0.75 + 0.5) / (0.5 + 0.75 + 1)
    got = accuracy(outputs, Parts(y, y2, gamma, gamma, index, index))
    assert got.item() == pytest.approx(expected)
    vectors = (UMixUp("ERM", 3, ignore_index=-100).targets(v) for v in (y, y2))
    got = accuracy(outputs, Parts(*vectors, gamma, gamma, index, index))
    assert got.item() == pytest.approx(expected)
    none = torch.full((4,), 255)
    of_none = Parts(none, none, gamma, gamma, index, index)
    assert accuracy(outputs, of_none, ignore_index=255).isnan()
    with pytest.raises(ValueError, match=r"class numbers from 255 to 255; they must be in 0 … 2"):
        accuracy(outputs, of_none)


def test_accuracy_refuses_outputs_of_another_shape():
    _, parts = UMixUp("B(1,1)", 5, seed=0)(torch.zeros(4, 3), torch.arange(4), parts=True)
    with pytest.raises(ValueError, match=r"outputs \(1, 5\): they must be \(4, 5\)"):
        accuracy(torch.zeros(1, 5), parts)


@pytest.mark.process
def test_a_generator_in_a_loader_worker_is_refused():
    loader = DataLoader(
        TensorDataset(IMAGES, LABELS), batch_size=3, num_workers=1,
        collate_fn=Collate(UMixUp("B(1,1)", 5, generator=torch.Generator())),
    )  # fmt: skip
    with pytest.raises(RuntimeError, match=r"(?s)every loader worker.*give a seed instead"):
        next(iter(loader))


def test_a_copy_keeps_the_rank_of_the_process_that_sent_it(monkeypatch):
    one = UMixUp("B(1,1)", 5, seed=0)
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    sent = {}
    for rank in (0, 1):
        monkeypatch.setattr(torch.distributed, "get_rank", lambda rank=rank: rank)
        sent[rank] = pickle.dumps(one)
        assert lams(pickle.loads(sent[rank])) == lams(UMixUp("B(1,1)", 5, seed=0))
    monkeypatch.undo()  # as in a spawned worker, where nothing is initialised
    drawn = [lams(pickle.loads(copy)) for copy in sent.values()]
    assert drawn[0] != drawn[1]


@pytest.mark.process
def test_draws_follow_the_device_of_the_images_rather_than_the_default_device(run_python):
    code = """
import torch, umixup as um
torch.set_default_device("meta")
for text in ("ERM", "U(B(2.2,0.9))", "U(0.5*Uni(0,0.5)+0.5*P(1))", "UMixUp(B(1,1),CDF(2,1))"):
    for seed in (None, 0):
        mixer = um.mixing.UMixUp(text, 5, seed=seed)
        images, targets = mixer(torch.zeros(8, 3, device="cpu"), torch.zeros(8, device="cpu").int())
        assert images.device.type == targets.device.type == "cpu"
    assert mixer(torch.zeros(8, 3), torch.zeros(8, 5))[0].device.type == "meta"
    for pairing in um.pairs.PAIRINGS:
        um.pairs.plan_epoch(um.parse(text), pairing, 20, batch_size=5, seed=0, epoch=0)
"""
    assert run_python(code) == ""


@pytest.mark.parametrize("text", ["DAT(B(2,1))", "B(2,1)"])
def test_a_text_for_dat_is_told_where_texts_go(text):
    with pytest.raises(TypeError, match=re.escape("for a text, UMixUp('DAT(B(2,1))')")):
        DAT(text)
