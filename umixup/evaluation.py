"""How good a trained model is."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from umixup.data import DataSet


@torch.no_grad()
def predict(model: nn.Module, x: Tensor, data: DataSet, batch_size: int = 500) -> Tensor:
    """Outputs of the model in evaluation mode on uint8 images x, (n, C); its mode is put back."""
    was_training = model.training
    model.eval()
    outputs = torch.cat([model(data.normalize(part)) for part in x.split(batch_size)])
    model.train(was_training)
    return outputs


def test_error(model: nn.Module, data: DataSet) -> Tensor:
    """Share of the test set whose largest output is not its label: a scalar tensor in [0, 1]."""
    wrong = predict(model, data.test_x, data).argmax(dim=1) != data.test_y
    return wrong.double().mean()
