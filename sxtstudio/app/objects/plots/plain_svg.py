"""SVG as simple readers draw it: points where they lie on the page, and lines as wide as they are there."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

_SVG = "http://www.w3.org/2000/svg"
_EFFECT = "vector-effect"
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_MATRIX = re.compile(r"matrix\(([^)]*)\)")
#: The shapes that Qt writes with points, and where these stand.
_POINTS = {f"{{{_SVG}}}path": "d", f"{{{_SVG}}}polyline": "points", f"{{{_SVG}}}polygon": "points"}


def plain_svg(svg: bytes) -> bytes:
    """Return the SVG of Qt without ``vector-effect``.

    Qt draws a line of one width in stretched coordinates by ``vector-effect="non-scaling-stroke"``, which
    is of SVG 1.2 Tiny and SVG 2. Readers that know only SVG 1.1 stretch the width, too: of bars they draw
    blocks. Here the points of such groups are moved to where they lie on the page, so that nothing is left
    to stretch; what holds other shapes stays in its coordinates.
    """
    ET.register_namespace("", _SVG)
    ET.register_namespace("xlink", "http://www.w3.org/1999/xlink")
    root = ET.fromstring(svg)
    for group in root.iter(f"{{{_SVG}}}g"):
        found = _MATRIX.fullmatch(group.get("transform", ""))
        shapes = list(group)
        if found is None or not shapes or not all(_can_move(shape, group) for shape in shapes):
            continue
        matrix = [float(number) for number in _NUMBER.findall(found[1])]
        for shape in shapes:
            shape.set(_POINTS[shape.tag], _moved(shape.get(_POINTS[shape.tag], ""), matrix))
        del group.attrib["transform"]
    for shape in root.iter():
        shape.attrib.pop(_EFFECT, None)
    text = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8" standalone="no"?>\n{text}'.encode()


def _can_move(shape: ET.Element, group: ET.Element) -> bool:
    """Whether a shape is one of points whose line, if it has one, is as wide wherever it lies."""
    steady = shape.get(_EFFECT) == "non-scaling-stroke" or group.get("stroke") == "none"
    return steady and shape.tag in _POINTS and "transform" not in shape.attrib


def _moved(points: str, matrix: list[float]) -> str:
    """Return pairs of coordinates, and the letters between them, with the matrix applied."""
    a, b, c, d, e, f = matrix
    numbers = [float(number) for number in _NUMBER.findall(points)]
    pairs = iter(zip(numbers[::2], numbers[1::2], strict=True))
    former: list[float] = []

    def place(_: re.Match[str]) -> str:
        if former:
            return f"{former.pop():.6g}"
        x, y = next(pairs)
        former.append(b * x + d * y + f)
        return f"{a * x + c * y + e:.6g}"

    return _NUMBER.sub(place, points)
