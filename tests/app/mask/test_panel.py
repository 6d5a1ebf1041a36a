"""The cell mask from its panel: automatic, by grey value, by hand; everything can be undone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import mrcfile
import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from pytestqt.qtbot import QtBot
from scipy import ndimage

from sxtstudio.app import questions
from sxtstudio.app.jobs.job import Job
from sxtstudio.app.labels.tools.base import PointerEvent
from sxtstudio.app.main_window import MainWindow
from sxtstudio.app.mask.panel import MaskPanel
from sxtstudio.app.states import Panel
from sxtstudio.core.cellmask import MaskVolume, cell_mask
from sxtstudio.core.checked_volume import InputChangedError
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.edits import Recorder
from sxtstudio.core.errors import Cancelled, UserError
from sxtstudio.core.geometry import Box
from sxtstudio.core.polarity import chosen_polarity
from sxtstudio.workflow.jobs import cell_hints, document_mask
from sxtstudio.workflow.jobs.document_mask import MaskResult

SHAPE = (64, 384, 384)
DISC = np.hypot(*(np.indices(SHAPE[1:]) - 190)) < 60


@pytest.fixture
def shown(sample: MainWindow, errors: list[Exception], qtbot: QtBot) -> MainWindow:
    """The window with the panel in front, and the grey value found."""
    sample.session.set_polarity(chosen_polarity("dark"))
    sample.context.parts.side.show_panel(Panel.MASK)
    qtbot.waitUntil(lambda: not panel_of(sample)._grey_ranges.busy, timeout=20_000)
    return sample


def panel_of(window: MainWindow) -> MaskPanel:
    panel: MaskPanel = window.context.parts.mask
    return panel


def mask_of(window: MainWindow) -> NDArray[np.uint8]:
    assert window.session.document is not None
    mask = window.session.document.array("mask")
    assert mask is not None
    return mask


def click(window: MainWindow, name: str, qtbot: QtBot) -> None:
    panel = panel_of(window)
    getattr(panel, name).click()
    qtbot.waitUntil(lambda: panel.run is None, timeout=30_000)


def draw(window: MainWindow, z: int, where: NDArray[np.bool_], target: str = "mask") -> None:
    with window.session.edit(EditKind.POLYGON, target) as edit:
        edit.paint(Box.slab(z, z + 1, SHAPE), where[np.newaxis], 255)


def test_automatic_writes_what_the_engine_finds(
    shown: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    reduced = np.random.default_rng(0).random((16, 96, 96)) < 0.5
    asked: list[str] = []

    def found(volume: object, *, polarity: str, labels: object, progress: object) -> MaskVolume:
        asked.append(polarity)
        return MaskVolume(reduced, (4, 4, 4), SHAPE, notes=("Something to know.",))

    monkeypatch.setattr(document_mask, "cell_mask", found)
    click(shown, "automatic", qtbot)
    assert asked == ["dark"]
    assert np.array_equal(mask_of(shown), 255 * np.kron(reduced, np.ones((4, 4, 4), np.uint8)))
    assert "Something to know." in panel_of(shown).result.text()
    percent = f"{100 * reduced.mean():.0f} %"
    qtbot.waitUntil(lambda: percent in panel_of(shown).fraction.text(), timeout=10_000)
    shown.session.undo()
    assert panel_of(shown).result.text() == "", "what was said of the mask went with it"
    assert "no cell mask yet" in panel_of(shown).fraction.text()
    assert shown.session.document.labels is None
    shown.session.undo()
    assert not mask_of(shown).any()


def test_automatic_by_the_menu_judges_the_polarity_first(
    tomogram: Path, open_file: Callable[[Path], MainWindow], qtbot: QtBot
) -> None:
    window = open_file(tomogram)
    window.actions_.by_name["segment.mask_automatic"].trigger()
    panel = panel_of(window)
    qtbot.waitUntil(lambda: panel.run is None, timeout=30_000)
    document = window.session.document
    expected = cell_mask(document.tomogram, polarity=document.polarity.value)
    assert np.array_equal(document.mask, 255 * expected.read(Box.whole(document.shape)))
    assert set(expected.notes) <= set(panel.result.text().split("\n"))


def test_where_nothing_tells_the_cell_there_is_no_mask_and_segmenting_is_offered(
    shown: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = MaskVolume(np.ones((16, 96, 96), bool), (4, 4, 4), SHAPE, ice_found=False)
    monkeypatch.setattr(document_mask, "cell_mask", lambda *_, **__: whole)
    monkeypatch.setattr(cell_hints, "mask_by_hints", lambda *_: None)
    panel = panel_of(shown)
    click(shown, "automatic", qtbot)
    said = panel.result.text()
    assert "do not tell cell from ice" in said and "Nothing was to be changed" not in said
    assert not mask_of(shown).any()
    assert "no cell mask yet" in panel.fraction.text()
    assert panel.segment_first.isVisible()
    panel.segment_first.click()
    assert shown.context.parts.side.current == Panel.SEGMENT
    shown.context.parts.side.show_panel(Panel.MASK)
    click(shown, "make", qtbot)
    assert not panel.segment_first.isVisible()


def test_by_grey_value_preview_and_all_slices(
    shown: MainWindow, qtbot: QtBot, sample_values: NDArray[np.float32]
) -> None:
    panel = panel_of(shown)
    panel.threshold.smooth.setValue(4)
    panel.threshold.large_only.setChecked(False)
    panel.threshold.set_value(185)
    shown.session.set_cursor((20, 0, 0))
    panel.live.setChecked(True)
    qtbot.waitUntil(lambda: shown.session.preview is not None, timeout=10_000)
    smooth = np.stack([ndimage.gaussian_filter(p, 4, mode="nearest") for p in sample_values])
    expected = np.stack([ndimage.binary_fill_holes(p < 185) for p in smooth])
    inner = ndimage.binary_erosion(expected[20], iterations=2, border_value=1)
    preview = shown.session.preview
    assert preview is not None and preview.z == 20
    assert np.array_equal(preview.labels == 255, expected[20] & ~inner)
    click(shown, "make", qtbot)
    assert 0.05 < expected.mean() < 0.95
    assert np.array_equal(mask_of(shown) == 255, expected)
    assert shown.session.preview is None
    assert shown.session.document.steps[-1].parameters["value"] == 185


@pytest.mark.parametrize("button", ["automatic", "make"])
def test_a_tomogram_that_is_replaced_meanwhile_gives_no_mask(
    button: str,
    tomogram: Path,
    open_file: Callable[[Path], MainWindow],
    qtbot: QtBot,
    errors: list[Exception],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    window = open_file(tomogram)
    window.session.set_polarity(chosen_polarity("dark"))
    name = "make_automatic" if button == "automatic" else "make_by_threshold"
    work = getattr(document_mask, name)

    def replaced(recorder: Recorder, *rest: object) -> MaskResult:
        result: MaskResult = work(recorder, *rest)
        recorder.write(
            Box.slab(0, 1, recorder.labels.shape), np.full((1, *recorder.labels.shape[1:]), 255, np.uint8)
        )
        with mrcfile.open(tomogram, mode="r+") as file:
            file.data[:] = file.data[::-1].copy()
        return result

    monkeypatch.setattr(document_mask, name, replaced)
    click(window, button, qtbot)
    (error,) = errors
    assert isinstance(error, InputChangedError)
    mask = window.session.document.array("mask")
    assert mask is None or not mask.any(), "what was made of it is taken back"


def test_invert_fill_clear_and_undo(shown: MainWindow, qtbot: QtBot) -> None:
    ring = DISC & (np.hypot(*(np.indices(SHAPE[1:]) - 190)) > 30)
    draw(shown, 10, ring)
    click(shown, "fill", qtbot)
    assert np.array_equal(mask_of(shown)[10] == 255, DISC)
    click(shown, "invert", qtbot)
    assert np.array_equal(mask_of(shown)[10] == 0, DISC) and (mask_of(shown)[11] == 255).all()
    click(shown, "clear", qtbot)
    assert not mask_of(shown).any()
    for _ in range(3):
        shown.session.undo()
    assert np.array_equal(mask_of(shown)[10] == 255, ring) and not mask_of(shown)[11].any()


def test_slices_between_drawn_ones_are_filled_in(
    shown: MainWindow, qtbot: QtBot, errors: list[Exception]
) -> None:
    draw(shown, 10, DISC)
    click(shown, "interpolate", qtbot)
    assert len(errors) == 1 and "at least two slices" in str(errors[0])
    draw(shown, 20, DISC)
    click(shown, "interpolate", qtbot)
    assert np.array_equal(mask_of(shown)[15] == 255, DISC)
    assert not mask_of(shown)[:10].any() and not mask_of(shown)[21:].any()
    shown.session.undo()
    assert not mask_of(shown)[15].any() and mask_of(shown)[20].any()


def test_labels_outside_go(shown: MainWindow, qtbot: QtBot) -> None:
    draw(shown, 10, DISC)
    everything = np.ones(SHAPE[1:], bool)
    draw(shown, 10, everything, "labels")
    draw(shown, 11, everything, "labels")
    click(shown, "cut", qtbot)
    labels = shown.session.document.labels
    assert np.array_equal(labels[10] == 255, DISC) and not labels[11].any()
    shown.session.undo()
    assert labels[10].all() and labels[11].all()


def test_a_mask_is_saved_and_loaded_again(
    shown: MainWindow,
    qtbot: QtBot,
    tmp_path: Path,
    errors: list[Exception],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path, wrong = tmp_path / "mask.tif", tmp_path / "wrong.tif"
    draw(shown, 10, DISC)
    monkeypatch.setattr(questions, "save_file", lambda *args: path)
    panel_of(shown).save.click()
    qtbot.waitUntil(lambda: "mask.tif" in panel_of(shown).result.text(), timeout=20_000)
    assert np.array_equal(tifffile.imread(path)[10] != 0, DISC)
    click(shown, "clear", qtbot)
    monkeypatch.setattr(questions, "open_file", lambda *args: path)
    click(shown, "load", qtbot)
    assert np.array_equal(mask_of(shown)[10] == 255, DISC) and not mask_of(shown)[11].any()
    tifffile.imwrite(wrong, np.zeros((5, 20, 20), np.uint8))
    monkeypatch.setattr(questions, "open_file", lambda *args: wrong)
    before = mask_of(shown).copy()
    click(shown, "load", qtbot)
    assert len(errors) == 1 and isinstance(errors[0], UserError) and "5 × 20 × 20" in str(errors[0])
    assert np.array_equal(mask_of(shown), before)


def test_a_cancel_leaves_the_mask(shown: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    draw(shown, 10, DISC)
    before, calls = mask_of(shown).copy(), []
    monkeypatch.setattr(document_mask, "SLAB_VOXELS", SHAPE[1] * SHAPE[2])
    report = Job.report

    def second(job: Job, box: Box) -> None:
        calls.append(box)
        if len(calls) == 2:
            raise Cancelled
        report(job, box)

    monkeypatch.setattr(Job, "report", second)
    click(shown, "invert", qtbot)
    assert len(calls) == 2 and np.array_equal(mask_of(shown), before)
    assert shown.session.busy is None


def test_tools_change_the_mask_while_the_panel_is_shown(shown: MainWindow) -> None:
    panel, tool = panel_of(shown), shown.session.tool
    assert (tool.value.target, tool.value.tool) == ("mask", "look")
    panel.tools["lasso"].click()
    assert (tool.value.target, tool.value.tool) == ("mask", "lasso")
    assert panel.tools["lasso"].isChecked() and not panel.tools["brush"].isChecked()
    panel.tools["brush"].click()
    assert tool.value.tool == "brush" and not panel.tools["lasso"].isChecked()
    panel.tools["brush"].click()
    assert tool.value.tool == "look"
    panel.tools["polygon"].click()
    shown.context.parts.side.show_panel(Panel.SEGMENT)
    assert (tool.value.target, tool.value.tool) == ("labels", "look")


def test_a_document_that_goes_in_the_middle(
    shown: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, errors: list[Exception]
) -> None:
    def endless(volume: object, *, polarity: str, progress: object) -> MaskVolume:
        while True:
            progress.check()

    monkeypatch.setattr(document_mask, "cell_mask", endless)
    panel: MaskPanel = panel_of(shown)
    panel.automatic.click()
    run = panel.run
    assert run is not None and shown.session.busy
    shown.session.document.modified = False
    shown.session.show(None)
    assert not run.job.running and panel.run is None and shown.session.busy is None
    qtbot.waitUntil(lambda: not shown.jobs.running, timeout=10_000)
    assert not errors and len(shown.session.history) == 0


def test_every_panel_button_says_what_it_does(shown: MainWindow) -> None:
    from PySide6.QtWidgets import QAbstractButton

    for name in (Panel.SEGMENT, Panel.CLEAN, Panel.MASK):
        for button in shown.context.parts.side.widget(name).findChildren(QAbstractButton):
            if not button.objectName().startswith("qt_"):
                assert button.toolTip() or button.text(), f"{name}: {button}"


def test_a_polygon_of_the_mouse_goes_into_the_mask(shown: MainWindow, qtbot: QtBot) -> None:
    panel, toolbox = panel_of(shown), shown.context.parts.toolbox
    shown.session.set_cursor((10, 0, 0))
    panel.tools["polygon"].click()
    corners = [(100.0, 100.0), (100.0, 200.0), (180.0, 200.0), (180.0, 100.0)]
    for row, column in corners:
        for send in (toolbox.press, toolbox.release):
            send(PointerEvent("xy", row, column, 10, "left"))
    last = PointerEvent("xy", *corners[-1], 10, "left", double=True)
    toolbox.press(last)
    toolbox.release(last)
    qtbot.waitUntil(lambda: shown.session.document.mask is not None, timeout=5000)
    assert (mask_of(shown)[10, 102:179, 102:199] == 255).all()
    assert np.count_nonzero(mask_of(shown)) == pytest.approx(80 * 100, rel=0.05)
    assert shown.session.document.labels is None
    qtbot.waitUntil(lambda: "less than 0.1 %" in panel.fraction.text(), timeout=10_000)


def test_a_drawn_mask_is_continued_to_the_ends_and_until_then_it_says_what_is_bare(
    shown: MainWindow, qtbot: QtBot
) -> None:
    small, large = np.hypot(*(np.indices(SHAPE[1:]) - 190)) < 30, DISC
    draw(shown, 5, small)
    draw(shown, 9, large)
    click(shown, "interpolate", qtbot)
    said = panel_of(shown).result.text()
    assert "No mask in slice 1-5, 11-64:" in said and "“To the ends” takes" in said
    drawn = mask_of(shown)[5:10].copy()
    click(shown, "to_ends", qtbot)
    mask = mask_of(shown) != 0
    assert (mask[:5] == small).all() and (mask[10:] == large).all()
    assert np.array_equal(mask_of(shown)[5:10], drawn)
    assert shown.session.document.steps[-1].name == "Continue the mask to the ends"
    shown.session.undo()
    assert not mask_of(shown)[:5].any() and not mask_of(shown)[10:].any()
    shown.session.redo()
    assert document_mask.bare_ends(mask_of(shown)) == ()
