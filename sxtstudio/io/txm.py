"""Files of Zeiss X-ray microscopes: TXM (reconstructed slices) and TXRM (projections).

They are OLE compound files, as those of old Office programs; each image is a stream of its own. There is no
public description: names and types of the streams are those that dxchange (data-exchange/dxchange, commit
93c0f11, reader.py), txrm2tiff (DiamondLightSource/txrm2tiff, commit b378331) and Bio-Formats' ZeissXRMReader
read, which were read; rows are stored from the lowest to the highest one, and turned round by the latter two.
"""

from __future__ import annotations

import struct
import threading
from array import array
from pathlib import Path
from typing import Any

import numpy as np
import olefile
from numpy.typing import NDArray

from sxtstudio.core.errors import UserError
from sxtstudio.core.plain_files import open_plain
from sxtstudio.core.volume import VoxelSize
from sxtstudio.io.filevolume import FileVolume
from sxtstudio.io.pages import DecodedSlices
from sxtstudio.io.tilt_series import FEWEST_IMAGES
from sxtstudio.io.units import judge_voxel

MAGIC = b"\xd0\xcf\x11\xe0"
_TYPES = {3: "u1", 5: "<u2", 10: "<f4"}
_IMAGES_PER_FOLDER = 100
_MOST_BESIDE = 16 << 20  # of what is no image
_MOST_IMAGES, _MOST_ALONG = 100_000, 1 << 16
_NM_PER_UM = 1000.0
_PROJECTIONS = ".txrm"
_RECONSTRUCTION = "ReconSettings"


def open_txm(path: Path) -> FileVolume:
    """Open the slices, or the projections, of a file; they stay on disk.

    Raises
    ------
    UserError
        If it is no file of such a microscope (an Office document, say), damaged or truncated.
    """
    file = _Compound(path)
    try:
        return _volume(path, file)
    except BaseException:
        file.close()
        raise


def _volume(path: Path, file: _Compound) -> FileVolume:
    width, height, count = (
        file.number(f"ImageInfo/{name}", "<i") for name in ("ImageWidth", "ImageHeight", "NoOfImages")
    )
    if width is None or height is None or count is None:
        raise UserError(
            f"{path.name} holds no images of a Zeiss microscope: it may be a document of Office. "
            "Choose a tomogram."
        )
    if not (0 < width <= _MOST_ALONG and 0 < height <= _MOST_ALONG and 0 < count <= _MOST_IMAGES):
        raise UserError(f"{path.name} promises {count} images of {width} × {height} pixels. It is damaged.")
    kind = file.number("ImageInfo/DataType", "<i")
    if kind not in _TYPES:
        raise UserError(
            f"{path.name} holds values of type {kind}, which SXT Studio does not know. Export it as TIFF."
        )
    dtype = np.dtype(_TYPES[int(kind)])
    size = int(width) * int(height) * dtype.itemsize
    missing = [n for n in (1, int(count)) if file.size(_stream(n)) != size]
    if missing:
        raise UserError(
            f"{path.name} is truncated, or was not finished: image {missing[0]} of {count:.0f} is missing. "
            "Copy or export it again."
        )

    def decode(z: int) -> NDArray[Any]:
        pixels = np.frombuffer(file.read(_stream(z + 1), size), dtype).reshape(int(height), int(width))
        return pixels[::-1].astype(dtype.newbyteorder("="))

    projections = _tilt_series(path, file, int(count))
    voxel_nm, notes = _voxel(file, bool(projections), int(count))
    return FileVolume(
        path,
        format="Zeiss TXRM" if projections else "Zeiss TXM",
        shape=(int(count), int(height), int(width)),
        dtype=dtype,
        reader=DecodedSlices(decode, int(height), int(width), dtype.newbyteorder("=")).read,
        close=file.close,
        voxel_nm=voxel_nm,
        notes=notes,
        tilt_series=projections,
    )


