"""What the slice views draw, compared with numpy; their mouse, wheel and keys; their threads."""

from __future__ import annotations

import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import mrcfile
import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QImage, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from sxtstudio.app.labels.tools.base import Sketch
from sxtstudio.app.main_window import MainWindow
from sxtstudio.app.session import Selection
from sxtstudio.app.slice_preview import Preview
from sxtstudio.app.slices.fetching import SliceCache
from sxtstudio.app.slices.overlays import scale_bar
from sxtstudio.app.slices.plane_view import PlaneView
from sxtstudio.app.slices.view import SlicesView
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box
from sxtstudio.core.planes import COLUMNS, NORMAL, ROWS, Plane

SHAPE = (10, 24, 30)
VOXEL = (20.0, 10.0, 10.0)
PLANES: tuple[Plane, ...] = ("xy", "xz", "yz")

Open = Callable[[Path], MainWindow]


def truth() -> np.ndarray:
    return np.random.default_rng(5).uniform(-1, 3, SHAPE).astype(np.float32)


def write(path: Path, data: np.ndarray, voxel: tuple[float, float, float] | None = VOXEL) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # mrcfile's, about NaN
        with mrcfile.new(path, data) as file:
            if voxel is not None:
                z, y, x = (10 * v for v in voxel)  # Å
                file.voxel_size = (x, y, z)
    return path


@pytest.fixture
def known(open_file: Open, tmp_path: Path, qtbot: QtBot) -> MainWindow:
    """A small file with voxels twice as deep as wide, drawn without ornaments and without smoothing."""
    window = open_file(write(tmp_path / "known.mrc", truth()))
    rest(window, qtbot)
    window.session.display.set(crosshair=False, scale_bar=False, smooth=False, low=0.0, high=2.0)
    return window


def rest(window: MainWindow, qtbot: QtBot) -> SlicesView:
    """Wait until everything is read and drawn."""
    slices: SlicesView = window.context.parts.slices
    qtbot.waitUntil(
        lambda: (
            not slices.first_scan.running
            and not any(reader.busy for reader in slices.readers.values())
            and all(view.image.image is not None for view in slices.views.values())
        ),
        timeout=20_000,
    )
    QApplication.processEvents()
    return slices


def look_at(window: MainWindow, voxel: tuple[int, int, int], zoom: float = 1.0) -> SlicesView:
    """Put a voxel into the middle of all three views, 10 or 20 screen pixels large."""
    slices: SlicesView = window.context.parts.slices
    window.session.set_cursor(voxel)
    slices.camera.centre = [i * v for i, v in zip(voxel, VOXEL, strict=True)]
    slices.camera.zoom_to(zoom)
    return slices


def drawn(view: PlaneView, row: float, column: float) -> QColor:
    """The colour in the middle of a pixel of the slice."""
    picture: QImage = view.grab().toImage()
    place = view.transform().map(QPointF(column, row)) * picture.devicePixelRatio()
    return picture.pixelColor(round(place.x()), round(place.y()))


def grey_of(value: float) -> int:
    return round(float(np.clip(value / 2, 0, 1)) * 255)


def in_view(plane: Plane, voxel: tuple[int, int, int]) -> tuple[int, int]:
    return voxel[ROWS[plane]], voxel[COLUMNS[plane]]


@pytest.mark.parametrize("voxel", [(4, 10, 12), (0, 0, 0), (9, 23, 29)], ids=["inside", "first", "last"])
@pytest.mark.parametrize("plane", PLANES)
def test_every_plane_draws_the_right_voxels(
    known: MainWindow, plane: Plane, voxel: tuple[int, int, int]
) -> None:
    view = look_at(known, voxel).views[plane]
    data = truth()
    neighbours = [voxel]
    for axis in (ROWS[plane], COLUMNS[plane]):
        beside = list(voxel)
        beside[axis] += 1 if voxel[axis] == 0 else -1
        neighbours.append((beside[0], beside[1], beside[2]))
    for place in neighbours:
        colour = drawn(view, *in_view(plane, place))
        assert colour.red() == colour.green() == colour.blue()
        assert abs(colour.red() - grey_of(data[place])) <= 1


