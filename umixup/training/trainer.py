"""The trainer's step and epoch.

Each epoch draws its whole plan first; a step gathers, augments and mixes tensors that already lie
on the device.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from tqdm import tqdm

from umixup import losses, pairs
from umixup._random import drawing_from, generator_for
from umixup.mixing import mix
from umixup.schemes import parse
from umixup.training.augment import crop_and_flip, draw_crops, gather_crops
from umixup.training.by_pair import ByPair, moved_at_random
from umixup.training.config import Config
from umixup.training.data import DataSet
from umixup.training.environment import environment
from umixup.training.evaluation import wrong
from umixup.training.loop import backend, check_memory, fastest_layout
from umixup.training.model import PreActResNet18
from umixup.training.states import check_fits


def new_model(config: Config, data: DataSet) -> nn.Module:
    """The config's network with its initial weights, which depend on the seed alone."""
    with drawing_from(generator_for(config.seed, "init")):
        outputs = new_label_vectors(config, len(data.classes)).shape[1]
        return PreActResNet18(outputs, data.train_x.shape[1], config.width)


def training_samples(config: Config, data: DataSet) -> Tensor:
    """The indices of the samples of the whole data set that the config trains on, (n,) int64.

    Raises:
        ValueError: there are fewer than ``train_size``.
    """
    n = len(data.first(config.train_size).train_x)
    if config.subset == "first":
        return torch.arange(n)
    generator = generator_for(config.seed, "subset")
    return torch.randperm(len(data.train_x), generator=generator)[:n]


def new_label_vectors(config: Config, classes: int) -> Tensor:
    """The label vector φ of each class, (C, d), orthonormal.

    For cross-entropy they are one-hot; otherwise they depend on the seed alone.

    Raises:
        ValueError: ``label_dim`` is below the number of classes.
    """
    if config.loss == "ce":
        return torch.eye(classes)
    dim = config.label_dim or (700 if config.dataset.startswith("cifar100") else 300)
    if dim < classes:
        raise ValueError(
            f"label_dim = {dim}: {config.dataset} has {classes} classes; it must be at least that"
        )
    return losses.label_vectors(classes, dim, generator_for(config.seed, "labels"))


class _Interrupted(Exception):  # noqa: N818 – not an error
    """Ctrl-C came during an evaluation."""


class _Interruptible(nn.Module):
    """The network in an evaluation that ends before its next batch once interrupted."""

    def __init__(self, model: nn.Module, interrupted: Sequence[object]) -> None:
        super().__init__()
        self.model, self.interrupted = model, interrupted

    def forward(self, x: Tensor) -> Tensor:
        if self.interrupted:
            raise _Interrupted
        outputs: Tensor = self.model(x)
        return outputs


