"""Both canvases behind their one interface: the same scene, mouse, keys, picking, sizes and end."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QApplication, QMainWindow
from pytestqt.qtbot import QtBot
from vtkmodules.vtkRenderingCore import vtkRenderWindow

from sxtstudio.app.context import Context
from sxtstudio.app.jobs.job import Jobs
from sxtstudio.app.session import Session
from sxtstudio.app.settings import Settings
from sxtstudio.app.view3d.canvas import Canvas3D
from sxtstudio.app.view3d.choice import CanvasKind
from sxtstudio.app.view3d.export import frame_of
from sxtstudio.app.view3d.meshes import make_meshes
from sxtstudio.app.view3d.native_canvas import NativeCanvas
from sxtstudio.app.view3d.offscreen_canvas import OffscreenCanvas
from sxtstudio.app.view3d.scene import Picked, Scene3D
from sxtstudio.app.view3d.state import SceneState
from sxtstudio.core.progress import Progress
from sxtstudio.surface import OpenGL, SurfaceParameters

SHAPE, VOXEL = (30, 40, 50), (20.0, 10.0, 10.0)
MIDDLE, RADIUS = (300.0, 200.0, 250.0), 120.0  # nm, z, y, x
LEFT, RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton
FLAT = SceneState(perspective=False, lighting=False, box=False, background="white", axes=False)
KINDS = pytest.mark.parametrize("kind", list(CanvasKind), ids=[kind.value for kind in CanvasKind])


def ball() -> np.ndarray:
    grid = np.indices(SHAPE) * np.array(VOXEL)[:, None, None, None]
    away = sum((axis - middle) ** 2 for axis, middle in zip(grid, MIDDLE, strict=True))
    return np.where(away <= RADIUS**2, 255, 0).astype(np.uint8)


@pytest.fixture(scope="module")
def surface() -> Any:
    return make_meshes(ball(), None, VOXEL, SurfaceParameters(), Progress()).full


@pytest.fixture
def window(qtbot: QtBot) -> Iterator[QMainWindow]:
    window = QMainWindow()
    window.resize(420, 360)
    yield window
    window.close()
    window.deleteLater()
    QApplication.processEvents()


@pytest.fixture
def context(window: QMainWindow, settings: Settings, qtbot: QtBot) -> Iterator[Context]:
    context = Context(Session(window), Jobs(window), settings, window)
    yield context
    context.jobs.cancel_all()
    qtbot.waitUntil(lambda: not context.jobs.running, timeout=20_000)


def canvas_of(kind: CanvasKind, context: Context, opengl: OpenGL, surface: Any) -> Canvas3D:
    canvas = NativeCanvas(opengl) if kind is CanvasKind.NATIVE else OffscreenCanvas(context, opengl)
    show_ball(canvas, surface)
    return canvas


def show_ball(canvas: Canvas3D, surface: Any) -> None:
    canvas.scene.set_volume(SHAPE, VOXEL)
    canvas.scene.set_surface(surface)
    canvas.refresh(FLAT)
    canvas.scene.frame_all("xy", 420 / 360)


@pytest.fixture
def canvas(
    kind: CanvasKind, window: QMainWindow, context: Context, drawn_by: OpenGL, surface: Any, qtbot: QtBot
) -> Iterator[Canvas3D]:
    """A ball of 240 nm, seen along z, in a window of its own."""
    canvas = canvas_of(kind, context, drawn_by, surface)
    window.setCentralWidget(canvas.widget)
    window.show()
    qtbot.waitExposed(window)
    qtbot.waitUntil(lambda: canvas.frames > 0, timeout=20_000)
    canvas.render()
    yield canvas
    canvas.close()


def coloured(frame: np.ndarray) -> np.ndarray:
    """Where the ball is: it is amber, all else white or grey."""
    return np.ptp(frame.astype(int), axis=2) > 40


def ball_of(canvas: Canvas3D) -> np.ndarray:
    return coloured(frame_of(canvas.grab()))


@KINDS
def test_ball_is_shown_in_its_true_size(canvas: Canvas3D) -> None:
    seen = ball_of(canvas)
    assert seen.shape == canvas.pixels_size()[::-1]
    pixel = canvas.camera.pixel(seen.shape[0])
    assert seen.sum() * pixel**2 == pytest.approx(np.pi * RADIUS**2, rel=0.06)
    rows, columns = np.nonzero(seen)
    for extent in (np.ptp(rows) + 1, np.ptp(columns) + 1):
        assert extent * pixel == pytest.approx(2 * RADIUS, abs=VOXEL[0] / 2 + 2 * pixel)


@KINDS
def test_what_is_painted_is_the_picture_with_a_scale_bar(canvas: Canvas3D, window: QMainWindow) -> None:
    painted = frame_of(window.grab(canvas.widget.geometry()).toImage())
    height, width = painted.shape[:2]
    picture = canvas.grab().scaled(width, height)
    assert (coloured(painted) == coloured(frame_of(picture))).mean() > 0.99
    corner = painted[-40:, width // 2 :].astype(int).sum(axis=2)
    assert (corner < 200).sum() > 100, "the bar is dark"
    canvas.refresh(SceneState(**{**vars(FLAT), "scale_bar": False}))
    canvas.render()
    plain = frame_of(window.grab(canvas.widget.geometry()).toImage())
    assert (plain[-40:, width // 2 :].astype(int).sum(axis=2) < 200).sum() == 0


def dragged(qtbot: QtBot, canvas: Canvas3D, button: Any, shift: bool = False) -> dict[str, Any]:
    modifier = Qt.KeyboardModifier.ShiftModifier if shift else Qt.KeyboardModifier.NoModifier
    widget = canvas.widget
    qtbot.mousePress(widget, button, modifier, QPoint(100, 100))
    qtbot.mouseMove(widget, QPoint(102, 101))  # not far enough for a drag
    # pytest-qt moves without buttons and modifiers, which the canvas takes from the press and the event.
    send_move(widget, QPoint(150, 120), button, modifier)
    send_move(widget, QPoint(170, 130), button, modifier)
    qtbot.mouseRelease(widget, button, modifier, QPoint(170, 130))
    return canvas.camera.state()


def send_move(widget: Any, place: QPoint, button: Any, modifier: Any) -> None:
    local, none = QPointF(place), Qt.MouseButton.NoButton
    event = QMouseEvent(QEvent.Type.MouseMove, local, widget.mapToGlobal(local), none, button, modifier)
    QApplication.sendEvent(widget, event)


@KINDS
def test_mouse_turns_moves_and_zooms_without_clicking(canvas: Canvas3D, qtbot: QtBot) -> None:
    clicks: list[tuple[float, float]] = []
    canvas.clicked.connect(lambda x, y: clicks.append((x, y)))
    start = canvas.camera.state()
    turned = dragged(qtbot, canvas, LEFT)
    assert turned["position"] != pytest.approx(start["position"])
    assert turned["focus"] == pytest.approx(start["focus"]) and turned["scale"] == start["scale"]
    for button, shift in ((Qt.MouseButton.MiddleButton, False), (LEFT, True)):
        canvas.camera.restore(start)
        moved = dragged(qtbot, canvas, button, shift)
        way = np.subtract(moved["focus"], start["focus"])
        # Seen along z, x is to the right and y down: the scene follows the pointer.
        assert way == pytest.approx(
            np.array([-70, -30, 0]) * canvas.camera.pixel(canvas.widget.height()), abs=1
        )
        assert np.subtract(moved["position"], start["position"]) == pytest.approx(way)
    canvas.camera.restore(start)
    assert dragged(qtbot, canvas, RIGHT)["scale"] > start["scale"]
    assert clicks == []


@KINDS
def test_wheel_and_keys_zoom_and_turn(canvas: Canvas3D, qtbot: QtBot) -> None:
    camera, widget = canvas.camera, canvas.widget
    start = camera.state()
    place = QPointF(100, 100)
    QApplication.sendEvent(
        widget,
        QWheelEvent(
            place, widget.mapToGlobal(place), QPoint(), QPoint(0, 120), Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
        ),
    )  # fmt: skip
    assert camera.state()["scale"] < start["scale"]
    qtbot.keyClicks(widget, "-")
    assert camera.state()["scale"] == pytest.approx(start["scale"], rel=0.02)
    qtbot.keyClick(widget, Qt.Key.Key_Left)
    assert camera.state()["position"] != pytest.approx(start["position"])
    qtbot.keyClick(widget, Qt.Key.Key_Right)
    assert camera.state()["position"] == pytest.approx(start["position"])
    # Keys that mean something to VTK's or pyvista's own styles: wireframe, reset, quit.
    for key in "wrqsv":
        qtbot.keyClicks(widget, key)
    assert camera.state()["position"] == pytest.approx(start["position"]) and widget.isVisible()
    canvas.render()
    assert ball_of(canvas).sum() > 1000


@KINDS
def test_click_picks_what_lies_under_it(canvas: Canvas3D, qtbot: QtBot) -> None:
    clicks: list[Picked | None] = []
    canvas.clicked.connect(lambda x, y: clicks.append(canvas.pick(x, y)))
    rows, columns = np.nonzero(ball_of(canvas))
    middle = QPoint(round(columns.mean() / canvas.ratio), round(rows.mean() / canvas.ratio))
    qtbot.mouseClick(canvas.widget, LEFT, pos=middle)
    qtbot.mouseClick(canvas.widget, LEFT, pos=QPoint(3, 3))
    picked, nothing = clicks
    assert nothing is None and picked is not None and picked.what == "surface"
    x, y, z = picked.place
    assert (x, y) == pytest.approx((MIDDLE[2], MIDDLE[1]), abs=8)
    assert z == pytest.approx(MIDDLE[0] - RADIUS, abs=VOXEL[0])


@KINDS
def test_narrower_canvas_still_shows_everything(canvas: Canvas3D, window: QMainWindow, qtbot: QtBot) -> None:
    widget, camera = canvas.widget, canvas.camera
    before = camera.pixel(100)
    window.resize(200, 360)
    qtbot.waitUntil(lambda: widget.width() < 220)
    assert widget.width() < widget.height() and camera.pixel(100) > before
    canvas.render()
    seen = ball_of(canvas)
    assert seen.shape == canvas.pixels_size()[::-1]
    assert seen.any() and not seen[:, [0, -1]].any()


@KINDS
def test_good_picture_follows_the_quick_one(
    canvas: Canvas3D, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The quick one has no shadows and hard edges; at rest the good one comes by itself."""
    monkeypatch.setattr("sxtstudio.app.view3d.native_canvas._PATIENCE_S", 1e9)
    canvas.refresh(SceneState())
    canvas.scene.frame_all("oblique", 420 / 360)
    canvas.surface_changed()
    canvas.render()
    good = frame_of(canvas.grab()).astype(int)

    def off() -> float:
        return float(np.abs(frame_of(canvas.grab()).astype(int) - good).mean())

    assert off() == 0
    with monkeypatch.context() as patched:
        patched.setattr(canvas._settle, "start", lambda: None)
        canvas._settle.stop()
        canvas.request()
        qtbot.waitUntil(lambda: off() > 0.05, timeout=20_000)
    canvas.request()
    qtbot.waitUntil(lambda: off() < 0.01, timeout=30_000)


