"""The table in words: the line of figures below it, and the rows as a spreadsheet takes them."""

from __future__ import annotations

from collections.abc import Sequence
from math import floor, isfinite, log10

from sxtstudio.app.objects.table.columns import TableColumn
from sxtstudio.app.objects.table.listing import Indices, Listing
from sxtstudio.core.measure.counted import open_text
from sxtstudio.core.wording import count, grouped, times_ten


def summary_text(
    listing: Listing,
    shown: Indices,
    column: TableColumn | None,
    *,
    chosen: int,
    stale: int,
    outdated: Sequence[str] = (),
    without_border: bool,
) -> str:
    """Return what is listed, and the figures of a column: n, mean, SD, median; left out and open are said."""
    total = len(listing)
    some = "" if len(shown) == total else f"{grouped(len(shown))} of "
    parts = [some + count(total, "object")]
    if chosen:
        parts.append(f"{grouped(chosen)} chosen")
    figures = None if column is None else listing.summary(column.key, shown, without_border=without_border)
    if column is not None and figures is not None:
        mean, sd, median = alike(figures.mean, figures.sd, figures.median)
        spread = f" ± {sd} (SD)" if sd else ""
        parts.append(f"{column.title}: n = {grouped(figures.count)}, mean {mean}{spread}, median {median}")
        if figures.border:
            parts.append(f"{grouped(figures.border)} at the border left out")
        if figures.sheets:
            parts.append(f"{count(figures.sheets, 'sheet')} left out")
        if figures.is_open:
            parts.append(open_text(figures.is_open, figures.count))
    elif listing.measurements is None and total:
        parts.append("not measured yet")
    if stale:
        parts.append(f"{grouped(stale)} changed since they were measured")
    if outdated:
        parts.append(f"{outdated[0]}{' and other columns' if len(outdated) > 1 else ''} out of date")
    return "  ·  ".join(parts)


def alike(mean: float, sd: float, median: float) -> tuple[str, str, str]:
    """Return three figures of a column with the same decimals: three digits of the SD, or four of the mean.

    Small or large ones share a power of ten: "0.00187", but "3.20×10⁻⁵". "" is an SD that is not known.
    """
    known = [abs(value) for value in (mean, median) if isfinite(value) and value]
    power = floor(log10(max(known))) if known else 0
    power = power if power < -3 or power >= 6 else 0
    scale, sign = 10.0**-power, times_ten(power)
    spread = isfinite(sd) and sd > 0
    # More than six digits of the mean say nothing more.
    finest = sd * scale if spread else abs(mean) * scale
    decimals = (2 if spread else 3) - floor(log10(finest)) if finest else 0
    decimals = min(max(decimals, 0), 6)
    mean_text, sd_text, median_text = (f"{value * scale:.{decimals}f}{sign}" for value in (mean, sd, median))
    return mean_text, sd_text if isfinite(sd) else "", median_text


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
