"""The panel for contrast and overlays, the first look, the start page and the menu View."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import mrcfile
import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QWheelEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from sxtstudio.app import theme
from sxtstudio.app.actions.view import ACTIONS
from sxtstudio.app.document.first_look import FirstLook
from sxtstudio.app.main_window import MainWindow
from sxtstudio.app.slices.histogram import Histogram
from sxtstudio.app.slices.panel import ImagePanel
from sxtstudio.app.slices.view import SlicesView
from sxtstudio.core.polarity import chosen_polarity

Open = Callable[[Path], MainWindow]


@pytest.fixture
def latest(open_file: Open, tmp_path: Path, qtbot: QtBot) -> MainWindow:
    """A small tomogram whose file does not say how large a voxel is."""
    data = np.random.default_rng(2).normal(50, 5, (6, 60, 70)).astype(np.float32)
    data[2, 30, 30], data[3, 10, 10] = -7.5, 111.25
    path = tmp_path / "no <size>.mrc"
    with mrcfile.new(path, data):
        pass
    window = open_file(path)
    wait(window, qtbot)
    return window


def wait(window: MainWindow, qtbot: QtBot) -> None:
    slices: SlicesView = window.context.parts.slices
    qtbot.waitUntil(
        lambda: not slices.first_scan.running and slices.views["xy"].image.image is not None, timeout=20_000
    )


def panel_of(window: MainWindow) -> ImagePanel:
    panel: ImagePanel = window.context.parts.image
    return panel


def look_of(window: MainWindow) -> FirstLook:
    strip: FirstLook = window.context.parts.first_look
    return strip


def run(window: MainWindow, name: str) -> None:
    window.actions_.by_name[f"view.{name}"].trigger()


def test_first_look_says_what_the_file_holds(latest: MainWindow) -> None:
    text = look_of(latest).line.text()
    for words in (
        "no &lt;size>.mrc",
        "6 × 60 × 70 voxels (z × y × x)",
        "voxel size unknown",
        "-7.5 to 111.2",
    ):
        assert words in text
    assert "structures are" in text or "polarity unclear" in text


def test_first_look_asks_for_the_voxel_size(latest: MainWindow, qtbot: QtBot) -> None:
    strip = look_of(latest)
    assert strip.question.isVisible()
    strip.size_nm.setValue(12.5)
    qtbot.mouseClick(strip.apply, Qt.MouseButton.LeftButton)
    document = latest.session.document
    assert document is not None and document.voxel_nm == (12.5, 12.5, 12.5)
    assert not strip.question.isVisible() and "12.5 nm voxels" in strip.line.text()
    assert panel_of(latest).voxel.voxel_nm == (12.5, 12.5, 12.5)
    qtbot.mouseClick(strip.close_button, Qt.MouseButton.LeftButton)
    assert strip.isHidden()


def test_first_look_says_for_which_file_the_offered_size_was_given(latest: MainWindow, qtbot: QtBot) -> None:
    strip = look_of(latest)
    assert not strip.as_for.isVisible()
    strip.size_nm.setValue(12.5)
    qtbot.mouseClick(strip.apply, Qt.MouseButton.LeftButton)
    document = latest.session.document
    assert document is not None
    strip.size_nm.setValue(99)  # typed, and not applied
    document.voxel_nm = None
    latest.session.document_changed.emit()
    assert strip.size_nm.value() == 12.5 and strip.as_for.isVisible()
    assert strip.as_for.text() == "as for no <size>.mrc, the last file"


def test_first_look_takes_no_for_an_answer(latest: MainWindow, qtbot: QtBot) -> None:
    strip = look_of(latest)
    qtbot.mouseClick(strip.unknown, Qt.MouseButton.LeftButton)
    assert not strip.question.isVisible() and strip.isVisible()
    assert latest.session.document is not None and latest.session.document.voxel_nm is None


def test_first_look_of_the_sample(sample: MainWindow, qtbot: QtBot) -> None:
    wait(sample, qtbot)
    text = look_of(sample).line.text()
    assert (
        "64 × 384 × 384 voxels (z × y × x)" in text
        and "10 nm voxels" in text
        and "structures are dark (95 % sure)" in text
    )
    assert not look_of(sample).question.isVisible()
    assert sample.session.document is not None and not sample.session.document.modified


def test_start_page_shows_what_can_be_opened(window: MainWindow, qtbot: QtBot) -> None:
    slices: SlicesView = window.context.parts.slices
    page = slices.start_page
    assert page.isVisible() and not slices.planes.isVisible() and look_of(window).isHidden()
    with qtbot.waitSignal(window.session.document_changed, timeout=20_000):
        qtbot.mouseClick(page.sample, Qt.MouseButton.LeftButton)
    assert not page.isVisible() and slices.planes.isVisible()


def test_automatic_contrast_and_the_histogram(latest: MainWindow, qtbot: QtBot) -> None:
    panel, display = panel_of(latest), latest.session.display
    state = display.value
    assert 25 < state.low < 40 < 60 < state.high < 75
    display.set(low=0.0, high=1.0)
    qtbot.mouseClick(panel.auto, Qt.MouseButton.LeftButton)
    assert (display.value.low, display.value.high) == (state.low, state.high)
    qtbot.mouseClick(panel.auto_slice, Qt.MouseButton.LeftButton)
    assert display.value.low == pytest.approx(state.low, abs=3)
    assert (panel.histogram.low, panel.histogram.high) == (display.value.low, display.value.high)
    peak = int(np.argmax(panel.histogram.heights))
    assert panel.histogram.value_at(panel.histogram.x_of(50)) == pytest.approx(50)
    low, high = panel.histogram.range
    assert low + (peak + 0.5) / len(panel.histogram.heights) * (high - low) == pytest.approx(50, abs=4)


def drag(bars: Histogram, qtbot: QtBot, *places: float) -> None:
    """Press at the first place, x in the widget, and let go at the last."""
    plot = bars.view.viewport()
    at = [plot.mapFrom(bars, QPointF(x, 20).toPoint()) for x in places]
    qtbot.mouseMove(plot, at[0])
    qtbot.mousePress(plot, Qt.MouseButton.LeftButton, pos=at[0])
    for place in at[1:]:
        qtbot.wait(15)  # pyqtgraph takes no more than a hundred movements a second
        qtbot.mouseMove(plot, place)
    qtbot.mouseRelease(plot, Qt.MouseButton.LeftButton, pos=at[-1])


@pytest.mark.parametrize("held", ["low", "high", "both"])
def test_handles_of_the_histogram(latest: MainWindow, qtbot: QtBot, held: str) -> None:
    panel, display = panel_of(latest), latest.session.display
    display.set(low=40.0, high=60.0)
    bars = panel.histogram
    start = {"low": bars.x_of(40), "high": bars.x_of(60), "both": bars.x_of(50)}[held]
    end = bars.x_of(bars.value_at(start) - 3)
    drag(bars, qtbot, start, end)
    expected = {"low": (37, 60), "high": (40, 57), "both": (37, 57)}[held]
    assert (display.value.low, display.value.high) == pytest.approx(expected, abs=0.5)


@pytest.mark.parametrize(("place", "expected"), [(36, (36, 60)), (64, (40, 64))])
def test_press_beside_the_window_brings_the_nearer_handle(
    latest: MainWindow, qtbot: QtBot, place: float, expected: tuple[float, float]
) -> None:
    bars, display = panel_of(latest).histogram, latest.session.display
    display.set(low=40.0, high=60.0)
    drag(bars, qtbot, bars.x_of(place))
    assert (display.value.low, display.value.high) == pytest.approx(expected, abs=0.3)
    beyond = 2 * place - 50
    display.set(low=40.0, high=60.0)
    drag(bars, qtbot, bars.x_of(place), bars.x_of((place + beyond) / 2), bars.x_of(beyond))
    further = tuple(beyond if value == place else value for value in expected)
    assert (display.value.low, display.value.high) == pytest.approx(further, abs=0.5)


def test_handles_keep_apart_and_stay_in_sight(latest: MainWindow, qtbot: QtBot) -> None:
    bars, display = panel_of(latest).histogram, latest.session.display
    display.set(low=40.0, high=60.0)
    drag(bars, qtbot, bars.x_of(40), bars.x_of(50), bars.x_of(75))
    assert 59 < display.value.low < display.value.high == 60
    display.set(low=-500.0, high=60.0)  # as one can type it
    least, _ = bars.range
    drag(bars, qtbot, bars.x_of(least), bars.x_of(40))
    assert (display.value.low, display.value.high) == pytest.approx((40, 60), abs=0.5)
    display.set(low=-500.0, high=60.0)
    drag(bars, qtbot, bars.x_of(50), bars.x_of(45))
    assert (display.value.low, display.value.high) == pytest.approx((-505, 55), abs=0.5)


def test_wheel_over_the_histogram_is_left_to_the_panel(latest: MainWindow) -> None:
    bars = panel_of(latest).histogram
    before = bars.view.viewRange()
    middle = QPointF(bars.view.viewport().rect().center())
    none = Qt.KeyboardModifier.NoModifier
    turned = QWheelEvent(
        middle,
        bars.mapToGlobal(middle),
        QPoint(),
        QPoint(0, -120),
        Qt.MouseButton.NoButton,
        none,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(bars.view.viewport(), turned)
    assert not turned.isAccepted()  # Qt gives it to the panel behind, which scrolls
    assert bars.view.viewRange() == before


def test_arrow_keys_move_the_window(latest: MainWindow, qtbot: QtBot) -> None:
    bars, display = panel_of(latest).histogram, latest.session.display
    for key, expected in (
        (Qt.Key.Key_Left, (39, 59)),
        (Qt.Key.Key_Right, (41, 61)),
        (Qt.Key.Key_Up, (40.5, 59.5)),
        (Qt.Key.Key_Down, (39.5, 60.5)),
    ):
        display.set(low=40.0, high=60.0)
        qtbot.keyClick(bars, key)
        assert (display.value.low, display.value.high) == pytest.approx(expected)


def test_numbers_are_taken_as_one_writes_them(latest: MainWindow, qtbot: QtBot) -> None:
    panel, display = panel_of(latest), latest.session.display
    display.set(low=40.0, high=60.0)

    def enter(text: str) -> None:
        panel.low.setFocus()
        panel.low.selectAll()
        qtbot.keyClicks(panel.low, text)
        qtbot.keyClick(panel.low, Qt.Key.Key_Return)

    enter("45,5")
    assert display.value.low == 45.5
    enter("nonsense")
    assert display.value.low == 45.5 and panel.low.text() == "45.5"
    enter("70")  # beyond the other end, which gives way
    assert (display.value.low, display.value.high) == (70, 84.5)


def test_panel_and_display_agree(latest: MainWindow, qtbot: QtBot) -> None:
    panel, display = panel_of(latest), latest.session.display
    for box, field in (
        (panel.inverted, "inverted"),
        (panel.smooth, "smooth"),
        (panel.labels, "labels_visible"),
        (panel.outline, "mask_visible"),
        (panel.left_out, "left_out"),
        (panel.crosshair, "crosshair"),
        (panel.scale_bar, "scale_bar"),
    ):
        before = getattr(display.value, field)
        box.click()
        assert getattr(display.value, field) is not before
        display.set(**{field: before})
        assert box.isChecked() is before
    panel.opacity.setValue(80)
    assert display.value.label_opacity == 0.8
    panel.label_colour.click()
    dialog = panel.label_colour.dialog
    assert dialog is not None
    dialog.setCurrentColor(QColor(10, 20, 30))
    dialog.accept()
    assert display.value.label_rgb == (10, 20, 30)


def test_voxel_fields_for_each_axis(latest: MainWindow) -> None:
    panel, document = panel_of(latest), latest.session.document
    assert document is not None
    panel.voxel.fields["x"].setValue(10)
    assert document.voxel_nm == (10, 10, 10)
    panel.voxel.same.setChecked(False)
    panel.voxel.fields["z"].setValue(25)
    assert document.voxel_nm == (25, 10, 10)
    slices: SlicesView = latest.context.parts.slices
    assert slices.camera.voxel == (25, 10, 10)
    latest.session.set_voxel_nm((30, 20, 10))
    assert panel.voxel.voxel_nm == (30, 20, 10) and not panel.voxel.same.isChecked()


def test_polarity_can_be_flipped(latest: MainWindow, qtbot: QtBot) -> None:
    panel, document = panel_of(latest), latest.session.document
    assert document is not None and document.polarity is not None
    before, after = document.polarity.value, document.polarity.other
    assert before in panel.polarity.text()
    qtbot.mouseClick(panel.flip, Qt.MouseButton.LeftButton)
    assert document.polarity == chosen_polarity(after) and after in panel.polarity.text()
    assert document.modified and "Chosen by you" in panel.reason.text()


# -- menu View -----------------------------------------------------------------------------------


def test_menu_goes_through_the_slices(latest: MainWindow) -> None:
    session = latest.session
    for name, z in (("first", 0), ("next", 1), ("last", 5), ("previous", 4), ("middle", 3)):
        run(latest, name)
        assert session.cursor[0] == z, name


def test_menu_zooms_and_fits(latest: MainWindow) -> None:
    slices: SlicesView = latest.context.parts.slices
    run(latest, "fit")
    fitted = slices.camera.zoom
    run(latest, "zoom_in")
    assert slices.camera.zoom == pytest.approx(fitted * 1.25)
    run(latest, "zoom_out")
    assert slices.camera.zoom == pytest.approx(fitted)


def test_menu_ticks_follow_whoever_switches(latest: MainWindow) -> None:
    display, by_name = latest.session.display, latest.actions_.by_name
    for name, field in (
        ("labels", "labels_visible"),
        ("mask", "mask_visible"),
        ("crosshair", "crosshair"),
        ("scale_bar", "scale_bar"),
        ("invert", "inverted"),
        ("smooth", "smooth"),
    ):
        before = getattr(display.value, field)
        run(latest, name)
        assert getattr(display.value, field) is not before
        display.set(**{field: before})
        assert by_name[f"view.{name}"].isChecked() is before
    run(latest, "colours.magma")
    assert display.value.colour_map == "magma" and not by_name["view.colours.grey"].isChecked()
    run(latest, "colours.magma")
    assert display.value.colour_map == "magma" and by_name["view.colours.magma"].isChecked()
    display.set(colour_map="grey")
    assert by_name["view.colours.grey"].isChecked()


def test_menu_shows_and_hides_the_side_views(latest: MainWindow) -> None:
    slices: SlicesView = latest.context.parts.slices
    run(latest, "sides")
    assert not slices.views["yz"].isVisible() and not slices.views["xz"].isVisible()
    run(latest, "sides")
    assert slices.views["yz"].isVisible() and slices.views["xz"].isVisible()


def test_menu_restores_the_contrast(latest: MainWindow) -> None:
    before = latest.session.display.value
    latest.session.display.set(low=1.0, high=2.0)
    run(latest, "auto")
    assert latest.session.display.value == before


def ticked(window: MainWindow) -> list[str]:
    by_name = window.actions_.by_name
    return [name for name in ("dark", "light", "system") if by_name[f"view.theme.{name}"].isChecked()]


def test_menu_styles_the_window(latest: MainWindow) -> None:
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    sheet, palette = app.styleSheet(), app.palette()
    try:
        run(latest, "theme.dark")
        assert theme.is_dark() and latest.settings.get("theme", "") == "dark"
        assert ticked(latest) == ["dark"]
        run(latest, "theme.light")
        assert not theme.is_dark() and latest.settings.get("theme", "") == "light"
        assert ticked(latest) == ["light"]
    finally:
        theme.apply(app, "system")
        app.setPalette(palette)
        app.setStyleSheet(sheet)


def test_full_screen_and_back(latest: MainWindow) -> None:
    run(latest, "full_screen")
    assert latest.isFullScreen()
    run(latest, "full_screen")
    assert not latest.isFullScreen()


def test_every_entry_of_the_menu_has_a_name_of_its_own() -> None:
    texts = [(info.menu, info.text) for info in ACTIONS]
    assert len(set(texts)) == len(texts)
