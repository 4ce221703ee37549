"""Questions on chapter 19, the expansion."""

from fractions import Fraction

import numpy as np

from bank import Question, integer, pick, question, written


def power_shrinks(rng: np.random.Generator) -> Question:
    k = integer(rng, 3, 6)
    tail = Fraction(2, (k + 1) * (k + 2) * (k + 3))
    m1 = Fraction(1, 2) + Fraction(1, k + 1) - Fraction(2, k + 2)
    m2 = tail + Fraction(1, 3) - Fraction(1, k + 3)
    rho = (1 - m1) / (1 - 2 * m1 + 2 * m2)
    return question(
        "bank-19-power-shrinks",
        "ex-beyond-rho",
        "pen and paper",
        text=r"""
Linear least squares is fitted to mixed samples, with uniform λ and $\gamma(\lambda) = \lambda^{<k>}$, which is no MixUp.

(a) Compute $m_1 = \mathbb{E}[\bar\mu]$ and $m_2 = \mathbb{E}[\bar\mu^2]$ of the DAT policy. (You may use $\int_0^1 \lambda^{<k>}\bar\lambda^2\, d\lambda = <tail>$.)

(b) By which factor ρ is the slope multiplied? Does the line become flatter or steeper?

(c) For the exponents 1 and 2 the factor is 1. Why both?
""",
        solution=r"""
(a) $\bar\mu$ is $\bar\lambda$ on heads and λ on tails. $m_1 = \mathbb{E}[\gamma\bar\lambda + \bar\gamma\lambda] = \frac12 + \frac1{<k1>} - \frac2{<k2>} = <m1>$, and $m_2 = \mathbb{E}[\gamma\bar\lambda^2 + \bar\gamma\lambda^2] = <tail> + \frac13 - \frac1{<k3>} = <m2>$.

(b) $\rho = (1 - m_1)/(1 - 2m_1 + 2m_2) = <rho> \approx <rho~>$: <verdict>.

(c) Exponent 1 is MixUp(1), exponent 2 is its twin: both have $D = B(2, 1)$, and ρ depends on $D$ alone. For every MixUp $m_2 = \frac12 m_1$, so $\rho = 1$.
""",
        marking=[
            (4, r"(a) $<m1>$ and $<m2>$"),
            (3, r"(b) $\rho = <rho>$, <verdict>"),
            (3, "(c) MixUp and its twin"),
        ],
        given={"k": k},
        answers={"m1": m1, "m2": m2, "rho": rho},
        tail=tail,
        k1=k + 1,
        k2=k + 2,
        k3=k + 3,
        verdict="flatter" if rho < 1 else "steeper",
    )


def two_points_for_a_factor(rng: np.random.Generator) -> Question:
    t1 = pick(rng, Fraction(1, 4), Fraction(1, 5), Fraction(1, 3))
    t2 = pick(rng, Fraction(3, 5), Fraction(2, 3), Fraction(4, 5))
    share = pick(rng, Fraction(1, 2), Fraction(2, 3), Fraction(3, 4))
    m1 = share * t1 + (1 - share) * t2
    m2 = share * t1**2 + (1 - share) * t2**2
    rho = (1 - m1) / (1 - 2 * m1 + 2 * m2)
    tied = (t2**2 - t2 / 2) / (t2**2 - t2 / 2 - t1**2 + t1 / 2)
    return question(
        "bank-19-two-points-for-a-factor",
        "ex-beyond-tie",
        "pen and paper",
        text=r"""
A DAT policy moves an image by $\bar\mu = <t1>$ with probability π, and by $\bar\mu = <t2>$ otherwise.

(a) Find π such that linear least squares fits the slope $<rho>$ times that of the data.

(b) For which π is the factor 1? Is the policy then the DAT policy of a MixUp?

(c) To second order, what does a scheme with the π of (b) have in common with a MixUp at one fixed ratio? Give the equation for this ratio.
""",
        solution=r"""
(a) $m_1 = <t1>\pi + <t2>\bar\pi$, $m_2 = <t1>^2\pi + <t2>^2\bar\pi$, and $1 - m_1 = \rho\,(1 - 2m_1 + 2m_2)$ is linear in π: $\pi = <share>$, with $m_1 = <m1>$ and $m_2 = <m2>$.

(b) $m_2 = \frac12 m_1$: $\pi = <tied>$. <isMixup>

(c) Its first two moments, if $2t\bar t = m_1$ at that π, and so the expected loss to second order and the whole of linear least squares. The third moments differ in general.
""",
        marking=[
            (5, r"(a) the linear equation, $\pi = <share>$"),
            (3, r"(b) $\pi = <tied>$; <short>"),
            (2, r"(c) two moments, from $2t\bar t = m_1$"),
        ],
        given={"t1": t1, "t2": t2, "rho": rho},
        answers={"share": share, "tied": tied, "m1": m1, "m2": m2},
        short="MixUp at one ratio" if t1 + t2 == 1 else "no MixUp",
        isMixup=(
            "It is: mass at mirrored points, in the proportion of MixUp at one fixed ratio."
            if t1 + t2 == 1
            else "It is not: a MixUp that has mass at a point between 0 and 1 has mass at its "
            f"mirror image too, and ${written(t1)}$ and ${written(t2)}$ are not mirror images."
        ),
    )


