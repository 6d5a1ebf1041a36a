"""Segmenting in ranges equals segmenting at once, whatever is done in which order, twice, or killed."""

from __future__ import annotations

import errno
import gc
import json
import multiprocessing
import os
import shutil
import signal
import tracemalloc
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import mrcfile
import numpy as np
import pytest
import zarr

from sxtstudio.core import lock, walk
from sxtstudio.core.checked_volume import InputChangedError
from sxtstudio.core.cleanup import CleanParameters
from sxtstudio.core.errors import Cancelled, UserError
from sxtstudio.core.geometry import Box
from sxtstudio.io import fingerprint, open_volume, writing
from sxtstudio.segment import context
from sxtstudio.workflow.jobs.cleaning import CleanUp
from sxtstudio.workflow.jobs.segmenting import SegmentJob, SegmentResult, segment_file
from sxtstudio.workflow.ranges import folder as folder_module
from sxtstudio.workflow.ranges import plan as plan_module
from sxtstudio.workflow.ranges import segmenting
from sxtstudio.workflow.ranges.attempts import Worker, begin_attempt, worker_of
from sxtstudio.workflow.ranges.finishing import finish_segmentation
from sxtstudio.workflow.ranges.plan import DoesNotFit
from sxtstudio.workflow.ranges.planning import plan_segmentation
from sxtstudio.workflow.ranges.running import RangesMissing
from sxtstudio.workflow.ranges.segmenting import RangeResult, SegmentRange, segment_range
from sxtstudio.workflow.ranges.state import read_state
from tests.workflow.ranges.conftest import MakeJob, small_chunks

# What may differ: times, and what was done where.
_OF_A_RUN = ("finished", "seconds", "ranges", "outputs")


def in_ranges(job: SegmentJob, per_range: int = 4) -> SegmentResult:
    """Segment in ranges, the last one first."""
    state = plan_segmentation(job, per_range)
    for number in reversed(state.unfinished):
        segment_range(SegmentRange(state.folder, number))
    return finish_segmentation(state.folder)


def content(path: Path) -> dict[str, bytes]:
    """Return the bytes of a file, or of all files of a folder."""
    if path.is_dir():
        return {str(file.relative_to(path)): file.read_bytes() for file in path.rglob("*") if file.is_file()}
    return {"": path.read_bytes()}


def report_of(job: SegmentJob) -> dict[str, Any]:
    assert job.report is not None
    return dict(json.loads(job.report.read_text(encoding="utf-8")))


def assert_equal(job: SegmentJob, once: SegmentJob) -> None:
    """Both jobs have written the same, but for names and times."""
    mine, other = (
        {
            name.replace(one.output.name.partition(".")[0], "LABELS"): data
            for name, data in content(one.output).items()
        }
        for one in (job, once)
    )
    for key in (".zattrs",):  # holds the name
        assert (key in mine) == (key in other)
        mine.pop(key, None)
        other.pop(key, None)
    assert mine == other
    if job.probability is not None and once.probability is not None:
        assert_same_voxels(job.probability, once.probability)
    first, second = report_of(job), report_of(once)
    assert first.keys() - {"ranges"} == second.keys()
    for key in second.keys() - set(_OF_A_RUN):
        if key == "clean_up" and first[key] is not None:
            for one in (first, second):
                for step in one[key]["steps"]:
                    del step["seconds"]
        assert first[key] == second[key], key


def assert_same_voxels(one: Path, other: Path) -> None:
    with open_volume(one) as first, open_volume(other) as second:
        assert first.place == second.place and first.voxel_nm == second.voxel_nm
        whole = Box.whole(first.shape)
        assert first.read(whole).tobytes() == second.read(whole).tobytes()


