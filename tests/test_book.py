"""The book: chapters in step, executed and checked; a site that fails closed, and works offline."""

import ast
import itertools
import os
import re
import shutil
import signal
import subprocess
import sys
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import generated
import make
import nbformat
import pytest
import reading
from exercises import walk
from make import Book, BookError
from processes import alive, until, written

import umixup

pytestmark = pytest.mark.book

ROOT = Path(__file__).parents[1]
BOOK = Book(ROOT)
CHAPTERS, NOTEBOOKS = BOOK.chapters(), BOOK.notebooks()
SOURCES = generated.Sources(ROOT, {name: BOOK.source(name) for name in NOTEBOOKS})
USERS = SOURCES.users

SMALL_CONFIG = """
title: A small book
author: nobody
only_build_toc_files: true
execute: {execute_notebooks: "off"}
html: {}
"""
SMALL_TOC = """
format: jb-book
root: book/intro
parts:
  - chapters:
      - file: notebooks/01_one
      - file: notebooks/02_two
"""
SMALL_CHAPTER = """---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---

(ch-{name})=
# Chapter {name}

```{{code-cell}} ipython3
:tags: [parameters]

profile = "quick"
```

```{{code-cell}} ipython3
1 + 1
```
"""


@pytest.fixture
def small(tmp_path):
    """A book of two chapters, built by the same tool as the real one."""
    for folder in ("book", "notebooks", "umixup", "results"):
        (tmp_path / folder).mkdir()
    (tmp_path / "_config.yml").write_text(SMALL_CONFIG)
    (tmp_path / "_toc.yml").write_text(SMALL_TOC)
    shutil.copy(ROOT / "CITATION.cff", tmp_path)
    (tmp_path / "book/intro.md").write_text("# A small book\n\n{ref}`ch-one`\n")
    (tmp_path / "umixup/module.py").write_text("x = 1\n")
    for number, name in ((1, "one"), (2, "two")):
        chapter = tmp_path / f"book/0{number}_{name}.md"
        chapter.write_text(SMALL_CHAPTER.format(name=name))
    return Book(tmp_path)


