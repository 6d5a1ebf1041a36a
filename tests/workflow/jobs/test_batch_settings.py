"""What is refused leaves nothing, and asks for no room that is taken already."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from sxtstudio.core.errors import UserError
from sxtstudio.core.uses import Use
from sxtstudio.segment import SegmentParameters
from sxtstudio.workflow.jobs.segmenting import SegmentJob, partial_folder, segment_file
from sxtstudio.workflow.ranges.planning import plan_segmentation
from sxtstudio.workflow.ranges.state import ranges_folder

VOXELS = 6 * 64 * 80


@pytest.mark.parametrize(("short", "fits"), [(0, True), (1, False)])
def test_room_that_an_interrupted_run_has_taken_is_not_asked_for_again(
    short: int, fits: bool, tomogram: Path, toy_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = SegmentJob(tomogram, tmp_path / "out.tif", SegmentParameters(toy_model, "cpu", polarity="dark"))
    folder = partial_folder(job.output)
    folder.mkdir()
    (folder / "left").write_bytes(bytes(range(256)) * (VOXELS // 256))
    free = SimpleNamespace(free=VOXELS - short)
    monkeypatch.setattr("sxtstudio.workflow.jobs.outputs.shutil.disk_usage", lambda path: free)
    monkeypatch.setattr("sxtstudio.workflow.jobs.segmenting._segment", lambda *args: 1 / 0)
    with pytest.raises(ZeroDivisionError if fits else UserError):
        segment_file(job)


@pytest.mark.parametrize("asked", [{"use": Use.EVERYTHING}, {"device": "cuda:999"}], ids=["use", "device"])
def test_a_plan_that_is_refused_leaves_nothing(
    asked: dict, tomogram: Path, toy_model: Path, tmp_path: Path
) -> None:
    parameters = SegmentParameters(toy_model, polarity="dark", **asked)
    job = SegmentJob(tomogram, tmp_path / "out.tif", parameters)
    with pytest.raises(UserError):
        plan_segmentation(job)
    assert not ranges_folder(job.output).exists()
