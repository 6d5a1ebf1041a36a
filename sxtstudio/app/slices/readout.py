"""The line under the views: voxel, position and grey value under the pointer, at fixed places."""

from __future__ import annotations

from typing import Any

import numpy as np

from sxtstudio.app.labels.tools.base import PointerEvent
from sxtstudio.core.geometry import Triple
from sxtstudio.core.lengths import Unit
from sxtstudio.core.volume import VoxelSize
from sxtstudio.core.wording import number_text
from sxtstudio.workflow.document.document import Document

GAP = "   "


def readout(
    document: Document,
    pointer: PointerEvent,
    value: float | None,
    coarse: bool,
    unit: Unit = "nm",
    number: int = 0,
) -> tuple[str, str]:
    """Return where the pointer is, and what is there; outside of the image both are empty.

    x and y count from 0, slices from 1.

    ``number`` is that of the object under the pointer, 0 where there is none.
    """
    voxel = pointer.voxel
    if any(not 0 <= i < n for i, n in zip(voxel, document.shape, strict=True)):
        return "", ""
    label = _at(document.labels, voxel)
    where = [
        indices(voxel, document.shape),
        position(voxel, document.shape, document.voxel_nm, unit),
    ]
    what = [
        f"value {_number(value)}{'≈' if coarse else ' '}",
        {None: "", True: "labelled", False: ""}[label],
        object_text(document, number),
    ]
    return GAP.join(part for part in where if part), GAP.join(part for part in what if part)


def object_text(document: Document, number: int) -> str:
    """Return "object 12, Vesicle", or nothing where there is no object."""
    row = document.object_table.rows.get(number)
    if row is None:
        return f"object {number}" if number else ""
    return ", ".join(part for part in (f"object {number}", row.class_name) if part)


def indices(voxel: Triple, shape: Triple) -> str:
    """Return "x  12  y 345  slice  33", each number as wide as the largest."""
    z, y, x = voxel
    digits = [len(str(n)) for n in shape]
    return f"x {x:{digits[2]}d}  y {y:{digits[1]}d}  slice {z + 1:{digits[0]}d}"


def position(voxel: Triple, shape: Triple, voxel_nm: VoxelSize | None, unit: Unit = "nm") -> str:
    """Return the position of the voxel's centre, counted from the centre of the first voxel."""
    if voxel_nm is None:
        return ""
    texts = []
    for name, axis in (("x", 2), ("y", 1), ("z", 0)):
        width = len(number_text(shape[axis] * voxel_nm[axis], unit))
        texts.append(f"{name} {number_text(voxel[axis] * voxel_nm[axis], unit):>{width}}")
    return "  ".join(texts) + f" {unit}"


def cross_texts(document: Document, cursor: Triple, unit: Unit = "nm") -> tuple[str, ...]:
    """Return where the crosshair is, one axis a line: a long text, if that can be said, and a short one."""
    short, long = [], []
    for name, axis, first in (("x", 2, 0), ("y", 1, 0), ("slice", 0, 1)):
        short.append(f"{name:5s} {cursor[axis] + first:5d}")
        if document.voxel_nm is not None:
            place = number_text(cursor[axis] * document.voxel_nm[axis], unit)
            long.append(f"{short[-1]} {place:>7} {unit}")
    return tuple("\n".join(lines) for lines in (long, short) if lines)


def _number(value: float | None) -> str:
    if value is None:
        return f"{'–':>10}"
    return f"{value:10.0f}" if value.is_integer() and abs(value) < 1e9 else f"{value:10.4g}"


def _at(labels: Any, voxel: Triple) -> bool | None:
    return None if labels is None else bool(np.asarray(labels[voxel]))
