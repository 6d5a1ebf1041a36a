"""The scene behind the 3D view, against shapes whose size and place are known."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from vtkmodules.vtkRenderingCore import vtkRenderWindow

from sxtstudio.app.view3d.meshes import make_highlight, make_meshes
from sxtstudio.app.view3d.planes import SliceImage, read_slice
from sxtstudio.app.view3d.scene import Scene3D
from sxtstudio.app.view3d.state import SceneState, scene_from_json
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box
from sxtstudio.core.progress import Progress
from sxtstudio.core.volume import ArrayVolume
from sxtstudio.surface import OpenGL, SurfaceParameters, extract_surface
from sxtstudio.surface.coarse import coarser
from sxtstudio.surface.objects import BodyMeshes, object_bodies
from sxtstudio.surface.offscreen import hidden_window
from sxtstudio.surface.picking import labelled_voxel
from sxtstudio.surface.scene import shaded

SHAPE = (40, 60, 80)
VOXEL = (20.0, 10.0, 10.0)
MIDDLE_NM = np.array([400.0, 300.0, 500.0])  # z, y, x
RADIUS_NM = 150.0
FLAT = SceneState(perspective=False, box=False, lighting=False, plane_xy=False, background="white")
SIZE = (400, 400)


def hidden_scene(opengl: OpenGL) -> Scene3D:
    window = hidden_window(opengl)
    window.SetAlphaBitPlanes(1)
    return Scene3D(window, software=opengl.software)


def ball() -> np.ndarray:
    grid = np.indices(SHAPE) * np.array(VOXEL)[:, None, None, None]
    distance = np.sqrt(((grid - MIDDLE_NM[:, None, None, None]) ** 2).sum(axis=0))
    return np.where(distance <= RADIUS_NM, 255, 0).astype(np.uint8)


@pytest.fixture
def scene(opengl: Any) -> Iterator[Scene3D]:
    scene = hidden_scene(opengl)
    scene.set_volume(SHAPE, VOXEL)
    meshes = make_meshes(ball(), None, VOXEL, SurfaceParameters(), Progress())
    scene.set_surface(meshes.full, meshes.coarse)
    scene.apply(FLAT, False)
    scene.frame_all("xy", 1.0)
    yield scene
    scene.close()


def drawn(scene: Scene3D, **options: Any) -> np.ndarray:
    """Where the picture shows the surface (coloured) rather than the white background."""
    return np.ptp(scene.render(SIZE, **options)[..., :3].astype(int), axis=2) > 40


@pytest.mark.parametrize("view", ["xy", "xz", "yz"])
def test_ball_is_drawn_in_its_true_size(scene: Scene3D, view: str) -> None:
    """Also with voxels that are twice as long along z: a ball in nm looks round from all sides."""
    scene.frame_all(view, 1.0)
    rows, columns = np.nonzero(drawn(scene))
    pixel = scene.camera.pixel(SIZE[1])
    for extent in (np.ptp(rows) + 1, np.ptp(columns) + 1):
        assert extent * pixel == pytest.approx(2 * RADIUS_NM, abs=0.5 * VOXEL[0] + 2 * pixel)
    assert drawn(scene).sum() * pixel**2 == pytest.approx(np.pi * RADIUS_NM**2, rel=0.06)


def test_clicked_point_is_the_front_of_the_ball(scene: Scene3D) -> None:
    rows, columns = np.nonzero(drawn(scene))
    picked = scene.pick(columns.mean(), rows.mean())
    assert picked is not None and picked.what == "surface"
    x, y, z = picked.place
    assert (x, y) == pytest.approx((500, 300), abs=8)
    assert z == pytest.approx(400 - RADIUS_NM, abs=VOXEL[0])
    assert scene.pick(2, 2) is None
    labels = ball()
    seed = labelled_voxel(labels, picked.place, VOXEL)
    assert seed is not None and labels[seed] == 255
    # The first slice of the ball is that at 400 - 150 nm, or the next one.
    assert seed[0] in (13, 14) and abs(seed[1] - 30) <= 1 and abs(seed[2] - 50) <= 1


def test_clipping_takes_away_what_lies_outside_and_picks_what_is_seen(scene: Scene3D) -> None:
    whole = drawn(scene)
    # x reaches from -5 to 795 nm, and the ball's middle lies at 500.
    share = (500 + 5) / 800
    scene.apply(SceneState(**{**vars(FLAT), "clip": True, "clip_box": False, "clip_x": (0.0, share)}), False)
    left = drawn(scene)
    assert left.sum() == pytest.approx(whole.sum() / 2, rel=0.06)
    assert not (left & ~whole).any()
    middle = np.nonzero(whole)[1].mean()
    assert np.nonzero(left)[1].max() <= middle + 2
    rows, columns = np.nonzero(whole & ~left)
    assert scene.pick(columns.mean(), rows.mean()) is None
    scene.apply(FLAT, False)
    assert (drawn(scene) == whole).all()


@pytest.mark.parametrize(
    ("view", "axis", "place"),
    [("xy", 0, (0, 1)), ("xz", 1, (0, 1)), ("yz", 2, (1, 0))],
    ids=["xy", "xz", "yz"],
)
def test_slices_lie_the_right_way_round(scene: Scene3D, view: str, axis: int, place: tuple[int, int]) -> None:
    """The bright quarter at small rows and large columns of the volume is where the view has it.

    XY: x to the right, y down. XZ: x right, z down. YZ: z right, y down.
    """
    volume = np.zeros(SHAPE, np.float32)
    corner = [slice(None)] * 3
    rows, columns = (other for other in range(3) if other != axis)
    corner[rows], corner[columns] = slice(0, SHAPE[rows] // 2), slice(SHAPE[columns] // 2, None)
    volume[tuple(corner)] = 100
    image = read_slice(ArrayVolume(volume), axis, 5)
    scene.set_surface(None)
    scene.planes[axis].set_image(image, image.grey(0, 100, False))
    visible = {"plane_xy": axis == 0, "plane_xz": axis == 1, "plane_yz": axis == 2}
    scene.apply(SceneState(**{**vars(FLAT), **visible, "background": "dark"}), False)
    scene.frame_all(view, 1.0)
    bright = scene.render(SIZE)[..., 0] > 200
    found = np.argwhere(bright).mean(axis=0) > 200
    assert tuple(found.astype(int)) == place
    seen = bright.mean() / (scene.render(SIZE)[..., 0] != 25).mean()
    assert seen == pytest.approx(0.25, abs=0.05)


def test_slice_is_averaged_down_and_inverted() -> None:
    volume = np.zeros((1, 40, 30), np.float32)
    volume[0, :10] = 8
    image = read_slice(ArrayVolume(volume), 0, 0, longest=10)
    assert image.values.shape == (10, 8) and image.values.mean() == pytest.approx(volume.mean(), rel=0.05)
    assert (image.values[:2] == 8).all()
    assert image.grey(0, 8, False)[0, 0] == 255 and image.grey(0, 8, True)[0, 0] == 0
    assert SliceImage(0, 0, np.full((4, 4), np.nan, np.float32)).grey(0, 2, False).max() == 0


def test_opacity_lets_the_slice_shine_through(scene: Scene3D) -> None:
    opaque = scene.render(SIZE)[200, 240].astype(int)
    scene.apply(SceneState(**{**vars(FLAT), "opacity": 0.3}), False)
    faint = scene.render(SIZE)[200, 240].astype(int)
    assert abs(faint - 255).sum() < abs(opaque - 255).sum()


def test_light_shades_the_ball_and_can_be_switched_off(scene: Scene3D) -> None:
    inside = drawn(scene)
    flat = scene.render(SIZE)[inside][:, :3].astype(int)
    scene.apply(SceneState(**{**vars(FLAT), "lighting": True}), False)
    lit = scene.render(SIZE, shadows=False)[inside][:, :3].astype(int)
    assert lit.std(axis=0).max() > 3 * flat.std(axis=0).max()
    scene.apply(SceneState(**{**vars(FLAT), "lighting": True, "light": 0.4}), False)
    assert scene.render(SIZE, shadows=False)[inside][:, :3].mean() < 0.8 * lit.mean()


def test_transparent_background_has_full_opacity_on_the_surface(scene: Scene3D) -> None:
    alpha = scene.render(SIZE, clear=True)[..., 3]
    assert set(np.unique(alpha)) == {0, 255}
    assert (alpha == 255).sum() == pytest.approx(drawn(scene).sum(), rel=0.03)


def test_projection_keeps_the_size_at_the_focus(scene: Scene3D) -> None:
    before = scene.camera.pixel(100)
    scene.camera.set_perspective(True)
    assert scene.camera.pixel(100) == pytest.approx(before)
    scene.camera.zoom(2.0)
    scene.camera.set_perspective(False)
    assert scene.camera.pixel(100) == pytest.approx(before / 2)


def test_camera_state_returns_and_nonsense_is_refused(scene: Scene3D) -> None:
    scene.camera.turn(0.2, 0.1)
    state, picture = scene.camera.state(), scene.render(SIZE)
    scene.frame_all("yz", 1.0)
    assert scene.camera.restore(state)
    assert (scene.render(SIZE) == picture).mean() > 0.999
    for bad in (
        {},
        {**state, "up": "x"},
        {**state, "scale": float("nan")},
        {**state, "position": state["focus"]},
    ):
        assert not scene.camera.restore(bad)
    kept = scene.camera.state()
    assert kept["position"] == pytest.approx(state["position"]) and kept["up"] == pytest.approx(state["up"])


def seen(scene: Scene3D, points: np.ndarray, aspect: float) -> np.ndarray:
    """Which points (n, 3) a picture of that width over height shows, by VTK's own projection."""
    camera = scene.camera._camera
    matrix = camera.GetCompositeProjectionTransformMatrix(aspect, -1, 1)
    rows = np.array([[matrix.GetElement(i, j) for j in range(4)] for i in range(4)])
    place = np.c_[points, np.ones(len(points))] @ rows.T
    return (np.abs(place[:, :2]) <= place[:, 3:] * (1 + 1e-6)).all(axis=1) & (place[:, 3] > 0)


