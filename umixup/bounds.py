"""The expected loss L_E: an average over λ, with the pairs fixed (section 3.2 of the paper)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from umixup.mixing import mix
from umixup.policies import at_logit, quadrature
from umixup.schemes import Kept, Scheme, Tied


def expected_loss(
    scheme: Scheme,
    x: Tensor,
    x2: Tensor,
    y: Tensor,
    y2: Tensor,
    f: Callable[[Tensor], Tensor],
    loss: Callable[[Tensor, Tensor], Tensor],
    nodes: int = 60,
) -> Tensor:
    r"""L_E of a scheme on a sequence of pairs, by quadrature over λ instead of sampling.

    .. math:: L_E = \frac1n \sum_{k=1}^n E_{λ∼p}\,
              \ell\bigl(F(λx_k + \bar λ x'_k),\; γ(λ)y_k + \bar γ(λ)y'_k\bigr)

    Args:
        scheme: policy p and weight γ.
        x, x2: the pairs, (n, …), floating; in float64, with f in float64, the sum is that exact.
        y, y2: their target vectors, (n, C).
        f: the model, from a batch to its outputs; an ``nn.Module`` must be in evaluation mode,
            since batch normalisation in training mode makes F(x̃) depend on the whole batch.
        loss: (outputs, targets) -> (n,).
        nodes: of the quadrature, for each Beta in the policy; see ``policies.quadrature``.

    Returns:
        A scalar, float64.

    Raises:
        ValueError: f is a module in training mode.
    """
    if getattr(f, "training", False):
        raise ValueError("f is in training mode: the lemmas need F(x̃) of x̃ alone; call f.eval()")
    z, w = quadrature(scheme.policy, nodes, smooth=isinstance(scheme.weight, (Kept, Tied)))
    lam, gamma = torch.sigmoid(z), at_logit(scheme.weight, z)
    total = torch.zeros((), dtype=torch.float64, device=x.device)
    for k in range(len(lam)):
        at_lam, at_gamma = (v[k].to(x.device).expand(len(x)) for v in (lam, gamma))
        losses = loss(f(mix(x, x2, at_lam)), mix(y, y2, at_gamma))
        total = total + w[k].to(x.device) * losses.double().mean()
    return total
