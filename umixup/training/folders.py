"""Folders of images as tensors: found as torchvision's ImageFolder does, decoded once, and kept."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import torch
from torch import Tensor

_Samples = list[tuple[str, int]]  # a file and its label


def read(
    path: Path, side: int | None, cache: Path
) -> tuple[Tensor, Tensor, Tensor, Tensor, tuple[str, ...]]:
    """The images in path/train/CLASS and path/test/CLASS, one of each class in turn.

    Args:
        side: to which the shorter side is resized before the centre is cropped; ``None``: neither.
        cache: the file that keeps them decoded, one for each path and side.

    Returns:
        train_x, train_y, test_x, test_y and the classes; x is (n, 3, H, W) uint8, y (n,) int64.

    Raises:
        ValueError: a file that is no image or of more than 8 bits, images of several sizes,
            classes that differ, or a single one.
        FileNotFoundError: the folders are not laid out like this, or a link leads nowhere.
    """
    train, test, classes = _find(path)
    files = [file for file, _ in train + test]
    key = _key(path, files)
    x = _kept(cache, key, len(files), side)
    if x is None:
        x = _decode(path, files, side)
        _keep(cache, key, x)
    y = torch.tensor([label for _, label in train + test])
    n = len(train)
    return x[:n], y[:n], x[n:], y[n:], classes


def _find(path: Path) -> tuple[_Samples, _Samples, tuple[str, ...]]:
    """Files and labels of the training and of the test images, and the classes."""
    from torchvision.datasets.folder import IMG_EXTENSIONS, ImageFolder

    class Visible(ImageFolder):  # type: ignore[misc]
        """Without what is hidden: a notebook's .ipynb_checkpoints, a Mac's ._0.jpg."""

        def __init__(self, root: Path) -> None:
            super().__init__(str(root), is_valid_file=self.is_valid)

        def find_classes(self, directory: str) -> tuple[list[str], dict[str, int]]:
            found = super().find_classes(directory)[0]
            classes = [name for name in found if not name.startswith(".")]
            if not classes:
                raise FileNotFoundError(f"{directory} has hidden folders alone.")
            return classes, {name: k for k, name in enumerate(classes)}

        def is_valid(self, file: str) -> bool:
            inside = file.removeprefix(self.root)
            return file.lower().endswith(IMG_EXTENSIONS) and f"{os.sep}." not in inside

    try:
        train, test = (Visible(path / part) for part in ("train", "test"))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise FileNotFoundError(
            f"no folder of images in {path}: {error}\nExpected are\n"
            f"    {path / 'train' / 'CLASS'}/*.jpg (or .png, …)\n"
            f"    {path / 'test' / 'CLASS'}/*.jpg\n"
            "UMIXUP_DATA names the folder of the data sets; 'digits' needs no files"
        ) from error
    if train.classes != test.classes:
        one = min({*train.classes} ^ {*test.classes})
        raise ValueError(f"{path}: {one!r} is a class in train/ or test/ alone; both need it")
    if len(train.classes) == 1:
        raise ValueError(
            f"{path}: {train.classes[0]!r} is the only class, so that there is nothing to tell it "
            "from; two folders or more are needed in train/ and in test/"
        )
    return _in_turn(train.samples), _in_turn(test.samples), tuple(train.classes)


def _in_turn(samples: _Samples) -> _Samples:
    """One of each class in turn, so that the first n hold all classes."""
    before: Counter[int] = Counter()
    ranked = []
    for file, label in samples:
        ranked.append((before[label], label, file))
        before[label] += 1
    return [(file, label) for _, label, file in sorted(ranked)]


def _decode(path: Path, files: list[str], side: int | None) -> Tensor:
    """The files as RGB images of one size, (n, 3, H, W) uint8."""
    # PIL reads all that ImageFolder finds; decode_image, a fifth faster, gives the same bits for
    # JPEG and PNG but knows no BMP, TIFF or PPM.
    from PIL import Image
    from torchvision.transforms import functional as tf
    from tqdm import tqdm

    def decoded(file: str) -> Tensor:
        try:
            with Image.open(file) as opened:
                mode, image = opened.mode, opened.convert("RGB")
        except (OSError, SyntaxError) as error:  # what PIL raises
            raise ValueError(f"{file} cannot be read as an image: {error}") from error
        if mode[0] in "IF":  # PIL cuts what is above 255, and where white is, only its owner knows
            raise ValueError(
                f"{file} is grey with more than 8 bits (PIL's mode {mode}); "
                "scale it to 0 … 255 and save it with 8 bits"
            )
        if side is not None:
            image = tf.center_crop(tf.resize(image, [side]), [side])  # PIL's resize antialiases
        x: Tensor = tf.pil_to_tensor(image)
        return x

    first = decoded(files[0])
    x = first.new_empty(len(files), *first.shape)

    def fill(k: int) -> None:
        image = decoded(files[k])
        if image.shape != first.shape:
            (_, h, w), (_, h2, w2) = first.shape, image.shape
            raise ValueError(
                f"images must be of one size, but {files[0]} has {w}×{h} pixels and {files[k]} "
                f"{w2}×{h2}; the data set 'folder:{path}@{min(h, w)}' resizes them all"
            )
        x[k] = image

    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        done = pool.map(fill, range(len(files)))
        for _ in tqdm(done, f"decoding {path.name}", len(files), unit="image", disable=None):
            pass
    return x


def _key(path: Path, files: list[str]) -> str:
    """Differs where a file was added, removed, renamed or changed, by its size and time."""
    digest = hashlib.blake2b(b"1")  # raise it when the same files are to give other tensors
    for file in files:
        inside = os.fsencode(file.removeprefix(str(path)))
        try:
            stat = os.stat(file)
        except OSError as error:
            link = f", a link to {os.readlink(file)}," if os.path.islink(file) else ""
            raise FileNotFoundError(
                f"the image {file}{link} cannot be read ({error.strerror}): restore or remove it"
            ) from error
        digest.update(b"\0%b\0%d\0%d" % (inside, stat.st_size, stat.st_mtime_ns))
    return digest.hexdigest()


def _kept(cache: Path, key: str, n: int, side: int | None) -> Tensor | None:
    """The n images kept under a key, mapped so that processes share them; else ``None``."""
    try:
        kept = torch.load(str(cache), weights_only=True, mmap=True)
        x: Tensor = kept["x"]
        h, w = x.shape[2:] if side is None else (side, side)
        fits = x.shape == (n, 3, h, w) and x.dtype == torch.uint8
        plain = x.layout == torch.strided and x.device.type == "cpu" and x.is_contiguous()
        return x if kept["key"] == key and fits and plain else None
    except Exception:  # none, part of one, or no cache: zip, pickle and torch raise what they like
        return None


def _keep(cache: Path, key: str, x: Tensor) -> None:
    """Keep images for the next time, whole or not at all; where one cannot write, do not."""
    beside = cache.with_name(f"{uuid4().hex}.part")
    with suppress(OSError, RuntimeError):
        try:
            cache.parent.mkdir(exist_ok=True)
            torch.save({"key": key, "x": x}, beside)
            os.replace(beside, cache)
        finally:
            beside.unlink(missing_ok=True)
