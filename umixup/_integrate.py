"""Integration over λ in pieces: Gauss–Legendre panels, halved where the integrand needs it.

The variable is t, with logit λ = π sinh t. This moves both ends of (0, 1) far away and spreads out
what a density does near them (Takahasi and Mori, 1974). Panels have shape (m, 2): from, to.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from umixup.policies import Policy

Function = Callable[[Tensor], Tensor]  # (n,) -> (n, columns)


def logit_of(t: Tensor) -> Tensor:
    """The logit at t, π sinh t."""
    return math.pi * torch.sinh(t)


def logit_slope(t: Tensor) -> Tensor:
    """The derivative of the logit at t, π cosh t."""
    return math.pi * torch.cosh(t)


def density_in_t(policy: Policy, t: Tensor) -> Tensor:
    """The density of t when λ is drawn from the policy: what is integrated over panels."""
    return torch.exp(policy.log_density_logit(logit_of(t))) * logit_slope(t)


def panels_between(furthest: float, cuts: Iterable[float], number: int = 16) -> Tensor:
    """Equal panels in t for logits from −furthest to furthest, split at ``cuts`` as well."""
    end = math.asinh(furthest / math.pi)
    inner = [math.asinh(z / math.pi) for z in cuts if -furthest < z < furthest]
    even = torch.linspace(-end, end, number + 1, dtype=torch.float64, device="cpu").tolist()
    edges = torch.tensor(sorted({*even, *inner}), dtype=torch.float64, device="cpu")
    return torch.stack([edges[:-1], edges[1:]], dim=1)


def gauss_legendre(panels: Tensor, nodes: int) -> tuple[Tensor, Tensor]:
    """Nodes t and weights of a rule on every panel, each (m, nodes), float64."""
    at, mass = (torch.from_numpy(v) for v in np.polynomial.legendre.leggauss(nodes))
    half = (panels[:, 1:] - panels[:, :1]) / 2  # (m, 1)
    return panels[:, :1] + half * (1 + at), half * mass


def panel_sums(g: Function, panels: Tensor, nodes: int) -> Tensor:
    """The integral of g over each panel, (m, columns)."""
    t, w = gauss_legendre(panels, nodes)
    values = g(t.flatten()).reshape(*t.shape, -1)  # (m, nodes, columns)
    return (w[..., None] * values).sum(dim=1)


def _halved(panels: Tensor) -> Tensor:
    """Each panel's two halves, one after the other: (2m, 2)."""
    start, end = panels.T
    middle = panels.mean(dim=1)
    return torch.stack([start, middle, middle, end], dim=1).reshape(-1, 2)


def refined(g: Function, panels: Tensor, nodes: int, tolerance: float = 1e-11) -> Tensor:
    """Panels on each of which ``nodes`` nodes integrate every column of g, in increasing order.

    A panel is halved as long as its sums differ from those of its four quarters by more than
    ``tolerance`` times the largest integral. At a jump this takes about 35 halvings.

    Args:
        g: functions that are ≥ 0.
        panels: the first panels. Known jumps of g are best placed at their ends.
    """
    whole = panel_sums(g, _halved(_halved(panels)), nodes).sum(dim=0).amax()
    done = []
    for _ in range(50):
        quarters = panel_sums(g, _halved(_halved(panels)), nodes)
        sums = quarters.reshape(len(panels), 4, -1).sum(dim=1)
        off = (sums - panel_sums(g, panels, nodes)).abs().amax(dim=1)
        rough = off > tolerance * whole
        done.append(panels[~rough])
        panels = _halved(panels[rough])
        if not len(panels):
            break
    found = torch.cat([*done, panels])
    return found[found[:, 0].argsort()]
