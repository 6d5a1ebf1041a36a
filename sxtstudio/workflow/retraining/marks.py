"""Which slices of a project were worked on by hand, and which the user called complete."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

# Not drawn by hand.
_NOT_DRAWN = ("Undo", "Redo", "Export", "Mark slice")


def drawn_slices(steps: Sequence[tuple[str, Mapping[str, Any]]]) -> tuple[int, ...]:
    """Return the XY slices (from 0) that were worked on by hand since the last segmentation.

    Parameters
    ----------
    steps
        Name and parameters of what was done, in order.
    """
    names = [name for name, _ in steps]
    first = len(names) - names[::-1].index("Segment") if "Segment" in names else 0
    found: set[int] = set()
    for name, parameters in steps[first:]:
        z = parameters.get("slice")
        by_hand = not name.startswith(_NOT_DRAWN) and "mask" not in name
        if by_hand and parameters.get("plane") == "xy" and _is_slice(z):
            found.add(int(z))  # type: ignore[arg-type]
    return tuple(sorted(found))


def marked_slices(view: Mapping[str, Any]) -> tuple[int, ...]:
    """Return the slices (from 0) that the state of the views of a project calls complete."""
    state = view.get("complete", {})
    found = state.get("slices", []) if isinstance(state, dict) else []
    if not isinstance(found, list):
        return ()
    return tuple(sorted({z for z in found if _is_slice(z)}))


def _is_slice(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
