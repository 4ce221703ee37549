"""Adversarial attacks on trained networks, and corruptions of test images.

    net = on_pixels(run.model, data)
    x, y = pixels(data.test_x), data.test_y
    moved = attack(net, x, y, "pgd", eps=0.1)
    (net(moved).argmax(dim=1) != y).double().mean()

Images are (n, C, H, W) float32 in [0, 1], and perturbations are in the same units. The attacked
network normalises its input itself. The attacks are those of the Adversarial Robustness Toolbox
(ART, Nicolae et al., 2018).
"""

from __future__ import annotations

import warnings
from typing import Any

import torch
from torch import Tensor, nn

from umixup import _check as check
from umixup._random import drawing_from, numpy_drawing_from
from umixup.training.data import DataSet

#: The attacks. Each changes a pixel by at most ε.
ATTACKS = (
    "random",  # a random corner of the cube of side 2ε around the image
    "fgsm",  # one step along the sign of the gradient
    "pgd",  # projected gradient descent from several random starts
    "square",  # random search; sees only the network's outputs
    "autoattack",  # several attacks in turn, each on the images that withstood those before
)
#: The corruptions, each with its amounts at severities 1, 2 and 3. The kinds are some of Hendrycks
#: and Dietterich's (2019); the amounts are ours, chosen for small images.
CORRUPTIONS: dict[str, tuple[float, float, float]] = {
    "noise": (0.1, 0.2, 0.3),  # standard deviation of Gaussian noise
    "blur": (0.5, 0.7, 0.9),  # standard deviation of a 3×3 Gaussian kernel, in pixels
    "contrast": (0.5, 0.3, 0.2),  # factor
    "brightness": (1.5, 2.0, 3.0),  # factor
    "rotation": (10.0, 20.0, 30.0),  # degrees: even images to the left, odd ones to the right
    "resolution": (0.75, 0.625, 0.5),  # factor for each side; the image is then scaled back up
}
_BATCH = 500
_SQUARE_SHARE = 0.8  # fraction of the pixels in the first square of "square"
_EPS = check.Range("in (0, 1], in units of a pixel's range", lambda eps: 0 < eps <= 1)


class _OnPixels(nn.Module):
    def __init__(self, model: nn.Module, data: DataSet) -> None:
        super().__init__()
        self.model, self.data = model, data

    def forward(self, x: Tensor) -> Tensor:
        outputs: Tensor = self.model(self.data.normalize(255 * x))
        return outputs


