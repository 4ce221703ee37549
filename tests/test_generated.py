"""The computed parts of the back pages: complete, and in step with the chapters."""

import inspect
import re
from pathlib import Path

import generated
import pytest
from make import Book
from plain import Piece

import umixup

pytestmark = pytest.mark.book

ROOT = Path(__file__).parents[1]
BOOK = Book(ROOT)
CHAPTERS, NOTEBOOKS = BOOK.chapters(), BOOK.notebooks()
SOURCES = generated.Sources(ROOT, {name: BOOK.source(name) for name in NOTEBOOKS})
MODULES = tuple(umixup._MODULES)


def page(name):
    return (ROOT / f"book/{name}.md").read_text(encoding="utf-8")


def links(text):
    """The labels that a text refers to, in order."""
    return re.findall(r"\{ref\}`(?:[^`<]*<)?([\w-]+)>?`", text)


def rows(table):
    """The cells of a Markdown table, but for its head."""
    lines = [line for line in table.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in lines[2:]]


# --- the library --------------------------------------------------------------------------------


@pytest.mark.parametrize("module", MODULES)
def test_every_public_name_has_a_docstring(module):
    holder = generated._imported(module)
    names = generated.public_names(module)
    assert names
    for name in names:
        value = getattr(holder, name)
        if inspect.isclass(value) or inspect.isfunction(value):
            assert value.__module__.startswith("umixup")
            assert vars(value).get("__doc__") or value.__doc__, name
            assert not (value.__doc__ or "").startswith(f"{name}("), name  # a dataclass's own
        else:
            assert generated._comment(module, name)


def test_the_public_names_are_those_that_a_module_defines():
    assert generated.public_names("equivalence") == [
        *("U", "D", "twin", "canonical", "logistic_weight", "as_mixup", "distance")
    ]
    assert "BY_NAME" in generated.public_names("losses")
    assert "T" not in generated.public_names("schemes")  # a type variable
    assert "Tensor" not in generated.public_names("losses")  # imported


def test_every_module_is_on_one_page_of_the_reference():
    marks = [re.findall(r"^% generated: api (.*)$", page(p.stem), re.M) for p in _api_pages()]
    modules = [module for [mark] in marks for module in mark.split()]
    assert sorted(modules) == sorted(MODULES)
    toc = (ROOT / "_toc.yml").read_text()
    assert all(f"file: book/{p.stem}\n" in toc for p in _api_pages())


def _api_pages():
    return sorted((ROOT / "book").glob("api_*.md"))


def test_the_table_of_own_names_has_all_of_them():
    own = generated.api_names(SOURCES)
    assert re.findall(r"`um\.(\w+) <", own) == list(umixup._NAMES)
    rooms = ("core", "training", "experiments", "_book")
    tables = [generated.api_modules(SOURCES, room) for room in rooms]
    assert [link for t in tables for link in links(t)] == [f"api-{module}" for module in MODULES]


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("um.losses.brier(z, y)", {("losses", "brier")}),
        ("scheme = um.parse('B(1,1)')", {("schemes", "parse")}),
        ("f(um.U)(um.D)", {("equivalence", "U"), ("equivalence", "D")}),
        ("um.training.Config.from_json(text)", {("training", "Config")}),
        ("from umixup.policies import Beta as B", {("policies", "Beta")}),
        ("from umixup import losses\nlosses.hinge", {("losses", "hinge")}),
        ("from umixup import parse", {("schemes", "parse")}),
        ("import umixup\numixup.pairs.IID()", {("pairs", "IID")}),
        ("losses.hinge(z)\nself.um.parse", set()),
        ("um.pairs", set()),
    ],
)
def test_the_names_that_a_cell_uses(code, names):
    assert generated.used_names(code) == names


def test_the_pages_that_use_a_name_are_those_with_the_name_in_a_cell():
    used = SOURCES.users
    for (module, name), pages in used.items():
        assert hasattr(generated._imported(module), name)
        for one in pages:
            [file] = [n for n in NOTEBOOKS if f"({one.label})=" in page(n)]
            assert re.search(rf"\b{name}\b", page(file))
    symmetry = [one.label for one in used["equivalence", "U"]]
    assert "ch-u" in symmetry


# --- the exercises ------------------------------------------------------------------------------


def test_the_index_has_every_exercise_with_its_kind_and_its_solution():
    index = generated.exercise_tables(SOURCES)
    found = [[*links(row[0]), row[1], *links(row[-1])] for row in _all_rows(index)]
    wanted = []
    for chapter in CHAPTERS:
        exercises = re.findall(r"^:::\{exercise\} (.*)\n:label: (.*)$", page(chapter), re.M)
        wanted += [[label, kind, label.replace("ex-", "sol-", 1)] for kind, label in exercises]
        assert all(f":label: {label}\n" in page(chapter) for *_, label in wanted[-3:])
    assert found == wanted
    assert all(len(row) == 7 and all(row) for row in _all_rows(index))


def _all_rows(index):
    return [row for table in index.split("\n## ") for row in rows(table)]


def test_the_counts_are_those_of_the_sources():
    table = rows(generated.exercise_counts(SOURCES))
    text = "".join(map(page, CHAPTERS))
    kinds = [
        len(re.findall(rf"^:::\{{exercise\}} {kind}$", text, re.M))
        for kind in ("pen and paper", "code", "open")
    ]
    assert table[-1] == ["all", *map(str, kinds), str(sum(kinds))]
    assert [links(row[0])[0] for row in table[:-1]] == [
        re.search(r"^\((ch-[\w-]+)\)=$", page(chapter), re.M)[1] for chapter in CHAPTERS
    ]


