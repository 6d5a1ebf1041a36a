"""Filopodia in the real window: a click proposes one, its cut is moved, and it goes onto the list."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from pytestqt.qtbot import QtBot

from sxtstudio.app import questions
from sxtstudio.app.labels.tools.base import PointerEvent
from sxtstudio.app.main_window import MainWindow
from sxtstudio.app.objects.filopodia.measures import size_of
from sxtstudio.app.objects.filopodia.page import FilopodiaPage
from sxtstudio.app.objects.pane import PaneTab
from sxtstudio.app.questions import Answer
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.filopodia import find
from sxtstudio.core.geometry import Box
from sxtstudio.core.object_table import Decided, ObjectFlag, ObjectRow

LENGTH, RADIUS = 40, 6


def labels_of() -> np.ndarray:
    """Membranes of a cell above y = 30, and of a filopodium of 40 px that hangs on it, cut by no border."""
    z, y, x = np.meshgrid(*(np.arange(n, dtype=float) for n in (26, 90, 70)), indexing="ij")
    cell = y - 30
    nearest = np.clip(y, 0, 30 + LENGTH - RADIUS)
    tube = np.sqrt((z - 13) ** 2 + (y - nearest) ** 2 + (x - 35) ** 2) - RADIUS
    whole = np.minimum(cell, tube)
    return ((whole <= 0) & (whole > -2.2)).astype(np.uint8) * 255


@pytest.fixture
def cell(tmp_path: Path, open_file: Callable[[Path], MainWindow], qtbot: QtBot) -> MainWindow:
    labels = labels_of()
    noise = np.random.default_rng(1).normal(120, 6, labels.shape)
    path = tmp_path / "cell.tif"
    image = (noise - 50 * (labels > 0)).astype(np.float32)
    tifffile.imwrite(
        path,
        image,
        imagej=True,
        resolution=(1e3 / 10, 1e3 / 10),
        metadata={"axes": "ZYX", "unit": "um", "spacing": 0.01},
    )
    window = open_file(path)
    qtbot.waitUntil(lambda: not window.jobs.running, timeout=20_000)
    with window.session.edit(EditKind.BRUSH) as edit:
        edit.write(Box.whole(labels.shape), labels)
    return window


@pytest.fixture
def page(cell: MainWindow, qtbot: QtBot) -> FilopodiaPage:
    cell.actions_.by_name["objects.filopodium"].trigger()
    page = cell.context.parts.pane.widget(PaneTab.FILOPODIA)
    assert isinstance(page, FilopodiaPage)
    qtbot.waitUntil(page.isVisible)
    return page


def click(window: MainWindow, y: float, x: float, z: int = 13) -> None:
    window.context.parts.toolbox.press(PointerEvent("xy", y, x, z, "left"))
    window.context.parts.toolbox.release(PointerEvent("xy", y, x, z, "left"))


def propose(page: FilopodiaPage, window: MainWindow, qtbot: QtBot) -> None:
    click(window, 50, 35)
    qtbot.waitUntil(lambda: page.work.found is not None, timeout=20_000)


def test_a_click_proposes_a_cut_that_is_seen_in_all_views(
    page: FilopodiaPage, cell: MainWindow, qtbot: QtBot
) -> None:
    assert cell.session.tool.value.tool == "filopodium" and page.click.isChecked()
    assert not page.take.isEnabled()
    propose(page, cell, qtbot)
    found, selection = page.work.found, cell.session.selection
    assert found is not None and selection is not None and selection.voxels == found.voxels
    assert found.length == pytest.approx(400, abs=35) and found.incomplete == ()
    cell.actions_.by_name["objects.filopodium"].trigger()
    assert cell.session.tool.value.tool == "filopodium" and page.work.found is found, "again: it stays"
    assert cell.actions_.by_name["objects.filopodium"].isChecked()
    qtbot.waitUntil(lambda: "nm long" in page.figures.text(), timeout=20_000)
    assert page.take.isEnabled() and page.whole.text() == "It is whole."
    sketch = cell.context.parts.toolbox.sketch
    assert sketch is not None and np.abs(sketch.lines[-1][:, 0] - 30).max() < 4, "the line of the cut"


def test_the_cut_is_moved_by_keys_slider_and_mouse(
    page: FilopodiaPage, cell: MainWindow, qtbot: QtBot
) -> None:
    propose(page, cell, qtbot)
    assert page.work.found is not None
    first = page.work.found.cut
    cell.actions_.by_name["objects.cut_shorter"].trigger()
    qtbot.waitUntil(lambda: page.work.found.cut == pytest.approx(first - 10))
    page.slider.setValue(page.slider.minimum())
    qtbot.waitUntil(lambda: page.work.found.cut < first / 2)
    toolbox = cell.context.parts.toolbox
    line = toolbox.sketch.lines[-1].mean(axis=0)
    toolbox.press(PointerEvent("xy", line[0], line[1], 13, "left"))
    toolbox.move(PointerEvent("xy", 44, 35, 13, "left"))
    toolbox.release(PointerEvent("xy", 44, 35, 13, "left"))
    qtbot.waitUntil(lambda: page.work.found.cut == pytest.approx(260, abs=25))  # the tip lies at y = 70


def test_enter_puts_it_on_the_list_and_undo_takes_it_off(
    page: FilopodiaPage, cell: MainWindow, qtbot: QtBot
) -> None:
    propose(page, cell, qtbot)
    voxels = page.work.found.voxels if page.work.found else 0
    qtbot.waitUntil(lambda: page.work.size is not None, timeout=20_000)
    proposed = page.figures.text()
    cell.context.parts.toolbox.finish()
    document = cell.session.document
    assert document is not None and document.objects is not None
    assert (document.objects == 1).sum() == voxels and document.object_table.rows[
        1
    ].class_name == "Filopodium"
    assert page.work.found is None and cell.session.objects.value.selected == (1,)
    qtbot.waitUntil(lambda: page.list.numbers == (1,))
    assert page.summary.text() == "1 filopodium, 1 of them whole"
    qtbot.waitUntil(lambda: page.list.columnCount() > 6, timeout=20_000)
    titles = [page.list.horizontalHeaderItem(n).text() for n in range(page.list.columnCount())]
    length = float(page.list.item(0, titles.index("Length along skeleton (nm)")).text())
    assert length == pytest.approx(400, abs=60), "measured without being asked for"
    wide = page.list.item(0, titles.index("Width, mean (nm)")).text()
    assert proposed.startswith(f"{length:.4g} nm long, {wide} nm wide, "), "as proposed"
    cell.session.undo()
    qtbot.waitUntil(lambda: page.list.numbers == ())
    assert not document.object_table.rows


@pytest.mark.parametrize(
    ("answer", "left"), [(Answer.LEAVE_THEM, 50), (Answer.TAKE_THEM, 0), (Answer.CANCEL, 50)]
)
def test_before_it_takes_voxels_of_another_object_it_asks(
    page: FilopodiaPage,
    cell: MainWindow,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
    answer: Answer,
    left: int,
) -> None:
    document = cell.session.document
    assert document is not None
    recorder = cell.session.record(EditKind.NEW_OBJECT, "objects")
    recorder.write(Box((12, 55, 33), (14, 60, 38)), np.full((2, 5, 5), 13, np.uint32))
    mine = ObjectRow("Gold", Decided.HAND)
    cell.session.commit(recorder, rows=document.object_table.change({13: mine}))
    texts: list[str] = []
    monkeypatch.setattr(questions, "ask", lambda *args: texts.append(args[2]) or answer)
    propose(page, cell, qtbot)
    voxels = page.work.found.voxels if page.work.found else 0
    page.take.click()
    assert len(texts) == 1 and "50 voxels of object 13" in texts[0]
    objects = document.objects
    assert objects is not None and (objects == 13).sum() == left
    assert (13 in document.object_table.rows) == (left > 0)
    taken = 0 if answer == Answer.CANCEL else voxels - left
    assert (objects == 14).sum() == taken and (14 in document.object_table.rows) == (taken > 0)
    assert (page.work.found is None) == (taken > 0), "what was not taken is still proposed"


def test_one_that_a_border_cuts_is_listed_as_not_whole(
    page: FilopodiaPage, cell: MainWindow, qtbot: QtBot
) -> None:
    labels = labels_of()
    with cell.session.edit(EditKind.BRUSH) as edit:
        edit.write(Box.whole(labels.shape), np.roll(labels, 10, axis=0))
    document = cell.session.document
    assert document is not None
    document.polarity = None  # the tomogram shows it elsewhere, and is not looked at
    click(cell, 50, 35, 23)
    qtbot.waitUntil(lambda: page.work.found is not None, timeout=20_000)
    assert "cut by the last slice (z)" in page.whole.text()
    page.take.click()
    qtbot.waitUntil(lambda: page.list.rowCount() == 1)
    assert document.object_table.rows[1].flags == {ObjectFlag.BORDER}
    assert page.list.item(0, 1).text() == "no: cut by the last slice (z)"
    assert "0 of them whole" in page.summary.text()


def test_where_none_is_it_is_said_and_esc_drops_a_proposal(
    page: FilopodiaPage, cell: MainWindow, qtbot: QtBot
) -> None:
    with qtbot.waitSignal(cell.session.message, timeout=20_000) as said:
        click(cell, 60, 60)
    assert "no filopodium" in said.args[0]
    propose(page, cell, qtbot)
    cell.context.parts.toolbox.cancel()
    assert page.work.found is None and cell.session.selection is None
    propose(page, cell, qtbot)
    with cell.session.edit(EditKind.BRUSH) as edit:
        edit.write(Box((0, 0, 0), (2, 2, 2)), np.full((2, 2, 2), 255, np.uint8))
    assert page.work.found is None, "it was of other labels"


def shift_click(window: MainWindow, y: float, x: float, z: int = 13) -> None:
    window.context.parts.toolbox.press(PointerEvent("xy", y, x, z, "left", shift=True))
    window.context.parts.toolbox.release(PointerEvent("xy", y, x, z, "left", shift=True))


def test_without_an_outline_its_base_and_tip_are_clicked(
    page: FilopodiaPage, cell: MainWindow, qtbot: QtBot
) -> None:
    """The tomogram shows it; a point that is added runs it through both, and a plain click begins anew."""
    labels = labels_of()
    with cell.session.edit(EditKind.BRUSH) as edit:
        edit.write(Box.whole(labels.shape), np.zeros_like(labels))
    shift_click(cell, 33, 35)
    qtbot.waitUntil(lambda: not page.work.searching, timeout=20_000)
    shift_click(cell, 67, 35)
    qtbot.waitUntil(lambda: page.work.found is not None and not page.work.searching, timeout=20_000)
    found = page.work.found
    assert found is not None and page.work.seeds == ((13, 33, 35), (13, 67, 35))
    ends = sorted(float(place[1]) for place in (found.axis[0], found.axis[-1]))
    assert ends == pytest.approx([33, 69], abs=3)
    assert np.median(found.width) == pytest.approx(20 * RADIUS, rel=0.15)
    sketch = cell.context.parts.toolbox.sketch
    assert sketch is not None and len(sketch.lines) > 2, "the points are shown"
    with qtbot.waitSignal(cell.session.message, timeout=20_000):
        shift_click(cell, 50, 5000)
    assert page.work.seeds == ((13, 33, 35), (13, 67, 35)), "a slip is not kept"
    click(cell, 50, 35)
    assert page.work.seeds == ((13, 50, 35),)


def test_a_click_beside_the_slice_says_so_and_the_proposal_stays(
    page: FilopodiaPage, cell: MainWindow, qtbot: QtBot
) -> None:
    said: list[str] = []
    caught: list[BaseException] = []
    cell.session.message.connect(said.append)
    cell.jobs.failed.connect(caught.append)
    outside = ((50.0, -25.0), (50.0, -400.0), (90.0, 35.0), (-400.0, 900.0))
    for clicked in (click, shift_click):
        for y, x in outside:
            clicked(cell, y, x)
            assert not page.work.searching and page.work.seeds == ()
    assert said.count("Click inside the tomogram.") == 8 and not caught
    propose(page, cell, qtbot)
    found, seeds = page.work.found, page.work.seeds
    for clicked in (click, shift_click):
        for y, x in outside:
            clicked(cell, y, x)
            assert page.work.found is found and page.work.seeds == seeds and not page.work.searching
    assert said.count("Click inside the tomogram.") == 16 and not caught


def test_what_is_doubtful_says_what_to_do_and_is_whole_once_it_was_taken(
    page: FilopodiaPage, cell: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(find, "is_doubtful", lambda *_, **__: True)
    propose(page, cell, qtbot)
    assert "doubtful" in page.whole.text() and "Shift+click its base and its tip" in page.whole.text()
    page.take.click()
    document = cell.session.document
    assert document is not None
    assert document.object_table.rows[1].notes == "" and not document.object_table.rows[1].flags


def test_one_that_is_chosen_in_the_list_is_gone_to(
    page: FilopodiaPage, cell: MainWindow, qtbot: QtBot
) -> None:
    propose(page, cell, qtbot)
    page.take.click()
    qtbot.waitUntil(lambda: page.list.rowCount() == 1)
    cell.session.objects.set(selected=())
    page.list.selectRow(0)
    assert cell.session.objects.value.selected == (1,)
    assert cell.session.cursor[1:] == pytest.approx((50, 35), abs=3)


def test_lines_of_other_tools_stay(cell: MainWindow) -> None:
    """The tool follows the cursor also while another one is in the hand."""
    toolbox = cell.context.parts.toolbox
    cell.session.tool.set(tool="ruler")
    toolbox.press(PointerEvent("xy", 10, 10, 13, "left"))
    toolbox.move(PointerEvent("xy", 10, 40, 13, "left"))
    line = toolbox.sketch
    cell.session.set_cursor((13, 50, 50))
    assert line is not None and toolbox.sketch is line


def test_a_ball_is_as_wide_as_long_and_a_tube_is_not() -> None:
    z, y, x = np.mgrid[-9:10, -9:10, -9:10]
    ball = size_of(z**2 + y**2 + x**2 <= 64, (10.0, 10.0, 10.0))
    tube = size_of((labels_of() > 0)[:, 32:], None)
    assert ball is not None and ball.as_wide
    assert tube is not None and not tube.as_wide
