"""What each built page gets so that it can be found, shared, cited and taken along."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

#: Descriptions are cut at a word before this many characters.
LONGEST = 200
CARD = "_static/card.png"

_TITLE = re.compile(r"<title>(.*?)</title>", re.S)
_PARAGRAPH = re.compile(r"<p>(.*?)</p>", re.S)
_TAG = re.compile(r"<[^>]+>")
_MATH = re.compile(r'<span class="math[^>]*>\\\((.*?)\\\)</span>', re.S)
_VIEWPORT = re.compile(r'\s*<meta name="viewport"[^>]*>')
#: Names that an extension gives to more than one element of a page.
_TWICE = re.compile(
    r' id="(?:proof|(?:proof|exercise|solution)-content)"'
    r'|(?<=<p class="admonition-title") id="[^"]*"'
)
_DOWNLOAD = re.compile(r'<li><a href="([^"]*_sources/notebooks/\d\w*)\.ipynb"')
#: Roles and names that the theme's markup lacks, or has in a form that screen readers left behind.
_SPOKEN = {
    ' role="doc-biblioentry"': ' role="listitem"',
    '<summary><span class="toctree-toggle"': (
        '<summary aria-label="the pages below this one"><span class="toctree-toggle"'
    ),
    '<dl>\n<dd><em class="sig-param">': (
        '<dl role="presentation">\n<dd role="presentation"><em class="sig-param">'
    ),
    '<dd><em class="sig-param">': '<dd role="presentation"><em class="sig-param">',
}
_FOOTER = '<footer class="bd-footer-content">'
_MISSING = """<!DOCTYPE html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>There is no such page</title>
    <style>
      :root {{ color-scheme: light dark; }}
      body {{ font: 1.1rem/1.5 system-ui, sans-serif; max-width: 34rem; }}
      body {{ margin: 15vh auto; padding: 0 1rem; background: #fff; color: #222; }}
      a {{ color: #0050a0; }}
      @media (prefers-color-scheme: dark) {{
        body {{ background: #121212; color: #ddd; }}
        a {{ color: #8ab4f8; }}
      }}
    </style>
  </head>
  <body>
    <h1>There is no such page</h1>
    <p>It may have been renamed: the chapters have moved since the first version. The
    <a href="{root}index.html">first page</a> has them all, and the
    <a href="{root}search.html">search</a> finds the rest.</p>
  </body>
</html>
"""


def finish(site: Path, citation: dict[str, Any], address: str = "") -> None:
    """Complete the pages of a built site.

    Args:
        site: the folder of the built site.
        citation: the book's CITATION.cff.
        address: where the site will be published, with a slash at its end; "" if that is not known.
            A sitemap and the picture of a shared link need it.
    """
    pages = sorted(site.rglob("*.html"))
    for path in pages:
        page = path.relative_to(site).as_posix()
        text = path.read_text(encoding="utf-8")
        path.write_text(_finished(text, page, citation, address), encoding="utf-8")
    (site / "404.html").write_text(_MISSING.format(root=address), encoding="utf-8")
    if address:
        places = "".join(
            f"  <url><loc>{address}{p.relative_to(site).as_posix()}</loc></url>\n" for p in pages
        )
        head = '<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n'
        (site / "sitemap.xml").write_text(f"{head}{places}</urlset>\n", encoding="utf-8")


def _finished(text: str, page: str, citation: dict[str, Any], address: str) -> str:
    root = "../" * page.count("/")
    title = _TITLE.search(text)
    about = {"og:title": title.group(1).strip() if title else "", "og:type": "article"}
    about |= {"og:site_name": html.escape(citation["title"]), "og:description": description(text)}
    if address:
        about |= {"og:url": address + page, "og:image": address + CARD}
    tags = f'<meta name="description" content="{about["og:description"]}">'
    tags += "".join(f'<meta property="{name}" content="{value}">' for name, value in about.items())
    tags += '<meta name="twitter:card" content="summary_large_image">'
    for _ in _VIEWPORT.findall(text)[1:]:  # one is enough
        text = _VIEWPORT.sub("", text, count=1)
    text = _TWICE.sub("", text)
    for written, spoken in _SPOKEN.items():
        text = text.replace(written, spoken)
    text = text.replace("</head>", f"    {tags}\n  </head>", 1)
    text = _DOWNLOAD.sub(_with_exercises, text)
    return text.replace(_FOOTER, f"{_FOOTER}\n{_footer(root)}", 1)


def description(text: str) -> str:
    """The first sentences of a page, for a list of search results; escaped for an attribute."""
    article = text.partition("<article")[2].partition("</article>")[0]
    words = ""
    for paragraph in _PARAGRAPH.findall(article):
        plain = _TAG.sub("", _MATH.sub(r"\1", paragraph))
        words = re.sub(r"\s+", " ", f"{words} {html.unescape(plain)}").strip()
        if len(words) > LONGEST:
            words = words[:LONGEST].rpartition(" ")[0] + " …"
            break
    return html.escape(words)


def _with_exercises(item: re.Match[str]) -> str:
    """The student's notebook in the menu of downloads, before the whole one."""
    student = (
        f'<li><a href="{item.group(1)}_exercises.ipynb" class="btn btn-sm dropdown-item"'
        ' title="Download for a student: exercises without their solutions">'
        '<span class="btn__icon-container"><i class="fas fa-file"></i></span>'
        '<span class="btn__text-container">.ipynb, to solve</span></a></li>\n'
    )
    return student + item.group(0)


def _footer(root: str) -> str:
    """Licence, and the ways to what a reader may look for."""
    places = {
        "Cite this version": "book/cite.html",
        "What changed": "book/changes.html",
        "Where every number comes from": "notebooks/provenance.html",
        "Theorems": "prf-prf.html",
        "Index": "genindex.html",
        "Search": "search.html",
    }
    links = " · ".join(f'<a href="{root + to}">{name}</a>' for name, to in places.items())
    return f'<p class="licence">Text and figures: CC BY 4.0. Code: MIT. {links}</p>'
