"""The interactive figures: their numbers against the library's, and as people use them.

A browser opens small pages from file://, with the files of ``book/_static`` beside them.
"""

import json
import math
import shutil
from importlib.resources import files

import explorer
import pytest
import torch
from scipy import stats
from test_pages import GEOMETRY, ROOT, THEMES, browser  # noqa: F401  # a fixture

import umixup as um

pytestmark = pytest.mark.book

STATIC = ROOT / "book/_static"
PAIRS = [(0.01, 0.01), (0.01, 8), (0.05, 0.2), (0.2, 0.2), (1, 1), (1.2, 0.2), (2, 1), (2.2, 0.9)]
PAIRS += [(0.9, 2.2), (8, 0.05), (8, 7), (50, 0.01), (50, 50), (30, 10), (1e-4, 1e-4), (1e4, 1)]
LAMS = [1e-300, 1e-12, 1e-6, 0.01, 0.3, 0.5, 0.7, 0.99, 1 - 1e-6, 1 - 1e-12]
LOGITS = [*(math.log(v) - math.log1p(-v) for v in LAMS), 40.0, 750.0, 5000.0]  # there 1 − λ is lost
BOXES = {
    "explorer": (
        '<div class="policy-explorer"><figure><img src="../_static/explorer.svg" '
        'alt="Two plots over λ."><figcaption>A still picture</figcaption></figure></div>'
    ),
    "small": (
        '<div class="policy-explorer" data-alpha="2" data-beta="1" data-lambda="0.25" '
        'data-panels="weight coin" data-controls="slope lambda"></div>'
        '<div class="policy-explorer" data-panels="notation" data-controls="alpha"></div>'
    ),
    "coin": (
        '<div class="coin-toss" data-seed="1"><figure><img src="../_static/coin.svg" '
        'alt="A segment and a coin."><figcaption>A still picture</figcaption></figure></div>'
    ),
    "tail": (
        '<div class="loss-tail"><figure><img src="../_static/tail.svg" '
        'alt="Two falling curves."><figcaption>A still picture</figcaption></figure></div>'
    ),
}
STYLES = ("styles/theme.css", "styles/pydata-sphinx-theme.css", "styles/sphinx-book-theme.css")
PAGE = """<!DOCTYPE html>
<html lang="en" data-theme="light"><head><meta charset="utf-8"><title>A page</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
{styles}</head><body><main class="bd-main"><div class="bd-content"><article class="bd-article"
style="max-width: 46rem; margin: auto; padding: 10px"><h1>A page</h1>
{box}<script src="../_static/widgets.js"></script><script src="../_static/widgets.js"></script>
</article></div></main></body></html>
"""
AXE = "async () => (await axe.run({resultTypes: ['violations'], preload: false})).violations"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Pages with the figures, and the theme's styles."""
    root = tmp_path_factory.mktemp("figures")
    shutil.copytree(STATIC, root / "_static")
    (root / "_static/styles").mkdir()
    (root / "_static/basic.css").touch()  # Sphinx makes it for a site
    (root / "book").mkdir()
    themes = ("pydata_sphinx_theme", "sphinx_book_theme")
    for found in (files(t) / "theme" / t / "static/styles" for t in themes):
        for path in found.iterdir():
            if path.name.endswith(".css"):
                shutil.copy(str(path), root / "_static/styles" / path.name)
    links = "".join(f'<link rel="stylesheet" href="../_static/{s}">\n' for s in STYLES)
    links += '<link rel="stylesheet" href="../_static/book.css">\n'
    for name, box in BOXES.items():
        page = PAGE.format(styles=links, box=box)
        (root / f"book/{name}.html").write_text(page, encoding="utf-8")
    return root


@pytest.fixture
def visit(browser, folder):  # noqa: F811
    """Opens a page of these; at the end, no error and no request to another place was seen."""
    contexts, seen = [], []

    def open_(name, query="", width=1300, scripts=True):
        context = browser.new_context(
            viewport={"width": width, "height": 900}, java_script_enabled=scripts
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda m: seen.append(f"{m.text} {m.location}"))
        page.on("pageerror", lambda e: seen.append(str(e)))
        page.on("request", lambda r: r.url.startswith(("file:", "data:")) or seen.append(r.url))
        page.goto((folder / f"book/{name}.html").as_uri() + query)
        if scripts:
            page.wait_for_selector(".um-figure[data-ready]")
        return page

    yield open_
    for context in contexts:
        context.close()
    assert not seen


