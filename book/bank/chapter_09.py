"""Questions on chapter 9, the theorem."""

from fractions import Fraction
from math import ceil, log

import numpy as np

from bank import Question, integer, pick, question


def which_bound(rng: np.random.Generator) -> Question:
    v = pick(rng, 0.8, 1.2, 2.0, 2.5)
    u, d, g = (integer(rng, 2, 5), integer(rng, 4, 8), integer(rng, 2, 6))
    eps, miss = pick(rng, 0.05, 0.1, 0.2), pick(rng, 0.05, 0.01, 0.001)
    size = pick(rng, 8, 16, 32)
    squares = u * u + d * d + g * g
    return question(
        "bank-09-which-bound",
        "ex-theorem-chebyshev",
        "pen and paper",
        text=r"""
At fixed weights the widths are $\delta_{\mathrm{U}} = <u>$, $\delta_{\mathrm{D}} = <d>$, $\delta_G = <g>$, and the sum of the three variances is $v = <v>$. We want $|L_n^{\mathrm{uMix}} - L_n^{\mathrm{DAT}}| < <eps>$ but for a probability of $<miss>$.

(a) How many pairs are enough by the exponential bound, and how many by Chebyshev's inequality?

(b) At which probability do both ask for equally many? Give the equation, and say on which side of it $<miss>$ lies.

(c) Now the pairs of a batch of $<size>$ share their ratios. How many pairs does the exponential bound ask for? Which of the three widths is not multiplied, and why?
""",
        solution=r"""
(a) $n \ge (\delta_{\mathrm{U}}^2 + \delta_{\mathrm{D}}^2 + \delta_G^2) \log(2/a)/(2\varepsilon^2)$ with the sum $<squares>$: $<exponential>$. Chebyshev: $n \ge v/(a\varepsilon^2)$: $<chebyshev>$.

(b) $\frac12 \cdot <squares>\, \log(2/a) = <v>/a$. For small $a$ the right side is larger. At $<miss>$, <fewer> asks for fewer pairs.

(c) The sum becomes $<size>\,(\delta_{\mathrm{U}}^2 + \delta_{\mathrm{D}}^2) + \delta_G^2$: $<batch>$ pairs. The gaps are averages over λ, and depend on the pairs alone, which are still independent.
""",
        marking=[
            (4, "(a) $<exponential>$ and $<chebyshev>$"),
            (3, "(b) the equation, and <fewer> at this probability"),
            (3, "(c) $<batch>$; the gap does not share anything"),
        ],
        given={"v": v, "u": u, "d": d, "g": g, "eps": eps, "miss": miss, "size": size},
        answers={
            "exponential": ceil(squares * log(2 / miss) / (2 * eps**2)),
            "chebyshev": ceil(round(v / (miss * eps**2), 6)),
            "batch": ceil((size * (u * u + d * d) + g * g) * log(2 / miss) / (2 * eps**2)),
        },
        squares=squares,
        fewer="Chebyshev" if v / miss < squares * log(2 / miss) / 2 else "the exponential bound",
    )


