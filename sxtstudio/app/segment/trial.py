"""A segmentation tried on one slice; the network's output is kept, so that its threshold can be changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from sxtstudio.app.context import Context
from sxtstudio.app.jobs.job import Job
from sxtstudio.app.segment.engine import PreviewEngine
from sxtstudio.app.segment.polarity_choice import PolarityPictures, draw_pictures
from sxtstudio.app.slice_preview import Preview
from sxtstudio.app.states import LeavesOut
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box
from sxtstudio.core.labels import as_labels
from sxtstudio.core.polarity import Basis, Value
from sxtstudio.core.wording import slice_number
from sxtstudio.segment.parameters import SegmentParameters

if TYPE_CHECKING:
    from sxtstudio.segment import TriedSlice

# A running network looks ten times a second whether it was cancelled.
_LONGEST_WAIT_S = 60.0


@dataclass(frozen=True)
class Tried:
    """A slice that was tried, and, where its polarity is in doubt, pictures of both."""

    z: int
    trial: TriedSlice
    pictures: PolarityPictures | None = None


class SliceTrial(QObject):
    """Shows what the segmentation of a slice would be.

    Signals
    -------
    changed
        A trial began or ended, or its preview was taken away.
    tried(Tried)
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
        self._tried: Tried | None = None
        self._values: NDArray[np.float32] | None = None
        self._threshold = 0.0
        self._leave_out, self._leaves_out = True, LeavesOut.NOTHING
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
        self._threshold = threshold
        volume, engine, polarity = document.tomogram, self._engine, document.polarity
        known = polarity if polarity is not None and polarity.basis is Basis.NETWORK else None
        display = self._session.display.value

        def work(job: Job) -> Tried:
            trial = engine.try_slice(volume, z, parameters, job.progress, known)
            dark, bright = trial.of("dark").labels, trial.of("bright").labels
            if trial.other is None or dark is None or bright is None:
                return Tried(z, trial)
            image = volume.read(Box.slab(z, z + 1, volume.shape))[0]
            window = (display.low, display.high)
            return Tried(z, trial, draw_pictures(image, dark, bright, window, display.label_rgb))

        def done(result: Tried) -> None:
            if self.job is job:
                self._leave_out = parameters.leave_out
                self.show(result, result.trial.judged.polarity.value)
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

    @property
    def latest(self) -> Tried | None:
        """What was tried last, as long as it is shown."""
        return self._tried

    def show(self, tried: Tried, value: Value) -> None:
        """Show what was tried, as it is for dark or for bright membranes."""
        self._tried = tried
        self.show_polarity(value)

    def show_polarity(self, value: Value) -> None:
        """Show the tried slice as it is for dark or for bright membranes, where both were tried."""
        if self._tried is not None:
            tried = self._tried.trial.of(value)
            self._values = tried.values
            gold = LeavesOut.BRIGHT_GOLD if tried.polarity.value == "bright" else LeavesOut.DARK_GOLD
            self._leaves_out = gold if self._leave_out else LeavesOut.NOTHING
            self.set_threshold(self._threshold)

    def set_threshold(self, threshold: float) -> None:
        """Show the tried slice with another threshold; one that is being tried, once it comes back."""
        self._threshold = threshold
        if self._values is None or self._tried is None:
            return
        labels = as_labels(self._values > threshold)
        title = f"Preview: threshold {threshold:.2f}"
        self._shown = Preview(self._tried.z, labels, title, leaves_out=self._leaves_out)
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
        self._values = self._tried = None
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
            self._shown = self._values = self._tried = None
            self.changed.emit()
