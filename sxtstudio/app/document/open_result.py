"""A tomogram of a batch or a beamtime, opened with what was made of it."""

from __future__ import annotations

from pathlib import Path

from sxtstudio.app.context import Context
from sxtstudio.app.document.label_files import load_labels, load_objects
from sxtstudio.app.document.opening import open_path
from sxtstudio.app.widgets.placement import bring_to_front


def open_result(context: Context, tomogram: Path, labels: Path | None, objects: Path | None = None) -> None:
    """Open a tomogram in the main window, which comes to the front, with its labels and objects.

    What is not there any more is left out.
    """
    bring_to_front(context.window)

    def opened() -> None:
        if labels is not None and labels.exists():
            load_labels(context, labels, found)
        else:
            found()

    def found() -> None:
        if objects is not None and objects.exists():
            load_objects(context, objects)

    open_path(context, tomogram, opened)
