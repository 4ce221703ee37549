"""Slides for the six sessions of the two-week course: python book/slides.py

book/slides/session_N.md -> _build/slides/session-N.html, one file that needs no network, and, where
there is a Chromium, session-N.pdf and session-N-notes.pdf. A source is Markdown. Three dashes part
two slides. What follows ``Note: 4 minutes.`` is for the speaker. A line of its own takes over what
the chapters have:

    {figure} fig-moons                    a figure with its alternative text and its caption
    {statement} thm-floor                 a definition, theorem, lemma ... with its title
    {equation} eq-mixup                   a displayed formula; {eq}`eq-mixup` is then its number
    {code} 01_mixup def mix_by_hand       the cell of a chapter that has these words
    {output} 01_mixup check.round(6)      what that cell printed, as stored in notebooks/
    {exercise} ex-nearer-end              an exercise with its minutes and points
"""

from __future__ import annotations

import base64
import html
import re
import struct
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import formulas
import nbformat
import plain
from exercises import Facts, facts
from markdown_it import MarkdownIt
from nbformat import NotebookNode
from pdf import executable
from playwright.sync_api import Error, sync_playwright
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

ROOT = Path(__file__).resolve().parents[1]
#: A figure at least as wide as this, by its height, has its caption below and not beside it.
WIDE = 1.85
#: A box with fewer characters than these has larger ones.
SHORT, MIDDLING = 420, 900
#: A table with more rows or characters in a row than these has smaller ones.
ROWS, CHARACTERS = 7, 50
_PULL = re.compile(r"\{(figure|statement|equation|code|output|exercise)\}[ \t]+(\S+)[ \t]*(.*)")
_NOTE = re.compile(r"^Note:[ \t]*(\d+) minutes?\.\s*", re.MULTILINE)
_FORMULA = re.compile(r"\$\$(.+?)\$\$|\$([^$\n]+)\$", re.DOTALL)
_HEADING = re.compile(r"^(#{1,2}) (.+)$", re.MULTILINE)
#: The head of a table: the columns' names, and then that of the index alone.
_TWO_ROWS = re.compile(
    r"<tr>\s*<th>\s*</th>((?:\s*<th>[^<]*</th>)+)\s*</tr>"
    r"\s*<tr>\s*<th>([^<]*)</th>(?:\s*<th>\s*</th>)+\s*</tr>"
)
_MARKDOWN = MarkdownIt("commonmark", {"html": False, "typographer": True})
_MARKDOWN.enable(["table", "smartquotes"])
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="data:,">
<style id="paper">@page {{ size: 1280px 720px; margin: 0 }}</style>
<style>
{styles}</style>
</head>
<body>
<main>
{slides}
</main>
<script>
{script}</script>
</body>
</html>
"""


class SlideError(Exception):
    """A deck cannot be made, for a reason that fits one line."""


@dataclass(frozen=True)
class Slide:
    """A slide: its heading, what it shows and what is said, as HTML with formulas in TeX."""

    heading: str
    body: str
    note: str
    minutes: int
    pulled: list[tuple[str, str]]  # what it takes from the chapters: ("figure", "fig-moons")
    first: bool = False


@dataclass
class Chapters:
    """What slides take from the book below a root folder."""

    root: Path
    pieces: dict[str, plain.Piece] = field(default_factory=dict)  # statements, formulas, exercises
    figures: dict[str, NotebookNode] = field(default_factory=dict)
    notebooks: dict[str, NotebookNode] = field(default_factory=dict)
    titles: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, Facts] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Read the sources for the text, and the stored notebooks for what was computed."""
        texts = [p.read_text(encoding="utf-8") for p in sorted((self.root / "book").glob("*.md"))]
        self.titles = plain.titles(tuple(texts))
        for text in texts:
            self._collect(text)
        for path in sorted((self.root / "notebooks").glob("*.ipynb")):
            self.notebooks[path.stem] = notebook = nbformat.read(path, as_version=4)
            for cell in notebook.cells:
                if name := cell.metadata.get("mystnb", {}).get("figure", {}).get("name"):
                    self.figures[name] = cell
        self.facts = facts(self.root / "book" / "exercises.yaml")

    def _collect(self, text: str) -> None:
        for piece in plain.pieces(text):
            if label := piece.options.get("label"):
                self.pieces[label] = piece
            if piece.name == "admonition":  # a folded proof has a statement's neighbours in it
                self._collect(piece.body)

    def piece(self, label: str) -> plain.Piece:
        """A directive by its label."""
        if label not in self.pieces:
            raise SlideError(f"no chapter has the label {label}")
        return self.pieces[label]

    def cell(self, chapter: str, words: str) -> NotebookNode:
        """The first code cell of a chapter that has these words."""
        cells = self.notebooks[chapter].cells if chapter in self.notebooks else []
        for cell in cells:
            if cell.cell_type == "code" and words in cell.source:
                return cell
        raise SlideError(f"no cell of {chapter} has the words {words!r}")


