"""timm's model, loader, loss, optimizer and schedule, in the order of its train.py.

The mixer stands where timm.data.Mixup stood. Another data set: timm_loop.py mnist
"""

import sys

import timm.data
import timm.loss
import timm.optim
import timm.scheduler
import torch
from torchvision.transforms.functional import to_pil_image

import umixup as um

EPOCHS, OFF = 6, 5


class Images(torch.utils.data.Dataset):
    transform = None  # timm's create_loader sets it

    def __init__(self, x, y):
        self.x, self.y = x, y

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return self.transform(to_pil_image(self.x[i])), int(self.y[i])


torch.manual_seed(0)
data = um.data.load(sys.argv[1] if len(sys.argv) > 1 else "digits")
loader, test_loader = (
    timm.data.create_loader(
        Images(x, y),
        input_size=(1, 32, 32),
        batch_size=64,
        is_training=training,
        no_aug=True,
        mean=data.mean,
        std=data.std,
        crop_pct=1.0,
        num_workers=0,
        device=torch.device("cpu"),
        use_prefetcher=False,
    )
    for x, y, training in (
        (data.train_x, data.train_y, True),
        (data.test_x, data.test_y, False),
    )
)
model = timm.create_model("test_resnet", in_chans=1, num_classes=10)
optimizer = timm.optim.create_optimizer_v2(model, opt="adamw", lr=3e-3)
scheduler, _ = timm.scheduler.create_scheduler_v2(optimizer, num_epochs=EPOCHS)
mixer = um.mixing.MixUp(0.2, num_classes=10, seed=0)
criterion = timm.loss.SoftTargetCrossEntropy()

for epoch in range(EPOCHS):
    mixer.mixup_enabled = epoch < OFF
    model.train()
    for x, y in loader:
        x, targets = mixer(x, y)
        loss = criterion(model(x), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    scheduler.step(epoch + 1)

model.eval()
with torch.no_grad():
    right = sum((model(x).argmax(dim=1) == y).sum() for x, y in test_loader)
print(f"timm loop: test accuracy {right / len(data.test_y):.1%}")
