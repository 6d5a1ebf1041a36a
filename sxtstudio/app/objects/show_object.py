"""Goes to an object in all views, near enough to see what it is."""

from __future__ import annotations

from sxtstudio.app.context import Context


def show_object(context: Context, number: int) -> None:
    """Choose an object, go to it, and show it with what lies around it."""
    session = context.session
    session.objects.set(selected=(number,))
    box = None if session.document is None else session.document.box_of(number)
    if box is not None:
        z, y, x = ((start + stop - 1) // 2 for start, stop in zip(box.start, box.stop, strict=True))
        session.set_cursor((z, y, x))
        context.parts.slices.frame(box)
