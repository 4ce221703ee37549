"""Padded text: embeddings are mixed, and the attention mask is the union."""

import torch
from torch import nn
from torch.nn.functional import cross_entropy

import umixup as um

torch.manual_seed(0)
n, words, topics = 2000, 200, 4
label = torch.randint(topics, (n,))
lengths = torch.randint(5, 21, (n, 1))
mask = (torch.arange(20) < lengths).long()  # 1 is a word, 0 is padding
about = torch.rand(n, 20) < 0.2  # one word in five is about the topic
special = 1 + 10 * label[:, None] + torch.randint(10, (n, 20))
ids = torch.where(about, special, torch.randint(1, words, (n, 20))) * mask
train, test = slice(0, 1500), slice(1500, n)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(words, 32, padding_idx=0)
        self.body = nn.Sequential(nn.Linear(32, 64), nn.ReLU())
        self.head = nn.Linear(64, topics)

    def forward(self, inputs_embeds, attention_mask):
        kept = attention_mask[:, :, None]  # (B, L, 1)
        h = (self.body(inputs_embeds) * kept).sum(dim=1) / kept.sum(dim=1)
        return self.head(h)


net = Net()
optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
mixer = um.mixing.MixUp(
    0.2, num_classes=topics, integers={"attention_mask": "union"}, seed=0
)
for _ in range(20):
    for rows in torch.randperm(1500).split(50):
        batch = {"inputs_embeds": net.embed(ids[rows])}
        batch["attention_mask"] = mask[rows]
        batch, targets = mixer(batch, label[rows])
        loss = cross_entropy(net(**batch), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

with torch.no_grad():
    guess = net(net.embed(ids[test]), mask[test]).argmax(dim=1)
accuracy = (guess == label[test]).float().mean()
print(f"text: test accuracy {accuracy:.1%}, of four topics")
