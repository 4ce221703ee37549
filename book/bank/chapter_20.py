"""Questions on chapter 20, pairs."""

from fractions import Fraction

import numpy as np

from bank import Question, integer, pick, question


def power(k: int, base: str) -> str:
    """The density of B(k, 1) at a ratio, as it is written."""
    return "1" if k == 1 else f"{k}{base}" if k == 2 else f"{k}{base}^{{{k - 1}}}"


def policies_by_order(rng: np.random.Generator) -> Question:
    k, m = pick(rng, (2, 1), (3, 1), (2, 3), (4, 2), (3, 4))
    t = pick(rng, Fraction(2, 3), Fraction(3, 4), Fraction(1, 2), Fraction(3, 5))
    there, back = k * t ** (k - 1), m * (1 - t) ** (m - 1)
    return question(
        "bank-20-policies-by-order",
        "ex-policy-for-pairs",
        "pen and paper",
        text=r"""
DAT moves samples of a common class towards a rare one by $B(<k>, 1)$, of density $<there>$, and samples of the rare class towards the common one by $B(<m>, 1)$. Let $a$ be of the common class and $b$ of the rare one, and $Q$ exchangeable.

(a) Find the scheme with mixed labels that has the same expected loss: $p'_{ab}$, $\gamma_{ab}$, $p'_{ba}$ and $\gamma_{ba}$.

(b) What is $\gamma_{ab}$ at $\lambda = <t>$? Check $\gamma_{ab}(\lambda) + \gamma_{ba}(\bar\lambda) = 1$ there.

(c) Would one policy for all pairs, the mean of the two, with its $U$, have the same expected loss? And where does the answer to (a) use that $Q$ is exchangeable?
""",
        solution=r"""
(a) $p'_{ab}(\lambda) = \frac12\bigl(<there> + <backBar>\bigr)$ and $\gamma_{ab}(\lambda) = <there>/\bigl(<there> + <backBar>\bigr)$; $p'_{ba}(\lambda) = p'_{ab}(\bar\lambda)$, and $\gamma_{ba}(\lambda) = <back>/\bigl(<back> + <thereBar>\bigr)$.

(b) $\gamma_{ab}(<t>) = <gamma>$. And $\gamma_{ba}(<tbar>) = <other>$.

(c) No: it is DAT with the mean policy in both directions, another loss, unless the two policies are one. Exchangeable pairs are used where a tail of $(b, a)$ takes the place of a draw of $(a, b)$: both orders must be equally frequent.
""",
        marking=[
            (5, "(a) both policies and both weights"),
            (3, r"(b) $<gamma>$ and $<other>$"),
            (2, "(c) no; both orders equally frequent"),
        ],
        given={"k": k, "m": m, "t": t},
        answers={"gamma": there / (there + back), "other": back / (there + back)},
        there=power(k, r"\lambda"),
        back=power(m, r"\lambda"),
        thereBar=power(k, r"\bar\lambda"),
        backBar=power(m, r"\bar\lambda"),
        tbar=1 - t,
    )


