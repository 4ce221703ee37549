"""PreActResNet18: sizes, and the blocks against a plain reading of them."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from timm.layers import BatchNormAct2d, create_conv2d
from timm.models import resnetv2

from umixup.training.conv3x3 import Conv3x3
from umixup.training.model import PreActBlock, PreActResNet18


def fresh(make):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return make()


def parameters_by_hand(classes: int, channels: int, width: int) -> int:
    def convolution(i, o, side):
        return i * o * side**2

    def norm(c):
        return 2 * c  # scale and shift

    total = convolution(channels, width, 3) + norm(width)
    inputs = width
    for outputs in (width, 2 * width, 4 * width, 8 * width):
        for i in (inputs, outputs):
            total += norm(i) + convolution(i, outputs, 3)
            total += norm(outputs) + convolution(outputs, outputs, 3)
            total += convolution(i, outputs, 1) if i != outputs else 0
        inputs = outputs
    return total + inputs * classes + classes


@pytest.mark.parametrize(
    ("classes", "channels", "width"), [(10, 3, 64), (100, 3, 64), (10, 1, 8), (10, 1, 1)]
)
def test_parameter_count_is_that_of_the_layer_shapes(classes, channels, width):
    with torch.device("meta"):
        model = PreActResNet18(classes, channels, width)
    assert sum(p.numel() for p in model.parameters()) == parameters_by_hand(
        classes, channels, width
    )


def test_the_papers_network_has_eleven_million_parameters():
    # 11,171,146 in the widespread PreActResNet18 for CIFAR10, which has no norm after its stem
    assert parameters_by_hand(10, 3, 64) == 11_171_146 + 2 * 64


@pytest.mark.parametrize(("side", "batch"), [(8, 3), (28, 2), (32, 1)])
def test_shapes_of_logits_and_features(side, batch):
    model = fresh(lambda: PreActResNet18(7, channels=2, width=8).eval())
    x = torch.randn(batch, 2, side, side, generator=torch.Generator().manual_seed(0))
    assert model.features(x).shape == (batch, 64)
    assert model(x).shape == (batch, 7)
    torch.testing.assert_close(model(x), model.head(model.features(x)))


@pytest.mark.parametrize(("inputs", "outputs", "stride"), [(4, 4, 1), (4, 8, 2), (4, 8, 1)])
def test_a_block_computes_its_formula(inputs, outputs, stride):
    block = fresh(lambda: PreActBlock(inputs, outputs, stride).double().train())
    x = torch.randn(
        3, inputs, 6, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(1)
    )

    def norm_relu(h):  # scale 1 and shift 0 at first
        mean, var = h.mean((0, 2, 3), keepdim=True), h.var((0, 2, 3), correction=0, keepdim=True)
        return ((h - mean) / (var + 1e-5).sqrt()).clamp(min=0)

    h = norm_relu(x)
    ours = F.conv2d(h, block.conv1.weight, stride=stride, padding=1)
    ours = F.conv2d(norm_relu(ours), block.conv2.weight, padding=1)
    if stride != 1 or inputs != outputs:
        ours = ours + F.conv2d(h, block.shortcut.weight, stride=stride)
    else:
        assert block.shortcut is None
        ours = ours + x
    torch.testing.assert_close(block(x), ours)


def test_stages_halve_the_image_three_times_and_double_the_channels():
    model = fresh(lambda: PreActResNet18(10, channels=1, width=2).eval())
    h, shapes = torch.zeros(1, 2, 32, 32), []
    for block in model.blocks:
        h = block(h)
        shapes.append(tuple(h.shape[1:]))
    sizes = [(2, 32, 32), (4, 16, 16), (8, 8, 8), (16, 4, 4)]
    assert shapes == [size for size in sizes for _ in range(2)]


def test_every_parameter_gets_a_gradient():
    model = fresh(lambda: PreActResNet18(3, channels=1, width=4))
    x = torch.randn(4, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    model(x).square().sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().sum() > 0, name


def test_in_evaluation_mode_an_output_does_not_depend_on_the_batch():
    model = fresh(lambda: PreActResNet18(3, channels=1, width=4).double().eval())
    x = torch.randn(4, 1, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(model(x)[:1], model(x[:1]))
    model.train()
    assert not torch.allclose(model(x)[:2], model(x[:2]))


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("side", [(1, 1), (2, 2), (3, 3), (1, 2), (4, 4)])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_conv3x3_agrees_with_torch_on_small_maps(side, stride, layout):
    generator = torch.Generator().manual_seed(0)
    convolution = fresh(lambda: Conv3x3(5, 7, stride).double())
    x = torch.randn(3, 5, *side, generator=generator, dtype=torch.float64)
    x = x.contiguous(memory_format=layout).requires_grad_()
    theirs = F.conv2d(x, convolution.weight, stride=stride, padding=1)
    ours = convolution(x)
    torch.testing.assert_close(ours, theirs)
    along = torch.randn(ours.shape, generator=generator, dtype=torch.float64)
    inputs = x, convolution.weight
    for one, other in zip(
        torch.autograd.grad(ours, inputs, along), torch.autograd.grad(theirs, inputs, along),
        strict=True,
    ):  # fmt: skip
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize(("inputs", "outputs", "stride"), [(8, 8, 1), (8, 16, 2)])
@pytest.mark.parametrize("training", [True, False])
def test_a_block_agrees_with_timms_pre_activation_block(inputs, outputs, stride, training):
    theirs = fresh(
        lambda: resnetv2.PreActBasic(
            inputs,
            outputs,
            stride=stride,
            conv_layer=create_conv2d,
            norm_layer=BatchNormAct2d,
            proj_layer=resnetv2.DownsampleConv,
        )
    ).train(training)
    ours = fresh(lambda: PreActBlock(inputs, outputs, stride)).train(training)
    names = {"bn1": "norm1", "bn2": "norm2", "shortcut": "downsample.conv"}
    renamed = {}
    for name in ours.state_dict():
        first, rest = name.split(".", 1)
        renamed[name] = theirs.state_dict()[f"{names.get(first, first)}.{rest}"]
    ours.load_state_dict(renamed)
    x = torch.randn(5, inputs, 6, 6, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(ours(x), theirs(x))
    # what batch normalisation remembers, too: its momentum and ε are the same
    torch.testing.assert_close(ours.bn2.running_var, theirs.norm2.running_var)


def test_initial_weights_are_those_of_torch_and_norms_start_as_the_identity():
    model = fresh(lambda: PreActResNet18(10, 3, 8))
    plain = fresh(lambda: torch.nn.Conv2d(3, 8, 3, bias=False))  # the first to be drawn
    assert torch.equal(model.stem.weight, plain.weight)
    for part in model.modules():
        if isinstance(part, torch.nn.BatchNorm2d):
            assert (part.weight == 1).all()
            assert (part.bias == 0).all()
        if isinstance(part, torch.nn.Conv2d):
            bound = (part.in_channels * part.kernel_size[0] ** 2) ** -0.5  # uniform, by fan-in
            assert part.weight.abs().max() <= bound
            assert part.weight.std().item() == pytest.approx(bound / 3**0.5, rel=0.15)
