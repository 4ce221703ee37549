"""The config of a run: everything that changes its result.

A config's hash names its record. **A field that is added later goes into** ``_ADDED`` **as well**:
it is hashed only where it differs from its default, so that old records keep their hashes.
"""

from __future__ import annotations

import hashlib
import json
import reprlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from typing import Any

from umixup import _check as check
from umixup import pairs
from umixup.schemes import Kept, parse
from umixup.training import data as datasets

#: A profile fixes the recipe; a config adds data set, scheme, loss and seed. "full" is the paper's
#: recipe; the others are reduced.
PROFILES: dict[str, dict[str, Any]] = {
    "quick": dict(width=8, epochs=20, milestones=(10, 15), crop_padding=1, flip=False),
    "small": dict(width=8, epochs=8, milestones=(5, 7), train_size=6000),
    "full": dict(),
}
_DATA_OF = {"quick": "digits", "small": "fashion-mnist", "full": "fashion-mnist"}
#: The losses that the trainer knows.
TRAINED_LOSSES = ("ce", "nc", "nc-released")
#: What ``um.measures`` can measure on a trained network.
MEASURES = ("attacks", "calibration", "corruptions", "robustness", "scores")
#: How a scheme may differ from pair to pair, by the rules of ``ByPair``.
BY_PAIR = (
    "same",
    "mix_near",
    "mix_far",
    "mix_confused",
    "mix_distinct",
    "slope_near",
    "slope_far",
    "slope_confused",
    "slope_distinct",
)
# All other fields are the recipe. Testing and measuring do not change the training.
_SETTING = ("dataset", "scheme", "loss", "seed", "augment_test", "tested", "measures")
# Fields added after the first records.
_ADDED = ("measures", "subset", "tested", "moves", "by_pair")
_WHOLE = {"width": 1, "epochs": 1, "batch_size": 1, "crop_padding": 0, "seed": 0}


