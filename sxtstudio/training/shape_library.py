"""Shapes of real organelles for phantoms: label volumes in a folder of the user's, and what they mean.

The folder has a file ``shapes.toml`` with a section for each kind of label volume::

    [[shapes]]
    files = "mitochondria/*.tif"      # beside shapes.toml or in folders below: **/*.tif are all of them
    voxel_nm = [5, 5, 5]              # z, y, x; may be left out where the files say it
    labels = { 1 = "mitochondrion", 2 = "cristae" }

A volume of one kind of organelle holds single bodies, which are placed here and there. One of several
kinds is a field: part of a cell whose arrangement is kept. Any format that the program opens will do.
Patterns are relative and stay inside the folder: no ``..``, no link out of it (``shape_files``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from zlib import crc32

import numpy as np
from msgspec import Meta, Struct
from numpy.typing import NDArray
from scipy import ndimage

from sxtstudio.core.distance import distances
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box
from sxtstudio.core.plain_files import read_plain
from sxtstudio.core.records import record_of, toml_values
from sxtstudio.core.wording import cut, grouped
from sxtstudio.io import open_volume
from sxtstudio.training.canvas import CLASSES
from sxtstudio.training.shape_files import MOST_FILES, find_files

Labels = NDArray[np.uint8]
VoxelNm = tuple[float, float, float]

DESCRIPTION = "shapes.toml"
#: What labels of a shape can mean; cristae are part of the mitochondrion round them.
CRISTAE = "cristae"
KINDS = (
    *("nucleus", "endoplasmic reticulum", "Golgi cisterna", "mitochondrion"),
    *("vesicle", "dense body", "lipid droplet", CRISTAE),
)
#: The value of cristae in the labels of a library; others have those of ``canvas.CLASSES``.
CRISTAE_VALUE = 255
MOST_VOXELS = 200_000_000
#: Of all volumes together: they are kept, a byte for each voxel.
MOST_TOGETHER = 2_000_000_000
#: Smaller pieces of a body's volume are specks of the annotation.
_LEAST_VOXELS = 400
#: A face of the volume cuts a body where it shows at least this share of its largest section.
_CUT_SHARE = 0.05
_LARGEST = 1 << 20
#: So many points stand for a body where it is looked for room.
_POINTS = 2000

_Nm = Annotated[float, Meta(ge=0.5, le=1000, description="three numbers of nanometres, z, y, x")]
_Label = Annotated[str, Meta(pattern=r"^[1-9][0-9]{0,8}$", description="a label, a whole number from 1")]


class _Section(Struct, frozen=True, forbid_unknown_fields=True):
    files: Annotated[
        str, Meta(min_length=1, max_length=1000, description="the name of a file, or a pattern such as *.tif")
    ]
    labels: Annotated[dict[_Label, str], Meta(min_length=1, description='such as { 1 = "mitochondrion" }')]
    voxel_nm: tuple[_Nm, _Nm, _Nm] | None = None


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    shapes: Annotated[
        list[_Section], Meta(min_length=1, max_length=100, description="1 to 100 sections [[shapes]]")
    ]


@dataclass(frozen=True)
class OrganelleShape:
    """One real organelle: ``labels`` (z, y, x) are its class, or CRISTAE_VALUE, and 0 outside."""

    kind: str
    labels: Labels
    voxel_nm: VoxelNm
    source: str
    half_nm: float  # radius of the largest ball that finds room in it
    points: NDArray[np.float64]  # some inside it, (n, 3)
    cristae_nm: tuple[float, float] | None = None  # thickness, and distance from middle to middle


@dataclass(frozen=True)
class CellRegion:
    """A part of a cell with several kinds of organelles; ``labels`` (z, y, x) as those of a body."""

    labels: Labels
    voxel_nm: VoxelNm
    source: str


@dataclass(frozen=True)
class Library:
    """Shapes of real organelles."""

    bodies: tuple[OrganelleShape, ...] = ()
    fields: tuple[CellRegion, ...] = ()

    @property
    def checksum(self) -> str:
        """What distinguishes these shapes from others, eight hexadecimal digits."""
        total = 0
        shapes: tuple[OrganelleShape | CellRegion, ...] = (*self.bodies, *self.fields)
        for shape in shapes:
            total = crc32(repr((shape.labels.shape, shape.voxel_nm)).encode(), total)
            total = crc32(shape.labels.tobytes(), total)
        return f"{total:08x}"


def read_library(folder: Path) -> Library:
    """Read the label volumes of a folder, as its ``shapes.toml`` says.

    Raises
    ------
    UserError
        If there is no such file, a key of it is wrong, a pattern leads out of the folder, or a volume cannot
        be read or is too large, alone or with the others.
    """
    path = folder / DESCRIPTION
    if not path.is_file():
        raise UserError(
            f"{folder} has no file {DESCRIPTION} that says which label volumes hold which organelles: "
            "write one (sxtstudio simulate --help shows how)."
        )
    try:
        content = read_plain(path, _LARGEST)
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror or error}).") from error
    what = f"The shapes {path} cannot be used"
    file = record_of(toml_values(content, what), _File, what)
    for section in file.shapes:
        for kind in section.labels.values():
            if kind not in KINDS:
                raise UserError(f"{what}: '{kind}' is no kind of organelle. Use one of: {', '.join(KINDS)}.")
    volumes = _volumes(file, folder, what)
    bodies: list[OrganelleShape] = []
    fields: list[CellRegion] = []
    voxels = 0
    for section, volume in volumes:
        labels, voxel_nm = _read(volume, section, what)
        voxels += labels.size
        if voxels > MOST_TOGETHER:
            raise UserError(
                f"{what}: its volumes have more than {MOST_TOGETHER // 1_000_000} million voxels together; "
                "take fewer, or cut them out."
            )
        there = np.flatnonzero(np.bincount(labels.ravel(), minlength=256))
        if len(set(there.tolist()) - {0, CRISTAE_VALUE}) > 1:
            fields.append(CellRegion(labels, voxel_nm, volume.name))
        else:
            bodies.extend(_bodies(labels, voxel_nm, volume.name))
    if not bodies and not fields:
        raise UserError(f"{what}: its volumes hold no organelle of at least {_LEAST_VOXELS} voxels.")
    return Library(tuple(bodies), tuple(fields))


def _volumes(file: _File, folder: Path, what: str) -> list[tuple[_Section, Path]]:
    """Return the files of all sections: what is wrong with a pattern is reported before any file is read."""
    found: list[tuple[_Section, Path]] = []
    for section in file.shapes:
        found.extend((section, path) for path in find_files(folder, section.files, what))
        if len(found) > MOST_FILES:
            raise UserError(
                f"{what}: with files = '{cut(section.files)}' its sections are more than "
                f"{grouped(MOST_FILES)} files together; take fewer."
            )
    return found


def _read(path: Path, section: _Section, what: str) -> tuple[Labels, VoxelNm]:
    with open_volume(path) as volume:
        if np.prod(volume.shape, dtype=float) > MOST_VOXELS:
            raise UserError(
                f"{path} is too large for shapes: cut out {MOST_VOXELS // 1_000_000} million voxels."
            )
        if not np.issubdtype(volume.dtype, np.integer):
            raise UserError(f"{path} holds no labels: they are whole numbers, these are {volume.dtype}.")
        voxel_nm = section.voxel_nm or volume.voxel_nm
        if voxel_nm is None:
            raise UserError(
                f"{what}: {path.name} says no voxel size; add voxel_nm = [z, y, x] to its section."
            )
        raw = volume.read(Box.whole(volume.shape))
    labels = np.zeros(raw.shape, np.uint8)
    for value, kind in section.labels.items():
        labels[raw == int(value)] = CRISTAE_VALUE if kind == CRISTAE else CLASSES[kind]
    z, y, x = voxel_nm
    return labels, (float(z), float(y), float(x))


def _bodies(labels: Labels, voxel_nm: VoxelNm, source: str) -> Iterator[OrganelleShape]:
    """Yield the connected organelles of a volume, each in its box and closed where the volume cuts it."""
    pieces, count = ndimage.label(labels > 0)
    if not count:
        return
    kind = next(
        (name for name in KINDS if name != CRISTAE and (labels == CLASSES[name]).any()), "mitochondrion"
    )
    sizes = np.bincount(pieces.ravel())
    for number, place in enumerate(ndimage.find_objects(pieces), 1):
        if sizes[number] < max(_LEAST_VOXELS, 0.03 * sizes[1:].max()):
            continue
        own = np.where(pieces[place] == number, labels[place], 0).astype(np.uint8)
        edges = [(part.start == 0, part.stop == size) for part, size in zip(place, labels.shape, strict=True)]
        closed = _closed(own, edges)
        half_nm = float(distances(np.pad(closed, 1) > 0, voxel_nm, at_once=MOST_VOXELS).max())
        inside = np.argwhere(closed > 0)
        points = inside[np.random.default_rng(0).permutation(len(inside))[:_POINTS]].astype(float)
        yield OrganelleShape(kind, closed, voxel_nm, source, half_nm, points, _cristae(own, voxel_nm))


def _closed(labels: Labels, edges: list[tuple[bool, bool]]) -> Labels:
    """Return a body that goes on, mirrored and tapering, beyond the faces of the volume that cut it."""
    for axis, faces in enumerate(edges):
        areas = np.count_nonzero(np.moveaxis(labels, axis, 0), axis=(1, 2))
        for face, at_edge in enumerate(faces):
            if at_edge and areas[-face] > _CUT_SHARE * areas.max():
                labels = _grown_on(labels, axis, bool(face))
    return labels


def _grown_on(labels: Labels, axis: int, last: bool) -> Labels:
    """Mirror a body at its first or last section along ``axis``, and let the image end as a dome."""
    ordered = np.moveaxis(labels, axis, 0)
    inwards = ordered[::-1] if last else ordered
    # The section itself is there already; and a body is about as thick as it is wide.
    inside = distances(np.pad(inwards[:1] > 0, ((0, 0), (1, 1), (1, 1))))[0, 1:-1, 1:-1]
    image = inwards[1 : round(float(inside.max())) + 1].copy()
    if not len(image):
        return labels
    for depth, section in enumerate(image, 1):
        section[inside <= inside.max() * (1 - np.sqrt(1 - (depth / (len(image) + 1)) ** 2))] = 0
    parts = (ordered, image) if last else (image[::-1], ordered)
    return np.ascontiguousarray(np.moveaxis(np.concatenate(parts), 0, axis))


def _cristae(labels: Labels, voxel_nm: VoxelNm) -> tuple[float, float] | None:
    """Return how thick cristae are and how far apart (nm); None where a body has none.

    In a sheet of thickness t the mean distance to its faces is t / 4; that to the centres of the voxels
    beyond them is half a voxel more.
    """
    cristae = labels == CRISTAE_VALUE
    if not cristae.any():
        return None
    apart = float(distances(cristae, voxel_nm, at_once=MOST_VOXELS)[cristae].mean())
    thick = max(4 * (apart - min(voxel_nm) / 2), min(voxel_nm))
    return thick, thick * np.count_nonzero(labels) / np.count_nonzero(cristae)
