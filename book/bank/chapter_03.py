"""Questions on chapter 3, losses."""

from fractions import Fraction
from math import log

import numpy as np

from bank import Question, integer, pick, question


def weighted_squares(rng: np.random.Generator) -> Question:
    w = [integer(rng, 1, 5) for _ in range(3)]
    w[2] += len(set(w)) == 1  # weights that are all equal are none
    a = integer(rng, 1, 4)
    g = pick(rng, Fraction(1, 3), Fraction(1, 4), Fraction(2, 5), Fraction(1, 5))
    total = w[0] + w[1]
    return question(
        "bank-03-weighted-squares",
        "ex-curvature",
        "pen and paper",
        text=r"""
With three classes let $\ell(v, y) = \sum_c \omega_c\, (v[c] - y[c])^2$, where $\omega = (<w>)$.

(a) Compute the gap $G = \ell(v, \gamma y + \bar\gamma y') - \gamma\,\ell(v, y) - \bar\gamma\,\ell(v, y')$ for $y = e_1$, $y' = e_2$, and give its value at $\gamma = <g>$.

(b) Of which of the four kinds is this loss? What is the same for mixed labels and for mixed losses, and what is not?

(c) MixUp($<a>$) trains on pairs of the classes 1 and 2. By how much does the mean of the mixed losses exceed the mean loss of the mixed labels?
""",
        solution=r"""
(a) The terms without $y$ and those linear in it cancel. What is left is $\sum_c \omega_c \bigl(\tilde y[c]^2 - \gamma y[c]^2 - \bar\gamma y'[c]^2\bigr)$ $= -\gamma\bar\gamma \sum_c \omega_c (y[c] - y'[c])^2$ $= -\gamma\bar\gamma\,(\omega_1 + \omega_2) = -<total>\,\gamma\bar\gamma$. At $\gamma = <g>$ it is $<gap>$.

(b) Of gradient kind: the gap does not depend on $v$. The gradients with respect to the network's weights are the same, the values are not.

(c) By $<total>\,\mathbb{E}[\lambda\bar\lambda]$, and $\mathbb{E}[\lambda\bar\lambda] = \frac{\alpha}{2(2\alpha + 1)} = <product>$ under $B(<a>, <a>)$: together $<excess>$.
""",
        marking=[
            (3, r"(a) $-\gamma\bar\gamma(\omega_1 + \omega_2)$, with the cancellation shown"),
            (1, r"(a) $<gap>$"),
            (3, "(b) gradient kind; equal gradients, unequal values"),
            (3, r"(c) $\mathbb{E}[\lambda\bar\lambda] = <product>$, and $<excess>$"),
        ],
        given={"w": w, "a": a, "g": g},
        answers={
            "gap": -g * (1 - g) * total,
            "product": Fraction(a, 2 * (2 * a + 1)),
            "excess": Fraction(a * total, 2 * (2 * a + 1)),
        },
        total=total,
    )