@pytest.mark.parametrize("perspective", [True, False], ids=["perspective", "parallel"])
@pytest.mark.parametrize("aspect", [0.5, 0.9, 1.4, 4.0])
@pytest.mark.parametrize("close", [1.0, 4.0], ids=["whole", "close"])
def test_a_restored_camera_cuts_nothing_off_in_a_pane_of_another_shape(
    scene: Scene3D, perspective: bool, aspect: float, close: float
) -> None:
    scene.apply(replace(FLAT, perspective=perspective), False)
    points = np.random.default_rng(3).uniform(*scene.bounds, (4000, 3))
    points = np.concatenate([scene.corners, points])
    scene.frame_all("xz", 2.2)
    scene.camera.turn(0.05, 0.02)
    scene.camera.zoom(0.95 * close)
    before, state = seen(scene, points, 2.2), scene.camera.state()
    assert before.all() == (close == 1.0) and before.any()
    scene.frame_all("yz", 1.0)
    assert scene.camera.restore(state)
    scene.camera.fit_pane(aspect, scene.corners)
    assert seen(scene, points, aspect)[before].all()
    narrow = scene.camera.state()
    scene.camera.fit_pane(2.2, scene.corners)
    back = scene.camera.state()
    assert back["position"] == pytest.approx(state["position"])
    assert back["scale"] == pytest.approx(state["scale"])
    if aspect > 2.2:
        assert narrow["position"] == pytest.approx(state["position"]), "nothing is smaller than it must be"


