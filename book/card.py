"""The picture that stands for the book where a link to it is shared: its one idea, drawn."""

from __future__ import annotations

from pathlib import Path


def draw(path: Path, title: str) -> None:
    """Draw the segment and its coin below the title, 1,200 by 630 pixels."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    import umixup as um

    with plt.rc_context():
        um.plotting.style()
        figure = plt.figure(figsize=(12, 6.3), dpi=100, facecolor="white", layout="none")
        figure.text(0.06, 0.84, title, fontsize=32, weight="bold")
        figure.text(
            0.06, 0.75, "An executable book, and a PyTorch library", fontsize=22, color="0.35"
        )
        axes = figure.add_axes((0.08, 0.05, 0.84, 0.62))
        names = {"names": ("cat", "dog"), "labels": ("the label cat", "the label dog")}
        um.plotting.pair_and_coin(axes, lam=0.7, **names, losses=("0.3", "1.4"))
        for text in axes.texts:
            text.set_fontsize(1.6 * text.get_fontsize())
        figure.savefig(path, facecolor="white")
        plt.close(figure)