def test_aspect_is_that_of_the_specimen(known: MainWindow) -> None:
    slices = look_at(known, (4, 10, 12))
    known.session.display.set(low=-100.0, high=-99.0)  # everything white
    for plane, size in (("xy", (24 * 10, 30 * 10)), ("xz", (10 * 20, 30 * 10)), ("yz", (24 * 10, 10 * 20))):
        view = slices.views[plane]
        slices.camera.zoom_to(0.3)
        picture = view.grab().toImage()
        middle = view.transform().map(QPointF(SHAPE[COLUMNS[plane]] // 2, SHAPE[ROWS[plane]] // 2))
        along = [picture.pixelColor(x, int(middle.y())) == QColor("white") for x in range(picture.width())]
        down = [picture.pixelColor(int(middle.x()), y) == QColor("white") for y in range(picture.height())]
        assert abs(sum(along) - 0.3 * size[1]) <= 2 and abs(sum(down) - 0.3 * size[0]) <= 2


@pytest.mark.parametrize("plane", PLANES)
def test_overlay_lies_on_its_voxels(known: MainWindow, plane: Plane) -> None:
    session, voxel = known.session, (4, 10, 12)
    view = look_at(known, voxel).views[plane]
    session.display.set(label_rgb=(255, 0, 0), label_opacity=0.4)
    with session.edit(EditKind.BRUSH) as recorder:
        recorder.paint(Box(voxel, (5, 11, 13)), np.ones((1, 1, 1), bool), 255)
    grey = grey_of(truth()[voxel])
    colour = drawn(view, *in_view(plane, voxel))
    assert abs(colour.red() - (0.6 * grey + 0.4 * 255)) <= 2
    assert abs(colour.green() - 0.6 * grey) <= 2
    row, column = in_view(plane, voxel)
    for beside in ((row + 1, column), (row, column - 1)):
        plain = drawn(view, *beside)
        assert plain.red() == plain.green() == plain.blue()
    session.display.set(labels_visible=False)
    assert drawn(view, row, column).red() == grey or abs(drawn(view, row, column).red() - grey) <= 1
    session.display.set(labels_visible=True)
    session.undo()
    assert abs(drawn(view, row, column).red() - grey) <= 1


def test_later_edits_change_only_their_rectangle(known: MainWindow) -> None:
    session = known.session
    slices = look_at(known, (4, 10, 12))
    session.document.volume("labels")
    rng = np.random.default_rng(0)
    for _ in range(12):
        start = [int(rng.integers(0, n - 4)) for n in SHAPE]
        box = Box((start[0], start[1], start[2]), (start[0] + 4, start[1] + 4, start[2] + 4))
        with session.edit(EditKind.BRUSH) as recorder:
            recorder.paint(box, rng.random((4, 4, 4)) < 0.5, 255 if rng.random() < 0.7 else 0)
    labels = session.labels_of("labels")
    assert labels is not None and labels.any()
    for plane, view in slices.views.items():
        cut = np.take(labels, session.cursor[NORMAL[plane]], NORMAL[plane])
        assert np.array_equal(view.labels.labels, cut.T if plane == "yz" else cut)


@pytest.mark.parametrize(
    ("box", "sides", "cursor"),
    [
        (Box((2, 4, 5), (3, 9, 12)), True, (2, 20, 20)),
        (Box((2, 4, 5), (5, 9, 12)), True, (3, 20, 20)),  # the middle of three slices
        (Box((2, 4, 5), (9, 9, 12)), False, (7, 20, 20)),  # seen already
        (Box((0, 4, 5), (10, 5, 12)), True, (7, 4, 20)),  # drawn in XZ
        (Box((0, 4, 5), (10, 5, 12)), False, (7, 20, 20)),  # a line in XY, which is all that is shown
        (Box((0, 4, 5), (10, 9, 6)), True, (7, 20, 5)),  # drawn in YZ
    ],
)
def test_what_is_undone_comes_into_sight_and_is_named(
    known: MainWindow, box: Box, sides: bool, cursor: tuple[int, int, int]
) -> None:
    session, slices = known.session, known.context.parts.slices
    said: list[str] = []
    session.message.connect(said.append)
    with session.edit(EditKind.BRUSH) as edit:
        edit.write(box, np.full(box.shape, 255, np.uint8))
    slices.show_sides(sides)
    name = "slice 3" if box.shape[0] == 1 else f"slices {box.start[0] + 1} to {box.stop[0]}"
    for move, words in ((session.undo, "Undo"), (session.redo, "Redo")):
        session.set_cursor((7, 20, 20))
        move()
        assert session.cursor == cursor
        assert said[-1] == f"{words}: Brush, {name}"


def test_what_is_undone_beside_the_part_that_is_shown_comes_into_sight(known: MainWindow) -> None:
    slices = look_at(known, (2, 10, 12), zoom=6)
    with known.session.edit(EditKind.BRUSH) as edit:
        edit.write(Box((2, 1, 1), (3, 3, 3)), np.full((1, 2, 2), 255, np.uint8))
    view = slices.views["xy"]
    inside = QPointF(1.5, 1.5)
    slices.camera.centre = [20.0, 20.0, 20.0]
    slices.camera.zoom_to(6)
    before = list(slices.camera.centre)
    assert view.rect().contains(view.transform().map(inside).toPoint())
    known.session.undo()
    assert slices.camera.centre == before  # it was seen
    slices.camera.centre = [20.0, 230.0, 290.0]
    assert not view.rect().contains(view.transform().map(inside).toPoint())
    known.session.redo()
    assert view.rect().contains(view.transform().map(inside).toPoint())


def test_preview_stands_in_for_the_labels_of_its_slice_only(known: MainWindow) -> None:
    session = known.session
    view = look_at(known, (4, 10, 12)).views["xy"]
    session.display.set(label_rgb=(255, 0, 0), label_opacity=0.5)
    with session.edit(EditKind.BRUSH) as recorder:
        recorder.paint(Box((4, 10, 12), (5, 11, 13)), np.ones((1, 1, 1), bool), 255)
    shown = np.zeros(SHAPE[1:], np.uint8)
    shown[10, 14] = 255
    session.set_preview(Preview(4, shown, "Try"))
    assert view.preview_title == "Try"
    assert drawn(view, 10, 14).red() > drawn(view, 10, 14).green() + 50
    assert drawn(view, 10, 12).red() == drawn(view, 10, 12).green()
    session.set_cursor((5, 10, 12))
    assert drawn(view, 10, 14).red() == drawn(view, 10, 14).green() and view.preview_title == ""
    session.set_cursor((4, 10, 12))
    session.set_preview(None)
    assert drawn(view, 10, 12).red() > drawn(view, 10, 12).green() + 50


@pytest.mark.parametrize("plane", PLANES)
def test_selection_brightens_its_object(known: MainWindow, plane: Plane) -> None:
    view = look_at(known, (4, 10, 12)).views[plane]
    before = drawn(view, *in_view(plane, (4, 10, 12)))
    where = np.ones((3, 3, 3), bool)
    known.session.select(Selection((4, 10, 12), Box((3, 9, 11), (6, 12, 14)), where, 27))
    after = drawn(view, *in_view(plane, (4, 10, 12)))
    assert abs(after.red() - (before.red() * 0.65 + 255 * 0.35)) <= 2


def test_mask_is_outlined_not_filled(known: MainWindow) -> None:
    session = known.session
    view = look_at(known, (4, 10, 12)).views["xy"]
    session.display.set(mask_rgb=(0, 255, 0))
    before = view.grab().toImage()
    with session.edit(EditKind.POLYGON, "mask") as recorder:
        recorder.paint(Box((4, 6, 8), (5, 15, 17)), np.ones((1, 9, 9), bool), 255)
    after = view.grab().toImage()
    middle = view.transform().map(QPointF(12, 10)).toPoint()
    assert before.pixelColor(middle) == after.pixelColor(middle)
    edge = view.transform().map(QPointF(7.5, 10))
    around = [
        after.pixelColor(int(edge.x()) + dx, int(edge.y()) + dy) for dx in (-1, 0, 1) for dy in range(-30, 30)
    ]
    assert any(c.green() > 200 and c.red() < 60 for c in around)


def test_nan_and_infinity_are_drawn_black_and_white(open_file: Open, tmp_path: Path, qtbot: QtBot) -> None:
    data = truth()
    data[:, 10, 12], data[:, 10, 13], data[:, 10, 14] = np.nan, np.inf, -np.inf
    window = open_file(write(tmp_path / "nan.mrc", data))
    slices = rest(window, qtbot)
    state = window.session.display.value
    assert -1.1 < state.low < state.high < 3.1
    window.session.display.set(crosshair=False, smooth=False)
    view = look_at(window, (4, 8, 9)).views["xy"]
    assert [drawn(view, 10, c).red() for c in (12, 13, 14)] == [0, 255, 0]
    text = window.context.parts.first_look.line.text()
    assert "NaN" in text and "-1" in text
    assert "nan" in hover(slices, "xy", 10, 12)


def hover(slices: SlicesView, plane: Plane, row: float, column: float) -> str:
    view = slices.views[plane]
    send(view, QEvent.Type.MouseMove, view.transform().map(QPointF(column, row)))
    return slices.planes.line.text()


def send(
    view: PlaneView,
    kind: QEvent.Type,
    place: QPointF,
    button: Qt.MouseButton = Qt.MouseButton.NoButton,
    held: Qt.MouseButton | None = None,
    keys: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier,
) -> None:
    event = QMouseEvent(kind, place, view.mapToGlobal(place), button, held or button, keys)
    QApplication.sendEvent(view, event)


def drag(view: PlaneView, button: Qt.MouseButton, start: QPointF, end: QPointF) -> None:
    none = Qt.MouseButton.NoButton
    send(view, QEvent.Type.MouseButtonPress, start, button)
    for share in (0.3, 0.6, 1.0):
        send(view, QEvent.Type.MouseMove, start + (end - start) * share, none, button)
    send(view, QEvent.Type.MouseButtonRelease, end, button, none)


def turn(view: PlaneView, notches: float, keys: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    place = QPointF(view.width() / 3, view.height() / 3)
    event = QWheelEvent(
        place,
        view.mapToGlobal(place),
        QPoint(),
        QPoint(0, round(120 * notches)),
        Qt.MouseButton.NoButton,
        keys,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(view, event)


def test_line_below_says_value_position_and_voxel(known: MainWindow) -> None:
    slices = look_at(known, (4, 10, 12))
    text = hover(slices, "xy", 7.3, 21.4)
    assert "x 21  y  7  slice  5" in text
    assert "x 210  y  70  z  80 nm" in text
    assert f"{truth()[4, 7, 21]:.4g}" in text
    side = hover(slices, "yz", 3, 9)
    assert f"{truth()[9, 3, 12]:.4g}" in side and "slice 10" in side
    assert len(text) == len(side.removesuffix("labelled").rstrip()) or len(text) == len(side)
    assert hover(slices, "xy", -5, 3).strip() == ""


@pytest.mark.parametrize(("plane", "axis"), [("xy", 0), ("xz", 1), ("yz", 2)], ids=PLANES)
def test_line_below_follows_what_lies_under_a_resting_pointer(
    known: MainWindow, plane: Plane, axis: int
) -> None:
    slices = look_at(known, (4, 10, 12))
    hover(slices, plane, 6, 7)
    voxel = [6, 6, 6]
    voxel[axis], voxel[COLUMNS[plane]] = (4, 10, 12)[axis] + 2, 7

    def said() -> str:
        value = f"{truth()[tuple(voxel)]:.4g}"
        text = slices.planes.line.text()
        assert f"x {voxel[2]:2d}  y {voxel[1]:2d}  slice {voxel[0] + 1:2d}" in text and value in text
        return text

    cursor = [4, 10, 12]
    cursor[axis] += 2
    known.session.set_cursor(tuple(cursor))
    assert "labelled" not in said()
    with known.session.edit(EditKind.BRUSH) as edit:
        edit.write(Box.whole(SHAPE), np.full(SHAPE, 255, np.uint8))
    assert "labelled" in said()
    slices.camera.pan({COLUMNS[plane]: 2 * slices.camera.voxel[COLUMNS[plane]]})
    voxel[COLUMNS[plane]] += 2
    said()
    send_leave = QEvent(QEvent.Type.Leave)
    QApplication.sendEvent(slices.views[plane], send_leave)
    slices.step(-1)
    assert slices.planes.line.text().strip() == ""


def test_corner_says_where_the_crosshair_is(known: MainWindow) -> None:
    slices = look_at(known, (4, 10, 12))
    corner = slices.planes.corner
    for width, words in ((400, "slice     5      80 nm"), (110, "slice     5"), (30, "")):
        corner.resize(width, 120)
        assert corner.text().splitlines()[-1:] == ([words] if words else [])


def test_scale_bar_is_as_long_as_it_says(known: MainWindow) -> None:
    slices = look_at(known, (4, 10, 12), zoom=0.7)
    length, text = scale_bar(slices.views["xy"])
    number, unit = text.split()
    assert length == pytest.approx(float(number) * (1000 if unit == "µm" else 1) * 0.7)
    known.session.set_voxel_nm(None)
    assert scale_bar(slices.views["xy"])[1].endswith(" px")


@pytest.mark.parametrize(("plane", "axis"), [("xy", 0), ("xz", 1), ("yz", 2)])
def test_wheel_and_arrows_go_through_the_slices(known: MainWindow, plane: Plane, axis: int) -> None:
    slices = look_at(known, (4, 10, 12))
    before = known.session.cursor[axis]
    turn(slices.views[plane], -1)
    assert known.session.cursor[axis] == before + 1 == slices.views[plane].shown_depth
    turn(slices.views[plane], 0.5)
    assert known.session.cursor[axis] == before + 1  # a fine wheel adds up
    turn(slices.views[plane], 0.5)
    assert known.session.cursor[axis] == before
    for _ in range(40):
        turn(slices.views[plane], -1)
    assert known.session.cursor[axis] == SHAPE[axis] - 1


def test_keys_and_fields_go_through_the_slices(known: MainWindow, qtbot: QtBot) -> None:
    slices = look_at(known, (4, 10, 12))
    view = slices.views["xy"]
    qtbot.keyClick(view, Qt.Key.Key_Right)
    assert known.session.cursor[0] == 5
    qtbot.keyClick(view, Qt.Key.Key_Up)
    assert known.session.cursor[0] == 4
    assert slices.bar.field.text() == "5 / 10" and "80 nm" in slices.bar.place.text()
    slices.bar.field.setValue(1)
    assert known.session.cursor[0] == 0 == slices.bar.slider.value()
    slices.bar.slider.setValue(9)
    assert view.shown_depth == 9 and slices.bar.field.value() == 10


def test_ctrl_wheel_zooms_at_the_pointer(known: MainWindow) -> None:
    slices = look_at(known, (4, 10, 12))
    view = slices.views["xy"]
    point = QPointF(view.width() / 3, view.height() / 3)
    before, zoom = view.pixel_at(point), slices.camera.zoom
    turn(view, 2, Qt.KeyboardModifier.ControlModifier)
    assert slices.camera.zoom == pytest.approx(zoom * 1.44)
    assert view.pixel_at(point) == pytest.approx(before)
    assert known.session.cursor == (4, 10, 12)


@pytest.mark.parametrize("button", [Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton])
def test_dragging_pans_all_views_together(known: MainWindow, button: Qt.MouseButton) -> None:
    slices = look_at(known, (4, 10, 12))
    view = slices.views["xy"]
    start, end = QPointF(200, 200), QPointF(230, 180)
    under = view.pixel_at(start)
    side = slices.views["xz"].pixel_at(QPointF(200, 50))
    drag(view, button, start, end)
    assert view.pixel_at(end) == pytest.approx(under)
    moved = slices.views["xz"].pixel_at(QPointF(200, 50))
    assert moved[1] == pytest.approx(side[1] - 3) and moved[0] == pytest.approx(side[0])
    assert known.session.cursor == (4, 10, 12)


def test_click_moves_the_crosshair_and_double_click_fits(known: MainWindow) -> None:
    slices = look_at(known, (4, 10, 12))
    view = slices.views["yz"]
    place = view.transform().map(QPointF(6.2, 7.9))  # z 6, y 8
    drag(view, Qt.MouseButton.LeftButton, place, place)
    assert known.session.cursor == (6, 8, 12)
    send(view, QEvent.Type.MouseButtonDblClick, place, Qt.MouseButton.LeftButton)
    xy = slices.views["xy"]
    corners = [xy.transform().map(QPointF(x, y)) for x, y in ((-0.5, -0.5), (29.5, 23.5))]
    assert all(0 <= c.x() <= xy.width() and 0 <= c.y() <= xy.height() for c in corners)
    share = [(corners[1].x() - corners[0].x()) / xy.width(), (corners[1].y() - corners[0].y()) / xy.height()]
    assert max(share) > 0.9


def test_right_drag_changes_contrast_and_brightness(known: MainWindow) -> None:
    slices = look_at(known, (4, 10, 12))
    view, display = slices.views["xy"], known.session.display
    drag(view, Qt.MouseButton.RightButton, QPointF(200, 200), QPointF(300, 200))
    state = display.value
    assert state.high - state.low < 1.5 and (state.high + state.low) / 2 == pytest.approx(1.0)
    drag(view, Qt.MouseButton.RightButton, QPointF(200, 200), QPointF(200, 150))
    assert display.value.low < state.low and display.value.high < state.high  # up: brighter


@pytest.mark.parametrize("plane", PLANES)
def test_brush_paints_under_the_pointer_in_every_view(known: MainWindow, plane: Plane) -> None:
    view = look_at(known, (4, 10, 12)).views[plane]
    known.session.tool.set(tool="brush", brush_px=1)
    assert view.cursor().shape() == Qt.CursorShape.CrossCursor
    row, column = in_view(plane, (4, 10, 12))
    place = view.transform().map(QPointF(column + 1.2, row - 2.3))
    drag(view, Qt.MouseButton.LeftButton, place, place)
    labels = known.session.labels_of("labels")
    assert labels is not None
    expected = [4, 10, 12]
    expected[ROWS[plane]] -= 2
    expected[COLUMNS[plane]] += 1
    assert np.argwhere(labels).tolist() == [expected]
    assert known.session.cursor == (4, 10, 12)  # the crosshair stays where it was
    known.session.tool.set(tool="look")  # the brush's circle lies over the pixel
    painted = drawn(view, row - 2, column + 1)
    assert painted.red() > painted.blue() + 40


def test_brush_circle_follows_the_pointer(known: MainWindow) -> None:
    view = look_at(known, (4, 10, 12)).views["xy"]
    known.session.tool.set(tool="brush", brush_px=8)
    before = view.grab().toImage()
    send(view, QEvent.Type.MouseMove, view.transform().map(QPointF(12, 10)))
    after = view.grab().toImage()
    edge = view.transform().map(QPointF(16, 10)).toPoint()
    far = view.transform().map(QPointF(18.5, 10)).toPoint()
    ring = [edge + QPoint(dx, 0) for dx in (-1, 0, 1)]
    assert any(before.pixelColor(p) != after.pixelColor(p) for p in ring)
    assert before.pixelColor(far) == after.pixelColor(far)
    QApplication.sendEvent(view, QEvent(QEvent.Type.Leave))
    assert view.grab().toImage() == before


def test_lines_of_a_tool_are_drawn_on_their_slice(known: MainWindow) -> None:
    slices = look_at(known, (4, 10, 12))
    view, toolbox = slices.views["xy"], known.context.parts.toolbox
    before = view.grab().toImage()
    toolbox.sketch = Sketch("xy", 4, (np.array([[8.0, 5.0], [8.0, 20.0]]),))
    toolbox.sketch_changed.emit()
    place = view.transform().map(QPointF(12, 8)).toPoint()
    after = view.grab().toImage()
    line = [place + QPoint(0, dy) for dy in (-2, -1, 0, 1, 2)]
    assert any(after.pixelColor(p) != before.pixelColor(p) and after.pixelColor(p).red() > 190 for p in line)
    assert after.pixelColor(place + QPoint(0, 15)) == before.pixelColor(place + QPoint(0, 15))
    known.session.set_cursor((5, 10, 12))
    assert abs(drawn(view, 8, 12).red() - grey_of(truth()[5, 8, 12])) <= 1
    toolbox.sketch = None


@pytest.mark.parametrize("plane", PLANES)
def test_keyboard_focus_puts_a_frame_around_the_slice_and_nothing_over_it(
    known: MainWindow, plane: Plane, qtbot: QtBot
) -> None:
    view = look_at(known, (4, 10, 12)).views[plane]
    known.session.display.set(crosshair=True, scale_bar=True)
    known.session.set_preview(Preview(4, np.zeros(SHAPE[1:], np.uint8), "Try"))  # its title is filled blue
    known.activateWindow()
    qtbot.waitUntil(known.isActiveWindow)
    known.context.parts.slices.bar.field.setFocus()
    before = pixels_of(view)
    view.setFocus(Qt.FocusReason.BacktabFocusReason)
    qtbot.waitUntil(view.hasFocus)
    changed = (pixels_of(view) != before).any(axis=2)
    assert not changed[3:-3, 3:-3].any(), "only the frame may differ"
    assert changed[1].all() and changed[-2].all() and changed[:, 1].all() and changed[:, -2].all()


def pixels_of(view: PlaneView) -> np.ndarray:
    """What is on the screen, (rows, columns, 4) uint8."""
    picture = view.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    return np.frombuffer(picture.constBits(), np.uint8).reshape(picture.height(), picture.width(), 4).copy()


def test_negative_and_colour_maps(known: MainWindow) -> None:
    view = look_at(known, (4, 10, 12)).views["xy"]
    data = truth()
    known.session.display.set(inverted=True)
    assert abs(drawn(view, 10, 12).red() - (255 - grey_of(data[4, 10, 12]))) <= 1
    known.session.display.set(inverted=False, colour_map="viridis", low=10.0, high=11.0)
    assert drawn(view, 10, 12).getRgb()[:3] == pytest.approx((68, 1, 84), abs=3)  # its darkest colour
    known.session.display.set(low=-11.0, high=-10.0)
    assert drawn(view, 10, 12).getRgb()[:3] == pytest.approx((253, 231, 37), abs=3)


def test_crosshair_is_drawn_in_all_three(known: MainWindow) -> None:
    slices = look_at(known, (4, 10, 12))
    before = {plane: view.grab().toImage() for plane, view in slices.views.items()}
    known.session.display.set(crosshair=True)
    for plane, view in slices.views.items():
        cross = view.transform().map(QPointF(*reversed(in_view(plane, (4, 10, 12)))))
        after = view.grab().toImage()
        left = QPoint(3, int(cross.y() + 0.5))
        assert any(
            after.pixelColor(left + QPoint(0, d)) != before[plane].pixelColor(left + QPoint(0, d))
            for d in (-1, 0, 1)
        )


def test_an_unreadable_slice_says_so_in_its_view(
    known: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    slices: SlicesView = known.context.parts.slices
    assert slices._source is not None
    slices._source.overview, slices._source.cache = None, SliceCache()
    volume = slices._source.volume

    def broken(box: Box) -> np.ndarray:
        raise UserError("The disk is gone. Plug it in again.")

    monkeypatch.setattr(volume, "read", broken)
    known.session.set_cursor((7, 10, 12))
    qtbot.waitUntil(lambda: "disk is gone" in slices.views["xy"].error)
    assert QApplication.activeModalWidget() is None
    monkeypatch.undo()
    known.session.set_cursor((6, 10, 12))
    qtbot.waitUntil(lambda: slices.views["xy"].shown_depth == 6 and not slices.views["xy"].error)


def test_a_file_damaged_in_the_middle_says_so_in_the_side_views(
    open_file: Open, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sxtstudio.app.document import first_scan

    def broken(*_: object) -> None:
        raise UserError("Slice 7 cannot be read. Copy the file again.")

    monkeypatch.setattr(first_scan, "build_overview", broken)
    window = open_file(write(tmp_path / "damaged.mrc", truth()))
    slices: SlicesView = window.context.parts.slices
    qtbot.waitUntil(lambda: "Copy the file" in slices.views["yz"].error, timeout=10_000)
    qtbot.waitUntil(lambda: slices.views["xy"].image.image is not None)
    assert "Copy the file" in window.context.parts.first_look.line.text()
    assert QApplication.activeModalWidget() is None


def test_large_file_shows_its_overview_first_and_then_itself(
    open_file: Open, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sxtstudio.core import overview

    monkeypatch.setattr(overview.build_overview, "__kwdefaults__", {"whole_bytes": 0, "binned_bytes": 2000})
    data = truth()
    window = open_file(write(tmp_path / "large.mrc", data))
    slices: SlicesView = window.context.parts.slices
    seen: dict[Plane, set[tuple[int, int]]] = {"xy": set(), "xz": set(), "yz": set()}
    for plane, reader in slices.readers.items():
        reader.arrived.connect(lambda found, plane=plane: seen[plane].add(found.bins))
    rest(window, qtbot)
    qtbot.waitUntil(lambda: not any(slices.views[p].note for p in PLANES), timeout=10_000)
    z, y, x = window.session.cursor
    assert np.array_equal(slices.views["xy"].image.image, data[z])
    assert np.array_equal(slices.views["xz"].image.image, data[:, y])
    assert np.array_equal(slices.views["yz"].image.image, data[:, :, x].T)
    assert any(bins != (1, 1) for bins in seen["yz"])
    # The coarse picture lies where the fine one will.
    bins = slices.first_scan.overview.bins
    coarse = slices.first_scan.overview.plane(1, y)
    slices.views["xz"].image.set(coarse, (bins[0], bins[2]))
    value = slices.views["xz"].image.value_at(z, x)
    assert value == pytest.approx(float(coarse[z // bins[0], x // bins[2]]))


def test_labels_changed_while_a_slice_is_read_are_not_lost(
    open_file: Open, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = open_file(write(tmp_path / "slow.mrc", truth()))
    slices = rest(window, qtbot)
    document = window.session.document
    assert document is not None and slices._source is not None
    document.volume("labels")
    slices._source.overview, slices._source.cache = None, SliceCache()
    slices._source.patience = 100  # as after slow reading
    volume, gate = slices._source.volume, threading.Event()
    read = volume.read

    def slow(box: Box) -> np.ndarray:
        gate.wait(5)
        return read(box)

    monkeypatch.setattr(volume, "read", slow)
    window.session.set_cursor((7, 10, 12))
    assert slices.views["xy"].shown_depth != 7  # the old slice stays until the new one is there
    with window.session.edit(EditKind.BRUSH) as recorder:
        recorder.paint(Box((7, 3, 3), (8, 5, 5)), np.ones((1, 2, 2), bool), 255)
    gate.set()
    qtbot.waitUntil(lambda: slices.views["xy"].shown_depth == 7)
    labels = slices.views["xy"].labels.labels
    assert labels is not None and np.count_nonzero(labels) == 4


def test_state_goes_into_the_project_and_comes_back(known: MainWindow) -> None:
    slices = look_at(known, (3, 5, 7), zoom=0.9)
    known.session.display.set(colour_map="magma", label_rgb=(1, 2, 3), low=0.25, high=0.75)
    slices.show_sides(False)
    state = slices.view_state()
    known.session.set_cursor((1, 1, 1))
    slices.fit()
    known.session.display.set(colour_map="grey", label_rgb=(9, 9, 9), low=0.0, high=1.0)
    slices.show_sides(True)
    slices.restore_view_state(state)
    assert known.session.cursor == (3, 5, 7)
    assert slices.camera.zoom == pytest.approx(0.9)
    assert slices.camera.centre == pytest.approx([60, 50, 70])
    display = known.session.display.value
    assert (display.colour_map, display.label_rgb, display.low, display.high) == (
        "magma",
        (1, 2, 3),
        0.25,
        0.75,
    )
    assert not slices.planes.sides_shown
    slices.restore_view_state(
        {"cursor": "x", "zoom": -1, "centre": [1], "display": {"low": "a", "label_rgb": 3}}
    )
    assert known.session.cursor == (3, 5, 7) and known.session.display.value == display


def test_threads_end_with_the_window(qtbot: QtBot, settings: object, tmp_path: Path) -> None:
    from sxtstudio.app.document.opening import open_path

    def ours() -> set[str]:
        return {t.name for t in threading.enumerate() if t.name.startswith("slices ")}

    before = ours()
    window = MainWindow(settings)
    window.show()
    with qtbot.waitSignal(window.session.document_changed, timeout=20_000):
        open_path(window.context, write(tmp_path / "a.mrc", truth()))
    assert window.session.document is not None
    window.session.set_cursor((2, 2, 2))
    qtbot.waitUntil(lambda: not window.jobs.running, timeout=20_000)
    window.session.document.modified = False
    window.close()
    window.deleteLater()
    assert ours() == before


def test_another_file_takes_the_place_of_the_first(known: MainWindow, tmp_path: Path, qtbot: QtBot) -> None:
    from sxtstudio.app.document.opening import open_path

    other = np.random.default_rng(9).normal(500, 20, (4, 9, 11)).astype(np.float32)
    known.session.document.modified = False
    with qtbot.waitSignal(known.session.document_changed, timeout=20_000):
        open_path(known.context, write(tmp_path / "other.mrc", other, (10.0, 10.0, 10.0)))
    slices = rest(known, qtbot)
    assert np.array_equal(slices.views["xy"].image.image, other[2])
    display = known.session.display.value
    assert 400 < display.low < 500 < display.high < 600


def test_quick_files_are_read_at_once_slow_ones_by_the_thread(
    open_file: Open, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = truth()
    window = open_file(write(tmp_path / "raw.mrc", data))
    slices = rest(window, qtbot)
    source = slices._source
    assert source is not None
    source.overview, source.cache, source.patience = None, SliceCache(), 0
    window.session.set_cursor((3, 10, 12))
    assert slices.views["xy"].shown_depth == 3, "shown before any thread could have run"
    assert np.array_equal(slices.views["xy"].image.image, data[3])
    read = source.volume.read

    def slow(box: Box) -> np.ndarray:
        time.sleep(0.15)
        return read(box)

    monkeypatch.setattr(source.volume, "read", slow)
    window.session.set_cursor((4, 10, 12))
    assert source.patience > 0 and not source.quick
    window.session.set_cursor((9, 10, 12))
    assert slices.views["xy"].shown_depth == 4, "the thread is reading"
    qtbot.waitUntil(lambda: slices.views["xy"].shown_depth == 9, timeout=5000)
    assert np.array_equal(slices.views["xy"].image.image, data[9])


def test_positions_follow_the_unit(open_file: Open, tmp_path: Path, qtbot: QtBot) -> None:
    window = open_file(write(tmp_path / "cell.mrc", truth()))
    slices = rest(window, qtbot)
    window.session.set_voxel_nm((25.0, 10.0, 10.0))
    window.session.set_cursor((5, 10, 12))
    assert slices.bar.place.text().split() == ["z", "125", "nm"]
    window.session.set_unit("µm")
    assert slices.bar.place.text().split() == ["z", "0.125", "µm"]