@pytest.mark.parametrize(
    ("depth", "per_range", "options"),
    [
        (10, 4, {}),
        (11, 4, {"slices": (1, 10), "trust": "every"}),
        (9, 5, {"neighbours": 0}),
        (3, 16, {"trust": "none", "probability": False}),
        (13, 4, {"slices": (1, 12), "trust": "every", "sees": 7}),
        (9, 4, {"neighbours": 0, "sees": 3}),
        (9, 4, {"noisy": True}),
    ],
    ids=[
        "three ranges",
        "odd slices",
        "one slice at the end",
        "less than a layer",
        "seven seen",
        "three seen",
        "noisy",
    ],
)
def test_ranges_equal_the_whole(
    make_job: MakeJob, depth: int, per_range: int, options: dict[str, Any]
) -> None:
    once, job = make_job(depth, "once.tif", **options), make_job(depth, "ranges.tif", **options)
    whole, parts = segment_file(once), in_ranges(job, per_range)
    assert_equal(job, once)
    assert parts.segmentation.trust == whole.segmentation.trust
    assert parts.segmentation.sources == whole.segmentation.sources
    assert parts.labels.labelled == whole.labels.labelled and whole.segmentation.voxels > 0
    assert parts.notes_counted_from(0) == whole.notes_counted_from(0)
    assert not job.output.with_name("ranges.tif.ranges").exists()


def test_the_labels_are_one_zarr_that_all_ranges_write(make_job: MakeJob) -> None:
    once, job = make_job(10, "once.zarr", probability=False), make_job(10, "ranges.zarr", probability=False)
    segment_file(once)
    state = plan_segmentation(job, 4)
    segment_range(SegmentRange(state.folder, 1))
    shared, whole = (
        np.asarray(zarr.open_array(path / "0", mode="r"))
        for path in (state.folder / "labels.zarr", once.output)
    )
    assert whole[4:8].any() and np.array_equal(shared[4:8], whole[4:8])
    assert not shared[:4].any() and not shared[8:].any()
    for number in (0, 2):
        segment_range(SegmentRange(state.folder, number))
    stored = content(state.folder / "labels.zarr")
    assert stored.pop(".zattrs")
    assert stored == {name: data for name, data in content(once.output).items() if name != ".zattrs"}
    finish_segmentation(state.folder)
    assert_equal(job, once)


def test_polarity_is_judged_once_and_cleaning_is_of_the_whole(make_job: MakeJob) -> None:
    clean_up = CleanUp(CleanParameters(smooth_z=1, erode=1, min_size_voxels=30))
    once, job = (
        replace(make_job(10, name, polarity="auto"), clean_up=clean_up) for name in ("o.mrc", "r.mrc")
    )
    segment_file(once)
    in_ranges(job)
    assert_equal(job, once)


def test_bright_membranes_are_turned_in_every_range(make_job: MakeJob, tmp_path: Path) -> None:
    once, job = (make_job(10, name, polarity="bright") for name in ("once.tif", "ranges.tif"))
    segment_file(once)
    in_ranges(job)
    assert_equal(job, once)


def test_a_range_that_is_done_is_done_at_once(make_job: MakeJob) -> None:
    state = plan_segmentation(make_job(), 4)
    first = segment_range(SegmentRange(state.folder, 2))
    again = segment_range(SegmentRange(state.folder, 2))
    assert (first.computed, again.computed) == (2, 0)
    assert (again.first, again.last, again.voxels) == (8, 10, first.voxels)
    assert read_state(state.folder).unfinished == (0, 1)


def test_planning_again_goes_on(make_job: MakeJob) -> None:
    job = make_job()
    state = plan_segmentation(job, 4)
    segment_range(SegmentRange(state.folder, 0))
    assert plan_segmentation(job, 4).unfinished == (1, 2)
    with pytest.raises(UserError, match=r"threshold was None and is now 0\.5"):
        plan_segmentation(make_job(threshold=0.5), 4)
    assert plan_segmentation(replace(job, resume=False), 8).unfinished == (0, 1)


def killed_at_slice(folder: Path, number: int, slices: int) -> None:
    """Run in a process of its own: it is killed once so many slices are finished."""
    small_chunks(pytest.MonkeyPatch())

    def die(z: int, labels: object, finished: int, total: int) -> None:
        if finished == slices:
            os.kill(os.getpid(), signal.SIGKILL)

    segment_range(SegmentRange(folder, number), on_slice=die)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows has no such signal")
