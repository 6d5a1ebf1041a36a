"""Bar, remaining time and Cancel of the job that a panel has started."""

from __future__ import annotations

from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from sxtstudio.app.jobs.job import Job
from sxtstudio.app.jobs.remaining import remaining_text
from sxtstudio.app.widgets.hasty_clicks import ignore_hasty_clicks
from sxtstudio.core.progress import ProgressState


class ProgressStrip(QWidget):
    """Shows one job at a time, and hides when there is none."""

    def __init__(self, parent: QWidget | None = None, *, cancel: bool = True) -> None:
        """Begin hidden; without Cancel where another button stops the job."""
        super().__init__(parent)
        self._job: Job | None = None
        self.bar = QProgressBar()
        self.bar.setRange(0, 1000)
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(8)
        self.text = QLabel()
        self.text.setProperty("role", "note")
        self.text.setWordWrap(True)
        self.text.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.cancel_button = QPushButton("Cancel")
        self.cancel_button.clicked.connect(self._on_cancel_clicked)
        row = QHBoxLayout()
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.text, 1)
        row.addWidget(self.cancel_button)
        self.cancel_button.setVisible(cancel)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 4, 0, 4)
        layout.addWidget(self.bar)
        layout.addLayout(row)
        ignore_hasty_clicks(self)
        self.hide()

    def watch(self, job: Job, *, counted: bool = True) -> None:
        """Follow a job until it ends; one that is not ``counted`` has no steps to show."""
        self._job = job
        self.bar.setRange(0, 1000 if counted else 0)
        self.bar.setValue(0)
        self.text.setText(f"{job.name}…")
        self.cancel_button.setEnabled(True)
        self.cancel_button.setText("Cancel")
        if counted:
            job.progressed.connect(self._on_job_progressed)
        job.finished.connect(self._on_job_finished)
        self.show()

    def _on_job_progressed(self, state: ProgressState) -> None:
        if self.sender() is not self._job:
            return
        # How much there is to do may not be known yet, or there is nothing: the bar moves to and fro.
        self.bar.setRange(0, 1000 if state.fraction > 0 else 0)
        self.bar.setValue(round(1000 * state.fraction))
        stage = state.stage[:1].upper() + state.stage[1:]
        done = f", {round(100 * state.fraction)} %" if state.fraction > 0 else ""
        left = remaining_text(state)
        self.text.setText(f"{stage}{done}{f' – {left}' if left else ''}")

    def _on_job_finished(self) -> None:
        if self.sender() is self._job:
            self._job = None
            self.hide()

    def _on_cancel_clicked(self) -> None:
        if self._job is not None:
            self._job.cancel()
            self.cancel_button.setEnabled(False)
            self.cancel_button.setText("Stopping…")
