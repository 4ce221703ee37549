"""Log-mel spectrograms in which silence is −∞: mix, then give silence a floor."""

import torch
from torch import nn
from torch.nn.functional import cross_entropy

import umixup as um

torch.manual_seed(0)
RATE, FLOOR = 8000, -9.0
n, tones, length = 800, 6, 4000


def sound(label):
    """Half a second: a note with its overtones and noise, and silence around it."""
    t = torch.arange(length) / RATE
    pitch = 220 * 2 ** ((label + 0.2 * torch.randn(())) / 6)
    wave = sum(torch.sin(6.28 * k * pitch * t) / k for k in (1, 2, 3))
    wave = wave + torch.randn(length)
    start, stop = torch.randint(0, 1500, ()), torch.randint(2500, length, ())
    return wave * ((torch.arange(length) >= start) & (torch.arange(length) < stop))


def log_mel(waves, bands=32):
    """(n, length) -> (n, bands, frames); −∞ where there is no sound at all."""
    spectrum = torch.stft(
        waves, 512, 256, window=torch.hann_window(512), return_complex=True
    )
    mel = torch.linspace(0, 2595 * torch.tensor(1 + 4000 / 700).log10(), bands + 2)
    hertz = 700 * (10 ** (mel / 2595) - 1)
    f = torch.linspace(0, RATE / 2, 257)
    up = (f - hertz[:-2, None]) / (hertz[1:-1] - hertz[:-2])[:, None]
    down = (hertz[2:, None] - f) / (hertz[2:] - hertz[1:-1])[:, None]
    return (torch.minimum(up, down).clamp(min=0) @ spectrum.abs().square()).log()


label = torch.randint(tones, (n,))
x = log_mel(torch.stack([sound(k) for k in label]))
assert x.isinf().any()
train, test = slice(0, 600), slice(600, n)
net = nn.Sequential(nn.Flatten(), nn.Linear(x[0].numel(), 128), nn.ReLU())
net.append(nn.Linear(128, tones))
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
mixer = um.mixing.MixUp(0.2, num_classes=tones, seed=0)
for _ in range(15):
    for rows in torch.randperm(600).split(50):
        mixed, targets = mixer(x[rows], label[rows])
        loss = cross_entropy(net(mixed.clamp(min=FLOOR)), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

with torch.no_grad():
    guess = net(x[test].clamp(min=FLOOR)).argmax(dim=1)
accuracy = (guess == label[test]).float().mean()
print(f"audio: test accuracy {accuracy:.1%}, of six notes")
