"""A segmentation tried on one slice; the network's output is kept, so that its threshold can be changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from sxtstudio.app.context import Context
from sxtstudio.app.jobs.job import Job
from sxtstudio.app.segment.engine import PreviewEngine
from sxtstudio.app.session import Preview
from sxtstudio.core.errors import UserError
from sxtstudio.core.labels import as_labels
from sxtstudio.core.wording import slice_number
from sxtstudio.segment.parameters import SegmentParameters

if TYPE_CHECKING:
    from sxtstudio.segment import SlicePreview

# A running network looks ten times a second whether it was cancelled.
_LONGEST_WAIT_S = 60.0


class SliceTrial(QObject):
    """Shows what the segmentation of a slice would be.

    Signals
    -------
    changed
        A trial began or ended, or its preview was taken away.
    tried(SlicePreview)
        The result of a trial.
    """

    changed = Signal()
    tried = Signal(object)

    def __init__(self, context: Context, engine: PreviewEngine, parent: QObject | None = None) -> None:
        """Show nothing yet."""
        super().__init__(parent)
        self._context = context
        self._session = context.session
        self._engine = engine
        self._values: NDArray[np.float32] | None = None
        self._z = 0
        self._shown: Preview | None = None
        self.job: Job | None = None
        self._session.document_changed.connect(self._on_document_changed)
        self._session.preview_changed.connect(self._on_preview_changed)

    @property
    def shown(self) -> bool:
        """Whether the preview on the screen is this one."""
        return self._shown is not None and self._session.preview is self._shown

    def start(self, z: int, parameters: SegmentParameters, threshold: float) -> Job:
        """Segment slice ``z`` in a job, and show it with ``threshold``.

        Raises
        ------
        UserError
            If nothing is open.
        """
        document = self._session.document
        if document is None:
            raise UserError("No tomogram is open. Open one first (File > Open tomogram).")
        self.cancel()
        volume, engine = document.tomogram, self._engine

        def work(job: Job) -> SlicePreview:
            return engine.try_slice(volume, z, parameters, job.progress)

        def done(result: SlicePreview) -> None:
            if self.job is job:
                self._values, self._z = result.values, z
                self.set_threshold(threshold)
                self.tried.emit(result)

        def failed(error: Exception) -> None:
            if self.job is job:
                self._context.jobs.failed.emit(error)

        def ended() -> None:
            if self.job is job:
                self.job = None
                self.changed.emit()

        job = self._context.jobs.start(
            f"Trying slice {slice_number(z)}", work, on_done=done, on_error=failed, quiet=True
        )
        self.job = job
        job.finished.connect(ended)
        self.changed.emit()
        return job

    def set_threshold(self, threshold: float) -> None:
        """Show the tried slice with another threshold."""
        if self._values is None:
            return
        labels = as_labels(self._values > threshold)
        self._shown = Preview(self._z, labels, f"Preview: threshold {threshold:.2f}")
        self._session.set_preview(self._shown)
        self.changed.emit()

    def cancel(self) -> None:
        """Stop a running trial; what it would show is no longer wanted."""
        if self.job is not None:
            self.job.cancel()
            self.job = None
            self.changed.emit()

    def clear(self) -> None:
        """Stop, forget the network's output, and take the preview away."""
        self.cancel()
        self._values = None
        if self.shown:
            self._session.set_preview(None)
        self._shown = None
        self.changed.emit()

    def _on_document_changed(self) -> None:
        job = self.job
        self.clear()
        if job is not None:
            # The former tomogram is closed next; nobody may be reading it then.
            job.wait(_LONGEST_WAIT_S)

    def _on_preview_changed(self) -> None:
        if self._shown is not None and not self.shown:
            self._shown = self._values = None
            self.changed.emit()
