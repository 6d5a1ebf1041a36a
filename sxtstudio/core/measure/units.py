"""How units stand in the window: "Volume (µm³)", where a file's column says ``volume_um3``."""

from __future__ import annotations

from sxtstudio.core.measure.columns import Column, Quantity

_TEXTS: dict[Quantity, tuple[str, str]] = {
    Quantity.NUMBER: ("", ""),
    Quantity.NM: ("nm", "px"),
    Quantity.NM2: ("nm²", "px²"),
    Quantity.UM2: ("µm²", "px²"),
    Quantity.UM3: ("µm³", "voxels"),
    Quantity.PER_UM: ("1/µm", "1/px"),
    Quantity.DEGREES: ("°", "°"),
    Quantity.GREY: ("grey", "grey"),
    Quantity.GREY_PER_NM: ("grey/nm", "grey/px"),
    Quantity.LAC: ("1/µm", "1/µm"),
    Quantity.SLICES: ("slices", "slices"),
    Quantity.TEXT: ("", ""),
}


def unit_text(quantity: Quantity, *, calibrated: bool) -> str:
    """Return the unit as people write it, such as "µm³"; "" where there is none."""
    return _TEXTS[quantity][0 if calibrated else 1]


def heading(column: Column, *, calibrated: bool) -> str:
    """Return the title of a column with its unit, such as "Volume (µm³)"."""
    unit = unit_text(column.quantity, calibrated=calibrated)
    return f"{column.title} ({unit})" if unit else column.title
