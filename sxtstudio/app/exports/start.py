"""Exports: options, name of the file, a job, a receipt."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sxtstudio.app import questions
from sxtstudio.app.context import Context
from sxtstudio.app.exports.receipt import ReceiptDialog
from sxtstudio.app.exports.volume import VolumeDialog
from sxtstudio.app.jobs.job import Job
from sxtstudio.core.atomic import atomic_write
from sxtstudio.core.errors import UserError
from sxtstudio.core.steps import Step, StepKind
from sxtstudio.core.wording import bytes_text, slice_number, voxel_zyx_text
from sxtstudio.workflow.document.document import Document
from sxtstudio.workflow.document.exporting import (
    Receipt,
    export_surface,
    export_voxels,
    source_of,
)
from sxtstudio.workflow.document.methods import write_methods

TIFF, MRC = "TIFF for ImageJ, Fiji and MIB (*.tif *.tiff)", "MRC for IMOD (*.mrc *.rec *.map)"
MESHES = "PLY with colours (*.ply);;STL (*.stl);;OBJ with colours (*.obj)"
PICTURE = "PNG picture (*.png)"
METHODS = "Markdown (*.md);;Text (*.txt)"


def export_tiff(context: Context) -> None:
    """Export labels, objects, mask or tomogram as TIFF."""
    _export_volume(context, "TIFF", TIFF, ".tif")


def export_mrc(context: Context) -> None:
    """Export labels, objects, mask or tomogram as MRC."""
    _export_volume(context, "MRC", MRC, ".mrc")


def _export_volume(context: Context, name: str, filters: str, suffix: str) -> None:
    document = _document(context)
    dialog = VolumeDialog(document, name, context.window)

    def go() -> None:
        choice = dialog.choice
        path = questions.save_file(
            context, f"Export {name}", f"{_stem(document)}.{choice.what}{suffix}", filters
        )
        if path is not None:
            source = source_of(document)
            _start(context, document, path, lambda job: export_voxels(path, source, choice, job.progress))

    dialog.accepted.connect(go)
    dialog.open()


def export_mesh(context: Context) -> None:
    """Export the surface of the labels."""
    from sxtstudio.app.exports.surface import SurfaceDialog  # with VTK, which takes a second

    document = _document(context)
    dialog = SurfaceDialog(document, context.window)

    def go() -> None:
        choice = dialog.choice
        path = questions.save_file(context, "Export surface", f"{_stem(document)}.ply", MESHES)
        if path is not None:
            source = source_of(document)
            _start(context, document, path, lambda job: export_surface(path, source, choice, job.progress))

    dialog.accepted.connect(go)
    dialog.open()


def export_picture(context: Context) -> None:
    """Export the slices as they are on the screen, with labels and scale bar."""
    document = _document(context)
    number = slice_number(context.session.cursor[0])
    # The view is taken before the dialog of files can lie over it.
    picture = context.parts.slices.grab()
    path = questions.save_file(context, "Export picture", f"{_stem(document)}.slice{number:04d}.png", PICTURE)
    if path is None:
        return
    with atomic_write(path) as temporary:
        if not picture.save(str(temporary), "PNG"):
            raise UserError(f"{path} could not be written. Check the disk, or choose another folder.")
    rows = (
        ("Size", f"{picture.width()} × {picture.height()} pixels"),
        ("Slice", str(number)),
        ("Voxel size", voxel_zyx_text(document.voxel_nm)),
        ("On disk", bytes_text(path.stat().st_size)),
    )
    _finish(context, document, Receipt("Picture", path, rows))


def export_methods(context: Context) -> None:
    """Export what was done as text for the methods section, and as JSON beside it."""
    document = _document(context)
    path = questions.save_file(context, "Export methods text", f"{_stem(document)}.methods.md", METHODS)
    if path is not None:
        record, identify = document.record(), document.identify
        _start(context, document, path, lambda job: write_methods(path, record, identify()), note=False)


def _document(context: Context) -> Document:
    document = context.session.document
    if document is None:
        raise UserError("No tomogram is open. Open one first (File > Open tomogram).")
    return document


def _stem(document: Document) -> str:
    return Path(document.name).name.split(".")[0]


def _start(
    context: Context, document: Document, path: Path, work: Callable[[Job], Receipt], *, note: bool = True
) -> None:
    def done(receipt: Receipt) -> None:
        _finish(context, document, receipt, note=note)

    context.jobs.start(f"Exporting {path.name}", work, on_done=done)


def _finish(context: Context, document: Document, receipt: Receipt, *, note: bool = True) -> None:
    if note and context.session.document is document:
        facts = {"what": receipt.what, "file": str(receipt.path), **dict(receipt.rows)}
        document.note(Step(StepKind.EXPORT, parameters=facts))
        context.session.history_changed.emit()
    ReceiptDialog(receipt, context.window).open()
