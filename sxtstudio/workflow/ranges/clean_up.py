"""The clean-up of a segmentation in ranges, in ranges as well: planned once all of these are done.

Its plan is a plan as that of any labels, in the folder of the segmentation; ``finish_segmentation`` joins it.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from sxtstudio.core.errors import UserError
from sxtstudio.core.progress import Progress
from sxtstudio.core.temporary import remove
from sxtstudio.io import open_volume
from sxtstudio.workflow.jobs.cleaning import CleanJob
from sxtstudio.workflow.jobs.segmenting import open_source
from sxtstudio.workflow.ranges.cleaning import plan_cleaning
from sxtstudio.workflow.ranges.folder import PLAN, RangesFolder
from sxtstudio.workflow.ranges.running import all_records, check_images
from sxtstudio.workflow.ranges.segment_plan import LABELS, SegmentPlan
from sxtstudio.workflow.ranges.segment_records import SegmentRecord
from sxtstudio.workflow.ranges.state import RangesState, ranges_folder


def clean_up_folder(path: Path) -> Path:
    """Return where the ranges of the clean-up lie, in the folder ``path`` of a segmentation."""
    return ranges_folder(_cleaned(path))


def is_plan(path: Path) -> bool:
    """Whether there is a complete plan in a folder."""
    return (path / PLAN).is_file()


def plan_clean_up(
    path: Path,
    progress: Progress | None = None,
    *,
    tomogram: Path | None = None,
    model: str | Path | None = None,
) -> RangesState | None:
    """Plan the clean-up of a segmentation whose ranges are all done; None: it is to be done as a whole.

    Parameters
    ----------
    path
        The folder of the segmentation.
    progress
        Of the look at the labels, and of an automatic mask.
    tomogram, model
        Where these lie on this computer, if not where the plan says.

    Raises
    ------
    RangesMissing
        If ranges of the segmentation are missing or damaged.
    UserError
        If the tomogram cannot be read.
    """
    progress = progress or Progress()
    folder = RangesFolder(path)
    plan, checksum = folder.read_plan(SegmentPlan)
    plan.check_program()
    job = plan.job(tomogram, model)
    if not job.clean_up.wanted:
        return None
    with ExitStack() as stack:
        records = all_records(folder, plan, checksum, SegmentRecord)
        source = open_source(job, stack)
        if source.slices != (0, source.file.shape[0]):
            return None  # mask and tomogram lie over other slices than the labels
        labels = stack.enter_context(open_volume(folder.store(LABELS)))
        check_images(folder, plan, records, {LABELS: labels}, progress.part(0.5, "checking the ranges"))
    cleaning = CleanJob(
        folder.store(LABELS),
        _cleaned(path),
        job.clean_up,
        job.tomogram if job.clean_up.auto_mask else None,
        source.voxel_nm,
        polarity=plan.polarity.value,
    )
    try:
        return plan_cleaning(cleaning, plan.slices_per_range, progress.part(0.5, "planning the clean-up"))
    except UserError:
        # Whatever stands against it is said where it is done as a whole.
        forget_clean_up(path)
        return None


def forget_clean_up(path: Path) -> None:
    """Remove the ranges of the clean-up: the labels in the folder ``path`` have become others."""
    remove(clean_up_folder(path))


def _cleaned(path: Path) -> Path:
    """Return the name that stands for the cleaned labels, which are never written so."""
    return path / "cleaned.tif"
