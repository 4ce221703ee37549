"""What readers find around the text: previews, answers, cards, downloads, an archive, a PDF."""

import gzip
import re
import shutil
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ThreadPoolExecutor

import nbformat
import pages
import pdf
import previews
import pytest
import searching
from conftest import ROOT
from make import Book
from test_pages import address, browser, context, executable, visit  # noqa: F401

CHAPTERS = Book(ROOT).chapters()
CHAPTER_MB, SITE_MB = 1.5, 20  # over the wire, and on the disk; see the last tests

# --- previews -----------------------------------------------------------------------------------

PAGE = """
<article class="bd-article"><section id="s"><h1>Head</h1>
<div class="proof lemma admonition" id="lem"><p class="admonition-title">
<span>Lemma 1</span> (A name)</p><div>Text <a class="reference internal" href="b.html#eq">(2)</a>
<div class="math" id="equation-eq">
<span class="eqno">(1)<a class="headerlink" href="#eq">#</a></span>
x</div></div></div><p>after</p><figure class="align-default" id="fig"><img src="../_images/a.png"/>
</figure></section></article>
"""


def test_a_box_is_copied_whole_and_without_links_or_names():
    found = previews.boxes(PAGE, {"lem", "equation-eq", "fig", "nothing"})
    assert set(found) == {"lem", "equation-eq", "fig"}
    assert "Lemma 1" in found["lem"]
    assert found["lem"].count("<div") == found["lem"].count("</div") == 3
    assert "after" not in found["lem"]
    assert not re.search(r"<a\b|\bid=", "".join(found.values()))
    assert "headerlink" not in found["equation-eq"]
    assert 'data-src="_images/a.png"' in found["fig"]


def test_every_reference_to_a_box_has_its_preview(site):
    scripts = {p.stem: p.read_text() for p in (site / "_static/previews").glob("*.js")}
    missing, seen = set(), 0
    for path in site.glob("notebooks/[0-9]*.html"):
        article = path.read_text().partition("<article")[2]
        for name in re.findall(r'class="reference internal" href="#(\w+-[^"]+)"', article):
            if not re.match("(thm|lem|prop|cor|def|ax|fig|ex|equation)-", name):
                continue
            seen += 1
            if f'"{name}": "' not in scripts.get(f"notebooks-{path.stem}", ""):
                missing.add((path.stem, name))
    assert seen > 100
    assert not missing


@pytest.fixture
def page(context, address):  # noqa: F811
    page = context.new_page()
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    page.close()
    assert errors == []


def preview(page):
    return page.locator("#preview")


@pytest.mark.parametrize(
    ("link", "says"),
    [
        ("02_one_coin.html#lem-1", "Lemma"),
        ("#equation-eq-", "("),
        ("book/bibliography.html#", "In "),
        ("04_map_d.html#def-D", "Definition"),
    ],
)
def test_a_link_shows_what_it_names_by_keyboard_and_by_pointer(page, address, link, says):  # noqa: F811
    visit(page, f"{address}/notebooks/09_theorem.html")
    first = page.locator(f".bd-article a.reference.internal[href*='{link}']").first
    first.focus()
    preview(page).wait_for()
    assert says in preview(page).inner_text()
    assert first.get_attribute("aria-describedby") == "preview"
    page.keyboard.press("Escape")
    assert preview(page).is_hidden()
    assert first.get_attribute("aria-describedby") is None
    page.evaluate("() => document.activeElement.blur()")
    first.hover()
    preview(page).wait_for()
    preview(page).hover()  # the pointer may move into it
    page.wait_for_timeout(500)
    assert preview(page).is_visible()
    box = preview(page).bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 1300
    page.mouse.move(2, 2)
    preview(page).wait_for(state="hidden")


def test_previews_work_without_a_server(browser, site):  # noqa: F811
    page = browser.new_page()
    page.goto((site / "notebooks/09_theorem.html").as_uri())
    page.locator(".bd-article a.reference.internal[href*='02_one_coin.html#lem-1']").first.focus()
    preview(page).wait_for()
    page.close()


# --- the search ---------------------------------------------------------------------------------