class Deck:
    """The slides of one session."""

    def __init__(self, source: Path, chapters: Chapters) -> None:
        self.name = source.stem.replace("_", "-")
        self.chapters = chapters
        self.numbers: dict[str, int] = {}  # of the formulas, as they come
        self.slides = [
            self._slide(text, first=k == 0)
            for k, text in enumerate(re.split(r"^---$", source.read_text("utf-8"), flags=re.M))
        ]
        self.title = html.unescape(re.sub(r"<[^>]+>", "", self.slides[0].heading))
        self.minutes = sum(slide.minutes for slide in self.slides)

    def _slide(self, text: str, *, first: bool) -> Slide:
        shown, *rest = _NOTE.split(text, maxsplit=1)
        heading = _HEADING.search(shown)
        if heading is None or not rest:
            raise SlideError(f"{self.name}: a slide needs a heading and a note: {text[:60]!r}")
        minutes, note = int(rest[0]), rest[1]
        pulled: list[tuple[str, str]] = []
        parts: list[str] = []
        words: list[str] = []

        def close() -> None:
            if "\n".join(words).strip():
                parts.append(self._text("\n".join(words)))
            words.clear()

        wide, figure = True, ""
        for line in shown[heading.end() :].splitlines():
            if (pull := _PULL.fullmatch(line)) is None:
                words.append(line)
                continue
            close()
            kind, name, more = pull.groups()
            pulled.append((kind, name))
            if kind == "figure":
                figure, wide = self._figure(name)
            else:
                parts.append(getattr(self, f"_{kind}")(name, more, minutes))
        close()
        body = "\n".join(parts)
        if figure:
            text = f'<div class="text">{body}</div>' if body else ""
            body = f'<div class="{"wide" if wide else "beside"}">{figure}{text}</div>'
        inline = self._inline(heading[2])
        return Slide(inline, body, self._text(note), minutes, pulled, first)

    def _text(self, text: str, *, block: bool = True) -> str:
        """Markdown with formulas and roles as HTML; formulas as Sphinx writes them."""
        kept: list[str] = []

        def keep(formula: re.Match[str]) -> str:
            tex = html.escape((formula[1] or formula[2]).strip(), quote=False)
            kept.append(
                f'<div class="math">\\[{tex}\\]</div>'
                if formula[1]
                else f'<span class="math">\\({tex}\\)</span>'
            )
            return f"\ue000{len(kept) - 1}\ue001"

        text = plain.ROLE.sub(self._role, _FORMULA.sub(keep, text))
        if left := re.search(r"\{[\w:]+\}`?[^`\n]{0,40}", text):
            raise SlideError(f"{self.name}: what is {left[0]!r}?")
        text = re.sub(r"(?<=\w) ([=≡]) (?=[\d½∞])", "\u00a0\\1\u00a0", text).replace(
            " %", "\u00a0%"
        )
        made = (_MARKDOWN.render if block else _MARKDOWN.renderInline)(text)
        made = re.sub(r"<p>\s*\ue000(\d+)\ue001\s*</p>", "\ue000\\1\ue001", made)
        # No line begins with what belongs to the formula before.
        made = re.sub(
            "(\ue000\\d+\ue001[.,;:!?)”]+)(?!\\s*</p>\\s*$)", r'<span class="glue">\1</span>', made
        )
        made = re.sub("\ue000(\\d+)\ue001", lambda mark: kept[int(mark[1])], made)
        # A displayed formula within a paragraph ends it.
        return re.sub(r'(?<!</p>)\n(<div class="math">.*?</div>)', r"</p>\1<p>", made)

    def _inline(self, text: str) -> str:
        return self._text(text, block=False)

    def _role(self, role: re.Match[str]) -> str:
        kind, words, label = role[1], role[2], role[3] or role[4]
        if kind == "eq":
            if label not in self.numbers:
                raise SlideError(f"{self.name}: {label} is not on a slide before")
            return f"({self.numbers[label]})"
        if kind.startswith("cite"):
            return ""
        if label not in self.chapters.titles and label not in self.chapters.pieces:
            raise SlideError(f"{self.name}: no page has the label {label}")
        title = self.chapters.titles.get(label, "")
        number, _, rest = title.partition(". ")
        if number.isdigit():
            title = f"Chapter {number}, {rest}"
        return words or re.sub(r"^(\w+) \((.+)\)$", r"\1 “\2”", title)

    def _figure(self, name: str) -> tuple[str, bool]:
        """A figure, and whether it is a wide one."""
        if name not in self.chapters.figures:
            raise SlideError(f"{self.name}: no chapter has the figure {name}")
        cell = self.chapters.figures[name]
        about = cell.metadata["mystnb"]
        found = [o.data["image/png"] for o in cell.outputs if "image/png" in o.get("data", {})]
        if not found:
            raise SlideError(f"{name} has no picture yet: make notebooks")
        png = found[0].replace("\n", "")
        width, height = struct.unpack(">II", base64.b64decode(png)[16:24])
        wide = width >= WIDE * height
        # As large as the slide allows: above its caption, or beside it.
        scale = min(48 / width, 20.5 / height) if wide else min(40 / width, 28 / height)
        size = f"width:{width * scale:.2f}rem;height:{height * scale:.2f}rem"
        alt = html.escape(re.sub(r"\s+", " ", about["image"]["alt"]))
        caption = self._inline(re.sub(r"\s+", " ", about["figure"]["caption"]))
        image = f'<img style="{size}" alt="{alt}" src="data:image/png;base64,{png}">'
        return f"<figure>{image}<figcaption>{caption}</figcaption></figure>", wide

    def _statement(self, label: str, _more: str, _minutes: int) -> str:
        piece = self.chapters.piece(label)
        kind = piece.name.removeprefix("prf:").capitalize()
        number = re.fullmatch(r"no\. (\d+) in the paper(?:: (.+))?", piece.argument)
        title = f"{kind} {number[1]}" if number else kind
        named = number[2] if number else piece.argument
        title += f" ({named})" if named else ""
        body = self._text(f"**{title}.** {piece.body}")
        return _box("statement", piece.body, body)

    def _equation(self, label: str, _more: str, _minutes: int) -> str:
        piece = self.chapters.piece(label)
        self.numbers.setdefault(label, len(self.numbers) + 1)
        tex = piece.body
        if r"\\" in tex or "&" in tex:
            tex = rf"\begin{{aligned}}{tex}\end{{aligned}}"
        return self._text(rf"$${tex} \tag{{{self.numbers[label]}}}$$")

    def _code(self, chapter: str, words: str, _minutes: int) -> str:
        source = self.chapters.cell(chapter, words).source
        style = HtmlFormatter(nowrap=True, noclasses=True, style="friendly")
        return f"<pre>{highlight(source, PythonLexer(), style).rstrip()}</pre>"

    def _output(self, chapter: str, words: str, _minutes: int) -> str:
        parts = []
        for output in self.chapters.cell(chapter, words).outputs:
            data = output.get("data", {})
            if "text/html" in data:
                table = re.search(r"<table.*?</table>", data["text/html"], re.DOTALL)
                bare = re.sub(r"<(table|thead|tbody|tr|th|td)\b[^>]*>", _bare, table[0])  # type: ignore[index]
                bare = _TWO_ROWS.sub(r"<tr><th>\2</th>\1</tr>", bare)
                rows = [re.sub(r"<[^>]+>|\s", "", r) for r in bare.split("</tr>")]
                many = len(rows) > ROWS + 2 or max(map(len, rows)) > CHARACTERS
                kind = "numbers dense" if many else "numbers"
                parts.append(bare.replace("<table>", f'<table class="{kind}">', 1))
            else:
                text = output.get("text") or data.get("text/plain", "")
                parts.append(f'<pre class="output">{html.escape(text.strip())}</pre>')
        return "\n".join(parts)

    def _exercise(self, label: str, _more: str, minutes: int) -> str:
        piece, about = self.chapters.piece(label), self.chapters.facts[label]
        line = about.line.replace("**", "").replace(f"{about.name}. ", "", 1)
        if minutes >= about.minutes:
            when = f"Now: {minutes} minutes."
        elif minutes >= 5:
            when = f"Now: {minutes} minutes. The rest at home."
        else:
            when = "At home."
        body = self._text(f"**{about.name}** ({piece.argument}). {piece.body}\n\n{line} **{when}**")
        return _box("exercise", piece.body, body)

    def slides_html(self) -> str:
        """The plan, which only the printed notes show, and the slides, each with its note."""
        rows = "".join(
            f"<tr><td>{k}</td><td>{slide.heading}</td><td>{slide.minutes}</td><td>{until}</td></tr>"
            for k, (slide, until) in enumerate(self._clock(), 1)
        )
        plan = (
            f'<section class="plan"><h1>{self.slides[0].heading}</h1>\n<p>{len(self.slides)} '
            f"slides, {self.minutes} minutes.</p>\n<table><tr><th></th><th>slide</th>"
            f"<th>minutes</th><th>until</th></tr>{rows}</table></section>\n"
        )
        return plan + "\n".join(_html(k, slide) for k, slide in enumerate(self.slides, 1))

    def _clock(self) -> Iterator[tuple[Slide, int]]:
        until = 0
        for slide in self.slides:
            until += slide.minutes
            yield slide, until

    def write(self, to: Path) -> None:
        """Write the deck as one file."""
        here = self.chapters.root / "book" / "slides"
        to.write_text(self.slides_html(), encoding="utf-8")
        styles = formulas.embedded(formulas.write([to]))
        styles += (here / "slides.css").read_text("utf-8")
        script = (here / "slides.js").read_text("utf-8")
        page = _PAGE.format(
            title=html.escape(self.title),
            styles=styles,
            slides=to.read_text("utf-8"),
            script=script,
        )
        to.write_text(page, encoding="utf-8")


