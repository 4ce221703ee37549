"""How good a trained model is: its test error, and how well calibrated its probabilities are."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from umixup import _check as check
from umixup import losses
from umixup.training.data import DataSet


@torch.no_grad()
def predict(model: nn.Module, x: Tensor, data: DataSet, batch_size: int = 500) -> Tensor:
    """The model's outputs on uint8 images x, (n, C), in evaluation mode; its mode is restored."""
    batch_size = check.whole("batch_size", batch_size, 1)
    was_training = model.training
    model.eval()
    outputs = torch.cat([model(data.normalize(part)) for part in x.split(batch_size)])
    model.train(was_training)
    return outputs


def wrong(model: nn.Module, data: DataSet, label_vectors: Tensor | None = None) -> Tensor:
    """Which test images are misclassified, (n,): 1 for yes, 0 for no, in float64.

    It is computed in the model's own precision, without autocast, and is NaN for an image if an
    output is not finite.

    Args:
        model: from normalised images to outputs (n, d).
        data: its test set is used.
        label_vectors: (C, d), of equal length. The predicted class is that of the vector nearest
            in angle to the output; by default, that of the largest output.
    """
    outputs = predict(model, data.test_x, data)
    if label_vectors is not None:
        outputs = outputs @ label_vectors.T
    wide = torch.float32 if outputs.device.type == "mps" else torch.float64  # MPS has no float64
    missed = (outputs.argmax(dim=1) != data.test_y).to(wide)
    return torch.where(outputs.isfinite().all(dim=1), missed, torch.nan)


def test_error(
    model: nn.Module,
    data: DataSet,
    label_vectors: Tensor | None = None,  # noqa: PT028 – this is not a test
) -> Tensor:
    """Fraction of the test set that is misclassified: a scalar tensor in [0, 1].

    The mean of ``wrong``, which has the arguments; NaN if any output is not finite.
    """
    return wrong(model, data, label_vectors).mean()


test_error.__test__ = False  # type: ignore[attr-defined]  # pytest must not collect it


class Calibration(NamedTuple):
    """Scores of predicted probabilities, on samples with known labels.

    Attributes:
        error: fraction misclassified.
        nll: mean −log of the probability given to the true class, in nats.
        brier: mean Σ (p − y)² over classes, in [0, 2].
        ece: expected calibration error, in [0, 1]: the mean gap between confidence (the largest
            probability) and accuracy over bins of confidence, weighted by their samples.
    """

    error: float
    nll: float
    brier: float
    ece: float


def calibration(logits: Tensor, labels: Tensor, bins: int = 15) -> Calibration:
    """Error, log-loss, Brier score and expected calibration error, in float64.

    The calibration error is torchmetrics' with bins of equal width. It depends on the bins, and is
    biased upwards on small samples. Reference: Guo et al., On Calibration of Modern Neural
    Networks, 2017.

    Args:
        logits: (n, C), n ≥ 1, C ≥ 2, finite.
        labels: (n,) int64 in 0 … C − 1.
        bins: ≥ 1.

    Raises:
        ValueError: shapes that do not fit, logits that are not finite, labels out of range, bins
            below 1.

    >>> certain = torch.tensor([[20.0, 0.0], [20.0, 0.0]])
    >>> calibration(certain, torch.tensor([0, 1])).ece  # fully confident, right half the time
    0.5
    """
    from torchmetrics.functional.classification import multiclass_calibration_error

    logits, labels = _checked(logits, labels)
    bins = check.whole("bins", bins, 1)
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
        confidence, accuracy: mean of each bin, (bins,); NaN if it is empty.
        samples: number in each bin, (bins,) int64.
    """

    edges: Tensor
    confidence: Tensor
    accuracy: Tensor
    samples: Tensor


def reliability(logits: Tensor, labels: Tensor, bins: int = 15) -> Reliability:
    """Confidence and accuracy in bins of confidence; arguments and errors as for ``calibration``.

    >>> found = reliability(torch.tensor([[20.0, 0.0], [20.0, 0.0]]), torch.tensor([0, 1]), bins=2)
    >>> found.samples.tolist(), round(float(found.confidence[1]), 6), float(found.accuracy[1])
    ([0, 2], 1.0, 0.5)
    """
    logits, labels = _checked(logits, labels)
    bins = check.whole("bins", bins, 1)
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
    """The T for which softmax(logits / T) has the smallest log-loss (Guo et al., 2017).

    Fit it on samples used neither for training nor for testing. T lies in [1/100, 100]; it is an
    end of this interval if the loss still falls there, as it does if every sample is classified
    correctly. Arguments and errors as for ``calibration``.

    >>> logits = torch.tensor([[2.0, 0.0]] * 4)
    >>> round(temperature(logits, torch.tensor([0, 0, 0, 1])), 4)  # 2 / log 3: probability 3/4
    1.8205
    """
    from scipy.optimize import brentq

    logits, labels = _checked(logits, labels)
    of_label = logits.gather(1, labels[:, None])[:, 0]

    def slope(b: float) -> float:
        """Derivative of the log-loss of softmax(b · logits) with respect to b; increasing."""
        mean = ((b * logits).softmax(dim=1) * logits).sum(dim=1)
        return float((mean - of_label).mean())

    low, high = 0.01, 100.0
    if slope(high) <= 0:
        return 1 / high
    return 1 / (low if slope(low) >= 0 else float(brentq(slope, low, high, xtol=1e-12)))


def _checked(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Both, the logits detached and in float64."""
    fits = logits.ndim == 2 and labels.shape == logits.shape[:1]
    if not fits or not len(labels) or logits.shape[1] < 2:
        raise ValueError(
            f"logits {tuple(logits.shape)}, labels {tuple(labels.shape)}: they must be (n, C) and "
            "(n,), n ≥ 1 and C ≥ 2"
        )
    last = logits.shape[1] - 1
    if labels.dtype != torch.int64 or not 0 <= int(labels.min()) <= int(labels.max()) <= last:
        raise ValueError(f"labels: they must be int64 in 0 … {last}")
    if not bool(logits.isfinite().all()):
        raise ValueError("logits: they must be finite")
    return logits.detach().double(), labels
