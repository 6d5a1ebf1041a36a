"""What is known of one tomogram of a beamtime, and the folder that keeps it: one JSON file for each.

    PAGE/index.html      the page (``page``)
    PAGE/data.js         what it shows, now.js what runs
    PAGE/pictures/       ID-small.png, ID-slice.png, ID-planes.png, ID-surface.png
    PAGE/records/        ID.json, as written here

The files are the truth: the page can be made of them again. Only this module knows how they look.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec

from sxtstudio.core.atomic import atomic_write
from sxtstudio.core.errors import UserError
from sxtstudio.core.plain_files import refuse_linked_folder
from sxtstudio.core.quality.record import Quality, QualityFlag
from sxtstudio.core.records import read_json, record_of
from sxtstudio.io.fingerprint import fingerprint
from sxtstudio.workflow.jobs.watch import Signature

RECORDS, PICTURES = "records", "pictures"
VERSION = 1
_ID = re.compile(r"[A-Za-z0-9._-]{1,80}")
_UNFIT = re.compile(r"[^A-Za-z0-9_-]+")
_STEM_LETTERS = 40
_EARLIEST = datetime(2000, 1, 1).timestamp()
_DAY_S = 86_400.0


class TomogramState(StrEnum):
    """What has become of a tomogram; files keep the value."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "left out"  # no tomogram, such as a tilt series


class PictureKind(StrEnum):
    """The pictures of a tomogram; names of files keep the value."""

    SMALL = "small"
    SLICE = "slice"
    PLANES = "planes"
    SURFACE = "surface"


@dataclass(frozen=True)
class TomogramRecord:
    """One tomogram.

    Attributes
    ----------
    id
        Of its content and its place: a file that takes the place of another has another one.
    path
        Where it lay, as text; names that are not UTF-8 keep their bytes.
    arrived
        Time at which the file was written, ISO 8601 with the offset of the local time.
    labels
        The file of its labels.
    shape, voxel_nm
        (z, y, x).
    labelled
        Labelled share of the voxels, 0…1.
    seconds
        What the segmentation took.
    quality
        None where it could not be judged.
    objects
        How many there are of each class; "" are those without one. None where none were looked for.
    bodies, border
        So many of them are bodies, the others pieces of membrane; and so many of both touch the border of the
        volume, or of what was reconstructed. None in records of versions that did not tell them apart.
    pictures
        Those that there are.
    doubts
        Why somebody should look at its labels, beside its quality: of the segmentation.
    messages
        What else the user should know; of a failed one, why.
    replaced
        Another file has taken its place since.
    signature
        What the system said of the file, by which a later run knows it again.
    """

    id: str
    path: str
    arrived: str
    state: TomogramState = TomogramState.WAITING
    labels: str | None = None
    shape: tuple[int, int, int] | None = None
    voxel_nm: tuple[float, float, float] | None = None
    labelled: float | None = None
    seconds: float | None = None
    model: str = ""
    device: str = ""
    quality: Quality | None = None
    objects: dict[str, int] | None = None
    pictures: tuple[PictureKind, ...] = ()
    doubts: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()
    replaced: bool = False
    signature: tuple[int, int, float, float] = (0, 0, 0.0, 0.0)
    version: int = field(default=VERSION)
    bodies: int | None = None
    border: int | None = None

    @property
    def name(self) -> str:
        """The name of the file."""
        return Path(self.path).name

    @property
    def day(self) -> str:
        """The day on which it arrived, as 2026-11-29."""
        return self.arrived[:10]

    @property
    def flag(self) -> QualityFlag:
        """The worst that is known of it."""
        if self.state is TomogramState.FAILED:
            return QualityFlag.BAD
        worst = QualityFlag.GOOD if self.quality is None else self.quality.worst
        return QualityFlag.LOOK if self.doubts and worst is QualityFlag.GOOD else worst

    def picture(self, kind: PictureKind) -> str | None:
        """Return the name of a picture, relative to the folder of the page."""
        return f"{PICTURES}/{self.id}-{kind.value}.png" if kind in self.pictures else None


def record_for(tomogram: Path, fingerprint: Mapping[str, Any], signature: Signature) -> TomogramRecord:
    """Return the record of a tomogram that has arrived.

    Parameters
    ----------
    tomogram, fingerprint
        Place and content (``io.fingerprint``).
    signature
        As of ``watch.signature_of``; it has the times.
    """
    return TomogramRecord(
        id=id_of(tomogram, fingerprint), path=str(tomogram), arrived=_arrival(signature), signature=signature
    )


def id_of(tomogram: Path, fingerprint: Mapping[str, Any]) -> str:
    """Return a name for files of a tomogram: some letters of its own, and a checksum."""
    digest = hashlib.sha256(os.fsencode(tomogram.absolute()))
    digest.update(json.dumps(dict(fingerprint), sort_keys=True).encode())
    stem = _UNFIT.sub("-", tomogram.stem)[:_STEM_LETTERS].strip("-") or "tomogram"
    return f"{stem}-{digest.hexdigest()[:12]}"


