"""What the flags of objects add to their measurements."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from sxtstudio.core.measure.columns import Measurements
from sxtstudio.core.object_table import ObjectFlag, ObjectTable

_CUT = "cut_by_wedge"


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
