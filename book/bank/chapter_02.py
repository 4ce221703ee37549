"""Questions on chapter 2, one coin."""

from fractions import Fraction
from math import log

import numpy as np

from bank import Question, integer, pick, question


def harmonic(n: int) -> Fraction:
    """1 + 1/2 + … + 1/n."""
    return sum((Fraction(1, k) for k in range(1, n + 1)), Fraction(0))


def largest_weight(rng: np.random.Generator) -> Question:
    k = integer(rng, 3, 7)
    gamma = Fraction(k, k + 1)
    entropy = Fraction(k, (k + 1) ** 2) + (harmonic(k + 1) - 1) / (k + 1)
    of_mean = float(-gamma * log(gamma) - (1 - gamma) * log(1 - gamma))
    return question(
        "bank-02-largest-weight",
        "ex-random-weight",
        "pen and paper",
        text=r"""
The label's weight $\hat\gamma$ is the largest of $<k>$ independent uniform numbers in $[0, 1]$, drawn independently of λ. Its density is $<k>\, g^{<less>}$. The loss is cross-entropy.

(a) Which scheme $(p, \gamma)$ has the same expected loss of a pair, and by which hypothesis on the loss?

(b) Compute the mean entropy of the targets for a pair of two classes, as a fraction (in nats). You may use $-\int_0^1 g^{<less>} (1 - g) \log(1 - g)\, dg = \frac{1}{<k>}\bigl(H_{<more>} - 1\bigr) / <more>$ with $H_m = 1 + \frac12 + \dots + \frac1m$.

(c) The targets of the scheme in (a) have another entropy. By how much, and which of the two pays this difference as what?
""",
        solution=r"""
(a) Given λ the loss is affine in $\hat\gamma$, as the loss is affine in the target and the output depends on $\tilde x$ alone. So only $\mathbb{E}[\hat\gamma \mid \lambda] = <gamma>$ counts: the scheme with the same policy and $\gamma \equiv <gamma>$.

(b) $-\int_0^1 <k> g^{<k>} \log g\, dg = <k>/<more>^2$. With the hint times $<k>$, the sum is $<kk> + <hk> = <entropy> \approx <entropy~>$ nats.

(c) $H(<gamma>) = <ofMean>$, which is larger by $<more_entropy>$: entropy is strictly concave. The expected losses are equal. So with random weights the network pays $<more_entropy>$ nats more as Kullback–Leibler divergence, and that much less as entropy.
""",
        marking=[
            (
                3,
                r"(a) $\gamma \equiv <gamma>$; the loss is affine in the target, the output the same",
            ),
            (4, r"(b) both parts of the entropy, together $<entropy>$"),
            (
                3,
                "(c) $<more_entropy>$ nats by concavity; entropy on one side is divergence on the other",
            ),
        ],
        given={"k": k},
        answers={"gamma": gamma, "entropy": entropy, "ofMean": of_mean},
        more_entropy=of_mean - float(entropy),
        kk=Fraction(k, (k + 1) ** 2),
        hk=(harmonic(k + 1) - 1) / (k + 1),
        less=k - 1,
        more=k + 1,
    )


def die(rng: np.random.Generator) -> Question:
    v = [Fraction(int(n), 10) for n in pick(rng, (5, 3, 2), (6, 3, 1), (7, 2, 1), (5, 4, 1))]
    gamma = [Fraction(int(n), 8) for n in pick(rng, (4, 3, 1), (2, 1, 5), (1, 5, 2), (3, 1, 4))]
    linear = sum(float(g) * -log(w) for g, w in zip(gamma, v, strict=True))
    bent = -log(sum(g * w for g, w in zip(gamma, v, strict=True)))
    return question(
        "bank-02-die",
        "ex-three-images",
        "pen and paper",
        text=r"""
Three images of three classes are mixed to one point $\tilde x$. There the network predicts $v = (<v>)$. The labels have the weights $(<gamma>)$. One of the three labels is drawn by a die that shows class $k$ with probability $\gamma_k$.

(a) Compute the cross-entropy with the mixed target, and the mean of the cross-entropy with the drawn label.

(b) Do the same for the loss $-\log(v^{\mathsf T} y)$.

(c) Say which of the two losses lets you replace the mixed label by the die, and why the inequality in the other goes the way it does for every $v$.
""",
        solution=r"""
(a) $-\sum_k \gamma_k \log v_k = <linear>$, in both cases: cross-entropy is linear in its target.

(b) With the mixed target $-\log \sum_k \gamma_k v_k = <bent>$. With the die it is $<linear>$, as the two losses agree at class labels.

(c) Cross-entropy. For the other $-\log$ is convex, so by Jensen's inequality $-\log \sum_k \gamma_k v_k \le -\sum_k \gamma_k \log v_k$, strictly unless all $v_k$ with $\gamma_k > 0$ are equal.
""",
        marking=[
            (3, "(a) $<linear>$ twice, with linearity named"),
            (2, "(b) $<bent>$ against $<linear>$"),
            (3, "(c) cross-entropy; Jensen's inequality, with the case of equality"),
        ],
        given={"v": v, "gamma": gamma},
        answers={"linear": linear, "bent": bent},
    )


def turned_twice(rng: np.random.Generator) -> Question:
    a, b = pick(rng, (3, 1), (4, 1), (5, 1), (4, 2), (5, 2))  # B(a + 1, a) is its own D
    right = 1 - Fraction(2 * a * b, (a + b) * (a + b + 1))
    wrong = Fraction(a, a + b)
    return question(
        "bank-02-turned-twice",
        "ex-dropout",
        "code",
        text=r"""
MixUp with the policy $B(<a>, <b>)$ is to be trained with whole labels. Somebody writes:

```python
lam = Beta(<a>, <b>).sample((n,))
heads = torch.rand(n) < lam
points = mix(x, x2, torch.where(heads, lam, 1 - lam))    # mix(x, x2, s): s*x + (1 - s)*x2
labels = torch.where(heads, y, y2)      # class numbers
share = torch.where(heads, lam, lam)    # of the image whose label is kept: correct?
```

(a) On tails, which image has its label kept, and what is its share in `points`? What should it be?

(b) Pairs are exchangeable. Which policy does this code train DAT with, and which one did its author want? Give the mean share of the image that keeps its label for both, as fractions.

(c) Correct one line.
""",
        solution=r"""
(a) On tails the label is that of `x2`. The point is $\bar\lambda x + \lambda x'$, so the share of `x2` is λ. It should be $\bar\lambda$: the coin changes whose label is kept, and not the point, which is turned once too often here. The last line is right for this code, whose shares are λ in both cases.

(b) The owner of the label has the share λ, on heads and on tails. As $(x', x)$ is as likely as $(x, x')$, this is DAT with the policy $B(<a>, <b>)$ itself, with the mean $<wrong>$. (That heads are more likely for large λ makes no difference: the other side has the same share.) Wanted was $D(B(<a>, <b>), \mathrm{id})$, with the mean $\mathbb{E}[\lambda^2 + \bar\lambda^2] = 1 - 2\,\mathbb{E}[\lambda\bar\lambda] = <right>$.

(c) `points = mix(x, x2, lam)`, whatever the coin shows.
""",
        marking=[
            (3, "(a) the share is λ; it should be its mirror"),
            (3, r"(b) DAT with the policy itself, mean $<wrong>$"),
            (2, r"(b) $D$ of MixUp, mean $<right>$"),
            (2, "(c) the point does not depend on the coin"),
        ],
        given={"a": a, "b": b},
        answers={"right": right, "wrong": wrong},
    )


QUESTIONS = (largest_weight, die, turned_twice)
