"""Questions on chapter 7, closed forms."""

from fractions import Fraction
from math import factorial

import numpy as np

from bank import Question, pick, question


def from_the_map(rng: np.random.Generator) -> Question:
    m = pick(rng, Fraction(2, 5), Fraction(1, 3), Fraction(1, 4), Fraction(3, 10), Fraction(3, 8))
    s = pick(rng, Fraction(1, 2), Fraction(3, 2), Fraction(3, 4), Fraction(5, 4), Fraction(2))
    total = s / (1 - 2 * m)
    return question(
        "bank-07-from-the-map",
        "ex-move-and-slope",
        "pen and paper",
        text=r"""
On a map with the mean move $m = \mathbb{E}[\bar\mu]$ and the slope $s = \alpha - \beta$ of a Beta policy as coordinates, a point has $m = <m>$, $s = <s>$.

(a) Which $B(\alpha, \beta)$ is it? Write down policy and weight of its $U$ up to a constant.

(b) Which MixUp has the same mean move?

(c) Is there a Beta with this move and slope $-<s>$? Show which pairs $(m, s)$ exist.
""",
        solution=r"""
(a) $\beta = m(\alpha + \beta)$ and $\alpha - \beta = s$ give $\alpha + \beta = s/(1 - 2m) = <total>$, so $\alpha = <alpha>$, $\beta = <beta>$. $U$ has the policy $\propto (\lambda\bar\lambda)^{\beta - 1}(\lambda^s + \bar\lambda^s)$ and the weight $\lambda^s/(\lambda^s + \bar\lambda^s)$.

(b) MixUp has slope 1: $\alpha = m/(1 - 2m) = <mixup>$.

(c) No: $\alpha + \beta = s/(1 - 2m)$ must be positive, so $s$ and $1 - 2m$ have one sign. For $m < \frac12$ only positive slopes exist; $s = 0$ has $m = \frac12$.
""",
        marking=[
            (3, r"(a) $\alpha = <alpha>$, $\beta = <beta>$"),
            (2, "(a) policy and weight of $U$"),
            (1, r"(b) MixUp($<mixup>$)"),
            (2, "(c) none; one sign for both"),
        ],
        given={"m": m, "s": s},
        answers={"alpha": (1 - m) * total, "beta": m * total, "mixup": m / (1 - 2 * m)},
        total=total,
    )


def labels_exchanged(rng: np.random.Generator) -> Question:
    a, b = pick(rng, (3, 1), (2, 1), (4, 1), (4, 2), (5, 2), (5, 1))
    both = Fraction(a * b, (a + b) * (a + b + 1))
    return question(
        "bank-07-labels-exchanged",
        "ex-when-beta",
        "pen and paper",
        text=r"""
By a mistake labels are exchanged: λ is drawn from $B(<a>, <b>)$, and the label's weight is $\gamma(\lambda) = \bar\lambda$.

(a) Write $D(p, \gamma)$ as a mixture of two Betas, with its shares.

(b) Compute the mean move, and compare it with the one without the mistake.

(c) For which $(\alpha, \beta)$ in place of $(<a>, <b>)$ is $D$ a single Beta? Which DAT is it then?
""",
        solution=r"""
(a) $\gamma(\mu) p(\mu) = \bar\mu\, p(\mu)$, and $1 - \gamma(\bar\mu) = 1 - \mu = \bar\mu$: $D = \bar\mu\,(p(\mu) + p(\bar\mu))$. The first term is $\frac{\beta}{\alpha + \beta} B(\alpha, \beta + 1)$, the second $\frac{\alpha}{\alpha + \beta} B(\beta, \alpha + 1)$: the shares $<share>$ of $B(<a>, <b1>)$ and $<rest>$ of $B(<b>, <a1>)$. It is the mirror image of $D$ of MixUp.

(b) $\mathbb{E}[\bar\mu] = 1 - 2\,\mathbb{E}[\lambda\bar\lambda] = 1 - 2 \cdot <both> = <move>$, against $2\,\mathbb{E}[\lambda\bar\lambda] = <right>$.

(c) $p + \bar p \propto (\lambda\bar\lambda)^{\min(\alpha, \beta) - 1}(\lambda^{|s|} + \bar\lambda^{|s|})$ must be a Beta, so $s = \alpha - \beta \in \{-1, 0, 1\}$. Then $p + \bar p = 2B(m, m)$ with $m = \min(\alpha, \beta)$, and $D = B(m, m + 1)$: images keep the label of the part that is smaller on average.
""",
        marking=[
            (4, r"(a) both terms, with the shares $<share>$ and $<rest>$"),
            (3, r"(b) $<move>$ against $<right>$"),
            (3, "(c) slopes −1, 0 and 1, with the reason, and the Beta"),
        ],
        given={"a": a, "b": b},
        answers={
            "share": Fraction(b, a + b),
            "rest": Fraction(a, a + b),
            "move": 1 - 2 * both,
            "right": 2 * both,
        },
        both=both,
        a1=a + 1,
        b1=b + 1,
    )


