"""What is chosen for one tomogram does not reach into the next; what the user always wants stays."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSlider,
    QAbstractSpinBox,
    QCheckBox,
    QComboBox,
    QScrollBar,
    QWidget,
)
from pytestqt.qtbot import QtBot

from sxtstudio.app.document.opening import open_path
from sxtstudio.app.main_window import MainWindow
from sxtstudio.app.settings import Settings
from sxtstudio.app.states import Belonging, DisplayState, Observed, Panel
from sxtstudio.app.view3d.state import SceneState
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.geometry import Box
from sxtstudio.core.object_table import Decided, ObjectRow
from sxtstudio.workflow.document.project import adopt, save, snapshot

Open = Callable[[Path], MainWindow]

# How somebody works, whatever the tomogram; by panel and the words beside or on the field.
THE_USERS_OWN = {
    "image": (
        "Colour map",
        "Smooth pixels",
        "Opacity of the labels",
        "Crosshair",
        "Scale bar",
        "Not labelled",
        "The same along x, y and z",
    ),
    "segment": (
        "So many slices above and below the one that is shown",
        "Smaller tiles need less memory and more time; the result is the same",
        "How sure the network is of each slice",
        "Neighbouring slices have a say",
        "Leave out frames and gold",
        "Keep the network's output",
    ),
    "clean": ("The unit of the smallest size", "Show a preview on this slice"),
    "labels": (
        "Diameter of the brush",
        "Whether the brush also reaches",
        "How much grey values may differ",
        "How far from the click",
        "Width of the cut",
        "How far an object grows",
    ),
    "objects": (
        "Opacity of the objects",
        "Train with its former examples",
        "Diameter of the brush",
        "Whether the brush also reaches",
        "How much grey values may differ",
        "How far from the click",
        "Width of the cut",
        "How far an object grows",
    ),
    "surface": (
        "One colour for all",
        "Opacity of the surface",
        "Opacity of the cell mask",
        "Opacity of the slices",
        "Takes the steps of the voxels away",
        "A surface with more triangles is simplified",
        "Update by itself",
        "XY",
        "XZ",
        "YZ",
        "Show box",
        "Shade the surfaces",
        "Strength of the light",
        "What is behind the scene",
        "Perspective",
        "Scale bar",
        "Axes",
        "Box",
        "Width in pixels",
        "Height in pixels",
        "Transparent background",
        "How long one turn takes",
        "Pictures per second",
    ),
}


@pytest.fixture
def tomograms(tmp_path: Path) -> tuple[Path, Path]:
    """Two tomograms of one shape."""
    paths = (tmp_path / "one.tif", tmp_path / "two.tif")
    for number, path in enumerate(paths):
        tifffile.imwrite(path, np.random.default_rng(number).normal(size=(12, 40, 48)).astype(np.float32))
    return paths


def fields(window: MainWindow) -> Iterator[tuple[str, QWidget]]:
    """Every field of every panel with its name."""
    for which in Panel:
        for widget in window.context.parts.side.widget(which).findChildren(QWidget):
            if isinstance(widget, QAbstractSpinBox | QAbstractSlider | QComboBox | QCheckBox):
                if not isinstance(widget, QScrollBar):
                    words = widget.text() if isinstance(widget, QAbstractButton) else ""
                    yield f"{which.value}: {words or widget.accessibleName() or widget.toolTip()}", widget


def values(window: MainWindow) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, widget in fields(window):
        if isinstance(widget, QCheckBox):
            found[name] = widget.isChecked()
        else:
            found[name] = widget.currentData() if isinstance(widget, QComboBox) else widget.value()
    return found


def change(widget: QWidget) -> None:
    if isinstance(widget, QCheckBox):
        widget.toggle()
    elif isinstance(widget, QComboBox):
        widget.setCurrentIndex((widget.currentIndex() + 1) % max(1, widget.count()))
    elif isinstance(widget.value(), tuple):
        widget.setValue((0.25, 0.75))
    else:
        widget.setValue(widget.value() + (1 if widget.value() < widget.maximum() else -1) * 3)


def users_own(name: str) -> bool:
    panel, _, words = name.partition(": ")
    return words.startswith(THE_USERS_OWN.get(panel, ()))


def ready(window: MainWindow, qtbot: QtBot) -> MainWindow:
    """Let the first look end; with labels and a mask, so that all fields can be used."""
    session = window.session
    assert session.document is not None
    for target in ("labels", "mask"):
        session.document.volume(target)
        session.touched(target, Box((0, 0, 0), session.document.shape))
    qtbot.waitUntil(lambda: not window.jobs.running, timeout=20_000)
    session.document.modified = False
    return window


def test_every_field_that_belongs_to_a_tomogram_begins_anew_with_the_next(
    open_file: Open, tomograms: tuple[Path, Path], qtbot: QtBot
) -> None:
    window = ready(open_file(tomograms[0]), qtbot)
    fresh = values(window)
    for _, widget in fields(window):
        if widget.isEnabled():
            change(widget)
    changed = values(window)
    assert window.session.document is not None
    window.session.document.modified = False
    now = values(ready(open_file(tomograms[1]), qtbot))
    leaked = {n: (fresh[n], now[n]) for n in fresh if now[n] != fresh[n] and not users_own(n)}
    assert not leaked
    lost = {n: (changed[n], now[n]) for n in fresh if now[n] != changed[n] and users_own(n)}
    assert not lost
    tried = {name for name in fresh if changed[name] != fresh[name]}
    assert {
        "image: Negative",
        "surface: Clip the surfaces",
        "surface: First and last shown place along z",
    } < tried
    assert len(tried - {name for name in tried if users_own(name)}) > 25


def test_nothing_of_a_tomogram_is_remembered_for_the_next_start(
    settings: Settings, window: MainWindow, qtbot: QtBot
) -> None:
    parts = window.context.parts
    parts.segment.form.threshold.set_choice(0.4)
    parts.segment.form.tile.setValue(256)
    parts.segment.form.remember()
    parts.view3d.scene.set(clip=True, clip_z=(0.2, 0.5), opacity=0.5)
    parts.view3d.shut_down()
    again = MainWindow(settings)
    assert again.context.parts.segment.form.threshold.choice is None
    assert again.context.parts.segment.form.tile.value() == 256
    assert again.context.parts.view3d.scene.value == SceneState(opacity=0.5)
    again.close()
    again.deleteLater()


def test_a_project_brings_its_settings_and_takes_them_along(
    open_file: Open, tomograms: tuple[Path, Path], tmp_path: Path, qtbot: QtBot
) -> None:
    window = ready(open_file(tomograms[0]), qtbot)
    session, form, view3d = window.session, window.context.parts.segment.form, window.context.parts.view3d
    session.display.set(label_rgb=(1, 2, 3), labels_visible=False)
    form.threshold.set_choice(0.25)
    form.slices.set_range(2, 9)
    view3d.scene.set(clip=True, clip_x=(0.0, 0.5))
    session.collect_view()
    assert session.document is not None
    kept = json.loads(json.dumps(session.document.view))
    session.display.set(label_rgb=(7, 7, 7), label_opacity=0.9)  # the user's own from here on
    ready(open_file(tomograms[1]), qtbot)
    assert form.threshold.choice is None and form.slices.slices == (0, 12)
    assert not view3d.scene.value.clip and session.display.value.labels_visible
    for name, view in (("slices", window.context.parts.slices), ("segment", form), ("view3d", view3d)):
        view.restore_view_state(kept[name])
    assert form.threshold.choice == 0.25 and form.slices.slices == (2, 9)
    assert view3d.scene.value.clip_x == (0.0, 0.5) and session.display.value.label_rgb == (1, 2, 3)
    session.display.set(label_opacity=0.8)
    ready(open_file(tomograms[0]), qtbot)
    # The project's colour goes with it; what was chosen while it was open stays.
    assert session.display.value.label_rgb == (7, 7, 7) and session.display.value.label_opacity == 0.8


def test_every_view_is_after_reopening_as_it_was_saved(
    settings: Settings, open_file: Open, tomograms: tuple[Path, Path], tmp_path: Path, qtbot: QtBot
) -> None:
    """All that any part of the window saves with a project comes back, in this window and in a new one."""
    window = ready(open_file(tomograms[0]), qtbot)
    session, parts = window.session, window.context.parts
    document = session.document
    assert document is not None
    for _, widget in fields(window):
        if widget.isEnabled():
            change(widget)
    rows = {1: ObjectRow("Vesicle", Decided.HAND), 2: ObjectRow()}
    recorder = session.record(EditKind.NEW_OBJECT, "objects")
    for number in rows:
        box = Box((2, 10 * number, 5), (6, 10 * number + 5, 15))
        recorder.write(box, np.full(box.shape, number, np.uint32))
    session.commit(recorder, rows=document.object_table.change(rows))
    session.objects.set(colour_by="class", opacity=0.35)
    parts.objects.classing.work.set_current("Nucleus")
    parts.evaluation.begin([2, 5, 8])
    parts.complete.set(frozenset({3, 4}))
    session.set_cursor((7, 11, 13))
    parts.slices.camera.zoom_to(3.5)
    session.collect_view()
    saved = json.loads(json.dumps(document.view))
    assert saved.keys() == session._views.keys() and "objects" in saved
    adopt(document, save(snapshot(document), tmp_path / "cell.sxt"))

    def shown(window: MainWindow) -> dict[str, object]:
        qtbot.wait(50)
        window.session.collect_view()
        assert window.session.document is not None
        return json.loads(json.dumps(window.session.document.view))

    ready(open_file(tomograms[1]), qtbot)
    assert session.objects.value.colour_by == "number", "it has no classes"
    assert shown(open_file(tmp_path / "cell.sxt")) == saved
    assert session.document is not None
    session.document.modified = False
    session.show(None)
    other = MainWindow(settings)
    other.show()
    qtbot.waitExposed(other)
    with qtbot.waitSignal(other.session.document_changed, timeout=20_000):
        open_path(other.context, tmp_path / "cell.sxt")
    assert shown(other) == saved
    qtbot.waitUntil(lambda: not other.jobs.running, timeout=20_000)
    other.session.document.modified = False
    other.close()
    other.deleteLater()


@pytest.mark.parametrize(
    "damaged",
    [{"threshold": "x", "slices": 3}, {"threshold": 7, "slices": ["range", 9, 2]}, {"threshold": True}],
)
def test_damaged_settings_of_a_project_change_nothing(sample: MainWindow, damaged: dict[str, object]) -> None:
    form = sample.context.parts.segment.form
    form.restore_view_state(damaged)
    assert form.threshold.choice is None and form.slices.slices == (0, 64)


def test_what_belongs_where() -> None:
    state = Observed(DisplayState())
    belonging = Belonging(state, ("inverted",))
    state.set(inverted=True, smooth=False)
    assert belonging.own == DisplayState(smooth=False)
    belonging.begin()
    assert state.value == DisplayState(smooth=False)
    state.set(colour_map="magma", crosshair=False)
    belonging.restored()
    state.set(crosshair=True, scale_bar=False)
    belonging.begin()
    assert state.value == DisplayState(smooth=False, scale_bar=False)
