"""Questions on chapter 16, adversarial moves."""

from fractions import Fraction
from math import comb

import numpy as np

from bank import Question, integer, pick, question


def nearer_part(a: int, b: int) -> Fraction:
    """E[min(λ, λ̄)] under B(a, b), for whole numbers: I_½ is a sum of binomial probabilities."""

    def below_half(a: int, b: int) -> Fraction:
        n = a + b - 1
        return Fraction(sum(comb(n, k) for k in range(a, n + 1)), 2**n)

    low = Fraction(a, a + b) * below_half(a + 1, b)
    high = Fraction(b, a + b) * (1 - below_half(a, b + 1))
    return low + high


def rare_class(rng: np.random.Generator) -> Question:
    counts = [integer(rng, 2, 6), integer(rng, 7, 12), integer(rng, 13, 20)]
    n = sum(counts)
    b = 1 - sum(Fraction(c, n) ** 2 for c in counts)
    return question(
        "bank-16-rare-class",
        "ex-most-pairs",
        "pen and paper",
        text=r"""
A training set has $<counts>$ samples of three classes.

(a) Which share of independent uniform pairs joins two classes? And in an epoch in which each sample's partner is its neighbour in a shuffled circle, so that no sample meets itself?

(b) In which share of all independent pairs is a sample of the smallest class the *first* one and one of another class the second?

(c) You may move samples of the largest class to a new, fourth class. Can the share in (a) rise to $<target>$, and what is its limit for four classes?
""",
        solution=r"""
(a) $b = 1 - \sum_c (n_c/n)^2 = <b> \approx <b~>$. In the circle $a = 0$, so the share is $\frac{n}{n - 1} b = <circle> \approx <circle~>$.

(b) $\frac{<first>}{<n>} \cdot \frac{<others>}{<n>} = <rare>$.

(c) With four classes $b \le 1 - \frac14 = \frac34$, with equality only for four equal classes, by Cauchy and Schwarz. So $<target>$ is out of reach.
""",
        marking=[
            (4, r"(a) $<b>$ and $<circle>$"),
            (2, r"(b) $<rare>$"),
            (2, r"(c) the limit $\frac34$, so no"),
        ],
        given={"counts": counts},
        answers={
            "b": b,
            "circle": b * n / (n - 1),
            "rare": Fraction(counts[0] * (n - counts[0]), n * n),
        },
        n=n,
        first=counts[0],
        others=n - counts[0],
        target=Fraction(4, 5),
    )


def past_the_middle(rng: np.random.Generator) -> Question:
    a, b = pick(rng, (2, 1), (3, 2), (3, 3), (3, 1), (4, 4), (4, 2))
    classes = pick(rng, 4, 5, 10)
    mean = nearer_part(a, b)
    twin = mean * (1 - Fraction(1, classes))
    return question(
        "bank-16-past-the-middle",
        "ex-past-middle",
        "pen and paper",
        text=r"""
MixUp draws λ from $B(<a>, <b>)$<skew>; pairs are independent, with $<classes>$ classes of one size.

(a) How often does a move of its DAT twin go past the middle? Give a fraction, with the proposition that you use.

(b) How often does it go past the middle *and* lead to another class?

(c) Keep the policy, and give the mixed sample the label of its larger part. How often do moves of the DAT twin go past the middle now? What of their mean length has become larger or smaller?
""",
        solution=r"""
(a) With $\gamma(\lambda) + \gamma(\bar\lambda) = 1$ it is $\mathbb{E}[1 - \gamma(\lambda_{\max})] = \mathbb{E}[\min(\lambda, \bar\lambda)]$, which for $B(<a>, <b>)$ is $<mean> \approx <mean~>$. (The proposition does not ask for a symmetric policy.)

(b) Ratio and pair are independent: $<mean> \cdot (1 - \frac1{<classes>}) = <twin>$.

(c) Never: $\mu = \max(\lambda, \bar\lambda)$. The mean move is $\mathbb{E}[\min(\lambda, \bar\lambda)] = <mean>$ then, in place of $2\,\mathbb{E}[\lambda\bar\lambda] = <move>$, which is larger.
""",
        marking=[
            (5, r"(a) the proposition, and $<mean>$"),
            (2, r"(b) $<twin>$"),
            (3, r"(c) never; the mean move falls from $<move>$ to $<mean>$"),
        ],
        given={"a": a, "b": b, "classes": classes},
        answers={
            "mean": mean,
            "twin": twin,
            "move": Fraction(2 * a * b, (a + b) * (a + b + 1)),
        },
        skew="" if a == b else ", which is not symmetric",
    )


def one_gradient(rng: np.random.Generator) -> Question:
    g = pick(
        rng, (3, 4, 0, 0), (1, 2, 2, 4), (2, 3, 6, 0), (1, 1, 1, 1), (4, 4, 7, 0), (1, 4, 8, 0)
    )
    signs = rng.choice([-1, 1], size=4)
    g = [int(v * s) for v, s in zip(rng.permutation(g), signs, strict=True)]
    one, two = sum(map(abs, g)), round(sum(v * v for v in g) ** 0.5)
    length = pick(rng, 0.1, 0.2, 0.5)
    d = sum(v != 0 for v in g)
    return question(
        "bank-16-one-gradient",
        "ex-sign-step",
        "code",
        text=r"""
The gradient of the loss at one input, to first order all that counts:

```python
g = torch.tensor([<floats>])
sign = g.sign()
for v in (g, sign):
    print(float(v @ g / v.norm() / g.norm()), float(<length> * v / v.norm() @ g))
```

(a) What are the four numbers? (An entry 0 of the gradient has the sign 0.)

(b) A move towards a partner has the direction $v$, a unit vector, uniform on the sphere for all we know. What are mean and variance of $<length>\, v^{\mathsf T} g$ over $v$?

(c) Which of the three moves of length <length> is the best attack to first order, and by which factor does it beat one standard deviation of (b)?
""",
        solution=r"""
(a) $\lVert g \rVert_2 = <two>$ and $\lVert g \rVert_1 = <one>$; the sign has the length $\sqrt{<d>}$. The first line: 1 and $<length> \cdot <two> = <best>$. The second: $<one>/(\sqrt{<d>} \cdot <two>) = <cosine>$ and $<signed>$.

(b) Mean 0, variance $<length>^2 \lVert g \rVert_2^2/4 = <variance>$.

(c) The gradient itself, $<best>$; the standard deviation is $<best>/\sqrt 4$, so by the factor 2, the root of the dimension.
""",
        marking=[
            (4, "(a) 1, $<best>$, $<cosine>$, $<signed>$: a point each"),
            (2, "(b) 0 and $<variance>$"),
            (2, "(c) the gradient, by the factor 2"),
        ],
        given={"g": g, "length": length},
        answers={
            "cosine": one / (d**0.5 * two),
            "best": length * two,
            "signed": length * one / d**0.5,
            "variance": length**2 * two**2 / 4,
        },
        one=one,
        two=two,
        d=d,
        floats=", ".join(f"{v:.1f}" for v in g),
    )


QUESTIONS = (rare_class, past_the_middle, one_gradient)
