"""The quality of a tomogram in a file, with what lies beside it: labels, their report, a table of objects."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msgspec import Struct, field
from msgspec.json import encode
from msgspec.json import format as format_json

from sxtstudio.core.atomic import atomic_write
from sxtstudio.core.errors import UserError
from sxtstudio.core.polarity import Value
from sxtstudio.core.printable import printable
from sxtstudio.core.progress import Progress
from sxtstudio.core.quality.measure import Known, measure_quality
from sxtstudio.core.quality.record import Quality
from sxtstudio.core.records import read_json, record_of
from sxtstudio.core.trust import Trust
from sxtstudio.core.trust_records import TrustColumns
from sxtstudio.core.volume import VoxelSize
from sxtstudio.core.wording import cut
from sxtstudio.io import open_volume
from sxtstudio.io.tables import read_table, where_names
from sxtstudio.workflow.document.views import VolumeView

#: What objects without a class count as.
UNCLASSIFIED = "not classified"


@dataclass(frozen=True)
class QualityJob:
    """A tomogram to be judged, and what belongs to it.

    Attributes
    ----------
    tomogram
        The reconstruction.
    labels
        Of its membranes; the report beside them (``segment --report``, ``batch``) says how sure the network
        was.
    half
        The reconstruction of the other half of the projections.
    objects
        A table of its objects, with their classes if they have any.
    voxel_nm
        In place of what the file says.
    polarity
        Of absorbing structures; None: it is judged from the image.
    """

    tomogram: Path
    labels: Path | None = None
    half: Path | None = None
    objects: Path | None = None
    voxel_nm: VoxelSize | None = None
    polarity: Value | None = None


class _Trust(Struct):
    per_slice: TrustColumns


class _Report(Struct):
    trust: _Trust | None = field(default=None)


def quality_of_file(job: QualityJob, progress: Progress | None = None) -> Quality:
    """Measure the quality of a tomogram; at most 96 of its slices are read.

    Raises
    ------
    UserError
        If a file cannot be read, or does not belong to the tomogram.
    Cancelled
        If the job was cancelled through ``progress``.
    """
    with ExitStack() as files:
        source = files.enter_context(open_volume(job.tomogram))
        half = None if job.half is None else files.enter_context(open_volume(job.half))
        labels = None if job.labels is None else files.enter_context(open_volume(job.labels))
        known = Known(
            printable(source.path.name),
            source.tilt_series,
            () if job.labels is None else trust_beside(job.labels),
            None if job.objects is None else objects_in(job.objects),
            job.polarity,
        )
        view = VolumeView(source, (0, source.shape[0]), job.voxel_nm or source.voxel_nm)
        return measure_quality(view, known, half=half, labels=labels, progress=progress)


def trust_beside(labels: Path) -> Trust:
    """Return the figures of trust in the report beside labels; none where there is no such report."""
    report = labels.with_suffix(".json")
    if not report.is_file():
        return ()
    what = f"The report {cut(report.name)} beside the labels"
    try:
        trust = record_of(read_json(report, what), _Report, what).trust
        return () if trust is None else trust.per_slice.of_slices(len(trust.per_slice.certainty))
    except UserError:
        return ()  # another program's, or a damaged one: the figures are left out


def objects_in(table: Path) -> dict[str, int]:
    """Return how many objects of each class a table has, the most frequent class first.

    Raises
    ------
    UserError
        If it cannot be read, or has no column "object".
    """
    columns = read_table(table)
    if "object" not in columns:
        raise UserError(
            f"{cut(table.name)} has no column “object” in {where_names(table)}: give a table of objects."
        )
    numbers = columns["object"]
    classes: Any = columns.get("class")
    if classes is None or classes.dtype.kind != "O":
        return {UNCLASSIFIED: len(numbers)}
    return classes_counted([str(name) for name in classes])


def classes_counted(names: Iterable[str]) -> dict[str, int]:
    """Return how often each class occurs, the most frequent first; "" is none."""
    return dict(Counter(name.strip() or UNCLASSIFIED for name in names).most_common())


def write_quality(path: Path, quality: Quality) -> None:
    """Write the record of a tomogram's quality as JSON.

    Raises
    ------
    UserError
        If it cannot be written.
    """
    with atomic_write(path) as temporary:
        temporary.write_bytes(format_json(encode(quality)))
