import numpy as np
import torch


def own_pgd(model, x, y, eps, steps):
    """Images that PGD makes in pixel units, from the images themselves.

    model: takes images to logits. x: images with pixels from 0 to 1, a tensor (n, channels,
    height, width). y: n classes, as integers. eps: how far a pixel may move. steps: how many
    steps, each of them 2.5 ε / steps along the sign of the gradient of the cross-entropy. Returns
    images, a tensor like x: within ε of x, and with pixels from 0 to 1, after each step.
    """
    moved = x
    for _ in range(steps):
        moved = moved.detach().requires_grad_()
        loss = torch.nn.functional.cross_entropy(model(moved), y, reduction="sum")
        uphill = torch.autograd.grad(loss, moved)[0].sign()
        moved = moved.detach() + 2.5 * eps / steps * uphill
        moved = torch.minimum(torch.maximum(moved, x - eps), x + eps).clamp(0, 1)
    return moved


def small_network(generator):
    wide, narrow = torch.nn.Linear(16, 12), torch.nn.Linear(12, 3)
    model = torch.nn.Sequential(torch.nn.Flatten(), wide, torch.nn.Tanh(), narrow)
    model = model.double().requires_grad_(False)
    for weights in model.parameters():
        weights.copy_(0.5 * torch.randn(weights.shape, generator=generator))
    return model


def check(own_pgd):
    generator = torch.Generator().manual_seed(0)
    model, y = small_network(generator), torch.arange(20) % 3
    x = torch.rand(20, 1, 4, 4, generator=generator).double()
    loss = torch.nn.functional.cross_entropy
    moved = own_pgd(model, x, y, 0.2, 10)
    if np.shape(moved) != np.shape(x):
        return f"The images have the shape {np.shape(x)}, and what comes back {np.shape(moved)}."
    moved = torch.as_tensor(moved)
    if moved.min() < 0 or moved.max() > 1:
        return "Some pixel is below 0 or above 1, which no image has."
    if (moved - x).abs().max() > 0.2 + 1e-9:
        return "Some pixel moved by more than ε: after each step go back to the box around x."
    if not torch.equal(own_pgd(model, x, y, 0.2, 10), moved):
        return "Two calls give different images, though PGD starts at the image itself."
    if loss(model(moved), y) < loss(model(x), y):
        return (
            "The loss of your images is below that of the images as they were. Which way is uphill?"
        )
    grey = torch.full((20, 1, 4, 4), 0.5).double()
    step = (own_pgd(model, grey, y, 0.2, 10) - grey).abs()
    if not torch.isclose(step / 0.05, (step / 0.05).round(), atol=1e-6).all():
        return (
            "Each of ten steps moves a pixel by 0.05 up or down, for ε = 0.2, or to the box's edge."
        )
    one = loss(model(grey + 0.02 * (own_pgd(model, grey, y, 0.02, 1) - grey).sign()), y)
    many = loss(model(own_pgd(model, grey, y, 0.02, 10)), y)
    if many < one - 1e-3:
        return "For a small ε ten steps should do about as well as one: is each gradient a new one?"
    return None


def draw(rng):
    generator = torch.Generator().manual_seed(int(rng.integers(10**6)))
    x = torch.rand(6, 1, 4, 4, generator=generator).double()
    y = torch.randint(3, (6,), generator=generator)
    return small_network(generator), x, y, rng.uniform(0.05, 0.3), int(rng.integers(5, 12))


def wrong_no_images(model, x, y, eps, steps):
    """Stays in the box, but leaves the range of pixels.

    Say: A pixel of −0.1 is darker than black. After the box, go back to 0 to 1.
    """
    moved = x
    for _ in range(steps):
        moved = moved.detach().requires_grad_()
        loss = torch.nn.functional.cross_entropy(model(moved), y, reduction="sum")
        uphill = torch.autograd.grad(loss, moved)[0].sign()
        moved = moved.detach() + 2.5 * eps / steps * uphill
        moved = torch.minimum(torch.maximum(moved, x - eps), x + eps)
    return moved


def wrong_box_around_the_last(model, x, y, eps, steps):
    """Keeps each step within ε of the step before, so that the whole move is longer than ε.

    Say: The box is the one around the image that you began with. Do you keep it?
    """
    moved = x
    for _ in range(steps):
        moved = moved.detach().requires_grad_()
        loss = torch.nn.functional.cross_entropy(model(moved), y, reduction="sum")
        uphill = torch.autograd.grad(loss, moved)[0].sign()
        moved = (moved.detach() + 2.5 * eps / steps * uphill).clamp(0, 1)
    return moved


def wrong_downhill(model, x, y, eps, steps):
    """Walks downhill, and helps the network.

    Say: An attacker wants a large loss. Is the step added or subtracted?
    """
    moved = x
    for _ in range(steps):
        moved = moved.detach().requires_grad_()
        loss = torch.nn.functional.cross_entropy(model(moved), y, reduction="sum")
        uphill = torch.autograd.grad(loss, moved)[0].sign()
        moved = moved.detach() - 2.5 * eps / steps * uphill
        moved = torch.minimum(torch.maximum(moved, x - eps), x + eps).clamp(0, 1)
    return moved


def wrong_gradient_at_the_start(model, x, y, eps, steps):
    """Takes the gradient at the image once, and walks along its sign: one step in many parts.

    Say: The loss bends. Take the gradient at the place that you have reached, in each step.
    """
    start = x.clone().requires_grad_()
    loss = torch.nn.functional.cross_entropy(model(start), y, reduction="sum")
    uphill = torch.autograd.grad(loss, start)[0].sign()
    return (x + eps * uphill + 0 * steps).clamp(0, 1)


def wrong_gradient_without_sign(model, x, y, eps, steps):
    """Steps along the gradient itself, not along its sign.

    Say: In the box each pixel may use its whole ε, however small its gradient is.
    """
    moved = x
    for _ in range(steps):
        moved = moved.detach().requires_grad_()
        loss = torch.nn.functional.cross_entropy(model(moved), y, reduction="sum")
        uphill = torch.autograd.grad(loss, moved)[0]
        moved = moved.detach() + 2.5 * eps / steps * uphill
        moved = torch.minimum(torch.maximum(moved, x - eps), x + eps).clamp(0, 1)
    return moved
