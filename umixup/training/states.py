"""What a run's state must be, before a checkpoint is used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from umixup import _check as check
from umixup.training.config import Config

if TYPE_CHECKING:
    from umixup.training.trainer import Trainer

_KEYS = {
    *("config", "data", "sittings", "seconds", "epoch", "step", "train_losses", "test_errors"),
    *("augmented_test_errors", "step_losses", "label_vectors", "model", "optimizer"),
}


class OtherRunError(ValueError):
    """A checkpoint is whole, but of another config, of other data, or of a newer umixup."""


def name(epoch: int, step: int) -> str:
    """The name of a checkpoint's file."""
    return f"epoch-{epoch:04d}-step-{step:06d}.pt"


def check_state(state: dict[str, Any], config: dict[str, Any], place: tuple[int, ...]) -> None:
    """Check what must hold for a run's state, whatever the network.

    Raises:
        ValueError: something does not.
    """

    def need(holds: bool, problem: str) -> None:
        if not holds:
            raise ValueError(problem)

    odd = ", ".join(sorted(map(str, _KEYS ^ (state.keys() - {"outcomes"}))))
    need(not odd, f"it lacks, or should not have: {odd}")
    theirs = state["config"]
    need(isinstance(theirs, dict), "its config is not a dict")
    if theirs != config:
        unlike = [n for n in {**config, **theirs} if theirs.get(n) != config.get(n)]
        listed = ", ".join(f"{n} = {theirs.get(n)!r} there, {config.get(n)!r} here" for n in unlike)
        raise OtherRunError(f"is of another config: {listed}; name another folder")
    epoch, step, last = state["epoch"], state["step"], config["epochs"]
    need(type(epoch) is type(step) is int, "its epoch or step is not a whole number")
    need(place == (epoch, step), f"by its content, it is {name(epoch, step)}")
    steps = len(state["step_losses"])
    need(0 <= epoch <= last, f"{epoch} of {last} epochs are done")
    need(0 <= step <= (steps if epoch < last else 0), f"{step} of {steps} steps are done")
    tested = sum(map(Config(**config).tests_after, range(1, epoch + 1)))
    for kind, many, allowed in (
        ("train_losses", epoch, check.FINITE),
        ("test_errors", tested, check.UNIT),
        ("augmented_test_errors", tested if config["augment_test"] else 0, check.UNIT),
    ):
        values = state[kind]
        need(type(values) is list and len(values) == many, f"it has not {many} {kind}")
        right = all(type(v) is float and allowed.holds(v) for v in values)
        need(right, f"its {kind} are not all {allowed.words}")
    check.number("its seconds", state["seconds"], check.NON_NEGATIVE)
    sittings = state["sittings"]
    need(type(sittings) is list and bool(sittings), "it has no sittings")
    need(all(type(sitting) is dict for sitting in sittings), "its sittings are not dicts")
    if (kept := state.get("outcomes")) is not None:  # older checkpoints have none
        right = isinstance(kept, Tensor) and kept.dtype == torch.bool and kept.ndim == 2
        need(right and len(kept) <= tested, "its outcomes are not those of its test errors")
    vectors = state["label_vectors"]
    away = (vectors @ vectors.T - torch.eye(len(vectors))).abs().max()
    need(bool(away < 1e-3), "its label vectors are not orthonormal")
    momenta = state["optimizer"]["state"].values()
    tensors = [vectors, state["step_losses"], *state["model"].values()]
    tensors += [value for kept in momenta for value in kept.values() if value is not None]
    need(all(isinstance(v, Tensor) for v in tensors), "it has something in place of a tensor")
    need(all(bool(v.isfinite().all()) for v in tensors), "it has numbers that are not finite")


def check_fits(state: dict[str, Any], trainer: Trainer) -> None:
    """Check that a run's state fits the trainer's data, network and optimizer.

    Raises:
        OtherRunError: it is of other data.
        ValueError: it does not fit.
    """
    if state["data"] != trainer.fingerprint:
        raise OtherRunError(
            f"is of other data: {trainer.config.dataset!r} has fingerprint {trainer.fingerprint} "
            f"here, {state['data']} there; restore those files, or name another folder"
        )
    saved = state["optimizer"]
    momenta: dict[Any, Tensor] = {}
    if trainer.config.momentum and (state["epoch"] or state["step"]):  # else there is none
        momenta = dict(enumerate(trainer.model.parameters()))
    pairs: list[tuple[str, dict[Any, Tensor], dict[Any, Tensor]]] = [
        ("label vectors", {0: state["label_vectors"]}, {0: trainer.vectors}),
        ("losses", {0: state["step_losses"]}, {0: trainer.step_losses}),
        ("network", state["model"], trainer.model.state_dict()),
        ("momentum", {k: v["momentum_buffer"] for k, v in saved["state"].items()}, momenta),
    ]
    for what, theirs, ours in pairs:
        if theirs.keys() != ours.keys() or any(
            (theirs[k].shape, theirs[k].dtype) != (ours[k].shape, ours[k].dtype) for k in ours
        ):
            raise ValueError(f"its {what} have other names, shapes or types than this run's")
    there, here = (
        [(group["momentum"], group["weight_decay"]) for group in groups]
        for groups in (saved["param_groups"], trainer.optimizer.param_groups)
    )
    if there != here:
        raise ValueError("its optimizer has other options than this run's")
