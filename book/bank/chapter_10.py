"""Questions on chapter 10, noise."""

from fractions import Fraction

import numpy as np

from bank import Question, integer, pick, question

DERANGED = {2: 1, 3: 2, 4: 9, 5: 44, 6: 265, 7: 1854}  # permutations without a fixed point


def along_the_bridge(rng: np.random.Generator) -> Question:
    w = pick(rng, Fraction(2, 3), Fraction(3, 4), Fraction(3, 5), Fraction(4, 5))
    kappa = pick(rng, Fraction(2, 3), Fraction(3, 4), Fraction(4, 5), Fraction(9, 10))
    rho = kappa * w + (1 - kappa) * (1 - w)
    coin = w * (1 - w)
    added = (2 * kappa - 1) ** 2 * coin**2 / (rho * (1 - rho))
    return question(
        "bank-10-along-the-bridge",
        "ex-beyond-bridge",
        "pen and paper",
        text=r"""
DAT's policy $q$ has the mass $w = <w>$ at $t$ and $\bar w$ at $\bar t$, for some $t > \frac12$. The difference $d$ of the two labels' gradients has $\lVert d \rVert = 1$ at every mixed sample.

(a) Write down $U(q)$ and the twin with the prior $\kappa = <kappa>$: masses and weights.

(b) By how much is DAT noisier than $U(q)$, and the twin noisier than $U(q)$? (Total variance of one pair's gradient.)

(c) Which share of the coin's noise is left in the twin? Compare it with the bound $(2\kappa - 1)^2$ of the book.
""",
        solution=r"""
(a) $U(q)$: ½ at $t$ and at $\bar t$, with $\gamma(t) = w$, $\gamma(\bar t) = \bar w$. The twin: $p_\kappa = \kappa q + \bar\kappa\bar q$ has the mass $\rho = \kappa w + \bar\kappa\bar w = <rho>$ at $t$ and $<rhoBar>$ at $\bar t$, and $\gamma = \kappa q/p_\kappa$: $<gammaT>$ at $t$ and $<gammaBar>$ at $\bar t$.

(b) DAT: $w\bar w = <coin>$. The twin: with $\epsilon = \gamma(t) + \gamma(\bar t) - 1$, which is $(2\kappa - 1) w\bar w/(\rho\bar\rho) = <epsilon>$, it is $\rho\bar\rho\,\epsilon^2 = <added>$.

(c) $<added>/<coin> = <share> \approx <share~>$, at most $(2\kappa - 1)^2 = <most>$, since $\rho\bar\rho \ge w\bar w$.
""",
        marking=[
            (4, "(a) masses and weights of both"),
            (5, r"(b) $<coin>$ for DAT, $<added>$ for the twin"),
            (3, r"(c) the share $<share>$, below $<most>$"),
        ],
        given={"w": w, "kappa": kappa},
        answers={"coin": coin, "added": added, "share": added / coin},
        rho=rho,
        rhoBar=1 - rho,
        gammaT=kappa * w / rho,
        gammaBar=kappa * (1 - w) / (1 - rho),
        epsilon=(2 * kappa - 1) * coin / (rho * (1 - rho)),
        most=(2 * kappa - 1) ** 2,
    )


