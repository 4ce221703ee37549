"""The trainer: one config in, one run out.

    config = profile("quick", scheme="U(B(2.2,0.9))", seed=1)
    run = train(config)
    run.error, run.record()

A config says all that changes the result; equal configs give equal runs.
"""

from umixup.training.by_pair import ByPair
from umixup.training.config import BY_PAIR, MEASURES, PROFILES, TRAINED_LOSSES, Config, profile
from umixup.training.run import Run, train
from umixup.training.timing import Estimate, estimate
from umixup.training.trainer import Trainer, new_label_vectors, new_model

__all__ = [
    "BY_PAIR",
    "MEASURES",
    "PROFILES",
    "TRAINED_LOSSES",
    "ByPair",
    "Config",
    "Estimate",
    "Run",
    "Trainer",
    "estimate",
    "new_label_vectors",
    "new_model",
    "profile",
    "train",
]
