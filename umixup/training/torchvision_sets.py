"""MNIST, Fashion-MNIST, CIFAR10 and CIFAR100: torchvision's files, with verified checksums."""

from __future__ import annotations

import hashlib
import os
import pickle
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPException
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple
from urllib.error import URLError

import numpy as np
import torch
from torch import Tensor

_PATIENCE = 60.0  # seconds that a server may keep silent


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
# torchvision has CIFAR's checksums; it verifies MNIST's files only while downloading them.
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
    """A data set from its files below ``root``, of which nothing is used that is not verified.

    Returns:
        train_x, train_y, test_x, test_y and the classes; x is (n, C, H, W) uint8, y (n,) int64.

    Raises:
        ValueError: a file is damaged.
        FileNotFoundError: a file is missing; the message says how to fetch it.
    """
    source, files = _class_of(name), [*_contents(name, root)]
    if name in _SHA256:
        train_x, train_y, test_x, test_y = (torch.tensor(_unpacked(file)) for file in files)
        return train_x[:, None], train_y.long(), test_x[:, None], test_y.long(), (*source.classes,)
    *batches, meta = (pickle.loads(file, encoding="latin1") for file in files)
    x = torch.tensor(np.concatenate([batch["data"] for batch in batches])).view(-1, 3, 32, 32)
    labels = [batch["labels" if "labels" in batch else "fine_labels"] for batch in batches]
    y, n = torch.tensor([label for some in labels for label in some]), len(batches[-1]["data"])
    return x[:-n], y[:-n], x[-n:], y[-n:], (*meta[source.meta["key"]],)


def fetch(name: str, root: Path) -> None:
    """Download a data set to ``root`` unless all of its files are there.

    Archives that are there already are unpacked instead.

    Raises:
        ValueError: a file is damaged.
        ConnectionError: the download failed.
        OSError: the files cannot be written.
    """
    source, (folder, _, digests) = _class_of(name), _files(name, root)
    with suppress(FileNotFoundError):
        for _ in _contents(name, root):
            pass
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Elsewhere first: a file in its place is complete, whatever stops the download.
        with TemporaryDirectory(prefix=f".{name}.", dir=root) as part:
            there = Path(part) / folder.relative_to(root)
            there.mkdir(parents=True)
            archives = folder.glob("*.gz") if name in _SHA256 else root.glob(source.filename)
            for archive in archives:
                shutil.copy(archive, Path(part) / archive.relative_to(root))
            with _impatient():
                source(part, train=True, download=True)
            for file in digests:
                if not (folder / file).exists():
                    os.replace(there / file, folder / file)
    # torchvision's errors, urllib's, and those of a connection that breaks off
    except (RuntimeError, URLError, HTTPException, ConnectionError, TimeoutError) as error:
        why = " ".join(str(error).split())
        raise ConnectionError(f"it could not be downloaded: {why}") from None
    except OSError as error:
        raise OSError(f"it could not be written to {root}: {error}") from None


@contextmanager
def _impatient() -> Iterator[None]:
    """Let a connection fail that gives nothing for a minute; torchvision would wait for ever."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_PATIENCE)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _class_of(name: str) -> Any:
    import torchvision.datasets

    return getattr(torchvision.datasets, SETS[name].class_name)


def _unpacked(idx: bytes) -> Any:
    """The array in a file of MNIST's: 2049 or 2051, its sizes, and its bytes."""
    dims = idx[3]
    sizes = np.frombuffer(idx, ">u4", dims, offset=4)
    return np.frombuffer(idx, np.uint8, offset=4 + 4 * dims).reshape(sizes)


def _files(name: str, root: Path) -> tuple[Path, str, dict[str, str]]:
    """The folder of a data set's files, the hash function, and the digest of each file."""
    source = _class_of(name)
    if name in _SHA256:
        digests = dict(zip((f"{raw}-ubyte" for raw in _RAW), _SHA256[name], strict=True))
        return root / source.__name__ / "raw", "sha256", digests
    digests = dict([*source.train_list, *source.test_list])
    digests[source.meta["filename"]] = source.meta["md5"]
    return root / source.base_folder, "md5", digests


def _contents(name: str, root: Path) -> Iterator[bytes]:
    """Each file's bytes; an error if it is missing or differs from the published one."""
    folder, method, digests = _files(name, root)
    how = (
        f"    python -c \"import umixup as um; um.data.fetch('{name}', root='{root}')\"\n"
        "or set UMIXUP_DATA to the folder that has it; 'digits' needs no files"
    )
    for file, digest in digests.items():
        if not (folder / file).is_file():
            raise FileNotFoundError(f"no {folder / file}. Fetch it with\n{how}")
        content = (folder / file).read_bytes()
        if hashlib.new(method, content, usedforsecurity=False).hexdigest() != digest:
            raise ValueError(
                f"{folder / file} is damaged, its {method} is not {digest}. "
                f"Delete it and fetch it again with\n{how}"
            )
        yield content
