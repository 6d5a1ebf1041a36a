"""What files call the axes of an array: ilastik, xarray, NeXus and people write it in different ways."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

# One letter per kind of axis: those of space, c(hannel), t(ime), e(nergy), a(ngle of a tilt series).
_WORDS = {
    **{letter: letter for letter in "zyxct"},
    **dict.fromkeys(("slice", "slices", "section", "sections", "depth", "plane", "planes"), "z"),
    **dict.fromkeys(("row", "rows", "height", "vertical"), "y"),
    **dict.fromkeys(("col", "cols", "column", "columns", "width", "horizontal"), "x"),
    **dict.fromkeys(("channel", "channels", "color", "colour"), "c"),
    **dict.fromkeys(("time", "times"), "t"),
    **dict.fromkeys(("energy", "energies", "wavelength"), "e"),
    **dict.fromkeys(("angle", "angles", "theta", "tilt", "rotation", "projection", "projections"), "a"),
}
_ENDINGS = re.compile(r"^([zyx])(?:pos|position|axis|dim|coord|coords|scale)$")

# Attributes that hold the names, the surest first.
_ATTRIBUTES = ("_ARRAY_DIMENSIONS", "axes", "axis_order", "axisorder", "dimension_order", "dim_order", "dims")


def letter_of(name: str) -> str | None:
    """Return the kind of an axis by its name ("sample_x", "rotation_angle"), or None if it is not clear."""
    split = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    words = [_ENDINGS.sub(r"\1", word) for word in re.findall(r"[a-z]+", split.lower())]
    found = {_WORDS[word] for word in words if word in _WORDS}
    return found.pop() if len(found) == 1 else None


def letters_of(names: Iterable[str]) -> list[str | None] | None:
    """Return the kinds of axes, or None if not even one of them is clear."""
    letters = [letter_of(name) for name in names]
    return letters if any(letter in ("z", "y", "x", "a") for letter in letters) else None


def as_text(value: object) -> str | None:
    """Return the text in an attribute, be it bytes or the one member of a list; None if there is none."""
    if isinstance(value, np.ndarray | list | tuple) and len(np.atleast_1d(np.asarray(value, object))) == 1:
        value = np.asarray(value, object).ravel()[0]
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    return value.strip("\0 ") or None if isinstance(value, str) else None


def as_names(value: object, dimensions: int) -> list[str] | None:
    """Return the names in an attribute such as ["z", "y", "x"], "z:y:x", "[z, y, x]" or "zyx"; else None."""
    if isinstance(value, np.ndarray | list | tuple) and np.size(np.asarray(value, object)) == dimensions > 1:
        names = [as_text(one) or "." for one in np.asarray(value, object).ravel()]
        return names
    text = as_text(value)
    if text is None:
        return None
    parts = [part for part in re.split(r"[\s:,;/\[\]()\"']+", text) if part]
    if len(parts) == 1 and len(text) == dimensions and set(text.lower()) <= set("zyxctse."):
        parts = [*text]
    return parts if len(parts) == dimensions else None


def axistags(attributes: Mapping[str, Any]) -> list[Mapping[str, Any]] | None:
    """Return ilastik's (vigra's) description of each stored axis: "key", "resolution" …; None without it."""
    try:
        axes = json.loads(as_text(attributes.get("axistags")) or "null")["axes"]
        return axes if all(isinstance(axis["key"], str) for axis in axes) else None
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def names_in(attributes: Mapping[str, Any], dimensions: int) -> list[str | None] | None:
    """Return the kinds of the stored axes that the attributes of an array name, or None."""
    tags = axistags(attributes)
    if tags is not None and len(tags) == dimensions:
        return letters_of(str(axis["key"]) for axis in tags)
    tidy = {str(key).lower(): value for key, value in attributes.items()}
    for key in _ATTRIBUTES:
        names = as_names(tidy.get(key.lower()), dimensions)
        letters = None if names is None else letters_of(names)
        if letters is not None:
            return letters
    return None


def resolutions(attributes: Mapping[str, Any], dimensions: int) -> list[tuple[float, object]]:
    """Return ilastik's size (0: unknown) and unit of each stored axis; nothing without its tags."""
    tags = axistags(attributes) or []
    try:
        units = json.loads(as_text(attributes.get("axis_units")) or "{}")
    except (ValueError, RecursionError):
        units = {}
    units = units if isinstance(units, dict) else {}
    if len(tags) != dimensions:
        return []
    found = []
    for axis in tags:
        size = axis.get("resolution")
        known = isinstance(size, int | float) and not isinstance(size, bool)
        found.append((float(size) if known else 0.0, units.get(axis["key"])))  # type: ignore[arg-type]
    return found
