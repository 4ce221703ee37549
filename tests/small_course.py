"""A book of one small chapter with exercises that ask for functions, for the tests of a course."""

from make import Book

TOC = "format: jb-book\nroot: book/intro\nparts: [{chapters: [{file: notebooks/12_small}]}]\n"
CHAPTER = """---
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---

(ch-small)=
# 12. Small

Two is even, as {cite:t}`euclid` says {cite:p}`euclid,other`.

```{code-cell} ipython3
:tags: [setup]

two = 2
```

```{code-cell} ipython3
:tags: [parameters]

dataset = "digits"  # of the chapter
```

```{code-cell} ipython3
---
tags: [hide-input]
mystnb:
  figure:
    caption: Two is seen.
    name: fig-two
  image:
    alt: Two dots.
---
check = two  # a name that the chapter uses itself
two
```

## Exercises

:::{exercise} pen and paper
:label: ex-half

Halve a number, and say why.
:::

:::{solution} ex-half
:label: sol-half
:class: dropdown

The half of two is one. It is found by division.
:::

:::{exercise} code
:label: ex-double

Double an array.
:::

:::{solution-start} ex-double
:label: sol-double
:class: dropdown
:::

Twice two makes four, as everybody knows.

```{code-cell} ipython3
four = 2 * two
```

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
"""
DOUBLE = '''import numpy as np

SECRET_FACTOR = 2
TRIED = (1.0, 3.0)


def doubled(x):
    """Twice an array.

    x: an array. Returns an array like x.
    """
    # the reference
    return times(x, SECRET_FACTOR)


def times(x, factor):
    return np.multiply(x, factor)


def check(doubled):
    if not same(doubled(np.array(TRIED)), [2, 6]):
        return "Twice 1 is 2, and twice 3 is 6."
    return None


def same(a, b):
    return np.allclose(a, b)


def draw(rng):
    return (rng.normal(size=3),)


def agree(got, wanted):
    return got is not None and np.allclose(got, wanted)


def wrong_square(x):
    """Squares.

    Say: try 3.
    """
    return x**2


def wrong_absolute(x):
    """Forgets the sign.

    Say: try a negative number.
    """
    return 2 * np.abs(x)
'''
HALF = '''def halved(x):
    """Half of a number.

    x: a number. Returns a number.
    """
    return x / 2


def check(halved):
    if halved(4) != 2:
        return "Half of 4 is 2."
    return None


def draw(rng):
    return (float(rng.normal()),)


def wrong_whole(x):
    """Divides whole numbers.

    Say: try 3.
    """
    return x // 2


def wrong_nothing(x):
    """Gives it back.

    Say: try 4.
    """
    return x
'''
FACTS = """ex-half: {name: A half, minutes: 10, points: 6, difficulty: 1}
ex-double: {name: A double, minutes: 10, points: 5, difficulty: 1}
ex-wonder: {name: A wonder, minutes: 10, points: 3, difficulty: 1}
"""
BIB = """@book{euclid,
  title = {Elements},
  author = {Euclid},
  year = {300},
}
@article{other,
  title = {On {Two}},
  author = {One, A. and Two, B. and L{\\'e}on, C.},
  journal = {Journal},
  year = {2001},
}
"""
DOUBLED = "def doubled(x):\n    return {}\n"
HALVED = "def halved(x):\n    return {}\n"


def book(root):
    """The book of this chapter below a folder."""
    for folder in ("book/checks", "notebooks"):
        (root / folder).mkdir(parents=True)
    (root / "_toc.yml").write_text(TOC)
    (root / "book/intro.md").write_text("# A small book\n")
    (root / "book/12_small.md").write_text(CHAPTER)
    (root / "book/exercises.yaml").write_text(FACTS)
    (root / "book/references.bib").write_text(BIB)
    (root / "book/checks/ex_double.py").write_text(DOUBLE)
    (root / "book/checks/ex_half.py").write_text(HALF)
    return Book(root)


def answered(notebook, student="", **answers):
    """A student's notebook with the cells of these functions, by their names, filled in."""
    for cell in notebook.cells:
        for name, source in answers.items():
            if cell.cell_type == "code" and cell.source.startswith(f"def {name}("):
                cell.source = source
        if cell.source.startswith("student ="):
            cell.source = f"student = {student!r}"
    return notebook
