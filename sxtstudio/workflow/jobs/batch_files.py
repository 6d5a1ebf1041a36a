"""What a batch writes where: names that never take the place of another result, and the summary."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from msgspec import Struct

from sxtstudio.core.atomic import atomic_write
from sxtstudio.core.errors import UserError
from sxtstudio.core.paths import resolved
from sxtstudio.core.printable import csv_text
from sxtstudio.core.records import read_json, record_of
from sxtstudio.io import open_volume
from sxtstudio.io.fingerprint import has_fingerprint
from sxtstudio.io.volume_name import VolumeName
from sxtstudio.workflow.jobs.batch_objects import ObjectsFound
from sxtstudio.workflow.jobs.outputs import on_disk

#: Stands between the parts of the message of a tomogram.
APART = "; "

Existing = Literal["rename", "skip", "replace"]
State = Literal["waiting", "running", "done", "skipped", "failed", "stopped"]

# What this program writes itself: labels, objects, unfinished segmentations, temporary files.
_OWN = re.compile(
    r".*\.(labels|objects)(-\d+)?\.(tiff?|mrc|rec|map|zarr)(\.partial)?|.*\.partial|\..*", re.IGNORECASE
)


@dataclass(frozen=True)
class BatchRow:
    """One tomogram of a batch.

    Attributes
    ----------
    tomogram, output
        The input, and its label file once that has a name.
    state
        "stopped": the batch was cancelled while it ran; it can be gone on with.
    slices
        Finished and all slices, while it runs.
    seconds
        Time that it took.
    labelled
        Labelled share of the voxels, 0…1.
    message
        For the user: what went wrong, or what to know.
    details
        Model, device, polarity … of a finished one, as plain values.
    worker
        Which of several machines has it or had it, and on what device; "" for this one.
    objects
        What a worker has found in the labels, where that was wanted of it.
    finding_objects
        While it runs: it is segmented, and a worker looks for objects in its labels.
    doubts
        Why somebody should look at the labels of a finished one; where they are new, ``message`` begins with
        them.
    """

    tomogram: Path
    state: State = "waiting"
    output: Path | None = None
    slices: tuple[int, int] | None = None
    seconds: float | None = None
    labelled: float | None = None
    message: str = ""
    details: Mapping[str, Any] | None = None
    worker: str = ""
    objects: ObjectsFound | None = None
    finding_objects: bool = False
    doubts: tuple[str, ...] = ()

    @property
    def notes(self) -> str:
        """The message without the doubts."""
        return self.message.removeprefix(APART.join(self.doubts)).removeprefix(APART)

    @property
    def remarks(self) -> tuple[str, ...]:
        """The notes, each sentence by itself."""
        return tuple(text for text in re.split(rf"(?<=[.!?]){APART}", self.notes) if text)


class Names:
    """Gives every tomogram of a batch the name of its label file.

    The same list in the same order gets the same names, so that a batch can be gone on with.
    """

    def __init__(self, folder: Path | None, suffix: str, existing: Existing) -> None:
        """Write to ``folder``, or beside each tomogram where it is None."""
        self._folder = folder
        self._suffix = suffix
        self._existing = existing
        self._taken: dict[Path, Path] = {}
        self._damaged: dict[Path, Path] = {}  # labels, by the tomogram

    def output(self, tomogram: Path, *, anew: bool = False) -> Path:
        """Return where the labels of ``tomogram`` belong; ``anew`` where there is nothing yet."""
        rivals: list[str] = []
        for stem in _stems(tomogram, rivals):
            for path in self._named(tomogram, stem, anew or self._existing == "rename"):
                if self._is_taken(path, tomogram, rivals):
                    break  # another tomogram of this batch has the name
                if path.exists():
                    if self._existing == "rename":
                        continue
                    if not _belongs(path, tomogram, rivals):
                        break  # the result of another tomogram of an earlier batch
                    if anew:
                        continue
                self._taken[_key(path)] = tomogram
                return path
        raise UserError(f"No free name for the labels of {tomogram} was found: choose another folder.")

    def there(self, tomogram: Path, *, replaced: bool = False) -> Path | None:
        """Return the labels that were made from ``tomogram`` earlier, or None.

        Those of a former file of its name do not count, as far as their report says so; where there is no
        report they count unless the file is known to be ``replaced``. Nor do damaged ones.
        """
        rivals: list[str] = []
        for stem in _stems(tomogram, rivals):
            for path in self._named(tomogram, stem, True):
                if self._is_taken(path, tomogram, rivals):
                    break
                if not path.exists():
                    return None
                if not _belongs(path, tomogram, rivals):
                    break
                if _is_of_this_file(path, tomogram, unknown=not replaced):
                    if _is_damaged(path):
                        self._damaged[tomogram] = path
                        continue
                    self._taken[_key(path)] = tomogram
                    return path
        return None

    def of_damaged(self, tomogram: Path) -> str:
        """Say which of the labels that were made from ``tomogram`` earlier are damaged; "" if none are."""
        found = self._damaged.get(tomogram)
        return f"{found.name}, which was there already, is damaged: delete it" if found is not None else ""

    def _named(self, tomogram: Path, stem: str, more: bool) -> Iterator[Path]:
        folder = self._folder or on_disk(tomogram).parent
        yield folder / f"{stem}.labels{self._suffix}"
        if more:
            yield from (folder / f"{stem}.labels-{number}{self._suffix}" for number in range(2, 1000))

    def _is_taken(self, path: Path, tomogram: Path, rivals: list[str]) -> bool:
        owner = self._taken.get(_key(path), tomogram)
        if owner != tomogram:
            rivals.append(on_disk(owner).name)
        return owner != tomogram

    def keep(self, output: Path, tomogram: Path) -> None:
        """Leave a name to a tomogram that has its labels already."""
        self._taken[_key(output)] = tomogram


def is_own_output(path: Path) -> bool:
    """Whether the name is that of a result of this program, of a temporary or of a hidden file."""
    return _OWN.fullmatch(path.name) is not None


def write_summary(path: Path, rows: Sequence[BatchRow], settings: Mapping[str, Any]) -> None:
    """Write the table of a batch as .csv or .json.

    Raises
    ------
    UserError
        If it cannot be written.
    """
    table = [_entry(row) for row in rows]
    if path.suffix.lower() == ".json":
        text = json.dumps({"settings": settings, "tomograms": table}, indent=2, ensure_ascii=False) + "\n"
    else:
        text = csv_text(_COLUMNS, table)
    # With its mark, spreadsheet programs read UTF-8 right.
    encoding = "utf-8-sig" if path.suffix.lower() == ".csv" else "utf-8"
    with atomic_write(path) as temporary:
        # A name that is not UTF-8 becomes \\udc.., which is how JSON writes such things.
        temporary.write_text(text, encoding, "backslashreplace", newline="")


_DETAILS = ("voxels_labelled", "model", "model_sha256", "device", "polarity", "threshold")
_COLUMNS = ("tomogram", "state", "labels", "labelled_percent", "seconds", *_DETAILS, "message")


def _entry(row: BatchRow) -> dict[str, Any]:
    details = row.details or {}
    return {
        "tomogram": str(row.tomogram),
        "state": row.state,
        "labels": str(row.output) if row.output and row.state in ("done", "skipped") else None,
        "labelled_percent": None if row.labelled is None else round(100 * row.labelled, 3),
        "seconds": None if row.seconds is None else round(row.seconds, 1),
        **{name: details.get(name) for name in _DETAILS},
        "message": row.message,
    }


def doubts_beside(output: Path) -> tuple[str, ...]:
    """Return why somebody should look at labels, as far as the report beside them says so."""
    return _report_of(output).warnings


def same_file(tomogram: Path) -> tuple[str, str | None, str]:
    """Return what two names of one tomogram have in common: file, dataset within, and order of the axes."""
    name = VolumeName.of(tomogram)
    return str(resolved(name.place)), name.inside, str(name.axes)


def _stems(tomogram: Path, rivals: Sequence[str]) -> Iterator[str]:
    """Yield names for a tomogram: cell, then cell-mrc, then monday-cell … where those are taken.

    Where a file of the very same name has them (``rivals`` grows meanwhile), the folder tells them apart.
    """
    name = VolumeName.of(tomogram)
    place = name.place
    stem = place.stem.removesuffix(".ome") or place.name
    inside = re.sub(r"\W+", "-", name.inside or "").strip("-")
    kind = place.suffix.lstrip(".")
    yield stem
    if inside:
        yield f"{stem}-{inside}"
    folder, by_kind = f"{place.parent.name}-{stem}", [f"{stem}-{kind}"] if kind else []
    namesake = place.name.casefold() in [rival.casefold() for rival in rivals]
    yield from [folder, *by_kind] if namesake else [*by_kind, folder]
    yield from (f"{place.parent.name}-{stem}-{number}" for number in range(2, 1000))


def _key(path: Path) -> Path:
    return Path(str(path.absolute()).casefold())  # many disks do not tell A from a


def _is_of_this_file(output: Path, tomogram: Path, unknown: bool) -> bool:
    """Whether labels were made from the content of a tomogram; ``unknown`` where no report says it."""
    said = _input_of(output).get("fingerprint")
    if not isinstance(said, dict) or not said:
        return unknown
    try:
        return has_fingerprint(tomogram, said)
    except OSError:
        return unknown


def _is_damaged(labels: Path) -> bool:
    """Whether labels cannot be opened, though they can be read."""
    try:
        with open_volume(labels):
            return False
    except OSError:
        return False
    except UserError as error:
        return not isinstance(error.__cause__, OSError)


def _belongs(output: Path, tomogram: Path, rivals: list[str]) -> bool:
    """Whether labels were made from a tomogram of this name, as far as a report beside them says."""
    said = _input_of(output).get("path")
    if not isinstance(said, str) or said in (str(on_disk(tomogram).absolute()), str(tomogram.absolute())):
        return True
    rivals.append(on_disk(Path(said)).name)
    return False


class _Report(Struct):
    """What is read of a report."""

    input: dict[str, Any]
    warnings: tuple[str, ...] = ()


def _report_of(output: Path) -> _Report:
    """Return what is said beside labels; nothing where there is no report, or another program's."""
    try:
        return record_of(read_json(output.with_suffix(".json"), "The report"), _Report, "The report")
    except UserError:
        return _Report({})


def _input_of(output: Path) -> dict[str, Any]:
    """Return what the report beside labels says of the tomogram that they were made from."""
    return _report_of(output).input
