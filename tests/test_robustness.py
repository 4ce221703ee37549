"""Attacks on linear networks, whose worst case is a formula; corruptions by what they are to do."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from umixup import data, robustness


@pytest.fixture(scope="module")
def linear():
    """Five classes of grey images, far enough from black and white for every ε here."""
    generator = torch.Generator().manual_seed(5)
    layer = nn.Linear(36, 5)
    with torch.no_grad():
        layer.weight.copy_(torch.randn(5, 36, generator=generator))
        layer.bias.copy_(torch.randn(5, generator=generator) / 10)
    net = nn.Sequential(nn.Flatten(), layer).eval()
    x = 0.4 + 0.2 * torch.rand(64, 1, 6, 6, generator=generator)
    with torch.no_grad():
        logits = net(x)
    y = logits.argmax(dim=1)
    y[::8] = (y[::8] + 1) % 5  # some are wrong from the start
    return net, layer.weight.detach(), x, y, logits


def least_distance(weight, y, logits, order):
    """To the nearest boundary, in the norm whose dual has this order; 0 if it is wrong."""
    margin = logits.gather(1, y[:, None]) - logits
    steepness = torch.linalg.vector_norm(weight[y][:, None] - weight, ord=order, dim=2)
    distance = torch.where(steepness > 0, margin / steepness, torch.inf)
    return distance.amin(dim=1).clamp(min=0)


def wrong(net, x, y):
    with torch.no_grad():
        return net(x).argmax(dim=1) != y


@pytest.mark.parametrize("share", [0.3, 0.5, 0.8])
def test_autoattack_finds_all_but_the_last_images_and_no_attack_finds_what_cannot_be(linear, share):
    net, weight, x, y, logits = linear
    distance = least_distance(weight, y, logits, order=1)
    eps = float(distance.quantile(share))
    possible = distance < eps
    assert eps < 0.2
    found = {}
    for method in robustness.ATTACKS:
        moved = robustness.attack(net, x, y, method, eps, generator=seeded())
        assert (moved - x).abs().max() <= eps * (1 + 1e-5)
        found[method] = wrong(net, moved, y)
        assert not (found[method] & ~possible).any(), method
    assert found["autoattack"][distance < 0.98 * eps].all()
    assert found["pgd"].sum() >= found["fgsm"].sum() > found["random"].sum()
    assert found["pgd"].sum() >= 0.85 * possible.sum()  # the loss leads to other classes as well


def test_of_two_classes_one_step_is_the_worst_there_is(linear):
    _, weight, x, _, _ = linear
    two = nn.Sequential(nn.Flatten(), nn.Linear(36, 2, bias=False)).eval()
    with torch.no_grad():
        two[1].weight.copy_(weight[:2])
        logits = two(x)
    y = logits.argmax(dim=1)
    possible = least_distance(weight[:2], y, logits, order=1) < 0.05
    moved = robustness.attack(two, x, y, "fgsm", 0.05)
    assert torch.equal(wrong(two, moved, y), possible)
    assert torch.allclose((moved - x).abs(), torch.tensor(0.05), atol=1e-6)


def test_deepfool_stops_at_the_nearest_boundary(linear):
    net, weight, x, _, logits = linear
    y = logits.argmax(dim=1)  # it moves away from the class that the network gives
    moved = robustness.deepfool(net, x)
    assert wrong(net, x + 1.001 * (moved - x), y).all()
    assert not wrong(net, x + 0.999 * (moved - x), y).any()
    got = (moved - x).flatten(1).norm(dim=1)
    expected = least_distance(weight, y, logits, order=2)
    assert torch.allclose(got, expected, rtol=1e-3, atol=1e-5)


def test_a_moved_image_stays_an_image(linear):
    net, _, x, y, _ = linear
    for method in ("random", "fgsm", "pgd"):
        moved = robustness.attack(net, (x > 0.5).float(), y, method, 0.3, generator=seeded())
        assert moved.min() >= 0
        assert moved.max() <= 1


@pytest.mark.parametrize("method", ["random", "pgd", "square", "autoattack"])
def test_the_generator_alone_decides_and_the_global_ones_stay_as_they_were(linear, method):
    net, _, x, y, _ = linear
    states = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    one, same = (robustness.attack(net, x, y, method, 0.03, generator=seeded()) for _ in range(2))
    other = robustness.attack(net, x, y, method, 0.03, generator=seeded(1))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert torch.equal(torch.get_rng_state(), states[0])
    assert np.array_equal(np.random.get_state()[1], states[1])  # noqa: NPY002


def test_a_network_on_pixels_is_the_network_on_normalised_images(digits):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 6))
    vectors = torch.randn(10, 6)
    x = digits.test_x[:7]
    with torch.no_grad():
        expected = model(digits.normalize(x))
        for net, outputs in (
            (robustness.on_pixels(model, digits), expected),
            (robustness.on_pixels(model, digits, vectors), expected @ vectors.T),
        ):
            assert not net.training
            assert torch.allclose(net(robustness.pixels(x)), outputs, atol=1e-5)


X, Y = torch.full((2, 1, 3, 3), 0.5), torch.tensor([0, 1])


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"method": "cw"}, "method = 'cw': it must be one of random, fgsm"),
        ({"eps": 0}, "eps = 0: it must be in"),
        ({"eps": 8}, "a share of a pixel's range"),
        ({"steps": 0}, "steps = 0"),
        ({"restarts": 1.5}, "restarts = 1.5"),
        ({"queries": True}, "queries = True"),
        ({"x": 255 * X}, "in pixel units"),
        ({"x": X - 1}, "in pixel units"),
        ({"x": X.to(torch.uint8)}, "uint8: it must be"),
        ({"x": X * torch.nan}, "in pixel units"),
        ({"x": X[0]}, "it must be \\(n, C, H, W\\)"),
        ({"x": X[:0], "y": Y[:0]}, "n ≥ 1"),
        ({"method": "square"}, "it needs images about as high as wide"),
        ({"y": Y[:1]}, "it must be \\(2,\\) int64"),
        ({"y": Y.float()}, "float32: it must be"),
    ],
)
def test_bad_input_is_told(changed, told):
    net = nn.Sequential(nn.Flatten(), nn.Linear(9, 3))
    good = {"x": X, "y": Y, "method": "fgsm", "eps": 0.1}
    with pytest.raises(ValueError, match=told):
        robustness.attack(net, **(good | changed))


def test_bad_input_of_the_others_is_told():
    with pytest.raises(ValueError, match="steps = 0"):
        robustness.deepfool(nn.Flatten(), X, steps=0)
    with pytest.raises(ValueError, match="in pixel units"):
        robustness.deepfool(nn.Flatten(), 3 * X)
    for kind, severity, told in (("fog", 1, "noise, blur"), ("blur", 4, "1, 2 or 3")):
        with pytest.raises(ValueError, match=told):
            robustness.corrupt(X, kind, severity)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("kind", robustness.CORRUPTIONS)
@pytest.mark.parametrize("channels", [1, 3])
def test_corruptions_give_images_that_are_further_off_the_worse_they_are(kind, channels, digits):
    x = robustness.pixels(digits.test_x[:50]).expand(-1, channels, -1, -1)
    distance = []
    for severity in (1, 2, 3):
        spoilt = robustness.corrupt(x, kind, severity, seeded())
        assert spoilt.shape == x.shape
        assert spoilt.dtype == torch.float32
        assert spoilt.min() >= 0
        assert spoilt.max() <= 1
        distance.append(float((spoilt - x).abs().mean()))
    assert 0 < distance[0] < distance[1] < distance[2]
    if kind != "noise":  # an image is spoilt in the same way whatever comes after it
        together = robustness.corrupt(x, kind, 2)
        for n in (1, 2, 3):
            assert torch.allclose(robustness.corrupt(x[:n], kind, 2), together[:n], atol=1e-6)


def test_corruptions_do_what_they_say():
    grey = torch.full((400, 1, 8, 8), 0.5)
    noise = robustness.corrupt(grey, "noise", 1, seeded()) - grey
    assert float(noise.std()) == pytest.approx(0.1, rel=0.02)
    assert float(noise.mean()) == pytest.approx(0, abs=0.002)
    assert torch.allclose(robustness.corrupt(grey, "blur", 3), grey)
    spot = torch.zeros(2, 1, 9, 9)
    spot[:, 0, 4, 7] = 1
    turned = robustness.corrupt(spot, "rotation", 3)[:, 0]
    assert torch.allclose(turned[0], turned[1].flip(0), atol=1e-5)  # to the left, to the right
    assert not torch.allclose(turned[0], turned[1], atol=0.1)
    step = torch.tensor([0.2, 0.6]).repeat(1, 1, 4, 2)
    assert torch.allclose(  # about the mean
        robustness.corrupt(step, "contrast", 1), 0.4 + (step - 0.4) / 2, atol=1e-6
    )
    checks = (torch.arange(64).view(1, 1, 8, 8) % 2).float()
    assert torch.allclose(robustness.corrupt(checks, "resolution", 3), torch.tensor(0.5), atol=0.1)


def test_attacks_leave_the_weights_and_the_mode_of_the_network_alone(digits):
    model = nn.Sequential(nn.Flatten(), nn.BatchNorm1d(64), nn.Linear(64, 10))
    net = robustness.on_pixels(model, digits)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    x, y = robustness.pixels(digits.test_x[:20]), digits.test_y[:20]
    robustness.attack(net, x, y, "pgd", 0.1, generator=seeded())
    robustness.deepfool(net, x)
    assert not net.training
    assert not model.training
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())


def test_a_data_set_of_colours_is_attacked_too():
    generator = seeded()
    x = torch.randint(256, (4, 3, 5, 5), dtype=torch.uint8, generator=generator)
    y = torch.tensor([0, 1, 2, 0])
    colours = data.DataSet("c", "C", x, y, x, y, ("a", "b", "c"), (0.5, 0.4, 0.3), (0.2,) * 3)
    net = robustness.on_pixels(nn.Sequential(nn.Flatten(), nn.Linear(75, 3)), colours)
    moved = robustness.attack(net, robustness.pixels(x), y, "pgd", 0.05, generator=generator)
    assert moved.shape == x.shape
    loss = nn.CrossEntropyLoss()
    assert loss(net(moved), y) > loss(net(robustness.pixels(x)), y)
