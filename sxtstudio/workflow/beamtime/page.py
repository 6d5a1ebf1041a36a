"""The page of a beamtime: HTML that opens from any disk, and two data files that it reads again and again.

``index.html`` holds style and script and, for programs without scripts, the latest tomograms as plain text;
``data.js`` what is shown; ``now.js``, small, what is done now and which data are the newest. The data are
scripts with one call each, since a page from a disk may read nothing else. Nothing comes from a network.
"""

from __future__ import annotations

import html
import json
import math
import re
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from sxtstudio.core.atomic import atomic_write
from sxtstudio.core.errors import UserError
from sxtstudio.core.plain_files import open_plain
from sxtstudio.core.printable import printable
from sxtstudio.core.quality.dictionary import DEFINITIONS
from sxtstudio.core.quality.record import QualityFigure
from sxtstudio.core.shipped import resources
from sxtstudio.core.wording import duration, shape_text, share, voxel_text
from sxtstudio.workflow.beamtime.record import PictureKind, TomogramRecord
from sxtstudio.workflow.beamtime.status import Status
from sxtstudio.workflow.beamtime.summary import (
    Day,
    days_of,
    headline_of,
    mark_of,
    objects_text,
    pieces_of,
    sentences_of,
    sorted_by,
)

INDEX, DATA, NOW = "index.html", "data.js", "now.js"
# By this our own files are known; it stands in the first part of each.
_MARK, _MARK_BYTES = b"sxtBeamtime", 1 << 17
# Without scripts, so many are enough: a list that nobody can filter.
_PLAIN_ROWS = 200
_WITHOUT_SCRIPTS = "<!-- without scripts -->"
# In a script these could end it, or the line.
_UNFIT = re.compile("[<>&\u2028\u2029]")


def check_files(folder: Path, others: Sequence[str] = ()) -> None:
    """Refuse a folder in which somebody else's files have the names of the page and of ``others``.

    Raises
    ------
    UserError
        If there are any.
    """
    if _is_own(folder / INDEX, _MARK):
        return
    marked = (name for name in (DATA, NOW) if not _is_own(folder / name, _MARK))
    for name in (INDEX, *marked, *others):
        path = folder / name
        if path.exists() and not path.is_symlink():  # a link is replaced, and its target stays
            raise UserError(
                f"{path} was not made by SXT Studio and would be overwritten: choose another folder for the "
                "page, or move the file away."
            )


def _is_own(path: Path, mark: bytes) -> bool:
    try:
        with open_plain(path) as file:
            return mark in file.read(_MARK_BYTES)
    except OSError:
        return False


def write_page(folder: Path, title: str, records: Sequence[TomogramRecord]) -> str:
    """Write page and data, and return the version of the data, which ``write_now`` gives to the page.

    Parameters
    ----------
    folder
        As of ``record.RecordFolder``.
    title
        Of the page.
    records
        All of them, the earliest first.

    Raises
    ------
    UserError
        If a file cannot be written.
    """
    version = datetime.now().astimezone().isoformat(timespec="milliseconds")
    tomograms = [_entry(record) for record in records]
    figures = {row[0]: row[1] for entry in tomograms for row in entry["figures"] if row[5] is not None}
    _write(
        folder / DATA,
        _call(
            "data",
            {
                "version": version,
                "title": printable(title),
                "tomograms": tomograms,
                "days": [_day(day) for day in days_of(records)],
                "sortable": [[name, figures[name].lower()] for name in DEFINITIONS if name in figures],
            },
        ),
    )
    plain = "\n".join(_plain(record) for record in records[: -_PLAIN_ROWS - 1 : -1])
    heading = f"<p>This program shows no scripts: here are the latest tomograms.</p>\n{plain}"
    _write(folder / INDEX, _template().replace(_WITHOUT_SCRIPTS, heading))
    return version


def write_now(folder: Path, status: Status, version: str) -> None:
    """Write what is done now.

    Raises
    ------
    UserError
        If the file cannot be written.
    """
    written = datetime.now().astimezone().isoformat(timespec="seconds")
    now = {
        "version": version,
        "written": written,
        "doing": status.doing.value,
        "text": printable(status.text),
        "trouble": printable(status.trouble),
    }
    _write(folder / NOW, _call("now", now))


@cache
def _template() -> str:
    path = resources() / "beamtime" / INDEX
    try:
        return path.read_text("utf-8")
    except OSError as error:
        raise UserError(f"{path} is missing, which came with SXT Studio: install it again.") from error


def _entry(record: TomogramRecord) -> dict[str, Any]:
    """Return what the page shows of a tomogram."""
    quality = record.quality
    path = Path(record.path)
    return {
        "id": record.id,
        "name": printable(record.name),
        "folder": printable(str(path.parent)),
        "arrived": record.arrived,
        "day": record.day,
        "mark": mark_of(record).value,
        "head": printable(headline_of(record)),
        "labels": "" if record.labels is None else printable(Path(record.labels).name),
        "voxels": voxels_text(record),
        "labelled": record.labelled,
        "labelledText": "" if record.labelled is None else share(record.labelled),
        "objects": sorted_by(record),
        "pieces": pieces_of(record),
        "objectsText": printable(objects_text(record)),
        "secondsText": "" if record.seconds is None else duration(record.seconds),
        "model": printable(f"{record.model} ({record.device})") if record.model else "",
        "sentences": [printable(text) for text in sentences_of(record)],
        "figures": [_figure(one) for one in (() if quality is None else quality.figures)],
        "pictures": {kind.value: record.picture(kind) for kind in PictureKind if kind in record.pictures},
        "replaced": record.replaced,
    }


def _figure(one: QualityFigure) -> list[Any]:
    value = one.value if one.value is None or math.isfinite(one.value) else None
    return [one.name.value, one.definition.title, one.text, one.flag.value, printable(one.sentence), value]


def voxels_text(record: TomogramRecord) -> str:
    """Return "350 × 1324 × 1284, 20 nm voxels"; "" where the file could not be read."""
    return "" if record.shape is None else f"{shape_text(record.shape)}, {voxel_text(record.voxel_nm)}"


def _day(day: Day) -> dict[str, Any]:
    return {
        "day": day.day,
        "tomograms": day.tomograms,
        "done": day.done,
        "failed": day.failed,
        "look": day.to_look_at,
        "figures": [[one.title, one.text, one.change_text] for one in day.figures],
    }


def _plain(record: TomogramRecord) -> str:
    """Return a tomogram as HTML without scripts."""
    picture = record.picture(PictureKind.SLICE)
    image = f'<a href="{picture}"><img src="{picture}" width="160" alt=""></a> ' if picture else ""
    words = [mark_of(record).value, record.arrived[:16].replace("T", " "), *sentences_of(record)]
    text = html.escape(printable(f"{record.name}: {'; '.join(words)}"))
    return f"<p>{image}{text}</p>"


def _call(name: str, values: dict[str, Any]) -> str:
    text = json.dumps(values, separators=(",", ":"), allow_nan=False)  # ASCII only
    return f"sxtBeamtime.{name}({_UNFIT.sub(_escaped, text)});\n"


def _escaped(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"


def _write(path: Path, text: str) -> None:
    with atomic_write(path, own=True) as temporary:
        temporary.write_text(text, "utf-8", "backslashreplace", newline="\n")
