"""All kinds of plans that a folder of ranges may hold."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from sxtstudio.workflow.ranges.clean_plan import CleanPlan
from sxtstudio.workflow.ranges.folder import RangesFolder
from sxtstudio.workflow.ranges.measure_plan import MeasurePlan
from sxtstudio.workflow.ranges.objects_plan import ObjectsPlan
from sxtstudio.workflow.ranges.plan import RangePlan
from sxtstudio.workflow.ranges.segment_plan import SegmentPlan

_KINDS: tuple[type[RangePlan], ...] = (SegmentPlan, CleanPlan, ObjectsPlan, MeasurePlan)
_BY_TAG = {str(kind.__struct_config__.tag): kind for kind in _KINDS}


class _Head(Struct):
    kind: Annotated[
        str,
        Meta(
            pattern=rf"\A({'|'.join(_BY_TAG)})\Z",
            description=" or ".join(f'"{tag}"' for tag in _BY_TAG),
        ),
    ]


def read_any_plan(folder: RangesFolder) -> tuple[RangePlan, str]:
    """Return the plan of a folder, whatever it is for, and its checksum; raises as ``read_plan``."""
    head, _ = folder.read_plan(_Head)
    return folder.read_plan(_BY_TAG[head.kind])
