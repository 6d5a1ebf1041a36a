"""A document out of the working folder that a crash has left (``recovery`` finds those)."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from sxtstudio.core.edit_kind import EditKind, dtype_of, edit_title
from sxtstudio.core.edits import Edit
from sxtstudio.core.errors import UserError
from sxtstudio.core.lock import FolderLock
from sxtstudio.core.reserved import open_numbers
from sxtstudio.core.steps import Step, StepKind
from sxtstudio.core.wording import count, shape_text
from sxtstudio.io import open_volume
from sxtstudio.io.edit_journal import JournalAction, UnfinishedEdit
from sxtstudio.io.fingerprint import has_fingerprint
from sxtstudio.io.volume_name import moved_to
from sxtstudio.workflow.document import state as files
from sxtstudio.workflow.document.document import Document
from sxtstudio.workflow.document.label_history import FINISHED_SLICES, slices_of
from sxtstudio.workflow.jobs.document_segmenting import read_begun, read_interrupted


def recover(folder: Path, tomogram: str | Path | None = None, *, beside: Document | None = None) -> Document:
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
                f"voxels instead of {shape_text(state.record.tomogram.shape)}. Choose the right one."
            )
        document = Document(volume, folder, source=source)
    except BaseException:
        volume.close()
        raise
    document.bulk = state.bulk if state.bulk is not None and state.bulk.is_dir() else folder
    try:
        arrays = {
            t: open_numbers(document.file_of(t), volume.shape, dtype_of(t).itemsize) for t in state.targets
        }
        try:
            document.object_data.read_log()
        except UserError as error:
            document.notes += (f"{error} The objects are there without their classes and notes.",)
        made: list[Edit] = []
        interrupted = document.undo.recover(arrays.get, volume.shape, made.append)
        document.object_data.take_missing(made)
        for target, array in arrays.items():
            document.set_array(target, array)
        document.object_data.agree()
        note = document.measurements.recover(made, document.object_data, document.array("objects"))
        document.notes += (note,) if note else ()
    except BaseException:
        document.let_go()
        raise
    document.kept_edits = document.undo.load(volume.shape)
    document.apply(state.record)
    for left in interrupted:
        _note_interrupted(document, left)
    document.project, document.unread = state.project, state.unread
    document.forget_saved()
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


def _go_on(document: Document) -> str:
    """Say how a segmentation goes on of which finished slices are left."""
    left = read_interrupted(document.bulk, document.segmentation_folder)
    if left is None:
        return ""
    return (
        f" {left.finished} of {count(left.wanted, 'slice')} are finished: “Go on” in the panel “Segment” "
        "(or Segment > Go on with the interrupted segmentation) computes the others."
    )


def _note_interrupted(document: Document, left: UnfinishedEdit) -> None:
    """Take note of a change that a crash ended half-way; it can be taken back as any other."""
    title = f"“{edit_title(left.kind, left.target)}”"
    said = f"{title} was under way when the program ended"
    goes_on = _go_on(document) if left.kind is EditKind.SEGMENT else ""
    if left.doing is JournalAction.UNDONE:
        document.notes += (f"Undo of {said}: {title} is there as before it.",)
    elif left.doing is JournalAction.REDONE:
        document.notes += (f"Redo of {said}, and was taken back.",)
    elif left.edit is not None:
        edit, known = left.edit, dict(left.parameters)
        if edit.kind is EditKind.SEGMENT:
            known.update(read_begun(document.bulk))
        step = Step(StepKind.EDIT, edit.kind, edit.target, edit.partial, known)
        asked = slices_of(step, document.shape[0]) if edit.kind is EditKind.SEGMENT else None
        if asked and edit.box is not None:
            known[FINISHED_SLICES] = [asked.start, edit.box.stop[0]]  # as far as it had changed anything
        document.note(step)
        where = " in the panel “Evaluate”" if edit.of_evaluation else ""
        document.notes += (f"{said}. What it had changed is there; Undo{where} takes it back.{goes_on}",)
    else:
        document.notes += (f"{said}, and was taken back.{goes_on}",)
