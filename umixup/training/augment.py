"""Random crops and horizontal flips, a whole batch in one gather."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn.functional import pad

from umixup._random import generator_for

if TYPE_CHECKING:
    from umixup.training.config import Config


def draw_crops(
    config: Config, sides: int, n: int, epoch: int, stream: str = "augmentation"
) -> tuple[Tensor, Tensor]:
    """Draw an epoch's random crops and flips.

    Args:
        config: its seed, ``crop_padding`` and ``flip`` are used.
        sides: 2 for pairs (first samples, then second ones), 1 for a test set.
        n: samples on each side.
        epoch: counted from 0.
        stream: name of the random stream; another stream gives independent draws.

    Returns:
        Offsets, (sides, n, 2) int64 in 0 … 2·crop_padding, and flips, (sides, n) bool.
    """
    generator = generator_for(config.seed, stream, epoch)
    offsets = torch.randint(2 * config.crop_padding + 1, (sides, n, 2), generator=generator)
    return offsets, (torch.rand(sides, n, generator=generator) < 0.5) & config.flip


def gather_crops(
    padded: Tensor, indices: Tensor, offsets: Tensor, flips: Tensor, padding: int
) -> Tensor:
    """A batch of random crops and horizontal flips, gathered from a set of padded images.

    Images are padded once, before normalisation, so that the padding is black. A batch is then a
    single copy from the padded set; ``crop_and_flip`` pads each batch anew.

    Args:
        padded: (n, C, H + 2·padding, W + 2·padding), contiguous: else it is copied each time.
        indices: (B,) int64 in 0 … n − 1: which images.
        offsets: (B, 2) int64 in 0 … 2·padding: the crop's top and left in the padded image.
        flips: (B,) bool: which images to mirror.
        padding: in pixels on every side.

    Returns:
        (B, C, H, W), dtype of padded.

    >>> x = torch.arange(1, 5, dtype=torch.uint8).reshape(1, 1, 2, 2)
    >>> offsets, flips = torch.tensor([[0, 1], [1, 1]]), torch.tensor([False, True])
    >>> gather_crops(pad(x, (1, 1, 1, 1)), torch.tensor([0, 0]), offsets, flips, padding=1)
    tensor([[[[0, 0],
              [1, 2]]],
    <BLANKLINE>
    <BLANKLINE>
            [[[2, 1],
              [4, 3]]]], dtype=torch.uint8)
    """
    padded = padded.contiguous()
    _, channels, rows, columns = padded.shape
    height, width = rows - 2 * padding, columns - 2 * padding
    # A view with one window for every place in memory where a crop can begin. Selecting from it
    # copies whole rows, and needs B places instead of B·H·W.
    strides = 1, rows * columns, columns, 1
    last = (channels - 1) * strides[1] + (height - 1) * columns + width - 1
    windows = padded.as_strided((padded.numel() - last, channels, height, width), strides)
    places = indices * (channels * rows * columns) + offsets[:, 0] * columns + offsets[:, 1]
    return _mirrored(windows.index_select(0, places), flips)


def _mirrored(x: Tensor, flips: Tensor) -> Tensor:
    mirrored = x.flip(3)
    if x.device.type != "cpu":
        return torch.where(flips[:, None, None, None], mirrored, x)
    # On a CPU, torch.where takes about 5 times as long as copying whole images.
    return torch.cat((x, mirrored)).index_select(0, torch.arange(len(x)) + len(x) * flips)


def crop_and_flip(x: Tensor, offsets: Tensor, flips: Tensor, padding: int) -> Tensor:
    """Random crops after zero padding, and horizontal flips, of a batch (B, C, H, W).

    Apply it before normalisation, so that the padding is black. ``offsets``, ``flips`` and
    ``padding`` are those of ``gather_crops``.
    """
    indices = torch.arange(len(x), device=x.device)
    return gather_crops(pad(x, (padding,) * 4), indices, offsets, flips, padding)
