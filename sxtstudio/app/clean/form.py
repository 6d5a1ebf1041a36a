"""The fields of the panel for the clean-up."""

from __future__ import annotations

import math

from PySide6.QtCore import QSignalBlocker
from PySide6.QtWidgets import QCheckBox, QWidget

from sxtstudio.app.clean.fields import NM3, CleanFields
from sxtstudio.app.context import Context
from sxtstudio.app.widgets.notes import ThresholdField, note, show_note
from sxtstudio.core.wording import grouped, slices_words
from sxtstudio.workflow.document.network_output import KeptOutput
from sxtstudio.workflow.jobs.cleaning import CleanUp
from sxtstudio.workflow.jobs.standing_clean_up import StandingCleanUp


class CleanForm(CleanFields):
    """The fields for the open tomogram: with a new threshold where the network's output was kept."""

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        """Build the fields; nothing is switched on."""
        super().__init__(parent)
        self._context = context
        self._output: KeptOutput | None = None
        self._stands = 0.0  # the threshold that the labels come from now
        self._with_frames = False
        self._made_with = StandingCleanUp()  # what cleaned the labels that there are
        self.use_threshold = QCheckBox("Change the threshold")
        self.use_threshold.setEnabled(False)
        self.use_threshold.setToolTip("Make the labels anew from the network's output")
        self.threshold = ThresholdField()
        self.threshold.reset.setText("As it is")
        self.threshold.reset.setToolTip("Back to the threshold that the labels come from now")
        self.threshold_note = note(name="threshold")
        for place, widget in enumerate((self.use_threshold, self.threshold, self.threshold_note)):
            self.column.insertWidget(place, widget)
        self.use_threshold.toggled.connect(self._on_use_threshold_toggled)
        self.threshold.changed.connect(self._on_changed)
        self._on_changed()

    def clean_up(self) -> CleanUp:
        """Return what the fields say."""
        threshold = (
            self.threshold.value if self._output is not None and self.use_threshold.isChecked() else None
        )
        return CleanUp(self.steps(), inside_mask=self.inside.isChecked(), threshold=threshold)

    def reset(self) -> None:
        """Switch everything off."""
        with QSignalBlocker(self):
            self.use_threshold.setChecked(False)
            self.threshold.set_choice(None)
        super().reset()

    def show_output(
        self,
        output: KeptOutput | None,
        stands: float = 0.0,
        made_with: StandingCleanUp | None = None,
        *,
        with_frames: bool = False,
    ) -> None:
        """Offer the threshold where the network's output was kept; ``stands`` is that of the labels now.

        ``made_with`` is what cleaned them since: with another threshold it has to be done again.
        ``with_frames`` says that a former version kept it, with frames of reconstructions and gold in it.
        """
        made_with = made_with or StandingCleanUp()
        shown = (self._output, self._stands, self._made_with, self._with_frames)
        if (output, stands, made_with, with_frames) == shown:
            return
        changes = self.use_threshold.isChecked()
        with QSignalBlocker(self):
            if changes:
                self.switch_off(self._made_with.clean_up)
            self._output, self._stands, self._with_frames = output, stands, with_frames
            self._made_with = made_with
            if output is None:
                self.use_threshold.setChecked(False)
            else:
                self.threshold.set_default(stands)
                if changes:
                    self.switch_on(made_with.clean_up)
        self.use_threshold.setEnabled(output is not None)
        self._on_changed()

    def show_mask(self, exists: bool) -> None:
        """Offer the cell mask where there is one."""
        self.inside.setEnabled(exists)
        if not exists:
            self.inside.setChecked(False)
        show_note(self.mask_note, "" if exists else "There is no cell mask yet; make one in “Cell mask”.")

    def _on_use_threshold_toggled(self, on: bool) -> None:
        """Labels that are made anew are cleaned as they were before, unless the user says otherwise."""
        with QSignalBlocker(self):
            if on:
                self.switch_on(self._made_with.clean_up)
            else:
                self.switch_off(self._made_with.clean_up)  # else they would be eroded twice
        self._on_changed()

    def _on_changed(self) -> None:
        on = self._output is not None and self.use_threshold.isChecked()
        self.threshold.setVisible(on)
        if self._output is None:
            text = (
                "The threshold cannot be changed here: there is no output of the network. "
                "Segment with “Keep the network's output”."
            )
        elif on:
            text = (
                f"Labels of {slices_words(self._output.first, self._output.last)} are made anew "
                "from the network's output; changes by hand there are lost. Undo brings them back."
            )
            text += self._cleaned_text(self._output)
            if self._with_frames:
                text += (
                    " An earlier version kept it: frames and lines around gold are labelled again. Segment "
                    "anew to leave them out."
                )
        else:
            text = f"Segmented with {self._output.model}, threshold {self._output.threshold:.2f}"
            changed = self._stands != self._output.threshold
            text += f"; since then changed to {self._stands:.2f}." if changed else "."
        show_note(self.threshold_note, text)
        super()._on_changed()

    def _cleaned_text(self, output: KeptOutput) -> str:
        """Say what becomes of the clean-up that the labels were made with."""
        made_with, document = self._made_with, self._context.session.document
        lost = list(made_with.differences)
        if made_with.clean_up.inside_mask and not self.inside.isEnabled():
            lost.append("There is no cell mask any more to leave out what is outside.")
        text = ""
        if made_with.clean_up.wanted:
            text = " They were cleaned before: the fields below say how, so that it is done again."
            if document is not None and output.last - output.first < document.shape[0]:
                lost.append("Labels in the other slices are cleaned once more.")
        return text + (f" ⚠ Not the same as before: {' '.join(lost)}" if lost else "")

    def _size_text(self) -> str:
        """Say the size in the other unit, where the voxel size is known."""
        document, value, unit = self._context.session.document, self.smallest.value(), self.unit.currentData()
        if document is None or not value:
            return ""
        if document.voxel_nm is None:
            return "" if unit == "voxels" else "⚠ The voxel size is unknown; give the size in voxels."
        voxel_nm3 = math.prod(document.voxel_nm)
        if unit == "voxels":
            return f"= {value * voxel_nm3 / 1e9:.3g} µm³"
        return f"= {grouped(round(value * NM3[unit] / voxel_nm3))} voxels"
