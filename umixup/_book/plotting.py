"""The look of the book's figures: one colour a scheme, one for each end of a pair."""

from __future__ import annotations

from typing import TYPE_CHECKING

from umixup import _check as check

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: The colour of each kind of scheme, in every figure.
COLOURS = {"ERM": "#595959", "MixUp": "#0173b2", "DAT": "#d55e00", "UMixUp": "#029e73"}
#: The colours of x and of its partner x′, in figures and in formulas.
ENDS = ("#8e44ad", "#946500")


def style() -> None:
    """Set a palette safe for colour blindness, and text that is legible on a phone.

    For notebooks. Images have twice the resolution they are shown at; keep figures about 5 inches
    wide. Figures are transparent, so that a page can invert them in the dark.
    """
    import matplotlib.pyplot as plt
    import seaborn as sns
    from matplotlib_inline.backend_inline import set_matplotlib_formats

    sns.set_theme(context="notebook", style="whitegrid", palette="colorblind")
    plt.rcParams.update(
        {
            "figure.figsize": (5.2, 3.4),
            "figure.dpi": 100,
            "figure.constrained_layout.use": True,
            "axes.titlesize": 12,
            "axes.labelsize": 12,
            "legend.fontsize": 11,
            "legend.frameon": True,
            "figure.facecolor": "none",
            "axes.facecolor": "none",
            "savefig.facecolor": "none",
        }
    )
    set_matplotlib_formats("retina")


def pair_and_coin(
    ax: Axes,
    lam: float = 0.7,
    gamma: float | None = None,
    *,
    names: tuple[str, str] = ("x", "x′"),
    labels: tuple[str, str] = ("y", "y′"),
    losses: tuple[str, str] | None = None,
) -> None:
    """Draw a segment from x′ to x, the mixed point, and the two arrows of a coin.

    On heads x has moved to the point and keeps its label; on tails x′ has moved there and keeps its
    own. λ is the share of x in the point, γ the probability of heads.

    Args:
        ax: it is drawn from 0 (x′) to 1 (x).
        lam: where the mixed point is, in [0, 1].
        gamma: the probability of heads, in [0, 1]; ``None`` is λ, as in MixUp.
        names: what is written at the ends, that of x first.
        labels: which label each arrow keeps, that of x first.
        losses: what the point costs with each of the two labels; ``None`` leaves them out.

    Raises:
        ValueError: ``lam`` or ``gamma`` is not in [0, 1].
    """
    check.number("lam", lam, check.UNIT)
    heads = lam if gamma is None else check.number("gamma", gamma, check.UNIT)
    ax.set(xlim=(-0.05, 1.05), ylim=(-1.0, 1.0))
    ax.axis("off")
    ax.plot([0, 1], [0, 0], color="0.6", lw=2, zorder=1)
    ax.plot([lam], [0], "o", color="black", ms=11, zorder=3)
    for k, (end, up, coin) in enumerate(((1.0, 1, "heads"), (0.0, -1, "tails"))):
        colour = ENDS[k]
        ax.plot([end], [0], "o", color=colour, ms=14, zorder=2)
        side = "top" if up > 0 else "bottom"
        name = ax.annotate(names[k], (end, -0.15 * up), ha="center", va=side, color=colour)
        name.set_in_layout(False)
        arrow = {"arrowstyle": "-|>", "color": colour, "lw": 2, "shrinkA": 8, "shrinkB": 6}
        bent = {"connectionstyle": f"arc3,rad={0.16 / max(abs(end - lam), 0.2):.3f}"}
        ax.annotate("", (lam, 0.09 * up), (end, 0.09 * up), arrowprops=arrow | bent)
        how_often = heads if k == 0 else 1 - heads
        told = f"{coin}, {how_often:.0%}: {names[k]} has moved, and keeps {labels[k]}"
        told += "" if losses is None else f"\nloss {losses[k]}"
        at, side = (1.05, "right") if k == 0 else (-0.05, "left")
        text = ax.text(at, 0.75 * up, told, color=colour, va="center", ha=side, fontsize=11)
        text.set_in_layout(False)
