"""Plots of objects: what the mouse catches in them, and pictures of them for print."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from sxtstudio.app.objects.plots.export import write_figures
from sxtstudio.app.objects.plots.figure import FigurePlot, Grip
from sxtstudio.core.errors import UserError
from sxtstudio.core.figures import Category, Figure, dot_plot, histogram, scatter_plot


def category(name: str, values: list[float], first: int = 1) -> Category:
    return Category(name, (200, 30, 30), np.arange(first, first + len(values)), np.array(values))


def square() -> Figure:
    """Objects 1…4 at the corners of a square, 5 in its middle."""
    x = np.array([0.0, 10, 10, 0, 5])
    return scatter_plot([(category("a", [0, 0, 10, 10, 5]), x)], "x (nm)", "y (nm)")


@pytest.fixture
def plot(qtbot: QtBot) -> FigurePlot:
    plot = FigurePlot("Plot")
    qtbot.addWidget(plot)
    plot.resize(420, 320)
    plot.show_figure(square())
    plot.show()
    qtbot.waitExposed(plot)
    plot.view.plotItem.layout.activate()
    plot.view.plotItem.vb.updateAutoRange()
    return plot


def px_of(plot: FigurePlot, x: float, y: float) -> QPoint:
    return plot.view.mapFromScene(plot.view.plotItem.vb.mapViewToScene(QPointF(x, y)))


def drag(qtbot: QtBot, plot: FigurePlot, *places: tuple[float, float]) -> None:
    viewport = plot.view.viewport()
    qtbot.mousePress(viewport, Qt.MouseButton.LeftButton, pos=px_of(plot, *places[0]))
    for place in places[1:]:
        qtbot.mouseMove(viewport, px_of(plot, *place))
    qtbot.mouseRelease(viewport, Qt.MouseButton.LeftButton, pos=px_of(plot, *places[-1]))


def test_a_click_picks_the_dot_under_it_or_none(plot: FigurePlot, qtbot: QtBot) -> None:
    picked: list[tuple[int, bool]] = []
    plot.picked.connect(lambda number, added: picked.append((number, added)))
    viewport = plot.view.viewport()
    for place, keys in (
        ((10, 10), Qt.KeyboardModifier.NoModifier),
        ((5, 5), Qt.KeyboardModifier.ControlModifier),
        ((2.5, 7.5), Qt.KeyboardModifier.NoModifier),
    ):
        qtbot.mouseClick(viewport, Qt.MouseButton.LeftButton, keys, px_of(plot, *place))
    assert picked == [(3, False), (5, True), (0, False)]


def test_a_lasso_catches_what_it_encloses(plot: FigurePlot, qtbot: QtBot) -> None:
    with qtbot.waitSignal(plot.caught) as caught:
        drag(qtbot, plot, (3, -0.4), (10.4, -0.4), (10.4, 9), (8, 9), (3, 7))
    assert caught.args == [frozenset({2, 5})]


def test_a_drag_in_an_empty_plot_catches_nothing_and_sets_no_limits(plot: FigurePlot, qtbot: QtBot) -> None:
    plot.show_figure(scatter_plot([], "x (nm)", "y (nm)"))
    caught: list[frozenset[int]] = []
    limited: list[tuple[float, float]] = []
    plot.caught.connect(caught.append)
    plot.limited.connect(lambda low, high: limited.append((low, high)))
    for plot.grip in (Grip.PICK, Grip.RANGE):
        viewport = plot.view.viewport()
        qtbot.mousePress(viewport, Qt.MouseButton.LeftButton, pos=QPoint(100, 100))
        qtbot.mouseMove(viewport, QPoint(200, 200))
        qtbot.mouseRelease(viewport, Qt.MouseButton.LeftButton, pos=QPoint(200, 200))
    assert caught == [frozenset(), frozenset()] and not limited


def test_in_a_picture_the_title_of_an_axis_lies_beside_its_numbers(qtbot: QtBot, tmp_path: Path) -> None:
    values = category("a", [1.2e6, 3.4e6])
    write_figures(
        [scatter_plot([(values, np.array([1.0, 2]))], "x (nm)", "Volume (nm³)")], tmp_path / "a.svg"
    )
    text = (tmp_path / "a.svg").read_text()
    ends = {}
    for found in re.finditer(
        r'matrix\(([^)]*)\)"[^>]*>\s*<text[^>]* x="([-\d.]+)" y="([-\d.]+)"[^>]*>([^<]*)<', text
    ):
        a, b, _, _, e, _ = map(float, found[1].split(","))
        ends[found[4].strip()] = e + a * float(found[2]) if abs(b) < 0.1 else e
    assert ends["Volume (nm³)"] + 4 < ends["3e+06"], ends


def test_a_range_is_along_x_and_in_a_dot_plot_along_y(plot: FigurePlot, qtbot: QtBot) -> None:
    plot.grip = Grip.RANGE
    with qtbot.waitSignal(plot.limited) as limited:
        drag(qtbot, plot, (9, 4), (6, 6), (2, 8))
    assert limited.args == pytest.approx([2, 9], abs=0.1)
    plot.show_figure(dot_plot([category("a", [1, 5, 9])], "Volume"))
    plot.view.plotItem.vb.updateAutoRange()
    with qtbot.waitSignal(plot.limited) as limited:
        drag(qtbot, plot, (0.7, 3), (1.2, 5), (1.3, 8))
    assert limited.args == pytest.approx([3, 8], abs=0.1)


def test_chosen_dots_are_marked_and_the_plot_is_described(plot: FigurePlot) -> None:
    plot.show_chosen([2, 5, 77])
    assert sorted(point.pos().x() for point in plot._marks.points()) == [5.0, 10.0]
    plot.show_figure(dot_plot([category("a", [1.0, 2.0, 3.0])], "Volume (µm³)"))
    assert plot.accessibleDescription() == "Volume (µm³); a, n = 3: mean 2, SD 1"


def test_pictures_are_dark_on_white_whatever_the_window_looks_like(qtbot: QtBot, tmp_path: Path) -> None:
    figures = [
        dot_plot([category("Vesicle", [1, 2, 3]), category("Droplet", [2, 4], 4)], "Volume (µm³)"),
        histogram([category("Vesicle", [1, 2, 2, 3])], "Volume (µm³)"),
    ]
    png, svg = tmp_path / "figure.png", tmp_path / "figure.svg"
    write_figures(figures, png)
    write_figures(figures, svg)
    image = QImage(str(png))
    assert image.width() >= 2000 and image.pixelColor(3, 3).name() == "#ffffff"
    assert image.dotsPerMeterX() > 300 / 0.0254
    text = svg.read_text(encoding="utf-8")
    assert "<image" not in text, "vectors only"
    words = set(re.findall(r">\s*([^<>]+?)\s*</text>", text))
    assert {"Vesicle", "n = 3", "Volume (µm³)", "Objects"} <= words


LONG = "Mitochondrion with a condensed matrix and swollen cristae, as the second observer called it"


@pytest.mark.parametrize(("width", "height"), [(240, 205), (300, 205), (560, 260)])
@pytest.mark.parametrize("kind", ["dots", "histogram", "scatter"])
def test_no_caption_is_cut_by_the_edge_of_the_plot(qtbot: QtBot, kind: str, width: int, height: int) -> None:
    """Also after the window has become smaller; the whole of it is said where the pointer rests."""
    short = ["Vesicle", "Mitochondrion", "Lipid droplet", "ER", "Nucleus"]
    groups = [category(name, [3.0, 5.0, 6.0], 4 + 3 * i) for i, name in enumerate((*short, LONG, LONG[::-1]))]
    title = f"Distance to {LONG} (µm)"
    figure = {
        "dots": lambda: dot_plot(groups, title),
        "histogram": lambda: histogram(groups, title),
        "scatter": lambda: scatter_plot([(one, one.values) for one in groups], title, title),
    }[kind]()
    plot = FigurePlot("Plot")
    qtbot.addWidget(plot)
    plot.resize(1200, 900)
    plot.show_figure(figure)
    plot.show()
    qtbot.waitExposed(plot)
    plot.resize(width, height)
    qtbot.waitUntil(lambda: plot.view.plotItem.vb.width() < width, timeout=2000)
    qtbot.wait(100)  # an axis learns how wide its numbers are when it is painted
    room = plot.view.mapToScene(plot.view.viewport().rect()).boundingRect()
    left, bottom = (plot.view.getAxis(side).label for side in ("left", "bottom"))
    written = [left.sceneBoundingRect().adjusted(4, 4, -4, -4)]  # the margins of a text
    if kind != "dots":
        written += [bottom.sceneBoundingRect().adjusted(4, 4, -4, -4), plot._legend.sceneBoundingRect()]
        box = plot.view.plotItem.vb.sceneBoundingRect()
        names = [label.sceneBoundingRect() for _, label in plot._legend.items]
        assert max(place.bottom() for place in names) <= box.top() + 4
        assert box.height() > 0.25 * height, "there is more of the legend than of what it is about"
    for place in written:
        assert place.top() >= room.top() - 4 and place.bottom() <= room.bottom() + 4
        assert place.left() >= room.left() - 4 and place.right() <= room.right() + 4
    words = [label.toPlainText().strip() for label in (left, bottom) if title[:4] in label.toPlainText()]
    assert words and all("…" in text and text.endswith("(µm)") for text in words)
    assert f"Distance to {LONG}" in plot.toolTip().split("\n")


def test_twenty_thousand_dots_are_drawn_from_pictures(qtbot: QtBot) -> None:
    """As shapes they would take seconds with every repaint."""
    values = np.random.default_rng(1).normal(size=20_000)
    many = Category("a", (1, 2, 3), np.arange(1, 20_001), values)
    plot = FigurePlot("Plot")
    qtbot.addWidget(plot)
    plot.show_figure(scatter_plot([(many, values[::-1])], "x", "y"))
    assert plot._items[0].opts["useCache"] and len(plot._items[0].points()) == 20_000


def test_another_ending_is_refused(qtbot: QtBot, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"\.png or \.svg"):
        write_figures([square()], tmp_path / "figure.pdf")
