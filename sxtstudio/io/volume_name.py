"""The name of a volume: its file or folder, a dataset within, and the order in which its axes are stored.

``cell.mrc``, ``scan.h5::/entry/data``, ``scan.h5::/entry/data::axes=xyz``, ``cell.tif::axes=z-yx``

One text holds what has to be known to open a volume again, so that projects, lists of recent files, batches
and the files of a training need no more than a name.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from pathlib import Path

from sxtstudio.core.axes import AxisOrder
from sxtstudio.core.errors import UserError
from sxtstudio.io.zarr import is_zarr

_MARK = "::"
_AXES = re.compile(r"(?s)(.+)::axes=([a-zA-Z,-]{2,20})")


@dataclass(frozen=True)
class VolumeName:
    """A file or folder, a dataset in it (None: that is looked for), and the user's order of its axes."""

    place: Path
    inside: str | None = None
    axes: AxisOrder | None = None

    @classmethod
    def of(cls, name: str | Path) -> VolumeName:
        """Take a name apart.

        Files and folders may have "::" in their own names, so what is there decides: the longest part that is
        a file or a Zarr store. Where nothing is there, a dataset begins with "/".
        """
        text = os.fspath(name)
        if _MARK not in text or os.path.lexists(text):
            return cls(Path(text))
        found = _AXES.fullmatch(text)
        if found:
            try:
                return replace(cls.of(found[1]), axes=AxisOrder.from_text(found[2]))
            except UserError:  # then it is a part of a name, too
                pass
        marks = [at for at in range(len(text)) if text.startswith(_MARK, at)]
        for at in reversed(marks):
            place = Path(text[:at])
            if place.is_file() or (place.is_dir() and is_zarr(place)):
                return cls(place, text[at + len(_MARK) :] or "/")
        for at in reversed(marks):
            if text.startswith("/", at + len(_MARK)):
                return cls(Path(text[:at]), text[at + len(_MARK) :])
        return cls(Path(text))

    def __str__(self) -> str:
        """Return the text that ``of`` takes apart."""
        return self.at(str(self.place))

    def at(self, place: str) -> str:
        """Return the name of the same dataset, read in the same order, in another place."""
        inside = "" if self.inside is None else f"{_MARK}{self.inside}"
        return f"{place}{inside}" + ("" if self.axes is None else f"{_MARK}axes={self.axes}")


def with_axes(name: str | Path, axes: AxisOrder | None) -> Path:
    """Return the name with another order of its axes; None leaves it as it is."""
    return Path(name) if axes is None else Path(str(replace(VolumeName.of(name), axes=axes)))


def moved_to(known: str, given: str | Path) -> str:
    """Return the name, absolute, of a volume that has been moved to ``given``.

    Dataset and order of axes stay as they were known, unless ``given`` names its own or is of another kind.
    """
    new, old = VolumeName.of(os.path.abspath(given)), VolumeName.of(known)
    same_kind = new.place.suffix.lower() == old.place.suffix.lower()
    if new.inside is None and new.axes is None and same_kind:
        return old.at(str(new.place))
    return str(new)
