"""Questions on chapter 15, the search."""

from fractions import Fraction

import numpy as np

from bank import Question, integer, pick, question


def lopsided_noise(rng: np.random.Generator) -> Question:
    k = integer(rng, 3, 8)
    c = pick(rng, Fraction(1, 2), Fraction(1), Fraction(2), Fraction(3, 2))
    harmonic = sum((Fraction(1, i) for i in range(1, k + 1)), Fraction(0))
    return question(
        "bank-15-lopsided-noise",
        "ex-uniform-noise",
        "pen and paper",
        text=r"""
$<k>$ settings are equally good, $\mu_i = \mu$. Each is tried once, with independent noise of mean 0, and the one with the smallest error is taken.

(a) The noise is $<c>\,(E - 1)$, where $E$ is exponential with mean 1: now and then a run fails badly. Compute the optimism ω of the best.

(b) The noise is $<c>\,(1 - E)$: now and then a run is lucky by far. Compute ω again. (The largest of $k$ independent exponentials has the mean $1 + \frac12 + \dots + \frac1k$.)

(c) What happens to both as $k$ grows? Both noises have one variance. What does this say about "the optimism is the standard deviation times $e_k$"?
""",
        solution=r"""
(a) The smallest of $k$ exponentials is exponential with mean $1/k$. So $\mathbb{E}[\min X_i] = \mu + <c>\,(\frac1{<k>} - 1)$ and $\omega = <c>\,(1 - \frac1{<k>}) = <failing>$.

(b) $\min X_i = \mu + <c>\,(1 - \max E_i)$, so $\omega = <c>\,(H_{<k>} - 1) = <lucky> \approx <lucky~>$.

(c) The first tends to $<c>$: errors cannot be better than the best possible by more. The second grows without bound, like $\log k$. The formula with $e_k$ is for normal noise; the tail on the good side decides, and not the variance.
""",
        marking=[
            (4, r"(a) the least of $k$ exponentials, $<failing>$"),
            (3, r"(b) $<lucky>$"),
            (3, "(c) bounded and unbounded; the tail on the good side decides"),
        ],
        given={"k": k, "c": c},
        answers={"failing": c * (1 - Fraction(1, k)), "lucky": c * (harmonic - 1)},
    )


def common_luck(rng: np.random.Generator) -> Question:
    sigma, common = pick(rng, (3, 4), (2, 1), (1, 2), (2, 4), (3, 1))
    n = pick(rng, 5, 8, 10, 20)
    return question(
        "bank-15-common-luck",
        "ex-when-sharing-hurts",
        "pen and paper",
        text=r"""
The error of setting $i$ at seed $j$ is $\mu_i + S_j + E_{ij}$ with independent $S_j$ of variance $<common>^2$ and $E_{ij}$ of variance $<sigma>^2$ (in tenths of a point). There are $<n>$ seeds.

(a) Find the correlation of two settings' errors at one seed, and the variance of the difference of two means, with shared seeds and with seeds of their own.

(b) How many seeds of their own would be as good as $<n>$ shared ones?

(c) A contrast $2\mu_1 - \mu_2 - \mu_3$ is estimated from shared seeds. What is its variance, and why is there no $S_j$ in it? Is there any in the estimate of $\mu_1$ alone?
""",
        solution=r"""
(a) $c = <common>^2/(<common>^2 + <sigma>^2) = <c>$. Shared: $2 \cdot <sigma>^2/<n> = <shared>$. Own: $2(<sigma>^2 + <common>^2)/<n> = <own>$.

(b) $n \cdot \frac{\sigma^2 + \sigma_s^2}{\sigma^2} = <equal>$, rounded up.

(c) $\sigma^2 (4 + 1 + 1)/n = <contrast>$: the coefficients add up to 0, so $S_j$ cancels at each seed. In the estimate of $\mu_1$ it stays: its variance is $(\sigma^2 + \sigma_s^2)/n$.
""",
        marking=[
            (4, r"(a) $c = <c>$, $<shared>$ and $<own>$"),
            (1, "(b) $<equal>$ seeds"),
            (3, r"(c) $<contrast>$; coefficients that sum to 0"),
        ],
        given={"sigma": sigma, "common": common, "n": n},
        answers={
            "c": Fraction(common**2, common**2 + sigma**2),
            "shared": Fraction(2 * sigma**2, n),
            "own": Fraction(2 * (sigma**2 + common**2), n),
            "equal": -(-n * (sigma**2 + common**2) // sigma**2),
            "contrast": Fraction(6 * sigma**2, n),
        },
    )


def halving_counted(rng: np.random.Generator) -> Question:
    cells, seeds = integer(rng, 17, 60), integer(rng, 7, 12)
    keep = pick(rng, 2, 3)
    alive, used, cost = cells, 0, 0
    sizes = []
    while alive > 1 and used < seeds - 1:
        used, cost = used + 1, cost + alive
        sizes.append(alive)
        alive = -(-alive // keep)
    return question(
        "bank-15-halving-counted",
        "ex-halving",
        "code",
        text=r"""
```python
def race(errors, order, keep=<keep>):
    # errors[seed, cell]; order: the seeds in the order of use
    alive, used, cost = np.arange(errors.shape[1]), 0, 0
    while len(alive) > 1 and used < len(order) - 1:
        used, cost = used + 1, cost + len(alive)
        means = errors[order[:used]][:, alive].mean(axis=0)
        alive = alive[means.argsort()[: -(-len(alive) // keep)]]
    return alive[0], cost, used
```

It is called with <cells> cells and <seeds> seeds.

(a) Which `cost` and `used` are returned? Does it depend on the errors?

(b) How many seeds could *each* cell get for as many runs? What does the race do with them instead?

(c) The function is called once more, and the mean of the winner over `order[:used]` is reported as its error. What is wrong with this number, and which seeds of `order` may be used in its place?
""",
        solution=r"""
(a) The rounds run <sizes> cells: cost $<cost>$, used $<used>$. It does not depend on the errors, only who is left does.

(b) $<cost>/<cells> = <even>$, so about one or two seeds for each. The race spends one seed on most of them and gives the later ones to those that may still win.

(c) The winner was chosen for its small mean on these very seeds, so the mean is too low: the winner's curse. The seeds `order[used:]` had no part; there are $<fresh>$ of them.
""",
        marking=[
            (3, "(a) the sizes <sizes>, cost $<cost>$, used $<used>$"),
            (2, "(b) $<even>$ seeds each"),
            (3, "(c) the winner's curse; the $<fresh>$ seeds from `used` on"),
        ],
        given={"cells": cells, "seeds": seeds, "keep": keep},
        answers={"cost": cost, "used": used},
        sizes=sizes,
        even=cost / cells,
        fresh=seeds - used,
    )


QUESTIONS = (lopsided_noise, common_luck, halving_counted)
