"""Questions on chapter 11, training curves."""

from fractions import Fraction

import numpy as np

from bank import Question, integer, pick, question


def slower_for_dat(rng: np.random.Generator) -> Question:
    h, k = integer(rng, 1, 3), pick(rng, 2, 3, 4)
    eta = pick(rng, Fraction(1, 2), Fraction(1, 4), Fraction(1, 5), Fraction(2, 5))
    s2 = integer(rng, 1, 4)
    ratio = eta / (4 - 2 * eta * h)
    slower = 4 * ratio / (k + 2 * ratio * h)
    steps, steps2 = (
        next(n for n in range(1, 10_000) if abs(1 - h * x) ** n < Fraction(1, 100))
        for x in (eta, slower)
    )
    return question(
        "bank-11-slower-for-dat",
        "ex-theorem-quadratic",
        "pen and paper",
        text=r"""
Let $f(w) = \frac12 \cdot <h>\, w^2$, and let a step of rate η use the gradient $<h> w + \xi$ with independent noise of mean 0. Under $U(q)$ the noise has the variance $<s2>$, under DAT with $q$ the variance is $<k>$ times as large.

(a) Compute the long-run mean of $f$ under $U(q)$ with $\eta = <eta>$.

(b) Which smaller rate gives DAT the same long-run mean?

(c) Both start at the same $w_0$. After how many steps is $\lvert\mathbb{E}\, w\rvert$ below one hundredth of $\lvert w_0 \rvert$, for each with its own rate? What does the coin cost here?
""",
        solution=r"""
(a) The second moment obeys $m \leftarrow (1 - \eta h)^2 m + \eta^2 s^2$ and settles at $\eta s^2/(h(2 - \eta h))$. So $\mathbb{E} f \to \eta s^2/(4 - 2\eta h) = <level>$.

(b) $<k> x/(4 - 2 x h) = r$ with $r = \eta/(4 - 2\eta h) = <ratio>$. Solved: $x = 4r/(<k> + 2rh) = <slower> \approx <slower~>$.

(c) The mean shrinks by the factor $\lvert 1 - \eta h \rvert$ a step, whatever the noise: $<steps>$ steps for $U(q)$ and $<steps2>$ for DAT. At equal quality in the end the coin costs time.
""",
        marking=[
            (4, r"(a) the recursion of the second moment, $<level>$"),
            (3, r"(b) $<slower>$"),
            (3, "(c) $<steps>$ and $<steps2>$ steps; the price is time"),
        ],
        given={"h": h, "k": k, "eta": eta, "s2": s2},
        answers={
            "level": ratio * s2,
            "slower": slower,
            "steps": steps,
            "steps2": steps2,
        },
        ratio=ratio,
    )


