"""PreActResNet18: the paper's network, of any width."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from umixup.training.conv3x3 import Conv3x3


class PreActBlock(nn.Module):
    """Two 3×3 convolutions, each after batch normalisation and ReLU, around a shortcut.

    Reference: He et al., Identity Mappings in Deep Residual Networks, 2016.
    """

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(inputs)
        self.conv1 = Conv3x3(inputs, outputs, stride)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.conv2 = Conv3x3(outputs, outputs)
        self.shortcut = (
            nn.Conv2d(inputs, outputs, 1, stride, bias=False)
            if stride != 1 or inputs != outputs
            else None
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) -> (B, outputs, H/stride, W/stride)."""
        h = F.relu(self.bn1(x))
        shortcut = x if self.shortcut is None else self.shortcut(h)
        out: Tensor = self.conv2(F.relu(self.bn2(self.conv1(h)))) + shortcut
        return out


class PreActResNet18(nn.Module):
    """The paper's network: a 3×3 stem, eight pre-activation blocks, mean pooling, a linear layer.

    Four stages of two blocks have w, 2w, 4w and 8w channels; the paper has w = 64. There is no
    normalisation after the last block. The 3×3 convolutions of the blocks are ``Conv3x3``: torch's
    ``nn.Conv2d``, computed as one matrix product on the 1×1 and 2×2 maps that small images end in.

    Args:
        num_classes: C, the size of the output.
        channels: of the images.
        width: w ≥ 1.
    """

    def __init__(self, num_classes: int, channels: int = 3, width: int = 64) -> None:
        super().__init__()
        self.stem = nn.Conv2d(channels, width, 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(width)
        blocks: list[nn.Module] = []
        inputs = width
        for stage, stride in enumerate((1, 2, 2, 2)):
            outputs = width * 2**stage
            blocks += [PreActBlock(inputs, outputs, stride), PreActBlock(outputs, outputs, 1)]
            inputs = outputs
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Linear(inputs, num_classes)

    def features(self, x: Tensor) -> Tensor:
        """(B, channels, H, W) -> (B, 8·width)."""
        h = self.blocks(F.relu(self.bn(self.stem(x))))
        return torch.flatten(h.mean(dim=(2, 3)), 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, H, W), normalised -> logits (B, num_classes)."""
        logits: Tensor = self.head(self.features(x))
        return logits
