"""A document with its history, as the window has them: edits, crashes, saving."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.edits import Edit, Recorder
from sxtstudio.core.geometry import Box
from sxtstudio.core.history import EditHistory
from sxtstudio.core.object_table import Decided, ObjectFlag, ObjectRow
from sxtstudio.workflow.document.document import Document
from sxtstudio.workflow.document.project import Saved, adopt, save, snapshot
from sxtstudio.workflow.document.recovered import recover

ROW = ObjectRow("Vesicle", Decided.HAND, notes="mine", flags=frozenset({ObjectFlag.BORDER}))


class Window:
    """What tests do in place of a user."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.history = EditHistory()
        self.history.begin(document.undo, document.kept_edits)

    def finish(self, edit: Edit | None) -> None:
        """Have an edit in the history, and on disk."""
        assert edit is not None
        if edit.rows is not None:
            self.document.change_table(edit.rows)
        self.history.push(edit)
        self.document.gain(edit.target, edit.gained)
        self.document.modified = True
        self.document.autosave(wait=True)

    def stroke(self, row: int) -> np.ndarray:
        """Label a row of slice 2; return the labels as they were."""
        labels = self.document.volume("labels")
        before = np.array(labels)
        recorder = Recorder(EditKind.BRUSH, labels)
        box = Box((2, row, 5), (3, row + 1, 30))
        recorder.write(box, np.full(box.shape, 255, np.uint8))
        self.finish(recorder.finish())
        return before

    def undo(self) -> np.ndarray:
        """Take an edit back; return the labels."""
        assert self.history.undo(self.document) is not None
        return np.array(self.document.array("labels"))

    def draw(self, number: int, box: Box, row: ObjectRow = ROW) -> None:
        """Make a block an object."""
        self.finish(self.drawing(number, box, row).finish())

    def drawing(self, number: int, box: Box, row: ObjectRow = ROW) -> Recorder:
        """Begin to."""
        recorder = self.document.recorder(EditKind.NEW_OBJECT, "objects", {})
        recorder.write(box, np.full(box.shape, number, np.uint32))
        recorder.rows = self.document.object_table.change({number: row})
        return recorder

    def change(self, rows: dict[int, ObjectRow | None]) -> None:
        """Change the table alone."""
        change = self.document.object_table.change(rows)
        self.finish(Edit(EditKind.CLASS, (), "objects", rows=change))

    def crash(self, *, wait: bool = True) -> Window:
        """What is in the files is there; nothing is tidied up."""
        if wait:
            self.document.undo.wait()
        self.document.let_go()
        return Window(recover(self.document.folder))

    def keep(self, folder: Path) -> Saved:
        """Save the project."""
        saved = save(snapshot(self.document), folder)
        adopt(self.document, saved)
        return saved

    def close(self) -> None:
        """Leave nothing behind."""
        self.document.discard()
        self.document.close()
