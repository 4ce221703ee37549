"""Data sets as tensors: uint8 images and int64 labels, held on the device they are trained on."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import pad

# name -> (torchvision's class, title, mean and standard deviation of a pixel in [0, 1], as in
# the authors' code); the digits come with scikit-learn, so they are always there.
_TORCHVISION = {"fashion-mnist": ("FashionMNIST", "Fashion-MNIST", 0.2860, 0.3530)}
NAMES = ("digits", *_TORCHVISION)


@dataclass(frozen=True)
class DataSet:
    """Training and test images, (n, C, H, W) uint8, and labels, (n,) int64.

    Attributes:
        mean, std: of a pixel scaled to [0, 1]; ``normalize`` uses them.
        classes: the class names, in the order of their labels.
    """

    name: str
    title: str
    train_x: Tensor
    train_y: Tensor
    test_x: Tensor
    test_y: Tensor
    classes: tuple[str, ...]
    mean: float
    std: float

    def to(self, device: torch.device | str) -> DataSet:
        """The same set on a device."""
        tensors = ("train_x", "train_y", "test_x", "test_y")
        return replace(self, **{name: getattr(self, name).to(device) for name in tensors})

    def first(self, n: int | None) -> DataSet:
        """The set with its first n training samples; ``None`` keeps all.

        Raises:
            ValueError: n is not between 1 and the number there are.
        """
        if n is None:
            return self
        if not 1 <= n <= len(self.train_x):
            raise ValueError(f"train_size = {n}: {self.title} has 1 to {len(self.train_x)}")
        return replace(self, train_x=self.train_x[:n], train_y=self.train_y[:n])

    def normalize(self, x: Tensor) -> Tensor:
        """uint8 images -> float32 with mean 0 and variance 1 over the training pixels."""
        return x.float().sub_(255 * self.mean).mul_(1 / (255 * self.std))


def check_name(name: str) -> str:
    """``name`` itself, if there is such a data set.

    Raises:
        ValueError: with the list of those there are.
    """
    if name not in NAMES:
        raise ValueError(f"dataset = {name!r}: it must be one of {', '.join(NAMES)}")
    return name


def folder(root: str | os.PathLike[str] | None = None) -> Path:
    """Where data sets lie: ``root``, else $UMIXUP_DATA, else ``data/`` here or one level up."""
    if root is not None:
        return Path(root)
    if os.environ.get("UMIXUP_DATA"):
        return Path(os.environ["UMIXUP_DATA"])
    here, above = Path("data"), Path("../data")
    return above if above.is_dir() and not here.is_dir() else here


def load(name: str, root: str | os.PathLike[str] | None = None) -> DataSet:
    """A data set, from what is on this machine; nothing is downloaded.

    ``digits``: 8×8 handwritten digits, shipped with scikit-learn (from the UCI repository). The
    last 360 of the 1,797, in the file's order, are the test set: mostly by other writers.
    ``fashion-mnist``: torchvision's files below ``root`` (see ``fetch``).

    Args:
        name: one of ``NAMES``.
        root: the folder of the data sets; by default see ``folder``.

    Raises:
        ValueError: an unknown name.
        FileNotFoundError: the files are not there; the message says how to fetch them.
    """
    if check_name(name) == "digits":
        return _digits()
    return _torchvision(name, folder(root), download=False)


def fetch(name: str, root: str | os.PathLike[str] | None = None) -> DataSet:
    """Download a data set with torchvision, which verifies its checksums, and load it."""
    if check_name(name) == "digits":
        return _digits()
    return _torchvision(name, folder(root), download=True)


def _digits() -> DataSet:
    from sklearn.datasets import load_digits

    bunch = load_digits()
    x = torch.from_numpy(bunch.images).mul(255 / 16).round().to(torch.uint8)[:, None]  # 0…16
    y = torch.from_numpy(bunch.target).long()
    cut = len(x) - 360
    pixels = x[:cut].double() / 255
    return DataSet(
        "digits",
        "digits",
        x[:cut],
        y[:cut],
        x[cut:],
        y[cut:],
        tuple(map(str, bunch.target_names)),
        float(pixels.mean()),
        float(pixels.std()),
    )


def _torchvision(name: str, root: Path, download: bool) -> DataSet:
    import torchvision.datasets

    attribute, title, mean, std = _TORCHVISION[name]
    make = getattr(torchvision.datasets, attribute)
    try:
        train, test = (make(str(root), train=t, download=download) for t in (True, False))
    except RuntimeError as error:
        if download:
            raise
        raise FileNotFoundError(
            f"dataset = {name!r}: no files in {root / attribute}. Fetch them with\n"
            f"    python -c \"import umixup as um; um.data.fetch('{name}', root='{root}')\"\n"
            "or set UMIXUP_DATA to the folder that has them"
        ) from error
    return DataSet(
        name,
        title,
        train.data[:, None].contiguous(),
        train.targets.long(),
        test.data[:, None].contiguous(),
        test.targets.long(),
        tuple(train.classes),
        mean,
        std,
    )


def gather_crops(
    padded: Tensor, indices: Tensor, offsets: Tensor, flips: Tensor, padding: int
) -> Tensor:
    """A batch of random crops and horizontal flips, out of a whole set of padded images.

    Images are padded once, before normalisation, so that the padding is black; then a batch is
    one copy out of the padded set, where ``crop_and_flip`` pads the batch each time.

    Args:
        padded: (n, C, H + 2·padding, W + 2·padding), contiguous: else it is copied each time.
        indices: (B,) int64 in 0 … n − 1; which images.
        offsets: (B, 2) int64 in 0 … 2·padding; the crop's top and left in the padded image.
        flips: (B,) bool; which samples to mirror.
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
    # Every crop is a window at one place of memory: a view with a window for every place, and
    # then a selection that copies whole rows, and computes B places instead of B·H·W.
    strides = 1, rows * columns, columns, 1
    last = (channels - 1) * strides[1] + (height - 1) * columns + width - 1
    windows = padded.as_strided((padded.numel() - last, channels, height, width), strides)
    places = indices * (channels * rows * columns) + offsets[:, 0] * columns + offsets[:, 1]
    return _mirrored(windows.index_select(0, places), flips)


def _mirrored(x: Tensor, flips: Tensor) -> Tensor:
    mirrored = x.flip(3)
    if x.device.type != "cpu":
        return torch.where(flips[:, None, None, None], mirrored, x)
    # A CPU takes some 5 times as long for torch.where as for copying the whole images.
    return torch.cat((x, mirrored)).index_select(0, torch.arange(len(x)) + len(x) * flips)


def crop_and_flip(x: Tensor, offsets: Tensor, flips: Tensor, padding: int) -> Tensor:
    """Random crops after zero padding, and horizontal flips.

    Args:
        x: (B, C, H, W), before normalisation, so that the padding is black.
        offsets: (B, 2) int64 in 0 … 2·padding; the crop's top and left in the padded image.
        flips: (B,) bool; which samples to mirror.
        padding: in pixels on every side.

    Returns:
        (B, C, H, W), dtype of x.
    """
    indices = torch.arange(len(x), device=x.device)
    return gather_crops(pad(x, (padding,) * 4), indices, offsets, flips, padding)
