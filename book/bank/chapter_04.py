"""Questions on chapter 4, the map D."""

from fractions import Fraction

import numpy as np

from bank import Question, integer, pick, question


def kept_sometimes(rng: np.random.Generator) -> Question:
    k, c = integer(rng, 3, 5), Fraction(1, pick(rng, 2, 3, 4, 5))
    move = Fraction(1, 2) + Fraction(1, k + 1) - Fraction(2, k + 2)
    passed = Fraction(1, 2) - (1 - Fraction(1, 2**k)) / (k + 1)
    return question(
        "bank-04-kept-sometimes",
        "ex-affine-in-weight",
        "pen and paper",
        text=r"""
Let λ be uniform, and $\gamma(\lambda) = (1 - c)\,\lambda^{<k>} + \frac{c}{2}$ with $c = <c>$.

(a) Find the density of $D(p, \gamma)$.

(b) What is the mean move $\mathbb{E}[1 - \mu]$ of the image that keeps its label, and what is its chance to pass the middle, $\Pr[\mu < \frac12]$? Give fractions.

(c) Is $\gamma$ the weight of a canonical form? Why does it matter or not matter for (a)?
""",
        solution=r"""
(a) $D$ is affine in the weight. For $\gamma = \lambda^{<k>}$ the density is $\mu^{<k>} + 1 - \bar\mu^{<k>}$, for $\gamma \equiv \frac12$ it is 1. So it is $(1 - c)\bigl(\mu^{<k>} + 1 - \bar\mu^{<k>}\bigr) + c$ with $c = <c>$.

(b) For $c = 0$: $\mathbb{E}[1 - \mu] = \mathbb{E}[\gamma\bar\lambda + \bar\gamma\lambda] = \frac12 + \frac{1}{<k1>} - \frac{2}{<k2>} = <pureMove>$ and $\Pr[\mu < \frac12] = \frac12 - \frac{1 - 2^{-<k>}}{<k1>} = <purePassed>$. The other part has $\frac12$ and $\frac12$. With the shares $1 - c$ and $c$ the answers are $<move>$ and $<passed>$.

(c) No: $\lambda^{<k>} + \bar\lambda^{<k>} \ne 1$ between the ends, so $\gamma(\lambda) + \gamma(\bar\lambda) \ne 1$. It does not matter: D is defined for every weight. One must only take $1 - \gamma(\bar\mu)$ and not $\gamma(\mu)$ for the tails.
""",
        marking=[
            (4, "(a) affine in the weight, with both tails written right"),
            (3, r"(b) mean move $<move>$"),
            (3, r"(b) chance to pass the middle $<passed>$"),
            (2, "(c) not canonical, with the reason, and that D needs no such thing"),
        ],
        given={"k": k, "c": c},
        answers={"move": (1 - c) * move + c / 2, "passed": (1 - c) * passed + c / 2},
        pureMove=move,
        purePassed=passed,
        k1=k + 1,
        k2=k + 2,
    )


def atom_in_the_middle(rng: np.random.Generator) -> Question:
    a, r = integer(rng, 3, 5), Fraction(1, pick(rng, 3, 4, 5, 6))
    part = Fraction(2 * a, (a + 1) * (a + 2))
    nearer = (1 - Fraction(1, 2**a)) / (a + 1)
    return question(
        "bank-04-atom-in-the-middle",
        "ex-half-mixup",
        "pen and paper",
        text=r"""
With probability $r = <r>$ two images are averaged, $\lambda = \frac12$; otherwise $\lambda \sim B(<a>, 1)$, of density $<a>\lambda^{<less>}$. In both cases $\gamma(\lambda) = \lambda$.

(a) Write down $D(p, \gamma)$: what has a density, and what has a mass? Why does the mass not move?

(b) Compute the mean move $\mathbb{E}[1 - \mu]$.

(c) Compute the probability that the image that keeps its label has passed the middle, $\Pr[\mu < \frac12]$.
""",
        solution=r"""
(a) D is affine in the policy. On the part with a density $D = \mu\,(p(\mu) + p(\bar\mu)) = <a>\mu\,(\mu^{<less>} + \bar\mu^{<less>})$, as $\bar\gamma(\bar\mu) = \mu$. It has the share $1 - r = <rest>$. The mass $r = <r>$ at ½ stays, since $\bar\lambda = \lambda$ there, whatever the coin shows.

(b) For MixUp the mean move is $2\,\mathbb{E}[\lambda\bar\lambda]$: $2 \cdot \frac{<a>}{<a1> \cdot <a2>} = <part>$ on the first part, ½ on the second. Together $<move>$.

(c) The coin leads past the middle with probability $\min(\lambda, \bar\lambda)$, whose mean under $B(<a>, 1)$ is $\frac{1 - 2^{-<a>}}{<a1>} = <nearer>$. The mass at ½ does not pass it. So $<rest> \cdot <nearer> = <passed>$.
""",
        marking=[
            (4, "(a) the density with its share, the mass at ½, and why it stays"),
            (3, r"(b) $<move>$"),
            (3, r"(c) $<passed>$; the mass at ½ is left out"),
        ],
        given={"a": a, "r": r},
        answers={"move": (1 - r) * part + r / 2, "passed": (1 - r) * nearer},
        rest=1 - r,
        less=a - 1,
        a1=a + 1,
        a2=a + 2,
        part=part,
        nearer=nearer,
    )