def slanted_labels(rng: np.random.Generator) -> Question:
    t = pick(rng, Fraction(1, 2), Fraction(1, 4), Fraction(1, 3))
    length = pick(rng, Fraction(4, 5), Fraction(3, 4), Fraction(5, 6), Fraction(2, 3))
    most = pick(rng, Fraction(3, 2), Fraction(2), Fraction(5, 2), Fraction(5, 4))
    rho = 1 - (1 - length**2) / (2 * t * (1 - t))
    return question(
        "bank-03-slanted-labels",
        "ex-nc-floor",
        "pen and paper",
        text=r"""
Two classes have label vectors of length 1 with the inner product $\rho = <rho>$: they are *not* orthonormal. A pair of these classes is mixed at the fixed weight $\gamma = <t>$.

(a) How long is the mixed label vector?

(b) What is the least value of the linear cosine $-\hat z^{\mathsf T}\tilde y$ at such a mixture, over all outputs, and which output attains it? And that of the released cosine?

(c) For which ρ is the largest factor $w$ of the released over the linear cosine, over all γ, equal to $<most>$?
""",
        solution=r"""
(a) $\lVert \gamma y + \bar\gamma y' \rVert^2 = \gamma^2 + \bar\gamma^2 + 2\gamma\bar\gamma\rho = 1 - 2(1 - \rho)\gamma\bar\gamma$. Here it is $<square>$, and the length is $<length>$.

(b) By Cauchy and Schwarz $-\hat z^{\mathsf T}\tilde y \ge -\lVert \tilde y \rVert = -<length>$, with equality for $\hat z = \tilde y/\lVert \tilde y \rVert$. There the released cosine is $-1$, which is its least value.

(c) $w$ is largest at $\gamma = \frac12$, where it is $\sqrt{2/(1 + \rho)}$. So $\rho = 2/w^2 - 1 = <wanted>$.
""",
        marking=[
            (3, r"(a) the square of the length, and $<length>$"),
            (2, "(b) Cauchy–Schwarz, with the output that attains it"),
            (2, r"(b) $-<length>$ and $-1$"),
            (3, r"(c) the largest factor is at ½; $\rho = <wanted>$"),
        ],
        given={"t": t, "rho": rho, "most": most},
        answers={"length": length, "wanted": 2 / most**2 - 1},
        square=length**2,
    )


def two_averages(rng: np.random.Generator) -> Question:
    omega = [1, integer(rng, 2, 4), integer(rng, 5, 8)]
    t = [int(c) for c in rng.permutation([0, 1, 2, pick(rng, 0, 1, 2)])]
    t2 = [int(c) for c in rng.permutation([0, 0, 1, pick(rng, 1, 2)])]
    g = pick(rng, 0.25, 0.5, 0.75)
    mean, mean2 = (sum(omega[c] for c in classes) / 4 for classes in (t, t2))
    labels = (g * mean + (1 - g) * mean2) * log(3)
    return question(
        "bank-03-two-averages",
        "ex-weighted-classes",
        "code",
        text=r"""
What do the last two lines print? Give both as multiples of $\log 3$.

```python
z = torch.zeros(4, 3)                      # an untrained network: all logits are 0
t, t2 = torch.tensor([<t>]), torch.tensor([<t2>])
omega = torch.tensor([<omegas>])
g = <g>
mixed = g * F.one_hot(t, 3) + (1 - g) * F.one_hot(t2, 3)
print(F.cross_entropy(z, mixed, weight=omega))
print(g * F.cross_entropy(z, t, weight=omega)
      + (1 - g) * F.cross_entropy(z, t2, weight=omega))
```

Then: does this contradict Lemma 1? Which argument makes the two lines equal in expectation *and* in each batch? If `t2` were a shuffle of `t`, by which factor would the two lines differ?
""",
        solution=r"""
Every $-\log v[c]$ is $\log 3$. With class numbers the sum of the weighted losses is divided by the sum of the weights, so each loss is $\log 3$, and the second line prints $\log 3 \approx <one>$. With probability vectors the sum is divided by 4. The mean weight of `t` is $<mean>$ and that of `t2` is $<mean2>$, so the first line prints $(<g> \cdot <mean> + <h> \cdot <mean2>) \log 3 = <times> \log 3 \approx <labels>$.

No contradiction: the lemma is about the loss of one sample, which is linear here as well, and not about what the average divides by. `reduction="none"` with a mean of one's own makes them equal. If `t2` were a shuffle of `t`, both would have the mean weight $<mean>$, and that would be the factor.
""",
        marking=[
            (3, r"the second line: $\log 3$, since the weights cancel"),
            (3, r"the first line: $<times> \log 3$"),
            (2, 'Lemma 1 is about one sample; `reduction="none"`'),
            (2, "the factor $<mean>$"),
        ],
        given={"omega": omega, "t": t, "t2": t2, "g": g},
        answers={"labels": labels, "one": log(3), "times": labels / log(3)},
        omegas=", ".join(f"{w}.0" for w in omega),
        mean=mean,
        mean2=mean2,
        h=1 - g,
    )


QUESTIONS = (weighted_squares, slanted_labels, two_averages)
