"""The segmentation from its panel, compared with what numpy says a toy model must label."""

from __future__ import annotations

import errno
import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pytestqt.qtbot import QtBot

from sxtstudio.app import questions
from sxtstudio.app.main_window import MainWindow
from sxtstudio.app.segment.panel import SegmentPanel
from sxtstudio.app.session import Busy
from sxtstudio.app.states import LeavesOut, Panel
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box
from sxtstudio.core.polarity import chosen_polarity
from sxtstudio.core.uses import Use
from sxtstudio.segment import checkpoint, load_card
from sxtstudio.segment.job import SegmentationJob
from sxtstudio.segment.parameters import SegmentParameters
from sxtstudio.workflow.document.network_output import find_output
from sxtstudio.workflow.document.recovered import recover
from sxtstudio.workflow.jobs.document_segmenting import Interrupted, read_interrupted

Prepare = Callable[[Path, tuple[int, int]], SegmentPanel]
Values = NDArray[np.float32]


def normalised(values: Values) -> NDArray[np.float64]:
    image = values.astype(np.float64)
    mean, deviation = (f(image, axis=(-2, -1), keepdims=True) for f in (np.mean, np.std))
    return (image - mean) / deviation


def truth(values: Values, threshold: float = 0.0) -> NDArray[np.bool_]:
    """Where tanh(-5 (x + 1)) is above the threshold."""
    return np.tanh(-5 * (normalised(values) + 1)) > threshold


def to_the_end(panel: SegmentPanel, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: panel.run is None, timeout=60_000)


def labels_of(window: MainWindow) -> NDArray[np.uint8]:
    assert window.session.document is not None
    labels = window.session.document.array("labels")
    assert labels is not None
    return labels


def test_the_labels_are_those_of_numpy_recorded_and_undone(
    sample: MainWindow, segment_with: Prepare, toy_model: Path, sample_values: Values, qtbot: QtBot
) -> None:
    panel = segment_with(toy_model, (8, 40))
    panel.start_button.click()
    assert sample.session.busy == Busy("Segment", EditKind.SEGMENT) and not panel.strip.isHidden()
    to_the_end(panel, qtbot)
    labels = labels_of(sample)
    expected = np.zeros(sample_values.shape, bool)
    expected[8:40] = truth(sample_values[8:40])
    assert set(np.unique(labels)) == {0, 255}
    assert np.array_equal(labels == 255, expected)
    assert sample.session.busy is None and panel.strip.isHidden() and panel.offers.pending is None
    step = sample.session.document.steps[-1]
    assert step.name == "Segment"
    assert step.parameters["model_sha256"] == hashlib.sha256(toy_model.read_bytes()).hexdigest()
    assert step.parameters["slices"] == [8, 40] and "CPU" in step.parameters["device"]
    assert not sample.session.document.segmentation_folder.exists()
    sample.session.undo()
    assert not labels.any()
    sample.session.redo()
    assert np.array_equal(labels == 255, expected)


def test_neighbouring_slices_have_a_say_unless_that_is_turned_off(
    sample: MainWindow, segment_with: Prepare, toy_model: Path, sample_values: Values, qtbot: QtBot
) -> None:
    panel = segment_with(toy_model, (0, 6))
    panel.form.neighbours.setChecked(True)
    panel.start()
    to_the_end(panel, qtbot)
    # The toy model sees single pixels, so that turning does not matter to it.
    outputs = np.tanh(-5 * (normalised(sample_values[:7]) + 1))
    before = np.concatenate([outputs[:1], outputs[:5]])
    mean = (before + outputs[:6] + outputs[1:7]) / 3
    labels = labels_of(sample)[:6]
    sure = np.abs(mean) > 1e-4
    assert np.array_equal(labels[sure] == 255, mean[sure] > 0)
    assert np.mean((labels == 255) != truth(sample_values[:6])) > 0.001
    assert sample.session.document.steps[-1].parameters["neighbours"] == 1
    panel.form.remember()
    assert sample.context.settings.get("segment/neighbours", None) is True


