"""POV-Ray's picture of a scene against the one that the 3D view itself draws."""

from __future__ import annotations

import re
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sxtstudio.app.view3d.contents import ScenePart
from sxtstudio.app.view3d.export import Shot
from sxtstudio.app.view3d.meshes import make_meshes
from sxtstudio.app.view3d.planes import SliceImage
from sxtstudio.app.view3d.povray import Named, save_povray_picture, save_scene, scene_of
from sxtstudio.app.view3d.scene import Scene3D
from sxtstudio.app.view3d.state import SceneState
from sxtstudio.core.errors import Cancelled, UserError
from sxtstudio.core.geometry import Box
from sxtstudio.core.progress import Progress
from sxtstudio.surface import SurfaceParameters
from sxtstudio.surface.objects import BodyMeshes, object_bodies
from sxtstudio.surface.offscreen import hidden_window
from sxtstudio.surface.povray.write import meshes_file
from sxtstudio.workflow.jobs import povray, povray_program

SHAPE, VOXEL = (40, 60, 80), (20.0, 10.0, 10.0)
SIZE = (320, 240)
COLOURS = np.array([(230, 60, 40), (60, 120, 230)], np.uint8)
NAMES = Named("Zelle Ä", {3: "Vesicle", 9: "Lipidtröpfchen"})
BARE = SceneState(surface_visible=False, plane_xy=False, box=False, scale_bar=False, axes=False)
CLIPPED = replace(BARE, clip=True, clip_box=False, clip_x=(0.12, 0.7), clip_z=(0.0, 0.6))

installed = pytest.mark.skipif(shutil.which("povray") is None, reason="POV-Ray is not installed")


@pytest.fixture(scope="module")
def scene(opengl: Any) -> Iterator[Scene3D]:
    """Three bars of different lengths along x, y and z, which have no mirror symmetry, and a ball."""
    numbers = np.zeros(SHAPE, np.uint32)
    numbers[6:12, 6:50, 6:14] = numbers[6:12, 6:14, 6:40] = numbers[6:30, 6:14, 6:14] = 3
    z, y, x = np.indices(SHAPE)
    numbers[((z - 25) * 2) ** 2 + (y - 40) ** 2 + (x - 60) ** 2 < 225] = 9
    boxes = dict.fromkeys((3, 9), Box((0, 0, 0), SHAPE))
    window = hidden_window(opengl)
    window.SetAlphaBitPlanes(1)
    scene = Scene3D(window, software=opengl.software)
    scene.set_volume(SHAPE, VOXEL)
    found = BodyMeshes(object_bodies(numbers, boxes, VOXEL, max_faces=100_000, moving_faces=20_000).surfaces)
    found.style(COLOURS, np.array([True, True]))
    scene.set_bodies(found)
    values = np.zeros(SHAPE[1:], np.float32)
    values[:20, :30], values[40:, 60:] = 0.5, 1.0
    image = SliceImage(0, 30, values)
    scene.planes[0].set_image(image, image.grey(0.0, 1.25, False))
    yield scene
    scene.close()


def both(scene: Scene3D, state: SceneState, view: str, turn: tuple[float, float] = (0, 0)) -> tuple[Any, Any]:
    """Return the picture of the 3D view, without the shade between objects, and that of POV-Ray."""
    scene.apply(state, True)
    scene.frame_all(view, SIZE[0] / SIZE[1])
    scene.camera.turn(*turn)
    fine = scene.render((2 * SIZE[0], 2 * SIZE[1]), shadows=False).astype(float)
    ours = fine.reshape(SIZE[1], 2, SIZE[0], 2, 4).mean(axis=(1, 3))[..., :3]
    shot = Shot(scene.contents(True), "nm", SIZE[0] / SIZE[1])
    with povray.povray_picture(scene_of(shot, NAMES), SIZE) as picture:
        theirs = np.array(Image.open(picture).convert("RGB")).astype(float)
    np.testing.assert_allclose(theirs[1, 1], ours[1, 1], atol=1, err_msg="the background")
    return ours, theirs


def overlap(one: Any, other: Any, background: Any) -> float:
    seen, there = (np.abs(picture - background).max(axis=2) > 12 for picture in (one, other))
    return float((seen & there).sum() / (seen | there).sum())


