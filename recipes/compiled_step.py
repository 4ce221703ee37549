"""A compiled step: λ and partners are drawn outside, and mixed inside the graph."""

import torch
from torch import nn
from torch.nn.functional import cross_entropy, one_hot

import umixup as um

torch.manual_seed(0)
digits = um.data.load("digits")
x, y = digits.normalize(digits.train_x), one_hot(digits.train_y, 10).float()
net = nn.Sequential(nn.Flatten(), nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 10))
optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)


@torch.compile(fullgraph=True)
def loss_of(x, y, second, lam, gamma):
    mixed = um.mixing.mix(x, x[second], lam)
    targets = um.mixing.mix(y, y[second], gamma)
    return cross_entropy(net(mixed), targets)


scheme = um.parse("U(B(2.2,0.9))")
draws = torch.Generator().manual_seed(0)
for _ in range(6):
    for rows in torch.randperm(len(x)).split(64)[:-1]:  # one shape, one graph
        lam, gamma = scheme.draw(64, draws)
        second = torch.randperm(64, generator=draws)
        loss = loss_of(x[rows], y[rows], second, lam, gamma)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

with torch.no_grad():
    guess = net(digits.normalize(digits.test_x)).argmax(dim=1)
accuracy = (guess == digits.test_y).float().mean()
print(f"compiled step: test accuracy {accuracy:.1%}")
