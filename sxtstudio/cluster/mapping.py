"""Folders that have another name on the workers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any


class PathMapping:
    """Turns paths of this machine into those of the workers; the longest folder that fits wins."""

    def __init__(self, folders: Mapping[str, str]) -> None:
        """``folders``: here = there; both with or without a separator at the end."""
        pairs = [(_trimmed(here), _trimmed(there)) for here, there in folders.items()]
        self._pairs = sorted(pairs, key=lambda pair: -len(pair[0]))

    def __bool__(self) -> bool:
        """Whether any folder has another name."""
        return bool(self._pairs)

    def there(self, path: str | Path) -> str:
        """Return how the workers call a file or folder of this machine."""
        return _moved(str(path), self._pairs)

    def back(self) -> dict[str, str]:
        """Return the folders the other way round: there = here."""
        return {there: here for here, there in self._pairs}


def mapped_texts(values: Any, mapping: PathMapping) -> Any:
    """Return JSON values in which every text that is a path of a mapped folder is the other machine's."""
    if isinstance(values, str):
        return mapping.there(values)
    if isinstance(values, dict):
        return {key: mapped_texts(value, mapping) for key, value in values.items()}
    if isinstance(values, list | tuple):
        return [mapped_texts(value, mapping) for value in values]
    return values


def _moved(path: str, pairs: list[tuple[str, str]]) -> str:
    for here, there in pairs:
        if path == here:
            return there
        rest = path[len(here) :]
        if path.startswith(here) and (rest[:1] in ("/", "\\") or here.endswith(("/", "\\"))):
            separator = "\\" if re.match(r"[A-Za-z]:\\|\\\\", there) else "/"
            parts = re.split(r"[/\\]" if _is_windows(here) else "/", rest.lstrip("/\\"))
            return there.rstrip("/\\") + separator + separator.join(parts)
    return path


def _is_windows(path: str) -> bool:
    return re.match(r"[A-Za-z]:|\\\\", path) is not None


def _trimmed(path: str) -> str:
    return path.rstrip("/\\") or path
