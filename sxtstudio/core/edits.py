"""Changes of labels, cell mask, objects and marks that can be undone.

A change is kept as patches (``core/patches.py``) and, where it is of objects, as rows of their table. What
is done in an evaluation beside its marks is a change without patches.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.classes.queue import questions
from sxtstudio.core.edit_kind import EditKind, Target, dtype_of, edit_title, in_evaluation
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box
from sxtstudio.core.object_table import ObjectRow, ObjectTable, TableChange
from sxtstudio.core.patches import AnyPatch, OnWrite, Patch, Voxels, bounding_box, checksum, nonzero_box
from sxtstudio.core.trust import Trust
from sxtstudio.core.wording import count, slices_words

if TYPE_CHECKING:
    from sxtstudio.core.evaluation.judgement import JudgementChange

# What a patch and a row need besides their data, about.
_PATCH_BYTES = 600
_ROW_BYTES = 200
# Going through a patch, or changing a row of the table, takes as long as so many bytes of voxels.
_PATCH_EFFORT_BYTES = 40_000
_ROW_EFFORT_BYTES = 1_000
_ROWS_WRITTEN_FIRST = 3000
# The many small patches of a stroke become one where the box around them is no larger than this.
_JOINED_BYTES = 8_000_000
# Done to chosen objects, in the table alone.
_ONE_BY_ONE = {EditKind.CLASS: "Class", EditKind.CHECKED: "Check", EditKind.NOTE: "Note"}
_WORDS: dict[Target, str] = {
    "labels": "The labels stay",
    "mask": "The mask stays",
    "objects": "The objects stay",
    "marks": "The marks stay",
}


class NotAsItWas(UserError):
    """The voxels or the table are others than an edit of an earlier session left; it cannot be taken back."""


@dataclass(frozen=True)
class Edit:
    """One step for *Undo*: what it is, what it changed, and in which volume.

    ``target`` is the name of the volume: "labels", "mask", "objects" or "marks". ``partial``: it was ended
    half-way.
    ``gained`` is how many voxels more were not 0 after it was made, ``trust`` how sure the network was of the
    labels of each slice before and after, where that changed with them. ``earlier``: it was made in an
    earlier session, so that the labels may be others than it left. ``rows`` is what it changed in the table
    of the objects; there may be no patches then. ``numbers`` are the objects that it changed, if it is about
    single ones; they are known once it was taken back or made again. ``judged`` is what was done to the
    evaluation beside its marks; who takes it back has the evaluation follow.
    """

    kind: EditKind
    patches: tuple[AnyPatch, ...]
    target: Target = "labels"
    gained: int = 0
    partial: bool = False
    trust: tuple[Trust, Trust] | None = None
    earlier: bool = False
    rows: TableChange | None = None
    numbers: frozenset[int] = frozenset()
    judged: JudgementChange | None = None

    @property
    def name(self) -> str:
        """How the menu calls it."""
        if self.judged is not None:
            return self.judged.title
        return edit_title(self.kind, self.target, partial=self.partial)

    @property
    def of_evaluation(self) -> bool:
        """Whether it belongs to the history of the evaluation, and not to that of all other work."""
        return in_evaluation(self.target)

    @property
    def summary(self) -> str:
        """What it is, where, and how many voxels it brought or took: "Brush, slice 12, +340 voxels".

        Where only the table of the objects changed: of which of them, as "Class of object 12: Vesicle".
        """
        box = self.box
        if box is None and self.rows is not None and self.kind in _ONE_BY_ONE:
            return _rows_text(self.kind, self.rows.after)
        where = "" if box is None else f", {_slices(box)}"
        if box is None and self.rows is not None and self.rows.after:
            where = f", {count(len(self.rows.after), 'object')}"
        gained = (
            f", {'+' if self.gained > 0 else '−'}{count(abs(self.gained), 'voxel')}" if self.gained else ""
        )
        return f"{self.name}{where}{gained}"

    @property
    def bytes(self) -> int:
        """Memory that the edit needs, about."""
        rows = 0 if self.rows is None else len(self.rows.after)
        rows += 0 if self.judged is None else sum(map(len, self.judged.slices)) + 2 * len(self.judged.after)
        return sum(patch.size + _PATCH_BYTES for patch in self.patches) + rows * _ROW_BYTES

    @property
    def effort_bytes(self) -> int:
        """What it takes to take it back, as bytes of voxels that are gone through in the same time."""
        voxels = sum(math.prod(patch.box.shape) for patch in self.patches)
        rows = 0 if self.rows is None else len(self.rows.after)
        return (
            voxels * dtype_of(self.target).itemsize
            + len(self.patches) * _PATCH_EFFORT_BYTES
            + rows * _ROW_EFFORT_BYTES
        )

    @property
    def box(self) -> Box | None:
        """The smallest box around all changes, or None if nothing changed."""
        return bounding_box(patch.box for patch in self.patches)

    @property
    def written_first(self) -> bool:
        """Whether it is written down before it is made, for a crash half-way.

        Rows of thousands of objects alone are not: rules and classifiers give them, and the window would
        stand still for a moment. A crash in that moment costs the undo, and no row.
        """
        return bool(self.patches) or (self.rows is not None and len(self.rows.after) <= _ROWS_WRITTEN_FIRST)

    def toggle(self, volume: Voxels, on_write: OnWrite | None = None, journal: Journal | None = None) -> int:
        """Take the edit back, or make it again if it was taken back; entirely, or (error) not at all.

        ``on_write`` hears of each box that was changed, or changed back; ``journal`` of each patch before
        it is applied, and of the end where that is an error.

        Returns
        -------
        int
            How many voxels more are not 0.
        """
        return self._apply(self.patches, volume, on_write, journal)

    def take_back(
        self, volume: Voxels, on_write: OnWrite | None = None, journal: Journal | None = None
    ) -> int:
        """Take the edit back as ``toggle`` does; one of an earlier session only if the labels are as it left.

        Raises
        ------
        NotAsItWas
            If they are not. Nothing is changed then.
        """
        if not self.earlier:
            return self.toggle(volume, on_write, journal)
        try:
            # In this order each patch finds the voxels as it has left them, also where patches overlap.
            return self._apply(reversed(self.patches), volume, on_write, journal, check=True)
        except ValueError as error:
            raise NotAsItWas(self._why_not(error)) from error

    def check_rows(self, table: ObjectTable) -> None:
        """Raise NotAsItWas where it is of an earlier session, and the table is not as it left it."""
        rows = self.rows if self.earlier else None
        if rows is not None and any(table.rows.get(number) != row for number, row in rows.after.items()):
            raise NotAsItWas(self._why_not("the table of the objects has been changed since"))

    def loaded(self) -> Edit:
        """Return it with all its data in memory.

        Raises
        ------
        NotAsItWas
            If its file is gone or damaged.
        """
        if not self.earlier:
            return self
        try:
            return replace(self, patches=tuple(patch.loaded() for patch in self.patches))
        except (OSError, ValueError) as error:
            raise NotAsItWas(self._why_not(error)) from error

    def _why_not(self, error: object) -> str:
        return (
            f"“{self.name}” of an earlier session cannot be taken back, nor what was done before it: "
            f"{error}. {_WORDS[self.target]} as {'it is' if self.target == 'mask' else 'they are'}."
        )

    @staticmethod
    def _apply(
        patches: Iterable[AnyPatch],
        volume: Voxels,
        on_write: OnWrite | None,
        journal: Journal | None,
        *,
        check: bool = False,
    ) -> int:
        applied: list[Patch] = []
        gained = 0
        try:
            for patch in map(_in_memory, patches):
                if check and checksum(volume[patch.box.slices]) != patch.crc:
                    raise ValueError("the voxels have been changed since by something else")
                if journal is not None:
                    journal.add(patch, volume[patch.box.slices])
                gained += patch.apply(volume, on_write)
                applied.append(patch)
        except BaseException:
            for patch in reversed(applied):
                patch.apply(volume, on_write)
            if journal is not None:
                journal.end(kept=False)
            raise
        return gained


def _rows_text(kind: EditKind, rows: Mapping[int, ObjectRow | None]) -> str:
    """Return what was changed of which objects."""
    which = f"object {next(iter(rows))}" if len(rows) == 1 else count(len(rows), "object")
    text = f"{_ONE_BY_ONE[kind]} of {which}"
    names = {"" if row is None else row.class_name for row in rows.values()}
    if kind is EditKind.CHECKED:
        if questions(ObjectTable({number: row for number, row in rows.items() if row is not None})):
            return f"{text} taken back"  # it is to be checked again
        return f"{text}: {name}" if len(names) == 1 and (name := names.pop()) else text
    if kind is not EditKind.CLASS or len(names) != 1:
        return text
    return f"{text}: {names.pop() or 'none'}"


class Journal(Protocol):
    """Hears of each patch before its voxels are changed, so that a crash half-way can be taken back."""

    def add(self, patch: Patch, before: Voxels) -> None:
        """Write down a patch, and the voxels of its box (z, y, x) as they are before it."""

    def end(self, *, kept: bool, partial: bool = False, rows: TableChange | None = None) -> None:
        """Say that the edit is over: handed on, with what it changes in the table, or nothing is left."""


class Recorder:
    """Writes into labels, mask or objects and remembers what was there; ``finish`` returns the edit.

    ``partial`` may be set when it ends half-way and is to be kept, ``rows`` to what changes in the table of
    the objects with it.
    """

    def __init__(
        self,
        kind: EditKind,
        labels: Voxels,
        target: Target = "labels",
        journal: Journal | None = None,
        on_write: OnWrite | None = None,
    ) -> None:
        """Begin an edit of ``labels`` (z, y, x), uint8, or objects, uint32.

        ``on_write`` hears of each box that was changed, or changed back.
        """
        self.kind = kind
        self.labels = labels
        self.target: Target = target
        self.partial = False
        self.rows: TableChange | None = None
        self._journal = journal
        self._on_write = on_write
        self._patches: list[Patch] = []
        self._gained = 0
        self._ended = False
        self._edit: Edit | None = None

    @property
    def ended(self) -> bool:
        """Whether ``finish`` was called."""
        return self._ended

    def write(self, box: Box, values: Voxels) -> Box | None:
        """Replace the voxels of ``box``; return the part of it that really changed, or None."""
        part = self.labels[box.slices]
        changed = np.bitwise_xor(part, values)
        inner = nonzero_box(changed)
        if inner is None:
            return None
        cut = np.ascontiguousarray(changed[inner.slices])
        moved = Box(
            (box.start[0] + inner.start[0], box.start[1] + inner.start[1], box.start[2] + inner.start[2]),
            (box.start[0] + inner.stop[0], box.start[1] + inner.stop[1], box.start[2] + inner.stop[2]),
        )
        inside = self.labels[moved.slices]
        before = int(np.count_nonzero(inside))
        # Packed first: what cannot be remembered is not changed.
        patch = Patch.of(moved, cut, np.bitwise_xor(inside, cut))
        if self._journal is not None:
            self._journal.add(patch, inside)
        inside ^= cut
        self._gained += int(np.count_nonzero(inside)) - before
        self._patches.append(patch)
        if self._on_write is not None:
            self._on_write(moved, cut)
        return moved

    def paint(self, box: Box, where: NDArray[np.bool_], value: int) -> Box | None:
        """Give the voxels ``where`` (of the shape of ``box``) the value ``value``; return what changed."""
        new = self.labels.dtype.type(value)
        return self.write(box, np.where(where, new, self.labels[box.slices]))

    @property
    def box(self) -> Box | None:
        """The smallest box around all changes so far."""
        return bounding_box(patch.box for patch in self._patches)

    def finish(self) -> Edit | None:
        """Return the edit, or None if nothing changed; a job calls it before it ends."""
        if not self._ended:
            self._edit = self._finished()
            self._ended = True
        return self._edit

    def _finished(self) -> Edit | None:
        patches = _joined(self._patches, self.labels)
        rows = self.rows if self.rows is not None and self.rows.changes else None
        if self._journal is not None:
            self._journal.end(kept=bool(patches), partial=self.partial, rows=rows)
        if not patches and rows is None:
            return None
        return Edit(self.kind, patches, self.target, self._gained, self.partial, rows=rows)

    def roll_back(self) -> None:
        """Take back all that was written."""
        self.rows = None
        while self._patches:
            patch = self._patches[-1]
            self._gained += patch.apply(self.labels, self._on_write)
            self._patches.pop()
        if self._journal is not None:
            self._journal.end(kept=False)


def _in_memory(patch: AnyPatch) -> Patch:
    return patch.loaded()


def _slices(box: Box) -> str:
    return slices_words(box.start[0], box.stop[0])


def _joined(patches: list[Patch], labels: Voxels) -> tuple[Patch, ...]:
    """Make one patch of many small ones; none where they cancel each other out."""
    box = bounding_box(patch.box for patch in patches)
    if box is None or len(patches) == 1 or math.prod(box.shape) * labels.itemsize > _JOINED_BYTES:
        return tuple(patches)
    total = np.zeros(box.shape, labels.dtype)
    for patch in patches:
        total[patch.box.relative_to(box).slices] ^= patch.unpack()
    return (Patch.of(box, total, labels[box.slices]),) if total.any() else ()
