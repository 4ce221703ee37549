"""The slides of the two-week course: what they take from the chapters, and how they look."""

import re
from collections import Counter
from html.parser import HTMLParser

import pytest
from pdf import executable
from pypdf import PdfReader
from slides import Chapters, Deck, SlideError, sources
from test_pages import ROOT, browser  # noqa: F401  # a fixture

pytestmark = pytest.mark.book

NUMBERS = range(1, len(sources(ROOT)) + 1)
#: Where another process finds what this one does.
BOOK = {"PYTHONPATH": str(ROOT / "book")}
TEACH = (ROOT / "book/teach.md").read_text(encoding="utf-8")

# What is not wholly on its slide, and text in letters of less than 24 pixels.
FAULTS = """
() => {
  document.documentElement.classList.remove("js");  // all slides are there
  const faults = [];
  for (const slide of document.querySelectorAll(".slide")) {
    const page = slide.getBoundingClientRect();
    const say = (what, e) => faults.push(
      `${slide.id}: ${what}: ${e.textContent.trim().slice(0, 40)}`);
    for (const e of slide.querySelectorAll("h1, h2, .body, .body *")) {
      const formula = e.closest("mjx-container");
      if (e.matches("figure, script") || (formula && formula !== e)) continue;
      const box = e.getBoundingClientRect();
      if (box.left < page.left + 40 || box.right > page.right - 40) say("too wide", e);
      if (box.top < page.top + 20 || box.bottom > page.bottom - 30) say("too high", e);
      const text = !e.querySelector("mjx-container") && e.clientWidth;  // theirs is wider, unseen
      if (text && !formula && e.scrollWidth > e.clientWidth + 1) say("cut off", e);
      const written = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
      const smallest = e.matches("code") ? 22 : 24;
      if (written && parseFloat(getComputedStyle(e).fontSize) < smallest) say("too small", e);
      if (e.matches("img") && !e.naturalWidth) say("no picture", e);
    }
  }
  return faults;
}
"""


