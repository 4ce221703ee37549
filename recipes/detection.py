"""Detection: the boxes of both pictures stay, with the weights γ and 1 − γ."""

import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits, smooth_l1_loss

import umixup as um

torch.manual_seed(0)
digits = um.data.load("digits")


def pictures(x):
    """A digit of 8×8 somewhere in 24×24; boxes (M, 5): picture, then x, y, w, h."""
    canvas = torch.zeros(len(x), 1, 24, 24)
    boxes = torch.full((len(x), 5), 8.0)
    for k, digit in enumerate(x.float() / 255):
        top, left = torch.randint(17, (2,)).tolist()
        canvas[k, :, top : top + 8, left : left + 8] = digit
        boxes[k, :3] = torch.tensor([k, left + 4, top + 4])
    return canvas, boxes


def loss_of(outputs, boxes, weight):
    """outputs (B, 3, 3, 3): is a centre in this cell of 8×8, and where in it?"""
    picture, x, y = boxes[:, :3].long().T
    cell = (picture, y // 8, x // 8)
    there = torch.zeros_like(outputs[:, 0])
    there = there.index_put(cell, weight, accumulate=True).clamp(max=1)
    where = outputs.permute(0, 2, 3, 1)[cell][:, 1:]  # (M, 2)
    gap = smooth_l1_loss(where, boxes[:, 1:3] % 8 / 8, reduction="none").sum(dim=1)
    found = binary_cross_entropy_with_logits(outputs[:, 0], there)
    return found + (weight * gap).sum() / weight.sum()


x, boxes = pictures(digits.train_x)  # here one box a picture; any number will do
net = nn.Sequential(
    nn.Conv2d(1, 32, 8, 4, 2), nn.ReLU(), nn.Conv2d(32, 64, 4, 2, 1), nn.ReLU()
)
net.append(nn.Conv2d(64, 3, 1))
optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
mixer = um.mixing.MixUp(1.5, seed=0)
for _ in range(10):
    for rows in torch.randperm(len(x)).split(64):
        mixed, parts = mixer(x[rows], None, parts=True)
        own = boxes[rows].clone()
        own[:, 0] = torch.arange(len(rows))
        theirs = own.clone()  # picture k is the partner in mixture inverse[k]
        inverse = parts.second.argsort()
        theirs[:, 0] = inverse[own[:, 0].long()]
        first, second = own[:, 0].long(), theirs[:, 0].long()
        weight = torch.cat([parts.gamma[first], 1 - parts.gamma[second]])
        loss = loss_of(net(mixed), torch.cat([own, theirs]), weight)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

x, boxes = pictures(digits.test_x)
with torch.no_grad():
    outputs = net(x)
best = outputs[:, 0].flatten(1).argmax(dim=1)  # the cell, 0 … 8
cell = torch.stack([best % 3, best // 3], dim=1)
where = outputs[:, 1:].flatten(2)[torch.arange(len(x)), :, best]
right = ((8 * (cell + where) - boxes[:, 1:3]).abs().amax(dim=1) < 1).float().mean()
print(f"detection: centre within one pixel on {right:.1%} of the test pictures")
