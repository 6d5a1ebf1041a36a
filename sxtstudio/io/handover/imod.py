"""Models of IMOD: each label an object with its name, its colour, its outlines in all slices, its mesh."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.atomic import atomic_write
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box
from sxtstudio.core.label_image import HandedOver, LabelImage, LegendEntry
from sxtstudio.core.progress import Progress
from sxtstudio.core.verified import ALL_TRIANGLES, EVERY_VOXEL, NAMES_AND_COLOURS, differs, read_back
from sxtstudio.core.volume import Volume
from sxtstudio.core.walk import walk
from sxtstudio.core.wording import grouped
from sxtstudio.io.handover import imod_format as imod
from sxtstudio.io.handover.imod_read import MOST_CONTOURS, Model
from sxtstudio.io.handover.meshes import MeshArrays, MeshOf
from sxtstudio.io.handover.pixel_edges import pixel_edges
from sxtstudio.io.handover.readback import SlabChecksums
from sxtstudio.io.handover.values import legend_for, whole

_ANGSTROM_PER_NM = 10.0
_MODEL_FLAGS = imod.MULTIPLE_CLIP | imod.MATERIAL_BYTES | imod.HAS_ORIGIN | imod.HAS_TILT
# As imodmesh leaves objects that it has meshed: the mesh is shown, filled, and not the outlines.
_MESHED = imod.DRAW_MESH | imod.FILL | imod.NO_LINES
# Symbol of points (none) and its size; lines in 2D and 3D; style, flags, padding, transparency (iobj.c).
_LINES = (1, 3, 1, 1, 0, 0, 0, 0)
# Ambient, diffuse, specular, shininess; fill colour, quality; unused; levels of values (iobj.c).
_MATERIAL = bytes((102, 255, 127, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 0, 0))
_COPY_BYTES = 1 << 20
_AROUND_TRIANGLES = 3  # entries of the list of a mesh: what it holds, its end, and that of the list


def write_imod(
    path: Path,
    label_image: LabelImage,
    progress: Progress | None = None,
    *,
    meshes: MeshOf | None = None,
    rows_from_top: bool = False,
) -> HandedOver:
    """Write a model for 3dmod: an object for each value of a label image.

    The contours run along the edges of the voxels: IMOD measures the volume of the labels, to the voxel.
    Holes are contours of their own within the outer one. The file is read back, its contours filled and
    compared with the labels, before it gets its name.

    Parameters
    ----------
    path
        Ends in ``.mod``.
    label_image
        The labels, with their voxel size and origin where these are known.
    progress
        Counts slices: of the contours, of the meshes as many, of reading back.
    meshes
        The surface of a value; without it there are contours only, which ``imodmesh`` turns into surfaces.
    rows_from_top
        For a model that is to be shown on a TIFF image, which IMOD turns upside down: its first row is at
        the top. In MRC files the first row is at the bottom.

    Raises
    ------
    UserError
        If it cannot be written, or is read back differently.
    Cancelled
        If the user stopped the job; nothing is left behind.
    """
    path, progress = Path(path), progress or Progress()
    # Meshes are made while they are written, and take about as long as the contours.
    progress.begin((2 + (meshes is not None)) * label_image.shape[0], f"Writing {path.name}")
    sums = SlabChecksums(path)
    with atomic_write(path) as temporary, tempfile.TemporaryFile(dir=temporary.parent) as spool:
        contours = _Contours(spool, path.name, label_image, rows_from_top)
        for box in walk(label_image.shape, progress=progress, begin=False):
            slab = whole(label_image.volume.read(box), label_image.name)
            sums.add(box, slab)
            contours.add(box.start[0], slab)
        legend = legend_for(
            label_image, sorted({entry.value for entry in label_image.legend} | set(contours.values))
        )
        with open(temporary, "wb") as file:
            mesh_size = _write(file, label_image, legend, contours, meshes, progress)
        compared = _verify(temporary, path, label_image, legend, sums, mesh_size, progress)
        size = temporary.stat().st_size
    image = "a TIFF: first row at the top" if rows_from_top else "an MRC: first row at the bottom"
    details = [
        ("Objects", grouped(len(legend))),
        ("Contours", grouped(contours.count)),
        ("Lies right on", image),
    ]
    if meshes is not None:
        details.append(("Faces of meshes", grouped(mesh_size.faces)))
    losses = tuple(_losses(label_image, legend))
    return HandedOver(path, "IMOD model", size, read_back(*compared), tuple(details), losses)


class _Contours:
    """The contours of all slices, as they stand in the file, in the order in which they are found."""

    def __init__(self, spool: BinaryIO, target: str, image: LabelImage, rows_from_top: bool) -> None:
        self._target = target
        self._spool = spool
        self.height = image.shape[1] if rows_from_top else None  # by which y is turned round
        self._values: list[int] = []
        self._ends: list[int] = []

    @property
    def values(self) -> list[int]:
        """The label of each contour."""
        return self._values

    @property
    def count(self) -> int:
        return len(self._values)

    def add(self, first: int, slab: NDArray[np.uint32]) -> None:
        """Take the contours of slices (z, y, x) that begin at ``first``."""
        end = self._ends[-1] if self._ends else 0
        if len(self._values) > MOST_CONTOURS:
            raise UserError(
                f"{self._target} was not written: there are more than {grouped(MOST_CONTOURS)} outlines. "
                "Clean up first (small objects away, holes filled), or export MRC."
            )
        for z, labels in enumerate(slab, first):
            for value, corners in pixel_edges(labels).polygons():
                points = np.empty((len(corners), 3), ">f4")
                points[:, :2], points[:, 2] = corners, z
                if self.height is not None:
                    points[:, 1] = self.height - points[:, 1]
                record = imod.CONTOUR + imod.CONTOUR_HEADER.pack(len(points), 0, 0, 0) + points.tobytes()
                self._spool.write(record)
                end += len(record)
                self._values.append(value)
                self._ends.append(end)

    def by_value(self) -> dict[int, NDArray[np.int64]]:
        """Return where the contours of each label lie in the spool: (begin, end), (n, 2)."""
        values = np.array(self._values, np.int64)
        ends = np.array(self._ends, np.int64)
        spans = (
            np.stack((np.concatenate(([0], ends[:-1])), ends), axis=1) if len(ends) else ends.reshape(0, 2)
        )
        order = np.argsort(values, kind="stable")
        starts = np.flatnonzero(np.diff(values[order], prepend=-1))
        parts = np.split(order, starts[1:]) if len(order) else []
        return {int(values[part[0]]): spans[part] for part in parts}

    def copy(self, spans: NDArray[np.int64], file: BinaryIO) -> None:
        """Write contours behind each other."""
        self._spool.flush()
        for begin, end in _joined(spans):
            self._spool.seek(begin)
            while begin < end:
                data = self._spool.read(min(_COPY_BYTES, end - begin))
                file.write(data)
                begin += len(data)


def _joined(spans: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Neighbours as one."""
    if not len(spans):
        return
    breaks = np.flatnonzero(spans[1:, 0] != spans[:-1, 1]) + 1
    for begin, end in zip(
        spans[np.concatenate(([0], breaks)), 0], spans[np.append(breaks, len(spans)) - 1, 1], strict=True
    ):
        yield int(begin), int(end)


