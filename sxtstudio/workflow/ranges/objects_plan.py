"""What all ranges have in common in which objects are found, and what is kept of each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sxtstudio.core.bodies.find import BodyParameters
from sxtstudio.core.bodies.method import Method
from sxtstudio.io.tables import dictionary_path
from sxtstudio.workflow.jobs.objects import ObjectsJob, TakenAs, parameters_of
from sxtstudio.workflow.ranges.label_plan import LabelPlan
from sxtstudio.workflow.ranges.plan import FileName, RangeRecord, SharedImage
from sxtstudio.workflow.ranges.segment_plan import title_of

NUMBERS = "numbers"


class ObjectsPlan(
    LabelPlan, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="objects"
):
    """Objects in ranges: the fields are those of ``ObjectsJob``, ``half_px`` half the width of outlines."""

    method: Method
    gap_nm: float | None
    split: float
    min_voxels: int | None
    min_nm3: float | None
    mask: FileName | None
    membrane_nm: float | None
    sheets: bool
    caps: bool
    image: FileName | None
    probability: FileName | None
    table: FileName | None
    taken_as: TakenAs | None
    half_px: float

    @property
    def other_outputs(self) -> tuple[Path, ...]:
        """The table, and the dictionary beside it."""
        if self.table is None:
            return ()
        table = Path(self.table)
        beside = dictionary_path(table)
        return (table,) if beside is None else (table, beside)

    @property
    def images(self) -> tuple[SharedImage, ...]:
        """The numbers of components in each range; of bodies there is none."""
        if self.method is Method.BODIES:
            return ()
        return (SharedImage(NUMBERS, self.shape, "uint32", title_of(self.output), self.voxel_nm, None),)

    @property
    def parameters(self) -> BodyParameters:
        """How bodies are found."""
        return parameters_of(self.job(), self.voxel_nm)

    def asked(self) -> dict[str, Any]:
        """Return what was asked for."""
        return {
            **super().asked(),
            "the method": self.method.value,
            "the width of gaps": self.gap_nm,
            "the split": self.split,
            "the smallest object": (self.min_voxels, self.min_nm3),
            "the mask": self.mask,
            "the membrane": self.membrane_nm,
            "the choice of sheets": self.sheets,
            "the choice of caps": self.caps,
            "the tomogram": self.image,
            "the network's output": self.probability,
            "the table": self.table,
        }

    def job(self) -> ObjectsJob:
        """Return the job of which this is the plan."""
        return ObjectsJob(
            labels=Path(self.labels.path),
            output=Path(self.output),
            method=self.method,
            gap_nm=self.gap_nm,
            split=self.split,
            min_voxels=self.min_voxels,
            min_nm3=self.min_nm3,
            mask=_path(self.mask),
            voxel_nm=self.given_nm,
            label=self.label,
            membrane_nm=self.membrane_nm,
            sheets=self.sheets,
            caps=self.caps,
            image=_path(self.image),
            probability=_path(self.probability),
            table=_path(self.table),
            taken_as=self.taken_as,
        )


class ObjectsRecord(RangeRecord, frozen=True, kw_only=True):
    """A range in which objects were found; what was found lies beside it."""


def _path(name: str | None) -> Path | None:
    return None if name is None else Path(name)
