"""The work on what is open, without a window: segmentation, clean-up and cell mask with a recorder."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import mrcfile
import numpy as np
import pytest
import scipy.ndimage

from sxtstudio.core.cellmask import MaskVolume
from sxtstudio.core.cleanup import CleanParameters
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.edits import Recorder
from sxtstudio.core.errors import Cancelled, UserError
from sxtstudio.core.geometry import Box
from sxtstudio.core.polarity import Polarity, chosen_polarity
from sxtstudio.core.progress import Progress
from sxtstudio.core.volume import ArrayVolume
from sxtstudio.io import open_volume
from sxtstudio.segment.parameters import SegmentParameters
from sxtstudio.workflow.document.network_output import find_output
from sxtstudio.workflow.jobs import cell_hints, document_mask
from sxtstudio.workflow.jobs.cleaning import CleanJob, CleanUp, clean_file
from sxtstudio.workflow.jobs.document_cleaning import CleanInput, clean_document, preview_clean_up
from sxtstudio.workflow.jobs.document_segmenting import read_interrupted, segment_document
from sxtstudio.workflow.jobs.segmenting import SegmentJob
from sxtstudio.workflow.jobs.unchanged import KnownInput

SHAPE = (6, 20, 24)


@pytest.fixture
def lumps() -> np.ndarray:
    """A cube of 64 voxels and single ones."""
    labels = np.zeros(SHAPE, np.uint8)
    labels[1:5, 3:7, 3:7] = 255
    labels[::2, 15, ::5] = 255
    return labels


def recorder_of(labels: np.ndarray) -> Recorder:
    return Recorder(EditKind.CLEAN_UP, labels)


def test_a_clean_up_writes_what_it_showed_and_says_where(lumps: np.ndarray, tmp_path: Path) -> None:
    clean_up = CleanUp(CleanParameters(min_size_voxels=2))
    given = CleanInput(lumps, None, None, None)
    shown = preview_clean_up(given, clean_up, 2, Progress())
    written: list[Box] = []
    report = clean_document(recorder_of(lumps), given, clean_up, tmp_path, Progress(), written.append)
    expected = np.zeros(SHAPE, np.uint8)
    expected[1:5, 3:7, 3:7] = 255
    assert np.array_equal(lumps, expected) and np.array_equal(shown.labels, expected[2])
    assert (report.voxels_before, report.voxels_after) == (64 + 15, 64)
    assert written and not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("clean_up", "objects"),
    [
        (CleanUp(CleanParameters(min_size_voxels=2)), (16, 1)),
        (CleanUp(CleanParameters(erode=1, min_size_voxels=2)), (16, 1)),
        (CleanUp(CleanParameters(min_size_voxels=2, crop=(0, 0, 8))), (16, 0)),
        (CleanUp(CleanParameters(erode=1)), None),
    ],
)
def test_objects_are_counted_in_the_labels_before_and_after_all_of_it(
    lumps: np.ndarray, tmp_path: Path, clean_up: CleanUp, objects: tuple[int, int] | None
) -> None:
    """As the voxels are; SciPy counts them."""
    given, whole = CleanInput(lumps, None, None, None), np.ones((3, 3, 3))
    before = scipy.ndimage.label(lumps, whole)[1]
    report = clean_document(recorder_of(lumps), given, clean_up, tmp_path, Progress(), lambda box: None)
    if objects is not None:
        assert objects == (before, scipy.ndimage.label(lumps, whole)[1])
    assert report.objects == objects


def test_a_clean_up_says_in_short_words_what_it_does() -> None:
    usual = CleanParameters(erode=1, min_size_voxels=200)
    assert CleanUp(usual, threshold=0.5).words == "threshold 0.50, erosion 1, smallest 200 voxels"
    all_ = CleanParameters(2, False, None, 2e6, (0, 5, 6), 1, 3, 1500, 4)
    assert CleanUp(all_, inside_mask=True).words == (
        "smoothing along z 1, closing 3, holes up to 1\N{NARROW NO-BREAK SPACE}500 px filled, dilation 4, "
        "inside the cell mask, erosion 2, slice by slice, "
        "smallest 2\N{NARROW NO-BREAK SPACE}000\N{NARROW NO-BREAK SPACE}000 nm³, "
        "borders 0 × 5 × 6 (z × y × x)"
    )
    assert CleanUp().words == ""


@pytest.mark.parametrize(
    ("clean_up", "text"),
    [
        (CleanUp(inside_mask=True), "no cell mask yet"),
        (CleanUp(threshold=0.5), "threshold cannot be changed"),
        (CleanUp(mask=Path("mask.tif")), "own cell mask"),
        (CleanUp(auto_mask=True), "own cell mask"),
    ],
    ids=["no mask", "no output", "mask of a file", "found mask"],
)
def test_what_a_document_does_not_have(
    clean_up: CleanUp, text: str, lumps: np.ndarray, tmp_path: Path
) -> None:
    before = lumps.copy()
    given = CleanInput(lumps, None, None, None)
    with pytest.raises(UserError, match=text):
        clean_document(recorder_of(lumps), given, clean_up, tmp_path, Progress(), print)
    assert np.array_equal(lumps, before)


@pytest.mark.parametrize(
    "clean_up", [CleanUp(inside_mask=True), CleanUp(threshold=0.0)], ids=["mask", "output"]
)
def test_what_a_file_does_not_have(clean_up: CleanUp, lumps: np.ndarray, tmp_path: Path) -> None:
    with mrcfile.new(tmp_path / "labels.mrc") as file:
        file.set_data(lumps)
    with pytest.raises(UserError, match="open in the window"):
        clean_file(CleanJob(tmp_path / "labels.mrc", tmp_path / "out.tif", clean_up))
    assert not (tmp_path / "out.tif").exists()


def test_an_output_that_is_not_kept_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="do not keep it"):
        SegmentJob(
            tmp_path / "a.mrc", tmp_path / "a.tif", SegmentParameters(), probability=tmp_path / "p.tif"
        )


def test_the_record_of_a_clean_up_names_only_what_is_on() -> None:
    assert CleanUp().step() == {} and not CleanUp().wanted
    steps = CleanParameters(2, False, 30, None, (1, 0, 2), 3)
    assert CleanUp(steps, inside_mask=True, threshold=0.25).step() == {
        "threshold": 0.25, "smooth_z": 3, "inside_mask": True, "erode": 2, "erode_3d": False,
        "min_size_voxels": 30, "crop_zyx_px": [1, 0, 2],
    }  # fmt: skip
    steps = CleanParameters(erode_3d=False, close=2, fill_px=40, dilate=1)
    assert CleanUp(steps).step() == {"close": 2, "fill_holes_px": 40, "dilate": 1, "in_3d": False}


def test_labels_are_cut_with_the_mask_and_a_cancel_is_heard(lumps: np.ndarray) -> None:
    mask = np.zeros(SHAPE, np.uint8)
    mask[:3] = 1
    expected = np.where(mask != 0, lumps, np.uint8(0))
    written: list[Box] = []
    document_mask.cut_labels(recorder_of(lumps), mask, Progress(), written.append)
    assert np.array_equal(lumps, expected) and written
    stopped = Progress()
    stopped.cancel()
    recorder = recorder_of(lumps)
    with pytest.raises(Cancelled):
        document_mask.invert(recorder, stopped, print)
    recorder.roll_back()
    assert np.array_equal(lumps, expected)


def test_an_interrupted_segmentation_is_gone_on_with(
    tomogram: Path,
    toy_model: Path,
    tmp_path: Path,
    expected_labels,
    cancel_before: Callable[[int], None],
) -> None:
    truth = expected_labels(mrcfile.read(tomogram))
    parameters = SegmentParameters(
        str(toy_model),
        "cpu",
        tile_px=64,
        threshold=0.0,
        polarity="dark",
        slices=(0, len(truth)),
        probability=True,
        trust="none",
        neighbours=0,
    )
    labels = np.zeros(truth.shape, np.uint8)
    folder, work_dir = tmp_path, tmp_path / "unfinished"
    written: list[Box] = []
    with open_volume(tomogram) as volume:
        known = KnownInput.of(tomogram, volume)
        recorder = recorder_of(labels)
        cancel_before(2)
        with pytest.raises(Cancelled):
            segment_document(recorder, known, parameters, folder, work_dir, Progress(), written.append)
        pending = read_interrupted(folder, work_dir)
        assert pending is not None and pending.parameters == parameters
        assert len(written) == pending.finished == 2 and pending.wanted == len(truth)
        # A request of an earlier version says less, and a lost one nothing.
        request = folder / "segmentation.json"
        request.write_text(json.dumps({"model": str(toy_model), "device": "cpu"}))
        earlier = read_interrupted(folder, work_dir)
        assert earlier is not None
        assert earlier.parameters == replace(parameters, tile_px=None, trust="sample")
        request.unlink()
        lost = read_interrupted(folder, work_dir)
        assert lost is not None and lost.parameters.slices == parameters.slices
        outcome = segment_document(
            recorder,
            known,
            pending.parameters,
            folder,
            work_dir,
            Progress(),
            written.append,
            resume=True,
        )
    assert np.array_equal(labels != 0, truth)
    assert outcome.step() == {
        "model": "toy", "model_sha256": outcome.model_sha256, "device": outcome.device, "threshold": 0.0,
        "polarity": "dark", "slices": [0, len(truth)], "tile_px": 64, "neighbours": 0,
        "leave_out": True,
        "voxels": int(truth.sum()), "output_kept": True,
    }  # fmt: skip
    assert read_interrupted(folder, work_dir) is None


@pytest.mark.parametrize("threshold", [-0.2, 0.2])
def test_the_threshold_of_the_segmentation_makes_the_same_labels_again(
    toy_model: Path, tmp_path: Path, threshold: float
) -> None:
    grain = tmp_path / "grain.mrc"
    with mrcfile.new(grain) as file:
        file.set_data(np.random.default_rng(1).normal(size=(6, 80, 90)).astype(np.float32))
    parameters = SegmentParameters(
        str(toy_model), "cpu", threshold=threshold, polarity="dark", probability=True, neighbours=0
    )
    with open_volume(grain) as volume:
        labels, known = np.zeros(volume.shape, np.uint8), KnownInput.of(grain, volume)
        work_dir = tmp_path / "unfinished"
        segment_document(recorder_of(labels), known, parameters, tmp_path, work_dir, Progress(), print)
    once, kept = labels.copy(), find_output(tmp_path, volume.shape)
    assert kept is not None and kept.threshold == threshold and once.any()
    clean_up = CleanUp(threshold=threshold)
    report = clean_document(
        recorder_of(labels), CleanInput(labels, None, kept, None), clean_up, tmp_path, Progress(), print
    )
    assert np.array_equal(labels, once) and report.voxels_after == np.count_nonzero(once)


def test_a_mask_by_an_unsure_polarity_says_so_and_what_to_do() -> None:
    volume = ArrayVolume(np.random.default_rng(0).normal(size=(4, 64, 64)).astype(np.float32))

    def made(polarity: Polarity | None) -> document_mask.MaskResult:
        recorder = recorder_of(np.zeros(volume.shape, np.uint8))
        return document_mask.make_automatic(recorder, volume, polarity, None, Progress(), lambda box: None)

    for unsure in (Polarity("bright", 0.6, "60 % sure"), None):  # judged before, or now
        result = made(unsure)
        judged = unsure or result.polarity
        (doubt,) = (note for note in result.notes if "not sure" in note)
        assert f"choose {judged.other}" in doubt and "find the cell again" in doubt
    assert not [note for note in made(chosen_polarity("dark")).notes if "not sure" in note]


@pytest.fixture
def untold() -> ArrayVolume:
    """Grain, in which grey values tell nothing."""
    return ArrayVolume(np.random.default_rng(0).normal(size=(4, 64, 64)).astype(np.float32))


def test_where_grey_values_do_not_tell_the_network_has_a_quick_look(
    untold: ArrayVolume, monkeypatch: pytest.MonkeyPatch
) -> None:
    half = np.zeros((2, 32, 32), bool)
    half[:, :16] = True
    asked = []

    def look(volume: object, polarity: str, like: MaskVolume, progress: Progress) -> MaskVolume:
        asked.append((polarity, like.ice_found))
        return MaskVolume(half, (2, 2, 2), untold.shape, notes=("quick",))

    monkeypatch.setattr(cell_hints, "mask_by_hints", look)
    mask = np.zeros(untold.shape, np.uint8)
    dark = chosen_polarity("dark")
    result = document_mask.make_automatic(recorder_of(mask), untold, dark, None, Progress(), lambda box: None)
    assert asked == [("dark", False)] and result.notes == ("quick",) and not result.segment_first
    assert mask[:, :32].all() and not mask[:, 32:].any()


@pytest.mark.parametrize("segmented", [False, True], ids=["no labels", "labels"])
def test_where_nothing_tells_the_cell_the_mask_stays_and_it_is_said(
    untold: ArrayVolume, segmented: bool
) -> None:
    mask = np.zeros(untold.shape, np.uint8)
    mask[1, 5:9, 5:9] = 255
    before = mask.copy()
    labels = ArrayVolume(np.zeros(untold.shape, np.uint8)) if segmented else None
    dark = chosen_polarity("dark")
    result = document_mask.make_automatic(
        recorder_of(mask), untold, dark, labels, Progress(), lambda box: None
    )
    assert np.array_equal(mask, before) and result.segment_first is not segmented
    assert "do not tell cell from ice here" in result.notes[0]
    assert ("segment first" in result.notes[0]) is not segmented and "by hand" in result.notes[0]


def test_a_quick_look_takes_few_slices_and_faint_outlines(monkeypatch: pytest.MonkeyPatch) -> None:
    shape = (70, 260, 256)
    volume = ArrayVolume(np.random.default_rng(0).normal(size=shape).astype(np.float32))
    looked: list[int] = []

    def faint(volume: object, z: int, parameters: SegmentParameters, *, runner: object) -> Any:
        assert parameters.polarity == "bright" and parameters.neighbours == 0
        looked.append(z)
        values = np.full(shape[1:], -1, np.float32)
        values[::16, :128] = values[1::16, :128] = -0.9
        return SimpleNamespace(values=values if len(looked) > 1 else None)

    class Runner:
        def close(self) -> None:
            looked.append(-1)

    monkeypatch.setattr(cell_hints, "segment_slice", faint)
    monkeypatch.setattr(cell_hints, "make_runner", lambda *_: Runner())
    reduced = np.ones((35, 130, 128), bool)
    texture = np.random.default_rng(1).normal(size=reduced.shape).astype(np.float32)
    texture[:, :, :64] += 1
    like = MaskVolume(reduced, (2, 2, 2), shape, None, (), texture, ice_found=False)
    mask = cell_hints.mask_by_hints(volume, "bright", like, Progress())
    assert looked.pop() == -1 and len(looked) == cell_hints.SLICES == len(set(looked))
    assert looked[0] < 4 and looked[-1] > 65 and max(np.diff(looked)) <= 6
    assert mask is not None and f"at {cell_hints.SLICES} slices" in mask.notes[0]
    assert mask.reduced[8:, :, 4:60].all() and not mask.reduced[:, :, 70:].any()
    for small in ((15, 260, 256), (70, 240, 256)):
        tiny = ArrayVolume(volume.array[tuple(slice(n) for n in small)])
        assert cell_hints.mask_by_hints(tiny, "bright", like, Progress()) is None
    cancelled = Progress()
    cancelled.cancel()
    with pytest.raises(Cancelled):
        cell_hints.mask_by_hints(volume, "bright", like, cancelled)
    assert looked.pop() == -1
