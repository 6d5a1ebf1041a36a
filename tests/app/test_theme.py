"""Dark and light: whatever has an icon keeps it in the colours of the window."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QSize
from PySide6.QtGui import QAction, QColor, QIcon
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QCheckBox,
    QPushButton,
    QRadioButton,
    QTableWidgetItem,
    QWidget,
)
from pytestqt.qtbot import QtBot

from sxtstudio.app import theme
from sxtstudio.app.batch.dialog import BatchDialog
from sxtstudio.app.help.tutorial import TutorialDialog
from sxtstudio.app.jobs.bar import JobRow
from sxtstudio.app.jobs.job import Job
from sxtstudio.app.main_window import MainWindow
from sxtstudio.app.models.dialog import ModelsDialog
from sxtstudio.app.retrain.dialog import RetrainDialog
from sxtstudio.app.widgets.fields import ColourButton


@pytest.fixture
def app(qapp: QApplication) -> Iterator[QApplication]:
    """The application, which looks again as before at the end."""
    palette, sheet = qapp.palette(), qapp.styleSheet()
    yield qapp
    theme.apply(qapp, "system")
    qapp.setPalette(palette)
    qapp.setStyleSheet(sheet)


def brightness(icon: QIcon) -> float:
    """Mean lightness of what is opaque."""
    image = icon.pixmap(QSize(24, 24)).toImage()
    pixels = [image.pixelColor(x, y) for x in range(image.width()) for y in range(image.height())]
    solid = [pixel.lightness() for pixel in pixels if pixel.alpha() > 200]
    return sum(solid) / len(solid) if solid else -1.0


def all_icons(*places: QWidget) -> dict[str, QIcon]:
    found: dict[str, QIcon] = {}
    for place in places:
        for button in place.findChildren(QAbstractButton):
            # A main button is blue in either theme, some show a colour, some are Qt's own.
            other = (
                button.property("role") == "main"
                or button.property("role") == "colour"
                or isinstance(button, ColourButton)
                or button.objectName().startswith("qt_")
            )
            if not other and not button.icon().isNull():
                found[f"{type(place).__name__}: {button.text() or button.toolTip()}"] = button.icon()
        for action in place.findChildren(QAction):
            if not action.icon().isNull():
                found[f"action {action.text()}"] = action.icon()
    return found


def test_every_icon_follows_the_theme(window: MainWindow, app: QApplication, qtbot: QtBot) -> None:
    dialogs = [window.context.dialogs.bring_up(kind) for kind in (BatchDialog, ModelsDialog, RetrainDialog)]
    batch = dialogs[0]
    batch.add([Path("a.mrc")])
    row = JobRow(Job("work", lambda job: None))
    qtbot.addWidget(row)
    cell: QTableWidgetItem = batch.table.item(0, 1)
    for _ in range(2):  # also the way back
        for scheme, low, high in (("dark", 140, 256), ("light", 0, 116)):
            theme.apply(app, scheme)
            app.processEvents()
            icons = all_icons(window, row, *dialogs) | {"cell": cell.icon()}
            assert len(icons) > 60
            wrong = {name for name, icon in icons.items() if not low <= brightness(icon) < high}
            assert not wrong, f"{scheme}: {sorted(wrong)}"


def test_a_button_has_one_icon_and_forgets_it_when_it_goes(app: QApplication, qtbot: QtBot) -> None:
    place = QWidget()
    qtbot.addWidget(place)
    button = QPushButton(place)
    theme.set_icon(button, "mdi6.play")
    theme.set_icon(button, "mdi6.pause")
    shown = button.icon().cacheKey()
    theme.set_icon(button, "mdi6.pause")
    assert button.icon().cacheKey() == shown and len(button.children()) == 1
    button.deleteLater()
    app.processEvents()
    theme.apply(app, "dark")
    theme.apply(app, "light")
    app.processEvents()


def luminance(colour: QColor) -> float:
    """Relative luminance, as WCAG 2.2 defines it."""
    parts = [value / 255 for value in (colour.red(), colour.green(), colour.blue())]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: QColor, other: QColor) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", ["dark", "light"])
@pytest.mark.parametrize("kind", [QCheckBox, QRadioButton])
@pytest.mark.parametrize("usable", [True, False], ids=["usable", "greyed"])
def test_boxes_are_seen_ticked_or_not(
    app: QApplication, qtbot: QtBot, scheme: theme.Scheme, kind: type[QAbstractButton], usable: bool
) -> None:
    theme.apply(app, scheme)
    box = kind("words")
    box.setEnabled(usable)
    qtbot.addWidget(box)
    box.show()
    for ticked in (False, True):
        box.setChecked(ticked)
        picture = box.grab().toImage()
        ground = picture.pixelColor(picture.width() - 1, 0)
        seen = [contrast(picture.pixelColor(x, box.height() // 2), ground) for x in range(16)]
        assert max(seen) >= 3, f"{scheme}: WCAG asks for 3 of what is no text"
    assert sum(value > 1.5 for value in seen) > 8, "a ticked box is filled"


def test_no_title_of_the_tutorial_is_cut_off(window: MainWindow) -> None:
    steps = window.context.dialogs.bring_up(TutorialDialog).list
    QApplication.processEvents()
    for number in range(steps.count()):
        width = steps.fontMetrics().horizontalAdvance(steps.item(number).text())
        assert width < steps.viewport().width(), steps.item(number).text()
    assert steps.horizontalScrollBar().maximum() == 0