def never_oneself(rng: np.random.Generator) -> Question:
    size = integer(rng, 4, 7)
    mirrored = Fraction((size - 1) * DERANGED[size - 2], DERANGED[size])
    return question(
        "bank-10-never-oneself",
        "ex-own-shuffle",
        "pen and paper",
        text=r"""
A batch of $<size>$ samples is mixed with a shuffle of itself in which *no sample meets itself*, uniform among all such shuffles. There are $<all>$ of them (and $<fewer>$ for $<less>$ samples).

(a) With which probability is a given sample in a pair whose mirror is there too? How many such samples are there on average? Compare with a uniformly random shuffle.

(b) Is this pairing exchangeable?

(c) On pairs that have their mirrors, which of the two is noisier, DAT or its UMixUp twin? Say in one sentence what speaks for each.
""",
        solution=r"""
(a) Its partner is one of $<sizeLess>$, and sends it back; the others are then without a fixed point among themselves: $<sizeLess> \cdot <fewer>/<all> = <mirrored>$. On average $<size> \cdot <mirrored> = <expected>$ samples; for a uniformly random shuffle it is one sample, and one more meets itself.

(b) Yes. The inverse of such a shuffle is such a shuffle, and equally likely; and the samples of the batch are drawn without regard to their order. So $(x, x')$ is as likely as $(x', x)$.

(c) Either can be. DAT pays the coin's noise $\mathbb{E}_\lambda[\gamma\bar\gamma\lVert d \rVert^2]$, and wins back $\lVert \nabla G \rVert^2$: its policy leans to the first sample, so that pair and mirror see both ends, which UMixUp leaves to luck.
""",
        marking=[
            (4, r"(a) the count, $<mirrored>$"),
            (2, r"(a) $<expected>$ samples, against one"),
            (2, "(b) exchangeable, by inverses"),
            (2, "(c) the coin against the gap"),
        ],
        given={"size": size},
        answers={"mirrored": mirrored, "expected": size * mirrored},
        all=DERANGED[size],
        fewer=DERANGED[size - 2],
        less=size - 2,
        sizeLess=size - 1,
    )


def who_is_who(rng: np.random.Generator) -> Question:
    c = pick(rng, Fraction(1, 2), Fraction(1), Fraction(2, 3), Fraction(3, 4))
    base = integer(rng, 20, 60) / 100
    square = pick(rng, 3, 6, 9, 12)
    # E[γγ̄] with γ = λ − cλλ̄
    coin = Fraction(1, 6) - c**2 / 30
    values = [base, base + float(c**2 / 30) * square, base + square / 6]
    order = [int(i) for i in rng.permutation(3)]
    letters = ["ABC"[order.index(i)] for i in range(3)]
    printed = "   ".join(f"{'ABC'[k]} {values[i]:.4f}" for k, i in enumerate(order))
    return question(
        "bank-10-who-is-who",
        "ex-variance-of-twins",
        "code",
        text=r"""
Three twins are measured at the same weights, with independent pairs: MixUp(1), uniform λ with $\gamma(\lambda) = (1 - c)\lambda + c\lambda^2$ for $c = <c>$, and DAT with $B(2, 1)$. At these weights $\lVert d \rVert^2 = <square>$, whatever the pair and λ. A cell prints the total variances of one pair's gradient, in the order of its dictionary, and the names are lost:

```text
<printed>
```

(a) Which is which? Name the theorem.

(b) Why are the three twins? Compute $D$ of the second.

(c) Check the two differences with formulas. Which of the three numbers could *not* be predicted without the network?
""",
        solution=r"""
(a) MixUp(1) is canonical, the quietest: <mixup>. DAT is the loudest: <dat>. The scheme between them: <between>. It is Rao–Blackwell for twins.

(b) D is affine in the weight. For $\gamma = \lambda$ and for $\gamma = \lambda^2$ it is $\mu^k + 1 - \bar\mu^k = 2\mu$ with $k = 1, 2$, so it is $B(2, 1)$ for every $c$.

(c) Second less MixUp: $\epsilon = \gamma(\lambda) + \gamma(\bar\lambda) - 1 = -2c\lambda\bar\lambda$ and $\rho = \frac12$, so $\frac14\mathbb{E}[\epsilon^2] = c^2\,\mathbb{E}[\lambda^2\bar\lambda^2] = c^2/30 = <less>$, times $<square>$: $<first>$. DAT less second: $\mathbb{E}[\gamma\bar\gamma] = \frac16 - \frac{c^2}{30} = <coin>$, times $<square>$: $<second>$. MixUp's own variance depends on the network and the data.
""",
        marking=[
            (2, "(a) <mixup>, <between>, <dat>, by Rao–Blackwell"),
            (3, "(b) all have $D = B(2, 1)$"),
            (4, r"(c) $<first>$ and $<second>$"),
            (1, "(c) MixUp's own variance"),
        ],
        given={"c": c, "square": square, "values": [values[i] for i in order]},
        answers={
            "less": c**2 / 30,
            "coin": coin,
            "first": float(c**2 / 30) * square,
            "second": float(coin) * square,
            "mixup": letters[0],
            "between": letters[1],
            "dat": letters[2],
        },
        printed=printed,
    )


QUESTIONS = (along_the_bridge, never_oneself, who_is_who)
