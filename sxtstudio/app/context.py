"""What every panel, viewer and action gets handed: the parts of one window."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from sxtstudio.app.jobs.job import Jobs
from sxtstudio.app.session import Session
from sxtstudio.app.settings import Settings
from sxtstudio.app.widgets.dialogs import Dialogs

if TYPE_CHECKING:  # the parts import the context
    from PySide6.QtWidgets import QMainWindow

    from sxtstudio.app.clean.panel import CleanPanel
    from sxtstudio.app.document.first_look import FirstLook
    from sxtstudio.app.document.first_scan import FirstScan
    from sxtstudio.app.document.recent import RecentMenu
    from sxtstudio.app.document.recent_files import RecentFiles
    from sxtstudio.app.evaluate.panel import EvaluatePanel
    from sxtstudio.app.evaluate.work import EvaluationWork
    from sxtstudio.app.jobs.bar import JobBar
    from sxtstudio.app.labels.complete_slices import CompleteSlices
    from sxtstudio.app.labels.panel import LabelsPanel
    from sxtstudio.app.labels.tools.toolbox import Toolbox
    from sxtstudio.app.mask.panel import MaskPanel
    from sxtstudio.app.menus import Actions
    from sxtstudio.app.objects.measured import ObjectMeasurements
    from sxtstudio.app.objects.pane import ObjectsPane
    from sxtstudio.app.objects.panel import ObjectsPanel
    from sxtstudio.app.objects.style import ObjectStyle
    from sxtstudio.app.segment.panel import SegmentPanel
    from sxtstudio.app.slices.panel import ImagePanel
    from sxtstudio.app.slices.view import SlicesView
    from sxtstudio.app.tour.tour import Tour
    from sxtstudio.app.view3d.panel import SurfacePanel
    from sxtstudio.app.view3d.view import View3D
    from sxtstudio.app.widgets.side_panel import SidePanel


@runtime_checkable
class ShutsDown(Protocol):
    """A part that has something to let go of when the window closes: threads, files, OpenGL."""

    def shut_down(self) -> None:
        """Let go of it."""


@dataclass(frozen=True)
class Parts:
    """What a window is made of, in the order in which it is shut down.

    Actions use the parts. Panels and views do not know each other: one that cannot be without another
    gets it when it is made.
    """

    tour: Tour
    toolbox: Toolbox
    complete: CompleteSlices
    evaluation: EvaluationWork
    first_scan: FirstScan
    slices: SlicesView
    view3d: View3D
    first_look: FirstLook
    image: ImagePanel
    segment: SegmentPanel
    clean: CleanPanel
    mask: MaskPanel
    labels: LabelsPanel
    measured: ObjectMeasurements
    style: ObjectStyle
    objects: ObjectsPanel
    pane: ObjectsPane
    surface: SurfacePanel
    evaluate: EvaluatePanel
    side: SidePanel
    actions: Actions
    recent_files: RecentFiles
    recent: RecentMenu
    job_bar: JobBar

    def shut_down(self) -> None:
        """Have every part let go of what it holds."""
        for part in vars(self).values():
            if isinstance(part, ShutsDown):
                part.shut_down()


@dataclass
class Context:
    """Session, jobs, settings, dialogs and parts of a window, and the window itself for questions."""

    session: Session
    jobs: Jobs
    settings: Settings
    window: QMainWindow
    dialogs: Dialogs = field(init=False)
    _parts: Parts | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        """Begin without dialogs."""
        self.dialogs = Dialogs(self)

    @property
    def parts(self) -> Parts:
        """The parts; there once the window is complete, so that nobody gets half of them."""
        if self._parts is None:
            raise RuntimeError("the window is not complete yet: hand the part over where this one is made")
        return self._parts

    def complete(self, parts: Parts) -> None:
        """Say that all parts have been made; called once, by the window."""
        self._parts = parts
