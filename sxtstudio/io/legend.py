"""Names and colours of the values of a label file, whatever its format."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

from sxtstudio.core.errors import UserError
from sxtstudio.core.label_image import Legend
from sxtstudio.core.plain_files import open_plain
from sxtstudio.io import mib
from sxtstudio.io.handover import amira_read, imod_read, nifti_read, nrrd_read
from sxtstudio.io.volume_name import VolumeName

_HEAD = 1024
_GZIP = b"\x1f\x8b"


def read_legend(path: str | Path) -> Legend:
    """Return what a label file says of its values, in ascending order; () where it says nothing.

    Models of Microscopy Image Browser and of IMOD, AmiraMesh, segmentations of 3D Slicer (.seg.nrrd), and
    NIfTI as this program writes it. What is damaged, or not as it should be, has no name.

    Parameters
    ----------
    path
        File or folder, as ``open_volume`` takes it.
    """
    place = VolumeName.of(path).place
    if not place.is_file():
        return ()
    try:
        with open_plain(place) as file:
            head = file.read(_HEAD)
        return _reader_for(place, head)(place)
    except (UserError, OSError, ValueError, EOFError, zlib.error, struct.error, TypeError, OverflowError):
        return ()


def _reader_for(place: Path, head: bytes) -> Callable[[Path], Legend]:
    if head.startswith(imod_read.MAGIC):
        return imod_read.model_legend
    if head.startswith(nrrd_read.MAGIC):
        return nrrd_read.segments_in
    if head.startswith(amira_read.MAGICS):
        return amira_read.materials_in
    if nifti_read.is_nifti(head) or (head.startswith(_GZIP) and ".nii" in place.name.lower()):
        return nifti_read.names_in
    return mib.model_legend
