"""The drop-ins: UMixUp, MixUp and DAT."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.distributions import Distribution

from umixup import _check as check
from umixup.mixing._arguments import CHECKS, checked_pairing, drawn_pairs
from umixup.mixing._streams import Source
from umixup.mixing.parts import Pairs, Parts
from umixup.mixing.targets import are_numbers, targets
from umixup.mixing.tensors import (
    NO_LEAVES,
    Leaves,
    Rules,
    combined,
    gathered,
    leaves,
    mixed_batch,
)
from umixup.pairs import Pairing, by_name
from umixup.schemes import Scheme, as_scheme, dat, mixup


class UMixUp:
    """Mix each batch with a shuffle of itself: x̃ = λx + λ̄x′, ỹ = γ(λ)y + (1 − γ(λ))y′.

    The schemes are those of section 3.1. The original mixup code shuffles within the batch
    (section 6.1); the paper itself pairs two shuffled copies (``pairs.TwoCopies``).

    Args:
        scheme: a ``Scheme`` or its text: "U(B(2.2,0.9))", "B(1,1)", "DAT(B(2,1))", …
        num_classes: C; needed to make target vectors of class numbers.
        lam_per: "sample" draws a λ for each sample, "batch" one for the whole batch.
        pairing: a name in ``um.pairs.PAIRINGS``, or an object with ``draw``; it is given the size
            of the batch as the number of samples. A batch of one sample meets itself.
        prob: the probability of mixing a sample (with ``lam_per="batch"``: the batch) at all.
        integers: what becomes of integer and boolean tensors in a batch that is a container:
            "keep" them, or take the "union" (the larger value, as for attention masks) or
            "intersection" (the smaller) with the partner's; or a dict of these by the tensor's key
            in the batch. By default they are an error.
        ignore_index: a class number that stands for no label; its target vector is 0.
        seed: draw from generators of its own, one for each process: they differ by rank (from
            torch.distributed, RANK or SLURM_PROCID), and by loader worker and epoch: through
            ``set_epoch``, or else through the seed that torch gives each worker, which follows
            torch's own. With ``None``, draw from torch's global generator: torch seeds it
            differently in each loader worker, but ranks that call ``torch.manual_seed`` with the
            same number draw the same λ, so give them a seed.
        generator: draw from this CPU generator. Not together with ``seed``, and not in loader
            workers, each of which would have the same copy.

    All but the last two can be set later too, and are checked again. A copy of a mixer with a seed
    goes on where it was in the same process, and begins anew in another one.

    Attributes:
        mixup_enabled: set it to False to stop mixing; labels still become targets. Persistent
            loader workers do not notice.

    Raises:
        TypeError: ``scheme`` is neither a scheme nor text, or another argument is of a wrong type.
        ValueError: an argument that is out of range, both a seed and a generator, or a text that
            is not a scheme.
        AttributeError: another attribute is set, such as one of timm's that is not honoured, or
            the seed is set later.

    >>> mixer = UMixUp("B(1,1)", num_classes=3, seed=0)
    >>> images, targets = mixer(torch.rand(4, 1, 8, 8), torch.tensor([0, 1, 2, 0]))
    >>> images.shape, targets.shape
    (torch.Size([4, 1, 8, 8]), torch.Size([4, 3]))
    """

    __slots__ = (
        "_source",
        "ignore_index",
        "integers",
        "lam_per",
        "mixup_enabled",
        "num_classes",
        "pairing",
        "prob",
        "scheme",
        "seed",
    )

    def __init__(
        self,
        scheme: Scheme | str,
        num_classes: int | None = None,
        *,
        lam_per: str = "sample",
        pairing: str | Pairing = "batch_shuffle",
        prob: float = 1.0,
        integers: Rules = None,
        ignore_index: int | None = None,
        seed: int | None = None,
        generator: torch.Generator | None = None,
    ) -> None:
        self.scheme, self.pairing = as_scheme(scheme), checked_pairing(pairing)
        self.num_classes, self.lam_per, self.prob = num_classes, lam_per, prob
        self.integers, self.ignore_index, self.mixup_enabled = integers, ignore_index, True
        self.seed = seed
        if generator is not None and not isinstance(generator, torch.Generator):
            raise TypeError(f"generator = {generator!r}: it must be a torch.Generator")
        if generator is not None and seed is not None:
            raise ValueError(f"seed = {seed} and a generator: give one of them")
        self._source = Source(self.seed, generator)

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "seed" and getattr(self, "seed", value) != value:
            raise AttributeError(f"seed = {value!r}: it cannot be changed; make another mixer")
        super().__setattr__(name, CHECKS[name](value) if name in CHECKS else value)

    def __call__(
        self,
        inputs: Any,
        labels: Any,
        *,
        parts: bool = False,
        pairing: str | Pairing | None = None,
    ) -> tuple[Any, Any]:
        """Mix a batch; nothing is changed in place.

        Args:
            inputs: a tensor (B, …), floating, B ≥ 1, on any device; or a tuple, list, dict or
                nested container of such tensors, all mixed with the same pairs and λ. ``integers``
                says what becomes of integer and boolean ones among them; text, numbers and None are
                kept as they are, in their places: a pairing that leaves out samples ("iid",
                ``near_labels``) does not move them; ``parts.first`` has the samples in its order.
            labels: as for ``targets``; or a container of them; with ``parts``, None for no labels.
            parts: return ``Parts`` in place of the mixed targets, to mix losses instead. Without
                ``num_classes``, class numbers (B,) and maps of them stay class numbers there.
            pairing: for this batch, in place of the mixer's.

        Returns:
            (inputs, targets): the inputs in their own container, dtype and class, targets in
            float32 or wider.

        Raises:
            ValueError: an empty batch, tensors of different lengths, or as for ``targets``.
            TypeError: inputs that cannot be mixed, or as for ``targets``.
            RuntimeError: called in a loader worker with a ``generator``.
        """
        x = leaves("inputs", inputs)
        labelled = leaves("labels", labels) if not (parts and labels is None) else NO_LEAVES
        n, device = _size(x, labelled)
        y = self._targets(labelled, dense=self.num_classes is not None or not parts)
        rebuild = labelled.rebuild
        drawn = self._draw(n, self.pairing if pairing is None else checked_pairing(pairing))
        pairs = drawn.to(device)
        mixed = mixed_batch(x, pairs, self.integers)
        of_y = [pairs if v.device == device else drawn.to(v.device) for v in y]
        first = [v if p.in_order else gathered(v, p.first) for v, p in zip(y, of_y, strict=True)]
        if parts:
            second = [gathered(v, p.second) for v, p in zip(y, of_y, strict=True)]
            p = of_y[0] if y else pairs
            return mixed, Parts(rebuild(first), rebuild(second), p.lam, p.gamma, p.first, p.second)
        return mixed, rebuild(
            [
                combined(
                    a,
                    lambda v=v, p=p: gathered(v, p.second),  # type: ignore[misc]
                    p.gamma if p.one is None else p.one[1],
                    Tensor.lerp_,
                    finite=True,  # targets are
                )
                for a, v, p in zip(first, y, of_y, strict=True)
            ]
        )

    def targets(self, labels: Any) -> Any:
        """Labels as targets, float32 or wider, unmixed.

        Args:
            labels: a container of, or one of

                - class numbers, integers (B,) in 0 … C − 1: become one-hot vectors (B, C);
                - maps or sequences of class numbers (B, d, …), with ``num_classes``: (B, C, d, …);
                - vectors (B, C) of integers 0 and 1 or booleans, one-hot or multi-hot;
                - floating targets of any shape (B, …), for regression without ``num_classes``.

        Raises:
            ValueError: labels out of range, with another C, or not finite (checked on the CPU
                only), or class numbers without ``num_classes``.
            TypeError: labels of another dtype or shape.
        """
        labelled = leaves("labels", labels)
        return labelled.rebuild(self._targets(labelled, dense=True))

    def set_epoch(self, epoch: int) -> None:
        """Draw what belongs to this epoch, whatever was drawn before; call it before each epoch.

        With it, draws depend on (seed, epoch, rank, worker) and the number of the batch alone, so
        that a loop that is resumed at an epoch draws what it would have drawn. Loader workers that
        persist over epochs have a copy of the mixer, which keeps the epoch, ``mixup_enabled`` and
        all else as they were when the workers started.

        Raises:
            ValueError: the epoch is not an integer, or the mixer has no seed.
        """
        self._source.set_epoch(check.whole("epoch", epoch))

    def state_dict(self) -> dict[str, Any]:
        """The state of this process's random numbers, to resume in the middle of an epoch.

        Raises:
            RuntimeError: the mixer draws from torch's global generator; save
                ``torch.get_rng_state()``, or give a seed.
        """
        return self._source.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what ``state_dict`` returned, with another mixer of the same arguments.

        Raises:
            ValueError: the state is of another seed or rank.
        """
        self._source.load_state_dict(state)

    def _targets(self, labels: Leaves, *, dense: bool) -> list[Tensor]:
        """Labels as targets, leaf by leaf."""
        found = []
        for name, leaf in zip(labels.names(), labels.values, strict=True):
            if are_numbers(leaf) and not dense:
                found.append(leaf.long())
            else:
                found.append(targets(name, leaf, self.num_classes, self.ignore_index))
        return found

    def _draw(self, n: int, pairing: Pairing) -> Pairs:
        """The pairs of a batch, on the CPU."""
        generator, in_order = self._source.generator(), True
        everyone = torch.arange(n, device="cpu")
        if not self.mixup_enabled:
            ones = torch.ones(n, device="cpu")
            return Pairs(everyone, everyone, ones, ones)
        if n == 1 or pairing == by_name("batch_shuffle"):
            first, second = everyone, torch.randperm(n, generator=generator, device="cpu")
        else:
            first, second = drawn_pairs(pairing, n, generator)
            in_order = torch.equal(first.sort().values, everyone)
            if in_order:  # the batch keeps its order
                first, second = everyone, torch.empty_like(second).index_copy_(0, first, second)
        count = n if self.lam_per == "sample" else 1
        lam, gamma = self.scheme.draw(count, generator)
        if self.prob < 1:
            left = torch.rand(count, generator=generator, device="cpu") >= self.prob
            lam, gamma = lam.masked_fill(left, 1.0), gamma.masked_fill(left, 1.0)
        if self.lam_per == "sample":
            return Pairs(first, second, lam, gamma, in_order)
        one = lam.item(), gamma.item()
        return Pairs(first, second, lam.expand(n), gamma.expand(n), in_order, one)

    def __repr__(self) -> str:
        return f"UMixUp({str(self.scheme)!r}, num_classes={self.num_classes})"


