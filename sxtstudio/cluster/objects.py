"""What a worker does after a segmentation: it finds the objects in the labels, as the batch would itself."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from sxtstudio.cluster.records import ObjectsWantedRecord, OutcomeRecord, path_of
from sxtstudio.core.progress import Progress
from sxtstudio.workflow.jobs.batch_objects import ObjectsWanted, find_objects
from sxtstudio.workflow.jobs.segmenting import SegmentJob


def objects_in(job: SegmentJob, asked: ObjectsWantedRecord | None, progress: Progress) -> OutcomeRecord:
    """Find the objects in the labels of a job that is done, with the classifier that was sent along.

    Raises
    ------
    UserError, Cancelled
        As ``find_objects``.
    """
    if asked is None:
        raise ValueError("the job does not say what is to be found")
    with TemporaryDirectory(prefix="sxtstudio-") as folder:
        classifier = None
        if asked.classifier is not None:
            classifier = Path(folder) / path_of(asked.name).name
            classifier.write_text(asked.classifier, encoding="utf-8")
        wanted = ObjectsWanted(classifier, asked.voxel_nm)
        found = find_objects(wanted, job.tomogram, job.output, progress)
    return OutcomeRecord(
        "objects", counts=dict(found.counts), notes=found.notes, bodies=found.bodies, border=found.border
    )
