"""Measurements of objects in a file: of a project ("measurements-3.bin") and of a working folder.

The first line is JSON, UTF-8:

    {"schema": "sxtstudio-measurements/1", "id": "9f3ab201", "objects": 120, "calibrated": true,
     "voxel_nm_zyx": [10.0, 10.0, 10.0], "columns": [["volume", "<f8"], …], "stale": [3, 17],
     "differ": [[17, "5f0c39b1"]],
     "classes": ["Vesicle"], "classified": "5c1b…",
     "contacts": [{"first": "Vesicle", "second": "ER", "at_most": 50.0}],
     "notes": […]}

"stale" are the objects that have, or may have, changed since, and "differ" says of some of them by how much
(``core/object_differences.py``, hexadecimal), so that going back makes their measurements valid again.

"classified" are digits that are others when the objects have other classes (``core/measure/kept.py``).

After it come the numbers of the objects (int64) and the values of each column, one array after another, least
byte first. Columns are known by their keys: what they mean says the program, not the file. Everything is
checked when it is read, because a project may come from a stranger.
"""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

import msgspec
import numpy as np
from msgspec import Meta, Struct
from numpy.typing import NDArray

from sxtstudio.core.atomic import atomic_write
from sxtstudio.core.errors import UserError
from sxtstudio.core.lengths import is_voxel_size
from sxtstudio.core.measure.columns import Column, Measurements
from sxtstudio.core.measure.kept import KeptMeasurements
from sxtstudio.core.object_table import MOST_NUMBER
from sxtstudio.core.plain_files import read_plain
from sxtstudio.core.records import WrongKey, read_json_record
from sxtstudio.core.wording import bytes_text

if TYPE_CHECKING:  # at run time this loads what measures objects
    from sxtstudio.core.measure.contacts import ContactRule

SCHEMA = "sxtstudio-measurements/1"
MOST_BYTES = 1 << 30
_MOST_OBJECTS, _MOST_COLUMNS = 10_000_000, 2000
_TO_CLASS, _TITLE = "distance_to_", "Distance to "
_Name = Annotated[str, Meta(min_length=1, max_length=1000, description="a name")]
_Type = Literal["<f8", "<f4", "<i8", "<i4", "<u4", "|u1", "|b1"]
Difference = Annotated[str, Meta(pattern=r"^[0-9a-f]{1,16}\Z", description="hexadecimal digits")]
_Number = Annotated[int, Meta(ge=1, le=MOST_NUMBER)]


class _Contact(Struct, frozen=True):
    first: _Name
    second: _Name
    at_most: Annotated[float, Meta(gt=0, le=1e9)]


class _Header(Struct, frozen=True):
    schema: Literal["sxtstudio-measurements/1"]
    id: Annotated[str, Meta(pattern=r"^[0-9a-f]{0,32}\Z", description="hexadecimal digits")]
    objects: Annotated[int, Meta(ge=0, le=_MOST_OBJECTS)]
    calibrated: bool
    voxel_nm_zyx: tuple[float, float, float] | None
    columns: Annotated[tuple[tuple[_Name, _Type], ...], Meta(max_length=_MOST_COLUMNS)]
    stale: tuple[_Number, ...] = ()
    differ: tuple[tuple[_Number, Difference], ...] = ()
    classes: Annotated[tuple[_Name, ...], Meta(max_length=_MOST_COLUMNS)] = ()
    contacts: Annotated[tuple[_Contact, ...], Meta(max_length=_MOST_COLUMNS)] = ()
    classified: Annotated[str, Meta(pattern=r"^[0-9a-f]{0,16}\Z", description="hexadecimal digits")] = ""
    notes: Annotated[tuple[str, ...], Meta(max_length=1000)] = ()

    def __post_init__(self) -> None:
        """Refuse what does not go together."""
        if self.voxel_nm_zyx is not None and not is_voxel_size(self.voxel_nm_zyx):
            raise WrongKey("voxel_nm_zyx", "three lengths in nm that a voxel can have")
        if self.calibrated != (self.voxel_nm_zyx is not None):
            raise WrongKey("calibrated", "true where there is a voxel size, and false where there is none")
        if len({key for key, _ in self.columns}) < len(self.columns):
            raise WrongKey("columns", "columns of different keys")