@dataclass(frozen=True)
class Config:
    """Everything that changes a result. The defaults are the paper's recipe.

    Attributes:
        dataset: a name in ``um.data.NAMES``, or ``folder:PATH`` or ``folder:PATH@SIDE``.
        scheme: as ``um.parse`` reads it; kept in its shortest form.
        loss: "ce", or the negative cosine to fixed label vectors: "nc" as in the paper's text,
            "nc-released" as in the authors' code.
        pairing: a name in ``um.pairs.PAIRINGS`` or ``um.pairs.BY_CLASS``.
        lam_per: "sample" or "batch".
        moves: where DAT moves x: "to_partner", or "at_random": as far as to the partner, in a
            uniformly random direction.
        by_pair: how the scheme differs from pair to pair, a name in ``um.training.BY_PAIR``, by
            the rules of ``um.training.ByPair``; "same" is not at all.
        width: of PreActResNet18; 64 in the paper.
        epochs: passes over the training set, ≥ 1.
        batch_size: ≥ 1.
        learning_rate, momentum, weight_decay: of SGD; finite and ≥ 0.
        milestones: epochs after which the learning rate is divided by 10 (by 100 if named twice);
            kept in increasing order. Those from ``epochs`` on have no effect.
        crop_padding: pixels of padding before a random crop; 0 switches crops off.
        flip: mirror each image with probability ½.
        train_size: how many training samples are used; ``None``: all.
        subset: which ones: "first", or "random": drawn by the seed, the same for all schemes.
        label_dim: of the label vectors; ``None`` is the paper's, 300 (700 for CIFAR100).
        augment_test: also test with the training set's crops and flips, as the authors did on
            MNIST and Fashion-MNIST.
        tested: the epochs after which the run is tested: "all", or the "last" ones, those that its
            error averages. On few training images, testing takes longer than training.
        precision: "float32", "bfloat16" (autocast), or "auto": bfloat16 on a GPU only.
        seed: ≥ 0.
        measures: names in ``MEASURES``: what ``um.measures.measure`` measures on the trained
            network. They need cross-entropy. "calibration" fits a temperature on training samples
            that the run does not use, so it needs a ``train_size`` below the data set's.

    Raises:
        TypeError: text or a boolean in place of a number; a scheme that is not text.
        ValueError: another value that is not allowed. The message has the field, its value and
            what is allowed.
    """

    dataset: str = "fashion-mnist"
    scheme: str = "ERM"
    loss: str = "ce"
    pairing: str = "two_copies"
    lam_per: str = "sample"
    width: int = 64
    epochs: int = 200
    batch_size: int = 128
    learning_rate: float = 0.1
    momentum: float = 0.9
    weight_decay: float = 1e-4
    milestones: tuple[int, ...] = (100, 150)
    crop_padding: int = 4
    flip: bool = True
    train_size: int | None = None
    subset: str = "first"
    label_dim: int | None = None
    augment_test: bool = False
    tested: str = "all"
    moves: str = "to_partner"
    by_pair: str = "same"
    precision: str = "auto"
    seed: int = 0
    measures: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        def put(name: str, value: object) -> None:
            object.__setattr__(self, name, value)

        datasets.check_name(self.dataset)
        put("scheme", str(parse(self.scheme)))
        check.one_of("loss", self.loss, TRAINED_LOSSES)
        check.one_of("pairing", self.pairing, [*pairs.PAIRINGS, *pairs.BY_CLASS])
        check.one_of("lam_per", self.lam_per, ("sample", "batch"))
        check.one_of("subset", self.subset, ("first", "random"))
        check.one_of("tested", self.tested, ("all", "last"))
        check.one_of("moves", self.moves, ("to_partner", "at_random"))
        check.one_of("by_pair", self.by_pair, BY_PAIR)
        check.one_of("precision", self.precision, ("auto", "float32", "bfloat16"))
        for name in ("flip", "augment_test"):
            check.one_of(name, getattr(self, name), (True, False))
        for name, least in _WHOLE.items():
            put(name, check.whole(name, getattr(self, name), least))
        for name in ("train_size", "label_dim"):
            if getattr(self, name) is not None:
                put(name, check.whole(name, getattr(self, name), 1))
        for name in ("learning_rate", "momentum", "weight_decay"):
            put(name, check.number(name, getattr(self, name), check.NON_NEGATIVE))
        milestones = _listed("milestones", self.milestones, "whole numbers such as [100, 150]")
        milestones = [check.whole(f"milestones[{k}]", m, 1) for k, m in enumerate(milestones)]
        measures = _listed("measures", self.measures, 'names such as ["calibration"]')
        measures = {check.one_of("measures", m, MEASURES) for m in measures}
        # Order is irrelevant; sort so that equal configs hash alike.
        put("milestones", tuple(sorted(milestones)))
        put("measures", tuple(sorted(measures)))
        self._check_together()

    def _check_together(self) -> None:
        """The rules for several fields at once."""
        if self.loss == "ce" and self.label_dim is not None:
            raise ValueError(f"label_dim = {self.label_dim!r}: cross-entropy has no label vectors")
        if self.moves != "to_partner" and parse(self.scheme).weight != Kept():
            raise ValueError(
                f"moves = {self.moves!r}: {self.scheme} mixes labels with a partner's; "
                "only DAT can move at random"
            )
        if self.by_pair != "same":
            slope_of_dat = "slope" in self.by_pair and parse(self.scheme).weight == Kept()
            if self.scheme == "ERM" or slope_of_dat:
                raise ValueError(f"by_pair = {self.by_pair!r}: it would not change {self.scheme}")
        if self.measures and self.loss != "ce":
            raise ValueError(f"measures = {self.measures!r}: need loss 'ce', not {self.loss!r}")
        if self.subset == "random" and self.train_size is None:
            raise ValueError("subset = 'random': give the train_size")
        if "calibration" in self.measures and self.train_size is None:
            raise ValueError(
                "measures: 'calibration' fits a temperature on training samples that the run does "
                "not use; give a train_size"
            )

    @property
    def averaged_epochs(self) -> int:
        """How many of the last epochs a run's error averages.

        Ten, as in the paper; of fewer than 40 epochs the last quarter, but at least one.
        """
        return max(1, min(10, self.epochs // 4))

    def tests_after(self, epoch: int) -> bool:
        """Whether the run is tested after this epoch, 1 … ``epochs``."""
        return self.tested == "all" or epoch > self.epochs - self.averaged_epochs

    @property
    def profile(self) -> str:
        """The profile with exactly this recipe, or "custom"."""
        for name, recipe in PROFILES.items():
            if Config(**recipe).recipe() == self.recipe():
                return name
        return "custom"

    def recipe(self) -> dict[str, Any]:
        """The fields that a profile fixes."""
        return {name: value for name, value in self.plain().items() if name not in _SETTING}

    def plain(self) -> dict[str, Any]:
        """The fields as plain data; those in ``_ADDED`` only if they differ from their defaults."""
        default = {field.name: field.default for field in fields(self)}
        return {k: v for k, v in asdict(self).items() if k not in _ADDED or v != default[k]}

    def rate(self, epoch: int) -> float:
        """The learning rate in an epoch, 1 … ``epochs``.

        >>> config = Config(epochs=5, milestones=(2, 4))
        >>> [round(config.rate(epoch), 4) for epoch in range(1, 6)]
        [0.1, 0.1, 0.01, 0.01, 0.001]
        """
        return self.learning_rate * 0.1 ** sum(m < epoch for m in self.milestones)

    def to_json(self) -> str:
        """The fields as JSON."""
        return json.dumps(self.plain(), indent=1)

    @classmethod
    def from_json(cls, text: str) -> Config:
        """The config in a JSON text; omitted fields have their defaults.

        Raises:
            ValueError: not a JSON object, an unknown field, or one out of range.

        >>> Config.from_json('{"epochs": 30, "milestones": [20]}').epochs
        30
        """
        known = sorted(field.name for field in fields(cls))
        try:
            values = json.loads(text, object_pairs_hook=unique_keys)
            why = "JSON, but not an object"
        except (ValueError, TypeError, RecursionError) as error:
            values, why = None, f"not JSON: {error}"
        if not isinstance(values, dict):
            raise ValueError(
                f"config = {reprlib.repr(text)} ({why}): it must be a JSON object of fields, as\n"
                '    {"dataset": "digits", "scheme": "B(1,1)", "epochs": 20, "milestones": [10]}\n'
                f"its fields are {', '.join(known)}"
            )
        if unknown := sorted(values.keys() - set(known)):
            raise ValueError(f"config: {unknown} unknown; its fields are {', '.join(known)}")
        return cls(**values)

    def hash(self) -> str:
        """Sixteen hexadecimal digits that change with any field."""
        return digest(self.plain())


def unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """For ``json.loads``: an object as a dict, but an error if it has a key twice."""
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"{max(keys, key=keys.count)!r} is there twice")
    return found


def _listed(name: str, value: object, content: str) -> Iterable[Any]:
    if not isinstance(value, (list, tuple)):
        raise ValueError(f"{name} = {value!r}: it must be a list of {content}; empty is fine")
    return value


def digest(values: dict[str, Any]) -> str:
    """Sixteen hexadecimal digits that change with any of the values."""
    text = json.dumps(values, sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def profile(name: str, **changes: Any) -> Config:
    """The config of a profile ("quick", "small" or "full"), with some fields changed.

    >>> profile("quick", scheme="B(1,1)", seed=3).profile
    'quick'
    >>> profile("quick", width=16).profile
    'custom'
    """
    recipe = PROFILES[check.one_of("profile", name, PROFILES)]
    return Config(**{"dataset": _DATA_OF[name], **recipe, **changes})
