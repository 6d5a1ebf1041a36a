"""What a quiet job finds out about a tomogram after it was opened: grey values, polarity, overview."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from PySide6.QtCore import QObject, Signal

from sxtstudio.app.context import Context
from sxtstudio.app.jobs.job import Job
from sxtstudio.core.contrast import GreySample, sample_volume
from sxtstudio.core.errors import UserError
from sxtstudio.core.image_polarity import detect_polarity
from sxtstudio.core.overview import Overview, build_overview
from sxtstudio.core.polarity import Polarity
from sxtstudio.workflow.document.document import Document


class FirstScan(QObject):
    """Facts about the open tomogram as they arrive; each is None until then."""

    sampled = Signal()
    overviewed = Signal()
    judged = Signal()
    failed = Signal(object)  # the error; the views say it where it matters

    def __init__(self, context: Context) -> None:
        """Look at every tomogram that is opened from now on."""
        super().__init__(context.session)
        self._context = context
        self._job: Job | None = None
        self.sample: GreySample | None = None
        self.overview: Overview | None = None
        self.polarity: Polarity | None = None
        self.error: Exception | None = None
        context.session.document_changed.connect(self._on_document)

    @property
    def running(self) -> bool:
        """Whether more will be found out."""
        return self._job is not None

    def _on_document(self) -> None:
        self.shut_down()
        self.sample = self.overview = self.polarity = self.error = None
        document = self._context.session.document
        if document is None:
            return
        wanted = document.polarity is None
        job: Job | None = None

        def mine() -> bool:
            return self._job is job

        def on_report(found: Any) -> None:
            if mine():
                self._take(found)

        def on_error(error: Exception) -> None:
            if mine():
                self._job, self.error = None, error
                self.failed.emit(error)

        def on_end(_: Any = None) -> None:
            if mine():
                self._job = None

        job = self._job = self._context.jobs.start(
            "Looking at the tomogram",
            lambda job: _look(job, document, wanted),
            on_done=on_end,
            on_error=on_error,
            on_cancel=on_end,
            on_report=on_report,
            quiet=True,
        )

    def _take(self, found: Any) -> None:
        if isinstance(found, GreySample):
            self.sample = found
            self.sampled.emit()
        elif isinstance(found, Overview):
            self.overview = found
            self.overviewed.emit()
        elif isinstance(found, Polarity):
            self.polarity = found
            document = self._context.session.document
            # What a project says, or the user in the meantime, wins.
            if document is not None and document.polarity is None:
                self._context.session.set_polarity(found)
            self.judged.emit()

    def shut_down(self) -> None:
        """Stop looking; the file is about to be closed."""
        job, self._job = self._job, None
        if job is not None:
            job.cancel()
            job.wait(10)


def _look(job: Job, document: Document, polarity_wanted: bool) -> None:
    """Report what was found, what is looked at first at the beginning."""
    import pyqtgraph  # noqa: F401  # it draws what is reported; the window would wait half a second for it

    volume = document.tomogram
    job.report(sample_volume(volume, job.progress.part(0.1)))
    job.report(build_overview(volume, job.progress.part(0.6)))
    with suppress(UserError):
        document.identify()  # while the file is still the one that was opened
    if polarity_wanted:  # many seconds where the image is no clear answer
        job.report(detect_polarity(volume, progress=job.progress))
