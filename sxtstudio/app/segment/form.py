"""The fields of the panel for segmentation."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

from PySide6.QtCore import QSignalBlocker
from PySide6.QtWidgets import QCheckBox, QWidget

from sxtstudio.app.context import Context
from sxtstudio.app.jobs.job import Job
from sxtstudio.app.jobs.latest import Latest
from sxtstudio.app.segment.fields import SegmentFields
from sxtstudio.app.widgets.notes import SliceRange, show_note
from sxtstudio.core.image_polarity import detect_polarity
from sxtstudio.core.polarity import Basis, Polarity, chosen_polarity
from sxtstudio.core.volume import VoxelSize
from sxtstudio.segment.parameters import SegmentParameters
from sxtstudio.workflow.jobs.choices import SegmentationChoices

_TWO_LINES = "\n"


class SegmentForm(SegmentFields):
    """The fields for the open tomogram: with its slices and its polarity, remembered for the next one."""

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        """Build the fields and fill in what was chosen last."""
        super().__init__(context, parent)
        self._session = context.session
        self._shown_polarity: str | None = None
        self._polarity_job = Latest(
            context, "Judging polarity", self._on_polarity_found, delay_ms=0, parent=self
        )
        # Both are found out in a second or two: the rows below must not move then.
        self.device_note.keep_room(_TWO_LINES)
        self.polarity_note.keep_room(_TWO_LINES)
        self.slices = SliceRange()
        self.keep = QCheckBox("Keep the network's output")
        self.keep.setToolTip(
            "Needs one more byte per voxel on the disk, and about half of that in the saved project. The "
            "threshold can then be changed after the segmentation, in the panel “Clean up”."
        )
        row, _ = cast("tuple[int, object]", self.rows.getWidgetPosition(self.threshold))
        self.rows.insertRow(row, "Slices", self.slices)
        self.rows.addRow(self.keep)
        settings = self._settings
        self.tile.setValue(settings.get("segment/tile_px", 0))
        self.keep.setChecked(settings.get("segment/keep_output", True))
        self.neighbours.setChecked(settings.get("segment/neighbours", True))
        self.leave_out.setChecked(settings.get("segment/leave_out", True))
        self.trust.setCurrentIndex(max(0, self.trust.findData(settings.get("segment/trust", "sample"))))
        self.slices.reach.setValue(settings.get("segment/reach", 5))
        self.set_use(settings.get("segment/use", ""))
        self.polarity.activated.connect(self._on_polarity_chosen)
        self.slices.changed.connect(self.changed)
        self.keep.toggled.connect(self.changed)
        session = self._session
        session.document_changed.connect(self._on_session_document_changed)
        session.facts_changed.connect(self._on_session_facts_changed)
        session.register_view("segment", self, look=True)
        session.cursor_changed.connect(lambda cursor: self.slices.set_visible_slice(cursor[0]))
        self._on_session_document_changed()

    # -- what is chosen ------------------------------------------------------------------------------

    def parameters(self) -> SegmentParameters:
        """Return what the fields say."""
        document = self._session.document
        polarity = None if document is None else document.polarity
        return replace(
            super().parameters(),
            polarity="auto" if polarity is None or polarity.open else polarity.value,
            slices=None if document is None else self.slices.slices,
            probability=self.keep.isChecked(),
        )

    def take_over(self, parameters: SegmentParameters) -> None:
        """Show the settings of an interrupted segmentation, which goes on with them.

        What is shown is then what is computed, and what the project says of these labels.
        """
        super().take_over(parameters)
        self.keep.setChecked(parameters.probability)
        document = self._session.document
        if document is None:
            return
        depth = document.shape[0]
        slices = parameters.checked(depth)
        if slices == (0, depth):
            self.slices.set_all()
        elif slices != self.slices.slices:
            self.slices.set_range(*slices)
        polarity, value = document.polarity, parameters.polarity
        if value != "auto" and polarity is not None and polarity.sure and polarity.value != value:
            self._session.set_polarity(chosen_polarity(value))  # the other one was chosen since

    def view_state(self) -> dict[str, Any]:
        """Return what belongs to this tomogram, for its project."""
        first, last = self.slices.first.value(), self.slices.last.value()
        slices = [self.slices.mode.currentData(), first, last]
        return {
            "threshold": self.threshold.choice,
            "use": self.use.wanted,
            "slices": slices,
            "noisy": self.noisy.isChecked(),
        }

    def restore_view_state(self, state: dict[str, Any]) -> None:
        """Take it back; what is missing or damaged stays at its beginning."""
        if isinstance(use := state.get("use"), str):
            self.set_use(use)
        match state.get("threshold"):
            case int() | float() as value if not isinstance(value, bool) and -1 <= value < 1:
                self.threshold.set_choice(float(value))
        self.noisy.setChecked(state.get("noisy") is True)
        match state.get("slices"):
            case ["range", int(first), int(last)] if 1 <= first <= last:
                self.slices.set_range(first - 1, last)
            case ["around", *_]:
                self.slices.mode.setCurrentIndex(self.slices.mode.findData("around"))

    def remember(self) -> None:
        """Keep for the next start what suits every tomogram."""
        settings = self._settings
        if self.chosen_model is not None:
            settings.set("segment/model", self.chosen_model)
        settings.set("segment/device", str(self.device.currentData() or "auto"))
        settings.set("segment/tile_px", self.tile.value())
        settings.set("segment/keep_output", self.keep.isChecked())
        settings.set("segment/neighbours", self.neighbours.isChecked())
        settings.set("segment/leave_out", self.leave_out.isChecked())
        settings.set("segment/trust", self.trust.currentData())
        settings.set("segment/reach", self.slices.reach.value())
        settings.set("segment/use", self.use.wanted or "")

    def use_model(self, path: str) -> None:
        """Choose a model by its file."""
        super().use_model(path)
        self._settings.set("segment/model", path)

    def choose_remembered_model(self) -> None:
        """Choose what the settings say, which others change too; a model that is not listed yet, later."""
        number = self.model.findData(str(self._settings.get("segment/model", "")))
        if number >= 0:
            self.model.setCurrentIndex(number)

    # -- what is found -------------------------------------------------------------------------------

    def show_choices(self, choices: SegmentationChoices) -> None:
        """Offer the models and devices of this computer."""
        # The settings know better than the field: another part of the program may set the default.
        self._wanted_model = str(self._settings.get("segment/model", ""))
        super().show_choices(choices)

    def show_device(self, name: str, reason: str) -> None:
        """Say where the network will run, and why."""
        show_note(self.device_note, f"{name}: {reason}")

    def _voxel_nm(self) -> VoxelSize | None:
        document = self._session.document
        return None if document is None else document.voxel_nm

    def _on_use_chosen(self) -> None:
        self._settings.set("segment/use", self.use.wanted or "")  # a batch takes it over, like the model
        super()._on_use_chosen()

    def _on_model_changed(self) -> None:
        if self.chosen_model is not None:
            self._settings.set("segment/model", self.chosen_model)
        super()._on_model_changed()

    # -- polarity ------------------------------------------------------------------------------------

    def _on_polarity_chosen(self) -> None:
        value, document = self.polarity.currentData(), self._session.document
        if document is None:
            return
        if value == "auto":
            volume = document.tomogram

            def work(job: Job) -> Polarity:
                return detect_polarity(volume, progress=job.progress)

            self._polarity_job.request(work, at_once=True)
        elif (
            document.polarity is None
            or document.polarity.basis is not Basis.USER
            or (value != document.polarity.value)
        ):
            self._session.set_polarity(chosen_polarity(value))

    def _on_polarity_found(self, found: Polarity) -> None:
        self._session.set_polarity(found)

    def _on_session_facts_changed(self) -> None:
        document = self._session.document
        polarity = None if document is None else document.polarity
        value = "auto" if polarity is None else polarity.value
        with QSignalBlocker(self.polarity):
            former = self._shown_polarity
            self.polarity.setCurrentIndex(self.polarity.findData(value))
            self._shown_polarity = value
        reason = "" if polarity is None else polarity.reason
        show_note(self.polarity_note, reason[:1].upper() + reason[1:])
        self._show_model()
        if former not in (None, "auto", value):
            self.network_changed.emit()
        self.changed.emit()

    def _on_session_document_changed(self) -> None:
        document = self._session.document
        self._polarity_job.cancel(wait_s=10)
        self.threshold.set_choice(None)
        self.noisy.setChecked(False)  # a matter of the tomogram
        self.slices.set_depth(1 if document is None else document.shape[0])
        self._on_session_facts_changed()
