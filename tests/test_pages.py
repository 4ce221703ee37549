"""The built pages as people see them: in a browser, with classic scrollbars, on screen and paper.

Each page is loaded once. A test sets the width, the theme and the medium that it needs.
"""

import doctest
import functools
import http.server
import re
import threading
from importlib.resources import files
from pathlib import Path

import pytest
import yaml
from pdf import executable

pytestmark = pytest.mark.book

ROOT = Path(__file__).parents[1]
TOC = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
WIDTHS = (360, 390, 768, 1300)
PAPER = 718  # A4 in CSS pixels, less the browser's own margins
THEMES = ("light", "dark")


def listed(entries):
    """The pages of a part of _toc.yml, in order."""
    for entry in entries:
        yield f"{entry['file']}.html"
        yield from listed(entry.get("sections", []))


PAGES = [
    f"{TOC['root']}.html",
    *(name for part in TOC["parts"] for name in listed(part["chapters"])),
    *("prf-prf.html", "genindex.html", "py-modindex.html", "search.html"),
]

# What a reader cannot see, or is shown a scrollbar for in vain. Each text, formula and picture is
# held against the innermost box around it that cuts off or scrolls, and each such box against the
# next one; the hidden copy of a formula for screen readers does not count.
GEOMETRY = r"""
() => {
  const faults = [];
  const article = document.querySelector(".bd-article") || document.querySelector("main");
  const hidden = "mjx-assistive-mml, mjx-assistive-mml *, .visually-hidden, script, style";
  const name = (element) => {
    const text = (element.textContent || "").replace(/\s+/g, " ").trim().slice(0, 70);
    return `<${element.tagName.toLowerCase()} class="${element.className}"> ${text}`;
  };

  const root = document.scrollingElement;
  if (root.scrollWidth > root.clientWidth) {
    const wide = [...document.querySelectorAll("body *")].filter(
      (e) => e.getBoundingClientRect().right > root.clientWidth + 1 && !e.matches(hidden));
    faults.push(`the page moves sideways by ${root.scrollWidth - root.clientWidth}: ` +
                (wide.length ? name(wide[wide.length - 1]) : ""));
  }

  const content = new Map();
  for (const box of [document.body, ...article.querySelectorAll(":not(mjx-container *, pre *)")]) {
    if (box.matches(hidden)) continue;
    const style = getComputedStyle(box);
    const clips = style.overflowX !== "visible" || style.overflowY !== "visible";
    if (box === document.body || (clips && style.display !== "inline")) content.set(box, []);
  }
  const around = (node) => {
    let box = node.parentElement;
    while (!content.has(box)) box = box.parentElement;
    return content.get(box);
  };
  const range = document.createRange();
  const walker = document.createTreeWalker(article, NodeFilter.SHOW_TEXT);
  for (let node; (node = walker.nextNode()); ) {
    const parent = node.parentElement;
    if (!node.data.trim() || parent.closest(hidden)) continue;
    if (!parent.checkVisibility({visibilityProperty: true})) continue;
    range.selectNodeContents(node);
    around(node).push(...range.getClientRects());
  }
  for (const e of article.querySelectorAll("mjx-math, img, svg, table")) {
    around(e).push(...e.getClientRects());
  }
  for (const box of content.keys()) {
    if (box !== document.body) around(box).push(box.getBoundingClientRect());
  }

  for (const [box, boxes] of content) {
    if (box === document.body) continue;
    const place = box.getBoundingClientRect();
    if (place.width < 2 || place.height < 2) continue;
    const style = getComputedStyle(box);
    const side = box.offsetWidth - box.clientWidth
      - parseFloat(style.borderLeftWidth) - parseFloat(style.borderRightWidth);
    const foot = box.offsetHeight - box.clientHeight
      - parseFloat(style.borderTopWidth) - parseFloat(style.borderBottomWidth);
    const left = place.left + box.clientLeft - box.scrollLeft;
    const right = place.left + box.clientLeft + box.clientWidth;
    const bottom = place.top + box.clientTop + box.clientHeight;
    const visible = boxes.filter((b) => b.width > 1 && b.height > 1);
    const before = Math.max(0, ...visible.map((b) => left - b.left));
    const over = Math.max(0, ...visible.map((b) => b.right - right));
    const under = Math.max(0, ...visible.map((b) => b.bottom - bottom));
    const scrolls = ["auto", "scroll"].includes(style.overflowX);
    const fault = (text, by) =>
      faults.push(`${text}${by ? ` by ${by.toFixed(0)} px` : ""}: ${name(box)}`);
    if (before > 1) fault("cut off at the left", before);
    if (over > 1 && !scrolls) fault("cut off at the right", over);
    if (over > 1 && scrolls && foot <= 1) fault("scrolls without a scrollbar", over);
    if (over > 1 && scrolls && box.closest(".math") && style.boxShadow === "none")
      fault("scrolls without a shadow", over);
    if (foot > 1 && over <= 0.5) fault("a horizontal scrollbar in vain");
    if (side > 1 && under <= 0.5) fault("a vertical scrollbar in vain");
  }
  // What no box holds back must lie on the page.
  const edge = root.clientWidth;
  for (const b of content.get(document.body)) {
    if (b.width > 1 && b.height > 1 && (b.right > edge + 1 || b.left < -1))
      faults.push(`off the page: from ${b.left.toFixed(0)} to ${b.right.toFixed(0)} of ${edge} px`);
  }
  return faults;
}
"""

