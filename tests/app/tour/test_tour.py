"""The guided tour in the real window, with real clicks; it ends with an object that was measured."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, QSettings, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication, QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from sxtstudio.app import questions
from sxtstudio.app.main_window import MainWindow
from sxtstudio.app.objects.pane import PaneTab
from sxtstudio.app.objects.table.page import TablePage
from sxtstudio.app.questions import Answer
from sxtstudio.app.settings import Settings
from sxtstudio.app.states import Panel
from sxtstudio.app.tour.bubble import Bubble
from sxtstudio.app.tour.steps import FIRST, LAST, SMALLEST, STEPS, WORDS, TourStep
from sxtstudio.app.tour.tour import Tour
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box
from sxtstudio.segment.parameters import SegmentParameters
from sxtstudio.workflow.jobs.document_segmenting import Interrupted

Open = Callable[[Path], MainWindow]
LEFT = Qt.MouseButton.LeftButton
LONG_MS = 120_000


@pytest.fixture
def unsaved(window: MainWindow, open_file: Open, tomogram: Path) -> None:
    """A tomogram of somebody's own with six voxels painted, which are not saved."""
    open_file(tomogram)
    with window.session.edit(EditKind.BRUSH) as recorder:
        recorder.write(Box((1, 2, 3), (2, 4, 6)), np.full((1, 2, 3), 255, np.uint8))


@pytest.fixture
def tour(window: MainWindow, qtbot: QtBot) -> Tour:
    """The tour at its first step, begun on the start page."""
    tour: Tour = window.context.parts.tour
    qtbot.mouseClick(window.context.parts.slices.start_page.tour, LEFT)
    assert tour.step is TourStep.OPEN
    return tour


@pytest.fixture
def quick(toy_model: Path, window: MainWindow) -> Path:
    """A model that is done with a slice at once: dark is membrane."""
    window.settings.set("segment/model", str(toy_model))
    window.settings.set("segment/model_files", [str(toy_model)])
    return toy_model


def bubble_of(tour: Tour) -> Bubble:
    assert tour.bubble is not None
    return tour.bubble


def click(qtbot: QtBot, widget: QWidget) -> None:
    """Press a button where it is seen; it must be, and the tour must not lie over it."""
    assert widget.isVisible() and widget.isEnabled()
    window = widget.window()
    middle = widget.visibleRegion().boundingRect().center()
    hit = window.childAt(widget.mapTo(window, middle))
    assert hit is widget or widget.isAncestorOf(hit), f"{hit} lies over {widget}"
    qtbot.mouseClick(widget, LEFT, pos=middle)


def wait(tour: Tour, qtbot: QtBot, step: TourStep) -> None:
    """Wait until a step is done and the window has come to rest."""
    qtbot.waitUntil(lambda: tour.step is step and tour.done(step) and not at_work(tour), timeout=LONG_MS)
    tour.refresh()


def help_me(tour: Tour, qtbot: QtBot) -> None:
    """Press "Do it for me" once nothing else is going on."""
    qtbot.waitUntil(lambda: bubble_of(tour).help_button.isEnabled(), timeout=LONG_MS)
    click(qtbot, bubble_of(tour).help_button)


def at_work(tour: Tour) -> bool:
    context = tour._context
    return context.session.busy is not None or bool(context.jobs.visible)


def beside_its_target(tour: Tour) -> bool:
    assert tour.frame is not None
    return not tour.frame.rect.isEmpty() and not bubble_of(tour).geometry().intersects(tour.frame.rect)


def click_in_3d(window: MainWindow, qtbot: QtBot) -> None:
    """Click on the middle of what is seen of a body: look for one along a grid of pixels."""
    canvas = window.context.parts.view3d.canvas
    assert canvas is not None
    for share in (0.5, 0.4, 0.6, 0.3, 0.7):
        for other in (0.5, 0.4, 0.6, 0.3, 0.7):
            place = QPoint(int(canvas.widget.width() * share), int(canvas.widget.height() * other))
            found = canvas.pick(place.x(), place.y())
            if found is not None and found.what == "bodies":
                for kind, buttons in (
                    (QEvent.Type.MouseButtonPress, LEFT),
                    (QEvent.Type.MouseButtonRelease, Qt.MouseButton.NoButton),
                ):
                    point = QPointF(canvas.widget.mapToGlobal(place))
                    none = Qt.KeyboardModifier.NoModifier
                    event = QMouseEvent(kind, QPointF(place), point, LEFT, buttons, none)
                    QApplication.sendEvent(canvas.widget, event)
                return
    raise AssertionError("no body is seen")


