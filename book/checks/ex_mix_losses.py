import numpy as np
import torch

import umixup as um


def mixed_losses(loss, logits, y, y2, lam):
    """For each sample, λ times the loss with the label y plus 1 − λ times the loss with y2.

    loss: a function of logits and targets, both of the shape (B, C), that gives one loss a sample,
    (B,), such as `um.losses.cross_entropy`. logits, y, y2: tensors, (B, C). lam: a tensor, (B,).
    Returns a tensor, (B,).
    """
    return lam * loss(logits, y) + (1 - lam) * loss(logits, y2)


def check(mixed_losses):
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(6, 4, generator=generator, dtype=torch.float64)
    y, y2 = torch.eye(4, dtype=torch.float64)[
        torch.tensor([[0, 1, 2, 3, 0, 1], [1, 1, 0, 2, 3, 3]])
    ]
    lam = torch.tensor([0.0, 0.2, 0.3, 0.6, 0.9, 1.0], dtype=torch.float64)
    found = np.asarray(mixed_losses(um.losses.cross_entropy, logits, y, y2, lam), dtype=float)
    if found.shape != (6,):
        return f"Six samples have six losses; the shape of your result is {found.shape}."
    log_v = logits.log_softmax(dim=1)
    if not np.isclose(found[5], -float(log_v[5, 1])):
        return "At λ = 1 the loss is that of the first label alone; yours is not."
    if not np.isclose(found[0], -float(log_v[0, 1])):
        return "At λ = 0 the loss is that of the second label alone; yours is not."
    of_labels = -((lam[:, None] * y + (1 - lam[:, None]) * y2) * log_v).sum(dim=1)
    if not np.allclose(found, of_labels):
        return (
            "With cross-entropy, mixed losses should be the loss of the mixed label; yours differ."
        )
    whole = np.asarray(mixed_losses(lambda z, t: t.max(dim=1).values, logits, y, y2, lam))
    if not np.allclose(whole, 1):
        return (
            "We tried a loss that is 1 for every whole label, so that mixing losses gives 1."
            " Yours does not: which target does your loss see?"
        )
    return None


def draw(rng):
    loss = (um.losses.cross_entropy, um.losses.brier)[rng.integers(2)]
    y, y2 = torch.eye(3, dtype=torch.float64)[torch.from_numpy(rng.integers(3, size=(2, 4)))]
    return loss, torch.from_numpy(rng.normal(size=(4, 3))), y, y2, torch.from_numpy(rng.random(4))


def wrong_mixes_labels(loss, logits, y, y2, lam):
    """Mixes the labels, and takes one loss.

    Say: that is the other side of the comparison. Here the loss is taken twice, with whole labels.
    """
    return loss(logits, lam[:, None] * y + (1 - lam[:, None]) * y2)


def wrong_mean_of_the_batch(loss, logits, y, y2, lam):
    """Averages each loss over the batch before it is mixed.

    Say: every sample has a λ of its own. Which λ does your mean loss get?
    """
    return lam * loss(logits, y).mean() + (1 - lam) * loss(logits, y2).mean()


def wrong_end(loss, logits, y, y2, lam):
    """Gives λ to the second label.

    Say: λ is the share of the first image. Try λ = 1: whose label should count?
    """
    return (1 - lam) * loss(logits, y) + lam * loss(logits, y2)
