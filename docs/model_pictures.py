"""Draw what a model outlines: ``python docs/model_pictures.py [--model NAME] [--into docs]``.

``model-real.png`` shows the labelled real patches (slice, annotator in green, model in red, agreement in
yellow) and two slices of whole cells with the model's labels; ``model-phantoms.png`` slices of the second
simulator. Real images are read from ../shared/data/real where that folder exists.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.accuracy import PATCHES, Outlined, other_simulator, real_patches
from sxtstudio.core.geometry import Box
from sxtstudio.core.image_polarity import detect_polarity
from sxtstudio.core.normalise import normalise_slice
from sxtstudio.core.volume import ArrayVolume
from sxtstudio.io import open_volume
from sxtstudio.segment import SegmentParameters, load_card, make_runner, segment_slice
from sxtstudio.segment.device import choose_device

GREEN, RED, YELLOW = (0.0, 0.65, 0.0), (0.75, 0.0, 0.0), (0.75, 0.75, 0.0)
WHOLE_CELLS = ("alba/Figure2_ALBA_ALBA_NI-slice404.tif", "berkeley/Figure2_Berkeley_Berkely-NI_slice479.tif")
Picture = NDArray[np.float64]
Mask = NDArray[np.bool_]


class Model:
    """Labels slices with an installed model."""

    def __init__(self, name: str) -> None:
        """Load the model."""
        self.name = name
        self.runner = make_runner(load_card(name), choose_device("cpu"))

    def labels(self, tomogram: NDArray[Any], z: int, polarity: Any) -> Mask:
        """Return the labels (y, x) of slice ``z`` of a tomogram (z, y, x)."""
        parameters = SegmentParameters(self.name, device="cpu", polarity=polarity)
        done = segment_slice(ArrayVolume(tomogram), z, parameters, runner=self.runner)
        return np.zeros(tomogram.shape[1:], bool) if done.labels is None else done.labels > 0


def grey(image: NDArray[Any]) -> Picture:
    """Return a slice as grey RGB (y, x, 3), 0…1."""
    normal = normalise_slice(image)
    return np.repeat(np.clip((normal + 2.5) / 5, 0, 1)[..., None], 3, axis=2)


def tinted(picture: Picture, mask: Mask, colour: tuple[float, float, float]) -> Picture:
    """Return the picture with a mask in colour over it."""
    result = picture.copy()
    result[mask] = 0.4 * result[mask] + np.array(colour)
    return np.clip(result, 0, 1)


def row(model: Model, outlined: Outlined, polarity: str) -> Picture:
    """Return slice, annotator's outlines and the model's, side by side."""
    tomogram, z, truth, _ = outlined
    plain, found = grey(tomogram[z]), model.labels(tomogram, z, polarity)
    compared = tinted(tinted(plain, found & ~truth, RED), found & truth, YELLOW)
    return np.hstack([plain, tinted(plain, truth, GREEN), compared])


def whole_cell(model: Model, path: Path) -> Picture:
    """Return a real slice and the same with the model's labels, absorbing structures dark."""
    with open_volume(path) as volume:
        polarity = detect_polarity(volume).value
        image = volume.read(Box.slab(0, 1, volume.shape))[0].astype(np.float32)
    plain = grey(-image if polarity == "bright" else image)
    return np.hstack([plain, tinted(plain, model.labels(image[None], 0, polarity), RED)])


def save(picture: Picture, path: Path, width: int) -> None:
    """Write a picture scaled to a width."""
    image = Image.fromarray((255 * picture).astype(np.uint8))
    image.resize((width, round(image.height * width / image.width)), Image.Resampling.LANCZOS).save(
        path, optimize=True
    )
    print(path)


def main() -> None:
    """Write the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="compact")
    parser.add_argument("--into", type=Path, default=Path(__file__).parent)
    options = parser.parse_args()
    model = Model(options.model)
    phantoms = [row(model, outlined, "dark") for outlined in list(other_simulator())[1::4]]
    half = len(phantoms) // 2
    both = [np.vstack(phantoms[:half]), np.vstack(phantoms[half : 2 * half])]
    save(np.hstack(both), options.into / "model-phantoms.png", 1100)
    if PATCHES.is_dir():
        save(
            np.vstack([row(model, outlined, "dark") for outlined in real_patches()]),
            options.into / "model-real.png",
            588,
        )
        for number, name in enumerate(WHOLE_CELLS, 1):
            save(whole_cell(model, PATCHES.parent / name), options.into / f"model-cell-{number}.png", 900)


if __name__ == "__main__":
    main()