def test_all_seven_steps_by_hand_end_with_a_measured_object(
    tour: Tour, window: MainWindow, qtbot: QtBot, errors: list[Exception]
) -> None:
    parts, session, bubble = window.context.parts, window.session, bubble_of(tour)
    segmented = {
        TourStep.OPEN: lambda: click(qtbot, parts.slices.start_page.sample),
        TourStep.LOOK: lambda: qtbot.keyClick(parts.slices.bar.slider, Qt.Key.Key_Right),
        TourStep.SEGMENT: lambda: click(qtbot, parts.segment.start_button),
        TourStep.CLEAN: lambda: click(qtbot, parts.clean.apply_button),
        TourStep.FIND: lambda: click(qtbot, parts.objects.find_button),
        TourStep.CHOOSE: lambda: click_in_3d(window, qtbot),
        TourStep.MEASURE: lambda: click(qtbot, parts.objects.measure_button),
    }
    for step in STEPS:
        assert tour.step is step and not tour.done(step)
        if step is TourStep.SEGMENT:
            qtbot.waitUntil(lambda: parts.segment.form.ready, timeout=LONG_MS)
        if step is TourStep.CHOOSE:
            qtbot.waitUntil(lambda: len(parts.view3d.body_surfaces) > 3, timeout=LONG_MS)
        qtbot.waitUntil(lambda: not at_work(tour), timeout=LONG_MS)
        tour.refresh()
        assert beside_its_target(tour) and bubble.text.text() == WORDS[step].text
        segmented[step]()
        wait(tour, qtbot, step)
        assert bubble.title.text().startswith("✓") and not bubble.help_button.isVisible()
        if step is not TourStep.MEASURE:
            click(qtbot, bubble.next_button)
    assert errors == []
    document, number = session.document, session.objects.value.selected[-1]
    assert document is not None and document.objects is not None
    assert document.steps[0].parameters["slices"] == [FIRST, LAST]
    # What is said is the row of the table, and that is the voxels of the object, of 10 nm each.
    voxels = int(np.count_nonzero(np.asarray(document.objects) == number))
    page = parts.pane.widget(PaneTab.TABLE)
    assert isinstance(page, TablePage)
    column = next(one for one in page.model.columns if one.key == "volume")
    (row,) = page.model.rows_of([number])
    cell = page.model.text(int(page.model.order[row]), column)
    assert page.view.isVisible() and page.view.selected_numbers == (number,)
    assert f"Object {number} has a volume of {cell} µm³" in bubble.text.text()
    assert float(cell.replace("\u202f", "")) == pytest.approx(voxels * 1e-6, rel=1e-3)
    click(qtbot, bubble.next_button)
    assert tour.step is None and tour.bubble is None
    assert window.settings.get("tour/step", "?") == ""


def test_it_can_be_done_by_the_tour_and_left_and_resumed_at_each_step(
    tour: Tour, window: MainWindow, qtbot: QtBot, quick: Path, errors: list[Exception]
) -> None:
    for step in STEPS:
        assert tour.step is step
        click(qtbot, bubble_of(tour).leave_button)
        assert tour.step is None and tour.bubble is None
        assert window.settings.get("tour/step", "") == step.value
        window.actions_.by_name["help.tour"].trigger()
        assert tour.step is step
        help_me(tour, qtbot)
        wait(tour, qtbot, step)
        click(qtbot, bubble_of(tour).next_button)
    assert tour.step is None and errors == []
    clean, segment = window.context.parts.clean.form, window.context.parts.segment.form
    assert clean.smallest.value() == 0 and segment.slices.slices == (0, 64)


