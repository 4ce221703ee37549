"""Questions on chapter 17, robustness."""

from fractions import Fraction

import numpy as np

from bank import Question, integer, pick, question


def smallest_radius(rng: np.random.Generator) -> Question:
    w = [
        int(v) for v in rng.permutation(pick(rng, (3, -4, 12), (1, -2, 2), (2, 3, -6), (4, 4, -7)))
    ]
    x = [integer(rng, 0, 3) for _ in range(3)]
    margin = integer(rng, 4, 12)
    b = margin - sum(u * v for u, v in zip(w, x, strict=True))
    one, two = sum(map(abs, w)), round(sum(v * v for v in w) ** 0.5)
    return question(
        "bank-17-smallest-radius",
        "ex-euclidean-step",
        "pen and paper",
        text=r"""
A linear classifier decides by the sign of $w^{\mathsf T} x + b$ with $w = (<w>)$, $b = <b>$. The sample $x = (<x>)$ belongs to the positive side.

(a) What is the smallest radius ε of the box $|\delta_i| \le \varepsilon$, and of the Euclidean ball, at which an attack reaches the decision line? Give the move for both.

(b) At the radius of the box that you found, how does a random corner of the box change $w^{\mathsf T}x$, in mean and standard deviation? How many standard deviations would it have to move to succeed?

(c) Now the classifier is a network whose loss is not linear. Which of your two radii is still a bound on something, and in which direction?
""",
        solution=r"""
(a) $w^{\mathsf T} x + b = <margin>$. In the box the largest fall is $\varepsilon\lVert w \rVert_1 = <one>\varepsilon$, by $\delta = -\varepsilon \operatorname{sign} w$: $\varepsilon = <box>$. In the ball it is $\varepsilon\lVert w \rVert_2 = <two>\varepsilon$, by $\delta = -\varepsilon w/\lVert w \rVert_2$: $\varepsilon = <ball>$.

(b) Mean 0, standard deviation $\varepsilon\lVert w \rVert_2 = <std>$. It has to fall by $<margin>$, which is $\lVert w \rVert_1/\lVert w \rVert_2 = <ratio> \approx <ratio~>$ standard deviations.

(c) A move that succeeds shows that the true smallest radius is at most its length: attacks bound robustness from above. If the sign step does not succeed, nothing is shown.
""",
        marking=[
            (4, r"(a) $<box>$ and $<ball>$, with both moves"),
            (2, r"(b) 0 and $<std>$; $<ratio>$ standard deviations"),
            (2, "(c) a success bounds the smallest radius from above, a failure shows nothing"),
        ],
        given={"w": w, "x": x, "b": b},
        answers={
            "margin": margin,
            "box": Fraction(margin, one),
            "ball": Fraction(margin, two),
            "std": Fraction(margin * two, one),
            "ratio": Fraction(one, two),
        },
        one=one,
        two=two,
    )


def three_attacks(rng: np.random.Generator) -> Question:
    parts = rng.multinomial(60, [0.3, 0.2, 0.15, 0.1, 0.1, 0.1, 0.05])
    only1, only2, only3, b12, b13, b23, every = (int(v) for v in parts)
    a1, a2, a3 = only1 + b12 + b13 + every, only2 + b12 + b23 + every, only3 + b13 + b23 + every
    p12, p13, p23 = b12 + every, b13 + every, b23 + every
    union = sum(map(int, parts))
    pairs = a1 + a2 + a3 - p12 - p13 - p23
    return question(
        "bank-17-three-attacks",
        "ex-union-of-attacks",
        "pen and paper",
        text=r"""
Of 100 test samples $<a1>$, $<a2>$ and $<a3>$ fall to three attacks. To the first and second fall $<p12>$, to the first and third $<p13>$, to the second and third $<p23>$.

(a) What can you say of the number that fall to at least one attack, from the first three numbers alone?

(b) And from all six? (Let $t$ fall to all three. Which values of $t$ are possible?)

(c) It turns out that $t = <every>$. What is the union, and what does it say about the robust error?
""",
        solution=r"""
(a) At least the largest, $<largest>$, at most the smaller of the sum and 100, $<sum>$.

(b) The union is $a_1 + a_2 + a_3 - a_{12} - a_{13} - a_{23} + t = <pairs> + t$. Here $t$ is at most the smallest of the pairs, $<tmax>$; and as no part may be negative (for example $a_1 - a_{12} - a_{13} + t \ge 0$), $t \ge <tmin>$; the union may not exceed 100 either. So it lies between $<low>$ and $<high>$.

(c) $<union>$: the robust error is at least $<union>\,\%$. It may be larger, since other attacks may find more.
""",
        marking=[
            (2, "(a) between $<largest>$ and $<sum>$"),
            (
                4,
                "(b) inclusion and exclusion; $t$ from $<tmin>$ to $<tmax>$, the union from $<low>$ to $<high>$",
            ),
            (2, "(c) $<union>$, a lower bound of the robust error"),
        ],
        given={"a": [a1, a2, a3], "p": [p12, p13, p23], "every": every},
        answers={
            "union": union,
            "tmin": max(0, p12 + p13 - a1, p12 + p23 - a2, p13 + p23 - a3),
            "tmax": min(p12, p13, p23),
            "low": pairs + max(0, p12 + p13 - a1, p12 + p23 - a2, p13 + p23 - a3),
            "high": min(100, pairs + min(p12, p13, p23)),
        },
        a1=a1,
        a2=a2,
        a3=a3,
        p12=p12,
        p13=p13,
        p23=p23,
        largest=max(a1, a2, a3),
        sum=min(100, a1 + a2 + a3),
        pairs=pairs,
    )


