"""The files of a working folder that are no voxels: what survives a crash of the program.

state.json     what is open, voxel size, polarity, view, which volumes there are; replaced at once
state-now.json a newer one that may not have reached the disk yet; it outlives the program, and perhaps no
               power cut, after which state.json holds
steps.jsonl    what was done, a line per step, only appended to
in-use         the lock of the window that works here
discarded      the user does not want this any more; removed at the next start at the latest
undo           what can be taken back, a file for each change; beside the voxels
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Container, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from msgspec import Struct

from sxtstudio.core.atomic import atomic_write
from sxtstudio.core.edit_kind import TARGETS, Target
from sxtstudio.core.errors import UserError
from sxtstudio.core.lock import FolderLock
from sxtstudio.core.plain_files import append_lines, create_own
from sxtstudio.core.records import RecordError, WrongKey, json_values, read_json, record_of
from sxtstudio.core.steps import Step
from sxtstudio.core.temporary import final_name, temporary_name
from sxtstudio.io.edit_journal import journals
from sxtstudio.io.project import Record, RecordFile, to_json
from sxtstudio.io.steps import step_of, step_to_json
from sxtstudio.segment.checkpoint import has_unfinished

STATE, STEPS, DISCARDED, SEGMENTATION = "state.json", "steps.jsonl", "discarded", "segmentation"
STATE_NOW = "state-now.json"
UNDO = "undo"
SCHEMA = "sxtstudio-state/1"
_STILL_THERE = "The label files in it are still there."
# The network's output, the request of an unfinished segmentation, and the scratch file of a clean-up.
_OF_THE_PANELS = ("output.raw", "output.json", "segmentation.json", "cleaning.raw")


@dataclass(frozen=True)
class FolderState:
    """What a working folder says.

    ``targets`` are the volumes that are there, in the folder ``bulk``; ``unread`` the names of what could not
    be read of the project.
    """

    record: Record
    source: str
    targets: tuple[Target, ...] = ()
    project: Path | None = None
    modified: bool = False
    bulk: Path | None = None
    unread: tuple[str, ...] = ()


class _StateFile(Struct, frozen=True):
    """What state.json holds; the steps of the record are not in it."""

    schema: Literal["sxtstudio-state/1"]
    targets: list[Target]
    record: RecordFile
    source: str = ""
    project: str | None = None
    bulk: str | None = None
    modified: Any = None
    unread: list[str] = []

    def __post_init__(self) -> None:
        """Refuse what is no path."""
        for key, path in (("project", self.project), ("bulk", self.bulk)):
            if path is not None and "\0" in path:
                raise WrongKey(key, "a path")


def write_state(folder: Path, state: FolderState) -> None:
    """Replace state.json and wait until it has reached the disk; the steps are not in it."""
    with atomic_write(folder / STATE, own=True) as temporary:
        temporary.write_text(_encoded(state), encoding="utf-8")


def write_state_now(folder: Path, state: FolderState) -> None:
    """Write the state into state-now.json, and wait for no disk; ``write_state`` follows in a thread."""
    temporary = temporary_name(folder / STATE_NOW)
    with create_own(temporary) as file:
        file.write(_encoded(state).encode())
    os.replace(temporary, folder / STATE_NOW)


def remove_state_now(folder: Path) -> None:
    """Say that state.json is as new."""
    (folder / STATE_NOW).unlink(missing_ok=True)


def has_state(names: Container[str]) -> bool:
    """Whether a state is among the names of the files of a folder."""
    return STATE in names or STATE_NOW in names


def state_time_ns(folder: Path) -> int:
    """Return when the state was written last."""
    places = [folder / name for name in (STATE, STATE_NOW) if (folder / name).exists()]
    return max((place.stat().st_mtime_ns for place in places), default=0)


def _encoded(state: FolderState) -> str:
    content: dict[str, Any] = {
        "schema": SCHEMA,
        "source": state.source,
        "targets": list(state.targets),
        "project": None if state.project is None else str(state.project),
        "modified": state.modified,
        "bulk": None if state.bulk is None else str(state.bulk),
        "unread": list(state.unread),
        "record": {**to_json(state.record), "steps": []},
    }
    return json.dumps(content)


def read_state(folder: Path) -> FolderState:
    """Read and check the state and the steps; raises UserError if they are damaged."""
    if (folder / STATE_NOW).is_file():
        with suppress(UserError):  # a power cut has come before it was on the disk
            return _read_state(folder, STATE_NOW)
    return _read_state(folder, STATE)


def _read_state(folder: Path, name: str) -> FolderState:
    what = f"What was saved of the last session in {folder}"
    content = read_json(folder / name, what, _STILL_THERE)
    found = record_of(content, _StateFile, f"{what} is damaged", _STILL_THERE)
    bulk = None if found.bulk is None else Path(found.bulk)
    if bulk is not None and (bulk.name != f".sxtstudio-{folder.name}" or bulk.is_symlink()):
        bulk = None  # nobody else's folder is ever touched
    return FolderState(
        record=replace(found.record.record(), steps=tuple(read_steps(folder))),
        source=found.source,
        targets=tuple(target for target in TARGETS if target in found.targets),
        project=None if found.project is None else Path(found.project),
        # Whatever does not say clearly that all is saved is kept.
        modified=found.modified is not False,
        bulk=bulk,
        unread=tuple(found.unread),
    )


def read_steps(folder: Path) -> list[Step]:
    """Return the steps; a last line that was being written when the program ended does not count."""
    steps = []
    with suppress(OSError):
        for line in (folder / STEPS).read_text(encoding="utf-8", errors="replace").splitlines():
            with suppress(RecordError):
                steps.append(step_of(json_values(line, STEPS)))
    return steps


def append_steps(folder: Path, steps: Sequence[Step], *, anew: bool) -> None:
    """Append steps to those on disk, or replace them."""
    lines = "".join(json.dumps(step_to_json(step)) + "\n" for step in steps).encode()
    path = folder / STEPS
    if not anew:
        append_lines(path, lines)
        return
    with create_own(path) as file:
        file.write(lines)


def has_unfinished_segmentation(bulk: Path) -> bool:
    """Whether a segmentation was begun here and not finished."""
    return has_unfinished(bulk / SEGMENTATION)


def has_unfinished_edit(bulk: Path) -> bool:
    """Whether labels were being changed when the program ended."""
    with suppress(OSError):
        return bool(journals(bulk / UNDO))
    return False


def mark_discarded(folder: Path) -> None:
    """Note that nobody wants this folder, before it is removed."""
    with suppress(OSError):
        create_own(folder / DISCARDED).close()


def remove_files(folder: Path, bulk: Path, lock: FolderLock) -> None:
    """Remove our files, and the folders if nothing else lies in them; what cannot go stays.

    ``lock`` is that of ``folder``, and is released at the end: nobody takes up what is being removed.
    """
    for place in {bulk, folder}:
        for name in (SEGMENTATION, UNDO):
            shutil.rmtree(place / name, ignore_errors=True)
        with suppress(OSError):
            for entry in list(place.iterdir()):
                # Also what other parts of the program keep here, such as a network's output.
                ours = entry.suffix in (".raw", ".json", ".jsonl") or final_name(entry.name) is not None
                if ours and entry.is_file():
                    with suppress(OSError):
                        entry.unlink()
    if bulk != folder:
        with suppress(OSError):
            bulk.rmdir()
    lock.release(remove=True)
    with suppress(OSError):
        # The mark goes last: what was interrupted here is finished at the next start.
        if {entry.name for entry in folder.iterdir()} <= {DISCARDED}:
            (folder / DISCARDED).unlink(missing_ok=True)
            folder.rmdir()
