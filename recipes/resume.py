"""Stopped in the middle of an epoch and resumed: the weights are the same."""

import io

import torch
from torch import nn
from torch.nn.functional import cross_entropy

import umixup as um

EPOCHS, STEPS, SIZE = 3, 20, 64
digits = um.data.load("digits")
images, labels = digits.normalize(digits.train_x), digits.train_y


def train(checkpoint=None, stop=None):
    """The network; or, if it stops after so many steps, a checkpoint."""
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Flatten(), nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 10)
    )
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    mixer = um.mixing.MixUp(0.4, num_classes=10, seed=0)
    done = 0
    if checkpoint:
        state = torch.load(io.BytesIO(checkpoint))
        net.load_state_dict(state["net"])
        optimizer.load_state_dict(state["optimizer"])
        mixer.load_state_dict(state["mixer"])
        done = state["done"]
    for epoch in range(done // STEPS, EPOCHS):
        if epoch * STEPS >= done:  # not in the epoch that was broken off
            mixer.set_epoch(epoch)
        shuffle = torch.Generator().manual_seed(epoch)
        order = torch.randperm(len(images), generator=shuffle)
        for rows in order.split(SIZE)[done - epoch * STEPS : STEPS]:
            x, targets = mixer(images[rows], labels[rows])
            loss = cross_entropy(net(x), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            done += 1
            if done == stop:
                file = io.BytesIO()
                state = {"net": net.state_dict(), "mixer": mixer.state_dict()}
                state |= {"optimizer": optimizer.state_dict(), "done": done}
                torch.save(state, file)
                return file.getvalue()
    return net


straight, resumed = train(), train(train(stop=27))
pairs = zip(straight.parameters(), resumed.parameters(), strict=True)
assert all(torch.equal(a, b) for a, b in pairs)
print(f"resume: {EPOCHS * STEPS} steps, stopped at 27 or not, give equal weights")
