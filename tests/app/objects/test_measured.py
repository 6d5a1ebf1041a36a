"""The measurements of a window's objects: kept with its project, through undo and redo, and with contacts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from sxtstudio.app.jobs.job import Job
from sxtstudio.app.jobs.label_job import LabelJob
from sxtstudio.app.main_window import MainWindow
from sxtstudio.app.objects.colouring import NEUTRAL, ColourBy
from sxtstudio.app.objects.measured import ObjectMeasurements
from sxtstudio.app.objects.pane import PaneTab
from sxtstudio.app.objects.plots.page import PlotsPage
from sxtstudio.app.objects.table.model import STALE_COLUMN
from sxtstudio.app.objects.table.page import TablePage
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.edits import Recorder
from sxtstudio.core.errors import Cancelled
from sxtstudio.core.geometry import Box
from sxtstudio.core.measure.columns import Measurements
from sxtstudio.core.measure.contacts import ContactRule, contacts_in
from sxtstudio.core.measure.kept import mark_of_classes
from sxtstudio.core.measure.measure import measure_objects
from sxtstudio.core.measure.relations import relations_group
from sxtstudio.core.measure.size import SIZE
from sxtstudio.core.object_table import ObjectRow
from sxtstudio.workflow.document.project import adopt, open_project, save, snapshot
from tests.app.objects.conftest import BOXES, LARGE, quiet

VOLUME = next(column for column in SIZE.columns if column.key == "volume")
INSIDE = Box((21, 101, 101), (22, 102, 102))
OTHER = Box((25, 120, 120), (36, 145, 180))


@pytest.fixture
def measured(room: MainWindow) -> ObjectMeasurements:
    """With the volumes of the three objects."""
    measured = room.context.parts.measured
    measured.set(volumes({number: np.prod(box.shape) * 1e-6 for number, box in BOXES.items()}))
    return measured


def volumes(of: dict[int, float]) -> Measurements:
    value = Measurements(np.array(sorted(of)))
    value.add(VOLUME, np.array([of[number] for number in sorted(of)]))
    return value


def erase(room: MainWindow) -> None:
    with room.session.edit(EditKind.ERASE_OBJECT, "objects") as edit:
        edit.write(INSIDE, np.zeros(INSIDE.shape, np.uint32))


def replace(room: MainWindow, qtbot: QtBot, *, cancel: bool = False) -> None:
    """Have one other object in place of all, in a job as that which finds them."""
    document = room.session.document
    assert document is not None
    rows = dict.fromkeys(document.object_table.rows) | {3: ObjectRow("Vesicle")}
    change = document.object_table.change(rows)

    def work(job: Job, recorder: Recorder) -> None:
        for box in BOXES.values():
            recorder.write(box, np.zeros(box.shape, np.uint32))
        recorder.write(OTHER, np.full(OTHER.shape, 3, np.uint32))
        job.report(recorder.box)
        if cancel:
            raise Cancelled
        recorder.rows = change

    run = LabelJob(room.context, EditKind.FIND_OBJECTS, work, target="objects")
    with qtbot.waitSignal(run.ended):
        pass


def test_another_window_shows_what_was_measured(
    room: MainWindow, measured: ObjectMeasurements, qtbot: QtBot, tmp_path: Path
) -> None:
    document = room.session.document
    assert document is not None and document.modified
    adopt(document, save(snapshot(document), tmp_path / "cell.sxt"))
    assert not document.modified
    erase(room)
    adopt(document, save(snapshot(document), tmp_path / "cell.sxt"))
    table = measured.value
    found = open_project(tmp_path / "cell.sxt", lock=document.project_lock)
    room.session.show(found.document)
    assert measured.value is not None and table is not None and measured.value is not table
    assert measured.value.values["volume"].tolist() == table.values["volume"].tolist()
    assert measured.stale == {3} and not found.document.modified
    erase_5 = BOXES[5]
    with room.session.edit(EditKind.ERASE_OBJECT, "objects") as edit:
        edit.write(erase_5, np.zeros(erase_5.shape, np.uint32))
    assert measured.stale == {3, 5} and found.document.measurements.kept is not None
    assert found.document.measurements.kept.stale == {3, 5}


def test_facts_told_again_are_no_unsaved_work(room: MainWindow, measured: ObjectMeasurements) -> None:
    """The polarity is found some seconds after opening, and says nothing about measurements."""
    document = room.session.document
    assert document is not None
    room.session.set_voxel_nm((20.0, 20.0, 20.0))
    assert measured.stale == set(BOXES) and document.modified
    document.mark_saved(None, document.measurements.kept)
    assert not document.modified
    room.session.facts_changed.emit()
    assert measured.stale == set(BOXES) and not document.modified


def test_undo_and_redo_of_found_objects_bring_their_measurements(
    room: MainWindow, measured: ObjectMeasurements, qtbot: QtBot
) -> None:
    session, former = room.session, measured.value
    assert former is not None
    erase(room)
    replace(room, qtbot)
    assert measured.value is None and session.document is not None
    assert session.document.measurements.kept is None
    measured.set(volumes({3: 7.0}))
    session.undo()
    assert measured.value is not None and measured.stale == {3}
    assert measured.value.values["volume"].tolist() == former.values["volume"].tolist()
    assert session.document.measurements.kept is not None
    session.redo()
    assert measured.value is not None and measured.stale == frozenset()
    assert measured.value.values["volume"].tolist() == [7.0]
    session.undo()
    session.undo()  # the eraser
    assert measured.value is not None and measured.value.numbers.tolist() == sorted([3, 5, LARGE])
    session.undo()  # that the objects were found: nothing was measured before
    assert measured.value is None
    session.redo()
    assert measured.value is not None and measured.stale == frozenset(), "nothing is erased of it now"
    session.redo()
    assert measured.stale == {3}


def test_finding_that_was_cancelled_costs_nothing(
    room: MainWindow, measured: ObjectMeasurements, qtbot: QtBot
) -> None:
    former = measured.value
    replace(room, qtbot, cancel=True)
    assert former is not None and measured.value is not None and measured.stale == frozenset()
    assert measured.value.values["volume"].tolist() == former.values["volume"].tolist()


def test_what_is_taken_back_is_valid_again(room: MainWindow, measured: ObjectMeasurements) -> None:
    session, told = room.session, list[frozenset[int]]()
    measured.changed.connect(lambda: told.append(measured.stale))
    erase(room)
    assert measured.stale == {3} and measured.is_stale(3) and not measured.is_stale(5)
    session.undo()
    assert measured.stale == frozenset() and not measured.is_stale(3)
    session.redo()
    assert measured.stale == {3}
    assert told == [{3}, frozenset(), {3}]
    with session.edit(EditKind.REDRAW_OBJECT, "objects") as edit:  # the same voxels, by hand
        edit.write(INSIDE, np.full(INSIDE.shape, 3, np.uint32))
    assert measured.stale == frozenset()


def test_only_what_really_changed_is_out_of_date(room: MainWindow, measured: ObjectMeasurements) -> None:
    """Not what only lies in the same box, and not what was given to a table row."""
    objects = room.session.labels_of("objects")
    assert objects is not None
    everything = Box.whole((objects.shape[0], objects.shape[1], objects.shape[2]))
    changed = objects.copy()
    changed[(5, 5, 5)] = 11
    changed[BOXES[5].start] = 0
    with room.session.edit(EditKind.REDRAW_OBJECT, "objects") as edit:
        edit.write(everything, changed)
    assert measured.stale == {5, 11}


def test_measuring_between_makes_the_way_back_out_of_date(
    room: MainWindow, measured: ObjectMeasurements
) -> None:
    erase(room)
    measured.set(volumes(dict.fromkeys(BOXES, 1.0)))
    assert measured.stale == frozenset()
    room.session.undo()
    assert measured.stale == {3}, "what was measured is without the voxels that are back"
    room.session.redo()
    assert measured.stale == frozenset()


def test_what_changed_while_it_was_measured_stays_in_doubt(
    room: MainWindow, measured: ObjectMeasurements
) -> None:
    measured.begin()
    erase(room)
    room.session.undo()
    measured.set(volumes(dict.fromkeys(BOXES, 1.0)))
    assert measured.stale == {3}, "it may have been measured while voxels were missing"
    measured.set(volumes(dict.fromkeys(BOXES, 1.0)))
    assert measured.stale == frozenset()


def test_the_voxel_size_that_was_measured_with_makes_it_valid_again(
    room: MainWindow, measured: ObjectMeasurements
) -> None:
    session = room.session
    assert session.document is not None
    former = session.document.voxel_nm
    erase(room)
    session.set_voxel_nm((20.0, 20.0, 20.0))
    assert measured.stale == set(BOXES) and measured.all_stale and measured.resized
    session.set_voxel_nm(former)
    assert measured.stale == {3} and not measured.all_stale
    session.undo()
    assert measured.stale == frozenset()


def test_undo_after_saving_and_opening_makes_it_valid(
    room: MainWindow, measured: ObjectMeasurements, tmp_path: Path
) -> None:
    document = room.session.document
    assert document is not None
    erase(room)
    adopt(document, save(snapshot(document), tmp_path / "cell.sxt"))
    room.session.show(open_project(tmp_path / "cell.sxt", lock=document.project_lock).document)
    assert measured.stale == {3}
    room.session.undo()
    assert measured.stale == frozenset()
    room.session.redo()
    assert measured.stale == {3}


def test_columns_that_come_leave_out_of_date_what_is(room: MainWindow, measured: ObjectMeasurements) -> None:
    erase(room)
    assert measured.value is not None
    measured.replace(measured.value)
    room.session.undo()
    assert measured.stale == frozenset()


def test_contacts_are_looked_for_again(room: MainWindow, measured: ObjectMeasurements, qtbot: QtBot) -> None:
    document = room.session.document
    assert document is not None and document.objects is not None
    rule = ContactRule("Mitochondrion", "Vesicle", 1e5)
    classes = {number: row.class_name for number, row in document.object_table.rows.items()}
    measured.add_contacts(contacts_in(document.objects, document.voxel_nm, classes, rule))
    assert measured.value is not None and measured.contacts == (rule,)
    area, patches = (column.key for column in rule.columns())
    before = dict(zip(measured.value.numbers.tolist(), measured.value.values[area].tolist(), strict=True))
    room.actions_.by_name["objects.measure"].trigger()
    quiet(room, qtbot)
    after = dict(zip(measured.value.numbers.tolist(), measured.value.values[area].tolist(), strict=True))
    assert "surface" in "".join(measured.value.values) and after == pytest.approx(before, nan_ok=True)
    assert measured.contacts == (rule,) and patches in measured.value.values and max(after.values()) > 0


NEAREST_COLUMNS = {"nearest_distance", "nearest_number"}
BY_CLASS = {"distance_to_vesicle", "nearest_vesicle_number"}


@pytest.fixture
def related(room: MainWindow) -> ObjectMeasurements:
    """With the true volumes and neighbours of the three objects, all of them vesicles."""
    session, measured = room.session, room.context.parts.measured
    document = session.document
    assert document is not None and document.objects is not None
    session.change_rows(
        document.object_table.change(dict.fromkeys(BOXES, ObjectRow("Vesicle"))), EditKind.CLASSIFY
    )
    groups = (SIZE, relations_group(dict.fromkeys(BOXES, "Vesicle")))
    measured.set(measure_objects(document.objects, document.voxel_nm, groups=groups))
    assert measured.stale == frozenset() == measured.outdated_columns
    return measured


def test_neighbours_hold_of_nobody_once_an_object_differs(
    room: MainWindow, related: ObjectMeasurements
) -> None:
    page, key = room.context.parts.pane.show_page(PaneTab.TABLE), "nearest_distance"
    assert isinstance(page, TablePage)
    page.choice.changed.emit(("number", "volume", key))
    place = [one.key for one in page.model.columns].index(key)

    def shown(row: int, column: int) -> tuple[str | None, bool]:
        index = page.model.index(row, column)
        faint = index.data(Qt.ItemDataRole.ForegroundRole) is not None
        return index.data(Qt.ItemDataRole.ToolTipRole), faint

    assert page.model.number(1) == 5 and shown(1, place) == (None, False)
    document = room.session.document
    assert document is not None
    erase(room)  # a voxel of 3
    assert related.outdated_columns == NEAREST_COLUMNS | BY_CLASS and not related.is_stale(5)
    kept = document.measurements.kept
    assert kept is not None
    assert shown(1, place) == (STALE_COLUMN, True) and shown(1, place - 1) == (None, False)
    assert "Distance to nearest" in page.summary.text()
    rows, columns = kept.warnings(document.object_table, document.voxel_nm)
    assert rows.startswith("1 object may") and "Distance to nearest" in columns and "Volume" not in columns
    assert kept.warnings(document.object_table, document.voxel_nm, {"volume"}) == (rows,)
    room.session.undo()
    assert related.outdated_columns == frozenset() and shown(1, place) == (None, False)


def test_distances_to_a_class_hold_of_nobody_once_a_class_differs(
    room: MainWindow, related: ObjectMeasurements, tmp_path: Path
) -> None:
    session, document, told = room.session, room.session.document, list[frozenset[str]]()
    assert document is not None
    related.changed.connect(lambda: told.append(related.outdated_columns))
    session.change_rows(document.object_table.change({5: ObjectRow("ER")}), EditKind.CLASSIFY)
    assert related.outdated_columns == BY_CLASS and related.stale == frozenset()
    adopt(document, save(snapshot(document), tmp_path / "cell.sxt"))
    again = open_project(tmp_path / "cell.sxt", lock=document.project_lock).document
    kept = again.measurements.kept
    assert kept is not None and kept.outdated_columns(mark_of_classes(again.object_table)) == BY_CLASS
    again.let_go()
    session.undo()
    noted = ObjectRow("Vesicle", notes="seen")
    assert related.outdated_columns == frozenset() and told == [BY_CLASS, frozenset()]
    session.change_rows(document.object_table.change({5: noted}), EditKind.CLASSIFY)
    assert related.outdated_columns == frozenset(), "a note is no class"


def test_a_plot_says_that_its_column_is_out_of_date(
    room: MainWindow, related: ObjectMeasurements, qtbot: QtBot
) -> None:
    page = room.context.parts.pane.show_page(PaneTab.PLOTS)
    assert isinstance(page, PlotsPage)
    qtbot.waitUntil(lambda: page.plot.figure is not None)
    assert "⚠" not in page.words.toolTip()
    erase(room)
    qtbot.waitUntil(lambda: "1 object changed since" in page.words.toolTip())
    page.fields.column.setCurrentIndex(page.fields.column.findData("nearest_distance"))
    qtbot.waitUntil(lambda: "Distance to nearest" in page.words.toolTip())
    room.session.undo()
    qtbot.waitUntil(lambda: "⚠" not in page.words.toolTip())
    erase(room)
    page.fields.column.setCurrentIndex(page.fields.column.findData("volume"))
    qtbot.waitUntil(lambda: "1 object changed since" in page.words.toolTip())
    assert page.plot.figure is not None and 3 not in page.plot.figure.dots[0].numbers
    room.session.objects.set(colour_by="nearest_distance")
    qtbot.waitUntil(lambda: "Distance to nearest" in page.words.toolTip())


def test_colours_by_a_column_leave_out_what_changed_and_say_so(
    room: MainWindow, related: ObjectMeasurements
) -> None:
    display, style = room.context.parts.objects.display, room.context.parts.objects.display._style
    room.session.objects.set(colour_by="volume")

    def greys() -> list[int]:
        colours = style.colours(style.numbers).tolist()
        return [n for n, rgb in zip(style.numbers.tolist(), colours, strict=True) if rgb == list(NEUTRAL)]

    assert greys() == [] and display.out_of_date.text() == ""
    erase(room)  # a voxel of 3
    assert greys() == [3] and "1 object changed" in display.out_of_date.text()
    room.session.objects.set(colour_by="nearest_distance")
    assert "other objects" in display.out_of_date.text()
    room.session.objects.set(colour_by=str(ColourBy.CLASS))
    assert display.out_of_date.text() == ""
    room.session.undo()
    room.session.objects.set(colour_by="volume")
    assert greys() == [] and display.out_of_date.text() == ""
    room.session.set_voxel_nm((5.0, 5.0, 5.0))
    assert set(greys()) == set(BOXES) and "3 objects changed" in display.out_of_date.text()


def test_values_that_hold_are_those_of_objects_that_did_not_change(
    room: MainWindow, related: ObjectMeasurements
) -> None:
    assert related.value is not None and related.holding is related.value
    before = related.value.values["volume"].copy()
    erase(room)
    assert related.holding is not None and related.holding is related.holding
    place = related.value.numbers.tolist().index(3)
    np.testing.assert_array_equal(np.flatnonzero(np.isnan(related.holding.values["volume"])), [place])
    np.testing.assert_array_equal(related.value.values["volume"], before)
    room.session.undo()
    assert related.holding is related.value
