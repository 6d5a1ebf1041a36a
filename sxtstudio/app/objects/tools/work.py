"""Changes of objects by hand: small ones at once, large ones in a job; each is one step for Undo."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sxtstudio.app.context import Context
from sxtstudio.app.jobs.job import Job
from sxtstudio.app.jobs.label_job import LabelJob
from sxtstudio.app.labels.tools.numbers import NO_OBJECTS, number_at
from sxtstudio.app.session import Session
from sxtstudio.core import object_hand, object_split
from sxtstudio.core.brushes import Point
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.edits import Edit, Recorder
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Triple
from sxtstudio.core.object_hand import Hand
from sxtstudio.core.object_split import Line
from sxtstudio.core.object_table import NONE_CHOSEN
from sxtstudio.core.wording import count, objects_text
from sxtstudio.workflow.document.document import Document

# Boxes of this size are changed without anybody noticing a delay.
QUICK_VOXELS = 2_000_000
# So many objects are, each of which takes a millisecond whatever its size.
QUICK_OBJECTS = 50

Work = Callable[[Hand], int]


def chosen(session: Session) -> tuple[int, ...]:
    """Return the chosen objects.

    Raises
    ------
    UserError
        If there are none; it says what to do.
    """
    if session.document is None or session.document.objects is None:
        raise UserError(NO_OBJECTS)
    there = session.document.object_table.rows
    numbers = tuple(number for number in session.objects.value.selected if number in there)
    if not numbers:
        raise UserError(NONE_CHOSEN)
    return numbers


def merge(context: Context, numbers: tuple[int, ...]) -> None:
    """Make one object of several."""
    _change(
        context,
        EditKind.MERGE_OBJECTS,
        numbers,
        lambda hand: object_hand.merge(hand, numbers),
        lambda kept: f"One object now: {kept}",
        select=True,
        objects=objects_text(numbers),
    )


def delete(context: Context, numbers: tuple[int, ...]) -> None:
    """Delete objects."""

    def work(hand: Hand) -> int:
        object_hand.delete(hand, numbers)
        return len(numbers)

    _change(
        context,
        EditKind.DELETE_OBJECT,
        numbers,
        work,
        _deleted,
        objects=objects_text(numbers),
    )


def keep_only(context: Context, numbers: tuple[int, ...]) -> None:
    """Delete all other objects, in a job."""
    document = _document(context.session)
    others = len(document.object_table.rows) - len(numbers)

    def work(job: Job, recorder: Recorder) -> int:
        hand = Hand(recorder, document.object_table, document.object_boxes)
        object_hand.keep_only(hand, numbers, job.progress)
        return others

    _start(
        context,
        EditKind.KEEP_OBJECT,
        work,
        _deleted,
        False,
        {"objects": objects_text(numbers)},
    )


def split_by_line(context: Context, number: int, line: Line) -> None:
    """Split an object along a line."""
    _change(
        context,
        EditKind.SPLIT_OBJECT,
        (number,),
        lambda hand: object_split.split_by_line(hand, number, line),
        lambda new: f"Object {number} is split; the smaller part is object {new}",
        select=True,
        slow=True,
        object=number,
        axis="zyx"[line.axis],
        corners=len(line.points),
        begin=_rounded(line.points[0]),
        end=_rounded(line.points[-1]),
    )


def split_by_points(context: Context, number: int, first: Triple, second: Triple) -> None:
    """Split an object between two of its voxels."""
    voxel_nm = _document(context.session).voxel_nm
    _change(
        context,
        EditKind.SPLIT_OBJECT,
        (number,),
        lambda hand: object_split.split_by_points(hand, number, first, second, voxel_nm),
        lambda new: f"Object {number} is split; the smaller part is object {new}",
        select=True,
        slow=True,
        object=number,
        first_voxel=list(first),
        second_voxel=list(second),
    )


def split_at_slice(context: Context, axis: int) -> None:
    """Split the chosen object behind the slice at the crosshair that is perpendicular to ``axis``."""
    session = context.session
    number = chosen(session)[-1]
    place, normal = [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]
    place[axis], normal[axis] = session.cursor[axis] + 0.5, 1.0
    _change(
        context,
        EditKind.SPLIT_OBJECT,
        (number,),
        lambda hand: object_split.split_by_plane(hand, number, place, normal),
        lambda new: f"Object {number} is split; the smaller part is object {new}",
        select=True,
        object=number,
        axis="zyx"[axis],
        behind_slice=session.cursor[axis],
    )


def split_by_plane(context: Context, number: int, place: Sequence[float], normal: Sequence[float]) -> None:
    """Split an object by a plane: a point and the normal (z, y, x), in voxels.

    It stays chosen, so that another part of it can be split off.
    """
    _change(
        context,
        EditKind.SPLIT_OBJECT,
        (number,),
        lambda hand: object_split.split_by_plane(hand, number, place, normal),
        lambda new: f"Object {number} is split; the smaller part is object {new}",
        object=number,
        point=[round(value, 1) for value in place],
        normal=[round(value, 3) for value in normal],
    )


def grow(context: Context, numbers: tuple[int, ...], pixels: int) -> None:
    """Grow objects by some pixels, or shrink them where ``pixels`` is negative."""
    voxel_nm = _document(context.session).voxel_nm
    step = object_hand.grow if pixels > 0 else object_hand.shrink

    def work(hand: Hand) -> int:
        return sum(step(hand, number, abs(pixels), voxel_nm) for number in numbers)

    _change(
        context,
        EditKind.GROW_OBJECT if pixels > 0 else EditKind.SHRINK_OBJECT,
        numbers,
        work,
        lambda voxels: f"{'Grown' if pixels > 0 else 'Shrunk'} by {count(voxels, 'voxel')}",
        slow=True,
        objects=objects_text(numbers),
        distance_px=abs(pixels),
    )


def fill(context: Context, numbers: tuple[int, ...], axis: int | None) -> None:
    """Fill holes: of the slices perpendicular to ``axis``, or cavities in 3D where it is None."""

    def work(hand: Hand) -> int:
        return sum(object_hand.fill(hand, number, axis) for number in numbers)

    _change(
        context,
        EditKind.FILL_OBJECT,
        numbers,
        work,
        lambda voxels: f"{count(voxels, 'voxel')} filled",
        slow=True,
        objects=objects_text(numbers),
        axis="3D" if axis is None else "zyx"[axis],
    )


def interpolate(context: Context, axis: int) -> None:
    """Continue the chosen object on the empty slices that are nearest to the crosshair."""
    session = context.session
    number, around = chosen(session)[-1], session.cursor[axis]
    _change(
        context,
        EditKind.INTERPOLATE,
        (number,),
        lambda hand: object_hand.interpolate(hand, number, axis, None, None, around=around),
        lambda voxels: f"{count(voxels, 'voxel')} filled in between",
        slow=True,
        object=number,
        axis="zyx"[axis],
        around=around,
    )


def choose(session: Session, number: int, *, beside: bool) -> None:
    """Choose an object, alone or ``beside`` those that are chosen (or no longer, if it was); 0: none."""
    now = session.objects.value.selected
    if not beside:
        session.objects.set(selected=(number,) if number else ())
    elif number:
        others = tuple(other for other in now if other != number)
        session.objects.set(selected=others if number in now else (*others, number))


def choose_at_crosshair(context: Context) -> None:
    """Choose the object at the crosshair.

    Raises
    ------
    UserError
        If there is none; it says how to come to one without a mouse.
    """
    session = context.session
    if session.document is not None and session.document.objects is None:
        raise UserError(NO_OBJECTS)
    number = number_at(session, session.cursor)
    if not number:
        raise UserError(
            "There is no object at the crosshair. Move it there by the arrow keys in each slice view, or "
            "choose a row of the table (Ctrl+4)."
        )
    choose(context.session, number, beside=False)
    context.session.remark(describe(context.session, number))


def describe(session: Session, number: int) -> str:
    """Return "Object 12, vesicle" for what stands beside the pointer."""
    document = session.document
    row = None if document is None else document.object_table.rows.get(number)
    return f"Object {number}" + (f" · {row.class_name}" if row is not None and row.class_name else "")


def _deleted(gone: int) -> str:
    return f"{count(gone, 'object')} deleted; Undo brings {'it' if gone == 1 else 'them'} back"


def _rounded(point: Point) -> list[float]:
    return [round(value, 1) for value in point]


def _document(session: Session) -> Document:
    if session.document is None:
        raise UserError("No tomogram is open. Open one first (File > Open tomogram).")
    return session.document


def _change(
    context: Context,
    kind: EditKind,
    numbers: Iterable[int],
    work: Work,
    say: Callable[[int], str],
    *,
    select: bool = False,
    slow: bool = False,
    **parameters: Any,
) -> None:
    """Change objects: at once where they are few and their boxes small, else in a job.

    ``select``: ``work`` returns an object that is to be chosen then. ``slow``: it needs several walks.
    """
    session = context.session
    document = _document(session)
    boxes = [document.box_of(number) for number in numbers]
    voxels = sum(math.prod(box.shape) for box in boxes if box is not None)
    if voxels > QUICK_VOXELS // (8 if slow else 1) or len(boxes) > QUICK_OBJECTS:
        _start(
            context,
            kind,
            lambda job, recorder: work(Hand(recorder, document.object_table, document.object_boxes)),
            say,
            select,
            parameters,
        )
        return
    with session.edit(kind, "objects", **parameters) as recorder:
        result = work(Hand(recorder, document.object_table, document.object_boxes))
    _over(session, say(result), result if select else None)


def _start(
    context: Context,
    kind: EditKind,
    work: Callable[[Job, Recorder], int],
    say: Callable[[int], str],
    select: bool,
    parameters: dict[str, Any],
) -> None:
    session = context.session

    def done(result: int, edit: Edit | None) -> None:
        _over(session, say(result), result if select else None)

    def failed(error: Exception) -> None:
        if isinstance(error, UserError):
            session.remark(str(error))
        else:
            context.jobs.failed.emit(error)

    LabelJob(context, kind, work, target="objects", parameters=parameters, on_done=done, on_error=failed)


def _over(session: Session, text: str, number: int | None) -> None:
    if number is not None:
        session.objects.set(selected=(number,))
    session.message.emit(text)