def test_a_killed_process_costs_the_slices_in_hand(make_job: MakeJob) -> None:
    once, job = make_job(10, "once.tif"), make_job(10, "ranges.tif")
    segment_file(once)
    state = plan_segmentation(job, 4)
    process = multiprocessing.get_context("spawn").Process(target=killed_at_slice, args=(state.folder, 1, 2))
    process.start()
    process.join(120)
    assert process.exitcode == -signal.SIGKILL
    waiting = read_state(state.folder).ranges[1]
    assert not waiting.finished and 2 <= waiting.slices_finished
    assert segment_range(SegmentRange(state.folder, 1)).computed == 4 - waiting.slices_finished
    for number in (0, 2):
        segment_range(SegmentRange(state.folder, number))
    finish_segmentation(state.folder)
    # It says itself that slices were kept; all else is the same.
    kept = f"{waiting.slices_finished} slices were finished by an earlier run and kept."
    assert kept in report_of(job)["notes"]
    assert content(job.output) == content(once.output)
    assert report_of(job)["trust"] == report_of(once)["trust"]


@pytest.fixture
def stopped_at(cancel_before: Callable[[int], None]) -> Callable[[Path, int, int], None]:
    """The function that cancels a range before the network sees this slice of the tomogram."""

    def stop(state_folder: Path, number: int, z: int) -> None:
        cancel_before(z)
        with pytest.raises(Cancelled):
            segment_range(SegmentRange(state_folder, number))

    return stop


def attempts(folder: Path) -> list[Path]:
    return [entry for entry in folder.iterdir() if entry.name.endswith(".part")]


def test_of_an_attempt_on_another_computer_only_copies_are_taken(
    make_job: MakeJob, stopped_at: Callable[[Path, int, int], None]
) -> None:
    """Nobody knows whether its process lives: what it has open must stay its own."""
    state = plan_segmentation(make_job(), 4)
    stopped_at(state.folder, 0, 4)
    (there,) = attempts(state.folder)
    (there / "over").unlink()
    owner = json.loads((there / "owner.json").read_text(encoding="utf-8"))
    (there / "owner.json").write_text(json.dumps(owner | {"computer": "elsewhere"}), encoding="utf-8")
    finished = read_state(state.folder).ranges[0].slices_finished
    before = content(there)

    def look(z: int, labels: object, done: int, total: int) -> None:
        assert content(there) == before

    result = segment_range(SegmentRange(state.folder, 0), on_slice=look)
    assert result.computed == 4 - finished < 4
    assert attempts(state.folder) == []


def test_a_blank_slice_that_was_kept_is_still_said_to_be_blank(
    make_job: MakeJob, stopped_at: Callable[[Path, int, int], None]
) -> None:
    once, job = make_job(12, "once.tif"), make_job(12, "ranges.tif")
    segment_file(once)
    state = plan_segmentation(job, 4)
    stopped_at(state.folder, 2, 10)
    assert read_state(state.folder).ranges[2].slices_finished == 1
    for number in state.unfinished:
        segment_range(SegmentRange(state.folder, number))
    finish_segmentation(state.folder)
    blank = [note for note in report_of(once)["notes"] if "constant" in note]
    assert len(blank) == 1 and blank[0] in report_of(job)["notes"]


@pytest.mark.parametrize("locks", [True, False], ids=["locks", "a share without locks"])
def test_two_processes_on_one_range_do_not_mix(
    make_job: MakeJob, monkeypatch: pytest.MonkeyPatch, locks: bool
) -> None:
    if not locks:
        monkeypatch.setattr(lock, "_lock", lambda file: None)
    once, job = make_job(10, "once.tif"), make_job(10, "ranges.tif")
    segment_file(once)
    state = plan_segmentation(job, 4)
    others: list[RangeResult] = []

    def another(z: int, labels: object, finished: int, total: int) -> None:
        if finished == 2 and not others:
            others.append(segment_range(SegmentRange(state.folder, 0)))

    mine = segment_range(SegmentRange(state.folder, 0), on_slice=another)
    assert others[0].voxels == mine.voxels and read_state(state.folder).unfinished == (1, 2)
    assert attempts(state.folder) == []
    for number in (1, 2):
        segment_range(SegmentRange(state.folder, number))
    finish_segmentation(state.folder)
    assert_equal_but_for_kept(job, once)


