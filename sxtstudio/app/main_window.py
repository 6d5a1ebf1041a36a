"""The main window: puts the parts together, and nothing else."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QShowEvent
from PySide6.QtWidgets import QMainWindow, QSplitter, QVBoxLayout, QWidget

from sxtstudio.app.clean.panel import CleanPanel
from sxtstudio.app.context import Context, Parts
from sxtstudio.app.document.closing import may_close
from sxtstudio.app.document.first_look import FirstLook
from sxtstudio.app.document.first_scan import FirstScan
from sxtstudio.app.document.opening import open_path
from sxtstudio.app.document.recent import MENU as RECENT
from sxtstudio.app.document.recent import RecentMenu
from sxtstudio.app.document.recent_files import RecentFiles
from sxtstudio.app.document.start_page import StartPage
from sxtstudio.app.document.undo_room import UndoRoom
from sxtstudio.app.errors import ErrorGuard, show_error
from sxtstudio.app.evaluate.panel import EvaluatePanel
from sxtstudio.app.evaluate.work import EvaluationWork
from sxtstudio.app.help.help_key import HelpKey
from sxtstudio.app.jobs.bar import JobBar
from sxtstudio.app.jobs.job import Jobs
from sxtstudio.app.labels.complete_slices import CompleteSlices
from sxtstudio.app.labels.panel import LabelsPanel
from sxtstudio.app.labels.tools.toolbox import Toolbox
from sxtstudio.app.mask.panel import MaskPanel
from sxtstudio.app.menus import Actions
from sxtstudio.app.models.default_model import offer_former
from sxtstudio.app.notices import NoticeBar
from sxtstudio.app.objects.measured import ObjectMeasurements
from sxtstudio.app.objects.pages import add_pages
from sxtstudio.app.objects.pane import ObjectsPane
from sxtstudio.app.objects.panel import ObjectsPanel
from sxtstudio.app.objects.style import ObjectStyle
from sxtstudio.app.preferences import apply_stored
from sxtstudio.app.segment.panel import SegmentPanel
from sxtstudio.app.session import Session
from sxtstudio.app.settings import Settings
from sxtstudio.app.slices.panel import ImagePanel
from sxtstudio.app.slices.view import SlicesView
from sxtstudio.app.states import Panel
from sxtstudio.app.status_line import StatusLine
from sxtstudio.app.tour.tour import Tour
from sxtstudio.app.view3d.panel import SurfacePanel
from sxtstudio.app.view3d.view import View3D
from sxtstudio.app.widgets.focus import FocusReturns
from sxtstudio.app.widgets.placement import fit_to_screen
from sxtstudio.app.widgets.side_panel import WIDTH_PX, SidePanel
from sxtstudio.core.pace import Pace

PANE_PX = 260  # the pane of the objects below the views
SIDE_SHARE, MOST_SIDE_SHARE = 0.4, 0.5  # of the width: at the first start, and whatever was kept
LEAST_SLICES_PX = 120  # beside a 3D view on a small screen
LEAST_VIEWS_PX = 80  # above the pane of the objects on a small screen
SIZE_PX = QSize(1440, 900)  # where the screen has room for it
STATUS_HEIGHT_PX = 34
_PACE = "pace"  # how long the stages of jobs take on this computer


class MainWindow(QMainWindow):
    """A window with one document.

    Signals
    -------
    closed()
        It has let go of everything.
    """

    closed = Signal()

    def __init__(self, settings: Settings | None = None) -> None:
        """Build the window; nothing is open yet."""
        super().__init__()
        self.setObjectName("main")
        self.resize(SIZE_PX)
        self.setAcceptDrops(True)
        self.session = Session(self)
        self.settings = settings or Settings()
        self.jobs = Jobs(self, Pace.from_json(self.settings.get(_PACE, {})))
        self.context = Context(self.session, self.jobs, self.settings, self)
        apply_stored(self.context)
        offer_former(self.context)
        self._guard = ErrorGuard(self)
        self.actions_ = Actions(self, self.context)
        self._parts = parts = self._make_parts()
        self.context.complete(parts)
        add_pages(self.context, parts)
        self._lay_out(parts)
        FocusReturns(self, parts.slices.views["xy"])
        HelpKey(self.context)
        StatusLine(self.statusBar(), self.session)
        self.jobs.failed.connect(lambda error: show_error(self, error))
        for signal in (self.session.document_changed, self.session.history_changed):
            signal.connect(self._show_title)
        self._former_layout = self.session.layout.value
        self._side_px = WIDTH_PX  # of the panel, while it is folded away
        self.session.layout.changed.connect(self._on_session_layout_changed)
        self._show_title()
        self.restoreGeometry(self.settings.bytes("window/geometry"))
        fit_to_screen(self)  # which may be another one now, or have another scale factor
        self.restoreState(self.settings.bytes("window/state"))
        if not self._outer.restoreState(self.settings.bytes("window/columns")):
            self._share_columns(SIDE_SHARE)
        self._views.restoreState(self.settings.bytes("window/views"))
        self._rows.restoreState(self.settings.bytes("window/rows"))
        stored = self.settings.get("window/panel", "")
        parts.side.show_panel(next((panel for panel in Panel if panel.value == stored), Panel.IMAGE))

    def _make_parts(self) -> Parts:
        """Make every part, with the parts that it cannot be without."""
        context, session = self.context, self.session
        toolbox, complete, first_scan = Toolbox(context), CompleteSlices(session), FirstScan(context)
        measured, evaluation = ObjectMeasurements(session), EvaluationWork(session)
        style = ObjectStyle(session, measured)
        recent = RecentFiles(context)
        slices = SlicesView(context, first_scan, toolbox, style, StartPage(context, recent))
        view3d = View3D(context, style)
        return Parts(
            tour=Tour(context),
            toolbox=toolbox,
            complete=complete,
            evaluation=evaluation,
            first_scan=first_scan,
            slices=slices,
            view3d=view3d,
            first_look=FirstLook(context, first_scan),
            image=ImagePanel(context, first_scan),
            segment=SegmentPanel(context),
            clean=CleanPanel(context),
            mask=MaskPanel(context),
            labels=LabelsPanel(context),
            measured=measured,
            style=style,
            objects=ObjectsPanel(context, measured, style),
            pane=ObjectsPane(context),
            surface=SurfacePanel(context, view3d),
            evaluate=EvaluatePanel(context, evaluation),
            side=SidePanel(),
            actions=self.actions_,
            recent_files=recent,
            recent=RecentMenu(context, recent, self.actions_.menu(RECENT)),
            job_bar=JobBar(context),
        )

    def _lay_out(self, parts: Parts) -> None:
        """Put the parts where they belong: views, the column of panels, the bar of jobs."""
        self._views = QSplitter(Qt.Orientation.Horizontal)
        self._views.addWidget(parts.slices)
        self._views.addWidget(parts.view3d)
        self._views.setChildrenCollapsible(False)
        self._views.setSizes([800, 600])
        parts.slices.setMinimumSize(LEAST_SLICES_PX, LEAST_VIEWS_PX)
        parts.view3d.setMinimumHeight(LEAST_VIEWS_PX)
        parts.view3d.hide()
        column = QVBoxLayout()
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(parts.first_look)
        self._rows = QSplitter(Qt.Orientation.Vertical)
        self._rows.addWidget(self._views)
        self._rows.addWidget(parts.pane)
        self._rows.setChildrenCollapsible(False)
        self._rows.setStretchFactor(0, 1)
        self._rows.setStretchFactor(1, 0)
        self._rows.setSizes([SIZE_PX.height() - PANE_PX, PANE_PX])
        parts.pane.hide()
        column.addWidget(self._rows, 1)
        centre = QWidget()
        centre.setLayout(column)
        for panel, title, icon, widget, footer in (
            (Panel.IMAGE, "Image", "mdi6.brightness-6", parts.image, None),
            (Panel.SEGMENT, "Segment", "mdi6.creation", parts.segment, parts.segment.footer),
            (Panel.CLEAN, "Clean up", "mdi6.broom", parts.clean, parts.clean.footer),
            (Panel.MASK, "Cell mask", "mdi6.selection-ellipse", parts.mask, parts.mask.footer),
            (Panel.LABELS, "By hand", "mdi6.brush", parts.labels, None),
            (Panel.OBJECTS, "Objects", "mdi6.chart-bubble", parts.objects, parts.objects.footer),
            (Panel.SURFACE, "3D view", "mdi6.cube-outline", parts.surface, parts.surface.footer),
            (
                Panel.EVALUATE,
                "Evaluate",
                "mdi6.clipboard-check-outline",
                parts.evaluate,
                parts.evaluate.footer,
            ),
        ):
            parts.side.add(panel, title, icon, widget, footer)
        self._outer = QSplitter(Qt.Orientation.Horizontal)
        self._outer.addWidget(centre)
        self._outer.addWidget(parts.side)
        self._outer.setChildrenCollapsible(False)
        self._outer.setStretchFactor(0, 1)
        self._outer.setStretchFactor(1, 0)
        self._outer.setSizes([SIZE_PX.width() - WIDTH_PX, WIDTH_PX])
        parts.side.fold_wanted.connect(lambda folded: self.session.layout.set(panel=not folded))
        self.setCentralWidget(self._outer)
        self.statusBar().addPermanentWidget(NoticeBar(self.session.notices))
        UndoRoom(self.context)
        self.statusBar().addPermanentWidget(parts.job_bar)
        # High enough for a job, so that the views do not jump when one begins.
        self.statusBar().setMinimumHeight(STATUS_HEIGHT_PX)

    def _on_session_layout_changed(self) -> None:
        """Show what is wanted; where the 3D view goes, the slices come back."""
        former, layout = self._former_layout, self.session.layout.value
        if not layout.view3d and not layout.slices:
            self.session.layout.set(slices=True)
            return
        self._former_layout = layout
        self._parts.slices.setVisible(layout.slices)
        self._parts.view3d.setVisible(layout.view3d)
        self._parts.pane.setVisible(layout.objects_pane)
        if layout.objects_pane and not former.objects_pane:
            QTimer.singleShot(0, self, self._share_rows)
        if layout.panel != former.panel:
            self._fold_panel(not layout.panel)
        if layout.view3d and not former.view3d:
            self._parts.side.show_panel(Panel.SURFACE)
        if layout.full_screen != self.isFullScreen():
            self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)

    def _fold_panel(self, folded: bool) -> None:
        """Give the room of the panel to the views; shown again, it is as wide as it was."""
        if folded:
            self._side_px = self._outer.sizes()[1]
        self._parts.side.fold(folded)
        side_px = 1 if folded else self._side_px  # the buttons alone take what they need
        self._outer.setSizes([self._outer.width() - side_px, side_px])

    def _share_columns(self, share: float) -> None:
        """Leave most of a narrow window to the views."""
        side_px = min(WIDTH_PX, round(share * self.width()))
        self._outer.setSizes([self.width() - side_px, side_px])

    def _suit_size(self) -> None:
        """Stay within the screen, which may be another one than last time, and so may be its scale factor."""
        fit_to_screen(self)
        if self._parts.side.width() > MOST_SIDE_SHARE * self.width():
            self._share_columns(SIDE_SHARE)

    def _share_rows(self) -> None:
        """Leave half of a low window to the views when the pane comes."""
        views_px, pane_px = self._rows.sizes()
        if pane_px > views_px:
            half_px = (views_px + pane_px) // 2
            self._rows.setSizes([half_px, half_px])

    def _show_title(self) -> None:
        document = self.session.document
        if document is None:
            self.setWindowTitle("SXT Studio")
        else:
            self.setWindowTitle(f"{document.name}[*] – SXT Studio")
        self.setWindowModified(document is not None and document.modified)

    def explain_error(self, message: str) -> None:
        """Show what the documentation says about an error message."""
        from sxtstudio.app.help.reader import Documentation

        self.context.dialogs.bring_up(Documentation).explain(message)

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

    def showEvent(self, event: QShowEvent) -> None:
        """Stay within the screen with the frame that the desktop has put around the window."""
        super().showEvent(event)
        QTimer.singleShot(0, self, self._suit_size)

    def changeEvent(self, event: QEvent) -> None:
        """Follow a change to the full screen or back."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.WindowStateChange:
            self.session.layout.set(full_screen=self.isFullScreen())

    def closeEvent(self, event: QCloseEvent) -> None:
        """Ask about running jobs and unsaved work; then let go of everything."""
        if not may_close(self.context):
            event.ignore()
            return
        self.session.layout.set(panel=True)  # the columns as they are when it is shown
        self.settings.set_bytes("window/geometry", self.saveGeometry())
        self.settings.set_bytes("window/state", self.saveState())
        self.settings.set_bytes("window/columns", self._outer.saveState())
        self.settings.set_bytes("window/views", self._views.saveState())
        self.settings.set_bytes("window/rows", self._rows.saveState())
        self.settings.set("window/panel", self._parts.side.current.value)
        self.settings.set(_PACE, self.jobs.pace.to_json())
        self.hide()  # nobody looks at a window that waits for threads
        self.settings.finish()
        self._parts.tour.shut_down()  # it would do the next step
        self.jobs.close()
        self._parts.shut_down()
        self.context.dialogs.shut_down()
        self.session.show(None)
        self._guard.release()
        event.accept()
        self.closed.emit()
