"""The wheel scrolls panels; it changes no control that somebody has not clicked into."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from PySide6.QtCore import QLocale, QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QDialog,
    QScrollArea,
    QScrollBar,
    QTabBar,
    QWidget,
)
from pytestqt.qtbot import QtBot

import sxtstudio.app
from sxtstudio.app.exports.volume import VolumeDialog
from sxtstudio.app.main_window import MainWindow
from sxtstudio.app.models.import_weights import ImportDialog
from sxtstudio.app.states import Panel
from sxtstudio.app.widgets.controls import ComboBox, DoubleSpinBox, RangeSlider, Slider, SpinBox

APP = Path(sxtstudio.app.__file__).parent
DIALOGS = ("file.export", "tools.batch", "tools.models", "tools.retrain", "tools.preferences")


def turn(widget: QWidget, notches: int) -> None:
    """Turn the wheel over the middle of a widget, which may be hidden."""
    place = QPointF(widget.rect().center())
    none, keys = Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier
    phase = Qt.ScrollPhase.NoScrollPhase
    event = QWheelEvent(
        place, widget.mapToGlobal(place), QPoint(), QPoint(0, 120 * notches), none, keys, phase, False
    )
    QApplication.sendEvent(widget, event)


def value_of(control: QWidget) -> object:
    return control.currentIndex() if isinstance(control, QComboBox | QTabBar) else control.value()


def controls_in(parent: QWidget) -> Iterator[QWidget]:
    """All that the wheel might change."""
    for widget in parent.findChildren(QWidget):
        if isinstance(widget, QAbstractSpinBox | QAbstractSlider | QComboBox | QTabBar):
            if not isinstance(widget, QScrollBar):
                yield widget


def test_no_control_of_any_panel_or_dialog_follows_the_wheel(sample: MainWindow, qtbot: QtBot) -> None:
    document, z = sample.session.document, sample.session.cursor[0]
    assert document is not None
    document.volume("labels")
    for name in DIALOGS:
        sample.actions_.by_name[name].trigger()
    others = [VolumeDialog(document), ImportDialog(sample.context)]
    dialogs = [w for w in QApplication.topLevelWidgets() if isinstance(w, QDialog)]
    assert len(dialogs) >= len(DIALOGS) + len(others)
    sample.setFocus()
    bar = sample.context.parts.slices.bar
    seen = 0
    for parent in (sample, *dialogs):
        for control in controls_in(parent):
            if bar.isAncestorOf(control):
                continue  # there the wheel goes through the slices, as over the view above
            for notches in (1, -1):
                before = value_of(control)
                turn(control, notches)
                assert value_of(control) == before, (parent, control, control.toolTip())
            seen += 1
    assert seen > 60 and sample.session.cursor[0] == z
    for dialog in others:
        dialog.deleteLater()


@pytest.mark.parametrize("which", list(Panel), ids=lambda panel: panel.value)
def test_the_wheel_over_a_control_scrolls_its_panel(sample: MainWindow, which: Panel, qtbot: QtBot) -> None:
    sample.resize(900, 420)
    sample.context.parts.side.show_panel(which)
    if which is Panel.EVALUATE:  # else there is too little in it to be scrolled
        sample.context.parts.evaluation.begin(range(9))
    panel = sample.context.parts.side.widget(which)
    area = panel.parent()
    while not isinstance(area, QScrollArea):
        area = area.parent()
    bar = area.verticalScrollBar()
    qtbot.waitUntil(lambda: bar.maximum() > 0)
    qtbot.wait(100)  # texts take their heights
    for control in controls_in(panel):
        if control.isVisible() and control.isEnabled():
            area.ensureWidgetVisible(control)
            before, way = bar.value(), -1 if bar.value() < bar.maximum() else 1
            # As the mouse does it: Qt finds the control under the pointer and passes on what that leaves.
            place = control.mapTo(sample, control.rect().center())
            QTest.wheelEvent(sample.windowHandle(), QPointF(place), QPoint(0, 120 * way))
            assert (bar.value() - before) * way < 0, control.toolTip()


def test_over_the_slice_slider_the_wheel_goes_the_way_of_the_view(sample: MainWindow, qtbot: QtBot) -> None:
    bar, session = sample.context.parts.slices.bar, sample.session
    sample.activateWindow()
    qtbot.waitUntil(sample.isActiveWindow)
    for control in (bar.slider, bar.field):
        for focus in (False, True):
            (control if focus else sample).setFocus()
            z = session.cursor[0]
            turn(control, -2)
            assert session.cursor[0] == z + 2, (control, focus)
            turn(control, 1)
            assert session.cursor[0] == z + 1, (control, focus)


@pytest.mark.parametrize("kind", [SpinBox, DoubleSpinBox, Slider, RangeSlider, ComboBox])
def test_a_control_with_the_focus(kind: type[QWidget], qtbot: QtBot) -> None:
    control = kind()
    if isinstance(control, ComboBox):
        control.addItems(["dark", "bright", "unknown"])
        control.setCurrentIndex(1)
    else:
        control.setValue((20.0, 60.0) if isinstance(control, RangeSlider) else 20)
    qtbot.addWidget(control)
    control.show()
    control.activateWindow()
    qtbot.waitUntil(control.isActiveWindow)
    control.setFocus()
    before = value_of(control)
    turn(control, 1)
    # A choice keeps the focus after it was made: scrolling on must not make another.
    assert (value_of(control) == before) == isinstance(control, ComboBox)


def test_everybody_uses_these_controls() -> None:
    """The walk above sees what is built; this sees what is built later, in dialogs with rare parts."""
    bare = {"QSpinBox", "QDoubleSpinBox", "QComboBox", "QSlider", "QDial", "QDateTimeEdit", "QTabBar"}
    bare |= {"QTabWidget", "QRangeSlider", "QDoubleRangeSlider", "QLabeledSlider"}
    for path in APP.rglob("*.py"):
        if path.name == "controls.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                name = ast.unparse(node.func).split(".")[-1]
                assert name not in bare, f"{path.name}:{node.lineno}: use app/widgets/controls.py"


@pytest.fixture(params=["C", "de_DE", "fr_FR", "en_US"])
def language(request: pytest.FixtureRequest) -> Iterator[None]:
    """The language of the system, which has its own commas and points."""
    before = QLocale()
    QLocale.setDefault(QLocale(request.param))
    yield
    QLocale.setDefault(before)


@pytest.mark.usefixtures("language")
@pytest.mark.parametrize(
    ("field", "typed", "value", "shown"),
    [
        (SpinBox, "1000000", 1_000_000, "1\u202f000\u202f000 faces"),
        (SpinBox, "1 000 000", 1_000_000, "1\u202f000\u202f000 faces"),
        (SpinBox, "25,000", 25_000, "25\u202f000 faces"),
        (SpinBox, "999", 999, "999 faces"),
        (SpinBox, "12.5", 13, "13 faces"),
        (DoubleSpinBox, "12345.5", 12345.5, "12\u202f345.50 faces"),
        (DoubleSpinBox, "0,25", 0.25, "0.25 faces"),
        (DoubleSpinBox, "-3.5", -3.5, "-3.50 faces"),
    ],
)
def test_numbers_are_shown_and_taken_as_the_program_writes_them(
    qtbot: QtBot, field: type[SpinBox | DoubleSpinBox], typed: str, value: float, shown: str
) -> None:
    """What is typed key by key; a key that cannot belong to a number does nothing."""
    box = field(minimum=-10_000_000, maximum=10_000_000, suffix=" faces")
    qtbot.addWidget(box)
    box.setValue(7)
    box.selectAll()
    qtbot.keyClicks(box, typed)
    qtbot.keyClick(box, Qt.Key.Key_Return)
    assert (box.value(), box.text()) == (value, shown)


@pytest.mark.parametrize("field", [SpinBox, partial(DoubleSpinBox, decimals=0)], ids=["whole", "no decimals"])
def test_a_number_that_another_program_has_copied_can_be_pasted(
    qtbot: QtBot, field: Callable[..., SpinBox | DoubleSpinBox]
) -> None:
    box = field(maximum=10_000_000)
    qtbot.addWidget(box)
    for pasted, value in (("1,250,000", 1_250_000), ("1\u202f250", 1250), ("1,5", 2), ("x", 2)):
        box.selectAll()
        QApplication.clipboard().setText(pasted)
        box.lineEdit().paste()
        qtbot.keyClick(box, Qt.Key.Key_Return)
        assert box.value() == value, pasted


def test_a_word_for_the_least_stays_a_word(qtbot: QtBot) -> None:
    box = DoubleSpinBox(maximum=1e12, decimals=0, specialValueText="Off")
    qtbot.addWidget(box)
    assert box.text() == "Off"
    box.setValue(1e12)
    assert box.text() == "1\u202f000\u202f000\u202f000\u202f000"
    box.selectAll()
    qtbot.keyClicks(box, "2,500")
    qtbot.keyClick(box, Qt.Key.Key_Return)
    assert box.value() == 2500
    box.setValue(0)
    assert box.text() == "Off"


def whole(low: int, high: int, suffix: str = "") -> SpinBox:
    box = SpinBox()
    box.setRange(low, high)
    box.setSuffix(suffix)
    return box


def decimal(low: float, high: float, decimals: int = 2, suffix: str = "") -> DoubleSpinBox:
    box = DoubleSpinBox()
    box.setRange(low, high)
    box.setDecimals(decimals)
    box.setSuffix(suffix)
    return box


@pytest.mark.parametrize(
    ("make", "typed", "value"),
    [
        (partial(decimal, -1, 0.99), "1.5", 0.99),
        (partial(decimal, -1, 0.99), "-3", -1),
        (partial(decimal, -1, 0.99), "0.456", 0.46),
        (partial(decimal, 0, 1e6, 0), "1e3", 1000),
        (partial(decimal, 0, 1e12, 0), "1.6", 2),
        (partial(decimal, 0.5, 100, 1, " %"), "250", 100),
        (partial(decimal, 0.5, 100, 1, " %"), "0.1", 0.5),
        (partial(decimal, -1e9, 1e9, 3), "-0,5", -0.5),
        (partial(whole, 0, 20, " times"), "-5", 0),
        (partial(whole, 0, 20, " times"), "21", 20),
        (partial(whole, 1, 350), "4000", 350),
        (partial(whole, 10, 100, " px"), "3", 10),
        (partial(whole, 0, 20), "1,7", 2),
        (partial(whole, 0, 20), "1.2", 1),
        (partial(whole, 0, 1_000_000, " px"), "12,345", 12345),
        (partial(whole, 0, 20), "7", 7),
        (partial(whole, 0, 20), "-", 5),
        (partial(whole, 0, 20), "abc", 5),
    ],
)
def test_a_number_that_does_not_fit_becomes_the_nearest_one(
    make: Callable[[], SpinBox | DoubleSpinBox], typed: str, value: float, qtbot: QtBot
) -> None:
    """Key by key, as a user types; the keys that Qt would pass over make another number of it."""
    box = make()
    qtbot.addWidget(box)
    box.setValue(5)
    box.show()
    heard: list[float] = []
    box.valueChanged.connect(heard.append)
    box.selectAll()
    QTest.keyClicks(box, typed)
    QTest.keyClick(box, Qt.Key.Key_Return)
    assert box.value() == pytest.approx(value)
    assert box.text() == box.prefix() + box.textFromValue(box.value()) + box.suffix()
    assert not heard or heard[-1] == pytest.approx(value)


@pytest.mark.parametrize(
    ("make", "typed", "value", "shown"),
    [
        (partial(decimal, -1, 0.99), "0.2", 0.2, "0.20"),
        (partial(decimal, -1, 0.99), "-0.05", -0.05, "-0.05"),
        (partial(decimal, 0, 100, 1, " px"), "0.5", 0.5, "0.5 px"),
        (partial(whole, 0, 10_000_000, " px"), "12345", 12345, "12\u202f345 px"),
    ],
)
def test_what_is_typed_stays_while_others_set_the_value_that_it_has(
    make: Callable[[], SpinBox | DoubleSpinBox], typed: str, value: float, shown: str, qtbot: QtBot
) -> None:
    """A slider beside the field, or a preview that comes back, sets what the field has just said."""
    box = make()
    box.valueChanged.connect(box.setValue)
    qtbot.addWidget(box)
    box.show()
    box.activateWindow()
    qtbot.waitUntil(box.isActiveWindow)
    box.setFocus()
    box.setValue(0.5 if isinstance(box, DoubleSpinBox) else 7)
    box.selectAll()
    for key in typed:
        QTest.keyClicks(box, key)
        qtbot.wait(20)
        box.setValue(box.value())
    QTest.keyClick(box, Qt.Key.Key_Tab)
    box.clearFocus()  # there is nothing else that Tab could go to
    assert box.value() == pytest.approx(value) and box.text() == shown
    box.setValue(box.minimum())
    assert box.value() == box.minimum(), "another value is taken"


def test_a_threshold_below_one_can_be_typed(sample: MainWindow, qtbot: QtBot) -> None:
    sample.activateWindow()
    qtbot.waitUntil(sample.isActiveWindow)
    segment, mask = sample.context.parts.segment, sample.context.parts.mask
    for panel, box in ((Panel.SEGMENT, segment.form.threshold.spin), (Panel.MASK, mask.threshold.smooth)):
        sample.context.parts.side.show_panel(panel)
        qtbot.waitUntil(lambda box=box: box.isVisible() and segment.form.ready)
        box.setFocus()
        box.selectAll()
        for key in "0.2":
            QTest.keyClicks(sample.focusWidget(), key)
            qtbot.wait(50)
        QTest.keyClick(box, Qt.Key.Key_Tab)
        assert box.value() == pytest.approx(0.2), panel
    assert segment.form.threshold.choice == 0.2
