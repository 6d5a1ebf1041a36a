"""Clean up labels, with a live preview on the visible slice."""

from __future__ import annotations

from dataclasses import replace
from enum import Enum
from functools import partial

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QTimer
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from sxtstudio.app.clean.form import CleanForm
from sxtstudio.app.context import Context
from sxtstudio.app.jobs.job import Job, Work
from sxtstudio.app.jobs.label_job import LabelJob
from sxtstudio.app.jobs.preview import LivePreview
from sxtstudio.app.jobs.strip import ProgressStrip
from sxtstudio.app.slice_preview import Change, Preview, PreviewStyle
from sxtstudio.app.widgets.controls import ComboBox
from sxtstudio.app.widgets.footer import Footer
from sxtstudio.app.widgets.notes import narrow, note, show_note
from sxtstudio.app.widgets.result_note import ResultNote
from sxtstudio.core.cleanup import CleanReport
from sxtstudio.core.cleanup_preview import CleanPreview
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.edits import Edit, Recorder
from sxtstudio.core.errors import UserError
from sxtstudio.core.wording import grouped
from sxtstudio.workflow.document.network_output import find_output, holds_frames, standing_threshold
from sxtstudio.workflow.jobs.cleaning import CleanUp
from sxtstudio.workflow.jobs.document_cleaning import CleanInput, clean_document, preview_clean_up
from sxtstudio.workflow.jobs.standing_clean_up import standing_clean_up

_BLINK_MS = 700


class PreviewComparison(Enum):
    """How a preview is compared with the labels as they are."""

    AFTER = "after"
    CHANGES = "changes"
    BLINK = "blink"


_COMPARISONS = (
    ("As it will be", PreviewComparison.AFTER),
    ("Red goes, green comes", PreviewComparison.CHANGES),
    ("Blink before and after", PreviewComparison.BLINK),
)


