"""Segmentation: class maps are mixed; a pixel without a label stays without."""

import torch
from torch import nn

import umixup as um

IGNORED = 255

torch.manual_seed(0)
digits = um.data.load("digits")


def maps(x, y):
    """The digit where there is ink, 10 where there is none, 255 in between."""
    ink = x[:, 0].int()  # (B, 8, 8), 0 … 255
    classes = y[:, None, None].expand(ink.shape).clone()
    classes[ink < 140] = IGNORED
    classes[ink < 60] = 10
    return classes


x, y = digits.normalize(digits.train_x), maps(digits.train_x, digits.train_y)
net = nn.Sequential(
    nn.Conv2d(1, 32, 3, padding=1),
    nn.ReLU(),
    nn.Conv2d(32, 32, 5, padding=2),
    nn.ReLU(),
    nn.Conv2d(32, 11, 7, padding=3),
)
optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
mixer = um.mixing.MixUp(0.2, num_classes=11, ignore_index=IGNORED, seed=0)
for _ in range(6):
    for rows in torch.randperm(len(x)).split(64):
        mixed, targets = mixer(x[rows], y[rows])  # (B, 11, 8, 8), 0 where ignored
        log_p = net(mixed).log_softmax(dim=1)
        loss = -(targets * log_p).sum() / targets.sum()  # not by pixels
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

with torch.no_grad():
    guess = net(digits.normalize(digits.test_x)).argmax(dim=1)
truth = maps(digits.test_x, digits.test_y)
kept, ink = truth != IGNORED, truth < 10
print(
    f"segmentation: {(guess == truth)[kept].float().mean():.1%} of labelled pixels "
    f"right, {(guess == truth)[ink].float().mean():.1%} of those with ink"
)
