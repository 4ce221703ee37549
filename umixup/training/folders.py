"""Folders of images as tensors: laid out as for torchvision's ImageFolder, decoded once, cached."""

from __future__ import annotations

import hashlib
import os
import re
import stat
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import groupby, zip_longest
from pathlib import Path
from zipfile import ZipFile

import torch
from torch import Tensor

from umixup._files import written_whole
from umixup.training.environment import in_terminal

_Samples = list[tuple[str, int]]  # a file and its label

# Those of ImageFolder's extensions. PIL would try more: PostScript, for one, starts Ghostscript.
_FORMATS = ("JPEG", "PNG", "PPM", "BMP", "TIFF", "WEBP")
# How PIL turns an image upright, for each orientation in its EXIF data but 1, upright already.
_UPRIGHT: dict[object, str] = {
    2: "FLIP_LEFT_RIGHT",
    3: "ROTATE_180",
    4: "FLIP_TOP_BOTTOM",
    5: "TRANSPOSE",
    6: "ROTATE_270",
    7: "TRANSVERSE",
    8: "ROTATE_90",
}
# How PIL describes samples of 16 bits: "RGB;16B", or ("RGB", 65535) with the largest value.
_DEEP = re.compile(r";16|, \d{4,}\)")
_MOST_PIXELS = 2**28  # of an image as it is resized, before it is cropped


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
        ValueError: a file that is not an image or is grey with more than 8 bits, images of
            different sizes, classes that differ between train/ and test/, a single class, or a
            link by which a folder or an image is found twice.
        OSError: a folder cannot be read, such as a FileNotFoundError: there are no such folders,
            or a link is broken.
    """
    train, test, classes = _find(path)
    files = [file for file, _ in train + test]
    key = _key(path, files, side)
    x = _cached(cache, key, len(files), side)
    if x is None:
        x = _decode(path, files, side)
        _write(cache, key, x)
    y = torch.tensor([label for _, label in train + test])
    n = len(train)
    return x[:n], y[:n], x[n:], y[n:], classes


def _find(path: Path) -> tuple[_Samples, _Samples, tuple[str, ...]]:
    """Files and labels of the training images and of the test images, and the classes."""
    real = os.path.realpath(path)
    entered = {str(folder): str(folder) for folder in (Path(real), *Path(real).parents)}
    try:
        train, classes = _samples(path / "train", entered)
        test, test_classes = _samples(path / "test", entered)
    except _NoImagesError as error:
        raise FileNotFoundError(
            f"no folder of images in {path}: {error}\nExpected are\n"
            f"    {path / 'train' / 'CLASS'}/*.jpg (or .png, …)\n"
            f"    {path / 'test' / 'CLASS'}/*.jpg\n"
            "UMIXUP_DATA names the folder of the data sets; 'digits' needs no files"
        ) from None
    if classes != test_classes:
        one = min({*classes} ^ {*test_classes})
        raise ValueError(
            f"{path}: {one!r} is a class in only one of train/ and test/; both need it"
        )
    if len(classes) == 1:
        raise ValueError(
            f"{path}: {classes[0]!r} is the only class; train/ and test/ need a folder for "
            "each of two or more classes"
        )
    return _alternating(train), _alternating(test), tuple(classes)


class _NoImagesError(Exception):
    """A folder that should have classes or images has none."""


def _samples(root: Path, entered: dict[str, str]) -> tuple[_Samples, list[str]]:
    """The images in root/CLASS, in the order of torchvision's ImageFolder, and the classes."""
    from torchvision.datasets.folder import IMG_EXTENSIONS

    if not root.is_dir():
        raise _NoImagesError(f"{root} is not a folder.")
    classes = [entry.name for entry in _entries(str(root), entered) if entry.is_dir()]
    if not classes:
        raise _NoImagesError(f"{root} has no folders, or only hidden ones.")
    samples = []
    for label, name in enumerate(classes):
        folders, files = [str(root / name)], []
        while folders:
            folder = folders.pop()
            for entry in _entries(folder, entered):
                if entry.is_dir():
                    folders.append(entry.path)
                elif entry.name.lower().endswith(IMG_EXTENSIONS):
                    files.append((folder, entry.name))
        if not files:
            raise _NoImagesError(f"{root / name} has no {', '.join(IMG_EXTENSIONS)}.")
        samples += [(os.path.join(*file), label) for file in sorted(files)]
    return samples, classes


def _entries(folder: str, entered: dict[str, str]) -> list[os.DirEntry[str]]:
    """What is in a folder, in the order of names, except what is hidden.

    Hidden are Jupyter's .ipynb_checkpoints, or a Mac's ._0.jpg. ``entered`` has the folders that
    were listed before, by their paths without links: none may come twice.
    """
    real = os.path.realpath(folder)
    if real in entered:
        raise ValueError(
            f"{entered[real]} and {folder} are one folder because of a link: its images would "
            "count twice. Remove the link"
        )
    entered[real] = folder
    with os.scandir(folder) as found:
        entries = sorted((e for e in found if not e.name.startswith(".")), key=lambda e: e.name)
    for entry in entries:
        if entry.is_symlink():
            _status(entry.path)
    return entries


