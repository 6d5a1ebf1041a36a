"""A small drawing of curves, four panels, without a plotting library."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont

_PANEL = (520, 300)
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 16, 40, 34
_COLOURS = ("#2563eb", "#d9480f", "#2b8a3e")
_INK, _PALE = "#333333", "#dddddd"


@dataclass(frozen=True)
class TrainingCurve:
    """A named series of points (step, value), ascending."""

    name: str
    points: Sequence[tuple[float, float]]


def draw(panels: Mapping[str, Sequence[TrainingCurve]]) -> Image.Image:
    """Return a picture with one panel for each title, two in a row."""
    rows = -(-len(panels) // 2)
    picture = Image.new("RGB", (2 * _PANEL[0], rows * _PANEL[1]), "white")
    for number, (title, curves) in enumerate(panels.items()):
        origin = (number % 2 * _PANEL[0], number // 2 * _PANEL[1])
        _draw_panel(ImageDraw.Draw(picture), origin, title, curves)
    return picture


def _draw_panel(
    pen: ImageDraw.ImageDraw, origin: tuple[int, int], title: str, curves: Sequence[TrainingCurve]
) -> None:
    font, large = ImageFont.load_default(12), ImageFont.load_default(14)
    left, top = origin[0] + _LEFT, origin[1] + _TOP
    right, bottom = origin[0] + _PANEL[0] - _RIGHT, origin[1] + _PANEL[1] - _BOTTOM
    pen.text((left, origin[1] + 8), title, _INK, large)
    points = [point for curve in curves for point in curve.points]
    last = max((x for x, _ in points), default=1.0) or 1.0
    low, high = _span([y for _, y in points])
    for i in range(5):
        value = low + (high - low) * i / 4
        y = bottom - (bottom - top) * i / 4
        pen.line((left, y, right, y), _PALE)
        pen.text((left - 6, y), f"{value:.3g}", _INK, font, "rm")
    for i in range(5):
        x = left + (right - left) * i / 4
        pen.text((x, bottom + 6), f"{last * i / 4:.0f}", _INK, font, "mt")
    pen.text((right, bottom + 20), "steps", _INK, font, "rt")
    end = right
    for curve, colour in reversed(list(zip(curves, _COLOURS, strict=False))):
        line = [
            (left + (right - left) * x / last, bottom - (bottom - top) * (min(y, high) - low) / (high - low))
            for x, y in curve.points
        ]
        if len(line) > 1:
            pen.line(line, colour, 2, "curve")
        for x, y in line if len(line) < 40 else line[-1:]:
            pen.ellipse((x - 2, y - 2, x + 2, y + 2), colour)
        pen.text((end, origin[1] + 12), curve.name, colour, font, "rt")
        end -= round(pen.textlength(curve.name, font)) + 14


def _span(values: Sequence[float]) -> tuple[float, float]:
    if not values:
        return 0.0, 1.0
    # The losses before the first steps are wild and would flatten the rest: they are drawn at the top.
    ordered = sorted(values)
    high = min(ordered[-1], 4 * abs(ordered[len(ordered) // 2]))
    low = min(0.0, ordered[0])
    return low, high if high > low else low + 1.0