def near(found, expected):
    """Within 1e-9, relative or absolute; JSON has no infinity, so it comes as text."""
    return math.isclose(float(found), expected, rel_tol=1e-9, abs_tol=1e-9)


def settle(page):
    """Until what was changed is drawn, said, and in the address."""
    page.wait_for_timeout(450)


def of(page, name, kind="range"):
    return page.locator(f'input[type={kind}][data-name="{name}"]').first


def type_(page, name, text):
    of(page, name, "text").fill(text)
    of(page, name, "text").press("Enter")
    settle(page)


def said(page):
    return page.locator("[role=status].um-live").first.inner_text().replace("\xa0", " ")


def library(a, b, z):
    """What the library says of B(a, b) at logits z: log-densities of λ, and γ."""
    q, mirrored = um.policies.Beta(a, b), um.policies.Beta(b, a)
    scheme = um.U(q)
    to_lam = -torch.nn.functional.logsigmoid(z) - torch.nn.functional.logsigmoid(-z)
    policies = (q, mirrored, scheme.policy)
    densities = [p.log_density_logit(z) + to_lam for p in policies]
    return torch.stack([*densities, scheme.weight.from_logit(z)]).T.tolist()


NUMBERS = """
([pairs, logits]) => pairs.map(([a, b]) => {
  const {math} = umixup;
  const q = {a, b};
  const at = (t) => [math.logDensity(q, t), math.logDensity(math.mirror(q), t),
                     math.logSymmetrised(q, t), math.weight(q, t)].map(String);
  const shares = logits.map((t) => [math.cdf(q, t), math.cdfSymmetrised(q, t)]);
  return {rows: logits.map(at), shares, strength: math.strength(q), slope: math.slope(q),
          low: math.quantile(q, 0.1), notation: math.notation(q)};
})
"""


def test_numbers_are_the_library_s(visit):
    z = torch.tensor(LOGITS, dtype=torch.float64)
    found = visit("explorer").evaluate(NUMBERS, [PAIRS, LOGITS])
    for (a, b), values in zip(PAIRS, found, strict=True):
        for t, row, expected in zip(LOGITS, values["rows"], library(a, b, z), strict=True):
            assert all(map(near, row, expected)), (a, b, t, row, expected)
        q = um.policies.Beta(a, b)
        assert near(values["strength"], float(1 - q.mean))
        assert near(values["slope"], a - b)


def test_shares_are_scipy_s(visit):
    found = visit("explorer").evaluate(NUMBERS, [PAIRS, LOGITS])
    for (a, b), values in zip(PAIRS, found, strict=True):
        for t, (share, symmetric) in zip(LOGITS, values["shares"], strict=True):
            if abs(t) > 700:
                continue  # neither λ nor 1 − λ is a number for scipy
            near_end = float(torch.sigmoid(torch.tensor(-abs(t), dtype=torch.float64)))
            both = stats.beta(a, b), stats.beta(b, a)
            if t < 0:
                expected = [one.cdf(near_end) for one in both]
            else:  # λ would be rounded, 1 − λ is not
                expected = [one.sf(near_end) for one in reversed(both)]
            assert near(share, expected[0]), (a, b, t)
            assert near(symmetric, sum(expected) / 2), (a, b, t)
        if values["low"] > -690:
            lam = 1 / (1 + math.exp(-values["low"]))
            assert (stats.beta(a, b).cdf(lam) + stats.beta(b, a).cdf(lam)) / 2 == pytest.approx(0.1)


def test_notation_is_read_as_one_family(visit):
    found = visit("explorer").evaluate(NUMBERS, [PAIRS, []])
    for (a, b), values in zip(PAIRS, found, strict=True):
        texts = [text for text in values["notation"].values() if text]
        assert len(texts) == (3 if a == b + 1 else 2)
        for text in texts:
            q = um.D(um.parse(text))
            assert (q.alpha, q.beta) == (pytest.approx(a), pytest.approx(b)), text


LOGIT = "([weights, points]) => points.map(([x, y]) => umixup.plane.logitOf(weights, x, y))"


