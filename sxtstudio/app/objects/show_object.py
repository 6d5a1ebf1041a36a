"""Goes to an object in all views, near enough to see what it is."""

from __future__ import annotations

from sxtstudio.app.context import Context
from sxtstudio.app.objects import work


def show_object(context: Context, number: int) -> None:
    """Choose an object, go to it, and show it with what lies around it."""
    context.session.objects.set(selected=(number,))
    work.go_to(context)
