"""Makes what the interactive figures ship: trained networks, sample images, still pictures.

    python book/explorer.py

It trains one tiny network on two half-moons for each strength and slope of a grid, and one without
mixing, on one thread, in about half a minute. It writes, into ``book/_static``,

    explorer-data.js   the networks' weights, the points, and eight small images
    explorer.svg, coin.svg, tail.svg   what is shown where no script runs

and prints what it did. Everything is seeded, so that the same versions write the same files.
Fashion-MNIST must be in ``data/``: ``um.data.fetch("fashion-mnist")``.
"""

from __future__ import annotations

import base64
import io
import itertools
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

import umixup as um

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STATIC = Path(__file__).parent / "_static"
SEED = 0
STRENGTHS = (0.05, 0.15, 0.25, 0.35, 0.45)  # m = β/(α + β): the mean move of a sample
SLOPES = (0.25, 0.5, 1, 2, 4, 16)  # s = α − β, of the label's weight
HIDDEN = 8
EPOCHS = 150
DIGITS = (0, 1, 3, 8)
CLOTHES = {0: "T-shirt", 1: "trousers", 7: "sneaker", 8: "bag"}


class Tiny(nn.Module):
    """2 -> 8 -> 8 -> 1 with tanh: the logit of ▲; that of ● is 0. Weights are in float64."""

    def __init__(self, seed: int | None = None) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0 if seed is None else seed)
            sizes = (2, HIDDEN, HIDDEN, 1)
            self.layers = nn.ModuleList(
                nn.Linear(a, b, dtype=torch.float64) for a, b in itertools.pairwise(sizes)
            )

    def forward(self, x: Tensor) -> Tensor:  # (N, 2) -> (N,)
        for layer in self.layers[:-1]:
            x = torch.tanh(layer(x))
        return self.layers[-1](x)[:, 0]


def weights_of(model: Tiny) -> list[float]:
    """All weights in the order in which the page reads them, to four decimals."""
    return [round(float(v), 4) for p in model.parameters() for v in p.detach().flatten()]


def with_weights(weights: list[float]) -> Tiny:
    """The network that ``weights_of`` wrote down."""
    model, at = Tiny(), 0
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(torch.tensor(weights[at : at + p.numel()]).reshape(p.shape))
            at += p.numel()
    assert at == len(weights)
    return model


def policy(strength: float, slope: float) -> um.policies.Beta:
    """The Beta of this mean move and this slope: β = sm/(1 − 2m), α = β + s."""
    beta = round(slope * strength / (1 - 2 * strength), 6)
    return um.policies.Beta(round(beta + slope, 6), beta)


def moons() -> tuple[Tensor, Tensor]:
    from sklearn.datasets import make_moons

    points, labels = make_moons(200, noise=0.25, random_state=SEED)
    return torch.from_numpy(points).round(decimals=2), torch.from_numpy(labels)


def train(points: Tensor, labels: Tensor, scheme: um.Scheme) -> Tiny:
    model = Tiny(SEED)
    one_hot = torch.eye(2, dtype=torch.float64)[labels]
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    for epoch in range(EPOCHS):
        plan = um.pairs.plan_epoch(
            scheme, "two_copies", len(points), batch_size=50, seed=SEED, epoch=epoch
        )
        for i, j, lam, gamma in zip(*(part.split(50) for part in plan), strict=True):
            mixed = um.mixing.mix(points[i], points[j], lam)
            target = um.mixing.mix(one_hot[i], one_hot[j], gamma)
            z = model(mixed)
            logits = torch.stack([torch.zeros_like(z), z], dim=1)
            optimizer.zero_grad()
            um.losses.cross_entropy(logits, target).mean().backward()
            optimizer.step()
    return model


def plane() -> dict[str, Any]:
    """The half-moons, and a network for each strength and slope, strength by strength."""
    points, labels = moons()
    networks = []
    for strength in STRENGTHS:
        for slope in SLOPES:
            networks.append(weights_of(train(points, labels, um.U(policy(strength, slope)))))
        print(f"trained  strength {strength}, {len(SLOPES)} slopes", flush=True)
    return {
        "hidden": HIDDEN,
        "strengths": STRENGTHS,
        "slopes": SLOPES,
        "points": points.tolist(),
        "labels": labels.tolist(),
        "erm": weights_of(train(points, labels, um.erm())),
        "networks": networks,
    }


