"""Pictures and turntable movies of the 3D view: their size, and where they go."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtWidgets import (
    QCheckBox,
    QFormLayout,
    QGroupBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from sxtstudio.app import questions, theme
from sxtstudio.app.context import Context
from sxtstudio.app.errors import show_error
from sxtstudio.app.view3d.view import View3D
from sxtstudio.app.widgets.controls import DoubleSpinBox, SpinBox

_SMALLEST_PX, _LARGEST_PX = 100, 8192
_DEFAULTS: dict[str, Any] = {
    "width": 2400, "height": 1800, "clear": False,
    "movie_width": 1280, "movie_height": 960, "seconds": 8.0, "rate": 25,
}  # fmt: skip


class SavingGroup(QWidget):
    """Two groups: Picture and Movie."""

    def __init__(self, context: Context, view: View3D) -> None:
        """Build both, with the sizes of last time."""
        super().__init__()
        self._context, self._view = context, view
        kept = {name: context.settings.get(f"view3d/{name}", value) for name, value in _DEFAULTS.items()}
        self.width_px, self.height_px = _edge(kept["width"]), _edge(kept["height"])
        self.clear = QCheckBox("Transparent background")
        self.clear.setToolTip("For slides and posters: only surfaces, scale bar and axes are opaque")
        self.clear.setChecked(kept["clear"])
        self.picture_button = QPushButton("Save picture…")
        theme.set_icon(self.picture_button, "mdi6.camera-outline")
        self.picture_button.clicked.connect(self.save_picture)
        picture = QGroupBox("Picture")
        rows = QFormLayout(picture)
        rows.addRow("Size", _pair(self.width_px, self.height_px))
        rows.addRow(self.clear)
        rows.addRow(self.picture_button)

        self.movie_width_px, self.movie_height_px = _edge(kept["movie_width"]), _edge(kept["movie_height"])
        self.seconds = DoubleSpinBox()
        self.seconds.setRange(0.5, 120)
        self.seconds.setDecimals(1)
        self.seconds.setSuffix(" s")
        self.seconds.setToolTip("How long one turn takes")
        self.seconds.setValue(kept["seconds"])
        self.rate = SpinBox()
        self.rate.setRange(1, 60)
        self.rate.setSuffix(" per s")
        self.rate.setToolTip("Pictures per second")
        self.rate.setValue(kept["rate"])
        self.movie_button = QPushButton("Save movie…")
        theme.set_icon(self.movie_button, "mdi6.movie-open-outline")
        self.movie_button.clicked.connect(self.save_movie)
        movie = QGroupBox("Turntable movie")
        rows = QFormLayout(movie)
        rows.addRow("Size", _pair(self.movie_width_px, self.movie_height_px))
        rows.addRow("One turn", self.seconds)
        rows.addRow("Pictures", self.rate)
        rows.addRow(self.movie_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(picture)
        layout.addWidget(movie)

    def save_picture(self) -> None:
        """Ask for a name and save what the 3D view shows."""
        path = questions.save_file(self._context, "Save 3D picture", self._name("3d.png"), "PNG (*.png)")
        if path is None:
            return
        size = (self.width_px.value(), self.height_px.value())
        try:
            self._view.save_picture(path, size, self.clear.isChecked())
        except Exception as error:  # shown in words; the window lives on
            show_error(self._context.window, error)

    def save_movie(self) -> None:
        """Ask for a name and save one turn of the scene."""
        path = questions.save_file(
            self._context, "Save turntable movie", self._name("3d.mp4"), "MP4 (*.mp4);;GIF (*.gif)"
        )
        if path is None:
            return
        size = (self.movie_width_px.value(), self.movie_height_px.value())
        try:
            self._view.save_turn(path, self.seconds.value(), self.rate.value(), size)
        except Exception as error:  # shown in words; the window lives on
            show_error(self._context.window, error)

    def _name(self, ending: str) -> str:
        document = self._context.session.document
        stem = "tomogram" if document is None else Path(document.name).name.partition(".")[0]
        return f"{stem}.{ending}"

    def keep(self) -> None:
        """Remember the sizes."""
        for name, value in (
            ("width", self.width_px.value()),
            ("height", self.height_px.value()),
            ("clear", self.clear.isChecked()),
            ("movie_width", self.movie_width_px.value()),
            ("movie_height", self.movie_height_px.value()),
            ("seconds", self.seconds.value()),
            ("rate", self.rate.value()),
        ):
            self._context.settings.set(f"view3d/{name}", value)


def _edge(value: int) -> SpinBox:
    spin = SpinBox()
    spin.setRange(_SMALLEST_PX, _LARGEST_PX)
    spin.setSingleStep(100)
    spin.setValue(value)
    return spin


def _pair(width: SpinBox, height: SpinBox) -> QWidget:
    width.setToolTip("Width in pixels")
    height.setToolTip("Height in pixels")
    pair = QWidget()
    layout = QHBoxLayout(pair)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.addWidget(width, 1)
    layout.addWidget(QLabel("×"))
    layout.addWidget(height, 1)
    layout.addWidget(QLabel("px"))
    return pair
