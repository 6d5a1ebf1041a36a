"""The protocol of the paper in the window: slices, marks, keys, time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from sxtstudio.app import questions
from sxtstudio.app.document.opening import open_path
from sxtstudio.app.evaluate import keys
from sxtstudio.app.labels.tools.base import PointerEvent
from sxtstudio.app.session import Busy
from sxtstudio.app.states import Panel
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.evaluation.marks import JudgedPixels, Mark
from sxtstudio.core.geometry import Box

SLICES = (15, 25, 35)


def test_slices_at_even_intervals_and_the_first_of_them_is_shown(expert) -> None:
    expert.panel.choice.first.setValue(11)
    expert.panel.choice.last.setValue(40)
    expert.panel.choice.number.setValue(3)
    assert expert.panel.choice.slices.text() == "Slices 16, 26, 36."
    assert not expert.panel.judge.isVisible()
    expert.panel.choice.begin.click()
    assert expert.work.evaluation.slices == SLICES and expert.session.cursor[0] == 15
    assert expert.panel.judging.title.text() == "Slice 16 · 1 of 3"
    assert expert.document.modified


def test_a_click_takes_the_piece_and_a_second_click_gives_it_back(expert) -> None:
    expert.begin()
    labels = np.array(expert.document.labels)
    expert.stroke((105, 105))
    assert (expert.marks() == Mark.FALSE_POSITIVE).sum() == 100
    assert (expert.marks()[100:110, 100:110] == Mark.FALSE_POSITIVE).all()
    expert.panel.judging.take(Mark.ARTEFACT)
    expert.stroke((52, 60))
    assert (expert.marks() == Mark.ARTEFACT).sum() == 400
    expert.stroke((52, 60))
    assert not (expert.marks() == Mark.ARTEFACT).any()
    assert (np.array(expert.document.labels) == labels).all()
    assert expert.work.pixels(15) == JudgedPixels(400, 0, 100, 0)


def test_a_drag_paints_only_where_the_mark_says_something(expert) -> None:
    expert.begin()
    expert.stroke((52, 80), (52, 120))  # along the line of labels, 4 px wide
    marked = expert.marks() == Mark.FALSE_POSITIVE
    labels = np.array(expert.document.labels[15]) > 0
    assert marked.any() and not (marked & ~labels).any()
    expert.panel.judging.take(Mark.MISSING)
    expert.stroke((52, 20), (52, 80))  # into the labels
    missing = expert.marks() == Mark.MISSING
    rows, columns = (np.flatnonzero(missing.any(axis=axis)) for axis in (1, 0))
    assert len(rows) == 4 and missing[rows, 25:50][1:3].all() and not (missing & labels).any()
    assert columns[0] in (18, 19) and columns[-1] >= 49


def test_a_single_click_paints_what_is_missing(expert) -> None:
    expert.begin()
    expert.panel.judging.take(Mark.MISSING)
    expert.stroke((200, 200))
    assert 8 <= (expert.marks() == Mark.MISSING).sum() <= 16


def test_shift_takes_marks_away(expert) -> None:
    expert.begin()
    expert.stroke((105, 105))
    expert.panel.judging.take(Mark.MISSING)
    expert.stroke((200, 200), (200, 240))
    expert.stroke((105, 105), shift=True)
    assert not (expert.marks() == Mark.FALSE_POSITIVE).any()
    before = (expert.marks() == Mark.MISSING).sum()
    expert.stroke((200, 200), (200, 220), shift=True)
    assert 0 < (expert.marks() == Mark.MISSING).sum() < before


def test_each_mark_can_be_undone_and_made_again(expert) -> None:
    expert.begin()
    expert.stroke((105, 105))
    assert expert.session.evaluation_history.undo_name == "Mark as false positive"
    undo(expert)
    assert not expert.marks().any()
    redo(expert)
    assert (expert.marks() == Mark.FALSE_POSITIVE).sum() == 100


def undo(expert) -> None:
    expert.window.actions_.by_name["edit.undo"].trigger()


def redo(expert) -> None:
    expert.window.actions_.by_name["edit.redo"].trigger()


def test_a_judgement_is_taken_back_by_button_and_key(expert) -> None:
    expert.begin()
    assert not expert.panel.judging.not_judged.isEnabled()
    expert.stroke((105, 105))
    expert.panel.next()
    expert.panel.next()
    expert.work.go(15)
    expert.panel.judging.not_judged.click()
    assert list(expert.work.evaluation.judged) == [25] and expert.work.evaluation.left == (15, 35)
    assert (expert.marks() == Mark.FALSE_POSITIVE).sum() == 100  # marks stay
    assert not expert.panel.judging.not_judged.isEnabled()
    expert.work.go(25)
    expert.key(Qt.Key.Key_U)
    assert not expert.work.evaluation.judged
    undo(expert)
    undo(expert)
    assert sorted(expert.work.evaluation.judged) == [15, 25]
    assert expert.work.evaluation.judged[15].pixels == JudgedPixels(400, 0, 100)


def test_undo_takes_judgements_and_marks_back_in_the_order_of_the_work(expert) -> None:
    expert.begin()
    expert.stroke((105, 105))
    expert.panel.next()  # slice 15
    expert.stroke((105, 105))
    expert.panel.next()  # slice 25
    expert.key(Qt.Key.Key_Space)  # slice 35
    action = expert.window.actions_.by_name["edit.undo"]
    assert action.text() == "Undo: Slice 36 judged"
    seen = []
    for _ in range(5):
        expert.key(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
        marks = expert.session.labels_of("marks")
        seen.append((sorted(expert.work.evaluation.judged), int(np.count_nonzero(marks))))
    assert seen == [([15, 25], 200), ([15], 200), ([15], 100), ([], 100), ([], 0)]
    for _ in range(5):
        redo(expert)
    assert sorted(expert.work.evaluation.judged) == [15, 25, 35]
    assert expert.work.evaluation.judged[25].pixels == JudgedPixels(400, 0, 100)


def test_undo_in_the_panel_leaves_the_work_of_other_tasks(expert) -> None:
    with expert.elsewhere(EditKind.FIND_OBJECTS, "objects") as recorder:
        recorder.paint(Box((15, 100, 100), (16, 110, 110)), np.ones((1, 10, 10), bool), 7)
    expert.work.begin(SLICES)
    expert.panel.next()
    for _ in range(4):
        undo(expert)
    assert not expert.work.evaluation.judged and not expert.work.evaluation.slices
    assert expert.session.labels_of("objects")[15, 105, 105] == 7
    assert "“Find objects” was not done here" in expert.said[-1]
    assert expert.window.actions_.by_name["edit.undo"].text() == "Undo"
    expert.window.context.parts.side.show_panel(Panel.IMAGE)
    QApplication.processEvents()
    assert expert.window.actions_.by_name["edit.undo"].text() == "Undo: Find objects"
    undo(expert)
    assert expert.session.labels_of("objects")[15, 105, 105] == 0


def test_what_was_taken_back_elsewhere_can_be_made_again_after_a_mark_and_a_judgement(expert) -> None:
    box = Box((15, 300, 300), (16, 310, 310))
    with expert.elsewhere(EditKind.FIND_OBJECTS, "objects") as recorder:
        recorder.paint(box, np.ones((1, 10, 10), bool), 7)
    expert.session.undo()
    expert.begin()
    expert.stroke((105, 105))
    expert.panel.next()
    undo(expert)
    undo(expert)
    redo(expert)
    assert expert.session.history.next_redo.kind is EditKind.FIND_OBJECTS
    expert.window.context.parts.side.show_panel(Panel.IMAGE)
    QApplication.processEvents()
    assert expert.window.actions_.by_name["edit.redo"].text() == "Redo: Find objects"
    redo(expert)
    assert expert.session.labels_of("objects")[15, 305, 305] == 7
    expert.window.context.parts.side.show_panel(Panel.EVALUATE)
    QApplication.processEvents()
    redo(expert)  # and the judgement that was taken back is still there to be made again
    assert sorted(expert.work.evaluation.judged) == [15]


def test_undo_says_how_a_judgement_that_it_does_not_reach_is_taken_back(expert) -> None:
    expert.begin()
    expert.panel.next()
    assert expert.work.evaluation.judged
    expert.session.evaluation_history.clear()  # as in projects of former versions
    undo(expert)
    assert expert.work.evaluation.judged
    assert expert.said[-1].endswith("go to its slice and press “Not judged after all” (U).")


def test_within_the_outline_of_an_object_its_labels_are_meant(expert) -> None:
    whole = Box.whole(expert.document.shape)
    with expert.elsewhere(EditKind.BRUSH) as recorder:
        labels = np.array(expert.document.labels)
        labels[:, 200:220, 200:220], labels[:, 202:218, 202:218] = 255, 0  # a ring of 400 - 256 px
        recorder.write(whole, labels)
    with expert.elsewhere(EditKind.FIND_OBJECTS, "objects") as recorder:
        numbers = np.zeros(whole.shape, np.uint32)
        numbers[:, 200:220, 200:220], numbers[:, 300:310, 300:310] = 1, 2
        recorder.write(whole, numbers)
    expert.begin()
    expert.session.objects.set(visible=True)  # Shift+V
    expert.stroke((210, 210))
    marks = expert.marks()
    assert (marks == Mark.FALSE_POSITIVE).sum() == 144 and not marks[202:218, 202:218].any()
    expert.stroke((210, 210))  # and a second click takes it away
    assert not expert.marks().any()
    expert.stroke((305, 305))
    assert "Object 2 has no labels in this slice" in expert.said[-1]
    expert.session.objects.set(visible=False)
    expert.stroke((210, 210))
    assert "no label here" in expert.said[-1]


def test_marks_are_refused_where_they_mean_nothing(expert) -> None:
    expert.stroke((105, 105))  # nothing was begun
    expert.session.tool.set(tool="mark", target="marks")
    expert.stroke((105, 105))
    assert "No slices were chosen" in expert.said[-1]
    expert.begin()
    expert.stroke((300, 300))
    assert "no label here" in expert.said[-1]
    expert.stroke((300, 300), shift=True)
    assert "no mark here" in expert.said[-1]
    expert.stroke((-1, 105))
    assert expert.said[-1] == "Click inside the tomogram."
    expert.stroke((15, 105), plane="xz")
    assert "XY view" in expert.said[-1]
    expert.session.set_cursor((16, 0, 0))
    expert.stroke((105, 105))
    assert "Slice 17 is not judged" in expert.said[-1]
    expert.session.tool.set(tool="brush")  # no other tool may write into the marks
    expert.session.set_cursor((15, 0, 0))
    expert.stroke((300, 300))
    assert expert.session.labels_of("marks") is None


def test_a_piece_is_that_of_one_object_where_objects_are_shown(expert) -> None:
    with expert.elsewhere(EditKind.FIND_OBJECTS, "objects") as recorder:
        numbers = np.zeros(expert.document.shape, np.uint32)
        numbers[:, 100:110, 100:104], numbers[:, 100:110, 104:110] = 1, 2
        from sxtstudio.core.geometry import Box

        recorder.write(Box.whole(expert.document.shape), numbers)
    expert.begin()
    expert.session.objects.set(visible=True)  # Shift+V
    expert.stroke((105, 102))
    assert (expert.marks() == Mark.FALSE_POSITIVE).sum() == 40
    undo(expert)
    expert.session.objects.set(visible=False)
    expert.stroke((105, 102))
    assert (expert.marks() == Mark.FALSE_POSITIVE).sum() == 100


def test_the_colours_of_objects_do_not_lie_over_labels_that_are_judged(expert) -> None:
    def numbered() -> None:
        with expert.elsewhere(EditKind.FIND_OBJECTS, "objects") as recorder:
            box = Box((15, 100, 100), (16, 110, 110))
            recorder.write(box, np.ones(box.shape, np.uint32))

    objects, side = expert.session.objects, expert.window.context.parts.side
    side.show_panel(Panel.LABELS)
    numbered()
    assert objects.value.visible
    side.show_panel(Panel.EVALUATE)
    assert not objects.value.visible and "Shift+V" in expert.panel.hidden.text()
    side.show_panel(Panel.LABELS)
    assert objects.value.visible, "they come back"
    side.show_panel(Panel.EVALUATE)
    expert.window.actions_.by_name["view.objects"].trigger()
    assert objects.value.visible and not expert.panel.hidden.text()
    expert.window.actions_.by_name["view.objects"].trigger()
    side.show_panel(Panel.LABELS)
    assert not objects.value.visible, "they stay as the user has them"


def test_keys_lead_through_the_whole_evaluation(expert) -> None:
    expert.begin()
    expert.key(Qt.Key.Key_1)
    assert expert.session.marks.value.mark is Mark.FALSE_POSITIVE
    expert.stroke((105, 105))
    expert.key(Qt.Key.Key_2)
    expert.stroke((52, 60))
    expert.key(Qt.Key.Key_3)
    expert.key(Qt.Key.Key_BracketRight)
    assert expert.session.marks.value.brush_px == 5
    expert.stroke((300, 300))
    expert.key(Qt.Key.Key_Escape)
    assert expert.session.tool.value.tool == "look"
    expert.key(Qt.Key.Key_Space)
    assert expert.session.cursor[0] == 25
    assert expert.work.evaluation.judged[15].pixels.counts[2:] == (100, 400)
    expert.key(Qt.Key.Key_Return)
    assert expert.session.cursor[0] == 35
    expert.key(Qt.Key.Key_Backspace)
    assert expert.session.cursor[0] == 25
    expert.key(Qt.Key.Key_Space)
    expert.key(Qt.Key.Key_Space)
    assert not expert.work.evaluation.left and "All slices are judged" in expert.said[-1]
    assert expert.panel.judging.next.text() == "All are judged"
    # The way leads on to the results, and back when a slice is to be judged after all.
    following, results = expert.panel.judging.next, expert.panel.results
    assert (following.property("role"), results.property("role")) == ("", "main")
    expert.key(Qt.Key.Key_U)
    assert (following.property("role"), results.property("role")) == ("main", "")
    assert following.text() == "Judged, next slice"


def test_a_key_that_is_held_down_judges_one_slice(expert) -> None:
    expert.begin(1, 64, 20)
    expert.key(Qt.Key.Key_Space)
    view = expert.window.context.parts.slices.views["xy"]
    none = Qt.KeyboardModifier.NoModifier
    for _ in range(5):
        QApplication.sendEvent(view, QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_Space, none, " ", True))
    assert len(expert.work.evaluation.judged) == 1


def test_labels_that_are_being_changed_are_not_judged(expert) -> None:
    expert.begin()
    expert.session.set_busy(Busy("Segment", EditKind.SEGMENT))
    expert.panel.next()
    assert not expert.work.evaluation.judged and "being changed" in expert.said[-1]
    expert.stroke((105, 105))
    assert expert.session.labels_of("marks") is None
    expert.session.set_busy(None)


def test_no_other_work_on_slices_writes_into_the_marks(expert) -> None:
    expert.begin()
    expert.stroke((105, 105))
    before = np.array(expert.session.labels_of("marks"))
    actions = expert.window.actions_.by_name
    assert not actions["labels.interpolate"].isEnabled() and not actions["labels.copy_next"].isEnabled()
    for key in (Qt.Key.Key_I, Qt.Key.Key_N):
        expert.key(key)
    assert (np.array(expert.session.labels_of("marks")) == before).all()
    expert.key(Qt.Key.Key_B)  # the brush is for labels, and brings their panel
    assert expert.session.tool.value.target == "labels"
    assert expert.window.context.parts.side.current is Panel.LABELS


def test_keys_are_the_windows_own_again_when_another_panel_is_shown(expert) -> None:
    expert.begin()
    expert.window.context.parts.side.show_panel(Panel.IMAGE)
    QApplication.processEvents()
    assert expert.session.tool.value.target == "labels" and not expert.session.marks.value.visible
    expert.key(Qt.Key.Key_Space)
    assert not expert.work.evaluation.judged


def test_keys_in_a_field_are_written_there(expert) -> None:
    expert.begin()
    field = expert.panel.choice.number
    expert.panel.choosing.open()
    field.setFocus()
    field.selectAll()
    expert.qtbot.keyClick(field, Qt.Key.Key_2)
    assert field.value() == 2 and expert.session.marks.value.mark is Mark.FALSE_POSITIVE


def test_enter_that_commits_a_number_judges_nothing(expert) -> None:
    """The field leaves it to those around it; they get it as a key of their own."""
    expert.begin()
    window = expert.window
    window.activateWindow()
    expert.qtbot.waitUntil(window.isActiveWindow)
    expert.panel.choosing.open()
    field = expert.panel.choice.number
    field.setFocus()
    field.selectAll()
    expert.qtbot.keyClick(field, Qt.Key.Key_2)
    # As the window system sends it: QTest's own goes no further than the field.
    QTest.keyClick(window.windowHandle(), Qt.Key.Key_Return)
    assert field.value() == 2 and not expert.work.evaluation.judged
    expert.key(Qt.Key.Key_Return)
    assert expert.work.evaluation.judged


def test_time_is_counted_while_somebody_works(expert, monkeypatch) -> None:
    now = [100.0]
    monkeypatch.setattr(keys.time, "monotonic", lambda: now[0])
    expert.begin()
    listener = expert.panel.keys
    listener.listen(False)
    listener.listen(True)
    expert.key(Qt.Key.Key_1)  # the window is active now
    for _ in range(100):  # ninety of them after the last key
        now[0] += 1
        listener.tick()
    assert 0 < expert.work.evaluation.seconds[15] <= keys.AWAY_S
    assert "this one 1 min" in expert.panel.judging.time.text()


def test_what_was_judged_follows_later_marks(expert) -> None:
    expert.begin()
    expert.panel.next()
    assert expert.work.evaluation.judged[15].pixels == JudgedPixels(500)
    expert.work.go(15)
    expert.stroke((105, 105))
    assert expert.work.evaluation.judged[15].pixels == JudgedPixels(400, 0, 100)
    undo(expert)
    assert expert.work.evaluation.judged[15].pixels == JudgedPixels(500)


def test_labels_that_change_after_they_were_judged_are_said(expert) -> None:
    expert.begin()
    expert.panel.next()
    with expert.elsewhere(EditKind.BRUSH) as recorder:
        from sxtstudio.core.geometry import Box

        recorder.paint(Box((15, 0, 0), (16, 1, 9)), np.ones((1, 1, 9), bool), 255)
    expert.qtbot.waitUntil(lambda: expert.work.outdated == {15}, timeout=5000)
    assert "slice 16 have changed" in expert.panel.judging.outdated.text()
    assert expert.work.usable == () and expert.work.evaluation.judged[15].pixels.total == 500
    expert.session.undo()
    expert.qtbot.waitUntil(lambda: not expert.work.outdated, timeout=5000)
    assert expert.work.usable == (15,)
    expert.session.redo()
    expert.qtbot.waitUntil(lambda: bool(expert.work.outdated), timeout=5000)
    expert.panel.judging.again.click()
    assert expert.work.evaluation.left == SLICES and expert.session.cursor[0] == 15


def test_a_project_whose_labels_are_others_says_so_when_it_is_opened(expert) -> None:
    expert.begin()
    expert.panel.next()
    expert.panel.next()
    state = expert.work.view_state()
    state["judged"][0]["labels_crc32"] ^= 1
    expert.work.restore_view_state(state)
    expert.qtbot.waitUntil(lambda: expert.work.outdated == {15}, timeout=5000)
    assert expert.work.usable == (25,)
    expert.work.restore_view_state({"slices": "all"})
    assert expert.work.evaluation.slices == () and "is damaged" in expert.said[-1]


def test_other_slices_keep_what_was_judged(expert) -> None:
    expert.begin()
    expert.panel.next()
    expert.panel.choice.number.setValue(1)
    assert "1 slice that you judged" in expert.panel.choice.kept.text()
    expert.panel.choice.number.setValue(30)
    assert not expert.panel.choice.kept.text()
    expert.panel.choice.begin.click()
    assert len(expert.work.evaluation.slices) == 30 and list(expert.work.evaluation.judged) == [15]


def test_judged_slices_are_not_dropped_without_a_question(expert, monkeypatch: pytest.MonkeyPatch) -> None:
    expert.begin()
    for _ in range(3):
        expert.panel.next()
    asked: list[str] = []
    answers = [questions.Answer.CANCEL, questions.Answer.JUDGE_OTHERS]

    def ask(_parent, _title, text, *_, **__):
        asked.append(text)
        return answers.pop(0)

    monkeypatch.setattr(questions, "ask", ask)
    expert.panel.choice.number.setValue(1)
    expert.panel.choice.begin.click()
    assert expert.work.evaluation.slices == SLICES and len(expert.work.evaluation.judged) == 3
    assert "2 slices that you judged" in asked[0] and "16, 36" in asked[0]
    expert.panel.choice.begin.click()
    assert expert.work.evaluation.slices == (25,) and list(expert.work.evaluation.judged) == [25]
    undo(expert)  # also this can be taken back
    assert expert.work.evaluation.slices == SLICES and len(expert.work.evaluation.judged) == 3
    assert expert.panel.choice.chosen == SLICES


def test_the_work_goes_on_after_days(expert, saved: Path) -> None:
    before = expert.work.evaluation
    with expert.qtbot.waitSignal(expert.session.document_changed, timeout=20_000):
        expert.document.modified = False
        open_path(expert.window.context, saved)
    expert.qtbot.waitUntil(lambda: bool(expert.work.evaluation.slices), timeout=5000)
    assert dict(expert.work.evaluation.judged) == dict(before.judged)
    assert expert.work.evaluation.left == (35,) and not expert.work.outdated
    marks = expert.session.labels_of("marks")
    assert (np.array(marks[15]) == Mark.FALSE_POSITIVE).sum() == 100
    expert.qtbot.waitUntil(lambda: expert.panel.judge.isVisible(), timeout=5000)
    # The choice of the project is shown, and nothing offers to throw it away.
    assert expert.panel.choice.chosen == SLICES and not expert.panel.choosing.opened
    assert not expert.panel.choice.begin.isEnabled()
    expert.work.go(15)
    expert.qtbot.waitUntil(lambda: "20.0 %" in expert.panel.judging.counts.text(), timeout=5000)
    # Undo goes on where it was, mark by mark and judgement by judgement.
    seen = []
    for _ in range(5):
        undo(expert)
        marked = int(np.count_nonzero(expert.session.labels_of("marks")))
        seen.append((sorted(expert.work.evaluation.judged), marked, len(expert.work.evaluation.slices)))
    assert seen == [([15], 200, 3), ([15], 100, 3), ([], 100, 3), ([], 0, 3), ([], 0, 0)]
    for _ in range(5):
        redo(expert)
    assert {z: one.pixels for z, one in expert.work.evaluation.judged.items()} == {
        z: one.pixels for z, one in before.judged.items()
    }


def test_figures_that_nobody_saw_are_there_when_the_panel_is_opened_again(expert) -> None:
    expert.begin()
    side = expert.window.context.parts.side
    side.show_panel(Panel.IMAGE)
    QApplication.processEvents()
    with expert.elsewhere(EditKind.BRUSH) as recorder:
        recorder.paint(Box((15, 0, 0), (16, 10, 10)), np.ones((1, 10, 10), bool), 255)
    expert.qtbot.waitUntil(lambda: not expert.panel.judging.counts.text(), timeout=5000)
    side.show_panel(Panel.EVALUATE)
    assert "600 px" in expert.panel.judging.counts.text()
    assert expert.panel.judging.look.isChecked() and "Nothing is marked" in expert.panel.judging.hint.text()
    expert.key(Qt.Key.Key_1)
    assert "no membrane" in expert.panel.judging.hint.text()


def test_a_stroke_that_is_taken_back_leaves_nothing(expert) -> None:
    expert.begin()
    expert.panel.judging.take(Mark.MISSING)
    z = expert.session.cursor[0]
    expert.toolbox.press(PointerEvent("xy", 200, 200, z, "left"))
    expert.toolbox.move(PointerEvent("xy", 200, 260, z, "left"))
    assert expert.marks().any() and expert.toolbox.unfinished
    expert.toolbox.cancel()
    assert not expert.marks().any()


def test_marks_are_drawn_over_the_labels(expert) -> None:
    expert.begin()
    expert.stroke((105, 105))
    view = expert.window.context.parts.slices.views["xy"]
    expert.qtbot.waitUntil(lambda: view.shown_depth == 15, timeout=5000)
    QApplication.processEvents()
    place = view.transform().map(105.0, 105.0)
    colour = view.grab().toImage().pixelColor(int(place[0]), int(place[1]))
    assert colour.red() > 1.5 * colour.green()  # red, and not the labels' amber
    expert.window.context.parts.side.show_panel(Panel.IMAGE)
    QApplication.processEvents()
    colour = view.grab().toImage().pixelColor(int(place[0]), int(place[1]))
    assert colour.red() < 1.5 * colour.green()


def test_without_labels_the_panel_says_so(sample, qtbot) -> None:
    parts = sample.context.parts
    parts.side.show_panel(Panel.EVALUATE)
    QApplication.processEvents()
    assert "no labels" in parts.evaluate.missing.text()
    said: list[str] = []
    sample.session.message.connect(said.append)
    begin = parts.evaluate.choice.begin
    assert not begin.isEnabled() and "no labels" in begin.toolTip()
    parts.evaluation.begin((3,))
    parts.evaluation.spend(5.0)
    parts.evaluate.next()
    assert "no labels to judge" in said[-1] and not parts.evaluation.evaluation.judged
    assert not parts.evaluation.evaluation.seconds  # who waits for labels judges nothing
    parts.side.show_panel(Panel.SEGMENT)
    segmentation = sample.session.record(EditKind.SEGMENT)
    parts.side.show_panel(Panel.EVALUATE)
    segmentation.paint(Box((3, 5, 5), (4, 9, 9)), np.ones((1, 4, 4), bool), 255)
    sample.session.commit(segmentation)  # what began elsewhere ends while slices are judged
    assert not parts.evaluate.missing.text() and "chosen already" in begin.toolTip()
    parts.evaluate.choice.number.setValue(2)
    assert begin.isEnabled()
    qtbot.waitUntil(lambda: "16 px" in parts.evaluate.judging.counts.text(), timeout=5000)
    parts.evaluation.spend(5.0)
    sample.session.set_busy(Busy("Segment", EditKind.SEGMENT))
    parts.evaluation.spend(5.0)
    sample.session.set_busy(None)
    assert parts.evaluation.evaluation.seconds == {3: 5.0}


@pytest.mark.parametrize("count", [1, 64])
def test_as_few_or_as_many_slices_as_there_are(expert, count: int) -> None:
    expert.begin(1, 64, count)
    assert len(expert.work.evaluation.slices) == count


def test_the_range_begins_with_the_slices_that_hold_labels(sample, qtbot) -> None:
    from sxtstudio.core.geometry import Box

    parts = sample.context.parts
    with sample.session.edit(EditKind.BRUSH) as recorder:
        recorder.paint(Box((20, 5, 5), (31, 9, 9)), np.ones((11, 4, 4), bool), 255)
    parts.side.show_panel(Panel.EVALUATE)
    choice = parts.evaluate.choice
    qtbot.waitUntil(lambda: (choice.first.value(), choice.last.value()) == (21, 31), timeout=5000)
    choice.last.setValue(25)
    parts.side.show_panel(Panel.IMAGE)
    parts.side.show_panel(Panel.EVALUATE)
    qtbot.waitUntil(lambda: not sample.jobs.running, timeout=5000)
    assert (choice.first.value(), choice.last.value()) == (21, 25)
