"""What a link to a theorem, an equation, a figure or an exercise shows when it is pointed at.

The boxes that links name are copied from the built pages into scripts, one for each page, which
``previews.js`` loads when it needs one. A script loads from a folder as it does from a server.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections import defaultdict
from pathlib import Path

_LINK = re.compile(r'<a class="[^"]*\breference internal[^"]*" href="([^"#]*)#([^"]+)"')
_BOX = re.compile(r'<(div|figure)\b(?=[^>]*\bclass="([^"]*)")[^>]*\bid="([^"]+)"[^>]*>')
_CLASSES = {"proof", "exercise", "math", "citation"}
_MARKS = re.compile(r'<a class="headerlink".*?</a>|<div class="docutils container">\s*</div>', re.S)
_ANCHOR = re.compile(r"<(/?)a\b[^>]*>")
_NAMED = re.compile(r' (?:id|for|aria-labelledby|name)="[^"]*"')
_DROPDOWN = re.compile(r'(?<=class=")([^"]*)\bdropdown\b')


def write(site: Path) -> int:
    """Write the scripts of a built site; how many boxes they have."""
    pages = {p.relative_to(site).as_posix(): p.read_text("utf-8") for p in site.rglob("*.html")}
    wanted: dict[str, set[str]] = defaultdict(set)
    for page, text in pages.items():
        for path, name in _LINK.findall(text):
            target = posixpath.normpath(posixpath.join(posixpath.dirname(page), path))
            wanted[target if path else page].add(name)
    folder = site / "_static" / "previews"
    count = 0
    for page, names in sorted(wanted.items()):
        found = boxes(pages.get(page, ""), names)
        if found:
            name = page.removesuffix(".html")
            path = folder / f"{name.replace('/', '-')}.js"
            path.parent.mkdir(exist_ok=True)
            script = f"addPreviews({json.dumps(name)}, {json.dumps(found, ensure_ascii=False)});\n"
            path.write_text(script, encoding="utf-8")
        count += len(found)
    return count


def boxes(text: str, names: set[str]) -> dict[str, str]:
    """The boxes of a page with these names, as HTML that can stand elsewhere."""
    found = {}
    for start in _BOX.finditer(text):
        tag, classes, name = start.groups()
        if name in names and (tag == "figure" or _CLASSES & set(classes.split())):
            found[name] = _movable(text[start.start() : end(text, tag, start.end())])
    return found


def end(text: str, tag: str, position: int) -> int:
    """Where the element ends whose start tag ends at a position."""
    depth = 1
    for mark in re.compile(rf"<(/?){tag}\b[^>]*>").finditer(text, position):
        depth += -1 if mark.group(1) else 1
        if not depth:
            return mark.end()
    raise ValueError(f"<{tag}> without an end: …{text[position - 80 : position]}")


def _movable(html: str) -> str:
    """A box without links, names and folds, and with its pictures found from the site's root."""
    html = _NAMED.sub("", _ANCHOR.sub(r"<\1span>", _MARKS.sub("", html)))
    html = _DROPDOWN.sub(r"\1", html)
    return re.sub(r'src="(?:\.\./)*(_images/[^"]+)"', r'data-src="\1"', html)
