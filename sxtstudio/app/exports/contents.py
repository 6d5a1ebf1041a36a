"""What of the open tomogram can be exported now."""

from __future__ import annotations

from dataclasses import replace

from sxtstudio.app.context import Context
from sxtstudio.app.exports.options import Offered
from sxtstudio.core.handover import Content
from sxtstudio.workflow.document.document import Document
from sxtstudio.workflow.document.exporting import ExportSource, source_of
from sxtstudio.workflow.document.network_output import find_output


def contents_of(document: Document) -> list[Content]:
    """Return what a document has, in the order of the list."""
    objects = document.objects is not None
    labels = document.labels is not None
    there = {
        Content.LABELS: labels,
        Content.OBJECTS: objects or labels,
        Content.CLASSES: objects,
        Content.MASK: document.mask is not None,
        Content.IMAGE: True,
        Content.OUTPUT: find_output(document.bulk, document.shape) is not None,
        Content.SURFACES: objects or labels,
        Content.TABLE: bool(document.object_table.rows),
        Content.PLOTS: document.measurements.kept is not None,
        Content.PICTURE: True,
        Content.METHODS: True,
    }
    return [content for content in Content if there[content]]


def offered(document: Document) -> Offered:
    """Return what the fields depend on."""
    return Offered(
        document.shape,
        document.mask is not None,
        document.labels is not None,
        document.objects is not None,
    )


def shown_source(context: Context, document: Document) -> ExportSource:
    """Return what an export reads, with the colours of the window."""
    style = context.parts.style
    numbers = style.numbers
    rows = document.object_table.rows
    colours = style.colours(numbers) if len(numbers) and numbers.tolist() == list(rows) else None
    display = context.session.display.value
    source = source_of(document, colours)
    return replace(source, label_rgb=display.label_rgb, mask_rgb=display.mask_rgb)
