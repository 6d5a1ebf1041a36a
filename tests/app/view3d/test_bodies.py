"""The objects in the 3D view of the window: picked, hidden, and made anew where they change."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pytestqt.qtbot import QtBot
from vtkmodules.util.numpy_support import vtk_to_numpy

from sxtstudio.app.main_window import MainWindow
from sxtstudio.app.view3d import bodies as view_bodies
from sxtstudio.app.view3d.contents import ScenePart
from sxtstudio.app.view3d.scene import Picked
from sxtstudio.app.view3d.view import View3D
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.geometry import Box
from sxtstudio.core.object_colours import number_colours
from sxtstudio.core.object_table import ObjectRow
from sxtstudio.core.wording import grouped
from sxtstudio.surface import OpenGL
from sxtstudio.surface.objects import BodyMeshes, ObjectBodies
from sxtstudio.workflow.document.project import adopt, save, snapshot
from tests.app.objects.conftest import BOXES, LARGE, room

__all__ = ["room"]


@pytest.fixture
def view(room: MainWindow, opengl: OpenGL, qtbot: QtBot) -> View3D:
    """The 3D view with the objects."""
    view = room.context.parts.view3d
    room.session.layout.set(view3d=True)
    qtbot.waitUntil(lambda: view.canvas is not None and bodies(view) is not None, timeout=60_000)
    return view


def bodies(view: View3D) -> BodyMeshes | None:
    assert view.canvas is not None
    return view.canvas.scene.bodies


def colour_of(view: View3D, number: int) -> tuple[int, ...] | None:
    """The colour that an object is drawn in, or None where it is not drawn."""
    meshes = bodies(view)
    assert meshes is not None
    for face in range(meshes.full.mesh.n_cells):
        if meshes.full.number_of(face) == number:
            point = int(meshes.full.mesh.regular_faces[face, 0])
            return tuple(meshes.full.mesh.point_data["RGB"][point].tolist())
    return None


def test_what_was_drawn_last_has_a_surface_though_nobody_looked_where_it_lies(
    room: MainWindow, opengl: OpenGL, qtbot: QtBot
) -> None:
    document, box = room.session.document, Box((40, 200, 200), (52, 230, 240))
    assert document is not None
    recorder = room.session.record(EditKind.NEW_OBJECT, "objects")
    recorder.write(box, np.full(box.shape, 77, np.uint32))
    room.session.commit(recorder, rows=document.object_table.change({77: ObjectRow()}))
    assert 77 not in document.object_boxes.numbers, "else this says nothing"
    view = room.context.parts.view3d
    room.session.layout.set(view3d=True)
    qtbot.waitUntil(lambda: view.canvas is not None and bodies(view) is not None, timeout=60_000)
    meshes = bodies(view)
    assert meshes is not None and 77 in meshes.numbers


def test_colours_and_visibility_follow_without_another_surface(
    room: MainWindow, view: View3D, qtbot: QtBot
) -> None:
    meshes, state = bodies(view), room.session.objects
    assert meshes is not None and meshes.numbers.tolist() == sorted(BOXES)
    own = tuple(number_colours(np.array([3]))[0].tolist())
    assert colour_of(view, 3) == own
    state.set(hidden=frozenset({5}))
    assert colour_of(view, 5) is None and colour_of(view, 3) == own
    state.set(hidden=frozenset(), only=frozenset({LARGE}))
    assert colour_of(view, 3) is None and colour_of(view, LARGE) is not None
    state.set(only=None, selected=(3,))
    assert colour_of(view, 3) == own and colour_of(view, 5) != tuple(number_colours(np.array([5]))[0])
    assert bodies(view) is meshes, "nothing was made anew"
    assert not view.scene.value.surface_visible, "the labels would hide them"


def test_other_settings_make_all_surfaces_anew_when_that_is_asked_for(
    room: MainWindow, view: View3D, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    document, speck = room.session.document, Box((60, 300, 300), (61, 301, 301))
    assert document is not None
    recorder = room.session.record(EditKind.NEW_OBJECT, "objects")
    recorder.write(speck, np.full(speck.shape, 77, np.uint32))
    room.session.commit(recorder, rows=document.object_table.change({77: ObjectRow()}))
    qtbot.waitUntil(lambda: 77 in view.body_surfaces, timeout=60_000)
    first = bodies(view)
    assert first is not None and not view.status.value.outdated
    faces = first.full.face_count
    view.scene.set(max_faces=max(2000, faces // 8))
    assert view.status.value.outdated, "the panel says so"
    assert bodies(view) is first, "nobody has asked for it yet"
    view.update_surface()
    qtbot.waitUntil(lambda: bodies(view) is not first, timeout=60_000)
    fewer = bodies(view)
    assert fewer is not None and fewer.full.face_count <= max(2000, faces // 8) < faces
    assert not view.status.value.outdated
    assert 77 in view.body_surfaces, "small as it is"
    (simplified,) = view.status.value.body_notes
    assert simplified.startswith(f"The surfaces of 4 objects were simplified from {grouped(faces)} to ")
    assert f" to {grouped(fewer.full.face_count)} faces (points closer than about " in simplified
    said = room.context.parts.surface._summary.text()
    assert simplified in said
    view.scene.set(bodies_visible=False)
    assert simplified not in room.context.parts.surface._summary.text()
    view.scene.set(bodies_visible=True)
    view.update_surface()
    assert not view.status.value.outdated and bodies(view) is fewer, "nothing is to be done"
    made = view_bodies.object_bodies

    def without_speck(*given: Any, **more: Any) -> ObjectBodies:
        found = made(*given, **more)
        return replace(found, surfaces={n: one for n, one in found.surfaces.items() if n != 77})

    monkeypatch.setattr(view_bodies, "object_bodies", without_speck)
    view.scene.set(smooth=5)
    view.update_surface()
    qtbot.waitUntil(lambda: bodies(view) is not fewer, timeout=60_000)
    assert view.status.value.body_notes[-1] == (
        "1 object is too small to be drawn with so few faces: raise “Most faces”, and update."
    )


def test_a_click_chooses_and_a_change_makes_one_surface_anew(
    room: MainWindow, view: View3D, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    canvas = view.canvas
    assert canvas is not None
    monkeypatch.setattr(canvas, "pick", lambda x, y: Picked((1100.0, 2050.0, 250.0), "bodies", 5))
    former_cursor = room.session.cursor
    canvas.clicked.emit(1.0, 1.0)
    assert room.session.objects.value.selected == (5,)
    assert room.session.cursor == former_cursor != (25, 205, 110), "the slices stay where they are"
    room.actions_.by_name["objects.go_to"].trigger()
    z, y, x = room.session.cursor
    assert all(a <= v < b for v, a, b in zip((z, y, x), BOXES[5].start, BOXES[5].stop, strict=True))
    monkeypatch.setattr(canvas, "pick", lambda x, y: None)
    canvas.clicked.emit(1.0, 1.0)
    assert room.session.objects.value.selected == ()
    meshes = bodies(view)
    former: dict[int, Any] = dict(view.body_surfaces)
    document = room.session.document
    assert document is not None and meshes is not None
    recorder = room.session.record(EditKind.DELETE_OBJECT, "objects")
    recorder.write(BOXES[5], np.zeros(BOXES[5].shape, np.uint32))
    room.session.commit(recorder, rows=document.object_table.change({5: None}))
    qtbot.waitUntil(lambda: bodies(view) is not meshes, timeout=60_000)
    assert set(view.body_surfaces) == {3, LARGE}
    assert all(view.body_surfaces[number] is former[number] for number in (3, LARGE))
    room.actions_.by_name["edit.undo"].trigger()
    qtbot.waitUntil(lambda: set(view.body_surfaces) == set(BOXES), timeout=60_000)
    assert view.body_surfaces[3] is former[3]


def test_what_is_edited_while_surfaces_are_made_is_made_anew_after_that(
    room: MainWindow, view: View3D, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job ends before the next one was to begin: what was edited meanwhile must not count as done."""
    document = room.session.document
    assert document is not None
    made = view_bodies.object_bodies
    begun, go_on = threading.Event(), threading.Event()

    def slow(*given: Any, **more: Any) -> ObjectBodies:
        begun.set()
        go_on.wait(30)
        return made(*given, **more)

    def delete(number: int) -> None:
        recorder = room.session.record(EditKind.DELETE_OBJECT, "objects")
        recorder.write(BOXES[number], np.zeros(BOXES[number].shape, np.uint32))
        room.session.commit(recorder, rows=document.object_table.change({number: None}))

    monkeypatch.setattr(view_bodies, "object_bodies", slow)
    delete(5)
    qtbot.waitUntil(begun.is_set, timeout=60_000)
    delete(3)
    go_on.set()
    qtbot.waitUntil(lambda: set(view.body_surfaces) == {LARGE}, timeout=60_000)


