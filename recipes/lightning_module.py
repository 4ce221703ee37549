"""Lightning: the mixer is an attribute of the module; training_step calls it."""

import pytorch_lightning as pl
import torch
from torch import nn
from torch.nn.functional import cross_entropy

import umixup as um


class Classifier(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.Flatten(), nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 10)
        )
        self.mixer = um.mixing.MixUp(0.4, num_classes=10, seed=0)

    def on_train_epoch_start(self):
        self.mixer.set_epoch(self.current_epoch)

    def training_step(self, batch, _):
        x, targets = self.mixer(*batch)
        return cross_entropy(self.net(x), targets)

    def validation_step(self, batch, _):
        x, y = batch  # never mixed
        right = (self.net(x).argmax(dim=1) == y).float().mean()
        self.log("accuracy", right, on_epoch=True, batch_size=len(x))

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1, momentum=0.9)


pl.seed_everything(0, verbose=False)
digits = um.data.load("digits")
sets = [
    torch.utils.data.TensorDataset(digits.normalize(x), y)
    for x, y in ((digits.train_x, digits.train_y), (digits.test_x, digits.test_y))
]
trainer = pl.Trainer(
    accelerator="cpu",
    max_epochs=5,
    logger=False,
    enable_checkpointing=False,
    enable_progress_bar=False,
    enable_model_summary=False,
)
trainer.fit(
    Classifier(),
    torch.utils.data.DataLoader(sets[0], batch_size=64, shuffle=True),
    torch.utils.data.DataLoader(sets[1], batch_size=360),
)
print(f"Lightning: test accuracy {trainer.callback_metrics['accuracy']:.1%}")