@dataclass(frozen=True)
class _MeshSize:
    """Triangles of all meshes, numbers of their points and normals, and entries of their lists."""

    faces: int = 0
    coordinates: int = 0
    entries: int = 0

    def with_mesh(self, mesh: MeshArrays) -> _MeshSize:
        faces = len(mesh.triangles)
        return _MeshSize(
            self.faces + faces,
            self.coordinates + 6 * len(mesh.points),
            self.entries + 3 * faces + _AROUND_TRIANGLES,
        )


def _write(
    file: BinaryIO,
    image: LabelImage,
    legend: tuple[LegendEntry, ...],
    contours: _Contours,
    meshes: MeshOf | None,
    progress: Progress,
) -> _MeshSize:
    """Write the whole model, and return how large its meshes are."""
    spans = contours.by_value()
    place = _place(image)
    size = _MeshSize()
    file.write(imod.MAGIC + imod.VERSION + _header(image, len(legend), contours.height is not None))
    for entry in legend:
        progress.check()
        own = spans.get(entry.value, np.zeros((0, 2), np.int64))
        mesh = meshes(entry.value) if meshes is not None and len(own) else None
        if meshes is not None:
            progress.step(image.shape[0] / len(legend))
        file.write(imod.OBJECT + _object(entry, len(own), mesh is not None))
        contours.copy(own, file)
        if mesh is not None:
            _write_mesh(file, mesh, image, contours.height)
            size = size.with_mesh(mesh)
        file.write(imod.CHUNK.pack(imod.MATERIAL, len(_MATERIAL)) + _MATERIAL)
    if place is not None:
        file.write(imod.CHUNK.pack(imod.IMAGE, imod.IMAGE_PLACE.size) + place)
    file.write(imod.END)
    return size


