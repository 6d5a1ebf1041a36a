"""The quality of the open tomogram, with its labels, trust figures and objects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sxtstudio.core.polarity import Value
from sxtstudio.core.printable import printable
from sxtstudio.core.progress import Progress
from sxtstudio.core.quality.measure import Known, measure_quality
from sxtstudio.core.quality.record import Quality
from sxtstudio.core.trust import Trust
from sxtstudio.core.volume import ArrayVolume, Volume, VoxelSize
from sxtstudio.io import open_volume
from sxtstudio.workflow.document.document import Document
from sxtstudio.workflow.document.views import VolumeView
from sxtstudio.workflow.jobs.quality import classes_counted


@dataclass(frozen=True, eq=False)
class OpenTomogram:
    """What of an open tomogram its quality is judged by, as it was when the job was started."""

    name: str
    tomogram: Volume
    labels: Volume | None
    tilt_series: str
    voxel_nm: VoxelSize | None
    polarity: Value | None
    trust: Trust
    objects: Mapping[str, int] | None

    @classmethod
    def of(cls, document: Document) -> OpenTomogram:
        """Take what is open."""
        labels = document.labels
        rows = document.object_table.rows
        return cls(
            printable(document.name),
            document.tomogram,
            None if labels is None else ArrayVolume(labels),
            document.tomogram.tilt_series,
            document.voxel_nm,
            None if document.polarity is None else document.polarity.value,
            document.trust,
            classes_counted([row.class_name for row in rows.values()]) if rows else None,
        )


def quality_of_open(what: OpenTomogram, half: Path | None, progress: Progress | None = None) -> Quality:
    """Measure the quality of the open tomogram; ``half`` is a file of the other half reconstruction.

    Raises
    ------
    UserError
        If a file cannot be read, or the half does not belong to the tomogram.
    Cancelled
        If the job was cancelled through ``progress``.
    """
    known = Known(what.name, what.tilt_series, what.trust, what.objects, what.polarity)
    view = VolumeView(what.tomogram, voxel_nm=what.voxel_nm)
    if half is None:
        return measure_quality(view, known, labels=what.labels, progress=progress)
    with open_volume(half) as other:
        return measure_quality(view, known, half=other, labels=what.labels, progress=progress)
