"""Exports of the window: a job, a receipt, a line in the history."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtGui import QImage

from sxtstudio.app import questions
from sxtstudio.app.context import Context
from sxtstudio.app.exports.contents import shown_source
from sxtstudio.app.exports.receipt import ReceiptDialog
from sxtstudio.app.exports.volume import VolumeDialog
from sxtstudio.app.jobs.job import Job
from sxtstudio.core.atomic import atomic_write
from sxtstudio.core.errors import UserError
from sxtstudio.core.handover import CONTENT_NAMES, Content
from sxtstudio.core.steps import Step, StepKind
from sxtstudio.core.verified import differs, read_back
from sxtstudio.core.wording import bytes_text, slice_number, voxel_zyx_text
from sxtstudio.workflow.document.document import Document
from sxtstudio.workflow.document.exporting import Receipt, export_voxels, source_of
from sxtstudio.workflow.handover.request import Handover
from sxtstudio.workflow.results.layout import refuse_foreign
from sxtstudio.workflow.results.write import write_results

TIFF = "TIFF for ImageJ, Fiji and MIB (*.tif *.tiff)"


def export_tiff(context: Context) -> None:
    """Export labels, objects, mask or tomogram as TIFF: the quick way."""
    document = open_document(context)
    dialog = VolumeDialog(document, context.window)

    def go() -> None:
        choice = dialog.choice
        path = questions.save_file(context, "Export TIFF", f"{stem_of(document)}.{choice.what}.tif", TIFF)
        if path is not None:
            source = source_of(document)
            _start(context, document, path, lambda job: export_voxels(path, source, choice, job.progress))

    dialog.accepted.connect(go)
    dialog.open()


def export_results(context: Context) -> None:
    """Ask for a folder, and write all results into a folder of their own there."""
    document = open_document(context)
    place = questions.save_into_folder(context, "Where to make the folder of results")
    if place is None:
        return
    folder = place / f"{stem_of(document)}-results"
    refuse_foreign(folder)
    there = folder.is_dir() and any(folder.iterdir())
    if there and not questions.may_replace(context, folder):
        return
    questions.saves_to(context, folder)
    source = shown_source(context, document)
    classifier = context.parts.objects.classing.classifier_work.classifier
    _start(
        context,
        document,
        folder,
        lambda job: write_results(folder, source, classifier=classifier, progress=job.progress),
    )


def start(context: Context, request: Handover) -> Job | None:
    """Start what the window of exports asks for; None where it is done already."""
    document = open_document(context)
    if request.content is Content.PICTURE:
        _write_picture(context, document, request.path)
        return None
    source = shown_source(context, document)

    def work(job: Job) -> Receipt:
        from sxtstudio.workflow.handover.write import hand_over  # with all writers

        return hand_over(request, source, job.progress)

    return _start(context, document, request.path, work)


def _write_picture(context: Context, document: Document, path: Path) -> None:
    """Write the slices as they are on the screen, with labels and scale bar."""
    picture = context.parts.slices.grab()
    with atomic_write(path) as temporary:
        if not picture.save(str(temporary), "PNG"):
            raise UserError(f"{path} could not be written. Check the disk, or choose another folder.")
        drawn = picture.toImage()
        if QImage(str(temporary)).convertToFormat(drawn.format()) != drawn:
            raise differs(path, "some pixels")
    rows = (
        ("Size", f"{picture.width()} × {picture.height()} pixels"),
        ("Slice", str(slice_number(context.session.cursor[0]))),
        ("Voxel size", voxel_zyx_text(document.voxel_nm)),
        ("On disk", bytes_text(path.stat().st_size)),
    )
    _finish(context, document, Receipt(CONTENT_NAMES[Content.PICTURE], path, rows, read_back("every pixel")))


def open_document(context: Context) -> Document:
    """Return what is open; UserError where nothing is."""
    document = context.session.document
    if document is None:
        raise UserError("No tomogram is open. Open one first (File > Open tomogram).")
    return document


def stem_of(document: Document) -> str:
    """Return what files of a document are called, without their endings."""
    return Path(document.name).name.split(".")[0]


def _start(context: Context, document: Document, path: Path, work: Callable[[Job], Receipt]) -> Job:
    def done(receipt: Receipt) -> None:
        _finish(context, document, receipt)

    return context.jobs.start(f"Exporting {path.name}", work, on_done=done)


def _finish(context: Context, document: Document, receipt: Receipt) -> None:
    if context.session.document is document:
        facts = {"what": receipt.what, "file": str(receipt.path), **dict(receipt.lines)}
        if receipt.notes:
            facts["notes"] = "\n".join(receipt.notes)
        document.note(Step(StepKind.EXPORT, parameters=facts))
        context.session.history_changed.emit()
    ReceiptDialog(receipt, context.window).open()
