"""Lengths as people write them, and round lengths for a scale bar."""

from __future__ import annotations

import math
from typing import Literal

Unit = Literal["nm", "µm"]
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


def voxel_text(voxel_nm: tuple[float, float, float] | None) -> str:
    """Return a voxel size (z, y, x) in words, x first as people say it."""
    if voxel_nm is None:
        return "voxel size unknown"
    z, y, x = voxel_nm
    if math.isclose(x, y, rel_tol=1e-4) and math.isclose(y, z, rel_tol=1e-4):
        return f"{x:.4g} nm voxels"
    return f"{x:.4g} × {y:.4g} × {z:.4g} nm voxels (x × y × z)"