def test_only_the_chosen_slices_are_replaced(
    sample: MainWindow, segment_with: Prepare, toy_model: Path, sample_values: Values, qtbot: QtBot
) -> None:
    panel = segment_with(toy_model, (10, 13))
    box = Box((12, 5, 5), (14, 9, 9))
    with sample.session.edit(EditKind.BRUSH) as edit:
        edit.write(box, np.full(box.shape, 255, np.uint8))
    panel.hand_made.forget(0, 64)
    panel.start()
    to_the_end(panel, qtbot)
    expected = np.zeros(sample_values.shape, bool)
    expected[box.slices] = True
    expected[10:13] = truth(sample_values[10:13])
    assert np.array_equal(labels_of(sample) == 255, expected)


def test_a_tried_slice_is_what_the_segmentation_gives_later(
    sample: MainWindow, segment_with: Prepare, toy_model: Path, sample_values: Values, qtbot: QtBot
) -> None:
    panel = segment_with(toy_model, (29, 32))
    sample.session.set_cursor((30, 100, 100))
    sample.actions_.by_name["segment.try"].trigger()
    qtbot.waitUntil(lambda: sample.session.preview is not None, timeout=20_000)
    preview = sample.session.preview
    assert preview is not None and preview.z == 30
    assert np.array_equal(preview.labels == 255, truth(sample_values[30]))
    assert sample.session.document.labels is None  # nothing was written
    panel.start()
    assert sample.session.preview is None
    to_the_end(panel, qtbot)
    assert np.array_equal(labels_of(sample)[30], preview.labels)


def test_another_threshold_shows_at_once_and_goes_with_the_button(
    sample: MainWindow, segment_with: Prepare, toy_model: Path, sample_values: Values, qtbot: QtBot
) -> None:
    panel = segment_with(toy_model, (0, 64))
    sample.session.set_cursor((30, 100, 100))
    panel.try_button.click()
    qtbot.waitUntil(lambda: sample.session.preview is not None, timeout=20_000)
    running = len(sample.jobs.running)
    panel.form.threshold.spin.setValue(0.5)
    assert len(sample.jobs.running) == running  # no job: the output was kept
    preview = sample.session.preview
    assert preview is not None
    assert np.array_equal(preview.labels == 255, truth(sample_values[30], 0.5))
    assert not np.array_equal(truth(sample_values[30], 0.5), truth(sample_values[30]))
    panel.form.threshold.slider.setValue(-25)
    assert np.array_equal(sample.session.preview.labels == 255, truth(sample_values[30], -0.5))
    panel.form.threshold.reset.click()
    assert panel.form.parameters().threshold is None
    assert np.array_equal(sample.session.preview.labels == 255, truth(sample_values[30]))
    panel.hide_button.click()
    assert sample.session.preview is None and not panel.hide_button.isEnabled()


@pytest.mark.parametrize("aim", [False, True])
def test_another_threshold_while_a_slice_is_tried_holds_when_it_comes_back(
    sample: MainWindow,
    segment_with: Prepare,
    slow_model: Path,
    sample_values: Values,
    qtbot: QtBot,
    *,
    aim: bool,
) -> None:
    panel = segment_with(slow_model, (0, 64))
    panel.try_button.click()
    threshold = panel.form.threshold
    if aim:  # as an aim does it
        threshold.set_default(0.5)
        threshold.set_choice(None)
    else:
        threshold.spin.setValue(0.5)
    assert panel.trial.job is not None and sample.session.preview is None
    qtbot.waitUntil(lambda: sample.session.preview is not None, timeout=20_000)
    preview = sample.session.preview
    assert preview is not None and preview.title == "Preview: threshold 0.50"
    assert np.array_equal(preview.labels == 255, truth(sample_values[preview.z], 0.5))


