import numpy as np
import torch


def worst_partner(model, x, y, partners, length):
    """By how much the worst of several moves of one length raises the loss of each sample.

    model: takes (n, d) to logits (n, classes). x: n samples, (n, d). y: their labels, one-hot,
    (n, classes). partners: k partners for each sample, (k, n, d). length: how far a sample is
    moved towards a partner, in Euclidean distance; it may go past a near one. The loss is the
    cross-entropy. Returns n numbers.
    """

    def loss(x):
        return -(y * model(x).log_softmax(dim=-1)).sum(dim=-1)

    way = torch.nn.functional.normalize(partners - x, dim=-1)
    return (loss(x + length * way) - loss(x)).amax(dim=0)


def check(worst_partner):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(7, 3, generator=generator).double()
    y = torch.eye(3).double()[torch.arange(7) % 3]
    partners = torch.randn(4, 7, 3, generator=generator).double()

    def yours(partners, length=0.5):  # of a model whose logits are the sample itself
        return np.asarray(worst_partner(torch.nn.Identity(), x, y, partners, length), dtype=float)

    found = yours(partners)
    if found.shape != (7,):
        return (
            f"For 7 samples and 4 partners each the result has the shape {found.shape}, not (7,)."
        )
    if not np.allclose(yours(partners, 0.0), 0):
        return "A move of length 0 does not raise the loss: did you subtract the loss before it?"
    if not np.allclose(found, yours(x + 3 * (partners - x))):
        return "All moves have one length: a partner three times as far off gives the same move."
    cross_entropy = torch.nn.functional.cross_entropy
    single = np.stack([yours(partners[k : k + 1]) for k in range(4)])
    for i in range(7):
        v = partners[0, i] - x[i]
        after, before = x[i] + 0.5 * v / v.norm(), x[i]
        rise = float(cross_entropy(after, y[i]) - cross_entropy(before, y[i]))
        if not np.isclose(single[0, i], rise):
            return (
                f"With a single partner sample {i} should gain {rise:.4f}, the loss after the move "
                f"less the loss before it. Yours gains {single[0, i]:.4f}."
            )
    if not np.allclose(found, single.max(axis=0)):
        return "The worst of four partners gains what the best attack of the four gains alone."
    return None


def draw(rng):
    n, d, classes = 4, 5, 3
    model = torch.nn.Linear(d, classes).double().requires_grad_(False)
    model.weight.copy_(torch.from_numpy(rng.normal(size=(classes, d))))
    model.bias.copy_(torch.from_numpy(rng.normal(size=classes)))
    x, partners = rng.normal(size=(n, d)), rng.normal(size=(6, n, d))
    y = np.eye(classes)[rng.integers(classes, size=n)]
    x, y, partners = (torch.from_numpy(v) for v in (x, y, partners))
    return model, x, y, partners, rng.uniform(0.2, 1)


def wrong_mean_partner(model, x, y, partners, length):
    """Takes the mean over the partners.

    Say: That is what DAT pays. An adversary picks, for each sample, the partner that hurts most.
    """
    way = torch.nn.functional.normalize(partners - x, dim=-1)
    before, after = (-(y * model(v).log_softmax(dim=-1)).sum(-1) for v in (x, x + length * way))
    return (after - before).mean(dim=0)


def wrong_share_of_the_way(model, x, y, partners, length):
    """Goes a share of the way instead of a length.

    Say: Divide each direction by its own length first, so that far partners get no longer moves.
    """
    after = -(y * model(x + length * (partners - x)).log_softmax(dim=-1)).sum(dim=-1)
    return (after + (y * model(x).log_softmax(dim=-1)).sum(dim=-1)).amax(dim=0)


def wrong_one_partner_for_all(model, x, y, partners, length):
    """Picks the partner number that is worst on average, the same number for all samples.

    Say: The worst partner is chosen for each sample by itself. In which order are mean and
    maximum taken?
    """
    way = torch.nn.functional.normalize(partners - x, dim=-1)
    before, after = (-(y * model(v).log_softmax(dim=-1)).sum(-1) for v in (x, x + length * way))
    gains = after - before
    return gains[gains.mean(dim=1).argmax()]


def wrong_worst_sample(model, x, y, partners, length):
    """Takes the maximum over the samples instead of the partners.

    Say: Which axis of your array holds the partners? There should be one number a sample.
    """
    way = torch.nn.functional.normalize(partners - x, dim=-1)
    before, after = (-(y * model(v).log_softmax(dim=-1)).sum(-1) for v in (x, x + length * way))
    return (after - before).amax(dim=1)


def wrong_loss_itself(model, x, y, partners, length):
    """Gives the loss after the move, and not by how much it rose.

    Say: Subtract each sample's loss before the move.
    """
    way = torch.nn.functional.normalize(partners - x, dim=-1)
    return (-(y * model(x + length * way).log_softmax(dim=-1)).sum(dim=-1)).amax(dim=0)
