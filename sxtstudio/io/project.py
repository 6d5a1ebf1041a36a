"""What a project folder says of itself: ``project.json`` and the names of its volumes.

    name.sxt/
      project.json       schema, tomogram, voxel size, polarity, steps, view, names of the volumes
      labels-3.zarr      OME-Zarr, uint8, 0 or 255; the number grows with every saving
      mask-2.zarr
      objects-3.zarr     OME-Zarr, uint32: the numbers of the objects; 0 where there is none
      objects-3.json     the table of the objects, see object_table.py
      measurements-3.bin what was measured of them, see measurements.py
      output-3.zarr      the network's output of the last segmentation, uint8, for some or all slices
      undo/              what can be taken back: 000007-9f3ab201.edit …, see edit_file.py
      open.sxtproject    what a double-click opens, see project_marker.py

A project with objects is of version 2, which programs that know no objects refuse; any other is of version 1.
project.json is replaced last and at once: it is the moment at which a saving happens. Everything in it
is checked when it is read, because a project may come from a stranger.
"""

from __future__ import annotations

import itertools
import json
import os
import re
from collections.abc import Collection
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta, Struct

from sxtstudio import __version__
from sxtstudio.core.atomic import atomic_write
from sxtstudio.core.edit_kind import Target
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Triple
from sxtstudio.core.lengths import is_voxel_size
from sxtstudio.core.measure.calibration import LacCalibration
from sxtstudio.core.paths import resolved
from sxtstudio.core.polarity import Basis, Polarity, Value
from sxtstudio.core.records import WrongKey, read_json, record_of
from sxtstudio.core.steps import Step
from sxtstudio.core.temporary import final_name
from sxtstudio.core.trust import Trust, trust_to_json
from sxtstudio.core.trust_records import TrustColumns
from sxtstudio.core.volume import VoxelSize
from sxtstudio.io.edit_file import EDIT_NAME
from sxtstudio.io.project_marker import NAME as MARKER
from sxtstudio.io.project_marker import is_marker, marked_folder
from sxtstudio.io.steps import StepFile, step_to_json

NAME = "project.json"
SUFFIX = ".sxt"
FORMAT, VERSION = "sxtstudio-project", 3
_WITHOUT_MARKS, _WITHOUT_OBJECTS = 2, 1
OUTPUT = "output"
#: The folder of what can be taken back, and how much of it goes into a project.
UNDO, UNDO_BYTES = "undo", 64 << 20
_VOLUME = r"(labels|mask|objects|marks|output)-[0-9]{1,9}\.zarr"
_TABLE = r"objects-[0-9]{1,9}\.json"
_MEASUREMENTS = r"measurements-[0-9]{1,9}\.bin"
_MOST_VOLUMES = 999_999_999
_EditName = Annotated[str, Meta(pattern=rf"^{EDIT_NAME}\Z", description="the name of a change")]
_Length = Annotated[int, Meta(ge=1, le=1 << 20)]


@dataclass(frozen=True)
class StoredVolume:
    """A volume of the project: its folder, and the CRC-32 of its voxels (z slowest)."""

    name: Annotated[str, Meta(pattern=rf"^{_VOLUME}\Z", description='a name such as "labels-3.zarr"')]
    crc32: Annotated[int, Meta(ge=0, le=0xFFFFFFFF)]


@dataclass(frozen=True)
class StoredTable:
    """The table of the objects: its file, and the CRC-32 of that."""

    name: Annotated[str, Meta(pattern=rf"^{_TABLE}\Z", description='a name such as "objects-3.json"')]
    crc32: Annotated[int, Meta(ge=0, le=0xFFFFFFFF)]


@dataclass(frozen=True)
class StoredMeasurements:
    """The measurements of the objects: their file, and the CRC-32 of that."""

    name: Annotated[
        str, Meta(pattern=rf"^{_MEASUREMENTS}\Z", description='a name such as "measurements-3.bin"')
    ]
    crc32: Annotated[int, Meta(ge=0, le=0xFFFFFFFF)]


