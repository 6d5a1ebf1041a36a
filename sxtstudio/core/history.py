"""Undo and redo: what was done and can be taken back, however many slices it spans."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import replace
from typing import Protocol

import numpy as np

from sxtstudio.core.edit_kind import EditKind, Target
from sxtstudio.core.edits import Edit, Journal, NotAsItWas
from sxtstudio.core.geometry import Box
from sxtstudio.core.object_table import ObjectTable, TableChange
from sxtstudio.core.patches import OnWrite, Voxels
from sxtstudio.core.trust import Trust


class Volumes(Protocol):
    """Whose volumes and table are edited, and who counts their voxels."""

    @property
    def object_table(self) -> ObjectTable:
        """What is known of the objects."""

    def volume(self, target: Target) -> Voxels:
        """Return the volume (z, y, x) of that name, of its type."""

    def listener(self, kind: EditKind, target: Target) -> OnWrite | None:
        """Return what hears of each box while an edit is taken back or made again; None: nothing."""

    def moved(self, edit: Edit, gained: int) -> None:
        """Take note that an edit was taken back or made again, and left so many voxels more."""

    def change_table(self, change: TableChange) -> None:
        """Change the table of the objects."""


class Keeper(Protocol):
    """Keeps on disk what histories could take back; it hears of everything that changes those lists.

    It knows by the volume of an edit to which history it belongs (``Edit.of_evaluation``).
    """

    def add(self, edit: Edit) -> None:
        """Take an edit that was made, or made again."""

    def taking_back(self, edit: Edit) -> Journal:
        """Return what hears of it while the latest one is taken back, for a crash half-way."""

    def making_again(self, edit: Edit) -> Journal:
        """Return what hears of it while one is made again, for a crash half-way."""

    def replace_latest(self, edit: Edit) -> None:
        """Take the latest one as it is now."""

    def drop_latest(self, edit: Edit) -> None:
        """Forget the latest one of its history, which was taken back."""

    def drop_oldest(self, edit: Edit) -> None:
        """Forget the oldest one of its history."""


class EditHistory:
    """Undo and redo without limit of count; the oldest edits go when all together exceed the budget.

    What could be taken back is also handed to a ``Keeper``, where there is one.
    """

    def __init__(self, budget_bytes: int = 512 << 20) -> None:
        """Begin an empty history."""
        self.budget_bytes = budget_bytes
        self._keeper: Keeper | None = None
        self._done: deque[Edit] = deque()
        self._undone: list[Edit] = []
        self._bytes = 0
        self._position = 0

    def begin(self, keeper: Keeper | None = None, kept: Iterable[Edit] = ()) -> None:
        """Begin anew with what ``keeper`` has kept of earlier sessions, the oldest first."""
        self._keeper = keeper
        self._position = 0
        self._undone.clear()
        self._done = deque(kept)
        self._bytes = sum(edit.bytes for edit in self._done)
        self._keep_to_budget()

    def push(self, edit: Edit) -> None:
        """Add an edit that has been made; what was undone can no longer be made again."""
        self._bytes -= sum(undone.bytes for undone in self._undone)
        self._undone.clear()
        self._done.append(edit)
        self._position += 1
        self._bytes += edit.bytes
        if self._keeper is not None:
            self._keeper.add(edit)
        self._keep_to_budget()

    def _keep_to_budget(self) -> None:
        """Forget the oldest; the newest edit can always be taken back, whatever its size."""
        while self._bytes > self.budget_bytes and len(self._done) > 1:
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        edit = self._done.popleft()
        self._bytes -= edit.bytes
        if self._keeper is not None:
            self._keeper.drop_oldest(edit)

    def amend(self, edit: Edit, *, trust: tuple[Trust, Trust]) -> None:
        """Have figures of trust go and come with the latest edit, which was just pushed."""
        if self._done and self._done[-1] is edit:
            self._done[-1] = replace(edit, trust=trust)
            if self._keeper is not None:
                self._keeper.replace_latest(self._done[-1])

    def undo(self, volumes: Volumes) -> Edit | None:
        """Take the latest edit back in its volume; return it, or None if there is none.

        Raises
        ------
        NotAsItWas
            If it is of an earlier session and the labels are not as it left them. All that was kept of
            earlier sessions is forgotten then.
        """
        if not self._done:
            return None
        edit = self._done[-1]
        try:
            edit = edit.loaded()  # its file goes, and redo needs it
            edit.check_rows(volumes.object_table)
            keeper = self._keeper if edit.written_first else None
            journal = None if keeper is None else keeper.taking_back(edit)
            if edit.patches:
                heard, numbers = _heard(edit, volumes)
                gained = edit.take_back(volumes.volume(edit.target), heard, journal)
                edit = _with_numbers(edit, numbers)
            if journal is not None:
                journal.end(kept=True, rows=None if edit.rows is None else edit.rows.reversed())
            if edit.patches:
                volumes.moved(edit, gained)
        except NotAsItWas:
            self.clear()
            raise
        if edit.rows is not None:
            volumes.change_table(edit.rows.reversed())
        self._done.pop()
        self._position -= 1
        self._undone.append(edit)
        if self._keeper is not None:
            self._keeper.drop_latest(edit)
        return edit

    def redo(self, volumes: Volumes) -> Edit | None:
        """Make the latest undone edit again; return it, or None if there is none."""
        if not self._undone:
            return None
        edit = self._undone[-1]
        keeper = self._keeper if edit.written_first else None
        journal = None if keeper is None else keeper.making_again(edit)
        if edit.patches:
            heard, numbers = _heard(edit, volumes)
            gained = edit.toggle(volumes.volume(edit.target), heard, journal)
            edit = _with_numbers(edit, numbers)
        if journal is not None:
            journal.end(kept=True, partial=edit.partial, rows=edit.rows)
        if edit.patches:
            volumes.moved(edit, gained)
        if edit.rows is not None:
            volumes.change_table(edit.rows)
        self._undone.pop()
        self._done.append(edit)
        self._position += 1
        if self._keeper is not None:
            self._keeper.add(edit)
        return edit

    def clear(self) -> None:
        """Forget everything."""
        while self._done:
            self._drop_oldest()
        self._undone.clear()
        self._bytes = 0

    @property
    def done(self) -> tuple[Edit, ...]:
        """What can be taken back, the oldest first."""
        return tuple(self._done)

    @property
    def undone(self) -> tuple[Edit, ...]:
        """What can be made again, in the order in which it would be."""
        return tuple(reversed(self._undone))

    @property
    def position(self) -> int:
        """Edits made less edits taken back since the beginning, also where the oldest are forgotten.

        What was true at a position no longer is once there is a lower one.
        """
        return self._position

    @property
    def next_undo(self) -> Edit | None:
        """What *Undo* would take back."""
        return self._done[-1] if self._done else None

    @property
    def next_redo(self) -> Edit | None:
        """What *Redo* would make again."""
        return self._undone[-1] if self._undone else None

    @property
    def undo_name(self) -> str | None:
        """Name of what *Undo* would take back."""
        return None if self.next_undo is None else self.next_undo.name

    @property
    def redo_name(self) -> str | None:
        """Name of what *Redo* would make again."""
        return None if self.next_redo is None else self.next_redo.name

    @property
    def bytes(self) -> int:
        """Memory of all edits, about."""
        return self._bytes

    def __len__(self) -> int:
        """Return how many edits can be undone."""
        return len(self._done)


def _heard(edit: Edit, volumes: Volumes) -> tuple[OnWrite | None, set[int]]:
    """Return what hears of each box of an edit that goes back or forth, and the objects that it finds there.

    These are all whose voxels come or go, wherever only single objects are meant.
    """
    heard, numbers = volumes.listener(edit.kind, edit.target), set[int]()
    if edit.target != "objects" or not edit.kind.of_some_objects:
        return heard, numbers
    objects = volumes.volume(edit.target)

    def on_write(box: Box, changed: Voxels) -> None:
        if heard is not None:
            heard(box, changed)
        where = changed != 0
        now = objects[box.slices][where]
        for found in (now, now ^ changed[where]):
            numbers.update(np.unique(found).tolist())

    return on_write, numbers


def _with_numbers(edit: Edit, numbers: set[int]) -> Edit:
    """Return an edit that knows which objects it changes; itself where it does not matter."""
    return replace(edit, numbers=frozenset(numbers - {0})) if numbers else edit
