"""Questions on chapter 12, the trainer."""

from fractions import Fraction
from math import ceil, log2

import numpy as np

from bank import Question, integer, pick, question


def how_many_bits(rng: np.random.Generator) -> Question:
    seeds, streams, epochs = pick(rng, 200, 500, 2000), integer(rng, 3, 6), pick(rng, 50, 100, 200)
    power = pick(rng, 3, 6, 9)
    count = seeds * streams * epochs
    couples = count * (count - 1) // 2
    return question(
        "bank-12-how-many-bits",
        "ex-same-number",
        "pen and paper",
        text=r"""
A study has $<seeds>$ seeds. Each run makes $<streams>$ generators in each of $<epochs>$ epochs, and gives each a number by hashing (seed, stream, epoch).

(a) How many couples of generators are there? Bound the probability that any two get the same number of 63 bits.

(b) How many bits are enough for a bound of $10^{-<power>}$?

(c) How many couples agree on average with numbers of 32 bits?

(d) A colleague has no hash: the number is `seed * <epochs> + epoch`, the same for all streams. Which generators agree now, and what would a reader of the results see?
""",
        solution=r"""
(a) $N = <count>$, so $N(N - 1)/2 = <couples>$ couples. By the union bound the probability is at most $<couples> \cdot 2^{-63} = <bound>$.

(b) $N(N - 1)/2 \cdot 2^{-k} \le 10^{-<power>}$ from $k = <bits>$ on.

(c) $<couples>/2^{32} = <agree>$.

(d) Different seeds and epochs have different numbers, as epochs are below $<epochs>$. But all $<streams>$ streams of an epoch draw the same numbers: for example the order of the pairs and the ratios hang together, so that λ is no longer independent of the pair. Errors may look quite ordinary; the claims that need independence fail silently.
""",
        marking=[
            (2, "(a) the couples, and the union bound $<bound>$"),
            (2, "(b) $<bits>$ bits"),
            (2, "(c) $<agree>$ couples"),
            (2, "(d) the streams of one epoch agree; λ depends on the pair"),
        ],
        given={"seeds": seeds, "streams": streams, "epochs": epochs, "power": power},
        answers={
            "count": count,
            "couples": couples,
            "bound": couples / 2**63,
            "bits": ceil(log2(couples) + power * log2(10)),
            "agree": couples / 2**32,
        },
    )


def pair_and_mirror(rng: np.random.Generator) -> Question:
    b, c = integer(rng, 1, 6), integer(rng, 3, 12)
    pair = Fraction(b * b, 12) + Fraction(c * c, 180)
    return question(
        "bank-12-pair-and-mirror",
        "ex-any-pairs",
        "pen and paper",
        text=r"""
A batch is a pair $(a, b)$ and its mirror, the policy is uniform, and the gradient of the pair (with one weight) is $g(a, b, \lambda) = 1 + <b> u + <c> u^2$ with $u = \lambda - \frac12$; for a symmetric scheme $g(b, a, \lambda) = g(a, b, \bar\lambda)$.

(a) Compute the variance of the batch's gradient with a λ for each of the two.

(b) The same with one λ for both.

(c) For which coefficients does sharing λ help, and for which does it hurt? Give the largest possible factor of the two variances, over all coefficients.

(You may use $\operatorname{Var} u = \frac1{12}$, $\operatorname{Var} u^2 = \frac1{180}$.)
""",
        solution=r"""
(a) $u$ and $u^2$ are uncorrelated, so one pair has $\frac{<b>^2}{12} + \frac{<c>^2}{180} = <pair>$, and so has the mirror. The mean of two independent ones has half of it: $<own>$.

(b) With one λ the mirror has $-u$ in place of $u$: the mean is $1 + <c>u^2$, with the variance $\frac{<c>^2}{180} = <one>$. The odd part is gone.

(c) With coefficients $b$ and $c$, sharing helps if $\frac{c^2}{180} < \frac12\bigl(\frac{b^2}{12} + \frac{c^2}{180}\bigr)$, that is $c^2 < 15 b^2$; here it <verdict>. The largest factor is 2, for $b = 0$: the bound $B$ of any batch of two.
""",
        marking=[
            (3, r"(a) $<own>$"),
            (3, r"(b) the odd part cancels, $<one>$"),
            (4, "(c) $c^2 < 15 b^2$, and the factor 2"),
        ],
        given={"b": b, "c": c},
        answers={"own": pair / 2, "one": Fraction(c * c, 180), "helps": c * c < 15 * b * b},
        pair=pair,
        verdict="helps" if c * c < 15 * b * b else "hurts" if c * c > 15 * b * b else "is all one",
    )


def where_the_decay_enters(rng: np.random.Generator) -> Question:
    start, gradient = pick(rng, 1.0, 2.0, -1.0), pick(rng, 0.5, 1.0, -0.5, 2.0)
    decay, momentum = pick(rng, 0.1, 0.2), pick(rng, 0.9, 0.5)
    coupled = apart = start
    v = v2 = 0.0
    path, path2 = [], []
    for _ in range(2):
        v = momentum * v + gradient + decay * coupled
        coupled -= 0.1 * v
        v2 = momentum * v2 + gradient
        apart = apart * (1 - 0.1 * decay) - 0.1 * v2
        path.append(round(coupled, 6))
        path2.append(round(apart, 6))
    return question(
        "bank-12-where-the-decay-enters",
        "ex-sgd-by-hand",
        "code",
        text=r"""
One weight, whose loss has the constant gradient <gradient>:

```python
w = torch.tensor([<start>], requires_grad=True)
sgd = torch.optim.SGD([w], lr=0.1, momentum=<momentum>, weight_decay=<decay>)
for _ in range(2):
    sgd.zero_grad()
    (<gradient> * w).sum().backward()
    sgd.step()
    print(round(w.item(), 6))
```

(a) What is printed? Show the momentum's buffer after each step.

(b) A colleague takes the decay out of the optimiser and multiplies the weight by $1 - 0.1 \cdot <decay>$ just before each step. What is printed now?

(c) Which of the two does the loss plus $\frac12 \cdot <decay>\, w^2$ give, with `weight_decay=0`? Why do two papers that both say "weight decay <decay>" not always train alike?
""",
        solution=r"""
(a) The decay's gradient is added before the momentum: $v \leftarrow <momentum> v + (<gradient> + <decay> w)$, $w \leftarrow w - 0.1 v$, from $v = 0$. Printed: <first>, then <second>. The buffer is <buffer1>, then <buffer2>.

(b) Now $v \leftarrow <momentum> v + (<gradient>)$ and $w \leftarrow (1 - 0.1 \cdot <decay>) w - 0.1 v$: <first2>, then <second2>. The first steps agree, since momentum has nothing to remember yet.

(c) The first. With momentum the decay of earlier steps is remembered in (a) and not in (b), so equal numbers do not mean equal training: one must say where the decay enters.
""",
        marking=[
            (4, "(a) <first> and <second>, with the buffers"),
            (3, "(b) <first2> and <second2>"),
            (3, "(c) the first; momentum remembers the decay"),
        ],
        given={"start": start, "gradient": gradient, "decay": decay, "momentum": momentum},
        answers={"path": path, "path2": path2},
        start=f"{start:.1f}",
        first=f"{path[0]:g}",
        second=f"{path[1]:g}",
        first2=f"{path2[0]:g}",
        second2=f"{path2[1]:g}",
        buffer1=f"{(start - path[0]) / 0.1:.6g}",
        buffer2=f"{(path[0] - path[1]) / 0.1:.6g}",
    )


QUESTIONS = (how_many_bits, pair_and_mirror, where_the_decay_enters)
