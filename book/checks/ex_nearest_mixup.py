import numpy as np

import umixup as um


def nearest_on_grid(scheme, grid):
    """The MixUp policy B(a, a) on a grid of a that is nearest to a scheme, and how near it is.

    scheme: a text such as "U(B(2.2,0.9))". grid: an array of values of a. The distance is that of
    the chapter, of the two DAT policies. Returns the pair (a, distance).
    """
    apart = [um.equivalence.distance(scheme, um.mixup(float(a))) for a in grid]
    k = int(np.argmin(apart))
    return float(grid[k]), apart[k]


def agree(got, wanted):
    try:
        got = np.asarray(got, dtype=float)
    except (TypeError, ValueError):
        return False
    return got.shape == (2,) and np.allclose(got, wanted, atol=1e-3)


def check(nearest_on_grid):
    grid = np.array([0.2, 0.3, 0.4, 0.5])
    for scheme, a in (("B(0.3,0.3)", 0.3), ("DAT(B(1.4,0.4))", 0.4)):
        found = np.asarray(nearest_on_grid(scheme, grid), dtype=float)
        if found.shape != (2,):
            return "The result should be two numbers, a and the distance."
        if not np.allclose(found, [a, 0], atol=1e-3):
            return (
                f"{scheme} is a twin of MixUp({a}), which is on the grid, so the distance is 0. "
                f"You find a = {found[0]:g} at the distance {found[1]:.3f}."
            )
    for scheme in ("U(B(1.6,0.4))", "U(B(2,0.6))"):
        a, apart = nearest_on_grid(scheme, grid)
        if a not in grid:
            return f"For {scheme} you find a = {a}, which is not on the grid."
        if abs(um.equivalence.distance(scheme, um.mixup(float(a))) - apart) > 1e-3:
            return (
                f"Your distance between {scheme} and MixUp({a:g}) is not that of their DAT "
                "policies, as um.equivalence.distance has it."
            )
        if any(um.equivalence.distance(scheme, um.mixup(b)) < apart - 1e-3 for b in grid):
            return f"There is an a on the grid that is nearer to {scheme} than {a:g}."
    return None


def draw(rng):
    alpha, beta = rng.uniform(0.8, 2), rng.uniform(0.2, 0.7)
    return f"U(B({alpha:.2f},{beta:.2f}))", np.arange(2, 12, 2) / 10


def wrong_beta_read_off(scheme, grid):
    """Takes β of the DAT policy B(α, β) for a, as if it were on MixUp's line.

    Say: MixUp(a) is at (a + 1, a). A scheme off that line has no a of its own; measure distances.
    """
    a = float(grid[np.argmin(np.abs(grid - um.D(um.parse(scheme)).beta))])
    return a, um.equivalence.distance(scheme, um.mixup(a))


def wrong_equal_move(scheme, grid):
    """Takes the MixUp that moves samples equally far on average.

    Say: Policies of one mean can differ in shape, and the distance sees the shape, too.
    """
    move = float(1 - um.D(um.parse(scheme)).mean)
    a = float(grid[np.argmin(np.abs(grid - move / (1 - 2 * move)))])
    return a, um.equivalence.distance(scheme, um.mixup(a))


def wrong_policies_compared(scheme, grid):
    """Compares the policies from which λ is drawn, and not the DAT policies.

    Say: What the network sees depends on the label's weight as well. Which policy has both in it?
    """
    policy = um.dat(um.parse(scheme).policy)
    betas = [um.dat(um.policies.Beta(float(a), float(a))) for a in grid]
    apart = [um.equivalence.distance(policy, b) for b in betas]
    k = int(np.argmin(apart))
    return float(grid[k]), apart[k]
