"""What of the shown slice the segmentation left out: hatched, with a legend in words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject

from sxtstudio.app.context import Context
from sxtstudio.app.jobs.job import Job
from sxtstudio.app.jobs.latest import Latest
from sxtstudio.app.slices.plane_view import PlaneView
from sxtstudio.app.states import LeavesOut
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.frame import Frame, frame_of
from sxtstudio.core.geometry import Box
from sxtstudio.core.left_out import Artefacts, left_out_in
from sxtstudio.core.steps import Step, effective
from sxtstudio.core.volume import Volume

_STRIPE_PX = 6
_LONGEST_WAIT_S = 10.0


@dataclass(frozen=True)
class _Found:
    """What was found in slice ``z``: stripes (y, x), and what there is in words."""

    z: int
    frame: Frame
    stripes: NDArray[np.uint8] | None
    text: str


class LeftOutOverlay(QObject):
    """Follows the visible slice of a tomogram whose labels, or their trial, have no frames and gold."""

    def __init__(self, context: Context, view: PlaneView) -> None:
        """Show nothing yet; ``view`` is the one of the XY slices."""
        super().__init__(view)
        self._session, self._view = context.session, view
        self._frame: Frame | None = None  # of the open tomogram, once it was looked for
        self._shown: tuple[int, bool] | None = None  # the slice, and whether gold is dark
        self._look = Latest(context, "Looking for gold", self._on_found, delay_ms=80, parent=self)
        self._session.document_changed.connect(self._on_session_document_changed)
        self._session.cursor_changed.connect(lambda _: self._refresh())
        self._session.history_changed.connect(self._refresh)
        self._session.preview_changed.connect(self._refresh)
        self._session.display.changed.connect(self._refresh)

    def shut_down(self) -> None:
        """End the thread."""
        self._look.shut_down()

    def _on_session_document_changed(self) -> None:
        self._look.cancel(wait_s=_LONGEST_WAIT_S)  # the former file is closed next
        self._frame = None
        self._hide()
        self._refresh()

    def _refresh(self) -> None:
        document = self._session.document
        dark = None if document is None else self._gold_is_dark(document.steps)
        if document is None or dark is None or not self._session.display.value.left_out:
            self._look.cancel()
            self._hide()
            return
        z, volume, frame = self._session.cursor[0], document.tomogram, self._frame
        if self._shown == (z, dark):
            return
        self._hide()
        self._shown = z, dark
        self._look.request(lambda job: _found(volume, z, dark, frame, job))

    def _gold_is_dark(self, steps: list[Step]) -> bool | None:
        """Whether gold is dark, if what is shown in this slice leaves it out; else None."""
        preview = self._session.preview
        if preview is None or preview.leaves_out is None or preview.z != self._session.cursor[0]:
            return gold_left_out(steps)
        return {LeavesOut.NOTHING: None, LeavesOut.DARK_GOLD: True, LeavesOut.BRIGHT_GOLD: False}[
            preview.leaves_out
        ]

    def _hide(self) -> None:
        self._shown = None
        self._view.show_left_out(None, "")

    def _on_found(self, found: _Found) -> None:
        self._frame = found.frame
        if self._shown is not None and self._shown[0] == found.z:
            self._view.show_left_out(found.stripes, f"▨ Not labelled: {found.text}" if found.text else "")


def gold_left_out(steps: list[Step]) -> bool | None:
    """Return whether gold is dark, if the latest segmentation that stands left it out; else None."""
    latest = [step for step in effective(steps) if step.edit is EditKind.SEGMENT]
    if not latest or latest[-1].parameters.get("leave_out") is not True:
        return None
    return latest[-1].parameters.get("polarity") != "bright"


def _found(volume: Volume, z: int, dark: bool, frame: Frame | None, job: Job) -> _Found:
    """Look at a slice; called in a thread."""
    frame = frame_of(volume, job.progress) if frame is None else frame
    image = volume.read(Box.slab(z, z + 1, volume.shape))[0]
    mask, beads = left_out_in(image, frame, dark=dark)
    stripes = None
    if mask is not None:
        rows, columns = (np.arange(n, dtype=np.int32) for n in mask.shape)
        striped = (rows[:, np.newaxis] + columns) % _STRIPE_PX < 2
        stripes = np.where(mask, np.where(striped, np.uint8(2), np.uint8(1)), np.uint8(0))
    return _Found(z, frame, stripes, Artefacts(frame, beads).text)
