"""Pairing and λ as other libraries draw them."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from umixup import _check as check
from umixup.policies import Reflected
from umixup.schemes import Scheme, mixup

_LIBRARIES = {  # name -> (pairing, lam_per)
    "mixup-cifar10": ("batch_shuffle", "batch"),
    "timm-batch": ("flip", "batch"),
    "timm-elem": ("flip", "sample"),
    "torchvision": ("roll", "batch"),
    "fastai": ("batch_shuffle", "sample"),
    "paper": ("two_copies", "sample"),
}


class Preset(NamedTuple):
    """How a library draws: three arguments for ``plan_epoch``.

    Attributes:
        scheme: policy and weight.
        pairing: a name in ``PAIRINGS``.
        lam_per: "sample" or "batch".

    >>> Preset(mixup(1), "flip", "sample").pairing
    'flip'
    """

    scheme: Scheme
    pairing: str
    lam_per: str


def preset(library: str, alpha: float) -> Preset:
    """MixUp with B(α, α) as another library draws it. Section 6.1 mentions the first and the last.

    ==================  ===============================================================
    ``mixup-cifar10``   the original code: a batch with its shuffle, one λ for the batch
    ``timm-batch``      a batch with its reverse, one λ for the batch
    ``timm-elem``       a batch with its reverse, a λ for each sample
    ``torchvision``     each sample with the one before it, one λ for the batch
    ``fastai``          a batch with its shuffle, max(λ, 1 − λ) for each sample
    ``paper``           two shuffled copies, a λ for each sample
    ==================  ===============================================================

    Args:
        library: a name in the table.
        alpha: α, finite and > 0.

    Raises:
        ValueError: an unknown library, or an α that is not finite and positive.
        TypeError: α is not a number.

    >>> preset("torchvision", 0.2)[1:]
    ('roll', 'batch')
    """
    pairing, lam_per = _LIBRARIES[check.one_of("library", library, _LIBRARIES)]
    scheme = mixup(alpha)
    if library == "fastai":
        scheme = Scheme(Reflected(scheme.policy, _larger_half), scheme.weight)
    return Preset(scheme, pairing, lam_per)


def _larger_half(lam: Tensor) -> Tensor:
    """Probability of keeping λ rather than mirroring it, which gives max(λ, 1 − λ)."""
    return (lam >= 0.5).to(lam.dtype)
