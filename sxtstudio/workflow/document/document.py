"""What is open in a window: a tomogram, its labels, cell mask and objects, and what was done with them."""

from __future__ import annotations

import os
import threading
from collections.abc import Collection
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.edit_kind import TARGETS, EditKind, Target, dtype_of
from sxtstudio.core.edits import Edit, Recorder
from sxtstudio.core.geometry import Box, Triple
from sxtstudio.core.labels import count_labels
from sxtstudio.core.lock import FolderLock
from sxtstudio.core.measure.calibration import LacCalibration
from sxtstudio.core.measure.kept import KeptMeasurements
from sxtstudio.core.object_border import with_border_flags
from sxtstudio.core.object_boxes import ObjectBoxes
from sxtstudio.core.object_table import ObjectTable, TableChange
from sxtstudio.core.patches import OnWrite, Voxels
from sxtstudio.core.polarity import Polarity
from sxtstudio.core.steps import Step, StepKind
from sxtstudio.core.trust import Trust
from sxtstudio.core.volume import VoxelSize
from sxtstudio.io import FileVolume, open_volume
from sxtstudio.io.project import Pointer, Record
from sxtstudio.workflow.document import state as files
from sxtstudio.workflow.document.autosave import Autosave
from sxtstudio.workflow.document.measurements import DocumentMeasurements, Doubt, hear_of
from sxtstudio.workflow.document.objects import DocumentObjects
from sxtstudio.workflow.document.saved_state import SavedState
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


