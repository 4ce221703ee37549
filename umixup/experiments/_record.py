"""What a record must be: a text is judged when it is read, and what is wrong is named."""

from __future__ import annotations

import json
import math
from datetime import datetime
from functools import lru_cache
from typing import Any

import torch

from umixup import _check as check
from umixup.training.config import Config, digest, unique_keys
from umixup.training.outcomes import unpack
from umixup.training.run import SCHEMA

_SLACK = 1e-6  # of errors that were means in float32
#: What ``parsed`` raises for a text that is not a record.
NOT_A_RECORD = (ValueError, LookupError, TypeError)


class NewerSchemaError(ValueError):
    """A record that a newer version of umixup wrote.

    Attributes:
        hash: of its config, as the record has it.
    """

    def __init__(self, record: dict[str, Any]) -> None:
        self.hash = str(record.get("hash"))
        super().__init__(
            f"schema {record['schema']}, but this version of umixup knows {SCHEMA}; a newer "
            "version wrote the record"
        )


def parsed(text: bytes) -> dict[str, Any]:
    """The record in a JSON text.

    Raises:
        NewerSchemaError: it has a schema from the future.
        ValueError, LookupError, TypeError: it is not a record, or a value is impossible.
    """
    try:
        record = json.loads(text, object_pairs_hook=unique_keys, parse_constant=_not_finite)
    except RecursionError:
        raise ValueError("nested too deeply for a record") from None
    if not isinstance(record, dict):
        raise ValueError("JSON, but not an object")
    schema = check.whole("schema", record["schema"])
    if schema > SCHEMA:
        raise NewerSchemaError(record)
    if schema < SCHEMA:
        raise ValueError(f"schema {schema} instead of {SCHEMA}")
    _judge(record)
    return record


def _not_finite(token: str) -> float:
    raise ValueError(f"{token} is not a number that a record may have")


def _judge(record: dict[str, Any]) -> None:
    """Raise an error if a value of the record is impossible, or does not fit its config."""
    config = record["config"]
    if digest(config) != record["hash"]:
        raise ValueError(f"hash {record['hash']!r} is not that of its config")
    for name in ("dataset", "loss", "scheme"):
        check.text(name, config[name])
    check.whole("seed", config["seed"], 0)
    plain, derived, epochs = _derived(json.dumps({**config, "seed": 0}))
    if not plain:
        raise ValueError("its config is not in the form that this umixup writes")
    for name, value in derived.items():
        if record[name] != value:
            raise ValueError(f"{name} {record[name]!r} is not that of its config")
    check.text("data", record["data"])
    if not isinstance(record["sittings"], list):
        raise TypeError(f"sittings = {record['sittings']!r:.50}: it must be a list")
    for session in record["sittings"]:
        datetime.fromisoformat(session["date"])
    begun(record)
    check.number("seconds", record["seconds"], check.NON_NEGATIVE)
    averaged = check.whole("averaged_epochs", record["averaged_epochs"], 1, epochs)
    tested = averaged if config.get("tested") == "last" else epochs
    _judge_list("train_losses", record["train_losses"], epochs, check.FINITE)
    _judge_list("test_errors", record["test_errors"], tested, check.UNIT)
    last = record["test_errors"][-averaged:]
    _judge_mean("error", record["error"], last)
    if "outcomes" in record:
        means = unpack(record["outcomes"]).double().mean(dim=1)
        if len(means) != len(last) or (means - torch.tensor(last)).abs().max() > _SLACK:
            raise ValueError("outcomes: they are not those of the last test errors")
    augmented = record["augmented_test_errors"]
    if config["augment_test"]:
        _judge_list("augmented_test_errors", augmented, tested, check.UNIT)
        _judge_mean("augmented_error", record["augmented_error"], augmented[-averaged:])
    elif augmented or record["augmented_error"] is not None:
        raise ValueError("augmented_error: its config does not test on augmented images")
    measured = record.get("measured", {})
    if not isinstance(measured, dict) or not all(isinstance(v, dict) for v in measured.values()):
        raise TypeError(f"measured = {measured!r:.50}: it must be a dict of dicts")
    for measure, found in measured.items():
        for name, value in found.items():
            if isinstance(value, (int, float)):
                check.number(f"{measure}.{name}", value)


def _judge_list(name: str, values: object, length: int, allowed: check.Range) -> None:
    if not isinstance(values, list) or len(values) != length:
        raise ValueError(f"{name}: it must be a list of {length} numbers, one for each epoch")
    # Once for the ends rather than for each value: there may be thousands, and NaN is not read.
    kinds = {type(value): value for value in values}
    for value in (*kinds.values(), min(values, default=0), max(values, default=0)):
        check.number(name, value, allowed)


def _judge_mean(name: str, value: object, errors: list[float]) -> None:
    mean = sum(errors) / len(errors)
    if not math.isclose(check.number(name, value, check.UNIT), mean, rel_tol=1e-9, abs_tol=1e-12):
        raise ValueError(
            f"{name} = {value!r}: the mean of the last {len(errors)} epochs is {mean!r}"
        )


@lru_cache(maxsize=1024)
def _derived(config: str) -> tuple[bool, dict[str, str], int]:
    """Whether a config is in its plain form; what else a record says of it; its number of epochs.

    Raises:
        ValueError, TypeError: it is not valid.
    """
    found = Config.from_json(config)
    said = {"recipe": digest(found.recipe()), "profile": found.profile}
    return digest(json.loads(config)) == found.hash(), said, found.epochs


def row(record: dict[str, Any]) -> dict[str, Any]:
    """A record as a row of ``um.results.load``: config, results, and each measure's numbers."""
    # The config has the last word on its fields, whatever else the record has.
    config = record["config"]
    values = {**config, **record, **config, "error": float(record["error"])}
    for name in ("config", "measures", "measured", "outcomes"):
        values.pop(name, None)
    values["arithmetic"] = arithmetic(record)
    for measure, found in record.get("measured", {}).items():
        numbers = {name: v for name, v in found.items() if isinstance(v, (int, float))}
        values |= {f"{measure}.{name}": value for name, value in numbers.items()}
    return values


def arithmetic(record: dict[str, Any]) -> str:
    """What a run was trained in: "float32", "bfloat16", or both, if it moved between machines."""
    asked = record["config"].get("precision", "auto")
    if asked != "auto":
        return str(asked)
    if all("precision" in session for session in record["sittings"]):
        return ", ".join(sorted({str(session["precision"]) for session in record["sittings"]}))
    # Older records do not say it. "auto" is bfloat16 on CUDA devices, which records name by their
    # model, others by their type.
    on_cpu = [str(session.get("device", "cpu")).islower() for session in record["sittings"]]
    return ", ".join(sorted({"float32" if each else "bfloat16" for each in on_cpu}))


def order(record: dict[str, Any]) -> tuple[Any, ...]:
    """What records are sorted by."""
    config = record["config"]
    setting = config["dataset"], config["loss"], config["scheme"]
    return *setting, record["recipe"], config["seed"], record["hash"]


def begun(record: dict[str, Any]) -> str:
    """When the run began, in ISO format."""
    return str(record["sittings"][0]["date"])
