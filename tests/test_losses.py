"""Losses against torch's own, and target-linearity (Axiom 1, Lemma 1)."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from umixup import losses
from umixup.losses import cross_entropy
from umixup.mixing import mix

seeds = st.integers(0, 2**31)
sizes = st.integers(1, 6)


def draw(seed: int, batch: int, classes: int, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    logits = 5 * torch.randn(batch, classes, generator=generator, dtype=dtype)
    target = torch.rand(batch, classes, generator=generator, dtype=dtype)
    return logits, target / target.sum(dim=1, keepdim=True)


@given(seeds, sizes, sizes)
def test_cross_entropy_is_that_of_torch_with_probability_targets(seed, batch, classes):
    logits, target = draw(seed, batch, classes)
    expected = F.cross_entropy(logits, target, reduction="none")
    got = cross_entropy(logits, target)
    assert got.shape == (batch,)
    torch.testing.assert_close(got, expected, rtol=1e-12, atol=1e-12)


@given(seeds, sizes, sizes)
def test_cross_entropy_of_one_hot_targets_is_that_of_class_numbers(seed, batch, classes):
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
    ("logits", "target", "told"),
    [
        ((2, 3), (2,), r"logits \(2, 3\), target \(2,\): both must be \(B, C\)"),
        ((2, 3), (3, 2), r"logits \(2, 3\), target \(3, 2\): both must be \(B, C\)"),
        ((3,), (3,), r"logits \(3,\), target \(3,\).*one_hot"),
    ],
)
def test_shapes_that_differ_are_refused(logits, target, told):
    with pytest.raises(ValueError, match=told):
        cross_entropy(torch.zeros(logits), torch.zeros(target))


def test_losses_are_found_by_name():
    assert losses.BY_NAME["ce"] is cross_entropy
