"""Crops of slices, made anew for each step from the seed and the step's number alone.

So an interrupted training sees the same crops when it goes on, and no generator has to be kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sxtstudio.training.artefacts import add_artefacts, bare_ice
from sxtstudio.training.augment import add_soft_bodies, cutter, normalise, random_appearance, texture_spectra
from sxtstudio.training.config import Augmentation
from sxtstudio.training.dataset import Dataset, Image, SliceRef, Truth
from sxtstudio.training.grain import fine_texture, quilt
from sxtstudio.training.visibility import drowned

_LABELLED, _UNLABELLED = 0, 1
_SPECTRA_SLICES = 24
_SPECTRUM_PX = 160
_TRIES = 4
_WITH_GRAIN = 0.4  # share of the crops that receive the grain of unlabelled slices
_BARE_ICE = 0.12  # share of the crops with another appearance that show ice and gold instead
_ANY = 0.3  # share of the crops that may well show no membrane


@dataclass(frozen=True)
class Crops:
    """Images and labels (n, 1, y, x) float32; labels are −1 background, 1 membrane, 0 does not count."""

    images: NDArray[np.float32]
    labels: NDArray[np.float32] | None = None


class CropMaker:
    """Makes the crops of any step."""

    def __init__(
        self,
        data: Dataset,
        augmentation: Augmentation,
        size_px: int,
        seed: int,
        *,
        soft_bodies: bool = False,
        own_appearance: float = 0.0,
    ) -> None:
        """Choose how crops appear.

        Of "appearances", ``soft_bodies`` draws outlined droplets into labelled crops as well, and
        ``own_appearance`` is the share of labelled crops that are only turned and scaled: enough to learn a
        new appearance, while the others keep the network from forgetting those it knows.
        """
        self._data = data
        self._varied = augmentation == "appearances"
        self._size = size_px
        self._seed = seed
        self._soft_bodies = soft_bodies
        self._own_appearance = own_appearance
        slices = self._sample() if self._varied else []
        self._spectra = texture_spectra(slices, min(size_px, _SPECTRUM_PX))
        self._textures = [texture for texture in map(fine_texture, slices) if texture is not None]

    def labelled(self, step: int, numbers: range) -> Crops:
        """Return the labelled crops with these numbers of a step (several processes share a step)."""
        pairs = []
        for number in numbers:
            rng = np.random.default_rng([self._seed, step, _LABELLED, number])
            pairs.append(self._labelled(rng))
        images = np.stack([image for image, _ in pairs])[:, None]
        return Crops(images, np.stack([truth for _, truth in pairs])[:, None].astype(np.float32))

    def unlabelled(self, step: int, numbers: range) -> Crops:
        """Return the crops without labels with these numbers of a step."""
        images = []
        for number in numbers:
            rng = np.random.default_rng([self._seed, step, _UNLABELLED, number])
            images.append(self._unlabelled(rng))
        return Crops(np.stack(images)[:, None])

    def _labelled(self, rng: np.random.Generator) -> tuple[Image, Truth]:
        ref = _choose(rng, self._data.labelled, self._data.chances)
        image, truth = self._data.reader.image(ref), self._data.reader.truth(ref)
        empty_is_fine = not self._varied or rng.random() < _ANY
        for _ in range(_TRIES):
            crop = (
                self._varied_crop(rng, image, truth)
                if self._varied
                else turned_crop(rng, image, truth, self._size)
            )
            # What does not count at all teaches nothing; with varied appearances, empty crops are rarer too.
            if (crop[1] != 0).mean() > 0.05 and (empty_is_fine or (crop[1] > 0).mean() > 0.01):
                break
        cut, labels = crop
        if self._varied:
            if self._soft_bodies:
                cut, labels = _with_bodies(rng, cut, labels)
            cut = normalise(cut)
            if rng.random() >= self._own_appearance:
                cut, labels = self._other_appearance(rng, cut, labels)
        return cut, labels

    def _other_appearance(self, rng: np.random.Generator, cut: Image, labels: Truth) -> tuple[Image, Truth]:
        """Return the normalised crop as another instrument might have shown it, and what then counts."""
        if rng.random() < _BARE_ICE:
            cut, labels = bare_ice(rng, self._size)
        cut, labels = add_artefacts(rng, cut, labels)
        before = cut
        if self._textures and rng.random() < _WITH_GRAIN:
            grain = quilt(rng, self._textures, cut.shape)
            cut = normalise(normalise(cut) + np.float32(rng.uniform(0.2, 1.3)) * grain)
        appearance = random_appearance(rng, cut, self._spectra)
        return appearance, np.where(drowned(before, appearance, labels > 0), np.int8(0), labels)

    def _varied_crop(self, rng: np.random.Generator, image: Image, truth: Truth) -> tuple[Image, Truth]:
        cut = cutter(rng, image.shape, self._size, float(np.exp(rng.uniform(-0.3, 0.45))))
        labels = np.where(cut((truth > 0).astype(np.float32)) > 0.5, 1, -1).astype(np.int8)
        if not truth.all():
            # Interpolation mixes neighbours: a pixel counts only if all that went into it did.
            labels[cut((truth == 0).astype(np.float32)) > 1e-6] = 0
        return cut(image), labels

    def _unlabelled(self, rng: np.random.Generator) -> Image:
        image = self._data.reader.image(_choose(rng, self._data.unlabelled))
        if not self._varied:
            return turned_crop(rng, image, None, self._size)[0]
        crop = cutter(rng, image.shape, self._size, float(np.exp(rng.uniform(-0.2, 0.3))))(image)
        # A few hot pixels would take all the contrast.
        crop = normalise(np.clip(crop, *np.percentile(crop, [0.1, 99.9])))
        return -crop if rng.random() < 0.15 else crop

    def _sample(self) -> list[Image]:
        """Return some of the slices without labels; their grain is lent to labelled crops."""
        refs = self._data.unlabelled
        chosen = refs[:: max(1, -(-len(refs) // _SPECTRA_SLICES))]
        return [_clipped(self._data.reader.image(ref)) for ref in chosen]


def turned_crop(
    rng: np.random.Generator, image: Image, truth: Truth | None, size: int
) -> tuple[Image, Truth]:
    """Cut a random square, turned by a multiple of 90° and perhaps mirrored, as published.

    A slice smaller than the square is mirrored at its borders; what is added does not count.
    """
    truth = np.zeros(image.shape, np.int8) if truth is None else truth
    lacking = [max(0, size - n) for n in image.shape]
    if any(lacking):
        margins = [(n // 2, n - n // 2) for n in lacking]
        image, truth = np.pad(image, margins, mode="symmetric"), np.pad(truth, margins)
    y, x = (int(rng.integers(n - size + 1)) for n in image.shape)
    quarters, mirrored = int(rng.integers(4)), rng.random() < 0.5

    def cut(array: NDArray[np.generic]) -> NDArray[np.generic]:
        square = np.rot90(array[y : y + size, x : x + size], quarters)
        return np.ascontiguousarray(square[:, ::-1] if mirrored else square)

    return cut(image), cut(truth)  # type: ignore[return-value]


def _with_bodies(rng: np.random.Generator, image: Image, labels: Truth) -> tuple[Image, Truth]:
    """Add droplets with outlined rims where nothing is labelled and everything counts."""
    occupied = (labels != -1).astype(np.float32)
    image, drawn = add_soft_bodies(rng, image, occupied)
    labels = labels.copy()
    labels[(drawn > 0) & (occupied == 0)] = 1
    return image, labels


def _choose(
    rng: np.random.Generator, refs: Sequence[SliceRef], chances: NDArray[np.float64] | None = None
) -> SliceRef:
    if chances is None:
        return refs[int(rng.integers(len(refs)))]
    return refs[min(int(np.searchsorted(chances, rng.random(), "right")), len(refs) - 1)]


def _clipped(image: Image) -> Image:
    clipped: Image = np.clip(image, *np.percentile(image, [0.1, 99.9])).astype(np.float32)
    return clipped