# Folded solutions, answers and cells, all opened.
OPEN = """
() => {
  document.querySelectorAll("details").forEach((e) => { e.open = true; });
  document.querySelectorAll(".toggle-hidden > .admonition-title > button")
    .forEach((e) => e.click());
}
"""
CLOSE = """
() => document.querySelectorAll(".toggle:not(.toggle-hidden) > .admonition-title > button")
    .forEach((e) => e.click())
"""
FRAME = "() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))"
SOLUTIONS = "() => [...document.querySelectorAll('.solution[id]')].map((e) => e.id)"
# A solution's title from the top of the window, and the height of what stands below it.
PLACE = """
(name) => {
  const box = document.getElementById(name);
  const open = !box.classList.contains("toggle-hidden");
  const {height} = box.lastElementChild.getBoundingClientRect();
  return [box.getBoundingClientRect().top, open ? height : 0];
}
"""
BLOCKS = """
() => [...document.querySelectorAll("button.copybtn")].map((button) => {
  const block = document.querySelector(button.dataset.clipboardTarget);
  return {text: block.innerText, output: Boolean(block.closest(".cell_output"))};
})
"""
PROMPT = re.compile(r"^(?:>>> ?|\.\.\. ?|\$ )", re.MULTILINE)
# On paper: what would have to be scrolled to be seen whole.
SCROLLED = """
() => [...document.querySelectorAll(".bd-article :is(pre, .cell_output, div.math, table)")]
    .filter((e) => e.scrollWidth > e.clientWidth + 1)
    .map((e) => `${e.className} ${e.textContent.slice(0, 60)}`)
"""

# Contrasts, by axe. It takes minutes over the thousands of boxes of formulas and of coloured code.
# So each formula stands in as an x, and of code one word of each colour is left coloured.
CONTRAST = """
async () => {
  const away = [];
  const put = (element, text) => {
    const plain = document.createTextNode(text);
    element.replaceWith(plain);
    away.push([plain, element]);
  };
  document.querySelectorAll("mjx-container").forEach((formula) => put(formula, "x"));
  const colours = new Set();
  for (const word of document.querySelectorAll("pre span:not(:has(*)):not(:empty)")) {
    const colour = word.className + Boolean(word.closest(".cell_output"));
    if (colours.has(colour)) put(word, word.textContent);
    colours.add(colour);
  }
  const options = {runOnly: ["color-contrast"], resultTypes: ["violations"], iframes: false};
  const {violations} = await axe.run(document, options);
  away.forEach(([plain, element]) => plain.replaceWith(element));
  return violations;
}
"""


@pytest.fixture(scope="module")
def browser():
    """A browser whose scrollbars take space, as on Windows and Linux."""
    if (path := executable()) is None:
        pytest.skip("no browser: install chromium, or name one in UMIXUP_BROWSER")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        running = driver.chromium.launch(
            executable_path=path,
            ignore_default_args=["--hide-scrollbars"],
            args=["--no-sandbox", "--disable-features=OverlayScrollbar,FluentOverlayScrollbar"],
        )
        yield running
        running.close()


@pytest.fixture(scope="module")
def address(site):
    """Where the site is served: the clipboard is open to pages of a server only."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    handler = functools.partial(Handler, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def context(browser, address):
    context = browser.new_context(viewport={"width": 1300, "height": 900})
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=address)
    yield context
    context.close()


@pytest.fixture(scope="module", params=PAGES)
def page(request, context, address):
    """One page of the book, typeset. Tests of the same page share it."""
    page = context.new_page()
    visit(page, f"{address}/{request.param}")
    yield page
    page.close()


def visit(page, url):
    """Open a page and wait until its formulas are typeset; nothing fades."""
    page.goto(url)
    page.wait_for_function("() => 'fitted' in document.documentElement.dataset")
    page.add_style_tag(content="* { transition: none !important; animation: none !important; }")


def view(page, width=1300, theme="light", media="screen", opened=True):
    """Set all that a page's look depends on."""
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(media=media)
    script = "theme => Object.assign(document.documentElement.dataset, {theme, mode: theme})"
    page.evaluate(script, theme)
    page.evaluate(OPEN if opened else CLOSE)
    page.evaluate(FRAME)


def geometry_faults(page, width, theme="light", media="screen"):
    """What is cut off, scrolls in vain or moves sideways, with all that is folded opened."""
    view(page, width, theme, media)
    return page.evaluate(GEOMETRY)


def contrast_faults(page, theme):
    """Texts below a contrast of 4.5:1 (3:1 for large ones), as axe judges them."""
    view(page, theme=theme)
    if not page.evaluate("() => Boolean(window.axe)"):
        script = files("axe_playwright_python") / "axe.min.js"
        page.evaluate(script.read_text(encoding="utf-8"))
    found = page.evaluate(CONTRAST)
    return [
        f"{check['data']['contrastRatio']}:1 {check['data']['fgColor']} on"
        f" {check['data']['bgColor']}: {node['html'][:150]}"
        for violation in found
        for node in violation["nodes"]
        for check in node["any"]
    ]


