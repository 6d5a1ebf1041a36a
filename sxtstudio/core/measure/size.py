"""Columns that follow from sums over voxels: volume, centroid, box, fitted ellipsoid, border."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.measure.columns import Column, Quantity
from sxtstudio.core.measure.subject import ColumnGroup, Floats, Subject
from sxtstudio.core.measured_edge import numbers_at_fill
from sxtstudio.core.progress import Progress

_AXES = "zyx"
_MOMENTS = "MIB and MATLAB regionprops3 (PrincipalAxisLength), scikit-image (axis_major_length)"

COLUMNS: tuple[Column, ...] = (
    Column("voxels", "Voxels", Quantity.NUMBER, "Number of voxels of the object.", integer=True),
    Column(
        "volume",
        "Volume",
        Quantity.UM3,
        "Volume of the object: its voxels times the volume of a voxel.",
        "voxels × voxel_z × voxel_y × voxel_x",
    ),
    Column(
        "equivalent_diameter",
        "Equivalent diameter",
        Quantity.NM,
        "Diameter of a sphere of the same volume.",
        "(6 volume / π)^(1/3)",
        "scikit-image (equivalent_diameter_area)",
    ),
    *(
        Column(
            f"axis_{number}",
            f"{ordinal} axis",
            Quantity.NM,
            f"Length of the {ordinal.lower()} axis of the ellipsoid that has the same second moments as the "
            "object, each voxel counted as a solid block; from end to end.",
            f"2 √(5 λ{number}), λ1 ≥ λ2 ≥ λ3 the eigenvalues of the covariance of its voxels, "
            "with voxel²/12 added on its diagonal",
            _MOMENTS,
        )
        for number, ordinal in ((1, "First"), (2, "Second"), (3, "Third"))
    ),
    Column(
        "angle_to_beam",
        "Angle to beam axis",
        Quantity.DEGREES,
        "Angle between the first axis of the fitted ellipsoid and the beam axis (z): 0 upright, 90 lying in "
        "the plane of the slices.",
        "arccos |e1 · z|",
    ),
    *(
        Column(
            f"centroid_{axis}",
            f"Centroid {axis}",
            Quantity.NM,
            f"Mean {axis} of its voxels, from the outer edge of the volume's first voxel on.",
            f"(centroid_voxel_{axis} + 1/2) × voxel_{axis}",
        )
        for axis in _AXES
    ),
    *(
        Column(
            f"centroid_voxel_{axis}",
            f"Centroid {axis} (voxel)",
            Quantity.NUMBER,
            f"Mean {axis} index of its voxels; the first voxel of the volume has index 0.",
        )
        for axis in _AXES
    ),
    *(
        Column(
            f"box_{end}_{axis}",
            f"{end.capitalize()} {axis}",
            Quantity.NUMBER,
            f"{axis} index of the {end} voxel of the object, counted from 0.",
            integer=True,
        )
        for axis in _AXES
        for end in ("first", "last")
    ),
    Column(
        "slices_covered",
        "Slices",
        Quantity.SLICES,
        "Number of slices in which the object has voxels.",
        integer=True,
    ),
    Column(
        "touches_border",
        "At the border",
        Quantity.NUMBER,
        "1 where the object touches a face of the volume or, where the tomogram is given, the edge of what "
        "was measured of it (beside the fill around a turned or round reconstruction), so that it is not "
        "whole; such objects are left out of statistics unless they are asked for.",
        integer=True,
    ),
)


def fitted_axes(covariances: Floats, voxel: tuple[float, ...]) -> tuple[Floats, Floats]:
    """Return the axes of the fitted ellipsoids.

    Parameters
    ----------
    covariances
        Of the voxels' centres in voxels² (n, k, k), along the axes of ``voxel``.
    voxel
        Edge lengths.

    Returns
    -------
    lengths, directions
        Full lengths (n, k), the longest first, and unit vectors (n, k, k): ``directions[i, j]`` is the
        direction of axis j. A solid ellipsoid with half-axis a has the second moment a²/(k + 2) along it.
    """
    edges = np.array(voxel)
    dimensions = covariances.shape[-1]
    # A voxel is a solid block, whose own second moment along each axis is edge²/12.
    physical = (covariances + np.eye(dimensions) / 12) * np.outer(edges, edges)
    values, vectors = np.linalg.eigh(physical)
    lengths = 2 * np.sqrt((dimensions + 2) * np.maximum(values[:, ::-1], 0))
    return lengths, np.swapaxes(vectors[:, :, ::-1], 1, 2)


def _at_fill(subject: Subject, progress: Progress) -> NDArray[np.bool_]:
    """Return which objects (n,) lie at the edge of what was measured of the tomogram."""
    found = subject.inventory
    if subject.image is None:
        return np.zeros(len(found.numbers), np.bool_)
    return np.isin(found.numbers, numbers_at_fill(subject.objects, subject.image, progress))


def _measure(subject: Subject, progress: Progress) -> dict[str, NDArray[np.generic]]:
    found, voxel = subject.inventory, np.array(subject.voxel)
    volume = found.voxels * voxel.prod()
    lengths, directions = fitted_axes(found.covariances, subject.voxel)
    upright = np.abs(directions[:, 0, 0]) if len(directions) else np.empty(0)
    values: dict[str, NDArray[np.generic]] = {
        "voxels": found.voxels,
        "volume": volume,
        "equivalent_diameter": np.cbrt(6 * volume / np.pi),
        "angle_to_beam": np.degrees(np.arccos(np.clip(upright, 0, 1))),
        "slices_covered": found.slices,
        "touches_border": (found.at_border | _at_fill(subject, progress)).astype(np.int64),
    }
    for number in range(3):
        values[f"axis_{number + 1}"] = lengths[:, number]
    for number, axis in enumerate(_AXES):
        values[f"centroid_{axis}"] = (found.centroids[:, number] + 0.5) * voxel[number]
        values[f"centroid_voxel_{axis}"] = found.centroids[:, number]
        values[f"box_first_{axis}"] = found.first[:, number]
        values[f"box_last_{axis}"] = found.last[:, number]
    progress.step()
    return values


SIZE = ColumnGroup(COLUMNS, _measure, share=0.3)
