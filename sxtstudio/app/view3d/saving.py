"""Pictures and turntable movies of the 3D view: their size, and where they go."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
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
from sxtstudio.app.questions import Answer
from sxtstudio.app.view3d.sizes import LARGEST_PX, SMALLEST_PX, Movie
from sxtstudio.app.view3d.view import View3D
from sxtstudio.app.widgets.controls import DoubleSpinBox, SpinBox
from sxtstudio.app.widgets.notes import show_note
from sxtstudio.core import wording
from sxtstudio.core.errors import UserError
from sxtstudio.workflow.jobs.povray_program import NOT_INSTALLED, find_povray

_DEFAULTS: dict[str, Any] = {
    "width": 2400, "height": 1800, "clear": False,
    "movie_width": 1280, "movie_height": 960, "seconds": 8.0, "rate": 25,
}  # fmt: skip

_LEAST_EDGE_PX = 70  # of a field with five digits
# Before a movie that takes longer there is a question.
_LONG_S = 30.0


class SavingGroup(QWidget):
    """Three groups: Picture, Movie and POV-Ray."""

    def __init__(self, context: Context, view: View3D) -> None:
        """Build them, with the sizes of last time."""
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
        rows.addRow("Size (px)", _pair(self.width_px, self.height_px))
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
        rows.addRow("Size (px)", _pair(self.movie_width_px, self.movie_height_px))
        rows.addRow("One turn", self.seconds)
        rows.addRow("Pictures", self.rate)
        rows.addRow(self.movie_button)
        self._time = QLabel()
        self._time.setProperty("role", "note")
        self._time.setWordWrap(True)
        rows.addRow(self._time)
        self.scene_button = QPushButton("Save scene…")
        theme.set_icon(self.scene_button, "mdi6.cube-scan")
        self.scene_button.clicked.connect(self.save_povray_scene)
        self.povray_button = QPushButton("Draw picture…")
        theme.set_icon(self.povray_button, "mdi6.camera-outline")
        self.povray_button.clicked.connect(self.save_povray_picture)
        povray = QGroupBox("POV-Ray")
        rows = QFormLayout(povray)
        rows.addRow(self.scene_button)  # beside each other they would be the widest of all panels
        rows.addRow(self.povray_button)
        self._povray_note = QLabel()
        self._povray_note.setProperty("role", "note")
        self._povray_note.setWordWrap(True)
        rows.addRow(self._povray_note)
        # Seconds per frame and the movie it was measured for; surface and look are those of then.
        self._measured: tuple[float, Movie] | None = None
        for spin in (self.movie_width_px, self.movie_height_px, self.rate):
            spin.valueChanged.connect(self._show_time)
        self.seconds.valueChanged.connect(self._show_time)
        view.scene.changed.connect(self._forget_time)
        view.status.changed.connect(self._forget_time)
        view.status.changed.connect(self._follow)
        context.session.document_changed.connect(self._follow)
        self._measuring = False
        self._show_time()
        self._follow()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(picture)
        layout.addWidget(movie)
        layout.addWidget(povray)

    def save_picture(self) -> None:
        """Ask for a name and save what the 3D view shows."""
        path = questions.save_file(self._context, "Save 3D picture", self._name("3d.png"), "PNG (*.png)")
        if path is None:
            return
        size = (self.width_px.value(), self.height_px.value())
        try:
            self._view.pictures.save_picture(path, size, self.clear.isChecked())
        except Exception as error:  # shown in words; the window lives on
            show_error(self._context.window, error)

    def save_povray_scene(self) -> None:
        """Ask for a name and save what the 3D view shows as a scene of POV-Ray."""
        path = questions.save_file(
            self._context, "Save POV-Ray scene", self._plain_name("pov"), "POV-Ray scene (*.pov)"
        )
        if path is None:
            return
        try:
            self._view.pictures.save_povray_scene(path, self.clear.isChecked())
        except Exception as error:  # shown in words; the window lives on
            show_error(self._context.window, error)

    def save_povray_picture(self) -> None:
        """Ask for a name and let POV-Ray draw what the 3D view shows."""
        if find_povray() is None:
            show_error(self._context.window, UserError(NOT_INSTALLED))
            return
        path = questions.save_file(
            self._context, "Save picture by POV-Ray", self._name("povray.png"), "PNG (*.png)"
        )
        if path is None:
            return
        size = (self.width_px.value(), self.height_px.value())
        try:
            self._view.pictures.save_povray_picture(path, size, self.clear.isChecked())
        except Exception as error:  # shown in words; the window lives on
            show_error(self._context.window, error)

    def save_movie(self) -> None:
        """Say how long the movie takes, ask for a name, and save one turn of the scene."""
        movie = self._movie()
        if self._measured is not None and self._measured[1] == movie:
            self._ask_name(movie)
            return
        try:
            job = self._view.pictures.measure_movie(movie, lambda seconds: self._on_measured(movie, seconds))
        except Exception as error:  # shown in words; the window lives on
            show_error(self._context.window, error)
            return
        self._measuring = True
        self._follow()
        self._time.setText("Drawing one picture to see how long it takes …")
        job.finished.connect(self._on_measuring_finished)

    def _on_measured(self, movie: Movie, seconds: float) -> None:
        self._measured = (seconds / movie.frames, movie)
        self._on_measuring_finished()
        self._ask_name(movie)

    def _on_measuring_finished(self) -> None:
        self._measuring = False
        self._follow()
        self._show_time()

    def _follow(self) -> None:
        """Offer a picture where there is something to be seen."""
        there = self._context.session.document is not None and self._view.status.value.ready
        self.picture_button.setEnabled(there)
        self.movie_button.setEnabled(there and not self._measuring)
        installed = find_povray() is not None
        self.scene_button.setEnabled(there)
        self.povray_button.setEnabled(there and installed)
        tips = {
            self.picture_button: "Save what the 3D view shows as PNG",
            self.movie_button: "Save a movie of the scene turning once around",
            self.scene_button: "Save what the 3D view shows as files for POV-Ray: a mesh for each object, "
            "camera, lights and clipping",
            self.povray_button: "Let POV-Ray draw what the 3D view shows, and save it as PNG",
        }
        for button, tip in tips.items():
            button.setToolTip(tip if there else "Open a tomogram and show the 3D view first")
        if not installed:
            self.povray_button.setToolTip(NOT_INSTALLED)
        show_note(
            self._povray_note,
            "The picture has size and background of “Picture”." if installed else NOT_INSTALLED,
        )

    def _ask_name(self, movie: Movie) -> None:
        text, seconds = self._time_text(movie)
        if seconds > _LONG_S:
            question = f"{text}\n\nYou can go on working meanwhile, and cancel it."
            buttons = (Answer.MAKE_MOVIE, Answer.CANCEL)
            if questions.ask(self._context.window, "Turntable movie", question, buttons) != buttons[0]:
                return
        path = questions.save_file(
            self._context, "Save turntable movie", self._name("3d.mp4"), "MP4 (*.mp4);;GIF (*.gif)"
        )
        if path is None:
            return
        try:
            self._view.pictures.save_movie(path, movie)
        except Exception as error:  # shown in words; the window lives on
            show_error(self._context.window, error)

    def _movie(self) -> Movie:
        size = (self.movie_width_px.value(), self.movie_height_px.value())
        return Movie(self.seconds.value(), self.rate.value(), size)

    def _time_text(self, movie: Movie) -> tuple[str, float]:
        """Return how long the movie takes, in words and in seconds (0 while that is not known)."""
        pictures = wording.count(movie.frames, "picture")
        if self._measured is None:
            return f"{pictures}. One is drawn first, to say how long all of them take.", 0.0
        per_frame, measured = self._measured
        pixels = float(np.prod(movie.size) / np.prod(measured.size))
        seconds = movie.frames * per_frame * pixels
        return f"{pictures} take {wording.about(seconds).lower()} on this computer.", seconds

    def _show_time(self) -> None:
        self._time.setText(self._time_text(self._movie())[0])

    def _forget_time(self) -> None:
        """Another surface or look takes another time."""
        if self._measured is not None:
            self._measured = None
            self._show_time()

    def _name(self, ending: str) -> str:
        document = self._context.session.document
        stem = "tomogram" if document is None else Path(document.name).name.partition(".")[0]
        return f"{stem}.{ending}"

    def _plain_name(self, ending: str) -> str:
        """Return a name in letters that POV-Ray can read."""
        from sxtstudio.surface.handover.names import plain_stem  # with VTK, which is there by now

        stem, _, _ = self._name(ending).rpartition(f".{ending}")
        return f"{plain_stem(stem)}.{ending}"

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
    spin.setRange(SMALLEST_PX, LARGEST_PX)
    spin.setSingleStep(100)
    spin.setMinimumWidth(_LEAST_EDGE_PX)
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
    return pair
