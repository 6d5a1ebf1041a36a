"""Which slices of a project were worked on by hand, and which the user called complete."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.steps import Step, effective


def drawn_slices(steps: Sequence[Step]) -> tuple[int, ...]:
    """Return the XY slices (from 0) that were worked on by hand since they were segmented last.

    Parameters
    ----------
    steps
        What was done, in order; what was undone does not count.
    """
    found: set[int] = set()
    for step in effective(steps):
        z = step.parameters.get("slice")
        if step.edit is EditKind.SEGMENT and not step.partial:
            found = {other for other in found if not _segmented(step, other)}
        elif step.draws and step.parameters.get("plane") == "xy" and _is_slice(z):
            found.add(int(z))  # type: ignore[arg-type]
    return tuple(sorted(found))


def _segmented(step: Step, z: int) -> bool:
    """Whether a segmentation replaced slice ``z``: it notes the first one and the one after the last."""
    ends = step.parameters.get("slices")
    if isinstance(ends, list | tuple) and len(ends) == 2 and all(_is_slice(end) for end in ends):
        return bool(ends[0] <= z < ends[1])
    return True


def marked_slices(view: Mapping[str, Any]) -> tuple[int, ...]:
    """Return the slices (from 0) that the state of the views of a project calls complete."""
    state = view.get("complete", {})
    found = state.get("slices", []) if isinstance(state, dict) else []
    if not isinstance(found, list):
        return ()
    return tuple(sorted({z for z in found if _is_slice(z)}))


def _is_slice(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
