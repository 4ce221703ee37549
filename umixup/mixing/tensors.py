"""Mixing tensors, and batches that are containers of tensors."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor

from umixup.mixing.parts import Pairs

#: What becomes of integer and boolean tensors in a batch that is a container.
RULES = ("keep", "union", "intersection")
Rules = str | Mapping[str, str] | None


def mix(x: Tensor, x2: Tensor, lam: Tensor) -> Tensor:
    """λx + (1 − λ)x′, one λ for each sample (Equation 2). With γ in place of λ it mixes labels.

    Computed in the wider of the dtypes of x and λ, and returned in that of x. Exact at λ = 0 and 1,
    −∞ and ∞ included. Works under ``torch.compile(fullgraph=True)``,
    ``torch.vmap`` and autocast; λ is drawn outside.

    Args:
        x, x2: (B, …), floating, of the same shape.
        lam: λ, (B,), in [0, 1].

    Raises:
        ValueError: shapes that do not fit, or a λ that is NaN or outside [0, 1]. Values are checked
            on the CPU only, and not while compiling: elsewhere the check would wait for the device.
        TypeError: x or x2 is not a floating tensor, or they differ in dtype; λ is not a tensor.

    >>> mix(torch.ones(2, 3), torch.zeros(2, 3), torch.tensor([1.0, 0.25]))
    tensor([[1.0000, 1.0000, 1.0000],
            [0.2500, 0.2500, 0.2500]])
    """
    for name, value in (("x", x), ("x2", x2)):
        check_floating(name, value)
    if not isinstance(lam, Tensor):
        raise TypeError(f"lam is a {type(lam).__name__}: it must be a torch.Tensor (B,)")
    if x.dtype != x2.dtype:
        raise TypeError(f"x is {x.dtype} and x2 {x2.dtype}: they must be of one dtype")
    if x.shape != x2.shape or lam.shape != x.shape[:1]:
        raise ValueError(
            f"x {tuple(x.shape)}, x2 {tuple(x2.shape)}, lam {tuple(lam.shape)}: "
            "they must be (B, …), (B, …) and (B,)"
        )
    if lam.numel() and is_readable(lam):
        low, high = (float(end) for end in lam.detach().aminmax())
        if not (low >= 0 and high <= 1):
            raise ValueError(f"lam from {low:.4g} to {high:.4g}: it must be in [0, 1]")
    return combined(x, lambda: x2, lam, torch.lerp)


def is_readable(x: Tensor) -> bool:
    """True if the values can be looked at: on the CPU, not traced and not one of ``vmap``'s."""
    return (
        type(x) in (Tensor, torch.nn.Parameter)
        and x.device.type == "cpu"
        and not torch.compiler.is_compiling()
        and not torch._C._functorch.is_functorch_wrapped_tensor(x)
    )


def is_integer(x: Tensor) -> bool:
    """True for tensors of integers, but not for boolean ones."""
    return not (x.is_floating_point() or x.is_complex() or x.dtype == torch.bool)


def check_floating(name: str, x: object) -> None:
    """Raise a TypeError that says what to do, unless x is a floating, dense tensor."""
    if not isinstance(x, Tensor):
        raise TypeError(f"{name} is a {type(x).__name__}: it must be a torch.Tensor; {_ways(x)}")
    if x.is_nested or x.layout != torch.strided:
        kind = "nested" if x.is_nested else str(x.layout)
        raise TypeError(f"{name} is a Tensor that is {kind}: pad it, or make it dense, first")
    if x.is_complex():
        raise TypeError(f"{name} of dtype {x.dtype}: mix torch.view_as_real({name})")
    if x.is_floating_point() and x.dtype.itemsize == 1:
        raise TypeError(f"{name} of dtype {x.dtype}: mix before casting to it")
    if not x.is_floating_point():
        raise TypeError(
            f"{name} of dtype {x.dtype}: only floating Tensors can be mixed; scale pixels to "
            f"floats, for example with torchvision's ToDtype(torch.float32, scale=True), and mix "
            "the embeddings of tokens or categories, not their numbers"
        )


def _ways(x: object) -> str:
    if hasattr(x, "__array__"):
        return "torch.as_tensor makes one"
    return "containers of tensors may be tuples, lists and dicts"


