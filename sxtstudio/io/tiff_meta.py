"""Voxel size and origin from the tags of a TIFF file: OME-XML, ImageJ, or plain resolution."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import tifffile

from sxtstudio.core.volume import VoxelSize
from sxtstudio.io.units import judge_voxel, nm_per_unit

Found = tuple[VoxelSize | None, VoxelSize | None, tuple[str, ...]]

_INCH, _CENTIMETRE = 2, 3


def voxel_and_origin(tif: tifffile.TiffFile, slices: int) -> Found:
    """Return voxel size (nm; z, y, x), origin (nm) and notes.

    OME-XML goes before ImageJ's description, and that before the resolution tags. A number without a
    unit, or with the unit "pixel", is no voxel size. The distance of the slices of a stack has to
    be given; for a single slice the pixel width is taken.
    """
    stack = slices > 1
    if tif.is_ome:
        voxel, notes = _from_ome(tif.ome_metadata, stack)
        return voxel, None, notes
    page = tif.pages.first
    y, x = (_pixel_length(page, tag) for tag in ("YResolution", "XResolution"))
    described = _description(tif)
    if described.get("unit"):
        units = [described.get(key) or described["unit"] for key in ("zunit", "yunit", "unit")]
        voxel, notes = judge_voxel(
            (_number(described.get("spacing")), y, x), [nm_per_unit(u) for u in units], depth_matters=stack
        )
        return voxel, _origin(described, voxel), notes
    tag = page.tags.get("ResolutionUnit")
    unit = nm_per_unit({_INCH: "inch", _CENTIMETRE: "cm"}.get(int(tag.value) if tag else 0))
    voxel, notes = judge_voxel((None, y, x), [None, unit, unit], depth_matters=stack)
    return voxel, None, notes


def _from_ome(xml: str | None, stack: bool) -> tuple[VoxelSize | None, tuple[str, ...]]:
    values: list[float | None] = [None] * 3
    units: list[float | None] = [None] * 3
    try:
        root = ElementTree.fromstring(xml or "")
    except ElementTree.ParseError:
        return None, ("voxel size unknown: the OME description is damaged",)
    pixels = next((node for node in root.iter() if node.tag.rpartition("}")[2] == "Pixels"), None)
    if pixels is not None:
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
