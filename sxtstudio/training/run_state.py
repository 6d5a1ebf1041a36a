"""What a training has to remember so that it can go on where it was interrupted."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
from msgspec import Meta
from torch import Tensor

from sxtstudio.core.errors import UserError
from sxtstudio.core.records import json_values, record_of
from sxtstudio.core.training_events import EVENTS
from sxtstudio.training.checkpoint import load_state, optimiser_state, restore_optimiser, save_state
from sxtstudio.training.network import DeepSXT

FILE = "state.npz"
SET_ASIDE = "state.old.npz"

Weights = dict[str, Tensor]


_Best = Annotated[float, Meta(ge=-1, le=1)]
_Counter = Annotated[int, Meta(ge=0)]
_Since = Annotated[int, Meta(ge=-1)]


@dataclass
class RunState:
    """Counters and figures of a training; the arrays are in the network, its mean and Adam.

    ``best_step`` is the step of the weights that are kept as the best, −1 before the first evaluation;
    ``highest_f1`` may be that of earlier ones, not clearly better, and ``highest_counts`` (groups, 4) are
    the pixels that it comes from, of the slices, the threshold and the share of the start that ``judged``
    stands for; ``waited`` counts evaluations since the last better one. Losses are running means, None
    before the first.
    """

    step: _Counter = 0
    seconds: Annotated[float, Meta(ge=0)] = 0.0
    evaluated: _Since = -1
    best_step: _Since = -1
    best_f1: _Best = -1.0
    highest_f1: _Best = -1.0
    best_loss: float = float("inf")
    lowest_loss: float = float("inf")
    waited: _Counter = 0
    label_loss: float | None = None
    image_loss: float | None = None
    judged: str = ""
    highest_counts: list[list[_Counter]] = field(default_factory=list)


def save_run(
    folder: Path,
    state: RunState,
    network: DeepSXT,
    averaged: DeepSXT | None,
    best: Weights | None,
    optimiser: torch.optim.Adam,
    fingerprint: dict[str, Any],
) -> None:
    """Write the whole state of a training, replacing the former one in one step.

    Raises
    ------
    UserError
        If the disk is full or the folder cannot be written to; the former state is then left as it was.
    """
    parts: dict[str, Weights] = {
        "network": network.state_dict(),
        "optimiser": optimiser_state(network, optimiser),
        "run": {"state": _text(asdict(state)), "settings": _text(fingerprint)},
    }
    if averaged is not None:
        parts["averaged"] = averaged.state_dict()
    if best is not None:
        parts["best"] = best
    save_state(folder / FILE, **parts)


def load_run(
    folder: Path,
    network: DeepSXT,
    averaged: DeepSXT | None,
    optimiser: torch.optim.Adam,
    fingerprint: dict[str, Any],
) -> tuple[RunState, Weights | None]:
    """Take up the state in ``folder``; return the counters and the best weights so far.

    Raises
    ------
    UserError
        If the state is damaged, or belongs to a training with other settings.
    """
    parts = load_state(folder / FILE)
    what, advice = f"The state of the training in {folder} is damaged", "Begin anew (--restart)."
    try:
        settings, counters = (
            json_values(parts["run"][key].numpy().tobytes(), what, advice, nan=True)
            for key in ("settings", "state")
        )
        if settings != json.loads(json.dumps(fingerprint)):
            raise UserError(
                f"The training in {folder} was begun with other data or settings. Begin anew (--restart), or "
                "choose another folder."
            )
        network.load_state_dict(parts["network"])
        if averaged is not None:
            averaged.load_state_dict(parts["averaged"])
        restore_optimiser(network, optimiser, parts["optimiser"])
    except (KeyError, ValueError, TypeError, RuntimeError) as error:
        raise UserError(f"{what} ({error}). {advice}") from error
    state = record_of(counters, RunState, what, advice)
    return state, parts.get("best")


def set_aside(folder: Path) -> None:
    """Move a former state out of the way, so that the training begins anew."""
    if (folder / FILE).exists():
        (folder / FILE).replace(folder / SET_ASIDE)
    (folder / EVENTS).unlink(missing_ok=True)


def _text(value: dict[str, Any]) -> Tensor:
    # JSON keeps every digit of a float, and Infinity, which Python reads back.
    return torch.from_numpy(np.frombuffer(json.dumps(value).encode(), np.uint8).copy())
