"""What a trained network makes of images that are perturbed on purpose, or spoilt.

    net = on_pixels(run.model, data)
    x, y = pixels(data.test_x), data.test_y
    moved = attack(net, x, y, "pgd", eps=0.1)
    (net(moved).argmax(dim=1) != y).double().mean()

All is in pixel units: images are (n, C, H, W) float32 in [0, 1], perturbations are shares of a
pixel's range. The network normalises its input itself, so that no bound is meant in other units.
The attacks are those of the Adversarial Robustness Toolbox (ART, Nicolae et al., 2018).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from umixup._random import drawing_from, numpy_drawing_from
from umixup.training.data import DataSet

#: Attacks within ε of each pixel, from chance to several. A random corner of the box of side 2ε;
#: one step along the gradient's sign; projected gradient descent; random search that sees outputs
#: only ("square"); several attacks in turn, each on the images that withstood the last.
ATTACKS = ("random", "fgsm", "pgd", "square", "autoattack")


class OnPixels(nn.Module):
    """A network from images in [0, 1] to one output a class; see ``on_pixels``."""

    def __init__(self, model: nn.Module, data: DataSet, label_vectors: Tensor | None) -> None:
        super().__init__()
        self.model, self.data, self.label_vectors = model, data, label_vectors

    def forward(self, x: Tensor) -> Tensor:
        """(n, C, H, W) in [0, 1] to (n, classes)."""
        outputs: Tensor = self.model(self.data.normalize(255 * x))
        return outputs if self.label_vectors is None else outputs @ self.label_vectors.T


def on_pixels(model: nn.Module, data: DataSet, label_vectors: Tensor | None = None) -> OnPixels:
    """The model, in evaluation mode, with the data set's normalisation in front of it.

    Args:
        model: from normalised images to outputs (n, d).
        data: whose normalisation it was trained with.
        label_vectors: (classes, d); by default the outputs are logits, one a class.
    """
    return OnPixels(model, data, label_vectors).eval()


def pixels(x: Tensor) -> Tensor:
    """uint8 images as float32 in [0, 1].

    >>> pixels(torch.tensor([0, 51, 255], dtype=torch.uint8)).tolist()
    [0.0, 0.20000000298023224, 1.0]
    """
    return x.float() / 255


def attack(
    net: nn.Module,
    x: Tensor,
    y: Tensor,
    method: str,
    eps: float,
    *,
    steps: int = 20,
    restarts: int = 5,
    queries: int = 200,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Images x̃ with ``|x̃ − x| ≤ ε`` in each pixel that the net is to take for another class.

    They are made from the network's own outputs and gradients (white-box). To see whether they
    transfer, show them to another network.

    Args:
        net: from images in [0, 1] to (n, classes), in evaluation mode, as ``on_pixels`` gives it.
        x: (n, C, H, W) float32 in [0, 1].
        y: (n,) int64, the true classes.
        method: one of ``ATTACKS``. "pgd" is that of Madry et al. (2018): ``restarts`` random
            starts, steps of 2.5 ε/``steps``. "autoattack" is Croce and Hein's (2020) in ART's
            form: step sizes that adapt, along cross-entropy and along their ratio of logit
            differences, both untargeted, then "square" (Andriushchenko et al., 2020). Their FAB is
            left out, and ART tries the last step of each attack, not the best.
        eps: ε, in (0, 1].
        steps: of an iterated attack, ≥ 1.
        restarts: from how many random starts, ≥ 1; one that succeeds is enough.
        queries: iterations of "square", ≥ 1.
        generator: of all random choices.

    Returns:
        x̃, (n, C, H, W) float32 in [0, 1].

    Raises:
        ValueError: an unknown attack, a number out of range, images off [0, 1] or of another
            type, too small or too long for "square"; labels that do not fit.
        ImportError: ART is not installed (``pip install 'umixup[robustness]'``).

    >>> net, x = nn.Flatten(), torch.tensor([[[[0.6, 0.4]]]])
    >>> attack(net, x, torch.tensor([0]), "fgsm", eps=0.125).tolist()
    [[[[0.4750000238418579, 0.5249999761581421]]]]
    """
    if method not in ATTACKS:
        raise ValueError(f"method = {method!r}: it must be one of {', '.join(ATTACKS)}")
    if not 0 < eps <= 1:
        raise ValueError(f"eps = {eps!r}: it must be in (0, 1], a share of a pixel's range")
    for name, value in (("steps", steps), ("restarts", restarts), ("queries", queries)):
        _check_whole(name, value)
    _check_images(x)
    if y.shape != x.shape[:1] or y.dtype != torch.int64:
        raise ValueError(f"y, {tuple(y.shape)} {y.dtype}: it must be ({len(x)},) int64")
    tile = round((_SQUARE_SHARE * x.shape[2] * x.shape[3]) ** 0.5)
    if method in ("square", "autoattack") and tile >= min(x.shape[2:]):
        raise ValueError(
            f"x, {tuple(x.shape)}: the first squares of {method!r} have {tile} pixels a side, and "
            "must fit in; it needs images about as high as wide, of 5 pixels or more"
        )
    with numpy_drawing_from(generator), drawing_from(generator):  # ART draws from both
        if method == "random":
            moved = x + eps * (2 * torch.rand(x.shape).round().to(x) - 1)
        else:
            worker = _attacker(_classifier(net, x), method, eps, steps, restarts, queries)
            made = worker.generate(x.cpu().numpy(), y.cpu().numpy())
            moved = torch.as_tensor(made).to(x)
    return torch.minimum(torch.maximum(moved, x - eps), x + eps).clamp(0, 1)


