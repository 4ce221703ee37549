"""How long a chapter takes to read, counted; and its longest stretch of words alone."""

import jupytext
import pytest
import reading

HEAD = """---
jupytext:
  text_representation: {extension: .md, format_name: myst}
kernelspec: {display_name: Python 3, language: python, name: python3}
---

"""


def chapter(body):
    return jupytext.reads(HEAD + body, fmt="md:myst")


def code(lines, tags=""):
    about = f":tags: [{tags}]\n\n" if tags else ""
    return "\n```{code-cell} ipython3\n" + about + "x = 1\n" * lines + "```\n"


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("Six words, and two of them.", 6),
        ("A [linked](https://example.org/a-b) word", 3),
        ("By {ref}`ch-mixup` and {prf:ref}`Lemma 1 <lem-1>`", 5),
        ("the ratio $\\lambda$", 3),
        ("$\\tilde x = \\lambda x + \\bar\\lambda x'$", 5),  # 10 symbols, the bars among them
        (":label: not-read\n(not-read)=\n| a | b |\n| --- | --- |", 2),
    ],
)
def test_words(text, count):
    assert reading.words(text) == count


def test_a_page_of_words_takes_a_minute_and_a_proof_twice_as_long():
    words = "word " * 120
    assert reading.minutes(chapter(words)) == pytest.approx(1)
    assert reading.minutes(chapter(f":::{{prf:proof}}\n{words}\n:::\n")) == pytest.approx(2)


def test_shown_code_takes_six_seconds_a_line_and_folded_code_none():
    assert reading.minutes(chapter(code(20))) == pytest.approx(2)
    for tag in ("setup", "verified", "plumbing", "parameters", "hide-input"):
        assert reading.minutes(chapter(code(20, tag))) == 0


def test_exercises_and_folded_text_are_not_read_but_the_answers_of_a_quiz_are():
    exercise = ":::{exercise} code\n:label: ex-a\nword word\n:::\n"
    solution = ":::{solution} ex-a\n:label: sol-a\n:class: dropdown\nword\n:::\n"
    assert reading.minutes(chapter(exercise + "\n" + solution)) == 0
    folded = ":::{{admonition}} {}\n:class: dropdown\n" + "word " * 117 + "\n:::\n"
    assert reading.minutes(chapter(folded.format("The general case"))) < 0.1
    assert reading.minutes(chapter(folded.format("1. Why?"))) == pytest.approx(1, abs=0.02)


def test_a_figure_a_table_or_code_ends_a_stretch():
    words = "word " * 100
    table = "\n| a | b |\n| --- | --- |\n| 1 | 2 |\n"
    assert reading.longest_stretch(chapter(words * 2)) == 200
    assert reading.longest_stretch(chapter(words + code(1) + words)) == 100
    assert reading.longest_stretch(chapter(words + code(3, "hide-input") + words)) == 100
    assert reading.longest_stretch(chapter(words + code(3, "verified") + words)) == 200
    assert reading.longest_stretch(chapter(f"{words}\n{table}\n\n{words}")) < 110
