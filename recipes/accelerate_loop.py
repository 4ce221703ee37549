"""Accelerate: mix what the prepared loader gives; the mixer is not prepared."""

import torch
from accelerate import Accelerator
from torch import nn
from torch.nn.functional import cross_entropy

import umixup as um

accelerator = Accelerator(cpu=True)
torch.manual_seed(0)
digits = um.data.load("digits")
train = torch.utils.data.TensorDataset(
    digits.normalize(digits.train_x), digits.train_y
)
model = nn.Sequential(
    nn.Flatten(), nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 10)
)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
loader = torch.utils.data.DataLoader(train, batch_size=64, shuffle=True)
model, optimizer, loader = accelerator.prepare(model, optimizer, loader)

mixer = um.mixing.MixUp(1.0, num_classes=10, seed=0)

for epoch in range(5):
    mixer.set_epoch(epoch)
    model.train()
    for x, y in loader:
        x, targets = mixer(x, y)
        loss = cross_entropy(model(x), targets)
        optimizer.zero_grad()
        accelerator.backward(loss)
        optimizer.step()

model.eval()
test = digits.normalize(digits.test_x).to(accelerator.device)
with torch.no_grad():
    guess = model(test).argmax(dim=1).cpu()
accuracy = (guess == digits.test_y).float().mean()
accelerator.print(f"Accelerate: test accuracy {accuracy:.1%}")
