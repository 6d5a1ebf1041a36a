"""A whole training: data, loop, comparison with before, and the model with its card."""

from __future__ import annotations

import datetime
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sxtstudio.core.errors import UserError
from sxtstudio.core.evaluation.calibration import PrecisionRecallCurve, card_entry
from sxtstudio.core.lock import FolderLock
from sxtstudio.core.training_events import JudgedOn, is_clear
from sxtstudio.core.uses import Use
from sxtstudio.training.config import DEFAULT_WIDTH, TrainConfig
from sxtstudio.training.control import Control
from sxtstudio.training.dataset import Dataset, open_dataset
from sxtstudio.training.distributed import TrainingGroup, joined
from sxtstudio.training.evaluation import Judged, NetworkScores
from sxtstudio.training.events import Events, Listener
from sxtstudio.training.model_card import write_model
from sxtstudio.training.network import DeepSXT
from sxtstudio.training.network_files import load_onnx
from sxtstudio.training.results import write_comparison
from sxtstudio.training.run_state import set_aside
from sxtstudio.training.trainer import Trainer
from sxtstudio.training.widen import widened

_SCORED_ON = {
    JudgedOn.SLICES: "held-out slices of the training",
    JudgedOn.STRIP: "a strip of the slice that it learned from",
}
_LIMITS = {
    JudgedOn.SLICES: "Scored on a few slices of the tomograms it was trained for; others may look different.",
    JudgedOn.STRIP: "Scored on a strip of the only slice it was trained with; others may look different.",
}
#: Thresholds of their own need so many slices that were not learned from, with so many true pixels in all.
_ENOUGH_SLICES = 3
_ENOUGH_PIXELS = 3000
_SHOWN = 6


@dataclass(frozen=True)
class StartModel:
    """The model to go on from, and what its card says that the new one inherits."""

    path: Path
    name: str
    threshold: float = 0.0
    voxel_nm: tuple[float, float] | None = None
    trained_on: str = ""
    uses: Mapping[str, Any] = field(default_factory=dict)  # as in its card


def train_model(
    config: TrainConfig,
    folder: Path,
    *,
    start: StartModel | None = None,
    restart: bool = False,
    listener: Listener | None = None,
    control: Control | None = None,
) -> Path:
    """Train as ``config`` says, in the run's ``folder``, and return the model file that was made.

    A state in the folder is taken up, unless ``restart``. ``listener`` receives every event.

    Raises
    ------
    Cancelled
        If that was ordered; the state has been saved.
    UserError
        In one sentence, if anything is wrong with data, settings, memory or disk; it is an event, too.
    """
    control = control or Control()
    try:
        network = first_network(config, start)  # refused now, before there is a folder
    except UserError as error:
        if listener is not None and os.environ.get("RANK", "0") == "0":
            listener({"event": "error", "text": str(error)})
        raise
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"The folder {folder} cannot be made ({error.strerror}).") from error
    with joined(config.training.device) as group:
        lock = FolderLock(folder) if group.first else None
        events = Events(folder, listener, silent=not group.first)
        try:
            if restart and group.first:
                set_aside(folder)
            group.agree(0.0)  # the others look for a state only now
            return _train(config, folder, start, network, events, control, group)
        except UserError as error:
            events.write("error", text=str(error))
            raise
        finally:
            if lock is not None:
                lock.release()


def _train(
    config: TrainConfig,
    folder: Path,
    start: StartModel | None,
    network: DeepSXT,
    events: Events,
    control: Control,
    group: TrainingGroup,
) -> Path:
    data = open_dataset(config, folder / "unpacked", control.progress)
    threshold = start.threshold if start else 0.0
    trainer = Trainer(
        config,
        data,
        network,
        folder,
        events,
        control,
        group,
        from_model=start is not None,
        threshold=threshold,
    )
    events.write(
        "start",
        step=trainer.state.step,
        of=trainer.expected_steps(),
        device=str(group.device),
        labelled=len(data.labelled),
        held_out=len(data.held_out),
        unlabelled=len(data.unlabelled),
        judged_on=_judged_on(data),
    )
    for note in data.notes:
        events.write("note", text=note)
    reason = trainer.run()
    path = folder / f"{config.name}.onnx"
    if group.first:
        _finish(config, folder, start, events, data, trainer, reason)
    group.agree(0.0)
    return path


