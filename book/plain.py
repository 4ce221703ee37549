"""MyST in pieces, and as plain Markdown: how a chapter's text reads in Jupyter without extensions.

:::{exercise} code          ### Exercise (code): ex-words
:label: ex-words        ->
Text of {ref}`ch-mixup`.    Text of *1. MixUp*.
:::
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType

from works import Work, cited

OPENING = re.compile(r"(:{3,}|`{3,})\{([\w:-]+)\}[ \t]*(.*)")
OPTION = re.compile(r":([\w-]+):[ \t]*(.*)")
ROLE = re.compile(r"\{(ref|prf:ref|eq|numref|cite:[pt]|cite)\}`(?:([^`<]*?)\s*<([^`>]+)>|([^`]+))`")
HEADING = re.compile(r"^\((\S+)\)=\n+#+ (.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Piece:
    """A directive, or (name "") what stands between two of them."""

    text: str  # as written
    name: str = ""
    argument: str = ""
    body: str = ""
    options: dict[str, str] = field(default_factory=dict)


def pieces(text: str) -> Iterator[Piece]:
    """The directives of a text that stand in no other one, and the text between them.

    A directive that nobody closes goes on to the end, as Sphinx reads it.
    """
    lines = text.splitlines()
    between: list[str] = []
    at = 0
    while at < len(lines):
        opening = OPENING.fullmatch(lines[at])
        plain_fence = None if opening else re.match(r"`{3,}|~{3,}", lines[at])
        if opening is None and plain_fence is None:
            between.append(lines[at])
            at += 1
            continue
        fence = opening[1] if opening else plain_fence[0]  # type: ignore[index]
        end = at + 1
        while end < len(lines) and lines[end].strip() != fence:
            end += 1
        if opening is None:  # code: whatever it looks like
            between += lines[at : end + 1]
        else:
            if "\n".join(between).strip():
                yield Piece("\n".join(between).strip("\n"))
            between = []
            yield _directive(opening, lines[at : end + 1], closed=end < len(lines))
        at = end + 1
    if "\n".join(between).strip():
        yield Piece("\n".join(between).strip("\n"))


def _directive(opening: re.Match[str], lines: list[str], *, closed: bool) -> Piece:
    body = lines[1:-1] if closed else lines[1:]
    options = {}
    while body and (option := OPTION.fullmatch(body[0])):
        options[option[1]] = option[2]
        body = body[1:]
    return Piece("\n".join(lines), opening[2], opening[3], "\n".join(body).strip("\n"), options)


@lru_cache(maxsize=4)
def titles(texts: tuple[str, ...]) -> Mapping[str, str]:
    """What a reference to each label of these texts reads as: a heading, or a theorem's title."""
    found = {}
    for text in texts:
        found |= {label: title for label, title in HEADING.findall(text)}
        for piece in pieces(text):
            if piece.name.startswith("prf:") and "label" in piece.options:
                found[piece.options["label"]] = _statement(piece)
    return MappingProxyType(found)


def plain(text: str, titles: Mapping[str, str], works: Mapping[str, Work] | None = None) -> str:
    """A text as plain Markdown; a directive that has no plain form stays as it is.

    A work is cited by its authors and year if it is among ``works``, and otherwise by its key.
    """
    text = re.sub(r"^\(\S+\)=\n", "", text, flags=re.MULTILINE)
    return _roles("\n\n".join(_plain(piece) for piece in pieces(text)), titles, works or {})


def _plain(piece: Piece) -> str:
    body = "\n\n".join(_plain(inner) for inner in pieces(piece.body))
    label = piece.options.get("label", "")
    match piece.name:
        case "":
            return piece.text
        case "exercise":
            return f"### Exercise ({piece.argument}): {label}\n\n{body}"
        case "solution" | "solution-start":
            return f"#### Solution: {label}\n\n{body}".rstrip()
        case "solution-end":
            return ""
        case "math":
            inner = r"\begin{split}" + body + r"\end{split}" if r"\\" in body else body
            return "$$\n" + inner + (rf" \tag{{{label}}}" if label else "") + "\n$$"
        case "raw":
            return "*On the web, there is a figure here that you can move.*"
        case "prf:proof":
            return f"*Proof.* {body} ∎"
        case "margin":
            return "> " + body.replace("\n", "\n> ")
        case "admonition" if "dropdown" in piece.options.get("class", ""):
            return f"<details><summary>{piece.argument}</summary>\n\n{body}\n\n</details>"
        case "admonition" | "note" | "tip" | "warning" | "important":
            return f"**{piece.argument or piece.name.capitalize()}**\n\n{body}"
        case name if name.startswith("prf:"):
            return f"**{_statement(piece)}.** {body}"
        case _:
            return piece.text


def _statement(piece: Piece) -> str:
    kind = piece.name.removeprefix("prf:").capitalize()
    return f"{kind} ({piece.argument})" if piece.argument else kind


def _roles(text: str, titles: Mapping[str, str], works: Mapping[str, Work]) -> str:
    def reads(role: re.Match[str]) -> str:
        kind, words, label = role[1], role[2], role[3] or role[4]
        if kind.startswith("cite"):
            return cited(kind, label, works)
        return words or (f"({label})" if kind == "eq" else f"*{titles.get(label, label)}*")

    return ROLE.sub(reads, text)
