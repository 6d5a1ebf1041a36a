"""How long the stages of a job take, a voxel or whatever they count: as measured here, else as usual."""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping
from enum import Enum
from typing import Any


class Work(Enum):
    """What a stage does, as far as its time goes; the value stands in files."""

    POLARITY = "polarity"
    SEGMENT = "segment"
    COPY = "copy"
    SMOOTH = "smooth"
    CLOSE = "close"
    FILL = "fill"
    DILATE = "dilate"
    MASK = "mask"
    ERODE = "erode"
    SMALL_OBJECTS = "small-objects"
    COUNT_OBJECTS = "count-objects"
    CROP = "crop"
    CELL_MASK = "cell-mask"
    CELL_HINTS = "cell-hints"
    CLEAN_UP = "clean-up"
    NUMBER = "number"
    REGIONS = "regions"
    DROPLETS = "droplets"
    JOIN = "join"
    WALLS = "walls"
    ENDS = "ends"
    REWRITE = "rewrite"
    MEASURE = "measure"
    TABLE = "table"
    EXPORT = "export"
    SURFACE = "surface"
    CONTOUR = "contour"
    SIMPLIFY = "simplify"
    SMOOTH_MESH = "smooth-mesh"
    MESH_FILE = "mesh-file"
    PICTURE = "picture"
    FILE = "file"
    PROJECT = "project"
    COMPARE = "compare"
    SAVE = "save"
    SAVE_OUTPUT = "save-output"
    LOAD = "load"
    PHANTOM = "phantom"
    TILT_SERIES = "tilt-series"
    RECONSTRUCT = "reconstruct"
    JUDGE = "judge"


#: Seconds a unit, a voxel where nothing else is said, on two cores of 2 GHz with 5 % of the voxels labelled.
#: How long the network takes depends on model and device, and a file on its size: both are known.
_USUAL: Mapping[Work, float] = {
    Work.POLARITY: 1.6e-6,  # a pixel of a slice
    Work.COPY: 1e-9,
    Work.REGIONS: 600e-9,
    Work.DROPLETS: 350e-9,
    Work.JOIN: 200e-9,
    Work.WALLS: 250e-9,
    Work.ENDS: 15e-9,
    Work.SMOOTH: 3e-9,
    Work.CLOSE: 1.5e-9,  # a pass
    Work.FILL: 6e-9,
    Work.DILATE: 1.5e-9,  # a pass
    Work.MASK: 1e-9,
    Work.ERODE: 1.5e-9,  # a pass
    Work.SMALL_OBJECTS: 13e-9,
    Work.COUNT_OBJECTS: 8e-9,
    Work.CROP: 0.3e-9,
    Work.CELL_MASK: 40e-9,
    Work.CELL_HINTS: 2e-6,  # a pixel of a slice
    Work.NUMBER: 5e-9,
    Work.REWRITE: 4e-9,
    Work.MEASURE: 150e-9,
    Work.TABLE: 2e-9,
    Work.EXPORT: 15e-9,
    Work.CONTOUR: 40e-9,
    Work.SIMPLIFY: 300e-9,  # a face
    Work.SMOOTH_MESH: 18e-9,  # a face, in one of the iterations
    Work.MESH_FILE: 10e-9,
    Work.PICTURE: 3.0,  # a picture
    Work.COMPARE: 1e-9,
    Work.SAVE: 20e-9,
    Work.SAVE_OUTPUT: 15e-9,
    Work.LOAD: 5e-9,
    Work.PHANTOM: 2.5e-6,
    Work.TILT_SERIES: 5e-9,  # in one of the projections
    Work.RECONSTRUCT: 0.8e-9,  # in one of the projections, each time that one is looked at
    Work.JUDGE: 1e-6,
}
# What was over sooner says nothing of what is longer.
_LEAST_S = 0.2
# A file of settings can hold anything.
_SENSIBLE = (1e-13, 1e5)


class Pace:
    """Seconds a unit for each kind of work; jobs of one window share it, from several threads."""

    def __init__(self, measured: Mapping[Work, float] | None = None) -> None:
        """Begin with what was measured before."""
        self._measured = dict(measured or {})
        self._lock = threading.Lock()

    def expected_s(self, work: Work, units: float) -> float | None:
        """Return the seconds that so many units will take, None where that cannot be known."""
        with self._lock:
            rate = self._measured.get(work, _USUAL.get(work))
        return None if rate is None else rate * units

    def learn(self, work: Work, units: float, seconds: float) -> None:
        """Take note of what was measured; the latest counts as much as all before it."""
        if work not in _USUAL or units <= 0 or seconds < _LEAST_S:
            return
        with self._lock:
            former = self._measured.get(work)
            rate = seconds / units
            self._measured[work] = rate if former is None else math.sqrt(former * rate)

    def to_json(self) -> dict[str, float]:
        """Return what was measured as JSON values."""
        with self._lock:
            return {work.value: rate for work, rate in self._measured.items()}

    @classmethod
    def from_json(cls, content: Any) -> Pace:
        """Return what ``to_json`` gave; what makes no sense is left out."""
        known = {work.value: work for work in Work}
        found: dict[Work, float] = {}
        for name, rate in content.items() if isinstance(content, dict) else ():
            number = isinstance(rate, int | float) and not isinstance(rate, bool)
            if name in known and number and _SENSIBLE[0] < rate < _SENSIBLE[1]:
                found[known[name]] = float(rate)
        return cls(found)
