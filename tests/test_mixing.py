"""Mixing against torchvision and a naive loop."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torchvision.transforms import v2

from umixup.mixing import mix


def draw(seed: int, *shape: int, dtype=torch.float64) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64).to(dtype)


def test_mix_does_what_torchvision_does():
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
def test_mix_is_the_naive_loop(seed, lam, shape):
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


def test_integer_images_are_refused():
    x = torch.zeros(2, 3, dtype=torch.uint8)
    with pytest.raises(TypeError, match=r"x is torch\.uint8.*floating dtype.*x / 255"):
        mix(x, x, torch.ones(2))


@pytest.mark.parametrize(
    ("x", "x2", "lam"), [((2, 3), (2, 4), (2,)), ((2, 3), (2, 3), (3,)), ((2, 3), (2, 3), (2, 1))]
)
def test_shapes_that_do_not_fit_are_refused(x, x2, lam):
    with pytest.raises(ValueError, match=r"they must be \(B, …\), \(B, …\) and \(B,\)") as told:
        mix(torch.zeros(x), torch.zeros(x2), torch.zeros(lam))
    assert f"x {x}, x2 {x2}, lam {lam}" in str(told.value)