def _stream(number: int) -> str:
    """Return the name of an image's stream, counted from 1."""
    return f"ImageData{-(-number // _IMAGES_PER_FOLDER)}/Image{number}"


def _tilt_series(path: Path, file: _Compound, count: int) -> str:
    """Return why these are held for projections, or nothing."""
    if count < FEWEST_IMAGES or file.holds(_RECONSTRUCTION):
        return ""
    if path.suffix.lower() == _PROJECTIONS:
        return f"its name ends in {_PROJECTIONS}, as those of the projections of Zeiss microscopes do"
    angles = file.floats("ImageInfo/Angles", count)
    if len(angles) == count and np.isfinite(angles).all() and np.ptp(angles) > 0:
        return f"it gives an angle for each of its {count} images"
    return ""


def _voxel(file: _Compound, projections: bool, count: int) -> tuple[VoxelSize | None, tuple[str, ...]]:
    pixel = file.number("ImageInfo/PixelSize", "<f")
    values = (None if projections and count > 1 else pixel, pixel, pixel)
    return judge_voxel(values, _NM_PER_UM, depth_matters=count > 1)


class _Ole(olefile.OleFileIO):  # type: ignore[misc]
    """As olefile reads it, but the table of sectors of a large file is not copied again and again."""

    def loadfat_sect(self, sect: Any) -> int:
        last = int(olefile.ENDOFCHAIN)
        for index in sect if isinstance(sect, array) else self.sect2array(sect):
            last = index & 0xFFFFFFFF
            if last in (olefile.ENDOFCHAIN, olefile.FREESECT):
                break
            self.fat.extend(self.sect2array(self.getsect(last)))
        return last


class _Compound:
    """An OLE compound file, read by one thread at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        _check_table(path)
        try:
            self._file = _Ole(str(path))
        except OSError as error:  # also where it is no such file
            raise UserError(f"{path.name} is a damaged TXM/TXRM or Office file. Copy it again.") from error

    def holds(self, name: str) -> bool:
        return bool(self._file.exists(name))

    def size(self, name: str) -> int:
        """Return the size of a stream, -1 where there is none."""
        if not self._file.exists(name) or self._file.get_type(name) != olefile.STGTY_STREAM:
            return -1
        return int(self._file.get_size(name))

    def read(self, name: str, length: int) -> bytes:
        """Return the first bytes of a stream; ValueError if there are fewer."""
        if self.size(name) > max(length, _MOST_BESIDE):  # olefile reads all of it
            raise ValueError("a stream is too large")
        with self._lock, self._file.openstream(name) as stream:
            data: bytes = stream.read(length)
        if len(data) != length:
            raise ValueError("the stream ends too early")
        return data

    def number(self, name: str, code: str) -> float | None:
        """Return the number at the beginning of a stream, None where there is none."""
        length = struct.calcsize(code)
        if self.size(name) < length:
            return None
        (value,) = struct.unpack(code, self.read(name, length))
        return float(value)

    def floats(self, name: str, count: int) -> NDArray[np.float64]:
        """Return the numbers of a stream, none where there are fewer."""
        if self.size(name) < 4 * count:
            return np.zeros(0)
        return np.frombuffer(self.read(name, 4 * count), "<f4").astype(np.float64)

    def close(self) -> None:
        self._file.close()


def _check_table(path: Path) -> None:
    """Refuse a table of sectors that is larger than such a file can have (MS-CFB, section 2.2)."""
    with open_plain(path) as file:
        head = file.read(512).ljust(512, b"\0")
    (shift,) = struct.unpack_from("<H", head, 30)
    (tables,) = struct.unpack_from("<I", head, 44)
    (lists,) = struct.unpack_from("<I", head, 72)
    if shift not in (9, 12):
        raise UserError(f"{path.name} is a damaged TXM/TXRM or Office file. Copy it again.")
    most = 2 * ((path.stat().st_size >> shift) // (1 << shift - 2)) + 256
    if tables > most or lists > most:
        raise UserError(f"{path.name} is a damaged TXM/TXRM or Office file. Copy it again.")