def _status(file: str) -> os.stat_result:
    try:
        return os.stat(file)
    except OSError as error:
        link = f", a link to {os.readlink(file)}," if os.path.islink(file) else ""
        raise FileNotFoundError(
            f"{file}{link} cannot be read ({error.strerror}): restore or remove it"
        ) from error


def _alternating(samples: _Samples) -> _Samples:
    """One sample of each class in turn, so that the first n cover all classes."""
    by_class = [list(group) for _, group in groupby(samples, key=lambda sample: sample[1])]
    return [sample for turn in zip_longest(*by_class) for sample in turn if sample is not None]


def _decode(path: Path, files: list[str], side: int | None) -> Tensor:
    """The files as RGB images of one size, (n, 3, H, W) uint8; warn of what is left out."""
    # PIL reads every format that ImageFolder finds. torchvision's decode_image is a fifth faster,
    # with the same bits for JPEG and PNG, but does not read BMP, TIFF or PPM.
    from PIL import Image, UnidentifiedImageError
    from torchvision.transforms import functional as tf
    from tqdm import tqdm

    transparent, animated, deep = set(), set(), set()

    def decoded(file: str) -> Tensor:
        try:
            with Image.open(file, formats=_FORMATS) as opened:
                if any(_DEEP.search(str(tile[-1])) for tile in opened.tile):
                    deep.add(file)
                mode, image = opened.mode, opened.convert("RGB")
                if turn := _UPRIGHT.get(opened.getexif().get(0x0112)):
                    image = image.transpose(Image.Transpose[turn])
                if opened.has_transparency_data:
                    alpha = opened.convert("RGBA").getchannel("A").getextrema()
                    transparent.update([file] if alpha != (255, 255) else [])
                if getattr(opened, "is_animated", False):
                    animated.add(file)
            if mode[0] in "IF":  # PIL would clip at 255, and which value is white is not known
                raise ValueError(
                    f"it is grey with more than 8 bits (PIL's mode {mode}); "
                    "scale it to 0 … 255 and save it with 8 bits"
                )
            if side is not None:
                (short, long), size = sorted(image.size), "×".join(map(str, image.size))
                if long * side // short * side > _MOST_PIXELS:
                    raise ValueError(f"its {size} pixels are too many, resized to {side}")
                image = tf.center_crop(tf.resize(image, [side]), [side])  # PIL's antialiases
            x: Tensor = tf.pil_to_tensor(image)
        except Exception as error:  # PIL raises many, from SyntaxError to struct.error
            why = str(error) or type(error).__name__
            if isinstance(error, UnidentifiedImageError):
                why = f"it is not one of {', '.join(_FORMATS)}, or it is damaged"
            raise ValueError(f"{file} cannot be read as an image: {why}") from error
        return x

    def fill(k: int) -> None:
        image = decoded(files[k])
        if image.shape != first.shape:
            (_, h, w), (_, h2, w2) = first.shape, image.shape
            raise ValueError(
                f"images must be of one size, but {files[0]} has {w}×{h} pixels and {files[k]} "
                f"{w2}×{h2}; the data set 'folder:{path}@{min(h, w)}' resizes them all"
            )
        x[k] = image

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PIL's do not name the file
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        first = decoded(files[0])
        shape = len(files), *first.shape
        try:
            x = first.new_empty(shape)
        except RuntimeError as error:
            raise ValueError(
                f"{path}: {len(files):,} images of {shape[3]}×{shape[2]} pixels do not fit into "
                "memory; make them smaller"
            ) from error
        hidden = not in_terminal()
        with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
            done = pool.map(fill, range(len(files)))
            for _ in tqdm(done, f"decoding {path.name}", len(files), unit="image", disable=hidden):
                pass
    for found, what in (
        (transparent, "transparency, which is dropped: only their colours are used"),
        (animated, "more than one frame, of which only the first is used"),
        (deep, "more than 8 bits a channel, of which the 8 highest are used"),
    ):
        if found:
            warnings.warn(
                f"{path}: {len(found)} of {len(files)} images have {what} (such as {min(found)})",
                stacklevel=5,  # the caller of um.data.load
            )
    return x


def _key(path: Path, files: list[str], side: int | None) -> str:
    """A digest of names, inodes, sizes and times: it changes with any file, even if two swap."""
    import PIL

    # Raise the 2 if the same files are to give other tensors.
    digest = hashlib.blake2b(f"2 {PIL.__version__} {side}".encode())
    known: dict[tuple[int, int], str] = {}
    for file in files:
        status, inside = _status(file), os.fsencode(file.removeprefix(str(path)))
        if not stat.S_ISREG(status.st_mode):
            raise ValueError(f"{file} is a pipe or a device, not an image: remove it")
        other = known.setdefault((status.st_dev, status.st_ino), file)
        if other != file and (os.path.islink(file) or os.path.islink(other)):
            raise ValueError(
                f"{other} and {file} are one file because of a link: the image would count twice. "
                "Remove the link"
            )
        numbers = status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
        digest.update(b"\0%b\0%d\0%d\0%d\0%d" % (inside, *numbers))
    return digest.hexdigest()


def _cached(cache: Path, key: str, n: int, side: int | None) -> Tensor | None:
    """The n images cached under this key, or ``None``; mapped, so that processes share them."""
    try:
        with ZipFile(cache) as archive:
            if archive.testzip():  # a flipped bit; torch.load does not compare the checksums
                return None
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
