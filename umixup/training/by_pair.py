"""Schemes that differ from pair to pair, and moves in random directions.

The paper leaves a policy for each pair open (section 7). Here a pair has a rank r in [0, 1], the
same for (x, x′) and (x′, x), by which it is mixed more or less often, or with another weight. As r
is symmetric, Lemmas 4 and 5 hold pair by pair: each of these has a DAT twin.
"""

from __future__ import annotations

import warnings

import torch
from torch import Tensor

from umixup._random import generator_for
from umixup.pairs import Plan
from umixup.training.config import Config
from umixup.training.data import DataSet

_REFERENCE = 10_000  # random pairs, among which a pair is ranked
_PARTS = 5  # of the samples that the first classifier judges
_MOST_JUDGED = 2_000
_CHUNK = 4096  # pairs whose distance is taken at once


class ByPair:
    """A config's ``by_pair``, for the samples it trains on.

    The rank r of a pair is the share of random pairs that are less alike. Alike are, for "near"
    and "far", images at a small Euclidean distance; for "confused" and "distinct", images of one
    class, or of two that a first classifier takes for each other (``confusions``). "near" and
    "confused" favour pairs of large r, the other two those of small r:
    with the share f = r or 1 − r, whose mean is ½,

    - ``mix_near`` and the like mix a pair with probability f; else they leave it as it is, with
      λ = γ = 1;
    - ``slope_near`` and the like take σ(2^(2f−1) logit γ) for γ, so that the slope of a logistic
      weight is from one half of the scheme's to twice as large.

    Args:
        config: its ``by_pair`` and seed are used.
        data: the samples that are trained on.
    """

    def __init__(self, config: Config, data: DataSet) -> None:
        self.seed = config.seed
        self.what, self.by = config.by_pair.split("_")
        self.images, self.labels = data.train_x, data.train_y
        n, device = len(self.labels), self.labels.device
        generator = generator_for(self.seed, "by_pair")
        self.alike = torch.empty(0)
        if self.by in ("confused", "distinct"):
            some = torch.randperm(n, generator=generator)[:_MOST_JUDGED].to(device)
            given = self.images[some], self.labels[some], len(data.classes), self.seed
            self.alike = confusions(*given)
        pairs = torch.randint(n, (2, _REFERENCE), generator=generator).to(device)
        self.reference = self._alikeness(*pairs).sort().values

    def _alikeness(self, first: Tensor, second: Tensor) -> Tensor:
        """How alike the pairs are, (m,), in any units."""
        if len(self.alike):
            return self.alike[self.labels[first], self.labels[second]]
        parts = zip(first.split(_CHUNK), second.split(_CHUNK), strict=True)
        return torch.cat(
            [-(self.images[a].float() - self.images[b]).flatten(1).norm(dim=1) for a, b in parts]
        )

    def rank(self, first: Tensor, second: Tensor) -> Tensor:
        """r of each pair, (m,), in [0, 1]; ties count half."""
        alike = self._alikeness(first, second)
        below = torch.searchsorted(self.reference, alike)
        upto = torch.searchsorted(self.reference, alike, right=True)
        return (below + upto) / (2 * len(self.reference))

    def applied(self, plan: Plan, epoch: int) -> Plan:
        """The plan of an epoch with the λ and γ of each pair."""
        rank = self.rank(plan.first, plan.second).to(plan.lam)
        share = rank if self.by in ("near", "confused") else 1 - rank
        if self.what == "slope":
            gamma: Tensor = torch.sigmoid(torch.exp2(2 * share - 1) * torch.logit(plan.gamma))
            return plan._replace(gamma=gamma)
        drawn = torch.rand(len(share), generator=generator_for(self.seed, "by_pair", epoch + 1))
        kept = drawn.to(share) >= share
        return plan._replace(
            lam=plan.lam.masked_fill(kept, 1), gamma=plan.gamma.masked_fill(kept, 1)
        )


def confusions(images: Tensor, labels: Tensor, classes: int, seed: int) -> Tensor:
    """How much a first, linear classifier takes two classes for each other, (C, C), symmetric.

    Entry (a, b) is the mean of two probabilities: that of class b for the images of class a, and
    that of class a for those of class b. They are logistic regression's on the pixels, each image
    judged by a fit to the other four fifths of the images.

    Raises:
        ValueError: the images are too few to leave some out.

    >>> images = torch.tensor([0, 10, 20, 200, 210, 220] * 5, dtype=torch.uint8).view(-1, 1, 1, 1)
    >>> found = confusions(images, torch.tensor([0, 0, 0, 1, 1, 1] * 5), classes=2, seed=0)
    >>> bool((found.diagonal() > 0.5).all()), bool(found[0, 1] == found[1, 0])
    (True, True)
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import KFold, cross_val_predict

    flat, y = images.flatten(1).double().div(255).cpu().numpy(), labels.cpu()
    seen = y.unique()  # as cross_val_predict has its columns
    with warnings.catch_warnings():  # of a class that one part lacks; of few iterations
        warnings.simplefilter("ignore")
        found = cross_val_predict(
            LogisticRegression(),
            flat,
            y.numpy(),
            cv=KFold(min(_PARTS, len(y)), shuffle=True, random_state=seed % 2**32),
            method="predict_proba",
        )
    probabilities = torch.zeros(len(y), classes, dtype=torch.float64)
    probabilities[:, seen] = torch.from_numpy(found)
    ones = torch.eye(classes, dtype=torch.float64)[y]  # (n, C)
    mean = ones.T @ probabilities / ones.sum(dim=0).clamp(min=1)[:, None]
    return (mean + mean.T).div(2).float().to(labels.device)


def moved_at_random(x: Tensor, partner: Tensor, generator: torch.Generator) -> Tensor:
    """Points as far from x as the partners, each in a uniformly random direction; shape of x.

    >>> x, partner = torch.zeros(1, 1, 1, 2), torch.tensor([[[[3.0, 4.0]]]])
    >>> moved_at_random(x, partner, torch.Generator().manual_seed(0)).norm()
    tensor(5.)
    """
    direction = torch.randn(x.shape, generator=generator, device="cpu").to(x)
    length = (partner - x).flatten(1).norm(dim=1) / direction.flatten(1).norm(dim=1)
    moved: Tensor = x + length[:, None, None, None] * direction
    return moved
