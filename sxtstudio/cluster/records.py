"""What goes between the batch and its workers: plain data, checked where it arrives."""

from __future__ import annotations

import json
import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote_from_bytes, unquote_to_bytes

import msgspec
from msgspec import Meta, Struct

from sxtstudio.cluster.mapping import PathMapping
from sxtstudio.core.cleanup import CleanParameters
from sxtstudio.core.errors import SliceBase
from sxtstudio.core.polarity import PolarityChoice
from sxtstudio.core.records import read_json_record
from sxtstudio.core.uses import Use
from sxtstudio.core.volume import VoxelSize
from sxtstudio.segment.neighbours import Reach
from sxtstudio.segment.parameters import SegmentParameters, SliceChoice, TrustChoice
from sxtstudio.workflow.jobs.batch_jobs import JobOutcome
from sxtstudio.workflow.jobs.batch_objects import ObjectsFound, ObjectsWanted
from sxtstudio.workflow.jobs.cleaning import CleanUp
from sxtstudio.workflow.jobs.segmenting import SegmentJob
from sxtstudio.workflow.ranges.any_range import AnyRange

Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z", description="64 hexadecimal digits")]
# A path whose bytes are no UTF-8 goes as well: all but plain letters are written %C3.
_Path = Annotated[str, Meta(pattern=r"^[!-~]+\Z", max_length=40_000, description="a quoted path")]


class SegmentationRecord(Struct, frozen=True, forbid_unknown_fields=True):
    """SegmentParameters but for the model."""

    device: str
    tile_px: int | None
    batch: int | None
    threshold: float | None
    use: Use | None
    polarity: PolarityChoice
    slices: SliceChoice | None
    probability: bool
    trust: TrustChoice
    neighbours: Reach
    leave_out: bool
    noisy: bool


class ModelRecord(Struct, frozen=True, forbid_unknown_fields=True):
    """A model: its name, whether it was asked for by that or is the default, its file, and its checksum.

    The checksum decides; where the worker has no such model, it is sent.
    """

    name: str
    by: Literal["default", "name", "file"]
    file: _Path
    sha256: Sha256


class WorkerStep(StrEnum):
    """What a worker is to do for a tomogram."""

    BEGIN = "begin"  # segment it, or plan ranges of it
    RANGE = "range"  # do one of these
    PLAN_CLEANING = "plan-cleaning"  # once all are done: plan the clean-up in ranges
    CLEAN = "clean"  # do one of those
    FINISH = "finish"  # join all
    OBJECTS = "objects"  # find objects in the labels


class Division(Struct, frozen=True, forbid_unknown_fields=True):
    """A tomogram of more than ``slices`` slices, and of ``least_voxels``, is divided into ranges of these."""

    slices: Annotated[int, Meta(ge=1)]
    least_voxels: Annotated[int, Meta(ge=0)] = 0


class ObjectsWantedRecord(Struct, frozen=True, forbid_unknown_fields=True):
    """What is to be found in the labels: the content of the classifier, which lies where the batch runs."""

    classifier: str | None
    name: _Path
    voxel_nm: VoxelSize | None


class JobRecord(Struct, frozen=True, forbid_unknown_fields=True):
    """A tomogram to segment; all paths are those of the worker.

    ``back`` names the folders of the worker as the batch calls them, for the report. ``topic`` is what the
    worker's messages are sent under, ``key`` what they are about. ``division`` is for the step that begins
    it (None: as a whole), ``range`` the number of the range to do, ``objects`` for the step that finds them.
    ``unless_there``: labels that another run has written meanwhile stay as they are.
    """

    key: str
    topic: str
    versions: dict[str, str]
    model: ModelRecord
    tomogram: _Path
    output: _Path
    report: _Path | None
    mask: _Path | None
    segmentation: SegmentationRecord
    clean: CleanParameters
    auto_mask: bool
    resume: bool | None
    voxel_nm: VoxelSize | None
    force: bool
    slices_from: SliceBase
    back: dict[str, str]
    step: WorkerStep = WorkerStep.BEGIN
    division: Division | None = None
    range: Annotated[int, Meta(ge=0)] | None = None
    objects: ObjectsWantedRecord | None = None
    unless_there: bool = False

    def job(self, model: str | Path | None) -> SegmentJob:
        """Return the job, with the model as it is found on this machine."""
        parameters = msgspec.structs.asdict(self.segmentation)
        return SegmentJob(
            tomogram=path_of(self.tomogram),
            output=path_of(self.output),
            parameters=SegmentParameters(model=model, **parameters),
            clean_up=CleanUp(
                self.clean,
                mask=None if self.mask is None else path_of(self.mask),
                auto_mask=self.auto_mask,
            ),
            resume=self.resume,
            report=None if self.report is None else path_of(self.report),
            voxel_nm=self.voxel_nm,
            force=self.force,
        )


class PlannedRange(Struct, frozen=True, forbid_unknown_fields=True):
    """A range of a tomogram: how many slices it has, and how many of them are finished."""

    slices: Annotated[int, Meta(ge=1)]
    finished: Annotated[int, Meta(ge=0)]
    done: bool


