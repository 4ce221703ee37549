"""Questions on chapter 14, tables."""

from fractions import Fraction
from math import ceil

import numpy as np

from bank import Question, integer, pick, question


def holm(p: list[float]) -> list[float]:
    """Holm's corrected p-values, in the order of the given ones."""
    found, largest = [0.0] * len(p), 0.0
    for place, k in enumerate(np.argsort(p, kind="stable")):
        largest = max(largest, (len(p) - place) * p[k])
        found[k] = round(min(1.0, largest), 4)
    return found


def five_comparisons(rng: np.random.Generator) -> Question:
    small = pick(rng, 0.002, 0.004, 0.007)
    p = [small, pick(rng, 0.011, 0.012), pick(rng, 0.014, 0.016), 0.03, pick(rng, 0.2, 0.4)]
    p = [p[i] for i in rng.permutation(5)]
    bonferroni, corrected = [round(min(1.0, 5 * v), 4) for v in p], holm(p)
    counts = [sum(v < 0.05 for v in values) for values in (p, bonferroni, corrected)]
    return question(
        "bank-14-five-comparisons",
        "ex-holm-by-hand",
        "pen and paper",
        text=r"""
Five planned comparisons have $p = <p>$.

(a) Correct them by Bonferroni's method and by Holm's. How many are significant at 5 % by themselves, and by each method?

(b) A reviewer finds a sixth comparison in your code, with $p = 0.6$, that you had left out of the text. What becomes of the significant ones under Holm's method?

(c) Why is "correct only those that look promising" not a correction?
""",
        solution=r"""
(a) Bonferroni: $<bonferroni>$. Holm, from the smallest on with the factors 5, 4, 3, 2, 1, and never below an earlier one: $<holm>$ in the given order. Significant: <alone> by themselves, <byBonferroni> by Bonferroni, <byHolm> by Holm.

(b) All factors grow by one: $<holmSix>$ for the five. Now <six> are significant.

(c) Which ones look promising is decided by the same numbers. The chance that *some* true null hypothesis is rejected depends on all comparisons that could have been reported.
""",
        marking=[
            (2, "(a) Bonferroni: $<bonferroni>$"),
            (3, "(a) Holm: $<holm>$"),
            (1, "(a) <alone>, <byBonferroni> and <byHolm> significant"),
            (2, "(b) the factors grow by one; <six> are left"),
            (2, "(c) chosen by the same data"),
        ],
        given={"p": p},
        answers={"bonferroni": bonferroni, "holm": corrected, "counts": counts},
        alone=counts[0],
        byBonferroni=counts[1],
        byHolm=counts[2],
        holmSix=holm([*p, 0.6])[:5],
        six=sum(v < 0.05 for v in holm([*p, 0.6])[:5]),
    )


def fewer_runs(rng: np.random.Generator) -> Question:
    runs = pick(rng, 20, 50, 100)
    h1, h2 = pick(rng, (6, 8), (5, 12), (3, 4), (9, 12))
    gap = pick(rng, 4, 5, 6, 8)
    square = h1 * h1 + h2 * h2
    return question(
        "bank-14-fewer-runs",
        "ex-runs-needed",
        "pen and paper",
        text=r"""
A table reports two settings by $<runs>$ runs each. Their mean errors differ by $0.0<gap>$ percentage points; the half-widths of the 95 % intervals are $0.<h1two>$ and $0.<h2two>$.

(a) What is the half-width of the interval of the difference, if the runs are independent? Does it leave out zero?

(b) How many runs of each would make it leave out zero, had the means stayed as they are? And if the true difference were half as large?

(c) With that many runs a new study is done. The true difference is as in the table. With which probability, roughly, does its interval leave out zero on the right side?
""",
        solution=r"""
(a) $\sqrt{<h1>^2 + <h2>^2} = <half>$ hundredths of a point. As the difference is $<gap>$ hundredths, the interval <verdict>.

(b) The half-width falls with $\sqrt n$: $n = <runs> \cdot <square>/<gap>^2$, so $<needed>$ runs. For half the difference four times as many, $<quarter>$.

(c) About one half: the interval leaves out zero if the estimate exceeds its own half-width, which is the true difference; the estimate lies above its mean every other time. Who wants more than this needs more runs.
""",
        marking=[
            (2, r"(a) $<half>$ hundredths; it <verdict>"),
            (4, "(b) $<needed>$ and $<quarter>$"),
            (2, "(c) about one half"),
        ],
        given={"runs": runs, "h1": h1, "h2": h2, "gap": gap},
        answers={
            "half": round(square**0.5),
            "needed": ceil(Fraction(runs * square, gap**2)),
            "quarter": ceil(Fraction(4 * runs * square, gap**2)),
        },
        square=square,
        h1two=f"{h1:02d}",
        h2two=f"{h2:02d}",
        verdict="leaves out zero" if gap > square**0.5 else "holds zero",
    )


def two_widths(rng: np.random.Generator) -> Question:
    welch = integer(rng, 20, 40) / 100
    c = pick(rng, 0.36, 0.51, 0.64, 0.75, -0.21)
    paired = round(welch * (1 - c) ** 0.5, 3)
    n = pick(rng, 60, 80, 100)
    return question(
        "bank-14-two-widths",
        "ex-pair-by-seed",
        "code",
        text=r"""
For two settings with $<n>$ shared seeds and about equal variances a cell prints

```text
difference   paired width   Welch's width
<difference>        <paired>          <welch>
```

where a width is that of a 95 % interval (from end to end).

(a) Estimate the correlation of the two settings' errors at one seed.

(b) Which of the two intervals leave out zero? Which one would you report, and would you have reported the other if it had been the shorter one?

(c) How many shared seeds would have been enough for a paired width of $<welch>$?
""",
        solution=r"""
(a) The paired width is $\sqrt{1 - c}$ times Welch's, so $c = 1 - (<paired>/<welch>)^2 = <c>$.

(b) The half-widths are $<halfPaired>$ and $<halfWelch>$; <verdict>. The paired one, since the seeds are shared: it is right for each correlation, and Welch's is not. No: which one is right is decided by the design, before the numbers are seen.

(c) Widths fall with the root of the number: $<n> \cdot (<paired>/<welch>)^2 = <enough>$ seeds, rounded up.
""",
        marking=[
            (3, r"(a) $c = <c>$"),
            (3, "(b) both judged by half a width; the design decides which is right"),
            (2, "(c) $<enough>$"),
        ],
        given={"welch": welch, "paired": paired, "n": n},
        answers={
            "c": 1 - (paired / welch) ** 2,
            "enough": ceil(n * (paired / welch) ** 2),
        },
        difference=f"{0.45 * (welch + min(paired, welch)) / 2:.3f}",
        halfPaired=paired / 2,
        halfWelch=welch / 2,
        verdict=(
            "the paired interval leaves out zero, and Welch's holds it"
            if paired / 2 < 0.45 * (welch + min(paired, welch)) / 2 < welch / 2
            else "both hold zero"
            if 0.45 * (welch + min(paired, welch)) / 2 < min(welch, paired) / 2
            else "Welch's leaves out zero, and the paired one holds it"
        ),
    )


QUESTIONS = (five_comparisons, fewer_runs, two_widths)
