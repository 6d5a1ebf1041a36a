"""Training data on disk, read slice by slice, and the batches made of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.errors import UserError
from sxtstudio.training.augment import (
    Image,
    add_soft_bodies,
    cut_patch,
    normalise,
    random_look,
    texture_spectra,
)

#: Slices this close to a simulated tomogram's top and bottom show mostly its borders.
MARGIN_SLICES = 4


@dataclass(frozen=True)
class LabelledTomogram:
    """A memory-mapped tomogram and its outlines, both (z, y, x)."""

    name: str
    tomogram: NDArray[Any]
    outline: NDArray[np.uint8]

    def slice(self, z: int) -> tuple[Image, Image]:
        """Return slice ``z`` and its outline as float32."""
        return self.tomogram[z].astype(np.float32), self.outline[z].astype(np.float32)


@dataclass(frozen=True)
class Batch:
    """Patches (n, 1, y, x) float32: the first ones with labels (−1 or 1), the rest without."""

    images: NDArray[np.float32]
    labels: NDArray[np.float32]


def load_labelled(folder: Path, names: Sequence[str] | None = None) -> list[LabelledTomogram]:
    """Return the pairs ``name.npy`` and ``name.labels.npy`` of a folder, in the order of their names.

    Raises
    ------
    UserError
        If the folder holds no pair, or the two files of a pair do not fit together.
    """
    pairs = []
    for labels in sorted(folder.glob("*.labels.npy")):
        name = labels.name.removesuffix(".labels.npy")
        if names is not None and name not in names:
            continue
        tomogram = np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)
        outline = np.load(labels, mmap_mode="r", allow_pickle=False)
        if tomogram.shape != outline.shape or tomogram.ndim != 3:
            raise UserError(
                f"{labels.name} has the shape {outline.shape} but {name}.npy has {tomogram.shape}: "
                "labels and tomogram have to be the same size."
            )
        pairs.append(LabelledTomogram(name, tomogram, outline))
    if not pairs:
        raise UserError(f"{folder} holds no pairs of name.npy and name.labels.npy; simulate some first.")
    return pairs


def batches(
    rng: np.random.Generator,
    labelled: Sequence[LabelledTomogram],
    unlabelled: Sequence[Image],
    size: int,
    count: int,
    count_unlabelled: int,
) -> Iterator[Batch]:
    """Yield batches for ever: ``count`` patches with labels, then ``count_unlabelled`` without.

    ``unlabelled`` are whole slices (y, x) with absorbing structures dark.
    """
    spectra = texture_spectra(unlabelled, min(size, 160))
    while True:
        patches = [_labelled_patch(rng, labelled, spectra, size) for _ in range(count)]
        images = [image for image, _ in patches]
        if unlabelled:
            images += [_unlabelled_patch(rng, unlabelled, size) for _ in range(count_unlabelled)]
        labels = np.stack([label for _, label in patches])
        yield Batch(np.stack(images)[:, None], labels[:, None])


def _labelled_patch(
    rng: np.random.Generator, labelled: Sequence[LabelledTomogram], spectra: Sequence[Image], size: int
) -> tuple[Image, Image]:
    tomogram = labelled[int(rng.integers(len(labelled)))]
    z = int(rng.integers(MARGIN_SLICES, tomogram.outline.shape[0] - MARGIN_SLICES))
    image, outline = tomogram.slice(z)
    best: tuple[Image, Image] | None = None
    # Empty patches teach little: take the second try where the first shows hardly any membrane.
    for _ in range(2):
        cut, label = cut_patch(rng, normalise(image), outline, size, float(np.exp(rng.uniform(-0.3, 0.45))))
        assert label is not None
        best = (cut, label)
        if (label > 0.5).mean() > 0.01:
            break
    assert best is not None
    cut, label = add_soft_bodies(rng, *best)
    return random_look(rng, cut, spectra), np.where(label > 0.5, 1, -1).astype(np.float32)


def _unlabelled_patch(rng: np.random.Generator, unlabelled: Sequence[Image], size: int) -> Image:
    image = unlabelled[int(rng.integers(len(unlabelled)))]
    patch, _ = cut_patch(rng, image, None, size, float(np.exp(rng.uniform(-0.2, 0.3))))
    sign = -1 if rng.random() < 0.15 else 1
    return (sign * normalise(patch)).astype(np.float32)
