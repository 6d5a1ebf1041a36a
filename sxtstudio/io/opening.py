"""One door for every format: what a file is, is decided by its first bytes, not by its name."""

from __future__ import annotations

import stat
from collections.abc import Iterable
from pathlib import Path

from sxtstudio.core.axes import AxisOrder
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Triple
from sxtstudio.core.temporary import restore
from sxtstudio.core.wording import reason_of
from sxtstudio.io import folder, mrc, npy, png, tiff, tiff_ifd, zarr
from sxtstudio.io.filevolume import FileVolume
from sxtstudio.io.handover import amira_read, imod_read, nifti_read, nrrd_read
from sxtstudio.io.mat5 import is_mat5
from sxtstudio.io.mat5_volume import open_mat5
from sxtstudio.io.packed import open_packed
from sxtstudio.io.project import NAME, is_project
from sxtstudio.io.raw import first_bytes
from sxtstudio.io.rearranged import rearranged
from sxtstudio.io.tilt_series import tilt_series_by_files
from sxtstudio.io.volume_name import VolumeName

_FORMATS = (
    "MRC, TIFF, HDF5, OME-Zarr, Zeiss TXM, NRRD, NIfTI, AmiraMesh, NumPy, MATLAB, "
    "or a folder of TIFF or PNG slices"
)

#: How the names of files end that can be opened; what a file is, its content shows.
SUFFIXES = (
    *(".mrc", ".rec", ".st", ".map", ".mrc.gz", ".rec.gz", ".mrc.bz2", ".rec.bz2", ".tif", ".tiff"),
    *(".h5", ".hdf5", ".nxs", ".nx5", ".hdf", ".zarr", ".png", ".npy", ".model", ".mask", ".mat"),
    *(".am", ".nrrd", ".nhdr", ".nii", ".nii.gz", ".txm", ".txrm"),
)

_HDF5 = b"\x89HDF\r\n\x1a\n"

_OLE = b"\xd0\xcf\x11\xe0"

# Ways to pack a whole file, and what unpacks it.
_PACKED = ((b"\x1f\x8b", "gzip", "gunzip"), (b"BZh", "bzip2", "bunzip2"))
_PACKED_NAMES = (".gz", ".bz2")

# Kinds of file that users try, and what to do with them.
_FOREIGN = (
    (b"\xfd7zXZ", "is compressed with xz. Unpack it first (unxz)"),
    (b"\x28\xb5\x2f\xfd", "is compressed with zstd. Unpack it first (unzstd)"),
    (b"PK\x03\x04", "is a ZIP archive. Unpack it first"),
    (b"\xff\xd8\xff", "is a JPEG photograph. Use the original data"),
)


def name_patterns(suffixes: Iterable[str]) -> str:
    """Return the endings as dialogs for files want them: "*.mrc *.tif"."""
    return " ".join(f"*{suffix}" for suffix in suffixes)


def open_volume(path: str | Path, axes: AxisOrder | None = None) -> FileVolume:
    """Open a tomogram of any format that SXT Studio reads; the voxels stay on disk.

    MRC (.mrc .rec .st .map; in gzip and bzip2, too), TIFF, BigTIFF, ImageJ hyperstack, OME-TIFF,
    HDF5/NeXus, TXM and TXRM of Zeiss, OME-Zarr 0.4 and 0.5, plain Zarr arrays, NRRD, NIfTI, AmiraMesh,
    NumPy (.npy), MATLAB (.model and .mask of MIB), a folder of numbered 2D TIFF or PNG slices, or a single
    2D image.

    Parameters
    ----------
    path
        File or folder. ``file.h5::/entry/data`` names a dataset in an HDF5 file or a Zarr store; the
        name may end in ``::axes=xyz``, as of ``VolumeName``.
    axes
        How the user names the stored axes, where the file does not or wrongly; goes before the name's.

    Returns
    -------
    FileVolume
        Volume (z, y, x) with voxel size (nm), origin and notes. Close it, or use it in ``with``.

    Raises
    ------
    UserError
        If there is no such file, or it is damaged, truncated, of an unknown format, complex, RGB or 4D; or
        if ``axes`` do not fit it.
    """
    return _opened(VolumeName.of(path), axes, None)


def open_labels(path: str | Path, shape: tuple[int, ...]) -> FileVolume:
    """Open labels that belong to a tomogram of this shape (z, y, x), of any format of ``open_volume``.

    A model of IMOD has no voxels of its own: its contours are filled into a volume of this shape, where
    they were drawn on such an image. Of other files the caller looks whether their shape is the same.

    Raises
    ------
    UserError
        As ``open_volume``; or if the contours do not fit into the tomogram.
    """
    z, y, x = shape
    return _opened(VolumeName.of(path), None, (z, y, x))


def _opened(name: VolumeName, axes: AxisOrder | None, shape: Triple | None) -> FileVolume:
    place = name.place
    try:
        volume = _open(place, name.inside, axes or name.axes, shape)
        unpacked = place.with_suffix("") if place.suffix.lower() in _PACKED_NAMES else place
        volume.tilt_series = volume.tilt_series or tilt_series_by_files(unpacked, volume.shape[0])
        return volume
    except (UserError, MemoryError):
        raise
    except PermissionError as error:
        raise UserError(f"No permission to read {place}. Ask its owner, or copy it.") from error
    except OSError as error:
        raise UserError(
            f"{place} cannot be read: {error.strerror or error}. Check the disk or the network."
        ) from error
    except Exception as error:  # a damaged file can hold anything where a number should be
        raise UserError(f"{place.name} is damaged: {reason_of(error)}. Copy or export it again.") from error