@dataclass(frozen=True)
class StoredOutput:
    """The network's output for the slices ``first`` to ``last`` (not included): 255 times (output + 1)/2.

    ``threshold`` is the one that was segmented with, ``model`` the name of the model.
    """

    volume: StoredVolume
    first: Annotated[int, Meta(ge=0)]
    last: Annotated[int, Meta(ge=1)]
    threshold: Annotated[float, Meta(ge=-1, le=1)]
    model: str


@dataclass(frozen=True)
class Pointer:
    """Where the tomogram lies: absolute, and relative to the project; and how to know it again."""

    absolute: str
    relative: str
    shape: Triple
    fingerprint: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Record:
    """All that a project knows beside its voxels.

    ``trust`` holds a figure for every slice, or nothing; ``undo`` the names of the files of what can be taken
    back, the oldest first; ``lac`` is how grey values become linear absorption coefficients.
    """

    tomogram: Pointer
    voxel_nm: VoxelSize | None = None
    polarity: Polarity | None = None
    steps: tuple[Step, ...] = ()
    view: dict[str, Any] = field(default_factory=dict)
    trust: Trust = ()
    volumes: dict[Target, StoredVolume] = field(default_factory=dict)
    output: StoredOutput | None = None
    table: StoredTable | None = None
    measurements: StoredMeasurements | None = None
    undo: tuple[str, ...] = ()
    program: str = __version__
    saved: str = ""
    lac: LacCalibration | None = None


class TomogramFile(Struct, frozen=True):
    """Where the tomogram lies, as it stands in the file."""

    shape_zyx: tuple[_Length, _Length, _Length]
    absolute: str = ""
    relative: str = ""
    fingerprint: Any = None

    def __post_init__(self) -> None:
        """Refuse what is no path."""
        if "\0" in self.absolute + self.relative:
            raise WrongKey("absolute", "a path")

    def pointer(self) -> Pointer:
        """Return what it says."""
        fingerprint = dict(self.fingerprint) if isinstance(self.fingerprint, dict) else {}
        return Pointer(self.absolute, self.relative, self.shape_zyx, fingerprint)


class RecordFile(Struct, frozen=True):
    """A record as it stands in a file, with the keys of the file."""

    tomogram: TomogramFile
    voxel_nm_zyx: tuple[float, float, float] | None = None
    polarity: Value | None = None
    polarity_reason: str = ""
    # Former versions did not say how sure it is; what was worked with holds.
    polarity_probability: Annotated[float, Meta(ge=0, le=1)] = 1.0
    polarity_basis: Basis = Basis.IMAGE
    lac: LacCalibration | None = None
    volumes: dict[Target, StoredVolume] = {}
    view: Any = None
    steps: tuple[StepFile, ...] = ()
    trust: TrustColumns | None = None
    network_output: StoredOutput | None = None
    object_table: StoredTable | None = None
    measurements: StoredMeasurements | None = None
    undo: Annotated[tuple[_EditName, ...], Meta(max_length=100_000)] = ()
    program: str = ""
    saved: str = ""

    def __post_init__(self) -> None:
        """Refuse what does not go together."""
        if self.voxel_nm_zyx is not None and not is_voxel_size(self.voxel_nm_zyx):
            raise WrongKey("voxel_nm_zyx", "three lengths in nm that a voxel can have")
        depth, output = self.tomogram.shape_zyx[0], self.network_output
        if self.trust is not None:
            self.trust.of_slices(depth)
        if output is not None and not output.first < output.last <= depth:
            raise WrongKey("network_output.last", f"a slice after the first one, {depth} at most")
        named: list[tuple[str, StoredVolume]] = [*self.volumes.items()]
        if output is not None:
            named.append((OUTPUT, output.volume))
        for target, volume in named:
            if not volume.name.startswith(f"{target}-"):
                raise WrongKey("name", f'"{target}-" and a number')

    def judged_polarity(self) -> Polarity | None:
        """Return what it says of dark and bright."""
        if self.polarity is None:
            return None
        return Polarity(self.polarity, self.polarity_probability, self.polarity_reason, self.polarity_basis)

    def record(self) -> Record:
        """Return what it says."""
        return Record(
            tomogram=self.tomogram.pointer(),
            voxel_nm=self.voxel_nm_zyx,
            polarity=self.judged_polarity(),
            lac=self.lac,
            steps=tuple(step.step() for step in self.steps),
            view=dict(self.view) if isinstance(self.view, dict) else {},
            trust=() if self.trust is None else self.trust.of_slices(self.tomogram.shape_zyx[0]),
            volumes=self.volumes,
            output=self.network_output,
            table=self.object_table,
            measurements=self.measurements,
            undo=self.undo,
            program=self.program,
            saved=self.saved,
        )


