"""Everything that the user can do, in one table; menus and toolbar are built from it."""

from sxtstudio.app.actions.info import MENUS, ActionInfo
from sxtstudio.app.actions.table import TABLE

__all__ = ["MENUS", "TABLE", "ActionInfo"]