def first_network(config: TrainConfig, start: StartModel | None) -> DeepSXT:
    """Return the network before training: the model's, widened if wanted, or random weights from the seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.training.seed)
        if start is None:
            return DeepSXT(config.base_width or DEFAULT_WIDTH, config.slices or 1)
        network = load_onnx(start.path)
        width, slices = config.base_width or network.width, config.slices or network.slices
        if (width, slices) == (network.width, network.slices):
            return network
        return widened(network, width, config.training.seed, slices=slices)


def _finish(
    config: TrainConfig,
    folder: Path,
    start: StartModel | None,
    events: Events,
    data: Dataset,
    trainer: Trainer,
    reason: str,
) -> None:
    """Compare the best weights with those before, and write comparison, model and card."""
    network = DeepSXT(trainer.network.width, trainer.network.slices)
    if trainer.best is None:
        raise UserError("The training ended before anything was learned; let it run longer.")
    device = trainer.group.device
    network.load_state_dict(trainer.best)
    network = trainer.made_of(network.to(device))
    judged_before: list[Judged] = []
    judged_after: list[Judged] = []
    after = trainer.judge(network, judged_after.append)
    before_figures = None
    if start is not None:
        before_figures = _figures(trainer.judge(load_onnx(start.path).to(device), judged_before.append))
    write_comparison(folder / "comparison.npz", _shown(judged_before) or None, _shown(judged_after))
    slices = [judged.image for judged in judged_after]
    card = _card(config, start, data, _figures(after), trainer.state.best_step)
    _add_uses(card, uses_of(judged_after, _judged_on(data), card["threshold"]), start)
    path = write_model(network.cpu().eval(), folder, card, slices)
    f1 = _figures(after)["f1"]
    better = before_figures is None or (f1 > before_figures["f1"] and is_clear(before_figures["f1"], f1))
    events.write(
        "done",
        step=trainer.state.step,
        reason=reason,
        model=path.name,
        before=before_figures,
        after=_figures(after),
        better=better,
        judged_on=_judged_on(data),
        comparison="comparison.npz",
    )


def _shown(judged: Sequence[Judged]) -> list[Judged]:
    """Return those that pictures are kept of: a few, spread evenly."""
    spread = np.linspace(0, len(judged) - 1, min(_SHOWN, len(judged))).round().astype(int)
    return [judged[i] for i in spread]


def _figures(scores: NetworkScores) -> dict[str, float]:
    agreement = scores.agreement
    return {
        "precision": round(agreement.precision, 4),
        "recall": round(agreement.recall, 4),
        "f1": round(agreement.f1, 4),
    }


def _judged_on(data: Dataset) -> JudgedOn:
    return JudgedOn.STRIP if any(ref.strip is not None for ref in data.held_out) else JudgedOn.SLICES


def uses_of(judged: Sequence[Judged], judged_on: JudgedOn, own: float) -> dict[str, Any]:
    """Return a card's thresholds for each use of labels, measured on the judged slices.

    ``own`` is the model's threshold without a use. Nothing where the slices are too few, or hold too little
    membrane: a threshold that is chosen on a strip or on one slice is that of its noise.
    """
    curve = PrecisionRecallCurve()
    for one in judged:
        curve.add(one.label, one.truth > 0, one.truth == 0)
    outlined = sum(bool((one.truth > 0).any()) for one in judged)
    enough = outlined >= _ENOUGH_SLICES and curve.true_pixels >= _ENOUGH_PIXELS
    if judged_on is JudgedOn.STRIP or not enough:
        return {}
    return card_entry({_SCORED_ON[judged_on]: curve}, own=own)


def _add_uses(card: dict[str, Any], measured: dict[str, Any], start: StartModel | None) -> None:
    """Add the uses to a card: those measured, else those of the model before, marked as such, else none."""
    if measured:
        card["uses"] = measured
    elif start is not None and start.uses and _in_order(start.uses, card["threshold"]):
        card["uses"] = {
            use: {
                "threshold": entry["threshold"],
                "scores": {
                    f"{judge} (measured of {start.name})": dict(figures)
                    for judge, figures in entry["scores"].items()
                },
            }
            for use, entry in start.uses.items()
        }
        card["limits"].append(
            f"The thresholds for its uses are those of {start.name}: what was kept aside is too little to "
            "measure its own."
        )


def _in_order(uses: Mapping[str, Any], own: float) -> bool:
    """Whether few false labels are not below a model's own threshold, and everything not above it."""
    few, everything = uses.get(Use.FEW_FALSE), uses.get(Use.EVERYTHING)
    return (few is None or few["threshold"] >= own) and (everything is None or everything["threshold"] <= own)


def _card(
    config: TrainConfig,
    start: StartModel | None,
    data: Dataset,
    figures: dict[str, float],
    step: int,
) -> dict[str, Any]:
    trained_on = config.trained_on or (
        f"{len(data.labelled)} labelled and {len(data.unlabelled)} unlabelled slices of the user's."
    )
    if start is not None and not config.trained_on:
        trained_on += f" Before that, as the model {start.name}: {start.trained_on}"
    judged_on = _judged_on(data)
    card: dict[str, Any] = {
        "name": config.name,
        "description": config.description or "Outlines membranes; trained with sxtstudio train.",
        "trained_on": trained_on.strip(),
        "polarity": "dark",
        "threshold": start.threshold if start else 0.0,
        "scores": {_SCORED_ON[judged_on]: figures},
        "limits": [_LIMITS[judged_on]],
        "licence": config.licence,
        "created": datetime.date.today().isoformat(),
        "recipe": config.card_entry() | {"steps_learned": step},
    }
    voxel_nm = config.voxel_nm or _voxel_range(data, start)
    if voxel_nm is not None:
        card["voxel_nm"] = list(voxel_nm)
    return card


def _voxel_range(data: Dataset, start: StartModel | None) -> tuple[float, float] | None:
    """Return the range of voxel sizes (nm) that was learned from, the start model's included."""
    known = list(start.voxel_nm or ()) if start else []
    for ref in (*data.labelled, *data.unlabelled):
        with suppress(TypeError):
            known.append(float(np.round(ref.stack.voxel_nm[1], 3)))  # type: ignore[index]
    return (min(known), max(known)) if known else None
