"""Make the compact model: ``python -m sxtstudio.training --unlabelled IMAGE… --into models``."""

from __future__ import annotations

import argparse
import datetime
import sys
from pathlib import Path

from sxtstudio.core.errors import UserError
from sxtstudio.core.progress import Progress, ProgressState
from sxtstudio.training.recipe import Recipe, describe, fit, install, read_unlabelled, simulate_set


def main(arguments: list[str] | None = None) -> int:
    """Simulate, train and install; a second call goes on where the first one was interrupted."""
    parser = argparse.ArgumentParser(prog="python -m sxtstudio.training", description=__doc__)
    parser.add_argument("--work", type=Path, default=Path("runs/compact"), help="data and state of the run")
    parser.add_argument(
        "--unlabelled", type=Path, nargs="*", default=[], help="real tomograms without labels"
    )
    parser.add_argument("--steps", type=int, default=Recipe.steps)
    parser.add_argument("--into", type=Path, default=Path("models"), help="folder for the .onnx and its card")
    options = parser.parse_args(arguments)
    recipe = Recipe(steps=options.steps)
    try:
        simulate_set(options.work / "data", recipe, Progress(listener=_show))
        images = read_unlabelled(options.unlabelled)
        network = fit(options.work / "data", options.work, recipe, images, Progress(listener=_show))
        card = {
            "name": recipe.name,
            "description": "Outlines membranes; made by the recipe in sxtstudio/training/recipe.py.",
            "trained_on": f"{recipe.tomograms - recipe.held_out} simulated tomograms; {len(images)} real "
            "slices without labels took part through the image decoder. No labelled real cells.",
            "voxel_nm": [8.0, 20.0],
            "polarity": "dark",
            "threshold": 0.0,
            "licence": "MIT",
            "created": datetime.date.today().isoformat(),
            "recipe": describe(recipe),
        }
        print(f"\ninstalled {install(network, options.into, card)}; score it with: python -m bench.accuracy")
    except UserError as error:
        print(f"\n{error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"\nstopped; the same command goes on from the state in {options.work}", file=sys.stderr)
        return 130
    return 0


def _show(state: ProgressState) -> None:
    left = "" if state.remaining_s is None else f", {state.remaining_s / 60:.0f} min left"
    print(f"\r{state.stage}: {100 * state.fraction:5.1f} %{left}   ", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