def test_steps_can_be_skipped_and_gone_back_to_and_help_does_what_is_missing(
    tour: Tour, window: MainWindow, qtbot: QtBot, quick: Path
) -> None:
    bubble = bubble_of(tour)
    assert not bubble.back_button.isEnabled()
    for _ in range(4):
        click(qtbot, bubble.next_button)
    assert tour.step is TourStep.FIND and "needs the sample" in bubble.text.text()
    click(qtbot, bubble.back_button)
    assert tour.step is TourStep.CLEAN
    help_me(tour, qtbot)
    wait(tour, qtbot, TourStep.CLEAN)
    document = window.session.document
    assert document is not None and document.voxels("labels")
    assert [step.edit for step in document.steps] == [EditKind.SEGMENT, EditKind.CLEAN_UP]
    for _ in range(2):
        click(qtbot, bubble.back_button)
    assert tour.step is TourStep.LOOK and not tour.done(TourStep.LOOK)


def test_the_frame_follows_its_control_and_goes_to_the_button_of_a_panel_that_is_not_shown(
    tour: Tour, window: MainWindow, qtbot: QtBot, quick: Path
) -> None:
    parts = window.context.parts
    click(qtbot, parts.slices.start_page.sample)
    wait(tour, qtbot, TourStep.OPEN)
    for _ in range(2):
        click(qtbot, bubble_of(tour).next_button)
    assert tour.step is TourStep.SEGMENT and tour.frame is not None
    assert parts.side.current is Panel.SEGMENT

    def is_marked(widget: QWidget) -> bool:
        tour.refresh()
        assert tour.frame is not None
        where = widget.rect().translated(widget.mapTo(window, QPoint()))
        return tour.frame.rect.adjusted(-1, -1, 1, 1).contains(where) and beside_its_target(tour)

    qtbot.waitUntil(lambda: is_marked(parts.segment.start_button))
    window.resize(1100, 700)
    qtbot.waitUntil(lambda: is_marked(parts.segment.start_button))
    parts.side.show_panel(Panel.MASK)
    qtbot.waitUntil(lambda: is_marked(parts.side.button(Panel.SEGMENT)))
    window.session.layout.set(panel=False)
    qtbot.waitUntil(lambda: is_marked(parts.side.button(Panel.SEGMENT)))
    parts.side.show_panel(Panel.SEGMENT)
    qtbot.waitUntil(lambda: is_marked(parts.segment.start_button))
    window.resize(683, 384)
    qtbot.waitUntil(lambda: is_marked(parts.segment.start_button))


def test_on_a_small_window_the_words_give_way_to_a_target_that_fills_it(
    tour: Tour, window: MainWindow, qtbot: QtBot, quick: Path
) -> None:
    click(qtbot, window.context.parts.slices.start_page.sample)
    wait(tour, qtbot, TourStep.OPEN)
    window.resize(683, 384)
    window.session.layout.set(panel=False)
    qtbot.wait(50)
    bubble = bubble_of(tour)
    assert tour.frame is not None
    room = window.rect().adjusted(6, 6, -6, -6)
    bubble.stand_beside(window.rect().adjusted(0, 60, 0, -60), room)
    assert not bubble.text.isVisible() and bubble.next_button.isVisible()
    assert bubble.geometry().bottom() == room.bottom() and room.contains(bubble.geometry())
    moved: list[QPoint] = []
    bubble.next_button.moveEvent = lambda event: moved.append(event.pos())  # type: ignore[method-assign]
    tour._look.stop()
    for _ in range(3):
        bubble.stand_beside(window.rect().adjusted(0, 60, 0, -60), room)
        qtbot.wait(20)
    assert moved == []  # a button that moves takes no click for half a second
    # The window is small: the words come when they are asked for, until the next step.
    target = window.rect().adjusted(0, 300, 0, 0)
    bubble.stand_beside(target, room)
    assert not bubble.text.isVisible() and bubble.next_button.isVisible()
    click(qtbot, bubble.fold_button)
    bubble.stand_beside(target, room)
    assert bubble.text.isVisible() and bubble.fold_button.toolTip() == "Show the title alone"
    click(qtbot, bubble.fold_button)
    bubble.stand_beside(target, room)
    assert bubble.folded and not bubble.next_button.isVisible()
    click(qtbot, bubble.fold_button)
    tour._move(1)
    bubble.stand_beside(target, room)
    assert not bubble.folded and not bubble.text.isVisible() and bubble.next_button.isVisible()


