"""What is done with the chosen objects without changing them: go to, hide, show only, measure, export."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sxtstudio.app import questions
from sxtstudio.app.context import Context
from sxtstudio.app.exports.receipt import ReceiptDialog
from sxtstudio.app.jobs.job import Job
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box, Triple
from sxtstudio.core.measure.columns import Measurements
from sxtstudio.core.wording import count, grouped
from sxtstudio.workflow.document.exporting import Receipt
from sxtstudio.workflow.document.label_history import LABELS_CHANGED

_KINDS = "CSV (*.csv);;Excel (*.xlsx);;Parquet (*.parquet)"


def seat_of(objects: NDArray[np.uint32], number: int, box: Box) -> Triple | None:
    """Return a voxel (z, y, x) of an object near the middle of its box; None if it has none there.

    Only single slices of the box are read, from its middle on outwards.
    """
    first, last = box.start[0], box.stop[0] - 1
    middle = (first + last) // 2
    for z in sorted(range(first, last + 1), key=lambda z: abs(z - middle)):
        rows, columns = np.nonzero(objects[z, box.slices[1], box.slices[2]] == number)
        if len(rows):
            nearest = int(np.argmin((rows - rows.mean()) ** 2 + (columns - columns.mean()) ** 2))
            return (z, int(rows[nearest]) + box.start[1], int(columns[nearest]) + box.start[2])
    return None


def go_to(context: Context) -> None:
    """Bring the object that was chosen last into sight, in all slices."""
    session, document = context.session, context.session.document
    selected = session.objects.value.selected
    if document is None or document.objects is None or not selected:
        return
    box = document.box_of(selected[-1])
    seat = None if box is None else seat_of(document.objects, selected[-1], box)
    if box is None or seat is None:
        session.remark(f"Object {selected[-1]} has no voxels any more.")
        return
    session.set_cursor(seat)
    context.parts.slices.frame(box)
    hidden = session.objects.value.hidden
    if selected[-1] in hidden:
        session.objects.set(hidden=hidden - {selected[-1]})


def hide(context: Context) -> None:
    """Hide the chosen objects; those that are all hidden already are shown again."""
    state = context.session.objects
    selected = frozenset(state.value.selected)
    shown = selected - state.value.hidden
    state.set(hidden=state.value.hidden | shown if shown else state.value.hidden - selected)
    if shown:
        them = "it" if len(shown) == 1 else "them"
        context.session.message.emit(f"Hidden: {count(len(shown), 'object')}. Show all brings {them} back.")
    elif selected:
        context.session.message.emit(f"Shown again: {count(len(selected), 'object')}.")


def show_only(context: Context) -> None:
    """Draw and list the chosen objects alone."""
    state = context.session.objects
    if state.value.selected:
        chosen = frozenset(state.value.selected)
        state.set(only=chosen, hidden=state.value.hidden - chosen)
        context.session.message.emit(
            f"Shown alone: {count(len(chosen), 'object')}. Show all brings the others back."
        )


def show_all(context: Context) -> None:
    """Draw and list all objects again."""
    context.session.objects.set(only=None, hidden=frozenset())
    context.session.message.emit("All objects are shown.")


def measure(context: Context) -> Job:
    """Measure all objects, in a job; they can be corrected meanwhile.

    Raises
    ------
    UserError
        If there are no objects, or they are being changed or measured.
    """
    session, measured = context.session, context.parts.measured
    document = session.document
    if document is None or document.objects is None:
        raise UserError("There are no objects to measure. Find them first (panel “Objects”).")
    if session.busy is not None:
        raise UserError(f"The objects are being changed by “{session.busy.name}”. Wait for it.")
    if measured.busy:
        raise UserError("The objects are being measured already. Wait for it.")
    objects, voxel_nm, tomogram, lac = document.objects, document.voxel_nm, document.tomogram, document.lac
    table = document.object_table
    rules, former = measured.contacts_for(voxel_nm), measured.contacts

    def work(job: Job) -> Measurements:
        from sxtstudio.core.measure.tabled import measure_tabled

        return measure_tabled(
            objects, table, voxel_nm, image=tomogram, contacts=rules, lac=lac, progress=job.progress
        )

    def show(found: Measurements) -> None:
        if session.document is document:
            measured.set(found, rules)
            said = f"Measured {count(len(found.numbers), 'object')}."
            if former and not rules:
                said += " Find the contacts again: their distance was in another unit."
            session.message.emit(said)

    measured.begin()
    job = context.jobs.start("Measuring objects", work, on_done=show)
    measured.watch(job)
    return job


def export_table(context: Context) -> Job | None:
    """Ask for a name, and write the table of all objects with the dictionary of its columns.

    What of it may be out of date is said in a receipt: it is too long for the status line.

    Raises
    ------
    UserError
        If there are no objects.
    """
    session, document = context.session, context.session.document
    if document is None or not document.object_table.rows:
        raise UserError("There are no objects, so there is no table. Find them first (panel “Objects”).")
    path = questions.save_file(context, "Export the table", f"{Path(document.name).stem}-objects.csv", _KINDS)
    if path is None:
        return None
    table, voxel_nm, name = document.object_table, document.voxel_nm, document.tomogram.path.name
    numbers = np.fromiter(table.rows, np.int64, len(table.rows))
    kept = document.measurements.kept
    warnings = () if kept is None else kept.warnings(table, voxel_nm)
    warnings += (LABELS_CHANGED,) if context.parts.measured.labels_changed else ()
    rows, only = count(len(table.rows), "object"), session.objects.value.only
    left = 0 if only is None else len(table.rows.keys() - only)
    if left:
        rows = f"all {rows}, also {grouped(left)} that {'is' if left == 1 else 'are'} not listed now"
    measured = context.parts.measured.value or Measurements(numbers, calibrated=voxel_nm is not None)

    def work(job: Job) -> str:
        from sxtstudio.core.measure.table import about, object_table, out_of_date
        from sxtstudio.io.tables import write_table

        values = {**about(name, voxel_nm), **out_of_date(warnings)}
        return write_table(path, object_table(measured, table, values))

    def done(verified: str) -> None:
        questions.say_saved(context, path, f"It has {rows}, and a dictionary of its columns.")
        if warnings:
            notes = tuple(f"⚠ {text}" for text in warnings)
            receipt = Receipt("Table of objects", path, (("Rows", rows),), verified, notes)
            ReceiptDialog(receipt, context.window).open()

    return context.jobs.start("Exporting the table", work, on_done=done)
