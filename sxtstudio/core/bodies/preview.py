"""What would be bodies in one slice, for a view while parameters are chosen."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.bodies.faint_gaps import close_faint_gaps
from sxtstudio.core.bodies.find import BodyParameters
from sxtstudio.core.bodies.nearest import expanded
from sxtstudio.core.bodies.regions import find_regions, wall_half_px
from sxtstudio.core.bodies.rule import IS_BODY
from sxtstudio.core.bodies.tracks import FEATURES
from sxtstudio.core.bodies.walls import outside_of, outside_px

#: A body lies in about so many slices, and changes so much from one to the next: one slice does not say it.
_SLICES, _CHANGE = 8, 0.25
#: So many regions in another one make it the cell.
_CELL_CHILDREN = 3


def preview_slice(
    outline: NDArray[np.bool_],
    parameters: BodyParameters,
    half_px: float | None = None,
    output: NDArray[np.float32] | None = None,
) -> NDArray[np.int32]:
    """Return the numbers 1…n of what would be bodies in a slice (y, x), with their membranes; 0 elsewhere.

    ``find_bodies`` knows more: what the slices above and below show, and which parts are one body.

    Parameters
    ----------
    outline
        (y, x), True where there is a membrane.
    half_px
        Half the usual width of an outline, as of ``wall_half_px``; None measures it in this slice.
    output
        Of the network (y, x), 0…1, if it is known: gaps are closed where it saw a faint membrane.
    """
    half = wall_half_px(outline[None]) if half_px is None else half_px
    found = find_regions(outline, gap_px=parameters.gap_px, split=parameters.split, half_px=half)
    if output is not None:
        found = close_faint_gaps(found, outline, output, parameters.gap_px, half)
    table = found.table
    if not len(table):
        return found.numbers
    children = np.bincount(table["parent"], ~table["solid"], len(table) + 1)[1:]
    columns = {name: table[name].astype(np.float64) for name in FEATURES[:7]}
    columns["log_area"] = np.log(table["area"])
    columns["log_slices"] = np.full(len(table), np.log(_SLICES))
    columns["change"] = np.full(len(table), _CHANGE)
    columns["log_children"] = np.log1p(children)
    likely = IS_BODY.probability(np.stack([columns[name] for name in FEATURES], 1)) >= parameters.sure
    likely &= ~table["solid"] & ~table["bay"] & (children < _CELL_CHILDREN) & (table["sides"] < 3)
    kept = np.concatenate([[False], likely])
    numbers = np.where(kept, np.cumsum(kept), 0).astype(np.int32)[found.numbers]
    with_walls = expanded(numbers, 2 * half)
    result: NDArray[np.int32] = np.where(outline, with_walls, numbers)
    line_px = 2 * half - 1
    if parameters.membrane is not None and parameters.membrane.applies_to(line_px):
        lumen = np.concatenate([[0.0], table["radius"][likely]])
        outside = outside_px(lumen, line_px, parameters.membrane.px)
        result[outside_of(result, outline, outside, parameters.membrane.px)] = 0
    return result