def on_pixels(model: nn.Module, data: DataSet) -> nn.Module:
    """The model in evaluation mode, preceded by the data set's normalisation.

    Args:
        model: from normalised images to logits (n, classes).
        data: the data set whose normalisation the model was trained with.

    Returns:
        A network from images (n, C, H, W) in [0, 1] to logits. It shares the model's parameters.
    """
    return _OnPixels(model, data).eval()


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
    """Adversarial images x̃, with ``|x̃ − x| ≤ ε`` in each pixel.

    To see whether an attack transfers, show the images to another network.

    "pgd" is that of Madry et al. (2018), with steps of 2.5 ε/``steps``. "autoattack" is ART's form
    of Croce and Hein's (2020): APGD with cross-entropy, APGD with the difference-of-logits ratio,
    both untargeted, then "square" (Andriushchenko et al., 2020). It leaves out their FAB, and
    judges each attack by its last step rather than by its best.

    Args:
        net: from images in [0, 1] to logits (n, classes), in evaluation mode, as ``on_pixels``
            returns it. The attacks use its gradients, except "random" and "square".
        x: (n, C, H, W) float32 in [0, 1].
        y: (n,) int64, the true classes.
        method: one of ``ATTACKS``.
        eps: ε, in (0, 1].
        steps: of the iterative attacks, ≥ 1.
        restarts: the number of random starts, ≥ 1; one success is enough.
        queries: iterations of "square", ≥ 1.
        generator: for all random choices.

    Returns:
        x̃, (n, C, H, W) float32 in [0, 1].

    Raises:
        ValueError: an unknown attack, a number out of range, images that are not float32 in [0, 1],
            labels that do not fit, or images too small or too elongated for "square".
        TypeError: eps is not a number.
        ImportError: ART is not installed (``pip install 'umixup[robustness]'``).

    >>> net, x = nn.Flatten(), torch.tensor([[[[0.6, 0.4]]]])
    >>> attack(net, x, torch.tensor([0]), "fgsm", eps=0.125).tolist()
    [[[[0.4750000238418579, 0.5249999761581421]]]]
    """
    check.one_of("method", method, ATTACKS)
    eps = check.number("eps", eps, _EPS)
    steps = check.whole("steps", steps, 1)
    restarts = check.whole("restarts", restarts, 1)
    queries = check.whole("queries", queries, 1)
    _check_images(x)
    if y.shape != x.shape[:1] or y.dtype != torch.int64:
        raise ValueError(f"y, {tuple(y.shape)} {y.dtype}: it must be ({len(x)},) int64")
    tile = round((_SQUARE_SHARE * x.shape[2] * x.shape[3]) ** 0.5)
    if method in ("square", "autoattack") and tile >= min(x.shape[2:]):
        raise ValueError(
            f"x, {tuple(x.shape)}: the first square of {method!r} is {tile} pixels wide and must "
            "fit inside; use images that are roughly square, with sides of 5 pixels or more"
        )
    with numpy_drawing_from(generator), drawing_from(generator):  # ART draws from both
        if method == "random":
            moved = x + eps * (2 * torch.rand(x.shape).round().to(x) - 1)
        else:
            attacker = _attacker(net, x, method, eps, steps, restarts, queries)
            moved = torch.as_tensor(attacker.generate(x.cpu().numpy(), y.cpu().numpy())).to(x)
    return torch.minimum(torch.maximum(moved, x - eps), x + eps).clamp(0, 1)


def deepfool(net: nn.Module, x: Tensor, *, steps: int = 50) -> Tensor:
    """Nearby images that the network puts in another class than x.

    DeepFool (Moosavi-Dezfooli et al., 2016) steps to the nearest boundary of the linearised
    network until the predicted class changes, so its Euclidean distance from x is an upper bound of
    the smallest one. If ``steps`` are not enough, the class has not changed.

    Args:
        net, x: as in ``attack``.
        steps: the largest number of steps, ≥ 1.

    Returns:
        (n, C, H, W) float32 in [0, 1].

    Raises:
        ValueError: images that are not float32 in [0, 1], or steps below 1.
        ImportError: ART is not installed.

    >>> x = torch.tensor([[[[0.6, 0.4]]]])
    >>> moved = deepfool(nn.Flatten(), x)
    >>> round(float((moved - x).norm()), 3)  # the boundary is where both pixels are equal
    0.141
    """
    steps = check.whole("steps", steps, 1)
    _check_images(x)
    art, classifier = _art(net, x)
    attacker = art.DeepFool(classifier, max_iter=steps, batch_size=_BATCH, verbose=False)
    return torch.as_tensor(attacker.generate(x.cpu().numpy())).to(x)


