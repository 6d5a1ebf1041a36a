"""Changes of labels that can be undone, however many slices they span.

A change is kept as the exclusive or (XOR) of the voxels before and after it, compressed. Applying it
once more takes it back, applying it again makes it anew, and the order of the patches does not matter:
that is why a stroke may simply add one small patch per movement of the pointer.
"""

from __future__ import annotations

import math
import zlib
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.edit_kind import EditKind, Target, edit_title
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box
from sxtstudio.core.trust import Trust
from sxtstudio.core.wording import count, slice_number

Labels = NDArray[np.uint8]

# Fast compression: labels are mostly zeros, and a brush must follow the pointer.
_LEVEL = 1
# What a patch needs besides its data, about.
_PATCH_BYTES = 600
# The many small patches of a stroke become one where the box around them is no larger than this.
_JOINED_VOXELS = 8_000_000


class NotAsItWas(UserError):
    """The labels are others than an edit of an earlier session has left; it cannot be taken back."""


class AnyPatch(Protocol):
    """A patch in memory or in a file; ``size`` is that of its packed data in bytes."""

    @property
    def box(self) -> Box:
        """What it covers."""

    @property
    def size(self) -> int:
        """Bytes of its packed data."""

    def loaded(self) -> Patch:
        """Return it with its data."""


@dataclass(frozen=True)
class Patch:
    """What changed within ``box``: the compressed XOR of its uint8 voxels before and after.

    ``crc`` is the CRC-32 of the voxels of the box after it was made, 0 where nobody asks for it.
    """

    box: Box
    data: bytes
    crc: int = 0

    @classmethod
    def of(cls, box: Box, changed: Labels, after: Labels | None = None) -> Patch:
        """Pack the XOR of the voxels of ``box``, which are ``after`` now."""
        crc = 0 if after is None else checksum(after)
        return cls(box, zlib.compress(changed.tobytes(), _LEVEL), crc)

    @property
    def size(self) -> int:
        """Bytes of its packed data."""
        return len(self.data)

    def loaded(self) -> Patch:
        """Return itself."""
        return self

    def unpack(self) -> Labels:
        """Return the XOR of the voxels of the box; ValueError if the data hold anything else."""
        voxels = math.prod(self.box.shape)
        unpacking = zlib.decompressobj()
        try:
            data = unpacking.decompress(self.data, voxels + 1)
        except zlib.error as error:
            raise ValueError(f"a damaged patch ({error})") from error
        if len(data) != voxels or not unpacking.eof:
            raise ValueError("a patch of another size")
        return np.frombuffer(data, np.uint8).reshape(self.box.shape)

    def apply(self, labels: Labels) -> int:
        """Change ``labels`` (z, y, x), or change them back; return how many label voxels there are more."""
        part = labels[self.box.slices]
        before = int(np.count_nonzero(part))
        part ^= self.unpack()
        return int(np.count_nonzero(part)) - before


@dataclass(frozen=True)
class LabelEdit:
    """One step for *Undo*: what it is, what it changed, and in which volume.

    ``target`` is the name of the volume: "labels" or "mask". ``partial``: it was ended half-way. ``gained``
    is how many label voxels there were more after it was made, ``trust`` how sure the network was of the
    labels of each slice before and after, where that changed with them. ``earlier``: it was made in an
    earlier session, so that the labels may be others than it left.
    """

    kind: EditKind
    patches: tuple[AnyPatch, ...]
    target: Target = "labels"
    gained: int = 0
    partial: bool = False
    trust: tuple[Trust, Trust] | None = None
    earlier: bool = False

    @property
    def name(self) -> str:
        """How the menu calls it."""
        return edit_title(self.kind, self.target, partial=self.partial)

    @property
    def summary(self) -> str:
        """What it is, where, and how many voxels it brought or took: "Brush, slice 12, +340 voxels"."""
        box = self.box
        where = "" if box is None else f", {_slices(box)}"
        gained = (
            f", {'+' if self.gained > 0 else '−'}{count(abs(self.gained), 'voxel')}" if self.gained else ""
        )
        return f"{self.name}{where}{gained}"

    @property
    def bytes(self) -> int:
        """Memory that the edit needs, about."""
        return sum(patch.size + _PATCH_BYTES for patch in self.patches)

    @property
    def voxels(self) -> int:
        """How many voxels must be gone through to take it back."""
        return sum(math.prod(patch.box.shape) for patch in self.patches)

    @property
    def box(self) -> Box | None:
        """The smallest box around all changes, or None if nothing changed."""
        return bounding_box(patch.box for patch in self.patches)

    def toggle(self, labels: Labels) -> int:
        """Take the edit back, or make it again if it was taken back; entirely, or (error) not at all.

        Returns
        -------
        int
            How many label voxels there are more.
        """
        return self._apply(self.patches, labels)

    def take_back(self, labels: Labels) -> int:
        """Take the edit back as ``toggle`` does; one of an earlier session only if the labels are as it left.

        Raises
        ------
        NotAsItWas
            If they are not. Nothing is changed then.
        """
        if not self.earlier:
            return self.toggle(labels)
        try:
            # In this order each patch finds the voxels as it has left them, also where patches overlap.
            return self._apply(reversed(self.patches), labels, check=True)
        except ValueError as error:
            raise NotAsItWas(self._why_not(error)) from error

    def loaded(self) -> LabelEdit:
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

    def _why_not(self, error: Exception) -> str:
        return (
            f"“{self.name}” of an earlier session cannot be taken back, nor what was done before it: "
            f"{error}. The labels stay as they are."
        )

    @staticmethod
    def _apply(patches: Iterable[AnyPatch], labels: Labels, *, check: bool = False) -> int:
        applied: list[Patch] = []
        gained = 0
        try:
            for patch in map(_in_memory, patches):
                if check and checksum(labels[patch.box.slices]) != patch.crc:
                    raise ValueError("the labels have been changed since by something else")
                gained += patch.apply(labels)
                applied.append(patch)
        except BaseException:
            for patch in reversed(applied):
                patch.apply(labels)
            raise
        return gained


