"""Questions on chapter 1, MixUp."""

from fractions import Fraction
from math import log

import numpy as np

from bank import Question, integer, pick, question


def skewed(rng: np.random.Generator) -> Question:
    k = integer(rng, 3, 7)
    return question(
        "bank-01-skewed",
        "ex-nearer-end",
        "pen and paper",
        text=r"""
The policy is $B(<k>, 1)$, with the density $<k>\,\lambda^{<less>}$: it is not symmetric, and $x$ is mostly the larger part.

(a) Compute $\mathbb{E}[\min(\lambda, \bar\lambda)]$ as a fraction.

(b) Somebody replaces the policy $p$ by $\frac12(p + \bar p)$, where $\bar p$ is the law of $\bar\lambda$. What is the answer to (a) now? Why, in one sentence?

(c) Does $\mathbb{E}[\lambda]$ stay the same as well?
""",
        solution=r"""
(a) The nearer end is $x'$ where $\lambda < \frac12$ and $x$ where $\lambda > \frac12$. So

$$\mathbb{E}[\min(\lambda, \bar\lambda)] = \int_0^{1/2} <k> \lambda^{<k>} d\lambda + \int_{1/2}^1 <k> (\lambda^{<less>} - \lambda^{<k>})\, d\lambda = \frac{1 - 2^{-<k>}}{<more>} = <mean> \approx <mean~> .$$

(b) The same: $\min(\lambda, \bar\lambda)$ does not change when λ and $\bar\lambda$ change places, so its mean under $\bar p$ is its mean under $p$.

(c) No: it was $<first>$ and is $\frac12$.
""",
        marking=[
            (2, "(a) the integral is split at ½"),
            (4, r"(a) both parts are integrated, and give $<mean>$"),
            (2, "(b) the same, as the function is symmetric in λ and its mirror"),
            (2, r"(c) the mean moves from $<first>$ to $\frac12$"),
        ],
        given={"k": k},
        answers={"mean": Fraction(2**k - 1, 2**k * (k + 1)), "first": Fraction(k, k + 1)},
        less=k - 1,
        more=k + 1,
    )


def three_on_a_line(rng: np.random.Generator) -> Question:
    b = integer(rng, 2, 6)
    a = b * integer(rng, 5, 7)
    u = pick(rng, Fraction(1, 4), Fraction(1, 5), Fraction(1, 3))
    whole = 2 * b + a
    return question(
        "bank-01-three-on-a-line",
        "ex-middle-class",
        "pen and paper",
        text=r"""
On a line lie $<a>$ samples of class A at $-1$, $<b>$ of class B at $0$, and $<a>$ of class C at $1$. Pairs are independent and uniform, and MixUp draws λ uniformly.

(a) Which pairs have mixed samples between 0 and 1, and with which density at a point $0 < u < 1$?

(b) Compute the mean target $m(u)$ at $u = <u>$.

(c) A network that fits perfectly predicts $m$. What does it predict just right of 0? How many samples of class B would there have to be, with the others as they are, so that B is the largest entry there?
""",
        solution=r"""
(a) Pairs of B and C, in both orders, with density 1 on $(0, 1)$: the weight is $2bc$. Pairs of A and C, in both orders, with density $\frac12$ on $(-1, 1)$: the weight is $2ac \cdot \frac12 = ac$. (Pairs of equal points stay where they are, and pairs of A and B lie left of 0.) With $a = c = <a>$, $b = <b>$ the weights are as $2b : a = <twice> : <a>$.

(b) At $u$ a pair of B and C gives C the share $u$; a pair of A and C gives C the share $(1 + u)/2$. So

$$m_A = \frac{a (1 - u)/2}{2b + a}, \qquad m_B = \frac{2b (1 - u)}{2b + a}, \qquad m_C = \frac{2bu + a (1 + u)/2}{2b + a},$$

which is $(<mA>, <mB>, <mC>)$ at $u = <u>$.

(c) As $u \to 0$ from the right, $m \to (<half>, <limit>, <half>)$: B is the smallest, at its own place. B is the largest if $2b > a/2$, that is $b > a/4$, so at least $<needed>$ samples.
""",
        marking=[
            (3, "(a) the two kinds of pairs, and that the longer segment has half the density"),
            (2, "(b) the shares of the classes on each kind of pair"),
            (3, r"(b) $m = (<mA>, <mB>, <mC>)$"),
            (2, "(c) the limit, and that B is not the largest"),
            (2, "(c) at least $<needed>$ samples of class B"),
        ],
        given={"a": a, "b": b, "u": u},
        answers={
            "mA": a * (1 - u) / 2 / whole,
            "mB": 2 * b * (1 - u) / whole,
            "mC": (2 * b * u + a * (1 + u) / 2) / whole,
            "needed": a // 4 + 1,
        },
        twice=2 * b,
        limit=Fraction(2 * b, whole),
        half=Fraction(a, 2 * whole),
    )


