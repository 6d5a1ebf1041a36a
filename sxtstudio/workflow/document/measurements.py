"""The measurements of a document's objects, kept in its working folder so that they outlive a crash."""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path
from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta, Struct
from numpy.typing import NDArray

from sxtstudio.core.boot import boot_id
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.edits import Edit
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box
from sxtstudio.core.logs import LOGGER
from sxtstudio.core.measure.kept import KeptMeasurements
from sxtstudio.core.object_boxes import ObjectBoxes
from sxtstudio.core.object_differences import differences
from sxtstudio.core.object_table import MOST_NUMBER
from sxtstudio.core.patches import OnWrite, Voxels
from sxtstudio.core.plain_files import append_lines, create_own, read_plain
from sxtstudio.core.records import RecordError, read_json_record
from sxtstudio.io.measurements import Difference, measurements_bytes, read_measurements, write_measurements
from sxtstudio.workflow.document.objects import DocumentObjects
from sxtstudio.workflow.document.saver import Saver

VALUES, LOG = "measurements.raw", "measurements.jsonl"
_MOST_LOG_BYTES = 256 << 20
_POWER_CUT = (
    "The computer stopped before all objects were on the disk: nobody knows which of them are those that "
    "were measured, so all measurements are out of date. Measure the objects again."
)


class Doubt(Enum):
    """Which measurements are out of date when they are kept.

    AS_SAID: those that the record itself says. SINCE_BEGUN: of objects that have changed since ``begin``, if
    only for a while. STAYS: they have other columns, and what was out of date before stays so.
    """

    AS_SAID = "as said"
    SINCE_BEGUN = "since begun"
    STAYS = "stays"


_Number = Annotated[int, Meta(ge=1, le=MOST_NUMBER)]
_Numbers = Annotated[tuple[_Number, ...], Meta(description="numbers")]


class _Line(Struct, frozen=True, omit_defaults=True):
    """A line of the log: of which measurements it is, and what changed from there on.

    ``stale`` objects are in doubt for good, ``changing`` ones until a later line says by how much they
    ``differ`` from what was measured; 0: not at all. ``boot`` names the run of the computer from here on.
    ``synced``: the voxels of all lines above are on the disk.
    """

    of: str
    stale: _Numbers = ()
    changing: _Numbers = ()
    differ: tuple[tuple[_Number, Difference], ...] = ()
    boot: Annotated[str, Meta(max_length=100)] = ""
    synced: bool = False


@dataclass(frozen=True)
class _Log:
    """What the log says: of which measurements, what is in doubt, how objects differ from what was measured.

    ``whole``: every line could be read.
    """

    name: str = ""
    doubtful: frozenset[int] = frozenset()
    differ: Mapping[int, int] = field(default_factory=dict)
    whole: bool = True
    boot: str = ""
    synced: bool = False


