"""What undo can take back, kept in the working folder: it is there after a crash and after reopening.

A file for each change (io/edit_file.py), numbered in their order, with a mark of the session that made it:
a project takes them over under the same names. They are written in a thread. Trouble, such as a full disk,
costs the undo of later sessions and nothing else.

What is being changed now is written down before it is changed (io/edit_journal.py), under the name that the
change will have: a crash half-way leaves a change that can be taken back, and below it those before it. What
is undone or redone is written down likewise: a crash half-way leaves what was there before.
"""

from __future__ import annotations

import secrets
import shutil
import threading
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from sxtstudio.core.edit_kind import EditKind, Target
from sxtstudio.core.edits import Edit
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Triple
from sxtstudio.core.logs import LOGGER
from sxtstudio.core.patches import Voxels
from sxtstudio.core.plain_files import is_own_folder
from sxtstudio.io.edit_file import (
    SPARE_BYTES,
    copy_edits,
    edit_files,
    edit_name,
    edit_number,
    newest_edits,
    read_edit,
    write_edit,
)
from sxtstudio.io.edit_journal import (
    EditJournal,
    JournalAction,
    UnfinishedEdit,
    edit_path,
    journal_path,
    journals,
    recover_journal,
    undo_journal_path,
)
from sxtstudio.workflow.jobs.report import plain


