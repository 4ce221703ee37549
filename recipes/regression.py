"""Regression: partners with similar targets, as in C-Mixup, batch by batch."""

import torch
from torch import nn

import umixup as um

torch.manual_seed(0)
n, features = 1100, 10
x = torch.randn(n, features)
signal = (x[:, 0] * x[:, 1]).sin() + x[:, 2].abs()
y = signal + 0.5 * torch.randn(n)
test = slice(100, n)  # the first hundred train: noisy, and soon learned by heart


def test_error(mixer):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(features, 128), nn.ReLU(), nn.Linear(128, 1))
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    for _ in range(200):
        for rows in torch.randperm(100).split(50):
            inputs, targets = x[rows], y[rows, None]  # both (B, …)
            if mixer:
                near = um.pairs.near_labels(y[rows], 0.5)
                inputs, targets = mixer(inputs, targets, pairing=near)
            loss = (net(inputs) - targets).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    with torch.no_grad():
        return (net(x[test])[:, 0] - y[test]).square().mean().sqrt().item()


mixed = test_error(um.mixing.MixUp(1.0, seed=0))  # no num_classes: targets are real
plain = test_error(None)
print(
    f"regression: test error {mixed:.2f}, unmixed {plain:.2f}, "
    f"where y spreads by {y[test].std():.2f}"
)
