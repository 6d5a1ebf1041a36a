"""What a project folder says of itself: ``project.json`` and the names of its volumes.

    name.sxt/
      project.json       schema, tomogram, voxel size, polarity, steps, view, names of the volumes
      labels-3.zarr      OME-Zarr, uint8, 0 or 255; the number grows with every saving
      mask-2.zarr
      output-3.zarr      the network's output of the last segmentation, uint8, for some or all slices

The JSON is replaced last and at once: it is the moment at which a saving happens. Everything in it
is checked when it is read, because a project may come from a stranger.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from sxtstudio import __version__
from sxtstudio.core.atomic import atomic_write
from sxtstudio.core.edit_kind import TARGETS, Target
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Triple
from sxtstudio.core.lengths import is_voxel_size
from sxtstudio.core.plain_files import read_plain
from sxtstudio.core.steps import Step
from sxtstudio.core.temporary import final_name
from sxtstudio.core.trust import Trust, trust_from_json, trust_to_json
from sxtstudio.core.volume import VoxelSize
from sxtstudio.io.steps import step_of, step_to_json

NAME = "project.json"
SUFFIX = ".sxt"
FORMAT, VERSION = "sxtstudio-project", 1
SCHEMA = f"{FORMAT}/{VERSION}"
OUTPUT = "output"
_VOLUME = re.compile(r"(labels|mask|output)-[0-9]{1,9}\.zarr")
_MOST_VOLUMES = 999_999_999
_MOST_BYTES = 64 << 20
_LONGEST_AXIS = 1 << 20


@dataclass(frozen=True)
class StoredVolume:
    """A volume of the project: its folder, and the CRC-32 of its voxels (z slowest)."""

    name: str
    crc32: int


@dataclass(frozen=True)
class StoredOutput:
    """The network's output for the slices ``first`` to ``last`` (not included): 255 times (output + 1)/2.

    ``threshold`` is the one that was segmented with, ``model`` the name of the model.
    """

    volume: StoredVolume
    first: int
    last: int
    threshold: float
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

    ``trust`` holds a figure for every slice, or nothing.
    """

    tomogram: Pointer
    voxel_nm: VoxelSize | None = None
    polarity: Literal["dark", "bright"] | None = None
    polarity_reason: str = ""
    steps: tuple[Step, ...] = ()
    view: dict[str, Any] = field(default_factory=dict)
    trust: Trust = ()
    volumes: dict[Target, StoredVolume] = field(default_factory=dict)
    output: StoredOutput | None = None
    program: str = __version__
    saved: str = ""


def is_project(path: Path) -> bool:
    """Whether a path is a project folder, or the project.json in it."""
    return path.name == NAME or (path.is_dir() and ((path / NAME).exists() or path.suffix == SUFFIX))


def volume_names(folder: Path) -> list[str]:
    """Return the names of everything in a project folder that looks like a volume of it."""
    return sorted(entry.name for entry in folder.iterdir() if _VOLUME.fullmatch(entry.name))


def next_volume_name(folder: Path, target: str) -> str:
    """Return the name under which a new volume is saved: the number above all others, or one that is free."""
    names = {entry.name for entry in folder.iterdir()}
    numbers = [int(name.rpartition("-")[2].removesuffix(".zarr")) for name in volume_names(folder)]
    number = max(numbers, default=0) + 1
    if number > _MOST_VOLUMES:  # a project of a stranger may have any
        number = next(n for n in itertools.count(1) if f"{target}-{n}.zarr" not in names)
    return f"{target}-{number}.zarr"


def half_written(folder: Path) -> list[str]:
    """Return the names of what a saving has left behind that was killed in its middle."""

    def is_ours(name: str) -> bool:
        final = final_name(name)
        return final is not None and (final == NAME or _VOLUME.fullmatch(final) is not None)

    return [entry.name for entry in folder.iterdir() if is_ours(entry.name)]


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
    if not path.resolve().is_relative_to(folder.resolve()):
        raise UserError(f"{stored.name} in {folder.name} leads to another folder, which is refused.")
    return path


def write_record(folder: Path, record: Record) -> None:
    """Replace project.json, all at once.

    Raises
    ------
    UserError
        If it cannot be written; the former one is then unchanged.
    """
    content = {"schema": SCHEMA, **to_json(record)}
    text = json.dumps(content, indent=1, allow_nan=False) + "\n"
    with atomic_write(folder / NAME) as temporary:
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
        "polarity": record.polarity,
        "polarity_reason": record.polarity_reason,
        "volumes": {target: asdict(volume) for target, volume in record.volumes.items()},
        "view": record.view,
        "steps": [step_to_json(step) for step in record.steps],
        **({"trust": trust_to_json(record.trust)} if record.trust else {}),
        # Beside the volumes: former versions open the project without it.
        **({"network_output": asdict(record.output)} if record.output else {}),
    }


