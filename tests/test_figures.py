"""The interactive figures as people use them: with keys, a pointer, a phone, a screen reader."""

import math
from importlib.resources import files

import pytest
import torch
from figures import (  # noqa: F401  # fixtures
    BOXES,
    browser,
    folder_of_pages,
    library,
    near,
    of,
    said,
    settle,
    type_,
    visiting,
)
from scipy import stats
from test_pages import GEOMETRY, THEMES

import umixup as um

pytestmark = pytest.mark.book

AXE = "async () => (await axe.run({resultTypes: ['violations'], preload: false})).violations"


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
