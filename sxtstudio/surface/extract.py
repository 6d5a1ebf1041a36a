"""From labels to a surface in nm."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.errors import UserError
from sxtstudio.core.pace import Work
from sxtstudio.core.progress import Progress
from sxtstudio.core.stages import Stage, Stages
from sxtstudio.core.volume import VoxelSize
from sxtstudio.core.wording import grouped
from sxtstudio.surface.colours import random_colours
from sxtstudio.surface.contour import Contour, OneValue, TooManyFaces, contours
from sxtstudio.surface.mesh import Surface, SurfaceParameters, polydata
from sxtstudio.surface.simplify import drop_unused, simplify
from sxtstudio.surface.smooth import smooth

# More faces than this are never held in memory (about 22 bytes each): the labels are binned first.
HELD_FACES = 60_000_000
_FACES_PER_VOXEL = 0.05  # where 5 % of the voxels are labelled
_NOISE = (
    "The labels look like noise: their surface has too many faces, and no shape is left when it is "
    "simplified. Clean them up first, for example by removing small objects."
)
_BINNINGS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)


class EmptyLabels(UserError):
    """No voxel is labelled, so that there is nothing to make a surface of."""


def extract_surface(
    labels: NDArray[Any] | OneValue,
    voxel_nm: VoxelSize | None,
    parameters: SurfaceParameters | None = None,
    origin_nm: VoxelSize | None = None,
    progress: Progress | None = None,
    *,
    apart: Sequence[int] = (),
) -> Surface:
    """Return the surface of all voxels that are not 0.

    The centre of voxel (z, y, x) lies at index × ``voxel_nm`` + ``origin_nm``; points of the mesh
    are (x, y, z) in nm, along the axes of the volume. The surface is closed, also at the border
    of the volume, and its normals point outwards.

    Parameters
    ----------
    labels
        Label volume (z, y, x), array or memory map, any number type, or one value of such; it is read slab by
        slab.
    voxel_nm
        Edge lengths of a voxel in nm (z, y, x). None: unknown; lengths are in voxels, with a note.
    parameters
        Objects, smoothing, limits.
    origin_nm
        Position of the centre of the first voxel in nm (z, y, x).
    progress
        Reports the stages and takes the cancel.
    apart
        Values whose voxels have a surface of their own each, also where they touch, as objects with numbers
        do; empty: voxels of any value make one.

    Returns
    -------
    Surface

    Raises
    ------
    UserError
        If there is no label, if all objects are too small, or if shape or voxel size are no good.
    Cancelled
        If ``progress.cancel`` was called.
    """
    parameters = parameters or SurfaceParameters()
    progress = progress or Progress()
    scale, offset = _geometry(labels, voxel_nm, origin_nm)
    notes: list[str] = []

    stages = Stages(progress, surface_stages(labels.size, parameters))
    with stages.stage(Work.CONTOUR) as counter:
        found, binning = _contour(labels, parameters, apart, counter)
    if binning > 1:
        notes.append(f"The labels are very large: {binning}×{binning}×{binning} voxels were taken as one.")
    if found.objects is not None:
        notes += _keep_objects(found, parameters.smallest)
    full = len(found.triangles)
    count = 1 if found.objects is None else int(found.objects.max()) + 1
    stages.expect(Work.SIMPLIFY, _to_simplify(len(found.triangles), parameters))
    stages.expect(Work.SMOOTH_MESH, _to_smooth(len(found.triangles), parameters))
    with stages.stage(Work.SIMPLIFY) as counter:
        edge = simplify(found, parameters.max_faces, counter)
    if edge:
        notes.append(
            f"The surface was simplified from {grouped(full)} to {grouped(len(found.triangles))} faces "
            f"(points closer than about {edge:.1f} voxels were merged)."
        )
    if not len(found.triangles):
        raise UserError(_NOISE)
    if found.objects is not None:
        notes += _close_ranks(found, count)
    stages.expect(Work.SMOOTH_MESH, len(found.triangles) * parameters.smooth)
    with stages.stage(Work.SMOOTH_MESH) as counter:
        smooth(found.points, found.triangles, parameters.smooth, counter)

    found.points *= scale  # in place: a copy in float64 would be twice as large as the points
    found.points += offset
    mesh = polydata(found.points, found.triangles)
    count = 1
    if parameters.objects and found.objects is not None:
        count = int(found.objects.max()) + 1
        mesh.point_data["object"] = found.objects + np.int32(1)
        mesh.point_data["RGB"] = random_colours(count, parameters.seed)[found.objects]
    if voxel_nm is None:
        notes.append("The voxel size is unknown: lengths are in voxels, not in nm.")
    return Surface(mesh, count, tuple(notes), "voxel" if voxel_nm is None else "nm")


def surface_stages(voxels: int, parameters: SurfaceParameters) -> tuple[Stage, ...]:
    """Return what ``extract_surface`` does with so many voxels, for what it will take.

    How many faces there are is known only once they are made; until then it is what membranes have.
    """
    faces = int(_FACES_PER_VOXEL * voxels)
    return (
        Stage(Work.CONTOUR, voxels),
        Stage(Work.SIMPLIFY, _to_simplify(faces, parameters)),
        Stage(Work.SMOOTH_MESH, _to_smooth(faces, parameters)),
    )


def _to_simplify(faces: int, parameters: SurfaceParameters) -> int:
    return faces if faces > parameters.max_faces else 0


def _to_smooth(faces: int, parameters: SurfaceParameters) -> int:
    return min(faces, parameters.max_faces) * parameters.smooth


def _geometry(
    labels: NDArray[Any] | OneValue, voxel_nm: VoxelSize | None, origin_nm: VoxelSize | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Check the input; return scale and offset as (x, y, z)."""
    if labels.ndim != 3 or 0 in labels.shape:
        raise UserError(
            f"A surface needs a label volume with three axes (z, y, x); these labels have the shape "
            f"{'×'.join(map(str, labels.shape))}. Give a volume of labels."
        )
    scale = np.array((1.0, 1.0, 1.0) if voxel_nm is None else voxel_nm, float)[::-1]
    offset = np.array((0.0, 0.0, 0.0) if origin_nm is None else origin_nm, float)[::-1]
    if not (np.isfinite(scale).all() and (scale > 0).all() and np.isfinite(offset).all()):
        raise UserError(
            f"The voxel size {_text(scale)} nm or the origin {_text(offset)} nm of the labels makes "
            "no sense. Give the right voxel size."
        )
    return scale, offset


