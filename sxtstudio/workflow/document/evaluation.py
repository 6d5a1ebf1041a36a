"""The evaluation of a document by an expert, as it stands among the views of a project."""

from __future__ import annotations

import zlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from msgspec import Meta, Struct
from numpy.typing import NDArray

from sxtstudio.core.errors import UserError
from sxtstudio.core.evaluation.judgement import Evaluation, JudgedSlice, JudgedTomogram
from sxtstudio.core.evaluation.judgement_records import (
    JudgedLines,
    SliceIndex,
    SliceIndices,
    judged_to_json,
)
from sxtstudio.core.evaluation.marks import judged_pixels
from sxtstudio.core.geometry import Box
from sxtstudio.core.labels import as_labels
from sxtstudio.core.records import record_of
from sxtstudio.core.volume import Volume
from sxtstudio.io import open_volume
from sxtstudio.io.project import Record, project_folder, read_record, volume_path
from sxtstudio.workflow.document.document import Document

#: Among the views of a project.
VIEW = "evaluation"
_MOST = 100_000
_Seconds = Annotated[float, Meta(ge=0, le=1e9, description="seconds")]


class _TimeFile(Struct, frozen=True):
    """The time spent on a slice."""

    slice: SliceIndex
    seconds: _Seconds


class _EvaluationFile(Struct, frozen=True):
    """An evaluation, as it stands in the file."""

    slices: SliceIndices = ()
    judged: JudgedLines = ()
    seconds: Annotated[tuple[_TimeFile, ...], Meta(max_length=_MOST)] = ()


def evaluation_to_view(evaluation: Evaluation) -> dict[str, Any]:
    """Return an evaluation as JSON values."""
    return {
        "slices": list(evaluation.slices),
        "judged": [judged_to_json(z, one) for z, one in sorted(evaluation.judged.items())],
        "seconds": [{"slice": z, "seconds": round(s, 1)} for z, s in sorted(evaluation.seconds.items())],
    }


def evaluation_of_view(state: Any, depth: int, what: str) -> Evaluation:
    """Return the evaluation of a tomogram of ``depth`` slices; what there is no slice for is left out.

    Raises
    ------
    UserError
        If it is damaged; ``what`` says what, "The evaluation in cell.sxt".
    """
    found = record_of(state, _EvaluationFile, f"{what} is damaged", "Judge the slices again.")
    wanted = {z for z in found.slices if z < depth}
    slices = tuple(sorted(wanted))
    judged = {one.slice: one.judged() for one in found.judged if one.slice in wanted}
    return Evaluation(
        slices, judged, {one.slice: one.seconds for one in found.seconds if one.slice in wanted}
    )


def evaluation_of_record(record: Record, what: str) -> Evaluation:
    """Return the evaluation that stands in a project; an empty one where there is none."""
    state = record.view.get(VIEW, {})
    return evaluation_of_view(state, record.tomogram.shape[0], what)


def evaluation_alone(record: Record) -> dict[str, Any]:
    """Return the views of a record without all but its evaluation, of which the methods text tells.

    A damaged evaluation is left out, as ``evaluation_found`` of the methods does.
    """
    try:
        found = evaluation_of_record(record, "The evaluation")
    except UserError:
        return {}
    return {VIEW: evaluation_to_view(found)} if found.slices else {}


def judged_project(path: Path) -> JudgedTomogram:
    """Return what was judged in a saved project, and of which slices the labels are others by now.

    Raises
    ------
    UserError
        If it cannot be read.
    """
    folder = project_folder(path)
    record = read_record(folder)
    found = evaluation_of_record(record, f"The evaluation in {folder.name}")
    same = still_judged_in_project(folder, record)
    return JudgedTomogram(folder.name, found, frozenset(found.judged.keys() - set(same)))


def judge_slice(document: Document, z: int) -> JudgedSlice:
    """Count the pixels of slice ``z`` of a document by its marks, as they are now."""
    labels, marks = document.array("labels"), document.array("marks")
    plane = np.zeros(document.shape[1:], np.uint8) if labels is None else labels[z]
    pixels = judged_pixels(plane, None if marks is None else marks[z])
    return JudgedSlice(pixels, crc32_of(plane), datetime.now(UTC).isoformat(timespec="seconds"))


def crc32_of(labels: NDArray[Any]) -> int:
    """Return the CRC-32 of the labels of a slice (y, x), by which they are known again."""
    return zlib.crc32(as_labels(np.ascontiguousarray(labels)).data)


def still_judged(evaluation: Evaluation, labels: Volume) -> tuple[int, ...]:
    """Return the judged slices whose labels (z, y, x) are as they were when they were judged."""
    return tuple(
        z
        for z, one in sorted(evaluation.judged.items())
        if z < labels.shape[0] and crc32_of(labels.read(Box.slab(z, z + 1, labels.shape))[0]) == one.crc32
    )


def still_judged_in_project(folder: Path, record: Record) -> tuple[int, ...]:
    """Return the judged slices of a project whose labels are as they were.

    Raises
    ------
    UserError
        If its labels cannot be read.
    """
    stored = record.volumes.get("labels")
    evaluation = evaluation_of_record(record, f"The evaluation in {folder.name}")
    if stored is None or not evaluation.judged:
        return ()
    with open_volume(volume_path(folder, stored)) as labels:
        return still_judged(evaluation, labels)