def test_return_goes_on_once_a_step_is_done_and_skips_none(
    tour: Tour, window: MainWindow, qtbot: QtBot
) -> None:
    qtbot.keyClick(bubble_of(tour), Qt.Key.Key_Return)
    assert tour.step is TourStep.OPEN
    click(qtbot, window.context.parts.slices.start_page.sample)
    wait(tour, qtbot, TourStep.OPEN)
    qtbot.keyClick(bubble_of(tour), Qt.Key.Key_Return)
    assert tour.step is TourStep.LOOK


def test_closing_the_sample_and_opening_ones_own_stops_nothing_and_touches_nothing(
    tour: Tour, window: MainWindow, qtbot: QtBot, quick: Path, open_file: Open, tomogram: Path
) -> None:
    click(qtbot, window.context.parts.slices.start_page.sample)
    wait(tour, qtbot, TourStep.OPEN)
    for _ in range(2):
        click(qtbot, bubble_of(tour).next_button)
    window.actions_.by_name["file.close"].trigger()
    qtbot.waitUntil(lambda: window.session.document is None)
    tour.refresh()
    assert tour.step is TourStep.SEGMENT and "needs the sample" in bubble_of(tour).text.text()
    open_file(tomogram)
    tour.refresh()
    assert "needs the sample" in bubble_of(tour).text.text()
    document, form = window.session.document, window.context.parts.segment.form
    assert document is not None and form.slices.slices == (0, 6) and not document.modified
    help_me(tour, qtbot)
    wait(tour, qtbot, TourStep.SEGMENT)
    assert "sample.tif" in window.windowTitle()


def test_the_fields_that_it_fills_in_are_emptied_when_it_is_left(
    tour: Tour, window: MainWindow, qtbot: QtBot, quick: Path
) -> None:
    form, clean = window.context.parts.segment.form, window.context.parts.clean.form
    click(qtbot, window.context.parts.slices.start_page.sample)
    wait(tour, qtbot, TourStep.OPEN)
    for _ in range(2):
        click(qtbot, bubble_of(tour).next_button)
    assert form.slices.slices == (FIRST, LAST)
    click(qtbot, bubble_of(tour).leave_button)
    assert form.slices.slices == (0, 64)
    form.slices.set_range(3, 5)  # the user's own choice stays
    window.actions_.by_name["help.tour"].trigger()
    assert form.slices.slices == (3, 5)
    help_me(tour, qtbot)
    wait(tour, qtbot, TourStep.SEGMENT)
    click(qtbot, bubble_of(tour).next_button)
    assert clean.smallest.value() == SMALLEST and form.slices.slices == (3, 5)
    click(qtbot, bubble_of(tour).back_button)
    assert clean.smallest.value() == 0 and not clean.clean_up().wanted


