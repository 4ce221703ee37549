"""Two inputs: numbers and embedded categories, mixed with one partner and one λ."""

import torch
from torch import nn
from torch.nn.functional import cross_entropy

import umixup as um

torch.manual_seed(0)
n, kinds = 3000, 12
numbers, category = torch.randn(n, 6), torch.randint(kinds, (n,))
slope = torch.randn(kinds, 6)  # in each category, other numbers matter
label = ((numbers * slope[category]).sum(dim=1) > 0).long()
train, test = slice(0, 2000), slice(2000, n)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(kinds, 16)
        self.body = nn.Sequential(nn.Linear(22, 128), nn.ReLU(), nn.Linear(128, 2))

    def forward(self, numbers, embedded):
        return self.body(torch.cat([numbers, embedded], dim=1))


net = Net()
optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
mixer = um.mixing.MixUp(0.4, num_classes=2, seed=0)
for _ in range(20):
    for rows in torch.randperm(2000).split(100):
        inputs = {"numbers": numbers[rows], "embedded": net.embed(category[rows])}
        mixed, targets = mixer(inputs, label[rows])
        loss = cross_entropy(net(**mixed), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

with torch.no_grad():
    guess = net(numbers[test], net.embed(category[test])).argmax(dim=1)
accuracy = (guess == label[test]).float().mean()
print(f"tabular: test accuracy {accuracy:.1%}")
