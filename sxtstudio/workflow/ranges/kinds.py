"""All kinds of plans that a folder of ranges may hold."""

from __future__ import annotations

from sxtstudio.workflow.ranges.segment_plan import SegmentPlan

AnyPlan = SegmentPlan
