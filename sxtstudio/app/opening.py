"""Opening tomograms and projects from the menu, by drag and drop, or at the start."""

from __future__ import annotations

from pathlib import Path

from sxtstudio.app.context import Context
from sxtstudio.app.errors import show_error
from sxtstudio.core.errors import UserError
from sxtstudio.workflow.document import Document


def open_path(context: Context, path: str | Path) -> None:
    """Open a tomogram; where that fails, the open document stays as it was."""
    try:
        document = Document.open(path)
    except UserError as error:
        show_error(context.window, error)
        return
    context.session.show(document)
    context.settings.add_recent(path)