class PlannedRecord(Struct, frozen=True, forbid_unknown_fields=True):
    """A range of a plan to do, as ``AnyRange``; all paths are those of the worker."""

    versions: dict[str, str]
    folder: _Path
    number: Annotated[int, Meta(ge=0)]
    device: str
    tile_px: int | None
    tomogram: _Path | None
    model: str | None

    def job(self) -> AnyRange:
        """Return the range."""
        tomogram = None if self.tomogram is None else path_of(self.tomogram)
        return AnyRange(path_of(self.folder), self.number, self.device, self.tile_px, tomogram, self.model)


class OutcomeRecord(Struct, frozen=True, forbid_unknown_fields=True):
    """What became of it.

    "refused": the worker cannot run it, as it has other versions; "no-model": it must be sent the model;
    "stopped": the worker was told to stop; "planned": it is divided into ``ranges``; "range-done": the range
    is; "missing": ranges with these numbers have to be done again, those that ``step`` does; "no-plan": its
    plan has gone; "objects": there are so many of each class, so many of them bodies and so many at the
    border, with what to know in ``notes``; "there": another run has written the labels.
    """

    state: Literal[
        "done", "failed", "projections", "refused", "no-model", "stopped", "planned", "range-done", "missing",
        "no-plan", "objects", "there",
    ]  # fmt: skip
    message: str = ""
    labelled: float | None = None
    details: dict[str, int | float | str] | None = None
    system_errors: tuple[int, ...] = ()
    worker: str = ""
    ranges: tuple[PlannedRange, ...] = ()
    missing: tuple[int, ...] = ()
    step: WorkerStep = WorkerStep.RANGE
    outside: bool = False
    counts: dict[str, Annotated[int, Meta(ge=0)]] = {}
    notes: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    bodies: Annotated[int, Meta(ge=0)] | None = None
    border: Annotated[int, Meta(ge=0)] | None = None

    def found(self) -> ObjectsFound:
        """Return the objects that were found."""
        return ObjectsFound(self.counts, self.notes, bodies=self.bodies, border=self.border)

    def outcome(self) -> JobOutcome:
        """Return it for the row of the batch."""
        state: Literal["done", "failed", "projections"]
        state = self.state if self.state in ("done", "projections") else "failed"
        numbers = frozenset(self.system_errors)
        return JobOutcome(
            state,
            self.message,
            self.labelled,
            self.details,
            numbers,
            self.outside,
            doubts=self.doubts,
        )


def job_record(
    job: SegmentJob,
    *,
    key: str,
    topic: str,
    versions: dict[str, str],
    model: ModelRecord,
    mapping: PathMapping,
    slices_from: SliceBase,
    step: WorkerStep = WorkerStep.BEGIN,
    division: Division | None = None,
    range_number: int | None = None,
    objects: ObjectsWanted | None = None,
    unless_there: bool = False,
) -> JobRecord:
    """Return the record of a job, with the paths of the workers."""
    given, clean_up = job.parameters, job.clean_up
    if job.probability is not None or clean_up.inside_mask or clean_up.threshold is not None:
        raise ValueError("a batch has none of these")
    names = SegmentationRecord.__struct_fields__
    parameters = {name: value for name, value in vars(given).items() if name in names}

    def there(path: Path | None) -> str | None:
        return None if path is None else quoted(mapping.there(path.absolute()))

    return JobRecord(
        key=key,
        topic=topic,
        versions=versions,
        model=model,
        tomogram=quoted(mapping.there(job.tomogram.absolute())),
        output=quoted(mapping.there(job.output.absolute())),
        report=there(job.report),
        mask=there(clean_up.mask),
        segmentation=SegmentationRecord(**parameters),
        clean=clean_up.parameters,
        auto_mask=clean_up.auto_mask,
        resume=job.resume,
        voxel_nm=job.voxel_nm,
        force=job.force,
        slices_from=slices_from,
        back=mapping.back(),
        step=step,
        division=division,
        range=range_number,
        objects=None if objects is None else _objects_record(objects),
        unless_there=unless_there,
    )


def _objects_record(wanted: ObjectsWanted) -> ObjectsWantedRecord:
    path = wanted.classifier
    content = None if path is None else path.read_text(encoding="utf-8")
    return ObjectsWantedRecord(
        content, quoted("classifier.json" if path is None else path.name), wanted.voxel_nm
    )


def to_bytes(record: Struct) -> bytes:
    """Return a record as JSON."""
    return json.dumps(msgspec.to_builtins(record)).encode()


def job_from(content: bytes) -> JobRecord:
    """Read a job; RecordError says what is wrong with it."""
    return read_json_record(content, JobRecord, "The job that was sent")


def planned_from(content: bytes) -> PlannedRecord:
    """Read a range to do; RecordError says what is wrong with it."""
    return read_json_record(content, PlannedRecord, "The range that was sent")


def outcome_from(content: bytes) -> OutcomeRecord:
    """Read an outcome; RecordError says what is wrong with it."""
    return read_json_record(content, OutcomeRecord, "What a worker answered")


def quoted(path: str | Path) -> str:
    """Return a path as plain letters."""
    return quote_from_bytes(os.fsencode(path), safe="/:\\")


def path_of(text: str) -> Path:
    """Return the path that ``quoted`` wrote."""
    return Path(os.fsdecode(unquote_to_bytes(text)))


def message(values: Any) -> dict[str, Any]:
    """Return the message in an event of dask's, an empty one where it is none."""
    found = values[1] if isinstance(values, tuple | list) and len(values) == 2 else values
    return found if isinstance(found, dict) else {}
