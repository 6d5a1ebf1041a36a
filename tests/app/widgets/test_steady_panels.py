"""What comes while the user works moves and squashes nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from sxtstudio.app.main_window import MainWindow
from sxtstudio.app.states import Panel
from sxtstudio.app.widgets.footer import Footer
from sxtstudio.app.widgets.notes import ThresholdField, form, note, show_note
from sxtstudio.app.widgets.scroll import VerticalScroll
from sxtstudio.core.polarity import Basis, Polarity
from sxtstudio.core.trust import SliceTrust

LONG = "In two of three slices that were looked at, membranes are bright; the image leaves a doubt. " * 4


def place(widget: QWidget, window: QWidget) -> tuple[int, int]:
    where = widget.mapTo(window, QPoint())
    return where.x(), where.y()


@pytest.mark.parametrize("height", [110, 400])
def test_a_panel_scrolls_rather_than_squashing(qtbot: QtBot, height: int) -> None:
    page, inner, fields = QWidget(), QWidget(), form()
    remark, threshold, below = note(), ThresholdField(), note()
    for row in (remark, threshold, below):
        fields.addRow(row)
    QVBoxLayout(inner).addLayout(fields)
    column = QVBoxLayout(page)
    column.addWidget(inner)
    column.addStretch()
    area = VerticalScroll(page)
    qtbot.addWidget(area)
    area.resize(330, height)
    area.show()
    qtbot.waitExposed(area)

    def all_as_high_as_they_need() -> None:
        assert threshold.height() == threshold.sizeHint().height()
        assert threshold.spin.height() == threshold.spin.sizeHint().height()
        for label in (remark, below):
            assert not label.isVisible() or label.height() == label.heightForWidth(label.width())

    show_note(remark, "Finding out whether membranes are dark or bright, on a few slices …")
    for text in ("98 % sure, by the image, in the slice looked at", LONG, "Short"):
        for shown in (below, remark):
            show_note(shown, text)
            qtbot.waitUntil(all_as_high_as_they_need)


@pytest.mark.parametrize("height", [738, 384])
def test_messages_of_a_footer_are_cut_on_the_lowest_screens_only(qtbot: QtBot, height: int) -> None:
    window = QWidget()
    message = note("Surface of 3 objects, 120,000 triangles. " * 4)
    tall = QWidget()
    tall.setMinimumHeight(2000)
    column = QVBoxLayout(window)
    column.addWidget(VerticalScroll(tall), 1)
    column.addWidget(Footer((message,)))
    qtbot.addWidget(window)
    window.resize(380, height)
    window.show()
    qtbot.waitExposed(window)
    qtbot.wait(30)
    area = message.parentWidget().parentWidget()
    assert window.height() == height
    assert area.height() >= min(message.heightForWidth(message.width()), height // 5)


def _device(sample: MainWindow) -> None:
    form = sample.context.parts.segment.form
    form.show_device("CPU (2 threads)", "no NVIDIA driver was found (libcuda.so.1 is missing)")


def _polarity(sample: MainWindow) -> None:
    sample.session.set_polarity(Polarity("dark", 0.95, "95 % sure, by the image", Basis.IMAGE))


def _size(sample: MainWindow) -> None:
    sample.context.parts.clean.form.smallest.setValue(200)
    assert "µm³" in sample.context.parts.clean.form.size_note.text()


def _trust(sample: MainWindow) -> None:
    depth = sample.session.document.shape[0]
    sample.session.set_trust(tuple(SliceTrust(0.7 + 0.001 * z) for z in range(depth)), None)
    assert sample.context.parts.slices.bar.strip.isVisible()


@pytest.mark.parametrize(
    ("panel", "happens"),
    [(Panel.SEGMENT, _device), (Panel.SEGMENT, _polarity), (Panel.CLEAN, _size), (Panel.IMAGE, _trust)],
    ids=["device", "polarity", "size in µm³", "certainty"],
)
def test_nothing_moves_under_the_mouse(
    sample: MainWindow, qtbot: QtBot, panel: Panel, happens: Callable[[MainWindow], None]
) -> None:
    parts = sample.context.parts
    parts.side.show_panel(panel)
    qtbot.waitUntil(lambda: parts.segment.form.ready or panel is not Panel.SEGMENT, timeout=20_000)
    parts.segment._costs.cancel()
    show_note(parts.segment.form.device_note, "")
    show_note(parts.segment.form.polarity_note, "")
    qtbot.wait(50)
    watched = (
        parts.segment.form.threshold,
        parts.segment.form.trust,
        parts.clean.form.crop_z,
        parts.slices.bar.slider,
        parts.slices.views["xz"],
    )

    def places() -> list[tuple[object, object]]:
        return [(place(widget, sample), widget.size()) for widget in watched]

    def stands() -> bool:
        """Whether the window that has just opened a tomogram has come to rest."""
        first = places()
        qtbot.wait(50)
        return places() == first

    qtbot.waitUntil(stands, timeout=20_000)
    before = places()
    happens(sample)
    qtbot.wait(50)
    assert places() == before