def slope_in_the_middle(rng: np.random.Generator) -> Question:
    a, b = pick(rng, (2, 2), (3, 1), (3, 2), (3, 3), (4, 2), (4, 1))
    beta = Fraction(factorial(a - 1) * factorial(b - 1), factorial(a + b - 1))
    slope = Fraction(4, 2 ** (a + b)) / beta
    twin = f"CDF({b},{a})" if a != b else f"CDF({a + 1},{a})"
    return question(
        "bank-07-slope-in-the-middle",
        "ex-nearest-mixup",
        "code",
        text=r"""
```python
scheme = um.canonical("UMixUp(B(1,1),CDF(<a>,<b>))")
ends = torch.tensor([0.499, 0.501], dtype=torch.float64)
rise = torch.logit(scheme.weight(ends)).diff() / torch.logit(ends).diff()
print(round(float(rise), 3))
print(um.equivalence.distance(scheme, "UMixUp(B(1,1),<twin>)") < 1e-6)
```

(a) What are the two lines? (The weight `CDF(a,b)` is the distribution function of $B(a, b)$.)

(b) Why is it the canonical weight that is asked for its slope, and not the weight as it stands?

(c) MixUp has the slope 1 at every λ. At the ends this weight's $\operatorname{logit}\gamma_c/\operatorname{logit}\lambda$ tends to $\min(a, b)$. Is the scheme nearer to hard labels than MixUp is, or to no information?
""",
        solution=r"""
(a) Near ½, $\operatorname{logit}\gamma_c$ rises by four times the rise of $\gamma_c$, and $\operatorname{logit}\lambda$ by four times that of λ. So the slope is $\gamma_c'(\frac12)$, the mean of the densities of $B(<a>, <b>)$ and $B(<b>, <a>)$ at ½, which are equal: $2^{2 - a - b}/\mathrm{B}(a, b) = <slope> \approx <slope~>$. The second line prints True: the two weights have one canonical weight.

(b) Twins share the canonical weight, while the weights as they stand differ; the slope of γ itself would depend on which twin one has written down.

(c) Where the slope is above 1 the label turns faster than in MixUp: nearer to hard labels. <verdict>
""",
        marking=[
            (4, r"(a) $<slope>$, from the density at ½"),
            (2, "(a) True, with the reason"),
            (2, "(b) twins differ in γ and agree in the canonical weight"),
            (2, "(c) slopes compared with 1, in the middle and at the ends"),
        ],
        given={"a": a, "b": b, "twin": twin},
        answers={"slope": slope},
        verdict=(
            f"Here it is {float(slope):.4g} in the middle and {min(a, b)} at the ends: "
            + (
                "nearer to hard labels throughout."
                if min(a, b) > 1
                else "harder in the middle, and as MixUp at the ends."
            )
        ),
    )


QUESTIONS = (from_the_map, labels_exchanged, slope_in_the_middle)
