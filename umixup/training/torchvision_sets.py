"""MNIST, Fashion-MNIST, CIFAR10 and CIFAR100: torchvision's files, with verified checksums."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, NamedTuple
from urllib.error import URLError

import torch
from torch import Tensor


class Published(NamedTuple):
    """A data set: its class in torchvision, its title, and the moments of its pixels in [0, 1].

    Mean and standard deviation have one value per channel; they are those of the authors' code.
    """

    class_name: str
    title: str
    mean: tuple[float, ...]
    std: tuple[float, ...]


SETS = {
    "mnist": Published("MNIST", "MNIST", (0.1307,), (0.3081,)),
    "fashion-mnist": Published("FashionMNIST", "Fashion-MNIST", (0.2860,), (0.3530,)),
    "cifar10": Published("CIFAR10", "CIFAR10", (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2612)),
    "cifar100": Published(
        "CIFAR100", "CIFAR100", (0.5071, 0.4865, 0.4409), (0.2673, 0.2564, 0.2762)
    ),
}
# torchvision verifies CIFAR's files whenever it loads them, but MNIST's only while downloading.
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


def read(name: str, root: Path) -> tuple[Tensor, Tensor, Tensor, Tensor, tuple[str, ...]]:
    """A data set from its files below ``root``.

    Returns:
        train_x, train_y, test_x, test_y and the classes; x is (n, C, H, W) uint8, y (n,) int64.

    Raises:
        ValueError: a file is damaged.
        FileNotFoundError: a file is missing; the message says how to fetch it.
    """
    if name in _SHA256:
        _verify(name, root)
    try:
        train, test = (_class_of(name)(str(root), train=is_train) for is_train in (True, False))
    except RuntimeError:  # torchvision's, if a file of CIFAR's is missing or damaged
        _verify(name, root)
        raise
    y, test_y = torch.as_tensor(train.targets), torch.as_tensor(test.targets)
    return _images(train.data), y, _images(test.data), test_y, tuple(train.classes)


def fetch(name: str, root: Path) -> None:
    """Download a data set to ``root`` unless all of its files are there.

    Raises:
        ValueError: a file is damaged.
        ConnectionError: the download failed.
    """
    try:
        _verify(name, root)
    except FileNotFoundError:
        try:
            _class_of(name)(str(root), train=True, download=True)
        except (RuntimeError, URLError) as error:
            why = " ".join(str(error).split())
            raise ConnectionError(f"dataset = {name!r} could not be downloaded: {why}") from None


def _class_of(name: str) -> Any:
    import torchvision.datasets

    return getattr(torchvision.datasets, SETS[name].class_name)


def _images(data: Any) -> Tensor:
    """(n, H, W) or (n, H, W, C) -> (n, C, H, W)"""
    x = torch.as_tensor(data)
    return (x[:, None] if x.dim() == 3 else x.permute(0, 3, 1, 2)).contiguous()


def _verify(name: str, root: Path) -> None:
    """Raise an error if a file is missing or differs from the published one."""
    source = _class_of(name)
    if name in _SHA256:
        folder, method = root / source.__name__ / "raw", "sha256"
        digests = dict(zip((f"{raw}-ubyte" for raw in _RAW), _SHA256[name], strict=True))
    else:
        folder, method = root / source.base_folder, "md5"
        digests = dict([*source.train_list, *source.test_list])
        digests[source.meta["filename"]] = source.meta["md5"]
    how = (
        f"    python -c \"import umixup as um; um.data.fetch('{name}', root='{root}')\"\n"
        "or set UMIXUP_DATA to the folder that has it; 'digits' needs no files"
    )
    for file in (folder / file_name for file_name in digests):
        if not file.is_file():
            raise FileNotFoundError(f"dataset = {name!r}: no {file}. Fetch it with\n{how}")
        with file.open("rb") as content:
            if hashlib.file_digest(content, method).hexdigest() != digests[file.name]:
                raise ValueError(
                    f"dataset = {name!r}: {file} is damaged, its {method} is not "
                    f"{digests[file.name]}. Delete it and fetch it again with\n{how}"
                )
