"""Test error against scikit-learn."""

from __future__ import annotations

import pytest
import torch
from sklearn.metrics import zero_one_loss
from torch import nn

from umixup import evaluation
from umixup.models import PreActResNet18


@pytest.fixture(scope="module")
def model():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = PreActResNet18(10, channels=1, width=8)
        model(torch.randn(32, 1, 8, 8))  # running statistics that are not 0 and 1
        return model.eval()


def test_error_is_the_zero_one_loss_of_scikit_learn(model, digits):
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
def test_a_model_that_knows_everything_errs_never_and_one_that_is_off_by_one_always(
    digits, shift, error
):
    oracle = Oracle(digits.normalize(digits.test_x), digits.test_y, shift)
    assert evaluation.test_error(oracle, digits).item() == error


def test_predictions_do_not_depend_on_the_batch_size(model, digits):
    whole = evaluation.predict(model, digits.test_x, digits)
    assert whole.shape == (360, 10)
    assert not whole.requires_grad
    for batch_size in (1, 7, 360):
        parts = evaluation.predict(model, digits.test_x[:30], digits, batch_size)
        torch.testing.assert_close(parts, whole[:30], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("training", [True, False])
def test_predicting_puts_the_mode_back_and_keeps_the_running_statistics(model, digits, training):
    before = {k: v.clone() for k, v in model.state_dict().items()}
    model.train(training)
    outputs = evaluation.predict(model, digits.test_x[:20], digits)
    assert model.training == training
    model.eval()
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())
    torch.testing.assert_close(outputs, evaluation.predict(model, digits.test_x[:20], digits))


def test_an_output_that_is_not_finite_makes_the_error_nan(digits):
    class Spoilt(torch.nn.Module):
        def forward(self, x):
            outputs = torch.zeros(len(x), 10)
            outputs[0, 0] = torch.nan
            return outputs

    assert evaluation.test_error(Spoilt(), digits).isnan()
