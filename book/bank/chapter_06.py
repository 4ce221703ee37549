"""Questions on chapter 6, the family."""

from fractions import Fraction

import numpy as np

from bank import Question, integer, pick, question


def steeper_power(rng: np.random.Generator) -> Question:
    k = integer(rng, 3, 7)
    t = pick(rng, Fraction(3, 4), Fraction(2, 3), Fraction(4, 5))
    move = Fraction(1, 2) + Fraction(1, k + 1) - Fraction(2, k + 2)
    return question(
        "bank-06-steeper-power",
        "ex-cdf-weight",
        "pen and paper",
        text=r"""
Take uniform λ with $\gamma(\lambda) = \lambda^{<k>}$. (For the exponent 2 this is a twin of MixUp(1).)

(a) Compute the canonical weight at $\lambda = <t>$, and compare it with MixUp's.

(b) The density of $D$ lies above $2\mu$ for $0 < \mu < \frac12$ and below it for $\frac12 < \mu < 1$. Why does the Wasserstein-1 distance to MixUp(1) then equal the difference of two means? Compute it.

(c) Which of the two has the smaller mean move? Is that what you expected of an image that gives its label away more readily?
""",
        solution=r"""
(a) The policy is symmetric, so $\gamma_c(\lambda) = \frac12\bigl(\gamma(\lambda) + 1 - \gamma(\bar\lambda)\bigr) = \frac12\bigl(<t>^{<k>} + 1 - <tbar>^{<k>}\bigr) = <canonical>$, against $<t>$ for MixUp: nearer to ½.

(b) $W_1 = \int |F_1 - F_2|$. The difference of the distribution functions rises up to ½ and falls back to 0 at 1, so it keeps its sign, and the integral of the absolute value is that of the difference, which is the difference of the means of $\mu$. They are $1 - \frac13$ and $1 - <move>$, where $\mathbb{E}[1 - \mu] = \frac12 + \frac1{<k1>} - \frac2{<k2>}$. So $W_1 = <distance>$.

(c) MixUp(1), with ⅓ against $<move>$. A steeper power gives the label away more often at every λ: more tails, which show the point from its far side. So the image that keeps its label has moved further.
""",
        marking=[
            (3, r"(a) the mean of heads and tails, $<canonical>$"),
            (4, "(b) the difference of the distribution functions keeps its sign"),
            (3, r"(b) $W_1 = <distance>$"),
            (2, "(c) MixUp(1) moves less, with a reason"),
        ],
        given={"k": k, "t": t},
        answers={
            "canonical": (t**k + 1 - (1 - t) ** k) / 2,
            "move": move,
            "distance": move - Fraction(1, 3),
        },
        tbar=1 - t,
        k1=k + 1,
        k2=k + 2,
    )


def sort_the_twins(rng: np.random.Generator) -> Question:
    a = integer(rng, 2, 6)
    schemes = [
        (f"B({a},{a})", 0, rf"MixUp with $B({a}, {a})$"),
        (f"DAT(B({a + 1},{a}))", 0, rf"DAT with $B({a + 1}, {a})$"),
        (f"B({a + 1},{a})", 0, rf"MixUp with $B({a + 1}, {a})$"),
        (f"U(B({a},{a}))", 1, rf"$U(B({a}, {a}))$"),
        (f"DAT(B({a},{a}))", 1, rf"DAT with $B({a}, {a})$"),
        (f"DAT(B({a},{a + 1}))", 2, rf"DAT with $B({a}, {a + 1})$"),
    ]
    chosen = [schemes[i] for i in rng.permutation(6)]
    groups = [[k + 1 for k, s in enumerate(chosen) if s[1] == g] for g in range(3)]
    return question(
        "bank-06-sort-the-twins",
        "ex-class-of-erm",
        "pen and paper",
        text=r"""
Sort these six schemes into classes of twins, and give for each class its DAT policy and its canonical form:

<listed>

Then: which of the six train on whole labels only? And which have the quietest gradient in the class of number <first>?
""",
        solution=r"""
$D(p, \mathrm{id}) = \lambda\,(p + \bar p)$. For $B(<a>, <a>)$ this is $B(<a1>, <a>)$. For the policy $B(<a1>, <a>)$ the sum $p + \bar p$ is proportional to $(\lambda\bar\lambda)^{<am>}(\lambda + \bar\lambda)$, so it is $2 B(<a>, <a>)$ again, with the same $D$. DAT's policy is its own $D$, and $D(U(q)) = q$.

The classes are: numbers <g0> with $D = B(<a1>, <a>)$, canonical form MixUp($<a>$); numbers <g1> with $D = B(<a>, <a>)$, canonical form $B(<a>, <a>)$ with $\gamma \equiv \frac12$; number <g2> with $D = B(<a>, <a1>)$, canonical form $B(<a>, <a>)$ with $\gamma = \bar\lambda$.

Whole labels: the three DAT schemes. In the class of number <first>, the first of the three classes, every MixUp is as quiet as the canonical form, and DAT is the loudest.
""",
        marking=[
            (4, "the classes <g0>; <g1>; <g2>"),
            (3, "the three DAT policies and canonical forms"),
            (1, "whole labels: the DAT schemes"),
            (2, "both MixUps are as quiet as the canonical form"),
        ],
        given={"a": a, "texts": [s[0] for s in chosen]},
        answers={"groups": groups},
        listed="\n".join(f"{k + 1}. {s[2]}" for k, s in enumerate(chosen)),
        g0=groups[0],
        g1=groups[1],
        g2=groups[2],
        first=groups[0][0],
        a1=a + 1,
        am=a - 1,
    )


