"""Table S1 of Dyhr, Sadeghi et al. (2023): sizes of filopodia in 2D and 3D, with the paper's own beside them.

In 2D an object is measured in each of its slices: mean and SD over its slices come first, then those over
objects. In 3D there is one value per object.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.errors import UserError
from sxtstudio.core.measure.columns import Measurements
from sxtstudio.core.measure.counted import (
    Counted,
    at_border,
    counted,
    flagged,
    open_bodies,
    open_text,
    sheets_text,
)
from sxtstudio.core.object_table import ObjectFlag, ObjectTable
from sxtstudio.core.printable import csv_text
from sxtstudio.core.wording import count

PAPER = "Dyhr, Sadeghi et al., PNAS 120 (24) e2209938120 (2023), Table S1: 60 filopodia, voxels of 9.8 nm"


@dataclass(frozen=True)
class _Wanted:
    """A row: what it is called, the column it is of, and what makes that column's unit ``unit``."""

    title: str
    key: str
    unit: str
    unit_in_voxels: str
    paper: tuple[float, float]
    scale: float = 1.0
    dimensions: int = 3


_ROWS = (
    _Wanted("Area", "slice_area", "nm²", "px²", (33155, 25244), dimensions=2),
    _Wanted("First axis", "slice_axis_1", "nm", "px", (302, 189), dimensions=2),
    _Wanted("Second axis", "slice_axis_2", "nm", "px", (133, 28), dimensions=2),
    _Wanted("Perimeter", "slice_perimeter", "nm", "px", (727, 391), dimensions=2),
    _Wanted("Eccentricity", "slice_eccentricity", "", "", (0.80, 0.17), dimensions=2),
    _Wanted("Volume", "volume", "nm³", "voxels", (2.28e7, 1.77e7), scale=1e9),
    _Wanted("Surface area", "surface_mesh", "nm²", "px²", (6.16e5, 3.66e5), scale=1e6),
    _Wanted("Surface to volume", "surface_to_volume", "1/µm", "1/px", (30.2, 5.3)),
    _Wanted("First axis", "axis_1", "nm", "px", (966, 394)),
    _Wanted("Second axis", "axis_2", "nm", "px", (320, 141)),
    _Wanted("Third axis", "axis_3", "nm", "px", (206, 61)),
)
_BORDER = "touches_border"


@dataclass(frozen=True)
class S1Row:
    """A row of the table.

    Attributes
    ----------
    dimensions
        2 (per slice) or 3.
    title, unit
        Such as "Volume", "nm³"; without a voxel size units are pixels and voxels.
    mean, sd
        Over objects; ``sd`` with n − 1, NaN for a single object.
    within
        In 2D the mean over objects of the SD over their slices; NaN in 3D.
    n
        Objects that have a value.
    paper
        Mean and SD of the paper, None where units differ.
    values
        Of the objects (n,): what mean and SD are of.
    """

    dimensions: int
    title: str
    unit: str
    mean: float
    sd: float
    within: float
    n: int
    paper: tuple[float, float] | None
    values: NDArray[np.float64] = field(compare=False, repr=False)


@dataclass(frozen=True)
class TableS1:
    """Table S1 of some objects: its rows, the objects in it, those at the border, and sheets left out.

    ``is_open`` are those of the objects in it that are open: their volumes are estimates.
    """

    rows: tuple[S1Row, ...]
    objects: tuple[int, ...]
    at_border: tuple[int, ...]
    borders_in: bool
    calibrated: bool
    sheets: tuple[int, ...] = ()
    is_open: tuple[int, ...] = ()

    def caption(self) -> str:
        """Return what the table holds, in sentences."""
        text = f"Mean ± SD over {count(len(self.objects), 'object')}. "
        text += "2D values are means over the slices of an object first, then over objects. "
        if self.at_border:
            touch = f"{count(len(self.at_border), 'object')} at the border of the volume"
            verb = "is" if len(self.at_border) == 1 else "are"
            text += f"{touch} {verb} {'counted, though not whole' if self.borders_in else 'left out'}. "
        if self.sheets:
            text += f"{sheets_text(len(self.sheets))} {'is' if len(self.sheets) == 1 else 'are'} left out. "
        if self.is_open:
            text += f"{open_text(len(self.is_open), len(self.objects))}. "
        if not self.calibrated:
            text += (
                "The voxel size is unknown: lengths are in voxels, and cannot be compared with the paper. "
            )
        return f"{text}Paper: {PAPER}."

    def markdown(self) -> str:
        """Return the table as text, which is a Markdown table as well."""
        lines = [
            ["", "Mean ± SD", "SD over slices", "n", "Paper"],
            *(
                [
                    f"{row.title}, {row.dimensions}D{f' ({row.unit})' if row.unit else ''}",
                    plus_minus(row.mean, row.sd),
                    _number(row.within) if row.dimensions == 2 else "",
                    str(row.n),
                    plus_minus(*row.paper) if row.paper else "",
                ]
                for row in self.rows
            ),
        ]
        widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
        lines.insert(1, ["-" * width for width in widths])
        table = "\n".join(
            "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |"
            for line in lines
        )
        return f"{self.caption()}\n\n{table}\n"

    def csv(self) -> str:
        """Return the table as CSV; numbers are not rounded."""
        return csv_text(_CSV, self._csv_rows())

    def _csv_rows(self) -> Iterator[dict[str, object]]:
        for row in self.rows:
            paper = row.paper or (math.nan, math.nan)
            yield {
                "dimensions": row.dimensions,
                "measure": row.title,
                "unit": row.unit,
                "mean": _known(row.mean),
                "sd": _known(row.sd),
                "sd_over_slices": _known(row.within),
                "n": row.n,
                "paper_mean": _known(paper[0]),
                "paper_sd": _known(paper[1]),
            }
        caption: dict[str, object] = dict.fromkeys(_CSV, "")
        yield {**caption, "measure": self.caption()}


