"""Recorded runs, read and written, and the statistics of their errors.

    runs = um.results.load("results")
    um.results.summary(runs[runs["profile"] == "quick"])

Records are in ``umixup.experiments.records``, statistics in ``umixup.experiments.statistics``.
"""

from umixup.experiments._reading import FAILED, Contents
from umixup.experiments.paired import over_images, paired, pairs_needed
from umixup.experiments.records import (
    LARGE,
    RecordExistsError,
    check_free,
    contents,
    failures,
    keep,
    load,
    pack,
    read,
    recorded,
    records,
    write,
    write_failure,
)
from umixup.experiments.statistics import (
    by_seed,
    each_once,
    frame,
    half_width,
    runs_needed,
    summary,
    verdicts,
    welch,
)
from umixup.training.config import digest
from umixup.training.environment import environment
from umixup.training.run import SCHEMA

__all__ = ["FAILED", "LARGE", "SCHEMA", "Contents", "RecordExistsError", "digest", "environment"]
__all__ += [
    "check_free",
    "contents",
    "failures",
    "keep",
    "load",
    "pack",
    "read",
    "recorded",
    "records",
    "write",
    "write_failure",
]
__all__ += ["by_seed", "each_once", "frame", "half_width", "summary", "welch"]
__all__ += ["over_images", "paired", "pairs_needed", "runs_needed", "verdicts"]