def _size(inputs: Leaves, labels: Leaves) -> tuple[int, torch.device]:
    """The size of the batch, and the device of its inputs."""
    tensors = [leaf for leaf in (*inputs.values, *labels.values) if isinstance(leaf, Tensor)]
    shapes = [tuple(t.shape) if not t.is_nested else (t.size(0),) for t in tensors]
    lengths = {shape[:1] for shape in shapes}
    if len(lengths) > 1 or () in lengths:
        some = f"{shapes[:4]!r:.200}{' …' if len(shapes) > 4 else ''}"
        raise ValueError(
            f"inputs and labels {some}: all must have the same length B ≥ 1; "
            "torch.stack makes a batch of a list of samples"
        )
    if not tensors:
        mixed_batch(inputs, Pairs.none(), None)  # raises
    n = shapes[0][0]
    if not n:
        raise ValueError(f"inputs {shapes[0]}: the batch is empty")
    return n, tensors[0].device


class MixUp(UMixUp):
    """MixUp with λ ~ B(α, α), γ(λ) = λ (sections 3.1 and 6.2).

    Args:
        alpha: α, finite and > 0; other arguments and errors as for ``UMixUp``.

    >>> MixUp(0.2, num_classes=10)
    UMixUp('B(0.2,0.2)', num_classes=10)
    """

    __slots__ = ()

    def __init__(self, alpha: float, num_classes: int | None = None, **options: Any) -> None:
        if isinstance(alpha, str):
            raise TypeError(f"alpha = {alpha!r}: a number; for a text, UMixUp({alpha!r})")
        super().__init__(mixup(alpha), num_classes, **options)


class DAT(UMixUp):
    """Directional adversarial training: images move, labels stay, γ ≡ 1 (section 3.1).

    Args:
        policy: a continuous distribution of λ on [0, 1]; other arguments and errors as for
            ``UMixUp``.

    >>> from umixup.policies import Beta
    >>> DAT(Beta(2, 1), num_classes=10)
    UMixUp('DAT(B(2,1))', num_classes=10)
    """

    __slots__ = ()

    def __init__(
        self, policy: Distribution, num_classes: int | None = None, **options: Any
    ) -> None:
        if isinstance(policy, str):
            text = policy if policy.startswith("DAT") else f"DAT({policy})"
            raise TypeError(f"policy = {policy!r}: a distribution; for a text, UMixUp({text!r})")
        super().__init__(dat(policy), num_classes, **options)