_CSV = ("dimensions", "measure", "unit", "mean", "sd", "sd_over_slices", "n", "paper_mean", "paper_sd")


def table_s1(
    measured: Measurements,
    only: Collection[int] | None = None,
    *,
    with_border: bool = False,
    table: ObjectTable | None = None,
    with_sheets: bool = False,
) -> TableS1:
    """Make the table of objects that were measured.

    Parameters
    ----------
    measured
        With the columns of sizes, shapes and slices.
    only
        Numbers of the objects that count; None is all.
    with_border
        Count objects at the border of the volume, which are not whole, as well.
    table
        Which objects are flagged as sheets, as open, or as cut by a border; None: no flags are known.
    with_sheets
        Count sheets as well: they were chosen one by one, or by their class.

    Raises
    ------
    UserError
        If no object is left.
    """
    chosen = np.ones(len(measured.numbers), bool)
    if only is not None:
        chosen = np.isin(measured.numbers, np.fromiter(only, np.int64, len(only)))
    rows = {} if table is None else table.rows
    found = counted(
        chosen,
        at_border(measured.numbers, measured.values[_BORDER], rows),
        flagged(measured.numbers, rows, ObjectFlag.SHEET),
        with_border=with_border,
        with_sheets=with_sheets,
    )
    if not found.rows.any():
        raise UserError(f"Table S1 has no objects: {_why_none(found)}")
    return TableS1(
        tuple(_row(measured, wanted, found.rows) for wanted in _ROWS),
        tuple(measured.numbers[found.rows].tolist()),
        tuple(measured.numbers[found.border].tolist()),
        with_border,
        measured.calibrated,
        tuple(measured.numbers[found.sheets].tolist()),
        tuple(measured.numbers[found.rows & open_bodies(measured.numbers, rows)].tolist()),
    )


def _why_none(found: Counted) -> str:
    if found.sheets.any():
        return "all are sheets, which enclose nothing, or touch the border. Choose others."
    if found.border.any():
        return "all that were chosen touch the border of the volume. Choose others, or count these as well."
    return "choose some first."


def _row(measured: Measurements, wanted: _Wanted, counted: NDArray[np.bool_]) -> S1Row:
    flat = wanted.dimensions == 2
    scale = wanted.scale if measured.calibrated else 1.0

    def values(key: str) -> NDArray[np.float64]:
        found = np.asarray(measured.values[key], np.float64)[counted] * scale
        return found[np.isfinite(found)]

    own = values(f"{wanted.key}_mean" if flat else wanted.key)
    within = values(f"{wanted.key}_sd") if flat else np.empty(0)
    return S1Row(
        wanted.dimensions,
        wanted.title,
        wanted.unit if measured.calibrated else wanted.unit_in_voxels,
        float(own.mean()) if own.size else math.nan,
        float(own.std(ddof=1)) if own.size > 1 else math.nan,
        float(within.mean()) if within.size else math.nan,
        int(own.size),
        wanted.paper if measured.calibrated or not wanted.unit else None,
        own,
    )


def plus_minus(mean: float, sd: float) -> str:
    """Return "2.28e7 ± 1.77e7", "302 ± 189", "0.80 ± 0.17"; "" where nothing is known."""
    if not math.isfinite(mean):
        return ""
    if abs(mean) < 1e5:
        return f"{_number(mean)} ± {_number(sd, like=mean)}" if math.isfinite(sd) else _number(mean)
    power = math.floor(math.log10(abs(mean)))
    own = f"{mean / 10**power:.2f}e{power}"
    return f"{own} ± {sd / 10**power:.2f}e{power}" if math.isfinite(sd) else own


def _number(value: float, like: float | None = None) -> str:
    """With the decimals that a value of this size (or ``like``) has in the paper."""
    if not math.isfinite(value):
        return ""
    size = abs(value if like is None else like)
    return f"{value:.{2 if size < 10 else 1 if size < 100 else 0}f}"


def _known(value: float) -> float | str:
    return value if math.isfinite(value) else ""
