"""Smoothing that takes the steps of the voxels away and keeps the volume."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from sxtstudio.core.progress import Progress
from sxtstudio.surface.mesh import Points, Triangles

# Of the frequencies 0…2 of a mesh those below stay; as in vtkWindowedSincPolyDataFilter.
PASS_BAND = 0.06
# Of fewer points threads take longer to be told than to work.
_FEW_POINTS = 20_000


def smooth(
    points: Points,
    triangles: Triangles,
    iterations: int,
    progress: Progress | None = None,
    pass_band: float = PASS_BAND,
) -> None:
    """Move the points of a closed mesh, in place, by a windowed-sinc low-pass filter.

    Taubin, Zhang & Golub, "Optimal surface smoothing as filter design", ECCV 1996: the filter is a
    Chebyshev polynomial of the mesh Laplacian, which hardly changes the volume. It is linear in
    each coordinate on its own, so smoothing before or after scaling to nm makes no difference.
    VTK's filter does the same; this one can be cancelled and needs a third of its memory.

    Parameters
    ----------
    points
        float32 (n, 3).
    triangles
        int32 (m, 3), a closed mesh.
    iterations
        Degree of the polynomial; 0 does nothing.
    progress
        One step per iteration.
    """
    progress = progress or Progress()
    progress.begin(max(1, iterations), "smoothing")
    if iterations == 0 or not len(triangles):
        progress.step()
        return
    if len(points) < _FEW_POINTS:
        _filter(points, _Average(triangles, len(points), map), iterations, pass_band, progress)
        return
    with ThreadPoolExecutor(min(3, _processors())) as pool:
        _filter(points, _Average(triangles, len(points), pool.map), iterations, pass_band, progress)


def _processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _filter(points: Points, average: _Average, iterations: int, pass_band: float, progress: Progress) -> None:
    weights = _window(iterations, pass_band)
    origin = points.mean(axis=0, dtype=np.float64).astype(np.float32)
    # T0 = x, T1 = L x, T(n+1) = 2 L T(n) - T(n-1), with L = (1 + mean of the neighbours) / 2.
    before = np.ascontiguousarray((points - origin).T)
    now = average(before)
    total = weights[0] * before + weights[1] * now
    progress.step()
    for weight in weights[2:]:
        # "before" takes the new term: three sets of coordinates are enough.
        np.subtract(2 * average(now), before, out=before)
        before, now = now, before
        total += weight * now
        progress.step()
    points[:] = total.T + origin


class _Average:
    """Half of a point plus half of the mean of its neighbours; ``each`` calls for each axis, as ``map``."""

    def __init__(
        self,
        triangles: Triangles,
        count: int,
        each: Callable[[Callable[[int], None], Iterable[int]], Iterable[None]],
    ) -> None:
        self._each = each
        # Row = face. Summing over the faces of a point meets the point once and each neighbour
        # twice, so the faces do as they are and no table of neighbours has to be built.
        ones = np.ones(triangles.size, np.float32)
        starts = np.arange(0, triangles.size + 1, 3, dtype=np.int32)
        self._faces = csr_array((ones, triangles.reshape(-1), starts), shape=(len(triangles), count))
        self._points = self._faces.T
        degree = np.bincount(triangles.reshape(-1), minlength=count).astype(np.float32)
        self._share = np.where(degree > 0, 0.25 / np.maximum(degree, 1), 0).astype(np.float32)
        self._own = np.where(degree > 0, 0.25, 1).astype(np.float32)

    def __call__(self, coordinates: NDArray[np.float32]) -> NDArray[np.float32]:
        # mean = (sum over faces - degree x) / (2 degree), so (x + mean) / 2 = x / 4 + sum / (4 degree).
        result = np.empty_like(coordinates)

        def one_axis(axis: int) -> None:
            np.multiply(self._points @ (self._faces @ coordinates[axis]), self._share, out=result[axis])
            result[axis] += self._own * coordinates[axis]

        list(self._each(one_axis, range(3)))  # in a pool, the sparse products run side by side
        return result


@cache
def _window(degree: int, pass_band: float) -> tuple[np.float32, ...]:
    """Chebyshev coefficients of the low-pass filter with a Hamming window.

    Their sum is 1, which is what frequency 0 passes: VTK's own sum to about 1.002, so that the
    whole scene grows by that. The window blurs the edge of the pass band, so the edge is moved
    outwards until the wanted frequency passes unchanged.
    """
    edge = np.arccos(1 - pass_band / 2)
    order = np.arange(1, degree + 1)
    hamming = 0.54 + 0.46 * np.cos(order * np.pi / (degree + 1))
    moved = np.linspace(edge, np.pi, 2000)[:, None]
    weights = np.hstack([moved / np.pi, 2 * hamming * np.sin(order * moved) / (order * np.pi)])
    weights /= weights.sum(axis=1, keepdims=True)
    passed = weights[:, 0] + weights[:, 1:] @ np.cos(order * edge)
    best = np.flatnonzero(passed >= 0.999)
    return tuple(np.float32(w) for w in weights[best[0] if len(best) else np.argmax(passed)])
