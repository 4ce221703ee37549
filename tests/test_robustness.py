"""Attacks on linear networks, whose worst case has a formula; and corruptions."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from umixup.experiments import robustness
from umixup.training import data


@pytest.fixture(scope="module")
def linear():
    """Grey images of five classes, far enough from black and white for every ε used here."""
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
    y[::8] = (y[::8] + 1) % 5  # some are misclassified from the start
    return net, layer.weight.detach(), x, y, logits


def least_distance(weight, y, logits, order):
    """Distance to the nearest boundary in the norm dual to ``order``; 0 if misclassified."""
    margin = logits.gather(1, y[:, None]) - logits
    steepness = torch.linalg.vector_norm(weight[y][:, None] - weight, ord=order, dim=2)
    distance = torch.where(steepness > 0, margin / steepness, torch.inf)
    return distance.amin(dim=1).clamp(min=0)


def wrong(net, x, y):
    with torch.no_grad():
        return net(x).argmax(dim=1) != y


@pytest.mark.parametrize("share", [0.3, 0.5, 0.8])
def test_autoattack_nearly_reaches_the_exact_bound_and_no_attack_exceeds_it(linear, share):
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
    assert (
        found["pgd"].sum() >= 0.85 * possible.sum()
    )  # the loss may lead to a class that is further away


def test_autoattack_runs_three_attacks_in_turn(linear):
    net, _, x, _, _ = linear
    made = robustness._attacker(net, x, "autoattack", 0.1, steps=2, restarts=3, queries=4)
    losses = [getattr(each, "loss_type", "square") for each in made.attacks]
    assert losses == ["cross_entropy", "difference_logits_ratio", "square"]
    assert [each.max_iter for each in made.attacks] == [2, 2, 4]


def test_one_step_is_optimal_for_two_classes(linear):
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
    y = logits.argmax(dim=1)  # DeepFool moves away from the predicted class
    moved = robustness.deepfool(net, x)
    assert wrong(net, x + 1.001 * (moved - x), y).all()
    assert not wrong(net, x + 0.999 * (moved - x), y).any()
    got = (moved - x).flatten(1).norm(dim=1)
    expected = least_distance(weight, y, logits, order=2)
    assert torch.allclose(got, expected, rtol=1e-3, atol=1e-5)


def test_attacked_images_stay_in_range(linear):
    net, _, x, y, _ = linear
    for method in ("random", "fgsm", "pgd"):
        moved = robustness.attack(net, (x > 0.5).float(), y, method, 0.3, generator=seeded())
        assert moved.min() >= 0
        assert moved.max() <= 1


@pytest.mark.parametrize("method", ["random", "pgd", "square", "autoattack"])
def test_attack_depends_on_the_generator_and_leaves_global_ones_alone(linear, method):
    net, _, x, y, _ = linear
    states = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    one, same = (robustness.attack(net, x, y, method, 0.03, generator=seeded()) for _ in range(2))
    other = robustness.attack(net, x, y, method, 0.03, generator=seeded(1))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert torch.equal(torch.get_rng_state(), states[0])
    assert np.array_equal(np.random.get_state()[1], states[1])  # noqa: NPY002


def test_on_pixels_normalises(digits):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    x = digits.test_x[:7]
    net = robustness.on_pixels(model, digits)
    assert not net.training
    with torch.no_grad():
        expected = model(digits.normalize(x))
        assert torch.allclose(net(robustness.pixels(x)), expected, atol=1e-5)


X, Y = torch.full((2, 1, 3, 3), 0.5), torch.tensor([0, 1])


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"method": "cw"}, "method = 'cw': it must be one of random, fgsm"),
        ({"eps": 0}, "eps = 0: it must be in"),
        ({"eps": 8}, "in units of a pixel's range"),
        ({"eps": float("nan")}, "eps = nan: it must be in"),
        ({"steps": 0}, "steps = 0"),
        ({"restarts": 1.5}, "restarts = 1.5"),
        ({"queries": True}, "queries = True"),
        ({"x": 255 * X}, "pixels must be in \\[0, 1\\]"),
        ({"x": X - 1}, "pixels must be in \\[0, 1\\]"),
        ({"x": X.to(torch.uint8)}, "uint8: it must be"),
        ({"x": X * torch.nan}, "pixels must be in \\[0, 1\\]"),
        ({"x": X[0]}, "it must be \\(n, C, H, W\\)"),
        ({"x": X[:0], "y": Y[:0]}, "n ≥ 1"),
        ({"method": "square"}, "use images that are roughly square"),
        ({"y": Y[:1]}, "it must be \\(2,\\) int64"),
        ({"y": Y.float()}, "float32: it must be"),
    ],
)
def test_attack_refuses_invalid_arguments(changed, message):
    net = nn.Sequential(nn.Flatten(), nn.Linear(9, 3))
    good = {"x": X, "y": Y, "method": "fgsm", "eps": 0.1}
    with pytest.raises(ValueError, match=message):
        robustness.attack(net, **(good | changed))


def test_numpy_numbers_are_numbers(linear):
    net, _, x, y, _ = linear
    plain = robustness.attack(net, x, y, "pgd", 0.25, steps=2, generator=seeded())
    eps, steps = np.float32(0.25), np.int64(2)
    assert torch.equal(
        robustness.attack(net, x, y, "pgd", eps, steps=steps, generator=seeded()), plain
    )
    with pytest.raises(TypeError, match="eps = 'half': it must be a number"):
        robustness.attack(net, x, y, "pgd", "half")


def test_deepfool_and_corrupt_refuse_invalid_arguments():
    with pytest.raises(ValueError, match="steps = 0"):
        robustness.deepfool(nn.Flatten(), X, steps=0)
    with pytest.raises(ValueError, match="pixels must be in \\[0, 1\\]"):
        robustness.deepfool(nn.Flatten(), 3 * X)
    for kind, severity, message in (("fog", 1, "noise, blur"), ("blur", 4, "from 1 to 3")):
        with pytest.raises(ValueError, match=message):
            robustness.corrupt(X, kind, severity)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("kind", robustness.CORRUPTIONS)
@pytest.mark.parametrize("channels", [1, 3])
def test_corruptions_change_images_more_with_severity(kind, channels, digits):
    x = robustness.pixels(digits.test_x[:50]).expand(-1, channels, -1, -1)
    distance = []
    for severity in (1, 2, 3):
        corrupted = robustness.corrupt(x, kind, severity, seeded())
        assert corrupted.shape == x.shape
        assert corrupted.dtype == torch.float32
        assert corrupted.min() >= 0
        assert corrupted.max() <= 1
        distance.append(float((corrupted - x).abs().mean()))
    assert 0 < distance[0] < distance[1] < distance[2]
    if kind != "noise":  # an image is corrupted in the same way whatever comes after it
        together = robustness.corrupt(x, kind, 2)
        for n in (1, 2, 3):
            assert torch.allclose(robustness.corrupt(x[:n], kind, 2), together[:n], atol=1e-6)


def test_each_corruption_on_images_with_known_results():
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


def test_attacks_leave_weights_and_mode_of_the_network_alone(digits):
    model = nn.Sequential(nn.Flatten(), nn.BatchNorm1d(64), nn.Linear(64, 10))
    net = robustness.on_pixels(model, digits)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    x, y = robustness.pixels(digits.test_x[:20]), digits.test_y[:20]
    robustness.attack(net, x, y, "pgd", 0.1, generator=seeded())
    robustness.deepfool(net, x)
    assert not net.training
    assert not model.training
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())


def test_attack_on_colour_images():
    generator = seeded()
    x = torch.randint(256, (4, 3, 5, 5), dtype=torch.uint8, generator=generator)
    y = torch.tensor([0, 1, 2, 0])
    colours = data.DataSet("c", "C", x, y, x, y, ("a", "b", "c"), (0.5, 0.4, 0.3), (0.2,) * 3)
    net = robustness.on_pixels(nn.Sequential(nn.Flatten(), nn.Linear(75, 3)), colours)
    moved = robustness.attack(net, robustness.pixels(x), y, "pgd", 0.05, generator=generator)
    assert moved.shape == x.shape
    loss = nn.CrossEntropyLoss()
    assert loss(net(moved), y) > loss(net(robustness.pixels(x)), y)
