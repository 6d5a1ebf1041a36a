"""Lengths as files write them, turned into nm, and the judgement of whether to believe them."""

from __future__ import annotations

import math
from collections.abc import Sequence

from sxtstudio.core.volume import SizeUnknown, VoxelSize

_NM_PER_UNIT = {
    "pm": 1e-3,
    "picometer": 1e-3,
    "å": 0.1,
    "a": 0.1,
    "ang": 0.1,
    "angstrom": 0.1,
    "ångström": 0.1,
    "ångstrom": 0.1,
    "nm": 1.0,
    "nanometer": 1.0,
    "µm": 1e3,
    "um": 1e3,
    "micron": 1e3,
    "micrometer": 1e3,
    "mm": 1e6,
    "millimeter": 1e6,
    "cm": 1e7,
    "centimeter": 1e7,
    "m": 1e9,
    "meter": 1e9,
    "inch": 2.54e7,
    "in": 2.54e7,
    '"': 2.54e7,
}

# Outside these edges a voxel size is no size of a voxel in X-ray microscopy: 0.1 nm is the
# 1 Å that MRC writers put where they know nothing, and 72 dpi (0.35 mm) that of picture editors.
_SMALLEST_NM = 0.1
_LARGEST_NM = 1e4


def nm_per_unit(unit: object) -> float | None:
    r"""Return how many nm a unit has, or None if it is missing, a pixel, or not a length.

    Accepts the spellings of ImageJ, OME, NeXus and MRC software: "µm", "\u00B5m" (as ImageJ escapes
    it), "um", "micron(s)", "micrometre", "nm", "Å", "cm", "inch" …
    """
    if isinstance(unit, bytes):
        unit = unit.decode("utf-8", "replace")
    if not isinstance(unit, str):
        return None
    # ImageJ escapes µ; UTF-8 read as Latin-1 shows an Â before it; there are two characters µ,
    # and two Å.
    text = unit.strip().lower().replace("\\u00b5", "µ").replace("\\u00c5", "å").replace("â", "")
    text = text.replace("μ", "µ").replace("\u212b", "å").replace("metre", "meter").removesuffix("\x00")
    for candidate in (text, text.removesuffix("s"), text.removesuffix("es")):
        if candidate in _NM_PER_UNIT:
            return _NM_PER_UNIT[candidate]
    return None


def judge_voxel(
    values: Sequence[float | None], nm: float | Sequence[float | None] | None, *, depth_matters: bool = True
) -> tuple[VoxelSize | None, tuple[str, ...]]:
    """Turn the written edge lengths of a voxel into nm, or say why they cannot be believed.

    Parameters
    ----------
    values
        The numbers in the file for (z, y, x); None where the file does not say.
    nm
        How many nm the unit of the numbers has, for all axes or for each; None if the file names no unit.
    depth_matters
        False for a single slice: where its thickness is missing or absurd, its pixel width is taken.

    Returns
    -------
    voxel_nm, notes
        The voxel (z, y, x) in nm, or None and a note that says why it is unknown.
    """
    units = [nm] * 3 if nm is None or isinstance(nm, float) else list(nm)
    numbers = [None if v is None else float(v) for v in values]
    if not depth_matters and _absurd([_known(numbers[0]) * _known(units[0])], [], []):
        numbers[0], units[0] = numbers[2], units[2]
    if all(v is None for v in numbers[1:]):
        return None, (SizeUnknown("the file does not give it"),)
    if any(n is None for n in numbers[1:]):
        known = "x" if numbers[1] is None else "y"
        return None, (SizeUnknown(f"the file gives it along {known} only"),)
    if any(u is None for u in units[1:]):
        return None, (SizeUnknown("the file gives no unit of length"),)
    if numbers[0] is None or units[0] is None:
        y, x = (_known(n) * _known(u) for n, u in zip(numbers[1:], units[1:], strict=True))
        reason = _absurd([y, x], [], [])  # such as 72 dpi
        if reason:
            return None, (SizeUnknown(reason),)
        return None, (
            SizeUnknown(
                f"the file gives the pixel ({y:.4g} × {x:.4g} nm) but not the distance of the slices"
            ),
        )
    lengths = [_known(n) * _known(u) for n, u in zip(numbers, units, strict=True)]
    reason = _absurd(lengths, [_known(n) for n in numbers], [_known(u) for u in units])
    if reason:
        return None, (SizeUnknown(reason),)
    return (lengths[0], lengths[1], lengths[2]), ()


def _absurd(lengths_nm: Sequence[float], numbers: Sequence[float], units: Sequence[float]) -> str | None:
    if any(not math.isfinite(v) for v in lengths_nm):
        return "the file gives a number that is not finite"
    if any(v < 0 for v in lengths_nm):
        return "the file gives a negative length"
    if any(v == 0 for v in lengths_nm):
        return "the header says 0"
    shown = " × ".join(f"{v:.4g}" for v in lengths_nm)
    if numbers and all(n == 1.0 for n in numbers) and all(u >= 1e3 for u in units):
        return "the file says exactly 1 µm or 1 of a larger unit, which programs write when they know none"
    if all(math.isclose(v, _SMALLEST_NM, rel_tol=1e-4) for v in lengths_nm):
        return "the header says 1 Å, which programs write when they know none"
    if any(v <= _SMALLEST_NM * (1 + 1e-4) or v >= _LARGEST_NM for v in lengths_nm):
        return f"the file says {shown} nm, which no X-ray microscope can have"
    return None


def _known(value: float | None) -> float:
    return math.nan if value is None else value
