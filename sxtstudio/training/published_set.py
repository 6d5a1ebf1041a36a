"""The published training set: a ``.npz`` file of framed slices, read slice by slice.

Its arrays are ``arr_0..5`` = training images (n, D, D, 1), their labels (−1 or 1), their original sizes
(n, 2), and the same for the test images. Every image lies centred in its D×D frame, padded with its
mean; the padding is cut away here. Source: DOI 10.17169/refubium-37222.
"""

from __future__ import annotations

import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.atomic import atomic_write
from sxtstudio.core.errors import UserError

_LOCAL_HEADER_BYTES = 30


@dataclass(frozen=True)
class FramedSlices:
    """Images and labels (n, D, D) on disk, and the original sizes (n, 2) of the slices in them."""

    images: NDArray[Any]
    labels: NDArray[Any]
    sizes: NDArray[Any]

    def window(self, z: int) -> tuple[slice, slice]:
        """Return where slice ``z`` lies in its frame."""
        frame = self.images.shape[1:3]
        parts = []
        for length, size in zip(frame, self.sizes[z], strict=True):
            first = (length - int(size)) // 2
            parts.append(slice(first, first + int(size)))
        return parts[0], parts[1]


def open_published(path: Path, scratch: Path) -> tuple[FramedSlices, FramedSlices | None]:
    """Return the training and the test slices of a published set; the test part may be missing.

    Arrays that lie uncompressed in the file are mapped where they are; compressed ones are unpacked into
    the folder ``scratch`` once, one after the other.

    Raises
    ------
    UserError
        If the file is not such a set.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = {Path(info.filename).stem: info for info in archive.infolist()}
            if not {"arr_0", "arr_1", "arr_2"} <= set(names):
                raise UserError(
                    f"{path.name} is not a published training set: it has no arrays arr_0, arr_1 and arr_2."
                )
            keys = [f"arr_{i}" for i in range(6 if "arr_5" in names else 3)]
            arrays = [_member(path, archive, names[key], scratch) for key in keys]
    except (OSError, ValueError, EOFError, RecursionError, NotImplementedError, zipfile.BadZipFile) as error:
        raise UserError(f"{path.name} cannot be read as a training set ({error}). Copy it again.") from error
    parts = [_framed(path, arrays[i : i + 3]) for i in range(0, len(arrays), 3)]
    return parts[0], parts[1] if len(parts) > 1 else None


def _framed(path: Path, arrays: list[NDArray[Any]]) -> FramedSlices:
    images, labels = (
        array[..., 0] if array.ndim == 4 and array.shape[3] == 1 else array for array in arrays[:2]
    )
    sizes = np.asarray(arrays[2])
    if images.ndim != 3 or images.shape != labels.shape:
        raise UserError(f"{path.name}: images {images.shape} and labels {labels.shape} do not fit together.")
    if sizes.shape != (len(images), 2) or not np.all((sizes > 0) & (sizes <= np.array(images.shape[1:]))):
        raise UserError(f"{path.name}: the original sizes do not fit the {len(images)} images.")
    return FramedSlices(images, labels, sizes)


def _member(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo, scratch: Path) -> NDArray[Any]:
    if info.compress_type == zipfile.ZIP_STORED:
        with path.open("rb") as file:
            file.seek(info.header_offset)
            header = file.read(_LOCAL_HEADER_BYTES)
            lengths = int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
            file.seek(info.header_offset + _LOCAL_HEADER_BYTES + lengths)
            return _mapped(path, file)
    # The checksum in the name: another file of the same name is unpacked anew.
    unpacked = scratch / f"{path.stem}-{Path(info.filename).stem}-{info.CRC:08x}.npy"
    if not unpacked.exists():
        scratch.mkdir(parents=True, exist_ok=True)
        if info.file_size > shutil.disk_usage(scratch).free:
            raise UserError(
                f"{path.name} unpacks to {info.file_size / 1e9:.1f} GB, for which {scratch} has no room. "
                "Free some space."
            )
        with (
            atomic_write(unpacked) as temporary,
            archive.open(info) as source,
            temporary.open("wb") as target,
        ):
            shutil.copyfileobj(source, target, 1 << 20)
    with unpacked.open("rb") as file:
        return _mapped(unpacked, file)


def _mapped(path: Path, file: IO[bytes]) -> NDArray[Any]:
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = read(file)
    if dtype.kind not in "biuf":
        raise ValueError(f"it holds {dtype}, not numbers")
    array: NDArray[Any] = np.memmap(
        path, dtype=dtype, mode="r", offset=file.tell(), shape=shape, order="F" if fortran else "C"
    )
    return array
