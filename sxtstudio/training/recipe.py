"""The recipe of the compact model: simulate, train, judge on held-out phantoms, install with a card.

Everything follows from the recipe's seeds and the unlabelled real images that are given to it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from sxtstudio.core.atomic import atomic_write
from sxtstudio.core.geometry import Box, Triple
from sxtstudio.core.polarity import detect_polarity
from sxtstudio.core.progress import Progress
from sxtstudio.io import open_volume
from sxtstudio.training.augment import Image, normalise
from sxtstudio.training.data import LabelledTomogram, batches, load_labelled
from sxtstudio.training.export import export_onnx, halo_px
from sxtstudio.training.loop import Plan, train
from sxtstudio.training.network import MULTIPLE, DeepSXT
from sxtstudio.training.scores import Agreement, compare_all
from sxtstudio.training.simulate import save_pair, simulate

#: Slices of each held-out tomogram that are scored.
SCORED_SLICES = 6


@dataclass(frozen=True)
class Recipe:
    """Every choice that makes a model."""

    name: str = "compact"
    width: int = 12
    tomograms: int = 68
    held_out: int = 2
    shape: Triple = (56, 224, 256)
    first_seed: int = 1000
    patch_px: int = 160
    patches: int = 4
    unlabelled_patches: int = 1
    steps: int = 5000
    seed: int = 1
    weights_seed: int = 7

    @property
    def names(self) -> list[str]:
        """Names of the simulated tomograms; the first ``held_out`` are never trained on."""
        return [f"p{self.first_seed + i}" for i in range(self.tomograms)]


def simulate_set(folder: Path, recipe: Recipe, progress: Progress | None = None) -> None:
    """Simulate the recipe's tomograms into ``folder``, leaving out those that are there already."""
    progress = progress or Progress()
    progress.begin(recipe.tomograms, "simulating tomograms")
    for i, name in enumerate(recipe.names):
        if not (folder / f"{name}.labels.npy").exists():
            save_pair(folder, name, simulate(recipe.first_seed + i, recipe.shape))
        progress.step()


def read_unlabelled(paths: Sequence[Path]) -> list[Image]:
    """Return all slices of real tomograms, absorbing structures dark, without their outermost pixels.

    Extreme values are clipped at the 0.1 and 99.9 percentile; slices too small to cut are left out.
    """
    slices: list[Image] = []
    for path in paths:
        with open_volume(path) as volume:
            sign = -1 if detect_polarity(volume).value == "bright" else 1
            for z in range(volume.shape[0]):
                image = sign * volume.read(Box.slab(z, z + 1, volume.shape))[0].astype(np.float32)
                if min(image.shape) >= 400:  # whole slices have borders with reconstruction artefacts
                    image = image[8:-8, 8:-8]
                if min(image.shape) >= 96:
                    slices.append(np.clip(image, *np.percentile(image, [0.1, 99.9])))
    return slices


def fit(
    folder: Path,
    run: Path,
    recipe: Recipe,
    unlabelled: Sequence[Image],
    progress: Progress | None = None,
    on_save: Callable[[DeepSXT, int], dict[str, float]] | None = None,
    compiled: bool = True,
) -> DeepSXT:
    """Train on the set in ``folder``; the state in ``run`` makes an interrupted training go on."""
    torch.manual_seed(recipe.weights_seed)
    labelled = load_labelled(folder, recipe.names[recipe.held_out :])
    held_out = load_labelled(folder, recipe.names[: recipe.held_out])
    data = batches(
        np.random.default_rng(recipe.seed),
        labelled,
        unlabelled,
        recipe.patch_px,
        recipe.patches,
        recipe.unlabelled_patches,
    )

    def scores(network: DeepSXT, step: int) -> dict[str, float]:
        agreement = judge(network, held_out)
        figures = {"precision": agreement.precision, "recall": agreement.recall, "f1": agreement.f1}
        return figures | (on_save(network, step) if on_save else {})

    plan = Plan(steps=recipe.steps, compiled=compiled)
    return train(DeepSXT(recipe.width), data, plan, run, on_save=scores, progress=progress)


def predict(network: DeepSXT, image: Image) -> Image:
    """Return the label map (−1…1) of one slice (y, x) of any size."""
    height, width = image.shape
    padded = np.pad(normalise(image), ((0, -height % MULTIPLE), (0, -width % MULTIPLE)), mode="reflect")
    with torch.inference_mode():
        label = network(torch.from_numpy(padded)[None, None]).label
    result: Image = label[0, 0, :height, :width].numpy()
    return result


def judge(network: DeepSXT, tomograms: Sequence[LabelledTomogram], threshold: float = 0.0) -> Agreement:
    """Return the agreement with the outlines of tomograms that the network has not seen."""

    def pairs() -> Iterator[tuple[Image, NDArray[np.bool_]]]:
        for tomogram in tomograms:
            depth = tomogram.outline.shape[0]
            for z in np.linspace(depth * 0.2, depth * 0.8, SCORED_SLICES).astype(int):
                image, outline = tomogram.slice(int(z))
                yield predict(network, image), outline > 0.5

    return compare_all(pairs(), threshold)


def install(network: DeepSXT, folder: Path, card: dict[str, Any]) -> Path:
    """Write ``name.onnx`` and its card ``name.json`` into a folder of models.

    The model is compared with PyTorch first; one that differs is not written.
    """
    path = export_onnx(network, folder / f"{card['name']}.onnx")
    complete = card | {
        "base_width": network.width,
        "input_name": "input",
        "label_output": "label",
        "image_output": "image",
        "multiple": MULTIPLE,
        "halo_px": halo_px(),
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }
    with atomic_write(path.with_suffix(".json")) as temporary:
        temporary.write_text(json.dumps(complete, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def describe(recipe: Recipe) -> dict[str, Any]:
    """Return the recipe as the card keeps it."""
    return asdict(recipe)