def below_the_floor(rng: np.random.Generator) -> Question:
    classes = integer(rng, 3, 12)
    percent = pick(rng, 10, 15, 20, 25, 30, 35, 40)
    t = percent / 100
    entropy = -t * log(t) - (1 - t) * log(1 - t)
    floor = (1 - 1 / classes) * entropy
    losses = [round(factor * floor, 3) for factor in (1.0 + 0.1 * rng.random(), 0.8, 1.6)]
    order = rng.permutation(3)
    rows = "\n".join(f"run {k + 1}   {losses[i]:.3f}" for k, i in enumerate(order))
    impossible = int(np.flatnonzero(order == 1)[0]) + 1
    nearest = int(np.flatnonzero(order == 0)[0]) + 1
    return question(
        "bank-01-below-the-floor",
        "ex-mix-losses",
        "code",
        text=r"""
Three runs train with this batch, on <classes> classes of one size. The network sees the mixed sample alone, no two segments cross, and the pairs of an epoch are independent.

```python
lam = torch.where(torch.rand(len(x)) < 0.5, <low>, <high>)
points = mix(x, x2, lam)
targets = mix(y, y2, lam)          # y, y2 are one-hot
loss = cross_entropy(network(points), targets).mean()
```

The mean training loss of a very long epoch at the end of each run, in nats:

```text
<rows>
```

(a) Compute the smallest value that this mean can have for any network.

(b) One of the runs reports something else than this loss. Which, and how do you know? Name a mistake that would explain it.

(c) How much of the loss of run <nearest> is Kullback–Leibler divergence?
""",
        solution=r"""
(a) Cross-entropy is the entropy of the target plus the divergence of the prediction from it. A pair of one class has entropy 0, a pair of two classes $H(<low>) = <entropy>$ nats, and a pair is of two classes with probability $1 - 1/<classes>$. The floor is $<floor>$.

(b) Run <impossible>: it lies below the floor, which no network can reach. For example, the loss that is printed is taken with the label of the larger part, or on plain samples, or the labels' ratio is not that of the images.

(c) What lies above the floor: $<nearestLoss> - <floor> = <divergence>$ nats.
""",
        marking=[
            (2, "(a) the split into entropy and divergence"),
            (2, r"(a) $H(<low>)$ times the share of pairs of two classes: $<floor>$"),
            (2, "(b) run <impossible>, as it is below the floor, with a possible mistake"),
            (2, "(c) $<divergence>$ nats"),
        ],
        given={"classes": classes, "t": t, "losses": [losses[i] for i in order]},
        answers={
            "floor": floor,
            "impossible": impossible,
            "nearest": nearest,
            "divergence": losses[0] - floor,
        },
        entropy=entropy,
        low=f"{t:.2f}",
        high=f"{1 - t:.2f}",
        rows=rows,
        nearestLoss=losses[0],
    )


QUESTIONS = (skewed, three_on_a_line, below_the_floor)
