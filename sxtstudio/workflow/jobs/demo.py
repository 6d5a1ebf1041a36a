"""The main job on the sample tomogram: what ``make run`` does."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from sxtstudio.core.cleanup import CleanParameters
from sxtstudio.core.errors import UserError
from sxtstudio.core.pace import Work
from sxtstudio.core.progress import Progress
from sxtstudio.core.shipped import sample_tomogram
from sxtstudio.core.stages import Stage, Stages
from sxtstudio.io import open_volume
from sxtstudio.segment import SegmentParameters
from sxtstudio.surface import SurfaceParameters
from sxtstudio.workflow.jobs.cleaning import CleanUp
from sxtstudio.workflow.jobs.report import plain, write_report
from sxtstudio.workflow.jobs.segmenting import OnSlice, SegmentJob, SegmentResult, segment_file
from sxtstudio.workflow.jobs.surfacing import SurfaceJob, SurfaceResult, stages_of, surface_file

SAMPLE = sample_tomogram()
# Specks of less than this are noise rather than membrane.
MIN_SIZE_VOXELS = 200
MIN_FACES = 1000
# The frame of a reconstruction looks like a membrane (z, y, x).
CROP = (0, 6, 6)


@dataclass(frozen=True)
class DemoResult:
    """What the job wrote."""

    segmentation: SegmentResult
    surface: SurfaceResult
    report: Path


def demo(
    out_dir: Path,
    progress: Progress | None = None,
    *,
    sample: Path = SAMPLE,
    model: str | Path | None = None,
    on_slice: OnSlice | None = None,
) -> DemoResult:
    """Segment the sample tomogram with the default model, clean it up, and draw its surface.

    Parameters
    ----------
    out_dir
        Folder for labels.tif, surface.ply, picture.png and report.json; made if it does not exist.
    progress
        Counts the whole job.
    sample, model
        Another tomogram or model.
    on_slice
        As for ``segment_file``.

    Raises
    ------
    UserError
        If the sample or the model is missing, or the folder cannot be written to.
    Cancelled
        If the job was cancelled through ``progress``.
    """
    progress = progress or Progress()
    if not sample.is_file():
        raise UserError(f"The sample tomogram {sample} is missing: get SXT Studio again.")
    try:
        out_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"The folder {out_dir} cannot be made ({error.strerror}): choose another.") from error
    job = SegmentJob(
        tomogram=sample,
        output=out_dir / "labels.tif",
        parameters=SegmentParameters(model=model),
        clean_up=CleanUp(CleanParameters(min_size_voxels=MIN_SIZE_VOXELS, crop=CROP)),
        # What an interrupted run left is done again, so that a changed model or sample never mixes with it.
        resume=False,
    )
    with open_volume(sample) as volume:
        voxels = math.prod(volume.shape)
    surface_job = SurfaceJob(
        labels=job.output,
        mesh=out_dir / "surface.ply",
        parameters=SurfaceParameters(objects=True, min_faces=MIN_FACES),
        picture=out_dir / "picture.png",
    )
    segmenting = Stage(Work.SEGMENT, voxels, "segmenting")
    stages = Stages(
        progress, (segmenting, Stage(Work.SURFACE, voxels, "surface", stages_of(surface_job, voxels)))
    )
    with stages.stage(Work.SEGMENT) as counter:
        segmented = segment_file(job, counter, on_slice)
    with stages.stage(Work.SURFACE) as counter:
        surface = surface_file(surface_job, counter)
    path = out_dir / "report.json"
    write_report(path, {**segmented.report, "job": "demo", "surface": plain(surface)})
    return DemoResult(segmented, surface, path)
