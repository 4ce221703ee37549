"""Exercises that keep their rules, and student notebooks without a word of the solutions."""

import ast
import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import answers
import courses
import coursework
import exercises
import jupytext
import kernels
import nbformat
import plain
import pytest
import small_course
from make import Book, BookError
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

pytestmark = pytest.mark.book

ROOT = Path(__file__).parents[1]
BOOK = Book(ROOT)
CHAPTERS = BOOK.chapters()

TOC = "format: jb-book\nroot: book/intro\nparts: [{chapters: [{file: notebooks/12_small}]}]\n"
CHAPTER = """---
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---

(ch-small)=
# 12. Small

By {prf:ref}`thm-two` two is two, see {eq}`eq-two`, {ref}`ch-small` and {cite:p}`euclid`.

:::{prf:theorem} Two
:label: thm-two
$2 = 2$.
:::

:::{margin}
Euclid has it
as an axiom.
:::

```{math}
:label: eq-two
a &= 2 \\\\
b &= 2
```

```{code-cell} ipython3
---
mystnb:
  figure:
    caption: Two is seen.
    name: fig-two
---
two = 2
two
```

## Check yourself

:::{admonition} 1. Is two two?
:class: dropdown
By reflexivity it surely is.
:::

## Exercises

:::{exercise} pen and paper
:label: ex-half

Halve two.
:::

:::{solution} ex-half
:label: sol-half
:class: dropdown

The half of two is one. It is found by division.
:::

:::{exercise} code
:label: ex-double

Double two.
:::

:::{solution-start} ex-double
:label: sol-double
:class: dropdown
:::

Twice two makes four, as everybody knows.

```{code-cell} ipython3
four = 2 * two
four
```

So it makes four after all.

:::{solution-end}
:::

:::{exercise} open
:label: ex-wonder

Why two?
:::

:::{solution} ex-wonder
:label: sol-wonder
:class: dropdown

One way towards an answer is to count.
:::

## What to read next

```{code-cell} ipython3
two + 1
```
"""


@pytest.fixture
def small(tmp_path):
    """A book of one chapter that keeps every rule."""
    for folder in ("book", "notebooks"):
        (tmp_path / folder).mkdir()
    (tmp_path / "_toc.yml").write_text(TOC)
    (tmp_path / "book/intro.md").write_text("# A small book\n")
    (tmp_path / "book/12_small.md").write_text(CHAPTER)
    return Book(tmp_path)


def read(book, kind, chapter="12_small"):
    path = book.root / f"_build/coursework/{kind}/{chapter}.ipynb"
    return nbformat.read(path, as_version=4)


def run(notebook):
    """Execute it."""
    with tempfile.TemporaryDirectory() as sockets:
        config = kernels.listening(sockets)
        where = {"metadata": {"path": str(ROOT / "notebooks")}}
        NotebookClient(notebook, config=config, kernel_name="python3", resources=where).execute()


def words(text):
    """Letters and digits alone, so that neither markup nor line breaks hide a sentence."""
    return " ".join(re.findall(r"\w+", text))


def everything(notebook):
    """All that a notebook shows: text, code and outputs."""
    outputs = [o for c in notebook.cells if c.cell_type == "code" for o in c.outputs]
    shown = [o.get("text", "") + str(o.get("data", "")) for o in outputs]
    return words("\n".join([*(c.source for c in notebook.cells), *shown]))


def sentences_of_solutions(text):
    """Sentences, and code lines, found in the source by a pattern that knows no cells."""
    bodies = re.findall(r"^:::\{solution\}[^\n]*\n(.*?)^:::$", text, re.DOTALL | re.MULTILINE)
    bodies += re.findall(
        r"^:::\{solution-start\}[^\n]*\n(.*?)^:::\{solution-end\}", text, re.DOTALL | re.MULTILINE
    )
    assert len(bodies) == len(re.findall(r"^:::\{exercise\}", text, re.MULTILINE))
    found = set()
    for body in bodies:
        body = re.sub(r"^:(label|class|tags):.*$|^```.*$|^:::$", "", body, flags=re.MULTILINE)
        for sentence in re.split(r"(?<=[.!?:])\s|\n\n", body):
            if len(words(sentence).split()) >= 4:
                found |= {words(sentence), words(plain.plain(sentence, {}))}
    return found


