"""Columns that need the shape of each object: surface, convex hull, Euler number, cut ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.measure.bricks import Brick, over_bricks
from sxtstudio.core.measure.columns import Column, Quantity
from sxtstudio.core.measure.configurations import area_table, count_cells, euler_table, weighted
from sxtstudio.core.measure.ends import CUT_SHARE, CUT_SLICES, cut_ends, end_shares
from sxtstudio.core.measure.hull import Hull, hull_corners, measure_hull, row_ends
from sxtstudio.core.measure.subject import ColumnGroup, Subject
from sxtstudio.core.measure.surface import Areas, measure_areas
from sxtstudio.core.progress import Progress

#: Surfaces whose normal lies within this angle of the beam axis are not measured at tilts of ±60°.
WEDGE_DEGREES = 30.0

COLUMNS: tuple[Column, ...] = (
    Column(
        "surface_mesh",
        "Surface area (mesh)",
        Quantity.UM2,
        "Area of the mesh of the object's voxel faces, each face counted with the cosine between its "
        "normal and "
        "that of the smoothed surface; within 2 % for round bodies of 10 voxels radius. The area to report.",
        "Σ face × |n_face · n_surface|, with a correction at sharp edges",
        "Lachaud & Thibert, J. Math. Imaging Vis. 54 (2016)",
    ),
    Column(
        "surface_voxels",
        "Surface area (voxel estimate)",
        Quantity.UM2,
        "Area from how often lines in 13 directions enter and leave the object: unbiased over all "
        "orientations, but 7 to 14 % too small for boxes along the axes.",
        "2 Σ share of direction × cuts × voxel volume / step (Crofton)",
        "Ohser & Schladitz, 3D Images of Materials Structures (2009), section 5.3",
    ),
    Column(
        "surface_to_volume",
        "Surface to volume",
        Quantity.PER_UM,
        "Surface area (mesh) divided by the volume.",
        "surface_mesh / volume",
    ),
    Column(
        "sphericity",
        "Sphericity",
        Quantity.NUMBER,
        "Surface area of a sphere of the same volume divided by that of the object: about 1 for a sphere "
        "(up to 1.01 by its voxels), else less.",
        "π^(1/3) (6 volume)^(2/3) / surface_mesh",
        "Wadell, J. Geol. 43 (1935)",
    ),
    Column(
        "solidity",
        "Solidity",
        Quantity.NUMBER,
        "Voxels of the object divided by the voxels whose centre lies in the convex hull of its voxel "
        "centres: 1 "
        "for convex bodies, less for bent or indented ones.",
        "voxels / voxels in the hull",
        "scikit-image (solidity), with the hull of centres",
    ),
    Column(
        "feret_max",
        "Feret diameter, largest",
        Quantity.NM,
        "Largest distance between two points of the object (middles of voxel faces).",
        source="scikit-image (feret_diameter_max)",
    ),
    Column(
        "feret_min",
        "Feret diameter, smallest",
        Quantity.NM,
        "Smallest distance between two parallel planes that hold the object, one of them on a face of "
        "its hull.",
    ),
    Column(
        "feret_mean",
        "Feret diameter, mean",
        Quantity.NM,
        "Mean distance between two parallel planes that hold the object, over 200 directions.",
    ),
    Column(
        "euler_number",
        "Euler number",
        Quantity.NUMBER,
        "Pieces minus tunnels plus closed hollows; voxels that touch at a face, an edge or a corner hang "
        "together "
        "(26 neighbours), the background at faces only (6). 1 for a solid body, 2 for a hollow one, 0 "
        "for a ring.",
        "corners − edges + faces − cubes of its voxels",
        "scikit-image (euler_number, connectivity 3)",
        integer=True,
    ),
    Column(
        "wedge_share",
        "Surface in the missing wedge",
        Quantity.NUMBER,
        f"Share of the surface whose normal lies within {WEDGE_DEGREES:g}° of the beam axis: with tilts "
        "of ±60° "
        "these tops and bottoms are not measured. 0.13 for a sphere.",
        "area of such faces / surface_mesh",
    ),
    Column(
        "end_share",
        "Flat end",
        Quantity.NUMBER,
        "Area of the first or of the last slice of the object, the larger one, divided by that of its "
        "largest "
        "slice: small where it closes by itself, near 1 where it ends as if cut.",
    ),
    Column(
        "cut_by_wedge",
        "Cut by the missing wedge",
        Quantity.NUMBER,
        "1 where the object ends with its outlines, as bodies do whose tops and bottoms the missing "
        f"wedge took: its flat end is {CUT_SHARE:g} or more, and were it round, more than {CUT_SLICES:g} "
        "slices would be missing there (a thin tube that lies flat ends abruptly, too, but whole), and it "
        "does not lie at the volume's border; or it is a body with the flag open, whose cap hides the flat "
        "end.",
        f"s = end_share ≥ {CUT_SHARE:g} and (1 − √(1 − s²)) R > {CUT_SLICES:g} slices, R = height of the "
        "largest slice above the end / √(1 − s²), √(largest area / π) at most; or flag open",
        integer=True,
    ),
)


@dataclass(frozen=True)
class _BrickShape:
    """What a brick gives: one value per object in it."""

    areas: Areas
    cells: NDArray[np.int64]
    hulls: tuple[Hull, ...] = ()  # of whole objects
    corners: NDArray[np.int64] = field(default_factory=lambda: np.empty((0, 3), np.int64))  # of a part


def _measure(subject: Subject, progress: Progress) -> dict[str, NDArray[np.generic]]:
    found = subject.inventory
    n = len(found.numbers)
    area, facing = np.zeros(n), np.zeros(n)
    cells = np.zeros((n, 256), np.int64)
    hulls: dict[int, Hull] = {}
    corners: dict[int, list[NDArray[np.int64]]] = {}
    for brick, shape in over_bricks(
        subject.objects, found, _brick_shape(subject.voxel), progress, "shapes of objects"
    ):
        np.add.at(area, brick.rows, shape.areas.area)
        np.add.at(facing, brick.rows, shape.areas.facing)
        np.add.at(cells, brick.rows, shape.cells)
        if brick.whole:
            hulls.update(zip(brick.rows.tolist(), shape.hulls, strict=True))
        else:
            corners.setdefault(int(brick.rows[0]), []).append(shape.corners)
    for row, parts in corners.items():
        hulls[row] = measure_hull(np.concatenate(parts), subject.voxel)
        progress.check()
    volume = found.voxels * np.prod(subject.voxel)
    in_order = [hulls[row] for row in range(n)]
    ends = end_shares(subject)
    values: dict[str, NDArray[np.generic]] = {
        "surface_mesh": area,
        "surface_voxels": weighted(cells, area_table(subject.voxel)),
        "surface_to_volume": area / volume,
        "sphericity": np.cbrt(np.pi) * np.cbrt(6 * volume) ** 2 / area,
        "solidity": found.voxels / np.array([hull.voxels for hull in in_order], float),
        "feret_max": np.array([hull.feret_max for hull in in_order], float),
        "feret_min": np.array([hull.feret_min for hull in in_order], float),
        "feret_mean": np.array([hull.feret_mean for hull in in_order], float),
        "euler_number": np.rint(weighted(cells, euler_table())).astype(np.int64),
        "wedge_share": facing / area,
        "end_share": ends.max(axis=1) if n else np.empty(0),
        "cut_by_wedge": np.asarray(cut_ends(subject).any(axis=1), np.int64),
    }
    return values


def _brick_shape(voxel: tuple[float, float, float]) -> Callable[[Brick], _BrickShape]:
    known: dict[bytes, Hull] = {}

    def measure(brick: Brick) -> _BrickShape:
        areas, cells = measure_areas(brick, voxel, WEDGE_DEGREES), count_cells(brick)
        rim = brick.rim
        inside = brick.mask[:, rim:-rim, rim:-rim, rim:-rim]
        if not brick.whole:
            ends = row_ends(inside[0])
            return _BrickShape(areas, cells, corners=hull_corners(ends) + brick.origin[0])
        hulls = []
        for mask in inside:
            # Small objects are often of the same shape, and there can be a hundred thousand of them.
            key = mask.tobytes() if mask.size <= 64 else b""
            hull = known.get(key)
            if hull is None:
                hull = measure_hull(row_ends(mask), voxel)
                if key:
                    known[key] = hull
            hulls.append(hull)
        return _BrickShape(areas, cells, tuple(hulls))

    return measure


SHAPE = ColumnGroup(COLUMNS, _measure, share=5.0)
