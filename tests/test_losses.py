"""Losses against torch's own; their kinds (Axiom 1, Lemma 1); label vectors."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from umixup import linearity, losses
from umixup.losses import (
    BY_NAME,
    KIND,
    binary_cross_entropy,
    brier,
    cross_entropy,
    hinge,
    label_vectors,
    linearity_gap,
    negative_cosine,
    renormalized_cosine,
)
from umixup.mixing import mix

seeds = st.integers(0, 2**31)
sizes = st.integers(1, 6)


def draw(seed: int, batch: int, classes: int, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    logits = 5 * torch.randn(batch, classes, generator=generator, dtype=dtype)
    target = torch.rand(batch, classes, generator=generator, dtype=dtype)
    return logits, target / target.sum(dim=1, keepdim=True)


@given(seeds, sizes, sizes)
def test_cross_entropy_agrees_with_torch_for_probability_targets(seed, batch, classes):
    logits, target = draw(seed, batch, classes)
    expected = F.cross_entropy(logits, target, reduction="none")
    got = cross_entropy(logits, target)
    assert got.shape == (batch,)
    torch.testing.assert_close(got, expected, rtol=1e-12, atol=1e-12)


@given(seeds, sizes, sizes)
def test_cross_entropy_agrees_with_torch_for_class_numbers(seed, batch, classes):
    logits, _ = draw(seed, batch, classes)
    labels = torch.randint(classes, (batch,), generator=torch.Generator().manual_seed(seed))
    expected = F.cross_entropy(logits, labels, reduction="none")
    got = cross_entropy(logits, F.one_hot(labels, classes))
    torch.testing.assert_close(got, expected, rtol=1e-12, atol=1e-12)


@given(seeds, sizes, sizes, st.floats(-3, 3), st.floats(-3, 3))
def test_cross_entropy_is_linear_in_the_target(seed, batch, classes, a, b):
    logits, y = draw(seed, batch, classes)
    _, y2 = draw(seed + 1, batch, classes)
    expected = a * cross_entropy(logits, y) + b * cross_entropy(logits, y2)
    torch.testing.assert_close(
        cross_entropy(logits, a * y + b * y2), expected, rtol=1e-9, atol=1e-9
    )


@given(seeds, sizes, sizes, st.floats(0, 1))
def test_lemma_1_a_mixed_label_is_a_mixture_of_two_dat_losses(seed, batch, classes, gamma):
    outputs, y = draw(seed, batch, classes)
    _, y2 = draw(seed + 1, batch, classes)
    gammas = torch.full((batch,), gamma, dtype=torch.float64)
    expected = gamma * cross_entropy(outputs, y) + (1 - gamma) * cross_entropy(outputs, y2)
    torch.testing.assert_close(
        cross_entropy(outputs, mix(y, y2, gammas)), expected, rtol=1e-9, atol=1e-9
    )


def test_cross_entropy_by_hand():
    logits = torch.tensor([[0.0, 0.0], [0.0, torch.log(torch.tensor(3.0))]])
    target = torch.tensor([[0.25, 0.75], [1.0, 0.0]])
    expected = torch.tensor([2.0, 4.0]).log()
    torch.testing.assert_close(cross_entropy(logits, target), expected)


def test_gradient_is_softmax_minus_target():
    logits, target = draw(0, 4, 3)
    logits.requires_grad_()
    (gradient,) = torch.autograd.grad(cross_entropy(logits, target).sum(), logits)
    torch.testing.assert_close(gradient, logits.softmax(dim=1) - target)
    assert torch.autograd.gradcheck(cross_entropy, (logits, target))


def test_logits_far_apart_give_a_finite_loss_and_gradient():
    logits = torch.tensor([[1e4, -1e4]], requires_grad=True)
    loss = cross_entropy(logits, torch.tensor([[0.5, 0.5]]))
    loss.backward()
    assert loss.item() == pytest.approx(1e4)
    torch.testing.assert_close(logits.grad, torch.tensor([[0.5, -0.5]]))


@pytest.mark.parametrize(
    ("logits", "target", "out"),
    [
        (torch.float16, torch.float16, torch.float32),
        (torch.bfloat16, torch.bfloat16, torch.float32),
        (torch.float16, torch.float32, torch.float32),
        (torch.bfloat16, torch.float32, torch.float32),
        (torch.float32, torch.float32, torch.float32),
        (torch.float64, torch.float64, torch.float64),
    ],
)
def test_the_loss_is_float32_or_wider(logits, target, out):
    got = cross_entropy(torch.zeros(2, 4, dtype=logits), torch.full((2, 4), 0.25, dtype=target))
    assert got.dtype == out
    torch.testing.assert_close(got, torch.full((2,), 4, dtype=out).log())


@pytest.mark.parametrize(
    ("logits", "target", "message"),
    [
        ((2, 3), (2,), r"logits \(2, 3\), target \(2,\): both must be \(B, C\)"),
        ((2, 3), (3, 2), r"logits \(2, 3\), target \(3, 2\): both must be \(B, C\)"),
        ((3,), (3,), r"logits \(3,\), target \(3,\).*one_hot"),
    ],
)
def test_mismatched_shapes_are_refused(logits, target, message):
    with pytest.raises(ValueError, match=message):
        cross_entropy(torch.zeros(logits), torch.zeros(target))


def test_losses_are_found_by_name():
    assert losses.BY_NAME["ce"] is cross_entropy
    assert losses.BY_NAME["nc"] is negative_cosine
    assert losses.BY_NAME["nc-released"] is renormalized_cosine


# The other losses


@given(seeds, sizes, sizes)
@settings(max_examples=30)
def test_every_loss_agrees_with_torch(seed, batch, classes):
    z, y = draw(seed, batch, classes)
    bce = F.binary_cross_entropy_with_logits(z, y, reduction="none").sum(dim=1)
    expected = {
        negative_cosine: -F.cosine_similarity(z, y, dim=1) * y.norm(dim=1),
        renormalized_cosine: -F.cosine_similarity(z, y, dim=1),
        brier: F.mse_loss(z.softmax(dim=1), y, reduction="none").sum(dim=1),
        binary_cross_entropy: bce,
        hinge: (1 - (2 * y - 1) * z).clamp(min=0).sum(dim=1),
    }
    for loss, value in expected.items():
        got = loss(z, y)
        assert got.shape == (batch,)
        torch.testing.assert_close(got, value, rtol=1e-9, atol=1e-9)


def test_the_released_cosine_weighs_a_half_mixed_target_by_the_square_root_of_two():
    z, y = draw(0, 5, 4)[0], torch.eye(4, dtype=torch.float64)[[0] * 5]
    mixed = (y + y.roll(1, 1)) / 2
    torch.testing.assert_close(renormalized_cosine(z, mixed), 2**0.5 * negative_cosine(z, mixed))
    torch.testing.assert_close(renormalized_cosine(z, y), negative_cosine(z, y))


@pytest.mark.parametrize("loss", KIND, ids=lambda loss: loss.__name__)
def test_every_loss_has_a_correct_gradient_and_checks_dtype_and_shapes(loss):
    z, y = draw(0, 4, 3)
    assert torch.autograd.gradcheck(lambda z: loss(z, y), z.requires_grad_())
    assert loss(z.half(), y.float()).dtype == torch.float32
    assert torch.isfinite(loss(1e4 * z.detach(), y)).all()
    with pytest.raises(ValueError, match=r"\(2, 3\), target \(2,\): both must be \(B, C\)"):
        loss(torch.zeros(2, 3), torch.zeros(2))


# Kinds


def measured(loss, seed: int = 0):
    generator = torch.Generator().manual_seed(seed)
    z = torch.randn(64, 5, generator=generator)
    y, y2 = (torch.eye(5)[torch.randint(5, (64,), generator=generator)] for _ in range(2))
    return linearity_gap(loss, z, y, y2, generator)


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("loss", KIND, ids=lambda loss: loss.__name__)
def test_the_measured_kind_of_every_loss_is_the_declared_one(loss, seed):
    assert measured(loss, seed).kind == KIND[loss]


def test_every_named_loss_has_a_kind():
    assert set(BY_NAME.values()) == set(KIND)


def focal(z, y):
    return (1 - (y * z.softmax(dim=1)).sum(dim=1)) ** 2 * cross_entropy(z, y)


def smoothed(z, y):
    return F.cross_entropy(z, y, reduction="none", label_smoothing=0.1)


def test_focal_is_neither_and_label_smoothing_is_affine():
    assert measured(focal).kind == "neither"
    assert measured(smoothed).kind == "affine"


def test_a_small_term_of_another_kind_counts():
    assert measured(lambda z, y: cross_entropy(z, y) + 1e-3 * hinge(z, y)).kind == "neither"
    assert measured(lambda z, y: cross_entropy(z, y) + 1e-3 * smoothed(z, y)).kind == "affine"


@pytest.mark.parametrize("scale", [1e-9, 1, 1e9])
def test_the_kind_of_a_loss_does_not_depend_on_its_scale(scale):
    for loss, kind in KIND.items():
        assert measured(lambda z, y, loss=loss: scale * loss(z, y)).kind == kind


def test_the_zero_loss_is_linear():
    assert measured(lambda z, y: 0 * cross_entropy(z, y)).kind == "linear"


def test_gaps_are_measured_in_float64_and_depend_on_the_generator_alone():
    once = measured(cross_entropy)
    assert max(once) < 1e-12
    before = torch.get_rng_state()
    assert measured(hinge) == measured(hinge)
    assert torch.equal(torch.get_rng_state(), before)


def test_linearity_gap_refuses_a_loss_that_reduces():
    z, y, y2 = torch.randn(4, 3), torch.eye(3)[[0, 1, 2, 0]], torch.eye(3)[[1, 1, 0, 2]]
    with pytest.raises(ValueError, match=r"returned shape \(\); .* one value per sample"):
        linearity_gap(torch.nn.functional.cross_entropy, z, y, y2)


@pytest.mark.parametrize("size", [0, 4])
def test_linearity_gap_refuses_no_samples_and_equal_targets(size):
    z, y = torch.randn(size, 3), torch.ones(size, 3)
    with pytest.raises(ValueError, match=r"B ≥ 1|target and target2 are equal"):
        linearity_gap(cross_entropy, z, y, y)


def test_a_loss_of_the_target_alone_has_gradient_zero():
    z, y, y2 = torch.randn(4, 3), torch.eye(3)[[0, 1, 2, 0]], torch.eye(3)[[1, 1, 0, 2]]
    gaps = linearity_gap(lambda z, y: y.square().sum(dim=1), z, y, y2)
    assert gaps.gradient == 0
    assert gaps.kind == "gradient"


def test_losses_reexport_linearity():
    assert losses.Gaps is linearity.Gaps
    assert losses.linearity_gap is linearity.linearity_gap


# Label vectors


@given(st.integers(1, 12), st.integers(0, 20), seeds)
@settings(max_examples=30)
def test_label_vectors_are_orthonormal_and_depend_on_the_generator_alone(classes, more, seed):
    def make():
        return label_vectors(classes, classes + more, torch.Generator().manual_seed(seed))

    v = make()
    assert v.shape == (classes, classes + more)
    assert v.dtype == torch.float32
    torch.testing.assert_close(v @ v.T, torch.eye(classes), atol=1e-5, rtol=0)
    assert torch.equal(v, make())


def test_the_first_label_vector_is_a_positive_vector_scaled_to_unit_length():
    first = label_vectors(3, 50, torch.Generator().manual_seed(0))[0]
    assert len(first.sign().unique()) == 1  # uniform on [0, 1), up to the sign of the basis


def test_another_seed_gives_other_label_vectors():
    one, two = (label_vectors(3, 8, torch.Generator().manual_seed(s)) for s in (0, 1))
    assert not torch.allclose(one, two)


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        *(((n, 3), rf"num_classes = {n!r}: .* whole number ≥ 1") for n in (0, -1, 2.0, "2", True)),
        *(((4, d), rf"dim = {d!r}: it must be a whole number ≥ 4") for d in (3, 5.5, "8")),
    ],
)
def test_label_vectors_refuse_invalid_sizes(sizes, message):
    with pytest.raises(ValueError, match=message):
        label_vectors(*sizes)


def test_label_vectors_take_numpy_integers():
    one, two = (
        label_vectors(whole(3), whole(8), torch.Generator().manual_seed(0))
        for whole in (int, np.int64)
    )
    assert torch.equal(one, two)
