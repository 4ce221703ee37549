"""What tests of the interactive figures share: small pages with them, in a browser, from file://."""

import math
import shutil
from importlib.resources import files

import pytest
import torch
from test_pages import ROOT, browser  # noqa: F401  # a fixture

import umixup as um

STATIC = ROOT / "book/_static"
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


@pytest.fixture(name="folder", scope="module")
def folder_of_pages(tmp_path_factory):
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


@pytest.fixture(name="visit")
def visiting(browser, folder):  # noqa: F811
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


def near(found, expected):
    """Within 1e-9, relative or absolute; JSON has no infinity, so it comes as text."""
    return math.isclose(float(found), expected, rel_tol=1e-9, abs_tol=1e-9)


def library(a, b, z):
    """What the library says of B(a, b) at logits z: log-densities of λ, and γ."""
    q, mirrored = um.policies.Beta(a, b), um.policies.Beta(b, a)
    scheme = um.U(q)
    to_lam = -torch.nn.functional.logsigmoid(z) - torch.nn.functional.logsigmoid(-z)
    policies = (q, mirrored, scheme.policy)
    densities = [p.log_density_logit(z) + to_lam for p in policies]
    return torch.stack([*densities, scheme.weight.from_logit(z)]).T.tolist()
