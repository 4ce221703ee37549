"""The book's figures: distinct colours, and the picture of a pair and its coin."""

import itertools

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from umixup import plotting

mpl.use("agg")


def luminance(colour):
    rgb = np.array(to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def test_each_scheme_and_each_end_has_a_colour_of_its_own_that_is_legible_on_white():
    colours = [*plotting.COLOURS.values(), *plotting.ENDS]
    assert list(plotting.COLOURS) == ["ERM", "MixUp", "DAT", "UMixUp"]
    for one, other in itertools.combinations(colours, 2):
        assert np.abs(np.subtract(to_rgb(one), to_rgb(other))).max() > 0.15
    for colour in colours:
        assert 1.05 / (luminance(colour) + 0.05) > 3
    for colour in plotting.ENDS:  # of text too
        assert 1.05 / (luminance(colour) + 0.05) > 4.5


def drawn(*args, **kwargs):
    ax = Figure().add_subplot()
    plotting.pair_and_coin(ax, *args, **kwargs)
    return ax, [text.get_text() for text in ax.texts if text.get_text()]


def test_the_point_is_where_the_share_of_x_says():
    ax, told = drawn(0.7, losses=("0.2", "1.4"))
    assert [line.get_xdata() for line in ax.lines if line.get_color() == "black"] == [[0.7]]
    assert told == [
        "x",
        "heads, 70%: x has moved, and keeps y\nloss 0.2",
        "x′",
        "tails, 30%: x′ has moved, and keeps y′\nloss 1.4",
    ]


@pytest.mark.parametrize("lam", [0, 0.5, 1])
def test_the_coin_may_have_another_weight(lam):
    _, told = drawn(lam, 0.25, names=("cat", "dog"))
    assert told[1::2] == [
        "heads, 25%: cat has moved, and keeps y",
        "tails, 75%: dog has moved, and keeps y′",
    ]


@pytest.mark.parametrize(("lam", "gamma"), [(1.2, None), (0.5, -0.1)])
def test_what_is_no_share_is_refused(lam, gamma):
    with pytest.raises(ValueError, match=r"= (1.2|-0.1): it must be .*in \[0, 1\]"):
        drawn(lam, gamma)
