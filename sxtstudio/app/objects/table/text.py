"""The table in words: the line of figures below it, and the rows as a spreadsheet takes them."""

from __future__ import annotations

from math import isfinite

import numpy as np

from sxtstudio.app.objects.table.columns import TableColumn
from sxtstudio.app.objects.table.listing import Indices, Listing
from sxtstudio.core.wording import count, grouped


def summary_text(
    listing: Listing,
    shown: Indices,
    column: TableColumn | None,
    *,
    chosen: int,
    stale: int,
    without_border: bool,
) -> str:
    """Return what is listed, and the figures of a column: n, mean, SD, median; who is left out is said."""
    total = len(listing)
    some = "" if len(shown) == total else f"{grouped(len(shown))} of "
    parts = [some + count(total, "object")]
    if chosen:
        parts.append(f"{grouped(chosen)} chosen")
    figures = None if column is None else listing.summary(column.key, shown, without_border=without_border)
    if column is not None and figures is not None:
        spread = "" if np.isnan(figures.sd) else f" ± {figures.sd:.3g} (SD)"
        parts.append(
            f"{column.title}: n = {grouped(figures.count)}, mean {figures.mean:.4g}{spread}, "
            f"median {figures.median:.4g}"
        )
        if figures.border:
            parts.append(f"{grouped(figures.border)} at the border left out")
    elif listing.measurements is None and total:
        parts.append("not measured yet")
    if stale:
        parts.append(f"{grouped(stale)} changed since they were measured")
    return "  ·  ".join(parts)


def tab_separated(listing: Listing, indices: Indices, columns: tuple[TableColumn, ...]) -> str:
    """Return a heading and a line per object, cells apart by tabs, all digits of the numbers."""
    cells = [_cells(listing, indices, column) for column in columns]
    lines = ["\t".join(column.title for column in columns), *map("\t".join, zip(*cells, strict=True))]
    return "\n".join(lines) + "\n"


def _cells(listing: Listing, indices: Indices, column: TableColumn) -> list[str]:
    if not column.measured:
        return [_one_cell(listing.text(column.key, place)) for place in indices.tolist()]
    style = ".0f" if column.integer else ".9g"
    values = listing.values(column.key)[indices].tolist()
    return [format(value, style) if isfinite(value) else "" for value in values]


def _one_cell(text: str) -> str:
    return " ".join(text.split())