def change(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def cells(chapter, kind="code"):
    return [c for c in BOOK.stored(chapter).cells if c.cell_type == kind]


# --- the chapters as stored ---------------------------------------------------------------------


@pytest.mark.parametrize("chapter", NOTEBOOKS)
def test_book_and_notebooks_hold_the_same_cells(chapter):
    assert BOOK.in_step(chapter), f"{chapter} is out of step: make sync, then make notebooks"


@pytest.mark.parametrize("chapter", NOTEBOOKS)
def test_every_code_cell_has_been_executed_in_order_and_without_error(chapter):
    # nbval compares nothing for a cell that was never run.
    counts = [cell.execution_count for cell in cells(chapter)]
    assert counts == list(range(1, len(counts) + 1)), "run make notebooks"
    kinds = {output.output_type for cell in cells(chapter) for output in cell.outputs}
    assert "error" not in kinds


@pytest.mark.parametrize("chapter", NOTEBOOKS)
def test_no_cell_warns(chapter):
    for cell in cells(chapter):
        assert not [o.text for o in cell.outputs if o.get("name") == "stderr"], cell.source


@pytest.mark.parametrize("chapter", NOTEBOOKS)
def test_what_machine_dependent_output_shows_is_asserted_in_its_section(chapter):
    notebook = BOOK.stored(chapter).cells
    for k, cell in enumerate(notebook):
        ignored = "nbval-ignore-output" in cell.metadata.get("tags", [])
        if not ignored or "mystnb" in cell.metadata:  # a figure shows what a cell has computed
            continue
        section = itertools.takewhile(lambda c: not c.source.startswith("## "), notebook[k:])
        assert any("assert " in c.source for c in section if c.cell_type == "code"), cell.source


@pytest.mark.long
@pytest.mark.parametrize("chapter", NOTEBOOKS)
def test_what_is_compared_holds_on_another_processor(chapter):
    # The last bits of a sum depend on the processor's vectors, and training makes them large.
    older = {"ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41", "MKL_CBWR": "SSE4_2"}
    notebook = ROOT / "notebooks" / f"{chapter}.ipynb"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", notebook]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | older, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-5000:]


@pytest.mark.parametrize("chapter", NOTEBOOKS)
def test_every_figure_has_alt_text_and_a_caption(chapter):
    for cell in cells(chapter):
        if any("image/png" in output.get("data", {}) for output in cell.outputs):
            about = cell.metadata["mystnb"]
            assert len(about["image"]["alt"]) > 40
            assert len(about["figure"]["caption"]) > 40
            assert about["figure"]["name"].startswith("fig-")


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_parameters_are_tagged_and_checked_in_the_next_cell(chapter):
    code = cells(chapter)
    tagged = [k for k, c in enumerate(code) if "parameters" in c.metadata.get("tags", [])]
    assert len(tagged) == 1
    parameters, check = code[tagged[0]].source, code[tagged[0] + 1].source
    names = re.findall(r"^(\w+) = ", parameters, re.MULTILINE)
    assert "profile" in names
    assert check.startswith("um.notebook.check_parameters(")
    assert [n for n in names if f" {n}=" not in check.replace("(", " ")] == []


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_chapter_has_the_common_shape(chapter):
    cells = BOOK.source(chapter).cells
    text = "\n".join(c.source for c in cells if c.cell_type == "markdown")
    assert re.match(r"\(ch-[\w-]+\)=\n# \d+\. .+\n\n\*\*[^*]+\?\*\*\n\n\w", text), (
        "no question first"
    )
    headings = re.findall(r"^## (.*)$", text, re.MULTILINE)
    assert any(heading.startswith("Break it: ") for heading in headings)
    assert "Summary" in headings
    assert headings[-3:] == ["Check yourself", "Exercises", "What to read next"]
    opening = re.search(r"^(- \*\*What you will learn(?:.|\n)*?)\n\n", text, re.MULTILINE)[1]
    bullets = re.findall(r"^- \*\*(.*?):?\*\*:? (.*)", opening, re.MULTILINE)
    assert [name for name, _ in bullets] == ["What you will learn", "Builds on", "Time"]
    to_read, to_run = bullets[-1][1].split(";")
    assert re.fullmatch(r"\d+ minutes to read, exercises apart", to_read)
    assert re.search(r"\brun", to_run)
    assert re.search(r"second|minute", to_run)
    questions = text.split("## Check yourself")[1].split("## Exercises")[0]
    numbers = re.findall(r"^:::\{admonition\} (\d)\. .*\?\n:class: dropdown$", questions, re.M)
    assert numbers == [str(k + 1) for k in range(len(numbers))]
    assert 3 <= len(numbers) <= 5


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_chapter_opens_with_a_picture_and_folds_what_is_no_lesson(chapter):
    notebook = BOOK.stored(chapter).cells
    opening = next(k for k, c in enumerate(notebook) if "What you will learn" in c.source)
    before = [c for c in notebook[:opening] if c.cell_type == "code"]
    assert any("figure" in c.metadata.get("mystnb", {}) for c in before)
    assert all(set(c.metadata["tags"]) & make.FOLDED.keys() for c in before)
    walked = walk(SOURCES.notebooks[chapter])
    for cell in [c for c, piece, solves in walked if piece is None and solves is None]:
        tags = cell.metadata.get("tags", [])
        assert "hide-cell" not in tags
        if all(isinstance(statement, ast.Assert) for statement in ast.parse(cell.source).body):
            assert "verified" in tags, cell.source


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_the_time_to_read_is_counted_and_no_stretch_is_without_a_picture_or_code(chapter):
    source = SOURCES.notebooks[chapter]
    text = "\n".join(c.source for c in source.cells if c.cell_type == "markdown")
    said = int(re.search(r"\*\*Time:\*\* (\d+) minutes", text)[1])
    counted = reading.minutes(source)
    assert counted <= 60
    assert abs(said - counted) <= max(2, 0.1 * counted), f"{counted:.0f} minutes"
    assert reading.longest_stretch(source) <= reading.LONGEST


NUMBERS = {"half a": 0.5, "a": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5}
NUMBERS |= {"ten": 10, "fifteen": 15, "twenty": 20, "forty": 40}


def seconds(words):
    """The first time in a text: 30 in "half a minute to run", 10 in "about ten seconds"."""
    number, unit = re.search(rf"\b({'|'.join(NUMBERS)}|\d+) (second|minute)s?\b", words).groups()
    return float(NUMBERS.get(number, number)) * (60 if unit == "minute" else 1)


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_time_stated_in_chapter_head_matches_measurement(chapter):
    text = "\n".join(c.source for c in cells(chapter, "markdown"))
    head = seconds(re.search(r"^- \*\*Time:\*\* .*?; (.*)$", text, re.MULTILINE)[1])
    measured = BOOK.stored(chapter).metadata.umixup.seconds  # by make notebooks, two at a time
    assert head / 2 <= measured <= 2 * head, f"the head says {head:.0f} s"


def test_the_first_cell_is_the_same_in_every_chapter():
    assert len({cells(chapter)[0].source for chapter in NOTEBOOKS}) == 1


def test_the_first_cell_installs_umixup_where_it_is_missing_and_keeps_torch(tmp_path):
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    [site] = venv.glob("lib/python*/site-packages")
    [ours] = {Path(p) for p in sys.path if p.endswith("site-packages")}
    (site / "host.pth").write_text(f"{ours}\n")  # what the host has, but for editable installs
    source = re.sub(
        'repository = ".*"', f'repository = "file://{ROOT}"', cells(CHAPTERS[0])[0].source
    )
    (tmp_path / "cell.py").write_text(source)
    environment = {**os.environ, "PIP_NO_BUILD_ISOLATION": "0"}
    subprocess.run(
        [venv / "bin/python", "cell.py"], cwd=tmp_path, env=environment, check=True, text=True
    )
    installed = {p.name for p in site.iterdir() if p.is_dir() and p.suffix != ".dist-info"}
    assert "umixup" in installed
    assert not installed & {"torch", "torchvision", "numpy"}


def test_a_changed_stored_output_fails(tmp_path):
    notebook = nbformat.v4.new_notebook()
    cell = nbformat.v4.new_code_cell("6 * 7", execution_count=1)
    cell.outputs = [nbformat.v4.new_output("execute_result", {"text/plain": "42"})]
    cell.outputs[0].execution_count = 1
    notebook.cells = [cell]

    def checked(name):
        nbformat.write(notebook, tmp_path / name)
        return subprocess.run(
            [sys.executable, "-m", "pytest", "-c", ROOT / "pyproject.toml", tmp_path / name],
            capture_output=True,
            check=False,
        ).returncode

    assert checked("right.ipynb") == 0
    cell.outputs[0]["data"]["text/plain"] = "43"
    assert checked("wrong.ipynb") == 1


# --- the tool -----------------------------------------------------------------------------------


def last_code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"][-1]


def test_sync_updates_notebook_and_keeps_outputs_of_unchanged_cells(small):
    small.sync()
    assert small.execute() == []
    small.store()
    change(small.root / "book/01_one.md", "# Chapter one", "# Chapter I")
    assert not small.in_step("01_one")
    small.sync()
    assert small.in_step("01_one")
    assert last_code(small.stored("01_one")).outputs[0].data["text/plain"] == "2"
    change(small.root / "book/01_one.md", "1 + 1", "1 + 2")
    small.sync()
    assert last_code(small.stored("01_one")).outputs == []


def test_execute_runs_only_stale_chapters_and_leaves_notebooks_alone(small, capsys):
    def executed():
        assert small.execute() == []
        return re.findall(r"executed (\w+)", capsys.readouterr().out)

    small.sync()
    before = {p.name: p.read_bytes() for p in (small.root / "notebooks").iterdir()}
    assert sorted(executed()) == ["01_one", "02_two"]
    assert executed() == []
    change(small.root / "book/02_two.md", "1 + 1", "1 + 2")
    assert executed() == ["02_two"]
    change(small.root / "umixup/module.py", "1", "2")
    assert sorted(executed()) == ["01_one", "02_two"]
    (small.root / "results/new.jsonl").write_text("{}\n")
    assert sorted(executed()) == ["01_one", "02_two"]
    assert before == {p.name: p.read_bytes() for p in (small.root / "notebooks").iterdir()}


def test_failing_cell_fails_the_book_and_its_output_is_discarded(small, capsys):
    change(small.root / "book/01_one.md", "1 + 1", "1 / 0")
    assert small.execute() == ["01_one"]
    assert "ZeroDivisionError" in capsys.readouterr().err
    assert small.execute() == ["01_one"]  # still fails: nothing of it was cached
    command = [sys.executable, ROOT / "book/make.py", "execute"]
    assert subprocess.run(command, cwd=small.root, check=False, capture_output=True).returncode == 1


DAMAGES = {
    "empty": lambda path: path.write_text(""),
    "cut off": lambda path: path.write_bytes(path.read_bytes()[:200]),
    "no notebook": lambda path: path.write_text("[1, 2]"),
    "foreign": lambda path: path.write_text('{"cells": [], "metadata": {}, "nbformat": 4}'),
    "no text": lambda path: path.write_bytes(b"\xff\xfe\x00"),
    "a folder": lambda path: (path.unlink(), (path / "x").mkdir(parents=True)),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_executed_notebook_is_executed_again(small, capsys, damage):
    assert small.execute() == []
    capsys.readouterr()
    DAMAGES[damage](small.executed / "01_one.ipynb")
    with pytest.raises(BookError, match="01_one is not executed"):
        small.site()
    assert small.execute() == []
    assert re.findall(r"executed (\w+)", capsys.readouterr().out) == ["01_one"]


@pytest.mark.parametrize("foreign", ["_build", "_build/executed", "_build/source", "_build/html"])
def test_foreign_file_in_build_folder_is_replaced(small, foreign):
    (small.root / foreign).parent.mkdir(exist_ok=True)
    (small.root / foreign).write_text("not ours\n")
    assert small.execute() == []
    assert small.site() == 0
    assert (small.root / "_build/html/notebooks/01_one.html").is_file()


def test_damaged_sphinx_cache_is_rebuilt(small):
    assert small.execute() == []
    assert small.site() == 0
    kept = [p for p in (small.root / "_build").rglob("*") if p.suffix in (".pickle", ".doctree")]
    assert kept
    for path in kept:
        path.write_bytes(b"\x80\x04 damaged")
    assert small.site() == 0


def made(small, command, **environment):
    """What ``python book/make.py COMMAND`` says in a small book."""
    return subprocess.run(
        [sys.executable, ROOT / "book/make.py", command],
        cwd=small.root,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_sync_works_without_git(small, tmp_path):
    assert made(small, "sync", PATH=str(tmp_path)).returncode == 0
    assert small.in_step("01_one")


def test_missing_chapter_gives_one_line_error(small):
    (small.root / "book/02_two.md").unlink()
    for command in ("sync", "execute", "coursework"):
        done = made(small, command)
        assert done.returncode == 1
        assert done.stderr == ("book/make.py: book/02_two.md is missing, and _toc.yml names it\n")


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_interrupt_ends_execution_and_kernels_at_once(small, stop):
    pids = small.root / "pids"
    for chapter in ("01_one", "02_two"):
        sleeps = f"open({str(pids)!r}, 'a').write(f'{{__import__(\"os\").getpid()}}\\n')\n"
        sleeps += "__import__('time').sleep(300)"
        change(small.root / f"book/{chapter}.md", "1 + 1", sleeps)
    process = subprocess.Popen(
        [sys.executable, ROOT / "book/make.py", "execute"],
        cwd=small.root,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    until(lambda: len(written(pids)) >= 2, seconds=60)
    os.killpg(process.pid, stop)
    _, told = process.communicate(timeout=10)
    assert process.returncode == 130
    assert told == "stopped\n"
    assert not [pid for pid in written(pids) if alive(pid)]
    assert not list((small.root / "_build/executed").glob("*.ipynb"))


def test_broken_reference_fails_the_site_until_fixed(small):
    assert small.execute() == []
    assert small.site() == 0
    page = (small.root / "_build/html/notebooks/01_one.html").read_text()
    assert re.search(r"Executed on \d{4}-\d\d-\d\d .* UTC in \d+ s, profile", page)
    assert "torch " in page
    change(small.root / "book/intro.md", "ch-one", "ch-gone")
    assert small.site() != 0
    assert small.site() != 0
    change(small.root / "book/intro.md", "ch-gone", "ch-two")
    assert small.site() == 0


def test_an_unknown_command_is_refused():
    done = subprocess.run(
        [sys.executable, ROOT / "book/make.py", "biuld"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "sync|execute|notebooks|site|coursework" in done.stderr


@pytest.mark.parametrize(
    ("remote", "repository"),
    [
        ("https://github.com/someone/book.git", "https://github.com/someone/book"),
        ("git@github.com:someone/book.git", "https://github.com/someone/book"),
        ("ssh://git@github.com/someone/book", "https://github.com/someone/book"),
        ("https://example.org/a/book.git", "https://example.org/a/book"),
        ("https://me:secret@gitlab.com/a/b/book", "https://gitlab.com/a/b/book"),
        ("ssh://git@example.org:2222/a/book.git", "https://example.org/a/book"),
        ("http://example.org:8080/a/book", "http://example.org:8080/a/book"),
        ("/srv/git/book", None),
        ("file:///srv/git/book", None),
        ("git@localhost:book", None),
        (None, None),
    ],
)
def test_the_repository_comes_from_the_remote(small, monkeypatch, remote, repository):
    monkeypatch.delenv("UMIXUP_REPOSITORY", raising=False)
    monkeypatch.delenv("GITHUB_REPOSITORY", raising=False)
    git = ["git", "-C", small.root]
    subprocess.run([*git, "init", "-q"], check=True)
    if remote:
        subprocess.run([*git, "remote", "add", "origin", remote], check=True)
    assert small.repository() == repository
    monkeypatch.setenv("GITHUB_REPOSITORY", "other/fork")
    assert small.repository() == "https://github.com/other/fork"
    monkeypatch.setenv("UMIXUP_REPOSITORY", "https://github.com/third/place")
    assert small.repository() == "https://github.com/third/place"


# --- the site -----------------------------------------------------------------------------------


class Loads(HTMLParser):
    """Collects what a page loads, what it links to, and its images."""

    def __init__(self, text):
        super().__init__()
        self.loaded, self.links, self.images = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        about = dict(attrs)
        if tag == "a":
            self.links.append(about.get("href") or "")
        elif tag == "link" and about.get("rel") not in ("canonical", "author", "search"):
            self.loaded.append(about.get("href") or "")
        elif tag in ("script", "img", "iframe", "source", "object", "embed"):
            self.loaded.append(about.get("src") or about.get("data") or "")
        if tag == "img":
            self.images.append(about)


def test_no_page_shows_raw_table_markup(site):
    for page in site.rglob("*.html"):
        assert not re.search(r"<p>\s*\|", page.read_text()), page.name


def test_each_chapter_launches_its_own_notebook(site):
    for chapter in NOTEBOOKS:
        links = Loads((site / f"notebooks/{chapter}.html").read_text()).links
        launch = [link for link in links if "colab" in link]
        assert launch, chapter
        for link in launch:
            path = link.split("/blob/main/")[1]
            assert path == f"notebooks/{chapter}.ipynb"
            assert (ROOT / path).is_file()


def test_set_up_and_checks_are_folded_and_plumbing_is_not_on_the_page(small):
    tagged = "".join(
        f"```{{code-cell}} ipython3\n:tags: [{tag}]\n\nprint('of {tag}')\n```\n\n"
        for tag in ("plumbing", "setup", "verified")
    )
    change(
        small.root / "book/01_one.md",
        "```{code-cell} ipython3\n1 + 1",
        tagged + "```{code-cell} ipython3\n1 + 1",
    )
    assert small.execute() == []
    assert small.site() == 0
    page = (small.root / "_build/html/notebooks/01_one.html").read_text()
    for tag, prompt in (("setup", "set-up"), ("verified", "verified")):
        [folded] = [part for part in page.split("<details")[1:] if f"of {tag}" in part]
        assert f">{prompt}<" in folded.split("</summary>")[0]
        assert f"of {tag}" in folded.split("</details>")[0]
    assert "of plumbing" not in page
    hidden = [
        c.metadata.get("jupyter") for c in small.source("01_one").cells if c.cell_type == "code"
    ]
    assert hidden == [None, *[{"source_hidden": True}] * 3, None]


def test_without_a_known_repository_there_are_no_launch_buttons(small):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UMIXUP_REPOSITORY", "")
        assert small.execute() == []
        assert small.site() == 0
    assert "colab" not in (small.root / "_build/html/notebooks/01_one.html").read_text()


def test_no_page_loads_anything_from_another_host(site):
    pages = [*site.rglob("*.html")]
    assert len(pages) > len(NOTEBOOKS)
    for page in pages:
        text = page.read_text()
        for address in Loads(text).loaded:
            assert not re.match(r"(https?:)?//", address), (page.name, address)
        assert "unpkg.com" not in text
    for style in site.rglob("*.css"):
        assert not re.search(r"""(url\(|@import )["']?(https?:)?//""", style.read_text()), style


def test_formulas_are_typeset_and_need_no_script(site):
    styles = (site / "_static/formulas.css").read_text()
    for font in re.findall(r'url\("([^"]+)"\)', styles):
        assert (site / "_static" / font).is_file()
    assert not (site / "_static/mathjax").exists()
    for page in site.rglob("*.html"):
        text = page.read_text()
        formulas = text.count('class="math')
        assert text.count("<mjx-container") == text.count("<mjx-assistive-mml") == formulas, page
        assert "_static/formulas.css" in text or not formulas
        assert "mathjax/" not in text


@cache
def identities(page):
    return set(re.findall(r' id="([^"]+)"', page.read_text()))


@pytest.mark.parametrize("module", tuple(umixup._MODULES))
def test_every_public_name_is_in_the_reference_with_links_to_its_chapters(site, module):
    [page] = [p for p in site.glob("book/api_*.html") if f"api-{module}" in identities(p)]
    names = generated.public_names(module)
    assert {f"umixup.{module}.{name}" for name in names} <= identities(page)
    for entry in page.read_text().split('<dt class="sig sig-object py" id="umixup.')[1:]:
        of, _, name = entry.split('"')[0].partition(".")
        if of != module or name not in names:
            continue
        wanted = {one.label for one in USERS.get((module, name), [])}
        found = re.findall(r'href="\.\./(notebooks/\w+\.html)#([\w-]+)"', entry)
        assert wanted <= {label for _, label in found}, name
        for target, label in found:
            assert label in identities(site / target)


def test_every_exercise_is_in_the_index_with_links_that_lead_to_it(site):
    text = (site / "book/exercise_index.html").read_text()
    found = set(re.findall(r'href="\.\./notebooks/(\w+)\.html#((?:ex|sol)-[\w-]+)"', text))
    for chapter in CHAPTERS:
        there = identities(site / f"notebooks/{chapter}.html")
        wanted = {name for name in there if re.match(r"(ex|sol)-", name)}
        assert len(wanted) >= 6
        assert {name for page, name in found if page == chapter} >= wanted
    assert len(found) % 2 == 0


def test_no_build_time_placeholder_is_left(site):
    for page in site.glob("book/*.html"):
        assert "% generated" not in page.read_text()
    assert "recorded runs, " in (site / "book/checklist.html").read_text()


def test_every_image_of_the_site_has_alt_text(site):
    seen = 0
    for page in site.rglob("*.html"):
        for image in Loads(page.read_text()).images:
            alt = image.get("alt", "")
            assert alt, (page.name, image)
            assert not alt.endswith((".png", ".svg", ".webp"))
            seen += 1
    assert seen >= 10


# --- parameters from outside --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (["-p", "epochs", "3"], "parameter 'epochs' = 3: this notebook has table"),
        (["-p", "runs", "many"], "parameter 'runs' = 'many': it must be of type int"),
        (["-p", "dataset", "imagenet"], "dataset = 'imagenet': it must be one of digits"),
        (["-p", "profile", "huge"], "profile = 'huge': it must be one of quick, small, full"),
        (["-p", "dataset", "fashion-mnist"], "um.data.fetch('fashion-mnist'"),
    ],
)
def test_a_bad_parameter_stops_the_notebook_with_a_clear_error(tmp_path, parameters, message):
    done = subprocess.run(
        [
            *(sys.executable, "-m", "papermill", "notebooks/14_tables.ipynb"),
            *(tmp_path / "out.ipynb", *parameters),
        ],
        cwd=ROOT,
        env={**os.environ, "UMIXUP_DATA": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert message in done.stderr
