"""A surface as a file: PLY, STL, OBJ, VTP or GLB."""

from __future__ import annotations

from pathlib import Path

from sxtstudio.core.length_unit import LengthUnit
from sxtstudio.core.progress import Progress
from sxtstudio.surface.handover.kinds import format_of
from sxtstudio.surface.handover.part import surface_parts
from sxtstudio.surface.handover.sink import Lengths
from sxtstudio.surface.handover.write import write_file
from sxtstudio.surface.mesh import Surface


def write_mesh(
    path: str | Path, surface: Surface, progress: Progress | None = None, *, unit: LengthUnit | None = None
) -> Path:
    """Write a surface to .ply, .stl, .obj, .vtp or .glb, by the suffix.

    Coordinates are (x, y, z) along the axes of the volume. PLY, OBJ (with an .mtl beside it), VTP and GLB
    keep the colour of each object; STL has none. The file appears under its name only when it is whole and
    was read back.

    Parameters
    ----------
    path
        Name of the file.
    surface
        Lengths in it are nm, or voxels.
    progress
        Counts points and triangles, when they are written and when they are read back.
    unit
        In which lengths are written, where they are known; None: nm, and µm in GLB.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    UserError
        For any other suffix, and where the file cannot be written.
    Cancelled
        If ``progress.cancel`` was called; a former file of that name stays as it was.
    """
    path = Path(path)
    kind = format_of(path)
    progress = progress or Progress()
    progress.begin(2 * (len(surface.points) + surface.face_count), f"writing {path.name}")
    progress.check()
    lengths = Lengths(None if surface.unit == "voxel" else unit or kind.usual_unit)
    write_file(path, surface_parts(surface, "Labels"), lengths, path.stem, progress.step)
    return path
