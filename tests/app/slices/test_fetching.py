"""Side views of large files: coarse at first, and never for longer than the disk is slow."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sxtstudio.app.slices import fetching
from sxtstudio.app.slices.fetching import SliceData, SliceRequest, SliceSource
from sxtstudio.core.geometry import Box
from sxtstudio.core.overview import build_overview
from sxtstudio.core.planes import PLANES, Plane
from sxtstudio.core.volume import ArrayVolume

DATA = np.random.default_rng(2).normal(size=(40, 12, 10)).astype(np.float32)


class Clock:
    """Time that only reading and sleeping take."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now

    perf_counter = monotonic

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class Slow(ArrayVolume):
    """A file that other readers keep busy until ``free``: each read then takes a second."""

    def __init__(self, clock: Clock, free: float) -> None:
        super().__init__(DATA)
        self.clock, self.free, self.reads = clock, free, 0

    def read(self, box: Box) -> Any:
        self.reads += 1
        self.clock.now += 1.0 if self.clock.now < self.free else 0.001
        return super().read(box)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(fetching, "time", clock)
    return clock


def wanted(volume: Slow, plane: Plane) -> SliceRequest:
    overview = build_overview(ArrayVolume(DATA), whole_bytes=0, binned_bytes=2000)
    assert not overview.exact
    return SliceRequest(SliceSource(volume, overview), plane, 4, 1, None, None, None, None, 0)


@pytest.mark.parametrize("plane", PLANES[1:])
def test_a_side_view_that_was_slow_once_is_refined_when_the_disk_is_free(clock: Clock, plane: Plane) -> None:
    request = wanted(Slow(clock, free=clock.now + 5), plane)
    shown: list[SliceData] = []
    request.fetch(lambda: clock.now > 1000, shown.append)
    assert shown[0].note == "refining …" and "overview" in [data.note for data in shown]
    fine = DATA[:, 4] if plane == "xz" else DATA[:, :, 4].T
    assert shown[-1].note == "" and shown[-1].bins == (1, 1) and np.array_equal(shown[-1].image, fine)
    assert clock.now < 120
    # The next slices of this plane are not held to have been slow.
    other = SliceRequest(request.source, plane, 7, 1, None, None, None, None, 0)
    shown.clear()
    other.fetch(lambda: False, shown.append)
    assert [data.note for data in shown] == ["refining …", ""]


def test_a_file_that_stays_slow_is_tried_ever_more_rarely(clock: Clock) -> None:
    volume = Slow(clock, free=np.inf)
    shown: list[SliceData] = []
    begin = clock.now
    wanted(volume, "yz").fetch(lambda: clock.now > begin + 600, shown.append)
    assert shown[-1].note == "overview" and shown[-1].bins != (1, 1)
    assert 5 < volume.reads < 30  # seconds of reading in ten minutes


def test_a_slice_that_nobody_waits_for_is_not_read(clock: Clock) -> None:
    volume = Slow(clock, free=np.inf)
    wanted(volume, "yz").fetch(lambda: True, lambda data: None)
    assert volume.reads == 0
