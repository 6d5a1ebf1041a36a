"""The actions of this menu and what they do."""

from __future__ import annotations

from sxtstudio.app.actions.info import ActionInfo

ACTIONS: tuple[ActionInfo, ...] = ()
