"""Test error and log-loss against scikit-learn; calibration."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.metrics import log_loss, mean_squared_error, zero_one_loss
from sklearn.preprocessing import label_binarize
from torch import nn

from umixup import evaluation
from umixup.training.evaluation import test_error
from umixup.training.model import PreActResNet18


@pytest.fixture(scope="module")
def model():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = PreActResNet18(10, channels=1, width=8)
        model(torch.randn(32, 1, 8, 8))  # running statistics that are not 0 and 1
        return model.eval()


def test_error_agrees_with_scikit_learn(model, digits):
    with torch.no_grad():
        predicted = model(digits.normalize(digits.test_x)).argmax(dim=1)
    got = evaluation.test_error(model, digits)
    assert got.shape == ()
    assert got.dtype == torch.float64
    expected = zero_one_loss(digits.test_y.numpy(), predicted.numpy())
    assert got.item() == pytest.approx(expected, abs=1e-12)
    assert 0.5 < got.item() < 1  # untrained, and not constant by accident
    assert len(predicted.unique()) > 1


class Oracle(nn.Module):
    """Reads the label off the image, and adds ``shift`` to it."""

    def __init__(self, x, y, shift):
        super().__init__()
        self.key, self.y, self.shift = x.flatten(1), y, shift

    def forward(self, x):
        nearest = torch.cdist(x.flatten(1), self.key).argmin(dim=1)
        return nn.functional.one_hot((self.y[nearest] + self.shift) % 10, 10).float()


@pytest.mark.parametrize(("shift", "error"), [(0, 0.0), (1, 1.0)])
def test_error_of_a_perfect_model_is_0_and_of_a_wrong_one_1(digits, shift, error):
    oracle = Oracle(digits.normalize(digits.test_x), digits.test_y, shift)
    assert evaluation.test_error(oracle, digits).item() == error


def test_predictions_do_not_depend_on_the_batch_size(model, digits):
    whole = evaluation.predict(model, digits.test_x, digits)
    assert whole.shape == (360, 10)
    assert not whole.requires_grad
    for batch_size in (1, np.int64(7), 360):
        parts = evaluation.predict(model, digits.test_x[:30], digits, batch_size)
        torch.testing.assert_close(parts, whole[:30], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("training", [True, False])
def test_predicting_restores_the_mode_and_keeps_the_running_statistics(model, digits, training):
    before = {k: v.clone() for k, v in model.state_dict().items()}
    model.train(training)
    outputs = evaluation.predict(model, digits.test_x[:20], digits)
    assert model.training == training
    model.eval()
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())
    torch.testing.assert_close(outputs, evaluation.predict(model, digits.test_x[:20], digits))


def test_an_output_that_is_not_finite_makes_the_error_nan(digits):
    class NotFinite(torch.nn.Module):
        def forward(self, x):
            outputs = torch.zeros(len(x), 10)
            outputs[0, 0] = torch.nan
            return outputs

    assert evaluation.test_error(NotFinite(), digits).isnan()


# --- calibration --------------------------------------------------------------------------------


def sampled(n=4000, classes=5, scale=1.0, seed=0):
    """Logits, and labels drawn from their softmax; the logits are then multiplied by scale."""
    g = torch.Generator().manual_seed(seed)
    logits = 2 * torch.randn(n, classes, generator=g)
    labels = torch.multinomial(logits.softmax(dim=1), 1, generator=g)[:, 0]
    return scale * logits, labels


def test_scores_agree_with_scikit_learn():
    logits, labels = sampled(500)
    found = evaluation.calibration(logits, labels)
    p = logits.double().softmax(dim=1).numpy()
    assert found.nll == pytest.approx(log_loss(labels.numpy(), p))
    truth = label_binarize(labels.numpy(), classes=range(5))
    assert found.brier == pytest.approx(5 * mean_squared_error(truth, p))
    assert found.error == pytest.approx((p.argmax(1) != labels.numpy()).mean())


def test_calibration_error_follows_from_the_reliability_diagram():
    logits, labels = sampled(scale=3.0)
    found = evaluation.reliability(logits, labels, bins=10)
    assert found.samples.sum() == len(labels)
    gap = (found.samples * (found.confidence - found.accuracy).abs()).nansum() / len(labels)
    assert evaluation.calibration(logits, labels, bins=10).ece == pytest.approx(
        float(gap), abs=1e-6
    )
    full = found.samples > 0
    assert (found.confidence[full] >= found.edges[:-1][full]).all()
    assert (found.confidence[full] <= found.edges[1:][full]).all()
    assert found.accuracy[~full].isnan().all()


def test_the_fitted_temperature_undoes_a_scale():
    for scale in (0.3, 1.0, 4.0):
        logits, labels = sampled(20_000, scale=scale)
        assert evaluation.temperature(logits, labels) == pytest.approx(scale, rel=0.05)


@pytest.mark.parametrize("seed", range(5))
def test_no_other_temperature_has_a_lower_loss(seed):
    logits, labels = sampled(300, scale=2.5, seed=seed)
    best = evaluation.temperature(logits, labels)
    loss = evaluation.calibration(logits / best, labels).nll
    for factor in (0.2, 0.9, 0.999, 1.001, 1.1, 5):
        assert loss <= evaluation.calibration(logits / (best * factor), labels).nll


def test_a_temperature_changes_no_prediction_and_improves_calibration():
    logits, labels = sampled(8000, scale=4.0)
    before = evaluation.calibration(logits, labels)
    after = evaluation.calibration(logits / evaluation.temperature(logits, labels), labels)
    assert after.error == before.error
    assert after.ece < before.ece / 3
    assert after.nll < before.nll


def test_separable_samples_have_the_smallest_temperature():
    labels = torch.arange(4)
    assert evaluation.temperature(torch.eye(4), labels) == pytest.approx(0.01, rel=1e-3)


@pytest.mark.parametrize("use", ["calibration", "reliability", "temperature"])
@pytest.mark.parametrize(
    ("logits", "labels"),
    [
        (torch.zeros(3), torch.zeros(3, dtype=torch.long)),
        (torch.zeros(3, 1), torch.zeros(3, dtype=torch.long)),
        (torch.zeros(3, 2), torch.zeros(2, dtype=torch.long)),
        (torch.zeros(0, 2), torch.zeros(0, dtype=torch.long)),
        (torch.zeros(3, 2), torch.tensor([0, 1, 2])),
        (torch.zeros(3, 2), torch.zeros(3)),
        (torch.full((3, 2), torch.nan), torch.zeros(3, dtype=torch.long)),
    ],
)
def test_invalid_logits_and_labels_are_refused(use, logits, labels):
    with pytest.raises(ValueError, match=r"logits|labels"):
        getattr(evaluation, use)(logits, labels)


@pytest.mark.parametrize("use", [evaluation.calibration, evaluation.reliability])
def test_bins_must_be_a_whole_number(use):
    for bins in (0, 1.5, True, "15"):
        with pytest.raises(ValueError, match=r"bins = .*: it must be a whole number ≥ 1"):
            use(*sampled(10), bins=bins)
    for ours, theirs in zip(
        use(*sampled(), bins=np.int64(15)), use(*sampled(), bins=15), strict=True
    ):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=0, equal_nan=True)


def test_pytest_does_not_collect_test_error(request):
    assert test_error is evaluation.test_error
    assert "test_error" not in {item.name for item in request.session.items}
