"""What is open in a window: a tomogram, its labels and cell mask, and the record of what was done."""

from __future__ import annotations

import operator
import os
import threading
import time
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.edit_kind import TARGETS, Target, edit_title
from sxtstudio.core.edits import LabelEdit
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Triple
from sxtstudio.core.labels import count_labels
from sxtstudio.core.lock import FolderLock
from sxtstudio.core.polarity import Polarity
from sxtstudio.core.reserved import open_array
from sxtstudio.core.steps import Step, StepKind, effective
from sxtstudio.core.trust import Trust
from sxtstudio.core.volume import VoxelSize
from sxtstudio.core.wording import shape_text
from sxtstudio.io import FileVolume, open_volume
from sxtstudio.io.edit_journal import Unfinished
from sxtstudio.io.fingerprint import has_fingerprint
from sxtstudio.io.project import Pointer, Record
from sxtstudio.io.volume_name import moved_to
from sxtstudio.workflow.document import state as files
from sxtstudio.workflow.document.saver import Saver
from sxtstudio.workflow.document.undo_store import UndoStore
from sxtstudio.workflow.document.workplace import (
    create_array,
    flush_array,
    new_folder,
    place_for_voxels,
)
from sxtstudio.workflow.jobs.outputs import on_disk
from sxtstudio.workflow.jobs.report import plain
from sxtstudio.workflow.jobs.unchanged import KnownInput

Labels = NDArray[np.uint8]

# The value of a labelled voxel, as the segmentation writes it.
# After a crash of the program the voxels are safe anyway; this is for power cuts.
_FLUSH_EVERY_S = 20.0


