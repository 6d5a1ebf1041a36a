"""Names and colours of the values of a label file, whatever its format."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

from sxtstudio.core.errors import UserError
from sxtstudio.core.label_image import Legend
from sxtstudio.core.plain_files import open_plain
from sxtstudio.io import mib, tiff_ifd
from sxtstudio.io.handover import amira_read, imagej_read, imod_read, nifti_read, nrrd_read, ome_read
from sxtstudio.io.volume_name import VolumeName

_HEAD = 1024
_GZIP = b"\x1f\x8b"


def read_legend(path: str | Path) -> Legend:
    """Return what a label file says of its values, in ascending order; () where it says nothing.

    Models of Microscopy Image Browser and of IMOD, AmiraMesh, segmentations of 3D Slicer (.seg.nrrd),
    label images of OME-Zarr, and NIfTI and TIFF for ImageJ as this program writes them. What is damaged,
    or not as it should be, has no name.

    Parameters
    ----------
    path
        File or folder, as ``open_volume`` takes it.
    """
    name = VolumeName.of(path)
    place = name.place
    try:
        if place.is_dir():
            return _in_store(place, name.inside)
        with open_plain(place) as file:
            head = file.read(_HEAD)
        return _reader_for(place, head)(place)
    except (UserError, OSError, ValueError, EOFError, zlib.error, struct.error, TypeError, OverflowError):
        return ()


def _in_store(store: Path, inside: str | None) -> Legend:
    """The legend of a label image of OME-Zarr, which may be named by one of its levels."""
    root = Path(os.path.realpath(store))
    folder = Path(os.path.realpath(root / (inside or "").strip("/")))
    for place in (folder, folder.parent):
        if place.is_relative_to(root):
            found = ome_read.ome_legend(place)
            if found:
                return found
    return ()


def _reader_for(place: Path, head: bytes) -> Callable[[Path], Legend]:
    if head.startswith(imod_read.MAGIC):
        return imod_read.model_legend
    if tiff_ifd.is_tiff(head):
        return imagej_read.imagej_legend
    if head.startswith(nrrd_read.MAGIC):
        return nrrd_read.segments_in
    if head.startswith(amira_read.MAGICS):
        return amira_read.materials_in
    if nifti_read.is_nifti(head) or (head.startswith(_GZIP) and ".nii" in place.name.lower()):
        return nifti_read.names_in
    return mib.model_legend
