"""The work behind the 3D view that runs in threads: meshes of labels, mask and the chosen object."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box
from sxtstudio.core.pace import Work
from sxtstudio.core.progress import Progress
from sxtstudio.core.stages import Stage, Stages
from sxtstudio.core.volume import VoxelSize
from sxtstudio.surface import EmptyLabels, SurfaceParameters, extract_surface, surface_stages
from sxtstudio.surface.coarse import coarser
from sxtstudio.surface.scene import shaded

# Faces that are drawn while the scene turns, and those of the smooth surface of the mask.
MOVING_FACES = 120_000
_MASK_FACES = 150_000
_MASK_SMOOTH = 60
_HIGHLIGHT_FACES = 300_000

Labels = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Meshes:
    """What one job has made, ready to be drawn; ``trouble`` is a sentence where there is no surface."""

    full: Any = None
    coarse: Any = None
    mask: Any = None
    faces: int = 0
    objects: int = 0
    notes: tuple[str, ...] = ()
    trouble: str = ""


def make_meshes(
    labels: Labels | None,
    mask: Labels | None,
    voxel_nm: VoxelSize | None,
    parameters: SurfaceParameters,
    progress: Progress,
) -> Meshes:
    """Make the surface of the labels, a lighter one for moving, and that of the mask.

    Labels and mask (z, y, x) are read slab by slab; either may be None.

    Raises
    ------
    Cancelled
        If the user has cancelled.
    """
    outline = None
    notes: list[str] = []
    smooth_one = SurfaceParameters(smooth=_MASK_SMOOTH, max_faces=_MASK_FACES)
    stages = Stages(
        progress,
        [
            Stage(Work.SURFACE, array.size, inner=surface_stages(array.size, asked))
            for array, asked in ((mask, smooth_one), (labels, parameters))
            if array is not None
        ]
        + ([] if labels is None else [Stage(Work.SIMPLIFY, parameters.max_faces)]),
    )
    if mask is not None:
        try:
            with stages.stage(Work.SURFACE) as counter:
                outline = shaded(extract_surface(mask, voxel_nm, smooth_one, progress=counter).mesh)
        except EmptyLabels:
            notes.append("The cell mask is empty.")
        except UserError as error:
            notes.append(f"The cell mask is not shown: {error}")
    if labels is None:
        return Meshes(mask=outline, notes=tuple(notes), trouble=NO_LABELS)
    try:
        with stages.stage(Work.SURFACE) as counter:
            surface = extract_surface(labels, voxel_nm, parameters, progress=counter)
    except UserError as error:
        trouble = NO_LABELS if isinstance(error, EmptyLabels) else str(error)
        return Meshes(mask=outline, notes=tuple(notes), trouble=trouble)
    stages.expect(Work.SIMPLIFY, surface.face_count if surface.face_count > MOVING_FACES else 0)
    with stages.stage(Work.SIMPLIFY) as counter:
        light = coarser(surface, MOVING_FACES, voxel_nm, counter)
    return Meshes(
        full=shaded(surface.mesh),
        coarse=None if light is None else shaded(light),
        mask=outline,
        faces=surface.face_count,
        objects=surface.object_count if parameters.objects else 0,
        notes=(*surface.notes, *notes),
    )


NO_LABELS = "There are no labels yet. Segment the tomogram or paint labels, then make the surface."


def make_highlight(
    where: NDArray[np.bool_], box: Box, voxel_nm: VoxelSize | None, smooth: int, progress: Progress
) -> Any:
    """Return the surface of one object, ready to be drawn; ``where`` holds its voxels within ``box``."""
    size = voxel_nm or (1.0, 1.0, 1.0)
    z, y, x = (start * edge for start, edge in zip(box.start, size, strict=True))
    parameters = SurfaceParameters(smooth=smooth, max_faces=_HIGHLIGHT_FACES)
    surface = extract_surface(where.view(np.uint8), voxel_nm, parameters, (z, y, x), progress)
    return shaded(surface.mesh)