def print_faults(page):
    """What does not fit a sheet of paper, and what is opened for it."""
    view(page, PAPER, media="print", opened=False)
    page.evaluate("() => window.dispatchEvent(new Event('beforeprint'))")
    opened = [f"printed open: {name}" for name in page.evaluate(SOLUTIONS) if is_open(page, name)]
    page.evaluate("() => window.dispatchEvent(new Event('afterprint'))")
    faults = opened + geometry_faults(page, PAPER, media="print")
    faults += [f"not shown whole: {text}" for text in page.evaluate(SCROLLED)]
    view(page)
    return faults


def is_open(page, name):
    """Can the reader see what stands below the title of this solution?"""
    return page.evaluate(PLACE, name)[1] > 1


def is_in_view(page, name):
    """Does this solution begin in the upper half of the window?"""
    return -1 <= page.evaluate(PLACE, name)[0] < 450


def solution_faults(page):
    """Solutions that an address leads to, and that stay closed or out of view."""
    faults = []
    view(page, opened=False)
    for name in page.evaluate(SOLUTIONS):
        if is_open(page, name):
            faults.append(f"{name} is open before anybody asks")
        page.evaluate("name => { location.hash = name; }", name)
        page.evaluate(FRAME)
        if not is_open(page, name):
            faults.append(f"{name} stays closed")
        if not is_in_view(page, name):
            faults.append(f"{name} is out of view")
    return faults


def copy_faults(page):
    """Blocks of code whose button copies something else than the code."""
    view(page)
    faults = []
    blocks = page.evaluate(BLOCKS)
    prompted = [k for k, block in enumerate(blocks) if PROMPT.search(block["text"])]
    for k in sorted({0, *prompted} if blocks else ()):
        text = blocks[k]["text"]
        examples = doctest.DocTestParser().get_examples(text)
        code = "".join(example.source for example in examples) or PROMPT.sub("", text)
        page.evaluate("k => document.querySelectorAll('button.copybtn')[k].click()", k)
        copied = page.evaluate("() => navigator.clipboard.readText()")
        if copied.split("\n") != code.strip("\n").split("\n"):
            faults.append(f"copied {copied!r}, not {code!r}")
    faults += [f"a copy button on an output: {b['text'][:60]}" for b in blocks if b["output"]]
    return faults


def tab_stops(page):
    """The formulas at which the Tab key stops."""
    return page.evaluate(
        """() => [...document.querySelectorAll("mjx-container, mjx-container *")]
            .filter((e) => e.tabIndex >= 0)
            .map((e) => e.textContent.slice(0, 60))"""
    )


def test_the_list_of_pages_is_whole(site):
    built = {path.relative_to(site).as_posix() for path in site.rglob("*.html")}
    pages = {path for path in built if not path.startswith("_static/")}
    assert pages - {"index.html", "404.html"} == set(PAGES)  # these two send the reader on


def test_browser_shows_classic_scrollbars(context):
    page = context.new_page()
    page.set_content('<div id="a" style="width: 50px; overflow-x: scroll">text</div>')
    bar = page.evaluate("() => a.offsetHeight - a.clientHeight")
    page.close()
    assert bar >= 10, "scrollbars are hidden or laid over: the tests below would see nothing"


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("theme", THEMES)
def test_nothing_is_cut_off_or_has_a_needless_scrollbar(page, width, theme):
    faults = geometry_faults(page, width, theme)
    assert not faults, f"{page.url}, {width} px, {theme}:\n" + "\n".join(faults)


@pytest.mark.parametrize("theme", THEMES)
def test_text_contrast_is_sufficient(page, theme):
    faults = contrast_faults(page, theme)
    assert not faults, f"{page.url}, {theme}:\n" + "\n".join(faults)


def test_print_shows_all_code_and_no_solution(page):
    faults = print_faults(page)
    assert not faults, f"{page.url}, printed:\n" + "\n".join(faults)


def test_url_fragment_opens_its_solution(page):
    faults = solution_faults(page)
    assert not faults, f"{page.url}:\n" + "\n".join(faults)


def test_a_solution_opens_from_a_file_too(context, site):
    index = (site / "book/exercise_index.html").read_text(encoding="utf-8")
    chapter, name = re.search(r'href="\.\./(notebooks/\w+\.html)#(sol-[\w-]+)"', index).groups()
    page = context.new_page()
    visit(page, f"{(site / chapter).as_uri()}#{name}")
    assert is_open(page, name)
    assert is_in_view(page, name)
    page.close()


def test_copy_button_copies_code_without_prompts(page):
    faults = copy_faults(page)
    assert not faults, f"{page.url}:\n" + "\n".join(faults)


def test_formulas_are_not_in_the_tab_order(page):
    stops = tab_stops(page)
    assert not stops, f"{page.url}: {len(stops)} formulas in the tab order, as {stops[0]}"