def _header(image: LabelImage, objects: int, rows_from_top: bool) -> bytes:
    z, y, x = image.shape
    dz, _, dx = image.voxel_nm or (1.0, 1.0, 1.0)
    pixel, unit = (1.0, 0) if image.voxel_nm is None else (dx, imod.NANOMETER)
    name = imod.model_name(image.name, rows_from_top=rows_from_top)
    flags = _MODEL_FLAGS if _place(image) is not None else imod.MULTIPLE_CLIP | imod.MATERIAL_BYTES
    return imod.HEADER.pack(
        *(name, x, y, z, objects, flags, 1, 1, 0, 255),
        *(0, 0, 0, 1, 1, dz / dx),
        *(0 if objects else -1, -1, -1, 3, 128, pixel, unit, 0, 0, 0, 0),
    )


def _object(entry: LegendEntry, contours: int, meshed: bool) -> bytes:
    name = imod.name_bytes(entry.name, imod.OBJECT_NAME_BYTES)
    red, green, blue = (part / 255 for part in entry.rgb)
    flags = _MESHED if meshed else 0
    return imod.OBJECT_HEADER.pack(
        *(name, b"", contours, flags, 0, 1, red, green, blue, 0), *_LINES, int(meshed), 0
    )


def _place(image: LabelImage) -> bytes | None:
    """Where the image lies; None where it is not known, and 3dmod takes the place of the image it shows.

    IMOD subtracts the origin of an image from its coordinates: it is minus the place of the first voxel.
    """
    if image.voxel_nm is None or image.origin_nm is None:
        return None
    scale = [length * _ANGSTROM_PER_NM for length in reversed(image.voxel_nm)]
    origin = [-length * _ANGSTROM_PER_NM + 0.0 for length in reversed(image.origin_nm)]
    return imod.IMAGE_PLACE.pack(1, 1, 1, *origin, 0, 0, 0, *scale, *origin, 0, 0, 0)


