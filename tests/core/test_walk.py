"""The one walk through a volume."""

from __future__ import annotations

import mmap
from pathlib import Path

import numpy as np
import pytest

from sxtstudio.core import mapped_memory
from sxtstudio.core.errors import Cancelled
from sxtstudio.core.progress import Progress, ProgressState
from sxtstudio.core.walk import slab_slices, walk


@pytest.mark.parametrize("given", [{"voxels": 60}, {"slices": 3}, {"slices": 100}, {"voxels": 1}])
def test_boxes_cover_each_voxel_once_and_in_order(given: dict[str, int]) -> None:
    visits, firsts = np.zeros((10, 4, 5), int), []
    for box in walk((10, 4, 5), **given):
        visits[box.slices] += 1
        firsts.append(box.start[0])
    assert (visits == 1).all() and firsts == sorted(firsts)


@pytest.mark.parametrize(
    ("voxels", "multiple", "slices"), [(200, 1, 10), (219, 1, 10), (19, 1, 1), (200, 4, 8), (20, 16, 16)]
)
def test_slabs_hold_about_the_voxels_in_whole_chunks(voxels: int, multiple: int, slices: int) -> None:
    assert slab_slices((99, 4, 5), voxels, multiple=multiple) == slices


def test_progress_counts_slices_once_each_box_is_done() -> None:
    states: list[ProgressState] = []
    progress = Progress(listener=states.append)
    for box in walk((10, 2, 2), progress=progress, stage="counting", slices=4):
        assert len(states) == box.start[0] // 4
    assert [round(state.fraction, 6) for state in states] == [0.4, 0.8, 1.0]
    assert {state.stage for state in states} == {"counting"}


def test_several_walks_fill_one_bar() -> None:
    states: list[ProgressState] = []
    progress = Progress(listener=states.append)
    progress.begin(20, "twice")
    for _ in range(2):
        list(walk((10, 2, 2), progress=progress, begin=False, slices=5))
    assert [state.fraction for state in states] == [0.25, 0.5, 0.75, 1.0]


def test_a_cancel_takes_effect_between_two_boxes() -> None:
    progress, done = Progress(), []
    with pytest.raises(Cancelled):
        for box in walk((10, 2, 2), progress=progress, slices=2):
            done.append(box.start[0])
            if len(done) == 2:
                progress.cancel()
    assert done == [0, 2]


@pytest.mark.skipif(not hasattr(mmap, "MADV_DONTNEED"), reason="this system cannot release pages")
def test_pages_are_released_by_what_all_maps_together_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    released: list[int] = []
    monkeypatch.setattr(mapped_memory, "release_pages", lambda array: released.append(array.itemsize))
    monkeypatch.setattr(mapped_memory, "RELEASE_EVERY_BYTES", 2 * 3 * 100)
    shape = (8, 10, 10)
    first = np.memmap(tmp_path / "a", np.uint8, "w+", shape=shape)
    second = np.memmap(tmp_path / "b", np.uint16, "w+", shape=shape)
    list(walk(shape, first, second, slices=1))
    assert released == [1, 2] * 4  # 300 bytes a slice, both after every second one
