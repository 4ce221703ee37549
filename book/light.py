"""What the theme ships and no page of this book needs, taken out of the built site."""

from __future__ import annotations

import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from PIL import Image

#: Icons are drawn by the theme's style sheet; its script draws them once more.
_ICONS = re.compile(r'\n *<script[^>]* src="[^"]*/fontawesome\.js[^"]*"></script>')
#: The search page has its own (search.js).
_SEARCH = re.compile(
    r'\n *<script[^>]* src="[^"]*/?(?:searchtools|language_data|searchindex)\.js[^"]*"></script>'
)
#: Names, punctuation, spaces and operators in code get the colour of the text around them.
_PLAIN_CODE = re.compile(r'<span class="[npwo]">([^<]*)</span>')
#: Each icon has a rule in the theme's style sheet; its brands have a font.
_ICON_RULE = re.compile(r'((?:\.fa-[\w-]+:before,?)+)\{content:"[^"]*"\}')
_BRANDS = "fa-brands-400.woff2"
_FIGURE = re.compile(r"(_images/[\w.-]+)\.png")
_UNUSED = ("_static/locales", "_static/scripts/fontawesome.js", "_static/scripts/fontawesome.js.*")
_UNUSED += (
    "_static/searchtools.js",
    "_static/language_data.js",
    "_static/**/*.map",
    "_static/vendor/**/*.ttf",
    "_static/sphinx-thebe.*",
    "_static/*macros.html",
    ".buildinfo",
    "searchindex.js",
)


def lighten(site: Path) -> None:
    """Take out of a built site what no page needs, and pack its figures."""
    with ThreadPoolExecutor() as pool:
        list(pool.map(_pack, (site / "_images").glob("*.png")))
    for page in site.rglob("*.html"):
        text = _PLAIN_CODE.sub(r"\1", _SEARCH.sub("", _ICONS.sub("", page.read_text("utf-8"))))
        page.write_text(_FIGURE.sub(r"\1.webp", text), encoding="utf-8")
    _icons(site)
    for pattern in _UNUSED:
        for path in site.glob(pattern):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def _pack(png: Path) -> None:
    """Make a figure half as large, without loss."""
    with Image.open(png) as figure:
        figure.save(png.with_suffix(".webp"), lossless=True, quality=80, method=6)
    png.unlink()


def _icons(site: Path) -> None:
    """Take out the rules of icons that nothing uses, and the brands' font if no brand is shown."""
    pages = [page.read_text("utf-8") for page in site.rglob("*.html")]
    scripts = (path.read_text("utf-8") for path in (site / "_static").rglob("*.js"))
    used = set(re.findall(r"\bfa-[\w-]+", "\n".join([*pages, *scripts])))

    def kept(rule: re.Match[str]) -> str:
        return rule[0] if used & set(re.findall(r"fa-[\w-]+", rule[1])) else ""

    for styles in (site / "_static/styles").glob("*.css"):
        styles.write_text(_ICON_RULE.sub(kept, styles.read_text("utf-8")), encoding="utf-8")
    if any(re.search(r'class="[^"]*\b(?:fab|fa-brands)\b', text) for text in pages):
        return
    for font in (site / "_static").rglob(_BRANDS):
        font.unlink()