def signs_of_masking(rng: np.random.Generator) -> Question:
    clean = integer(rng, 4, 9)
    random_small = clean + integer(rng, 0, 1)
    random_large = random_small + integer(rng, 3, 6)
    single = clean + integer(rng, 16, 24)
    many = single + integer(rng, 6, 12)
    large = many + integer(rng, 18, 26)
    fall = integer(rng, 8, 13)
    kind = int(rng.integers(3))
    rows = {
        "random corner, ε = 4/255": random_small,
        "random corner, ε = 16/255": random_large,
        "one step,      ε = 4/255": single,
        "PGD 20 steps,  ε = 4/255": many,
        "PGD 20 steps,  ε = 16/255": large,
        "union of all,  ε = 4/255": many + integer(rng, 1, 3),
    }
    change = {
        0: ("PGD 20 steps,  ε = 4/255", single - fall),
        1: ("PGD 20 steps,  ε = 16/255", many - fall),
        2: ("union of all,  ε = 4/255", many - fall),
    }[kind]
    if kind == 0:
        rows["union of all,  ε = 4/255"] = single + 2
    rows[change[0]] = change[1]
    worst = max(rows["one step,      ε = 4/255"], rows["PGD 20 steps,  ε = 4/255"])
    said = (
        "PGD at ε = 4/255 finds less than one step does. It starts from a random point and may end elsewhere, so this is possible, but many small steps are expected to be no worse than one: a sign of a masked gradient, or of steps that are too small",
        "PGD at ε = 16/255 finds less than at 4/255. The larger ball holds the smaller one, so the robust error cannot fall. The attack has failed to find what is there: a sign of masking, or of a step size that does not suit the radius",
        "the union is below one of its parts. That is impossible, and an error of the program: a union is at least each of its members",
    )[kind]
    return question(
        "bank-17-signs-of-masking",
        "ex-own-pgd",
        "code",
        text=r"""
A student attacks one network and prints the share of test samples that are wrong, in percent (one start each, clean error <clean>):

```text
<table>
```

(a) One line does not fit the others. Which, and is what it says impossible or only a bad sign?

(b) From these lines, what is the best lower bound of the robust error at ε = 4/255, and what at ε = 16/255, leaving out a line that is an error of the program?

(c) Name two more runs that would tell whether gradients are masked.
""",
        solution=r"""
(a) The line `<line>`: <said>.

(b) At 4/255 the largest share that an attack has reached, $<small>\,\%$. At 16/255 the largest of all lines that can be trusted, $<big>\,\%$: what falls within the smaller ball falls within the larger one.

(c) For example: PGD with more restarts and steps; an attack transferred from another network; a radius so large that every sample must fall; an attack without gradients.
""",
        marking=[
            (4, "(a) the line `<line>`, with the reason"),
            (4, r"(b) $<small>\,\%$ and $<big>\,\%$"),
            (2, "(c) two of the list"),
        ],
        given={"rows": rows, "kind": kind},
        answers={
            "small": worst if kind == 2 else max(worst, rows["union of all,  ε = 4/255"]),
            "big": max(v for name, v in rows.items() if kind != 2 or "union" not in name),
        },
        clean=clean,
        table="\n".join(f"{name:26s} {v:3d}" for name, v in rows.items()),
        line=" ".join(change[0].split()),
        said=said,
    )


QUESTIONS = (smallest_radius, three_attacks, signs_of_masking)
