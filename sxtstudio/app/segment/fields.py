"""The fields of a segmentation that suit any tomogram: those of the panel and of a batch."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

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
from sxtstudio.app.segment.about_model import about, misfit
from sxtstudio.app.segment.use_choice import UseChoice
from sxtstudio.app.widgets.controls import ComboBox, SpinBox, let_shrink
from sxtstudio.app.widgets.notes import ThresholdField, form, note, show_note
from sxtstudio.core.uses import Use
from sxtstudio.core.volume import VoxelSize
from sxtstudio.segment.parameters import SegmentParameters
from sxtstudio.workflow.jobs.choices import SegmentationChoices, find_choices
from sxtstudio.workflow.jobs.document_segmenting import same_threshold

if TYPE_CHECKING:
    from sxtstudio.segment import ModelCard

_POLARITIES = (("auto", "Automatic"), ("dark", "Dark membranes"), ("bright", "Bright membranes"))
_TRUST = (("sample", "Redraw every 5th slice"), ("every", "Redraw all slices"), ("none", "Do not judge"))


class SegmentFields(QWidget):
    """Model, device, threshold, polarity, tiles, certainty, neighbours.

    Signals
    -------
    changed
        Any field.
    network_changed
        Model, device, polarity, neighbours, what is left out, noise: what was computed holds no more.
    """

    changed = Signal()
    network_changed = Signal()

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        """Build the fields, with the model and the device of the latest segmentation."""
        super().__init__(parent)
        self._context, self._settings = context, context.settings
        self._choices: SegmentationChoices | None = None
        # What is to be chosen when models and devices are known.
        self._wanted_model = str(self._settings.get("segment/model", ""))
        self._wanted_device = str(self._settings.get("segment/device", "auto"))
        self._build()
        self.model.currentIndexChanged.connect(self._on_model_changed)
        self.model_file.clicked.connect(self._on_model_file_clicked)
        self.more.toggled.connect(self.details.setVisible)
        self.device.currentIndexChanged.connect(self._on_device_changed)
        self.threshold.changed.connect(self._on_threshold_changed)
        self.use.chosen.connect(self._on_use_chosen)
        self.tile.valueChanged.connect(self.changed)
        self.neighbours.toggled.connect(self.network_changed)
        self.neighbours.toggled.connect(self.changed)
        self.leave_out.toggled.connect(self.network_changed)
        self.leave_out.toggled.connect(self.changed)
        self.noisy.toggled.connect(self.network_changed)
        self.noisy.toggled.connect(self.changed)
        self.trust.currentIndexChanged.connect(self.changed)

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
        policy = self.more.sizePolicy()  # it comes with the models, and must not move what lies below
        policy.setRetainSizeWhenHidden(True)
        self.more.setSizePolicy(policy)
        self.more.hide()
        self.device = ComboBox()
        self.device.addItem("Automatic", "auto")
        self.device.setToolTip("Where the network runs")
        self.device_note = note(name="device")
        self.use = UseChoice()
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
        self.neighbours.setChecked(True)
        self.neighbours.setToolTip(
            "The mean of what the network says of a slice and of its two neighbours, each turned another "
            "way: fewer mistakes in the same time. A trial on one slice takes three "
            "times as long. Without it, the network says only once what it sees, as published."
        )
        self.leave_out = QCheckBox("Leave out frames and gold")
        self.leave_out.setChecked(True)
        self.leave_out.setToolTip(
            "Do not label what runs along the frame of the reconstruction, nor gold and the lines around it. "
            "It is hatched in the slice. Membranes that cross a frame or touch gold keep their labels."
        )
        self.noisy = QCheckBox("Noisy tomogram")
        self.noisy.setToolTip(
            "The network sees the slices in four fifths of their size, where grain is averaged: fewer false "
            "lines where there is much noise, in two thirds of the time. Fine structures of a clear tomogram "
            "are lost. Try it on a slice, with the aim “Few false labels” as well."
        )
        for box in (self.model, self.device, self.use.combo, self.polarity, self.trust):
            let_shrink(box)
        self.rows = fields = form()
        fields.addRow("Model", models)
        fields.addRow(self.description)
        fields.addRow(self.warning)
        fields.addRow(self.more)
        fields.addRow(self.details)
        fields.addRow("Device", self.device)
        fields.addRow(self.device_note)
        fields.addRow("Aim", self.use)
        fields.addRow("Threshold", self.threshold)
        fields.addRow("Polarity", self.polarity)
        fields.addRow(self.polarity_note)
        fields.addRow("Tile size", self.tile)
        fields.addRow("Certainty", self.trust)
        fields.addRow(self.neighbours)
        fields.addRow(self.leave_out)
        fields.addRow(self.noisy)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(fields)
        self.description.keep_room("\n")

    # -- what is chosen ------------------------------------------------------------------------------

    def parameters(self) -> SegmentParameters:
        """Return what the fields say."""
        return SegmentParameters(
            model=self.chosen_model,
            device=str(self.device.currentData() or "auto"),
            tile_px=self.tile.value() or None,
            threshold=self.threshold.choice,
            use=self.use.use if self.threshold.choice is None else None,
            polarity=self.polarity.currentData(),
            trust=self.trust.currentData(),
            neighbours=1 if self.neighbours.isChecked() else 0,
            leave_out=self.leave_out.isChecked(),
            noisy=self.noisy.isChecked(),
        )

    def take_over(self, parameters: SegmentParameters) -> None:
        """Show the settings of another segmentation, which goes on with them."""
        model = None if parameters.model is None else str(parameters.model)
        if model is not None and model != self.chosen_model:
            self._take_model(model)
        self.use_device(parameters.device)
        self.tile.setValue(parameters.tile_px or 0)
        if parameters.use is not None:
            self.set_use(parameters.use)
            self.threshold.set_choice(None)
        elif parameters.threshold is None:
            self.threshold.set_choice(None)
        else:
            self._take_threshold(parameters.threshold)
        self.trust.setCurrentIndex(self.trust.findData(parameters.trust))
        self.neighbours.setChecked(parameters.neighbours > 0)
        self.leave_out.setChecked(parameters.leave_out)
        self.noisy.setChecked(parameters.noisy)

    def _take_model(self, model: str) -> None:
        number = self.model.findData(model)
        if number >= 0:
            self.model.setCurrentIndex(number)
        else:
            self.use_model(model)

    def _take_threshold(self, value: float) -> None:
        """Show the aim that has this threshold; where none has, or it is not known yet, the number."""
        card = self._card
        if card is not None and same_threshold(value, self.threshold.value):
            return
        self.threshold.set_choice(None if card is not None else value)
        if card is not None and not same_threshold(value, self.threshold.value):
            use = card.use_of(value)
            if use is None:
                self.threshold.set_choice(value)
            else:
                self.set_use(use)

    @property
    def ready(self) -> bool:
        """Whether models and devices are known."""
        return self._choices is not None

    @property
    def chosen_model(self) -> str | None:
        """File of the model; before the models were looked for, that which was used last."""
        if self._choices is None:
            return self._wanted_model or None
        found = self.model.currentData()
        return None if found is None else str(found)

    def name_of(self, model: str | Path | None) -> str | None:
        """Return how the card of a model calls it; of a file that was not looked at, the file's name."""
        models = () if self._choices is None else self._choices.models
        found = (card.name for card in models if str(card.path) == str(model))
        return next(found, None if model is None else Path(model).stem)

    @property
    def extra_files(self) -> tuple[str, ...]:
        """Models that were chosen as files."""
        return tuple(str(path) for path in self._settings.get("segment/model_files", []))

    def use_model(self, path: str) -> None:
        """Choose a model by its file."""
        files = [path, *(name for name in self.extra_files if name != path)]
        self._settings.set("segment/model_files", files[:8])
        self._wanted_model = path
        # Until it has been looked at, the file's name must do.
        self._choices = None

    def set_use(self, value: object) -> None:
        """Choose a use by its name; what is none is the model's own threshold."""
        self.use.set_wanted(next((use for use in Use if use == value), None))
        self.threshold.set_default(self.use.threshold)

    def use_device(self, key: str) -> None:
        """Choose a device by its key, such as "cpu"; one that is not known yet, as soon as it is."""
        self._wanted_device = key
        self.device.setCurrentIndex(max(0, self.device.findData(key)))

    # -- what is found -------------------------------------------------------------------------------

    def show_choices(self, choices: SegmentationChoices) -> None:
        """Offer the models and devices of this computer."""
        former = self.chosen_model
        device = self._wanted_device if self._choices is None else self.device.currentData()
        self._choices = choices
        with QSignalBlocker(self.model), QSignalBlocker(self.device):
            self.model.clear()
            for card in choices.models:
                self.model.addItem(card.name, str(card.path))
                self.model.setItemData(self.model.count() - 1, card.description, 3)  # ToolTipRole
            if not choices.models:
                self.model.addItem("No model found")
            self.model.setCurrentIndex(max(0, self.model.findData(self._wanted_model)))
            self.device.clear()
            for key, name in choices.devices:
                self.device.addItem(name, key)
            self.device.setCurrentIndex(max(0, self.device.findData(device)))
        self._show_model()
        # Before, the default was meant, which is the first.
        if former is not None and self.chosen_model != former:
            self.network_changed.emit()

    def _voxel_nm(self) -> VoxelSize | None:
        """Return the voxel size that the model should fit."""
        return None

    @property
    def _card(self) -> ModelCard | None:
        """That of the model, once models were looked for."""
        path = self.model.currentData()
        models = () if self._choices is None else self._choices.models
        return next((card for card in models if str(card.path) == path), None)

    def _show_model(self) -> None:
        card = self._card
        problems = () if self._choices is None else self._choices.problems
        if card is None:
            show_note(self.description, "\n".join(problems))
            show_note(self.warning, "")
        else:
            show_note(self.description, card.description)
            show_note(self.details, about(card))
            show_note(self.warning, misfit(card, self._voxel_nm()))
        self._show_uses(card)
        self.more.setVisible(card is not None)
        self.details.setVisible(card is not None and self.more.isChecked())

    def _show_uses(self, card: ModelCard | None) -> None:
        self.use.set_card(card)
        self.rows.setRowVisible(self.use, card is not None)
        if card is not None:
            self.threshold.set_default(self.use.threshold)

    def _on_use_chosen(self) -> None:
        self.threshold.set_default(self.use.threshold)
        self.threshold.set_choice(None)

    def _on_threshold_changed(self) -> None:
        self.use.show_number(self.threshold.choice is not None)
        self.changed.emit()

    def _on_model_changed(self) -> None:
        self._wanted_model = self.chosen_model or ""
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

    def _on_file_checked(self, found: tuple[str, SegmentationChoices]) -> None:
        path, choices = found
        self.use_model(path)
        self.show_choices(choices)
        self.network_changed.emit()
        self.changed.emit()

    def _on_device_changed(self) -> None:
        show_note(self.device_note, "")
        self.network_changed.emit()
        self.changed.emit()


def _checked(paths: tuple[str, ...], job: Job) -> tuple[str, SegmentationChoices]:
    """Check the first model, which runs it on a small pattern; called in a thread."""
    from sxtstudio.segment import check_model

    check_model(Path(paths[0]))
    return paths[0], find_choices(paths)
