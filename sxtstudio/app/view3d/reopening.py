"""After a crash the 3D view is there again, unless the crash may have come from opening it."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject

from sxtstudio.app.context import Context
from sxtstudio.workflow.document.document import Document

if TYPE_CHECKING:  # it imports this
    from sxtstudio.app.view3d.view import View3D

_NAME = "view3d_open"


class OpenWhenLeft(QObject):
    """Writes down with the work whether the 3D view is open, once it has drawn all that it shows.

    Before that it is not written: what ends the program while the view is being opened must not do so at
    every start.
    """

    def __init__(self, context: Context, view: View3D) -> None:
        """Follow ``view``."""
        super().__init__(view)
        self._view = view
        context.session.register_view(_NAME, self)

    def view_state(self) -> dict[str, Any]:
        """Return whether it is open."""
        return {"open": self._view.has_drawn_all and self._view.isVisible()}

    def restore_view_state(self, state: dict[str, Any]) -> None:
        """Leave it as it is in this window: a project that was saved says nothing to that."""


def take_open(document: Document) -> bool:
    """Return whether the 3D view of a recovered document was open, and write down that it is not; for a job.

    That is on the disk before the view is opened again. Where it cannot be written, False.
    """
    left = document.view.get(_NAME)
    document.view = {name: state for name, state in document.view.items() if name != _NAME}
    if not isinstance(left, dict) or left.get("open") is not True:
        return False
    with suppress(Exception):
        document.autosave(wait=True)
        return True
    return False


def open_again(context: Context) -> None:
    """Open the 3D view beside the slices; VTK is loaded in a job. The panel stays."""
    side, layout = context.parts.side, context.session.layout
    panel = side.current
    layout.set(view3d=True)
    side.show_panel(panel)
