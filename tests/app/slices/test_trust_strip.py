"""The strip along the slice slider, and the map of what is not recognised."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor, QImage
from pytestqt.qtbot import QtBot

from sxtstudio.app.actions.segment import least_certain_slice
from sxtstudio.app.main_window import MainWindow
from sxtstudio.app.slice_preview import Preview, PreviewStyle
from sxtstudio.app.slices.slice_bar import SliceBar
from sxtstudio.app.slices.trust_strip import legend, tip
from sxtstudio.core.polarity import chosen_polarity
from sxtstudio.core.trust import SliceTrust, scale_of

BLUE, PALE, VERMILION = QColor(0, 114, 178), QColor(240, 228, 190), QColor(213, 94, 0)


def bar_of(window: MainWindow) -> SliceBar:
    bar: SliceBar = window.context.parts.slices.bar
    return bar


def show(window: MainWindow, figures: tuple[SliceTrust, ...]) -> SliceBar:
    assert window.session.document is not None
    window.session.document.trust = figures
    window.session.facts_changed.emit()
    bar = bar_of(window)
    bar.layout().activate()
    return bar


def figures_of_sample() -> tuple[SliceTrust, ...]:
    """64 slices: sure, but for slices 20 to 23; nothing labelled from 50 on."""
    known = [SliceTrust(0.3 if 20 <= z < 24 else 0.6 if 30 <= z < 34 else 0.9) for z in range(50)]
    return (*known, *[SliceTrust()] * 14)


def test_there_is_no_strip_before_a_segmentation(sample: MainWindow) -> None:
    bar = bar_of(sample)
    assert bar.strip.isHidden() and bar.legend.isHidden()
    show(sample, (SliceTrust(None, 0.8),) * 64)
    assert bar.strip.isHidden(), "a strip without a colour would say nothing"


def test_each_slice_has_its_colour_below_the_handle(sample: MainWindow, qtbot: QtBot) -> None:
    bar = show(sample, figures_of_sample())
    assert not bar.strip.isHidden() and not bar.legend.isHidden()
    qtbot.waitUntil(lambda: bar.strip.width() > 200)
    picture: QImage = bar.strip.grab().toImage()
    ratio = picture.width() / bar.strip.width()

    def colour(z: int) -> QColor:
        x = round((bar.strip.place_of(z) + 0.5) * ratio)
        return picture.pixelColor(x, 1)

    for z in (0, 10, 27, 40, 49):
        assert colour(z) == BLUE, z
    for z in (20, 21, 23):
        assert colour(z) == VERMILION, z
    assert colour(32) == PALE
    assert colour(60) not in (BLUE, PALE, VERMILION), "nothing is known of this slice"


def test_one_slice_has_one_figure() -> None:
    figures = (SliceTrust(0.83),)
    scale = scale_of(figures)
    assert scale is not None
    assert legend(scale, figures).count("%") == 1 and "83 %" in legend(scale, figures)
    assert legend(scale, (*figures, SliceTrust(0.9))).count("%") == 2


def test_small_differences_show_and_the_legend_tells_the_scale(sample: MainWindow, qtbot: QtBot) -> None:
    bar = show(sample, tuple(SliceTrust(0.76 + 0.05 * (z % 16) / 15) for z in range(64)))
    qtbot.waitUntil(lambda: bar.strip.width() > 200)
    picture = bar.strip.grab().toImage()
    colours = {picture.pixelColor(x, 1).name() for x in range(picture.width())}
    assert {BLUE.name(), VERMILION.name()} < colours and len(colours) > 10
    assert "76 %" in bar.legend.text() and "81 %" in bar.legend.text()
    assert "within this tomogram" in bar.legend.toolTip() and "sure throughout" in bar.legend.toolTip()
    show(sample, tuple(SliceTrust(0.1 + 0.1 * (z % 16) / 15) for z in range(64)))
    assert "10 %" in bar.legend.text() and "20 %" in bar.legend.text()
    assert "unsure throughout" in bar.strip_name.toolTip()


def test_one_bad_slice_among_many_is_seen(sample: MainWindow, qtbot: QtBot) -> None:
    bar = show(sample, tuple(SliceTrust(0.2 if z == 1234 else 0.9) for z in range(4000)))
    qtbot.waitUntil(lambda: bar.strip.width() > 200)
    picture = bar.strip.grab().toImage()
    colours = {picture.pixelColor(x, 1).name() for x in range(picture.width())}
    assert VERMILION.name() in colours and BLUE.name() in colours


def test_a_click_goes_to_the_slice(sample: MainWindow, qtbot: QtBot) -> None:
    bar = show(sample, figures_of_sample())
    qtbot.waitUntil(lambda: bar.strip.width() > 200)
    qtbot.mouseClick(bar.strip, Qt.MouseButton.LeftButton, pos=QPoint(bar.strip.place_of(21), 3))
    assert sample.session.cursor[0] == 21 and bar.slider.value() == 21
    assert "slice 22" in bar.strip.accessibleDescription().lower()


def test_what_the_tip_says() -> None:
    text = tip(211, SliceTrust(0.742, 0.83))
    assert text.startswith("Slice 212: the network is 74 % sure of its labels.")
    assert "less sure slices had more wrong labels" in text and "83 % of the pixels" in text
    assert "12 % of it was not measured" in tip(3, SliceTrust(0.7, None, 0.88))
    assert "not measured" not in tip(3, SliceTrust(0.7, None, 1.0))
    assert "83" not in tip(0, SliceTrust(0.7)) and "labelled nothing" in tip(0, SliceTrust())


def test_the_least_certain_slices_one_after_the_other(sample: MainWindow) -> None:
    context, told = sample.context, []
    sample.session.message.connect(told.append)
    least_certain_slice(context)
    assert "after a segmentation" in told[-1]
    figures = [SliceTrust(0.9)] * 64
    figures[50], figures[7] = SliceTrust(0.3), SliceTrust(0.4)
    show(sample, tuple(figures))
    sample.session.set_cursor((7, 1, 2))
    visited = []
    for _ in range(2):
        least_certain_slice(context)
        visited.append(sample.session.cursor)
    assert visited == [(50, 1, 2), (7, 1, 2)]


def test_shades_lie_over_the_labels(sample: MainWindow, qtbot: QtBot) -> None:
    session, view = sample.session, sample.context.parts.slices.views["xy"]
    session.display.set(crosshair=False, scale_bar=False)
    z, height, width = session.cursor[0], 384, 384
    shades = np.zeros((height, width), np.uint8)
    shades[100:140, 200:260] = 255
    qtbot.waitUntil(lambda: view.image.image is not None and view.shown_depth == z)
    before = view.grab().toImage()
    session.set_preview(Preview(z, shades, "Not recognised", PreviewStyle.SHADES))
    after = view.grab().toImage()

    def change(row: float, column: float) -> int:
        place = view.transform().map(column, row)
        one, other = (p.pixelColor(*(round(v) for v in place)) for p in (before, after))
        return abs(one.red() - other.red()) + abs(one.green() - other.green())

    assert change(120, 230) > 60 and change(300, 100) == 0 and change(120, 300) == 0


@pytest.fixture
def two_heads(tmp_path: Path, make_model: Callable[..., Path]) -> Path:
    """The toy model with a second output that redraws the slice, but nothing beyond 1 SD."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    path = make_model(tmp_path / "two.onnx")
    model = onnx.load(path)
    for name, value in (("low", -1.0), ("high", 1.0)):
        model.graph.initializer.append(numpy_helper.from_array(np.float32(value), name))
    model.graph.node.append(helper.make_node("Clip", ["input", "low", "high"], ["image"]))
    shape = ["n", 1, "y", "x"]
    model.graph.output.append(helper.make_tensor_value_info("image", TensorProto.FLOAT, shape))
    onnx.save(model, path)
    return path