def _refuse_project(path: Path) -> None:
    if (path / NAME).is_file() if path.is_dir() else is_project(path):
        raise UserError(
            f"{path.name} is a project of SXT Studio, and no tomogram or labels: open it in the window, or "
            "give it to 'sxtstudio export' or 'sxtstudio compare', which take projects."
        )


def _open(path: Path, inside: str | None, axes: AxisOrder | None, shape: Triple | None) -> FileVolume:
    if not path.exists() and not restore(path):
        raise UserError(f"{path} does not exist. Check the name and the folder.")
    if path.is_dir():
        if zarr.is_zarr(path):
            return zarr.open_zarr(path, inside, axes)
        _refuse_project(path)
        _refuse_inside(path, inside)
        return _named(folder.open_folder(path), axes)
    if not stat.S_ISREG(path.stat().st_mode):  # a pipe could wait for ever
        raise UserError(f"{path} is not a file. Choose a tomogram.")
    _refuse_project(path)
    size = path.stat().st_size
    if size == 0:
        raise UserError(f"{path.name} is empty (0 bytes). Copy or export it again.")
    if _is_hdf5(path, size):
        from sxtstudio.io.hdf5 import open_hdf5  # h5py takes long to load

        return open_hdf5(path, inside, axes)
    with open(path, "rb") as file:
        head = file.read(mrc.HEADER_BYTES)
    if is_mat5(head):
        return open_mat5(path, inside, axes)
    _refuse_inside(path, inside)
    if head.startswith(npy.MAGIC):
        return npy.open_npy(path, axes)
    if head.startswith(nrrd_read.MAGIC) and shape is not None and axes is None:
        return nrrd_read.open_segments(path, shape)
    if head.startswith(nrrd_read.MAGIC):
        return nrrd_read.open_nrrd(path, axes)
    if head.startswith(amira_read.MAGICS):
        return amira_read.open_amira(path, axes)
    if nifti_read.is_nifti(head):
        return nifti_read.open_nifti(path, None, axes)
    for magic, kind, program in _PACKED:
        if head.startswith(magic):
            return _open_packed(path, kind, program, axes)
    if head.startswith(imod_read.MAGIC) and shape is not None:
        return _named(imod_read.open_model(path, shape, None if axes is None else False), axes)
    return _named(_open_by_head(path, head, size, named=axes is not None), axes)


def _open_packed(path: Path, kind: str, program: str, axes: AxisOrder | None) -> FileVolume:
    """Open what a file holds packed with gzip or bzip2, which is looked at like a file."""
    packed = open_packed(path, kind)
    try:
        head = first_bytes(packed, mrc.HEADER_BYTES)
        if head[208:211] == b"MAP" and mrc.looks_like_mrc(head, packed.size):
            return _named(mrc.open_mrc(path, packed), axes)
        if nifti_read.is_nifti(head):
            return nifti_read.open_nifti(path, packed, axes)
        raise UserError(
            f"{path.name} is compressed with {kind}, and holds no MRC or NIfTI file. "
            f"Unpack it first ({program})."
        )
    except BaseException:
        packed.close()
        raise


def _open_by_head(path: Path, head: bytes, size: int, *, named: bool) -> FileVolume:
    if tiff_ifd.is_tiff(head):
        return tiff.open_tiff(path, named=named)
    if head.startswith(_OLE):
        from sxtstudio.io.txm import open_txm

        return open_txm(path)
    if head.startswith(png.SIGNATURE):
        return png.open_png(path)
    if head.startswith(imod_read.MAGIC):
        return imod_read.open_model(path, None, False if named else None)
    if head[208:211] == b"MAP" and mrc.looks_like_mrc(head, size):
        return mrc.open_mrc(path)
    for magic, advice in _FOREIGN:
        if head.startswith(magic):
            raise UserError(f"{path.name} {advice}.")
    if path.name in zarr.METADATA:
        raise UserError(f"{path.name} is a part of a Zarr store. Open the folder {path.parent.name} instead.")
    if mrc.looks_like_mrc(head, size):
        return mrc.open_mrc(path)
    raise UserError(
        f"{path.name} is no tomogram that SXT Studio can read, or it is damaged. It reads {_FORMATS}."
    )


def _named(volume: FileVolume, axes: AxisOrder | None) -> FileVolume:
    return volume if axes is None else rearranged(volume, axes)


def _refuse_inside(path: Path, inside: str | None) -> None:
    if inside is not None:
        raise UserError(f"{path.name} has no datasets inside: leave out ::{inside}")


def may_hold_several(path: str | Path) -> bool:
    """Whether a file or folder is of a format that can hold several volumes, and none of them is named."""
    name = VolumeName.of(path)
    if name.inside is not None:
        return False
    try:
        if name.place.is_dir():
            return zarr.is_zarr(name.place)
        facts = name.place.stat()
        return stat.S_ISREG(facts.st_mode) and _is_hdf5(name.place, facts.st_size)
    except OSError:
        return False


def _is_hdf5(path: Path, size: int) -> bool:
    """HDF5 files may begin with a block of the user's: the signature stands at 0, 512, 1024, 2048 …"""
    with open(path, "rb") as file:
        offset = 0
        while offset < min(size, 1 << 16):
            file.seek(offset)
            if file.read(8) == _HDF5:
                return True
            offset = max(512, offset * 2)
    return False
