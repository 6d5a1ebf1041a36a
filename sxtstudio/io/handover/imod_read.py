"""Models of IMOD as labels: the closed contours of an object, filled slice by slice."""

from __future__ import annotations

import math
import struct
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box, Triple
from sxtstudio.core.label_image import Legend, LegendEntry
from sxtstudio.core.volume import VoxelSize
from sxtstudio.core.wording import count
from sxtstudio.io.filevolume import FileVolume
from sxtstudio.io.handover import imod_format as imod
from sxtstudio.io.handover.contour_fill import Contour, TooMuch, paint
from sxtstudio.io.units import judge_voxel

#: What a model begins with.
MAGIC = imod.MAGIC
_MOST_OBJECTS = 200_000
#: More are neither read nor written.
MOST_CONTOURS = 3_000_000
_MOST_PARTS = 12_000_000  # of a file; a contour may have some of its own
_MOST_POINTS = 20_000_000  # of a slice: some 500 MB while they are filled
_POINTS_AT_ONCE = 500_000  # of several objects; one alone may have more
_NM_PER_ANGSTROM = 0.1
_GUESSED = (
    "it is taken for one that was drawn over an MRC, whose first row 3dmod shows at the bottom; "
    "if it was another format, read y backwards (--axes zy-x)"
)
_SHIFTED = 1e-3  # pixels; less is the rounding of the file's numbers


@dataclass
class _Object:
    """An object of a model; its value is its place in the file, from 1."""

    name: str
    rgb: tuple[int, int, int]
    flags: int
    contours: int
    meshes: int
    seen_contours: int = 0
    seen_meshes: int = 0


