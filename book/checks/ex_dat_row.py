import numpy as np
import pandas as pd


def compare_rows(runs, one, other):
    """Two schemes' test errors, their spread over the seeds, and their training losses.

    runs: a frame with a row for each run and the columns "scheme", "seed", "error" (of a test, a
    share from 0 to 1) and "train_losses" (a list, one for each epoch). one, other: two schemes
    that are among its rows, as text. Returns an array of the shape (2, 3), a row for `one` and
    then a row for `other`: the mean test error in per cent; the standard deviation of that error
    from run to run, in points (with n − 1); and the mean of the training losses at the end.
    """
    found = []
    for scheme in (one, other):
        chosen = runs[runs["scheme"] == scheme]
        error = 100 * chosen["error"]
        last = chosen["train_losses"].map(lambda losses: losses[-1])
        found.append([error.mean(), error.std(), last.mean()])
    return np.array(found)


def check(compare_rows):
    rows = [
        ("DAT(B(2,1))", 0, 0.10, [2.0, 1.0, 0.9]),
        ("B(1,1)", 0, 0.04, [3.0, 2.0, 0.6]),
        ("ERM", 0, 0.50, [9.0, 9.0, 9.0]),
        ("DAT(B(2,1))", 1, 0.14, [2.0, 1.0, 0.7]),
        ("B(1,1)", 1, 0.06, [3.0, 1.0, 0.4]),
    ]
    runs = pd.DataFrame(rows, columns=["scheme", "seed", "error", "train_losses"])
    found = np.asarray(compare_rows(runs, "DAT(B(2,1))", "B(1,1)"), dtype=float)
    if found.shape != (2, 3):
        return "The result should have two rows, one for each scheme, with three numbers each."
    turned = np.asarray(compare_rows(runs, "B(1,1)", "DAT(B(2,1))"), dtype=float)
    if not np.allclose(turned[::-1], found):
        return "The rows should be in the order of the arguments. Does a groupby sort them?"
    if not 1 < found[0, 0] < 50:
        return "The errors in the records are shares; the first number should be in per cent."
    if not np.isclose(found[0, 0], 12):
        return "DAT's errors are 10 % and 14 % here. What is their mean, and where is yours?"
    if not np.isclose(found[1, 1], 2**0.5):
        return "MixUp's errors are 4 % and 6 % here. What is their standard deviation, by n − 1?"
    if not np.isclose(found[0, 2], 0.8):
        return "DAT's training losses end at 0.9 and 0.7 here. What is the mean at the end?"
    if not np.allclose(found, [[12, 8**0.5, 0.8], [5, 2**0.5, 0.5]]):
        return "One row is right and the other is not: are only the runs of its scheme taken?"
    return None


def draw(rng):
    schemes = ["U(B(2.2,0.9))", "DAT(B(3.2,0.9))", "ERM"] * 4
    rows = [
        (schemes[k], k // 3, round(rng.uniform(0, 0.2), 3), rng.uniform(0, 2, 3).tolist())
        for k in rng.permutation(len(schemes))
    ]
    runs = pd.DataFrame(rows, columns=["scheme", "seed", "error", "train_losses"])
    return runs, *schemes[:2]


def wrong_sorted(runs, one, other):
    """Has the schemes in the order of the alphabet, as a groupby does.

    Say: which row is which? Look the schemes up by name, in the order that was asked for.
    """
    return compare_rows(runs, *sorted([one, other]))


def wrong_all_epochs(runs, one, other):
    """Averages the training loss over all epochs.

    Say: in the first epochs neither network has learnt much. Take the loss of the last one.
    """
    found = compare_rows(runs, one, other)
    for row, scheme in zip(found, (one, other), strict=True):
        row[2] = np.mean(runs.loc[runs["scheme"] == scheme, "train_losses"].tolist())
    return found


def wrong_spread_by_n(runs, one, other):
    """Takes the standard deviation over n, NumPy's default.

    Say: with few seeds it matters whether one divides by n or by n − 1. Pass ddof=1.
    """
    found = compare_rows(runs, one, other)
    for row, scheme in zip(found, (one, other), strict=True):
        row[1] = np.std(100 * runs.loc[runs["scheme"] == scheme, "error"].to_numpy())
    return found


def wrong_shares(runs, one, other):
    """Leaves the errors as shares.

    Say: 0.05 is 5 %. Multiply by 100, and the spread with it.
    """
    return compare_rows(runs, one, other) * [0.01, 0.01, 1]
