"""Regression: partners with similar targets, as in C-Mixup, for each batch."""

import torch
from torch import nn

import umixup as um

torch.manual_seed(0)
n, features = 1200, 5
x = torch.randn(n, features)
y = (x[:, 0] * x[:, 1]).sin() + x[:, 2].abs() + 0.1 * torch.randn(n)
train, test = slice(0, 800), slice(800, n)

net = nn.Sequential(nn.Linear(features, 128), nn.ReLU(), nn.Linear(128, 1))
optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
mixer = um.mixing.MixUp(2.0, seed=0)  # no num_classes: the targets are real
for _ in range(40):
    for rows in torch.randperm(800).split(80):
        near = um.pairs.near_labels(y[rows], 0.2)
        mixed, targets = mixer(x[rows], y[rows, None], pairing=near)  # both (B, …)
        loss = (net(mixed) - targets).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

with torch.no_grad():
    error = (net(x[test])[:, 0] - y[test]).square().mean().sqrt()
print(f"regression: test error {error:.2f}, where y spreads by {y[test].std():.2f}")
