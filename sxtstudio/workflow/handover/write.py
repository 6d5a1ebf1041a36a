"""Write what is handed over; the one door for the window and the command line."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np

from sxtstudio.core.errors import UserError
from sxtstudio.core.handover import CONTENT_NAMES, PROGRAM_NAMES, Content, Form
from sxtstudio.core.label_image import HandedOver, LabelImage
from sxtstudio.core.measure.columns import Measurements
from sxtstudio.core.pace import Work
from sxtstudio.core.progress import Progress
from sxtstudio.core.stages import Stage, Stages
from sxtstudio.core.verified import read_back
from sxtstudio.core.wording import bytes_text, count, grouped, shape_text, slice_number, voxel_zyx_text
from sxtstudio.io import export_volume
from sxtstudio.io.place import Place
from sxtstudio.workflow.document.exporting import (
    ExportSource,
    Receipt,
    VolumeChoice,
    What,
    export_voxels,
)
from sxtstudio.workflow.document.label_history import LABELS_CHANGED, labels_changed_since_found
from sxtstudio.workflow.document.methods import write_methods
from sxtstudio.workflow.handover.drawing import draw_plots
from sxtstudio.workflow.handover.figures import COLUMNS, plots_of
from sxtstudio.workflow.handover.label_images import label_image
from sxtstudio.workflow.handover.label_writers import LABEL_WRITERS, Asked
from sxtstudio.workflow.handover.request import Handover
from sxtstudio.workflow.handover.surfaces import write_surfaces
from sxtstudio.workflow.jobs.outputs import OutputFile, check_outputs

_VOLUMES = (Form.TIFF, Form.MRC, Form.ZARR)
_IMAGES = (Content.IMAGE, Content.OUTPUT)
_AS_VOLUME: dict[Content, What] = {
    Content.LABELS: "labels",
    Content.OBJECTS: "objects",
    Content.MASK: "mask",
    Content.IMAGE: "tomogram",
    Content.OUTPUT: "output",
}


def hand_over(request: Handover, source: ExportSource, progress: Progress | None = None) -> Receipt:
    """Write what was asked for, read it back, and say what was written and what the format cannot hold.

    Parameters
    ----------
    request
        What, for which program, where.
    source
        The document.
    progress
        Counts the whole job and takes the cancel.

    Raises
    ------
    UserError
        If there is nothing of that kind, the pair or the name is none of the table, or the file cannot be
        written; a former file stays.
    Cancelled
        If the user stopped it; nothing is left behind.
    """
    progress = progress or Progress()
    route, form = request.route, request.form
    check_target(request, source.tomogram.path, source.beneath.path)
    _check_slices(request, source)
    if request.content is Content.TABLE:
        receipt = _write_table(request.path, source)
    elif request.content is Content.METHODS:
        receipt = _write_methods(request.path, source)
    elif request.content is Content.PLOTS:
        receipt = _write_plots(request.path, source, progress)
    elif request.content is Content.SURFACES:
        receipt = write_surfaces(request, source, progress)
    elif request.content in _AS_VOLUME and (form in _VOLUMES or request.content in _IMAGES):
        choice = VolumeChoice(_AS_VOLUME[request.content], request.first, request.last, _inside(request))
        receipt = export_voxels(request.path, source, choice, progress)
    else:
        receipt = _write_labels(request, form, source, progress)
    over_mrc = source.beneath.is_mrc
    said = (
        ("For", PROGRAM_NAMES[request.program]),
        ("There", route.shows.of(form, over_mrc=over_mrc)),
        ("Open it", route.opening.of(form, over_mrc=over_mrc)),
    )
    # What was lost of this file only, its writer says.
    loses = route.loses.of_each(form, over_mrc=over_mrc)
    lost = (f"What gets lost: {loses}",) if loses else ()
    return replace(receipt, rows=(*said, *receipt.rows), notes=(*receipt.notes, *lost))


def check_target(request: Handover, *inputs: Path | None) -> None:
    """Refuse what cannot be written, or would be written over what is read; before it takes any time.

    Raises
    ------
    UserError
        In that case, or if the pair or the name is none of the table.
    """
    request.form  # noqa: B018
    # A folder of surfaces has another name, which is checked where it is made.
    output = OutputFile(request.path, CONTENT_NAMES[request.content].lower(), (request.path.suffix.lower(),))
    check_outputs([output], inputs)


def _inside(request: Handover) -> bool:
    return request.inside_mask and request.content in (Content.LABELS, Content.OBJECTS, Content.CLASSES)


def _check_slices(request: Handover, source: ExportSource) -> None:
    depth = source.tomogram.shape[0]
    last = depth if request.last is None else request.last
    if not 0 <= request.first < last <= depth:
        raise UserError(
            f"There are no slices {slice_number(request.first)} to {last} (of {depth}). Choose others."
        )


def _write_labels(request: Handover, form: Form, source: ExportSource, progress: Progress) -> Receipt:
    """Write a label image in a format of another program."""
    last = source.tomogram.shape[0] if request.last is None else request.last
    slices = (request.first, last)
    voxels = (last - request.first) * math.prod(source.tomogram.shape[1:])
    numbering = request.content is Content.OBJECTS and source.objects is None
    stages = Stages(
        progress,
        (
            *((Stage(Work.NUMBER, voxels, "Numbering the objects"),) if numbering else ()),
            Stage(Work.EXPORT, voxels, f"Writing {request.path.name}"),
        ),
    )
    inside = _inside(request)
    whole = slices == (0, source.tomogram.shape[0]) and not inside
    asked = Asked(request.content, source, whole)
    if numbering:
        with stages.stage(Work.NUMBER) as counter:
            image = label_image(source, request.content, slices, inside_mask=inside, progress=counter)
    else:
        image = label_image(source, request.content, slices, inside_mask=inside)
    with stages.stage(Work.EXPORT) as counter:
        if form in _VOLUMES:
            return _plain_volume(request, image, source, counter)
        return _handed(request, image, LABEL_WRITERS[form](request.path, image, asked, counter))


def _plain_volume(request: Handover, image: LabelImage, source: ExportSource, progress: Progress) -> Receipt:
    place = Place() if source.voxel_nm is None else source.place.moved(request.first, source.voxel_nm)
    written = export_volume(
        request.path, image.volume, voxel_nm=image.voxel_nm, place=place, kind="objects", progress=progress
    )
    rows = (
        ("Format", written.format),
        *_image_rows(image),
        ("On disk", bytes_text(written.bytes)),
    )
    return Receipt(CONTENT_NAMES[request.content], written.path, rows, read_back(*written.compared))


def _handed(request: Handover, image: LabelImage, done: HandedOver) -> Receipt:
    rows = (
        ("Format", done.format),
        *_image_rows(image),
        *done.details,
        ("On disk", bytes_text(done.bytes)),
    )
    return Receipt(CONTENT_NAMES[request.content], done.path, rows, done.verified, done.losses)


def _image_rows(image: LabelImage) -> tuple[tuple[str, str], ...]:
    named = ", ".join(f"{entry.value} {entry.name}" for entry in image.legend[:6])
    more = len(image.legend) - 6
    return (
        ("Size", f"{shape_text(image.shape)} voxels (z × y × x)"),
        ("Voxel size", voxel_zyx_text(image.voxel_nm)),
        ("Values", f"{named} and {grouped(more)} more" if more > 0 else named or "none"),
    )


def _write_table(path: Path, source: ExportSource) -> Receipt:
    from sxtstudio.core.measure.table import about, object_table, out_of_date
    from sxtstudio.io.tables import dictionary_path, write_table

    if not source.table.rows:
        raise UserError("There are no objects, so there is no table. Find them first (panel “Objects”).")
    numbers = np.fromiter(source.table.rows, np.int64, len(source.table.rows))
    measured = None if source.measured is None else source.measured.value
    warnings = () if source.measured is None else source.measured.warnings(source.table, source.voxel_nm)
    warnings += _labels_changed(source)
    table = object_table(
        measured or Measurements(numbers, calibrated=source.voxel_nm is not None),
        source.table,
        {**about(source.tomogram.path.name, source.voxel_nm), **out_of_date(warnings)},
    )
    verified = write_table(path, table)
    beside = dictionary_path(path)
    notes = ("The objects have not been measured: the table holds classes, flags and notes.",) * (
        measured is None
    )
    notes += tuple(f"⚠ {text}" for text in warnings)
    rows = (
        ("Size", f"{count(len(table), 'object')}, {count(len(table.columns), 'column')}"),
        ("Dictionary", "the second sheet" if beside is None else str(beside)),
        ("On disk", bytes_text(path.stat().st_size)),
    )
    return Receipt(CONTENT_NAMES[Content.TABLE], path, rows, verified, notes)


def _labels_changed(source: ExportSource) -> tuple[str, ...]:
    changed = source.record is not None and labels_changed_since_found(source.record.steps)
    return (LABELS_CHANGED,) if changed else ()


def _write_methods(path: Path, source: ExportSource) -> Receipt:
    if source.record is None or source.identify is None:
        raise UserError("What was done is known of projects only: give a project.")
    return write_methods(path, source.record, source.identify())


def _write_plots(path: Path, source: ExportSource, progress: Progress) -> Receipt:
    plots = plots_of(source)
    verified = draw_plots(plots, path, progress=progress)
    rows = (
        ("Plots", ", ".join(plot.title for plot in plots)),
        ("On disk", bytes_text(path.stat().st_size)),
    )
    kept = source.measured
    warnings = () if kept is None else kept.warnings(source.table, source.voxel_nm, COLUMNS)
    warnings += _labels_changed(source)
    notes = ("Objects at the border are left out.", *(f"⚠ {text}" for text in warnings))
    return Receipt(CONTENT_NAMES[Content.PLOTS], path, rows, verified, notes)
