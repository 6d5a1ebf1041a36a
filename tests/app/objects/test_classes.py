"""Classes in the window: by key, click, rule and classifier, and the queue of what is to be checked."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from sxtstudio.app import menus, questions
from sxtstudio.app.main_window import MainWindow
from sxtstudio.app.objects.classes.buttons import ClassButtons
from sxtstudio.app.objects.classes.rules import RuleDialog
from sxtstudio.app.objects.classes.sections import ClassSections
from sxtstudio.app.session import Busy
from sxtstudio.app.states import Panel
from sxtstudio.core.classes.features import FEATURES
from sxtstudio.core.classes.rules import Among
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box
from sxtstudio.core.measure.columns import Column, DependsOn, Measurements, Quantity
from sxtstudio.core.object_classes import CLASSES, DROPLET, MITOCHONDRION, VESICLE, ObjectClass
from sxtstudio.core.object_table import Decided, ObjectFlag, ObjectRow, ObjectTable
from sxtstudio.workflow.document.document import Document
from sxtstudio.workflow.document.methods import grouped_steps, methods_text
from sxtstudio.workflow.document.recovered import recover

Opened = Callable[[Path], MainWindow]
SAMPLE = Path(__file__).resolve().parents[3] / "resources" / "sample.tif"
# Large ones, small ones, and small ones that absorb; of each kind as many.
KINDS = (MITOCHONDRION, VESICLE, DROPLET)
OF_EACH = 8
NUMBERS = range(1, len(KINDS) * OF_EACH + 1)


def kind_of(number: int) -> int:
    return (number - 1) % len(KINDS)


def box_of(number: int) -> Box:
    row, column = divmod(number - 1, 6)
    y, x = 20 + 60 * row, 20 + 60 * column
    return Box((28, y, x), (34, y + 10, x + 10))


def measured() -> Measurements:
    rng = np.random.default_rng(0)
    found = Measurements(np.array(NUMBERS, np.int64))
    kinds = np.array([kind_of(number) for number in NUMBERS])
    for key in sorted({key for feature in FEATURES for key in feature.columns}):
        quantity = Quantity.UM3 if key == "volume" else Quantity.GREY if "grey" in key else Quantity.NUMBER
        values = np.exp(rng.normal(0, 0.1, len(kinds)))
        if key == "volume":
            values *= np.array([1.0, 0.1, 0.1])[kinds]
        elif key in ("grey_mean", "grey_inside_mean", "grey_rim_mean"):
            values -= np.array([0.0, 0.0, 5.0])[kinds]
        found.add(Column(key, key.capitalize(), quantity, "What it is."), values)
    return found


@pytest.fixture
def window_with_objects(sample: MainWindow, qtbot: QtBot) -> MainWindow:
    """24 measured objects in the sample tomogram, and the panel of the objects."""
    session, document = sample.session, sample.session.document
    assert document is not None
    recorder = session.record(EditKind.FIND_OBJECTS, "objects")
    for number in NUMBERS:
        recorder.write(box_of(number), np.full(box_of(number).shape, number, np.uint32))
    doubtful = {NUMBERS[-1]: ObjectRow(flags=frozenset({ObjectFlag.DOUBTFUL}))}
    session.commit(recorder, rows=document.object_table.change({**ObjectTable.of(NUMBERS).rows, **doubtful}))
    sample.context.parts.measured.set(measured())
    sample.context.parts.side.show_panel(Panel.OBJECTS)
    sample.activateWindow()  # only then its keys do something
    qtbot.waitUntil(sample.isActiveWindow, timeout=5000)
    return sample


@pytest.fixture
def classing(window_with_objects: MainWindow) -> ClassSections:
    return window_with_objects.context.parts.objects.classing


def say_changed(window: MainWindow, numbers: Iterable[int]) -> None:
    """Have objects in doubt, as a crash leaves them."""
    assert window.session.document is not None
    window.session.document.measurements.mark(frozenset(numbers))
    window.session.objects_changed.emit(box_of(1))


def table(window: MainWindow) -> ObjectTable:
    assert window.session.document is not None
    return window.session.document.object_table


def choose(window: MainWindow, *numbers: int) -> None:
    window.session.objects.set(selected=numbers)


def click_on(window: MainWindow, number: int) -> None:
    """Click on an object in the XY slice, which shows all of them."""
    z, y, x = box_of(number).start
    window.session.set_cursor((z + 2, 0, 0))
    view = window.context.parts.slices.views["xy"]
    place = view.transform().map(QPointF(x + 5, y + 5)).toPoint()
    QTest.mouseClick(view, Qt.MouseButton.LeftButton, pos=place)


def press(window: MainWindow, name: str) -> None:
    window.actions_.by_name[name].trigger()


def by_hand(window: MainWindow, of_each: int) -> None:
    """Give the first objects of each kind their class by hand."""
    for kind, one in enumerate(KINDS):
        own = [number for number in NUMBERS if kind_of(number) == kind][:of_each]
        window.context.parts.objects.classing.work.give(own, one.name)


def name_at_random(classing: ClassSections) -> None:
    """Give classes that have nothing to do with what the objects look like."""
    for number in NUMBERS:
        classing.work.give([number], KINDS[(number - 1) // 3 % 3].name)


def go_to(window: MainWindow, path: Path, open_file: Opened) -> None:
    """Open another tomogram; what was done in this one is thrown away."""
    assert window.session.document is not None
    window.session.document.modified = False
    open_file(path)


def finish(window: MainWindow, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: not window.jobs.running, timeout=20_000)


def test_a_class_whose_edit_is_not_on_disk_yet_can_be_taken_back_after_a_crash(
    window_with_objects: MainWindow, classing: ClassSections, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, document = window_with_objects.session, window_with_objects.session.document
    assert document is not None
    classing.work.give([5], "Vesicle")
    document.undo.wait()
    monkeypatch.setattr(document.undo, "_soon", lambda work: None)  # the thread comes to nothing
    classing.work.give([5], "Nucleus")
    document.autosave(wait=True)
    document.let_go()  # as a crash leaves it
    session.show(recover(document.folder))
    assert table(window_with_objects).rows[5].class_name == "Nucleus"
    for name in ("Vesicle", ""):
        press(window_with_objects, "edit.undo")
        assert table(window_with_objects).rows[5].class_name == name


# -- by key and click ----------------------------------------------------------------------------


def test_a_key_gives_its_class_to_the_chosen_objects(window_with_objects: MainWindow, qtbot: QtBot) -> None:
    window, view = window_with_objects, window_with_objects.context.parts.slices.views["xy"]
    choose(window, 3, 5)
    view.setFocus()
    QTest.keyClick(view, Qt.Key.Key_2)
    assert {n: row for n, row in table(window).rows.items() if row.class_name} == {
        3: ObjectRow("Vesicle", Decided.HAND),
        5: ObjectRow("Vesicle", Decided.HAND),
    }
    assert window.session.objects.value.colour_by == "class", "the colours show what was given"
    assert window.actions_.by_name["classes.give_2"].text() == "Vesicle"
    QTest.keyClick(view, Qt.Key.Key_Backspace)
    assert table(window).rows[5] == ObjectRow()
    press(window, "edit.undo")
    assert table(window).rows[3].class_name == table(window).rows[5].class_name == "Vesicle", "one step"


def test_without_a_chosen_object_a_key_says_so(window_with_objects: MainWindow, qtbot: QtBot) -> None:
    with qtbot.waitSignal(window_with_objects.session.message) as said:
        press(window_with_objects, "classes.give_1")
    assert said.args[0].startswith("No object is chosen.")
    assert "Ctrl+click one in a slice" in said.args[0] and "“Pick” (C)" in said.args[0]
    assert not any(row.class_name for row in table(window_with_objects).rows.values())


def test_clicks_give_the_current_class_and_keys_only_look(
    window_with_objects: MainWindow, classing: ClassSections, qtbot: QtBot
) -> None:
    window, view = window_with_objects, window_with_objects.context.parts.slices.views["xy"]
    item = classing.classes.list.topLevelItem(2)
    assert item is not None
    classing.classes.list.setCurrentItem(item)
    assert classing.work.current == "Lipid droplet"
    press(window, "classes.by_click")
    assert classing.classes.by_click.isChecked() and "Lipid droplet" in classing.classes.hint.text()
    click_on(window, 4)
    qtbot.waitUntil(lambda: table(window).rows[4].class_name == "Lipid droplet")
    assert window.session.objects.value.click_gives == "Lipid droplet"
    classing.work.set_current("Gold")
    assert window.session.objects.value.click_gives == "Gold"
    qtbot.waitUntil(lambda: not window.session.objects.value.selected)
    click_on(window, 4)
    qtbot.waitUntil(lambda: table(window).rows[4].class_name == "Gold")
    choose(window, 5, 9)  # such as in 3D, or a lasso in a plot
    assert [n for n, row in table(window).rows.items() if row.class_name == "Gold"] == [4, 5, 9]
    QTest.keyClick(view, Qt.Key.Key_Right)
    choose(window, 11)
    assert table(window).rows[11].class_name == "", "what keys choose is only looked at"
    press(window, "labels.look")
    assert not classing.classes.by_click.isChecked() and not window.session.objects.value.click_class
    assert window.session.objects.value.click_gives == ""
    click_on(window, 12)
    assert table(window).rows[12].class_name == ""


def test_another_tool_in_the_hand_gives_no_class(window_with_objects: MainWindow) -> None:
    press(window_with_objects, "classes.by_click")
    assert window_with_objects.session.tool.value.tool == "pick"
    window_with_objects.session.tool.set(tool="brush")
    assert not window_with_objects.session.objects.value.click_class


def test_a_job_that_changes_objects_is_waited_for(
    window_with_objects: MainWindow, classing: ClassSections
) -> None:
    from sxtstudio.app.session import Busy

    choose(window_with_objects, 1)
    window_with_objects.session.set_busy(Busy("Find objects", EditKind.FIND_OBJECTS))
    assert not classing.classes.give.isEnabled() and not classing.classifier.train.isEnabled()
    with pytest.raises(UserError, match="Find objects"):
        classing.work.give([1], "Gold")
    window_with_objects.session.set_busy(None)
    assert classing.classes.give.isEnabled()


# -- the list ------------------------------------------------------------------------------------


def test_classes_are_added_renamed_recoloured_and_removed(
    window_with_objects: MainWindow, classing: ClassSections, monkeypatch: pytest.MonkeyPatch
) -> None:
    window, section, work = window_with_objects, classing.classes, classing.work
    work.give([1, 2], "Vesicle")
    section.add_class()
    assert table(window).classes[-1].name == "New class" == work.current
    assert table(window).classes[-1].rgb not in {one.rgb for one in CLASSES}
    item = section.list.topLevelItem(len(CLASSES))
    assert item is not None and section.list.current == "New class"
    item.setText(0, "Endosome")
    assert table(window).classes[-1].name == "Endosome" == work.current
    item.setText(0, "Vesicle")
    assert table(window).classes[-1].name == "Endosome" == item.text(0), "names are there once"
    vesicle = section.list.topLevelItem(1)
    assert vesicle is not None and vesicle.text(1) == "2"
    vesicle.setText(0, "Granule")
    assert table(window).rows[1].class_name == "Granule"
    work.recolour("Granule", (1, 2, 3))
    named = table(window).class_named("Granule")
    assert named is not None and named.rgb == (1, 2, 3)
    section.list.setCurrentItem(vesicle)
    asked: list[str] = []
    monkeypatch.setattr(questions, "ask", lambda *args: asked.append(args[2]) or questions.Answer.DELETE)
    QTest.keyClick(section.list, Qt.Key.Key_Delete)
    assert "2 objects" in asked[0] and table(window).class_named("Granule") is None
    assert table(window).rows[1] == ObjectRow() and work.current == "Mitochondrion"
    for _ in range(5):
        press(window, "edit.undo")
    assert table(window).classes == CLASSES and table(window).rows[1].class_name == "Vesicle"


# -- by rule -------------------------------------------------------------------------------------


def test_a_rule_is_about_what_its_class_is(window_with_objects: MainWindow, classing: ClassSections) -> None:
    """Volumes are of bodies, unless it is a class of membranes or the user says otherwise."""
    window = window_with_objects
    flags = frozenset({ObjectFlag.SHEET})
    change = table(window).change({n: ObjectRow(flags=flags) for n in (4, 7)})
    window.session.change_rows(change, EditKind.NOTE)
    press(window, "classes.by_rule")
    dialog = window.context.dialogs.find(RuleDialog)
    assert dialog is not None and dialog.rules[0].among is Among.BODIES
    row = dialog.limits.add()
    row.column.setCurrentIndex(row.column.findData("volume"))
    row.low.setText("0.5")
    dialog.limits.changed.emit()
    dialog.class_name.setCurrentIndex(dialog.class_name.findData("ER"))
    assert dialog.rules[0].among is Among.SHEETS
    assert dialog.count.text() == "2 objects of 24; 6 bodies left out"
    dialog.apply.click()
    assert {n for n, found in table(window).rows.items() if found.class_name == "ER"} == {4, 7}
    dialog.class_name.setCurrentIndex(dialog.class_name.findData("Vesicle"))
    assert dialog.rules[0].among is Among.BODIES
    dialog.among.setCurrentIndex(dialog.among.findData(Among.ALL))
    dialog.class_name.setCurrentIndex(dialog.class_name.findData("ER"))
    assert dialog.rules[0].among is Among.ALL, "that was chosen by hand"
    dialog.close()


def test_bodies_that_are_open_or_cut_count_as_bodies_and_the_rule_says_so(
    window_with_objects: MainWindow, classing: ClassSections
) -> None:
    """Only pieces of membrane are no bodies: the flag "open" is of a body of which much is missing."""
    window = window_with_objects
    large = [number for number in NUMBERS if kind_of(number) == 0]
    flags = {n: ObjectRow(flags=frozenset({ObjectFlag.OPEN})) for n in large[:3]}
    flags[large[3]] = ObjectRow(flags=frozenset({ObjectFlag.BORDER}))
    flags[large[4]] = ObjectRow(flags=frozenset({ObjectFlag.SHEET, ObjectFlag.OPEN}))
    window.session.change_rows(table(window).change(flags), EditKind.NOTE)
    press(window, "classes.by_rule")
    dialog = window.context.dialogs.find(RuleDialog)
    assert dialog is not None
    assert dialog.among.currentText() == "Bodies only, no pieces of membrane"
    dialog.class_name.setCurrentIndex(dialog.class_name.findData("Mitochondrion"))
    row = dialog.limits.add()
    row.column.setCurrentIndex(row.column.findData("volume"))
    row.low.setText("0.5")
    dialog.limits.changed.emit()
    assert dialog.count.text() == (
        "7 objects of 24; 1 piece of membrane left out; 3 open included: their volumes are estimates; "
        "1 at the border included: not whole"
    )
    dialog.apply.click()
    rows = table(window).rows
    assert {n for n in large if rows[n].class_name == "Mitochondrion"} == {*large} - {large[4]}
    dialog.close()


def test_a_rule_counts_highlights_and_gives(window_with_objects: MainWindow, classing: ClassSections) -> None:
    window = window_with_objects
    classing.work.give([1], "Gold")
    press(window, "classes.by_rule")
    dialog = window.context.dialogs.find(RuleDialog)
    assert dialog is not None and dialog.isVisible()
    dialog.class_name.setCurrentIndex(dialog.class_name.findData("Mitochondrion"))
    row = dialog.limits.add()
    row.column.setCurrentIndex(row.column.findData("volume"))
    row.low.setText("0.5")
    dialog.limits.changed.emit()
    large = [number for number in NUMBERS if kind_of(number) == 0]
    said = "8 objects of 24, 1 of them given by hand, which stay"
    assert dialog.count.text() == said
    flags = {
        n: ObjectRow(flags=frozenset({ObjectFlag.SHEET, ObjectFlag.BORDER} if n == 4 else {ObjectFlag.SHEET}))
        for n in (4, 7)
    }
    window.session.change_rows(table(window).change(flags), EditKind.NOTE)
    less = "6 objects of 24, 1 of them given by hand, which stay; 2 pieces of membrane left out"
    assert dialog.count.text() == less, "what encloses nothing is no mitochondrion"
    dialog.among.setCurrentIndex(dialog.among.findData(Among.ALL))
    more = "; 2 pieces of membrane included, no bodies; 1 at the border included: not whole"
    assert dialog.count.text() == said + more
    dialog.highlight.setChecked(True)
    assert list(window.session.objects.value.selected) == large
    dialog.add_rule()
    dialog.class_name.setCurrentIndex(dialog.class_name.findData("Vesicle"))
    row = dialog.limits.add()
    row.column.setCurrentIndex(row.column.findData("volume"))
    row.high.setText("5")
    dialog.limits.changed.emit()
    dialog.among.setCurrentIndex(dialog.among.findData(Among.ALL))
    assert [rule.class_name for rule in dialog.rules] == ["Mitochondrion", "Vesicle"]
    dialog.apply.click()
    rows = table(window).rows
    assert rows[1].class_name == "Gold"
    assert {rows[n].class_name for n in large[1:]} == {"Mitochondrion"}
    assert {rows[n].class_name for n in NUMBERS if n not in large} == {"Vesicle"}
    assert {rows[n].decided for n in NUMBERS if n != 1} == {Decided.RULE}
    dialog.up.click()
    assert [rule.class_name for rule in dialog.rules] == ["Vesicle", "Mitochondrion"]
    dialog.apply.click()
    assert {table(window).rows[n].class_name for n in NUMBERS if n != 1} == {"Vesicle"}
    press(window, "edit.undo")
    press(window, "edit.undo")
    assert {n for n, found in table(window).rows.items() if found.class_name} == {1}
    dialog.close()


def test_a_rule_goes_by_values_that_hold_and_offers_to_measure(
    window_with_objects: MainWindow, classing: ClassSections, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = window_with_objects
    found = measured()
    near = Column("near", "Near", Quantity.NUMBER, "How near", depends_on=DependsOn.CLASSES)
    found.add(near, np.arange(len(NUMBERS), dtype=float))
    window.context.parts.measured.set(found)
    press(window, "classes.by_rule")
    dialog = window.context.dialogs.find(RuleDialog)
    assert dialog is not None
    row = dialog.limits.add()
    row.column.setCurrentIndex(row.column.findData("volume"))
    row.low.setText("0.5")
    dialog.limits.changed.emit()
    assert dialog.count.text() == "8 objects of 24" and not dialog.measure.isVisible()
    say_changed(window, (4, 5))  # a large one and a small one
    assert dialog.count.text() == "7 objects of 24; 2 changed since measured, left out"
    asked = []
    monkeypatch.setattr(window.context.parts.objects, "measure", lambda: asked.append(True))
    dialog.measure.click()
    assert dialog.measure.isVisible() and asked == [True]
    dialog.apply.click()
    given = [number for number, one in table(window).rows.items() if one.class_name]
    assert given == [1, 7, 10, 13, 16, 19, 22]
    (row,) = dialog.limits.rows
    row.column.setCurrentIndex(row.column.findData("near"))
    dialog.limits.changed.emit()
    assert "“Near” depends on other objects" in dialog.count.text()
    dialog.apply.click()
    assert "“Near” depends on other objects" in dialog.message.text()
    window.session.set_voxel_nm((7.0, 7.0, 7.0))
    assert "measure them again" in dialog.count.text()
    dialog.close()


def test_rules_come_from_a_file_and_go_to_one(
    window_with_objects: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = window_with_objects
    press(window, "classes.by_rule")
    dialog = window.context.dialogs.find(RuleDialog)
    assert dialog is not None
    row = dialog.limits.add()
    row.column.setCurrentIndex(row.column.findData("volume"))
    row.low.setText("0,25")
    dialog.limits.changed.emit()
    before = dialog.rules
    monkeypatch.setattr(questions, "save_file", lambda *args: tmp_path / "r.json")
    dialog.save_button.click()
    dialog.set_rules(())
    assert dialog.rules[0].ranges == ()
    monkeypatch.setattr(questions, "open_file", lambda *args: tmp_path / "r.json")
    dialog.open_button.click()
    assert dialog.rules == before and before[0].ranges[0].unit == "um3"
    (tmp_path / "r.json").write_text("{}")
    dialog.open_button.click()
    assert "'format' is missing" in dialog.message.text() and dialog.rules == before
    window.context.parts.measured.set(None)
    assert not dialog.apply.isEnabled() and "measure them first" in dialog.count.text()
    dialog.close()


def test_rules_and_the_current_class_stay_with_the_project(
    window_with_objects: MainWindow, classing: ClassSections, open_file: Opened
) -> None:
    window = window_with_objects
    press(window, "classes.by_rule")
    dialog = window.context.dialogs.find(RuleDialog)
    assert dialog is not None and window.session.document is not None
    row = dialog.limits.add()
    row.column.setCurrentIndex(row.column.findData("volume"))
    row.low.setText("0.25")
    dialog.limits.changed.emit()
    classing.work.set_current("Gold")
    before = dialog.rules
    state = json.loads(json.dumps(classing.view_state()))
    window.session.document.modified = False
    window.session.show(None)
    open_file(SAMPLE)
    assert classing.rules == before == dialog.rules, "they go on with another tomogram"
    dialog.set_rules(())
    classing.work.set_current("ER")
    classing.restore_view_state(state)
    assert classing.rules == before == dialog.rules and classing.work.current == "Gold"
    classing.restore_view_state({"rules": {"format": "x"}, "current": "Nobody"})
    assert classing.rules == before and classing.work.current == "Gold"
    dialog.close()


def test_limits_that_say_nothing_are_named(window_with_objects: MainWindow) -> None:
    press(window_with_objects, "classes.by_rule")
    dialog = window_with_objects.context.dialogs.find(RuleDialog)
    assert dialog is not None
    row = dialog.limits.add()
    row.low.setText("abc")
    dialog.limits.changed.emit()
    assert "“abc” is no number, so it is no limit" in dialog.count.text()
    row.low.setText("0.1")
    row.high.setText("0.05")
    dialog.limits.changed.emit()
    assert dialog.count.text() == "0 objects of 24; “from” is above “to”"
    row.high.setText("0.5")
    dialog.limits.changed.emit()
    assert "above" not in dialog.count.text() and "no number" not in dialog.count.text()
    dialog.close()


# -- by a classifier -----------------------------------------------------------------------------


def test_a_classifier_of_a_few_names_the_others(
    window_with_objects: MainWindow, classing: ClassSections, qtbot: QtBot
) -> None:
    window, section = window_with_objects, classing.classifier
    assert not section.train.isEnabled() and not section.classify.isEnabled()
    by_hand(window, 3)
    assert section.given.text() == "By hand: 3 Mitochondrion, 3 Vesicle, 3 Lipid droplet."
    press(window, "classes.train")
    finish(window, qtbot)
    assert "right of 9 objects (out of bag, mean of the classes); too few to rely on" in section.scores.text()
    titles = [one.title for one in section.bars.reasons]
    assert section.bars.isVisible() and "Volume" in titles
    edits = len(window.session.history)
    section.classify.click()
    finish(window, qtbot)
    rows = table(window).rows
    right = [rows[n].class_name == KINDS[kind_of(n)].name for n in NUMBERS]
    assert sum(right) >= 22, right
    assert sum(row.decided is Decided.CLASSIFIER for row in rows.values()) == 15
    assert all(row.sure for row in rows.values() if row.decided is Decided.CLASSIFIER)
    assert "15 objects have a new class, " in section.result.text()
    assert len(window.session.history) == edits + 1
    classing.work.give([20, 21], "Vesicle")
    assert "2 more than it was trained with: train it again" in section.given.text()
    press(window, "edit.undo")
    press(window, "edit.undo")
    assert sum(bool(row.class_name) for row in table(window).rows.values()) == 9


def test_too_few_examples_are_said_not_trained(
    window_with_objects: MainWindow, classing: ClassSections, qtbot: QtBot
) -> None:
    classing.work.give([1, 4, 7], "Vesicle")
    assert not classing.classifier.train.isEnabled()
    window_with_objects.context.parts.measured.set(None)
    by_hand(window_with_objects, 2)
    assert not classing.classifier.train.isEnabled()
    with qtbot.waitSignal(window_with_objects.session.message) as said:
        press(window_with_objects, "classes.train")
    assert "measure them first" in said.args[0]
    assert "measure them first" in classing.classifier.given.text()


def test_a_classifier_goes_to_a_file_and_on_to_another_tomogram(
    window_with_objects: MainWindow,
    classing: ClassSections,
    qtbot: QtBot,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    window, section, work = window_with_objects, classing.classifier, classing.classifier_work
    by_hand(window, 3)
    section.train.click()
    finish(window, qtbot)
    monkeypatch.setattr(questions, "save_file", lambda *args: tmp_path / "c.json")
    press(window, "classes.save")
    assert (tmp_path / "c.json").exists() and "“c.json”" in section.scores.text()
    work.classifier = None
    monkeypatch.setattr(questions, "open_file", lambda *args: tmp_path / "c.json")
    press(window, "classes.open")
    assert work.classifier is not None and section.carry_on.isVisible()
    section.train.click()
    finish(window, qtbot)
    assert work.classifier.scores.objects == 9, "its own examples are those that are here"
    classing.work.give([n for n in NUMBERS[:9] if n > 6], "")
    section.train.click()
    finish(window, qtbot)
    assert work.classifier.scores.objects == 9, "three of them are only its own now"
    section.carry_on.setChecked(False)
    section.train.click()
    finish(window, qtbot)
    assert work.classifier.scores.objects == 6
    former = work.classifier
    (tmp_path / "c.json").write_text("[]")
    section.open.click()
    said = section.result.text()
    assert "c.json is damaged" in said and said.endswith("The former classifier is still there.")
    assert work.classifier is former and work.source == ""


def test_another_tomogram_gets_a_good_classifier_that_says_whose_it_is(
    window_with_objects: MainWindow,
    classing: ClassSections,
    qtbot: QtBot,
    tmp_path: Path,
    open_file: Opened,
) -> None:
    window, section, work = window_with_objects, classing.classifier, classing.classifier_work
    by_hand(window, 3)
    section.train.click()
    finish(window, qtbot)
    work.classify()
    finish(window, qtbot)
    assert "new class" in section.result.text() and "learned from" not in section.scores.text()
    good = work.classifier
    other = tmp_path / "other.tif"
    shutil.copy(SAMPLE, other)
    go_to(window, other, open_file)
    assert work.classifier is good and not section.carry_on.isHidden() and section.result.text() == ""
    assert section.scores.text().startswith("It learned from “sample.tif”; ")
    work.save(tmp_path / "c.json")
    work.open(tmp_path / "c.json")
    assert section.scores.text().startswith("“c.json”: ")
    go_to(window, SAMPLE, open_file)
    assert section.scores.text().startswith("It was opened for “other.tif”; ")
    go_to(window, other, open_file)
    assert section.scores.text().startswith("“c.json”: "), "it is that of this tomogram again"
    press(window, "classes.remove")
    assert work.classifier is None and work.source == "" and not work.carries_on
    assert section.scores.text() == "" and section.bars.isHidden() and not section.remove.isEnabled()


def test_a_classifier_that_is_mostly_wrong_stays_with_its_tomogram(
    window_with_objects: MainWindow, classing: ClassSections, qtbot: QtBot, open_file: Opened, tmp_path: Path
) -> None:
    window, work = window_with_objects, classing.classifier_work
    name_at_random(classing)
    press(window, "classes.train")
    finish(window, qtbot)
    work.save(tmp_path / "bad.json")
    work.open(tmp_path / "bad.json")
    assert "too often wrong" in classing.classifier.scores.text() and work.carries_on
    go_to(window, SAMPLE, open_file)
    assert work.classifier is None and work.source == "" and not work.carries_on


def test_what_must_wait_says_for_what(
    window_with_objects: MainWindow,
    classing: ClassSections,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    window, given = window_with_objects, classing.classifier.given
    errors: list[str] = []
    monkeypatch.setattr(menus, "show_error", lambda _window, error: errors.append(str(error)))
    window.context.parts.measured.set(None)
    press(window, "objects.measure")
    assert given.text() == "The objects are being measured: wait for it."
    press(window, "objects.measure")
    assert errors.pop() == "The objects are being measured already. Wait for it."
    finish(window, qtbot)
    assert given.text().startswith("Give 5 or more")
    window.session.set_busy(Busy("Finding objects", EditKind.FIND_OBJECTS))
    press(window, "objects.measure")
    assert errors.pop() == "The objects are being changed by “Finding objects”. Wait for it."
    assert "changed by “Finding objects”" in given.text()
    window.session.set_busy(None)


def test_what_changed_since_it_was_measured_is_left_out(
    window_with_objects: MainWindow, classing: ClassSections, qtbot: QtBot
) -> None:
    window = window_with_objects
    by_hand(window, 3)
    classing.classifier.train.click()
    finish(window, qtbot)
    say_changed(window, {20, 1})
    classing.classifier.classify.click()
    finish(window, qtbot)
    said = classing.classifier.result.text()
    assert table(window).rows[20].class_name == "" and "2 have changed" in said
    say_changed(window, NUMBERS)
    classing.classifier.train.click()
    said = classing.classifier.result.text()
    assert said == "The objects have changed since they were measured: measure them again."
    window.session.set_voxel_nm((7.0, 7.0, 7.0))
    classing.classifier.classify.click()
    assert "another voxel size: measure them again" in classing.classifier.result.text()


# -- the queue -----------------------------------------------------------------------------------


@pytest.fixture
def classified(window_with_objects: MainWindow) -> MainWindow:
    """Objects 1, 2 and 3 with a class of the classifier, 2 the least sure; 24 has a doubtful outline."""
    rows = {n: ObjectRow("Vesicle", Decided.CLASSIFIER, sure) for n, sure in ((1, 0.9), (2, 0.4), (3, 0.7))}
    session = window_with_objects.session
    session.change_rows(table(window_with_objects).change(rows), EditKind.CLASSIFY)
    return window_with_objects


def test_one_key_answers_and_the_next_object_comes(classified: MainWindow, classing: ClassSections) -> None:
    window, queue, session = classified, classing.queue, classified.session
    assert queue.left.text().startswith("To check: 3 objects with a class of the classifier")
    doubtful = table(window).rows[24]
    press(window, "classes.check")
    assert session.objects.value.selected == (2,) and queue.card.isVisible()
    assert queue.title.text() == "Object 2: Vesicle, 40 % sure" and queue.left.text() == "4 objects left"
    z, y, x = session.cursor
    box = box_of(2)
    assert all(a <= c < b for a, c, b in zip(box.start, (z, y, x), box.stop, strict=True))
    qt_key = Qt.Key
    QTest.keyClick(queue.card, qt_key.Key_Return)
    assert session.objects.value.selected == (3,)
    QTest.keyClick(queue.card, qt_key.Key_Space)
    assert session.objects.value.selected == (1,)
    QTest.keyClick(queue.card, qt_key.Key_3)
    assert session.objects.value.selected == (24,) and "sure of its outline" in queue.why.text()
    QTest.keyClick(queue.card, qt_key.Key_Return)
    assert session.objects.value.selected == (3,), "what was skipped comes again"
    QTest.keyClick(queue.card, qt_key.Key_Left)
    assert session.objects.value.selected == (24,)
    queue.class_buttons.buttons[3].click()
    assert table(window).rows[24].class_name == "Filopodium"
    press(window, "edit.undo")
    QTest.keyClick(queue.card, qt_key.Key_Escape)
    assert not queue.card.isVisible() and queue.start.isVisible()
    rows = table(window).rows
    assert rows[2] == ObjectRow("Vesicle", Decided.HAND)
    assert rows[1] == ObjectRow("Lipid droplet", Decided.HAND)
    assert rows[3] == ObjectRow("Vesicle", Decided.CLASSIFIER, 0.7) and rows[24] == doubtful
    press(window, "classes.check")
    assert session.objects.value.selected == (3,), "another day it goes on where it was left"
    queue.right.click()
    assert session.objects.value.selected == (24,), "going back has taken its answer back"
    queue.right.click()
    assert not queue.running and queue.left.text().startswith("Nothing to check")
    assert not queue.start.isEnabled()


def test_who_begins_with_the_mouse_answers_with_enter(
    classified: MainWindow, classing: ClassSections, qtbot: QtBot
) -> None:
    queue = classing.queue
    classified.activateWindow()
    qtbot.waitUntil(classified.isActiveWindow)
    press(classified, "classes.check")  # which unfolds the section
    QTest.keyClick(queue.card, Qt.Key.Key_Escape)
    qtbot.wait(50)
    queue.start.setFocus()
    QTest.mouseClick(queue.start, Qt.MouseButton.LeftButton)
    asked = queue.queue.current.number
    qtbot.wait(50)  # the window gives the focus of a control that has gone to the slices
    assert queue.card.hasFocus()
    QTest.keyClick(classified.focusWidget(), Qt.Key.Key_Return)
    assert queue.queue.current.number != asked


def test_enter_and_space_answer_after_a_look_at_the_object(
    classified: MainWindow, classing: ClassSections, qtbot: QtBot
) -> None:
    """Clicks in the views and on the slider take the focus; the keys that the panel names go on."""
    window, queue, slices = classified, classing.queue, classified.context.parts.slices
    press(window, "classes.check")
    qtbot.wait(50)
    for view, key, number in (
        (slices.views["xy"], Qt.Key.Key_Return, 2),
        (slices.views["xz"], Qt.Key.Key_Space, 3),
        (slices.bar.slider, Qt.Key.Key_Enter, 1),
        (slices.bar.slider, Qt.Key.Key_Space, 24),
    ):
        assert window.session.objects.value.selected == (number,)
        QTest.mouseClick(view, Qt.MouseButton.LeftButton, pos=QPoint(3, 3))
        assert window.focusWidget() is view and queue.takes_keys
        at = window.session.cursor
        QTest.keyClick(view, Qt.Key.Key_Up)
        assert window.session.cursor != at and queue.queue.current.number == number, "up and down lead on"
        QTest.keyClick(window.focusWidget(), key)
    rows = table(window).rows
    assert [rows[n].decided for n in (1, 2, 3)] == [Decided.HAND, Decided.HAND, Decided.CLASSIFIER]
    assert window.session.objects.value.selected == (3,), "what was skipped comes again"
    field = slices.bar.field
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, "3")
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert queue.queue.current.number == 3, "in a field Enter is for the field"
    queue.end()
    QTest.keyClick(slices.bar.slider, Qt.Key.Key_Return)
    assert table(window).rows[3].decided is Decided.CLASSIFIER


@pytest.mark.parametrize("where", ["xy", "yz", "3D"])
def test_arrows_and_esc_answer_after_a_click_in_a_view(
    classified: MainWindow, classing: ClassSections, qtbot: QtBot, where: str
) -> None:
    window, queue, parts = classified, classing.queue, classified.context.parts
    if where == "3D":
        window.session.layout.set(view3d=True)
        qtbot.waitUntil(lambda: parts.view3d.canvas is not None, timeout=60_000)
    view = parts.view3d.canvas.widget if where == "3D" else parts.slices.views[where]
    press(window, "classes.check")
    qtbot.wait(50)

    def click() -> None:
        QTest.mouseClick(view, Qt.MouseButton.LeftButton, pos=QPoint(3, 3))
        assert window.focusWidget() is view and queue.takes_keys

    click()
    QTest.keyClick(view, Qt.Key.Key_Right)
    assert window.session.objects.value.selected == (3,), "skipped"
    click()
    QTest.keyClick(view, Qt.Key.Key_Left)
    assert window.session.objects.value.selected == (2,), "back"
    click()
    press(window, "labels.brush")
    QTest.keyClick(view, Qt.Key.Key_Escape)
    assert queue.running and window.session.tool.value.tool == "look", "the tool goes first"
    QTest.keyClick(view, Qt.Key.Key_Escape)
    assert not queue.running
    at = window.session.cursor
    QTest.keyClick(view, Qt.Key.Key_Right)
    assert where == "3D" or window.session.cursor != at, "the view's own again"


def test_an_open_body_is_asked_about_and_stays_open(classified: MainWindow, classing: ClassSections) -> None:
    window, queue = classified, classing.queue
    rows = {5: ObjectRow(flags=frozenset({ObjectFlag.OPEN}))}
    window.session.change_rows(table(window).change(rows), EditKind.CLASSIFY)
    assert queue.left.text().endswith("then 1 object with a doubtful outline and 1 open one.")
    press(window, "classes.check")
    for _ in range(4):
        QTest.keyClick(queue.card, Qt.Key.Key_Return)
    assert window.session.objects.value.selected == (5,) and "It is open" in queue.why.text()
    QTest.keyClick(queue.card, Qt.Key.Key_Return)
    assert not queue.running and table(window).rows[5].flags == {ObjectFlag.OPEN, ObjectFlag.CHECKED}


def test_where_all_are_open_none_is_called_doubtful(
    window_with_objects: MainWindow, classing: ClassSections
) -> None:
    session = window_with_objects.session
    for number in (1, 2):
        rows = {number: ObjectRow(flags=frozenset({ObjectFlag.OPEN})), 24: ObjectRow()}
        session.change_rows(table(window_with_objects).change(rows), EditKind.CLASSIFY)
        assert classing.queue.left.text() == f"To check: {number} open object{'s' if number > 1 else ''}."


def test_going_back_takes_the_answer_back(classified: MainWindow, classing: ClassSections) -> None:
    """Who goes back and then stops has not said that the body is right."""
    window, queue = classified, classing.queue
    rows = {5: ObjectRow(flags=frozenset({ObjectFlag.OPEN}))}
    window.session.change_rows(table(window).change(rows), EditKind.CLASSIFY)
    before = table(window).rows
    press(window, "classes.check")
    for _ in range(3):
        queue.skip.click()
    first = len(window.session.history)
    queue.right.click()  # object 24, of a doubtful outline
    assert window.session.objects.value.selected == (5,)
    assert "Otherwise draw what is missing, or delete it, and go on with Skip" in queue.why.text()
    queue.right.click()
    assert table(window).rows[5].flags == {ObjectFlag.OPEN, ObjectFlag.CHECKED}
    queue.back.click()
    assert window.session.objects.value.selected == (5,) and table(window).rows[5] == before[5]
    queue.back.click()
    assert window.session.objects.value.selected == (24,) and table(window).rows[24] == before[24]
    queue.give("Nucleus")
    queue.back.click()
    queue.stop.click()
    assert "1 object with a doubtful outline and 1 open one" in queue.left.text()
    assert [edit.summary for edit in window.session.history.done[first:]] == [
        "Check of object 24",
        "Check of object 5",
        "Check of object 5 taken back",
        "Check of object 24 taken back",
        "Check of object 24: Nucleus",
        "Check of object 24 taken back",
    ]
    assert window.session.document is not None
    assert not checks_in(window.session.document), "no check stands"
    press(window, "edit.undo")
    assert checks_in(window.session.document) == [{"object": 24}], "that one stands again"


def checks_in(document: Document) -> list[dict[str, object]]:
    done = grouped_steps(document.record().steps, document.shape[0])
    return [dict(one.parameters) for one in done if one.name == "Check of an object"]


def test_the_methods_say_which_objects_got_which_class_by_hand_as_the_history(
    window_with_objects: MainWindow, classing: ClassSections
) -> None:
    document = window_with_objects.session.document
    assert document is not None
    others = list(table(window_with_objects).rows)[2:]
    classing.work.give([1], "Gold")
    history = window_with_objects.session.history
    assert history.done[-1].summary == "Class of object 1: Gold"
    for numbers, name in (([2], "Gold"), ([2], "Nucleus"), ([2], ""), ([1], "Vesicle")):
        classing.work.give(numbers, name)
    for number in others:
        classing.work.give([number], "Vesicle")
    assert len(others) > 20
    lines = [line for line in methods_text(document).splitlines() if "Class of objects" in line]
    assert [line.partition("Class of objects")[2] for line in lines] == [
        " (2 times) – class: Gold; objects: 1, 2",
        " – class: Nucleus; objects: 2",
        " – class: none; objects: 2",
        f" ({len(others) + 1} times) – class: Vesicle; objects: {len(others) + 1} objects",
    ]
    classing.work.give(others, "Gold")
    assert history.done[-1].summary == f"Class of {len(others)} objects: Gold"
    assert f"Class of objects – class: Gold; objects: {len(others)} objects\n" in methods_text(document)


def test_going_back_leaves_what_was_changed_since(classified: MainWindow, classing: ClassSections) -> None:
    window, queue = classified, classing.queue
    press(window, "classes.check")
    queue.right.click()
    classing.work.give([2], "Nucleus")
    queue.back.click()
    assert window.session.objects.value.selected == (2,)
    assert table(window).rows[2] == ObjectRow("Nucleus", Decided.HAND)


def test_another_chosen_object_pauses_the_queue_and_gets_the_key(
    classified: MainWindow, classing: ClassSections
) -> None:
    """A key names the object that the user sees as chosen, never the one that was asked about before."""
    window, queue = classified, classing.queue
    press(window, "classes.check")
    queue.skip.click()
    assert window.session.objects.value.selected == (3,) and "object 3" in queue.keys.text()
    assert "object 3" in classing.classes.hint.text()
    choose(window, 7)
    assert not queue.running and not queue.card.isVisible() and queue.start.text() == "Go on checking"
    assert "object 7" in classing.classes.hint.text()
    press(window, "classes.give_1")
    rows = table(window).rows
    assert rows[7].class_name == "Mitochondrion"
    assert rows[3] == ObjectRow("Vesicle", Decided.CLASSIFIER, 0.7)
    queue.start.click()
    assert window.session.objects.value.selected == (3,), "it goes on where it was"
    press(window, "classes.give_1")
    assert table(window).rows[3] == ObjectRow("Mitochondrion", Decided.HAND)
    assert window.session.objects.value.selected == (1,), "what was skipped comes last, also after a pause"


def test_what_is_answered_in_a_pause_is_not_asked_again(
    classified: MainWindow, classing: ClassSections
) -> None:
    window, queue = classified, classing.queue
    press(window, "classes.check")
    choose(window, 2, 3)
    assert not queue.running and "2 chosen objects" in classing.classes.hint.text()
    press(window, "classes.give_1")
    queue.start.click()
    assert window.session.objects.value.selected == (1,)


def test_keys_do_not_answer_a_question_that_is_not_shown(
    classified: MainWindow, classing: ClassSections
) -> None:
    """The section is closed: the key is for the chosen object alone, and nothing moves on."""
    window, queue = classified, classing.queue
    press(window, "classes.check")
    assert queue.takes_keys
    section = next(one for one in window.context.parts.objects.sections if one.content is queue)
    section.open(False)
    assert not queue.takes_keys
    press(window, "classes.give_1")
    assert window.session.objects.value.selected == (2,)
    window.session.objects.set(selected=())
    with pytest.raises(UserError, match="No object is chosen"):
        classing.key(0)
    assert table(window).rows[3].decided is Decided.CLASSIFIER


def test_undo_of_an_answer_asks_again(classified: MainWindow, classing: ClassSections) -> None:
    window, queue = classified, classing.queue
    press(window, "classes.check")
    queue.right.click()
    press(window, "edit.undo")
    assert table(window).rows[2].decided is Decided.CLASSIFIER and queue.left.text() == "4 objects left"
    queue.back.click()
    assert window.session.objects.value.selected == (2,)


def test_the_queue_ends_with_the_tomogram(
    classified: MainWindow, classing: ClassSections, open_file: Callable[[Path], MainWindow]
) -> None:
    press(classified, "classes.check")
    document = classified.session.document
    assert document is not None
    document.modified = False
    classified.session.show(None)
    assert not classing.queue.running and not classing.queue.card.isVisible()


def test_the_first_class_says_that_the_colours_are_others_now(window_with_objects: MainWindow) -> None:
    said: list[str] = []
    window_with_objects.session.message.connect(said.append)
    choose(window_with_objects, 3)
    press(window_with_objects, "classes.give_1")
    assert "coloured by class" in said[-1] and said[-1].startswith("Mitochondrion: 1 object")
    press(window_with_objects, "classes.give_2")
    assert said[-1] == "Vesicle: 1 object"


def test_a_classifier_that_is_mostly_wrong_is_not_offered(
    window_with_objects: MainWindow, classing: ClassSections, qtbot: QtBot
) -> None:
    """Classes that have nothing to do with what the objects look like."""
    said: list[str] = []
    window_with_objects.session.message.connect(said.append)
    name_at_random(classing)
    press(window_with_objects, "classes.train")
    finish(window_with_objects, qtbot)
    assert "too often wrong to use; give more examples" in said[-1]
    assert "too often wrong" in classing.classifier.scores.text()
    assert not classing.classifier.classify.isEnabled()
    with pytest.raises(UserError, match="too often wrong"):
        classing.classify()
    qtbot.waitUntil(lambda: not classing.classifier.scores.visibleRegion().isEmpty())


@pytest.mark.parametrize("name", ["Twenty letters abcde", "Wide WWWWW Wwwwwwwww"])
@pytest.mark.parametrize("width", [250, 277, 420])
def test_no_name_of_twenty_letters_is_cut_on_its_button(name: str, width: int, qtbot: QtBot) -> None:
    assert len(name) == 20
    buttons = ClassButtons()
    qtbot.addWidget(buttons)
    buttons.resize(width, 200)
    buttons.show()
    buttons.show_classes((*CLASSES, ObjectClass(name, (1, 2, 3))))
    qtbot.waitUntil(lambda: buttons.buttons[-1].height() < 60)
    for button in buttons.buttons:
        assert button.width() >= button.sizeHint().width(), button.text()
    places = [button.geometry() for button in buttons.buttons]
    assert places == sorted(places, key=lambda place: (place.y(), place.x())), "in the order of their keys"
    assert any(place.x() > 0 for place in places), "short ones stand beside each other"