def coin_of_a_line(rng: np.random.Generator) -> Question:
    y = [integer(rng, -4, 4) for _ in range(3)] + [integer(rng, 5, 8)]
    a = integer(rng, 1, 5)
    mean = Fraction(sum(y), 4)
    variance = sum((v - mean) ** 2 for v in y) / 4
    coin = Fraction(a, 2 * (2 * a + 1))
    return question(
        "bank-20-coin-of-a-line",
        "ex-policy-for-pairs",
        "pen and paper",
        text=r"""
Regression with squared error; the labels of four training samples are $<y>$. Pairs are independent and uniform.

(a) By how much does the expected loss of DAT with $q = D(p, \gamma)$ exceed that of MixUp($<a>$), at any weights? Give a fraction.

(b) Why do the two have the same gradient nevertheless? Of which kind is the squared error?

(c) The loss is $\lvert z - y \rvert$ in place of $(z - y)^2$. Show by a pair with the labels 0 and 1 and an output $0 < z < 1$ that the gradients of mixed labels and of the coin need not agree.
""",
        solution=r"""
(a) $2\operatorname{Var}(y)\,\mathbb{E}[\lambda\bar\lambda]$ with $\operatorname{Var}(y) = <variance>$ and $\mathbb{E}[\lambda\bar\lambda] = \frac{\alpha}{2(2\alpha + 1)} = <coin>$: $<excess> \approx <excess~>$.

(b) It does not depend on the weights: the squared error is of gradient kind, its gap is $-\gamma\bar\gamma(y - y')^2$, without the output.

(c) With γ for the label 1 the mixed target is γ, and the gradient in $z$ is the sign of $z - \gamma$: 1 or −1. With the coin it is $-1$ with probability γ and $1$ otherwise, $1 - 2\gamma$ on average. They differ for every $0 < \gamma < 1$.
""",
        marking=[
            (4, r"(a) the variance $<variance>$, and $<excess>$"),
            (2, "(b) gradient kind"),
            (2, r"(c) a sign against $1 - 2\gamma$"),
        ],
        given={"y": y, "a": a},
        answers={"variance": variance, "excess": 2 * variance * coin},
        coin=coin,
    )


def nearest_on_a_line(rng: np.random.Generator) -> Question:
    single: list[tuple[int, int]] = []
    while not single:
        steps = [int(v) for v in rng.permutation([1, 2, 4, 7, 11])]
        x = [0, *np.cumsum(steps).tolist()]
        nearest = [
            min((j for j in range(6) if j != i), key=lambda j, i=i: abs(x[i] - x[j]))
            for i in range(6)
        ]
        single = [(i, j) for i, j in enumerate(nearest) if nearest[j] != i]
    rows = [Fraction(1 + nearest.count(i), 12) for i in range(6)]
    return question(
        "bank-20-nearest-on-a-line",
        "ex-beyond-neighbours",
        "code",
        text=r"""
```python
x = torch.tensor([<floats>])
apart = (x[:, None] - x).abs() + 1e9 * torch.eye(6)
Q = F.one_hot(apart.argmin(dim=1), 6).double() / 6
print(bool(um.pairs.check_exchangeable(um.pairs.Weighted(Q))))
even = um.pairs.Weighted((Q + Q.T) / 2)
print(bool(um.pairs.check_exchangeable(even)), even.Q.sum(dim=1) * 12)
```

(a) Who is whose nearest neighbour? Which pairs lack their mirror?

(b) What is printed?

(c) MixUp with a symmetric policy trains on $Q$ as it is. What is its DAT twin, and on which pairs? Which class of samples is drawn more often after symmetrising, and could that matter?
""",
        solution=r"""
(a) Numbered from 0, the nearest of 0 to 5 are $<nearest>$. Without a mirror: <singles>.

(b) False; then True and $<counts>$: a sample is first in its own pair, and once for each sample whose nearest it is.

(c) By the theorem pair by pair, DAT on the symmetrised pairs with the policy $2\lambda p$: only DAT notices the asymmetry. Samples that are the nearest of several others are drawn more often, here numbers <often>: points in dense places, so the training set is no longer weighted evenly.
""",
        marking=[
            (4, "(a) $<nearest>$; <singles>"),
            (3, "(b) False; True, $<counts>$"),
            (3, "(c) DAT on symmetrised pairs; dense places are drawn more often"),
        ],
        given={"x": x},
        answers={"nearest": nearest, "single": single, "rows": rows},
        floats=", ".join(f"{v}.0" for v in x),
        singles=", ".join(f"({i}, {j})" for i, j in single),
        counts=[int(r * 12) for r in rows],
        often=", ".join(str(i) for i, r in enumerate(rows) if r == max(rows)),
    )


QUESTIONS = (policies_by_order, coin_of_a_line, nearest_on_a_line)