def test_networks_are_torch_s(visit):
    page = visit("explorer")
    plane = page.evaluate("() => umixup.data.plane")
    assert len(plane["networks"]) == len(plane["strengths"]) * len(plane["slopes"])
    points = [*plane["points"][:20], [-1.8, 2.0], [2.8, -1.5]]
    x = torch.tensor(points, dtype=torch.float64)
    for weights in (plane["erm"], *plane["networks"]):
        found = page.evaluate(LOGIT, [weights, points])
        expected = explorer.with_weights(weights)(x).tolist()
        assert found == pytest.approx(expected, rel=1e-6, abs=1e-6)


SNAP = "qs => qs.map(([a, b]) => (({name, strength, slope}) => [name, strength, slope])"
SNAP += "(umixup.plane.snap({a, b})))"


def test_the_boundary_snaps_to_what_was_trained(visit):
    page = visit("explorer")
    own = [(m, s, explorer.policy(m, s)) for m in explorer.STRENGTHS for s in explorer.SLOPES]
    found = page.evaluate(SNAP, [[q.alpha, q.beta] for *_, q in own])
    for (m, s, _), (_, strength, slope) in zip(own, found, strict=True):
        assert (strength, slope) == (m, s)
    (name, *_), (_, _, slope) = page.evaluate(SNAP, [[5, 0.01], [1, 1]])
    assert name.startswith("ERM")
    assert slope == explorer.SLOPES[0]
    assert "Snapped" in page.locator(".um-snap").inner_text()
    type_(page, "strength", "0.25")
    type_(page, "slope", "1")
    assert page.locator(".um-snap").inner_text().startswith("Trained with strength 0.25, slope 1.")


def test_shipped_data_is_small():
    assert (STATIC / "explorer-data.js").stat().st_size < 70_000
    text = (STATIC / "explorer-data.js").read_text(encoding="utf-8")
    data = json.loads(text.partition(" = ")[2].rstrip(";\n"))
    assert len(json.dumps(data["images"])) < 40_000
    assert len(json.dumps([data["plane"]["erm"], *data["plane"]["networks"]])) < 40_000


def test_training_is_what_was_shipped(monkeypatch):
    """A few epochs, twice: seeded. The shipped networks need the same versions, and a minute."""
    monkeypatch.setattr(explorer, "EPOCHS", 2)
    points, labels = explorer.moons()
    first, second = (
        explorer.weights_of(explorer.train(points, labels, um.mixup(1))) for _ in range(2)
    )
    assert first == second
    assert explorer.weights_of(explorer.with_weights(first)) == first


def test_keys_move_a_slider_its_box_and_what_is_said(visit):
    page = visit("explorer")
    settle(page)
    before, slider = said(page), of(page, "strength")
    slider.focus()
    page.keyboard.press("ArrowRight")
    settle(page)
    assert 0.29 < float(of(page, "strength", "text").input_value()) < 0.3
    assert float(of(page, "slope", "text").input_value()) == pytest.approx(1.3)
    assert "of the way to its partner" in slider.get_attribute("aria-valuetext")
    assert said(page) != before
    of(page, "lambda").focus()
    page.keyboard.press("End")
    settle(page)
    assert of(page, "lambda", "text").input_value() == "1"
    assert "100 % y and 0 % y′" in said(page)
    assert of(page, "lambda").get_attribute("aria-valuetext") == "100\xa0% x, 0\xa0% x prime"


