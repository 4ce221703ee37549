"""Accuracy on mixed samples."""

from __future__ import annotations

from torch import Tensor

from umixup.mixing.parts import Parts


def accuracy(
    outputs: Tensor, parts: Parts, *, multilabel: bool = False, ignore_index: int = -100
) -> Tensor:
    """Training accuracy on mixed samples: γ where y is predicted, plus 1 − γ where y′ is.

    The mean over all that has a label, a scalar in [0, 1]; NaN if nothing has. The authors'
    released code weighs by λ instead, which is not the label's weight unless γ(λ) = λ. With
    torchmetrics, update a ``MeanMetric`` with it, and with the size of the batch as the weight.

    Args:
        outputs: (B, C) or (B, C, …), of which the largest along C is the prediction; or logits (B,)
            or (B, 1) of a binary task, where above 0 predicts 1.
        parts: from a call with ``parts=True``: class numbers, or targets in which each sample has
            one largest entry.
        multilabel: the outputs are logits of labels that are predicted one by one; the share of
            those that are right.
        ignore_index: the class number of what has no label, which does not count; nor does a target
            of zeros, which such a class becomes with the mixer's ``ignore_index``.

    Raises:
        TypeError: outputs or targets are not tensors.
        ValueError: outputs and targets differ in shape, a class number is outside 0 … C − 1, or a
            target has several largest entries, as that of a sample with several labels has, without
            ``multilabel``.

    >>> import torch
    >>> y, y2 = torch.eye(2), torch.eye(2).flip(0)
    >>> lam, gamma, index = torch.tensor([0.3, 0.3]), torch.tensor([0.8, 0.8]), torch.arange(2)
    >>> parts = Parts(y, y2, lam, gamma, index, index.flip(0))
    >>> accuracy(torch.tensor([[2.0, 1.0], [2.0, 1.0]]), parts)  # (γ + (1 − γ)) / 2
    tensor(0.5000)
    """
    y, y2 = parts.y, parts.y2
    for name, value in (("outputs", outputs), ("parts.y", y)):
        if not isinstance(value, Tensor):
            raise TypeError(f"{name} is a {type(value).__name__}: it must be a torch.Tensor")
    numbers = not y.is_floating_point()
    if bool(outputs.isnan().any()):
        raise ValueError("outputs have NaN: what they predict is not known")
    if numbers and outputs.ndim == 2 and outputs.shape[1] == 1:
        outputs = outputs[:, 0]
    expected = outputs[:, 0].shape if numbers and outputs.ndim > 1 else outputs.shape
    if y.shape != expected:
        raise ValueError(
            f"outputs {tuple(outputs.shape)}: they must be {tuple(y.shape)} like the targets"
            if not numbers
            else f"outputs {tuple(outputs.shape)}: for class numbers they must be (B, C)"
        )
    if multilabel or outputs.ndim == 1 or (not numbers and outputs.shape[1] == 1):
        if not bool(((y >= 0) & (y <= 1)).all()):
            raise ValueError("parts: targets of a binary task, or of several labels, are in [0, 1]")
        guess, classes, classes2 = outputs > 0, y > 0.5, y2 > 0.5
        ignore_index = -1
    else:
        guess = outputs.argmax(dim=1)
        if numbers:
            classes, classes2 = (_class(v, outputs.shape[1], ignore_index) for v in (y, y2))
        else:
            classes, classes2 = (_only_class(v, ignore_index) for v in (y, y2))
    gamma = parts.gamma.reshape(-1, *[1] * (guess.ndim - 1))
    weights = gamma * (classes != ignore_index), (1 - gamma) * (classes2 != ignore_index)
    right = weights[0] * (guess == classes) + weights[1] * (guess == classes2)
    share: Tensor = right.sum() / (weights[0] + weights[1]).sum()
    return share


def _class(y: Tensor, classes: int, ignore_index: int) -> Tensor:
    """Class numbers, all of which there are."""
    if bool(((y < 0) | (y >= classes)).logical_and(y != ignore_index).any()):
        raise ValueError(
            f"parts: class numbers from {y.min()} to {y.max()}; they must be in 0 … {classes - 1}, "
            f"or ignore_index = {ignore_index}"
        )
    return y


def _only_class(y: Tensor, ignore_index: int) -> Tensor:
    """The class of each target, or ``ignore_index`` for one of zeros."""
    values, classes = y.topk(2, dim=1)
    labelled = (y != 0).any(dim=1)
    if bool((values[:, 0] == values[:, 1]).logical_and(labelled).any()):
        raise ValueError(
            "parts: a target has several largest entries, so its class is not known; for samples "
            "with several labels, multilabel=True counts each label"
        )
    return classes[:, 0].masked_fill(~labelled, ignore_index)
