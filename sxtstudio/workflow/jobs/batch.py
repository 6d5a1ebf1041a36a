"""Many tomograms with one set of parameters; ``watching`` takes those that arrive in a folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sxtstudio.core.axes import AxisOrder
from sxtstudio.core.errors import SliceBase
from sxtstudio.core.progress import Progress
from sxtstudio.core.volume import VoxelSize
from sxtstudio.io.volume_name import with_axes
from sxtstudio.segment import SegmentParameters
from sxtstudio.workflow.jobs.batch_files import BatchRow, Existing, same_file
from sxtstudio.workflow.jobs.batch_jobs import Batch, JobRunner, OneAfterAnother, OnRow, OtherWork
from sxtstudio.workflow.jobs.batch_settings import check_batch
from sxtstudio.workflow.jobs.cleaning import CleanUp

__all__ = ["BatchParameters", "JobRunner", "OnRow", "OtherWork", "run_batch"]


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
    other_work: OtherWork | None = None,
    slices_from: SliceBase = 1,
    runner: JobRunner | None = None,
) -> list[BatchRow]:
    """Segment many tomograms; an error in one does not stop the others.

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
    other_work
        Asked before each tomogram for the name of what else needs the computer, such as a job of the window:
        it begins only when there is none.
    slices_from
        The number of the first slice in the messages of the rows: 0 for the command line.
    runner
        What runs the jobs; None runs them in this process, one after another.

    Returns
    -------
    list of BatchRow
        One for each tomogram.

    Raises
    ------
    UserError
        If nothing could be segmented with this model, use and options, the folder for the results, the
        contact sheet or the summary cannot be written, or the runner can run no job at all.
    Cancelled
        If the batch was cancelled; contact sheet and summary then show what is finished.
    """
    progress = progress or Progress()
    check_batch(parameters, here=runner is None)
    batch = Batch(parameters, on_row, slices_from)
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
    (runner or OneAfterAnother(other_work)).run(batch, iter(to_do), progress, len(to_do))
    return batch.rows
