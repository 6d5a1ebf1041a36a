"""Labels in OME-Zarr 0.4 with names and colours, alone or beside their image, for napari and OME.

Format: https://ngff.openmicroscopy.org/0.4/ ("image-label", "labels").
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from sxtstudio.core.atomic import atomic_write
from sxtstudio.core.errors import UserError
from sxtstudio.core.label_image import HandedOver, LabelImage
from sxtstudio.core.progress import Progress
from sxtstudio.core.verified import EVERY_VOXEL, NAMES_AND_COLOURS, NotAsWritten, read_back
from sxtstudio.core.volume import Volume
from sxtstudio.core.wording import grouped, shape_text
from sxtstudio.io.export import refuse_foreign_folder
from sxtstudio.io.export_zarr import multiscale, nothing_written_later, write_group
from sxtstudio.io.handover.ome_read import ome_legend
from sxtstudio.io.handover.pyramid import Convert, Pyramid, every_second, means
from sxtstudio.io.handover.readback import size_on_disk
from sxtstudio.io.handover.values import FIRST_LOOK, NamedValues, find_values, smallest_type, whole


def write_ome_labels(
    path: Path,
    label_image: LabelImage,
    progress: Progress | None = None,
    *,
    image: Volume | None = None,
    name: str = "labels",
    classes: Mapping[int, str] | None = None,
) -> HandedOver:
    """Write labels with their names and colours in several resolutions.

    With an image the folder is that of the image, and the labels are ``labels/NAME`` in it, with the same
    levels, as napari shows them over it. Without one the folder is a label image of its own.

    Parameters
    ----------
    path
        Ends in ``.zarr``.
    label_image
        The labels.
    progress
        Counts slices: of a first look, and of all levels, written and read back.
    image
        The tomogram (z, y, x) of the same shape, if it is to be written, too.
    name
        Of the labels beside an image.
    classes
        The class of each label, where labels are objects.

    Raises
    ------
    UserError
        If the shapes differ, the folder holds other things, or it cannot be written.
    Cancelled
        If the user stopped the job; nothing is left behind.
    """
    path, progress = Path(path), progress or Progress()
    refuse_foreign_folder(path)
    if image is not None and image.shape != label_image.shape:
        raise UserError(
            f"{path.name} was not written: the image has {shape_text(image.shape)} voxels and the labels "
            f"{shape_text(label_image.shape)}. Choose those that belong together."
        )
    found = find_values(label_image, progress.part(FIRST_LOOK))
    writing = progress.part(1 - FIRST_LOOK)
    with atomic_write(path) as temporary, nothing_written_later():
        temporary.mkdir()
        folder = temporary if image is None else temporary / "labels" / _folder_name(name)
        folder.mkdir(parents=True, exist_ok=True)
        dtype = smallest_type(max(1, found.largest))
        labels = Pyramid(folder, path, label_image.shape, dtype, every_second)
        pyramids: list[tuple[Pyramid, Volume, Convert]] = [
            (labels, label_image.volume, partial(whole, name=label_image.name))
        ]
        if image is not None:
            stored = np.dtype(np.uint8) if image.dtype.kind == "b" else image.dtype
            pyramids.append((Pyramid(temporary, path, image.shape, stored, means), image, lambda part: part))
        writing.begin(2 * sum(pyramid.slices for pyramid, *_ in pyramids), f"Writing {path.name}")
        for pyramid, volume, convert in pyramids:
            pyramid.write(volume, convert, writing)
        attributes = _label_attributes(label_image, found, labels, classes or {}, beside=image is not None)
        write_group(folder, attributes)
        if image is not None:
            write_group(temporary / "labels", {"labels": [folder.name]})
            described = pyramids[1][0].described(label_image.voxel_nm, label_image.origin_nm)
            in_nm = label_image.voxel_nm is not None
            write_group(temporary, {"multiscales": [multiscale(label_image.name, in_nm, described)]})
        for pyramid, *_ in pyramids:
            pyramid.compare(writing)
        if ome_legend(folder) != found.legend:
            raise NotAsWritten(
                f"{path.name} was not written: names or colours that were read back from the disk "
                "differ. Check the disk."
            )
        size = size_on_disk(temporary)
    details = (("Labels", grouped(len(found.boxes))), ("Levels", str(len(labels.sizes))))
    losses = () if label_image.voxel_nm else ("The voxel size is not known: lengths are in voxels.",)
    levels = f"{EVERY_VOXEL} of all levels" if len(labels.sizes) > 1 else EVERY_VOXEL
    verified = read_back(levels, *((NAMES_AND_COLOURS,) if found.legend else ()))
    return HandedOver(path, "OME-Zarr", size, verified, details, losses)


def _label_attributes(
    image: LabelImage, found: NamedValues, labels: Pyramid, classes: Mapping[int, str], *, beside: bool
) -> dict[str, Any]:
    colours = [{"label-value": entry.value, "rgba": [*entry.rgb, 255]} for entry in found.legend]
    properties = [
        {"label-value": entry.value, "name": entry.name}
        | ({"class": classes[entry.value]} if entry.value in classes else {})
        for entry in found.legend
    ]
    described = labels.described(image.voxel_nm, image.origin_nm)
    about: dict[str, Any] = {"version": "0.4"}
    if colours:  # an empty list is none by the schema
        about |= {"colors": colours, "properties": properties}
    if beside:
        about["source"] = {"image": "../../"}
    return {
        "multiscales": [multiscale(image.name, image.voxel_nm is not None, described)],
        "image-label": about,
    }


def _folder_name(name: str) -> str:
    return re.sub(r"[^\w.-]+", "_", name).strip("._") or "labels"