def current_id(tomogram: Path) -> str | None:
    """Return the id that the record of the file at a place would have now; None where it cannot be read."""
    try:
        return id_of(tomogram, fingerprint(tomogram))
    except OSError:
        return None


def _arrival(signature: Signature) -> str:
    """Return when a file was written: by its own time, or by that of its entry where that makes no sense."""
    _, _, changed, entered = signature
    sensible = _EARLIEST < changed < entered + _DAY_S  # the clock of another computer may be wrong
    return datetime.fromtimestamp(changed if sensible else entered).astimezone().isoformat(timespec="seconds")


def is_page(folder: Path) -> bool:
    """Whether a folder holds records of a beamtime."""
    return (folder / RECORDS).is_dir()


class RecordFolder:
    """The records of a page, in memory without what only one of them at a time is looked at for."""

    def __init__(self, folder: Path) -> None:
        """Read what is there; the folder is made if need be.

        Raises
        ------
        UserError
            If the folder cannot be made or read.
        """
        self.folder = folder
        self.damaged: list[str] = []
        self._records: dict[str, TomogramRecord] = {}
        self._of_path: dict[str, list[str]] = {}
        try:
            for part in (RECORDS, PICTURES):
                refuse_linked_folder(folder / part)
                (folder / part).mkdir(parents=True, exist_ok=True)
            files = sorted(name for name in os.listdir(folder / RECORDS) if name.endswith(".json"))
        except OSError as error:
            raise UserError(
                f"The folder {folder} for the page cannot be used ({error.strerror or error}): "
                "choose another."
            ) from error
        for name in files:
            if _ID.fullmatch(name.removesuffix(".json")):
                try:
                    self._keep(read_record(folder / RECORDS / name))
                except UserError as error:
                    self.damaged.append(str(error))

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._records)

    def __iter__(self) -> Iterator[TomogramRecord]:
        """Yield them as they arrived, the earliest first."""
        return iter(sorted(self._records.values(), key=lambda one: (one.arrived, one.id)))

    def get(self, record_id: str) -> TomogramRecord | None:
        """Return a record, without slices and curve of its quality."""
        return self._records.get(record_id)

    def of_path(self, path: Path | str) -> list[TomogramRecord]:
        """Return the records of all files that lay at a place."""
        return [self._records[one] for one in self._of_path.get(str(path), ())]

    def write(self, record: TomogramRecord) -> None:
        """Keep a record; those of former files of its place step back.

        Raises
        ------
        UserError
            If it cannot be written.
        """
        for former in self.of_path(record.path):
            if former.id == record.id or former.replaced:
                continue
            if former.state is TomogramState.DONE:
                whole = read_record(self._file(former.id))
                self._write(replace(whole, replaced=True))
            else:
                self.remove(former.id)
        self._write(record)

    def remove(self, record_id: str) -> None:
        """Forget a record and its pictures."""
        record = self._records.pop(record_id)
        self._of_path[record.path].remove(record_id)
        for kind in PictureKind:
            with suppress(OSError):
                (self.folder / PICTURES / f"{record_id}-{kind.value}.png").unlink()
        with suppress(OSError):
            self._file(record_id).unlink()

    def whole(self, record_id: str) -> TomogramRecord:
        """Read a record with slices and curve of its quality.

        Raises
        ------
        UserError
            If its file is damaged or has gone.
        """
        return read_record(self._file(record_id))

    def _file(self, record_id: str) -> Path:
        return self.folder / RECORDS / f"{record_id}.json"

    def _write(self, record: TomogramRecord) -> None:
        for part in (RECORDS, PICTURES):
            refuse_linked_folder(self.folder / part)
        values = msgspec.to_builtins(record)
        with atomic_write(self._file(record.id), own=True) as temporary:
            # Not msgspec's own writer: names that are not UTF-8 are no text to it.
            temporary.write_text(json.dumps(values, indent=1) + "\n", "ascii")
        self._keep(record)

    def _keep(self, record: TomogramRecord) -> None:
        quality = record.quality
        if quality is not None:
            record = replace(record, quality=replace(quality, slices=(), curve=None))
        if record.id not in self._records:
            self._of_path.setdefault(record.path, []).append(record.id)
        self._records[record.id] = record


def read_record(path: Path) -> TomogramRecord:
    """Return the record in a file.

    Raises
    ------
    UserError
        If it cannot be read, is no such record, or names pictures of another one.
    """
    what = f"The record {path.name} of a beamtime"
    advice = "It is left as it is; the tomogram counts as new."
    record = record_of(read_json(path, what, advice), TomogramRecord, what, advice)
    if any(not _is_path(text) for text in (record.path, record.labels or "")):
        raise UserError(f"{what} holds a name that no file can have. {advice}")
    if record.id != path.stem:
        raise UserError(f"{what} is that of another tomogram ({record.id}). {advice}")
    return record


def _is_path(text: str) -> bool:
    try:
        return b"\0" not in os.fsencode(text)
    except UnicodeEncodeError:  # half of a character
        return False
