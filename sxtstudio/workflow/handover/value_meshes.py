"""The surface of a value of a label image, for formats that hold surfaces beside outlines."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.geometry import Box
from sxtstudio.core.handover import Content
from sxtstudio.core.measure.inventory import take_inventory
from sxtstudio.io.handover.meshes import MeshArrays
from sxtstudio.workflow.document.exporting import ExportSource
from sxtstudio.workflow.handover.label_images import class_values

_SMOOTH = 20


class ValueMeshes:
    """Makes the surface of an object, of all objects of a class, or of labels or mask, when it is asked for.

    Points are (x, y, z) in nm, or voxels where their size is unknown, from the centre of the first voxel.
    """

    def __init__(self, content: Content, source: ExportSource) -> None:
        """Look at a document; where its objects lie is found out when the first surface is wanted."""
        self._content, self._source = content, source
        self._boxes: dict[int, Box] | None = None
        self._of_class: dict[int, list[int]] = {}
        if content is Content.CLASSES:
            for number, value in class_values(source.table)[0].items():
                self._of_class.setdefault(value, []).append(number)

    def __call__(self, value: int) -> MeshArrays | None:
        """Return the surface of a value; None where there is none."""
        source = self._source
        if self._content in (Content.OBJECTS, Content.CLASSES):
            if source.objects is None:
                return None
            numbers = [value] if self._content is Content.OBJECTS else self._of_class.get(value, [])
            parts = [part for part in map(self._of_object, numbers) if part is not None]
            return _together(parts)
        voxels = source.mask if self._content is Content.MASK else source.labels
        return None if voxels is None else _mesh(voxels, source, (0, 0, 0))

    def _of_object(self, number: int) -> MeshArrays | None:
        objects = self._source.objects
        assert objects is not None
        if self._boxes is None:
            found = take_inventory(objects)
            self._boxes = {one: found.box(row) for row, one in enumerate(found.numbers.tolist())}
        box = self._boxes.get(number)
        if box is None:
            return None
        return _mesh(objects[box.slices] == number, self._source, box.start)


def _mesh(voxels: NDArray[Any], source: ExportSource, corner: tuple[int, int, int]) -> MeshArrays | None:
    from sxtstudio.surface import EmptyLabels, SurfaceParameters, extract_surface
    from sxtstudio.surface.handover.part import normals_of

    scale = source.voxel_nm or (1.0, 1.0, 1.0)
    z, y, x = (edge * start for edge, start in zip(scale, corner, strict=True))
    try:
        surface = extract_surface(voxels, scale, SurfaceParameters(min_faces=0, smooth=_SMOOTH), (z, y, x))
    except EmptyLabels:
        return None
    points, triangles = surface.points, surface.triangles
    return MeshArrays(points, normals_of(points, triangles), triangles)


def _together(parts: list[MeshArrays]) -> MeshArrays | None:
    if not parts:
        return None
    begins = np.cumsum([0, *(len(part.points) for part in parts[:-1])])
    each = zip(parts, begins.tolist(), strict=True)
    return MeshArrays(
        np.concatenate([part.points for part in parts]),
        np.concatenate([part.normals for part in parts]),
        np.concatenate([part.triangles + np.int32(begin) for part, begin in each]),
    )
