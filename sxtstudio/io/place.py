"""Where a volume lies in space, and how the header of an MRC file says so."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.geometry import Triple
from sxtstudio.core.volume import VoxelSize

NM_PER_ANGSTROM = 0.1
MRC2014 = 20141  # second revision

_IMOD_STAMP = 1146047817  # "IMOD", at byte 152; bit flags follow
_SIGNED_BYTES, _STANDARD_ORIGIN = 1, 4


@dataclass(frozen=True)
class MrcFrame:
    """The fields of an MRC header that place its voxels; kept, so that labels lie right over their tomogram.

    Programs differ in what they make of these fields: IMOD stored the origin with the other sign until
    MRC2014 (known by bit 4 of its flags, or the version), crystallography counts ``start`` where there is no
    origin. A file with the same fields lies at the same place in each of them.

    Attributes
    ----------
    start
        Of the first voxel, in voxels: (nzstart, nystart, nxstart), along sections, rows and columns.
    axes
        The axis of space, 1 to 3 for x to z, along (sections, rows, columns): (maps, mapr, mapc).
    origin
        As stored, in Å, along (sections, rows, columns).
    version, stamped, flags
        Of MRC2014; whether IMOD wrote the file; its bit flags.
    """

    start: Triple = (0, 0, 0)
    axes: Triple = (3, 2, 1)
    origin: VoxelSize = (0.0, 0.0, 0.0)
    version: int = MRC2014
    stamped: bool = False
    flags: int = 0

    @classmethod
    def of(cls, header: np.void) -> MrcFrame:
        """Return the frame of a header that has been parsed."""
        axes = (int(header["maps"]), int(header["mapr"]), int(header["mapc"]))
        if sorted(axes) != [1, 2, 3]:
            axes = (3, 2, 1)
        x, y, z = (float(header["origin"][name]) for name in "xyz")
        stored = dict(zip((1, 2, 3), (x, y, z), strict=True))
        stamp, flags = imod_words(header)
        return cls(
            start=(int(header["nzstart"]), int(header["nystart"]), int(header["nxstart"])),
            axes=axes,
            origin=(stored[axes[0]], stored[axes[1]], stored[axes[2]]),
            version=int(header["nversion"]),
            stamped=stamp == _IMOD_STAMP,
            flags=flags if stamp == _IMOD_STAMP else 0,
        )

    @property
    def letters(self) -> str:
        """The axes of space along (sections, rows, columns), usually "zyx"."""
        return "".join("xyz"[axis - 1] for axis in self.axes)

    @property
    def bytes_are_unsigned(self) -> bool:
        """Whether IMOD says so of mode 0."""
        return self.stamped and not self.flags & _SIGNED_BYTES

    @property
    def _sign(self) -> int:
        """-1 where the origin is IMOD's: minus the position of the first voxel (libiimod, mrc_head_read)."""
        standard = self.flags & _STANDARD_ORIGIN or self.version >= 20140
        return -1 if self.stamped and not standard else 1

    def origin_nm(self, voxel_nm: VoxelSize | None) -> VoxelSize | None:
        """Return the position of the first voxel (z, y, x as stored) by the origin, or else by ``start``."""
        if not np.isfinite(self.origin).all():
            return None
        if any(self.origin) or not any(self.start):
            z, y, x = (self._sign * value * NM_PER_ANGSTROM + 0.0 for value in self.origin)
        elif voxel_nm is None:
            return None
        else:
            z, y, x = (n * edge for n, edge in zip(self.start, voxel_nm, strict=True))
        return (z, y, x)

    def moved(self, first: int, voxel_nm: VoxelSize | None) -> MrcFrame:
        """Return the frame of the slices from ``first`` on."""
        start, origin = self.start, self.origin
        if any(start):
            start = (start[0] + first, *start[1:])
        if voxel_nm is not None and (any(origin) or not any(self.start)):
            origin = (origin[0] + self._sign * first * voxel_nm[0] / NM_PER_ANGSTROM, *origin[1:])
        return replace(self, start=start, origin=origin)

    def write(self, header: NDArray[np.void]) -> None:
        """Put the frame into a header; signed bytes are said to be so."""
        header["nzstart"], header["nystart"], header["nxstart"] = self.start
        header["maps"], header["mapr"], header["mapc"] = self.axes
        for letter, value in zip(self.letters, self.origin, strict=True):
            header["origin"][letter] = value
        header["nversion"] = self.version if any(self.origin) else MRC2014
        if self.stamped:
            words = np.array([_IMOD_STAMP, self.flags & _STANDARD_ORIGIN | _SIGNED_BYTES], "<i4").tobytes()
            extra = header["extra2"].tobytes().ljust(header["extra2"].dtype.itemsize, b"\0")
            header["extra2"] = np.void(extra[:40] + words + extra[48:])


@dataclass(frozen=True)
class Place:
    """Position (nm; z, y, x) of the first voxel, None where it is unknown; and the frame of an MRC file."""

    origin_nm: VoxelSize | None = None
    frame: MrcFrame | None = None

    def moved(self, first: int, voxel_nm: VoxelSize | None) -> Place:
        """Return the place of the slices from ``first`` on."""
        if first == 0:
            return self
        frame = None if self.frame is None else self.frame.moved(first, voxel_nm)
        if voxel_nm is None:
            return Place(self.origin_nm, frame)
        z, y, x = self.origin_nm or (0.0, 0.0, 0.0)
        return Place((z + first * voxel_nm[0], y, x), frame)


def imod_words(header: np.void) -> tuple[int, int]:
    """Return the stamp and the flags of IMOD, the words at 152 and 156; "extra2" begins at byte 112."""
    stamp, flags = np.frombuffer(header["extra2"].tobytes()[40:48], header.dtype["mode"])
    return int(stamp), int(flags)