def from_json(content: Mapping[str, Any], what: str) -> Record:
    """Check JSON values and return them as a record; ``what`` begins the sentence of an error.

    Raises
    ------
    UserError
        If anything is not as it must be.
    """
    try:
        return _record(content)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise UserError(f"{what} is damaged ({reason}). Use a copy of it, if you have one.") from error


def read_json(path: Path, what: str) -> dict[str, Any]:
    """Return the object in a JSON file.

    Raises
    ------
    UserError
        If it cannot be read, is no JSON object, or is unreasonably large.
    """
    try:
        content = json.loads(read_plain(path, _MOST_BYTES), parse_constant=_refuse_constant)
        if not isinstance(content, dict):
            raise ValueError(f"{path.name} holds no object")
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or error}. Check the disk.") from error
    except (ValueError, RecursionError) as error:
        raise UserError(f"{what} is damaged ({error}). Use a copy of it, if you have one.") from error
    return content


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number")


def _record(content: Mapping[str, Any]) -> Record:
    polarity = content.get("polarity")
    if polarity not in (None, "dark", "bright"):
        raise ValueError("the polarity is neither dark nor bright")
    view, trust = content.get("view"), content.get("trust")
    tomogram = _pointer(_object(content["tomogram"], "tomogram"))
    return Record(
        tomogram=tomogram,
        voxel_nm=voxel_of(content.get("voxel_nm_zyx")),
        polarity=polarity,
        polarity_reason=_text(content.get("polarity_reason", ""), "the reason of the polarity"),
        steps=tuple(step_of(step) for step in _list(content.get("steps", []), "steps")),
        view=dict(view) if isinstance(view, dict) else {},
        trust=() if trust is None else trust_from_json(_object(trust, "the trust"), tomogram.shape[0]),
        volumes={
            _target(target): _volume(target, _object(volume, "a volume"))
            for target, volume in _object(content.get("volumes", {}), "volumes").items()
        },
        output=_output(content.get("network_output"), tomogram.shape[0]),
        program=_text(content.get("program", ""), "the version of the program"),
        saved=_text(content.get("saved", ""), "the time of saving"),
    )


def _pointer(content: Mapping[str, Any]) -> Pointer:
    z, y, x = (_whole(n, "the shape", 1, _LONGEST_AXIS) for n in _list(content["shape_zyx"], "the shape"))
    fingerprint = content.get("fingerprint")
    absolute, relative = (
        _text(content.get(key, ""), "the tomogram's path") for key in ("absolute", "relative")
    )
    if "\0" in absolute + relative:
        raise ValueError("the tomogram's path is none")
    return Pointer(absolute, relative, (z, y, x), dict(fingerprint) if isinstance(fingerprint, dict) else {})


def _target(name: str) -> Target:
    for target in TARGETS:
        if name == target:
            return target
    raise ValueError(f"{name!r} is no volume of a project")


def _volume(target: str, content: Mapping[str, Any]) -> StoredVolume:
    name = _text(content["name"], "the name of a volume")
    if not _VOLUME.fullmatch(name) or not name.startswith(f"{target}-"):
        raise ValueError(f"{name!r} is no name of a volume")
    return StoredVolume(name, _whole(content["crc32"], "a checksum", 0, 0xFFFFFFFF))


def _output(content: Any, depth: int) -> StoredOutput | None:
    if content is None:
        return None
    found = _object(content, "the network's output")
    first = _whole(found["first"], "the first slice of the network's output", 0, depth - 1)
    threshold = found["threshold"]
    if isinstance(threshold, bool) or not isinstance(threshold, int | float) or not -1 <= threshold <= 1:
        raise ValueError("the threshold is no number from −1 to 1")
    return StoredOutput(
        _volume(OUTPUT, _object(found["volume"], "the network's output")),
        first,
        _whole(found["last"], "the last slice of the network's output", first + 1, depth),
        float(threshold),
        _text(found["model"], "the name of the model"),
    )


def voxel_of(content: Any) -> VoxelSize | None:
    """Check a voxel size; raises ValueError."""
    if content is None:
        return None
    numbers = _list(content, "the voxel size")
    if len(numbers) != 3 or any(isinstance(n, bool) or not isinstance(n, int | float) for n in numbers):
        raise ValueError("the voxel size is not three numbers")
    z, y, x = (float(n) for n in numbers)
    if not is_voxel_size((z, y, x)):
        raise ValueError("the voxel size makes no sense")
    return (z, y, x)


def _object(content: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(content, dict):
        raise ValueError(f"{what} is no object")
    return content


def _list(content: Any, what: str) -> Sequence[Any]:
    if not isinstance(content, list):
        raise ValueError(f"{what} is no list")
    return content


def _text(content: Any, what: str) -> str:
    if not isinstance(content, str):
        raise ValueError(f"{what} is no text")
    return content


def _whole(content: Any, what: str, least: int, most: int) -> int:
    if isinstance(content, bool) or not isinstance(content, int) or not least <= content <= most:
        raise ValueError(f"{what} is no number between {least} and {most}")
    return content