class CleanPanel(QWidget):
    """Clean up labels, with a live preview on the visible slice."""

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        """Build the widget."""
        super().__init__(parent)
        self._context, self._session = context, context.session
        self._found: CleanPreview | None = None
        self._frames: tuple[Preview, ...] = ()  # that the blink goes between
        self.run: LabelJob | None = None
        self.form = CleanForm(context)
        self.live = QCheckBox("Show a preview on this slice")
        self.live.setChecked(True)
        self.comparison = ComboBox()
        for text, value in _COMPARISONS:
            self.comparison.addItem(text, value)
        self.comparison.setToolTip("How the preview compares with the labels as they are")
        self.preview_note, self.result = note(name="preview"), note(name="result")
        self._result = ResultNote(self._session, self.result)
        self.apply_button, self.reset_button = QPushButton("Apply to all slices"), QPushButton("Reset")
        self.apply_button.setProperty("role", "main")
        self.apply_button.setToolTip("Clean up the labels of all slices; it can be undone")
        self.reset_button.setToolTip("Switch all steps off; the labels stay as they are")
        self.strip = ProgressStrip()
        self.preview = LivePreview(
            context,
            "Previewing the clean-up",
            wanted=self._wanted_preview,
            on_done=self._on_preview_done,
            say=partial(show_note, self.preview_note),
            parent=self,
        )
        self.preview.taken_away.connect(self._on_preview_taken_away)
        buttons = QHBoxLayout()
        buttons.addWidget(narrow(self.apply_button, 120), 1)
        buttons.addWidget(self.reset_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(self.form)
        layout.addWidget(self.live)
        layout.addWidget(self.comparison)
        layout.addStretch()
        self.footer = Footer((self.result, self.preview_note), (self.strip, buttons))
        self.apply_button.clicked.connect(self._on_apply_clicked)
        self.reset_button.clicked.connect(self.form.reset)
        self._blink = QTimer(self)
        self._blink.setInterval(_BLINK_MS)
        self._blink.timeout.connect(self._on_blink)
        self.live.toggled.connect(self._on_live_toggled)
        self.comparison.currentIndexChanged.connect(self._compare)
        self.form.changed.connect(self._on_form_changed)
        session = self._session
        session.document_changed.connect(self._on_session_document_changed)
        session.facts_changed.connect(self.preview.ask)
        session.labels_changed.connect(self._on_session_volumes_changed)
        session.mask_changed.connect(self._on_session_volumes_changed)
        session.busy_changed.connect(self._follow)
        self._follow()

    def apply(self) -> None:
        """Clean up all slices.

        Raises
        ------
        UserError
            If there is nothing to clean or nothing to do, or another job changes the labels.
        """
        clean_up, given, document = self.form.clean_up(), self._input(), self._session.document
        if given is None or document is None:
            raise UserError("There are no labels to clean up. Segment the tomogram first.")
        if not clean_up.wanted:
            raise UserError("All steps of the clean-up are off. Switch on at least one of them.")
        folder = document.bulk

        def work(job: Job, recorder: Recorder) -> CleanReport:
            return clean_document(recorder, given, clean_up, folder, job.progress, job.report)

        self.preview.take_away()
        self._result.clear()
        self.run = LabelJob(
            self._context,
            EditKind.CLEAN_UP,
            work,
            parameters=clean_up.step(),
            on_done=self._on_run_done,
        )
        self.run.ended.connect(self._on_run_ended)
        self.strip.watch(self.run.job)
        self._follow()

    def _on_apply_clicked(self) -> None:
        try:
            self.apply()
        except Exception as error:
            self._context.jobs.failed.emit(error)

    def _on_run_done(self, report: CleanReport, edit: Edit | None) -> None:
        lines = [_change("Voxels", report.voxels_before, report.voxels_after)]
        if report.objects is not None:
            lines.append(_change("Objects", *report.objects))
        if edit is None:
            lines.append("Nothing was to be changed.")
        self._result.show_result("\n".join(lines))
        self._session.message.emit(f"Cleaned up. {lines[0]}")
        # Applied twice, erosion would take twice as much: begin anew.
        if edit is not None:
            self.form.reset()

    def _on_run_ended(self, edit: Edit | None) -> None:
        self.run = None
        self._follow()

    # -- preview ---------------------------------------------------------------------------------------

    def _input(self) -> CleanInput | None:
        document = self._session.document
        if document is None or document.labels is None:
            return None
        output = find_output(document.bulk, document.shape)
        return CleanInput(document.labels, document.mask, output, document.voxel_nm)

    def _wanted_preview(self) -> Work | None:
        clean_up, given = self.form.clean_up(), self._input()
        wanted = self.isVisible() and self.live.isChecked() and clean_up.wanted
        if not wanted or given is None or self._session.busy is not None:
            return None
        z = self._session.cursor[0]
        return lambda job: (clean_up, preview_clean_up(given, clean_up, z, job.progress))

    def _on_preview_done(self, result: tuple[CleanUp, CleanPreview]) -> None:
        found = result[1]
        self._found = found
        self._compare()
        text = _change("In this slice: voxels", found.voxels_before, found.voxels_after)
        if not found.exact:
            text += (
                "\nSome small parts go on beyond the slices that were looked at. They are shown as staying, "
                "but may be removed."
            )
        show_note(self.preview_note, text)

    def _compare(self) -> None:
        """Show the preview that was computed last, in the way that is chosen."""
        document, found = self._session.document, self._found
        self._blink.stop()
        if document is None or document.labels is None or found is None:
            return
        approximate = "" if found.exact else " (approximate)"
        after = Preview(found.z, found.labels, f"Preview: clean-up{approximate}")
        former = np.array(document.labels[found.z])
        match self.comparison.currentData():
            case PreviewComparison.CHANGES:
                title = f"Preview: red goes, green comes{approximate}"
                self._frames = (Preview(found.z, changes(former, found.labels), title, PreviewStyle.CHANGES),)
            case PreviewComparison.BLINK:
                after = replace(after, title=f"After the clean-up{approximate}")
                self._frames = (after, Preview(found.z, former, "Before the clean-up"))
                self._blink.start()
            case _:
                self._frames = (after,)
        self.preview.show(self._frames[0])

    def _on_blink(self) -> None:
        if len(self._frames) == 2 and any(self._session.preview is frame for frame in self._frames):
            before, after = self._frames
            self.preview.show(after if self._session.preview is before else before)
        else:  # another panel shows something
            self._blink.stop()

    def _on_live_toggled(self, on: bool) -> None:
        self.comparison.setEnabled(on)
        self.preview.ask()

    def _on_preview_taken_away(self) -> None:
        self._blink.stop()
        self._found, self._frames = None, ()

    # -- following the session -------------------------------------------------------------------------

    def _on_form_changed(self) -> None:
        self._session.offers.set(clean_up=self.form.clean_up().wanted)
        self.apply_button.setEnabled(self._can_apply())
        self.preview.ask()

    def _on_session_volumes_changed(self) -> None:
        # A stroke of the brush must not wait for a panel that nobody sees.
        if self._session.busy is None and self.isVisible():
            self._follow()

    def _on_session_document_changed(self) -> None:
        self.form.reset()
        self._result.clear()
        self._follow()

    def _can_apply(self) -> bool:
        document = self._session.document
        there = document is not None and document.labels is not None
        return there and self._session.busy is None and self.form.clean_up().wanted

    def _follow(self) -> None:
        """Offer what can be done now, and preview it."""
        document = self._session.document
        busy = self._session.busy is not None
        if not busy:
            output = None if document is None else find_output(document.bulk, document.shape)
            if document is None or output is None:
                self.form.show_output(None)
            else:
                self.form.show_output(
                    output,
                    standing_threshold(output, document.steps),
                    standing_clean_up(document.steps),
                    with_frames=holds_frames(document.steps),
                )
            self.form.show_mask(document is not None and document.mask is not None)
        self.form.setEnabled(document is not None and document.labels is not None and not busy)
        self.reset_button.setEnabled(not busy)
        self.apply_button.setEnabled(self._can_apply())
        if document is not None and document.labels is None:
            show_note(self.preview_note, "There are no labels yet. Segment the tomogram first.")
        self._ask_for_preview_or_say_why()

    def _ask_for_preview_or_say_why(self) -> None:
        document = self._session.document
        if document is None or document.labels is not None:
            self.preview.ask()

    def showEvent(self, event: QShowEvent) -> None:
        """Preview again."""
        super().showEvent(event)
        if not event.spontaneous():
            self._follow()

    def hideEvent(self, event: QHideEvent) -> None:
        """Take the preview away; other panels show theirs."""
        super().hideEvent(event)
        if not event.spontaneous():
            self.preview.take_away()

    def shut_down(self) -> None:
        """Let go of the threads."""
        self.preview.shut_down()


def changes(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return for each pixel what becomes of it (``Change``), or 0 where nothing was nor comes."""
    found = np.where(before != 0, np.uint8(Change.GOES), np.uint8(0))
    found[after != 0] = Change.COMES
    found[(before != 0) & (after != 0)] = Change.STAYS
    return found


def _change(what: str, before: int, after: int) -> str:
    return f"{what} {grouped(before)} → {grouped(after)}"
