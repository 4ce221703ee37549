"""Kinds of options that several commands have."""

from __future__ import annotations

from typing import Annotated, Literal

import tyro

Profile = Literal["quick", "small", "full"]
# Text, since Path("") is the current folder.
Folder = Annotated[str, tyro.conf.arg(metavar="FOLDER")]
MaybeFolder = Annotated[str | None, tyro.conf.arg(metavar="FOLDER")]
Switch = Annotated[bool, tyro.conf.FlagCreatePairsOff]
