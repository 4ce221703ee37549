"""A plain PyTorch loop: one line more. Mixing stops before the last epoch."""

import torch
from torch import nn
from torch.nn.functional import cross_entropy

import umixup as um

EPOCHS, OFF = 8, 7

torch.manual_seed(0)
digits = um.data.load("digits")
train = torch.utils.data.TensorDataset(
    digits.normalize(digits.train_x), digits.train_y
)
loader = torch.utils.data.DataLoader(train, batch_size=64, shuffle=True)
model = nn.Sequential(
    nn.Flatten(), nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 10)
)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
mixer = um.mixing.MixUp(1.0, num_classes=10, seed=0)

for epoch in range(EPOCHS):
    mixer.set_epoch(epoch)
    mixer.mixup_enabled = epoch < OFF
    model.train()
    right = torch.zeros(())
    for x, y in loader:
        x, parts = mixer(x, y, parts=True)
        outputs = model(x)
        targets = um.mixing.mix(parts.y, parts.y2, parts.gamma)
        loss = cross_entropy(outputs, targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        right += um.mixing.accuracy(outputs.detach(), parts) * len(x)

model.eval()
with torch.no_grad():
    guess = model(digits.normalize(digits.test_x)).argmax(dim=1)
accuracy = (guess == digits.test_y).float().mean()
print(
    f"plain loop: test accuracy {accuracy:.1%}; "
    f"on the training set, in the last epoch, {right / len(train):.1%}"
)
