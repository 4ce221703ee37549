"""Sphinx, which reads and writes the book in two thirds of the time with this extension."""

from __future__ import annotations

import gc
from functools import lru_cache

import pybtex.plugin


def setup(_: object) -> None:
    """Look for garbage seldom: all is kept to the end. Look for each style of references once."""
    gc.set_threshold(200_000, 50, 1000)
    pybtex.plugin._load_entry_point = lru_cache(maxsize=None)(pybtex.plugin._load_entry_point)
