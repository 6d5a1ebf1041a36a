"""Figures as files: PNG and SVG, dark on white whatever the window looks like, with a window or without."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QBuffer, QIODevice, QMarginsF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QImage, QPaintDevice, QPainter, QPalette
from PySide6.QtSvg import QSvgGenerator

from sxtstudio.app.objects.plots.colour_bar import paint_bar
from sxtstudio.app.objects.plots.figure import FigurePlot, print_font
from sxtstudio.app.objects.plots.plain_svg import plain_svg
from sxtstudio.core.atomic import atomic_write
from sxtstudio.core.errors import UserError
from sxtstudio.core.figures import Figure

#: A panel of a figure, and how much larger the pixels of a PNG are: 300 dots per inch and more.
PANEL_PX = QSize(330, 280)
_SCALE, _DOTS_PER_M = 4, 96 / 0.0254
#: For the axis and its numbers, beside the categories.
_MARGIN_PX = 84
#: Of a panel; the names of more categories than fit are cut short.
_WIDEST_PX = 2000
#: For a colour bar on the right.
_BAR_PX = 76
_NOTE = int(Qt.TextFlag.TextWordWrap | Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
SUFFIXES = (".png", ".svg")


def write_figures(
    figures: Sequence[Figure], path: Path, *, columns: int = 3, panel: QSize = PANEL_PX, note: str = ""
) -> None:
    """Write figures side by side into one ``.png`` or ``.svg``, ``note`` below them.

    Raises
    ------
    UserError
        For another ending, or if the file cannot be written.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise UserError(f"A plot cannot be written as “{path.name}”: end the name in .png or .svg.")
    columns = min(columns, len(figures))
    panel = QSize(max(panel.width(), *map(_wanted_width, figures)), panel.height())
    rows = -(-len(figures) // columns)
    size = QSize(columns * panel.width(), rows * panel.height())
    vector = path.suffix.lower() == ".svg"
    plots = [_printed(figure, panel, 1 if vector else _SCALE) for figure in figures]
    if any(figure.bar is not None for figure in figures):
        panel = QSize(panel.width() + _BAR_PX, panel.height())
        size = QSize(columns * panel.width(), rows * panel.height())
    places = [
        QRect(i % columns * panel.width(), i // columns * panel.height(), panel.width(), panel.height())
        for i in range(len(plots))
    ]
    below = QRect(8, size.height(), size.width() - 16, _height_of(note, size.width() - 16))
    size.setHeight(size.height() + below.height())
    page = _Page(tuple(plots), tuple(places), size, note, below)
    written = (_as_svg if vector else _as_png)(page)
    for plot in plots:
        plot.close()
        plot.deleteLater()
    with atomic_write(path) as temporary:
        temporary.write_bytes(written)


@dataclass(frozen=True)
class _Page:
    """What is drawn where, px."""

    plots: tuple[FigurePlot, ...]
    places: tuple[QRect, ...]
    size: QSize
    note: str
    below: QRect


def paper_palette() -> QPalette:
    """Return dark on white."""
    palette = QPalette()
    role = QPalette.ColorRole
    for where, colour in (
        (role.Window, "white"),
        (role.Base, "white"),
        (role.WindowText, "black"),
        (role.Text, "black"),
        (role.PlaceholderText, "#555555"),
    ):
        palette.setColor(where, QColor(colour))
    return palette


def _wanted_width(figure: Figure) -> int:
    """Return how wide a panel must be for the names of its categories."""
    letters = QFontMetrics(print_font())
    lines = [line for _, text in figure.ticks for line in text.split("\n")]
    wanted = _MARGIN_PX + len(figure.ticks) * (max(map(letters.horizontalAdvance, lines), default=0) + 8)
    return min(wanted, _WIDEST_PX)


def _printed(figure: Figure, size: QSize, line_px: float) -> FigurePlot:
    plot = FigurePlot(figure.title or figure.y_title)
    plot.line_px = line_px
    plot.setPalette(paper_palette())
    plot.setFont(print_font())
    plot.setAttribute(Qt.WidgetAttribute.WA_DontShowOnScreen)  # laid out, and not seen
    plot.setAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating)
    plot.resize(size)
    plot.show_figure(figure)
    plot.show()
    plot.view.plotItem.layout.activate()
    plot.view.plotItem.vb.updateAutoRange()
    # An axis learns how wide its numbers are when it is painted, and then makes room for them.
    plot.view.grab()
    plot.view.plotItem.layout.activate()
    plot.write_words()
    plot.view.plotItem.layout.activate()
    return plot


def _as_svg(page: _Page) -> bytes:
    data = QBuffer()
    generator = QSvgGenerator()
    generator.setOutputDevice(data)
    generator.setResolution(page.plots[0].view.logicalDpiX())
    generator.setSize(page.size)
    generator.setViewBox(QRect(0, 0, page.size.width(), page.size.height()))
    _render(page, generator)
    return plain_svg(bytes(data.data().data()))


def _as_png(page: _Page) -> bytes:
    image = QImage(page.size * _SCALE, QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(_SCALE)
    _render(page, image)
    # Not before: axes are kept as recordings, which would be played at this resolution.
    image.setDotsPerMeterX(round(_DOTS_PER_M * _SCALE))
    image.setDotsPerMeterY(round(_DOTS_PER_M * _SCALE))
    data = QBuffer()
    data.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(data, "PNG")  # type: ignore[call-overload]  # the stubs want the format as bytes
    return bytes(data.data().data())


def _height_of(note: str, width: int) -> int:
    """Return how high a note is, px, with what it keeps free below."""
    if not note:
        return 0
    return QFontMetrics(_note_font()).boundingRect(0, 0, width, 10_000, _NOTE, note).height() + 8


def _note_font() -> QFont:
    return print_font(7.5)


def _render(page: _Page, device: QPaintDevice) -> None:
    with QPainter(device) as painter:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(QRect(0, 0, page.size.width(), page.size.height()), QColor("white"))
        for plot, place in zip(page.plots, page.places, strict=True):
            inner = QRectF(place).marginsRemoved(QMarginsF(6, 6, 6, 6))
            bar = None if plot.figure is None else plot.figure.bar
            if bar is not None:
                side = inner.adjusted(inner.width() - _BAR_PX + 12, 6, 0, -30)
                inner.setWidth(inner.width() - _BAR_PX)
                painter.setFont(print_font())
                painter.setPen(QColor("black"))
                paint_bar(painter, side, *bar)
            plot.view.render(painter, inner, plot.view.rect())
        if page.note:
            painter.setFont(_note_font())
            painter.setPen(QColor("black"))
            painter.drawText(page.below, _NOTE, page.note)