class Document:
    """An open tomogram; labels and mask are files in ``folder`` that survive a crash of the program.

    Attributes
    ----------
    source
        The tomogram as it was named, ``file.h5::/entry/data`` for a dataset in a file.
    project
        Folder in which it is saved, or None; ``read_only`` if another window works on that project.
    trust
        Of each slice, how sure the network was when it was segmented; empty where that is not known.
    modified
        Whether there is anything that the project does not know.
    fingerprint
        Of the tomogram when it was opened, or {} where that is not known (see ``identify``).
    notes
        What the user should know of it once it is shown.
    kept_edits
        What earlier sessions did and can be taken back, the oldest first.
    """

    def __init__(self, tomogram: FileVolume, folder: Path, *, source: str = "") -> None:
        """Begin with a tomogram and nothing else in an empty ``folder``; ``open`` is the usual way."""
        self.tomogram = tomogram
        self.folder = folder
        self.source = source or str(tomogram.path)
        self.voxel_nm: VoxelSize | None = tomogram.voxel_nm
        self.polarity: Polarity | None = None
        self._arrays: dict[Target, Labels] = {}
        self._voxels: dict[Target, int] = {}
        self.steps: list[Step] = []
        self.view: dict[str, Any] = {}
        self.trust: Trust = ()
        self.project: Path | None = None
        self.project_lock: FolderLock | None = None
        self.read_only = False
        self.modified = False
        self._saved: tuple[Step, ...] | None = ()  # what stood when all was saved; None: not known
        self.fingerprint: dict[str, Any] = {}
        self.notes: tuple[str, ...] = ()
        self.bulk = folder
        self._lock = FolderLock(folder)
        self._closed = False
        self.discarded = False
        self._writing = threading.Lock()
        self._saver = Saver(self._write)
        self._submitted: tuple[files.State, tuple[Step, ...]] | None = None
        self._steps_written = -1  # none, and what may lie there is not ours
        self._recoverable: tuple[bool, tuple[str, ...]] | None = None
        self._flushed_at = 0.0
        self._explained = False
        self._undo: UndoStore | None = None
        self.kept_edits: list[LabelEdit] = []

    @classmethod
    def open(cls, path: str | Path, work_root: Path | None = None) -> Document:
        """Open a tomogram file.

        Raises
        ------
        UserError
            As ``open_volume``; or if there is no place for the working folder.
        """
        source = os.path.abspath(path)
        tomogram = open_volume(path)
        try:
            document = cls(tomogram, new_folder(work_root), source=source)
        except BaseException:
            tomogram.close()
            raise
        document.bulk = place_for_voxels(document.folder, tomogram.shape, on_disk(Path(source)))
        return document

    @classmethod
    def recover(
        cls, folder: Path, tomogram: str | Path | None = None, *, beside: Document | None = None
    ) -> Document:
        """Go on with what a crash has left in a working folder.

        Parameters
        ----------
        folder
            One of those that ``recovery.leftovers`` finds.
        tomogram
            Where the tomogram lies now, if it has been moved.
        beside
            What the window has open meanwhile; of the same project, both share its lock.

        Raises
        ------
        UserError
            If the files are damaged, another window uses them, or the tomogram is not there or of
            another size. Nothing is removed.
        """
        state = files.read_state(folder)
        source = state.source if tomogram is None else moved_to(state.source, tomogram)
        volume = open_volume(source)
        try:
            if volume.shape != state.record.tomogram.shape:
                raise UserError(
                    f"{volume.path} is not the tomogram of this work: it has {shape_text(volume.shape)} "
                    "voxels "
                    f"instead of {shape_text(state.record.tomogram.shape)}. Choose the right one."
                )
            document = cls(volume, folder, source=source)
        except BaseException:
            volume.close()
            raise
        document.bulk = state.bulk if state.bulk is not None and state.bulk.is_dir() else folder
        try:
            arrays = {t: open_array(document.file_of(t), volume.shape) for t in state.targets}
            interrupted = document.undo.recover(arrays.get, volume.shape)
            for target, array in arrays.items():
                document.set_array(target, array)
        except BaseException:
            document.let_go()
            raise
        document.kept_edits = document.undo.load(volume.shape)
        document.apply(state.record)
        for left in interrupted:
            document._note_interrupted(left)
        document.project = state.project
        document.modified, document._saved = True, None
        with suppress(OSError):
            if document.fingerprint and not has_fingerprint(Path(source), document.fingerprint):
                document.fingerprint = {}  # the next saving takes the file as it is now
                document.notes += (
                    f"{volume.path.name} is not the same file as in the last session: "
                    "check that the labels fit to it.",
                )
        if state.project is not None:
            try:
                lock = None if beside is None else beside.lock_of(state.project)
                shared = lock is not None and lock.share()
                document.project_lock = lock if shared else FolderLock(state.project, signed=True)
            except (UserError, OSError):
                document.read_only = True
        return document

    @property
    def shape(self) -> Triple:
        """Number of voxels along (z, y, x)."""
        return self.tomogram.shape

    @property
    def name(self) -> str:
        """What the window's title says."""
        return (self.project or self.tomogram.path).name

    def lock_of(self, project: Path) -> FolderLock | None:
        """Return the lock of ``project`` if it is the one that this is saved in, and this holds it."""
        lock = None if self.read_only else self.project_lock
        same = self.project is not None and os.path.realpath(self.project) == os.path.realpath(project)
        return lock if same else None

    @property
    def undo(self) -> UndoStore:
        """Where what can be taken back is kept for later sessions."""
        if self._undo is None:
            self._undo = UndoStore(self.bulk / files.UNDO)
        return self._undo

    @property
    def segmentation_folder(self) -> Path:
        """Where an unfinished segmentation keeps its slices."""
        return self.bulk / files.SEGMENTATION

    def file_of(self, target: Target) -> Path:
        """Return the file of the voxels of "labels" or "mask"."""
        return self.bulk / f"{target}.raw"

    @property
    def labels(self) -> Labels | None:
        """The labels (z, y, x), uint8, or None where no voxel is labelled: never were, or not any more."""
        return self.array("labels") if self.voxels("labels") else None

    @property
    def mask(self) -> Labels | None:
        """The cell mask (z, y, x), uint8, or None where no voxel is in it: an empty mask is no mask."""
        return self.array("mask") if self.voxels("mask") else None

    def array(self, target: Target) -> Labels | None:
        """Return the "labels" or the "mask" (z, y, x), uint8, also where they are empty now; None: never "
        "made.
        """
        return self._arrays.get(target)

    def voxels(self, target: Target) -> int:
        """Return how many voxels the "labels" or the "mask" hold; edits count once they are finished."""
        return self._voxels.get(target, 0)

    def gain(self, target: Target, voxels: int) -> None:
        """Take note that a finished edit, undone or not, has left so many label voxels more."""
        self._voxels[target] = self.voxels(target) + voxels

    def set_array(self, target: Target, array: Labels) -> None:
        """Have another array (z, y, x), uint8, as "labels" or "mask"; goes through it to count its voxels."""
        self._arrays[target] = array
        self.recount(target)

    def recount(self, target: Target) -> None:
        """Count the voxels anew, after changes that were no edits."""
        array = self.array(target)
        self._voxels[target] = 0 if array is None else count_labels(array)

    def volume(self, target: Target) -> Labels:
        """Return the labels or the mask (z, y, x), uint8, made empty if there were none.

        Raises
        ------
        UserError
            If the disk has no room for them.
        """
        found = self.array(target)
        if found is None:
            found = create_array(self.file_of(target), self.shape)
            self._arrays[target] = found
            # A crash must not find voxels that the state does not know, however slow the disk is.
            with suppress(Exception):
                self.autosave(wait=True)
        return found

    def add_step(self, step: Step) -> None:
        """Note what was done, and when; what undo has brought back to what is saved need not be saved."""
        self.note(step)
        back_and_forth = step.kind in (StepKind.UNDO, StepKind.REDO)
        self.modified = not (back_and_forth and self._is_as_saved())

    def mark_saved(self, steps: int | None = None) -> None:
        """Say that all is saved that was done up to the step ``steps``, by default up to now."""
        self._saved = _standing(self.steps[:steps])
        self.modified = not self._is_as_saved()

    def _is_as_saved(self) -> bool:
        saved, now = self._saved, _standing(self.steps)
        return saved is not None and len(saved) == len(now) and all(map(operator.is_, saved, now))

    def note(self, step: Step) -> None:
        """Note something that changes nothing which would have to be saved, such as an export."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        self.steps.append(replace(step, parameters=plain(step.parameters), when=now))

    def _note_interrupted(self, left: Unfinished) -> None:
        """Take note of a change that a crash ended half-way; it can be taken back as any other."""
        if left.edit is not None:
            edit = left.edit
            self.note(Step(StepKind.EDIT, edit.kind, edit.target, edit.partial, left.parameters))
            self.notes += (
                f"“{edit_title(edit.kind, edit.target)}” was under way when the program ended. "
                "What it had changed is there; Undo takes it back.",
            )

    def identify(self) -> KnownInput:
        """Return the tomogram as it was when it was opened; the first time this reads some of the file.

        Raises
        ------
        UserError
            If its file cannot be read.
        """
        if not self.fingerprint:
            self.fingerprint = dict(KnownInput.of(Path(self.source), self.tomogram).fingerprint)
        return KnownInput(Path(self.source), self.tomogram, self.fingerprint)

    def record(self) -> Record:
        """Return all but the voxels, as it is saved."""
        return Record(
            tomogram=Pointer(self.source, "", self.shape, dict(self.fingerprint)),
            voxel_nm=self.voxel_nm,
            polarity=self.polarity,
            steps=tuple(self.steps),
            view=plain(self.view),
            trust=self.trust,
        )

    def apply(self, record: Record) -> None:
        """Take over what was saved."""
        self.voxel_nm = record.voxel_nm
        self.polarity = record.polarity
        self.steps = [replace(step, parameters=plain(step.parameters)) for step in record.steps]
        self.view = plain(record.view)
        self.trust = record.trust
        self.fingerprint = dict(record.tomogram.fingerprint)

    # -- safety ----------------------------------------------------------------------------------

    def autosave(self, *, wait: bool = False) -> None:
        """Have all that changed written to the working folder, in a thread unless ``wait``.

        That there is something to recover at all, and in which volumes, is written before this returns: who
        is killed right after the first stroke finds it again.

        Raises
        ------
        UserError
            If the last time failed, for example because the disk is full; once until it works again.
        """
        if self._closed:
            return
        state = files.State(
            record=self._light_record(),
            source=self.source,
            targets=tuple(t for t in TARGETS if self.array(t) is not None),
            project=self.project,
            modified=self.modified,
            bulk=None if self.bulk == self.folder else self.bulk,
        )
        job = (state, tuple(self.steps))
        if job != self._submitted:
            self._submitted = job
            if (state.modified, state.targets) != self._recoverable:
                with suppress(Exception):  # the thread tries again, and its error is shown
                    self._store(job)
            self._saver.submit(job)
        if wait:
            self._saver.wait()
        error = self._saver.take_error()
        if error is not None:
            self._submitted = None  # try again next time
            if self._explained:
                return  # not with every stroke
            self._explained = True
            if isinstance(error, UserError):
                raise error
            raise UserError(f"The work could not be saved for a crash: {error}. Free some space.") from error

    def _light_record(self) -> Record:
        pointer = Pointer(self.source, "", self.shape, self.fingerprint)
        # The view is replaced as a whole whenever it changes, never changed in place.
        return Record(pointer, self.voxel_nm, self.polarity, (), plain(self.view), self.trust)

    def _write(self, job: tuple[files.State, tuple[Step, ...]]) -> None:
        """Write one state and, now and then, the voxels; runs in the thread."""
        self._store(job)
        # This may take seconds; a document that is closed does not wait for it.
        if time.monotonic() - self._flushed_at > _FLUSH_EVERY_S:
            self._flushed_at = time.monotonic()
            for target in job[0].targets:
                array = self.array(target)
                if array is not None:
                    with suppress(FileNotFoundError):  # closed in the meantime
                        flush_array(self.file_of(target), array)

    def _store(self, job: tuple[files.State, tuple[Step, ...]]) -> None:
        state, steps = job
        with self._writing:
            if self._closed:
                return
            anew = not 0 <= self._steps_written <= len(steps)
            new = steps if anew else steps[self._steps_written :]
            if new or anew:
                files.append_steps(self.folder, new, anew=anew)
                self._steps_written = len(steps)
            files.write_state(self.folder, state)
            self._recoverable = (state.modified, state.targets)
            self._explained = False

    @property
    def unfinished_segmentation(self) -> bool:
        """Whether a segmentation of this tomogram was begun and not finished."""
        return files.has_unfinished_segmentation(self.bulk)

    def discard(self) -> None:
        """Say that nothing of this is wanted any more: ``close`` then removes the working folder."""
        self.discarded = True

    def close(self) -> None:
        """Let go of the files; unsaved work stays in the working folder unless it was discarded."""
        if self._closed:
            return
        keep = not self.discarded and (self.modified or self.unfinished_segmentation)
        if keep:
            with suppress(Exception):
                self.autosave(wait=True)
        else:
            files.mark_discarded(self.folder)
        self._close_files()
        if keep:
            self._lock.release()
        else:
            files.remove_files(self.folder, self.bulk, self._lock)

    def let_go(self) -> None:
        """Close files and locks and remove nothing."""
        self._close_files()
        self._lock.release()

    def _close_files(self) -> None:
        self._closed = True
        if self._undo is not None:
            self._undo.wait()
        with self._writing:  # what is being written now is finished first
            pass
        self._arrays.clear()
        self._voxels.clear()
        self.tomogram.close()
        if self.project_lock is not None:
            self.project_lock.release()


def _standing(steps: list[Step]) -> tuple[Step, ...]:
    """Return what stands of the steps and is in the project; exports are not."""
    return tuple(step for step in effective(steps) if step.kind is not StepKind.EXPORT)
