"""Questions on chapter 5, the map U."""

from fractions import Fraction
from math import ceil

import numpy as np

from bank import Question, integer, pick, question


def which_end(rng: np.random.Generator) -> Question:
    a, b = pick(rng, (3, 1), (4, 2), (4, 1), (5, 2), (3, 2), (5, 3))
    t = pick(rng, Fraction(2, 3), Fraction(3, 4), Fraction(3, 5))
    kappa = pick(rng, Fraction(1, 3), Fraction(1, 4), Fraction(2, 5), Fraction(1, 5))
    there, back = t ** (a - b), (1 - t) ** (a - b)
    gamma = there / (there + back)
    odds = kappa * there / (kappa * there + (1 - kappa) * back)
    return question(
        "bank-05-which-end",
        "ex-neighbours",
        "pen and paper",
        text=r"""
DAT moves images by the policy $q = B(<a>, <b>)$, of density $\propto <density>$. You meet a mixed image at the share $\lambda = <t>$ of $a$ on the segment of $a$ and $b$.

(a) The pairs are exchangeable. With which probability does the image carry the label of $a$?

(b) Now the list of pairs is not symmetric: of all visits to this segment, the share $\kappa = <kappa>$ has $a$ as its first sample. What is the probability now?

(c) For which κ would this point say nothing about its label, that is, a probability of ½?
""",
        solution=r"""
(a) By Bayes' rule $\gamma(\lambda) = q(\lambda)/(q(\lambda) + q(\bar\lambda))$. The common factors cancel: $\gamma = \lambda^s/(\lambda^s + \bar\lambda^s)$ with $s = <s>$. At $<t>$ that is $<gamma>$.

(b) With the prior κ it is $\kappa q(\lambda)/(\kappa q(\lambda) + \bar\kappa q(\bar\lambda)) = <odds>$.

(c) $\kappa\lambda^s = \bar\kappa\bar\lambda^s$, so $\kappa = \bar\lambda^s/(\lambda^s + \bar\lambda^s) = <silent>$, which is one minus the answer to (a).
""",
        marking=[
            (3, "(a) Bayes' rule with both ends, and the factors that cancel"),
            (2, r"(a) $<gamma>$"),
            (3, r"(b) the prior at the right place, $<odds>$"),
            (2, r"(c) $<silent>$"),
        ],
        given={"a": a, "b": b, "t": t, "kappa": kappa},
        answers={"gamma": gamma, "odds": odds, "silent": 1 - gamma},
        density=rf"\lambda^{{{a - 1}}}"
        + (rf"\bar\lambda^{{{b - 1}}}" if b > 2 else r"\bar\lambda" * (b - 1)),
        s=a - b,
    )


def mirrors_added(rng: np.random.Generator) -> Question:
    n = 100 * integer(rng, 4, 9)
    m = n // pick(rng, 4, 5)
    length, eps = pick(rng, 2, 3, 4), pick(rng, Fraction(1, 20), Fraction(1, 10), Fraction(1, 25))
    needed = max(0, ceil((m * length - 2 * n * eps) / (length + 2 * eps)))
    return question(
        "bank-05-mirrors-added",
        "ex-almost-symmetric",
        "pen and paper",
        text=r"""
Of $<n>$ pairs $<m>$ lack their mirror; the others form a symmetric sequence. All numbers $\int q\,\ell^{\mathrm{DAT}}$ lie in an interval of length $R = <length>$.

(a) Bound the difference of the expected losses of $U(q)$ and of DAT with $q$, and show where each factor of your bound comes from.

(b) You may append mirrors that are missing, one by one. How many are enough for a bound of at most $<eps>$?

(c) In place of appending, somebody drops all pairs without a mirror. What becomes of the bound, and what is the price?
""",
        solution=r"""
(a) With $A(a, b) = \int q\, \ell^{\mathrm{DAT}}(a, b, \cdot)$ the difference is $\frac1{2n}\sum_k (A(x'_k, x_k) - A(x_k, x'_k))$. On the symmetric part the sum is zero, every other term is at most $R$. So the bound is $mR/(2n) = <bound>$.

(b) After $j$ more pairs, $m - j$ lack their mirror, of $n + j$. The bound is at most $<eps>$ if $(m - j) R \le 2 \cdot <eps>\, (n + j)$, that is $j \ge \frac{mR - 2n \cdot <eps>}{R + 2 \cdot <eps>}$: $<needed>$ pairs.

(c) The sequence is then symmetric and the bound 0, for any network. But the sequence is another one: both losses are means over fewer pairs, and what was only learnt from the dropped pairs is lost. Appending keeps all pairs and changes how often each is met.
""",
        marking=[
            (4, r"(a) the formula, the symmetric part cancels, $<bound>$"),
            (3, "(b) both $m$ and $n$ change; $<needed>$ mirrors"),
            (1, "(c) the bound is 0, for a loss of other pairs"),
        ],
        given={"n": n, "m": m, "length": length, "eps": eps},
        answers={"bound": Fraction(m * length, 2 * n), "needed": needed},
    )


def three_points(rng: np.random.Generator) -> Question:
    w1, w2 = pick(rng, (0.5, 0.1), (0.4, 0.1), (0.3, 0.2), (0.2, 0.3), (0.6, 0.2))
    w3 = round(1 - w1 - w2, 1)
    t, s = pick(rng, (0.7, 0.9), (0.8, 0.6), (0.6, 0.9), (0.9, 0.7))
    return question(
        "bank-05-three-points",
        "ex-point-mass",
        "code",
        text=r"""
```python
P = um.policies.PointMass
q = um.policies.Mixture([<w1>, <w2>, <w3>], [P(<t>), P(<tbar>), P(<s>)])
scheme = um.U(q)
print(scheme.weight(torch.tensor([<t>, <tbar>, <s>, <sbar>])))
lam, gamma = scheme.draw(100_000, torch.Generator().manual_seed(0))
for at in (<t>, <tbar>, <s>, <sbar>):
    print(at, (lam - at).abs().lt(1e-6).double().mean())
print(um.D(scheme))
```

(a) What are the four numbers of the first line?

(b) What do the four lines of the loop print, up to chance?

(c) What is `um.D(scheme)`, and which statement of the book says so? Would it still be, if the last mass were at ½?
""",
        solution=r"""
(a) $\gamma(<t>) = <w1>/(<w1> + <w2>) = <gamma>$, $\gamma(<tbar>) = <gammaBar>$. At $<s>$ only one end is possible: 1, and 0 at $<sbar>$.

(b) The policy of $U(q)$ is $\frac12(q + \bar q)$: $<half1>$ at $<t>$ and at $<tbar>$, $<half3>$ at $<s>$ and at $<sbar>$.

(c) $q$ itself: D undoes U. It would: ½ is its own mirror image, the mass stays there with the weight ½, and the coin leaves it where it is.
""",
        marking=[
            (4, "(a) $<gamma>$, $<gammaBar>$, 1, 0"),
            (3, "(b) $<half1>$ twice, $<half3>$ twice"),
            (3, "(c) $q$, as D undoes U; also with a mass at ½"),
        ],
        given={"w1": w1, "w2": w2, "w3": w3, "t": t, "s": s},
        answers={
            "gamma": w1 / (w1 + w2),
            "gammaBar": w2 / (w1 + w2),
            "half1": (w1 + w2) / 2,
            "half3": w3 / 2,
        },
        tbar=round(1 - t, 1),
        sbar=round(1 - s, 1),
    )


QUESTIONS = (which_end, mirrors_added, three_points)
