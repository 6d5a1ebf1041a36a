"""Voxel size and origin from the tags of a TIFF file: OME-XML, ImageJ, or plain resolution."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import tifffile

from sxtstudio.core.volume import SizeUnknown, VoxelSize
from sxtstudio.io.mib import NM_PER_UM, box_in, origin_of_box, voxel_um_of_box
from sxtstudio.io.units import judge_voxel, nm_per_unit

Found = tuple[VoxelSize | None, VoxelSize | None, tuple[str, ...]]

_INCH, _CENTIMETRE = 2, 3
_PRINTED_DPI = (72, 96, 150, 300, 600)


def voxel_and_origin(tif: tifffile.TiffFile, slices: int) -> Found:
    """Return voxel size (nm; z, y, x), origin (nm) and notes.

    OME-XML goes before ImageJ's description, that before Microscopy Image Browser's, and that before the
    resolution tags. A number without a unit, or with the unit "pixel", is no voxel size, and neither is a
    resolution for printing. The distance of the slices of a stack has to be given; for a single slice the
    pixel width is taken.
    """
    stack = slices > 1
    if tif.is_ome:
        voxel, notes = _from_ome(tif.ome_metadata, stack)
        return voxel, None, notes
    page = tif.pages.first
    y, x = (_pixel_length(page, tag) for tag in ("YResolution", "XResolution"))
    described = _description(tif)
    if _is_for_printing(page) and described.get("unit"):
        y = x = None  # a program has put its own resolution beside ImageJ's description
    if described.get("unit"):
        units = [described.get(key) or described["unit"] for key in ("zunit", "yunit", "unit")]
        voxel, notes = judge_voxel(
            (_number(described.get("spacing")), y, x), [nm_per_unit(u) for u in units], depth_matters=stack
        )
        return voxel, _origin(described, voxel), notes
    box = box_in(page.description)
    size = None if box is None else voxel_um_of_box(box, (slices, page.imagelength, page.imagewidth))
    if box is not None and size is not None:
        voxel, notes = judge_voxel(size, NM_PER_UM, depth_matters=stack)
        return voxel, None if voxel is None else origin_of_box(box), notes
    unit = nm_per_unit({_INCH: "inch", _CENTIMETRE: "cm"}.get(_resolution_unit(page)))
    voxel, notes = judge_voxel((None, y, x), [None, unit, unit], depth_matters=stack)
    return voxel, None, notes


def _resolution_unit(page: tifffile.TiffPage) -> int:
    tag = page.tags.get("ResolutionUnit")
    return int(tag.value) if tag else 0


def _is_for_printing(page: tifffile.TiffPage) -> bool:
    """Whether the resolution is one of screens and printers, which programs write by default."""
    tag = page.tags.get("XResolution")
    try:
        dots, inches = tag.value
        return _resolution_unit(page) == _INCH and dots / inches in _PRINTED_DPI
    except (AttributeError, TypeError, ValueError, ZeroDivisionError):
        return False


def ome_images(xml: str | None) -> int:
    """Return how many images the OME description names, 0 if it does not say."""
    pixels = _ome_pixels(xml)
    sizes = [_number(None if pixels is None else pixels.get(f"Size{axis}")) for axis in "ZCT"]
    known = [1.0 if size is None or not 1 <= size < 1 << 24 else size for size in sizes]
    return 0 if pixels is None else int(known[0] * known[1] * known[2])


def _ome_pixels(xml: str | None) -> ElementTree.Element | None:
    try:
        root = ElementTree.fromstring(xml or "")
    except ElementTree.ParseError:
        return None
    return next((node for node in root.iter() if node.tag.rpartition("}")[2] == "Pixels"), None)


def _from_ome(xml: str | None, stack: bool) -> tuple[VoxelSize | None, tuple[str, ...]]:
    values: list[float | None] = [None] * 3
    units: list[float | None] = [None] * 3
    pixels = _ome_pixels(xml)
    if pixels is None:
        return None, (SizeUnknown("the OME description is damaged"),)
    for index, axis in enumerate("ZYX"):
        values[index] = _number(pixels.get(f"PhysicalSize{axis}"))
        # The schema's default for a missing unit is µm.
        units[index] = nm_per_unit(pixels.get(f"PhysicalSize{axis}Unit", "µm"))
    return judge_voxel(values, units, depth_matters=stack)


def _description(tif: tifffile.TiffFile) -> dict[str, Any]:
    """Return what ImageJ, or tifffile in its own files, wrote about unit and spacing."""
    if tif.is_imagej:
        return dict(tif.imagej_metadata or {})
    if tif.is_shaped and tif.shaped_metadata:
        return dict(tif.shaped_metadata[0])
    return {}


def _pixel_length(page: tifffile.TiffPage, name: str) -> float | None:
    """Return the reciprocal of a resolution tag (pixels per unit), or None without a usable one."""
    tag = page.tags.get(name)
    if tag is None:
        return None
    try:
        pixels, length = tag.value
        return float(length) / float(pixels)
    except (TypeError, ValueError, ZeroDivisionError):
        return None


def _origin(described: dict[str, Any], voxel: VoxelSize | None) -> VoxelSize | None:
    """ImageJ gives the pixel that lies at position 0; the first voxel lies that much before it."""
    pixels = [_number(described.get(f"{axis}origin")) for axis in "zyx"]
    if voxel is None or all(p is None for p in pixels):
        return None
    z, y, x = (-(p or 0.0) * edge + 0.0 for p, edge in zip(pixels, voxel, strict=True))
    return (z, y, x)


def _number(value: object) -> float | None:
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