class Journal(Protocol):
    """Hears of each patch before its voxels are changed, so that a crash half-way can be taken back."""

    def add(self, patch: Patch, before: Labels) -> None:
        """Write down a patch, and the voxels of its box (z, y, x) as they are before it."""

    def end(self, *, kept: bool, partial: bool = False) -> None:
        """Say that the edit is over: handed on, or nothing of it is left."""


class Recorder:
    """Writes into labels and remembers what was there; ``finish`` returns the edit.

    ``partial`` may be set when it ends half-way and is to be kept.
    """

    def __init__(
        self, kind: EditKind, labels: Labels, target: Target = "labels", journal: Journal | None = None
    ) -> None:
        """Begin an edit of ``labels`` (z, y, x), uint8."""
        self.kind = kind
        self.labels = labels
        self.target: Target = target
        self.partial = False
        self._journal = journal
        self._patches: list[Patch] = []
        self._gained = 0

    def write(self, box: Box, values: NDArray[np.uint8]) -> Box | None:
        """Replace the voxels of ``box``; return the part of it that really changed, or None."""
        part = self.labels[box.slices]
        changed = np.bitwise_xor(part, values)
        inner = _nonzero_box(changed)
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
        return moved

    def paint(self, box: Box, where: NDArray[np.bool_], value: int) -> Box | None:
        """Give the voxels ``where`` (of the shape of ``box``) the label ``value``; return what changed."""
        return self.write(box, np.where(where, np.uint8(value), self.labels[box.slices]))

    @property
    def box(self) -> Box | None:
        """The smallest box around all changes so far."""
        return bounding_box(patch.box for patch in self._patches)

    def finish(self) -> LabelEdit | None:
        """Return the edit, or None if nothing changed."""
        patches = _joined(self._patches, self.labels)
        if self._journal is not None:
            self._journal.end(kept=bool(patches), partial=self.partial)
        return LabelEdit(self.kind, patches, self.target, self._gained, self.partial) if patches else None

    def roll_back(self) -> None:
        """Take back all that was written."""
        while self._patches:
            self._gained += self._patches[-1].apply(self.labels)
            self._patches.pop()
        if self._journal is not None:
            self._journal.end(kept=False)


class Volumes(Protocol):
    """Whose volumes are edited, and who counts their label voxels."""

    def volume(self, target: Target) -> Labels:
        """Return the volume (z, y, x), uint8, of that name."""

    def gain(self, target: Target, voxels: int) -> None:
        """Take note that it has so many label voxels more."""


class Keeper(Protocol):
    """Keeps on disk what a history could take back; it hears of everything that changes that list."""

    def add(self, edit: LabelEdit) -> None:
        """Take an edit that was made, or made again."""

    def replace_latest(self, edit: LabelEdit) -> None:
        """Take the latest one as it is now."""

    def drop_latest(self) -> None:
        """Forget the latest one, which was taken back."""

    def drop_oldest(self) -> None:
        """Forget the oldest one."""

    def clear(self) -> None:
        """Forget all."""


