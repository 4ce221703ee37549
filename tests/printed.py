"""What the pages print for a reader to run: shell commands, and blocks of Python.

A page is README.md, CONTRIBUTING.md, ARCHITECTURE.md, a page of book/, or the help of ``umixup``.
Commands stand in blocks, fenced or indented, and in a line of text between backquotes.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

import jupytext
from markdown_it import MarkdownIt
from markdown_it.token import Token

from umixup.experiments import cli, studies

ROOT = Path(__file__).parents[1]
PROGRAMS = ("umixup", "make", "pip", "papermill", "python", "git", "jupyter", "cd", "pre-commit")
PROGRAMS += ("sbatch",)


@dataclass(frozen=True)
class Block:
    """A piece of code on a page; its language is "sh", "python", "" (indented) or "inline"."""

    page: str
    language: str
    text: str


def pages() -> dict[str, str]:
    """The text of every page, by the name of its file; code cells of notebooks left out."""
    own = ("README.md", "CONTRIBUTING.md", "ARCHITECTURE.md")
    texts = {name: (ROOT / name).read_text(encoding="utf-8") for name in own}
    for path in sorted((ROOT / "book").glob("*.md")):
        text = path.read_text(encoding="utf-8")
        if "\nkernelspec:" in text:
            cells = jupytext.reads(text, fmt="md:myst").cells
            text = "\n\n".join(c.source for c in cells if c.cell_type == "markdown")
        texts[f"book/{path.name}"] = text
    return texts


def blocks(page: str, text: str) -> list[Block]:
    """The pieces of code in a page."""
    found = []
    for token in _all(MarkdownIt("commonmark").enable("table").parse(text)):
        if token.type == "fence" and not token.info.startswith("{"):
            found.append(Block(page, token.info.strip(), token.content))
        elif token.type == "code_block":
            found.append(Block(page, "", token.content))
        elif token.type == "code_inline":
            found.append(Block(page, "inline", token.content))
    return found


def _all(tokens: list[Token]) -> list[Token]:
    return [t for token in tokens for t in (token, *_all(token.children or []))]


def commands(block: Block) -> list[str]:
    """The shell commands of a block, comments and broken lines aside."""
    lines = block.text.replace("\\\n", " ").splitlines()
    found = [re.sub(r"\s+", " ", re.sub(r"(^|\s+)#.*", "", line)).strip() for line in lines]
    if block.language == "inline":  # between backquotes stand other things, too
        found = [line for line in found if len(line.split()) > 1]
    return [line for line in found if line and program(line) in PROGRAMS]


def program(command: str) -> str:
    """What a command runs: "umixup" in ".venv/bin/umixup data", "" if it is no command."""
    try:
        words = shlex.split(command)
    except ValueError:
        return ""
    words = [word for word in words if not re.fullmatch(r"[A-Z_]+=\S*", word)]
    return words[0].removeprefix(".venv/bin/") if words else ""


def helps() -> dict[str, str]:
    """The texts of ``umixup --help`` and of each command's, as they are written."""
    parts = {"umixup --help": cli.__doc__ or ""}
    for name, command in cli.COMMANDS.items():
        lines = (command.__doc__ or "").splitlines()
        text = "\n".join(line.removeprefix("    ") for line in lines)
        parts[f"umixup {name} --help"] = text
    return parts


def printed() -> dict[str, list[str]]:
    """Every shell command that is printed, and the pages where it is."""
    found: dict[str, list[str]] = {}
    for page, text in {**pages(), **helps()}.items():
        for block in blocks(page, text):
            for command in commands(block):
                found.setdefault(command, []).append(page)
    for study in studies.STUDIES.values():  # the table of the provenance
        found.setdefault(study.command, []).append("book/provenance.md")
    return {command: sorted(set(where)) for command, where in found.items()}


def python_blocks() -> list[Block]:
    """The blocks of Python outside of notebooks' cells."""
    found = [b for page, text in pages().items() for b in blocks(page, text)]
    return [
        b
        for b in found
        if b.language == "python" or (not b.language and "um." in b.text and not commands(b))
    ]