def gathered(x: Tensor, index: Tensor) -> Tensor:
    """x[index] in the layout of x, by something faster than indexing if the layout allows it."""
    if x.is_contiguous():
        return x.index_select(0, index)
    if x.ndim == 4 and x.is_contiguous(memory_format=torch.channels_last):
        return x.permute(0, 2, 3, 1).index_select(0, index).permute(0, 3, 1, 2)
    return x[index]


def combined(
    x: Tensor,
    partners: Callable[[], Tensor],
    lam: Tensor | float,
    lerp: Callable[..., Tensor],
    *,
    finite: bool = False,
) -> Tensor:
    """``mix`` by ``torch.lerp``, or in place of the partners by ``Tensor.lerp_``.

    ``lam`` is (B,) or one number for the whole batch; ``finite`` if all of x is known to be.
    """
    x2 = partners()
    if isinstance(lam, float):  # torch computes with it in float32 or wider
        mixed = lerp(x2, x, lam)
        lam = torch.tensor(lam)
    else:
        lam = lam.reshape(-1, *[1] * (x.ndim - 1))  # (B,) -> (B, 1, …)
        if x.dtype == lam.dtype:  # the usual case, without calls that do nothing
            mixed = lerp(x2, x, lam)
        else:
            wide = torch.promote_types(x.dtype, lam.dtype)
            mixed = torch.lerp(x2.to(wide), x.to(wide), lam.to(wide)).to(x.dtype)
    if finite or (is_readable(mixed) and math.isfinite(_sum(mixed))):
        return mixed
    # lerp computes differences, which are NaN where ∞ meets ∞; and 0 · ∞ is NaN
    x2 = partners()
    mixed = torch.where(mixed.isfinite(), mixed, (lam * x + (1 - lam) * x2).to(x.dtype))
    return torch.where(lam == 1, x, torch.where(lam == 0, x2, mixed))


def _sum(x: Tensor) -> float:
    """The sum, for which float16 is too narrow."""
    wide = torch.float32 if x.dtype == torch.float16 else None
    return x.detach().sum(dtype=wide).item()


def mixed_batch(batch: Leaves, pairs: Pairs, rules: Rules) -> Any:
    """A tensor, or a container of tensors, mixed with these pairs; nothing is changed in place.

    Raises:
        TypeError: it has something that cannot be mixed, or nothing that can.
    """
    if not any(isinstance(leaf, Tensor) and leaf.is_floating_point() for leaf in batch.values):
        check_floating("inputs", batch.values[0] if batch.values else batch.rebuild([]))
    found: list[Any] = []
    for k, leaf in enumerate(batch.values):
        if isinstance(leaf, Tensor) and leaf.is_floating_point():
            check_floating("inputs" if len(batch.values) == 1 else f"inputs, leaf {k}", leaf)
            found.append(_mixed_leaf(leaf, pairs))
        elif leaf is None or isinstance(leaf, (str, bytes, bool, int, float)):
            found.append(leaf)
        else:
            found.append(_ruled(batch, k, pairs, rules))
    return batch.rebuild(found)


def _mixed_leaf(x: Tensor, pairs: Pairs) -> Tensor:
    lam = pairs.lam if pairs.one is None else pairs.one[0]
    # Widening x once is faster than widening both samples.
    wide = x if isinstance(lam, float) else x.to(torch.promote_types(x.dtype, lam.dtype))
    first = wide if pairs.in_order else gathered(wide, pairs.first)
    mixed = combined(first, lambda: gathered(wide, pairs.second), lam, Tensor.lerp_)
    return like(mixed.to(x.dtype), x)


def like(mixed: Tensor, x: Tensor) -> Tensor:
    """The result in the class of x, if that is a kind of tensor such as ``tv_tensors.Image``."""
    kind = type(x)
    if kind in (Tensor, torch.nn.Parameter) or isinstance(mixed, kind):
        return mixed
    check_no_boxes("inputs", x)
    return mixed.as_subclass(kind)