def deepfool(net: nn.Module, x: Tensor, *, steps: int = 50) -> Tensor:
    """The nearest images, in Euclidean distance, that the net takes for another class, about.

    DeepFool (Moosavi-Dezfooli et al., 2016): steps to the nearest boundary of the network's
    linearisation, until the class it gives has changed. The distance is an upper bound of the least
    one; where ``steps`` were not enough, the class has not changed.

    Args:
        net, x: as for ``attack``.
        steps: at most, ≥ 1.

    Returns:
        (n, C, H, W) float32 in [0, 1].

    Raises:
        ValueError: images off [0, 1] or of another type, steps below 1.
        ImportError: ART is not installed.

    >>> x = torch.tensor([[[[0.6, 0.4]]]])
    >>> moved = deepfool(nn.Flatten(), x)
    >>> round(float((moved - x).norm()), 3)  # the boundary is where both pixels are alike
    0.141
    """
    _check_whole("steps", steps)
    _check_images(x)
    with _without_bars():
        from art.attacks.evasion import DeepFool
    worker = DeepFool(_classifier(net, x), max_iter=steps, batch_size=_BATCH, verbose=False)
    return torch.as_tensor(worker.generate(x.cpu().numpy())).to(x)


_BATCH = 500
_SQUARE_SHARE = 0.8  # of the pixels, in the first square of "square"
# kind -> what it does to images at severities 1, 2, 3: torchvision's function and its argument
_SEVERITIES: dict[str, tuple[float, float, float]] = {
    "noise": (0.1, 0.2, 0.3),
    "blur": (0.5, 0.7, 0.9),
    "contrast": (0.5, 0.3, 0.2),
    "brightness": (1.5, 2.0, 3.0),
    "rotation": (10.0, 20.0, 30.0),
    "resolution": (0.75, 0.625, 0.5),
}
#: Ways to spoil images, each at severities 1, 2 and 3.
CORRUPTIONS = tuple(_SEVERITIES)


