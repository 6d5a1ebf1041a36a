"""Tools > Preferences; each takes effect at once, unless it says otherwise."""

from __future__ import annotations

from typing import Literal, cast

from PySide6.QtCore import QSignalBlocker
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QApplication,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from sxtstudio.app import questions, theme
from sxtstudio.app.context import Context
from sxtstudio.app.view3d.choice import Wish, wish_of
from sxtstudio.app.view3d.starting import CANVAS, NATIVE_FAILED
from sxtstudio.app.widgets.controls import ComboBox, SpinBox
from sxtstudio.app.widgets.dialogs import ToolDialog
from sxtstudio.core.lengths import UNITS
from sxtstudio.workflow.document.workplace import work_root

THEME, UNIT, UNDO_MB, WORK_FOLDER = "theme", "unit", "undo_mb", "work_folder"
USUAL_UNDO_MB = 512
UNDO_NOTE = (
    "It holds any number of changes, a few kB for a stroke. When it is used up, the oldest can no longer "
    "be taken back."
)
_MIB = 1 << 20
_CANVASES = (
    ("automatic", Wish.AUTOMATIC),
    ("in the window, by OpenGL", Wish.NATIVE),
    ("off-screen, as a picture", Wish.OFFSCREEN),
)


def apply_stored(context: Context) -> None:
    """Let a new window take what is remembered and not read elsewhere."""
    unit = context.settings.get(UNIT, "nm")
    context.session.set_unit(unit if unit in UNITS else "nm")
    session, budget = context.session, context.settings.get(UNDO_MB, USUAL_UNDO_MB) * _MIB
    session.history.budget_bytes = session.evaluation_history.budget_bytes = budget
    scheme = context.settings.get(THEME, "system")
    context.session.layout.set(scheme=scheme if scheme in ("dark", "light") else "system")


def choose_scheme(context: Context, scheme: theme.Scheme) -> None:
    """Have the windows dark, light or like the desktop; remembered."""
    context.settings.set(THEME, scheme)
    theme.apply(cast(QApplication, QApplication.instance()), scheme)
    context.session.layout.set(scheme=scheme)