def test_unsaved_work_is_asked_about_and_a_no_is_a_no(
    tour: Tour,
    window: MainWindow,
    qtbot: QtBot,
    unsaved: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    def ask(parent: object, title: str, text: str, *rest: object) -> Answer:
        asked.append(text)
        return Answer.CANCEL

    monkeypatch.setattr(questions, "ask", ask)
    help_me(tour, qtbot)
    qtbot.waitUntil(lambda: "stopped, or did not work" in bubble_of(tour).text.text(), timeout=10_000)
    assert len(asked) == 1 and "cell.mrc" in asked[0]
    document = window.session.document
    assert document is not None and document.voxels("labels") == 6 and "cell.mrc" in window.windowTitle()


def test_a_slice_with_colours_is_shown_and_a_part_of_the_slices_is_said_to_be_one(
    tour: Tour, window: MainWindow, qtbot: QtBot, quick: Path
) -> None:
    click(qtbot, window.context.parts.slices.start_page.sample)
    wait(tour, qtbot, TourStep.OPEN)
    for _ in range(2):
        click(qtbot, bubble_of(tour).next_button)
    session, document = window.session, window.session.document
    assert document is not None
    session.set_cursor((2, 100, 100))
    tour._look.stop()
    tour._go(TourStep.SEGMENT)
    with session.edit(EditKind.SEGMENT) as recorder:
        recorder.write(Box((28, 2, 3), (30, 4, 6)), np.full((2, 2, 3), 255, np.uint8))
    qtbot.waitUntil(lambda: not at_work(tour), timeout=LONG_MS)
    offers = window.context.parts.segment.offers
    offers.pending = Interrupted(SegmentParameters(quick), 6, 16)
    tour.refresh()
    text = bubble_of(tour).text.text()
    assert not tour.done(TourStep.SEGMENT) and "after 6 of 16 slices" in text and "“Go on”" in text
    assert bubble_of(tour).next_button.text() == "Skip" and session.cursor[0] == 2
    tour._go(TourStep.CLEAN)
    assert "needs" not in bubble_of(tour).text.text()  # a part is enough to go on with
    tour._go(TourStep.SEGMENT)
    offers.pending = None
    tour.refresh()
    assert tour.done(TourStep.SEGMENT) and session.cursor == (29, 100, 100)
    session.set_cursor((2, 100, 100))  # who wants to look elsewhere may
    tour.refresh()
    assert session.cursor[0] == 2


def test_it_can_be_dragged_and_folded_and_leaves_the_progress_of_jobs_free(
    tour: Tour, window: MainWindow, qtbot: QtBot
) -> None:
    window.resize(683, 384)
    qtbot.wait(30)
    tour.refresh()
    bubble = bubble_of(tour)
    click(qtbot, bubble.fold_button)  # a small window keeps the words back
    tour.refresh()
    before, full = bubble.pos(), bubble.height()
    assert bubble.geometry().bottom() < window.height() - window.statusBar().height()
    for send, place in (
        (qtbot.mousePress, QPoint(150, 12)),
        (qtbot.mouseMove, QPoint(110, 32)),
        (qtbot.mouseRelease, QPoint(150, 12)),
    ):
        send(bubble, *(() if send == qtbot.mouseMove else (LEFT,)), pos=place)
    tour.refresh()
    dragged = bubble.pos()
    assert dragged != before and window.rect().contains(bubble.geometry())
    click(qtbot, bubble.fold_button)
    tour.refresh()
    assert bubble.height() < 0.6 * full and bubble.title.isVisible() and not bubble.next_button.isVisible()
    click(qtbot, bubble.fold_button)
    tour.refresh()
    assert bubble.text.isVisible() and bubble.next_button.isVisible() and bubble.height() >= full


def test_one_question_is_asked_once_however_long_the_answer_takes(
    tour: Tour,
    window: MainWindow,
    qtbot: QtBot,
    unsaved: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    def ask(parent: object, title: str, text: str, *rest: object) -> Answer:
        asked.append(text)
        if len(asked) < 5:  # a box has an event loop of its own, and the tour looks on meanwhile
            for _ in range(3):
                qtbot.wait(120)
                tour.refresh()
        return Answer.DISCARD

    monkeypatch.setattr(questions, "ask", ask)
    help_me(tour, qtbot)
    wait(tour, qtbot, TourStep.OPEN)
    assert len(asked) == 1 and "cell.mrc" in asked[0]
    assert "sample.tif" in window.windowTitle()


def test_a_cancelled_job_and_an_error_leave_the_step_open(
    tour: Tour, window: MainWindow, qtbot: QtBot, errors: list[Exception], slow_model: Path
) -> None:
    window.settings.set("segment/model", str(slow_model))
    window.settings.set("segment/model_files", [str(slow_model)])
    click(qtbot, window.context.parts.slices.start_page.sample)
    wait(tour, qtbot, TourStep.OPEN)
    for _ in range(2):
        click(qtbot, bubble_of(tour).next_button)
    panel = window.context.parts.segment
    qtbot.waitUntil(lambda: panel.form.ready, timeout=LONG_MS)
    help_me(tour, qtbot)
    qtbot.waitUntil(lambda: panel.run is not None, timeout=LONG_MS)
    tour.refresh()
    assert not bubble_of(tour).help_button.isEnabled() and "takes a moment" in bubble_of(tour).text.text()
    assert panel.run is not None
    panel.run.job.cancel()
    qtbot.waitUntil(lambda: panel.run is None and not at_work(tour), timeout=LONG_MS)
    document = window.session.document
    assert document is not None
    if not document.voxels("labels"):  # it was cancelled before the first slice was finished
        qtbot.waitUntil(lambda: "stopped, or did not work" in bubble_of(tour).text.text(), timeout=10_000)
    window.jobs.failed.emit(UserError("The disk is full."))
    assert tour.step is TourStep.SEGMENT and bubble_of(tour).isVisible() and len(errors) == 1


def test_a_project_of_the_sample_is_the_users_own(
    tour: Tour, window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    click(qtbot, window.context.parts.slices.start_page.sample)
    wait(tour, qtbot, TourStep.OPEN)
    document = window.session.document
    assert document is not None
    document.project = tmp_path / "sample.sxt"
    tour.refresh()
    assert not tour.done(TourStep.OPEN)
    document.project = None


def test_closing_the_window_puts_it_away_and_the_next_one_goes_on(
    tour: Tour, window: MainWindow, qtbot: QtBot
) -> None:
    click(qtbot, bubble_of(tour).next_button)
    window.settings.sync()  # soon after
    crashed = QSettings(window.settings.file, QSettings.Format.IniFormat)  # as a crash now would leave it
    assert Settings(crashed).get("tour/step", "") == TourStep.LOOK.value
    window.close()
    assert tour.bubble is None
    other = MainWindow(window.settings)
    qtbot.addWidget(other)
    other.show()
    other.actions_.by_name["help.tour"].trigger()
    assert other.context.parts.tour.step is TourStep.LOOK
    qtbot.keyClick(bubble_of(other.context.parts.tour), Qt.Key.Key_Escape)
    assert other.context.parts.tour.step is None
    qtbot.waitUntil(lambda: not other.jobs.running, timeout=20_000)
    other.close()


def test_esc_leaves_it_while_a_tomogram_is_open(
    tour: Tour, window: MainWindow, open_file: Open, tomogram: Path, qtbot: QtBot
) -> None:
    """The key belongs to “Look around” then: a tool and a field come first, unless the bubble was asked."""
    open_file(tomogram)
    tour.refresh()
    window.activateWindow()  # only then its keys do something
    qtbot.waitUntil(window.isActiveWindow)
    view = window.context.parts.slices.views["xy"]
    escape = Qt.Key.Key_Escape
    window.session.tool.set(tool="brush")
    view.setFocus()
    qtbot.keyClick(view, escape)
    assert tour.step is not None and window.session.tool.value.tool == "look"
    field = window.context.parts.slices.findChild(QLineEdit) or window.findChild(QLineEdit)
    assert field is not None
    field.setFocus()
    qtbot.keyClick(field, escape)
    assert tour.step is not None
    view.setFocus()
    qtbot.keyClick(view, escape)
    assert tour.step is None and tour.bubble is None
    tour.start()  # the bubble has the keyboard
    window.session.tool.set(tool="brush")
    qtbot.keyClick(bubble_of(tour), escape)
    assert tour.step is None and window.session.tool.value.tool == "brush"


def test_closing_the_window_while_the_tour_helps_leaves_no_job_behind(
    tour: Tour, window: MainWindow, qtbot: QtBot, quick: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither one of the tour nor one of somebody else who was about to begin one."""
    click(qtbot, window.context.parts.slices.start_page.sample)
    wait(tour, qtbot, TourStep.OPEN)
    monkeypatch.setattr("sxtstudio.app.main_window.may_close", lambda context: True)
    tour._go(TourStep.MEASURE)
    tour.help()
    qtbot.waitUntil(lambda: at_work(tour), timeout=LONG_MS)
    begun: list[str] = []
    window.jobs.started.connect(lambda job: begun.append(job.name))
    window.close()
    done: list[object] = []
    late = window.jobs.start("late", lambda job: done.append(job))
    tour.refresh()
    qtbot.waitUntil(lambda: not window.jobs.running, timeout=LONG_MS)
    qtbot.wait(3 * tour._look.interval())
    assert begun == ["late"] and not late.running and done == []


def test_what_the_words_name_is_what_the_buttons_say(window: MainWindow) -> None:
    """A step says which button to press: by the words on it."""
    parts = window.context.parts
    for step, button in (
        (TourStep.OPEN, parts.slices.start_page.sample),
        (TourStep.SEGMENT, parts.segment.start_button),
        (TourStep.CLEAN, parts.clean.apply_button),
        (TourStep.FIND, parts.objects.find_button),
        (TourStep.MEASURE, parts.objects.measure_button),
    ):
        assert f"“{button.text()}”" in WORDS[step].text
    assert str(SMALLEST) in WORDS[TourStep.CLEAN].text
