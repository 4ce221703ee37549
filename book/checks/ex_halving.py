import numpy as np


def halving(errors):
    """Successive halving: the setting that is left, the runs that it took, and the seeds.

    errors: an array of the shape (seeds, settings), its seeds in the order in which they are
    used. Every setting that is still in gets one more seed; then the better half, rounded up,
    stays in, by the mean over all seeds used so far. It ends when one setting is left, or when
    the seeds are used up: then the best of those still in is taken. Returns three whole numbers:
    the setting's column, how many runs were looked at, and how many seeds were used.
    """
    alive, runs, used = np.arange(errors.shape[1]), 0, 0
    while len(alive) > 1 and used < len(errors):
        used, runs = used + 1, runs + len(alive)
        means = errors[:used, alive].mean(axis=0)
        alive = alive[means.argsort(kind="stable")[: (len(alive) + 1) // 2]]
    return int(alive[0]), runs, used


def check(halving):
    errors = np.array(
        [
            [5.0, 1.0, 3.0, 2.0, 9.0],
            [9.0, 8.0, 4.0, 3.0, 0.0],
            [9.0, 0.0, 4.0, 5.5, 0.0],
            [0.0, 9.0, 9.0, 9.0, 0.0],
        ]
    )
    found = halving(errors.copy())
    if np.shape(found) != (3,):
        return "The result should be three whole numbers: the setting, the runs, the seeds."
    setting, runs, used = found
    if setting not in range(5):
        return "The setting that is left should be given by its column, from 0 on."
    if errors[0, setting] > 3:
        return "A setting that is out after its first seed has won in the end. Or is lower worse?"
    if tuple(found[1:]) != (10, 3):
        return (
            f"Five settings, then three, then two take ten runs of three seeds; you have {runs} "
            f"runs and {used} seeds."
        )
    if setting == 2:
        return "The last seed alone has decided: take the mean over all seeds used so far."
    if setting != 3:
        return "Setting 3 should be left. Print those still in, and their means, after each seed."
    short = halving(errors[:2])
    if tuple(short) != (3, 8, 2):
        return "With two seeds only, the best of those still in should be taken after eight runs."
    return None


def draw(rng):
    settings = int(rng.integers(6, 20))
    return ((2 + rng.normal(size=settings) + rng.normal(size=(6, settings))).round(3),)


def wrong_last_seed(errors):
    """Judges each round by its newest seed alone.

    Say: the earlier seeds were paid for. Take the mean over all seeds used so far.
    """
    alive, runs, used = np.arange(errors.shape[1]), 0, 0
    while len(alive) > 1 and used < len(errors):
        runs += len(alive)
        order = errors[used, alive].argsort(kind="stable")
        alive, used = alive[order[: (len(alive) + 1) // 2]], used + 1
    return int(alive[0]), runs, used


def wrong_worse_half(errors):
    """Keeps the half with the higher errors.

    Say: these are errors, and the better half has the lower ones.
    """
    return halving(-errors)


def wrong_place_among_the_rest(errors):
    """Gives the winner's place among those still in, not its column.

    Say: which setting is number 0 of those still in? Carry the columns along.
    """
    return 0, *halving(errors)[1:]


def wrong_all_runs(errors):
    """Counts runs of settings that are out as well.

    Say: a setting that is out gets no more seeds. That is what halving saves.
    """
    setting, _, used = halving(errors)
    return setting, errors.shape[1] * used, used
