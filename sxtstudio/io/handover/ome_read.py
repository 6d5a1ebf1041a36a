"""Names and colours of label images of OME-Zarr ("image-label" of 0.4, or within "ome" of 0.5)."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from sxtstudio.core.label_image import Legend, LegendEntry
from sxtstudio.core.plain_files import read_plain
from sxtstudio.core.records import json_values

_MOST_JSON_BYTES = 64 << 20
_MOST_LABELS = 4_000_000


def ome_legend(folder: Path) -> Legend:
    """Return names and colours of a label image of OME-Zarr, () where it has none.

    Whatever is not as it should be is left out: a value without a colour is grey, one without a name is
    called by its value.

    Raises
    ------
    UserError
        If the attributes cannot be read.
    """
    about = _image_label(folder)
    colours: dict[int, tuple[int, int, int]] = {}
    names: dict[int, str] = {}
    for value, entry in _entries(about.get("colors")):
        with suppress(KeyError, TypeError, ValueError):
            red, green, blue = (int(part) for part in entry["rgba"][:3])
            if all(0 <= part <= 255 for part in (red, green, blue)):
                colours[value] = (red, green, blue)
    for value, entry in _entries(about.get("properties")):
        name = entry.get("name", entry.get("class"))
        if isinstance(name, str) and name.strip():
            names[value] = name
    return tuple(
        LegendEntry(value, names.get(value, f"Label {value}"), colours.get(value, (128, 128, 128)))
        for value in sorted(colours.keys() | names.keys())
    )


def _image_label(folder: Path) -> dict[str, Any]:
    for name, within in ((".zattrs", ()), ("zarr.json", ("attributes", "ome"))):
        try:
            content = read_plain(folder / name, _MOST_JSON_BYTES)
        except (FileNotFoundError, NotADirectoryError):
            continue
        found: Any = json_values(content, f"{folder.name}/{name}")
        for key in (*within, "image-label"):
            found = found.get(key) if isinstance(found, dict) else None
        if isinstance(found, dict):
            return found
    return {}


def _entries(listed: Any) -> list[tuple[int, dict[str, Any]]]:
    if not isinstance(listed, list) or len(listed) > _MOST_LABELS:
        return []
    return [
        (entry["label-value"], entry)
        for entry in listed
        if isinstance(entry, dict)
        and type(entry.get("label-value")) is int
        and 0 < entry["label-value"] < 2**32
    ]