@dataclass
class _Index:
    """Where the closed contours lie: object (from 1), z, offset of the points in the file, and how many."""

    objects: list[int] = field(default_factory=list)
    depths: list[float] = field(default_factory=list)
    offsets: list[int] = field(default_factory=list)
    points: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class _Frame:
    """How coordinates of the model become those of the whole image: (x, y, z) are shifted, then exchanged."""

    shift: tuple[float, float, float]
    flipped: bool

    def apply(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        shifted = points[:, (0, 2, 1)] if self.flipped else points
        return np.asarray(shifted + self.shift)


class Model:
    """A model of IMOD that was gone through once; contours stay in the file until their slice is filled.

    Attributes
    ----------
    legend
        Names and colours of the objects, values from 1 in their order.
    size
        Of the image that it was drawn on, (z, y, x); zeros where the file does not say.
    voxel_nm, origin_nm
        (z, y, x), None where the file does not say.
    mesh_size
        How many numbers the meshes of all objects have: of their points and normals, and of their lists.
    notes
        What the user should know.
    """

    def __init__(self, path: Path) -> None:
        """Go through the file.

        Raises
        ------
        UserError
            If it is no model of IMOD, or damaged, cut off, or made to do harm.
        """
        self.path = path
        self._file: BinaryIO = open(path, "rb")
        self._lock = threading.Lock()
        try:
            self._size = self._file.seek(0, 2)
            self._read()
        except BaseException:
            self._file.close()
            raise

    def _read(self) -> None:
        self._file.seek(0)
        if self._file.read(4) != imod.MAGIC:
            raise UserError(f"{self.path.name} is no model of IMOD. Choose another file.")
        version = self._file.read(4)
        if version != imod.VERSION:
            raise UserError(
                f"{self.path.name} is a model of an IMOD before 1.2. Save it again with a newer 3dmod."
            )
        header = imod.HEADER.unpack(self._take(imod.HEADER.size))
        x, y, z, announced, flags = header[1:6]
        self._rows_from_top = imod.rows_from_top(header[0])
        flipped = bool(flags & imod.FLIPPED)
        self.size: Triple = (y, z, x) if flipped else (z, y, x)
        self._place: tuple[float, ...] | None = None
        self._objects: list[_Object] = []
        self._found = _Index()
        self._reach = np.full(3, -np.inf)
        self.mesh_size = (0, 0)
        self._left_out = {"open contours and points": 0, "contours that are not in one slice": 0}
        self._chunks(announced, flipped)
        self._set_place(header, flags, flipped)
        self._sort()

    def _take(self, size: int) -> bytes:
        data = self._file.read(size) if 0 <= size <= self._size else b""
        if len(data) != size:
            raise self._damaged("it ends too early")
        return data

    def _damaged(self, why: str) -> UserError:
        return UserError(f"{self.path.name} is damaged: {why}. Copy it again, or save it again with 3dmod.")

    def _too_much(self, what: str) -> UserError:
        return UserError(
            f"{self.path.name} has more than {what}, which is more than SXT Studio handles. "
            "Divide it into several models."
        )

    def _chunks(self, announced: int, flipped: bool) -> None:
        """Go from chunk to chunk; what is not needed is passed over."""
        for _ in range(_MOST_PARTS):
            name = self._file.read(4)
            if name in (imod.END, b""):
                break
            if not (name.isalnum() and name.isascii()):
                raise self._damaged("where a part should begin there is something else")
            if name == imod.OBJECT:
                self._take_object(announced)
            elif name == imod.CONTOUR:
                self._take_contour(flipped)
            elif name == imod.MESH:
                self._take_mesh()
            else:
                (size,) = struct.unpack(">i", self._take(4))
                if name == imod.IMAGE and size == imod.IMAGE_PLACE.size:
                    self._place = imod.IMAGE_PLACE.unpack(self._take(size))
                else:
                    self._pass(imod.FIXED_BYTES.get(name, size))
        else:
            raise self._too_much(f"{_MOST_PARTS} parts")
        if name != imod.END or len(self._objects) != announced:
            raise self._damaged(f"{len(self._objects)} of {announced} objects are there")
        for number, found in enumerate(self._objects, 1):
            if (found.seen_contours, found.seen_meshes) != (found.contours, found.meshes):
                raise self._damaged(f"contours or meshes of object {number} are missing")

    def _pass(self, size: int) -> None:
        if not 0 <= size <= self._size - self._file.tell():
            raise self._damaged(f"a part of it claims to have {size} bytes")
        self._file.seek(size, 1)

    def _take_object(self, announced: int) -> None:
        if len(self._objects) >= min(announced, _MOST_OBJECTS):
            raise self._damaged(f"it has more than {min(announced, _MOST_OBJECTS)} objects")
        values = imod.OBJECT_HEADER.unpack(self._take(imod.OBJECT_HEADER.size))
        name, _, contours, flags = values[:4]
        red, green, blue = (_byte(part) for part in values[6:9])
        number = len(self._objects) + 1
        self._objects.append(
            _Object(imod.name_of(name) or f"Object {number}", (red, green, blue), flags, contours, values[18])
        )

    def _take_contour(self, flipped: bool) -> None:
        points, flags, *_ = imod.CONTOUR_HEADER.unpack(self._take(imod.CONTOUR_HEADER.size))
        if not self._objects or self._objects[-1].seen_contours >= self._objects[-1].contours:
            raise self._damaged("a contour belongs to no object")
        if not 0 <= points <= (self._size - self._file.tell()) // 12:
            raise self._damaged(f"a contour claims to have {points} points")
        found = self._objects[-1]
        found.seen_contours += 1
        if len(self._found.objects) >= MOST_CONTOURS:
            raise self._too_much(f"{MOST_CONTOURS} contours")
        if points > _MOST_POINTS:
            raise self._too_much(f"{_MOST_POINTS} points in a contour")
        offset = self._file.tell()
        data = np.frombuffer(self._take(12 * points), ">f4").reshape(points, 3)
        if (found.flags | flags) & imod.OPEN or found.flags & imod.SCATTERED or points < 3:
            self._left_out["open contours and points"] += points > 0
            return
        if not np.isfinite(data).all():
            raise self._damaged("a point of a contour is no number")
        lowest, highest = data.min(axis=0).astype(np.float64), data.max(axis=0).astype(np.float64)
        axis = 1 if flipped else 2
        low, high = float(lowest[axis]), float(highest[axis])
        if high - low > 0.5 or abs(low) > 1e9:
            self._left_out["contours that are not in one slice"] += 1
            return
        self._found.objects.append(len(self._objects))
        self._found.depths.append((low + high) / 2)
        self._reach = np.maximum(self._reach, highest)
        self._found.offsets.append(offset)
        self._found.points.append(points)

    def _take_mesh(self) -> None:
        vertices, entries, *_ = imod.MESH_HEADER.unpack(self._take(imod.MESH_HEADER.size))
        if not self._objects or self._objects[-1].seen_meshes >= self._objects[-1].meshes:
            raise self._damaged("a mesh belongs to no object")
        if vertices < 0 or entries < 0:
            raise self._damaged("a mesh claims to have a negative size")
        self._objects[-1].seen_meshes += 1
        self.mesh_size = (self.mesh_size[0] + 3 * vertices, self.mesh_size[1] + entries)
        self._pass(12 * vertices + 4 * entries)

    def _set_place(self, header: Sequence[float], flags: int, flipped: bool) -> None:
        """Voxel size, origin, and the shift from the part of the image that was shown to the whole."""
        pixel, unit, z_scale = header[21], int(header[22]), header[15]
        values: list[float | None] = [pixel * z_scale, pixel, pixel]
        nm: float | None = imod.NM_OF_UNIT.get(unit)
        shift = (0.0, 0.0, 0.0)
        self.origin_nm: VoxelSize | None = None
        place = self._place
        if place is not None and all(math.isfinite(value) for value in place):
            scale, origin, current = place[9:12], place[3:6], place[12:15]
            if flags & imod.HAS_ORIGIN and all(scale):
                x, y, z = ((o - c) / s for o, c, s in zip(origin, current, scale, strict=True))
                if max(abs(x), abs(y), abs(z)) > _SHIFTED:
                    shift = (x, y, z)
                # IMOD subtracts the origin of an image: it is minus the place of the first voxel.
                x, y, z = (-value * _NM_PER_ANGSTROM + 0.0 for value in origin)
                self.origin_nm = (z, y, x)
            if nm is None:
                values, nm = [scale[2], scale[1], scale[0]], _NM_PER_ANGSTROM
        self.voxel_nm, self._voxel_notes = judge_voxel(values, nm)
        self._frame = _Frame(shift, flipped)

    def _sort(self) -> None:
        found = self._found
        depths = np.array(found.depths, np.float64) + self._frame.shift[2]
        slices = np.floor(depths + 0.5).astype(np.int64)
        order = np.lexsort((np.array(found.objects, np.int64), slices))
        self._slices = slices[order]
        self._owners = np.array(found.objects, np.int64)[order]
        self._offsets = np.array(found.offsets, np.int64)[order]
        self._points = np.array(found.points, np.int64)[order]
        self._found = _Index()

    @property
    def legend(self) -> Legend:
        """Names and colours of the objects; their values count from 1."""
        return tuple(LegendEntry(i, found.name, found.rgb) for i, found in enumerate(self._objects, 1))

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should know, such as contours that are no labels."""
        meshes = sum(found.meshes > 0 and not found.contours for found in self._objects)
        counts = {**self._left_out, "objects that are meshes only": meshes}
        left_out = [f"{number} {what}" for what, number in counts.items() if number]
        more = (f"no labels: {', '.join(left_out)}",) if left_out else ()
        return (*self._voxel_notes, *more)

    def volume(self, shape: Triple | None = None, rows_from_top: bool | None = None) -> FileVolume:
        """Return the labels in a volume of the shape of the image, or of ``shape`` where that is unknown.

        ``rows_from_top`` says where 3dmod shows the first row of the image; None where that is not known. A
        model of this program says it itself.

        Raises
        ------
        UserError
            If neither the caller nor the file says how large the image is, or the contours do not fit.
        """
        shape = self._shape_for(shape)
        beyond = int(np.count_nonzero((self._slices < 0) | (self._slices >= shape[0])))
        outside = (f"{count(beyond, 'contour')} beyond the {shape[0]} slices",) if beyond else ()
        if self._rows_from_top is not None:
            rows_from_top = self._rows_from_top
        guess = (_GUESSED,) if rows_from_top is None and len(self._slices) else ()
        height = shape[1] if rows_from_top else None
        return FileVolume(
            self.path,
            format="IMOD model",
            shape=shape,
            dtype=np.min_scalar_type(len(self._objects)),
            reader=lambda box: self._filled(box, shape, height),
            close=self._file.close,
            voxel_nm=self.voxel_nm,
            origin_nm=self.origin_nm,
            notes=(*self.notes, *outside, *guess),
        )

    def _shape_for(self, shape: Triple | None) -> Triple:
        """The shape that the file says, so that the caller sees where that is another one; else ``shape``."""
        is_known = min(self.size) > 0
        if is_known and (shape is None or not any(self._frame.shift)):
            return self.size
        if shape is None:
            raise UserError(
                f"{self.path.name} does not say how large its image is. Open the tomogram first, and then "
                "the model as its labels."
            )
        if len(self._slices):
            x, y, z = self._frame.apply(self._reach[None])[0]
            if x > shape[2] + 1 or y > shape[1] + 1 or z > shape[0]:
                raise UserError(
                    f"The contours of {self.path.name} reach to x = {x:.0f}, y = {y:.0f}, z = {z:.0f}, "
                    f"beyond the tomogram of {shape[2]} × {shape[1]} × {shape[0]} voxels. "
                    "Choose the model that belongs to this tomogram."
                )
        return shape

    def _filled(self, box: Box, shape: Triple, height: int | None) -> NDArray[np.unsignedinteger]:
        """Read a box; with ``height`` rows count from the top, and y of the model from the bottom."""
        out = np.zeros(box.shape, np.min_scalar_type(len(self._objects)))
        for z in range(box.start[0], box.stop[0]):
            first, last = np.searchsorted(self._slices, (z, z + 1))
            if first == last:
                continue
            whole = np.zeros(shape[1:], out.dtype)
            self._paint(whole, int(first), int(last), z)
            out[z - box.start[0]] = (whole if height is None else whole[::-1])[box.slices[1:]]
        return out

    def _paint(self, out: NDArray[np.unsignedinteger], first: int, last: int, z: int) -> None:
        too_much = UserError(
            f"{self.path.name}: the contours in {{slices}} are too many, or too large, to be filled. "
            "Divide it into several models.",
            slices=(z, z),
        )
        if self._points[first:last].sum() > _MOST_POINTS:
            raise too_much
        owners = self._owners[first:last].tolist()
        try:
            for begin, end in _few_at_once(owners, self._points[first:last]):
                contours = [self._contour(i) for i in range(first + begin, first + end)]
                paint(out, contours, owners[begin:end])
        except TooMuch:
            raise too_much from None

    def _contour(self, index: int) -> Contour:
        with self._lock:
            self._file.seek(int(self._offsets[index]))
            data = self._take(12 * int(self._points[index]))
        points = np.frombuffer(data, ">f4").reshape(-1, 3).astype(np.float64)
        return self._frame.apply(points)[:, :2]

    def close(self) -> None:
        """Release the file."""
        self._file.close()


def _few_at_once(owners: list[int], points: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Yield runs of contours, whole objects each, that together have few points or are of one object."""
    upto = [0, *np.cumsum(points).tolist()]
    begin, end = 0, 0
    for after in range(1, len(owners) + 1):
        if after < len(owners) and owners[after] == owners[after - 1]:
            continue
        if end > begin and upto[after] - upto[begin] > _POINTS_AT_ONCE:
            yield begin, end
            begin = end
        end = after
    if end > begin:
        yield begin, end


def open_model(path: Path, shape: Triple | None = None, rows_from_top: bool | None = None) -> FileVolume:
    """Open a model of IMOD as a label volume, a value for each of its objects, from 1 on.

    Parameters
    ----------
    path
        A ``.mod`` file of IMOD 1.2 or newer.
    shape
        Of the tomogram (z, y, x), for models that do not say how large their image is, or were drawn on a
        part of it. Others have the shape that they say.
    rows_from_top
        Whether 3dmod shows the first row of the tomogram at the top, as of all formats but MRC; None where
        that is not known: it is then taken for an MRC, and a note says so.

    Raises
    ------
    UserError
        If it is damaged, or the size of the image is not known.
    """
    model = Model(path)
    try:
        return model.volume(shape, rows_from_top)
    except BaseException:
        model.close()
        raise


def is_model(path: Path) -> bool:
    """Whether a file, which must be one, begins as a model of IMOD."""
    with open(path, "rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def says_its_rows(path: Path) -> bool:
    """Whether a model says itself where the first row of its image lies, as those of this program do.

    Raises
    ------
    UserError
        If the file cannot be read.
    """
    with open(path, "rb") as file:
        head = file.read(len(MAGIC) + len(imod.VERSION) + imod.NAME_BYTES)
    return imod.rows_from_top(head[len(MAGIC) + len(imod.VERSION) :]) is not None


def model_legend(path: Path) -> Legend:
    """Return the names and colours of the objects of a model, values from 1; raises as ``open_model``."""
    model = Model(path)
    model.close()
    return model.legend


def _byte(part: float) -> int:
    return round(255 * min(1.0, max(0.0, part))) if math.isfinite(part) else 128