class Trainer:
    """A run in progress; ``train`` drives it.

    Attributes:
        epoch, step: completed epochs, and completed steps of the next one.
    """

    def __init__(
        self,
        config: Config,
        data: DataSet,
        device: torch.device,
        compile: bool | str | None = None,
    ) -> None:
        self.config, self.data, self.device = config, data, device
        check_memory(config, data, device)
        self.scheme, self.loss = parse(config.scheme), losses.BY_NAME[config.loss]
        by_class = pairs.BY_CLASS.get(config.pairing)
        self.pairing = by_class(data.train_y.cpu()) if by_class else config.pairing
        self.by_pair = None if config.by_pair == "same" else ByPair(config, data)
        self.padded = nn.functional.pad(data.train_x, (config.crop_padding,) * 4)  # black
        self.vectors = new_label_vectors(config, len(data.classes)).to(device)
        model = new_model(config, data).to(device).train()
        layout = fastest_layout(config.width, device)
        self.model = model.to(memory_format=layout)  # type: ignore[call-overload]
        compiler = backend(compile, device)
        self.forward = (
            # static: otherwise the smaller last batch would make every batch use a dynamic graph
            torch.compile(self.model, backend=compiler, dynamic=False) if compiler else self.model
        )
        self.optimizer = torch.optim.SGD(
            model.parameters(),
            config.learning_rate,
            momentum=config.momentum,
            weight_decay=config.weight_decay,
            fused=device.type in ("cpu", "cuda"),
        )
        self.bfloat16 = config.precision == "bfloat16" or (
            config.precision == "auto" and device.type == "cuda"
        )
        self.epoch = self.step = 0
        self._interrupted: Sequence[object] = ()
        self.test_errors: list[float] = []
        self.augmented_test_errors: list[float] = []
        self.train_losses: list[float] = []
        # Of each epoch that the run's error averages, which test images were misclassified.
        self.outcomes = torch.zeros(0, len(data.test_x), dtype=torch.bool)
        self.seconds = 0.0
        self.fingerprint = data.fingerprint()
        name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
        self.sittings = [
            {
                **environment(),
                "device": name,
                "precision": "bfloat16" if self.bfloat16 else "float32",
                "threads": torch.get_num_threads(),
                "compiled": compiler,
            }
        ]
        steps = -(-len(data.train_x) // config.batch_size)
        # The summed loss of each step of this epoch, in float32, as MPS has no float64. Python adds
        # them up in double precision.
        self.step_losses = torch.zeros(steps, dtype=torch.float32, device=device)

    _SAVED = (
        *("epoch", "step", "test_errors", "augmented_test_errors", "train_losses", "seconds"),
        "outcomes",
    )

    def state(self) -> dict[str, Any]:
        """Everything needed to resume, as tensors and plain data."""
        return {
            "config": self.config.plain(),
            "data": self.fingerprint,
            "sittings": self.sittings,
            **{name: getattr(self, name) for name in self._SAVED},
            "step_losses": self.step_losses,
            "label_vectors": self.vectors,
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }

    @property
    def largest_state(self) -> int:
        """More bytes than a checkpoint of this run has."""
        tensors = [*self.model.parameters(), *self.model.state_dict().values()]
        size: int = sum(v.nbytes for v in [*tensors, self.vectors, self.step_losses])
        return size + self.config.averaged_epochs * len(self.data.test_x) + 2**18

    def restore(self, state: dict[str, Any]) -> None:
        """Resume from what ``state`` returned.

        Raises:
            ValueError: it is of other data, or does not fit.
        """
        check_fits(state, self)
        for name in self._SAVED:
            setattr(self, name, state.get(name, getattr(self, name)))
        self.sittings = state["sittings"] + self.sittings
        self.step_losses.copy_(state["step_losses"])
        self.vectors.copy_(state["label_vectors"])
        self.model.load_state_dict(state["model"])
        options = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({**state["optimizer"], "param_groups": options})
        for parameter, kept in self.optimizer.state.items():
            # Fused SGD reads both in memory order, and the checkpoint may have another layout.
            buffer = kept.get("momentum_buffer")
            if buffer is not None:
                kept["momentum_buffer"] = torch.empty_like(parameter).copy_(buffer)

    @property
    def samples_done(self) -> int:
        """Training samples used so far, over all epochs."""
        return self.epoch * len(self.data.train_x) + self.step * self.config.batch_size

    def draw_epoch(self) -> tuple[pairs.Plan, Tensor, Tensor]:
        """The epoch's plan, its crops and its flips, drawn on the CPU."""
        config, n = self.config, len(self.data.train_x)
        plan = pairs.plan_epoch(
            self.scheme,
            self.pairing,
            n,
            batch_size=config.batch_size,
            seed=config.seed,
            epoch=self.epoch,
            lam_per=config.lam_per,
        )
        return plan, *draw_crops(config, 2, len(plan.lam), self.epoch)

    def batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield the rest of the epoch as mixed images (B, C, H, W) and targets (B, d).

        All that is random is drawn first; then each batch is gathered and mixed on the device.
        """
        config, data = self.config, self.data
        drawn, *crops = self.draw_epoch()
        plan = pairs.Plan(*(v.to(self.device) for v in drawn))
        if self.by_pair is not None:
            plan = self.by_pair.applied(plan, self.epoch)
        sides = torch.stack([plan.first, plan.second])
        offsets, flips = (v.to(self.device) for v in crops)
        for k in range(self.step, len(self.step_losses)):
            part = slice(k * config.batch_size, (k + 1) * config.batch_size)
            first, second, lam, gamma = (v[part] for v in plan)
            images = gather_crops(
                self.padded,
                sides[:, part].flatten(),  # (2, B) -> (2B,)
                offsets[:, part].flatten(0, 1),
                flips[:, part].flatten(),
                config.crop_padding,
            ).float()
            x, x2 = images.split(images.shape[0] // 2)
            if config.moves == "at_random":
                generator = generator_for(config.seed, f"moves of step {k}", self.epoch)
                x2 = moved_at_random(x, x2, generator)
            y, y2 = self.vectors[data.train_y[first]], self.vectors[data.train_y[second]]
            # Normalise once: the normalised mixture is the mixture of the normalised images.
            yield data.normalize(mix(x, x2, lam)), mix(y, y2, gamma)

    def train_on(self, x: Tensor, target: Tensor) -> Tensor:
        """One step of SGD; the loss of each sample, (B,)."""
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bfloat16):
            outputs = self.forward(x)
        values = self.loss(outputs, target)
        self.optimizer.zero_grad(set_to_none=True)
        values.mean().backward()
        self.optimizer.step()
        return values.detach()

    def run_epoch(self, bar: tqdm[Any], interrupted: Sequence[object]) -> None:
        """Finish the epoch and test; or stop after the current step, or test batch, if interrupted.

        Args:
            bar: shows the progress.
            interrupted: is empty until then.
        """
        start = time.perf_counter()
        for group in self.optimizer.param_groups:
            group["lr"] = self.config.rate(self.epoch + 1)
        for x, target in self.batches():
            self.step_losses[self.step] = self.train_on(x, target).sum()
            self.step += 1
            bar.update(len(x))
            if interrupted:
                break
        else:
            self._interrupted = interrupted
            self._close_epoch()
        self.seconds += time.perf_counter() - start
        if not self.step and not interrupted:
            error = f"{100 * self.test_errors[-1]:.2f}%" if self.test_errors else "?"
            bar.set_postfix(error=error, loss=f"{self.train_losses[-1]:.3f}")

    def _close_epoch(self) -> None:
        """Read the losses and test. Nothing else in an epoch waits for the device.

        If interrupted, all is as after the last step, and the epoch can be closed later.
        """
        config, data = self.config, self.data
        step_losses = self.step_losses.tolist()
        for k, value in enumerate(step_losses):
            if not math.isfinite(value):
                raise self._diverged(
                    f"step {k + 1} of {len(step_losses)}: the training loss is {value}"
                )
        model = _Interruptible(self.model, self._interrupted)
        found = []
        try:
            if config.tests_after(self.epoch + 1):
                found.append(wrong(model, data, self.vectors))
            if found and config.augment_test:
                drawn = draw_crops(config, 1, len(data.test_x), self.epoch, "test augmentation")
                offsets, flips = (v[0].to(self.device) for v in drawn)
                moved = crop_and_flip(data.test_x, offsets, flips, config.crop_padding)
                found.append(wrong(model, replace(data, test_x=moved), self.vectors))
        except _Interrupted:
            self.model.train()
            return
        errors = [float(each.mean()) for each in found]
        if not all(map(math.isfinite, errors)):
            raise self._diverged("the network's outputs on the test set are not finite")
        self.train_losses.append(sum(step_losses) / len(data.train_x))
        self.test_errors += errors[:1]
        self.augmented_test_errors += errors[1:]
        self.epoch, self.step = self.epoch + 1, 0
        if self.epoch > config.epochs - config.averaged_epochs:
            self.outcomes = torch.cat([self.outcomes, found[0].bool().cpu()[None]])

    def _diverged(self, problem: str) -> FloatingPointError:
        return FloatingPointError(
            f"epoch {self.epoch + 1}, {problem}; try a learning_rate below "
            f"{self.config.learning_rate}"
        )
