"""Crops of slices, made anew for each step from the seed and the step's number alone.

So an interrupted training sees the same crops when it goes on, and no generator has to be kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sxtstudio.training.artefacts import add_artefacts, bare_ice
from sxtstudio.training.augment import add_soft_bodies, cutter, normalise, texture_spectra, varied_appearance
from sxtstudio.training.config import Augmentation
from sxtstudio.training.dataset import Dataset, Image, SliceRef, Truth
from sxtstudio.training.grain import fine_texture, quilt
from sxtstudio.training.neighbouring import as_at_borders, middle_of
from sxtstudio.training.real_spectra import amplitudes, random_spectrum
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
    """Images (n, slices, y, x) and labels of the middle slices (n, 1, y, x), float32.

    Labels are −1 background, 1 membrane, 0 does not count. ``targets`` (n, 1, y, x) are what the image head
    is to draw, where that is not the middle slices. Of crops without labels in two appearances, ``plain``
    (n / 2, slices, y, x) is what they were before; images are the first appearances, then the second ones.
    """

    images: NDArray[np.float32]
    labels: NDArray[np.float32] | None = None
    targets: NDArray[np.float32] | None = None
    plain: NDArray[np.float32] | None = None

    def and_unlabelled(self, more: Crops) -> Crops:
        """Return these crops, which have labels, followed by some without."""
        images = np.concatenate([self.images, more.images])
        targets = None
        if self.targets is not None and more.targets is not None:
            targets = np.concatenate([self.targets, more.targets])
        return Crops(images, self.labels, targets, more.plain)


@dataclass(frozen=True)
class _Crop:
    """One crop (slices, y, x), and what its middle slice looked like before it got another appearance."""

    image: Image
    target: Image


@dataclass(frozen=True)
class Spectra:
    """How often crops get amplitude spectra of real slices, and by how much at most (``real_spectra``)."""

    share: float
    slow: float
    grain: float


class CropMaker:
    """Makes the crops of any step."""

    def __init__(
        self,
        data: Dataset,
        augmentation: Augmentation,
        size_px: int,
        seed: int,
        *,
        slices: int = 1,
        soft_bodies: bool = False,
        own_appearance: float = 0.0,
        spectra: Spectra | None = None,
        restore: bool = False,
    ) -> None:
        """Choose how crops appear, and how many neighbouring ``slices`` they show.

        Of "appearances", ``soft_bodies`` draws outlined droplets into labelled crops as well, and
        ``own_appearance`` is the share of labelled crops that are only turned and scaled: enough to learn a
        new appearance, while the others keep the network from forgetting those it knows. ``spectra`` says how
        real amplitude spectra are mixed in; with ``restore`` crops come with what the image head is to draw.
        """
        self._data = data
        self._varied = augmentation == "appearances"
        self._size = size_px
        self._seed = seed
        self._slices = slices
        self._soft_bodies = soft_bodies
        self._own_appearance = own_appearance
        self._restore = restore
        sample = self._sample() if self._varied else []
        middles = [middle_of(image) for image in sample]
        self._spectra = texture_spectra(middles, min(size_px, _SPECTRUM_PX))
        self._real = spectra
        self._amplitudes = amplitudes(middles, min(size_px, _SPECTRUM_PX)) if spectra is not None else []
        self._textures = [texture for texture in map(fine_texture, sample) if texture is not None]

    def labelled(self, step: int, numbers: range) -> Crops:
        """Return the labelled crops with these numbers of a step (several processes share a step)."""
        pairs = []
        for number in numbers:
            rng = np.random.default_rng([self._seed, step, _LABELLED, number])
            pairs.append(self._labelled(rng))
        labels = np.stack([truth for _, truth in pairs])[:, None].astype(np.float32)
        return self._stacked([crop for crop, _ in pairs], labels)

    def unlabelled(self, step: int, numbers: range) -> Crops:
        """Return the crops without labels with these numbers of a step."""
        crops = []
        for number in numbers:
            rng = np.random.default_rng([self._seed, step, _UNLABELLED, number])
            image = self._unlabelled(rng)
            if self._varied and rng.random() < 0.15:
                image = -image
            crops.append(self._degraded(rng, image) if self._restore else _Crop(image, middle_of(image)))
        return self._stacked(crops)

    def in_two_appearances(self, step: int, numbers: range) -> Crops:
        """Return crops without labels with these numbers of a step, each in two other appearances."""
        plain, first, second = [], [], []
        for number in numbers:
            rng = np.random.default_rng([self._seed, step, _UNLABELLED, number])
            plain.append(self._unlabelled(rng))
            first.append(self._degraded(rng, plain[-1]))
            second.append(self._degraded(rng, plain[-1]))
        return replace(self._stacked(first + second), plain=np.stack(plain))

    def _stacked(self, crops: Sequence[_Crop], labels: NDArray[np.float32] | None = None) -> Crops:
        targets = np.stack([crop.target for crop in crops])[:, None] if self._restore else None
        return Crops(np.stack([crop.image for crop in crops]), labels, targets)

    def _degraded(self, rng: np.random.Generator, image: Image) -> _Crop:
        """Return a crop of a real slice as another instrument might have shown it."""
        changed, sign = varied_appearance(rng, image, self._spectra)
        return _Crop(changed, sign * middle_of(image))

    def _labelled(self, rng: np.random.Generator) -> tuple[_Crop, Truth]:
        ref = _choose(rng, self._data.labelled, self._data.chances)
        planes, truth = self._data.reader.context(ref, self._slices), self._data.reader.truth(ref)
        empty_is_fine = not self._varied or rng.random() < _ANY
        for _ in range(_TRIES):
            crop = (
                self._varied_crop(rng, planes, truth)
                if self._varied
                else turned_crop(rng, planes, truth, self._size)
            )
            # What does not count at all teaches nothing; with varied appearances, empty crops are rarer too.
            if (crop[1] != 0).mean() > 0.05 and (empty_is_fine or (crop[1] > 0).mean() > 0.01):
                break
        cut, labels = crop
        if not self._varied:
            return _Crop(cut, middle_of(cut)), labels
        if self._soft_bodies:
            cut, labels = _with_bodies(rng, cut, labels)
        cut = normalise(cut)
        shown = _Crop(cut, middle_of(cut))
        if rng.random() >= self._own_appearance:
            shown, labels = self._other_appearance(rng, cut, labels)
        return replace(shown, image=as_at_borders(rng, shown.image, _is_single(planes))), labels

    def _other_appearance(self, rng: np.random.Generator, cut: Image, labels: Truth) -> tuple[_Crop, Truth]:
        """Return the normalised crop as another instrument might have shown it, and what then counts."""
        if rng.random() < _BARE_ICE:
            cut, labels = bare_ice(rng, self._size, self._slices)
        clean = normalise(middle_of(cut))
        cut, labels = add_artefacts(rng, cut, labels)
        before = cut
        if self._textures and rng.random() < _WITH_GRAIN:
            grain = quilt(rng, self._textures, cut.shape)
            cut = normalise(normalise(cut) + np.float32(rng.uniform(0.2, 1.3)) * grain)
        if self._real is not None and self._amplitudes and rng.random() < self._real.share:
            cut = random_spectrum(rng, cut, self._amplitudes, self._real.slow, self._real.grain)
        appearance, sign = varied_appearance(rng, cut, self._spectra)
        lost = drowned(middle_of(before), middle_of(appearance), labels > 0)
        return _Crop(appearance, sign * clean), np.where(lost, np.int8(0), labels)

    def _varied_crop(
        self, rng: np.random.Generator, planes: Sequence[Image], truth: Truth
    ) -> tuple[Image, Truth]:
        cut = cutter(rng, truth.shape, self._size, float(np.exp(rng.uniform(-0.3, 0.45))))
        labels = np.where(cut((truth > 0).astype(np.float32)) > 0.5, 1, -1).astype(np.int8)
        if not truth.all():
            # Interpolation mixes neighbours: a pixel counts only if all that went into it did.
            labels[cut((truth == 0).astype(np.float32)) > 1e-6] = 0
        return np.stack([cut(plane) for plane in planes]), labels

    def _unlabelled(self, rng: np.random.Generator) -> Image:
        planes = self._data.reader.context(_choose(rng, self._data.unlabelled), self._slices)
        if not self._varied:
            return turned_crop(rng, planes, None, self._size)[0]
        cut = cutter(rng, planes[0].shape, self._size, float(np.exp(rng.uniform(-0.2, 0.3))))
        crop = np.stack([cut(plane) for plane in planes])
        # A few hot pixels would take all the contrast.
        return normalise(np.clip(crop, *np.percentile(crop, [0.1, 99.9])))

    def _sample(self) -> list[Image]:
        """Return some of the slices without labels; their grain is lent to labelled crops.

        A single image comes alone (y, x), the others among their neighbours (slices, y, x).
        """
        refs = self._data.unlabelled
        found = []
        for ref in refs[:: max(1, -(-len(refs) // _SPECTRA_SLICES))]:
            planes = self._data.reader.context(ref, self._slices)
            clipped = [_clipped(plane) for plane in planes[:1] if _is_single(planes)]
            found.append(clipped[0] if clipped else np.stack([_clipped(plane) for plane in planes]))
        return found


def turned_crop(
    rng: np.random.Generator, planes: Sequence[Image], truth: Truth | None, size: int
) -> tuple[Image, Truth]:
    """Cut a random square, turned by a multiple of 90° and perhaps mirrored, as published.

    ``planes`` are neighbouring slices (y, x), ``truth`` labels (y, x); returned are (slices, y, x) and
    (y, x). Slices smaller than the square are mirrored at their borders; what is added does not count.
    """
    truth = np.zeros(planes[0].shape, np.int8) if truth is None else truth
    lacking = [max(0, size - n) for n in truth.shape]
    if any(lacking):
        margins = [(n // 2, n - n // 2) for n in lacking]
        planes = [np.pad(plane, margins, mode="symmetric") for plane in planes]
        truth = np.pad(truth, margins)
    y, x = (int(rng.integers(n - size + 1)) for n in truth.shape)
    quarters, mirrored = int(rng.integers(4)), rng.random() < 0.5

    def cut(array: NDArray[np.generic]) -> NDArray[np.generic]:
        square = np.rot90(array[y : y + size, x : x + size], quarters)
        return np.ascontiguousarray(square[:, ::-1] if mirrored else square)

    return np.stack([cut(plane) for plane in planes]), cut(truth)  # type: ignore[return-value]


def _is_single(planes: Sequence[Image]) -> bool:
    """Tell whether a slice has no neighbours, or none that resembles it."""
    return all(plane is planes[0] for plane in planes)


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
