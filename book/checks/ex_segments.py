import numpy as np
import torch


def segment_distance(a, b, c, d):
    """The smallest distance between the segments [a, b] and [c, d], over the length of [a, b].

    a, b, c, d: tensors, (Q, P), one segment's end in each row. Returns a tensor, (Q,), right to a
    hundredth.
    """
    u, v, w = a - b, c - d, b - d  # the points are w + s u − t v apart
    uu, vv, uv, uw, vw = ((x * y).sum(dim=1) for x, y in ((u, u), (v, v), (u, v), (u, w), (v, w)))
    det = (uu * vv - uv**2).clamp(min=1e-12)  # 0 for parallel segments
    s = ((uv * vw - vv * uw) / det).clamp(0, 1)
    t = ((uv * s + vw) / vv).clamp(0, 1)
    s = ((uv * t - uw) / uu).clamp(0, 1)
    return (w + s[:, None] * u - t[:, None] * v).norm(dim=1) / uu.sqrt()


def check(segment_distance):
    ends = torch.tensor(
        [
            [[0, 0], [2, 0], [1, -1], [1, 1]],  # they cross
            [[0, 0], [4, 0], [1, -1], [1, 1]],  # they cross, at different ratios
            [[0, 0], [2, 0], [1, 1], [1, 3]],  # one points at the other
            [[0, 0], [2, 0], [5, 4], [8, 4]],  # nearest at two ends
        ],
        dtype=torch.float64,
    )
    a, b, c, d = ends.unbind(dim=1)
    found = np.asarray(segment_distance(a, b, c, d), dtype=float)
    if found.shape != (4,):
        return f"Four quadruples have four distances; the shape of your result is {found.shape}."
    if not abs(found[0]) < 0.01:
        return "From (0, 0) to (2, 0) and from (1, −1) to (1, 1): these cross, and yours do not."
    if not abs(found[1]) < 0.01:
        return "Two segments may meet at different ratios: does your search let both ratios vary?"
    if not abs(found[2] - 0.5) < 0.01:
        return (
            "From (0, 0) to (2, 0) and from (1, 1) to (1, 3) the distance is 1, half of the first"
            " segment's length: look at the unit, and at where the second segment stops."
        )
    if not abs(found[3] - 2.5) < 0.01:
        return (
            "If segments are nearest at two of their ends, your distance is not that of the ends."
        )
    turned = np.asarray(segment_distance(b, a, d, c), dtype=float)
    if not np.allclose(found, turned, atol=0.01):
        return "A segment read from its other end is the same segment; yours has another distance."
    return None


def draw(rng):
    return tuple(torch.from_numpy(rng.normal(size=(3, 4))) for _ in range(4))


def agree(got, wanted):
    got, wanted = np.asarray(got, dtype=float), np.asarray(wanted, dtype=float)
    return got.shape == wanted.shape and bool((abs(got - wanted) <= 0.01).all())


def wrong_one_ratio(a, b, c, d):
    """Takes the same ratio on both segments.

    Say: mixed images of two pairs have each a λ of their own. Search over both.
    """
    lam = torch.linspace(0, 1, 401, dtype=a.dtype)[:, None, None]
    apart = (lam * a + (1 - lam) * b - lam * c - (1 - lam) * d).norm(dim=2)
    return apart.min(dim=0).values / (a - b).norm(dim=1)


def wrong_unit(a, b, c, d):
    """Does not divide by the distance between a and b.

    Say: twice as large an image should give the same number. Does yours?
    """
    return segment_distance(a, b, c, d) * (a - b).norm(dim=1)


def wrong_ends_alone(a, b, c, d):
    """Compares the ends of the segments, and none of the points between.

    Say: two segments can cross though all four ends are far apart. Which points do you compare?
    """
    apart = [(one - other).norm(dim=1) for one in (a, b) for other in (c, d)]
    return torch.stack(apart).min(dim=0).values / (a - b).norm(dim=1)


def wrong_lines(a, b, c, d):
    """Finds the distance of the two lines, which go on beyond the ends of the segments.

    Say: λ stays between 0 and 1. Where is your nearest point?
    """
    far = 50
    stretched = b + far * (a - b), a + far * (b - a), d + far * (c - d), c + far * (d - c)
    return segment_distance(*stretched) * (2 * far - 1)
