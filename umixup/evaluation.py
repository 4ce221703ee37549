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
