"""The measurements of a document's objects, kept in its working folder so that they outlive a crash."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta, Struct
from numpy.typing import NDArray

from sxtstudio.core.edits import Edit
from sxtstudio.core.errors import UserError
from sxtstudio.core.logs import LOGGER
from sxtstudio.core.measure.kept import KeptMeasurements
from sxtstudio.core.object_table import MOST_NUMBER
from sxtstudio.core.plain_files import create_own, open_own, read_plain
from sxtstudio.core.records import RecordError, read_json_record
from sxtstudio.io.measurements import measurements_bytes, read_measurements, write_measurements
from sxtstudio.workflow.document.objects import DocumentObjects
from sxtstudio.workflow.document.saver import Saver

VALUES, LOG = "measurements.raw", "measurements.jsonl"
_MOST_LOG_BYTES = 256 << 20


class _Line(Struct, frozen=True):
    """A line of the log: of which measurements it is, and which objects are out of date from there on."""

    of: str
    stale: Annotated[tuple[Annotated[int, Meta(ge=1, le=MOST_NUMBER)], ...], Meta(description="numbers")] = ()


class DocumentMeasurements:
    """What was measured last. The values are written in a thread; what is out of date is written at once.

    The log says which measurements hold: a file of values of another name is a former one.
    """

    def __init__(self, folder: Path) -> None:
        """Begin without any; ``folder`` is the working folder."""
        self._folder = folder
        self._kept: KeptMeasurements | None = None
        self._name = ""
        self._saver: Saver[tuple[KeptMeasurements, str]] = Saver(self._write)

    @property
    def kept(self) -> KeptMeasurements | None:
        """What was measured last, and what of it is out of date; None where nothing was."""
        return self._kept

    def keep(self, kept: KeptMeasurements | None) -> None:
        """Have other measurements, or none."""
        if kept is self._kept:
            return
        self._kept = kept
        self._name = "" if kept is None else secrets.token_hex(8)
        self._log(_Line(self._name), anew=True)
        if kept is not None:
            self._saver.submit((kept, self._name))

    def mark(self, numbers: Collection[int]) -> None:
        """Note that objects have changed since they were measured."""
        if self._kept is None or self._kept.stale.issuperset(numbers):
            return
        new = frozenset(numbers) - self._kept.stale
        self._kept = self._kept.marked(new)
        self._log(_Line(self._name, tuple(sorted(new))), anew=False)

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
            What was changed right before, of which nothing may have been told: it is out of date.
        known, objects
            The objects that there are now, (z, y, x).
        """
        note = self._read()
        if self._kept is None:
            return note
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
            name, stale = self._read_log(what)
            if not name or not (self._folder / VALUES).exists():
                return ""
            kept, of, _ = read_measurements(self._folder / VALUES, what)
        except UserError as error:
            return f"{error} Measure the objects again."
        if of == name:
            self._kept, self._name = kept.marked(stale), name
        return ""

    def _read_log(self, what: str) -> tuple[str, frozenset[int]]:
        path = self._folder / LOG
        if not path.exists():
            return "", frozenset()
        try:
            lines = read_plain(path, _MOST_LOG_BYTES).split(b"\n")
        except OSError as error:
            raise UserError(f"{what} cannot be read: {error.strerror or error}.") from error
        name = ""
        stale: set[int] = set()
        for text in lines:
            with suppress(RecordError):  # the last one may have been being written when the program ended
                line = read_json_record(text, _Line, what)
                name = line.of
                stale.update(line.stale)
        return name, frozenset(stale)

    def _log(self, line: _Line, *, anew: bool) -> None:
        """Write a line; where that fails, nothing may be taken for valid that is not."""
        path = self._folder / LOG
        try:
            with create_own(path) if anew else open_own(path, "ab") as file:
                file.write(msgspec.json.encode(line) + b"\n")
        except (OSError, UserError) as error:
            LOGGER.warning("a crash would lose the measurements: %s", error)
            with suppress(OSError):
                path.unlink()

    def _write(self, job: tuple[KeptMeasurements, str]) -> None:
        kept, name = job
        write_measurements(self._folder / VALUES, measurements_bytes(kept, name))
