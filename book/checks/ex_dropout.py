import itertools

import numpy as np
import torch


def dropout_gap(matrix, point, y, y2, gamma, mask, mask2):
    """Lemma 1 with two outputs: the loss of the mixed label less the mixture of the two losses.

    The layer is linear, its output point @ matrix for a whole point, and the loss is cross-entropy.
    Dropout keeps every entry of the point with probability ½, and doubles those that it keeps. The
    output with `mask` has the loss of the mixed label and that of y, the output with `mask2` has
    that of y2.

    matrix: a tensor, (P, C). point: the mixed sample, (P,). y, y2: one-hot, (C,). gamma: the weight
    of y. mask, mask2: (P,), 1 where an entry is kept and 0 where it is dropped. Returns a number.
    """

    def loss(kept, target):
        return -((2 * kept * point) @ matrix).log_softmax(dim=0) @ target

    mixed = loss(mask, gamma * y + (1 - gamma) * y2)
    return mixed - gamma * loss(mask, y) - (1 - gamma) * loss(mask2, y2)


def check(dropout_gap):
    generator = torch.Generator().manual_seed(0)
    matrix = torch.randn(3, 4, generator=generator, dtype=torch.float64)
    point, y, y2 = matrix.sum(dim=1), *torch.eye(4, dtype=torch.float64)[:2]
    masks = torch.tensor(list(itertools.product([0.0, 1.0], repeat=3)), dtype=torch.float64)
    gaps = np.asarray(
        [[dropout_gap(matrix, point, y, y2, 0.7, m, m2) for m2 in masks] for m in masks],
        dtype=float,
    )
    if gaps.shape != (8, 8) or not np.isfinite(gaps).all():
        return "For two masks the result should be one finite number."
    if abs(np.diag(gaps)).max() > 1e-9:
        return "If both losses have one mask, they share an output. What does Lemma 1 say then?"
    if abs(gaps).max() < 1e-9:
        return "With different masks the two outputs differ, and your two sides never do."
    if abs(gaps.mean()) > 1e-9:
        return "Over all pairs of masks the gap should be 0 on average, and yours is not."
    one, labels = torch.ones(1).double(), torch.eye(2).double()
    simple = float(dropout_gap(labels[:1], one, *labels, 0.5, one, 0 * one))
    if abs(simple - 0.5 * np.log((1 + np.exp(2)) / 2)) > 1e-9:
        return (
            "We tried one entry, 1, with logits (1, 0) before dropout: kept, they are (2, 0), and"
            " dropped (0, 0). Your gap is another: look at the doubling and at the sign."
        )
    return None


def draw(rng):
    labels = np.eye(3)[rng.permutation(3)[:2]]
    masks = rng.permutation([[1.0, 1, 0, 1, 0], [0.0, 1, 1, 0, 1]], axis=1)
    matrix, point, y, y2, mask, mask2 = map(
        torch.from_numpy, (rng.normal(size=(5, 3)), rng.normal(size=5), *labels, *masks)
    )
    return matrix, point, y, y2, rng.uniform(0.1, 0.9), mask, mask2


def wrong_one_output(matrix, point, y, y2, gamma, mask, mask2):
    """Takes both losses at one output, and never looks at the second mask.

    Say: that is the first of the three forms, and it holds. Here each end has a mask of its own.
    """
    return dropout_gap(matrix, point, y, y2, gamma, mask, mask)


def wrong_not_doubled(matrix, point, y, y2, gamma, mask, mask2):
    """Drops entries and does not double the others.

    Say: dropout with probability ½ doubles what is kept, so that the mean of the output stays.
    """
    return dropout_gap(matrix, point / 2, y, y2, gamma, mask, mask2)


def wrong_sign(matrix, point, y, y2, gamma, mask, mask2):
    """Subtracts the loss of the mixed label from the mean of the two.

    Say: the result is the left side of Lemma 1 less the right one.
    """
    return -dropout_gap(matrix, point, y, y2, gamma, mask, mask2)
