"""The rows of a batch that runs, and what runs its jobs: by itself, one tomogram after another.

A ``Batch`` decides names and keeps the rows, the contact sheet and the tables. A ``JobRunner`` takes a job
for each tomogram from it and says what became of it; ``cluster`` has one that has many machines.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from sxtstudio.core.errors import Cancelled, OutsideError, SliceBase, UserError, sentence_of
from sxtstudio.core.logs import LOGGER
from sxtstudio.core.pace import Work
from sxtstudio.core.progress import Progress
from sxtstudio.core.stages import Stage, Stages
from sxtstudio.core.temporary import sweep_folder
from sxtstudio.core.wording import count
from sxtstudio.segment.checkpoint import forget, read_unfinished
from sxtstudio.segment.keeper import RunnerKeeper
from sxtstudio.segment.registry import files_of_model
from sxtstudio.workflow.jobs.batch_files import APART, BatchRow, Names, doubts_beside, write_summary
from sxtstudio.workflow.jobs.batch_objects import ObjectsFound, ObjectsWanted
from sxtstudio.workflow.jobs.contact_sheet import PANELS_PER_SHEET, SheetPanel, panel_of, write_contact_sheet
from sxtstudio.workflow.jobs.outputs import check_outputs, table_outputs
from sxtstudio.workflow.jobs.report import plain
from sxtstudio.workflow.jobs.segmenting import (
    LooksLikeTiltSeries,
    OnSlice,
    SegmentJob,
    SegmentResult,
    partial_folder,
    segment_file,
)
from sxtstudio.workflow.jobs.watch import stored_bytes
from sxtstudio.workflow.jobs.worker_mark import forget_dead

if TYPE_CHECKING:
    from sxtstudio.workflow.jobs.batch import BatchParameters

OnRow = Callable[[int, BatchRow], None]
#: Says what else computes, "" where nothing does.
OtherWork = Callable[[], str]
OnEnd = Callable[["Batch", int, "JobOutcome"], None]

# Between two messages about the slices of one tomogram, and two looks whether there is anything to do.
SHORTEST_S = 0.2


@dataclass(frozen=True)
class JobOutcome:
    """What became of a job, in plain values: how a row of the batch ends.

    Attributes
    ----------
    state
        "projections": the input looks like a tilt series.
    message
        Warnings and notes, or the sentence of the error.
    labelled
        Labelled share of the voxels, 0…1.
    details
        Model, device, polarity … of a finished one.
    system_errors
        What the operating system said (errno), wherever in the chain of errors of a failed one.
    outside
        Not the tomogram is the cause that it failed, but model, option, device or disk (``OutsideError``).
    objects
        What was found in the labels, where that was wanted of whoever runs the jobs.
    doubts
        Why somebody should look at the labels: the warnings, with which ``message`` begins.
    """

    state: Literal["done", "failed", "projections"]
    message: str = ""
    labelled: float | None = None
    details: Mapping[str, int | float | str] | None = None
    system_errors: frozenset[int] = frozenset()
    outside: bool = False
    objects: ObjectsFound | None = None
    doubts: tuple[str, ...] = ()


class JobRunner(Protocol):
    """Runs the jobs of a batch."""

    def run(self, batch: Batch, numbers: Iterator[int | None], progress: Progress, total: int | None) -> None:
        """Run the jobs of all rows that ``numbers`` names; ``total`` of them, None where that is not known.

        None among the numbers means that there is nothing to begin now, but there may be later. All methods
        of the batch are called in the thread that called this.

        Raises
        ------
        UserError
            If no job at all can be run, or contact sheet or tables cannot be written.
        Cancelled
            If ``progress`` was cancelled; the rows that were running are then stopped ones.
        """


class OneAfterAnother:
    """Runs them in this process."""

    def __init__(self, other_work: OtherWork | None = None) -> None:
        """``other_work`` is asked before each job, which begins once there is none."""
        self._other_work = other_work or (lambda: "")

    def run(self, batch: Batch, numbers: Iterator[int | None], progress: Progress, total: int | None) -> None:
        """Run the jobs, as ``JobRunner`` says."""
        stages = None
        if total is not None:
            sizes = (stored_bytes(row.tomogram) for row in batch.rows if row.state == "waiting")
            stages = Stages(progress, [Stage(Work.FILE, size, "segmenting") for size in sizes])
        for number in numbers:
            if number is None:
                progress.step(0)
                time.sleep(SHORTEST_S / 2)
                continue
            job = batch.job_of(number)
            if stages is None:
                progress.restart("segmenting")
                counting: AbstractContextManager[Progress] = nullcontext(progress.part(1, "segmenting"))
            else:
                if job is None:  # what is left out says nothing of how long the others take
                    stages.expect(Work.FILE, 0)
                counting = stages.stage(Work.FILE)
            with counting as counter:
                if job is not None:
                    self._run(batch, number, job, counter)
            if stages is None:
                progress.restart("waiting for tomograms")

    def _run(self, batch: Batch, number: int, job: SegmentJob, progress: Progress) -> None:
        last = 0.0

        def on_slice(z: int, labels: object, finished: int, total: int) -> None:
            nonlocal last
            shown = finished == total or time.monotonic() - last > SHORTEST_S
            last = time.monotonic() if shown else last
            batch.count_slices(number, finished, total, show=shown)

        try:
            while other := self._other_work():
                progress.step(0, f"waiting until “{other}” has ended")
                time.sleep(SHORTEST_S)
            progress.check()
            batch.begin(number)
            batch.end(number, run_job(job, progress, on_slice, batch.slices_from))
        except Cancelled:
            batch.stop(number)
            raise


class Batch:
    """Rows, names and the pictures of a batch that runs.

    ``last`` keeps the pictures of the last contact sheet only: those before are full, and a watched folder
    goes on for days. ``on_end`` hears of every tomogram that has ended, after its row and before the tables;
    it may let it ``wait`` for another try. ``on_trouble`` hears of sheets and tables that cannot be written;
    without it that ends the batch. ``objects`` is what other computers find in the labels right after the
    segmentation; where this one segments, that is up to ``on_end``.
    """

    def __init__(
        self,
        parameters: BatchParameters,
        on_row: OnRow | None,
        slices_from: SliceBase,
        *,
        skip_projections: bool = False,
        last: bool = False,
        on_end: OnEnd | None = None,
        on_trouble: Callable[[Exception], None] | None = None,
        objects: ObjectsWanted | None = None,
    ) -> None:
        """Begin without rows.

        Raises
        ------
        UserError
            If the folder for the results cannot be made, or a sheet or a table not written there.
        """
        self.parameters = parameters
        self.slices_from = slices_from
        self.objects = objects
        self.rows: list[BatchRow] = []
        self._skip_projections = skip_projections
        self._on_row = on_row
        self._names = Names(parameters.folder, parameters.suffix, parameters.existing)
        self._panels: dict[int, SheetPanel] = {}
        self._last = last
        self._first_sheet = 0
        self._on_end = on_end
        self._on_trouble = on_trouble
        self._begun: dict[int, float] = {}
        self._replaced: set[int] = set()
        self._swept: set[Path] = set()
        self._held: set[int] = set()  # waiting for another run that works on the same
        if parameters.folder is not None:
            try:
                parameters.folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise UserError(
                    f"The folder {parameters.folder} cannot be made ({error.strerror}): choose another."
                ) from error
        read = [parameters.clean_up.mask, *files_of_model(parameters.segmentation.model)]
        check_outputs(table_outputs(parameters.contact_sheet, parameters.summary), read)

    def add(self, tomogram: Path, finished: BatchRow | None = None, *, replaced: bool = False) -> int:
        """Add a row and return its number; ``replaced``: it took the place of one that was segmented."""
        self.rows.append(finished or BatchRow(tomogram))
        number = len(self.rows) - 1
        if replaced:
            self._replaced.add(number)
        if finished is not None and finished.output is not None:
            self._names.keep(finished.output, tomogram)
            with suppress(UserError):  # it may have been moved away since
                self._picture(number, finished)
        self._set(number)
        return number

    def job_of(self, number: int) -> SegmentJob | None:
        """Decide how the labels of a tomogram are called; None where there is nothing to be done for it."""
        try:
            job = self._job_of(number)
        except Exception as error:
            self._fail(number, failed(error, self.slices_from))
            return None
        if job is None:
            self._ended(number, JobOutcome("done"))
        return job

    def _job_of(self, number: int) -> SegmentJob | None:
        parameters, tomogram = self.parameters, self.rows[number].tomogram
        replaced, skip = number in self._replaced, parameters.existing == "skip"
        there = self._names.there(tomogram, replaced=replaced) if skip else None
        output = there or self._names.output(tomogram, anew=skip)
        if output.parent not in self._swept:
            self._swept.add(output.parent)
            sweep_folder(output.parent)  # of what another run was killed in, nothing may be written anew
        self.rows[number] = replace(self.rows[number], output=output)
        if there:
            text = f"{output.name} is there already{_unfinished(output)}"
            text = APART.join(filter(None, (text, self._names.of_damaged(tomogram))))
            self._set(number, state="skipped", message=text, doubts=doubts_beside(output))
            self._picture(number, self.rows[number])
            return None
        return SegmentJob(
            tomogram=tomogram,
            output=output,
            parameters=parameters.segmentation,
            clean_up=parameters.clean_up,
            resume=parameters.resume and not replaced,
            report=output.with_suffix(".json") if parameters.reports else None,
            voxel_nm=parameters.voxel_nm,
            force=parameters.force,
        )

    def begin(self, number: int, worker: str = "") -> None:
        """Say that a tomogram is being worked on."""
        self._begun[number] = time.monotonic()
        self._set(number, state="running", worker=worker, finding_objects=False)

    def worked_on_by(self, number: int, worker: str) -> None:
        """Say which machines work on a tomogram that is being worked on."""
        if self.rows[number].worker != worker:
            self._set(number, worker=worker)

    def waits_for(self, number: int, host: str) -> None:
        """Say that another run works on the labels of a tomogram, on the computer ``host``."""
        self._held.add(number)
        self._set(number, message=f"Another run works on it, on {host}: it waits until that has ended.")

    def find_objects(self, number: int) -> None:
        """Say that a tomogram is segmented, and that objects are looked for in its labels now."""
        self._set(number, state="running", finding_objects=True)

    def count_slices(self, number: int, finished: int, total: int, *, show: bool = True) -> None:
        """Say how many slices are finished."""
        if number in self._held:
            self._held.remove(number)
            self.rows[number] = replace(self.rows[number], message="")
        self.rows[number] = replace(self.rows[number], slices=(finished, total))
        if show:
            self._set(number)

    def end(self, number: int, outcome: JobOutcome) -> None:
        """Say what became of a tomogram; only trouble with the contact sheet or a table gets out of here."""
        seconds = time.monotonic() - self._begun.get(number, time.monotonic())
        message = outcome.message
        self.rows[number] = replace(self.rows[number], finding_objects=False)
        if outcome.state == "done":
            damaged = self._names.of_damaged(self.rows[number].tomogram)
            message = APART.join(filter(None, (message, damaged)))
            self._set(
                number,
                state="done",
                seconds=seconds,
                labelled=outcome.labelled,
                message=message,
                details=outcome.details,
                objects=outcome.objects,
                doubts=outcome.doubts,
            )
            try:
                self._picture(number, self.rows[number])
            except Exception as error:
                self._fail(number, failed(error, self.slices_from), seconds)
                return
        elif outcome.state == "projections" and self._skip_projections:
            # Tilt series arrive beside the tomograms that are made of them.
            self._set(number, state="skipped", message=message, seconds=seconds, output=None)
        else:
            self._fail(number, outcome, seconds)
            return
        self._ended(number, outcome)

    def wait(self, number: int, message: str) -> None:
        """Say that a tomogram is to be tried again."""
        self._panels.pop(number, None)
        self._set(
            number,
            state="waiting",
            slices=None,
            seconds=None,
            message=message,
            worker="",
            finding_objects=False,
        )

    def sweep(self) -> None:
        """Remove what workers that were killed have begun to write."""
        for folder in self._swept:
            sweep_folder(folder)

    def stop(self, number: int) -> None:
        """Say that a tomogram was given up when the batch was cancelled."""
        slices = self.rows[number].slices
        text = f"stopped after {slices[0]} of {slices[1]} slices" if slices else "stopped"
        self._set(number, state="stopped", message=f"{text}; start again to go on", seconds=None)
        self._write()

    def _fail(self, number: int, outcome: JobOutcome, seconds: float | None = None) -> None:
        self._set(number, state="failed", message=outcome.message, seconds=seconds)
        if self.parameters.contact_sheet is not None:
            name = self.rows[number].tomogram.name
            self._panels[number] = SheetPanel(name, "failed", message=outcome.message)
        self._ended(number, outcome)

    def _ended(self, number: int, outcome: JobOutcome) -> None:
        output = self.rows[number].output
        if output is not None:  # the worker of an earlier run may have been killed, also at its objects
            forget_dead(output)
        if self._on_end is not None:
            self._on_end(self, number, outcome)
        self._write()

    def _picture(self, number: int, row: BatchRow) -> None:
        if self.parameters.contact_sheet is not None and row.output is not None:
            self._panels[number] = panel_of(row.tomogram, row.output, _caption(row))

    def _set(self, number: int, **changes: object) -> None:
        self.rows[number] = replace(self.rows[number], **changes)  # type: ignore[arg-type]
        if self._on_row is not None:
            self._on_row(number, self.rows[number])

    def _write(self) -> None:
        try:
            self._write_all()
        except (UserError, OSError) as trouble:
            if self._on_trouble is None:
                raise
            self._on_trouble(trouble)  # the next tomogram writes them anew

    def _write_all(self) -> None:
        if self.parameters.contact_sheet is not None and self._panels:
            panels = [self._panels[number] for number in sorted(self._panels)]
            write_contact_sheet(self.parameters.contact_sheet, panels, first=self._first_sheet)
            while self._last and len(self._panels) > PANELS_PER_SHEET:
                for number in sorted(self._panels)[:PANELS_PER_SHEET]:
                    del self._panels[number]
                self._first_sheet += 1
        for path in self.parameters.summary:
            axes = self.parameters.axes
            settings = {**plain(self.parameters), "axes": None if axes is None else str(axes)}
            write_summary(path, self.rows, settings)


def run_job(
    job: SegmentJob,
    progress: Progress,
    on_slice: OnSlice,
    slices_from: SliceBase,
    keeper: RunnerKeeper | None = None,
) -> JobOutcome:
    """Segment one tomogram; only a cancel gets out of here.

    Parameters
    ----------
    job, progress, on_slice, keeper
        As for ``segment_file``.
    slices_from
        The number of the first slice in messages.
    """
    try:
        return done(segment_file(job, progress, on_slice, keeper), slices_from)
    except Cancelled:
        raise
    except Exception as error:
        return failed(error, slices_from)


def done(result: SegmentResult, slices_from: SliceBase) -> JobOutcome:
    """Return the outcome of a job that is done."""
    found = result.segmentation
    voxels = found.voxels if result.clean_up is None else result.clean_up.voxels_after
    details: dict[str, int | float | str] = {
        "voxels_labelled": voxels,
        "model": found.card.name,
        "model_sha256": found.card.sha256,
        "device": found.device,
        "polarity": found.polarity.value,
        "polarity_probability": round(found.polarity.probability, 3),
        "threshold": found.threshold,
    }
    doubts = tuple(result.report["warnings"])
    message = APART.join([*doubts, *result.notes_counted_from(slices_from)])
    return JobOutcome("done", message, voxels / math.prod(result.labels.shape), details, doubts=doubts)


def failed(error: Exception, slices_from: SliceBase) -> JobOutcome:
    """Return the outcome of a job that ended with an error; what nobody expected goes to the log as well."""
    text = sentence_of(error, slices_from)
    if text is None:
        LOGGER.error("unexpected error in a batch", exc_info=error)
        text = f"Something went wrong in the program ({type(error).__name__}: {error}); see the log file."
    projections = isinstance(error, LooksLikeTiltSeries)
    return JobOutcome(
        "projections" if projections else "failed",
        text,
        system_errors=_numbers_of(error),
        outside=isinstance(error, OutsideError),
    )


def _numbers_of(error: BaseException) -> frozenset[int]:
    """Return what the operating system said, wherever in the chain of errors."""
    found: set[int] = set()
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        if isinstance(current, OSError) and current.errno is not None:
            found.add(current.errno)
        current = current.__cause__ or current.__context__
    return frozenset(found)


def _unfinished(output: Path) -> str:
    """Say what an interrupted run has left beside labels that are there; what is of no use goes."""
    left = partial_folder(output)
    if not left.is_dir():
        return ""
    found = read_unfinished(left)
    if found is None:
        with suppress(UserError):  # somebody works in it
            forget(left)
        return ""
    return (
        f"; {count(found.finished, 'slice')} of an unfinished run that was to replace it are in "
        f"{left.name}: replace it to go on with them, or delete that folder"
    )


def _caption(row: BatchRow) -> str:
    return "was there already" if row.labelled is None else f"{100 * row.labelled:.2f} % labelled"
