"""The look of the book's figures."""

from __future__ import annotations


def style() -> None:
    """Set a palette safe for colour blindness, and text that is legible on a phone.

    For notebooks. Images have twice the resolution they are shown at; keep figures about 5 inches
    wide.
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
        }
    )
    set_matplotlib_formats("retina")