@installed
@pytest.mark.parametrize(
    ("view", "turn", "state"),
    [
        ("oblique", (0.0, 0.0), BARE),
        ("oblique", (0.31, -0.12), BARE),
        ("xy", (0.0, 0.0), replace(BARE, perspective=False)),
        ("xz", (0.0, 0.0), replace(BARE, background="white")),
        ("yz", (0.0, 0.0), BARE),
        ("oblique", (-0.4, 0.2), replace(BARE, perspective=False, light=0.6)),
        ("oblique", (0.0, 0.0), CLIPPED),
        ("oblique", (0.0, 0.0), replace(BARE, opacity=0.5)),
        ("oblique", (0.0, 0.0), replace(BARE, lighting=False)),
        ("oblique", (0.1, 0.1), replace(BARE, plane_xy=True)),
        ("oblique", (0.0, 0.0), replace(BARE, plane_xy=True, plane_opacity=0.6)),
    ],
    ids=[
        "oblique", "turned", "xy parallel", "xz white", "yz", "parallel dim", "clipped", "translucent",
        "flat", "slice", "translucent slice",
    ],
)  # fmt: skip
def test_picture_is_that_of_the_view(
    scene: Scene3D, view: str, turn: tuple[float, float], state: SceneState
) -> None:
    ours, theirs = both(scene, state, view, turn)
    assert overlap(ours, theirs, ours[1, 1]) >= 0.97
    assert overlap(ours, theirs[:, ::-1], ours[1, 1]) < 0.9, "the scene has no mirror symmetry"
    seen = np.abs(ours - ours[1, 1]).max(axis=2) > 12
    assert np.abs(ours - theirs)[seen].mean() < 8
    assert np.abs(ours - theirs).mean() < 2


@installed
def test_all_kinds_of_surfaces_and_the_boxes(scene: Scene3D) -> None:
    """Labels, the mask, a chosen object, edges; they are where they are in the view, in their colours."""
    labels, mask, one = (np.zeros(SHAPE, np.uint8) for _ in range(3))
    labels[4:16, 6:18, 4:12] = labels[6:14, 8:16, 38:66] = 1
    mask[2:36, 3:51, 2:70] = 1
    one[6:14, 8:16, 38:66] = 1
    meshes = make_meshes(labels, mask, VOXEL, SurfaceParameters(objects=True, min_faces=0), Progress())
    chosen = make_meshes(one, None, VOXEL, SurfaceParameters(), Progress()).full
    scene.set_surface(meshes.full)
    scene.set_mask(meshes.mask)
    scene.set_highlight(chosen)
    try:
        state = SceneState(
            mask_visible=True, plane_xy=False, bodies_visible=False, clip=True, clip_x=(0.1, 1.0)
        )
        ours, theirs = both(scene, state, "oblique")
        kinds = {mesh.part.name: mesh.opacity for mesh in scene_of(shot_of(scene), NAMES).meshes}
    finally:
        for put in (scene.set_surface, scene.set_mask, scene.set_highlight):
            put(None)
    assert kinds == {"Object 1": 1.0, "Object 2": 1.0, "Mask": 0.18, "Highlight": 1.0}
    assert np.abs(ours - theirs).mean() < 3
    pink = [
        (p[..., 0] > 150) & (p[..., 1] < 0.6 * p[..., 0]) & (p[..., 2] > 0.5 * p[..., 0])
        for p in (ours, theirs)
    ]
    assert (pink[0] & pink[1]).sum() / (pink[0] | pink[1]).sum() > 0.95


def _pink(picture: Any) -> Any:
    red, green, blue = np.moveaxis(picture, 2, 0)
    return (red > 150) & (green < 0.6 * red) & (blue > 0.5 * red)


def shot_of(scene: Scene3D) -> Shot:
    return Shot(scene.contents(True), "nm", SIZE[0] / SIZE[1])


def test_scene_has_a_mesh_a_colour_and_a_name_for_each_object(scene: Scene3D, tmp_path: Path) -> None:
    scene.apply(BARE, True)
    path = tmp_path / "Zelle 1.pov"
    written = save_scene(shot_of(scene), NAMES, path, False, Progress())
    assert {file.name for file in tmp_path.iterdir()} == {path.name, meshes_file(path).name}
    assert written.bytes == sum(file.stat().st_size for file in tmp_path.iterdir())
    text, meshes = path.read_text("utf-8"), meshes_file(path).read_text("utf-8")
    assert re.findall(r"^object \{ (\w+) .*rgb (<.*?>).*// (.*)$", text, re.M) == [
        ("Mesh_1", "<0.901960784, 0.235294118, 0.156862745>", "Vesicle 3"),
        ("Mesh_2", "<0.235294118, 0.470588235, 0.901960784>", "Lipidtröpfchen 9"),
    ]
    assert text.count("light_source") == 5 and "perspective" in text
    counts = [int(count) for count in re.findall(r"(?:vertex_vectors|face_indices) \{ (\d+)", meshes)]
    drawn = scene.contents(True).meshes[ScenePart.BODIES]
    assert sum(counts[::2]) == drawn.GetNumberOfPoints() and sum(counts[1::2]) == drawn.GetNumberOfCells()
    places = np.array(re.findall(r"^<(-?\d+\.\d\d),(-?\d+\.\d\d),(-?\d+\.\d\d)>$", meshes, re.M), float)
    np.testing.assert_allclose(
        np.ptp(places, axis=0), np.ptp(np.array(drawn.GetBounds()).reshape(3, 2), axis=1), atol=0.02
    )


