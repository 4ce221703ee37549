import numpy as np
import torch
import torch.nn.functional as F


def gradient_cosine(logits, labels, labels2, omega, lam):
    """The cosine of the angle between the gradients of mixed labels and of mixed losses.

    Both are gradients in all logits of the batch, of `cross_entropy` with class weights and
    PyTorch's default reduction. logits: a tensor, (B, C). labels, labels2: class numbers of the
    first and of the second samples, (B,). omega: the class weights, (C,). lam: a number, the share
    of the first samples in the whole batch. Returns a number.
    """
    z = logits.clone().requires_grad_()
    y, y2 = (F.one_hot(t, logits.shape[1]) for t in (labels, labels2))
    of_labels = F.cross_entropy(z, lam * y + (1 - lam) * y2, weight=omega)
    of_losses = lam * F.cross_entropy(z, labels, weight=omega)
    of_losses = of_losses + (1 - lam) * F.cross_entropy(z, labels2, weight=omega)
    a, b = (torch.autograd.grad(v, z)[0].flatten() for v in (of_labels, of_losses))
    return float(a @ b / (a.norm() * b.norm()))


def check(gradient_cosine):
    generator = torch.Generator().manual_seed(0)
    z = torch.randn(6, 3, generator=generator, dtype=torch.float64)
    t = torch.tensor([0, 0, 1, 1, 2, 2])
    omega = torch.tensor([1.0, 2.0, 4.0], dtype=torch.float64)

    def of(*arguments):
        return np.asarray(gradient_cosine(*arguments), dtype=float)

    found = of(z, t, t.flip(0), torch.ones_like(omega), 0.3)
    if found.shape != () or not abs(found) <= 1 + 1e-9:
        return "A cosine is one number from −1 to 1."
    if abs(found - 1) > 1e-9:
        return "If all classes weigh the same, the two gradients are equal. Your cosine is not 1."
    if abs(of(z, t, t.flip(0), omega, 0.3) - 1) > 1e-9:
        return (
            "If the second samples are the first ones in another order, the two ways differ by a"
            " factor alone. Your cosine is not 1: do both see the same λ and the same weights?"
        )
    if abs(of(z, t, t * 0, omega, 1.0) - 1) > 1e-9:
        return "At λ = 1 the second samples should not matter for the direction; for yours they do."
    some = torch.zeros(4, 2, dtype=torch.float64)
    zero = torch.zeros(4, dtype=torch.long)
    opposite = of(some, zero, zero + 1, torch.tensor([1.0, 3.0], dtype=torch.float64), 0.6)
    if abs(opposite + 1) > 1e-9:
        return (
            "All first samples are of class 0, all second ones of class 1, with the weights 1 and"
            " 3, λ = 0.6 and logits 0. The cosine is far from yours: which reduction do you use?"
        )
    return None


def draw(rng):
    t, t2 = torch.from_numpy(rng.integers(4, size=(2, 8)))
    z, omega = rng.normal(size=(8, 4)), rng.uniform(0.2, 5, size=4)
    return torch.from_numpy(z), t, t2, torch.from_numpy(omega), rng.uniform(0.2, 0.8)


def wrong_reduction(logits, labels, labels2, omega, lam):
    """Divides by the number of samples both times, so that the two ways are one.

    Say: the exercise is about the default reduction, `reduction="mean"`. What does it divide by?
    """
    return 1.0


def wrong_no_weights(logits, labels, labels2, omega, lam):
    """Gives the class weights to the mixed labels alone.

    Say: with all weights equal you are right. Which of your calls has no weights?
    """
    z = logits.clone().requires_grad_()
    y, y2 = (F.one_hot(t, logits.shape[1]) for t in (labels, labels2))
    of_labels = F.cross_entropy(z, lam * y + (1 - lam) * y2, weight=omega)
    of_losses = lam * F.cross_entropy(z, labels) + (1 - lam) * F.cross_entropy(z, labels2)
    a, b = (torch.autograd.grad(v, z)[0].flatten() for v in (of_labels, of_losses))
    return float(a @ b / (a.norm() * b.norm()))


def wrong_angle(logits, labels, labels2, omega, lam):
    """Gives the angle and not its cosine.

    Say: gradients of the same direction have the angle 0. What is its cosine?
    """
    return float(np.arccos(np.clip(gradient_cosine(logits, labels, labels2, omega, lam), -1, 1)))


def wrong_mean_of_samples(logits, labels, labels2, omega, lam):
    """Averages the cosines of the single samples' gradients.

    Say: a step follows the gradient of the whole batch. One batch has one angle.
    """
    alone = [
        gradient_cosine(logits[[k]], labels[[k]], labels2[[k]], omega, lam)
        for k in range(len(labels))
    ]
    return float(np.mean(alone))
