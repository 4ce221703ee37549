"""How good a trained model is: its errors, and what its probabilities are worth."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from umixup import losses
from umixup.training.data import DataSet


@torch.no_grad()
def predict(model: nn.Module, x: Tensor, data: DataSet, batch_size: int = 500) -> Tensor:
    """Outputs of the model in evaluation mode on uint8 images x, (n, C); its mode is put back."""
    was_training = model.training
    model.eval()
    outputs = torch.cat([model(data.normalize(part)) for part in x.split(batch_size)])
    model.train(was_training)
    return outputs


def test_error(
    model: nn.Module,
    data: DataSet,
    label_vectors: Tensor | None = None,  # noqa: PT028 – a share of errors, no test
) -> Tensor:
    """Share of the test set that is taken for another class: a scalar tensor in [0, 1].

    NaN where an output is not finite. In the model's own precision, without autocast.

    Args:
        model: from images to outputs (n, d).
        data: its test set is used.
        label_vectors: (C, d), of one length: the class taken is that of the vector nearest in
            angle to the output. By default that of the largest output.
    """
    outputs = predict(model, data.test_x, data)
    if label_vectors is not None:
        outputs = outputs @ label_vectors.T
    wide = torch.float32 if outputs.device.type == "mps" else torch.float64  # MPS has no float64
    wrong = (outputs.argmax(dim=1) != data.test_y).to(wide)
    return torch.where(outputs.isfinite().all(dim=1), wrong, torch.nan).mean()


class Calibration(NamedTuple):
    """What predicted probabilities are worth, on samples with known labels.

    Attributes:
        error: share of samples taken for another class.
        nll: mean −log of the probability given to the true class, in nats.
        brier: mean Σ (p − y)² over classes, in [0, 2].
        ece: expected calibration error: the mean gap between confidence (the largest probability)
            and accuracy, in bins of confidence, weighed by their samples; in [0, 1].
    """

    error: float
    nll: float
    brier: float
    ece: float


def calibration(logits: Tensor, labels: Tensor, bins: int = 15) -> Calibration:
    """Error, log-loss, Brier score and calibration error, in float64.

    The calibration error is that of Guo et al., On calibration of modern neural networks, 2017,
    by torchmetrics: bins of equal width. It depends on the bins, and a small sample raises it.

    Args:
        logits: (n, C), n ≥ 1, C ≥ 2, finite.
        labels: (n,) int64 in 0 … C − 1.
        bins: ≥ 1.

    Raises:
        ValueError: shapes that do not fit, logits that are not finite, labels out of range, bins
            below 1.

    >>> certain = torch.tensor([[20.0, 0.0], [20.0, 0.0]])
    >>> calibration(certain, torch.tensor([0, 1])).ece  # sure of itself, right half the time
    0.5
    """
    from torchmetrics.functional.classification import multiclass_calibration_error

    logits, labels = _checked(logits, labels, bins)
    targets = nn.functional.one_hot(labels, logits.shape[1]).double()
    ece = multiclass_calibration_error(
        logits.softmax(dim=1), labels, logits.shape[1], n_bins=bins, validate_args=False
    )
    return Calibration(
        error=float((logits.argmax(dim=1) != labels).double().mean()),
        nll=float(losses.cross_entropy(logits, targets).mean()),
        brier=float(losses.brier(logits, targets).mean()),
        ece=float(ece),
    )


class Reliability(NamedTuple):
    """A reliability diagram: bins of confidence, of equal width.

    Attributes:
        edges: (bins + 1,), from 0 to 1.
        confidence, accuracy: means in each bin, (bins,); NaN in an empty one.
        samples: how many there are in each bin, (bins,) int64.
    """

    edges: Tensor
    confidence: Tensor
    accuracy: Tensor
    samples: Tensor


def reliability(logits: Tensor, labels: Tensor, bins: int = 15) -> Reliability:
    """Confidence and accuracy in bins of confidence; arguments and errors as for ``calibration``.

    >>> told = reliability(torch.tensor([[20.0, 0.0], [20.0, 0.0]]), torch.tensor([0, 1]), bins=2)
    >>> told.samples.tolist(), round(float(told.confidence[1]), 6), float(told.accuracy[1])
    ([0, 2], 1.0, 0.5)
    """
    logits, labels = _checked(logits, labels, bins)
    confidence, guess = logits.softmax(dim=1).max(dim=1)
    right = (guess == labels).double()
    edges = torch.linspace(0, 1, bins + 1, dtype=torch.float64, device=logits.device)
    place = torch.bucketize(confidence, edges[1:-1].contiguous())  # (low, high]
    count = torch.bincount(place, minlength=bins)
    confidence, accuracy = (
        torch.bincount(place, v, minlength=bins) / count for v in (confidence, right)
    )
    return Reliability(edges, confidence, accuracy, count)


def temperature(logits: Tensor, labels: Tensor) -> float:
    """The T > 0 for which softmax(logits / T) has the least log-loss; arguments as ``calibration``.

    Fit it on samples that were neither trained nor are tested on (Guo et al., 2017). Between 1/100
    and 100, where the end is the answer if the loss goes on falling, as it does when every sample
    is right.

    >>> logits = torch.tensor([[2.0, 0.0]] * 4)
    >>> round(temperature(logits, torch.tensor([0, 0, 0, 1])), 4)  # then it says 3/4: 2/log 3
    1.8205
    """
    from scipy.optimize import brentq

    logits, labels = _checked(logits, labels)
    of_label = logits.gather(1, labels[:, None])[:, 0]

    def slope(b: float) -> float:
        """Of the loss of softmax(b · logits), with respect to b: it increases."""
        mean = ((b * logits).softmax(dim=1) * logits).sum(dim=1)
        return float((mean - of_label).mean())

    low, high = 0.01, 100.0
    if slope(high) <= 0:
        return 1 / high
    return 1 / (low if slope(low) >= 0 else float(brentq(slope, low, high, xtol=1e-12)))


def _checked(logits: Tensor, labels: Tensor, bins: int = 1) -> tuple[Tensor, Tensor]:
    """Both detached, the logits in float64."""
    if type(bins) is not int or bins < 1:
        raise ValueError(f"bins = {bins!r}: it must be a whole number ≥ 1")
    if (
        logits.ndim != 2
        or logits.shape[1] < 2
        or labels.shape != logits.shape[:1]
        or not len(labels)
    ):
        raise ValueError(
            f"logits {tuple(logits.shape)}, labels {tuple(labels.shape)}: they must be (n, C) and "
            "(n,), n ≥ 1 and C ≥ 2"
        )
    if (
        labels.dtype != torch.int64
        or not 0 <= int(labels.min()) <= int(labels.max()) < logits.shape[1]
    ):
        raise ValueError(f"labels: they must be int64 in 0 … {logits.shape[1] - 1}")
    if not bool(logits.isfinite().all()):
        raise ValueError("logits: they must be finite")
    return logits.detach().double(), labels