class DocumentMeasurements:
    """What was measured last. The values are written in a thread; what is out of date is written at once.

    The log says which measurements hold: a file of values of another name is a former one. Edits are heard
    of in any thread.

    A crash of the program leaves log and voxels as they were written. A power cut does not: either may be the
    older one. So each time that the voxels are on the disk (``sync``) the log says so, and the first change
    after that is on the disk in the log before anything else happens. What a power cut finds in between is
    out of date as a whole.
    """

    def __init__(self, folder: Path) -> None:
        """Begin without any; ``folder`` is the working folder."""
        self._folder = folder
        self._kept: KeptMeasurements | None = None
        self._name = ""
        self._lock = threading.RLock()
        self._since: set[int] | None = None  # what has changed since the measuring that goes on has begun
        self._changing: set[int] = set()  # of which the log does not say yet by how much they differ
        self._lines = 0  # how many were written
        self._synced = False  # the log on the disk says that the voxels are there, too
        self._unlogged = False  # a line could not be written: what the log says is not all
        self._saver: Saver[tuple[KeptMeasurements, str]] = Saver(self._write)

    @property
    def kept(self) -> KeptMeasurements | None:
        """What was measured last, and what of it is out of date; None where nothing was."""
        return self._kept

    def keep(self, kept: KeptMeasurements | None, doubt: Doubt = Doubt.AS_SAID) -> None:
        """Have other measurements, or none; ``doubt`` says which of them are out of date."""
        with self._lock:
            if kept is self._kept:
                return
            if kept is None or doubt is not Doubt.STAYS:
                self._changing.clear()
            if kept is not None and doubt is Doubt.STAYS and self._kept is not None:
                kept = replace(kept, doubtful=self._kept.doubtful, differences=self._kept.differences)
            if kept is not None and doubt is Doubt.SINCE_BEGUN:
                kept = kept.marked(self._since or ())
                self._since = None
            self._kept = kept
            self._begin_log()

    def begin(self) -> None:
        """Say that measuring begins now: what changes from here on will be in doubt in the result."""
        with self._lock:
            self._since = set()

    def mark_begun(self, numbers: Collection[int]) -> None:
        """Note that objects have changed for what is being measured now; what was measured holds or goes."""
        with self._lock:
            if self._since is not None:
                self._since.update(numbers)

    def mark(self, numbers: Collection[int]) -> None:
        """Note that objects may be others than those that were measured, nobody knows by how much."""
        with self._lock:
            if self._since is not None:
                self._since.update(numbers)
            if self._kept is None or self._kept.doubtful.issuperset(numbers):
                return
            new = frozenset(numbers) - self._kept.doubtful
            self._kept = self._kept.marked(new)
            self._log(_Line(self._name, tuple(sorted(new))))

    def note(self, objects: NDArray[np.uint32], box: Box, changed: NDArray[np.uint32]) -> None:
        """Note that voxels in a ``box`` of the objects (z, y, x) have been changed.

        ``changed`` is the XOR of their numbers before and after it.
        """
        if self._kept is None and self._since is None:
            return
        depth, height, width = objects.shape
        sums = differences(objects[box.slices], changed, box, (depth, height, width))
        with self._lock:
            if self._since is not None:
                self._since.update(sums)
            if self._kept is None or not sums:
                return
            new = sums.keys() - self._changing
            self._changing.update(new)
            self._kept = self._kept.changed(sums)
            if new:
                self._log(_Line(self._name, changing=tuple(sorted(new))))

    def settle(self) -> None:
        """Write down by how much objects differ now from what was measured; an edit is complete."""
        with self._lock:
            changing, self._changing = self._changing, set()
            if self._kept is not None and changing:
                now = self._kept.differences
                differ = tuple((number, f"{now.get(number, 0):x}") for number in sorted(changing))
                self._log(_Line(self._name, differ=differ))

    def sync(self, flush: Callable[[], None]) -> None:
        """Have the voxels brought to the disk by ``flush``, and let the log say so; called in a thread.

        It does not, if there were changes meanwhile.
        """
        with self._lock:
            lines = self._lines
        self._saver.wait()
        flush()
        with self._lock:
            if self._kept is not None and self._lines == lines and not (self._synced or self._changing):
                self._log(_Line(self._name, synced=True))

    def wait(self) -> None:
        """Block until all is written."""
        self._saver.wait()
        error = self._saver.take_error()
        if error is not None:
            LOGGER.warning("a crash would lose the measurements: %s", error)

    def recover(
        self, made: Iterable[Edit], known: DocumentObjects, objects: NDArray[np.uint32] | None
    ) -> str:
        """Take what a crash has left; return what the user should know, or "".

        Measurements that were not on the disk yet are not there.

        Parameters
        ----------
        made
            What was changed right before, of which no signal may have come yet: it is out of date.
        known, objects
            The objects that there are now, (z, y, x).
        """
        note = self._read()
        if self._kept is None:
            return note
        with self._lock:
            doubtful = self._kept.doubtful if note else frozenset[int]()
            self._log(_Line(self._name, tuple(sorted(doubtful)), boot=boot_id()))
        if objects is None:
            self.keep(None)
            return note
        for edit in made:
            if edit.target == "objects" and edit.box is not None:
                self.mark(known.boxes.touching(edit.box, objects))
        there = known.table.rows.keys()
        if not there >= set(self._kept.value.numbers.tolist()):
            self.keep(self._kept.only(there))
        return note

    def _read(self) -> str:
        what = f"The measurements in {self._folder}"
        try:
            log = self._read_log(what)
            if not log.name or not (self._folder / VALUES).exists():
                return ""
            kept, of, _ = read_measurements(self._folder / VALUES, what)
        except UserError as error:
            return f"{error} Measure the objects again."
        if of != log.name:
            return ""
        now = {**kept.differences, **log.differ}
        differing = {number: value for number, value in now.items() if value}
        kept = replace(kept.marked(log.doubtful), differences=differing)
        power_cut = not log.synced and log.boot != boot_id()
        self._kept = kept.all_marked() if power_cut or not log.whole else kept
        self._name, self._synced = log.name, log.synced
        return _POWER_CUT if power_cut else ""

    def _read_log(self, what: str) -> _Log:
        """Return what the log says; of a line that was being written when the power went nothing is known."""
        path = self._folder / LOG
        if not path.exists():
            return _Log()
        try:
            lines = read_plain(path, _MOST_LOG_BYTES).split(b"\n")
        except OSError as error:
            raise UserError(f"{what} cannot be read: {error.strerror or error}.") from error
        name = boot = ""
        synced = False
        stale: set[int] = set()
        changing: set[int] = set()
        differ: dict[int, int] = {}
        whole = not lines[-1]  # its end was written
        for text in filter(None, lines):
            try:
                line = read_json_record(text, _Line, what)
            except RecordError:
                whole = False
                continue
            name, boot, synced = line.of, line.boot or boot, line.synced
            stale.update(line.stale)
            changing.update(line.changing)
            changing.difference_update(number for number, _ in line.differ)
            differ.update((number, int(value, 16)) for number, value in line.differ)
        return _Log(name, frozenset(stale | changing), differ, whole, boot, synced)

    def _begin_log(self) -> None:
        """Begin the log, and have the values written, under a new name: what was written before is void."""
        self._name = "" if self._kept is None else secrets.token_hex(8)
        line = _Line(self._name, changing=tuple(sorted(self._changing)), boot=boot_id())
        self._lines += 1
        self._synced = False
        try:
            with create_own(self._folder / LOG) as file:
                file.write(_encoded(line))
                file.flush()
                os.fsync(file.fileno())
            self._unlogged = False
        except (OSError, UserError) as error:
            self._on_log_failed(error)
        if self._kept is not None:
            self._saver.submit((self._kept, self._name))

    def _log(self, line: _Line) -> None:
        """Append a line; all begins again where the log is not whole, as after a disk that was full.

        It is on the disk at once where it says that the voxels are there, or is the first after that.
        """
        path = self._folder / LOG
        try:
            if self._unlogged or not path.exists():
                self._begin_log()
            else:
                append_lines(path, _encoded(line), to_disk=line.synced or self._synced or bool(line.boot))
                self._lines += 1
                self._synced = line.synced
        except (OSError, UserError) as error:
            self._on_log_failed(error)

    def _on_log_failed(self, error: Exception) -> None:
        """See to it that nothing is taken for valid that is not: without a log the values say nothing."""
        LOGGER.warning("a crash would lose the measurements: %s", error)
        self._unlogged = True
        for name in (LOG, VALUES):
            with suppress(OSError):
                (self._folder / name).unlink()
                return

    def _write(self, job: tuple[KeptMeasurements, str]) -> None:
        kept, name = job
        write_measurements(self._folder / VALUES, measurements_bytes(kept, name))


def _encoded(line: _Line) -> bytes:
    return msgspec.json.encode(line) + b"\n"


def hear_of(
    kind: EditKind, objects: NDArray[np.uint32], boxes: ObjectBoxes, measurements: DocumentMeasurements
) -> OnWrite:
    """Return what hears of each box of objects (z, y, x) while an edit is made, or taken back."""

    def on_write(box: Box, changed: Voxels) -> None:
        boxes.touch(box)
        if not kind.replaces_objects:  # nothing that was measured is of what comes
            measurements.note(objects, box, changed)

    return on_write
