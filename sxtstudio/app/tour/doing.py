"""What the tour does in the window: it brings up what a step needs, and does it where that is wanted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtWidgets import QWidget

from sxtstudio.app.context import Context
from sxtstudio.app.objects.pane import PaneTab
from sxtstudio.app.objects.table.page import TablePage
from sxtstudio.app.states import Panel
from sxtstudio.app.tour.results import chosen, sample_of
from sxtstudio.app.tour.steps import FIRST, LAST, SMALLEST, TourStep
from sxtstudio.core.object_table import ObjectFlag
from sxtstudio.workflow.document.document import Document

_ACTIONS = {
    TourStep.OPEN: "file.open_sample",
    TourStep.SEGMENT: "segment.start",
    TourStep.CLEAN: "segment.clean_all",
    TourStep.FIND: "objects.find",
    TourStep.MEASURE: "objects.measure",
}
_PANELS = {
    TourStep.SEGMENT: Panel.SEGMENT,
    TourStep.CLEAN: Panel.CLEAN,
    TourStep.FIND: Panel.OBJECTS,
    TourStep.MEASURE: Panel.OBJECTS,
}
_SLICES_ON = 5


@dataclass
class Filled:
    """The fields that the tour has filled in, to empty them again: nobody else's work begins with them."""

    document: Document | None = None
    slices: bool = False
    smallest: bool = False


class TourDriver:
    """The hands of the tour; it presses what the user would press."""

    def __init__(self, context: Context) -> None:
        """Do nothing yet."""
        self._context = context
        self._filled = Filled()

    def prepare(self, step: TourStep) -> None:
        """Bring up the rooms and fill in the fields that a step needs."""
        context, parts = self._context, self._context.parts
        layout = context.session.layout
        self.restore()
        document = self._filled.document = sample_of(context)
        if document is None:
            return
        if step in _PANELS:
            parts.side.show_panel(_PANELS[step])
        match step:
            case TourStep.LOOK:
                layout.set(slices=True)
            case TourStep.SEGMENT if parts.segment.form.slices.slices == (0, document.shape[0]):
                parts.segment.form.slices.set_range(FIRST, LAST)
                self._filled.slices = True
            case TourStep.CLEAN if not parts.clean.form.clean_up().wanted:
                parts.clean.form.smallest.setValue(SMALLEST)
                self._filled.smallest = True
            case TourStep.CHOOSE:
                layout.set(view3d=True, objects_pane=False)
                context.session.objects.set(selected=())
            case TourStep.MEASURE:
                parts.pane.show_page(PaneTab.TABLE)

    def restore(self) -> None:
        """Empty the fields that were filled in, unless another tomogram has done so."""
        parts, filled = self._context.parts, self._filled
        if filled.document is not None and filled.document is self._context.session.document:
            if filled.slices and parts.segment.form.slices.slices == (FIRST, LAST):
                parts.segment.form.slices.set_all()
            if filled.smallest and parts.clean.form.smallest.value() == SMALLEST:
                parts.clean.form.smallest.setValue(0)
        self._filled = Filled()

    def do(self, step: TourStep) -> bool:
        """Do a step as the user would; return False where the window is not ready for it yet.

        What it begins may take its time, ask, fail or be cancelled, as always.
        """
        context, session = self._context, self._context.session
        if step is TourStep.SEGMENT and not context.parts.segment.form.ready:
            return False
        shown = context.parts.view3d.status.value
        if step is TourStep.CHOOSE and not shown.ready and not shown.message:  # which says why it cannot be
            return False
        if step is TourStep.LOOK:
            z, y, x = session.cursor
            depth = 1 if session.document is None else session.document.shape[0]
            session.set_cursor((z + _SLICES_ON if z + _SLICES_ON < depth else z - _SLICES_ON, y, x))
        if step in (TourStep.CHOOSE, TourStep.MEASURE) and chosen(context) is None:
            number = _typical(session.document)
            if number is not None:
                session.objects.set(selected=(number,))
        if step in _ACTIONS:
            context.parts.actions.by_name[_ACTIONS[step]].trigger()
        return True

    def targets(self, step: TourStep) -> list[QWidget]:
        """Return the controls that a step is about; the first that can be seen is marked."""
        parts = self._context.parts
        match step:
            case TourStep.OPEN:
                return [parts.slices.start_page.sample, self._context.window.menuBar()]
            case TourStep.LOOK:
                return [parts.slices.bar]
            case TourStep.SEGMENT:
                offers = parts.segment.offers
                return [offers.resume_button, parts.segment.start_button, parts.side.button(Panel.SEGMENT)]
            case TourStep.CLEAN:
                return [parts.clean.apply_button, parts.side.button(Panel.CLEAN)]
            case TourStep.FIND:
                return [parts.objects.find_button, parts.side.button(Panel.OBJECTS)]
            case TourStep.CHOOSE:
                show = parts.actions.by_name["surface.show"]
                canvas = parts.view3d.canvas
                picture = parts.view3d if canvas is None else canvas.widget
                return [picture, parts.view3d, parts.actions.toolbar.widgetForAction(show)]
            case TourStep.MEASURE:
                page = parts.pane.widget(PaneTab.TABLE)
                measured = [page.view] if isinstance(page, TablePage) and chosen(self._context) else []
                done = measured if parts.measured.value is not None else []
                return [*done, parts.objects.measure_button, parts.side.button(Panel.OBJECTS)]


def _typical(document: Document | None) -> int | None:
    """Return the object that takes most of the middle slice of the tour, a whole body if there is one."""
    if document is None or document.objects is None:
        return None
    values: NDArray[np.uint32]
    values, counts = np.unique(np.asarray(document.objects[(FIRST + LAST) // 2]), return_counts=True)
    rows = document.object_table.rows
    size = dict(zip(values.tolist(), counts.tolist(), strict=True))
    part = (ObjectFlag.BORDER, ObjectFlag.SHEET)
    return min(
        rows,
        key=lambda number: (not rows[number].flags.isdisjoint(part), -size.get(number, 0), number),
        default=None,
    )