def test_the_labels_step_back_at_the_first_showing_whatever_a_project_says(
    room: MainWindow,
    opengl: OpenGL,
    qtbot: QtBot,
    tmp_path: Path,
    open_file: Callable[[Path], MainWindow],
) -> None:
    view = room.context.parts.view3d
    view.restore_view_state({"scene": {"surface_visible": True, "bodies_visible": False}})
    room.session.layout.set(view3d=True)
    qtbot.waitUntil(lambda: view.canvas is not None, timeout=60_000)
    assert view.scene.value.surface_visible, "alone they hide nothing"
    view.scene.set(bodies_visible=True)
    qtbot.waitUntil(lambda: bodies(view) is not None, timeout=60_000)
    assert not view.scene.value.surface_visible
    view.scene.set(surface_visible=True)
    room.session.objects.set(hidden=frozenset({5}))
    assert view.scene.value.surface_visible, "who ticks them then wants both"
    room.session.collect_view()
    document = room.session.document
    assert document is not None
    adopt(document, save(snapshot(document), tmp_path / "cell.sxt"))
    open_file(tmp_path / "cell.sxt")
    assert bodies(view) is None
    qtbot.waitUntil(lambda: bodies(view) is not None, timeout=60_000)
    assert view.scene.value.surface_visible, "and so it is when the project is opened again"


def test_the_plane_of_a_split_lies_in_space_as_it_is_said(room: MainWindow, view: View3D) -> None:
    assert view.canvas is not None
    normal = (0.6, 0.0, 0.8)
    room.session.cut.set(place=(29.5, 119.5, 124.5), normal=normal, reach=300.0)
    mesh = view.canvas.contents().meshes[ScenePart.CUT]
    points = vtk_to_numpy(mesh.GetPoints().GetData()).astype(np.float64)
    middle = np.array([1245.0, 1195.0, 295.0])  # x, y, z; 10 nm voxels
    assert points.mean(axis=0) == pytest.approx(middle, abs=1e-3)
    assert (points - middle) @ np.array(normal[::-1]) == pytest.approx(0, abs=1e-3)
    assert np.linalg.norm(points - middle, axis=1) == pytest.approx(300 * np.sqrt(2))
    room.session.cut.set(place=None)
    assert ScenePart.CUT not in view.canvas.contents().meshes
