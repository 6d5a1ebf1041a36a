"""Whether objects were made, classed or noted by hand: those are not replaced without asking."""

from __future__ import annotations

from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.object_table import Decided
from sxtstudio.core.steps import effective
from sxtstudio.workflow.document.document import Document


def made_by_hand(document: Document) -> bool:
    """Return whether somebody would lose work if all objects were found anew."""
    rows = document.object_table.rows
    if not rows:
        return False
    if any(row.notes or (row.class_name and row.decided is Decided.HAND) for row in rows.values()):
        return True
    standing = effective(document.steps)
    found = [place for place, step in enumerate(standing) if step.edit is EditKind.FIND_OBJECTS]
    since = standing[found[-1] + 1 :] if found else standing
    return any(step.target == "objects" and step.edit is not None and step.edit.by_hand for step in since)
