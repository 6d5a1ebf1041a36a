"""Tools > Models > Import Deep-SXT weights: the authors' Keras files become a model of the user's own."""

from __future__ import annotations

import os
from pathlib import Path

from PySide6.QtCore import QUrl, Signal
from PySide6.QtWidgets import (
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
)

from sxtstudio.app import questions
from sxtstudio.app.context import Context
from sxtstudio.app.errors import show_error
from sxtstudio.app.help.reader import Documentation
from sxtstudio.app.jobs.job import Job, JobKind
from sxtstudio.app.questions import Answer, OwnFolder
from sxtstudio.app.widgets.dialogs import ToolDialog
from sxtstudio.app.widgets.notes import note, show_note
from sxtstudio.core.errors import UserError
from sxtstudio.segment import find_models
from sxtstudio.workflow.jobs import importing

_INTRODUCTION = (
    "Choose the weights that the authors of Deep-SXT published and the configuration that belongs to them. "
    "They are converted, checked, and added to your own models."
)


class ImportDialog(ToolDialog):
    """Stays open beside the window, which can be used meanwhile.

    Signals
    -------
    imported(str)
        The name of a model that was installed.
    """

    TITLE = "Import Deep-SXT weights"
    PAGE = "weights.md"
    imported = Signal(str)

    def __init__(self, context: Context) -> None:
        """Build the dialog without files."""
        super().__init__(context)
        self._context = context
        self._job: Job | None = None
        self._weights: Path | None = None  # for which configuration and name were proposed
        self.resize(620, 320)
        introduction = QLabel(_INTRODUCTION)
        introduction.setWordWrap(True)
        self.weights, weights_row, self.weights_button = self._file_row("Weights file", "weights_….h5")
        self.config, config_row, self.config_button = self._file_row("Configuration", "model_config_….json")
        self.name = QLineEdit("deep-sxt")
        self.name.setAccessibleName("Name of the model")
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        form.addRow("Weights (.h5)", weights_row)
        form.addRow("Configuration (.json)", config_row)
        form.addRow("Name of the model", self.name)
        self.bar = QProgressBar()
        self.bar.setRange(0, 0)
        self.bar.setTextVisible(False)
        self.bar.hide()
        self.remark = note()
        self.where_button = self.button("Where are the files?", "mdi6.help-circle-outline", "Read about them")
        self.start_button = self.button("Import", "mdi6.import", "Convert, check and add the model")
        self.start_button.setProperty("role", "main")
        self.close_button = self.button("Close", "", "Close this dialog")
        row = QHBoxLayout()
        row.addWidget(self.where_button)
        row.addStretch()
        row.addWidget(self.start_button)
        row.addWidget(self.close_button)
        layout = QVBoxLayout(self)
        layout.setSpacing(10)
        layout.addWidget(introduction)
        layout.addLayout(form)
        layout.addWidget(self.bar)
        layout.addWidget(self.remark)
        layout.addStretch()
        layout.addLayout(row)
        self.weights_button.clicked.connect(self._on_weights_clicked)
        self.config_button.clicked.connect(self._on_config_clicked)
        self.weights.editingFinished.connect(self._on_weights_edited)
        self.where_button.clicked.connect(self.show_where)
        self.start_button.clicked.connect(self.start)
        self.close_button.clicked.connect(self._on_close_clicked)

    @property
    def running(self) -> bool:
        """Whether an import goes on."""
        return self._job is not None

    def set_weights(self, path: Path) -> None:
        """Take a weight file, the configuration beside it, and a name that says its version."""
        self._weights = path
        self.weights.setText(str(path))
        self.name.setText(importing.suggested_name(path))
        config = importing.config_beside(path)
        self.config.setText("" if config is None else str(config))
        if config is None:
            show_note(self.remark, f"There is no model_config….json beside {path.name}: choose it.")
        else:
            show_note(self.remark, f"{config.name} beside it is taken as its configuration.")

    def start(self) -> None:
        """Import what was chosen, in a process of its own."""
        try:
            command = self._command()
        except UserError as error:
            show_error(self, error, "Models")
            return
        if command is None:
            return
        name = self.name.text().strip()
        self._job = self._context.jobs.start(
            f"Importing {name}",
            lambda job: importing.run_import(command, job.progress),
            on_done=lambda _: self._on_done(name),
            on_error=self._on_error,
            on_cancel=lambda: self._on_over("Cancelled. Nothing was added."),
            kind=JobKind.ELSEWHERE,
        )
        show_note(self.remark, "Converting and checking; for base width 64 that takes a minute.")
        self._show_running()

    def cancel(self) -> None:
        """End a running import; nothing is added."""
        if self._job is not None:
            self._job.cancel()
            show_note(self.remark, "Cancelling…")

    def show_where(self) -> None:
        """Show the help page that says where the files are published."""
        self._context.dialogs.bring_up(Documentation).show_page("weights.md")

    def shut_down(self) -> None:
        """End with the window."""
        self.cancel()
        super().shut_down()

    def _command(self) -> list[str] | None:
        """Return the command for what was chosen; None if the user does not want it after all."""
        weights, config = pasted_path(self.weights.text()), pasted_path(self.config.text())
        if weights is None:
            raise UserError("Choose the weights file (.h5) first.")
        if config is None:
            raise UserError("Choose the configuration (.json) that belongs to the weights.")
        for path in (weights, config):
            if not path.is_file():
                raise UserError(f"There is no file {path}: check what was typed, or choose the file.")
        name = importing.check_name(self.name.text().strip())
        taken = any(card.name == name for card in find_models())
        question = f"Another model called {name} is there already. Replace it?"
        if (
            taken
            and questions.ask(self, "Models", question, (Answer.REPLACE, Answer.CANCEL)) != Answer.REPLACE
        ):
            return None
        return importing.import_command(weights, config, name, replace=taken)

    def _on_done(self, name: str) -> None:
        self._on_over(f"The model {name} passed the check and was added.")
        self._context.session.message.emit(f"The model {name} passed the check and was added.")
        self.imported.emit(name)

    def _on_error(self, error: Exception) -> None:
        self._on_over("Nothing was added.")
        show_error(self, error, "Models")

    def _on_over(self, text: str) -> None:
        self._job = None
        show_note(self.remark, text)
        self._show_running()

    def _show_running(self) -> None:
        for widget in (
            self.weights,
            self.weights_button,
            self.config,
            self.config_button,
            self.name,
            self.start_button,
        ):
            widget.setEnabled(not self.running)
        self.bar.setVisible(self.running)
        self.close_button.setText("Cancel" if self.running else "Close")
        tip = "End the import; nothing is added" if self.running else "Close this dialog"
        self.close_button.setToolTip(tip)

    def _on_close_clicked(self) -> None:
        if self.running:
            self.cancel()
        else:
            self.close()

    def _on_weights_clicked(self) -> None:
        kinds = "Keras weights (*.h5 *.hdf5)"
        path = questions.open_file(self._context, "Weights of Deep-SXT", kinds, OwnFolder.MODELS)
        if path is not None:
            self.set_weights(path)

    def _on_weights_edited(self) -> None:
        """Take what belongs to a file whose path was typed or pasted."""
        path = pasted_path(self.weights.text())
        if path is not None and path != self._weights and path.is_file():
            self.set_weights(path)

    def _on_config_clicked(self) -> None:
        kinds = "Configuration (*.json)"
        path = questions.open_file(self._context, "Configuration of the weights", kinds, OwnFolder.MODELS)
        if path is not None:
            self.config.setText(str(path))
            show_note(self.remark, "")

    def _file_row(self, name: str, hint: str) -> tuple[QLineEdit, QHBoxLayout, QPushButton]:
        field = QLineEdit()
        field.setClearButtonEnabled(True)
        field.setPlaceholderText(hint)
        field.setAccessibleName(name)
        choose = self.button("Choose…", "mdi6.folder-open-outline", f"Choose the file: {name.lower()}")
        row = QHBoxLayout()
        row.addWidget(field, 1)
        row.addWidget(choose)
        return field, row, choose


def pasted_path(text: str) -> Path | None:
    """Return the path in a text as file managers and terminals copy it, or None where there is none."""
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        text = text[1:-1]
    if text.startswith("file:"):
        text = QUrl(text).toLocalFile()
    if not text or "\0" in text:
        return None
    return Path(os.path.abspath(os.path.expanduser(text)))
