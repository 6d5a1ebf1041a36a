"""Labels for ImageJ and Fiji: a TIFF with the colours of the labels as LUT, and their names as Info."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from sxtstudio.core.errors import UserError
from sxtstudio.core.label_image import HandedOver, LabelImage, Legend
from sxtstudio.core.progress import Progress
from sxtstudio.core.verified import differs, read_back
from sxtstudio.core.wording import bytes_text, grouped, shape_text
from sxtstudio.io.export_plan import Plan
from sxtstudio.io.export_tiff import CLASSIC_LIMIT_BYTES
from sxtstudio.io.handover.imagej_read import COLOUR_MAP, COLOURS, HEADING, place_in_lut
from sxtstudio.io.handover.values import FIRST_LOOK, find_values, smallest_type, whole
from sxtstudio.io.mib import NM_PER_UM
from sxtstudio.io.place import Place
from sxtstudio.io.writing import Format, slab_thickness, write_volume

_NO_UNIT = 1  # ImageJ's unit stands in the description
_LARGEST = 65_535

Lut = NDArray[np.uint8]


def write_imagej(path: Path, label_image: LabelImage, progress: Progress | None = None) -> HandedOver:
    """Write a TIFF of labels that ImageJ and Fiji show in the colours of the labels.

    The values stay what they are, 8 bit up to 255 and 16 bit above. Voxel size and origin are in µm. The
    names stand in the Info of the image (*Image > Show Info…*), a line "7 = Mitochondrion" each.

    Parameters
    ----------
    path
        Ends in ``.tif``.
    label_image
        The labels.
    progress
        Counts slices: of a first look, of writing, and of reading back.

    Raises
    ------
    UserError
        If a value is above 65535, the volume has more than 4 GB, or it cannot be written.
    Cancelled
        If the user stopped the job; nothing is left behind.
    """
    path, progress = Path(path), progress or Progress()
    found = find_values(label_image, progress.part(FIRST_LOOK))
    writing = progress.part(1 - FIRST_LOOK)
    largest = max(found.largest, label_image.largest)
    if found.largest > _LARGEST:
        raise UserError(
            f"{path.name} was not written: ImageJ holds numbers up to {_LARGEST}, and there is label "
            f"{grouped(found.largest)}. Hand over classes instead, or objects as OME-Zarr."
        )
    largest = min(largest, _LARGEST)
    dtype = smallest_type(max(largest, 1))
    legend = tuple(entry for entry in _with_absent(label_image, found.legend) if entry.value <= largest)
    form = Format(
        partial(_write, legend=legend, largest=largest),
        lambda dtype: dtype,
        1,
        compressed=lambda plan: True,
    )
    plan = Plan(
        name=path.name,
        shape=label_image.shape,
        dtype=dtype,
        kind="objects",
        thickness=slab_thickness(label_image.volume, dtype, form),
        voxel_nm=label_image.voxel_nm,
        place=Place(label_image.origin_nm),
    )
    if plan.bytes > CLASSIC_LIMIT_BYTES:
        raise UserError(
            f"{path.name} was not written: {shape_text(plan.shape)} voxels are {bytes_text(plan.bytes)}, and "
            "ImageJ opens TIFF files up to 4 GB. Export a crop, or OME-Zarr."
        )
    done = write_volume(
        path,
        label_image.volume,
        plan,
        form,
        lambda slab: whole(slab, label_image.name).astype(dtype),
        writing,
        partial(_check, target=path, legend=legend, lut=lut_of(legend, largest)),
    )
    details = (
        ("Labels", grouped(len(found.boxes))),
        ("Type", f"{8 * dtype.itemsize} bit"),
        ("Names", "Image > Show Info…"),
    )
    verified = read_back(*done.compared)
    return HandedOver(path, done.format, done.bytes, verified, details, tuple(_losses(label_image, largest)))


def _with_absent(image: LabelImage, present: Legend) -> Legend:
    """The labels that occur, and those that are only named."""
    known = {entry.value for entry in present}
    return tuple(
        sorted((*present, *(e for e in image.legend if e.value not in known)), key=lambda e: e.value)
    )


def lut_of(legend: Legend, largest: int) -> Lut:
    """Return the LUT, (3, 256): ImageJ spreads it over 0 … 255, or 0 … ``largest`` where that is more."""
    lut = np.zeros((3, COLOURS), np.uint8)
    for entry in legend:
        lut[:, place_in_lut(entry.value, largest)] = entry.rgb
    return lut


def info_of(legend: Legend) -> str:
    """Return the names as the Info of an image, a line each."""
    lines = [f"{entry.value} = {' '.join(entry.name.split())}" for entry in legend]
    return "\n".join((HEADING, *lines)) + "\n"


def _write(path: Path, plan: Plan, slabs: Iterable[NDArray[Any]], legend: Legend, largest: int) -> str:
    resolution = None
    if plan.voxel_nm is not None:
        resolution = (NM_PER_UM / plan.voxel_nm[2], NM_PER_UM / plan.voxel_nm[1])
    colours = _colour_map(lut_of(legend, largest))
    tags: dict[str, Any] = {
        "description": _description(plan, largest),
        "extratags": (*tifffile.imagej_metadata_tag({"Info": info_of(legend)}, "<"), colours),
    }
    with tifffile.TiffWriter(path, byteorder="<") as writer:
        for slab in slabs:
            for page in slab:
                writer.write(
                    page,
                    photometric="minisblack",
                    compression="zlib",
                    resolution=resolution,
                    resolutionunit=_NO_UNIT,
                    metadata=None,
                    software="SXT Studio",
                    **tags,
                )
                tags = {"extratags": (colours,)}  # pages of one kind are a stack for ImageJ
    return "ImageJ TIFF with names and colours"


def _colour_map(lut: Lut) -> tuple[int, str, int, list[int], bool]:
    """The LUT as ImageJ stores it, for 16 bit, too: the colour map of palette images, which this is none."""
    return (COLOUR_MAP, "H", lut.size, (lut.astype(np.uint16).ravel() << 8).tolist(), True)


def _description(plan: Plan, largest: int) -> str:
    """ImageJ's ImageDescription; it counts an origin in voxels, from the other side."""
    lines = ["ImageJ=1.54f"]
    if plan.dtype.itemsize > 1:  # else 8-bit images are shown from 0 to 255
        lines += ["min=0.0", f"max={max(largest, COLOURS - 1):.1f}"]
    if plan.shape[0] > 1:
        lines += [f"images={plan.shape[0]}", f"slices={plan.shape[0]}", "loop=false"]
    if plan.voxel_nm is not None:
        lines += ["unit=um", f"spacing={plan.voxel_nm[0] / NM_PER_UM!r}"]
        if plan.origin_nm is not None and any(plan.origin_nm):
            for axis, origin, edge in zip("zyx", plan.origin_nm, plan.voxel_nm, strict=True):
                lines.append(f"{axis}origin={-origin / edge!r}")
    return "\n".join(lines) + "\n"


def _check(temporary: Path, target: Path, legend: Legend, lut: Lut) -> bool:
    with tifffile.TiffFile(temporary) as file:
        info = (file.imagej_metadata or {}).get("Info")
        colours = np.asarray(file.pages.first.tags[COLOUR_MAP].value).reshape(3, -1) >> 8
    if info != info_of(legend) or not np.array_equal(colours, lut):
        raise differs(target, "names or colours")
    return bool(legend)


def _losses(image: LabelImage, largest: int) -> Iterable[str]:
    if largest >= COLOURS:
        yield f"ImageJ has {COLOURS} colours for {grouped(largest)} numbers: neighbours in number share one."
    if image.voxel_nm is None:
        yield "The voxel size is not known: ImageJ measures in pixels."
