"""A map over the shown slice: where the network does not recognise it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject

from sxtstudio.app.context import Context
from sxtstudio.app.jobs.job import Job
from sxtstudio.app.segment.engine import PreviewEngine
from sxtstudio.app.slice_preview import Preview, PreviewStyle
from sxtstudio.core import wording
from sxtstudio.core.errors import UserError
from sxtstudio.segment.parameters import SegmentParameters

if TYPE_CHECKING:
    from sxtstudio.segment import Recognition

# Share of pixels within one standard deviation that is drawn clear, and in full colour. Noise that the
# network leaves out, as it should, has a share of 0.68.
_CLEAR, _FULL = 0.65, 0.25
_LONGEST_WAIT_S = 60.0


class RecognitionMap(QObject):
    """Shows the map as a preview of one slice; asked again for the same slice, it takes it away."""

    def __init__(self, context: Context, engine: PreviewEngine, parent: QObject | None = None) -> None:
        """Show nothing yet."""
        super().__init__(parent)
        self._context, self._session, self._engine = context, context.session, engine
        self.shown: Preview | None = None
        self.job: Job | None = None
        self._session.document_changed.connect(self._on_document_changed)

    def toggle(self, z: int, parameters: SegmentParameters) -> Job | None:
        """Show the map of slice ``z``, or take it away; returns the job that computes it.

        Raises
        ------
        UserError
            If nothing is open.
        """
        session, document, engine = self._session, self._session.document, self._engine
        if document is None:
            raise UserError("No tomogram is open. Open one first (File > Open tomogram).")
        if self.shown is not None and session.preview is self.shown and self.shown.z == z:
            self.shown = None
            session.set_preview(None)
            return None
        self.cancel()
        volume = document.tomogram

        def work(job: Job) -> Recognition:
            return engine.recognise(volume, z, parameters, job.progress)

        def done(found: Recognition) -> None:
            if self.job is job:
                self._show(z, found)

        def failed(error: Exception) -> None:
            if self.job is job:
                self._context.jobs.failed.emit(error)

        job = self._context.jobs.start(
            f"Redrawing slice {wording.slice_number(z)}", work, on_done=done, on_error=failed, quiet=True
        )
        self.job = job
        return job

    def cancel(self) -> None:
        """Stop; what it would show is no longer wanted."""
        if self.job is not None:
            self.job.cancel()
            self.job = None

    def _show(self, z: int, found: Recognition) -> None:
        self.job = None
        if found.around is None or found.share is None:
            self._session.remark("There is nothing to be seen in this slice.")
            return
        shades = np.clip((_CLEAR - found.around) / (_CLEAR - _FULL), 0, 1) * 255
        beyond = wording.share(1 - found.share)
        self.shown = Preview(
            z,
            shades.astype(np.uint8),
            f"Violet: not recognised ({beyond} of the slice beyond 1 SD)",
            PreviewStyle.SHADES,
        )
        self._session.set_preview(self.shown)

    def _on_document_changed(self) -> None:
        job, self.shown = self.job, None
        self.cancel()
        if job is not None:
            job.wait(_LONGEST_WAIT_S)  # the former tomogram is closed next
