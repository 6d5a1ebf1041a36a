"""The fields of a beamtime: what is watched, where the page goes, and what is done to each tomogram."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QGroupBox, QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget

from sxtstudio.app import questions
from sxtstudio.app.batch.form import BatchForm
from sxtstudio.app.context import Context
from sxtstudio.app.widgets.notes import form, note
from sxtstudio.cluster.profile import Profile
from sxtstudio.core.errors import UserError
from sxtstudio.workflow.beamtime.follow import BeamtimeParameters
from sxtstudio.workflow.jobs.batch import BatchParameters

_STORE = "beamtime"
_PAGE = "beamtime"  # the folder beside the tomograms that is suggested


@dataclass(frozen=True)
class BeamtimeRequest:
    """Everything that a beamtime is started with."""

    watched: Path
    present: bool
    beamtime: BeamtimeParameters
    batch: BatchParameters
    profile: Profile | None = None


class BeamtimeForm(QWidget):
    """Read once, before the start; those of the segmentation are those of a batch.

    Signals
    -------
    page_changed
        Another folder for the page is meant; its records may be shown.
    """

    page_changed = Signal()

    def __init__(self, context: Context) -> None:
        """Build the fields, as they were last time."""
        super().__init__()
        self._context = context
        self.watched = QLineEdit()
        self.watched.setPlaceholderText("Where reconstructions arrive")
        self.watched.setAccessibleName("Folder to watch")
        self.page = QLineEdit()
        self.page.setPlaceholderText("For page and pictures")
        self.page.setAccessibleName("Folder of the page")
        self.title = QLineEdit()
        self.title.setPlaceholderText(BeamtimeParameters.title)
        self.title.setToolTip("Stands above page and PDF, such as the name of the experiment")
        self.present = QCheckBox("Also those that are there already")
        self.present.setChecked(True)
        self.retry_failed = QCheckBox("Failed ones once more")
        self.retry_failed.setToolTip(
            "Try those again that failed, such as after other settings; else only once their file changes"
        )
        self.objects = QCheckBox("Find and count objects")
        self.objects.setToolTip(
            "Organelles in the outlines; needs about as long as the segmentation on a processor"
        )
        self.classifier = QLineEdit()
        self.classifier.setPlaceholderText("No classes")
        self.classifier.setAccessibleName("Classifier for the objects")
        self.classifier.setToolTip(
            "A classifier that you saved (Objects > Classes) gives the objects their classes"
        )
        self.choose_watched, self.choose_page, self.choose_classifier = (
            self._chooser(tip)
            for tip in (
                "Choose the folder to watch",
                "Choose the folder for the page",
                "Choose a file with a classifier",
            )
        )
        self.batch = BatchForm(context)
        self.batch.sheet.hide()  # the page is more
        self._lay_out()
        self._restore()
        self.choose_watched.clicked.connect(self._on_choose_watched_clicked)
        self.choose_page.clicked.connect(self._on_choose_page_clicked)
        self.choose_classifier.clicked.connect(self._on_choose_classifier_clicked)
        self.watched.editingFinished.connect(self._suggest_page)
        self.page.editingFinished.connect(self.page_changed)
        self.classifier.textChanged.connect(self._refresh)
        context.session.models_changed.connect(self.batch.refresh_models)
        self._refresh()

    def _chooser(self, tip: str) -> QPushButton:
        button = QPushButton("…")
        button.setToolTip(tip)
        button.setAccessibleName(tip)
        button.setAutoDefault(False)
        button.setMaximumWidth(36)
        return button

    def _lay_out(self) -> None:
        places = form()
        for title, field, button in (
            ("Watch", self.watched, self.choose_watched),
            ("Page", self.page, self.choose_page),
        ):
            places.addRow(title, _beside(field, button))
        places.addRow("Title", self.title)
        places.addRow(self.present)
        places.addRow(self.retry_failed)
        objects = form()
        objects.addRow(self.objects)
        objects.addRow("Classes", _beside(self.classifier, self.choose_classifier))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 0, 10, 0)
        for title, content in (("Beamtime", places), ("Objects", objects)):
            group = QGroupBox(title)
            inside = QVBoxLayout(group)
            inside.setContentsMargins(0, 6, 0, 0)
            inside.addLayout(content)
            layout.addWidget(group)
        layout.addWidget(note("These settings hold for every tomogram:"))
        layout.addWidget(self.batch)
        layout.addStretch()

    @property
    def page_folder(self) -> Path | None:
        """The folder of the page, if one is named."""
        text = self.page.text().strip()
        return Path(text) if text else None

    def request(self) -> BeamtimeRequest:
        """Return what the fields say.

        Raises
        ------
        UserError
            If a folder is missing, or a field makes no sense.
        """
        if not self.watched.text().strip():
            raise UserError("Choose the folder to watch first.")
        self._suggest_page()
        page = self.page_folder
        if page is None:
            raise UserError("Choose the folder for the page first.")
        watched = Path(self.watched.text().strip())
        classifier = self.classifier.text().strip()
        batch = replace(self.batch.parameters(None), contact_sheet=None, summary=())
        self._remember()
        title = self.title.text().strip() or BeamtimeParameters.title
        wants_objects = self.objects.isChecked()
        return BeamtimeRequest(
            watched,
            self.present.isChecked(),
            BeamtimeParameters(
                page,
                title,
                wants_objects,
                Path(classifier) if classifier and wants_objects else None,
                batch.voxel_nm,
                self.retry_failed.isChecked(),
            ),
            batch,
            self.batch.where.profile(),
        )

    def _refresh(self) -> None:
        if self.classifier.text().strip():
            self.objects.setChecked(True)

    def _suggest_page(self) -> None:
        if self.watched.text().strip() and not self.page.text().strip():
            self.page.setText(str(Path(self.watched.text().strip()) / _PAGE))
            self.page_changed.emit()

    def _on_choose_watched_clicked(self) -> None:
        folder = questions.open_folder(self._context, "Folder to watch")
        if folder is not None:
            self.watched.setText(str(folder))
            self._suggest_page()

    def _on_choose_page_clicked(self) -> None:
        folder = questions.save_into_folder(self._context, "Folder for the page", self.page.text())
        if folder is not None:
            self.page.setText(str(folder))
            self.page_changed.emit()

    def _on_choose_classifier_clicked(self) -> None:
        file = questions.open_file(self._context, "Classifier", "Classifiers (*.json)")
        if file is not None:
            self.classifier.setText(str(file))

    def _remember(self) -> None:
        self._context.settings.set(
            _STORE,
            {
                "watched": self.watched.text(),
                "page": self.page.text(),
                "title": self.title.text(),
                "classifier": self.classifier.text(),
                "present": self.present.isChecked(),
                "objects": self.objects.isChecked(),
            },
        )

    def _restore(self) -> None:
        """Show what was remembered; what is missing or damaged stays as it is."""
        values = self._context.settings.get(_STORE, {})
        for name, field in (
            ("watched", self.watched),
            ("page", self.page),
            ("title", self.title),
            ("classifier", self.classifier),
        ):
            value = values.get(name)
            field.setText(value if isinstance(value, str) else "")
        for name, box in (("present", self.present), ("objects", self.objects)):
            value = values.get(name)
            box.setChecked(value if isinstance(value, bool) else box.isChecked())


def _beside(field: QLineEdit, button: QPushButton) -> QHBoxLayout:
    row = QHBoxLayout()
    row.addWidget(field, 1)
    row.addWidget(button)
    return row