def images() -> list[dict[str, Any]]:
    """The first test image of a few classes, as bytes."""
    found = []
    digits, clothes = um.data.load("digits"), um.data.load("fashion-mnist")
    for data, classes in ((digits, {d: f"digit {d}" for d in DIGITS}), (clothes, CLOTHES)):
        for label, name in classes.items():
            image = data.test_x[data.test_y == label][0].squeeze().double()
            image = (image - image.min()) / (image.max() - image.min())
            pixels = (255 * image).round().to(torch.uint8).numpy().tobytes()
            text = base64.b64encode(pixels).decode()
            found.append({"name": name, "side": image.shape[0], "pixels": text})
    return found


def stills() -> Iterator[tuple[str, Figure]]:
    """What each figure looks like before anybody moves it, with the name of its file."""
    import matplotlib.pyplot as plt
    from scipy import stats

    q, lam = um.policies.Beta(2.2, 0.9), torch.linspace(0.001, 0.999, 300, dtype=torch.float64)
    scheme, colours = um.U(q), um.plotting.COLOURS
    fig, (left, right) = plt.subplots(1, 2, figsize=(7.2, 3.2))
    for policy_, dash, kind, name in (
        (q, "-", "DAT", "q = B(2.2, 0.9)"),
        (um.policies.Beta(0.9, 2.2), "--", "DAT", "its mirror"),
        (scheme.policy, "-", "UMixUp", "p, their mean; γ(λ)"),
    ):
        density = policy_.log_prob(lam).exp()
        left.plot(lam, density, dash, color=colours[kind], lw=2, label=name)
    right.plot(lam, scheme.weight(lam), color=colours["UMixUp"], lw=2)
    right.plot(lam, lam, ":", color=colours["MixUp"], lw=2)
    left.plot([], [], ":", color=colours["MixUp"], lw=2, label="MixUp’s γ")
    left.set(xlabel="λ, the share of x", ylabel="density", ylim=(0, 2.2))
    right.set(xlabel="λ, the share of x", ylabel="γ, the weight of y")
    fig.legend(loc="outside lower center", ncols=4, frameon=False, fontsize=10)
    yield "explorer.svg", fig

    fig, ax = plt.subplots(figsize=(5.2, 2.4))
    um.plotting.pair_and_coin(
        ax,
        0.7,
        names=("cat", "dog"),
        labels=("the label cat", "the label dog"),
        losses=("0.3", "1.4"),
    )
    yield "coin.svg", fig

    fig, ax = plt.subplots(figsize=(5.2, 3.2))
    n = torch.arange(1, 401)
    least = torch.ceil(n * (0.5 + 0.2) - 1e-9)
    tail = (2 * stats.binom(n, 0.5).sf(least - 1)).clip(max=1)
    bound = [um.bounds.deviation_probability(int(k), 0.2, 1) for k in n]
    ax.loglog(n, tail, color=colours["DAT"], lw=2, label="the tails, exactly")
    ax.loglog(n, bound, "--", color="black", lw=1.5, label="the bound, 2 exp(−2nε²/δ²)")
    ax.set(xlabel="pairs n", ylabel="probability", ylim=(1e-12, 2))
    ax.legend(frameon=False, loc="lower left")
    yield "tail.svg", fig


def as_svg(fig: Figure) -> str:
    """The same text for the same figure; transparent."""
    file = io.StringIO()
    for ax in fig.axes:
        ax.spines[["top", "right"]].set_visible(False)
    fig.savefig(file, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return "\n".join(line.rstrip() for line in file.getvalue().splitlines()) + "\n"


def as_script(plane: dict[str, Any], images: list[Any]) -> str:
    """The data as a script, with a network, or an image, a line."""

    def compact(value: object) -> str:
        return json.dumps(value, separators=(",", ":"))

    def lines(values: list[Any]) -> str:
        return "[\n" + ",\n".join(map(compact, values)) + "]"

    rest = {name: value for name, value in plane.items() if name != "networks"}
    text = compact(rest)[:-1] + ',"networks":' + lines(plane["networks"]) + "}"
    text = '{"plane":' + text + ',"images":' + lines(images) + "}"
    return f"// Written by book/explorer.py.\numixup.data = {text};\n"


def write(name: str, text: str) -> None:
    (STATIC / name).write_text(text, encoding="utf-8")
    print(f"written  book/_static/{name}: {len(text.encode()):,} bytes", flush=True)


def main() -> None:
    import matplotlib as mpl

    torch.set_num_threads(1)
    started = time.perf_counter()
    write("explorer-data.js", as_script(plane(), images()))
    mpl.use("svg")
    look = {"svg.hashsalt": "explorer", "svg.fonttype": "none", "font.size": 11}
    with mpl.rc_context(look | {"figure.constrained_layout.use": True}):
        for name, fig in stills():
            write(name, as_svg(fig))
    print(f"in {time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
