"""The panel "By hand": it shows what is set, and sets what it shows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from sxtstudio.app.labels.panel import LabelsPanel
from sxtstudio.app.labels.tools.catalogue import BY_NAME, TOOLS
from sxtstudio.app.main_window import MainWindow
from sxtstudio.app.states import Panel


@pytest.fixture
def panel(hand) -> LabelsPanel:
    hand.window.context.parts.side.show_panel(Panel.LABELS)
    found = hand.window.context.parts.labels
    assert isinstance(found, LabelsPanel)
    return found


def test_shown_it_works_on_labels_and_hidden_it_puts_the_tool_away(hand, panel: LabelsPanel) -> None:
    side = hand.window.context.parts.side
    assert hand.session.tool.value.target == "labels"
    panel.draw_tools.buttons["brush"].click()
    assert hand.session.tool.value.tool == "brush"
    side.show_panel(Panel.IMAGE)
    assert hand.session.tool.value.tool == "look"
    hand.session.tool.set(target="mask")
    side.show_panel(Panel.LABELS)
    assert hand.session.tool.value.target == "labels"


def test_every_tool_has_button_hint_action_and_key(hand, panel: LabelsPanel) -> None:
    side = hand.window.context.parts.side
    for info in TOOLS:
        side.show_panel(Panel.LABELS)
        button = {**panel.draw_tools.buttons, **panel.object_tools.buttons}[info.name]
        button.click()
        assert hand.session.tool.value.tool == info.name and button.isChecked()
        assert panel.hint.text() == info.hint and not button.icon().isNull()
        button.click()
        assert hand.session.tool.value.tool == "look" and not button.isChecked()
        side.show_panel(Panel.IMAGE)
        hand.key(getattr(Qt.Key, f"Key_{info.shortcut}"))
        assert hand.session.tool.value.tool == info.name
        assert side.current == Panel.LABELS and button.isChecked()


def test_tools_of_the_mask_panel_stay_with_the_mask(hand) -> None:
    side = hand.window.context.parts.side
    side.show_panel(Panel.MASK)
    hand.session.tool.set(target="mask")
    hand.window.actions_.by_name["labels.brush"].trigger()
    assert side.current == Panel.MASK and hand.session.tool.value.target == "mask"


def test_fields_and_state_follow_each_other(hand, panel: LabelsPanel) -> None:
    tool, settings = hand.session.tool, panel.tool_settings
    assert settings.diameter.value() == 4 and settings.size_nm.text() == "= 40 nm"
    settings.diameter.setValue(30)
    assert tool.value.brush_px == 30 and settings.size_nm.text() == "= 300 nm"
    assert abs((settings.slider.value() / 10) ** 2 - 30) < 1.5
    settings.slider.setValue(100)
    assert tool.value.brush_px == 100 and settings.diameter.value() == 100
    settings.slider.setValue(10)
    assert tool.value.brush_px == 1
    settings.shape.setCurrentIndex(1)
    settings.shape.activated.emit(1)
    assert tool.value.ball
    tool.set(tool="wand", tolerance=7.5, wand_reach_px=33)
    assert settings.tolerance.value() == 7.5 and settings.reach.value() == 33
    settings.tolerance.setValue(3.0)
    settings.reach.setValue(50)
    assert (tool.value.tolerance, tool.value.wand_reach_px) == (3.0, 50)
    assert settings.tolerance.isVisible() and not settings.diameter.isVisible()
    tool.set(tool="cut")
    settings.cut.setValue(6)
    assert tool.value.cut_px == 6
    hand.session.set_voxel_nm(None)
    assert settings.size_nm.text() == ""


def test_the_slices_drawn_on_are_proposed_and_interpolated(hand, panel: LabelsPanel) -> None:
    between = panel.between
    assert not between.button.isEnabled()
    hand.take("brush", brush_px=12)
    for depth in (10, 16, 30):
        hand.stroke("xy", depth, (100, 100))
    assert (between.first.value(), between.last.value()) == (17, 31)
    assert between.button.isEnabled()
    between.button.click()
    hand.wait()
    assert hand.voxels()[16:31, 100, 100].all() and not hand.voxels()[11:16].any()
    between.first.setValue(11)
    between.last.setValue(17)
    hand.window.actions_.by_name["labels.interpolate"].trigger()
    hand.wait()
    assert hand.voxels()[10:31, 100, 100].all()


def test_the_nearest_gap_is_proposed(hand, panel: LabelsPanel) -> None:
    hand.draw_box(np.s_[5:9], np.s_[50:60], np.s_[50:60])
    hand.draw_box(np.s_[20:24], np.s_[50:60], np.s_[50:60])
    panel.between.propose()
    hand.qtbot.waitUntil(lambda: panel.between.last.value() == 21, timeout=5000)
    assert panel.between.first.value() == 9


def test_who_asks_for_a_proposal_is_answered(hand, panel: LabelsPanel) -> None:
    between = panel.between
    hand.draw_box(np.s_[5:9], np.s_[50:60], np.s_[50:60])
    hand.session.set_cursor((7, 0, 0))
    hand.qtbot.wait(0)
    before = len(hand.said)
    between.propose()  # by itself it says nothing
    between.propose_button.click()
    hand.qtbot.waitUntil(lambda: len(hand.said) > before, timeout=5000)
    assert "no empty slices lie between two labelled ones near slice 8" in hand.said[-1]
    hand.draw_box(np.s_[20:24], np.s_[50:60], np.s_[50:60])
    hand.qtbot.waitUntil(lambda: between.last.value() == 21, timeout=5000)
    between.propose_button.click()
    hand.qtbot.waitUntil(lambda: "slices 9 and 21, the nearest" in hand.said[-1], timeout=5000)
    hand.take("brush", brush_px=12)
    for depth in (30, 40):
        hand.stroke("xy", depth, (100, 100))
    between.propose_button.click()
    assert "slices 31 and 41, which you drew on last" in hand.said[-1]


def test_one_shape_through_slices_full_of_labels(hand, panel: LabelsPanel) -> None:
    hand.draw_box(np.s_[0:64], np.s_[200:220], np.s_[200:220])
    hand.take("brush", brush_px=12)
    for depth in (10, 20):
        hand.stroke("xy", depth, (100, 100))
    before = hand.voxels()
    hand.session.set_cursor((15, 100, 100))
    panel.between.only_here.setChecked(True)
    assert (panel.between.first.value(), panel.between.last.value()) == (11, 21)
    panel.between.button.click()
    hand.wait()
    new = hand.voxels() & ~before
    assert new[11:20, 100, 100].all() and not new[:, 150:].any()


def test_clear_slice_in_the_plane_that_is_chosen(hand, panel: LabelsPanel) -> None:
    hand.draw_box(np.s_[5:9], np.s_[50:60], np.s_[50:60])
    hand.session.set_cursor((7, 55, 3))
    panel.between.axis.setCurrentIndex(1)
    panel.between.clear_button.click()
    assert not hand.voxels()[:, 55].any() and hand.voxels().sum() == 4 * 9 * 10


def test_buttons_act_on_the_selected_object(hand, panel: LabelsPanel) -> None:
    for z in (np.s_[5:9], np.s_[20:24], np.s_[30:33]):
        hand.draw_box(z, np.s_[50:60], np.s_[50:60])
    assert not panel.delete_button.isEnabled() and "None is selected" in panel.selected.text()
    hand.session.set_cursor((6, 55, 55))
    hand.window.actions_.by_name["labels.select"].trigger()
    panel.delete_button.click()
    assert not hand.voxels()[:10].any() and hand.voxels().sum() == 700
    hand.session.set_cursor((31, 55, 55))
    hand.window.actions_.by_name["labels.select"].trigger()
    panel.keep_button.click()
    hand.wait()
    assert hand.voxels().sum() == 300


def test_the_panel_is_not_wider_than_its_place(hand, panel: LabelsPanel) -> None:
    area = panel.parentWidget().parentWidget()
    for tool in BY_NAME:
        hand.take(tool)
        assert panel.minimumSizeHint().width() <= area.width() - 24, tool


def test_settings_of_the_tools_are_remembered(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    window.session.tool.set(brush_px=17, ball=True, tolerance=4.0)
    window.close()
    again = MainWindow(window.settings)
    qtbot.addWidget(again)
    state = again.session.tool.value
    assert (state.brush_px, state.ball, state.tolerance, state.tool) == (17, True, 4.0, "look")
    again.close()
