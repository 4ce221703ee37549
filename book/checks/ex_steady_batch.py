import numpy as np


def steady_losses(lam):
    """The DAT losses of your two pairs when they share a ratio, for each of several ratios.

    Your network and your loss compute them. lam: an array of n ratios from 0 to 1. Returns an
    array of shape (2, n): a row for each pair.
    """
    lam = np.asarray(lam)
    return np.stack([-lam, lam - 1])


def agree(got, wanted):
    return _problem(got, np.shape(wanted)) is None  # every steady batch is right


def _problem(losses, shape):
    try:
        losses = np.asarray(losses, dtype=float)
    except (TypeError, ValueError):
        losses = np.array(np.nan)
    if losses.shape != shape:
        return f"The result should have the shape {shape}, and yours has {losses.shape}."
    if not np.isfinite(losses).all():
        return "Some of your losses are no numbers."
    moves = np.ptp(losses, axis=1)
    if moves.min() < 1e-3:
        return f"The loss of each pair should move with λ; pair {moves.argmin() + 1} stays put."
    left = np.ptp(losses.mean(axis=0))
    if left > 1e-5 * moves.max():
        return (
            f"The mean loss of the batch should be the same at every λ; yours moves by {left:.3g}."
        )
    return None


def check(steady_losses):
    lam = np.linspace(0, 1, 11)
    losses = steady_losses(lam)
    problem = _problem(losses, (2, 11))
    if problem is None and not np.allclose(steady_losses(lam[:3]), np.asarray(losses)[:, :3]):
        return "A loss at one ratio should not depend on which other ratios you are asked for."
    return problem


def draw(rng):
    return (np.sort(rng.uniform(0, 1, size=7)),)


def wrong_pair_and_mirror(lam):
    """Takes a pair and its mirror, whose losses rise and fall together.

    Say: With a common ratio both samples come home at λ = 1. One loss should rise where the other
    falls: which two points may a pair join?
    """
    return np.stack([-np.asarray(lam)] * 2)


def wrong_loss_that_bends(lam):
    """Lets the second loss fall along another curve than the first one rises.

    Say: The mean is the same at both ends, but look at the middle. Is your loss linear in the
    output, and your network linear along the segment?
    """
    lam = np.asarray(lam)
    return np.stack([-lam, -((1 - lam) ** 2)])


def wrong_nothing_moves(lam):
    """Takes pairs along which the network does not change.

    Say: Then each pair's own loss does not move, and κ is 0 over 0. Let each of them move.
    """
    return np.stack([0 * np.asarray(lam), 0 * np.asarray(lam) - 1])
