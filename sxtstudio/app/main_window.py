"""The main window: puts the parts together, and nothing else."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QMainWindow, QSplitter, QVBoxLayout, QWidget

from sxtstudio.app.clean.panel import CleanPanel
from sxtstudio.app.context import Context
from sxtstudio.app.document.closing import may_close
from sxtstudio.app.document.first_look import FirstLook
from sxtstudio.app.document.opening import open_path
from sxtstudio.app.document.recent import RecentMenu
from sxtstudio.app.errors import ErrorGuard, show_error
from sxtstudio.app.jobs.bar import JobBar
from sxtstudio.app.jobs.job import Jobs
from sxtstudio.app.labels.complete_slices import CompleteSlices
from sxtstudio.app.labels.panel import LabelsPanel
from sxtstudio.app.labels.tools.toolbox import Toolbox
from sxtstudio.app.mask.panel import MaskPanel
from sxtstudio.app.menus import Actions
from sxtstudio.app.preferences import apply_stored
from sxtstudio.app.segment.panel import SegmentPanel
from sxtstudio.app.session import Session
from sxtstudio.app.settings import Settings
from sxtstudio.app.slices.panel import ImagePanel
from sxtstudio.app.slices.view import SlicesView
from sxtstudio.app.view3d.panel import SurfacePanel
from sxtstudio.app.view3d.view import View3D
from sxtstudio.app.widgets.side_panel import WIDTH_PX, SidePanel

STATUS_HEIGHT_PX = 34

_PANELS = (
    ("image", "Image", "mdi6.brightness-6", ImagePanel),
    ("segment", "Segment", "mdi6.creation", SegmentPanel),
    ("clean", "Clean up", "mdi6.broom", CleanPanel),
    ("mask", "Cell mask", "mdi6.selection-ellipse", MaskPanel),
    ("labels", "By hand", "mdi6.brush", LabelsPanel),
    ("surface", "3D view", "mdi6.cube-outline", SurfacePanel),
)


class MainWindow(QMainWindow):
    """A window with one document."""

    def __init__(self, settings: Settings | None = None) -> None:
        """Build the window; nothing is open yet."""
        super().__init__()
        self.setObjectName("main")
        self.resize(1440, 900)
        self.setAcceptDrops(True)
        self.session = Session(self)
        self.jobs = Jobs(self)
        self.settings = settings or Settings()
        self.context = Context(self.session, self.jobs, self.settings, self)
        apply_stored(self.context)
        self.context.parts["toolbox"] = Toolbox(self.context)
        self.context.parts["complete"] = CompleteSlices(self.session)
        self._guard = ErrorGuard(self)
        self._build_centre()
        self._build_side()
        self.actions_ = Actions(self, self.context)
        self.context.parts["actions"] = self.actions_
        self.context.parts["recent"] = RecentMenu(self.context)
        self.context.parts["job_bar"] = JobBar(self.context)
        self.statusBar().addPermanentWidget(self.context.parts["job_bar"])
        # High enough for a job, so that the views do not jump when one begins.
        self.statusBar().setMinimumHeight(STATUS_HEIGHT_PX)
        self.session.message.connect(lambda text: self.statusBar().showMessage(text, 8000))
        self.jobs.failed.connect(lambda error: show_error(self, error))
        for signal in (self.session.document_changed, self.session.history_changed):
            signal.connect(self._show_title)
        self._former_layout = self.session.layout.value
        self.session.layout.changed.connect(self._on_session_layout_changed)
        self._show_title()
        self.restoreGeometry(self.settings.bytes("window/geometry"))
        self.restoreState(self.settings.bytes("window/state"))
        self._outer.restoreState(self.settings.bytes("window/columns"))
        self._views.restoreState(self.settings.bytes("window/views"))
        self.context.parts["side"].show_panel(self.settings.get("window/panel", _PANELS[0][0]))

    def _build_centre(self) -> None:
        parts = self.context.parts
        parts["slices"] = SlicesView(self.context)
        parts["view3d"] = View3D(self.context)
        parts["first_look"] = FirstLook(self.context)
        self._views = views = QSplitter(Qt.Orientation.Horizontal)
        views.addWidget(parts["slices"])
        views.addWidget(parts["view3d"])
        views.setChildrenCollapsible(False)
        views.setSizes([800, 600])
        parts["view3d"].hide()
        column = QVBoxLayout()
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(parts["first_look"])
        column.addWidget(views, 1)
        centre = QWidget()
        centre.setLayout(column)
        self._outer = QSplitter(Qt.Orientation.Horizontal)
        self._outer.addWidget(centre)
        self._outer.setChildrenCollapsible(False)
        self.setCentralWidget(self._outer)

    def _build_side(self) -> None:
        side = SidePanel()
        for name, title, icon, kind in _PANELS:
            panel = kind(self.context)
            self.context.parts[name] = panel
            side.add(name, title, icon, panel)
        self.context.parts["side"] = side
        self._outer.addWidget(side)
        self._outer.setStretchFactor(0, 1)
        self._outer.setStretchFactor(1, 0)
        self._outer.setSizes([1440 - WIDTH_PX, WIDTH_PX])

    def _on_session_layout_changed(self) -> None:
        """Show what is wanted; where the 3D view goes, the slices come back."""
        former, layout = self._former_layout, self.session.layout.value
        if not layout.view3d and not layout.slices:
            self.session.layout.set(slices=True)
            return
        self._former_layout = layout
        parts = self.context.parts
        parts["slices"].setVisible(layout.slices)
        parts["view3d"].setVisible(layout.view3d)
        if layout.view3d and not former.view3d:
            parts["side"].show_panel("surface")
        if layout.full_screen != self.isFullScreen():
            self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)

    def _show_title(self) -> None:
        document = self.session.document
        if document is None:
            self.setWindowTitle("SXT Studio")
        else:
            self.setWindowTitle(f"{document.name}[*] – SXT Studio")
        self.setWindowModified(document is not None and document.modified)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Accept files and folders."""
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Open the first file that was dropped."""
        paths = [url.toLocalFile() for url in event.mimeData().urls() if url.isLocalFile()]
        if paths:
            event.acceptProposedAction()
            open_path(self.context, paths[0])

    def changeEvent(self, event: QEvent) -> None:
        """Follow a change between dark and light, and to the full screen or back."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.WindowStateChange:
            self.session.layout.set(full_screen=self.isFullScreen())
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "actions_"):
            self.actions_.restyle()
            self.context.parts["side"].restyle()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Ask about running jobs and unsaved work; then let go of everything."""
        if not may_close(self.context):
            event.ignore()
            return
        self.settings.set_bytes("window/geometry", self.saveGeometry())
        self.settings.set_bytes("window/state", self.saveState())
        self.settings.set_bytes("window/columns", self._outer.saveState())
        self.settings.set_bytes("window/views", self._views.saveState())
        self.settings.set("window/panel", self.context.parts["side"].current)
        self.settings.sync()
        self.jobs.cancel_all()
        self.jobs.wait_all()
        for part in self.context.parts.values():
            if hasattr(part, "shut_down"):
                part.shut_down()
        self.session.show(None)
        self._guard.release()
        event.accept()