def test_a_camera_of_a_former_version_does_not_say_its_pane(scene: Scene3D) -> None:
    scene.frame_all("xz", 2.2)
    state = scene.camera.state()
    del state["aspect"]
    for bad in ({}, {"aspect": "wide"}, {"aspect": -1}, {"aspect": float("nan")}):
        assert scene.camera.restore({**state, **bad})
        scene.camera.fit_pane(0.8, scene.corners)
        assert seen(scene, scene.corners, 0.8).all()
    scene.camera.restore(state)
    scene.camera.zoom(8.0)
    near = scene.camera.state()
    scene.camera.restore({name: value for name, value in near.items() if name != "aspect"})
    scene.camera.fit_pane(0.8, scene.corners)
    assert scene.camera.state()["position"] == pytest.approx(near["position"])


def test_from_a_named_side_the_scene_fills_every_pane(scene: Scene3D) -> None:
    for aspect in (0.5, 1.0, 2.0):
        scene.camera.fit_pane(aspect, scene.corners)
        pixel = scene.camera.pixel(1)
        scene.frame_all("xy", aspect)
        assert scene.camera.pixel(1) == pytest.approx(pixel)


def test_highlight_of_an_object_lies_on_it(scene: Scene3D) -> None:
    labels, before = ball(), drawn(scene)
    box = Box((10, 12, 33), (33, 48, 68))
    scene.set_highlight(make_highlight(labels[box.slices] > 0, box, VOXEL, 20, Progress()))
    scene.apply(FLAT, False)
    image = scene.render(SIZE)[..., :3].astype(int)
    pink = (image[..., 2] > image[..., 1] + 40).sum()
    assert pink == pytest.approx(before.sum(), rel=0.05)
    scene.set_highlight(None)
    scene.apply(FLAT, False)
    assert (drawn(scene) == before).all()