def is_project(path: Path) -> bool:
    """Whether a path is a project folder, or the project.json or open.sxtproject in it."""
    if path.name in (NAME, MARKER) or is_marker(path):
        return True
    return path.is_dir() and ((path / NAME).exists() or path.suffix == SUFFIX)


def project_folder(path: Path) -> Path:
    """Return the absolute path of the folder of a project; ``path`` is that or a file that stands for it."""
    if is_marker(path) and path.name != NAME:
        return marked_folder(path)
    return Path(os.path.abspath(path.parent if path.name == NAME else path))


def volume_names(folder: Path) -> list[str]:
    """Return the names of everything in a project folder that looks like a volume of it."""
    return sorted(entry.name for entry in folder.iterdir() if re.fullmatch(_VOLUME, entry.name))


def table_names(folder: Path) -> list[str]:
    """Return the names of all that looks like a table of objects, or like their measurements."""
    wanted = rf"{_TABLE}|{_MEASUREMENTS}"
    return sorted(entry.name for entry in folder.iterdir() if re.fullmatch(wanted, entry.name))


def next_volume_name(folder: Path, target: str) -> str:
    """Return the name under which a new volume is saved: the number above all others, or one that is free."""
    return _next_name(folder, volume_names(folder), target, ".zarr")


def next_table_name(folder: Path) -> str:
    """Return the name under which a new table of objects is saved."""
    return _next_name(folder, table_names(folder), "objects", ".json")


def next_measurements_name(folder: Path) -> str:
    """Return the name under which new measurements of objects are saved."""
    return _next_name(folder, table_names(folder), "measurements", ".bin")


def _next_name(folder: Path, there: list[str], stem: str, suffix: str) -> str:
    number = max((int(name.rpartition("-")[2].partition(".")[0]) for name in there), default=0) + 1
    if number > _MOST_VOLUMES:  # a project of a stranger may have any
        names = {entry.name for entry in folder.iterdir()}
        number = next(n for n in itertools.count(1) if f"{stem}-{n}{suffix}" not in names)
    return f"{stem}-{number}{suffix}"


def half_written(folder: Path) -> list[str]:
    """Return the names of what a saving has left behind that was killed in its middle."""

    def is_ours(name: str) -> bool:
        final = final_name(name)
        return final is not None and (
            final in (NAME, MARKER) or re.fullmatch(rf"{_VOLUME}|{_TABLE}|{_MEASUREMENTS}", final) is not None
        )

    return [entry.name for entry in folder.iterdir() if is_ours(entry.name)]


def keep_unread(folder: Path, names: Collection[str]) -> tuple[str, ...]:
    """Give parts of a project that could not be read another name, so that no saving removes them.

    Returns
    -------
    tuple[str, ...]
        What the user should know of it, a sentence or none.
    """
    kept = []
    for name in [*volume_names(folder), *table_names(folder)]:
        if name in names:
            stem, suffix = os.path.splitext(name)
            places = (
                folder / f"unread-{stem}{more}{suffix}" for more in ("", *(f"-{n}" for n in range(2, 99)))
            )
            place = next((place for place in places if not os.path.lexists(place)), None)
            with suppress(OSError):
                if place is not None:
                    (folder / name).rename(place)
                    kept.append(place.name)
    if not kept:
        return ()
    return (f"What could not be read when {folder.name} was opened is kept in it: {', '.join(kept)}.",)


