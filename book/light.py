"""What the theme ships and no page of this book needs, taken out of the built site."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

#: Icons are drawn by the theme's style sheet; its script draws them once more.
_ICONS = re.compile(r'\n *<script[^>]* src="[^"]*/fontawesome\.js[^"]*"></script>')
#: The search page has its own (search.js).
_SEARCH = re.compile(
    r'\n *<script[^>]* src="[^"]*/?(?:searchtools|language_data|searchindex)\.js[^"]*"></script>'
)
_UNUSED = ("_static/locales", "_static/scripts/fontawesome.js", "_static/scripts/fontawesome.js.*")
_UNUSED += (
    "_static/searchtools.js",
    "_static/language_data.js",
    "_static/**/*.map",
    "_static/vendor/**/*.ttf",
    "_static/sphinx-thebe.*",
    ".buildinfo",
    "searchindex.js",
)


def lighten(site: Path) -> None:
    """Remove unused scripts from the pages of a built site, and unused files from its folders."""
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        page.write_text(_SEARCH.sub("", _ICONS.sub("", text)), encoding="utf-8")
    for pattern in _UNUSED:
        for path in site.glob(pattern):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
