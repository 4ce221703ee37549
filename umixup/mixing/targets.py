"""Labels of any kind as targets that can be mixed."""

from __future__ import annotations

import torch
from torch import Tensor

from umixup.mixing.tensors import check_floating, check_no_boxes, is_integer, is_readable


def targets(name: str, labels: object, num_classes: int | None, ignore_index: int | None) -> Tensor:
    """Labels as targets in float32 or wider; ``UMixUp.targets`` has the rules."""
    if not isinstance(labels, Tensor):
        raise TypeError(
            f"{name}: a {type(labels).__name__}; they must be a torch.Tensor, for example "
            f"torch.as_tensor({name})"
        )
    check_no_boxes(name, labels)
    floating = labels.is_floating_point()
    if floating or labels.is_nested or labels.is_complex() or labels.layout != torch.strided:
        check_floating(name, labels)
    if is_integer(labels):
        labels = labels.long()  # torch computes little with unsigned ones
    if labels.ndim == 0:
        raise TypeError(f"{name}: a Tensor of shape (); they must be (B,) or (B, …)")
    if floating:
        return _floating(name, labels, num_classes)
    if labels.ndim > 1 and (
        labels.dtype == torch.bool
        or labels.shape[1] == num_classes
        or (labels.ndim == 2 and num_classes is None)
    ):
        return _vectors(name, labels, num_classes)
    return _one_hot(name, labels, num_classes, ignore_index)


def _one_output(name: str) -> str:
    return f"for a network with one output take {name}.float()[:, None] and no num_classes"


def are_numbers(labels: object) -> bool:
    """True for what can only be class numbers: integers (B,), and maps of them (B, d, e, …)."""
    return isinstance(labels, Tensor) and labels.ndim not in (0, 2) and is_integer(labels)


def _floating(name: str, labels: Tensor, num_classes: int | None) -> Tensor:
    shape = tuple(labels.shape)
    if labels.ndim == 1 and num_classes is not None:
        raise TypeError(
            f"{name} are {labels.dtype} {shape}, and num_classes is {num_classes}: class numbers "
            "must be integers; for regression leave num_classes out"
        )
    if num_classes is not None and num_classes not in shape[1:]:
        raise ValueError(f"{name} {shape}: num_classes is {num_classes}")
    if is_readable(labels) and not bool(torch.isfinite(labels).all()):
        raise ValueError(f"{name}: a target holds NaN or ∞; entries must be finite")
    return labels.to(torch.promote_types(labels.dtype, torch.float32))


def _vectors(name: str, labels: Tensor, num_classes: int | None) -> Tensor:
    """Integer one-hot and boolean multi-hot vectors."""
    shape = tuple(labels.shape)
    if labels.dtype == torch.bool and num_classes not in (None, shape[1]):
        raise ValueError(f"{name} {shape}: num_classes is {num_classes}")
    if shape[1] == 1 and labels.dtype != torch.bool:
        raise TypeError(
            f"{name} are {labels.dtype} {shape}: class numbers must be (B,), as {name}[:, 0] is, "
            "and vectors of one 0 or 1 floating"
        )
    if labels.dtype != torch.bool and is_readable(labels) and labels.numel():
        low, high = (int(end) for end in labels.aminmax())
        if low < 0 or high > 1:
            raise ValueError(
                f"{name} are {labels.dtype} {shape} from {low} to {high}: integer vectors (B, C) "
                "must be of 0 and 1; for class numbers of a map or a sequence give num_classes, "
                "and if a side has num_classes entries, torch.nn.functional.one_hot of them; or "
                f"give the mixer None with parts=True, and take {name}[parts.second]"
            )
    return labels.to(torch.float32)


def _one_hot(
    name: str, labels: Tensor, num_classes: int | None, ignore_index: int | None
) -> Tensor:
    """Class numbers (B,) or (B, …) as vectors (B, C) or (B, C, …)."""
    if labels.dtype == torch.bool:
        raise TypeError(
            f"{name} are {labels.dtype} {tuple(labels.shape)}: class numbers must be integers "
            f"(B,), as {name}.long() is; {_one_output(name)}"
        )
    if num_classes is None:
        raise ValueError(
            f"num_classes is missing: class numbers {tuple(labels.shape)} need "
            "UMixUp(scheme, num_classes=C), or parts=True to mix losses on class numbers; "
            f"{_one_output(name)}"
        )
    if labels.ndim == 2 and labels.shape[1] == 1:
        raise TypeError(
            f"{name} are {labels.dtype} {tuple(labels.shape)}: class numbers must be (B,), as "
            f"{name}[:, 0] is"
        )
    index = labels.unsqueeze(1)  # (B, 1, …)
    ones = torch.ones((), dtype=torch.float32, device=labels.device).expand(index.shape)
    if ignore_index is not None:
        ignored = index == ignore_index
        index, ones = index.masked_fill(ignored, 0), (~ignored).float()
    shape = (len(labels), num_classes, *labels.shape[1:])
    try:
        vectors = torch.zeros(shape, dtype=torch.float32, device=labels.device)
    except torch.OutOfMemoryError:
        raise
    except RuntimeError:  # of a CPU's memory, or a size beyond any
        raise ValueError(
            f"num_classes = {num_classes}: targets {shape} do not fit into memory"
        ) from None
    try:
        return vectors.scatter_(1, index, ones)
    except RuntimeError:  # on the CPU; on a GPU torch's own assertion fails later
        low, high = int(labels.min()), int(labels.max())
        hint = f"; {_one_output(name)}" if num_classes == 1 else ""
        if low < 0 and ignore_index is None:
            hint += f"; if {low} stands for no label, give ignore_index={low}"
        raise ValueError(
            f"{name} from {low} to {high}: they must be in 0 … {num_classes - 1}{hint}"
        ) from None
