"""What the site's search looks through: sections, theorems, exercises and the library's names.

The text is read from the built pages, without code, outputs and navigation.
"""

from __future__ import annotations

import json
import re
import unicodedata
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple

_VOID = {"area", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr", "path"}
#: Classes of elements whose text is nobody's answer.
_SILENT = {
    "headerlink",
    "cell_input",
    "cell_output",
    "highlight",
    "eqno",
    "toggle-button",
    "toctree-wrapper",
}
_SILENT |= {"prev-next-area", "header-article", "viewcode-link", "sd-tab-label", "solution"}
#: Elements whose end is the end of a word.
_BLOCKS = {
    "p",
    "li",
    "h1",
    "h2",
    "h3",
    "h4",
    "div",
    "dt",
    "dd",
    "td",
    "th",
    "section",
    "figcaption",
}
#: Pages that are lists of others.
_LISTS = {"search.html", "genindex.html", "py-modindex.html", "prf-prf.html", "index.html"}


#: What the search page loads.
_SCRIPTS = ("vendor/minisearch.js", "search-data.js", "search.js")


class Entry(NamedTuple):
    """One answer: where it is, its title, its page's title, its kind and its text."""

    url: str
    title: str
    page: str
    kind: str  # "page", "section", "box" or "name"
    text: str


class _Open(NamedTuple):
    """An element that has not ended yet."""

    tag: str = ""
    silent: bool = False  # it, or an element around it
    part: int | None = None  # the entry that its text belongs to
    begins: bool = False  # this entry
    title: bool = False  # it is in the title of this entry


class _Page(HTMLParser):
    """Collects the entries of a page, in its order."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url
        self.entries: list[dict[str, object]] = []
        self._open = [_Open()]
        self._article = 0  # how many elements were open where the article began

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        about = {name: value or "" for name, value in attrs}
        classes = set(about.get("class", "").split())
        if tag == "article" and "bd-article" in classes:
            self._article = len(self._open) + 1
        if tag in _VOID:
            return
        part, kind = None, ""
        if self._article:
            if tag == "section" and about.get("id", "-content")[-8:] != "-content":
                kind = "section" if self.entries else "page"
            elif tag == "div" and "id" in about and classes & {"proof", "exercise"}:
                kind = "box" if about["id"] != "proof" else ""
            elif tag == "dt" and "sig" in classes and "id" in about:
                kind = "name"
        if kind:
            part = len(self.entries)
            anchor = about["id"] if kind != "page" else ""
            title = [about["id"]] if kind == "name" else []
            self.entries.append({"kind": kind, "id": anchor, "title": title, "text": []})
        if tag == "dl" and "py" in classes:  # a name's description follows its signature
            part = len(self.entries)
        around = self._open[-1]
        title = tag in ("h1", "h2", "h3", "h4") or ("admonition-title" in classes and around.begins)
        silent = around.silent or bool(classes & _SILENT) or tag in ("script", "style")
        if part is None:
            self._open.append(_Open(tag, silent, around.part, False, around.title or title))
        else:
            self._open.append(_Open(tag, silent, part, True, title))

    def handle_endtag(self, tag: str) -> None:
        if tag in _VOID or all(tag != element.tag for element in reversed(self._open)):
            return
        if tag in _BLOCKS:
            self.handle_data(" ")
        while self._open.pop().tag != tag:
            pass
        if len(self._open) < self._article:
            self._article = 0

    def handle_data(self, data: str) -> None:
        inside = self._open[-1]
        if not self._article or inside.silent or (data.isspace() and "\n" in data):
            return
        if inside.part is None or inside.part >= len(self.entries):
            return
        entry = self.entries[inside.part]
        titled = entry["kind"] != "name" and inside.title
        entry["title" if titled and not entry["text"] else "text"].append(data)  # type: ignore[attr-defined]


def _words(pieces: object) -> str:
    """Text with single spaces, and formulas in letters that can be typed."""
    text = unicodedata.normalize("NFKC", "".join(pieces))  # type: ignore[arg-type]
    return re.sub(r"\s+", " ", text).strip()


def entries(text: str, url: str) -> list[Entry]:
    """The entries of a page."""
    page = _Page(url)
    page.feed(text)
    if not page.entries:
        return []
    name = _words(page.entries[0]["title"])
    return [
        Entry(
            f"{url}#{e['id']}" if e["id"] else url,
            _words(e["title"]) or name,
            name,
            str(e["kind"]),
            _words(e["text"]),
        )
        for e in page.entries
    ]


def write(site: Path) -> int:
    """Write what the search page looks through; how many entries it has."""
    found = []
    for path in sorted(site.rglob("*.html")):
        url = path.relative_to(site).as_posix()
        if url not in _LISTS:
            found += entries(path.read_text(encoding="utf-8"), url)
    page = site / "search.html"
    text = page.read_text(encoding="utf-8")
    scripts = "".join(f'  <script defer src="_static/{name}"></script>\n' for name in _SCRIPTS)
    if scripts not in text:
        page.write_text(text.replace("</head>", f"{scripts}</head>", 1), encoding="utf-8")
    rows = json.dumps(
        [entry for entry in found if entry.text or entry.kind == "name"], ensure_ascii=False
    )
    (site / "_static" / "search-data.js").write_text(f"const ENTRIES = {rows};\n", encoding="utf-8")
    return len(found)
