"""Which part of the book a course gets: its chapters, exercises and data, and the points.

What cannot be given is refused before anything is written. The side file of the instructor has the
secret from which, with a student's name, hidden calls are drawn, and the points of each exercise.
"""

from __future__ import annotations

import argparse
import json
import re
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from answers import Asked
from exercises import Facts, walk
from nbformat import NotebookNode

from umixup.training.data import check_name

SIDE = "_build/course.json"  # not in the folder of the coursework, which is made anew each time
FORMATS = ("plain", "otter", "nbgrader")
Points = dict[str, int]  # by machine, seen and not; and by hand


class Wanted(NamedTuple):
    """What is asked of ``make coursework``; empty is everything."""

    format: str = "plain"
    chapters: tuple[str, ...] = ()  # by name or number
    exercises: tuple[str, ...] = ()
    dataset: str = ""
    secret: str = ""


ALL = Wanted()


def parsed(arguments: list[str]) -> Wanted:
    """What a command line asks for; an empty option is none."""
    parser = argparse.ArgumentParser("python book/make.py coursework")
    for name in Wanted._fields:
        parser.add_argument(f"--{name}", default="")
    given = vars(parser.parse_args(arguments))
    return Wanted(
        given["format"] or "plain",
        tuple(given["chapters"].split()),
        tuple(given["exercises"].split()),
        given["dataset"].strip(),
        given["secret"].strip(),
    )


def chosen(wanted: Wanted, sources: Mapping[str, NotebookNode]) -> dict[str, NotebookNode]:
    """The chapters that are wanted: if only exercises are named, those that have them.

    Raises:
        ValueError: of a format, chapter, exercise or data set that there is not.
    """
    if wanted.format not in FORMATS:
        raise ValueError(f"FORMAT = {wanted.format}: it must be one of {', '.join(FORMATS)}")
    if wanted.dataset:
        check_name(wanted.dataset)
    names = {named for chapter in wanted.chapters for named in [_named(chapter, list(sources))]}
    found = {name: labels(one) for name, one in sources.items() if name in names or not names}
    for label in wanted.exercises:
        if not any(label in has for has in found.values()):
            known = ", ".join(one for has in found.values() for one in has)
            raise ValueError(f"EXERCISES has {label}: these chapters have {known}")
    if wanted.exercises and not names:
        found = {name: has for name, has in found.items() if set(has) & set(wanted.exercises)}
    return {name: sources[name] for name in found}


def labels(notebook: NotebookNode) -> dict[str, str]:
    """The exercises of a chapter, each with its kind."""
    found = [piece for _, piece, _ in walk(notebook) if piece and piece.name == "exercise"]
    return {piece.options.get("label", ""): piece.argument for piece in found}


def _named(chapter: str, names: list[str]) -> str:
    for name in names:
        number = name.split("_")[0]
        if chapter in (name, number) or (chapter.isdigit() and int(chapter) == int(number)):
            return name
    raise ValueError(f"CHAPTERS has {chapter}: there are {', '.join(names)}, or their numbers")


def side(root: Path) -> dict[str, Any]:
    """What the side file says: the secret, a new one if there is none, and the points so far."""
    try:
        found = json.loads((root / SIDE).read_text(encoding="utf-8"))
        return {"secret": str(found["secret"]), "chapters": dict(found["chapters"])}
    except (OSError, ValueError, KeyError, TypeError):
        return {"secret": secrets.token_hex(8), "chapters": {}}


def plan(
    sources: Mapping[str, NotebookNode],
    facts: Mapping[str, Facts],
    asked: Mapping[str, Asked],
    keep: tuple[str, ...] = (),
) -> dict[str, dict[str, Points]]:
    """For each chapter, the points of each exercise."""
    return {
        chapter: {
            label: _points(label, kind, facts, asked)
            for label, kind in labels(notebook).items()
            if not keep or label in keep
        }
        for chapter, notebook in sources.items()
    }


def _points(
    label: str, kind: str, facts: Mapping[str, Facts], asked: Mapping[str, Asked]
) -> Points:
    about = facts.get(label, Facts(label, 0, 1, 1))
    if label not in asked:
        return {"visible": 0, "hidden": 0, "by_hand": about.points}
    return dict(about.split(kind)._asdict())


def set_dataset(notebook: NotebookNode, dataset: str) -> bool:
    """Make this the default of the chapter's parameter ``dataset``; is there one?"""
    found = False
    line = f"dataset = {json.dumps(dataset, ensure_ascii=False)}"
    for cell in notebook.cells:
        if "parameters" in cell.metadata.get("tags", []):
            cell.source, times = re.subn(
                r'^dataset = "[^"\n]*"', lambda _: line, cell.source, flags=re.MULTILINE
            )
            found = found or times > 0
    return found