def printed_distances(rng: np.random.Generator) -> Question:
    t, s = pick(rng, (0.8, 0.6), (0.7, 0.9), (0.9, 0.6), (0.6, 0.8))
    bar, sbar = round(1 - t, 1), round(1 - s, 1)
    return question(
        "bank-06-printed-distances",
        "ex-blind-masks",
        "code",
        text=r"""
```python
def fixed(t):
    return um.umixup(um.policies.PointMass(t), lambda v: v)

distance = um.equivalence.distance
print(distance(fixed(<t>), um.erm()))
print(distance(fixed(<t>), fixed(<bar>)))
print(distance(fixed(<t>), um.dat(um.policies.PointMass(<s>))))
print(distance(fixed(<t>), fixed(<s>)))
```

(a) What is $D$ of `fixed(t)`?

(b) Which four numbers are printed?

(c) One of them is 0. What does this say about training with the two schemes, and what does it not say?
""",
        solution=r"""
(a) Mass $t$ at $t$ and mass $\bar t$ at $\bar t$.

(b) To plain training, whose $D$ is all mass at 1: $\mathbb{E}[1 - \mu] = 2 t\bar t = <erm>$. The second is 0: both have mass $<t>$ at $<t>$. To a point mass at $<s>$: $\mathbb{E}|\mu - <s>| = <dat>$. For the last, the mass of `fixed(<t>)` lies at $<bar>$ and $<t>$ and the other at $<sbar>$ and $<s>$: the distribution functions differ on the three intervals between these points, by $<outer>$, $<inner>$ and $<rest>$, and the area is $<both>$.

(c) Twins: at any weights, the same expected loss and, with it, the same expected gradient, on a symmetric sequence or with exchangeable pairs. It does not say that two runs are equal: batches differ by chance.
""",
        marking=[
            (2, "(a) two masses"),
            (4, "(b) $<erm>$, 0, $<dat>$, $<both>$: a point each"),
            (2, "(c) equal expected losses and gradients, not equal runs"),
        ],
        given={"t": t, "s": s},
        answers={
            "erm": 2 * t * bar,
            "dat": t * abs(t - s) + bar * abs(bar - s),
            "both": 2 * abs(t - s) * min(t, s),
        },
        bar=bar,
        sbar=sbar,
        outer=min(bar, sbar),
        inner=abs(bar - sbar),
        rest=1 - min(bar, sbar),
    )


def same_first_moment(rng: np.random.Generator) -> Question:
    m = pick(rng, Fraction(1, 3), Fraction(1, 4), Fraction(2, 5))
    factor = pick(rng, Fraction(11, 20), Fraction(9, 20), Fraction(7, 10), Fraction(3, 5))
    second = m * factor
    total = (m - second) / (second - m**2)
    return question(
        "bank-06-same-first-moment",
        "ex-two-moments",
        "open",
        text=r"""
To second order a scheme is the two moments $m_1 = \mathbb{E}[\bar\mu]$ and $m_2 = \mathbb{E}[\bar\mu^2]$ of its DAT policy. For MixUp $m_2 = \frac12 m_1$.

Find the Beta policy with $m_1 = <m>$ and $m_2 = <factor>\, m_1$. Then plan an experiment on whether the second moment matters for the test error at this $m_1$: the schemes, what they share, the number of runs, what you would report if nothing is found. Name one quantity, beside the two moments, that differs between your schemes and could be mistaken for the cause.
""",
        solution=r"""
With $\alpha + \beta = S$, $m_1 = \beta/S$ and $m_2 = \beta(\beta + 1)/(S(S + 1))$. So $S = (m_1 - m_2)/(m_2 - m_1^2) = <total>$, $\beta = m_1 S = <beta>$ and $\alpha = <alpha>$.

One plan: three schemes $U(q)$ with $m_1 = <m>$: this one, MixUp with $\alpha = m_1/(1 - 2m_1)$, and a third on the other side of MixUp's $m_2$. All in UMixUp form, so that no coin is in them, with the same seeds and the same pairs. A pilot of five seeds gives the spread of the paired differences, and with it the number of runs for the smallest difference worth knowing. Report the paired intervals of both comparisons, corrected together, and if they hold zero, their length, which bounds the effect. First check how good the expansion is at this $m_1$: compare it with the loss curve of a trained network. What else differs: the label entropy of the canonical form, the noise of the gradient, and the third moment; the first two can be computed beforehand and reported beside.
""",
        marking=[
            (4, r"$S = <total>$, $\alpha = <alpha>$, $\beta = <beta>$"),
            (
                4,
                "a plan: UMixUp forms, shared seeds, a number of runs from a pilot, one correction",
            ),
            (2, "what a null result says: an interval"),
            (2, "label entropy, noise or the third moment named as a rival cause"),
        ],
        given={"m": m, "factor": factor},
        answers={"total": total, "beta": m * total, "alpha": (1 - m) * total},
    )


QUESTIONS = (steeper_power, sort_the_twins, printed_distances, same_first_moment)
