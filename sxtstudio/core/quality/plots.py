"""The plots of a tomogram's quality: its resolution, and mean and standard deviation along z."""

from __future__ import annotations

import numpy as np

from sxtstudio.core.figures import GROUP_COLOURS, Curve, Figure, FigureKind
from sxtstudio.core.quality.dictionary import FigureName
from sxtstudio.core.quality.record import CurveSource, Quality
from sxtstudio.core.wording import significant, slice_number

_TITLES = {
    CurveSource.HALVES: "two half reconstructions",
    CurveSource.ONE_IMAGE: "neighbouring slices",
}


def why_empty(quality: Quality) -> tuple[str, str]:
    """Return what stands in place of either plot where there is nothing to draw."""
    labels = quality.figure(FigureName.LABELS)
    if labels is not None:
        return labels.sentence, ""
    resolution = quality.figure(FigureName.RESOLUTION)
    known = [one for one in quality.slices if one.mean is not None and one.deviation is not None]
    along_z = "There is nothing in the slices that were read."
    if known:
        mean, deviation = (significant(value or 0.0, 4) for value in (known[0].mean, known[0].deviation))
        along_z = (
            f"One slice only, so nothing changes along z: its mean is {mean}, its standard deviation "
            f"{deviation}."
        )
    return ("" if resolution is None else resolution.sentence), along_z


def quality_plots(quality: Quality) -> tuple[Figure | None, Figure | None]:
    """Return the ring correlation and the brightness along z; None where there is nothing to draw."""
    return _correlation(quality), _along_z(quality)


def _correlation(quality: Quality) -> Figure | None:
    curve = quality.curve
    if curve is None or not curve.frequency:
        return None
    edge, unit = (1.0, "px") if quality.voxel_nm is None else (quality.voxel_nm[2] / 1000, "µm")
    x = np.array(curve.frequency) / edge
    curves = (
        Curve(_TITLES[curve.source], GROUP_COLOURS[0], x, np.array(curve.correlation)),
        Curve("limit 1/7", GROUP_COLOURS[1], x[[0, -1]], np.full(2, curve.limit)),
    )
    mark = None
    if curve.resolution_px is not None:
        size, of = curve.resolution_px, "px"
        if quality.voxel_nm is not None:
            size, of = curve.resolution_px * quality.voxel_nm[2], "nm"
        mark = (1 / (curve.resolution_px * edge), f"{significant(size, 2)} {of}")
    return Figure(
        FigureKind.CURVES, f"Frequency (1/{unit})", "Fourier ring correlation", curves=curves, mark=mark
    )


def _along_z(quality: Quality) -> Figure | None:
    known = [(slice_number(one.z), one.mean, one.deviation) for one in quality.slices]
    x, mean, deviation = (
        np.array([np.nan if v is None else v for v in column], np.float64)
        for column in zip(*known, strict=True)
    ) if known else (np.empty(0),) * 3  # fmt: skip
    there = np.isfinite(mean)
    if np.count_nonzero(there) < 2:
        return None
    x, mean, deviation = x[there], mean[there], deviation[there]
    curves = (
        Curve("mean", GROUP_COLOURS[0], x, mean),
        Curve("mean ± SD", GROUP_COLOURS[4], x, mean - deviation),
        Curve("mean ± SD", GROUP_COLOURS[4], x, mean + deviation),
    )
    return Figure(FigureKind.CURVES, "Slice", "Grey value", curves=curves)
