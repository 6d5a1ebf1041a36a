"""The table of all actions, one module of handlers per menu."""

from __future__ import annotations

from sxtstudio.app.actions import (
    classes,
    edit,
    file,
    help,
    labels,
    objects,
    objects_by_hand,
    segment,
    surface,
    tools,
    view,
)
from sxtstudio.app.actions.info import ActionInfo

TABLE: tuple[ActionInfo, ...] = (
    *file.ACTIONS,
    *edit.ACTIONS,
    *view.ACTIONS,
    *segment.ACTIONS,
    *labels.ACTIONS,
    *objects.ACTIONS,
    *objects_by_hand.ACTIONS,
    *classes.ACTIONS,
    *surface.ACTIONS,
    *tools.ACTIONS,
    *help.ACTIONS,
)