def measurements_bytes(kept: KeptMeasurements, name: str = "") -> bytes:
    """Return measurements as the content of a file; ``name`` are hexadecimal digits that tell it from others.

    Columns that hold no numbers are left out.

    Raises
    ------
    UserError
        If it is larger than what would be read again.
    """
    value = kept.value
    types = set(get_args(_Type))
    held = [(c, np.ascontiguousarray(value.values[c.key])) for c in value.columns]
    held = [(c, array.astype(array.dtype.newbyteorder("<"), copy=False)) for c, array in held]
    held = [(column, array) for column, array in held if array.dtype.str in types]
    size = sum(array.nbytes for _, array in held)
    if size > MOST_BYTES // 2:
        raise UserError(
            f"The measurements take {bytes_text(size)} and are not kept; {bytes_text(MOST_BYTES // 2)} is "
            "the most. Remove the small objects first."
        )
    header = {
        "schema": SCHEMA,
        "id": name,
        "objects": len(value.numbers),
        "calibrated": value.calibrated,
        "voxel_nm_zyx": kept.voxel_nm,
        "columns": [(column.key, array.dtype.str) for column, array in held],
        "stale": sorted(kept.stale),
        "differ": [(n, f"{by:x}") for n, by in sorted(kept.differences.items()) if n not in kept.doubtful],
        "classes": [
            column.title.removeprefix(_TITLE) for column, _ in held if column.key.startswith(_TO_CLASS)
        ],
        "classified": kept.classified,
        "contacts": [_Contact(rule.first, rule.second, rule.at_most) for rule in kept.contacts],
        "notes": value.notes,
    }
    arrays = [value.numbers.astype("<i8", copy=False), *(array for _, array in held)]
    return b"".join([msgspec.json.encode(header), b"\n", *(array.tobytes() for array in arrays)])


def write_measurements(path: Path, content: bytes) -> int:
    """Write what ``measurements_bytes`` returned, all at once; return the CRC-32 of the file.

    Raises
    ------
    UserError
        If it cannot be written; the former file is then unchanged.
    """
    with atomic_write(path, own=True) as temporary:
        temporary.write_bytes(content)
    return zlib.crc32(content)


def read_measurements(path: Path, what: str) -> tuple[KeptMeasurements, str, int]:
    """Read and check a file of measurements; ``what`` names it in an error.

    Returns
    -------
    kept, name, crc32
        The measurements without columns that the program does not know, their name, and the file's CRC-32.

    Raises
    ------
    UserError
        If it is missing, damaged, or of a newer version.
    """
    try:
        content = read_plain(path, MOST_BYTES)
    except OSError as error:
        raise UserError(f"{what} cannot be read: {error.strerror or error}.") from error
    line, _, data = content.partition(b"\n")
    header = read_json_record(line, _Header, f"{what} are damaged")
    arrays = _arrays(header, data)
    if arrays is None:
        raise UserError(f"{what} are damaged: the file is not as long as it says.")
    numbers, *columns = arrays
    if len(numbers) and (numbers[0] < 1 or numbers[-1] > MOST_NUMBER or np.any(np.diff(numbers) <= 0)):
        raise UserError(f"{what} are damaged: the numbers of the objects do not ascend.")
    contacts, known = _known(header)
    kinds = {key: array for (key, _), array in zip(header.columns, columns, strict=True)}
    value = Measurements(numbers, calibrated=header.calibrated, notes=header.notes)
    for key, array in kinds.items():
        if key not in known:
            continue
        # Whole numbers are floats only where none could be measured, as in a volume of one slice.
        if array.dtype.kind in "iub" or not known[key].integer or np.isnan(array).all():
            value.add(known[key], array)
    if "grey_inside_mean" in value.values and not {"grey_mean", "grey_sd", "volume"} <= value.values.keys():
        raise UserError(f"{what} are damaged: columns of grey values are missing.")
    differ = {number: int(by, 16) for number, by in header.differ if int(by, 16)}
    doubtful = frozenset(header.stale) - differ.keys()
    kept = KeptMeasurements(value, doubtful, header.voxel_nm_zyx, contacts, differ, header.classified)
    return kept, header.id, zlib.crc32(content)


def _arrays(header: _Header, data: bytes) -> list[NDArray[Any]] | None:
    types = [np.dtype("<i8"), *(np.dtype(kind) for _, kind in header.columns)]
    if len(data) != header.objects * sum(kind.itemsize for kind in types):
        return None
    found: list[NDArray[Any]] = []
    offset = 0
    for kind in types:
        if kind.kind == "b":  # a byte of a stranger may be more than 0 and 1
            array = np.frombuffer(data, np.uint8, header.objects, offset) != 0
        else:
            array = np.frombuffer(data, kind, header.objects, offset).astype(kind.newbyteorder("="))
        found.append(array)
        offset += header.objects * kind.itemsize
    return found


def _known(header: _Header) -> tuple[tuple[ContactRule, ...], dict[str, Column]]:
    """Return the contacts of a file, and by its key every column that the program would measure."""
    from sxtstudio.core.measure.calibration import COLUMNS
    from sxtstudio.core.measure.contacts import ContactRule
    from sxtstudio.core.measure.measure import all_columns
    from sxtstudio.core.measure.relations import NEAREST, POSITION, SHELL, class_columns

    contacts = tuple(ContactRule(rule.first, rule.second, rule.at_most) for rule in header.contacts)
    columns: list[Column] = [*all_columns(), *COLUMNS, *NEAREST, POSITION, SHELL]
    for name in header.classes:
        columns += class_columns(name)
    for rule in contacts:
        columns += rule.columns()
    return contacts, {column.key: column for column in columns}