class Document:
    """An open tomogram; labels, mask and objects are files in ``folder`` that survive a crash of the program.

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
    object_data
        Table and boxes of the objects; ``object_table``, ``object_boxes`` and ``change_table`` are for those.
    measurements
        Of the objects, what was measured last.
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
        self.lac: LacCalibration | None = None
        self._arrays: dict[Target, Voxels] = {}
        self.object_data = DocumentObjects(folder)
        self.measurements = DocumentMeasurements(folder)
        self._voxels: dict[Target, int] = {}
        self.steps: list[Step] = []
        self.view: dict[str, Any] = {}
        self.trust: Trust = ()
        self.project: Path | None = None
        self.project_lock: FolderLock | None = None
        self.read_only = False
        self.modified = False
        self._saved = SavedState()
        self.fingerprint: dict[str, Any] = {}
        self.notes: tuple[str, ...] = ()
        self.unread: tuple[str, ...] = ()  # parts of the project that could not be read: saving keeps them
        self.bulk = folder
        self._lock = FolderLock(folder)
        self._closed = False
        self.discarded = False
        self._autosave = Autosave(folder, self._flush)
        self._undo: UndoStore | None = None
        self.kept_edits: list[Edit] = []

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
        return lock if self.is_saved_in(project) else None

    def is_saved_in(self, project: Path | None) -> bool:
        """Whether ``project`` is the one that this is saved in, or was opened from."""
        both = self.project is not None and project is not None
        return both and os.path.realpath(str(self.project)) == os.path.realpath(str(project))

    @property
    def keeps_look(self) -> bool:
        """Whether how it looks may be written into its project: all else of it is there as it is here."""
        lock = self.project_lock
        ours = lock is not None and lock.current and not self.read_only
        return ours and not (self.modified or self.discarded or self.unread)

    def go_on_looking_like(self, former: Document, looks: Collection[str]) -> None:
        """Look as ``former`` did, if this is the same project, opened anew, and nothing else has changed."""
        if self.is_saved_in(former.project) and not (former.modified or former.discarded or self.modified):
            self.view |= {name: look for name, look in former.view.items() if name in looks}

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
        """Return the file of the voxels of "labels", "mask" or "objects"."""
        return self.bulk / f"{target}.raw"

    @property
    def labels(self) -> Labels | None:
        """The labels (z, y, x), uint8, or None where no voxel is labelled: never were, or not any more."""
        return self.array("labels") if self.voxels("labels") else None

    @property
    def mask(self) -> Labels | None:
        """The cell mask (z, y, x), uint8, or None where no voxel is in it: an empty mask is no mask."""
        return self.array("mask") if self.voxels("mask") else None

    @property
    def objects(self) -> NDArray[np.uint32] | None:
        """The objects (z, y, x), uint32, a number each, 0 where there is none; None where there are none."""
        return self.array("objects") if self.voxels("objects") else None

    @property
    def object_table(self) -> ObjectTable:
        """What is known of the objects beside their voxels: a row for each."""
        return self.object_data.table

    @property
    def object_boxes(self) -> ObjectBoxes:
        """Where the objects lie."""
        return self.object_data.boxes

    def box_of(self, number: int) -> Box | None:
        """Return a box that holds the object of that number, or None if there is none."""
        objects = self.array("objects")
        if objects is None or number not in self.object_table.rows:
            return None
        return self.object_boxes.of(number, objects)

    def find_boxes(self) -> None:
        """Look where the objects lie now; a job that changed many does so before it ends."""
        objects = self.array("objects")
        if objects is not None:
            self.object_boxes.refresh(objects)

    def change_table(self, change: TableChange) -> None:
        """Change the table of the objects; it is on disk before this returns."""
        self.object_data.change(change)

    def set_table(self, table: ObjectTable) -> None:
        """Have another table of the objects, with a row for each object that there is and for no other."""
        self.object_data.replace(table)
        self.object_data.agree()

    def array(self, target: Target) -> Voxels | None:
        """Return "labels", "mask" (z, y, x), uint8, or "objects", uint32, also where they are empty now.

        None: never made.
        """
        return self._arrays.get(target)

    def voxels(self, target: Target) -> int:
        """Return how many voxels a volume holds that are not 0; edits count once they are finished."""
        return self._voxels.get(target, 0)

    def recorder(self, kind: EditKind, target: Target, parameters: dict[str, Any]) -> Recorder:
        """Begin an edit of a volume, which is made empty if there was none; ``gain`` takes its voxels.

        Raises
        ------
        UserError
            If the disk has no room for the volume.
        """
        journal = self.undo.journal(kind, target, parameters)
        return Recorder(kind, self.volume(target), target, journal, self.listener(kind, target))

    def finish(self, recorder: Recorder) -> Edit | None:
        """End an edit that ``recorder`` has begun, and return it; not yet ``gain`` its voxels.

        Objects that it brought to the border of the volume, or away from it, are flagged with it. With many
        objects this takes a while: a job does so before it ends.
        """
        box = recorder.box
        if recorder.target == "objects" and box is not None and not recorder.ended:
            recorder.rows = with_border_flags(
                recorder.rows, self.object_table, recorder.labels, self.object_boxes, box
            )
        return recorder.finish()

    def listener(self, kind: EditKind, target: Target) -> OnWrite | None:
        """Return what hears of each box while an edit is made, taken back or made again."""
        if target != "objects":
            return None
        return hear_of(kind, self.volume(target), self.object_boxes, self.measurements)

    def gain(self, target: Target, voxels: int) -> None:
        """Take note that a finished edit has left so many voxels more that are not 0."""
        self._voxels[target] = self.voxels(target) + voxels
        if target == "objects":
            self.measurements.settle()

    def moved(self, edit: Edit, gained: int) -> None:
        """Take note that an edit was taken back or made again, and left so many voxels more."""
        self.gain(edit.target, gained)

    def set_array(self, target: Target, array: Voxels) -> None:
        """Have another array (z, y, x) of the type of ``target``; goes through it to count its voxels."""
        self._arrays[target] = array
        self.recount(target)

    def recount(self, target: Target) -> None:
        """Count the voxels anew, after changes that were no edits."""
        array = self.array(target)
        if array is None:
            self._voxels[target] = 0
        elif target == "objects":
            self._voxels[target] = self.object_boxes.find_all(array)
        else:
            self._voxels[target] = count_labels(array)

    def volume(self, target: Target) -> Voxels:
        """Return labels, mask or objects (z, y, x), made empty if there were none.

        Raises
        ------
        UserError
            If the disk has no room for them.
        """
        found = self.array(target)
        if found is None:
            found = create_array(self.file_of(target), self.shape, dtype_of(target))
            self._arrays[target] = found
            # A crash must not find voxels that the state does not know; nobody waits for the disk for that.
            with suppress(Exception):
                self.autosave()
        return found

    def add_step(self, step: Step) -> None:
        """Note what was done, and when; what undo has brought back to what is saved need not be saved."""
        self.note(step)
        back_and_forth = step.kind in (StepKind.UNDO, StepKind.REDO)
        self.modified = not (back_and_forth and self._saved.is_now(self.steps, self.measurements.kept))

    def mark_saved(self, steps: int | None = None, measurements: KeptMeasurements | None = None) -> None:
        """Say that these measurements are saved, and all up to the step ``steps``, by default up to now."""
        self._saved.take(self.steps[:steps], measurements)
        self.modified = not self._saved.is_now(self.steps, self.measurements.kept)

    def forget_saved(self) -> None:
        """Say that nothing of this is saved: it comes from a session that did not end."""
        self._saved.forget()
        self.modified = True

    def note(self, step: Step) -> None:
        """Note something that changes nothing which would have to be saved, such as an export."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        self.steps.append(replace(step, parameters=plain(step.parameters), when=now))

    def keep_measurements(self, kept: KeptMeasurements | None, doubt: Doubt = Doubt.AS_SAID) -> None:
        """Have other measurements of the objects, or none; they are to be saved."""
        self.measurements.keep(kept, doubt)
        if kept is not None:
            self.modified = True

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
            lac=self.lac,
            steps=tuple(self.steps),
            view=plain(self.view),
            trust=self.trust,
        )

    def apply(self, record: Record) -> None:
        """Take over what was saved."""
        self.voxel_nm = record.voxel_nm
        self.polarity = record.polarity
        self.lac = record.lac
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
        state = files.FolderState(
            record=self._light_record(),
            source=self.source,
            targets=tuple(t for t in TARGETS if self.array(t) is not None),
            project=self.project,
            modified=self.modified,
            bulk=None if self.bulk == self.folder else self.bulk,
            unread=self.unread,
        )
        self._autosave.save(state, tuple(self.steps), wait=wait)

    def _light_record(self) -> Record:
        pointer = Pointer(self.source, "", self.shape, self.fingerprint)
        # The view is replaced as a whole whenever it changes, never changed in place.
        view = plain(self.view)
        return Record(pointer, self.voxel_nm, self.polarity, (), view, self.trust, lac=self.lac)

    def _flush(self, target: Target) -> None:
        if (array := self.array(target)) is not None:
            flush = partial(flush_array, self.file_of(target), array)
            self.measurements.sync(flush) if target == "objects" else flush()

    @property
    def unfinished_segmentation(self) -> bool:
        """Whether a segmentation of this tomogram was begun and not finished."""
        return files.has_unfinished_segmentation(self.bulk)

    @property
    def can_be_gone_on_with(self) -> bool:
        """Whether all that is not saved is an unfinished segmentation, which stays when this is closed."""
        only = self._saved.lacks_only_segmentation(self.steps, self.measurements.kept)
        return self.unfinished_segmentation and only

    def discard(self) -> None:
        """Say that nothing of this is wanted any more: ``close`` then removes the working folder."""
        self.discarded = True

    @property
    def leaves_work(self) -> bool:
        """Whether the working folder stays when this is closed, for another time."""
        return not self.discarded and (self.modified or self.unfinished_segmentation)

    def close_soon(self) -> threading.Thread:
        """Close in a thread, and return that: to remove gigabytes takes seconds, and so does a busy disk.

        The program does not end before it is done; the project is free at once. Killed meanwhile, what
        leaves work is recovered, and the rest is removed at the next start.
        """
        if not self.leaves_work:
            files.mark_discarded(self.folder)
        self._release_project()
        thread = threading.Thread(target=self.close, name="closing a document")
        thread.start()
        return thread

    def close(self) -> None:
        """Let go of the files; unsaved work stays in the working folder unless it was discarded."""
        if self._closed:
            return
        keep = self.leaves_work
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
        self.measurements.wait()
        self._autosave.close()
        self._arrays.clear()
        self._voxels.clear()
        self.tomogram.close()
        self._release_project()

    def _release_project(self) -> None:
        lock, self.project_lock = self.project_lock, None
        if lock is not None:
            lock.release()