def corrupt(
    x: Tensor, kind: str, severity: int, generator: torch.Generator | None = None
) -> Tensor:
    """Corrupted images, made with torchvision.

    Args:
        x: (n, C, H, W) float32 in [0, 1].
        kind: one of ``CORRUPTIONS``, which lists the amounts.
        severity: 1, 2 or 3.
        generator: for the noise.

    Returns:
        (n, C, H, W) float32 in [0, 1].

    Raises:
        ValueError: an unknown kind or severity, or images that are not float32 in [0, 1].

    >>> grey = torch.full((1, 1, 8, 8), 0.4)
    >>> corrupt(grey, "brightness", 2).unique().tolist()
    [0.800000011920929]
    """
    check.one_of("kind", kind, CORRUPTIONS)
    amount = CORRUPTIONS[kind][check.whole("severity", severity, 1, 3) - 1]
    _check_images(x)
    from torchvision.transforms.v2 import InterpolationMode
    from torchvision.transforms.v2 import functional as F

    match kind:
        case "noise":
            with drawing_from(generator):
                corrupted = x + amount * torch.randn(x.shape).to(x)
        case "blur":
            corrupted = F.gaussian_blur(x, [3, 3], [amount, amount])
        case "contrast":
            corrupted = F.adjust_contrast(x, amount)
        case "brightness":
            corrupted = F.adjust_brightness(x, amount)
        case "rotation":
            corrupted = torch.empty_like(x)
            for first, angle in ((0, amount), (1, -amount)):
                corrupted[first::2] = F.rotate(x[first::2], angle, InterpolationMode.BILINEAR)
        case _:  # resolution
            size = [max(1, round(amount * side)) for side in x.shape[2:]]
            corrupted = F.resize(F.resize(x, size, antialias=True), list(x.shape[2:]))
    return corrupted.clamp(0, 1)


def _check_images(x: Tensor) -> None:
    if x.ndim != 4 or not len(x) or x.dtype != torch.float32:
        raise ValueError(f"x, {tuple(x.shape)} {x.dtype}: it must be (n, C, H, W) float32, n ≥ 1")
    low, high = float(x.min()), float(x.max())
    if not 0 <= low <= high <= 1:
        raise ValueError(
            f"x, from {low:.3g} to {high:.3g}: pixels must be in [0, 1]; divide by 255?"
        )


def art() -> tuple[Any, Any]:
    """ART's module of attacks, and its class of networks.

    Raises:
        ImportError: ART is not installed.
    """
    from tqdm import TqdmWarning

    with warnings.catch_warnings():  # about widgets for progress bars, which are off
        warnings.simplefilter("ignore", TqdmWarning)
        from art.attacks import evasion
        from art.estimators.classification import PyTorchClassifier

    return evasion, PyTorchClassifier


def _art(net: nn.Module, x: Tensor) -> tuple[Any, Any]:
    """ART's module of attacks, and the network wrapped for them."""
    evasion, wrapped_by = art()
    with torch.no_grad():
        classes = net(x[:1]).shape[1]
    classifier = wrapped_by(
        net,
        nn.CrossEntropyLoss(),
        tuple(x.shape[1:]),
        classes,
        clip_values=(0.0, 1.0),
        device_type="gpu" if x.device.type == "cuda" else "cpu",
    )
    return evasion, classifier


def _attacker(
    net: nn.Module, x: Tensor, method: str, eps: float, steps: int, restarts: int, queries: int
) -> Any:
    """ART's attack of that name."""
    art, classifier = _art(net, x)
    batch: dict[str, Any] = {"eps": eps, "batch_size": _BATCH}
    quiet = batch | {"verbose": False}

    def square() -> Any:
        return art.SquareAttack(
            classifier, max_iter=queries, p_init=_SQUARE_SHARE, nb_restarts=1, **quiet
        )

    def apgd(loss: str) -> Any:
        return art.AutoProjectedGradientDescent(
            classifier,
            eps_step=2 * eps,
            max_iter=steps,
            nb_random_init=restarts,
            loss_type=loss,
            **quiet,
        )

    match method:
        case "fgsm":
            return art.FastGradientMethod(classifier, **batch)
        case "pgd":
            return art.ProjectedGradientDescentPyTorch(
                classifier,
                eps_step=2.5 * eps / steps,
                max_iter=steps,
                num_random_init=restarts,
                **quiet,
            )
        case "square":
            return square()
        case _:  # autoattack
            attacks = [apgd("cross_entropy"), apgd("difference_logits_ratio"), square()]
            return art.AutoAttack(classifier, eps_step=2 * eps, attacks=attacks, **batch)
