"""Many tomograms with one set of parameters; ``watching`` takes those that arrive in a folder."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from sxtstudio.core.axes import AxisOrder
from sxtstudio.core.errors import Cancelled, SliceBase, UserError, sentence_of
from sxtstudio.core.logs import LOGGER
from sxtstudio.core.pace import Work
from sxtstudio.core.progress import Progress
from sxtstudio.core.stages import Stage, Stages
from sxtstudio.core.volume import VoxelSize
from sxtstudio.core.wording import count
from sxtstudio.io.volume_name import with_axes
from sxtstudio.segment import SegmentParameters
from sxtstudio.segment.checkpoint import forget, read_unfinished
from sxtstudio.workflow.jobs.batch_files import (
    BatchRow,
    Existing,
    Names,
    State,
    same_file,
    write_summary,
)
from sxtstudio.workflow.jobs.cleaning import CleanUp
from sxtstudio.workflow.jobs.contact_sheet import PANELS_PER_SHEET, Panel, panel_of, write_contact_sheet
from sxtstudio.workflow.jobs.outputs import Output, check_outputs
from sxtstudio.workflow.jobs.report import plain
from sxtstudio.workflow.jobs.segmenting import (
    LooksLikeTiltSeries,
    SegmentJob,
    SegmentResult,
    partial_folder,
    segment_file,
)

OnRow = Callable[[int, BatchRow], None]
Free = Callable[[], bool]

# Between two messages about the slices of one tomogram.
_SHORTEST_S = 0.2


@dataclass(frozen=True)
class BatchParameters:
    """What is done to every tomogram of a batch.

    Attributes
    ----------
    segmentation, clean_up, voxel_nm, force
        As for a single one.
    axes
        How all of them store their axes, where they do not say, or wrongly.
    folder
        For the labels; None writes them beside each tomogram.
    suffix
        ".tif" or ".mrc".
    existing
        What becomes of results that are there already: "rename" gives the new one another name, "skip"
        leaves the tomogram out, "replace" overwrites.
    resume
        Go on where a run was interrupted; otherwise begin such tomograms anew.
    reports
        Write a JSON report beside each label file.
    contact_sheet
        PNG picture of all results, written anew after each tomogram.
    summary
        Tables of all results, .csv or .json.
    """

    segmentation: SegmentParameters = field(default_factory=SegmentParameters)
    clean_up: CleanUp = field(default_factory=CleanUp)
    voxel_nm: VoxelSize | None = None
    force: bool = False
    axes: AxisOrder | None = None
    folder: Path | None = None
    suffix: str = ".tif"
    existing: Existing = "rename"
    resume: bool = True
    reports: bool = True
    contact_sheet: Path | None = None
    summary: tuple[Path, ...] = ()


def run_batch(
    tomograms: Sequence[Path],
    parameters: BatchParameters,
    on_row: OnRow | None = None,
    progress: Progress | None = None,
    *,
    earlier: Sequence[BatchRow] = (),
    free: Free | None = None,
    slices_from: SliceBase = 1,
) -> list[BatchRow]:
    """Segment tomograms one after another; an error in one does not stop the others.

    Parameters
    ----------
    tomograms
        Files, folders of slices, or ``file.h5::/path``.
    parameters
        For all of them.
    on_row
        Called with the number of a tomogram and its row whenever that changes.
    progress
        Counts the whole batch. A cancel keeps what is finished; the same call goes on from there.
    earlier
        Rows of an earlier run: tomograms that are finished in it are not segmented again.
    free
        Asked before each tomogram: it begins only when this is True, such as when the window does nothing
        that needs the computer.
    slices_from
        The number of the first slice in the messages of the rows: 0 for the command line.

    Returns
    -------
    list of BatchRow
        One for each tomogram.

    Raises
    ------
    UserError
        If the folder for the results, the contact sheet or the summary cannot be written.
    Cancelled
        If the batch was cancelled; contact sheet and summary then show what is finished.
    """
    progress = progress or Progress()
    batch = Batch(parameters, on_row, free, slices_from)
    finished = {row.tomogram: row for row in earlier if row.state in ("done", "skipped")}
    numbers: dict[object, int] = {}
    for tomogram in tomograms:
        named = with_axes(tomogram, parameters.axes)
        first = numbers.setdefault(same_file(named), len(batch.rows))
        again = None
        if first < len(batch.rows):
            again = BatchRow(named, "skipped", message=f"the same file as number {first + 1}")
        batch.add(named, again or finished.get(named))
    to_do = [number for number, row in enumerate(batch.rows) if row.state == "waiting"]
    stages = Stages(progress, [Stage(Work.FILE, 1, "segmenting")] * len(to_do))
    for number in to_do:
        with stages.stage(Work.FILE) as counter:
            batch.run(number, counter)
    return batch.rows


class Batch:
    """Rows, names and the pictures of a batch that runs.

    ``last`` keeps the pictures of the last contact sheet only: those before are full, and a watched folder
    goes on for days.
    """

    def __init__(
        self,
        parameters: BatchParameters,
        on_row: OnRow | None,
        free: Free | None,
        slices_from: SliceBase,
        *,
        skip_projections: bool = False,
        last: bool = False,
    ) -> None:
        self.parameters = parameters
        self._slices_from = slices_from
        self._skip_projections = skip_projections
        self._free = free or (lambda: True)
        self.rows: list[BatchRow] = []
        self._on_row = on_row
        self._names = Names(parameters.folder, parameters.suffix, parameters.existing)
        self._panels: dict[int, Panel] = {}
        self._last = last
        self._first_sheet = 0
        if parameters.folder is not None:
            try:
                parameters.folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise UserError(
                    f"The folder {parameters.folder} cannot be made ({error.strerror}): choose another."
                ) from error
        sheets = [parameters.contact_sheet] if parameters.contact_sheet else []
        check_outputs(
            [
                *(Output(path, "a contact sheet", (".png",)) for path in sheets),
                *(Output(path, "a table", (".csv", ".json")) for path in parameters.summary),
            ],
            [],
        )

    def add(self, tomogram: Path, finished: BatchRow | None = None) -> int:
        """Add a tomogram, or what is known of one that was finished earlier, and return its number."""
        self.rows.append(finished or BatchRow(tomogram))
        number = len(self.rows) - 1
        if finished is not None and finished.output is not None:
            self._names.keep(finished.output, tomogram)
            with suppress(UserError):  # it may have been moved away since
                self._picture(number, finished)
        self._set(number)
        return number

    def run(self, number: int, progress: Progress, *, replaced: bool = False) -> Exception | None:
        """Segment one tomogram, and return the error where it failed.

        Only a cancel and trouble with sheet or summary get out of here. ``replaced`` says that it has taken
        the place of one that was segmented before.
        """
        begin = time.monotonic()
        failed: Exception | None = None
        try:
            self._run(number, progress, begin, replaced)
        except Cancelled:
            slices = self.rows[number].slices
            text = f"stopped after {slices[0]} of {slices[1]} slices" if slices else "stopped"
            self._set(number, state="stopped", message=f"{text}; start again to go on", seconds=None)
            self._write()
            raise
        except Exception as error:
            text = _sentence(error, self._slices_from)
            # Tilt series arrive beside the tomograms that are made of them.
            skip = self._skip_projections and isinstance(error, LooksLikeTiltSeries)
            state: State = "skipped" if skip else "failed"
            self._set(number, state=state, message=text, seconds=time.monotonic() - begin)
            if skip:
                self._set(number, output=None)
            elif self.parameters.contact_sheet is not None:
                self._panels[number] = Panel(self.rows[number].tomogram.name, state, message=text)
            failed = error
        self._write()
        return failed

    def wait(self, number: int, message: str) -> None:
        """Say that a tomogram is to be tried again."""
        self._panels.pop(number, None)
        self._set(number, state="waiting", slices=None, seconds=None, message=message)

    def _run(self, number: int, progress: Progress, begin: float, replaced: bool) -> None:
        while not self._free():
            progress.step(0, "waiting for the other work to end")
            time.sleep(_SHORTEST_S)
        progress.check()
        parameters, tomogram = self.parameters, self.rows[number].tomogram
        skip = parameters.existing == "skip"
        there = self._names.there(tomogram, replaced=replaced) if skip else None
        output = there or self._names.output(tomogram, anew=skip)
        self._set(number, state="running", output=output)
        if there:
            text = f"{output.name} is there already{self._unfinished(output)}"
            self._set(number, state="skipped", message=text)
            self._picture(number, self.rows[number])
            return
        job = SegmentJob(
            tomogram=tomogram,
            output=output,
            parameters=parameters.segmentation,
            clean_up=parameters.clean_up,
            resume=parameters.resume and not replaced,
            report=output.with_suffix(".json") if parameters.reports else None,
            voxel_nm=parameters.voxel_nm,
            force=parameters.force,
        )
        last = 0.0

        def on_slice(z: int, labels: object, finished: int, total: int) -> None:
            nonlocal last
            slices = (finished, total)
            self.rows[number] = replace(self.rows[number], slices=slices)
            if finished == total or time.monotonic() - last > _SHORTEST_S:
                last = time.monotonic()
                self._set(number, slices=slices)

        result = segment_file(job, progress, on_slice)
        details = _details(result)
        labelled = int(details["voxels_labelled"]) / math.prod(result.labels.shape)
        self._set(
            number,
            state="done",
            seconds=time.monotonic() - begin,
            labelled=labelled,
            message="; ".join([*result.report["warnings"], *result.notes_counted_from(self._slices_from)]),
            details=details,
        )
        self._picture(number, self.rows[number])

    def _picture(self, number: int, row: BatchRow) -> None:
        if self.parameters.contact_sheet is not None and row.output is not None:
            self._panels[number] = panel_of(row.tomogram, row.output, _caption(row))

    def _unfinished(self, output: Path) -> str:
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

    def _set(self, number: int, **changes: object) -> None:
        self.rows[number] = replace(self.rows[number], **changes)  # type: ignore[arg-type]
        if self._on_row is not None:
            self._on_row(number, self.rows[number])

    def _write(self) -> None:
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


def _caption(row: BatchRow) -> str:
    return "was there already" if row.labelled is None else f"{100 * row.labelled:.2f} % labelled"


def _details(result: SegmentResult) -> dict[str, int | float | str]:
    found = result.segmentation
    return {
        "voxels_labelled": found.voxels if result.clean_up is None else result.clean_up.voxels_after,
        "model": found.card.name,
        "model_sha256": found.card.sha256,
        "device": found.device,
        "polarity": found.polarity.value,
        "polarity_probability": round(found.polarity.probability, 3),
        "threshold": found.threshold,
    }


def _sentence(error: Exception, slices_from: SliceBase) -> str:
    """Return what to tell the user; what nobody expected goes to the log as well."""
    sentence = sentence_of(error, slices_from)
    if sentence is not None:
        return sentence
    LOGGER.error("unexpected error in a batch", exc_info=error)
    return f"Something went wrong in the program ({type(error).__name__}: {error}); see the log file."
