import numpy as np
import torch

import umixup as um


def repaired(loss, outputs, target):
    """The loss that is affine in the target and has the values of `loss` at the classes.

    loss: any function of outputs and targets, both (B, C), that gives one loss a sample, (B,).
    outputs: a tensor, (B, C). target: probability vectors, (B, C). Returns a tensor, (B,).
    """
    classes = torch.eye(target.shape[1], dtype=target.dtype)
    of_class = [loss(outputs, one.expand_as(target)) for one in classes]
    return (target * torch.stack(of_class, dim=1)).sum(dim=1)


def generalised(outputs, target):
    """Generalised cross-entropy with q = 0.7."""
    return (1 - (target * outputs.softmax(dim=1)).sum(dim=1) ** 0.7) / 0.7


def check(repaired):
    rng = np.random.default_rng(0)
    z, y, y2 = (
        torch.from_numpy(rng.normal(size=(5, 3))),
        *torch.from_numpy(rng.dirichlet(np.ones(3), (2, 5))),
    )
    corners = torch.eye(3, dtype=torch.float64)

    def of(loss, target):
        return np.asarray(repaired(loss, z, target), dtype=float)

    found = of(generalised, y)
    if found.shape != (5,) or not np.isfinite(found).all():
        return f"Five samples have five losses; the shape of your result is {found.shape}."
    for c in range(3):
        whole = corners[[c]].expand(5, 3)
        if not np.allclose(of(generalised, whole), generalised(z, whole)):
            return f"For the whole label of class {c} the repaired loss should be the loss itself."
    for loss, name in (
        (generalised, "the generalised cross-entropy"),
        (um.losses.hinge, "the hinge"),
    ):
        bent = of(loss, 0.3 * y + 0.7 * y2) - 0.3 * of(loss, y) - 0.7 * of(loss, y2)
        if abs(bent).max() > 1e-9:
            return f"Your repair of {name} is not affine yet: mixed labels and mixed losses differ."
    if not np.allclose(of(um.losses.cross_entropy, y), um.losses.cross_entropy(z, y)):
        return "Cross-entropy needs no repair, and should come out as it is; from you it does not."
    return None


def draw(rng):
    loss = (generalised, um.losses.hinge, um.losses.brier)[rng.integers(3)]
    z, y = rng.normal(size=(3, 4)), rng.dirichlet(np.ones(4), 3)
    return loss, torch.from_numpy(z), torch.from_numpy(y)


def wrong_as_it_is(loss, outputs, target):
    """Returns the loss at the target, without any repair.

    Say: mix two whole labels, and compare with the mixture of their two losses.
    """
    return loss(outputs, target)


def wrong_largest_class(loss, outputs, target):
    """Takes the loss of the class with the largest share.

    Say: a target of 51 % cat would be a cat. Which losses should the other 49 % pay?
    """
    return loss(outputs, torch.eye(target.shape[1], dtype=target.dtype)[target.argmax(dim=1)])


def wrong_plain_mean(loss, outputs, target):
    """Averages over the classes, and does not look at the target.

    Say: for a whole label only its own class should count. With which weights do you average?
    """
    return repaired(loss, outputs, torch.full_like(target, 1 / target.shape[1]))
