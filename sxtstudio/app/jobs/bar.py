"""Running jobs with progress, remaining time and Cancel, in the status bar."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt, QTimer
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from sxtstudio.app import theme
from sxtstudio.app.context import Context
from sxtstudio.app.jobs.job import Job
from sxtstudio.app.jobs.remaining import remaining_text
from sxtstudio.app.widgets.elided import ElidedLabel
from sxtstudio.app.widgets.hasty_clicks import ignore_hasty_clicks
from sxtstudio.core import wording
from sxtstudio.core.progress import ProgressState

# What is over sooner need not be shown.
DELAY_MS = 300
_STEPS = 1000


class JobRow(QWidget):
    """One running job: name and stage, a bar, the remaining time, Cancel."""

    def __init__(self, job: Job, parent: QWidget | None = None) -> None:
        """Show ``job`` from now on."""
        super().__init__(parent)
        self.job = job
        self._words = ElidedLabel()
        self._remaining = QLabel()
        self._remaining.setProperty("role", "note")
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setFixedSize(140, 10)
        self._bar.setAccessibleName("Progress")
        self.cancel_button = QToolButton()
        self.cancel_button.setText("Cancel")
        theme.set_icon(self.cancel_button, "mdi6.close-circle-outline")
        self.cancel_button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.cancel_button.setAutoRaise(True)
        self.cancel_button.setToolTip(f"Stop “{job.name}”")
        self.cancel_button.clicked.connect(self._on_cancel_clicked)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(4, 0, 4, 0)
        layout.setSpacing(8)
        for widget in (self._words, self._bar, self._remaining, self.cancel_button):
            layout.addWidget(widget)
        ignore_hasty_clicks(self)  # that of another job may have been meant
        job.progressed.connect(self._show)
        self._show(job.state)

    def _show(self, state: ProgressState | None) -> None:
        fraction = 0.0 if state is None else state.fraction
        if fraction > 0:
            self._bar.setRange(0, _STEPS)
            self._bar.setValue(round(_STEPS * min(1.0, fraction)))
        else:
            self._bar.setRange(0, 0)  # it moves to and fro: how long is not known
        stage = "" if state is None else state.stage
        words = self.job.name if stage in ("", self.job.name) else f"{self.job.name} · {stage}"
        self._words.setText(words)
        self._words.setToolTip(words)
        stopping = self.job.progress.cancelled
        self._remaining.setText("" if stopping else remaining_text(state))
        self._remaining.setVisible(bool(self._remaining.text()))
        self.cancel_button.setText("stopping…" if stopping else "Cancel")
        self.cancel_button.setEnabled(not stopping)

    def _on_cancel_clicked(self) -> None:
        self.job.cancel()
        self._show(self.job.state)


class JobBar(QWidget):
    """The newest running job; a button lists the others."""

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        """Show nothing until there is a job."""
        super().__init__(parent)
        self._jobs = context.jobs
        self.row: JobRow | None = None
        self.more = QToolButton()
        self.more.setAutoRaise(True)
        self.more.clicked.connect(self._on_more_clicked)
        self._list: QFrame | None = None
        self._layout = QHBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(2)
        self._layout.addWidget(self.more)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Preferred)
        self._delay = QTimer(self, singleShot=True, interval=DELAY_MS)
        self._delay.timeout.connect(self._refresh)
        self._jobs.started.connect(self._on_started)
        self._jobs.ended.connect(self._on_ended)
        self._refresh()

    def shut_down(self) -> None:
        """Stop following jobs."""
        self._delay.stop()
        self._close_list()

    def _on_started(self, job: Job) -> None:
        if not job.quiet and not self._delay.isActive():
            self._delay.start()

    def _on_ended(self, job: Job) -> None:
        # Its row must go at once: the job is deleted next.
        if self._list is not None and not job.quiet:
            self._close_list()
        if self.row is None or self.row.job is job:
            self._refresh()
        else:
            self._count()

    def _refresh(self) -> None:
        newest = self._jobs.visible[-1] if self._jobs.visible else None
        if self.row is not None and self.row.job is not newest:
            self._layout.removeWidget(self.row)
            self.row.hide()
            self.row.deleteLater()
            self.row = None
        if newest is not None and self.row is None:
            self.row = JobRow(newest)
            self._layout.insertWidget(0, self.row)
        self._count()
        self.setVisible(newest is not None)

    def _count(self) -> None:
        others = len(self._jobs.visible) - 1
        self.more.setText(f"+{others}")
        self.more.setToolTip(f"{wording.count(others, 'more job')} running: show all")
        self.more.setVisible(others > 0)

    def _on_more_clicked(self) -> None:
        """Show all running jobs above the bar."""
        self._close_list()
        self._list = QFrame(self, Qt.WindowType.Popup)
        self._list.setFrameShape(QFrame.Shape.StyledPanel)
        column = QVBoxLayout(self._list)
        for job in reversed(self._jobs.visible):
            column.addWidget(JobRow(job))
        self._list.adjustSize()
        corner = self.mapToGlobal(QPoint(self.width() - self._list.width(), -self._list.height() - 4))
        self._list.move(corner)
        self._list.show()

    def _close_list(self) -> None:
        if self._list is not None:
            self._list.close()
            self._list.deleteLater()
            self._list = None
