"""Saving and opening projects: all or nothing, only what changed, and never two windows at once."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sxtstudio.core.checked_volume import InputChangedError
from sxtstudio.core.edit_kind import TARGETS, Target
from sxtstudio.core.errors import UserError
from sxtstudio.core.lock import FolderLock, holder
from sxtstudio.core.logs import LOGGER
from sxtstudio.core.measure.kept import KeptMeasurements
from sxtstudio.core.object_table import ObjectTable
from sxtstudio.core.pace import Work
from sxtstudio.core.patches import Voxels
from sxtstudio.core.plain_files import LinkRefused, is_own_folder
from sxtstudio.core.progress import Progress
from sxtstudio.core.stages import Stage, Stages
from sxtstudio.core.wording import shape_text
from sxtstudio.io.edit_file import copy_edits, edit_files, newest_edits
from sxtstudio.io.fingerprint import has_fingerprint
from sxtstudio.io.project import NAME as RECORD
from sxtstudio.io.project import (
    UNDO,
    UNDO_BYTES,
    Pointer,
    Record,
    StoredMeasurements,
    StoredTable,
    StoredVolume,
    half_written,
    keep_unread,
    project_folder,
    read_record,
    table_names,
    volume_names,
    volume_path,
    write_record,
)
from sxtstudio.io.project_marker import check_marker, write_marker
from sxtstudio.io.volume_name import VolumeName, moved_to
from sxtstudio.workflow.document.document import Document
from sxtstudio.workflow.document.network_output import KeptOutput, find_output
from sxtstudio.workflow.document.project_folder import check_target, empty_folder, make_folder
from sxtstudio.workflow.document.project_volumes import (
    OUTPUT_WORDS,
    load_measurements,
    load_output,
    load_table,
    load_volumes,
    save_measurements,
    save_output,
    save_table,
    save_volume,
    saving,
)
from sxtstudio.workflow.document.undo_store import UndoStore
from sxtstudio.workflow.jobs.outputs import on_disk
from sxtstudio.workflow.jobs.report import plain
from sxtstudio.workflow.jobs.unchanged import KnownInput


class TomogramNotFound(UserError):
    """The tomogram of a project has been moved or replaced; the window asks where it is now."""


@dataclass(frozen=True)
class Snapshot:
    """What is to be saved, taken at one moment in the thread of the window."""

    record: Record
    volumes: dict[Target, Voxels]
    table: ObjectTable
    measurements: KeptMeasurements | None
    output: tuple[KeptOutput, Voxels] | None
    undo: UndoStore
    edits: tuple[str, ...]
    lock: FolderLock | None
    project: Path | None
    unread: tuple[str, ...]
    identify: Callable[[], KnownInput]


@dataclass(frozen=True)
class Saved:
    """A finished saving: the folder, its lock, what was written down of the tomogram, and what to know."""

    folder: Path
    lock: FolderLock
    fingerprint: dict[str, Any]
    steps: int
    measurements: KeptMeasurements | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Opened:
    """An opened project, and what the user should know of it."""

    document: Document
    notes: tuple[str, ...]


def snapshot(document: Document) -> Snapshot:
    """Return what ``save`` needs; quick."""
    # An empty mask is no mask, and empty labels and objects are none.
    held = ((target, document.array(target)) for target in TARGETS if document.voxels(target))
    volumes = {target: array for target, array in held if array is not None}
    lock = None if document.read_only else document.project_lock
    kept = find_output(document.bulk, document.shape)
    # Opened now: the next segmentation removes the file.
    output = None if kept is None else (kept, kept.open())
    undo = document.undo
    record, project = document.record(), document.project
    table = document.object_table  # never changed in place
    measured = document.measurements.kept
    names, identify = undo.names, document.identify
    unread = document.unread
    return Snapshot(record, volumes, table, measured, output, undo, names, lock, project, unread, identify)


def save(what: Snapshot, folder: Path, progress: Progress | None = None) -> Saved:
    """Save a document as the project ``folder``, new or existing.

    New volumes are written beside the old ones and read back; then project.json is replaced, which
    is the moment of saving; then the old volumes go. Until then the former project stays whole.

    Raises
    ------
    UserError
        If another window works on that project, the folder holds something else, or the disk is full.
    Cancelled
        If the user stopped it.
    """
    progress = progress or Progress()
    folder = Path(os.path.abspath(folder))
    check_target(folder, what.record)
    made = make_folder(folder)
    own_lock = what.lock if what.lock is not None and _same(folder, what.project) else None
    lock: FolderLock | None = own_lock
    written: list[str] = []
    copied: list[Path] = []
    try:
        lock = lock or lock_project(folder)
        record, notes = _with_pointer(what, folder)
        former = Record(record.tomogram) if made else _former(folder, record)
        kept: dict[Target, StoredVolume] = {}
        stages = Stages(progress, _saving(what, former))
        for target, voxels in what.volumes.items():
            before = former.volumes.get(target)
            with stages.stage(Work.PROJECT) as counter:
                kept[target] = save_volume(folder, target, voxels, record, before, counter)
            if kept[target] != before:
                written.append(kept[target].name)
        table: StoredTable | None = None
        if "objects" in kept or what.table != ObjectTable():  # own classes may be there before any object
            table = save_table(folder, what.table, former.table)
            if table != former.table:
                copied.append(folder / table.name)
        measured: StoredMeasurements | None = None
        if "objects" in kept and what.measurements is not None:
            measured = save_measurements(folder, what.measurements, former.measurements)
            if measured != former.measurements:
                copied.append(folder / measured.name)
        output = None
        if what.output is not None:
            with stages.stage(Work.PROJECT) as counter:
                output = save_output(folder, *what.output, record, former.output, counter)
            if former.output is None or output.volume != former.output.volume:
                written.append(output.volume.name)
        progress.follow(1.0, 0.0, f"Saving {folder.name}")  # the last volume may have been the same
        edits, new_edits = _save_undo(what, folder)
        copied += new_edits
        progress.check()
        now = datetime.now(UTC).isoformat(timespec="seconds")
        held = replace(record, volumes=kept, table=table, measurements=measured, output=output)
        write_marker(folder)  # projects of former versions have none
        write_record(folder, replace(held, undo=edits, saved=now))
    except BaseException:
        for name in written:
            shutil.rmtree(folder / name, ignore_errors=True)
        for path in copied:
            path.unlink(missing_ok=True)
        if lock is not None and lock is not own_lock:
            if made:
                empty_folder(folder)
            lock.release(remove=made)
        if made:
            with suppress(OSError):  # somebody else may have begun a project in it
                folder.rmdir()
        raise
    in_use = {volume.name for volume in kept.values()} | ({output.volume.name} if output else set())
    if table is not None:
        in_use.add(table.name)
    if measured is not None:
        in_use.add(measured.name)
    unread = set(what.unread) - in_use if _same(folder, what.project) else set()
    notes += keep_unread(folder, unread)
    for name in [*volume_names(folder), *table_names(folder), *half_written(folder)]:
        if name not in in_use | unread:
            shutil.rmtree(folder / name, ignore_errors=True)
            with suppress(OSError):
                (folder / name).unlink()
    _sweep_undo(folder, edits)
    return Saved(folder, lock, record.tomogram.fingerprint, len(record.steps), what.measurements, notes)


def _saving(what: Snapshot, former: Record) -> list[Stage]:
    """List the volumes that are saved, for what that will take."""
    stages = []
    for target, voxels in what.volumes.items():
        inner = saving(Work.SAVE, f"the {target}", voxels.size, compare=target in former.volumes)
        stages.append(Stage(Work.PROJECT, voxels.size, inner=inner))
    if what.output is not None:
        size = what.output[1].size
        inner = saving(Work.SAVE_OUTPUT, OUTPUT_WORDS, size, compare=former.output is not None)
        stages.append(Stage(Work.PROJECT, size, inner=inner))
    return stages


def _save_undo(what: Snapshot, folder: Path) -> tuple[tuple[str, ...], list[Path]]:
    """Copy what can be taken back into a project; return the names, and the files that are new.

    Without it the project is as good, so that trouble is no error.
    """
    what.undo.wait()
    place = folder / UNDO
    if place.is_symlink():
        return (), []
    names = newest_edits(what.undo.folder, what.edits, UNDO_BYTES)
    try:
        return tuple(names), copy_edits(names, what.undo.folder, place)
    except OSError as error:
        LOGGER.warning("what can be taken back is not in the project %s: %s", folder, error)
        return (), []


def _sweep_undo(folder: Path, edits: tuple[str, ...]) -> None:
    """Remove from a project what can no longer be taken back."""
    place = folder / UNDO
    with suppress(OSError):
        if is_own_folder(place):
            for path in edit_files(place):
                if path.name not in edits:
                    path.unlink()
            if not edits:
                place.rmdir()


def adopt(document: Document, saved: Saved) -> None:
    """Tell a document that it has been saved; what was done meanwhile is not in the project."""
    former = document.project_lock
    if former is not None and former is not saved.lock:
        former.release()
    document.project, document.project_lock = saved.folder, saved.lock
    document.read_only, document.unread = False, ()
    document.fingerprint = saved.fingerprint
    document.mark_saved(saved.steps, saved.measurements)


def keep_look(folder: Path, look: Mapping[str, Any]) -> None:
    """Replace parts of the view of a saved project, whose lock the caller holds; nothing else of it changes.

    Where they are as they were, or project.json must not be written, nothing is done.

    Raises
    ------
    UserError
        If it cannot be read or written; it is unchanged then.
    """
    file = folder / RECORD
    if file.is_symlink() or not (os.access(file, os.W_OK) and file.stat().st_mode & 0o222):
        return
    record = read_record(folder)
    view = {**record.view, **json.loads(json.dumps(plain(look)))}
    if view != record.view:
        write_record(folder, replace(record, view=view))


def open_project(
    path: Path,
    *,
    tomogram: str | Path | None = None,
    work_root: Path | None = None,
    progress: Progress | None = None,
    lock: FolderLock | None = None,
) -> Opened:
    """Open a project; its labels, mask and network's output are copied into a working folder.

    Parameters
    ----------
    path
        The project folder, or the project.json or open.sxtproject in it.
    tomogram
        Where the tomogram lies now; by default where the project says.
    lock
        The lock of this project, where the window has it open already; both documents share it.

    Raises
    ------
    TomogramNotFound
        If the tomogram is not there, or has another size.
    UserError
        If the project is damaged or of a newer version.
    """
    progress = progress or Progress()
    check_marker(path, RECORD)
    folder = project_folder(path)
    record = read_record(folder)
    for stored in record.volumes.values():
        volume_path(folder, stored)
    source, notes = find_tomogram(folder, record, tomogram)
    document = Document.open(source, work_root)
    try:
        # Killed while the labels are copied, it is known that nothing was done, and where the copies are.
        document.autosave()
        if document.shape != record.tomogram.shape:
            raise TomogramNotFound(
                f"{source} has {shape_text(document.shape)} voxels, but the project {folder.name} was made "
                "with a "
                f"tomogram of {shape_text(record.tomogram.shape)}. Choose the right tomogram."
            )
        document.apply(record)
        if notes:
            document.fingerprint = {}  # the next saving takes the file as it is now
        stages = Stages(progress, _loading(record))
        others, lost, said = load_volumes(document, folder, record.volumes, stages)
        notes += said
        if "objects" not in lost and ("objects" in record.volumes or record.table is not None):
            note = load_table(document, folder, record.table)
            notes += [note] if note else []
        if "objects" in record.volumes.keys() - lost and record.measurements is not None:
            note = load_measurements(document, folder, record.measurements, changed="objects" in others)
            notes += [note] if note else []
        if "objects" in lost:  # what belongs to them is no use without them
            parts = (record.table, record.measurements)
            document.unread += tuple(part.name for part in parts if part is not None)
        if record.output is not None:
            try:
                with stages.stage(Work.LOAD) as counter:
                    load_output(document, folder, record.output, counter)
            except UserError as error:  # the labels are good without it
                document.unread += (record.output.volume.name,)
                notes.append(
                    f"The network's output was not loaded, so the threshold cannot be changed: {error}"
                )
        if not lost:  # edits of objects or marks that are not there cannot be undone
            with suppress(OSError):
                document.undo.take_over(folder / UNDO, record.undo, UNDO_BYTES)
            document.kept_edits = document.undo.load(document.shape)
        document.project = folder
        document.mark_saved(None, document.measurements.kept)
        document.autosave()
        try:
            shared = lock is not None and lock.share()
            document.project_lock = lock if shared else lock_project(folder)
        except UserError as error:
            document.read_only = True
            notes.append(f"{error} You can look at it and save it under another name.")
    except BaseException:
        document.discard()
        document.close()
        raise
    return Opened(document, tuple(notes))


def _loading(record: Record) -> list[Stage]:
    """List the volumes that are read, for what that will take."""
    depth, height, width = record.tomogram.shape
    stages = [
        Stage(Work.LOAD, depth * height * width, f"Reading {stored.name}")
        for stored in record.volumes.values()
    ]
    if record.output is not None:
        slices = record.output.last - record.output.first
        stages.append(Stage(Work.LOAD, slices * height * width, "Reading the output"))
    return stages


def lock_project(folder: Path) -> FolderLock:
    """Take the lock of a project.

    Raises
    ------
    UserError
        If another window holds it, with its user and time; or if nothing can be written there.
    """
    try:
        return FolderLock(folder, signed=True)
    except LinkRefused:
        raise
    except UserError as error:
        who = holder(folder)
        raise UserError(
            f"The project {folder.name} is open in another window{f' ({who})' if who else ''}."
        ) from error
    except OSError as error:
        raise UserError(f"Nothing can be written to {folder} ({error.strerror}).") from error


def _former(folder: Path, record: Record) -> Record:
    """Return what the project has of volumes that need not be written again if their voxels are the same."""
    nothing = Record(record.tomogram)
    try:
        former = read_record(folder)
    except UserError:
        return nothing  # a damaged project is written anew
    if former.voxel_nm != record.voxel_nm:
        return nothing  # the volumes say the voxel size, too, for other programs
    volumes = {name: stored for name, stored in former.volumes.items() if (folder / stored.name).is_dir()}
    output = former.output
    if output is not None and not (folder / output.volume.name).is_dir():
        output = None
    table = former.table if former.table is not None and (folder / former.table.name).is_file() else None
    measured = former.measurements
    if measured is not None and not (folder / measured.name).is_file():
        measured = None
    return replace(nothing, volumes=volumes, output=output, table=table, measurements=measured)


def _with_pointer(what: Snapshot, folder: Path) -> tuple[Record, tuple[str, ...]]:
    """Return the record with where its tomogram lies and how it is known again, and what to say of that."""
    record = what.record
    notes: tuple[str, ...] = ()
    source = record.tomogram.absolute
    name = VolumeName.of(source)
    try:
        relative = name.at(Path(os.path.relpath(name.place, folder)).as_posix())
    except ValueError:  # another drive of Windows
        relative = ""
    known: dict[str, Any] = {}
    try:
        tomogram = what.identify()
        known = dict(tomogram.fingerprint)
        tomogram.check()
    except InputChangedError:
        notes = (
            f"{Path(source).name} was changed or replaced on the disk after it was opened. The labels belong "
            "to the file as it was: check that they fit to the new one.",
        )
    except UserError:
        pass  # it cannot be read just now, which is no reason not to save the labels
    return replace(record, tomogram=Pointer(source, relative, record.tomogram.shape, known)), notes


def find_tomogram(folder: Path, record: Record, given: str | Path | None) -> tuple[str, list[str]]:
    """Return where the tomogram of a project lies, and a note if it is not the same file any more.

    Raises
    ------
    TomogramNotFound
        If it is neither where it was nor beside the project.
    """
    known = record.tomogram.fingerprint
    if given is not None:
        places = [moved_to(record.tomogram.absolute, given)]
    else:
        # Project and tomogram are often moved together.
        places = [os.path.normpath(folder / record.tomogram.relative)] if record.tomogram.relative else []
        places += [record.tomogram.absolute] if record.tomogram.absolute else []
    there = [place for place in places if on_disk(Path(place)).exists()]
    for place in there:
        with suppress(OSError):
            if not known or has_fingerprint(Path(place), known):
                return place, []
    if there:
        return there[0], [
            f"{Path(there[0]).name} is not the same file as when the project was saved: "
            "check that the labels fit to it."
        ]
    name = places[-1] if places else "the tomogram"
    raise TomogramNotFound(
        f"The tomogram of the project {folder.name} is not where it was: {name}. Say where it is now."
    )


def _same(one: Path, other: Path | None) -> bool:
    return other is not None and os.path.realpath(one) == os.path.realpath(other)
