"""Formulas typeset when the site is built, so that its pages need no script for them.

MathJax does it, in the node that Playwright brings. What a reader's browser loads is a style sheet
with the rules that these pages use, and the fonts that it names.
"""

from __future__ import annotations

import base64
import re
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

#: The style sheet and its fonts, in the site's _static.
STYLES = "formulas.css"
FONTS = "formulas-fonts"

_SCRIPTS = re.compile(
    r"\n *<script>window\.MathJax = .*?</script>"
    r'|\n *<script[^>]* src="([^"]*)mathjax/[^>]*></script>'
)

#: Fonts by the class of the characters that are set in them: TEX-I, TEX-B and so on.
_VARIANT = re.compile(r"\bTEX-[A-Z0-9]+\b")
_ADDRESS = re.compile(rf'url\("{FONTS}/([^"]+)"\)')
_WOFF = "output/chtml/fonts/woff-v2"
_FONT = re.compile(r"@font-face[^{]*\{[^}]*font-family: MJX(TEX-\w+);[^}]*\}\n*")


class FormulaError(Exception):
    """A formula that MathJax cannot set."""


def typeset(site: Path) -> None:
    """Typeset all formulas of a built site, and leave no MathJax in it.

    Raises:
        FormulaError: MathJax refuses a formula; the message has it.
    """
    static = site / "_static"
    pages = [p for p in sorted(site.rglob("*.html")) if 'class="math' in p.read_text("utf-8")]
    styles = write(pages)
    (static / STYLES).write_text(styles, encoding="utf-8")
    (static / FONTS).mkdir(exist_ok=True)
    for font in sorted(set(_ADDRESS.findall(styles))):
        shutil.copy(_mathjax() / _WOFF / font, static / FONTS)
    for page in site.rglob("*.html"):
        text = page.read_text("utf-8")
        styled = _SCRIPTS.sub(_link, text)
        if styled != text:
            page.write_text(styled, encoding="utf-8")
    shutil.rmtree(static / "mathjax", ignore_errors=True)


def write(pages: list[Path]) -> str:
    """Typeset the formulas of these pages, in place; their style sheet, which names their fonts.

    Raises:
        FormulaError: MathJax refuses a formula; the message has it.
    """
    node = _package("playwright") / "driver" / "node"
    script = Path(__file__).with_name("formulas.js")
    command = [node, script, _mathjax(), FONTS, *pages]
    ran = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    if ran.returncode:
        raise FormulaError(ran.stderr.strip())
    used = {name for page in pages for name in _VARIANT.findall(page.read_text("utf-8"))}
    used |= {"TEX-A", "TEX-S1", "TEX-S4"}  # of brackets that are drawn out
    return _FONT.sub(lambda font: font[0] if font[1] in used else "", ran.stdout)


def embedded(styles: str) -> str:
    """The same style sheet with its fonts inside, for a page that stands alone."""

    def font(address: re.Match[str]) -> str:
        data = base64.b64encode((_mathjax() / _WOFF / address[1]).read_bytes()).decode()
        return f'url("data:font/woff;base64,{data}")'

    return _ADDRESS.sub(font, styles)


def _mathjax() -> Path:
    return _package("sphinx-mathjax-offline") / "static" / "mathjax"


def _link(script: re.Match[str]) -> str:
    """The style sheet in the place of MathJax's script, and nothing in that of its settings."""
    to_static = script.group(1)
    return (
        "" if to_static is None else f'\n    <link rel="stylesheet" href="{to_static}{STYLES}" />'
    )


def _package(name: str) -> Path:
    """The folder of an installed package."""
    found = find_spec(name)
    if found is None or found.origin is None:
        raise ModuleNotFoundError(f"{name} is not installed: make install")
    return Path(found.origin).parent
