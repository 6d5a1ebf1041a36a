"""The training loop: phantoms teach the outlines, real images the encoder and the image decoder."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from sxtstudio.core.progress import Progress
from sxtstudio.training.checkpoint import load_state, optimiser_state, restore_optimiser, save_state
from sxtstudio.training.data import Batch
from sxtstudio.training.losses import huber, image_loss, outline_loss
from sxtstudio.training.network import DeepSXT


@dataclass(frozen=True)
class Plan:
    """How long and how fast to learn."""

    steps: int
    learning_rate: float = 1.5e-3
    warm_up: int = 100
    average: float = 0.998  # share of the old weights in their running mean
    image_every: int = 3  # the image head joins in one step of so many
    save_every: int = 250
    compiled: bool = False  # two minutes of compiling, then a quarter faster on a CPU

    def rate(self, step: int) -> float:
        """Return the learning rate: a short rise, then a half cosine down to 1 %."""
        if step < self.warm_up:
            return self.learning_rate * (step + 1) / self.warm_up
        share = min(1.0, (step - self.warm_up) / max(1, self.steps - self.warm_up))
        return self.learning_rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * share)))


def train(
    network: DeepSXT,
    data: Iterator[Batch],
    plan: Plan,
    folder: Path,
    *,
    on_save: Callable[[DeepSXT, int], dict[str, float]] | None = None,
    progress: Progress | None = None,
) -> DeepSXT:
    """Train until ``plan.steps`` and return the network with the running mean of the weights.

    The state in ``folder`` is written every ``plan.save_every`` steps and taken up again where it
    exists. ``events.jsonl`` there receives one JSON line each time: step, losses, seconds, and the
    figures that ``on_save`` returns for the averaged network.
    """
    folder.mkdir(parents=True, exist_ok=True)
    progress = progress or Progress()
    progress.begin(plan.steps, "training")
    network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    averaged = DeepSXT(network.width)
    averaged.load_state_dict(network.state_dict())
    optimiser = torch.optim.Adam(network.parameters(), lr=plan.learning_rate)
    state_file = folder / "state.npz"
    step = 0
    if state_file.exists():
        state = load_state(state_file)
        network.load_state_dict(state["network"])
        averaged.load_state_dict(state["averaged"])
        restore_optimiser(network, optimiser, state["optimiser"])
        step = int(state["run"]["step"])
    progress.step(step)
    outline = torch.compile(network.outline) if plan.compiled else network.outline
    sums, began = np.zeros(2), time.monotonic()
    while step < plan.steps:
        for group in optimiser.param_groups:
            group["lr"] = plan.rate(step)
        with_image = step % plan.image_every == 0
        sums += _train_step(network, outline, optimiser, next(data), with_image)
        _move_average(averaged, network, min(plan.average, (step + 1) / (step + 10)))
        step += 1
        if step % plan.save_every == 0 or step == plan.steps:
            save_state(
                state_file,
                network=network.state_dict(),
                averaged=averaged.state_dict(),
                optimiser=optimiser_state(network, optimiser),
                run={"step": torch.tensor(step)},
            )
            event = {"step": step, "label_loss": sums[0] / plan.save_every}
            event |= {"image_loss": plan.image_every * sums[1] / plan.save_every}
            event |= {"seconds": time.monotonic() - began}
            if on_save is not None:
                event |= on_save(averaged.eval(), step)
            with (folder / "events.jsonl").open("a", encoding="utf-8") as log:
                log.write(json.dumps({key: round(float(value), 5) for key, value in event.items()}) + "\n")
            sums, began = np.zeros(2), time.monotonic()
        progress.step()
    return averaged.eval()


def _train_step(
    network: DeepSXT,
    outline: Callable[[Tensor, int], tuple[Tensor, Tensor]],
    optimiser: torch.optim.Optimizer,
    batch: Batch,
    with_image: bool,
) -> tuple[float, float]:
    """Learn from one batch; patches without labels reach the encoder and the image decoder only."""
    network.train()
    images = torch.from_numpy(batch.images).to(memory_format=torch.channels_last)
    labels = torch.from_numpy(batch.labels)
    count = len(labels)
    scores, neck = outline(images, count)
    label_loss = outline_loss(scores, labels)
    loss, drawn = label_loss, 0.0
    if with_image:
        redrawn = network.draw_image(neck)
        term = 0.05 * huber(redrawn[:count], images[:count])
        if len(images) > count:
            term = term + 0.1 * image_loss(redrawn[count:], images[count:])
        loss, drawn = label_loss + term, float(term.detach())
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(network.parameters(), 2.0)
    optimiser.step()
    return float(label_loss.detach()), drawn


def _move_average(averaged: DeepSXT, network: DeepSXT, keep: float) -> None:
    current: dict[str, Tensor] = network.state_dict()
    with torch.no_grad():
        for name, mean in averaged.state_dict().items():
            if mean.dtype.is_floating_point:
                mean.lerp_(current[name].to(mean.dtype), 1 - keep)
            else:
                mean.copy_(current[name])
