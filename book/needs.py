"""A map of the chapters: a box for each, a row for each part, and lines to what they build on."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Mapping, Sequence
from typing import NamedTuple

WIDTH, HEIGHT, GAP, BETWEEN = 132, 46, 14, 44


class Box(NamedTuple):
    """A chapter on the map."""

    label: str
    title: str  # with its number
    address: str
    needs: Sequence[str]  # the labels of the chapters that a line leads to


def drawn(parts: Mapping[str, Sequence[Box]]) -> str:
    """The map as SVG; each box is a link. Where it would be too small to read, it scrolls."""
    places: dict[str, tuple[float, float]] = {}
    widest = max(map(len, parts.values())) * (WIDTH + GAP) - GAP
    for row, boxes in enumerate(parts.values()):
        left = (widest - len(boxes) * (WIDTH + GAP) + GAP) / 2
        for column, box in enumerate(boxes):
            places[box.label] = (left + column * (WIDTH + GAP), 22 + row * (HEIGHT + BETWEEN))
    every = {box.label: box for boxes in parts.values() for box in boxes}
    lines = [_line(places[need], places[box.label]) for box in every.values() for need in box.needs]
    heads = [
        f'<text class="part" x="0" y="{12 + row * (HEIGHT + BETWEEN)}">{html.escape(part)}</text>'
        for row, part in enumerate(parts)
    ]
    tall = len(parts) * (HEIGHT + BETWEEN) - 10
    pieces = [*lines, *heads, *(_box(box, *places[box.label]) for box in every.values())]
    return (
        f'<div class="needs"><svg viewBox="-4 -4 {widest + 8} {tall}" role="group" '
        f'aria-label="The chapters by part; lines lead up to what a chapter builds on">'
        + "".join(pieces)
        + "</svg></div>"
    )


def _line(start: tuple[float, float], end: tuple[float, float]) -> str:
    """From the foot of one box to the head of another, or from side to side in one row."""
    (x, y), (x2, y2) = start, end
    if y == y2:
        if x + WIDTH + GAP == x2:
            return f'<path d="M{x + WIDTH} {y + HEIGHT / 2}H{x2}"/>'
        return (
            f'<path d="M{x + WIDTH / 2} {y + HEIGHT}C{x + WIDTH / 2} {y + HEIGHT + 22} '
            f'{x2 + WIDTH / 2} {y + HEIGHT + 22} {x2 + WIDTH / 2} {y + HEIGHT}"/>'
        )
    x, y, x2 = x + WIDTH / 2, y + HEIGHT, x2 + WIDTH / 2
    middle = (y + y2) / 2
    return f'<path d="M{x} {y}C{x} {middle} {x2} {middle} {x2} {y2}"/>'


def _box(box: Box, x: float, y: float) -> str:
    rows = textwrap.wrap(box.title, 19)[:2]
    if len(textwrap.wrap(box.title, 19)) > 2:
        rows[1] = rows[1].rstrip(",:") + " …"
    first = y + HEIGHT / 2 + 5 - 8 * (len(rows) - 1)
    words = "".join(
        f'<tspan x="{x + WIDTH / 2}" y="{first + 16 * k}">{html.escape(row)}</tspan>'
        for k, row in enumerate(rows)
    )
    return (
        f'<a href="{box.address}" aria-label="{html.escape(box.title)}">'
        f'<rect x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" rx="6"/><text>{words}</text></a>'
    )
