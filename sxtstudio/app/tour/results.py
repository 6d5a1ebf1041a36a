"""Which steps of the tour are done: read from what is open, whoever did it and in whatever order."""

from __future__ import annotations

from pathlib import Path

from sxtstudio.app.context import Context
from sxtstudio.app.objects.table.columns import columns_of
from sxtstudio.app.objects.table.listing import Listing
from sxtstudio.app.objects.table.model import value_text
from sxtstudio.app.tour.steps import FIRST, LAST, TourStep
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.object_table import ObjectTable
from sxtstudio.core.shipped import sample_tomogram
from sxtstudio.core.steps import StepKind
from sxtstudio.workflow.document.document import Document

_VOLUME = "volume"
_NEEDS = {
    TourStep.LOOK: (TourStep.OPEN,),
    TourStep.SEGMENT: (TourStep.OPEN,),
    TourStep.CLEAN: (TourStep.OPEN, TourStep.SEGMENT),
    TourStep.FIND: (TourStep.OPEN, TourStep.SEGMENT),
    TourStep.CHOOSE: (TourStep.OPEN, TourStep.SEGMENT, TourStep.FIND),
    TourStep.MEASURE: (TourStep.OPEN, TourStep.SEGMENT, TourStep.FIND),
}


def sample_of(context: Context) -> Document | None:
    """Return the open document where the tour may work in it.

    A project of the user's own, also one of the sample, is left alone.
    """
    document = context.session.document
    if document is None or document.project is not None:
        return None
    return document if Path(document.source) == sample_tomogram() else None


def missing(step: TourStep, context: Context) -> TourStep | None:
    """Return the first earlier step whose result this one needs and that is not there; None: it can begin."""
    return next((need for need in _NEEDS.get(step, ()) if not _is_there(need, context)), None)


def _is_there(step: TourStep, context: Context) -> bool:
    """Whether later steps have something to go on with, be it a part."""
    document = sample_of(context)
    if document is not None and step is TourStep.SEGMENT:
        return bool(document.voxels("labels")) or document.objects is not None
    return is_done(step, context)


def stopped_after(context: Context) -> tuple[int, int] | None:
    """Return how many slices of how many a segmentation has done that was stopped and can go on."""
    pending = context.parts.segment.offers.pending
    if pending is None or not pending.finished:
        return None
    return pending.finished, pending.wanted


def labelled_slice(context: Context) -> int | None:
    """Return a slice that has labels where the one that is shown has none; else None."""
    document = sample_of(context)
    labels = None if document is None else document.labels
    if document is None or labels is None or not document.voxels("labels"):
        return None
    depth = document.shape[0]
    shown, middle = context.session.cursor[0], (FIRST + LAST) // 2
    if labels[shown].any():
        return None
    near = sorted(range(depth), key=lambda z: abs(z - middle))
    return next((z for z in near if labels[z].any()), None)


def is_done(step: TourStep, context: Context) -> bool:
    """Whether there is what a step is to bring; that slices were looked through nobody can see later."""
    document = sample_of(context)
    if document is None:
        return False
    match step:
        case TourStep.SEGMENT:
            return _is_there(step, context) and stopped_after(context) is None
        case TourStep.CLEAN:
            return any(one.kind is StepKind.EDIT and one.edit is EditKind.CLEAN_UP for one in document.steps)
        case TourStep.FIND:
            return bool(document.object_table.rows)
        case TourStep.CHOOSE:
            return context.session.layout.value.view3d and chosen(context) is not None
        case TourStep.MEASURE:
            return volume_text(context) is not None
        case _:
            return True


def chosen(context: Context) -> int | None:
    """Return the object that was chosen last, if it is there."""
    document, selected = context.session.document, context.session.objects.value.selected
    if document is None or not selected or selected[-1] not in document.object_table.rows:
        return None
    return selected[-1]


def volume_text(context: Context) -> str | None:
    """Return the volume of the chosen object with its unit, as the table writes it; None: not measured."""
    number, document, measured = chosen(context), context.session.document, context.parts.measured
    values = measured.value
    if number is None or document is None or values is None or measured.is_stale(number):
        return None
    column = next((one for one in columns_of(values) if one.key == _VOLUME), None)
    if column is None or number not in values.numbers:
        return None
    listing = Listing(ObjectTable({number: document.object_table.rows[number]}), values)
    text = value_text(column, listing.values(_VOLUME)[0])
    unit = column.title.partition("(")[2].rstrip(")")
    return f"{text} {unit}" if text else None
