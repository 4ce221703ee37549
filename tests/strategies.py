"""What hypothesis draws: policies, schemes and their texts, configs, records, damaged bytes."""

from __future__ import annotations

import json

from hypothesis import strategies as st

from umixup import pairs, results, schemes, training
from umixup.policies import Beta, Mixture, PointMass, Policy, Uniform
from umixup.schemes import BetaCDF, Logistic

positive = st.one_of(
    st.floats(1e-3, 50), st.integers(1, 9).map(float), st.sampled_from([0.2, 0.5, 0.9, 1.0, 2.2])
)
unit = st.one_of(st.floats(0, 1), st.sampled_from([0.0, -0.0, 0.25, 0.5, 1.0]))


@st.composite
def uniforms(draw: st.DrawFn) -> Uniform:
    low, high = sorted([draw(unit), draw(unit)])
    return Uniform(low, high) if low < high else Uniform(0.0, 1.0)


simple = st.one_of(st.builds(Beta, positive, positive), uniforms(), st.builds(PointMass, unit))


@st.composite
def mixtures(draw: st.DrawFn, parts: st.SearchStrategy[Policy]) -> Mixture:
    policies = draw(st.lists(parts, min_size=1, max_size=5))
    sizes = draw(st.lists(st.floats(1e-3, 1), min_size=len(policies), max_size=len(policies)))
    return Mixture([size / sum(sizes) for size in sizes], policies)


#: Nested mixtures included.
policies = st.recursive(simple, mixtures, max_leaves=6)
weights = st.one_of(st.builds(Logistic, positive), st.builds(BetaCDF, positive, positive))


@st.composite
def all_schemes(draw: st.DrawFn) -> schemes.Scheme:
    policy = draw(policies)
    kind = draw(st.sampled_from(["mixup", "dat", "u", "twin", "umixup"]))
    if kind == "mixup":
        return schemes.Scheme(policy, schemes.Tied())
    if kind == "dat":
        return schemes.dat(policy)
    if kind == "u":
        return schemes.parse(f"U({policy!r})")
    if kind == "twin":
        return schemes.parse(f"Twin({draw(st.floats(0.5, 1))!r},{policy!r})")
    return schemes.umixup(policy, draw(weights))


@st.composite
def configs(draw: st.DrawFn) -> training.Config:
    loss = draw(st.sampled_from(["ce", "nc", "nc-released"]))
    number = st.floats(0, 1)
    return training.Config(
        dataset=draw(st.sampled_from(["digits", "mnist", "digits:validation", "folder:a b@16"])),
        scheme=str(draw(all_schemes())),
        loss=loss,
        pairing=draw(st.sampled_from(sorted([*pairs.PAIRINGS, *pairs.BY_CLASS]))),
        lam_per=draw(st.sampled_from(["sample", "batch"])),
        width=draw(st.integers(1, 99)),
        epochs=draw(st.integers(1, 12)),
        batch_size=draw(st.integers(1, 300)),
        learning_rate=draw(st.one_of(number, st.sampled_from([0, 1, -0.0, 5e-324]))),
        momentum=draw(number),
        weight_decay=draw(number),
        milestones=tuple(draw(st.lists(st.integers(1, 20), max_size=3))),
        crop_padding=draw(st.integers(0, 9)),
        flip=draw(st.booleans()),
        train_size=draw(st.none() | st.integers(1, 9999)),
        label_dim=None if loss == "ce" else draw(st.none() | st.integers(1, 99)),
        augment_test=draw(st.booleans()),
        precision=draw(st.sampled_from(["auto", "float32", "bfloat16"])),
        seed=draw(st.integers(0, 2**64)),
        measures=("corruptions",) if loss == "ce" and draw(st.booleans()) else (),
    )


@st.composite
def records(draw: st.DrawFn) -> dict:
    """Such as a run of a config leaves."""
    config = draw(configs())
    errors = draw(st.lists(st.floats(0, 1), min_size=config.epochs, max_size=config.epochs))
    averaged = max(1, config.epochs // 4)
    return {
        "schema": results.SCHEMA,
        "hash": config.hash(),
        "profile": config.profile,
        "recipe": results.digest(config.recipe()),
        "config": json.loads(config.to_json()),
        "error": sum(errors[-averaged:]) / averaged,
        "augmented_error": 0.5 if config.augment_test else None,
        "averaged_epochs": averaged,
        "test_errors": errors,
        "augmented_test_errors": [0.5] * config.epochs * config.augment_test,
        "train_losses": [1.0] * config.epochs,
        "seconds": 1.0,
        "data": "f00d",
        "sittings": [{"date": "2026-01-02T00:00:00+00:00", "device": "cpu"}],
        **({"measured": {"corruptions": {"mean": 0.5}}} if config.measures else {}),
    }


#: Anything that a JSON text can hold, and what Python's reader takes besides.
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=5), inside),
    max_leaves=5,
)


@st.composite
def damaged(draw: st.DrawFn, content: bytes) -> bytes:
    """Other bytes: some flipped, cut off, doubled or added."""
    kind = draw(st.sampled_from(["flip", "flips", "cut", "append", "zero", "drop"]))
    at = draw(st.integers(0, len(content) - 1))
    if kind == "cut":
        return content[:at]
    if kind == "append":
        return content + draw(st.binary(min_size=1, max_size=50))
    if kind == "drop":
        return content[:at] + content[at + 1 :]
    changed = bytearray(content)
    if kind == "zero":
        changed[at : at + 512] = bytes(len(changed[at : at + 512]))
        return bytes(changed)
    for place in [at, *draw(st.lists(st.integers(0, len(content) - 1), max_size=9))]:
        changed[place] ^= 1 << draw(st.integers(0, 7))
        if kind == "flip":
            break
    return bytes(changed)
