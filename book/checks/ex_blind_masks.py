import numpy as np


def different_pictures(a, b, masks):
    """How many different pictures the masks and their complements make of the pictures a and b.

    a, b: arrays of n pixels. masks: an array with a row for each mask, which has n numbers, 1 where
    the pixel comes from a and 0 where it comes from b; a complement has ones and zeros exchanged.
    Returns a whole number.
    """
    both = np.concatenate([masks, 1 - masks])
    return len(np.unique(both * a + (1 - both) * b, axis=0))


def check(different_pictures):
    masks = np.array([[1, 1, 0, 0], [1, 0, 1, 0]])
    one, other = np.array([5, 6, 7, 8]), np.array([1, 2, 3, 4])
    if different_pictures(one, one, masks) != 1:
        return "A picture mixed with itself stays what it is, whatever the mask: one picture."
    if different_pictures(one, other, masks) != 4:
        return (
            "Two pictures that differ in every pixel, two masks that are no complements of each "
            "other: with the two complements that makes four pictures, and you count otherwise."
        )
    if different_pictures(one, other, np.concatenate([masks, 1 - masks])) != 4:
        return "A mask may be given together with its complement. Pictures count once each."
    corner = np.array([[0, 0, 0, 1], [1, 1, 1, 1], [0, 1, 1, 1]])  # the first pixel is the corner
    one, other = np.array([0, 6, 7, 8]), np.array([0, 2, 3, 4])
    if different_pictures(one, other, corner) != 4:
        return (
            "Of the masks 0001, 1111 and 0111 the last two differ in the first pixel alone, which "
            "is black in both of my pictures. Is that a difference that can be seen?"
        )
    return None


def draw(rng):
    a, b = rng.integers(0, 3, size=(2, 8))  # a third of the pixels agree
    return a, b, rng.integers(0, 2, size=(6, 8))


def wrong_masks_counted(a, b, masks):
    """Counts the different masks and complements, not what one sees of them.

    Say: Two masks can differ and make the same picture. Mix the pictures first, and compare those.
    """
    return len(np.unique(np.concatenate([masks, 1 - masks]), axis=0))


def wrong_complements_forgotten(a, b, masks):
    """Leaves out the complements of the masks.

    Say: What is used when the coin shows tails? Each mask stands for two pictures of a pair.
    """
    return len(np.unique(masks * a + (1 - masks) * b, axis=0))


def wrong_where_they_agree(a, b, masks):
    """Compares the masks on the pixels in which the two pictures agree.

    Say: Change a mask at a pixel in which both pictures are black. Does the mixed picture change?
    """
    both = np.concatenate([masks, 1 - masks])
    return len(np.unique(np.where(a == b, both, 0), axis=0))
