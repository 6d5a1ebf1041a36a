"""The figures of a robustness: objects and volume against the threshold, a curve for each other choice."""

from __future__ import annotations

import math

import numpy as np

from sxtstudio.core.figures import GROUP_COLOURS, Curve, Figure, FigureKind
from sxtstudio.core.robustness import Robustness
from sxtstudio.core.volume import VoxelSize

_NM3_PER_UM3 = 1e9
_THRESHOLD = "Threshold (strict to the right)"


def robustness_figures(
    found: Robustness, voxel_nm: VoxelSize | None, mark: float | None = None
) -> tuple[Figure, ...]:
    """Return four figures: objects and volume for each erosion, then for each smallest size.

    ``mark`` is the threshold in use.
    """
    choices = found.choices
    least, none = min(choices.min_sizes), min(choices.erosions)
    erosions = [(f"{n} × eroded" if n else "not eroded", n, least) for n in sorted(choices.erosions)]
    sizes = [(f"from {n} voxels" if n else "all sizes", none, n) for n in sorted(choices.min_sizes)]
    factor = 1.0 if voxel_nm is None else math.prod(voxel_nm) / _NM3_PER_UM3
    unit = "voxels" if voxel_nm is None else "µm³"
    x = np.array(sorted(choices.thresholds), np.float64)
    figures = []
    for kinds in (erosions, sizes):
        counts, volumes = [], []
        for index, (name, eroded, size) in enumerate(kinds):
            rgb = GROUP_COLOURS[index % len(GROUP_COLOURS)]
            objects, voxels = found.curve(eroded, size)
            counts.append(Curve(name, rgb, x, objects.astype(np.float64)))
            volumes.append(Curve(name, rgb, x, (voxels * factor).astype(np.float64)))
        marked = None if mark is None else (mark, "in use")
        for title, curves in (("Objects", counts), (f"Total volume ({unit})", volumes)):
            figures.append(Figure(FigureKind.CURVES, _THRESHOLD, title, curves=tuple(curves), mark=marked))
    return tuple(figures)
