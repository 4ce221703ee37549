"""Questions on chapter 8, concentration."""

from fractions import Fraction
from math import ceil, exp, log, sqrt

import numpy as np

from bank import Question, integer, pick, question


def three_losses(rng: np.random.Generator) -> Question:
    c, classes = integer(rng, 2, 5), pick(rng, 5, 10, 20)
    eps, miss = pick(rng, 0.05, 0.1, 0.2), pick(rng, 0.05, 0.01)
    models = pick(rng, 10, 100, 1000)
    spread = log((1 + (classes - 1) * exp(2 * c)) / (1 + (classes - 1) * exp(-2 * c)))
    return question(
        "bank-08-three-losses",
        "ex-bounded-logits",
        "pen and paper",
        text=r"""
Logits lie in $[-<c>, <c>]$, there are $<classes>$ classes, and targets are one-hot. The λ's are independent.

(a) Bound the spread over λ of a pair's negative cosine $-\hat z^{\mathsf T} y$, of its Brier score $\lVert v - y \rVert^2$, and of its cross-entropy. For which of the three did you need the bound on the logits?

(b) How many pairs are enough, by the book's bound, for $|L - L_E| < <eps>$ with probability at least $<sure>$, with the cosine and with cross-entropy?

(c) The same for $<models>$ networks at once, fixed beforehand, with the cosine. By which factor does the number grow?
""",
        solution=r"""
(a) The cosine lies in $[-1, 1]$: spread 2. The Brier score lies between 0 and 2, where all of $v$ is at a wrong class: spread 2. Cross-entropy: $\log\frac{1 + (C - 1)e^{2c}}{1 + (C - 1)e^{-2c}} = <spread>$. Only the last needs the bound; without it there is none.

(b) $2\exp(-2n\varepsilon^2/\delta^2) \le <miss>$, so $n \ge \delta^2 \log(2/<miss>)/(2\varepsilon^2)$: $<cosine>$ pairs for $\delta = 2$, $<entropy>$ for $\delta = <spread>$.

(c) By the union bound $\log(2/<miss>)$ becomes $\log(2 \cdot <models>/<miss>)$: $<many>$ pairs, $<factor>$ times as many.
""",
        marking=[
            (4, r"(a) 2, 2 and $<spread>$; only cross-entropy needs bounded logits"),
            (4, "(b) the bound solved for $n$: $<cosine>$ and $<entropy>$"),
            (2, "(c) the union bound, $<many>$"),
        ],
        given={"c": c, "classes": classes, "eps": eps, "miss": miss, "models": models},
        answers={
            "spread": spread,
            "cosine": ceil(4 * log(2 / miss) / (2 * eps**2)),
            "entropy": ceil(spread**2 * log(2 / miss) / (2 * eps**2)),
            "many": ceil(4 * log(2 * models / miss) / (2 * eps**2)),
        },
        sure=1 - miss,
        factor=log(2 * models / miss) / log(2 / miss),
    )


def straight_curves(rng: np.random.Generator) -> Question:
    slopes = [-integer(rng, 2, 5), -integer(rng, 2, 5), integer(rng, 1, 3)]
    total, squares = sum(slopes), sum(b * b for b in slopes)
    return question(
        "bank-08-straight-curves",
        "ex-steady-batch",
        "pen and paper",
        text=r"""
The losses of the three pairs of a batch are straight lines in λ, with the slopes $<slopes>$. The policy is uniform.

(a) Compute the variance of the batch's mean loss if every pair draws its own λ, and if all share one.

(b) What is $\kappa^2$, and why may it be below 1 here?

(c) A fourth pair joins, with a loss that is a straight line too. Which slope makes κ zero? Which non-straight curve with the same variance could *not* do that?
""",
        solution=r"""
(a) A uniform λ has the variance $\frac1{12}$. Own: $\frac19 \cdot \frac1{12} \sum b_k^2 = <own>$. Shared: $\frac19 \cdot \frac1{12} \bigl(\sum b_k\bigr)^2 = <shared>$.

(b) $\kappa^2 = (\sum b_k)^2/\sum b_k^2 = <kappa>$. It is at least 1 if all losses fall, or all rise; here one goes the other way.

(c) The slope $-\sum b_k = <last>$. A curve that is symmetric about ½ has the covariance 0 with every straight line, so the variance of the sum could not be made less than that of the three.
""",
        marking=[
            (4, r"(a) $<own>$ and $<shared>$"),
            (3, r"(b) $\kappa^2 = <kappa>$, and the opposite directions"),
            (3, r"(c) the slope $<last>$; a curve that is even about ½"),
        ],
        given={"slopes": slopes},
        answers={
            "own": Fraction(squares, 108),
            "shared": Fraction(total**2, 108),
            "kappa": Fraction(total**2, squares),
            "last": -total,
        },
    )


def two_printed_spreads(rng: np.random.Generator) -> Question:
    size, other = pick(rng, (64, 256), (128, 32), (100, 400), (50, 200))
    rho = pick(rng, 0.05, 0.1, 0.2, 0.3, 0.4)
    own = pick(rng, 0.012, 0.02, 0.035)
    shown = round(own * sqrt(1 + (size - 1) * rho), 4)
    found = ((shown / own) ** 2 - 1) / (size - 1)
    return question(
        "bank-08-two-printed-spreads",
        "ex-stratified",
        "code",
        text=r"""
For batches of <size> pairs drawn independently from one $Q$, a cell prints the standard deviation of the batch's mean loss over the λ's, in the mean over many batches:

```text
own λ for each pair   <own>
one λ for the batch   <shown>
```

(a) Estimate κ, and the share ρ of a loss's variance that the pairs have in common.

(b) What do you expect of both lines for batches of <other>?

(c) In an epoch of $n = 51{,}200$ pairs, how many independent λ's would give the mean loss the standard deviation that one λ for each batch of <size> gives?
""",
        solution=r"""
(a) $\kappa = <shown>/<own> = <kappa>$. From $\kappa^2 = 1 + (B - 1)\rho$: $\rho = <rho>$.

(b) Own: the variance of a mean is in inverse proportion to the number, $<own>\sqrt{<size>/<other>} = <ownOther>$. Shared: times $\sqrt{1 + (<other> - 1)\rho} = <kappaOther>$, so $<sharedOther>$. For large batches the second line hardly falls any more.

(c) The variance is $\kappa^2$ times as large, as if there were $n/\kappa^2 = <worth>$ pairs with their own λ's.
""",
        marking=[
            (4, r"(a) $\kappa = <kappa>$, $\rho = <rho>$"),
            (4, "(b) $<ownOther>$ and $<sharedOther>$"),
            (2, "(c) about $<worth>$"),
        ],
        given={"size": size, "other": other, "own": own, "shown": shown},
        answers={
            "kappa": shown / own,
            "rho": found,
            "ownOther": own * sqrt(size / other),
            "sharedOther": own * sqrt(size / other) * sqrt(1 + (other - 1) * found),
            "worth": round(51200 * (own / shown) ** 2),
        },
        kappaOther=sqrt(1 + (other - 1) * found),
    )


QUESTIONS = (three_losses, straight_curves, two_printed_spreads)