def _box(kind: str, text: str, body: str) -> str:
    size = " short" if len(text) < SHORT else " middling" if len(text) < MIDDLING else ""
    return f'<div class="{kind}{size}">{body}</div>'


def _bare(tag: re.Match[str]) -> str:
    """A tag of a table with nothing but what its cells span."""
    spans = re.findall(r' (?:col|row)span="\d+"', tag[0])
    return f"<{tag[1]}{''.join(spans)}>"


def _html(number: int, slide: Slide) -> str:
    level = "h1" if slide.first else "h2"
    kind = "slide title" if slide.first else "slide"
    minutes = f"{slide.minutes} minute" + "s" * (slide.minutes != 1)
    return (
        f'<div class="pair"><section class="{kind}" id="{number}" aria-labelledby="h{number}">'
        f'<{level} id="h{number}" tabindex="-1">{slide.heading}</{level}>\n'
        f'<div class="body">{slide.body}</div><p class="number">{number}</p></section>\n'
        f'<aside class="note" aria-label="notes"><p><strong>{number}. {minutes}.</strong></p>'
        f"{slide.note}</aside></div>"
    )


def sources(root: Path) -> list[Path]:
    """The decks' sources, by the number of their session."""
    return sorted((root / "book" / "slides").glob("session_*.md"))