class PreferencesDialog(ToolDialog):
    """Stays open beside the window."""

    TITLE = "Preferences"
    PAGE = "install.md#where-things-lie"

    def __init__(self, context: Context) -> None:
        """Show what is remembered."""
        super().__init__(context)
        self._context = context
        settings = context.settings
        self.setMinimumWidth(460)
        self.theme = ComboBox()
        for text, scheme in (("as the desktop", "system"), ("dark", "dark"), ("light", "light")):
            self.theme.addItem(text, scheme)
        self.unit = ComboBox()
        for text, unit in (("nanometres (nm)", "nm"), ("micrometres (µm)", "µm")):
            self.unit.addItem(text, unit)
        self.unit.setCurrentIndex(UNITS.index(context.session.unit))
        self.unit.setToolTip("For positions and the size of the brush; voxel sizes are always in nm")
        self.canvas = ComboBox()
        for text, wish in _CANVASES:
            self.canvas.addItem(text, wish.value)
        self.canvas.setToolTip("Who draws the 3D view; automatic takes what works best on this computer")
        self.canvas_used = _note("")
        self.undo = SpinBox(minimum=64, maximum=16384, singleStep=64, suffix=" MB")
        self.undo.setValue(settings.get(UNDO_MB, USUAL_UNDO_MB))
        self.folder = QLabel()
        self.folder.setWordWrap(True)
        self.choose = QPushButton("Choose…")
        self.choose.setToolTip("Choose another disk or folder for unsaved work")
        self.usual = QPushButton("Usual place")
        self.usual.setToolTip("Take the folder that the system has for such things")
        self.recent = QPushButton("Forget them")
        self.recent.setToolTip("Empty the list File > Open recent; the files stay as they are")
        close = QPushButton("Close")
        close.setToolTip("Close the preferences")
        close.clicked.connect(self.close)
        buttons = QHBoxLayout()
        buttons.addStretch()
        buttons.addWidget(close)
        form = QFormLayout()
        form.setVerticalSpacing(10)
        form.addRow("Colours of the window", self.theme)
        form.addRow("Lengths in", self.unit)
        form.addRow("3D view", self.canvas)
        form.addRow("", self.canvas_used)
        form.addRow("Memory for undo", self.undo)
        form.addRow("", _note(UNDO_NOTE))
        form.addRow("Folder for unsaved work", self.folder)
        form.addRow("", _row(self.choose, self.usual))
        form.addRow(
            "",
            _note(
                "Labels of the open tomogram lie here until the project is saved: about 1 GB for a full "
                "tomogram. A change counts from the next tomogram on."
            ),
        )
        form.addRow("Recent files", _row(self.recent))
        layout = QVBoxLayout(self)
        layout.addLayout(form)
        layout.addStretch()
        layout.addLayout(buttons)
        self.theme.currentIndexChanged.connect(self._on_theme_changed)
        self.unit.currentIndexChanged.connect(self._on_unit_changed)
        self.canvas.currentIndexChanged.connect(self._on_canvas_changed)
        context.parts.view3d.status.changed.connect(self._show)
        self.undo.valueChanged.connect(self._on_undo_changed)
        self.choose.clicked.connect(self._on_choose_clicked)
        self.usual.clicked.connect(lambda: self._set_folder(""))
        self.recent.clicked.connect(self._on_recent_clicked)
        self._show()

    def _on_theme_changed(self) -> None:
        scheme = cast(Literal["dark", "light", "system"], self.theme.currentData())
        choose_scheme(self._context, scheme)

    def _on_unit_changed(self) -> None:
        self._context.settings.set(UNIT, self.unit.currentData())
        apply_stored(self._context)

    def _on_canvas_changed(self) -> None:
        self._context.settings.set(CANVAS, self.canvas.currentData())
        # Whoever chooses it wants it to be tried, whatever happened before.
        self._context.settings.set(NATIVE_FAILED, False)
        self._context.parts.view3d.restart()

    def _on_undo_changed(self, megabytes: int) -> None:
        self._context.settings.set(UNDO_MB, megabytes)
        apply_stored(self._context)

    def _on_choose_clicked(self) -> None:
        now = str(self._context.settings.get(WORK_FOLDER, ""))
        folder = questions.save_into_folder(self._context, "Folder for unsaved work", now)
        if folder is not None:
            self._set_folder(str(folder))

    def _set_folder(self, folder: str) -> None:
        self._context.settings.set(WORK_FOLDER, folder)
        self._show()

    def _on_recent_clicked(self) -> None:
        self._context.parts.recent.clear()
        self._show()

    def showEvent(self, event: QShowEvent) -> None:
        """Show what was changed elsewhere in the meantime."""
        super().showEvent(event)
        self._show()

    def _show(self) -> None:
        with QSignalBlocker(self.theme):
            scheme = self._context.settings.get(THEME, "system")
            self.theme.setCurrentIndex(max(0, self.theme.findData(scheme)))
        with QSignalBlocker(self.canvas):
            wish = wish_of(self._context.settings.get(CANVAS, ""))
            self.canvas.setCurrentIndex(self.canvas.findData(wish.value))
        used = self._context.parts.view3d.status.value.canvas
        self.canvas_used.setText(f"Now {used}." if used else "It has not been shown yet.")
        folder = self._context.settings.get(WORK_FOLDER, "")
        self.folder.setText(folder or f"{work_root()}")
        self.usual.setEnabled(bool(folder))
        self.recent.setEnabled(bool(self._context.settings.recent))


def _note(text: str) -> QLabel:
    label = QLabel(text)
    label.setProperty("role", "note")
    label.setWordWrap(True)
    return label


def _row(*buttons: QPushButton) -> QWidget:
    place = QWidget()
    row = QHBoxLayout(place)
    row.setContentsMargins(0, 0, 0, 0)
    for button in buttons:
        button.setAutoDefault(False)
        row.addWidget(button)
    row.addStretch()
    return place