def _write_mesh(file: BinaryIO, mesh: MeshArrays, image: LabelImage, height: int | None) -> None:
    voxel = np.array((image.voxel_nm or (1.0, 1.0, 1.0))[::-1], np.float32)
    pairs = np.empty((len(mesh.points), 2, 3), ">f4")
    # From the centre of the first voxel, which is at (0.5, 0.5, 0).
    pairs[:, 0] = mesh.points / voxel + np.array((0.5, 0.5, 0), np.float32)
    pairs[:, 1] = mesh.normals  # those of the surface with its true depth (remesh.c)
    triangles = mesh.triangles
    if height is not None:  # a mirror image, with its outside outside again
        pairs[:, 0, 1] = height - pairs[:, 0, 1]
        pairs[:, 1, 1] *= -1
        triangles = triangles[:, ::-1]
    entries = np.empty(3 * len(triangles) + _AROUND_TRIANGLES, ">i4")
    entries[0], entries[-2:] = imod.TRIANGLES, (imod.END_TRIANGLES, imod.END_LIST)
    entries[1:-2] = 2 * triangles.ravel()
    file.write(imod.MESH + imod.MESH_HEADER.pack(2 * len(mesh.points), len(entries), 0, 0, 0))
    file.write(pairs.data)
    file.write(entries.data)


def _verify(
    temporary: Path,
    target: Path,
    image: LabelImage,
    legend: tuple[LegendEntry, ...],
    sums: SlabChecksums,
    meshes: _MeshSize,
    progress: Progress,
) -> tuple[str, ...]:
    """Read the model back, compare it with what was to be written, and say what was compared."""
    with ExitStack() as stack:
        try:
            model = Model(temporary)
            stack.callback(model.close)
            back = model.volume(image.shape)
        except UserError as error:
            raise sums.unreadable(error) from error
        if len(model.legend) != len(legend):
            raise differs(target, "the number of its objects")
        if any(not _is_described(a, b) for a, b in zip(model.legend, legend, strict=True)):
            raise differs(target, "names or colours")
        seen = _seen_by_imod(image)
        if model.mesh_size != (meshes.coordinates, meshes.entries):
            raise differs(target, "its meshes")
        compared = list(sums.compare_place(back, seen))
        values = np.array([0, *(entry.value for entry in legend)], np.uint32)
        sums.compare(_Renumbered(back, values), progress)
    if seen.voxel_nm != image.voxel_nm:
        compared[compared.index("voxel size")] = "voxel size along x and z"
    named = [NAMES_AND_COLOURS] if legend else []
    return (
        f"{EVERY_VOXEL} within the contours",
        *named,
        *compared,
        *([ALL_TRIANGLES] if meshes.faces else []),
    )


def _is_described(found: LegendEntry, wanted: LegendEntry) -> bool:
    """Whether an object has the name, as far as it has room, and the colour of a label."""
    name = imod.name_of(imod.name_bytes(wanted.name, imod.OBJECT_NAME_BYTES))
    return (not name or found.name == name) and found.rgb == wanted.rgb


def _seen_by_imod(image: LabelImage) -> LabelImage:
    """The voxels of IMOD are as long along y as along x."""
    if image.voxel_nm is None:
        return image
    z, _, x = image.voxel_nm
    return replace(image, voxel_nm=(z, x, x))


class _Renumbered:
    """The objects of a model with the values of the labels that they were made of."""

    def __init__(self, volume: Volume, values: NDArray[np.uint32]) -> None:
        self._volume = volume
        self._values = values
        self.shape, self.voxel_nm, self.dtype = volume.shape, volume.voxel_nm, values.dtype

    def read(self, box: Box) -> NDArray[np.uint32]:
        return np.asarray(self._values[self._volume.read(box)])


def _losses(image: LabelImage, legend: tuple[LegendEntry, ...]) -> Iterator[str]:
    if any(len(entry.name.encode("utf-8")) >= imod.OBJECT_NAME_BYTES for entry in legend):
        yield f"Names of objects are cut after {imod.OBJECT_NAME_BYTES - 1} bytes."
    if image.voxel_nm is None:
        yield "The voxel size is not known: IMOD measures in pixels."
    elif abs(image.voxel_nm[1] / image.voxel_nm[2] - 1) > 1e-3:
        yield "IMOD knows one pixel size for x and y, that of x; what it measures along y is wrong."
    elif image.origin_nm is None:
        yield "The position is not known: the model lies on whatever image it is shown with."