def test_both_pairs_of_numbers_stay_in_step(visit):
    page = visit("explorer")
    type_(page, "alpha", "2")
    type_(page, "beta", "1")
    assert of(page, "slope", "text").input_value() == "1"
    assert page.locator(".um-schemes code").all_inner_texts() == [
        "DAT(B(2,1))",
        "U(B(2,1))",
        "B(1,1)",
    ]
    type_(page, "slope", "2")  # the strength stays ⅓
    assert of(page, "beta", "text").input_value() == "2"
    type_(page, "slope", "0")  # it cannot stay; β does
    assert of(page, "alpha", "text").input_value() == "2"
    assert of(page, "strength", "text").input_value() == "0.5"
    type_(page, "lambda", "1-1e-12")
    assert of(page, "lambda", "text").input_value() == "1-1e-12"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("alpha", "", "must be a number"),
        ("alpha", "-1", "must be from"),
        ("beta", "many", "must be a number"),
        ("strength", "1.5", "between 0 and 1"),
        ("slope", "-3", "above -0.9"),
        ("lambda", "2", "between 0 and 1"),
        ("beta", "1e9", "must be from"),
    ],
)
def test_a_bad_number_gets_a_message_and_changes_nothing(visit, name, text, message):
    page = visit("explorer")
    codes = page.locator(".um-schemes code").all_inner_texts()
    type_(page, name, text)
    box = of(page, name, "text")
    assert message in page.locator("#" + box.get_attribute("aria-describedby")).inner_text()
    assert box.get_attribute("aria-invalid") == "true"
    assert page.locator(".um-schemes code").all_inner_texts() == codes
    page.locator("button.um-reset").click()
    settle(page)
    assert box.get_attribute("aria-invalid") is None
    assert page.locator(".um-error").all_inner_texts() == [""] * 5


def test_the_address_keeps_the_state(visit):
    page = visit("explorer")
    assert "?" not in page.url
    page.get_by_role("button", name="MixUp(0.2)").click()
    type_(page, "lambda", "1e-6")
    page.locator("select").first.select_option("2")
    settle(page)
    assert page.url.endswith("?explorer=1.2,0.2,0.000001,2,6")
    address = page.url
    page.reload()
    page.wait_for_selector(".um-figure[data-ready]")
    assert of(page, "alpha", "text").input_value() == "1.2"
    assert of(page, "lambda", "text").input_value() == "0.000001"
    assert page.locator("select").first.input_value() == "2"
    page.locator("button.um-reset").click()
    settle(page)
    assert page.url == address.partition("?")[0]
    assert of(page, "alpha", "text").input_value() == "2.2"


def test_a_broken_address_is_passed_by_and_anchors_stay(visit):
    for query in ("?explorer=x", "?explorer=1,2", "?explorer=1,-2,0.5,0,1", "?explorer=1,2,3,4,5"):
        page = visit("explorer", query)
        assert of(page, "alpha", "text").input_value() == "2.2"
    page = visit("explorer", "?other=1#there")
    page.get_by_role("button", name="MixUp(1)").click()
    settle(page)
    assert page.url.endswith("?other=1&explorer=2,1,0.7,4,6#there")


def test_a_chapter_s_small_version(visit):
    page = visit("small")
    assert page.locator(".policy-explorer").count() == 2
    first, second = page.locator(".policy-explorer").all()
    assert first.locator("figure").count() == 2
    assert first.locator("input[type=range]").count() == 3
    assert first.locator('[data-name="slope"][type=text]').input_value() == "1"
    assert second.locator("code").first.inner_text() == "DAT(B(2.2,0.9))"
    second.locator('[data-name="beta"][type=text]').fill("0.5")
    settle(page)
    assert page.url.endswith("?explorer2=2.2,0.5,0.7,4,6")


def test_table_and_copy(visit):
    page = visit("explorer")
    page.locator("summary").click()
    rows = [row.split() for row in page.locator(".um-table tbody tr").all_inner_texts()]
    _, p, q, mirrored, gamma = next(row for row in rows if row[0] == "0.7")
    expected = library(2.2, 0.9, torch.tensor([math.log(7 / 3)], dtype=torch.float64))[0]
    *densities, weight = expected
    found = [float(v) for v in (q, mirrored, p, gamma)]
    assert found == pytest.approx([*map(math.exp, densities), weight], rel=5e-3)
    page.get_by_role("button", name="copy U(").click()
    page.wait_for_function("document.body.innerText.includes('is copied')")


def test_dragging_in_a_picture_moves_lambda(visit):
    page = visit("explorer")
    for panel, middle in (("coin", 0.5), ("weight", 0.435), ("densities", 0.435)):
        picture = page.locator(f'[data-panel="{panel}"] svg').first
        picture.scroll_into_view_if_needed()
        box = picture.bounding_box()
        places = [(box["x"] + box["width"] * k, box["y"] + box["height"] / 2) for k in (0.9, 0.5)]
        page.mouse.move(*places[0])
        page.mouse.down()
        settle(page)
        before = float(of(page, "lambda", "text").input_value())
        page.mouse.move(*places[1], steps=5)  # the picture is drawn anew on the way
        page.mouse.up()
        settle(page)
        after = float(of(page, "lambda", "text").input_value())
        assert before > 0.85
        assert after == pytest.approx(middle, abs=0.005)


