"""Unsaved work that a crash has left behind is offered: at the start, and with its tomogram."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import (
    QApplication,
    QDialogButtonBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from sxtstudio.app import questions
from sxtstudio.app.context import Context
from sxtstudio.app.document.choose_volume import resolve
from sxtstudio.app.document.opening import TOMOGRAMS, open_recovered
from sxtstudio.app.jobs.job import Job, JobKind
from sxtstudio.app.questions import Answer
from sxtstudio.app.widgets.dialogs import Dialog
from sxtstudio.core.plain_files import is_own_folder
from sxtstudio.io.edit_file import edit_files
from sxtstudio.workflow.document.recovered import recover
from sxtstudio.workflow.document.recovery import Leftover, discard, leftovers
from sxtstudio.workflow.document.state import UNDO
from sxtstudio.workflow.jobs.outputs import on_disk

_NOT_SAVED = (
    "Work of an earlier session was not saved, but it is still there. "
    "After a crash, at most the last stroke is lost."
)
_ALL_SAVED = "A segmentation of an earlier session was not finished; everything else is saved. It can go on."
# A dialog that is in front is looked after so often.
_AGAIN_MS = 300


def offer_recovery(context: Context) -> None:
    """Look for unsaved work of sessions that ended badly; where there is some, a dialog offers it."""
    _look(context, lambda left: True)


def offer_with_tomograms(context: Context) -> None:
    """From now on, offer what is unfinished of a tomogram whenever it is opened."""
    session = context.session
    # Not before the former document is being closed: its folder may be of the same tomogram.
    session.document_changed.connect(
        lambda: QTimer.singleShot(0, session, lambda: _look_for_the_same(context))
    )


def _look_for_the_same(context: Context) -> None:
    document = context.session.document
    if document is None or document.modified:  # who has just recovered something has chosen
        return

    def same(left: Leftover) -> bool:
        of_project = document.project is not None and _is_same(left.project, document.project)
        return of_project or (bool(left.tomogram) and _is_same(left.tomogram, document.source))

    _look(context, same, still=lambda: context.session.document is document)


def _is_same(one: str | Path | None, other: str | Path) -> bool:
    return one is not None and os.path.realpath(one) == os.path.realpath(other)


def _look(
    context: Context, wanted: Callable[[Leftover], bool], still: Callable[[], bool] = lambda: True
) -> None:
    """Look for leftovers and offer those that are wanted, while ``still`` says so."""
    root = context.settings.get("work_folder", "")
    work_root = Path(root) if root else None

    def done(found: list[Leftover]) -> None:
        if chosen := [left for left in found if wanted(left)]:
            _offer(context, chosen, still)

    def work(job: Job) -> list[Leftover]:
        context.session.closing.wait_for_work()
        return [counted(left) for left in leftovers(work_root)]

    context.jobs.start("Looking for unsaved work", work, on_done=done, quiet=True)


def counted(left: Leftover) -> Leftover:
    """Return it with as many steps as *Edit > History* will list.

    The record has more: what was undone, and what changes no voxel, such as an export. Its number stands
    where none of the changes can be undone any more.
    """
    kept = 0
    with suppress(OSError):
        folder = left.bulk / UNDO
        kept = len(edit_files(folder)) if is_own_folder(folder) else 0
    return replace(left, steps=kept or left.steps)


def _offer(context: Context, found: list[Leftover], still: Callable[[], bool]) -> None:
    """Show what was found once no other dialog is in front: one question after the other."""
    other = QApplication.activeModalWidget()
    if not still() or (isinstance(other, RecoveryDialog) and other.offers(found)):
        return
    if other is None:
        RecoveryDialog(context, found).open()
    else:
        QTimer.singleShot(_AGAIN_MS, context.session, lambda: _offer(context, found, still))


class RecoveryDialog(Dialog):
    """A row for each leftover: *Recover*, *Discard*; what is left alone is offered again another time."""

    PAGE = "projects.md#nothing-is-lost"

    def __init__(self, context: Context, found: list[Leftover]) -> None:
        """Show ``found``."""
        super().__init__(context.window)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        saved = all(left.saved for left in found)
        self.setWindowTitle("Unfinished segmentation" if saved else "Unsaved work")
        self.setMinimumWidth(620)
        self._context = context
        self.rows: dict[Path, QWidget] = {}
        text = QLabel(_ALL_SAVED if saved else _NOT_SAVED)
        text.setWordWrap(True)
        column = QWidget()
        self._column = QVBoxLayout(column)
        self._column.setContentsMargins(0, 0, 0, 0)
        for left in found:
            self._add(left)
        self._column.addStretch()
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setWidget(column)
        area.setMinimumHeight(min(360, 84 * len(found)))
        buttons = QDialogButtonBox()
        later = buttons.addButton("Decide later", QDialogButtonBox.ButtonRole.RejectRole)
        later.setToolTip("Keep everything; ask again when it is opened, or at the next start")
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(text)
        layout.addWidget(area, 1)
        layout.addWidget(buttons)

    def offers(self, found: list[Leftover]) -> bool:
        """Whether all of these are offered already."""
        return {left.folder for left in found} <= self.rows.keys()

    def _add(self, left: Leftover) -> None:
        row = QFrame()
        row.setFrameShape(QFrame.Shape.StyledPanel)
        name = QLabel(left.name)
        name.setProperty("role", "title")
        facts = QLabel(left.damaged or describe(left))
        facts.setProperty("role", "note")
        facts.setWordWrap(True)
        facts.setToolTip(left.tomogram)
        words = QVBoxLayout()
        words.addWidget(name)
        words.addWidget(facts)
        layout = QHBoxLayout(row)
        layout.addLayout(words, 1)
        recover = QPushButton("Recover")
        recover.setEnabled(not left.damaged)
        recover.clicked.connect(lambda: self.recover(left))
        remove = QPushButton("Discard…")
        remove.clicked.connect(lambda: self.discard(left))
        layout.addWidget(recover)
        layout.addWidget(remove)
        self.rows[left.folder] = row
        self._column.addWidget(row)

    def recover(self, left: Leftover) -> None:
        """Open it in the window."""
        if not on_disk(Path(left.tomogram)).exists():
            answer = questions.ask(
                self,
                "Where is the tomogram?",
                f"{left.tomogram} is not there any more.",
                (Answer.CHOOSE_TOMOGRAM, Answer.CANCEL),
            )
            if answer == Answer.CANCEL:
                return
            tomogram = questions.open_file(self._context, "Where is the tomogram now?", TOMOGRAMS)
            if tomogram is not None:
                resolve(self._context, tomogram, lambda volume: self._open(left, volume), parent=self)
            return
        self._open(left, None)

    def _open(self, left: Leftover, tomogram: Path | None) -> None:
        self.accept()
        open_recovered(self._context, lambda beside: recover(left.folder, tomogram, beside=beside))

    def discard(self, left: Leftover) -> None:
        """Remove it for good, after a question."""
        answer = questions.ask(
            self,
            "Discard the segmentation?" if left.saved else "Discard the unsaved work?",
            f"The unfinished segmentation of {left.name} is removed for good; what was saved stays."
            if left.saved
            else f"The unsaved work on {left.name} is removed for good.",
            (Answer.DISCARD, Answer.CANCEL),
            default=Answer.CANCEL,
        )
        if answer != Answer.DISCARD:
            return
        name = f"Removing the unsaved work on {left.name}"
        self._context.jobs.start(name, lambda job: discard(left), kind=JobKind.ELSEWHERE, quiet=True)
        row = self.rows.pop(left.folder)
        row.hide()
        row.deleteLater()
        if not self.rows:
            self.accept()


def describe(left: Leftover) -> str:
    """Return when it was, how much was done, and its size on disk."""
    when: datetime = left.when.astimezone()
    if left.saved:
        size = f"{max(1, round(left.bytes / 1e6))} MB on disk"
        return f"{when:%Y-%m-%d %H:%M}, saved; only its segmentation was not finished, {size}"
    done = "1 step" if left.steps == 1 else f"{left.steps} steps"
    parts = [f"{when:%Y-%m-%d %H:%M}", done, f"{max(1, round(left.bytes / 1e6))} MB on disk"]
    if left.segmentation:
        parts.insert(2, "an unfinished segmentation")
    return ", ".join(parts)