def test_what_is_hidden_is_not_in_the_scene(scene: Scene3D, tmp_path: Path) -> None:
    scene.apply(BARE, True)
    bodies = scene.bodies
    assert bodies is not None
    bodies.style(COLOURS, np.array([False, True]))
    scene.restyle_bodies()
    try:
        names = [mesh.part.name for mesh in scene_of(shot_of(scene), NAMES).meshes]
    finally:
        bodies.style(COLOURS, np.array([True, True]))
        scene.restyle_bodies()
    assert names == ["Lipidtröpfchen 9"]


@installed
@pytest.mark.usefixtures("qapp")
def test_picture_with_scale_bar_and_transparent_background(scene: Scene3D, tmp_path: Path) -> None:
    scene.apply(replace(BARE, scale_bar=True), True)
    scene.frame_all("oblique", SIZE[0] / SIZE[1])
    path, note = save_povray_picture(shot_of(scene), NAMES, tmp_path / "a.png", SIZE, True, Progress())
    with Image.open(path) as picture:
        assert picture.size == SIZE and note in picture.info["Description"]
        alpha = np.array(picture.convert("RGBA"))[..., 3]
    assert alpha[2, 2] == 0 and alpha[SIZE[1] // 2 - 20 : SIZE[1] // 2 + 20].max() == 255
    assert alpha[-40:, -120:].max() == 255, "the scale bar"
    assert [file.name for file in tmp_path.iterdir()] == ["a.png"]


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A script that stands in for POV-Ray: it says what the test wants, and may never end."""
    if sys.platform == "win32":
        pytest.skip("the stand-in for POV-Ray is a shell script")
    folder = tmp_path / "bin"
    folder.mkdir()
    return folder / "povray"


def stand_in(program: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setattr(povray, "find_povray", lambda: program)


def test_cancel_ends_povray_and_leaves_nothing(
    scene: Scene3D, tmp_path: Path, program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(program, monkeypatch, f"echo $$ > {tmp_path}/pid; exec sleep 600")
    progress = Progress()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "bin"))

    def cancel() -> None:
        while not (tmp_path / "pid").exists():
            time.sleep(0.01)
        progress.cancel()

    threading.Thread(target=cancel).start()
    (tmp_path / "a.png").write_text("old")
    with pytest.raises(Cancelled):
        save_povray_picture(shot_of(scene), NAMES, tmp_path / "a.png", SIZE, False, progress)
    assert (tmp_path / "a.png").read_text() == "old"
    assert {file.name for file in tmp_path.iterdir()} == {"a.png", "pid", "bin"}
    assert [file.name for file in program.parent.iterdir()] == ["povray"], "its folder for the scene is gone"
    if sys.platform.startswith("linux"):
        assert not Path("/proc", (tmp_path / "pid").read_text().strip()).exists()


def test_progress_is_followed_and_errors_are_told(
    scene: Scene3D, tmp_path: Path, program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = "; ".join(
        f"printf 'Rendered {share} of 400 pixels\\r' >&2; sleep 0.15" for share in (100, 200, 400)
    )
    stand_in(program, monkeypatch, f"{drawn}; echo 'Parse Error: no such thing' >&2; exit 1")
    seen: list[float] = []
    progress = Progress(listener=lambda state: seen.append(state.fraction))
    with pytest.raises(UserError, match="Parse Error: no such thing"):
        save_povray_picture(shot_of(scene), NAMES, tmp_path / "a.png", SIZE, False, progress)
    assert sorted(seen) == seen and 0.45 < np.median(seen) < 0.8 and seen[-1] == 1.0
    assert not (tmp_path / "a.png").exists()


def test_povray_that_is_not_installed_is_told_and_the_scene_is_written(
    scene: Scene3D, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert povray_program.find_povray() is None
    with pytest.raises(UserError, match="apt-get install povray"):
        save_povray_picture(shot_of(scene), NAMES, tmp_path / "a.png", SIZE, False, Progress())
    save_scene(shot_of(scene), NAMES, tmp_path / "a.pov", False, Progress())
    assert {file.name for file in tmp_path.iterdir()} == {"a.pov", "a.inc"}


@pytest.mark.parametrize("name", ["a.png", "a", "a.pov.txt", "ä.pov"])
def test_other_suffix_is_told(scene: Scene3D, tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match=r"\.pov"):
        save_scene(shot_of(scene), NAMES, tmp_path / name, False, Progress())
    assert not list(tmp_path.iterdir())