@pytest.mark.parametrize("lighter", [False, True], ids=["all-faces", "lighter"])
def test_objects_get_other_colours(scene: Scene3D, lighter: bool) -> None:
    labels = np.zeros(SHAPE, np.uint8)
    labels[10:30, 10:50, 10:35] = labels[10:30, 10:50, 45:55] = 255
    surface = extract_surface(labels, VOXEL, SurfaceParameters(objects=True, min_faces=0, smooth=0))
    mesh = surface.mesh
    if lighter:
        mesh = coarser(surface, 2000, VOXEL)
        assert mesh is not None and mesh.n_cells <= 2000
    scene.set_surface(shaded(mesh))
    scene.apply(FLAT, False)
    scene.recolour(np.array([(255, 0, 0), (0, 0, 255)], np.uint8))
    image = scene.render(SIZE, shadows=False)[..., :3].astype(int)
    red = (image[..., 0] > 200) & (image[..., 2] < 60)
    blue = (image[..., 2] > 200) & (image[..., 0] < 60)
    assert red.sum() == pytest.approx(2.5 * blue.sum(), rel=0.1) and blue.sum() > 1000


def test_lighter_surface_stands_in_while_moving(scene: Scene3D) -> None:
    meshes = make_meshes(ball(), None, VOXEL, SurfaceParameters(), Progress())
    scene.set_surface(meshes.full, None)
    best = drawn(scene)
    light = coarser(extract_surface(ball(), VOXEL), 1500, VOXEL)
    assert light is not None and 200 < light.n_cells <= 1500
    scene.set_surface(meshes.full, shaded(light))
    scene.apply(FLAT, False)
    moving = drawn(scene, quality="moving", light=True)
    assert moving.sum() == pytest.approx(best.sum(), rel=0.1)
    assert (moving != best).any(), "another mesh is drawn"


def test_empty_labels_give_a_sentence_and_the_mask_its_shell() -> None:
    meshes = make_meshes(np.zeros(SHAPE, np.uint8), ball(), VOXEL, SurfaceParameters(), Progress())
    assert meshes.full is None and "no labels yet" in meshes.trouble
    low, high = np.array(meshes.mask.GetBounds()).reshape(3, 2).T
    assert high - low == pytest.approx(np.full(3, 2 * RADIUS_NM), rel=0.1)


