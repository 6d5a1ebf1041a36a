"""The folder in which the ranges of one job are kept until all of them are there.

    plan.json           what is done, and what it depends on; written last, removed first
    NAME.zarr           what all ranges write, each its own layers of chunks
    range-0003/         a finished range
        range.json      its record, with checksums of its slices
        NAME            its layers, until they have been moved into NAME.zarr
    .range-0003.*.part  attempts at a range (see ``attempts``)
    cleaned.raw         labels that are being cleaned
    cleaned.tif.ranges  ranges of that clean-up, a folder like this one
    in-use              the lock of who plans or finishes

A range is finished as soon as ``range-0003`` has its name. Its layers are then moved, by the process that
wrote them or, where that was killed just then, by the next one that looks.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from sxtstudio.core.atomic import atomic_write, publish_folder
from sxtstudio.core.errors import UserError
from sxtstudio.core.plain_files import LinkRefused, read_plain, refuse_links_in
from sxtstudio.core.records import RecordError, read_json_record
from sxtstudio.core.temporary import final_name, remove
from sxtstudio.io.zarr_layers import layer_folders, layers_of, move_layers
from sxtstudio.workflow.ranges.attempts import attempts_at
from sxtstudio.workflow.ranges.split import Range

PLAN, RECORD = "plan.json", "range.json"
CLEANED = "cleaned.raw"
_OURS = re.compile(r"plan\.json|[a-z]+\.zarr|[a-z]+\.raw|[a-z]+\.npz|range-\d+|cleaned\.tif\.ranges")
_MOST_BYTES = 64 << 20
Record = TypeVar("Record", bound=msgspec.Struct)


class NoPlan(UserError):
    """There is no plan in a folder: none was made, or all of it is finished."""


class RangesFolder:
    """The files of the ranges of one job in the folder ``path``."""

    def __init__(self, path: Path) -> None:
        if path.is_symlink():
            raise LinkRefused(f"{path} is a link, and nothing is written through it. Remove it.")
        self.path = path

    def check_plain(self) -> None:
        """Raise LinkRefused if any of its files or folders is a link; to be called before writing."""
        refuse_links_in(self.path, "Remove it: what is missing then is made anew.")

    def store(self, image: str) -> Path:
        """Return the OME-Zarr of one of the images."""
        return self.path / f"{image}.zarr"

    def final(self, number: int) -> Path:
        """Return the folder of a finished range."""
        return self.path / f"range-{number:04d}"

    def read_plan(self, kind: type[Record]) -> tuple[Record, str]:
        """Return the plan and its checksum, which the records of its ranges name.

        Raises
        ------
        NoPlan
            If there is none.
        UserError
            If it is damaged.
        """
        try:
            content = read_plain(self.path / PLAN, _MOST_BYTES)
        except FileNotFoundError:
            raise NoPlan(
                f"{self.path} holds no plan of ranges: plan them first. Where the labels are there, all is "
                "done."
            ) from None
        except OSError as error:
            raise UserError(
                f"{self.path / PLAN} cannot be read ({error.strerror}). Check the disk."
            ) from error
        advice = "Plan the ranges anew."
        plan = read_json_record(content, kind, f"{self.path / PLAN} is damaged", advice)
        return plan, hashlib.sha256(content).hexdigest()

    def write_plan(self, plan: msgspec.Struct) -> str:
        """Write the plan, which makes the folder complete, and return its checksum."""
        content = to_json(plan)
        with atomic_write(self.path / PLAN, own=True) as temporary:
            temporary.write_bytes(content)
        return hashlib.sha256(content).hexdigest()

    def record(self, number: int, kind: type[Record]) -> Record | None:
        """Return the record of a finished range; None if it is not finished, or its record is damaged.

        Raises
        ------
        UserError
            If it cannot be read, though it may be there.
        """
        path = self.final(number) / RECORD
        try:
            return read_json_record(read_plain(path, _MOST_BYTES), kind, RECORD)
        except (FileNotFoundError, RecordError):
            return None
        except OSError as error:
            raise UserError(f"{path} cannot be read ({error.strerror}). Check the disk.") from error

    def finish(self, part: Range, result: Path, record: msgspec.Struct) -> bool:
        """Make a complete ``result``, a folder with the layers of all images, the finished range.

        Returns False where somebody else has finished it meanwhile; what he has done then counts. ``install``
        moves the layers to their place.
        """
        (result / RECORD).write_bytes(to_json(record))
        return publish_folder(result, self.final(part.number))

    def install(self, part: Range, images: tuple[str, ...]) -> None:
        """Move the layers of a finished range to their place, and remove what is left of attempts at it."""
        for image in images:
            move_layers(self.final(part.number) / image, self.store(image), layers_of(part.first, part.last))
        for attempt in list(attempts_at(self.final(part.number))):
            remove(attempt)

    def forget_range(self, part: Range, images: tuple[str, ...]) -> None:
        """Remove a finished range that turned out to be damaged; it has to be done again."""
        remove(self.final(part.number))
        for image in images:
            for layer in layer_folders(self.store(image), layers_of(part.first, part.last)):
                remove(layer)

    def discard(self) -> None:
        """Remove all but the lock, and the folder itself if nothing else is in it."""
        if not self.path.is_dir():
            return
        with suppress(OSError):
            (self.path / PLAN).unlink(missing_ok=True)
        for entry in list(self.path.iterdir()):
            if _OURS.fullmatch(final_name(entry.name) or entry.name):
                remove(entry)
        with suppress(OSError):
            os.rmdir(self.path)


def to_json(record: msgspec.Struct) -> bytes:
    """Return a record as JSON, the same bytes for the same values."""
    values: Any = msgspec.to_builtins(record)
    return json.dumps(values, indent=1, allow_nan=False).encode()