def four_losses(rng: np.random.Generator) -> Question:
    near, far, near2, far2 = (integer(rng, low, low + 40) / 100 for low in (20, 120, 60, 170))
    u = pick(rng, 0.2, 0.4, 0.6, 0.8)
    mixed = u * (0.75 * near + 0.25 * far2) + (1 - u) * (0.25 * far + 0.75 * near2)
    mixed2 = u * (0.75 * near2 + 0.25 * far) + (1 - u) * (0.25 * far2 + 0.75 * near)
    dat, dat2 = 0.75 * near + 0.25 * far, 0.75 * near2 + 0.25 * far2
    return question(
        "bank-04-four-losses",
        "ex-move-of-mixup",
        "code",
        text=r"""
A cell measures DAT losses of one network, with the label of the first sample, and prints

```text
pair      λ = 0.25   λ = 0.75
(a, b)      <far>       <near>
(b, a)      <far2>       <near2>
```

The scheme is MixUp, $\gamma(\lambda) = \lambda$, with $\lambda = 0.75$ in the share $<u>$ of all draws and $\lambda = 0.25$ otherwise. The loss is cross-entropy.

(a) Compute the expected loss of the scheme on the sequence that has the pair $(a, b)$ alone.

(b) Find $D$ of the scheme, and the expected loss of DAT with it on the same sequence. Why are the two not equal?

(c) Show with these numbers that they are equal on the sequence $(a, b), (b, a)$.
""",
        solution=r"""
(a) By Lemma 1 the loss at λ is $\lambda\,\ell^{\mathrm{DAT}}(a, b, \lambda) + \bar\lambda\,\ell^{\mathrm{DAT}}(b, a, \bar\lambda)$. At 0.75 it is $0.75 \cdot <near> + 0.25 \cdot <far2>$, at 0.25 it is $0.25 \cdot <far> + 0.75 \cdot <near2>$. The mean with $<u>$ and $<v>$ is $<mixed>$.

(b) $D(\mu) = \mu\,(p(\mu) + p(\bar\mu))$: mass 0.75 at 0.75 and 0.25 at 0.25, whatever the shares. DAT: $0.75 \cdot <near> + 0.25 \cdot <far> = <dat>$. They differ since the sequence lacks the mirror of its only pair.

(c) For $(b, a)$ the scheme has $<mixed2>$ and DAT $<dat2>$. Both sums are $<both>$.
""",
        marking=[
            (4, "(a) Lemma 1 at both ratios, and $<mixed>$"),
            (2, "(b) $D$ has the masses 0.75 and 0.25"),
            (2, "(b) $<dat>$, and the missing mirror"),
            (2, "(c) both sums are $<both>$"),
        ],
        given={"near": near, "far": far, "near2": near2, "far2": far2, "u": u},
        answers={"mixed": mixed, "dat": dat, "mixed2": mixed2, "dat2": dat2},
        near=f"{near:.2f}",
        far=f"{far:.2f}",
        near2=f"{near2:.2f}",
        far2=f"{far2:.2f}",
        v=round(1 - u, 2),
        both=dat + dat2,
    )


def two_points_instead(rng: np.random.Generator) -> Question:
    a = integer(rng, 2, 5)
    move = Fraction(a, 2 * a + 1)
    return question(
        "bank-04-two-points-instead",
        "ex-never-past-the-middle",
        "open",
        text=r"""
A colleague claims that all of the effect of MixUp($<a>$) comes from images that end exactly in the middle, and that one could leave the others alone. Find the DAT policy with masses at ½ and 1 only that has the same mean move as MixUp($<a>$), and say what its UMixUp form looks like. Then plan an experiment that could prove your colleague wrong: what is varied, what is kept, how many runs, and which result would make you change your mind?
""",
        solution=r"""
MixUp($<a>$) has the mean move $\alpha/(2\alpha + 1) = <move>$. Mass $w$ at ½ moves $w/2$, so $w = <w>$, and $<rest>$ of all samples stay as they are. In its UMixUp form λ is ½ with probability $<w>$, labelled half and half, and 0 or 1 with the rest, with whole labels: samples are averaged or left alone.

One way to test the claim: train MixUp($<a>$), this scheme, and a third with the same mean move that has no mass at the middle, for example MixUp at the ratios $t$ and $\bar t$ with $2t\bar t = <move>$, that is $t = <t>$, all in UMixUp form so that the noise of the coin is in none; the same seeds, pairs and lengths for all; the number of runs from a pilot's spread of paired differences. If the third is as good as the first and better than the second, the claim is wrong. Equal errors of the first two would support it only with an interval that is short against MixUp's gain over plain training. What this cannot settle: the three differ in label entropy as well, so that is to be reported beside.
""",
        marking=[
            (3, r"the mass $<w>$ at ½, from the mean move $<move>$"),
            (2, "the UMixUp form: averaged with half a label each, or left alone"),
            (3, "a plan with a control, shared seeds, and a number of runs from a pilot"),
            (2, "a result that would refute the claim, and what the plan cannot settle"),
        ],
        given={"a": a},
        answers={"move": move, "w": 2 * move, "t": (1 + (2 * a + 1) ** -0.5) / 2},
        rest=1 - 2 * move,
    )


QUESTIONS = (kept_sometimes, atom_in_the_middle, four_losses, two_points_instead)
