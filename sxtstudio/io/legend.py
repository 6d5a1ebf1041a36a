"""Names and colours of the values of a label file, whatever its format."""

from __future__ import annotations

from pathlib import Path

from sxtstudio.core.label_image import Legend
from sxtstudio.io import mib
from sxtstudio.io.handover import imod_read
from sxtstudio.io.volume_name import VolumeName


def read_legend(path: str | Path) -> Legend:
    """Return what a label file says of its values, in ascending order; () where it says nothing.

    Models of Microscopy Image Browser and of IMOD. What is damaged, or not as it should be, has no name.

    Parameters
    ----------
    path
        File or folder, as ``open_volume`` takes it.
    """
    place = VolumeName.of(path).place
    if not place.is_file():
        return ()
    return imod_read.model_legend(place) if imod_read.is_model(place) else mib.model_legend(place)
