"""Mixing for any training loop: drop-in replacements for torchvision's MixUp and timm's Mixup.

    mixer = MixUp(1.0, num_classes=10)  # or UMixUp("U(B(2.2,0.9))", num_classes=10)
    for images, labels in loader:
        images, targets = mixer(images, labels)
        loss = torch.nn.functional.cross_entropy(model(images), targets)

Call it after the loader, or in a ``collate_fn`` (a function, which spawned workers can unpickle):

    def collate(batch):
        return mixer(*torch.utils.data.default_collate(batch))

To stop mixing for the last epochs, as timm's ``mixup_off_epoch`` does:

    mixer.mixup_enabled = epoch < off

timm smooths labels by 0.1 by default. Nothing here does; the loss can
(``torch.nn.CrossEntropyLoss(label_smoothing=0.1)``).
"""

from umixup.mixing.metrics import accuracy
from umixup.mixing.mixers import DAT, MixUp, UMixUp
from umixup.mixing.parts import Parts
from umixup.mixing.tensors import mix

__all__ = ["DAT", "MixUp", "Parts", "UMixUp", "accuracy", "mix"]
