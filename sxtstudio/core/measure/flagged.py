"""What the flags of objects add to their measurements."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from sxtstudio.core.measure.columns import Measurements
from sxtstudio.core.measure.counted import flagged
from sxtstudio.core.object_table import ObjectFlag, ObjectTable

_CUT, _BORDER = "cut_by_wedge", "touches_border"


def with_border(measured: Measurements, table: ObjectTable) -> Measurements:
    """Return measurements in which objects that are flagged so are at the border.

    Of voxels alone nobody knows which slices were segmented.
    """
    border = measured.values.get(_BORDER)
    if border is None or border.dtype.kind not in "iu":
        return measured
    marked = np.where(flagged(measured.numbers, table.rows, ObjectFlag.BORDER), 1, border)
    return replace(measured, values={**measured.values, _BORDER: marked})


def with_open_cut(measured: Measurements, table: ObjectTable) -> Measurements:
    """Return measurements in which objects that are flagged as open count as cut by the missing wedge.

    A body whose top or bottom is missing gets a cap, which hides the flat end that the column goes by.
    """
    cut = measured.values.get(_CUT)
    if cut is None or cut.dtype.kind not in "iu":  # of a single slice nothing is known
        return measured
    is_open = [
        n
        for n, row in table.rows.items()
        if ObjectFlag.OPEN in row.flags and ObjectFlag.SHEET not in row.flags
    ]
    marked = np.where(np.isin(measured.numbers, np.array(is_open, np.int64)), 1, cut)
    return replace(measured, values={**measured.values, _CUT: marked})