def clipped(rng: np.random.Generator) -> Question:
    often = Fraction(1, pick(rng, 20, 25, 40))
    w = Fraction(1, pick(rng, 5, 10))
    large = w / often
    still, coin = Fraction(0), often * (w - 1) ** 2 / 2 + (1 - often) * w**2 / 2
    return question(
        "bank-11-clipped",
        "ex-curves-which-steps",
        "pen and paper",
        text=r"""
Let $f(w) = \frac12 w^2$ and $w = <w>$. A step is $w - \operatorname{clip}(g)$, where clip brings a number to $[-1, 1]$. Without the coin the gradient is $g = <w>$. With the coin it is $<large>$ with probability $<often>$ and 0 otherwise.

(a) Show that the two gradients have one mean. Compute the mean of $f$ after one step, with the coin and without.

(b) The same with the step $w - g$, without clipping.

(c) The book proves that a coin does not make the mean of a convex $f$ smaller after a step. Which hypothesis on the step is used, and in which of (a) and (b) does it hold? Can a clipped step with the coin ever end lower on average than without? Give an example, or say why not.
""",
        solution=r"""
(a) $<often> \cdot <large> = <w>$. Without the coin the step ends at 0, $f = <still>$. With it the large gradient is clipped to 1: $<often> \cdot \frac12 (<w> - 1)^2 + (1 - <often>) \cdot \frac12 \cdot <w>^2 = <coin> \approx <coin~>$.

(b) Without the coin 0 again. With the coin $<often> \cdot \frac12 (<w> - <large>)^2 + (1 - <often>) \cdot \frac12 \cdot <w>^2 = <free> \approx <free~>$.

(c) The step must be affine in the gradient, so that the mean of the steps is the step with the mean gradient; then Jensen's inequality gives the claim. It holds in (b). In (a) it does not, and the conclusion is true by luck. It can fail: let the step without the coin overshoot, for example $w = 0.1$ and $g = 1$, which ends at $-0.9$ with $f = 0.405$; with the coin let $g$ be 20 with probability 0.05, else 0: $0.05 \cdot 0.405 + 0.95 \cdot 0.005 = 0.025$.
""",
        marking=[
            (4, r"(a) equal means; $<still>$ and $<coin>$"),
            (2, r"(b) $<free>$"),
            (4, "(c) affine in the gradient; an example in which the clipped step ends lower"),
        ],
        given={"often": often, "w": w},
        answers={
            "large": large,
            "still": still,
            "coin": coin,
            "free": often * (w - large) ** 2 / 2 + (1 - often) * w**2 / 2,
        },
    )


def after_the_drop(rng: np.random.Generator) -> Question:
    rate, later = pick(rng, (0.5, 0.05), (0.4, 0.1), (0.8, 0.2), (0.6, 0.06))
    h = pick(rng, 0.5, 1.0, 2.0)
    mixup = integer(rng, 20, 60) / 1000
    times = pick(rng, 1.5, 2.0, 3.0)
    dat = round(mixup * times, 4)
    drop = (later / (4 - 2 * later * h)) / (rate / (4 - 2 * rate * h))
    return question(
        "bank-11-after-the-drop",
        "ex-curves-schedule",
        "code",
        text=r"""
MixUp(1) and its DAT twin train one weight with the curvature $h = <h>$ until nothing changes any more, then the rate drops. A cell prints the excess of the loss over its minimum:

```text
rate    MixUp     DAT
<rate>     <mixup>     <dat>
<later>    ?         ?
```

(a) Fill in what you expect of the second row in the long run, by the formula for a quadratic with noise.

(b) How many times as large is the variance of DAT's gradient? Which number of pairs in DAT's batch, in place of 16, would give it MixUp's excess at each rate?

(c) Directly after the drop the row looks different. In which direction, and on what does it depend how long that lasts?
""",
        solution=r"""
(a) The excess is $\eta s^2/(4 - 2\eta h)$, so both are multiplied by $\frac{<later>/(4 - 2 \cdot <later> \cdot <h>)}{<rate>/(4 - 2 \cdot <rate> \cdot <h>)} = <drop>$: $<mixupLater>$ and $<datLater>$.

(b) $<dat>/<mixup> = <times>$ times, at any rate. The variance is in inverse proportion to the batch, so $16 \cdot <times> = <batch>$ pairs.

(c) It is still as high as before, and falls to its new level by the factor $(1 - \eta h)^2$ a step: slowly for the small rate, and in directions of small curvature the slowest.
""",
        marking=[
            (3, "(a) the factor $<drop>$, $<mixupLater>$ and $<datLater>$"),
            (3, "(b) $<times>$ times; $<batch>$ pairs"),
            (2, "(c) too high at first, for about $1/(\\eta h)$ steps"),
        ],
        given={"rate": rate, "later": later, "h": h, "mixup": mixup, "dat": dat},
        answers={
            "drop": drop,
            "mixupLater": mixup * drop,
            "datLater": dat * drop,
            "batch": round(16 * times),
        },
        times=times,
    )


QUESTIONS = (slower_for_dat, clipped, after_the_drop)
