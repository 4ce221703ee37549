"""The works that a chapter cites, as plain Markdown: by authors and year, and in a list."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from pybtex.database import Entry, Person, parse_string
from pybtex.richtext import Text

_CITED = re.compile(r"\{cite:?[pt]?\}`([^`]+)`")


class Work(NamedTuple):
    """A work as a text cites it, and as a list has it."""

    authors: str
    year: str
    entry: str


def read(path: Path) -> Mapping[str, Work]:
    """The works in a BibTeX file, by their keys."""
    return _works(path.read_text(encoding="utf-8"))


@lru_cache(maxsize=4)
def _works(text: str) -> Mapping[str, Work]:
    entries = parse_string(text, "bibtex").entries
    return MappingProxyType({key: _work(entry) for key, entry in entries.items()})


def cited(kind: str, keys: str, works: Mapping[str, Work]) -> str:
    """How a text cites these works; by their keys, if they are not known.

    >>> cited("cite:t", "euclid", {"euclid": Work("Euclid", "-300", "")})
    'Euclid (-300)'
    """
    names = [key.strip() for key in keys.split(",")]
    if not set(names) <= set(works):
        return f"[{keys}]"
    if kind == "cite:t":
        return ", ".join(f"{works[name].authors} ({works[name].year})" for name in names)
    return "(" + "; ".join(f"{works[name].authors}, {works[name].year}" for name in names) + ")"


def keys(texts: Iterable[str]) -> set[str]:
    """The keys of all works that these texts cite."""
    found = (role for text in texts for role in _CITED.findall(text))
    return {key.strip() for role in found for key in role.split(",")}


def _work(entry: Entry) -> Work:
    people = entry.persons.get("author", [])
    lasts = [_plain(" ".join([*p.prelast_names, *p.last_names])) for p in people]
    short = lasts[0] + " et al." if len(lasts) > 2 else " and ".join(lasts)
    fields = entry.fields
    year = fields.get("year", "")
    where = next((fields[f] for f in ("journal", "booktitle", "publisher") if f in fields), "")
    parts = [", ".join(map(_name, people)), year, f"*{_plain(fields.get('title', ''))}*"]
    parts += [_plain(where)] if where else []
    parts += [f"<{fields['url']}>"] if "url" in fields else []
    return Work(short, year, ". ".join(parts))


def _name(person: Person) -> str:
    given = " ".join([*person.first_names, *person.middle_names])
    return _plain(" ".join([given, *person.prelast_names, *person.last_names]).strip())


def _plain(latex: str) -> str:
    return str(Text.from_latex(latex))
