"""Quadrature over λ for the expected loss of a scheme, by a rule that fits policy and weight."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from umixup._integrate import gauss_legendre, logit_of, panels_between, refined
from umixup.policies import (
    Beta,
    Mixture,
    PointMass,
    Reflected,
    Weight,
    at_logit,
    atoms,
    breakpoints,
    density_in_t,
    furthest_logit,
)
from umixup.schemes import BetaCDF, Kept, Logistic, Posterior, Scheme, Tied


def quadrature(scheme: Scheme, nodes: int) -> tuple[Tensor, Tensor]:
    r"""Nodes :math:`z_k`, weights :math:`w_k`: :math:`\sum_k w_k h(λ_k, γ(λ_k)) ≈ E_p[h(λ, γ(λ))]`.

    For h smooth on [0, 1] × [0, 1] and z = logit λ. Not in the paper. The rule is chosen by policy
    and weight:

    - a Beta, and γ ≡ 1 or γ(λ) = λ: Gauss–Jacobi, exact for polynomials of degree < 2·nodes;
    - a Beta, and a weight that is smooth inside, but like a power at the ends: the trapezoidal rule
      after λ = σ(π sinh t), with 2·nodes + 1 nodes (Takahasi and Mori, 1974);
    - all else: Gauss–Legendre panels of nodes/6 in t, halved until the integrals of the density,
      of λ and of γ are settled; what jumps may cost hundreds of nodes.

    Args:
        scheme: policy p and weight γ.
        nodes: ≥ 1.

    Returns:
        (z, w), float64 vectors of one length; w sums to 1.

    Raises:
        ValueError: nodes < 1, or a policy whose density does not integrate to 1.

    >>> from umixup.schemes import mixup
    >>> z, w = quadrature(mixup(2), 5)
    >>> round(float((w * torch.sigmoid(z) ** 2).sum()), 6)  # E λ² of B(2, 2)
    0.3
    """
    if nodes < 1:
        raise ValueError(f"nodes = {nodes!r}: it must be at least 1")
    policy, weight = scheme.policy, scheme.weight
    if isinstance(policy, PointMass):
        return torch.logit(policy.at.reshape(1)), policy.at.new_ones(1)
    if isinstance(policy, Mixture) and _is_smooth_inside(weight):
        rules = [quadrature(Scheme(part, weight), nodes) for part in policy.policies]
        shares = [w * share for (_, w), share in zip(rules, policy.weights, strict=True)]
        return torch.cat([z for z, _ in rules]), torch.cat(shares)
    if isinstance(policy, Beta) and _is_smooth_inside(weight):
        smooth = isinstance(weight, (Kept, Tied))
        return _gauss_jacobi(policy, nodes) if smooth else _tanh_sinh(policy, 2 * nodes + 1)
    if isinstance(policy, Reflected) and isinstance(policy.base, Beta):
        both = [w for w in (weight, policy.keep) if callable(w)]
        if all(map(_is_smooth_inside, both)):
            rough = [w for w in both if not isinstance(w, (Kept, Tied))]
            z, w = quadrature(Scheme(policy.base, (rough or [Tied()])[0]), nodes)
            kept = policy.keep_at_logit(z)
            return torch.cat([z, -z]), torch.cat([w * kept, w * (1 - kept)])
    return _panels(scheme, max(2, math.ceil(nodes / 6)))


def _is_smooth_inside(weight: Weight) -> bool:
    """Is γ one smooth function on (0, 1)? It may be like a power of λ or λ̄ at the ends."""
    if isinstance(weight, Logistic):
        return math.isfinite(weight.slope)
    return isinstance(weight, (Kept, Tied, BetaCDF)) or (
        isinstance(weight, Posterior) and isinstance(weight.policy, Beta)
    )


def _gauss_jacobi(policy: Beta, nodes: int) -> tuple[Tensor, Tensor]:
    from scipy.special import roots_jacobi

    with np.errstate(invalid="ignore"):  # scipy computes a 0/0 it does not use when α + β = 1
        at, masses = roots_jacobi(nodes, policy.beta - 1, policy.alpha - 1)
    lam = torch.from_numpy((1 + at) / 2)
    return torch.logit(lam), torch.from_numpy(masses / masses.sum())


def _tanh_sinh(policy: Beta, nodes: int) -> tuple[Tensor, Tensor]:
    end = math.asinh(furthest_logit(policy) / math.pi)
    t = torch.linspace(-end, end, nodes, dtype=torch.float64, device="cpu")
    w = density_in_t(policy, t)
    return logit_of(t), w / w.sum()


def _panels(scheme: Scheme, nodes: int) -> tuple[Tensor, Tensor]:
    policy, weight = scheme.policy, scheme.weight

    def moments(t: Tensor) -> Tensor:
        z = logit_of(t)
        ones = torch.ones_like(z)
        return density_in_t(policy, t)[:, None] * torch.stack(
            [ones, torch.sigmoid(z), at_logit(weight, z)], 1
        )

    cuts = [0.0, *breakpoints(policy)]
    if isinstance(weight, Posterior):
        cuts += breakpoints(weight.policy)
    start = panels_between(furthest_logit(policy), [*cuts, *(-z for z in cuts)])
    t, w = (v.flatten() for v in gauss_legendre(refined(moments, start, nodes), nodes))
    w = w * density_in_t(policy, t)
    points = torch.tensor(atoms(policy), dtype=torch.float64, device="cpu").reshape(-1, 2)
    z, w = torch.cat([logit_of(t), torch.logit(points[:, 0])]), torch.cat([w, points[:, 1]])
    if not abs(float(w.sum()) - 1) < 1e-6:
        raise ValueError(
            f"policy = {policy!r}: on the points tried, and without those that float64 cannot tell "
            f"from 0 and 1, its probability is {float(w.sum()):.7g} instead of 1"
        )
    used = w > 1e-18
    return z[used], w[used] / w.sum()
