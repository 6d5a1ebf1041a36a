"""The 3D view in the real window: labels to surfaces, picking, pictures, movies, opening and closing."""

from __future__ import annotations

import gc
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imageio
import mrcfile
import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QPoint, QPointF, QSettings, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from sxtstudio import surface
from sxtstudio.app import questions
from sxtstudio.app.document.opening import open_path
from sxtstudio.app.main_window import MainWindow
from sxtstudio.app.session import Selection
from sxtstudio.app.settings import Settings
from sxtstudio.app.view3d import building as view3d_building
from sxtstudio.app.view3d.choice import CanvasKind
from sxtstudio.app.view3d.export import frame_of
from sxtstudio.app.view3d.scene import Scene3D
from sxtstudio.app.view3d.sizes import Movie
from sxtstudio.app.view3d.starting import CANVAS
from sxtstudio.app.view3d.view import View3D
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box
from sxtstudio.core.polarity import chosen_polarity
from sxtstudio.core.wording import grouped
from sxtstudio.surface import OpenGL
from sxtstudio.workflow.document.project import adopt, save, snapshot

SHAPE = (24, 40, 56)
BIG, SMALL = (12, 20, 18), (12, 20, 42)  # middles (z, y, x) of two balls
RADII = (9, 6)


@pytest.fixture(autouse=True)
def _needs(opengl: OpenGL) -> None:
    """All of this needs a way to draw."""


def balls() -> np.ndarray:
    labels = np.zeros(SHAPE, np.uint8)
    grid = np.indices(SHAPE)
    for middle, radius in zip((BIG, SMALL), RADII, strict=True):
        labels[sum((g - m) ** 2 for g, m in zip(grid, middle, strict=True)) <= radius**2] = 255
    return labels


def write(path: Path, voxel_a: float = 100.0) -> Path:
    with mrcfile.new(path) as file:
        file.set_data(np.random.default_rng(0).normal(0, 1, SHAPE).astype(np.float32))
        file.voxel_size = voxel_a
    return path


@pytest.fixture
def opened(open_file: Callable[[Path], MainWindow], tmp_path: Path) -> MainWindow:
    """A window with a small tomogram of 10 nm and the labels of two balls."""
    window = open_file(write(tmp_path / "cell.mrc"))
    window.session.document.volume("labels")[:] = balls()
    window.session.document.recount("labels")
    return window


def shown(window: MainWindow, qtbot: QtBot) -> View3D:
    """Show the 3D view and wait until it rests."""
    view = window.context.parts.view3d
    window.actions_.by_name["surface.show"].trigger()
    qtbot.waitUntil(lambda: view.canvas is not None, timeout=20_000)
    latest(view, qtbot)
    return view


def latest(view: View3D, qtbot: QtBot) -> None:
    def rests() -> bool:
        # A slice plane that comes late would hide a part of the surface.
        busy = view._context.jobs.running or view.status.value.building
        return not busy and view._feeder.at_rest

    qtbot.waitUntil(rests, timeout=20_000)
    view.canvas.render()


def picture(view: View3D) -> np.ndarray:
    return view.canvas.scene.render((400, 400))[..., :3].astype(int)


def coloured(view: View3D) -> int:
    """How many pixels the surface has on a picture of 400 × 400 (planes and box are grey)."""
    image = picture(view)
    return int((image[..., 0] > image[..., 2] + 60).sum())


