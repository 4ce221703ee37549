"""Folders of images as tensors: found by torchvision's ImageFolder, decoded once, and cached."""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import groupby, zip_longest
from pathlib import Path

import torch
from torch import Tensor

from umixup.training.files import written_whole

_Samples = list[tuple[str, int]]  # a file and its label


def read(
    path: Path, side: int | None, cache: Path
) -> tuple[Tensor, Tensor, Tensor, Tensor, tuple[str, ...]]:
    """The images in path/train/CLASS and path/test/CLASS, the classes alternating.

    Args:
        path: the folder that has train/ and test/.
        side: resize the shorter side to this and crop the centre; ``None`` does neither.
        cache: a file for the decoded images, its own for each path and side. It is used while the
            key in it is still that of the image files, and written anew otherwise.

    Returns:
        train_x, train_y, test_x, test_y and the classes; x is (n, 3, H, W) uint8, y (n,) int64.

    Raises:
        ValueError: a file that is not an image or has more than 8 bits, images of different
            sizes, classes that differ between train/ and test/, or a single class.
        FileNotFoundError: there are no such folders, or a link is broken.
    """
    train, test, classes = _find(path)
    files = [file for file, _ in train + test]
    key = _key(path, files)
    x = _cached(cache, key, len(files), side)
    if x is None:
        x = _decode(path, files, side)
        _write(cache, key, x)
    y = torch.tensor([label for _, label in train + test])
    n = len(train)
    return x[:n], y[:n], x[n:], y[n:], classes


def _find(path: Path) -> tuple[_Samples, _Samples, tuple[str, ...]]:
    """Files and labels of the training images and of the test images, and the classes."""
    from torchvision.datasets.folder import IMG_EXTENSIONS, ImageFolder

    class Visible(ImageFolder):  # type: ignore[misc]
        """Skips hidden files and folders: Jupyter's .ipynb_checkpoints, a Mac's ._0.jpg."""

        def __init__(self, root: Path) -> None:
            super().__init__(str(root), is_valid_file=self.is_valid)

        def find_classes(self, directory: str) -> tuple[list[str], dict[str, int]]:
            found = super().find_classes(directory)[0]
            classes = [name for name in found if not name.startswith(".")]
            if not classes:
                raise FileNotFoundError(f"{directory} has only hidden folders.")
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
        raise ValueError(
            f"{path}: {one!r} is a class in only one of train/ and test/; both need it"
        )
    if len(train.classes) == 1:
        raise ValueError(
            f"{path}: {train.classes[0]!r} is the only class; train/ and test/ need a folder for "
            "each of two or more classes"
        )
    return _alternating(train.samples), _alternating(test.samples), tuple(train.classes)


def _alternating(samples: _Samples) -> _Samples:
    """One sample of each class in turn, so that the first n cover all classes."""
    by_class = [list(group) for _, group in groupby(samples, key=lambda sample: sample[1])]
    return [sample for turn in zip_longest(*by_class) for sample in turn if sample is not None]


def _decode(path: Path, files: list[str], side: int | None) -> Tensor:
    """The files as RGB images of one size, (n, 3, H, W) uint8."""
    # PIL reads every format that ImageFolder finds. torchvision's decode_image is a fifth faster,
    # with the same bits for JPEG and PNG, but does not read BMP, TIFF or PPM.
    from PIL import Image
    from torchvision.transforms import functional as tf
    from tqdm import tqdm

    def decoded(file: str) -> Tensor:
        try:
            with Image.open(file) as opened:
                mode, image = opened.mode, opened.convert("RGB")
        except (OSError, SyntaxError) as error:  # what PIL raises
            raise ValueError(f"{file} cannot be read as an image: {error}") from error
        if mode[0] in "IF":  # PIL would clip at 255, and which value is white is not known
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
    """A digest of all names, sizes and times: it changes with any file."""
    digest = hashlib.blake2b(b"1")  # raise it if the same files are to give other tensors
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


def _cached(cache: Path, key: str, n: int, side: int | None) -> Tensor | None:
    """The n images cached under this key, or ``None``; mapped, so that processes share them."""
    try:
        content = torch.load(str(cache), weights_only=True, mmap=True)
        x: Tensor = content["x"]
        h, w = x.shape[2:] if side is None else (side, side)
        fits = x.shape == (n, 3, h, w) and x.dtype == torch.uint8
        plain = x.layout == torch.strided and x.device.type == "cpu" and x.is_contiguous()
        return x if content["key"] == key and fits and plain else None
    except Exception:  # missing, cut off or foreign: zip, pickle and torch raise many errors
        return None


def _write(cache: Path, key: str, x: Tensor) -> None:
    """Cache the images if that is possible, but do not make the folder of the data sets."""
    with suppress(OSError, RuntimeError):
        if cache.parents[1].is_dir():
            with written_whole(cache) as part:
                torch.save({"key": key, "x": x}, part)
