"""The quality of a tomogram, from slices that are read once."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box
from sxtstudio.core.image_polarity import image_signs
from sxtstudio.core.measured import Mask
from sxtstudio.core.polarity import Basis, Value, verdict
from sxtstudio.core.progress import Progress
from sxtstudio.core.quality import flags
from sxtstudio.core.quality.beads import BeadSection, beads, sections
from sxtstudio.core.quality.dictionary import FigureName
from sxtstudio.core.quality.doubles import displacement
from sxtstudio.core.quality.extent import BinnedSlices
from sxtstudio.core.quality.grain import Grain
from sxtstudio.core.quality.labelled import LabelSigns
from sxtstudio.core.quality.outliers import HotPixels, without_hot_pixels
from sxtstudio.core.quality.record import (
    CurveSource,
    Quality,
    QualityFigure,
    QualityFlag,
    ResolutionCurve,
    SliceFigures,
)
from sxtstudio.core.quality.resolution import DISTANCES_PX, of_halves, of_neighbours
from sxtstudio.core.quality.sampling import known_pixels, read_slices, sample_of, spread
from sxtstudio.core.quality.smoothing import Fineness, Repeats
from sxtstudio.core.quality.spectra import CrossPower, Spectrum, tile_px, tile_spectra
from sxtstudio.core.trust import Trust
from sxtstudio.core.volume import Volume, VoxelSize
from sxtstudio.core.wording import shape_text

#: So many slices show the polarity, and the grain.
_SIGNS, _GRAINS = 5, 16
#: And so many whether they were smoothed.
_FINE = 5
#: From so strong a streak on, in spreads, what lies under it counts, over so many diameters along it.
_STREAK, _STREAK_LENGTH = 1.0, 6.0
#: Slices at either end are left out of the drift, and a change is looked for over so many of the rest.
_ENDS, _SMOOTHED = 0.05, 5


@dataclass(frozen=True)
class Known:
    """What is known of a tomogram besides its voxels.

    Attributes
    ----------
    name
        Of its file.
    tilt_series
        Why it is held for projections; "" if it is not.
    trust
        Figures of its segmentation, for each slice.
    objects
        How many there are of each class; None: there are no objects.
    polarity
        How absorbing structures look; None: it is judged from the image.
    """

    name: str = ""
    tilt_series: str = ""
    trust: Trust = ()
    objects: Mapping[str, int] | None = None
    polarity: Value | None = None


@dataclass
class _Ends:
    """How many of the measured values of the slices have the lowest and the highest value of all."""

    low: float = math.inf
    high: float = -math.inf
    at_low: int = 0
    at_high: int = 0
    total: int = 0

    def add(self, values: NDArray[Any]) -> None:
        low, high = float(values.min()), float(values.max())
        if low <= self.low:
            number = int(np.count_nonzero(values == low))
            self.at_low = number + (self.at_low if low == self.low else 0)
            self.low = low
        if high >= self.high:
            number = int(np.count_nonzero(values == high))
            self.at_high = number + (self.at_high if high == self.high else 0)
            self.high = high
        self.total += values.size

    @property
    def share(self) -> float:
        return max(0, self.at_low + self.at_high - 2) / self.total if self.total else 0.0


@dataclass
class _Findings:
    """What was found in the slices that were read."""

    grain: Grain
    overview: BinnedSlices
    fineness: Fineness
    repeats: Repeats = field(default_factory=Repeats)
    hot: HotPixels = field(default_factory=HotPixels)
    signs: LabelSigns = field(default_factory=LabelSigns)
    ends: _Ends = field(default_factory=_Ends)
    sections: list[BeadSection] = field(default_factory=list)
    slices: list[SliceFigures] = field(default_factory=list)
    measured: list[float] = field(default_factory=list)


def measure_quality(
    volume: Volume,
    known: Known | None = None,
    *,
    half: Volume | None = None,
    labels: Volume | None = None,
    progress: Progress | None = None,
) -> Quality:
    """Measure the figures of a tomogram's quality.

    At most 96 slices are read, each once, and a dozen are held at most.

    Parameters
    ----------
    volume
        The reconstruction (z, y, x); with ``half`` one of the two.
    known
        What else is known of it.
    half
        The reconstruction of the other half of the projections, or of the exposures: then the resolution is
        that of both together.
    labels
        Membranes (0: none): they help to tell where the cell is.
    progress
        Counts the slices.

    Raises
    ------
    UserError
        If the half or the labels have another shape.
    Cancelled
        If the user stopped it.
    """
    known, progress = known or Known(), progress or Progress()
    for what, other in (("half reconstruction has", half), ("labels have", labels)):
        if other is not None and other.shape != volume.shape:
            raise UserError(
                f"The {what} {shape_text(other.shape)} voxels and the tomogram {shape_text(volume.shape)}: "
                "give one that belongs to it."
            )
    sample = sample_of(volume)
    progress.begin(len(sample.slices) + 1, "looking at slices")
    ready = _first_slices(volume, sample.places)
    polarity = known.polarity or _polarity(ready.values())
    found = _Findings(Grain(), BinnedSlices(volume.shape, volume.voxel_nm), Fineness(volume.shape))
    resolution = _Resolution(volume, half, sample.groups)
    last = len(sample.places) - 1
    of_grain, of_fine = ({sample.places[i] for i in spread(0, last, n)} for n in (_GRAINS, _FINE))
    for z, image, measured in read_slices(volume, sample.slices, progress, ready):
        if z in sample.places:
            found.signs.add(image)
            raw, image = image, found.hot.clean(image, measured)
            marked = None if labels is None else labels.read(Box.slab(z, z + 1, labels.shape))[0]
            found.overview.add(image, marked)
            _look(found, z, image, measured, dark=polarity == "dark", grain=z in of_grain)
            if z in of_fine:
                found.fineness.add(image, measured)
                # What stands in place of hot pixels is a grey value that the file may not have.
                same = image == raw
                found.repeats.add(image, same if measured is None else same & measured)
        else:
            image = without_hot_pixels(image, measured)
        resolution.add(z, image, measured)
    quality = _judged(volume, known, polarity, found, resolution.curve(), len(sample.places))
    progress.step()
    return quality


def _first_slices(volume: Volume, places: Sequence[int]) -> dict[int, NDArray[Any]]:
    """Read some slices from the middle, which show the polarity before all others are looked at."""
    depth = len(places)
    chosen = [places[i] for i in spread(depth // 4, (3 * depth - 1) // 4, _SIGNS)]
    return {z: volume.read(Box.slab(z, z + 1, volume.shape))[0] for z in chosen}


def _polarity(slices: Iterable[NDArray[Any]]) -> Value:
    signs = [image_signs(without_hot_pixels(image, known_pixels(image))) for image in slices]
    return verdict([one.log_odds for one in signs if one is not None], Basis.IMAGE).value


def _look(
    found: _Findings, z: int, image: NDArray[Any], measured: Mask | None, *, dark: bool, grain: bool
) -> None:
    """Add a slice to what was found."""
    values = image.ravel() if measured is None else image[measured]
    if values.dtype.kind == "f":
        finite = np.isfinite(values)
        values = values if finite.all() else values[finite]
    found.measured.append(values.size / image.size)
    if not values.size or values.min() == values.max():
        found.slices.append(SliceFigures(z, None, None))
        return
    mean, deviation = float(values.mean(dtype=np.float64)), float(values.std(dtype=np.float64))
    found.slices.append(SliceFigures(z, mean, deviation))
    found.ends.add(values)
    found.sections += sections(image, z, measured, dark=dark)
    if grain:
        found.grain.add(image, measured)


class _Resolution:
    """Compares slices with their neighbours, or with those of the other half, as they come."""

    def __init__(self, volume: Volume, half: Volume | None, groups: tuple[tuple[int, ...], ...]) -> None:
        self._edge = tile_px(volume.shape)
        self._half = half
        self._groups = groups if half is None else ()
        self._first = {group[0] for group in groups} or set(range(volume.shape[0]))
        self._slice_px = 1.0 if volume.voxel_nm is None else volume.voxel_nm[0] / volume.voxel_nm[2]
        self._powers: dict[float, CrossPower] = {}
        self._kept: dict[int, Spectrum] = {}

    def add(self, z: int, image: NDArray[Any], measured: Mask | None) -> None:
        if self._edge is None:
            return
        if self._half is not None:
            if z in self._first:
                other = self._half.read(Box.slab(z, z + 1, self._half.shape))[0]
                other = without_hot_pixels(other, measured)
                first, second = (tile_spectra(one, measured, self._edge) for one in (image, other))
                self._power(0.0).add(first, second)
            return
        around = [group for group in self._groups if z in group]
        if not around:
            return
        spectra = tile_spectra(image, measured, self._edge)
        for before, other in self._kept.items():
            distance = (z - before) * self._slice_px
            if any(before in group for group in around) and _is_wanted(distance, self._slice_px):
                self._power(distance).add(other, spectra)
        self._kept[z] = spectra
        done = [one for one in self._kept if not any(one in g and g[-1] > z for g in self._groups)]
        for one in done:
            del self._kept[one]

    def curve(self) -> ResolutionCurve | None:
        if self._half is not None:
            return of_halves(self._powers[0.0]) if self._powers else None
        return of_neighbours(self._powers)

    def _power(self, distance: float) -> CrossPower:
        assert self._edge is not None
        return self._powers.setdefault(distance, CrossPower(self._edge))


def _is_wanted(distance: float, slice_px: float) -> bool:
    """Whether slices so far apart are compared: nearer ones have the same noise."""
    return distance >= DISTANCES_PX[0] - slice_px / 2


def _judged(
    volume: Volume,
    known: Known,
    polarity: Value,
    found: _Findings,
    curve: ResolutionCurve | None,
    read: int,
) -> Quality:
    """Return the record of what was found, with its flags."""
    voxel_nm: VoxelSize | None = volume.voxel_nm
    if found.signs.are_labels:
        only = (flags.labels(found.signs.what), flags.voxel_size(voxel_nm))
        return Quality(known.name, volume.shape, voxel_nm, only)
    slice_px = 1.0 if voxel_nm is None else voxel_nm[0] / voxel_nm[2]
    gold = beads(found.sections, slice_px)
    apart = displacement(gold, found.sections)
    # Where the two pictures of a bead do not overlap, each counts as one.
    widest = max((bead.diameter for bead in gold), default=0.0)
    number = len(gold) // 2 if apart is not None and apart > widest else len(gold)
    pixels = volume.shape[1] * volume.shape[2] * read
    streaked = sum(_STREAK_LENGTH * s.diameter**2 for s in found.sections if s.streak >= _STREAK)
    extent = found.overview.extent(polarity)
    noise = found.grain.noise
    smoothing = flags.smoothing(
        found.fineness.fall, rounded=found.fineness.rounded, repeats=found.repeats.share
    )
    figures: list[QualityFigure] = [
        flags.resolution(curve, voxel_nm),
        flags.contrast(found.grain.contrast),
        flags.cell_contrast(None if extent is None else extent.contrast, noise),
        flags.noise(noise),
        smoothing,
        flags.doubles(apart, voxel_nm),
        flags.beads(number),
        flags.streaks(min(1.0, streaked / pixels)),
        flags.cell(None if extent is None else extent.share),
        flags.cut_sides(None if extent is None else extent.cut, one_slice=volume.shape[0] == 1),
        flags.fill(1 - float(np.mean(found.measured))),
        flags.empty_slices(sum(one.mean is None for one in found.slices), read),
        flags.clipped(found.ends.share),
        flags.hot_pixels(found.hot),
        flags.drift(_drift(found.slices)),
        flags.voxel_size(voxel_nm),
        *flags.tilt_series(known.tilt_series),
        *flags.trust_figures(known.trust),
    ]
    if known.objects is not None:
        figures.append(flags.objects(known.objects))
    if all(one.mean is None for one in found.slices):
        figures = flags.of_nothing(figures)
    elif smoothing.flag is QualityFlag.LOOK:
        figures, curve = _without_grain(figures, curve)
    return Quality(
        known.name,
        volume.shape,
        voxel_nm,
        tuple(figures),
        tuple(found.slices),
        curve,
        () if extent is None else extent.cut,
        dict(known.objects or {}),
    )


def _without_grain(
    figures: list[QualityFigure], curve: ResolutionCurve | None
) -> tuple[list[QualityFigure], ResolutionCurve | None]:
    """Leave out what is found by comparing with the grain, which is gone; two halves have other means."""
    compared = {
        FigureName.CONTRAST: "the contrast",
        FigureName.CELL_CONTRAST: "how far the cell stands out",
        FigureName.NOISE: "the noise",
    }
    if curve is None or curve.source is CurveSource.ONE_IMAGE:
        compared[FigureName.RESOLUTION] = "the resolution"
        curve = None if curve is None else replace(curve, resolution_px=None)
    left = [flags.without_grain(one, compared[one.name]) if one.name in compared else one for one in figures]
    return left, curve


def _drift(slices: Sequence[SliceFigures]) -> float | None:
    """Return how far apart the smoothed means of the inner slices are, in a slice's standard deviations."""
    left_out = round(_ENDS * len(slices))
    inner = slices[left_out : len(slices) - left_out]
    pairs = [(one.mean, one.deviation) for one in inner if one.mean is not None and one.deviation is not None]
    if len(pairs) < _SMOOTHED:
        return None
    means, deviations = np.array(pairs).T
    smooth = np.median(np.lib.stride_tricks.sliding_window_view(means, _SMOOTHED), axis=1)
    return float(np.ptp(smooth) / np.median(deviations))
