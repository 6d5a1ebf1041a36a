"""Pictures of the child process, against those that the same scene draws in this one."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from sxtstudio.app.view3d.contents import SceneContents, ScenePart
from sxtstudio.app.view3d.meshes import make_meshes
from sxtstudio.app.view3d.painter import Painter
from sxtstudio.app.view3d.planes import SliceImage
from sxtstudio.app.view3d.scene import Scene3D
from sxtstudio.app.view3d.state import SceneState
from sxtstudio.core.errors import Cancelled, UserError
from sxtstudio.core.geometry import Box
from sxtstudio.core.measure.contacts import ContactRule, contacts_in
from sxtstudio.core.progress import Progress
from sxtstudio.surface import OpenGL, SurfaceParameters
from sxtstudio.surface.objects import BodyMeshes, object_bodies
from sxtstudio.surface.offscreen import hidden_window
from sxtstudio.surface.patches import patch_surface

SHAPE, VOXEL = (20, 24, 30), (20.0, 10.0, 10.0)
SIZE = (160, 120)


@pytest.fixture(scope="module")
def painter(opengl: Any) -> Iterator[Painter]:
    with Painter(opengl) as painter:
        yield painter


@pytest.fixture
def scene(opengl: Any) -> Iterator[Scene3D]:
    """Two blocks in colours, a mask around them, one of them highlighted, a slice, bodies that touch."""
    labels, mask, one = (np.zeros(SHAPE, np.uint8) for _ in range(3))
    labels[4:16, 6:18, 4:12] = labels[6:14, 8:16, 18:26] = 255
    mask[2:18, 3:21, 2:28] = 255
    one[6:14, 8:16, 18:26] = 255
    scene = hidden_scene(opengl)
    scene.set_volume(SHAPE, VOXEL)
    meshes = make_meshes(labels, mask, VOXEL, SurfaceParameters(objects=True, min_faces=0), Progress())
    scene.set_surface(meshes.full)
    scene.set_mask(meshes.mask)
    scene.set_highlight(make_meshes(one, None, VOXEL, SurfaceParameters(), Progress()).full)
    bodies = np.zeros(SHAPE, np.uint32)
    bodies[8:14, 14:20, 10:16], bodies[8:14, 14:20, 16:22] = 3, 9
    boxes = {3: Box((8, 14, 10), (14, 20, 16)), 9: Box((8, 14, 16), (14, 20, 22))}
    found = BodyMeshes(object_bodies(bodies, boxes, VOXEL, max_faces=10_000, moving_faces=2_000).surfaces)
    found.style(np.array([(250, 20, 20), (20, 220, 60)], np.uint8), np.array([True, True]))
    scene.set_bodies(found)
    touching = contacts_in(bodies, VOXEL, {3: "Vesicle", 9: "ER"}, ContactRule("Vesicle", "ER", 20.0))
    scene.set_contacts(patch_surface(touching.sites, VOXEL))
    values = np.tile(np.linspace(0, 1, SHAPE[2], dtype=np.float32), (SHAPE[1], 1))
    image = SliceImage(0, 10, values)
    scene.planes[0].set_image(image, image.grey(0.0, 1.1, False))
    scene.apply(SceneState(mask_visible=True, clip=True, clip_y=(0.1, 0.8)), True)
    scene.frame_all("oblique", SIZE[0] / SIZE[1])
    scene.camera.turn(0.1, 0.05)
    yield scene
    scene.close()


def hidden_scene(opengl: OpenGL) -> Scene3D:
    window = hidden_window(opengl)
    window.SetAlphaBitPlanes(1)
    return Scene3D(window, software=opengl.software)


def difference(picture: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(picture.astype(int) - other.astype(int)).mean())


def test_child_process_draws_what_is_drawn_here(scene: Scene3D, painter: Painter) -> None:
    contents = scene.contents(True)
    here = scene.render(SIZE)
    assert np.ptp(here[..., :3]) > 100
    assert difference(painter.draw(contents, SIZE), here) < 0.01
    with scene.camera.turned(scene.camera.state(), 50.0), scene.camera.enlarged(0.7):
        turned = scene.render(SIZE, "moving", clear=True)
    assert difference(turned, here) > 5
    there = painter.draw(contents, SIZE, "moving", turned=50.0, enlarged=0.7, clear=True)
    assert difference(there, turned) < 0.01
    finer = scene.render((2 * SIZE[0], 2 * SIZE[1])).astype(float)
    averaged = finer.reshape(SIZE[1], 2, SIZE[0], 2, 4).mean(axis=(1, 3))
    assert np.abs(painter.draw(contents, SIZE, supersampled=True) - averaged).max() <= 0.51


def test_only_what_has_changed_is_sent(
    scene: Scene3D, painter: Painter, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[dict[str, Any]] = []
    changes = Painter._changes
    monkeypatch.setattr(Painter, "_changes", lambda *given: sent.append(changes(*given)) or sent[-1])
    painter.draw(scene.contents(True), SIZE)
    # No plane is laid through an object.
    shown = {part.value for part in ScenePart if part is not ScenePart.CUT}
    assert set(sent[-1]["meshes"]) == shown and len(sent[-1]["planes"]) == 1
    scene.apply(SceneState(background="white"), True)
    scene.camera.turn(0.2, 0.1)
    assert difference(painter.draw(scene.contents(True), SIZE), scene.render(SIZE)) < 0.01
    assert sent[-1] == {"meshes": {}, "planes": []}
    bodies = scene.bodies
    assert bodies is not None
    bodies.style(np.array([(250, 20, 20), (20, 60, 220)], np.uint8), np.array([False, True]))
    scene.restyle_bodies()
    assert difference(painter.draw(scene.contents(True), SIZE), scene.render(SIZE)) < 0.01
    assert set(sent[-1]["meshes"]) == {"bodies"}
    scene.recolour(np.array([(0, 0, 255), (0, 255, 0)], np.uint8))
    scene.set_highlight(None)
    scene.apply(SceneState(background="white"), True)
    assert difference(painter.draw(scene.contents(True), SIZE), scene.render(SIZE)) < 0.01
    assert set(sent[-1]["meshes"]) == {"surface", "highlight"} and sent[-1]["meshes"]["highlight"] is None
    scene.set_volume(SHAPE, (10.0, 10.0, 10.0))
    assert difference(painter.draw(scene.contents(True), SIZE), scene.render(SIZE)) < 0.01
    assert "volume" in sent[-1]


def test_picture_that_was_cancelled_does_not_take_the_place_of_the_next(
    scene: Scene3D, painter: Painter
) -> None:
    contents = scene.contents(True)
    progress = Progress()
    progress.cancel()
    with pytest.raises(Cancelled):
        painter.draw(contents, (800, 600), progress=progress)
    assert difference(painter.draw(contents, SIZE), scene.render(SIZE)) < 0.01


def test_end_of_the_child_process_is_told_and_the_next_picture_starts_another(
    scene: Scene3D, opengl: Any
) -> None:
    contents: SceneContents = scene.contents(True)
    before = threading.active_count()
    with Painter(opengl) as painter:
        painter.draw(contents, SIZE)
        process = painter._process
        assert process is not None

        def end(seconds: float) -> None:
            process.kill()

        with pytest.raises(UserError, match="could not be drawn"):
            painter.draw(contents, (2000, 1500), waiting=end)
        assert difference(painter.draw(contents, SIZE), scene.render(SIZE)) < 0.01
        assert painter._process is not process
        process = painter._process
    assert process is not None and process.poll() is not None
    assert threading.active_count() == before


def test_child_process_loads_no_qt() -> None:
    code = (
        "import sys, sxtstudio.app.view3d.painter_process\n"
        "print(*(name for name in sys.modules if name in ('PySide6', 'qtpy', 'pyvistaqt')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_bundled_program_starts_itself_to_draw(scene: Scene3D, opengl: OpenGL, bundled: None) -> None:
    with Painter(opengl) as painter:
        assert difference(painter.draw(scene.contents(True), SIZE), scene.render(SIZE)) < 0.01