class EditHistory:
    """Undo and redo without limit of count; the oldest edits go when all together exceed the budget.

    What could be taken back is also handed to a ``Keeper``, where there is one.
    """

    def __init__(self, budget_bytes: int = 512 << 20) -> None:
        """Begin an empty history."""
        self.budget_bytes = budget_bytes
        self._keeper: Keeper | None = None
        self._done: deque[LabelEdit] = deque()
        self._undone: list[LabelEdit] = []
        self._bytes = 0

    def begin(self, keeper: Keeper | None = None, kept: Iterable[LabelEdit] = ()) -> None:
        """Begin anew with what ``keeper`` has kept of earlier sessions, the oldest first."""
        self._keeper = keeper
        self._undone.clear()
        self._done = deque(kept)
        self._bytes = sum(edit.bytes for edit in self._done)
        self._keep_to_budget()

    def push(self, edit: LabelEdit) -> None:
        """Add an edit that has been made; what was undone can no longer be made again."""
        self._bytes -= sum(undone.bytes for undone in self._undone)
        self._undone.clear()
        self._done.append(edit)
        self._bytes += edit.bytes
        if self._keeper is not None:
            self._keeper.add(edit)
        self._keep_to_budget()

    def _keep_to_budget(self) -> None:
        """Forget the oldest; the newest edit can always be taken back, whatever its size."""
        while self._bytes > self.budget_bytes and len(self._done) > 1:
            self._bytes -= self._done.popleft().bytes
            if self._keeper is not None:
                self._keeper.drop_oldest()

    def amend(self, edit: LabelEdit, *, trust: tuple[Trust, Trust]) -> None:
        """Have figures of trust go and come with the latest edit, which was just pushed."""
        if self._done and self._done[-1] is edit:
            self._done[-1] = replace(edit, trust=trust)
            if self._keeper is not None:
                self._keeper.replace_latest(self._done[-1])

    def undo(self, volumes: Volumes) -> LabelEdit | None:
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
            gained = edit.take_back(volumes.volume(edit.target))
        except NotAsItWas:
            self.clear()
            raise
        volumes.gain(edit.target, gained)
        self._done.pop()
        self._undone.append(edit)
        if self._keeper is not None:
            self._keeper.drop_latest()
        return edit

    def redo(self, volumes: Volumes) -> LabelEdit | None:
        """Make the latest undone edit again; return it, or None if there is none."""
        if not self._undone:
            return None
        edit = self._undone[-1]
        volumes.gain(edit.target, edit.toggle(volumes.volume(edit.target)))
        self._done.append(self._undone.pop())
        if self._keeper is not None:
            self._keeper.add(edit)
        return edit

    def clear(self) -> None:
        """Forget everything."""
        self._done.clear()
        self._undone.clear()
        self._bytes = 0
        if self._keeper is not None:
            self._keeper.clear()

    @property
    def done(self) -> tuple[LabelEdit, ...]:
        """What can be taken back, the oldest first."""
        return tuple(self._done)

    @property
    def undone(self) -> tuple[LabelEdit, ...]:
        """What can be made again, in the order in which it would be."""
        return tuple(reversed(self._undone))

    @property
    def next_undo(self) -> LabelEdit | None:
        """What *Undo* would take back."""
        return self._done[-1] if self._done else None

    @property
    def next_redo(self) -> LabelEdit | None:
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


def checksum(voxels: Labels) -> int:
    """Return the CRC-32 of voxels, z slowest."""
    return zlib.crc32(np.ascontiguousarray(voxels).data)


def _in_memory(patch: AnyPatch) -> Patch:
    return patch.loaded()


def _slices(box: Box) -> str:
    first, last = slice_number(box.start[0]), box.stop[0]
    return f"slice {first}" if first == last else f"slices {first} to {last}"


def bounding_box(boxes: Iterable[Box]) -> Box | None:
    """Return the smallest box that holds all ``boxes``, or None if there are none."""
    found = list(boxes)
    if not found:
        return None
    z, y, x = (min(box.start[axis] for box in found) for axis in range(3))
    z_stop, y_stop, x_stop = (max(box.stop[axis] for box in found) for axis in range(3))
    return Box((z, y, x), (z_stop, y_stop, x_stop))


def _joined(patches: list[Patch], labels: Labels) -> tuple[Patch, ...]:
    """Make one patch of many small ones; none where they cancel each other out."""
    box = bounding_box(patch.box for patch in patches)
    if box is None or len(patches) == 1 or int(np.prod(box.shape)) > _JOINED_VOXELS:
        return tuple(patches)
    total = np.zeros(box.shape, np.uint8)
    for patch in patches:
        total[patch.box.relative_to(box).slices] ^= patch.unpack()
    return (Patch.of(box, total, labels[box.slices]),) if total.any() else ()


def _nonzero_box(changed: NDArray[np.uint8]) -> Box | None:
    """Return the smallest box around what is not 0."""
    if not changed.any():
        return None
    ranges = []
    for axis in range(3):
        others = tuple(other for other in range(3) if other != axis)
        hit = np.flatnonzero(changed.any(axis=others))
        ranges.append((int(hit[0]), int(hit[-1]) + 1))
    (z, z_stop), (y, y_stop), (x, x_stop) = ranges
    return Box((z, y, x), (z_stop, y_stop, x_stop))