class UndoStore:
    """The changes of one document that can be taken back: the ``Keeper`` of its two ``EditHistory``.

    All are numbered in one order; which of the histories a change belongs to, its volume says.
    """

    def __init__(self, folder: Path) -> None:
        """Keep them in ``folder``, which is made when there are any."""
        self.folder = folder
        self._session = secrets.token_hex(4)
        self._number = 0
        self._names: dict[bool, list[str]] = {False: [], True: []}  # True: those of the evaluation
        self._lock = threading.Lock()
        self._waiting: deque[Callable[[], None]] = deque()
        self._thread: threading.Thread | None = None
        self._broken = False
        self.on_lost: Callable[[], None] | None = None  # called once, in a thread, when nothing is kept more

    # -- earlier sessions ------------------------------------------------------------------------

    def load(self, shape: Triple) -> list[Edit]:
        """Return what earlier sessions have left here, the oldest first; what cannot be used is removed.

        Where one is missing or damaged, those before it cannot be taken back either.
        """
        found: list[Edit] = []
        for path in reversed(self._on_disk()):
            try:
                found.append(read_edit(path, shape))
            except (OSError, ValueError, UserError) as error:
                LOGGER.warning("undo ends here: %s", error)
                break
            self._names_beside(found[-1]).insert(0, path.name)
        found.reverse()
        names = self.names
        for path in self._on_disk():
            if path.name not in names:
                with suppress(OSError):
                    path.unlink()
        self._number = max(map(edit_number, names), default=0)
        return found

    def _names_beside(self, edit: Edit) -> list[str]:
        """Return the names of the changes in the history of an edit, the oldest first."""
        return self._names[edit.of_evaluation]

    def recover(
        self,
        volume: Callable[[Target], Voxels | None],
        shape: Triple,
        made: Callable[[Edit], None],
    ) -> list[UnfinishedEdit]:
        """Make changes of what a crash ended half-way, for ``load``; return those, the oldest first.

        Parameters
        ----------
        volume
            Returns labels, mask or objects (z, y, x), of ``shape``, which are brought to what was written
            down last; None where they are not there.
        made
            Takes each such change that stands, and each undoing; the table may have what it made of that
            already.
        """
        found: list[UnfinishedEdit] = []
        with suppress(OSError):
            for path in journals(self.folder) if is_own_folder(self.folder) else ():
                edit = edit_path(path)
                try:
                    undoing = path == undo_journal_path(edit)
                    left = recover_journal(path, volume, shape) if undoing or not edit.exists() else None
                    if left is not None and left.edit is not None:
                        if undoing:
                            edit.unlink(missing_ok=True)
                        else:
                            write_edit(edit, left.edit)
                        made(left.edit)
                    if left is not None and left.interrupted:
                        found.append(left)
                except (OSError, ValueError, UserError) as error:
                    LOGGER.warning("what was being changed cannot be taken back: %s", error)
                with suppress(OSError):
                    path.unlink()
        return found

    def take_over(self, folder: Path, names: Iterable[str], most_bytes: int) -> None:
        """Copy changes from a folder of a project, the newest that fit into ``most_bytes``; not by a link."""
        if folder.is_symlink():
            return
        copy_edits(newest_edits(folder, names, most_bytes), folder, self.folder)

    def _on_disk(self) -> list[Path]:
        with suppress(OSError):
            if is_own_folder(self.folder):
                return edit_files(self.folder)
        return []

    # -- this session: what an EditHistory reports ------------------------------------------------

    def add(self, edit: Edit) -> None:
        """Write an edit, after those that were written before."""
        self._number += 1
        self._names_beside(edit).append(edit_name(self._number, self._session))
        self.replace_latest(edit)

    def journal(self, kind: EditKind, target: Target, parameters: dict[str, Any]) -> EditJournal:
        """Return where to write down a change before it is made; it is handed to ``add`` at its end.

        ``parameters`` are what stands of it in the record of steps.
        """
        return EditJournal(kind, target, self._next_journal, plain(parameters))

    def taking_back(self, edit: Edit) -> EditJournal:
        """Return where to write down that the latest edit is taken back; ``drop_latest`` ends it."""
        path = undo_journal_path(self.folder / self._names_beside(edit)[-1])
        return EditJournal(edit.kind, edit.target, lambda: path, {}, JournalAction.UNDONE)

    def making_again(self, edit: Edit) -> EditJournal:
        """Return where to write down that an edit is made again; it is handed to ``add`` at its end."""
        return EditJournal(edit.kind, edit.target, self._next_journal, {}, JournalAction.REDONE)

    def _next_journal(self) -> Path:
        return journal_path(self.folder / edit_name(self._number + 1, self._session))

    def replace_latest(self, edit: Edit) -> None:
        """Write the latest edit again."""
        path = self.folder / self._names_beside(edit)[-1]
        self._soon(lambda: self._write(path, edit))

    def drop_latest(self, edit: Edit) -> None:
        """Remove the latest edit of its history."""
        self._remove(self._names_beside(edit).pop())

    def drop_oldest(self, edit: Edit) -> None:
        """Remove the oldest edit of its history."""
        self._remove(self._names_beside(edit).pop(0))

    @property
    def names(self) -> tuple[str, ...]:
        """The names of their files, the oldest first; they are all there after ``wait``."""
        return tuple(sorted((*self._names[False], *self._names[True]), key=edit_number))

    def wait(self) -> None:
        """Block until everything is written."""
        with self._lock:
            thread = self._thread
        if thread is not None:
            thread.join()

    # -- the thread --------------------------------------------------------------------------------

    def _remove(self, name: str) -> None:
        path = self.folder / name

        def work() -> None:
            path.unlink(missing_ok=True)
            with suppress(OSError):  # on Windows while it is brought to the disk; without the edit it is idle
                undo_journal_path(path).unlink(missing_ok=True)

        self._soon(work)

    def _soon(self, work: Callable[[], None]) -> None:
        with self._lock:
            self._waiting.append(work)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="undo store", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._thread = None
                    return
                work = self._waiting.popleft()
            try:
                work()
            except Exception as error:  # undo in this session does not need the files
                LOGGER.warning("undo is not kept for later sessions: %s", error)
                self._give_up()

    def _write(self, path: Path, edit: Edit) -> None:
        if self._broken:
            return
        self.folder.mkdir(exist_ok=True)
        if shutil.disk_usage(self.folder).free < edit.bytes + SPARE_BYTES:
            raise OSError(f"there is no room in {self.folder}")
        write_edit(path, edit)
        with suppress(OSError):  # on Windows while it is brought to the disk; it says no more than the edit
            journal_path(path).unlink(missing_ok=True)

    def _give_up(self) -> None:
        """Keep nothing: with a gap in it, what was before could not be taken back."""
        first, self._broken = not self._broken, True
        for path in (*self._on_disk(), *journals(self.folder)):
            with suppress(OSError):
                path.unlink()
        if first and self.on_lost is not None:
            self.on_lost()
