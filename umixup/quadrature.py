"""Quadrature over λ for the expected loss of a scheme, by a rule that fits policy and weight."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from umixup import _check as check
from umixup._integrate import density_in_t, gauss_legendre, logit_of, panels_between, refined
from umixup.policies import Beta, Mixture, PointMass, Reflected
from umixup.schemes import Scheme


def quadrature(scheme: Scheme, nodes: int) -> tuple[Tensor, Tensor]:
    r"""Nodes :math:`z_k`, weights :math:`w_k`: :math:`\sum_k w_k h(λ_k, γ(λ_k)) ≈ E_p[h(λ, γ(λ))]`.

    For h smooth on [0, 1] × [0, 1] and z = logit λ. Policy and weight determine the rule:

    - a Beta, and γ ≡ 1 or γ(λ) = λ: Gauss–Jacobi, exact for polynomials of degree < 2·nodes;
    - a Beta, and a weight that is smooth inside but like a power at the ends: the trapezoidal rule
      after λ = σ(π sinh t), with 2·nodes + 1 nodes (Takahasi and Mori, 1974);
    - a point mass, a mixture or a reflected policy: the rules of its parts, where they apply;
    - all else: Gauss–Legendre panels of nodes/6 in t, halved until the integrals of the density,
      of λ and of γ have converged; a jump may cost hundreds of nodes.

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
    nodes = check.whole("nodes", nodes, 1)
    weight = scheme.weight
    match scheme.policy:
        case PointMass(at=at):
            return torch.logit(at.reshape(1)), at.new_ones(1)
        case Beta() as policy if weight.is_smooth:
            return _beta_rule(policy, nodes, polynomial=weight.is_polynomial)
        case Mixture() as policy if weight.is_smooth:
            rules = [quadrature(Scheme(part, weight), nodes) for part in policy.policies]
            shares = [w * share for (_, w), share in zip(rules, policy.weights, strict=True)]
            return torch.cat([z for z, _ in rules]), torch.cat(shares)
        case Reflected(base=Beta() as base, keep=keep) if weight.is_smooth and keep.is_smooth:
            polynomial = weight.is_polynomial and keep.is_polynomial
            z, w = _beta_rule(base, nodes, polynomial=polynomial)
            kept = keep.from_logit(z)
            return torch.cat([z, -z]), torch.cat([w * kept, w * (1 - kept)])
    return _panels(scheme, max(2, math.ceil(nodes / 6)))


def _beta_rule(policy: Beta, nodes: int, *, polynomial: bool) -> tuple[Tensor, Tensor]:
    """Gauss–Jacobi for a polynomial, else the trapezoidal rule in t with 2·nodes + 1 nodes."""
    if polynomial:
        from scipy.special import roots_jacobi

        with np.errstate(invalid="ignore"):  # scipy computes a 0/0 it does not use when α + β = 1
            at, masses = roots_jacobi(nodes, policy.beta - 1, policy.alpha - 1)
        lam = torch.from_numpy((1 + at) / 2)
        return torch.logit(lam), torch.from_numpy(masses / masses.sum())
    end = math.asinh(policy.furthest_logit() / math.pi)
    t = torch.linspace(-end, end, 2 * nodes + 1, dtype=torch.float64, device="cpu")
    w = density_in_t(policy, t)
    return logit_of(t), w / w.sum()


def _panels(scheme: Scheme, nodes: int) -> tuple[Tensor, Tensor]:
    policy, weight = scheme.policy, scheme.weight

    def moments(t: Tensor) -> Tensor:
        z = logit_of(t)
        ones = torch.ones_like(z)
        return density_in_t(policy, t)[:, None] * torch.stack(
            [ones, torch.sigmoid(z), weight.from_logit(z)], 1
        )

    cuts = [0.0, *policy.breakpoints(), *weight.breakpoints()]
    start = panels_between(policy.furthest_logit(), [*cuts, *(-z for z in cuts)])
    t, w = (v.flatten() for v in gauss_legendre(refined(moments, start, nodes), nodes))
    w = w * density_in_t(policy, t)
    points = torch.tensor(policy.atoms(), dtype=torch.float64, device="cpu").reshape(-1, 2)
    z, w = torch.cat([logit_of(t), torch.logit(points[:, 0])]), torch.cat([w, points[:, 1]])
    if not abs(float(w.sum()) - 1) < 1e-6:
        raise ValueError(
            f"policy = {policy!r}: its density integrates to {float(w.sum()):.7g} instead of 1, "
            "over the λ that float64 can distinguish from 0 and 1"
        )
    used = w > 1e-18
    return z[used], w[used] / w.sum()
