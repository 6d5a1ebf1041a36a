"""Step 2: tomograms without labels, from which the network learns what cells look like here."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from sxtstudio.app import questions
from sxtstudio.app.context import Context
from sxtstudio.app.document.choose_volume import resolve
from sxtstudio.app.document.opening import TOMOGRAMS
from sxtstudio.app.widgets.dialogs import ToolDialog
from sxtstudio.app.widgets.notes import note
from sxtstudio.core.wording import count
from sxtstudio.workflow.jobs.outputs import on_disk
from sxtstudio.workflow.jobs.watch import tomograms_in
from sxtstudio.workflow.retraining.labels import Chosen

_WHAT = (
    "This step may be left out. The network has a second half that redraws the image, and it learns from any "
    "slice, labelled or not: contrast, grain and structures of your microscope and your cells. The other "
    "slices of your labelled tomograms are the best choice; add more from the same kind of experiment."
)
_PATH = Qt.ItemDataRole.UserRole
_POLARITY = Qt.ItemDataRole.UserRole + 1


class OthersPage(QWidget):
    """A list with a tick for each tomogram; ``changed`` when another is ticked."""

    changed = Signal()

    def __init__(self, context: Context, dialog: ToolDialog) -> None:
        """Begin with an empty list."""
        super().__init__()
        self._context = context
        self.list = QListWidget()
        self.list.setAccessibleName("Tomograms without labels")
        self.list.setSpacing(2)
        self.add_file = dialog.button("Add a tomogram…", "mdi6.file-plus-outline", "Learn from this one, too")
        self.add_folder = dialog.button(
            "Add a folder…", "mdi6.folder-plus-outline", "Learn from all tomograms of a folder"
        )
        self.remove = dialog.button("Remove", "mdi6.minus", "Take the selected one off the list")
        row = QHBoxLayout()
        for button in (self.add_file, self.add_folder, self.remove):
            row.addWidget(button)
        row.addStretch()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(note(_WHAT))
        layout.addLayout(row)
        layout.addWidget(self.list, 1)
        self.add_file.clicked.connect(self._on_add_file_clicked)
        self.add_folder.clicked.connect(self._on_add_folder_clicked)
        self.remove.clicked.connect(self._on_remove_clicked)
        self.list.itemChanged.connect(lambda _: self.changed.emit())
        self.list.currentItemChanged.connect(self._refresh)
        self._refresh()

    @property
    def chosen(self) -> tuple[tuple[str, str], ...]:
        """The ticked tomograms with their polarity; those that are not there any more are left out."""
        ticked = [item for item in self._items() if item.checkState() == Qt.CheckState.Checked]
        return tuple(
            (str(item.data(_PATH)), str(item.data(_POLARITY)))
            for item in ticked
            if on_disk(Path(item.data(_PATH))).exists()
        )

    def follow(self, labels: Sequence[Chosen]) -> None:
        """Offer the labelled tomograms as well: those of their slices that are not complete."""
        wanted: dict[str, Chosen] = {}
        for one in labels:
            if len(one.slices) < one.summary.shape[0]:
                wanted[one.summary.source.tomogram] = one
        for item in self._items():
            if item.data(_POLARITY + 1) and item.data(_PATH) not in wanted:
                self.list.takeItem(self.list.row(item))
        for path, one in wanted.items():
            others = one.summary.shape[0] - len(one.slices)
            text = f"{on_disk(Path(path)).name}  (its other {count(others, 'slice')})"
            if path not in self._paths():
                self._add(path, text, one.summary.polarity.value, labelled=True)
            for item in self._items():
                if item.data(_PATH) == path and item.text() != text:
                    item.setText(text)

    def add(self, paths: Sequence[Path]) -> None:
        """Add tomograms that are not in the list yet."""
        for path in paths:
            if str(path) not in self._paths():
                self._add(str(path), path.name, "auto")

    def _add(self, path: str, text: str, polarity: str, *, labelled: bool = False) -> None:
        item = QListWidgetItem(text)
        item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
        item.setData(_PATH, path)
        item.setData(_POLARITY, polarity)
        item.setData(_POLARITY + 1, labelled)
        item.setToolTip(path)
        item.setCheckState(Qt.CheckState.Checked)
        self.list.addItem(item)
        self.changed.emit()

    def _items(self) -> list[QListWidgetItem]:
        return [self.list.item(number) for number in range(self.list.count())]

    def _paths(self) -> set[str]:
        return {str(item.data(_PATH)) for item in self._items()}

    def _refresh(self, *_: object) -> None:
        item = self.list.currentItem()
        self.remove.setEnabled(item is not None and not item.data(_POLARITY + 1))

    def _on_add_file_clicked(self) -> None:
        path = questions.open_file(self._context, "Add a tomogram", TOMOGRAMS)
        if path is not None:
            resolve(self._context, path, lambda volume: self.add([volume]), parent=self.window())

    def _on_add_folder_clicked(self) -> None:
        folder = questions.open_folder(self._context, "Add the tomograms of a folder")
        if folder is not None:
            self.add(tomograms_in(folder) or [folder])

    def _on_remove_clicked(self) -> None:
        self.list.takeItem(self.list.currentRow())
        self.changed.emit()
