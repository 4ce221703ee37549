"""Questions on chapter 18, calibration."""

from fractions import Fraction
from math import exp, log

import numpy as np

from bank import Question, integer, pick, question


def two_margins(rng: np.random.Generator) -> Question:
    z = integer(rng, 2, 6)
    share = pick(rng, Fraction(4, 5), Fraction(9, 10), Fraction(3, 4), Fraction(7, 10))
    confidence = 1 / (1 + exp(-z))
    logit = log(share / (1 - share))
    a = float(share)
    return question(
        "bank-18-two-margins",
        "ex-calibrated-useless",
        "pen and paper",
        text=r"""
A network with two classes gives every sample the same margin: its larger logit exceeds the other by $<z>$. On the validation set the larger one is right for the share $<share>$.

(a) What are confidence and ECE before any scaling?

(b) Which temperature minimises the log-loss? Compute the log-loss before and after.

(c) What becomes of test error, ECE and log-loss if every prediction is replaced by its opposite *after* scaling? Which of the three would have told you alone?
""",
        solution=r"""
(a) $\sigma(<z>) = <confidence>$, and all samples lie in one bin, so the ECE is $\lvert <confidence> - <share~> \rvert = <ece>$.

(b) With $b = 1/T$ the confidence is $\sigma(<z> b)$, and the log-loss $-a\log\sigma(<z>b) - \bar a\log(1 - \sigma(<z>b))$ with $a = <share>$ is least where $\sigma(<z>b) = a$: $b = \operatorname{logit}(a)/<z>$, $T = <temperature>$. It falls from $<before>$ to $H(a) = <after>$ nats.

(c) The error becomes $<share>$. The share that is right is $1 - a$ at the confidence $a$: the ECE is $2a - 1 = <ece2>$. The log-loss is $<opposite>$ nats. Each of the three tells here; but an ECE near 0 alone would not have told that the network is any good.
""",
        marking=[
            (2, "(a) $<confidence>$ and $<ece>$"),
            (4, "(b) $T = <temperature>$; $<before>$ and $<after>$ nats"),
            (2, "(c) all three, with their values"),
        ],
        given={"z": z, "share": share},
        answers={
            "ece": abs(confidence - a),
            "temperature": z / logit,
            "before": -a * log(confidence) - (1 - a) * log(1 - confidence),
            "after": -a * log(a) - (1 - a) * log(1 - a),
        },
        confidence=confidence,
        ece2=2 * share - 1,
        opposite=-a * log(1 - a) - (1 - a) * log(a),
    )


def asked_by_a_power(rng: np.random.Generator) -> Question:
    k = integer(rng, 3, 7)
    t = pick(rng, Fraction(3, 4), Fraction(2, 3), Fraction(4, 5), Fraction(9, 10))
    asked = (t**k + 1 - (1 - t) ** k) / 2
    return question(
        "bank-18-asked-by-a-power",
        "ex-asked-along-slope",
        "pen and paper",
        text=r"""
Let λ be uniform and $\gamma(\lambda) = \lambda^{<k>}$. The pairs are exchangeable, $a$ and $b$ are of two classes, and no other pair has a mixture on their segment.

(a) Which probability π does the scheme ask for $a$'s class at $\lambda a + \bar\lambda b$? Compute it at $\lambda = <t>$.

(b) What does it ask for as $\lambda \to 1$, and how steeply does it get there? Compare with MixUp.

(c) Only $(a, b)$ is ever drawn, never $(b, a)$. What is asked for now at $<t>$? Is the network, if it follows, too sure or not sure enough by the law of (a)?
""",
        solution=r"""
(a) The mixture comes from $(a, b, \lambda)$ and from $(b, a, \bar\lambda)$, equally often. So $\pi = \frac12\bigl(\gamma(\lambda) + 1 - \gamma(\bar\lambda)\bigr) = \frac12(\lambda^{<k>} + 1 - \bar\lambda^{<k>})$: the canonical weight. At $<t>$ it is $<asked> \approx <asked~>$.

(b) It tends to 1. Its derivative is $\frac{<k>}{2}(\lambda^{<less>} + \bar\lambda^{<less>})$, which tends to $<slope>$ at 1. MixUp's is 1 everywhere.

(c) Then $\pi = \gamma(<t>) = <alone> \approx <alone~>$, less than before for $a$: judged by (a) it gives $a$'s class too little.
""",
        marking=[
            (4, r"(a) both orders, $<asked>$"),
            (3, r"(b) 1, with the slope $<slope>$"),
            (3, r"(c) $<alone>$, too little for $a$"),
        ],
        given={"k": k, "t": t},
        answers={
            "asked": asked,
            "slope": Fraction(k, 2),
            "alone": t**k,
        },
        less=k - 1,
    )


def four_bins(rng: np.random.Generator) -> Question:
    counts = [integer(rng, 2, 6) * 10 for _ in range(4)]
    means = [0.45, 0.65, 0.8, 0.95]
    rights = [
        max(0, min(n, round(n * m) + integer(rng, -n // 5, n // 8)))
        for n, m in zip(counts, means, strict=True)
    ]
    total = sum(counts)
    gaps = [abs(r - n * m) for n, m, r in zip(counts, means, rights, strict=True)]
    signed = [r - n * m for n, m, r in zip(counts, means, rights, strict=True)]
    merged = abs(signed[0] + signed[1]) + abs(signed[2] + signed[3])
    return question(
        "bank-18-four-bins",
        "ex-bins",
        "code",
        text=r"""
A cell prints, for each bin of confidence, how many samples it has, their mean confidence, and how many of them are right:

```text
bin          samples   confidence   right
<table>
```

(a) Compute the ECE.

(b) Join the first two bins and the last two. What is the ECE now? Can joining bins ever make it larger?

(c) Compute the mean confidence and the accuracy over all samples. Is the network too sure on the whole? Should its temperature be above or below 1, as far as this tells?
""",
        solution=r"""
(a) $\frac1n \sum_{\text{bins}} \lvert \text{right} - \text{samples} \cdot \text{confidence} \rvert = <ece>$, with $n = <total>$.

(b) Differences of one sign add up, those of opposite signs cancel: $<merged>$. It can never become larger, by the triangle inequality.

(c) Mean confidence $<confidence>$, accuracy $<accuracy>$: <verdict>. That is a hint only: the temperature minimises the log-loss, which weighs the samples otherwise.
""",
        marking=[
            (3, "(a) $<ece>$"),
            (3, "(b) $<merged>$; never larger, with the reason"),
            (2, "(c) $<confidence>$ against $<accuracy>$, and the direction"),
        ],
        given={"counts": counts, "means": means, "rights": rights},
        answers={
            "ece": sum(gaps) / total,
            "merged": merged / total,
            "confidence": sum(n * m for n, m in zip(counts, means, strict=True)) / total,
            "accuracy": sum(rights) / total,
        },
        total=total,
        verdict=(
            "too sure, which asks for a temperature above 1"
            if sum(signed) < 0
            else "not sure enough, which asks for a temperature below 1"
        ),
        table="\n".join(
            f"{bin_:12s} {n:5d}      {m:.2f}       {r:4d}"
            for bin_, n, m, r in zip(
                ("0.3-0.5", "0.5-0.7", "0.7-0.9", "0.9-1.0"), counts, means, rights, strict=True
            )
        ),
    )


QUESTIONS = (two_margins, asked_by_a_power, four_bins)
