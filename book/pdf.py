"""The whole book as one PDF, printed by Chromium from the built site: python book/pdf.py [FILE]

Pages stand in the order of the contents, which has their numbers; solutions form an appendix.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

import previews
import yaml
from playwright.sync_api import sync_playwright
from pypdf import PdfReader, PdfWriter

ROOT = Path(__file__).resolve().parents[1]
SITE = ROOT / "_build" / "html"
#: Back pages that are of no use on paper.
LEFT_OUT = {
    "api",
    "api_theory",
    "api_pairs",
    "api_training",
    "api_records",
    "exercise_index",
    "changes",
}
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_ARTICLE = re.compile(r'<article class="bd-article"[^>]*>(.*?)</article>', re.S)
_NAME = re.compile(r"<h1>(.*?)</h1>", re.S)
_STYLE = re.compile(r'<link[^>]* rel="stylesheet"[^>]*>')
_SOLUTION = re.compile(r'<div class="solution[^>]*>')
_DOCUMENT = """<!DOCTYPE html>
<html lang="en" data-theme="light" data-content_root="./">
<head><base href="../"><meta charset="utf-8"><title>{title}</title>{styles}</head>
<body>
<section class="cover"><h1>{title}</h1><p>An executable book, by the umixup authors</p></section>
<main class="bd-article">
<h1>Contents</h1><ul class="contents">{contents}</ul>
{body}
<section class="appendix" id="solutions"><h1>Solutions</h1>{solutions}</section>
</main>
</body>
</html>
"""
_FOOTER = """<div style="font-size: 8px; width: 100%; text-align: center">
<span class="pageNumber"></span></div>"""
#: In the copy that the contents get their numbers from, nothing else is to be seen.
_HIDDEN = "* { color: transparent !important; background: none !important; }"
_HIDDEN += ".contents li::after { color: black !important; }"
_STYLES = """
body { font-size: 10.5pt; margin: 0; width: 170mm; overflow-x: clip; }
.bd-article { max-width: none; padding: 0; }
section.chapter, section.appendix { break-before: page; }
.contents { list-style: none; padding: 0; }
.contents li { display: flex; gap: 0.5em; }
.contents li::after { content: attr(data-page); margin-left: auto; }
.contents .part { font-weight: 600; margin-top: 0.8em; }
.contents a { color: inherit; text-decoration: none; }
.cover { padding-top: 30vh; text-align: center; break-after: page; }
aside.margin.sidebar {
  float: none; width: auto; margin: 0.8rem 0; padding-left: 0.8rem; font-size: 0.9em;
  border: 0; border-left: 2px solid #bbb; background: none;
}
details > summary { display: none; }
details:not([open]) { display: none; }
.headerlink, .copybtn, .toggle-button { display: none !important; }
"""


def parts() -> list[tuple[str, list[str]]]:
    """The parts of the book, each with the names of its pages, as in _toc.yml."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    found = [("", [toc["root"]])]
    for part in toc["parts"]:
        files = [entry["file"] for entry in part["chapters"]]
        found.append((part["caption"], [f for f in files if f.split("/")[1] not in LEFT_OUT]))
    return found


def moved(page: str, html: str) -> str:
    """A page's article with names and links that are its own in one document with all others."""
    place = page.replace("/", "-")

    def link(match: re.Match[str]) -> str:
        target, _, name = match.group(1).partition("#")
        if re.match(r"\w+:", target):
            return match.group(0)
        to = os.path.normpath(
            os.path.join(os.path.dirname(page), target or f"{page}.html".split("/")[-1])
        )
        to = to.removesuffix(".html").replace("/", "-")
        return f'href="#{to}--{name}"' if name else f'href="#{to}"'

    html = re.sub(r'\bid="([^"]+)"', rf'id="{place}--\1"', html)
    html = re.sub(r'\bhref="([^"]*)"', link, html)
    return html.replace('src="../', 'src="')


def without_solutions(html: str) -> tuple[str, list[str]]:
    """A page's text, and its solutions."""
    solutions = []
    while (start := _SOLUTION.search(html)) is not None:
        end = previews.end(html, "div", start.end())
        solution = html[start.start() : end].replace(" dropdown", "")
        solutions.append(solution.replace("solution ", "answer ", 1))
        html = html[: start.start()] + html[end:]
    return html, solutions