def _text(xyz: NDArray[np.float64]) -> str:
    return " × ".join(f"{value:g}" for value in xyz[::-1])


def _contour(
    labels: NDArray[Any] | OneValue, parameters: SurfaceParameters, apart: Sequence[int], progress: Progress
) -> tuple[Contour, int]:
    """Contour at the finest resolution that memory allows; return it with its binning."""
    for binning in _BINNINGS:
        try:
            found = contours(
                labels,
                apart,
                with_objects=parameters.objects or parameters.smallest > 0,
                face_limit=max(HELD_FACES, parameters.max_faces),
                binning=binning,
                progress=progress,
            )
        except TooManyFaces:
            continue
        if len(found.triangles):
            return found, binning
        if binning == 1:
            raise EmptyLabels(
                "The labels are empty: no voxel is labelled, so there is no surface. "
                "Use labels with structures in them, or lower the threshold of the segmentation."
            )
        break
    raise UserError(_NOISE)


def _keep_objects(found: Contour, smallest: int) -> list[str]:
    """Leave out small objects and number the others by size, in place; return the notes."""
    assert found.objects is not None
    faces = found.object_faces()
    stays = faces >= max(1, smallest)
    dropped = int(np.count_nonzero(faces)) - int(np.count_nonzero(stays))
    if not stays.any():
        raise UserError(
            f"All {grouped(dropped)} objects have fewer than {grouped(smallest)} faces, so nothing is left. "
            f"Lower the smallest number of faces (the largest object has {grouped(faces.max())})."
        )
    order = np.argsort(-faces, kind="stable")
    number = np.full(len(faces), -1, np.int32)
    number[order[: np.count_nonzero(stays)]] = np.arange(np.count_nonzero(stays))
    found.objects = number[found.objects]
    if not dropped:
        return []
    found.triangles = found.triangles[found.objects[found.triangles[:, 0]] >= 0]
    drop_unused(found)
    many = "1 object" if dropped == 1 else f"{grouped(dropped)} objects"
    return [f"{many} with fewer than {grouped(smallest)} faces left out."]


def _close_ranks(found: Contour, before: int) -> list[str]:
    """Number the objects that simplification has left without gaps, in place; return the notes."""
    assert found.objects is not None
    left, numbers = np.unique(found.objects, return_inverse=True)
    found.objects = numbers.astype(np.int32)
    lost = before - len(left)
    many = "1 small object" if lost == 1 else f"{grouped(lost)} small objects"
    return [f"{many} vanished when the surface was simplified."] if lost else []
