"""Tools > Models: the installed models with their cards; add, choose the default, remove."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QSplitter,
    QTextBrowser,
    QVBoxLayout,
)

from sxtstudio.app import questions
from sxtstudio.app.context import Context
from sxtstudio.app.errors import show_error
from sxtstudio.app.jobs.job import Job, JobKind
from sxtstudio.app.models.card_page import card_html
from sxtstudio.app.models.default_model import SETTING, use_model
from sxtstudio.app.models.import_weights import ImportDialog
from sxtstudio.app.questions import Answer, OwnFolder
from sxtstudio.app.widgets.dialogs import ToolDialog
from sxtstudio.segment import ModelCard, find_models
from sxtstudio.segment.installing import NameTaken, install_model, is_own, remove_model

# Name of the model that is used unless another one is chosen; empty: that of the program.
_CARD = Qt.ItemDataRole.UserRole


class ModelsDialog(ToolDialog):
    """Stays open beside the window."""

    TITLE = "Models"
    PAGE = "models.md"

    def __init__(self, context: Context) -> None:
        """Build the dialog and look for models."""
        super().__init__(context)
        self._context = context
        self.resize(860, 620)
        self.list = QListWidget()
        self.list.setMinimumWidth(190)
        self.list.setAccessibleName("Installed models")
        self.card = QTextBrowser()
        self.card.setOpenLinks(False)
        self.card.document().setDocumentMargin(12)
        splitter = QSplitter()
        splitter.addWidget(self.list)
        splitter.addWidget(self.card)
        splitter.setChildrenCollapsible(False)
        splitter.setSizes([220, 640])
        splitter.setStretchFactor(1, 1)
        self.problems = QLabel()
        self.problems.setProperty("role", "note")
        self.problems.setWordWrap(True)
        self.problems.setTextFormat(Qt.TextFormat.PlainText)
        self.add_button = self.button(
            "Add a file…", "mdi6.plus", "Check a model and copy it to your own models"
        )
        self.import_button = self.button(
            "Import Deep-SXT weights…", "mdi6.import", "Turn the authors' published weights into a model"
        )
        self.default_button = self.button(
            "Use by default", "mdi6.check", "Take this model unless you choose another one"
        )
        self.remove_button = self.button("Remove…", "mdi6.delete-outline", "Delete this model of yours")
        close = self.button("Close", "", "Close this list")
        row = QHBoxLayout()
        for button in (self.add_button, self.import_button, self.default_button, self.remove_button):
            row.addWidget(button)
        row.addStretch()
        row.addWidget(close)
        layout = QVBoxLayout(self)
        layout.addWidget(splitter, 1)
        layout.addWidget(self.problems)
        layout.addLayout(row)
        self.list.currentItemChanged.connect(self._show_card)
        self.add_button.clicked.connect(self._on_add_clicked)
        self.import_button.clicked.connect(self._on_import_clicked)
        self.default_button.clicked.connect(self._on_default_clicked)
        self.remove_button.clicked.connect(self._on_remove_clicked)
        close.clicked.connect(self.close)
        context.session.models_changed.connect(self.refresh)
        self._show_card()
        self.refresh()

    def refresh(self, select: str = "") -> None:
        """Look for models again, and select one by its name."""
        wanted = select or (self.current.name if self.current else "")

        def work(job: Job) -> tuple[list[ModelCard], list[str]]:
            problems: list[str] = []
            return find_models(problems=problems), problems

        self._context.jobs.start(
            "Looking for models",
            work,
            on_done=lambda found: self._show_models(found[0], found[1], wanted),
            quiet=True,
        )

    @property
    def current(self) -> ModelCard | None:
        """The card that is shown."""
        item = self.list.currentItem()
        card: ModelCard | None = None if item is None else item.data(_CARD)
        return card

    def default_name(self) -> str:
        """Name of the model that is used unless another one is chosen."""
        names = [self.list.item(n).data(_CARD).name for n in range(self.list.count())]
        wanted: str = self._context.settings.get(SETTING, "")
        return wanted if wanted in names else (names[0] if names else "")

    def add_file(self, path: Path, *, replace: bool = False) -> None:
        """Check a model in a job; a good one is copied to the user's models."""
        self.add_button.setEnabled(False)

        def done(card: ModelCard) -> None:
            self.add_button.setEnabled(True)
            self._context.session.message.emit(f"The model {card.name} passed the check and was added.")
            self._changed(card.name)

        def failed(error: Exception) -> None:
            self.add_button.setEnabled(True)
            if isinstance(error, NameTaken):
                answer = questions.ask(
                    self, "Models", f"{error} Replace it?", (Answer.REPLACE, Answer.CANCEL)
                )
                if answer == Answer.REPLACE:
                    self.add_file(path, replace=True)
            else:
                show_error(self, error, "Models")

        self._context.jobs.start(
            "Checking the model",
            lambda job: install_model(path, replace=replace),
            on_done=done,
            on_error=failed,
            kind=JobKind.ELSEWHERE,
        )

    def _on_add_clicked(self) -> None:
        kinds = "Models (*.onnx *.json)"
        path = questions.open_file(self._context, "Add a model", kinds, OwnFolder.MODELS)
        if path is not None:
            self.add_file(path)

    def _on_import_clicked(self) -> None:
        dialog = self._context.dialogs.bring_up(ImportDialog)
        dialog.imported.connect(self._changed, Qt.ConnectionType.UniqueConnection)

    def _on_default_clicked(self) -> None:
        card = self.current
        if card is None:
            return
        use_model(self._context, card)

    def _on_remove_clicked(self) -> None:
        card = self.current
        if card is None:
            return
        text = f"Delete the model {card.name} from your models? Labels made with it stay as they are."
        if questions.ask(self, "Models", text, (Answer.DELETE, Answer.CANCEL)) != Answer.DELETE:
            return
        remove_model(card)
        if self._context.settings.get(SETTING, "") == card.name:
            self._context.settings.set(SETTING, "")
        self._changed()

    def _changed(self, select: str = "") -> None:
        self._context.session.models_changed.emit(select)

    def _show_models(self, cards: list[ModelCard], problems: list[str], select: str) -> None:
        self.list.clear()
        for card in cards:
            item = QListWidgetItem(card.name)
            item.setData(_CARD, card)
            item.setToolTip(card.description)
            self.list.addItem(item)
        default = self.default_name()
        for number in range(self.list.count()):
            item = self.list.item(number)
            name = item.data(_CARD).name
            if name == default:
                item.setText(f"{name}  (default)")
                font = item.font()
                font.setBold(True)
                item.setFont(font)
            if name == (select or default):
                self.list.setCurrentItem(item)
        if self.list.currentItem() is None and self.list.count():
            self.list.setCurrentRow(0)
        self.problems.setText("\n".join(f"Left out: {problem}" for problem in problems))
        self.problems.setVisible(bool(problems))
        self._show_card()

    def _show_card(self, *_: object) -> None:
        card = self.current
        default = card is not None and card.name == self.default_name()
        own = card is not None and is_own(card)
        self.default_button.setEnabled(card is not None and not default)
        self.remove_button.setEnabled(own)
        self.remove_button.setToolTip(
            "Delete this model of yours" if own else "Only models that you added yourself can be removed"
        )
        self.card.setHtml("" if card is None else card_html(card, default=default, own=own))