def test_finished_slices_show_early_and_a_cancelled_run_goes_on(
    sample: MainWindow, segment_with: Prepare, slow_model: Path, sample_values: Values, qtbot: QtBot
) -> None:
    panel = segment_with(slow_model, (20, 44))
    told_while_busy: list[Box] = []
    sample.session.labels_changed.connect(
        lambda box: told_while_busy.append(box) if sample.session.busy else None
    )
    panel.start()
    qtbot.waitUntil(lambda: bool(told_while_busy), timeout=60_000)
    assert panel.run is not None, "the first slices must show before the end"
    panel.strip.cancel_button.click()
    to_the_end(panel, qtbot)
    labels = labels_of(sample)
    finished = [z for z in range(64) if labels[z].any()]
    assert 0 < len(finished) < 24 and finished == list(range(20, 20 + len(finished)))
    expected = truth(sample_values[20:44])
    assert np.array_equal(labels[finished] == 255, expected[: len(finished)])
    assert sample.session.history.undo_name == "Segment (part)"
    document = sample.session.document
    assert document.steps[-1].parameters["finished_slices"] == [20, 20 + len(finished)]
    assert read_interrupted(document.bulk, document.segmentation_folder) == panel.offers.pending
    assert panel.offers.pending is not None and panel.offers.pending.finished == len(finished)
    action = sample.actions_.by_name["segment.resume"]
    assert not panel.offers.isHidden() and action.isEnabled()

    panel.form.slices.set_range(0, 64)  # going on does not depend on what the fields say now
    panel.offers.resume_button.click()
    to_the_end(panel, qtbot)
    assert np.array_equal(labels[20:44] == 255, expected)
    assert not labels[:20].any() and not labels[44:].any()
    assert panel.form.slices.slices == (20, 44), "what is shown is what was computed"
    assert panel.offers.pending is None and panel.offers.isHidden() and not action.isEnabled()
    assert "finished_slices" not in document.steps[-1].parameters
    assert find_output(document.bulk, document.shape) is not None
    sample.session.undo()
    sample.session.undo()
    assert not labels.any()


def test_going_on_keeps_what_was_drawn_since(
    sample: MainWindow,
    segment_with: Prepare,
    slow_model: Path,
    sample_values: Values,
    qtbot: QtBot,
    cancelled_at_its_first_slices: Callable[[SegmentPanel], None],
) -> None:
    panel = segment_with(slow_model, (20, 24))
    cancelled_at_its_first_slices(panel)
    corner = Box((20, 0, 0), (21, 4, 4))
    with sample.session.edit(EditKind.BRUSH) as edit:
        edit.write(corner, np.full(corner.shape, 255, np.uint8))
    drawn = labels_of(sample)[20].copy()
    panel.resume()
    to_the_end(panel, qtbot)
    assert np.array_equal(labels_of(sample)[20], drawn)
    assert np.array_equal(labels_of(sample)[21:24] == 255, truth(sample_values[21:24]))
    assert "1 finished slice had been changed" in panel.result.text()


def test_an_interrupted_run_can_be_dismissed_after_a_question(
    sample: MainWindow,
    segment_with: Prepare,
    slow_model: Path,
    monkeypatch: pytest.MonkeyPatch,
    cancelled_at_its_first_slices: Callable[[SegmentPanel], None],
) -> None:
    panel = segment_with(slow_model, (20, 24))
    cancelled_at_its_first_slices(panel)
    answers = ["Cancel", "Dismiss"]
    monkeypatch.setattr(questions, "ask", lambda *_, **__: answers.pop(0))
    panel.offers.dismiss_button.click()
    assert panel.offers.pending is not None and sample.session.document.unfinished_segmentation
    panel.offers.dismiss_button.click()
    assert panel.offers.pending is None and panel.offers.isHidden()
    assert not sample.session.document.unfinished_segmentation
    with pytest.raises(UserError, match="no interrupted segmentation"):
        panel.resume()


