"""A brush that changes only pixels of certain grey values."""

from __future__ import annotations

import queue
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.app.context import Context
from sxtstudio.app.jobs.job import Job
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box
from sxtstudio.core.volume import Volume

_KEPT_SLICES = 8  # some 55 MB of a large tomogram

Piece = tuple[Box, NDArray[np.bool_]]


class GreyLimit:
    """Grey values ``low`` to ``high`` of a tomogram, for one stroke: a slice is read once."""

    def __init__(self, tomogram: Volume, low: float, high: float) -> None:
        """Read nothing yet."""
        self._tomogram, self._low, self._high = tomogram, min(low, high), max(low, high)
        self._slices: OrderedDict[int, NDArray[Any]] = OrderedDict()

    def at_hand(self, box: Box) -> bool:
        """Whether the grey values of ``box`` have been read, so that nobody needs to wait for the disk."""
        return all(z in self._slices for z in range(box.start[0], box.stop[0]))

    def within(self, box: Box, where: NDArray[np.bool_]) -> Piece | None:
        """Return of the voxels ``where`` of ``box`` those in the range, or None if there are none.

        What was not measured (NaN) is in no range.
        """
        grey = self._read(box)
        found: NDArray[np.bool_] = where & (grey >= self._low) & (grey <= self._high)
        return (box, found) if found.any() else None

    def _read(self, box: Box) -> NDArray[Any]:
        depth = box.stop[0] - box.start[0]
        if depth > _KEPT_SLICES:  # a side view: a few voxels of many slices
            return self._tomogram.read(box)
        rows, columns = box.slices[1:]
        return np.stack([self._slice(z)[rows, columns] for z in range(box.start[0], box.stop[0])])

    def _slice(self, z: int) -> NDArray[Any]:
        if z not in self._slices:
            self._slices[z] = self._tomogram.read(Box.slab(z, z + 1, self._tomogram.shape))[0]
            if len(self._slices) > _KEPT_SLICES:
                self._slices.popitem(last=False)
        return self._slices[z]


class LimitedPieces:
    """The pieces of one stroke, in their order, each without what is not in a range of grey values.

    What has to be read is read in a thread, so that a slow disk never stops the window; the pieces after one
    that is being read wait for it.
    """

    def __init__(
        self,
        context: Context,
        greys: GreyLimit,
        on_piece: Callable[[Piece], None],
        on_error: Callable[[Exception], None],
        on_drained: Callable[[], None],
    ) -> None:
        """``on_piece`` paints, ``on_error`` takes the stroke back; ``on_drained``: no piece waits now."""
        self._context, self._greys = context, greys
        self._on_piece, self._on_error, self._on_drained = on_piece, on_error, on_drained
        self._to_read: queue.SimpleQueue[Piece] = queue.SimpleQueue()
        self._waiting = 0
        self._stopped = False
        self._job: Job | None = None

    @property
    def waiting(self) -> bool:
        """Whether pieces are still to come."""
        return self._waiting > 0

    def add(self, piece: Piece) -> None:
        """Paint what of a piece is in the range, at once or when it has been read."""
        if not self._waiting and self._greys.at_hand(piece[0]):
            found = self._greys.within(*piece)
            if found is not None:
                self._on_piece(found)
            return
        self._waiting += 1
        self._to_read.put(piece)
        if self._job is None:
            self._start()

    def stop(self) -> None:
        """Read no more; what still comes is not painted, and no error of it is shown."""
        self._waiting, self._stopped = 0, True
        if self._job is not None:
            self._job.cancel()

    def _start(self) -> None:
        self._job = self._context.jobs.start(
            "Reading grey values",
            self._read,
            on_report=self._on_read,
            on_done=self._on_read_all,
            on_error=self._fail,
            on_cancel=lambda: self._fail(UserError("The stroke was stopped, and taken back.")),
            quiet=True,
        )

    def _read(self, job: Job) -> None:
        with suppress(queue.Empty):
            while True:
                job.progress.check()
                job.report(self._greys.within(*self._to_read.get_nowait()))

    def _fail(self, error: Exception) -> None:
        if not self._stopped:
            self._on_error(error)

    def _on_read_all(self, _: object) -> None:
        self._job = None
        if self._waiting:  # pieces that came when the thread was about to end
            self._start()

    def _on_read(self, found: Piece | None) -> None:
        if not self._waiting:
            return
        if found is not None:
            self._on_piece(found)
        self._waiting -= 1
        if not self._waiting:
            self._on_drained()
