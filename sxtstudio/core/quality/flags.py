"""From a figure to a flag and a sentence: the thresholds, and what they say to a user.

The thresholds are those of ``python -m bench.quality``: good tomograms (phantoms of three simulators and real
slices) stay clear of them, those that were spoilt on purpose do not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sxtstudio.core.quality.dictionary import FigureName
from sxtstudio.core.quality.outliers import HotPixels
from sxtstudio.core.quality.record import CurveSource, QualityFigure, QualityFlag, ResolutionCurve, Side
from sxtstudio.core.trust import LOW, Trust, median
from sxtstudio.core.volume import VoxelSize
from sxtstudio.core.wording import count, grouped, share, significant

#: Of each figure from where on it asks for a look, and from where on it is bad.
RESOLUTION_PX = (12.0, 24.0)
CONTRAST = (1.0, 0.5)
CELL_CONTRAST = (0.25, 0.0)
DOUBLES_PX = (4.0, 8.0)
STREAKS = (0.02, 0.1)
FILL = (0.35, 0.7)
CLIPPED = (0.02, 0.1)
DRIFT = (2.0, 4.0)
#: Good tomograms, simulated and real, have 0.81 to 0.99 with the shipped model; noise alone 0.68 to 0.70,
#: stacks of electron microscopes 0.76 and 0.91, stripes 0.53.
RECOGNISED = (0.78, 0.6)
#: Edges of voxels of soft X-ray tomograms, nm; and how much they may differ in a slice, and from slice to it.
VOXEL_NM = (4.0, 80.0)
_SQUARE, _SLAB = 0.01, 4.0
#: Powers of ten over 0.1 1/px (``smoothing``).
SMOOTHED = 2.2
#: Share of neighbours that are equal beyond chance (``smoothing``).
REPEATED = 0.07
#: Share of the pixels, and spreads from the median, from which on hot ones ask for a look.
HOT_SHARE, HOT_SPREADS = 1e-5, 100.0
_FILTERED = "The grain itself was filtered away, so from this tomogram alone {} cannot be told."
_EMPTY = "All slices that were read are empty, so there was nothing to measure."


def resolution(curve: ResolutionCurve | None, voxel_nm: VoxelSize | None) -> QualityFigure:
    """Judge the resolution; it is in nm where the voxel size is known."""
    name = FigureName.RESOLUTION
    if curve is None or curve.resolution_px is None:
        sentence = (
            "The resolution could not be estimated: that takes neighbouring slices of at least 64 × 64 "
            "pixels in which something can be seen, or a second half reconstruction."
        )
        return QualityFigure(name, None, "nm" if voxel_nm else "px", QualityFlag.UNKNOWN, sentence)
    pixels = curve.resolution_px
    value, unit = (pixels * voxel_nm[2], "nm") if voxel_nm else (pixels, "px")
    about = "" if curve.source is CurveSource.HALVES else "about "
    said = f"{about}{significant(value, 2)} {unit}"
    flag = _above(pixels, RESOLUTION_PX)
    sentences = {
        QualityFlag.GOOD: f"Details down to {said} can be told from the noise.",
        QualityFlag.LOOK: f"Only details of {said} and larger rise above the noise: thin membranes and small "
        "vesicles get lost.",
        QualityFlag.BAD: f"Nothing finer than {said} rises above the noise: hardly a membrane can be "
        "followed.",
    }
    return QualityFigure(name, value, unit, flag, sentences[flag])


def contrast(value: float | None) -> QualityFigure:
    """Judge how far structures stand out from the grain."""
    if value is None:
        return _unknown(
            FigureName.CONTRAST, "The contrast could not be measured: there is no grain to compare with."
        )
    flag = _below(value, CONTRAST)
    sentences = {
        QualityFlag.GOOD: "Structures stand out clearly from the grain.",
        QualityFlag.LOOK: "Structures hardly stand out from the grain: expect gaps in the outlines.",
        QualityFlag.BAD: "Next to nothing stands out from the grain: is it ice, or did the reconstruction "
        "fail?",
    }
    return QualityFigure(FigureName.CONTRAST, value, "× noise", flag, sentences[flag])


def cell_contrast(difference: float | None, noise: float | None) -> QualityFigure:
    """Judge how far the cell lies from the ice."""
    if difference is None or not noise:
        sentence = "No ice could be told from the cell, so the two cannot be compared."
        return _unknown(FigureName.CELL_CONTRAST, sentence)
    value = difference / noise
    flag = _below(value, CELL_CONTRAST)
    sentence = "The grey values of the cell differ from those around it by more than the grain."
    if value < 1:
        sentence = "The grey values of the cell differ a little from those around it."
    if flag is not QualityFlag.GOOD:
        sentence = "Cell and ice have nearly the same grey values: a threshold will not separate them."
    return QualityFigure(FigureName.CELL_CONTRAST, value, "× noise", flag, sentence)


def noise(value: float | None) -> QualityFigure:
    """Say how strong the grain is; whether that is much, the contrast says."""
    if value is None:
        return _unknown(FigureName.NOISE, "The noise could not be measured: no place is large enough.")
    sentence = "The grain of the quietest places; compare it with other tomograms of the same beamline."
    return QualityFigure(FigureName.NOISE, value, "grey", QualityFlag.GOOD, sentence)


def smoothing(fall: float | None, *, rounded: bool, repeats: float | None = None) -> QualityFigure:
    """Judge whether the grain was filtered away; ``repeats`` as of ``smoothing.Repeats``."""
    name, unit = FigureName.SMOOTHING, "powers of ten"
    if fall is None:
        return _unknown(name, "No place is large enough to tell whether the tomogram was smoothed.")
    if fall < SMOOTHED and not rounded and repeats is not None and repeats >= REPEATED:
        sentence = (
            f"{share(repeats)} of the neighbouring pixels have the very same value, which no reconstruction "
            "gives: a median filter, or pixels that were enlarged. Contrast, noise and resolution would mean "
            "little; look at the reconstruction as it was before that."
        )
        return QualityFigure(name, fall, unit, QualityFlag.LOOK, sentence)
    if fall < SMOOTHED and not rounded:
        return QualityFigure(name, fall, unit, QualityFlag.GOOD, "No sign of a blur.")
    why = "" if fall >= SMOOTHED else " (nothing but the rounding to whole grey values is left of it)"
    sentence = (
        f"This was smoothed: the grain itself was filtered away{why}. Contrast, noise and resolution would "
        "mean little; look at the reconstruction as it was before the filter."
    )
    return QualityFigure(name, fall, unit, QualityFlag.LOOK, sentence)


def without_grain(figure: QualityFigure, what: str) -> QualityFigure:
    """Return a figure that compares with the grain, without its value; ``what`` it would say."""
    return _unknown(figure.name, _FILTERED.format(what))


def hot_pixels(found: HotPixels) -> QualityFigure:
    """Judge how many single pixels lie far outside the grey values."""
    name = FigureName.HOT_PIXELS
    if not found.number:
        return QualityFigure(
            name, 0.0, "", QualityFlag.GOOD, "No single pixel lies far outside the grey values."
        )
    part = found.number / found.total
    flag = QualityFlag.LOOK if part >= HOT_SHARE or found.spreads >= HOT_SPREADS else QualityFlag.GOOD
    them = "It was" if found.number == 1 else "They were"
    sentence = (
        f"{count(found.number, 'pixel')} of the slices that were read ({significant(100 * part, 2)} %) "
        f"{'lies' if found.number == 1 else 'lie'} far outside the other grey values, at most at "
        f"{significant(found.largest, 4)}. {them} left out of all other figures."
    )
    if flag is QualityFlag.LOOK:
        sentence += " Take hot pixels out of the projections before the reconstruction."
    return QualityFigure(name, float(found.number), "", flag, sentence)


def labels(what: str) -> QualityFigure:
    """Say that these are labels; ``what`` is the kind of them."""
    sentence = f"This looks like labels ({what}), not like a tomogram: open the tomogram instead."
    return QualityFigure(FigureName.LABELS, 1.0, "", QualityFlag.BAD, sentence)


def of_nothing(figures: Sequence[QualityFigure]) -> list[QualityFigure]:
    """Return figures of a tomogram of which all slices are empty: what was measured of them is unknown."""
    kept = (FigureName.FILL, FigureName.EMPTY_SLICES, FigureName.VOXEL_SIZE, FigureName.TILT_SERIES,
            FigureName.CERTAINTY, FigureName.RECOGNISED, FigureName.OBJECTS)  # fmt: skip
    return [figure if figure.name in kept else _unknown(figure.name, _EMPTY) for figure in figures]


def doubles(pixels: float | None, voxel_nm: VoxelSize | None) -> QualityFigure:
    """Judge how far a second picture of all gold beads lies from the first."""
    if pixels is None:
        sentence = (
            "Too few gold beads to tell whether the tilt series was aligned as one: look for doubled edges."
        )
        return _unknown(FigureName.DOUBLES, sentence)
    flag = _above(pixels, DOUBLES_PX)
    value, unit = (pixels * voxel_nm[2], "nm") if voxel_nm else (pixels, "px")
    sentence = "The gold beads are single and round: no sign of a misaligned tilt series."
    if flag is not QualityFlag.GOOD:
        sentence = (
            f"The gold beads are doubled, {significant(value, 2)} {unit} apart: a part of the tilt series is "
            "misaligned, and so every membrane is there twice. Align the series again."
        )
    return QualityFigure(FigureName.DOUBLES, value, unit, flag, sentence)


def beads(number: int) -> QualityFigure:
    """Say how many gold beads there are."""
    sentence = f"{count(number, 'gold bead')} in the slices that were read." if number else "No gold beads."
    return QualityFigure(FigureName.BEADS, float(number), "", QualityFlag.GOOD, sentence)


def streaks(value: float) -> QualityFigure:
    """Judge how much of the slices lies under streaks of gold."""
    flag = _above(value, STREAKS)
    sentence = "Streaks of gold spoil little or nothing."
    if flag is not QualityFlag.GOOD:
        sentence = "Bright and dark streaks run through gold beads: what is found beside gold may be false."
    return QualityFigure(FigureName.STREAKS, value, "share", flag, sentence)


def cell(value: float | None) -> QualityFigure:
    """Say how much is cell."""
    if value is None:
        return _unknown(FigureName.CELL, "Nothing tells cell from ice here: the cell may fill the view.")
    flag = QualityFlag.LOOK if value < 0.08 else QualityFlag.GOOD
    sentence = (
        "Hardly any of this is cell." if flag is QualityFlag.LOOK else f"{share(value)} of the view is cell."
    )
    return QualityFigure(FigureName.CELL, value, "share", flag, sentence)


def cut_sides(sides: Sequence[Side] | None, *, one_slice: bool = False) -> QualityFigure:
    """Say at which faces the cell goes on; that is so in most tomograms, and no fault."""
    if sides is None:
        sentence = "Where the cell ends cannot be told, nor whether the field of view cuts it."
        return _unknown(FigureName.CUT_SIDES, sentence)
    around = [side.value for side in sides if side not in (Side.FIRST, Side.LAST)]
    through = [side.value for side in sides if side in (Side.FIRST, Side.LAST)]
    if not sides:
        sentence = "The whole cell lies in the field of view."
        if one_slice:
            sentence = "In this one slice the whole cell lies in the field of view."
    elif around:
        sentence = (
            f"The plasma membrane is cut by the field of view ({', '.join(around + through)}): volumes and "
            "counts are those of a part of the cell."
        )
    else:
        sentence = f"The cell goes on beyond the {' and the '.join(through)}."
    return QualityFigure(FigureName.CUT_SIDES, float(len(sides)), "", QualityFlag.GOOD, sentence)


def fill(value: float) -> QualityFigure:
    """Judge how much was not measured."""
    flag = _above(value, FILL)
    sentence = f"{share(value)} of the slices holds a fill value, where nothing was measured."
    if value < 0.001:
        sentence = "The slices are measured as a whole."
    return QualityFigure(FigureName.FILL, value, "share", flag, sentence)


def empty_slices(number: int, read: int) -> QualityFigure:
    """Judge slices that hold nothing."""
    name, value = FigureName.EMPTY_SLICES, float(number)
    if not number:
        return QualityFigure(name, value, "", QualityFlag.GOOD, "No slice that was read is empty.")
    flag = QualityFlag.BAD if 2 * number > read else QualityFlag.LOOK
    sentence = (
        f"{grouped(number)} of the {grouped(read)} slices that were read hold nothing: was the file written "
        "to its end?"
    )
    return QualityFigure(name, value, "", flag, sentence)


def clipped(value: float) -> QualityFigure:
    """Judge how many grey values lie at the end of the range."""
    flag = _above(value, CLIPPED)
    sentence = "Grey values were not cut off."
    if flag is not QualityFlag.GOOD:
        sentence = (
            f"{share(value)} of the voxels have the very lowest or highest grey value: the contrast was cut "
            "off when the file was written. Export it again with a wider range, or as 32-bit."
        )
    return QualityFigure(FigureName.CLIPPED, value, "share", flag, sentence)


def drift(value: float | None) -> QualityFigure:
    """Judge how the mean changes along z."""
    if value is None:
        return _unknown(FigureName.DRIFT, "Too few slices to tell whether the brightness changes along z.")
    flag = _above(value, DRIFT)
    sentence = "The slices are about equally bright."
    if flag is not QualityFlag.GOOD:
        sentence = (
            "The brightness changes strongly from slice to slice: one threshold of grey values will not do "
            "for all. The segmentation looks at each slice by itself and does not mind."
        )
    return QualityFigure(FigureName.DRIFT, value, "SD", flag, sentence)


def voxel_size(voxel_nm: VoxelSize | None) -> QualityFigure:
    """Judge the size of a voxel."""
    name = FigureName.VOXEL_SIZE
    if voxel_nm is None:
        sentence = "The file does not give the voxel size: enter it, or all lengths will be in voxels."
        return QualityFigure(name, None, "nm", QualityFlag.LOOK, sentence)
    z, y, x = voxel_nm
    low, high = VOXEL_NM
    sentence = ""
    if not (low <= x <= high and low <= y <= high):
        sentence = (
            f"A voxel of {significant(x, 3)} nm is unusual for soft X-ray tomograms ({low:g} to {high:g} nm):"
            " check its unit."
        )
    elif abs(y - x) > _SQUARE * x:
        sentence = f"Voxels are {significant(x, 3)} nm wide and {significant(y, 3)} nm high: check the file."
    elif not 1 / _SLAB <= z / x <= _SLAB:
        sentence = (
            f"Slices lie {significant(z, 3)} nm apart and voxels are {significant(x, 3)} nm wide: check the "
            "file."
        )
    if sentence:
        return QualityFigure(name, x, "nm", QualityFlag.LOOK, sentence)
    sentence = "A usual size, the same along all axes."
    if abs(z - x) > _SQUARE * x:
        edges = " × ".join(significant(edge, 3) for edge in voxel_nm)
        nearer = "closer together" if z < x else "farther apart"
        sentence = f"{edges} nm (z, y, x): slices lie {nearer} than the pixels within them."
    return QualityFigure(name, x, "nm", QualityFlag.GOOD, sentence)


def tilt_series(reason: str) -> list[QualityFigure]:
    """Return a figure where these are projections; ``reason`` says why, "" if they are none."""
    sentence = f"This is a tilt series, not a tomogram: {reason}. Reconstruct it first."
    return [QualityFigure(FigureName.TILT_SERIES, 1.0, "", QualityFlag.BAD, sentence)] if reason else []


def trust_figures(trust: Trust) -> list[QualityFigure]:
    """Judge certainty and what the network recognised, where either is known."""
    found = []
    certainty = median([figures.certainty for figures in trust])
    if certainty is not None:
        flag = (
            QualityFlag.BAD if certainty < LOW else QualityFlag.LOOK if certainty < 0.5 else QualityFlag.GOOD
        )
        sentence = "The network is sure of most of its outlines."
        if flag is not QualityFlag.GOOD:
            sentence = "The network doubts its own outlines: look through the least certain slices."
        found.append(QualityFigure(FigureName.CERTAINTY, certainty, "share", flag, sentence))
    seen = median([figures.recognised for figures in trust])
    if seen is not None:
        flag = _below(seen, RECOGNISED)
        sentence = "The network recognises what it sees."
        if flag is not QualityFlag.GOOD:
            sentence = "This tomogram is mostly noise, or unlike the training data: judge some slices by eye."
        found.append(QualityFigure(FigureName.RECOGNISED, seen, "share", flag, sentence))
    return found


def objects(numbers: Mapping[str, int]) -> QualityFigure:
    """Say how many objects there are."""
    total = sum(numbers.values())
    listed = ", ".join(f"{grouped(n)} {name}" for name, n in numbers.items())
    sentence = f"{count(total, 'object')}: {listed}." if len(numbers) > 1 else f"{count(total, 'object')}."
    return QualityFigure(FigureName.OBJECTS, float(total), "", QualityFlag.GOOD, sentence)


def _unknown(name: FigureName, sentence: str) -> QualityFigure:
    return QualityFigure(name, None, "", QualityFlag.UNKNOWN, sentence)


def _above(value: float, limits: tuple[float, float]) -> QualityFlag:
    look, bad = limits
    return QualityFlag.BAD if value >= bad else QualityFlag.LOOK if value >= look else QualityFlag.GOOD


def _below(value: float, limits: tuple[float, float]) -> QualityFlag:
    look, bad = limits
    return QualityFlag.BAD if value < bad else QualityFlag.LOOK if value < look else QualityFlag.GOOD
