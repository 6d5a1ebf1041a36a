"""Lengths as people write them, and round lengths for a scale bar."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

Unit = Literal["nm", "µm"]
# No voxel of any microscope is smaller than a thousandth of a nm or larger than a cm.
SMALLEST_VOXEL_NM, LARGEST_VOXEL_NM = 1e-3, 1e7
UNITS: tuple[Unit, ...] = ("nm", "µm")


def round_length(longest: float) -> float:
    """Return the largest of 1, 2, 5, 10, 20, 50 … (or 0.5, 0.2 …) that is not longer than ``longest``."""
    if not (longest > 0 and math.isfinite(longest)):
        return 1.0
    decade = 10.0 ** math.floor(math.log10(longest) + 1e-9)
    for step in (5.0, 2.0):
        if step * decade <= longest * (1 + 1e-9):
            return step * decade
    return decade


def length_text(length: float, unit: str = "nm") -> str:
    """Return a length with its unit: "200 nm", "2 µm", or "50 voxels" where ``unit`` is another."""
    if unit != "nm":
        return f"{length:g} voxels"
    return f"{length / 1000:g} µm" if length >= 1000 else f"{length:g} nm"


def number_text(nm: float, unit: Unit) -> str:
    """Return a length without its unit: "2230" in nm, "2.230" in µm, so that digits never jump."""
    return f"{nm:.0f}" if unit == "nm" else f"{nm / 1000:.3f}"


def is_voxel_size(lengths_nm: Sequence[float]) -> bool:
    """Return whether these lengths (nm) can be the edges (z, y, x) of a voxel at all."""
    return len(lengths_nm) == 3 and all(SMALLEST_VOXEL_NM <= nm <= LARGEST_VOXEL_NM for nm in lengths_nm)


def voxel_text(voxel_nm: tuple[float, float, float] | None) -> str:
    """Return a voxel size (z, y, x) in words, x first as people say it."""
    if voxel_nm is None:
        return "voxel size unknown"
    z, y, x = voxel_nm
    if math.isclose(x, y, rel_tol=1e-4) and math.isclose(y, z, rel_tol=1e-4):
        return f"{x:.4g} nm voxels"
    return f"{x:.4g} × {y:.4g} × {z:.4g} nm voxels (x × y × z)"
