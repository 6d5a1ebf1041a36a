"""How sure the network is of a membrane across a gap that two outlines leave.

::

      outline ────────╴┄┄╮  the output is high along the path, and low beside it
                         ┆
      outline ────────╴┄┄╯

From the outline at one side of a narrow place to the one at the other side goes the path along which the
network's output is highest (live-wire: Mortensen and Barrett 1998, doi:10.1006/gmip.1998.0480).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from skimage.graph import MCP_Geometric

from sxtstudio.core.bodies.line_ends import Place, sides_of

#: A path goes so far around a gap, by half its width.
_REACH = 1.5
#: What is added to the output: a path over nothing costs its inverse by pixel, and so does one over outlines
#: farther from both ends than that, by half the width of the gap.
_NOTHING, _AT_ENDS = 0.05, 0.6
#: Where the output is least (at that share of the path), it is so much of its mean.
_LEAST_SHARE, _LEAST = 0.15, 0.4
#: The output along the path is so many times that beside it, between so many times half the width of lines.
_MORE, _BESIDE = 1.25, (2.0, 4.0)
#: The ends of longer paths lie at an outline, where the output is high anyway.
_LONG_PX = 4


def output_across(
    outline: NDArray[np.bool_], output: NDArray[np.float32], place: Place, radius: float, half_px: float
) -> float:
    """Return the network's mean output across a gap; 0 where it breaks off, or is as high beside.

    Parameters
    ----------
    outline
        (y, x), True where there is a line.
    output
        Of the network (y, x), 0…1.
    place
        The middle of the narrowest place (y, x).
    radius
        How far it is from there to the lines, px.
    half_px
        Half the usual width of a line, px.
    """
    sides = sides_of(outline, place, radius)
    if sides is None:
        return 0.0
    reach = int(_REACH * radius + 2 * half_px + 3)
    top, left = max(0, place[0] - reach), max(0, place[1] - reach)
    box = (slice(top, place[0] + reach + 1), slice(left, place[1] + reach + 1))
    line, part = outline[box], output[box]
    ends = [(y - top, x - left) for y, x in sides]
    path = _path(line, part, ends, _AT_ENDS * radius)
    along = part[tuple(path[~line[tuple(path.T)]].T)]
    if len(along) > _LONG_PX:
        along = along[1:-1]
    if not len(along):
        return 0.0
    mean = float(along.mean())
    if np.quantile(along, _LEAST_SHARE) < _LEAST * mean:
        return 0.0
    away = _away(line.shape, path)
    least, most = (times * half_px for times in _BESIDE)
    beside = part[~line & (away > least) & (away <= most)]
    return mean if not len(beside) or mean >= _MORE * float(beside.mean()) else 0.0


def _path(
    line: NDArray[np.bool_], output: NDArray[np.float32], ends: list[Place], near_px: float
) -> NDArray[np.int64]:
    """Return the pixels (n, 2) between two ends over which the output is highest."""
    cost = 1 / (_NOTHING + output)
    cost[line] = 1 / _NOTHING
    cost[line & (_away(line.shape, np.array(ends)) <= near_px)] = 1.0
    finder = MCP_Geometric(cost)
    finder.find_costs(ends[:1], ends[1:])
    return np.array(finder.traceback(ends[1]), np.int64)


def _away(shape: tuple[int, ...], places: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return how far each pixel lies from the nearest of a few places (n, 2), px."""
    rows, columns = np.arange(shape[0])[:, None], np.arange(shape[1])
    squares = np.full(shape, np.inf)
    for y, x in places.tolist():
        np.minimum(squares, (rows - y) ** 2 + (columns - x) ** 2, out=squares)
    result: NDArray[np.float64] = np.sqrt(squares)
    return result
