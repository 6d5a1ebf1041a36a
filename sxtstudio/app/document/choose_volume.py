"""Which of several volumes in a file is meant: a list to choose from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialogButtonBox,
    QHeaderView,
    QLabel,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from sxtstudio.app.context import Context
from sxtstudio.app.jobs.job import Job, JobKind
from sxtstudio.app.widgets.dialogs import Dialog
from sxtstudio.core.geometry import Triple
from sxtstudio.core.wording import count, shape_text
from sxtstudio.io.opening import may_hold_several, open_volume
from sxtstudio.io.several import SeveralVolumes, VolumeInside, likely_volume
from sxtstudio.io.volume_name import VolumeName, with_axes

_HEADS = ("Name", "Size (as stored)", "Numbers", "")


class WhichVolumeDialog(Dialog):
    """A row for each volume; the likely one is chosen. With ``many`` several can be."""

    PAGE = "files.md"

    def __init__(
        self,
        several: SeveralVolumes,
        parent: QWidget | None = None,
        *,
        shape: Triple | None = None,
        labels: bool = False,
        many: bool = False,
    ) -> None:
        """Show what the file holds; ``shape`` and ``labels`` as for ``likely_volume``."""
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Which labels?" if labels else "Which volume?")
        self.several = several
        likely = likely_volume(several.choices, shape=shape, labels=labels)
        text = QLabel(
            f"{several.place.name} holds {count(len(several.choices), 'volume')}. "
            + ("Choose one or more of them." if many else "Choose the one to open.")
        )
        text.setWordWrap(True)
        self.list = QTableWidget(len(several.choices), len(_HEADS))
        self.list.setTabKeyNavigation(False)
        self.list.setHorizontalHeaderLabels(_HEADS)
        self.list.horizontalHeader().setDefaultAlignment(
            Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        )
        self.list.verticalHeader().hide()
        self.list.setShowGrid(False)
        self.list.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        modes = QAbstractItemView.SelectionMode
        self.list.setSelectionMode(modes.ExtendedSelection if many else modes.SingleSelection)
        self.list.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.list.setAccessibleName("Volumes in the file")
        for row, choice in enumerate(several.choices):
            note = choice.against or ("likely" if choice is likely else "")
            for column, cell in enumerate((choice.inside, shape_text(choice.shape), choice.numbers, note)):
                item = QTableWidgetItem(cell)
                item.setToolTip(cell)
                self.list.setItem(row, column, item)
        self.list.resizeColumnsToContents()
        self.list.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.open_button = self.buttons.addButton("Open", QDialogButtonBox.ButtonRole.AcceptRole)
        self.open_button.setProperty("role", "main")
        self.open_button.setDefault(True)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self.list.itemSelectionChanged.connect(self._refresh)
        self.list.itemDoubleClicked.connect(lambda _: self.accept())
        layout = QVBoxLayout(self)
        layout.addWidget(text)
        layout.addWidget(self.list, 1)
        layout.addWidget(self.buttons)
        self.list.selectRow(several.choices.index(likely))
        self.list.setFocus()
        self.resize(560, 300)

    @property
    def chosen(self) -> list[VolumeInside]:
        """What is chosen, in the order of the list."""
        rows = {index.row() for index in self.list.selectedIndexes()}
        return [self.several.choices[row] for row in sorted(rows)]

    def _refresh(self) -> None:
        self.open_button.setEnabled(bool(self.chosen))


def choose_volume(
    parent: QWidget | None,
    several: SeveralVolumes,
    then: Callable[[Path], object],
    *,
    shape: Triple | None = None,
    labels: bool = False,
) -> None:
    """Show the list, and call ``then`` with the name of the chosen volume."""
    dialog = WhichVolumeDialog(several, parent, shape=shape, labels=labels)
    dialog.accepted.connect(lambda: then(several.name_of(dialog.chosen[0])))
    dialog.open()


def resolve(
    context: Context,
    path: Path,
    then: Callable[[Path], object],
    *,
    parent: QWidget | None = None,
    shape: Triple | None = None,
    labels: bool = False,
) -> None:
    """Call ``then`` with the name of the volume in ``path``, and ask first which one where there are several.

    Files of one volume are handed on at once; others are looked at in a job. What else is wrong with a file
    is for ``then`` to find.
    """
    path = store_of(path)
    if not may_hold_several(path):
        then(path)
        return

    def done(several: SeveralVolumes | None) -> None:
        if several is None:
            then(path)
        else:
            axes = VolumeName.of(path).axes
            choose_volume(
                parent or context.window,
                several,
                lambda name: then(with_axes(name, axes)),
                shape=shape,
                labels=labels,
            )

    context.jobs.start(
        f"Looking at {path.name}",
        lambda job: several_in(path),
        on_done=done,
        kind=JobKind.ELSEWHERE,
        quiet=True,
    )


def several_in(path: Path) -> SeveralVolumes | None:
    """Return what a file holds if it is several volumes; called in a thread."""
    try:
        open_volume(path).close()
    except SeveralVolumes as several:
        return several
    except Exception:  # who opens it will say so
        return None
    return None


def several_in_all(job: Job, paths: list[Path]) -> dict[Path, SeveralVolumes]:
    """Return those of some files that hold several volumes; called in a thread."""
    found: dict[Path, SeveralVolumes] = {}
    for path in paths:
        job.progress.check()
        several = several_in(path)
        if several is not None:
            found[path] = several
    return found


def store_of(path: Path) -> Path:
    """Return the Zarr store for something in it: a dialog for files cannot choose the store itself."""
    for parent in path.parents:
        if parent.suffix.lower() == ".zarr":
            return parent
    return path
