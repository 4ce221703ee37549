"""Accuracy on mixed samples."""

from __future__ import annotations

from torch import Tensor

from umixup.mixing.parts import Parts


def accuracy(outputs: Tensor, parts: Parts, *, multilabel: bool = False) -> Tensor:
    """Training accuracy on mixed samples: γ where y is predicted, plus 1 − γ where y′ is.

    The mean over the batch, a scalar in [0, 1]. The authors' released code weighs by λ instead,
    which is not the label's weight unless γ(λ) = λ. With torchmetrics, update a ``MeanMetric`` with
    it, and with the size of the batch as the weight.

    Args:
        outputs: (B, C) or (B, C, …), of which the largest along C is the prediction; or logits (B,)
            or (B, 1) of a binary task, where above 0 predicts 1.
        parts: from a call with ``parts=True``: class numbers, or targets in which each sample has
            one largest entry.
        multilabel: the outputs are logits of labels that are predicted one by one; the share of
            those that are right.

    Raises:
        TypeError: outputs or targets are not tensors.
        ValueError: outputs and targets differ in shape, or a target has several largest entries,
            as that of a sample with several labels has, without ``multilabel``.

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
    else:
        guess = outputs.argmax(dim=1)
        classes, classes2 = (y, y2) if numbers else (_only_class(y), _only_class(y2))
    gamma = parts.gamma.reshape(-1, *[1] * (guess.ndim - 1))
    share: Tensor = (gamma * (guess == classes) + (1 - gamma) * (guess == classes2)).mean()
    return share


def _only_class(y: Tensor) -> Tensor:
    """The class of each target."""
    values, classes = y.topk(2, dim=1)
    if bool((values[:, 0] == values[:, 1]).any()):
        raise ValueError(
            "parts: a target has several largest entries, so its class is not known; for samples "
            "with several labels, multilabel=True counts each label"
        )
    return classes[:, 0]
