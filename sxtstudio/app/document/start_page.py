"""What the centre of the window shows while nothing is open."""

from __future__ import annotations

from functools import partial
from typing import Any

import qtawesome
from PySide6.QtCore import QSize, QTimer
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget
from superqt import QFlowLayout

from sxtstudio.app import theme
from sxtstudio.app.context import Context
from sxtstudio.app.document.opening import open_path
from sxtstudio.app.document.recent_files import RecentFiles
from sxtstudio.app.document.recent_list import RecentList
from sxtstudio.app.jobs.job import JobKind
from sxtstudio.app.settings import Settings
from sxtstudio.app.widgets.scroll import VerticalScroll
from sxtstudio.workflow.document.workplace import VARIABLE, is_work_root_usable, spare_root

_WIDEST_PX = 640
# The window is there first: what finds out the device takes some tenths of a second of the processor.
_DEVICE_MS = 400


class StartPage(VerticalScroll):
    """Open a tomogram, the sample, or one of the recent files; learn; and where networks will run."""

    def __init__(self, context: Context, recent: RecentFiles, parent: QWidget | None = None) -> None:
        """Build the widgets."""
        page = QWidget()
        super().__init__(page, parent)
        self._context, self._recent_files = context, recent
        title = QLabel("Open a tomogram to begin")
        title.setStyleSheet("font-size: 22px; font-weight: 600;")
        note = QLabel(
            "MRC, TIFF, HDF5, OME-Zarr and others, a folder of slices, or a project. "
            "You can also drop it on this window."
        )
        self.open = _button("Open tomogram…", "Choose a file (Ctrl+O)", main=True)
        self.sample = _button("Open sample", "A small simulated cell to try everything on")
        self.tour = _button("Guided tour", "Seven steps on the sample, from slices to a measured object")
        self.tutorial = _button("Tutorial", "Five minutes to read, with pictures (F1)")
        row = QFlowLayout()  # one below the other where the window is narrow
        row.setHorizontalSpacing(8)
        row.setVerticalSpacing(8)
        for button, action in (
            (self.open, "file.open"),
            (self.sample, "file.open_sample"),
            (self.tour, "help.tour"),
            (self.tutorial, "help.tutorial"),
        ):
            row.addWidget(button)
            button.clicked.connect(partial(self._run, action))
        self.recent = RecentList(recent)
        self.recent.opened.connect(lambda path: open_path(context, path))
        self.device = QLabel()
        self.settings_note = QLabel(_not_kept(context.settings))
        self.settings_note.setVisible(bool(self.settings_note.text()))
        inner = QFrame()
        inner.setMaximumWidth(_WIDEST_PX)
        column = QVBoxLayout(inner)
        column.setContentsMargins(16, 12, 16, 12)
        column.setSpacing(10)
        column.addWidget(title)
        column.addWidget(note)
        column.addLayout(row)
        column.addSpacing(8)
        column.addWidget(self.recent)
        column.addSpacing(8)
        for label in (self.device, self.settings_note):
            column.addWidget(label)
        for label in (title, note, self.device, self.settings_note):
            label.setWordWrap(True)
        for label in (note, self.device, self.settings_note):
            label.setProperty("role", "note")
        middle = QHBoxLayout()
        middle.setContentsMargins(0, 0, 0, 0)
        middle.addStretch(1)
        middle.addWidget(inner, 1000)  # as wide as it may be
        middle.addStretch(1)
        outer = QVBoxLayout(page)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addStretch(2)
        outer.addLayout(middle)
        outer.addStretch(3)
        self.open.setIcon(qtawesome.icon("mdi6.folder-open", color="white"))
        theme.set_icon(self.sample, "mdi6.flask-outline")
        theme.set_icon(self.tour, "mdi6.sign-direction")
        theme.set_icon(self.tutorial, "mdi6.school-outline")
        self._find_device = QTimer(self, singleShot=True, interval=_DEVICE_MS)
        self._find_device.timeout.connect(self._on_find_device_timeout)

    def refresh(self) -> None:
        """Show the recent files as they are now."""
        self.recent.refresh()
        self._recent_files.look()

    def showEvent(self, event: QShowEvent) -> None:
        """See which recent files are still there, and where networks run."""
        super().showEvent(event)
        if not event.spontaneous():
            self.refresh()
            self._find_device.start()

    def _on_find_device_timeout(self) -> None:
        if not self.isVisible():
            return  # a tomogram was opened: the panel “Segment” says it then
        wanted = str(self._context.settings.get("segment/device", "auto"))

        def work(job: object) -> str:
            from sxtstudio.workflow.jobs.choices import device_sentence  # loads what runs networks

            return device_sentence(wanted)

        self._context.jobs.start(
            "Looking for a graphics card",
            work,
            on_done=self.device.setText,
            kind=JobKind.ELSEWHERE,
            quiet=True,
        )

    def _run(self, name: str, *_: Any) -> None:
        self._context.parts.actions.by_name[name].trigger()


def _not_kept(settings: Settings) -> str:
    """Return what cannot be kept where the home folder, or a part of it, cannot be written; else nothing."""
    said = []
    if not settings.writable:
        said.append(f"Settings and recent files cannot be kept: {settings.file} cannot be written.")
    if not is_work_root_usable():
        said.append(
            f"Work that is not saved yet lies among the temporary files, in {spare_root()}, which many "
            "systems empty at a restart: save often, or name a folder that can be written in the environment "
            f"variable {VARIABLE}."
        )
    return " ".join([*said, "Everything else works."]) if said else ""


def _button(text: str, tip: str, main: bool = False) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(tip)
    button.setIconSize(QSize(18, 18))
    button.setMinimumHeight(38)
    if main:
        button.setProperty("role", "main")
    return button
