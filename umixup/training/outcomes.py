"""The outcome of every test image in a run's last epochs, as a short text for its record."""

from __future__ import annotations

import base64
import zlib
from typing import Any

import numpy as np
import torch
from torch import Tensor

_MOST = 2**27  # bytes that a text may become


def pack(outcomes: Tensor) -> dict[str, object]:
    """Which images were misclassified, (epochs, images) bool, as plain data.

    >>> outcomes = torch.tensor([[True, False, False], [True, False, True]])
    >>> packed = pack(outcomes)
    >>> packed["epochs"], packed["images"], torch.equal(unpack(packed), outcomes)
    (2, 3, True)
    """
    bits = np.packbits(outcomes.cpu().numpy().astype(bool), axis=None)
    text = base64.b64encode(zlib.compress(bits.tobytes(), 9)).decode()
    return {"epochs": len(outcomes), "images": outcomes.shape[1], "wrong": text}


def unpack(packed: Any) -> Tensor:
    """What ``pack`` was given.

    Raises:
        ValueError: it is damaged, or not what ``pack`` returns.
    """
    try:
        if not (type(epochs := packed["epochs"]) is type(images := packed["images"]) is int):
            raise TypeError
        size = -(-epochs * images // 8)
        stream = zlib.decompressobj()
        text = base64.b64decode(packed["wrong"], validate=True)
        content = stream.decompress(text, size + 1) if 0 < size < _MOST else b""
        if len(content) != size or not stream.eof:
            raise ValueError
    except (LookupError, TypeError, ValueError, zlib.error):  # binascii's error is a ValueError
        raise ValueError("outcomes: they are damaged") from None
    bits = np.unpackbits(np.frombuffer(content, np.uint8), count=epochs * images)
    return torch.from_numpy(bits.astype(bool).reshape(epochs, images))