def printed(pages: list[Path]) -> bool:
    """Print each page as slides, and with its notes; is there a browser that can?"""
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(
                executable_path=executable(), args=["--no-sandbox"]
            )
        except Error:
            return False
        for path in pages:
            page = browser.new_page()
            page.set_default_timeout(300_000)
            page.goto(path.as_uri())
            page.evaluate("() => document.fonts.ready")
            for name in (path.stem, f"{path.stem}-notes"):
                page.pdf(
                    path=path.with_name(f"{name}.pdf"),
                    prefer_css_page_size=True,
                    print_background=True,
                    tagged=True,
                    outline=True,
                )
                page.keyboard.press("n")
            page.close()
        browser.close()
    return True


def main(root: Path = ROOT) -> int:
    """Make all decks; 0, or 1 where one cannot be made, which is said."""
    folder = root / "_build" / "slides"
    folder.mkdir(parents=True, exist_ok=True)
    chapters = Chapters(root)
    pages = []
    try:
        for source in sources(root):
            deck = Deck(source, chapters)
            pages.append(folder / f"{deck.name}.html")
            deck.write(pages[-1])
            print(f"written  {deck.name}.html: {len(deck.slides)} slides, {deck.minutes} minutes")
    except (SlideError, formulas.FormulaError) as error:
        print(f"book/slides.py: {error}", file=sys.stderr)
        return 1
    if not printed(pages):
        print("no PDFs: they need Chromium; or print a page from any browser, N for its notes")
    print(f"written  {folder.relative_to(root)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