def assert_equal_but_for_kept(job: SegmentJob, once: SegmentJob) -> None:
    assert content(job.output) == content(once.output)
    assert job.probability is not None and once.probability is not None
    assert_same_voxels(job.probability, once.probability)
    assert report_of(job)["trust"] == report_of(once)["trust"]


def test_whoever_lives_keeps_an_attempt_though_the_clock_was_set(
    tmp_path: Path, set_clock: Callable[[], None]
) -> None:
    attempt = begin_attempt(tmp_path / "range-0000")
    set_clock()
    assert worker_of(attempt) is Worker.HERE


def test_killed_between_its_name_and_its_place(make_job: MakeJob, monkeypatch: pytest.MonkeyPatch) -> None:
    once, job = make_job(10, "once.tif"), make_job(10, "ranges.tif")
    segment_file(once)
    state = plan_segmentation(job, 4)
    with monkeypatch.context() as patch:
        patch.setattr(folder_module, "move_layers", interrupted)
        with pytest.raises(KeyboardInterrupt):
            segment_range(SegmentRange(state.folder, 1))
    for number in (0, 2):
        segment_range(SegmentRange(state.folder, number))
    assert read_state(state.folder).unfinished == ()
    finish_segmentation(state.folder)
    assert_equal(job, once)


def interrupted(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_full_disk_loses_nothing(make_job: MakeJob, monkeypatch: pytest.MonkeyPatch) -> None:
    state = plan_segmentation(make_job(), 4)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(segmenting, "write_layers", full)
        with pytest.raises(UserError, match="No space left"):
            segment_range(SegmentRange(state.folder, 0))
    assert read_state(state.folder).ranges[0].slices_finished == 4
    assert segment_range(SegmentRange(state.folder, 0)).computed == 0


def test_a_damaged_chunk_is_found_and_its_range_done_again(make_job: MakeJob) -> None:
    once, job = make_job(10, "once.tif"), make_job(10, "ranges.tif")
    segment_file(once)
    state = plan_segmentation(job, 4)
    for number in state.unfinished:
        segment_range(SegmentRange(state.folder, number))
    (state.folder / "labels.zarr" / "0" / "1" / "0" / "0").write_bytes(zlib.compress(bytes(4 * 32 * 32)))
    (state.folder / "probability.zarr" / "0" / "2" / "0" / "0").write_bytes(b"no chunk")
    with pytest.raises(RangesMissing, match="damaged") as found:
        finish_segmentation(state.folder)
    assert found.value.numbers == (1, 2) == read_state(state.folder).unfinished
    assert not job.output.exists()
    for number in found.value.numbers:
        segment_range(SegmentRange(state.folder, number))
    finish_segmentation(state.folder)
    assert_equal(job, once)


def test_finishing_asks_for_all_ranges(make_job: MakeJob) -> None:
    state = plan_segmentation(make_job(), 4)
    segment_range(SegmentRange(state.folder, 1))
    with pytest.raises(RangesMissing, match="0, 2") as found:
        finish_segmentation(state.folder)
    assert found.value.numbers == (0, 2)


def test_a_tomogram_that_changed_between_ranges_is_refused(make_job: MakeJob) -> None:
    job = make_job()
    state = plan_segmentation(job, 4)
    segment_range(SegmentRange(state.folder, 0))
    original = job.tomogram.read_bytes()
    changed = bytearray(original)
    changed[-1] ^= 1
    job.tomogram.write_bytes(changed)
    with pytest.raises(InputChangedError, match="changed or replaced"):
        segment_range(SegmentRange(state.folder, 1))
    assert attempts(state.folder) == []
    job.tomogram.write_bytes(original)
    for number in (1, 2):
        segment_range(SegmentRange(state.folder, number))
    job.tomogram.write_bytes(changed)
    with pytest.raises(InputChangedError):
        finish_segmentation(state.folder)
    job.tomogram.write_bytes(original)
    finish_segmentation(state.folder)


def test_of_large_files_every_slice_is_compared(make_job: MakeJob, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their fingerprint does not cover every byte."""
    monkeypatch.setattr(fingerprint, "WHOLE_BYTES", 1000)
    monkeypatch.setattr(fingerprint, "SAMPLE_BYTES", 10)
    job = make_job()
    state = plan_segmentation(job, 4)
    for number in (0, 1):
        segment_range(SegmentRange(state.folder, number))
    changed = bytearray(job.tomogram.read_bytes())
    changed[1024 + 4 * (6 * 48 * 40 + 20 * 40 + 17)] ^= 255  # within slice 6
    job.tomogram.write_bytes(changed)
    segment_range(SegmentRange(state.folder, 2))  # reads nothing of it
    with pytest.raises(InputChangedError, match="slice 7 is another"):
        finish_segmentation(state.folder)


def test_another_model_or_program_is_refused(make_job: MakeJob, monkeypatch: pytest.MonkeyPatch) -> None:
    job = make_job()
    state = plan_segmentation(job, 4)
    model = Path(str(job.parameters.model))
    kept = model.with_name("kept.onnx")
    shutil.copy(model, kept)
    model.write_bytes(model.read_bytes().replace(b"two heads", b"two HEADS"))
    with pytest.raises(DoesNotFit, match="checksum"):
        segment_range(SegmentRange(state.folder, 0))
    assert segment_range(SegmentRange(state.folder, 0, model=kept)).computed == 4
    monkeypatch.setattr(plan_module, "__version__", "99.0")
    with pytest.raises(DoesNotFit, match="one version"):
        segment_range(SegmentRange(state.folder, 1, model=kept))


def test_the_tomogram_may_lie_elsewhere(make_job: MakeJob, tmp_path: Path) -> None:
    job = make_job()
    state = plan_segmentation(job, 4)
    there = tmp_path / "there.mrc"
    job.tomogram.rename(there)
    for number in state.unfinished:
        segment_range(SegmentRange(state.folder, number, tomogram=there))
    assert finish_segmentation(state.folder, tomogram=there).segmentation.voxels > 0


def test_links_are_not_written_through(make_job: MakeJob, tmp_path: Path) -> None:
    state = plan_segmentation(make_job(), 4)
    moved = state.folder.rename(tmp_path / "elsewhere")
    state.folder.symlink_to(moved)
    with pytest.raises(UserError, match="is a link"):
        segment_range(SegmentRange(state.folder, 0))


def test_blank_ranges_are_fine_but_not_a_blank_tomogram(make_job: MakeJob, tmp_path: Path) -> None:
    once, job = make_job(12, "once.tif"), make_job(12, "ranges.tif")
    with mrcfile.open(job.tomogram, "r+") as file:
        file.data[4:8] = 5.0
    segment_file(once)
    in_ranges(job)
    assert_equal(job, once)
    with mrcfile.open(job.tomogram, "r+") as file:
        file.data[:] = 5.0
    with pytest.raises(UserError, match="nothing to segment"):
        in_ranges(job)


def test_memory_does_not_grow_with_the_tomogram(make_job: MakeJob, monkeypatch: pytest.MonkeyPatch) -> None:
    """Slabs of a small volume would hold all of it, so they are made as small."""
    slice_bytes = 192 * 192
    monkeypatch.setattr(walk, "SLAB_VOXELS", 4 * slice_bytes)
    monkeypatch.setattr(writing, "SLAB_BYTES", 4 * slice_bytes)
    monkeypatch.setattr(context, "_READ_BYTES", 4 * slice_bytes)
    monkeypatch.setattr(fingerprint, "SAMPLE_BYTES", 4 * slice_bytes)
    peaks = []
    for depth in (4, 8, 32):  # the first one only loads libraries
        job = make_job(5, f"labels{depth}.tif", probability=False, trust="none")
        with mrcfile.new(job.tomogram, overwrite=True) as file:
            file.set_data(np.random.default_rng(depth).normal(size=(depth, 192, 192)).astype(np.float32))
        state = plan_segmentation(job, 4)
        tracemalloc.start()
        for number in state.unfinished:
            gc.collect()  # what is held counts, not what Python has not looked at yet
            segment_range(SegmentRange(state.folder, number))
        finish_segmentation(state.folder)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[2] < 1.3 * peaks[1]
    assert peaks[2] < 32 * slice_bytes * 4 / 2  # half of the tomogram