@KINDS
def test_hidden_canvas_draws_nothing_and_comes_back(
    canvas: Canvas3D, window: QMainWindow, qtbot: QtBot
) -> None:
    canvas.widget.hide()
    QApplication.processEvents()
    frames = canvas.frames
    canvas.camera.turn(0.2, 0.1)
    canvas.request()
    qtbot.wait(250)
    assert canvas.frames == frames
    canvas.widget.show()
    qtbot.waitUntil(lambda: canvas.frames > frames, timeout=20_000)


@KINDS
def test_files_that_are_dropped_go_to_the_window(canvas: Canvas3D) -> None:
    assert not canvas.widget.acceptDrops()


def test_slow_good_pictures_in_the_window_get_plainer_until_another_surface_comes(
    native_opengl: OpenGL, context: Context, surface: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    canvas = canvas_of(CanvasKind.NATIVE, context, OpenGL(native_opengl.window, "a card"), surface)
    asked: list[tuple[bool, bool]] = []
    monkeypatch.setattr(
        Scene3D, "prepare", lambda scene, quality, *, shadows, light: asked.append((shadows, light))
    )
    clock = iter(range(100))
    monkeypatch.setattr("sxtstudio.app.view3d.native_canvas.time.perf_counter", lambda: float(next(clock)))
    for _ in range(4):
        canvas._prepare_good()
        canvas._on_started()
        canvas._on_ended()
    assert isinstance(canvas, NativeCanvas)
    assert asked == [(True, False), (False, False), (False, True), (False, True)]
    canvas.surface_changed()
    canvas._prepare_good()
    assert asked[-1] == (True, False)
    monkeypatch.undo()
    canvas.close()


@pytest.fixture
def slow_canvas(
    opengl: OpenGL, context: Context, window: QMainWindow, surface: Any, qtbot: QtBot
) -> Iterator[OffscreenCanvas]:
    """A canvas whose good pictures come from a child process, which has begun with one."""
    canvas = OffscreenCanvas(context, opengl)
    show_ball(canvas, surface)
    canvas._slow = True
    window.setCentralWidget(canvas.widget)
    window.show()
    qtbot.waitUntil(lambda: canvas._painter._process is not None, timeout=20_000)
    yield canvas
    canvas.close()


def test_crash_of_the_child_process_leaves_the_quick_picture(
    slow_canvas: OffscreenCanvas, qtbot: QtBot
) -> None:
    process = slow_canvas._painter._process
    assert process is not None
    process.kill()
    qtbot.waitUntil(lambda: slow_canvas.at_rest, timeout=20_000)
    assert slow_canvas.image is not None and ball_of(slow_canvas).any()


@pytest.mark.parametrize("end", ["hidden", "no document", "closed"])
def test_child_process_ends_when_nobody_needs_it(slow_canvas: OffscreenCanvas, end: str) -> None:
    process = slow_canvas._painter._process
    assert process is not None and process.poll() is None
    if end == "hidden":
        slow_canvas.widget.hide()
    elif end == "closed":
        slow_canvas.close()
    else:
        slow_canvas.clear()
    assert process.poll() is not None


@KINDS
def test_canvases_come_and_go_without_leaks(
    kind: CanvasKind, window: QMainWindow, context: Context, drawn_by: OpenGL, surface: Any, qtbot: QtBot
) -> None:
    window.show()

    def live() -> int:
        gc.collect()
        return sum(issubclass(type(thing), vtkRenderWindow) for thing in gc.get_objects())

    def once() -> tuple[int, int]:
        canvas = canvas_of(kind, context, drawn_by, surface)
        window.setCentralWidget(canvas.widget)
        qtbot.waitUntil(lambda shown=canvas: shown.frames > 0, timeout=20_000)
        assert ball_of(canvas).any()
        canvas.close()
        canvas.close()
        window.takeCentralWidget().deleteLater()
        del canvas
        QApplication.sendPostedEvents(None, 0)
        QApplication.processEvents()
        return live(), threading.active_count()

    before = live()
    first = once()
    assert first[0] == before
    assert [once() for _ in range(3)] == [first] * 3
