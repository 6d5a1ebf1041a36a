"""The clean-up from its panel: the preview is what comes out, and all of it can be undone."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtCore import QPoint
from pytestqt.qtbot import QtBot
from scipy import ndimage

from sxtstudio.app.clean.panel import CleanPanel, PreviewComparison
from sxtstudio.app.labels.history import HistoryDialog, change_texts
from sxtstudio.app.main_window import MainWindow
from sxtstudio.app.segment.panel import SegmentPanel
from sxtstudio.app.slice_preview import Change, PreviewStyle
from sxtstudio.app.states import Panel
from sxtstudio.core import walk as core_walk
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.edits import Recorder
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box
from sxtstudio.core.steps import Step, StepKind
from sxtstudio.core.wording import grouped
from sxtstudio.workflow.document.network_output import KeptOutput, holds_frames
from sxtstudio.workflow.document.project import adopt, save, snapshot
from sxtstudio.workflow.jobs import document_cleaning

CUBE = np.ones((3, 3, 3), bool)


@pytest.fixture
def labelled(sample: MainWindow) -> MainWindow:
    """The sample with random lumps as labels."""
    noise = ndimage.gaussian_filter(np.random.default_rng(1).normal(size=(64, 384, 384)), 1.5)
    where = noise > np.percentile(noise, 96)
    with sample.session.edit(EditKind.BRUSH) as edit:
        edit.write(Box.whole((64, 384, 384)), np.where(where, np.uint8(255), np.uint8(0)))
    sample.context.parts.side.show_panel(Panel.CLEAN)
    return sample


def panel_of(window: MainWindow) -> CleanPanel:
    panel: CleanPanel = window.context.parts.clean
    return panel


def labels_of(window: MainWindow) -> NDArray[np.uint8]:
    assert window.session.document is not None and window.session.document.labels is not None
    return window.session.document.labels


def apply(window: MainWindow, qtbot: QtBot) -> None:
    panel = panel_of(window)
    panel.apply_button.click()
    qtbot.waitUntil(lambda: panel.run is None, timeout=30_000)


def previewed(window: MainWindow, qtbot: QtBot) -> NDArray[np.uint8]:
    """Wait until the preview is that of the fields as they are."""
    panel = panel_of(window)
    qtbot.waitUntil(lambda: not panel.preview.busy, timeout=20_000)
    preview = window.session.preview
    assert preview is not None and preview.z == window.session.cursor[0]
    return preview.labels


def set_all(panel: CleanPanel) -> None:
    panel.form.smooth.setValue(1)
    panel.form.erode.setValue(1)
    panel.form.smallest.setValue(20)
    panel.form.crop_y.setValue(7)
    panel.form.crop_x.setValue(9)


def expected_all(labels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """The same steps, by scipy alone."""
    old = labels != 0
    padded = np.concatenate([old[:1] & False, old, old[-1:] & False]).astype(int)
    count = padded[:-2] + padded[1:-1] + padded[2:]
    voters = np.full((64, 1, 1), 3)
    voters[[0, -1]] = 2
    smooth = np.where(2 * count == voters, old, 2 * count > voters)
    eroded = ndimage.binary_erosion(smooth, border_value=1)
    objects, _ = ndimage.label(eroded, CUBE)
    large = np.bincount(objects.ravel()) >= 20
    large[0] = False
    result = large[objects]
    result[:, :7] = result[:, -7:] = False
    result[:, :, :9] = result[:, :, -9:] = False
    return result


def test_the_preview_is_what_comes_out_and_undo_brings_it_back(labelled: MainWindow, qtbot: QtBot) -> None:
    panel, before = panel_of(labelled), labels_of(labelled).copy()
    set_all(panel)
    labelled.session.set_cursor((30, 200, 200))
    shown = previewed(labelled, qtbot)
    assert labelled.session.preview.title == "Preview: clean-up"
    expected = expected_all(before)
    assert np.array_equal(shown == 255, expected[30])
    assert np.array_equal(labels_of(labelled), before)
    apply(labelled, qtbot)
    assert np.array_equal(labels_of(labelled) == 255, expected)
    assert labelled.session.preview is None
    step = labelled.session.document.steps[-1]
    assert step.name == "Clean up"
    assert step.parameters == {
        "smooth_z": 1, "erode": 1, "erode_3d": True, "min_size_voxels": 20, "crop_zyx_px": [0, 7, 9],
    }  # fmt: skip
    told = panel.result.text().replace("\u202f", "")
    assert str(np.count_nonzero(before)) in told and str(np.count_nonzero(expected)) in told
    assert "Objects" in told
    assert not panel.form.clean_up().wanted  # a second click must not erode once more
    labelled.session.undo()
    assert np.array_equal(labels_of(labelled), before)


def test_the_history_says_what_a_clean_up_did_and_the_result_counts_the_same_labels(
    labelled: MainWindow, qtbot: QtBot
) -> None:
    panel = panel_of(labelled)
    before = ndimage.label(labels_of(labelled), CUBE)[1]
    for erode, smallest in ((1, 2), (0, 4)):
        panel.form.erode.setValue(erode)
        panel.form.smallest.setValue(smallest)
        apply(labelled, qtbot)
        after = ndimage.label(labels_of(labelled), CUBE)[1]
        assert f"Objects {grouped(before)} → {grouped(after)}" in panel.result.text()
        before = after
    labelled.session.undo()
    labelled.actions_.by_name["edit.history"].trigger()
    dialog = labelled.context.dialogs.find(HistoryDialog)
    rows = [dialog.list.item(row).text() for row in range(dialog.list.count())]
    assert rows[1].startswith("Brush, slices 1 to 64")
    assert rows[2].startswith("Clean up: erosion 1, smallest 2 voxels, slices 1 to 64, −")
    assert rows[3].startswith("Clean up: smallest 4 voxels, slices ") and len(rows) == 4
    actions = labelled.actions_.by_name  # undo and redo say beforehand what History does
    for name, row in (("undo", 2), ("redo", 3)):
        said = actions[f"edit.{name}"].toolTip()
        assert said.startswith(f"{name.title()}: {rows[row].removesuffix('  (now)')} (Ctrl+")
    steps = labelled.session.document.steps
    history = labelled.session.history
    assert change_texts(history.done[1:], history.undone, steps) == [rows[2].removesuffix("  (now)"), rows[3]]
    assert change_texts(history.done, history.undone, [])[1].startswith("Clean up, slices"), (
        "not in the record"
    )


def test_the_preview_follows_the_slice_and_goes_with_the_panel(labelled: MainWindow, qtbot: QtBot) -> None:
    panel = panel_of(labelled)
    panel.form.crop_z.setValue(5)
    labelled.session.set_cursor((4, 0, 0))
    assert not previewed(labelled, qtbot).any()
    labelled.session.set_cursor((5, 0, 0))
    assert np.array_equal(previewed(labelled, qtbot), labels_of(labelled)[5])
    panel.live.setChecked(False)
    assert labelled.session.preview is None
    panel.live.setChecked(True)
    previewed(labelled, qtbot)
    panel.reset_button.click()
    assert labelled.session.preview is None and not panel.apply_button.isEnabled()
    panel.form.erode.setValue(1)
    previewed(labelled, qtbot)
    labelled.context.parts.side.show_panel(Panel.SEGMENT)
    assert labelled.session.preview is None


def test_inside_the_mask_only(labelled: MainWindow, qtbot: QtBot) -> None:
    panel, before = panel_of(labelled), labels_of(labelled).copy()
    assert not panel.form.inside.isEnabled()
    half = Box((0, 0, 0), (64, 384, 100))
    with labelled.session.edit(EditKind.POLYGON, "mask") as edit:
        edit.write(half, np.full(half.shape, 255, np.uint8))
    panel.form.inside.setChecked(True)
    expected = before.copy()
    expected[:, :, 100:] = 0
    assert np.array_equal(previewed(labelled, qtbot), expected[labelled.session.cursor[0]])
    apply(labelled, qtbot)
    assert np.array_equal(labels_of(labelled), expected)


def test_sizes_in_cubic_micrometres(labelled: MainWindow, qtbot: QtBot) -> None:
    panel, before = panel_of(labelled), labels_of(labelled) != 0
    panel.form.unit.setCurrentIndex(panel.form.unit.findData("um3"))
    panel.form.smallest.setValue(0.0003)  # 300 voxels of 10 nm
    assert "300" in panel.form.size_note.text()
    apply(labelled, qtbot)
    objects, _ = ndimage.label(before, CUBE)
    large = np.bincount(objects.ravel()) >= 300
    large[0] = False
    assert np.array_equal(labels_of(labelled) == 255, large[objects])


def test_a_cancel_takes_back_what_was_written(
    labelled: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel, before = panel_of(labelled), labels_of(labelled).copy()
    monkeypatch.setattr(core_walk, "SLAB_VOXELS", 384 * 384 * 4)
    write, written = Recorder.write, []

    def counted(self: Recorder, box: Box, values: NDArray[np.uint8]) -> Box | None:
        written.append(box)
        if len(written) == 3:
            panel.run.cancel()
        return write(self, box, values)

    monkeypatch.setattr(Recorder, "write", counted)
    panel.form.erode.setValue(1)
    apply(labelled, qtbot)
    assert len(written) == 3
    assert np.array_equal(labels_of(labelled), before)
    assert labelled.session.document.steps[-1].name == "Brush"
    assert not (labelled.session.document.bulk / "cleaning.raw").exists()
    assert panel.form.erode.value() == 1  # to try again


def test_a_full_disk_is_one_sentence(
    labelled: MainWindow, qtbot: QtBot, errors: list[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = labels_of(labelled).copy()
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(document_cleaning.shutil, "disk_usage", lambda path: usage(10, 9, 1))
    panel_of(labelled).form.erode.setValue(1)
    apply(labelled, qtbot)
    assert len(errors) == 1 and isinstance(errors[0], UserError) and "disk space" in str(errors[0])
    assert np.array_equal(labels_of(labelled), before) and labelled.session.busy is None


@pytest.mark.parametrize("reopened", [False, True])
def test_the_threshold_can_be_changed_after_the_segmentation(
    reopened: bool,
    open_file: Callable[[Path], MainWindow],
    tmp_path: Path,
    sample: MainWindow,
    segment_with: Callable[[Path, tuple[int, int]], SegmentPanel],
    toy_model: Path,
    sample_values: NDArray[np.float32],
    qtbot: QtBot,
) -> None:
    segment = segment_with(toy_model, (10, 14))
    segment.form.keep.setChecked(True)
    segment.start()
    qtbot.waitUntil(lambda: segment.run is None, timeout=30_000)
    if reopened:
        document = sample.session.document
        adopt(document, save(snapshot(document), tmp_path / "cell.sxt"))
        open_file(tmp_path / "cell.sxt")
    sample.context.parts.side.show_panel(Panel.CLEAN)
    panel = panel_of(sample)
    before = labels_of(sample).copy()
    panel.form.use_threshold.setChecked(True)
    panel.form.threshold.spin.setValue(0.6)
    sample.session.set_cursor((12, 0, 0))
    shown = previewed(sample, qtbot).copy()
    here = panel.preview_note.text().replace("\u202f", "")
    assert f"voxels {np.count_nonzero(before[12])} → {np.count_nonzero(shown)}" in here
    apply(sample, qtbot)
    assert "threshold 0.00; since then changed to 0.60" in panel.form.threshold_note.text()
    image = sample_values[10:14].astype(np.float64)
    mean, deviation = image.mean(axis=(1, 2), keepdims=True), image.std(axis=(1, 2), keepdims=True)
    output = np.tanh(-5 * ((image - mean) / deviation + 1))
    labels = labels_of(sample)[10:14] == 255
    clear = np.abs(output - 0.6) > 1 / 127  # the output is kept in 256 steps
    assert np.array_equal(labels[clear], (output > 0.6)[clear])
    assert not np.array_equal(labels, before[10:14] == 255)
    assert np.array_equal(shown, labels_of(sample)[12])
    assert not labels_of(sample)[:10].any() and not labels_of(sample)[14:].any()
    panel.form.use_threshold.setChecked(True)
    assert panel.form.threshold.value == 0.6
    now = np.count_nonzero(labels_of(sample)[12])
    previewed(sample, qtbot)
    assert f"voxels {now} → {now}" in panel.preview_note.text().replace("\u202f", "")
    panel.form.reset()
    sample.session.undo()
    assert np.array_equal(labels_of(sample), before)
    assert panel.form.threshold_note.text().endswith("threshold 0.00.")
    sample.session.redo()
    document = sample.session.document
    adopt(document, save(snapshot(document), tmp_path / "again.sxt"))
    open_file(tmp_path / "again.sxt")
    assert "changed to 0.60" in panel.form.threshold_note.text()


def test_another_threshold_begins_with_the_clean_up_that_the_labels_had(
    sample: MainWindow,
    segment_with: Callable[[Path, tuple[int, int]], SegmentPanel],
    toy_model: Path,
    sample_values: NDArray[np.float32],
    qtbot: QtBot,
) -> None:
    segment = segment_with(toy_model, (0, 64))
    segment.form.keep.setChecked(True)
    segment.start()
    qtbot.waitUntil(lambda: segment.run is None, timeout=60_000)
    sample.context.parts.side.show_panel(Panel.CLEAN)
    panel = panel_of(sample)
    form = panel.form
    form.smallest.setValue(60)
    form.crop_x.setValue(5)
    apply(sample, qtbot)
    form.use_threshold.setChecked(True)
    assert (form.smallest.value(), form.unit.currentData(), form.crop_x.value()) == (60, "voxels", 5)
    assert "They were cleaned before" in form.threshold_note.text()
    assert "⚠" not in form.threshold_note.text()
    form.threshold.spin.setValue(0.6)
    form.use_threshold.setChecked(False)
    assert not form.clean_up().wanted  # labels that stay are not cleaned twice
    form.crop_x.setValue(8)
    form.use_threshold.setChecked(True)
    assert (form.smallest.value(), form.crop_x.value()) == (60, 8)
    apply(sample, qtbot)
    image = sample_values.astype(np.float64)
    mean, deviation = image.mean(axis=(1, 2), keepdims=True), image.std(axis=(1, 2), keepdims=True)
    output = np.tanh(-5 * ((image - mean) / deviation + 1))
    objects, _ = ndimage.label(output > 0.6, CUBE)
    large = np.bincount(objects.ravel()) >= 60
    large[0] = False
    expected = large[objects]
    expected[:, :, :8] = expected[:, :, -8:] = False
    clear = ndimage.minimum_filter(np.abs(output - 0.6), 3) > 1 / 127  # kept in 256 steps
    labels = labels_of(sample) == 255
    assert expected.any() and np.mean(labels[clear] != expected[clear]) < 1e-4
    assert np.count_nonzero(output > 0.6) > 1.02 * np.count_nonzero(labels)  # else cleaning is not seen


def test_an_output_of_a_former_version_is_said_to_hold_frames(labelled: MainWindow, tmp_path: Path) -> None:
    former = Step(StepKind.EDIT, EditKind.SEGMENT, parameters={"threshold": 0.1})
    now = Step(StepKind.EDIT, EditKind.SEGMENT, parameters={"threshold": 0.1, "leave_out": False})
    assert holds_frames([former]) and not holds_frames([former, now]) and not holds_frames([])
    form = panel_of(labelled).form
    kept = KeptOutput(tmp_path / "output.raw", (20, 40, 40), 0, 20, 0.1, "compact")
    for with_frames in (True, False):
        form.show_output(kept, 0.1, with_frames=with_frames)
        form.use_threshold.setChecked(True)
        said = form.threshold_note.text()
        assert ("An earlier version kept it: frames" in said) is with_frames


def test_without_kept_output_it_says_so(labelled: MainWindow) -> None:
    panel = panel_of(labelled)
    assert not panel.form.use_threshold.isEnabled()
    assert "there is no output" in panel.form.threshold_note.text()


def test_nothing_to_do_is_said(sample: MainWindow) -> None:
    panel = panel_of(sample)
    with pytest.raises(UserError, match="no labels"):
        panel.apply()
    assert not panel.apply_button.isEnabled()


def compare(window: MainWindow, how: PreviewComparison) -> None:
    box = panel_of(window).comparison
    box.setCurrentIndex(box.findData(how))


def test_red_goes_and_green_comes(labelled: MainWindow, qtbot: QtBot) -> None:
    panel, before = panel_of(labelled), labels_of(labelled)[30] != 0
    panel.form.erode.setValue(1)
    panel.form.dilate.setValue(1)
    panel.form.crop_x.setValue(9)
    panel.form.erode_3d.setCurrentIndex(panel.form.erode_3d.findData(False))
    labelled.session.set_cursor((30, 200, 200))
    compare(labelled, PreviewComparison.CHANGES)
    shown = previewed(labelled, qtbot)
    after = ndimage.binary_erosion(ndimage.binary_dilation(before), border_value=1)
    after[:, :9] = after[:, -9:] = False
    assert labelled.session.preview.style is PreviewStyle.CHANGES
    assert np.array_equal(shown == Change.STAYS, before & after)
    assert np.array_equal(shown == Change.GOES, before & ~after)
    assert np.array_equal(shown == Change.COMES, ~before & after)
    assert (before & ~after).any() and (~before & after).any()
    y, x = np.argwhere(before & ~after)[0]
    view = labelled.context.parts.slices.views["xy"]
    view.camera.zoom_to(6.0)
    labelled.session.set_cursor((30, int(y), int(x)))
    view.camera.centre[:] = [30.0, float(y) * view.camera.voxel[1], float(x) * view.camera.voxel[2]]
    labelled.session.display.set(crosshair=False)
    colour = view.grab().toImage().pixelColor(view.transform().map(QPoint(int(x), int(y))))
    assert colour.red() > 150 and colour.green() < 100


def test_before_and_after_take_turns(labelled: MainWindow, qtbot: QtBot) -> None:
    panel, before = panel_of(labelled), labels_of(labelled)[30].copy()
    panel.form.erode.setValue(1)
    labelled.session.set_cursor((30, 200, 200))
    compare(labelled, PreviewComparison.BLINK)
    after = previewed(labelled, qtbot)
    assert not np.array_equal(after, before)
    panel._blink.timeout.emit()
    assert np.array_equal(labelled.session.preview.labels, before)
    panel._blink.timeout.emit()
    assert labelled.session.preview.labels is after
    panel.form.reset()
    assert labelled.session.preview is None and not panel._blink.isActive()
    panel.form.erode.setValue(1)
    previewed(labelled, qtbot)
    panel._blink.timeout.emit()
    apply(labelled, qtbot)
    assert labelled.session.preview is None and not panel._blink.isActive()