def test_the_coin_settles_at_mixup_s_loss(visit):
    page = visit("coin")
    box = page.locator(".coin-toss")
    assert "Toss the coin" in page.locator(".um-sentence").inner_text()
    page.get_by_role("button", name="toss the coin").focus()
    page.keyboard.press("Enter")
    assert box.get_attribute("data-tosses") == "1"
    page.get_by_role("button", name="10 times").click()
    first = box.get_attribute("data-heads")
    for _ in range(40):
        page.get_by_role("button", name="100 times").click()
    heads, n = (int(box.get_attribute(f"data-{key}")) for key in ("heads", "tosses"))
    assert n == 4011
    average = float(box.get_attribute("data-average"))
    assert average == pytest.approx((0.3 * heads + 1.4 * (n - heads)) / n, rel=1e-12)
    assert abs(average - 0.63) < 5 * 1.1 * math.sqrt(0.21 / n)  # the seed is fixed
    settle(page)
    assert "4011 tosses" in said(page)
    page.reload()
    page.wait_for_selector(".um-figure[data-ready]")
    page.get_by_role("button", name="toss the coin").click()
    page.get_by_role("button", name="10 times").click()
    assert box.get_attribute("data-heads") == first  # the same seed, the same tosses


def test_the_tail_is_scipy_s_and_the_bound_the_library_s(visit):
    page = visit("tail")
    cases = [(n, e) for n in (1, 2, 10, 20, 99, 1000, 10_000) for e in (0.01, 0.1, 0.2, 0.3, 0.5)]
    script = "cases => cases.map((c) => [umixup.tail.tail(...c), umixup.tail.bound(...c)])"
    for (n, epsilon), (tail, bound) in zip(cases, page.evaluate(script, cases), strict=True):
        least = math.ceil(round(n * (0.5 + epsilon), 6))
        expected = min(1, 2 * stats.binom(n, 0.5).sf(least - 1))
        assert tail == pytest.approx(expected, rel=1e-9, abs=1e-300), (n, epsilon)
        assert near(bound, um.bounds.deviation_probability(n, epsilon, 1))
        assert tail <= bound
    of(page, "n").focus()
    page.keyboard.press("End")
    settle(page)
    assert of(page, "n", "text").input_value() == "10000"
    assert of(page, "n").get_attribute("aria-valuetext") == "10000 pairs"
    assert "10000 pairs" in said(page)
    type_(page, "n", "2.5")
    assert "whole number" in page.locator(".um-error").first.inner_text()
    assert page.url.endswith("?tail=10000,0.2")
    page.reload()
    page.wait_for_selector(".um-figure[data-ready]")
    assert of(page, "n", "text").input_value() == "10000"


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("name", BOXES)
def test_axe_finds_nothing_serious(visit, name, theme):
    page = visit(name)
    page.evaluate("theme => { document.documentElement.dataset.theme = theme; }", theme)
    page.evaluate("() => document.querySelectorAll('details').forEach((e) => { e.open = true; })")
    if name == "coin":
        page.get_by_role("button", name="10 times").click()
    if name == "explorer":
        type_(page, "alpha", "-1")  # a message is there to be read
    page.evaluate((files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8"))
    grave = [v for v in page.evaluate(AXE) if v["impact"] in ("serious", "critical")]
    assert not grave, [(v["id"], [node["html"][:200] for node in v["nodes"]]) for v in grave]


@pytest.mark.parametrize("name", BOXES)
@pytest.mark.parametrize("width", [320, 360, 768])
def test_nothing_is_cut_off_or_scrolls_sideways(visit, name, width):
    page = visit(name, width=width)
    page.evaluate("() => document.querySelectorAll('details').forEach((e) => { e.open = true; })")
    assert not page.evaluate(GEOMETRY)


@pytest.mark.parametrize("name", ["explorer", "coin", "tail"])
def test_without_scripts_there_is_a_picture(visit, name):
    page = visit(name, scripts=False)
    picture = page.locator("figure img")
    assert picture.is_visible()
    assert picture.evaluate("e => e.naturalWidth") > 300
    assert page.get_by_text("A still picture").is_visible()
