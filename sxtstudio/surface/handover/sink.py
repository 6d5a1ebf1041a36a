"""What the writers of mesh formats have in common: chunks, scratch files, and what was written."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.errors import UserError
from sxtstudio.core.length_unit import LengthUnit
from sxtstudio.surface.handover.part import MeshPart

ROWS = 250_000
Counted = Callable[[int], None]
Vector = NDArray[np.float64]
Step = Callable[[int], None] | None
# Formats count points with 32 bit.
_MOST_POINTS = (1 << 31) - 1


@dataclass(frozen=True)
class Lengths:
    """In which unit lengths are written, and where the first voxel lies.

    Attributes
    ----------
    unit
        None: the voxel size is unknown, and lengths are in voxels.
    origin_nm
        The centre of the first voxel (x, y, z); meshes are counted from it.
    """

    unit: LengthUnit | None = LengthUnit.NM
    origin_nm: tuple[float, float, float] = (0.0, 0.0, 0.0)

    @property
    def word(self) -> str:
        """The unit as an ASCII word for headers."""
        return "voxel" if self.unit is None else {"A": "angstrom", "um": "um"}.get(self.unit, "nm")

    @property
    def text(self) -> str:
        """The unit for the user."""
        return "voxels (the voxel size is unknown)" if self.unit is None else self.unit.text

    @property
    def decimals(self) -> int:
        """Digits behind the point that say a thousandth of a nm, or of a voxel."""
        return {None: 4, LengthUnit.NM: 3, LengthUnit.ANGSTROM: 2, LengthUnit.UM: 6}[self.unit]

    @property
    def scale(self) -> float:
        """How many units a nm is; 1 for voxels."""
        return 1.0 if self.unit is None else self.unit.per_nm

    def of(self, points: NDArray[Any]) -> Vector:
        """Return places (n, 3) in the unit, from the origin of the coordinates on."""
        places: Vector = (points.astype(np.float64) + np.array(self.origin_nm)) * self.scale
        return places


@dataclass(frozen=True)
class MeshPaths:
    """Where a file is written, what it will be called, and where a second one is written, if there is one."""

    path: Path
    final: Path
    beside: Path | None = None


@dataclass
class Totals:
    """What a file of meshes holds: counted while it is written, and again when it is read back.

    ``low`` and ``high`` are the corners (x, y, z) of all points, in the unit of the file.
    """

    points: int = 0
    triangles: int = 0
    low: Vector = field(default_factory=lambda: np.full(3, np.inf))
    high: Vector = field(default_factory=lambda: np.full(3, -np.inf))

    def add_points(self, places: NDArray[Any]) -> None:
        """Count points (n, 3)."""
        self.points += len(places)
        if len(places):
            self.low = np.minimum(self.low, places.min(axis=0))
            self.high = np.maximum(self.high, places.max(axis=0))

    def agrees(self, other: Totals, *, points: bool = True) -> bool:
        """Whether the other ones are the same, but for rounding; ``points``: their number, too."""
        if self.triangles != other.triangles or (points and self.points != other.points):
            return False
        if not self.triangles:
            return True
        size = max(1e-6, *np.abs(self.low), *np.abs(self.high))
        corners = (self.low, other.low), (self.high, other.high)
        return all(np.allclose(one, two, rtol=0, atol=2e-6 * size) for one, two in corners)


class MeshSink:
    """A file of meshes that is being written, part by part, and read back.

    ``path`` is where it is written, ``final`` what it will be called, ``beside`` where a second file goes
    that belongs to it, and ``name`` is the tomogram's. ``step`` is called with the number of points or
    triangles that have been written, and again when they are read back.
    """

    def __init__(self, where: MeshPaths, lengths: Lengths, name: str, step: Step = None) -> None:
        """Begin the file."""
        self.path, self.final, self.beside = where.path, where.final, where.beside
        self.lengths, self.name = lengths, name
        self.totals = Totals()
        self._step = step or nothing
        self._stack = ExitStack()

    def add(self, part: MeshPart) -> None:
        """Write a part."""
        if self.totals.points + len(part.points) > _MOST_POINTS:
            raise UserError(
                f"{self.final.name} would hold more points than its format can count: write one file per "
                "class or per object, or allow fewer faces."
            )
        places = self.lengths.of(part.points)
        self._add(part, places)
        self.totals.add_points(places)
        self.totals.triangles += len(part.triangles)

    def _add(self, part: MeshPart, places: Vector) -> None:
        raise NotImplementedError

    def finish(self) -> None:
        """Write what can be known only at the end, and close the file."""
        raise NotImplementedError

    def read_back(self) -> Totals:
        """Return what the finished file holds."""
        raise NotImplementedError

    def close(self) -> None:
        """Let go of all files; what was not finished is no file of its format."""
        self._stack.close()

    def scratch(self) -> IO[bytes]:
        """Return a file without a name, on the same disk, for what comes later in the file."""
        return self._stack.enter_context(tempfile.TemporaryFile(dir=self.path.parent))

    def chunks(self, rows: NDArray[Any]) -> Iterator[NDArray[Any]]:
        """Yield some rows at a time, and count them."""
        for begin in range(0, len(rows), ROWS):
            some = rows[begin : begin + ROWS]
            yield some
            self._step(len(some))

    def opened(self) -> IO[bytes]:
        """Return the file itself."""
        return self._stack.enter_context(open(self.path, "w+b"))


def nothing(_count: int) -> None:
    """Nobody counts."""


def append(file: IO[bytes], scratch: IO[bytes]) -> None:
    """Copy a scratch file behind what is in a file."""
    scratch.seek(0)
    shutil.copyfileobj(scratch, file, 1 << 20)