def three_samples(rng: np.random.Generator) -> Question:
    g12, g23 = integer(rng, 1, 4), integer(rng, 1, 4)
    g13 = g12 + g23 + pick(rng, -3, 3, 6, -6)
    theta = Fraction(g12 + g23 - g13, 3)
    squares = g12**2 + g23**2 + g13**2
    return question(
        "bank-09-three-samples",
        "ex-theorem-two-copies",
        "pen and paper",
        text=r"""
A training set has three samples, with the gaps $G(1, 2) = <g12>$, $G(2, 3) = <g23>$, $G(1, 3) = <g13>$.

(a) Complete the matrix of all nine gaps. What is the mean gap of a uniform pair, and why must it be so?

(b) Three independent uniform pairs: what is the variance of their mean gap?

(c) Two shuffled copies: three pairs in which each sample comes first once and second once. Find the mean gap of each of the six ways, and its variance.

(d) For which value of $G(1, 3)$ would the variance in (c) be zero? What does this mean?
""",
        solution=r"""
(a) $G(b, a) = -G(a, b)$, and $G(a, a) = 0$. So the nine add up to 0, and the mean is 0.

(b) The variance of one is $\frac19 \cdot 2 (<g12>^2 + <g23>^2 + <g13>^2) = <one>$, of the mean of three $<own>$.

(c) Of the six permutations the identity and the three exchanges of two give a mean of 0 (a pair and its mirror cancel). The two cycles give $\pm\frac13 (G(1, 2) + G(2, 3) + G(3, 1)) = \pm<theta>$. So the variance is $\frac26 \cdot <theta>^2 = <copies>$.

(d) $G(1, 3) = G(1, 2) + G(2, 3) = <additive>$. Then the gap is additive, $\varphi(b) - \varphi(a)$, and cancels over every epoch of two copies.
""",
        marking=[
            (2, "(a) antisymmetric, mean 0"),
            (3, r"(b) $<own>$"),
            (5, r"(c) four ways with 0, two with $\pm<theta>$; $<copies>$"),
            (2, "(d) $<additive>$, an additive gap"),
        ],
        given={"g12": g12, "g23": g23, "g13": g13},
        answers={"own": Fraction(2 * squares, 27), "copies": theta**2 / 3},
        one=Fraction(2 * squares, 9),
        theta=abs(theta),
        additive=g12 + g23,
    )


def a_gap_that_stays(rng: np.random.Generator) -> Question:
    s, bias = pick(rng, 0.8, 1.0, 1.6, 2.0), pick(rng, 0.02, 0.03, 0.05)
    sizes = (400, 1600, 6400)
    noise = rng.normal(size=(2, 3)) / 12
    means = [
        [s * z / n**0.5 + (0, bias)[row] for z, n in zip(noise[row], sizes, strict=True)]
        for row in (0, 1)
    ]
    swap = bool(rng.integers(2))
    rows = means[::-1] if swap else means
    biased = "A" if swap else "B"
    lines = "\n".join(
        f"{n:6d}   {rows[0][k]:+.4f} ± {s / n**0.5:.4f}   {rows[1][k]:+.4f} ± {s / n**0.5:.4f}"
        for k, n in enumerate(sizes)
    )
    return question(
        "bank-09-a-gap-that-stays",
        "ex-theorem-same-class",
        "code",
        text=r"""
Two lists of pairs, A and B, are drawn in two ways from one data set. For each, `difference(n)` gives $L_n^{\mathrm{uMix}} - L_n^{\mathrm{DAT}}$ on $n$ new i.i.d. pairs, with $(p, \gamma) = U(q)$. Over 144 repetitions the mean and the standard deviation of *one* difference are

```text
     n            list A               list B
<lines>
```

(a) Which list has an exchangeable $Q$, and how do you see it? Give the standard error of a mean in the last row.

(b) For the other list, what do the numbers converge to as $n \to \infty$? Express it by $g^{\mathrm{DAT}}$.

(c) With a single repetition, from about which $n$ on does the list betray itself, if a difference of two standard deviations is asked for?
""",
        solution=r"""
(a) List <fair>: its means are within a few standard errors of 0 at every $n$. (A mean of 144 has a twelfth of the standard deviation as its standard error: $<error>$ in the last row.) List <biased> keeps its mean, while the standard deviation halves with every fourfold $n$.

(b) To the mean gap $\mathbb{E}\,G(X, X') = \frac12\, \mathbb{E}[g^{\mathrm{DAT}}(X', X) - g^{\mathrm{DAT}}(X, X')]$, here about $<bias>$. For an exchangeable $Q$ the two means agree.

(c) The standard deviation is about $<s>/\sqrt n$; $2 \cdot <s>/\sqrt n < <bias>$ from about $n = <needed>$ on.
""",
        marking=[
            (3, "(a) list <fair>, with the standard error $<error>$"),
            (3, "(b) the mean gap, by the means of $g^{\\mathrm{DAT}}$"),
            (2, "(c) about $<needed>$"),
        ],
        given={"s": s, "bias": bias, "rows": rows},
        answers={
            "biased": biased,
            "error": s / 6400**0.5 / 12,
            "needed": round(4 * s * s / bias**2),
        },
        fair="A" if biased == "B" else "B",
        lines=lines,
    )


QUESTIONS = (which_bound, three_samples, a_gap_that_stays)
