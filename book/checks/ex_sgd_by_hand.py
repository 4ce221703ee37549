import numpy as np
import torch


def sgd_step(weights, velocity, gradient, rate, momentum, decay):
    """One step of SGD with momentum and weight decay, as torch.optim.SGD takes it.

    weights, velocity, gradient: arrays of one shape. The velocity is the optimiser's memory, 0
    before the first step; the gradient is that of the loss alone. rate: the learning rate.
    momentum: 0.9, for example. decay: the weight decay ω. Returns the new weights and the new
    velocity, two arrays. The arrays that are passed stay as they are.
    """
    velocity = momentum * velocity + (gradient + decay * weights)
    return weights - rate * velocity, velocity


def check(sgd_step):
    rng = np.random.default_rng(0)
    start, gradients = rng.normal(size=3), rng.normal(size=(5, 3))

    def miss(momentum, decay):
        """The first step in which the weights are not the library's."""
        theirs = torch.tensor(start.copy(), requires_grad=True)
        sgd = torch.optim.SGD([theirs], 0.1, momentum=momentum, weight_decay=decay)
        w, v = start.copy(), np.zeros(3)
        for step, gradient in enumerate(gradients, 1):
            theirs.grad = torch.tensor(gradient)
            sgd.param_groups[0]["lr"] = rate = 0.1 if step < 4 else 0.01
            sgd.step()
            w, v = sgd_step(w, v, gradient, rate, momentum, decay)
            if np.shape(w) != (3,) or not np.allclose(w, theirs.detach().numpy(), atol=1e-12):
                return step
        return None

    kept = start.copy()
    found = sgd_step(kept, np.zeros(3), gradients[0], 0.1, 0.9, 0.01)
    if not isinstance(found, tuple | list | np.ndarray) or len(found) != 2:
        return "The result should be two arrays, the new weights and the new velocity."
    if any(np.shape(part) != (3,) for part in found):
        return "The new weights and the new velocity should have the shape of the weights."
    if not np.array_equal(kept, start):
        return "The weights that were passed have changed: make new arrays, and no += on the old."
    if miss(0.0, 0.0):
        return "Without momentum and weight decay a step is the rate times the gradient, downhill."
    if step := miss(0.9, 0.0):
        if step < 4:
            return f"With momentum, step {step} is not the library's: which velocity is used?"
        return "With momentum it is right until the rate falls: what does the velocity remember?"
    if step := miss(0.0, 0.01):
        return f"With weight decay alone, step {step} is not the library's."
    if step := miss(0.9, 0.01):
        return (
            f"Momentum and weight decay are right apart; together, step {step} is not the "
            "library's. Does the velocity remember the decay, too?"
        )
    return None


def draw(rng):
    arrays = rng.normal(size=(3, 4))
    return *arrays, rng.uniform(0.01, 0.3), 0.9, rng.uniform(0.001, 0.1)


def wrong_decay_apart(weights, velocity, gradient, rate, momentum, decay):
    """Takes the decay off the weights after the momentum, as AdamW does.

    Say: in torch.optim.SGD the decay is part of the gradient, so the velocity remembers it.
    """
    velocity = momentum * velocity + gradient
    return weights - rate * (velocity + decay * weights), velocity


def wrong_dampened(weights, velocity, gradient, rate, momentum, decay):
    """Averages old velocity and new gradient, with the weights 0.9 and 0.1.

    Say: the library adds the whole new gradient; its option `dampening` is 0 by default.
    """
    velocity = momentum * velocity + (1 - momentum) * (gradient + decay * weights)
    return weights - rate * velocity, velocity


def wrong_old_velocity(weights, velocity, gradient, rate, momentum, decay):
    """Steps along the velocity from before this gradient.

    Say: in the first step the velocity is 0. Do the weights move, and does the library's?
    """
    return weights - rate * velocity, momentum * velocity + gradient + decay * weights


def wrong_rate_remembered(weights, velocity, gradient, rate, momentum, decay):
    """Puts the rate into the velocity, so that steps after a fall of the rate are too large.

    Say: at a constant rate this is the same. Let the rate fall, and see what is remembered.
    """
    velocity = momentum * velocity + rate * (gradient + decay * weights)
    return weights - velocity, velocity
