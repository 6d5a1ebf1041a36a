"""Planning the segmentation of one tomogram in ranges."""

from __future__ import annotations

from contextlib import ExitStack, closing

from sxtstudio.core.polarity import chosen_polarity
from sxtstudio.core.progress import Progress
from sxtstudio.segment.checkpoint import explained
from sxtstudio.segment.job import check_settings, prepare
from sxtstudio.workflow.jobs.outputs import check_outputs
from sxtstudio.workflow.jobs.segmenting import SegmentJob, inputs_of, open_source, outputs_of
from sxtstudio.workflow.ranges.running import is_planned, make_images
from sxtstudio.workflow.ranges.segment_plan import plan_of
from sxtstudio.workflow.ranges.split import SLICES_PER_RANGE, split
from sxtstudio.workflow.ranges.state import RangesState, begin_plan, read_state


def plan_segmentation(
    job: SegmentJob, slices_per_range: int = SLICES_PER_RANGE, progress: Progress | None = None
) -> RangesState:
    """Plan a segmentation in ranges: check the job, decide on the polarity, and make the folder.

    Parameters
    ----------
    job
        As for ``segment_file``. ``resume`` None or True goes on with the same plan if it was made before;
        False discards what is there.
    slices_per_range
        Is rounded up to whole layers of chunks.
    progress
        Of the look at the polarity.

    Returns
    -------
    RangesState
        Where it lies (``ranges_folder``), and which ranges are left.

    Raises
    ------
    UserError
        If the job cannot be done, or the folder holds another plan.
    """
    check_outputs(outputs_of(job), inputs_of(job))
    split(1, slices_per_range)  # refuses what makes no sense
    with ExitStack() as stack:
        source = open_source(job, stack)
        card = check_settings(job.parameters)
        folder = begin_plan(job.output, stack)
        undecided = plan_of(job, source, card, chosen_polarity("dark"), slices_per_range, [])
        if job.resume is False or not is_planned(folder, undecided):
            folder.discard()
            with closing(
                prepare(source.file, job.parameters, progress or Progress(), count_beads=True)
            ) as decided:
                plan = plan_of(
                    job,
                    source,
                    card,
                    decided.polarity,
                    slices_per_range,
                    decided.notes,
                    decided.artefacts,
                )
            source.tomogram.check()
            with explained(folder.path):
                make_images(folder, plan)
            folder.write_plan(plan)
    return read_state(folder.path)
