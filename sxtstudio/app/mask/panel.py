"""The cell mask: automatic, by hand, by threshold."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QWidget

from sxtstudio.app import questions
from sxtstudio.app.context import Context
from sxtstudio.app.document.choose_volume import resolve
from sxtstudio.app.jobs.job import Job, Work
from sxtstudio.app.jobs.label_job import LabelJob, LabelWork
from sxtstudio.app.jobs.latest import Latest
from sxtstudio.app.jobs.preview import LivePreview
from sxtstudio.app.mask.layout import MaskLayout
from sxtstudio.app.slice_preview import Preview
from sxtstudio.app.states import Panel
from sxtstudio.app.widgets.notes import show_note
from sxtstudio.app.widgets.result_note import ResultNote
from sxtstudio.core import wording
from sxtstudio.core.edit_kind import EditKind, Target
from sxtstudio.core.edits import Edit, Recorder
from sxtstudio.core.errors import UserError
from sxtstudio.core.progress import Progress
from sxtstudio.core.volume import ArrayVolume
from sxtstudio.io.opening import SUFFIXES, name_patterns
from sxtstudio.workflow.document.document import Document
from sxtstudio.workflow.jobs import document_mask as masking
from sxtstudio.workflow.jobs.document_mask import GreyRange, MaskResult, OnWritten, Pixels
from sxtstudio.workflow.jobs.unchanged import while_unchanged

_FILES = "TIFF (*.tif *.tiff);;MRC (*.mrc *.rec *.map)"


class MaskPanel(MaskLayout):
    """The cell mask: automatic, by hand, by threshold."""

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        """Build the widget."""
        super().__init__(parent)
        self._context, self._session = context, context.session
        self.run: LabelJob | None = None
        self._result = ResultNote(self._session, self.result)
        self._share: float | None = None
        self._counts = Latest(
            context, "Measuring the mask", self._on_fraction_done, delay_ms=300, parent=self
        )
        self.preview = LivePreview(
            context,
            "Previewing the mask",
            wanted=self._wanted_preview,
            on_done=self._on_preview_done,
            say=partial(show_note, self.preview_note),
            delay_ms=100,
            parent=self,
        )
        self._grey_ranges = Latest(
            context, "Looking at the slice", self._on_grey_range, delay_ms=0, parent=self
        )
        for button, run in (
            (self.automatic, self.make_automatic),
            (self.interpolate, self.interpolate_slices),
            (self.to_ends, partial(self._change, EditKind.CONTINUE, _alone(masking.continue_to_ends))),
            (self.make, self.make_by_threshold),
            (self.invert, partial(self._change, EditKind.INVERT, _alone(masking.invert))),
            (self.fill, partial(self._change, EditKind.FILL_HOLES, _alone(masking.fill))),
            (self.clear, partial(self._change, EditKind.CLEAR, _alone(masking.clear))),
            (self.cut, self.cut_labels),
            (self.load, self.load_file),
            (self.save, self.save_file),
        ):
            button.clicked.connect(partial(self._guarded, run))
        for name, tool in self.tools.items():
            tool.clicked.connect(partial(self._on_tool_clicked, name))
        self.segment_first.clicked.connect(lambda: context.parts.side.show_panel(Panel.SEGMENT))
        self.live.toggled.connect(self.preview.ask)
        self.threshold.changed.connect(self.preview.ask)
        self.threshold.suggestion_wanted.connect(self._look_at_slice)
        session = self._session
        session.document_changed.connect(self._on_session_document_changed)
        session.facts_changed.connect(self._on_session_facts_changed)
        session.mask_changed.connect(self._on_session_mask_changed)
        session.labels_changed.connect(self._on_session_labels_changed)
        session.busy_changed.connect(self._follow)
        session.tool.changed.connect(self._show_tool)
        self._follow()

    def _guarded(self, run: Any) -> None:
        try:
            run()
        except Exception as error:
            self._context.jobs.failed.emit(error)

    # -- what can be done ------------------------------------------------------------------------------

    def make_automatic(self) -> None:
        """Make the mask from the tomogram itself."""
        document = self._session.document
        if document is None:
            raise UserError("No tomogram is open. Open one first (File > Open tomogram).")
        volume, identify = document.tomogram, document.identify
        polarity = document.polarity
        labels = None if document.labels is None else ArrayVolume(document.labels)
        self._change(
            EditKind.FIND_CELL,
            lambda job, recorder: while_unchanged(
                identify(),
                lambda: masking.make_automatic(recorder, volume, polarity, labels, job.progress, job.report),
            ),
            polarity="auto" if polarity is None else polarity.value,
        )

    def make_by_threshold(self) -> None:
        """Make the mask from a grey value."""
        document = self._session.document
        if document is None:
            raise UserError("No tomogram is open. Open one first (File > Open tomogram).")
        volume, identify, how = document.tomogram, document.identify, self.threshold.how()
        self._change(
            EditKind.THRESHOLD,
            lambda job, recorder: while_unchanged(
                identify(),
                lambda: masking.make_by_threshold(recorder, volume, how, job.progress, job.report),
            ),
            value=how.value,
            above=how.above,
            smooth_px=how.smooth_px,
            large_only=how.large_only,
            fill=how.fill,
        )

    def interpolate_slices(self) -> None:
        """Continue what is drawn on some slices on those between them."""
        self._change(EditKind.INTERPOLATE, _alone(masking.interpolate))

    def cut_labels(self) -> None:
        """Remove the labels outside the mask."""
        mask = None if self._session.document is None else self._session.document.mask
        if mask is None:
            raise UserError("There is no cell mask yet. Make one first.")
        self._change(
            EditKind.REMOVE_OUTSIDE,
            lambda job, recorder: masking.cut_labels(recorder, mask, job.progress, job.report),
            target="labels",
        )

    def load_file(self) -> None:
        """Take the mask from a file."""
        path = questions.open_file(
            self._context, "Load a cell mask", f"Masks ({name_patterns(SUFFIXES)});;All files (*)"
        )
        document = self._session.document
        if path is not None and document is not None:
            resolve(self._context, path, partial(self._load, document), shape=document.shape, labels=True)

    def _load(self, document: Document, path: Path) -> None:
        if self._session.document is document:
            self._change(
                EditKind.LOAD_MASK,
                lambda job, recorder: masking.load(recorder, path, job.progress, job.report),
                file=path.name,
            )

    def save_file(self) -> None:
        """Write the mask to a file."""
        from sxtstudio.io import export_volume

        document = self._session.document
        if document is None or document.mask is None:
            raise UserError("There is no cell mask yet. Make one first.")
        path = questions.save_file(
            self._context, "Save the cell mask", f"{document.tomogram.path.stem}.mask.tif", _FILES
        )
        if path is None:
            return
        mask = ArrayVolume(document.mask, document.voxel_nm)

        def work(job: Job) -> str:
            receipt = export_volume(path, mask, progress=job.progress)
            return f"Saved in {receipt.path.name} and read back."

        job = self._context.jobs.start("Saving the mask", work, on_done=self._result.show)
        self.strip.watch(job)

    def _change(self, kind: EditKind, work: LabelWork, *, target: Target = "mask", **parameters: Any) -> None:
        """Start a job that changes the mask, or the labels."""
        self.live.setChecked(False)
        self.preview.take_away()
        self._result.clear()
        self.segment_first.hide()
        self.run = LabelJob(
            self._context, kind, work, target=target, parameters=parameters, on_done=self._on_run_done
        )
        self.run.ended.connect(self._on_run_ended)
        self.strip.watch(self.run.job)
        self._follow()

    def _on_run_done(self, result: MaskResult, edit: Edit | None) -> None:
        document = self._session.document
        if result.polarity is not None and document is not None and document.polarity is None:
            self._session.set_polarity(result.polarity)
        lines = list(result.notes)
        self.segment_first.setVisible(result.segment_first)
        if edit is None and not result.segment_first:
            lines.append("Nothing was to be changed.")
        self._result.show_result("\n".join(lines))

    def _on_run_ended(self, edit: Edit | None) -> None:
        self.run = None
        self._follow()

    # -- preview of the threshold ------------------------------------------------------------------------

    def _look_at_slice(self) -> None:
        """Find the range of grey values and a good one in the visible slice."""
        document = self._session.document
        if document is None:
            return
        volume, z, how = document.tomogram, self._session.cursor[0], self.threshold.how()
        self._grey_ranges.request(lambda job: masking.grey_range(volume, z, how.smooth_px), at_once=True)

    def _on_grey_range(self, grey: GreyRange | None) -> None:
        if grey is None:
            show_note(self.preview_note, "Nothing can be told apart in this slice.")
            return
        self.threshold.set_range(grey.low, grey.high)
        self.threshold.set_value(grey.suggested)

    def _wanted_preview(self) -> Work | None:
        document = self._session.document
        wanted = self.live.isChecked() and self.isVisible() and self._session.busy is None
        if document is None or not wanted:
            return None
        volume, z, how = document.tomogram, self._session.cursor[0], self.threshold.how()
        return lambda job: (z, masking.outline_of_slice(volume, z, how))

    def _on_preview_done(self, found: tuple[int, Pixels]) -> None:
        self.preview.show(Preview(*found, "Preview: cell mask"))
        show_note(self.preview_note, "")

    # -- by hand -------------------------------------------------------------------------------------------

    def _on_tool_clicked(self, name: str) -> None:
        now = self._session.tool.value
        # A second click puts the tool back.
        same = now.tool == name and now.target == "mask"
        self._session.tool.set(tool="look" if same else name, target="mask")
        self._show_tool()

    def _show_tool(self) -> None:
        now = self._session.tool.value
        for name, button in self.tools.items():
            button.setChecked(now.target == "mask" and now.tool == name)

    # -- following the session -------------------------------------------------------------------------------

    def _on_session_document_changed(self) -> None:
        for latest in (self._grey_ranges, self._counts):
            latest.cancel(wait_s=10)
        self._result.clear()
        self.segment_first.hide()
        self.live.setChecked(False)
        self._share = None
        self._suggested = False
        self.threshold.reset()
        document = self._session.document
        self.threshold.set_polarity(None if document is None else document.polarity)
        self._follow()
        self._on_shown()

    def _on_session_facts_changed(self) -> None:
        document = self._session.document
        if document is not None:
            self.threshold.set_polarity(document.polarity)

    def _on_session_mask_changed(self) -> None:
        self._follow()

    def _on_session_labels_changed(self) -> None:
        # The first labels can be cut; a stroke later changes nothing here.
        if not self.cut.isEnabled():
            self._follow()

    def _follow(self) -> None:
        """Offer what can be done now, and measure the mask."""
        document, busy = self._session.document, self._session.busy is not None
        mask = None if document is None else document.mask
        self.offer(
            tomogram=document is not None and not busy,
            mask=mask is not None and not busy,
            labels=document is not None and document.labels is not None and not busy,
        )
        if mask is None:
            self._counts.cancel()
            show_note(self.fraction, "" if document is None else "There is no cell mask yet.")
        elif self.isVisible() and not busy:
            counted = mask
            self._counts.request(lambda job: masking.fraction(counted, job.progress))

    def _on_fraction_done(self, share: float) -> None:
        show_note(self.fraction, f"The mask holds {wording.share(share)} of the volume.")

    def _on_shown(self) -> None:
        if self.isVisible() and not self._suggested and self._session.document is not None:
            self._suggested = True
            self._look_at_slice()

    def showEvent(self, event: QShowEvent) -> None:
        """Tools change the mask from now on."""
        super().showEvent(event)
        if not event.spontaneous():
            self._session.tool.set(target="mask", tool="look")
            self._follow()
            self._on_shown()

    def hideEvent(self, event: QHideEvent) -> None:
        """Tools change the labels again."""
        super().hideEvent(event)
        if not event.spontaneous():
            self.preview.take_away()
            self.live.setChecked(False)
            if self._session.tool.value.target == "mask":
                self._session.tool.set(target="labels", tool="look")

    def shut_down(self) -> None:
        """Let go of the threads."""
        for latest in (self._counts, self.preview, self._grey_ranges):
            latest.shut_down()


def _alone(work: Callable[[Recorder, Progress, OnWritten], MaskResult]) -> LabelWork:
    """Return the job of a work that needs nothing but the mask itself."""
    return lambda job, recorder: work(recorder, job.progress, job.report)