def couples_of_four(rng: np.random.Generator) -> Question:
    y = [-integer(rng, 1, 5), integer(rng, -3, 3), integer(rng, -3, 3)]
    y.append(-sum(y))
    x = [-3, -1, 1, 3]
    partner = pick(rng, [3, 2, 1, 0], [1, 0, 3, 2], [2, 3, 0, 1])
    t = pick(rng, Fraction(1, 4), Fraction(1, 3), Fraction(1, 5))
    m1 = 2 * t * (1 - t)
    c = Fraction(sum(a * b for a, b in zip(x, y, strict=True)), 4)
    c2 = Fraction(sum(x[i] * y[partner[i]] for i in range(4)), 4)
    v2 = Fraction(sum(x[i] * x[partner[i]] for i in range(4)), 4)
    slope = ((1 - m1) * c + m1 * c2) / ((1 - m1) * 5 + m1 * v2)
    return question(
        "bank-19-couples-of-four",
        "ex-beyond-couples",
        "code",
        text=r"""
```python
x = np.array([-3, -1, 1, 3])
y = np.array([<y>])
partner = np.array([<partner>])
points = np.concatenate([<t~> * x + <tbar~> * x[partner], <tbar~> * x + <t~> * x[partner]])
labels = np.concatenate([<t~> * y + <tbar~> * y[partner], <tbar~> * y + <t~> * y[partner]])
print(np.polyfit(x, y, 1)[0], np.polyfit(points, labels, 1)[0])
```

(The decimals stand for $<t>$ and $<tbar>$.)

(a) Which scheme and which pairing is this? Is the pairing exchangeable?

(b) Compute both numbers, as fractions, by covariances.

(c) With independent pairs, all sixteen of them, what would the second number be? Which hypothesis of the book's proposition do couples break?
""",
        solution=r"""
(a) MixUp with λ at $<t>$ or $<tbar>$, equally often, on couples: each sample has one fixed partner. As the partner of the partner is the sample itself, it is exchangeable.

(b) The means are 0. $\operatorname{Var} x = 5$, $\operatorname{Cov}(x, y) = <c>$, with the partner $v' = <v2>$ and $c' = <c2>$. The first number is $<plain>$. With $m_1 = 2 \cdot <t> \cdot <tbar> = <m1>$ the second is $\frac{(1 - m_1) c + m_1 c'}{(1 - m_1) v + m_1 v'} = <slope> \approx <slope~>$.

(c) The plain slope $<plain>$: for MixUp with independent uniform pairs the factor is 1. Couples are exchangeable, but not independent: $c'$ and $v'$ are not 0.
""",
        marking=[
            (2, "(a) MixUp at a fixed ratio on couples, exchangeable"),
            (6, r"(b) $<plain>$ and $<slope>$, with both covariances of a couple"),
            (2, "(c) the plain slope; independence"),
        ],
        given={"x": x, "y": y, "partner": partner, "t": t},
        answers={"plain": c / 5, "slope": slope},
        tbar=1 - t,
        c=c,
        c2=c2,
        v2=v2,
        m1=m1,
    )


QUESTIONS = (power_shrinks, two_points_for_a_factor, couples_of_four)