@pytest.mark.parametrize(
    ("text", "begins"),
    [
        ("Halve two.", "Halve two."),
        ("Halve two. Then halve it again.", "Halve two. Then halve it again."),
        (
            "One two three four five six seven eight nine. Ten.",
            "One two three four five six seven eight nine.",
        ),
        ("a " * 20, "a " * 16 + "…"),
        ("Show that\n\n$$x$$", "Show that"),
        ("Show that: $$x$$", "Show that …"),
        (
            "Bound $|x + y| \\le \\|z\\|$ by $a + b + c$.",
            "Bound $\\vert x + y\\vert  \\le \\Vert z\\Vert $ by $a + b + c$.",
        ),
        ("Use `a | b`.", "Use `a \\| b`."),
        ("By {prf:ref}`Lemma 1 <lem-1>` it is so.", "By {prf:ref}`Lemma 1 <lem-1>` it is so."),
    ],
)
def test_how_an_exercise_begins(text, begins):
    assert generated.first_words(Piece(text, body=text)) == begins


# --- the course ---------------------------------------------------------------------------------


def before():
    about = [generated.chapter(notebook) for notebook in SOURCES.chapters.values()]
    return {one.label: generated.before(one, about) for one in about}


def test_the_table_of_chapters_says_what_they_say():
    table = rows(generated.chapters(SOURCES))
    for name, (link, on, needed, *_) in zip(CHAPTERS, table, strict=True):
        said = re.search(r"^- \*\*Builds on:\*\* (.*)$", page(name), re.M)[1]
        assert f"({links(link)[0]})=" in page(name)
        assert said.startswith(on)
        assert said.removeprefix(on).strip() in ("", "Symbols are collected in {ref}`notation`.")
        assert set(links(needed)) == before()[links(link)[0]]
        assert {label for label in links(on) if label.startswith("ch-")} <= set(links(needed))


def test_chapters_said_to_stand_alone_need_no_other():
    first, _, rest = generated.alone(SOURCES).partition(". ")
    assert {label for label, needed in before().items() if not needed} == set(links(first))
    assert links(rest)


def test_no_chapter_comes_before_itself():
    assert all(label not in needed for label, needed in before().items())


def syllabuses():
    return re.findall(r":::\{div\} stacked sessions\n(.*?)\n:::", page("teach"), re.DOTALL)


@pytest.mark.parametrize("which", [0, 1])
def test_a_syllabus_keeps_the_order_that_the_chapters_need(which):
    home = {
        label: re.search(r"^\((ch-[\w-]+)\)=$", page(chapter), re.M)[1]
        for chapter in CHAPTERS
        for label in re.findall(r"^:label: (ex-.*)$", page(chapter), re.M)
    }
    done = set()
    sessions = rows(syllabuses()[which])
    assert [row[0] for row in sessions] == [str(k + 1) for k in range(len(sessions))]
    for session, chapter, _, exercises, *_ in sessions:
        for label in links(chapter):
            assert before()[label] <= done, (session, label)
            done.add(label)
        for label in links(exercises):
            assert home[label] in done, (session, label)


def test_every_chapter_is_taught():
    taught = set(links(page("teach")))
    assert set(before()) <= taught, "book/teach.md: a session or a project is missing"


# --- the records --------------------------------------------------------------------------------


def record(profile, device, seconds):
    sitting = {"device": device, "processor": "a chip", "threads": 1}
    config = {"dataset": "digits"}
    return {"profile": profile, "config": config, "seconds": seconds, "sittings": [sitting]}


def test_evidence_counts_recorded_runs(monkeypatch):
    monkeypatch.setitem(vars(SOURCES), "records", [record("quick", "cpu", 9.0)] * 3)
    assert "Of 3 recorded runs, none is at" in generated.evidence(SOURCES)
    assert "none was trained on a GPU. So every error" in generated.evidence(SOURCES)
    some = [
        record("quick", "cpu", 8.0),
        record("full", "cuda", 600.0),
        record("full", "cuda", 720.0),
    ]
    monkeypatch.setitem(vars(SOURCES), "records", some)
    assert "2 are at" in generated.evidence(SOURCES)
    assert generated.evidence(SOURCES).endswith("2 were trained on a GPU.")
    assert rows(generated.run_times(SOURCES)) == [
        ["`full`", "`digits`", "cuda, a chip", "1", "2", "11.0 min"],
        ["`quick`", "`digits`", "cpu, a chip", "1", "1", "8 s"],
    ]


def test_the_records_of_the_book_are_counted():
    from umixup import results

    assert f"Of {len(results.records(ROOT / 'results'))} recorded" in generated.evidence(SOURCES)


# --- the marks ----------------------------------------------------------------------------------


def test_marks_are_filled_and_nothing_else_is_touched():
    text = "# A\n\n% generated: exercise-counts\n\n% a comment\n"
    filled = generated.filled(text, SOURCES)
    assert filled == f"# A\n\n{generated.exercise_counts(SOURCES)}\n\n% a comment\n"


def test_unknown_generated_mark_is_an_error():
    with pytest.raises(ValueError, match="exercise-count: it must be one of alone, api"):
        generated.filled("% generated: exercise-count\n", SOURCES)


def test_every_mark_of_the_book_is_known_and_every_writer_is_used():
    pages = [p.read_text("utf-8") for p in (ROOT / "book").glob("*.md")]
    marks = {mark.split()[0] for text in pages for mark in generated.MARK.findall(text)}
    assert marks == set(generated.WRITERS)
