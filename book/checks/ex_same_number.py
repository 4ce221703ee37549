import numpy as np


def agreeing_couples(generators, bits):
    """How many couples of generators get the same number, on average, of so many bits.

    generators: how many there are, a whole number. bits: of each one's number; all numbers of so
    many bits are equally likely, and those of two generators independent. Returns the mean number
    of couples, where a couple is two different generators in no order.
    """
    return generators * (generators - 1) / 2 / 2.0**bits


def check(agreeing_couples):
    def couples(*case):
        return np.asarray(agreeing_couples(*case), dtype=float)

    if couples(30, 5).shape != () or not np.isfinite(couples(30, 5)):
        return "The result should be one number, a mean."
    if not np.isclose(couples(1, 8), 0):
        return "A generator by itself makes no couple."
    if not np.isclose(couples(2, 1), 0.5):
        return "Two generators with one bit each agree half of the time. What do you get?"
    if couples(1000, 4) <= 1:
        return "A mean number of couples is no probability: with many generators it passes 1."
    numbers = np.random.default_rng(0).integers(32, size=(20_000, 30))
    counts = np.stack([(numbers == k).sum(axis=1) for k in range(32)], axis=1)
    simulated = (counts * (counts - 1) / 2).sum(axis=1)
    if abs(couples(30, 5) - simulated.mean()) > 6 * simulated.std() / len(simulated) ** 0.5:
        return (
            f"Thirty generators with 5 bits: a simulation has {simulated.mean():.1f} couples on "
            f"average. How many couples are there, and how likely is each to agree?"
        )
    return None


def draw(rng):
    return int(rng.integers(10, 1000)), int(rng.integers(3, 64))


def wrong_generators_only(generators, bits):
    """Divides the number of generators, not of couples, by the number of values.

    Say: not one number has to be met, but any two of them. How many couples can agree?
    """
    return generators / 2.0**bits


def wrong_ordered(generators, bits):
    """Counts each couple twice.

    Say: that the first agrees with the second and the second with the first is one event.
    """
    return generators * (generators - 1) / 2.0**bits


def wrong_with_itself(generators, bits):
    """Takes N²/2 couples, and so pairs each generator with itself.

    Say: for a large N this is nearly right. Try it with one generator.
    """
    return generators**2 / 2 / 2.0**bits


def wrong_chance(generators, bits):
    """Gives the chance that any couple agrees, and not the mean number of couples.

    Say: the chance is below the mean number, and near it when that is small. The mean is asked.
    """
    return -np.expm1(-generators * (generators - 1) / 2 / 2.0**bits)
