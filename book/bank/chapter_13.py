"""Questions on chapter 13, when mixing helps."""

from fractions import Fraction
from math import ceil

import numpy as np
from scipy import stats

from bank import Question, integer, pick, question


def unequal_spreads(rng: np.random.Generator) -> Question:
    a, b = pick(rng, (3, 4), (2, 3), (4, 5), (3, 6), (2, 4))
    r = pick(rng, Fraction(1, 2), Fraction(3, 4), Fraction(2, 3), Fraction(1, 3))
    own = a * a + b * b
    paired = own - 2 * r * a * b
    return question(
        "bank-13-unequal-spreads",
        "ex-when-paired",
        "pen and paper",
        text=r"""
Over seeds the errors of two settings have the standard deviations $<a>$ and $<b>$ (in tenths of a percentage point), and at one seed the correlation $r = <r>$.

(a) What is the variance of the paired difference of $n$ seeds? And with seeds of their own for each setting?

(b) How many times as many seeds does the unpaired comparison need for the same variance?

(c) The half-width of the 95 % interval of the paired mean difference should be 1 (a tenth of a point). About how many seeds are that, by the normal point 1.96?

(d) For which $r$ does pairing double the variance, and can this be, with these standard deviations?
""",
        solution=r"""
(a) $\operatorname{Var}(X - Y) = <a>^2 + <b>^2 - 2 r \cdot <a> \cdot <b>$, over $n$: $<paired>/n$. With seeds of their own $<own>/n$.

(b) $<own>/(<paired>) = <times> \approx <times~>$ times as many.

(c) $1.96\sqrt{<paired>/n} \le 1$: $n \ge <seeds>$.

(d) $-2r \cdot <a> \cdot <b> = <own>$, so $r = -<own>/<twice> = <double>$, which is <possible>.
""",
        marking=[
            (3, r"(a) $<paired>/n$ and $<own>/n$"),
            (1, r"(b) $<times>$"),
            (2, "(c) $<seeds>$ seeds"),
            (2, "(d) $<double>$, with the check that a correlation is at least −1"),
        ],
        given={"a": a, "b": b, "r": r},
        answers={
            "paired": paired,
            "times": own / paired,
            "seeds": ceil(1.96**2 * float(paired)),
            "double": Fraction(-own, 2 * a * b),
        },
        own=own,
        twice=2 * a * b,
        possible="possible only with equal spreads" if a == b else "below −1, so it cannot be",
    )


def five_seeds(rng: np.random.Generator) -> Question:
    common = [integer(rng, -8, 8) for _ in range(5)]
    one = [50 + c + integer(rng, -2, 2) for c in common]
    other = [53 + c + integer(rng, -2, 2) for c in common]
    if len({x - y for x, y in zip(one, other, strict=True)}) == 1:
        other[0] += 1
    differences = np.array(one) / 10 - np.array(other) / 10
    point = float(stats.t.ppf(0.975, 4))
    half = point * differences.std(ddof=1) / 5**0.5
    low, high = differences.mean() - half, differences.mean() + half
    apart = (np.var(one, ddof=1) + np.var(other, ddof=1)) / 100
    return question(
        "bank-13-five-seeds",
        "ex-when-hard",
        "code",
        text=r"""
The records of a cell of a phase diagram, errors in percent:

```text
seed        0      1      2      3      4
MixUp   <oneRow>
ERM     <otherRow>
```

(a) Compute the mean paired difference MixUp − ERM and its 95 % interval. (Student's point for 4 degrees of freedom is 2.776; a calculator is allowed.)

(b) Somebody compares the two means as if the seeds had nothing in common. What is the estimated standard error of the difference then, and what does it overlook?

(c) There are 15 such cells, and this one was picked as the one with the largest difference. What may be said of it, and what would you do next?
""",
        solution=r"""
(a) The differences are <differences>: mean $<mean>$, standard deviation $<std>$. The half-width is $2.776 \cdot <std>/\sqrt 5 = <half>$, the interval from $<low>$ to $<high>$: it <verdict>.

(b) $\sqrt{(s_1^2 + s_2^2)/5} = <error>$, against $<pairedError>$ for the paired difference. It overlooks that seeds which are hard for one setting are hard for the other.

(c) The interval holds for a cell that was fixed beforehand. The largest of 15 is too large on average, so it needs a correction for 15 comparisons, or, better, new seeds of this one cell, with their number fixed first.
""",
        marking=[
            (5, "(a) the differences, mean $<mean>$, from $<low>$ to $<high>$"),
            (2, "(b) $<error>$ against $<pairedError>$, with what is overlooked"),
            (3, "(c) picked after looking; a correction, or new seeds"),
        ],
        given={"one": one, "other": other},
        answers={
            "mean": float(differences.mean()),
            "low": float(low),
            "high": float(high),
            "error": float((apart / 5) ** 0.5),
        },
        std=float(differences.std(ddof=1)),
        half=float(half),
        pairedError=float(differences.std(ddof=1) / 5**0.5),
        differences=", ".join(f"{d:.1f}" for d in differences),
        verdict="leaves out zero" if low * high > 0 else "holds zero",
        oneRow="   ".join(f"{v / 10:4.1f}" for v in one),
        otherRow="   ".join(f"{v / 10:4.1f}" for v in other),
    )


def a_pilot(rng: np.random.Generator) -> Question:
    spread, smallest = pick(rng, 0.4, 0.5, 0.8, 1.0), pick(rng, 0.1, 0.2, 0.25)
    cells = pick(rng, 4, 6, 9)
    seeds = ceil((1.96 + 0.8416) ** 2 * (spread / smallest) ** 2)
    return question(
        "bank-13-a-pilot",
        "ex-when-own",
        "open",
        text=r"""
You have a data set of your own, and ask whether mixing helps there with little data. A pilot of five seeds gives paired differences with the standard deviation $<spread>$ percentage points. A difference of $<smallest>$ points would matter to you.

How many seeds notice it with a power of 80 % at the level of 5 % (normal points 1.96 and 0.84)? You have the time for $<budget>$ paired runs in all, over $<cells>$ cells of sizes and lengths. Write the plan: which cells, which comparison is primary, what is corrected, when it may stop early, and what you will say for each of the three possible outcomes (better, worse, undecided).
""",
        solution=r"""
$n = (1.96 + 0.84)^2 (<spread>/<smallest>)^2 \approx <seeds>$ seeds for one comparison. All $<cells>$ cells would need $<all>$ paired runs, twice what there is. So either half of the cells, or a larger smallest difference: $n = <budget>/<cells>$ seeds a cell notice $<coarser>$ points.

A good plan names one primary comparison (one cell, or the mean over all cells), and calls the others secondary, corrected together by Holm's method. The pilot's seeds are not used again. Seeds come in order, so that the study may stop when the time is up; it does not stop because a result looks good. Outcomes: an interval on one side of zero is a difference *on this data set with this recipe*; an interval that holds zero is reported with its ends, which bound the effect, and "undecided" is said if it is longer than the difference that matters.
""",
        marking=[
            (3, "$<seeds>$ seeds, and that the budget is half of what all cells need"),
            (3, "one primary comparison, and a correction for the others"),
            (2, "a rule for stopping that does not look at the result"),
            (2, "what is said in each of the three cases"),
        ],
        given={"spread": spread, "smallest": smallest, "cells": cells},
        answers={"seeds": seeds, "all": seeds * cells},
        budget=seeds * cells // 2,
        coarser=(1.96 + 0.8416) * spread / (seeds * cells // 2 // cells) ** 0.5,
    )


QUESTIONS = (unequal_spreads, five_seeds, a_pilot)