QUESTIONS = {
    "Lemma 4": "05_map_u",
    "Theorem 1": "09_theorem",
    "negative cosine": "03_losses|api_pairs",
    "torchvision": "recipes",
    "λ per sample": "12_trainer|10_noise|recipes",
    "γ": "02_one_coin|04_map_d|05_map_u|notation",
    "beta policy": "05_map_u",
    "Colab": "teach|intro",
    "how do I use it in my training loop": "use_it",
    "um.parse": "api_theory",
    "does mixing help": "13_when",
    "winner's curse": "15_search|14_tables",
    "Hoeffding": "08_concentration",
    "Rao-Blackwell": "10_noise",
    "CutMix": "06_family|20_pairs",
    "calibration": "18_calibration",
    "regression": "recipes|20_pairs",
    "D(p, γ)": "04_map_d",
    "how do I cite this book": "cite",
    "amp": "use_it",
    "install": "use_it|intro",
    "exchangeable": "05_map_u.*ax-exchangeable|api_pairs",
    "soft labels and entropy": "06_family",
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_has_the_right_page_on_top(page, address, question):  # noqa: F811
    page.goto(f"{address}/search.html")
    page.locator("form.bd-search input[type=search]").last.fill(question)
    page.keyboard.press("Enter")
    first = page.locator(".answers li").first
    first.wait_for()
    assert re.search(QUESTIONS[question], first.locator("a").get_attribute("href"))
    assert page.locator("#search-results [role=status]").inner_text()


def test_snippets_are_sentences_and_nothing_of_the_page_around_them(page, address):  # noqa: F811
    page.goto(f"{address}/search.html?q=exchangeable+pairs")
    page.locator(".answers li").first.wait_for()
    snippets = page.locator(".answers li > p").all_inner_texts()
    assert len(snippets) == 20
    for snippet in snippets:
        assert not re.search(r"Show code|Click to|previous|next page|import |¶|#$", snippet)
    assert sum(bool(re.search(r"[.?!:)…]$", snippet)) for snippet in snippets) > 15


def test_a_question_without_an_answer_says_so(page, address):  # noqa: F811
    page.goto(f"{address}/search.html?q=xylophone")
    status = page.locator("#search-results [role=status]")
    status.wait_for()
    assert "Nothing was found for “xylophone”" in status.inner_text()


def test_entries_are_sections_boxes_and_names():
    found = searching.entries(PAGE, "a.html")
    assert [(e.kind, e.url) for e in found] == [("page", "a.html"), ("box", "a.html#lem")]
    assert found[1].title == "Lemma 1 (A name)"
    assert "after" in found[0].text


# --- to be found, shared and cited --------------------------------------------------------------


def test_each_page_describes_itself(site):
    seen = set()
    for path in site.glob("notebooks/[0-9]*.html"):
        text = path.read_text()
        [said] = re.findall(r'<meta name="description" content="([^"]*)">', text)
        assert 60 < len(said) <= pages.LONGEST + 2
        assert "\\(" not in said
        seen.add(said)
        for name in ("og:title", "og:description", "og:url", "og:image"):
            assert f'property="{name}" content="' in text
        assert text.count('name="viewport"') == 1
        assert 'rel="icon"' in text
        assert "CC BY 4.0" in text.partition("bd-footer-content")[2]
    assert len(seen) == len(CHAPTERS)


def test_links_of_the_footer_lead_somewhere(site):
    footer = (site / "notebooks/01_mixup.html").read_text().partition('class="licence"')[2]
    links = re.findall(r'href="([^"]+)"', footer.partition("</p>")[0])
    assert len(links) >= 5
    for link in links:
        assert (site / "notebooks" / link).resolve().is_file(), link


def test_a_published_site_has_a_map_a_card_and_a_page_for_dead_links(site):
    places = [e.text for e in ElementTree.parse(site / "sitemap.xml").iter() if e.tag[-3:] == "loc"]
    assert "https://example.github.io/umixup/notebooks/01_mixup.html" in places
    assert (site / pages.CARD).read_bytes().startswith(b"\x89PNG")
    assert 'href="https://example.github.io/umixup/index.html"' in (site / "404.html").read_text()


def test_a_citation_names_version_and_commit(site):
    text = (site / "book/cite.html").read_text()
    assert "umixup authors" in text
    assert "1906.06875" in text


def test_no_page_has_a_name_twice(site):
    for path in site.rglob("*.html"):
        names = re.findall(r'\bid="([^"]+)"', path.read_text().partition("<article")[2])
        twice = {name for name in names if names.count(name) > 1}
        assert not twice, (path.name, twice)


def test_lists_and_folds_have_names_and_roles_that_are_read_out(site):
    for path in site.rglob("*.html"):
        text = path.read_text()
        assert "doc-biblioentry" not in text
        assert '<summary><span class="toctree-toggle"' not in text
        assert '<dd><em class="sig-param">' not in text


# --- to take along ------------------------------------------------------------------------------


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_downloads_are_plain_and_the_students_has_no_solution(site, chapter):
    page = (site / f"notebooks/{chapter}.html").read_text()
    for name in (chapter, f"{chapter}_exercises"):
        assert f"_sources/notebooks/{name}.ipynb" in page
        notebook = nbformat.read(site / f"_sources/notebooks/{name}.ipynb", 4)
        nbformat.validate(notebook)
        texts = "\n".join(c.source for c in notebook.cells if c.cell_type == "markdown")
        assert not re.search(r"^(:::|```\{)|\{(ref|prf:ref|eq|numref)\}`", texts, re.MULTILINE)
        assert ("Solution" in texts) == (name == chapter)


def test_the_archive_opens_without_a_server(site, tmp_path, browser):  # noqa: F811
    archive = shutil.make_archive(str(tmp_path / "book"), "zip", site)
    shutil.unpack_archive(archive, tmp_path / "elsewhere")
    page = browser.new_page()
    failed = []
    page.on("requestfailed", lambda request: failed.append(request.url))
    page.goto((tmp_path / "elsewhere/book/intro.html").as_uri(), wait_until="networkidle")
    page.goto((tmp_path / "elsewhere/search.html").as_uri() + "?q=Lemma+4")
    page.locator(".answers li").first.wait_for()
    assert failed == []
    page.close()


def test_the_book_on_paper(site, tmp_path, monkeypatch):
    if executable() is None:
        pytest.skip("no browser: install chromium")
    from pypdf import PdfReader

    short = [
        (name, [f for f in files if re.search("intro|01_|02_", f)]) for name, files in pdf.parts()
    ]
    monkeypatch.setattr(pdf, "SITE", site)
    monkeypatch.setattr(pdf, "parts", lambda: short)
    with ThreadPoolExecutor() as pool:  # another thread: this one's Playwright is at work
        assert pool.submit(pdf.main, [str(tmp_path / "book.pdf")]).result() == 0
    reader = PdfReader(tmp_path / "book.pdf")
    texts = [p.extract_text() for p in reader.pages]
    contents = next(text for text in texts if "Contents" in text)
    for title in ("1. MixUp", "2. One coin", "Solutions"):
        number = int(re.search(rf"{re.escape(title)}\D*(\d+)", contents)[1])
        assert title.partition(" ")[2] in texts[number - 1]
    appendix = int(re.search(r"Solutions\D*(\d+)", contents)[1])
    assert not any("Solution\n" in text for text in texts[2 : appendix - 1])
    assert [o.title for o in reader.outline if not isinstance(o, list)]


def test_without_a_site_there_is_nothing_to_print(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(pdf, "SITE", tmp_path)
    assert pdf.main([]) == 1
    assert "make book" in capsys.readouterr().err


# --- light --------------------------------------------------------------------------------------


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_chapter_is_light_over_the_wire(page, address, site, chapter):  # noqa: F811
    loaded = []
    page.on("request", lambda request: loaded.append(request.url))
    visit(page, f"{address}/notebooks/{chapter}.html")
    size = 0
    for url in {u for u in loaded if u.startswith(address)}:
        path = site / re.sub(r"[?#].*", "", url[len(address) + 1 :])
        data = path.read_bytes()
        size += (
            len(gzip.compress(data))
            if path.suffix in (".html", ".css", ".js", ".svg")
            else len(data)
        )
    assert size / 1e6 <= CHAPTER_MB
    assert not [url for url in loaded if not url.startswith((address, "data:"))]


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_chapter_has_at_most_twenty_screens(page, address, chapter):  # noqa: F811
    page.set_viewport_size({"width": 1300, "height": 900})
    visit(page, f"{address}/notebooks/{chapter}.html")
    height = page.evaluate("() => document.documentElement.scrollHeight")
    assert 5 < height / 900 <= 20 + 0.5, chapter  # half a screen for another machine's fonts


def test_the_site_is_light_on_the_disk(site):
    assert sum(p.stat().st_size for p in site.rglob("*") if p.is_file()) / 1e6 <= SITE_MB


def test_a_formula_that_mathjax_refuses_is_named(tmp_path):
    import formulas

    (tmp_path / "_static").mkdir()
    page = r'<span class="math notranslate nohighlight">\(\undefined{x}\)</span>'
    (tmp_path / "a.html").write_text(page)
    with pytest.raises(
        formulas.FormulaError, match=r"\\undefined\{x\}: Undefined control sequence"
    ):
        formulas.typeset(tmp_path)