def broken(book, *changes):
    """What is wrong with the small chapter after these replacements."""
    path = book.root / "book/12_small.md"
    text = path.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text)
    wrong = book.coursework()
    assert (book.root / "_build/coursework").exists() == (wrong == [])
    return "\n".join(wrong)


# --- the chapters of the book -------------------------------------------------------------------


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The coursework of the real book."""
    root = tmp_path_factory.mktemp("coursework")
    for name in ("_toc.yml", "book", "notebooks"):
        (root / name).symlink_to(ROOT / name)
    book = Book(root)
    assert book.coursework() == []
    return book


def test_every_exercise_has_a_name_of_its_own_minutes_points_and_difficulty():
    facts = BOOK.facts()
    there = [
        label
        for chapter in CHAPTERS
        for label in re.findall(
            r"^:label: (ex-\S+)$", (ROOT / f"book/{chapter}.md").read_text(), re.M
        )
    ]
    assert list(facts) == there  # in the order of the book
    names = [about.name for about in facts.values()]
    assert len(set(names)) == len(names)
    for label, (name, minutes, points, difficulty) in facts.items():
        assert name[0].isupper(), label
        assert len(name.split()) <= 5, label
        assert "$" not in name, label
        assert minutes in range(5, 125, 5), label
        assert points in range(1, 11), label
        assert difficulty in (1, 2, 3), label


def test_the_book_calls_an_exercise_by_its_name():
    facts = BOOK.facts()
    pages = (ROOT / "book").glob("*.md")
    called = [
        (name, label)
        for page in pages
        for name, label in re.findall(r"\{ref\}`([^`<]+?)\s*<(ex-[\w-]+)>`", page.read_text())
    ]
    assert called
    others = {(name, label) for name, label in called if name.lower() != facts[label].name.lower()}
    assert not {(n, l) for n, l in others if "exercise" not in n}


def test_the_exercises_of_all_chapters_keep_the_rules():
    assert exercises.problems({chapter: BOOK.source(chapter) for chapter in CHAPTERS}) == []


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_no_sentence_and_no_code_of_a_solution_is_in_a_student_notebook(written, chapter):
    text = (ROOT / f"book/{chapter}.md").read_text(encoding="utf-8")
    sentences = sentences_of_solutions(text)
    assert len(sentences) > 10
    shown = everything(read(written, "student", chapter))
    heads = {words(one.stub("").splitlines()[0]) for one in BOOK.asked().values()}  # are given
    assert [s for s in sentences if s in shown and s not in heads] == []
    assert not re.search(r"\bsol |\bSolution ", shown)


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_an_instructor_notebook_has_every_solution_and_output(written, chapter):
    text = (ROOT / f"book/{chapter}.md").read_text(encoding="utf-8")
    made, stored = read(written, "instructor", chapter), BOOK.stored(chapter)
    shown = everything(made)
    for start in re.findall(r"^:::\{solution(?:-start)?\} (.*)$", text, re.MULTILINE):
        assert f"#### Solution: sol{start.removeprefix('ex')}" in "\n".join(
            c.source for c in made.cells
        )
    code = [c for c in made.cells if c.cell_type == "code"]
    assert [len(c.outputs) for c in code] == [
        len(c.outputs) for c in stored.cells if c.cell_type == "code"
    ]
    assert "Exercise open" in shown


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_an_answer_cell_follows_each_exercise_and_nothing_is_left_to_an_extension(written, chapter):
    notebook = read(written, "student", chapter)
    nbformat.validate(notebook)
    wanted = re.findall(
        r"^:::\{exercise\} (.*)\n:label: (.*)$", (ROOT / f"book/{chapter}.md").read_text(), re.M
    )
    found = []
    for cell, answer in zip(notebook.cells, notebook.cells[1:], strict=False):
        if "answer" in answer.metadata.get("tags", []):
            kind, label = re.search(r"^### Exercise \((.*)\): (.*)$", cell.source, re.M).groups()
            found.append((kind, label))
            assert answer.cell_type == ("code" if kind == "code" else "markdown")
            assert label in answer.metadata.tags
    assert found == wanted
    text = "\n".join(c.source for c in notebook.cells if c.cell_type == "markdown")
    assert re.findall(r"^:::.*$|^```\{.*$|\{(?:prf:)?ref\}|\{eq\}|\{cite", text, re.M) == []
    ids = [cell.id for cell in notebook.cells]
    assert len(set(ids)) == len(ids)


def test_what_is_written_is_the_same_each_time(written):
    before = {p: p.read_bytes() for p in (written.root / "_build").rglob("*.ipynb")}
    assert len(before) == 2 * len(CHAPTERS)
    assert written.coursework() == []
    assert before == {p: p.read_bytes() for p in before}


# --- the small chapter, whole and broken --------------------------------------------------------


def test_a_small_chapter_as_student_and_instructor_see_it(small):
    small.sync()
    notebook = small.stored("12_small")
    run(notebook)
    nbformat.write(notebook, small.root / "notebooks/12_small.ipynb")
    assert small.coursework() == []
    student, instructor = read(small, "student"), read(small, "instructor")
    assert [c.source for c in student.cells if c.cell_type == "code"] == [
        "two = 2\ntwo",
        "# Your answer to ex-double",
        "two + 1",
    ]
    assert [bool(c.outputs) for c in student.cells if c.cell_type == "code"] == [True, False, True]
    assert "4" not in [o.data["text/plain"] for c in student.cells for o in c.get("outputs", [])]
    assert "4" in [o.data["text/plain"] for c in instructor.cells for o in c.get("outputs", [])]
    assert student.cells[2].source == "*Two is seen.*"
    text = student.cells[0].source
    assert "By *Theorem (Two)* two is two, see (eq-two), *12. Small* and [euclid]." in text
    assert "**Theorem (Two).** $2 = 2$." in text
    assert "> Euclid has it\n> as an axiom." in text
    assert "\\begin{split}a &= 2 \\\\\nb &= 2\\end{split} \\tag{eq-two}" in text
    assert "<details><summary>1. Is two two?</summary>" in student.cells[3].source
    assert "By reflexivity" in everything(student)  # a self-check stays
    shown = everything(student)
    assert not [s for s in sentences_of_solutions(CHAPTER) if s in shown]
    assert all(s in everything(instructor) for s in sentences_of_solutions(CHAPTER))
    run(student)


def test_a_chapter_out_of_step_is_written_without_outputs(small, capsys):
    assert small.coursework() == []
    assert "12_small has no outputs" in capsys.readouterr().out
    assert not any(c.get("outputs") for c in read(small, "instructor").cells)


SOLUTION = CHAPTER[CHAPTER.index(":::{solution} ex-half") : CHAPTER.index(":::{exercise} code")]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ([(SOLUTION, "")], "ex-half has 0 solutions"),
        ([(SOLUTION, SOLUTION * 2)], "ex-half has 2 solutions"),
        ([("{solution} ex-half", "{solution} ex-gone")], "'ex-gone', which is no exercise"),
        ([(":label: ex-half\n", "")], "an exercise has the label ''"),
        ([("ex-half", "ex_half"), ("sol-half", "sol-ex_half")], "the label 'ex_half', not ex-wo"),
        ([("ex-half", "half")], "an exercise has the label 'half', not ex-words"),
        ([("sol-half", "sol-other")], "has the label sol-other, not sol-half"),
        ([("thm-two", "ex-half")], "the label ex-half is also in 12_small"),
        ([("sol-half\n:class: dropdown", "sol-half")], "is not folded"),
        ([(":::{solution-end}\n:::\n", "")], "the solution of ex-double has no end"),
        ([("## Check yourself", ":::{solution-end}\n:::")], "a solution-end ends nothing"),
        ([("{exercise} open", "{exercise} code")], "no exercise is titled 'open'"),
        ([("{exercise} code", "{exercise} open")], "no exercise is titled 'code'"),
        ([("pen and paper", "proof")], "titled 'proof': it must be one of pen and paper"),
        ([("The half of two", "  :::{solution} ex-half\n")], "not at the top level"),
        ([("By reflexivity", ":::{solution} ex-half\nBy reflexivity")], "not at the top level"),
        ([("two + 1", "four + 1")], "'four' comes from the solution of ex-double"),
        ([("four = 2 * two", "two = 4")], "'two' comes from the solution of ex-double"),
        ([("two + 1", "def f():\n    return [four for _ in two]")], "'four' comes from"),
        ([("two + 1", "four += 1")], "'four' comes from the solution of ex-double"),
    ],
)
def test_a_broken_chapter_is_refused_with_the_reason_and_nothing_is_written(
    small, changes, message
):
    assert message in broken(small, *changes)


def test_the_command_fails_with_the_reason(small):
    command = [sys.executable, ROOT / "book/make.py", "coursework"]
    assert subprocess.run(command, cwd=small.root, check=False).returncode == 0
    assert read(small, "student").cells
    broken(small, (SOLUTION, ""))
    done = subprocess.run(command, cwd=small.root, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "12_small: ex-half has 0 solutions" in done.stderr


@pytest.mark.parametrize(
    "code",
    [
        "four = 3\nfour",
        "for four in (1, 2):\n    print(four)",
        "with open('x') as four:\n    four.read()",
        "def f(four):\n    return four",
        "[four for four in (1, 2)]",
        "import math as four\nfour",
    ],
)
def test_names_bound_by_the_cell_itself_are_ignored(small, code):
    assert broken(small, ("two + 1", code)) == ""


# --- functions that are asked for ---------------------------------------------------------------


@pytest.fixture
def course(tmp_path):
    """A book of one chapter with two exercises that ask for functions."""
    return small_course.book(tmp_path)


def code(notebook, tag):
    """The code cells with this tag."""
    cells = [c for c in notebook.cells if c.cell_type == "code"]
    return [c for c in cells if tag in c.metadata.get("tags", [])]


def statements(node):
    """What a function does, whatever its docstring and comments."""
    body = node.body[1:] if ast.get_docstring(node) else node.body
    return "\n".join(map(ast.unparse, body))


def given_away(notebook, asked):
    """References and wrong answers whose bodies some function of a notebook has."""
    cells = [c.source for c in notebook.cells if c.cell_type == "code"]
    nodes = [node for source in cells for node in ast.walk(ast.parse(source))]
    there = {statements(node) for node in nodes if isinstance(node, ast.FunctionDef)}
    return [
        f"{one.label}: {name}"
        for one in asked.values()
        for name in (one.name, *one.wrong)
        if statements(one.functions[name]) in there
    ]


def test_an_exercise_says_what_is_to_be_given(course):
    for solved in (True, False):
        text = "\n".join(c.source for c in course.plain("12_small", solved=solved).cells)
        assert "difficulty 1 of 3.*\n\n**To give:** `doubled(x)`: Twice an array.\n" in text
        assert text.count("**To give:**") == 2


def test_a_student_gets_a_head_and_a_check_and_no_reference(course):
    assert course.coursework() == []
    student = read(course, "student")
    tags = [c.metadata.tags[0] for c in student.cells if c.metadata.get("tags")]
    assert tags == [
        *("setup", "parameters", "student", "hide-input", "setup"),
        *("answer", "function", "check"),  # with an argument
        *("answer", "check", "answer"),
    ]
    asked = course.asked()
    assert given_away(student, asked) == []
    shown = "\n".join(c.source for c in student.cells)
    for secret in ("SECRET_FACTOR", "np.multiply", "def draw", "wrong_", "Say:"):
        assert secret not in shown
    assert code(student, "hide-input")[0].metadata.jupyter.source_hidden
    assert code(student, "checks")[0].metadata.jupyter.source_hidden
    assert not code(student, "parameters")[0].metadata.get("jupyter")
    assert given_away(read(course, "student"), asked) == []
    code(student, "checks")[0].source += "\n\ndef f(x):\n    return x / 2"
    assert given_away(student, asked) == ["ex-half: halved"]


def test_a_check_answers_whatever_stands_above_it(course):
    assert course.coursework() == []

    def said(*changes, **given):
        notebook = small_course.answered(read(course, "student"), **given)
        for before, after in changes:
            for cell in notebook.cells:
                cell.source = cell.source.replace(before, after)
        run(notebook)
        return [c.outputs[0].text.strip() for c in code(notebook, "check")]

    assert said() == [
        "ex-half: halved is not written yet.",
        "ex-double: doubled is not written yet.",
    ]
    right = small_course.HALVED.format("x / 2")
    soft = "import umixup as um\num.notebook.soft_asserts('data')\ntwo"
    assert said(
        ("check = two", soft),
        ('check("ex-half")', 'check("ex-hal")'),
        halved=right,
        doubled=small_course.DOUBLED.format("x**2"),
    ) == [
        "There is no exercise ex-hal here, but ex-half, ex-double.",
        "ex-double: Twice 1 is 2, and twice 3 is 6.",
    ]
    assert said(halved=right, doubled=small_course.DOUBLED.format("x.gone")) == [
        "ex-half: passes.",
        "ex-double: doubled stops with AttributeError: 'numpy.ndarray' object has no "
        "attribute 'gone'",
    ]
    assert said(halved="pass", doubled="import numpy as np\ndoubled = np.array([2.0]).__mul__") == [
        "ex-half: halved is not there yet.",
        "ex-double: passes.",
    ]


def test_what_jupyter_does_not_show_stands_in_the_text(course):
    assert course.coursework() == []
    text = "\n\n".join(c.source for c in read(course, "student").cells)
    assert "as Euclid (300) says (Euclid, 300; One et al., 2001)." in text
    assert "<summary>The figure in words</summary>\n\nTwo dots.\n\n</details>" in text
    assert "## Works cited\n\n- A. One, B. Two, C. Léon. 2001. *On Two*. Journal\n- Eucl" in text
    assert "Text and figures: [CC BY 4.0]" in text.rpartition("\n\n")[2]


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_no_student_notebook_of_the_book_gives_a_function_away(written, chapter):
    notebook = read(written, "student", chapter)
    asked = BOOK.asked()
    there = [label for label in courses.labels(BOOK.source(chapter)) if label in asked]
    assert coursework.labels(notebook, "check") == there
    names = [asked[label].name for label in there]
    assert len(set(names)) == len(names)  # the last one of a name is what is graded
    ours = [
        c
        for c in notebook.cells
        if {"checks", "answer", "function"} & {*c.metadata.get("tags", [])}
    ]
    made = nbformat.v4.new_notebook(cells=ours)
    assert given_away(made, {label: asked[label] for label in there}) == []
    shown = "\n".join(c.source for c in notebook.cells)
    assert "Say:" not in shown
    assert not [name for label in there for name in asked[label].wrong if name in shown]


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"format": "otr"}, "FORMAT = otr: it must be one of plain, otter, nbgrader"),
        ({"chapters": ("13",)}, "CHAPTERS has 13: there are 12_small, or their numbers"),
        ({"exercises": ("ex-gone",)}, "EXERCISES has ex-gone: these chapters have ex-half, ex-d"),
        ({"dataset": "digit"}, "dataset = 'digit': it must be one of digits"),
    ],
)
def test_what_there_is_not_is_refused_and_what_was_written_stays(course, wanted, message):
    assert course.coursework() == []
    before = {p: p.read_bytes() for p in (course.root / "_build").rglob("*") if p.is_file()}
    with pytest.raises(BookError, match=message):
        course.coursework(courses.Wanted(**wanted))
    assert before == {p: p.read_bytes() for p in (course.root / "_build").rglob("*") if p.is_file()}


def test_chapters_exercises_and_data_are_chosen_and_the_secret_is_kept(course, capsys):
    course.sync()
    assert course.coursework(courses.Wanted(chapters=("12",), secret="ours")) == []
    wanted = courses.Wanted(exercises=("ex-double",), dataset="folder:my pets@64")
    assert course.coursework(wanted) == []
    assert "12_small has no outputs: they would be of other data" in capsys.readouterr().out
    for kind in ("student", "instructor"):
        text = "\n".join(c.source for c in read(course, kind).cells)
        assert re.findall(r"^### Exercise.*: (.*)$", text, re.M) == ["ex-double"]
        assert 'dataset = "folder:my pets@64"  # of the chapter' in text
        assert ("four = 2 * two" in text) == (kind == "instructor")
    side = courses.side(course.root)
    assert side == {
        "secret": "ours",
        "chapters": {"12_small": {"ex-double": {"visible": 2, "hidden": 3, "by_hand": 0}}},
    }
    folder = course.root / "_build/coursework"
    with zipfile.ZipFile(folder / "student.zip") as archive:
        assert archive.namelist() == ["student/12_small.ipynb"]
    assert "ours" not in (folder / "student/12_small.ipynb").read_text()


@pytest.mark.parametrize(
    ("kind", "points", "split"),
    [
        ("code", 5, (2, 3, 0)),
        ("code", 1, (0, 1, 0)),
        ("pen and paper", 6, (1, 1, 4)),
        ("pen and paper", 1, (0, 1, 0)),
        ("open", 8, (1, 2, 5)),
    ],
)
def test_points_are_split(kind, points, split):
    assert exercises.Facts("A name", 10, points, 1).split(kind) == split


def test_what_a_function_needs_is_found_in_its_file(course):
    asked = course.asked()["ex-double"]
    exec(asked.needed("check"), names := {})
    assert {name for name in names if name[0] != "_"} == {"np", "TRIED", "check", "same"}
    assert names["check"](lambda x: 2 * x) is None
    assert answers.Asked("ex-a", "def f():\n    return g\n").needed("f").count("def") == 1


@pytest.mark.parametrize("arguments", [[], ["--format="], ["--chapters", " "]])
def test_an_empty_option_asks_for_everything(arguments):
    assert courses.parsed(arguments) == courses.ALL


def test_chapters_on_theory_have_five_exercises_others_three(small):
    source = small.source("12_small")
    assert exercises.problems({"12_small": source}) == []
    assert exercises.problems({"09_small": source}) == ["09_small: 3 exercises, of at least 5"]
    last = CHAPTER[CHAPTER.index(":::{exercise} open") : CHAPTER.index("## What")]
    less = CHAPTER.replace(last, "")
    [few, no_open] = exercises.problems({"12_small": jupytext.reads(less, "md:myst")})
    assert few == "12_small: 2 exercises, of at least 3"
    assert no_open == "12_small: no exercise is titled 'open'"


def test_a_label_of_another_chapter_is_refused(small):
    source = small.source("12_small")
    wrong = exercises.problems({"12_small": source, "13_small": source})
    assert "13_small: the label ex-half is also in 12_small" in wrong
    assert "13_small: the label ch-small is also in 12_small" in wrong


def test_leftover_solution_text_is_detected(small):
    assert small.coursework() == []
    student = read(small, "student")
    assert not [s for s in sentences_of_solutions(CHAPTER) if s in everything(student)]
    student.cells[-1].source += "\n# It is found\n# by division."
    assert [s for s in sentences_of_solutions(CHAPTER) if s in everything(student)] == [
        "It is found by division"
    ]


def test_student_notebook_that_depends_on_a_solution_fails(small):
    path = small.root / "book/12_small.md"
    path.write_text(CHAPTER.replace("two + 1", "four + 1"))
    source = small.source("12_small")
    assert exercises.problems({"12_small": source}) != []
    with pytest.raises(CellExecutionError, match="'four' is not defined"):
        run(coursework.student(source, {}))


def test_the_student_version_of_a_chapter_of_the_book_runs(written):
    notebook = read(written, "student", "05_map_u")
    run(notebook)
