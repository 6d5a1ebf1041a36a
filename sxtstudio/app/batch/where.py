"""Where a batch runs: in this program, on several workers of this computer, or on those of a profile."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from sxtstudio.app import questions
from sxtstudio.app.context import Context
from sxtstudio.app.errors import show_error
from sxtstudio.app.questions import OwnFolder
from sxtstudio.app.widgets.controls import ComboBox, SpinBox
from sxtstudio.app.widgets.notes import form, narrow, show_note
from sxtstudio.cluster.door import divided
from sxtstudio.cluster.profile import NAMES, Profile, known_profiles, profile_of
from sxtstudio.core.errors import UserError
from sxtstudio.core.wording import count

HERE, LOCAL = "", "local"
_MOST_WORKERS = 64
_DIVISIONS = (
    ("where workers would idle", None),
    ("no: whole tomograms", 0),
    ("into 16 slices each", 16),
    ("into 32 slices each", 32),
    ("into 64 slices each", 64),
)


class WhereFields(QWidget):
    """The choice, and what a worker of it gets in a line.

    ``choice`` is "" for this program, "local", or the name or file of a profile.
    """

    changed = Signal()

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        """Begin with this program."""
        super().__init__(parent)
        self._context = context
        self.place = ComboBox()
        self.place.setToolTip("Where the tomograms are segmented; the results are the same everywhere")
        self.place.addItem("in this program", HERE)
        self.place.addItem("on workers of this computer", LOCAL)
        for name in known_profiles():
            self.place.addItem(f"on a cluster: {name}", name)
        self.workers = SpinBox(minimum=1, maximum=_MOST_WORKERS)
        self.workers.setValue(2)
        self.workers.setToolTip("Each works on one tomogram; they share processors, memory and cards")
        self.other = QPushButton("Profile…")
        self.other.setToolTip("Choose a file that says which machines (TOML)")
        self.note = QLabel()
        self.note.setProperty("role", "note")
        self.note.setWordWrap(True)
        self.divide = ComboBox()
        for text, slices in _DIVISIONS:
            self.divide.addItem(text, slices)
        self.divide.setToolTip(
            "Several workers segment and clean ranges of the slices of a tomogram; the results are the same"
        )
        self._count_row = QWidget()
        inner = QHBoxLayout(self._count_row)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.addWidget(QLabel("Workers"))
        inner.addWidget(narrow(self.workers, 90))
        inner.addStretch()
        row = QHBoxLayout()
        row.addWidget(narrow(self.place, 120), 1)
        row.addWidget(self.other)
        fields = form()
        fields.addRow("Runs", row)
        fields.addRow(self._count_row)
        fields.addRow("Divide", narrow(self.divide, 120))
        self._fields = fields
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(fields)
        layout.addWidget(self.note)
        self.place.currentIndexChanged.connect(self._on_place_changed)
        self.other.clicked.connect(self._on_other_clicked)
        self._on_place_changed()

    @property
    def choice(self) -> str:
        """What is chosen."""
        return str(self.place.currentData())

    def choose(self, choice: str) -> None:
        """Choose; a profile that has gone since is no choice any more."""
        place = self.place.findData(choice)
        if place < 0 and choice.endswith(".toml") and Path(choice).is_file():
            self.place.addItem(f"on a cluster: {Path(choice).stem}", choice)
            place = self.place.count() - 1
        self.place.setCurrentIndex(max(0, place))

    def profile(self) -> Profile | None:
        """Return the profile that is chosen, None for this program.

        Raises
        ------
        UserError
            If it cannot be read, or something in it is wrong.
        """
        if self.choice == HERE:
            return None
        if self.choice == LOCAL:
            profile = Profile("local", workers=self.workers.value())
        else:
            profile = profile_of(None, self.choice)
        return divided(profile, self.divide.currentData())

    def _on_place_changed(self) -> None:
        self._count_row.setVisible(self.choice == LOCAL)
        self._fields.setRowVisible(self.divide, self.choice != HERE)
        try:
            text = _described(self.profile())
        except UserError as error:
            text = str(error)
        show_note(self.note, text)
        self.changed.emit()

    def _on_other_clicked(self) -> None:
        kinds = "Profiles (*.toml);;All files (*)"
        path = questions.open_file(self._context, "Profile of a cluster", kinds, OwnFolder.PROFILES)
        if path is not None:
            try:
                profile_of(None, str(path))
            except UserError as error:
                show_error(self, error, "Batch")
                return
            self.choose(str(path))


def _described(profile: Profile | None) -> str:
    """Say what a batch gets: "20 workers of SLURM, each with 8 processors and 16 GB"."""
    if profile is None:
        return ""
    workers = count(profile.workers, "worker")
    if profile.kind == "address":
        return f"The workers of the scheduler at {profile.address}."
    if profile.kind == "local":
        return "They share the processors, the memory and the cards of this computer."
    parts = [count(profile.cores or 1, "processor"), str(profile.memory)]
    if profile.gpus:
        parts.append(count(profile.gpus, "card"))
    return f"{workers} of {NAMES[profile.kind]}, each with {', '.join(parts)}."