class Tags(HTMLParser):
    """All tags of a page with their attributes."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))


@pytest.fixture(scope="module")
def chapters():
    return Chapters(ROOT)


@pytest.fixture(scope="module")
def decks(chapters):
    return [Deck(source, chapters) for source in sources(ROOT)]


@pytest.fixture(scope="module")
def folder(decks, tmp_path_factory):
    """The decks as written."""
    made = tmp_path_factory.mktemp("slides")
    for deck in decks:
        deck.write(made / f"{deck.name}.html")
    return made


def rows():
    """The sessions of the table: number, chapter, exercises."""
    table = TEACH.partition("(teach-two)=")[2].partition("(teach-six)=")[0]
    for line in re.findall(r"^\| \d.*$", table, re.MULTILINE):
        number, chapter, _, exercises, *_ = [cell.strip() for cell in line.strip("|").split("|")]
        yield (
            int(number),
            re.search(r"`(ch-[a-z]+)`", chapter)[1],
            re.findall(r"<(ex-[a-z-]+)>", exercises),
        )


def test_each_session_of_the_two_weeks_has_its_deck(decks):
    found = list(rows())
    assert [number for number, *_ in found] == list(NUMBERS)
    for (number, chapter, exercises), deck, source in zip(found, decks, sources(ROOT), strict=True):
        assert deck.name == f"session-{number}"
        assert f"{{ref}}`{chapter}`" in source.read_text(encoding="utf-8").partition("---")[0]
        assert [name for kind, name in pulled(deck) if kind == "exercise"] == exercises


def pulled(deck):
    return [one for slide in deck.slides for one in slide.pulled]


def test_decks_fill_ninety_minutes(decks):
    for deck in decks:
        assert 18 <= len(deck.slides) <= 28, deck.name
        assert 80 <= deck.minutes <= 90, deck.name
        assert all(slide.note and 1 <= slide.minutes <= 15 for slide in deck.slides), deck.name
        page = deck.slides_html()
        assert f"<p>{len(deck.slides)} slides, {deck.minutes} minutes.</p>" in page
        assert f"<td>{deck.minutes}</td></tr></table>" in page  # until when the last one goes


def test_no_exercise_takes_longer_than_it_takes(decks, chapters):
    for deck in decks:
        for slide in deck.slides:
            for kind, label in slide.pulled:
                if kind == "exercise":
                    about = chapters.facts[label]
                    assert slide.minutes <= about.minutes
                    assert f"{about.points} points" in slide.body


def test_nothing_is_shown_twice(decks):
    shown = Counter(
        one for deck in decks for one in pulled(deck) if one[0] not in ("code", "output")
    )
    assert [one for one, times in shown.items() if times > 1] == []
    assert sum(kind == "figure" for kind, _ in shown) > 20
    for deck in decks:
        assert any(kind == "figure" for kind, _ in pulled(deck))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("## A\n{figure} fig-nowhere\nNote: 1 minute. B", "no chapter has the figure fig-nowhere"),
        ("## A\n{statement} thm-none\nNote: 1 minute. B", "no chapter has the label thm-none"),
        ("## A\n{exercise} ex-none\nNote: 1 minute. B", "no chapter has the label ex-none"),
        ("## A\n{code} 01_mixup of no cell\nNote: 1 minute. B", "no cell of 01_mixup"),
        ("## A\n{ref}`ch-none`\nNote: 1 minute. B", "no page has the label ch-none"),
        ("## A\n{eq}`eq-mixup`\nNote: 1 minute. B", "eq-mixup is not on a slide before"),
        ("## A\n{figures} fig-moons\nNote: 1 minute. B", "what is '{figures}"),
        ("## A\nB", "needs a heading and a note"),
        ("A\nNote: 1 minute. B", "needs a heading and a note"),
    ],
)
def test_a_wrong_source_is_refused_by_name(text, words, chapters, tmp_path):
    (tmp_path / "session_1.md").write_text(text, encoding="utf-8")
    with pytest.raises(SlideError, match=re.escape(words)):
        Deck(tmp_path / "session_1.md", chapters)


def test_a_page_stands_alone(folder, decks):
    for deck in decks:
        text = (folder / f"{deck.name}.html").read_text(encoding="utf-8")
        assert len(text) < 1_500_000
        assert not re.search(r"https?://|@import|url\((?!\"data:)", text)
        for tag, has in Tags(text).found:
            for name in ("src", "href"):
                assert has.get(name, "data:").startswith("data:"), (deck.name, tag, has)


def test_a_screen_reader_has_what_eyes_have(folder, decks):
    for deck in decks:
        tags = Tags((folder / f"{deck.name}.html").read_text(encoding="utf-8")).found
        sections = [has for tag, has in tags if tag == "section" and "id" in has]
        headings = {has.get("id") for tag, has in tags if tag in ("h1", "h2")}
        assert len(sections) == len(deck.slides)
        assert all(has["aria-labelledby"] in headings for has in sections)
        images = [has for tag, has in tags if tag == "img"]
        assert len(images) == sum(kind == "figure" for kind, _ in pulled(deck))
        assert all(len(has["alt"]) > 30 for has in images)
        text = deck.slides_html()
        assert text.count('class="math"') == sum(tag == "mjx-assistive-mml" for tag, _ in tags)


def opened(browser, folder, number, hash_=""):  # noqa: F811
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    seen = []
    page.on("console", lambda m: seen.append(m.text))
    page.on("pageerror", lambda e: seen.append(str(e)))
    page.on("request", lambda r: r.url.startswith(("file:", "data:")) or seen.append(r.url))
    page.goto((folder / f"session-{number}.html").as_uri() + hash_)
    page.evaluate("() => document.fonts.ready")
    return page, seen


@pytest.mark.parametrize("number", NUMBERS)
def test_every_slide_fits_and_is_legible(browser, folder, number):  # noqa: F811
    page, seen = opened(browser, folder, number)
    assert page.evaluate(FAULTS) == []
    page.close()
    assert not seen


def test_faults_are_found(browser, folder):  # noqa: F811
    page, _ = opened(browser, folder, 1)
    page.evaluate(
        "() => { const p = document.querySelector('.slide .body p');"
        "p.style.fontSize = '23px'; p.style.whiteSpace = 'nowrap'; p.append('word '.repeat(200)); }"
    )
    found = page.evaluate(FAULTS)
    page.close()
    assert {fault.split(": ")[1] for fault in found} >= {"cut off", "too small"}


SHOWN = """
(at) => {
  const there = [...document.querySelectorAll(".slide")].filter((slide) => slide.offsetParent);
  return there.length === 1 && there[0].id === String(at) &&
    document.activeElement.id === `h${at}` && (location.hash || "#1") === `#${at}`;
}
"""


def shows(page, at):
    """Waits until this slide, and no other, is there and in the address."""
    page.wait_for_function(SHOWN, arg=at)


def test_keys_touch_and_the_address_lead_through_a_deck(browser, folder, decks):  # noqa: F811
    last = len(decks[0].slides)
    page, seen = opened(browser, folder, 1)
    shows(page, 1)
    steps = [("ArrowRight", 2), (" ", 3), ("PageDown", 4), ("ArrowLeft", 3), ("Shift+ ", 2)]
    steps += [("End", last), ("ArrowRight", last), ("Home", 1), ("ArrowUp", 1), ("ArrowDown", 2)]
    for key, at in steps:
        page.keyboard.press(key.replace(" ", "Space"))
        shows(page, at)
    page.mouse.click(1000, 600)
    shows(page, 3)
    page.mouse.click(100, 600)
    shows(page, 2)
    page.go_back()
    shows(page, 3)
    note = page.locator("aside.note:visible")
    assert note.count() == 0
    page.keyboard.press("n")
    assert note.count() == 1
    page.keyboard.press("N")
    assert note.count() == 0
    page.close()
    other, also = opened(browser, folder, 1, "#7")
    shows(other, 7)
    other.close()
    assert not seen + also


def test_on_paper_a_slide_is_a_page_and_notes_begin_with_the_plan(folder, decks, run_python):
    if executable() is None:
        pytest.skip("no browser: install chromium, or name one in UMIXUP_BROWSER")
    page = folder / "session-1.html"
    code = f"import pathlib, slides; print(slides.printed([pathlib.Path({str(page)!r})]))"
    assert run_python(code, **BOOK) == "True"
    deck = decks[0]
    pages = PdfReader(folder / "session-1.pdf").pages
    assert len(pages) == len(deck.slides)
    for page in pages:
        assert float(page.mediabox.width / page.mediabox.height) == pytest.approx(16 / 9, rel=0.01)
    notes = PdfReader(folder / "session-1-notes.pdf").pages
    sheet = notes[0].mediabox
    assert float(sheet.height / sheet.width) == pytest.approx(2**0.5, rel=0.01)  # A4
    assert f"{len(deck.slides)} slides, {deck.minutes} minutes" in notes[0].extract_text()
    text = " ".join("".join(page.extract_text() for page in notes).split())
    assert "Let the class answer before you do" in text
    assert len(notes) <= 1 + len(deck.slides) // 2 + 2


def test_without_a_browser_the_pages_are_still_written(tmp_path, run_python):
    for name in ("book", "notebooks"):
        (tmp_path / name).symlink_to(ROOT / name)
    code = f"import pathlib, slides; print(slides.main(pathlib.Path({str(tmp_path)!r})))"
    said = run_python(code, UMIXUP_BROWSER=str(tmp_path / "nowhere"), **BOOK).splitlines()
    assert said[-1] == "0"
    assert said[-2] == "written  _build/slides"
    assert said[-3].startswith("no PDFs")
    written = sorted(path.name for path in (tmp_path / "_build/slides").iterdir())
    assert written == [f"session-{number}.html" for number in NUMBERS]
