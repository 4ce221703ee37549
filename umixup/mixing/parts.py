"""What a mixed batch is made of."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor


class Parts(NamedTuple):
    """What a mixed batch is made of: its targets are γy + (1 − γ)y′ (section 3.1).

    To mix losses instead of targets, use γℓ(z, y) + (1 − γ)ℓ(z, y′); by Axiom 1 it is the same.
    Whatever else belongs to a sample is mixed with the same pairs by
    ``mix(t[parts.first], t[parts.second], parts.lam)``.

    Attributes:
        y, y2: targets of the first and of the second sample: (B, C), or as for ``UMixUp.targets``;
            class numbers if the mixer has no ``num_classes``.
        lam, gamma: λ and γ(λ), (B,), in [0, 1].
        first, second: the indices of both samples in the batch, int64 (B,). ``first`` is 0 … B − 1,
            unless the pairing draws samples independently.

    >>> from umixup.mixing import MixUp, mix
    >>> x = torch.rand(3, 4)
    >>> mixed, parts = MixUp(1, num_classes=2)(x, torch.tensor([0, 1, 1]), parts=True)
    >>> parts.y2.shape, torch.equal(parts.lam, parts.gamma)
    (torch.Size([3, 2]), True)
    >>> torch.equal(mixed, mix(x, x[parts.second], parts.lam))
    True
    """

    y: Any
    y2: Any
    lam: Tensor
    gamma: Tensor
    first: Tensor
    second: Tensor


class Pairs(NamedTuple):
    """Which samples of a batch are mixed, by how much: drawn on the CPU, then moved once."""

    first: Tensor
    second: Tensor
    lam: Tensor
    gamma: Tensor
    in_order: bool = True  # first is 0 … B − 1
    one: tuple[float, float] | None = None  # λ and γ, if they are the same for the whole batch

    def to(self, device: torch.device) -> Pairs:
        """All four on a device, by one copy that nothing waits for."""
        if device.type == "cpu":
            return self
        packed = torch.stack([v.to(self.lam.dtype) for v in self[:4]])  # exact below 2^24 samples
        if device.type == "cuda" and torch.cuda.is_available():
            packed = packed.pin_memory()
        first, second, lam, gamma = packed.to(device, non_blocking=True)
        return Pairs(first.long(), second.long(), lam, gamma, self.in_order, self.one)

    @staticmethod
    def none() -> Pairs:
        """No pairs."""
        index, ratio = torch.empty(0, dtype=torch.int64), torch.empty(0)
        return Pairs(index, index, ratio, ratio)