def test_labels_made_by_hand_are_asked_about(
    sample: MainWindow,
    segment_with: Prepare,
    toy_model: Path,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    panel = segment_with(toy_model, (10, 13))
    asked: list[str] = []
    answers = ["Cancel", "Replace"]

    def ask(parent: object, title: str, text: str, buttons: object, details: str = "") -> str:
        asked.append(text)
        return answers.pop(0)

    monkeypatch.setattr(questions, "ask", ask)
    far, near = Box((30, 0, 0), (31, 4, 4)), Box((11, 0, 0), (12, 4, 4))
    with sample.session.edit(EditKind.BRUSH) as edit:
        edit.write(far, np.full(far.shape, 255, np.uint8))
    panel.start()  # other slices: no question
    to_the_end(panel, qtbot)
    assert not asked
    panel.start()  # what the segmentation made itself: no question
    to_the_end(panel, qtbot)
    assert not asked
    with sample.session.edit(EditKind.BRUSH) as edit:
        edit.write(near, 255 - labels_of(sample)[near.slices])
    drawn = labels_of(sample)[11].copy()
    panel.start()
    assert len(asked) == 1 and panel.run is None
    assert np.array_equal(labels_of(sample)[11], drawn)
    panel.start()
    to_the_end(panel, qtbot)
    assert len(asked) == 2 and not np.array_equal(labels_of(sample)[11], drawn)


def test_a_bad_model_is_one_sentence_and_changes_nothing(
    sample: MainWindow, segment_with: Prepare, tmp_path: Path, qtbot: QtBot, errors: list[Exception]
) -> None:
    bad = tmp_path / "bad.onnx"
    bad.write_bytes(b"this is no model")
    panel = segment_with(bad, (0, 64))
    panel.start_button.click()
    to_the_end(panel, qtbot)
    panel.try_button.click()
    qtbot.waitUntil(lambda: len(errors) == 2, timeout=20_000)
    assert all(isinstance(error, UserError) and "bad.onnx" in str(error) for error in errors)
    assert sample.session.busy is None and len(sample.session.history) == 0
    assert not labels_of(sample).any() and sample.session.preview is None


@pytest.mark.parametrize("moment", ["before", "meanwhile"])
def test_a_tomogram_that_is_replaced_gets_no_labels(
    open_file: Callable[[Path], MainWindow],
    tomogram: Path,
    toy_model: Path,
    moment: str,
    qtbot: QtBot,
    errors: list[Exception],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    window = open_file(tomogram)
    document, panel = window.session.document, window.context.parts.segment
    window.session.set_polarity(chosen_polarity("dark"))
    panel.form.use_model(str(toy_model))
    document.identify()

    def replace() -> None:
        content = bytearray(tomogram.read_bytes())
        content[2000:2004] = b"\0\0\0\0"
        tomogram.write_bytes(content)

    if moment == "before":
        replace()
    else:
        count = SegmentationJob.count

        def replaced(job: SegmentationJob, done: Any) -> None:
            count(job, done)
            replace()

        monkeypatch.setattr(SegmentationJob, "count", replaced)
    panel.start()
    to_the_end(panel, qtbot)
    assert len(errors) == 1 and "changed or replaced" in str(errors[0])
    assert document.labels is None or not document.labels.any()
    assert panel.offers.pending is None and len(window.session.history) == 0


def test_a_full_disk_takes_back_what_was_written(
    sample: MainWindow,
    segment_with: Prepare,
    toy_model: Path,
    sample_values: Values,
    qtbot: QtBot,
    errors: list[Exception],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    panel = segment_with(toy_model, (10, 20))
    calls = 0
    flush = checkpoint._flush

    def full(file: object) -> None:
        nonlocal calls
        calls += 1
        if calls > 12:
            raise OSError(errno.ENOSPC, "No space left on device")
        flush(file)

    monkeypatch.setattr(checkpoint, "_flush", full)
    panel.start()
    to_the_end(panel, qtbot)
    assert len(errors) == 1 and "No space left" in str(errors[0]) and isinstance(errors[0], UserError)
    assert not labels_of(sample).any() and len(sample.session.history) == 0
    assert panel.offers.pending is not None  # what was finished need not be computed again
    monkeypatch.setattr(checkpoint, "_flush", flush)
    panel.resume()
    to_the_end(panel, qtbot)
    assert np.array_equal(labels_of(sample)[10:20] == 255, truth(sample_values[10:20]))


def test_a_document_that_goes_in_the_middle_takes_the_job_with_it(
    sample: MainWindow,
    segment_with: Prepare,
    slow_model: Path,
    tomogram: Path,
    open_file: Callable[[Path], MainWindow],
    qtbot: QtBot,
    errors: list[Exception],
) -> None:
    panel = segment_with(slow_model, (0, 64))
    with qtbot.waitSignal(sample.session.labels_changed, timeout=60_000):
        panel.start()
    run = panel.run
    assert run is not None
    sample.session.document.modified = False
    sample.session.show(None)
    assert not run.job.running, "nobody may read the tomogram when it is closed"
    assert sample.session.busy is None and panel.run is None
    qtbot.waitUntil(lambda: not sample.jobs.running, timeout=20_000)
    open_file(tomogram)
    qtbot.wait(50)
    assert sample.session.document.labels is None and len(sample.session.history) == 0
    assert [step.name for step in sample.session.document.steps if "Segment" in step.name] == []
    assert not errors


def test_time_memory_and_device_are_said_before_the_start(
    sample: MainWindow, segment_with: Prepare, toy_model: Path, qtbot: QtBot
) -> None:
    panel = segment_with(toy_model, (0, 64))
    sample.context.parts.side.show_panel(Panel.SEGMENT)
    qtbot.waitUntil(lambda: " · " in panel.estimate.text(), timeout=20_000)
    assert panel.estimate.text().startswith(("About ", "Less than a second"))
    assert "memory" in panel.estimate.text() and "disk" in panel.estimate.text()
    assert "CPU" in panel.form.device_note.text()
    names = [panel.form.model.itemText(n) for n in range(panel.form.model.count())]
    assert "compact" in names and panel.form.model.currentData() == str(toy_model)


def test_the_model_is_loaded_once_for_the_estimate_and_a_try(
    sample: MainWindow, segment_with: Prepare, toy_model: Path, qtbot: QtBot
) -> None:
    panel = segment_with(toy_model, (0, 64))
    sample.context.parts.side.show_panel(Panel.SEGMENT)
    qtbot.waitUntil(lambda: " · " in panel.estimate.text(), timeout=20_000)
    loaded = panel.engine._runner
    panel.try_slice()
    qtbot.waitUntil(lambda: panel.trial.shown, timeout=20_000)
    assert loaded is not None and panel.engine._runner is loaded
    preview = sample.session.preview
    bright = panel.trial.latest.trial.judged.polarity.value == "bright"
    assert preview.leaves_out is (LeavesOut.BRIGHT_GOLD if bright else LeavesOut.DARK_GOLD)


def test_a_model_says_what_it_was_trained_on_and_for_which_voxels(sample: MainWindow, qtbot: QtBot) -> None:
    panel: SegmentPanel = sample.context.parts.segment
    sample.context.parts.side.show_panel(Panel.SEGMENT)
    qtbot.waitUntil(lambda: panel.form.ready, timeout=20_000)
    panel.form.more.setChecked(True)
    text = panel.form.details.text()
    assert f"Trained on: {load_card('compact').trained_on}" in text
    assert "Limits:" in text and "precision" in text
    assert panel.form.warning.isHidden()
    sample.session.set_voxel_nm((40.0, 40.0, 40.0))
    assert "40 nm" in panel.form.warning.text() and not panel.form.warning.isHidden()


def test_a_chosen_file_is_checked_first(
    sample: MainWindow,
    toy_model: Path,
    tmp_path: Path,
    qtbot: QtBot,
    errors: list[Exception],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    panel: SegmentPanel = sample.context.parts.segment
    sample.context.parts.side.show_panel(Panel.SEGMENT)
    qtbot.waitUntil(lambda: panel.form.ready, timeout=20_000)
    bad = tmp_path / "bad.onnx"
    bad.write_bytes(b"no model")
    chosen = [bad, toy_model]
    monkeypatch.setattr(questions, "open_file", lambda *args: chosen.pop(0))
    before = panel.form.chosen_model
    panel.form.model_file.click()
    qtbot.waitUntil(lambda: len(errors) == 1, timeout=20_000)
    assert panel.form.chosen_model == before
    panel.form.model_file.click()
    qtbot.waitUntil(lambda: panel.form.chosen_model == str(toy_model), timeout=20_000)


def test_the_range_follows_the_tomogram_and_the_visible_slice(sample: MainWindow) -> None:
    slices = sample.context.parts.segment.form.slices
    assert slices.slices == (0, 64)
    slices.mode.setCurrentIndex(slices.mode.findData("around"))
    slices.reach.setValue(3)
    sample.session.set_cursor((62, 0, 0))
    assert slices.slices == (59, 64)
    slices.set_range(4, 9)
    assert slices.slices == (4, 9)
    assert (slices.first.value(), slices.last.value()) == (5, 9)  # as the slice views count


def test_choices_are_remembered(
    sample: MainWindow, segment_with: Prepare, toy_model: Path, qtbot: QtBot
) -> None:
    panel = segment_with(toy_model, (5, 6))
    panel.form.threshold.set_choice(0.25)
    panel.form.tile.setValue(128)
    panel.form.keep.setChecked(False)
    panel.form.trust.setCurrentIndex(panel.form.trust.findData("every"))
    panel.start()
    to_the_end(panel, qtbot)
    again = SegmentPanel(sample.context)
    again.setParent(sample)  # the look of a project is asked of the latest panel when the window closes
    assert again.form.parameters().threshold is None, "that was for these labels"
    assert again.form.parameters().tile_px == 128
    assert again.form.parameters().model == str(toy_model) and not again.form.parameters().probability
    assert again.form.parameters().trust == "every"
    document = sample.session.document
    assert find_output(document.bulk, document.shape) is None
    again.shut_down()


def test_what_the_network_was_sure_of_goes_with_its_labels(
    sample: MainWindow, segment_with: Prepare, toy_model: Path, qtbot: QtBot
) -> None:
    panel = segment_with(toy_model, (10, 16))
    document, trust = sample.session.document, panel.form.trust

    def known() -> list[int]:
        return [z for z, figure in enumerate(document.trust) if figure.certainty is not None]

    panel.start()
    to_the_end(panel, qtbot)
    assert known() == list(range(10, 16))
    trust.setCurrentIndex(trust.findData("none"))
    segment_with(toy_model, (12, 14)).start()
    to_the_end(panel, qtbot)
    assert known() == [10, 11, 14, 15]


@pytest.fixture
def cancelled_at_its_first_slices(
    cancel_before: Callable[[int], None], qtbot: QtBot
) -> Callable[[SegmentPanel], None]:
    """The function that segments slices from 20 on, and is cancelled when two of them are finished."""

    def run(panel: SegmentPanel) -> None:
        cancel_before(23)
        panel.start()
        to_the_end(panel, qtbot)

    return run


def test_after_a_crash_it_offers_to_go_on(
    sample: MainWindow,
    segment_with: Prepare,
    slow_model: Path,
    sample_values: Values,
    tmp_path: Path,
    qtbot: QtBot,
    cancelled_at_its_first_slices: Callable[[SegmentPanel], None],
) -> None:
    panel = segment_with(slow_model, (20, 24))
    cancelled_at_its_first_slices(panel)
    document = sample.session.document
    document.autosave(wait=True)
    # What lies on the disk now is what a crash would leave.
    shutil.copytree(document.folder, tmp_path / "left", ignore=shutil.ignore_patterns("*lock*"))
    document.discard()
    sample.session.show(None)
    assert panel.offers.isHidden()
    sample.session.show(recover(tmp_path / "left"))
    assert panel.offers.pending is not None and not panel.offers.isHidden()
    panel.offers.resume_button.click()
    to_the_end(panel, qtbot)
    assert np.array_equal(labels_of(sample)[20:24] == 255, truth(sample_values[20:24]))
    assert panel.offers.pending is None


def test_labels_made_by_hand_come_back_after_a_crash_in_the_middle_of_a_segmentation(
    sample: MainWindow,
    segment_with: Prepare,
    slow_model: Path,
    tmp_path: Path,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(questions, "ask", lambda *_, **__: "Replace")
    panel = segment_with(slow_model, (20, 44))  # not over before the copy is made, on a busy computer
    drawn = Box((20, 5, 5), (21, 40, 60))
    with sample.session.edit(EditKind.POLYGON) as edit:
        edit.write(drawn, np.full(drawn.shape, 255, np.uint8))
    document = sample.session.document
    document.autosave(wait=True)
    document.undo.wait()
    by_hand = labels_of(sample).copy()
    with qtbot.waitSignal(sample.session.labels_changed, timeout=60_000):
        panel.start()
    assert panel.run is not None
    shutil.copytree(document.folder, tmp_path / "left", ignore=shutil.ignore_patterns("*lock*"))
    panel.run.cancel()
    to_the_end(panel, qtbot)
    document.discard()
    sample.session.show(None)
    sample.session.show(recover(tmp_path / "left"))
    monkeypatch.setattr(questions, "ask", lambda *_, **__: "Dismiss")
    assert sample.session.document.steps[-1].parameters["model"] == slow_model.stem
    changed = np.flatnonzero((labels_of(sample) != by_hand).any(axis=(1, 2)))
    assert changed[0] == 20, "the slice was replaced before the crash"
    assert sample.session.document.steps[-1].parameters["finished_slices"] == [20, changed[-1] + 1]
    assert "Go on with the interrupted segmentation" in sample.session.document.notes[-1]
    panel.offers.dismiss_button.click()
    session = sample.session
    assert session.history.undo_name == "Segment (part)"
    session.undo()
    assert np.array_equal(labels_of(sample), by_hand)
    assert session.history.undo_name == "Polygon"
    session.undo()
    assert not labels_of(sample).any()


@pytest.fixture
def interrupted(
    segment_with: Prepare,
    slow_model: Path,
    cancelled_at_its_first_slices: Callable[[SegmentPanel], None],
) -> SegmentPanel:
    """The panel after a segmentation of the slices 20 to 23 that was cancelled after the first ones."""
    panel = segment_with(slow_model, (20, 24))
    cancelled_at_its_first_slices(panel)
    assert panel.offers.pending is not None and 0 < panel.offers.pending.finished < 4
    return panel


def test_segment_goes_on_where_nothing_else_is_asked_for(
    interrupted: SegmentPanel, sample: MainWindow, sample_values: Values, qtbot: QtBot
) -> None:
    interrupted.form.use_device("cpu")  # and whatever does not change the labels
    interrupted.form.tile.setValue(64)
    interrupted.start_button.click()
    assert interrupted.run is not None
    to_the_end(interrupted, qtbot)
    assert np.array_equal(labels_of(sample)[20:24] == 255, truth(sample_values[20:24]))
    assert sample.session.history.done[-1].box.start[0] > 20, "not begun anew"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda form: form.threshold.set_choice(0.5), "threshold was 0.00 and is 0.50"),
        (lambda form: form.slices.set_range(19, 24), "slices were 21 to 24 and are 20 to 24"),
        (lambda form: form.neighbours.setChecked(True), "neighbouring slices did not have a say"),
        (lambda form: form.noisy.setChecked(True), "the tomogram was not to be seen as noisy"),
        (lambda form: form.keep.setChecked(False), "the network's output was to be kept"),
    ],
    ids=["threshold", "slices", "neighbours", "noisy", "output"],
)
def test_segment_asks_where_something_else_is_asked_for(
    interrupted: SegmentPanel,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[object], None],
    words: str,
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(questions, "ask", lambda _, __, text, *___: asked.append(text) or "Cancel")
    change(interrupted.form)
    before = interrupted.offers.pending
    interrupted.start_button.click()
    assert interrupted.run is None and interrupted.offers.pending == before
    assert len(asked) == 1 and words in asked[0]


@pytest.mark.parametrize("answer", ["Go on with it", "Start again"])
def test_the_answer_decides_with_which_settings(
    interrupted: SegmentPanel,
    sample: MainWindow,
    sample_values: Values,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
    answer: str,
) -> None:
    monkeypatch.setattr(questions, "ask", lambda *_, **__: answer)
    interrupted.form.threshold.set_choice(0.5)
    interrupted.start_button.click()
    to_the_end(interrupted, qtbot)
    threshold = 0.0 if answer == "Go on with it" else 0.5
    assert interrupted.form.threshold.value == threshold
    assert np.array_equal(labels_of(sample)[20:24] == 255, truth(sample_values[20:24], threshold))


def test_going_on_shows_the_settings_that_go_on_and_the_project_has_them(
    segment_with: Prepare,
    toy_model: Path,
    sample: MainWindow,
    qtbot: QtBot,
    errors: list[Exception],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    then = SegmentParameters(
        model=str(toy_model),
        device="cpu",
        tile_px=128,
        threshold=0.25,
        polarity="dark",
        slices=(20, 24),
        trust="every",
        neighbours=0,
        leave_out=False,
        noisy=True,
    )
    computed: list[SegmentParameters] = []

    def record_only(
        recorder: object, known: object, parameters: SegmentParameters, *_: Any, **__: Any
    ) -> None:
        computed.append(parameters)
        raise UserError("enough")

    monkeypatch.setattr("sxtstudio.app.segment.panel.segment_document", record_only)
    panel = segment_with(toy_model.with_name("other.onnx"), (0, 64))
    form, session = panel.form, sample.session
    form.neighbours.setChecked(True)
    session.set_polarity(chosen_polarity("bright"))
    panel.offers.pending = Interrupted(then, 2, 4)
    panel.resume()
    to_the_end(panel, qtbot)
    assert computed == [then] and len(errors) == 1
    names = ("threshold", "polarity", "slices", "trust", "neighbours", "leave_out", "noisy", "probability")
    for name in ("model", "tile_px", *names):
        assert getattr(form.parameters(), name) == getattr(then, name), name
    session.collect_view()
    state = session.document.view["segment"]
    assert (state["noisy"], state["threshold"], state["slices"]) == (True, 0.25, ["range", 21, 24])
    panel.start_again()  # with what the fields say
    to_the_end(panel, qtbot)
    assert computed[1].noisy and computed[1].slices == (20, 24)


@pytest.mark.parametrize("aim", [Use.FEW_FALSE, Use.EVERYTHING, None])
def test_the_aim_that_goes_on_is_shown_where_the_model_knows_its_threshold(
    sample: MainWindow, qtbot: QtBot, aim: Use | None
) -> None:
    panel: SegmentPanel = sample.context.parts.segment
    sample.context.parts.side.show_panel(Panel.SEGMENT)
    qtbot.waitUntil(lambda: panel.form.ready, timeout=20_000)
    card = load_card("compact")
    then = 0.33 if aim is None else card.threshold_of(aim)
    panel.form.set_use(Use.BALANCED)
    panel.form.threshold.set_choice(0.5)
    panel.form.take_over(SegmentParameters(model=card.path, threshold=then))
    shown = panel.form.parameters()
    assert shown.use is aim and shown.threshold == (0.33 if aim is None else None)
    assert panel.form.threshold.value == pytest.approx(then)