def test_segmenting_shows_the_strip_and_saves_it(
    sample: MainWindow, two_heads: Path, qtbot: QtBot, no_questions: None
) -> None:
    panel, document = sample.context.parts.segment, sample.session.document
    assert document is not None
    sample.session.set_polarity(chosen_polarity("dark"))
    panel.form.use_model(str(two_heads))
    panel.form.slices.set_range(5, 25)
    panel.start()
    qtbot.waitUntil(lambda: panel.run is None, timeout=60_000)
    assert [z for z, figure in enumerate(document.trust) if figure] == list(range(5, 25))
    assert [z for z, figure in enumerate(document.trust) if figure.recognised is not None] == [7, 12, 17, 22]
    assert all(f.recognised > 0.9 for f in document.trust if f.recognised is not None)
    assert document.record().trust == document.trust
    assert not bar_of(sample).strip.isHidden()
    assert "sure of its labels" in panel.result.text()


@pytest.fixture
def no_questions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is asked."""

    def ask(*args: object) -> str:
        raise AssertionError(args)

    monkeypatch.setattr("sxtstudio.app.questions.ask", ask)


def test_the_map_comes_and_goes(
    sample: MainWindow, two_heads: Path, qtbot: QtBot, errors: list[Exception]
) -> None:
    panel, session = sample.context.parts.segment, sample.session
    session.set_polarity(chosen_polarity("dark"))
    panel.form.use_model(str(two_heads))
    action: Callable[[], None] = sample.context.parts.actions.by_name["segment.unrecognised"].trigger
    action()
    qtbot.waitUntil(lambda: session.preview is not None, timeout=20_000)
    preview = session.preview
    assert preview is not None and preview.style is PreviewStyle.SHADES and preview.z == session.cursor[0]
    assert "not recognised" in preview.title and preview.labels.shape == (384, 384)
    action()
    assert session.preview is None and not errors


def test_a_model_that_draws_no_image_is_explained(
    sample: MainWindow, toy_model: Path, qtbot: QtBot, errors: list[Exception]
) -> None:
    panel = sample.context.parts.segment
    sample.session.set_polarity(chosen_polarity("dark"))
    panel.form.use_model(str(toy_model))
    panel.show_unrecognised()
    qtbot.waitUntil(lambda: bool(errors), timeout=20_000)
    assert "does not redraw its input" in str(errors[0]) and sample.session.preview is None


@pytest.fixture
def errors(window: MainWindow, monkeypatch: pytest.MonkeyPatch) -> list[Exception]:
    """Errors that the user would be shown."""
    told: list[Exception] = []
    monkeypatch.setattr("sxtstudio.app.main_window.show_error", lambda parent, error: told.append(error))
    return told