def document() -> str:
    """One page with the cover, the contents, all pages and the appendix of solutions."""
    contents, body, appendix, styles, title = [], [], [], "", ""
    for part, pages in parts():
        if part:
            contents.append(f'<li class="part">{part}</li>')
        for page in pages:
            html = (SITE / f"{page}.html").read_text(encoding="utf-8")
            styles = styles or "".join(_STYLE.findall(html)).replace('href="../', 'href="')
            article = _ARTICLE.search(html)
            if article is None:
                raise ValueError(f"{page}: there is no article in its page")
            name = re.sub(r"<a class=.headerlink.*", "", _NAME.search(article.group(1)).group(1))
            title = title or name
            text, solved = without_solutions(moved(page, article.group(1)))
            place = page.replace("/", "-")
            contents.append(f'<li data-place="{place}"><a href="#{place}">{name}</a></li>')
            body.append(f'<section class="chapter" id="{place}">{text}</section>')
            if solved:
                appendix.append(f"<h2>{name}</h2>{''.join(solved)}")
    contents.append('<li data-place="solutions"><a href="#solutions">Solutions</a></li>')
    return _DOCUMENT.format(
        title=title,
        styles=f"{styles}<style>{_STYLES}</style>",
        contents="".join(contents),
        body="".join(body),
        solutions="".join(appendix),
    )


def executable() -> str | None:
    """The machine's own browser: $UMIXUP_BROWSER, or one on the path; None where there is none."""
    named = os.environ.get("UMIXUP_BROWSER")
    return named or next(filter(None, map(shutil.which, BROWSERS)), None)


def printed(html: Path, to: Path) -> None:
    """Print a page; its outline is that of its headings."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(), args=["--no-sandbox"])
        page = browser.new_page()
        page.set_default_timeout(300_000)
        page.goto(html.as_uri())
        page.evaluate("() => document.fonts.ready")
        margin = {"top": "18mm", "bottom": "18mm", "left": "20mm", "right": "20mm"}
        page.pdf(
            path=to,
            format="A4",
            margin=margin,
            display_header_footer=True,
            header_template="<span></span>",
            footer_template=_FOOTER,
            outline=True,
            tagged=True,
            print_background=True,
        )
        browser.close()


def numbers(pdf: Path) -> dict[str, int]:
    """On which page each place of the document is."""
    reader = PdfReader(pdf)
    return {
        name.lstrip("/"): reader.get_destination_page_number(place) + 1
        for name, place in reader.named_destinations.items()
    }


def with_numbers_alone(text: str, found: dict[str, int]) -> str:
    """The first pages of the document, with nothing to be seen but the numbers in its contents."""
    text = re.sub(
        r'<li data-place="([^"]+)"',
        lambda one: f'{one.group(0)} data-page="{found.get(one.group(1), "")}"',
        text.partition('<section class="chapter"')[0],
    )
    return text.replace("</style>", f"{_HIDDEN}</style>", 1)


def main(arguments: list[str]) -> int:
    """Print the book; 0, or 1 where something is missing, which is said."""
    to = Path(arguments[0]) if arguments else ROOT / "_build" / "umixup-book.pdf"
    if not (SITE / "index.html").is_file():
        print("there is no site to print: make book", file=sys.stderr)
        return 1
    text = document()
    with tempfile.TemporaryDirectory(dir=SITE) as folder:
        page, body, over = (
            Path(folder) / name for name in ("book.html", "book.pdf", "numbers.pdf")
        )
        page.write_text(text, encoding="utf-8")
        printed(page, body)
        found = numbers(body)
        page.write_text(with_numbers_alone(text, found), encoding="utf-8")
        printed(page, over)
        writer = PdfWriter(clone_from=body)
        for target, numbered in zip(writer.pages, PdfReader(over).pages, strict=False):
            target.merge_page(numbered)
        writer.write(to)
    print(f"written  {to}: {len(PdfReader(to).pages)} pages")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
