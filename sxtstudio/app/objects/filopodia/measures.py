"""What is measured of the filopodia on the list, each as soon as it is taken; no table must be made first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from sxtstudio.app.context import Context
from sxtstudio.app.jobs.job import Job
from sxtstudio.app.jobs.latest import Latest
from sxtstudio.core.geometry import Box
from sxtstudio.core.measure.columns import Measurements
from sxtstudio.core.object_classes import FILOPODIUM
from sxtstudio.core.volume import VoxelSize

#: What is less elongated may be no filopodium.
_ELONGATED = 1.5
#: A larger box is no filopodium; the table of all objects measures it.
_MOST_VOXELS = 40_000_000


@dataclass(frozen=True)
class Size:
    """Length and mean width as the list has them, nm, or px without a voxel size.

    ``as_wide`` is said of what is about as wide as long: by the longest and the middle one of its axes.
    """

    length: float
    width: float
    as_wide: bool


def size_of(where: NDArray[np.bool_], voxel_nm: VoxelSize | None) -> Size | None:
    """Measure voxels (z, y, x) by what measures the objects on the list; None where there are none."""
    from sxtstudio.core.measure.single import measure_one

    padded = np.pad(where, 1).astype(np.uint32)
    shape = (padded.shape[0], padded.shape[1], padded.shape[2])
    found = measure_one(padded, 1, Box.whole(shape), voxel_nm)
    if not len(found.numbers):
        return None
    axes = sorted(float(found.values[f"axis_{number}"][0]) for number in (1, 2, 3))
    length, width = (float(found.values[key][0]) for key in ("skeleton_length", "width_mean"))
    return Size(length, width, axes[2] < _ELONGATED * axes[1])


class FilopodiumMeasures(QObject):
    """Keeps what was measured until the object or the voxel size changes.

    Signals
    -------
    changed()
        More is known, or less.
    """

    changed = Signal()

    def __init__(self, context: Context, parent: QObject | None = None) -> None:
        """Measure nothing yet."""
        super().__init__(parent or context.session)
        self._session = context.session
        self._known: dict[int, Measurements] = {}
        self._latest = Latest(context, "Measuring filopodia", self._on_measured, delay_ms=30, parent=self)
        self._voxel_nm = self._voxel_size()
        self._session.document_changed.connect(self._forget)
        self._session.facts_changed.connect(self._on_session_facts_changed)
        self._session.objects_changed.connect(self._on_session_objects_changed)

    @property
    def value(self) -> Measurements | None:
        """What is known of the filopodia that there are."""
        numbers = set(self._numbers())
        from sxtstudio.core.measure.single import joined

        return joined([found for number, found in self._known.items() if number in numbers])

    def want(self) -> None:
        """Measure what is missing, in a quiet job."""
        document = self._session.document
        objects = None if document is None else document.objects
        if document is None or objects is None:
            return
        wanted: dict[int, Box] = {}
        for number in self._numbers():
            box = None if number in self._known else document.box_of(number)
            if box is not None and box.shape[0] * box.shape[1] * box.shape[2] <= _MOST_VOXELS:
                wanted[number] = box
        if not wanted:
            return
        voxel_nm = document.voxel_nm

        def work(job: Job) -> dict[int, Measurements]:
            from sxtstudio.core.measure.single import measure_one

            found = {}
            for number, box in wanted.items():
                job.progress.check()
                measured = measure_one(objects, number, box, voxel_nm)
                if len(measured.numbers):
                    found[number] = measured
            return found

        self._latest.request(work)

    def shut_down(self) -> None:
        """Measure no more."""
        self._latest.shut_down()

    def _numbers(self) -> Iterable[int]:
        document = self._session.document
        rows = {} if document is None else document.object_table.rows
        return [number for number, row in rows.items() if row.class_name == FILOPODIUM.name]

    def _voxel_size(self) -> object:
        return None if self._session.document is None else self._session.document.voxel_nm

    def _on_measured(self, found: dict[int, Measurements]) -> None:
        self._known.update(found)
        self.changed.emit()

    def _forget(self) -> None:
        self._latest.cancel()
        self._known.clear()
        self._voxel_nm = self._voxel_size()
        self.changed.emit()

    def _on_session_facts_changed(self) -> None:
        if self._voxel_size() != self._voxel_nm:
            self._forget()

    def _on_session_objects_changed(self, box: Box) -> None:
        """Drop what was measured of objects that reach into a box that was changed."""
        document = self._session.document
        gone = []
        for number in self._known:
            own = None if document is None else document.box_of(number)
            if own is None or _meet(own, box):
                gone.append(number)
        for number in gone:
            del self._known[number]
        if gone or self._latest.busy:
            self._latest.cancel()
            self.changed.emit()


def _meet(one: Box, other: Box) -> bool:
    sides = zip(one.start, one.stop, other.start, other.stop, strict=True)
    return all(a < d and c < b for a, b, c, d in sides)