def test_only_an_empty_mask_is_called_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = np.zeros(SHAPE, np.uint8)
    assert make_meshes(None, nothing, VOXEL, SurfaceParameters(), Progress()).notes == (
        "The cell mask is empty.",
    )

    def fail(*_: object, **__: object) -> None:
        raise UserError("There is not enough room.")

    monkeypatch.setattr("sxtstudio.app.view3d.meshes.extract_surface", fail)
    (note,) = make_meshes(None, ball(), VOXEL, SurfaceParameters(), Progress()).notes
    assert "not enough room" in note and "empty" not in note


def test_windows_of_scenes_are_released(opengl: Any) -> None:
    def windows() -> int:
        gc.collect()
        return sum(issubclass(type(thing), vtkRenderWindow) for thing in gc.get_objects())

    before = windows()
    scene = hidden_scene(opengl)
    scene.set_volume(SHAPE, VOXEL)
    scene.render((64, 64))
    assert windows() == before + 1
    scene.close()
    scene.close()
    del scene
    assert windows() == before


def test_scene_state_survives_json_and_ignores_nonsense() -> None:
    state = SceneState(objects=True, clip_z=(0.25, 0.5), opacity=0.4, min_faces=7, rgb=(1, 2, 3))
    assert scene_from_json(state.to_json()) == state
    damaged = {**state.to_json(), "opacity": "much", "clip_z": [1], "objects": 3, "new": 1, "smooth": 5.5}
    restored = scene_from_json(damaged)
    assert (restored.opacity, restored.clip_z, restored.objects, restored.smooth) == (
        1.0,
        (0.0, 1.0),
        False,
        20,
    )
    assert restored.min_faces == 7
    assert scene_from_json(None) == SceneState()


def test_bodies_are_picked_by_number_coloured_and_hidden(scene: Scene3D) -> None:
    numbers = np.zeros(SHAPE, np.uint32)
    numbers[10:20, 10:30, 10:35], numbers[10:20, 10:30, 45:70] = 2**31 + 1, 6
    boxes = {2**31 + 1: Box((10, 10, 10), (20, 30, 35)), 6: Box((10, 10, 45), (20, 30, 70))}
    meshes = BodyMeshes(object_bodies(numbers, boxes, VOXEL, max_faces=20_000, moving_faces=3_000).surfaces)
    colours = np.array([(20, 20, 250), (250, 20, 20)], np.uint8)  # of 6, and of the large number
    meshes.style(colours, np.array([True, True]))
    scene.set_surface(None)
    scene.set_bodies(meshes)
    scene.apply(FLAT, False)
    picture = scene.render(SIZE)[..., :3].astype(int)
    red, blue = (picture[..., one] > picture[..., other] + 60 for one, other in ((0, 2), (2, 0)))
    assert red.sum() > 500 and abs(red.sum() - blue.sum()) < 60
    places = {}
    for number, where in ((2**31 + 1, red), (6, blue)):
        row, column = np.argwhere(where).mean(axis=0)
        places[number] = (column, row)
        for quality in ("screen", "moving"):
            scene.render(SIZE, quality)  # type: ignore[arg-type]
            found = scene.pick(column, row)
            assert found is not None and (found.what, found.number) == ("bodies", number)
    meshes.style(colours, np.array([True, False]))
    scene.restyle_bodies()
    left = scene.render(SIZE)[..., :3].astype(int)
    assert not (left[..., 0] > left[..., 2] + 60).any()
    assert scene.pick(*places[2**31 + 1]) is None and scene.pick(*places[6]) is not None
    scene.apply(SceneState(**{**vars(FLAT), "bodies_visible": False}), False)
    assert (scene.render(SIZE)[..., :3] == 255).all() and scene.pick(*places[6]) is None
