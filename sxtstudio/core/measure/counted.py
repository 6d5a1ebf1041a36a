"""Which objects count in means: the one rule for the window, the commands, Table S1 and comparisons.

Sheets are no bodies: what is measured of them is of a membrane, not of what it encloses. Objects at the
border are not whole. Both are left out unless they are asked for, and how many is always said. Open bodies
count, since most bodies are open where the missing wedge hides their ends; how many is said as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.object_table import ObjectFlag, ObjectRow
from sxtstudio.core.wording import count, grouped

Chosen = NDArray[np.bool_]


@dataclass(frozen=True)
class Counted:
    """Which of n objects count (n,), and which do not: none is both a sheet and at the border here.

    Attributes
    ----------
    rows
        Those that count.
    sheets
        Left out as sheets.
    border
        At the border, counted or not; no sheets.
    """

    rows: Chosen
    sheets: Chosen
    border: Chosen


def counted(
    among: Chosen, border: Chosen, sheets: Chosen, *, with_border: bool = False, with_sheets: bool = False
) -> Counted:
    """Return which of the objects ``among`` (n,) count, by which of them are at the border or sheets (n,)."""
    flat = among & sheets & (not with_sheets)
    cut = among & border & ~flat
    return Counted(among & ~flat if with_border else among & ~flat & ~cut, flat, cut)


def flagged(numbers: NDArray[np.integer], rows: Mapping[int, ObjectRow], flag: ObjectFlag) -> Chosen:
    """Return which objects of these numbers (n,) have a flag."""
    found = [number for number, row in rows.items() if flag in row.flags]
    return np.isin(numbers, np.array(found, np.int64))


def open_bodies(numbers: NDArray[np.integer], rows: Mapping[int, ObjectRow]) -> Chosen:
    """Return which objects (n,) are bodies of which much is missing above or below; sheets are no bodies."""
    return flagged(numbers, rows, ObjectFlag.OPEN) & ~flagged(numbers, rows, ObjectFlag.SHEET)


def at_border(
    numbers: NDArray[np.integer], touches: NDArray[np.generic], rows: Mapping[int, ObjectRow]
) -> Chosen:
    """Return which objects (n,) are not whole for a border: by the column "touches_border", or flagged so.

    The flag is of those, too, that the edge of what was reconstructed cuts.
    """
    return (np.asarray(touches, np.float64) > 0) | flagged(numbers, rows, ObjectFlag.BORDER)


def sheets_text(sheets: int) -> str:
    """Return "1 sheet that encloses nothing", "4 sheets that enclose nothing"."""
    return f"{count(sheets, 'sheet')} that {'encloses' if sheets == 1 else 'enclose'} nothing"


def open_text(is_open: int, among: int) -> str:
    """Return "12 of 18 open: volumes are estimates", "1 of 18 open: its volume is an estimate"."""
    means = "its volume is an estimate" if is_open == 1 else "volumes are estimates"
    return f"{grouped(is_open)} of {grouped(among)} open: {means}"
