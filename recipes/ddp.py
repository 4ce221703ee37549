"""DDP in two processes, with one seed: each rank draws partners and λ of its own.

python -m torch.distributed.run --standalone --nproc-per-node 2 recipes/ddp.py
"""

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.functional import cross_entropy
from torch.nn.parallel import DistributedDataParallel

import umixup as um

dist.init_process_group("gloo")
torch.manual_seed(0)  # the same weights everywhere
digits = um.data.load("digits")
train = torch.utils.data.TensorDataset(
    digits.normalize(digits.train_x), digits.train_y
)
sampler = torch.utils.data.DistributedSampler(train, seed=0)
loader = torch.utils.data.DataLoader(train, batch_size=32, sampler=sampler)
net = nn.Sequential(nn.Flatten(), nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 10))
model = DistributedDataParallel(net)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
mixer = um.mixing.MixUp(0.4, num_classes=10, seed=0)

for epoch in range(5):
    sampler.set_epoch(epoch)
    mixer.set_epoch(epoch)
    for x, y in loader:
        x, parts = mixer(x, y, parts=True)
        targets = um.mixing.mix(parts.y, parts.y2, parts.gamma)
        loss = cross_entropy(model(x), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

lams = [torch.empty_like(parts.lam) for _ in range(dist.get_world_size())]
dist.all_gather(lams, parts.lam)
assert dist.get_world_size() == 1 or not torch.equal(lams[0], lams[1])
with torch.no_grad():
    guess = net(digits.normalize(digits.test_x)).argmax(dim=1)
accuracy = (guess == digits.test_y).float().mean()
if dist.get_rank() == 0:
    print(f"DDP, {len(lams)} processes: test accuracy {accuracy:.1%}")
dist.destroy_process_group()