def corrupt(
    x: Tensor, kind: str, severity: int, generator: torch.Generator | None = None
) -> Tensor:
    """Images as a bad camera would give them, by torchvision.

    "noise": Gaussian, of standard deviation 0.1, 0.2, 0.3; "blur": Gaussian over 3×3 pixels, of
    width 0.5, 0.7, 0.9; "contrast": ½, 0.3, 0.2 of it; "brightness": 1.5, 2, 3 times as bright;
    "rotation": by 10°, 20°, 30° either way; "resolution": to ¾, ⅝, ½ of the pixels along each side
    and back. The kinds are some of Hendrycks and Dietterich's (2019); the severities are ours, for
    images of few pixels.

    Args:
        x: (n, C, H, W) float32 in [0, 1].
        kind: one of ``CORRUPTIONS``.
        severity: 1, 2 or 3.
        generator: of the noise.

    Returns:
        (n, C, H, W) float32 in [0, 1].

    Raises:
        ValueError: an unknown kind or severity, images off [0, 1] or of another type.

    >>> grey = torch.full((1, 1, 8, 8), 0.4)
    >>> corrupt(grey, "brightness", 2).unique().tolist()
    [0.800000011920929]
    """
    if kind not in CORRUPTIONS:
        raise ValueError(f"kind = {kind!r}: it must be one of {', '.join(CORRUPTIONS)}")
    if type(severity) is not int or not 1 <= severity <= 3:
        raise ValueError(f"severity = {severity!r}: it must be 1, 2 or 3")
    _check_images(x)
    from torchvision.transforms.v2 import InterpolationMode
    from torchvision.transforms.v2 import functional as F

    amount = _SEVERITIES[kind][severity - 1]
    match kind:
        case "noise":
            with drawing_from(generator):
                spoilt = x + amount * torch.randn(x.shape).to(x)
        case "blur":
            spoilt = F.gaussian_blur(x, [3, 3], [amount, amount])
        case "contrast":
            spoilt = F.adjust_contrast(x, amount)
        case "brightness":
            spoilt = F.adjust_brightness(x, amount)
        case "rotation":
            turned = [
                F.rotate(part, angle, InterpolationMode.BILINEAR)
                for part, angle in ((x[::2], amount), (x[1::2], -amount))
                if len(part)
            ]
            spoilt = torch.empty_like(x)
            for k, part in enumerate(turned):
                spoilt[k::2] = part
        case _:
            size = [max(1, round(amount * side)) for side in x.shape[2:]]
            spoilt = F.resize(F.resize(x, size, antialias=True), list(x.shape[2:]))
    return spoilt.clamp(0, 1)


def _check_whole(name: str, value: int) -> None:
    if type(value) is not int or value < 1:
        raise ValueError(f"{name} = {value!r}: it must be a whole number ≥ 1")


def _check_images(x: Tensor) -> None:
    if x.ndim != 4 or not len(x) or x.dtype != torch.float32:
        raise ValueError(f"x, {tuple(x.shape)} {x.dtype}: it must be (n, C, H, W) float32, n ≥ 1")
    low, high = float(x.min()), float(x.max())
    if not 0 <= low <= high <= 1:
        raise ValueError(f"x, from {low:.3g} to {high:.3g}: it must be in [0, 1], in pixel units")


@contextmanager
def _without_bars() -> Iterator[None]:
    """Import ART here: a notebook need not hear that it lacks widgets for bars that stay off."""
    from tqdm import TqdmWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TqdmWarning)
        yield


def _classifier(net: nn.Module, x: Tensor) -> Any:
    """The network as ART's attacks see it."""
    with _without_bars():
        from art.estimators.classification import PyTorchClassifier

    with torch.no_grad():
        classes = net(x[:1]).shape[1]
    return PyTorchClassifier(
        net,
        nn.CrossEntropyLoss(),
        tuple(x.shape[1:]),
        classes,
        clip_values=(0.0, 1.0),
        device_type="gpu" if x.device.type == "cuda" else "cpu",
    )


def _attacker(
    classifier: Any, method: str, eps: float, steps: int, restarts: int, queries: int
) -> Any:
    """ART's attack of that name."""
    with _without_bars():
        from art.attacks import evasion

    quiet = {"batch_size": _BATCH, "verbose": False}

    def square() -> Any:
        return evasion.SquareAttack(
            classifier, eps=eps, max_iter=queries, p_init=_SQUARE_SHARE, nb_restarts=1, **quiet
        )

    def adaptive(loss: str) -> Any:
        return evasion.AutoProjectedGradientDescent(
            classifier,
            eps=eps,
            eps_step=2 * eps,
            max_iter=steps,
            nb_random_init=restarts,
            loss_type=loss,
            **quiet,
        )

    makers: dict[str, Callable[[], Any]] = {
        "fgsm": lambda: evasion.FastGradientMethod(classifier, eps=eps, batch_size=_BATCH),
        "pgd": lambda: evasion.ProjectedGradientDescentPyTorch(
            classifier,
            eps=eps,
            eps_step=2.5 * eps / steps,
            max_iter=steps,
            num_random_init=restarts,
            **quiet,
        ),
        "square": square,
        "autoattack": lambda: evasion.AutoAttack(
            classifier,
            eps=eps,
            eps_step=2 * eps,
            attacks=[
                adaptive("cross_entropy"),
                adaptive("difference_logits_ratio"),
                square(),
            ],
            batch_size=_BATCH,
        ),
    }
    return makers[method]()
