"""Questions before a document or the window is closed."""

from __future__ import annotations

from sxtstudio.app.context import Context


def may_close(context: Context) -> bool:
    """Return whether running jobs and unsaved work may be left; asks the user where need be."""
    return True