def test_nothing_of_vtk_is_loaded_before_the_view_is_shown() -> None:
    code = (
        "import sys\nfrom PySide6.QtWidgets import QApplication\napp = QApplication([])\n"
        "from sxtstudio.app.main_window import MainWindow\nwindow = MainWindow()\nwindow.show()\n"
        "app.processEvents()\nprint(*(n for n in ('vtkmodules', 'pyvista') if n in sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []


def test_labels_become_surfaces_with_their_numbers(opened: MainWindow, qtbot: QtBot) -> None:
    view = shown(opened, qtbot)
    assert view.isVisible() and not view.status.value.outdated and view.status.value.message == ""
    plain = coloured(view)
    assert plain > 1000
    view.scene.set(objects=True, min_faces=0)
    latest(view, qtbot)
    assert view.status.value.summary.startswith("2 objects, ")
    faces = surface.extract_surface(balls(), (10.0,) * 3).face_count
    assert f"{grouped(faces)} faces" in view.status.value.summary
    view.scene.set(surface_visible=False)
    assert coloured(view) == 0


def test_notes_about_left_out_objects_and_simplification_stand_in_the_panel(
    opened: MainWindow, qtbot: QtBot
) -> None:
    view = shown(opened, qtbot)
    view.scene.set(objects=True, min_faces=1500, max_faces=2000)
    latest(view, qtbot)
    view.update_surface()
    latest(view, qtbot)
    notes = " ".join(view.status.value.notes)
    assert "1 object with fewer than 1\u202f500 faces left out" in notes
    assert "simplified from" in notes
    text = opened.context.parts.surface._summary.text()
    assert "simplified from" in text and "left out" in text


def test_without_labels_a_sentence_stands_in_the_view(
    open_file: Callable[[Path], MainWindow], tmp_path: Path, qtbot: QtBot
) -> None:
    window = open_file(write(tmp_path / "cell.mrc"))
    view = shown(window, qtbot)
    assert "no labels yet" in view.status.value.message
    assert view._sentence.isVisible() and view._sentence.text() == view.status.value.message
    window.session.document.volume("labels")
    view.update_surface()
    latest(view, qtbot)
    assert "no labels yet" in view._sentence.text() and view._sentence.isVisible()
    window.session.document.volume("labels")[:] = balls()
    window.session.document.recount("labels")
    view.update_surface()
    latest(view, qtbot)
    assert not view._sentence.isVisible() and coloured(view) > 1000


def test_changed_labels_are_only_hinted_at_until_updated(opened: MainWindow, qtbot: QtBot) -> None:
    view = shown(opened, qtbot)
    before = coloured(view)
    box = Box((0, 0, 28), SHAPE)
    with opened.session.edit(EditKind.DELETE_OBJECT) as recorder:
        recorder.write(box, np.zeros(box.shape, np.uint8))
    qtbot.wait(50)
    assert view.status.value.outdated and not view.status.value.building
    assert coloured(view) == before
    opened.actions_.by_name["surface.update"].trigger()
    latest(view, qtbot)
    assert not view.status.value.outdated
    assert coloured(view) < 0.9 * before


def test_small_volumes_update_by_themselves_if_wanted(opened: MainWindow, qtbot: QtBot) -> None:
    view = shown(opened, qtbot)
    view.scene.set(auto_update=True)
    view._auto.setInterval(10)
    opened.session.touched("labels", Box.whole(SHAPE))
    assert view.status.value.outdated
    qtbot.waitUntil(lambda: not view.status.value.outdated and not view.status.value.building)


def test_click_selects_the_object_and_moves_the_crosshair(opened: MainWindow, qtbot: QtBot) -> None:
    view = shown(opened, qtbot)
    view.scene.set(perspective=False, plane_xy=False)
    view.set_view("xy")
    view.canvas.render()
    scale = view.canvas.scene.camera.pixel(view.canvas.widget.height())
    # The middle of the volume lies in the middle of the view.
    offset = np.array([SMALL[2] - (SHAPE[2] - 1) / 2, SMALL[1] - (SHAPE[1] - 1) / 2]) * 10 / scale
    place = QPoint(
        round(view.canvas.widget.width() / 2 + offset[0]), round(view.canvas.widget.height() / 2 + offset[1])
    )
    with qtbot.waitSignal(opened.session.selection_changed, timeout=10_000):
        qtbot.mouseClick(view.canvas.widget, Qt.MouseButton.LeftButton, pos=place)
    selection = opened.session.selection
    assert selection is not None
    labels = balls()
    small = int((labels[:, :, 30:] > 0).sum())
    assert selection.voxels == small == int(selection.where.sum())
    z, y, x = opened.session.cursor
    assert labels[z, y, x] == 255
    assert abs(y - SMALL[1]) <= 1 and abs(x - SMALL[2]) <= 1 and z == SMALL[0] - RADII[1]
    qtbot.mouseClick(view.canvas.widget, Qt.MouseButton.LeftButton, pos=QPoint(3, 3))
    assert opened.session.selection is None


def test_selection_from_elsewhere_is_highlighted(opened: MainWindow, qtbot: QtBot) -> None:
    view = shown(opened, qtbot)
    view.set_view("xy")

    def highlighted() -> int:
        """Pink pixels: the surface is amber, the rest grey."""
        image = picture(view)
        return int((image[..., 2] > image[..., 1] + 40).sum())

    assert highlighted() == 0
    box = Box((0, 0, 30), SHAPE)
    where = balls()[box.slices] > 0
    opened.session.select(Selection(SMALL, box, where, int(where.sum())))
    latest(view, qtbot)
    lit = highlighted()
    assert lit > 200
    assert coloured(view) > lit / 2, "the large ball keeps its colour"
    opened.session.select(None)
    assert highlighted() == 0


def test_click_on_a_slice_moves_the_crosshair_there(opened: MainWindow, qtbot: QtBot) -> None:
    view = shown(opened, qtbot)
    view.scene.set(perspective=False, surface_visible=False)
    qtbot.waitUntil(lambda: view.canvas.scene.planes[0].image is not None)
    view.set_view("xy")
    view.canvas.render()
    scale = view.canvas.scene.camera.pixel(view.canvas.widget.height())
    middle = QPoint(view.canvas.widget.width() // 2, view.canvas.widget.height() // 2)
    qtbot.mouseClick(
        view.canvas.widget, Qt.MouseButton.LeftButton, pos=middle + QPoint(round(150 / scale), 0)
    )
    assert opened.session.cursor == (SHAPE[0] // 2, SHAPE[1] // 2, 43) or opened.session.cursor[2] in (42, 43)


def test_slices_follow_the_crosshair(opened: MainWindow, qtbot: QtBot) -> None:
    view = shown(opened, qtbot)
    view.scene.set(plane_xz=True)
    opened.session.set_cursor((3, 31, 5))

    def places() -> list[int | None]:
        return [None if p.image is None else p.image.index for p in view.canvas.scene.planes]

    qtbot.waitUntil(lambda: places() == [3, 31, None])
    tomogram = opened.session.document.tomogram
    shown_slice = view.canvas.scene.planes[1].image.values
    assert (shown_slice == tomogram.read(Box((0, 31, 0), (24, 32, 56)))[:, 0]).all()


def test_drag_turns_wheel_zooms_and_reset_returns(opened: MainWindow, qtbot: QtBot) -> None:
    view = shown(opened, qtbot)
    opened.actions_.by_name["surface.reset"].trigger()
    camera = view.canvas.scene.camera
    start = camera.state()
    qtbot.mousePress(view.canvas.widget, Qt.MouseButton.LeftButton, pos=QPoint(100, 100))
    qtbot.mouseMove(view.canvas.widget, QPoint(160, 130))
    qtbot.mouseRelease(view.canvas.widget, Qt.MouseButton.LeftButton, pos=QPoint(160, 130))
    assert camera.state()["position"] != start["position"]
    assert opened.session.selection is None
    near = camera.pixel(100)
    place = QPointF(100, 100)
    QApplication.sendEvent(
        view.canvas.widget,
        QWheelEvent(
            place, view.canvas.widget.mapToGlobal(place), QPoint(), QPoint(0, 120), Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
        ),
    )  # fmt: skip
    assert camera.pixel(100) < near
    opened.actions_.by_name["surface.reset"].trigger()
    assert camera.state()["position"] == pytest.approx(start["position"])


def test_narrower_view_still_shows_everything(opened: MainWindow, qtbot: QtBot) -> None:
    view = shown(opened, qtbot)
    view.scene.set(perspective=False)
    camera, widget = view.canvas.scene.camera, view.canvas.widget
    widget.resize(600, 500)
    camera.turn(0.1, 0.05)
    corners = view.canvas.scene.corners - np.array(camera._camera.GetFocalPoint())
    _, right, _ = camera.frame()
    half = np.abs(corners @ right).max()
    before = camera.pixel(500)
    for size in ((300, 700), (250, 500), (280, 560)):
        widget.resize(*size)
        assert half < camera.pixel(size[1]) * size[0] / 2 < 1.2 * half
    widget.resize(800, 500)
    assert camera.pixel(500) == pytest.approx(before)


@pytest.mark.parametrize("former", [False, True], ids=["says its pane", "of a former version"])
def test_a_view_that_comes_back_in_a_narrower_pane_cuts_nothing_off(
    opened: MainWindow, qtbot: QtBot, former: bool
) -> None:
    view = shown(opened, qtbot)
    view.canvas.widget.resize(900, 400)
    view.set_view("xz")
    view.canvas.scene.camera.turn(0.02, 0.0)
    state = view.view_state()
    if former:
        del state["camera"]["aspect"]
    view.canvas.widget.resize(300, 400)
    view.restore_view_state(state)
    assert view.canvas.scene.camera.room(view.canvas.scene.corners, 0.75, 0.75, False) >= 0.94


def test_saved_picture_has_size_transparency_and_scale(
    opened: MainWindow, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = shown(opened, qtbot)
    path = tmp_path / "picture.png"
    monkeypatch.setattr(questions, "save_file", lambda *_: path)
    saving = opened.context.parts.surface.saving
    saving.width_px.setValue(500)
    saving.height_px.setValue(300)
    for clear in (False, True):
        saving.clear.setChecked(clear)
        opened.actions_.by_name["surface.picture"].trigger()
        latest(view, qtbot)
        with Image.open(path) as image:
            assert image.size == (500, 300)
            assert image.info["dpi"][0] == pytest.approx(300, abs=0.1)
            assert image.info["Description"].startswith("1 pixel = ")
            pixels = np.asarray(image.convert("RGBA")).astype(int)
        alpha = pixels[..., 3]
        assert (alpha[2, 2] == 0) == clear
        surface_pixels = (pixels[..., 0] > pixels[..., 2] + 60) & (alpha == 255)
        assert surface_pixels[40:-60, 60:-60].sum() > 2000
    assert list(tmp_path.glob(".*")) == []


def test_povray_draws_what_the_window_draws(
    opened: MainWindow, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = shown(opened, qtbot)
    view.scene.set(plane_xy=False, box=False, background="white")
    saving = opened.context.parts.surface.saving
    saving.width_px.setValue(300)
    saving.height_px.setValue(200)
    names = {"surface.picture": "a.png", "surface.povray_picture": "b.png", "surface.povray_scene": "c.pov"}
    if shutil.which("povray") is None:
        del names["surface.povray_picture"]
        assert not saving.povray_button.isEnabled()
        assert "apt-get install povray" in saving._povray_note.text()
    for action, name in names.items():
        monkeypatch.setattr(questions, "save_file", lambda *_, name=name: tmp_path / name)
        opened.actions_.by_name[action].trigger()
        latest(view, qtbot)
    assert (tmp_path / "c.pov").is_file() and (tmp_path / "c.inc").is_file()
    if "surface.povray_picture" in names:
        pictures = [np.asarray(Image.open(tmp_path / name).convert("RGB")) for name in ("a.png", "b.png")]
        ours, theirs = (picture.min(axis=2) < 200 for picture in pictures)
        assert (ours & theirs).sum() / (ours | theirs).sum() > 0.97
        with Image.open(tmp_path / "b.png") as drawn:
            assert drawn.info["Description"].startswith("1 pixel = ")


def test_window_itself_draws_nothing_for_pictures_and_movies(
    opened: MainWindow, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = shown(opened, qtbot)
    sizes: list[tuple[int, int]] = []
    render = Scene3D.render

    def rendered(scene: Scene3D, size: tuple[int, int], *given: Any, **options: Any) -> Any:
        sizes.append(size)
        return render(scene, size, *given, **options)

    monkeypatch.setattr(Scene3D, "render", rendered)
    seen: list[tuple[float, float | None]] = []
    job = view.pictures.save_picture(tmp_path / "a.png", (900, 700))
    job.progressed.connect(lambda state: seen.append((state.fraction, state.remaining_s)))
    qtbot.waitUntil(lambda: not opened.jobs.running, timeout=20_000)
    assert [fraction for fraction, _ in seen] == sorted(fraction for fraction, _ in seen) and len(seen) > 1
    assert any(remaining is not None for _, remaining in seen)
    view.pictures.save_movie(tmp_path / "a.gif", Movie(0.2, 10, (120, 100)))
    qtbot.waitUntil(lambda: not opened.jobs.running, timeout=20_000)
    assert {path.name for path in tmp_path.iterdir()} >= {"a.png", "a.gif"}
    assert set(sizes) <= {view.canvas.pixels_size()}


def test_movie_says_how_long_it_takes_before_its_name_is_asked(
    opened: MainWindow, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    view, saving = shown(opened, qtbot), opened.context.parts.surface.saving
    for spin, value in ((saving.movie_width_px, 160), (saving.movie_height_px, 120), (saving.rate, 10)):
        spin.setValue(value)
    saving.seconds.setValue(0.5)
    assert "5 pictures. One is drawn first" in saving._time.text()
    shown_then: list[str] = []
    path = tmp_path / "turn.gif"

    def name(*_: object) -> Path:
        shown_then.append(saving._time.text())
        return path

    monkeypatch.setattr(questions, "save_file", name)
    opened.actions_.by_name["surface.movie"].trigger()
    assert not saving.movie_button.isEnabled()
    qtbot.waitUntil(path.exists, timeout=30_000)
    assert saving.movie_button.isEnabled()
    assert re.fullmatch(
        r"5 pictures take (about \d+ (s|min)|less than a second) on this computer.", shown_then[0]
    )
    latest(view, qtbot)
    # Many more pictures of another size: the frame says that as well, and there is a question.
    measured = saving._measured
    assert measured is not None
    saving._measured = (2.0, measured[1])
    saving.seconds.setValue(60)
    saving.movie_width_px.setValue(320)
    assert saving._time.text() == "600 pictures take about 40 min on this computer."
    asked: list[str] = []
    monkeypatch.setattr(questions, "ask", lambda parent, title, text, *_: asked.append(text) or "Cancel")
    saving._ask_name(saving._movie())
    assert asked[0].startswith(saving._time.text()) and len(shown_then) == 1
    view.scene.set(opacity=0.5)
    assert "One is drawn first" in saving._time.text()


def test_scale_of_the_picture_is_that_of_the_ball(opened: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    view = shown(opened, qtbot)
    view.scene.set(perspective=False, plane_xy=False, axes=False, box=False)
    view.set_view("xy")
    view.pictures.save_picture(tmp_path / "a.png", (600, 600))
    latest(view, qtbot)
    with Image.open(tmp_path / "a.png") as image:
        nm = float(image.info["Description"].split()[3])
        pixels = np.asarray(image.convert("RGB")).astype(int)
    rows = np.flatnonzero((pixels[..., 0] > pixels[..., 2] + 60).any(axis=1))
    assert (np.ptp(rows) + 1) * nm == pytest.approx(2 * RADII[0] * 10, abs=12)


@pytest.mark.parametrize(
    ("name", "size", "words"),
    [
        ("a.jpg", (300, 300), "PNG"),
        ("a.png", (20, 300), "pixels"),
        ("no/a.png", (300, 300), "does not exist"),
    ],
    ids=["suffix", "size", "folder"],
)
def test_pictures_that_cannot_be_saved_are_told(
    opened: MainWindow, qtbot: QtBot, tmp_path: Path, name: str, size: tuple[int, int], words: str
) -> None:
    view = shown(opened, qtbot)
    errors: list[Exception] = []
    opened.jobs.failed.disconnect()
    opened.jobs.failed.connect(errors.append)
    try:
        view.pictures.save_picture(tmp_path / name, size)
        latest(view, qtbot)
    except UserError as error:
        errors.append(error)
    assert len(errors) == 1 and words in str(errors[0])
    assert not (tmp_path / name).exists()


# imageio's reader of movies (not its writer) leaves the pipes of ffmpeg to the garbage collection.
@pytest.mark.filterwarnings("ignore:Exception ignored in:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("suffix", ["mp4", "gif"])
def test_movie_has_its_frames_and_turns(
    opened: MainWindow, qtbot: QtBot, tmp_path: Path, suffix: str
) -> None:
    view = shown(opened, qtbot)
    start = view.canvas.scene.camera.state()
    path = tmp_path / f"turn.{suffix}"
    view.pictures.save_movie(path, Movie(1.2, 10, (161, 120)))
    latest(view, qtbot)
    with imageio.get_reader(path) as reader:
        frames = np.stack([np.asarray(frame)[..., :3] for frame in reader])
        facts = reader.get_meta_data()
    del reader
    gc.collect()
    assert frames.shape[:3] == (12, 120, 160)
    assert facts["fps"] == 10 if suffix == "mp4" else facts["duration"] == 100
    first, half = frames[0].astype(int), frames[6].astype(int)
    assert np.abs(first - half).mean() > 1, "the other side is another picture"
    assert np.abs(first - frames[11].astype(int)).mean() < np.abs(first - half).mean()
    assert view.canvas.scene.camera.state()["position"] == pytest.approx(start["position"])


def test_cancelled_movie_leaves_no_file(opened: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    view = shown(opened, qtbot)
    folder = tmp_path / "movies"
    folder.mkdir()
    job = view.pictures.save_movie(folder / "turn.mp4", Movie(60, 25, (200, 150)))
    with qtbot.waitSignal(job.cancelled, timeout=20_000):
        job.progressed.connect(lambda _state: job.cancel())
    latest(view, qtbot)
    assert list(folder.iterdir()) == []


def test_cancel_while_a_surface_is_made_keeps_the_old_one(
    opened: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = shown(opened, qtbot)
    before = coloured(view)

    def endless(*arguments: Any) -> None:
        while True:
            arguments[-1].step(0)
            time.sleep(0.005)

    monkeypatch.setattr(view3d_building, "make_meshes", endless)
    panel = opened.context.parts.surface
    panel.update_button.click()
    assert view.status.value.building and panel.update_button.text() == "Cancel"
    qtbot.wait(30)
    panel.update_button.click()
    latest(view, qtbot)
    assert view.status.value.outdated and coloured(view) == before
    assert panel.update_button.text() == "Update the surface"


def test_another_document_clears_the_scene(opened: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    view = shown(opened, qtbot)
    assert coloured(view) > 0
    opened.session.document.modified = False
    with qtbot.waitSignal(opened.session.document_changed):
        open_path(opened.context, write(tmp_path / "other.mrc", 0.0))
    latest(view, qtbot)
    assert not view.canvas.scene.has_surface and coloured(view) == 0
    assert view.canvas.unit == "voxel"
    assert "The voxel size is unknown" in opened.context.parts.surface._summary.text()
    opened.session.document.modified = False
    opened.session.show(None)
    assert "Open a tomogram" in view._page.text() and view._page.isVisible()


def test_another_voxel_size_makes_another_scene(opened: MainWindow, qtbot: QtBot) -> None:
    view = shown(opened, qtbot)
    width = np.ptp(np.array(view.canvas.scene.bounds)[:, 0])
    opened.session.set_polarity(chosen_polarity("bright"))
    qtbot.wait(20)
    assert view.canvas.scene.has_surface and view.canvas.scene.planes[0].image is not None
    opened.session.set_voxel_nm((20.0, 20.0, 20.0))
    latest(view, qtbot)
    assert np.ptp(np.array(view.canvas.scene.bounds)[:, 0]) == pytest.approx(2 * width)
    assert view.canvas.scene.has_surface


def test_the_camera_is_kept_when_the_window_closes(opened: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    view, document = shown(opened, qtbot), opened.session.document
    adopt(document, save(snapshot(document), tmp_path / "cell.sxt"))
    view.canvas.scene.camera.turn(0.3, 0.2)
    position = list(view.canvas.scene.camera.state()["position"])
    with qtbot.waitSignal(opened.closed, timeout=20_000):
        opened.close()
    opened.session.closing.wait()
    stored = json.loads((tmp_path / "cell.sxt" / "project.json").read_text())["view"]["view3d"]
    assert stored["camera"]["position"] == pytest.approx(position)


def test_view_is_saved_with_the_project(opened: MainWindow, qtbot: QtBot) -> None:
    view = shown(opened, qtbot)
    view.scene.set(opacity=0.5, clip=True, clip_x=(0.0, 0.75))
    view.canvas.scene.camera.turn(0.3, 0.2)
    opened.session.collect_view()
    state = opened.session.document.view["view3d"]
    position = view.canvas.scene.camera.state()["position"]
    view.scene.set(opacity=1.0, clip=False)
    view.reset_camera()
    view.restore_view_state(state)
    assert view.scene.value.opacity == 0.5 and view.scene.value.clip_x == (0.0, 0.75)
    assert view.canvas.scene.camera.state()["position"] == pytest.approx(position)
    view.restore_view_state({"scene": 5, "camera": "x"})
    assert view.scene.value.opacity == 0.5


def test_mask_is_shown_as_a_shell(opened: MainWindow, qtbot: QtBot) -> None:
    view = shown(opened, qtbot)
    view.scene.set(surface_visible=False, plane_xy=False, perspective=False)
    view.canvas.scene.frame_all("xy", 1.0)
    camera, empty = view.canvas.scene.camera.state(), picture(view)
    mask = opened.session.document.volume("mask")
    mask[4:20, 8:32, 8:48] = 255
    opened.session.document.recount("mask")
    view.scene.set(mask_visible=True, mask_opacity=0.5)
    latest(view, qtbot)
    view.canvas.scene.camera.restore(camera)
    changed = (np.abs(picture(view) - empty).sum(axis=2) > 30).sum()
    pixel = view.canvas.scene.camera.pixel(400)
    assert changed * pixel**2 == pytest.approx(240 * 400, rel=0.1)


def test_without_opengl_the_window_says_so_and_lives_on(
    opened: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise UserError("Pictures need OpenGL, which does not work on this machine.")

    monkeypatch.setattr("sxtstudio.app.view3d.probes.find_opengl", fail)
    view = opened.context.parts.view3d
    opened.actions_.by_name["surface.show"].trigger()
    qtbot.waitUntil(lambda: "cannot be shown here" in view._page.text(), timeout=20_000)
    assert view._page.isVisible() and view.canvas is None
    with pytest.raises(UserError, match="no 3D picture"):
        view.pictures.save_picture("a.png", (300, 300))
    for name in ("surface.reset", "surface.view_xy", "surface.update"):
        opened.actions_.by_name[name].trigger()
    opened.session.set_cursor((1, 1, 1))


def test_panel_fields_and_state_follow_each_other(opened: MainWindow) -> None:
    panel, scene = opened.context.parts.surface, opened.context.parts.view3d.scene
    find = panel.findChild
    from PySide6.QtWidgets import QCheckBox, QComboBox, QSlider, QSpinBox
    from superqt import QDoubleRangeSlider

    find(QCheckBox, "plane_yz").setChecked(True)
    find(QSlider, "opacity").setValue(0)
    find(QSpinBox, "min_faces").setValue(77)
    find(QComboBox, "background").setCurrentText("White")
    find(QDoubleRangeSlider, "clip_y").setValue((0.25, 0.75))
    state = scene.value
    assert (state.plane_yz, state.opacity, state.min_faces, state.background) == (True, 0.05, 77, "white")
    assert state.clip_y == (0.25, 0.75) and state.clip, "moving a clipping slider switches clipping on"
    assert panel._ranges["y"].text() == "10–29"
    scene.set(plane_yz=False, smooth=45, background="dark")
    assert not find(QCheckBox, "plane_yz").isChecked()
    assert find(QSpinBox, "smooth").value() == 45
    assert find(QComboBox, "background").currentText() == "Dark"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts in /proc")
@pytest.mark.parametrize("kind", list(CanvasKind), ids=[kind.value for kind in CanvasKind])
def test_windows_with_the_view_come_and_go_without_leaks(
    kind: CanvasKind, drawn_by: OpenGL, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sxtstudio.app.view3d.probes.probe_native", lambda _platform: drawn_by)
    from vtkmodules.vtkRenderingCore import vtkRenderWindow

    path = write(tmp_path / "cell.mrc")

    def live() -> int:
        gc.collect()
        return sum(issubclass(type(thing), vtkRenderWindow) for thing in gc.get_objects())

    def once(number: int) -> tuple[int, int, int]:
        store = QSettings(str(tmp_path / f"settings{number}.ini"), QSettings.Format.IniFormat)
        settings = Settings(store)
        settings.set(CANVAS, kind.value)
        window = MainWindow(settings)
        window.show()
        with qtbot.waitSignal(window.session.document_changed, timeout=20_000):
            open_path(window.context, path)
        window.session.document.volume("labels")[:] = balls()
        window.session.document.recount("labels")
        view = shown(window, qtbot)
        frame = frame_of(view.canvas.grab()).astype(int)
        assert (frame[..., 0] > frame[..., 2] + 60).sum() > 1000
        window.session.document.modified = False
        window.close()
        qtbot.waitUntil(window.isHidden, timeout=20_000)
        window.deleteLater()
        del view, window
        QApplication.processEvents()
        return live(), len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task"))

    before = live()
    first = once(0)
    counts = [once(number) for number in range(1, 3)]
    assert [count[0] for count in (first, *counts)] == [before] * 3
    assert counts[-1][1] <= counts[0][1] and counts[-1][2] <= counts[0][2], (first, counts)


def test_clipping_counts_as_the_slice_views_do(sample: MainWindow) -> None:
    panel, scene = sample.context.parts.surface, sample.context.parts.view3d.scene
    assert [panel._ranges[axis].text() for axis in "xyz"] == ["0–383", "0–383", "1–64"]
    scene.set(clip_z=(0.25, 0.5), clip_x=(0.5, 1.0))
    assert panel._ranges["z"].text() == "17–32" and panel._ranges["x"].text() == "192–383"


def test_pictures_are_offered_where_there_is_something_to_see(
    window: MainWindow, tomogram: Path, open_file: Callable[[Path], MainWindow], qtbot: QtBot
) -> None:
    saving = window.context.parts.surface.saving
    actions = [window.actions_.by_name[f"surface.{name}"] for name in ("picture", "movie", "reset")]
    buttons = (saving.picture_button, saving.movie_button)

    def offered() -> list[bool]:
        return [widget.isEnabled() for widget in (*actions, *buttons)]

    window.session.layout.set(view3d=True)
    qtbot.waitUntil(lambda: window.context.parts.view3d.status.value.ready, timeout=20_000)
    assert offered() == [False] * 5 and "Open a tomogram" in buttons[0].toolTip()
    open_file(tomogram)
    assert offered() == [True] * 5
    window.session.show(None)
    assert offered() == [False] * 5
