"""Step 3: the model to go on from, the name of the new one, and how long."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLabel, QLineEdit, QVBoxLayout, QWidget

from sxtstudio.app.context import Context
from sxtstudio.app.jobs.job import Job, JobKind
from sxtstudio.app.models.default_model import SETTING
from sxtstudio.app.widgets.controls import ComboBox, SpinBox
from sxtstudio.app.widgets.notes import form, note, show_note
from sxtstudio.core.wording import count, rough_duration
from sxtstudio.workflow.retraining.labels import Problem
from sxtstudio.workflow.retraining.models import RetrainingCandidate, candidates
from sxtstudio.workflow.retraining.runs import Start, free_name, name_problem

USUAL_MINUTES = 8
# Seconds per step of earlier trainings, by the base width of the model.
SPEED = "retrain/seconds_per_step"
_FEW_STEPS = 100
_USUAL_WIDTH = 16  # of a network from nothing
_FIELD_PX = 360
_WHAT = (
    "The new model is installed beside the old one, under its own name; the old one stays as it is. At the "
    "end you see both on the slices that were kept aside, and you choose."
)
_NOTHING = "From nothing"
_FROM_NOTHING = "Needs many labelled slices and hours; a model that exists is nearly always the better start."


class ModelPage(QWidget):
    """Fields for the new model; ``changed`` with each of them."""

    changed = Signal()

    def __init__(self, context: Context) -> None:
        """Look for models."""
        super().__init__()
        self._context = context
        self._candidates: list[RetrainingCandidate] = []
        self._named_by_user = False
        self.start_from = ComboBox()
        self.start_from.setToolTip("The new model begins with what this one knows")
        self.start_note = note()
        self.name = QLineEdit()
        self.name.setAccessibleName("Name of the new model")
        self.name.setToolTip("Letters, digits and . _ + -")
        self.name_note = note()
        self.minutes = SpinBox(minimum=1, maximum=1440, suffix=" min")
        self.minutes.setValue(context.settings.get("retrain/minutes", USUAL_MINUTES))
        self.minutes.setToolTip("It stops by itself; you can stop earlier, and keep the best so far")
        self.time_note = note()
        self.problems = QLabel()
        self.problems.setWordWrap(True)
        fields = form()
        fields.setVerticalSpacing(4)
        for title, field, below in (
            ("Start from", self.start_from, self.start_note),
            ("Name of the new model", self.name, self.name_note),
            ("How long", self.minutes, self.time_note),
        ):
            below.setContentsMargins(0, 0, 0, 14)
            field.setMaximumWidth(_FIELD_PX)
            fields.addRow(title, field)
            fields.addRow("", below)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(note(_WHAT))
        layout.addSpacing(8)
        layout.addLayout(fields)
        layout.addStretch()
        layout.addWidget(self.problems)
        self.start_from.currentIndexChanged.connect(self._on_start_changed)
        self.name.textEdited.connect(self._on_name_edited)
        self.name.textChanged.connect(self._refresh)
        self.minutes.valueChanged.connect(self._refresh)
        self.refresh_models()

    def refresh_models(self) -> None:
        """Look for models anew."""

        def work(job: Job) -> list[RetrainingCandidate]:
            return candidates(job.progress)

        self._context.jobs.start(
            "Looking for models", work, on_done=self._show_models, kind=JobKind.ELSEWHERE, quiet=True
        )

    @property
    def ready(self) -> bool:
        """Whether the models are known."""
        return self.start_from.count() > 0

    @property
    def start(self) -> Start:
        """The model to go on from."""
        one = self._candidate
        if one is None or one.card.path is None:
            return Start()
        card = one.card
        return Start(card.name, str(card.path), card.licence, card.voxel_nm, card.slices)

    def found_problems(self) -> list[Problem]:
        """Return what is wrong with the fields."""
        problem = name_problem(self.name.text().strip(), self._taken)
        return [Problem(problem)] if problem else []

    def show_problems(self, problems: Sequence[Problem]) -> None:
        """Show all sentences, before the training starts."""
        show_note(self.problems, "\n".join(f"⚠ {one.text}" for one in problems))

    def remember_speed(self, start: str, seconds_per_step: float) -> None:
        """Keep how fast this computer was with the model ``start``, for the next estimate."""
        widths = [one.card.base_width for one in self._candidates if one.card.name == start]
        base_width = widths[0] if widths else _USUAL_WIDTH
        known = dict(self._context.settings.get(SPEED, {}))
        known[str(base_width)] = round(seconds_per_step, 4)
        self._context.settings.set(SPEED, known)
        self._refresh()

    @property
    def base_width(self) -> int:
        """Width of the network that will be trained."""
        return _USUAL_WIDTH if self._candidate is None else self._candidate.card.base_width

    @property
    def _candidate(self) -> RetrainingCandidate | None:
        number = self.start_from.currentData()
        return self._candidates[number] if isinstance(number, int) and number >= 0 else None

    @property
    def _taken(self) -> list[str]:
        return [one.card.name for one in self._candidates]

    def _show_models(self, found: list[RetrainingCandidate]) -> None:
        wanted = self.start.name or str(self._context.settings.get(SETTING, ""))
        self._candidates = found
        self.start_from.blockSignals(True)
        self.start_from.clear()
        for number, one in enumerate(found):
            if not one.why_not:
                self.start_from.addItem(one.card.name, number)
        self.start_from.addItem(_NOTHING, -1)
        self.start_from.setCurrentIndex(max(0, self.start_from.findText(wanted)))
        self.start_from.blockSignals(False)
        self._on_start_changed()

    def _on_start_changed(self) -> None:
        if not self._named_by_user or not self.name.text().strip():
            self._named_by_user = False
            self.name.setText(free_name(self.start.name, self._taken))
        self._refresh()

    def _on_name_edited(self) -> None:
        self._named_by_user = True

    def _refresh(self) -> None:
        one = self._candidate
        text = _FROM_NOTHING if one is None else one.card.description
        left_out = [f"{other.card.name} ({other.why_not})" for other in self._candidates if other.why_not]
        if left_out:
            text += f" Cannot be trained further: {', '.join(left_out)}."
        show_note(self.start_note, text if self.ready else "Looking for models…")
        problem = name_problem(self.name.text().strip(), self._taken)
        show_note(self.name_note, f"⚠ {problem}" if problem and self.ready else "")
        show_note(self.time_note, self._time_text())
        self._context.settings.set("retrain/minutes", self.minutes.value())
        self.changed.emit()

    def _time_text(self) -> str:
        """Say what is known of the time, and no more."""
        seconds = 60 * self.minutes.value()
        speed = self._context.settings.get(SPEED, {}).get(str(self.base_width))
        more = "Loading at the beginning, judging and checking at the end take a minute or two more."
        if not isinstance(speed, int | float) or not speed > 0:
            return f"How much is learned in this time shows in the curves. {more}"
        steps = round(seconds / speed)
        text = f"About {count(steps, 'step')} in {rough_duration(seconds)}, as fast as it was last time here."
        if steps < _FEW_STEPS:
            needed = rough_duration(_FEW_STEPS * speed)
            text += f" That is little: fewer than {_FEW_STEPS} steps rarely help. Give it {needed} or more."
        return f"{text} {more}"
