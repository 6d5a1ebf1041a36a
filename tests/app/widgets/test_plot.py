"""Plots of pyqtgraph in the dress of the window, and the curves of a training."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor, QFont, QImage, QPainter, QPalette
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from sxtstudio.app.retrain.curves import LOSS_SERIES, METRIC_SERIES, Curves
from sxtstudio.app.widgets.plot import Plot
from sxtstudio.core.errors import UserError


class Line(Plot):
    """From the lower left to the upper right, red."""

    def prepare(self, view: Any) -> None:
        """Draw it."""
        import pyqtgraph

        view.setLabel("bottom", "length")
        view.setXRange(0, 1, padding=0)
        view.setYRange(0, 1, padding=0)
        view.addItem(pyqtgraph.PlotDataItem([0, 1], [0, 1], pen={"color": "#f00", "width": 6}))


@pytest.fixture
def line(qtbot: QtBot) -> Line:
    plot = Line("A line")
    qtbot.addWidget(plot)
    plot.resize(400, 300)
    assert plot.view is plot.view
    plot.show()
    qtbot.waitExposed(plot)
    return plot


def pixels(image: QImage) -> np.ndarray:
    image = image.convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).copy()


def red_at(rgb: np.ndarray, plot: Plot, x: float, y: float) -> bool:
    """Whether the line lies at a place in the axes, in a picture of the whole view."""
    area = plot.view.plotItem.vb.sceneBoundingRect()
    scale = rgb.shape[1] / plot.view.width()
    column = round(scale * (area.left() + x * area.width()))
    row = round(scale * (area.bottom() - y * area.height()))
    return bool(rgb[row, column, 0] > 200 and rgb[row, column, 1] < 80)


def test_start_of_the_window_does_not_load_pyqtgraph() -> None:
    rooms = "sxtstudio.app.main_window, sxtstudio.app.retrain.dialog"
    code = f"import sys, {rooms}; print('pyqtgraph' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"


def test_colours_and_letters_follow_the_window_at_once(line: Line) -> None:
    axis, roles = line.view.getAxis("bottom"), QPalette.ColorRole
    for base, faint, size in (("#101214", "#99aabb", 9), ("#fafbfc", "#334455", 14)):
        palette = QPalette(line.palette())
        palette.setColor(roles.Base, QColor(base))
        palette.setColor(roles.PlaceholderText, QColor(faint))
        line.setPalette(palette)
        line.setFont(QFont(line.font().family(), size))
        assert axis.textPen().color() == QColor(faint)
        assert axis.style["tickFont"].pointSize() == size == axis.label.font().pointSize()
        shown = line.grab().toImage()
        assert shown.pixelColor(line.width() // 2, line.height() // 4) == QColor(base)


def test_plot_has_no_menu_and_stands_still(line: Line) -> None:
    before = line.view.viewRange()
    target, middle = line.childAt(line.rect().center()), line.rect().center()
    assert target is None  # the mouse, and the wheel, pass on to what the plot lies in
    for button in (Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton):
        QTest.mousePress(line, button, pos=middle)
        QTest.mouseMove(line, middle + QPoint(40, 30))
        QTest.mouseRelease(line, button, pos=middle + QPoint(40, 30))
    assert line.view.viewRange() == before
    assert line.view.plotItem.getContextMenus(None) is None


def test_picture_shows_what_the_window_shows(line: Line, tmp_path: Path) -> None:
    png, svg = tmp_path / "line.png", tmp_path / "line.SVG"
    line.write_picture(png)
    line.write_picture(svg)
    with Image.open(png) as picture:
        assert picture.width == 2000
        raster = np.asarray(picture.convert("RGB"))
    drawn = QImage(line.view.size(), QImage.Format.Format_RGB32)
    painter = QPainter(drawn)
    QSvgRenderer(str(svg)).render(painter)
    painter.end()
    shown = pixels(line.view.grab().toImage()).astype(int)
    assert (
        np.mean(np.abs(shown - pixels(drawn)).max(axis=2) > 60) < 0.008
    )  # axes too; letters differ a little
    for rgb in (raster, pixels(drawn)):
        assert [red_at(rgb, line, x, y) for x, y in ((0.5, 0.5), (0.2, 0.2), (0.9, 0.9), (0.2, 0.8))] == [
            True,
            True,
            True,
            False,
        ]
    assert "length" in svg.read_text(encoding="utf-8")
    with pytest.raises(UserError, match=r"\.png or \.svg"):
        line.write_picture(tmp_path / "line.jpg")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["line.SVG", "line.png"]


def test_curves_show_their_points_the_best_step_and_words(qtbot: QtBot) -> None:
    losses, shares = Curves("Loss", LOSS_SERIES), Curves("Held-out slices", METRIC_SERIES, unit="%")
    many = [(float(step), 2.0 / step) for step in range(1, 1001)]
    few = [(0.0, 0.25), (500.0, 0.75), (1000.0, 0.5)]
    for curves in (losses, shares):
        qtbot.addWidget(curves)
        curves.resize(500, 220)
        curves.show()
        curves.show_points({})
        assert curves._none.isVisible() and not curves._best.isVisible() and curves.in_words() == ""
        curves.show_points({"label_loss": many, "test_label_loss": few, "f1": few}, best=500, step=1200)
        assert not curves._none.isVisible() and curves._best.isVisible() and curves._best.value() == 500
        (left, right), (bottom, top) = curves.view.viewRange()
        assert left <= 0 and 1200 <= right < 1300 and bottom <= 0
        assert top == pytest.approx(2.14 if curves is losses else 1.07)
    x, y = losses._lines["label_loss"].getOriginalDataset()
    assert list(zip(x, y, strict=True)) == many
    assert (
        len(losses._dots["label_loss"].points()) == 1 and len(losses._dots["test_label_loss"].points()) == 3
    )
    assert losses.accessibleDescription() == "labels 0.002, labels, held out 0.5"
    assert shares.accessibleName() == "Held-out slices" and shares.accessibleDescription() == "F1 50 %"
    assert [label.text for _, label in shares._legend.items] == ["F1", "labels right", "image redrawn"]


@pytest.mark.parametrize(("width", "rows"), [(560, 1), (430, 2), (280, 4)])
def test_legend_leaves_the_title_and_the_curves_free(qtbot: QtBot, width: int, rows: int) -> None:
    losses = Curves("Loss", LOSS_SERIES)
    qtbot.addWidget(losses)
    losses.resize(560, 240)
    losses.show()
    losses.show_points({"label_loss": [(1.0, 0.5), (2.0, 0.4)]})
    losses.resize(width, 240)
    qtbot.waitUntil(losses.view.isVisible)
    losses.grab()
    legend, title = losses._legend, losses.view.plotItem.titleLabel
    shown = legend.sceneBoundingRect().adjusted(9, 9, -9, -9)  # without its margin
    text = title.mapRectToScene(title.itemRect())
    tops = {round(label.y()) for _, label in legend.items}
    assert len(tops) == rows
    assert shown.left() > text.right() and shown.right() <= losses.view.width()
    assert shown.bottom() <= losses.view.plotItem.vb.sceneBoundingRect().top()