def volume_path(folder: Path, stored: StoredVolume) -> Path:
    """Return where a volume lies.

    Raises
    ------
    UserError
        If it is not there, or lies outside the project by a link.
    """
    path = folder / stored.name
    if not path.is_dir():
        raise UserError(
            f"The project {folder.name} is incomplete: {stored.name} is missing. Copy the whole folder again."
        )
    if not resolved(path).is_relative_to(resolved(folder)):
        raise UserError(f"{stored.name} in {folder.name} leads to another folder, which is refused.")
    return path


def write_record(folder: Path, record: Record) -> None:
    """Replace project.json, all at once.

    Raises
    ------
    UserError
        If it cannot be written; the former one is then unchanged.
    """
    version = _WITHOUT_MARKS if "objects" in record.volumes else _WITHOUT_OBJECTS
    if "marks" in record.volumes:
        version = VERSION
    content = {"schema": f"{FORMAT}/{version}", **to_json(record)}
    text = json.dumps(content, indent=1, allow_nan=False) + "\n"
    with atomic_write(folder / NAME, own=True) as temporary:
        temporary.write_text(text, encoding="utf-8")


def read_record(folder: Path) -> Record:
    """Read and check project.json.

    Raises
    ------
    UserError
        If it is missing, damaged, or of a newer version.
    """
    path = folder / NAME
    if not path.is_file():
        raise UserError(f"{folder} is no project of SXT Studio: there is no {NAME} in it.")
    content = read_json(path, f"The project {folder.name}")
    schema = str(content.get("schema", ""))
    name, _, version = schema.partition("/")
    if name != FORMAT or not re.fullmatch(r"[0-9]{1,6}", version):
        raise UserError(f"{path} is no project of SXT Studio, or it is damaged. Choose another folder.")
    if int(version) > VERSION:
        program = content.get("program")
        raise UserError(
            f"The project {folder.name} was saved by a newer SXT Studio"
            f"{f' ({program})' if isinstance(program, str) else ''}. "
            "Install the newer version to open it."
        )
    return from_json(content, f"The project {folder.name}")


def to_json(record: Record) -> dict[str, Any]:
    """Return a record as JSON values."""
    return {
        "program": record.program,
        "saved": record.saved,
        "tomogram": {
            "absolute": record.tomogram.absolute,
            "relative": record.tomogram.relative,
            "shape_zyx": list(record.tomogram.shape),
            "fingerprint": record.tomogram.fingerprint,
        },
        "voxel_nm_zyx": None if record.voxel_nm is None else list(record.voxel_nm),
        **_polarity_to_json(record.polarity),
        **({"lac": asdict(record.lac)} if record.lac else {}),
        "volumes": {target: asdict(volume) for target, volume in record.volumes.items()},
        "view": record.view,
        "steps": [step_to_json(step) for step in record.steps],
        **({"trust": trust_to_json(record.trust)} if record.trust else {}),
        # Beside the volumes: former versions open the project without it.
        **({"network_output": asdict(record.output)} if record.output else {}),
        **({"object_table": asdict(record.table)} if record.table else {}),
        **({"measurements": asdict(record.measurements)} if record.measurements else {}),
        **({"undo": list(record.undo)} if record.undo else {}),
    }


def _polarity_to_json(polarity: Polarity | None) -> dict[str, Any]:
    if polarity is None:
        return {"polarity": None, "polarity_reason": ""}
    return {
        "polarity": polarity.value,
        "polarity_reason": polarity.reason,
        "polarity_probability": round(polarity.probability, 4),
        "polarity_basis": polarity.basis.value,
    }


def from_json(content: Any, what: str) -> Record:
    """Check JSON values and return them as a record; ``what`` begins the sentence of an error.

    Raises
    ------
    UserError
        If anything is not as it must be.
    """
    advice = "Use a copy of it, if you have one."
    return record_of(content, RecordFile, f"{what} is damaged", advice).record()
