"""The records and the page of a watched folder, kept while its tomograms arrive, wait, run and end.

A tomogram counts as done only when all that comes after its segmentation was tried, so that a run that was
killed goes on where it was.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from sxtstudio.core.classes.classifier_file import read_classifier
from sxtstudio.core.errors import SliceBase, UserError
from sxtstudio.core.lock import FolderLock
from sxtstudio.core.logs import LOGGER
from sxtstudio.core.progress import Progress
from sxtstudio.core.volume import VoxelSize
from sxtstudio.core.wording import count
from sxtstudio.io.fingerprint import fingerprint
from sxtstudio.workflow.beamtime.after import AfterSegmentation, Judge
from sxtstudio.workflow.beamtime.page import check_files, write_now, write_page
from sxtstudio.workflow.beamtime.pdf import PDF, write_pdf
from sxtstudio.workflow.beamtime.record import RecordFolder, TomogramRecord, TomogramState, record_for
from sxtstudio.workflow.beamtime.status import Activity, Status
from sxtstudio.workflow.jobs.already_written import said_in
from sxtstudio.workflow.jobs.batch_files import BatchRow
from sxtstudio.workflow.jobs.batch_objects import ObjectsWanted
from sxtstudio.workflow.jobs.disk_room import DiskState, Room
from sxtstudio.workflow.jobs.outputs import on_disk
from sxtstudio.workflow.jobs.quality import quality_of_file
from sxtstudio.workflow.jobs.watch import FolderWatch, signature_of
from sxtstudio.workflow.jobs.watching import Follower

# The page hears this often that the program is alive; the PDF is written anew at most that often.
_NOW_EVERY_S, _PDF_EVERY_S = 15.0, 600.0
_RECENT = 10
# Before this much is known, a remaining time would be a guess.
_SPEAK_AFTER_S = 2.0
# Between two writings of the page pass so many times as long as one takes.
_PAGE_SHARE = 30

OnRecord = Callable[[TomogramRecord], None]
OnStatus = Callable[[Status], None]


@dataclass(frozen=True)
class BeamtimeParameters:
    """What is done beside the segmentation.

    Attributes
    ----------
    page
        The folder of page, pictures and records.
    title
        Of page and PDF.
    objects
        Find objects in the labels, and count them.
    classifier
        A file by which objects get their classes.
    voxel_nm
        In place of what the files say.
    retry_failed
        Try those again that failed in earlier runs, although their files are as they were.
    """

    page: Path
    title: str = "Beamtime"
    objects: bool = False
    classifier: Path | None = None
    voxel_nm: VoxelSize | None = None
    retry_failed: bool = False

    @property
    def wanted(self) -> ObjectsWanted | None:
        """What is to be found in the labels; a classifier needs objects."""
        if not self.objects and self.classifier is None:
            return None
        return ObjectsWanted(self.classifier, self.voxel_nm)


@dataclass
class _Running:
    """A tomogram in work: since when, how large, and how much of it is done.

    ``objects``: it is segmented, and a worker looks for objects.
    """

    begun: float
    bytes: int
    fraction: float = 0.0
    objects: bool = False


class BeamtimeFollower(Follower):
    """Goes along with ``run_watch``, and keeps the page of a beamtime."""

    def __init__(
        self,
        parameters: BeamtimeParameters,
        on_record: OnRecord | None = None,
        on_status: OnStatus | None = None,
        *,
        judge: Judge = quality_of_file,
        slices_from: SliceBase = 1,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Read the records of earlier runs, and keep others out of the folder.

        Raises
        ------
        UserError
            If the folder cannot be used, another window or command works in it, or the classifier is none.
        """
        if parameters.classifier is not None:
            read_classifier(parameters.classifier)  # a wrong one is said now, not after the first tomogram
        self.parameters = parameters
        self.folders = (parameters.page,)
        self.objects = parameters.wanted
        check_files(parameters.page, (PDF,))
        self.records = RecordFolder(parameters.page)
        self._lock = FolderLock(parameters.page)
        self._on_record = on_record or (lambda record: None)
        self._on_status = on_status or (lambda status: None)
        self._after = AfterSegmentation(
            parameters.page, self.objects, parameters.voxel_nm, judge, slices_from, self._on_step
        )
        self._clock = clock
        self.status = Status()
        self._other = ""
        self._arrived: dict[Path, TomogramRecord] = {}
        self._running: dict[Path, _Running] = {}
        self._waiting: dict[str, int] = {}  # bytes of those that wait, by the id of their record
        self._arriving: tuple[str, ...] = ()
        self._took: deque[tuple[float, int]] = deque(maxlen=_RECENT)  # seconds and bytes
        self._reported_at = 0.0
        self._version = ""
        self._written_at, self._writing_s = -math.inf, 0.0
        self._changed = True
        self._pdf_at: float | None = None
        self._pdf_writing_s = 0.0
        self._pdf_stale = True

    @property
    def left_as_failed(self) -> list[str]:
        """The names of those that failed in earlier runs and are not tried again as they are."""
        return [
            record.name
            for record in self.records
            if record.state is TomogramState.FAILED and self._is_settled(record) and self._is_there(record)
        ]

    # What run_watch calls

    def begin(self, watch: FolderWatch) -> None:
        """Take off the watch what was done in earlier runs, and show that on the page."""
        for record in self.records:
            if record.state in (TomogramState.WAITING, TomogramState.RUNNING):
                if self._is_there(record):
                    # A killed run left it as in work.
                    self._keep(replace(record, state=TomogramState.WAITING))
                    watch.forget(Path(record.path))
                else:
                    self.records.remove(record.id)
            elif self._is_settled(record):
                watch.take(Path(record.path), record.signature)
        self._report(self._now(), at_once=True)

    def wants(self, tomogram: Path) -> bool:
        """Whether a tomogram is not done; one that was only touched or moved back is."""
        try:
            record = record_for(tomogram, fingerprint(tomogram), signature_of(tomogram))
        except OSError:
            return True  # its error reaches the user as that of the segmentation
        known = self.records.get(record.id)
        if known is not None and self._is_settled(known):
            self._keep(replace(self._whole(known), signature=record.signature))
            return False
        self._arrived[tomogram] = record
        return True

    def found(self, tomograms: list[Path]) -> None:
        """Show those that wait."""
        for tomogram in tomograms:
            if tomogram in self._arrived:
                self._keep(self._arrived[tomogram])
        self._report(self._now(), at_once=True)

    def arriving(self, tomograms: list[Path]) -> None:
        """Show which are there and not complete yet."""
        self._arriving = tuple(path.name for path in tomograms)

    def changed(self, row: BatchRow) -> None:
        """Show the tomogram that is segmented, and how far that is."""
        tomogram = on_disk(row.tomogram)
        record = self._arrived.get(tomogram)
        if row.state == "waiting" and record is not None and row.message:
            self._keep(replace(record, state=TomogramState.WAITING, messages=(row.message,)))
        if row.state in ("waiting", "stopped"):
            self._running.pop(tomogram, None)
        if row.state != "running":
            return
        begins = tomogram not in self._running
        if begins:
            self._running[tomogram] = _Running(self._clock(), 0 if record is None else record.signature[1])
            if record is not None:
                self._arrived[tomogram] = replace(record, state=TomogramState.RUNNING)
                self._keep(self._arrived[tomogram])
        done, total = row.slices or (0, 1)
        running = self._running[tomogram]
        another_step = running.objects != row.finding_objects
        running.fraction, running.objects = done / total, row.finding_objects
        self._report(self._now(), at_once=begins or another_step)

    def ended(self, row: BatchRow, progress: Progress) -> None:
        """Judge and draw a tomogram that was segmented, and keep its record."""
        tomogram = on_disk(row.tomogram)
        record = self._arrived.pop(tomogram, None)
        if record is None:  # it could not be read then
            with suppress(OSError):
                record = record_for(tomogram, fingerprint(tomogram), signature_of(tomogram))
        if record is None:
            record = record_for(tomogram, {}, (0, 0, 0.0, time.time()))
        messages = row.remarks
        # Of labels that an earlier run has made, which was killed thereafter, their report says the rest.
        made = said_in(row.output.with_suffix(".json")) if row.state == "skipped" and row.output else None
        details = row.details or (None if made is None else made.details) or {}
        record = replace(
            record,
            messages=messages,
            doubts=row.doubts,
            labels=None if row.output is None else str(row.output),
            labelled=row.labelled,
            seconds=row.seconds,
            model=str(details.get("model", "")),
            device=str(details.get("device", "")),
        )
        if row.state in ("done", "skipped") and row.output is not None:
            record = replace(record, state=TomogramState.RUNNING)
            record = self._after.run(record, row.tomogram, row.output, row.objects, progress)
            running = self._running.get(tomogram)
            if running is not None:
                self._took.append((self._clock() - running.begun, running.bytes))
        else:
            skipped = row.state == "skipped"
            state = TomogramState.SKIPPED if skipped else TomogramState.FAILED
            record = replace(record, state=state, labels=None, seconds=None)  # it was not segmented
        self._running.pop(tomogram, None)
        self._keep(record)
        self._report(self._now(), at_once=True)
        if self._pdf_at is None or self._clock() - self._pdf_at > _PDF_EVERY_S:
            self._write_pdf()

    def waits(self, state: DiskState | None) -> None:
        """Show what work waits for, or what to see to soon."""
        blocked = state is not None and state.room >= Room.FULL
        self.status = replace(self.status, trouble="" if state is None else state.sentence)
        status = self._now()
        self._report(replace(status, doing=Activity.BLOCKED) if blocked else status, at_once=True)

    def waits_for(self, other: str) -> None:
        """Show that a tomogram waits until ``other`` work of the window has ended; "": it need not.

        Called often, so that the page hears that the program is alive.
        """
        same, self._other = other == self._other, other
        if same and (not other or self._clock() - self._reported_at < _NOW_EVERY_S):
            return
        status = self._now()
        self._report(replace(status, doing=Activity.HELD, other=other) if other else status, at_once=True)

    def idle(self) -> None:
        """Say that the program is alive, and write the PDF where something is new."""
        for record_id in list(self._waiting):
            waiting = self.records.get(record_id)
            if waiting is not None and not Path(waiting.path).exists():  # it was taken away
                self.records.remove(record_id)
                del self._waiting[record_id]
        status = self._now()
        if self.status.doing is Activity.BLOCKED:
            status = replace(status, doing=Activity.BLOCKED)
        self._report(status, at_once=status != self.status)
        pause = max(_NOW_EVERY_S, _PAGE_SHARE * self._pdf_writing_s)
        if self._pdf_stale and (self._pdf_at is None or self._clock() - self._pdf_at > pause):
            self._write_pdf()

    def stopped(self) -> None:
        """Show that nothing is done any more, and let others into the folder."""
        for record in self.records:
            if record.state is TomogramState.RUNNING:
                self._keep(replace(record, state=TomogramState.WAITING))
        self._running.clear()
        self._report(Status(Activity.STOPPED, trouble=""), at_once=True)
        if self._pdf_stale:
            self._write_pdf()
        self._lock.release()

    # Records and page

    def _on_step(self, record: TomogramRecord, step: str) -> None:
        now = replace(self._now(), doing=Activity.WORKING, name=record.name, step=step, fraction=0.0)
        self._report(now, at_once=True)

    def _keep(self, record: TomogramRecord) -> None:
        """Write a record; one that cannot be written now is, once more, with the next state of it."""
        self._changed = self._pdf_stale = True
        self._waiting.pop(record.id, None)
        if record.state is TomogramState.WAITING:
            self._waiting[record.id] = record.signature[1]
        try:
            self.records.write(record)
        except UserError as error:
            LOGGER.warning("a record of a beamtime was not written: %s", error)
        self._on_record(record)

    def _whole(self, record: TomogramRecord) -> TomogramRecord:
        try:
            return self.records.whole(record.id)
        except UserError:
            return record

    def _is_there(self, record: TomogramRecord) -> bool:
        try:
            return signature_of(Path(record.path)) == record.signature
        except OSError:
            return False

    def _is_settled(self, record: TomogramRecord) -> bool:
        """Whether nothing is to be done as long as the file is as it is; failing again helps nobody."""
        final = [TomogramState.DONE, TomogramState.SKIPPED]
        if not self.parameters.retry_failed:
            final.append(TomogramState.FAILED)
        return record.state in final and not record.replaced

    def _now(self) -> Status:
        """Return what is done, from what is in work, waits and arrives."""
        trouble, waiting = self.status.trouble, len(self._waiting)
        if not self._running:
            return Status(waiting=waiting, arriving=self._arriving, trouble=trouble)
        running = list(self._running.values())
        names = [path.name for path in self._running]
        name = names[0] if len(names) == 1 else count(len(names), "tomogram")
        if all(one.objects for one in running):
            return Status(
                Activity.WORKING, name, "objects", 0.0, waiting, self._left(), trouble, self._arriving
            )
        whole = sum(one.bytes for one in running)
        done = sum(one.bytes * one.fraction for one in running) / whole if whole else running[0].fraction
        return Status(
            Activity.WORKING, name, "segmenting", done, waiting, self._left(), trouble, self._arriving
        )

    def _left(self) -> float | None:
        """Return how long those in work and those that wait take: as long as a byte took until now.

        Bytes stand for voxels: tomograms of a beamtime are stored alike, and their shapes cost a reading.
        """
        running = self._running.values()
        seconds, done = (sum(numbers) for numbers in zip(*self._took, strict=True)) if self._took else (0, 0)
        if not done:
            seconds = sum(self._clock() - one.begun for one in running)
            done = sum(one.bytes * one.fraction for one in running)
            if seconds < _SPEAK_AFTER_S or not done:
                return None
        left = sum(self._waiting.values()) + sum(one.bytes * (1 - one.fraction) for one in running)
        return float(seconds / done * left / max(1, len(running)))

    def _report(self, status: Status, *, at_once: bool = False) -> None:
        """Show what is done now; what changes all the time is shown now and then."""
        self.status = status
        self._on_status(status)
        now = self._clock()
        if not at_once and now - self._reported_at < _NOW_EVERY_S:
            return
        self._reported_at = now
        # The page of thousands takes a second: it is written seldom enough to cost next to nothing.
        due = now - self._written_at >= _PAGE_SHARE * self._writing_s or status.doing is Activity.STOPPED
        try:
            if self._changed and due:
                self._version = write_page(self.parameters.page, self.parameters.title, list(self.records))
                self._changed = False
                self._written_at = self._clock()
                self._writing_s = self._written_at - now
            write_now(self.parameters.page, status, self._version)
        except UserError as error:  # a share that has gone: with the next one
            LOGGER.warning("the page of a beamtime was not written: %s", error)

    def _write_pdf(self) -> None:
        self._pdf_at = self._clock()
        try:
            write_pdf(self.parameters.page, self.parameters.title, list(self.records))
            self._pdf_stale = False
            self._pdf_writing_s = self._clock() - self._pdf_at
        except UserError as error:
            LOGGER.warning("the summary of a beamtime was not written: %s", error)
