import numpy as np
import torch

import umixup as um


def exchanged_triple(f, images, labels, shares, weights, loss):
    """The right-hand side of Lemma 1 for triples, as `exchanged` is for pairs.

    f: the network, a function of a batch of images, here (B, P), that gives outputs, (B, C).
    images: a tensor, (3, B, P), and labels, (3, B, C), of three samples in each place of the batch.
    shares: of the images, and weights: of the labels, both (3, B), with a sum of 1 over the three.
    loss: a function of outputs and targets, both (B, C), that gives one loss a sample, (B,).
    Returns a tensor, (B,).
    """
    point = (shares[..., None] * images).sum(dim=0)
    return sum(weights[k] * loss(f(point), labels[k]) for k in range(3))


def network(points):
    """A network with two inputs and three outputs."""
    x, y = points.T
    return torch.stack([2 * x, 3 * torch.tanh(y), x * y], dim=1)


def log_of_mean(z, target):
    """−log(v·y), which is not affine in the target."""
    return -(torch.softmax(z, dim=1) * target).sum(dim=1).log()


def triples(rng):
    """Images, labels, shares and weights of four triples."""
    shares, weights = (rng.dirichlet(np.ones(3), size=4).T for _ in range(2))
    labels = np.eye(3)[np.stack([rng.permutation(3) for _ in range(4)], axis=1)]
    return map(torch.from_numpy, (rng.normal(size=(3, 4, 2)), labels, shares, weights))


def check(exchanged_triple):
    images, labels, shares, weights = triples(np.random.default_rng(0))

    def of(weights, loss):
        found = exchanged_triple(network, images, labels, shares, weights, loss)
        return np.asarray(found, dtype=float)

    ce = um.losses.cross_entropy
    found = of(weights, ce)
    if found.shape != (4,):
        return f"A batch of four has four losses; the shape of your result is {found.shape}."
    z = network((shares[..., None] * images).sum(dim=0))
    if not np.allclose(found, ce(z, (weights[..., None] * labels).sum(dim=0))):
        return (
            "With cross-entropy your side should be the loss of the mixed label at the mixed image."
            " It is not: which numbers mix the images, and which the losses?"
        )
    for k, name in enumerate(("first", "second", "third")):
        alone = torch.zeros_like(weights)
        alone[k] = 1
        if not np.allclose(of(alone, ce), ce(z, labels[k])):
            return f"If the {name} label has the whole weight, only its loss should be left."
    whole = of(weights, lambda z, target: target.max(dim=1).values)
    if not np.allclose(whole, 1):
        return (
            "We tried a loss that is 1 for every whole label, and your side is not 1: does one of"
            " your losses see a mixed label?"
        )
    return None


def draw(rng):
    return network, *triples(rng), (um.losses.cross_entropy, log_of_mean)[rng.integers(2)]


def wrong_weights(f, images, labels, shares, weights, loss):
    """Mixes the losses with the shares of the images.

    Say: how far the picture and how far the label are two decisions. Which numbers weigh labels?
    """
    return exchanged_triple(f, images, labels, shares, shares, loss)


def wrong_fair_die(f, images, labels, shares, weights, loss):
    """Takes the plain mean of the three losses: a fair die.

    Say: the coin showed heads with probability γ. With which probability comes the face k?
    """
    return exchanged_triple(f, images, labels, shares, torch.full_like(weights, 1 / 3), loss)


def wrong_mixed_label(f, images, labels, shares, weights, loss):
    """Mixes the labels, and takes one loss: the left-hand side.

    Say: on the right-hand side every sample keeps its label. How many losses are there?
    """
    point = (shares[..., None] * images).sum(dim=0)
    return loss(f(point), (weights[..., None] * labels).sum(dim=0))


def wrong_own_image(f, images, labels, shares, weights, loss):
    """Takes each loss at the sample itself, which has not moved.

    Say: all three have moved to one and the same point. Where is it?
    """
    return sum(weights[k] * loss(f(images[k]), labels[k]) for k in range(3))