def check_no_boxes(name: str, x: Tensor) -> None:
    """Raise a TypeError that says what to do with boxes, whose corners mean nothing if averaged."""
    if hasattr(x, "canvas_size"):
        raise TypeError(
            f"{name} have a {type(x).__name__}: boxes cannot be mixed; keep those of both samples, "
            "with the weights γ and 1 − γ (parts=True gives the partner's index)"
        )


def _ruled(batch: Leaves, k: int, pairs: Pairs, rules: Rules) -> Tensor:
    """An integer or boolean leaf, by the rule for it."""
    leaf, name, key = batch.values[k], batch.names()[k], batch.keys()[k]
    if not isinstance(leaf, Tensor) or leaf.is_complex():
        check_floating(name, leaf)
    assert isinstance(leaf, Tensor)
    rule = rules.get(key) if isinstance(rules, Mapping) else rules
    if rule not in RULES:
        raise TypeError(
            f"{name}, a Tensor of {leaf.dtype} in a {batch.kind}: say what becomes of it by "
            f"integers={{{key!r}: RULE}}, where RULE is 'keep' (as it is), 'union' (the larger of "
            "both samples' values, as for attention masks) or 'intersection' (the smaller)"
        )
    first = leaf if pairs.in_order else gathered(leaf, pairs.first)
    if rule == "keep":
        return first
    second = gathered(leaf, pairs.second)
    return torch.maximum(first, second) if rule == "union" else torch.minimum(first, second)


class Leaves(NamedTuple):
    """What is in a batch: one tensor, or the leaves of a container.

    Attributes:
        values: the leaves.
        rebuild: puts others in their places.
        paths: how each is reached, as PyTorch's pytree says it, which takes a moment.
        name: of the argument.
        kind: the name of the container's class.
    """

    values: list[Any]
    rebuild: Callable[[list[Any]], Any]
    paths: Callable[[], list[Any]]
    name: str
    kind: str = "Tensor"

    def names(self) -> list[str]:
        """Of each leaf, for messages: "inputs['mask']", "labels[0]"."""
        if len(self.values) == 1 and isinstance(self.rebuild(self.values), Tensor):
            return [self.name]
        from torch.utils import _pytree as pytree

        return [f"{self.name}{pytree.keystr(path)}" for path in self.paths()]

    def keys(self) -> list[str]:
        """The last key, index or field on the way to each leaf, as text."""
        ends = [path[-1] if path else None for path in self.paths()]
        kinds = ("key", "idx", "name")
        return [str(next((getattr(e, k) for k in kinds if hasattr(e, k)), "")) for e in ends]


#: Of labels that are not given.
NO_LEAVES = Leaves([], lambda new: None, list, "labels")


def leaves(name: str, batch: Any) -> Leaves:
    """The leaves of an argument.

    Raises:
        ValueError: a container contains itself.
    """
    if isinstance(batch, Tensor):
        return Leaves([batch], lambda new: new[0], lambda: [()], name)
    try:
        values, rebuild = _flattened(batch)
    except RecursionError:
        raise ValueError(f"{name}: a container in it contains itself") from None
    return Leaves(values, rebuild, lambda: _paths(batch), name, type(batch).__name__)


def _flattened(batch: Any) -> tuple[list[Any], Callable[[list[Any]], Any]]:
    """The leaves of a container, and a function that puts others in their places."""
    if type(batch) in (tuple, list) and all(type(leaf) is Tensor for leaf in batch):
        return list(batch), type(batch)
    if type(batch) is dict and all(type(leaf) is Tensor for leaf in batch.values()):
        return list(batch.values()), lambda new: dict(zip(batch, new, strict=True))
    from torch.utils import _pytree as pytree

    if isinstance(batch, Mapping) and not pytree.tree_is_leaf({}) and pytree.tree_is_leaf(batch):
        values, inner = _flattened(dict(batch))  # such as Hugging Face's BatchEncoding
        return values, lambda new: type(batch)(inner(new))  # type: ignore[call-arg]
    values, spec = pytree.tree_flatten(batch)
    return values, lambda new: pytree.tree_unflatten(new, spec)


def _paths(batch: Any) -> list[Any]:
    from torch.utils import _pytree as pytree

    batch = dict(batch) if isinstance(batch, Mapping) else batch
    return [path for path, _ in pytree.tree_flatten_with_path(batch)[0]]
