"""The options of a training that bring in the appearance of real slices, each by itself, at equal steps.

    python -m bench.options [--recipe models/compact.toml] [--into runs/options] [--steps 400] [--quick]

From the model that the recipe goes on from: without these options (with two seeds: their difference is what
chance does), with each of them alone, and with all. All learn abreast, a step each in turn, so that they are
equally far whenever this is interrupted; the same command goes on. Judged is what would come of each: the
running mean of the weights, with the recipe's share of the start. What the recipe's head names has to be
there. ``--quick`` only shows that it works.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import islice
from pathlib import Path

from msgspec import structs

from bench.accuracy import BORDERS, ROOT, Outlined, all_judges, curve, textbook_simulator
from sxtstudio.core.errors import UserError
from sxtstudio.core.evaluation.calibration import PrecisionRecallCurve, thresholds_for
from sxtstudio.core.uses import Use
from sxtstudio.segment import SegmentParameters, load_card
from sxtstudio.training.config import TrainConfig, Training, load_config
from sxtstudio.training.control import Control
from sxtstudio.training.dataset import Dataset, open_dataset
from sxtstudio.training.distributed import TrainingGroup, joined
from sxtstudio.training.events import Events
from sxtstudio.training.job import StartModel, first_network
from sxtstudio.training.model_card import write_model
from sxtstudio.training.trainer import Trainer

_OFF = {"spectra": 0.0, "agree": 0.0, "teach": 0.0, "restore": False}
_ON = {"spectra": 0.3, "agree": 0.5, "teach": 0.3, "restore": True}
_SAVE_EVERY = 20
_QUICK_STEPS = 2


def plans(recipe: Training, steps: int) -> dict[str, Training]:
    """Return how each trial learns, by its name."""
    base = structs.replace(
        recipe, steps=steps, minutes=None, warm_up=min(recipe.warm_up, steps // 10), **_OFF
    )
    return {
        "none": base,
        "none, another seed": structs.replace(base, seed=base.seed + 1),
        **{option: structs.replace(base, **{option: value}) for option, value in _ON.items()},
        "all": structs.replace(base, **_ON),
    }


def opened(
    config: TrainConfig, start: StartModel, into: Path, steps: int, group: TrainingGroup
) -> list[Trainer]:
    """Return the trainers of all trials; those that have a state in ``into`` go on from there."""
    data = open_dataset(config, into / "unpacked")
    return [
        _trainer(replace(config, name=name, training=plan), data, start, into, group)
        for name, plan in plans(config.training, steps).items()
    ]


def _trainer(
    config: TrainConfig, data: Dataset, start: StartModel, into: Path, group: TrainingGroup
) -> Trainer:
    folder = into / config.name.replace(", ", "-").replace(" ", "-")
    folder.mkdir(parents=True, exist_ok=True)
    return Trainer(
        config,
        data,
        first_network(config, start),
        folder,
        Events(folder),
        Control(),
        group,
        from_model=True,
        threshold=start.threshold,
    )


def learn_abreast(trainers: list[Trainer], steps: int) -> None:
    """Take each to its last step, one step each in turn."""
    warm_up = trainers[0].plan.warm_up
    while (step := min(trainer.state.step for trainer in trainers)) < steps:
        share = max(0.0, (step - warm_up) / max(1, steps - warm_up))
        for trainer in trainers:
            if trainer.state.step == step:
                trainer.step(trainer.crops(step), share)
        if (step + 1) % _SAVE_EVERY == 0 or step + 1 == steps:
            for trainer in trainers:
                trainer.save()
            print(f"step {step + 1} of {steps}", flush=True)


def models_of(trainers: list[Trainer], start: StartModel) -> Iterator[tuple[str, Path]]:
    """Write what comes of each trial as a model, and yield its name and file."""
    for trainer in trainers:
        mean = trainer.averaged if trainer.averaged is not None else trainer.network
        card = {
            "name": "trial",
            "description": f"A trial of options of a training: {trainer.config.name}.",
            "trained_on": "What the recipe names.",
            "licence": trainer.config.licence,
            "threshold": start.threshold,
        }
        yield (
            trainer.config.name,
            write_model(trainer.made_of(mean).cpu().eval(), trainer.folder, card),
        )


def judged(model: Path, judges: Mapping[str, list[Outlined]]) -> str:
    """Return the rest of a row: the threshold of the best mean F1, and P / R / F1 of each judge there."""
    parameters = SegmentParameters(str(model), device="cpu", polarity="dark")
    curves: dict[str, PrecisionRecallCurve] = {
        name: curve(slices, parameters) for name, slices in judges.items()
    }
    rated = {name: found for name, found in curves.items() if name != BORDERS}
    threshold = thresholds_for(rated)[Use.BALANCED]
    cells = [f"{threshold:g}"]
    for name, found in curves.items():
        at = found.at(threshold)
        alone = name == BORDERS
        cells.append(f"{at.recall:.3f}" if alone else f"{at.precision:.3f} / {at.recall:.3f} / {at.f():.3f}")
    return " | ".join(cells)


def main() -> None:
    """Print a table of all trials."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--recipe", type=Path, default=ROOT / "models" / "compact.toml")
    parser.add_argument("--into", type=Path, default=ROOT / "runs" / "options")
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--quick", action="store_true", help="two steps, two slices: does it work?")
    options = parser.parse_args()
    steps = _QUICK_STEPS if options.quick else options.steps
    try:
        config = load_config(options.recipe)
    except UserError as error:
        print(f"Not tried: {error}")
        return
    if config.start_from is None:
        raise SystemExit(f"{options.recipe.name} goes on from no model.")
    card = load_card(Path(config.start_from))
    if card.path is None:
        raise SystemExit(f"{config.start_from} has no file to go on from.")
    start = StartModel(card.path, card.name, card.threshold)
    with joined(config.training.device) as group:
        trainers = opened(config, start, options.into, steps, group)
        learn_abreast(trainers, steps)
        models = [(f"{card.name}, as it is", card.path), *models_of(trainers, start)]
    if options.quick:
        judges = {"phantoms of the textbook": list(islice(textbook_simulator(), 2))}
    else:
        judges = {name: list(slices()) for name, (slices, _) in all_judges().items()}
    print(f"| {steps} steps with | threshold | {' | '.join(judges)} |\n|{'---|' * (2 + len(judges))}")
    for name, model in models:
        print(f"| {name} | {judged(model, judges)} |", flush=True)


if __name__ == "__main__":
    main()
