"""The fields of the panel for segmentation."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QHBoxLayout,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from sxtstudio.app import questions
from sxtstudio.app.context import Context
from sxtstudio.app.jobs.job import Job
from sxtstudio.app.jobs.latest import Latest
from sxtstudio.app.segment.about_model import about, misfit
from sxtstudio.app.widgets.controls import ComboBox, SpinBox
from sxtstudio.app.widgets.notes import SliceRange, ThresholdField, form, note, show_note
from sxtstudio.core.polarity import Polarity, detect_polarity
from sxtstudio.segment.parameters import SegmentParameters
from sxtstudio.workflow.jobs.choices import Choices, find_choices

_POLARITIES = (("auto", "Automatic"), ("dark", "Dark membranes"), ("bright", "Bright membranes"))
_TRUST = (("sample", "Redraw every 5th slice"), ("every", "Redraw all slices"), ("none", "Do not judge"))


class SegmentForm(QWidget):
    """Model, device, slices, threshold, polarity, tiles, certainty.

    Signals
    -------
    changed
        Any field.
    network_changed
        Model, device, polarity or neighbours: what was computed before does not hold any more.
    """

    changed = Signal()
    network_changed = Signal()

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        """Build the fields and fill in what was chosen last."""
        super().__init__(parent)
        self._context, self._session, self._settings = context, context.session, context.settings
        self._choices: Choices | None = None
        self._shown_polarity: str | None = None
        self._polarity_job = Latest(
            context, "Judging polarity", self._on_polarity_found, delay_ms=0, parent=self
        )
        self._build()
        settings = self._settings
        self.tile.setValue(settings.get("segment/tile_px", 0))
        self.keep.setChecked(settings.get("segment/keep_output", True))
        self.neighbours.setChecked(settings.get("segment/neighbours", True))
        self.trust.setCurrentIndex(max(0, self.trust.findData(settings.get("segment/trust", "sample"))))
        self.slices.reach.setValue(settings.get("segment/reach", 5))
        self._connect()
        self._on_session_document_changed()

    def _build(self) -> None:
        self.model = ComboBox()
        self.model.addItem("Looking for models…")
        self.model.setToolTip("The network that outlines the membranes")
        self.model_file = QToolButton()
        self.model_file.setText("…")
        self.model_file.setToolTip("Use a model from a file (.onnx)")
        models = QHBoxLayout()
        models.addWidget(self.model, 1)
        models.addWidget(self.model_file)
        self.description, self.details, self.warning = note(), note(), note()
        self.more = QToolButton()
        self.more.setText("About this model")
        self.more.setToolTip("What it was trained on, its limits and scores")
        self.more.setCheckable(True)
        self.more.hide()
        self.device = ComboBox()
        self.device.addItem("Automatic", "auto")
        self.device.setToolTip("Where the network runs")
        self.device_note = note(name="device")
        self.slices = SliceRange()
        self.threshold = ThresholdField()
        self.polarity = ComboBox()
        for value, text in _POLARITIES:
            self.polarity.addItem(text, value)
        self.polarity.setToolTip("Whether membranes are dark or bright in this tomogram")
        self.polarity_note = note(name="polarity")
        self.tile = SpinBox()
        self.tile.setRange(0, 4096)
        self.tile.setSingleStep(64)
        self.tile.setSpecialValueText("Automatic")
        self.tile.setSuffix(" px")
        self.tile.setToolTip("Smaller tiles need less memory and more time; the result is the same")
        self.trust = ComboBox()
        for value, text in _TRUST:
            self.trust.addItem(text, value)
        self.trust.setToolTip(
            "How sure the network is of each slice is shown as a strip along the slice slider. Redrawing "
            "a slice also tells how much of it the network recognises: 8 % more time for every 5th slice, "
            "40 % for all."
        )
        self.neighbours = QCheckBox("Neighbouring slices have a say")
        self.neighbours.setToolTip(
            "The mean of what the network says of a slice and of its two neighbours, each turned another "
            "way: fewer mistakes in the same time. A trial on one slice takes three "
            "times as long. Without it, each slice is judged alone, as published."
        )
        self.keep = QCheckBox("Keep the network's output")
        self.keep.setToolTip(
            "Needs one more byte per voxel on the disk, and about half of that in the saved project. The "
            "threshold can then be changed after the segmentation, in the panel “Clean up”."
        )
        fields = form()
        fields.addRow("Model", models)
        fields.addRow(self.description)
        fields.addRow(self.warning)
        fields.addRow(self.more)
        fields.addRow(self.details)
        fields.addRow("Device", self.device)
        fields.addRow(self.device_note)
        fields.addRow("Slices", self.slices)
        fields.addRow("Threshold", self.threshold)
        fields.addRow("Polarity", self.polarity)
        fields.addRow(self.polarity_note)
        fields.addRow("Tile size", self.tile)
        fields.addRow("Certainty", self.trust)
        fields.addRow(self.neighbours)
        fields.addRow(self.keep)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(fields)

    def _connect(self) -> None:
        session = self._session
        self.model.currentIndexChanged.connect(self._on_model_changed)
        self.model_file.clicked.connect(self._on_model_file_clicked)
        self.more.toggled.connect(self.details.setVisible)
        self.device.currentIndexChanged.connect(self._on_device_changed)
        self.polarity.activated.connect(self._on_polarity_chosen)
        self.slices.changed.connect(self.changed)
        self.threshold.changed.connect(self.changed)
        self.tile.valueChanged.connect(self.changed)
        self.keep.toggled.connect(self.changed)
        self.neighbours.toggled.connect(self.network_changed)
        self.neighbours.toggled.connect(self.changed)
        self.trust.currentIndexChanged.connect(self.changed)
        session.document_changed.connect(self._on_session_document_changed)
        session.facts_changed.connect(self._on_session_facts_changed)
        session.register_view("segment", self)
        session.cursor_changed.connect(lambda cursor: self.slices.set_visible_slice(cursor[0]))

    # -- what is chosen ------------------------------------------------------------------------------

    def parameters(self) -> SegmentParameters:
        """Return what the fields say."""
        document = self._session.document
        return SegmentParameters(
            model=self.chosen_model,
            device=str(self.device.currentData() or "auto"),
            tile_px=self.tile.value() or None,
            threshold=self.threshold.choice,
            polarity="auto" if document is None or document.polarity is None else document.polarity,
            slices=None if document is None else self.slices.slices,
            probability=self.keep.isChecked(),
            trust=self.trust.currentData(),
            neighbours=1 if self.neighbours.isChecked() else 0,
        )

    @property
    def ready(self) -> bool:
        """Whether models and devices are known."""
        return self._choices is not None

    @property
    def chosen_model(self) -> str | None:
        """File of the model; before the models were looked for, that which was used last."""
        if self._choices is None:
            return str(self._settings.get("segment/model", "")) or None
        found = self.model.currentData()
        return None if found is None else str(found)

    @property
    def extra_files(self) -> tuple[str, ...]:
        """Models that were chosen as files."""
        return tuple(str(path) for path in self._settings.get("segment/model_files", []))

    def view_state(self) -> dict[str, Any]:
        """Return what belongs to this tomogram, for its project."""
        first, last = self.slices.first.value(), self.slices.last.value()
        slices = [self.slices.mode.currentData(), first, last]
        return {"threshold": self.threshold.choice, "slices": slices}

    def restore_view_state(self, state: dict[str, Any]) -> None:
        """Take it back; what is missing or damaged stays at its beginning."""
        match state.get("threshold"):
            case int() | float() as value if not isinstance(value, bool) and -1 <= value < 1:
                self.threshold.set_choice(float(value))
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
        settings.set("segment/trust", self.trust.currentData())
        settings.set("segment/reach", self.slices.reach.value())

    def use_model(self, path: str) -> None:
        """Choose a model by its file."""
        files = [path, *(name for name in self.extra_files if name != path)]
        self._settings.set("segment/model_files", files[:8])
        self._settings.set("segment/model", path)
        # Until it has been looked at, the file's name must do.
        self._choices = None

    def choose_remembered_model(self) -> None:
        """Choose what the settings say, which others change too; a model that is not listed yet, later."""
        number = self.model.findData(str(self._settings.get("segment/model", "")))
        if number >= 0:
            self.model.setCurrentIndex(number)

    # -- what is found -------------------------------------------------------------------------------

    def show_choices(self, choices: Choices) -> None:
        """Offer the models and devices of this computer."""
        # The settings know better than the field: another part of the program may set the default.
        former, wanted = self.chosen_model, str(self._settings.get("segment/model", ""))
        first_time = self._choices is None
        self._choices = choices
        with QSignalBlocker(self.model), QSignalBlocker(self.device):
            self.model.clear()
            for card in choices.models:
                self.model.addItem(card.name, str(card.path))
                self.model.setItemData(self.model.count() - 1, card.description, 3)  # ToolTipRole
            if not choices.models:
                self.model.addItem("No model found")
            self.model.setCurrentIndex(max(0, self.model.findData(wanted)))
            device = self._settings.get("segment/device", "auto") if first_time else self.device.currentData()
            self.device.clear()
            for key, name in choices.devices:
                self.device.addItem(name, key)
            self.device.setCurrentIndex(max(0, self.device.findData(device)))
        self._show_model()
        # Before, the default was meant, which is the first.
        if former is not None and self.chosen_model != former:
            self.network_changed.emit()

    def show_device(self, name: str, reason: str) -> None:
        """Say where the network will run, and why."""
        show_note(self.device_note, f"{name}: {reason}")

    def _show_model(self) -> None:
        path = self.model.currentData()
        models = () if self._choices is None else self._choices.models
        card = next((card for card in models if str(card.path) == path), None)
        problems = () if self._choices is None else self._choices.problems
        document = self._session.document
        if card is None:
            show_note(self.description, "\n".join(problems))
            show_note(self.warning, "")
        else:
            show_note(self.description, card.description)
            show_note(self.details, about(card))
            show_note(self.warning, misfit(card, None if document is None else document.voxel_nm))
            self.threshold.set_default(card.threshold)
        self.more.setVisible(card is not None)
        self.details.setVisible(card is not None and self.more.isChecked())

    def _on_model_changed(self) -> None:
        if self.chosen_model is not None:
            self._settings.set("segment/model", self.chosen_model)
        self._show_model()
        self.network_changed.emit()
        self.changed.emit()

    def _on_model_file_clicked(self) -> None:
        path = questions.open_file(self._context, "Choose a model", "Models (*.onnx)")
        if path is not None:
            self.choose_file(str(path))

    def choose_file(self, path: str) -> None:
        """Check a model file in a job and choose it; a bad one is refused with a sentence."""
        self._context.jobs.start(
            "Checking the model",
            partial(_checked, (path, *self.extra_files)),
            on_done=self._on_file_checked,
            quiet=True,
        )

    def _on_file_checked(self, found: tuple[str, Choices]) -> None:
        path, choices = found
        self.use_model(path)
        self.show_choices(choices)
        self.network_changed.emit()
        self.changed.emit()

    def _on_device_changed(self) -> None:
        show_note(self.device_note, "")
        self.network_changed.emit()
        self.changed.emit()

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
        elif value != document.polarity:
            self._session.set_polarity(value, "chosen by hand")

    def _on_polarity_found(self, found: Polarity) -> None:
        self._session.set_polarity(found.value, found.reason, by_user=False)

    def _on_session_facts_changed(self) -> None:
        document = self._session.document
        value = "auto" if document is None or document.polarity is None else document.polarity
        with QSignalBlocker(self.polarity):
            former = self._shown_polarity
            self.polarity.setCurrentIndex(self.polarity.findData(value))
            self._shown_polarity = value
        reason = "" if document is None else document.polarity_reason
        show_note(self.polarity_note, reason[:1].upper() + reason[1:])
        self._show_model()
        if former not in (None, "auto", value):
            self.network_changed.emit()
        self.changed.emit()

    def _on_session_document_changed(self) -> None:
        document = self._session.document
        self._polarity_job.cancel(wait_s=10)
        self.threshold.set_choice(None)
        self.slices.set_depth(1 if document is None else document.shape[0])
        self._on_session_facts_changed()


def _checked(paths: tuple[str, ...], job: Job) -> tuple[str, Choices]:
    """Check the first model, which runs it on a small pattern; called in a thread."""
    from sxtstudio.segment import check_model

    check_model(Path(paths[0]))
    return paths[0], find_choices(paths)
